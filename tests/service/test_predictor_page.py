"""The page of predictors: reports by a job, training, what a person puts in use."""

from __future__ import annotations

import pytest

from medhavi.progress import unobserved
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job_queue import JobQueue
from medhavi.service.page_data import PageProblem
from medhavi.service.plan_pages.plan_loading import PlanPage, plan_of
from medhavi.service.predictor_pages import predictor_page
from medhavi.service.predictor_pages.predictor_page import (
    ChampionRequest,
    TrainingRequest,
    begin,
    commands_html,
    demand_table,
    effect_table,
    effects_of,
    kept_html,
    key_choice,
    nothing_html,
    own_effects,
    predictor_choice,
    promotion,
    reports_of,
    spread_table,
    version_choice,
    work_html,
)
from medhavi.views.names import names_of
from tests import factories
from tests.api import Workbench, open_store
from tests.purchases import bought, buyer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("company")
    buyer(place)
    return place


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a company whose predictors were trained, none is in use."""
    place = tmp_path_factory.mktemp("trained")
    buyer(place)
    source = DataSource(lake=str(place / "lake"))
    TrainingRequest(source=source).run(unobserved, lambda: False)
    return place


@pytest.fixture(scope="module")
def queue():
    made = JobQueue(workers=1)
    made.open()
    yield made
    made.close()


def opened(folder, mode="mrp"):
    snapshot = Workbench(lake=folder / "lake").snapshot()
    return PlanPage(
        source=DataSource(lake=str(folder / "lake")),
        snapshot=snapshot,
        plan=plan_of(snapshot, mode),
        names=names_of(snapshot),
    )


def wanted(**asked):
    return lambda name: asked.get(name, "")


def keep(_name, _value):
    """Keep nothing."""


@pytest.mark.req("UI-02", "ANA-06")
def test_a_person_trains_looks_and_puts_a_version_in_use(folder, queue):
    shown = opened(folder)
    before = reports_of(shown)
    assert {one.champion for one in before} == {None}
    assert "Train first" in kept_html(before[0])
    assert begin(TrainingRequest(source=shown.source)) == ""
    job = queue.newest(TrainingRequest(source=shown.source).subject)
    assert "predictors were trained" in job.wait().value
    assert "Training of predictors: done" in work_html(shown.source)
    found = reports_of(opened(folder))
    one = next(each for each in found if each.model == "supplier-lead-time")
    assert one.challenger.is_promotable
    assert "may be put in use" in kept_html(one)
    version = version_choice(one)
    assert "--version 1 --approver NAME" in commands_html(shown, one, version.value)
    assert promotion(shown, one, version.value, " ") == ("Fill in the approver.")
    asked = promotion(shown, one, version.value, "Anna")
    assert begin(asked) == ""
    told = queue.newest(asked.subject).wait()
    assert "Version 1 is in use, approved by Anna" in told.value
    bench = Workbench(lake=folder / "lake", store=f"sqlite:///{folder / 'events.db'}")
    bench.mirror()
    after = opened(folder)
    used = next(
        each for each in reports_of(after) if each.model == "supplier-lead-time"
    )
    assert used.champion.version == "1"
    assert used.outcomes.height > 50
    assert version_choice(used) is None
    assert spread_table(used, after.names) is not None
    own = own_effects(effects_of(after), used)
    assert effect_table(own, after.names) is not None
    key = key_choice(own, after.names, wanted(), keep)
    assert (key is None) == own.is_empty()
    assert (demand_table(after, key) is None) == own.is_empty()


def test_a_refusal_is_the_problem_of_the_job(trained, queue):
    source = DataSource(lake=str(trained / "lake"))
    asked = ChampionRequest(
        source=source, model="lane-lead-time", version="99", approver="Anna"
    )
    begin(asked)
    outcome = queue.newest(asked.subject).wait()
    assert "no version 99" in outcome.problem.text
    assert "no version 99" in work_html(source)


def test_the_slipped_predictor_stands_first_and_the_address_wins(folder, queue):
    found = reports_of(opened(folder))
    assert predictor_choice(found, wanted(), keep).value == found[0].model
    chosen = predictor_choice(found, wanted(predictor="lane-on-time"), keep)
    assert chosen.value == "lane-on-time"


def test_tables_and_an_empty_lake_say_how_to_begin(tmp_path, queue):
    page = PlanPage(source=DataSource(tables="north"))
    assert reports_of(page) is None
    told = nothing_html(page, None)
    assert "No predictor without a lake" in told
    url = f"sqlite:///{tmp_path / 'events.db'}"
    open_store(url).append_many(bought(0, moved=0))
    Workbench(lake=tmp_path / "lake", store=url).mirror()
    bare = opened(tmp_path)
    assert "No order has been observed yet" in nothing_html(bare, reports_of(bare))


def test_a_report_that_cannot_be_made_says_why_and_begins_again(tmp_path, queue):
    page = PlanPage(
        source=DataSource(lake=str(tmp_path / "none")),
        snapshot=factories.snapshot(),
    )
    found = reports_of(page)
    assert isinstance(found, PageProblem)
    assert found.title in nothing_html(page, found)


def test_where_no_server_is_work_is_done_at_once(trained, monkeypatch):
    monkeypatch.setattr(predictor_page, "current_queue", lambda: None)
    asked = ChampionRequest(
        source=DataSource(lake=str(trained / "lake")),
        model="supplier-lead-time",
        version="1",
        approver="Bea",
    )
    assert "approved by Bea" in begin(asked)
    assert work_html(asked.source) == ""
