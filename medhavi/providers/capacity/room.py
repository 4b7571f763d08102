"""Where an option of a step may stand: everywhere, or among other work.

`StepPlan` and `NetworkClock` place steps by asking a room; one that never is full is
the default, `finite_room.OccupiedRoom` is the one that knows what else is planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Protocol

from medhavi.providers.capacity.axis import Axis, Work

if TYPE_CHECKING:
    from medhavi.providers.capacity.axis import Span
    from medhavi.providers.capacity.network import StepNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to fill the needs of a step."""

    axis: Axis
    resources: tuple[tuple[str, float], ...]
    setup: Fraction
    cost_per_hour: float

    def cost(self, work: Work, span: Span) -> float:
        """Cost of the resources while they are occupied."""
        return self.cost_per_hour * self.axis.length(work, span) / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A step with the option that was taken for it.

    `segments` are its working stretches where they are not all the open time between
    start and end (hours of bucket resources).
    """

    option: Option
    work: Work
    start: int
    finish: int
    segments: tuple[tuple[int, int], ...] | None = None


Limit = Callable[[Option, Work], "int | None"]
"""Gives a bound on the start (backward) or the end (forward) with an option."""


class Room(Protocol):
    """Where an option of a step may stand; work may grow by a changeover there.

    `hasty` looks for the option that is through first (backward: that begins last),
    whatever the rule of the step prefers (rule 33). `mark`, `hold` and `undo` let the
    steps of one order take room from each other while it is placed.
    """

    hasty: bool

    def earliest(
        self, node: StepNode, option: Option, work: Work, bounds: tuple[int, int]
    ) -> Placed | None:
        """Place as early as possible; bounds on start and end."""
        ...

    def latest(
        self, node: StepNode, option: Option, work: Work, bounds: tuple[int, int]
    ) -> Placed | None:
        """Place as late as possible; bounds on end and start."""
        ...

    def mark(self) -> int:
        """Mark to undo to."""
        ...

    def hold(self, node: StepNode, placed: Placed) -> None:
        """Take the room of a placed step."""
        ...

    def undo(self, mark: int) -> None:
        """Release what was taken since the mark."""
        ...


class Unlimited:
    """Room without end: only calendars and pace decide."""

    hasty = False

    def earliest(
        self,
        node: StepNode,  # noqa: ARG002
        option: Option,
        work: Work,
        bounds: tuple[int, int],
    ) -> Placed | None:
        """Place as early as possible; bounds on start and end."""
        span = option.axis.earliest(work, *bounds)
        if span is None:
            return None
        return Placed(option=option, work=work, start=span[0], finish=span[1])

    def latest(
        self,
        node: StepNode,  # noqa: ARG002
        option: Option,
        work: Work,
        bounds: tuple[int, int],
    ) -> Placed | None:
        """Place as late as possible; bounds on end and start."""
        span = option.axis.latest(work, *bounds)
        if span is None:
            return None
        return Placed(option=option, work=work, start=span[0], finish=span[1])

    def mark(self) -> int:
        """Mark; there is nothing to undo."""
        return 0

    def hold(self, node: StepNode, placed: Placed) -> None:
        """Take nothing."""

    def undo(self, mark: int) -> None:
        """Release nothing."""


UNLIMITED: Final = Unlimited()
