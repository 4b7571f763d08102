"""Service times of the guaranteed-service model: published case, brute force, laws."""

from __future__ import annotations

import math
from graphlib import TopologicalSorter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.optimize.service_times import NetworkNode, service_times


@pytest.mark.req("REP-05")
def test_the_network_of_the_textbook():
    """Snyder and Shen, Fundamentals of Supply Chain Theory, 2019, example 6.5."""
    places = [
        NetworkNode(lead=3, weight=math.sqrt(2)),  # a supplier's day and two of its own
        NetworkNode(lead=1, weight=2 * math.sqrt(2), suppliers=(0,)),
        NetworkNode(lead=1, weight=3, promised=0, suppliers=(1,)),
        NetworkNode(lead=1, weight=3, promised=1, suppliers=(1,)),
    ]
    found = service_times(places)
    assert found.proven
    assert found.outbound == (0, 0, 0, 1)
    assert found.cost == pytest.approx(8.277916867529369)
    assert found.bound <= found.cost


@pytest.mark.req("REP-05")
@pytest.mark.parametrize(
    ("places", "cost"),
    [
        # Figure 6.14: ten stages of a network, the customer is quoted two days.
        (
            [
                NetworkNode(2, 0.164485363),
                NetworkNode(3, 0.493456088, suppliers=(0,)),
                NetworkNode(2, 0.657941451, suppliers=(1,)),
                NetworkNode(4, 0.986912176),
                NetworkNode(2, 1.973824353, suppliers=(2, 3)),
                NetworkNode(3, 2.138309716, suppliers=(4,)),
                NetworkNode(6, 3.289707254),
                NetworkNode(4, 1.315882902),
                NetworkNode(3, 0.657941451),
                NetworkNode(2, 8.224268136, 2, suppliers=(6, 5, 7, 8)),
            ],
            18.824004472592172,
        ),
        # Problem 6.7: three stages in a row.
        (
            [
                NetworkNode(2, 80.0),
                NetworkNode(1, 120.0, suppliers=(0,)),
                NetworkNode(2, 160.0, 0, suppliers=(1,)),
            ],
            357.77087639996637,
        ),
        # Problem 6.9: two products of one assembly.
        (
            [
                NetworkNode(3, 0.081458),
                NetworkNode(2, 0.122187),
                NetworkNode(8, 0.325832, suppliers=(1,)),
                NetworkNode(21, 1.466242, suppliers=(0, 2)),
                NetworkNode(7, 1.976986, 3, suppliers=(3,)),
                NetworkNode(7, 1.902466, 3, suppliers=(3,)),
            ],
            15.649530249501026,
        ),
    ],
)
def test_published_networks_cost_what_another_program_finds(places, cost):
    """Same book; costs by stockpyl 1.0.2, gsm_tree."""
    found = service_times(places)
    assert found.proven
    assert found.cost == pytest.approx(cost, rel=1e-6)


@pytest.mark.req("REP-05")
def test_stock_moves_to_the_customer_where_the_last_step_adds_little_value():
    # Apart: 1 x 2 + 1.1 x 1 = 3.1; all at the customer: 1.1 x sqrt(5) = 2.46.
    near = [NetworkNode(4, 1.0), NetworkNode(1, 1.1, 0, suppliers=(0,))]
    assert service_times(near).covered == (0, 5)
    # Apart: 1 x 2 + 2 x 1 = 4; all at the customer: 2 x sqrt(5) = 4.47.
    far = [NetworkNode(4, 1.0), NetworkNode(1, 2.0, 0, suppliers=(0,))]
    assert service_times(far).covered == (4, 1)


def test_where_nothing_may_lie_the_wait_is_passed_on():
    chain = [NetworkNode(4, 1.0, holds=False), NetworkNode(1, 2.0, 0, suppliers=(0,))]
    found = service_times(chain)
    assert (found.outbound, found.covered) == ((4, 0), (0, 5))


def test_without_variation_nothing_is_held_and_nothing_costs():
    found = service_times([NetworkNode(4, 0.0), NetworkNode(1, 0.0, 0, suppliers=(0,))])
    assert (found.cost, found.bound, found.proven) == (0.0, 0.0, True)
    assert service_times([]).proven


def test_a_place_before_its_supplier_is_refused():
    with pytest.raises(ValueError, match="place 0 stands before"):
        service_times([NetworkNode(1, 1.0, suppliers=(1,)), NetworkNode(1, 1.0)])


@st.composite
def networks(draw: st.DrawFn) -> list[NetworkNode]:
    places: list[NetworkNode] = []
    for number in range(draw(st.integers(1, 4))):
        suppliers = draw(st.sets(st.sampled_from(range(number)))) if number else set()
        promised = draw(st.sampled_from((None, None, 0, 1, 2)))
        places.append(
            NetworkNode(
                lead=draw(st.integers(0, 3)),
                weight=float(draw(st.integers(0, 9))),
                promised=promised,
                suppliers=tuple(sorted(suppliers)),
                holds=promised is not None or draw(st.booleans()),
            )
        )
    return places


@st.composite
def trees(draw: st.DrawFn) -> list[NetworkNode]:
    """Up to eight places; each but the first supplies, or is supplied by, one before.

    Customers ask where nobody is supplied.
    """
    count = draw(st.integers(2, 8))
    before: dict[int, set[int]] = {place: set() for place in range(count)}
    for place in range(1, count):
        other = draw(st.integers(0, place - 1))
        supplier, supplied = draw(st.permutations((other, place)))
        before[supplied].add(supplier)
    order = list(TopologicalSorter(before).static_order())
    supplying = set().union(*before.values())
    return [
        NetworkNode(
            lead=draw(st.integers(0, 4)),
            weight=draw(st.floats(0.0, 9.0)),
            promised=None if place in supplying else draw(st.integers(0, 3)),
            suppliers=tuple(sorted(map(order.index, before[place]))),
        )
        for place in order
    ]


def cheapest(places: list[NetworkNode]) -> float:
    """Try every quote of every place, as long as that costs less than the best one."""
    best = math.inf
    waiting: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    while waiting:
        quotes, cost = waiting.pop()
        if cost >= best:
            continue
        if len(quotes) == len(places):
            best = cost
            continue
        place = places[len(quotes)]
        longest = place.lead + max((quotes[one] for one in place.suppliers), default=0)
        most = longest if place.promised is None else min(longest, place.promised)
        for quote in range(most + 1):
            covered = longest - quote
            if place.holds or not covered:
                more = place.weight * math.sqrt(covered)
                waiting.append(((*quotes, quote), cost + more))
    return best


@pytest.mark.req("REP-05")
@given(st.one_of(networks(), trees()))
@settings(max_examples=60)
def test_no_quotes_cost_less(places):
    found = service_times(places)
    assert found.proven
    # The solver counts in millionths of what all places cost, each by itself.
    alone = sum(place.weight * math.sqrt(place.lead) for place in places)
    assert found.cost == pytest.approx(cheapest(places), abs=1e-4 + 1e-5 * alone)
    assert found == service_times(places)
