"""Improve a placing: other sequences, then out with what is in the way and in again.

Every try places orders with the providers, so nothing is guessed: what is kept is a
plan that can be carried out. Effort is counted in orders placed. The sequence that
effort light rehearses stands first, and only what weighs less takes its place; a larger
effort begins where the smaller one ended, so it never ends with a dearer plan.

Sources: squeaky wheel, Joslin and Clements 1999 (Journal of Artificial Intelligence
Research 10); destroy and repair, Shaw 1998 (Principles and Practice of Constraint
Programming); forward and backward passes, Tormos and Lova 2001 (Annals of Operations
Research 102).

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
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.weighing import NOTHING, SCALE, sum_of
from medhavi.progress import Progress
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from medhavi.planners.constrained.orders.jobs import Ints, Job, Setting
    from medhavi.planners.constrained.orders.weighing import Weighing
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.planners.parameters import ImprovementBudget
    from medhavi.progress import Observe
    from medhavi.providers.sources import OrderTiming

    Old = dict[int, tuple[Job, OrderTiming]]


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


PUSH = DAY
"""By how much what made a demand late is more urgent next time [s]."""
FEW = 1_000
"""Up to so many orders, one delivery after the other is tried beside the budget."""


class Watching(NamedTuple):
    """Who looks on.

    `observe` gets "late of priority N" with how many demands are late, of how many, and
    "weighted days late" with what the best placing weighs, and weighed at first. A yes
    of `stop` ends the tries.
    """

    observe: Observe | None
    stop: Callable[[], bool]


def effort_of(placing: Placing, tried: int = 0, better: int = 0) -> dict[str, float]:
    """What was done: orders placed, changes that were tried and that were kept."""
    return {
        "moves": float(placing.moves),
        "tried": float(tried),
        "better_moves": float(better),
    }


class Improving:
    """One improvement of one placing.

    Parameters
    ----------
    placing
        All orders are placed; it is changed.
    weighing
        Says what it costs.
    watching
        Who looks on.

    Attributes
    ----------
    cost
        What the placing costs now.
    tried, better
        How many changes were tried, and how many were kept.
    """

    def __init__(
        self,
        placing: Placing,
        weighing: Weighing,
        watching: Watching,
    ) -> None:
        self._placing = placing
        self._weighing = weighing
        self._watching = watching
        self._begun = self._end = placing.moves
        self._known = {_numbers(placing.sequence)}
        self.cost = self._first = weighing.total()
        self.tried = self.better = 0

    def run(self, effort: str, budget: ImprovementBudget) -> bool:
        """Improve until a budget is spent, or nothing is late; tell whether it did.

        Parameters
        ----------
        effort
            Whose rehearsals are placed.
        budget
            How much is tried, what was tried before included.
        """
        placing, better = self._placing, self.better
        wanted = max(budget.rounds * len(placing.jobs), budget.least)
        most = min(wanted, budget.most)
        self._end = self._begun + most
        self.cost = self._weighing.total()
        self._tell()
        if len(placing.jobs) <= FEW and not self._idle():
            self._by_chains()
        self._sequences(effort, int(most * (1 - budget.whole)))
        if placing.campaigns is None and not self._idle() and self._repair(effort):
            self._as_early_as_can_be()
        return self.better > better

    def effort(self) -> dict[str, float]:
        """What was done."""
        return effort_of(self._placing, self.tried, self.better)

    def _tell(self) -> None:
        """How many demands are late, and how late by weight."""
        observe = self._watching.observe
        if observe is None:
            return
        found = self._weighing.late_by_priority()
        for priority, (late, all_of) in sorted(found.items()):
            observe(Progress(f"late of priority {priority}", late, all_of))
        days = SCALE * DAY
        observe(
            Progress(
                "weighted days late", self.cost.late // days, self._first.late // days
            )
        )

    def _idle(self) -> bool:
        nothing = not self.cost.late and not self.cost.missing
        return nothing or self._left() <= 0 or self._watching.stop()

    def _left(self) -> int:
        """How many orders may still be placed."""
        return self._end - self._placing.moves

    # --- whole sequences -----------------------------------------------------------
    def _by_chains(self) -> None:
        """Try one delivery after the other, once; the budget stays as it is."""
        placing = self._placing
        sequence, before = placing.sequencer.by_chains(), placing.moves
        if _numbers(sequence) not in self._known:
            self._known.add(_numbers(sequence))
            self._whole(sequence)
        self._begun += placing.moves - before
        self._end += placing.moves - before

    def _sequences(self, effort: str, spare: int) -> None:
        """Try whole sequences; leave so many orders to be placed one by one."""
        jobs = len(self._placing.jobs)
        for sequence in self._candidates(effort):
            if self._left() - jobs < spare or self._idle():
                return
            self._whole(sequence)

    def _candidates(self, effort: str) -> Iterator[Sequence[Job]]:
        """Sequences worth a try.

        Backward from the dues, then forward; the best of the rehearsal; then what made
        demands late is more urgent each time.
        """
        sequencer = self._placing.sequencer
        if self._left() <= 0:
            return
        for known in (sequencer.as_late_as_due(), *sequencer.ranked(effort)[:3]):
            if _numbers(known) not in self._known:
                self._known.add(_numbers(known))
                yield known
        setting = sequencer.best_setting(effort)
        keys = sequencer.rehearsal.keys(setting)
        while self._blame(keys):
            yield sequencer.by_keys(keys, setting.hold)

    def _blame(self, keys: Ints) -> bool:
        """Make more urgent what made demands late; False: nothing did."""
        blamed = {
            job.number
            for group in self._weighing.late_groups()
            for job in self._weighing.path(group)
        }
        for number in blamed:
            keys[number] -= PUSH
        return bool(blamed)

    def _whole(self, sequence: Sequence[Job]) -> None:
        """Place all orders anew; keep it if that is better."""
        placing = self._placing
        mark = placing.mark()
        placing.clear()
        placing.place_all(sequence)
        self.tried += 1
        cost = self._weighing.total()
        if cost < self.cost and not placing.crowded:
            self.cost = cost
            self.better += 1
            self._tell()
            return
        placing.undo(mark)

    # --- single orders -------------------------------------------------------------
    def _repair(self, effort: str) -> bool:
        """Take out what is in the way of late demands; tell whether that was better."""
        jobs = len(self._placing.jobs)
        spare = jobs if 3 * jobs <= self._left() else 0
        setting = self._placing.sequencer.best_setting(effort)
        stop = self._watching.stop
        repairing = Repairing(self._placing, self._weighing, setting, stop)
        repairing.run(self._left() - spare)
        self.cost = repairing.cost
        self.tried += repairing.tried
        self.better += repairing.better
        self._tell()
        return repairing.better > 0

    def _as_early_as_can_be(self) -> None:
        """Schedule all orders as early as possible in the sequence of the starts."""
        placing = self._placing
        placing.sequence = placing.sequencer.by_starts()
        if self._left() >= len(placing.jobs) and not self._watching.stop():
            self._whole(placing.sequence)


def _numbers(sequence: Sequence[Job]) -> tuple[int, ...]:
    return tuple(job.number for job in sequence)
