"""What a book holds of material, resources and departures, compared with another book.

Two books of the same tables and the same commitments hold the same, in whatever order
they came about. Compared is what answers are made of: the net of each line of material
over time, the use of each resource, the load of each departure. Not compared is what no
commitment says: until when goods that are held must live, and what suppliers were asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.ledger.book import Book
    from medhavi.providers.material.material import Node

MOST_NAMED = 5
"""Differences that are named of each kind."""


def built_nodes(book: Book) -> tuple[Node, ...]:
    """Products at places whose line a book has built; no other line was changed."""
    return tuple(book.stages.material.state())


def differences(book: Book, other: Book) -> tuple[str, ...]:
    """Names of what two books of the same commitments hold differently; empty: nothing.

    Both books are asked and not changed; nobody else may use them meanwhile.
    """
    nodes = sorted({*built_nodes(book), *built_nodes(other)})
    one, two = book.stages, other.stages
    pairs: tuple[tuple[str, Mapping[Any, object], Mapping[Any, object]], ...] = (
        ("material", one.material.state(nodes), two.material.state(nodes)),
        (
            "resource",
            one.capacity.occupancy.state(),
            two.capacity.occupancy.state(),
        ),
        ("lane", one.transport.loads.state(), two.transport.loads.state()),
    )
    return tuple(
        f"{kind} {name}"
        for kind, first, second in pairs
        for name in _unequal(first, second)
    )


def _unequal(first: Mapping[Any, object], second: Mapping[Any, object]) -> list[str]:
    names = sorted(
        (key if isinstance(key, str) else " at ".join(key))
        for key in first.keys() | second.keys()
        if first.get(key) != second.get(key)
    )
    if len(names) > MOST_NAMED:
        return [*names[:MOST_NAMED], f"and {len(names) - MOST_NAMED} more"]
    return names
