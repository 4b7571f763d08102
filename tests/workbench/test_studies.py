"""Running studies: cache, processes, refusals, repeatability, interruption."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.errors import EnvironmentFailure, LimitReached, UsageError
from medhavi.findings import BadData
from medhavi.predict.registry import quietly, store_client
from medhavi.results.reports.study import StudyReport
from medhavi.scenarios import compute
from medhavi.snapshot import Snapshot
from medhavi.workbench.studies.studies import (
    execute,
    plan_of_run,
    read_study,
    run_study,
    write_report,
)
from tests import factories

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api import Progress

STUDY = """
name = "s"
base = { tables = "tables" }
executor = "serial"
[[scenario]]
name = "base"
[[scenario]]
name = "more"
change = [{ kind = "demand_factor", factor = 2 }]
[[scenario]]
name = "wrong"
change = [{ kind = "demand_factor", factor = 2, product = "Z" }]
[output]
kpis = ["KPI-28", "KPI-09"]
compare_to = "base"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tables and a study of them."""
    written(tmp_path)
    return tmp_path


def written(tmp_path: Path) -> None:
    factories.snapshot(
        demands=[{"demand": "D", "qty": 10, "due": "2026-01-06T00:00:00Z"}],
        stock=[{"product": "A", "location": "L", "qty": 12}],
        suppliers=[{"supplier": "S"}],
        supply_terms=[{"lead_time_days": 5}],
    ).to_folder(tmp_path / "tables")
    (tmp_path / "study.toml").write_text(STUDY)


def run(folder: Path, **options: object):
    return run_study(folder / "study.toml", cache=folder / "cache", **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """The same study after its first run, and what that gave; tests only look."""
    place = tmp_path_factory.mktemp("whole")
    written(place)
    return place, run(place)


@pytest.fixture
def finished(whole, tmp_path: Path) -> Path:
    """A copy of that folder for a test of its own."""
    return shutil.copytree(whole[0], tmp_path / "finished")


@pytest.mark.req("RPL-11")
@pytest.mark.req("RPL-13")
def test_scenarios_stand_side_by_side(whole):
    report = whole[1].report
    on_time = report.table().select("scenario", "status", "KPI-09").rows()
    # Ten of twelve pieces are there; of twenty, eight come five days after now.
    assert on_time == [
        ("base", "heuristic", 1.0),
        ("more", "heuristic", 0.0),
        ("wrong", "refused", None),
    ]
    assert report.figures.filter(
        (pl.col("scenario") == "more") & (pl.col("kpi") == "KPI-09")
    )["difference"].to_list() == [-1.0]


def test_a_refused_run_says_why_and_others_go_on(whole):
    report = whole[1].report
    problem = report.runs["problem"].to_list()[-1]
    assert problem.startswith("STU006")
    assert "refused: STU006" in str(report)
    assert "KPI-09 0 % (\N{MINUS SIGN}100 percentage points)" in str(report)


def test_nothing_is_computed_twice(folder):
    first, second = run(folder), run(folder)
    assert (first.computed, first.reused) == (3, 0)
    assert (second.computed, second.reused) == (0, 3)
    for out, result in (("one", first), ("two", second)):
        write_report(result, folder / out, "parquet")
    for name in ("runs.parquet", "figures.parquet", "table.parquet", "report.html"):
        assert (folder / "one" / name).read_bytes() == (
            folder / "two" / name
        ).read_bytes()


@pytest.mark.nightly
@pytest.mark.req("OPA-20")
def test_processes_give_what_one_process_gives(whole, folder):
    here = whole[1].report
    there = run_study(
        folder / "study.toml", cache=folder / "other", executor="processes"
    ).report
    assert here.runs.equals(there.runs)
    assert here.figures.equals(there.figures)


def test_another_study_takes_the_finished_runs(finished):
    (finished / "study.toml").write_text(
        STUDY.replace('name = "s"', 'name = "t"').replace('"more"', '"double"')
    )
    assert run(finished).computed == 0


def test_a_changed_base_is_computed_again(finished):
    frame = pl.read_parquet(finished / "tables" / "stock.parquet")
    frame.with_columns(qty=pl.col("qty") + 1).write_parquet(
        finished / "tables" / "stock.parquet"
    )
    assert run(finished).computed == 3


@pytest.mark.nightly
def test_computed_runs_are_logged_below_the_study_and_once(folder):
    models = folder / "models"
    run(folder, track=models)
    run(folder, track=models)
    with quietly():
        client = store_client(models)
        experiment = client.get_experiment_by_name("studies")
        logged = client.search_runs([experiment.experiment_id])
    [parent] = [r for r in logged if "mlflow.parentRunId" not in r.data.tags]
    below = [r for r in logged if r is not parent]
    assert parent.data.params["computed"] == "3"
    assert {r.data.tags["mlflow.parentRunId"] for r in below} == {parent.info.run_id}
    by_name = {r.info.run_name: r for r in below}
    assert by_name["more"].data.metrics["KPI-09"] == 0.0
    assert by_name["wrong"].data.tags["status"] == "refused"


def test_a_damaged_cache_entry_is_computed_again(whole, finished):
    name = whole[1].report.runs["run"][0]
    (finished / "cache" / name / "outcome.json").write_text("{half")
    assert run(finished).computed == 1


def test_a_changed_shared_base_is_refused(whole, finished):
    [shared] = finished.glob("cache/base-*")
    (shared / "stock.parquet").unlink()
    name = whole[1].report.runs["run"][0]
    (finished / "cache" / name / "outcome.json").unlink()
    with pytest.raises(EnvironmentFailure, match="was changed while"):
        run(finished)


def test_the_report_is_read_back(whole, tmp_path):
    result = whole[1]
    write_report(result, tmp_path / "out", "parquet")
    again = StudyReport.from_folder(tmp_path / "out")
    assert again.runs.equals(result.report.runs)
    assert str(again) == str(result.report)
    write_report(result, tmp_path / "csv", "csv")
    assert (tmp_path / "csv" / "runs.csv").is_file()


def test_a_folder_without_a_study_is_refused(folder):
    with pytest.raises(UsageError, match=r"holds no study\.json"):
        StudyReport.from_folder(folder)


def test_the_plan_of_a_run_is_found_by_the_begin_of_its_id(whole):
    folder, result = whole
    names = result.report.runs["run"].to_list()
    assert plan_of_run(names[0][:10], folder / "cache").run.mode == "mrp"
    with pytest.raises(UsageError, match="has no plan"):
        plan_of_run(names[2], folder / "cache")
    with pytest.raises(UsageError, match="0 runs"):
        plan_of_run("zz", folder / "cache")


@pytest.mark.parametrize("place", ["tables = 'no'", "lake = 'no'"])
def test_a_base_that_is_not_there_is_named(folder, place):
    (folder / "study.toml").write_text(f"name = 's'\nbase = {{ {place} }}")
    with pytest.raises(UsageError, match="no is not there"):
        run(folder)


def test_a_base_with_errors_is_refused(folder):
    factories.snapshot(demands=[{"qty": -1}]).to_folder(folder / "tables")
    with pytest.raises(BadData, match="SNAP"):
        run(folder)


def test_a_study_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="no study file"):
        read_study(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(UsageError, match="UTF-8"):
        read_study(tmp_path / "latin.toml")


def test_an_unknown_executor_is_named():
    with pytest.raises(UsageError, match="Unknown executor"):
        list(execute("cloud", str, [1, 2]))


def test_a_cluster_that_does_not_answer_is_named():
    pytest.importorskip("distributed")
    with pytest.raises(EnvironmentFailure, match="No Dask scheduler"):
        list(execute("dask://127.0.0.1:9", str, [1, 2]))


WHAT_IFS = """
name = "w"
base = { tables = "tables" }
executor = "serial"
seeds = [0, 1]
[[scenario]]
name = "base"
[[scenario]]
name = "more"
change = [{ kind = "demand_changed", demand = "D", qty = 15 }]
[[scenario]]
name = "stock"
change = [{ kind = "stock_factor", factor = 0.5 }]
[[scenario]]
name = "slow"
change = [{ kind = "lead_time_factor", factor = 2 }]
"""


@pytest.mark.req("MRP-13", "MRP-14", "RPL-11")
@pytest.mark.nightly
def test_what_ifs_are_netted_on_one_run_of_the_base(folder):
    (folder / "study.toml").write_text(WHAT_IFS)
    report = run(folder).report
    read = read_study(folder / "study.toml").runs
    base = Snapshot.from_folder(folder / "tables")
    ways = {}
    for row, one in zip(report.runs.iter_rows(named=True), read, strict=True):
        made = plan_of_run(row["run"], folder / "cache")
        whole = compute(base, one)
        assert whole.plan is not None
        assert made.fingerprint == whole.plan.fingerprint
        assert (made.run.run_id, made.run.seed) == (whole.plan.run.run_id, one.seed)
        ways[one.scenario] = made.run.netting
    assert ways == {
        "base": "kept_run",
        "more": "kept_run",
        "stock": "kept_run",
        "slow": "all",
    }


def test_a_run_is_kept_only_where_several_build_on_it(whole):
    folder, result = whole
    names = result.report.runs.filter(pl.col("status") != "refused")["run"]
    nettings = [plan_of_run(name, folder / "cache").run.netting for name in names]
    assert nettings == ["all", "all"]


def test_progress_counts_the_runs(folder):
    told: list[Progress] = []
    run(folder, observe=told.append)
    assert str(told[0]) == "study s: 3 runs, 0 finished before"
    assert [(one.done, one.total) for one in told[1:]] == [(1, 3), (2, 3), (3, 3)]


def test_killed_at_any_moment_the_study_goes_on(folder):
    command = [
        *(sys.executable, "-c", "import medhavi.cli; medhavi.cli.main()"),
        *("study", "run", "study.toml"),
        *("--cache", "cache", "--out", "out"),
    ]
    started = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    # What is still being written stands in a folder with a dot, and is not kept.
    kept = "cache/[!.]*/outcome.json"
    while not list(folder.glob(kept)) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    result = run(folder)
    assert result.computed + result.reused == 3
    assert result.reused >= 1
    assert result.report.runs.height == 3


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_cancelled_study_keeps_what_is_finished_and_goes_on(folder, executor):
    told: list[Progress] = []

    def one_is_done() -> bool:
        return any(one.done for one in told)

    with pytest.raises(LimitReached, match="1 of 3 runs were finished"):
        run(folder, executor=executor, observe=told.append, cancelled=one_is_done)
    kept = [place for place in (folder / "cache").glob("*") if place.is_dir()]
    assert not [place for place in kept if place.name.endswith(".tmp")]
    again = run(folder, executor="serial")
    assert again.reused >= 1
    assert again.computed + again.reused == 3
