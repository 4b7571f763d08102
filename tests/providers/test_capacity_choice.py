"""Which resource a step takes, and what efficiency by date does to its length."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.providers.capacity.axis import Axis, WorkContent
from medhavi.providers.capacity.capacity import TABLES, Capacity
from medhavi.providers.capacity.choice import step_plan
from medhavi.providers.capacity.resources import EVER, Resources
from medhavi.providers.table_rows import read_tables
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN, Calendars
from medhavi.units import DAY, HOUR, MINUTE
from tests import factories
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
    from medhavi.providers.capacity.choice import OptionPeriod

NEED = "2026-01-20T12:00"
HOUR_STEP = {"fixed_minutes": 60}


# ------------------------------------------------------------- options that are shared
NEEDS = st.fixed_dictionaries(
    {"resource": st.sampled_from(["M1", "M2", "M3"])},
    optional={
        "choice": st.sampled_from(["x", "y"]),
        "preference": st.integers(1, 2),
        "units": st.sampled_from([1.0, 2.0]),
        "speed": st.sampled_from([0.5, 2.0]),
        "setup_minutes": st.sampled_from([0.0, 5.0]),
        "valid_to": st.just(when("2026-01-12T00:00")),
    },
)


def same_row(row: dict[str, object]) -> object:
    return row["resource"], row.get("valid_to")


@given(
    st.lists(st.lists(NEEDS, max_size=3, unique_by=same_row), min_size=2, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
@settings(max_examples=60)
def test_steps_that_share_options_have_those_of_their_own(needs, splittable):
    snapshot = factories.snapshot(
        shifts=shifts("DAY"),
        resources=[
            {"resource": "M1", "calendar": "DAY"},
            {"resource": "M2"},
            {"resource": "M3", "efficiency": 0.8},
        ],
        routings=[{}],
        steps=[
            {"step": step, "sequence": step, "splittable": splittable[step - 1]}
            for step, _ in enumerate(needs, 1)
        ],
        step_resources=[
            {"step": step, **row} for step, rows in enumerate(needs, 1) for row in rows
        ],
    )
    tables, calendars = read_tables(snapshot, TABLES), Calendars(snapshot)
    compiled = Capacity(snapshot, calendars).compiled("R")
    for task in compiled.tasks:
        step = task.node.step
        rows = [row for row in tables["step_resources"] if row["step"] == step]
        alone = step_plan(
            task.node,
            rows,
            compiled.step_times[step],
            (),
            Resources(tables, calendars),
        )
        shared = [told(epoch) for epoch in task.plan.epochs]
        assert shared == [told(epoch) for epoch in alone.epochs]


def told(epoch: OptionPeriod) -> object:
    """An epoch and its options as plain values."""
    return (
        epoch.start,
        epoch.finish,
        [
            (
                one.resources,
                one.setup,
                one.cost_per_hour,
                one.axis.steady,
                one.axis.splittable,
                one.axis.working.segments(at(NEED), at(NEED) + 20 * DAY),
            )
            for one in epoch.options
        ],
    )


# ------------------------------------------------------------------------- alternates
@pytest.mark.req("CAP-09")
def test_one_resource_of_a_choice_is_used_by_preference_then_id():
    capacity = plant(
        steps=[HOUR_STEP],
        step_resources=[
            {"resource": "P", "choice": "x", "preference": 2},
            {"resource": "N", "choice": "x", "preference": 1},
            {"resource": "M", "choice": "x", "preference": 1},
            {"resource": "T"},
        ],
    )
    assert used(latest(capacity, NEED).steps[0]) == ["M", "T"]


def test_an_alternate_counts_only_inside_its_window_by_the_start_of_the_step():
    capacity = plant(
        steps=[HOUR_STEP],
        step_resources=[
            {
                "resource": "M",
                "choice": "x",
                "preference": 1,
                "valid_to": when("2026-01-20T11:00"),
            },
            {"resource": "P", "choice": "x", "preference": 2},
        ],
    )
    assert used(latest(capacity, NEED).steps[0]) == ["P"]
    assert used(latest(capacity, "2026-01-20T11:59").steps[0]) == ["M"]
    assert used(earliest(capacity, "2026-01-20T10:59").steps[0]) == ["M"]
    assert used(earliest(capacity, "2026-01-20T11:00").steps[0]) == ["P"]


def test_a_choice_without_a_valid_candidate_waits_for_one():
    capacity = plant(
        steps=[HOUR_STEP],
        step_resources=[
            {
                "resource": "M",
                "choice": "x",
                "valid_from": when("2026-01-10"),
                "valid_to": when("2026-01-15"),
            }
        ],
    )
    assert ends(latest(capacity, NEED)) == ("2026-01-14T23:59", "2026-01-15T00:59")
    assert ends(earliest(capacity, "2026-01-05")) == (
        "2026-01-10T00:00",
        "2026-01-10T01:00",
    )
    assert clock(capacity).earliest(at(NEED), 1) is None
    assert clock(capacity).latest(at("2026-01-05"), 1) is None


def test_a_resource_outside_its_window_is_not_needed():
    capacity = plant(
        shifts=shifts("CREW"),
        steps=[HOUR_STEP],
        resources=[{"resource": "P", "calendar": "CREW"}],
        step_resources=[
            {"resource": "M"},
            {"resource": "P", "valid_from": when("2026-01-20")},
        ],
    )
    before = earliest(capacity, "2026-01-19T20:00")
    assert used(before.steps[0]) == ["M"]
    assert iso(before.start) == "2026-01-19T20:00"
    after = earliest(capacity, "2026-01-20T00:00")
    assert used(after.steps[0]) == ["M", "P"]
    assert iso(after.start) == "2026-01-20T06:00"
    # With P it would end by 06:00 only before P is asked for.
    late = latest(capacity, "2026-01-20T06:00")
    assert (iso(late.start), used(late.steps[0])) == ("2026-01-19T23:59", ["M"])


def test_the_cheapest_resource_is_used_by_rule():
    capacity = plant(
        steps=[{"run_minutes_per_unit": 60, "resource_rule": "cost"}],
        resources=[
            {"resource": "M", "cost_per_hour": 30},
            {"resource": "P", "cost_per_hour": 50, "efficiency": 2},
        ],
        step_resources=[
            {"resource": "M", "choice": "x"},
            {"resource": "P", "choice": "x"},
        ],
    )
    assert used(latest(capacity, NEED).steps[0]) == ["P"]  # 25 against 30
    assert used(earliest(capacity, NEED).steps[0]) == ["P"]


def test_the_resource_that_is_through_first_is_used_by_rule():
    capacity = plant(
        shifts=shifts("CREW"),
        steps=[{"run_minutes_per_unit": 60, "resource_rule": "earliest"}],
        resources=[
            {"resource": "M", "calendar": "CREW"},
            {"resource": "P", "efficiency": 0.5},
        ],
        step_resources=[
            {"resource": "M", "choice": "x", "preference": 1},
            {"resource": "P", "choice": "x", "preference": 2},
        ],
    )
    assert used(earliest(capacity, "2026-01-20T06:00").steps[0]) == ["M"]
    assert used(earliest(capacity, "2026-01-20T00:00").steps[0]) == ["P"]
    # Backward the one that may begin last.
    assert used(latest(capacity, "2026-01-20T14:00").steps[0]) == ["M"]
    assert used(latest(capacity, "2026-01-20T22:00").steps[0]) == ["P"]


def test_a_preferred_resource_that_never_works_gives_way():
    capacity = plant(
        calendars=[{"calendar": "SHUT"}],
        steps=[HOUR_STEP],
        resources=[{"resource": "M", "calendar": "SHUT"}],
        step_resources=[
            {"resource": "M", "choice": "x", "preference": 1},
            {"resource": "P", "choice": "x", "preference": 2},
        ],
    )
    assert used(latest(capacity, NEED).steps[0]) == ["P"]


# ------------------------------------------------------------------------------- pools
def test_any_one_member_of_a_pool_serves_the_first_by_id():
    capacity = plant(
        steps=[HOUR_STEP],
        resources=[
            {"resource": "M2", "pool": "MILL"},
            {"resource": "M1", "pool": "MILL"},
        ],
        step_resources=[{"resource": "MILL"}],
    )
    assert used(latest(capacity, NEED).steps[0]) == ["M1"]


def test_a_member_needs_the_skill_when_the_step_begins():
    capacity = plant(
        steps=[HOUR_STEP],
        resources=[
            {"resource": name, "pool": "CREW"} for name in ("ANN", "BEN", "CARL")
        ],
        resource_skills=[
            {"resource": "BEN", "skill": "weld", "preference": 2},
            {
                "resource": "CARL",
                "skill": "weld",
                "preference": 1,
                "valid_from": when("2026-01-10"),
            },
        ],
        step_resources=[{"resource": "CREW", "skill": "weld"}],
    )
    assert used(earliest(capacity, "2026-01-05").steps[0]) == ["BEN"]
    assert used(earliest(capacity, "2026-01-12").steps[0]) == ["CARL"]
    assert used(latest(capacity, "2026-01-10T00:30").steps[0]) == ["BEN"]


def test_a_skill_that_nobody_has_leaves_no_time():
    capacity = plant(
        steps=[HOUR_STEP],
        resources=[{"resource": "ANN", "pool": "CREW"}],
        step_resources=[{"resource": "CREW", "skill": "weld"}],
    )
    assert clock(capacity).latest(at(NEED), 1) is None
    assert clock(capacity).earliest(at(NEED), 1) is None


# ------------------------------------------------------------------------------- holds
def test_what_is_held_until_a_later_step_limits_the_steps_between():
    capacity = plant(
        shifts=shifts("CREW"),
        steps=[{"step": n, "fixed_minutes": 60} for n in (1, 2, 3)],
        resources=[{"resource": "CART", "calendar": "CREW", "pool": "CARTS"}],
        step_resources=[
            {"resource": "CARTS", "step": 1, "until_step": 2},
            {"resource": "M", "step": 2},
        ],
    )
    timing = latest(capacity, "2026-01-20T20:00")
    assert spans(timing) == {
        1: ("2026-01-20T12:00", "2026-01-20T13:00"),
        2: ("2026-01-20T13:00", "2026-01-20T14:00"),
        3: ("2026-01-20T19:00", "2026-01-20T20:00"),
    }
    assert [used(window) for window in timing.steps] == [["CART"], ["M", "CART"], []]


def test_a_hold_until_an_unknown_step_or_of_an_empty_pool_is_its_own_step():
    capacity = plant(
        steps=[{"step": 1, "fixed_minutes": 60}, {"step": 2, "fixed_minutes": 60}],
        resources=[{"resource": "ANN", "pool": "CREW"}],
        step_resources=[
            {"resource": "M", "step": 1, "until_step": 9},
            {"resource": "CREW", "step": 2, "until_step": 2, "skill": "weld"},
        ],
    )
    assert clock(capacity).earliest(at(NEED), 1) is None


# ----------------------------------------------------------------- efficiency by date
def efficiency(start: str, finish: str, value: float) -> dict[str, object]:
    return {
        "resource": "M",
        "valid_from": when(start),
        "valid_to": when(finish),
        "efficiency": value,
    }


def test_a_run_goes_on_at_another_pace_when_efficiency_changes():
    capacity = plant(
        steps=[{"setup_minutes": 30, "fixed_minutes": 120}],
        step_resources=[{"resource": "M"}],
        resource_units=[efficiency("2026-01-20T10:00", "2026-01-20T11:00", 0.5)],
    )
    # Set-up 9:00-9:30, run 9:30-10:00, half pace until 11:00, the last hour at full.
    expected = ("2026-01-20T09:00", "2026-01-20T12:00")
    assert ends(earliest(capacity, "2026-01-20T09:00")) == expected
    timing = latest(capacity, NEED)
    assert ends(timing) == expected
    assert timing.steps[0].setup_seconds == 30 * MINUTE
    assert timing.steps[0].run_seconds == 150 * MINUTE


def test_set_up_takes_its_time_at_any_pace():
    capacity = plant(
        steps=[{"setup_minutes": 90}],
        step_resources=[{"resource": "M"}],
        resource_units=[efficiency("2026-01-20T10:00", "2026-01-20T11:00", 0.5)],
    )
    assert ends(latest(capacity, NEED)) == ("2026-01-20T10:30", "2026-01-20T12:00")
    assert ends(earliest(capacity, "2026-01-20T09:00"))[1] == "2026-01-20T10:30"


def test_efficiency_zero_cannot_work_at_all():
    capacity = plant(
        steps=[{"setup_minutes": 30, "fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
        resource_units=[efficiency("2026-01-20T10:00", "2026-01-20T11:30", 0.0)],
    )
    timing = latest(capacity, NEED)
    assert ends(timing) == ("2026-01-20T09:00", "2026-01-20T12:00")
    assert len(timing.steps[0].segments) == 2


def test_work_that_may_not_pause_finds_a_window_at_any_pace():
    capacity = plant(
        locations=[{"location": "L", "calendar": "WORK"}],
        shifts=shifts("WORK"),
        steps=[{"fixed_minutes": 300, "splittable": False}],
        step_resources=[{"resource": "M"}],
        resource_units=[efficiency("2026-01-20T00:00", "2026-01-21T00:00", 0.5)],
    )
    # On Tuesday it takes ten hours, and the shift has eight.
    assert ends(latest(capacity, "2026-01-20T20:00")) == (
        "2026-01-19T09:00",
        "2026-01-19T14:00",
    )
    assert ends(earliest(capacity, "2026-01-19T10:00")) == (
        "2026-01-21T06:00",
        "2026-01-21T11:00",
    )


def test_an_efficiency_for_ever_is_steady():
    capacity = plant(
        steps=[HOUR_STEP],
        step_resources=[{"resource": "M"}],
        resource_units=[{"resource": "M", "efficiency": 0.5}],
    )
    assert iso(latest(capacity, NEED).start) == "2026-01-20T10:00"


def test_the_slowest_of_two_changing_resources_decides_at_every_time():
    capacity = plant(
        steps=[{"fixed_minutes": 120}],
        resources=[{"resource": "M"}, {"resource": "P", "efficiency": 0.8}],
        step_resources=[{"resource": "M"}, {"resource": "P"}],
        resource_units=[efficiency("2026-01-20T10:00", "2026-01-20T12:00", 0.5)],
    )
    # 120 min of work from 9:00: 48 by ten, 60 by noon, 12 / 0.8 = 15 more minutes.
    assert ends(earliest(capacity, "2026-01-20T09:00"))[1] == "2026-01-20T12:15"
    assert ends(latest(capacity, "2026-01-20T12:15"))[0] == "2026-01-20T09:00"


# --------------------------------------------------------------------------- the axis
PACES = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 8)), min_size=1, max_size=4
)


def changing(pieces: list[tuple[int, int]]) -> Axis:
    """Pace pieces of some hours from 2026-01-05 on, then full pace."""
    edge, previous = at("2026-01-05"), EVER[0]
    paces: list[tuple[int, int, Fraction]] = []
    for hours, quarter in pieces:
        paces.append((previous, edge, Fraction(quarter, 4)))
        previous, edge = edge, edge + hours * HOUR
    paces.append((previous, EVER[1], Fraction(1)))
    return Axis(ALWAYS_OPEN, tuple(paces), splittable=True)


@given(PACES, st.integers(0, 90), st.integers(0, 20 * 60), st.integers(-40, 90))
def test_paced_work_agrees_with_counting_second_by_second_in_minutes(
    pieces: list[tuple[int, int]], setup: int, run: int, hours: int
):
    axis = changing(pieces)
    start = at("2026-01-05") + hours * HOUR
    work = WorkContent(Fraction(setup * MINUTE), Fraction(run * MINUTE))
    found = axis.earliest(work, start, start)
    assert found is not None
    moment, left_setup, left = start, setup * MINUTE, work.run
    while left_setup or left > 0:
        pace = next(p for a, b, p in axis.paces if a <= moment < b)
        if left_setup:
            left_setup -= MINUTE
        else:
            left -= min(pace * MINUTE, left)
        moment += MINUTE
    assert moment - MINUTE < found[1] <= moment
    back = axis.latest(work, found[1], found[1])
    assert back is not None
    assert back[0] >= found[0]
    assert back[1] <= found[1]


@given(PACES, st.integers(1, 20 * 60), st.integers(-40, 90))
def test_paced_work_placed_late_ends_in_time_and_cannot_begin_later(
    pieces: list[tuple[int, int]], run: int, hours: int
):
    axis = changing(pieces)
    by = at("2026-01-05") + hours * HOUR
    work = WorkContent(Fraction(0), Fraction(run * MINUTE))
    found = axis.latest(work, by, by)
    assert found is not None
    assert found[1] <= by
    later = axis.after(found[0] + 1, work)
    assert later is not None
    assert later > by


def test_a_paced_end_can_be_bound_from_below():
    axis = changing([(10, 2)])
    work = WorkContent(Fraction(0), Fraction(HOUR))
    start = at("2026-01-04")
    bound = start + 3 * DAY
    found = axis.earliest(work, start, bound)
    assert found == (bound - HOUR, bound)
    assert axis.latest(work, bound, start) == (start, start + 2 * HOUR)
