"""The data of the schedule app: the example, files, uploads, risk, failures."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from medhavi.results.reports.risk import RiskReport
from medhavi.service import schedule_page
from medhavi.service.schedule_page import (
    example_schedule,
    load_schedule,
    order_rows,
    order_table,
    risk_of,
    risk_rows,
)
from medhavi.views.schedule_words import (
    proof_html,
    schedule_foot,
    schedule_tiles,
)
from tests.api import Names, PageProblem


@pytest.fixture(scope="module")
def example():
    page = load_schedule()
    assert page.problem is None
    return page.schedule


def tiny(**order: object) -> dict[str, object]:
    """A problem of one order on one line, an hour long."""
    step = {"step": 1, "options": [{"resource": "M", "run_minutes": 60}]}
    return {
        "schema": "medhavi.schedule/1",
        "name": "tiny",
        "start": "2026-01-05T06:00:00Z",
        "objective": ["late_orders", "makespan"],
        "resources": [{"resource": "M", "name": "Mill <1>"}],
        "orders": [{"order": "O<1>", "due_minutes": 30, "steps": [step], **order}],
    }


def test_the_example_is_on_time_and_proven(example):
    assert str(example.status) == "optimal"
    assert example.objective["late_orders"] == 0
    assert "proven best" in proof_html(example)
    assert set(order_rows(example)["Late"]) == {"● on time"}
    assert "optimal, proven best, verified: 0 violations" in schedule_foot(example)
    words = [tile.label for tile in schedule_tiles(example)]
    assert words == ["All done after", "Late orders", "Changeover time", "Busiest line"]


def test_the_same_question_is_not_solved_again(example):
    assert load_schedule().schedule is example


def test_an_upload_wins_and_its_late_order_is_told():
    page = load_schedule("nowhere.json", json.dumps(tiny()).encode())
    made = page.schedule
    assert page.source == "an uploaded file"
    tiles = schedule_tiles(made)
    assert (tiles[1].figure, tiles[1].word) == ("1", "late")
    (row,) = order_rows(made).to_dicts()
    assert row == {
        "Order": "O<1>",
        "Done": dt.datetime.fromisoformat("2026-01-05 07:00"),
        "Due": dt.datetime.fromisoformat("2026-01-05 06:30"),
        "Late": "▲ 30 min",
    }


def test_an_order_that_nothing_is_due_for_is_not_called_on_time():
    made = load_schedule(document=json.dumps(tiny(due_minutes=None)).encode()).schedule
    (row,) = order_rows(made).to_dicts()
    assert (row["Due"], row["Late"]) == (None, "")


def test_orders_of_a_plan_say_what_they_make_in_local_time():
    order = tiny(product="A", customer="C", due_minutes=600)
    made = load_schedule(document=json.dumps(order).encode()).schedule
    names = Names(texts={"A": "Jam", "C": "Rosa"})
    (row,) = order_rows(made, "Europe/Rome", names).to_dicts()
    assert (row["Item"], row["Customer"]) == ("Jam", "Rosa")
    assert row["Done"] == dt.datetime.fromisoformat("2026-01-05 08:00")


def test_a_file_of_this_machine_is_read(tmp_path):
    file = tmp_path / "p.json"
    file.write_text(json.dumps(tiny(due_minutes=600)))
    assert load_schedule(str(file), objective="makespan").schedule.makespan == 60


def test_only_so_many_schedules_are_kept(monkeypatch):
    monkeypatch.setattr(schedule_page, "_KEPT", 1)
    for due in (600, 700):
        load_schedule(document=json.dumps(tiny(due_minutes=due)).encode())
    assert len(schedule_page._schedules) == 1


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{half", "Fix the data errors"),
        (b'{"orders": [], "orders": []}', "Fix the data errors"),
        (b'{"schema": "other"}', "Fix the data errors"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(document, words):
    page = load_schedule(document=document)
    assert page.schedule is None
    assert words in page.problem.title


def test_what_cannot_all_hold_is_told():
    closed = {"resources": [{"resource": "M", "windows": [[0, 30]]}]}
    page = load_schedule(document=json.dumps({**tiny(), **closed}).encode())
    made = page.schedule
    assert made.operations.is_empty()
    assert schedule_tiles(made)[0].word == "cannot be scheduled"
    assert "Conflicting rules" in proof_html(made)
    assert order_rows(made).is_empty()
    assert "No order is scheduled" in order_table(made, Names()).text


@pytest.mark.req("RSK-01")
def test_the_risk_of_the_example_names_the_order_that_may_be_late(example):
    report = risk_of(example, scenarios=500, spread=0.35, steps="filling")
    assert isinstance(report, RiskReport)
    rows = risk_rows(report)
    assert rows["Order"][0] == report.orders.sort("prob_late")["order"][-1]
    assert rows["Chance to be late"].is_sorted(descending=True)


def test_the_file_s_own_ranges_hold_without_a_spread(example):
    report = risk_of(example, scenarios=200, spread=None, steps="")
    assert isinstance(report, RiskReport)


def test_nothing_uncertain_is_told_in_words():
    made = load_schedule(document=json.dumps(tiny()).encode()).schedule
    assert isinstance(risk_of(made, scenarios=10, spread=None, steps=""), PageProblem)


def test_the_example_is_a_fresh_document_each_time():
    example_schedule()["orders"].clear()
    assert len(example_schedule()["orders"]) == 6
