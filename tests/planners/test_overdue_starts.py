"""Existing orders whose start has passed take what mode mrp orders for then."""

from __future__ import annotations

from tests.planners.small_plans import day, orders, planned


def test_what_is_ordered_for_a_start_that_has_passed_may_have_died_since():
    made = planned(
        products=[
            {"product": "A"},
            {"product": "B", "shelf_life_days": 30},
        ],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        bom_lines=[{"component": "B"}],
        suppliers=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        supply_orders=[
            {"kind": "work", "source": "R", "start": day(-99), "due": day(5)},
        ],
    )
    assert orders(made, "B") == [("B", 10, -100, -99)]
