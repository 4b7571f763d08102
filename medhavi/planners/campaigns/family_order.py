"""In which order the families of one resource cost the least set-up (CMP-02).

The matrix is asymmetric and need not keep the triangle inequality: the answer is the
shortest path through all families, open at its end, from the present set-up.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Price = Callable[[str | None, str], float]

MOST_EXACT = 12
"""Families that are ordered exactly: 12 x 12 x 2^12 steps; beyond it the heuristic."""


class FamilyOrder(NamedTuple):
    """An order of families.

    Parameters
    ----------
    order
        All families, each once.
    total
        Sum of the changes, the one from the present set-up included.
    bound
        What no order can undercut; `total` where the order is exact.
    exact
        Whether no order is better.
    """

    order: tuple[str, ...]
    total: float
    bound: float
    exact: bool

    @property
    def gap(self) -> float:
        """(total - bound) / total; 0 where nothing can be saved."""
        return (self.total - self.bound) / self.total if self.total else 0.0


def best_order(
    families: Sequence[str],
    price: Price,
    state: str | None = None,
    *,
    most_exact: int = MOST_EXACT,
) -> FamilyOrder:
    """Find the order with the least sum of changes.

    Parameters
    ----------
    families
        Each once; ties go to the order in which they are given.
    price
        Change from a family (`None`: nothing before) to another, at least 0.
    state
        Present set-up.
    most_exact
        Up to so many families the answer is exact.

    Notes
    -----
    Held and Karp, Journal of the SIAM 10 (1962): O(n² 2ⁿ). Beyond `most_exact`: nearest
    neighbour from every first family, then single families moved while that saves
    (or-opt; Or 1976); the bound is the sum of the cheapest ways into each family.
    """
    if len(set(families)) != len(families):
        message = "Each family may stand once in the list."
        raise ValueError(message)
    if not families:
        return FamilyOrder((), 0.0, 0.0, exact=True)
    if len(families) <= most_exact:
        order = _held_karp(families, price, state)
        total = path_price(order, price, state)
        return FamilyOrder(tuple(order), total, total, exact=True)
    order = _improved(_nearest(families, price, state), price, state)
    total = path_price(order, price, state)
    bound = _bound(families, price, state)
    return FamilyOrder(tuple(order), total, bound, exact=total <= bound)


def path_price(order: Sequence[str], price: Price, state: str | None = None) -> float:
    """Sum the changes of an order, from the present set-up on."""
    if not order:
        return 0.0
    return price(state, order[0]) + sum(price(a, b) for a, b in pairwise(order))


def _held_karp(families: Sequence[str], price: Price, state: str | None) -> list[str]:
    count = len(families)
    cost = [[0.0 if a == b else price(a, b) for b in families] for a in families]
    first = [price(state, family) for family in families]
    full = (1 << count) - 1
    # rest[last][done]: least sum of what follows; read forward it gives the first order
    # among equals.
    rest = [[0.0] * (full + 1) for _ in range(count)]
    for done in range(full - 1, 0, -1):
        left = [n for n in range(count) if not done >> n & 1]
        for last in range(count):
            if done >> last & 1:
                rest[last][done] = min(
                    cost[last][n] + rest[n][done | 1 << n] for n in left
                )
    last = min(range(count), key=lambda n: (first[n] + rest[n][1 << n], n))
    done = 1 << last
    order = [families[last]]
    while done != full:
        left = [n for n in range(count) if not done >> n & 1]
        before = last
        last = min(left, key=lambda n: (cost[before][n] + rest[n][done | 1 << n], n))
        done |= 1 << last
        order.append(families[last])
    return order


def _nearest(families: Sequence[str], price: Price, state: str | None) -> list[str]:
    """Try each family as the first, go to the nearest one each time."""
    found = []
    for number, first in enumerate(families):
        order = [first]
        left = [family for family in families if family != first]
        while left:
            here = order[-1]
            following = min(left, key=lambda family: price(here, family))
            order.append(following)
            left.remove(following)
        found.append((path_price(order, price, state), number, order))
    return min(found)[2]


def _improved(order: list[str], price: Price, state: str | None) -> list[str]:
    """Move single families while the sum falls."""
    best = path_price(order, price, state)
    better = True
    while better:
        better = False
        for family in list(order):
            rest = [other for other in order if other != family]
            for place in range(len(order)):
                tried = [*rest[:place], family, *rest[place:]]
                total = path_price(tried, price, state)
                if total < best - 1e-9:
                    best, order, better = total, tried, True
    return order


def _bound(families: Sequence[str], price: Price, state: str | None) -> float:
    """Every family is entered once, one of them from the present set-up."""
    inner = {
        family: min(price(other, family) for other in families if other != family)
        for family in families
    }
    total = sum(inner.values())
    return min(total - inner[family] + price(state, family) for family in families)
