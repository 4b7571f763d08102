"""Edges of placing work: no time left, pauses, bounds, pace that changes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from medhavi.providers.capacity.axis import Axis, WorkContent
from medhavi.providers.capacity.clocks import Duration
from medhavi.providers.capacity.resources import EVER
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.units import DAY, HOUR
from tests import factories
from tests.providers.plants import at, iso, plant, shifts, spans, when

if TYPE_CHECKING:
    from medhavi.snapshot.calendars.calendars import WorkingTime

ONE = Fraction(1)
CHANGE = at("2026-01-06")


def working(*rows: dict[str, object], exceptions: int = 0) -> WorkingTime:
    """The calendar WORK; with `exceptions` open for so many days from the change on."""
    opening = {
        "calendar": "WORK",
        "start": when("2026-01-06"),
        "finish": when(f"2026-01-{6 + exceptions:02}"),
        "capacity": 1.0,
    }
    snapshot = factories.snapshot(
        calendars=[{"calendar": "WORK"}],
        shifts=list(rows),
        calendar_exceptions=[opening] if exceptions else [],
    )
    return Calendars(snapshot).working_time("WORK")


def paced(time: WorkingTime, *, splittable: bool = True) -> Axis:
    """Full pace until Tuesday 2026-01-06, half pace after it."""
    paces = ((EVER[0], CHANGE, ONE), (CHANGE, EVER[1], ONE / 2))
    return Axis(time, paces, splittable=splittable)


def hours(run: float, setup: float = 0.0) -> WorkContent:
    return WorkContent(Fraction(setup) * HOUR, Fraction(run) * HOUR)


DAYS = [dict(row) for row in shifts("WORK")]


def test_paced_work_finds_no_time_where_nothing_opens():
    axis = paced(working())
    assert axis.earliest(hours(1), CHANGE, CHANGE) is None
    assert axis.latest(hours(1), CHANGE, CHANGE) is None
    assert axis.earliest(hours(0), CHANGE, CHANGE) is None
    assert axis.latest(hours(0), CHANGE, CHANGE) is None
    assert axis.after(CHANGE, hours(1)) is None
    assert axis.before(CHANGE, hours(1)) is None


def test_paced_work_of_no_length_ends_where_it_begins():
    axis = paced(working(*DAYS))
    assert axis.after(CHANGE, hours(0)) == CHANGE
    assert axis.before(CHANGE, hours(0)) == CHANGE


@pytest.mark.parametrize("splittable", [True, False])
def test_paced_work_needs_more_time_than_there_is(*, splittable: bool):
    axis = paced(working(exceptions=2), splittable=splittable)
    assert axis.earliest(hours(30), CHANGE, CHANGE) is None
    assert axis.latest(hours(30), CHANGE + 9 * DAY, CHANGE + 9 * DAY) is None
    # 24 h of half pace fill both days.
    assert axis.earliest(hours(24), CHANGE, CHANGE) == (CHANGE, CHANGE + 2 * DAY)


def test_paced_work_may_not_end_before_a_bound_that_has_no_working_time():
    axis = paced(working(exceptions=2))
    assert axis.earliest(hours(1), CHANGE, CHANGE + 5 * DAY) is None


def test_paced_work_that_may_not_pause_passes_over_short_windows():
    axis = paced(working(*DAYS), splittable=False)
    # Monday holds eight hours, the other days four at half pace.
    start = at("2026-01-06T06:00")
    assert axis.earliest(hours(5), start, start) is None
    assert axis.latest(hours(5), at("2026-01-09"), at("2026-01-09")) == (
        at("2026-01-05T09:00"),
        at("2026-01-05T14:00"),
    )
    assert axis.earliest(hours(4), at("2026-01-05T11:00"), CHANGE) == (
        at("2026-01-06T06:00"),
        at("2026-01-06T14:00"),
    )


def test_windows_of_months_are_walked_through():
    long = [dict(row) for row in shifts("WORK", "00:00", "00:00", "1234567")]
    closing = {"calendar": "WORK", "start": when("2026-04-01")}
    snapshot = factories.snapshot(
        calendars=[{"calendar": "WORK"}],
        shifts=long,
        calendar_exceptions=[{**closing, "finish": when("2026-04-02")}],
    )
    axis = paced(Calendars(snapshot).working_time("WORK"), splittable=False)
    early = axis.earliest(hours(24 * 60), at("2026-01-06"), at("2026-01-06"))
    assert early is not None
    assert [iso(moment) for moment in early] == ["2026-04-02T00:00", "2026-07-31T00:00"]
    need = at("2026-07-30")
    late = axis.latest(hours(24 * 60), need, need)
    assert late is not None
    # 86 days at half pace count 43, and 17 days at full pace before them.
    assert iso(late[1]) == "2026-04-01T00:00"
    assert iso(late[0]) == "2025-12-19T12:00"


def test_a_steady_end_can_be_bound_from_below():
    axis = Axis(working(*DAYS), ((*EVER, ONE),), splittable=True)
    monday = at("2026-01-05T06:00")
    assert axis.earliest(hours(1), monday, at("2026-01-05T20:00")) == (
        at("2026-01-05T13:00") + 1,
        at("2026-01-06T06:00") + 1,
    )
    whole = Axis(working(*DAYS), ((*EVER, ONE),), splittable=False)
    assert whole.earliest(hours(1), monday, at("2026-01-05T20:00")) == (
        at("2026-01-06T06:00"),
        at("2026-01-06T07:00"),
    )


def test_a_steady_start_can_be_bound_from_above():
    axis = Axis(working(*DAYS), ((*EVER, ONE),), splittable=True)
    by = at("2026-01-06T12:00")
    assert axis.latest(hours(1), by, at("2026-01-06T03:00")) == (
        at("2026-01-05T14:00") - 1,
        at("2026-01-06T07:00") - 1,
    )
    assert axis.latest(hours(1), by, at("2026-01-06T06:00")) == (
        at("2026-01-06T06:00"),
        at("2026-01-06T07:00"),
    )


def test_a_changing_pace_has_no_one_duration():
    capacity = plant(steps=[{"fixed_minutes": 60}])
    task = capacity._routings.compiled("R").tasks[0]
    option = task.plan.only
    assert option is not None
    object.__setattr__(option, "axis", paced(working(*DAYS)))
    with pytest.raises(ValueError, match="step 1: the pace changes"):
        Duration.of(task.node, option, task.fixed, task.rate)


def test_batches_find_no_time_where_the_follower_has_none():
    capacity = plant(
        calendars=[{"calendar": "SHUT"}, {"calendar": "WORK"}],
        shifts=DAYS,
        steps=[
            {"step": 1, "run_minutes_per_unit": 1, "overlap_qty": 5},
            {"step": 2, "run_minutes_per_unit": 1, "calendar": "SHUT"},
        ],
    )
    found = capacity.clock("R", 0.0, working(*DAYS))
    assert found.earliest(CHANGE, 10) is None
    assert found.latest(CHANGE, 10) is None


def test_batches_flow_over_closed_time():
    capacity = plant(
        shifts=DAYS,
        steps=[
            {
                "step": 1,
                "run_minutes_per_unit": 6,
                "overlap_qty": 10,
                "calendar": "WORK",
            },
            {"step": 2, "run_minutes_per_unit": 6},
        ],
    )
    found = capacity.clock("R", 0.0, working(*DAYS))
    forward = found.earliest(at("2026-01-05T12:00"), 30)
    assert forward is not None
    # Two batches on Monday, the last on Tuesday from six to seven; step 2 would run
    # dry in the night, so it begins as late as keeps it going.
    assert spans(forward) == {
        1: ("2026-01-05T12:00", "2026-01-06T07:00"),
        2: ("2026-01-06T05:00", "2026-01-06T08:00"),
    }
    backward = found.latest(at("2026-01-06T08:00"), 30)
    assert backward == forward


def test_outputs_of_unknown_steps_and_none_before_are_those_of_the_last():
    capacity = plant(
        steps=[{"step": 1, "fixed_minutes": 60}, {"step": 2, "fixed_minutes": 60}],
        routing_outputs=[{"step": 9}, {"step": 2}, {"anchor": "start", "step": 7}],
    )
    timing = capacity.clock("R", 0.0, working()).latest(CHANGE, 1)
    assert timing is not None
    assert timing.finish == CHANGE
    empty = plant(routing_outputs=[{"offset_minutes": 30}])
    moved = empty.clock("R", 0.0, working()).earliest(CHANGE, 1)
    assert moved is not None
    assert moved.finish == CHANGE + HOUR // 2


def test_safety_days_on_a_calendar_that_never_opens_leave_no_time():
    capacity = plant(steps=[{"fixed_minutes": 60}])
    chain = capacity.clock("R", 2.0, working())
    assert chain.latest(CHANGE, 1) is None
    network = plant(steps=[{"step": 1}, {"step": 2, "sequence": 1}])
    assert network.clock("R", 2.0, working()).latest(CHANGE, 1) is None


def test_an_output_offset_in_a_place_that_never_opens_leaves_no_time():
    tables = {"calendars": [{"calendar": "SHUT"}]}
    place = {"location": "L", "calendar": "SHUT"}
    chain = plant(
        **tables, locations=[place], routing_outputs=[{"offset_minutes": 30}]
    ).clock("R", 0.0, working())
    assert chain.latest(CHANGE, 1) is None
    assert chain.earliest(CHANGE, 1) is None
