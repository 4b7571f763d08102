"""When the output of a routing is usable, and what that means for its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from medhavi.snapshot.calendars.calendars import WorkingTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.providers.timing import StepWindow

    StepTime = tuple[WorkingTime, int | None]
    """Open time of one way to do a step, and how much it takes [s]; None: unknown."""

Anchor = Literal["start", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One line of the main product among the outputs.

    An order is finished when the latest of its lines is there, whichever of them is
    valid then: lines that follow each other in time do not move its dates.

    Parameters
    ----------
    step
        It falls out of this step; `None`: of the last, when all are through.
    offset
        Working time added to that moment [s]; may be negative.
    working
        Location and step: in which the offset counts outside the step, where no
        resource is held.
    """

    step: int | None
    anchor: Anchor
    offset: int
    working: WorkingTime

    @property
    def plain(self) -> bool:
        """Whether the output is there when the last step is."""
        return self.step is None and self.anchor == "end" and not self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Outputs of the main product and the soft days between them and the need."""

    outlets: tuple[Outlet, ...]
    safety_days: float
    location_time: WorkingTime

    def before_safety(self, need: int) -> int | None:
        """When the output must be there for a need."""
        if not self.safety_days:
            return need
        return self.location_time.subtract_days(need, self.safety_days)


def shifted(working: WorkingTime, instant: int, offset: int) -> int | None:
    """Add working time to an instant, or take it away (rule 15).

    No offset leaves the instant where it is, open or not (rule 14).
    """
    if offset >= 0:
        return working.add(instant, offset)
    return working.subtract(instant, -offset)


def moved(
    working: WorkingTime, window: StepWindow | None, instant: int, offset: int
) -> int | None:
    """Add an offset to an instant of a step, or take it away (decision 015).

    What of it lies within the step counts while the step works; what lies before or
    behind counts in the open time of place and step, because no resource is held.

    Parameters
    ----------
    working
        Open time of place and step.
    window
        The step; `None`: there is none.
    instant
        Its start, its finish, or when it has moved on [s].
    offset
        [s]; may be negative.
    """
    if window is None or not window.segments:
        return shifted(working, instant, offset)
    segments = window.segments
    if offset > 0 and instant < window.finish:
        for start, finish in segments:
            if finish - start >= offset:
                return start + offset
            offset -= finish - start
        return working.add(window.finish, offset)
    if offset < 0 and instant > window.start:
        behind = working.between(window.finish, instant)
        if behind < -offset:
            offset += behind
            for start, finish in reversed(segments):
                if finish - start >= -offset:
                    return finish + offset
                offset += finish - start
            return working.subtract(window.start, -offset)
    return shifted(working, instant, offset)


def _by(working: WorkingTime, by: int, offset: int) -> int | None:
    """Latest instant that is there, an offset added, by another one."""
    found = shifted(working, by, -offset)
    if offset < 0 and found is not None:
        there = working.subtract(found, -offset)
        if there is not None and there > by:
            # Closed: going back from there ends where the place opens again.
            found = working.add(by, -offset - 1)
    return found


def last_end(
    outlet: Outlet, by: int, move: int, ways: Sequence[StepTime]
) -> int | None:
    """Latest end of a step, its move over, whose output is there by then.

    Parameters
    ----------
    by
        When the output must be there [s].
    move
        Move time of the step [s].
    ways
        Ways to do the step; whichever is taken keeps the bound.
    """
    bound = _by(outlet.working, by, outlet.offset)
    if outlet.offset >= 0 or bound is None:
        return bound
    # Hours of the step are among those of the place: never later than the bound.
    back = -outlet.offset - move
    found = []
    for working, length in ways:
        inside = min(back, length or 0)
        begin = _by(outlet.working, by, inside - back) if inside > 0 else None
        end = None if begin is None else _by(working, begin, -inside)
        found.append(bound if end is None else max(bound, end + move))
    return min(found, default=bound)


def last_start(outlet: Outlet, by: int, ways: Sequence[StepTime]) -> int | None:
    """Latest start of a step whose output is there by an instant.

    Of what falls out before the start, or so long after it; see `last_end`.
    """
    bound = _by(outlet.working, by, outlet.offset)
    if outlet.offset <= 0 or bound is None:
        return bound
    found: list[int | None] = []
    for working, length in ways:
        inside = outlet.offset if length is None else min(outlet.offset, length)
        end = shifted(outlet.working, by, inside - outlet.offset)
        found.append(None if end is None else working.subtract(end, inside))
    known = [one for one in found if one is not None]
    return min(known) if len(known) == len(found) and known else None


def latest_of(values: Iterable[int | None]) -> int | None:
    """Latest instant, `None` when one of them never comes."""
    found = list(values)
    known = [value for value in found if value is not None]
    return max(known) if known and len(known) == len(found) else None
