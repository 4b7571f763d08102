"""Turn the register of a run into the tables of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.planners.mrp.state import NO_DEMAND
from medhavi.planners.pegging import Matches, peg
from medhavi.results.identity import (
    content_hashes,
    coproduct_id,
    operation_ids,
    ordinals,
    peg_ids,
    stock_id,
    supply_ids,
)
from medhavi.results.plan_tables import SCHEMAS
from medhavi.units import HOUR, MINUTE, from_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.planners.kernels.compiled import Engine
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Order, SupplyUnit
    from medhavi.planners.pegging import Pegs
    from medhavi.providers import Providers

INSTANT = pl.Datetime("us", "UTC")


class Decoder:
    """Frames of one finished run.

    Parameters
    ----------
    release
        Register of the run.
    rank
        Place of each node (by identity) in the order of planning.
    providers
        Costs of working time.
    """

    def __init__(
        self, release: Release, rank: dict[int, int], providers: Providers
    ) -> None:
        self._release = release
        self._rank = rank
        self._providers = providers
        self.order_ids = self._ids()
        self.unit_names = [self._unit_name(unit) for unit in release.units]

    def _ids(self) -> list[str]:
        """Give existing orders their own id, new ones their identity (design 3.1)."""
        new = [order for order in self._release.orders if order.existing is None]
        parts = (
            [order.kind for order in new],
            [order.node[0] for order in new],
            [order.node[1] for order in new],
            [order.source_id for order in new],
            [order.cause for order in new],
        )
        made = iter(supply_ids(*parts, ordinals(*parts)).to_list() if new else [])
        return [
            next(made) if order.existing is None else order.existing
            for order in self._release.orders
        ]

    def _unit_name(self, unit: SupplyUnit) -> str:
        if unit.order is None:
            return stock_id(*unit.node.key, unit.lot)
        name = self.order_ids[unit.order.index]
        if unit.node.key == unit.order.node:
            return name
        return coproduct_id(name, unit.node.key[0])

    # --- supplies ------------------------------------------------------------------
    def supplies(self) -> pl.DataFrame:
        """Give a row per order and co-product; existing orders under their own id."""
        columns: dict[str, list[object]] = {
            name: [] for name in SCHEMAS["supplies"] if name != "content_hash"
        }
        for order in self._release.orders:
            units = order.units
            main = [unit for unit in units if unit.node.key == order.node]
            others = [unit for unit in units if unit.node.key != order.node]
            self._supply_row(columns, order, main[0] if main else None)
            for unit in others:
                self._coproduct_row(columns, order, unit)
        frame = _framed("supplies", columns, drop=("content_hash",))
        return frame.with_columns(content_hash=content_hashes(frame, exclude=("id",)))

    def _supply_row(
        self, columns: dict[str, list[object]], order: Order, unit: SupplyUnit | None
    ) -> None:
        timing = order.timing
        source = order.source
        moving = order.kind == "move"
        making = order.recipe is not None
        node_step = self._release.model.node(order.node).step
        order_step = order.recipe.unit_step if order.recipe is not None else node_step
        qty = from_steps(unit.qty if unit is not None else 0, node_step)
        order_qty = from_steps(order.steps, order_step)
        hours_cost, hours_co2 = (
            self._providers.capacity.occupation(order.source_id, timing.steps)
            if making
            else (0.0, 0.0)
        )
        lane = source.source if moving and source is not None else None
        row = {
            "id": self.order_ids[order.index],
            "kind": order.kind,
            "product": order.node[0],
            "location": order.node[1],
            "qty": qty,
            "order_qty": order_qty,
            "start": timing.start,
            "finish": unit.arrives if unit is not None and making else timing.finish,
            "source": order.source_id,
            "lane": lane,
            "departure": timing.departure if moving else None,
            "status": order.status,
            "firm": order.firm,
            "lot_rule": order.lot_rule or None,
            "campaign": None,
            "cost": (source.cost(order_qty) if source is not None else 0.0)
            + hours_cost,
            "co2_kg": (source.co2(order_qty) if source is not None else 0.0)
            + hours_co2,
        }
        for name, value in row.items():
            columns[name].append(value)

    def _coproduct_row(
        self, columns: dict[str, list[object]], order: Order, unit: SupplyUnit
    ) -> None:
        for name, values in columns.items():
            values.append(values[-1] if name != "order_qty" else None)
        columns["id"][-1] = self.unit_names[unit.index]
        columns["product"][-1], columns["location"][-1] = unit.node.key
        columns["qty"][-1] = from_steps(unit.qty, unit.node.step)
        columns["start"][-1] = order.timing.start
        columns["cost"][-1] = columns["co2_kg"][-1] = 0.0

    # --- operations ----------------------------------------------------------------
    def operations(self) -> pl.DataFrame:
        """Give a row per step, working stretch and resource (rule 23)."""
        columns: dict[str, list[object]] = {
            name: [] for name in SCHEMAS["operations"] if name != "id"
        }
        parts: list[int] = []
        append = {name: values.append for name, values in columns.items()}
        for order in self._release.orders:
            if order.recipe is None:
                continue
            supply, locked = self.order_ids[order.index], order.locked
            for window in order.timing.steps:
                segments = window.segments or ((window.start, window.finish),)
                setup_left = window.setup_seconds
                part = 0
                for number, (start, finish) in enumerate(segments):
                    length = finish - start if window.segments else 0
                    setup = min(setup_left, length)
                    setup_left -= setup
                    for resource, units in window.resources or (("", 1.0),):
                        append["supply"](supply)
                        append["step"](window.step)
                        append["segment"](number)
                        append["resource"](resource)
                        append["units"](units)
                        append["start"](start)
                        append["finish"](finish)
                        append["setup_minutes"](setup / MINUTE)
                        append["run_minutes"]((length - setup) / MINUTE)
                        append["locked"](locked)
                        parts.append(part)
                        part += 1
        frame = _framed("operations", columns, drop=("id",))
        ids = operation_ids(
            frame["supply"], frame["step"], pl.Series(parts, dtype=pl.Int64)
        )
        return frame.select(ids.alias("id"), pl.all())

    # --- pegging -------------------------------------------------------------------
    def pegs(self, engine: Engine) -> Pegs:
        """Trace all demands."""
        release = self._release
        return peg(
            Matches(
                need_rank=[self._rank[id(need.node)] for need in release.needs],
                need_demand=[need.demand for need in release.needs],
                need_consumer=[
                    -1 if need.order is None else need.order.index
                    for need in release.needs
                ],
                need_qty=[need.qty for need in release.needs],
                need=release.match_need,
                unit=release.match_unit,
                qty=release.match_qty,
                unit_order=[
                    -1 if unit.order is None else unit.order.index
                    for unit in release.units
                ],
                unit_qty=[unit.qty for unit in release.units],
                n_orders=len(release.orders),
            ),
            engine,
        )

    def pegging(self, pegs: Pegs, pinned: set[tuple[int, int]]) -> pl.DataFrame:
        """Give the pegs as a table; `pinned` are (demand, unit) of firm pegs."""
        units = self._release.units
        frame = pl.DataFrame(
            {
                "demand": pl.Series(self._release.demand_names, dtype=pl.String).gather(
                    pegs.demand
                ),
                "supply": pl.Series(self.unit_names, dtype=pl.String).gather(pegs.unit),
                "product": pl.Series(
                    [unit.node.key[0] for unit in units], dtype=pl.String
                ).gather(pegs.unit),
                "location": pl.Series(
                    [unit.node.key[1] for unit in units], dtype=pl.String
                ).gather(pegs.unit),
                "qty": self._quantities(pegs),
                "level": pegs.level,
                "source": pl.Series(
                    [unit.source for unit in units], dtype=pl.String
                ).gather(pegs.unit),
                "firm": [
                    (demand, unit) in pinned
                    for demand, unit in zip(pegs.demand, pegs.unit, strict=True)
                ]
                if pinned
                else np.zeros(len(pegs.demand), dtype=np.bool_),
            }
        )
        slices = ordinals(frame["demand"], frame["supply"])
        ids = peg_ids(frame["demand"], frame["supply"], slices)
        return frame.select(
            ids.alias("id"),
            *(
                pl.col(name).cast(dtype)
                for name, dtype in SCHEMAS["pegging"].items()
                if name != "id"
            ),
        )

    def _quantities(self, pegs: Pegs) -> np.ndarray:
        units = self._release.units
        upper = np.array([u.node.step.numerator for u in units], dtype=np.float64)
        lower = np.array([u.node.step.denominator for u in units], dtype=np.float64)
        result: np.ndarray = pegs.qty * upper[pegs.unit] / lower[pegs.unit]
        return result


def _framed(
    table: str, columns: dict[str, list[object]], drop: Sequence[str] = ()
) -> pl.DataFrame:
    """Build a table from columns; instants come as seconds."""
    return pl.DataFrame(
        [
            instants(columns[name]).alias(name)
            if dtype == INSTANT
            else pl.Series(name, columns[name], dtype=dtype, strict=False)
            for name, dtype in SCHEMAS[table].items()
            if name not in drop
        ]
    )


def instants(seconds: Iterable[object]) -> pl.Series:
    """Turn UTC seconds into the instant type of all tables."""
    return (
        (pl.Series(seconds, dtype=pl.Int64) * 1_000_000)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


def hours(seconds: int) -> float:
    """Give hours of a span in seconds."""
    return seconds / HOUR


__all__ = ["NO_DEMAND", "Decoder", "hours", "instants"]
