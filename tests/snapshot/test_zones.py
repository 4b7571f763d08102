"""Wall clocks across daylight saving (rule 19)."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot.calendars.working_time import WorkingTime
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import DAY, HOUR, NEVER, from_seconds, to_seconds

NAMES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")


def wall(text: str) -> int:
    """Seconds of a wall-clock time."""
    return to_seconds(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def utc(text: str) -> int:
    return to_seconds(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def test_a_skipped_time_is_the_first_instant_after_the_gap():
    found = zone("Europe/Berlin").instant(wall("2026-03-29T02:30"))
    assert found == utc("2026-03-29T01:00")


def test_a_time_that_comes_twice_is_the_first_unless_the_last_is_asked_for():
    berlin = zone("Europe/Berlin")
    assert berlin.instant(wall("2026-10-25T02:30")) == utc("2026-10-25T00:30")
    assert berlin.instant(wall("2026-10-25T02:30"), last=True) == utc(
        "2026-10-25T01:30"
    )


def test_a_date_without_midnight_begins_after_the_gap():
    beirut = zone("Asia/Beirut")
    assert beirut.instant(wall("2026-03-29T00:00")) == utc("2026-03-28T22:00")
    assert beirut.local(utc("2026-03-28T22:00")) == wall("2026-03-29T01:00")


def test_new_york_changes_on_its_own_sundays():
    new_york = zone("America/New_York")
    assert new_york.instant(wall("2026-03-08T02:00")) == utc("2026-03-08T07:00")
    assert new_york.instant(wall("2026-11-01T01:30")) == utc("2026-11-01T05:30")


def test_one_name_is_one_zone():
    assert zone("Europe/Berlin") is zone("Europe/Berlin")


def test_an_unknown_name_is_refused():
    with pytest.raises(ZoneInfoNotFoundError, match="Mars"):
        zone("Mars/Olympus")


@given(st.sampled_from(NAMES), st.integers(utc("1990-01-01"), utc("2090-01-01")))
def test_offsets_are_those_of_the_zone_database(name: str, instant: int):
    expected = from_seconds(instant).astimezone(ZoneInfo(name)).utcoffset()
    assert dt.timedelta(seconds=zone(name).offset(instant)) == expected


@given(
    st.sampled_from(NAMES),
    st.integers(utc("2026-03-01") // 600, utc("2026-12-01") // 600),
)
def test_the_wall_clock_leads_back_to_the_instant_or_its_twin(name: str, tens: int):
    instant = tens * 600
    place = zone(name)
    local = place.local(instant)
    assert instant in (place.instant(local), place.instant(local, last=True))
    assert place.instant(local, last=True) - place.instant(local) < DAY


@pytest.mark.parametrize("name", NAMES)
def test_beyond_the_calendar_the_last_offset_holds(name: str):
    """An order due on 9999-12-31 is looked at from both sides of that day."""
    place = zone(name)
    last, first = utc("9999-12-31T23:59:59"), utc("0001-01-01")
    for moment in (last, last + 400 * DAY, first, first - 400 * DAY):
        local = place.local(moment)
        assert abs(local - moment) < DAY
        assert place.instant(local) == moment


@pytest.mark.parametrize("name", ["Europe/Rome", "America/New_York", "UTC"])
def test_open_days_of_many_are_counted_as_those_of_each(name):
    """Through weekends, a closed month and both changes of the clock."""
    here = zone(name)
    week = [
        (here.instant(day * DAY + 8 * HOUR), here.instant(day * DAY + 17 * HOUR))
        for day in range(20_400, 21_400)
        if (day + 3) % 7 < 5 and not 20_700 <= day < 20_730
    ]

    def produce(start, finish):
        return [
            (max(a, start), min(b, finish), 1.0)
            for a, b in week
            if a < finish and b > start
        ]

    times = WorkingTime(produce, here)
    rng = np.random.default_rng(4)
    begins = rng.integers(20_420 * DAY, 21_000 * DAY, 400)
    lengths = rng.integers(-1, 60 * DAY, 400)
    lengths[:100] = lengths[:100] // DAY * DAY
    lengths[-5:] = 900 * DAY
    each = [
        times.add_days(int(begin), Fraction(int(length), DAY))
        for begin, length in zip(begins, lengths, strict=True)
    ]
    told = times.add_each(begins, lengths).tolist()
    assert told == [NEVER if one is None else one for one in each]
    assert told[-1] == NEVER
