"""Constrained plans of small snapshots, worked out by hand.

Machine M makes A in 1 hour a piece unless a test says otherwise; it is Monday midnight.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import NotAvailable, UsageError
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    KERNELS,
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    quantities,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

HOURLY: dict[str, Any] = {
    "resources": [{"resource": "M"}],
    "routings": [{"routing": "R"}],
    "steps": [{"run_minutes_per_unit": 60.0}],
    "step_resources": [{}],
}


def planned(**given: Iterable[Mapping[str, object]]) -> Plan:
    return verified(factories.snapshot(**given))


def verified(snapshot: Snapshot, **settings: object) -> Plan:
    made = plan(snapshot, "constrained", {**KERNELS, **settings})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def causes(made: Plan, demand: str = "D1") -> list[tuple[str, str, float]]:
    rows = made.causes.filter(pl.col("demand") == demand)
    return [
        (row["code"], row["subject"], round(row["hours"], 6))
        for row in rows.iter_rows(named=True)
    ]


def hours(made: Plan, demand: str = "D1") -> float:
    return sum(part for _, _, part in causes(made, demand))


# --- lead time ---------------------------------------------------------------------
@pytest.mark.req("MRP-09")
def test_what_cannot_be_bought_in_time_comes_late_and_says_the_lead_time() -> None:
    made = planned(demands=[{"due": day(2)}], supply_terms=[{"lead_time_days": 5}])
    assert orders(made) == [("A", 10, 0, 5)]
    assert fulfilment(made)["status"] == "late"
    assert fulfilment(made)["limiter"] == "LeadTime"
    assert causes(made) == [("LeadTime", "S", 72.0)]


def test_stock_goes_out_at_due_and_the_rest_when_it_is_there() -> None:
    made = planned(
        demands=[{"due": day(2)}],
        stock=[{"qty": 4}],
        supply_terms=[{"lead_time_days": 5}],
    )
    assert deliveries(made) == [(4, 2), (6, 5)]


def test_a_demand_due_before_now_is_not_delivered_before_now() -> None:
    made = planned(demands=[{"due": day(-3)}], stock=[{}])
    assert deliveries(made) == [(10, 0)]
    assert fulfilment(made)["lateness_h"] == 72.0


def test_a_faster_source_of_less_preference_is_taken_where_the_first_is_late() -> None:
    made = planned(
        demands=[{"due": day(3)}],
        supply_terms=[
            {"supplier": "SLOW", "lead_time_days": 5},
            {"supplier": "FAST", "lead_time_days": 2, "preference": 2},
        ],
    )
    assert made.supplies["source"].to_list() == ["FAST"]
    assert deliveries(made) == [(10, 3)]


def test_of_late_sources_the_earliest_is_taken() -> None:
    made = planned(
        demands=[{"due": day(1)}],
        supply_terms=[
            {"supplier": "SLOW", "lead_time_days": 5},
            {"supplier": "FAST", "lead_time_days": 2, "preference": 2},
        ],
    )
    assert made.supplies["source"].to_list() == ["FAST"]


def test_a_release_fence_is_obeyed_and_named() -> None:
    made = planned(
        demands=[{"due": day(2)}],
        supply_terms=[{"lead_time_days": 1, "fence_days": 3}],
    )
    assert orders(made) == [("A", 10, 3, 4)]
    assert causes(made) == [("ReleaseFence", "S", 48.0)]


def test_a_fence_is_charged_before_lead_time() -> None:
    made = planned(
        demands=[{"due": day(1)}],
        supply_terms=[{"lead_time_days": 4, "fence_days": 2}],
    )
    assert causes(made) == [("LeadTime", "S", 72.0), ("ReleaseFence", "S", 48.0)]


def test_pieces_that_run_side_by_side_are_made_at_once_where_the_whole_is_late() -> (
    None
):
    made = planned(
        demands=[{"qty": 4, "due": day(2)}],
        routings=[{"routing": "R", "min_lot": 1}],
        steps=[{"run_minutes_per_unit": 1440.0}],
    )
    assert quantities(made, "A") == [2, 2]
    assert deliveries(made) == [(4, 2)]


# --- capacity ----------------------------------------------------------------------
@pytest.mark.req("CAP-06")
@pytest.mark.req("CAP-12")
def test_one_machine_does_one_thing_at_a_time_and_says_so() -> None:
    made = planned(
        demands=[
            {"qty": 24, "due": day(1), "priority": 1},
            {"qty": 24, "due": day(1.5), "priority": 2},
        ],
        **HOURLY,
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert fulfilment(made, "D2")["lateness_h"] == 12.0
    assert causes(made, "D2") == [("CapacityShortfall", "M", 12.0)]


@pytest.mark.req("CAP-18")
def test_a_hundred_orders_of_a_day_with_room_for_fifty_spread_over_two_days() -> None:
    made = planned(
        demands=[{"qty": 1, "due": day(1)} for _ in range(100)],
        settings=[{"bucket": "day"}],
        **{
            **HOURLY,
            "routings": [{"routing": "R", "max_lot": 1}],
            "steps": [{"run_minutes_per_unit": 28.8}],
        },
    )
    late = made.fulfilment.filter(pl.col("status") == "late")
    assert late.height == 50
    assert max(late["lateness_h"]) == 24.0


def test_two_units_of_a_resource_work_side_by_side() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(1)}, {"qty": 24, "due": day(1)}],
        **{
            **HOURLY,
            "resources": [{"resource": "M", "units": 2}],
            "routings": [{"routing": "R", "max_lot": 24}],
        },
    )
    assert {row["status"] for row in made.fulfilment.to_dicts()} == {"on_time"}


def test_a_resource_that_is_not_finite_is_no_limit() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(1)}, {"qty": 24, "due": day(1)}],
        **{**HOURLY, "resources": [{"resource": "M", "finite": False}]},
    )
    assert {row["status"] for row in made.fulfilment.to_dicts()} == {"on_time"}


def test_an_alternate_is_used_where_the_preferred_machine_is_full() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(1)}, {"qty": 24, "due": day(1.5)}],
        **{
            **HOURLY,
            "step_resources": [
                {"choice": "a"},
                {"resource": "M2", "choice": "a", "preference": 2},
            ],
            "resources": [{"resource": "M"}, {"resource": "M2"}],
        },
    )
    assert {row["status"] for row in made.fulfilment.to_dicts()} == {"on_time"}
    assert set(made.operations["resource"]) == {"M", "M2"}


def test_nothing_is_made_needlessly_early() -> None:
    made = planned(demands=[{"qty": 24, "due": day(20)}], **HOURLY)
    assert orders(made) == [("A", 24, 19, 20)]


def test_a_component_comes_when_the_order_that_takes_it_can_start() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(1)}, {"qty": 24, "due": day(1.5)}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 0}],
        **HOURLY,
    )
    assert [start for *_, start, _ in orders(made, "B")] == [0, 1]


def test_a_disruption_takes_the_machine_away() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(1)}],
        disruptions=[
            {
                "kind": "resource_down",
                "subject": "M",
                "valid_from": day(0),
                "valid_to": day(2),
            }
        ],
        **HOURLY,
    )
    assert orders(made) == [("A", 24, 2, 3)]
    assert hours(made) == 48.0


def test_safety_time_is_given_up_before_a_demand_is_late() -> None:
    given = {"demands": [{"qty": 24, "due": day(2)}], **HOURLY}
    assert orders(
        planned(**{**given, "routings": [{"routing": "R", "safety_days": 1}]})
    ) == [("A", 24, 0, 1)]
    assert orders(
        planned(**{**given, "routings": [{"routing": "R", "safety_days": 3}]})
    ) == [("A", 24, 0, 1)]


def test_work_is_pulled_no_earlier_than_its_resource_accepts() -> None:
    given = {
        **HOURLY,
        "demands": [{"qty": 24, "due": day(9.5)}, {"qty": 24, "due": day(9.5)}],
        "routings": [{"routing": "R", "max_lot": 24}],
    }
    free = planned(**given)
    early = {"resource": "M", "max_early_days": 0.5}
    bound = planned(**{**given, "resources": [early]})
    assert [row["status"] for row in free.fulfilment.to_dicts()] == ["on_time"] * 2
    assert sorted(row["status"] for row in bound.fulfilment.to_dicts()) == [
        "late",
        "on_time",
    ]


# --- material ----------------------------------------------------------------------
def test_scarce_stock_goes_to_the_important_demand_not_to_the_early_one() -> None:
    made = planned(
        demands=[
            {"due": day(1), "priority": 2},
            {"due": day(9), "priority": 1},
        ],
        stock=[{"qty": 15}],
    )
    assert fulfilment(made, "D2")["status"] == "on_time"
    assert fulfilment(made, "D1")["planned"] == 5
    assert causes(made, "D1") == [("MaterialShortfall", "A|L", 0.0)]


def test_what_nothing_supplies_at_all_has_no_source() -> None:
    made = planned(demands=[{}])
    assert fulfilment(made)["status"] == "unplanned"
    assert causes(made) == [("NoSource", "A|L", 0.0)]


def test_an_order_is_cut_to_its_scarce_component_and_made_again_with_the_next() -> None:
    made = planned(
        demands=[{"qty": 10, "due": day(2)}],
        routings=[{"routing": "R"}],
        steps=[{"fixed_minutes": 60.0}],
        bom_lines=[{"qty_per": 2}],
        stock=[{"product": "B", "qty": 6}],
        supply_orders=[
            {"product": "B", "qty": 10, "due": day(5)},
            {"product": "B", "qty": 1, "due": day(6)},
        ],
    )
    found = deliveries(made)
    assert found == [(3, 2), (5, round(5 + 1 / 24, 6))]
    assert fulfilment(made)["status"] == "short"
    assert [code for code, *_ in causes(made)] == [
        "MaterialShortfall",
        "AwaitingSupply",
    ]


@pytest.mark.parametrize("effort", ["light", "standard"])
def test_another_routing_takes_over_where_the_component_of_the_first_ends(
    effort: str,
) -> None:
    tables = factories.snapshot(
        demands=[{"qty": 10, "due": day(9)}],
        routings=[{"routing": "R1"}, {"routing": "R2", "preference": 2}],
        steps=[{"routing": "R1"}, {"routing": "R2"}],
        bom_lines=[
            {"routing": "R1", "component": "B"},
            {"routing": "R2", "component": "C"},
        ],
        stock=[{"product": "B", "qty": 4}, {"product": "C", "qty": 9}],
    )
    made = verified(tables, effort=effort)
    assert deliveries(made) == [(10, 9)]
    made_orders = made.supplies.filter(pl.col("kind") == "make")
    assert sorted(made_orders.select("source", "qty").rows()) == [("R1", 4), ("R2", 6)]


def test_a_late_demand_takes_a_receipt_that_comes_before_new_supply_could() -> None:
    made = planned(
        demands=[{"due": day(1)}],
        supply_orders=[{"due": day(3)}],
        supply_terms=[{"lead_time_days": 5}],
    )
    assert deliveries(made) == [(10, 3)]
    assert causes(made) == [("AwaitingSupply", "O1", 48.0)]


# --- existing orders ---------------------------------------------------------------
def test_a_firmed_order_moves_behind_its_component() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(3)}],
        supply_orders=[
            {
                "kind": "work",
                "qty": 24,
                "source": "R",
                "status": "firmed",
                "start": day(1),
                "due": day(2),
            }
        ],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 4}],
        **HOURLY,
    )
    assert orders(made, "A", status="firmed") == [("A", 24, 4, 5)]
    assert [row["hours"] for row in exceptions(made, "Moved")] == [72.0]
    assert fulfilment(made)["lateness_h"] == 48.0


def test_a_locked_order_stays_and_the_plan_says_what_it_lacks() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(3)}],
        supply_orders=[
            {
                "kind": "work",
                "qty": 24,
                "source": "R",
                "start": day(1),
                "due": day(2),
            }
        ],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 4}],
        **HOURLY,
    )
    assert orders(made, "A", status="released") == [("A", 24, 1, 2)]
    assert [
        (row["supply"], days(row["suggested_date"]))
        for row in exceptions(made, "AwaitsComponent")
    ] == [("O1", 4.0)]


def test_a_locked_order_without_any_source_of_its_component_is_told() -> None:
    made = planned(
        supply_orders=[
            {
                "kind": "work",
                "qty": 5,
                "source": "R",
                "start": day(1),
                "due": day(2),
            }
        ],
        bom_lines=[{}],
        **HOURLY,
    )
    assert [row["qty"] for row in exceptions(made, "MissingMaterial")] == [5.0]


def test_new_work_keeps_away_from_what_is_released() -> None:
    made = planned(
        demands=[{"qty": 24, "due": day(2)}],
        stock=[{"product": "Z", "qty": 1}],
        supply_orders=[
            {
                "kind": "work",
                "product": "Z",
                "qty": 24,
                "source": "RZ",
                "start": day(1),
                "due": day(2),
            }
        ],
        **{
            **HOURLY,
            "routings": [{"routing": "R"}, {"routing": "RZ", "product": "Z"}],
            "steps": [
                {"run_minutes_per_unit": 60.0},
                {"routing": "RZ", "run_minutes_per_unit": 60.0},
            ],
            "step_resources": [{}, {"routing": "RZ"}],
        },
    )
    assert orders(made, "A") == [("A", 24, 0, 1)]


# --- suppliers and vehicles --------------------------------------------------------
def test_a_supplier_delivers_no_more_than_its_period_gives() -> None:
    made = planned(
        demands=[{"qty": 25, "due": day(3)}],
        supply_terms=[
            {"lead_time_days": 1, "capacity_per_period": 10, "period_days": 7}
        ],
    )
    assert [finish for *_, finish in orders(made)] == [3, 7, 14]
    assert deliveries(made) == [(10, 3), (10, 7), (5, 14)]
    assert causes(made)[0][:2] == ("MaterialShortfall", "S")


def test_a_window_of_a_supplier_is_full_until_it_ends() -> None:
    made = planned(
        demands=[{"qty": 8, "due": day(3)}, {"qty": 8, "due": day(3)}],
        supply_terms=[{"lead_time_days": 1, "max_lot": 8}],
        supplier_capacity=[{"qty": 10, "valid_from": day(0), "valid_to": day(9)}],
    )
    assert sorted(orders(made)) == [("A", 2, 2, 3), ("A", 6, 8, 9), ("A", 8, 2, 3)]
    assert deliveries(made, "D2") == [(2, 3), (6, 9)]


def test_a_vehicle_carries_no_more_than_it_can() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 10, "due": day(8)}],
        products=[{"weight_kg": 2}],
        stock=[{}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "capacity_kg": 12}],
        departures=[{"weekday": 1}, {"weekday": 3}],
    )
    moves = made.supplies.filter(pl.col("kind") == "move").sort("start")
    assert moves["qty"].to_list() == [6.0, 4.0] or moves["qty"].to_list() == [4.0, 6.0]
    assert moves["departure"].n_unique() == 2


VEHICLES: dict[str, Any] = {
    "products": [{"weight_kg": 2}],
    "stock": [{"qty": 30}],
    "locations": [{"location": "L"}, {"location": "W"}],
    "lanes": [{"lane": "T", "capacity_kg": 20}],
}


def test_a_lane_that_leaves_at_any_time_sends_a_vehicle_for_each_move() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 25, "due": day(1)}],
        **VEHICLES,
    )
    assert sorted(quantities(made, "A")) == [5, 10, 10]
    assert {when for _, when in deliveries(made)} == {1}
    assert fulfilment(made)["status"] == "on_time"


def test_a_firmed_move_that_no_vehicle_can_carry_stays_alone_on_its_departure() -> None:
    made = planned(
        demands=[
            {"product": "B", "location": "W", "qty": 10, "due": day(2)},
            {"location": "W", "qty": 15, "due": day(2)},
        ],
        departures=[{"weekday": weekday} for weekday in range(1, 8)],
        supply_orders=[
            {
                "kind": "transfer",
                "location": "W",
                "qty": 15,
                "status": "firmed",
                "source": "T",
                "start": day(8 / 24),
                "due": day(32 / 24),
            }
        ],
        **{
            **VEHICLES,
            "products": [
                {"product": "A", "weight_kg": 2},
                {"product": "B", "weight_kg": 1},
            ],
            "stock": [{"qty": 30}, {"product": "B", "qty": 10}],
        },
    )
    assert fulfilment(made, "D2")["status"] == "on_time"
    assert fulfilment(made, "D1")["lateness_h"] == 8.0


@pytest.mark.parametrize(("demand", "expected"), [(None, 56), ("D1", 32)])
def test_a_hold_on_a_departure_binds_all_but_its_owner(
    demand: str | None, expected: float
) -> None:
    made = planned(
        demands=[{"location": "W", "qty": 10, "due": day(1)}],
        departures=[{"weekday": weekday} for weekday in range(1, 8)],
        reservations=[
            {
                "kind": "transport",
                "subject": "T",
                "qty": 15,
                "location": None,
                "finish": day(1),
                "demand": demand,
            }
        ],
        **VEHICLES,
    )
    assert fulfilment(made)["lateness_h"] == expected - 24


# --- rules of lines and orders -----------------------------------------------------
@pytest.fixture
def late_rest() -> dict[str, Any]:
    return {
        "stock": [{"qty": 4}],
        "supply_terms": [{"lead_time_days": 5}],
    }


def test_a_full_line_waits_for_its_last_piece(late_rest: dict[str, Any]) -> None:
    made = planned(demands=[{"due": day(2), "full_line": True}], **late_rest)
    assert deliveries(made) == [(10, 5)]


def test_a_small_part_waits_for_a_shipment(late_rest: dict[str, Any]) -> None:
    made = planned(demands=[{"due": day(2), "min_shipment": 5}], **late_rest)
    assert deliveries(made) == [(10, 5)]


def test_the_last_shipment_may_be_what_is_open(late_rest: dict[str, Any]) -> None:
    made = planned(demands=[{"due": day(2), "qty": 5, "min_shipment": 4}], **late_rest)
    assert deliveries(made) == [(4, 2), (1, 5)]


def test_what_would_be_too_late_is_not_made(late_rest: dict[str, Any]) -> None:
    made = planned(demands=[{"due": day(2), "max_lateness_days": 1}], **late_rest)
    assert deliveries(made) == [(4, 2)]
    assert orders(made) == []
    assert fulfilment(made)["status"] == "short"
    assert causes(made) == [("LeadTime", "S", 0.0)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("independent", {"D1": [(10, 2)], "D2": [(10, 5)]}),
        ("all_together", {"D1": [(10, 5)], "D2": [(10, 5)]}),
        ("in_ratio", {"D1": [(10, 5)], "D2": [(10, 5)]}),
    ],
)
def test_lines_of_an_order_go_by_its_policy(
    policy: str, expected: dict[str, list[tuple[float, float]]]
) -> None:
    made = planned(
        demands=[
            {"due": day(2), "sales_order": "O", "order_policy": policy},
            {"product": "B", "due": day(2), "sales_order": "O", "order_policy": policy},
        ],
        stock=[{"qty": 10}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )
    assert {name: deliveries(made, name) for name in ("D1", "D2")} == expected
    if policy != "independent":
        assert causes(made, "D1") == [("OrderRule", "D2", 72.0)]


@pytest.mark.parametrize(
    ("policy", "shares"), [("all_together", (0, 0)), ("in_ratio", (5, 4))]
)
def test_an_order_that_is_short_is_cut_by_its_policy(
    policy: str, shares: tuple[float, float]
) -> None:
    made = planned(
        demands=[
            {"qty": 10, "sales_order": "O", "order_policy": policy},
            {"product": "B", "qty": 8, "sales_order": "O", "order_policy": policy},
        ],
        stock=[{"qty": 10}, {"product": "B", "qty": 5}],
    )
    assert tuple(fulfilment(made, name)["planned"] for name in ("D1", "D2")) == shares
    assert exceptions(made, "OrderPolicy")


def test_lines_together_are_not_delivered_where_one_accepts_no_lateness() -> None:
    together = {"sales_order": "O", "order_policy": "all_together", "due": day(2)}
    made = planned(
        demands=[
            {**together, "max_lateness_days": 1},
            {**together, "product": "B"},
        ],
        stock=[{"qty": 10}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )
    assert made.deliveries.is_empty()
    assert orders(made) == []


# --- the run -----------------------------------------------------------------------
def test_a_run_that_is_cancelled_at_once_gives_an_empty_plan_that_says_so() -> None:
    snapshot = factories.snapshot(demands=[{}], supply_terms=[{}])
    made = plan(snapshot, "constrained", cancelled=lambda: True)
    assert made.run.status == "cancelled"
    assert made.supplies.is_empty()
    assert made.fulfilment.is_empty()


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_search_that_is_cancelled_gives_the_best_whole_plan(after: int) -> None:
    asked = iter([False] * after)
    snapshot = factories.snapshot(demands=[{}], supply_terms=[{}])
    made = plan(snapshot, "constrained", cancelled=lambda: next(asked, True))
    assert made.run.status == "cancelled"
    assert verify(made, snapshot) == []
    assert fulfilment(made)["planned"] == 10


def test_progress_is_told_and_changes_nothing() -> None:
    snapshot = factories.snapshot(demands=[{}], supply_terms=[{}])
    told: list[str] = []
    made = plan(snapshot, "constrained", observe=lambda one: told.append(one.phase))
    assert {"late at least", "placing"} <= set(told)
    assert made.fingerprint == plan(snapshot, "constrained").fingerprint


@pytest.mark.parametrize("effort", ["light", "standard", "full"])
def test_every_effort_gives_a_plan_that_holds(effort: str) -> None:
    snapshot = factories.snapshot(
        demands=[{"qty": 24, "due": day(d / 2)} for d in range(1, 6)], **HOURLY
    )
    made = verified(snapshot, effort=effort)
    assert made.run.settings["effort"] == effort
    assert made.run.effort["passes"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"effort": "long"}, "effort .long. must be one of light, standard, full"),
        ({"base_days": -1}, "base_days .-1. must be a number"),
        ({"base_days": "x"}, "base_days .x. must be a number"),
        ({"past": "allow"}, "Unknown setting past; mode constrained knows"),
        ({"engine": "abacus"}, "engine .abacus. must be one of"),
    ],
)
def test_wrong_settings_are_a_wrong_use(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        plan(factories.snapshot(demands=[{}]), "constrained", settings)


def test_all_that_is_wrong_with_settings_is_told_at_once() -> None:
    wrong: dict[str, object] = {"effort": "long", "past": "allow", "base_days": -1}
    with pytest.raises(UsageError) as refused:
        plan(factories.snapshot(demands=[{}]), "constrained", wrong)
    told = str(refused.value).splitlines()
    assert [line.split(" ")[0] for line in told] == ["Unknown", "effort", "base_days"]
    with pytest.raises(UsageError, match=r"(?s)budget x; .*budget of co2"):
        plan(factories.snapshot(), "optimize", {"budgets": {"x": 1, "co2": -1}})


def test_what_would_change_the_plan_and_is_not_built_is_refused() -> None:
    snapshot = factories.snapshot(
        demands=[{}],
        disruptions=[{"kind": "demand_change", "subject": "D1", "valid_from": day(0)}],
    )
    with pytest.raises(NotAvailable, match="disruptions of kind demand_change"):
        plan(snapshot, "constrained")


# --- disruptions of other things ---------------------------------------------------
def test_a_held_lot_is_not_there() -> None:
    made = planned(
        demands=[{"due": day(1)}],
        stock=[{"lot": "X"}],
        supply_terms=[{}],
        disruptions=[{"kind": "lot_held", "subject": "A|L|X", "valid_from": day(-1)}],
    )
    assert deliveries(made) == [(10, 5)]


@pytest.mark.parametrize(
    ("begin", "end", "ready"), [(-1, 2, 8.0), (-1, None, 8.0), (1, 2, 5.0)]
)
def test_a_late_supplier_needs_longer_for_what_is_ordered_meanwhile(
    begin: float, end: float | None, ready: float
) -> None:
    made = planned(
        demands=[{"due": day(1)}],
        supply_terms=[{"lead_time_days": 5}],
        disruptions=[
            {
                "kind": "supplier_delay",
                "subject": "S",
                "valid_from": day(begin),
                "valid_to": None if end is None else day(end),
                "delay_days": 3,
            }
        ],
    )
    # Where the delay is over before it pays to wait, the order is placed later.
    best = min(ready, 7.0) if end == 2 and begin < 0 else ready
    assert deliveries(made) == [(10, best)]


@pytest.mark.req("WO-03")
@pytest.mark.parametrize(
    ("more", "ready"),
    [
        ({"estimates": [{"quantity": "lead_days", "p50": 5, "p80": 6, "p95": 8}]}, 9),
        (
            {
                "estimates": [
                    {"quantity": "duration_factor", "p50": 2, "p80": 2, "p95": 2}
                ]
            },
            13,
        ),
        ({"terms": {"lead_margin_pct": 20}}, 9),
    ],
)
def test_a_delay_comes_on_top_of_what_was_learned_or_is_kept_as_a_margin(
    more: dict[str, Any], ready: float
) -> None:
    """Five days are six with 20 %, or by what was learned; three more while late."""
    made = planned(
        demands=[{"due": day(1)}],
        supply_terms=[{"lead_time_days": 5, **more.get("terms", {})}],
        estimates=more.get("estimates", ()),
        disruptions=[
            {
                "kind": "supplier_delay",
                "subject": "S",
                "valid_from": day(-1),
                "valid_to": day(30),
                "delay_days": 3,
            }
        ],
    )
    assert deliveries(made) == [(10, ready)]


def test_a_blocked_lane_does_not_leave() -> None:
    made = planned(
        demands=[{"location": "W", "due": day(3)}],
        stock=[{}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T"}],
        disruptions=[
            {
                "kind": "lane_blocked",
                "subject": "T",
                "valid_from": day(0),
                "valid_to": day(6),
            }
        ],
    )
    assert deliveries(made) == [(10, 7)]


def test_open_time_is_obeyed() -> None:
    made = planned(
        demands=[{"qty": 16, "due": day(1)}],
        locations=[{"location": "L", "calendar": "CAL"}],
        shifts=[{"weekday": d} for d in range(1, 6)],
        **HOURLY,
    )
    assert orders(made) == [("A", 16, round(8 / 24, 6), round(1 + 16 / 24, 6))]
    assert made.operations.height == 2
    assert dt.timedelta(hours=8) in {
        row["finish"] - row["start"] for row in made.operations.to_dicts()
    }


def test_the_night_after_a_full_shift_is_charged_to_the_machine() -> None:
    made = planned(
        demands=[{"qty": 8, "due": day(16 / 24)}] * 2,
        locations=[{"location": "L", "calendar": "CAL"}],
        shifts=[{"weekday": d} for d in range(1, 6)],
        **{**HOURLY, "routings": [{"routing": "R", "max_lot": 8}]},
    )
    assert causes(made, "D2") == [("CapacityShortfall", "M", 24.0)]


# --- what never fits ---------------------------------------------------------------
def test_work_on_a_machine_that_is_never_there_is_left_out_and_named() -> None:
    made = planned(
        demands=[{"product": "X", "qty": 2}],
        inventory_policies=[{"safety_qty": 5}],
        bom_lines=[{"routing": "RX", "component": "A"}],
        **{
            **HOURLY,
            "resources": [{"resource": "M", "units": 0}],
            "routings": [{"routing": "R"}, {"routing": "RX", "product": "X"}],
            "steps": [{"run_minutes_per_unit": 60.0}, {"routing": "RX"}],
        },
    )
    assert orders(made) == []
    assert fulfilment(made)["status"] == "unplanned"
    assert causes(made) == [("CapacityShortfall", "M", 0.0)]


def test_work_for_which_no_time_is_left_is_taken_out_with_all_that_needs_it() -> None:
    made = planned(
        demands=[
            {"product": "X", "qty": 24, "due": day(2)},
            {"product": "Z", "qty": 1},
        ],
        inventory_policies=[{"product": "A", "safety_qty": 5}],
        bom_lines=[{"routing": "RX", "component": "A"}],
        resource_units=[{"resource": "M", "valid_from": day(3), "units": 0}],
        supply_orders=[
            {
                "kind": "work",
                "product": "Z",
                "qty": 72,
                "source": "RZ",
                "start": day(0),
                "due": day(3),
            }
        ],
        **{
            **HOURLY,
            "routings": [
                {"routing": "R"},
                {"routing": "RX", "product": "X"},
                {"routing": "RZ", "product": "Z"},
            ],
            "steps": [
                {"run_minutes_per_unit": 60.0},
                {"routing": "RX"},
                {"routing": "RZ", "run_minutes_per_unit": 60.0},
            ],
            "step_resources": [{}, {"routing": "RZ"}],
        },
    )
    assert orders(made) == []
    assert fulfilment(made, "D1")["status"] == "unplanned"
    assert causes(made) == [("QtyDurationUnsupported", "R", 0.0)]


def test_a_lane_that_never_leaves_carries_nothing() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 2}],
        stock=[{}],
        products=[{"product": "A", "weight_kg": 9}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "capacity_kg": 5}],
    )
    assert fulfilment(made)["status"] == "unplanned"


# --- more rules --------------------------------------------------------------------
def test_a_rest_below_the_least_shipment_goes_with_the_one_before() -> None:
    made = planned(
        demands=[{"qty": 10, "due": day(2), "min_shipment": 4}],
        stock=[{"qty": 6}],
        supply_orders=[{"qty": 2, "due": day(5)}],
    )
    assert deliveries(made) == [(8, 5)]


def test_less_than_the_least_shipment_is_not_delivered() -> None:
    made = planned(demands=[{"qty": 10, "min_shipment": 5}], stock=[{"qty": 3}])
    assert fulfilment(made)["status"] == "unplanned"
    assert {code for code, *_ in causes(made)} <= {"OrderRule", "MaterialShortfall"}
    assert exceptions(made, "MinShipment")


def test_a_full_line_that_is_short_is_not_delivered() -> None:
    made = planned(demands=[{"qty": 10, "full_line": True}], stock=[{"qty": 3}])
    assert made.deliveries.is_empty()


def test_a_full_line_that_is_too_late_is_not_delivered() -> None:
    made = planned(
        demands=[{"due": day(2), "full_line": True, "max_lateness_days": 1}],
        stock=[{"qty": 4}],
        supply_terms=[{"lead_time_days": 5}],
    )
    assert made.deliveries.is_empty()


def test_a_substitute_serves_what_is_not_there() -> None:
    made = planned(
        demands=[{"qty": 5, "due": day(1)}, {"qty": 3, "due": day(1), "priority": 2}],
        substitutes=[{"ratio": 2}],
        stock=[{"qty": 2}, {"product": "B", "qty": 8}],
    )
    total = sum(row["planned"] for row in made.fulfilment.to_dicts())
    assert total == 6


@pytest.mark.parametrize(
    ("lead", "due", "expected"),
    [(2, 3, (20, 3)), (2, 1, (20, 2)), (9, 3, (None, 9)), (2, 9, (None, 9))],
)
def test_a_substitute_is_ordered_where_that_is_earlier_than_late(
    lead: float, due: float, expected: tuple[float | None, float]
) -> None:
    made = planned(
        demands=[{"qty": 10, "due": day(due)}],
        substitutes=[{"ratio": 2}],
        supply_terms=[
            {"lead_time_days": 9},
            {"product": "B", "lead_time_days": lead},
        ],
    )
    assert (next(iter(quantities(made, "B")), None), deliveries(made)[-1][1]) == (
        expected
    )


def test_a_scarce_component_of_several_is_shared_by_importance() -> None:
    made = planned(
        demands=[
            {"qty": 6, "due": day(5), "priority": 2},
            {"qty": 6, "due": day(6), "priority": 1},
        ],
        routings=[{"routing": "R", "lot_multiple": 2}],
        steps=[{"fixed_minutes": 60.0}],
        bom_lines=[{}],
        stock=[{"product": "B", "qty": 9}],
    )
    assert fulfilment(made, "D2")["planned"] == 6
    assert fulfilment(made, "D1")["planned"] == 2


def test_a_move_is_cut_to_what_its_origin_has() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 8, "due": day(9)}],
        stock=[{"qty": 5}],
        supply_orders=[{"qty": 1, "due": day(12)}],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T"}],
    )
    assert deliveries(made) == [(5, 9), (1, 13)]


# ------------------------------------------------------------------- shelf lives
def queue_beyond_a_life(**more: Any) -> dict[str, Any]:
    """Make three orders of a day each on M; their component lives a day and a half."""
    return {
        **HOURLY,
        "bom_lines": [{}],
        "stock": [{"product": "B", "qty": 72, "expires_at": day(1.5)}],
        "demands": [
            {"demand": f"D{number}", "qty": 24, "due": day(due), "priority": number}
            for number, due in ((1, 1), (2, 1.25), (3, 1.4))
        ],
        **more,
    }


def test_what_waits_too_long_for_capacity_takes_no_expired_component() -> None:
    made = planned(**queue_beyond_a_life())
    assert [row["planned"] for row in made.fulfilment.to_dicts()] == [24, 24, 0]


def test_what_waits_too_long_for_capacity_is_made_of_a_fresh_component() -> None:
    made = planned(
        **queue_beyond_a_life(supply_terms=[{"product": "B", "lead_time_days": 1}])
    )
    assert deliveries(made, "D3") == [(24, 3.0)]
    bought = made.supplies.filter(pl.col("product") == "B")
    assert [(row["qty"], days(row["finish"])) for row in bought.to_dicts()] == [
        (24, 2.0)
    ]


def test_what_finds_no_room_any_more_stays_where_it_is_dated_and_says_so():
    """M breaks for good on day 1; both orders can only work on day 0, a day each."""
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
        supply_orders=[
            {"supply_order": name, "kind": "work", "qty": 24, "due": day(due)}
            | {"status": "firmed", "source": "R"}
            for name, due in (("W1", 1.0), ("W2", 2.5))
        ],
        demands=[{"qty": 48, "due": day(3)}],
        disruptions=[
            {"disruption": "X", "kind": "resource_down", "subject": "M"}
            | {"valid_from": day(1)}
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    crowded = made.exceptions.filter(pl.col("code") == "CapacityOverload")
    assert crowded["supply"].drop_nulls().to_list() == ["W1", "W2"]
    assert "M needs 48.0 h and has 24.0 h." in crowded["message"].to_list()
    dated = snapshot["supply_orders"]["due"].to_list()
    assert made.supplies.sort("id")["finish"].to_list() == dated


def test_what_finds_no_goods_stays_where_it_is_dated_beside_other_work():
    """B never comes, so both orders stand on day 0, on one machine."""
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
        bom_lines=[{"component": "B"}],
        supply_orders=[
            {"supply_order": name, "kind": "work", "qty": 24, "due": day(1)}
            | {"status": "firmed", "source": "R"}
            for name in ("W1", "W2")
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    missing = made.exceptions.filter(pl.col("code") == "MissingMaterial")
    assert missing["supply"].to_list() == ["W1", "W2"]


def test_the_yield_of_a_pool_is_that_of_its_members():
    snapshot = factories.snapshot(
        demands=[{"qty": 10}],
        resources=[{"resource": "ANN", "pool": "CREW"}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1.0}],
        step_resources=[{"resource": "CREW", "yield": 0.5}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["order_qty"].to_list() == [20]


def test_a_machine_that_is_named_itself_has_not_the_yield_of_its_pool():
    snapshot = factories.snapshot(
        demands=[{"qty": 10}],
        resources=[{"resource": "ANN", "pool": "CREW"}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1.0}],
        step_resources=[
            {"resource": "ANN", "choice": "c"},
            {"resource": "CREW", "choice": "c", "preference": 2, "yield": 0.5},
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["order_qty"].to_list() == [10]


def test_two_units_that_a_step_needs_lose_what_each_loses():
    """Ann twice: once by her name, once of the crew, which loses half."""
    snapshot = factories.snapshot(
        demands=[{"qty": 10}],
        resources=[{"resource": "ANN", "pool": "CREW", "units": 2.0}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1.0}],
        step_resources=[{"resource": "ANN"}, {"resource": "CREW", "yield": 0.5}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["order_qty"].to_list() == [20]


@pytest.mark.parametrize(("ends", "begins", "qty"), [(9, 9, 20), (None, 0, 40)])
def test_rows_of_a_crew_for_one_time_and_another_are_one_need(ends, begins, qty):
    """Ann until day 9, then Bob, or both: each who works loses half."""
    until = {} if ends is None else {"valid_to": day(ends)}
    snapshot = factories.snapshot(
        demands=[{"qty": 10, "due": day(5)}],
        resources=[{"resource": name, "pool": "CREW"} for name in ("ANN", "BOB")],
        resource_skills=[
            {"resource": "ANN", "skill": "a"},
            {"resource": "BOB", "skill": "b"},
        ],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1.0}],
        step_resources=[
            {"resource": "CREW", "skill": "a", "yield": 0.5, **until},
            {
                "resource": "CREW",
                "skill": "b",
                "yield": 0.5,
                "valid_from": day(begins),
            },
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["order_qty"].to_list() == [qty]


@pytest.mark.req("MRP-18")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_steps_beside_each_other_lose_what_each_loses(mode):
    """Steps of one place in the sequence: of 25 units 0.5 x 0.8 come through."""
    snapshot = factories.snapshot(
        demands=[{"qty": 10}],
        routings=[{}],
        steps=[
            {"step": step, "sequence": 1, "yield": good, "run_minutes_per_unit": 1.0}
            for step, good in ((10, 0.5), (20, 0.8))
        ],
    )
    made = plan(snapshot, mode, KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["order_qty"].to_list() == [25]


@pytest.mark.req("MRP-09")
def test_work_may_have_begun_as_long_ago_as_a_negative_fence_says():
    """A takes 5 days and one B, of which two are in stock and the third is bought.

    Two A begin three days ago, and are there on day 2; the third begins when B comes.
    """
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[
            {"demand": "D1", "qty": 2, "due": day(0)},
            {"demand": "D2", "qty": 1, "due": day(0), "priority": 2},
        ],
        routings=[{"fence_days": -3.0}],
        steps=[{"fixed_minutes": 5 * 1440.0}],
        bom_lines=[{"component": "B"}],
        stock=[{"product": "B", "qty": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 4}],
    )
    made = verified(snapshot)
    assert made.fulfilment["lateness_h"].to_list() == [2 * 24, 9 * 24]
    assert exceptions(made, "PastDueStart") == []


@pytest.mark.req("MRP-09")
def test_work_on_a_machine_may_have_begun_too_but_not_before_its_fence():
    """Twelve pieces of half a day each: three days of them lie behind."""
    snapshot = factories.snapshot(
        demands=[{"qty": 12, "due": day(0)}],
        **{
            **HOURLY,
            "routings": [{"routing": "R", "fence_days": -3.0}],
            "steps": [{"run_minutes_per_unit": 720.0}],
        },
    )
    made = verified(snapshot)
    assert made.supplies["start"].to_list() == [day(-3)]
    assert made.fulfilment["lateness_h"].to_list() == [3 * 24]
    late = made.supplies.with_columns(start=pl.col("start").dt.offset_by("-1d"))
    faults = verify(replace(made, tables={**made.tables, "supplies": late}), snapshot)
    assert "VER066" in {found.code for found in faults}


@pytest.mark.parametrize(
    ("units", "due", "orders"),
    [
        ({"units": 2.0}, 10, [10, 10]),
        ({"units": 1.0}, 10, [20]),
        ({"units": 3.0}, 7, [6, 7, 7]),
    ],
)
def test_late_work_is_cut_over_the_units_of_its_machine(units, due, orders):
    """20 pieces of a day each: on two units they are in time on day 10."""
    snapshot = factories.snapshot(
        demands=[{"qty": 20, "due": day(due)}],
        resources=[{"resource": "M", **units}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1440.0}],
        step_resources=[{}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert sorted(made.supplies["qty"].to_list()) == orders
    late = made.fulfilment["status"].to_list() == ["late"]
    assert late is (units["units"] == 1.0)


def test_late_work_uses_units_that_change():
    """Four units until day 5, one after: whole, 20 pieces would take 20 days."""
    snapshot = factories.snapshot(
        demands=[{"qty": 20, "due": day(1)}],
        resources=[{"resource": "M", "units": 4.0}],
        resource_units=[{"resource": "M", "valid_from": day(5), "units": 1.0}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1440.0}],
        step_resources=[{}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [24 * 4]


def test_late_work_uses_units_that_come_and_go():
    """Two units until day 3, one until day 6, then three: 60 days' work is done on 24.

    In ten lots of six; in lots of 23, 3, 17 and 17 it would be done on day 23.
    """
    snapshot = factories.snapshot(
        demands=[{"qty": 60, "due": day(4)}],
        resources=[{"resource": "M", "units": 2.0}],
        resource_units=[
            {"resource": "M", "valid_from": day(3), "valid_to": day(6), "units": 1.0},
            {"resource": "M", "valid_from": day(6), "units": 3.0},
        ],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 1440.0}],
        step_resources=[{}],
    )
    made = verified(snapshot)
    assert made.supplies["qty"].to_list() == [6] * 10
    assert made.fulfilment["lateness_h"].to_list() == [24 * 20]


def test_late_work_that_takes_as_long_in_parts_stays_whole():
    snapshot = factories.snapshot(
        demands=[{"qty": 20, "due": day(1)}],
        resources=[{"resource": "M", "units": 2.0}],
        routings=[{}],
        steps=[{"fixed_minutes": 2880.0}],
        step_resources=[{}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert made.supplies["qty"].to_list() == [20]
