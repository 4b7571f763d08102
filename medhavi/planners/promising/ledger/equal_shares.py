"""Orders whose lines come in equal shares: `in_ratio` (rules 12 and 35).

After every delivery the delivered share of all lines is equal. Shares count in parts of
the greatest common divisor of the lines' quantities, so that none is rounded: of 10 and
15 pieces there are five shares of 2 and 3. What is there of a line early waits for the
others; what no other line can match is not promised.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.ledger.whole_orders import all_by
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    PromisedDelivery,
    PromiseReason,
    PromiseStatus,
)
from medhavi.units import DAY, from_steps, steps_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.results.promises.promise import Promise


class Line(NamedTuple):
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
        return steps_up(self.request.qty, self.step)

    def had(self, made: Promise, by: int | None = None) -> int:
        """What an answer delivers, until an instant if one is given [steps]."""
        return sum(
            _steps(one.qty, self.step)
            for one in made.deliveries
            if by is None or one.date <= by
        )


def is_own(lines: Sequence[Line], made: Sequence[Promise]) -> bool:
    """Whether every line brings what was asked for and no substitute."""
    return all(
        delivery.product == line.request.product
        for line, one in zip(lines, made, strict=True)
        for delivery in one.deliveries
    )


def shares(lines: Sequence[Line]) -> int:
    """How many equal shares the order comes in at most."""
    return gcd(*(line.steps for line in lines))


def reached(
    lines: Sequence[Line], made: Sequence[Promise], by: int | None = None
) -> int:
    """How many shares all lines can deliver until an instant, or ever."""
    count = shares(lines)
    return min(
        line.had(one, by) * count // line.steps
        for line, one in zip(lines, made, strict=True)
    )


def is_even(lines: Sequence[Line], made: Sequence[Promise]) -> bool:
    """Whether every line brings the same share, and not nothing."""
    count, level = shares(lines), reached(lines, made)
    return level > 0 and all(
        line.had(one) * count == level * line.steps
        for line, one in zip(lines, made, strict=True)
    )


def matched(lines: Sequence[Line], made: Sequence[Promise]) -> list[Request] | None:
    """Requests for what all lines can bring; None: nothing."""
    count, level = shares(lines), reached(lines, made)
    if not level:
        return None
    return [
        replace(
            line.request,
            qty=from_steps(level * line.steps // count, line.step),
        )
        for line in lines
    ]


def evened(
    lines: Sequence[Line], made: Sequence[Promise], first: Sequence[Promise]
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
    lines: Sequence[Line], made: Sequence[Promise], first: Sequence[Promise]
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
    lines: Sequence[Line], made: Sequence[Promise]
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


def _is_enough(line: Line, steps: int) -> bool:
    least = min(steps_up(line.request.min_shipment, line.step), line.steps)
    return steps >= max(least, 1)


def _evened(
    line: Line,
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
    line: Line, made: Promise, instants: Sequence[tuple[int, int]], count: int
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
            qty = from_steps(part, line.step)
            yield PromisedDelivery(
                qty=qty, date=instant, product=product, origin=origin
            )


def _steps(qty: float, step: Fraction) -> int:
    """Count the steps of a delivery, which holds whole ones."""
    return round(qty / float(step))
