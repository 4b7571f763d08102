"""Small snapshots whose plan of mode optimize could not be carried out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day, deliveries, exceptions, fulfilment, orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan

LANE = [{"lane": "T", "origin": "L", "destination": "W", "duration_h": 24}]


def best(**given: Iterable[Mapping[str, object]]) -> Plan:
    """Plan partial rows in mode optimize; nothing may be wrong with the plan."""
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, "optimize")
    assert verify(made, snapshot) == []
    return made


def test_what_is_held_for_who_never_needs_it_makes_nobody_later_than_accepted() -> None:
    made = best(
        demands=[
            {"product": "B", "due": day(9)},
            {"location": "W", "due": day(-1), "max_lateness_days": 2},
        ],
        lanes=LANE,
        stock=[{}],
        reservations=[{"demand": "D1"}],
        supply_terms=[{}],
    )
    assert fulfilment(made, "D2")["status"] == "unplanned"
    assert orders(made, "A") == []


def test_what_is_there_in_time_by_all_rules_is_not_short() -> None:
    made = best(
        products=[{"product": "A", "make_to_order": True}],
        demands=[{"location": "Q", "due": day(27), "max_lateness_days": 2}],
        lanes=[*LANE, {"lane": "U", "origin": "W", "destination": "Q"}],
        routings=[{}],
        steps=[{"queue_minutes": 60}],
        bom_lines=[{}],
        stock=[{}],
        supply_orders=[{"product": "B", "due": day(14)}],
        supply_terms=[{"product": "B"}],
    )
    assert deliveries(made) == [(10, 27)]


def test_a_transfer_keeps_its_quantity_though_nothing_is_there_to_move() -> None:
    made = best(
        lanes=LANE,
        supply_orders=[
            {"kind": "transfer", "location": "W", "status": "firmed", "source": "T"}
        ],
    )
    told = exceptions(made, "MissingMaterial")
    assert [(row["supply"], row["qty"]) for row in told] == [("O1", 10.0)]


def test_a_new_order_waits_for_the_receipt_that_is_made_for_its_demand() -> None:
    made = best(
        demands=[{"location": "W", "due": day(19)}],
        lanes=LANE,
        routings=[{}],
        steps=[{"queue_minutes": 60}],
        bom_lines=[{}],
        supply_orders=[{"product": "B", "due": day(18), "demand": "D1"}],
        supply_terms=[{"product": "B"}],
    )
    assert min(finish for _, _, _, finish in orders(made, "A") if finish) >= 18
