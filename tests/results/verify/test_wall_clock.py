"""The calendars of the check, against wall clocks and against the planners' own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.verify.facts import Facts
from medhavi.results.verify.wall_clock import (
    OpenIntervals,
    WallClock,
    moved,
    touched_time,
)
from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.units import DAY, HOUR
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import PYTHON, day

FAR = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)

NIGHT = {
    "calendar": "C",
    "weekday": 6,
    "start": dt.time(22),
    "finish": dt.time(6),
}


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


def tables(
    zone: str, shifts: list[dict[str, Any]], exceptions: list[dict[str, Any]]
) -> Snapshot:
    return Snapshot.from_frames(
        {
            "settings": [{"as_of": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}],
            "calendars": [{"calendar": "C", "timezone": zone}],
            "shifts": shifts,
            "calendar_exceptions": exceptions,
        }
    )


def clock(snapshot: Snapshot, first: str, last: str) -> WallClock:
    return WallClock(snapshot, ((at(first), at(last)),))


def hours(own: OpenIntervals, start: str, finish: str) -> float:
    begin, end = np.array([at(start)]), np.array([at(finish)])
    return float(own.between(begin, end)[0]) / HOUR


@pytest.mark.parametrize(
    ("day", "worked"),
    [("2026-03-28", 7.0), ("2026-10-24", 9.0), ("2026-06-06", 8.0)],
    ids=["spring", "autumn", "summer"],
)
def test_a_night_shift_follows_the_clock(day: str, worked: float) -> None:
    """Saturday 22:00 to Sunday 06:00 in Rome, over both changes of the clock."""
    own = clock(tables("Europe/Rome", [NIGHT], []), day, day).open_time("C")
    end = f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}"
    assert hours(own, f"{day} 12:00", f"{end} 12:00") == worked


def test_a_time_that_does_not_exist_is_the_end_of_the_gap() -> None:
    shift = {**NIGHT, "weekday": 7, "start": dt.time(2, 30), "finish": dt.time(4)}
    own = clock(tables("Europe/Rome", [shift], []), "2026-03-29", "2026-03-29")
    assert own.open_time("C").starts.tolist().count(at("2026-03-29 01:00")) == 1


def test_a_time_that_exists_twice_is_the_first() -> None:
    shift = {**NIGHT, "weekday": 7, "start": dt.time(2, 30), "finish": dt.time(4)}
    own = clock(tables("Europe/Rome", [shift], []), "2026-10-25", "2026-10-25")
    assert own.open_time("C").starts.tolist().count(at("2026-10-25 00:30")) == 1


def test_exceptions_win_and_the_higher_priority_among_them() -> None:
    closed = {
        "calendar": "C",
        "start": dt.datetime(2026, 6, 6, 20, tzinfo=dt.UTC),
        "finish": dt.datetime(2026, 6, 7, 4, tzinfo=dt.UTC),
    }
    overtime = {
        **closed,
        "start": dt.datetime(2026, 6, 7, 2, tzinfo=dt.UTC),
        "finish": dt.datetime(2026, 6, 7, 6, tzinfo=dt.UTC),
        "capacity": 1.0,
        "priority": 1,
    }
    snapshot = tables("Europe/Rome", [NIGHT], [closed, overtime])
    own = clock(snapshot, "2026-06-06", "2026-06-07").open_time("C")
    assert hours(own, "2026-06-06 12:00", "2026-06-07 12:00") == 4.0


def test_a_shift_ends_with_its_validity() -> None:
    shift = {**NIGHT, "valid_to": dt.datetime(2026, 6, 6, 22, tzinfo=dt.UTC)}
    own = clock(tables("UTC", [shift], []), "2026-06-06", "2026-06-07").open_time("C")
    assert hours(own, "2026-06-06 12:00", "2026-06-07 12:00") == 0.0


def test_a_calendar_without_shifts_is_closed() -> None:
    own = clock(tables("UTC", [], []), "2026-06-06", "2026-06-07").open_time("C")
    assert hours(own, "2026-06-06 12:00", "2026-06-07 12:00") == 0.0
    assert own.share(np.array([at("2026-06-06 12:00")])).tolist() == [0.0]


def test_no_calendar_closes_nothing() -> None:
    wall = clock(tables("UTC", [], []), "2026-06-06", "2026-06-07")
    assert wall.common([None, None]) is None
    assert wall.day_axis(None, np.array([5])).tolist() == [5]


def test_two_calendars_are_open_together() -> None:
    snapshot = tables("UTC", [NIGHT], []).replace(
        calendars=[{"calendar": "C"}, {"calendar": "D"}],
        shifts=[
            NIGHT,
            {**NIGHT, "calendar": "D", "start": dt.time(20), "capacity": 0.5},
        ],
    )
    own = clock(snapshot, "2026-06-06", "2026-06-07").common(["C", None, "D"])
    assert own is not None
    assert hours(own, "2026-06-06 12:00", "2026-06-07 12:00") == 8.0
    assert own.share(np.array([at("2026-06-06 23:00")])).tolist() == [0.5]


def test_moving_forward_ends_a_shift_and_backward_begins_one() -> None:
    own = OpenIntervals(
        starts=np.array([0, 100]), finishes=np.array([50, 150]), shares=np.ones(2)
    )
    assert moved(own, 10, 40) == 50
    assert moved(own, 10, 41) == 101
    assert moved(own, 110, -10) == 100
    assert moved(own, 110, -11) == 49
    assert moved(own, 10, 1000) == 1010


def test_open_dates_have_24_hours_each() -> None:
    wall = clock(tables("Europe/Rome", [NIGHT], []), "2026-03-20", "2026-04-10")
    places = wall.day_axis(
        "C", np.array([at("2026-03-27 23:00"), at("2026-03-30 12:00")])
    )
    # Saturday and the short Sunday are open; Monday noon stands where Sunday ended.
    assert (places[1] - places[0]) == 2 * DAY


SHIFTS = st.lists(
    st.builds(
        lambda weekday, start, length, share: {
            "calendar": "C",
            "weekday": weekday,
            "start": dt.time(start // 60, start % 60),
            "finish": dt.time((start + length) % 1440 // 60, (start + length) % 60),
            "capacity": share,
        },
        st.integers(1, 7),
        st.integers(0, 1439),
        st.integers(1, 1440),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=5,
    unique_by=lambda row: (row["weekday"], row["start"]),
)
MOMENT = st.integers(at("2026-03-20 00:00"), at("2026-04-05 00:00"))
EXCEPTIONS = st.lists(
    st.builds(
        lambda start, length, share, priority: {
            "calendar": "C",
            "start": dt.datetime.fromtimestamp(start, dt.UTC),
            "finish": dt.datetime.fromtimestamp(start + length, dt.UTC),
            "capacity": share,
            "priority": priority,
        },
        MOMENT,
        st.integers(1, 3 * DAY),
        st.sampled_from([0.0, 0.5, 1.0]),
        st.integers(0, 2),
    ),
    max_size=3,
    unique_by=lambda row: row["start"],
)


@given(
    st.sampled_from(["UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe"]),
    SHIFTS,
    EXCEPTIONS,
    st.lists(MOMENT, min_size=2, max_size=2),
)
def test_both_calendars_of_the_house_agree(
    zone: str,
    shifts: list[dict[str, Any]],
    exceptions: list[dict[str, Any]],
    moments: list[int],
) -> None:
    """Two readings that share no code, across a change of the clock."""
    snapshot = tables(zone, shifts, exceptions)
    first, last = sorted(moments)
    own = WallClock(snapshot, ((first, last),)).open_time("C")
    theirs = Calendars(snapshot).working_time("C")
    mine = int(own.between(np.array([first]), np.array([last]))[0])
    assert mine == theirs.between(first, last)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_the_last_days_that_have_a_date_are_counted(zone: str) -> None:
    """9999-12-31 stands for an open end in many systems."""
    snapshot = tables(zone, [{**NIGHT, "weekday": day} for day in range(1, 8)], [])
    own = clock(snapshot, "9999-11-01", "9999-12-31T23:59:59")
    assert hours(own.open_time("C"), "9999-12-01", "9999-12-11") == 80.0
    ends = np.array([at("9999-12-11"), at("9999-12-31T23:59:59")])
    assert np.all(np.diff(own.day_axis("C", ends)) > 0)
    theirs = Calendars(snapshot).working_time("C")
    found = theirs.subtract_days(at("9999-12-31T23:59:59"), DAY)
    assert found is None or found < ends[1]


EVERY_NIGHT = [{**NIGHT, "weekday": day} for day in range(1, 8)]


@pytest.mark.req("QA-03")
def test_millennia_without_an_instant_are_not_listed() -> None:
    """An order that nobody dated lies in 9999; both ends are read as if alone."""
    snapshot = tables("Europe/Rome", EVERY_NIGHT, [])
    ends = ("2026-03-20", "2026-04-10"), ("9999-12-01", "9999-12-20")
    moments = [at(text) for end in ends for text in end]
    own = WallClock(snapshot, touched_time(moments))
    assert len(own.open_time("C").starts) < 3_000
    for first, last in ends:
        alone = clock(snapshot, first, last)
        told = hours(own.open_time("C"), first, last)
        assert told == hours(alone.open_time("C"), first, last) > 150.0
        both = np.array([at(first), at(last)])
        days = [np.diff(one.day_axis("C", both))[0] for one in (own, alone)]
        assert days[0] == days[1] >= both[1] - both[0]


@pytest.mark.req("QA-03")
def test_a_plan_is_checked_around_its_dates_though_an_order_is_due_in_9999() -> None:
    snapshot = factories.snapshot(
        demands=[{"due": day(20)}],
        calendars=[{"calendar": "C", "timezone": "Europe/Rome"}],
        shifts=EVERY_NIGHT,
        routings=[{}],
        resources=[{"resource": "M", "calendar": "C"}],
        steps=[{"run_minutes_per_unit": 3.0}],
        step_resources=[{"resource": "M"}],
        supply_orders=[{"kind": "work", "source": "R", "due": FAR, "qty": 5}],
    )
    made = plan(snapshot, settings=PYTHON)
    assert FAR in made.supplies["finish"].to_list()
    assert verify(made, snapshot) == []
    assert len(Facts(made, snapshot).clock.open_time("C").starts) < 3_000


def test_the_first_days_that_have_a_date_are_counted() -> None:
    snapshot = tables("America/New_York", [NIGHT], [])
    own = clock(snapshot, "0001-01-01", "0001-03-01").open_time("C")
    assert hours(own, "0001-02-01", "0001-03-01") == 32.0
