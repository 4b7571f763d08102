"""Lots that die: no best plan uses one, whatever rounding postpones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.optimal_plans import best, sources
from tests.planners.small_plans import day, fulfilment

WEEKS = {"bucket": "7xday+1xweek", "late_days": 30}
LIVES = st.sampled_from([None, None, 1.0, 2.0, 5.0])


@st.composite
def dairies(draw: st.DrawFn) -> dict[str, list[dict[str, object]]]:
    """A, made from B and C, all of them perishable, with old stock and orders."""
    some = st.integers(1, 25)
    return {
        "products": [
            {"product": name, "shelf_life_days": draw(LIVES), "weight_kg": 1.0}
            for name in "ABC"
        ],
        "locations": [{"location": "L"}, {"location": "Q"}],
        "lanes": [
            {
                "lane": "LQ",
                "origin": "L",
                "destination": "Q",
                "duration_h": 6 * draw(st.integers(0, 8)),
            }
        ],
        "demands": [
            {
                "demand": f"D{number}",
                "product": "A",
                "location": draw(st.sampled_from(["L", "Q"])),
                "qty": draw(some),
                "due": day(draw(st.integers(-2, 20))),
                "priority": draw(st.integers(0, 9)),
                "min_shelf_days": draw(st.sampled_from([0.0, 0.0, 1.0])),
            }
            for number in range(draw(st.integers(1, 5)))
        ],
        "stock": [
            {
                "product": draw(st.sampled_from("ABC")),
                "location": "L",
                "lot": f"K{number}",
                "qty": draw(some),
                "expires_at": day(draw(st.integers(1, 10))),
            }
            for number in range(draw(st.integers(0, 5)))
        ],
        "routings": [{"routing": "R", "product": "A", "location": "L"}],
        "resources": [{"resource": "M"}],
        "steps": [
            {
                "routing": "R",
                "step": 1,
                "setup_minutes": draw(st.sampled_from([0, 30])),
                "run_minutes_per_unit": draw(st.sampled_from([10, 120])),
            }
        ],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "bom_lines": [
            {"routing": "R", "component": "B", "qty_per": 2},
            {"routing": "R", "component": "C", "qty_per": 1},
        ],
        "supply_terms": [
            {
                "product": name,
                "location": "L",
                "lead_time_days": draw(st.integers(0, 9)),
                "moq": draw(st.sampled_from([0, 15])),
            }
            for name in "BC"
        ],
        "supply_orders": [
            {
                "supply_order": f"O{number}",
                "kind": "purchase",
                "product": draw(st.sampled_from("BC")),
                "location": "L",
                "source": "S",
                "qty": draw(some),
                "status": draw(st.sampled_from(["released", "firmed"])),
                "due": day(draw(st.integers(1, 8))),
            }
            for number in range(draw(st.integers(0, 2)))
        ],
    }


@settings(
    max_examples=examples(2, 10),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(dairies())
def test_no_best_plan_uses_a_dead_lot(dairy):
    snapshot = factories.snapshot(**dairy)
    found = plan(snapshot, "optimize", WEEKS)
    assert verify(found, snapshot) == []


@pytest.mark.nightly
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dairies())
def test_no_best_plan_of_many_uses_a_dead_lot(dairy):
    snapshot = factories.snapshot(**dairy)
    found = plan(snapshot, "optimize", WEEKS)
    assert verify(found, snapshot) == []


def test_what_a_released_order_brings_is_counted_on_while_it_lives():
    # It comes on day 2 and lives a day; the demand is due on day 9.
    found = best(
        products=[{"product": "A", "shelf_life_days": 1.0}],
        demands=[
            {"demand": "D1", "product": "A", "location": "L", "qty": 5, "due": day(9)}
        ],
        supply_orders=[
            {
                "supply_order": "O1",
                "kind": "purchase",
                "product": "A",
                "location": "L",
                "source": "S",
                "qty": 5,
                "due": day(2),
            }
        ],
        supply_terms=[{"product": "A", "lead_time_days": 4, "unit_price": 1}],
    )
    assert sources(found) == {"S": 5}
    assert fulfilment(found)["status"] == "on_time"
    contributions = dict(found.contributions.select("part", "value").iter_rows())
    assert contributions["buying"] == pytest.approx(5)


def test_a_lot_whose_last_day_passes_before_the_demand_is_not_kept():
    found = best(
        demands=[
            {"demand": "D1", "product": "A", "location": "L", "qty": 5, "due": day(9)}
        ],
        stock=[
            {
                "product": "A",
                "location": "L",
                "lot": "K",
                "qty": 5,
                "expires_at": day(3),
            }
        ],
        supply_terms=[{"product": "A", "lead_time_days": 4, "unit_price": 1}],
    )
    contributions = dict(found.contributions.select("part", "value").iter_rows())
    assert contributions["buying"] == pytest.approx(5)


def test_what_is_left_of_a_lot_counts_for_the_level_of_safety():
    # It dies after the horizon of 365 days.
    found = best(
        demands=[
            {"demand": "D1", "product": "A", "location": "L", "qty": 2, "due": day(9)}
        ],
        stock=[
            {
                "product": "A",
                "location": "L",
                "lot": "K",
                "qty": 10,
                "expires_at": day(400),
            }
        ],
        supply_terms=[{"product": "A", "lead_time_days": 4, "unit_price": 1}],
        inventory_policies=[{"product": "A", "location": "L", "safety_qty": 8}],
    )
    assert sources(found) == {}
    contributions = dict(found.contributions.select("part", "value").iter_rows())
    assert contributions["safety stock"] == pytest.approx(0)


def test_a_demand_for_more_life_than_there_is_stays_unplanned():
    # A firmed order takes B, which comes on day 12 and lives a day; nothing that is
    # bought ever has the two days of life that the demand asks for.
    found = best(
        products=[{"product": "A"}, {"product": "B", "shelf_life_days": 1}],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 1}],
        demands=[
            {
                "demand": "D1",
                "product": "B",
                "location": "L",
                "qty": 10,
                "due": day(11),
                "min_shelf_days": 2,
            }
        ],
        supply_orders=[
            {
                "kind": "work",
                "product": "A",
                "source": "R",
                "qty": 10,
                "due": day(3),
                "status": "firmed",
            }
        ],
        supply_terms=[{"product": "B", "lead_time_days": 12, "unit_price": 1.0}],
    )
    assert fulfilment(found)["status"] == "unplanned"


def test_a_late_receipt_that_is_too_old_by_then_serves_nobody():
    # It lives from day 10 to 11, and delivered on day 10 it should live until 12.
    found = best(
        products=[{"product": "A", "shelf_life_days": 1.0}],
        demands=[
            {
                "demand": "D1",
                "product": "A",
                "location": "L",
                "qty": 5,
                "due": day(9),
                "min_shelf_days": 2,
            }
        ],
        supply_orders=[
            {
                "kind": "purchase",
                "product": "A",
                "source": "S",
                "qty": 5,
                "due": day(10),
            }
        ],
        suppliers=[{"supplier": "S"}],
    )
    assert fulfilment(found)["status"] == "unplanned"


def test_what_takes_a_component_that_is_sold_no_more_is_made_while_that_lives():
    # B can be bought until day 2 only and lives a day; A is due on day 12, and lasts.
    found = best(
        products=[{"product": "A"}, {"product": "B", "shelf_life_days": 1.0}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": 1, "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 1}],
        supply_terms=[{"product": "B", "lead_time_days": 1, "valid_to": day(2)}],
        demands=[
            {"demand": "D1", "product": "A", "location": "L", "qty": 4, "due": day(12)}
        ],
    )
    assert fulfilment(found)["status"] == "on_time"
    assert found.supplies.filter(product="A")["finish"].max() <= day(5)
