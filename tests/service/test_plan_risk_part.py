"""Parts of pages about the risk of the plan in force: drawn once, by a job."""

from __future__ import annotations

from dataclasses import replace

import pytest

import medhavi as mv
from medhavi.results.reports.plan_risk import PlanRisk
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.jobs.job_queue import JobQueue
from medhavi.service.plan_pages import plan_loading, plan_risk
from medhavi.service.plan_pages.plan_loading import PlanPage, load_page
from medhavi.service.plan_pages.plan_risk import (
    PlanRiskRequest,
    forecast_part,
    risk_of,
    risky_part,
)
from tests.api import DataSource
from tests.planners.test_plan_risk import company

pytestmark = pytest.mark.req("NEX-05")


@pytest.fixture
def tables(tmp_path, monkeypatch):
    company().to_folder(tmp_path / "town", format="csv")
    monkeypatch.delenv("MEDHAVI_LAKE", raising=False)
    monkeypatch.setattr(plan_risk, "_risks", AnswerCache(4))
    # A plan that is in memory alone is none that a job finds again.
    monkeypatch.setattr(plan_loading, "_plans", AnswerCache(4))
    monkeypatch.setattr(plan_loading, "_shown", {})
    return str(tmp_path / "town")


def test_the_risk_of_a_plan_is_drawn_once(tables, monkeypatch):
    shown = load_page(tables)
    found = risk_of(shown.request, shown.plan, shown.snapshot)
    assert isinstance(found, PlanRisk)
    assert found.plan == shown.plan.run.run_id

    def refuse(*_arguments, **_options):
        raise AssertionError

    monkeypatch.setattr("medhavi.planners.execution_risk.plan_risk.plan_risk", refuse)
    assert risk_of(shown.request, shown.plan, shown.snapshot) is found
    assert "Service forecast" in forecast_part(shown).text
    assert "mv-table" in risky_part(shown, shown.names).text


@pytest.mark.nightly
def test_a_job_draws_the_same_risk(tables):
    queue = JobQueue(workers=1)
    queue.open()
    try:
        shown = load_page(tables)
        told = risk_of(shown.request, shown.plan, shown.snapshot)
        request = PlanRiskRequest(
            plan=shown.request, fingerprint=shown.plan.fingerprint
        )
        assert queue.submit(request).outcome.value is told
    finally:
        queue.close()
    here = mv.plan_risk(shown.plan, shown.snapshot)
    assert told.fingerprint == here.fingerprint


def test_an_older_plan_is_not_told_for_the_new_one(tables):
    shown = replace(load_page(tables), renewal=plan_loading.RENEWED)
    assert plan_loading.RENEWED in risky_part(shown, shown.names).text
    assert "mv-table" not in risky_part(shown, shown.names).text


def test_without_a_plan_a_page_says_what_is_in_the_way():
    nothing = PlanPage(source=DataSource())
    assert "mv-table" not in forecast_part(nothing).text
