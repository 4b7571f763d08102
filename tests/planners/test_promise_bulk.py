"""A file of many lines is answered as its lines are, one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.promising import crowd, waited
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, answer, apply, quote, quote_all, read_requests
from tests.examples import examples
from tests.planners.small_promises import cells, day, state, workshop
from tests.planners.test_remedy_overlays import company

LINES = st.fixed_dictionaries(
    {
        "product": st.sampled_from(["A", "B"]),
        "location": st.sampled_from(["L", "C1"]),
        "qty": st.integers(1, 9),
        "due": st.integers(0, 9).map(day),
        "priority": st.integers(1, 2),
    }
)


@pytest.mark.req("ATP-22")
@settings(max_examples=examples(5, 12))
@given(st.lists(LINES, min_size=1, max_size=6))
def test_a_file_is_answered_as_its_lines_one_by_one(lines):
    snapshot = company(4, 9, 1)
    rows = [cells(**line) for line in lines]
    asked = read_requests(rows, snapshot).requests
    together = PromiseLedger.from_snapshot(snapshot)
    made = quote_all(together, asked, detail="date")
    alone = PromiseLedger.from_snapshot(snapshot)
    first = sorted(asked, key=lambda one: (one.priority, one.due, one.position))
    for request in first:
        found = quote(alone, request, detail="date")
        assert found == made[request.position - 1]
        if found.status is not PromiseStatus.REJECTED:
            apply(alone, found)
    assert state(alone) == state(together)


def test_going_back_to_a_token_restores_what_was_accepted_then():
    snapshot = company(4, 9, 1)
    book = PromiseLedger.from_snapshot(snapshot)
    rows = [cells(sales_order=f"SO{n}", line=1, qty=n, due=day(9)) for n in (1, 2, 3)]
    first, *later = read_requests(rows, snapshot).requests
    apply(book, quote(book, first))
    token, held = book.last_token, state(book)
    for request in later:
        apply(book, quote(book, request))
    assert state(book) != held
    book.go_back_to(token)
    assert state(book) == held
    assert set(book.accepted) == {first.demand}


def test_one_writer_lets_those_wait_who_ask_while_it_works():
    # Fifty ask every 4 ms; the first quote takes 10 ms, so the next two wait for it.
    found = waited([10.0, 1.0, 1.0, 1.0, 1.0])
    assert found == [10.0, 7.0, 4.0, 1.0, 1.0]


def test_threads_that_ask_one_writer_leave_the_book_as_it_was():
    snapshot = workshop(stock=[{"qty": 4}])
    book = PromiseLedger.from_snapshot(snapshot)
    rows = [cells(qty=number) for number in range(1, 8)]
    asked = read_requests(rows, snapshot).requests
    alone = [quote(book, one, detail="date") for one in asked]
    held = state(book)
    assert len(crowd(book, asked, 3)) == len(asked)
    assert state(book) == held
    assert [quote(book, one, detail="date") for one in asked] == alone


def stopped_after(count):
    """Whether to stop: yes from the question after `count` ones on."""
    asked = iter(range(10_000))
    return lambda: next(asked) >= count


@pytest.mark.req("ATP-22")
@pytest.mark.parametrize("detail", ["full", "date"])
def test_a_stopped_file_keeps_its_first_answers_and_rejects_the_rest(detail):
    # Four of a stock of 4; the second is the first to ask as the most urgent.
    snapshot = workshop(stock=[{"qty": 4}])
    rows = [cells(qty=1, priority=priority) for priority in (2, 1, 2, 2)]
    seen = []
    made = answer(
        snapshot,
        rows,
        detail=detail,
        observe=seen.append,
        cancelled=stopped_after(2),
    )
    whole = answer(snapshot, rows, detail=detail)
    assert made.run.status == "cancelled"
    assert whole.run.status != "cancelled"
    assert made.promises[:2] == whole.promises[:2]
    for one in made.promises[2:]:
        assert one.status is PromiseStatus.REJECTED
        assert [reason.code for reason in one.limiters] == ["SearchTimeout"]
        assert not one.holds
    assert [(one.phase, one.done, one.total) for one in seen] == [
        ("requests", done, 4) for done in range(4)
    ]


def test_a_stopped_file_rejects_whole_orders_of_which_a_line_was_not_reached():
    snapshot = workshop(stock=[{"qty": 9}])
    rows = [
        cells(sales_order=order, line=line, qty=1, order_policy="all_together")
        for order, line in (("SO1", 1), ("SO1", 2), ("SO2", 1), ("SO2", 2))
    ]
    made = answer(snapshot, rows, cancelled=stopped_after(3))
    statuses = [one.status is PromiseStatus.REJECTED for one in made.promises]
    assert statuses == [False, False, True, True]
