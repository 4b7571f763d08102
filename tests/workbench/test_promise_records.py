"""Records of promises: every promise is found again, with its number and its state."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

from medhavi.units import DAY
from medhavi.workbench.promise_desk.promise_records import (
    PROMISE_COLUMNS,
    promise_outbox,
)
from tests.api import (
    Override,
    SqliteStore,
    Workbench,
    promise_events,
    promise_records,
    quotation_numbers,
)
from tests.lakehouse.lake_events import event, small_company

SOON = "2026-01-06T00:00:00Z"


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 of A ordered for March, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def promised(bench, **cells):
    """Promise 5 of A at DC, and mirror it; give the id of the line."""
    row = {"product": "A", "location": "DC", "qty": 5, "due": SOON, **cells}
    (promise,) = bench.promise([row])
    bench.commit(promise, approver="Ada")
    bench.mirror()
    return str(promise.demand["demand"])


def records(bench, days=0):
    now = bench.snapshot().as_of + days * DAY
    return promise_records(bench.lake, now)


def test_a_promise_without_an_order_gets_a_number_that_stays(bench):
    first = promised(bench, qty=5)
    second = promised(bench, qty=6)
    promised(bench, sales_order="SO-7", line=2)
    numbers = dict(records(bench).select("demand", "number").iter_rows())
    assert numbers[first] == "Q-0001"
    assert numbers[second] == "Q-0002"
    assert numbers["SO-7-2"] == "SO-7-2"
    assert quotation_numbers(bench.lake) == {first: "Q-0001", second: "Q-0002"}


def test_the_records_says_what_to_whom_by_when_how_sure_and_by_whom(bench):
    demand = promised(bench)
    (row,) = records(bench).to_dicts()
    assert row["demand"] == demand
    assert (row["product"], row["location"], row["qty"]) == ("A", "DC", 5.0)
    assert (row["approver"], row["state"]) == ("Ada", "open")
    assert row["promised"] <= row["due"] == dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    assert row["date_prob"] == 1.0
    assert row["revisions"] == 0


def test_a_promise_is_overdue_once_its_date_is_past(bench):
    promised(bench)
    assert records(bench, days=60)["state"].to_list() == ["overdue"]


def test_a_released_promise_stays_in_the_list_with_who_released_it(bench):
    demand = promised(bench)
    bench.desk.release(demand, approver="Bob", reason="cancelled by phone")
    bench.mirror()
    (row,) = records(bench).to_dicts()
    assert (row["state"], row["approver"], row["number"]) == (
        "released",
        "Bob",
        "Q-0001",
    )
    told = promise_events(bench.lake, demand)
    assert [one.type for one in told] == ["OrderPromised", "PromiseRevised"]
    assert told[-1].said.reason == "cancelled by phone"


def test_a_date_of_ones_own_is_one_date_and_has_no_probability(bench):
    row = {"product": "A", "location": "DC", "qty": 5, "due": SOON}
    (promise,) = bench.promise([row])
    own = int(promise.date or 0) + 3 * DAY
    bench.desk.commit(
        promise, approver="Eve", override=Override(date=own, reason="he insists")
    )
    bench.mirror()
    (found,) = records(bench).to_dicts()
    assert found["promised"].timestamp() == own
    assert found["date_prob"] is None
    assert found["revisions"] == 0


def test_a_promise_asked_again_counts_its_new_date(bench):
    demand = promised(bench)
    row = {"demand": demand, "product": "A", "location": "DC", "qty": 60, "due": SOON}
    (promise,) = bench.promise([row])
    bench.desk.commit(promise, approver="Ada", reason="more is wanted")
    bench.mirror()
    (found,) = records(bench).to_dicts()
    assert found["qty"] == promise.qty
    assert found["revisions"] == 1
    assert found["number"] == "Q-0001"


@pytest.mark.req("UI-08")
def test_at_a_past_moment_later_promises_and_releases_are_not_known(bench):
    first = promised(bench)
    (before,) = records(bench)["recorded_at"]
    promised(bench, qty=6)
    bench.desk.release(first, approver="Bob", reason="cancelled by phone")
    bench.mirror()
    now = bench.snapshot().as_of
    (row,) = promise_records(bench.lake, now, before).to_dicts()
    assert (row["demand"], row["state"], row["approver"]) == (first, "open", "Ada")
    (told,) = promise_events(bench.lake, first, before)
    assert told.type == "OrderPromised"
    earlier = before - dt.timedelta(seconds=1)
    assert promise_records(bench.lake, now, earlier).is_empty()


def out(bench, since=0):
    return promise_outbox(bench.lake, since)


def test_decided_promises_go_out_once_each_with_what_an_erp_needs(bench):
    first = promised(bench)
    head = out(bench).next
    bench.desk.release(first, approver="Bob", reason="cancelled by phone")
    second = promised(bench, sales_order="SO-7", line=2)
    whole = out(bench)
    told = [(row["number"], row["revision"], row["action"]) for row in whole.rows]
    assert told == [
        ("Q-0001", 1, "promised"),
        ("Q-0001", 2, "released"),
        ("SO-7-2", 1, "promised"),
    ]
    given, taken, ordered = whole.rows
    assert (given["demand"], ordered["demand"]) == (first, second)
    assert given["approver"] == "Ada"
    assert given["qty"] == taken["qty"] == 5.0
    assert given["promised"] is not None
    assert taken["promised"] is None
    rest = out(bench, head).rows
    assert rest == whole.rows[1:], "it goes on where the last one ended"
    assert out(bench, whole.next).rows == ()
    rows = list(csv.DictReader(io.StringIO(whole.text("csv"))))
    assert list(rows[0]) == list(PROMISE_COLUMNS)
    assert [row["number"] for row in rows] == ["Q-0001", "Q-0001", "SO-7-2"]


def test_promises_of_other_systems_do_not_go_back_to_them(tmp_path):
    given = event(
        30, "OrderPromised", demand="D-1", qty=100.0, promised="2026-03-02T00:00:00Z"
    )
    SqliteStore(tmp_path / "events.db").append_many([*small_company(), given])
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    assert out(bench).rows == ()
    assert records(bench).height == 1
