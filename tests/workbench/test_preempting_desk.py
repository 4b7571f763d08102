"""A commit that moves less important promises: one append, and races are told."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import MemoryStore, PromiseDesk, gives_way
from tests.factories import AS_OF
from tests.workbench.desk_writer import request

SOON = "2026-01-06T00:00:00Z"
POLICY = {
    "policy": "default",
    "preempt": True,
    "supplier_fallback": "accept_with_risk",
}


def desk(store, pieces=10, **tables):
    """Some pieces in stock; new ones come in five days."""
    given = {
        "products": [{}],
        "locations": [{}],
        "stock": [{"qty": pieces}],
        "supply_terms": [{"lead_time_days": 5}],
        "promise_policies": [POLICY],
    }
    return PromiseDesk(store, factories.snapshot(**{**given, **tables}))


def low(of, order="LOW", qty=10, **cells):
    return of.quote([request(order, qty, priority=3, due=SOON, **cells)])


def top(of, order="TOP", qty=10, **cells):
    return of.quote([request(order, qty, priority=1, due=SOON, **cells)])


def types(store, first=0):
    return [event.type for event in store.read("commitments")][first:]


def dates(of):
    """Day after now that each line is promised."""
    rows = of.snapshot["demands"].sort("demand").to_dicts()
    return {
        row["demand"]: None
        if row["promised"] is None
        else (row["promised"] - AS_OF) / dt.timedelta(days=1)
        for row in rows
    }


def held(of, demand):
    rows = of.snapshot["reservations"].to_dicts()
    return sum(
        row["qty"]
        for row in rows
        if row["demand"] == demand and row["state"] == "confirmed"
    )


@pytest.mark.req("ATP-09", "ATP-14")
def test_a_commit_moves_who_gives_way_in_the_same_append():
    store = MemoryStore()
    of = desk(store)
    assert of.commit(*low(of), approver="Ada").committed
    first = store.head()
    done = of.commit(*top(of), approver="Bob")
    assert done.committed
    assert types(store, first) == [
        "PromiseRevised",
        "ReservationReleased",
        "ReservationCreated",
        "ReservationConfirmed",
        "OrderPromised",
        "ReservationCreated",
        "ReservationConfirmed",
    ]
    revised = next(e for e in store.read("commitments") if e.type == "PromiseRevised")
    assert '"reason":"gave way to TOP-1"' in revised.payload
    assert '"approver":"Bob"' in revised.payload
    assert revised.actor == "Bob"
    assert dates(of) == {"LOW-1": 5, "TOP-1": 0}
    assert (held(of, "LOW-1"), held(of, "TOP-1")) == (0, 10)


def test_every_desk_sees_the_same_after_it():
    store = MemoryStore()
    one, other = desk(store), desk(store)
    one.commit(*low(one), approver="Ada")
    other.commit(*top(other), approver="Bob")
    assert dates(one) == dates(other) == dates(desk(store))
    for of in (one, other, desk(store)):
        assert of.book.stages.material.line("A", "L").available(of.book.now) == 0


def test_a_line_of_the_tables_gives_way_too():
    store = MemoryStore()
    line = {"sales_order": "LOW", "line": 1, "priority": 3, "promised": AS_OF}
    hold = {"demand": "D1", "qty": 10, "finish": AS_OF}
    of = desk(store, demands=[line], reservations=[hold])
    assert of.commit(*top(of), approver="Bob").committed
    assert dates(of) == {"D1": 5, "TOP-1": 0}
    assert held(of, "D1") == 0
    assert not [one for one in of.snapshot.findings if one.severity == "error"]


def test_committing_it_again_is_one_commit():
    store = MemoryStore()
    of = desk(store)
    of.commit(*low(of), approver="Ada")
    promises = top(of)
    of.commit(*promises, approver="Bob")
    head = store.head()
    again = of.commit(*promises, approver="Bob")
    assert (again.committed, again.replayed, store.head()) == (True, True, head)


def test_giving_it_back_leaves_the_other_line_where_it_is():
    store = MemoryStore()
    of = desk(store)
    of.commit(*low(of), approver="Ada")
    of.commit(*top(of), approver="Bob")
    of.release("TOP-1", approver="Bob")
    assert dates(of) == {"LOW-1": 5, "TOP-1": None}
    assert of.book.stages.material.line("A", "L").available(of.book.now) == 10


def test_a_quote_that_takes_leaves_the_desk_as_it_was():
    store = MemoryStore()
    of = desk(store)
    of.commit(*low(of), approver="Ada")
    before = of.book.stages.material.line("A", "L").state
    head = store.head()
    assert top(of)[0].preempted
    assert of.book.stages.material.line("A", "L").state == before
    assert set(of.book.accepted) == {"LOW-1"}
    assert store.head() == head


def test_a_line_that_gives_way_to_two_is_moved_once():
    store = MemoryStore()
    of = desk(store)
    of.commit(*low(of), approver="Ada")
    first = store.head()
    both = of.quote(
        [
            request("TOP", 4, priority=1, due=SOON),
            request("MID", 6, priority=2, due=SOON),
        ]
    )
    assert of.commit(*both, approver="Bob").committed
    assert types(store, first).count("PromiseRevised") == 1
    assert dates(of) == {"LOW-1": 5, "MID-1": 0, "TOP-1": 0}
    assert dates(desk(store)) == dates(of)


def test_who_is_promised_in_the_same_commit_is_told_so_and_not_moved():
    store = MemoryStore()
    of = desk(store)
    of.commit(*low(of), approver="Ada")
    first = store.head()
    both = of.quote(
        [
            request("TOP", 10, priority=1, due=SOON),
            request("LOW", 10, priority=3, due=SOON),
        ]
    )
    assert [len(one.preempted) for one in both] == [1, 0]
    assert gives_way(both) == []
    assert of.commit(*both, approver="Bob").committed
    assert types(store, first).count("OrderPromised") == 2
    revised = next(e for e in store.read("commitments") if e.type == "PromiseRevised")
    assert "gave way to TOP-1" in revised.payload
    assert dates(of) == {"LOW-1": 5, "TOP-1": 0}


# ------------------------------------------------------------------------------- races
@pytest.mark.req("ATP-09", "RES-13")
def test_two_desks_take_from_the_same_line_and_one_is_told():
    """The second would now have to take from a line that was not named to it."""
    store = MemoryStore()
    one, other = desk(store, 20), desk(store, 20)
    one.commit(*low(one, "LOW"), approver="Ada")
    one.commit(*one.quote([request("MID", 10, priority=2, due=SOON)]), approver="Ada")
    mine, theirs = top(one, "T1"), top(other, "T2")
    assert [v.demand for v in mine[0].preempted] == ["LOW-1"]
    assert [v.demand for v in theirs[0].preempted] == ["LOW-1"]
    assert one.commit(*mine, approver="Ada").committed
    head = store.head()
    lost = other.commit(*theirs, approver="Bob")
    assert not lost.committed
    assert "others would have to give way" in lost.text
    assert [v.demand for v in lost.promises[0].preempted] == ["MID-1"]
    assert store.head() == head
    assert dates(other) == {"LOW-1": 5, "MID-1": 0, "T1-1": 0}
    assert other.commit(*top(other, "T2"), approver="Bob").committed
    assert dates(one) == {"LOW-1": 5, "MID-1": 5, "T1-1": 0, "T2-1": 0}


def test_who_comes_second_takes_nothing_that_it_needs_no_more():
    store = MemoryStore()
    one, other = desk(store), desk(store)
    one.commit(*low(one), approver="Ada")
    mine = top(other)
    assert mine[0].preempted
    one.release("LOW-1", approver="Ada")
    head = store.head()
    assert other.commit(*mine, approver="Bob").committed
    assert "PromiseRevised" not in types(store, head)


class Interrupted(MemoryStore):
    """A store to which somebody else commits just before an append."""

    def __init__(self):
        super().__init__()
        self.meanwhile = []

    def append(self, stream, events, expected_revision=-2):
        if self.meanwhile:
            self.meanwhile.pop()()
        return super().append(stream, events, expected_revision)


def test_the_loser_of_a_race_reads_again_and_takes_what_it_named():
    store = Interrupted()
    one, other = desk(store, 20), desk(store, 20)
    one.commit(*low(one, "LOW"), approver="Ada")
    mine = top(one, qty=15)
    small = other.quote([request("END", 2, priority=9, due=SOON)])
    store.meanwhile.append(lambda: other.commit(*small, approver="Eve"))
    done = one.commit(*mine, approver="Ada")
    assert (done.committed, done.attempts) == (True, 2)
    assert dates(one) == dates(other) == {"END-1": 0, "LOW-1": 5, "TOP-1": 0}
    for of in (one, other):
        assert of.book.stages.material.line("A", "L").available(of.book.now) == 0
        assert [held(of, name) for name in ("TOP-1", "END-1", "LOW-1")] == [15, 2, 3]
