"""Rare turns of the best plan: what limits, grids and holds do at their ends."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from medhavi.planners.master_plan import blocks as block_limits
from medhavi.planners.master_plan import master_run, source_times, statement
from medhavi.planners.master_plan.source_times import decision_grid
from medhavi.results.run_record import Status
from medhavi.units import DAY
from tests import factories
from tests.api import OptimizeParameters
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.small_plans import day, fulfilment

if TYPE_CHECKING:
    from collections.abc import Mapping


MONDAY = 1_767_571_200
LANE: Mapping[str, object] = {
    "lane": "WL",
    "origin": "W",
    "destination": "L",
    "duration_h": 24,
    "capacity_kg": 5.0,
}
MOVED: Mapping[str, list[dict[str, object]]] = {
    "products": [{"product": "A", "weight_kg": 1.0}],
    "locations": [{"location": "L"}, {"location": "W"}],
    "stock": [{"location": "W", "qty": 20}],
    "demands": [{"qty": 20, "due": day(10)}],
}


# --- lanes and suppliers -----------------------------------------------------------
def test_a_lane_that_leaves_at_any_time_carries_any_load():
    made = best(lanes=[LANE], **MOVED)
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"WL": 20}


def test_departures_beyond_the_most_that_are_counted_carry_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    daily = [
        {"lane": "WL", "weekday": weekday, "time": dt.time(8)}
        for weekday in range(1, 8)
    ]
    every = best(lanes=[LANE], departures=daily, **MOVED)
    assert sum(sources(every).values()) == 20
    monkeypatch.setattr(block_limits, "MOST_DEPARTURES", 2)
    some = best(lanes=[LANE], departures=daily, **MOVED)
    # The plan sends all of it: what the program cannot send is short in it alone.
    assert sources(some) == {"WL": 20}
    assert parts(every)["shortage"] == 0
    assert parts(some)["shortage"] > 0


def test_the_capacity_of_one_supplier_does_not_limit_another():
    made = best(
        demands=[{"qty": 20, "due": day(10)}],
        supply_terms=[
            {"supplier": "S", "unit_price": 1.0},
            {"supplier": "Z", "unit_price": 2.0},
        ],
        supplier_capacity=[{"supplier": "S", "product": "A", "qty": 5}],
    )
    assert sources(made) == {"S": 5, "Z": 15}


def test_the_capacity_of_a_window_beyond_the_grid_limits_nothing():
    made = best(
        demands=[{"qty": 20, "due": day(10)}],
        supply_terms=[{"supplier": "S"}],
        supplier_capacity=[
            {
                "supplier": "S",
                "product": "A",
                "qty": 5,
                "valid_from": day(200),
                "valid_to": day(300),
            }
        ],
    )
    assert sources(made) == {"S": 20}


# --- times -------------------------------------------------------------------------
def test_a_supplier_that_delivers_after_the_grid_is_not_asked():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        supply_terms=[{"supplier": "S", "lead_time_days": 300}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"
    assert sources(made) == {}


def test_work_that_no_opening_is_long_enough_for_is_not_planned():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        calendars=[{"calendar": "CAL"}],
        calendar_exceptions=[{"start": day(1), "finish": day(1.01), "capacity": 1.0}],
        shifts=[],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"


def test_work_is_planned_while_its_resource_still_opens():
    made = best(
        demands=[{"qty": 5, "due": day(9)}],
        calendars=[{"calendar": "CAL"}],
        calendar_exceptions=[{"start": day(2), "finish": day(3), "capacity": 1.0}],
        shifts=[],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 10}],
        step_resources=[{"resource": "M"}],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert made.supplies["finish"].to_list() == [day(3)]


def test_of_many_sources_some_edges_are_asked():
    grid = decision_grid("30xday+8xweek", MONDAY, MONDAY + 60 * DAY)
    asked = source_times.sampled_edges(grid, 40_000).tolist()
    assert asked[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert 30 in asked
    assert len(asked) < grid.size


@pytest.mark.parametrize("weekdays", [range(1, 8), range(1, 6)])
def test_a_pattern_of_some_edges_gives_a_plan_on_time(
    weekdays: range, monkeypatch: pytest.MonkeyPatch
):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 40, "due": day(12)}, {"qty": 40, "due": day(25)}],
        "calendars": [{"calendar": "CAL"}],
        "shifts": [{"weekday": weekday} for weekday in weekdays],
        "resources": [{"resource": "M", "calendar": "CAL"}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 10}],
        "step_resources": [{"resource": "M"}],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "lead_time_days": 1}],
    }
    full = best(**rows)
    monkeypatch.setattr(source_times, "FEW_QUESTIONS", 0)
    made = best(**rows)
    for demand in ("D1", "D2"):
        assert fulfilment(made, demand)["status"] == "on_time"
    assert sources(made) == sources(full) == {"R": 80, "S": 80}


def test_a_line_that_is_valid_after_the_grid_takes_nothing():
    made = best(
        demands=[{"qty": 5, "due": day(10)}],
        routings=[{}],
        bom_lines=[{"valid_from": day(300)}],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"R": 5}


def test_a_by_product_that_cools_is_there_later():
    made = best(
        demands=[
            {"qty": 5, "due": day(10)},
            {"product": "B", "qty": 5, "due": day(10)},
        ],
        routings=[{}],
        routing_outputs=[
            {"product": "A", "qty_per": 1},
            {
                "product": "B",
                "role": "co",
                "qty_per": 1,
                "offset_minutes": 2880,
            },
        ],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert fulfilment(made, "D2")["status"] == "on_time"
    assert made.supplies.filter(product="B")["finish"].min() <= day(8)


# --- what is there and held ---------------------------------------------------------
def test_an_order_that_arrives_after_the_grid_serves_nobody():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        supply_orders=[{"source": "S", "qty": 5, "due": day(300), "firm": True}],
        suppliers=[{"supplier": "S"}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"


def test_what_is_held_for_nobody_serves_nobody():
    made = best(
        demands=[{"qty": 10, "due": day(3)}],
        stock=[{"qty": 10}],
        reservations=[{"qty": 4, "demand": None}],
    )
    assert fulfilment(made, "D1")["planned"] == 6


def test_what_is_held_for_a_demand_serves_it_before_a_better_one():
    made = best(
        demands=[
            {"qty": 10, "due": day(3), "priority": 9},
            {"qty": 10, "due": day(3), "priority": 1},
        ],
        stock=[{"qty": 10}],
        reservations=[{"qty": 4, "demand": "D1"}],
    )
    assert fulfilment(made, "D1")["planned"] == 4
    assert fulfilment(made, "D2")["planned"] == 6


def test_hours_that_are_held_are_worked_for_nobody_else():
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 24, "due": day(1)}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 60}],
        "step_resources": [{"resource": "M"}],
    }
    assert fulfilment(best(**rows), "D1")["status"] == "on_time"
    held = best(
        reservations=[
            {
                "kind": "capacity",
                "subject": "M",
                "location": None,
                "qty": 720,
                "start": day(0),
                "finish": day(1),
            },
            {
                "kind": "capacity",
                "subject": "N",
                "location": None,
                "qty": 1440,
                "start": day(0),
                "finish": day(1),
            },
        ],
        resources=[{"resource": "M"}, {"resource": "N"}],
        **rows,
    )
    assert parts(held)["lateness"] > 0


def test_a_value_is_followed_through_a_few_levels_only(monkeypatch: pytest.MonkeyPatch):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 5, "due": day(20)}],
        "routings": [{}],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "unit_price": 3.0}],
    }
    full = best(**rows)
    monkeypatch.setattr(statement, "ROUNDS", 1)
    assert sources(best(**rows)) == sources(full) == {"R": 5, "S": 5}


# --- amounts that are followed -------------------------------------------------------


def test_what_a_whole_lot_takes_more_is_bought_now_not_with_a_later_amount():
    made = best(
        {"bucket": "80xday"},
        stock=[{"product": "C", "qty": 10}],
        products=[{"product": "A"}, {"product": "C"}],
        demands=[
            {"demand": "D1", "qty": 10, "due": day(5)},
            {"demand": "D2", "qty": 150, "due": day(60)},
        ],
        routings=[{"min_lot": 100}],
        steps=[{"fixed_minutes": 60}],
        bom_lines=[{"component": "C"}],
        supply_terms=[{"product": "C", "supplier": "S", "lead_time_days": 16}],
    )
    # The program makes 10 of the stock; the lot of 100 takes 90 more, 16 days from now.
    assert fulfilment(made, "D1")["lateness_h"] == pytest.approx(11 * 24 + 1)
    assert fulfilment(made, "D2")["status"] == "on_time"


def test_a_long_order_counts_as_its_halves(monkeypatch: pytest.MonkeyPatch):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 16, "due": day(9)}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 360}],
        "step_resources": [{"resource": "M"}],
    }
    monkeypatch.setattr(source_times, "HALVES", 1)
    made = best(**rows)
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"R": 16}


def test_the_best_plan_leaves_out_a_routing_that_gives_nothing_yet():
    made = best(
        demands=[{"qty": 10, "due": day(9)}],
        routings=[{}],
        routing_outputs=[{"valid_from": day(300)}],
        supply_terms=[{"supplier": "S"}],
        sourcing=[{}, {"kind": "buy", "source": "S", "preference": 2}],
    )
    assert sources(made) == {"S": 10}


def test_a_plan_that_is_cancelled_says_so_and_keeps_its_settings():
    snapshot = factories.snapshot(demands=[{}], supply_terms=[{}])
    made = master_run.plan(
        snapshot, OptimizeParameters(late_days=7.0), cancelled=lambda: True
    )
    assert made.run.status == Status.CANCELLED
    assert made.run.settings["late_days"] == 7.0
    assert made.supplies.is_empty()
