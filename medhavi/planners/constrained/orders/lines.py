"""Demands with what they get: parts out of units, and why some are not delivered."""

from __future__ import annotations

from dataclasses import dataclass, field

from medhavi.planners.mrp.netting_state.state import Demand, SupplyUnit

NEVER_FITS = "never"
"""Why a line is refused whose goods fit at no time."""
TOO_OLD = "too_old"
"""Why a line is refused whose goods are dead, or too old, when they are delivered."""
RULES = ("full_line", "min_shipment", "all_together", "in_ratio")
"""Why a line is refused though its goods would be there."""


@dataclass(slots=True)
class Part:
    """A part of a demand: quantity [steps] out of a unit, and when it is delivered.

    `match` is its place among the matches of the run, `ready` when its goods are there;
    `outlived` is how much later than wanted it would come, too old by then [s].
    """

    match: int
    unit: SupplyUnit
    qty: int
    ready: int
    date: int
    outlived: int = 0


@dataclass(slots=True)
class Line:
    """A demand with what it gets.

    Attributes
    ----------
    parts
        What is delivered, in order of date.
    refused
        Why parts of it are not delivered: a rule, or most lateness.
    bound_by
        Demand of the same order whose goods set the date.
    """

    demand: Demand
    parts: list[Part] = field(default_factory=list)
    refused: str = ""
    bound_by: str = ""
    dropped: list[Part] = field(default_factory=list)
    """What is not delivered."""
    late_by: int = 0
    """How late the dropped parts would have been [s]."""

    @property
    def planned(self) -> int:
        """Quantity that is delivered [steps]."""
        return sum(part.qty for part in self.parts)

    @property
    def last(self) -> int:
        """Instant of the last delivery; 0 without one."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0].date
        return max((part.date for part in parts), default=0)

    def refuse(self, why: str) -> None:
        """Deliver nothing."""
        self.refused = self.refused or why
        self.dropped += self.parts
        self.parts = []
