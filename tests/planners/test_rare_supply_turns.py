"""Rare turns of netting: who stands behind supply, what moves later, what is taken."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from medhavi.findings import BadData
from medhavi.planners.mrp.netting_state.state import SupplyOrder
from medhavi.planners.mrp.postponement import postpone
from medhavi.planners.mrp.run import MrpRun
from medhavi.units import DAY, INT64_MAX, to_seconds
from tests import factories
from tests.api import MrpParameters, OrderTiming
from tests.planners.small_plans import (
    day,
    deliveries,
    orders,
    pegs,
    planned,
    quantities,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, Node, SupplyUnit


def _run(**given: Iterable[Mapping[str, object]]) -> MrpRun:
    run = MrpRun(factories.snapshot(**given), MrpParameters())
    run.build()
    return run


def _bought() -> tuple[OrderCreation, Node]:
    run = _run(supply_terms=[{}], demands=[{"qty": 100}])
    return run.release, run.model.node(("A", "L"))


def _order(
    release: OrderCreation,
    node: Node,
    qty: int,
    start: int = 0,
    *,
    sourced: bool = True,
) -> SupplyOrder:
    """Register an order that gives one unit a day after its start."""
    source = node.sources[0] if sourced else None
    timing = OrderTiming(start, start + DAY, start)
    made = SupplyOrder(
        len(release.orders),
        "buy",
        node.key,
        source,
        "S",
        qty,
        qty,
        timing,
        timing.finish,
        "D1",
        "lot_for_lot",
        0,
    )
    release.orders.append(made)
    release.unit(node, qty, timing.finish, timing.finish, "SUP", made)
    return made


def _take(
    release: OrderCreation, unit: SupplyUnit, taker: SupplyOrder, qty: int
) -> Need:
    need = release.need(unit.node, taker.timing.start, qty, 0, order=taker)
    release.match(need, unit)
    return need


def test_supply_kept_for_one_need_serves_no_other():
    release, node = _bought()
    unit = _order(release, node, 5).units[0]
    mine, other = release.need(node, 0, 5, 0), release.need(node, 0, 5, 0)
    unit.only_need = mine
    assert release.usable(unit, mine)
    assert not release.usable(unit, other)


def test_behind_a_hold_without_an_owner_is_no_demand():
    release, node = _bought()
    assert release.shares(release.need(node, 0, 5, 0)) == {}


def test_a_hold_that_takes_of_an_order_adds_no_demand_behind_it():
    release, node = _bought()
    upper = _order(release, node, 10)
    release.match(release.need(node, 0, 4, 0), upper.units[0])
    release.match(release.need(node, 0, 6, 0, demand=0), upper.units[0])
    lower = release.need(node, 0, 10, 0, order=upper)
    assert release.shares(lower) == {0: 6}


def test_an_order_reached_on_two_ways_is_counted_once():
    release, node = _bought()
    lowest, top, middle = (_order(release, node, 10) for _ in range(3))
    release.match(release.need(node, 0, 10, 0, demand=0), top.units[0])
    _take(release, lowest.units[0], top, 4)
    _take(release, lowest.units[0], middle, 6)
    _take(release, middle.units[0], top, 10)
    need = release.need(node, 0, 10, 0, order=lowest)
    assert release.shares(need) == {0: 10}


def test_a_need_beyond_64_bits_is_a_finding():
    release, node = _bought()
    with pytest.raises(BadData) as caught:
        release.need(node, 0, INT64_MAX + 1, 0)
    assert [found.code for found in caught.value.findings] == ["PLAN001"]


def test_what_is_taken_back_of_a_match_is_free_again():
    release, node = _bought()
    unit = _order(release, node, 10).units[0]
    untouched = _order(release, node, 3).units[0]
    third = release.need(node, 0, 3, 0)
    release.match(third, untouched)
    first, second = release.need(node, 0, 4, 0), release.need(node, 0, 6, 0)
    release.match(first, unit)
    release.match(second, unit)
    release.unmatch({1: 4, 2: 1})
    assert unit.free == 5
    assert unit.takers == [(second, 5)]
    assert (first.qty, second.qty) == (0, 5)
    assert untouched.takers == [(third, 3)]
    assert release.match_qty == [3, 0, 5]


def test_supply_without_an_order_is_named_by_its_product():
    release, node = _bought()
    unit = release.unit(node, 5, 0, 0, "INV")
    assert release.output_name(unit) == "A"


def test_an_order_that_takes_its_own_output_does_not_move_for_ever():
    release, node = _bought()
    start = release.as_of
    order = _order(release, node, 5, start)
    need = _take(release, order.units[0], order, 5)
    postpone(release, {})
    assert order.timing.start > start
    assert need.instant == order.timing.start
    assert release.shortages == []


def test_an_order_without_a_source_cannot_wait_for_its_component():
    release, node = _bought()
    slow = _order(release, node, 5, release.as_of + 9 * DAY)
    order = _order(release, node, 5, release.as_of, sourced=False)
    need = _take(release, slow.units[0], order, 5)
    late = postpone(release, {})
    assert order.timing.start == release.as_of
    assert order.waits_for == "S"
    assert [(s.need, s.qty) for s in late] == [(need, 5)]


def test_an_order_waits_past_closed_time_for_a_component_of_its_second_step():
    sold_from = day(3) + dt.timedelta(hours=16, minutes=6)
    made = planned(
        demands=[{"due": day(1.5)}],
        calendars=[{"calendar": "CAL"}],
        shifts=[
            {
                "calendar": "CAL",
                "weekday": n,
                "start": dt.time(6),
                "finish": dt.time(22),
            }
            for n in range(1, 8)
        ],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{}],
        steps=[
            {"step": 1, "sequence": 1, "fixed_minutes": 600},
            {"step": 2, "sequence": 2, "fixed_minutes": 60},
        ],
        step_resources=[
            {"step": 1, "resource": "M"},
            {"step": 2, "resource": "M"},
        ],
        bom_lines=[{"component": "B", "step": 2}],
        supply_terms=[
            {"product": "B", "lead_time_days": 0, "valid_from": sold_from},
        ],
    )
    # Begun at 06:00, the second step begins 6 minutes too early: 06:06 is the earliest.
    begun = made.supplies.filter(made.supplies["product"] == "A")["start"].item()
    assert begun == day(3) + dt.timedelta(hours=6, minutes=6)
    assert made.exceptions.is_empty()


def test_stock_of_a_customer_that_expires_leaves_our_stock_as_it_is():
    made = planned(
        products=[{"product": "A"}],
        customers=[{"customer": "C"}],
        stock=[
            {"qty": 5, "owner": "C", "lot": "X", "expires_at": day(4)},
            {"qty": 3},
        ],
        supply_terms=[{}],
        inventory_policies=[{"safety_qty": 2}],
        demands=[
            {"qty": 1, "due": day(2), "customer": "C"},
            {"qty": 2, "due": day(10)},
        ],
    )
    # One of our 3 is left, of 2 wanted; what the customer loses is not ours.
    assert quantities(made, "A") == [1]


def test_late_receipts_serve_in_sequence_and_the_rest_stay_free():
    made = planned(
        supply_orders=[
            {"qty": 4, "due": day(12)},
            {"qty": 4, "due": day(14)},
        ],
        demands=[{"qty": 4, "due": day(10)}],
    )
    assert pegs(made, "D1") == {"O1": 4}


def test_a_piece_of_a_substitute_too_small_to_count_is_no_delivery():
    made = planned(
        products=[{"product": "A"}, {"product": "B"}],
        substitutes=[{"product": "A", "substitute": "B", "ratio": 2}],
        stock=[
            {"product": "B", "qty": 1, "lot": "X"},
            {"product": "B", "qty": 1, "lot": "Y"},
        ],
        supply_terms=[{"product": "A"}],
        demands=[{"product": "A", "qty": 1, "due": day(10)}],
    )
    assert deliveries(made) == [(1, 10)]
    assert quantities(made, "A") == []


def test_a_component_that_dies_before_the_second_order_is_bought_twice():
    made = planned(
        products=[{"product": "A"}, {"product": "B", "shelf_life_days": 3}],
        routings=[{}],
        steps=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 1, "batch_window_days": 10}],
        demands=[{"qty": 2, "due": day(10)}, {"qty": 3, "due": day(15)}],
    )
    assert [finish for *_, finish in orders(made, "B")] == [10, 15]
    assert quantities(made, "B")[1] == 3


def test_a_late_receipt_made_for_nobody_is_passed_over():
    made = planned(
        products=[{"product": "A", "make_to_order": True}],
        supply_orders=[
            {"qty": 4, "due": day(12)},
            {"qty": 3, "due": day(14), "demand": "D1"},
        ],
        demands=[{"qty": 4, "due": day(10)}],
    )
    assert pegs(made, "D1") == {"O2": 3}


_SHARED_LOT: dict[str, list[dict[str, object]]] = {
    "products": [
        {"product": "A"},
        {"product": "B", "make_to_order": True},
        {"product": "C"},
    ],
    "routings": [{"batch_window_days": 10}, {"routing": "RB", "product": "B"}],
    "steps": [{}, {"routing": "RB"}],
    "bom_lines": [{"component": "B"}],
    "demands": [
        {"qty": 4, "due": day(10)},
        {"qty": 6, "due": day(12)},
        {"product": "C", "qty": 10, "due": day(20)},
    ],
}
"""One order of A serves two demands; its component is made for each of them."""


def test_what_comes_beside_a_component_made_to_order_is_for_all():
    made = planned(
        **_SHARED_LOT,
        routing_outputs=[
            {"routing": "RB", "product": "B", "role": "main"},
            {"routing": "RB", "product": "C", "role": "by", "qty_per": 1},
        ],
    )
    assert quantities(made, "A") == [10]
    assert sorted(quantities(made, "B")) == [4, 6]
    assert sorted(pegs(made, "D3").values()) == [4, 6]


def test_a_component_pegged_in_part_is_made_for_the_rest_only():
    made = planned(
        **_SHARED_LOT,
        stock=[{"product": "B", "qty": 6}],
        pegs=[
            {"demand": demand, "supply": "B|L|", "product": "B", "qty": qty}
            | {"firm": True}
            for demand, qty in (("D1", 4), ("D2", 2))
        ],
    )
    assert quantities(made, "A") == [10]
    assert quantities(made, "B") == [4]
    assert pegs(made, "D1", level=1) == {"B|L|": 4}
    assert pegs(made, "D2", level=1)["B|L|"] == 2


def test_a_demand_may_be_pegged_to_what_an_existing_order_gives_beside():
    made = planned(
        demands=[{"product": "B", "qty": 6, "due": day(30)}],
        routings=[{"routing": "RC", "product": "C"}],
        steps=[{"routing": "RC"}],
        routing_outputs=[
            {"routing": "RC", "product": "C", "role": "main"},
            {"routing": "RC", "product": "B", "role": "by", "qty_per": 1},
        ],
        stock=[{"product": "B", "qty": 10}],
        supply_orders=[
            {"kind": "work", "product": "C", "source": "RC", "due": day(20)},
        ],
        pegs=[
            {"demand": "D1", "supply": "O1|B", "product": "B", "qty": 6, "firm": True}
        ],
    )
    assert pegs(made, "D1") == {"O1|B": 6}


def test_a_by_product_whose_line_is_not_valid_yet_does_not_fall_out():
    made = planned(
        routings=[{}],
        steps=[{}],
        routing_outputs=[
            {"product": "A", "role": "main"},
            {"product": "B", "role": "by", "qty_per": 1, "valid_from": day(50)},
        ],
        supply_terms=[{"product": "B"}],
        demands=[
            {"product": "A", "qty": 4, "due": day(10)},
            {"product": "B", "qty": 4, "due": day(20)},
        ],
    )
    assert quantities(made, "A") == [4]
    assert quantities(made, "B") == [4]


@pytest.mark.parametrize("offset", [0, 60])
def test_a_component_of_which_nothing_is_used_is_not_needed(offset: int):
    made = planned(
        routings=[{}],
        steps=[{}],
        bom_lines=[{"component": "B", "qty_per": 0, "offset_minutes": offset}],
        supply_terms=[{"product": "B"}],
        demands=[{"qty": 4, "due": day(10)}],
    )
    assert orders(made, "B") == []
    assert quantities(made, "A") == [4]


def test_a_routing_that_ends_before_its_output_begins_leaves_the_need_to_the_next():
    made = planned(
        calendars=[{"calendar": "CAL"}],
        shifts=[{"weekday": weekday} for weekday in range(1, 6)],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[
            {"routing": "NEW", "preference": 1},
            {"routing": "OLD", "preference": 2},
        ],
        steps=[
            {"routing": "NEW", "fixed_minutes": 60},
            {"routing": "OLD", "fixed_minutes": 60},
        ],
        step_resources=[{"routing": "NEW"}, {"routing": "OLD"}],
        routing_outputs=[{"routing": "NEW", "role": "main", "valid_from": day(5)}],
        demands=[{"qty": 4, "due": day(5.5)}],
    )
    assert made.supplies["source"].to_list() == ["OLD"]


def test_what_falls_out_after_the_end_moves_with_an_order_that_waits():
    run = _run(
        products=[{"product": "A", "shelf_life_days": 9}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        routing_outputs=[
            {"product": "A", "role": "main", "anchor": "end", "offset_minutes": 120}
        ],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 0, "valid_from": day(9)}],
        demands=[{"qty": 4, "due": day(5)}],
    )
    run.net()
    order = next(one for one in run.release.orders if one.kind == "make")
    (unit,) = order.units
    assert order.timing.start == to_seconds(day(9))
    assert unit.arrives == order.timing.start + 3 * 60 * 60
    assert unit.expires - unit.arrives == 9 * DAY
