"""Take out what is in the way of a late demand, and put it in again behind it.

A move takes an order that a late demand waited for, and some of the orders that it
waited behind, out of their places; puts it in first and them afterwards; and moves what
took from them only where it would come too early now. A move that makes the plan a
little worse is kept for a while, ever less so, and taken back where nothing better
follows. Source: Shaw 1998; Kirkpatrick, Gelatt and Vecchi 1983 (Science 220).
"""

from __future__ import annotations

import math
import random
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from medhavi.planners.constrained.orders.weighing import NOTHING, SCALE, sum_of
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.stage import Setting
    from medhavi.planners.constrained.orders.weighing import Weighing
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.providers.sources import Timing

    Old = dict[int, tuple[Job, Timing]]

COUNTS = (1, 1, 2, 2, 3, 4, 8)
"""How many of the orders in the way go out, one of these by chance."""
LEAST_URGENT = 0.5
"""Share of the moves that take the least urgent of them."""
FIRST_HEAT = 60 * DAY * SCALE
"""By how much worse a move may be at first, at the usual weight [s]."""
PATIENCE = 60
"""Moves without a better plan, after which the best one is taken up again."""
MOST_IDLE = 300
"""Moves without any that is kept, after which there is no more to be had."""
MOST_OUT = 60
"""Orders that one move takes out at most."""
SEED = 1


class Repairing:
    """Moves in one placing.

    Parameters
    ----------
    placing
        All orders are placed; it is changed.
    weighing
        Says what it costs.
    setting
        How urgent orders are.
    stop
        A yes ends the moves.

    Attributes
    ----------
    cost
        What the placing costs now.
    tried, better
        How many moves were tried, and how many made the plan better than ever.
    """

    def __init__(
        self,
        placing: Placing,
        weighing: Weighing,
        setting: Setting,
        stop: Callable[[], bool],
    ) -> None:
        self._placing = placing
        self._weighing = weighing
        self._stop = stop
        self._by_name = {str(job.order.index): job for job in placing.jobs}
        self._random = random.Random(SEED)
        self._urgency = placing.sequencer.rehearsal.keys(setting).tolist()
        self.tried = self.better = 0
        self.cost = NOTHING
        self._weigh()

    def run(self, moves: int) -> None:
        """Move until so many orders were placed, or nothing is late."""
        placing = self._placing
        end = placing.moves + moves
        best, mark, since, idle = self.cost, placing.mark(), 0, 0
        first_heat = FIRST_HEAT * self._weighing.usual
        while self._late and idle < MOST_IDLE and not self._stop():
            left = end - placing.moves
            if left <= 0:
                break
            kept = self._move(int(first_heat * (left / moves) ** 2))
            idle = 0 if kept else idle + 1
            since += 1
            if self.cost < best:
                best, mark, since = self.cost, placing.mark(), 0
                self.better += 1
            elif since > PATIENCE and self.cost > best:
                placing.undo(mark)
                self._weigh()
                since = 0
        placing.undo(mark)
        self.cost = best

    def _weigh(self) -> None:
        """Take note of what all groups and orders cost as they are placed."""
        weighing = self._weighing
        self._of_group = [weighing.of_group(g) for g in range(len(weighing.groups))]
        self._of_job = [weighing.of_job(job) for job in self._placing.jobs]
        self._late = {g: c.late for g, c in enumerate(self._of_group) if c.late}
        self.cost = sum_of([*self._of_group, *self._of_job])

    # --- a move --------------------------------------------------------------------
    def _move(self, heat: int) -> bool:
        """Try to bring some late demand earlier; tell whether it was worth it."""
        chance = self._random
        groups = sorted(self._late)
        costs = [math.sqrt(self._late[group]) for group in groups]
        path = self._weighing.path(chance.choices(groups, costs)[0])
        found = [
            (place, rivals)
            for place in range(len(path))
            if (rivals := self._rivals(path, place))
        ]
        if not found:
            return False
        place, rivals = chance.choice(found)
        rivals.sort(key=lambda job: (-self._urgency[job.number], job.number))
        count = min(chance.choice(COUNTS), len(rivals))
        if chance.random() >= LEAST_URGENT:
            rivals = chance.sample(rivals, count)
        placing = self._placing
        mark = placing.mark()
        old: Old = {}
        self.tried += 1
        moved = self._moved(path[: place + 1], rivals[:count], old)
        if moved and self._worth(old, heat):
            return True
        placing.undo(mark)
        return False

    def _rivals(self, path: Sequence[Job], place: int) -> list[Job]:
        """List the orders that one of a path waited for."""
        names = sorted(self._placing.rivals(path[place]))
        found = [self._by_name[name] for name in names if name in self._by_name]
        return [job for job in found if not job.stays and job not in path]

    def _moved(self, path: Sequence[Job], rivals: Sequence[Job], old: Old) -> bool:
        """Put orders in again, and what takes from them where it is too early now."""
        placing = self._placing
        queue = _sorted([*path, *rivals], {job.number for job in path})
        for job in reversed(queue):
            old[job.number] = job, job.order.timing
            placing.take_out(job)
        early: list[tuple[int, int]] = []
        for job in queue:
            if not placing.put_in(job):
                return False
            self._list_early(job, early)
        while early:
            job = placing.jobs[heappop(early)[1]]
            if not placing.lacks(job):
                continue
            if job.stays or len(old) >= MOST_OUT:
                return False
            old.setdefault(job.number, (job, job.order.timing))
            placing.take_out(job)
            if not placing.put_in(job):
                return False
            self._list_early(job, early)
        return not any(placing.owes(job, timing) for job, timing in old.values())

    def _list_early(self, job: Job, early: list[tuple[int, int]]) -> None:
        """List the takers of an order that begin before it is there."""
        for taker in job.after:
            if taker.placed and self._placing.lacks(taker):
                heappush(early, (taker.order.timing.start, taker.number))

    def _worth(self, old: Old, heat: int) -> bool:
        """Whether orders cost less than before, or little enough more."""
        weighing = self._weighing
        numbers = sorted(old)
        groups = sorted({g for job, _ in old.values() for g in weighing.served(job)})
        before = sum_of(
            [*(self._of_group[g] for g in groups), *(self._of_job[n] for n in numbers)]
        )
        of_group = [weighing.of_group(group) for group in groups]
        of_job = [weighing.of_job(old[number][0]) for number in numbers]
        after = sum_of([*of_group, *of_job])
        most = before.late - heat * math.log(1 - self._random.random())
        if after.missing > before.missing or (after > before and after.late > most):
            return False
        for group, cost in zip(groups, of_group, strict=True):
            self._of_group[group] = cost
            self._late.pop(group, None)
            if cost.late:
                self._late[group] = cost.late
        for number, cost in zip(numbers, of_job, strict=True):
            self._of_job[number] = cost
        self.cost = self.cost.plus(before, -1).plus(after)
        return True


def _sorted(jobs: Sequence[Job], first: Collection[int]) -> list[Job]:
    """Sort orders: some first, then by start; what brings before what takes."""
    by_number = {job.number: job for job in jobs}
    left = {
        job.number: sum(other.number in by_number for other in job.before)
        for job in jobs
    }
    rank = {
        job.number: (job.number not in first, job.order.timing.start, job.number)
        for job in jobs
    }
    ready = [rank[number] for number, count in left.items() if count == 0]
    heapify(ready)
    found = []
    while ready:
        job = by_number[heappop(ready)[2]]
        found.append(job)
        for other in job.after:
            if other.number in left:
                left[other.number] -= 1
                if left[other.number] == 0:
                    heappush(ready, rank[other.number])
    return found
