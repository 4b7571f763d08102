"""Promises that rely on supply which is no order yet."""

from __future__ import annotations

import datetime as dt

import pytest

import medhavi as mv
from medhavi.workbench.commitments.commit_events import marked
from tests import factories
from tests.api import MemoryStore, PromiseDesk, PromiseLedger
from tests.workbench.desk_writer import request

BOUGHT = {
    "products": [{}],
    "locations": [{}],
    "stock": [{"qty": 10}],
    "supply_terms": [{"lead_time_days": 5, "lead_time_p95_days": 6}],
}


def desk():
    return PromiseDesk(MemoryStore(), factories.snapshot(**BOUGHT))


def test_promise_from_stock_needs_no_mark():
    (promise,) = desk().quote([request("SO-1", 10)])
    assert marked(promise) is promise


def test_rejection_needs_no_mark():
    given = {name: rows for name, rows in BOUGHT.items() if name != "supply_terms"}
    of = PromiseDesk(MemoryStore(), factories.snapshot(**{**given, "stock": []}))
    (promise,) = of.quote([request("SO-1", 1)])
    assert marked(promise) is promise


@pytest.mark.parametrize("qty", [30, 12])
def test_promise_that_buys_is_marked_once(qty):
    (promise,) = desk().quote([request("SO-1", qty)])
    found = marked(promise)
    assert len(found.holds) == len(promise.holds) + 1
    assert (found.holds[-1].qty, found.holds[-1].subject) == (0, "A")
    assert found.reservations[-1] == found.holds[-1].reservation
    assert marked(found) is found


def test_stock_that_a_bought_promise_does_not_need_stays_free_for_others():
    of = desk()
    far = "2026-02-01T00:00:00Z"
    (promise,) = of.quote([request("SO-1", 30, due=far)])
    done = of.commit(promise, approver="Ada")
    assert done.committed
    held = sum(hold.qty for hold in done.promises[0].holds)
    (live,) = of.quote([request("SO-2", 10 - held or 1, due=far)])
    (fresh,) = mv.promise(of.snapshot, [request("SO-2", 10 - held or 1, due=far)])
    assert live.on_time
    assert fresh.date == live.date
    assert fresh.holds == live.holds


def test_what_a_partial_promise_leaves_open_takes_no_stock():
    given = {name: rows for name, rows in BOUGHT.items() if name != "supply_terms"}
    late = {"qty": 40, "due": factories.AS_OF + dt.timedelta(days=9)}
    snapshot = factories.snapshot(**given, supply_orders=[late])
    of = PromiseDesk(MemoryStore(), snapshot)
    (promise,) = of.quote([request("SO-1", 70)])
    assert (promise.status, promise.qty) == ("partial", 50)
    assert of.commit(promise, approver="Ada").committed
    line = of.book.stages.material.line("A", "L")
    fresh = PromiseLedger.from_snapshot(of.snapshot).stages.material.line("A", "L")
    assert fresh.state[-1][1] == line.state[-1][1] == 0


def test_marked_promise_is_committed_once():
    of = desk()
    (promise,) = of.quote([request("SO-1", 30)])
    assert not of.commit(promise, approver="Ada").replayed
    assert of.commit(promise, approver="Ada").replayed
