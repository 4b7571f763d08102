"""Pages show the plan in force: nothing is planned in the process of the server."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from medhavi.lakehouse import Lake
from medhavi.progress import unobserved
from medhavi.results.plan_remedy import RemedyTrials
from medhavi.schema.template import example_rows
from medhavi.service import campaign_page, page_data
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.jobs.job import JobState, OnStop
from medhavi.service.jobs.job_queue import JobQueue
from medhavi.service.jobs.plan_jobs import (
    PlanReading,
    PlanRequest,
    PreviewRequest,
    RemedyRequest,
)
from medhavi.service.plan_pages import desk_words, plan_loading, plan_page
from medhavi.service.plan_pages.decision_words import PreviewResult
from medhavi.service.plan_pages.plan_loading import PlanMaintenance, load_page, planned
from medhavi.service.scenario_pages import scenario_page
from medhavi.snapshot import Snapshot
from medhavi.workbench.studies import scenario_list
from tests.api import DataSource, load_data
from tests.planners.campaign_shop import campaign_tables
from tests.service.job_requests import Counting
from tests.workbench.edit_company import company, event, proposal, reported

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def queue():
    made = JobQueue(workers=1)
    made.open()
    yield made
    made.close()


@pytest.fixture
def no_plan_here(monkeypatch):
    """Refuse to plan in this process, with nothing in its memory."""

    def refuse(*_arguments, **_options):
        message = "planned in the server"
        raise AssertionError(message)

    monkeypatch.setattr("medhavi.workbench.plan_in_force.plan_snapshot", refuse)
    monkeypatch.setattr("medhavi.planners.pipeline.plan", refuse)
    monkeypatch.setattr(campaign_page, "plan_snapshot", refuse)
    plan_loading._plans = AnswerCache(8)
    plan_loading._shown.clear()
    page_data._benches.clear()


@pytest.fixture
def lake(tmp_path, monkeypatch):
    company(tmp_path / "c")
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "c" / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/c/events.db")
    monkeypatch.delenv("MEDHAVI_TABLES", raising=False)
    return tmp_path / "c"


@pytest.fixture
def tables(tmp_path):
    """Tables that no other test has: the workers of all tests share one cache."""
    folder = tmp_path / "lemonade"
    rows = example_rows()
    first, *others = rows["demands"]
    demands = [{**first, "qty": 100.0 + next(_numbers)}, *others]
    Snapshot.from_frames({**rows, "demands": demands}).to_folder(folder, format="csv")
    return folder


@pytest.mark.req("UI-02")
def test_a_job_makes_the_plan_of_a_folder_and_every_page_has_it(
    queue, no_plan_here, tables
):
    shown = load_page(str(tables))
    assert (shown.problem, shown.renewal) == (None, "")
    assert shown.plan.run.mode == "constrained"
    assert load_page(str(tables)).plan is shown.plan
    plan_loading._plans = AnswerCache(8)
    plan_loading._shown.clear()
    jobs = len(queue.jobs())
    assert load_page(str(tables)).plan.fingerprint == shown.plan.fingerprint
    assert len(queue.jobs()) == jobs


@pytest.mark.nightly
def test_a_page_without_a_plan_tells_its_job_and_goes_on(queue, no_plan_here, tables):
    data = load_data(str(tables))
    page = planned(data, data.snapshot, "mrp", waits=False)
    assert (page.plan, page.problem.title) == (None, "The plan is being made")
    text = page_data.problem_html(page.problem)
    assert f'data-job="{page.problem.job}"' in text
    assert f'data-stop="{page.problem.job}">{OnStop.END}' in text
    queue.find(page.problem.job).wait()
    assert planned(data, data.snapshot, "mrp", waits=False).plan is not None


@pytest.mark.nightly
def test_the_plan_of_a_lake_is_recorded_and_renewed_when_facts_change_it(
    queue, no_plan_here, lake
):
    source = DataSource(lake=str(lake / "lake"))
    keeper = PlanMaintenance(source)
    keeper.look()
    first = load_page()
    assert first.plan is not None
    reported(lake, event(90, "StockCounted", product="A", location="DC", qty=55.0))
    data = load_data()
    older = planned(data, data.snapshot, "constrained", waits=False)
    assert older.plan is first.plan
    assert older.snapshot is first.snapshot
    assert ("Plan", plan_loading.RENEWED) in page_data.facts_of(older, "")
    keeper.look()
    new = load_page()
    assert new.renewal == ""
    assert new.plan.fingerprint != first.plan.fingerprint
    assert plan_loading.shown_modes(source) == ["constrained"]


def test_a_plan_that_a_command_has_kept_is_told_to_open_pages(
    queue, no_plan_here, lake, monkeypatch
):
    """Its plan is current when the server looks: no renewal would tell them."""
    source = DataSource(lake=str(lake / "lake"))
    told: list[object] = []
    keeper = PlanMaintenance(source)
    keeper.look()
    load_page()
    monkeypatch.setattr(
        plan_loading.open_pages, "tell", lambda source, **_: told.append(source)
    )
    keeper.look()
    assert told == []
    reported(lake, event(90, "StockCounted", product="A", location="DC", qty=55.0))
    facts = load_data().snapshot.fingerprint
    queue.submit(PlanRequest(source=source, mode="constrained", facts=facts)).wait()
    keeper.look()
    assert told == [source]


def test_no_plan_is_begun_while_a_decision_that_keeps_one_is_recorded(
    queue, no_plan_here, lake, monkeypatch
):
    """Its facts are there before its plan: another plan of them was begun."""
    source = DataSource(lake=str(lake / "lake"))
    keeper = PlanMaintenance(source)
    load_page()
    monkeypatch.setattr(plan_loading, "DecisionRequest", Counting)
    deciding = queue.submit(Counting())
    reported(lake, event(90, "StockCounted", product="A", location="DC", qty=55.0))
    facts = load_data().snapshot.fingerprint

    def begun() -> bool:
        asked = PlanRequest(source=source, mode="constrained", facts=facts)
        return any(job.request == asked for job in queue.jobs())

    keeper.look()
    assert not begun()
    queue.stop(deciding.name)
    deciding.wait()
    keeper.look()
    assert begun()


@pytest.mark.nightly
def test_an_edit_is_priced_and_approved_beside_the_server(
    queue, no_plan_here, lake, monkeypatch
):
    shown = load_page()
    told: list[str] = []
    monkeypatch.setattr(
        plan_loading.open_pages, "tell", lambda source, **_: told.append(str(source))
    )
    form = {"kind": "firm", "supply": proposal(shown.plan)}
    asked = plan_page.show_edit(shown, form, press=-1)
    assert asked.preview.ready
    assert asked.preview.plan is None
    assert plan_page.show_edit(shown, form, press=-1, drawn=True).preview.plan
    assert plan_page.decide(shown, asked, "Ada", press=-2).kept
    after = load_page()
    assert after.plan.fingerprint != shown.plan.fingerprint
    assert (after.renewal, told) == ("", ["c"])
    # What was approved has no price any more: the page that showed it asks for none.
    assert plan_page.show_edit(after, form, press=-1) == PreviewResult()
    assert len(queue.of_kind(PreviewRequest)) == 2
    assert "PO" in plan_page.take_back(after, "Ben", press=-3).text
    assert [one.undone_by is None for one in plan_page.decisions(after)][-1]
    assert load_page().plan.fingerprint == shown.plan.fingerprint


@pytest.mark.nightly
def test_the_worker_gets_ready_while_the_form_of_an_edit_is_filled_in(
    queue, no_plan_here, lake
):
    shown = load_page()
    asked = PlanReading(plan=shown.request, fingerprint=shown.plan.fingerprint)
    plan_page.prepare_edits(shown)
    ready = queue.newest(asked)
    assert ready not in queue.jobs()
    assert ready.wait().state is JobState.DONE
    # The worker may have ended since: each selection asks again.
    plan_page.prepare_edits(shown)
    again = queue.newest(asked)
    assert again is not ready
    assert again.wait().state is JobState.DONE
    past = replace(shown, source=replace(shown.source, past=True))
    plan_page.prepare_edits(past)
    assert queue.newest(asked) is again


@pytest.mark.nightly
def test_an_edit_whose_facts_changed_is_not_approved(queue, no_plan_here, lake):
    shown = load_page()
    form = {"kind": "firm", "supply": proposal(shown.plan)}
    asked = plan_page.show_edit(shown, form, press=-4)
    assert asked.preview is not None
    seen = replace(asked.preview, fingerprint_after="another")
    done = plan_page.decide(shown, replace(asked, preview=seen), "Ada", press=-5)
    assert (done.kept, done.text) == (False, plan_page.OVERTAKEN)
    assert plan_page.decisions(shown) == []


@pytest.mark.nightly
def test_scenarios_are_planned_beside_the_server(queue, no_plan_here, tables):
    shown = load_page(str(tables))
    row = {"kind": "price_factor", "factor": 1.1}
    held = scenario_list.read_list(json.dumps([{"name": "Dear", "change": [row]}]))
    found, missing = scenario_page.scenarios_beside(shown, held.scenarios)
    assert ([one.name for one in found], missing) == (["Dear"], ())
    assert found[0].is_planned


DOUBLE = '[{"name":"Double","change":[{"kind":"demand_factor","factor":2.0}]}]'


def bought(shown):
    planned = shown.plan.supplies.filter(shown.plan.supplies["status"] == "planned")
    return planned["qty"].to_list()


@pytest.mark.nightly
@pytest.mark.req("UI-06")
def test_a_page_shows_the_plan_of_a_scenario_where_nothing_is_decided(
    queue, no_plan_here, lake
):
    """Of 100 A 30 are missing; of 200 it is 130."""
    shown = load_page(scenario=DOUBLE)
    assert (shown.problem, bought(shown)) == (None, [130.0])
    facts = page_data.facts_of(shown, "")
    assert ("Scenario", "Double") in facts
    assert ("State", "a scenario, nothing is decided") in facts
    # The page of scenarios has the same figures.
    base = load_page()
    assert bought(base) == [30.0]
    held = scenario_list.read_list(DOUBLE)
    (found,), _missing = scenario_page.scenarios_beside(base, held.scenarios)
    kpis = dict(shown.plan.kpis.select("kpi", "value").iter_rows())
    assert found.figures == {name: kpis[name] for name in found.figures}
    refused = "nothing is decided in a scenario"
    assert refused in plan_page.publish(shown, "Ada").text
    form = {"kind": "firm", "supply": proposal(shown.plan)}
    assert refused in plan_page.show_edit(shown, form, press=-7).problem.text
    assert page_data.bench_of(shown.source) is None
    assert base.plan.fingerprint == load_page().plan.fingerprint
    lake_runs = Lake(str(lake / "lake")).table("gold.plan_runs").collect()
    assert lake_runs["fingerprint"].to_list() == [base.plan.fingerprint]


def test_the_plan_of_a_scenario_is_made_anew_on_newer_facts(queue, no_plan_here, lake):
    first = load_page(scenario=DOUBLE)
    reported(lake, event(90, "StockCounted", product="A", location="DC", qty=55.0))
    data = load_data(scenario=DOUBLE)
    older = planned(data, data.snapshot, "constrained", waits=False)
    assert older.plan is first.plan
    assert ("Plan", plan_loading.RENEWED) in page_data.facts_of(older, "")
    assert bought(load_page(scenario=DOUBLE)) == [115.0]


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("[", "names no single scenario"),
        (f"[{DOUBLE[1:-1]},{DOUBLE[1:-1].replace('Double', 'Twice')}]", "no single"),
        (
            DOUBLE.replace("Double", "Odd").replace("}]}]", ',"product":"NOT"}]}]'),
            "The scenario Odd cannot be planned",
        ),
    ],
)
def test_a_scenario_that_cannot_be_shown_says_why(queue, lake, scenario, told):
    shown = load_page(scenario=scenario)
    assert shown.plan is None
    assert told in shown.problem.text


def test_a_plan_that_was_stopped_is_begun_again_by_its_button(
    queue, no_plan_here, tables
):
    busy = queue.submit(Counting(name="busy"))
    data = load_data(str(tables))
    page = planned(data, data.snapshot, "constrained", waits=False)
    queue.stop(page.problem.job)
    queue.stop(busy.name)
    stopped = planned(data, data.snapshot, "constrained", waits=False)
    assert (stopped.plan, stopped.problem.title) == (None, "The plan was stopped")
    assert f'data-again="{stopped.problem.job}"' in page_data.problem_html(
        stopped.problem
    )
    again = queue.submit(queue.find(stopped.problem.job).request, again=True)
    assert again.wait().state is JobState.DONE
    assert planned(data, data.snapshot, "constrained", waits=False).plan is not None


def test_a_renewal_that_was_stopped_is_begun_again_from_the_older_plan(
    queue, no_plan_here, lake
):
    first = load_page()
    busy = queue.submit(Counting(name="busy"))
    reported(lake, event(71, "StockCounted", product="A", location="DC", qty=21.0))
    data = load_data()
    meanwhile = planned(data, data.snapshot, "constrained", waits=False)
    assert (meanwhile.renewal, meanwhile.ended) == (plan_loading.RENEWED, "")
    queue.stop(queue.newest(meanwhile.request.subject).name)
    stopped = planned(data, data.snapshot, "constrained", waits=False)
    assert stopped.plan is first.plan
    head = "".join(
        one.text for one in desk_words.page_head("Orders", stopped, "", "", [])
    )
    assert "The plan was stopped" in head
    assert f"data-again='{stopped.ended}'" in head.replace('"', "'")
    queue.stop(busy.name)
    again = queue.submit(queue.find(stopped.ended).request, again=True)
    assert again.wait().state is JobState.DONE
    renewed = planned(data, data.snapshot, "constrained", waits=False)
    assert (renewed.renewal, renewed.ended) == ("", "")


def test_remedies_are_tried_in_another_process(
    queue, no_plan_here, tables, monkeypatch
):
    monkeypatch.setattr(
        "medhavi.planners.late_remedies.remedy_trials.remedies",
        lambda *_arguments, **_options: 1 / 0,
    )
    shown = load_page(str(tables))
    tried = plan_page.tried_remedies(shown, None, 2)
    assert isinstance(tried, RemedyTrials)
    assert plan_page.tried_remedies(shown, None, 2) is tried


def test_remedies_that_were_stopped_before_one_was_tried_are_stopped(tables):
    shown = load_page(str(tables), mode="constrained")
    asked = RemedyRequest(
        plan=shown.request, fingerprint=shown.plan.fingerprint, demand=None, tries=2
    )
    with pytest.raises(KeyboardInterrupt):
        asked.run(unobserved, lambda: True)
    assert asked.run(unobserved, lambda: False).found == ()


def test_campaigns_are_planned_in_another_process(queue, no_plan_here, tmp_path):
    campaign_tables(tmp_path / "shop")
    data = load_data(str(tmp_path / "shop"))
    shown = campaign_page.load_campaigns(data)
    assert shown.problem is None
    assert shown.study.with_campaigns.basis is not None
    assert campaign_page.load_campaigns(data).study is shown.study
