"""Numbers that the requirements give, worked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from tests.planners.small_plans import (
    day,
    exceptions,
    fulfilment,
    orders,
    pegs,
    planned,
    quantities,
)

BUY_A = [{"product": "A", "lead_time_days": 5}]


@pytest.mark.req("MRP-04", "MRP-20")
def test_gross_less_stock_and_receipts_is_net_80():
    made = planned(
        demands=[{"qty": 150}],
        stock=[{"qty": 40}],
        supply_orders=[{"qty": 30}],
        supply_terms=BUY_A,
    )
    assert orders(made) == [("A", 80, 23, 28)]


@pytest.mark.req("MRP-02")
def test_100_of_a_need_150_of_x_and_100_of_y():
    made = planned(
        demands=[{"qty": 100}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        bom_lines=[{"component": "X", "qty_per": 2}, {"component": "Y"}],
        stock=[{"product": "X", "qty": 50}],
        supply_terms=[
            {"product": "X", "lead_time_days": 2},
            {"product": "Y", "lead_time_days": 3},
        ],
    )
    assert orders(made) == [
        ("A", 100, 27, 28),
        ("X", 150, 25, 27),
        ("Y", 100, 24, 27),
    ]
    gross = made.positions.group_by("product").agg(pl.col("gross").sum())
    assert dict(gross.rows()) == {"A": 100, "X": 200, "Y": 100}


@pytest.mark.req("DEF-01", "MRP-03", "MRP-04")
def test_safety_stock_is_counted_once():
    made = planned(
        demands=[{"qty": 100}],
        stock=[{"qty": 100}],
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=BUY_A,
    )
    assert quantities(made, "A") == [20]


@pytest.mark.req("DEF-02", "MRP-05")
def test_a_promised_order_needs_no_new_supply():
    made = planned(
        demands=[{"qty": 100, "promised": day(28)}],
        stock=[{"qty": 100}],
        reservations=[{"qty": 100, "demand": "D1"}],
        supply_terms=BUY_A,
    )
    assert orders(made) == []
    assert fulfilment(made)["planned"] == 100


@pytest.mark.req("MRP-05")
def test_the_hold_of_another_order_takes_stock_away():
    made = planned(
        demands=[{"qty": 100}, {"qty": 100, "due": day(40)}],
        stock=[{"qty": 100}],
        reservations=[{"qty": 100, "demand": "D2"}],
        supply_terms=BUY_A,
    )
    assert orders(made) == [("A", 100, 23, 28)]
    assert list(pegs(made, "D2")) == ["A|L|"]


def fixed_and_new(qty):
    return planned(
        demands=[{"qty": qty}],
        supply_orders=[
            {"supply_order": "FIRM", "qty": 60, "due": day(10), "status": "firmed"},
            {"supply_order": "NEXT", "qty": 50, "due": day(20), "status": "released"},
        ],
        pegs=[{"demand": "D1", "supply": "FIRM", "qty": 60}],
    )


@pytest.mark.req("PEG-05", "PEG-02", "PEG-07")
@pytest.mark.parametrize(("qty", "rest"), [(100, 40), (80, 20)])
def test_60_firm_and_50_planned_cover_a_demand(qty, rest):
    made = fixed_and_new(qty)
    assert pegs(made, "D1") == {"FIRM": 60, "NEXT": rest}
    assert orders(made) == []


@pytest.mark.req("PEG-05")
def test_60_firm_and_a_planned_order_cover_100_with_60_and_40():
    made = planned(
        demands=[{"qty": 100}],
        supply_orders=[{"supply_order": "FIRM", "qty": 60, "due": day(10)}],
        supply_terms=[{"lead_time_days": 5, "moq": 50}],
        pegs=[{"demand": "D1", "supply": "FIRM", "qty": 60}],
    )
    assert sorted(pegs(made, "D1").values()) == [40, 60]
    assert quantities(made, "A") == [50]


@pytest.mark.req("PEG-05")
def test_a_cancelled_demand_releases_its_pegs():
    made = planned(
        demands=[{"qty": 100, "status": "cancelled"}],
        supply_orders=[{"supply_order": "FIRM", "qty": 60, "due": day(10)}],
        pegs=[{"demand": "D1", "supply": "FIRM", "qty": 60}],
    )
    assert made.pegging.is_empty()
    assert fulfilment(made)["status"] == "ignored"
    assert len(exceptions(made, "Cancel")) == 1


@pytest.mark.req("DEF-07", "MRP-18")
def test_a_component_of_the_second_step_is_not_lost_in_the_first():
    made = planned(
        demands=[{"qty": 72}],
        routings=[{}],
        steps=[{"step": 1, "yield": 0.9}, {"step": 2, "yield": 0.8}],
        bom_lines=[
            {"component": "B", "step": 1},
            {"component": "C", "step": 2},
        ],
        supply_terms=[{"product": "B"}, {"product": "C"}],
    )
    assert made.supplies.filter(product="A")["order_qty"].to_list() == [100]
    assert quantities(made, "B") == [100]
    assert quantities(made, "C") == [90]


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize(
    ("lots", "sizes"),
    [
        ({}, [120]),
        ({"lot_multiple": 50}, [150]),
        ({"moq": 200}, [200]),
        ({"max_lot": 50}, [20, 50, 50]),
        ({"max_lot": 50, "moq": 30}, [30, 50, 50]),
        ({"max_lot": 55, "lot_multiple": 10}, [20, 50, 50]),
    ],
)
def test_net_120_becomes_lots(lots, sizes):
    made = planned(demands=[{"qty": 120}], supply_terms=[{**BUY_A[0], **lots}])
    assert sorted(quantities(made, "A")) == sizes


@pytest.mark.req("MRP-11", "PEG-11")
def test_pegs_lead_from_the_customer_to_the_purchased_lot():
    made = planned(
        demands=[{"qty": 10, "location": "C"}],
        locations=[{"location": "C", "kind": "customer"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C", "duration_h": 24}],
        routings=[{}],
        bom_lines=[{"component": "B", "qty_per": 2}],
        stock=[{"product": "B", "qty": 5, "lot": "7"}],
        supply_terms=[{"product": "B"}],
    )
    rows = made.pegging.sort("level", "qty").select("level", "source", "qty").rows()
    assert rows == [
        (0, "TRANS", 10),
        (1, "PROD", 10),
        (2, "INV", 5),
        (2, "SUP", 15),
    ]


@pytest.mark.req("REP-02")
def test_stock_50_with_a_target_of_100_lacks_50():
    made = planned(
        stock=[{"qty": 50}],
        inventory_policies=[{"target_qty": 100}],
        supply_terms=BUY_A,
        settings=[{"horizon_days": 30}],
    )
    assert orders(made) == [("A", 50, 25, 30)]


@pytest.mark.req("REP-02", "REP-04")
def test_stock_50_below_a_minimum_of_100_lacks_50_without_any_demand():
    made = planned(
        stock=[{"qty": 50}],
        inventory_policies=[{"lot_rule": "min_max", "min_qty": 100, "max_qty": 100}],
        supply_terms=BUY_A,
    )
    assert orders(made) == [("A", 50, -5, 0)]


@pytest.mark.req("MRP-12")
def test_a_run_makes_no_reservation():
    made = planned(demands=[{}], supply_terms=BUY_A)
    assert "reservations" not in made.tables
