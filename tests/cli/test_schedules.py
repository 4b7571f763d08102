"""`medhavi schedule` and `medhavi risk`: files in, one answer out, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from medhavi.results.plans.plan import Plan
from medhavi.results.reports.risk import RiskReport
from medhavi.results.schedules.schedule import Schedule
from tests.planners.campaign_shop import campaign_tables
from tests.planners.workshop import changes, order, step, workshop


def document(**fields):
    return workshop(
        *(
            order(
                name,
                step(1, ("M", 10), name="fill", family=name),
                step(2, ("N", 7), after=[1]),
                due_minutes=30,
            )
            for name in ("A", "B", "C")
        ),
        resources=[{"resource": "M", "changeover_matrix": "m"}],
        changeovers=changes(("*", "*", 3)),
        objective=["late_orders", "makespan"],
        **fields,
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(document()), "utf-8")
    return path


@pytest.mark.req("SCH-19")
def test_a_schedule_is_one_object_with_the_stated_keys(medhavi, file, tmp_path):
    said = medhavi("schedule", file, "--out", tmp_path / "out", "--json")
    assert said.code == 0
    keys = (
        "status objective bound gap operations orders resources conflict findings run"
    )
    assert set(keys.split()) <= set(said.answer)
    assert said.answer["objective"] == {"late_orders": 1, "makespan": 43}
    assert said.answer["gap"] == {"late_orders": 0, "makespan": 0}
    row = said.answer["operations"][0]
    assert row["start"] == "2026-01-05T06:00:00Z"
    assert {"sales_order", "step", "resource", "finish", "setup_minutes"} <= set(row)
    assert {row["order"]: row["late_minutes"] for row in said.answer["orders"]} == {
        "A": 0,
        "B": 0,
        "C": 13,
    }
    made = Schedule.from_folder(tmp_path / "out")
    assert made.fingerprint == said.answer["run"]["fingerprint"]


def test_a_schedule_is_told_to_people(medhavi, file):
    said = medhavi("schedule", file)
    assert said.code == 0
    assert "optimal" in said.out
    assert "C is 13 min late" in said.out


@pytest.mark.req("SCH-21")
def test_two_runs_write_the_same_bytes(medhavi, file, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        medhavi("schedule", file, "--out", folder)
    for path in sorted(folders[0].iterdir()):
        if path.name != "measured.json":
            assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name


@pytest.mark.req("SCH-21")
def test_two_runs_answer_the_same_bytes(medhavi, file):
    assert medhavi("schedule", file, "--json").out == (
        medhavi("schedule", file, "--json").out
    )


def test_the_call_chooses_objectives(medhavi, file):
    said = medhavi("schedule", file, "--objective", "makespan, setup", "--json")
    assert list(said.answer["objective"]) == ["makespan", "setup"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--objective", "speed"], 1, "speed is not an objective"),
        (["--objective", "energy"], 2, "tariffs"),
        (["--effort", "0"], 2, "above 0"),
    ],
)
def test_a_wrong_option_is_told(medhavi, file, words, code, text):
    said = medhavi("schedule", file, *words)
    assert said.code == code
    assert text in said.err


def test_a_file_that_is_not_there_is_told(medhavi, tmp_path):
    assert medhavi("schedule", tmp_path / "no.json").code == 2


def test_mistakes_of_a_file_are_findings_and_exit_1(medhavi, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document(colour="red", effort=-1)), "utf-8")
    said = medhavi("schedule", path, "--out", tmp_path / "out", "--json")
    assert said.code == 1
    assert said.codes == ["SCHED002", "SCHED004"]
    assert not (tmp_path / "out").exists()


def test_a_problem_without_a_schedule_names_the_conflict_and_exits_1(medhavi, tmp_path):
    stated = document()
    stated["resources"][0]["windows"] = [[0, 9]]
    path = tmp_path / "tight.json"
    path.write_text(json.dumps(stated), "utf-8")
    said = medhavi("schedule", path, "--out", tmp_path / "out", "--json")
    assert said.code == 1
    assert said.answer["status"] == "infeasible"
    kinds = {row["kind"] for row in said.answer["conflict"]}
    assert kinds == {"step", "windows"}
    assert said.codes == ["SCHED050"]
    assert Schedule.from_folder(tmp_path / "out").conflict.height == 2


# ------------------------------------------------------------------------------ risk
@pytest.fixture
def made(medhavi, file, tmp_path):
    medhavi("schedule", file, "--out", tmp_path / "made")
    return tmp_path / "made"


@pytest.mark.req("RSK-04")
def test_risk_answers_with_the_stated_keys(medhavi, file, made, tmp_path):
    words = ["--schedule", made, "--spread", "0.3", "--steps", "fill", "--json"]
    said = medhavi("risk", file, *words, "--out", tmp_path / "risk")
    assert said.code == 0
    keys = ["mean", "sd", "var95", "cvar95", "premium", "min", "max"]
    assert list(said.answer["makespan"]) == keys
    assert set(said.answer["orders"][0]) == {
        "order",
        "prob_late",
        "finish_p50",
        "finish_p95",
    }
    report = RiskReport.from_folder(tmp_path / "risk")
    assert report.makespans.len() == 10_000
    assert report.fingerprint == said.answer["run"]["fingerprint"]
    again = medhavi("risk", file, *words)
    assert again.answer["makespan"] == said.answer["makespan"]


def test_risk_is_told_to_people(medhavi, file, made):
    words = ["--schedule", made, "--spread", "0.3", "--scenarios", "200"]
    said = medhavi("risk", file, *words, "--keep-starts")
    assert said.code == 0
    assert "200 scenarios, keep starts" in said.out
    assert "C is late in 100 %" in said.out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 1, "run_minutes_range"),
        (["--spread", "2"], 2, "below 1"),
        (["--steps", "fill"], 2, "spread"),
        (["--spread", "0.2", "--steps", "file"], 1, "did you mean fill"),
        (["--scenarios", "0"], 2, "scenarios"),
    ],
)
def test_risk_without_sense_is_told(medhavi, file, made, words, code, text):
    said = medhavi("risk", file, "--schedule", made, *words)
    assert said.code == code
    assert text in said.err


def test_a_folder_without_a_schedule_is_told(medhavi, file, tmp_path):
    assert medhavi("risk", file, "--schedule", tmp_path / "no").code == 2
    (tmp_path / "empty").mkdir()
    said = medhavi("risk", file, "--schedule", tmp_path / "empty")
    assert said.code == 2
    assert "it is not a schedule" in said.err


# ---------------------------------------------------------------------- interruption
def test_ctrl_c_keeps_the_best_schedule_so_far(tmp_path):
    # Thirty orders on five machines: far from proven within the first second.
    orders = [
        order(
            f"J{job:02d}",
            *(
                step(
                    each + 1,
                    (f"M{(job * 3 + each * 2) % 5}", 1 + (job * 7 + each * 5) % 19),
                    (f"M{(job + each) % 5 + 5}", 1 + (job * 5 + each * 3) % 17),
                )
                for each in range(5)
            ),
        )
        for job in range(30)
    ]
    path, out = tmp_path / "large.json", tmp_path / "out"
    path.write_text(json.dumps(workshop(*orders, effort=500)), "utf-8")
    code = "import sys; from medhavi.cli import main; sys.exit(main())"
    words = ["schedule", str(path), "--out", str(out), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "searching" in line:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 3
    answer = json.loads(told)
    assert answer["status"] == "cancelled"
    assert answer["run"]["repeatable"] is False
    made = Schedule.from_folder(out)
    assert made.operations.height == 150


@pytest.mark.req("SCH-05")
def test_the_next_days_of_a_plan_are_scheduled(medhavi, tmp_path):
    tables, plan = tmp_path / "tables", tmp_path / "plan"
    campaign_tables(tables)
    place = ("--tables", tables)
    assert medhavi("plan", *place, "--mode", "constrained", "--out", plan).code == 0
    said = medhavi("schedule", plan, *place, "--days", "10", "--json")
    assert said.code == 0, said.err
    assert said.answer["status"] == "optimal"
    assert said.answer["objective"]["late_orders"] == 0
    numbers = {row["order"] for row in said.answer["orders"]}
    assert numbers == set(Plan.from_folder(plan).supplies["number"])
    assert medhavi("schedule", plan, *place, "--days", "-1").code == 2
    assert medhavi("plan", *place, "--mode", "mrp", "--out", plan).code == 0
    said = medhavi("schedule", plan, *place)
    assert said.code == 2
    assert "infinite capacity" in said.err


def test_days_of_a_file_are_a_wrong_call(medhavi, file):
    said = medhavi("schedule", file, "--days", "3")
    assert said.code == 2
    assert "are for the folder of a plan" in said.err
