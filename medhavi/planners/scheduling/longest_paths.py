"""Longest paths of fixed sequences: when each task starts and what follows it.

A solution is a mode for each task and a sequence for each machine. The head of a task
is its start, the longest path to it; its tail the longest path from its end to the last
end of all. Set-ups between neighbours are parts of paths. No windows, no fixed tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from medhavi.optimize.cpsat_goals import sequences
from medhavi.optimize.cpsat_tasks import Assignment

if TYPE_CHECKING:
    from medhavi.optimize.cpsat_tasks import TaskProblem

State = tuple[list[int], list[list[int]]]
"""Mode of each task, and the sequence of each machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Longest paths of one solution.

    Parameters
    ----------
    heads
        Start of each task.
    tails
        Longest path from the end of each task to the last end.
    makespan
        Longest path of all.
    """

    heads: list[int]
    tails: list[int]
    makespan: int


class Lines:
    """Modes and sequences that can be changed, and their longest paths.

    Plain lists: a few hundred tasks are walked faster than arrays are called.

    Attributes
    ----------
    modes, lines
        Mode of each task, sequence of each machine.
    looks
        Tasks looked at so far.
    """

    def __init__(self, problem: TaskProblem, known: Assignment) -> None:
        tasks = problem.tasks
        self.after = [list(row.after) for row in tasks]
        self.followers: list[list[int]] = [[] for _ in tasks]
        for task, row in enumerate(tasks):
            for before in row.after:
                self.followers[before].append(task)
        self.release = [row.release for row in tasks]
        self.machine = [[m.machine for m in row.modes] for row in tasks]
        self.length = [[m.duration for m in row.modes] for row in tasks]
        self._times = [
            None if row.setups is None else row.setups.times.tolist()
            for row in problem.machines
        ]
        self._place = [
            {} if row.setups is None else dict(row.setups.place)
            for row in problem.machines
        ]
        self.has_setups = [times is not None for times in self._times]
        self.modes = list(known.modes)
        self.lines = sequences(problem, known)
        self.looks = 0

    def setup(self, machine: int, before: int, task: int) -> int:
        """Set-up between neighbours; before -1 is the first."""
        times = self._times[machine]
        if times is None:
            return 0
        place = self._place[machine]
        return int(times[place[before] if before >= 0 else -1][place[task]])

    def run(self, task: int) -> int:
        """Length of a task in its mode."""
        return self.length[task][self.modes[task]]

    def state(self) -> State:
        """Copy of modes and sequences."""
        return list(self.modes), [list(line) for line in self.lines]

    def restore(self, state: State) -> None:
        """Go back to a copy."""
        self.modes = list(state[0])
        self.lines = [list(line) for line in state[1]]

    def shift(self, task: int, mode: int, place: int) -> None:
        """Take a task out and put it at a place of the machine of a mode."""
        self.lines[self.machine[task][self.modes[task]]].remove(task)
        self.modes[task] = mode
        self.lines[self.machine[task][mode]].insert(place, task)

    def assignment(self, timing: Timing) -> Assignment:
        """Solution with its starts."""
        return Assignment(
            starts=tuple(timing.heads),
            modes=tuple(self.modes),
            ends=tuple(head + self.run(task) for task, head in enumerate(timing.heads)),
        )

    def timing(self) -> Timing | None:
        """Compute heads and tails; None where the sequences form a circle."""
        size = len(self.modes)
        self.looks += 2 * size
        previous, following = [-1] * size, [-1] * size
        for line in self.lines:
            for one, other in pairwise(line):
                previous[other], following[one] = one, other
        heads, order = self._heads(previous, following)
        if len(order) < size:
            return None
        ends = [head + self.run(task) for task, head in enumerate(heads)]
        return Timing(
            heads=heads,
            tails=self._tails(order, following),
            makespan=max(ends, default=0),
        )

    def _heads(
        self, previous: list[int], following: list[int]
    ) -> tuple[list[int], list[int]]:
        """Heads, and an order in which each task follows what it waits for."""
        size = len(self.modes)
        after, followers, modes, lengths = (
            self.after,
            self.followers,
            self.modes,
            self.length,
        )
        waits = [len(after[t]) + (previous[t] >= 0) for t in range(size)]
        ready = [t for t in range(size) if not waits[t]]
        heads, ends = [0] * size, [0] * size
        order: list[int] = []
        while ready:
            task = ready.pop()
            order.append(task)
            begin = self.release[task]
            for before in after[task]:
                begin = max(begin, ends[before])
            before = previous[task]
            machine = self.machine[task][modes[task]]
            free = ends[before] if before >= 0 else 0
            if self.has_setups[machine]:
                free += self.setup(machine, before, task)
            heads[task] = begin = max(begin, free)
            ends[task] = begin + lengths[task][modes[task]]
            for later in (*followers[task], following[task]):
                if later >= 0:
                    waits[later] -= 1
                    if not waits[later]:
                        ready.append(later)
        return heads, order

    def _tails(self, order: list[int], following: list[int]) -> list[int]:
        tails = [0] * len(order)
        modes, lengths = self.modes, self.length
        for task in reversed(order):
            longest = 0
            for after in self.followers[task]:
                longest = max(longest, tails[after] + lengths[after][modes[after]])
            after = following[task]
            if after >= 0:
                path = tails[after] + lengths[after][modes[after]]
                machine = self.machine[after][modes[after]]
                if self.has_setups[machine]:
                    path += self.setup(machine, task, after)
                longest = max(longest, path)
            tails[task] = longest
        return tails
