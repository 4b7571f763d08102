"""Ways that join the goods of several places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from medhavi.planners.promising.delivery_ways import (
    Part,
    Way,
    from_source,
    from_stock,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.delivery_ways import Wanted
    from medhavi.planners.promising.walk_terms import Terms
    from medhavi.providers.sources import Source

MOST_ROUNDS = 3
"""Times that the earliest way so far is improved upon."""


class Asking(Protocol):
    """A search that is asked what arrives, and what may be new.

    `best` is the earliest date so far [s].
    """

    wanted: Wanted
    best: int

    def arrival(self, place: str, steps: int, ready: int) -> int:
        """Give when goods arrive that are ready at a place [s]."""
        ...

    def rising(self, place: str, terms: Terms) -> list[tuple[int, int]]:
        """Give the moments at which a place has more, and how much then."""
        ...

    def offered(self, places: list[str], terms: Terms) -> Iterator[tuple[str, Source]]:
        """Give the places and sources that new supply may come from."""
        ...


def together(
    search: Asking,
    stocked: Sequence[tuple[str, int]],
    makers: list[str],
    terms: Terms,
) -> Iterator[Way]:
    """Give stock of several places together, the rest new where it is missing.

    Parameters
    ----------
    stocked
        Places and what is free there now [steps].
    makers
        Places where new supply may come from.
    """
    if len(stocked) < 2:
        return
    sorted_by = sorted(
        (search.arrival(place, free, terms.now), place, free) for place, free in stocked
    )
    parts, left = taken_first(sorted_by, search.wanted.steps)
    if len(parts) > 1:
        yield from _joined(search, parts, left, makers, terms)


def sooner(
    search: Asking, origins: list[str], makers: list[str], terms: Terms
) -> Iterator[Way]:
    """Give ways that join all that arrives before the earliest way so far.

    Less has to be new then than in any other way that is there sooner. What lies at
    several places now was joined before: without receipts nothing is left to join.
    """
    if search.best <= search.wanted.due or "material" in terms.relaxed:
        return
    rising = {place: search.rising(place, terms) for place in origins}
    stocked = sum(moments[0][1] > 0 for moments in rising.values())
    if stocked != 1 and all(len(moments) < 2 for moments in rising.values()):
        return
    coming = []
    for place, moments in rising.items():
        before = 0
        for moment, free in moments:
            if free > before:
                arrival = search.arrival(place, free - before, moment)
                coming.append((arrival, place, free - before))
                before = free
    for _ in range(MOST_ROUNDS):
        best = search.best
        timely = sorted(one for one in coming if one[0] < best)
        parts, left = taken_first(timely, search.wanted.steps)
        if len(parts) + (left > 0) < 2:
            return
        yield from _joined(search, parts, left, makers, terms)
        if search.best == best:
            return


def taken_first(
    coming: Sequence[tuple[int, str, int]], wanted: int
) -> tuple[dict[str, int], int]:
    """Take what arrives first; give it by place, and what is missing [steps]."""
    parts: dict[str, int] = {}
    left = wanted
    for _, place, free in coming:
        taken = min(free, left)
        if taken > 0:
            parts[place] = parts.get(place, 0) + taken
            left -= taken
    return parts, left


def _joined(
    search: Asking,
    stocked: dict[str, int],
    left: int,
    makers: list[str],
    terms: Terms,
) -> Iterator[Way]:
    product, steps = search.wanted.product, search.wanted.steps
    parts = tuple(
        Part(place, from_stock(product, place, part)) for place, part in stocked.items()
    )
    names = "+".join(f"stock@{place}" for place in stocked)
    if not left:
        yield Way(names, product, steps, parts)
        return
    for place, source in search.offered(makers, terms):
        if [place] == list(stocked):
            continue  # Stock and new supply of one place are a way of their own.
        new = Part(place, from_source(source, left))
        name = f"{source.kind}:{source.source}@{place}"
        option = f"{names}+{name}" if names else name
        yield Way(option, product, steps, (*parts, new))
