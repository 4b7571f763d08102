"""What changed between two plans: rows by id, pegs, money, and how much it moved.

Ids are identity, not content: the same supply in both plans has the same id whatever
its quantity and dates, so "changed" is told apart from "removed and added". Ids of
planned orders count those of one cause, so that one order more shifts the ids of its
siblings: orders are matched by content first (`same_orders`).

Nervousness counts as in Kadipasaoglu and Sridharan 1995
(doi:10.1016/0272-6963(95)00002-P): orders that were added, removed or moved, and the
quantity times the days by which it moved.

Pegs of a plan are rows, never events (design 3.6); what changed between two published
plans follows from their rows and ids, and is named as requirement PEG-03 names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.display import TextDisplay
from medhavi.results.amounts import percent
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.figures.kpis import figures_table
from medhavi.results.figures.measure import Measure, amount, ratio
from medhavi.results.figures.scorecard import money_difference, money_words
from medhavi.results.plans.lateness import Verdict, verdicts
from medhavi.results.plans.tables import KEYS, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.results.plans.plan import Plan


_COMPARED = ("supplies", "operations", "pegging", "fulfilment", "kpis")
_LEFT_OUT = {"supplies": ("number", "content_hash")}
_LISTED = 3
CHANGES = {
    "id": pl.String(),
    "column": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
}
"""Columns of a table of changes: a row per cell that differs, values as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDelta:
    """Difference of one table: rows added and removed, cells changed."""

    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    unchanged: int

    @property
    def changed_rows(self) -> int:
        """How many rows are in both plans with another content."""
        return self.changed["id"].n_unique()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDelta(TextDisplay):
    """Difference of two plans by table.

    `stability` is the share of the old operations that stand unchanged in the new plan
    (KPI-08), None where there were none. `money` is what the new plan costs more, part
    by part (see `money_difference`).
    """

    old: str
    new: str
    tables: Mapping[str, TableDelta]
    stability: float | None
    money: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not any(
            delta.added.height or delta.removed.height or delta.changed.height
            for delta in self.tables.values()
        )

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """`<table>_added`, `_removed` and `_changed` of every table, and `money`."""
        return {
            f"{name}_{part}": getattr(delta, part)
            for name, delta in self.tables.items()
            for part in ("added", "removed", "changed")
        } | {"money": self.money}

    def __str__(self) -> str:
        """Counts per table, the money, and the first changes of demands."""
        if self.is_empty:
            return "The plans are equal."
        lines = [
            f"{name}: {delta.added.height} added, {delta.removed.height} removed, "
            f"{delta.changed_rows} changed, {delta.unchanged} unchanged"
            for name, delta in self.tables.items()
            if delta.added.height or delta.removed.height or delta.changed.height
        ]
        if self.stability is not None:
            lines.append(f"stability of operations: {percent(self.stability)}")
        lines += money_words(self.money)
        demands = self.tables["fulfilment"].changed.filter(pl.col("column") == "status")
        lines += [
            f"{count:,} demands {old} → {new}"
            for old, new, count in demands.group_by("old", "new")
            .len()
            .sort("len", "old", "new", descending=[True, False, False])
            .iter_rows()
            if demands.height > _LISTED
        ]
        lines += [
            f"demand {row['id']}: {row['old']} → {row['new']}"
            for row in demands.head(_LISTED).iter_rows(named=True)
        ]
        return "\n".join(lines)


def compare(old: Plan, new: Plan) -> PlanDelta:
    """Compare two plans by the ids of their rows, orders by `same_orders`.

    Parameters
    ----------
    old, new
        Plans, usually of one company at two moments or with two settings.

    Returns
    -------
    PlanDelta
        Empty when the plans are equal but for run records.
    """
    tables = _tables(old, new)
    before = old.operations.height
    return PlanDelta(
        old=old.run.run_id,
        new=new.run.run_id,
        tables=MappingProxyType(tables),
        stability=tables["operations"].unchanged / before if before else None,
        money=money_difference(old, new),
    )


def _tables(old: Plan, new: Plan) -> dict[str, TableDelta]:
    return {
        name: _table_delta(
            name,
            old[name],
            new[name],
            same_orders(old, new) if name == "supplies" else None,
        )
        for name in _COMPARED
    }


def _table_delta(
    name: str, old: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame | None
) -> TableDelta:
    key = KEYS[name][0]
    if pairs is None:
        pairs = old.select(key).join(new.select(pl.col(key)), on=key)
        pairs = pairs.with_columns(pl.col(key).alias(f"{key}_new"))
    columns = [
        column
        for column in SCHEMAS[name]
        if column != key and column not in _LEFT_OUT.get(name, ())
    ]
    both = _beside(old, new, pairs, key)
    parts = [
        both.filter(pl.col(column).ne_missing(pl.col(f"{column}_new"))).select(
            pl.col(key).alias("id"),
            pl.lit(column).alias("column"),
            _text(column, SCHEMAS[name][column]).alias("old"),
            _text(f"{column}_new", SCHEMAS[name][column]).alias("new"),
        )
        for column in columns
    ]
    changed = (
        pl.concat(parts).sort("id", "column") if parts else pl.DataFrame(schema=CHANGES)
    )
    return TableDelta(
        added=new.join(pairs, left_on=key, right_on=f"{key}_new", how="anti").sort(key),
        removed=old.join(pairs, on=key, how="anti").sort(key),
        changed=changed,
        unchanged=both.height - changed["id"].n_unique(),
    )


def _beside(
    old: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame, key: str
) -> pl.DataFrame:
    """Rows of a plan beside their partners, whose columns end with `_new`."""
    renamed = new.select(pl.all().name.suffix("_new"))
    return old.join(pairs, on=key).join(renamed, on=f"{key}_new")


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.col(column).cast(pl.String)


PLACED = ["kind", "product", "location", "source", "qty", "start", "finish"]
"""What of a planned order stays where the order does."""


def same_orders(before: Plan, after: Plan) -> pl.DataFrame:
    """Pairs of orders that are one order in two plans, columns id and id_new.

    First those that are equal in id and content (`PLACED`), then planned ones that are
    equal in content, then what is left by id. An order without a partner is new, or
    gone.
    """
    columns = ["id", "status", *PLACED]
    old, new = (one.supplies.select(columns) for one in (before, after))
    rest = new.rename({"id": "id_new"})
    pairs = old.join(
        new.with_columns(id_new="id"), on=["id", *PLACED], nulls_equal=True
    )
    found = [pairs.select("id", "id_new")]
    for match in (_equal_orders, _orders_of_one_id):
        old = old.join(found[-1], on="id", how="anti")
        rest = rest.join(found[-1], on="id_new", how="anti")
        found.append(match(old, rest).select("id", "id_new"))
    return pl.concat(found)


def _equal_orders(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Planned orders of equal content, paired in the order of their ids."""
    sides = []
    for frame, key in ((old, "id"), (new, "id_new")):
        planned = frame.filter(pl.col("status") == "planned").sort(key)
        ordinal = pl.int_range(pl.len()).over(PLACED).alias("ordinal")
        sides.append(planned.with_columns(ordinal))
    return sides[0].join(sides[1], on=[*PLACED, "ordinal"], nulls_equal=True)


def _orders_of_one_id(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    return old.join(new.with_columns(id="id_new"), on="id")


def planned_orders(plan: Plan) -> pl.DataFrame:
    """Planned orders by what of them may stay, columns `PLACED`."""
    return plan.supplies.filter(pl.col("status") == "planned").select(PLACED)


def orders_kept(before: Plan, after: Plan) -> int:
    """How many planned orders of a plan stand in another one as they were."""
    old, new = (one.supplies.select("id", "status", *PLACED) for one in (before, after))
    return _equal_orders(old, new.rename({"id": "id_new"})).height


_TIMES = ("start", "finish", "resource")
_DAY = 86_400_000_000
_NO_AGE = "needs the history of published plans"


def stability_table(before: Plan, after: Plan) -> pl.DataFrame:
    """Figures of stability in the columns of table `kpis`, sorted by name.

    They stand beside a plan and not in its own table: a plan that was made on top of
    another equals one made from nothing.

    Parameters
    ----------
    before, after
        Plans of one company, in the same mode.
    """
    return figures_table(stability(before, after)).sort("kpi")


def stability_json(before: Plan, after: Plan) -> dict[str, dict[str, object]]:
    """Figures of stability as `kpis.json` has its own (rule 25)."""
    return {
        str(row.pop("kpi")): row
        for row in stability_table(before, after).iter_rows(named=True)
    }


def stability(before: Plan, after: Plan) -> dict[str, list[Measure]]:
    """Figures of stability by name.

    KPI-08: unchanged ÷ old operations. KPI-12: unchanged ÷ old pegs (what is required
    of what). KPI-14: unchanged ÷ old locked operations. KPI-15: operations at another
    time or place ÷ old ones. KPI-18: proposed orders, what became of those before, and
    nervousness. KPI-23: demands still on time ÷ on time before. KPI-30: pegs that
    changed or went, firm ones that did.
    """
    delta = _tables(before, after)
    return {
        "KPI-08": [_unchanged(delta["operations"], before.operations)],
        "KPI-12": [_unchanged(delta["pegging"], before.pegging)],
        "KPI-14": [_locked(delta, before)],
        "KPI-15": [_churn(delta, before)],
        "KPI-18": _proposals(before, after),
        "KPI-23": [_still_on_time(before, after)],
        "KPI-30": _pegs(delta, before),
    }


def _unchanged(delta: TableDelta, old: pl.DataFrame) -> Measure:
    return ratio(delta.unchanged, old.height)


def _locked(delta: Mapping[str, TableDelta], before: Plan) -> Measure:
    locked = before.operations.filter(pl.col("locked"))
    table = delta["operations"]
    gone = set(table.changed["id"]) | set(table.removed["id"])
    kept = sum(name not in gone for name in locked["id"])
    return ratio(kept, locked.height)


def _churn(delta: Mapping[str, TableDelta], before: Plan) -> Measure:
    changed = delta["operations"].changed
    moved = changed.filter(pl.col("column").is_in(_TIMES))["id"].n_unique()
    return ratio(moved, before.operations.height)


def _proposals(before: Plan, after: Plan) -> list[Measure]:
    old, new = (
        one.supplies.filter(pl.col("status") == "planned") for one in (before, after)
    )
    both = _beside(old, new, same_orders(before, after), "id")
    later = pl.col("finish_new") - pl.col("finish")
    moved = both.filter(
        (later != 0)
        | (pl.col("start") != pl.col("start_new"))
        | (pl.col("qty") != pl.col("qty_new"))
    )
    days = both.select(
        (pl.min_horizontal("qty", "qty_new") * later.dt.total_microseconds().abs())
        .sum()
        .alias("sum")
    ).item()
    added, removed = new.height - both.height, old.height - both.height
    codes = after.exceptions["code"].to_list()
    surplus = codes.count(str(ExceptionCode.LOT_SURPLUS))
    overdue = codes.count(str(ExceptionCode.PAST_DUE_START))
    counts = {
        "kept": (both.height - moved.height, "Orders kept"),
        "moved": (moved.height, "Orders moved or resized"),
        "added": (added, "Orders added"),
        "removed": (removed, "Orders removed"),
        "lot_adjustments": (surplus, "Orders larger than their needs"),
    }
    changed, all_ = moved.height + added + removed, both.height + added + removed
    moved_days = float(days or 0) / _DAY
    firm = after.supplies.filter(pl.col("firm")).height
    return [
        amount(new.height, "count", "", "Orders proposed"),
        *(amount(value, "count", part, name) for part, (value, name) in counts.items()),
        amount(moved_days, "unit-day", "quantity_days", "Quantity times days moved"),
        *(
            replace(ratio(some, whole, part=part), name=name)
            for some, whole, part, name in (
                (changed, all_, "nervousness", "Nervousness"),
                (firm, after.supplies.height, "firming", "Firming rate"),
                (overdue, new.height, "lateness_risk", "Lateness risk"),
            )
        ),
    ]


def _still_on_time(before: Plan, after: Plan) -> Measure:
    good = pl.col("verdict") == Verdict.ON_TIME
    served = verdicts(before).filter(good).select("demand")
    wanted = served.join(verdicts(after), on="demand")
    return ratio(wanted.filter(good).height, wanted.height)


def _pegs(delta: Mapping[str, TableDelta], before: Plan) -> list[Measure]:
    table = delta["pegging"]
    old = before.pegging.height
    firm = before.pegging.filter(pl.col("firm"))
    gone = set(table.removed["id"]) | set(
        table.changed.filter(pl.col("column").is_in(("qty", "firm")))["id"]
    )
    broken = sum(name in gone for name in firm["id"])
    return [
        replace(ratio(old - table.unchanged, old), name="Peg churn"),
        replace(
            ratio(broken, firm.height, part="firm_broken"), name="Firm pegs broken"
        ),
        Measure(value=None, unit="day", part="age", name="Peg age", reason=_NO_AGE),
    ]


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
