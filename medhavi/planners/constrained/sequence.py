"""Find a good sequence of the orders: rehearse settings, keep the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def sequence(jobs: list[Job], scene: Scene) -> tuple[list[Job], int]:
    """Find a sequence.

    Returns
    -------
    jobs : list of Job
        In the sequence of their start in the best rehearsal; those that wait for each
        other in a circle are left out.
    rehearsals : int
        How many passes were made.
    """
    stage = stage_of(jobs, scene)
    rehearsal = Rehearsal(stage, scene.as_of)
    found = []
    for number, setting in enumerate(SETTINGS[scene.parameters.effort]):
        starts, arrivals = rehearsal.rehearse(setting)
        score = rehearsal.score(arrivals, scene.parameters.late_demand_days)
        found.append((score, number, starts))
    starts = min(found)[2]
    place = {job: rank for rank, job in enumerate(rehearsal.order)}
    ranked = sorted(
        rehearsal.order, key=lambda job: (starts[stage.first[job]], place[job])
    )
    return [jobs[job] for job in ranked], rehearsal.passes


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
