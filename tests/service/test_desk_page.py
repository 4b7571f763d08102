"""The planner's desk: price first, then a decision; what cannot be done is told."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.planners.edit_price import EditPrice
from medhavi.service import page_data
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.plan_pages import decision_words, desk_parts, plan_page
from medhavi.service.plan_pages.plan_loading import PlanPage, load_page, plan_of
from medhavi.service.plan_pages.plan_page import (
    MOST_RENEWALS,
    Decision,
    EditSession,
)
from medhavi.service.plan_pages.remedy_edits import answer_of
from medhavi.units import to_seconds
from medhavi.views.names import Names, when
from medhavi.workbench.plan_effects import DemandEffect, PlanEffect
from tests import factories
from tests.api import DataSource, names_of
from tests.planners.small_plans import day
from tests.workbench.edit_company import company, proposal

if TYPE_CHECKING:
    from medhavi.service.plan_pages.plan_page import (
        EditResult,
    )
    from tests.api import Progress


@pytest.fixture(autouse=True)
def no_memory():
    page_data._benches.clear()
    plan_page._tried = AnswerCache(32)


@pytest.fixture
def desk(tmp_path):
    company(tmp_path)
    return page_of(tmp_path)


def page_of(folder) -> PlanPage:
    page = PlanPage(source=DataSource(lake=str(folder / "lake")))
    bench = page_data.bench_of(page.source)
    assert bench is not None
    snapshot = bench.snapshot()
    return PlanPage(
        source=page.source,
        snapshot=snapshot,
        plan=plan_of(snapshot),
        names=names_of(snapshot),
    )


def late_tables(folder):
    """Tables of a demand that its supplier makes two days late."""
    factories.snapshot(
        demands=[{"due": day(3), "priority": 2}], supply_terms=[{"lead_time_days": 5}]
    ).to_folder(folder)
    return load_page(str(folder), mode="constrained")


@pytest.mark.req("WO-12")
def test_an_edit_shows_its_price_and_binds_when_somebody_approves(desk, tmp_path):
    form = {"kind": "firm", "supply": proposal(desk.plan), "due": "", "qty": None}
    asked = plan_page.show_edit(desk, form)
    assert asked.problem is None
    told = decision_words.preview_html(asked.preview, desk.names, "buy 30 A")
    assert "Firm: buy 30 A" in told
    assert "total" in told
    assert plan_page.decide(desk, asked, " ").title == "No approver"
    done = plan_page.decide(desk, asked, "Ana")
    assert (done.kept, done.title) == (True, "Decided")
    assert "PO-" in done.text
    newest = page_of(tmp_path)
    assert newest.plan is not None
    assert newest.plan.run.run_id == asked.preview.plan.run.run_id
    assert "decided before" in plan_page.decide(desk, asked, "Ana").text
    history = decision_words.history_html(plan_page.decisions(desk), desk.names)
    assert "Ana" in history
    assert "Firmed PO-" in history
    assert "firmed" in set(page_of(tmp_path).plan.supplies["status"])


@pytest.mark.req("WO-12", "UI-08")
def test_a_proposal_is_moved_to_a_time_of_its_own_place_here_and_in_history(desk):
    there = {**desk.names.zones, "DC": "America/Chicago"}
    names = replace(desk.names, zones=there)
    form = {"kind": "move", "supply": proposal(desk.plan), "due": day(40).isoformat()}
    asked = plan_page.show_edit(desk, form)
    assert asked.preview.ready, asked.preview.findings
    told = decision_words.preview_html(asked.preview, names, "buy 30 A")
    words = f"to {when(day(40), 'America/Chicago')} America/Chicago"
    assert f"Reschedule {words}: buy 30 A" in told
    assert plan_page.decide(desk, asked, "Ana").kept
    history = decision_words.history_html(plan_page.decisions(desk), names)
    assert re.search(f"Rescheduled PO-[^ ]+ {words}", history)
    assert plan_page.take_back(desk, "Ben").kept
    history = decision_words.history_html(plan_page.decisions(desk), names)
    assert re.search(f"Undone: Rescheduled PO-[^ ]+ {words}", history)


def test_what_an_edit_breaks_stands_above_what_it_gains(desk):
    """An order moved before its component was there was a gain, and nothing else."""
    form = {"kind": "move", "supply": proposal(desk.plan), "due": day(40).isoformat()}
    shown = plan_page.show_edit(desk, form).preview
    assert shown is not None
    row = {"code": "AwaitsComponent", "severity": "critical", "product": "A"}
    row |= {"supply": shown.orders[0], "location": "DC", "date": day(40)}
    row |= {"hours": 122.0, "message": "Takes A 5 d 2 h before it is available."}
    schema = shown.plan.exceptions.schema
    broken = shown.plan.replace(exceptions=pl.DataFrame([row], schema=schema))
    told = decision_words.preview_html(replace(shown, plan=broken), desk.names)
    assert "Takes A 5 d 2 h before it is available." in told
    assert told.index("What it breaks") < told.index("What it costs")
    row |= {"severity": "info"}
    minor = shown.plan.replace(exceptions=pl.DataFrame([row], schema=schema))
    told = decision_words.preview_html(replace(shown, plan=minor), desk.names)
    assert "What it breaks" not in told


def test_a_corrected_cell_stands_in_history_with_its_value(desk):
    cell = {"table": "products", "key": {"product": "A"}, "column": "unit_cost"}
    asked = plan_page.show_edit(desk, {"kind": "override", **cell, "value": 9.5})
    assert plan_page.decide(desk, asked, "Ana").kept
    history = decision_words.history_html(plan_page.decisions(desk), desk.names)
    assert re.search(r"unit cost [^ ]+ → 9.5", history), history


def test_a_decision_is_taken_back_by_somebody(desk):
    form = {"kind": "firm", "supply": proposal(desk.plan)}
    plan_page.decide(desk, plan_page.show_edit(desk, form), "Ana")
    assert plan_page.take_back(desk, "").kept is False
    back = plan_page.take_back(desk, "Ben")
    assert (back.kept, back.title) == (True, "Taken back")
    assert back.text.startswith("Firmed PO-")
    assert "undone, approved by Ben" in back.text
    told = decision_words.history_html(plan_page.decisions(desk), desk.names)
    assert "taken back" in told
    assert "Undone: Firmed PO-" in told
    assert plan_page.take_back(desk, "Ben").title == "Nothing was undone"


def test_the_decision_just_taken_can_be_undone_beside_it(desk):
    """The button takes back the decision that it stands by, whatever followed."""
    form = {"kind": "firm", "supply": proposal(desk.plan)}
    asked = plan_page.show_edit(desk, form)
    decision = plan_page.Decision(asked=asked, approver="Ana")
    pressed: list[plan_page.Decision] = []
    assert desk_parts.undo_button(decision, "Ben", pressed.append) is None
    desk_parts.outcome(desk, decision, lambda done: None)
    button = desk_parts.undo_button(decision, "Ben", pressed.append)
    assert button is not None
    button._update(1)
    (back,) = pressed
    bench = page_data.bench_of(desk.source)
    (done,) = bench.edit_history()
    assert (back.taken, back.approver) == (done.edit_id, "Ben")
    assert plan_page.recorded(desk, back).title == "Taken back"
    assert bench.edit_history()[0].undone_by


def test_a_plan_of_old_facts_is_not_edited(desk):
    form = {"kind": "firm", "supply": proposal(desk.plan)}
    plan_page.decide(desk, plan_page.show_edit(desk, form), "Ana")
    stale = plan_page.show_edit(desk, form)
    told = decision_words.preview_html(stale.preview, desk.names)
    assert "Press Preview again" in told
    assert plan_page.is_overtaken(stale)
    assert "Ana" in told
    assert plan_page.decide(desk, stale, "Ben").kept is False


def test_an_order_that_somebody_else_firmed_is_told_with_the_decision(desk, tmp_path):
    form = {"kind": "firm", "supply": proposal(desk.plan)}
    plan_page.decide(desk, plan_page.show_edit(desk, form), "Ana")
    newest = page_of(tmp_path)
    asked = plan_page.show_edit(newest, form)
    assert asked.preview is None
    told = decision_words.asked_html(asked, newest.names)
    assert "The order has changed" in told
    assert "Firmed PO-" in told
    assert "approved by Ana" in told
    assert form["supply"] not in told


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": "move", "due": "soon"}, "enter a date and time"),
        ({"kind": "move", "due": ""}, "needs due"),
        ({"kind": "split", "parts": "a b"}, "is no quantity"),
        ({"kind": "change_qty", "qty": None}, "needs qty"),
        ({"kind": "change_source", "source": ""}, "needs source"),
        ({"kind": "firm", "supply": None}, "needs the order"),
    ],
)
def test_what_is_wrong_in_a_form_is_told(desk, form, words):
    asked = plan_page.show_edit(desk, {"supply": proposal(desk.plan), **form})
    assert asked.preview is None
    assert words in asked.problem.text


def test_local_dates_and_parts_are_read(desk):
    supply = proposal(desk.plan)
    moved = plan_page.show_edit(
        desk, {"kind": "move", "supply": supply, "due": "2026-01-20 08:00"}
    )
    assert moved.preview.ready, moved.preview.findings
    split = plan_page.show_edit(
        desk, {"kind": "split", "supply": supply, "parts": "10; 20"}
    )
    assert split.preview.ready, split.preview.findings


def test_a_refused_edit_says_why(desk):
    refused = plan_page.show_edit(
        desk, {"kind": "split", "supply": proposal(desk.plan), "parts": "1 1"}
    )
    assert "What to do" in decision_words.preview_html(refused.preview, desk.names)


def test_new_rows_of_a_remedy_have_their_price_and_are_told_in_words(desk):
    row = {"product": "A", "uom": "box", "factor": 12.0}
    answer = answer_of({"uom_conversions": (row,)}, desk.snapshot)
    asked = plan_page.show_edit(desk, answer.edit)
    assert asked.preview.ready, asked.preview.findings
    told = decision_words.preview_html(asked.preview, desk.names)
    assert "New: uom conversions, A, box, factor 12" in told
    done = plan_page.decide(desk, asked, "Ana")
    assert done.text == "New: uom conversions, A, box, factor 12: approved by Ana."
    history = decision_words.history_html(plan_page.decisions(desk), desk.names)
    assert "New: uom conversions, A, box, factor 12" in history
    assert plan_page.take_back(desk, "Ben").kept


def test_a_folder_of_tables_has_no_desk(tmp_path):
    page = late_tables(tmp_path)
    assert page_data.bench_of(page.source) is None
    asked = plan_page.show_edit(page, {"kind": "firm", "supply": "x"})
    assert "needs a lake" in asked.problem.text
    assert plan_page.decisions(page) == []
    assert plan_page.take_back(page, "Ana").kept is False
    assert "No decision yet" in decision_words.history_html([], page.names)


def test_exceptions_that_one_edit_answers():
    row = {"code": "BringForward", "supply": "PO", "suggested_date": day(2)}
    assert plan_page.answer_to(row, None) == {
        "kind": "move",
        "supply": "PO",
        "due": "2026-01-07T00:00:00+00:00",
    }
    assert plan_page.answer_to({**row, "code": "Cancel"}, None) == {
        "kind": "cancel",
        "supply": "PO",
    }
    assert plan_page.answer_to({**row, "code": "BelowSafety"}, None) is None
    assert plan_page.answer_to({**row, "supply": None}, None) is None
    assert plan_page.answer_to({**row, "suggested_date": None}, None) is None
    soon = to_seconds(day(2))
    assert plan_page.answer_to(row, soon) is None  # nothing moves into the past
    assert plan_page.answer_to(row, soon - 1) is not None


def test_choices_outlive_the_plan_they_were_made_on():
    session = EditSession()
    session.select(["PO-1", "PO-2"])
    session.send("move", {"due": "2026-12-04"})
    assert session.orders == ("PO-1", "PO-2")
    assert (session.kind, session.form["due"]) == ("move", "2026-12-04")
    renewals = [session.may_renew() for _ in range(MOST_RENEWALS + 1)]
    assert renewals == [True] * MOST_RENEWALS + [False]
    session.send("firm", {})
    assert session.may_renew()


def test_a_decision_is_recorded_once_however_often_its_cell_runs(desk):
    told: list[EditResult] = []
    asked = plan_page.show_edit(desk, {"kind": "firm", "supply": proposal(desk.plan)})
    decision = Decision(asked=asked, approver="Ana")
    for _ in range(3):
        assert "Decided" in desk_parts.outcome(desk, decision, told.append).text
    assert [one.kept for one in told] == [True]
    back = Decision(approver="Ben")
    for _ in range(2):
        assert "Taken back" in desk_parts.outcome(desk, back, told.append).text
    assert len(plan_page.decisions(desk)) == 2
    assert desk_parts.outcome(desk, None, told.append) is None


def test_remedies_are_tried_once_for_a_page(tmp_path):
    page = late_tables(tmp_path)
    told: list[Progress] = []
    first = plan_page.tried_remedies(page, None, 2, told.append)
    assert first.found[0].lateness_h == 0.0
    assert len(first.texts) == 2
    assert [str(one) for one in told] == ["changes: 1 of 2", "changes: 2 of 2"]
    assert plan_page.tried_remedies(page, None, 2) is first


def test_another_mode_is_planned_for_comparison(tmp_path):
    page = late_tables(tmp_path)
    assert plan_page.other_plan(page, "mrp").plan.run.mode == "mrp"


@pytest.mark.req("OPA-07")
def test_a_change_is_priced_apart_from_what_planning_again_comes_to() -> None:
    """Saving 6 it looked like a loss of 11 where the plan made again costs 17 more."""
    costs = {"purchase": 0.0, "production": 0.0, "transport": 1.0, "holding": 0.0}
    price = EditPrice(**costs, lateness=-7.0, replanning=17.0)
    effect = PlanEffect(price=price, victims=(), winners=(), plan=None)
    told = decision_words.effect_html(effect, Names())
    own = told.index("the change alone")
    assert own < told.index("planning again with nothing changed") < told.index("total")
    assert "6" in told[own : own + 80]
    calm = replace(effect, price=replace(price, replanning=0.0))
    assert "the change alone" not in decision_words.effect_html(calm, Names())


def test_what_a_demand_loses_is_told_in_four_columns_that_fit_a_drawer() -> None:
    """Zones and a column of products left no room for the money, the last one."""
    costs = dict.fromkeys(("purchase", "production", "transport", "holding"), 0.0)
    price = EditPrice(**costs, lateness=95000.0)
    noon = dt.datetime(2026, 12, 17, 11, tzinfo=dt.UTC)
    worse = DemandEffect(
        demand="SO-1",
        product="P",
        old_status="on time",
        new_status="late",
        old_date=noon,
        new_date=noon,
        late_hours=0.0,
        short_qty=0.0,
        money=95000.0,
    )
    effect = PlanEffect(price=price, victims=(worse,), winners=(), plan=None)
    names = Names(zones={"SO-1": "Europe/Vienna"}, zone="Europe/Rome")
    told = decision_words.effect_html(effect, names).split("Demands that get worse")[1]
    assert re.findall("<th[^>]*>([^<]*)", told) == ["Before", "Then", "Money"]
    assert re.sub(r"\s*<[^>]+>", " ", told).count("Vienna") == 0
    assert told.count('<abbr title="Europe/Vienna">Thu 17 Dec, 12:00</abbr>') == 2


def test_quantities_are_read_as_they_are_written(desk):
    """-5 was taken for the quantity of before, and 0 for none at all."""
    form = {"kind": "change_qty", "supply": proposal(desk.plan)}
    for written, told in (("-5", "not above zero"), ("0", "not above zero")):
        (found,) = plan_page.show_edit(desk, {**form, "qty": written}).preview.findings
        assert told in found.message
    for written in ("3,5", "abc", "1,23"):
        problem = plan_page.show_edit(desk, {**form, "qty": written}).problem
        assert "is no quantity; write it like 3,650" in problem.text
    known = plan_page.show_edit(desk, {**form, "qty": "1,000"}).preview
    assert known.edit.values["qty"] == 1000.0
