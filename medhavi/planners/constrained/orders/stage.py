"""What a rehearsal works on: orders as chains of tasks, in plain numbers."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.rehearsal_passes import Stage
from medhavi.planners.mrp.netting_state.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.state import Demand
    from medhavi.snapshot import Snapshot

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


class Setting(NamedTuple):
    """How urgent an order is.

    Parameters
    ----------
    allowance
        Share of the expected queue before a machine that is allowed for.
    short_first
        Share of its own length that makes an order less urgent.
    hold
        A machine holds for a task whose key is less by this many lengths of the task
        that could start; None: it never holds.
    spread
        Days by which a demand of the next priority counts as due later.
    """

    allowance: float
    short_first: float
    hold: float | None
    spread: float


def stage_of(
    jobs: Sequence[Job], snapshot: Snapshot, demands: Sequence[Demand], as_of: int
) -> Stage:
    """Turn orders into plain numbers.

    Parameters
    ----------
    jobs
        The orders, linked.
    snapshot
        Tells what resources and priorities there are.
    demands
        All, in order of their index.
    as_of
        Now: nothing is due before [UTC seconds].
    """
    machines, units = _machines(snapshot)
    found = _Tasks(machines)
    post, floor = array("q"), array("q")
    demand, serves = array("q"), array("q")
    placed = {job.order.index for job in jobs}
    for job in jobs:
        post.append(found.add(job))
        floor.append(_floor(job, placed))
        for out in job.outs:
            for need, _ in out.unit.takers:
                if need.demand != NO_DEMAND:
                    demand.append(need.demand)
                    serves.append(job.number)
    giver_start, giver = _linked([job.before for job in jobs])
    taker_start, taker = _linked([job.after for job in jobs])
    by_demand = np.argsort(_ints(demand), kind="stable")
    numbers, counts = np.unique(_ints(demand), return_counts=True)
    wanted = [demands[index] for index in numbers.tolist()]
    weight_of = snapshot.settings.weight
    return Stage(
        job=np.repeat(np.arange(len(jobs)), np.diff(_ints(found.first))),
        machine=_ints(found.machine),
        length=_ints(found.length),
        lead=_ints(found.lead),
        first=_ints(found.first),
        post=_ints(post),
        floor=_ints(floor),
        giver_start=giver_start,
        giver=giver,
        taker_start=taker_start,
        taker=taker,
        want_start=starts_of(counts),
        want=_ints(serves)[by_demand],
        due=_ints([max(one.due, as_of) for one in wanted]),
        weight=np.array([weight_of(one.priority) for one in wanted], np.float64),
        priority=_ints([one.priority for one in wanted]),
        units=_ints(units),
    )


class _Tasks:
    """The tasks of orders, one after the other.

    Parameters
    ----------
    machines
        Number of each resource that limits work.

    Attributes
    ----------
    machine, length, lead, first
        As of `Stage`.
    """

    def __init__(self, machines: Mapping[str, int]) -> None:
        self._machines = machines
        self._known: dict[tuple[tuple[str, float], ...], int] = {}
        self.machine, self.length, self.lead = array("q"), array("q"), array("q")
        self.first = array("q", [0])

    def add(self, job: Job) -> int:
        """Add the tasks of an order; gives the time from their end to its goods [s]."""
        timing = job.order.timing
        before = timing.start
        for window in timing.steps:
            self.machine.append(self._where(window.resources))
            self.length.append(window.finish - window.start)
            self.lead.append(max(0, window.start - before))
            before = window.finish
        if not timing.steps:
            begin = timing.ready if job.order.kind == "move" else timing.start
            self.machine.append(-1)
            self.length.append(timing.finish - begin)
            self.lead.append(0)
            before = timing.finish
        self.first.append(len(self.machine))
        return max(0, timing.finish - before)

    def _where(self, resources: tuple[tuple[str, float], ...]) -> int:
        """First machine of some resources; -1: none."""
        if resources not in self._known:
            found = [self._machines.get(name, -1) for name, _ in resources]
            self._known[resources] = next((one for one in found if one >= 0), -1)
        return self._known[resources]


def _machines(snapshot: Snapshot) -> tuple[dict[str, int], list[int]]:
    """Each resource that limits work a number, and the units of each."""
    rows = snapshot["resources"].select("resource", "units", "finite").iter_rows()
    units = {name: max(1, int(count)) for name, count, finite in rows if finite}
    return {name: number for number, name in enumerate(units)}, list(units.values())


def _floor(job: Job, placed: set[int]) -> int:
    """From when on a job may start for all that no other job brings it."""
    floor, own = job.floor, job.order.index
    for take in job.takes:
        for unit in take.units:
            order = unit.order
            if order is None or order.index not in placed or order.index == own:
                floor = max(floor, take.opens, unit.arrives)
    return floor


def _linked(groups: Sequence[Sequence[Job]]) -> tuple[Ints, Ints]:
    """Where each group of jobs starts in a row of all, and their numbers."""
    numbers = array("q", [job.number for group in groups for job in group])
    return starts_of([len(group) for group in groups]), _ints(numbers)


def starts_of(counts: Sequence[int] | Ints) -> Ints:
    """Where groups of so many start, one after the other, and where all end.

    >>> starts_of([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _ints(values: Iterable[int]) -> Ints:
    return np.array(values, dtype=np.int64)
