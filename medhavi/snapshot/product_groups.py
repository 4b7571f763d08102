"""Groups of products, customers and locations: from a row to what holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def lineage(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Walk from a name through its groups; a cycle ends the walk.

    >>> list(lineage("a", {"a": "b", "b": "c"}))
    ['a', 'b', 'c']
    """
    seen: set[str] = set()
    current: str | None = name
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents.get(current)
