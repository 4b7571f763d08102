"""Walks of plain requests, the fastest first; each leaves to the next what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.integer_model.compact_walk import compact_walk
from medhavi.planners.promising.integer_model.flat_walk import flat_walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.promising.integer_model.compact_walk import CompactWalk
    from medhavi.planners.promising.integer_model.flat_walk import FlatWalk
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.finite_capacity.chain import KnownOrders


def plain_walks(
    stages: Stages, terms: Terms, known: KnownOrders | None
) -> Iterator[FlatWalk | CompactWalk]:
    """Walks that may do for what is allowed.

    Parameters
    ----------
    known
        Orders that were placed before in the same state of the ledgers; None: they are
        not kept.
    """
    flat = flat_walk(stages, terms, known)
    if flat is not None:
        yield flat
    compact = compact_walk(stages, terms, known)
    if compact is not None:
        yield compact
