"""plan --mode constrained on the command line."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.results.pareto_front import ParetoFront
from medhavi.results.plans.plan import Plan
from medhavi.snapshot import Snapshot
from medhavi.workbench.files.cache import cache_folder
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import verify
from tests.examples import some
from tests.factories import AS_OF

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api import Progress


@pytest.mark.parametrize("effort", [None, "light"])
def test_a_constrained_plan_is_written_with_its_mode(
    medhavi, example, tmp_path, effort
):
    out = tmp_path / "result"
    words = ["plan", "--tables", example, "--mode", "constrained", "--out", out]
    said = medhavi(*words, *(["--effort", effort] if effort else []), "--json")
    assert said.code == 0, said.err
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert run["mode"] == "constrained"
    assert run["settings"]["effort"] == (effort or "standard")
    assert said.answer["run"]["mode"] == "constrained"


def test_settings_name_the_effort_too(medhavi, example, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text('effort = "full"\n', "utf-8")
    words = ["plan", "--tables", example, "--mode", "constrained"]
    said = medhavi(*words, "--settings", settings, "--json")
    assert said.code == 0, said.err
    assert said.answer["run"]["settings"]["effort"] == "full"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mode", "mrp", "--effort", "light"], "mode mrp has one effort"),
        (
            ["--mode", "constrained", "--effort", "incremental"],
            "plan --effort incremental builds on a plan",
        ),
    ],
)
def test_an_effort_that_changes_nothing_is_refused(medhavi, example, words, message):
    said = medhavi("plan", "--tables", example, *words)
    assert said.code == 2
    assert message in said.err


# -------------------------------------------------------------------------- progress
def test_progress_tells_late_demands_by_priority_and_the_bound(tmp_path):
    snapshot = Snapshot.from_folder(crowded(tmp_path / "tables"))
    told: list[Progress] = []
    wishes = {"engine": "python", "effort": "standard"}
    made = plan_snapshot(snapshot, "constrained", wishes, told.append)
    late = made.fulfilment.filter(made.fulfilment["status"] == "late")
    figures: dict[str, list[int]] = {}
    for one in told:
        if "late" in one.phase:
            figures.setdefault(one.phase, []).append(one.done)
    classes = [figures[f"late of priority {number}"] for number in (1, 2, 3)]
    # The last ones told are of the plan, or within a twentieth of it.
    assert sum(counts[-1] for counts in classes) >= late.height
    assert figures["late at least"][-1] <= late.height


# ---------------------------------------------------------------------- interruption
def crowded(folder: Path) -> Path:
    """Write 80 orders of ten products on three machines, most of them late."""
    products = [f"A{number}" for number in range(10)]
    tables = {
        "demands": [
            {
                "demand": f"D{number:02d}",
                "product": products[number * 7 % 10],
                "qty": 1 + number * 5 % 9,
                "due": AS_OF + dt.timedelta(days=1 + number * 3 % 11),
                "priority": 1 + number % 3,
            }
            for number in range(80)
        ],
        "routings": [{"routing": name, "product": name} for name in products],
        "steps": [
            {"routing": name, "step": step, "sequence": step, "fixed_minutes": 240}
            for name in products
            for step in (1, 2)
        ],
        "step_resources": [
            {"routing": name, "step": step, "resource": f"M{(place + step) % 3}"}
            for place, name in enumerate(products)
            for step in (1, 2)
        ],
        "resources": [{"resource": f"M{number}"} for number in range(3)],
    }
    factories.snapshot(**tables).to_folder(folder)
    return folder


@pytest.mark.parametrize(
    ("mode", "settings", "phase"),
    some(
        [
            ("constrained", 'engine = "python"\n', "late of priority"),
            ("optimize", "", "solve"),
        ],
        1,
    ),
)
def test_ctrl_c_keeps_the_best_plan_so_far(tmp_path, mode, settings, phase):
    place, out = crowded(tmp_path / "tables"), tmp_path / "out"
    wishes = tmp_path / "settings.toml"
    wishes.write_text('effort = "full"\n' + settings)
    words = ["plan", "--mode", mode, "--tables", place, "--out", out]
    code = "import sys; from medhavi.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--settings", wishes, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if phase in line:
            break
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=120)
    assert process.returncode == 3
    assert said.endswith("interrupted: the best plan so far was kept\n")
    assert json.loads(told)["run"]["status"] == "cancelled"
    made = Plan.from_folder(out)
    assert made.run.status == "cancelled"
    assert made.fulfilment.height == 80
    assert verify(made, Snapshot.from_folder(place)) == []


def test_ctrl_c_keeps_the_plans_of_a_front_that_were_made(tmp_path):
    snapshot = Snapshot.from_folder(crowded(tmp_path / "free"))
    place, out = tmp_path / "tables", tmp_path / "front"
    snapshot.replace(
        steps=snapshot["steps"].with_columns(
            fixed_minutes=0.0, run_minutes_per_unit=pl.lit(240.0)
        ),
        demands=snapshot["demands"].with_columns(
            price=100.0, late_cost_per_day=3.0 * pl.col("priority")
        ),
    ).to_folder(place)
    words = ["pareto", "--tables", place, "--out", out, "--points", "9", "--json"]
    code = "import sys; from medhavi.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--objectives", "cost,lateness"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("points"):
            break
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=120)
    assert process.returncode == 3, said
    assert said.endswith("interrupted: the points so far were kept\n")
    front = ParetoFront.from_folder(out)
    assert json.loads(told)["points"] == front.points.to_dicts()
    assert front.points.height >= 1
    told_of = Snapshot.from_folder(place)
    assert all(verify(made, told_of) == [] for made in front.plans.values())


@pytest.mark.req("OPA-21")
@pytest.mark.nightly  # by day: tests/planners/test_resumed_runs.py
def test_a_killed_run_of_mode_optimize_is_resumed(medhavi, tmp_path, monkeypatch):
    """Killed after its first plan; what it had done is gone when it is done."""
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    place = crowded(tmp_path / "tables")
    words = ["plan", "--mode", "optimize", "--tables", str(place)]
    code = "import sys; from medhavi.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("solve"):
            break
    process.kill()
    process.communicate(timeout=60)
    steps = cache_folder() / "steps"
    assert len(list(steps.iterdir())) == 1
    first = medhavi(*words, "--resume", "--out", tmp_path / "resumed", "--json")
    assert first.code == 0, first.err
    assert "late of priority" not in first.err.split("solve")[0]
    assert list(steps.iterdir()) == []
    whole = medhavi(*words, "--out", tmp_path / "whole", "--json")
    assert first.answer["fingerprint"] == whole.answer["fingerprint"]
    assert first.answer["run"] == whole.answer["run"]


@pytest.mark.req("OPA-21")
def test_resume_is_refused_where_no_steps_are_kept(medhavi, tmp_path):
    place = crowded(tmp_path / "tables")
    words = ("plan", "--tables", place, "--mode", "constrained", "--resume")
    said = medhavi(*words)
    assert said.code == 2
    assert "mode constrained keeps no steps" in said.err


def test_ctrl_c_before_any_plan_leaves_what_was_there(tmp_path):
    snapshot = Snapshot.from_folder(crowded(tmp_path / "tables"))
    with pytest.raises(KeyboardInterrupt):
        plan_snapshot(snapshot, "constrained", cancelled=lambda: True)
