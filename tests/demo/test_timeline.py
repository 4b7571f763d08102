"""Clock, working hours and departures of the played history."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.demo.aurora import found
from medhavi.demo.company_model.company import Lane
from medhavi.demo.simulation.simulation_state import (
    START,
    Timeline,
    WorkingHours,
    date_of,
    local_midnight,
    next_departure,
)
from medhavi.units import HOUR, from_seconds, to_seconds
from tests.api import SCALES


def at(text: str) -> int:
    return to_seconds(dt.datetime.fromisoformat(text))


@pytest.fixture(scope="module")
def bergamo() -> WorkingHours:
    return WorkingHours(found(SCALES["small"], 1), "BERGAMO")


def test_actions_run_in_order_of_time_then_of_scheduling():
    timeline, seen = Timeline(), []
    timeline.at(START + 20, lambda: seen.append("late"))
    timeline.at(START + 10, lambda: seen.append("first"))
    timeline.at(START + 10, lambda: seen.append("second"))
    timeline.run(START + 15)
    assert seen == ["first", "second"]
    assert timeline.now == START + 15


def test_what_is_scheduled_in_the_past_happens_now():
    timeline, seen = Timeline(), []
    timeline.at(0, lambda: seen.append(timeline.now))
    timeline.run(START)
    assert seen == [START]


def test_a_local_day_begins_at_local_midnight():
    day = at("2026-07-01T00:00:00+00:00") // 86400
    assert from_seconds(local_midnight("Europe/Rome", day)).hour == 22
    assert from_seconds(local_midnight("America/New_York", day)).hour == 4


def test_work_goes_on_after_the_weekend(bergamo):
    friday = at("2026-10-30T20:30:00+01:00")
    assert bergamo.after(friday, 180) == at("2026-11-02T07:30:00+01:00")


def test_work_stops_on_holidays(bergamo):
    assert bergamo.next_open(at("2026-08-11T09:00:00+02:00")) == at(
        "2026-08-24T06:00:00+02:00"
    )


def test_open_minutes_leave_out_the_night(bergamo):
    evening, morning = at("2026-10-27T21:00:00+01:00"), at("2026-10-28T07:00:00+01:00")
    assert bergamo.between(evening, morning) == 120


def test_goods_that_miss_the_cutoff_take_the_next_departure():
    lane = Lane(
        lane="L",
        origin="BERGAMO",
        destination="HAMBURG",
        hours=26,
        departures=((2, 14 * 60), (4, 14 * 60)),
        cutoff_h=4,
    )
    tuesday = at("2026-10-27T10:00:00+01:00")
    assert next_departure(lane, "Europe/Rome", tuesday) == tuesday + 4 * HOUR
    late = next_departure(lane, "Europe/Rome", tuesday + 60)
    assert date_of(late).isoweekday() == 4


def test_a_lane_without_timetable_leaves_after_the_cutoff():
    lane = Lane(lane="L", origin="A", destination="B", hours=1, cutoff_h=2)
    assert next_departure(lane, "UTC", START) == START + 2 * HOUR
