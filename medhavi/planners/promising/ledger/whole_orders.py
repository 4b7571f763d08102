"""Orders whose lines belong together (rule 35): complete or not at all, or even.

`full_order` of the policy and `all_together` of a line are kept by the same rule: all
lines of the sales order in the file arrive complete at the latest line's date, or all
are rejected. Where only `in_ratio` ties them, they may come in equal shares instead;
see `equal_shares`.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseCost, PromiseReason, PromiseStatus
from medhavi.results.promises.promises_at_risk import arrival_by
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.results.promises.promise import Promise

COMPLETE = frozenset({PromiseStatus.PROMISED, PromiseStatus.PROMISED_LATE})


class Tied(NamedTuple):
    """Lines of a sales order that belong together; `even`: in equal shares."""

    lines: tuple[Request, ...]
    even: bool


def whole_orders(
    book: Book, requests: Sequence[Request], policy: str | None
) -> Iterator[Tied]:
    """Lines of each sales order that must come together."""
    orders: dict[str, list[Request]] = {}
    for request in requests:
        if request.sales_order is not None:
            orders.setdefault(request.sales_order, []).append(request)
    for lines in orders.values():
        kinds = {line.order_policy for line in lines}
        rules = {book.policies.of(line, policy).delivery for line in lines}
        tied = kinds != {"independent"} or "full_order" in rules
        if tied and len(lines) > 1:
            even = (
                "all_together" not in kinds
                and rules == {"partial"}
                and not any(line.full_line for line in lines)
            )
            yield Tied(tuple(lines), even)


def completed(lines: Sequence[Promise], rates: Sequence[float]) -> list[Promise]:
    """All lines the latest date, or reject them all.

    Parameters
    ----------
    lines
        Answers to the lines of one order.
    rates
        Price of a day late per unit of each line [base currency].
    """
    missing = [line for line in lines if line.status not in COMPLETE]
    if missing:
        return [_refused(line, missing) for line in lines]
    date = max(line.date for line in lines if line.date is not None)
    return [
        _at(line, date, lines, rate) for line, rate in zip(lines, rates, strict=True)
    ]


def _refused(line: Promise, missing: Sequence[Promise]) -> Promise:
    """Reject a line, because of itself or of another one."""
    limiters = line.limiters
    if line.status in COMPLETE:
        reason = PromiseReason(
            code=Limiter.FULL_ORDER_VIOLATION,
            subject=str(missing[0].demand.get("demand", "")),
            hours=0.0,
            text="Another line of the order cannot come, and the order comes whole.",
        )
        limiters = (reason, *limiters)
    return replace(
        line,
        status=PromiseStatus.REJECTED,
        date=None,
        date_p50=None,
        date_p80=None,
        date_p95=None,
        on_time_prob=None,
        date_prob=None,
        deliveries=(),
        origin=None,
        option=None,
        cost=PromiseCost(currency=line.cost.currency),
        co2_kg=0.0,
        reservations=(),
        preempted=(),
        holds=(),
        purchases=(),
        limiter=limiters[0] if limiters else line.limiter,
        limiters=limiters,
    )


def _at(line: Promise, date: int, lines: Sequence[Promise], rate: float) -> Promise:
    """Delay a line to the last one's date."""
    due = int(line.demand["due"])
    line = replace(
        line,
        on_time_prob=all_by(lines, due),
        date_prob=all_by(lines, date),
    )
    if line.date is None or line.date == date:
        return line
    late = date > due
    limiters = line.limiters
    if late and line.on_time:
        last = next(one for one in lines if one.date == date)
        reason = PromiseReason(
            code=Limiter.FULL_ORDER_VIOLATION,
            subject=str(last.demand.get("demand", "")),
            hours=(date - line.date) / 3600,
            text="The line waits for another one of its order.",
        )
        limiters = (reason,)
    lateness = line.qty * max(date - due, 0) / DAY * rate
    lateness += sum(one.cost for one in line.preempted)
    return replace(
        not_before(line, date),
        date_prob=line.date_prob,
        status=PromiseStatus.PROMISED_LATE if late else PromiseStatus.PROMISED,
        cost=replace(line.cost, lateness=lateness),
        limiter=limiters[0] if limiters else None,
        limiters=limiters,
    )


def all_by(lines: Sequence[Promise], instant: int) -> float:
    """P(all lines of an order are there by an instant); their times independent."""
    return prod(arrival_by(line, instant) for line in lines)


def not_before(line: Promise, date: int) -> Promise:
    """Delay an earlier line until a date [s]; status and cost stay."""
    if line.date is None or line.date >= date:
        return line
    moved = date - line.date
    return replace(
        line,
        date=date,
        date_prob=arrival_by(line, date),
        date_p50=None if line.date_p50 is None else max(line.date_p50, date),
        date_p80=None if line.date_p80 is None else line.date_p80 + moved,
        date_p95=None if line.date_p95 is None else line.date_p95 + moved,
        deliveries=tuple(replace(one, date=date) for one in line.deliveries),
    )
