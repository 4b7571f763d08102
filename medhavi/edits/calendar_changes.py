"""Edits of weekly shifts, and whether an opening makes any machine work longer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import polars as pl

from medhavi import schema
from medhavi.edits.catalogue import change
from medhavi.edits.data_changes import refused, unknown
from medhavi.edits.parameter import Argument
from medhavi.findings import BadData, finding
from medhavi.providers import Providers
from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.snapshot.calendars.weekly_shifts import (
    WEEK,
    WEEKDAYS,
    DayShift,
    overlapping,
    read_line,
    with_week,
)
from medhavi.snapshot.patch import Patch
from medhavi.units import ALWAYS, NEVER, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.findings import Finding
    from medhavi.snapshot.calendars.weekly_shifts import Hours

    Week = dict[int, list[Hours]]

_LIKE = (
    "Write weekdays and hours like 'Mon-Fri 06:00-14:00, 14:00-22:00' or 'Sat closed'."
)


@change("Let weekdays of a calendar have other shifts, from a date on.", event="rows")
def change_shifts(
    snapshot: Snapshot,
    *,
    calendar: Annotated[str, Argument("Calendar: all that have it work by it.")],
    shifts: Annotated[
        tuple[str, ...],
        Argument(
            "Weekdays with all their shifts in the zone of the calendar: 'Mon-Fri "
            "06:00-14:00, 22:00-06:00 50%', 'Sat closed'; other days stay as they are.",
            option="shift",
        ),
    ],
    valid_from: Annotated[
        dt.datetime | None, Argument("They hold from then on; left out: since ever.")
    ] = None,
    valid_to: Annotated[
        dt.datetime | None, Argument("They hold until then; left out: for ever.")
    ] = None,
) -> Patch:
    """Rows of `shifts`; those that held before a date end there."""
    week, found = week_of(shifts)
    known = snapshot["calendars"]["calendar"].to_list()
    if calendar not in known:
        found.append(unknown("calendar", calendar, known))
    since = ALWAYS if valid_from is None else to_seconds(valid_from)
    until = NEVER if valid_to is None else to_seconds(valid_to)
    if until <= since:
        reason, way_out = "it ends before it begins", "Name a later date."
        span = f"{valid_from:%Y-%m-%dT%H:%MZ} to {valid_to:%Y-%m-%dT%H:%MZ}"
        found.append(_refused("valid_to", span, reason, way_out))
        until = NEVER
    rows = snapshot["shifts"].filter(pl.col("calendar") == calendar)
    before = [DayShift.of(row) for row in rows.iter_rows(named=True)]
    after = with_week(before, week, since, until)
    found += _overlaps(after, week, (since, until))
    if not found and set(after) == set(before):
        way_out = "Leave it as it is."
        found.append(_refused("shifts", "; ".join(shifts), "it is so already", way_out))
    if found:
        raise BadData(found)
    fresh = [one for one in after if one not in before]
    keys = {one.key for one in fresh}
    gone = [one for one in before if one not in after and one.key not in keys]
    columns = snapshot["shifts"].schema

    def frame(some: Sequence[DayShift]) -> pl.DataFrame:
        stated = [one.row(calendar) for one in some]
        return pl.DataFrame(stated, schema=columns, orient="row")

    key = schema.tables()["shifts"].key
    patch = Patch(
        upserts={"shifts": frame(fresh)} if fresh else {},
        deletes={"shifts": frame(gone).select(key)} if gone else {},
    )
    _check_gain((snapshot, patch.apply(snapshot)), calendar, (since, until))
    return patch


def _check_gain(
    both: tuple[Snapshot, Snapshot], calendar: str, window: tuple[int, int]
) -> None:
    """Refuse a week of more hours in which no machine of the calendar works longer.

    Raises
    ------
    BadData
        Their place is closed then, say.
    """
    before, _ = both
    begin = max(window[0], int(before.as_of))
    end = min(window[1], max(before.settings.horizon_end, begin + WEEK))
    was, becomes = (
        Calendars(one).working_time(calendar).between(begin, max(begin, end))
        for one in both
    )
    if becomes > was:
        check_opened(both, calendar, (begin, end))


def check_opened(
    both: tuple[Snapshot, Snapshot], calendar: str, span: tuple[int, int]
) -> None:
    """Refuse an opening in which no resource that has the calendar works longer.

    One of a place alone is not: the lines there may be opened after it.
    """
    before, _after = both
    own = before["resources"].filter(pl.col("calendar") == calendar)
    if not own.is_empty():
        check_longer(both, calendar, span, own["resource"].to_list())


def check_longer(
    both: tuple[Snapshot, Snapshot],
    calendar: str,
    span: tuple[int, int],
    names: Sequence[str],
) -> None:
    """Refuse an opening in which none of the resources works longer."""
    before, _after = both
    was, becomes = (Providers(one).capacity for one in both)
    if any(
        becomes.working_time(one).between(*span) > was.working_time(one).between(*span)
        for one in names
    ):
        return
    own = before["resources"].filter(pl.col("resource").is_in(names))
    places = before["locations"].join(own, on="location", how="semi")["calendar"]
    others = sorted(set(places.drop_nulls()) - {calendar})
    raise BadData(
        [
            finding(
                "STU012",
                table="calendar_exceptions",
                column="calendar",
                value=calendar,
                others=", ".join(others) or "nothing else",
            )
        ]
    )


def week_of(lines: Iterable[str]) -> tuple[Week, list[Finding]]:
    """Hours of the weekdays that lines state, and what is wrong with the lines."""
    week: Week = {}
    closed: set[int] = set()
    found: list[Finding] = []
    for line in lines:
        read = read_line(line)
        if read is None:
            found.append(_refused("shifts", line, "it cannot be read", _LIKE))
            continue
        days, hours = read
        closed |= set() if hours else set(days)
        for day in days:
            week.setdefault(day, []).extend(hours)
    for day, own in sorted(week.items()):
        name = WEEKDAYS[day - 1]
        if own and day in closed:
            reason, way_out = "it is closed and open", "State the day once."
            found.append(_refused("shifts", name, reason, way_out))
        for one in dict.fromkeys(own):
            if own.count(one) > 1:
                reason, way_out = "the shift is stated twice", "State it once."
                found.append(_refused("shifts", f"{name} {one}", reason, way_out))
    return week, found


def _overlaps(
    shifts: Sequence[DayShift], week: Week, window: tuple[int, int]
) -> list[Finding]:
    """Shifts that are stated and run while others of the calendar do."""
    since, until = window
    found = []
    for pair in overlapping(shifts):
        first, second = (shifts[place] for place in pair)
        stated = any(one.hours in week.get(one.weekday, ()) for one in (first, second))
        meets = max(first.since, second.since, since) < min(
            first.until, second.until, until
        )
        if stated and meets:
            words = [
                f"{WEEKDAYS[one.weekday - 1]} {one.hours}" for one in (first, second)
            ]
            reason = f"it overlaps {words[0]}"
            way_out = "End one shift where the next begins."
            found.append(_refused("shifts", words[1], reason, way_out))
    return found


def _refused(column: str, value: object, reason: str, way_out: str) -> Finding:
    return refused("shifts", column, value, reason, way_out)
