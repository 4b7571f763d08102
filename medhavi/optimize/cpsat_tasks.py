"""Tasks on machines: the records that the sequencing model reads.

No word here knows orders or plants. All times are integers of one unit that the caller
chooses; time begins at 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


class Goal(Enum):
    """What a solution minimises; see `cpsat_goals` for each formula."""

    LATE_JOBS = auto()
    WEIGHTED_TARDINESS = auto()
    MAX_TARDINESS = auto()
    MAKESPAN = auto()
    TRANSITIONS = auto()
    TRANSITION_COST = auto()
    SQUARED_LOAD = auto()
    STARTS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One way to run a task: on a machine, for so long."""

    machine: int
    duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work that occupies one machine.

    Parameters
    ----------
    modes
        Ways to run it; none: it cannot be run.
    release
        Earliest start.
    fixed_start
        The only start; None is free.
    after
        Tasks that end before it starts.
    pauses
        Whether the run goes on after a gap of the machine's windows.
    """

    modes: tuple[Mode, ...]
    release: int = 0
    fixed_start: int | None = None
    after: tuple[int, ...] = ()
    pauses: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Setups:
    """Times, changes and costs between neighbours on one machine.

    Parameters
    ----------
    members
        Tasks with a mode on the machine, ascending.
    times
        int64, shape (n + 1, n): work between the end of a neighbour (row) and the start
        of the next one (column); the last row is for the first task of the machine.
    changes
        int64, shape (n + 1, n): 1 where a neighbour means a change.
    costs
        int64, shape (n + 1, n): price of the change.
    """

    members: tuple[int, ...]
    times: np.ndarray
    changes: np.ndarray
    costs: np.ndarray

    @cached_property
    def place(self) -> Mapping[int, int]:
        """Column of each member."""
        return {task: column for column, task in enumerate(self.members)}

    def between(self, before: int | None, task: int) -> int:
        """Work between two neighbours; None before is the first."""
        row = len(self.members) if before is None else self.place[before]
        return int(self.times[row, self.place[task]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Something that runs tasks, one after another or several at once.

    Parameters
    ----------
    windows
        Open time, sorted and apart; None is always open.
    capacity
        Tasks at once; more than one only without set-ups.
    group
        Machines of one group share their load.
    setups
        None: no work between neighbours.
    """

    group: int
    windows: tuple[tuple[int, int], ...] | None = None
    capacity: int = 1
    setups: Setups | None = None

    @property
    def gaps(self) -> bool:
        """Whether windows close the machine between two openings."""
        return self.windows is not None and len(self.windows) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Tasks whose latest end is the end of something that has a due time."""

    tasks: tuple[int, ...]
    due: int | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProblem:
    """Everything the model needs; `horizon` bounds every end."""

    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    jobs: tuple[Job, ...]
    horizon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialSequence:
    """In which order tasks are placed for a first solution, and on which machines.

    Parameters
    ----------
    starts
        Of each task; the least goes first among those whose predecessors are placed.
    modes
        Places of the modes that each task may take.
    """

    starts: tuple[float, ...]
    modes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A solution: for each task its start, its mode and its end."""

    starts: tuple[int, ...]
    modes: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalResult:
    """What was reached and proven for one goal.

    Parameters
    ----------
    value, bound
        In the units of the goal; equal when proven.
    proven
        Whether no solution with equal values of the goals before it is better.
    """

    goal: Goal
    value: int
    bound: float
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencingResult:
    """Answer of the search.

    Parameters
    ----------
    assignment
        Best solution; None where none was found.
    impossible
        Proven that there is none.
    goals
        One result per goal, in order.
    effort
        Deterministic work done.
    seconds
        Time it took, for a limit that several searches share.
    interrupted
        Stopped from outside.
    timed_out
        Stopped by the clock, so a repetition may differ.
    notes
        What was chosen on the way: which machines used which form of set-ups.
    """

    assignment: Assignment | None
    impossible: bool = False
    goals: tuple[GoalResult, ...] = ()
    effort: float = 0.0
    seconds: float = 0.0
    interrupted: bool = False
    timed_out: bool = False
    notes: Mapping[str, object] = field(default_factory=dict)


Windows = tuple[tuple[int, int], ...] | None


def run_starts(
    windows: Windows, duration: int, first: int, last_end: int
) -> list[tuple[int, int]]:
    """List the intervals of starts at which an unbroken run fits, both ends included.

    >>> run_starts(((0, 10), (20, 26)), 5, 2, 100)
    [(2, 5), (20, 21)]
    """
    spans = ((0, last_end),) if windows is None else windows
    found = []
    for opened, closed in spans:
        low, high = max(opened, first), min(closed, last_end) - duration
        if low <= high:
            found.append((low, high))
    return found


def earliest_fit(windows: Windows, instant: int, length: int) -> int | None:
    """First start from `instant` on of an unbroken stretch.

    >>> earliest_fit(((0, 10), (20, 40)), 8, 5)
    20
    """
    if windows is None or length == 0:
        return instant
    for opened, closed in windows[_from(windows, instant) :]:
        start = max(opened, instant)
        if start + length <= closed:
            return start
    return None


def latest_fit(windows: Windows, instant: int, length: int) -> int | None:
    """Last start of an unbroken stretch that ends by `instant`.

    >>> latest_fit(((0, 10), (20, 40)), 22, 5)
    5
    """
    if windows is None or length == 0:
        return instant - length
    for opened, closed in reversed(windows):
        start = min(closed, instant) - length
        if start >= opened:
            return start
    return None


def paused_end(windows: Windows, start: int, length: int) -> int | None:
    """End of a run that pauses over closed time; None: it never ends.

    >>> paused_end(((0, 10), (20, 40)), 8, 5)
    23
    """
    if windows is None:
        return start + length
    left = length
    for opened, closed in windows[_from(windows, start) :]:
        begin = max(opened, start)
        if begin + left <= closed:
            return begin + left
        left -= closed - begin
    return None


def paused_start(windows: Windows, instant: int) -> int | None:
    """First instant from `instant` on at which the machine is open."""
    return earliest_fit(windows, instant, 1)


def _from(windows: Sequence[tuple[int, int]], instant: int) -> int:
    """Place of the first window that ends after an instant."""
    place = bisect_right(windows, (instant, instant)) - 1
    return place if place >= 0 and windows[place][1] > instant else place + 1
