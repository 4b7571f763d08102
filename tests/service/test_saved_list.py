"""Scenarios that were planned are there again after their tab was closed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.service.api.view_api import view_routes
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.service.scenario_pages import saved_list
from medhavi.service.scenario_pages.scenario_page import (
    ScenarioRequest,
    add_change,
)
from medhavi.views.names import money
from medhavi.workbench.studies.scenario_list import ScenarioList
from tests import factories


@pytest.fixture
def shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "cache"))
    factories.snapshot(
        products=[{"product": "A", "unit_cost": 2.0}],
        demands=[{"demand": "D1", "qty": 10, "customer": "C"}],
        suppliers=[{"supplier": "S"}],
        supply_terms=[{"unit_price": 2.0, "lead_time_days": 3}],
    ).to_folder(tmp_path / "tables")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "tables"))
    found = load_page(str(tmp_path / "tables"), mode="mrp")
    assert found.problem is None, found.problem
    return found


def planned(shown, name, factor="50"):
    """List with one scenario, and the result of its job in a worker."""
    values = {"factor": factor, "name": name}
    held, _ = add_change(ScenarioList(), shown, "price_factor", values)
    request = PlanRequest(
        source=shown.source, mode="mrp", facts=shown.snapshot.fingerprint
    )
    request.run(lambda _: None, lambda: False)
    asked = ScenarioRequest(
        plan=request, fingerprint=shown.plan.fingerprint, scenario=held.text()
    )
    return held, asked.run(lambda _: None, lambda: False)


def press(buttons, name):
    buttons.elements[name]._on_click(0)


def listed(shown, held=None):
    return saved_list.saved_list(shown.source, held or ScenarioList()).scenarios


def test_what_a_job_has_planned_is_listed_opened_and_removed(shown):
    held, found = planned(shown, "Dear")
    (one,) = listed(shown)
    assert (one.text, one.scenario) == (held.text(), held.scenarios[0])
    assert one.change == pytest.approx(found.cost - found.cost_today)
    assert listed(shown, held) == ()  # it stands on the page already
    assert saved_list.opened(ScenarioList(), one.text) == held
    assert saved_list.opened(held, one.text).names == ("Dear", "Dear (2)")
    opened, removed = [], []
    kept = saved_list.saved_list(shown.source, ScenarioList())
    buttons = saved_list.saved_buttons(
        kept, ScenarioList(), shown.source, opened.append, removed.append
    )
    parts = saved_list.saved_parts(kept, shown.names, buttons, folded=False)
    told = parts.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Scenarios of this workspace" in told
    assert "Purchase prices: +50 %; planned " in told
    assert f"costs {money(one.change)} more than today" in told
    press(buttons, "open|0")
    assert opened == [held]
    press(buttons, "remove|0")
    assert (listed(shown), len(removed)) == ((), 1)


def test_a_scenario_that_was_accepted_leaves_the_list(shown):
    held, _ = planned(shown, "Dear")
    other, _ = planned(shown, "Cheap", "-50")
    saved_list.forget(shown.source, held.scenarios[0])
    assert [one.text for one in listed(shown)] == [other.text()]


def test_a_scenario_that_cannot_be_planned_is_not_kept(shown):
    held, found = planned(shown, "Dear")
    saved_list.saved_of(shown.source).clear()
    for refused in (replace(found, figures={}), replace(found, problem="no")):
        saved_list.keep_planned(shown.source, held.text(), refused)
    saved_list.keep_planned(replace(shown.source, past=True), held.text(), found)
    assert listed(shown) == ()


def test_the_bar_offers_scenarios_that_no_open_page_holds(shown):
    client = TestClient(Starlette(routes=view_routes(lambda _: None)))
    assert client.get("/saved-scenarios").json() == {"scenarios": []}
    held, _ = planned(shown, "Dear")
    assert client.get("/saved-scenarios").json() == {"scenarios": [held.text()]}
    same = client.get("/saved-scenarios", params={"tables": "tables"}).json()
    assert same == {"scenarios": [held.text()]}
    none = client.get("/saved-scenarios", params={"tables": "other"}).json()
    assert none == {"scenarios": []}


def test_a_file_that_cannot_be_read_is_told_and_can_be_emptied(shown):
    planned(shown, "Dear")
    file = saved_list.saved_of(shown.source)._file.place
    file.write_text("{", "utf-8")
    held, found = planned(shown, "Cheap", "-50")
    assert found.is_planned  # the plan is there, though nothing can be kept
    kept = saved_list.saved_list(shown.source, held)
    buttons = saved_list.saved_buttons(kept, held, shown.source, print, print)
    told = saved_list.saved_parts(kept, shown.names, buttons, folded=False).text
    assert "The scenarios of this workspace cannot be read" in told
    assert saved_list.offered_scenarios(shown.source) == []
    press(buttons, "clear")
    assert saved_list.saved_list(shown.source, held) == saved_list.SavedList()
