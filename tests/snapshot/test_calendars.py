"""Working time of calendars: shifts, exceptions, daylight saving, open days."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars.calendars import (
    ALWAYS_OPEN,
    EARLIEST,
    LATEST,
    Calendars,
    WorkingTime,
)
from medhavi.units import DAY, HOUR, MINUTE, NEVER, from_seconds, to_seconds

WEEKDAYS = range(1, 6)
Row = dict[str, Any]
Tables = dict[str, list[Row]]


def at(text: str) -> int:
    return to_seconds(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def iso(seconds: int | None) -> str | None:
    return None if seconds is None else from_seconds(seconds).isoformat()[:16]


def shift(weekday: int, start: str, finish: str, **more: object) -> Row:
    times = {
        "start": dt.time.fromisoformat(start),
        "finish": dt.time.fromisoformat(finish),
    }
    return {"calendar": "work", "weekday": weekday, **times, **more}


def closing(start: str, finish: str, **more: object) -> Row:
    window = {"start": instant(start), "finish": instant(finish)}
    return {"calendar": "work", **window, **more}


def calendars(
    shifts: list[Row], exceptions: list[Row] | None = None, timezone: str = "UTC"
) -> Calendars:
    return Calendars(
        Snapshot.from_frames(
            {
                "calendars": [{"calendar": "work", "timezone": timezone}],
                "shifts": shifts,
                "calendar_exceptions": exceptions or [],
            }
        )
    )


def work(
    shifts: list[Row], exceptions: list[Row] | None = None, timezone: str = "UTC"
) -> WorkingTime:
    return calendars(shifts, exceptions, timezone).working_time("work")


def day_shifts() -> list[Row]:
    return [shift(day, "06:00", "14:00") for day in WEEKDAYS]


# ---------------------------------------------------------------------- the two maps
def test_work_that_fills_a_shift_ends_at_its_end():
    # Monday 2026-01-05 06:00 + 8 h: not Tuesday 06:00.
    assert iso(work(day_shifts()).add(at("2026-01-05T06:00"), 8 * HOUR)) == (
        "2026-01-05T14:00"
    )


def test_work_counted_back_from_closed_time_begins_at_the_start_of_a_shift():
    # By Tuesday 06:00 eight hours of Monday are through: from Monday 06:00 on.
    assert iso(work(day_shifts()).subtract(at("2026-01-06T06:00"), 8 * HOUR)) == (
        "2026-01-05T06:00"
    )


def test_work_pauses_over_the_weekend():
    found = work(day_shifts())
    assert iso(found.add(at("2026-01-09T12:00"), 3 * HOUR)) == "2026-01-12T07:00"
    assert iso(found.subtract(at("2026-01-12T07:00"), 3 * HOUR)) == "2026-01-09T12:00"


def test_no_work_ends_where_it_begins_even_in_closed_time():
    found = work(day_shifts())
    assert found.add(at("2026-01-10T12:00"), 0) == at("2026-01-10T12:00")
    assert found.subtract(at("2026-01-10T12:00"), 0) == at("2026-01-10T12:00")


def test_the_next_and_the_previous_open_instant_are_the_edges_of_shifts():
    found = work(day_shifts())
    assert iso(found.next_open(at("2026-01-09T14:00"))) == "2026-01-12T06:00"
    assert iso(found.next_open(at("2026-01-09T13:00"))) == "2026-01-09T13:00"
    assert iso(found.previous_open(at("2026-01-12T06:00"))) == "2026-01-09T14:00"
    assert iso(found.previous_open(at("2026-01-12T06:01"))) == "2026-01-12T06:01"


def test_windows_are_half_open():
    found = work(day_shifts())
    assert found.is_open(at("2026-01-05T06:00"))
    assert not found.is_open(at("2026-01-05T14:00"))
    assert not found.is_open(at("2026-01-04T12:00"))


def test_open_seconds_and_stretches_of_a_window():
    found = work(day_shifts())
    start, finish = at("2026-01-05T13:00"), at("2026-01-06T07:00")
    assert found.between(start, finish) == 2 * HOUR
    assert found.segments(start, finish) == [
        (start, at("2026-01-05T14:00")),
        (at("2026-01-06T06:00"), finish),
    ]
    assert found.between(finish, start) == 0
    assert found.segments(finish, start) == []


def test_time_is_known_decades_away_in_both_directions():
    found = work(day_shifts())
    assert iso(found.add(at("2026-01-05T06:00"), HOUR)) == "2026-01-05T07:00"
    assert iso(found.add(at("2091-01-06T06:00"), HOUR)) == "2091-01-08T07:00"
    assert iso(found.subtract(at("1951-01-01T08:00"), HOUR)) == "1951-01-01T07:00"
    # Twenty working years of 52.18 weeks from one call.
    assert found.add(at("2026-01-05T06:00"), 20 * 52 * 5 * 8 * HOUR) == at(
        "2045-12-08T14:00"
    )


def test_outside_the_known_centuries_there_is_no_working_time():
    found = work(day_shifts())
    assert found.add(LATEST + 1, 1) is None
    assert found.add(LATEST - DAY, 30 * DAY) is None
    assert found.subtract(EARLIEST + DAY, 30 * DAY) is None
    assert found.subtract(NEVER, 1) is None
    assert found.next_open(LATEST + 1) is None
    assert found.previous_open(EARLIEST - 1) is None
    assert not found.is_open(NEVER)


# -------------------------------------------------------------------------- patterns
def test_a_shift_that_ends_before_it_starts_crosses_midnight():
    nights = work([shift(5, "22:00", "06:00")])
    assert nights.segments(at("2026-01-09"), at("2026-01-11")) == [
        (at("2026-01-09T22:00"), at("2026-01-10T06:00"))
    ]


def test_a_shift_from_midnight_to_midnight_is_the_whole_day():
    sunday = work([shift(7, "00:00", "00:00")])
    assert sunday.segments(at("2026-01-10"), at("2026-01-13")) == [
        (at("2026-01-11"), at("2026-01-12"))
    ]


def test_shifts_that_touch_or_overlap_are_one_stretch():
    found = work([shift(1, "06:00", "14:00"), shift(1, "13:30", "22:00")])
    day = at("2026-01-05"), at("2026-01-06")
    assert found.segments(*day) == [(at("2026-01-05T06:00"), at("2026-01-05T22:00"))]
    assert found.between(*day) == 16 * HOUR


def test_overlapping_shifts_have_the_larger_share():
    found = work([shift(1, "06:00", "14:00"), shift(1, "12:00", "20:00", capacity=0.5)])
    assert found.shares(at("2026-01-05"), at("2026-01-06")) == [
        (at("2026-01-05T06:00"), at("2026-01-05T14:00"), 1.0),
        (at("2026-01-05T14:00"), at("2026-01-05T20:00"), 0.5),
    ]


def test_a_shift_model_changes_by_date():
    found = work(
        [
            shift(1, "06:00", "14:00", valid_to=instant("2026-01-12")),
            shift(1, "08:00", "10:00", valid_from=instant("2026-01-12")),
        ]
    )
    assert found.between(at("2026-01-05"), at("2026-01-06")) == 8 * HOUR
    assert found.segments(at("2026-01-12"), at("2026-01-13")) == [
        (at("2026-01-12T08:00"), at("2026-01-12T10:00"))
    ]


def test_shifts_run_on_the_wall_clock_of_the_calendar():
    found = work([shift(1, "06:00", "14:00")], timezone="America/New_York")
    assert iso(found.next_open(at("2026-01-05"))) == "2026-01-05T11:00"
    assert iso(found.next_open(at("2026-07-06"))) == "2026-07-06T10:00"


def test_a_calendar_without_shifts_is_closed_but_for_exceptions():
    found = work([], [closing("2026-02-02T08:00", "2026-02-02T12:00", capacity=1.0)])
    assert iso(found.add(at("2026-01-01"), 4 * HOUR)) == "2026-02-02T12:00"
    assert found.add(at("2026-01-01"), 4 * HOUR + 1) is None
    assert iso(found.subtract(at("2027-01-01"), HOUR)) == "2026-02-02T11:00"


def test_a_calendar_that_never_opens_says_so():
    found = work([])
    assert found.next_open(0) is None
    assert found.previous_open(0) is None
    assert found.first_fit(0, 1) is None
    assert found.last_fit(0, 1) is None
    assert found.add_days(0, 1) is None
    assert found.subtract_days(0, 1) is None
    assert found.between(0, DAY) == 0


def test_a_calendar_that_ended_gives_no_time_after_its_end():
    found = work([shift(1, "06:00", "14:00", valid_to=instant("2020-01-01"))])
    assert found.add(at("2026-01-01"), HOUR) is None
    assert iso(found.previous_open(at("2026-01-01"))) == "2019-12-30T14:00"


def test_calendars_that_never_meet_are_closed_together():
    nights = [{**shift(1, "14:00", "22:00"), "calendar": "night"}]
    tables: Tables = {
        "calendars": [{"calendar": "work"}, {"calendar": "night"}],
        "shifts": [shift(1, "06:00", "14:00"), *nights],
    }
    both = Calendars(Snapshot.from_frames(tables)).working_time("work", "night")
    assert both.next_open(0) is None
    assert both.previous_open(0) is None


def test_all_day_all_week_is_plain_arithmetic():
    found = work([shift(day, "00:00", "00:00") for day in range(1, 8)])
    assert found.always_open
    assert found.add(NEVER - 10, 5) == NEVER - 5


def test_an_unknown_calendar_is_a_key_error():
    with pytest.raises(KeyError, match="nope"):
        calendars([]).working_time("nope")


def test_no_calendar_is_always_open_in_days_of_24_hours():
    found = calendars([]).working_time(None)
    assert found is ALWAYS_OPEN
    assert calendars([]).zone(None).name == "UTC"
    now = at("2026-03-29T01:00")
    assert found.subtract(found.add(now, 5) or 0, 5) == now
    assert found.next_open(now) == found.previous_open(now) == now
    assert found.is_open(now)
    assert found.between(now, now + 5) == 5
    assert found.between(now + 5, now) == 0
    assert found.segments(now, now + 5) == [(now, now + 5)]
    assert found.segments(now, now) == []
    assert found.first_fit(now, 9) == now
    assert found.last_fit(now, 9) == now - 9
    assert found.add_days(now, 1.5) == now + 36 * HOUR
    assert found.subtract_days(now, 1.5) == now - 36 * HOUR


# ------------------------------------------------------------------------ exceptions
def test_a_holiday_closes_and_overtime_opens():
    found = work(
        day_shifts(),
        [
            closing("2026-01-06T00:00", "2026-01-07T00:00"),
            closing("2026-01-10T08:00", "2026-01-10T12:00", capacity=1.0),
        ],
    )
    assert iso(found.add(at("2026-01-05T13:00"), 2 * HOUR)) == "2026-01-07T07:00"
    assert iso(found.add(at("2026-01-09T13:00"), 2 * HOUR)) == "2026-01-10T09:00"


def test_of_overlapping_exceptions_the_higher_priority_wins():
    found = work(
        day_shifts(),
        [
            closing("2026-01-05", "2026-01-10", capacity=0.0, priority=1),
            closing("2026-01-06", "2026-01-07", capacity=1.0, priority=2),
        ],
    )
    assert found.segments(at("2026-01-05"), at("2026-01-10")) == [
        (at("2026-01-06"), at("2026-01-07"))
    ]


def test_of_equal_priority_the_lower_capacity_wins():
    found = work(
        day_shifts(),
        [
            closing("2026-01-05", "2026-01-07", capacity=1.0),
            closing("2026-01-06", "2026-01-08", capacity=0.5),
            closing("2026-01-07T12:00", "2026-01-08", capacity=0.0, reason="fire"),
        ],
    )
    assert found.shares(at("2026-01-05"), at("2026-01-08")) == [
        (at("2026-01-05"), at("2026-01-06"), 1.0),
        (at("2026-01-06"), at("2026-01-07T12:00"), 0.5),
    ]


def test_rows_in_another_order_give_the_same_time():
    rows = [
        closing("2026-01-05", "2026-01-07", capacity=1.0),
        closing("2026-01-06", "2026-01-08", capacity=0.5),
        closing("2026-01-06T12:00", "2026-01-09", priority=3),
    ]
    window = at("2026-01-01"), at("2026-02-01")
    forward = work(day_shifts(), rows).shares(*window)
    assert work(day_shifts()[::-1], rows[::-1]).shares(*window) == forward


# ------------------------------------------------------------------- daylight saving
@pytest.mark.parametrize(
    ("timezone", "sunday", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 7),
        ("Europe/Berlin", "2026-10-25", 9),
        ("America/New_York", "2026-03-08", 7),
        ("America/New_York", "2026-11-01", 9),
    ],
)
def test_a_night_shift_is_shorter_across_the_gap_and_longer_across_the_fold(
    timezone: str, sunday: str, hours: int
):
    nights = work([shift(6, "22:00", "06:00")], timezone=timezone)
    assert nights.between(at(sunday) - DAY, at(sunday) + DAY) == hours * HOUR


@pytest.mark.parametrize("timezone", ["Europe/Berlin", "America/New_York"])
def test_days_that_follow_each_other_stay_one_stretch_over_every_change(timezone: str):
    week = [shift(day, "00:00", "00:00", capacity=0.5) for day in range(1, 8)]
    found = work(week, timezone=timezone)
    window = at("2026-01-01"), at("2027-01-01")
    assert found.segments(*window) == [window]


def test_a_shift_that_starts_inside_the_gap_starts_after_it():
    found = work([shift(7, "02:30", "06:00")], timezone="Europe/Berlin")
    assert found.segments(at("2026-03-29"), at("2026-03-30")) == [
        (at("2026-03-29T01:00"), at("2026-03-29T04:00"))
    ]


def test_a_shift_that_lies_inside_the_gap_does_not_happen():
    found = work([shift(7, "02:00", "03:00")], timezone="Europe/Berlin")
    assert found.segments(at("2026-03-29"), at("2026-03-30")) == []


def test_a_shift_that_ends_at_a_doubled_time_ends_at_the_first():
    found = work([shift(7, "00:00", "02:30")], timezone="Europe/Berlin")
    assert found.between(at("2026-10-24"), at("2026-10-26")) == 2.5 * HOUR


# ----------------------------------------------------------------- unbroken stretches
def test_unbroken_work_waits_for_a_stretch_that_holds_it():
    found = work([shift(1, "06:00", "08:00"), shift(2, "06:00", "14:00")])
    assert iso(found.first_fit(at("2026-01-05T06:00"), 2 * HOUR)) == "2026-01-05T06:00"
    assert iso(found.first_fit(at("2026-01-05T06:01"), 2 * HOUR)) == "2026-01-06T06:00"
    assert iso(found.first_fit(at("2026-01-05T06:00"), 3 * HOUR)) == "2026-01-06T06:00"


def test_unbroken_work_ends_in_the_last_stretch_that_holds_it():
    found = work([shift(1, "06:00", "14:00"), shift(2, "06:00", "08:00")])
    assert iso(found.last_fit(at("2026-01-07"), 2 * HOUR)) == "2026-01-06T06:00"
    assert iso(found.last_fit(at("2026-01-07"), 3 * HOUR)) == "2026-01-05T11:00"
    assert iso(found.last_fit(at("2026-01-05T13:00"), 3 * HOUR)) == "2026-01-05T10:00"


def test_unbroken_work_longer_than_every_opening_never_fits():
    found = work(day_shifts())
    assert found.first_fit(at("2026-01-05"), 8 * HOUR + 1) is None
    assert found.last_fit(at("2026-01-05"), 8 * HOUR + 1) is None


def test_unbroken_work_finds_the_one_long_opening_years_away():
    one = closing("2031-05-05", "2031-05-07", capacity=1.0)
    found = work(day_shifts(), [one])
    assert iso(found.first_fit(at("2026-01-05"), 40 * HOUR)) == "2031-05-05T00:00"
    assert iso(found.last_fit(at("2036-01-05"), 48 * HOUR)) == "2031-05-05T00:00"


def test_unbroken_work_may_be_longer_than_a_year():
    found = work([], [closing("2026-01-01", "2036-01-01", capacity=1.0)])
    assert iso(found.first_fit(at("2026-01-05"), 9 * 365 * DAY)) == "2026-01-05T00:00"
    assert found.last_fit(at("2037-01-05"), 9 * 365 * DAY) == (
        at("2036-01-01") - 9 * 365 * DAY
    )


# ------------------------------------------------------------------------- together
def test_two_calendars_are_open_while_both_are():
    tables: Tables = {
        "calendars": [{"calendar": "a"}, {"calendar": "b"}],
        "shifts": [
            {"calendar": "a", "weekday": 1, "start": "06:00", "finish": "14:00"},
            {
                "calendar": "b",
                "weekday": 1,
                "start": "12:00",
                "finish": "18:00",
                "capacity": 0.5,
            },
        ],
    }
    both = Calendars(Snapshot.from_frames(tables))
    day = at("2026-01-05"), at("2026-01-06")
    noon = at("2026-01-05T12:00"), at("2026-01-05T14:00")
    assert both.working_time("a", "b", None).shares(*day) == [(*noon, 0.5)]
    assert both.working_time("b", "a").segments(*day) == [noon]
    assert both.working_time("a", "b") is both.working_time("a", None, "b", "a")
    assert both.working_time("a", None) is both.working_time("a")
    assert both.names == ("a", "b")


def test_windows_can_be_closed_on_top():
    found = work(day_shifts())
    window = at("2026-01-05T08:00"), at("2026-01-05T09:00")
    cleaned = found.without([window])
    assert iso(cleaned.add(at("2026-01-05T06:00"), 3 * HOUR)) == "2026-01-05T10:00"
    assert iso(cleaned.subtract(at("2026-01-05T09:00"), HOUR)) == "2026-01-05T07:00"
    assert found.without([]) is found


def test_a_share_that_leaves_no_whole_unit_is_closed():
    half = work([shift(1, "06:00", "14:00", capacity=0.5)])
    one = half.staffed([(-NEVER, NEVER, 1.0)])
    assert one.next_open(0) is None
    assert one.previous_open(0) is None
    change = at("2026-01-05T10:00")
    grows = half.staffed([(-NEVER, change, 1.0), (change, NEVER, 2.0)])
    assert iso(grows.next_open(at("2026-01-05"))) == "2026-01-05T10:00"


# ---------------------------------------------------------------------- open days
@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-01-09T10:00", 1, "2026-01-12T10:00"),  # Friday to Monday
        ("2026-01-09T00:00", 1, "2026-01-10T00:00"),  # the day ends at midnight
        ("2026-01-10T15:00", 1, "2026-01-13T00:00"),  # Saturday: Monday counts
        ("2026-01-09T18:00", 0.5, "2026-01-12T06:00"),
        ("2026-01-10T15:00", 0.25, "2026-01-12T06:00"),
        ("2026-01-10T15:00", 0, "2026-01-10T15:00"),
        ("2026-01-05T10:00", 5, "2026-01-12T10:00"),
    ],
)
def test_days_counted_forward_end_at_the_earliest(
    start: str, days: float, expected: str
):
    assert iso(work(day_shifts()).add_days(at(start), days)) == expected


@pytest.mark.parametrize(
    ("finish", "days", "expected"),
    [
        ("2026-01-12T10:00", 1, "2026-01-09T10:00"),
        ("2026-01-10T00:00", 1, "2026-01-09T00:00"),
        ("2026-01-11T15:00", 1, "2026-01-09T00:00"),
        ("2026-01-12T06:00", 0.25, "2026-01-12T00:00"),  # not Friday 24:00
        ("2026-01-12T06:00", 0.5, "2026-01-09T18:00"),
        ("2026-01-11T15:00", 0, "2026-01-11T15:00"),
    ],
)
def test_days_counted_backward_begin_at_the_latest(
    finish: str, days: float, expected: str
):
    assert iso(work(day_shifts()).subtract_days(at(finish), days)) == expected


def test_days_may_be_an_exact_fraction():
    third = Fraction(1, 3)
    assert iso(work(day_shifts()).add_days(at("2026-01-05"), third)) == (
        "2026-01-05T08:00"
    )


def test_a_night_shift_opens_both_of_its_dates():
    nights = work([shift(5, "22:00", "06:00")])  # Friday into Saturday
    assert iso(nights.add_days(at("2026-01-09T12:00"), 1)) == "2026-01-10T12:00"
    assert iso(nights.add_days(at("2026-01-10T12:00"), 1)) == "2026-01-16T12:00"


@pytest.mark.parametrize(
    ("timezone", "before", "after"),
    [
        # Noon to noon of the wall clock: 23 h and 25 h.
        ("Europe/Berlin", "2026-03-28T11:00", "2026-03-29T10:00"),
        ("Europe/Berlin", "2026-10-24T10:00", "2026-10-25T11:00"),
        ("America/New_York", "2026-03-07T17:00", "2026-03-08T16:00"),
        ("America/New_York", "2026-10-31T16:00", "2026-11-01T17:00"),
    ],
)
def test_an_open_day_is_a_date_of_the_wall_clock_whatever_its_length(
    timezone: str, before: str, after: str
):
    week = [shift(day, "00:00", "00:00") for day in range(1, 8)]
    found = work(week, timezone=timezone)
    assert iso(found.add_days(at(before), 1)) == after
    assert iso(found.subtract_days(at(after), 1)) == before


def test_a_count_that_ends_in_the_gap_ends_after_it():
    week = [shift(day, "00:00", "00:00") for day in range(1, 8)]
    found = work(week, timezone="Europe/Berlin")
    # 02:30 on 28 March + 1 day: the clock jumps from 02:00 to 03:00 at 01:00Z.
    assert iso(found.add_days(at("2026-03-28T01:30"), 1)) == "2026-03-29T01:00"
    assert iso(found.subtract_days(at("2026-03-30T00:30"), 1)) == "2026-03-29T01:00"


def test_a_count_that_ends_at_a_doubled_time_takes_the_first_forward_the_last_back():
    week = [shift(day, "00:00", "00:00") for day in range(1, 8)]
    found = work(week, timezone="Europe/Berlin")
    assert iso(found.add_days(at("2026-10-24T00:30"), 1)) == "2026-10-25T00:30"
    assert iso(found.subtract_days(at("2026-10-26T01:30"), 1)) == "2026-10-25T01:30"


def test_a_count_never_runs_backward_inside_the_doubled_hour():
    week = [shift(day, "00:00", "00:00") for day in range(1, 8)]
    found = work(week, timezone="Europe/Berlin")
    second = at("2026-10-25T01:10")  # 02:10 for the second time
    assert iso(found.add_days(second, 10 / 1440)) == "2026-10-25T01:20"
    first = at("2026-10-25T00:50")  # 02:50 for the first time
    assert iso(found.subtract_days(first, 10 / 1440)) == "2026-10-25T00:40"


def test_open_days_reach_decades_away():
    found = work(day_shifts())
    assert iso(found.add_days(at("2026-01-05"), 5 * 52 * 20)) == "2045-12-09T00:00"
    assert iso(found.subtract_days(at("2026-01-05"), 5)) == "2025-12-29T00:00"
    assert iso(found.subtract_days(at("2026-01-05"), 5 * 52 * 20)) == (
        "2006-01-30T00:00"
    )
    assert iso(found.add_days(at("1996-01-01"), 1)) == "1996-01-02T00:00"


# --------------------------------------------------------------------------- laws
HOURS = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")
SHIFTS = st.lists(
    st.builds(shift, st.integers(1, 7), HOURS, HOURS),
    min_size=1,
    max_size=6,
    unique_by=lambda row: (row["weekday"], row["start"]),
)
START = at("2026-01-05")
EXCEPTIONS = st.lists(
    st.builds(
        lambda begin, hours, capacity, priority: {
            "calendar": "work",
            "start": from_seconds(START + begin * HOUR),
            "finish": from_seconds(START + (begin + hours) * HOUR),
            "capacity": capacity,
            "priority": priority,
        },
        st.integers(0, 400),
        st.integers(1, 60),
        st.sampled_from([0.0, 1.0]),
        st.integers(0, 2),
    ),
    max_size=4,
    unique_by=lambda row: row["start"],
)
INSTANTS = st.integers(START, START + 21 * DAY)
WORK = st.integers(1, 40 * HOUR)
PATTERNS = st.builds(work, SHIFTS, EXCEPTIONS)
EVERYWHERE = st.builds(
    work,
    SHIFTS,
    EXCEPTIONS,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)


@given(EVERYWHERE, INSTANTS, WORK)
def test_work_added_lies_between_its_ends(found: WorkingTime, now: int, seconds: int):
    finish = found.add(now, seconds)
    assert finish is not None
    assert found.between(now, finish) == seconds
    assert found.previous_open(finish) == finish
    assert found.between(now, finish - 1) == seconds - 1


@given(EVERYWHERE, INSTANTS, WORK)
def test_work_subtracted_lies_between_its_ends(
    found: WorkingTime, now: int, seconds: int
):
    start = found.subtract(now, seconds)
    assert start is not None
    assert found.between(start, now) == seconds
    assert found.is_open(start)
    assert found.between(start + 1, now) == seconds - 1


@given(EVERYWHERE, INSTANTS, WORK)
def test_the_two_maps_undo_each_other_on_open_time(
    found: WorkingTime, now: int, seconds: int
):
    start = found.next_open(now)
    assert start is not None
    finish = found.add(start, seconds)
    assert finish is not None
    assert found.subtract(finish, seconds) == start
    end = found.previous_open(now)
    assert end is not None
    begin = found.subtract(end, seconds)
    assert begin is not None
    assert found.add(begin, seconds) == end


@given(PATTERNS, st.lists(INSTANTS, min_size=2, max_size=6))
def test_the_order_of_questions_does_not_change_an_answer(
    found: WorkingTime, instants: list[int]
):
    far = [now + k * 3000 * DAY for k, now in enumerate(instants)]
    fresh = WorkingTime(found.shares, found.zone)
    forward = [fresh.next_open(now) for now in far]
    again = WorkingTime(found.shares, found.zone)
    assert [again.next_open(now) for now in reversed(far)] == forward[::-1]


@given(EVERYWHERE, INSTANTS, st.integers(1, 12 * 24))
def test_open_days_forward_and_backward_meet(found: WorkingTime, now: int, hours: int):
    days = Fraction(hours, 24)
    finish = found.add_days(now, days)
    assert finish is not None
    start = found.subtract_days(finish, days)
    assert start is not None
    assert start >= now or now - start <= HOUR  # an hour that comes twice


@given(PATTERNS, INSTANTS, st.integers(1, 20 * HOUR))
def test_an_unbroken_start_is_the_first_that_fits(
    found: WorkingTime, now: int, length: int
):
    start = found.first_fit(now, length)
    window = found.segments(now, now + 60 * DAY)
    fits = [begin for begin, end in window if begin + length <= end]
    assert start == (fits[0] if fits else None) or not fits
    if start is not None:
        assert found.between(start, start + length) == length


def slow_is_open(shifts: list[Row], exceptions: list[Row], moment: int) -> bool:
    """The calendar rules read aloud, for whole hours in UTC."""
    now = from_seconds(moment)
    applying = [x for x in exceptions if x["start"] <= now < x["finish"]]
    if applying:
        rank = max(x["priority"] for x in applying)
        return all(x["capacity"] for x in applying if x["priority"] == rank)
    for row in shifts:
        start, finish = row["start"].hour, row["finish"].hour
        length = (finish - start) % 24 or 24
        since = (now.isoweekday() - row["weekday"]) % 7 * 24 + now.hour - start
        if 0 <= since < length or 0 <= since + 168 < length:
            return True
    return False


@given(SHIFTS, EXCEPTIONS)
def test_every_hour_of_three_weeks_agrees_with_the_rules_read_aloud(
    shifts: list[Row], exceptions: list[Row]
):
    found = work(shifts, exceptions)
    hours = [START + k * HOUR for k in range(21 * 24)]
    assert [found.is_open(hour) for hour in hours] == [
        slow_is_open(shifts, exceptions, hour) for hour in hours
    ]
    stretches = found.segments(START, START + 21 * DAY)
    assert all(end < begin for (_, end), (begin, _) in pairwise(stretches))


@given(SHIFTS, SHIFTS, INSTANTS, st.integers(1, 10 * HOUR // MINUTE))
def test_an_intersection_agrees_with_stepping_by_the_minute(
    first: list[Row], second: list[Row], now: int, minutes: int
):
    now -= now % MINUTE
    both = work(first).intersect(work(second))
    open_minutes = (
        moment
        for moment in range(now, now + 15 * DAY, MINUTE)
        if slow_is_open(first, [], moment) and slow_is_open(second, [], moment)
    )
    expected = None
    for count, moment in enumerate(open_minutes, 1):
        if count == minutes:
            expected = moment + MINUTE
            break
    found = both.add(now, minutes * MINUTE)
    assert found == expected or (
        expected is None and (found is None or found > now + 15 * DAY)
    )


@given(
    st.integers(at("2025-12-20T00:00"), at("2026-03-01T00:00")),
    st.integers(1, 400 * HOUR),
)
def test_the_soonest_span_is_the_next_open_instant_and_the_work_from_there(
    start, length
):
    for found in (
        work(day_shifts()),
        work(
            [shift(1, "22:00", "06:00"), shift(2, "06:00", "14:00")],
            [closing("2026-01-06T08:00", "2026-01-20T09:30")],
        ),
        ALWAYS_OPEN,
    ):
        opens = found.next_open(start)
        assert opens is not None
        assert found.soonest(start, length) == (opens, found.add(opens, length))


def test_there_is_no_soonest_span_where_nothing_opens_any_more():
    found = work(day_shifts())
    assert found.soonest(LATEST + 1, 1) is None
    assert found.soonest(LATEST - DAY, 30 * DAY) is None
