"""Departures of a lane as instants."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.transport.timetable import REACH, Timetable
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import DAY, HOUR, MINUTE
from tests.providers.given_times import moment, text

MONDAY, WEDNESDAY, SUNDAY = 1, 3, 7
UTC = zone("UTC")
BERLIN = zone("Europe/Berlin")


def found(instant: int | None) -> str:
    assert instant is not None
    return text(instant)


def test_without_rows_every_instant_is_a_departure():
    timetable = Timetable(UTC, (), ())
    assert timetable.any_time
    assert timetable.latest(12345) == timetable.earliest(12345) == 12345


def test_departure_at_the_bound_itself_counts_both_ways():
    timetable = Timetable(UTC, [(MONDAY, 8 * HOUR)], ())
    monday = moment("2026-01-05T08:00")
    assert timetable.latest(monday) == timetable.earliest(monday) == monday


def test_all_departures_are_one_after_the_other_the_earliest():
    closed = moment("2026-04-01T00:00"), moment("2027-06-01T00:00")
    clock = [(SUNDAY, 2 * HOUR), (SUNDAY, 3 * HOUR), (WEDNESDAY, 9 * HOUR)]
    timetable = Timetable(BERLIN, clock, [closed])
    expected, bound = [], moment("2026-01-01T00:00")
    for _ in range(150):
        found_at = timetable.earliest(bound)
        assert found_at is not None
        bound = found_at
        expected.append(bound)
        bound += 1
    fresh = Timetable(BERLIN, clock, [closed])
    listed = islice(fresh.since(moment("2026-01-01T00:00")), 150)
    assert list(listed) == expected


@pytest.mark.req("TRN-04")
def test_one_minute_late_takes_the_next_sailing():
    timetable = Timetable(UTC, [(MONDAY, 8 * HOUR), (WEDNESDAY, 9 * HOUR)], ())
    late = moment("2026-01-05T08:01")
    assert found(timetable.earliest(late)) == "Wed 2026-01-07 09:00"
    assert found(timetable.latest(late - 2 * MINUTE)) == "Wed 2025-12-31 09:00"


def test_local_time_follows_summer_time():
    timetable = Timetable(BERLIN, [(SUNDAY, 8 * HOUR)], ())
    assert found(timetable.earliest(moment("2026-03-22T00:00"))).endswith("07:00")
    assert found(timetable.earliest(moment("2026-03-29T00:00"))).endswith("06:00")


def test_skipped_local_time_leaves_at_the_first_instant_after_the_gap():
    timetable = Timetable(BERLIN, [(SUNDAY, 2 * HOUR + 30 * MINUTE)], ())
    assert (
        found(timetable.earliest(moment("2026-03-29T00:00"))) == "Sun 2026-03-29 01:00"
    )


def test_local_time_that_comes_twice_leaves_at_the_first():
    timetable = Timetable(BERLIN, [(SUNDAY, 2 * HOUR + 30 * MINUTE)], ())
    assert (
        found(timetable.earliest(moment("2026-10-25T00:00"))) == "Sun 2026-10-25 00:30"
    )
    assert (
        found(timetable.earliest(moment("2026-10-25T00:31"))) == "Sun 2026-11-01 01:30"
    )


def test_monday_local_time_may_be_sunday_in_utc():
    auckland = Timetable(zone("Pacific/Auckland"), [(MONDAY, 6 * HOUR)], ())
    assert found(auckland.latest(moment("2026-01-04T17:00"))) == "Sun 2026-01-04 17:00"


def test_blackout_moves_a_departure_to_the_one_before_or_after():
    blackout = (moment("2026-01-05T00:00"), moment("2026-01-12T08:00"))
    timetable = Timetable(UTC, [(MONDAY, 8 * HOUR)], [blackout])
    assert found(timetable.latest(moment("2026-01-06T00:00"))) == "Mon 2025-12-29 08:00"
    assert (
        found(timetable.earliest(moment("2026-01-01T00:00"))) == "Mon 2026-01-12 08:00"
    )


def test_lane_that_leaves_at_any_time_obeys_blackouts_too():
    timetable = Timetable(UTC, (), [(100, 200), (200, 300), (250, 280), (900, 900)])
    assert not timetable.any_time
    assert timetable.latest(299) == 99
    assert timetable.earliest(100) == 300
    assert timetable.latest(900) == 900


def test_blackout_of_decades_means_never():
    timetable = Timetable(UTC, (), [(0, 2 * REACH)])
    assert timetable.latest(2 * REACH - 1) is None
    assert timetable.earliest(1) is None


@pytest.mark.req("CORE-10", "TRN-04")
@given(
    name=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    times=st.lists(
        st.tuples(st.integers(1, 7), st.integers(0, 23)), min_size=1, max_size=5
    ),
    blackout=st.tuples(st.integers(0, 40 * 24), st.integers(1, 20 * 24)),
    bound=st.integers(20 * 24, 70 * 24),
)
def test_departures_equal_a_walk_hour_by_hour(name, times, blackout, bound):
    start = moment("2026-02-20T00:00")
    window = (start + blackout[0] * HOUR, start + sum(blackout) * HOUR)
    bound = start + bound * HOUR
    timetable = Timetable(zone(name), [(day, h * HOUR) for day, h in times], [window])

    def leaves(instant: int) -> bool:
        local = dt.datetime.fromtimestamp(instant, ZoneInfo(name))
        if window[0] <= instant < window[1] or local.fold:
            return False
        if (local.isoweekday(), local.hour) in times and not local.minute:
            return True
        # The hour that clocks skip leaves when the gap ends.
        before = dt.datetime.fromtimestamp(instant - 1, ZoneInfo(name))
        skipped = local.hour - before.hour == 2 and not local.minute
        return skipped and (local.isoweekday(), local.hour - 1) in times

    # India's half hour needs half-hour strides.
    stride = HOUR // 2
    back = next(t for t in range(bound, bound - 60 * DAY, -stride) if leaves(t))
    ahead = next(t for t in range(bound, bound + 60 * DAY, stride) if leaves(t))
    assert timetable.latest(bound) == back
    assert timetable.earliest(bound) == ahead
