"""What-ifs that follow each other are netted on one kept run, with the same plan."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from medhavi.edits import apply, changes
from medhavi.results.plans.plan import Plan
from medhavi.workbench.runs import FEW_PRODUCTS, LastRun, nets_alone
from tests import factories
from tests.api import plan as make_plan
from tests.api import plan_to_build_on
from tests.planners.small_plans import KERNELS, PYTHON, day
from tests.planners.test_incremental import ORDERS, changed, works
from tests.workbench.edit_company import company, plan_of, proposal


@pytest.fixture
def bench(tmp_path):
    return company(tmp_path)


def codes(plan):
    return [found.code for found in plan.findings]


def state(qty, name="A"):
    return factories.snapshot(
        products=[{"product": name}],
        demands=[{"demand": "D1", "product": name, "qty": qty, "due": day(20)}],
        supply_terms=[{"product": name, "lead_time_days": 3}],
    )


def other_qty(qty):
    cell = {"table": "demands", "key": {"demand": "D-1"}, "column": "qty"}
    return {"kind": "override", **cell, "value": qty}


@pytest.mark.req("MRP-13", "WO-12")
def test_previews_of_demands_are_netted_on_one_run(bench):
    plan = plan_of(bench)
    facts = bench.snapshot()
    for qty in (130.0, 70.0):
        shown = bench.preview(plan, other_qty(qty))
        assert codes(shown.plan)[0] == "NET002"
        edited = facts.replace(demands=facts["demands"].with_columns(qty=pl.lit(qty)))
        whole = make_plan(edited, settings=PYTHON)
        assert shown.plan.replace(kpis=whole.kpis).fingerprint == whole.fingerprint


@pytest.mark.req("MRP-13", "WO-12")
def test_a_preview_of_an_order_is_netted_on_the_same_run(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, {"kind": "firm", "supply": proposal(plan)})
    assert shown.plan.run.netting == "kept_run"
    (row,) = shown.rows
    new = {name: str(cell) for name, cell in row.after.items()}
    cells = {**new, "qty": row.after["qty"], "locked": row.after["locked"]}
    added = {"kind": "row_added", "table": "supply_orders", "row": cells}
    whole = make_plan(apply(bench.snapshot(), changes([added])), settings=PYTHON)
    assert shown.plan.replace(kpis=whole.kpis).fingerprint == whole.fingerprint


def test_a_preview_of_another_table_is_planned_whole(bench):
    cell = {"table": "suppliers", "key": {"supplier": "S"}, "column": "reliability"}
    shown = bench.preview(plan_of(bench), {"kind": "override", **cell, "value": 0.5})
    assert shown.plan.run.netting == "all"


def test_one_run_is_kept_and_follows_the_facts():
    last, before = LastRun(), state(10)
    plan = make_plan(before, settings=PYTHON)
    for qty in (20, 30):
        made = last.plan(plan, before, state(qty))
        assert made.fingerprint == make_plan(state(qty), settings=PYTHON).fingerprint
    newer = state(30)
    made = last.plan(make_plan(newer, settings=PYTHON), newer, state(40))
    assert codes(made)[0] == "NET002"
    assert made.fingerprint == make_plan(state(40), settings=PYTHON).fingerprint
    other = last.plan(make_plan(newer), newer, state(50))
    assert dict(other.run.settings) == dict(make_plan(newer).run.settings)
    assert other.fingerprint == make_plan(state(50)).fingerprint


@pytest.mark.req("MRP-13")
def test_a_workbench_keeps_the_run_of_a_plan_that_says_so(bench):
    kept = bench.plan(keep_run=True)
    assert kept.basis.kept is not None
    assert bench.plan().basis.kept is None
    shown = bench.preview(kept, other_qty(95.0))
    assert codes(shown.plan)[0] == "NET002"


@pytest.mark.req("MRP-13")
def test_a_stored_plan_finds_its_kept_run_and_the_record_says_which_way_it_went(
    bench, tmp_path
):
    kept = bench.plan(keep_run=True)
    kept.to_folder(tmp_path / "plan")
    stored = Plan.from_folder(tmp_path / "plan")
    facts = bench.snapshot()
    changed = facts.replace(demands=facts["demands"].with_columns(qty=pl.lit(95.0)))
    made = bench.plan(changed, baseline=stored)
    assert (kept.run.netting, made.run.netting) == ("all", "kept_run")
    assert stored.run.netting == "all"
    other = type(bench)(tmp_path / "lake").plan(changed, baseline=stored)
    assert other.run.netting == "all"
    assert made.fingerprint == other.fingerprint == bench.plan(changed).fingerprint


def test_a_constrained_plan_does_not_take_the_place_of_a_kept_run():
    last, first = LastRun(), plan_to_build_on(state(10), PYTHON)
    last.take(first)
    last.take(make_plan(state(20), "constrained", {"engine": "python"}))
    assert last.of_plan(replace(first)) is first


def test_what_differs_in_most_products_is_planned_whole():
    names = [f"P{number:03}" for number in range(FEW_PRODUCTS + 1)]
    before = factories.snapshot(
        products=[{"product": name} for name in names],
        demands=[{"demand": n, "product": n, "qty": 1, "due": day(9)} for n in names],
    )
    qty = before["demands"]["qty"]
    most = before.replace(demands=before["demands"].with_columns(qty=qty + 1))
    few = pl.when(pl.int_range(pl.len()) > 0).then(qty + 1).otherwise(qty)
    less = before.replace(demands=before["demands"].with_columns(qty=few))
    assert not nets_alone(before, most)
    assert nets_alone(before, less)
    assert nets_alone(before, before)


@pytest.mark.parametrize(("share", "stated"), [(None, False), (0.1, True)])
def test_runs_on_a_plan_say_how_far_they_may_be_from_one_from_nothing(share, stated):
    before = works()
    made = make_plan(before, "constrained", {**KERNELS, "effort": "light"})
    after = changed(before, "D0", qty=9.0)
    again = LastRun(share).plan(made, before, after)
    assert ("stability_share" in again.run.settings) is stated
    assert "from_nothing" in again.run.effort


def test_a_plan_from_nothing_is_priced_beside_one_from_nothing():
    """What planning all anew finds is no effect of the edit that had it done."""
    light = {**KERNELS, "effort": "light"}
    first, before = works(), changed(works(), "D4", qty=4.0)
    made = make_plan(
        before, "constrained", light, baseline=make_plan(first, "constrained", light)
    )
    assert "baseline" in made.run.settings
    small = changed(before, "D1", qty=4.0)
    large = works([(name, qty + 1, *more) for name, qty, *more in ORDERS])
    last = LastRun()
    for edited, is_anew in ((small, False), (large, True)):
        after = last.plan(made, before, edited)
        assert ("baseline" in after.run.settings) is not is_anew
        again = last.without((made, before), (after, edited))
        whole = make_plan(before, "constrained", light)
        assert (again.fingerprint == whole.fingerprint) is is_anew
        assert (again.fingerprint == made.fingerprint) is not is_anew
