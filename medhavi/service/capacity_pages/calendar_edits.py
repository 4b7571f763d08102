"""Edits of calendars that the capacity page prices: a week and its exceptions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from medhavi.edits.edit import KINDS, edit
from medhavi.errors import UsageError
from medhavi.service.capacity_pages.capacity_edits import PRICE, span_of
from medhavi.service.page_data import read_moment
from medhavi.snapshot.calendars.weekly_shifts import WEEKDAYS, line_texts, read_hours
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.units import from_seconds, to_seconds
from medhavi.views.names import local
from medhavi.views.plan_pages.calendar_words import (
    calendar_choices,
    week_at,
    zone_of,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.service.capacity_pages.capacity_page import CapacityWindow
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Form = Mapping[str, Any]

_OPENED = "open"
_CALENDAR_KINDS = {_OPENED: "calendar_open", "closed": "calendar_closed"}


def calendar_choice(
    snapshot: Snapshot,
    view: CapacityWindow,
    names: Names,
    wanted: Callable[[str], str],
    keep: Callable[[str, str], None],
) -> mo.ui.dropdown | None:
    """Ask which calendar of a resource is looked at; None: it has none."""
    import marimo as mo

    found = calendar_choices(snapshot, view.resource, names)
    if not found:
        return None
    asked = [name for name, one in found.items() if one == wanted("calendar")]
    return mo.ui.dropdown(
        found,
        value=next(iter([*asked, *found])),
        label=say("calendar"),
        allow_select_none=False,
        on_change=lambda value: keep("calendar", value),
    )


def week_form(
    snapshot: Snapshot, calendar: str, submitted: Callable[[Form | None], None]
) -> mo.ui.form[Any, Any]:
    """Ask for the shifts of each weekday, from when and until when they hold.

    Each day is filled with its hours of the next Monday, from which on they change
    unless another date is written.
    """
    import marimo as mo

    zone = zone_of(snapshot, calendar)
    monday = next_monday(snapshot, zone)
    week = stated_week(snapshot, calendar)
    days = {
        name: mo.ui.text(
            week[day], label=name, placeholder=say("hours_like"), full_width=True
        )
        for day, name in enumerate(WEEKDAYS, 1)
    }
    fields = "".join(f"{{{name}}}" for name in (*days, "begin", "end", "reason"))
    return (
        mo.md(f'<div class="mv-fields">{fields}</div>')
        .batch(
            **days,
            begin=mo.ui.text(
                f"{monday:%Y-%m-%d}", label=say("works_from"), full_width=True
            ),
            end=mo.ui.text(
                label=say("works_until"), placeholder="2026-12-31", full_width=True
            ),
            reason=mo.ui.text(
                label=say("reason"), placeholder=say("extra_shift"), full_width=True
            ),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def next_monday(snapshot: Snapshot, zone: str) -> dt.date:
    """Local day on which the week after the one of now begins."""
    today = local(from_seconds(int(snapshot.as_of)), zone).date()
    return today + dt.timedelta(days=7 - today.weekday())


def stated_week(snapshot: Snapshot, calendar: str) -> dict[int, str]:
    """Hours of each weekday, in words of a form, from the next Monday on."""
    zone = zone_of(snapshot, calendar)
    begin = read_moment(next_monday(snapshot, zone).isoformat(), zone)
    assert begin is not None
    return week_at(snapshot, calendar, to_seconds(begin))


def week_change(form: Form, snapshot: Snapshot, calendar: str) -> dict[str, Any]:
    """Edit of the weekdays whose hours a form states otherwise than they are.

    Raises
    ------
    UsageError
        No day differs, or a date cannot be read.
    BadData
        Shifts cannot be read or overlap; all of them are named.
    """
    zone = zone_of(snapshot, calendar)
    before = stated_week(snapshot, calendar)
    stated = {day: form[name] or "" for day, name in enumerate(WEEKDAYS, 1)}
    read = {day: read_hours(text) for day, text in stated.items()}
    changed = {
        day: hours for day, hours in read.items() if hours != read_hours(before[day])
    }
    if not changed:
        raise UsageError(say("change_a_day_first"))
    unread = [
        f"{WEEKDAYS[day - 1]} {stated[day]}" for day in changed if read[day] is None
    ]
    known = {day: hours for day, hours in changed.items() if hours is not None}
    window = {
        name: moment.isoformat()
        for name, text in (("valid_from", form["begin"]), ("valid_to", form["end"]))
        if (moment := read_moment(text, zone, ASKED_EDGES[name])) is not None
    }
    reason = {"reason": form["reason"]} if form["reason"] else {}
    asked: dict[str, Any] = {
        "kind": "change_shifts",
        "calendar": calendar,
        "shifts": [*line_texts(known), *unread],
        **window,
        **reason,
    }
    # What is wrong is said at once: no plan is made for it.
    edit(**asked).patch(snapshot)
    return asked


def exception_form(
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask when a calendar is open or closed in addition to its week."""
    import marimo as mo

    return (
        mo.md("{kind} {begin} {end} {reason}")
        .batch(
            kind=mo.ui.dropdown(_CALENDAR_KINDS, value=_OPENED, label=say("label_is")),
            begin=mo.ui.text(label=say("from_local"), placeholder="2026-12-05 06:00"),
            end=mo.ui.text(label=say("to_local"), placeholder="2026-12-05 14:00"),
            reason=mo.ui.text(label=say("reason"), placeholder=say("extra_shift")),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def calendar_exception(form: Form, snapshot: Snapshot, calendar: str) -> dict[str, Any]:
    """Edit that opens or closes a calendar for a time: a row of `calendar_exceptions`.

    Raises
    ------
    UsageError
        A time is missing or cannot be read, or the end is not after the begin.
    """
    begin, end = span_of(form, zone_of(snapshot, calendar))
    span = {"start": begin, "finish": end}
    patch = KINDS[form["kind"]].make(snapshot, calendar=calendar, **span)
    (row,) = patch.upserts["calendar_exceptions"].to_dicts()
    reason = form["reason"] or KINDS[form["kind"]].choice.lower()
    stated = {**row, **span, "reason": reason}
    new = {"table": "calendar_exceptions", "row": stated}
    return {"kind": "add_rows", "rows": [new]}
