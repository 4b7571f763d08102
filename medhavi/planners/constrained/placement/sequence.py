"""Find a good sequence of the orders: rehearse settings, keep the best.

Every order is a chain of tasks with the durations that its provider gave; a task takes
one unit of at most one machine. What a rehearsal finds is a sequence, no dates: the
providers place the orders afterwards, with calendars, alternates and all resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.constrained.orders.jobs import Setting, stage_of
from medhavi.planners.kernels.compiled import (
    Engine,
    announce_compiling,
    compiled_rehearsal,
    interpreted_rehearsal,
    uses_numba,
)
from medhavi.planners.kernels.rehearsal_passes import FAR, NEVER_HOLDS
from medhavi.planners.mrp.netting_state.state import Demand
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.progress import Observe
from medhavi.snapshot import Snapshot
from medhavi.units import ALWAYS, DAY

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.jobs import Ints, Job
    from medhavi.planners.kernels.compiled import EngineName
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


SETTINGS = {
    "light": (Setting(0.2, 1.0, 4.0, 3.0),),
    "standard": tuple(
        Setting(allowance, 1.0, 4.0, spread)
        for allowance in (0.0, 0.2)
        for spread in (0.0, 3.0)
    ),
    "full": tuple(
        Setting(allowance, short_first, hold, spread)
        for allowance in (0.0, 0.2, 0.4, 0.8)
        for short_first in (0.5, 1.0, 2.0)
        for hold in (None, 4.0)
        for spread in (0.0, 3.0, 6.0, 12.0)
    ),
}
"""Settings by effort; what is best differs with the load, so several are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What surrounds the orders of a run.

    `as_of` is now [UTC seconds]; `demands` are in order of their index; `observe` hears
    that kernels have to be compiled.
    """

    snapshot: Snapshot
    parameters: ConstrainedParameters
    demands: Sequence[Demand]
    as_of: int
    observe: Observe | None = None


class Sequencer:
    """Finds sequences of the orders of a run.

    Parameters
    ----------
    jobs
        The orders, linked and dated by the netting.
    scene
        What surrounds them.
    limited
        Purchases and moves that may leave each other no room, by number: no machine
        queues them, so their urgency alone says which goes first.
    """

    def __init__(
        self, jobs: list[Job], scene: Scene, limited: Sequence[int] = ()
    ) -> None:
        self._jobs = jobs
        self._scene = scene
        self._limited = limited
        self._ranked: dict[str, list[list[Job]]] = {}
        self._best: dict[str, Setting] = {}
        self._rehearsed: dict[Setting, tuple[float, Ints]] = {}

    @cached_property
    def rehearsal(self) -> Rehearsal:
        """The stage of the orders, made when it is asked for first."""
        scene, parameters = self._scene, self._scene.parameters
        stage = stage_of(self._jobs, scene.snapshot, scene.demands, scene.as_of)
        passes = PASSES * len(SETTINGS[parameters.effort])
        engine = engine_for(
            parameters.engine, passes * len(stage.machine), scene.observe
        )
        return Rehearsal(stage, scene.as_of, engine)

    @property
    def passes(self) -> int:
        """How many passes were made so far."""
        return self.rehearsal.passes

    def first(self) -> list[Job]:
        """Sequence that is placed first, whatever the effort."""
        return self.ranked("light")[0]

    def ranked(self, effort: str) -> list[list[Job]]:
        """Sequences that an effort rehearses, the best first; each only once.

        Those that wait for each other in a circle are left out.
        """
        if effort not in self._ranked:
            found = [
                (*self._rehearse(setting), setting) for setting in SETTINGS[effort]
            ]
            found.sort(key=lambda one: one[0])
            self._best[effort] = found[0][2]
            known: dict[bytes, Ints] = {}
            for _, sequence, _ in found:
                known.setdefault(sequence.tobytes(), sequence)
            self._ranked[effort] = [self._named(one) for one in known.values()]
        return self._ranked[effort]

    def _rehearse(self, setting: Setting) -> tuple[float, Ints]:
        """Score of a setting, and its sequence."""
        if setting not in self._rehearsed:
            rehearsal, days = self.rehearsal, self._scene.parameters.late_demand_days
            keys = rehearsal.keys(setting)
            starts, arrivals = rehearsal.rehearse(keys, setting.hold)
            score = rehearsal.score(arrivals, days)
            self._rehearsed[setting] = score, self._sorted(starts, keys)
        return self._rehearsed[setting]

    def best_setting(self, effort: str) -> Setting:
        """Setting of the best sequence that an effort rehearses."""
        self.ranked(effort)
        return self._best[effort]

    def by_keys(self, keys: Ints, hold: float | None) -> list[Job]:
        """Sequence of a rehearsal with keys of the jobs."""
        starts, _ = self.rehearsal.rehearse(keys, hold)
        return self._named(self._sorted(starts, keys))

    def as_late_as_due(self) -> list[Job]:
        """Sequence of the latest starts that let nothing be late."""
        return self._named(self._sorted(self.rehearsal.as_late_as_due()))

    def by_chains(self) -> list[Job]:
        """What is delivered in the first sequence, each after all that it takes.

        So work far from a delivery holds no resource that nearer work needs as well;
        a rehearsal knows of one resource to a step only.
        """
        found: list[Job] = []
        first = self.first()
        left = {job.number for job in first}
        rank = {job.number: place for place, job in enumerate(first)}
        for last in first:
            taken = any(job.number in left for job in last.after)
            ahead = [] if taken or last.number not in left else [last]
            while ahead:
                wanted = [job for job in ahead[-1].before if job.number in left]
                if wanted:
                    ahead.append(min(wanted, key=lambda job: rank[job.number]))
                    continue
                job = ahead.pop()
                left.remove(job.number)
                found.append(job)
        return found

    def by_starts(self) -> list[Job]:
        """Orders by where they start now."""
        starts = np.array([job.order.timing.start for job in self._jobs], np.int64)
        return self._named(self.rehearsal.by(starts))

    def _sorted(self, starts: Ints, keys: Ints | None = None) -> Ints:
        """Sort the jobs by the starts of their tasks; keys decide for the limited."""
        rehearsal = self.rehearsal
        turns = None if keys is None else rehearsal.turns(self._limited, keys)
        return rehearsal.by(starts[rehearsal.stage.first[:-1]], turns)

    def _named(self, sequence: Ints) -> list[Job]:
        return [self._jobs[job] for job in sequence.tolist()]


def engine_for(
    engine: EngineName, tasks: int, observe: Observe | None = None
) -> Engine:
    """Kernels of a rehearsal that goes through so many tasks in all."""
    if uses_numba(engine, tasks):
        kernels = compiled_rehearsal()
        announce_compiling(kernels, observe)
        return Engine(kernels=kernels, lists=False)
    return Engine(kernels=interpreted_rehearsal(), lists=True)
