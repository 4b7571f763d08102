"""Calendars in words: what one opens, in which hours of a week, and what differs."""

from __future__ import annotations

import datetime as dt
import itertools
from calendar import day_name
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.snapshot.calendars.weekly_shifts import (
    CLOSED,
    WEEKDAYS,
    DayShift,
    holding,
    hours_text,
    read_line,
)
from medhavi.units import DAY, HOUR, NEVER, from_seconds
from medhavi.views.names import NOTHING, count, local, number, percent, said, when
from medhavi.views.page import empty, link_row, table_html
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.weekly_shifts import Hours
    from medhavi.views.names import Names

CALENDAR = ("calendars", "calendar")
MOST_HOLDERS = 8
"""Names of one kind that have a calendar; the others are counted."""
MOST_WEEKS = 3
"""Weeks of later dates that are listed."""
MOST_EXCEPTIONS = 20
"""Exceptions that are listed, from now on; the others are counted."""


def calendars_of(snapshot: Snapshot, resource: str) -> tuple[str, ...]:
    """Calendars that open a resource: its own, then that of the place where it is."""
    (row,) = snapshot["resources"].filter(pl.col("resource") == resource).to_dicts()
    places = snapshot["locations"].filter(pl.col("location") == row["location"])
    found = (row["calendar"], *places["calendar"].to_list())
    return tuple(dict.fromkeys(one for one in found if one))


def zone_of(snapshot: Snapshot, calendar: str) -> str:
    """Zone in which the shifts of a calendar are local."""
    return snapshot.local_days.zone_of(calendar=calendar) or "UTC"


def holders(snapshot: Snapshot, calendar: str, names: Names) -> str:
    """What works by a calendar, by name: a change of it hits all of that."""
    told = []
    for table, spec in schema.tables().items():
        named = [name for name, one in spec.columns.items() if CALENDAR in one.refs]
        if table in ("shifts", "calendar_exceptions") or not named:
            continue
        held = pl.any_horizontal(pl.col(named) == calendar)
        found = snapshot[table].filter(held)[spec.key[0]].drop_nulls()
        own = sorted({names.name(one) for one in found})
        if not own:
            continue
        shown = ", ".join(own[:MOST_HOLDERS])
        if len(own) > MOST_HOLDERS:
            shown += f" {say('and_more', len(own) - MOST_HOLDERS)}"
        if table == "locations":
            inside = snapshot["resources"].filter(
                pl.col("location").is_in(found.implode())
            )
            shown += f" ({say('with_resources', count(inside.height, 'resource'))})"
        told.append(f"{count(len(own), said(spec.key[0]))}: {shown}")
    return "; ".join(told) or NOTHING


def weeks_html(snapshot: Snapshot, calendar: str) -> str:
    """Hours of a week of a calendar now and of later ones, and how they are written."""
    zone = zone_of(snapshot, calendar)
    moments = (int(snapshot.as_of), *changes_of(snapshot, calendar)[:MOST_WEEKS])
    weeks = "".join(
        _week_html(snapshot, calendar, moment, zone if place else "")
        for place, moment in enumerate(moments)
    )
    return f'{weeks}<p class="muted small">{escape(say("week_explained", zone))}</p>'


def exceptions_html(snapshot: Snapshot, calendar: str) -> str:
    """Exceptions of the week of a calendar from now on."""
    zone = zone_of(snapshot, calendar)
    now = from_seconds(int(snapshot.as_of))
    frame = snapshot["calendar_exceptions"]
    rows = frame.filter(
        (pl.col("calendar") == calendar) & (pl.col("finish") > now)
    ).sort("start")
    told = [
        (
            escape(when(row["start"], zone, year=True)),
            escape(when(row["finish"], zone, year=True, ends=True)),
            "closed" if not row["capacity"] else f"{percent(row['capacity'])} open",
            escape(row["reason"] or NOTHING),
        )
        for row in rows.head(MOST_EXCEPTIONS).iter_rows(named=True)
    ]
    columns = say("from"), say("column_to"), say("column_what"), say("reason")
    more = rows.height - len(told)
    return table_html(columns, told, more=more) if told else ""


def holders_html(snapshot: Snapshot, calendar: str, names: Names) -> str:
    """Line that names who has a calendar."""
    held = holders(snapshot, calendar, names)
    return f"<p>{escape(say('calendar_holds_for', names.name(calendar), held))}</p>"


def _week_html(snapshot: Snapshot, calendar: str, moment: int, zone: str) -> str:
    """Hours of a week as they hold at a moment; a later one says from when."""
    week = holding(_shifts(snapshot, calendar), moment)
    days = [(day_name[day - 1], hours_words(hours)) for day, hours in week.items()]
    rows = []
    for hours, alike in itertools.groupby(days, key=lambda one: one[1]):
        first, *others = (day for day, _ in alike)
        rows.append((f"{first} to {others[-1]}" if others else first, hours))
    total = sum(one.seconds * one.capacity for own in week.values() for one in own)
    begins = when(from_seconds(moment), zone, year=True) if zone else ""
    head = say("open_in_zone", number(total / HOUR), zone_of(snapshot, calendar))
    told = [tuple(map(escape, row)) for row in rows]
    line = f"<p><b>{escape(say('week_from', begins))}</b></p>" if begins else ""
    return line + table_html((say("column_weekday"), head), told)


def _shifts(snapshot: Snapshot, calendar: str) -> list[DayShift]:
    rows = snapshot["shifts"].filter(pl.col("calendar") == calendar)
    return [DayShift.of(row) for row in rows.iter_rows(named=True)]


def changes_of(snapshot: Snapshot, calendar: str) -> list[int]:
    """Moments after now at which another week begins to hold [UTC seconds]."""
    edges = {
        edge
        for one in _shifts(snapshot, calendar)
        for edge in (one.since, one.until)
        if int(snapshot.as_of) < edge < NEVER
    }
    return sorted(edges)


def week_at(snapshot: Snapshot, calendar: str, moment: int) -> dict[int, str]:
    """Hours of each weekday at a moment [UTC seconds], as a line states them."""
    week = holding(_shifts(snapshot, calendar), moment)
    return {day: hours_text(hours) for day, hours in week.items()}


def hours_words(hours: Sequence[Hours]) -> str:
    """Hours of a day.

    >>> from medhavi.snapshot.calendars.weekly_shifts import read_hours
    >>> hours_words(read_hours("06:00-14:00, 22:00-06:00 50%"))
    '06:00 to 14:00, 22:00 to 06:00 (50 %)'
    """
    parts = [
        f"{one.start:%H:%M} to {one.finish:%H:%M}"
        + ("" if one.capacity == 1 else f" ({percent(one.capacity)})")
        for one in sorted(hours)
    ]
    return ", ".join(parts) or CLOSED


def shifts_words(values: Mapping[str, Any], names: Names) -> str:
    """Which shifts a calendar gets, and when, from the values of an edit."""
    calendar = values["calendar"]
    zone = names.zone_of(calendar)
    since, until = values.get("valid_from"), values.get("valid_to")
    told = names.name(calendar)
    if since is not None:
        told += f", {say('from').lower()} {when(since, zone, year=True)}"
    if until is not None:
        told += f", {say('label_until')} {when(until, zone, year=True, ends=True)}"
    lines = []
    for line in values["shifts"]:
        days, hours = read_line(line) or ((), ())
        length = number(sum(one.seconds for one in hours) / HOUR)
        spent = f" ({say('open_a_day', length)})" if hours else ""
        lines.append(f"{days_words(days)} {hours_words(hours)}{spent}")
    return say("shifts_of", told, "; ".join(lines))


def days_words(days: Sequence[int]) -> str:
    """Weekdays in words.

    >>> days_words([1, 2, 3, 6])
    'Mon to Wed, Sat'
    """
    runs = itertools.groupby(enumerate(days), key=lambda one: one[1] - one[0])
    ends = [[WEEKDAYS[day - 1] for _, day in run] for _, run in runs]
    return ", ".join(f"{run[0]} to {run[-1]}" if run[1:] else run[0] for run in ends)


def calendar_choices(snapshot: Snapshot, resource: str, names: Names) -> dict[str, str]:
    """Calendars that open a resource, by name."""
    return {names.name(one): one for one in calendars_of(snapshot, resource)}


def can_work_longer(snapshot: Snapshot, resource: str) -> bool:
    """Whether its own calendar alone closes a resource at some time of two weeks."""
    own, *others = calendars_of(snapshot, resource) or (None,)
    if own is None:
        return False
    calendars = Calendars(snapshot)
    now = int(snapshot.as_of)
    place = calendars.working_time(*others)
    open_time = calendars.working_time(own).segments(now, now + 14 * DAY)
    return any(
        closes < opens and place.between(closes, opens) == opens - closes
        for (_, closes), (opens, _) in itertools.pairwise(open_time)
    )


def what_if_html(
    snapshot: Snapshot, resource: str, names: Names, window: tuple[int, int] | None
) -> str:
    """Links that plan a scenario of a resource: a shift or a unit more, or down.

    Parameters
    ----------
    window
        When more of it helps [UTC seconds]; None: four weeks from now.
    """
    now = int(snapshot.as_of)
    begin, end = window or (now, min(now + 28 * DAY, snapshot.settings.horizon_end))
    start, finish = (
        f"{local(from_seconds(one), names.zone):%Y-%m-%d %H:%M}" for one in (begin, end)
    )
    today = local(from_seconds(now), names.zone).date()
    monday = today + dt.timedelta(days=7 - today.weekday())
    friday = monday + dt.timedelta(days=4)
    asked = [
        *(
            [("one_more_shift", "shift_added", start, finish)]
            if can_work_longer(snapshot, resource)
            else []
        ),
        ("one_more_unit", "unit_added", start, finish),
        ("down_next_week", "resource_down", f"{monday}", f"{friday}"),
    ]
    links = link_row(
        {
            say(words): scenario_link(resource, kind, start=first, finish=last, add="1")
            for words, kind, first, last in asked
        }
    )
    return f"<p>{say('scenarios_with', escape(names.name(resource)))} {links}</p>"


def downtime_html(snapshot: Snapshot, resource: str, names: Names) -> str:
    """Disruptions and dated units of a resource, the first to begin before others."""
    zone = names.zone_of(resource)
    down = snapshot["disruptions"].filter(
        (pl.col("kind") == "resource_down") & (pl.col("subject") == resource)
    )
    rows = [
        (
            escape(when(row["valid_from"], zone, year=True)),
            escape(when(row["valid_to"], zone, year=True))
            if row["valid_to"]
            else "open",
            f"{percent(row['severity'])} down",
            "disruption",
        )
        for row in down.sort("valid_from").iter_rows(named=True)
    ]
    units = snapshot["resource_units"].filter(pl.col("resource") == resource)
    rows += [
        (
            escape(when(row["valid_from"], zone, year=True))
            if row["valid_from"]
            else "always",
            escape(when(row["valid_to"], zone, year=True))
            if row["valid_to"]
            else "open",
            f"{count(int(row['units']), 'unit')}"
            if row["units"] is not None
            else NOTHING,
            "dated units",
        )
        for row in units.sort("valid_from").iter_rows(named=True)
    ]
    if not rows:
        return empty(say("no_downtime", names.name(resource)), say("enter_a_downtime"))
    return table_html(
        (say("from"), say("column_to"), say("column_what"), say("column_by")), rows
    )
