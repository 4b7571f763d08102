"""A book on changed rows answers as one that read the changed tables anew."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.results.promises.promise import PromiseStatus
from tests.api import (
    PromiseLedger,
    apply,
    asked_again,
    book_with,
    changed,
    quote,
    read_requests,
    rebuilt,
)
from tests.examples import examples
from tests.planners.small_promises import day, request_of, state, workshop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot

few = settings(max_examples=examples(4, 15))
"""A world that is read anew takes a tenth of a second."""
ASKS = st.fixed_dictionaries(
    {
        "product": st.sampled_from(["A", "B"]),
        "location": st.sampled_from(["L", "C1"]),
        "qty": st.integers(1, 14),
        "due": st.integers(0, 9).map(day),
    }
)


def company(
    stock: int, parts: int, held: int, promised: int = 1, learns: int = 0
) -> Snapshot:
    """Make A from B on M and N at L, ship it to C1; holds and orders are in the way."""
    return workshop(
        products=[{"product": name, "weight_kg": 1} for name in ("A", "B")],
        stock=[{"product": "A", "qty": stock}, {"product": "B", "qty": parts}],
        inventory_policies=[{"product": "B", "safety_qty": 2}],
        supply_terms=[
            {"product": "B", "lead_time_days": 5, "lead_time_p95_days": 8},
            {"product": "A", "supplier": "S2", "lead_time_days": 6},
        ],
        resources=[{"resource": "M"}, {"resource": "N"}],
        steps=[
            {"step": 1, "run_minutes_per_unit": 60},
            {"step": 2, "run_minutes_per_unit": 30},
        ],
        step_resources=[
            {"step": 1, "resource": "M", "choice": "first"},
            {"step": 2, "resource": "N", "choice": "second"},
        ],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[
            {
                "lane": "T",
                "origin": "L",
                "destination": "C1",
                "duration_h": 24,
                "duration_p95_h": 60 if learns else None,
                "capacity_kg": 20,
            }
        ],
        departures=[{"lane": "T", "weekday": n, "time": dt.time(12)} for n in (1, 4)],
        estimates=[
            {
                "kind": "supplier",
                "subject": "S",
                "quantity": "lead_days",
                "p50": 4,
                "p80": 5,
                "p95": 7,
                "model": "m",
                "version": "1",
                "basis": "model",
            }
        ][:learns],
        supply_orders=[
            {"supply_order": "P1", "product": "B", "qty": 6, "due": day(3)},
            {
                "supply_order": "W1",
                "kind": "work",
                "product": "A",
                "source": "R",
                "qty": 2,
                "due": day(4),
            },
        ],
        demands=[
            {"demand": "D1", "product": "A", "qty": 3, "promised": day(6)},
            {
                "demand": "D2",
                "product": "A",
                "location": "C1",
                "qty": 2,
                "promised": day(8),
            },
        ][: promised + 1],
        reservations=[
            {
                "reservation": "H1",
                "kind": "material",
                "subject": "A",
                "location": "L",
                "demand": "D1",
                "qty": held,
                "start": day(0),
                "finish": day(6),
            },
            {
                "reservation": "H2",
                "kind": "material",
                "subject": "B",
                "location": "L",
                "qty": held,
                "start": day(1),
                "finish": day(6),
            },
            {
                "reservation": "H3",
                "kind": "capacity",
                "subject": "M",
                "location": None,
                "qty": held * 600,
                "start": day(1),
                "finish": day(5),
            },
            {
                "reservation": "H4",
                "kind": "transport",
                "subject": "T",
                "location": None,
                "qty": 15,
                "start": day(0),
                "finish": day(7),
            },
        ],
    )


def row_of(snapshot: Snapshot, table: str, **key: object) -> dict[str, Any]:
    """A row of a table as a remedy has it."""
    found = [
        row
        for row in snapshot[table].to_dicts()
        if all(row[name] == value for name, value in key.items())
    ]
    return found[0]


def change(snapshot: Snapshot, kind: str, number: int) -> Mapping[str, Any]:
    """Rows of a change of one kind."""
    table, row = CHANGED[kind](snapshot, number)
    rows: dict[str, Any] = {table: (row,)}
    if kind == "buffers":
        rows["request"] = ({"policy": "other"},)
    return rows


def terms(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make a supplier take another time."""
    row = row_of(snapshot, "supply_terms", supplier=("S", "S2")[number % 2])
    late = None if row["lead_time_p95_days"] is None else number / 2 + 1
    new = {"lead_time_days": number / 2, "lead_time_p95_days": late}
    return "supply_terms", row | new


def learned(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make a supplier have learned another time, or a product one of its own."""
    del snapshot
    times = {"p50": number / 2, "p80": number / 2 + 1, "p95": number}
    subject, product = (("S", "*"), ("S", "B"), ("S2", "A"))[number % 3]
    return "estimates", {
        "kind": "supplier",
        "subject": subject,
        "product": product,
        "quantity": "lead_days",
        **times,
        "model": "m",
        "version": "2",
        "basis": "model",
    }


def departure(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make the lane leave once more a week."""
    del snapshot
    new = {"lane": "T", "weekday": 1 + number % 7, "time": dt.time(number)}
    return "departures", new


def units(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make one more machine work for some days."""
    del snapshot
    row = {"resource": "MN"[number % 2], "valid_from": day(0), "valid_to": day(number)}
    return "resource_units", {**row, "units": 2.0, "efficiency": None}


def hold(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Release a hold of material, capacity or transport."""
    row = row_of(snapshot, "reservations", reservation=f"H{1 + number % 4}")
    return "reservations", {**row, "state": "released"}


def order(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Move an order that is waited for."""
    row = row_of(snapshot, "supply_orders", supply_order=("P1", "W1")[number % 2])
    return "supply_orders", {**row, "due": day(number / 3)}


def new_order(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make more of a product be on order."""
    row = row_of(snapshot, "supply_orders", supply_order="P1")
    other = {"supply_order": f"N{number}", "product": "AB"[number % 2]}
    return "supply_orders", {**row, **other, "due": day(number / 3)}


def routing(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make a routing have other lots, another fence, or end."""
    row = row_of(snapshot, "routings", routing="R")
    cells = ({"min_lot": 6.0}, {"fence_days": 2.0}, {"valid_to": day(number)})
    return "routings", {**row, **cells[number % 3]}


def resource(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Make a step of A be done by the machine of the other step, fast or slow."""
    row = row_of(snapshot, "step_resources", step=1 + number % 2)
    new = {"resource": "MN"[(1 + number) % 2], "speed": number / 4, "preference": 2}
    return "step_resources", {**row, **new}


def source(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Name one more way to get A."""
    kind, name = (("make", "R"), ("buy", "S2"))[number % 2]
    row = dict.fromkeys(snapshot["sourcing"].columns)
    key = {"product": "A", "location": "L", "kind": kind, "source": name}
    return "sourcing", {**row, **key}


def substitute(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Permit B in place of A."""
    row = dict.fromkeys(snapshot["substitutes"].columns)
    other = {"ratio": float(number), "location": "*", "priority": 1}
    return "substitutes", {**row, "product": "A", "substitute": "B", **other}


def buffers(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Permit safety stock by a policy of its own."""
    del number
    row = snapshot["promise_policies"].to_dicts()[0]
    return "promise_policies", {**row, "policy": "other", "buffers": True}


def smaller(snapshot: Snapshot, number: int) -> tuple[str, dict[str, Any]]:
    """Ask for another quantity."""
    del snapshot
    return "request", {"qty": float(1 + number)}


CHANGED = {
    make.__name__: make
    for make in (
        terms,
        learned,
        departure,
        units,
        hold,
        order,
        new_order,
        routing,
        resource,
        source,
        substitute,
        buffers,
        smaller,
    )
}
CHANGES = st.tuples(st.sampled_from(sorted(CHANGED)), st.integers(1, 9))


@pytest.mark.req("ATP-19")
@few
@given(
    st.tuples(*(st.integers(0, most) for most in (6, 9, 4, 1, 1))),
    st.lists(ASKS, max_size=2),
    ASKS,
    CHANGES,
)
def test_a_change_gives_the_answer_of_tables_that_are_read_anew(
    stocked, before, ask, what
):
    snapshot = company(*stocked)
    book = PromiseLedger.from_snapshot(snapshot)
    for number, earlier in enumerate(before):
        made = quote(
            book, request_of(snapshot, sales_order=f"SO{number}", line=1, **earlier)
        )
        if made.status is not PromiseStatus.REJECTED:
            apply(book, made)
    rows = change(snapshot, *what)
    request = request_of(snapshot, sales_order="SO9", line=1, **ask)
    plain = quote(book, request)
    held = state(book)
    again = asked_again(request, rows)
    found = quote(book_with(book, rows), again)
    assert state(book) == held
    assert found == quote(rebuilt(book, rows), again)
    if not before:
        assert found == quote(
            PromiseLedger.from_snapshot(changed(snapshot, rows)), again
        )
    assert quote(book, request) == plain


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize(
    ("kind", "number"),
    [("hold", 2), ("order", 5), ("units", 2), ("resource", 2), ("terms", 2)],
)
def test_orders_placed_for_an_answer_stay_apart_from_changed_work(kind, number):
    """Searches for one answer share where orders are, unless other work is there."""
    snapshot = company(0, 60, 4)
    book = PromiseLedger.from_snapshot(snapshot)
    rows = change(snapshot, kind, number)
    request = request_of(snapshot, product="A", location="L", qty=30, due=day(1))
    again = asked_again(request, rows)
    with book.stages.sharing_orders():
        quote(book, request, detail="date")
        assert book.stages.placed
        found = quote(book_with(book, rows), again, detail="date")
    assert found == quote(rebuilt(book, rows), again, detail="date")


@pytest.mark.req("ATP-19")
def test_nothing_that_was_placed_is_known_after_an_answer():
    snapshot = company(0, 9, 4)
    book = PromiseLedger.from_snapshot(snapshot)
    late = request_of(snapshot, product="A", location="L", qty=5, due=day(1))
    assert quote(book, late).remedies
    assert book.stages.placed is None


@pytest.mark.parametrize(
    "kind",
    [
        "terms",
        "learned",
        "hold",
        "order",
        "new_order",
        "routing",
        "substitute",
        "buffers",
    ],
)
def test_what_a_change_does_not_reach_is_shared(kind):
    """Tables are read again only where nobody knows what a change reaches."""
    snapshot = company(4, 6, 3)
    book = PromiseLedger.from_snapshot(snapshot)
    other = book_with(book, change(snapshot, kind, 1))
    assert other.stages.capacity is book.stages.capacity


def test_another_lead_time_is_answered_as_on_a_fresh_book():
    snapshot = company(0, 0, 0)
    book = PromiseLedger.from_snapshot(snapshot)
    request = request_of(snapshot, product="A", location="L", qty=5, due=day(1))
    quote(book, request, detail="date")
    row = row_of(snapshot, "supply_terms", supplier="S") | {"lead_time_days": 1.0}
    other = book_with(book, {"supply_terms": (row,)})
    found = quote(other, request, detail="date")
    assert found == quote(
        rebuilt(book, {"supply_terms": (row,)}), request, detail="date"
    )


def test_one_unit_more_shares_all_but_its_resource():
    snapshot = company(4, 6, 3)
    book = PromiseLedger.from_snapshot(snapshot)
    other = book_with(book, change(snapshot, "units", 9))
    held, more = book.stages.capacity.occupancy, other.stages.capacity.occupancy
    assert more.ledger("M") is held.ledger("M")
    assert more.ledger("N") is not held.ledger("N")
    assert more.busy("N") == held.busy("N")
    assert other.stages.material is book.stages.material


def test_another_resource_for_a_step_shares_what_is_booked():
    snapshot = company(4, 6, 3)
    book = PromiseLedger.from_snapshot(snapshot)
    other = book_with(book, change(snapshot, "resource", 8))
    assert other.stages.capacity is not book.stages.capacity
    assert other.stages.capacity.occupancy is book.stages.capacity.occupancy
    assert other.stages.material is book.stages.material


def test_work_in_the_books_that_moves_to_another_resource_is_placed_anew():
    """N before M: what W1 holds is others then, and the tables are read again."""
    snapshot = company(4, 6, 3)
    book = PromiseLedger.from_snapshot(snapshot)
    ((row,),) = change(snapshot, "resource", 8).values()
    rows = {"step_resources": ({**row, "preference": 0},)}
    other = book_with(book, rows)
    assert other.stages.capacity.occupancy is not book.stages.capacity.occupancy
    request = request_of(snapshot, product="A", qty=9, due=day(1))
    found = quote(other, request)
    assert found == quote(PromiseLedger.from_snapshot(changed(snapshot, rows)), request)


def test_a_hold_of_what_was_promised_anew_is_free_already():
    """D1 is promised again and so keeps nothing of H1; releasing it changes nothing."""
    snapshot = company(4, 6, 3)
    book = PromiseLedger.from_snapshot(snapshot)
    (request,) = read_requests(
        [
            {"sales_order": "S1", "line": 1, "product": "A"}
            | {"location": "L", "qty": 3, "due": day(6)}
        ],
        snapshot.replace(
            demands=snapshot["demands"].with_columns(
                sales_order=pl.lit("S1"), line=pl.lit(1)
            )
        ),
    ).requests
    assert request.known
    apply(book, quote(book, request))
    rows = change(snapshot, "hold", 4)
    assert rows["reservations"][0]["demand"] == "D1"
    plain = request_of(snapshot, product="A", qty=4, due=day(2))
    assert quote(book_with(book, rows), plain).date == quote(book, plain).date


def test_terms_are_found_in_the_tables_of_the_book_that_is_asked():
    book = PromiseLedger.from_snapshot(company(stock=0, parts=0, held=0))
    keys = book.terms_by_key
    frame = book.snapshot["supply_terms"]
    ((number,),) = (keys[key] for key in keys if key[:2] == ("S", "B"))
    row = frame.row(number, named=True)
    sooner = {**row, "lead_time_days": 1.0, "lead_time_p95_days": 2.0}
    other = book_with(book, {"supply_terms": (sooner,)})
    assert other.stages.material is book.stages.material
    terms = other.snapshot["supply_terms"]
    found = {
        key: [terms.row(number, named=True)["lead_time_days"] for number in numbers]
        for key, numbers in other.terms_by_key.items()
    }
    assert {key[:2]: days for key, days in found.items()} == {
        ("S", "B"): [1.0],
        ("S2", "A"): [6.0],
    }


@pytest.mark.parametrize("kinds", [["terms"], ["learned"], ["departure", "terms"]])
def test_a_late_lane_is_as_late_after_a_change(kinds):
    """What was looked up of a lane is used on, what a change moves is not."""
    snapshot = company(stock=0, parts=0, held=0)
    late = pl.lit(60.0).alias("duration_p95_h")
    snapshot = snapshot.replace(lanes=snapshot["lanes"].with_columns(late))
    book = PromiseLedger.from_snapshot(snapshot)
    ask = request_of(snapshot, product="A", location="C1", qty=3, due=day(3))
    first = quote(book, ask)
    assert first.date_p50 != first.date_p95
    changes = [change(snapshot, kind, 3) for kind in kinds]
    for rows in changes:
        book, snapshot = book_with(book, rows), changed(snapshot, rows)
        assert quote(book, ask) == quote(PromiseLedger.from_snapshot(snapshot), ask)
