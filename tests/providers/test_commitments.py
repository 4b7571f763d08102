"""Who owns what of the material."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import DAY, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)


def day(number):
    return AS_OF + dt.timedelta(days=number)


def bundle(**tables):
    return Providers(factories.snapshot(**tables))


def rows(found):
    return [
        (c.product, c.location, c.units, (c.instant - NOW) / DAY, c.owner)
        for c in found
    ]


def at(location="L", product="A", **tables):
    return rows(bundle(**tables).commitments.at(product, location))


def test_hold_takes_its_quantity_at_its_start_but_not_before_now():
    found = at(
        reservations=[
            {"qty": 3, "start": day(-2), "finish": day(1)},
            {"qty": 4, "start": day(2), "finish": day(3)},
        ]
    )
    assert found == [("A", "L", 3, 0, None), ("A", "L", 4, 2, None)]


def test_work_orders_commit_their_components():
    found = at(
        product="B",
        supply_orders=[{"kind": "work", "source": "R"}],
        routings=[{}],
        bom_lines=[{"component": "B", "qty_per": 2}],
    )
    assert found == [("B", "L", 20, 7, None)]


def test_firm_peg_takes_from_the_moment_its_supply_is_there():
    found = at(
        demands=[{}],
        stock=[{"lot": "X"}],
        supply_orders=[{"qty": 10, "due": day(7)}],
        pegs=[
            {"demand": "D1", "supply": "A|L|X", "qty": 3},
            {"demand": "D1", "supply": "O1", "qty": 4},
        ],
    )
    assert sorted(found) == [("A", "L", 3, 0, "D1"), ("A", "L", 4, 7, "D1")]


@pytest.mark.req("PEG-08")
@pytest.mark.parametrize(("over_peg", "kept"), [("cap", 10), ("allow", 16)])
def test_a_firm_peg_keeps_what_its_demand_needs_or_all(over_peg, kept):
    """D1 orders 10; 16 are pegged to it, of stock and of what is to come."""
    found = at(
        settings=[{"over_peg": over_peg}],
        demands=[{}],
        stock=[{"lot": "X"}],
        supply_orders=[{"qty": 10}],
        pegs=[
            {"demand": "D1", "supply": "A|L|X", "qty": 7},
            {"demand": "D1", "supply": "O1", "qty": 9},
        ],
    )
    assert sum(row[2] for row in found) == kept


@pytest.mark.parametrize(
    "change",
    [{"firm": False}, {"supply": "O2"}],
    ids=["not firm", "a planned order"],
)
def test_peg_that_binds_no_supply_commits_nothing(change):
    peg = {"demand": "D1", "supply": "O1", "qty": 3}
    found = at(
        demands=[{}],
        supply_orders=[{}, {"status": "planned"}],
        pegs=[{**peg, **change}],
    )
    assert found == []


def test_peg_of_a_closed_demand_commits_nothing():
    peg = {"demand": "D1", "supply": "A|L|", "qty": 3}
    assert at(demands=[{"status": "closed"}], stock=[{}], pegs=[peg]) == []


@pytest.mark.req("DEF-02")
def test_hold_and_peg_of_one_demand_count_once():
    found = at(
        demands=[{}],
        stock=[{"qty": 20}],
        reservations=[{"demand": "D1", "qty": 10}],
        pegs=[{"demand": "D1", "supply": "A|L|", "qty": 6}],
    )
    assert sorted(steps for _, _, steps, _, _ in found) == [4, 6]


def test_open_demand_counts_only_when_it_is_promised():
    assert at(demands=[{"qty": 10}]) == []
    promised = {"qty": 10, "promised": day(9)}
    assert at(demands=[promised]) == [("A", "L", 10, 9, "D1")]
    assert at(demands=[{**promised, "status": "closed"}]) == []


def test_promised_demand_counts_with_what_it_has_not_reserved():
    found = at(
        demands=[{"qty": 10, "promised": day(9)}],
        reservations=[{"demand": "D1", "qty": 7, "start": day(1)}],
    )
    assert found == [("A", "L", 7, 1, "D1"), ("A", "L", 3, 9, "D1")]


def test_promise_that_is_made_for_holds_what_it_needs():
    tables = {
        "demands": [{"qty": 10, "promised": day(9)}],
        "products": [{"product": "A"}, {"product": "B"}],
    }
    component = {"demand": "D1", "subject": "B", "qty": 5}
    assert at(**tables, reservations=[component]) == []
    machine = {"demand": "D1", "kind": "capacity", "subject": "M", "qty": 60}
    assert at(**tables, reservations=[machine], resources=[{}]) == []


def test_promise_to_a_customer_is_taken_where_the_preferred_lane_starts():
    tables = {
        "locations": [
            {"location": "L"},
            {"location": "K", "kind": "customer"},
            {"location": "W"},
        ],
        "lanes": [
            {"lane": "T1", "origin": "L", "destination": "K", "preference": 1},
            {"lane": "T2", "origin": "W", "destination": "K", "preference": 2},
        ],
        "stock": [{"location": "L"}, {"location": "W"}],
    }
    line = {"location": "K", "qty": 5, "promised": day(9)}
    assert at(demands=[line], **tables) == [("A", "L", 5, 8, "D1")]
    line["ship_from"] = "W"
    assert at(demands=[line], **tables) == []
    assert at("W", demands=[line], **tables) == [("A", "W", 5, 8, "D1")]


def test_promise_without_a_lane_is_taken_where_it_says_or_nowhere():
    places = [{"location": "K", "kind": "customer"}, {"location": "L"}]
    line = {"location": "K", "promised": day(9)}
    assert bundle(demands=[line], locations=places).commitments.nodes == ()
    line["ship_from"] = "L"
    assert at(demands=[line], locations=places) == [("A", "L", 10, 9, "D1")]


def test_planner_may_leave_promised_demands_out():
    found = bundle(demands=[{"promised": day(9)}], reservations=[{"qty": 2}])
    assert rows(found.bound.at("A", "L")) == [("A", "L", 2, 0, None)]


def test_commitment_knows_its_customer_and_the_life_it_needs():
    found = bundle(
        demands=[{"promised": day(9), "customer": "C", "min_shelf_days": 2}],
        customers=[{}],
    )
    (only,) = found.commitments.of("D1")
    assert (only.customer, only.until) == ("C", NOW + 11 * DAY)
    assert found.commitments.of("D2") == ()
