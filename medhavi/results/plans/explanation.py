"""Why a demand is served as it is: the chain of supplies behind it, in hours that sum.

The chain follows the pegs of a demand from the supply that starts first up to the
delivery. Each link takes its own hours and the hours it waits for the next one;
together they are the time from that first start to the last delivery.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError
from medhavi.results.amounts import PlanLocale, code_words, duration, number
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import BEGUN, WORDS, Verdict, verdicts
from medhavi.results.plans.tables import COUNT, FLAG, INSTANT, NUMBER, TEXT
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import DAY, HOUR, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.tables import PlanAccess

TABLE = {
    "level": COUNT,
    "supply": TEXT,
    "number": TEXT,
    "kind": TEXT,
    "product": TEXT,
    "location": TEXT,
    "source": TEXT,
    "qty": NUMBER,
    "start": INSTANT,
    "finish": INSTANT,
    "in_past": FLAG,
    "on_chain": FLAG,
}
"""Columns of `Explanation.table`: every peg of the demand, level by level."""

_VERBS = {"make": "made by", "buy": "bought from", "move": "moved by"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One supply of the chain.

    `own_hours` is its time after the link below it was there, `waiting_hours` how long
    its goods wait for the next link or the delivery.
    """

    level: int
    supply: str
    kind: str
    product: str
    location: str
    source: str
    qty: float
    start: dt.datetime
    finish: dt.datetime
    own_hours: float
    waiting_hours: float
    in_past: bool
    number: str = ""
    """Number of the order, as people call it; empty: stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatenessReason:
    """One reason of the plan why the demand is late or short (a row of `causes`).

    `begin` and `end` bound the time in which it binds, `hours` is its part of the
    lateness.
    """

    code: str
    subject: str
    begin: dt.datetime | None
    end: dt.datetime | None
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(TextDisplay):
    """The chain of one demand.

    Parameters
    ----------
    chain
        Links from the first start to the delivery; empty where stock serves it all.
    table
        Every peg of the demand, columns as in `TABLE`.
    verdict
        What the plan says of its date (rule 45); `status` is the word of rule 22.
    lateness_hours, overdue_hours
        Lateness [h], and its part that had passed when the plan began.
    total_hours
        From the first start of the chain to the last delivery: the sum over the chain
        of own and waiting hours.
    locale
        Zones in which its sentences tell times.
    """

    demand: str
    product: str
    location: str
    due: dt.datetime
    qty: float
    planned: float
    status: str
    verdict: Verdict
    lateness_hours: float | None
    overdue_hours: float
    limiter: str | None
    delivered: dt.datetime | None
    chain: tuple[ChainLink, ...]
    table: pl.DataFrame
    total_hours: float
    names: Mapping[str, str]
    reasons: tuple[LatenessReason, ...] = ()
    locale: PlanLocale = field(default_factory=PlanLocale)

    @property
    def first_in_past(self) -> ChainLink | None:
        """The link that should have started first, where one lies in the past."""
        return next((link for link in self.chain if link.in_past), None)

    def sentences(self) -> list[str]:
        """Chain in sentences made of codes and numbers, first start first."""
        lines = [self._head(), *map(self._reason, self.reasons)]
        if not self.chain:
            lines.append(self._without_chain())
        lines += [self._link(link) for link in self.chain]
        past = self.first_in_past
        if past is not None:
            lines.append(
                f"{self._named(past.product)} at {self._named(past.location)} should have "
                f"started {self._text(past.start, past.location)}, before now: expedite it, choose a faster "
                "source, or agree a later date."
            )
        if self.chain:
            told = duration(self.total_hours)
            lines.append(f"From first start to delivery: {told}.")
        return lines

    def __str__(self) -> str:
        """Sentences, one a line."""
        return "\n".join(self.sentences())

    def _named(self, identity: str) -> str:
        name = self.names.get(identity)
        return f"{name} ({identity})" if name and name != identity else identity

    def _subject(self, reason: LatenessReason) -> str:
        """What binds: a thing, a pool and its skill, a product, its place and lot."""
        thing, *rest = reason.subject.split("|")
        if reason.code == Limiter.CAPACITY_SHORTFALL:
            return ", skill ".join([self._named(thing), *rest])
        place, lot = (*rest, "", "")[:2]
        where = f" at {self._named(place)}" if place else ""
        return f"{self._named(thing)}{where}{f', lot {lot}' if lot else ''}"

    def _without_chain(self) -> str:
        if self.table.height:
            return "Stock serves it; nothing has to be made, bought or moved."
        if self.status == "ignored":
            return "It is not planned: forecast that orders ate, or due too late."
        if self.reasons:
            return "Nothing is made, bought or moved for it."
        return "Nothing serves it: look at the exceptions of its product."

    def _head(self) -> str:
        place = ""
        if self.product:
            place = f" of {self._named(self.product)} at {self._named(self.location)}"
        late = f", {duration(self.lateness_hours)} late" if self.lateness_hours else ""
        if self.overdue_hours:
            late += f", {duration(self.overdue_hours)} of it before now"
        words = code_words(self.limiter).lower() if self.limiter else ""
        limiter = f", limited by {words}" if words else ""
        # Mode mrp plans whole what nothing supplies, and lists what is missing.
        lacks = self.verdict is Verdict.SHORT and self.planned >= self.qty
        paper = " on paper" if lacks else ""
        return (
            f"Demand {self.demand}: {number(self.qty)}{place} by {self._text(self.due)}; "
            f"planned {number(self.planned)}{paper}, {WORDS[self.verdict]}{late}{limiter}."
        )

    def _reason(self, reason: LatenessReason) -> str:
        """What binds, how much of the lateness it is, and when it binds."""
        meaning = ""
        if reason.code in tuple(Limiter):
            meaning = f" ({Limiter(reason.code).entry.meaning})"
        when = ""
        if reason.begin is not None and reason.end is not None:
            when = f", {self._text(reason.begin)} to {self._text(reason.end)}"
        hours = f": {duration(reason.hours)} of it{when}" if reason.hours else when
        subject = self._subject(reason)
        return f"{code_words(reason.code)} of {subject}{hours}{meaning}"

    def _link(self, link: ChainLink) -> str:
        verb = _VERBS.get(link.kind, "from")
        wait = (
            f", then waits {duration(link.waiting_hours)}" if link.waiting_hours else ""
        )
        order = f" ({link.number})" if link.number else ""
        return (
            f"{number(link.qty)} of {self._named(link.product)} at "
            f"{self._named(link.location)}, {verb} {self._named(link.source)}{order}: "
            f"{self._text(link.start, link.location)} to "
            f"{self._text(link.finish, link.location)}, "
            f"{duration(link.own_hours)}{wait}."
        )

    def _text(self, moment: dt.datetime, location: str | None = None) -> str:
        """Local time of a location, by default of the delivery."""
        return self.locale.told(moment, location or self.location)


def explain(
    plan: PlanAccess, demand: str, *, names: Mapping[str, str] | None = None
) -> Explanation:
    """Explain one demand of a plan.

    Parameters
    ----------
    plan
        A plan with pegging.
    demand
        Id of a demand in `fulfilment`.
    names
        Texts for people by id of products, locations and sources.

    Raises
    ------
    UsageError
        The plan has no such demand.
    """
    rows = plan.fulfilment.filter(pl.col("demand") == demand)
    if plan.fulfilment.is_empty():
        message = "The plan has no demands, so there is none to explain."
        raise UsageError(message)
    if rows.is_empty():
        near = nearest(demand, plan.fulfilment["demand"].to_list())
        message = f"The plan has no demand {demand}{near}."
        raise UsageError(message)
    limiter = rows["limiter"][0]
    row = verdicts(plan).filter(pl.col("demand") == demand).row(0, named=True)
    deliveries = plan.deliveries.filter(pl.col("demand") == demand).drop_nulls("date")
    pegs = _pegs(plan, demand)
    chain = _chain(pegs, deliveries)
    on_chain = [link.supply for link in chain]
    top = pegs.filter(pl.col("level") == 0)
    product, location = _wanted(plan, demand, top)
    return Explanation(
        demand=demand,
        product=product,
        location=location,
        due=row["due"],
        qty=row["qty"],
        planned=row["planned"],
        status=row["status"],
        verdict=Verdict(row["verdict"]),
        lateness_hours=row["lateness_h"],
        overdue_hours=row["overdue_h"],
        limiter=limiter,
        delivered=deliveries["date"].max(),  # type: ignore[arg-type]
        chain=chain,
        table=pegs.with_columns(on_chain=pl.col("supply").is_in(on_chain)).select(
            pl.col(name).cast(dtype) for name, dtype in TABLE.items()
        ),
        total_hours=sum(link.own_hours + link.waiting_hours for link in chain),
        names=dict(names or {}),
        reasons=_reasons(plan, demand),
        locale=plan.locale,
    )


def _wanted(plan: PlanAccess, demand: str, top: pl.DataFrame) -> tuple[str, str]:
    """Product and location of a demand; "" where no table of the plan has them."""
    known = [top, plan.exceptions.filter(pl.col("demand") == demand)]
    for rows in known:
        named = rows.select("product", "location").drop_nulls()
        if named.height:
            return named.row(0)
    return "", ""


def _reasons(plan: PlanAccess, demand: str) -> tuple[LatenessReason, ...]:
    rows = plan.causes.filter(pl.col("demand") == demand)
    return tuple(
        LatenessReason(
            code=row["code"],
            subject=row["subject"] or "",
            begin=row["valid_from"],
            end=row["valid_to"],
            hours=row["hours"] or 0.0,
        )
        for row in rows.iter_rows(named=True)
    )


def _pegs(plan: PlanAccess, demand: str) -> pl.DataFrame:
    """Pegs of a demand with their supplies, by level and start."""
    now = from_seconds(plan.run.as_of) if plan.run.as_of is not None else None
    supplies = plan.supplies.select(
        pl.col("id").alias("supply"),
        *("number", "kind", "source", "start", "finish", "status"),
    )
    past = pl.lit(value=False) if now is None else pl.col("start") < now
    past &= ~pl.col("status").is_in(BEGUN).fill_null(value=False)
    return (
        plan.pegging.filter(pl.col("demand") == demand)
        .drop("source")
        .join(supplies, on="supply", how="left")
        .with_columns(
            pl.col("kind").fill_null("stock"), in_past=past.fill_null(value=False)
        )
        .group_by("level", "supply", "kind", "product", "location", "source")
        .agg(
            pl.col("qty").sum(), pl.col("number", "start", "finish", "in_past").first()
        )
        .sort("level", "start", "supply")
    )


def _chain(pegs: pl.DataFrame, deliveries: pl.DataFrame) -> tuple[ChainLink, ...]:
    """Climb from the supply that starts first to the last delivery.

    The next link up is, among the supplies of the level above that end no earlier, the
    one that ends first: its goods wait least, so it is the one that pulled. What comes
    when all that could take it is over is on no chain: an order began without it. Nor
    is what leads to a part that is delivered before the last one: it waits for nothing.
    """
    orders = pegs.filter(pl.col("start").is_not_null() & pl.col("finish").is_not_null())
    top = orders.filter(pl.col("level") == 0).to_dicts()
    if deliveries.is_empty() or not top:
        return ()
    rows = {0: top}
    for row in orders.filter(pl.col("level") > 0).to_dicts():
        ends = [one["finish"] for one in rows.get(row["level"] - 1, ())]
        if ends and row["finish"] <= max(ends):
            rows.setdefault(row["level"], []).append(row)
    every = sorted(
        (row for level in rows.values() for row in level),
        key=lambda row: (row["start"], -row["level"], row["supply"]),
    )
    last = _delivered_last(top, deliveries)
    paths = (_climbed(row, rows) for row in every)
    path = next(path for path in paths if path[-1]["supply"] in last)
    return tuple(_links(path, deliveries["date"].max()))  # type: ignore[arg-type]


def _delivered_last(
    top: Sequence[dict[str, Any]], deliveries: pl.DataFrame
) -> set[str]:
    """Orders whose goods are in the last delivery: those that end last, by quantity."""
    rest = float(deliveries.filter(pl.col("date") == pl.col("date").max())["qty"].sum())
    found: set[str] = set()
    for row in sorted(top, key=_ending, reverse=True):
        if found and rest <= 0:
            break
        found.add(row["supply"])
        rest -= row["qty"]
    return found


def _climbed(
    row: dict[str, Any], rows: Mapping[int, Sequence[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """A supply and those that take it, one of each level up to the top."""
    path = [row]
    while path[-1]["level"] > 0:
        below = path[-1]
        above = rows[below["level"] - 1]
        later = [one for one in above if one["finish"] >= below["finish"]]
        path.append(min(later, key=_ending))
    return path


def _ending(row: dict[str, Any]) -> tuple[dt.datetime, dt.datetime, str]:
    return row["finish"], row["start"], row["supply"]


def _links(path: list[dict[str, Any]], delivered: dt.datetime) -> list[ChainLink]:
    links = []
    for place, row in enumerate(path):
        begin = row["start"]
        if place:
            begin = max(begin, path[place - 1]["finish"])
        following = path[place + 1]["start"] if place + 1 < len(path) else delivered
        waiting = max((following - row["finish"]).total_seconds(), 0.0)
        links.append(
            ChainLink(
                level=row["level"],
                supply=row["supply"],
                kind=row["kind"],
                product=row["product"],
                location=row["location"],
                source=row["source"] or "outside",
                qty=row["qty"],
                start=row["start"],
                finish=row["finish"],
                own_hours=(row["finish"] - begin).total_seconds() / HOUR,
                waiting_hours=waiting / HOUR,
                in_past=row["in_past"],
                number=row["number"] or "",
            )
        )
    return links


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstDemand:
    """A demand with the earliest start in the past of all that serves it."""

    demand: str
    product: str
    location: str
    due: dt.datetime
    should_have_started: dt.datetime
    days_ago: float
    explanation: Explanation


def worst_demands(
    plan: PlanAccess, names: Mapping[str, str] | None = None, count: int = 5
) -> tuple[WorstDemand, ...]:
    """Demands with the earliest start in the past, worst first.

    A supply that should have started before now is charged to every demand that it is
    pegged to; a demand is as bad as the earliest of them. Ties: due, then id.

    Parameters
    ----------
    names
        Texts for people by id, for the explanations.
    count
        How many.
    """
    if plan.run.as_of is None:
        return ()
    late = plan.exceptions.filter(pl.col("code") == ExceptionCode.PAST_DUE_START)
    starts = plan.supplies.join(
        late.select("supply"), left_on="id", right_on="supply", how="semi"
    ).select(supply="id", start="start")
    first = (
        plan.pegging.join(starts, on="supply")
        .group_by("demand")
        .agg(pl.col("start").min())
        .join(plan.fulfilment.select("demand", "due"), on="demand")
        .sort("start", "due", "demand")
        .head(count)
    )
    return tuple(
        _worst(plan, plan.run.as_of, row["demand"], row["start"], names)
        for row in first.iter_rows(named=True)
    )


def _worst(
    plan: PlanAccess,
    as_of: int,
    demand: str,
    start: dt.datetime,
    names: Mapping[str, str] | None,
) -> WorstDemand:
    explanation = explain(plan, demand, names=names)
    return WorstDemand(
        demand=demand,
        product=explanation.product,
        location=explanation.location,
        due=explanation.due,
        should_have_started=start,
        days_ago=round((as_of - to_seconds(start)) / DAY, 1),
        explanation=explanation,
    )
