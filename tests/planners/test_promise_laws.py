"""Laws of the book: nothing is sold twice, nothing is lost, asking changes nothing."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.results.promises.promise import PromiseStatus
from medhavi.units import DAY, to_seconds
from tests import factories
from tests.api import PromiseLedger, apply, promise, revert
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.small_promises import (
    asked,
    cells,
    day,
    days,
    quoted,
    request_of,
    state,
    tables,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot

few = settings(max_examples=examples(3, 12))
"""A snapshot takes a fifth of a second to read, check and answer."""
NOW = to_seconds(AS_OF)
ASKS = st.fixed_dictionaries(
    {
        "product": st.sampled_from(["A", "B", "X"]),
        "location": st.sampled_from(["L", "C1"]),
        "qty": st.integers(1, 12),
        "due": st.integers(0, 12).map(day),
        "full_line": st.booleans(),
    }
)


def company(stock_a: int, stock_b: int, inbound: int) -> Snapshot:
    """Make A from B, sell both at L and C1, with little of everything."""
    import datetime as dt

    return workshop(
        products=[{"product": name, "weight_kg": 1} for name in ("A", "B", "X")],
        stock=[
            {"product": "A", "qty": stock_a},
            {"product": "B", "qty": stock_b},
            {"product": "X", "qty": 7},
        ],
        supply_orders=[
            {"product": "B", "qty": inbound, "due": day(3)},
            {"product": "X", "qty": inbound, "due": day(2)},
        ],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "capacity_kg": 10,
            }
        ],
        departures=[{"weekday": n, "time": dt.time(12)} for n in range(1, 8)],
    )


def check(book: PromiseLedger) -> None:
    """No ledger is below nothing or above what there is."""
    material = book.stages.material
    for node in material.nodes:
        assert min(net for _, net in material.line(*node).state) >= 0
    busy = book.stages.capacity.occupancy.busy("M")
    for (_, finish, *_), (start, *_) in itertools.pairwise(sorted(busy)):
        assert finish <= start
    for loads in book.stages.transport.loads.state().values():
        assert all(load.weight <= 10_000_000 for load in loads.values())


@pytest.mark.req("CORE-16", "RES-10")
@few
@given(st.lists(ASKS, min_size=1, max_size=6), st.integers(0, 9), st.integers(0, 9))
def test_a_later_promise_never_breaks_an_accepted_one(asks, stock, inbound):
    book = PromiseLedger.from_snapshot(company(stock, stock + 2, inbound))
    for number, ask in enumerate(asks):
        made = quoted(book, sales_order=f"SO{number}", line=1, **ask)
        if made.status is not PromiseStatus.REJECTED:
            apply(book, made)
        check(book)


@pytest.mark.req("RES-15", "RES-03")
@few
@given(
    st.lists(ASKS, min_size=1, max_size=5),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
def test_giving_back_in_any_order_restores_the_state(asks, stock, rng):
    book = PromiseLedger.from_snapshot(company(stock, 9, 5))
    quoted(book)
    untouched = PromiseLedger.from_snapshot(book.snapshot)
    taken = []
    for number, ask in enumerate(asks):
        made = quoted(book, sales_order=f"SO{number}", line=1, **ask)
        if made.status is not PromiseStatus.REJECTED:
            taken.append(apply(book, made))
    rng.shuffle(taken)
    for undo in taken:
        revert(book, undo)
    assert state(book) == state(untouched)
    assert book.accepted == {}


@few
@given(ASKS, st.integers(0, 9))
def test_asking_twice_gives_the_same_answer(ask, stock):
    book = PromiseLedger.from_snapshot(company(stock, 4, 5))
    assert quoted(book, **ask) == quoted(book, **ask)


@few
@given(st.lists(ASKS, min_size=2, max_size=4), st.integers(0, 9))
def test_a_book_on_the_committed_rows_answers_as_the_book_that_took_them(asks, stock):
    snapshot = company(stock, 6, 5)
    book = PromiseLedger.from_snapshot(snapshot)
    *first, last = asks
    holds: list[dict[str, object]] = []
    for number, ask in enumerate(first):
        made = quoted(book, sales_order=f"SO{number}", line=1, **ask)
        if made.status is not PromiseStatus.REJECTED:
            apply(book, made)
            holds += [
                {**hold.as_row("confirmed"), "demand": None} for hold in made.holds
            ]
    other = PromiseLedger.from_snapshot(snapshot.replace(reservations=holds))
    assert _told(quoted(other, **last)) == _told(quoted(book, **last))


def _told(made: Promise) -> tuple[object, ...]:
    return made.status, made.date, made.deliveries, made.option


@few
@given(ASKS, st.integers(0, 6), st.integers(0, 6))
def test_more_stock_never_makes_a_promise_later(ask, stock, more):
    little = asked(company(stock, stock, 5), **{**ask, "full_line": True})
    much = asked(company(stock + more, stock + more, 5), **{**ask, "full_line": True})
    if little.date is not None:
        assert much.date is not None
        assert much.date <= little.date


# ------------------------------------------------------------------------ brute force
def slowest(stock: int, parts: int, inbound: int, at: int, qty: int) -> Fraction | None:
    """Try every instant for a whole order of A, by hours: the definition of a chain.

    A takes an hour a piece on a machine that is free; B lies there or comes at day
    `at`; new B takes five days.
    """
    if stock >= qty:
        return Fraction(0)
    best = None
    for free in {0, stock}:
        need = qty - free
        for hour in range(24 * 40):
            there = parts + (inbound if hour >= 24 * at else 0)
            bought = hour >= 24 * 5
            if there >= need or bought:
                end = Fraction(hour + need, 24)
                best = end if best is None or end < best else best
                break
    return best


@few
@given(
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_dates_are_those_of_trying_every_hour(stock, parts, inbound, at, qty):
    snapshot = workshop(
        stock=[{"qty": stock}, {"product": "B", "qty": parts}],
        supply_orders=[{"product": "B", "qty": inbound, "due": day(at)}],
    )
    made = asked(snapshot, qty=qty, due=day(0), full_line=True)
    wanted = slowest(stock, parts, inbound, at, qty)
    assert wanted is not None
    assert made.date == NOW + int(wanted * DAY)


# ----------------------------------------------------------------------- single cases
@pytest.mark.req("RES-09")
def test_a_book_keeps_no_journal_of_what_was_accepted():
    book = PromiseLedger.from_snapshot(company(9, 9, 5))
    before = book.stages.mark()
    taken = []
    for number in range(3):
        made = quoted(book, sales_order=f"SO{number}", line=1, qty=2, due=day(20))
        assert made.holds
        taken.append(apply(book, made))
    assert book.stages.mark() == before
    revert(book, taken[-1])
    assert book.stages.mark() == before


def test_a_promise_is_given_back_once():
    book = PromiseLedger.from_snapshot(tables(stock=[{"qty": 10}]))
    undo = apply(book, quoted(book))
    revert(book, undo)
    with pytest.raises(UsageError, match="given back before"):
        revert(book, undo)


def test_a_rejection_cannot_be_applied():
    book = PromiseLedger.from_snapshot(tables())
    with pytest.raises(UsageError, match="is rejected"):
        apply(book, quoted(book))


@pytest.mark.req("RES-05", "CORE-07")
def test_the_same_promise_makes_the_same_holds():
    snapshot = workshop(stock=[{"qty": 6}])
    first = asked(snapshot, sales_order="SO", line=1)
    again = asked(snapshot, sales_order="SO", line=1)
    other = asked(snapshot, sales_order="SO", line=2)
    assert first.reservations == again.reservations
    assert not set(first.reservations) & set(other.reservations)
    assert len(set(first.reservations)) == len(first.holds) == 2


@pytest.mark.req("ATP-28", "DEF-02")
def test_a_demand_that_is_asked_for_again_does_not_compete_with_itself():
    hold = {"reservation": "X", "demand": "D1", "qty": 10, "start": day(0)}
    snapshot = tables(
        stock=[{"qty": 10}],
        demands=[{"sales_order": "SO", "line": 1, "promised": day(2)}],
        reservations=[{**hold, "finish": day(3)}],
    )
    again = asked(snapshot, sales_order="SO", line=1)
    assert (again.status, days(again.date)) == (PromiseStatus.PROMISED, 0)
    assert asked(snapshot).status is PromiseStatus.REJECTED


def test_a_promise_that_is_accepted_again_replaces_the_one_before():
    book = PromiseLedger.from_snapshot(tables(stock=[{"qty": 10}]))
    apply(book, quoted(book, sales_order="SO", line=1))
    again = quoted(book, sales_order="SO", line=1, qty=8)
    assert again.status is PromiseStatus.PROMISED
    apply(book, again)
    assert quoted(book, qty=2).status is PromiseStatus.PROMISED
    assert quoted(book, qty=3).status is PromiseStatus.PARTIAL


@pytest.mark.req("ATP-21", "ATP-30")
def test_promising_never_calls_a_planner():
    import subprocess
    import sys

    program = (
        "import sys; from medhavi.planners.promising import promise_run; "
        "print([n for n in sys.modules if n.startswith(('medhavi.planners.mrp', "
        "'medhavi.planners.constrained', 'medhavi.optimize'))])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "[]"


def test_the_order_of_rows_changes_nothing():
    given: dict[str, Any] = {
        "stock": [{"qty": 6}, {"product": "B", "qty": 3}],
        "supply_orders": [
            {"supply_order": "P", "product": "B", "qty": 2, "due": day(3)},
            {"supply_order": "Q", "product": "B", "qty": 2, "due": day(2)},
        ],
    }
    turned = {name: list(reversed(rows)) for name, rows in given.items()}
    first = asked(workshop(**given), due=day(1))
    second = asked(workshop(**turned), due=day(1))
    assert first.as_dict() == second.as_dict()


def test_a_request_reads_the_same_from_a_row_and_from_text():
    snapshot = tables(stock=[{"qty": 10}])
    text = '[{"product": "A", "location": "L", "qty": 10, "due": "2026-02-02"}]'
    assert promise(snapshot, text)[0].date == promise(snapshot, [cells()])[0].date
    assert request_of(snapshot).qty == 10


@pytest.mark.req("ATP-21")
@pytest.mark.parametrize(("due", "there"), [(20, 20), (2, 3)])
def test_nothing_is_delivered_before_due_where_the_policy_says_so(due, there):
    snapshot = tables(
        stock=[{"qty": 6}],
        supply_orders=[{"qty": 4, "due": day(3)}],
        promise_policies=[{"policy": "default", "not_before_due": True}],
    )
    made = asked(snapshot, due=day(due))
    assert days(made.date) == there
    assert all(one.date >= NOW + due * DAY for one in made.deliveries)
    assert made.date_p50 == made.date_p95 == made.date


@pytest.mark.req("DEF-02")
def test_accepting_a_known_demand_again_replaces_its_holds_and_going_back_restores():
    snapshot = company(6, 9, 5)
    demand = {
        "demand": "D1", "sales_order": "SO", "line": 1, "product": "A", "qty": 8,
        "location": "C1",
    }  # fmt: skip
    given = snapshot.replace(demands=[factories.row("demands", 1, **demand)])
    ask = {"sales_order": "SO", "line": 1, "location": "C1", "qty": 8}
    first = asked(given, **ask)
    held = given.replace(reservations=[one.as_row("confirmed") for one in first.holds])
    book = PromiseLedger.from_snapshot(held)
    quoted(book, **ask)
    before = state(book)
    again = quoted(book, **ask)
    undo = apply(book, again)
    check(book)
    assert quoted(book, **ask).date == again.date == first.date
    revert(book, undo)
    assert state(book) == before
