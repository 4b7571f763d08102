"""Filled columns that mode optimize leaves out or relaxes are named, or refused."""

from __future__ import annotations

import pytest

from medhavi.errors import NotAvailable
from medhavi.planners.master_plan.read_columns import RELAXED
from medhavi.schema import tables as schema_tables
from tests import factories
from tests.api import plan
from tests.planners.optimal_plans import DAILY, best
from tests.planners.small_plans import day

TERMS = [{"product": "A", "supplier": "S", "lead_time_days": 2, "unit_price": 1}]
DEMAND = {"demand": "D1", "product": "A", "location": "L", "qty": 9, "due": day(9)}
ROUTING = {"routing": "R", "product": "A", "location": "L"}


def named(given: dict[str, list[dict[str, object]]]) -> dict[tuple[str, str], str]:
    """Text of PLAN013 by table and column."""
    tables = {"demands": [DEMAND], "supply_terms": TERMS, **given}
    return {
        (str(found.table), str(found.column)): str(found)
        for found in best(**tables).findings
        if found.code == "PLAN013"
    }


CASES = [
    ("sourcing", {"kind": "buy", "source": "S", "share_pct": 50.0}, "share_pct"),
    ("demands", {**DEMAND, "ship_from": "L"}, "ship_from"),
    ("demands", {**DEMAND, "min_shipment": 3.0}, "min_shipment"),
    ("demands", {**DEMAND, "min_shelf_days": 3.0}, "min_shelf_days"),
    (
        "demands",
        {**DEMAND, "sales_order": "O", "order_policy": "in_ratio"},
        "order_policy",
    ),
    ("demands", {**DEMAND, "full_line": True}, "full_line"),
    ("products", {"product": "A", "shelf_life_days": 30.0}, "shelf_life_days"),
    ("substitutes", {"product": "A", "substitute": "B"}, "substitute"),
    ("supply_terms", {**TERMS[0], "moq": 4.0}, "moq"),
    ("supply_terms", {**TERMS[0], "lot_multiple": 3.0}, "lot_multiple"),
    ("routings", {**ROUTING, "fixed_cost": 3.0}, "fixed_cost"),
    ("inventory_policies", {"lot_rule": "fixed", "lot_size": 5.0}, "lot_rule"),
    ("storage_limits", {"max_qty": 5.0}, "max_qty"),
    ("supplier_capacity", {"supplier": "S", "qty": 500.0}, "qty"),
]


@pytest.mark.parametrize(("table", "row", "column"), CASES)
def test_a_rule_that_the_program_relaxes_is_named(table, row, column):
    row = dict(row)
    if table in {"inventory_policies", "storage_limits"}:
        row |= {"product": "A", "location": "L"}
    assert "relaxes" in named({table: [row]})[table, column]


def test_a_plain_snapshot_relaxes_nothing():
    assert named({}) == {}


@pytest.mark.req("CMP-01")
def test_rules_of_campaigns_are_obeyed_as_in_mode_constrained():
    rule = {"resource": "M", "family": "A", "min_run_qty": 100.0}
    tables = {
        "demands": [DEMAND],
        "routings": [ROUTING],
        "steps": [{"routing": "R", "run_minutes_per_unit": 1}],
        "step_resources": [{"routing": "R", "resource": "M"}],
        "resources": [{"resource": "M"}],
        "campaign_rules": [rule],
    }
    usual = plan(factories.snapshot(**tables), "constrained")
    made = best(**tables)
    assert made.supplies.select("qty", "start").equals(
        usual.supplies.select("qty", "start")
    )
    told = {found.code for found in made.findings if found.table == "campaign_rules"}
    assert "PLAN010" not in told


def test_every_relaxed_column_is_one_of_the_schema():
    known = schema_tables()
    for rule in RELAXED:
        assert rule.column in known[rule.table].columns
    assert len({rule[:2] for rule in RELAXED}) == len(RELAXED)


def test_a_disruption_that_changes_demands_is_refused():
    snapshot = factories.snapshot(
        demands=[DEMAND],
        supply_terms=TERMS,
        disruptions=[
            {
                "disruption": "X",
                "kind": "demand_change",
                "subject": "D1",
                "valid_from": day(0),
            }
        ],
    )
    with pytest.raises(NotAvailable, match=r"demand_change \(X\)"):
        plan(snapshot, "optimize", DAILY)
