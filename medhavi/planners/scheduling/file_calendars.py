"""Calendars of a schedule file as windows in minutes from its start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.planners.scheduling.file_fields import Place
from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.units import DAY, MINUTE, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from medhavi.planners.scheduling.file_fields import FieldCheck
    from medhavi.snapshot.calendars.working_time import WorkingTime

Row = dict[str, Any]
_TABLES = ("calendars", "shifts", "calendar_exceptions")
FIRST_DAYS, MOST_DAYS = 14, 3660


def open_windows(document: Row, start: dt.datetime, check: FieldCheck) -> list[Row]:
    """Resources with the windows of their calendars filled in.

    All calendars reach equally far: twice as long after the last release as all steps
    take one after another, each where it takes longest. No sensible schedule is longer.
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
    clocks = {
        str(row["resource"]): calendars.working_time(str(row["calendar"]))
        for row in resources
        if "calendar" in row
    }
    begin = to_seconds(start)
    reach = _reach(document, begin, clocks)
    for number, row in enumerate(resources, start=1):
        if "calendar" not in row:
            continue
        place = Place(
            "resources", number, f"resources row {number} ({row['resource']})"
        )
        calendar = str(row.pop("calendar"))
        clock = clocks[str(row["resource"])]
        if clock.always_open:
            continue
        segments = clock.segments(begin, reach)
        if not segments:
            check.say("SCHED014", place, why=f"{calendar} never opens")
        elif _partly(clock, begin, reach, int(row.get("units", 1))):
            why = f"{calendar} opens for a part of the units only"
            check.say("SCHED014", place, why=why)
        row["windows"] = [
            [(a - begin) / MINUTE, (b - begin) / MINUTE] for a, b in segments
        ]
    return resources


def _reach(document: Row, begin: int, clocks: Mapping[str, WorkingTime]) -> int:
    """Instant up to which calendars are spelt out [s]."""
    latest = 0.0
    for order in document["orders"]:
        moments = (step.get("start_minutes", 0) for step in order["steps"])
        latest = max(latest, order.get("release_minutes", 0), *moments)
    first = begin + int(latest * MINUTE)
    change = max((row["setup_minutes"] for row in document["changeovers"]), default=0)
    now, most = first, first + MOST_DAYS * DAY
    for order in document["orders"]:
        for step in order["steps"]:
            ends = [
                _end(clocks.get(option["resource"]), now, option, change, step)
                for option in step["options"]
            ]
            # What fits nowhere is told when nothing else does.
            now = max([now, *(end for end in ends if end is not None)])
            if now >= most:
                return most
    return min(max(first + 2 * (now - first), first + FIRST_DAYS * DAY), most)


def _end(
    clock: WorkingTime | None, now: int, option: Row, change: float, step: Row
) -> int | None:
    """End of a step on a resource that it finds free; None: it never fits."""
    setup = int((change + option.get("setup_minutes", 0)) * MINUTE)
    run = int(option["run_minutes"] * MINUTE)
    if clock is None:
        return now + setup + run
    begin = clock.first_fit(now, setup) if setup else now
    if begin is None:
        return None
    if step.get("splittable"):
        return clock.add(begin + setup, run)
    start = clock.first_fit(begin + setup, run)
    return None if start is None else start + run


def _partly(clock: WorkingTime, begin: int, reach: int, units: int) -> bool:
    return any(share * units < units for *_, share in clock.shares(begin, reach))
