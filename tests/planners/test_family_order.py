"""The order of families with the least set-up, against all orders."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.campaigns.campaign_sequence import best_order

HOURS = {("A", "B"): 2.0, ("A", "C"): 3.0, ("B", "C"): 1.0}


def table(prices):
    def price(before, family):
        return 0.0 if before is None else prices[before, family]

    return price


def total(order, price, state=None):
    return sum(price(before, after) for before, after in pairwise([state, *order]))


@pytest.mark.req("CMP-02")
def test_the_worked_matrix_gives_a_b_c_in_three_hours():
    price = table(
        {**HOURS, ("B", "A"): 4.0, ("C", "A"): 4.0, ("C", "B"): 4.0},
    )
    assert best_order(["A", "B", "C"], price) == ("A", "B", "C")
    assert total(("A", "B", "C"), price) == 3.0


@pytest.mark.req("CMP-02")
def test_the_present_set_up_decides_where_it_begins():
    price = table({("A", "B"): 1.0, ("B", "A"): 9.0, ("C", "A"): 20.0, ("C", "B"): 1.0})
    assert best_order(["A", "B"], price, "C") == ("B", "A")


@pytest.mark.req("OMI-25")
def test_there_and_back_may_cost_differently():
    price = table({("A", "B"): 1.0, ("B", "A"): 9.0})
    assert total(["A", "B"], price) == 1.0
    assert total(["B", "A"], price) == 9.0
    assert best_order(["B", "A"], price) == ("A", "B")


@st.composite
def cases(draw, least=1, most=6):
    names = [f"F{number}" for number in range(draw(st.integers(least, most)))]
    pairs = [(a, b) for a in [*names, "S"] for b in names if a != b]
    prices = {pair: float(draw(st.integers(0, 20))) for pair in pairs}
    return names, prices, draw(st.sampled_from([None, "S"]))


@pytest.mark.req("CMP-02", "OMI-25")
@settings(max_examples=40)
@given(cases())
def test_no_order_is_better_than_the_exact_one(case):
    names, prices, state = case
    price = table(prices)
    found = best_order(names, price, state)
    assert sorted(found) == sorted(names)
    assert total(found, price, state) == min(
        total(order, price, state) for order in permutations(names)
    )


def test_twelve_families_are_ordered_exactly():
    names = [f"F{number:02}" for number in range(12)]
    prices = {
        (a, b): 1.0 if j == i + 1 else 5.0
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i != j
    }
    assert best_order(names[::-1], table(prices)) == tuple(names)


def test_no_family_has_an_empty_order():
    assert best_order([], table({})) == ()


def test_a_family_may_stand_once():
    with pytest.raises(ValueError, match="once"):
        best_order(["A", "A"], table({}))
