"""Silver-Meal and Wagner-Whitin on plain needs: textbooks, laws, other algorithms."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.mrp.lot_sizing import (
    UNBOUNDED,
    LotLimits,
    NetNeed,
    covered_by_silver_meal,
    covered_by_wagner_whitin,
    order_price,
    reach,
)
from medhavi.units import DAY

SILVER_PYKE_PETERSON = (10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41)
"""Silver, Pyke, Peterson 1998, table 6.1: monthly, 54 an order, 0.40 a unit a month."""
WAGNER_WHITIN = (69, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56)
"""Wagner and Whitin 1958, table 1: monthly, 1 a unit a month."""
WAGNER_WHITIN_ORDERS = (85, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114)


def orders_of(following):
    """Places of the needs at which orders are received."""
    found, place = [], 0
    while place < len(following):
        found.append(place)
        place = following[place]
    return found


def silver_meal(needs, price, limits=UNBOUNDED):
    places = range(len(needs))
    return orders_of([covered_by_silver_meal(needs, n, price, limits) for n in places])


def wagner_whitin(needs, price, limits=UNBOUNDED):
    return orders_of(covered_by_wagner_whitin(needs, price, limits))


def plain_wagner_whitin(needs, price, limits):
    """The recursion of the textbook as it stands."""
    prices = [price] * len(needs) if isinstance(price, Fraction) else price
    best, following = [0] * (len(needs) + 1), [0] * len(needs)
    for first in reversed(range(len(needs))):
        held, tried = 0, []
        for place in range(first, reach(needs, first, limits)):
            held += needs[place].qty * (needs[place].instant - needs[first].instant)
            tried.append((prices[first] + held + best[place + 1], -place - 1))
        best[first], end = min(tried)
        following[first] = -end
    return orders_of(following)


def plan_cost(needs, orders, prices):
    """Cost of orders and holding [units held for a second]."""
    cost = sum(prices[place] for place in orders)
    for first, end in zip(orders, [*orders[1:], len(needs)], strict=True):
        begin = needs[first].instant
        cost += sum(need.qty * (need.instant - begin) for need in needs[first:end])
    return cost


def grid(quantities, period=DAY):
    """A need at each beginning of a period that has one."""
    return [
        NetNeed(place * period, qty, place * period)
        for place, qty in enumerate(quantities)
        if qty
    ]


def of_periods(cost, holding, period=DAY):
    """Price of an order where holding a step for a period costs so much."""
    return Fraction(cost) / Fraction(holding) * period


@st.composite
def needs_and_terms(draw):
    count = draw(st.integers(1, 9))
    instants = draw(
        st.lists(st.integers(0, 30), min_size=count, max_size=count, unique=True).map(
            sorted
        )
    )
    needs = [
        NetNeed(
            instant * DAY,
            draw(st.integers(1, 9)),
            (instant + draw(st.sampled_from([0, 0, 4]))) * DAY,
        )
        for instant in instants
    ]
    price = Fraction(draw(st.integers(0, 90)), draw(st.integers(1, 3))) * DAY
    prices = st.lists(st.integers(0, 60), min_size=count, max_size=count).map(
        lambda costs: [Fraction(cost) * DAY for cost in costs]
    )
    limits = st.builds(
        lambda most, life: LotLimits(most=most, life=life),
        st.none() | st.integers(1, 30),
        st.none() | st.integers(0, 20 * DAY),
    )
    return needs, draw(st.just(price) | prices), draw(limits)


# --- textbooks ---------------------------------------------------------------------
@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("rule", [silver_meal, wagner_whitin])
@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_example_of_silver_pyke_and_peterson(rule, days):
    needs = grid(SILVER_PYKE_PETERSON, days * DAY)
    price = of_periods(54, "0.4", days * DAY)
    found = rule(needs, price)
    # January to March, April, May and June, July and August, September, October, rest.
    assert found == [0, 3, 4, 6, 8, 9, 10]
    cost = plan_cost(needs, found, [price] * 12) / (days * DAY) * Fraction("0.4")
    assert cost == Fraction("501.20")


@pytest.mark.req("MRP-07")
def test_the_example_of_wagner_and_whitin():
    needs = grid(WAGNER_WHITIN)
    prices = [of_periods(cost, 1) for cost in WAGNER_WHITIN_ORDERS]
    found = wagner_whitin(needs, prices)
    assert found == [0, 2, 4, 7, 9, 10]
    assert plan_cost(needs, found, prices) == 864 * DAY


def test_silver_meal_can_cost_more_than_the_best():
    """A large first month hides that June would better be made with May."""
    needs = grid([10, 60, 15, 150, 110, 65, 110])
    price = of_periods(70, "0.5")
    plans = [rule(needs, price) for rule in (silver_meal, wagner_whitin)]
    costs = [plan_cost(needs, found, [price] * 7) for found in plans]
    assert plans[0] != plans[1]
    assert costs[0] > costs[1]


def test_the_period_is_the_mean_time_between_needs():
    # Needs on days 0, 1 and 5: two and a half days. Day 1 adds 4 to an order of 10:
    # (10 + 4) / 3.5 a day is less than 10 / 1. Day 5 adds 15, more than an order.
    assert silver_meal(grid([5, 4, 0, 0, 0, 3]), of_periods(10, 1)) == [0, 2]
    # One unit on day 5 adds 5: (14 + 5) / 7.5 is less than 14 / 5.
    assert silver_meal(grid([5, 4, 0, 0, 0, 1]), of_periods(10, 1)) == [0]


@pytest.mark.parametrize("seconds", [3600, DAY, 7 * DAY])
def test_the_unit_of_time_changes_nothing(seconds):
    needs = grid(WAGNER_WHITIN, seconds)
    # Two join each time: three would add 72, 122, 68, 90 and 158 for their third.
    assert silver_meal(needs, of_periods(100, 1, seconds)) == [0, 2, 4, 6, 8, 10]


def test_a_need_that_costs_more_to_hold_than_to_order_stays_alone():
    needs = [NetNeed(0, 5, 0), NetNeed(DAY // 2, 5, 0), NetNeed(99 * DAY, 5, 0)]
    # Half a day of 5 is 2.5 days of a unit; an order costs 2.
    assert silver_meal(needs, Fraction(2 * DAY)) == [0, 1, 2]


# --- laws --------------------------------------------------------------------------
@pytest.mark.req("MRP-07")
@given(needs_and_terms())
def test_the_fast_rule_is_plain_dynamic_programming(case):
    needs, price, limits = case
    assert wagner_whitin(needs, price, limits) == plain_wagner_whitin(
        needs, price, limits
    )


@given(needs_and_terms())
def test_no_plan_is_cheaper_than_that_of_wagner_and_whitin(case):
    needs, price, limits = case
    prices = [price] * len(needs) if isinstance(price, Fraction) else price
    least = plan_cost(needs, wagner_whitin(needs, price, limits), prices)
    inner = range(1, len(needs))
    for count in range(len(needs)):
        for later in combinations(inner, count):
            orders = [0, *later]
            if allowed(needs, orders, limits):
                assert plan_cost(needs, orders, prices) >= least


@given(needs_and_terms())
def test_every_rule_covers_all_needs_within_the_limits(case):
    needs, price, limits = case
    one = price if isinstance(price, Fraction) else price[0]
    for found in (
        silver_meal(needs, one, limits),
        wagner_whitin(needs, price, limits),
        wagner_whitin(needs, None, limits),
        silver_meal(needs, None, limits),
    ):
        assert found[0] == 0
        assert found == sorted(set(found))
        assert allowed(needs, found, limits)


def allowed(needs, orders, limits):
    ends = [*orders[1:], len(needs)]
    return all(
        end <= reach(needs, first, limits)
        for first, end in zip(orders, ends, strict=True)
    )


@given(needs_and_terms())
def test_silver_meal_costs_no_more_than_an_order_per_need(case):
    needs, price, limits = case
    one = price if isinstance(price, Fraction) else price[0]
    prices = [one] * len(needs)
    joined = plan_cost(needs, silver_meal(needs, one, limits), prices)
    assert joined <= plan_cost(needs, list(range(len(needs))), prices)


@given(needs_and_terms(), st.integers(0, 8))
def test_the_plan_stays_the_best_from_each_of_its_needs_on(case, place):
    needs, price, limits = case
    place %= len(needs)
    following = covered_by_wagner_whitin(needs, price, limits)
    rest = price if isinstance(price, Fraction) else price[place:]
    later = covered_by_wagner_whitin(needs[place:], rest, limits)
    assert [end - place for end in following[place:]] == later


# --- limits ------------------------------------------------------------------------
@pytest.mark.parametrize("rule", [silver_meal, wagner_whitin])
def test_an_order_that_costs_nothing_serves_one_need(rule):
    assert rule(grid([5, 5, 5]), Fraction(0)) == [0, 1, 2]


@pytest.mark.parametrize("rule", [silver_meal, wagner_whitin])
def test_an_order_never_covers_more_than_the_largest_lot(rule):
    limits = LotLimits(most=10)
    assert rule(grid([4, 4, 4, 12, 4]), None, limits) == [0, 2, 3, 4]


@pytest.mark.parametrize("rule", [silver_meal, wagner_whitin])
def test_an_order_never_covers_a_need_beyond_its_life(rule):
    limits = LotLimits(life=2 * DAY)
    assert rule(grid([4] * 6), None, limits) == [0, 3]


def test_life_left_at_delivery_counts_as_use():
    needs = [NetNeed(0, 1, 0), NetNeed(DAY, 1, 4 * DAY), NetNeed(2 * DAY, 1, 0)]
    assert reach(needs, 0, LotLimits(life=3 * DAY)) == 1
    assert reach(needs, 0, UNBOUNDED) == 3


def test_no_needs_have_no_orders():
    assert wagner_whitin([], Fraction(1)) == []
    assert silver_meal([], Fraction(1)) == []
    assert orders_of([]) == []


# --- price -------------------------------------------------------------------------
def test_the_price_of_an_order_is_steps_held_for_a_second():
    # 10 an order; a unit of 50 held a year is 10: an order is a unit for a year.
    year = 365 * DAY
    assert order_price(10, 0.2, 50, Fraction(1)) == year
    # In steps of a tenth it is ten steps for a year.
    assert order_price(10, 0.2, 50, Fraction(1, 10)) == 10 * year


def test_a_product_without_cost_counts_as_one():
    assert order_price(10, 0.2, 0, Fraction(1)) == order_price(10, 0.2, 1, Fraction(1))


def test_orders_for_nothing_and_holding_for_nothing():
    assert order_price(None, 0.2, 1, Fraction(1)) == 0
    assert order_price(0.0, 0.0, 1, Fraction(1)) == 0
    assert order_price(5, 0.0, 1, Fraction(1)) is None
