"""When suppliers deliver, where they deliver only so much."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import DAY, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)
TERMS = {"lead_time_days": 5, "unit_price": 2.0}


def day(number):
    return AS_OF + dt.timedelta(days=number)


CAPACITY = [
    {"valid_from": day(0), "valid_to": day(10), "qty": 15},
    {"valid_from": day(10), "valid_to": day(20), "qty": 15},
]


class Supplier:
    """The one supplier of product A at location L, with what is taken of it."""

    def __init__(self, **tables):
        given = {"supply_terms": [TERMS], "products": [{"product": "A"}], **tables}
        providers = Providers(factories.snapshot(**given))
        self.limits = providers.supplier_limits()
        (self.source,) = providers.sourcing.sources("A", "L")

    def days(self, units, since=5):
        """Days until an order is usable that would be so after `since` days."""
        found = self.limits.usable(self.source, units, NOW + since * DAY)
        return None if found is None else (found - NOW) / DAY

    def hold(self, units, after, sign=1):
        self.limits.hold(self.source, units, NOW + after * DAY, sign)


def test_full_window_moves_the_receipt_to_the_next_one():
    of = Supplier(supplier_capacity=CAPACITY)
    assert of.days(10) == 5
    of.hold(10, 5)
    assert of.days(10) == 10
    of.hold(10, 10)
    # Nothing is said of what comes after day 20.
    assert of.days(10) == 20
    of.hold(10, 5, sign=-1)
    assert of.days(10) == 5


def test_receipt_days_come_after_the_door():
    of = Supplier(
        supply_terms=[{**TERMS, "receipt_days": 2}],
        supplier_capacity=[{**CAPACITY[0], "qty": 5}],
    )
    assert of.days(10, since=7) == 12


def test_existing_purchases_take_their_part():
    order = {"source": "S", "qty": 10, "qty_done": 2, "due": day(4)}
    of = Supplier(supplier_capacity=CAPACITY, supply_orders=[order])
    assert (of.days(7), of.days(8)) == (5, 10)


def test_orders_of_no_supplier_take_nothing():
    of = Supplier(
        supplier_capacity=CAPACITY,
        supply_orders=[{"due": day(4)}, {"status": "planned", "source": "S"}],
    )
    assert of.days(15) == 5


@pytest.mark.req("SUP-02")
def test_capacity_per_period_counts_from_now():
    terms = {**TERMS, "capacity_per_period": 10, "period_days": 7}
    of = Supplier(supply_terms=[terms])
    of.hold(6, 5)
    assert (of.days(4), of.days(5)) == (5, 7)


def test_order_above_every_period_is_never_delivered():
    of = Supplier(supply_terms=[{**TERMS, "capacity_per_period": 10}])
    assert of.days(11) is None
    assert of.days(10) == 5
