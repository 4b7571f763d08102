"""States of a reservation, its identity, and what it holds when."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from medhavi.providers.reservations import (
    CONFLICT_CODES,
    Reservation,
    ReservationLedger,
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
def test_there_are_five_states():
    assert {state.value for state in ReservationState} == {
        "tentative",
        "confirmed",
        "reduced",
        "released",
        "expired",
    }


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


@pytest.mark.req("RES-03")
def test_a_change_of_state_keeps_the_window_and_what_the_hold_is_for():
    reduced = HOLD.changed(ReservationState.REDUCED, 4.0)
    assert (reduced.state, reduced.qty) == ("reduced", 4.0)
    assert replace(reduced, qty=HOLD.qty, state=HOLD.state) == HOLD
    confirmed = HOLD.changed(ReservationState.CONFIRMED)
    assert (confirmed.state, confirmed.expires_at) == ("confirmed", None)
    assert confirmed.changed(ReservationState.RELEASED).qty == HOLD.qty


@pytest.mark.req("RES-08", "RES-09")
def test_reservations_are_found_by_id_by_demand_and_by_their_end():
    ledger = ReservationLedger(
        [
            HOLD,
            replace(HOLD, reservation="H2", expires_at=None),
            replace(HOLD, reservation="H3", demand="D2", expires_at=70),
        ]
    )
    ledger.keep(replace(HOLD, reservation="H2", demand="D2", expires_at=None))
    assert [one.reservation for one in ledger.all] == ["H1", "H2", "H3"]
    assert [one.reservation for one in ledger.of("D2")] == ["H2", "H3"]
    assert [one.reservation for one in ledger.ended(50)] == ["H1"]
    ledger.keep(HOLD.changed(ReservationState.EXPIRED))
    assert ledger.ended(50) == ()
    assert ledger.get("H9") is None


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
