"""In which order the families of one resource cost the least set-up (CMP-02).

The matrix is asymmetric and need not keep the triangle inequality: the answer is the
shortest path through all families, open at its end, from the present set-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Price = Callable[[str | None, str], float]

MOST_FAMILIES = 12
"""Families that are ordered at a time: 12 x 12 x 2^12 steps."""


def best_order(
    families: Sequence[str], price: Price, state: str | None = None
) -> tuple[str, ...]:
    """Order of families with the least sum of changes.

    Parameters
    ----------
    families
        Each once; ties go to the order in which they are given.
    price
        Change from a family (`None`: nothing before) to another, at least 0.
    state
        Present set-up.

    Notes
    -----
    Held and Karp, Journal of the SIAM 10 (1962): O(n² 2ⁿ).
    """
    if len(set(families)) != len(families):
        message = "Each family may stand once in the list."
        raise ValueError(message)
    return tuple(_held_karp(families, price, state)) if families else ()


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
