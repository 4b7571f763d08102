"""The demonstration: from nothing to a report, and quickly the second time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from medhavi.cli.application import run
from medhavi.results.plan import Plan
from medhavi.workbench.demonstration import generate_company


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory):
    """A workspace in which the demonstration ran once."""
    folder = tmp_path_factory.mktemp("demo") / "aurora"
    assert run(["demo", "--dir", str(folder)]) == 0
    return folder


def test_it_leaves_events_lake_plan_and_report(workspace):
    names = {path.name for path in workspace.iterdir()}
    assert {"events.db", "lake", "plan", "report.html", "demo.json"} <= names
    assert (workspace / "report.html").stat().st_size > 10_000


def test_a_second_run_reuses_events_and_plan(medhavi, workspace):
    before = (workspace / "plan" / "run.json").stat().st_mtime_ns
    said = medhavi("demo", "--dir", workspace, "--json")
    assert said.code == 0
    assert said.answer["reused"] == ["events", "plan"]
    assert (workspace / "plan" / "run.json").stat().st_mtime_ns == before


def test_it_tells_figures_worst_demands_and_the_way_on(medhavi, workspace):
    said = medhavi("demo", "--dir", workspace)
    for text in ("KPI-28", "should have started", "medhavi serve", "not built yet"):
        assert text in said.out


def test_the_readme_shows_what_it_prints(medhavi, workspace):
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```\n(supplies: .*?)```", readme, re.DOTALL)
    printed = medhavi("demo", "--dir", workspace).out.splitlines()
    assert [line for line in block.splitlines() if line not in printed] == []


def test_its_figures_are_those_of_the_plan(medhavi, workspace):
    said = medhavi("demo", "--dir", workspace, "--json")
    assert (
        said.answer["fingerprint"] == Plan.from_folder(workspace / "plan").fingerprint
    )
    assert 1 <= len(said.answer["worst"]) <= 5


def test_the_company_is_not_perfect(medhavi, workspace):
    said = medhavi("demo", "--dir", workspace, "--json")
    shares = [said.answer["kpis"][name]["value"] for name in ("KPI-09", "KPI-10")]
    assert all(0 < share < 1 for share in shares)


def test_another_seed_makes_another_company(medhavi, workspace, tmp_path):
    store = f"sqlite:///{tmp_path}/events.db"
    said = medhavi("generate", "--to", store, "--seed", 8, "--json")
    known = json.loads((workspace / "demo.json").read_text())
    assert said.answer["events"] != known["events"]


def test_a_folder_of_other_things_is_refused(medhavi, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    said = medhavi("demo", "--dir", tmp_path)
    assert said.code == 2
    assert "holds thesis.txt" in said.err


def test_a_store_with_events_is_not_written_into(medhavi, workspace):
    said = medhavi("generate", "--to", f"sqlite:///{workspace}/events.db")
    assert said.code == 2
    assert "holds events already" in said.err


def test_an_unknown_company_is_named(medhavi, tmp_path):
    store = f"sqlite:///{tmp_path}/events.db"
    said = medhavi("generate", "--to", store, "--company", "borealis")
    assert said.code == 2
    assert "no company borealis; there is aurora" in said.err


def test_the_same_seed_gives_the_same_events(tmp_path):
    counts = {
        generate_company(f"sqlite:///{tmp_path}/{name}.db", seed=3) for name in "ab"
    }
    assert len(counts) == 1


@pytest.mark.nightly
def test_the_medium_company_is_shown_too(medhavi, tmp_path):
    said = medhavi("demo", "--dir", tmp_path / "m", "--scale", "medium", "--json")
    assert said.code == 0, said.err
