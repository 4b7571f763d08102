"""Promise again: new holds, earlier dates, nothing worse without a name under it."""

from __future__ import annotations

import json

import pytest

from medhavi.errors import UsageError
from medhavi.units import to_seconds
from tests.api import ALL, MemoryStore, PromiseDesk, record_risks, repromise
from tests.planners.small_promises import day, tables, workshop

TERMS = [{"lead_time_days": 9}]


def line(number, promised=7, **cells):
    row = {"demand": f"D{number}", "sales_order": f"SO-{number}", "line": 1}
    due = day(promised)
    return {**row, "qty": 10, "due": due, "promised": due, **cells}


def held(number, at=7, **cells):
    row = {"reservation": f"V{number}", "key": f"V{number}", "demand": f"D{number}"}
    return {**row, "qty": 10, "start": day(at), "finish": day(at), **cells}


def desk(store, pieces, *numbers, terms=TERMS, at=7):
    return PromiseDesk(
        store,
        tables(
            demands=[line(number, at) for number in numbers],
            reservations=[held(number, at) for number in numbers],
            stock=[{"qty": pieces}],
            supply_terms=terms,
        ),
    )


def told(store, kind):
    return [one for one in store.read("commitments") if one.type == kind]


def payload(event):
    return json.loads(event.payload)


def promised(of):
    rows = of.snapshot["demands"]
    return dict(zip(rows["demand"], rows["promised"], strict=True))


@pytest.mark.req("ATP-20")
def test_risk_is_told_once_and_again_when_it_changes():
    store = MemoryStore()
    first = record_risks(desk(store, 10, 1, 2))
    assert [one.demand for one in first.told] == ["D2"]
    (event,) = told(store, "PromiseAtRisk")
    assert payload(event)["demand"] == "D2"
    again = record_risks(desk(store, 10, 1, 2))
    assert (again.told, [one.demand for one in again.at_risk]) == ((), ["D2"])
    later = record_risks(desk(store, 10, 1, 2, terms=[{"lead_time_days": 12}]))
    assert [one.demand for one in later.told] == ["D2"]
    assert len(told(store, "PromiseAtRisk")) == 2


@pytest.mark.req("ATP-28")
def test_worse_date_is_never_taken_silently():
    store = MemoryStore()
    of = desk(store, 10, 1, 2)
    done = repromise(of, approver="Ada")
    assert [one.demand for one in done.at_risk] == ["D2"]
    assert promised(of) == {"D1": day(7), "D2": day(7)}
    assert [one.type for one in store.read("commitments")] == ["PromiseAtRisk"]


@pytest.mark.req("ATP-28")
def test_worse_date_is_taken_for_who_is_named_with_approver_and_reason():
    store = MemoryStore()
    of = desk(store, 10, 1, 2)
    done = repromise(of, approver="Ada", reason="customer agreed", worse=["D2"])
    assert [one.demand for one in done.worse] == ["D2"]
    assert promised(of) == {"D1": day(7), "D2": day(9)}
    (event,) = told(store, "PromiseRevised")
    assert event.actor == "Ada"
    assert payload(event)["reason"] == "customer agreed"
    assert payload(event)["approver"] == "Ada"
    assert [one.demand for one in repromise(of, approver="Ada").at_risk] == []
    assert repromise(of, approver="Ada", worse=ALL, reason="x").worse == ()


def test_promise_that_moved_gets_new_holds_under_its_date():
    store = MemoryStore()
    of = desk(store, 0, 1, terms=[{"lead_time_days": 5}])
    assert repromise(of, approver="Ada").moved[0].demand == "D1"
    assert promised(of) == {"D1": day(7)}
    assert told(store, "PromiseRevised") == []
    assert [
        payload(one)["reservation"] for one in told(store, "ReservationReleased")
    ] == ["V1"]
    head = store.head()
    assert repromise(of, approver="Ada").moved == ()
    assert store.head() == head


def test_promise_that_moves_takes_nothing_that_a_promise_at_risk_holds():
    # D1 wants 20 in one and holds the only ten; nobody has given up on it yet.
    store = MemoryStore()
    of = PromiseDesk(
        store,
        tables(
            demands=[line(1, full_line=True, qty=20), line(2)],
            reservations=[held(1)],
            stock=[{"qty": 10}],
        ),
    )
    done = repromise(of, approver="Ada")
    assert [one.demand for one in done.at_risk] == ["D1"]
    assert [one.demand for one in done.waiting] == ["D2"]
    assert told(store, "ReservationCreated") == []
    of.release("D1", approver="Ada", reason="the customer gave up")
    after = repromise(of, approver="Ada")
    assert (after.watch.kept, after.at_risk, after.waiting) == (1, (), ())
    assert of.book.stages.material.line("A", "L").short is None


@pytest.mark.req("ATP-28")
def test_promise_that_moves_leaves_room_to_a_more_important_one_at_risk():
    # Ten hours on M each: D1 is late in any case, and would be ten hours later still.
    store = MemoryStore()
    of = PromiseDesk(
        store,
        workshop(
            demands=[line(1, 0.25, priority=1), line(2, 2, priority=2)],
            stock=[{"product": "B", "qty": 20}],
        ),
    )
    done = repromise(of, approver="Ada")
    assert [one.demand for one in done.moved] == ["D2"]
    (before,) = done.watch.at_risk
    (after,) = done.at_risk
    assert (before.demand, before.late_hours) == ("D1", 4.0)
    assert after.late_hours == before.late_hours
    rows = of.snapshot["reservations"].filter(kind="capacity")
    assert rows["start"].to_list() == [day(10 / 24)]
    head = store.head()
    assert repromise(of, approver="Ada").moved == ()
    assert store.head() == head


@pytest.mark.req("ATP-28")
def test_lines_of_a_complete_order_get_the_date_of_the_latest():
    rule = {"sales_order": "SO-1", "order_policy": "all_together"}
    of = PromiseDesk(
        MemoryStore(),
        tables(
            products=[{"product": "A"}, {"product": "B"}],
            demands=[line(1, **rule), {**line(2, product="B", **rule), "line": 2}],
            reservations=[held(1)],
            stock=[{"qty": 10}],
            supply_terms=[{"product": "B", "lead_time_days": 9}],
        ),
    )
    done = repromise(of, approver="Ada", worse=ALL, reason="the supplier is late")
    assert [one.demand for one in done.worse] == ["D1", "D2"]
    assert promised(of) == {"D1": day(9), "D2": day(9)}
    assert repromise(of, approver="Ada", worse=ALL, reason="again").watch.kept == 2


@pytest.mark.req("ATP-08", "ATP-28")
def test_lines_in_equal_shares_get_what_the_others_match():
    """Of 20 of B there are 8: 4 of 10 of A come with them, and the rest is free."""
    rule = {"sales_order": "SO-1", "order_policy": "in_ratio"}
    second = {**line(2, product="B", **rule), "line": 2, "qty": 20}
    of = PromiseDesk(
        MemoryStore(),
        tables(
            products=[{"product": "A"}, {"product": "B"}],
            demands=[line(1, **rule), second],
            reservations=[held(1), held(2, subject="B", qty=20)],
            stock=[{"qty": 10}, {"product": "B", "qty": 8}],
        ),
    )
    assert {one.demand for one in record_risks(of).told} == {"D1", "D2"}
    done = repromise(of, approver="Ada", worse=ALL, reason="B is short")
    assert [one.demand for one in done.worse] == ["D1", "D2"]
    assert dict(of.quantities) == {"D1": 4.0, "D2": 8.0}
    assert of.book.stages.material.line("A", "L").available(of.book.now) == 6
    assert repromise(of, approver="Ada", worse=ALL, reason="again").watch.kept == 2


@pytest.mark.req("ATP-28")
def test_earlier_date_is_taken_where_it_gains_enough():
    store = MemoryStore()
    of = desk(store, 10, 1)
    assert repromise(of, approver="Ada", gain_hours=7 * 24 + 1).better == ()
    done = repromise(of, approver="Ada", gain_hours=24)
    assert [one.demand for one in done.better] == ["D1"]
    assert promised(of) == {"D1": day(0)}
    (event,) = told(store, "PromiseRevised")
    assert payload(event)["approver"] == "Ada"
    assert of.book.stages.material.line("A", "L").available(of.book.now) == 0


def test_two_earlier_dates_do_not_take_the_same_piece():
    of = desk(MemoryStore(), 10, 1, 2, terms=[{"lead_time_days": 5}])
    done = repromise(of, approver="Ada", gain_hours=24)
    dates = sorted(promised(of).values())
    assert dates == [day(0), day(5)]
    assert done.at_risk == ()


def test_who_comes_second_looks_at_what_the_first_did():
    store = MemoryStore()
    first, second = desk(store, 10, 1, 2), desk(store, 10, 1, 2)
    repromise(first, approver="Ada", worse=ALL, reason="late")
    assert repromise(second, approver="Bob", worse=ALL, reason="late").worse == ()
    assert len(told(store, "PromiseRevised")) == 1


def test_nobody_and_nothing_unknown_is_taken():
    of = desk(MemoryStore(), 10, 1)
    with pytest.raises(UsageError, match="name the approver"):
        repromise(of, approver=" ")
    with pytest.raises(UsageError, match="needs a reason"):
        repromise(of, approver="Ada", reason=" ", worse=ALL)
    with pytest.raises(UsageError, match="D9: no accepted promise"):
        repromise(of, approver="Ada", worse=["D9"])


def test_fresh_desk_reads_the_same_after_all_of_it():
    store = MemoryStore()
    of = desk(store, 10, 1, 2)
    repromise(of, approver="Ada", worse=ALL, reason="late", gain_hours=1)
    other = desk(store, 10, 1, 2)
    assert promised(of) == promised(other)
    lines = [each.book.stages.material.line("A", "L").state for each in (of, other)]
    assert lines[0] == lines[1]
    assert to_seconds(day(0)) == of.book.now
