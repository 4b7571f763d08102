"""plan, kpi, explain, compare, export: from tables to a result folder and back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from medhavi.cli.application import run
from medhavi.cli.planning import plan_query_commands
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import SCHEMAS
from tests.api import write_csv_template
from tests.examples import some

PROGRAM = "import sys; from medhavi.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Folder of a plan of the example; tests read it."""
    place = tmp_path_factory.mktemp("planned")
    write_csv_template(place / "tables", example=True)
    words = ["plan", "--tables", place / "tables", "--out", place / "result"]
    assert run([str(word) for word in words]) == 0
    return place / "result"


@pytest.fixture
def result(planned, tmp_path):
    """Copy of that plan for a test of its own."""
    return shutil.copytree(planned, tmp_path / "result")


def contents(folder):
    """Bytes of the files that repeat; measurements do not."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name != "measured.json"
    }


def test_a_result_holds_all_tables_and_what_is_told_about_them(result):
    names = {path.name for path in result.iterdir()}
    assert names == {
        *(f"{name}.parquet" for name in SCHEMAS),
        "run.json",
        "kpis.json",
        "measured.json",
        "basis.arrow",
    }


def test_run_json_says_how_the_plan_came_about(result):
    run = json.loads((result / "run.json").read_text())
    assert run["mode"] == "mrp"
    assert run["as_of"] == "2026-03-02T06:00:00Z"
    assert run["findings"] == []
    assert len(run["fingerprint"]) == 64


def test_measurements_live_apart(result):
    measured = json.loads((result / "measured.json").read_text())
    assert {"load", "plan", "verify"} <= set(measured["phases"])
    assert measured["peak_memory_mb"] > 0


def test_the_same_tables_give_the_same_bytes(medhavi, example, result, tmp_path):
    medhavi("plan", "--tables", example, "--out", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(result)


@pytest.mark.nightly
def test_hash_seed_and_threads_change_nothing(example, result, tmp_path):
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "POLARS_MAX_THREADS": "1",
    }
    out = tmp_path / "other"
    words = ["plan", "--tables", str(example), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(result)


def test_a_plan_in_csv_is_the_same_plan(medhavi, example, result, tmp_path):
    out = tmp_path / "csv"
    said = medhavi("plan", "--tables", example, "--out", out, "--format", "csv")
    assert said.code == 0
    assert {p.suffix for p in out.iterdir()} == {".csv", ".json", ".arrow"}
    assert Plan.from_folder(out).fingerprint == Plan.from_folder(result).fingerprint


def test_a_plan_of_a_workbook_is_the_same_plan(medhavi, result, tmp_path):
    medhavi("template", "--xlsx", tmp_path / "t.xlsx", "--example")
    said = medhavi("plan", "--tables", tmp_path / "t.xlsx", "--json")
    assert said.answer["fingerprint"] == Plan.from_folder(result).fingerprint


def test_json_is_one_object_with_findings_and_figures(medhavi, example):
    said = medhavi("plan", "--tables", example, "--json")
    assert said.code == 0
    assert said.answer["run"]["planner"] == "mrp"
    assert said.answer["findings"] == []
    assert said.answer["rows"]["fulfilment"] == 3
    assert "KPI-28" in said.answer["kpis"]


def test_a_plan_answers_each_demand(result):
    fulfilment = Plan.from_folder(result).fulfilment
    assert fulfilment["demand"].to_list() == ["D-1", "D-2", "D-3"]
    assert fulfilment.filter(pl.col("short") > 0).is_empty()


def test_a_second_plan_replaces_the_first(medhavi, example, result):
    before = contents(result)
    said = medhavi("plan", "--tables", example, "--out", result)
    assert said.code == 0
    assert contents(result) == before


def test_a_folder_of_other_things_is_never_replaced(medhavi, example):
    said = medhavi("plan", "--tables", example, "--out", example)
    assert said.code == 2
    assert "is not part of such a result" in said.err
    assert (example / "demands.csv").is_file()


def test_settings_reach_the_planner(medhavi, example, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('engine = "python"\n')
    said = medhavi("plan", "--tables", example, "--settings", file)
    assert said.code == 0, said.err
    file.write_text("no_such_setting = 1\n")
    said = medhavi("plan", "--tables", example, "--settings", file)
    assert said.code == 2
    assert "no_such_setting" in said.err


def test_kpi_prints_figures(medhavi, result):
    said = medhavi("kpi", result)
    assert said.code == 0
    assert "KPI-28" in said.out
    assert medhavi("kpi", result, "--json").answer["kpis"]["KPI-28"]


def test_explain_shows_the_chain_of_a_demand(medhavi, result):
    said = medhavi("explain", result, "--demand", "D-2")
    assert said.code == 0
    assert "D-2" in said.out
    assert "LEMONADE" in said.out


@pytest.mark.req("OME-01", "OME-09")
def test_explain_says_why_an_order_has_this_source(medhavi, example, tmp_path):
    """GLASS asks 0.25 a bottle, CANS 0.30 and more than the plan is willing to wait."""
    terms = example / "supply_terms.csv"
    rows = terms.read_text("utf-8").splitlines()
    glass = next(row for row in rows if row.startswith("GLASS,BOTTLE"))
    other = glass.replace("GLASS", "CANS", 1).replace("0.25", "0.30", 1)
    terms.write_text("\n".join([*rows, other, ""]), "utf-8")
    sellers = example / "suppliers.csv"
    known = sellers.read_text("utf-8").splitlines()
    row = next(one for one in known if one.startswith("GLASS"))
    sellers.write_text(
        "\n".join([*known, row.replace("GLASS", "CANS", 1), ""]), "utf-8"
    )
    made = tmp_path / "made"
    assert medhavi("plan", "--tables", example, "--out", made).code == 0
    asked = "explain", made, "--demand", "D-3", "--sources"
    said = medhavi(*asked, "--tables", example, "--json")
    assert said.code == 0
    choice = next(one for one in said.answer["sources"] if one["product"] == "BOTTLE")
    used = next(one for one in choice["sources"] if one["used"])
    assert {one["source"] for one in choice["sources"]} == {"GLASS", "CANS"}
    assert used["more"] == 0
    assert "a unit" in medhavi(*asked, "--tables", example).out
    demands = example / "demands.csv"
    demands.write_text(demands.read_text("utf-8").replace(",600,", ",601,"), "utf-8")
    other_facts = medhavi(*asked, "--tables", example)
    assert (other_facts.code, "a plan of other facts" in other_facts.err) == (2, True)


def test_explain_names_demands_that_are_near(medhavi, result):
    said = medhavi("explain", result, "--demand", "D-22")
    assert said.code == 2
    assert "no demand D-22; the nearest name is D-2." in said.err


def test_compare_finds_nothing_between_a_plan_and_itself(medhavi, result):
    said = medhavi("compare", result, result, "--json")
    assert said.code == 0
    assert said.answer["equal"]
    assert said.answer["changes"]["supplies_changed"] == []


def test_compare_finds_what_more_demand_changes(medhavi, example, result, tmp_path):
    demands = example / "demands.csv"
    text = demands.read_text("utf-8")
    demands.write_text(text.replace("D-3,LEMONADE,SHOP,600", "D-3,LEMONADE,SHOP,900"))
    assert medhavi("plan", "--tables", example, "--out", tmp_path / "more").code == 0
    said = medhavi("compare", result, tmp_path / "more")
    assert said.code == 0
    assert "supplies: " in said.out
    assert "fulfilment: 0 added, 0 removed, 1 changed" in said.out
    money = medhavi("compare", result, tmp_path / "more", "--json").answer["money"]
    change = {row["part"]: row["change"] for row in money}
    assert change["purchase"] > 0
    assert f"purchase +{change['purchase']:,.0f}" in said.out


@pytest.mark.parametrize("kind", ["xlsx", "csv", "html"])
def test_export_writes_beside_the_plan(medhavi, result, kind):
    said = medhavi("export", result, "--to", kind, "--json")
    assert said.code == 0, said.err
    place = result.with_name("result-csv" if kind == "csv" else f"result.{kind}")
    assert place.exists()


def test_the_page_needs_no_network(medhavi, result):
    medhavi("export", result, "--to", "html")
    page = result.with_name("result.html").read_text("utf-8")
    for mark in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert mark not in page


@pytest.mark.parametrize(
    "words", [("--since", 0), ("--lake", "lake"), ("--from", "sqlite:///events.db")]
)
def test_a_plan_is_not_exported_since_a_position(medhavi, result, words):
    said = medhavi("export", result, "--to", "csv", *words)
    assert said.code == 2
    assert f"{words[0]} can only be given with the word orders" in said.err
    assert "leave that out, or name orders instead of a folder" in said.err
    assert not result.with_name("result-csv").exists()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from medhavi.cli import main
sys.exit(main())
"""


def test_a_disk_that_refuses_leaves_the_last_good_plan(example, result):
    before = contents(result)
    words = ["plan", "--tables", str(example), "--out", str(result)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert contents(result) == before
    assert {p.name for p in result.parent.iterdir()} == {"tables", "result"}


@pytest.mark.parametrize("number", some([signal.SIGINT, signal.SIGTERM], 1))
def test_an_interrupt_ends_in_3_and_leaves_nothing(example, tmp_path, number):
    store = f"sqlite:///{tmp_path}/events.db"
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "generate", "--to", store],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    first = running.stderr.readline()
    time.sleep(0.2)
    running.send_signal(number)
    _, rest = running.communicate(timeout=60)
    assert first.startswith("generating")
    assert running.returncode == 3, rest
    assert "Interrupted" in rest
    assert "Traceback" not in rest


def test_a_place_for_something_else_is_refused_before_planning(medhavi, example):
    said = medhavi("plan", "--tables", example, "--out", example)
    assert said.code == 2
    assert "which is not part of such a result" in said.err
    assert "planning" not in said.err


def test_weights_are_calibrated_from_plans_and_are_settings(medhavi, planned, tmp_path):
    said = medhavi("calibrate", planned)
    assert said.code == 0, said.err
    assert "cost_weight = 1" in said.out
    weights = tmp_path / "weights.toml"
    weights.write_text(said.out, "utf-8")
    tables = planned.parent / "tables"
    words = ("plan", "--tables", tables, "--mode", "optimize", "--effort", "light")
    assert medhavi(*words, "--settings", weights).code == 0


@pytest.mark.req("NEX-05")
def test_kpi_forecasts_service_with_its_interval(medhavi, example, result):
    asked = ("kpi", result, "--tables", example, "--forecast", "--scenarios", 40)
    said = medhavi(*asked)
    assert said.code == 0, said.err
    assert "Execution risk: 40 scenarios" in said.out
    assert "80 % between" in said.out
    assert "week from" in said.out
    answer = medhavi(*asked, "--json").answer
    assert answer["scenarios"] == 40
    assert {row["figure"] for row in answer["figures"]} == {
        "on_time_in_full",
        "late_demands",
        "cost_of_lateness",
    }
    assert answer == medhavi(*asked, "--json").answer
    one = medhavi(*asked, "--demand", "D-2", "--json").answer
    assert one["demand"] == "D-2"
    assert 0 <= one["on_time_prob"] <= 1


@pytest.mark.req("NEX-05")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--seed", "3"), "--seed belongs to --forecast"),
        (("--forecast", "--demand", "D-9"), "plans for no demand D-9"),
        (("--forecast", "--scenarios", "0"), "--scenarios"),
    ],
)
def test_kpi_refuses_what_makes_no_forecast(medhavi, example, result, more, words):
    tables = ("--tables", example) if "--forecast" in more else ()
    said = medhavi("kpi", result, *tables, *more)
    assert said.code == 2
    assert words in said.err


@pytest.mark.req("OME-08")
def test_a_plan_is_asked_five_queries(medhavi, example, result):
    asked = "diagnose", result, "--tables", example, "--baseline", result
    said = medhavi(*asked)
    assert said.code == 0
    for title in ("overloaded: ", "safety stock: ", "past due: ", "below 50 %: "):
        assert title in said.out
    assert "Orders that differ from the baseline: 0" in said.out
    answer = medhavi(*asked, "--json").answer
    assert answer["changes"] == []
    assert {row["resource"] for row in answer["unused"]} == {"FILLER", "KETTLE"}
    less = medhavi("diagnose", result)
    assert (less.code, "name what was planned" in less.err) == (0, True)
    assert medhavi("diagnose", result, "--json").answer["unused"] is None


@pytest.mark.req("OME-08")
def test_a_query_says_how_many_rows_it_leaves_out(
    medhavi, example, result, monkeypatch
):
    """Sixteen buckets are hardly used; of three that are listed nothing said so."""
    monkeypatch.setattr(plan_query_commands, "LISTED", 3)
    asked = "diagnose", result, "--tables", example
    rest = len(medhavi(*asked, "--json").answer["unused"]) - 3
    assert f"and {rest} more; `--json` has all" in medhavi(*asked).out
