"""Safety stock over time."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import ALWAYS, DAY, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)
POLICY = {"product": "A", "location": "L"}


def day(number):
    return AS_OF + dt.timedelta(days=number)


def levels(needs=(), **tables):
    found = Providers(factories.snapshot(**tables)).safety_levels
    return [
        (None if instant == ALWAYS else (instant - NOW) / DAY, level)
        for instant, level in found.steps_of("A", "L", needs)
    ]


def test_product_without_a_policy_has_no_safety_stock():
    assert levels(stock=[{}]) == []
    assert levels(inventory_policies=[{**POLICY}]) == []


@pytest.mark.req("CORE-11")
def test_safety_quantity_holds_since_ever_rounded_up():
    policy = {**POLICY, "safety_qty": 4.5}
    assert levels(inventory_policies=[policy]) == [(None, 5)]


def test_phases_win_over_the_policy_while_they_last():
    found = levels(
        inventory_policies=[{**POLICY, "safety_qty": 4}],
        inventory_levels=[
            {**POLICY, "valid_from": day(2), "valid_to": day(5), "safety_qty": 9},
            {**POLICY, "valid_from": day(7), "safety_qty": 1},
            {**POLICY, "valid_from": day(9), "safety_qty": None},
        ],
    )
    assert found == [(None, 4), (2, 9), (5, 4), (7, 1)]


def test_levels_that_state_no_safety_quantity_change_nothing():
    phase = {**POLICY, "valid_from": day(2), "min_qty": 5}
    assert levels(inventory_levels=[phase]) == []


def test_safety_days_withhold_the_needs_of_the_next_days():
    found = levels(
        [(NOW + 10 * DAY, 6), (NOW + 11 * DAY, 5)],
        inventory_policies=[{**POLICY, "safety_qty": 2, "safety_days": 3}],
    )
    assert found == [(None, 2), (7, 6), (8, 11), (10, 5), (11, 2)]


def test_bulk_material_is_unlimited():
    found = Providers(
        factories.snapshot(inventory_policies=[{**POLICY, "unlimited": True}])
    ).safety_levels
    assert found.unlimited("A", "L")
    assert not found.unlimited("A", "W")
