"""Requests that ask for characteristics or a class are promised what has them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.promising.quoting import OPTION
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, apply, revert
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    dates,
    day,
    days,
    quoted,
    state,
    tables,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot

RANKED = [{"quality_classes": ["A", "B", "C"]}]
RED = {"requires": ["color=red"]}
TERMS = {"product": "A", "lead_time_days": 6}


def lots(*stated: tuple[str, float]) -> list[dict[str, Any]]:
    """Lots of A at L, named as their class."""
    return [{"lot": name, "quality": name, "qty": qty} for name, qty in stated]


def reason(made: Promise) -> tuple[Limiter, str] | None:
    """Limiter and what it names."""
    return made.limiter and (made.limiter.code, made.limiter.subject)


# --- classes -----------------------------------------------------------------------
def test_lots_below_the_class_are_left_to_others():
    """4 of class B and better are there; the other 6 come from the supplier."""
    book = PromiseLedger.from_snapshot(
        tables(
            settings=RANKED,
            products=[{"product": "A", "quality_class": "B"}],
            stock=lots(("B", 3), ("A", 1), ("C", 20)),
            supply_terms=[TERMS],
        )
    )
    made = quoted(book, min_quality="B", due=day(2))
    assert dates(made) == [(4.0, 0.0), (6.0, 6.0)]


def test_who_asks_for_less_leaves_the_better_lot_where_another_waits_for_it():
    """5 A and 5 B: who asks for B has 5 at once after 5 of A are promised away."""
    book = PromiseLedger.from_snapshot(
        tables(settings=RANKED, stock=lots(("A", 5), ("B", 5)))
    )
    apply(book, quoted(book, sales_order="S1", line=1, qty=5, min_quality="B"))
    # The first could have either lot: the second still gets A.
    made = quoted(book, sales_order="S2", line=1, qty=5, min_quality="A")
    assert dates(made) == [(5.0, 0.0)]
    apply(book, made)
    assert quoted(book, qty=1).status is PromiseStatus.REJECTED


def test_an_accepted_promise_keeps_the_lot_that_it_asks_for():
    book = PromiseLedger.from_snapshot(
        tables(settings=RANKED, stock=lots(("A", 5), ("C", 5)))
    )
    held = quoted(book, sales_order="S1", line=1, qty=5, min_quality="B")
    before = state(book)
    undo = apply(book, held)
    assert dates(quoted(book, qty=5)) == [(5.0, 0.0)]
    later = quoted(book, qty=1, min_quality="B")
    assert later.status is PromiseStatus.REJECTED
    revert(book, undo)
    assert state(book) == before


def test_what_the_tables_hold_for_one_who_asks_is_not_given_to_another():
    """D1 asks for A and holds 5; of A and C only the C is free for who asks little."""
    snapshot = tables(
        settings=RANKED,
        stock=lots(("A", 5), ("C", 5)),
        demands=[{"demand": "D1", "qty": 5, "min_quality": "A", "due": day(9)}],
        reservations=[{"demand": "D1", "qty": 5, "start": day(0), "finish": day(9)}],
    )
    assert asked(snapshot, qty=5).status is PromiseStatus.PROMISED
    assert asked(snapshot, qty=5, min_quality="B").deliveries == ()


def test_a_lot_below_the_class_of_its_product_is_no_stock():
    made = asked(
        tables(
            settings=RANKED,
            products=[{"product": "A", "quality_class": "B"}],
            stock=lots(("C", 10)),
            supply_terms=[TERMS],
        )
    )
    assert dates(made) == [(10.0, 6.0)]


# --- characteristics -----------------------------------------------------------------
@pytest.mark.req("OMI-18")
def test_only_a_routing_that_provides_it_is_used():
    """R is preferred and gives blue; Q gives red and takes two hours a piece."""
    snapshot = workshop(
        stock=[{"product": "B", "qty": 10}],
        routings=[
            {"preference": 1, "provides": ["color=blue"]},
            {"routing": "Q", "preference": 2, "provides": ["color=red", "size=2"]},
        ],
        steps=[
            {"run_minutes_per_unit": 60},
            {"routing": "Q", "run_minutes_per_unit": 120},
        ],
        step_resources=[{}, {"routing": "Q"}],
        bom_lines=[{}, {"routing": "Q"}],
    )
    made = asked(snapshot, **RED)
    assert made.option == "make:Q@L"
    assert days(made.date) == round(20 / 24, 6)
    assert asked(snapshot).option == "make:R@L"


def test_a_work_order_has_what_its_routing_provides():
    """4 red come on day 3 by order O1; the 6 of O2 are of any colour."""
    snapshot = workshop(
        routings=[{"provides": ["color=red"]}],
        supply_orders=[
            {"kind": "work", "source": "R", "qty": 4, "due": day(3)},
            {"kind": "purchase", "qty": 6, "due": day(1), "source": None},
        ],
    )
    assert dates(asked(snapshot, qty=4, **RED)) == [(4.0, 3.0)]
    assert dates(asked(snapshot, qty=4)) == [(4.0, 1.0)]


def test_what_lies_elsewhere_is_asked_for_what_is_wanted():
    """V is nearer and its lot is of class C; W has class A and is a day farther."""
    made = asked(
        tables(
            settings=RANKED,
            locations=[{"location": name} for name in "LVW"],
            lanes=[
                {"lane": "T1", "origin": "V", "destination": "L", "duration_h": 24},
                {"lane": "T2", "origin": "W", "destination": "L", "duration_h": 48},
            ],
            stock=[
                {"location": "V", "qty": 10, "quality": "C"},
                {"location": "W", "qty": 10, "quality": "A"},
            ],
        ),
        min_quality="B",
    )
    assert (made.origin, days(made.date)) == ("W", 2.0)


def test_a_substitute_must_have_it_too():
    made = asked(
        tables(
            products=[
                {"product": "B"},
                {"product": "C", "characteristics": ["color=red"]},
            ],
            substitutes=[{}, {"substitute": "C", "priority": 2}],
            stock=[{"product": "B", "qty": 10}, {"product": "C", "qty": 10}],
        ),
        **RED,
    )
    assert [one.product for one in made.deliveries] == ["C"]


def test_a_component_is_not_asked_for_what_its_product_must_be():
    made = asked(
        workshop(
            routings=[{"provides": ["color=red"]}],
            stock=[{"product": "B", "qty": 10}],
        ),
        **RED,
    )
    assert made.status is PromiseStatus.PROMISED


def test_a_line_that_asks_may_be_moved_to_what_has_it():
    """The weak line takes the class A lot of day 6; the strong one its lot of today."""
    snapshot = tables(
        settings=RANKED,
        promise_policies=[{**TRUSTING, "preempt": True}],
        products=[{"product": "A", "quality_class": "A"}],
        stock=lots(("A", 10)),
        supply_terms=[TERMS],
        demands=[
            {
                "demand": "D1",
                "priority": 5,
                "qty": 10,
                "due": day(9),
                "promised": day(0),
                "min_quality": "A",
            }
        ],
    )
    made = asked(snapshot, due=day(1), priority=1)
    assert (made.option or "").startswith(OPTION)
    assert [(one.demand, days(one.date)) for one in made.preempted] == [("D1", 6.0)]


# --- reasons -------------------------------------------------------------------------
@pytest.mark.req("ATP-18")
def test_a_lot_that_lacks_what_is_asked_is_the_reason():
    made = asked(tables(settings=RANKED, stock=lots(("C", 10))), min_quality="B", **RED)
    assert made.status is PromiseStatus.REJECTED
    assert reason(made) == (Limiter.QUALITY_MISMATCH, "A|L|C")
    assert made.limiter is not None
    assert made.limiter.text == (
        "Stock of A at L lacks color=red, quality class B (best available: C)."
    )


@pytest.mark.req("ATP-18")
def test_a_purchase_in_place_of_a_lot_that_lacks_it_is_late_for_that_reason():
    made = asked(
        tables(
            settings=RANKED,
            products=[{"product": "A", "characteristics": ["color=red"]}],
            stock=lots(("C", 10)),
            supply_terms=[TERMS],
        ),
        min_quality="C",
        due=day(2),
    )
    assert made.status is PromiseStatus.PROMISED
    unlike = asked(
        workshop(
            routings=[{"provides": ["color=red"]}],
            stock=[{"qty": 10}, {"product": "B", "qty": 10}],
            steps=[{"run_minutes_per_unit": 600}],
        ),
        due=day(2),
        **RED,
    )
    assert unlike.status is PromiseStatus.PROMISED_LATE
    assert reason(unlike) == (Limiter.ROUTING_CAPACITY_FAIL, "A|L")


@pytest.mark.req("ATP-18")
def test_where_no_source_gives_it_that_is_the_reason():
    made = asked(
        workshop(routings=[{"provides": ["color=blue"]}], supply_terms=[]), **RED
    )
    assert reason(made) == (Limiter.QUALITY_MISMATCH, "A|L|")
    assert made.limiter is not None
    assert made.limiter.text == "No supply of A meets the requested color=red."


@pytest.mark.req("ATP-18")
def test_the_reason_names_the_class_asked_for_and_the_best_there_is():
    made = asked(
        tables(
            settings=RANKED,
            products=[{"product": "A", "quality_class": "C"}],
            supply_terms=[TERMS],
        ),
        min_quality="A",
    )
    assert reason(made) == (Limiter.QUALITY_MISMATCH, "A|L|")
    assert made.limiter is not None
    assert made.limiter.text == (
        "No supply of A meets the requested quality class A (best available: C)."
    )


# --- against leaving out what lacks it ----------------------------------------------
CLASSES = st.sampled_from(["A", "B", "C"])
COLOURS = st.sampled_from([[], ["color=red"], ["color=red", "size=2"]])


def company(
    stock: list[tuple[str, int]], made: list[str], bought: list[str] | None, due: int
) -> Snapshot:
    """Make A in an hour a piece, or buy it in `due` days; lots of several classes."""
    return workshop(
        settings=RANKED,
        products=[
            {"product": "A", "quality_class": "C", "characteristics": bought or []}
        ],
        stock=[
            *(
                {"lot": str(number), "quality": grade, "qty": qty}
                for number, (grade, qty) in enumerate(stock)
            ),
            {"product": "B", "qty": 4},
        ],
        routings=[{"provides": made}],
        supply_terms=[
            {"product": "B", "lead_time_days": 5},
            {"product": "A", "supplier": "S2", "lead_time_days": due},
        ],
    )


@settings(max_examples=12)
@given(
    st.lists(st.tuples(CLASSES, st.integers(1, 6)), max_size=4),
    COLOURS,
    COLOURS,
    st.integers(3, 9),
    st.integers(1, 9),
    COLOURS,
    CLASSES,
)
def test_the_answer_is_that_of_tables_without_what_lacks_it(
    stock, made, bought, lead, qty, wanted, least
):
    """Lots below the class and sources without the pairs are taken out by hand."""
    snapshot = company(stock, made, bought, lead)
    ranks = {"A": 0, "B": 1, "C": 2}
    lots_red = set(wanted) <= set(bought)
    good = [
        (grade, size)
        for grade, size in stock
        if ranks[grade] <= ranks[least] and lots_red
    ]
    less: dict[str, Any] = {"stock": company(good, made, bought, lead)["stock"]}
    new = least == "C"
    if not (new and set(wanted) <= set(bought) | set(made)):
        less["routings"] = snapshot["routings"].clear()
        less |= {name: snapshot[name].clear() for name in ("steps", "step_resources")}
        less["bom_lines"] = snapshot["bom_lines"].clear()
    if not (new and lots_red):
        terms = snapshot["supply_terms"]
        less["supply_terms"] = terms.filter(terms["product"] != "A")
    filtered = snapshot.replace(**less)
    ask = {"qty": qty, "due": day(4)}
    told = asked(snapshot, **ask, requires=wanted, min_quality=least)
    plain = asked(filtered, **ask)
    assert (told.status, dates(told), told.cost) == (
        plain.status,
        dates(plain),
        plain.cost,
    )


def servable(stock: list[tuple[str, int]], takers: list[tuple[str, int]]) -> bool:
    """Try every class of lots for every piece."""
    ranks = {"A": 0, "B": 1, "C": 2}
    pieces = [grade for grade, qty in takers for _ in range(qty)]
    have = [grade for grade, qty in stock for _ in range(qty)]
    return len(pieces) <= len(have) and any(
        all(
            ranks[lot] <= ranks[want] for lot, want in zip(chosen, pieces, strict=False)
        )
        for chosen in itertools.permutations(have, len(pieces))
    )


@settings(max_examples=15)
@given(
    st.lists(st.tuples(CLASSES, st.integers(1, 2)), min_size=1, max_size=3),
    st.lists(st.tuples(CLASSES, st.integers(1, 2)), min_size=1, max_size=4),
)
def test_a_class_is_promised_exactly_where_lots_can_be_shared_out_so(stock, asks):
    kept = {"lot": "x", "quality": "C", "qty": 1, "location": "L"}
    given = [
        {"lot": str(number), "quality": grade, "qty": qty}
        for number, (grade, qty) in enumerate(stock)
    ]
    book = PromiseLedger.from_snapshot(tables(settings=RANKED, stock=[*given, kept]))
    held: list[tuple[str, int]] = []
    for number, (grade, qty) in enumerate(asks):
        made = quoted(
            book,
            sales_order=f"S{number}",
            line=1,
            qty=qty,
            min_quality=grade,
            full_line=True,
        )
        fits = servable([*stock, ("C", 1)], [*held, (grade, qty)])
        assert (made.status is PromiseStatus.PROMISED) == fits
        if fits:
            apply(book, made)
            held.append((grade, qty))
