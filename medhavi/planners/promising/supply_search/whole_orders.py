"""Orders whose lines belong together: complete or not at all, or in equal shares.

`full_order` of the policy and `all_together` of a line are kept by the same rule (35):
all lines of the sales order in the file arrive complete at the latest line's date, or
all are rejected. Where only `in_ratio` ties them (rules 12 and 35), they may come in
equal shares: after every delivery the delivered share of all lines is equal. Shares
count in parts of the greatest common divisor of the lines' quantities, so that none is
rounded: of 10 and 15 pieces there are five shares of 2 and 3. What is there of a line
early waits for the others; what no other line can match is not promised.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd, prod
from typing import TYPE_CHECKING, NamedTuple

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    PromiseCost,
    PromisedDelivery,
    PromiseReason,
    PromiseStatus,
)
from medhavi.results.promises.promises_at_risk import arrival_by
from medhavi.units import DAY, from_units, units_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from medhavi.planners.promising.supply_search.policies import Policies
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.results.promises.promise import Promise


COMPLETE = frozenset({PromiseStatus.PROMISED, PromiseStatus.PROMISED_LATE})


class LinkedLines(NamedTuple):
    """Lines of a sales order that belong together; `even`: in equal shares."""

    lines: tuple[Request, ...]
    even: bool


def whole_orders(
    policies: Policies, requests: Sequence[Request], policy: str | None
) -> Iterator[LinkedLines]:
    """Lines of each sales order that must come together."""
    orders: dict[str, list[Request]] = {}
    for request in requests:
        if request.sales_order is not None:
            orders.setdefault(request.sales_order, []).append(request)
    for lines in orders.values():
        kinds = {line.order_policy for line in lines}
        rules = {policies.of(line, policy).delivery for line in lines}
        tied = kinds != {"independent"} or "full_order" in rules
        if tied and len(lines) > 1:
            even = (
                "all_together" not in kinds
                and rules == {"partial"}
                and not any(line.full_line for line in lines)
            )
            yield LinkedLines(tuple(lines), even)


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


class EqualShareLine(NamedTuple):
    """A line of such an order.

    Parameters
    ----------
    request
        As it was asked for first.
    step
        Smallest quantity of its product.
    rate
        Price of a day late per unit [base currency].
    """

    request: Request
    step: Fraction
    rate: float

    @property
    def steps(self) -> int:
        """Quantity that is asked for [steps]."""
        return units_up(self.request.qty, self.step)

    def had(self, made: Promise, by: int | None = None) -> int:
        """What an answer delivers, until an instant if one is given [steps]."""
        return sum(
            _steps(one.qty, self.step)
            for one in made.deliveries
            if by is None or one.date <= by
        )


def is_own(lines: Sequence[EqualShareLine], made: Sequence[Promise]) -> bool:
    """Whether every line brings what was asked for and no substitute."""
    return all(
        delivery.product == line.request.product
        for line, one in zip(lines, made, strict=True)
        for delivery in one.deliveries
    )


def shares(lines: Sequence[EqualShareLine]) -> int:
    """How many equal shares the order comes in at most."""
    return gcd(*(line.steps for line in lines))


def reached(
    lines: Sequence[EqualShareLine], made: Sequence[Promise], by: int | None = None
) -> int:
    """How many shares all lines can deliver until an instant, or ever."""
    count = shares(lines)
    return min(
        line.had(one, by) * count // line.steps
        for line, one in zip(lines, made, strict=True)
    )


def is_even(lines: Sequence[EqualShareLine], made: Sequence[Promise]) -> bool:
    """Whether every line brings the same share, and not nothing."""
    count, level = shares(lines), reached(lines, made)
    return level > 0 and all(
        line.had(one) * count == level * line.steps
        for line, one in zip(lines, made, strict=True)
    )


def matched(
    lines: Sequence[EqualShareLine], made: Sequence[Promise]
) -> list[Request] | None:
    """Requests for what all lines can bring; None: nothing."""
    count, level = shares(lines), reached(lines, made)
    if not level:
        return None
    return [
        replace(
            line.request,
            qty=from_units(level * line.steps // count, line.step),
        )
        for line in lines
    ]


def evened(
    lines: Sequence[EqualShareLine], made: Sequence[Promise], first: Sequence[Promise]
) -> list[Promise]:
    """Deliver all lines in equal shares; each brings the same share in the end.

    Parameters
    ----------
    made
        Answers that bring it.
    first
        What each line could bring by itself, with the reasons why not more.
    """
    instants = list(_instants(lines, made))
    count = shares(lines)
    binding = _binding(lines, made, first)
    return [
        _evened(line, one, alone, (instants, count), (made, binding))
        for line, one, alone in zip(lines, made, first, strict=True)
    ]


def _binding(
    lines: Sequence[EqualShareLine], made: Sequence[Promise], first: Sequence[Promise]
) -> str:
    """Name the line that brings the least by itself, else the one that is last."""
    if reached(lines, made) < shares(lines):
        parts = [
            line.had(one) / line.steps for line, one in zip(lines, first, strict=True)
        ]
        return lines[parts.index(min(parts))].request.demand
    dates = [one.date or 0 for one in made]
    return lines[dates.index(max(dates))].request.demand


def _instants(
    lines: Sequence[EqualShareLine], made: Sequence[Promise]
) -> Iterator[tuple[int, int]]:
    """When shares are delivered, and how many there are by then.

    A delivery waits for the next one where it, or what is left after it, is less than
    the least shipment of a line.
    """
    count, end = shares(lines), reached(lines, made)
    before = 0
    for instant in sorted({one.date for each in made for one in each.deliveries}):
        level = reached(lines, made, instant)
        enough = all(
            _is_enough(line, (level - before) * line.steps // count)
            and (level == end or _is_enough(line, (end - level) * line.steps // count))
            for line in lines
        )
        if level > before and (enough or (level == end and not before)):
            yield instant, level
            before = level


def _is_enough(line: EqualShareLine, steps: int) -> bool:
    least = min(units_up(line.request.min_shipment, line.step), line.steps)
    return steps >= max(least, 1)


def _evened(
    line: EqualShareLine,
    made: Promise,
    alone: Promise,
    given: tuple[Sequence[tuple[int, int]], int],
    order: tuple[Sequence[Promise], str],
) -> Promise:
    """Line its part of each share."""
    (instants, count), (answers, binding) = given, order
    whole = instants[-1][1] == count
    deliveries = list(_deliveries(line, made, instants, count))
    date = deliveries[-1].date
    due = line.request.due
    late = date > due
    status = PromiseStatus.PROMISED_LATE if late else PromiseStatus.PROMISED
    lateness = sum(one.qty * max(one.date - due, 0) / DAY for one in deliveries)
    lateness = lateness * line.rate + sum(one.cost for one in made.preempted)
    told = made if whole else alone
    limiters = told.limiters
    if (late or not whole) and not limiters:
        hours = 0.0 if made.date is None else (date - made.date) / 3600
        text = "All lines of its order come in equal shares."
        code = Limiter.FULL_ORDER_VIOLATION
        limiters = (PromiseReason(code=code, subject=binding, hours=hours, text=text),)
    moved = 0 if made.date is None else date - made.date
    together = [one for one in answers if one.date is not None]
    return replace(
        made,
        on_time_prob=all_by(together, due) if whole else 0.0,
        date_prob=all_by(together, date),
        status=status if whole else PromiseStatus.PARTIAL,
        date=date,
        date_p50=None if made.date_p50 is None else max(made.date_p50, date),
        date_p80=None if made.date_p80 is None else made.date_p80 + moved,
        date_p95=None if made.date_p95 is None else made.date_p95 + moved,
        deliveries=tuple(deliveries),
        cost=replace(made.cost, lateness=lateness),
        limiter=limiters[0] if limiters else None,
        limiters=limiters,
        remedies=told.remedies,
    )


def _deliveries(
    line: EqualShareLine, made: Promise, instants: Sequence[tuple[int, int]], count: int
) -> Iterator[PromisedDelivery]:
    """Cut what a line brings into its shares, what is there first going first."""
    ready = [
        (_steps(one.qty, line.step), one)
        for one in sorted(made.deliveries, key=lambda one: one.date)
    ]
    before = 0
    for instant, level in instants:
        left = (level - before) * line.steps // count
        before = level
        parts: dict[tuple[str, str], int] = {}
        while left > 0:
            there, one = ready.pop(0)
            part = min(left, there)
            left -= part
            if part < there:
                ready.insert(0, (there - part, one))
            key = (one.product, one.origin)
            parts[key] = parts.get(key, 0) + part
        for (product, origin), part in parts.items():
            qty = from_units(part, line.step)
            yield PromisedDelivery(
                qty=qty, date=instant, product=product, origin=origin
            )


def _steps(qty: float, step: Fraction) -> int:
    """Count the steps of a delivery, which holds whole ones."""
    return round(qty / float(step))
