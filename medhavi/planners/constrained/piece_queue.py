"""Pieces of one want queue one behind the other before the resources of their source.

Netting dates each order by itself, so all pieces of a want seem to be made at once.
Where the next source could make the last ones in time, they are not left to that queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.providers.capacity import Capacity
    from medhavi.providers.timing import StepWindow, Timing


class PieceQueue:
    """Counts the pieces of one want by routing.

    Parameters
    ----------
    capacity
        Routings and their resources.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._pieces: dict[str, int] = {}

    def begin(self) -> None:
        """Begin with another want."""
        self._pieces.clear()

    def add(self, routing: str) -> None:
        """Take note of a piece."""
        self._pieces[routing] = self._pieces.get(routing, 0) + 1

    def wait(self, routing: str, timing: Timing) -> int:
        """Give how long the pieces before hold what the next one works on [s].

        0 where a step may be done by several resources, or changes units or counts
        hours: then it is not known who is in whose way.
        """
        pieces = self._pieces.get(routing, 0)
        if not pieces:
            return 0
        tasks = self._capacity.compiled(routing).tasks
        if any(len(epoch.options) > 1 for task in tasks for epoch in task.plan.epochs):
            return 0
        return max((self._held(window, pieces) for window in timing.steps), default=0)

    def _held(self, window: StepWindow, pieces: int) -> int:
        """Give how long so many pieces hold the scarcest resource of a step [s]."""
        rows = []
        for name, amount in window.resources:
            clock = self._capacity.resource(name)
            units = clock.constant
            if clock.finite and clock.bucket is None and units and amount:
                rows.append(pieces // max(1, int(units / amount)))
        return max(rows, default=0) * (window.finish - window.start)
