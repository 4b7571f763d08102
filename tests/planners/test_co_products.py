"""Orders that give several products (rules 4, 15, 23)."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api import plan
from tests.planners.small_plans import PYTHON, day, orders, pegs, planned, quantities

CO: list[dict[str, object]] = [
    {"role": "main"},
    {"product": "B", "role": "co", "qty_per": 0.5},
]
BY: list[dict[str, object]] = [
    {"role": "main"},
    {"product": "B", "role": "by", "qty_per": 0.5},
]
DAY_OF_WORK: dict[str, list[dict[str, object]]] = {
    "routings": [{}],
    "steps": [{"fixed_minutes": 1440}],
}


def test_a_need_for_a_co_product_starts_an_order():
    made = planned(
        demands=[{"product": "B", "qty": 5}], routing_outputs=CO, **DAY_OF_WORK
    )
    assert orders(made) == [("A", 10, 27, 28), ("B", 5, 27, 28)]
    assert made.supplies.filter(product="A")["order_qty"].to_list() == [10]
    assert made.supplies.filter(product="B")["order_qty"].to_list() == [None]


def test_one_order_serves_needs_of_both_in_time():
    made = planned(
        demands=[
            {"qty": 10, "due": day(10)},
            {"product": "B", "qty": 5, "due": day(12)},
        ],
        routing_outputs=CO,
        **DAY_OF_WORK,
    )
    assert quantities(made, "A") == [10]
    assert quantities(made, "B") == [5]


def test_a_later_order_does_not_serve_an_earlier_need_of_the_other():
    made = planned(
        demands=[
            {"qty": 10, "due": day(12)},
            {"product": "B", "qty": 5, "due": day(10)},
        ],
        routing_outputs=CO,
        **DAY_OF_WORK,
    )
    # The order for B on day 10 already gives the 10 of A.
    assert orders(made, "A") == [("A", 10, 9, 10)]
    assert sum(pegs(made, "D1").values()) == 10


def test_a_by_product_serves_but_never_starts_an_order():
    made = planned(
        demands=[
            {"qty": 10, "due": day(10)},
            {"product": "B", "qty": 8, "due": day(20)},
        ],
        routing_outputs=BY,
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        **DAY_OF_WORK,
    )
    assert quantities(made, "A") == [10]
    assert made.supplies.filter(kind="buy")["qty"].to_list() == [3]


def test_outputs_come_at_their_own_step():
    made = planned(
        demands=[
            {"qty": 10, "due": day(10)},
            {"product": "B", "qty": 5, "due": day(9.1)},
        ],
        routings=[{}],
        steps=[
            {"step": 1, "fixed_minutes": 1440, "move_minutes": 60},
            {"step": 2, "fixed_minutes": 1380},
        ],
        routing_outputs=[
            {"role": "main"},
            {"product": "B", "role": "by", "qty_per": 0.5, "step": 1},
        ],
        supply_terms=[{"product": "B"}],
    )
    # Step 1 ends on day 9 and moves for an hour, step 2 takes the 23 h that are left.
    assert orders(made, "A") == [("A", 10, 8, 10)]
    assert made.supplies.filter(kind="buy").is_empty()


def test_outputs_by_date_count_only_inside_their_dates():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(30)}],
        routing_outputs=[
            {"role": "main", "qty_per": 1, "valid_to": day(20)},
            {"role": "main", "qty_per": 2, "valid_from": day(20)},
        ],
        **DAY_OF_WORK,
    )
    assert made.supplies.sort("finish")["order_qty"].to_list() == [10, 5]
    assert quantities(made, "A") == [10, 10]


def test_the_latest_line_of_the_product_ends_the_order_valid_or_not():
    made = planned(
        demands=[{"due": day(10)}],
        routing_outputs=[
            {"role": "main", "valid_to": day(20)},
            {"role": "main", "offset_minutes": 60, "valid_from": day(20)},
        ],
        **DAY_OF_WORK,
    )
    assert orders(made) == [("A", 10, 8.958333, 10)]


def test_the_product_may_come_at_two_places():
    made = planned(
        demands=[{"qty": 30}, {"qty": 10, "location": "W"}],
        routing_outputs=[
            {"role": "main", "qty_per": 3},
            {"role": "main", "qty_per": 1, "location": "W"},
        ],
        **DAY_OF_WORK,
    )
    rows = made.supplies.sort("location").select("location", "qty", "order_qty")
    assert rows.rows() == [("L", 30, 10), ("W", 10, None)]


def test_a_line_of_the_product_itself_is_its_main_line_whatever_it_is_called():
    made = planned(
        demands=[{"qty": 10}],
        supply_orders=[{"kind": "work", "source": "R", "qty": 3, "due": day(5)}],
        routing_outputs=[{"role": "by", "qty_per": 2}],
        **DAY_OF_WORK,
    )
    assert made.supplies.filter(product="A")["qty"].sort().to_list() == [4, 6]


def test_a_fixed_output_takes_as_many_orders_as_are_needed():
    made = planned(
        demands=[{"qty": 25}],
        routing_outputs=[{"role": "main", "qty_per": 0, "qty_fixed": 10}],
        **DAY_OF_WORK,
    )
    assert quantities(made, "A") == [10, 10, 10]


def test_fixed_needs_do_not_grow_with_the_order():
    made = planned(
        demands=[{"qty": 30}],
        bom_lines=[{"component": "B", "qty_per": 2, "qty_fixed": 5, "scrap": 0.5}],
        supply_terms=[{"product": "B"}],
        **DAY_OF_WORK,
    )
    # (30 x 2 + 5) / (1 - 0.5)
    assert quantities(made, "B") == [130]


@pytest.mark.req("MRP-18")
def test_dependent_need_is_rounded_up_to_the_step_of_the_component():
    made = planned(
        demands=[{"qty": 3}],
        bom_lines=[{"component": "B", "qty_per": 0.5}],
        supply_terms=[{"product": "B"}],
        **DAY_OF_WORK,
    )
    assert quantities(made, "B") == [2]


def test_offsets_move_the_use_of_a_component():
    made = planned(
        demands=[{}],
        bom_lines=[
            {"component": "B", "offset_minutes": -720},
            {"component": "E", "anchor": "end"},
        ],
        supply_terms=[
            {"product": "B", "lead_time_days": 0},
            {"product": "E", "lead_time_days": 0},
        ],
        **DAY_OF_WORK,
    )
    assert orders(made, "B") == [("B", 10, 26.5, 26.5)]
    assert orders(made, "E") == [("E", 10, 28, 28)]


def test_components_are_taken_after_the_queue_of_the_first_step():
    made = planned(
        demands=[{}],
        routings=[{}],
        steps=[{"queue_minutes": 1440, "fixed_minutes": 1440, "move_minutes": 720}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 0}],
    )
    assert orders(made) == [("A", 10, 25.5, 28), ("B", 10, 26.5, 26.5)]


def test_a_co_product_lives_at_the_place_its_row_names():
    made = planned(
        demands=[{"product": "B", "qty": 5, "location": "W"}],
        routing_outputs=[CO[0], {**CO[1], "location": "W"}],
        locations=[{"location": "L"}, {"location": "W"}],
        **DAY_OF_WORK,
    )
    assert list(pegs(made, "D1").values()) == [5]


def test_a_co_product_at_two_places_has_two_ids():
    snapshot = factories.snapshot(
        demands=[{}],
        routing_outputs=[CO[0], CO[1], {**CO[1], "location": "W"}],
        locations=[{"location": "L"}, {"location": "W"}],
        **DAY_OF_WORK,
    )
    made = plan(snapshot, settings=PYTHON)
    order = made.supplies.filter(product="A")["id"].item()
    assert set(made.supplies["id"]) == {order, f"{order}|B", f"{order}|B|W"}


@pytest.mark.req("MRP-05")
def test_a_by_product_that_goes_back_in_may_be_held():
    made = planned(
        demands=[{"due": day(10)}, {"due": day(20)}],
        routing_outputs=BY,
        bom_lines=[{"component": "B"}],
        reservations=[{"subject": "B", "demand": "D2", "qty": 3}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        **DAY_OF_WORK,
    )
    # The first order leaves 5 of B for the second, which takes 5 more from outside.
    assert made.supplies.filter(kind="buy").sort("finish")["qty"].to_list() == [10, 5]


def test_a_by_product_that_goes_into_its_own_order_ends():
    made = planned(
        demands=[{}],
        routings=[{}],
        routing_outputs=BY,
        bom_lines=[{"component": "B", "qty_per": 0.5}],
        reservations=[{"subject": "B", "demand": "D1", "qty": 3}],
        supply_terms=[{"product": "B"}],
    )
    assert sum(pegs(made, "D1").values()) == 10
