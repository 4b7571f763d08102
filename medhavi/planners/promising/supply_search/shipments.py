"""Shipments of what was found: whole or in parts, from one source or from two.

The earliest departures are filled first, which brings the last piece as early as the
room of a lane permits.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

from medhavi.planners.promising.supply_search.alternatives import Shipment, Use, cut
from medhavi.planners.promising.supply_search.shipment_origins import full_lane
from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import ALWAYS, NEVER, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.supply_search.alternatives import (
        DeliveryNeed,
        Evaluation,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.availability import (
        AvailabilityCheck,
        Marks,
    )
    from medhavi.planners.promising.supply_search.policies import Terms
    from medhavi.planners.promising.supply_search.shipment_origins import SupplyOrigins
    from medhavi.planners.promising.supply_search.supply_search import FulfilmentOption
    from medhavi.providers.sources import Source

    Send = Callable[[tuple[SupplyAllocation, ...]], Shipment | None]
    Look = Callable[[str, int, int], tuple[int, int] | None]
    Offer = tuple[str, Source]
    """A place and what may be new there."""


def by_ready(
    pieces: Sequence[SupplyAllocation], least: int
) -> list[tuple[SupplyAllocation, ...]]:
    """Group pieces by when they are ready, none below the least delivery."""
    groups: list[list[SupplyAllocation]] = []
    for piece in sorted(pieces, key=lambda one: one.ready):
        small = groups and sum(one.steps for one in groups[-1]) < least
        if groups and (groups[-1][-1].ready == piece.ready or small):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    if len(groups) > 1 and sum(one.steps for one in groups[-1]) < least:
        last = groups.pop()
        groups[-1] += last
    return [tuple(group) for group in groups]


class SplitShipment:
    """Sends goods of one place over as many departures as they need.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    send
        Sends pieces together, as early as can be, and takes the room.
    look
        Gives when so much of a product [steps] that is ready at an instant [s] would
        arrive [s], and how much would if more were sent, as far as the departures tell
        [steps]; None: only sending tells.
    least
        Least delivery [steps]; the last one may be what is left.
    """

    def __init__(
        self, stages: AvailabilityCheck, send: Send, look: Look, least: int
    ) -> None:
        self._stages = stages
        self._send = send
        self._look = look
        self._least = max(least, 1)

    def sent(self, group: tuple[SupplyAllocation, ...]) -> list[Shipment] | None:
        """Send a group together, or spread where its last piece is there sooner.

        None: there is no way.
        """
        mark = self._stages.mark()
        whole = self._send(group)
        if whole is not None:
            return self.sooner(mark, whole, group)
        return self._over_several(group) or None

    def sooner(
        self, mark: Marks, whole: Shipment, group: tuple[SupplyAllocation, ...]
    ) -> list[Shipment]:
        """Shipment that was sent after a mark, or several that are sooner."""
        least = min(self._least, sum(piece.steps for piece in group))
        # Room that the whole takes is none that it could not have taken sooner.
        first = self._arrival(group, least)
        if first is None or first[0] >= whole.arrival:
            return [whole]
        self._stages.undo_transport(mark)
        found = self._over_several(group)
        if found and max(one.arrival for one in found) < whole.arrival:
            return found
        # Several are no sooner: the whole takes its room again.
        self._stages.undo_transport(mark)
        if whole.itinerary is not None:
            self._stages.transport.occupy(whole.itinerary)
        return [whole]

    def _over_several(self, group: Sequence[SupplyAllocation]) -> list[Shipment]:
        """Fill the earliest departures first; empty: something finds no way."""
        found: list[Shipment] = []
        rest = list(group)
        size = 0
        while rest:
            size = self._most(rest, size)
            taken, rest = cut(rest, size)
            shipment = self._send(tuple(taken)) if taken else None
            if shipment is None:
                return []
            found.append(shipment)
        return found

    def _most(self, rest: Sequence[SupplyAllocation], like: int) -> int:
        """Most that arrives as early as the least delivery [steps].

        `like` is what the departure before took; it and what departures tell is tried
        first.
        """
        steps = sum(piece.steps for piece in rest)
        low, high = min(self._least, steps), steps + 1
        seen = self._arrival(rest, low)
        if seen is None:
            return 0
        first, room = seen
        # Room at one instant holds for more pieces only if all are ready together.
        if len({piece.ready for piece in rest}) < 2:
            low = max(low, min(room, steps))
        for size in (room, room + 1, like, like + 1, steps):
            if low < size < high:
                if self._comes(rest, size, first):
                    low = size
                else:
                    high = size
        while high - low > 1:
            middle = (low + high) // 2
            if self._comes(rest, middle, first):
                low = middle
            else:
                high = middle
        # A rest below the least delivery gets what it lacks from this one, where this
        # has it.
        left = steps - low
        if 0 < left < self._least and low - (self._least - left) >= self._least:
            return steps - self._least
        return low

    def _comes(
        self, pieces: Sequence[SupplyAllocation], steps: int, instant: int
    ) -> bool:
        """Whether so much of the pieces would arrive at an instant."""
        seen = self._arrival(pieces, steps)
        return seen is not None and seen[0] == instant

    def _arrival(
        self, pieces: Sequence[SupplyAllocation], steps: int
    ) -> tuple[int, int] | None:
        """When so much of the pieces would arrive, and how much could [s, steps].

        None: there is no way.
        """
        ready, left = ALWAYS, steps
        for piece in pieces:
            if left > 0 and piece.ready > ready:
                ready = piece.ready
            left -= piece.steps
        seen = self._look(pieces[0].product, steps - max(left, 0), ready)
        if seen is not None:
            return seen
        taken, _ = cut(list(pieces), steps)
        mark = self._stages.mark()
        shipment = self._send(tuple(taken))
        self._stages.undo_transport(mark)
        return None if shipment is None else (shipment.arrival, 0)


class ShipmentPlanning:
    """The transport of what one request gets.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    reached
        Places and lanes that goods may come by.
    failures
        Where it is noted why there is no way.
    """

    __slots__ = ("_failures", "_reached", "_stages", "_wanted")

    def __init__(
        self,
        stages: AvailabilityCheck,
        wanted: DeliveryNeed,
        reached: SupplyOrigins,
        failures: list[Blocked],
    ) -> None:
        self._stages = stages
        self._wanted = wanted
        self._reached = reached
        self._failures = failures

    def soonest(self, origin: str, product: str, ready: int, terms: Terms) -> int:
        """Instant before which goods of a place never arrive [s]."""
        wanted = self._wanted
        if origin == wanted.location or "transport" in terms.relaxed:
            return ready
        way = product, origin, wanted.location
        return self._stages.soonest(way, ready, self._reached.forbidden)

    def parts(
        self, origin: str, pieces: Sequence[SupplyAllocation], terms: Terms
    ) -> list[Shipment] | None:
        """Send pieces in one shipment; in several where one would be late."""
        wanted = self._wanted
        mark, loads = self._stages.mark(), self._stages.transport.loads
        refused = loads.refused
        whole = self.sent(origin, tuple(pieces), terms)
        if not wanted.split:
            return None if whole is None else [whole]
        if whole is not None and whole.arrival <= wanted.due and not terms.apart:
            return [whole]
        groups = by_ready(pieces, wanted.least)
        split = SplitShipment(
            self._stages,
            lambda pieces: self.sent(origin, pieces, terms),
            partial(self.looked, origin, terms),
            wanted.least,
        )
        if whole is not None and len(groups) < 2:
            # Ready at once, several are sooner only where a departure was full.
            full = loads.refused > refused
            return split.sooner(mark, whole, groups[0]) if full else [whole]
        self._stages.undo_transport(mark)
        found: list[Shipment] = []
        for group in groups:
            sent = split.sent(group)
            if sent is None:
                return None
            found += sent
        return found

    def sent(
        self, origin: str, pieces: tuple[SupplyAllocation, ...], terms: Terms
    ) -> Shipment | None:
        """Send pieces from a place together, as soon as all are ready."""
        steps = sum([piece.steps for piece in pieces])
        ready = max([piece.ready for piece in pieces])
        return self.shipment(origin, pieces, steps, ready, terms.relaxed)

    def looked(
        self, origin: str, terms: Terms, product: str, steps: int, ready: int
    ) -> tuple[int, int] | None:
        """When goods would arrive, and how much those departures take [s, steps].

        None: only sending them tells.
        """
        wanted, stages = self._wanted, self._stages
        if (
            origin == wanted.location
            or "transport" in terms.relaxed
            or wanted.carried is not None
            or stages.leads is not None
        ):
            return None
        found = stages.transport.arrival(
            product,
            from_units(steps, stages.step(product)),
            {origin: ready},
            wanted.location,
            self._reached.forbidden,
        )
        return None if found is None else (found[0], steps * found[1])

    def again(
        self, sent: Shipment, pieces: tuple[SupplyAllocation, ...], terms: Terms
    ) -> Shipment | None:
        """Send pieces by the same lanes as before, as soon as all are ready."""
        if sent.itinerary is None:
            return self.sent(sent.origin, pieces, terms)
        ready = max(piece.ready for piece in pieces)
        found = self._stages.again(sent.itinerary, ready)
        if found is None:
            return None
        uses = tuple(Use(max(found.departure, p.ready), p) for p in pieces)
        return Shipment(
            sent.product, sent.origin, sent.steps, ready, found.arrival, uses, found
        )

    def shipment(
        self,
        origin: str,
        pieces: tuple[SupplyAllocation, ...],
        steps: int,
        ready: int,
        relaxed: frozenset[str],
    ) -> Shipment | None:
        """Send so much from when it is ready; without a way, note why."""
        wanted = self._wanted
        product = pieces[0].product if pieces else wanted.product
        if origin == wanted.location or "transport" in relaxed:
            uses = tuple(Use(max(piece.ready, ready), piece) for piece in pieces)
            return Shipment(product, origin, steps, ready, ready, uses)
        reached = self._reached
        found = self._stages.itinerary(
            product,
            steps,
            (origin, ready),
            wanted.location,
            reached.forbidden,
            None if wanted.carried is None else (wanted.carried, wanted.due),
        )
        if found is None:
            start, end = (origin, ready), wanted.location
            full = full_lane(self._stages, product, start, end, reached.forbidden)
            self._failures.append(
                Blocked("transport", Limiter.NO_TRANSPORT_LEG, wanted.location)
                if full is None
                else Blocked("transport", Limiter.NO_TRANSPORT_CAPACITY, full[0])
            )
            return None
        uses = tuple(Use(max(found.departure, p.ready), p) for p in pieces)
        return Shipment(product, origin, steps, ready, found.arrival, uses, found)


MOST_ROUNDS = 3
"""Times that the earliest way so far is improved upon."""


class SourceSearch(Protocol):
    """A search that is asked what arrives, and what may be new.

    `best` is the earliest date so far [s]; `rough` says that an earlier date may exist,
    `cut` that the budget ended it.
    """

    wanted: DeliveryNeed
    best: int
    evaluations: int
    rough: bool
    cut: bool

    def evaluate(self, way: FulfilmentOption, terms: Terms) -> Evaluation | None:
        """Evaluate a way with all writes, and roll them back."""
        ...

    def arrival(self, place: str, steps: int, ready: int) -> int:
        """When goods arrive that are ready at a place [s]."""
        ...

    def rising(self, place: str, terms: Terms) -> list[tuple[int, int]]:
        """Moments at which a place has more, and how much then."""
        ...

    def offered(self, places: list[str], terms: Terms) -> Iterator[tuple[str, Source]]:
        """Places and sources that new supply may come from."""
        ...

    def joined(
        self, stocked: Mapping[str, int], new: Sequence[tuple[str, Source, int]]
    ) -> FulfilmentOption:
        """Option of stock and new supply together."""
        ...


def together(
    search: SourceSearch,
    stocked: Sequence[tuple[str, int]],
    makers: list[str],
    terms: Terms,
) -> Iterator[FulfilmentOption]:
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
    search: SourceSearch, origins: list[str], makers: list[str], terms: Terms
) -> Iterator[FulfilmentOption]:
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
    # Each way that is sooner leaves less that arrives before it.
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
    search: SourceSearch, stocked: Sequence[tuple[str, int]], terms: Terms
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
    search: SourceSearch,
    stocked: dict[str, int],
    left: int,
    makers: list[str],
    terms: Terms,
) -> Iterator[FulfilmentOption]:
    if not left:
        yield search.joined(stocked, ())
        return
    for place, source in search.offered(makers, terms):
        if [place] == list(stocked):
            continue  # Stock and new supply of one place are a way of their own.
        yield search.joined(stocked, [(place, source, left)])


MOST_PAIRS = 6
"""Pairs of sources that are divided between, those of the first places first."""


def two_sources(
    search: SourceSearch,
    stocked: Sequence[tuple[str, int]],
    makers: list[str],
    terms: Terms,
) -> Iterator[FulfilmentOption]:
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
    search: SourceSearch,
    lying: dict[str, int],
    left: int,
    pair: tuple[Offer, Offer],
    terms: Terms,
) -> FulfilmentOption | None:
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
        way = search.joined(lying, new)
        made = search.evaluate(way, terms)
        if made is not None and made.date < best:
            best, found = made.date, way
        # The first is the late one: it gets less.
        if made is None or _waits(search, pair, part, made, terms):
            high = part - 1
        else:
            low = part + 1
    return found


def _spent(search: SourceSearch, terms: Terms) -> bool:
    """Whether the budget is spent, and let the answer say so."""
    search.cut = search.cut or search.evaluations >= terms.budget
    return search.cut


def _waits(
    search: SourceSearch,
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


def _alone(search: SourceSearch, offer: Offer, part: int, terms: Terms) -> int:
    """When a part from one source arrives if nothing else is asked for [s]."""
    place, source = offer
    way = search.joined({}, [(place, source, part)])
    found = search.evaluate(way._replace(option="", steps=part), terms)
    return NEVER if found is None else found.date
