"""A rehearsal of the plan on plain numbers finds in which sequence orders should start.

Every order is a chain of tasks with the durations that its provider gave; a task takes
one unit of at most one machine. What a rehearsal finds is a sequence, no dates: the
providers place the orders afterwards, with calendars, alternates and all resources.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from medhavi.planners.constrained.dispatching import Dispatch
from medhavi.planners.constrained.justifying import Justification
from medhavi.planners.constrained.stage import FAR, Setting
from medhavi.units import ALWAYS, DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.stage import Stage


class Rehearsal:
    """Sequences of one stage.

    Parameters
    ----------
    stage
        What is rehearsed; what takes from a job has a higher place in `order`.
    now
        Now of the plan [UTC seconds].
    """

    def __init__(self, stage: Stage, now: int) -> None:
        self.stage = stage
        self._now = now
        self.passes = 0
        self._job = [0] * len(stage.machine)
        for job, (low, high) in enumerate(zip(stage.first, stage.last, strict=True)):
            for task in range(low, high + 1):
                self._job[task] = job
        self.order = self._sorted()
        self._rank = [0] * len(stage.first)
        for place, job in enumerate(self.order):
            self._rank[job] = place
        self._justification = Justification(stage, self._job, self._rank)
        self._span = [
            sum(stage.length[t] + stage.lead[t] for t in range(low, high + 1)) + post
            for low, high, post in zip(stage.first, stage.last, stage.post, strict=True)
        ]
        self._work = [
            sum(stage.length[t] for t in range(low, high + 1) if stage.machine[t] >= 0)
            for low, high in zip(stage.first, stage.last, strict=True)
        ]
        self._queue = self._expected_queues()

    def _sorted(self) -> list[int]:
        """Sort the jobs: what brings before what takes (Kahn 1962)."""
        stage = self.stage
        left = [len(found) for found in stage.before]
        ready = [job for job, count in enumerate(left) if count == 0]
        heapify(ready)
        found = []
        while ready:
            job = heappop(ready)
            found.append(job)
            for taker in stage.after[job]:
                left[taker] -= 1
                if left[taker] == 0:
                    heappush(ready, taker)
        return found

    def _expected_queues(self) -> list[float]:
        """Estimate the queue before each machine: E[d²]/E[d] u / (1.05 - u) / 2.

        Pollaczek and Khinchine's mean wait; the small constant keeps it finite.
        """
        stage = self.stage
        count = len(stage.units)
        total, square = [0.0] * count, [0.0] * count
        for machine, length in zip(stage.machine, stage.length, strict=True):
            if machine >= 0:
                total[machine] += length
                square[machine] += float(length) * length
        span = max((due - self._now for due in stage.due), default=0)
        waits = []
        for machine in range(count):
            if total[machine] <= 0 or span <= 0:
                waits.append(0.0)
                continue
            load = min(total[machine] / span / stage.units[machine], 1.0)
            waits.append(square[machine] / total[machine] * load / (1.05 - load) / 2)
        found = []
        for low, high in zip(stage.first, stage.last, strict=True):
            found.append(
                sum(
                    waits[stage.machine[t]]
                    for t in range(low, high + 1)
                    if stage.machine[t] >= 0
                )
            )
        return found

    def turns(self, limited: Sequence[int], keys: Sequence[int]) -> list[int]:
        """Give the places in `order`, where some jobs change theirs by their keys."""
        turns = list(self._rank)
        places = sorted(turns[job] for job in limited)
        urgent = sorted(limited, key=lambda job: (keys[job], job))
        for job, place in zip(urgent, places, strict=True):
            turns[job] = place
        return turns

    # --- keys ----------------------------------------------------------------------
    def keys(self, setting: Setting) -> list[int]:
        """Give the key of each job: its latest end, and what the setting adds."""
        stage = self.stage
        latest = [FAR] * len(stage.first)
        day = DAY * setting.spread
        for jobs, due, priority in zip(
            stage.wants, stage.due, stage.priority, strict=True
        ):
            wanted = due + int(day * (priority - 2))
            for job in jobs:
                latest[job] = min(latest[job], wanted)
        share = setting.allowance
        for job in reversed(self.order):
            start = latest[job] - self._span[job] - int(share * self._queue[job])
            for giver in stage.before[job]:
                latest[giver] = min(latest[giver], start)
        more = setting.short_first
        return [
            end + int(more * work) for end, work in zip(latest, self._work, strict=True)
        ]

    # --- passes --------------------------------------------------------------------
    def rehearse(self, setting: Setting) -> tuple[list[int], list[int]]:
        """Dispatch and justify.

        Returns
        -------
        starts, arrivals
            Per task its start, per job the arrival of its goods [UTC seconds].
        """
        return self.with_keys(self.keys(setting), setting.hold)

    def with_keys(
        self, keys: Sequence[int], hold: float | None
    ) -> tuple[list[int], list[int]]:
        """Dispatch and justify with given keys of the jobs."""
        self.passes += 3
        dispatch = Dispatch(self.stage, self._job, keys, hold)
        dispatch.run()
        right = self._justification.right(dispatch.starts, dispatch.arrivals)
        return self._justification.left(right)

    def as_late_as_due(self) -> list[int]:
        """Give starts per task as late as the dues allow, before now if need be.

        In the sequence of the latest starts without queues.
        """
        self.passes += 1
        stage = self.stage
        ends = self.keys(Setting(0.0, 0.0, None, 0.0))
        last = max(stage.due, default=self._now)
        # Those that serve no demand come last; the others at no other limit than due.
        limits = [last + DAY if end == FAR else ALWAYS for end in ends]
        starts = [0] * len(stage.machine)
        for job, (low, high) in enumerate(zip(stage.first, stage.last, strict=True)):
            end = ends[job] - stage.post[job]
            for task in range(high, low - 1, -1):
                starts[task] = end - stage.length[task]
                end = starts[task] - stage.lead[task]
        return self._justification.right(starts, limits)

    def by(
        self, starts: Sequence[int], turns: Sequence[int] | None = None
    ) -> list[int]:
        """Sort the jobs by starts, what brings before what takes.

        `turns` decide between equal starts; without them, `order` does.
        """
        stage = self.stage
        rank = self._rank if turns is None else turns
        left = [len(found) for found in stage.before]
        ready = [(starts[j], rank[j], j) for j in self.order if left[j] == 0]
        heapify(ready)
        found = []
        while ready:
            job = heappop(ready)[2]
            found.append(job)
            for taker in stage.after[job]:
                left[taker] -= 1
                if left[taker] == 0:
                    heappush(ready, (starts[taker], rank[taker], taker))
        return found

    # --- score ---------------------------------------------------------------------
    def score(self, arrivals: Sequence[int], days_of_one: float) -> float:
        """Give the weighted lateness: each late demand counts some days and its own."""
        total = 0.0
        stage = self.stage
        for jobs, due, weight in zip(stage.wants, stage.due, stage.weight, strict=True):
            late = -due
            for job in jobs:
                late = max(late, arrivals[job] - due)
            if late > 0:
                total += weight * (days_of_one + late / DAY)
        return total
