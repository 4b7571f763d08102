"""What a promise does to the plan in force, before it is made (ATP-20, WIF-01)."""

from __future__ import annotations

import pytest

import medhavi as mv
from medhavi.snapshot.patch import Patch
from tests import factories
from tests.api import SqliteStore, Workbench, plan, promise_effect, promised_rows
from tests.lakehouse.lake_events import small_company
from tests.planners.small_plans import KERNELS, day


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 of A ordered for March, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def request(qty, due="2026-01-06T00:00:00Z", order="SO-7"):
    row = {"sales_order": order, "line": 1, "product": "A", "location": "DC"}
    return {**row, "qty": qty, "due": due}


@pytest.mark.parametrize("asked", [(30,), (30, 20), (30, 35)])
def test_rows_of_a_promise_are_those_that_its_commit_leaves(bench, asked):
    # The second time the line is promised anew: it lets go of what it held.
    for qty in asked:
        before = bench.snapshot()
        (promise,) = bench.promise([request(qty)])
        rows = promised_rows(before, [promise])
        expected = Patch.of(before, rows).apply(before)
        assert bench.commit(promise, approver="Ada", reason="less").committed
        bench.mirror()
        after = bench.snapshot()
        assert after["reservations"].equals(expected["reservations"])
        assert after["demands"].equals(expected["demands"])


def test_a_line_that_was_taken_back_is_planned_once_it_is_promised_again(bench):
    (first,) = bench.promise([request(30)])
    assert bench.commit(first, approver="Ada").committed
    bench.desk.release(str(first.demand["demand"]), approver="Ada", reason="no")
    bench.mirror()
    before = bench.snapshot()
    (again,) = bench.promise([request(20)])
    expected = Patch.of(before, promised_rows(before, [again])).apply(before)
    assert bench.commit(again, approver="Ada").committed
    bench.mirror()
    after = bench.snapshot()
    assert "inquiry" in set(before["demands"]["status"])
    assert after["demands"].equals(expected["demands"])
    assert after["reservations"].equals(expected["reservations"])


def test_a_rejection_changes_nothing():
    snapshot = factories.snapshot(products=[{"product": "A"}], locations=[{}])
    asked = {"product": "A", "location": "L", "qty": 10, "due": "2026-01-07"}
    (promise,) = mv.promise(snapshot, [asked])
    assert promise.date is None
    assert promised_rows(snapshot, [promise]) == {"demands": [], "reservations": []}


def test_who_counted_on_what_a_promise_takes_waits_and_is_named():
    # 10 lie at L; D1 wants them on day 5, promised nothing. Others take 20 days.
    snapshot = factories.snapshot(
        supply_terms=[{"lead_time_days": 20}],
        stock=[{}],
        demands=[{"due": day(5)}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    asked = {"product": "A", "location": "L", "qty": 10, "due": "2026-01-07"}
    (promise,) = mv.promise(snapshot, [asked])
    assert promise.on_time
    effect = promise_effect(made, snapshot, [promise])
    (waits,) = effect.victims
    assert (waits.demand, waits.old_status, waits.new_status) == (
        "D1",
        "on_time",
        "late",
    )
    assert waits.late_hours == 15 * 24
    assert effect.price.lateness > 0
    assert effect.winners == ()
    assert any(line.startswith("worse: D1 on_time → late") for line in effect.lines())


def test_what_nobody_counted_on_makes_nobody_wait():
    snapshot = factories.snapshot(
        supply_terms=[{"lead_time_days": 2}],
        stock=[{"qty": 30}],
        demands=[{"due": day(5)}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    asked = {"product": "A", "location": "L", "qty": 10, "due": "2026-01-07"}
    effect = promise_effect(made, snapshot, mv.promise(snapshot, [asked]))
    assert effect.victims == ()
    assert effect.price.lateness == 0
    assert effect.lines()[-1] == "no demand gets worse"


def test_the_bench_tells_it_of_its_plan_in_force(bench):
    (promise,) = bench.promise([request(30)])
    effect = bench.promise_effect(promise)
    assert effect.plan is not None
    assert str(promise.demand["demand"]) in set(effect.plan.fulfilment["demand"])
    assert bench.snapshot()["reservations"].is_empty()
