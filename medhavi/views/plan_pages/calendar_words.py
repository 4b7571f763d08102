"""Calendars in words: what one opens, in which hours of a week, and what differs."""

from __future__ import annotations

import datetime as dt
import itertools
from calendar import day_name
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.units import DAY, from_seconds
from medhavi.views.names import NOTHING, count, local, percent, said, when
from medhavi.views.page import empty, table_html
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

CALENDAR = ("calendars", "calendar")
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


def used_by(snapshot: Snapshot, calendar: str) -> str:
    """How many rows of which tables a calendar holds for."""
    found = []
    for table, spec in schema.tables().items():
        named = [name for name, one in spec.columns.items() if CALENDAR in one.refs]
        if table in ("shifts", "calendar_exceptions") or not named:
            continue
        held = pl.any_horizontal(pl.col(named) == calendar)
        if rows := snapshot[table].filter(held).height:
            found.append(count(rows, said(table).removesuffix("s")))
    return ", ".join(found) or NOTHING


def calendar_html(snapshot: Snapshot, calendar: str, names: Names) -> str:
    """Hours of a week of a calendar, and its exceptions from now on."""
    zone = zone_of(snapshot, calendar)
    week = table_html(
        (say("column_weekday"), f"Open ({zone})"),
        [(escape(day), escape(hours)) for day, hours in _weekdays(snapshot, calendar)],
    )
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
    more = rows.height - len(told)
    also = f'<p class="muted">{say("and_more", more)}</p>' if more > 0 else ""
    differs = (
        table_html(
            (say("from"), say("column_to"), say("column_what"), say("reason")), told
        )
        + also
        if told
        else ""
    )
    users = used_by(snapshot, calendar)
    words = escape(say("calendar_holds_for", names.name(calendar), users))
    return f"<p>{words}</p>{week}{differs}"


def _weekdays(snapshot: Snapshot, calendar: str) -> Iterator[tuple[str, str]]:
    """Weekdays with equal shifts that follow each other, and these."""
    week = _week(snapshot, calendar)
    for hours, days in itertools.groupby(week, key=lambda one: one[1]):
        first, *others = (day for day, _ in days)
        yield f"{first} to {others[-1]}" if others else first, hours


def _week(snapshot: Snapshot, calendar: str) -> Iterator[tuple[str, str]]:
    """Each weekday and its shifts that hold now."""
    now = from_seconds(int(snapshot.as_of))
    shifts = snapshot["shifts"].filter(
        (pl.col("calendar") == calendar)
        & (pl.col("valid_from").is_null() | (pl.col("valid_from") <= now))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > now))
    )
    for weekday, day in enumerate(day_name, start=1):
        own = shifts.filter(pl.col("weekday") == weekday).sort("start")
        parts = [
            f"{begin:%H:%M} to {end:%H:%M}"
            + ("" if share == 1 else f" ({percent(share)})")
            for begin, end, share in own.select("start", "finish", "capacity").rows()
        ]
        yield day, ", ".join(parts) or "closed"


def calendar_choices(snapshot: Snapshot, resource: str, names: Names) -> dict[str, str]:
    """Calendars that open a resource, by name and what else they hold for."""
    found = calendars_of(snapshot, resource)
    return {f"{names.name(one)} ({used_by(snapshot, one)})": one for one in found}


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
    links = " · ".join(
        f'<a href="{escape(address)}" target="_self">{say(words)}</a>'
        for words, kind, first, last in asked
        for address in (
            scenario_link(resource, kind, start=first, finish=last, add="1"),
        )
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
