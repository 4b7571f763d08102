"""Sending goods of one place to where they are wanted: together, in parts, spread.

The earliest departures are filled first, which brings the last piece as early as the
room of a lane permits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.supply_search.full_departures import full_lane
from medhavi.planners.promising.supply_search.pieces import Shipment, Use, by_ready, cut
from medhavi.planners.promising.supply_search.walk_terms import Failure
from medhavi.results.limiter import Limiter
from medhavi.units import from_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.deliveries.delivery_ways import Wanted
    from medhavi.planners.promising.supply_search.pieces import Piece
    from medhavi.planners.promising.supply_search.reach import Reached
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Terms

    Mark = tuple[int, int, int, int]
    Send = Callable[[tuple[Piece, ...]], Shipment | None]
    Look = Callable[[tuple[Piece, ...]], tuple[int, int] | None]


class SplitShipment:
    """Sends goods of one place over as many departures as they need.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    send
        Sends pieces together, as early as can be, and takes the room.
    look
        Gives when pieces would arrive [s] and how much would if more were sent, as far
        as the departures tell [steps]; None: only sending tells.
    least
        Least delivery [steps]; the last one may be what is left.
    """

    def __init__(self, stages: Stages, send: Send, look: Look, least: int) -> None:
        self._stages = stages
        self._send = send
        self._look = look
        self._least = max(least, 1)

    def sent(self, group: tuple[Piece, ...]) -> list[Shipment] | None:
        """Send a group together, or spread where its last piece is there sooner.

        None: there is no way.
        """
        mark = self._stages.mark()
        whole = self._send(group)
        if whole is not None:
            return self.sooner(mark, whole, group)
        return self._over_several(group) or None

    def sooner(
        self, mark: Mark, whole: Shipment, group: tuple[Piece, ...]
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
        self._stages.undo_transport(mark)
        again = self._send(group)
        return [whole if again is None else again]

    def _over_several(self, group: Sequence[Piece]) -> list[Shipment]:
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

    def _most(self, rest: Sequence[Piece], like: int) -> int:
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
        left = steps - low
        if 0 < left < self._least and low - (self._least - left) >= self._least:
            return steps - self._least
        return low

    def _comes(self, pieces: Sequence[Piece], steps: int, instant: int) -> bool:
        """Whether so much of the pieces would arrive at an instant."""
        seen = self._arrival(pieces, steps)
        return seen is not None and seen[0] == instant

    def _arrival(self, pieces: Sequence[Piece], steps: int) -> tuple[int, int] | None:
        """When so much of the pieces would arrive, and how much could [s, steps].

        None: there is no way.
        """
        taken, _ = cut(list(pieces), steps)
        seen = self._look(tuple(taken))
        if seen is not None:
            return seen
        mark = self._stages.mark()
        shipment = self._send(tuple(taken))
        self._stages.undo_transport(mark)
        return None if shipment is None else (shipment.arrival, 0)


class Sending:
    """The transport of what one request gets.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    wanted
        What is asked for.
    reached
        Gives the places and lanes that goods may come by.
    failures
        Where it is noted why there is no way.
    """

    __slots__ = ("_failures", "_reached", "_stages", "_wanted")

    def __init__(
        self,
        stages: Stages,
        wanted: Wanted,
        reached: Callable[[], Reached],
        failures: list[Failure],
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
        return self._stages.soonest(way, ready, self._reached().forbidden)

    def parts(
        self, origin: str, pieces: Sequence[Piece], terms: Terms
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
            lambda pieces: self.looked(origin, pieces, terms),
            wanted.least,
        )
        if whole is not None and len(groups) < 2:
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
        self, origin: str, pieces: tuple[Piece, ...], terms: Terms
    ) -> Shipment | None:
        """Send pieces from a place together, as soon as all are ready."""
        steps = sum([piece.steps for piece in pieces])
        ready = max([piece.ready for piece in pieces])
        return self.shipment(origin, pieces, steps, ready, terms.relaxed)

    def looked(
        self, origin: str, pieces: tuple[Piece, ...], terms: Terms
    ) -> tuple[int, int] | None:
        """When pieces would arrive, and how much those departures take [s, steps].

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
        steps = sum([piece.steps for piece in pieces])
        product, transport = pieces[0].product, stages.transport
        found = transport.earliest(
            product,
            from_steps(steps, stages.step(product)),
            {origin: max([piece.ready for piece in pieces])},
            wanted.location,
            forbidden=self._reached().forbidden,
        )
        if found is None:
            return None
        return found.arrival, steps * transport.room(found)

    def again(
        self, sent: Shipment, pieces: tuple[Piece, ...], terms: Terms
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
        pieces: tuple[Piece, ...],
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
        reached = self._reached()
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
                Failure(Limiter.NO_TRANSPORT_LEG, wanted.location)
                if full is None
                else Failure(Limiter.NO_TRANSPORT_CAPACITY, full[0])
            )
            return None
        uses = tuple(Use(max(found.departure, p.ready), p) for p in pieces)
        return Shipment(product, origin, steps, ready, found.arrival, uses, found)
