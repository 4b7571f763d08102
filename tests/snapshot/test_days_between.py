"""Counting open days between two instants is the inverse of adding them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN, Calendars
from medhavi.units import DAY, to_seconds
from tests import factories

MONDAY = to_seconds(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def working_days():
    weekdays = [
        {
            "calendar": "CAL",
            "weekday": weekday,
            "start": dt.time(0),
            "finish": dt.time(0),
        }
        for weekday in range(1, 6)
    ]
    return Calendars(
        factories.snapshot(
            calendars=[{"calendar": "CAL", "timezone": "UTC"}], shifts=weekdays
        )
    ).working_time("CAL")


def test_a_weekend_does_not_count(working_days):
    assert working_days.days_between(MONDAY, MONDAY + 7 * DAY) == 5.0
    assert working_days.days_between(MONDAY + 4 * DAY, MONDAY + 7 * DAY) == 1.0
    assert working_days.days_between(MONDAY + 5 * DAY, MONDAY + 6 * DAY) == 0.0
    assert ALWAYS_OPEN.days_between(MONDAY, MONDAY + 7 * DAY) == 7.0


def test_nothing_lies_between_an_instant_and_an_earlier_one(working_days):
    assert working_days.days_between(MONDAY + DAY, MONDAY) == 0.0
    assert ALWAYS_OPEN.days_between(MONDAY + DAY, MONDAY) == 0.0


@given(st.integers(-400, 400), st.integers(0, DAY - 1), st.integers(0, 300))
def test_between_an_instant_and_the_one_so_many_days_on_lie_so_many(
    working_days, date, time, days
):
    start = MONDAY + date * DAY + time
    finish = working_days.add_days(start, float(days))
    assert working_days.days_between(start, finish) == float(days)
