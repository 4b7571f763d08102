"""Order of sources where a policy asks for the cheapest or the earliest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol

from medhavi.units import NEVER, from_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.providers.material.recipes import Recipe
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Source

Rule = Literal["preference", "cost", "earliest"]


class Kitchen(Protocol):
    """Who knows the recipes."""

    def recipe(self, routing: str) -> Recipe:
        """Recipe of a routing."""
        ...


def order_steps(source: Source, recipes: Kitchen, wanted: int) -> int:
    """Order that yields a good quantity, before lots [steps].

    Makes count routing units; buys and moves bring what is ordered.
    """
    if source.kind != "make":
        return wanted
    gain = recipes.recipe(source.source).gain(source.product, source.location)
    return 0 if gain is None else gain.order_steps_for(wanted)


def need_cost(
    source: Source, recipes: Kitchen, facts: ProductFacts, wanted: int
) -> float:
    """Cost of a need with all its lots [base currency].

    Prices and costs of the source, and what goes in at standard cost: components of a
    make by their first choice, the product itself of a move. Resource hours are not in
    it.
    """
    pieces = source.pieces(order_steps(source, recipes, wanted))
    total = 0.0 if pieces else math.inf
    for piece in pieces:
        qty = from_steps(piece, source.step)
        total += source.cost(qty)
        if source.kind == "move":
            total += qty * facts.unit_cost(source.product)
        if source.kind == "make":
            for group in recipes.recipe(source.source).groups:
                line = group[0]
                used = from_steps(line.steps(piece), facts.step(line.component))
                total += used * facts.unit_cost(line.component)
    return total


def first_finish(source: Source, recipes: Kitchen, wanted: int, start: int) -> int:
    """When a need could be there at the earliest, its largest order last [s]."""
    pieces = source.pieces(order_steps(source, recipes, wanted))
    if not pieces:
        return NEVER
    timing = source.clock.earliest(max(start, source.fence_start), max(pieces))
    return NEVER if timing is None else timing.finish


def ranked(
    sources: tuple[Source, ...], key: Callable[[Source], float]
) -> tuple[Source, ...]:
    """Sort by a key; equal ones keep their order of preference, then id."""
    return tuple(sorted(sources, key=key))
