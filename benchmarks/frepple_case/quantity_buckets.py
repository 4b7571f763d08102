"""Resources of a frePPLe model that give a quantity a week, and what takes of it.

An order takes of the week in which one instant of it lies: its start, its end, or what
an offset says. The tables count hours, so a unit of the quantity is worth a few seconds
of the resource, and a step beside the work takes them at that instant.
"""

from __future__ import annotations

import datetime as dt
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.frepple_case.calendars import Span
from benchmarks.frepple_case.case import NOWHERE, minutes

if TYPE_CHECKING:
    from benchmarks.frepple_case.case import Case, Record

UNIT_MINUTES = 0.1
"""What one of the quantity is worth of the resource's time [min]."""
DAY_MINUTES = 1440
WEEK = 7
WHOLE = 100
PERCENTAGE = "load_bucketized_percentage"


class Weeks(NamedTuple):
    """Open days of each week, 0 = Monday, and the quantity of a week by date."""

    days: tuple[int, ...]
    spans: tuple[Span, ...]

    @property
    def amounts(self) -> list[float]:
        """Quantities that some week has, above zero."""
        return [span.value for span in self.spans if span.value > 0]

    @property
    def minutes(self) -> float:
        """Open time of a week [min]."""
        return float(len(self.days) * DAY_MINUTES)


def weeks_of(case: Case, record: Record) -> Weeks | None:
    """Weeks of a resource; None: it counts in another way."""
    calendar = case.calendars.get(record.get("maximum_calendar", ""))
    if record["type"] != "resource_buckets" or calendar is None:
        return None
    if record.get("available") or not calendar.weekly or calendar.hourly:
        return None
    found = calendar.weeks()
    days = {day for week in found for day, value in enumerate(week.values) if value > 0}
    if not days or len(days) == WEEK or days != set(range(min(days), max(days) + 1)):
        return None
    spans: list[Span] = []
    for week in found:
        values = {week.values[day] for day in days}
        if len(values) > 1:
            return None
        spans.append(Span(week.start, week.finish, values.pop()))
    made = Weeks(tuple(sorted(days)), tuple(spans))
    return made if max(made.amounts) * UNIT_MINUTES <= made.minutes else None


def add_weeks(case: Case, name: str, weeks: Weeks) -> Record:
    """Add the open days and the units by date; give the columns of the resource.

    It stands where no opening hours leave less of a week than its days.
    """
    calendar = f"{name} (weeks)"
    case.add("calendars", calendar=calendar, timezone="UTC")
    for day in weeks.days:
        whole = {"start": dt.time(), "finish": dt.time()}
        case.add("shifts", calendar=calendar, weekday=day + 1, **whole)
    worth = UNIT_MINUTES / weeks.minutes
    for span in weeks.spans:
        case.add(
            "resource_units",
            resource=name,
            valid_from=span.start,
            valid_to=span.finish,
            units=span.value * worth,
        )
    case.place(NOWHERE)
    return {
        "location": NOWHERE,
        "calendar": calendar,
        "units": weeks.spans[-1].value * worth,
        "bucket": "week",
    }


def quantity_loads(case: Case, operation: Record) -> list[Record]:
    """List the loads of an operation on resources that give a quantity a week."""
    if operation["type"] == "routing" or operation.get("owner"):
        return []
    return [
        load
        for load in operation.get("loads", ())
        if not load.get("alternate_group")
        and not load.get("skill")
        and weeks_of(case, case.resources[load["resource"]]) is not None
    ]


def largest_order(case: Case, operation: Record) -> float | None:
    """Largest order: one that fills the weeks that it needs to the brim."""
    stated = operation.get("size_maximum")
    multiple = operation.get("size_multiple") or 1
    sizes: list[int] = []
    for load in quantity_loads(case, operation):
        record = case.resources[load["resource"]]
        weeks = weeks_of(case, record)
        if weeks is None or load["quantity"] <= 0:
            continue
        share = record.get("efficiency", 100) / 100
        fixed = load.get("quantity_fixed", 0)
        for amount in weeks.amounts:
            size = (amount * share - fixed) / load["quantity"] // multiple * multiple
            sizes.append(int(size))
    found = gcd(*sizes)
    if found < max(1, operation.get("size_minimum", 1)):
        return stated
    return found if stated is None else min(found, stated)


def parted(case: Case, operation: Record) -> float:
    """Part of the work, between 0 and 1, after which a quantity is taken.

    0: it is taken at the start, the end or some time from there.
    """
    for load in quantity_loads(case, operation):
        if load.get("type") == PERCENTAGE and 0 < load.get("offset", 0) < WHOLE:
            return float(load["offset"] / WHOLE)
    return 0.0


def add_load(case: Case, routing: str, number: int, load: Record) -> None:
    """Add the step that takes a quantity, beside those that do the work: 1, maybe 2."""
    fixed, each = load.get("quantity_fixed", 0), load["quantity"]
    case.add(
        "steps",
        routing=routing,
        step=number,
        name=f"{load['resource']} of {routing}",
        sequence=number,
        fixed_minutes=fixed * UNIT_MINUTES,
        run_minutes_per_unit=each * UNIT_MINUTES,
        splittable=False,
    )
    case.add("step_resources", routing=routing, step=number, resource=load["resource"])
    kind, offset = load.get("type", "load"), load.get("offset", 0)
    from_end = kind == "load_bucketized_from_end"
    at_end = from_end or (kind == PERCENTAGE and offset == WHOLE)
    timed = from_end or kind == "load_bucketized_from_start"
    lag = minutes(offset) if timed else 0.0
    work = 2 if kind == PERCENTAGE and 0 < offset < WHOLE else 1
    first, last = (number, work) if at_end else (work, number)
    case.add(
        "step_links",
        routing=routing,
        step=last,
        after=first,
        kind="finish_finish" if at_end else "start_start",
        lag_minutes=lag,
        max_lag_minutes=lag,
    )
