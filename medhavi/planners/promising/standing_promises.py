"""Do accepted promises still hold? All are asked again on today's facts (ATP-20).

A promise holds where what it holds is still there and where, asked again beside all
others, it comes whole by its date. The least important are looked at first, and what
does not hold is put aside before the next one is looked at: where too little is left
for two, the more important one keeps its word. What was put aside is then asked again
in the order of a file (rule 29), each seeing what those before it took. Nobody gives
way to anybody here, and caps of a policy, which are for accepting, do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.findings import BadData
from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.held_promises import held_in_time, stands
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.promise_run import quote_all
from medhavi.planners.promising.quoting import helped
from medhavi.planners.promising.supply_search.requests import (
    Request,
    columns,
    read_requests,
    request_of_line,
)
from medhavi.planners.promising.supply_search.whole_orders import (
    EqualShareLine,
    completed,
    evened,
    is_own,
    reached,
    whole_orders,
)
from medhavi.planners.promising.what_if import with_planned_orders
from medhavi.providers.material.characteristics import NO_CLASS
from medhavi.results.plans.tables import INSTANT
from medhavi.results.promises.promise import PromisedDelivery, PromiseStatus
from medhavi.results.promises.promises_at_risk import (
    AT_RISK,
    AcceptedPromiseStatus,
    MonitoredPromise,
    PromiseMonitor,
    chance_by,
)
from medhavi.schema import PLANNED_STATUS
from medhavi.units import DAY, HOUR, from_seconds, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.promising.supply_search.policies import Policy
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot


MOST_EXPLAINED = 20
"""Promises at risk for which remedies are tried, the most important first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedRequest:
    """An accepted promise as a request whose due date is the promised one.

    `due` and `agreed` as in the record.
    """

    request: Request
    due: int
    promised: int
    agreed: int | None


def standing_promises(
    snapshot: Snapshot,
    quantities: Mapping[str, float] | None = None,
    *,
    explained: int = MOST_EXPLAINED,
    gain_hours: float | None = None,
) -> PromiseMonitor:
    """Look at all accepted promises of a snapshot.

    Parameters
    ----------
    snapshot
        Planning tables of today.
    quantities
        What was promised of a demand [base units], where it is less than its line.
    explained
        For how many promises at risk remedies are tried.
    gain_hours
        Promises that hold are named where they could be earlier by this [h], each
        beside all others and those named before it; None: nobody asks.

    Raises
    ------
    BadData
        The snapshot has errors.

    Notes
    -----
    One evaluation of a chain a promise, a quote where that does not do. An order whose
    lines belong together is at risk as a whole where any line of it is (rule 35): all
    lines come with the latest, or none does; in equal shares each brings no more than
    all others can match. Such lines are not asked whether they could be earlier.
    """
    book = PromiseLedger.from_snapshot(snapshot)
    known, ahead = _watched(book, accepted_promises(book, quantities or {}))
    aside, elsewise = _aside(book, known)
    found: list[MonitoredPromise] = []
    better: list[MonitoredPromise] = []
    if aside or gain_hours is not None:
        names = {one.request.demand for one in aside}
        book = PromiseLedger.from_snapshot(without(snapshot, names))
        orders = _whole_orders(book, known)
        found = _judged_together(book, orders, _asked_again(book, aside, explained))
        if gain_hours is not None:
            names |= {one.request.demand for order in orders for one in order.lines}
            kept = [one for one in known if one.request.demand not in names]
            better = _earlier(book, kept, seconds_up(gain_hours, HOUR))
    costs = sorted(
        (one for one in found if one.standing in AT_RISK),
        key=lambda one: (-one.cost, one.priority, one.promised, one.demand),
    )
    moved = (one for one in found if one.standing is AcceptedPromiseStatus.MOVED)
    return PromiseMonitor(
        as_of=book.now,
        snapshot=snapshot.fingerprint,
        watched=len(known),
        ahead=ahead,
        at_risk=tuple(costs),
        moved=tuple(moved),
        currency=snapshot.settings.base_currency,
        better=tuple(better),
        elsewise=tuple(elsewise),
    )


def accepted_promises(
    book: PromiseLedger, quantities: Mapping[str, float] | None = None
) -> list[PromisedRequest]:
    """Promises of the tables as requests for their date, as rule 29 orders."""
    rows = book.providers.tables["demands"]
    days = {
        row["customer"]: row["sla_days"]
        for row in book.snapshot["customers"].iter_rows(named=True)
    }
    found: list[PromisedRequest] = []
    for row in rows:
        if row["kind"] != "order" or row["status"] not in PLANNED_STATUS:
            continue
        if row["promised"] is None or _is_unranked(book, row["min_quality"]):
            continue
        stated = (quantities or {}).get(row["demand"], row["qty"])
        cells = {
            **row,
            "due": row["promised"],
            "qty": min(row["qty"], stated),
            "max_lateness_days": None,
        }
        placed, agreed = row["requested_at"], days.get(row["customer"])
        found.append(
            PromisedRequest(
                request=request_of_line(cells, len(found) + 1),
                due=row["due"],
                promised=row["promised"],
                agreed=None
                if placed is None or agreed is None
                else placed + seconds_up(agreed, DAY),
            )
        )
    return sorted(found, key=_importance)


def _is_unranked(book: PromiseLedger, quality: str | None) -> bool:
    """Whether a class is asked for that nothing ranks: who has it is unknown."""
    return quality is not None and book.providers.traits.rank(quality) == NO_CLASS


def _importance(one: PromisedRequest) -> tuple[int, int, str]:
    return one.request.priority, one.promised, one.request.demand


def _watched(
    book: PromiseLedger, known: Sequence[PromisedRequest]
) -> tuple[list[PromisedRequest], int]:
    """Leave out what lies beyond the days that its policy watches."""
    found = []
    for one in known:
        days = book.policies.of(one.request).watch_days
        if days is None or one.promised <= book.now + seconds_up(days, DAY):
            found.append(one)
    return found, len(known) - len(found)


def _aside(
    book: PromiseLedger, known: Sequence[PromisedRequest]
) -> tuple[list[PromisedRequest], list[str]]:
    """Promises that do not hold; the book has none of them any more.

    Beside them the demands that hold, but by a way that is not held for them.
    """
    found, elsewise = [], []
    # The least important first: what it had is free for those before it.
    for one in reversed(known):
        name, policy = one.request.demand, watching(book, one)
        seen = book
        if policy.planned_orders:
            seen = with_planned_orders(book, one.request)
        if stands(seen.stages, name, one.request.product):
            if _is_held(seen, one):
                continue
            made = searched(OptionSearch(seen, one.request, policy), "date")
            if _standing(seen, made, one) is None:
                elsewise.append(name)
                continue
        book.free_own(name)
        found.append(one)
    return found[::-1], elsewise[::-1]


def _is_held(book: PromiseLedger, one: PromisedRequest) -> bool:
    """Whether a promise comes in time with what it holds, as sure as it must."""
    known = replace(
        watching(book, one), risk_cap=book.policies.of(one.request).risk_cap
    )
    return held_in_time(book, one.request, known)


def watching(book: PromiseLedger, one: PromisedRequest) -> Policy:
    """Policy of a promise that was accepted: no caps, nobody gives way."""
    policy = book.policies.of(one.request)
    return replace(policy, preempt=False, cost_cap=None, co2_cap=None, risk_cap=None)


def without(snapshot: Snapshot, demands: Iterable[str]) -> Snapshot:
    """Tables as if these demands had no promise and held nothing."""
    names = list(demands)
    mine = pl.col("demand").is_in(names)
    rows = snapshot["demands"].with_columns(
        promised=pl.when(mine).then(None).otherwise(pl.col("promised"))
    )
    held = snapshot["reservations"].filter(~mine.fill_null(value=False))
    return snapshot.replace(demands=rows, reservations=held)


def _asked_again(
    book: PromiseLedger, aside: Sequence[PromisedRequest], most: int
) -> list[MonitoredPromise]:
    """Ask those that do not hold again, the most important first; the book takes them.

    Parameters
    ----------
    book
        Of the tables without them.
    most
        For how many of those at risk remedies are tried.
    """
    found = []
    for one in aside:
        search = OptionSearch(book, one.request, watching(book, one))
        made = searched(search, "full")
        standing = _standing(book, made, one)
        if standing in AT_RISK and most > 0:
            most -= 1
            made = helped(search, made)
        if made.status is not PromiseStatus.REJECTED:
            book.take(made)
        found.append(_record(book, one, made, standing or AcceptedPromiseStatus.MOVED))
    return found


class _Order(NamedTuple):
    """Promises of an order whose lines belong together; `even`: in equal shares."""

    lines: tuple[PromisedRequest, ...]
    even: bool


def _whole_orders(
    book: PromiseLedger, known: Sequence[PromisedRequest]
) -> list[_Order]:
    """Promises of each order that comes complete, or in equal shares."""
    lines = {one.request.demand: one for one in known}
    requests = [one.request for one in known]
    return [
        _Order(tuple(lines[line.demand] for line in tied.lines), tied.even)
        for tied in whole_orders(book.policies, requests, None)
    ]


def _judged_together(
    book: PromiseLedger, orders: Iterable[_Order], found: Sequence[MonitoredPromise]
) -> list[MonitoredPromise]:
    """Mark all lines of an order that comes together at risk where one is."""
    told = {one.demand: one for one in found}
    for lines, even in orders:
        records = [told.get(one.request.demand) for one in lines]
        broken = [one for one in records if one and one.standing in AT_RISK]
        if not broken:
            continue
        answers = [
            _in_time(book, one) if record is None else record.promise
            for one, record in zip(lines, records, strict=True)
        ]
        on_time = min(one.on_time_prob for one in broken)
        chance = min(one.date_prob for one in broken)
        together = _together(book, lines, answers, even=even)
        for one, made in zip(lines, together, strict=True):
            standing = _standing(book, made, one) or AcceptedPromiseStatus.UNSURE
            record = _record(book, one, made, standing)
            told[record.demand] = replace(
                record,
                on_time_prob=min(record.on_time_prob, on_time),
                date_prob=min(record.date_prob, chance),
            )
    return list(told.values())


def _together(
    book: PromiseLedger,
    lines: Sequence[PromisedRequest],
    answers: Sequence[Promise],
    *,
    even: bool,
) -> list[Promise]:
    """Lines of an order one date, or equal shares, or reject them all."""
    tied = [
        EqualShareLine(
            one.request,
            book.stages.step(one.request.product),
            book.costs.late_rate(one.request),
        )
        for one in lines
    ]
    if even and is_own(tied, answers) and reached(tied, answers):
        return evened(tied, answers, answers)
    return completed(answers, [line.rate for line in tied])


def _in_time(book: PromiseLedger, one: PromisedRequest) -> Promise:
    """Answer of a promise that holds: its chain may be one no search finds."""
    made = searched(OptionSearch(book, one.request, watching(book, one)), "full")
    if _standing(book, made, one) is None:
        return made
    there = PromisedDelivery(
        qty=one.request.qty,
        date=one.promised,
        product=one.request.product,
        origin=one.request.location,
    )
    return replace(
        made, status=PromiseStatus.PROMISED, date=one.promised, deliveries=(there,)
    )


def _earlier(
    book: PromiseLedger, kept: Sequence[PromisedRequest], gain: int
) -> list[MonitoredPromise]:
    """Promises that could be earlier by a time [s]; the book takes them."""
    found = []
    for one in kept:
        made = searched(OptionSearch(book, one.request, watching(book, one)), "date")
        whole = _standing(book, made, one) is None
        if whole and made.date is not None and made.date + gain <= one.promised:
            book.take(made)
            found.append(_record(book, one, made, AcceptedPromiseStatus.BETTER))
    return found


def _standing(
    book: PromiseLedger, made: Promise, one: PromisedRequest
) -> AcceptedPromiseStatus | None:
    """How a promise stands by its answer of today; None: it can come in time."""
    risk_cap = book.policies.of(one.request).risk_cap
    if made.date is None:
        return AcceptedPromiseStatus.LOST
    if not made.covers(one.request.qty):
        return AcceptedPromiseStatus.SHORT
    if made.date > one.promised:
        return AcceptedPromiseStatus.LATE
    if risk_cap is not None and 1 - chance_by(made, one.promised) > risk_cap:
        return AcceptedPromiseStatus.UNSURE
    return None


def _record(
    book: PromiseLedger,
    one: PromisedRequest,
    made: Promise,
    standing: AcceptedPromiseStatus,
) -> MonitoredPromise:
    request = one.request
    return MonitoredPromise(
        **book.policies.line(request),
        due=one.due,
        promised=one.promised,
        expected=made.date,
        expected_qty=made.qty,
        standing=standing,
        on_time_prob=chance_by(made, one.due),
        date_prob=chance_by(made, one.promised),
        cost=made.cost.lateness + _lost(book, request, made),
        agreed=one.agreed,
        promise=made,
    )


def _lost(book: PromiseLedger, request: Request, made: Promise) -> float:
    """Price of what does not come at all [base currency]."""
    missing = max(request.qty - made.qty, 0.0)
    return missing * book.costs.short_rate(request) if missing else 0.0


ANSWERED: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "demand": pl.String(),
        "asked_at": INSTANT,
        "status": pl.String(),
        "promised_qty": pl.Float64(),
        "date": INSTANT,
        "date_p50": INSTANT,
        "date_p80": INSTANT,
        "date_p95": INSTANT,
        "on_time_prob": pl.Float64(),
        "date_prob": pl.Float64(),
        "option": pl.String(),
        "suppliers": pl.List(pl.String()),
        "risk_basis": pl.String(),
        "model": pl.String(),
        "model_version": pl.String(),
    }
)
"""Columns of the answers; `status` is that of a promise, or unknown.

Unknown is a line that could not be asked: what it names was not in the tables yet,
or the tables of that day had errors.
`suppliers` are those that the promise counts on for a purchase.
"""

UNKNOWN = "unknown"


def past_promises(
    snapshot: Snapshot, lines: pl.DataFrame, policy: str | None
) -> pl.DataFrame:
    """Ask the lines of a day by priority, each seeing the holds of those before it.

    Parameters
    ----------
    snapshot
        Tables as they were known when the day began.
    lines
        Rows with the columns of a request, and `demand`.
    policy
        Policy of lines for which the tables name none.

    Returns
    -------
    DataFrame
        Columns of `ANSWERED`, a row a line, in the order given.

    Raises
    ------
    BadData
        The snapshot has errors.
    """
    book = PromiseLedger.from_snapshot(snapshot)
    asked: list[Request] = []
    for row in lines.iter_rows(named=True):
        request = _request(row, snapshot, len(asked) + 1)
        if request is not None:
            asked.append(request)
    made = quote_all(book, tuple(asked), policy, detail="date")
    rows = {
        request.demand: _row(promise)
        for request, promise in zip(asked, made, strict=True)
    }
    return _table(lines, book.now, rows)


def unasked(snapshot: Snapshot, lines: pl.DataFrame) -> pl.DataFrame:
    """Answers of a day whose tables have errors: all are unknown."""
    return _table(lines, int(snapshot.as_of), {})


def _table(
    lines: pl.DataFrame, now: int, rows: Mapping[str, Mapping[str, object]]
) -> pl.DataFrame:
    unknown = {"status": UNKNOWN, "promised_qty": 0.0, "suppliers": []}
    at = from_seconds(now)
    return pl.DataFrame(
        [
            {"demand": name, "asked_at": at, **rows.get(name, unknown)}
            for name in lines["demand"]
        ],
        schema=dict(ANSWERED),
    )


def _request(
    row: Mapping[str, Any], snapshot: Snapshot, position: int
) -> Request | None:
    """Turn a line into a request; None where it names what was not there yet."""
    known = columns()
    cells = {
        name: value
        for name, value in row.items()
        if name in known and name != "demand" and value is not None
    }
    try:
        (request,) = read_requests([cells], snapshot).requests
    except BadData:
        return None
    return replace(request, demand=row["demand"], position=position)


def _row(promise: Promise) -> dict[str, object]:
    dates = {
        name: None if value is None else from_seconds(value)
        for name, value in (
            ("date", promise.date),
            ("date_p50", promise.date_p50),
            ("date_p80", promise.date_p80),
            ("date_p95", promise.date_p95),
        )
    }
    return {
        "status": str(promise.status),
        "promised_qty": promise.qty,
        **dates,
        "on_time_prob": promise.on_time_prob,
        "date_prob": promise.date_prob,
        "option": promise.option,
        "suppliers": sorted({one.supplier for one in promise.purchases}),
        "risk_basis": promise.basis.risk_basis,
        "model": promise.basis.model,
        "model_version": promise.basis.version,
    }
