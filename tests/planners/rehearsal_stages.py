"""Stages of a rehearsal for tests: in lists, and as the kernels read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from medhavi.planners.constrained.orders.jobs import Setting, starts_of
from medhavi.planners.kernels.rehearsal_passes import Stage
from medhavi.units import DAY


@dataclass
class PlainStage:
    """A stage in lists: its jobs are added, then who brings something for whom."""

    machine: list[int] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    lead: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    post: list[int] = field(default_factory=list)
    floor: list[int] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    wants: list[list[int]] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    priority: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)

    def add(self, tasks: list[tuple[int, int, int]], floor: int, post: int = 0) -> int:
        """Add a job of tasks (machine, length, lead); gives its number."""
        self.first.append(len(self.machine))
        for machine, length, lead in tasks:
            self.machine.append(machine)
            self.length.append(length)
            self.lead.append(lead)
        self.last.append(len(self.machine) - 1)
        self.floor.append(floor)
        self.post.append(post)
        self.before.append([])
        self.after.append([])
        return len(self.first) - 1

    def link(self, giver: int, taker: int) -> None:
        self.before[taker].append(giver)
        self.after[giver].append(taker)

    def want(self, jobs: list[int], due: int, priority: int = 2) -> None:
        self.wants.append(jobs)
        self.due.append(due)
        self.weight.append(1.5 if priority == 1 else 1.0)
        self.priority.append(priority)

    @property
    def job(self) -> list[int]:
        """Give the job of each task."""
        spans = zip(self.first, self.last, strict=True)
        return [
            job for job, (low, high) in enumerate(spans) for _ in range(low, high + 1)
        ]

    def arrays(self) -> Stage:
        giver_start, giver = flat(self.before)
        taker_start, taker = flat(self.after)
        want_start, want = flat(self.wants)
        return Stage(
            job=ints(self.job),
            machine=ints(self.machine),
            length=ints(self.length),
            lead=ints(self.lead),
            first=ints([*self.first, len(self.machine)]),
            post=ints(self.post),
            floor=ints(self.floor),
            giver_start=giver_start,
            giver=giver,
            taker_start=taker_start,
            taker=taker,
            want_start=want_start,
            want=want,
            due=ints(self.due),
            weight=np.array(self.weight, np.float64),
            priority=ints(self.priority),
            units=ints(self.units),
        )


def ints(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def flat(groups: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    numbers = [one for group in groups for one in group]
    return starts_of([len(group) for group in groups]), ints(numbers)


@st.composite
def stages(draw: Any, *, circles: bool = False) -> PlainStage:
    """Draw jobs of one to three tasks on two machines, in a random order of taking.

    Lengths may be 0; with `circles`, jobs may wait for each other or themselves.
    """
    stage = PlainStage(units=[draw(st.integers(1, 3)), draw(st.integers(1, 2))])
    days = st.integers(0, 5).map(lambda one: one * DAY)
    task = st.tuples(st.integers(-1, 1), days, st.sampled_from([0, DAY]))
    count = draw(st.integers(1, 9))
    for job in range(count):
        tasks = draw(st.lists(task, min_size=1, max_size=3))
        post = draw(st.sampled_from([0, 0, DAY]))
        stage.add(tasks, draw(st.integers(0, 3)) * DAY, post)
        for giver in (
            draw(st.lists(st.integers(0, job - 1), unique=True)) if job else []
        ):
            stage.link(giver, job)
    numbers = st.integers(0, count - 1)
    for giver, taker in draw(st.lists(st.tuples(numbers, numbers), max_size=2)):
        if circles:
            stage.link(giver, taker)
    for jobs in draw(st.lists(st.lists(numbers, min_size=1, max_size=3), max_size=9)):
        stage.want(jobs, draw(st.integers(0, 20)) * DAY, draw(st.integers(1, 3)))
    return stage


SETTINGS = st.builds(
    Setting,
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.5, 1.0]),
    st.sampled_from([None, 0.0, 4.0]),
    st.sampled_from([0.0, 6.0]),
)
