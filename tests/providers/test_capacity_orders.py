"""Orders that exist: their dates are kept, their steps follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.units import MINUTE
from tests.api import OrderTiming
from tests.providers.plants import at, ends, plant, shifts, spans, used, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.capacity.capacity import Capacity
    from tests.providers.plants import Row

DUE = at("2026-01-20T12:00")
STEPS = [
    {"step": 1, "setup_minutes": 30, "run_minutes_per_unit": 6, "safety_minutes": 99},
    {"step": 2, "run_minutes_per_unit": 12},
]


def shop(progress: Sequence[Row] = ()) -> Capacity:
    return plant(
        routings=[{"safety_days": 5}],
        steps=STEPS,
        step_resources=[
            {"step": 1, "resource": "M", "choice": "x", "preference": 1},
            {"step": 1, "resource": "P", "choice": "x", "preference": 2},
        ],
        resources=[{"resource": "M"}, {"resource": "P", "efficiency": 0.5}],
        supply_order_steps=[{"supply_order": "O", **row} for row in progress],
    )


def test_an_order_without_start_is_dated_back_from_its_due_date_without_soft_time():
    timing = shop().existing("O", "R", (10, 0), DUE)
    assert ends(timing) == ("2026-01-20T08:30", "2026-01-20T12:00")
    assert spans(timing) == {
        1: ("2026-01-20T08:30", "2026-01-20T10:00"),
        2: ("2026-01-20T10:00", "2026-01-20T12:00"),
    }


def test_an_order_with_a_start_takes_its_components_then_and_keeps_its_due_date():
    timing = shop().existing("O", "R", (10, 0), DUE, at("2026-01-19T08:00"))
    assert ends(timing) == ("2026-01-19T08:00", "2026-01-20T12:00")
    assert spans(timing)[1] == ("2026-01-19T08:00", "2026-01-19T09:30")
    assert timing.ready == timing.start


def test_what_is_done_takes_no_more_time():
    timing = shop().existing("O", "R", (10, 5), DUE)
    assert spans(timing) == {
        1: ("2026-01-20T10:00", "2026-01-20T11:00"),
        2: ("2026-01-20T11:00", "2026-01-20T12:00"),
    }


def test_completed_steps_are_not_there_any_more():
    capacity = shop([{"step": 1, "status": "completed"}])
    timing = capacity.existing("O", "R", (10, 0), DUE)
    assert spans(timing) == {2: ("2026-01-20T10:00", "2026-01-20T12:00")}
    assert capacity.instant("R", timing, 1, "start") == at("2026-01-20T10:00")


def test_an_order_whose_steps_are_all_completed_is_there_when_due():
    rows = [{"step": n, "status": "completed"} for n in (1, 2)]
    timing = shop(rows).existing("O", "R", (10, 0), DUE)
    assert timing.steps == ()
    assert ends(timing) == ("2026-01-20T12:00", "2026-01-20T12:00")


def test_a_begun_step_has_its_setup_behind_it_and_the_units_that_are_left():
    rows = [{"step": 1, "status": "in_process", "qty_done": 5}]
    timing = shop(rows).existing("O", "R", (10, 0), DUE)
    assert spans(timing)[1] == ("2026-01-20T09:30", "2026-01-20T10:00")
    assert timing.steps[0].setup_seconds == 0


def test_a_step_is_done_as_far_as_the_order_is_in_stock():
    rows = [{"step": 1, "status": "in_process", "qty_done": 5}]
    timing = shop(rows).existing("O", "R", (10, 8), DUE)
    first, second = timing.steps
    assert first.run_seconds == 12 * MINUTE
    assert second.run_seconds == 24 * MINUTE


def test_the_remaining_minutes_that_are_stated_hold_as_they_are():
    rows = [
        {"step": 1, "status": "in_process", "resource": "P", "remaining_minutes": 20}
    ]
    timing = shop(rows).existing("O", "R", (10, 0), DUE)
    assert spans(timing)[1] == ("2026-01-20T09:40", "2026-01-20T10:00")
    assert used(timing.steps[0]) == ["P"]


def test_an_assigned_resource_is_used_and_an_unknown_one_changes_nothing():
    assigned = shop([{"step": 1, "resource": "P"}])
    timing = assigned.existing("O", "R", (10, 0), DUE)
    assert used(timing.steps[0]) == ["P"]
    assert timing.steps[0].run_seconds == 120 * MINUTE
    other = shop([{"step": 1, "resource": "Q"}]).existing("O", "R", (10, 0), DUE)
    assert used(other.steps[0]) == ["M"]


@pytest.mark.req("CAP-12")
@pytest.mark.parametrize("start", [None, "2026-01-19T20:00"])
def test_a_locked_step_keeps_its_times(start: str | None):
    rows = [
        {
            "step": 1,
            "locked": True,
            "start": when("2026-01-20T01:00"),
            "finish": when("2026-01-20T02:00"),
        }
    ]
    timing = shop(rows).existing(
        "O", "R", (10, 0), DUE, None if start is None else at(start)
    )
    assert spans(timing)[1] == ("2026-01-20T01:00", "2026-01-20T02:00")
    assert timing.steps[0].segments == (
        (at("2026-01-20T01:00"), at("2026-01-20T02:00")),
    )


@pytest.mark.parametrize(
    "times", [{"start": "2026-01-20T01:00"}, {"finish": "2026-01-20T02:30"}]
)
def test_of_a_step_with_one_stated_time_the_other_follows(times: dict[str, str]):
    row = {"step": 1, **{name: when(text) for name, text in times.items()}}
    timing = shop([row]).existing("O", "R", (10, 0), DUE)
    assert spans(timing) == {
        1: ("2026-01-20T01:00", "2026-01-20T02:30"),
        2: ("2026-01-20T10:00", "2026-01-20T12:00"),
    }


def test_stated_times_of_steps_hold_in_whatever_order_they_stand():
    rows = [
        {
            "step": 1,
            "start": when("2026-01-20T05:00"),
            "finish": when("2026-01-20T06:00"),
        },
        {
            "step": 2,
            "start": when("2026-01-20T01:00"),
            "finish": when("2026-01-20T02:00"),
        },
    ]
    timing = shop(rows).existing("O", "R", (10, 0), DUE, at("2026-01-20"))
    assert [window.step for window in timing.steps] == [2, 1]
    assert spans(timing)[2] == ("2026-01-20T01:00", "2026-01-20T02:00")
    assert ends(timing) == ("2026-01-20T00:00", "2026-01-20T12:00")


@pytest.mark.parametrize("start", [None, DUE])
def test_a_stated_time_on_a_resource_that_never_opens_leaves_the_order_without_steps(
    start: int | None,
):
    capacity = plant(
        locations=[{"location": "L", "calendar": "SHUT"}],
        calendars=[{"calendar": "SHUT"}],
        steps=STEPS[1:],
        supply_order_steps=[
            {"supply_order": "O", "step": 2, "start": when("2026-01-20")}
        ],
    )
    assert capacity.existing("O", "R", (10, 0), DUE, start).steps == ()


def test_a_stated_time_without_any_resource_leaves_the_order_without_steps():
    capacity = plant(
        steps=STEPS[1:],
        resources=[{"resource": "ANN", "pool": "CREW"}],
        step_resources=[{"step": 2, "resource": "CREW", "skill": "weld"}],
        supply_order_steps=[
            {"supply_order": "O", "step": 2, "start": when("2026-01-20")}
        ],
    )
    assert capacity.existing("O", "R", (10, 0), DUE).steps == ()


def test_an_output_of_a_completed_step_is_there_when_due():
    capacity = plant(
        steps=STEPS,
        routing_outputs=[{"step": 1}],
        supply_order_steps=[{"supply_order": "O", "step": 1, "status": "completed"}],
    )
    timing = capacity.existing("O", "R", (10, 0), DUE)
    assert spans(timing) == {2: ("2026-01-20T10:00", "2026-01-20T12:00")}


def test_an_order_in_a_place_that_never_opens_keeps_its_dates_without_steps():
    capacity = plant(
        locations=[{"location": "L", "calendar": "SHUT"}],
        shifts=shifts("WORK"),
        calendars=[{"calendar": "SHUT"}, {"calendar": "WORK"}],
        steps=STEPS,
    )
    assert capacity.existing("O", "R", (10, 0), DUE) == OrderTiming(DUE, DUE, DUE)
    started = capacity.existing("O", "R", (10, 0), DUE, DUE - 60)
    assert started == OrderTiming(DUE - 60, DUE, DUE - 60)
