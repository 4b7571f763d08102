"""Hand the needs of stock to net requirements; nothing here writes an order (REP-03).

Each watched level is a want of its own: the engine of mode mrp nets it against stock
and receipts, explodes it and sizes the lots. Orders of customers take no part (REP-04).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners import pipeline
from medhavi.planners.replenishment.monitor import monitor_table, watch
from medhavi.providers import Providers
from medhavi.results.plans.plan import Plan
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds, from_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.parameters import MrpParameters
    from medhavi.planners.replenishment.monitor import Watched
    from medhavi.progress import Cancelled, Observe

PREFIX = "REPLENISH"
"""The wants of stock are demands with ids of this kind: REPLENISH|product|location."""
TAKEN = "TAKEN"
"""What work orders of customers still take: TAKEN|order|product|location|number."""
_NO_LEVELS = {
    "safety_qty": 0.0,
    "safety_days": 0.0,
    "min_qty": None,
    "max_qty": None,
    "reorder_point": None,
    "target_qty": None,
    "cover_days": None,
}
"""Levels are wants here; left in the policies they would be filled twice."""
_KEPT_RULES = ("lot_for_lot", "fixed")
"""Rules that need no demand of the future; others order what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replenishment:
    """What stock wants and how it is supplied.

    Parameters
    ----------
    plan
        Plan of the wants; the demands of its tables are `REPLENISH|product|location`.
    monitor
        Every watched product and location; columns of `monitor.COLUMNS`.
    wants
        The snapshot that was planned: levels as demands, no customers' orders.
    """

    plan: Plan
    monitor: pl.DataFrame
    wants: Snapshot

    @property
    def short(self) -> pl.DataFrame:
        """What is below its level and not on order."""
        return self.monitor.filter(pl.col("status") == "short")

    def __str__(self) -> str:
        """Counts, and the largest shortfalls."""
        new = self.plan.supplies.filter(pl.col("status") == "planned").height
        head = (
            f"{self.monitor.height:,} stock levels watched, {self.short.height:,} "
            f"short; {new:,} orders proposed"
        )
        rows = self.short.sort(
            pl.col("shortfall") / pl.col("level"),
            "product",
            "location",
            descending=[True, False, False],
        ).head(5)
        return "\n".join(
            [
                head,
                *(
                    f"{row['product']} at {row['location']}: {row['shortfall']:g} below "
                    f"{row['level']:g}, needed {row['need_date']:%Y-%m-%d}"
                    for row in rows.iter_rows(named=True)
                ),
            ]
        )


def replenish(
    snapshot: Snapshot,
    settings: MrpParameters | Mapping[str, object] | None = None,
    *,
    seed: int | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Replenishment:
    """Fill stock up to its levels, without a look at the orders of customers.

    Parameters
    ----------
    snapshot
        All planning tables.
    settings
        Of mode mrp, as a record or by name.
    seed, observe, cancelled
        As of `mv.plan`.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.

    Notes
    -----
    A level that is short is filled up (to max_qty under rule min_max, else to the
    highest of minimum, reorder point, safety and target); one that is not short is kept
    where components are taken for others. Lot rules that weigh future demand order what
    is missing. Requirements REP-01 … REP-04.
    """
    snapshot.require()
    providers = Providers(snapshot, infinite=True)
    watched = watch(snapshot, providers)
    wants = wants_of(snapshot, watched, providers)
    made = pipeline.plan(
        wants,
        settings=settings,
        seed=seed,
        observe=observe,
        cancelled=cancelled,
    )
    run = replace(made.run, planner="replenishment")
    return Replenishment(
        plan=replace(made, run=run),
        monitor=monitor_table(snapshot, watched),
        wants=wants,
    )


def wants_of(
    snapshot: Snapshot, watched: list[Watched], providers: Providers
) -> Snapshot:
    """Snapshot with the watched levels as its only demands."""
    demands = [
        {
            "demand": "|".join((PREFIX, one.product, one.location)),
            "product": one.product,
            "location": one.location,
            "qty": from_steps(
                one.level if one.shortfall else one.trigger,
                providers.facts.step(one.product),
            ),
            "due": from_seconds(one.need_date),
        }
        for one in watched
    ]
    # An order that is made for a customer is his; what it still takes is gone.
    owned = snapshot["supply_orders"].filter(pl.col("demand").is_not_null())
    orders = set(owned["supply_order"].to_list())
    demands += [
        {
            "demand": "|".join((TAKEN, one.order, one.product, one.location, str(i))),
            "product": one.product,
            "location": one.location,
            "qty": from_steps(one.steps, providers.facts.step(one.product)),
            "due": from_seconds(one.instant),
        }
        for i, one in enumerate(providers.existing_orders.withdrawals)
        if one.order in orders and one.steps > 0
    ]
    policies = snapshot["inventory_policies"]
    kept = pl.col("lot_rule").is_in(_KEPT_RULES)
    frames: dict[str, object] = {
        "demands": pl.DataFrame(demands) if demands else snapshot["demands"].clear(),
        "inventory_levels": snapshot["inventory_levels"].clear(),
        "pegs": snapshot["pegs"].clear(),
        "inventory_policies": policies.with_columns(
            *(
                pl.lit(value, dtype=policies.schema[name]).alias(name)
                for name, value in _NO_LEVELS.items()
            ),
            pl.when(kept)
            .then("lot_rule")
            .otherwise(pl.lit("lot_for_lot"))
            .alias("lot_rule"),
        ),
    }
    if owned.height:
        frames["supply_orders"] = snapshot["supply_orders"].join(
            owned, on="supply_order", how="anti"
        )
        frames["supply_order_steps"] = snapshot["supply_order_steps"].join(
            owned, on="supply_order", how="anti"
        )
    if snapshot["reservations"].height:
        # A hold keeps its goods from stock, whoever owns it.
        frames["reservations"] = snapshot["reservations"].with_columns(
            pl.lit(None, dtype=pl.String).alias("demand")
        )
    return snapshot.replace(**frames)  # type: ignore[arg-type]
