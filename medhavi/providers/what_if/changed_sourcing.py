"""Sources where some terms or lanes are others than in the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from medhavi.providers.sourcing.sourcing import Sourcing

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing.roads import Roads


class ChangedSourcing(Sourcing):
    """Sourcing that looks again at the nodes that a change touches.

    Which sources there are is as before: only their times differ.
    """

    __slots__ = ("_base", "_touched")

    _base: Sourcing
    _touched: Callable[[str, str], bool]

    @classmethod
    def of(
        cls, base: Sourcing, roads: Roads, touched: Callable[[str, str], bool]
    ) -> Self:
        """Change a sourcing.

        Parameters
        ----------
        base
            As the tables have it; it stays as it is.
        roads
            Where the changed ways are in.
        touched
            Tells whether a product at a location has a source that changes.
        """
        made = cls.__new__(cls)
        parts = {name: getattr(base, name) for name in Sourcing.__slots__}
        parts |= {"_base": base, "_touched": touched, "_roads": roads, "_known": {}}
        for name, part in parts.items():
            setattr(made, name, part)
        return made

    def sources(self, product: str, location: str) -> tuple[Source, ...]:
        """Sources that new orders may use; see `Sourcing.sources`."""
        if self._touched(product, location):
            return super().sources(product, location)
        return self._base.sources(product, location)

    def of_node(self, product: str, location: str) -> Sourcing:
        """Sourcing that knows the sources of a node."""
        if self._touched(product, location):
            return self
        return self._base.of_node(product, location)
