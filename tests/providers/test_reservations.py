"""Which holds are active, on what, for whom."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.factories import AS_OF
from tests.providers.given_times import providers


def holds(*rows, **tables):
    return providers(factories.snapshot(reservations=rows, **tables)).reservations


@pytest.mark.req("RES-07")
@pytest.mark.parametrize(
    ("state", "active"),
    [
        ("tentative", True),
        ("confirmed", True),
        ("reduced", True),
        ("released", False),
        ("expired", False),
    ],
)
def test_state_decides_whether_a_hold_is_active(state, active):
    assert bool(holds({"state": state}).material("A", "L")) is active


@pytest.mark.parametrize(("seconds", "active"), [(0, False), (1, True)])
def test_hold_is_active_until_it_expires(seconds, active):
    found = holds({"expires_at": AS_OF + dt.timedelta(seconds=seconds)})
    assert bool(found.material("A", "L")) is active


def test_hold_knows_its_owner_and_its_steps():
    found = holds(
        {"demand": "D1", "qty": 2.25},
        {"demand": "D1", "qty": 1, "subject": "B"},
        {"qty": 3},
        demands=[{}],
        products=[{"product": "A", "qty_step": 0.5}, {"product": "B"}],
    )
    own = found.of_demand("D1")
    assert [(hold.subject, hold.units, hold.qty) for hold in own] == [
        ("A", 5, 2.25),
        ("B", 1, 1),
    ]
    assert [hold.demand for hold in found.material("A", "L")] == ["D1", None]
    assert found.of_demand("D2") == ()


@pytest.mark.req("RES-08")
def test_active_total_of_a_product_at_a_location():
    found = holds(
        {"qty": 2},
        {"qty": 3},
        {"qty": 5, "state": "released"},
        {"qty": 7, "location": "W"},
    )
    assert found.active_steps("A", "L") == 5
    assert found.active_steps("A", "X") == 0
    assert found.nodes == (("A", "L"), ("A", "W"))


def test_hold_without_location_lies_where_its_demand_is():
    found = holds({"location": None, "demand": "D1"}, demands=[{"location": "W"}])
    assert found.active_steps("A", "W") == 10
    assert found.findings == ()


def test_hold_without_any_place_is_a_finding_and_holds_nothing():
    bundle = providers(
        factories.snapshot(reservations=[{"location": None}], products=[{}])
    )
    assert bundle.reservations.nodes == ()
    assert [(one.code, one.row) for one in bundle.findings] == [("SRC011", 1)]


def test_capacity_and_transport_are_listed_apart():
    found = holds(
        {"kind": "transport", "subject": "T", "location": None},
        {"kind": "capacity", "subject": "M", "qty": 90.5},
        lanes=[{"lane": "T"}],
        resources=[{}],
    )
    assert found.nodes == ()
    assert [(hold.subject, hold.units) for hold in found.transport] == [("T", 0)]
    assert [(hold.subject, hold.qty) for hold in found.capacity] == [("M", 90.5)]
