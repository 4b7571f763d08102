"""Ways that divide what is new for a line between two sources at work together."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Protocol

from medhavi.planners.promising.deliveries.delivery_ways import (
    Part,
    Way,
    from_source,
    from_stock,
)
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.deliveries.delivery_ways import Wanted
    from medhavi.planners.promising.supply_search.pieces import Evaluation
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.sources import Source

    Offer = tuple[str, Source]
    """A place and what may be new there."""


MOST_ROUNDS = 3
"""Times that the earliest way so far is improved upon."""


class Asking(Protocol):
    """A search that is asked what arrives, and what may be new.

    `best` is the earliest date so far [s].
    """

    wanted: Wanted
    best: int

    def arrival(self, place: str, steps: int, ready: int) -> int:
        """When goods arrive that are ready at a place [s]."""
        ...

    def rising(self, place: str, terms: Terms) -> list[tuple[int, int]]:
        """Moments at which a place has more, and how much then."""
        ...

    def offered(self, places: list[str], terms: Terms) -> Iterator[tuple[str, Source]]:
        """Places and sources that new supply may come from."""
        ...


def together(
    search: Asking,
    stocked: Sequence[tuple[str, int]],
    makers: list[str],
    terms: Terms,
) -> Iterator[Way]:
    """Stock of several places together, the rest new where it is missing.

    Parameters
    ----------
    stocked
        Places and what is free there now [steps].
    makers
        Places where new supply may come from.
    """
    if len(stocked) < 2:
        return
    parts, left = lying_first(search, stocked, terms)
    if len(parts) > 1:
        yield from _joined(search, parts, left, makers, terms)


def sooner(
    search: Asking, origins: list[str], makers: list[str], terms: Terms
) -> Iterator[Way]:
    """Ways that join all that arrives before the earliest way so far.

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
        parts, left = _taken(timely, search.wanted.steps)
        if len(parts) + (left > 0) < 2:
            return
        yield from _joined(search, parts, left, makers, terms)
        if search.best == best:
            return


def lying_first(
    search: Asking, stocked: Sequence[tuple[str, int]], terms: Terms
) -> tuple[dict[str, int], int]:
    """Take what lies there now, what arrives first; give it, and what is missing.

    Parameters
    ----------
    stocked
        Places and what is free there now [steps].
    """
    coming = sorted(
        (search.arrival(place, free, terms.now), place, free) for place, free in stocked
    )
    return _taken(coming, search.wanted.steps)


def _taken(
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
    if not left:
        yield joined_way(search.wanted, stocked, ())
        return
    for place, source in search.offered(makers, terms):
        if [place] == list(stocked):
            continue  # Stock and new supply of one place are a way of their own.
        yield joined_way(search.wanted, stocked, [(place, source, left)])


def joined_way(
    wanted: Wanted, stocked: dict[str, int], new: Sequence[tuple[str, Source, int]]
) -> Way:
    """Way of stock and new supply together.

    Parameters
    ----------
    stocked
        What is taken of each place [steps].
    new
        Place, source and quantity [steps].
    """
    product = wanted.product
    parts = [
        Part(place, from_stock(product, place, steps))
        for place, steps in stocked.items()
    ]
    parts += [Part(place, from_source(source, steps)) for place, source, steps in new]
    names = [f"stock@{place}" for place in stocked]
    names += [f"{source.kind}:{source.source}@{place}" for place, source, _ in new]
    return Way("+".join(names), product, wanted.steps, tuple(parts))


MOST_PAIRS = 6
"""Pairs of sources that are divided between, those of the first places first."""


class Dividing(Asking, Protocol):
    """A search that evaluates ways for itself.

    `rough` says that an earlier date may exist, `cut` that the budget ended it.
    """

    evaluations: int
    rough: bool
    cut: bool

    def evaluate(self, way: Way, terms: Terms) -> Evaluation | None:
        """Evaluate a way with all writes, and roll them back."""
        ...


def two_sources(
    search: Dividing,
    stocked: Sequence[tuple[str, int]],
    makers: list[str],
    terms: Terms,
) -> Iterator[Way]:
    """Best division between each two sources, where one alone is late.

    What lies anywhere is taken first. The later the one, the less it gets: the division
    is found by halving.

    Parameters
    ----------
    stocked
        Places and what is free there now [steps].
    makers
        Places where new supply may come from.
    """
    wanted = search.wanted
    if search.best <= wanted.due or "material" in terms.relaxed:
        return
    lying, left = lying_first(search, stocked, terms)
    offers = list(search.offered(makers, terms))
    if left < 2 * max(wanted.least, 1) or len(offers) < 2:
        return
    # Two at one place may share one delivery, more than two may share what is new, and
    # what comes later may do for some of it.
    search.rough = True
    if wanted.single:
        return
    for pair in list(combinations(offers, 2))[:MOST_PAIRS]:
        if _spent(search, terms):
            return
        found = _divided(search, lying, left, pair, terms)
        if found is not None:
            yield found


def _divided(
    search: Dividing,
    lying: dict[str, int],
    left: int,
    pair: tuple[Offer, Offer],
    terms: Terms,
) -> Way | None:
    """Earliest division between two sources; None: none is earlier."""
    least = max(search.wanted.least, 1)
    best, found = search.best, None
    # No division is earlier than the least of it from the slower one.
    soonest = max(_alone(search, one, least, terms) for one in pair)
    low, high = least, left - least
    while low <= high and soonest < best and not _spent(search, terms):
        part = (low + high) // 2
        sizes = part, left - part
        new = [(*offer, size) for offer, size in zip(pair, sizes, strict=True)]
        way = joined_way(search.wanted, lying, new)
        made = search.evaluate(way, terms)
        if made is not None and made.date < best:
            best, found = made.date, way
        if made is None or _waits(search, pair, part, made, terms):
            high = part - 1
        else:
            low = part + 1
    return found


def _spent(search: Dividing, terms: Terms) -> bool:
    """Whether the budget is spent, and let the answer say so."""
    search.cut = search.cut or search.evaluations >= terms.budget
    return search.cut


def _waits(
    search: Dividing,
    pair: tuple[Offer, Offer],
    part: int,
    made: Evaluation,
    terms: Terms,
) -> bool:
    """Whether the whole waits for what the first source gives."""
    (place, _), (other, _) = pair
    if place == other:
        return _alone(search, pair[0], part, terms) >= made.date
    return any(
        sent.origin == place and sent.arrival == made.date for sent in made.shipments
    )


def _alone(search: Dividing, offer: Offer, part: int, terms: Terms) -> int:
    """When a part from one source arrives if nothing else is asked for [s]."""
    place, source = offer
    goods = (Part(place, from_source(source, part)),)
    found = search.evaluate(Way("", search.wanted.product, part, goods), terms)
    return NEVER if found is None else found.date
