"""Buying: terms that hold, dates, prices."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.sourcing.suppliers import (
    ContinuousClock,
    PriceList,
    PurchaseClock,
)
from medhavi.snapshot.calendars.working_time import ALWAYS_OPEN
from medhavi.units import DAY, HOUR
from tests import factories
from tests.providers.given_times import WORKDAYS, moment, providers, text

if TYPE_CHECKING:
    from medhavi.providers.sources import Source

AT_HOME = [{"location": "L", "calendar": "CAL"}]
AT_SUPPLIER = [{"supplier": "S", "calendar": "CAL"}]


def bought(**tables) -> Source:
    sources = providers(factories.snapshot(**tables)).sourcing.sources("A", "L")
    assert [source.kind for source in sources] == ["buy"]
    return sources[0]


def dates(timing) -> tuple[str, str]:
    return text(timing.start), text(timing.finish)


def test_lead_days_count_around_the_clock_without_a_calendar():
    source = bought(supply_terms=[{"lead_time_days": 5, "receipt_days": 0.5}])
    assert isinstance(source.clock, ContinuousClock)
    timing = source.clock.latest(moment("2026-01-20T12:00"), 1)
    assert dates(timing) == ("Thu 2026-01-15 00:00", "Tue 2026-01-20 12:00")
    assert timing.ready == timing.start


def test_lead_days_skip_the_weekend_of_the_supplier():
    source = bought(
        supply_terms=[{"lead_time_days": 5}], suppliers=AT_SUPPLIER, shifts=WORKDAYS
    )
    # Wed 14 noon, Tue, Mon; then Fri, Thu: noon of Wed 7.
    timing = source.clock.latest(moment("2026-01-14T12:00"), 1)
    assert dates(timing) == ("Wed 2026-01-07 12:00", "Wed 2026-01-14 12:00")


def test_receipt_days_count_in_the_calendar_of_the_location():
    source = bought(
        supply_terms=[{"lead_time_days": 2, "receipt_days": 1}],
        locations=AT_HOME,
        shifts=WORKDAYS,
    )
    # Usable Tue noon: in receipt since Mon noon, ordered two full days before.
    timing = source.clock.latest(moment("2026-01-13T12:00"), 1)
    assert dates(timing) == ("Sat 2026-01-10 12:00", "Tue 2026-01-13 12:00")


def test_safety_days_lie_between_finish_and_need():
    source = bought(supply_terms=[{"lead_time_days": 5, "safety_days": 2}])
    timing = source.clock.latest(moment("2026-01-20T00:00"), 1)
    assert dates(timing) == ("Tue 2026-01-13 00:00", "Sun 2026-01-18 00:00")


def test_safety_days_skip_the_weekend_of_the_location():
    source = bought(
        supply_terms=[{"lead_time_days": 1, "safety_days": 2}],
        locations=AT_HOME,
        shifts=WORKDAYS,
    )
    timing = source.clock.latest(moment("2026-01-13T06:00"), 1)
    assert dates(timing) == ("Thu 2026-01-08 06:00", "Fri 2026-01-09 06:00")


def test_finish_is_when_the_goods_arrive_not_when_they_are_wanted():
    source = bought(
        supply_terms=[{"lead_time_days": 3}], suppliers=AT_SUPPLIER, shifts=WORKDAYS
    )
    # Wanted on Sunday: the third open day ends with Friday.
    timing = source.clock.latest(moment("2026-01-11T12:00"), 1)
    assert dates(timing) == ("Wed 2026-01-07 00:00", "Sat 2026-01-10 00:00")


def test_forward_from_an_order_date():
    source = bought(
        supply_terms=[{"lead_time_days": 3, "safety_days": 4}],
        suppliers=AT_SUPPLIER,
        shifts=WORKDAYS,
    )
    timing = source.clock.earliest(moment("2026-01-08T00:00"), 1)
    assert dates(timing) == ("Thu 2026-01-08 00:00", "Tue 2026-01-13 00:00")


def test_supplier_who_never_opens_never_delivers():
    source = bought(
        supply_terms=[{"lead_time_days": 3}],
        suppliers=AT_SUPPLIER,
        calendars=[{"calendar": "CAL"}],
    )
    assert source.clock.latest(moment("2026-01-08T00:00"), 1) is None
    assert source.clock.earliest(moment("2026-01-08T00:00"), 1) is None


def test_straight_purchase_forward():
    source = bought(supply_terms=[{"lead_time_days": 5, "receipt_days": 1}])
    timing = source.clock.earliest(moment("2026-01-05T00:00"), 1)
    assert dates(timing) == ("Mon 2026-01-05 00:00", "Sun 2026-01-11 00:00")


@pytest.mark.parametrize("column", ["receipt_days", "safety_days"])
def test_location_that_never_opens_never_receives(column):
    source = bought(
        supply_terms=[{"lead_time_days": 3, column: 1}],
        locations=AT_HOME,
        calendars=[{"calendar": "CAL"}],
    )
    assert source.clock.latest(moment("2026-01-08T00:00"), 1) is None
    if column == "receipt_days":
        assert source.clock.earliest(moment("2026-01-08T00:00"), 1) is None


def test_location_without_counted_days_takes_the_fast_clock():
    source = bought(
        supply_terms=[{"lead_time_days": 3}], locations=AT_HOME, shifts=WORKDAYS
    )
    assert isinstance(source.clock, ContinuousClock)


days = st.integers(0, 60).map(lambda quarters: quarters / 4)


@given(
    lead=days,
    receipt=days,
    safety=days,
    need=st.integers(0, 60 * 24).map(lambda hours: hours * HOUR),
    supplier_open=st.booleans(),
    location_open=st.booleans(),
)
def test_latest_is_in_time_and_no_later_start_is(
    lead, receipt, safety, need, supplier_open, location_open
):
    snapshot = factories.snapshot(calendars=[{}], shifts=WORKDAYS)
    office = providers(snapshot).calendars.working_time("CAL")
    clock = PurchaseClock(
        supplier_time=ALWAYS_OPEN if supplier_open else office,
        location_time=ALWAYS_OPEN if location_open else office,
        lead_days=lead,
        receipt_days=receipt,
        safety_days=safety,
    )
    need += snapshot.as_of
    timing = clock.latest(need, 1)
    assert timing is not None
    assert timing == clock.earliest(timing.start, 1)
    assert clock.location_time.add_days(timing.finish, safety) <= need
    later = clock.earliest(timing.start + 1, 1)
    assert later is not None
    assert later.finish > timing.finish or (
        clock.location_time.add_days(later.finish, safety) > need
    )


# ------------------------------------------------------------------ which terms hold
def suppliers_of(product: str, location: str, **tables) -> list[str]:
    bundle = providers(factories.snapshot(**tables))
    return [source.source for source in bundle.sourcing.sources(product, location)]


GROUPS = [{"product": "A", "parent": "G"}, {"product": "G", "parent": "TOP"}]


def test_terms_of_a_group_hold_for_its_members_through_all_levels():
    terms = [{"product": "TOP"}]
    assert suppliers_of("A", "L", products=GROUPS, supply_terms=terms) == ["S"]


@pytest.mark.parametrize("own_location", ["L", "*"])
def test_own_row_hides_all_rows_of_groups(own_location):
    terms = [
        {"product": "A", "location": own_location, "supplier": "OWN"},
        {"product": "G", "supplier": "GROUP"},
    ]
    assert suppliers_of("A", "L", products=GROUPS, supply_terms=terms) == ["OWN"]


def test_own_row_of_another_location_hides_nothing():
    terms = [
        {"product": "A", "location": "W", "supplier": "OWN"},
        {"product": "G", "supplier": "GROUP"},
    ]
    assert suppliers_of("A", "L", products=GROUPS, supply_terms=terms) == ["GROUP"]


def test_row_of_the_location_replaces_the_star_row_of_the_same_supplier():
    terms = [
        {"location": "*", "lead_time_days": 9},
        {"location": "L", "lead_time_days": 4},
        {"location": "*", "supplier": "T", "lead_time_days": 7},
    ]
    bundle = providers(factories.snapshot(supply_terms=terms))
    leads = [s.row["lead_time_days"] for s in bundle.sourcing.sources("A", "L")]
    assert leads == [4, 7]


def test_star_row_holds_everywhere_but_at_customers():
    tables = {
        "locations": [{"location": "C", "kind": "customer"}, {"location": "W"}],
        "supply_terms": [{"location": "*"}],
    }
    assert suppliers_of("A", "W", **tables) == ["S"]
    assert suppliers_of("A", "C", **tables) == []


def test_circle_of_groups_ends():
    products = [{"product": "A", "parent": "G"}, {"product": "G", "parent": "A"}]
    assert suppliers_of("A", "L", products=products) == []


# ----------------------------------------------------------------------------- prices
def test_tier_of_the_quantity_holds_for_all_of_it():
    source = bought(
        supply_terms=[{"unit_price": 5, "co2_kg": 2}],
        price_tiers=[
            {"min_qty": 100, "unit_price": 4},
            {"min_qty": 500, "unit_price": 3},
        ],
    )
    assert source.cost(99) == 495
    assert source.cost(100) == 400
    assert source.cost(1000) == 3000
    assert source.co2(10) == 20
    assert source.unit_cost == 5
    assert source.fixed_cost == 0


@pytest.mark.parametrize(
    ("tier", "price"),
    [
        ({"location": "*"}, 4),
        ({"product": "G"}, 4),
        ({"supplier": "OTHER"}, 5),
        ({"location": "W"}, 5),
    ],
)
def test_tiers_hold_for_star_locations_and_groups(tier, price):
    source = bought(
        products=GROUPS,
        supply_terms=[{"unit_price": 5}],
        price_tiers=[{"min_qty": 1, "unit_price": 4, **tier}],
    )
    assert source.cost(1) == price


def test_price_in_a_foreign_currency_counts_at_the_latest_rate():
    source = bought(
        supply_terms=[{"unit_price": 10}],
        suppliers=[{"supplier": "S", "currency": "USD"}],
        fx_rates=[
            {"as_of": dt.date(2026, 1, 2), "rate": 0.8},
            {"as_of": dt.date(2026, 1, 5), "rate": 0.9},
            {"as_of": dt.date(2026, 1, 6), "rate": 0.5},
        ],
    )
    assert source.cost(10) == 90


def test_currency_of_the_terms_wins_over_that_of_the_supplier():
    source = bought(
        supply_terms=[{"unit_price": 10, "currency": "EUR"}],
        suppliers=[{"supplier": "S", "currency": "USD"}],
        fx_rates=[{"rate": 0.9}],
    )
    assert source.cost(10) == 100


def test_price_below_the_first_tier_is_that_of_the_terms():
    prices = PriceList(price=7.0, min_qtys=(10.0,), prices=(6.0,))
    assert prices.unit_price(9.99) == 7.0


# ------------------------------------------------------------------------------ lots
@pytest.mark.req("SUP-02")
def test_lots_of_terms_count_steps():
    source = bought(
        products=[{"product": "A", "qty_step": 0.5}],
        supply_terms=[{"moq": 10, "lot_multiple": 4, "max_lot": 30}],
    )
    assert (source.min_lot, source.multiple, source.max_lot) == (24, 8, 56)
    assert source.batch_window_days == 0


def test_fence_of_a_purchase_counts_in_the_calendar_of_the_supplier():
    source = bought(
        supply_terms=[{"fence_days": 6}], suppliers=AT_SUPPLIER, shifts=WORKDAYS
    )
    # as_of is Monday 5th; the sixth open day ends with Monday 12th.
    assert text(source.fence_start) == "Tue 2026-01-13 00:00"


def test_negative_fence_lies_in_the_past():
    source = bought(supply_terms=[{"fence_days": -2}])
    assert source.fence_start == factories.snapshot().as_of - 2 * DAY


def test_fence_of_a_supplier_who_never_opens_is_never_passed():
    closed = {"suppliers": AT_SUPPLIER, "calendars": [{"calendar": "CAL"}]}
    ahead = bought(supply_terms=[{"fence_days": 1}], **closed)
    behind = bought(supply_terms=[{"fence_days": -1}], **closed)
    assert ahead.fence_start > moment("9999-01-01T00:00")
    assert behind.fence_start < moment("0002-01-01T00:00")
