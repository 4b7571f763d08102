"""The data of the promise app: choices, answers, commits, what stands in the way."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from medhavi.service import page_data
from medhavi.service.jobs.job import OnStop
from medhavi.service.jobs.job_queue import JobQueue
from medhavi.service.page_data import trouble_of
from medhavi.service.promise_pages import promise_page
from medhavi.service.promise_pages.promise_commit import commit
from medhavi.service.promise_pages.promise_page import PromisePage, ask, choices
from medhavi.service.promise_pages.promise_widgets import request_form, share_of
from medhavi.views.page import finding_text
from tests import factories
from tests.api import DataSource, Lake, PageData, load_data, names_of, open_store
from tests.factories import AS_OF
from tests.lakehouse.lake_events import event, small_company

FORM = {"product": "A", "location": "L", "qty": 4, "due": "2026-01-20"}


@pytest.fixture(autouse=True)
def no_memory():
    promise_page._books.clear()
    page_data._benches.clear()
    promise_page.forget()


@pytest.fixture
def stocked(tmp_path):
    """Tables with ten pieces on hand."""
    factories.snapshot(
        demands=[{"product": "B", "qty": 1, "due": AS_OF + dt.timedelta(days=40)}],
        stock=[{"product": "A", "location": "L", "qty": 10}],
    ).to_folder(tmp_path)
    return load_data(str(tmp_path))


@pytest.mark.req("ATP-01")
def test_a_form_is_answered_and_nothing_is_kept(stocked):
    first, again = ask(stocked, FORM), ask(stocked, FORM)
    assert first.problem is None
    assert first.promise is not None
    assert first.promise.status == "promised"
    assert first.promise.as_dict() == again.promise.as_dict()
    assert (first.qty, first.binding) == (4.0, False)


@pytest.mark.req("UI-04")
def test_a_large_quantity_is_answered_by_a_job_that_can_be_stopped(stocked):
    """Five times the largest demand is one unit too few."""
    large = {"product": "A", "qty": 6.0}
    assert not promise_page.is_large(stocked.snapshot, {**large, "qty": 5.0})
    assert promise_page.is_large(stocked.snapshot, large)
    without = factories.snapshot(products=[{"product": "A"}])
    assert not promise_page.is_large(without, large)
    alone = ask(stocked, {**FORM, "qty": 6})
    queue = JobQueue(workers=1)
    queue.open()
    try:
        small, many = ask(stocked, FORM), ask(stocked, {**FORM, "qty": 6})
        titles = [job.request.title for job in queue.jobs()]
    finally:
        queue.close()
    assert titles == ["Promise of a large quantity"]
    assert small.promise is not None
    assert many.promise is not None
    assert many.promise.as_dict() == alone.promise.as_dict()
    assert promise_page.QuoteRequest.on_stop is OnStop.END


def test_the_usual_comes_first(stocked):
    offered = choices(stocked.snapshot, stocked.names)
    assert list(offered.products.values()) == ["B", "A"]
    assert offered.first["product"] == "B"
    assert offered.first["due"] == "2026-02-13"


def test_a_large_usual_quantity_is_offered_as_it_is():
    snapshot = factories.snapshot(demands=[{"product": "B", "qty": 1_234_567}])
    first = choices(snapshot, names_of(snapshot)).first["qty"]
    assert first == "1,234,567"
    assert promise_page.read_quantity(first, "B", snapshot) == 1_234_567


def test_without_demands_there_is_still_something_to_ask(tmp_path):
    factories.snapshot(
        products=[{"product": "A"}], locations=[{"location": "L"}]
    ).to_folder(tmp_path)
    data = load_data(str(tmp_path))
    offered = choices(data.snapshot, data.names)
    assert offered.first["product"] == "A"
    assert offered.first["due"] == "2026-01-26"


@pytest.mark.req("UI-02")
def test_a_due_date_begins_at_the_time_at_which_the_place_has_its_demands_due(tmp_path):
    """The time of now, three weeks on, was midnight elsewhere: the begin of a day."""
    hours = ("2026-01-06 10:00", "2026-01-07 10:00", "2026-01-08 14:00")
    dues = [dt.datetime.fromisoformat(f"{one}+00:00") for one in hours]
    factories.snapshot(
        locations=[{"location": "L", "timezone": "Europe/Rome"}],
        demands=[
            {"demand": f"D{at}", "product": "B", "due": due}
            for at, due in enumerate(dues)
        ],
    ).to_folder(tmp_path)
    data = load_data(str(tmp_path))
    assert choices(data.snapshot, data.names).first["due"] == "2026-01-26 11:00"


@pytest.mark.req("UI-02")
def test_the_policy_that_holds_when_none_is_chosen_is_named(stocked):
    """The choice was called "--"; the answer has the name of what counted."""
    offered = choices(stocked.snapshot, stocked.names)
    form = request_form(offered, lambda _: "", lambda _: None)
    fields: Any = form.element
    policy = fields.elements["policy"]
    assert policy.selected_key == "by the rules"
    assert policy.value == ""
    told = ask(stocked, {**FORM, "policy": policy.value})
    assert told.policy["policy"] == "default"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"due": ""}, "needs a due date"),
        ({"due": "soon"}, "enter a date and time"),
        ({"product": "Z"}, "The request has 1 error. Correct the request above."),
        ({"qty": -1}, "The request has 1 error. Correct the request above."),
        ({"priority": 1.5}, "The request has 1 error. Correct the request above."),
    ],
)
def test_what_is_wrong_in_a_form_is_a_problem_of_the_page(stocked, change, words):
    page = ask(stocked, {**FORM, **change})
    assert page.promise is None
    assert words in f"{page.problem.title}. {page.problem.text}"


@pytest.mark.req("UI-04")
def test_what_a_job_finds_wrong_in_a_request_is_listed(stocked):
    """The page said that each error is listed, and listed none."""
    queue = JobQueue(workers=1)
    queue.open()
    try:
        page = ask(stocked, {**FORM, "qty": 1e18})
        [job] = queue.jobs()
    finally:
        queue.close()
    assert page.problem.title == "The request has 1 error"
    listed = trouble_of(page).text
    [found] = page.problem.findings
    for words in (found.code, finding_text(found)):
        assert words in listed
    assert job.why == f"The request has 1 error. {found.message}"


def test_a_page_without_data_says_why(tmp_path):
    page = ask(load_data(str(tmp_path / "none")), FORM)
    assert page.promise is None
    assert page.problem is not None


def test_a_folder_of_tables_keeps_no_promise(stocked):
    page = ask(stocked, FORM)
    said = commit(stocked, page, "Ada")
    assert (said.kept, said.title) == (False, "There is nothing to promise")


@pytest.fixture
def company(tmp_path):
    """A lake with its event store beside it."""
    store = open_store(f"sqlite:///{tmp_path / 'events.db'}")
    store.append_many(small_company())
    Lake(tmp_path / "lake").mirror(store)
    return load_of(tmp_path / "lake")


def load_of(lake):
    snapshot = Lake(lake).snapshot()
    return PageData(
        source=DataSource(lake=str(lake)), snapshot=snapshot, names=names_of(snapshot)
    )


STOCKED = {"product": "A", "location": "DC", "qty": 5, "due": "2026-03-20"}


@pytest.mark.req("ATP-14")
def test_a_promise_is_kept_and_the_next_question_knows_it(company):
    page = ask(company, STOCKED)
    assert page.binding
    said = commit(company, page, "Ada")
    assert (said.kept, said.title) == (True, "Promised: Q-0001")
    assert "approved by Ada" in said.text
    again = commit(company, page, "Ada")
    assert "promised before" in again.text


def test_nobody_approves_nothing(company):
    said = commit(company, ask(company, STOCKED), " ")
    assert (said.kept, said.title) == (False, "No approver")


def test_the_past_keeps_no_promise(company):
    ago = replace(company, source=replace(company.source, past=True))
    page = ask(ago, STOCKED)
    assert page.promise is not None
    assert not page.binding
    assert not commit(ago, ask(company, STOCKED), "Ada").kept


def test_a_store_that_is_gone_is_told_in_words(company, tmp_path):
    page = ask(company, STOCKED)
    page_data._benches.clear()
    for file in tmp_path.glob("events.db*"):
        file.unlink()
    said = commit(company, page, "Ada")
    assert not said.kept


def test_an_answer_without_a_date_cannot_be_kept(company):
    assert not commit(company, PromisePage(), "Ada").kept


@pytest.mark.req("ATP-09")
def test_who_gives_way_is_told_before_and_after(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'events.db'}")
    usual = {"policy": "default", "supplier_fallback": "accept_with_risk"}
    rush = {**usual, "policy": "rush", "preempt": True, "tier": "Gold"}
    policies = [
        event(8, "PromisePolicyDefined", **usual),
        event(9, "PromisePolicyDefined", **rush),
    ]
    store.append_many([*small_company(), *policies])
    Lake(tmp_path / "lake").mirror(store)
    company = load_of(tmp_path / "lake")
    form = {**STOCKED, "qty": 40, "due": "2026-01-06"}
    weak = {"sales_order": "LOW", "line": 1}
    low = ask(company, {**form, "priority": 3, "cells": weak})
    assert commit(company, low, "Ada").kept
    page = ask(company, {**form, "priority": 1, "policy": "rush"})
    assert [one.demand for one in page.promise.preempted] == ["LOW-1"]
    assert "LOW gave way and has a new date" in commit(company, page, "Bob").text


@pytest.mark.req("ATP-13")
def test_the_date_of_an_answer_that_takes_from_others_can_be_dragged_too(tmp_path):
    """One curve without a rule, then one with: marimo asked the first for its rule."""
    store = open_store(f"sqlite:///{tmp_path / 'events.db'}")
    lane = {"lane": "L-1", "origin": "DC", "destination": "SHOP"}
    slow = {"duration_h": 24.0, "duration_p95_h": 72.0}
    usual = {"policy": "default", "supplier_fallback": "accept_with_risk"}
    rush = {**usual, "policy": "rush", "preempt": True, "tier": "Gold"}
    more = [
        event(8, "LocationDefined", location="SHOP"),
        event(9, "LaneDefined", **lane, **slow),
        event(10, "PromisePolicyDefined", **usual),
        event(11, "PromisePolicyDefined", **rush),
    ]
    store.append_many([*small_company(), *more])
    Lake(tmp_path / "lake").mirror(store)
    company = load_of(tmp_path / "lake")
    form = {**STOCKED, "location": "SHOP", "qty": 40, "due": "2026-01-09"}
    weak = {"sales_order": "LOW", "line": 1}
    low = ask(company, {**form, "priority": 3, "cells": weak})
    assert commit(company, low, "Ada").kept
    page = ask(company, {**form, "priority": 1, "policy": "rush"})
    answer = page.promise
    assert [one.demand for one in answer.preempted] == ["LOW-1"]
    dates = answer.date_p50, answer.date_p80, answer.date_p95
    assert page.curve == tuple(zip((0.5, 0.8, 0.95), dates, strict=True))
    assert share_of(page) == 0.8
