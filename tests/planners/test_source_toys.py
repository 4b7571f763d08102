"""Toy companies of the source: what mode optimize decides whole, tables to plan."""

from __future__ import annotations

import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.planners.optimal_plans import best, sources
from tests.planners.small_plans import day, deliveries, fulfilment, orders, pegs

Rows = dict[str, list[dict[str, object]]]


def wanted(name: str, qty: float, due: float, **more: object) -> dict[str, object]:
    """A demand of A."""
    return {"demand": name, "product": "A", "qty": qty, "due": day(due), **more}


# --- lots ----------------------------------------------------------------------------
@pytest.mark.req("OMC-7.9.1", "QA-01")
@pytest.mark.parametrize(("short", "ordered"), [(1.0, 0.0), (1000.0, 100.0)])
def test_50_of_a_least_order_of_100_are_none_or_100(short, ordered):
    """100 of 1 each cost more than 50 that are short at 1, and less than at 1,000."""
    found = best(
        demands=[wanted("D1", 50, 20, short_cost=short)],
        supply_terms=[
            {"product": "A", "lead_time_days": 2, "unit_price": 1, "moq": 100}
        ],
    )
    assert sum(sources(found).values()) == ordered
    assert fulfilment(found)["planned"] == min(ordered, 50)


@pytest.mark.req("OMC-7.8.3", "QA-01")
def test_what_leaves_with_a_lead_of_two_days_arrives_two_days_later():
    found = best(
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L", "duration_h": 48.0}],
        stock=[{"product": "A", "location": "W", "qty": 10}],
        demands=[wanted("D1", 10, 3)],
    )
    assert orders(found) == [("A", 10, 1, 3)]
    assert deliveries(found) == [(10, 3)]


@pytest.mark.req("PEG-02", "OMC-7.12.4")
@pytest.mark.parametrize("setup", [0.0, 60.0])
def test_what_is_made_to_order_has_an_order_for_each_demand(setup):
    """One order of A for all three would save 200, and one of B another 160."""
    rows: Rows = {
        "products": [
            {"product": name, "unit_cost": 1.0, "make_to_order": True} for name in "AB"
        ],
        "demands": [wanted(f"D{n}", 10, 4 + n) for n in range(3)],
        "routings": [
            {"routing": "RA", "product": "A", "fixed_cost": 100.0},
            {"routing": "RB", "product": "B", "fixed_cost": 80.0},
        ],
        "bom_lines": [{"routing": "RA", "component": "B"}],
        "steps": [{"routing": "RA", "setup_minutes": setup}],
        "step_resources": [{"routing": "RA", "resource": "M"}],
    }
    made = best(**rows)
    assert [qty for _, qty, _, _ in orders(made)] == [10] * 6
    card = scorecard(made, factories.snapshot(**rows))
    assert card.production == pytest.approx(3 * 180)


# --- campaigns -----------------------------------------------------------------------
@pytest.mark.req("OMC-7.7.6", "DEF-08")
@pytest.mark.parametrize(("days", "runs"), [(3, 1), (4, 2)])
def test_a_campaign_of_three_days_at_most_is_cut_by_a_cleaning(days, runs):
    found = best(
        demands=[wanted("D1", 24.0 * days, 20)],
        routings=[{"routing": "R", "product": "A", "max_lot": 24.0}],
        steps=[{"routing": "R", "family": "FA", "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        campaign_rules=[
            {"resource": "M", "family": "FA", "max_run_minutes": 3 * 1440.0}
            | {"cleaning_minutes": 60.0}
        ],
    )
    assert fulfilment(found)["planned"] == 24 * days
    assert found.supplies["campaign"].n_unique() == runs


@pytest.mark.req("OMC-7.7.5", "QA-01")
@pytest.mark.parametrize(("qty", "made"), [(50, 0.0), (100, 100.0)])
def test_a_run_of_100_at_least_is_none_or_100(qty, made):
    found = best(
        demands=[wanted("D1", qty, 20)],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "family": "FA", "run_minutes_per_unit": 1}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        campaign_rules=[{"resource": "M", "family": "FA", "min_run_qty": 100.0}],
    )
    assert sum(sources(found).values()) == made


@pytest.mark.req("OMO-05", "OMC-7.7.3", "CMP-07")
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.nightly
def test_families_that_change_in_turn_run_together_where_that_costs_less(share):
    """A B A B by their dates is three changes at 100, A A B B one; stock is cheap."""
    rows: Rows = {
        "products": [{"product": name, "unit_cost": 1.0} for name in "AB"],
        "demands": [
            {**wanted(f"D{n}", 10, 3 + 2 * n), "product": "AB"[n % 2]} for n in range(4)
        ],
        "routings": [{"routing": f"R{name}", "product": name} for name in "AB"],
        "steps": [
            {"routing": f"R{name}", "family": name, "run_minutes_per_unit": 60}
            for name in "AB"
        ],
        "step_resources": [{"routing": f"R{name}", "resource": "M"} for name in "AB"],
        "resources": [{"resource": "M", "changeover_matrix": "X"}],
        "changeovers": [{"setup_minutes": 60, "cost": 100.0}],
    }
    made = best({"campaigns_share": share}, **rows)
    changes = 3 if share == 1 else 1
    card = scorecard(made, factories.snapshot(**rows))
    assert card.production == changes * 100
    assert card.total == pytest.approx(changes * 100, abs=0.1)
    assert card.lateness == 0


# --- one or the other ----------------------------------------------------------------
@pytest.mark.req("OMC-7.4.3", "DEF-05", "OMV-03")
def test_of_two_routings_exactly_one_makes_an_order():
    rows: Rows = {
        "demands": [wanted("D1", 30, 20)],
        "routings": [
            {"routing": "R1", "product": "A", "fixed_cost": 10.0, "cost_per_unit": 2.0},
            {"routing": "R2", "product": "A", "fixed_cost": 20.0, "cost_per_unit": 1.0},
        ],
    }
    found = best(**rows)
    assert sources(found) == {"R2": 30}
    assert scorecard(found, factories.snapshot(**rows)).total == pytest.approx(50)
    stocked = best(**rows, stock=[{"product": "A", "location": "L", "qty": 30}])
    assert sources(stocked) == {}
    assert fulfilment(stocked)["status"] == "on_time"


@pytest.mark.req("OMC-7.1.5", "DEF-15", "OMV-01")
def test_an_impossible_order_is_rejected_and_the_others_are_planned():
    """A line that nothing can make keeps the other lines of its order back."""
    together = {"sales_order": "SO", "order_policy": "all_together"}
    found = best(
        demands=[
            wanted("D1", 5, 10, **together),
            {**wanted("D2", 5, 10, **together), "product": "B"},
            wanted("D3", 5, 10),
        ],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 1}],
    )
    assert [fulfilment(found, name)["status"] for name in ("D1", "D2", "D3")] == [
        "unplanned",
        "unplanned",
        "on_time",
    ]
    assert sources(found) == {"S": 5}


# --- when, and out of what -----------------------------------------------------------
@pytest.mark.req("OMC-7.1.2", "OMO-02")
def test_thirty_units_two_days_late_are_sixty_late_units():
    rows: Rows = {
        "demands": [wanted("D1", 30, 2, late_cost_per_day=1.0, short_cost=500.0)],
        "supply_terms": [{"product": "A", "lead_time_days": 4}],
    }
    found = best(**rows)
    assert scorecard(found, factories.snapshot(**rows)).lateness == pytest.approx(60)


@pytest.mark.req("OMC-7.16", "OMC-7.12.1")
def test_a_hundred_come_from_stock_30_and_from_two_routings_50_and_20():
    """What is ready by day 10 is delivered then, the 20 of the second routing late."""
    found = best(
        {"overload": False},
        demands=[wanted("D1", 100, 10, late_cost_per_day=1.0, short_cost=900.0)],
        stock=[{"product": "A", "location": "L", "qty": 30}],
        supply_orders=[
            {"supply": "P1", "product": "A", "qty": 50, "due": day(8)},
            {"supply": "P2", "product": "A", "qty": 20, "due": day(12)},
        ],
    )
    assert sorted(pegs(found, "D1").values()) == [20, 30, 50]
    assert deliveries(found) == [(80, 10), (20, 12)]
    assert fulfilment(found)["planned"] == 100
