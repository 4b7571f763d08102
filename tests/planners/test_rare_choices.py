"""Rare ways through the planner that still have to be right."""

from __future__ import annotations

import pytest

from tests.planners.small_plans import day, planned, quantities


@pytest.mark.req("MRP-20")
def test_a_made_to_order_component_of_stock_serves_its_one_order():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        routings=[{"product": "A"}],
        steps=[{"fixed_minutes": 60}],
        bom_lines=[{"component": "B", "qty_per": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        inventory_policies=[{"product": "A", "safety_qty": 5}],
        demands=[{"product": "A", "qty": 3, "due": day(20)}],
    )
    assert sum(quantities(made, "B")) == 2 * sum(quantities(made, "A"))
    assert sum(quantities(made, "A")) == 8


def test_a_routing_whose_output_has_ended_leaves_the_need_to_the_next():
    made = planned(
        routings=[
            {"routing": "OLD", "preference": 1},
            {"routing": "NEW", "preference": 2},
        ],
        steps=[{"routing": "OLD", "fixed_minutes": 60}, {"routing": "NEW"}],
        routing_outputs=[{"routing": "OLD", "valid_to": day(3)}],
        demands=[{"qty": 4, "due": day(10)}],
    )
    assert made.supplies["source"].to_list() == ["NEW"]


def test_a_substitute_that_makes_no_whole_piece_lends_nothing():
    made = planned(
        products=[{"product": "A"}, {"product": "B"}],
        substitutes=[{"product": "A", "substitute": "B", "ratio": 2}],
        stock=[{"product": "B", "qty": 1}],
        supply_terms=[{"product": "A"}],
        demands=[{"product": "A", "qty": 1, "due": day(10)}],
    )
    assert quantities(made, "A") == [1]
    assert made.pegging["product"].to_list() == ["A"]


def test_the_source_that_is_late_the_least_is_taken():
    made = planned(
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"supplier": "S", "valid_from": day(9), "lead_time_days": 1},
            {"supplier": "T", "valid_from": day(7), "lead_time_days": 1},
        ],
        demands=[{"qty": 2, "due": day(5)}],
    )
    assert made.supplies["source"].to_list() == ["T"]
    assert made.fulfilment["status"].to_list() == ["late"]


def test_stock_of_a_customer_serves_no_order_for_stock():
    made = planned(
        products=[{"product": "A"}, {"product": "B"}],
        customers=[{"customer": "C"}],
        routings=[{"product": "A"}],
        steps=[{}],
        bom_lines=[{"component": "B"}],
        stock=[{"product": "B", "qty": 50, "owner": "C"}],
        supply_terms=[{"product": "B"}],
        inventory_policies=[{"product": "A", "safety_qty": 5}],
    )
    assert quantities(made, "B") == [5]
