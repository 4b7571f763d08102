"""One plant with the routing R of product A, built by keyword for capacity tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medhavi.providers.capacity.capacity import Capacity
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN, Calendars
from medhavi.units import from_seconds, to_seconds
from tests import factories

if TYPE_CHECKING:
    from medhavi.providers.sources import Clock
    from medhavi.snapshot.calendars.calendars import WorkingTime
    from tests.api import OrderTiming, StepWindow

Row = Mapping[str, object]
Tables = dict[str, Sequence[Row]]


def when(text: str) -> dt.datetime:
    """An instant in UTC; 'Monday' is 2026-01-05."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def at(text: str) -> int:
    return to_seconds(when(text))


def iso(seconds: int | None) -> str | None:
    return None if seconds is None else from_seconds(seconds).isoformat()[:16]


def shifts(
    calendar: str, start: str = "06:00", finish: str = "14:00", days: str = "12345"
) -> list[Row]:
    """The same shift on several weekdays."""
    return [
        {
            "calendar": calendar,
            "weekday": int(day),
            "start": dt.time.fromisoformat(start),
            "finish": dt.time.fromisoformat(finish),
        }
        for day in days
    ]


def plant(**tables: Sequence[Row]) -> Capacity:
    """Capacity of a snapshot with routing R of product A at location L.

    Resources that steps name and that are no pool are added.
    """
    tables.setdefault("routings", [{}])
    stated = tables.get("resources", [])
    have = {row.get(key) for row in stated for key in ("resource", "pool")}
    named = [row.get("resource", "M") for row in tables.get("step_resources", [])]
    added = [{"resource": name} for name in dict.fromkeys(named) if name not in have]
    tables["resources"] = [*stated, *added]
    snapshot = factories.snapshot(**tables)
    return Capacity(snapshot, Calendars(snapshot))


def clock(
    capacity: Capacity, safety_days: float = 0.0, days: WorkingTime = ALWAYS_OPEN
) -> Clock:
    return capacity.clock("R", safety_days, days)


def latest(capacity: Capacity, need: str, steps: int = 1) -> OrderTiming:
    """The latest order; the test knows that there is one."""
    found = clock(capacity).latest(at(need), steps)
    assert found is not None
    return found


def earliest(capacity: Capacity, start: str, steps: int = 1) -> OrderTiming:
    found = clock(capacity).earliest(at(start), steps)
    assert found is not None
    return found


def ends(timing: OrderTiming) -> tuple[str | None, str | None]:
    """Start and finish for people."""
    return iso(timing.start), iso(timing.finish)


def spans(timing: OrderTiming) -> dict[int, tuple[str | None, str | None]]:
    """Start and finish of each step."""
    return {w.step: (iso(w.start), iso(w.finish)) for w in timing.steps}


def used(window: StepWindow) -> list[str]:
    return [resource for resource, _ in window.resources]
