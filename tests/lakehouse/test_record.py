"""Gold: a run is kept once, whole, and found by name."""

from __future__ import annotations

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.lakehouse import record
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.run_record import RunRecord
from medhavi.snapshot import Snapshot
from tests.api import Lake
from tests.api import plan as plan_of
from tests.lakehouse.lake_events import DUE, small_company, store_of

WRITERS = 4


def plan(seed: int = 1, qty: float = 5.0) -> Plan:
    supplies = pl.DataFrame({"id": ["s1", "s2"], "kind": "buy", "qty": [qty, 2.0]})
    kpis = pl.DataFrame({"kpi": ["KPI-28"], "value": [0.5]})
    run = RunRecord(
        planner="mrp",
        mode="mrp",
        package_version="0",
        snapshot_fingerprint="f" * 64,
        as_of=1_767_571_200,
        seed=seed,
        settings={"past": "allow"},
    )
    return Plan(tables={"supplies": supplies, "kpis": kpis}, run=run)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.mirror(store_of(small_company()))
    return lake


def test_a_recorded_plan_is_found_by_table_and_run(lake):
    recorded = lake.record(plan())
    rows = lake.table("gold.supplies").collect().sort("id")
    assert rows["run_id"].to_list() == [recorded.run_id] * 2
    assert rows["qty"].to_list() == [5.0, 2.0]
    assert rows.columns == ["run_id", *SCHEMAS["supplies"]]
    sql = "SELECT value FROM gold.kpis JOIN gold.plan_runs USING (run_id)"
    assert lake.query(sql).item() == 0.5


def test_the_run_row_says_what_was_planned(lake):
    made = plan()
    lake.record(made)
    (run,) = lake.table("gold.plan_runs").collect().to_dicts()
    assert run["fingerprint"] == made.fingerprint
    assert run["as_of"] == dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    assert (run["planner"], run["mode"], run["status"]) == ("mrp", "mrp", "heuristic")
    assert run["settings"] == '{"past": "allow"}'


def test_the_same_plan_is_written_once(lake):
    first, second = lake.record(plan()), lake.record(plan())
    assert (first.written, second.written) == (True, False)
    assert first.run_id == second.run_id
    assert first.tables == second.tables
    assert lake.table("gold.supplies").collect().height == 2
    assert lake.table("gold.plan_runs").collect().height == 1


@pytest.mark.req("OPA-16")
def test_steps_and_budgets_of_a_run_are_kept_and_can_be_asked(lake):
    """What each step came to is the history of a run, also of one of another day."""
    settings = {"budgets": {"co2": 10.0}, "effort": "light"}
    made = plan_of(lake.snapshot(), "optimize", settings)
    assert len(made.run.steps) > 1
    run_id = lake.record(made).run_id
    read = lake.recorded_plan(run_id).run
    assert (read.steps, read.budgets) == (made.run.steps, made.run.budgets)
    (steps,) = lake.query("SELECT steps FROM gold.plan_runs").row(0)
    assert [one["cost"] for one in json.loads(steps)] == [
        step.cost for step in made.run.steps
    ]


@pytest.mark.req("OPA-04")
def test_who_records_the_same_plan_at_the_same_time_waits_and_finds_it(lake):
    ready = threading.Barrier(WRITERS)

    def recorded(_: int) -> bool:
        ready.wait()
        return bool(lake.record(plan()).written)

    with ThreadPoolExecutor(WRITERS) as writers:
        assert sum(writers.map(recorded, range(WRITERS))) == 1
    assert lake.table("gold.supplies").collect().height == 2
    assert lake.table("gold.plan_runs").collect().height == 1


def test_other_runs_stand_beside_it(lake):
    assert lake.record(plan(seed=1)).run_id != lake.record(plan(seed=2)).run_id
    assert lake.table("gold.supplies").collect().height == 4


def test_another_result_of_the_same_run_is_kept_under_a_name_of_its_own(lake):
    first, second = lake.record(plan(qty=5.0)), lake.record(plan(qty=6.0))
    assert second.written
    assert second.run_id.startswith(first.run_id + ".")
    assert not lake.record(plan(qty=6.0)).written


def test_a_half_written_run_is_not_seen_and_is_completed_later(lake, monkeypatch):
    write = record._append_once

    def disk_full(layout, table, run_id, frame):
        if table == "plan_runs":
            message = "The disk is full"
            raise EnvironmentFailure(message)
        write(layout, table, run_id, frame)

    monkeypatch.setattr(record, "_append_once", disk_full)
    with pytest.raises(EnvironmentFailure, match="disk is full"):
        lake.record(plan())
    assert lake.table("gold.supplies").collect().is_empty()
    assert lake.query("SELECT count(*) FROM gold.supplies").item() == 0
    monkeypatch.undo()
    lake.record(plan())
    assert lake.table("gold.supplies").collect().height == 2


def test_a_half_written_run_is_hidden_behind_complete_ones_in_sql_too(
    lake, monkeypatch
):
    lake.record(plan(seed=1))
    write = record._append_once
    monkeypatch.setattr(
        record,
        "_append_once",
        lambda layout, table, run_id, frame: (
            None if table == "plan_runs" else write(layout, table, run_id, frame)
        ),
    )
    lake.record(plan(seed=2))
    assert lake.query("SELECT count(*) FROM gold.supplies").item() == 2


def test_hashes_and_counts_of_the_tables_are_given(lake):
    tables = {table.name: table for table in lake.record(plan()).tables}
    assert set(tables) == set(SCHEMAS)
    assert tables["supplies"].rows == 2
    assert tables["supplies"].uri.startswith("gold/supplies?run_id=")
    assert tables["loads"].rows == 0


def test_a_plan_of_another_snapshot_is_refused(lake):
    other = Snapshot.from_frames({"settings": [{"as_of": DUE}]})
    with pytest.raises(UsageError, match="another snapshot"):
        lake.record(plan(), other)


def proposals(*names: str, seed: int = 1) -> Plan:
    """Plan of proposals by id, all of one place."""
    rows = [{"id": name, "kind": "make", "location": "LODZ"} for name in names]
    supplies = pl.DataFrame([{**row, "status": "planned"} for row in rows])
    return plan(seed).replace(supplies=supplies)


def numbers(made: Plan) -> dict[str, str]:
    return dict(made.supplies.select("id", "number").iter_rows())


def test_a_lake_gives_numbers_for_good_and_never_twice(lake):
    first = lake.record(proposals("b", "c")).plan
    assert numbers(first) == {"b": "P-LODZ-0001", "c": "P-LODZ-0002"}
    later = lake.record(proposals("a", "c", seed=2)).plan
    assert numbers(later) == {"a": "P-LODZ-0003", "c": "P-LODZ-0002"}
    kept = lake.table("gold.supplies").collect()
    told = kept.select("run_id", "id", "number").rows()
    assert len({number for *_, number in told}) == 3
    assert len(lake.table("gold.order_numbers").collect()) == 3


def test_numbers_change_no_fingerprint_and_repeat(lake):
    made = proposals("b", "c")
    lake.record(proposals("a", "z", seed=9))
    recorded = lake.record(made)
    assert recorded.plan.fingerprint == made.fingerprint
    again = lake.record(proposals("b", "c"))
    assert again.written is False
    assert again.plan.supplies.equals(recorded.plan.supplies)
    assert lake.record(recorded.plan).plan.supplies.equals(recorded.plan.supplies)


def test_numbers_of_a_run_that_was_not_kept_are_found_again(lake, monkeypatch):
    def failing(*_: object) -> None:
        message = "disk full"
        raise EnvironmentFailure(message)

    with monkeypatch.context() as patched:
        patched.setattr(record, "_append_once", failing)
        with pytest.raises(EnvironmentFailure, match="disk full"):
            lake.record(proposals("b"))
    lake.record(proposals("a", seed=2))
    assert numbers(lake.record(proposals("b")).plan) == {"b": "P-LODZ-0001"}
