"""Links, lags, transfer batches, tools kept over steps, hours per bucket."""

from __future__ import annotations

import pytest

from medhavi.providers.sources import ResourceHold
from tests.providers.plants import at, iso, shifts
from tests.providers.workshops import MONDAY, backward, busy, forward, when_of, workshop

HOUR_STEP = {"fixed_minutes": 60}
BOTH = [{"step": 1, "resource": "M"}, {"step": 2, "resource": "P"}]


def steps(*more):
    return [{"step": n, **HOUR_STEP, **row} for n, row in enumerate(more, 1)]


# -------------------------------------------------------------------------------- links
def test_a_most_time_between_steps_pushes_the_earlier_one():
    finite = workshop(
        steps=steps({}, {}),
        step_links=[{"max_lag_minutes": 0}],
        step_resources=BOTH,
    )
    busy(finite, ("2026-01-05T00:30", "2026-01-05T04:00"), resource="P")
    found = forward(finite)
    assert when_of(found) == [
        ("2026-01-05T03:00", "2026-01-05T04:00"),
        ("2026-01-05T04:00", "2026-01-05T05:00"),
    ]
    busy(finite, ("2026-01-05T03:30", "2026-01-05T03:40"))
    # Now M is free from 3:40 on, so P waits until 4:40.
    assert when_of(forward(finite)) == [
        ("2026-01-05T03:40", "2026-01-05T04:40"),
        ("2026-01-05T04:40", "2026-01-05T05:40"),
    ]


def test_a_most_time_between_steps_pulls_the_later_one():
    finite = workshop(
        steps=steps({}, {}),
        step_links=[{"max_lag_minutes": 30}],
        step_resources=BOTH,
    )
    busy(finite, ("2026-01-05T05:00", "2026-01-05T08:00"))
    found = backward(finite, "2026-01-05T09:00", "2026-01-04T00:00")
    assert when_of(found) == [
        ("2026-01-05T04:00", "2026-01-05T05:00"),
        ("2026-01-05T05:30", "2026-01-05T06:30"),
    ]


def test_steps_side_by_side_do_not_share_one_machine():
    finite = workshop(
        steps=[
            {"step": 1, "sequence": 1, **HOUR_STEP},
            {"step": 2, "sequence": 1, **HOUR_STEP},
        ],
        step_resources=[{"step": 1}, {"step": 2}],
    )
    found = forward(finite)
    assert when_of(found) == [
        ("2026-01-05T00:00", "2026-01-05T01:00"),
        ("2026-01-05T01:00", "2026-01-05T02:00"),
    ]
    found = backward(finite, "2026-01-05T05:00")
    assert when_of(found) == [
        ("2026-01-05T03:00", "2026-01-05T04:00"),
        ("2026-01-05T04:00", "2026-01-05T05:00"),
    ]
    assert finite.occupancy.state() == {}


def test_starts_and_ends_that_are_tied_wait_for_room():
    finite = workshop(
        steps=steps({}, {}, {}),
        step_links=[
            {"step": 2, "after": 1, "kind": "start_start", "lag_minutes": 20},
            {"step": 3, "after": 1, "kind": "finish_finish", "lag_minutes": 30},
        ],
        step_resources=[*BOTH, {"step": 3, "resource": "Q"}],
    )
    busy(finite, ("2026-01-05T00:30", "2026-01-05T01:00"), resource="P")
    busy(finite, ("2026-01-05T01:00", "2026-01-05T01:10"), resource="Q")
    spans = {w.step: (iso(w.start), iso(w.finish)) for w in forward(finite).steps}
    assert spans == {
        1: ("2026-01-05T00:00", "2026-01-05T01:00"),
        2: ("2026-01-05T01:00", "2026-01-05T02:00"),
        3: ("2026-01-05T01:10", "2026-01-05T02:10"),
    }


def test_the_next_step_begins_with_the_first_batch():
    finite = workshop(
        steps=[
            {"step": 1, "run_minutes_per_unit": 6, "overlap_qty": 10},
            {"step": 2, "run_minutes_per_unit": 6},
        ],
        step_resources=BOTH,
    )
    found = forward(finite, steps=20)
    assert when_of(found) == [
        ("2026-01-05T00:00", "2026-01-05T02:00"),
        ("2026-01-05T01:00", "2026-01-05T03:00"),
    ]
    busy(finite, ("2026-01-05T02:00", "2026-01-05T02:30"), resource="P")
    found = forward(finite, steps=20)
    assert when_of(found)[1] == ("2026-01-05T02:30", "2026-01-05T04:30")


# -------------------------------------------------------------------------------- tools
def tool_shop():
    return workshop(
        steps=steps({"move_minutes": 60}, {}),
        step_resources=[
            {"step": 1, "resource": "M"},
            {"step": 1, "resource": "TOOL", "until_step": 2},
            {"step": 2, "resource": "P"},
        ],
    )


def test_a_tool_stays_with_the_order_between_its_steps():
    finite = tool_shop()
    found = forward(finite)
    assert when_of(found) == [
        ("2026-01-05T00:00", "2026-01-05T01:00"),
        ("2026-01-05T02:00", "2026-01-05T03:00"),
    ]
    between = ResourceHold("TOOL", 1.0, at("2026-01-05T01:00"), at("2026-01-05T02:00"))
    assert found.holds == (between,)
    finite.occupy(found, "one")
    assert [(iso(a), iso(b)) for a, b, *_ in finite.occupancy.busy("TOOL")] == [
        ("2026-01-05T00:00", "2026-01-05T01:00"),
        ("2026-01-05T01:00", "2026-01-05T02:00"),
        ("2026-01-05T02:00", "2026-01-05T03:00"),
    ]
    finite.release(found, "one")
    assert finite.occupancy.state() == {}


def test_an_order_moves_where_its_tool_is_wanted_between_its_steps():
    finite = tool_shop()
    busy(finite, ("2026-01-05T01:15", "2026-01-05T01:30"), resource="TOOL")
    assert when_of(forward(finite))[0] == ("2026-01-05T01:30", "2026-01-05T02:30")
    found = backward(finite, "2026-01-05T03:30", "2026-01-04T00:00")
    assert when_of(found)[1] == ("2026-01-05T00:15", "2026-01-05T01:15")
    assert finite.latest("R", 1, at("2026-01-05T03:30"), at(MONDAY)) is None


def test_a_tool_of_which_there_are_many_is_free():
    finite = workshop(
        resources=[{"resource": "TOOL", "finite": False}],
        steps=steps({"move_minutes": 60}, {}),
        step_resources=[
            {"step": 1, "resource": "TOOL", "until_step": 2},
            {"step": 2, "resource": "P"},
        ],
    )
    assert forward(finite).holds == ()


# ------------------------------------------------------------------------------ buckets
def rough(**cells):
    return {"resource": "M", "bucket": "day", "calendar": "DAY", **cells}


def rough_shop(step=None, resource=None, extra=()):
    return workshop(
        shifts=shifts("DAY"),
        resources=[rough(**(resource or {}))],
        steps=[{**HOUR_STEP, **(step or {})}],
        step_resources=[{"resource": "M"}, *extra],
    )


@pytest.mark.req("CAP-03")
def test_hours_of_a_day_are_given_away_once():
    finite = rough_shop({"fixed_minutes": 300})
    mark = finite.mark()
    found = forward(finite)
    assert when_of(found) == [("2026-01-05T06:00", "2026-01-05T11:00")]
    finite.occupy(found, "one")
    # Three hours are left on Monday, two are taken on Tuesday.
    found = forward(finite)
    assert when_of(found) == [("2026-01-05T06:00", "2026-01-06T08:00")]
    assert found.steps[0].segments == (
        (at("2026-01-05T06:00"), at("2026-01-05T09:00")),
        (at("2026-01-06T06:00"), at("2026-01-06T08:00")),
    )
    finite.occupy(found, "two")
    found = backward(finite, "2026-01-06T20:00")
    assert when_of(found) == [("2026-01-06T09:00", "2026-01-06T14:00")]
    finite.occupy(found, "three")
    assert finite.latest("R", 1, at("2026-01-06T20:00"), at(MONDAY)) is None
    finite.undo(mark)
    assert finite.occupancy.state() == {}


def test_bucket_hours_multiply_units_and_shares():
    half = [{**row, "capacity": 0.5} for row in shifts("DAY")]
    finite = workshop(
        shifts=half,
        resources=[rough(units=2)],
        steps=[{"fixed_minutes": 600}],
        step_resources=[{"resource": "M"}],
    )
    # Two units for half of eight hours: eight a day, ten hours take two days.
    assert when_of(forward(finite)) == [("2026-01-05T06:00", "2026-01-06T08:00")]


def test_weeks_begin_on_mondays():
    finite = rough_shop({"fixed_minutes": 30 * 60}, {"bucket": "week"})
    finite.occupy(forward(finite))
    # Ten of forty hours are left, twenty are taken in the week after.
    assert when_of(forward(finite)) == [("2026-01-05T06:00", "2026-01-14T10:00")]


def test_months_are_those_of_the_calendar():
    finite = rough_shop(
        {"fixed_minutes": 0, "run_minutes_per_unit": 60}, {"bucket": "month"}
    )
    # January has 176 hours, 160 of them from its first Monday on.
    long = forward(finite, steps=157)
    assert when_of(long) == [("2026-01-05T06:00", "2026-01-30T11:00")]
    finite.occupy(long)
    # Nineteen hours are left in January, and the last two are February's.
    found = forward(finite, steps=21)
    assert when_of(found) == [("2026-01-05T06:00", "2026-02-02T08:00")]


def test_unsplit_work_on_hours_of_a_bucket_runs_in_one_go():
    finite = rough_shop({"fixed_minutes": 240, "splittable": False})
    finite.occupy(forward(finite), "one")
    found = forward(finite)
    assert when_of(found) == [("2026-01-05T06:00", "2026-01-05T10:00")]
    finite.occupy(found, "two")
    assert when_of(forward(finite)) == [("2026-01-06T06:00", "2026-01-06T10:00")]
    found = backward(finite, "2026-01-05T23:00", "2026-01-01T00:00")
    assert when_of(found) == [("2026-01-02T10:00", "2026-01-02T14:00")]


def test_a_machine_and_hours_of_a_crew_are_needed_together():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[rough(resource="CREW"), {"resource": "M"}],
        steps=[{"fixed_minutes": 360}],
        step_resources=[{"resource": "M"}, {"resource": "CREW"}],
    )
    finite.occupy(forward(finite), "one")
    # Two crew hours are left on Monday: the last two of the day, then Tuesday's.
    assert when_of(forward(finite)) == [("2026-01-05T12:00", "2026-01-06T10:00")]
    found = backward(finite, "2026-01-06T12:00")
    assert when_of(found) == [("2026-01-06T06:00", "2026-01-06T12:00")]
    found = backward(finite, "2026-01-06T10:00")
    assert when_of(found) == [("2026-01-05T12:00", "2026-01-06T10:00")]
    assert finite.latest("R", 1, at("2026-01-06T09:59"), at(MONDAY)) is None


def test_hours_that_never_come_are_not_waited_for():
    finite = rough_shop(resource={"units": 0})
    assert finite.earliest("R", 1, at(MONDAY)) is None
    assert finite.latest("R", 1, at("2026-02-01"), at(MONDAY)) is None
    unsplit = rough_shop({"splittable": False}, {"units": 0})
    assert unsplit.earliest("R", 1, at(MONDAY)) is None
    assert unsplit.latest("R", 1, at("2026-02-01"), at("2000-01-01")) is None


def test_hours_of_a_bucket_are_part_of_the_state():
    finite = rough_shop()
    finite.occupy(forward(finite), "one")
    assert list(finite.occupancy.state()) == ["M"]


def test_rough_work_may_be_bound_at_its_other_end():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[rough()],
        steps=steps({"fixed_minutes": 600}, {}),
        step_links=[{"kind": "finish_finish", "lag_minutes": 60}],
        step_resources=[{"step": 1, "resource": "P"}, {"step": 2}],
    )
    # P ends at 10:00, so M may not end before 11:00.
    assert when_of(forward(finite))[1] == ("2026-01-05T10:00", "2026-01-05T11:00")
    tied = workshop(
        shifts=shifts("DAY"),
        resources=[rough()],
        steps=steps({}, {"fixed_minutes": 600}),
        step_links=[{"kind": "start_start", "lag_minutes": 60}],
        step_resources=[{"step": 1}, {"step": 2, "resource": "P"}],
    )
    found = backward(tied, "2026-01-05T20:00")
    # P begins at 10:00, so M begins by 9:00.
    assert when_of(found)[0] == ("2026-01-05T09:00", "2026-01-05T10:00")


def test_a_tool_for_a_step_that_is_not_there_is_held_by_its_own():
    finite = workshop(
        steps=steps({}),
        step_resources=[{"step": 1, "resource": "TOOL", "until_step": 7}],
    )
    assert forward(finite).holds == ()
