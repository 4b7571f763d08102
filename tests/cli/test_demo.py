"""The demonstration: from nothing to a report, and quickly the second time."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medhavi.cli.application import run
from medhavi.results.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Two runs in one workspace: the first in JSON, the second in text."""

    folder: Path
    first: dict[str, Any]
    second: str
    written: tuple[int, int]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo") / "aurora"
    record = folder / "plan" / "run.json"
    with redirect_stdout(io.StringIO()) as answer:
        assert run(["demo", "--dir", str(folder), "--json"]) == 0
    before = record.stat().st_mtime_ns
    with redirect_stdout(io.StringIO()) as text:
        assert run(["demo", "--dir", str(folder)]) == 0
    return Shown(
        folder=folder,
        first=json.loads(answer.getvalue()),
        second=text.getvalue(),
        written=(before, record.stat().st_mtime_ns),
    )


def test_it_leaves_events_lake_plan_and_report(shown):
    names = {path.name for path in shown.folder.iterdir()}
    assert {"events.db", "lake", "plan", "report.html", "demo.json"} <= names
    assert (shown.folder / "report.html").stat().st_size > 10_000
    assert shown.first["reused"] == []


def test_a_second_run_reuses_events_predictors_plans_and_runs(shown):
    reused = "reused from an earlier run: events, predictors, plan, "
    assert f"{reused}plan-constrained, plan-optimize" in shown.second
    assert shown.written[0] == shown.written[1]


@pytest.mark.parametrize(
    "text",
    [
        "KPI-28",
        "should have started",
        "medhavi serve",
        "beats the plain quantile",
        "The plan in three modes",
        "ASK-3",
        "15 % more demand",
    ],
)
def test_it_tells_figures_worst_demands_and_the_way_on(shown, text):
    assert text in shown.second


def test_the_readme_shows_what_it_prints(shown):
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```\n(supplies: .*?)```", readme, re.DOTALL)
    printed = shown.second.splitlines()
    assert [line for line in block.splitlines() if line not in printed] == []


def test_its_figures_are_those_of_the_plan(shown):
    plan = Plan.from_folder(shown.folder / "plan")
    assert shown.first["fingerprint"] == plan.fingerprint
    assert 1 <= len(shown.first["worst"]) <= 5


def test_a_constrained_plan_is_late_where_mrp_overloads(shown):
    modes = {row["mode"]: row for row in shown.first["modes"]}
    assert modes["mrp"]["overload_h"] > 0
    assert modes["constrained"]["overload_h"] == 0
    assert modes["constrained"]["late"] > modes["mrp"]["late"]
    # What lateness, stock and overtime cost together is least where it is weighed.
    assert modes["optimize"]["cost"] < modes["constrained"]["cost"]


def test_three_requests_are_answered_and_repeat(shown):
    answers = shown.first["promises"]
    assert [one["sales_order"] for one in answers] == ["ASK-1", "ASK-2", "ASK-3"]
    assert all(one["date"] for one in answers)
    asked = json.loads((shown.folder / "requests.json").read_text("utf-8"))
    assert [row["sales_order"] for row in asked] == ["ASK-1", "ASK-2", "ASK-3"]


def test_the_study_has_four_scenarios(shown):
    assert [row["scenario"] for row in shown.first["study"]][:2] == [
        "as it is",
        "15 % more demand",
    ]
    assert len(shown.first["study"]) == 4
    assert (shown.folder / "study" / "report.html").is_file()


def test_the_company_is_not_perfect(shown):
    shares = [shown.first["kpis"][name]["value"] for name in ("KPI-09", "KPI-10")]
    assert all(0 < share < 1 for share in shares)


def test_a_folder_of_other_things_is_refused(medhavi, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    said = medhavi("demo", "--dir", tmp_path)
    assert said.code == 2
    assert "holds thesis.txt" in said.err


def test_a_store_with_events_is_not_written_into(medhavi, shown):
    said = medhavi("generate", "--to", f"sqlite:///{shown.folder}/events.db")
    assert said.code == 2
    assert "holds events already" in said.err


def test_an_unknown_company_is_named(medhavi, tmp_path):
    store = f"sqlite:///{tmp_path}/events.db"
    said = medhavi("generate", "--to", store, "--company", "borealis")
    assert said.code == 2
    assert "no company borealis; there is aurora" in said.err


@pytest.mark.nightly
def test_the_medium_company_is_shown_too(medhavi, tmp_path):
    said = medhavi("demo", "--dir", tmp_path / "m", "--scale", "medium", "--json")
    assert said.code == 0, said.err
