"""The commands `replenish` and `plan --baseline`, as a person meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.edits import apply, changes
from medhavi.results.plans.plan import Plan
from tests import factories
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.snapshot import Snapshot


@pytest.fixture
def snapshot() -> Snapshot:
    return factories.snapshot(
        demands=[{"demand": "D1", "product": "A", "qty": 10, "due": day(20)}],
        stock=[{"product": "A", "qty": 50}],
        inventory_policies=[{"product": "A", "min_qty": 100, "cover_days": 10}],
        supply_terms=[{"lead_time_days": 5}],
    )


@pytest.fixture
def tables(snapshot: Snapshot, tmp_path: Path) -> Path:
    snapshot.to_folder(tmp_path / "tables")
    return tmp_path / "tables"


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_what_is_short_is_listed_and_written(medhavi, tables, tmp_path, kind):
    out = tmp_path / "out"
    words = ("replenish", "--tables", tables, "--out", out, "--format", kind)
    said = medhavi(*words, "--json")
    assert said.code == 0, said.err
    assert (said.answer["watched"], said.answer["rows"]["supplies"]) == (1, 1)
    assert said.answer["short"][0]["shortfall"] == 50.0
    assert (out / f"monitor.{kind}").is_file()
    assert Plan.from_folder(out).supplies["qty"].to_list() == [50.0]
    again = medhavi(*words)
    assert again.code == 0
    assert "1 short; 1 orders proposed" in again.out
    assert "2026-01-15" in again.out


def test_a_place_that_is_not_there_is_a_wrong_use(medhavi):
    assert medhavi("replenish", "--tables", "nowhere").code == 2


def test_a_folder_is_a_baseline(medhavi, snapshot, tables, tmp_path):
    first = tmp_path / "first"
    assert medhavi("plan", "--tables", tables, "--out", first).code == 0
    changed = apply(
        snapshot, changes([{"kind": "demand_changed", "demand": "D1", "qty": 99.0}])
    )
    changed.to_folder(tmp_path / "later")
    words = ("plan", "--tables", tmp_path / "later", "--json")
    net = medhavi(*words, "--baseline", first)
    assert net.code == 0, net.err
    # A folder holds no run to net the change on; the plan is the same all the same.
    assert net.answer["findings"][0]["code"] == "NET001"
    later = tmp_path / "whole"
    whole = medhavi(*words, "--out", later)
    assert net.answer["fingerprint"] == whole.answer["fingerprint"]
    compared = medhavi("compare", first, later, "--json").answer
    assert compared["kpis"]["KPI-18.nervousness"]["value"] == 1.0


def test_a_baseline_must_be_a_plan(medhavi, tables, tmp_path):
    said = medhavi("plan", "--tables", tables, "--baseline", tmp_path)
    assert said.code == 2
    assert "plan" in said.err


@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_on_a_plan_of_another_mode_all_is_planned_anew(medhavi, tables, tmp_path, mode):
    first = tmp_path / "first"
    assert medhavi("plan", "--tables", tables, "--out", first).code == 0
    words = ("plan", "--tables", tables, "--mode", mode, "--json", "--baseline", first)
    made = medhavi(*words)
    assert made.code == 0, made.err
    assert made.answer["findings"][0]["code"] == "NET001"


def test_the_basis_of_a_csv_folder_is_read_too(medhavi, tables, tmp_path):
    first = tmp_path / "first"
    words = ("plan", "--tables", tables, "--mode", "constrained")
    assert medhavi(*words, "--out", first, "--format", "csv").code == 0
    made = medhavi(*words, "--effort", "incremental", "--baseline", first, "--json")
    assert made.answer["findings"][0]["code"] == "NET004"
    assert pl.read_csv(first / "fulfilment.csv").height == 1


def test_a_constrained_plan_on_a_baseline_says_what_was_placed(
    medhavi, tables, tmp_path
):
    words = ("plan", "--tables", tables, "--mode", "constrained")
    first = tmp_path / "first"
    assert medhavi(*words, "--out", first).code == 0
    made = medhavi(*words, "--effort", "incremental", "--baseline", first, "--json")
    assert made.code == 0, made.err
    assert made.answer["findings"][0]["code"] == "NET004"


@pytest.mark.req("REP-05")
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_safety_stock_of_tables_is_listed_and_written(medhavi, tables, tmp_path, kind):
    out = tmp_path / "out"
    words = ("safety-stock", "--tables", tables, "--out", out, "--format", kind)
    said = medhavi(*words, "--json")
    assert said.code == 0, said.err
    assert [row["product"] for row in said.answer["places"]] == ["A"]
    assert said.answer["proven"]
    assert (out / f"inventory_policies.{kind}").is_file()
    assert (out / f"curve.{kind}").is_file()
    assert said.answer["curve"][0]["service_level"] == 0.8
    again = medhavi(*words)
    assert "99.5 %" in again.out
    assert "a year (the least there is)" in again.out
    assert medhavi("safety-stock", "--tables", "nowhere").code == 2
