"""Sets, bounds, ages and buckets of the program, and the check behind each plan."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import medhavi
from medhavi.errors import VerificationFailed
from medhavi.planners import pipeline
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.statement import LOT_USE, state
from medhavi.workbench.files.tables_run import plan_tables
from tests import factories
from tests.api import OptimizeParameters
from tests.planners.optimal_plans import DAILY, checked
from tests.planners.small_plans import day
from tests.planners.test_constraint_toys import BUY, NEVER_SHORT
from tests.planners.test_planning_records import LIFE, aged, company
from tests.planners.test_source_toys import wanted

PROGRAM = Path(medhavi.__file__).parent / "planners" / "master_plan"


@pytest.mark.req("OMI-16")
def test_the_sets_of_the_source_are_read_off_one_statement():
    """Four products in three places are five pairs, not twelve."""
    rows = company()
    rows["products"] = [
        {"product": "A", "characteristics": ["grade=A"]},
        {"product": "C", "shelf_life_days": 30},
        {"product": "X"},
    ]
    rows["stock"] = [
        {"product": "C", "location": "W", "qty": 4, "expires_at": day(3)},
    ]
    rows["supply_orders"] = [
        {"supply_order": "F", "kind": "purchase", "product": "C", "location": "W"}
        | {"source": "S", "qty": 5, "due": day(4), "status": "released"}
    ]
    snapshot = factories.snapshot(**rows)
    parameters = OptimizeParameters.from_mapping(DAILY)
    run = built_run(snapshot, parameters)
    found = state(run, parameters)
    pairs = {node.key for node in found.nodes}
    assert pairs == {("A", "L"), ("A", "W"), ("C", "W")}
    assert [demand.demand for demand in run.intake.demands] == ["D1", "D2"]
    assert found.grid.size == len(found.grid.starts) >= 30
    sources = {(one.kind, one.ways[0].source.source) for one in found.plans}
    assert sources == {("make", "R"), ("move", "T"), ("buy", "S")}
    assert found.resources == ("M",)
    assert {w.resource for one in found.plans for w in one.occupied} == {"M"}
    by_kind = {one.kind: one for one in found.plans}
    assert {part.node.key for part in by_kind["make"].taken} == {("C", "W")}
    assert by_kind["move"].ways[0].origin.key == ("A", "W")
    stocked, firm = found.lots
    places = {found.nodes[lot.node].key for lot in found.lots}
    assert places == {("C", "W")}
    assert (stocked.qty, stocked.first, stocked.last) == (4, 0, 3)
    assert (firm.qty, firm.first) == (5, 4)
    assert set(found.grid.starts[[firm.first]]) == {int(day(4).timestamp())}


@pytest.mark.req("OMI-16")
def test_groups_families_lanes_sources_and_characteristics_are_sets_too():
    """A group of two machines, two families, two lanes, five kinds of sources."""
    rows = company()
    rows["resources"] = [
        {"resource": name, "pool": "M", "changeover_matrix": "X"}
        for name in ("M1", "M2")
    ]
    rows["steps"] = [{**rows["steps"][0], "family": "FA"}]
    rows["changeovers"] = [
        {"matrix": "X", "from_family": "FA", "to_family": "FB", "setup_minutes": 5}
    ]
    rows["lanes"] = [{**rows["lanes"][0], "lane": name} for name in ("T", "U")]
    rows["stock"] = [
        {"product": "A", "location": "L", "qty": 1},
        {"product": "C", "location": "W", "qty": 4},
    ]
    rows["supply_orders"] = [
        {"supply_order": "F", "kind": "purchase", "product": "C", "location": "W"}
        | {"source": "S", "qty": 2, "due": day(1), "status": "released"}
    ]
    rows["demands"] = [
        wanted("D1", 1, 1, product="A"),
        wanted("D2", 20, 9, product="A", requires=["grade=A"], **NEVER_SHORT),
    ]
    rows["routings"] = [{**rows["routings"][0], "provides": ["grade=A"]}]
    snapshot = factories.snapshot(**rows)
    parameters = OptimizeParameters.from_mapping(DAILY)
    run = built_run(snapshot, parameters)
    found = state(run, parameters)
    assert {one.resource for plan in found.plans for one in plan.occupied} <= {
        "M",
        "M1",
        "M2",
    }
    capacity = run.providers.capacity
    (task,) = capacity.compiled("R").tasks
    options = [one for epoch in task.plan.epochs for one in epoch.options]
    assert {name for one in options for name, _ in one.resources} == {"M1", "M2"}
    assert {row["family"] for row in rows["steps"]} == {"FA"}
    itineraries = {
        way.source.source
        for one in found.plans
        if one.kind == "move"
        for way in one.ways
    }
    assert itineraries == {"T", "U"}
    plain, asking = run.intake.demands
    assert plain.asks is None
    assert "grade=A" in str(asking.asks)
    made = checked(snapshot)
    assert set(made.pegging["source"]) == {"INV", "FIRM", "PROD", "TRANS", "SUP"}


@pytest.mark.req("OMI-32")
@pytest.mark.parametrize("scale", [7.0, 4000.0])
def test_no_number_of_the_program_is_larger_than_the_data_make_it(scale):
    """All that is asked, stocked and brought times k: bounds are k times as large.

    A constant that stands for "much" would stay as it is, or be passed by.
    """

    def program(factor):
        rows = company()
        rows["products"] = [{"product": name, "unit_cost": 2.0} for name in "AC"]
        rows["lanes"] = [{**rows["lanes"][0], "opening_cost": 50.0}]
        rows["stock"] = [
            {"product": "C", "location": "W", "qty": 4 * factor, "expires_at": day(9)}
        ]
        for row in rows["demands"]:
            row["qty"] *= factor
        rows["inventory_policies"] = [
            {"product": "C", "location": "W", "safety_qty": 3 * factor}
        ]
        parameters = OptimizeParameters.from_mapping(DAILY)
        run = built_run(factories.snapshot(**rows), parameters)
        return build(state(run, parameters)).program

    one, many = program(1.0), program(scale)
    bounds = ("row_lower", "row_upper", "column_lower", "column_upper", "values")
    for name in bounds:
        small, large = getattr(one, name), getattr(many, name)
        real = np.isfinite(small) & (np.abs(small) > 24.0)
        assert np.isfinite(large[real]).all()
        assert large[real] == pytest.approx(scale * small[real]), name
        assert np.abs(small[np.isfinite(small)]).max(initial=0.0) <= 1000


@pytest.mark.req("OMI-32")
def test_no_constant_of_the_code_stands_for_infinity():
    """Large numbers of the program are counts of columns or nodes, by their names."""
    large = {
        (path.name, node.value)
        for path in sorted(PROGRAM.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and node.value >= 10_000
    }
    departures, questions = ("blocks.py", 100_000), ("source_times.py", 40_000)
    assert large == {departures, questions}, "counts of what is asked for, no bounds"


@pytest.mark.req("OMV-07")
def test_the_program_uses_a_lot_on_one_day_less_for_each_day_of_its_age():
    """A lot of age a may be used at the 6 - a decisions from now to its last day."""
    for age in range(LIFE + 1):
        snapshot = factories.snapshot(
            products=[{"product": "A", "shelf_life_days": LIFE}],
            stock=[aged("A", age)],
            demands=[wanted("D1", 1, 9)],
        )
        parameters = OptimizeParameters.from_mapping(DAILY)
        built = build(state(built_run(snapshot, parameters), parameters))
        assert built.program.column_block(LOT_USE).size == LIFE + 1 - age


@pytest.mark.req("DEC-01")
def test_the_grid_is_of_days_and_then_of_weeks_and_moves_with_now():
    """21 days, weeks after them; a week later the same buckets begin a week later."""
    grids = []
    for now in (0, 7):
        snapshot = factories.snapshot(
            settings=[{"as_of": day(now)}],
            demands=[wanted("D1", 1, now + 60)],
            supply_terms=[{**BUY, "lead_time_days": 3}],
        )
        parameters = OptimizeParameters()
        found = state(built_run(snapshot, parameters), parameters)
        grids.append(found.grid)
        (buy,) = found.plans
        assert buy.times.arrive.dtype.kind == buy.times.start.dtype.kind == "i"
        lead = buy.times.finish - buy.times.begin
        assert set(lead.tolist()) == {3 * 86400}
    lengths = grids[0].lengths / 86400
    assert lengths[:21].tolist() == [1.0] * 21
    assert set(lengths[21:-1].tolist()) == {7.0}
    assert (grids[1].edges - grids[0].edges).tolist() == [7 * 86400] * len(
        grids[0].edges
    )


@pytest.mark.req("OMP-03")
def test_each_plan_is_checked_after_it_was_made(monkeypatch, tmp_path):
    """A planner that makes more of nothing writes no plan."""
    folder = tmp_path / "tables"
    factories.snapshot(**company()).to_folder(folder)
    sound = pipeline.plan

    def spoiled(*args, **more):
        made = sound(*args, **more)
        return made.replace(
            supplies=made.supplies.with_columns(qty=pl.col("qty") * 0.5)
        )

    for mode in ("mrp", "constrained", "optimize"):
        plan_tables(folder, tmp_path / mode, mode)
        assert (tmp_path / mode / "run.json").exists()
    monkeypatch.setattr(pipeline, "plan", spoiled)
    for mode in ("constrained", "optimize"):
        with pytest.raises(VerificationFailed, match="VER001"):
            plan_tables(folder, tmp_path / f"no {mode}", mode)
        assert not (tmp_path / f"no {mode}").exists()
