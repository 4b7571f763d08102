"""Which stock serves whom, and until when (rules 10, 11)."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    day,
    exceptions,
    fulfilment,
    orders,
    pegs,
    planned,
    quantities,
)

BUY = [{"lead_time_days": 5}]


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("status", ["blocked", "quality_hold"])
def test_only_available_stock_counts(status):
    made = planned(demands=[{}], stock=[{"status": status}], supply_terms=BUY)
    assert quantities(made, "A") == [10]


def test_stock_of_a_supplier_counts_as_ours():
    made = planned(
        demands=[{}],
        suppliers=[{}],
        stock=[{"owner": "S"}],
        supply_terms=BUY,
    )
    assert orders(made) == []


def test_stock_of_a_customer_serves_that_customer_alone():
    made = planned(
        demands=[{"customer": "C"}, {"customer": "E", "due": day(20)}],
        customers=[{"customer": "C"}, {"customer": "E"}],
        stock=[{"qty": 15, "owner": "C"}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 10, 15, 20)]
    assert pegs(made, "D1") == {"A|L|": 10}


def test_stock_of_a_customer_is_no_safety_stock():
    made = planned(
        customers=[{}],
        stock=[{"qty": 20, "owner": "C"}],
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [20]


def test_a_customers_component_serves_what_is_made_for_it():
    made = planned(
        demands=[{"customer": "C"}],
        customers=[{}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
        stock=[{"product": "B", "owner": "C"}],
        supply_terms=[{"product": "B"}],
    )
    assert quantities(made, "B") == []


@pytest.mark.req("MRP-04")
def test_the_lot_that_expires_first_goes_first():
    made = planned(
        demands=[{"qty": 6, "due": day(5)}, {"qty": 6, "due": day(9)}],
        stock=[
            {"lot": "1", "qty": 6},
            {"lot": "2", "qty": 6, "expires_at": day(30)},
        ],
        supply_terms=BUY,
    )
    assert pegs(made, "D1") == {"A|L|2": 6}
    assert pegs(made, "D2") == {"A|L|1": 6}


@pytest.mark.parametrize(("life", "bought"), [(3, []), (4, [10])])
def test_a_lot_has_the_life_that_a_demand_asks_for(life, bought):
    made = planned(
        demands=[{"due": day(10), "min_shelf_days": life}],
        stock=[{"expires_at": day(13)}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == bought


@pytest.mark.parametrize(("life", "bought"), [(2, []), (3, [10])])
def test_a_lot_lives_through_its_transit(life, bought):
    made = planned(
        demands=[{"due": day(10), "location": "W", "min_shelf_days": life}],
        lanes=[{"lane": "T", "duration_h": 24}],
        stock=[{"expires_at": day(12), "lot": "1"}],
        supply_terms=BUY,
    )
    assert made.supplies.filter(kind="buy")["qty"].to_list() == bought


def test_a_moved_surplus_serves_only_as_long_as_its_lot_lives():
    made = planned(
        demands=[
            {"qty": 5, "due": day(10), "location": "W"},
            {"qty": 5, "due": day(20), "location": "W"},
        ],
        products=[{"product": "A", "shelf_life_days": 6}],
        lanes=[{"lane": "T", "duration_h": 24}],
        sourcing=[
            {"location": "W", "kind": "move", "source": "T", "min_lot": 10},
            {"kind": "buy", "source": "S"},
        ],
        supply_terms=BUY,
    )
    moves = made.supplies.filter(kind="move")
    assert moves["qty"].to_list() == [10, 10]


def test_what_expired_before_now_is_not_used_and_is_named():
    made = planned(
        demands=[{}],
        stock=[{"lot": "7", "expires_at": day(-1)}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [10]
    assert exceptions(made, "ExpiredStock")[0]["qty"] == 10


def test_new_supply_dies_its_shelf_life_after_its_finish():
    made = planned(
        products=[{"product": "A", "shelf_life_days": 3}],
        demands=[{"due": day(10)}, {"due": day(13)}, {"due": day(14)}],
        supply_terms=[{"lead_time_days": 5, "moq": 30}],
    )
    assert orders(made) == [("A", 30, 5, 10), ("A", 30, 9, 14)]


@pytest.mark.req("MRP-19")
def test_a_life_that_no_new_supply_has_leaves_the_demand_unplanned():
    made = planned(
        products=[{"product": "A", "shelf_life_days": 1}],
        demands=[{"min_shelf_days": 3}, {}],
        supply_terms=BUY,
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"
    assert fulfilment(made, "D2")["status"] == "on_time"
    assert exceptions(made, "NoSource")[0]["demand"] == "D1"


def test_a_missing_booking_is_made_up_first():
    made = planned(demands=[{}], stock=[{"qty": -5}], supply_terms=BUY)
    assert orders(made) == [("A", 5, -5, 0), ("A", 10, 23, 28)]
    assert exceptions(made, "NegativeStock")[0]["qty"] == 5


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_unlimited_stock_serves_what_is_made_to_order(mode):
    # Mode constrained moved goods before they were bought.
    snapshot = factories.snapshot(
        products=[{"make_to_order": True}],
        locations=[{}, {"location": "WH"}],
        lanes=[{"origin": "L", "destination": "WH"}],
        inventory_policies=[{"location": "WH", "unlimited": True}],
        supply_terms=BUY,
        demands=[{"location": "WH"}],
    )
    made = plan(snapshot, mode)
    assert verify(made, snapshot) == []
    assert made.supplies.is_empty()
    assert made.fulfilment["status"].to_list() == ["on_time"]


def test_unlimited_stock_is_always_there():
    made = planned(
        demands=[{"qty": 1000}],
        inventory_policies=[{"unlimited": True}],
        supply_terms=BUY,
    )
    assert orders(made) == []
    assert pegs(made, "D1") == {"A|L|": 1000}


def test_stock_between_steps_is_rounded_down_and_named():
    made = planned(demands=[{}], stock=[{"qty": 4.7}], supply_terms=BUY)
    assert quantities(made, "A") == [6]


def test_a_demand_between_steps_is_rounded_up():
    made = planned(demands=[{"qty": 9.2}], supply_terms=BUY)
    assert fulfilment(made)["qty"] == 10
    assert fulfilment(made)["planned"] == 10


def test_decimals_are_exact():
    made = planned(
        products=[{"product": "A", "qty_step": 0.1}],
        demands=[{"qty": 0.3}],
        stock=[{"qty": 0.1, "lot": "1"}, {"qty": 0.2, "lot": "2"}],
        supply_terms=BUY,
    )
    assert orders(made) == []


# --- holds -------------------------------------------------------------------------
@pytest.mark.req("MRP-05", "RES-07")
@pytest.mark.parametrize(
    ("cells", "free"),
    [
        ({}, 0),
        ({"state": "tentative", "expires_at": day(1)}, 0),
        ({"state": "tentative", "expires_at": day(0)}, 10),
        ({"state": "reduced", "qty": 4}, 6),
        ({"state": "released"}, 10),
        ({"state": "expired"}, 10),
    ],
)
def test_an_active_hold_takes_stock_away(cells, free):
    made = planned(
        demands=[{}],
        stock=[{"qty": 10}],
        reservations=[{"demand": None, **cells}],
        supply_terms=BUY,
    )
    assert sum(quantities(made, "A")) == 10 - free


def test_a_hold_takes_the_first_lots_that_are_there():
    made = planned(
        demands=[{"due": day(30)}],
        stock=[{"qty": 6}],
        supply_orders=[{"qty": 10, "due": day(7)}],
        reservations=[{"demand": None, "qty": 8}],
        supply_terms=BUY,
    )
    assert pegs(made, "D1")["O1"] == 8
    assert quantities(made, "A") == [2]


@pytest.mark.req("DEF-02")
def test_a_hold_at_a_warehouse_serves_its_owner_behind_a_lane():
    made = planned(
        demands=[
            {"location": "C"},
            {"location": "C", "due": day(20)},
        ],
        locations=[{"location": "C", "kind": "customer"}, {"location": "L"}],
        lanes=[{"lane": "T", "destination": "C", "duration_h": 24}],
        stock=[{"qty": 10}],
        reservations=[{"demand": "D1"}],
        supply_terms=BUY,
    )
    assert pegs(made, "D1", level=1) == {"A|L|": 10}
    assert [row[:1] + row[2:] for row in orders(made, "A") if row[3] == 19] == [
        ("A", 14, 19)
    ]


def test_two_holds_are_larger_than_the_stock():
    made = planned(
        demands=[{}, {}],
        stock=[{"qty": 15}],
        reservations=[
            {"demand": "D1", "reservation": "1"},
            {"demand": "D2", "reservation": "2"},
        ],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [5]


def test_a_hold_of_a_customers_stock_serves_nobody_else():
    made = planned(
        demands=[{"customer": "E"}],
        customers=[{"customer": "C"}, {"customer": "E"}],
        stock=[{"owner": "C"}],
        reservations=[{"demand": "D1"}],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == [10]


# --- firm pegs ---------------------------------------------------------------------
@pytest.mark.req("PEG-06")
def test_a_firm_peg_keeps_stock_for_a_later_demand():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(20)}],
        stock=[{"qty": 10, "lot": "7"}],
        pegs=[{"demand": "D2", "supply": "A|L|7"}],
        supply_terms=BUY,
    )
    assert pegs(made, "D2") == {"A|L|7": 10}
    assert orders(made) == [("A", 10, 5, 10)]
    firm = made.pegging.filter(demand="D2")["firm"].to_list()
    assert firm == [True]


@pytest.mark.req("PEG-06")
def test_a_firm_peg_on_a_later_receipt_keeps_the_date_of_the_demand():
    made = planned(
        demands=[{"due": day(3)}],
        supply_orders=[{"due": day(9)}],
        pegs=[{"demand": "D1", "supply": "O1"}],
        supply_terms=BUY,
    )
    assert orders(made) == []
    assert fulfilment(made)["status"] == "on_time"
    assert exceptions(made, "BringForward")[0]["suggested_date"] == day(3)


@pytest.mark.req("PEG-08")
def test_a_peg_for_more_than_is_needed_is_capped_and_not_broken():
    made = planned(
        demands=[{"qty": 40}],
        supply_orders=[{"qty": 60}],
        pegs=[{"qty": 60}],
        supply_terms=BUY,
    )
    assert pegs(made, "D1") == {"O1": 40}
    assert exceptions(made, "FirmPegBroken") == []


@pytest.mark.req("PEG-08")
def test_a_peg_for_more_than_is_needed_keeps_it_where_that_is_allowed():
    """D1 needs 40 of the 60 that are pegged to it; D2 may not have the other 20."""
    given = {
        "demands": [{"qty": 40}, {"qty": 25, "due": day(20)}],
        "supply_orders": [{"qty": 60}],
        "pegs": [{"qty": 60}],
        "supply_terms": BUY,
    }
    capped = planned(**given)
    assert pegs(capped, "D2")["O1"] == 20
    assert exceptions(capped, "OverPegged") == []
    allowed = planned(**given, settings=[{"over_peg": "allow"}])
    assert pegs(allowed, "D1") == {"O1": 40}
    assert "O1" not in pegs(allowed, "D2")
    assert [qty for _, qty, _, _ in orders(allowed)] == [25]
    told = exceptions(allowed, "OverPegged")
    assert [(row["demand"], row["supply"], row["qty"]) for row in told] == [
        ("D1", "O1", 20)
    ]
    assert exceptions(allowed, "FirmPegBroken") == []
    reserved = allowed.positions.filter(product="A")["reserved"].max()
    assert reserved == 20


@pytest.mark.req("PEG-08")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_other_modes_keep_the_surplus_of_a_firm_peg_too(mode: str) -> None:
    snapshot = factories.snapshot(
        demands=[{"qty": 40}, {"qty": 25, "due": day(20)}],
        supply_orders=[{"qty": 60}],
        pegs=[{"qty": 60}],
        supply_terms=BUY,
        settings=[{"over_peg": "allow"}],
    )
    made = plan(snapshot, mode)
    assert verify(made, snapshot) == []
    assert pegs(made, "D1") == {"O1": 40}
    assert "O1" not in pegs(made, "D2")
    assert sum(pegs(made, "D2").values()) == 25
    assert [row["qty"] for row in exceptions(made, "OverPegged")] == [20]


@pytest.mark.req("PEG-08")
def test_the_need_of_another_firm_peg_comes_before_what_is_over():
    """Of 100, 40 and 50 are needed by owners of pegs; 10 of the 20 over are left."""
    made = planned(
        demands=[{"qty": 40}, {"qty": 50, "due": day(20)}],
        supply_orders=[{"qty": 100}],
        pegs=[{"qty": 60}, {"demand": "D2", "qty": 50}],
        supply_terms=BUY,
        settings=[{"over_peg": "allow"}],
    )
    assert pegs(made, "D1") == {"O1": 40}
    assert pegs(made, "D2") == {"O1": 50}
    assert [row["qty"] for row in exceptions(made, "OverPegged")] == [10]
    assert exceptions(made, "FirmPegBroken") == []


@pytest.mark.req("PEG-08")
def test_a_hold_gets_what_is_left_beside_an_over_peg():
    """30 in stock, 10 needed and 20 pegged: a hold of 15 for D2 finds 10."""
    made = planned(
        demands=[{"qty": 10}, {"qty": 15, "due": day(20)}],
        stock=[{"qty": 30, "lot": "7"}],
        pegs=[{"supply": "A|L|7", "qty": 20}],
        reservations=[{"demand": "D2", "qty": 15}],
        supply_terms=BUY,
        settings=[{"over_peg": "allow"}],
    )
    assert pegs(made, "D1") == {"A|L|7": 10}
    assert pegs(made, "D2")["A|L|7"] == 10
    assert [row["qty"] for row in exceptions(made, "OverPegged")] == [10]


@pytest.mark.req("PEG-06")
def test_a_peg_whose_supply_is_gone_is_broken():
    made = planned(
        demands=[{"qty": 10}],
        supply_orders=[{"qty": 4}],
        pegs=[{"qty": 10}, {"supply": "GONE", "qty": 3}],
        supply_terms=BUY,
    )
    missing = {row["qty"] for row in exceptions(made, "FirmPegBroken")}
    assert missing == {6, 3}


def test_a_peg_that_is_not_firm_binds_nothing():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(20)}],
        stock=[{"qty": 10}],
        pegs=[{"demand": "D2", "supply": "A|L|", "firm": False}],
        supply_terms=BUY,
    )
    assert pegs(made, "D1") == {"A|L|": 10}


def test_an_order_made_for_a_demand_serves_it_first():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(20)}],
        supply_orders=[{"qty": 12, "demand": "D2"}],
        supply_terms=BUY,
    )
    assert pegs(made, "D2") == {"O1": 10}
    assert pegs(made, "D1")["O1"] == 2


# --- make to order -----------------------------------------------------------------
def test_make_to_order_uses_no_stock_and_orders_per_demand():
    made = planned(
        products=[{"product": "A", "make_to_order": True}],
        demands=[{}, {}],
        stock=[{"qty": 50}],
        supply_terms=[{"lead_time_days": 5, "moq": 15}],
    )
    assert quantities(made, "A") == [15, 15]


def test_make_to_order_orders_the_lines_of_one_demand_together():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        demands=[{}, {"due": day(30)}],
        routings=[{}],
        bom_lines=[{"component": "B"}, {"component": "B", "qty_per": 2}],
        supply_terms=[{"product": "B"}],
    )
    assert quantities(made, "B") == [30, 30]


def test_make_to_order_takes_the_order_that_exists_for_its_demand():
    made = planned(
        products=[{"product": "A", "make_to_order": True}],
        demands=[{}, {}],
        supply_orders=[{"demand": "D2"}],
        supply_terms=BUY,
    )
    assert pegs(made, "D2") == {"O1": 10}
    assert quantities(made, "A") == [10]


def test_a_make_to_order_component_of_a_shared_lot_is_ordered_per_demand():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        demands=[{"qty": 10}, {"qty": 6}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B"}],
    )
    assert quantities(made, "A") == [16]
    assert quantities(made, "B") == [6, 10]
    assert sorted(pegs(made, "D1", level=1).values()) == [10]


def test_coarse_steps_below_a_shared_lot_go_to_one_demand_each():
    made = planned(
        products=[
            {"product": "A"},
            {"product": "B", "make_to_order": True, "qty_step": 5},
        ],
        demands=[{"qty": 7}, {"qty": 3}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B"}],
    )
    assert quantities(made, "A") == [10]
    assert quantities(made, "B") == [5, 5]
    assert [list(pegs(made, name, level=1).values()) for name in ("D1", "D2")] == [
        [5],
        [5],
    ]


def test_a_step_that_is_mostly_of_one_demand_is_made_to_order_for_that_alone():
    made = planned(
        products=[
            {"product": "A"},
            {"product": "B", "make_to_order": True, "qty_step": 10},
        ],
        demands=[{"qty": 3}, {"qty": 7}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B"}],
    )
    assert quantities(made, "B") == [10]
    assert pegs(made, "D1", level=1) == {}
    assert list(pegs(made, "D2", level=1).values()) == [10]
