"""Cases that others published, converted, planned and compared with their plain MRP.

frePPLe's own test models (MIT) with the answers of its engine: where a case is marked
engine-neutral high there is one right answer, and the plan must give it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from benchmarks.frepple import snapshot_of
from benchmarks.frepple_case.answers import (
    expected_lines,
    expected_orders,
    lateness,
    planned_lines,
    planned_orders,
)
from medhavi.findings import Severity
from tests.api import plan, verify
from tests.planners.small_plans import KERNELS

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.snapshot import Snapshot

pytestmark = [pytest.mark.public_data, pytest.mark.req("MRP-02")]

HIGH = (
    "constraints_leadtime_1",
    "constraints_leadtime_2",
    "constraints_material_1",
    "constraints_material_2",
    "demand_status",
    "distribution_1",
    "flow_effective",
    "supplier",
)
OTHERS = (
    "atp_quote_1",
    "constraints_resource_1",
    "constraints_resource_4",
    "forecast_netting_1",
    "operation_available",
    "operation_routing",
    "quantity_completed",
    "safety_stock",
)
DATED = tuple(
    name for name in OTHERS if name not in {"atp_quote_1", "forecast_netting_1"}
)
MEDHAVI = "import sys; from medhavi.cli import main; sys.exit(main())"
OWN_RULES = {"demand_status": {"order 6A", "order 6B"}}
"""Lines that follow a rule of frePPLe alone: the status of an order over its lines."""


def opened(public_data: Path, name: str) -> tuple[dict[str, Any], Snapshot]:
    return _opened(public_data / "frepple" / f"{name}.json")


@cache
def _opened(path: Path) -> tuple[dict[str, Any], Snapshot]:
    snapshot, _ = snapshot_of(path)
    return json.loads(path.read_text("utf-8")), snapshot


@pytest.mark.parametrize("name", [*HIGH, *OTHERS])
def test_a_public_case_has_no_errors_and_its_plan_verifies(public_data, name):
    _, snapshot = opened(public_data, name)
    errors = [f for f in snapshot.findings if f.severity is Severity.ERROR]
    assert errors == []
    assert verify(plan(snapshot, settings={"engine": "python"}), snapshot) == []


@pytest.mark.parametrize("name", HIGH)
def test_quantities_dates_and_status_are_those_of_plain_mrp(public_data, name):
    case, snapshot = opened(public_data, name)
    assert case["engine_neutral"] == "high"
    own = OWN_RULES.get(name, set())
    wanted = {d: row for d, row in expected_lines(case).items() if d not in own}
    got = planned_lines(plan(snapshot, settings={"engine": "python"}))
    assert {demand: got.get(demand) for demand in wanted} == wanted


@pytest.mark.parametrize("name", HIGH)
def test_a_plan_that_can_be_carried_out_is_that_of_the_published_one(public_data, name):
    case, snapshot = opened(public_data, name)
    own = OWN_RULES.get(name, set())
    lines = expected_lines(case, "constrained").items()
    wanted = {d: row for d, row in lines if d not in own}
    made = plan(snapshot, "constrained", KERNELS)
    got = planned_lines(made)
    assert {demand: got.get(demand) for demand in wanted} == wanted
    assert verify(made, snapshot) == []


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("name", DATED)
def test_no_case_is_later_or_shorter_than_published(public_data, name, mode):
    case, snapshot = opened(public_data, name)
    published = "unconstrained" if mode == "mrp" else mode
    wanted = expected_lines(case, published)
    made = planned_lines(plan(snapshot, mode, KERNELS))
    got = {demand: made[demand] for demand in wanted}
    assert lateness(got, case)[2] <= lateness(wanted, case)[2]
    assert sum(row[0] for row in got.values()) >= sum(row[0] for row in wanted.values())


def test_orders_that_are_partly_done_keep_their_whole_quantity(public_data):
    case, snapshot = opened(public_data, "quantity_completed")
    found = plan(snapshot, settings={"engine": "python"})
    assert planned_orders(found, snapshot, case) == pytest.approx(expected_orders(case))


@pytest.mark.parametrize("closed", [False, True])
def test_orders_consume_the_forecast_of_the_published_case(public_data, closed):
    case, snapshot = opened(public_data, "forecast_netting_1")
    answer = case["expected"][f"net_past_demand_{str(closed).lower()}"]
    wanted = {f"forecast {row['start']}": row["net"] for row in answer}
    found = plan(
        snapshot,
        settings={"engine": "python", "closed_orders_consume_forecast": closed},
    )
    rows = found.fulfilment.filter(pl.col("demand").str.starts_with("forecast"))
    got = dict(rows.select("demand", "qty").iter_rows())
    assert got == pytest.approx(wanted)


@pytest.mark.nightly
def test_the_command_line_plans_a_converted_case(public_data, tmp_path):
    case = public_data / "frepple" / "constraints_leadtime_1.json"
    tables, result = tmp_path / "tables", tmp_path / "plan"
    converter = [sys.executable, "benchmarks/frepple.py", str(case), str(tables)]
    subprocess.run(converter, check=True)
    command = [sys.executable, "-c", MEDHAVI, "plan", "--tables", str(tables)]
    subprocess.run([*command, "--mode", "mrp", "--out", str(result)], check=True)
    rows = pl.read_parquet(result / "fulfilment.parquet")
    assert dict(rows.select("demand", "status").iter_rows()) == {
        "order 1": "on_time",
        "order 2": "on_time",
    }


@pytest.mark.parametrize(
    "size", ["m1000", pytest.param("m3000", marks=pytest.mark.nightly)]
)
def test_a_scaled_model_is_planned_on_time_and_verifies(public_data, size):
    _, snapshot = _opened(public_data / "frepple_scale" / f"{size}.json")
    found = plan(snapshot, settings={"engine": "python"})
    assert set(found.fulfilment["status"]) == {"on_time"}
    sums: dict[str, float] = defaultdict(float)
    for demand, level, qty in found.pegging.select(
        "demand", "level", "qty"
    ).iter_rows():
        if level == 0:
            sums[demand] += qty
    assert sums == pytest.approx(
        dict(found.fulfilment.select("demand", "qty").iter_rows())
    )
    assert verify(found, snapshot) == []
