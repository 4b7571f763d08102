"""What suppliers can deliver of a quantity: when, how sure, at what price."""

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


def offers(quantile="p50", **tables):
    given = {"supply_terms": [TERMS], "products": [{"product": "A"}], **tables}
    bundle = Providers(factories.snapshot(**given), quantile=quantile)
    return bundle.supplier_offers()


def quoted(steps=10, *, of=None, **asked):
    (found,) = (of or offers()).quotes("A", "L", steps, **asked)
    return found


def days(instant):
    return None if instant is None else (instant - NOW) / DAY


@pytest.mark.req("SUP-02")
def test_quote_says_when_how_much_and_at_what_price():
    found = quoted(10)
    assert (found.supplier, found.pieces, found.surplus) == ("S", (10,), 0)
    assert (days(found.p50), days(found.p95)) == (5, 5)
    assert (found.cost, found.unit_price, found.limiter) == (20, 2, None)
    assert found.unsure


@pytest.mark.req("SUP-01")
def test_quantity_is_raised_to_least_lot_and_multiple_and_split_at_the_largest():
    lots = {"moq": 12, "lot_multiple": 5, "max_lot": 20}
    found = quoted(32, of=offers(supply_terms=[{**TERMS, **lots}]))
    assert found.pieces == (20, 15)
    assert (found.ordered, found.surplus) == (35, 3)


@pytest.mark.req("SUP-01")
@pytest.mark.parametrize("incoterm", [None, "FCA"])
def test_an_offer_names_its_terms_of_delivery(incoterm):
    found = quoted(of=offers(supply_terms=[{**TERMS, "incoterm": incoterm}]))
    assert found.incoterm == incoterm


def test_each_order_is_priced_by_its_tier():
    tiers = [{"min_qty": 10, "unit_price": 1.5}, {"min_qty": 20, "unit_price": 1.0}]
    terms = [{**TERMS, "max_lot": 20}]
    found = quoted(32, of=offers(supply_terms=terms, price_tiers=tiers))
    assert found.cost == 20 * 1.0 + 12 * 1.5
    assert found.unit_price == pytest.approx(38 / 32)


@pytest.mark.req("CORE-11")
@pytest.mark.req("SUP-02")
def test_least_lot_above_what_may_be_bought_closes_the_offer():
    of = offers(supply_terms=[{**TERMS, "moq": 50}])
    assert quoted(10, of=of, most=50).limiter is None
    assert str(quoted(10, of=of, most=49).limiter) == "SupplierMOQ"


@pytest.mark.req("CORE-11")
@pytest.mark.req("SUP-06")
def test_planned_date_beyond_the_need_closes_the_offer():
    of = offers("p80", estimates=[{"p50": 4, "p80": 6, "p95": 9}])
    assert quoted(of=of, by=NOW + 6 * DAY).limiter is None
    late = quoted(of=of, by=NOW + 5 * DAY)
    assert str(late.limiter) == "SupplierLeadtimeExceeded"
    assert (days(late.p50), days(late.p80), days(late.p95)) == (4, 6, 9)
    assert (late.basis, late.model, late.version) == ("model", "test", "1")
    assert not late.unsure


def test_nothing_is_ordered_before_the_fence():
    of = offers(supply_terms=[{**TERMS, "fence_days": 3}])
    found = quoted(of=of)
    assert (days(found.start), days(found.p50)) == (3, 8)
    assert days(quoted(of=of, start=NOW + 4 * DAY).p50) == 9


def test_terms_that_do_not_hold_yet_close_the_offer():
    of = offers(supply_terms=[{**TERMS, "valid_from": day(2)}])
    assert str(quoted(of=of).limiter) == "NoSource"
    assert quoted(of=of, start=NOW + 2 * DAY).limiter is None


def test_all_suppliers_answer_by_preference():
    of = offers(
        supply_terms=[
            {**TERMS, "supplier": "S2", "preference": 2},
            {**TERMS, "supplier": "S1", "reliability": 0.9},
        ]
    )
    found = of.quotes("A", "L", 5)
    assert [(one.supplier, one.on_time_prob) for one in found] == [
        ("S1", 0.9),
        ("S2", None),
    ]
    assert of.quotes("A", "elsewhere", 5) == ()


# -------------------------------------------------------------- supplier capacity
CAPACITY = [
    {"valid_from": day(0), "valid_to": day(10), "qty": 15},
    {"valid_from": day(10), "valid_to": day(20), "qty": 15},
]


def test_full_window_moves_the_receipt_to_the_next_one():
    of = offers(supplier_capacity=CAPACITY)
    first = quoted(10, of=of)
    assert days(first.p50) == 5
    of.take(first)
    second = quoted(10, of=of)
    assert days(second.p50) == 10
    of.take(second)
    # Nothing is said of what comes after day 20.
    assert days(quoted(10, of=of).p50) == 20
    of.give_back(first)
    assert days(quoted(10, of=of).p50) == 5


def test_receipt_days_come_after_the_door():
    of = offers(
        supply_terms=[{**TERMS, "receipt_days": 2}],
        supplier_capacity=[{**CAPACITY[0], "qty": 5}],
    )
    assert days(quoted(10, of=of).p50) == 12


def test_existing_purchases_take_their_part():
    order = {"source": "S", "qty": 10, "qty_done": 2, "due": day(4)}
    of = offers(supplier_capacity=CAPACITY, supply_orders=[order])
    assert days(quoted(7, of=of).p50) == 5
    assert days(quoted(8, of=of).p50) == 10


def test_orders_of_no_supplier_take_nothing():
    of = offers(
        supplier_capacity=CAPACITY,
        supply_orders=[{"due": day(4)}, {"status": "planned", "source": "S"}],
    )
    assert days(quoted(15, of=of).p50) == 5


def test_capacity_per_period_counts_from_now():
    terms = {**TERMS, "capacity_per_period": 10, "period_days": 7}
    of = offers(supply_terms=[terms])
    of.take(quoted(6, of=of))
    assert days(quoted(4, of=of).p50) == 5
    assert days(quoted(5, of=of).p50) == 7


def test_order_above_every_period_is_never_delivered():
    of = offers(supply_terms=[{**TERMS, "capacity_per_period": 10}])
    found = quoted(11, of=of)
    assert (found.p50, str(found.limiter)) == (None, "SupplierLeadtimeExceeded")
    of.take(found)
    assert days(quoted(10, of=of).p50) == 5


def test_split_orders_take_their_room_one_after_the_other():
    terms = {**TERMS, "capacity_per_period": 10, "period_days": 7, "max_lot": 10}
    of = offers(supply_terms=[terms])
    assert days(quoted(30, of=of).p50) == 14
    assert days(quoted(10, of=of).p50) == 5
