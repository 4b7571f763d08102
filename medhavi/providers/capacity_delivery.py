"""When the output of a routing is usable, and what that means for its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from medhavi.snapshot.calendars import WorkingTime

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        In which the offset counts: location and step, no resource.
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
        """Give when the output must be there for a need."""
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


def latest_of(values: Iterable[int | None]) -> int | None:
    """Give the latest instant, `None` when one of them never comes."""
    found = list(values)
    known = [value for value in found if value is not None]
    return max(known) if known and len(known) == len(found) else None
