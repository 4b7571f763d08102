"""Pieces of one want queue one behind the other before the resources of their source.

Netting dates each order by itself, so all pieces of a want seem to be made at once.
Where the next source could make the last ones in time, they are not left to that queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.providers.capacity import Capacity
    from medhavi.providers.timing import StepWindow, Timing


PIECES_OF_A_UNIT = 4
"""Pieces for each unit of a resource whose units change."""
MOST_BESIDE = 20
"""Pieces of one want at most: more would be orders that nobody can handle."""


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

    def made(self, routing: str) -> int:
        """Give how many pieces of the want there are."""
        return self._pieces.get(routing, 0)

    def wait(self, routing: str, timing: Timing) -> int:
        """Give how long the pieces before hold what the next one works on [s].

        0 where a step may be done by several resources, or changes units or counts
        hours: then it is not known who is in whose way.
        """
        pieces = self.made(routing)
        if not pieces or self._chooses(routing):
            return 0
        return max((self._held(window, pieces) for window in timing.steps), default=0)

    def beside(self, routing: str, timing: Timing) -> int:
        """Give how many more pieces of a want may run side by side with this one.

        It counts itself, on the units of the scarcest resource; where those change,
        more and shorter pieces use them better. 0 where a step may be done by several
        resources, or changeovers make a sequence of all units.
        """
        if self._chooses(routing):
            return 0
        least = MOST_BESIDE
        for window in timing.steps:
            for name, amount in window.resources:
                clock = self._capacity.resource(name)
                if not clock.finite or not amount:
                    continue
                units = int(max(units for _, _, units in clock.levels) / amount)
                if units < 2 or clock.matrix is not None:
                    return 0
                times = 1 if clock.constant else PIECES_OF_A_UNIT
                least = min(least, units * times)
        return max(0, least - self.made(routing))

    def fills(self, routing: str, timing: Timing) -> bool:
        """Tell whether an order works only where no other may work beside it.

        Not so where a step may be done by several resources, or counts hours.
        """
        return not self._chooses(routing) and all(
            self._full(*held) for window in timing.steps for held in window.resources
        )

    def _full(self, name: str, amount: float) -> bool:
        """Tell whether so many units of a resource leave none for another order."""
        clock = self._capacity.resource(name)
        if not clock.finite:
            return True
        most = max(units for _, _, units in clock.levels)
        return clock.bucket is None and amount > most / 2

    def worked(self, timing: Timing) -> int:
        """Give how long an order works on resources that others wait for [s]."""
        return sum(
            window.setup_seconds + window.run_seconds
            for window in timing.steps
            if any(self._capacity.resource(name).finite for name, _ in window.resources)
        )

    def _chooses(self, routing: str) -> bool:
        """Tell whether a step of a routing may be done by several resources."""
        tasks = self._capacity.compiled(routing).tasks
        return any(
            len(epoch.options) > 1 for task in tasks for epoch in task.plan.epochs
        )

    def _held(self, window: StepWindow, pieces: int) -> int:
        """Give how long so many pieces hold the scarcest resource of a step [s]."""
        rows = []
        for name, amount in window.resources:
            clock = self._capacity.resource(name)
            units = clock.constant
            if clock.finite and clock.bucket is None and units and amount:
                rows.append(pieces // max(1, int(units / amount)))
        return max(rows, default=0) * (window.finish - window.start)
