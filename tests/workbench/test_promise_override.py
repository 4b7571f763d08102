"""A date of a person's own: bound with its reason, and told in the log."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.events.sqlite import SqliteStore
from medhavi.units import DAY, from_seconds
from medhavi.workbench import Workbench
from medhavi.workbench.promise_override import Override
from tests.lakehouse.lake_events import small_company


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 of A ordered for March, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def row(order, qty):
    named = {"sales_order": order, "line": 1, "product": "A", "location": "DC"}
    return {**named, "qty": qty, "due": "2026-01-06T00:00:00Z"}


def promised(bench, demand):
    lines = bench.snapshot()["demands"].to_dicts()
    return next(line["promised"] for line in lines if line["demand"] == demand)


@pytest.mark.req("ATP-23")
def test_a_date_of_ones_own_binds_and_the_log_says_who_and_why(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    later = Override(date=promise.date + 3 * DAY, reason="the customer unloads Fridays")
    done = bench.desk.commit(promise, approver="Ada", override=later)
    assert done.committed
    bench.mirror()
    assert promised(bench, "SO-7-1") == from_seconds(later.date)
    told = bench.events("PromiseRevised").collect().to_dicts()
    assert len(told) == 1
    assert "unloads Fridays" in str(told[0])
    assert "Ada" in str(told[0])
    held = bench.snapshot()["reservations"]
    assert held["reservation"].to_list() == list(done.reservations)


@pytest.mark.req("ATP-23")
def test_the_same_date_again_writes_nothing(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    later = Override(date=promise.date + DAY, reason="as agreed")
    first = bench.desk.commit(promise, approver="Ada", override=later)
    again = bench.desk.commit(promise, approver="Ada", override=later)
    assert again.replayed
    assert again.revision == first.revision
    plain = bench.desk.commit(promise, approver="Ada")
    assert not plain.replayed


@pytest.mark.req("RES-03", "ATP-23")
def test_another_date_for_the_same_holds_confirms_none_of_them_twice(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    first = bench.desk.commit(promise, approver="Ada")
    later = Override(date=promise.date + DAY, reason="as agreed")
    again = bench.desk.commit(promise, approver="Ada", override=later)
    assert (again.replayed, again.reservations) == (False, first.reservations)
    bench.mirror()
    confirmed = bench.events("ReservationConfirmed").collect()
    assert confirmed.height == len(first.reservations)


@pytest.mark.req("ATP-23")
def test_the_next_question_finds_what_is_left(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    later = Override(date=promise.date + DAY, reason="as agreed")
    bench.desk.commit(promise, approver="Ada", override=later)
    (fits,) = bench.promise([row("SO-8", 10)])
    (more,) = bench.promise([row("SO-8", 11)])
    assert (fits.on_time, more.on_time) == (True, False)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (Override(date=2_000_000_000, reason="  "), "needs a reason"),
        (Override(date=1, reason="because"), "is past already"),
    ],
)
def test_what_nobody_can_answer_for_is_refused(bench, override, words):
    (promise,) = bench.promise([row("SO-7", 30)])
    with pytest.raises(UsageError, match=words):
        bench.desk.commit(promise, approver="Ada", override=override)


def test_one_date_is_for_one_promise(bench):
    both = bench.promise([row("SO-7", 3), row("SO-8", 3)])
    override = Override(date=both[0].date + DAY, reason="because")
    with pytest.raises(UsageError, match="is for one"):
        bench.desk.commit(*both, approver="Ada", override=override)
