"""Lessons and apps run without a screen: all cells, as a program and in a test."""

from __future__ import annotations

import ast
import html
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import marimo as mo
import pytest

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.api import names_of
from tests.planners.campaign_shop import campaign_tables
from tools.check_notebooks import other_imports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

pytestmark = pytest.mark.notebook
ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("n*.py"))
APPS = sorted((ROOT / "apps").glob("a_*.py"))
AS_PROGRAMS = [
    # The others run in this process in tests of their own.
    pytest.param(
        path,
        id=path.stem,
        marks=() if path.stem[:3] in {"n01", "n07"} else pytest.mark.nightly,
    )
    for path in LESSONS
]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lemonade(tmp_path):
    folder = tmp_path / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    return folder


INSTANT = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?\b|\bUTC\b")
NOT_SAID = re.compile(
    r"<style>.*?</style>|<code>.*?</code>|<abbr title=\"[^\"]*\"", re.DOTALL
)
"""Rules of looks, commands, and ids that hovering shows."""


def said(outputs: Sequence[object]) -> str:
    """What a lesson shows, with the rows of its tables and charts."""
    shown = [html.unescape(html.unescape(mo.as_html(one).text)) for one in outputs]
    return NOT_SAID.sub("", "\n".join(shown))


def bare(outputs: Sequence[object], snapshot: Snapshot) -> tuple[set[str], list[str]]:
    """Ids that have a name, and the instants in UTC, that a lesson shows."""
    texts = names_of(snapshot).texts
    named = {one for one, name in texts.items() if name != one and len(one) > 1}
    text = said(outputs)
    assert named
    return named & set(re.findall(r"[\w-]+", text)), INSTANT.findall(text)


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.nightly
@pytest.mark.parametrize("path", AS_PROGRAMS)
def test_a_lesson_runs_as_a_program(path):
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_lesson_explains_the_worst_demand_of_its_own_data():
    _, values = loaded(ROOT / "notebooks" / "n01_first_plan.py").app.run()
    assert values["explanation"].demand == "D-3"
    assert any(link.in_past for link in values["explanation"].chain)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_imports_medhavi_and_marimo_alone(path):
    assert other_imports(path.read_text("utf-8")) == []


def test_another_import_is_found():
    text = "import json, polars\nimport medhavi as mv\nfrom medhavi.views import page"
    assert other_imports(text) == ["polars", "medhavi.views"]


def test_the_plan_app_runs_every_cell_on_a_folder_of_tables(lemonade, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    # A demand in trouble is shown first; within capacity none is.
    monkeypatch.setenv("MEDHAVI_MODE", "mrp")
    _, values = loaded(ROOT / "apps" / "a_plan.py").app.run()
    assert values["plan"].fulfilment.height == 3
    assert values["demand"] == "D-3"


@pytest.mark.parametrize("broken", [False, True])
def test_the_data_app_runs_every_cell_with_and_without_errors(
    lemonade, monkeypatch, broken
):
    if broken:
        path = lemonade / "demands.csv"
        path.write_text(path.read_text("utf-8").replace("LEMONADE", "X", 1), "utf-8")
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    shown, values = loaded(ROOT / "apps" / "a_data.py").app.run()
    assert (values["shown"].plan is None) == broken
    assert ("SNAP011" in said(shown)) == broken


@pytest.mark.req("UI-08")
@pytest.mark.parametrize("path", APPS, ids=lambda path: path.stem)
def test_each_app_tells_how_to_begin_on_an_empty_folder(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path))
    shown, _ = loaded(path).app.run()
    assert "There is no data yet" in said(shown)


def test_the_data_app_tells_how_to_begin_where_nothing_is_served():
    shown, _ = loaded(ROOT / "apps" / "a_data.py").app.run()
    assert "There is no data yet" in said(shown)


@pytest.mark.parametrize("path", [*LESSONS, *APPS], ids=lambda path: path.stem)
def test_every_cell_has_a_name(path):
    cells = loaded(path).app._cell_manager.names()
    assert [name for name in cells if name == "_"] == []


@pytest.mark.nightly
def test_the_lesson_of_studies_computes_nothing_twice():
    _, values = loaded(ROOT / "notebooks" / "n11_studies.py").app.run()
    assert values["first"].computed == 4
    assert values["again"].computed == 0
    assert values["same"].fingerprint == values["base"].fingerprint
    assert not values["delta"].is_empty


@pytest.mark.req("ANA-08")
@pytest.mark.nightly
def test_the_lesson_of_hindsight_sees_the_supplier_drift():
    shown, values = loaded(ROOT / "notebooks" / "n12_hindsight.py").app.run()
    every = values["report"].overall()
    assert every["judged"] == 40
    # The shop promised twelve days whatever it knew; the stated times drift away.
    assert every["met_then"] < every["met"] < every["on_time_said"]
    assert bare(shown, values["lake"].snapshot()) == (set(), [])
    # Its first line is due at noon UTC, in Rome an hour later.
    for words in ("Plum jam", "Inn at the lake", "Thu 15 Jan 2026, 13:00"):
        assert words in said(shown)


def test_the_promise_app_answers_its_first_form(lemonade, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    _, values = loaded(ROOT / "apps" / "a_promise.py").app.run()
    assert values["promise"].date is not None
    assert not values["told"].binding


def test_the_schedule_app_schedules_its_example():
    _, values = loaded(ROOT / "apps" / "a_schedule.py").app.run()
    assert str(values["schedule"].status) == "optimal"


def test_the_trade_off_app_waits_for_its_form(lemonade, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    _, values = loaded(ROOT / "apps" / "a_tradeoffs.py").app.run()
    assert "front" not in values


def test_the_campaigns_app_says_what_to_do_without_a_matrix(lemonade, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(lemonade))
    _, values = loaded(ROOT / "apps" / "a_campaigns.py").app.run()
    assert values["study"].difference.setup_reduction is None
    assert values["grid"] is None


def test_the_campaigns_app_shows_a_matrix_to_edit(tmp_path, monkeypatch):
    campaign_tables(tmp_path / "shop")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "shop"))
    _, values = loaded(ROOT / "apps" / "a_campaigns.py").app.run()
    assert values["matrix"].value == "X"
    assert values["form"].element.value["minutes"] == ""
    assert len(values["study"].proposals) == 1


@pytest.mark.req("ANA-08")
def test_the_lesson_of_promising_never_gets_earlier_by_asking_twice():
    shown, values = loaded(ROOT / "notebooks" / "n03_promising.py").app.run()
    assert values["promise"].date is not None
    assert bare(shown, values["snapshot"]) == (set(), [])
    for words in ("Lemonade, bottle", "Mon 2 Mar, 07:00"):
        assert words in said(shown)
    assert values["later"]


@pytest.mark.nightly
def test_the_lesson_of_the_optimizer_compares_modes_and_trades_off():
    _, values = loaded(ROOT / "notebooks" / "n05_optimizer.py").app.run()
    assert list(values["plans"]) == ["mrp", "constrained", "optimize"]
    points = values["front"].points
    assert points.height >= 2
    assert points["co2"].min() < points["co2"].max() / 2
    assert points["cost"].min() < points["cost"].max()


@pytest.mark.nightly
def test_the_lesson_of_feasible_plans_takes_a_remedy_at_its_word():
    _, values = loaded(ROOT / "notebooks" / "n04_constrained_plan.py").app.run()
    assert values["hours"] == pytest.approx(values["lateness"])
    assert not values["delta"].is_empty
    assert values["told"] == values["got"]


@pytest.mark.req("UI-08")
@pytest.mark.parametrize("app", APPS, ids=lambda path: path.stem)
def test_a_button_outlives_the_name_of_the_approver(app):
    # A cell that runs anew for a new name makes a new button; a press on the one that
    # stood there is lost.
    cells = [
        cell
        for cell in ast.parse(app.read_text("utf-8")).body
        if isinstance(cell, ast.FunctionDef)
        and "approver" in {argument.arg for argument in cell.args.args}
    ]
    makers = [cell.name for cell in cells if "mo.ui.run_button" in ast.unparse(cell)]
    assert makers == []
