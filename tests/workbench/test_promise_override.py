"""A date of a person's own: bound with its reason, and told in the log."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import DAY, from_seconds
from medhavi.workbench.commitments.commit_events import ReasonNeeded
from medhavi.workbench.commitments.decisions import Override
from tests.api import MemoryStore, PromiseDesk, SqliteStore, Workbench, repromise
from tests.lakehouse.lake_events import small_company
from tests.planners.small_promises import day, tables


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


@pytest.mark.nightly
@pytest.mark.req("ATP-23", "ATP-28")
@pytest.mark.parametrize("days", [-0.5, 3])
def test_a_date_that_somebody_gave_is_changed_with_a_reason_only(bench, days):
    (promise,) = bench.promise([row("SO-7", 50)])
    own = Override(date=promise.date + int(days * DAY), reason="as agreed")
    bench.desk.commit(promise, approver="Ada", override=own)
    bench.mirror()
    (again,) = bench.promise([row("SO-7", 50)])
    assert again.date == promise.date
    for late in (promise, again):
        with pytest.raises(ReasonNeeded, match=r"a date that somebody gave; .*reason"):
            bench.commit(late, approver="Bob")
    assert promised(bench, "SO-7-1") == from_seconds(own.date)
    done = bench.commit(again, approver="Bob", reason="they asked for it")
    assert done.committed
    bench.mirror()
    assert promised(bench, "SO-7-1") == from_seconds(promise.date)
    last = bench.events("PromiseRevised").collect().to_dicts()[-1]
    assert "they asked for it" in str(last)
    assert "Bob" in str(last)
    third = bench.promise([row("SO-7", 50)])
    assert bench.commit(third, approver="Bob").replayed


@pytest.mark.req("ATP-23", "ATP-28")
def test_a_second_date_of_ones_own_tells_both_steps_with_its_reason(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    first = Override(date=promise.date + DAY, reason="as agreed")
    second = Override(date=promise.date + 2 * DAY, reason="their dock is closed")
    bench.desk.commit(promise, approver="Ada", override=first)
    assert bench.desk.commit(promise, approver="Bob", override=second).committed
    bench.mirror()
    assert promised(bench, "SO-7-1") == from_seconds(second.date)
    told = bench.events("PromiseRevised").collect().to_dicts()
    assert ["their dock is closed" in str(one) for one in told] == [False, True, True]


@pytest.mark.req("ATP-28")
def test_a_later_date_or_less_than_was_promised_needs_a_reason(bench):
    """30 of 40 are promised at once; 50 can only come with the receipt."""
    (few,) = bench.promise([row("SO-7", 30)])
    assert bench.commit(few, approver="Ada").committed
    (more,) = bench.promise([row("SO-7", 50)])
    assert more.date > few.date
    with pytest.raises(ReasonNeeded, match="is later"):
        bench.commit(more, approver="Ada")
    assert bench.commit(more, approver="Ada", reason="50 are wanted").committed


@pytest.mark.req("ATP-28")
def test_less_than_was_promised_needs_a_reason():
    """Ten are promised of an order in the books, and five are left of them."""
    line = {"sales_order": "SO-1", "line": 1, "product": "A", "location": "L"}
    due = day(7)
    ordered = {**line, "demand": "D1", "qty": 10, "due": due, "promised": due}
    desk = PromiseDesk(MemoryStore(), tables(demands=[ordered], stock=[{"qty": 5}]))
    (promise,) = desk.quote([{**line, "qty": 10, "due": due}])
    assert (promise.status, promise.qty) == (PromiseStatus.PARTIAL, 5)
    with pytest.raises(ReasonNeeded, match=r"SO-1 line 1 .* 5 is less than the 10"):
        desk.commit(promise, approver="Ada")
    assert desk.commit(promise, approver="Ada", reason="recounted").committed
    assert dict(desk.quantities) == {"D1": 5.0}


@pytest.mark.req("ATP-28")
def test_an_earlier_date_needs_no_reason_but_after_a_date_of_ones_own(bench):
    (more,) = bench.promise([row("SO-7", 50)])
    assert bench.commit(more, approver="Ada").committed
    (few,) = bench.promise([row("SO-7", 30)])
    assert few.date < more.date
    assert bench.commit(few, approver="Ada").committed
    bench.mirror()
    assert promised(bench, "SO-7-1") == from_seconds(few.date)


@pytest.mark.req("ATP-28")
def test_no_earlier_date_is_taken_for_a_date_that_somebody_gave(bench):
    (promise,) = bench.promise([row("SO-7", 30)])
    own = Override(date=promise.date + 9 * DAY, reason="as agreed")
    bench.desk.commit(promise, approver="Ada", override=own)
    done = repromise(bench.desk, approver="Ada", gain_hours=24)
    assert (done.better, done.worse) == ((), ())
    assert bench.desk.snapshot["demands"].filter(demand="SO-7-1")[
        "promised"
    ].to_list() == [from_seconds(own.date)]


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
