"""Laws of best plans, on random snapshots."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import examples
from tests.planners.small_plans import day

WEEKS = {"bucket": "7xday+1xweek", "late_days": 30}


@st.composite
def companies(draw: st.DrawFn) -> dict[str, list[dict[str, object]]]:
    """A product made from a bought component, sold at the plant and at a customer."""
    whole = st.integers(0, 20)
    demands = [
        {
            "demand": f"D{number}",
            "product": "A",
            "location": draw(st.sampled_from(["L", "Q"])),
            "qty": 1 + draw(whole),
            "due": day(draw(st.integers(-2, 25))),
            "priority": draw(st.integers(1, 4)),
            "price": draw(st.sampled_from([None, 5.0, 50.0])),
        }
        for number in range(draw(st.integers(1, 6)))
    ]
    return {
        "products": [{"product": "A", "weight_kg": 1.0}, {"product": "B"}],
        "locations": [{"location": "L"}, {"location": "Q"}],
        "demands": demands,
        "lanes": [
            {
                "lane": "LQ",
                "origin": "L",
                "destination": "Q",
                "duration_h": draw(whole) * 6,
                "cost_per_unit": 0.5,
            }
        ],
        "routings": [
            {
                "routing": "R",
                "product": "A",
                "location": "L",
                "min_lot": draw(st.sampled_from([0, 5])),
                "lot_multiple": draw(st.sampled_from([0, 2])),
                "cost_per_unit": 1.0,
            }
        ],
        "resources": [{"resource": "M", "cost_per_hour": 2.0}],
        "steps": [
            {
                "routing": "R",
                "step": 1,
                "setup_minutes": draw(st.sampled_from([0, 30])),
                "run_minutes_per_unit": draw(st.sampled_from([10, 120])),
            }
        ],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "bom_lines": [{"routing": "R", "component": "B", "qty_per": 2}],
        "supply_terms": [
            {
                "product": "B",
                "location": "L",
                "lead_time_days": draw(st.integers(0, 12)),
                "unit_price": 1.0,
                "moq": draw(st.sampled_from([0, 15])),
            }
        ],
        "stock": [
            {"product": "A", "location": "L", "qty": draw(whole)},
            {"product": "B", "location": "L", "qty": draw(whole)},
        ],
        "inventory_policies": [
            {"product": "A", "location": "L", "safety_qty": draw(whole)}
        ],
    }


@settings(
    max_examples=examples(2, 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(companies())
def test_every_best_plan_verifies_and_its_parts_sum_to_the_objective(company):
    snapshot = factories.snapshot(**company)
    found = plan(snapshot, "optimize", WEEKS)
    assert verify(found, snapshot) == []
    usual = plan(snapshot, "constrained")
    assert scorecard(found, snapshot).total <= scorecard(usual, snapshot).total
    assert found.run.bound is not None
    assert found.run.bound <= scorecard(found, snapshot).total + 1e-6
    told = found.contributions
    assert found.run.program is not None
    assert found.run.program.value == pytest.approx(
        float(told["value"].sum()), rel=1e-6, abs=1e-6
    )
    # The scorecard does not price what is missing of safety stock.
    told = told.filter(pl.col("objective") != "safety")
    assert scorecard(found, snapshot).total == pytest.approx(
        float(told["plan"].fill_null(0.0).sum()), rel=1e-6, abs=1e-6
    )
    assert all(status != "unplanned" for status in found.fulfilment["status"])


@settings(
    max_examples=examples(1, 6),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(company, chance):
    shuffled = {name: chance.sample(rows, len(rows)) for name, rows in company.items()}
    one = plan(factories.snapshot(**company), "optimize", WEEKS)
    other = plan(factories.snapshot(**shuffled), "optimize", WEEKS)
    assert one.fingerprint == other.fingerprint


def test_parameters_by_name_and_as_a_record_give_one_plan():
    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 4, "due": day(9)}],
        supply_terms=[{"product": "A", "lead_time_days": 2}],
    )
    record = OptimizeParameters.from_mapping(WEEKS)
    one, other = plan(snapshot, "optimize", WEEKS), plan(snapshot, "optimize", record)
    assert one.fingerprint == other.fingerprint
