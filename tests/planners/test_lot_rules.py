"""When an order is raised and how large it is (rules 5, 6, 7)."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    PYTHON,
    day,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    planned,
    quantities,
)

BUY = [{"lead_time_days": 5}]
TWO = [{"qty": 30, "due": day(10)}, {"qty": 30, "due": day(11)}]


# --- lots --------------------------------------------------------------------------
@pytest.mark.req("MRP-07")
def test_needs_of_one_instant_share_an_order():
    made = planned(demands=[{}, {}, {"due": day(29)}], supply_terms=BUY)
    assert quantities(made, "A") == [20, 10]


def test_the_surplus_of_a_lot_serves_the_next_need():
    made = planned(demands=TWO, supply_terms=[{**BUY[0], "moq": 50}])
    assert orders(made) == [("A", 50, 5, 10), ("A", 50, 6, 11)]
    assert exceptions(made, "LotSurplus")[0]["qty"] == 40


def test_sourcing_overrides_the_lots_of_the_terms():
    made = planned(
        demands=[{"qty": 30}],
        supply_terms=[{**BUY[0], "moq": 50, "lot_multiple": 50}],
        sourcing=[{"kind": "buy", "source": "S", "min_lot": 20, "lot_multiple": 8}],
    )
    assert quantities(made, "A") == [32]


def test_the_rest_of_a_cut_order_is_raised_to_the_least_lot():
    made = planned(
        demands=[{"qty": 105}],
        routings=[{"max_lot": 50, "min_lot": 10, "lot_multiple": 4}],
    )
    assert sorted(quantities(made, "A")) == [12, 48, 48]


def test_one_source_makes_all_pieces_of_a_need():
    made = planned(
        demands=[{"qty": 120}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"max_lot": 100, "unit_price": 1},
            {"supplier": "T", "unit_price": 1.1},
        ],
        price_tiers=[{"min_qty": 0, "unit_price": 5}, {"min_qty": 50, "unit_price": 1}],
        inventory_policies=[{"source_rule": "cost"}],
    )
    assert set(made.supplies["source"].to_list()) in ({"S"}, {"T"})


@pytest.mark.parametrize(("end", "sizes"), [(11, [30, 30]), (11.5, [60])])
def test_needs_inside_a_batch_window_join(end, sizes):
    made = planned(
        demands=[{"qty": 30, "due": day(10)}, {"qty": 30, "due": day(end - 0.5)}],
        supply_terms=[{**BUY[0], "batch_window_days": 0.5 if end == 11 else 1.5}],
    )
    assert quantities(made, "A") == sizes


def test_a_batch_window_is_half_open():
    made = planned(demands=TWO, supply_terms=[{**BUY[0], "batch_window_days": 1}])
    assert quantities(made, "A") == [30, 30]


def test_a_receipt_inside_a_batch_window_serves_first():
    made = planned(
        demands=TWO,
        supply_orders=[{"qty": 20, "due": day(10.5)}],
        supply_terms=[{**BUY[0], "batch_window_days": 3}],
    )
    assert quantities(made, "A") == [40]


def test_a_batch_window_counts_in_the_days_of_the_location():
    made = planned(
        locations=[{"location": "L", "calendar": "CAL"}],
        calendars=[{}],
        shifts=[{"weekday": weekday} for weekday in range(1, 6)],
        demands=[{"due": day(4.4)}, {"due": day(7.4)}],
        supply_terms=[{"lead_time_days": 0, "batch_window_days": 2}],
    )
    assert quantities(made, "A") == [20]


# --- rules -------------------------------------------------------------------------
@pytest.mark.req("MRP-07")
def test_fixed_orders_whole_lots_in_one_order():
    made = planned(
        demands=[{"qty": 120}],
        inventory_policies=[{"lot_rule": "fixed", "lot_size": 50}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [150]
    assert made.supplies["lot_rule"].to_list() == ["fixed"]


def test_a_reorder_point_raises_an_order_when_the_projection_falls_below():
    made = planned(
        demands=[{"qty": 10, "due": day(10)}, {"qty": 11, "due": day(20)}],
        stock=[{"qty": 50}],
        inventory_policies=[{"lot_rule": "fixed", "lot_size": 25, "reorder_point": 30}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 25, 15, 20)]


def test_what_a_level_lacks_is_not_asked_for_again_before_it_can_come():
    """WO takes 5 of what is not there; both moments before day 20 are below 10."""
    company = factories.snapshot(
        products=[{"product": "A"}, {"product": "C"}],
        supply_orders=[
            {
                "order": "WO",
                "kind": "work",
                "qty": 5,
                "status": "released",
                "source": "RA",
                "start": day(1),
                "due": day(2),
            },
            {
                "order": "PO",
                "kind": "purchase",
                "product": "C",
                "qty": 14,
                "status": "firmed",
                "due": day(8),
            },
        ],
        demands=[{"qty": 5, "due": day(4)}],
        routings=[{"routing": "RA"}],
        resources=[{"resource": "M"}],
        steps=[{"routing": "RA", "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "RA", "resource": "M"}],
        bom_lines=[{"routing": "RA", "component": "C"}],
        supply_terms=[{"product": "C", "lead_time_days": 20}],
        inventory_policies=[
            {
                "product": "C",
                "lot_rule": "fixed",
                "lot_size": 25,
                "reorder_point": 10,
            }
        ],
    )
    made = plan(company, "constrained", PYTHON)
    assert orders(made, "C") == [("C", 25, 0, 20)]
    assert verify(made, company) == []


POINT = {"lot_rule": "fixed", "lot_size": 25, "reorder_point": 10}


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize(("mode", "bought"), [("mrp", [25]), ("constrained", [])])
def test_what_comes_before_an_order_could_is_waited_for(mode, bought):
    """Of 4 in stock, 14 more come on day 8; what is ordered now, on day 20."""
    made = plan(
        factories.snapshot(
            stock=[{"qty": 4}],
            supply_orders=[{"qty": 14, "due": day(8), "status": "released"}],
            supply_terms=[{"lead_time_days": 20}],
            inventory_policies=[POINT],
        ),
        mode,
        PYTHON,
    )
    new = made.supplies.filter(status="planned")
    assert new["qty"].to_list() == bought


@pytest.mark.req("MRP-07")
def test_what_a_reorder_point_raised_is_not_raised_again_once_it_is_firm():
    tables = {
        "stock": [{"qty": 4}],
        "supply_terms": [{"lead_time_days": 20}],
        "inventory_policies": [POINT],
    }
    made = plan(factories.snapshot(**tables), "constrained", PYTHON)
    assert orders(made) == [("A", 25, 0, 20)]
    firm = {"qty": 25, "start": day(0), "due": day(20), "status": "firmed"}
    again = plan(
        factories.snapshot(**tables, supply_orders=[{"source": "S", **firm}]),
        "constrained",
        PYTHON,
    )
    assert again.supplies.filter(status="planned").is_empty()


def test_fixed_joins_a_batch_window_before_it_counts_lots():
    made = planned(
        demands=TWO,
        inventory_policies=[{"lot_rule": "fixed", "lot_size": 50}],
        supply_terms=[{**BUY[0], "batch_window_days": 3}],
    )
    assert quantities(made, "A") == [100]


@pytest.mark.parametrize(("stock", "bought"), [(20, []), (19, [81])])
def test_min_max_orders_up_to_the_maximum_below_the_minimum(stock, bought):
    made = planned(
        stock=[{"qty": stock}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 20, "max_qty": 100}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == bought


def test_a_level_below_its_minimum_opens_no_batch_window():
    made = planned(
        demands=[{"qty": 15, "due": day(10)}, {"qty": 15, "due": day(11)}],
        stock=[{"qty": 20}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 8, "max_qty": 40}],
        supply_terms=[{**BUY[0], "batch_window_days": 3}],
    )
    assert orders(made) == [("A", 35, 5, 10)]


def test_a_level_falls_when_the_needs_of_a_window_go_out_and_not_before():
    """Day -2 lacks 6 and takes 18 for day 1 along; until then 18 are there."""
    made = planned(
        demands=[{"qty": 19, "due": day(-2)}, {"qty": 18, "due": day(1)}],
        stock=[{"qty": 13}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 8, "max_qty": 40}],
        supply_terms=[{"lead_time_days": 0, "batch_window_days": 4}],
    )
    assert orders(made) == [("A", 24, -2, -2), ("A", 40, 1, 1)]


@pytest.mark.parametrize("last", [0, 5])
def test_what_arrives_in_a_window_is_no_stock_at_its_first_need(last):
    """12 lacking, 26 taken along, up to 40: the receipt of 16 comes after both."""
    demands = [{"qty": 22, "due": day(10)}, {"qty": 26, "due": day(11)}]
    if last:
        demands.append({"qty": last, "due": day(12)})
    made = planned(
        demands=demands,
        stock=[{"qty": 10}],
        supply_orders=[{"qty": 16, "due": day(11.5)}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 8, "max_qty": 40}],
        supply_terms=[{**BUY[0], "batch_window_days": 3}],
    )
    assert orders(made) == [("A", 78, 5, 10)]


def test_min_max_with_a_minimum_of_nothing_waits_for_a_shortage():
    made = planned(
        demands=[{"qty": 30}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 0, "max_qty": 100}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 130, 23, 28)]


def test_the_economic_order_quantity_has_no_rounding_of_floats():
    made = planned(
        settings=[{"horizon_days": 365}],
        products=[{"product": "A", "unit_cost": 3}],
        demands=[{"qty": 150}],
        inventory_policies=[{"lot_rule": "eoq", "order_cost": 10, "holding_rate": 0.1}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [150]
    smaller = planned(
        settings=[{"horizon_days": 365}],
        products=[{"product": "A", "unit_cost": 3}],
        demands=[{"qty": 75, "due": day(20)}, {"qty": 75}],
        inventory_policies=[{"lot_rule": "eoq", "order_cost": 10, "holding_rate": 0.1}],
        supply_terms=BUY,
    )
    assert quantities(smaller, "A") == [100, 100]


def test_the_economic_order_quantity_scales_the_horizon_to_a_year():
    made = planned(
        settings=[{"horizon_days": 73}],
        products=[{"product": "A", "unit_cost": 0}],
        demands=[{"qty": 20}],
        inventory_policies=[{"lot_rule": "eoq", "order_cost": 5, "holding_rate": 0.2}],
        supply_terms=BUY,
    )
    # D = 20 x 365 / 73 = 100, h = 0.2 x 1: sqrt(2 x 100 x 5 / 0.2) = 70.7
    assert quantities(made, "A") == [71]


def test_without_needs_there_is_no_economic_order_quantity():
    made = planned(
        inventory_policies=[
            {"lot_rule": "eoq", "order_cost": 5, "safety_qty": 7, "holding_rate": 0.2}
        ],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [7]


def test_poq_covers_the_days_from_the_first_need_on():
    made = planned(
        demands=[
            {"due": day(10)},
            {"due": day(12)},
            {"due": day(15)},
            {"due": day(16)},
        ],
        inventory_policies=[{"lot_rule": "poq", "cover_days": 5}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 20, 5, 10), ("A", 20, 10, 15)]


# --- safety ------------------------------------------------------------------------
@pytest.mark.req("MRP-06", "DEF-01")
def test_safety_is_not_due_before_an_order_could_come():
    made = planned(inventory_policies=[{"safety_qty": 20}], supply_terms=BUY)
    assert orders(made) == [("A", 20, 0, 5)]
    assert exceptions(made, "PastDueStart") == []


def test_the_lead_time_of_safety_has_the_safety_days_of_the_source():
    made = planned(
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=[{**BUY[0], "safety_days": 2}],
    )
    assert orders(made) == [("A", 20, 0, 5)]


def test_safety_never_makes_a_demand_late():
    made = planned(
        demands=[{"due": day(2)}],
        stock=[{"qty": 10}],
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=BUY,
    )
    assert deliveries(made) == [(10, 2)]
    assert fulfilment(made)["status"] == "on_time"
    assert orders(made) == [("A", 20, 0, 5)]


def test_a_need_and_the_safety_below_it_share_an_order():
    made = planned(
        demands=[{"qty": 30}],
        stock=[{"qty": 25}],
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 25, 23, 28)]


@pytest.mark.req("MRP-06")
def test_safety_days_hold_the_needs_that_come():
    made = planned(
        demands=[{"qty": 10, "due": day(30)}, {"qty": 20, "due": day(33)}],
        inventory_policies=[{"safety_days": 7}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 10, 18, 23), ("A", 20, 21, 26)]
    assert exceptions(made, "BelowSafety") == []


def test_the_larger_of_quantity_and_days_is_the_safety():
    made = planned(
        demands=[{"qty": 10, "due": day(30)}],
        inventory_policies=[{"safety_days": 7, "safety_qty": 4}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 4, 0, 5), ("A", 6, 18, 23), ("A", 4, 25, 30)]


def test_safety_days_count_in_the_calendar_of_the_location():
    made = planned(
        locations=[{"location": "L", "calendar": "CAL"}],
        calendars=[{}],
        shifts=[
            {"weekday": weekday, "start": dt.time(0), "finish": dt.time(0)}
            for weekday in range(1, 6)
        ],
        demands=[{"due": day(28)}],
        inventory_policies=[{"safety_days": 5}],
        supply_terms=[{"lead_time_days": 1}],
    )
    # Monday 2 February less five open days is Monday 26 January, day 21.
    assert orders(made) == [("A", 10, 20, 21)]


def test_a_level_by_date_holds_from_its_first_instant():
    made = planned(
        inventory_levels=[
            {"valid_from": day(20), "valid_to": day(40), "safety_qty": 30}
        ],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 30, 15, 20)]


def test_an_empty_level_takes_that_of_the_policy():
    made = planned(
        inventory_policies=[{"safety_qty": 10}],
        inventory_levels=[
            {"valid_from": day(20), "valid_to": day(40), "min_qty": 30},
            {"valid_from": day(50), "safety_qty": 15},
        ],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 10, 0, 5), ("A", 5, 45, 50)]


def test_a_target_is_reached_at_the_end_of_the_horizon():
    made = planned(
        settings=[{"horizon_days": 30}],
        demands=[{"qty": 10, "due": day(30)}],
        stock=[{"qty": 50}],
        inventory_policies=[{"target_qty": 100}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 60, 25, 30)]


def test_a_place_without_a_source_stays_below_safety():
    made = planned(inventory_policies=[{"safety_qty": 20}])
    assert orders(made) == []
    assert exceptions(made, "BelowSafety")[0]["qty"] == 20


def test_safety_time_of_a_source_is_kept():
    made = planned(
        demands=[{}],
        supply_terms=[{**BUY[0], "safety_days": 3, "receipt_days": 1}],
    )
    assert orders(made) == [("A", 10, 19, 25)]


def test_the_lead_time_of_safety_is_that_of_what_is_missing():
    made = planned(
        routings=[{}],
        steps=[{"run_minutes_per_unit": 60}],
        stock=[{"qty": 12}],
        inventory_policies=[{"safety_qty": 48}],
    )
    assert orders(made) == [("A", 36, 0, 1.5)]
