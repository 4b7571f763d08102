"""What became of pegs from plan to plan: created, updated, superseded, released.

Pegs of a plan are rows, never events (design 3.6); what changed between two published
plans follows from their rows and ids, and is named as requirement PEG-03 names it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key = tuple[str, str, str, str]
"""Demand, supply, product, location."""


class PegEvent(StrEnum):
    """What happened to a peg."""

    CREATED = "PegCreated"
    UPDATED = "PegUpdated"
    SUPERSEDED = "PegSuperseded"
    RELEASED = "PegReleased"


class PegStatus(StrEnum):
    """Whether a peg holds."""

    ACTIVE = "Active"
    SUPERSEDED = "Superseded"
    RELEASED = "Released"


class PegChange(NamedTuple):
    """One change of one peg; quantities in units of the product, 0: none.

    `replaced_by` names the supplies that stand in for a superseded one.
    """

    event: PegEvent
    demand: str
    supply: str
    product: str
    location: str
    old_qty: float
    new_qty: float
    replaced_by: tuple[str, ...] = ()


class PegRecord(NamedTuple):
    """A peg over its life: from the plan that made it to the plan that ended it."""

    demand: str
    supply: str
    product: str
    location: str
    qty: float
    status: PegStatus
    since: str
    until: str | None
    replaced_by: tuple[str, ...]


def peg_changes(old: pl.DataFrame, new: pl.DataFrame) -> tuple[PegChange, ...]:
    """Name what happened to pegs from one plan to the next.

    Parameters
    ----------
    old, new
        Tables `pegging` of the two plans.

    Returns
    -------
    tuple of PegChange
        By demand, product, location and supply. A peg that is gone is superseded where
        new pegs serve the same demand with the product there, else released.
    """
    before, after = _sums(old), _sums(new)
    fresh: dict[tuple[str, str, str], list[str]] = {}
    for demand, supply, product, location in sorted(after.keys() - before.keys()):
        fresh.setdefault((demand, product, location), []).append(supply)
    found = []
    for key in sorted({*before, *after}, key=_place):
        demand, supply, product, location = key
        was, now = before.get(key, 0.0), after.get(key, 0.0)
        others = tuple(fresh.get((demand, product, location), ()))
        if key not in before:
            event, others = PegEvent.CREATED, ()
        elif key not in after:
            event = PegEvent.SUPERSEDED if others else PegEvent.RELEASED
        elif was != now:
            event, others = PegEvent.UPDATED, ()
        else:
            continue
        found.append(
            PegChange(event, demand, supply, product, location, was, now, others)
        )
    return tuple(found)


class PegHistory:
    """Pegs of a row of plans, keyed by demand and by supply.

    Parameters
    ----------
    plans
        (run id, table `pegging`) of plans that were the plan, in their order.
    """

    def __init__(self, plans: Iterable[tuple[str, pl.DataFrame]]) -> None:
        self._open: dict[Key, dict[str, Any]] = {}
        self._ended: list[dict[str, Any]] = []
        before = pl.DataFrame(
            schema={
                "demand": pl.String,
                "supply": pl.String,
                "product": pl.String,
                "location": pl.String,
                "qty": pl.Float64,
            }
        )
        for run, pegging in plans:
            for change in peg_changes(before, pegging):
                self._take(run, change)
            before = pegging

    def of_demand(self, demand: str) -> tuple[PegRecord, ...]:
        """What served a demand, then what serves it, each in its time."""
        return tuple(one for one in self.records if one.demand == demand)

    def of_supply(self, supply: str) -> tuple[PegRecord, ...]:
        """What a supply or a stock lot served and serves."""
        return tuple(one for one in self.records if one.supply == supply)

    @property
    def records(self) -> tuple[PegRecord, ...]:
        """All pegs: ended ones in the order in which they ended, then active ones."""
        active = [self._open[key] for key in sorted(self._open, key=_place)]
        return tuple(PegRecord(**row) for row in (*self._ended, *active))

    def _take(self, run: str, change: PegChange) -> None:
        key = change[1:5]
        if change.event is PegEvent.CREATED:
            self._open[key] = _record(change, run)
            return
        row = self._open.pop(key)
        ended = {
            PegEvent.RELEASED: PegStatus.RELEASED,
            PegEvent.SUPERSEDED: PegStatus.SUPERSEDED,
            PegEvent.UPDATED: PegStatus.SUPERSEDED,
        }[change.event]
        self._ended.append(
            {**row, "status": ended, "until": run, "replaced_by": change.replaced_by}
        )
        if change.event is PegEvent.UPDATED:
            self._open[key] = _record(change, run)


def _record(change: PegChange, run: str) -> dict[str, Any]:
    return {
        "demand": change.demand,
        "supply": change.supply,
        "product": change.product,
        "location": change.location,
        "qty": change.new_qty,
        "status": PegStatus.ACTIVE,
        "since": run,
        "until": None,
        "replaced_by": (),
    }


def _sums(pegging: pl.DataFrame) -> Mapping[Key, float]:
    rows = pegging.group_by("demand", "supply", "product", "location").agg(
        pl.col("qty").sum()
    )
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows.iter_rows()}


def _place(key: Key) -> tuple[str, str, str, str]:
    demand, supply, product, location = key
    return demand, product, location, supply
