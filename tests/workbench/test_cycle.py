"""The planning cycle: what runs when, how far it goes, what a kill leaves behind."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.cli.application import run
from medhavi.errors import UsageError
from medhavi.results.plans.plan import Plan
from medhavi.workbench.cycle.cycle import CycleJournal, run_cycle
from medhavi.workbench.cycle.steps import (
    DEFAULTS,
    STEPS,
    TEMPLATE,
    read_rules,
    rules_of,
)
from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import event, line, small_company

if TYPE_CHECKING:
    from pathlib import Path

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LIGHT = """\
approver = "ann"
[estimates]
trigger = "every 24 hours"
[mrp]
automation = "commit"
trigger = "on_change"
[constrained]
settings = { effort = "light" }
[replenish]
trigger = "every 1 hours"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A company whose events wait in the store; nothing is mirrored."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    return Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "my-cycle.toml"
    path.write_text(LIGHT, "utf-8")
    return path


def at(hours: float) -> Any:
    return lambda: NOON + dt.timedelta(hours=hours)


def statuses(report: Any) -> dict[str, str]:
    return {step.step: step.status for step in report.steps}


def journal(bench: Workbench) -> CycleJournal:
    place = bench.lake.path
    return CycleJournal(place.parent / f"{place.name}-cycle")


# --- what runs ----------------------------------------------------------------------
@pytest.mark.req("GEN-10", "GEN-12")
def test_the_first_cycle_runs_every_step_in_order(bench, config, tmp_path):
    report = run_cycle(bench, config, clock=at(0))
    assert [step.step for step in report.steps] == list(STEPS)
    found = statuses(report)
    assert found.pop("optimize") == "off"
    assert set(found.values()) == {"done"}
    assert report.failure is None
    folder = tmp_path / "lake-cycle"
    assert Plan.from_folder(folder / "mrp").supplies.height > 0
    assert Plan.from_folder(folder / "constrained").run.mode == "constrained"
    assert (folder / "replenish" / "monitor.parquet").is_file()
    kept = bench.table("gold.plan_runs").collect()
    assert sorted(kept["planner"]) == ["constrained", "mrp", "replenishment"]


def test_what_did_not_change_is_not_planned_again(bench, config):
    run_cycle(bench, config, clock=at(0))
    report = run_cycle(bench, config, clock=at(0.5))
    found = statuses(report)
    assert found == {
        "mirror": "done",
        "estimates": "skipped",
        "mrp": "skipped",
        "constrained": "skipped",
        "optimize": "off",
        "replenish": "skipped",
    }
    texts = {step.step: step.text for step in report.steps}
    assert texts["mrp"] == "nothing changed"
    assert "every 1 hours" in texts["replenish"]


@pytest.fixture
def unplanned(tmp_path: Path) -> Path:
    """Cycle file of the steps that have hours; none of them plans orders."""
    path = tmp_path / "unplanned.toml"
    off = [f"[{name}]\nautomation = 'off'\n" for name in ("mrp", "constrained")]
    every = [
        f"[{name}]\ntrigger = 'every {hours} hours'\n"
        for name, hours in (("estimates", 24), ("replenish", 1))
    ]
    path.write_text('approver = "ann"\n' + "".join([*off, *every]), "utf-8")
    return path


def test_hours_are_counted_from_the_last_run(bench, unplanned):
    run_cycle(bench, unplanned, clock=at(0))
    assert statuses(run_cycle(bench, unplanned, clock=at(1)))["replenish"] == "done"
    assert (
        statuses(run_cycle(bench, unplanned, clock=at(1.5)))["replenish"] == "skipped"
    )
    assert statuses(run_cycle(bench, unplanned, clock=at(24)))["estimates"] == "done"


def test_a_clock_that_was_set_back_stops_nothing(bench, unplanned):
    run_cycle(bench, unplanned, clock=at(100))
    assert statuses(run_cycle(bench, unplanned, clock=at(0)))["replenish"] == "done"


def test_new_events_are_planned(bench, config):
    run_cycle(bench, config, clock=at(0))
    bench.store.append_many([event(90, "OrderPlaced", **placed("SO-9"))])
    report = run_cycle(bench, config, clock=at(0.1))
    assert statuses(report)["mrp"] == "done"
    assert statuses(report)["constrained"] == "done"


def placed(order: str) -> dict[str, Any]:
    return {"sales_order": order, "lines": [line(f"D-{order}", qty=5.0)]}


# --- how far it goes ----------------------------------------------------------------
def test_a_committed_plan_is_published_once(bench, config):
    run_cycle(bench, config, clock=at(0))
    run_cycle(bench, config, clock=at(0.1))
    bench.mirror()
    (row,) = bench.events(type="PlanPublished").collect().to_dicts()
    assert json.loads(row["payload"])["approver"] == "ann"
    assert json.loads(row["payload"])["planner"] == "mrp"


def test_what_is_off_does_not_run_and_what_is_proposed_changes_nothing(bench, tmp_path):
    bench.mirror()
    before = bench.store.head()
    config = tmp_path / "c.toml"
    off = {name: {"automation": "off"} for name in ("estimates", "constrained")}
    lines = [f"[{name}]\nautomation = 'off'" for name in off]
    lines.append("[mirror]\nautomation = 'propose'")
    config.write_text("\n".join(lines), "utf-8")
    report = bench.cycle(config)
    found = statuses(report)
    assert (found["estimates"], found["constrained"]) == ("off", "off")
    assert "nothing copied" in report.steps[0].text
    assert (found["mrp"], bench.store.head()) == ("done", before)


def test_commit_of_stock_and_constrained_is_published_too(bench, tmp_path):
    config = tmp_path / "c.toml"
    sections = "\n".join(
        f"[{name}]\nautomation = 'commit'" for name in ("constrained", "replenish")
    )
    config.write_text(f"approver = 'ann'\n{sections}\n", "utf-8")
    assert bench.cycle(config).failure is None
    bench.mirror()
    rows = bench.events(type="PlanPublished").collect()
    told = sorted(json.loads(text)["planner"] for text in rows["payload"])
    assert told == ["constrained", "replenishment"]


@pytest.mark.req("KPI-22")
def test_a_constrained_step_builds_on_its_last_plan(bench, tmp_path):
    config = tmp_path / "c.toml"
    off = [f"[{name}]\nautomation = 'off'" for name in ("mrp", "replenish")]
    price = "settings = { effort = 'incremental', stability_price = 1000 }"
    config.write_text("\n".join([*off, "[constrained]", price]), "utf-8")
    assert run_cycle(bench, config, clock=at(0)).failure is None
    place = tmp_path / "lake-cycle" / "constrained"
    first = Plan.from_folder(place)
    assert "KPI-22" not in first.measured
    bench.store.append_many([event(90, "OrderPlaced", **placed("SO-9"))])
    report = run_cycle(bench, config, clock=at(0.1))
    assert statuses(report)["constrained"] == "done"
    second = Plan.from_folder(place)
    assert second.run.mode == "constrained"
    assert [one.code for one in second.findings if one.code[:3] == "NET"] != []
    latency = second.measured["KPI-22"]
    assert latency["unit"] == "second"
    assert latency["value"] >= 0
    assert "KPI-22" not in second.kpis.filter(pl.col("value").is_not_null())["kpi"]


NIGHTLY = """\
approver = "ann"
[estimates]
automation = "off"
[mrp]
automation = "off"
[constrained]
automation = "off"
[replenish]
automation = "off"
[optimize]
automation = "propose"
trigger = "every 24 hours"
settings = { effort = "light" }
"""


@pytest.fixture
def nightly(tmp_path: Path) -> Path:
    """Cycle file with the best plan once a day; of the rest the mirror alone runs."""
    path = tmp_path / "nightly.toml"
    path.write_text(NIGHTLY, "utf-8")
    return path


@pytest.mark.req("MODE-04", "MODE-06", "OMP-09")
def test_the_best_plan_of_a_night_is_a_proposal_until_it_is_committed(
    bench, nightly, tmp_path
):
    bench.mirror()
    head = bench.store.head()
    assert statuses(run_cycle(bench, nightly, clock=at(0)))["optimize"] == "done"
    made = Plan.from_folder(tmp_path / "lake-cycle" / "optimize")
    assert (made.run.mode, made.run.settings["effort"]) == ("optimize", "light")
    assert bench.store.head() == head
    assert statuses(run_cycle(bench, nightly, clock=at(23)))["optimize"] == "skipped"
    nightly.write_text(NIGHTLY.replace('"propose"', '"commit"'), "utf-8")
    assert statuses(run_cycle(bench, nightly, clock=at(24)))["optimize"] == "done"
    bench.mirror()
    (row,) = bench.events(type="PlanPublished").collect().to_dicts()
    assert json.loads(row["payload"])["planner"] == "optimize"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"effort": "incremental", "stability_price": -1}, "at least 0"),
        ({"effort": "sometimes"}, "must be one of"),
    ],
)
def test_settings_of_incremental_plans_are_checked_before_anything_runs(
    settings, words
):
    with pytest.raises(UsageError, match=words):
        rules_of({"constrained": {"settings": settings}}, "c.toml")


def test_effort_incremental_is_no_setting_of_mode_mrp():
    with pytest.raises(UsageError, match="effort"):
        rules_of({"mrp": {"settings": {"effort": "incremental"}}}, "c.toml")


# --- where it fails ----------------------------------------------------------------
def test_a_failed_step_ends_the_cycle_and_the_next_one_goes_on(bench, config):
    lines = [line("D-8", product="NO")]
    bad = event(91, "OrderPlaced", sales_order="SO-8", lines=lines)
    bench.store.append_many([bad])
    report = run_cycle(bench, config, clock=at(0), strict=True)
    found = statuses(report)
    assert found["mirror"] == "done"
    assert report.failure is not None
    assert [s for s in found.values() if s == "failed"] == ["failed"]
    assert found["replenish"] == "not_run"
    again = run_cycle(bench, config, clock=at(0.1), strict=True)
    assert "failed" in statuses(again).values()
    assert again.resumed is None


KILLED = """
import os, signal, sys
from pathlib import Path
from medhavi.workbench import Workbench
lake, store, config, word = sys.argv[1:]
def observe(text):
    if word in str(text):
        os.kill(os.getpid(), signal.SIGKILL)
Workbench(lake, store).cycle(Path(config), observe=observe)
"""


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("planning (mrp)", marks=pytest.mark.nightly),
        "planning (constrained)",
    ],
)
def test_a_killed_cycle_leaves_nothing_half_and_the_next_goes_on(
    bench, config, tmp_path, word
):
    store = f"sqlite:///{tmp_path}/events.db"
    words = [sys.executable, "-c", KILLED, tmp_path / "lake", store, config, word]
    killed = subprocess.run(words, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    step = "mrp" if "mrp" in word else "constrained"
    assert not (tmp_path / "lake-cycle" / step).exists()
    report = bench.cycle(config)
    assert report.resumed == "000001"
    assert report.failure is None
    found = statuses(report)
    assert found[step] == "done"
    if step == "constrained":
        texts = {one.step: one.text for one in report.steps}
        assert texts["mrp"] == "done before the interruption"
        assert Plan.from_folder(tmp_path / "lake-cycle" / "mrp").supplies.height
    assert bench.cycle(config).resumed is None


@pytest.mark.req("OPA-21")
def test_a_killed_step_goes_on_from_the_plans_that_it_had_made(
    bench, nightly, tmp_path, monkeypatch
):
    """Killed where the second plan begins; the next cycle does not make the first."""
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    store = f"sqlite:///{tmp_path}/events.db"
    words = [sys.executable, "-c", KILLED, tmp_path / "lake", store, nightly]
    killed = subprocess.run(
        [*words, "plan as it says"], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = list((tmp_path / "cache" / "steps").iterdir())
    assert kept
    phases: list[str] = []
    report = bench.cycle(nightly, observe=lambda told: phases.append(str(told)))
    assert (report.resumed, report.failure) == ("000001", None)
    assert statuses(report)["optimize"] == "done"
    first = phases.index("plan without the program")
    assert phases[first + 1] == "state"  # it was read: the program comes next
    assert not list((tmp_path / "cache" / "steps").iterdir())


@pytest.mark.req("OPA-04")
def test_two_cycles_of_a_lake_do_not_run_together(bench, config):
    with (
        journal(bench).alone(),
        pytest.raises(UsageError, match="Another cycle"),
    ):
        bench.cycle(config)


def test_a_line_that_was_cut_short_does_not_count(tmp_path):
    book = CycleJournal(tmp_path)
    book.write(cycle="000001", event="begin")
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"cycle": "000001", "ev')
    assert book.unfinished() == "000001"
    book.write(cycle="000001", event="end")
    assert len(book.entries()) == 2
    assert book.unfinished() is None
    assert book.next_number() == "000002"


# --- the file ----------------------------------------------------------------------
def test_the_template_is_right(tmp_path):
    path = tmp_path / "cycle.toml"
    path.write_text(TEMPLATE, "utf-8")
    rules = read_rules(path)
    assert rules.approver == "planning"
    assert {r.name: (r.automation, r.trigger) for r in rules.steps} == dict(DEFAULTS)


def test_every_problem_of_a_file_is_named():
    wrong = {
        "speed": 1,
        "approver": " ",
        "mirror": {"automation": "now", "settings": {}},
        "mrp": {"automation": "commit", "trigger": "hourly", "settings": {"x": 1}},
        "constrained": {"settings": 3},
        "replenish": 5,
    }
    with pytest.raises(UsageError) as refused:
        rules_of(wrong, "c.toml")
    text = str(refused.value)
    for words in (
        "unknown key 'speed'",
        "approver must be a name",
        "automation (now) must be one of off, propose, commit",
        "mirror: unknown key 'settings'",
        "trigger (hourly) must be always",
        "Unknown setting x",
        "settings must be names and values",
        "replenish must be a section",
        "name the approver",
    ):
        assert words in text


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_rules(tmp_path / "none.toml")
    path = tmp_path / "c.toml"
    path.write_text("[mrp", "utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        read_rules(path)


# --- the command -------------------------------------------------------------------
def test_the_command_prints_a_line_per_step(bench, config, tmp_path, capsys):
    words = ["cycle", "--lake", str(tmp_path / "lake"), "--config", str(config)]
    words += ["--from", f"sqlite:///{tmp_path}/events.db"]
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    told = {step["step"]: step["status"] for step in answer["steps"]}
    assert told == dict.fromkeys(STEPS, "done") | {"optimize": "off"}
    assert answer["failed"] is False
    assert run(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[0] for text in lines] == list(STEPS)


def test_a_failed_cycle_is_exit_code_1(bench, config, tmp_path, capsys):
    lines = [line("D-8", product="NO")]
    bench.store.append_many([event(91, "OrderPlaced", sales_order="S8", lines=lines)])
    words = ["cycle", "--lake", str(tmp_path / "lake"), "--config", str(config)]
    words += ["--from", f"sqlite:///{tmp_path}/events.db"]
    assert run([*words, "--strict"]) == 1
    assert "failed" in capsys.readouterr().out
    # without --strict the order of an unknown product is left out
    assert run(words) == 0
    assert "failed" not in capsys.readouterr().out
