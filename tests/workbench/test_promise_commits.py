"""Commits through the lake: what is promised today is known to all tomorrow."""

from __future__ import annotations

import pytest

import medhavi as mv
from medhavi.errors import UsageError
from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import small_company


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 of A ordered for March, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def request(order, qty, due="2026-01-06T00:00:00Z"):
    row = {"sales_order": order, "line": 1, "product": "A", "location": "DC"}
    return {**row, "qty": qty, "due": due}


def quoted(bench, order, qty):
    """What a fresh reading of the lake can promise: quantity and whether in time."""
    (promise,) = mv.promise(bench.snapshot(), [request(order, qty)])
    return promise


def test_after_a_mirror_everybody_sees_what_was_committed(bench):
    (promise,) = bench.promise([request("SO-7", 30)])
    assert promise.on_time
    done = bench.commit(promise, approver="Ada")
    assert done.committed
    assert quoted(bench, "SO-8", 20).on_time  # not mirrored yet
    bench.mirror()
    snapshot = bench.snapshot()
    held = snapshot["reservations"].to_dicts()
    assert [row["reservation"] for row in held] == list(done.reservations)
    assert [(row["state"], row["qty"]) for row in held] == [("confirmed", 30)]
    assert not [one for one in snapshot.findings if one.severity == "error"]
    assert quoted(bench, "SO-8", 10).on_time
    assert not quoted(bench, "SO-8", 11).on_time
    assert quoted(bench, "SO-7", 40).on_time  # its own 30 do not count against it


def test_live_book_and_a_fresh_one_after_a_mirror_give_the_same_answers(bench):
    bench.commit(bench.promise([request("SO-7", 30)]), approver="Ada")
    live = [one.as_dict() for one in bench.promise([request("SO-8", 25)])]
    bench.mirror()
    fresh = [one.as_dict() for one in bench.promise([request("SO-8", 25)])]
    for one in (*live, *fresh):
        one.pop("known_at")
    assert live[0]["date"] == fresh[0]["date"]
    assert live[0]["reservations"] == fresh[0]["reservations"]


def test_released_promise_is_gone_from_the_lake_too(bench):
    bench.commit(bench.promise([request("SO-7", 30)]), approver="Ada")
    bench.desk.release("SO-7-1", approver="Ada", reason="customer left")
    bench.mirror()
    assert quoted(bench, "SO-8", 40).on_time
    rows = bench.snapshot()["demands"].to_dicts()
    (line,) = [row for row in rows if row["demand"] == "SO-7-1"]
    assert (line["status"], line["promised"]) == ("inquiry", None)
    bench.commit(bench.promise([request("SO-7", 40)]), approver="Ada")
    bench.mirror()
    assert not quoted(bench, "SO-8", 1).on_time


def test_planned_line_of_a_promise_uses_its_own_hold(bench):
    bench.commit(bench.promise([request("SO-7", 30)]), approver="Ada")
    bench.mirror()
    plan = bench.plan()
    rows = plan.fulfilment.to_dicts()
    (line,) = [row for row in rows if row["demand"] == "SO-7-1"]
    assert (line["planned"], line["status"]) == (30, "on_time")


def test_desk_needs_a_store(bench, tmp_path):
    with pytest.raises(UsageError, match="No event store is named"):
        _ = Workbench(tmp_path / "lake").desk


def test_desk_stays_open_until_the_next_mirror(bench):
    first = bench.desk
    assert bench.desk is first
    bench.mirror()
    assert bench.desk is not first
