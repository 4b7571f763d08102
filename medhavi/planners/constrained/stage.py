"""What a rehearsal works on: orders as chains of tasks, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

FAR = 1 << 61
"""An instant that never comes."""


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


@dataclass(slots=True)
class Stage:
    """What is rehearsed; one entry per task, per job (order) or per want.

    Attributes
    ----------
    machine, length, lead
        Per task: machine or -1; duration [s]; time between the end of what comes before
        and this start at least [s].
    first, last
        Per job: its first and last task; its tasks lie between.
    post
        Per job: from the end of its last task to the arrival of its goods [s].
    floor
        Per job: first instant at which it may start [UTC seconds].
    before, after
        Per job: how many jobs bring something for it; which jobs take from it.
    wants
        Per want (a demand and a job that serves it): job.
    due, weight, priority
        Per want.
    units
        Per machine: how many tasks at a time.
    """

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
