"""A moment chosen in the bar: each page shows what was known then, and no more."""

from __future__ import annotations

import pytest

from medhavi.service import page_data
from medhavi.service.data_pages import change_list, data_page
from medhavi.service.order_pages import one_order, order_page
from medhavi.service.plan_pages import desk_words, plan_page
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.service.predictor_pages import predictor_page
from medhavi.service.predictor_pages.predictor_page import TrainingRequest
from medhavi.service.promise_pages.open_lists import records_of
from medhavi.service.search_page import search_html
from tests.service.test_order_page import MORE
from tests.workbench.edit_company import company, opened, plan_of, proposal

pytestmark = pytest.mark.req("UI-08")
THEN = "2026-01-05 00:25"
"""Before the order PO-2 was recorded, at 00:30."""


@pytest.fixture
def lake(tmp_path, monkeypatch):
    page_data._benches.clear()
    company(tmp_path, MORE)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.delenv("MEDHAVI_TABLES", raising=False)
    return tmp_path


def test_the_data_page_counts_what_was_recorded_by_then(lake):
    now, then = load_page(mode="mrp"), load_page(mode="mrp", known_at=THEN)
    state, past = data_page.state_of(now), data_page.state_of(then, THEN)
    assert past.events.height == state.events.height - 1
    assert past.newest < state.newest
    assert f"{past.now:%Y-%m-%d %H:%M}" == THEN
    assert past.newest <= past.now


@pytest.mark.nightly
def test_decisions_and_events_that_came_later_are_left_out(lake):
    bench = opened(lake)
    made = bench.preview(
        plan_of(bench), {"kind": "firm", "supply": proposal(plan_of(bench))}
    )
    assert bench.commit_edit(made, approver="Ada").committed
    now, then = load_page(mode="mrp"), load_page(mode="mrp", known_at=THEN)
    assert len(plan_page.decisions(now)) == 1
    assert plan_page.decisions(then, THEN) == []
    told = change_list.changes_part(then, then.names, THEN)
    assert "No decision yet" in told.text
    (row,) = order_page.orders_of(now).filter(number="PO-2").to_dicts()
    assert "Mon 5 Jan" in one_order.events_html(now, row)
    assert "No event yet" in one_order.events_html(then, row, THEN)


def test_a_decision_that_was_taken_back_later_stands(lake):
    bench = opened(lake)
    made = bench.preview(
        plan_of(bench), {"kind": "firm", "supply": proposal(plan_of(bench))}
    )
    bench.commit_edit(made, approver="Ada")
    first = bench.edit_history()[0].recorded_at
    bench.undo(approver="Ben")
    now = load_page(mode="mrp")
    assert [bool(one.undone_by) for one in plan_page.decisions(now)] == [True, False]
    (one,) = plan_page.decisions(now, first.isoformat())
    assert one.undone_by is None


def test_nothing_is_trained_at_a_past_moment(lake):
    then = load_page(mode="mrp", known_at=THEN)
    refused = predictor_page.begin(TrainingRequest(source=then.source))
    assert refused == "The page shows a chosen moment; nothing is decided in the past."


def test_the_search_finds_what_was_known(lake):
    assert "1 result" in search_html("PO-2")
    then = search_html("PO-2", {"known_at": THEN})
    assert "Nothing matches" in then
    assert "Known at <b>Mon 5 Jan 2026, 00:25 (UTC)</b>" in then


def test_known_at_is_written_as_every_other_moment(lake):
    then = load_page(mode="mrp", known_at=THEN)
    told = dict(page_data.facts_of(then, THEN))
    assert told["Known at"] == "Mon 5 Jan 2026, 00:25 (UTC)"
    assert dict(page_data.facts_of(then, ""))["Known at"] == "the latest event"


def test_the_command_of_a_page_reads_the_same_moment(lake, monkeypatch):
    monkeypatch.chdir(lake)
    then, now = load_page(mode="mrp", known_at=THEN), load_page(mode="mrp")
    told = "medhavi plan --lake lake --known-at 2026-01-05T00:25:00Z --mode mrp"
    assert told in desk_words.foot(then, THEN).text
    assert "--known-at" not in desk_words.foot(now, "").text
    state = data_page.state_of(then, THEN)
    told = "medhavi check --lake lake --known-at 2026-01-05T00:25:00Z"
    assert told in data_page.trust(then, state, THEN).text


def test_the_promise_desk_lists_what_was_promised_by_then(lake):
    bench = opened(lake)
    row = {"product": "A", "location": "DC", "qty": 5, "due": "2026-03-06T00:00:00Z"}
    (promise,) = bench.promise([row])
    bench.commit(promise, approver="Ada")
    bench.mirror()
    assert records_of(page_data.load_data()).height == 1
    assert records_of(page_data.load_data(known_at=THEN)).is_empty()
