"""Which source supplies a need, and from when to when (rules 8, 9, 13, 18)."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.results.plans.lateness import verdicts
from tests import factories
from tests.api import plan, verify
from tests.factories import AS_OF
from tests.planners.small_plans import (
    KERNELS,
    PYTHON,
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    pegs,
    planned,
    quantities,
)

TWO_SUPPLIERS = {
    "suppliers": [{"supplier": "S"}, {"supplier": "T"}],
    "supply_terms": [{}, {"supplier": "T"}],
}


def sources(made):
    """Quantity by source of the new orders."""
    rows = made.supplies.select("source", "qty").rows()
    found = {}
    for source, qty in rows:
        found[source] = found.get(source, 0) + qty
    return found


# --- choice ------------------------------------------------------------------------
def test_what_a_routing_makes_elsewhere_is_made_there():
    made = planned(
        demands=[{"location": "W"}],
        routings=[{}],
        routing_outputs=[{"role": "main", "location": "W"}],
        locations=[{"location": "W"}],
    )
    assert sources(made) == {"R": 10}


def test_terms_for_every_place_are_not_those_of_customers():
    """Where a customer makes A, its parts come by the lane into it."""
    made = planned(
        demands=[{"location": "C"}],
        locations=[{"location": "C", "kind": "customer"}, {"location": "W"}],
        routings=[{"location": "C"}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "location": "*"}],
        stock=[{"product": "B", "location": "W", "qty": 10}],
        lanes=[{"lane": "W-C", "origin": "W", "destination": "C"}],
    )
    assert sources(made) == {"R": 10, "W-C": 10}


def test_where_the_last_routing_has_ended_goods_are_moved():
    made = planned(
        demands=[{}],
        stock=[{"location": "P", "qty": 10}],
        lanes=[{"lane": "P-L", "origin": "P", "destination": "L"}],
        routings=[{"valid_to": AS_OF}],
    )
    assert sources(made) == {"P-L": 10}


@pytest.mark.req("MRP-01")
def test_equal_preference_goes_by_id():
    assert sources(planned(demands=[{}], **TWO_SUPPLIERS)) == {"S": 10}


@pytest.mark.req("MRP-01")
def test_the_lower_preference_is_better():
    made = planned(
        demands=[{}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[{"preference": 2}, {"supplier": "T"}],
    )
    assert sources(made) == {"T": 10}


@pytest.mark.req("WO-07")
def test_routings_and_purchases_stand_on_one_scale():
    made = planned(
        demands=[{}], routings=[{"preference": 2}], supply_terms=[{"preference": 1}]
    )
    assert sources(made) == {"S": 10}


@pytest.mark.req("SUP-07")
def test_the_cheapest_source_goes_by_the_whole_order():
    made = planned(
        demands=[{"qty": 10}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"moq": 100, "unit_price": 1},
            {"supplier": "T", "unit_price": 5},
        ],
        inventory_policies=[{"source_rule": "cost"}],
    )
    assert sources(made) == {"T": 10}


@pytest.mark.req("SUP-07")
def test_the_earliest_source_goes_by_its_finish():
    made = planned(
        demands=[{}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[{"lead_time_days": 5}, {"supplier": "T", "lead_time_days": 4}],
        inventory_policies=[{"source_rule": "earliest"}],
    )
    assert sources(made) == {"T": 10}


def share(source, pct, **cells):
    return {"kind": "buy", "source": source, "share_pct": pct, **cells}


def test_shares_split_a_need_by_the_largest_remainder():
    made = planned(
        demands=[{"qty": 10}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", 34), share("T", 66)],
    )
    assert sources(made) == {"S": 3, "T": 7}


def test_shares_need_not_add_to_a_hundred():
    made = planned(
        demands=[{"qty": 30}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", 10), share("T", 20)],
    )
    assert sources(made) == {"S": 10, "T": 20}


def test_a_source_without_a_share_takes_nothing_while_shares_exist():
    made = planned(
        demands=[{"qty": 10}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", None, preference=0), share("T", 50)],
    )
    assert sources(made) == {"T": 10}


def test_lots_apply_per_source_after_the_shares():
    made = planned(
        demands=[{"qty": 10}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", 50, lot_multiple=4), share("T", 50)],
    )
    assert sources(made) == {"S": 8, "T": 5}


def test_shares_of_ended_sources_go_to_the_others():
    made = planned(
        demands=[{"qty": 10}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", 50, valid_to=day(5)), share("T", 50)],
    )
    assert sources(made) == {"T": 10}


def test_shares_that_are_not_valid_yet_still_serve_late():
    made = planned(
        demands=[{"qty": 10, "due": day(10)}],
        **TWO_SUPPLIERS,
        sourcing=[share("S", 50, valid_from=day(20))],
    )
    assert orders(made) == [("A", 10, 20, 25)]


def test_own_terms_hide_those_of_the_group():
    made = planned(
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
        demands=[{}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"product": "G", "preference": 0},
            {"supplier": "T", "lead_time_days": 3},
        ],
    )
    assert sources(made) == {"T": 10}


def test_terms_of_a_group_hold_for_its_members():
    made = planned(
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
        demands=[{}],
        supply_terms=[{"product": "G", "location": "*"}],
    )
    assert orders(made) == [("A", 10, 23, 28)]


# --- dates -------------------------------------------------------------------------
def test_a_source_that_ended_by_the_start_makes_the_order_earlier():
    made = planned(
        demands=[{"due": day(20)}],
        supply_terms=[{"lead_time_days": 5, "valid_to": day(10)}],
    )
    row = made.supplies.row(0, named=True)
    second = dt.timedelta(seconds=1)
    assert (row["start"], row["finish"]) == (day(10) - second, day(15) - second)


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_another_source_is_asked_before_an_order_is_moved(mode):
    """S ends long before the day from which seven days are enough: T is in time."""
    snapshot = factories.snapshot(
        demands=[{"due": day(20)}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"lead_time_days": 7, "valid_to": day(10)},
            {"lead_time_days": 7, "supplier": "T", "preference": 9},
        ],
    )
    made = plan(snapshot, mode, KERNELS)
    assert verify(made, snapshot) == []
    assert orders(made) == [("A", 10, 13, 20)]
    assert sources(made) == {"T": 10}


def test_a_source_that_has_ended_is_asked_early_before_another_is_late():
    """T needs 30 days: what S brings ten days too early is in time."""
    snapshot = factories.snapshot(
        demands=[{"due": day(20)}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        supply_terms=[
            {"lead_time_days": 5, "valid_to": day(5)},
            {"lead_time_days": 30, "supplier": "T", "preference": 0},
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert sources(made) == {"S": 10}


@pytest.mark.req("MRP-19")
def test_a_source_that_is_valid_later_makes_the_demand_late():
    made = planned(
        demands=[{"due": day(10)}],
        supply_terms=[{"lead_time_days": 5, "valid_from": day(8)}],
    )
    assert deliveries(made) == [(10, 13)]
    found = fulfilment(made)
    assert (found["status"], found["lateness_h"]) == ("late", 72)
    assert found["limiter"] == "LeadTime"
    assert made.causes.row(0, named=True)["subject"] == "S"


@pytest.mark.req("MRP-09")
def test_a_late_component_makes_its_order_and_the_demand_late():
    made = planned(
        demands=[{"due": day(10), "location": "W"}, {"due": day(40), "location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24}],
        routings=[{}],
        steps=[
            {"step": 1, "fixed_minutes": 1440},
            {"step": 2, "fixed_minutes": 720},
        ],
        bom_lines=[{"component": "B", "step": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 2, "valid_from": day(20)}],
    )
    # B is there on day 22, when step 2 takes it; half a day of work, a day of road.
    assert orders(made) == [
        ("A", 10, 21, 22.5),
        ("A", 10, 22.5, 23.5),
        ("A", 10, 37.5, 39),
        ("A", 10, 39, 40),
        ("B", 10, 20, 22),
        ("B", 10, 36.5, 38.5),
    ]
    assert deliveries(made, "D1") == [(10, 23.5)]
    assert made.causes.row(0, named=True)["subject"] == "S"
    assert fulfilment(made, "D2")["status"] == "on_time"


@pytest.mark.parametrize(("begin", "start"), [(21, 22), (30, 30)])
def test_an_order_moved_by_a_late_component_starts_while_its_source_is_valid(
    begin, start
):
    made = planned(
        demands=[{"due": day(10)}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        sourcing=[
            {"kind": "make", "source": "R", "valid_to": day(15)},
            {"kind": "make", "source": "R", "valid_from": day(begin)},
        ],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 2, "valid_from": day(20)}],
    )
    assert orders(made) == [("A", 10, start, start + 1), ("B", 10, 20, 22)]


def test_an_order_that_ends_before_its_component_comes_is_named():
    made = plan(
        factories.snapshot(
            demands=[{"due": day(10)}],
            routings=[{"valid_to": day(15)}],
            steps=[{"fixed_minutes": 1440}],
            bom_lines=[{"component": "B"}],
            supply_terms=[{"product": "B", "lead_time_days": 2, "valid_from": day(20)}],
        ),
        settings=PYTHON,
    )
    assert exceptions(made, "NoSource")[0]["product"] == "B"


def test_a_departure_is_waited_for_when_the_goods_are_late():
    made = planned(
        demands=[{"due": day(8), "location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24, "cutoff_h": 12}],
        departures=[{"weekday": 1, "time": dt.time(12)}],
        supply_terms=[{"lead_time_days": 2, "valid_from": day(6)}],
    )
    # Ready on day 8, Tuesday; the next Monday noon is day 14.5.
    move = made.supplies.filter(kind="move").row(0, named=True)
    assert days(move["departure"]) == 14.5
    assert deliveries(made) == [(10, 15.5)]


def test_goods_are_ready_by_the_cutoff_of_the_departure():
    made = planned(
        demands=[{"due": day(10), "location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24, "cutoff_h": 12}],
        departures=[{"weekday": 1, "time": dt.time(12)}],
        supply_terms=[{"lead_time_days": 2}],
    )
    assert orders(made) == [("A", 10, 5, 7), ("A", 10, 7.5, 8.5)]


def test_orders_start_before_now_when_they_must():
    made = planned(demands=[{"due": day(2)}], supply_terms=[{"lead_time_days": 5}])
    assert orders(made) == [("A", 10, -3, 2)]
    found = exceptions(made, "PastDueStart")[0]
    assert (found["hours"], found["suggested_date"]) == (72, day(0))


@pytest.mark.req("QA-05")
def test_a_demand_that_was_due_before_now_keeps_its_date():
    made = planned(demands=[{"due": day(-3)}], supply_terms=[{}])
    assert deliveries(made) == [(10, -3)]
    found = fulfilment(made)
    assert (found["status"], found["lateness_h"]) == ("late", 72.0)
    assert (found["past_due"], found["at_risk"]) == (True, False)
    cause = made.causes.row(0, named=True)
    assert (cause["code"], cause["subject"], cause["hours"]) == ("PastDue", "D1", 72.0)


def test_lead_days_count_in_the_calendar_of_the_supplier():
    made = planned(
        demands=[{"due": day(7)}],
        suppliers=[{"supplier": "S", "calendar": "CAL"}],
        calendars=[{}],
        shifts=[
            {"weekday": weekday, "start": dt.time(0), "finish": dt.time(0)}
            for weekday in range(1, 6)
        ],
        supply_terms=[{"lead_time_days": 5}],
    )
    assert orders(made)[0][2] == 0


# --- places ------------------------------------------------------------------------
def test_without_a_source_a_demand_keeps_its_date_on_paper_and_is_judged_short():
    made = planned(demands=[{}])
    found = fulfilment(made)
    assert (found["status"], found["planned"]) == ("on_time", 10)
    assert verdicts(made)["verdict"].to_list() == ["short"]
    assert found["limiter"] == "NoSource"
    assert exceptions(made, "NoSource")[0]["qty"] == 10


@pytest.mark.req("KPI-09")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_what_hangs_on_a_component_without_source_is_short_in_each_mode(mode):
    tables = factories.snapshot(
        demands=[{"due": day(20)}, {"due": day(30)}],
        routings=[{}],
        bom_lines=[{"component": "C"}],
        stock=[{"product": "C", "qty": 14}],
    )
    made = plan(tables, mode)
    assert verify(made, tables) == []
    assert verdicts(made).sort("due")["verdict"].to_list() == ["on_time", "short"]
    # Mode mrp plans the date on paper and lists what is missing.
    planned = made.fulfilment.sort("due")["planned"].to_list()
    assert planned == ([10, 10] if mode == "mrp" else [10, 4])


@pytest.mark.req("MRP-19")
def test_a_source_that_can_never_deliver_leaves_the_demand_unplanned():
    made = planned(
        demands=[{"location": "W", "ship_from": "M"}],
        locations=[{"location": "L"}, {"location": "M"}, {"location": "W"}],
        lanes=[{"lane": "T"}],
        supply_terms=[{}],
    )
    found = fulfilment(made)
    assert (found["status"], found["planned"]) == ("unplanned", 0)
    assert found["lateness_h"] is None


def test_ship_from_takes_the_one_lane_from_there():
    made = planned(
        demands=[{"location": "W", "ship_from": "M"}],
        lanes=[
            {"lane": "T"},
            {"lane": "U", "origin": "M", "preference": 5},
        ],
        supply_terms=[{}, {"location": "M"}],
    )
    assert made.supplies.filter(kind="move")["source"].to_list() == ["U"]


def test_ship_from_leaves_stock_elsewhere_alone():
    made = planned(
        demands=[{"location": "W", "ship_from": "L"}],
        lanes=[{"lane": "T"}],
        stock=[{"location": "W"}],
        supply_terms=[{}],
    )
    assert pegs(made, "D1").keys().isdisjoint({"A|W|"})


def test_ship_from_the_place_itself_is_no_limit():
    made = planned(
        demands=[{"location": "W", "ship_from": "W"}],
        lanes=[{"lane": "T"}],
        supply_terms=[{}],
    )
    assert fulfilment(made)["status"] == "on_time"
    assert quantities(made, "A") == [10, 10]


def test_ship_from_takes_a_receipt_that_comes_from_there():
    made = planned(
        demands=[{"location": "W", "ship_from": "L"}],
        lanes=[{"lane": "T"}, {"lane": "U", "origin": "M"}],
        supply_orders=[
            {"kind": "transfer", "location": "W", "source": "U", "due": day(5)},
            {"kind": "transfer", "location": "W", "source": "L", "due": day(6)},
            {"location": "W", "due": day(7)},
        ],
        supply_terms=[{}, {"location": "M"}],
    )
    assert pegs(made, "D1") == {"O2": 10}


def test_demands_with_other_ship_from_are_ordered_apart():
    made = planned(
        demands=[
            {"location": "W", "ship_from": "L"},
            {"location": "W", "ship_from": "M"},
            {"location": "W", "ship_from": "M"},
        ],
        lanes=[{"lane": "T"}, {"lane": "U", "origin": "M"}],
        supply_terms=[{}, {"location": "M"}],
    )
    moves = made.supplies.filter(kind="move").select("source", "qty").rows()
    assert sorted(moves) == [("T", 10), ("U", 20)]


# --- substitutes -------------------------------------------------------------------
def test_stock_of_a_substitute_goes_before_new_supply():
    made = planned(
        demands=[{"qty": 10}],
        substitutes=[{}],
        stock=[{"qty": 4}, {"product": "B", "qty": 3}],
        supply_terms=[{}],
    )
    assert pegs(made, "D1")["B|L|"] == 3
    assert quantities(made, "A") == [3]


def test_substitutes_go_by_priority():
    made = planned(
        demands=[{"qty": 10}],
        substitutes=[{"priority": 2}, {"substitute": "E", "priority": 1}],
        stock=[{"product": "B", "qty": 10}, {"product": "E", "qty": 10}],
        supply_terms=[{}],
    )
    assert pegs(made, "D1") == {"E|L|": 10}


def test_a_substitute_gives_whole_pieces_by_its_ratio():
    made = planned(
        demands=[{"qty": 10}],
        substitutes=[{"ratio": 2}],
        stock=[{"product": "B", "qty": 5}],
        supply_terms=[{}],
    )
    assert pegs(made, "D1")["B|L|"] == 4
    assert quantities(made, "A") == [8]
    assert fulfilment(made)["planned"] == 10


@pytest.mark.parametrize(("priority", "left"), [(1, 4), (2, 10)])
def test_more_important_demands_of_the_substitute_go_first(priority, left):
    made = planned(
        demands=[
            {"qty": 10, "priority": 1},
            {"product": "B", "qty": 6, "due": day(40), "priority": priority},
        ],
        substitutes=[{}],
        stock=[{"product": "B", "qty": 10}],
        supply_terms=[{}, {"product": "B"}],
    )
    assert pegs(made, "D1")["B|L|"] == left


def test_a_receipt_of_the_substitute_keeps_it_free_for_its_own_demands():
    made = planned(
        demands=[{"qty": 10}, {"product": "B", "qty": 6, "due": day(40)}],
        substitutes=[{}],
        stock=[{"product": "B", "qty": 10}],
        supply_orders=[{"product": "B", "qty": 6, "due": day(35)}],
        supply_terms=[{}, {"product": "B"}],
    )
    assert pegs(made, "D1") == {"B|L|": 10}


def test_a_substitute_outside_its_dates_serves_nothing():
    made = planned(
        demands=[{}],
        substitutes=[{"valid_to": day(28)}],
        stock=[{"product": "B"}],
        supply_terms=[{}],
    )
    assert quantities(made, "A") == [10]


def test_a_substitute_of_another_place_serves_nothing():
    made = planned(
        demands=[{}],
        substitutes=[{"location": "W"}],
        stock=[{"product": "B"}],
        supply_terms=[{}],
    )
    assert quantities(made, "A") == [10]


def test_lines_of_a_group_replace_each_other_by_stock():
    made = planned(
        demands=[{"qty": 10}],
        routings=[{}],
        bom_lines=[
            {"component": "B", "substitute_group": "g"},
            {
                "component": "E",
                "substitute_group": "g",
                "priority": 2,
                "qty_per": 2,
            },
        ],
        stock=[{"product": "B", "qty": 4}, {"product": "E", "qty": 7}],
        supply_terms=[{"product": "B"}, {"product": "E"}],
    )
    assert pegs(made, "D1", level=1)["B|L|"] == 4
    assert pegs(made, "D1", level=1)["E|L|"] == 6
    assert quantities(made, "B") == [3]
    assert quantities(made, "E") == []


def test_a_group_by_date_uses_the_line_that_holds():
    made = planned(
        demands=[{}, {"due": day(40)}],
        routings=[{}],
        bom_lines=[
            {"component": "B", "substitute_group": "g", "valid_to": day(30)},
            {"component": "E", "substitute_group": "g", "valid_from": day(30)},
        ],
        supply_terms=[{"product": "B"}, {"product": "E"}],
    )
    assert (quantities(made, "B"), quantities(made, "E")) == ([10], [10])


def test_a_line_outside_its_dates_needs_nothing():
    made = planned(
        demands=[{}],
        routings=[{}],
        bom_lines=[{"component": "B", "valid_to": day(28)}, {"component": "E"}],
        supply_terms=[{"product": "B"}, {"product": "E"}],
    )
    assert (quantities(made, "B"), quantities(made, "E")) == ([], [10])


def test_a_receipt_inside_a_poq_window_that_dies_serves_only_its_own_days():
    made = planned(
        products=[{"product": "A", "shelf_life_days": 3}],
        demands=[{"due": day(10)}, {"due": day(15)}],
        inventory_policies=[{"lot_rule": "poq", "cover_days": 10}],
        supply_terms=[{}],
    )
    assert orders(made) == [("A", 10, 5, 10), ("A", 10, 10, 15)]


def test_a_late_order_of_a_poq_window_serves_the_needs_it_joined():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(12)}],
        inventory_policies=[{"lot_rule": "poq", "cover_days": 10}],
        supply_terms=[{"valid_from": day(8)}],
    )
    assert orders(made) == [("A", 20, 8, 13)]
    assert fulfilment(made, "D2")["lateness_h"] == 24


def test_a_make_to_order_component_with_a_surplus_above_goes_with_the_last():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        demands=[{"qty": 10}, {"qty": 6}],
        routings=[{"min_lot": 20}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B"}],
    )
    assert sorted(quantities(made, "B")) == [10, 10]


def test_a_make_to_order_component_without_a_source_is_named():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        demands=[{"qty": 10}, {"qty": 6}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
    )
    assert exceptions(made, "NoSource")[0]["qty"] == 16
