"""Dispatch all tasks of a stage, event by event.

A free machine takes the waiting task with the least key, but holds for a more urgent
one that is known to come before this one would end; then it takes what fits before, or
idles. Dispatching rules: Panwalkar and Iskander, Operations Research 25 (1977).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from medhavi.planners.constrained.stage import FAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.stage import Stage


class Dispatch:
    """One run through all events.

    Parameters
    ----------
    stage
        What is rehearsed.
    job_of
        Job of each task.
    key
        Urgency of each job; the least goes first.
    hold
        A machine holds for a task whose key is less by this many lengths of the task
        that could start; None: it never holds.

    Attributes
    ----------
    starts, arrivals
        Per task its start, per job the arrival of its goods [UTC seconds].
    """

    def __init__(
        self,
        stage: Stage,
        job_of: Sequence[int],
        key: Sequence[int],
        hold: float | None,
    ) -> None:
        self._stage = stage
        self._job_of = job_of
        self._key = key
        self._hold = hold
        self._left = [len(found) for found in stage.before]
        self._ready = list(stage.floor)
        self.starts = [0] * len(stage.machine)
        self.arrivals = [0] * len(stage.first)
        self._free = list(stage.units)
        self._waiting: list[list[tuple[int, int]]] = [[] for _ in stage.units]
        self._coming: list[list[tuple[int, int, int]]] = [[] for _ in stage.units]
        # A code below 0 is a machine that gets free, any other a task that is ready.
        self._events: list[tuple[int, int]] = []
        for job, count in enumerate(self._left):
            if count == 0:
                self._release(job)

    def run(self) -> None:
        """Go through all events."""
        events = self._events
        while events:
            now = events[0][0]
            touched: list[int] = []
            while events and events[0][0] == now:
                self._happen(heappop(events)[1], now, touched)
            for machine in touched:
                self._feed(machine, now)

    def _happen(self, code: int, now: int, touched: list[int]) -> None:
        if code < 0:
            self._free[-1 - code] += 1
            touched.append(-1 - code)
            return
        machine = self._stage.machine[code]
        if machine < 0:
            self._begin(code, now)
            return
        heappush(self._waiting[machine], (self._key[self._job_of[code]], code))
        coming = self._coming[machine]
        for place, entry in enumerate(coming):
            if entry[2] == code:
                coming[place] = coming[-1]
                coming.pop()
                break
        touched.append(machine)

    def _feed(self, machine: int, now: int) -> None:
        """Let a machine take what it can."""
        queue = self._waiting[machine]
        coming = self._coming[machine]
        while queue and self._free[machine] > 0:
            task = self._held(queue, coming, now) if coming else heappop(queue)[1]
            if task < 0:
                return
            self._free[machine] -= 1
            end = now + self._stage.length[task]
            heappush(self._events, (end, -1 - machine))
            self._begin(task, now)

    def _begin(self, task: int, now: int) -> None:
        stage = self._stage
        end = now + stage.length[task]
        self.starts[task] = now
        job = self._job_of[task]
        if task < stage.last[job]:
            self._announce(task + 1, end + stage.lead[task + 1])
            return
        there = self.arrivals[job] = end + stage.post[job]
        ready, left = self._ready, self._left
        for taker in stage.after[job]:
            ready[taker] = max(ready[taker], there)
            left[taker] -= 1
            if left[taker] == 0:
                self._release(taker)

    def _release(self, job: int) -> None:
        """Announce the first task of a job whose goods are on their way."""
        head = self._stage.first[job]
        self._announce(head, self._ready[job] + self._stage.lead[head])

    def _announce(self, task: int, moment: int) -> None:
        heappush(self._events, (moment, task))
        machine = self._stage.machine[task]
        if self._hold is not None and machine >= 0:
            key = self._key[self._job_of[task]]
            self._coming[machine].append((moment, key, task))

    def _held(
        self,
        queue: list[tuple[int, int]],
        coming: list[tuple[int, int, int]],
        now: int,
    ) -> int:
        """Take the task that starts; -1: the machine holds for one that comes."""
        length = self._stage.length
        best, task = queue[0]
        own = length[task]
        until, bound = now + own, best - (self._hold or 0.0) * own
        first = FAR
        for moment, key, _ in coming:
            if moment < until and key < bound and moment < first:
                first = moment
        if first == FAR:
            heappop(queue)
            return task
        fitting = [entry for entry in queue if now + length[entry[1]] <= first]
        if not fitting:
            return -1
        entry = min(fitting)
        queue.remove(entry)
        heapify(queue)
        return entry[1]
