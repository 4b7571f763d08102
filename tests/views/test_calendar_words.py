"""Calendars in words: weekdays that are alike are one row."""

from __future__ import annotations

import datetime as dt

from medhavi.views.plan_pages.calendar_words import weeks_html
from tests import factories


def test_weekdays_with_the_same_hours_are_one_row():
    """A calendar of two places took two screens, a row a day."""
    hours = {"calendar": "CAL", "start": dt.time(6), "finish": dt.time(14)}
    snapshot = factories.snapshot(
        products=[{"product": "A"}],
        calendars=[{"calendar": "CAL"}],
        shifts=[{**hours, "weekday": day} for day in (1, 2, 3, 5)],
    )
    page = weeks_html(snapshot, "CAL")
    for words in ("Monday to Wednesday", ">Thursday<", "Saturday to Sunday"):
        assert words in page
    assert "Tuesday" not in page
