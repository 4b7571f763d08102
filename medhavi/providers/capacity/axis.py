"""One operation on the axis of its working time: set-up, then run; where it may stand.

A run of so many seconds at pace 1 takes run / pace; set-up takes its time at any pace
(rule 16). Where the pace never changes the length is known beforehand and is rounded up
to a second once; where it changes by date the run is followed through its pieces.

`StepPlan` and `NetworkClock` place steps by asking a room; one that never is full is
the default, `free_slots.FreeSlots` is the one that knows what else is planned.

A change takes time only where the resource has a matrix and the step a family; the
same family needs none, and nor does a pair that no row names. Of several rows the one
with fewer `*` counts, then the first.

A cleaning is a planned one (a row of `cleaning_windows` that is long enough), or idle
time of its length inside the calendar in which cleaning is allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from medhavi.providers.capacity.network import minutes
from medhavi.snapshot.calendars.calendars import EARLIEST, LATEST
from medhavi.units import DAY, ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.providers.capacity.network import StepNode
    from medhavi.providers.table_rows import TableRows
    from medhavi.snapshot.calendars.calendars import Calendars, WorkingTime

    Pace = tuple[int, int, Fraction]
    """Half-open `[start, finish)` and the pace in it; pieces cover all time."""
    Span = tuple[int, int]


ONE: Final = Fraction(1)
_STEP: Final = 40 * DAY
_SEARCH: Final = 3653 * DAY
"""How far an unbroken run of changing pace is looked for."""


@dataclass(frozen=True, slots=True)
class WorkContent:
    """What an operation has to do: set-up and run at pace 1 [s], exact."""

    setup: Fraction
    run: Fraction


class Axis:
    """Where and how fast an operation can go on.

    Parameters
    ----------
    working
        Time at which everything that it needs is open.
    paces
        Pace by time, > 0 wherever `working` is open.
    splittable
        Whether it may pause over closed time.
    """

    __slots__ = ("paces", "splittable", "steady", "working")

    def __init__(
        self, working: WorkingTime, paces: tuple[Pace, ...], *, splittable: bool
    ) -> None:
        self.working = working
        self.paces = paces
        self.splittable = splittable
        self.steady: Fraction | None = paces[0][2] if len(paces) == 1 else None
        """The pace, where it never changes."""

    def earliest(
        self, work: WorkContent, start_from: int, finish_from: int
    ) -> Span | None:
        """Place work as early as possible, not starting or ending before the bounds."""
        working = self.working
        if not work.setup and not work.run:
            start = working.next_moment(max(start_from, finish_from))
            return None if start is None else (start, start)
        if self.steady is None:
            return self._earliest_by_pieces(work, start_from, finish_from)
        length = self._length(work)
        if not self.splittable:
            start = working.first_fit(max(start_from, finish_from - length), length)
            return None if start is None else (start, start + length)
        start = working.next_open(start_from)
        finish = None if start is None else working.add(start, length)
        if finish is not None and finish < finish_from:
            finish = self._ending_from(finish_from)
            start = None if finish is None else working.subtract(finish, length)
        return None if start is None or finish is None else (start, finish)

    def latest(self, work: WorkContent, finish_by: int, start_by: int) -> Span | None:
        """Place work as late as possible, not ending or starting after the bounds."""
        working = self.working
        if not work.setup and not work.run:
            start = working.previous_moment(min(finish_by, start_by))
            return None if start is None else (start, start)
        if self.steady is None:
            return self._latest_by_pieces(work, finish_by, start_by)
        length = self._length(work)
        if not self.splittable:
            start = working.last_fit(min(finish_by, start_by + length), length)
            return None if start is None else (start, start + length)
        start = working.subtract(finish_by, length)
        if start is not None and start > start_by:
            start = self._starting_by(start_by)
        finish = None if start is None else working.add(start, length)
        return None if start is None or finish is None else (start, finish)

    def after(self, start: int, work: WorkContent) -> int | None:
        """End of a part of the work that begins at an instant."""
        if self.steady is None:
            return self._run_forward(start, work)
        return self.working.add(start, self._length(work))

    def before(self, finish: int, work: WorkContent) -> int | None:
        """Latest start of a part of the work that ends by an instant."""
        if self.steady is None:
            return self._run_backward(finish, work)
        return self.working.subtract(finish, self._length(work))

    def length(self, work: WorkContent, span: Span) -> int:
        """Count the working seconds of a placed operation."""
        return (
            self.working.between(*span) if self.steady is None else self._length(work)
        )

    def _length(self, work: WorkContent) -> int:
        # Numerators and denominators: sums of fractions look for divisors each time.
        setup, run, pace = work.setup, work.run, self.steady or ONE
        below = run.denominator * pace.numerator
        above = setup.numerator * below
        above += run.numerator * pace.denominator * setup.denominator
        return -(-above // (setup.denominator * below))

    def _starting_by(self, bound: int) -> int | None:
        """Last second up to `bound` in which work can begin."""
        end = self.working.previous_open(bound + 1)
        return None if end is None else min(end - 1, bound)

    def _ending_from(self, bound: int) -> int | None:
        """First instant from `bound` on at which work can end."""
        start = self.working.next_open(bound - 1)
        return None if start is None else max(start + 1, bound)

    # ------------------------------------------------------------- changing pace
    def _earliest_by_pieces(
        self, work: WorkContent, start_from: int, finish_from: int
    ) -> Span | None:
        start = self.working.next_open(start_from)
        while start is not None and start < start_from + _SEARCH:
            finish = self._run_forward(start, work)
            if finish is None:
                return None
            if finish < finish_from:
                ending = self._ending_from(finish_from)
                begin = None if ending is None else self._run_backward(ending, work)
                if ending is None or begin is None:
                    return None
                start, finish = max(begin, start), ending
            if self.splittable or self.working.between(start, finish) == finish - start:
                return start, finish
            # The next window is the one that begins after the next pause.
            start = self.working.next_open(self._end_of_window(start))
        return None

    def _latest_by_pieces(
        self, work: WorkContent, finish_by: int, start_by: int
    ) -> Span | None:
        finish = self.working.previous_open(finish_by)
        while finish is not None and finish > finish_by - _SEARCH:
            start = self._run_backward(finish, work)
            if start is not None and start > start_by:
                start = self._starting_by(start_by)
            if start is None:
                return None
            end = self._run_forward(start, work)
            if end is None:
                return None
            if self.splittable or self.working.between(start, end) == end - start:
                return start, end
            finish = self.working.previous_open(self._start_of_window(end))
        return None

    def _end_of_window(self, instant: int) -> int:
        step = _STEP
        while True:
            (_, end), *_ = self.working.segments(instant, instant + step)
            if end < instant + step:
                return end
            step *= 2

    def _start_of_window(self, instant: int) -> int:
        step = _STEP
        while True:
            *_, (start, _) = self.working.segments(instant - step, instant)
            if start > instant - step:
                return start
            step *= 2

    def _run_forward(self, start: int, work: WorkContent) -> int | None:
        setup, run = work.setup, work.run
        if not setup + run:
            return start
        for begin, end, pace in self._pieces_from(start):
            taken = min(setup, Fraction(end - begin))
            setup -= taken
            room = end - begin - taken
            if setup:
                continue
            if run <= room * pace:
                return ceil_fraction(begin + taken + run / pace)
            run -= room * pace
        return None

    def _run_backward(self, finish: int, work: WorkContent) -> int | None:
        setup, run = work.setup, work.run
        if not setup + run:
            return finish
        for begin, end, pace in self._pieces_to(finish):
            room = Fraction(end - begin)
            taken = min(run / pace, room)
            run -= taken * pace
            if run:
                continue
            if setup <= room - taken:
                # Down to the second: the work must fit.
                return int((end - taken - setup) // 1)
            setup -= room - taken
        return None

    def _pieces_from(self, start: int) -> Iterator[Pace]:
        step = _STEP
        while start < LATEST:
            for begin, end in self.working.segments(start, start + step):
                for lower, upper, pace in self.paces:
                    if lower < end and upper > begin:
                        yield max(begin, lower), min(end, upper), pace
            start += step
            step *= 2

    def _pieces_to(self, finish: int) -> Iterator[Pace]:
        step = _STEP
        while finish > EARLIEST:
            for begin, end in reversed(self.working.segments(finish - step, finish)):
                for lower, upper, pace in reversed(self.paces):
                    if lower < end and upper > begin:
                        yield max(begin, lower), min(end, upper), pace
            finish -= step
            step *= 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOption:
    """One way to fill the needs of a step.

    `preference` is that of each need, the least first: options of equal ones are alike.
    """

    axis: Axis
    resources: tuple[tuple[str, float], ...]
    setup: Fraction
    cost_per_hour: float
    preference: tuple[tuple[int, int], ...] = ()

    def cost(self, work: WorkContent, span: Span) -> float:
        """Cost of the resources while they are occupied."""
        return self.cost_per_hour * self.axis.length(work, span) / 3600


def added_up(resources: Iterable[tuple[str, float]]) -> Iterable[tuple[str, float]]:
    """Resources with all units that are taken of each, in the sequence of the first."""
    units: dict[str, float] = {}
    for resource, more in resources:
        units[resource] = units.get(resource, 0.0) + more
    return units.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAssignment:
    """A step with the option that was taken for it.

    `segments` are its working stretches where they are not all the open time between
    start and end (hours of bucket resources).
    """

    option: ResourceOption
    work: WorkContent
    start: int
    finish: int
    segments: tuple[tuple[int, int], ...] | None = None


Limit = Callable[[ResourceOption, WorkContent], "int | None"]
"""Gives a bound on the start (backward) or the end (forward) with an option."""


class StepSlots(Protocol):
    """Where an option of a step may stand; work may grow by a changeover there.

    `hasty` looks for the option that is through first (backward: that begins last),
    whatever the rule of the step prefers (rule 33). `mark`, `hold` and `undo` let the
    steps of one order take room from each other while it is placed.
    """

    hasty: bool

    def earliest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as early as possible; bounds on start and end."""
        ...

    def latest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as late as possible; bounds on end and start."""
        ...

    def mark(self) -> int:
        """Mark to undo to."""
        ...

    def hold(self, node: StepNode, placed: StepAssignment) -> None:
        """Take the room of a placed step."""
        ...

    def undo(self, mark: int) -> None:
        """Release what was taken since the mark."""
        ...


class UnlimitedSlots:
    """Room without end: only calendars and pace decide."""

    hasty = False

    def earliest(
        self,
        node: StepNode,  # noqa: ARG002
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as early as possible; bounds on start and end."""
        span = option.axis.earliest(work, *bounds)
        if span is None:
            return None
        return StepAssignment(option=option, work=work, start=span[0], finish=span[1])

    def latest(
        self,
        node: StepNode,  # noqa: ARG002
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as late as possible; bounds on end and start."""
        span = option.axis.latest(work, *bounds)
        if span is None:
            return None
        return StepAssignment(option=option, work=work, start=span[0], finish=span[1])

    def mark(self) -> int:
        """Mark; there is nothing to undo."""
        return 0

    def hold(self, node: StepNode, placed: StepAssignment) -> None:
        """Take nothing."""

    def undo(self, mark: int) -> None:
        """Release nothing."""


UNLIMITED: Final = UnlimitedSlots()


ANY = "*"


class Changeovers:
    """Changes of all matrices.

    Parameters
    ----------
    rows
        Table `changeovers`.
    states
        Family for which a resource is set up at as_of; without one its first set-up
        is free.
    """

    __slots__ = ("_known", "_priced", "_seconds", "states")

    def __init__(self, rows: TableRows, states: Mapping[str, str]) -> None:
        self.states = states
        self._seconds: dict[tuple[str, str, str], int] = {}
        self._priced: dict[tuple[str, str, str], tuple[float, bool]] = {}
        self._known: dict[tuple[str, str, str], int] = {}
        for row in rows:
            key = (row["matrix"], row["from_family"], row["to_family"])
            self._seconds.setdefault(key, ceil_fraction(minutes(row["setup_minutes"])))
            self._priced.setdefault(key, (row["cost"], row["cleaning"]))

    def seconds(self, matrix: str, before: str | None, family: str) -> int:
        """Time of a change [s]; nothing before: it is free."""
        if before is None or before == family:
            return 0
        asked = matrix, before, family
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._stated(*asked)
        return found

    def _stated(self, matrix: str, before: str, family: str) -> int:
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._seconds.get((matrix, *pair))
            if found is not None:
                return found
        return 0

    def usual(self, matrix: str, family: str) -> int:
        """Mean time of a change to a family from those that rows name [s]."""
        named = sorted({one for own, one, _ in self._seconds if own == matrix} - {ANY})
        found = [self.seconds(matrix, one, family) for one in named or [ANY]]
        return sum(found) // len(found)

    def cost(self, matrix: str, before: str | None, family: str) -> float:
        """Money of a change besides its time [base currency]."""
        return self._row(matrix, before, family)[0]

    def between(self, matrix: str, families: Sequence[str | None]) -> np.ndarray:
        """Time [s] of each change between families, and whether it cleans.

        Shape (2, n_families, n_families), int64: before, after; no family needs none.
        """
        found = np.zeros((2, len(families), len(families)), np.int64)
        for row, before in enumerate(families):
            for column, after in enumerate(families):
                if after is not None:
                    asked = matrix, before, after
                    found[:, row, column] = self.seconds(*asked), self.cleans(*asked)
        return found

    def cleans(self, matrix: str, before: str | None, family: str) -> bool:
        """Whether a change counts as a cleaning."""
        return self._row(matrix, before, family)[1]

    def _row(self, matrix: str, before: str | None, family: str) -> tuple[float, bool]:
        if before is None or before == family:
            return 0.0, False
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._priced.get((matrix, *pair))
            if found is not None:
                return found
        return 0.0, False


class Cleaning(NamedTuple):
    """A cleaning that is asked for.

    Parameters
    ----------
    seconds
        How long it takes, without a pause.
    calendar
        When it may be done; `None`: at any time.
    """

    resource: str
    seconds: int
    calendar: str | None = None


class Cleanings:
    """Cleanings of all resources.

    Parameters
    ----------
    rows
        Table `cleaning_windows`.
    calendars
        Working time by calendar.
    """

    __slots__ = ("_calendars", "_planned")

    def __init__(self, rows: TableRows, calendars: Calendars) -> None:
        self._calendars = calendars
        self._planned: dict[str, list[tuple[int, int]]] = {}
        for row in rows:
            span = row["valid_from"], row["valid_to"]
            self._planned.setdefault(row["resource"], []).append(span)
        for spans in self._planned.values():
            spans.sort()

    def done(self, asked: Cleaning, start: int) -> int | None:
        """When a cleaning is over that begins at an instant or later [s].

        `None`: its calendar never opens for so long.
        """
        seconds = asked.seconds
        if not seconds:
            return start
        working = self._calendars.working_time(asked.calendar)
        begin = working.first_fit(start, seconds)
        found = [] if begin is None else [begin + seconds]
        spans = self._planned.get(asked.resource, [])
        for first, finish in spans[bisect_left(spans, (start,)) :]:
            if finish - first >= seconds:
                found.append(finish)
                break
        return min(found, default=None)

    def begun(self, asked: Cleaning, finish: int) -> int | None:
        """Latest instant at which a cleaning begins that is over by then."""
        seconds = asked.seconds
        if not seconds:
            return finish
        working = self._calendars.working_time(asked.calendar)
        begin = working.last_fit(finish, seconds)
        found = [] if begin is None else [begin]
        found += [
            first
            for first, last in self._planned.get(asked.resource, [])
            if last <= finish and last - first >= seconds
        ]
        return max(found, default=None)

    def fits(self, asked: Cleaning, start: int, finish: int) -> bool:
        """Whether a gap holds a cleaning."""
        over = self.done(asked, start)
        return over is not None and over <= finish
