"""The promise desk: what is sold is sold once, and can be given back."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import EnvironmentFailure, RevisionConflict, UsageError
from medhavi.units import to_seconds
from tests import factories
from tests.api import Commit, MemoryStore, PromiseDesk, SqliteStore
from tests.examples import examples, some
from tests.factories import AS_OF
from tests.workbench.desk_writer import request

_FULL = "disk full"


def stock_of(pieces, **tables):
    """Nothing but some pieces of product A at L: what is promised comes from them."""
    given = {"products": [{}], "locations": [{}], "stock": [{"qty": pieces}]}
    return factories.snapshot(**{**given, **tables})


def desk(pieces=10, store=None, **tables):
    return PromiseDesk(store or MemoryStore(), stock_of(pieces, **tables))


def wanted(of, order="SO-1", qty=1, **cells):
    (promise,) = of.quote([request(order, qty, **cells)])
    return promise


def committed(of, order="SO-1", qty=1, **cells):
    done = of.commit(wanted(of, order, qty, **cells), approver="Ada")
    assert done.committed
    return done


def free(of, product="A", location="L"):
    return of.book.stages.material.line(product, location).available(of.book.now)


def types(store):
    return [event.type for event in store.read("commitments")]


# ------------------------------------------------------------------------- quoting
def test_quote_writes_nothing_and_leaves_the_book_as_it_was():
    store = MemoryStore()
    of = desk(10, store)
    before = of.book.stages.material.line("A", "L").state
    promises = of.quote([request("SO-1", 6), request("SO-2", 6)])
    assert [one.status for one in promises] == ["promised", "partial"]
    assert of.book.stages.material.line("A", "L").state == before
    assert store.head() == 0


# ------------------------------------------------------------------------ commits
@pytest.mark.req("RES-02")
@pytest.mark.req("ATP-14")
def test_commit_is_one_append_of_promise_holds_and_their_confirmation():
    store = MemoryStore()
    of = desk(10, store)
    done = committed(of, qty=4)
    assert types(store) == [
        "OrderPromised",
        "ReservationCreated",
        "ReservationConfirmed",
    ]
    assert (done.revision, done.attempts, done.replayed) == (2, 1, False)
    assert {event.actor for event in store.read("commitments")} == {"Ada"}
    assert free(of) == 6
    assert done.as_dict()["reservations"] == list(done.reservations)


@pytest.mark.req("RES-05")
def test_committing_the_same_promise_again_is_one_commit():
    store = MemoryStore()
    of = desk(10, store)
    promise = wanted(of, qty=4)
    first = of.commit(promise, approver="Ada")
    again = of.commit(promise, approver="Ada")
    assert (first.replayed, again.replayed) == (False, True)
    assert store.head() == 3
    assert free(of) == 6


@pytest.mark.req("RES-05", "CORE-15")
@pytest.mark.parametrize("between", ["same desk", "other desk", "new tables"])
def test_a_later_request_of_equal_content_is_a_second_demand(between):
    """Without an own id; the same promise committed twice stays one commit."""
    store = MemoryStore()
    asked = {"product": "A", "location": "L", "qty": 4, "due": AS_OF}
    of = desk(10, store)
    (first,), (rerun,) = of.quote([asked]), of.quote([asked])
    assert first.as_dict() == rerun.as_dict()
    assert of.commit(first, approver="Ada").committed
    if between == "other desk":
        of = desk(10, store)
    elif between == "new tables":
        of = PromiseDesk(store, of.snapshot, store.head())
    (second,) = of.quote([asked])
    assert second.demand["demand"] != first.demand["demand"]
    done = of.commit(second, approver="Ada")
    assert (done.committed, done.replayed) == (True, False)
    assert of.commit(second, approver="Ada").replayed
    assert of.commit(first, approver="Ada").replayed
    assert types(store).count("OrderPromised") == 2
    assert free(of) == 2


@pytest.mark.req("RES-05")
def test_equal_requests_that_are_held_or_given_back_are_told_apart():
    store = MemoryStore()
    of = desk(10, store)
    asked = {"product": "A", "location": "L", "qty": 4, "due": AS_OF}
    (held,) = of.quote([asked])
    of.hold(held)
    (kept,) = of.quote([asked])
    assert of.commit(kept, approver="Ada").committed
    assert free(of) == 2
    of.release(kept.demand["demand"], approver="Ada")
    (third,) = of.quote([asked])
    assert len({one.demand["demand"] for one in (held, kept, third)}) == 3


def test_committed_tables_say_what_was_promised_and_to_whom():
    of = desk()
    committed(of, qty=4, customer="C")
    tables = of.snapshot
    (line,) = tables["demands"].to_dicts()
    assert (line["demand"], line["status"], line["customer"]) == (
        "SO-1-1",
        "quote",
        "C",
    )
    assert line["promised"] is not None
    (hold,) = tables["reservations"].to_dicts()
    assert (hold["state"], hold["qty"], hold["demand"]) == ("confirmed", 4, "SO-1-1")
    assert not [one for one in tables.findings if one.severity == "error"]


def test_commit_needs_somebody_who_approves():
    of = desk()
    with pytest.raises(UsageError, match="name the approver"):
        of.commit(wanted(of), approver=" ")
    with pytest.raises(UsageError, match="name the approver"):
        of.release("SO-1-1", approver="")
    with pytest.raises(UsageError, match="no promise to commit"):
        of.commit(approver="Ada")


def test_rejection_cannot_be_committed():
    of = desk(0)
    with pytest.raises(UsageError, match="Request 1 is rejected"):
        of.commit(wanted(of), approver="Ada")


@pytest.mark.req("RES-13")
def test_who_comes_second_is_told_what_was_lost_and_what_is_possible():
    store = MemoryStore()
    first, second = desk(10, store), desk(10, store)
    slow = wanted(second, "SO-2", 8)
    committed(first, "SO-1", 8)
    answer = second.commit(slow, approver="Bob")
    assert not answer.committed
    assert str(answer.code) == "MaterialReservationConflict"
    assert "others committed first" in answer.text
    assert answer.promises[0].qty == 2
    assert len(types(store)) == 3


def test_who_comes_second_still_gets_what_is_left():
    store = MemoryStore()
    first, second = desk(10, store), desk(10, store)
    slow = wanted(second, "SO-2", 3)
    committed(first, "SO-1", 5)
    assert second.commit(slow, approver="Bob").committed
    assert free(first) == free(second) == 2


@pytest.mark.req("RES-10")
def test_several_promises_are_committed_all_or_none():
    store = MemoryStore()
    first, second = desk(10, store), desk(10, store)
    both = second.quote([request("SO-2", 3), request("SO-3", 4)])
    committed(first, "SO-1", 5)
    answer = second.commit(*both, approver="Bob")
    assert not answer.committed
    assert len(types(store)) == 3
    assert free(second) == 5
    both = second.quote([request("SO-2", 3), request("SO-3", 2)])
    assert second.commit(*both, approver="Bob").committed
    assert free(second) == 0


class Interrupted(MemoryStore):
    """A store to which somebody else commits just before each append."""

    def __init__(self, meanwhile):
        super().__init__()
        self.meanwhile = meanwhile

    def append(self, stream, events, expected_revision=-2):
        if self.meanwhile:
            self.meanwhile.pop()(self)
        return super().append(stream, events, expected_revision)


def test_loser_of_a_race_reads_again_and_tries_again():
    other = []
    store = Interrupted([])
    of = desk(10, store)
    rival = desk(10, store)
    store.meanwhile = [lambda _: other.append(committed(rival, "SO-9", 2))]
    done = of.commit(wanted(of, "SO-1", 3), approver="Ada")
    assert (done.committed, done.attempts) == (True, 2)
    assert free(of) == 5
    store.meanwhile = [lambda _: other.append(committed(rival, "SO-8", 5))]
    lost = of.commit(wanted(of, "SO-2", 3), approver="Ada")
    assert (lost.committed, lost.attempts) == (False, 2)
    assert free(of) == 0


def test_failing_store_leaves_the_book_as_it_was():
    store = Interrupted([])
    of = desk(10, store)
    promise = wanted(of)

    def fail(_store):
        raise EnvironmentFailure(_FULL)

    store.meanwhile = [fail]
    with pytest.raises(EnvironmentFailure, match="disk full"):
        of.commit(promise, approver="Ada")
    assert free(of) == 10
    assert types(store) == []


def test_endless_losers_are_told(monkeypatch):
    class Never(MemoryStore):
        def append(self, stream, events, expected_revision=-2):
            raise RevisionConflict(stream)

    monkeypatch.setattr("medhavi.workbench.promise_desk.promise_desk.ATTEMPTS", 3)
    of = desk(10, Never())
    with pytest.raises(RevisionConflict, match="first 3 times"):
        of.commit(wanted(of), approver="Ada")
    assert free(of) == 10


# ------------------------------------------------------------------ giving back
def test_release_restores_the_state_exactly():
    store = MemoryStore()
    of = desk(10, store)
    before = of.book.stages.material.line("A", "L").state
    done = committed(of, qty=4)
    assert of.release("SO-1-1", approver="Ada", reason="lost") == done.reservations
    assert of.book.stages.material.line("A", "L").state == before
    assert types(store)[3:] == ["ReservationReleased", "PromiseRevised"]
    tables = of.snapshot
    assert tables["demands"]["status"].to_list() == ["inquiry"]
    assert tables["demands"]["promised"].to_list() == [None]


@pytest.mark.req("RES-15")
def test_release_is_safe_to_call_many_times():
    store = MemoryStore()
    of = desk(10, store)
    committed(of)
    of.release("SO-1-1", approver="Ada")
    head = store.head()
    assert of.release("SO-1-1", approver="Ada") == ()
    assert of.release("nobody", approver="Ada") == ()
    assert store.head() == head


def test_released_line_may_be_promised_again():
    of = desk()
    committed(of, qty=4)
    of.release("SO-1-1", approver="Ada")
    committed(of, qty=5)
    assert free(of) == 5
    assert of.snapshot["demands"]["status"].to_list() == ["quote"]


def test_promise_made_anew_lets_go_of_what_it_does_not_need():
    store = MemoryStore()
    of = desk(10, store)
    committed(of, qty=4, due="2026-02-01T00:00:00Z")
    committed(of, qty=7, due="2026-01-20T00:00:00Z")
    assert free(of) == 3
    active = [
        row
        for row in of.snapshot["reservations"].to_dicts()
        if row["state"] == "confirmed"
    ]
    assert [row["qty"] for row in active] == [7]


def test_tabled_line_is_promised_anew_from_what_it_has():
    line = {"sales_order": "SO-1", "line": 1, "qty": 8, "promised": AS_OF}
    of = desk(
        10,
        demands=[line],
        reservations=[{"demand": "D1", "qty": 8, "start": AS_OF, "finish": AS_OF}],
    )
    assert free(of) == 2
    done = committed(of, "SO-1", 9)
    assert done.promises[0].demand["demand"] == "D1"
    assert free(of) == 1
    assert of.release("D1", approver="Ada") == done.reservations
    assert free(of) == 10
    assert of.snapshot["demands"]["status"].to_list() == ["open"]


@pytest.mark.req("RES-09")
def test_tentative_holds_that_ran_out_are_swept_once():
    store = MemoryStore()
    late = AS_OF + dt.timedelta(hours=1)
    hold = {"qty": 4, "state": "tentative", "expires_at": late}
    of = desk(10, store, reservations=[{**hold, "start": AS_OF, "finish": AS_OF}])
    assert free(of) == 6
    assert of.sweep() == ()
    swept = of.sweep(to_seconds(late))
    assert len(swept) == 1
    assert free(of) == 10
    assert of.sweep(to_seconds(late)) == ()
    assert types(store) == ["ReservationExpired"]


@pytest.mark.req("RES-11")
@pytest.mark.parametrize("status", ["closed", "cancelled"])
def test_holds_of_orders_that_are_done_are_released(status):
    store = MemoryStore()
    of = desk(
        10,
        store,
        demands=[{"qty": 4, "status": status}, {"qty": 3}],
        reservations=[{"demand": "D1", "qty": 4}, {"demand": "D2", "qty": 3}],
    )
    assert free(of) == 3
    assert of.sweep() == ("V1",)
    assert free(of) == 7
    assert of.sweep() == ()
    assert types(store) == ["ReservationReleased"]


@pytest.mark.req("RES-11")
def test_hold_of_more_than_the_order_wants_is_reduced():
    store = MemoryStore()
    later = AS_OF + dt.timedelta(days=3)
    of = desk(
        10,
        store,
        demands=[{"qty": 5}],
        reservations=[
            {"demand": "D1", "qty": 4, "start": AS_OF, "finish": AS_OF},
            {"demand": "D1", "qty": 3, "start": later, "finish": later},
        ],
    )
    assert of.sweep() == ("V2",)
    assert free(of) == 5
    held = of.snapshot["reservations"].sort("reservation")
    assert held["qty"].to_list() == [4, 1]
    assert held["state"].to_list() == ["confirmed", "reduced"]
    assert of.sweep() == ()


@pytest.mark.req("RES-02", "RES-07", "RES-11")
def test_hold_goes_with_its_order_from_the_first_thought_to_the_end():
    store = MemoryStore()

    def known(of, **cells):
        """A desk on tables that know all of the log, the line changed."""
        row, *others = of.snapshot["demands"].iter_rows(named=True)
        tables = of.snapshot.replace(demands=[{**row, **cells}, *others])
        return PromiseDesk(store, tables, store.head())

    of = desk(10, store)
    promise = wanted(of, qty=6)
    of.hold(promise)
    of.hold(wanted(of, "SO-2", 1))
    assert free(of) == 3
    of.commit(promise, approver="Ada")
    assert free(of) == 3
    of.sweep(of.book.now + 3600)
    assert free(of) == 4
    of = known(of, status="open", qty=5.0)
    of.sweep()
    assert free(of) == 5
    of = known(of, status="cancelled")
    of.sweep()
    assert free(of) == 10
    assert [one for one in types(store) if one.startswith("Reservation")] == [
        "ReservationCreated",
        "ReservationCreated",
        "ReservationConfirmed",
        "ReservationExpired",
        "ReservationReduced",
        "ReservationReleased",
    ]


# ---------------------------------------------------------------- many at one time
@pytest.mark.req("CORE-16")
@pytest.mark.parametrize("kind", some(["sqlite", "memory"], 1))
def test_hundred_threads_want_one_of_ten_pieces(kind, tmp_path):
    store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "e.db")
    of = desk(10, store)
    promises = [wanted(of, f"SO-{number}") for number in range(100)]
    outcome: Counter[bool] = Counter()
    start = threading.Barrier(100)

    def buy(promise):
        start.wait()
        outcome[of.commit(promise, approver="Ada").committed] += 1

    threads = [threading.Thread(target=buy, args=(one,)) for one in promises]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcome == {True: 10, False: 90}
    assert free(of) == 0
    assert types(store).count("OrderPromised") == 10


# ------------------------------------------------------------------------- laws
@settings(deadline=None, max_examples=examples(8, 15))
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 6), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_two_desks_and_a_fresh_one_always_agree(moves):
    store = MemoryStore()
    desks = [desk(10, store), desk(10, store)]
    for turn, (line, qty, giving) in enumerate(moves):
        of = desks[turn % 2]
        if giving:
            of.release(f"SO-{line}-1", approver="Ada")
            continue
        promise = wanted(of, f"SO-{line}", qty)
        if promise.date is not None:
            assert isinstance(of.commit(promise, approver="Ada"), Commit)
    fresh = desk(10, store)
    lines = [of.book.stages.material.line("A", "L").state for of in desks]
    held = [free(of) for of in (*desks, fresh)]
    assert lines[0] == lines[1]
    assert len(set(held)) == 1
    assert min(held) >= 0
