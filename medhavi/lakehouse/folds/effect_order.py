"""Order of effect: which rows a fact concerns, and which facts came late.

The state of a key is the fold of its facts in the order of (`occurred_at`, position). A
fact that comes after others which took effect later therefore refolds all facts of the
keys that it shares with them, and no others.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Callable
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.events.event_types.catalog import MASTER, TYPES, Effect
from medhavi.lakehouse.folds.silver_state import Rejection, key_of, row_of
from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from medhavi.lakehouse.folds.silver_state import Fact, State

Subject = tuple[Any, ...]
"""What facts share: a table and a key, such as ("stock", "A", "DC", "").

"supply_orders" stands for the order with its steps; "sales_order" joins the lines of an
order and has no table of its own; "forecast_rows" and "estimates" name a whole batch.
"""

_Subjects = Callable[[Any], tuple[Subject, ...]]


def _keyed(table: str) -> _Subjects:
    def subjects(body: Any) -> tuple[Subject, ...]:
        cells = {name: getattr(body, name, None) for name in _KEY_FIELDS[table]}
        return ((table, *key_of(table, cells)),)

    return subjects


def _named(table: str, field: str) -> _Subjects:
    cell_of = attrgetter(field)
    return lambda body: ((table, cell_of(body)),)


def _stock(body: Any) -> tuple[Subject, ...]:
    return (("stock", body.product, body.location, body.lot or ""),)


def _order_placed(body: Any) -> tuple[Subject, ...]:
    found = [("sales_order", body.sales_order)]
    for line in body.lines:
        found += _line(line)
    return tuple(found)


def _order_line_changed(body: Any) -> tuple[Subject, ...]:
    return (("sales_order", body.sales_order), *_line(body.line))


def _line(row: Any) -> list[Subject]:
    found: list[Subject] = [("demands", row.demand)]
    if row.sales_order:
        found.append(("sales_order", row.sales_order))
    return found


def _order_cancelled(body: Any) -> tuple[Subject, ...]:
    if body.demands is None:
        return (("sales_order", body.sales_order),)
    return tuple(("demands", demand) for demand in body.demands)


def _forecast_published(body: Any) -> tuple[Subject, ...]:
    found: list[Subject] = [("forecast_rows", body.forecast)]
    for row in body.rows:
        found += _line(row)
    return tuple(found)


def _order_promised(body: Any) -> tuple[Subject, ...]:
    found: list[Subject] = [("demands", body.demand)]
    if body.line is not None and body.line.sales_order:
        found.append(("sales_order", body.line.sales_order))
    return tuple(found)


def _estimates_published(body: Any) -> tuple[Subject, ...]:
    kinds = {body.kind, *(row.kind for row in body.rows or ())}
    return tuple(("estimates", kind) for kind in sorted(kinds))


def _setting(_body: Any) -> tuple[Subject, ...]:
    return (("settings",),)


def _nothing(_body: Any) -> tuple[Subject, ...]:
    return ()


_OF_DEMANDS: Mapping[str, _Subjects] = {
    "OrderPlaced": _order_placed,
    "OrderLineChanged": _order_line_changed,
    "OrderCancelled": _order_cancelled,
    "ForecastPublished": _forecast_published,
    "OrderPromised": _order_promised,
    "ShipmentDelivered": _named("demands", "demand"),
    "PromiseRevised": _named("demands", "demand"),
}
_OTHERS: Mapping[str, _Subjects] = {
    "PegFirmed": _keyed("pegs"),
    "PegReleased": _keyed("pegs"),
    "SettingChanged": _setting,
    "OverrideRecorded": _named("overrides", "override"),
    "EstimatesPublished": _estimates_published,
    "OperationLocked": _named("supply_orders", "supply_order"),
    "OperationUnlocked": _named("supply_orders", "supply_order"),
}
_OF_CATEGORY: Mapping[str, _Subjects] = {
    "stock": _stock,
    "supply_order": _named("supply_orders", "supply_order"),
    "resource_log": _keyed("resource_state"),
    "disruption": _named("disruptions", "disruption"),
    "reservation": _named("reservations", "reservation"),
}
_KEY_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pegs": ("demand", "supply"),
    "resource_state": ("resource",),
}


def _master(table: str) -> _Subjects:
    def subjects(body: Any) -> tuple[Subject, ...]:
        return ((table, *key_of(table, row_of(table, body))),)

    return subjects


def _all_subjects() -> dict[str, _Subjects]:
    found: dict[str, _Subjects] = {}
    for table, master in MASTER.items():
        for verb in ("Defined", "Changed", "Retired"):
            found[f"{master.singular}{verb}"] = _master(table)
    for name, entry in TYPES.items():
        if not entry.folds:
            found[name] = _nothing
        elif name not in found:
            found[name] = (
                _OF_DEMANDS.get(name)
                or _OTHERS.get(name)
                or _OF_CATEGORY[entry.category]
            )
    return found


_SUBJECTS: Mapping[str, _Subjects] = MappingProxyType(_all_subjects())


_FAMILY_KEYS = MappingProxyType(
    {
        **{
            name: "product"
            for name, entry in TYPES.items()
            if entry.category == "stock" and _SUBJECTS[name] is _stock
        },
        **{
            name: "supply_order"
            for name, entry in TYPES.items()
            if _SUBJECTS[name] is _OF_CATEGORY["supply_order"]
            or name in ("OperationLocked", "OperationUnlocked")
        },
    }
)
"""Types whose payload is flat and names a required part of its only subject: where."""


def with_kinship(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with columns of which one differs between those that can share no subject.

    `family` and `relative`. Stock is told apart by its keys and supply orders by order,
    as a payload without an escaped character writes them; where one cannot be read so,
    none is. All else is one family, apart from the lines of orders and forecasts.
    """
    families = {**dict.fromkeys(_OF_DEMANDS, "demand"), **_FAMILY_KEYS}
    family = pl.col("type").replace_strict(
        families, default=None, return_dtype=pl.String
    )
    kin = rows.with_columns(family=family).with_row_index("row")
    payload = pl.col("payload")
    lot = payload.str.extract(r'"lot":"([^"]*)"').fill_null(
        # No lot is the lot without a name, however it is written.
        pl.when(~payload.str.contains('"lot"', literal=True)).then(pl.lit(""))
    )
    keys = {
        "product": [_told("product"), _told("location"), lot],
        "supply_order": [_told("supply_order")],
    }
    named = [pl.DataFrame(schema={"row": pl.UInt32, "relative": pl.UInt64})]
    for key, cells in keys.items():
        own = kin.filter(pl.col("family") == key).select("row", "payload")
        told = own.select(
            "row",
            # Equal numbers of unequal keys only put together what could be apart.
            relative=pl.when(~payload.str.contains("\\", literal=True))
            .then(pl.concat_str(cells, separator="\n"))
            .hash(),
            readable=~payload.str.contains("\\", literal=True)
            & pl.all_horizontal(cell.is_not_null() for cell in cells),
        )
        if told["readable"].all():
            named.append(told.select("row", "relative"))
    return kin.join(pl.concat(named), on="row", how="left", maintain_order="left").drop(
        "row"
    )


def _told(key: str) -> pl.Expr:
    return pl.col("payload").str.extract(rf'"{key}":"([^"]*)"')


def with_crossing(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with column `crossing`: their order of effect is not that of position.

    Parameters
    ----------
    rows
        With the columns of `with_kinship`, sorted by position.
    """
    effect, relative = pl.col("occurred_at"), pl.col("relative")
    turned = (
        rows.select("position", "occurred_at", "relative")
        .sort("relative", "position")
        .filter((effect < effect.shift(1)) & relative.eq_missing(relative.shift(1)))[
            "relative"
        ]
        .unique()
    )
    overtaken = effect < effect.cum_max().shift(1)
    overtaking = effect > effect.cum_min(reverse=True).shift(-1)
    crossing = (
        rows.select("position", "occurred_at", "family", "relative")
        .filter(relative.is_in(turned.implode(), nulls_equal=True))
        .filter((overtaken | overtaking).over("family", "relative"))["position"]
    )
    return rows.with_columns(crossing=pl.col("position").is_in(crossing.implode()))


def subjects_of(fact: Fact) -> tuple[Subject, ...]:
    """Rows that a fact reads or changes; none where it cannot be read."""
    if isinstance(fact.body, Rejection):
        return ()
    return _SUBJECTS[fact.type](fact.body)


def word_of(subject: Subject) -> str | None:
    """Id that every payload about a subject names; None: there is none to look for."""
    table, *key = subject
    word = key[0] if key else None
    if not isinstance(word, str) or not word:
        return None
    planning = tables().get(table)
    # A key cell that may be left empty stands for its default without naming it.
    if planning is not None and not planning.columns[planning.key[0]].required:
        return None
    return word


def types_about(names: Collection[str]) -> tuple[str, ...]:
    """Event types that may concern rows of some tables, named as in subjects."""
    demands = {"demands", "sales_order", "forecast_rows"}
    named: dict[str, set[str]] = defaultdict(set)
    for table, master in MASTER.items():
        for verb in ("Defined", "Changed", "Retired"):
            named[f"{master.singular}{verb}"].add(table)
    for name in TYPES:
        if name in _OF_DEMANDS:
            named[name] |= demands
        elif name not in named:
            named[name].add(_TABLE_OF.get(name) or TYPES[name].category)
    synonyms = {
        "supply_orders": "supply_order",
        "resource_state": "resource_log",
        "disruptions": "disruption",
        "reservations": "reservation",
    }
    wanted = {synonyms.get(table, table) for table in names}
    return tuple(name for name, about in named.items() if about & wanted)


_TABLE_OF = {
    "PegFirmed": "pegs",
    "PegReleased": "pegs",
    "SettingChanged": "settings",
    "OverrideRecorded": "overrides",
    "EstimatesPublished": "estimates",
}


_CREDIBLE = dt.timedelta(days=1)


class TimedFact(NamedTuple):
    """A fact with when it was recorded."""

    fact: Fact
    recorded_at: dt.datetime

    @property
    def place(self) -> tuple[dt.datetime, int]:
        """Its place in the order of effect."""
        return self.fact.occurred_at, self.fact.position


class LateFact(NamedTuple):
    """A fact that came after others of its key which took effect later."""

    fact: Fact
    subject: Subject
    overtaken: int


def late_facts(
    placed: Iterable[TimedFact], only: Collection[Subject] | None = None
) -> list[LateFact]:
    """Facts that came late, in order of position.

    A fact is late where one of a lower position concerns the same rows and took effect
    later. Movements commute: two of them are never late to each other. What is dated
    beyond its recording by more than a day overtakes nothing.

    Parameters
    ----------
    only
        Subjects that are looked at; default: all.
    """
    by_subject: dict[Subject, list[TimedFact]] = defaultdict(list)
    for one in sorted(placed, key=lambda p: p.fact.position):
        for subject in subjects_of(one.fact):
            if only is None or subject in only:
                by_subject[subject].append(one)
    found: dict[int, LateFact] = {}
    for subject, members in sorted(by_subject.items(), key=lambda item: str(item[0])):
        for one, overtaken in _overtaking(members):
            known = found.get(one.fact.position)
            if known is None or overtaken > known.overtaken:
                found[one.fact.position] = LateFact(one.fact, subject, overtaken)
    return [found[position] for position in sorted(found)]


def _overtaking(members: list[TimedFact]) -> Iterator[tuple[TimedFact, int]]:
    """Late ones of a subject and how many facts each should have come before.

    `stated` and `moved` are places in order of effect, so that many late facts cost
    their logarithm each.
    """
    stated: list[tuple[dt.datetime, int]] = []
    moved: list[tuple[dt.datetime, int]] = []
    for one in members:
        moves = TYPES[one.fact.type].effect is Effect.MOVEMENT
        behind = len(stated) - bisect(stated, one.place)
        if not moves:
            behind += len(moved) - bisect(moved, one.place)
        if behind:
            yield one, behind
        if one.fact.occurred_at <= one.recorded_at + _CREDIBLE:
            insort(moved if moves else stated, one.place)


def entangled(before: Iterable[Fact], after: Iterable[Fact]) -> set[Subject]:
    """Subjects of facts whose place is before one that was folded already.

    Parameters
    ----------
    before
        Facts that were folded, at least all whose place is behind the first of `after`.
    """
    folded: dict[Subject, tuple[dt.datetime, int]] = {}
    for fact in before:
        place = (fact.occurred_at, fact.position)
        for subject in subjects_of(fact):
            if subject not in folded or folded[subject] < place:
                folded[subject] = place
    return {
        subject
        for fact in after
        for subject in subjects_of(fact)
        if subject in folded and folded[subject] > (fact.occurred_at, fact.position)
    }


def take_out(state: State, subjects: Iterable[Subject]) -> None:
    """Remove the rows of some subjects, as if none of their facts had been."""
    batches: dict[str, list[Any]] = defaultdict(list)
    for table, *key in subjects:
        if table in _BATCHES:
            batches[table].append(key[0])
        elif table != "sales_order":
            state.drop(table, tuple(key))
        if table == "supply_orders":
            batches["supply_order_steps"].append(key[0])
    for table, names in batches.items():
        column = _BATCHES.get(table, "supply_order")
        for row in state.keys(table, column, names):
            state.drop(table, row)


_BATCHES = {"forecast_rows": "forecast", "estimates": "kind"}


def fetch(state: State, facts: Iterable[Fact]) -> None:
    """Read the rows that facts concern ahead of the fold, each table at once."""
    keys: dict[str, set[Subject]] = defaultdict(set)
    for fact in facts:
        for table, *key in subjects_of(fact):
            if table not in _BATCHES and table != "sales_order":
                keys[table].add(tuple(key))
        if fact.type in _OF_STEPS and getattr(fact.body, "step", None) is not None:
            keys["supply_order_steps"].add((fact.body.supply_order, fact.body.step))
    for table, wanted in keys.items():
        state.fetch(table, wanted)


_OF_STEPS = frozenset(
    {
        "SupplyOrderStarted",
        "SupplyOrderProgressReported",
        "OperationLocked",
        "OperationUnlocked",
    }
)
