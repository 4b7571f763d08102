"""Lineage of numbers of a plan, and of times that a prediction replaces."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from tests.api import Workbench
from tests.lakehouse.lake_events import event, small_company, store_of

LEAD = ("supply_terms", "S|A|DC", "lead_time_days")


def bench_of(tmp_path, told) -> Workbench:
    bench = Workbench(lake=tmp_path)
    bench.lake.mirror(store_of(told))
    return bench


def estimated(number, days, version="3"):
    row = {
        "kind": "supplier",
        "subject": "S",
        "product": "*",
        "quantity": "lead_days",
        "p50": days,
        "p80": days + 2,
        "p95": days + 3,
        "basis": "model",
        "model": "supplier-lead-time",
        "version": version,
    }
    batch = {"kind": "supplier", "model": row["model"], "version": version, "hash": "0"}
    return event(number, "EstimatesPublished", **batch, rows=[row])


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    bench = bench_of(
        tmp_path_factory.mktemp("lake"), [*small_company(), estimated(9, 6.0)]
    )
    return bench, bench.plan()


def test_a_stated_time_names_the_prediction_that_plans_use_in_its_place(tmp_path):
    plain = bench_of(tmp_path / "plain", small_company()).lineage(*LEAD)
    assert plain.inputs == ()
    bench = bench_of(tmp_path / "learned", [*small_company(), estimated(9, 6.0)])
    found = bench.lineage(*LEAD)
    assert found.value == 5.0
    assert [(one.column, one.value) for one in found.inputs] == [
        ("p50", 6.0),
        ("p80", 8.0),
    ]
    assert "supplier-lead-time version 3" in found.inputs[0].role
    source = bench.lineage("estimates", found.inputs[0].key, "p50")
    (step,) = source.steps
    assert (step.type, source.value) == ("EstimatesPublished", 6.0)


def test_a_planned_quantity_is_its_pegs_and_what_lot_and_safety_add(company):
    bench, made = company
    orders = made.supplies.filter(made.supplies["status"] == "planned")
    assert orders.height
    for order in orders.iter_rows(named=True):
        found = bench.lineage("supplies", order["number"], "qty", plan=made)
        pegs = [one for one in found.inputs if one.role == "pegged demand"]
        own = made.pegging.filter(made.pegging["supply"] == order["id"])["qty"].sum()
        assert sum(one.value for one in pegs) == pytest.approx(own)
        assert f"{round(order['qty'] - own, 6):g} each more" in found.rule
        assert found.value == order["qty"]
        for one in pegs:
            assert bench.lineage(one.table, one.key, one.column).steps


def test_a_planned_start_names_the_time_that_was_used(company):
    bench, made = company
    order = made.supplies.filter(made.supplies["status"] == "planned")["number"][0]
    found = bench.lineage("supplies", order, "start", plan=made)
    used, stated = found.inputs[1:]
    assert (used.table, used.column, used.value) == ("estimates", "p50", 6.0)
    assert (stated.table, stated.value, stated.role) == (
        "supply_terms",
        5.0,
        "stated, not used",
    )


def test_an_open_order_and_a_demand_and_a_figure_name_their_parts(company):
    bench, made = company
    (order,) = bench.lineage("supplies", "PO-1", "qty", plan=made).inputs
    assert (order.table, order.key, order.value) == ("supply_orders", "PO-1", 30.0)
    demand = bench.lineage("fulfilment", "D-1", plan=made)
    assert demand.inputs[0].value == 100.0
    assert sum(one.value for one in demand.inputs[1:]) == 100.0
    assert ("stock", "A|DC") in [(one.table, one.key) for one in demand.inputs]
    figure = bench.lineage("kpis", "KPI-01", plan=made)
    parts = {one.role: one.value for one in figure.inputs}
    assert parts["numerator"] / parts["denominator"] == figure.value


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("supplys", "X"), "'supplys' has no lineage.*supplies"),
        (("supplies", "P-0"), "The plan has no 'P-0' in supplies"),
        (("supplies", "PO-1", "quantity"), "no column 'quantity'"),
    ],
)
def test_what_the_plan_does_not_have_is_refused(company, asked, words):
    bench, made = company
    with pytest.raises(UsageError, match=words):
        bench.lineage(*asked, plan=made)
    with pytest.raises(UsageError, match="name the plan"):
        bench.lineage("supplies", "PO-1")


def test_work_of_a_made_order_is_told_by_step(tmp_path):
    step = {"routing": "R", "step": 10}
    made_here = {"product": "A", "location": "DC"}
    told = [
        *small_company(),
        event(9, "ResourceDefined", resource="M", location="DC"),
        event(10, "RoutingDefined", routing="R", **made_here),
        event(11, "StepDefined", **step, sequence=1, run_minutes_per_unit=2.0),
        event(12, "StepResourceDefined", **step, resource="M"),
        event(13, "SourcingDefined", **made_here, kind="make", source="R"),
    ]
    bench = bench_of(tmp_path, told)
    made = bench.plan()
    own = made.supplies.filter(made.supplies["kind"] == "make").row(0, named=True)
    found = bench.lineage("supplies", own["number"], "start", plan=made)
    (work,) = [one for one in found.inputs if one.table == "steps"]
    assert work.value == 2.0 * own["qty"]
    assert bench.lineage("steps", work.key, work.column).value == 2.0
