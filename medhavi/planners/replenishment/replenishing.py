"""Hand the needs of stock to net requirements; nothing here writes an order (REP-03).

Each watched level is a want of its own: the engine of mode mrp nets it against stock
and receipts, explodes it and sizes the lots. Orders of customers take no part (REP-04).

Pure: it reads what providers tell of stock, holds and receipts, and orders nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners import pipeline
from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
from medhavi.planners.mrp.run import TABLES
from medhavi.providers import Providers
from medhavi.results.amounts import number
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import INSTANT
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds, from_units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe


COLUMNS: Mapping[str, pl.DataType] = {
    "product": pl.String(),
    "location": pl.String(),
    "on_hand": pl.Float64(),
    "reserved": pl.Float64(),
    "inbound": pl.Float64(),
    "safety": pl.Float64(),
    "minimum": pl.Float64(),
    "reorder_point": pl.Float64(),
    "target": pl.Float64(),
    "cover_days": pl.Float64(),
    "trigger": pl.Float64(),
    "level": pl.Float64(),
    "below": pl.String(),
    "shortfall": pl.Float64(),
    "need_date": INSTANT,
    "status": pl.String(),
}
"""Columns of the monitor.

`on_hand`: usable stock of ours now. `reserved`: what active holds keep of it.
`inbound`: what existing orders bring until the need date. `trigger`: the highest of
safety, minimum and reorder point, the target where none of them is stated. `level`:
what is filled up to. `below`: which one binds. `shortfall`: level less what is free,
where that is below the trigger. `status`: ok, on_order (existing orders fill it) or
short.
"""
LEVELS = ("safety", "minimum", "reorder_point", "target")
_STATED = {
    "safety": "safety_qty",
    "minimum": "min_qty",
    "reorder_point": "reorder_point",
    "target": "target_qty",
}


class MonitoredItem(NamedTuple):
    """One product at a location: quantities [units], instants [UTC seconds].

    `levels` are by name, None where not stated.
    """

    product: str
    location: str
    on_hand: int
    reserved: int
    inbound: int
    levels: Mapping[str, int | None]
    cover_days: float | None
    trigger: int
    level: int
    below: str | None
    shortfall: int
    need_date: int

    @property
    def status(self) -> str:
        """Status: ok, on_order or short."""
        if not self.shortfall:
            return "ok"
        return "short" if self.shortfall > self.inbound else "on_order"


def watch(providers: Providers, now: int) -> list[MonitoredItem]:
    """Look at every product and location that has a policy or levels.

    Parameters
    ----------
    providers
        Of the snapshot, without capacity.
    now
        Now of the snapshot [UTC seconds].

    Returns
    -------
    list of MonitoredItem
        Sorted by product and location. What is always there (`unlimited`) is not
        watched.

    Notes
    -----
    The need date is now and the cover days on, in the calendar of the location (rule
    13); without cover days it is the first moment at which an order made now would be
    usable, as for safety stock (rule 7).
    """
    model = ItemLocationGraph(providers, providers.rows(TABLES))
    nodes = [model.node(key) for key in model.policy_keys()]
    looked = [_watched(model, node, now) for node in nodes if not node.rules.unlimited]
    return [one for one in looked if one is not None]


def _watched(model: ItemLocationGraph, node: Node, now: int) -> MonitoredItem | None:
    """Look at a product at a location; None: it has no level."""
    rules, providers = node.rules, model.providers
    levels = {name: rules.stated(column, now) for name, column in _STATED.items()}
    triggers = {
        name: qty
        for name, qty in levels.items()
        if qty and (name != "target" or not any(levels[n] for n in LEVELS[:3]))
    }
    if not triggers:
        return None
    trigger = max(triggers.values())
    below = next(name for name in LEVELS if triggers.get(name) == trigger)
    upto = rules.stated("max_qty", now) if rules.lot_rule == "min_max" else None
    level = max(trigger, levels["target"] or 0, upto or 0)
    lots, missing = providers.on_hand.lots(*node.key), providers.on_hand.missing
    on_hand = sum(lot.units for lot in lots if lot.customer is None)
    on_hand -= missing(*node.key)
    reserved = providers.reservations.active_steps(*node.key)
    free = on_hand - reserved
    shortfall = level - free if free < trigger else 0
    if rules.cover_days is None:
        date = model.usable_from(node, max(1, shortfall), now)
    else:
        time = providers.sourcing.location_time(node.key[1])
        covered = time.add_days(now, rules.cover_days)
        date = now if covered is None else covered
    inbound = sum(
        receipt.units
        for receipt in providers.receipts.get(node.key, ())
        if receipt.instant <= date and receipt.demand is None
    )
    return MonitoredItem(
        product=node.key[0],
        location=node.key[1],
        on_hand=on_hand,
        reserved=reserved,
        inbound=inbound,
        levels=levels,
        cover_days=rules.cover_days,
        trigger=trigger,
        level=level,
        below=below if shortfall else None,
        shortfall=shortfall,
        need_date=date,
    )


def monitor_table(providers: Providers, watched: list[MonitoredItem]) -> pl.DataFrame:
    """What was watched as a table; see `COLUMNS`."""
    rows = []
    for one in watched:
        step = providers.facts.step(one.product)
        rows.append(
            {
                "product": one.product,
                "location": one.location,
                **{
                    name: from_units(getattr(one, name), step)
                    for name in ("on_hand", "reserved", "inbound", "trigger", "level")
                },
                **{
                    name: None if qty is None else from_units(qty, step)
                    for name, qty in one.levels.items()
                },
                "cover_days": one.cover_days,
                "below": one.below,
                "shortfall": from_units(one.shortfall, step),
                "need_date": from_seconds(one.need_date) if one.shortfall else None,
                "status": one.status,
            }
        )
    return pl.DataFrame(rows, schema=dict(COLUMNS))


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
                    f"{row['product']} at {row['location']}: {number(row['shortfall'])} below "
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
    watched = watch(providers, int(snapshot.as_of))
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
        monitor=monitor_table(providers, watched),
        wants=wants,
    )


def wants_of(
    snapshot: Snapshot, watched: list[MonitoredItem], providers: Providers
) -> Snapshot:
    """Snapshot with the watched levels as its only demands."""
    demands = [
        {
            "demand": "|".join((PREFIX, one.product, one.location)),
            "product": one.product,
            "location": one.location,
            "qty": from_units(
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
            "qty": from_units(one.units, providers.facts.step(one.product)),
            "due": from_seconds(one.instant),
        }
        for i, one in enumerate(providers.existing_orders.withdrawals)
        if one.order in orders and one.units > 0
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
