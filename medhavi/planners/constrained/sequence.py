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
    """

    def __init__(self, jobs: list[Job], scene: Scene) -> None:
        self._jobs = jobs
        self._scene = scene
        self._ranked: list[list[Job]] = []
        self._best = 0

    @cached_property
    def rehearsal(self) -> Rehearsal:
        """The stage of the orders, made when it is asked for first."""
        return Rehearsal(stage_of(self._jobs, self._scene), self._scene.as_of)

    @property
    def passes(self) -> int:
        """How many passes were made so far."""
        return self.rehearsal.passes

    def ranked(self) -> list[list[Job]]:
        """Give the rehearsed sequences, the best one first; each only once.

        Those that wait for each other in a circle are left out.
        """
        if not self._ranked:
            rehearsal, effort = self.rehearsal, self._scene.parameters.effort
            days = self._scene.parameters.late_demand_days
            found = []
            for number, setting in enumerate(SETTINGS[effort]):
                starts, arrivals = rehearsal.rehearse(setting)
                found.append((rehearsal.score(arrivals, days), number, starts))
            found.sort(key=lambda one: one[:2])
            self._best = found[0][1]
            known = dict.fromkeys(tuple(self._sorted(one[2])) for one in found)
            self._ranked = [[self._jobs[job] for job in one] for one in known]
        return self._ranked

    def best_setting(self) -> Setting:
        """Give the setting of the best sequence."""
        self.ranked()
        return SETTINGS[self._scene.parameters.effort][self._best]

    def by_keys(self, keys: Sequence[int], hold: float | None) -> list[Job]:
        """Give the sequence of a rehearsal with keys of the jobs."""
        starts, _ = self.rehearsal.with_keys(keys, hold)
        return [self._jobs[job] for job in self._sorted(starts)]

    def as_late_as_due(self) -> list[Job]:
        """Give the sequence of the latest starts that let nothing be late."""
        starts = self.rehearsal.as_late_as_due()
        return [self._jobs[job] for job in self._sorted(starts)]

    def by_starts(self) -> list[Job]:
        """Give the orders by where they start now."""
        starts = [job.order.timing.start for job in self._jobs]
        return [self._jobs[job] for job in self.rehearsal.by(starts)]

    def _sorted(self, starts: Sequence[int]) -> list[int]:
        first = self.rehearsal.stage.first
        return self.rehearsal.by([starts[task] for task in first])


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
        movable = {other.order.index for other in job.before}
        stage.floor.append(
            max(
                [
                    job.floor,
                    *(
                        max(take.opens, unit.arrives)
                        for take in job.takes
                        for unit in take.units
                        if unit.order is None or unit.order.index not in movable
                    ),
                ]
            )
        )
        stage.before.append([other.number for other in job.before])
        stage.after.append([other.number for other in job.after])
        for out in job.outs:
            for need, _ in out.unit.takers:
                if need.demand != NO_DEMAND:
                    wants.setdefault(need.demand, []).append(job.number)
    demands = scene.demands
    for index, found in sorted(wants.items()):
        demand = demands[index]
        stage.wants.append(found)
        stage.due.append(max(demand.due, scene.as_of))
        stage.weight.append(scene.snapshot.settings.weight(demand.priority))
        stage.priority.append(demand.priority)
    return stage
