"""The rule of Silver and Meal: join needs while the cost per time falls.

Silver and Meal 1973, Production and Inventory Management 14(2); Silver, Pyke, Thomas,
Inventory and Production Management in Supply Chains (ISBN 978-1466558618), section
5.5.1. The textbook counts periods; needs here have dates, so a period is the mean time
between the needs from the order's first one on. On a grid of hours, days, weeks or
months without empty periods the result is the textbook's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.lot_sizing.net_needs import UNBOUNDED, orders_of, reach

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from medhavi.planners.lot_sizing.net_needs import LotLimits, NetNeed


def silver_meal(
    needs: Sequence[NetNeed], price: Fraction | None, limits: LotLimits = UNBOUNDED
) -> list[int]:
    """Places of the needs at which orders are received.

    Parameters
    ----------
    needs
        Net needs by instant, all instants different, all quantities positive.
    price
        Cost of an order [steps held for a second]; None: holding costs nothing.
    limits
        Largest lot and life of an order.

    Notes
    -----
    With C the cost of an order and what it holds so far, t the time from its receipt to
    the next need and p the period, that need of holding cost a joins while
    (C + a) / (t + p) <= C / t, that is a * t <= C * p. A need whose holding costs more
    than an order of its own never joins; on a full grid that follows from the rule.
    """
    following = [
        covered_by_silver_meal(needs, place, price, limits)
        for place in range(len(needs))
    ]
    return orders_of(following)


def covered_by_silver_meal(
    needs: Sequence[NetNeed],
    first: int,
    price: Fraction | None,
    limits: LotLimits,
) -> int:
    """Place after the last need that an order at `first` covers."""
    end = reach(needs, first, limits)
    if price is None:
        return end
    begin = needs[first].instant
    # Whole numbers: the cost of an order times its denominator, and holding likewise.
    scale, order = price.denominator, price.numerator
    cost = order
    # The period is span / gaps.
    span, gaps = needs[-1].instant - begin, len(needs) - 1 - first
    for place in range(first + 1, end):
        need = needs[place]
        elapsed = need.instant - begin
        added = need.qty * elapsed * scale
        if added > order or added * elapsed * gaps > cost * span:
            return place
        cost += added
    return end
