"""States of a reservation, its identity, and what it holds when."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from medhavi.providers.reservations.ledger import (
    ALLOWED,
    CONFLICT_CODES,
    Reservation,
    ReservationState,
    reservation_id,
)
from medhavi.results.limiter import Limiter

HOLD = Reservation(
    reservation="H1",
    key="K1",
    kind="material",
    demand="D1",
    subject="A",
    location="L",
    qty=10.0,
    start=100,
    finish=200,
    expires_at=50,
)


@pytest.mark.req("RES-01")
def test_there_are_five_states_and_each_says_what_may_follow():
    assert {state.value for state in ReservationState} == {
        "tentative",
        "confirmed",
        "reduced",
        "released",
        "expired",
    }
    assert set(ALLOWED) == set(ReservationState)


@pytest.mark.req("RES-06")
@pytest.mark.req("RES-12")
def test_record_has_product_place_quantity_window_origin_state_and_times():
    assert [one.name for one in fields(Reservation)] == [
        "reservation",
        "key",
        "kind",
        "demand",
        "subject",
        "location",
        "qty",
        "start",
        "finish",
        "state",
        "expires_at",
        "created",
        "modified",
        "family",
        "changeover",
        "made_product",
        "good_qty",
    ]


@pytest.mark.parametrize(
    ("state", "now", "active"),
    [
        ("tentative", 49, True),
        ("tentative", 50, False),
        ("confirmed", 49, True),
        ("reduced", 49, True),
        ("released", 49, False),
        ("expired", 49, False),
    ],
)
def test_hold_is_active_by_its_state_while_now_is_before_its_end(state, now, active):
    assert replace(HOLD, state=ReservationState(state)).active(now) is active


def test_hold_without_an_end_does_not_run_out():
    assert replace(HOLD, expires_at=None).active(10**12)


def test_wish_is_the_same_whatever_its_state():
    later = replace(HOLD, state=ReservationState.CONFIRMED, expires_at=None, qty=4.0)
    assert HOLD.is_same_wish(later)
    assert not HOLD.is_same_wish(replace(HOLD, subject="B"))


@pytest.mark.req("RES-05")
def test_id_follows_from_what_the_hold_is_for():
    first = reservation_id("SO-7", 1, "material", "A@L", (0, 10))
    assert first == reservation_id("SO-7", 1, "material", "A@L", (0, 10))
    others = {
        reservation_id("SO-8", 1, "material", "A@L", (0, 10)),
        reservation_id("SO-7", 2, "material", "A@L", (0, 10)),
        reservation_id("SO-7", 1, "capacity", "A@L", (0, 10)),
        reservation_id("SO-7", 1, "material", "B@L", (0, 10)),
        reservation_id("SO-7", 1, "material", "A@L", (1, 10)),
        reservation_id(None, None, "material", "A@L", (0, 10)),
    }
    assert len(others | {first}) == 7


@pytest.mark.req("RES-13")
def test_conflict_codes_are_codes_of_the_one_enum():
    assert all(Limiter(code) for code in CONFLICT_CODES.values())
