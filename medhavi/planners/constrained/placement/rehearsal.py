"""A rehearsal of the plan on plain numbers finds in which sequence orders should start.

Every order is a chain of tasks with the durations that its provider gave; a task takes
one unit of at most one machine. What a rehearsal finds is a sequence, no dates: the
providers place the orders afterwards, with calendars, alternates and all resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.constrained.orders.stage import Setting
from medhavi.planners.kernels.rehearsal_passes import FAR, NEVER_HOLDS
from medhavi.units import ALWAYS, DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.orders.stage import Ints
    from medhavi.planners.kernels.kernel_engine import Engine
    from medhavi.planners.kernels.rehearsal_passes import Stage

PASSES = 3
"""Passes over all tasks of one rehearsal."""


class Rehearsal:
    """Sequences of one stage.

    Parameters
    ----------
    stage
        What is rehearsed.
    now
        Now of the plan [UTC seconds].
    engine
        `rehearsal_passes`, and how it reads arrays.

    Attributes
    ----------
    order
        Jobs so that what brings comes before what takes; without those that wait for
        each other in a circle.
    passes
        How many passes were made so far.
    """

    def __init__(self, stage: Stage, now: int, engine: Engine) -> None:
        self.stage = stage
        self._now = now
        self._engine = engine
        self._kernels = engine.kernels
        self._plain = engine.of(stage)
        self.passes = 0
        jobs = len(stage.post)
        self._rank = np.zeros(jobs, np.int64)
        self.order = self.by(self._rank, np.arange(jobs))
        self._rank[self.order] = np.arange(len(self.order))
        self._task_rank = self._rank[stage.job]
        self._span = _sums(stage.length + stage.lead, stage.first) + stage.post
        busy = np.where(stage.machine >= 0, stage.length, 0)
        self._work = _sums(busy, stage.first)
        self._queue = self._expected_queues()

    def _run(self, kernel: str, *arguments: Ints | float) -> Any:
        """Run a kernel on the stage."""
        ints = self._engine.ints
        given = [ints(a) if isinstance(a, np.ndarray) else a for a in arguments]
        return getattr(self._kernels, kernel)(self._plain, *given)

    def _expected_queues(self) -> np.ndarray:
        """Estimate the queue before the machines of each job [s].

        Before a machine E[d²]/E[d] u / (1.05 - u) / 2: Pollaczek and Khinchine's mean
        wait; the small constant keeps it finite.
        """
        stage = self.stage
        tasks = np.flatnonzero(stage.machine >= 0)
        where, length = stage.machine[tasks], stage.length[tasks].astype(np.float64)
        count = len(stage.units)
        total = np.bincount(where, length, minlength=count)
        square = np.bincount(where, length * length, minlength=count)
        span = int(stage.due.max(initial=self._now)) - self._now
        if span <= 0:
            return np.zeros(len(stage.post))
        load = np.minimum(total / span / stage.units, 1.0)
        mean = np.divide(square, total, out=np.zeros(count), where=total > 0)
        waits = mean * load / (1.05 - load) / 2
        return np.bincount(stage.job[tasks], waits[where], minlength=len(stage.post))

    def turns(self, limited: Sequence[int], keys: Ints) -> Ints:
        """Places in `order`, where some jobs change theirs by their keys."""
        jobs, turns = np.array(limited, np.int64), self._rank.copy()
        turns[jobs[np.lexsort((jobs, keys[jobs]))]] = np.sort(turns[jobs])
        return turns

    # --- keys ----------------------------------------------------------------------
    def keys(self, setting: Setting) -> Ints:
        """Key of each job: its latest end, and what the setting adds."""
        stage = self.stage
        latest = np.full(len(stage.post), FAR)
        later = (DAY * setting.spread * (stage.priority - 2)).astype(np.int64)
        wanted = np.repeat(stage.due + later, np.diff(stage.want_start))
        np.minimum.at(latest, stage.want, wanted)
        span = self._span + (setting.allowance * self._queue).astype(np.int64)
        ends = self._run("pulled_ends", self.order, span, latest)
        more = (setting.short_first * self._work).astype(np.int64)
        return np.asarray(ends, np.int64) + more

    # --- passes --------------------------------------------------------------------
    def rehearse(self, keys: Ints, hold: float | None) -> tuple[Ints, Ints]:
        """Dispatch and justify with given keys of the jobs.

        Returns
        -------
        starts, arrivals
            Per task its start, per job the arrival of its goods [UTC seconds].
        """
        self.passes += PASSES
        holds = NEVER_HOLDS if hold is None else float(hold)
        found = self._run("dispatch", keys, holds)
        starts, arrivals = (np.asarray(one, np.int64) for one in found)
        later = self._moved_right(starts, arrivals)
        found = self._run("move_left", self._in_order(later), later)
        starts, arrivals = (np.asarray(one, np.int64) for one in found)
        return starts, arrivals

    def _moved_right(self, starts: Ints, arrivals: Ints) -> Ints:
        order = self._in_order(starts + self.stage.length)
        found = self._run("move_right", order, starts, arrivals)
        return np.asarray(found, np.int64)

    def _in_order(self, instants: Ints) -> Ints:
        """Sort tasks by instants, then by the place of their job in `order`."""
        return np.lexsort((self._task_rank, instants))

    def as_late_as_due(self) -> Ints:
        """Starts per task as late as the dues allow, before now if need be.

        In the sequence of the latest starts without queues.
        """
        self.passes += 1
        stage = self.stage
        ends = self.keys(Setting(0.0, 0.0, None, 0.0))
        last = int(stage.due.max()) if len(stage.due) else self._now
        # Those that serve no demand come last; the others at no other limit than due.
        limits = np.where(ends == FAR, last + DAY, ALWAYS)
        # What a task and those before it in its job take.
        taken = np.cumsum(stage.length + stage.lead)
        after = taken[stage.first[stage.job + 1] - 1] - taken
        starts = (ends - stage.post)[stage.job] - after - stage.length
        return self._moved_right(starts, limits)

    def by(self, starts: Ints, turns: Ints | None = None) -> Ints:
        """Sort the jobs by starts, what brings before what takes.

        `turns` decide between equal starts; without them, `order` does.
        """
        found = self._run("sorted_jobs", starts, self._rank if turns is None else turns)
        return np.asarray(found, np.int64)

    # --- score ---------------------------------------------------------------------
    def score(self, arrivals: Ints, days_of_one: float) -> float:
        """Weighted lateness: each late demand counts some days and its own."""
        stage = self.stage
        if not len(stage.due):
            return 0.0
        last = np.maximum.reduceat(arrivals[stage.want], stage.want_start[:-1])
        late = np.maximum(last, 0) - stage.due
        total = 0.0
        for place in np.flatnonzero(late > 0).tolist():
            days = int(late[place]) / DAY
            total += float(stage.weight[place]) * (days_of_one + days)
        return total


def _sums(values: Ints, first: Ints) -> Ints:
    """Add up what is between each start and the next."""
    total: Ints = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.diff(total[first])
