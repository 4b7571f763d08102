"""Each page as a notebook: it runs, with the choices of the page, by public names."""

from __future__ import annotations

import ast
import runpy
from urllib.parse import urlencode

import pytest

from medhavi.errors import UsageError
from medhavi.schema.template import example_rows
from medhavi.service.page_notebooks import notebook_html, notebook_of
from medhavi.service.schedule_page import example_bytes
from medhavi.snapshot import Snapshot
from medhavi.views.page import PAGES
from tests.api import Workbench
from tests.service.promise_company import promise_company

CHOICES = {
    "orders": {"kind": "buy", "status": "planned"},
    "items": {"item": "A|DC", "bucket": "day"},
    "schedule": {
        "source": "file",
        "objective": "late_orders,makespan",
        "spread": "20",
    },
    "capacity": {"from": "2026-01-05", "days": "14", "colour": "status"},
    "data": {"of": "products", "key": "A", "column": "uom"},
    "tradeoffs": {"points": "3"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A company with a lake; an address names its folder from here."""
    place = tmp_path_factory.mktemp("shop")
    lake = promise_company(place)
    assert lake == place / "lake"
    return place, Workbench(lake=lake)


@pytest.fixture(autouse=True)
def _here(shop, monkeypatch):
    place, _ = shop
    for name in ("MEDHAVI_TABLES", "MEDHAVI_STORE", "MEDHAVI_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDHAVI_LAKE", "lake")
    monkeypatch.setenv("MEDHAVI_MODE", "mrp")
    monkeypatch.setenv("MEDHAVI_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)


def run(text, place):
    """Run a notebook and give what its cells show."""
    path = place / "notebook.py"
    path.write_text(text, "utf-8")
    shown, _ = runpy.run_path(str(path))["app"].run()
    return shown


@pytest.mark.notebook
@pytest.mark.req("ANA-08")
@pytest.mark.parametrize("name", PAGES)
def test_the_notebook_of_a_page_runs(name, shop):
    place, _ = shop
    (place / "schedule.json").write_bytes(example_bytes())
    made = notebook_of(f"/{name}/?{urlencode(CHOICES.get(name, {}))}")
    shown = run(made.text, place)
    assert len([one for one in shown if one is not None]) >= 1
    imported = {
        one.name.partition(".")[0]
        for node in ast.walk(ast.parse(made.text))
        if isinstance(node, ast.Import)
        for one in node.names
    }
    assert imported <= {"marimo", "medhavi", "datetime"}


@pytest.mark.notebook
def test_it_shows_what_the_page_was_asked_for(shop):
    place, bench = shop
    made = notebook_of("/orders/?kind=buy&status=planned")
    *_, orders = run(made.text, place)
    plan = bench.plan_in_force("mrp")
    planned = plan.supplies.filter(kind="buy", status="planned")
    assert sorted(orders["Order"]) == sorted(planned["number"])


@pytest.mark.notebook
def test_a_moment_of_the_past_and_scenarios_are_taken_over(shop):
    place, bench = shop
    early = bench.events().collect()["recorded_at"].sort()[3].date().isoformat()
    scenarios = '[{"name":"more","change":[{"kind":"demand_factor","factor":1.5}]}]'
    chosen = urlencode({"known_at": early, "scenarios": scenarios})
    text = notebook_of(f"/scenarios/?{chosen}").text
    assert "known_at=dt.datetime.fromisoformat(" in text
    assert "mv.changes([{'kind': 'demand_factor', 'factor': 1.5}])" in text
    now = notebook_of(f"/scenarios/?{urlencode({'scenarios': scenarios})}").text
    *_, compared = run(now, place)
    assert not compared.is_empty


@pytest.mark.notebook
def test_a_folder_of_tables_is_read_by_its_name(tmp_path, monkeypatch):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "own", format="csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "own"))
    text = notebook_of("/items/").text
    assert "mv.Snapshot.from_folder('own')" in text
    assert len(run(text, tmp_path)) > 2


@pytest.mark.notebook
def test_a_schedule_is_of_the_plan_in_force(tmp_path, monkeypatch):
    in_lake = notebook_of("/schedule/?days=3").text
    assert "plan = bench.plan_in_force(mode='constrained')" in in_lake
    assert "mv.schedule_problem(snapshot, plan, 3.0)" in in_lake
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "own", format="csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "own"))
    assert len(run(notebook_of("/schedule/?days=30&spread=20").text, tmp_path)) > 2


def test_what_is_no_page_has_no_notebook_and_a_page_shows_it_as_text():
    with pytest.raises(UsageError, match="is not a page with a notebook"):
        notebook_of("/n01_first_plan/")
    address = '/data/?of=products&key=%22"""'
    made = notebook_of(address)
    ast.parse(made.text)
    page = notebook_html(made, address)
    assert "/notebook.py?of=%2Fdata%2F" in page
    assert "&quot;&quot;&quot;" in page
