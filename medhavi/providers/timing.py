"""When an order runs: the records that the clocks of all sources answer with.

Named tuples, not dataclasses: a plan builds two of them per order, and a frozen
dataclass costs four times as much (1.7 instead of 0.4 µs a pair). Change a copy with
`timing._replace(...)`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class StepWindow(NamedTuple):
    """One step of an order on the UTC axis [s].

    Parameters
    ----------
    step
        Number of the step in its routing.
    queue_start
        Start of the queue before the step; no resource is held.
    start, finish
        Set-up begins; the last unit is through.
    after
        `finish` plus the move time; what comes next may start its own queue.
    setup_seconds, run_seconds
        Working time of the parts; together the length of `segments`.
    segments
        Working stretches `(start, end)`, half-open, in order.
    resources
        `(resource, units)` held during every segment; empty: none.
    family
        Set-up family; `None`: needs no set-up of its own and leaves the state as it is.
    changeover_seconds
        What of `setup_seconds` is the change from another family (rule 16).
    """

    step: int
    queue_start: int
    start: int
    finish: int
    after: int
    setup_seconds: int = 0
    run_seconds: int = 0
    segments: tuple[tuple[int, int], ...] = ()
    resources: tuple[tuple[str, float], ...] = ()
    family: str | None = None
    changeover_seconds: int = 0


class Hold(NamedTuple):
    """What an order keeps of a resource beside the windows of its steps.

    A tool that stays with it between two steps or, with `changeover` > 0 [s], the time
    that work after it needs for a change that it caused. Half-open `[start, finish)`.
    """

    resource: str
    units: float
    start: int
    finish: int
    changeover: int = 0


class Timing(NamedTuple):
    """When an order runs, seen backward from a need or forward from a start.

    Parameters
    ----------
    start
        Make: start of the first queue. Buy: the order date. Move: the departure.
    finish
        Usable in stock, before safety time (rule 18) [s].
    ready
        Moves: when goods must be ready at the origin (departure less cut-off);
        otherwise equal to `start`.
    steps
        Windows of the steps of a make order, by order of working.
    departure
        Moves: when the vehicle leaves.
    holds
        What is held beside the steps.
    """

    start: int
    finish: int
    ready: int
    steps: tuple[StepWindow, ...] = ()
    departure: int | None = None
    holds: tuple[Hold, ...] = ()


class Clock(Protocol):
    """Time of one source: when an order must start, when it would be there.

    `steps` is the order size in quantity steps; for a routing in steps of routing
    units of its main product.
    """

    def latest(self, need: int, steps: int) -> Timing | None:
        """Latest order that is usable, safety time included, by `need`.

        `None`: the source never opens for it.
        """
        ...

    def earliest(self, start: int, steps: int) -> Timing | None:
        """Earliest order that begins nothing before `start`.

        Its `finish` does not include safety time. `None`: never.
        """
        ...
