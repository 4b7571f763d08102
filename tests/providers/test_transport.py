"""Moving: departures, cut-offs, transit, what a lane may carry, what it costs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.sourcing.supply_limits import SupplyLimits
from medhavi.providers.transport.transport import ContinuousLaneClock
from medhavi.units import HOUR
from tests import factories
from tests.providers.given_times import OFFICE_HOURS, WORKDAYS, moment, providers, text

if TYPE_CHECKING:
    from medhavi.providers.sources import Source

MOVE = [{"location": "W", "kind": "move", "source": "T"}]


def moved(**tables) -> Source:
    tables.setdefault("lanes", [{"lane": "T"}])
    tables.setdefault("sourcing", MOVE)
    sources = providers(factories.snapshot(**tables)).sourcing.sources("A", "W")
    assert [source.kind for source in sources] == ["move"]
    return sources[0]


def departure(timing) -> str:
    return text(timing.start)


def dates(timing) -> list[str]:
    return [text(timing.ready), text(timing.start), text(timing.finish)]


def test_lane_without_timetable_leaves_just_in_time():
    source = moved(
        lanes=[{"lane": "T", "duration_h": 24, "customs_h": 6, "cutoff_h": 2}]
    )
    assert isinstance(source.clock, ContinuousLaneClock)
    timing = source.clock.latest(moment("2026-01-20T12:00"), 1)
    assert dates(timing) == [
        "Mon 2026-01-19 04:00",
        "Mon 2026-01-19 06:00",
        "Tue 2026-01-20 12:00",
    ]
    assert timing.departure == timing.start
    assert source.origin == "L"


@pytest.mark.req("TRN-04")
def test_latest_departure_is_one_of_the_timetable():
    source = moved(
        lanes=[{"lane": "T", "duration_h": 30, "cutoff_h": 12}],
        departures=[
            {"lane": "T", "weekday": 1, "time": dt.time(8)},
            {"lane": "T", "weekday": 4, "time": dt.time(18, 30)},
        ],
    )
    timing = source.clock.latest(moment("2026-01-16T23:00"), 1)
    # Thursday 18:30 would arrive on Saturday; so Monday.
    assert dates(timing) == [
        "Sun 2026-01-11 20:00",
        "Mon 2026-01-12 08:00",
        "Tue 2026-01-13 14:00",
    ]


def test_lane_has_one_clock_and_one_timetable_for_all_products():
    transport = providers(factories.snapshot(lanes=[{"lane": "T"}])).transport
    assert transport.clock("T", 0.0) is transport.clock("T", 0.0)
    assert transport.timetable("T") is transport.timetable("T")
    assert transport.clock("T", 1.0) is not transport.clock("T", 0.0)


def test_goods_ready_after_the_cutoff_wait_for_the_next_departure():
    source = moved(
        lanes=[{"lane": "T", "duration_h": 30, "cutoff_h": 12}],
        departures=[{"lane": "T", "weekday": 1, "time": dt.time(8)}],
    )
    in_time = source.clock.earliest(moment("2026-01-11T20:00"), 1)
    too_late = source.clock.earliest(moment("2026-01-11T20:00") + 1, 1)
    assert departure(in_time) == "Mon 2026-01-12 08:00"
    assert departure(too_late) == "Mon 2026-01-19 08:00"


def test_duration_and_customs_count_in_the_calendar_of_the_lane():
    source = moved(
        lanes=[{"lane": "T", "duration_h": 10, "customs_h": 2, "calendar": "CAL"}],
        shifts=OFFICE_HOURS,
    )
    # Twelve office hours up to Tuesday noon: 4 on Tuesday, 8 on Monday.
    timing = source.clock.latest(moment("2026-01-13T12:00"), 1)
    assert dates(timing)[1:] == ["Mon 2026-01-12 08:00", "Tue 2026-01-13 12:00"]


def test_safety_days_of_the_sourcing_row_count_at_the_destination():
    source = moved(
        locations=[{"location": "W", "calendar": "CAL"}],
        shifts=WORKDAYS,
        sourcing=[{**MOVE[0], "safety_days": 2}],
    )
    timing = source.clock.latest(moment("2026-01-13T06:00"), 1)
    # Two open days before Tuesday 6:00 is Friday 6:00, then a day on the road.
    assert dates(timing)[1:] == ["Thu 2026-01-08 06:00", "Fri 2026-01-09 06:00"]


def test_safety_days_around_the_clock_keep_the_fast_clock():
    source = moved(sourcing=[{**MOVE[0], "safety_days": 2}])
    assert isinstance(source.clock, ContinuousLaneClock)
    timing = source.clock.latest(moment("2026-01-13T06:00"), 1)
    assert text(timing.finish) == "Sun 2026-01-11 06:00"


def test_departure_is_local_time_of_the_origin():
    source = moved(
        locations=[{"location": "L", "timezone": "America/New_York"}],
        departures=[{"lane": "T", "weekday": 1, "time": dt.time(8)}],
    )
    winter = source.clock.earliest(moment("2026-01-05T00:00"), 1)
    summer = source.clock.earliest(moment("2026-07-06T00:00"), 1)
    assert departure(winter) == "Mon 2026-01-05 13:00"
    assert departure(summer) == "Mon 2026-07-06 12:00"


@pytest.mark.req("TRN-06")
def test_lane_does_not_leave_in_a_blackout():
    source = moved(
        lane_blackouts=[
            {
                "lane": "T",
                "valid_from": dt.datetime(2026, 1, 10, tzinfo=dt.UTC),
                "valid_to": dt.datetime(2026, 1, 20, tzinfo=dt.UTC),
            }
        ]
    )
    back = source.clock.latest(moment("2026-01-16T00:00"), 1)
    ahead = source.clock.earliest(moment("2026-01-16T00:00"), 1)
    assert departure(back) == "Fri 2026-01-09 23:59"
    assert departure(ahead) == "Tue 2026-01-20 00:00"


def test_lane_that_never_opens_never_arrives():
    source = moved(
        lanes=[{"lane": "T", "calendar": "CAL"}], calendars=[{"calendar": "CAL"}]
    )
    assert source.clock.latest(moment("2026-01-16T00:00"), 1) is None
    assert source.clock.earliest(moment("2026-01-16T00:00"), 1) is None


def test_destination_that_never_opens_has_no_safety_days():
    source = moved(
        locations=[{"location": "W", "calendar": "CAL"}],
        calendars=[{"calendar": "CAL"}],
        sourcing=[{**MOVE[0], "safety_days": 2}],
    )
    assert source.clock.latest(moment("2026-01-16T00:00"), 1) is None


def test_lane_in_a_blackout_of_decades_never_leaves():
    source = moved(
        lane_blackouts=[
            {
                "lane": "T",
                "valid_from": dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
                "valid_to": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
            }
        ]
    )
    assert source.clock.latest(moment("2026-01-16T00:00"), 1) is None
    assert source.clock.earliest(moment("2026-01-16T00:00"), 1) is None


@given(
    duration=st.integers(0, 60),
    cutoff=st.integers(0, 30),
    safety=st.sampled_from([0.0, 0.5, 2.0]),
    times=st.lists(
        st.tuples(st.integers(1, 7), st.integers(0, 23)), max_size=4, unique=True
    ),
    need=st.integers(0, 24 * 60).map(lambda hours: hours * HOUR),
    on_calendar=st.booleans(),
)
def test_latest_is_in_time_and_the_next_departure_is_not(
    duration, cutoff, safety, times, need, on_calendar
):
    snapshot = factories.snapshot(
        calendars=[{}],
        shifts=OFFICE_HOURS,
        locations=[
            {"location": "L", "timezone": "Europe/Berlin"},
            {"location": "W", "calendar": "CAL"},
        ],
        lanes=[
            {
                "lane": "T",
                "duration_h": duration,
                "cutoff_h": cutoff,
                "calendar": "CAL" if on_calendar else None,
            }
        ],
        departures=[
            {"lane": "T", "weekday": day, "time": dt.time(hour)} for day, hour in times
        ],
        sourcing=[{**MOVE[0], "safety_days": safety}],
    )
    bundle = providers(snapshot)
    clock = bundle.sourcing.sources("A", "W")[0].clock
    days = bundle.sourcing.location_time("W")
    need += snapshot.as_of + 60 * 24 * HOUR
    timing = clock.latest(need, 1)
    assert timing is not None
    assert timing == clock.earliest(timing.ready, 1)
    assert timing.ready == timing.start - cutoff * HOUR
    arrival = days.add_days(timing.finish, safety)
    assert arrival is not None
    assert arrival <= need
    later = clock.earliest(timing.ready + 1, 1)
    assert later is not None
    beyond = days.add_days(later.finish, safety)
    assert beyond is not None
    assert beyond > need or later.finish == timing.finish


# ------------------------------------------------------------------------- obstacles
@pytest.mark.req("TRN-06", "CORE-11")
def test_dangerous_goods_stay_off_a_lane_that_forbids_them():
    bundle = providers(
        factories.snapshot(
            products=[{"product": "A", "hazmat": True}, {"product": "B"}],
            lanes=[{"lane": "T", "hazmat_allowed": False}],
            stock=[{"product": "A"}, {"product": "B"}],
        )
    )
    assert bundle.sourcing.sources("A", "W") == ()
    assert [s.source for s in bundle.sourcing.sources("B", "W")] == ["T"]


@pytest.mark.req("TRN-06")
@pytest.mark.parametrize(
    ("country", "lanes"), [("XX", []), ("DE", ["T"]), (None, ["T"])]
)
def test_lane_serves_no_blocked_country(country, lanes):
    bundle = providers(
        factories.snapshot(
            locations=[{"location": "W", "country": country}],
            lanes=[{"lane": "T", "blocked_countries": ["XX", "YY"]}],
            stock=[{}],
        )
    )
    assert [s.source for s in bundle.sourcing.sources("A", "W")] == lanes


# ------------------------------------------------------------------------------ cost
@pytest.mark.req("TRN-10")
def test_cost_of_a_move_is_per_departure_shipment_unit_and_kilogram():
    source = moved(
        products=[{"product": "A", "weight_kg": 4}],
        lanes=[
            {
                "lane": "T",
                "fixed_cost": 100,
                "customs_cost": 20,
                "cost_per_unit": 1,
                "cost_per_kg": 0.5,
                "co2_kg_per_tonne": 50,
            }
        ],
    )
    assert source.cost(10) == 120 + 10 * 3
    assert source.co2(10) == 2.0


@pytest.mark.parametrize("most", [None, 100.0])
@pytest.mark.parametrize("weekly", [False, True])
def test_only_a_stated_room_may_refuse_a_move(most, weekly):
    half = {"kind": "lane_blocked", "subject": "T", "severity": 0.5}
    snapshot = factories.snapshot(
        lanes=[{"lane": "T", "capacity_kg": most}],
        departures=[{"lane": "T", "weekday": 1, "time": dt.time(8)}] if weekly else [],
        sourcing=MOVE,
        products=[{"product": "A", "weight_kg": 10.0}],
        disruptions=[{**half, "valid_from": "2026-01-01", "valid_to": "2026-02-01"}],
    )
    bundle = providers(snapshot)
    quotas = SupplyLimits([], bundle.facts, bundle.sourcing, 0, bundle.transport)
    source = bundle.sourcing.sources("A", "W")[0]
    timing = source.clock.earliest(moment("2026-01-05T00:00"), 6)
    assert bundle.transport.timetable("T").scheduled is weekly
    assert quotas.limits(source) is (most is not None)
    # 60 kg: more than half of 100, and any of what has no limit.
    assert (quotas.until(source, 6, timing.departure) is None) is (most is None)
