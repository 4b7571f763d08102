"""In which parts goods are ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.mrp.netting_state.state import NodeKey

    Place = tuple[NodeKey, str]


class Pieces(NamedTuple):
    """How goods are ordered in parts, by place and by the demand they are for.

    `largest` is the largest order [steps of the product]; `first` a source that is
    asked before the others, and for no more than so much. `fitted`: work that would be
    late is cut for as long as each unit of its resource is there.
    """

    largest: Mapping[Place, int]
    first: Mapping[Place, tuple[str, int]]
    fitted: bool = False

    def also(self, others: Iterable[Pieces]) -> Pieces:
        """These and others; what comes later holds."""
        largest, first = {**self.largest}, {**self.first}
        for one in others:
            largest.update(one.largest)
            first.update(one.first)
        return self._replace(largest=largest, first=first)


WHOLE = Pieces({}, {})
"""Nothing is ordered in parts but for lots and dates."""
