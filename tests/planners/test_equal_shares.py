"""Lines in ratio come in equal shares, worked out by hand (rules 12 and 35)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.results.promises.promise import PromiseStatus
from tests.api import promise
from tests.planners.small_promises import TRUSTING, cells, dates, day, days, tables

EVEN = {"sales_order": "SO", "order_policy": "in_ratio"}


def pair(stock, receipts=(), *, a=10, b=20, products=(), more=(), **stated):
    """Ask for 10 of A and 20 of B by now; `receipts`: product, quantity, day."""
    snapshot = tables(
        products=[{"product": "A"}, {"product": "B"}, *products],
        stock=[{"product": name, "qty": qty} for name, qty in stock.items()],
        supply_orders=[
            {"product": name, "qty": qty, "due": day(number)}
            for name, qty, number in receipts
        ],
        promise_policies=[stated.pop("policy", TRUSTING)],
    )
    lines = [
        cells(line=1, qty=a, due=day(0), **EVEN, **stated),
        cells(line=2, product="B", qty=b, due=day(0), **EVEN, **stated),
    ]
    return promise(snapshot, [*lines, *more])


@pytest.mark.req("ATP-08")
def test_what_is_there_early_waits_for_its_share_of_the_others():
    first, second = pair({"A": 10, "B": 8}, [("B", 12, 3)])
    assert dates(first) == [(4, 0), (6, 3)]
    assert dates(second) == [(8, 0), (12, 3)]
    assert first.status is second.status is PromiseStatus.PROMISED_LATE
    assert (first.limiter.code, first.limiter.subject) == (
        "FullOrderViolation",
        "SO-2",
    )
    # Six pieces three days late at 2 % of a price of 1, weight 10.
    assert first.cost.lateness == pytest.approx(6 * 3 * 0.02 * 10)


@pytest.mark.req("ATP-08")
def test_no_line_brings_more_than_the_others_can_match():
    first, second, third = pair(
        {"A": 10, "B": 8}, more=[cells(qty=6, due=day(0), priority=2)]
    )
    assert dates(first) == [(4, 0)]
    assert dates(second) == [(8, 0)]
    assert first.status is second.status is PromiseStatus.PARTIAL
    assert sum(hold.qty for hold in first.holds) == 4
    assert dates(third) == [(6, 0)]
    assert first.limiter.code == "FullOrderViolation"
    assert second.limiter.code == "MaterialShortfall"
    assert first.demand["qty"] == 10


def test_shares_are_never_rounded():
    """Of 10 and 15 there are five shares of 2 and 3; 8 of 15 are two of them."""
    first, second = pair({"A": 10, "B": 8}, b=15)
    assert (dates(first), dates(second)) == ([(4, 0)], [(6, 0)])


def test_less_than_one_share_is_nothing():
    first, second = pair({"A": 10, "B": 2}, a=10, b=15)
    assert first.status is second.status is PromiseStatus.REJECTED
    assert first.holds == second.holds == ()


def test_a_line_that_cannot_come_at_all_stops_the_others():
    first, second = pair({"A": 10})
    assert first.status is second.status is PromiseStatus.REJECTED


def test_all_in_time_is_on_time():
    first, second = pair({"A": 10, "B": 20})
    assert first.on_time
    assert second.on_time
    assert first.limiter is None


@pytest.mark.parametrize(
    ("stated", "policy"),
    [
        ({"full_line": True}, TRUSTING),
        ({}, {**TRUSTING, "delivery": "full_line"}),
        ({}, {**TRUSTING, "delivery": "full_order"}),
    ],
)
def test_a_stricter_rule_wins(stated, policy):
    first, second = pair({"A": 10, "B": 8}, [("B", 12, 3)], policy=policy, **stated)
    assert (dates(first), dates(second)) == ([(10, 3)], [(20, 3)])
    refused, _ = pair({"A": 10, "B": 8}, policy=policy, **stated)
    assert refused.status is PromiseStatus.REJECTED


def test_a_share_below_the_least_shipment_waits_for_the_next():
    receipts = [("A", 2, 1), ("B", 4, 1), ("A", 2, 2), ("B", 4, 2)]
    first, second = pair({"A": 6, "B": 12}, receipts, min_shipment=3)
    assert dates(first) == [(6, 0), (4, 2)]
    assert dates(second) == [(12, 0), (8, 2)]


def test_a_substitute_keeps_the_order_whole():
    snapshot = tables(
        products=[{"product": "A"}, {"product": "B"}, {"product": "X"}],
        stock=[{"product": "X", "qty": 10}, {"product": "B", "qty": 20}],
        substitutes=[{"product": "A", "substitute": "X"}],
    )
    first, second = promise(
        snapshot,
        [cells(line=1, **EVEN), cells(line=2, product="B", qty=20, **EVEN)],
    )
    assert first.deliveries[0].product == "X"
    assert first.on_time
    assert second.on_time


def test_a_line_alone_comes_as_it_can():
    first = promise(tables(stock=[{"qty": 4}]), [cells(line=1, **EVEN)])[0]
    assert (first.status, dates(first)) == (PromiseStatus.PARTIAL, [(4, 0)])


def test_the_dates_of_the_lines_are_told():
    first, second = pair({"A": 10, "B": 8}, [("B", 12, 3)])
    assert days(first.date) == days(second.date) == 3
    assert first.date_p50 == first.date_p80 == first.date_p95 == first.date


@settings(max_examples=8)
@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=2),
    st.lists(
        st.tuples(st.sampled_from("AB"), st.integers(1, 9), st.integers(1, 4)),
        max_size=4,
    ),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_after_every_delivery_the_shares_are_equal(stock, receipts, a, b):
    there: dict[str, Any] = {"A": stock[0], "B": stock[1]}
    made = pair(there, receipts, a=a, b=b)
    for instant in sorted({one.date for line in made for one in line.deliveries}):
        had = [
            sum(one.qty for one in line.deliveries if one.date <= instant)
            for line in made
        ]
        assert had[0] * b == had[1] * a
    for line, product, wanted in zip(made, "AB", (a, b), strict=True):
        # Nothing is delivered before it is there.
        supply = [(0, there[product])]
        supply += [(number, qty) for name, qty, number in receipts if name == product]
        for part in itertools.accumulate(
            sorted((days(one.date), one.qty) for one in line.deliveries),
            lambda had, one: (one[0], had[1] + one[1]),
        ):
            assert part[1] <= sum(qty for number, qty in supply if number <= part[0])
        assert line.qty <= wanted
