"""Shorter makespans by moving critical tasks: tabu search over sequences and machines.

The longest path of a solution is made of critical tasks; only moving one of them can
shorten it. Each step takes a critical task out and puts it where the path through it is
estimated shortest, on any of its machines (Mastrolilli and Gambardella, Effective
neighbourhood functions for the flexible job shop problem, Journal of Scheduling 3,
2000). Heuristic; no windows, fixed or pausing tasks. Work is counted in looks at tasks,
so a run repeats.

A solution is a mode for each task and a sequence for each machine. The head of a task
is its start, the longest path to it; its tail the longest path from its end to the last
end of all. Set-ups between neighbours are parts of paths. No windows, no fixed tasks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.optimize.cpsat import goal_value, sequences
from medhavi.optimize.cpsat_tasks import Assignment, Goal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.cpsat_tasks import TaskProblem


State = tuple[list[int], list[list[int]]]
"""Mode of each task, and the sequence of each machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongestPaths:
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


class MachineSequences:
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
        """Consumption a task out and put it at a place of the machine of a mode."""
        self.lines[self.machine[task][self.modes[task]]].remove(task)
        self.modes[task] = mode
        self.lines[self.machine[task][mode]].insert(place, task)

    def assignment(self, timing: LongestPaths) -> Assignment:
        """Solution with its starts."""
        return Assignment(
            starts=tuple(timing.heads),
            modes=tuple(self.modes),
            ends=tuple(head + self.run(task) for task, head in enumerate(timing.heads)),
        )

    def timing(self) -> LongestPaths | None:
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
        return LongestPaths(
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


PATIENCE = 800
"""Steps without a better solution after which the search goes back to the best."""
TENURE = 12
"""Steps, and as many more at most by chance, in which a task may not return."""
SHAKES = 5
"""Random moves after going back, so that the search leaves in another direction."""


class Move(NamedTuple):
    """Task, its mode, and the place in the sequence of that mode's machine."""

    length: int
    tie: float
    task: int
    mode: int
    place: int


class TaskWindow(NamedTuple):
    """What a task's own predecessors and followers leave it.

    begin: longest path to it. latest: latest head before it. rest: longest path from
    its end. first: earliest end behind it.
    """

    begin: int
    latest: int
    rest: int
    first: int


@dataclass(frozen=True, slots=True)
class SearchLimit:
    """How much to look at: looks at tasks, the seed, and who may stop it earlier."""

    most: int
    seed: int = 1
    stop: Callable[[], bool] = bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """The best solution, and whether the search was stopped from outside."""

    assignment: Assignment
    stopped: bool


def can_improve(problem: TaskProblem, goals: Sequence[Goal]) -> bool:
    """Whether the search knows all rules of a problem and serves a goal of it."""
    open_always = all(
        machine.windows is None and machine.capacity == 1
        for machine in problem.machines
    )
    free = all(task.fixed_start is None and task.modes for task in problem.tasks)
    return Goal.MAKESPAN in goals and open_always and free


def improved(
    problem: TaskProblem, goals: Sequence[Goal], known: Assignment, looks: SearchLimit
) -> Improvement:
    """Best solution by the goals in their order.

    Ctrl-C ends it like `looks.stop`, with what is best so far.

    Raises
    ------
    ValueError
        The problem has rules that the search does not know.
    """
    if not can_improve(problem, goals):
        message = "tabu search knows neither windows nor fixed tasks."
        raise ValueError(message)
    return _Tabu(problem, goals, known, looks).run()


class _Tabu:
    def __init__(
        self,
        problem: TaskProblem,
        goals: Sequence[Goal],
        known: Assignment,
        looks: SearchLimit,
    ) -> None:
        self.problem = problem
        self.goals = tuple(goals)
        self.allowed = looks
        self.random = random.Random(looks.seed)
        self.shop = MachineSequences(problem, known)
        self.best = known
        self.rank = self._rank(known)
        self.least = max(known.ends, default=0)
        self.kept = self.shop.state()

    def run(self) -> Improvement:
        """Search until the looks are spent, or until somebody stops it."""
        timing = self.shop.timing()
        if timing is None:
            message = "the first solution has a circle."
            raise ValueError(message)
        # What is known may not begin as early as its sequences permit.
        self._better(timing)
        try:
            stopped = self._loop(timing)
        except KeyboardInterrupt:
            stopped = True
        return Improvement(assignment=self.best, stopped=stopped)

    def _loop(self, timing: LongestPaths) -> bool:
        """Move, remember, go back; tell whether it was stopped."""
        forbidden: dict[tuple[int, int, int], int] = {}
        step = since = 0
        while self.shop.looks < self.allowed.most:
            if self.allowed.stop():
                return True
            step, since = step + 1, since + 1
            chosen = self._choose(timing, forbidden, step)
            if chosen is None:
                break
            until = step + TENURE + self.random.randrange(TENURE)
            # Noted where it stands, before it moves.
            forbidden[self._trait(chosen.task)] = until
            timing = self._moved(chosen) or timing
            if self._better(timing):
                since = 0
            if since > PATIENCE:
                self.shop.restore(self.kept)
                timing = self._shaken(self.shop.timing() or timing)
                forbidden.clear()
                since = 0
        return False

    def _better(self, timing: LongestPaths) -> bool:
        """Keep a solution that is better by the goals; tell whether it was."""
        if timing.makespan > self.least:
            return False
        found = self.shop.assignment(timing)
        rank = self._rank(found)
        if rank >= self.rank:
            return False
        self.best, self.rank, self.least = found, rank, timing.makespan
        self.kept = self.shop.state()
        return True

    def _rank(self, known: Assignment) -> tuple[int, ...]:
        return tuple(goal_value(self.problem, goal, known) for goal in self.goals)

    def _moved(self, move: Move) -> LongestPaths | None:
        """Make a move; one that closes a circle is taken back."""
        before = self.shop.state()
        self.shop.shift(move.task, move.mode, move.place)
        timing = self.shop.timing()
        if timing is None:
            self.shop.restore(before)
        return timing

    def _shaken(self, timing: LongestPaths) -> LongestPaths:
        """Make some random moves of critical tasks, whatever they cost."""
        for _ in range(SHAKES):
            moves = list(self._moves(timing))
            if not moves:
                break
            timing = self._moved(self.random.choice(moves)) or timing
        return timing

    # -------------------------------------------------------------------- moves
    def _choose(
        self,
        timing: LongestPaths,
        forbidden: dict[tuple[int, int, int], int],
        step: int,
    ) -> Move | None:
        """Shortest move that is not forbidden, or shorter than all so far."""
        moves = list(self._moves(timing))
        best: Move | None = None
        for move in moves:
            if best is not None and move >= best:
                continue
            line = self.shop.lines[self.shop.machine[move.task][move.mode]]
            others = [task for task in line if task != move.task]
            before = others[move.place - 1] if move.place else -1
            until = forbidden.get((move.task, move.mode, before), 0)
            if until < step or move.length < self.least:
                best = move
        # All are forbidden: any one, to get on.
        if best is None and moves:
            return self.random.choice(moves)
        return best

    def _trait(self, task: int) -> tuple[int, int, int]:
        """What must not come back at once: the task behind this neighbour."""
        mode = self.shop.modes[task]
        line = self.shop.lines[self.shop.machine[task][mode]]
        place = line.index(task)
        return task, mode, line[place - 1] if place else -1

    def _moves(self, timing: LongestPaths) -> Iterator[Move]:
        """List every move of the tasks of a critical path, with its estimated path."""
        for task in self._critical_path(timing):
            room = self._room(task, timing)
            for mode in range(len(self.shop.length[task])):
                yield from self._places(task, mode, room, timing)

    def _critical_path(self, timing: LongestPaths) -> list[int]:
        """One longest path, drawn among equals; with set-ups, all of them."""
        heads, tails, shop = timing.heads, timing.tails, self.shop
        by_end: dict[int, list[int]] = {}
        for task, head in enumerate(heads):
            end = head + shop.run(task)
            if end + tails[task] == timing.makespan:
                by_end.setdefault(end, []).append(task)
        # Set-ups part the ends from the next heads: no path can be followed by them.
        if any(shop.has_setups):
            return sorted(task for tasks in by_end.values() for task in tasks)
        path: list[int] = []
        moment = timing.makespan
        # Back from the last end; each head is the end of one before, up to a release.
        while moment in by_end:
            task = self.random.choice(by_end[moment])
            path.append(task)
            moment = heads[task]
        return path

    def _room(self, task: int, timing: LongestPaths) -> TaskWindow:
        heads, tails, shop = timing.heads, timing.tails, self.shop
        before = [(heads[t], heads[t] + shop.run(t)) for t in shop.after[task]]
        behind = [
            (heads[t] + shop.run(t), tails[t] + shop.run(t))
            for t in shop.followers[task]
        ]
        return TaskWindow(
            begin=max([shop.release[task], *(end for _, end in before)]),
            latest=max((head for head, _ in before), default=-1),
            rest=max((path for _, path in behind), default=0),
            first=min((end for end, _ in behind), default=timing.makespan + 1),
        )

    def _places(
        self, task: int, mode: int, room: TaskWindow, timing: LongestPaths
    ) -> Iterator[Move]:
        """List the places on one machine that close no circle."""
        heads, tails, shop = timing.heads, timing.tails, self.shop
        machine, run = shop.machine[task][mode], shop.length[task][mode]
        others = shop.lines[machine]
        shop.looks += len(others)
        where = -1
        if mode == shop.modes[task]:
            where = others.index(task)
            others = others[:where] + others[where + 1 :]
        setups = shop.has_setups[machine]
        for place in range(len(others) + 1):
            one = others[place - 1] if place else -1
            other = others[place] if place < len(others) else -1
            if one >= 0 and heads[one] >= room.first:
                # A path from a follower of the task to `one` would close a circle.
                break
            if place == where:
                continue
            free, path = 0, 0
            if one >= 0:
                free = heads[one] + shop.run(one)
            if other >= 0:
                path = shop.run(other)
                if heads[other] + path <= room.latest:
                    # A path from `other` to a predecessor would close a circle.
                    continue
                path += tails[other]
            if setups:
                free += shop.setup(machine, one, task)
                path += shop.setup(machine, task, other) if other >= 0 else 0
            length = max(room.begin, free) + run + max(room.rest, path)
            yield Move(length, self.random.random(), task, mode, place)
