r"""The rule of Wagner and Whitin: orders of least cost for known needs.

Wagner and Whitin 1958, Management Science 5(1), 89-96. With t the instants, q the net
needs and K the cost of an order, all in steps held for a second, the cost of serving
needs i … n from orders at needs is

.. math:: G(i) = K_i + \min_{i < j \le n+1} \sum_{k=i}^{j-1} q_k (t_k - t_i) + G(j).

`plain_wagner_whitin` computes it as it stands, O(n^2). Without limits of an order the
minimum is the lower envelope of lines in t_i, whose slopes fall with j while the t_i
are asked in falling sequence: O(n), after Wagelmans, van Hoesel and Kolen 1992,
Operations Research 40(S1), 145-156, and Federgruen and Tzur 1991, Management Science
37(8), 909-925. With limits the inner minimum ends at the first need whose own holding
costs more than an order at it: a better plan orders there, and that order is smaller
and fresher. (The sum of all holding may well exceed the cost of an order.)
"""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from medhavi.planners.lot_sizing.net_needs import UNBOUNDED, orders_of, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.lot_sizing.net_needs import LotLimits, NetNeed

    Line = tuple[int, int, int]
    """Value at 0, steps that are needed before, place: value - steps * instant."""


def wagner_whitin(
    needs: Sequence[NetNeed],
    price: Fraction | Sequence[Fraction] | None,
    limits: LotLimits = UNBOUNDED,
) -> list[int]:
    """Places of the needs at which orders are received, at least cost.

    Parameters
    ----------
    needs
        Net needs by instant, all instants different, all quantities positive.
    price
        Cost of an order, or of one at each need [steps held for a second]; None:
        holding costs nothing, and few orders are best.
    limits
        Largest lot and life of an order.

    Notes
    -----
    Of plans of equal cost the one whose first order covers most.
    """
    return orders_of(covered_by_wagner_whitin(needs, price, limits))


def covered_by_wagner_whitin(
    needs: Sequence[NetNeed],
    price: Fraction | Sequence[Fraction] | None,
    limits: LotLimits = UNBOUNDED,
) -> list[int]:
    """For each need, the place after the last one that an order at the need covers.

    What an order at a need covers does not depend on its own quantity but for the
    largest lot: the plan stays the best from any of its needs on.
    """
    if price is None:
        return [reach(needs, place, limits) for place in range(len(needs))]
    costs, quantities = _whole(needs, price)
    if limits.none:
        return _envelope(needs, costs, quantities)
    return _bounded(needs, costs, quantities, limits)


def plain_wagner_whitin(
    needs: Sequence[NetNeed],
    price: Fraction | Sequence[Fraction],
    limits: LotLimits = UNBOUNDED,
) -> list[int]:
    """Same as `wagner_whitin` by plain dynamic programming, O(n^2)."""
    costs, quantities = _whole(needs, price)
    count = len(needs)
    best = [0] * (count + 1)
    following = [0] * count
    for first in reversed(range(count)):
        held = 0
        tried: list[tuple[int, int]] = []
        for place in range(first, reach(needs, first, limits)):
            elapsed = needs[place].instant - needs[first].instant
            held += quantities[place] * elapsed
            tried.append((costs[first] + held + best[place + 1], -place - 1))
        best[first], end = min(tried)
        following[first] = -end
    return orders_of(following)


def _whole(
    needs: Sequence[NetNeed], price: Fraction | Sequence[Fraction]
) -> tuple[list[int], list[int]]:
    """Order costs and quantities as whole numbers of one common unit."""
    prices = [price] * len(needs) if isinstance(price, Fraction) else list(price)
    scale = math.lcm(*(one.denominator for one in prices))
    costs = [int(one * scale) for one in prices]
    return costs, [need.qty * scale for need in needs]


def _bounded(
    needs: Sequence[NetNeed],
    costs: Sequence[int],
    quantities: Sequence[int],
    limits: LotLimits,
) -> list[int]:
    count = len(needs)
    best = [0] * (count + 1)
    following = [0] * count
    for first in reversed(range(count)):
        begin = needs[first].instant
        held = 0
        least, end = costs[first] + best[first + 1], first + 1
        for place in range(first + 1, reach(needs, first, limits)):
            added = quantities[place] * (needs[place].instant - begin)
            if added > costs[place]:
                break
            held += added
            cost = costs[first] + held + best[place + 1]
            if cost <= least:
                least, end = cost, place + 1
        best[first], following[first] = least, end
    return following


def _envelope(
    needs: Sequence[NetNeed], costs: Sequence[int], quantities: Sequence[int]
) -> list[int]:
    count = len(needs)
    if not count:
        return []
    origin = needs[0].instant
    before, weighted = [0], [0]
    for need, qty in zip(needs, quantities, strict=True):
        before.append(before[-1] + qty)
        weighted.append(weighted[-1] + qty * (need.instant - origin))
    following = [0] * count
    best = 0
    lines: deque[Line] = deque()
    for first in reversed(range(count)):
        place = first + 1
        _add(lines, (weighted[place] + best, before[place], place))
        at = needs[first].instant - origin
        while len(lines) > 1 and _value(lines[1], at) < _value(lines[0], at):
            lines.popleft()
        following[first] = lines[0][2]
        held = _value(lines[0], at) - weighted[first] + at * before[first]
        best = costs[first] + held
    return following


def _value(line: Line, at: int) -> int:
    return line[0] - line[1] * at


def _add(lines: deque[Line], line: Line) -> None:
    """Add a line of smaller slope; drop those below which it now always lies."""
    while len(lines) > 1:
        (old_value, old_steps, _), (value, steps, _) = lines[-2], lines[-1]
        if (value - line[0]) * (old_steps - steps) < (old_value - value) * (
            steps - line[1]
        ):
            break
        lines.pop()
    lines.append(line)
