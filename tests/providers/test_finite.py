"""Where an order stands among other work, worked out by hand."""

from __future__ import annotations

import pytest

from tests.providers.plants import at, iso, shifts, when
from tests.providers.workshops import (
    MONDAY,
    backward,
    bundle,
    busy,
    forward,
    place,
    when_of,
    workshop,
)

TWO_HOURS = {"fixed_minutes": 120}
ON_M = [{"resource": "M"}]
EITHER = [
    {"resource": "M", "choice": "x", "preference": 1},
    {"resource": "P", "choice": "x", "preference": 2},
]


# ------------------------------------------------------------------------ one resource
@pytest.mark.req("CAP-02", "CAP-06")
def test_an_order_takes_the_first_gap_that_is_long_enough():
    finite = workshop(steps=[TWO_HOURS], step_resources=ON_M)
    busy(
        finite,
        ("2026-01-05T01:00", "2026-01-05T02:00"),
        ("2026-01-05T03:30", "2026-01-05T06:00"),
    )
    assert when_of(forward(finite)) == [("2026-01-05T06:00", "2026-01-05T08:00")]
    busy(finite, ("2026-01-05T09:00", "2026-01-06T00:00"))
    # From 8:00 there is one hour until 9:00.
    found = forward(finite, "2026-01-05T08:00")
    assert when_of(found) == [("2026-01-06T00:00", "2026-01-06T02:00")]


def test_an_order_takes_the_last_gap_before_its_need():
    finite = workshop(steps=[TWO_HOURS], step_resources=ON_M)
    busy(finite, ("2026-01-05T09:00", "2026-01-05T12:00"))
    found = backward(finite, "2026-01-05T13:00")
    assert when_of(found) == [("2026-01-05T07:00", "2026-01-05T09:00")]
    assert finite.latest("R", 1, at("2026-01-05T13:00"), at("2026-01-05T07:01")) is None


@pytest.mark.req("CAP-06")
def test_work_pauses_over_closed_time_and_never_over_other_orders():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        steps=[TWO_HOURS],
        step_resources=ON_M,
    )
    # Monday 13:00 to 14:00, then Tuesday 6:00 to 7:00.
    found = forward(finite, "2026-01-05T13:00")
    assert when_of(found) == [("2026-01-05T13:00", "2026-01-06T07:00")]
    assert found.steps[0].segments == (
        (at("2026-01-05T13:00"), at("2026-01-05T14:00")),
        (at("2026-01-06T06:00"), at("2026-01-06T07:00")),
    )
    busy(finite, ("2026-01-06T06:30", "2026-01-06T08:00"))
    found = forward(finite, "2026-01-05T13:00")
    assert when_of(found) == [("2026-01-06T08:00", "2026-01-06T10:00")]
    found = backward(finite, "2026-01-06T09:00")
    assert when_of(found) == [("2026-01-05T12:30", "2026-01-06T06:30")]


def test_work_that_cannot_be_split_needs_one_window():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        steps=[{**TWO_HOURS, "setup_minutes": 60, "splittable": False}],
        step_resources=ON_M,
    )
    busy(finite, ("2026-01-05T08:30", "2026-01-05T11:30"))
    # 6:00 to 8:30 and 11:30 to 14:00 are too short for three hours.
    assert when_of(forward(finite)) == [("2026-01-06T06:00", "2026-01-06T09:00")]
    found = backward(finite, "2026-01-06T08:59", "2026-01-01T00:00")
    assert when_of(found) == [("2026-01-02T11:00", "2026-01-02T14:00")]


@pytest.mark.req("CAP-18")
def test_the_day_is_filled_before_the_next():
    """A hundred orders due the same day, room for fifty a day (CAP-18)."""
    finite = workshop(
        shifts=shifts("DAY", "06:00", "16:00"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        steps=[{"fixed_minutes": 12}],
        step_resources=ON_M,
    )
    days = []
    for number in range(100):
        found = forward(finite)
        finite.occupy(found, f"order {number}")
        days.append(str(iso(found.finish))[:10])
    assert days == ["2026-01-05"] * 50 + ["2026-01-06"] * 50


@pytest.mark.req("CAP-05")
def test_steps_follow_each_other_with_queue_and_move():
    finite = workshop(
        steps=[
            {"step": 1, "fixed_minutes": 60, "move_minutes": 30, "queue_minutes": 15},
            {"step": 2, "fixed_minutes": 60, "queue_minutes": 10},
        ],
        step_resources=[{"step": 1}, {"step": 2, "resource": "P"}],
    )
    busy(finite, ("2026-01-05T00:30", "2026-01-05T02:00"))
    found = forward(finite)
    assert iso(found.start) == "2026-01-05T01:45"
    assert when_of(found) == [
        ("2026-01-05T02:00", "2026-01-05T03:00"),
        ("2026-01-05T03:40", "2026-01-05T04:40"),
    ]
    late = backward(finite, "2026-01-05T04:40")
    assert late == found
    assert finite.latest("R", 1, at("2026-01-05T04:39"), at(MONDAY)) is None


# -------------------------------------------------------------------- several resources
@pytest.mark.req("CAP-19")
def test_all_resources_must_be_free_at_the_same_time():
    finite = workshop(
        steps=[TWO_HOURS],
        step_resources=[{"resource": "M"}, {"resource": "CREW"}, {"resource": "TOOL"}],
    )
    busy(finite, ("2026-01-05T01:00", "2026-01-05T04:00"))
    busy(finite, ("2026-01-05T05:30", "2026-01-05T07:00"), resource="CREW")
    busy(finite, ("2026-01-05T08:00", "2026-01-05T08:30"), resource="TOOL")
    assert when_of(forward(finite)) == [("2026-01-05T08:30", "2026-01-05T10:30")]
    found = backward(finite, "2026-01-05T08:40", "2026-01-04T00:00")
    assert when_of(found) == [("2026-01-04T23:00", "2026-01-05T01:00")]


def test_several_units_work_side_by_side():
    finite = workshop(
        resources=[{"resource": "M", "units": 3}],
        steps=[TWO_HOURS],
        step_resources=[{"resource": "M", "units": 2}],
    )
    busy(finite, ("2026-01-05T01:00", "2026-01-05T04:00"))
    assert when_of(forward(finite)) == [("2026-01-05T00:00", "2026-01-05T02:00")]
    busy(finite, ("2026-01-05T01:00", "2026-01-05T03:00"))
    assert when_of(forward(finite)) == [("2026-01-05T03:00", "2026-01-05T05:00")]


def test_more_units_than_there_are_never_come():
    finite = workshop(steps=[TWO_HOURS], step_resources=[{"units": 2}])
    assert finite.earliest("R", 1, at(MONDAY)) is None
    assert finite.latest("R", 1, at("2026-02-01"), at(MONDAY)) is None


def test_units_by_time_and_shift_shares_limit():
    finite = workshop(
        shifts=[
            *shifts("ALL", "00:00", "12:00", "1234567"),
            *[
                {**row, "capacity": 0.5}
                for row in shifts("ALL", "12:00", "00:00", "1234567")
            ],
        ],
        resources=[{"resource": "M", "units": 3, "calendar": "ALL"}],
        resource_units=[{"units": 1, "valid_from": when("2026-01-06")}],
        steps=[TWO_HOURS],
        step_resources=[{"resource": "M", "units": 2}],
    )
    # Half of three is one: two units pause at noon, and never work from Tuesday on.
    assert when_of(forward(finite, "2026-01-04T11:00")) == [
        ("2026-01-04T11:00", "2026-01-05T01:00")
    ]
    assert finite.earliest("R", 1, at("2026-01-05T10:01")) is None


def test_an_infinite_resource_is_never_a_limit():
    finite = workshop(
        resources=[{"resource": "M", "finite": False}],
        steps=[TWO_HOURS],
        step_resources=ON_M,
    )
    busy(finite, ("2026-01-05T00:00", "2026-01-06T00:00"))
    assert when_of(forward(finite)) == [("2026-01-05T00:00", "2026-01-05T02:00")]
    assert finite.occupancy.busy("M") == ()


# --------------------------------------------------------------------------- alternates
@pytest.mark.req("CAP-09")
def test_without_a_date_the_resource_that_is_through_first_is_taken():
    finite = workshop(steps=[TWO_HOURS], step_resources=EITHER)
    assert place(forward(finite)) == [["M"]]
    busy(finite, ("2026-01-05T00:00", "2026-01-05T01:00"))
    assert place(forward(finite)) == [["P"]]


@pytest.mark.req("CAP-09")
def test_the_preferred_resource_is_kept_while_it_is_in_time():
    finite = workshop(steps=[TWO_HOURS], step_resources=EITHER)
    busy(finite, ("2026-01-05T00:00", "2026-01-05T01:00"))
    by = at("2026-01-05T03:00")
    assert place(forward(finite, by=by)) == [["M"]]
    assert place(forward(finite, by=by - 1)) == [["P"]]
    assert place(backward(finite, "2026-01-05T03:00")) == [["M"]]
    assert place(backward(finite, "2026-01-05T02:59")) == [["P"]]


def test_another_resource_is_no_use_where_it_is_later():
    finite = workshop(steps=[TWO_HOURS], step_resources=EITHER)
    busy(finite, ("2026-01-05T00:00", "2026-01-05T01:00"))
    busy(finite, ("2026-01-05T00:00", "2026-01-05T05:00"), resource="P")
    found = forward(finite, by=at("2026-01-05T01:00"))
    assert place(found) == [["M"]]


def test_the_cheapest_resource_by_rule_gives_way_when_it_is_late():
    finite = workshop(
        steps=[{**TWO_HOURS, "resource_rule": "cost"}],
        resources=[
            {"resource": "M", "cost_per_hour": 50},
            {"resource": "P", "cost_per_hour": 10},
        ],
        step_resources=EITHER,
    )
    busy(finite, ("2026-01-05T00:00", "2026-01-05T04:00"), resource="P")
    assert place(forward(finite, by=at("2026-01-05T06:00"))) == [["P"]]
    assert place(forward(finite, by=at("2026-01-05T05:00"))) == [["M"]]
    assert place(backward(finite, "2026-01-05T06:00")) == [["P"]]
    assert place(backward(finite, "2026-01-05T05:00")) == [["M"]]


def test_any_member_of_a_pool_that_is_free_and_skilled_serves():
    finite = workshop(
        resources=[
            {"resource": name, "pool": "CREW"} for name in ("ANN", "BEN", "CARL")
        ],
        resource_skills=[
            {"resource": "BEN", "skill": "weld"},
            {"resource": "CARL", "skill": "weld"},
        ],
        steps=[TWO_HOURS],
        step_resources=[{"resource": "CREW", "skill": "weld"}],
    )
    first = forward(finite)
    finite.occupy(first)
    second = forward(finite)
    finite.occupy(second)
    third = forward(finite)
    assert place(first) + place(second) == [["BEN"], ["CARL"]]
    assert when_of(third) == [("2026-01-05T02:00", "2026-01-05T04:00")]


# -------------------------------------------------------------------------- disruptions
def test_a_resource_that_is_down_is_closed_and_its_work_pauses():
    down = {
        "subject": "M",
        "valid_from": when("2026-01-05T01:00"),
        "valid_to": when("2026-01-05T04:00"),
    }
    finite = workshop(disruptions=[down], steps=[TWO_HOURS], step_resources=ON_M)
    found = forward(finite)
    assert when_of(found) == [("2026-01-05T00:00", "2026-01-05T05:00")]
    relaxed = forward(finite, relaxed=True)
    assert when_of(relaxed) == [("2026-01-05T00:00", "2026-01-05T02:00")]


def test_severity_leaves_whole_units():
    tables = {
        "resources": [{"resource": "M", "units": 3}],
        "steps": [TWO_HOURS],
        "step_resources": [{"resource": "M", "units": 2}],
    }
    half = {"subject": "M", "severity": 0.5, "valid_to": when("2026-01-06")}
    # One of three is left, so the work for two waits.
    finite = workshop(disruptions=[half], **tables)
    assert when_of(forward(finite)) == [("2026-01-06T00:00", "2026-01-06T02:00")]
    third = {**half, "severity": 0.3}
    finite = workshop(disruptions=[third], **tables)
    assert when_of(forward(finite)) == [("2026-01-05T00:00", "2026-01-05T02:00")]
    both = [half, {**third, "disruption": "Y"}]
    finite = workshop(disruptions=both, **tables)
    assert when_of(forward(finite)) == [("2026-01-06T00:00", "2026-01-06T02:00")]


# ------------------------------------------------------------------- relaxed and soft
@pytest.mark.req("CAP-07", "CAP-08")
def test_relaxed_capacity_is_that_of_mode_mrp():
    finite = workshop(steps=[TWO_HOURS], step_resources=ON_M)
    busy(finite, ("2026-01-05T00:00", "2026-01-06T00:00"))
    assert when_of(forward(finite)) == [("2026-01-06T00:00", "2026-01-06T02:00")]
    found = forward(finite, relaxed=True)
    assert when_of(found) == [("2026-01-05T00:00", "2026-01-05T02:00")]


@pytest.mark.req("CAP-10")
def test_soft_time_is_kept_backward_unless_it_is_given_up():
    finite = workshop(
        steps=[{**TWO_HOURS, "safety_minutes": 60}],
        step_resources=ON_M,
    )
    need = "2026-01-09T12:00"
    found = backward(finite, need, safety_days=1)
    assert when_of(found) == [("2026-01-08T09:00", "2026-01-08T11:00")]
    found = backward(finite, need, safety_days=1, soft=False)
    assert when_of(found) == [("2026-01-09T10:00", "2026-01-09T12:00")]
    assert when_of(forward(finite)) == [("2026-01-05T00:00", "2026-01-05T02:00")]


def test_safety_days_that_never_were_leave_no_order():
    finite = workshop(
        locations=[{"location": "L", "calendar": "SHUT"}],
        calendars=[{"calendar": "SHUT"}],
        steps=[TWO_HOURS],
    )
    assert finite.latest("R", 1, at("2026-01-09"), at(MONDAY), safety_days=1) is None
    assert finite.earliest("R", 1, at(MONDAY)) is None
    assert finite.latest("R", 1, at("2026-01-09"), at(MONDAY)) is None


def test_a_routing_without_steps_takes_no_time():
    finite = workshop()
    assert forward(finite).finish == at(MONDAY)
    assert backward(finite, "2026-01-09").start == at("2026-01-09")
    assert finite.latest("R", 1, at("2026-01-04"), at(MONDAY)) is None


def test_output_comes_with_its_offset():
    finite = workshop(
        steps=[TWO_HOURS],
        step_resources=ON_M,
        routing_outputs=[{"offset_minutes": 60}],
    )
    assert iso(forward(finite).finish) == "2026-01-05T03:00"
    found = backward(finite, "2026-01-05T05:00")
    assert when_of(found) == [("2026-01-05T02:00", "2026-01-05T04:00")]


# ------------------------------------------------------------------------------ journal
@pytest.mark.req("CAP-12")
def test_an_order_that_is_undone_leaves_nothing():
    finite = workshop(steps=[TWO_HOURS], step_resources=ON_M)
    before = finite.occupancy.state()
    mark = finite.mark()
    first = forward(finite)
    finite.occupy(first, "one")
    second = forward(finite)
    finite.occupy(second, "two")
    assert [owner for *_, owner in finite.occupancy.busy("M")] == ["one", "two"]
    finite.release(first, "one")
    assert [owner for *_, owner in finite.occupancy.busy("M")] == ["two"]
    assert forward(finite) == first
    finite.undo(mark)
    assert finite.occupancy.state() == before


def test_the_bundle_gives_a_fresh_one_each_time():
    providers = bundle(steps=[TWO_HOURS], step_resources=ON_M)
    one, other = providers.finite(), providers.finite()
    busy(one, (MONDAY, "2026-01-06"))
    assert other.occupancy.busy("M") == ()


def test_steps_without_resources_wait_for_their_calendar_only():
    for splittable, finish in ((True, "2026-01-06T07:00"), (False, "2026-01-06T08:00")):
        finite = workshop(
            shifts=shifts("DAY"),
            locations=[{"location": "L", "calendar": "DAY"}],
            steps=[{**TWO_HOURS, "splittable": splittable}],
        )
        found = forward(finite, "2026-01-05T13:00")
        assert iso(found.finish) == finish
        start = {True: "2026-01-05T13:00", False: "2026-01-05T12:00"}[splittable]
        assert iso(backward(finite, "2026-01-06T07:00").start) == start
        assert finite.latest("R", 1, at("2026-01-06T07:00"), at("2026-01-06")) is None


def test_an_option_that_can_never_work_is_passed_over():
    finite = workshop(
        steps=[TWO_HOURS],
        step_resources=[{**EITHER[0], "units": 2}, EITHER[1]],
    )
    assert place(forward(finite)) == [["P"]]
    assert place(forward(finite, by=at("2026-02-01"))) == [["P"]]
    assert place(backward(finite, "2026-02-01")) == [["P"]]


def test_the_faster_of_two_resources_by_rule_is_taken_both_ways():
    finite = workshop(
        steps=[{"run_minutes_per_unit": 60, "resource_rule": "earliest"}],
        step_resources=[{**EITHER[0]}, {**EITHER[1], "speed": 2}],
    )
    assert place(forward(finite)) == [["P"]]
    assert place(backward(finite, "2026-01-09")) == [["P"]]


def test_options_that_change_by_date_are_placed_by_the_general_search():
    finite = workshop(
        steps=[TWO_HOURS],
        step_resources=[
            {**EITHER[0], "valid_to": when("2026-01-05T03:00")},
            {**EITHER[1], "units": 2},
        ],
    )
    busy(finite, ("2026-01-05T00:00", "2026-01-05T02:00"))
    assert when_of(forward(finite)) == [("2026-01-05T02:00", "2026-01-05T04:00")]
    busy(finite, ("2026-01-05T02:00", "2026-01-05T02:30"))
    assert finite.earliest("R", 1, at("2026-01-05T03:00")) is None
    # The first one counts for a start before three.
    late = backward(finite, "2026-01-09")
    assert (late.start, place(late)) == (at("2026-01-05T03:00") - 1, [["M"]])
    assert finite.latest("R", 1, at("2026-01-09"), at("2026-01-05T03:00")) is None


def test_a_pace_that_changes_by_date_is_followed_among_other_work():
    finite = workshop(
        resources=[{"resource": "M"}],
        resource_units=[{"efficiency": 0.5, "valid_from": when("2026-01-05T04:00")}],
        steps=[{"run_minutes_per_unit": 60}],
        step_resources=ON_M,
    )
    busy(finite, ("2026-01-05T00:00", "2026-01-05T03:00"))
    # One hour at full pace, the other takes two.
    assert when_of(forward(finite, steps=2)) == [
        ("2026-01-05T03:00", "2026-01-05T06:00")
    ]
    assert finite.latest("R", 2, at("2026-01-05T05:59"), at(MONDAY)) is None


# -------------------------------------------------------------------- where it is dated
def test_an_order_stands_where_it_is_dated_while_its_resource_is_free():
    finite = workshop(steps=[TWO_HOURS], step_resources=ON_M)
    dated = forward(finite)
    assert finite.as_dated("R", dated) == dated
    busy(finite, ("2026-01-05T01:00", "2026-01-05T02:00"))
    assert finite.as_dated("R", dated) is None


def test_an_order_stands_where_it_is_dated_while_there_are_hours_left():
    """20 of 24 hours a day: two orders do not fit into one."""
    finite = workshop(
        resources=[{"resource": "M", "bucket": "day"}],
        steps=[{"fixed_minutes": 1200}],
        step_resources=ON_M,
    )
    dated = forward(finite)
    assert finite.as_dated("R", dated) == dated
    finite.occupy(dated)
    assert finite.as_dated("R", dated) is None


def test_a_step_needs_two_units_of_what_it_names_twice():
    """M, and one of M and N: never M twice, of which there is one."""
    finite = workshop(
        resources=[{"resource": name, "pool": "PRESS"} for name in "MN"],
        steps=[TWO_HOURS],
        step_resources=[{"resource": "M"}, {"resource": "PRESS"}],
    )
    (window,) = forward(finite).steps
    assert sorted(name for name, _ in window.resources) == ["M", "N"]
