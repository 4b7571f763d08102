"""The workbench on a small company: mirror, look, plan, publish, ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.findings import BadData
from medhavi.results.plans.plan import Plan
from tests.api import SqliteStore, Workbench, decode
from tests.lakehouse.lake_events import event, line, small_company

if TYPE_CHECKING:
    from tests.api import Progress


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 ordered, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def published(bench: Workbench) -> list[dict[str, Any]]:
    bench.mirror()
    return bench.events(type="PlanPublished").collect().to_dicts()


def test_a_second_mirror_adds_nothing(bench):
    assert bench.mirror().events == 0


def test_a_plan_is_made_verified_and_kept(bench):
    plan = bench.plan()
    (supply,) = plan.supplies.filter(pl.col("id") != "PO-1").to_dicts()
    assert supply["qty"] == 30.0
    kept = bench.table("gold.supplies").collect()
    assert kept.height == plan.supplies.height
    assert kept["run_id"].unique().to_list() == [plan.run.run_id]


def test_planning_the_same_moment_again_is_the_same_run(bench):
    first, second = bench.plan(), bench.plan(bench.snapshot())
    assert first.fingerprint == second.fingerprint
    assert bench.table("gold.plan_runs").collect().height == 1


def test_measurements_are_beside_the_plan(bench):
    phases = bench.plan().measured["phases"]
    assert {"plan", "verify", "record"} <= set(phases)


def test_progress_is_told(bench):
    told: list[Progress] = []
    bench.plan(observe=told.append)
    assert str(told[-1]) == "verifying"


def test_a_plan_is_published_as_one_event_without_rows(bench):
    plan = bench.plan()
    first = bench.publish(plan, approver="ann")
    assert bench.publish(plan, approver="ann") == first
    (row,) = published(bench)
    said = decode("PlanPublished", 1, row["payload"])
    assert (said.run, said.fingerprint) == (plan.run.run_id, plan.fingerprint)
    assert (said.approver, row["actor"]) == ("ann", "ann")
    supplies = next(table for table in said.tables if table.name == "supplies")
    assert supplies.rows == plan.supplies.height
    assert said.kpis.keys() == set(plan.kpis["kpi"])


def test_a_published_plan_does_not_move_now(bench):
    before = bench.snapshot()
    bench.publish(bench.plan(), approver="ann")
    bench.mirror()
    assert bench.snapshot().fingerprint == before.fingerprint


def test_a_plan_from_a_folder_can_be_published(bench, tmp_path):
    bench.plan().to_folder(tmp_path / "plan")
    bench.publish(Plan.from_folder(tmp_path / "plan"), approver="ann", baseline="r0")
    (row,) = published(bench)
    assert decode("PlanPublished", 1, row["payload"]).baseline == "r0"


@pytest.mark.parametrize("approver", ["", "  "])
def test_nobody_cannot_publish(bench, approver):
    with pytest.raises(UsageError, match="name the approver"):
        bench.publish(bench.plan(), approver=approver)


def test_bad_data_is_left_out_and_refused_where_it_is_strict(bench, tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    lines = [line("D-9", product="UNKNOWN", qty=-3.0)]
    store.append_many([event(50, "OrderPlaced", sales_order="SO-9", lines=lines)])
    bench.mirror()
    with pytest.raises(BadData, match="UNKNOWN"):
        bench.plan(strict=True)
    assert bench.table("gold.plan_runs").collect().is_empty()
    made = bench.plan()
    assert "D-9" not in made.fulfilment["demand"]
    left_out = made.exceptions.filter(made.exceptions["code"] == "HeldData")
    assert left_out["demand"].to_list() == ["D-9"]


def test_events_of_a_type_come_in_order(bench):
    assert bench.events().collect()["position"].to_list() == list(range(1, 8))
    assert bench.events(type="StockCounted").collect()["position"].to_list() == [5]


def test_an_unknown_type_gets_the_nearest_name(bench):
    with pytest.raises(UsageError, match="Near: OrderPlaced"):
        bench.events(type="OrderPlacd")


def test_sql_tables_and_quarantine_are_those_of_the_lake(bench):
    assert bench.query("SELECT qty FROM silver.stock").item() == 40.0
    assert bench.table("silver.stock").collect()["qty"].to_list() == [40.0]
    assert bench.quarantine().is_empty()
    assert bench.replay_quarantine().held == ()


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/missing.db")
    with pytest.raises(EnvironmentFailure, match="no event store"):
        bench.mirror()
    assert not (tmp_path / "missing.db").exists()


def test_what_is_not_named_is_asked_for(tmp_path):
    with pytest.raises(UsageError, match="No lake is named"):
        Workbench().snapshot()
    with pytest.raises(UsageError, match="No event store is named"):
        Workbench(tmp_path).mirror()


def test_the_current_workbench_is_that_of_the_surroundings(
    bench, tmp_path, monkeypatch
):
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    current = Workbench.current()
    assert current.mirror().position == 7
    assert current.snapshot().fingerprint == bench.snapshot().fingerprint
