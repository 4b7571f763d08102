"""Goods that one departure does not take, or not soon: over several (rule 34).

The earliest departures are filled first, which brings the last piece as early as the
room of a lane permits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.supply_search.pieces import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.supply_search.pieces import Piece, Shipment
    from medhavi.planners.promising.supply_search.stages import Stages

    Mark = tuple[int, int, int, int]
    Send = Callable[[tuple[Piece, ...]], Shipment | None]
    Look = Callable[[tuple[Piece, ...]], tuple[int, int] | None]


class Spreading:
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
