"""Net needs of a product at a location, and what the lot rules know about an order.

A rule puts net needs into orders; each order is received at the first need it covers
(semantics, rule 6). Holding counts from there to each need, so that a cost is a number
of quantity steps times seconds, and the cost of an order is stated in the same unit:
all comparisons are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import DAY, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

DAYS_PER_YEAR = 365


class NetNeed(NamedTuple):
    """What is missing at an instant [UTC seconds], in quantity steps.

    `alive_until` is the least expiry that a lot must have to serve it.
    """

    instant: int
    qty: int
    alive_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLimits:
    """What bounds an order that covers several needs.

    Parameters
    ----------
    most
        Largest lot [steps]; a single need above it stands alone and is cut later.
    life
        Seconds from the receipt of an order to its expiry.
    """

    most: int | None = None
    life: int | None = None

    @property
    def none(self) -> bool:
        """Whether nothing bounds an order."""
        return self.most is None and self.life is None


UNBOUNDED = LotLimits()


def order_price(
    order_cost: float | None, holding_rate: float, unit_cost: float, step: Fraction
) -> Fraction | None:
    """What an order costs, in steps held for a second.

    Parameters
    ----------
    order_cost
        Per order [base currency]; empty: nothing.
    holding_rate
        Of the unit cost per year of 365 days [fraction].
    unit_cost
        Of a unit [base currency]; 1 where it is 0 (rule 6).
    step
        Quantity step of the product [units].

    Returns
    -------
    Fraction or None
        None: holding costs nothing and an order does, so that fewer orders are always
        better.

    >>> from fractions import Fraction
    >>> order_price(73, 0.2, 1.0, Fraction(1)) / 86400
    Fraction(133225, 1)
    """
    ordering = exact(order_cost or 0.0)
    holding = exact(holding_rate) * exact(unit_cost or 1.0) * step
    if ordering <= 0:
        return ordering * 0
    if holding <= 0:
        return None
    return ordering * DAYS_PER_YEAR * DAY / holding


def reach(needs: Sequence[NetNeed], first: int, limits: LotLimits) -> int:
    """Place after the last need that an order at a need may cover.

    Parameters
    ----------
    needs
        In sequence of their instants, all different.
    first
        Place of the need at which the order is received; it always covers that one.
    limits
        Largest lot and life.
    """
    covered = needs[first].qty
    for place in range(first + 1, len(needs)):
        need = needs[place]
        covered += need.qty
        if limits.most is not None and covered > limits.most:
            return place
        dead = None if limits.life is None else needs[first].instant + limits.life
        if dead is not None and max(need.instant, need.alive_until) > dead:
            return place
    return len(needs)


def orders_of(following: Sequence[int]) -> list[int]:
    """Places of the needs at which orders are received.

    Parameters
    ----------
    following
        For each need the place after the last one that an order there covers.

    >>> orders_of([2, 2, 4, 4])
    [0, 2]
    """
    found: list[int] = []
    place = 0
    while place < len(following):
        found.append(place)
        place = following[place]
    return found


def plan_cost(
    needs: Sequence[NetNeed], orders: Sequence[int], prices: Sequence[Fraction]
) -> Fraction:
    """Cost of orders and holding [steps held for a second].

    Parameters
    ----------
    needs
        Net needs by instant.
    orders
        Places of the needs at which orders are received, ascending from 0.
    prices
        Cost of an order at each need.
    """
    cost = sum((prices[place] for place in orders), start=prices[0] * 0)
    ends = [*orders[1:], len(needs)]
    for first, end in zip(orders, ends, strict=True):
        begin = needs[first].instant
        cost += sum(need.qty * (need.instant - begin) for need in needs[first:end])
    return cost
