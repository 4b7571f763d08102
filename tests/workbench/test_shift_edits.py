"""Editing weekly shifts: price first, then events, and the way back."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.units import HOUR, to_seconds
from tests import api
from tests.lakehouse.lake_events import day
from tests.workbench.shift_company import shift_company

SATURDAY = {
    "kind": "change_shifts",
    "calendar": "DAY",
    "shifts": ["Sat 08:00-16:00"],
    "valid_from": "2026-01-05",
    "valid_to": "2026-01-11",
}
"""One Saturday more, the tenth of January."""


@pytest.fixture
def bench(tmp_path):
    return shift_company(tmp_path)


def plan_of(bench, mode="constrained"):
    return api.plan(bench.snapshot(), mode)


def start(plan):
    (order,) = plan.supplies.filter(kind="make").to_dicts()
    return order["start"]


@pytest.mark.req("UI-05", "WO-12")
def test_a_week_has_its_price_first_then_is_events_and_comes_back(bench):
    before = bench.snapshot()
    made = plan_of(bench)
    # 24 hours before Thu 15 January 01:00, 32 before that weekend: Monday 12:00.
    assert start(made) == day(0) + dt.timedelta(hours=11)
    shown = bench.preview(made, SATURDAY)
    assert shown.ready, shown.findings
    assert bench.snapshot().fingerprint == before.fingerprint
    # Eight hours of M and eight of N, which has the calendar too, at 45.
    assert shown.price.extra_units == pytest.approx(2 * 8 * 45)
    # Eight hours of Saturday: it begins a day of work later.
    assert start(shown.plan) == day(1) + dt.timedelta(hours=11)
    done = bench.commit_edit(shown, approver="Ada")
    assert done.events == ("ShiftDefined",)
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    (record,) = bench.edit_history()
    assert (record.kind, record.approver) == ("change_shifts", "Ada")
    assert bench.undo(approver="Bob").events == ("ShiftRetired",)
    assert bench.snapshot().fingerprint == before.fingerprint


@pytest.mark.req("UI-05")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize(
    "lines",
    [
        ["Sat 08:00-16:00"],
        ["Mon-Fri 06:00-14:00, 14:00-22:00"],
        ["Mon-Thu 22:00-06:00", "Fri closed"],
        ["Mon-Fri 08:00-10:00"],
        ["Mon-Sun closed"],
    ],
)
@pytest.mark.nightly
def test_the_priced_plan_is_the_plan_of_the_changed_tables(bench, mode, lines):
    edit = {"kind": "change_shifts", "calendar": "DAY", "shifts": lines}
    made = plan_of(bench, mode)
    shown = bench.preview(made, {**edit, "valid_from": "2026-01-06"})
    assert shown.ready, shown.findings
    assert bench.commit_edit(shown, approver="Ada").committed
    # The tables are read anew; mode mrp plans them from nothing as well.
    edited = bench.snapshot()
    tables = {name: frame.to_dicts() for name, frame in edited.tables.items()}
    baseline = None if mode == "mrp" else made
    again = api.plan(type(edited).from_frames(tables), mode, baseline=baseline)
    for name in ("supplies", "operations", "deliveries", "loads"):
        told = [plan[name] for plan in (shown.plan, again)]
        assert told[0].equals(told[1]), name
    assert api.verify(again, edited) == []


@pytest.mark.req("UI-05")
def test_promises_see_the_week_that_was_approved(bench):
    request = {"product": "A", "location": "L", "qty": 60.0, "due": day(4)}
    (before,) = bench.promise([request])
    # 40 hours of the first week, 20 of the second: Wed 14 January, 12:00 in Rome.
    assert before.date == to_seconds(day(9)) + 11 * HOUR
    assert bench.edit(plan_of(bench), SATURDAY, approver="Ada").committed
    (after,) = bench.promise([request])
    assert after.date == to_seconds(day(8)) + 11 * HOUR


def test_a_week_that_opens_nothing_is_refused_where_work_needs_it(bench):
    closed = {
        "kind": "change_shifts",
        "calendar": "DAY",
        "shifts": ["Mon-Sun closed"],
    }
    shown = bench.preview(plan_of(bench), closed)
    assert shown.status == "refused"
    assert "never open" in str(shown.findings[0])
    later = bench.preview(plan_of(bench), {**closed, "valid_from": "2026-01-10"})
    assert later.ready
    assert later.victims[0].demand == "D"


def test_a_date_is_a_day_of_the_zone_of_the_calendar(bench):
    bench.edit(plan_of(bench), SATURDAY, approver="Ada")
    (row,) = bench.snapshot()["shifts"].filter(weekday=6).to_dicts()
    assert row["valid_from"] == day(0) - dt.timedelta(hours=1)
    assert row["valid_to"] == day(7) - dt.timedelta(hours=1)


def test_one_verb_changes_shifts_and_an_override_of_a_cell_gives_way(bench):
    key = {"calendar": "DAY", "weekday": "1", "start": "08:00:00"}
    place = ("shifts", key, "finish")
    assert bench.override(plan_of(bench), place, "20:00", approver="Ada").committed
    edit = {"calendar": "DAY", "shifts": ["Mon 08:00-18:00"]}
    shown = bench.preview(plan_of(bench), {"kind": "change_shifts", **edit})
    assert [one.code for one in shown.findings] == ["ORD012"]
    done = bench.change_shifts(
        plan_of(bench), "DAY", ["Mon 08:00-18:00"], approver="Ben", reason="longer day"
    )
    assert done.committed, done.findings
    monday = bench.snapshot()["shifts"].filter(weekday=1, calendar="DAY")
    assert monday["finish"].to_list() == [dt.time(18)]
    assert bench.edit_history()[-1].reason == "longer day"
    assert bench.undo(approver="Ben").committed
    monday = bench.snapshot()["shifts"].filter(weekday=1, calendar="DAY")
    assert monday["finish"].to_list() == [dt.time(20)]
    assert bench.snapshot()["shifts"].filter(pl.col("calendar") == "OWN").height == 5
