"""Orders for other systems, an order's history, and a shop-floor file replayed."""

from __future__ import annotations

import csv
import io
import json

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.orders.order_history import (
    REVISION_COLUMNS,
    order_history,
    outbox,
)
from tests.api import edit
from tests.lakehouse.lake_events import day
from tests.workbench.edit_company import company, event, plan_of, proposal, reported


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """A proposal firmed, moved, split and one part taken back again."""
    folder = tmp_path_factory.mktemp("out")
    bench = company(folder)
    plan = plan_of(bench)
    (number,) = bench.firm(plan, proposal(plan), approver="Ada").orders
    reported(folder, event(50, "SupplyOrderReleased", supply_order="PO-1"))
    bench.mirror()
    bench.move(plan_of(bench), number, due=day(50), approver="Bob", reason="late ship")
    bench.split(plan_of(bench), number, [10, 20], approver="Ada")
    bench.undo(approver="Eve")
    return bench, number, folder


def told(found):
    return [(row["order"], row["revision"], row["action"]) for row in found.rows]


@pytest.mark.nightly
def test_what_was_decided_goes_out_in_its_order_by_revision(edited):
    bench, number, _ = edited
    assert told(outbox(bench.lake)) == [
        (number, 1, "firmed"),
        (number, 2, "changed"),
        (f"{number}-2", 1, "firmed"),
        (f"{number}-3", 1, "firmed"),
        (number, 3, "cancelled"),
        (number, 4, "firmed"),
        (f"{number}-2", 2, "cancelled"),
        (f"{number}-3", 2, "cancelled"),
    ]
    moved = outbox(bench.lake).rows[1]
    assert (moved["due"], moved["approver"], moved["reason"]) == (
        day(50),
        "Bob",
        "late ship",
    )
    assert outbox(bench.lake).rows[4]["replaced_by"] == [f"{number}-2", f"{number}-3"]


def test_an_export_goes_on_where_the_last_one_ended(edited):
    """Any cut gives the rows of the whole, each once, with the same revision."""
    bench, *_ = edited
    whole = outbox(bench.lake)
    for cut in [row["position"] for row in whole.rows]:
        rest = outbox(bench.lake, cut).rows
        assert rest == tuple(row for row in whole.rows if row["position"] > cut)
    assert outbox(bench.lake, whole.next).rows == ()
    assert outbox(bench.lake) == whole


def test_what_others_reported_does_not_come_back_to_them(edited):
    bench, *_ = edited
    assert "PO-1" not in {row["order"] for row in outbox(bench.lake).rows}


def test_csv_and_json_hold_the_same(edited):
    bench, *_ = edited
    found = outbox(bench.lake)
    rows = list(csv.DictReader(io.StringIO(found.text("csv"))))
    assert list(rows[0]) == list(REVISION_COLUMNS)
    read = json.loads(found.text("json"))
    assert [row["order"] for row in rows] == [row["order"] for row in read["orders"]]
    assert read["orders"][1]["due"] == "2026-02-24T00:00:00Z"
    assert rows[1]["due"] == "2026-02-24T00:00:00Z"


def test_a_position_of_another_log_is_refused(edited):
    bench, *_ = edited
    for position in (-1, bench.lake.position() + 1):
        with pytest.raises(UsageError, match="is not in this log; it ends at"):
            outbox(bench.lake, position)
    with pytest.raises(UsageError, match="exported to csv or json, not to xml"):
        outbox(bench.lake).text("xml")


@pytest.mark.nightly
def test_a_released_order_goes_out_as_released(tmp_path):
    bench = company(tmp_path)
    plan = plan_of(bench)
    (number,) = bench.firm(plan, proposal(plan), approver="Ada").orders
    bench.release(plan_of(bench), number, approver="Ada")
    shown = bench.preview(plan_of(bench), edit("split", number, parts=[10, 20]))
    bench.commit_edit(shown, approver="Ada")
    assert [one[2] for one in told(outbox(bench.lake))] == [
        "firmed",
        "released",
        "released",
        "released",
        "cancelled",
    ]


@pytest.mark.req("KPI-07", "KPI-17", "WO-11")
def test_a_shop_floor_file_is_replayed_once_however_often_it_comes(tmp_path):
    """30 ordered: 20 with 2 scrap and 1 sent back, then 9, completed a day late."""
    bench = company(tmp_path)
    floor = [
        event(
            60,
            "SupplyOrderReceived",
            occurred=day(9),
            supply_order="PO-1",
            qty=20.0,
            scrap_qty=2.0,
            rework_qty=1.0,
            received_at=day(9),
        ),
        event(
            61,
            "SupplyOrderReceived",
            occurred=day(10),
            supply_order="PO-1",
            qty=9.0,
            received_at=day(10),
        ),
        event(
            62,
            "SupplyOrderCompleted",
            occurred=day(11),
            supply_order="PO-1",
            completed_at=day(11),
        ),
    ]
    reported(tmp_path, *floor[:1])
    bench.mirror()
    partial = order_history(bench.lake, "PO-1").account
    assert (partial.good, partial.remaining, partial.rework) == (18, 10, 1)
    assert bench.snapshot()["supply_orders"]["qty_done"].to_list() == [20]
    reported(tmp_path, *floor)
    bench.mirror()
    done = order_history(bench.lake, "PO-1")
    account = done.account
    assert (account.state, account.received, account.good) == ("completed", 29, 27)
    assert (account.variance_qty, account.variance_h) == (-3, 24)
    assert account.findings == ()
    measured = bench.order_figures("purchase")
    figures = {one.part: one.value for one in measured["KPI-17"]}
    assert (figures["redo"], figures["partial"]) == (1.0, 0.0)
    assert (figures["variance_qty"], figures["variance_h"]) == (-0.1, 24.0)
    assert bench.order_figures()["KPI-17"][0].value is None
    assert bench.snapshot()["supply_orders"].is_empty()
    assert str(done.events[0]).endswith("SupplyOrderPlaced by unknown")


def test_the_account_of_an_edited_order_counts_from_what_it_is_now(edited):
    bench, number, _ = edited
    found = order_history(bench.lake, number)
    assert len(found.events) == 4
    assert (found.account.state, found.account.ordered) == ("firmed", 30)
    assert order_history(bench.lake, "PO-1").account.state == "released"


def test_an_order_that_nobody_names_is_refused(edited):
    bench, *_ = edited
    with pytest.raises(UsageError, match="No event names an order PO"):
        order_history(bench.lake, "PO")


@pytest.mark.req("PEG-09", "PEG-03")
def test_pegs_of_published_plans_are_kept(tmp_path):
    """The proposal becomes an order: its peg is superseded by that of the order."""
    bench = company(tmp_path)
    first = bench.plan()
    bench.publish(first, approver="Ada")
    (number,) = bench.firm(first, proposal(first), approver="Ada").orders
    second = bench.plan()
    bench.publish(second, approver="Ada", baseline=first.run.run_id)
    kept = bench.peg_history()
    (ended,) = (one for one in kept.records if one.supply == proposal(first))
    assert (ended.status, ended.replaced_by) == ("Superseded", (number,))
    assert (ended.since, ended.until) == (first.run.run_id, second.run.run_id)
    assert {one.status for one in kept.records if one.supply == number} == {"Active"}
