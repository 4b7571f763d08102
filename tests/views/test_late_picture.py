"""What is late and why: ranked by money, split by cause, in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from medhavi.results.plans.lateness import late_demands
from medhavi.views.pictures import lateness
from medhavi.views.pictures.lateness import (
    cause_groups,
    cause_words,
    late_bars,
    late_chart,
    plan_finding,
)
from tests.api import Names
from tests.results.hand_plan import at, hand_plan

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

NAMES = Names(texts={"M1": "Filling <1>"})


def demand(name: str, status: str, hours: float | None) -> dict[str, object]:
    return {
        "demand": name,
        "due": at("2026-02-02 18:00"),
        "qty": 1.0,
        "planned": 1.0,
        "short": 0.0,
        "lateness_h": hours,
        "status": status,
    }


def cause(name: str, code: str, hours: float | None, money: float) -> dict[str, object]:
    return {
        "demand": name,
        "code": code,
        "subject": "M1",
        "valid_from": at("2026-02-02 18:00"),
        "valid_to": at("2026-02-02 18:00") + dt.timedelta(hours=hours or 0),
        "hours": hours,
        "money": money,
    }


@pytest.fixture
def plan() -> Plan:
    return hand_plan(
        fulfilment=[
            demand("cheap", "late", 48.0),
            demand("dear", "late", 30.0),
            demand("none", "unplanned", None),
            demand("fine", "on_time", 0.0),
        ],
        causes=[
            cause("cheap", "LeadTime", 48.0, 1.0),
            cause("dear", "CapacityShortfall", 24.0, 90.0),
            cause("dear", "NoTransportLeg", 6.0, 10.0),
            cause("none", "NoSource", None, 5.0),
        ],
    )


def test_the_dearest_comes_first(plan):
    rows = late_demands(plan).select("demand", "money").rows()
    assert rows == [("dear", 100.0), ("none", 5.0), ("cheap", 1.0)]


def test_bars_split_lateness_by_cause_and_sum_to_it(plan):
    bars = late_bars(plan, NAMES)
    dear = bars.filter(bars["demand"] == "dear")
    assert sorted(dear["domain"]) == ["capacity", "transport"]
    assert dear["days"].sum() == pytest.approx(30 / 24)
    assert bars["demand"].unique(maintain_order=True).to_list() == ["dear", "cheap"]


def test_what_was_past_due_before_the_plan_is_told_apart():
    """The legend names the causes that are there, and none is an unnamed other."""
    late = hand_plan(
        fulfilment=[demand("old", "late", 72.0)],
        causes=[
            cause("old", "PastDue", 48.0, 9.0),
            cause("old", "AwaitingSupply", 24.0, 1.0),
        ],
    )
    assert set(late_bars(late, NAMES)["domain"]) == {
        "past due when planned",
        "material",
    }
    chart = late_chart(late, NAMES)
    assert chart is not None
    scale = chart.to_dict()["encoding"]["color"]["scale"]
    assert scale["domain"] == ["material", "past due when planned"]


@pytest.mark.req("UI-02")
def test_past_due_when_planned_is_one_cause_of_all_its_demands():
    """Demands of 9 and 8 outrank a machine of 10 together, neither does alone."""
    late = hand_plan(
        fulfilment=[demand(one, "late", 48.0) for one in ("old", "older", "dear")],
        causes=[
            cause("old", "PastDue", 48.0, 9.0) | {"subject": "old"},
            cause("older", "PastDue", 48.0, 8.0) | {"subject": "older"},
            cause("dear", "CapacityShortfall", 48.0, 10.0),
        ],
    )
    first, second = cause_groups(late).to_dicts()
    assert (first["code"], first["subject"], first["demands"]) == ("PastDue", None, 2)
    assert (first["money"], second["money"]) == (17.0, 10.0)
    told = plan_finding(replace(late, run=replace(late.run, mode="optimize")), NAMES)
    assert told.endswith("; largest cause: past due when planned, € 17")
    assert "old" not in told


def test_the_title_says_how_many_and_how_much(plan):
    chart = late_chart(plan, NAMES)
    assert chart is not None
    title = chart.to_dict()["title"]["text"]
    # The one that is never delivered has no days: three are told, two are drawn.
    assert title == "3 demands not kept, € 106; by cost; 1 short, without a bar"


def test_the_title_says_where_only_the_most_costly_are_drawn(plan, monkeypatch):
    monkeypatch.setattr(lateness, "MOST_LATE", 1)
    chart = late_chart(plan, NAMES)
    assert chart is not None
    title = chart.to_dict()["title"]["text"]
    assert title.endswith("; 1 short, without a bar; the 1 costliest are drawn")


@pytest.mark.req("UI-02")
def test_the_bars_leave_room_for_the_list_below_them():
    late = hand_plan(
        fulfilment=[demand(f"SO-{one}", "late", 24.0) for one in range(15)],
        causes=[cause(f"SO-{one}", "LeadTime", 24.0, 1.0) for one in range(15)],
    )
    chart = late_chart(late, Names())
    assert chart is not None
    assert chart.to_dict()["height"] == 12 * 18
    # A label of three lines, on a phone, does not run into the next one.
    long = Names(texts={"SO-1": "Agrumi shampoo at Milano, forecast of Mon 4 Jan 2027"})
    tall = late_chart(late, long)
    assert tall is not None
    assert tall.to_dict()["height"] == 12 * 24


def test_nothing_late_is_said():
    fine = hand_plan(fulfilment=[demand("fine", "on_time", 0.0)], causes=[])
    assert late_chart(fine, NAMES) is None
    assert late_bars(fine, NAMES).is_empty()


def test_a_skill_that_nobody_has_yet_is_told_in_words():
    told = cause_words("CapacityShortfall", "CREW|weld", Names(texts={"CREW": "Crew"}))
    assert told == "no member of Crew has the skill weld"
