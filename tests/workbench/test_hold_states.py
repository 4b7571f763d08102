"""States of a hold at the promise desk: what each decision does in each state."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import to_seconds
from tests import factories
from tests.api import MemoryStore, PromiseDesk
from tests.factories import AS_OF
from tests.workbench.desk_writer import request

END = AS_OF + dt.timedelta(hours=1)
STATES = ("tentative", "confirmed", "reduced", "released", "expired")
ACTIVE = {"tentative", "confirmed", "reduced"}


def desk(state, store, **tables):
    """Ten pieces, four of which are held in a state until END; confirmed: for good."""
    ends = None if state == "confirmed" else END
    hold = {"demand": "D1", "qty": 4, "state": state, "expires_at": ends}
    given = {"products": [{}], "locations": [{}], "stock": [{"qty": 10}], **tables}
    return PromiseDesk(store, factories.snapshot(reservations=[hold], **given))


DECISIONS = {
    "released": lambda of: of.release("D1", approver="Ada"),
    "expired": lambda of: of.sweep(to_seconds(END)),
    "reduced": lambda of: of.sweep(to_seconds(AS_OF)),
}
FROM = {
    "released": ACTIVE,
    "expired": {"tentative", "reduced"},
    "reduced": ACTIVE,
}
"""States from which a decision leads to the state of its name."""


@pytest.mark.req("RES-01", "RES-02", "RES-03", "RES-15")
@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("state", STATES)
def test_all_pairs_of_state_and_decision(state, decision):
    wanted = {"reduced": 3}.get(decision, 4)
    store = MemoryStore()
    of = desk(state, store, demands=[{"qty": wanted}])
    done = DECISIONS[decision](of)
    (row,) = of.snapshot["reservations"].to_dicts()
    if state in FROM[decision]:
        assert done == ("V1",)
        assert row["state"] == decision
        assert row["qty"] == wanted
        assert [event.type for event in store.read("commitments")] == [
            f"Reservation{decision.title()}"
        ]
    else:
        assert done == ()
        assert row["state"] == state
    head = store.head()
    assert DECISIONS[decision](of) == ()
    assert store.head() == head


@pytest.mark.req("RES-03")
@pytest.mark.parametrize("state", ["tentative", "reduced"])
def test_a_hold_expires_only_past_its_end(state):
    of = desk(state, MemoryStore(), demands=[{"qty": 4}])
    assert of.sweep(to_seconds(END) - 1) == ()
    assert of.sweep(to_seconds(END)) == ("V1",)


@pytest.mark.req("RES-03", "RES-04")
@pytest.mark.parametrize("wanted", [1, 4, 9])
def test_a_hold_never_grows_and_keeps_its_window(wanted):
    of = desk("confirmed", MemoryStore(), demands=[{"qty": wanted}])
    (before,) = of.snapshot["reservations"].to_dicts()
    of.sweep()
    (after,) = of.snapshot["reservations"].to_dicts()
    assert after["qty"] == min(wanted, 4)
    assert (after["start"], after["finish"]) == (before["start"], before["finish"])


@pytest.mark.req("RES-02", "RES-05", "RES-07")
@pytest.mark.parametrize("gone", ["released", "expired"])
def test_a_hold_that_is_gone_is_made_anew_and_only_then_confirmed(gone):
    store = MemoryStore()
    given = {"products": [{}], "locations": [{}], "stock": [{"qty": 10}]}
    of = PromiseDesk(store, factories.snapshot(**given))
    (promise,) = of.quote([request("SO-1", 4)])
    of.hold(promise)
    (held,) = of.snapshot["reservations"].to_dicts()
    if gone == "released":
        of.release(held["demand"], approver="Ada")
    else:
        of.sweep(to_seconds(held["expires_at"]))
    (row,) = of.snapshot["reservations"].to_dicts()
    assert row["state"] == gone
    assert of.commit(promise, approver="Ada").committed
    (row,) = of.snapshot["reservations"].to_dicts()
    assert (row["state"], row["qty"]) == ("confirmed", 4)
    assert [event.type for event in store.read("commitments")][-2:] == [
        "ReservationCreated",
        "ReservationConfirmed",
    ]
