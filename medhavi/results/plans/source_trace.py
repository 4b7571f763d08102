"""Where a demand comes from, down to purchased lots, and what a lot ends in (PEG-09).

The chain that sets the date comes first: from the last delivery back to the supply that
was there last before each start. Every hop says what it waits for. The whole graph is
made on demand. Pegs name the supplies of each level; which of two orders of one product
an order above took from they do not tell, so both edges are drawn.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError
from medhavi.results.amounts import duration, local_text, number
from medhavi.results.plans.peg_links import may_take
from medhavi.results.plans.tables import COUNT, INSTANT, NUMBER, TEXT
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import HOUR, from_seconds

if TYPE_CHECKING:
    from medhavi.results.plans.tables import PlanAccess
    from medhavi.snapshot import Snapshot

USED = {
    "demand": TEXT,
    "wanted_product": TEXT,
    "due": INSTANT,
    "status": TEXT,
    "level": COUNT,
    "supply": TEXT,
    "product": TEXT,
    "location": TEXT,
    "qty": NUMBER,
    "source": TEXT,
}
"""Columns of `where_used`: a row a peg; level 0 is what was wanted itself."""

Row = dict[str, Any]
Key = tuple[int, str, str, str]
"""Level, supply, product and location of a row."""
Givers = dict[Key, list[Row]]
"""What each row may have taken from: the level below, by what it is."""


class StartDelay(NamedTuple):
    """Why a hop does not begin when what it takes is there.

    `reason`: "resource" (busy; `behind` is the order that it runs), "component" (one
    comes later; `behind` is its supply), "plan" (nothing holds it: its need dates it).
    """

    reason: str
    subject: str
    behind: str | None
    hours: float
    number: str | None = None
    """Number of the order behind, as people call it."""

    def __str__(self) -> str:
        """One clause."""
        waited, order = duration(self.hours), self.number or self.behind
        if self.reason == "resource":
            return f"waits {waited} for {self.subject}, which runs {order}"
        if self.reason == "component":
            return f"waits {waited} for {self.subject} of {order}"
        return f"{waited} of slack"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceNode:
    """One supply or stock lot on the chain.

    `waits` is the time between what it takes being there and its own start, by reason;
    `start` and `finish` are None of stock.
    """

    level: int
    supply: str
    kind: str
    product: str
    location: str
    source: str | None
    qty: float
    start: dt.datetime | None
    finish: dt.datetime | None
    waits: tuple[StartDelay, ...]
    zone: str = "UTC"
    """IANA zone of its location, in which its text tells times."""
    number: str | None = None
    """Number of the order, as people call it; None: stock."""

    @property
    def own_hours(self) -> float:
        """From its start to its finish [hours]; 0 of stock."""
        if self.start is None or self.finish is None:
            return 0.0
        return (self.finish - self.start).total_seconds() / HOUR

    def __str__(self) -> str:
        """One line."""
        when = "there already"
        if self.start is not None and self.finish is not None:
            start = local_text(self.start, self.zone)
            when = f"{start} to {local_text(self.finish, self.zone)}"
        told = "".join(f"; {wait}" for wait in self.waits)
        return (
            f"{number(self.qty)} of {self.product} at {self.location}, {self.kind} "
            f"{self.number or self.supply}: {when}{told}"
        )


class Origin(NamedTuple):
    """Where goods come from outside: a purchase or a lot in stock."""

    supply: str
    kind: str
    product: str
    location: str
    source: str | None
    qty: float
    finish: dt.datetime | None


class TraceEdge(NamedTuple):
    """A supply takes from another one."""

    taker: str
    giver: str
    product: str


@dataclass(frozen=True, kw_only=True)
class Trace(TextDisplay):
    """The sources of one demand.

    Parameters
    ----------
    chain
        The hops that set the date, the first start first; the last one is delivered.
    delivered
        Last delivery; None: nothing is delivered.
    """

    demand: str
    delivered: dt.datetime | None
    chain: tuple[TraceNode, ...]
    rows: tuple[Row, ...]
    givers: Givers

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Purchases and stock lots behind the demand, by product and id."""
        found = [
            Origin(*(row[name] for name in Origin._fields))
            for row in self.rows
            if row["kind"] in ("buy", "stock", "outside")
        ]
        return tuple(sorted(found, key=lambda one: (one.product, one.supply)))

    @cached_property
    def edges(self) -> tuple[TraceEdge, ...]:
        """The whole graph: who takes from whom, by level."""
        return tuple(
            TraceEdge(row["supply"], below["supply"], below["product"])
            for row in self.rows
            for below in self.givers[_key(row)]
        )

    def sentences(self) -> list[str]:
        """Chain, a hop a line, then the number of origins."""
        lines = [str(hop) for hop in self.chain]
        lots = len([one for one in self.origins if one.kind == "stock"])
        lines.append(
            f"{len(self.origins) - lots} purchases and {lots} stock lots are behind it."
        )
        return lines

    def __str__(self) -> str:
        """Sentences, one a line."""
        return "\n".join(self.sentences())


def trace(plan: PlanAccess, demand: str, snapshot: Snapshot | None = None) -> Trace:
    """Trace one demand to its purchases and stock lots.

    Parameters
    ----------
    plan
        A plan with pegging.
    snapshot
        What was planned: its bills of materials say what an order takes, as of
        `may_take`.

    Raises
    ------
    UsageError
        The plan has no such demand.
    """
    known = plan.fulfilment["demand"]
    if demand not in known:
        message = f"The plan has no demand {demand}{nearest(demand, known.to_list())}."
        raise UsageError(message)
    rows, givers = _rows(plan, demand, snapshot)
    dates = plan.deliveries.filter(pl.col("demand") == demand)["date"].to_list()
    return Trace(
        demand=demand,
        delivered=max(dates) if dates else None,
        chain=_chain(plan, rows, givers),
        rows=rows,
        givers=givers,
    )


def where_used(plan: PlanAccess, subject: str) -> pl.DataFrame:
    """Which demands a product, an order or a stock lot ends in.

    Parameters
    ----------
    subject
        Id of a product, of a supply, or `product|location|lot` of stock.

    Returns
    -------
    DataFrame
        Columns as in `USED`, by due, demand, level and supply.

    Raises
    ------
    UsageError
        Nothing of the plan has this id.
    """
    pegs = plan.pegging
    hit = pegs.filter((pl.col("supply") == subject) | (pl.col("product") == subject))
    known = {*plan.supplies["id"].to_list(), *plan.supplies["product"].to_list()}
    known |= {*pegs["supply"].to_list(), *pegs["product"].to_list()}
    if subject not in known:
        near = nearest(subject, sorted(known))
        message = f"The plan has no product, order or lot {subject}{near}."
        raise UsageError(message)
    wanted = (
        pegs.filter(pl.col("level") == 0)
        .group_by("demand")
        .agg(pl.col("product").sort().first().alias("wanted_product"))
    )
    demands = plan.fulfilment.select("demand", "due", "status")
    return (
        hit.join(wanted, on="demand", how="left")
        .join(demands, on="demand", how="left")
        .select(pl.col(name).cast(dtype) for name, dtype in USED.items())
        .sort("due", "demand", "level", "supply", "qty")
    )


def start_delays(
    plan: PlanAccess,
    supply: str,
    step: int | None = None,
    snapshot: Snapshot | None = None,
) -> tuple[StartDelay, ...]:
    """Why an order, or a step of it, does not begin earlier.

    Parameters
    ----------
    step
        One of its steps, which waits for the step before it; None: the first, which
        waits for components.
    snapshot
        As in `trace`.
    """
    own = plan.operations.filter(pl.col("supply") == supply).sort("start", "step")
    if own.is_empty():
        return ()
    first = own.row(0, named=True)
    if step is not None and step != first["step"]:
        work = own.filter(pl.col("step") == step)
        if work.is_empty():
            return ()
        begin: dt.datetime = work["start"].to_list()[0]
        done = own.filter(pl.col("finish") <= begin)["finish"].to_list()
        ready = max(done, default=begin)
        return tuple(_held(plan, supply, ready, begin, step)) if begin > ready else ()
    pegs = plan.pegging.filter(pl.col("supply") == supply)
    for demand in pegs.sort("qty", "demand", descending=[True, False])["demand"][:1]:
        rows, givers = _rows(plan, demand, snapshot)
        row = next(one for one in rows if one["supply"] == supply)
        found = _waits(plan, row, givers[_key(row)])
        if found:
            return found
    now = plan.run.as_of
    if now is None or first["start"].timestamp() <= now:
        return ()
    return tuple(_held(plan, supply, from_seconds(now), first["start"]))


def _rows(
    plan: PlanAccess, demand: str, snapshot: Snapshot | None
) -> tuple[tuple[Row, ...], Givers]:
    """Supplies and lots of a demand by level, with their dates, and who takes what."""
    supplies = plan.supplies.select(
        pl.col("id").alias("supply"), "kind", "source", "lane", "start", "finish"
    )
    unknown = pl.when(pl.col("supply").str.contains("|", literal=True)).then(
        pl.lit("stock")
    )
    frame = (
        plan.pegging.filter(pl.col("demand") == demand)
        .group_by("demand", "level", "supply", "product", "location")
        .agg(pl.col("qty").sum())
        .join(supplies, on="supply", how="left")
        .with_columns(pl.col("kind").fill_null(unknown.otherwise(pl.lit("outside"))))
        .sort("level", "product", "location", "supply")
        .with_row_index()
    )
    rows = tuple(frame.to_dicts())
    givers: Givers = {_key(row): [] for row in rows}
    for taker, giver in may_take(frame, snapshot).iter_rows():
        givers[_key(rows[taker])].append(rows[giver])
    return rows, givers


def _there_at_start(row: Row, givers: list[Row]) -> list[Row]:
    """Of what a supply may have taken from what was there when it began; else all.

    What came later was taken by another supply of the level, or after the start.
    """
    begin = row["start"]
    found = [
        one
        for one in givers
        if one["finish"] is None or begin is None or one["finish"] <= begin
    ]
    return found or givers


def _chain(
    plan: PlanAccess, rows: tuple[Row, ...], givers: Givers
) -> tuple[TraceNode, ...]:
    """Go down from what was delivered last, each time to what was there last.

    Of several that were there last the one whose own chain began first is followed.
    """
    top = [row for row in rows if row["level"] == 0]
    if not top:
        return ()
    began = _beginnings(rows, givers)

    def last(row: Row) -> tuple[bool, float, float, str]:
        finish = row["finish"]
        moment = 0.0 if finish is None else finish.timestamp()
        return finish is not None, moment, -began[_key(row)], row["supply"]

    current = max(top, key=last)
    hops: list[TraceNode] = []
    while True:
        below = givers[_key(current)]
        hops.append(_hop(plan, current, below))
        if not below:
            return tuple(reversed(hops))
        current = max(_there_at_start(current, below), key=last)


def _beginnings(rows: tuple[Row, ...], givers: Givers) -> dict[Key, float]:
    """When the chain behind each row began [UTC seconds]; inf of stock."""
    found: dict[Key, float] = {}
    for row in sorted(rows, key=lambda one: -one["level"]):
        own = math.inf if row["start"] is None else row["start"].timestamp()
        behind = [found[_key(one)] for one in givers[_key(row)]]
        found[_key(row)] = min([own, *behind])
    return found


def _key(row: Row) -> Key:
    return row["level"], row["supply"], row["product"], row["location"]


def _hop(plan: PlanAccess, row: Row, givers: list[Row]) -> TraceNode:
    return TraceNode(
        level=row["level"],
        supply=row["supply"],
        kind=row["kind"],
        product=row["product"],
        location=row["location"],
        source=row["source"],
        qty=row["qty"],
        start=row["start"],
        finish=row["finish"],
        waits=_waits(plan, row, givers),
        zone=plan.locale.zone_of(row["location"]),
        number=_number(plan, row["supply"]),
    )


def _number(plan: PlanAccess, supply: str) -> str | None:
    """Return the number of an order; None: it is no order of the plan."""
    found = plan.supplies.filter(pl.col("id") == supply)["number"]
    return str(found[0]) if found.len() and found[0] else None


def _waits(plan: PlanAccess, row: Row, givers: list[Row]) -> tuple[StartDelay, ...]:
    """Divide the time from the first component to the start by what held the order.

    First until the last component is there, then while the resource of the first step
    runs other orders, the rest is slack of the plan.
    """
    there = _there_at_start(row, givers)
    dated = [one for one in there if one["finish"] is not None]
    begin = row["start"]
    if not dated or begin is None:
        return ()
    first = min(dated, key=_finish)
    last = max(dated, key=_finish)
    ready = min(last["finish"], begin)
    found = []
    if ready > first["finish"]:
        found.append(
            StartDelay(
                "component",
                last["product"],
                last["supply"],
                _hours(ready - first["finish"]),
                _number(plan, last["supply"]),
            )
        )
    if begin > ready:
        found += _held(plan, row["supply"], ready, begin)
    return tuple(found)


def _held(
    plan: PlanAccess,
    supply: str,
    ready: dt.datetime,
    begin: dt.datetime,
    step: int | None = None,
) -> list[StartDelay]:
    """Which order the resource of a step, the first, ran until this one began."""
    own = plan.operations.filter(pl.col("supply") == supply).sort("start", "step")
    if step is not None:
        own = own.filter(pl.col("step") == step)
    if not own.is_empty():
        first = own.row(0, named=True)
        others = plan.operations.filter(
            (pl.col("resource") == first["resource"])
            & (pl.col("supply") != supply)
            & (pl.col("finish") > ready)
            & (pl.col("finish") <= first["start"])
            & (pl.lit(first["resource"]) != "")
        ).sort("finish", "supply")
        if not others.is_empty():
            before = others.row(-1, named=True)
            held = min(before["finish"], begin)
            found = [
                StartDelay(
                    "resource",
                    first["resource"],
                    before["supply"],
                    _hours(held - ready),
                    _number(plan, before["supply"]),
                )
            ]
            rest = begin - held
            if rest:
                found.append(StartDelay("plan", supply, None, _hours(rest)))
            return found
    return [StartDelay("plan", supply, None, _hours(begin - ready))]


def _finish(row: Row) -> tuple[dt.datetime, str]:
    return row["finish"], row["supply"]


def _hours(span: dt.timedelta) -> float:
    return span.total_seconds() / HOUR
