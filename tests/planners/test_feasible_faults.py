"""Small snapshots whose constrained plan could not be carried out once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from medhavi.findings import BadData
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    KERNELS,
    day,
    days,
    deliveries,
    exceptions,
    orders,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan

WORK = {"kind": "work", "status": "firmed", "source": "R", "start": day(1)}


def feasible(effort: str = "light", /, **given: Iterable[Mapping[str, object]]) -> Plan:
    """Plan partial rows in mode constrained; nothing may be wrong with the plan."""
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, "constrained", {**KERNELS, "effort": effort})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


# --- orders that never fit ---------------------------------------------------------
def test_an_order_that_stays_tells_that_its_component_can_never_be_made() -> None:
    work = {"kind": "work", "start": day(0), "due": day(3)}
    made = feasible(
        resources=[{"resource": "M"}],
        resource_units=[{"valid_from": day(3), "units": 0}],
        routings=[
            {"routing": "R"},
            {"routing": "Q", "product": "B"},
            {"routing": "RZ", "product": "Z"},
        ],
        steps=[
            {"routing": "R", "fixed_minutes": 60},
            {"routing": "Q", "run_minutes_per_unit": 60},
            {"routing": "RZ", "run_minutes_per_unit": 60},
        ],
        step_resources=[{"routing": "Q"}, {"routing": "RZ"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        supply_orders=[
            {**work, "product": "Z", "qty": 72, "source": "RZ"},
            {
                **work,
                "qty": 10,
                "source": "R",
                "status": "firmed",
                "start": day(4),
                "due": day(5),
            },
        ],
        demands=[{"due": day(9)}, {"product": "Z", "qty": 1}],
    )
    (told,) = exceptions(made, "MissingMaterial")
    assert (told["supply"], told["product"], told["qty"]) == ("O2", "B", 10)


# --- what dies ---------------------------------------------------------------------
def test_what_dies_is_not_made_so_early_that_it_is_dead_when_it_is_delivered() -> None:
    made = feasible(
        products=[{"product": "A", "shelf_life_days": 3}],
        routings=[{}],
        lanes=[{"origin": "L", "destination": "W", "duration_h": 24}],
        demands=[{"location": "W", "qty": 10, "due": day(28)}],
    )
    assert deliveries(made) == [(10, 28)]
    assert orders(made) == [("A", 10, 27, 27), ("A", 10, 27, 28)]


def test_what_goes_into_what_dies_lives_until_it_is_taken() -> None:
    made = feasible(
        products=[
            {"product": "A", "shelf_life_days": 3},
            {"product": "B", "shelf_life_days": 2},
        ],
        resources=[{}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        step_resources=[{}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        demands=[{"qty": 10, "due": day(28)}],
    )
    assert deliveries(made) == [(10, 28)]
    assert orders(made) == [("A", 10, 27, 28), ("B", 10, 26, 27)]


def test_what_an_order_takes_on_its_date_lives_until_then() -> None:
    made = feasible(
        products=[{"product": "B", "shelf_life_days": 10}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
        supply_orders=[{**WORK, "qty": 10, "start": day(20), "due": day(21)}],
        demands=[{"due": day(21)}],
    )
    assert orders(made, "B") == [("B", 10, 17, 20)]


def test_goods_that_wait_for_another_line_are_taken_fresh() -> None:
    line = {"sales_order": "SO", "order_policy": "all_together", "qty": 10}
    made = feasible(
        products=[{"product": "A", "shelf_life_days": 3}],
        supply_terms=[
            {"product": "A", "lead_time_days": 1},
            {"product": "B", "lead_time_days": 20},
        ],
        demands=[
            {**line, "product": "A", "due": day(4)},
            {**line, "product": "B", "due": day(4)},
        ],
    )
    assert deliveries(made) == [(10, 20)]
    assert deliveries(made, "D2") == [(10, 20)]


def test_what_is_made_without_a_component_is_not_made_while_that_is_needed() -> None:
    made = feasible(
        routings=[{}], bom_lines=[{"valid_to": day(13)}], demands=[{"due": day(5)}]
    )
    assert deliveries(made) == [(10, 13)]
    assert orders(made) == [("A", 10, 13, 13)]


# --- orders that exist -------------------------------------------------------------


def test_an_order_waits_for_goods_that_come_when_their_line_holds_no_more() -> None:
    made = feasible(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}, {"routing": "RZ", "product": "Z"}],
        steps=[
            {"routing": "R", "fixed_minutes": 1440},
            {"routing": "RZ", "fixed_minutes": 1440},
        ],
        step_resources=[{"routing": "R"}, {"routing": "RZ"}],
        bom_lines=[{"routing": "R", "component": "B", "valid_to": day(3)}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
        supply_orders=[{**WORK, "qty": 10, "due": day(2)}],
        demands=[{"product": "Z", "qty": 1, "due": day(2)}],
    )
    assert orders(made, "A", status="firmed") == [("A", 10, 5, 6)]
    assert made.fulfilment["status"].to_list() == ["on_time"]


def test_an_order_whose_yield_leaves_nothing_still_works_on_its_machine() -> None:
    made = feasible(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}, {"routing": "RZ", "product": "Z"}],
        steps=[
            {"routing": "R", "fixed_minutes": 1440, "yield": 0.5},
            {"routing": "RZ", "fixed_minutes": 1440},
        ],
        step_resources=[{"routing": "R"}, {"routing": "RZ"}],
        supply_orders=[{**WORK, "qty": 1, "due": day(2)}],
        demands=[{"product": "Z", "qty": 1, "due": day(2)}],
    )
    (work,) = made.supplies.filter(made.supplies["id"] == "O1").iter_rows(named=True)
    (other,) = orders(made, "Z")
    assert other[3] <= days(work["start"]) or other[2] >= days(work["finish"])


def test_work_that_stands_may_exceed_the_hours_of_its_bucket() -> None:
    feasible(
        resources=[{"bucket": "day"}],
        resource_units=[{"valid_to": day(9), "units": 0}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{}],
        supply_orders=[{**WORK, "status": "in_process", "due": day(2), "qty": 5}],
        demands=[{"due": day(5)}],
    )


def test_a_released_order_stands_though_it_is_not_locked() -> None:
    made = feasible(
        calendars=[{}],
        shifts=[{"weekday": 1}, {"weekday": 2}],
        resources=[{"calendar": "CAL"}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{}],
        supply_orders=[
            {**WORK, "status": "released", "locked": False, "due": day(2), "qty": 5}
        ],
        supply_order_steps=[
            {
                "supply_order": "O1",
                "step": 1,
                "status": "in_process",
                "start": day(1.1),
                "finish": day(1.2),
                "locked": True,
            }
        ],
        demands=[{"qty": 5, "due": day(2)}],
    )
    assert deliveries(made) == [(5, 2)]


def test_what_weighs_nothing_joins_a_vehicle_that_is_full() -> None:
    feasible(
        products=[{"product": "A", "weight_kg": 2}, {"product": "B", "weight_kg": 0}],
        lanes=[{"lane": "T", "capacity_kg": 60}],
        departures=[{"weekday": weekday} for weekday in range(1, 8)],
        stock=[{"product": "A", "qty": 90}, {"product": "B", "qty": 5}],
        supply_orders=[
            {
                "kind": "transfer",
                "status": "released",
                "source": "T",
                "location": "W",
                "qty": 90,
                "due": day(3),
            }
        ],
        demands=[{"product": "B", "location": "W", "qty": 5, "due": day(3)}],
    )


# --- disruptions -------------------------------------------------------------------
HEAVY = [{"product": "A", "weight_kg": 1}]


@pytest.mark.parametrize(("scheduled", "dates"), [(False, [7]), (True, [8])])
def test_a_lane_that_is_blocked_in_part_carries_what_is_left(
    *, scheduled: bool, dates: list[int]
) -> None:
    leaves = [{"weekday": 7, "time": dt.time(0)}, {"weekday": 2, "time": dt.time(0)}]
    rows: dict[str, list[dict[str, object]]] = {
        "products": [{"product": "A", "weight_kg": 1}],
        "lanes": [{"lane": "T", "capacity_kg": 10, "duration_h": 0}],
        "stock": [{"qty": 10}],
        "disruptions": [
            {
                "kind": "lane_blocked",
                "subject": "T",
                "severity": 0.5,
                "valid_to": day(7),
            }
        ],
        "demands": [{"location": "W", "qty": 10, "due": day(2)}],
    }
    if scheduled:
        rows["departures"] = leaves
    made = feasible(**rows)
    assert [date for _, date in deliveries(made)] == dates


def test_what_a_lane_still_carries_leaves_while_it_is_blocked_in_part() -> None:
    made = feasible(
        products=HEAVY,
        lanes=[{"lane": "T", "capacity_kg": 10, "duration_h": 0}],
        stock=[{"qty": 10}],
        disruptions=[{"kind": "lane_blocked", "subject": "T", "severity": 0.5}],
        demands=[{"location": "W", "qty": 10, "due": day(2)}],
    )
    assert [qty for _, qty, _, _ in orders(made)] == [5, 5]


def test_of_two_failures_at_a_time_the_worse_counts() -> None:
    down = {"kind": "resource_down", "severity": 0.5, "subject": "M"}
    made = feasible(
        resources=[{"units": 2, "bucket": "day"}],
        routings=[{}],
        steps=[{"fixed_minutes": 600}],
        step_resources=[{}],
        disruptions=[{**down, "valid_to": day(9)}, {**down, "valid_to": day(8)}],
        demands=[{"due": day(2)}],
    )
    assert deliveries(made) == [(10, 2)]


# --- rules of orders ---------------------------------------------------------------
def test_lines_in_ratio_get_what_is_in_time_for_the_strictest_of_them() -> None:
    line = {"sales_order": "SO", "order_policy": "in_ratio", "qty": 10, "due": day(2)}
    made = feasible(
        stock=[{"qty": 10}, {"product": "B", "qty": 5}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
        demands=[{**line, "max_lateness_days": 0}, {**line, "product": "B"}],
    )
    assert deliveries(made) == [(5, 2)]
    assert deliveries(made, "D2") == [(5, 2)]


def test_a_routing_that_leaves_nothing_is_refused_by_its_yield() -> None:
    made = {
        "routings": [{"max_lot": 1, "yield": 0.5}],
        "steps": [{}],
        "demands": [{}],
    }
    with pytest.raises(BadData, match=r"column max_lot: R .* one of them brings 0\.0"):
        feasible(**made)
    del made["routings"][0]["max_lot"]
    made["demands"] = [{"qty": 200_000}]
    made["supply_terms"] = [{"capacity_per_period": 1, "period_days": 1}]
    del made["routings"], made["steps"]
    with pytest.raises(BadData, match=r"column capacity_per_period: S .* brings 1\.0"):
        feasible(**made)


def test_a_step_that_takes_no_time_changes_no_machine_over() -> None:
    feasible(
        resources=[{"changeover_matrix": "X"}],
        changeovers=[{"setup_minutes": 90}],
        routings=[{}],
        steps=[
            {"step": 1, "fixed_minutes": 60, "family": "F"},
            {"step": 2, "family": "G"},
            {"step": 3, "fixed_minutes": 60, "family": "F"},
        ],
        step_resources=[{"step": 1}, {"step": 2}, {"step": 3}],
        demands=[{"due": day(2)}],
    )


def test_the_changeover_between_two_steps_of_an_order_is_left_to_it() -> None:
    made = feasible(
        resources=[{"changeover_matrix": "X"}],
        changeovers=[{"setup_minutes": 90}],
        routings=[{}, {"routing": "Q", "product": "Z"}],
        steps=[
            {"step": 1, "fixed_minutes": 60, "family": "G"},
            {"step": 2, "fixed_minutes": 60, "family": "F", "queue_minutes": 600},
            {"routing": "Q", "fixed_minutes": 300},
        ],
        step_resources=[{"step": 1}, {"step": 2}, {"routing": "Q"}],
        demands=[{"due": day(2)}, {"product": "Z", "due": day(47 / 24)}],
    )
    assert deliveries(made) == [(10, 2)]
    assert deliveries(made, "D2") == [(10, round(47 / 24, 6))]


def test_overdue_work_holds_its_machine_where_the_plan_shows_it() -> None:
    made = feasible(
        resources=[{}],
        routings=[{"min_lot": 0}],
        steps=[{"run_minutes_per_unit": 60}],
        step_resources=[{}],
        supply_orders=[
            {
                "supply_order": "WO",
                "kind": "work",
                "qty": 12,
                "source": "R",
                "status": "in_process",
                "start": day(-0.25),
                "due": day(-0.1),
            }
        ],
        supply_order_steps=[
            {
                "supply_order": "WO",
                "step": 1,
                "resource": "M",
                "status": "in_process",
                "start": day(-0.25),
                "remaining_minutes": 600,
            }
        ],
        demands=[{"qty": 26, "due": day(1)}],
    )
    work = made.operations.filter(made.operations["supply"] == "WO")
    assert days(work["finish"].max()) == round(4 / 24, 6)


# --- tools and substitutes ---------------------------------------------------------
def test_a_tool_that_two_steps_hold_is_there_once() -> None:
    made = feasible(
        demands=[{"qty": 1}],
        resources=[{}],
        routings=[{}],
        steps=[{"step": step, "fixed_minutes": 60} for step in (1, 2, 3)],
        step_resources=[{"until_step": 3}, {"step": 2, "until_step": 3}],
    )
    assert set(made.operations["units"]) == {1.0}


def test_what_stands_in_has_no_stand_in_of_its_own() -> None:
    made = feasible(
        demands=[{"due": day(-2)}],
        routings=[
            {"routing": "RB", "product": "B"},
            {"routing": "RC", "product": "C"},
        ],
        steps=[{"routing": "RB", "fixed_minutes": 90}],
        substitutes=[{}, {"product": "B", "substitute": "C"}],
        supply_terms=[{}],
    )
    assert {row["product"] for row in made.supplies.to_dicts()} == {"B"}


def test_a_substitute_in_smaller_steps_counts_as_what_it_stands_for() -> None:
    made = feasible(
        products=[{"product": "A"}, {"product": "B", "qty_step": 0.1}],
        demands=[{}],
        stock=[{"product": "B"}],
        substitutes=[{"ratio": 0.5}],
    )
    assert [qty for qty, _ in deliveries(made)] == [10.0]


def test_a_substitute_goes_with_the_first_delivery_though_it_dies_before_the_last() -> (
    None
):
    made = feasible(
        demands=[{"qty": 20, "due": day(3)}],
        stock=[{"product": "B", "expires_at": day(5)}],
        substitutes=[{}],
        supply_terms=[{"lead_time_days": 9}],
    )
    assert deliveries(made) == [(10, 3), (10, 9)]


def test_what_belongs_to_a_customer_goes_into_its_own_goods() -> None:
    feasible(
        customers=[{"customer": "C1"}],
        demands=[{"product": "P", "qty": 25, "customer": "C1"}],
        routings=[{"routing": "R", "product": "P"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        stock=[
            {"product": "B"},
            {"product": "B", "lot": "L1", "qty": 30, "owner": "C1"},
        ],
        inventory_levels=[{"product": "P", "safety_qty": 30}],
    )


def test_a_firm_peg_of_what_dies_before_it_is_delivered_is_told() -> None:
    made = feasible(
        resources=[{"resource": "M"}],
        products=[{"product": "P", "make_to_order": True}],
        supply_terms=[{"product": "S", "lead_time_days": 7}],
        routings=[
            {"routing": "RP", "product": "P"},
            {"routing": "RQ", "product": "Q"},
            {"routing": "RR", "product": "R"},
        ],
        steps=[
            {"routing": "RQ", "setup_minutes": 60, "run_minutes_per_unit": 7.5},
            {"routing": "RR", "run_minutes_per_unit": 7.5},
        ],
        step_resources=[{"routing": "RQ"}],
        bom_lines=[
            {"routing": "RP", "component": "Q"},
            {"routing": "RQ", "component": "R", "qty_per": 3},
            {"routing": "RR", "component": "S"},
        ],
        stock=[
            {"product": "P", "expires_at": day(8)},
            {"product": "R", "qty": 95, "expires_at": day(3)},
        ],
        demands=[
            {
                "product": "P",
                "qty": 265,
                "due": day(-2.375),
                "sales_order": "SO",
                "order_policy": "all_together",
            }
        ],
        pegs=[{"supply": "P|L|", "product": "P", "qty": 5}],
    )
    assert [row["demand"] for row in exceptions(made, "FirmPegBroken")] == ["D1"]


def test_a_step_that_takes_no_time_runs_in_no_campaign() -> None:
    snapshot = factories.snapshot(
        demands=[{}],
        routings=[{}],
        steps=[{"family": "F"}],
        step_resources=[{}],
        resources=[{"changeover_matrix": "X"}],
        changeovers=[{}],
        campaign_rules=[{"family": "F"}],
    )
    made = plan(snapshot, "constrained", {**KERNELS, "campaigns": "propose"})
    assert [str(found) for found in verify(made, snapshot)] == []


# --- dated outputs -----------------------------------------------------------------
def test_an_order_placed_after_a_further_output_begins_gives_that_too() -> None:
    made = feasible(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}, {"routing": "Q", "product": "Z"}],
        steps=[
            {"routing": "R", "fixed_minutes": 1440},
            {"routing": "Q", "fixed_minutes": 4 * 1440},
        ],
        step_resources=[{"routing": "R"}, {"routing": "Q"}],
        routing_outputs=[
            {"routing": "R", "line": 2, "product": "B", "valid_from": day(3)}
        ],
        supply_orders=[
            {**WORK, "product": "Z", "source": "Q", "start": day(0), "due": day(4)}
            | {"status": "released"}
        ],
        demands=[{"due": day(2)}],
    )

    assert deliveries(made) == [(10, 5)]
    given = made.supplies.filter(made.supplies["product"] == "B")
    assert given.select("qty", "kind").rows() == [(10, "make")]
    assert set(made.pegging["product"]) == {"A"}
