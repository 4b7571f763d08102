"""Snapshots that once gave a plan which the independent check refused, made small."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.planners.small_plans import (
    day,
    exceptions,
    fulfilment,
    orders,
    pegs,
    planned,
)

PLACES = [{"location": "L"}, {"location": "W"}]
HOUR = dt.timedelta(hours=1)
LANE = [{"lane": "T", "origin": "L", "destination": "W"}]


@pytest.mark.req("MRP-10")
def test_a_move_carries_its_own_product_and_no_substitute() -> None:
    made = planned(
        demands=[{"location": "W"}],
        lanes=LANE,
        substitutes=[{}],
        stock=[{"product": "B"}],
        supply_terms=[{}],
    )

    assert pegs(made, "D1", 1).keys().isdisjoint({"B|L|"})
    assert [row[:2] for row in orders(made, "A")] == [("A", 10.0), ("A", 10.0)]


def test_a_transfer_that_exists_dies_as_fast_as_if_made_when_it_left() -> None:
    made = planned(
        products=[{"product": "A", "shelf_life_days": 3.0}],
        demands=[{"due": day(9)}],
        supply_orders=[{"kind": "transfer", "start": day(6), "due": day(7)}],
        supply_terms=[{}],
    )

    late = planned(
        products=[{"product": "A", "shelf_life_days": 3.0}],
        demands=[{"due": day(10)}],
        supply_orders=[{"kind": "transfer", "start": day(6), "due": day(7)}],
        supply_terms=[{}],
    )
    assert "O1" in pegs(made, "D1")
    assert "O1" not in pegs(late, "D1")


def test_a_firm_peg_to_a_lot_that_is_dead_by_then_is_broken() -> None:
    made = planned(
        demands=[{}],
        stock=[{"expires_at": day(8)}],
        pegs=[{"supply": "A|L|"}],
        supply_terms=[{}],
    )

    assert "A|L|" not in pegs(made, "D1")
    assert [row["demand"] for row in exceptions(made, "FirmPegBroken")] == ["D1"]


def test_a_firm_peg_to_a_lot_of_another_customer_is_broken() -> None:
    made = planned(
        customers=[{"customer": "C1"}, {"customer": "C2"}],
        demands=[{"customer": "C2"}],
        stock=[{"owner": "C1"}],
        pegs=[{"supply": "A|L|"}],
    )

    assert fulfilment(made)["limiter"] == "NoSource"
    assert [row["demand"] for row in exceptions(made, "FirmPegBroken")] == ["D1"]


def test_a_hold_that_nothing_covers_takes_nothing_of_new_supply() -> None:
    planned(
        demands=[{"due": day(-2)}, {"due": day(20)}],
        reservations=[{}],
        supply_terms=[{}],
    )


def test_linked_steps_may_overlap_by_transfer_batches() -> None:
    made = planned(
        demands=[{}],
        routings=[{}],
        steps=[
            {"overlap_qty": 5.0, "run_minutes_per_unit": 1.0, "move_minutes": 3.0},
            {"step": 2, "run_minutes_per_unit": 7.5, "queue_minutes": 4.0},
        ],
        step_links=[{"lag_minutes": 20.0}],
    )

    begin = made.operations.sort("step")["start"]
    assert (begin[1] - begin[0]).total_seconds() == (5 + 3 + 20 + 4) * 60


def test_a_tool_that_is_only_held_does_not_set_the_pace() -> None:
    made = planned(
        demands=[{}],
        resources=[{"efficiency": 0.5}],
        routings=[{}],
        steps=[{"fixed_minutes": 30.0}, {"step": 2, "fixed_minutes": 30.0}],
        step_resources=[{"until_step": 2}],
    )

    assert made.operations.sort("step")["run_minutes"].to_list() == [60.0, 30.0]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"kind": "work", "source": "RB"}, "does not make it"),
        ({"kind": "transfer", "source": "T"}, "does not lead there"),
    ],
)
def test_an_order_that_names_a_source_of_other_goods_comes_from_outside(
    order: dict[str, str], reason: str
) -> None:
    made = planned(
        demands=[{}],
        routings=[{"routing": "RB", "product": "B"}],
        bom_lines=[{"routing": "RB", "component": "C"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "W"}],
        supply_orders=[order],
    )

    told = [found for found in made.findings if found.code == "SRC013"]
    assert [found.row for found in told] == [1]
    assert reason in str(told[0])
    assert fulfilment(made)["status"] == "on_time"


def test_a_work_order_for_what_falls_out_takes_components() -> None:
    made = planned(
        demands=[{"product": "Z"}],
        routings=[{}],
        bom_lines=[{}],
        routing_outputs=[{}, {"line": 2, "product": "Z", "role": "by"}],
        supply_orders=[{"kind": "work", "product": "Z", "source": "R"}],
        stock=[{"product": "B"}],
    )

    assert pegs(made, "D1") == {"O1": 10.0}
    assert "B|L|" in pegs(made, "D1", 1)
    assert [found.code for found in made.findings] == []


def test_steps_stated_after_the_due_date_leave_an_order_its_dates() -> None:
    made = planned(
        routings=[{}],
        steps=[{}, {"step": 2}],
        supply_orders=[{"kind": "work", "source": "R", "due": day(-1)}],
        supply_order_steps=[{"finish": day(1)}, {"step": 2, "status": "completed"}],
    )

    row = made.supplies.row(0, named=True)
    assert (row["start"], row["finish"]) == (day(-1), day(-1))


@pytest.mark.req("DEF-01")
def test_a_firm_peg_below_a_batch_stays_with_its_demand() -> None:
    made = planned(
        demands=[{"qty": 4, "due": day(20)}, {"qty": 6, "due": day(22)}],
        routings=[{"batch_window_days": 10.0}],
        bom_lines=[{}],
        stock=[{"product": "B", "qty": 6}],
        pegs=[{"demand": "D2", "supply": "B|L|", "product": "B", "qty": 6}],
        supply_terms=[{"product": "B"}],
    )

    assert pegs(made, "D2", 1) == {"B|L|": 6.0}
    assert exceptions(made, "FirmPegBroken") == []


def test_what_is_made_to_order_below_a_batch_leaves_out_who_is_served() -> None:
    made = planned(
        products=[{"product": "A"}, {"product": "B", "make_to_order": True}],
        demands=[{"qty": 4, "due": day(20)}, {"qty": 6, "due": day(22)}],
        routings=[{"batch_window_days": 10.0}],
        bom_lines=[{}],
        supply_orders=[{"product": "B", "qty": 4, "due": day(2), "demand": "D1"}],
        supply_terms=[{"product": "B"}],
    )

    assert pegs(made, "D1", 1) == {"O1": 4.0}
    assert [row[1] for row in orders(made, "B")] == [6.0]


def test_a_firm_peg_for_more_than_goes_into_a_demand_is_kept() -> None:
    made = planned(
        demands=[{"qty": 6}],
        routings=[{}],
        bom_lines=[{"qty_per": 0.5}],
        stock=[{"product": "B", "qty": 6}],
        pegs=[{"supply": "B|L|", "product": "B", "qty": 6}],
    )

    assert pegs(made, "D1", 1) == {"B|L|": 3.0}


def test_an_order_that_exists_waits_for_what_cannot_come_in_time() -> None:
    made = planned(
        lanes=LANE,
        supply_orders=[{"kind": "transfer", "location": "W", "source": "T"}],
        supply_terms=[{"valid_from": day(4), "lead_time_days": 5}],
    )

    told = exceptions(made, "AwaitsComponent")
    assert [(row["supply"], row["qty"], row["date"]) for row in told] == [
        ("O1", 10.0, day(6))
    ]
    assert told[0]["suggested_date"] == day(9)


def test_a_hold_of_what_is_always_there_binds_nobody() -> None:
    planned(
        demands=[{}],
        reservations=[{}],
        inventory_policies=[{"unlimited": True}],
    )


def test_a_lot_that_dies_while_its_order_waits_is_made_anew() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 25, "due": day(-3)}],
        lanes=LANE,
        routings=[{"valid_from": day(3)}],
        steps=[{"fixed_minutes": 1440.0}],
        stock=[{"expires_at": day(2)}],
    )

    assert "A|L|" not in pegs(made, "D1", 1)
    assert sum(row[1] for row in orders(made, "A") if row[2] == 3.0) == 25.0
    assert exceptions(made, "NoSource") == []


def test_a_substitute_is_delivered_and_does_not_go_into_other_products() -> None:
    made = planned(
        demands=[{}],
        routings=[{}],
        bom_lines=[{}],
        substitutes=[{"product": "B", "substitute": "E"}],
        stock=[{"product": "E"}],
        supply_terms=[{"product": "B"}],
    )

    assert pegs(made, "D1", 1).keys().isdisjoint({"E|L|"})


def test_a_substitute_that_comes_in_larger_steps_is_given_in_whole_ones() -> None:
    made = planned(
        products=[{"product": "A"}, {"product": "B", "qty_step": 5.0}],
        demands=[{"qty": 21}],
        substitutes=[{}],
        stock=[{"product": "B", "qty": 40}],
    )

    assert pegs(made, "D1") == {"B|L|": 25.0}
    assert fulfilment(made)["planned"] == 21.0


def test_what_a_place_and_all_places_say_of_a_substitute_both_hold() -> None:
    made = planned(
        demands=[{"qty": 6}],
        substitutes=[
            {"ratio": 3.0, "priority": 1},
            {"ratio": 1.0, "priority": 2, "location": "L"},
        ],
        stock=[{"product": "B", "qty": 8}],
        supply_terms=[{}],
    )

    # Six B for two A, two B for two more; two A are bought.
    assert pegs(made, "D1")["B|L|"] == 8.0
    assert [row[1] for row in orders(made, "A")] == [2.0]


def test_a_firm_peg_goes_before_a_hold_of_the_same_lot() -> None:
    made = planned(
        demands=[{}],
        stock=[{}],
        pegs=[{"supply": "A|L|"}],
        reservations=[{}],
    )

    assert pegs(made, "D1") == {"A|L|": 10.0}


def test_stock_below_zero_waits_for_a_source_that_is_valid_later() -> None:
    made = planned(
        stock=[{"qty": -6}], supply_terms=[{"valid_from": day(7), "lead_time_days": 5}]
    )

    told = exceptions(made, "AwaitsComponent")
    assert [(row["supply"], row["qty"]) for row in told] == [(None, 6.0)]
    assert told[0]["suggested_date"] == day(12)


def test_a_step_may_use_the_tool_that_it_holds() -> None:
    made = planned(
        demands=[{}],
        resources=[{}],
        routings=[{}],
        steps=[{"fixed_minutes": 30.0}, {"step": 2, "fixed_minutes": 30.0}],
        step_resources=[{"until_step": 2}, {"step": 2}],
    )

    assert set(made.operations["run_minutes"]) == {30.0}


def test_of_two_firm_pegs_for_more_than_is_needed_one_is_enough() -> None:
    made = planned(
        demands=[{}],
        stock=[{"lot": "L0"}, {"lot": "L1"}],
        pegs=[{"supply": "A|L|L0"}, {"supply": "A|L|L1"}],
    )

    assert sum(pegs(made, "D1").values()) == 10.0


def test_a_hold_of_nobody_does_not_hold_what_belongs_to_a_customer() -> None:
    made = planned(
        demands=[{"product": "P", "customer": "C1"}],
        routings=[{"routing": "R", "product": "P"}],
        bom_lines=[{"routing": "R", "component": "A"}],
        stock=[{"product": "A", "owner": "C1", "qty": 10}],
        reservations=[{"subject": "A", "location": "L"}],
    )
    assert [row["source"] for row in made.pegging.to_dicts() if row["level"] == 1] == [
        "INV"
    ]


def test_stock_of_a_customer_fills_no_safety_stock_of_ours() -> None:
    made = planned(
        demands=[{"customer": "C1", "location": "CUST"}],
        inventory_policies=[{"location": "WH", "safety_qty": 17.0}],
        lanes=[
            {"origin": "PLANT", "destination": "WH"},
            {"origin": "WH", "destination": "CUST"},
        ],
        stock=[{"location": "PLANT", "owner": "C1", "qty": 57.0}],
    )
    assert sum(row["qty"] for row in exceptions(made, "NoSource")) == 17.0


# --- recipes that change while their order waits -----------------------------------
PHASED: list[dict[str, object]] = [
    {"component": "B"},
    {"line": 2, "component": "C", "valid_to": day(3)},
]


@pytest.mark.req("MRP-03")
def test_an_order_that_waits_past_the_end_of_a_line_takes_it_no_more() -> None:
    made = planned(
        demands=[{"due": day(-4)}],
        routings=[{}, {"routing": "RB", "product": "B", "valid_from": day(6)}],
        bom_lines=PHASED,
        stock=[{"product": "C"}],
    )

    assert pegs(made, "D1", 1).keys().isdisjoint({"C|L|"})
    assert orders(made, "A") == [("A", 10.0, 6.0, 6.0)]


def test_an_order_that_waits_past_the_beginning_of_a_line_takes_it() -> None:
    made = planned(
        demands=[{"due": day(-4)}],
        routings=[{}, {"routing": "RB", "product": "B", "valid_from": day(6)}],
        bom_lines=[*PHASED, {"line": 3, "component": "E", "valid_from": day(3)}],
        stock=[{"product": "C"}],
        supply_terms=[
            {"product": "E", "lead_time_days": 2, "valid_from": day(7)},
        ],
    )

    assert orders(made, "E") == [("E", 10.0, 7.0, 9.0)]
    assert orders(made, "A") == [("A", 10.0, 9.0, 9.0)]
    assert pegs(made, "D1", 1).keys().isdisjoint({"C|L|"})


def test_an_order_waits_for_a_component_only_while_it_needs_it() -> None:
    made = planned(
        demands=[{"due": day(2)}],
        routings=[{}],
        bom_lines=PHASED,
        stock=[{"product": "B"}],
        supply_terms=[{"product": "C", "valid_from": day(9)}],
    )

    assert orders(made) == [("A", 10.0, 3.0, 3.0)]


# --- existing goods ----------------------------------------------------------------
def test_an_order_made_for_a_demand_is_brought_forward_to_its_first_use() -> None:
    made = planned(
        demands=[{"location": "W", "due": day(11)}],
        lanes=LANE,
        inventory_policies=[{"location": "W", "safety_qty": 7.0}],
        supply_orders=[{"due": day(14), "demand": "D1"}],
        supply_terms=[{}],
    )

    told = exceptions(made, "BringForward")
    assert [row["suggested_date"] for row in told] == [day(0)]


def test_stock_below_zero_beside_a_dead_lot_is_missing_once() -> None:
    made = planned(stock=[{"expires_at": day(-1)}, {"lot": "L1", "qty": -5.0}])

    assert [row["qty"] for row in exceptions(made, "NoSource")] == [5.0]


def test_a_transfer_that_should_have_left_waits_beside_a_dead_lot() -> None:
    made = planned(
        lanes=LANE,
        supply_terms=[{"valid_from": day(7)}],
        stock=[{"expires_at": day(-1)}],
        supply_orders=[
            {"kind": "transfer", "location": "W", "source": "T", "start": day(-0.25)}
        ],
    )

    assert [row["qty"] for row in exceptions(made, "AwaitsComponent")] == [10.0]


def test_no_substitute_makes_up_stock_below_zero() -> None:
    made = planned(stock=[{"qty": -5.0}, {"product": "B"}], substitutes=[{}])

    assert [row["product"] for row in exceptions(made, "NoSource")] == ["A"]


def test_a_firm_peg_and_a_hold_of_one_demand_both_come_before_other_holds() -> None:
    made = planned(
        demands=[{"location": "W", "qty": 30.0}],
        lanes=LANE,
        stock=[{"qty": 45.0}],
        pegs=[{"supply": "A|L|"}],
        reservations=[{"demand": "D1"}, {"qty": 45.0}],
    )

    assert sum(pegs(made, "D1", 1).values()) == 20.0


def test_a_tool_that_another_of_its_group_relieves_does_not_set_the_pace() -> None:
    made = planned(
        demands=[{}],
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{}],
        steps=[{}, {"step": 2, "run_minutes_per_unit": 6.0}],
        step_resources=[
            {"resource": "N", "until_step": 2},
            {"step": 2, "resource": "M", "choice": "c", "speed": 2.0},
            {"step": 2, "resource": "N", "choice": "c"},
        ],
    )

    assert made.operations.filter(step=2)["run_minutes"].to_list() == [30.0, 30.0]


def test_what_a_peg_brings_is_not_taken_of_a_customers_own_lot_again() -> None:
    planned(
        customers=[{"customer": "C"}],
        demands=[{"location": "W", "customer": "C"}],
        lanes=LANE,
        inventory_policies=[
            {"location": "W", "lot_rule": "min_max", "min_qty": 10.0, "max_qty": 60.0}
        ],
        stock=[{}, {"lot": "L1", "owner": "C"}],
        pegs=[{"supply": "A|L|"}],
    )


def test_what_is_open_of_an_order_comes_in_whole_steps() -> None:
    made = planned(
        products=[{"product": "A", "qty_step": 5.0}],
        supply_orders=[{"qty": 40.0, "qty_done": 16.0}],
    )

    assert made.supplies["qty"].to_list() == [20.0]


def test_a_routing_serves_what_falls_out_though_its_main_product_is_bought() -> None:
    made = planned(
        demands=[{"product": "Z"}],
        routings=[{}],
        routing_outputs=[{}, {"line": 2, "product": "Z", "role": "co"}],
        supply_terms=[{}],
        sourcing=[{"kind": "buy", "source": "S"}],
    )

    assert fulfilment(made)["status"] == "on_time"


def test_an_order_of_a_routing_that_is_no_source_any_more_takes_rivals() -> None:
    made = planned(
        routings=[{}],
        bom_lines=[
            {"substitute_group": "g"},
            {"line": 2, "component": "C", "substitute_group": "g"},
        ],
        sourcing=[{"kind": "buy", "source": "S"}],
        supply_terms=[{}, {"product": "B"}],
        supply_orders=[{"kind": "work", "source": "R"}],
        stock=[{"product": "C"}],
    )

    assert orders(made, "B") == []


def test_rivals_of_an_order_may_be_made_of_each_other() -> None:
    made = planned(
        routings=[{}, {"routing": "RB", "product": "B"}],
        bom_lines=[
            {"substitute_group": "g"},
            {"line": 2, "component": "C", "substitute_group": "g"},
            {"routing": "RB", "component": "C"},
        ],
        sourcing=[{"kind": "buy", "source": "S"}],
        supply_terms=[{}, {"product": "C"}],
        supply_orders=[{"kind": "work", "source": "R"}],
    )

    assert [row[0] for row in orders(made)] == ["B", "C"]


# --- tools that stay with an order -------------------------------------------------
TWO_STEPS = [
    {"fixed_minutes": 60.0},
    {"step": 2, "fixed_minutes": 60.0},
]


@pytest.mark.parametrize(
    ("window", "resources"),
    [
        ({"valid_to": day(2)}, [None, None]),
        ({"valid_from": day(20) - HOUR}, [None, "M"]),
        ({"valid_from": day(2)}, ["M", "M"]),
    ],
)
def test_a_step_has_the_tool_that_stays_while_its_own_start_is_in_the_window(
    window: dict[str, object], resources: list[str | None]
) -> None:
    made = planned(
        demands=[{"due": day(20)}],
        resources=[{}],
        routings=[{}],
        steps=TWO_STEPS,
        step_resources=[{"until_step": 2, **window}],
    )

    named = [name or None for name in made.operations.sort("step")["resource"]]
    assert named == resources


def test_a_tool_that_is_held_sets_no_pace_before_the_step_needs_it_itself() -> None:
    made = planned(
        demands=[{"due": day(2)}],
        resources=[{"efficiency": 0.5}],
        routings=[{}],
        steps=TWO_STEPS,
        step_resources=[{"until_step": 2}, {"step": 2, "valid_from": day(13)}],
    )

    assert made.operations.sort("step")["run_minutes"].to_list() == [120.0, 60.0]


def test_of_tools_that_all_stay_with_the_order_one_of_their_group_works() -> None:
    made = planned(
        demands=[{}],
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{}],
        steps=[{}, {"step": 2, "run_minutes_per_unit": 6.0}],
        step_resources=[
            {"resource": "M", "until_step": 2},
            {"resource": "N", "until_step": 2},
            {"step": 2, "resource": "M", "choice": "c", "speed": 2.0},
            {"step": 2, "resource": "N", "choice": "c"},
        ],
    )

    assert made.operations.filter(step=2)["run_minutes"].to_list() == [30.0, 30.0]


def test_the_first_step_takes_though_one_beside_it_begins_before() -> None:
    made = planned(
        demands=[{"due": day(10)}],
        routings=[{"routing": "R"}],
        steps=[
            {"routing": "R"},
            {"routing": "R", "step": 2, "fixed_minutes": 60},
            {"routing": "R", "step": 3, "fixed_minutes": 450},
        ],
        step_links=[{"routing": "R", "step": 2, "after": 1}],
        bom_lines=[{"routing": "R", "anchor": "end"}],
    )

    assert [row["date"] for row in exceptions(made, "NoSource")] == [day(10) - HOUR]


def test_an_owners_stock_goes_to_the_pieces_that_its_demand_has() -> None:
    made = planned(
        locations=PLACES,
        customers=[{"customer": "C1"}],
        demands=[{"customer": "C1", "location": "W", "qty": 17.0}],
        lanes=LANE,
        inventory_policies=[{"location": "W", "safety_qty": 4.0}],
        routings=[{}, {"routing": "RB", "product": "B", "max_lot": 15.0}],
        bom_lines=[{"component": "B"}, {"routing": "RB", "component": "C"}],
        stock=[{"product": "C", "qty": 50.0, "owner": "C1"}],
    )

    # B comes in pieces of 15 and 6; the customer's 17 are 15 of one, 2 of the other.
    own = made.pegging.filter((pl.col("level") == 3) & (pl.col("supply") == "C|L|"))
    assert own["qty"].sum() == 17.0


def test_missing_bookings_beside_stock_of_a_customer_are_checked() -> None:
    """All of ours is missing, and a customer's own lot serves him."""
    made = planned(
        products=[{"product": "A"}, {"product": "B"}],
        customers=[{"customer": "C1"}],
        stock=[
            {"product": "B", "lot": "L0", "qty": 15, "owner": "C1"},
            {"product": "B", "lot": "L1", "qty": -15},
            {"product": "A", "lot": "L0", "qty": -40},
        ],
        demands=[{"product": "B", "customer": "C1", "qty": 5, "due": day(3)}],
    )
    assert fulfilment(made)["status"] == "on_time"
