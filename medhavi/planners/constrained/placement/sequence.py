"""Find a good sequence of the orders: rehearse settings, keep the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.orders.stage import Setting, stage_of
from medhavi.planners.constrained.placement.rehearsal import PASSES, Rehearsal
from medhavi.planners.kernels.compiled import (
    compiled_rehearsal,
    interpreted_rehearsal,
    uses_numba,
)
from medhavi.planners.kernels.kernel_engine import Engine
from medhavi.planners.mrp.netting_state.state import Demand
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.stage import Ints
    from medhavi.planners.kernels.compiled import Engine as Wanted

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

    `as_of` is now [UTC seconds]; `demands` are in order of their index.
    """

    snapshot: Snapshot
    parameters: ConstrainedParameters
    demands: Sequence[Demand]
    as_of: int


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
        engine = engine_for(parameters.engine, passes * len(stage.machine))
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


def engine_for(engine: Wanted, tasks: int) -> Engine:
    """Kernels of a rehearsal that goes through so many tasks in all."""
    if uses_numba(engine, tasks):
        return Engine(kernels=compiled_rehearsal(), lists=False)
    return Engine(kernels=interpreted_rehearsal(), lists=True)
