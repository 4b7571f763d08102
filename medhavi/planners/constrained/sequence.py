"""Find a good sequence of the orders: rehearse settings, keep the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from medhavi.planners.constrained.rehearsal import Rehearsal
from medhavi.planners.constrained.stage import Setting, Stage
from medhavi.planners.mrp.state import NO_DEMAND, Demand
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    from medhavi.planners.constrained.jobs import Job

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
        self._rehearsed: dict[Setting, tuple[float, list[int]]] = {}

    @cached_property
    def rehearsal(self) -> Rehearsal:
        """The stage of the orders, made when it is asked for first."""
        return Rehearsal(stage_of(self._jobs, self._scene), self._scene.as_of)

    @property
    def passes(self) -> int:
        """How many passes were made so far."""
        return self.rehearsal.passes

    def first(self) -> list[Job]:
        """Give the sequence that is placed first, whatever the effort."""
        return self.ranked("light")[0]

    def ranked(self, effort: str) -> list[list[Job]]:
        """Give the sequences that an effort rehearses, the best first; each only once.

        Those that wait for each other in a circle are left out.
        """
        if effort not in self._ranked:
            found = [
                (*self._rehearse(setting), setting) for setting in SETTINGS[effort]
            ]
            found.sort(key=lambda one: one[0])
            self._best[effort] = found[0][2]
            known = dict.fromkeys(
                tuple(self._sorted(starts, self._keys(setting)))
                for _, starts, setting in found
            )
            self._ranked[effort] = [[self._jobs[job] for job in one] for one in known]
        return self._ranked[effort]

    def _rehearse(self, setting: Setting) -> tuple[float, list[int]]:
        """Give the score of a setting, and its starts."""
        if setting not in self._rehearsed:
            starts, arrivals = self.rehearsal.rehearse(setting)
            days = self._scene.parameters.late_demand_days
            score = self.rehearsal.score(arrivals, days)
            self._rehearsed[setting] = score, starts
        return self._rehearsed[setting]

    def best_setting(self, effort: str) -> Setting:
        """Give the setting of the best sequence that an effort rehearses."""
        self.ranked(effort)
        return self._best[effort]

    def by_keys(self, keys: Sequence[int], hold: float | None) -> list[Job]:
        """Give the sequence of a rehearsal with keys of the jobs."""
        starts, _ = self.rehearsal.with_keys(keys, hold)
        return [self._jobs[job] for job in self._sorted(starts, keys)]

    def as_late_as_due(self) -> list[Job]:
        """Give the sequence of the latest starts that let nothing be late."""
        starts = self.rehearsal.as_late_as_due()
        return [self._jobs[job] for job in self._sorted(starts)]

    def by_starts(self) -> list[Job]:
        """Give the orders by where they start now."""
        starts = [job.order.timing.start for job in self._jobs]
        return [self._jobs[job] for job in self.rehearsal.by(starts)]

    def _keys(self, setting: Setting) -> Sequence[int]:
        """Give the keys of a setting, where they are looked at."""
        return self.rehearsal.keys(setting) if self._limited else ()

    def _sorted(self, starts: Sequence[int], keys: Sequence[int] = ()) -> list[int]:
        first = self.rehearsal.stage.first
        turns = self.rehearsal.turns(self._limited, keys) if keys else None
        return self.rehearsal.by([starts[task] for task in first], turns)


def stage_of(jobs: list[Job], scene: Scene) -> Stage:
    """Turn orders into plain numbers."""
    stage = Stage()
    resources = scene.snapshot["resources"]
    machines: dict[str, int] = {}
    for name, units, finite in resources.select(
        "resource", "units", "finite"
    ).iter_rows():
        if finite:
            machines[name] = len(stage.units)
            stage.units.append(max(1, int(units)))
    wants: dict[int, list[int]] = {}
    for job in jobs:
        timing = job.order.timing
        before = timing.start
        stage.first.append(len(stage.machine))
        for window in timing.steps:
            where = next(
                (machines[name] for name, _ in window.resources if name in machines),
                -1,
            )
            stage.machine.append(where)
            stage.length.append(window.finish - window.start)
            stage.lead.append(max(0, window.start - before))
            before = window.finish
        if not timing.steps:
            stage.machine.append(-1)
            begin = timing.ready if job.order.kind == "move" else timing.start
            stage.length.append(timing.finish - begin)
            stage.lead.append(0)
            before = timing.finish
        stage.last.append(len(stage.machine) - 1)
        stage.post.append(max(0, timing.finish - before))
        stage.floor.append(_floor(job))
        stage.before.append([other.number for other in job.before])
        stage.after.append([other.number for other in job.after])
        for out in job.outs:
            for need, _ in out.unit.takers:
                if need.demand != NO_DEMAND:
                    wants.setdefault(need.demand, []).append(job.number)
    demands, weight_of = scene.demands, scene.snapshot.settings.weight
    for index, found in sorted(wants.items()):
        demand = demands[index]
        stage.wants.append(found)
        stage.due.append(max(demand.due, scene.as_of))
        stage.weight.append(weight_of(demand.priority))
        stage.priority.append(demand.priority)
    return stage


def _floor(job: Job) -> int:
    """Give from when on a job may start for all that no other job brings it."""
    movable = {other.order.index for other in job.before}
    floor = job.floor
    for take in job.takes:
        for unit in take.units:
            if unit.order is None or unit.order.index not in movable:
                floor = max(floor, take.opens, unit.arrives)
    return floor
