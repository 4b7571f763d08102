"""What goes into a plan of mode optimize, what comes out, and what it defaults to.

Records and their types are those of the source, by the names of our tables.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import medhavi
from medhavi.results.difference import stability
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.run_record import Status
from medhavi.schema import tables
from tests import factories
from tests.api import ConstrainedParameters, OptimizeParameters, plan, verify
from tests.planners.optimal_plans import best, checked, parts
from tests.planners.small_plans import day, fulfilment
from tests.planners.test_constraint_toys import BUY, NEVER_SHORT, machine, moved
from tests.planners.test_source_toys import wanted

PACKAGE = Path(medhavi.__file__).parent

INPUTS = {
    "demand": (
        "demands.demand:str demands.product:str demands.location:str demands.qty:float "
        "demands.due:timestamp demands.priority:int demands.full_line:bool "
        "demands.order_policy:str demands.expedite:bool demands.requires:list"
    ),
    "inventory": (
        "stock.product:str stock.location:str stock.qty:float supply_orders.qty:float "
        "supply_orders.due:timestamp supply_orders.firm:bool reservations.qty:float "
        "reservations.start:timestamp inventory_policies.safety_qty:float "
        "inventory_policies.min_qty:float inventory_policies.max_qty:float "
        "inventory_policies.target_qty:float"
    ),
    "routing": (
        "routings.routing:str routings.product:str routings.location:str "
        "routings.valid_from:timestamp routings.valid_to:timestamp "
        "routings.cost_per_unit:float routings.preference:int routings.quality:float "
        "routings.provides:list"
    ),
    "routing step": (
        "steps.routing:str steps.step:int step_resources.resource:str "
        "steps.run_minutes_per_unit:float steps.yield:float bom_lines.component:str "
        "bom_lines.qty_per:float routing_outputs.product:str "
        "routing_outputs.location:str"
    ),
    "capacity": (
        "resources.resource:str resources.units:float resources.calendar:str "
        "shifts.start:time shifts.finish:time resource_units.units:float "
        "resources.withheld_share:float resources.finite:bool"
    ),
    "leg": (
        "lanes.lane:str lanes.origin:str lanes.destination:str lanes.duration_h:float "
        "lanes.capacity_kg:float departures.weekday:int departures.time:time "
        "lanes.cutoff_h:float lanes.cost_per_unit:float lanes.reliability:float "
        "lanes.co2_kg_per_tonne:float lanes.preference:int"
    ),
    "supplier offer": (
        "supply_terms.supplier:str supply_terms.product:str supply_terms.location:str "
        "supply_terms.moq:float supply_terms.lot_multiple:float "
        "supply_terms.lead_time_days:float supplier_capacity.qty:float "
        "supply_terms.unit_price:float supply_terms.reliability:float "
        "supply_terms.preference:int"
    ),
    "campaign": (
        "changeovers.from_family:str changeovers.to_family:str "
        "changeovers.setup_minutes:float changeovers.cost:float "
        "changeovers.cleaning:bool campaign_rules.min_run_qty:float "
        "campaign_rules.max_run_qty:float campaign_rules.max_run_minutes:float "
        "steps.family:str cleaning_windows.valid_from:timestamp"
    ),
    "shelf life": (
        "products.shelf_life_days:float demands.min_shelf_days:float "
        "stock.received_at:timestamp stock.expires_at:timestamp"
    ),
    "storage": (
        "storage_limits.product:str storage_limits.location:str "
        "storage_limits.max_qty:float"
    ),
}
"""Records of the source, by the columns that hold their fields."""


@pytest.mark.req("OMI-03", "OMI-19")
@pytest.mark.parametrize("record", INPUTS)
def test_each_input_has_a_typed_column(record):
    schema = tables()
    for field in INPUTS[record].split():
        place, kind = field.split(":")
        table, column = place.split(".")
        assert schema[table].columns[column].type == kind, field


@pytest.mark.req("OMI-19")
def test_order_lines_name_their_order_and_are_refused_without_a_quantity():
    columns = tables()["demands"].columns
    assert columns["sales_order"].type == "str"
    assert all(columns[name].required for name in ("demand", "product", "qty", "due"))


@pytest.mark.req("OMI-03")
def test_weights_caps_and_switches_are_settings_and_a_baseline_is_a_plan():
    names = OptimizeParameters.__dataclass_fields__
    weights = ["cost", "lateness", "shortage", "inventory", "overload", "safety"]
    assert {f"{name}_weight" for name in weights} <= names.keys()
    prices = {"co2_price", "risk_price", "levelling_price", "lane_preference_price"}
    assert prices <= names.keys()
    assert names["budgets"].type == "Mapping[str, float]"
    assert names["overload"].type == "bool"


ARTEFACTS = {
    "fulfilment": "demand planned short lateness_h status limiter",
    "deliveries": "demand qty date",
    "supplies": "id kind product location qty source start finish lane departure cost",
    "operations": "supply step resource start finish run_minutes setup_minutes",
    "pegging": "demand supply source qty",
    "positions": "product location bucket on_hand safety short",
    "causes": "demand code subject valid_from valid_to hours remedy",
    "contributions": "objective part value plan unit",
    "prices": "constraint subject bucket price",
    "kpis": "kpi value unit",
}
"""Tables of a plan, and the columns that hold what the source wants of it."""


@pytest.mark.req("OMI-04")
def test_each_output_has_a_typed_column():
    for name, columns in ARTEFACTS.items():
        assert set(columns.split()) <= set(SCHEMAS[name]), name
        assert pl.Object not in SCHEMAS[name].values()
    assert SCHEMAS["pegging"]["qty"] == SCHEMAS["positions"]["on_hand"] == pl.Float64
    assert SCHEMAS["supplies"]["departure"] == pl.Datetime("us", "UTC")


def company():
    """A is made of C at W and moves to L; C is bought, and too much is asked."""
    rows = moved(0)
    rows["stock"] = [{"product": "C", "location": "W", "qty": 4}]
    rows["demands"] = [
        wanted("D1", 10, 9, product="A", **NEVER_SHORT),
        wanted("D2", 90, 1, product="A"),
    ]
    rows["routings"] = [{"routing": "R", "product": "A", "location": "W"}]
    rows["bom_lines"] = [{"routing": "R", "component": "C"}]
    rows["supply_terms"] = [
        {**BUY, "product": "C", "location": "W", "lead_time_days": 2}
    ]
    rows |= machine("R", 60)
    rows["resources"] = [{"resource": "M"}]
    return rows


@pytest.mark.req("OMP-01", "OMI-04")
def test_a_solution_becomes_orders_pegs_stock_a_scorecard_and_reasons():
    found = best(**company())
    new = found.supplies.filter(status="planned")
    assert set(new["kind"]) == {"make", "buy", "move"}
    assert set(new["source"]) == {"R", "T", "S"}
    assert {"INV", "SUP", "PROD", "TRANS"} <= set(found.pegging["source"])
    assert found.pegging.filter(demand="D1", level=0)["qty"].sum() == 10
    assert found.positions.height > 0
    late = found.fulfilment.filter(pl.col("demand") == "D2").row(0, named=True)
    assert late["lateness_h"] > 0
    assert late["limiter"]
    assert "D2" in set(found.causes["demand"])
    assert {"making", "buying", "moving", "lateness"} <= parts(found).keys()
    assert found.run.program is not None
    assert found.run.status in {Status.OPTIMAL, Status.FEASIBLE}


@pytest.mark.req("OMP-01")
def test_the_tables_of_a_plan_are_written_without_a_rule():
    """Who writes them imports no netting, no sizing, no choice, no clock, no solver."""
    writers = [
        PACKAGE / "planners" / "mrp" / "decode.py",
        PACKAGE / "planners" / "pegging.py",
        PACKAGE / "results" / "identity.py",
        PACKAGE / "results" / "plans" / "tables.py",
    ]
    deciding = (
        "lot_sizing",
        "netting.",
        "sourcing",
        "capacity.capacity",
        "calendars",
        "optimize",
        "master_plan",
        "constrained",
    )
    for writer in writers:
        for node in ast.parse(writer.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                module = f"{node.module}."
                assert not any(one in module for one in deciding), (writer.name, module)


# --- ages ----------------------------------------------------------------------------
LIFE = 5
AGES = [(age, at) for age in range(LIFE + 1) for at in range(1, LIFE + 3)]


def aged(product, age, place="L"):
    """A lot that came so many days ago and may be used on the day of its life."""
    return {"product": product, "location": place, "qty": 1.0} | {
        "received_at": day(-age),
        "expires_at": day(LIFE - age),
    }


@pytest.mark.req("OMV-07")
@pytest.mark.parametrize("way", ["stock", "shipped", "used"])
def test_goods_grow_older_by_a_day_a_day_wherever_they_go(way):
    """What is of age a now is of age a + t on day t, and served up to age 5."""
    names = {(age, at): f"P{age}{at}" for age, at in AGES}
    parts_of = {key: f"C{key[0]}{key[1]}" for key in AGES}
    rows = {
        "locations": [{"location": "L"}, {"location": "W"}],
        "demands": [
            wanted(name, 1, at, product=name, **NEVER_SHORT, max_lateness_days=0)
            for (_, at), name in names.items()
        ],
    }
    goods = parts_of if way == "used" else names
    rows["products"] = [
        {"product": name, "shelf_life_days": LIFE} for name in goods.values()
    ]
    place = "W" if way == "shipped" else "L"
    rows["stock"] = [aged(name, key[0], place) for key, name in goods.items()]
    if way == "shipped":
        rows["lanes"] = [
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 24}
        ]
    if way == "used":
        rows["products"] += [{"product": name} for name in names.values()]
        rows["routings"] = [
            {"routing": f"R{name}", "product": name} for name in names.values()
        ]
        rows["bom_lines"] = [
            {"routing": f"R{name}", "component": parts_of[key]}
            for key, name in names.items()
        ]
    found = best({"bucket": "12xday", "late_days": 0}, **rows)
    served = {key for key, name in names.items() if fulfilment(found, name)["planned"]}
    assert served == {(age, at) for age, at in AGES if age + at <= LIFE}
    columns = found.run.program
    assert columns is not None


# --- churn ---------------------------------------------------------------------------
def churned(before, after):
    """Orders that differ, and those that are as they were."""
    told = {one.part: one.value for one in stability(before, after)["KPI-18"]}
    return told["added"] + told["removed"] + told["moved"], told["kept"]


@pytest.mark.req("OMV-17")
@pytest.mark.parametrize("kind", ["make", "move"])
@pytest.mark.nightly
def test_more_and_less_than_the_baseline_count_alike(kind):
    """D2 of 10 becomes 13, or 7, or a day earlier or later: one order differs."""

    def made(qty=10.0, at=9.0):
        rows = company()
        rows["demands"] = [wanted("D1", 5, 6), wanted("D2", qty, at)]
        rows["stock"] = [{"product": "C", "location": "W", "qty": 100}]
        if kind == "move":
            del rows["routings"], rows["bom_lines"]
            rows["stock"] = [{"product": "A", "location": "W", "qty": 100}]
            rows |= {"steps": [], "step_resources": []}
        return checked(factories.snapshot(**rows))

    base = made()
    changes = [churned(base, made(*one)) for one in ((13,), (7,), (10, 8), (10, 10))]
    assert len(set(changes)) == 1
    assert changes[0][0] > 0
    for other in (made(13), made(7)):
        assert churned(base, other) == churned(other, base)
    assert churned(base, made())[0] == 0


@pytest.mark.req("DEC-02")
def test_the_program_counts_hours_by_bucket_and_a_plan_has_the_changeovers():
    """A matrix adds no column; campaigns are made where somebody asks for them."""
    rows = company()
    rows["resources"] = [{"resource": "M", "changeover_matrix": "X"}]
    rows["steps"] = [{**rows["steps"][0], "family": "FA"}]
    rows["changeovers"] = [
        {"matrix": "X", "from_family": a, "to_family": b, "setup_minutes": minutes}
        for a, b, minutes in (("FA", "FB", 30), ("FB", "FA", 120))
    ]
    state_of = [{"resource": "M", "family": "FB"}]
    without, beside = best(**company()), best(**rows, resource_state=state_of)
    assert beside.run.program.columns == without.run.program.columns
    assert float(beside.operations["setup_minutes"].sum()) == 120
    assert float(without.operations["setup_minutes"].sum()) == 0
    assert ConstrainedParameters().campaigns == "rules"
    assert set(without.supplies["campaign"]) == {None}


@pytest.mark.req("DEF-22")
def test_the_heuristic_plan_is_the_start_and_is_replaced_by_what_costs_less():
    snapshot = factories.snapshot(
        suppliers=[{"supplier": "S1"}, {"supplier": "S2"}],
        supply_terms=[
            {**BUY, "supplier": "S1", "unit_price": 5, "preference": 1},
            {**BUY, "supplier": "S2", "unit_price": 2, "preference": 2},
        ],
        demands=[wanted("D1", 10, 9)],
    )
    heuristic = plan(snapshot, "constrained")
    found = checked(snapshot)
    first, *others = found.run.steps
    assert first.name == "without the program"
    assert first.cost == pytest.approx(float(heuristic.supplies["cost"].sum()))
    assert (first.cost, min(one.cost for one in others)) == (50, 20)
    assert float(found.supplies["cost"].sum()) == 20
    told = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    assert "It nets by the same functions as modes `mrp` and `constrained`" in told
    assert "its plan stands in the place of theirs once it is published" in " ".join(
        told.split()
    )


# --- checks --------------------------------------------------------------------------
@cache
def of_company():
    """Snapshot of the company and its plan, made once for all tests that look at it."""
    snapshot = factories.snapshot(**company())
    return snapshot, checked(snapshot)


@pytest.mark.req("OMP-03")
@pytest.mark.parametrize(
    ("table", "spoiled", "code"),
    [
        ("supplies", {"qty": pl.col("qty") * 0.5}, "VER001"),
        (
            "supplies",
            {
                "finish": pl.when(kind="buy")
                .then(pl.col("finish") + pl.duration(days=30))
                .otherwise("finish")
            },
            "VER001",
        ),
        ("supplies", {"finish": pl.col("start") - pl.duration(days=1)}, "VER041"),
        ("fulfilment", {"planned": pl.col("planned") + 5.0}, "VER052"),
        ("pegging", {"qty": pl.col("qty") * 3.0}, "VER003"),
    ],
    ids=["mass balance", "negative stock", "dates", "fulfilled", "source"],
)
def test_a_plan_that_was_spoiled_is_found_out(table, spoiled, code):
    snapshot, found = of_company()
    wrong = found.replace(**{table: found.tables[table].with_columns(**spoiled)})
    assert code in {one.code for one in verify(wrong, snapshot)}
