"""Orders of a plan with their work, what they take and whom they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.units import to_seconds

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

Node = tuple[str, str]
"""Product and place."""
Stretch = tuple[int, int]
"""Begin and end [UTC s]."""
ROUNDING = 1e-6
"""Quantities and minutes that differ by less are equal."""


class Consumption(NamedTuple):
    """What an order takes: product and place, by which step, and when [UTC s]."""

    node: Node
    step: int | None
    instant: int


@dataclass(slots=True, kw_only=True)
class PlannedWork:
    """A step of an order on a resource, as planned [UTC s]; `minutes` are its work.

    `setup_minutes` of it are its own set-up and what of a changeover is booked with it.
    """

    step: int
    resource: str | None
    start: int
    finish: int
    minutes: float
    setup_minutes: float
    units: float
    locked: bool


@dataclass(slots=True, kw_only=True)
class PlannedOrder:
    """An order of a plan.

    Parameters
    ----------
    row
        Of the plan's supplies.
    start, finish
        As there [UTC s].
    levels
        Demands that it serves, and how many orders are between.
    pegged
        Quantity that is pegged to demands.
    """

    row: Mapping[str, Any]
    start: int
    finish: int
    work: list[PlannedWork] = field(default_factory=list)
    levels: set[tuple[str, int]] = field(default_factory=set)
    pegged: float = 0.0

    @property
    def ident(self) -> str:
        """Id of the order."""
        return str(self.row["id"])

    @property
    def name(self) -> str:
        """Number of the order, for people."""
        return str(self.row["number"] or self.row["id"])

    @property
    def node(self) -> Node:
        """What it gives, and where."""
        return self.row["product"], self.row["location"]

    @property
    def begins(self) -> int:
        """Begin of its first step [UTC s]."""
        return min(one.start for one in self.work)

    @property
    def ends(self) -> int:
        """End of its last step [UTC s]."""
        return max(one.finish for one in self.work)

    @property
    def spare(self) -> bool:
        """Whether a part of it is pegged to no demand."""
        return bool(self.pegged < self.row["qty"] - ROUNDING)


def planned_orders(plan: Plan) -> dict[str, PlannedOrder]:
    """Orders of a plan by id, with their work and the demands that they serve."""
    found = {
        row["id"]: PlannedOrder(
            row=row,
            start=to_seconds(row["start"] or row["finish"]),
            finish=to_seconds(row["finish"]),
        )
        for row in plan.supplies.iter_rows(named=True)
        if row["finish"] is not None
    }
    work = plan.operations.group_by(
        "supply", "step", "resource", maintain_order=True
    ).agg(
        pl.col("start").min(),
        pl.col("finish").max(),
        (pl.col("setup_minutes") + pl.col("run_minutes")).sum().alias("minutes"),
        pl.col("setup_minutes").sum(),
        pl.col("units").max(),
        pl.col("locked").any(),
    )
    for row in work.iter_rows(named=True):
        if row["supply"] in found:
            found[row["supply"]].work.append(
                PlannedWork(
                    step=row["step"],
                    resource=row["resource"] or None,
                    start=to_seconds(row["start"]),
                    finish=to_seconds(row["finish"]),
                    minutes=row["minutes"],
                    setup_minutes=row["setup_minutes"],
                    units=row["units"] or 1.0,
                    locked=row["locked"],
                )
            )
    pegs = plan.pegging.group_by("supply", maintain_order=True).agg(
        pl.col("qty").sum(), pl.struct("demand", "level").alias("levels")
    )
    for supply, qty, levels in pegs.iter_rows():
        if supply in found:
            found[supply].pegged = qty
            found[supply].levels = {(one["demand"], one["level"]) for one in levels}
    return found
