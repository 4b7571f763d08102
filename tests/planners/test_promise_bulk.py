"""A file of many lines is answered as its lines are, one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.promising import crowd, waited
from medhavi.results.promises.promise import PromiseStatus
from tests.api import Book, apply, quote, quote_all, read_requests
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
@settings(max_examples=12)
@given(st.lists(LINES, min_size=1, max_size=6))
def test_a_file_is_answered_as_its_lines_one_by_one(lines):
    snapshot = company(4, 9, 1)
    rows = [cells(**line) for line in lines]
    asked = read_requests(rows, snapshot).requests
    together = Book.from_snapshot(snapshot)
    made = quote_all(together, asked, detail="date")
    alone = Book.from_snapshot(snapshot)
    first = sorted(asked, key=lambda one: (one.priority, one.due, one.position))
    for request in first:
        answer = quote(alone, request, detail="date")
        assert answer == made[request.position - 1]
        if answer.status is not PromiseStatus.REJECTED:
            apply(alone, answer)
    assert state(alone) == state(together)


def test_going_back_to_a_token_restores_what_was_accepted_then():
    snapshot = company(4, 9, 1)
    book = Book.from_snapshot(snapshot)
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
    book = Book.from_snapshot(snapshot)
    rows = [cells(qty=number) for number in range(1, 8)]
    asked = read_requests(rows, snapshot).requests
    alone = [quote(book, one, detail="date") for one in asked]
    held = state(book)
    assert len(crowd(book, asked, 3)) == len(asked)
    assert state(book) == held
    assert [quote(book, one, detail="date") for one in asked] == alone
