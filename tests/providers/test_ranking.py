"""The order of sources where a policy asks for the cheapest or the earliest."""

from __future__ import annotations

import pytest

from tests import factories
from tests.providers.given_times import providers


def ranked(rule: str, wanted: int, **tables) -> list[str]:
    snapshot = factories.snapshot(inventory_policies=[{"source_rule": rule}], **tables)
    found = providers(snapshot).sourcing.ranked("A", "L", wanted)
    return [source.source for source in found]


TWO = {
    "supply_terms": [
        {"supplier": "NEAR", "unit_price": 3, "lead_time_days": 2, "preference": 2},
        {"supplier": "FAR", "unit_price": 2, "moq": 100, "lead_time_days": 20},
    ]
}


def test_preference_is_the_rule_by_default():
    assert ranked("preference", 10, **TWO) == ["FAR", "NEAR"]


@pytest.mark.parametrize(("wanted", "first"), [(10, "NEAR"), (100, "FAR")])
def test_cheapest_counts_the_whole_lot(wanted, first):
    assert ranked("cost", wanted, **TWO)[0] == first


def test_earliest_is_the_first_that_can_be_there():
    assert ranked("earliest", 10, **TWO) == ["NEAR", "FAR"]


def test_fence_delays_the_earliest():
    near, far = TWO["supply_terms"]
    fenced = {**near, "fence_days": 30}
    assert ranked("earliest", 10, supply_terms=[fenced, far]) == ["FAR", "NEAR"]


def test_equal_cost_stays_by_preference_then_id():
    terms = [{"supplier": "T"}, {"supplier": "S"}, {"supplier": "R", "preference": 2}]
    assert ranked("cost", 5, supply_terms=terms) == ["S", "T", "R"]


def test_making_costs_its_components_and_moving_the_product():
    tables = {
        "products": [
            {"product": "A", "unit_cost": 9},
            {"product": "B", "unit_cost": 5},
        ],
        "routings": [{"cost_per_unit": 1}],
        "bom_lines": [{"qty_per": 2}],
        "supply_terms": [{"unit_price": 10}],
        "lanes": [{"lane": "T", "origin": "W", "destination": "L"}],
        "sourcing": [
            {"source": "R"},
            {"kind": "buy", "source": "S"},
            {"kind": "move", "source": "T"},
        ],
    }
    assert ranked("cost", 1, **tables) == ["T", "S", "R"]


def test_source_that_never_delivers_comes_last():
    tables = {
        "suppliers": [{"supplier": "CLOSED", "calendar": "CAL"}],
        "calendars": [{"calendar": "CAL"}],
        "supply_terms": [{"supplier": "CLOSED"}, {"supplier": "S"}],
    }
    assert ranked("earliest", 5, **tables) == ["S", "CLOSED"]


@pytest.mark.parametrize("rule", ["cost", "earliest"])
def test_routing_that_gives_nothing_of_it_comes_last(rule):
    tables = {
        "routings": [{}],
        "routing_outputs": [{"qty_per": 0}],
        "supply_terms": [{}],
    }
    assert ranked(rule, 5, **tables) == ["S", "R"]


def test_one_source_needs_no_rule():
    assert ranked("cost", 5, supply_terms=[{}]) == ["S"]
