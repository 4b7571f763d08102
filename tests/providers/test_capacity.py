"""Orders of routings in time: worked by hand, one rule a test."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from medhavi.findings import BadData
from medhavi.providers.capacity.clocks import ChainClock, SingleStepClock
from medhavi.providers.capacity.schedule import NetworkClock
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
from medhavi.units import DAY, HOUR, MINUTE
from tests.providers.plants import (
    at,
    clock,
    earliest,
    ends,
    iso,
    latest,
    plant,
    shifts,
    spans,
    used,
    when,
)

if TYPE_CHECKING:
    from medhavi.providers.capacity.capacity import Capacity
    from tests.providers.plants import Tables

NEED = "2026-01-20T12:00"  # a Tuesday


# ------------------------------------------------------------------------- durations
@pytest.mark.req("CAP-04")
def test_an_order_takes_setup_fixed_time_and_run_time_per_unit():
    capacity = plant(
        steps=[{"setup_minutes": 30, "fixed_minutes": 10, "run_minutes_per_unit": 2}]
    )
    assert isinstance(clock(capacity), SingleStepClock)
    assert ends(latest(capacity, NEED, 10)) == ("2026-01-20T11:00", "2026-01-20T12:00")
    assert ends(latest(capacity, NEED, 40)) == ("2026-01-20T10:00", "2026-01-20T12:00")
    window = earliest(capacity, "2026-01-05", 10).steps[0]
    assert (window.setup_seconds, window.run_seconds) == (30 * MINUTE, 30 * MINUTE)
    assert window.segments == ((at("2026-01-05T00:00"), at("2026-01-05T01:00")),)


def test_a_routing_without_steps_takes_no_time():
    capacity = plant()
    assert ends(latest(capacity, NEED, 10)) == (NEED, NEED)
    assert earliest(capacity, NEED, 10).steps == ()


def test_a_duration_is_rounded_up_to_the_second_once():
    capacity = plant(
        steps=[{"setup_minutes": 0.003, "run_minutes_per_unit": 0.003}],
    )
    # 0.18 s + 5 x 0.18 s = 1.08 s
    timing = earliest(capacity, NEED, 5)
    assert timing.finish - timing.start == 2


def test_order_steps_are_those_of_the_main_product():
    capacity = plant(
        products=[{"product": "A", "qty_step": 0.5}],
        steps=[{"run_minutes_per_unit": 60}],
    )
    timing = earliest(capacity, NEED, 3)
    assert timing.finish - timing.start == 90 * MINUTE


@pytest.mark.req("CAP-04")
def test_efficiency_and_speed_divide_the_run_but_not_the_setup():
    capacity = plant(
        steps=[{"setup_minutes": 30, "fixed_minutes": 12, "run_minutes_per_unit": 6}],
        resources=[{"resource": "M", "efficiency": 0.8}],
        step_resources=[{"resource": "M", "speed": 1.5}],
    )
    # (12 + 8 x 6) / (0.8 x 1.5) = 50
    window = earliest(capacity, NEED, 8).steps[0]
    assert (window.setup_seconds, window.run_seconds) == (30 * MINUTE, 50 * MINUTE)


@pytest.mark.req("CAP-19")
def test_of_several_resources_the_slowest_decides():
    capacity = plant(
        steps=[{"run_minutes_per_unit": 60}],
        resources=[{"resource": "M"}, {"resource": "P", "efficiency": 0.5}],
        step_resources=[{"resource": "M"}, {"resource": "P", "units": 2}],
    )
    window = earliest(capacity, NEED).steps[0]
    assert window.finish - window.start == 2 * HOUR
    assert window.resources == (("M", 1.0), ("P", 2.0))


def test_the_setup_of_a_resource_replaces_that_of_the_step():
    capacity = plant(
        steps=[{"setup_minutes": 30}],
        step_resources=[{"resource": "M", "setup_minutes": 5}, {"resource": "P"}],
    )
    assert earliest(capacity, NEED).steps[0].setup_seconds == 5 * MINUTE


def test_queue_and_move_lie_around_the_step_and_output_is_there_after_the_move():
    capacity = plant(
        steps=[{"queue_minutes": 60, "fixed_minutes": 60, "move_minutes": 30}]
    )
    timing = latest(capacity, NEED)
    assert ends(timing) == ("2026-01-20T09:30", "2026-01-20T12:00")
    window = timing.steps[0]
    assert iso(window.queue_start) == "2026-01-20T09:30"
    assert iso(window.start) == "2026-01-20T10:30"
    assert iso(window.finish) == "2026-01-20T11:30"
    assert iso(window.after) == "2026-01-20T12:00"
    assert timing.ready == timing.start
    assert ends(earliest(capacity, "2026-01-20T09:30")) == ends(timing)


# ------------------------------------------------------------------------- calendars
def test_a_step_runs_while_its_location_is_open():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"fixed_minutes": 10 * 60}],
    )
    assert isinstance(clock(capacity), ChainClock)
    timing = latest(capacity, NEED)  # 6 h on Tuesday, 4 h on Monday
    assert ends(timing) == ("2026-01-19T10:00", "2026-01-20T12:00")
    assert timing.steps[0].segments == (
        (at("2026-01-19T10:00"), at("2026-01-19T14:00")),
        (at("2026-01-20T06:00"), at("2026-01-20T12:00")),
    )
    assert ends(earliest(capacity, "2026-01-17")) == (
        "2026-01-19T06:00",
        "2026-01-20T08:00",
    )


def test_a_need_in_closed_time_is_met_by_the_end_of_the_shift_before():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"fixed_minutes": 60}],
    )
    timing = latest(capacity, "2026-01-18T12:00")  # Sunday
    assert ends(timing) == ("2026-01-16T13:00", "2026-01-16T14:00")


def test_queue_and_move_go_on_while_it_is_closed():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"queue_minutes": 180, "fixed_minutes": 60, "move_minutes": 180}],
    )
    timing = latest(capacity, "2026-01-20T07:00")
    assert ends(timing) == ("2026-01-19T10:00", "2026-01-19T17:00")


def test_location_step_and_all_resources_must_be_open_at_once():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=[
            *shifts("WORK"),
            *shifts("LATE", "08:00", "18:00"),
            *shifts("CREW", "00:00", "12:00"),
        ],
        steps=[{"fixed_minutes": 60, "calendar": "LATE"}],
        resources=[{"resource": "P", "calendar": "CREW"}],
        step_resources=[{"resource": "M"}, {"resource": "P"}],
    )
    timing = earliest(capacity, "2026-01-05", 1)
    assert iso(timing.start) == "2026-01-05T08:00"
    assert ends(latest(capacity, "2026-01-06T23:00")) == (
        "2026-01-06T11:00",
        "2026-01-06T12:00",
    )


def test_a_resource_does_not_run_while_it_is_cleaned():
    capacity = plant(
        steps=[{"fixed_minutes": 120}],
        step_resources=[{"resource": "M"}],
        cleaning_windows=[
            {
                "resource": "M",
                "valid_from": when("2026-01-20T10:30"),
                "valid_to": when("2026-01-20T11:30"),
            }
        ],
    )
    assert ends(latest(capacity, NEED)) == ("2026-01-20T09:00", "2026-01-20T12:00")


def test_a_step_that_may_not_pause_needs_one_open_window():
    tables: Tables = {
        "locations": [{"location": "L", "calendar": "WORK"}],
        "shifts": shifts("WORK"),
    }
    step = {"setup_minutes": 60, "fixed_minutes": 6 * 60, "splittable": False}
    capacity = plant(**tables, steps=[step])
    assert ends(latest(capacity, NEED)) == ("2026-01-19T07:00", "2026-01-19T14:00")
    assert ends(earliest(capacity, NEED)) == ("2026-01-21T06:00", "2026-01-21T13:00")
    longer = plant(**tables, steps=[{**step, "fixed_minutes": 8 * 60}])
    assert clock(longer).latest(at(NEED), 1) is None
    assert clock(longer).earliest(at(NEED), 1) is None


def test_a_step_without_length_waits_for_opening_like_any_other():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{}],
    )
    assert ends(earliest(capacity, "2026-01-17")) == (
        "2026-01-19T06:00",
        "2026-01-19T06:00",
    )
    timing = latest(capacity, "2026-01-17")
    assert ends(timing) == ("2026-01-16T14:00", "2026-01-16T14:00")
    assert timing.steps[0].segments == ((timing.start, timing.finish),)


def test_a_routing_that_never_opens_has_no_time():
    capacity = plant(
        locations=[{"location": "L", "calendar": "SHUT"}], steps=[{"fixed_minutes": 1}]
    )
    assert clock(capacity).latest(at(NEED), 1) is None
    assert clock(capacity).earliest(at(NEED), 1) is None


def test_a_share_that_leaves_no_whole_unit_closes_the_resource():
    half = [{**row, "capacity": 0.5} for row in shifts("HALF")]
    tables: Tables = {"shifts": half, "steps": [{"fixed_minutes": 60}]}
    one = plant(
        **tables,
        resources=[{"resource": "M", "calendar": "HALF"}],
        step_resources=[{"resource": "M"}],
    )
    assert clock(one).latest(at(NEED), 1) is None
    two = plant(
        **tables,
        resources=[{"resource": "M", "calendar": "HALF", "units": 2}],
        step_resources=[{"resource": "M"}],
    )
    assert iso(latest(two, NEED).start) == "2026-01-20T11:00"
    bucket = plant(
        **tables,
        resources=[{"resource": "M", "calendar": "HALF", "bucket": "day"}],
        step_resources=[{"resource": "M"}],
    )
    assert iso(latest(bucket, NEED).start) == "2026-01-20T11:00"


# ------------------------------------------------------------------------ precedence
@pytest.mark.req("CAP-02", "CAP-05")
def test_steps_follow_each_other_by_sequence():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 60, "move_minutes": 15},
            {"step": 2, "queue_minutes": 45, "fixed_minutes": 120},
            {"step": 3, "fixed_minutes": 30},
        ]
    )
    assert isinstance(clock(capacity), ChainClock)
    expected = {
        1: ("2026-01-20T07:30", "2026-01-20T08:30"),
        2: ("2026-01-20T09:30", "2026-01-20T11:30"),
        3: ("2026-01-20T11:30", "2026-01-20T12:00"),
    }
    assert spans(latest(capacity, NEED)) == expected
    assert spans(earliest(capacity, "2026-01-20T07:30")) == expected


def test_equal_sequence_numbers_run_side_by_side():
    capacity = plant(
        steps=[
            {"step": 1, "sequence": 10, "fixed_minutes": 60},
            {"step": 2, "sequence": 20, "fixed_minutes": 120},
            {"step": 3, "sequence": 20, "fixed_minutes": 30},
            {"step": 4, "sequence": 30, "fixed_minutes": 60},
        ]
    )
    assert isinstance(clock(capacity), NetworkClock)
    assert spans(latest(capacity, NEED)) == {
        1: ("2026-01-20T08:00", "2026-01-20T09:00"),
        2: ("2026-01-20T09:00", "2026-01-20T11:00"),
        3: ("2026-01-20T10:30", "2026-01-20T11:00"),
        4: ("2026-01-20T11:00", "2026-01-20T12:00"),
    }
    assert spans(earliest(capacity, "2026-01-20T08:00"))[3] == (
        "2026-01-20T09:00",
        "2026-01-20T09:30",
    )


def test_a_link_adds_its_lag_between_move_and_queue():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 60, "move_minutes": 15},
            {"step": 2, "fixed_minutes": 60, "queue_minutes": 15},
        ],
        step_links=[{"step": 2, "after": 1, "lag_minutes": 30}],
    )
    assert spans(latest(capacity, NEED))[1] == ("2026-01-20T09:00", "2026-01-20T10:00")
    assert ends(earliest(capacity, "2026-01-20T09:00"))[1] == NEED


def test_as_soon_as_a_step_has_a_link_a_step_without_starts_with_the_routing():
    capacity = plant(
        steps=[{"step": n, "fixed_minutes": 60} for n in (1, 2, 3)],
        step_links=[{"step": 2, "after": 1}],
    )
    assert spans(earliest(capacity, "2026-01-20T08:00")) == {
        1: ("2026-01-20T08:00", "2026-01-20T09:00"),
        2: ("2026-01-20T09:00", "2026-01-20T10:00"),
        3: ("2026-01-20T08:00", "2026-01-20T09:00"),
    }
    assert spans(latest(capacity, NEED))[3] == ("2026-01-20T11:00", "2026-01-20T12:00")


def test_start_to_start_lets_steps_overlap():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 180},
            {"step": 2, "fixed_minutes": 60},
        ],
        step_links=[
            {"step": 2, "after": 1, "kind": "start_start", "lag_minutes": 30},
        ],
    )
    assert spans(earliest(capacity, "2026-01-20T08:00")) == {
        1: ("2026-01-20T08:00", "2026-01-20T11:00"),
        2: ("2026-01-20T08:30", "2026-01-20T09:30"),
    }
    # Both must be through by the need; the first decides.
    timing = latest(capacity, NEED)
    assert spans(timing) == {
        1: ("2026-01-20T09:00", "2026-01-20T12:00"),
        2: ("2026-01-20T11:00", "2026-01-20T12:00"),
    }
    assert iso(earliest(capacity, "2026-01-20T08:00").finish) == "2026-01-20T11:00"


def test_finish_to_finish_binds_the_ends():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 180},
            {"step": 2, "fixed_minutes": 60},
        ],
        step_links=[
            {"step": 2, "after": 1, "kind": "finish_finish", "lag_minutes": 30},
        ],
    )
    assert spans(earliest(capacity, "2026-01-20T08:00")) == {
        1: ("2026-01-20T08:00", "2026-01-20T11:00"),
        2: ("2026-01-20T10:30", "2026-01-20T11:30"),
    }
    assert spans(latest(capacity, NEED)) == {
        1: ("2026-01-20T08:30", "2026-01-20T11:30"),
        2: ("2026-01-20T11:00", "2026-01-20T12:00"),
    }


def test_without_wait_the_later_step_moves_with_the_earlier():
    tables: Tables = {
        "locations": [{"location": "L"}],
        "shifts": shifts("CREW"),
        "steps": [
            {"step": 1, "fixed_minutes": 60, "calendar": "CREW"},
            {"step": 2, "fixed_minutes": 60},
        ],
    }
    free = plant(**tables, step_links=[{"step": 2, "after": 1}])
    need = "2026-01-20T20:00"
    assert spans(latest(free, need)) == {
        1: ("2026-01-20T13:00", "2026-01-20T14:00"),
        2: ("2026-01-20T19:00", "2026-01-20T20:00"),
    }
    bound = plant(**tables, step_links=[{"step": 2, "after": 1, "max_lag_minutes": 0}])
    assert spans(latest(bound, need)) == {
        1: ("2026-01-20T13:00", "2026-01-20T14:00"),
        2: ("2026-01-20T14:00", "2026-01-20T15:00"),
    }


def test_without_wait_the_earlier_step_moves_with_the_later():
    capacity = plant(
        shifts=shifts("CREW"),
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "fixed_minutes": 60, "calendar": "CREW"},
        ],
        step_links=[{"step": 2, "after": 1, "max_lag_minutes": 30}],
    )
    assert spans(earliest(capacity, "2026-01-20T00:00")) == {
        1: ("2026-01-20T04:30", "2026-01-20T05:30"),
        2: ("2026-01-20T06:00", "2026-01-20T07:00"),
    }


@pytest.mark.parametrize("kind", ["start_start", "finish_finish"])
def test_most_times_bind_starts_and_ends_as_well(kind: str):
    capacity = plant(
        shifts=shifts("CREW"),
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "fixed_minutes": 60, "calendar": "CREW"},
        ],
        step_links=[{"step": 2, "after": 1, "kind": kind, "max_lag_minutes": 30}],
    )
    assert spans(earliest(capacity, "2026-01-20T00:00"))[1] == (
        "2026-01-20T05:30",
        "2026-01-20T06:30",
    )
    turned = plant(
        shifts=shifts("CREW"),
        steps=[
            {"step": 1, "fixed_minutes": 60, "calendar": "CREW"},
            {"step": 2, "fixed_minutes": 60},
        ],
        step_links=[{"step": 2, "after": 1, "kind": kind, "max_lag_minutes": 30}],
    )
    assert spans(latest(turned, "2026-01-20T20:00"))[2] == (
        "2026-01-20T13:30",
        "2026-01-20T14:30",
    )


def test_steps_that_may_not_wait_for_each_other_and_never_meet_have_no_time():
    capacity = plant(
        shifts=[*shifts("DAY"), *shifts("NIGHT", "20:00", "22:00")],
        steps=[
            {"step": 1, "fixed_minutes": 60, "calendar": "DAY"},
            {"step": 2, "fixed_minutes": 60, "calendar": "NIGHT"},
        ],
        step_links=[{"step": 2, "after": 1, "max_lag_minutes": 0}],
    )
    assert clock(capacity).latest(at(NEED), 1) is None
    assert clock(capacity).earliest(at(NEED), 1) is None


def test_links_in_a_circle_are_named():
    capacity = plant(
        steps=[{"step": n} for n in (1, 2, 3)],
        step_links=[{"step": 2, "after": 3}, {"step": 3, "after": 2}],
    )
    with pytest.raises(BadData, match=r"CAP001.*routing R .*steps 2, 3"):
        clock(capacity)


# --------------------------------------------------------------------------- soft time
def test_safety_time_lies_between_the_output_and_the_need_and_only_backward():
    capacity = plant(steps=[{"fixed_minutes": 60, "safety_minutes": 30}])
    found = clock(capacity, safety_days=2).latest(at(NEED), 1)
    assert found is not None
    assert ends(found) == ("2026-01-18T10:30", "2026-01-18T11:30")
    forward = clock(capacity, safety_days=2).earliest(at("2026-01-18T10:30"), 1)
    assert forward == found


def test_safety_days_are_open_days_of_the_location():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
    )
    work = capacity.working_time("M")
    found = clock(capacity, safety_days=1, days=work).latest(at("2026-01-19T10:00"), 1)
    assert found is not None
    assert ends(found) == ("2026-01-16T09:00", "2026-01-16T10:00")  # over the weekend


def test_safety_time_of_steps_and_links_keeps_the_steps_apart():
    steps = [
        {"step": 1, "fixed_minutes": 60, "safety_minutes": 20},
        {"step": 2, "fixed_minutes": 60},
    ]
    link = {"step": 2, "after": 1, "safety_minutes": 10}
    capacity = plant(steps=steps, step_links=[link])
    assert spans(latest(capacity, NEED))[1] == ("2026-01-20T09:30", "2026-01-20T10:30")
    assert ends(earliest(capacity, "2026-01-20T09:00"))[1] == "2026-01-20T11:00"
    # Soft time gives way to a most time.
    bound = plant(steps=steps, step_links=[{**link, "max_lag_minutes": 5}])
    assert spans(latest(bound, NEED))[1] == ("2026-01-20T09:55", "2026-01-20T10:55")


# ----------------------------------------------------------------------------- yields
@pytest.mark.req("MRP-18", "DEF-07")
def test_units_that_enter_a_step_are_what_the_steps_before_leave():
    capacity = plant(
        routings=[{"yield": 0.5}],
        steps=[{"step": 1, "yield": 0.9}, {"step": 2, "yield": 0.8}],
    )
    entering, total = capacity.yields("R")
    assert entering == {1: Fraction(1), 2: Fraction(9, 10)}
    assert total == Fraction(36, 100)
    # A good unit of the two steps needs 1/0.8 of a component at step 2:
    # ordered 1 / 0.72, of which 0.9 enter step 2.
    steps_alone = total / Fraction(1, 2)
    assert capacity.entering("R", 2) / steps_alone == 1 / Fraction(8, 10)
    assert capacity.entering("R", 1) / steps_alone == 1 / Fraction(72, 100)
    assert capacity.entering("R", None) == 1
    assert capacity.good("R", None) == total
    assert capacity.good("R", 1) == Fraction(45, 100)


def test_run_time_counts_the_units_that_enter():
    capacity = plant(
        steps=[
            {"step": 1, "run_minutes_per_unit": 1, "yield": 0.5},
            {"step": 2, "run_minutes_per_unit": 1},
        ]
    )
    first, second = earliest(capacity, NEED, 60).steps
    assert first.run_seconds == 60 * MINUTE
    assert second.run_seconds == 30 * MINUTE


def test_the_yield_of_the_preferred_resource_counts():
    capacity = plant(
        steps=[{"step": 1, "yield": 0.5}, {"step": 2}],
        step_resources=[
            {"resource": "M", "choice": "x", "preference": 2, "yield": 0.9},
            {"resource": "P", "choice": "x", "preference": 1, "yield": 0.8},
            {"resource": "T"},
        ],
    )
    assert capacity.entering("R", 2) == Fraction(4, 10)


def test_parallel_branches_do_not_share_their_losses():
    capacity = plant(
        steps=[
            {"step": 1, "sequence": 1, "yield": 0.5},
            {"step": 2, "sequence": 1},
            {"step": 3, "sequence": 2},
        ]
    )
    assert capacity.yields("R")[0] == {
        1: Fraction(1),
        2: Fraction(1),
        3: Fraction(1, 2),
    }


# ------------------------------------------------------------------- transfer batches
def test_a_transfer_batch_lets_the_next_step_begin_early():
    capacity = plant(
        steps=[
            {"step": 1, "run_minutes_per_unit": 1, "overlap_qty": 20},
            {"step": 2, "run_minutes_per_unit": 1},
        ]
    )
    expected = {
        1: ("2026-01-20T10:00", "2026-01-20T11:40"),
        2: ("2026-01-20T10:20", "2026-01-20T12:00"),
    }
    assert spans(earliest(capacity, "2026-01-20T10:00", 100)) == expected
    assert spans(latest(capacity, NEED, 100)) == expected


def test_a_faster_follower_still_waits_for_the_last_batch():
    capacity = plant(
        steps=[
            {"step": 1, "run_minutes_per_unit": 2, "overlap_qty": 20},
            {"step": 2, "run_minutes_per_unit": 1},
        ]
    )
    # The last 20 units arrive at 03:20 and take 20 minutes: done at 03:40.
    expected = {
        1: ("2026-01-20T00:00", "2026-01-20T03:20"),
        2: ("2026-01-20T02:00", "2026-01-20T03:40"),
    }
    assert spans(earliest(capacity, "2026-01-20T00:00", 100)) == expected
    assert spans(latest(capacity, "2026-01-20T03:40", 100)) == expected


def test_a_batch_of_the_whole_order_changes_nothing():
    steps = [
        {"step": 1, "run_minutes_per_unit": 1, "overlap_qty": 100},
        {"step": 2, "run_minutes_per_unit": 1},
    ]
    assert spans(latest(plant(steps=steps), NEED, 100)) == {
        1: ("2026-01-20T08:40", "2026-01-20T10:20"),
        2: ("2026-01-20T10:20", "2026-01-20T12:00"),
    }


# ----------------------------------------------------------------------------- outputs
def test_an_output_may_be_ready_some_working_time_after_the_step():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"fixed_minutes": 60}],
        routing_outputs=[{"offset_minutes": 120}],
    )
    timing = latest(capacity, "2026-01-20T07:00")
    assert ends(timing) == ("2026-01-19T12:00", "2026-01-20T07:00")
    assert iso(timing.steps[0].finish) == "2026-01-19T13:00"
    assert ends(earliest(capacity, "2026-01-19T12:00"))[1] == "2026-01-20T07:00"


def test_an_output_of_an_earlier_step_does_not_wait_for_the_rest():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "fixed_minutes": 60},
        ],
        routing_outputs=[{"step": 1}],
    )
    timing = latest(capacity, NEED)
    assert iso(timing.finish) == NEED
    assert spans(timing) == {
        1: ("2026-01-20T11:00", "2026-01-20T12:00"),
        2: ("2026-01-20T12:00", "2026-01-20T13:00"),
    }


def test_an_output_at_the_start_of_a_step_is_there_when_it_begins():
    capacity = plant(
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "fixed_minutes": 60},
        ],
        routing_outputs=[{"anchor": "start"}],
    )
    timing = latest(capacity, NEED)
    assert spans(timing) == {
        1: ("2026-01-20T11:00", "2026-01-20T12:00"),
        2: ("2026-01-20T12:00", "2026-01-20T13:00"),
    }
    assert iso(timing.finish) == NEED


def test_outputs_of_other_products_do_not_date_the_order():
    capacity = plant(
        steps=[{"fixed_minutes": 60}],
        routing_outputs=[{"product": "B", "role": "by", "offset_minutes": 600}],
    )
    assert isinstance(clock(capacity), SingleStepClock)


# ---------------------------------------------------------------------------- instants
def test_components_are_taken_after_the_queue_and_at_the_end_before_the_move():
    capacity = plant(
        steps=[
            {"step": 1, "queue_minutes": 60, "fixed_minutes": 60, "move_minutes": 60},
            {"step": 2, "fixed_minutes": 60},
        ]
    )
    timing = latest(capacity, NEED)
    assert iso(capacity.instant("R", timing, None, "start")) == "2026-01-20T09:00"
    assert iso(capacity.instant("R", timing, None, "end")) == "2026-01-20T10:00"
    assert iso(capacity.instant("R", timing, 2, "start")) == "2026-01-20T11:00"
    assert iso(capacity.output_instant("R", timing, 1, "end")) == "2026-01-20T11:00"
    assert iso(capacity.output_instant("R", timing, None, "end")) == NEED
    assert iso(capacity.output_instant("R", timing, None, "start")) == (
        "2026-01-20T11:00"
    )


def test_offsets_count_in_working_time_of_location_and_step():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=[*shifts("WORK"), *shifts("CREW", "06:00", "10:00")],
        steps=[{"fixed_minutes": 60, "calendar": "CREW"}],
    )
    timing = latest(capacity, "2026-01-20T08:00")
    assert iso(timing.start) == "2026-01-20T07:00"
    # One hour of Tuesday's shift, one of Monday's that ended at ten.
    assert iso(capacity.instant("R", timing, 1, "start", -120)) == "2026-01-19T09:00"
    assert iso(capacity.output_instant("R", timing, 1, "end", 180)) == (
        "2026-01-21T07:00"
    )
    # A step that nobody knows: the location alone.
    none = timing._replace(steps=())
    assert iso(capacity.instant("R", none, None, "start", -120)) == "2026-01-19T13:00"
    assert iso(capacity.instant("R", none, None, "end")) == "2026-01-20T08:00"
    assert iso(capacity.output_instant("R", none, None, "end")) == "2026-01-20T08:00"


def test_an_offset_in_a_place_that_never_opens_is_elapsed_time():
    capacity = plant(locations=[{"location": "L", "calendar": "SHUT"}], steps=[{}])
    timing = earliest(plant(steps=[{}]), NEED)
    assert iso(capacity.instant("R", timing, None, "start", 60)) == "2026-01-20T13:00"


# -------------------------------------------------------------------------- disruptions
def test_disruptions_do_not_count_in_this_mode():
    capacity = plant(
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
        disruptions=[{"subject": "M", "valid_from": when("2026-01-01")}],
    )
    timing = latest(capacity, NEED)
    assert iso(timing.start) == "2026-01-20T11:00"
    assert used(timing.steps[0]) == ["M"]


def test_one_clock_is_built_once():
    capacity = plant(steps=[{}])
    assert clock(capacity) is clock(capacity)
    assert clock(capacity) is not clock(capacity, safety_days=1)


def test_an_unknown_routing_is_a_key_error():
    with pytest.raises(KeyError, match="nope"):
        plant().clock("nope", 0.0, ALWAYS_OPEN)


# ------------------------------------------------------------------------- not obeyed
def test_everything_is_obeyed_in_a_plain_plant():
    assert plant(steps=[{}], step_resources=[{}]).unsupported() == []


def test_cells_that_would_change_dates_and_are_not_obeyed_are_listed():
    choice = {"choice": "x", "until_step": 2}
    capacity = plant(
        steps=[{"step": 1, "resource_rule": "cost"}, {"step": 2}],
        step_resources=[
            {"resource": "M", **choice, "yield": 0.9},
            {"resource": "P", **choice},
            {"resource": "T", "step": 2, "choice": "y", "yield": 0.9},
            {"resource": "U", "step": 2, "choice": "y"},
        ],
    )
    assert capacity.unsupported() == [("step_resources", "until_step", (1, 2))]


def test_alternates_that_differ_in_yield_by_date_are_listed():
    dated = {"choice": "x", "yield": 0.9, "valid_to": when("2026-02-01T00:00")}
    capacity = plant(
        steps=[{}],
        step_resources=[{"resource": "M", **dated}, {"resource": "P", "choice": "x"}],
    )
    assert capacity.unsupported() == [("step_resources", "yield", (1, 2))]


# --------------------------------------------------------------------------- resources
def test_a_resource_offers_its_units_while_it_is_open():
    capacity = plant(
        shifts=[{**row, "capacity": 0.5} for row in shifts("HALF")],
        resources=[
            {"resource": "ALWAYS", "units": 3},
            {"resource": "HALF", "units": 3, "calendar": "HALF"},
            {"resource": "ROUGH", "units": 3, "calendar": "HALF", "bucket": "day"},
        ],
        step_resources=[{"resource": "ALWAYS"}],
        steps=[{}],
    )
    day = at("2026-01-05"), at("2026-01-06")
    assert capacity.resources == ("ALWAYS", "HALF", "ROUGH")
    assert capacity.resource("ALWAYS").available(*day) == 3 * DAY
    assert capacity.resource("HALF").available(*day) == 8 * HOUR  # 1.5 cut down
    assert capacity.resource("ROUGH").available(*day) == 12 * HOUR
    assert capacity.resource("ROUGH").bucket == "day"
    assert capacity.resource("HALF").finite
    assert capacity.working_time("HALF").between(*day) == 8 * HOUR


def test_units_change_by_date():
    capacity = plant(
        resources=[{"resource": "M", "units": 1}],
        resource_units=[
            {
                "resource": "M",
                "valid_from": when("2026-01-05T12:00"),
                "valid_to": when("2026-01-05T18:00"),
                "units": 4,
            }
        ],
    )
    found = capacity.resource("M").available(at("2026-01-05"), at("2026-01-06"))
    assert found == (18 + 4 * 6) * HOUR


def test_routings_of_equal_steps_share_their_form_and_others_do_not():
    second = {"R1": 6, "R2": 6, "R3": 7, "R4": 6, "R5": 6}
    machine = {"R1": "M", "R2": "M", "R3": "M", "R4": "N", "R5": "M"}

    def of(*names: str) -> Capacity:
        return plant(
            routings=[{"routing": name} for name in names],
            resources=[{"resource": "M"}, {"resource": "N", "efficiency": 0.5}],
            steps=[
                {"routing": name, "step": step, "run_minutes_per_unit": pace}
                for name in names
                for step, pace in ((1, 3), (2, second[name]))
            ],
            step_resources=[
                {"routing": name, "step": 2, "resource": machine[name]}
                for name in names
            ],
            step_links=[
                {"routing": "R5", "step": 2, "after": 1, "lag_minutes": 30}
                for _ in range("R5" in names)
            ],
        )

    together = of(*second)
    for name in second:
        alone = of(name).clock(name, 0.0, ALWAYS_OPEN).latest(at(NEED), 7000)
        assert together.clock(name, 0.0, ALWAYS_OPEN).latest(at(NEED), 7000) == alone
    assert together.compiled("R1") is together.compiled("R2")
    assert together.compiled("R1") is not together.compiled("R3")
    assert together.compiled("R1") is not together.compiled("R4")
    assert together.compiled("R1") is not together.compiled("R5")
