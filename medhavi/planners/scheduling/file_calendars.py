"""Calendars of a schedule file as windows in minutes from its start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.planners.scheduling.file_fields import Place
from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars import Calendars
from medhavi.units import DAY, MINUTE, to_seconds

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.planners.scheduling.file_fields import FieldCheck
    from medhavi.snapshot.working_time import WorkingTime

Row = dict[str, Any]
_TABLES = ("calendars", "shifts", "calendar_exceptions")
FIRST_DAYS, MOST_DAYS = 14, 3660


def open_windows(document: Row, start: dt.datetime, check: FieldCheck) -> list[Row]:
    """Give the resources with the windows of their calendars filled in.

    The windows reach as far as twice all work needs after the last release: a horizon
    that no sensible schedule leaves.
    """
    resources: list[Row] = [dict(row) for row in document["resources"]]
    if not any("calendar" in row for row in resources):
        return resources
    snapshot = Snapshot.from_frames(
        {
            "settings": [{"as_of": start}],
            **{name: list(document.get(name, [])) for name in _TABLES},
        }
    )
    faults = [f for f in snapshot.findings if f.table in _TABLES]
    for fault in faults:
        if fault.severity == "error":
            place = Place(str(fault.table), fault.row, str(fault.table))
            check.say("SCHED014", place, column=fault.column, why=fault.message)
    if any(f.severity == "error" for f in faults):
        return resources
    calendars = Calendars(snapshot)
    latest, work = _work(document)
    for number, row in enumerate(resources, start=1):
        if "calendar" not in row:
            continue
        place = Place(
            "resources", number, f"resources row {number} ({row['resource']})"
        )
        clock = calendars.working_time(str(row["calendar"]))
        windows = _windows(clock, to_seconds(start), latest, work)
        if not windows:
            check.say("SCHED014", place, why=f"{row['calendar']} never opens")
        elif _partly(clock, to_seconds(start), windows, int(row.get("units", 1))):
            why = f"{row['calendar']} opens for a part of the units only"
            check.say("SCHED014", place, why=why)
        row["windows"] = windows
        del row["calendar"]
    return resources


def _work(document: Row) -> tuple[float, float]:
    """Give the last release or fixed start, and twice the work of all steps [min]."""
    changes = [float(row["setup_minutes"]) for row in document["changeovers"]]
    latest, work = 0.0, 0.0
    for order in document["orders"]:
        latest = max(latest, order.get("release_minutes", 0))
        for step in order["steps"]:
            latest = max(latest, step.get("start_minutes", 0))
            work += max(changes, default=0.0) + max(
                option["run_minutes"] + option.get("setup_minutes", 0)
                for option in step["options"]
            )
    return latest, 2 * work


def _windows(
    clock: WorkingTime, start: int, latest: float, work: float
) -> list[list[float]]:
    """Give open stretches until there is room for the work after `latest`."""
    days = FIRST_DAYS
    begin = start + int(latest * MINUTE)
    while days < MOST_DAYS and clock.between(begin, begin + days * DAY) < work * MINUTE:
        days *= 2
    if clock.always_open:
        return [[0.0, (latest + work) or 1.0]]
    segments = clock.segments(start, begin + min(days, MOST_DAYS) * DAY)
    return [[(a - start) / MINUTE, (b - start) / MINUTE] for a, b in segments]


def _partly(
    clock: WorkingTime, start: int, windows: list[list[float]], units: int
) -> bool:
    if clock.always_open:
        return False
    last = start + int(windows[-1][1] * MINUTE)
    return any(share * units < units for *_, share in clock.shares(start, last))
