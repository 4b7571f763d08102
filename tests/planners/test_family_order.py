"""The order of families with the least set-up, against all orders."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.campaigns.family_order import best_order, path_price

HOURS = {("A", "B"): 2.0, ("A", "C"): 3.0, ("B", "C"): 1.0}


def table(prices):
    def price(before, family):
        return 0.0 if before is None else prices[before, family]

    return price


@pytest.mark.req("CMP-02")
def test_the_worked_matrix_gives_a_b_c_in_three_hours():
    price = table(
        {**HOURS, ("B", "A"): 4.0, ("C", "A"): 4.0, ("C", "B"): 4.0},
    )
    found = best_order(["A", "B", "C"], price)
    assert (found.order, found.total, found.exact) == (("A", "B", "C"), 3.0, True)
    assert found.gap == 0.0


@pytest.mark.req("CMP-02")
def test_the_present_set_up_decides_where_it_begins():
    price = table({("A", "B"): 1.0, ("B", "A"): 9.0, ("C", "A"): 20.0, ("C", "B"): 1.0})
    assert best_order(["A", "B"], price, "C").order == ("B", "A")


@pytest.mark.req("OMI-25")
def test_there_and_back_may_cost_differently():
    price = table({("A", "B"): 1.0, ("B", "A"): 9.0})
    assert path_price(["A", "B"], price) == 1.0
    assert path_price(["B", "A"], price) == 9.0
    assert best_order(["B", "A"], price).order == ("A", "B")


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
    assert sorted(found.order) == sorted(names)
    assert found.total == path_price(found.order, price, state)
    assert found.total == min(
        path_price(order, price, state) for order in permutations(names)
    )


@pytest.mark.req("CMP-02")
@settings(max_examples=20)
@given(cases(least=2))
def test_the_heuristic_tells_a_gap_that_holds(case):
    names, prices, state = case
    price = table(prices)
    exact = best_order(names, price, state)
    found = best_order(names, price, state, most_exact=1)
    assert sorted(found.order) == sorted(names)
    assert found.bound <= exact.total <= found.total
    assert 0.0 <= found.gap <= 1.0
    assert found.exact is (found.total <= found.bound)


def test_twelve_families_are_ordered_exactly():
    names = [f"F{number:02}" for number in range(12)]
    prices = {
        (a, b): 1.0 if j == i + 1 else 5.0
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i != j
    }
    assert best_order(names[::-1], table(prices)).order == tuple(names)


def test_no_family_needs_no_change():
    assert best_order([], table({})).total == 0.0
    assert best_order([], table({})).gap == 0.0
    assert path_price([], table({}), "A") == 0.0


def test_a_family_may_stand_once():
    with pytest.raises(ValueError, match="once"):
        best_order(["A", "A"], table({}))
