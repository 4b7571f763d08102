"""Move all tasks as late as they may be, then as early again.

Each pass is one forward or backward insertion into empty lanes (Valls, Ballestin,
Quintanilla 2005); the two together make no delivery later.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from medhavi.planners.constrained.stage import FAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medhavi.planners.constrained.stage import Stage

    Numbers = NDArray[np.int64]

Lane = tuple[list[int], list[int]]
"""Starts and ends of what one unit of a machine does, in order of time."""
_BEYOND: Final = 1 << 80
"""Later than any instant, and than any sum of instants."""


class Justification:
    """Justifies starts on one stage.

    Parameters
    ----------
    stage
        What is rehearsed.
    job_of
        Job of each task.
    rank
        Place of each job in an order in which what brings comes before what takes.
    """

    def __init__(
        self, stage: Stage, job_of: Sequence[int], rank: Sequence[int]
    ) -> None:
        self.stage = stage
        self._job = job_of
        self._task_rank = np.array([rank[job] for job in job_of], dtype=np.int64)

    def right(self, starts: Sequence[int], arrivals: Sequence[int]) -> list[int]:
        """Give starts as late as what takes from each job allows.

        Parameters
        ----------
        starts, arrivals
            Per task its start, per job the arrival of its goods [UTC seconds].
        """
        stage = self.stage
        limit = [FAR] * len(stage.first)
        for jobs, due in zip(stage.wants, stage.due, strict=True):
            end = max(due, max([arrivals[job] for job in jobs], default=due))
            for job in jobs:
                limit[job] = min(limit[job], end)
        for job, end in enumerate(limit):
            if end == FAR and not stage.after[job]:
                limit[job] = arrivals[job]
        lanes = self._lanes()
        found = list(starts)
        ends = np.add(starts, stage.length)
        for task in reversed(in_order(ends, self._task_rank)):
            job = self._job[task]
            if task == stage.last[job]:
                end = limit[job] - stage.post[job]
            else:
                end = found[task + 1] - stage.lead[task + 1]
            where, length = stage.machine[task], stage.length[task]
            begin = end - length
            if where >= 0 and length:
                begin = _book_late(lanes[where], end, length)
            found[task] = begin
            if task == stage.first[job]:
                start = begin - stage.lead[task]
                for giver in stage.before[job]:
                    limit[giver] = min(limit[giver], start)
        return found

    def left(self, starts: Sequence[int]) -> tuple[list[int], list[int]]:
        """Give starts and arrivals as early as can be, in the sequence of starts."""
        stage = self.stage
        ready = list(stage.floor)
        arrivals = [0] * len(stage.first)
        lanes = self._lanes()
        found = list(starts)
        for task in in_order(np.array(starts), self._task_rank):
            job = self._job[task]
            if task == stage.first[job]:
                begin = ready[job] + stage.lead[task]
            else:
                begin = found[task - 1] + stage.length[task - 1] + stage.lead[task]
            where, length = stage.machine[task], stage.length[task]
            if where >= 0 and length:
                begin = _book_early(lanes[where], begin, length)
            found[task] = begin
            if task == stage.last[job]:
                there = arrivals[job] = begin + length + stage.post[job]
                for taker in stage.after[job]:
                    ready[taker] = max(ready[taker], there)
        return found, arrivals

    def _lanes(self) -> list[list[Lane]]:
        return [[([], []) for _ in range(count)] for count in self.stage.units]


def in_order(first: Numbers, second: Numbers) -> list[int]:
    """Sort places by a number, then by another, then by themselves.

    >>> in_order(np.array([5, 3, 5, 5]), np.array([1, 0, 0, 0]))
    [1, 2, 3, 0]
    """
    found: list[int] = np.lexsort((second, first)).tolist()
    return found


def _book_early(lanes: Sequence[Lane], begin: int, length: int) -> int:
    """Put a task on the first unit that is free soonest; gives its start."""
    best, chosen, at = _BEYOND, lanes[0], 0
    for lane in lanes:
        starts, ends = lane
        soonest = begin
        place = bisect_right(ends, soonest)
        while place < len(starts) and starts[place] < soonest + length:
            soonest = ends[place]
            place += 1
        if soonest < best:
            best, chosen, at = soonest, lane, place
            if soonest == begin:
                break
    chosen[0].insert(at, best)
    chosen[1].insert(at, best + length)
    return best


def _book_late(lanes: Sequence[Lane], end: int, length: int) -> int:
    """Put a task on the first unit on which it ends latest; gives its start."""
    best, chosen, at = -_BEYOND, lanes[0], 0
    for lane in lanes:
        starts, ends = lane
        latest = end
        place = bisect_left(starts, latest)
        while place and ends[place - 1] > latest - length:
            place -= 1
            latest = starts[place]
        if latest > best:
            best, chosen, at = latest, lane, place
            if latest == end:
                break
    chosen[0].insert(at, best - length)
    chosen[1].insert(at, best)
    return best - length
