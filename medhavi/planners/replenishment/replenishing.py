"""Hand the needs of stock to net requirements; nothing here writes an order (REP-03).

Each watched level is a want of its own: the engine of mode mrp nets it against stock
and receipts, explodes it and sizes the lots. Orders of customers take no part (REP-04).

Pure: it reads what providers tell of stock, holds and receipts, and orders nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners import pipeline
from medhavi.providers import Providers
from medhavi.providers.table_rows import read_tables
from medhavi.results.plans.plan import Plan
from medhavi.snapshot import Snapshot
from medhavi.units import ALWAYS, NEVER, from_seconds, from_units, units_up

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.providers.table_rows import Row, TableRows


INSTANT = pl.Datetime("us", "UTC")
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
_PHASED = frozenset({"safety_qty", "min_qty", "max_qty", "target_qty"})


class MonitoredItem(NamedTuple):
    """One product at a location: quantities [units], instants [UTC seconds].

    `levels` are by name, None where not stated; `free` is on hand less reserved.
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
    def free(self) -> int:
        """What may be used now [units]."""
        return self.on_hand - self.reserved

    @property
    def status(self) -> str:
        """Status: ok, on_order or short."""
        if not self.shortfall:
            return "ok"
        return "short" if self.shortfall > self.inbound else "on_order"


def watch(
    snapshot: Snapshot, providers: Providers | None = None
) -> list[MonitoredItem]:
    """Look at every product and location that has a policy or levels.

    Parameters
    ----------
    snapshot
        Without error findings.
    providers
        Those of the snapshot, where they are at hand.

    Returns
    -------
    list of Watched
        Sorted by product and location. What is always there (`unlimited`) is not
        watched.

    Notes
    -----
    The need date is now and the cover days on, in the calendar of the location (rule
    13); without cover days it is the first moment at which an order made now would be
    usable, as for safety stock (rule 7).
    """
    known = providers or Providers(snapshot, infinite=True)
    tables = read_tables(snapshot, ("inventory_policies", "inventory_levels"))
    return list(_LevelReview(snapshot, known, tables).all())


def monitor_table(snapshot: Snapshot, watched: list[MonitoredItem]) -> pl.DataFrame:
    """What was watched as a table; see `COLUMNS`."""
    facts = Providers(snapshot, infinite=True).facts
    rows = []
    for one in watched:
        step = facts.step(one.product)
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
                "need_date": _instant(one) if one.shortfall else None,
                "status": one.status,
            }
        )
    return pl.DataFrame(rows, schema=dict(COLUMNS))


def _instant(one: MonitoredItem) -> dt.datetime:
    return from_seconds(one.need_date)


class _LevelReview:
    """The look at all places of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, providers: Providers, tables: Mapping[str, TableRows]
    ) -> None:
        self._as_of = int(snapshot.as_of)
        self._providers = providers
        self._policies = {
            (row["product"], row["location"]): row
            for row in tables["inventory_policies"]
        }
        self._phases: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in tables["inventory_levels"]:
            self._phases[(row["product"], row["location"])].append(row)

    def all(self) -> Iterator[MonitoredItem]:
        for product, location in sorted({*self._policies, *self._phases}):
            row = self._policies.get((product, location), {})
            if row.get("unlimited"):
                continue
            found = self._one(product, location, row)
            if found is not None:
                yield found

    def _one(self, product: str, location: str, row: Row) -> MonitoredItem | None:
        step = self._providers.facts.step(product)

        def steps(name: str) -> int | None:
            value = self._value((product, location), row, name)
            return None if value is None else units_up(value, step)

        levels = {name: steps(column) for name, column in _STATED.items()}
        triggers = {
            name: qty
            for name, qty in levels.items()
            if qty and (name != "target" or not any(levels[n] for n in LEVELS[:3]))
        }
        if not triggers:
            return None
        trigger = max(triggers.values())
        below = next(name for name in LEVELS if triggers.get(name) == trigger)
        upto = steps("max_qty") if row.get("lot_rule") == "min_max" else None
        level = max(trigger, levels["target"] or 0, upto or 0)
        on_hand = self._on_hand(product, location)
        reserved = self._providers.reservations.active_steps(product, location)
        free = on_hand - reserved
        shortfall = level - free if free < trigger else 0
        cover = row.get("cover_days")
        date = self._need_date(product, location, cover, max(1, shortfall))
        return MonitoredItem(
            product=product,
            location=location,
            on_hand=on_hand,
            reserved=reserved,
            inbound=self._inbound(product, location, date),
            levels=levels,
            cover_days=cover,
            trigger=trigger,
            level=level,
            below=below if shortfall else None,
            shortfall=shortfall,
            need_date=date,
        )

    def _value(self, key: tuple[str, str], row: Row, name: str) -> float | None:
        """Value that holds now: time-phased first."""
        if name in _PHASED:
            for phase in self._phases.get(key, ()):
                begin, end = phase["valid_from"], phase["valid_to"]
                begun = (ALWAYS if begin is None else begin) <= self._as_of
                holds = begun and self._as_of < (NEVER if end is None else end)
                if holds and phase[name] is not None:
                    return float(phase[name])
        value = row.get(name)
        return None if value is None else float(value)

    def _on_hand(self, product: str, location: str) -> int:
        lots = self._providers.on_hand.lots(product, location)
        ours = sum(lot.units for lot in lots if lot.customer is None)
        return ours - self._providers.on_hand.missing(product, location)

    def _inbound(self, product: str, location: str, until: int) -> int:
        receipts = self._providers.receipts.get((product, location), ())
        return sum(
            receipt.units
            for receipt in receipts
            if receipt.instant <= until and receipt.demand is None
        )

    def _need_date(
        self, product: str, location: str, cover: float | None, qty: int
    ) -> int:
        time = self._providers.sourcing.location_time(location)
        if cover is not None:
            covered = time.add_days(self._as_of, cover)
            return self._as_of if covered is None else covered
        sources = self._providers.sourcing.sources(product, location)
        if not sources:
            return self._as_of
        timing = sources[0].clock.earliest(self._as_of, sources[0].lot(qty))
        if timing is None:
            return self._as_of
        safe = time.add_days(timing.finish, sources[0].safety_days)
        return timing.finish if safe is None else safe


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
