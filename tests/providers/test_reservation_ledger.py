"""Commands on reservations: what each does in each state, once and again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.reservations.ledger import (
    ALLOWED,
    ReservationCommand,
    ReservationLedger,
    ReservationState,
    TransitionRefused,
)
from tests.providers.test_reservation_states import HOLD

NOW = 10


def in_state(state, **changes):
    confirmed = state == "confirmed"
    expires = None if confirmed else 50
    hold = replace(HOLD, state=ReservationState(state), expires_at=expires, **changes)
    return ReservationLedger([hold])


COMMANDS = {
    "confirmed": lambda ledger: ledger.confirm("H1", NOW),
    "reduced": lambda ledger: ledger.reduce("H1", 4.0, NOW),
    "released": lambda ledger: ledger.release("H1", NOW),
    "expired": lambda ledger: ledger.expire("H1", 60),
}


@pytest.mark.req("RES-01")
@pytest.mark.req("RES-02")
@pytest.mark.req("RES-03")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", [state.value for state in ReservationState])
def test_all_pairs_of_state_and_command(state, command):
    ledger = in_state(state)
    allowed = ReservationCommand(command) in ALLOWED[ReservationState(state)]
    harmless = state == command or (
        command == "released" and state in {"released", "expired"}
    )
    if allowed:
        transition = COMMANDS[command](ledger)
        assert transition.command == command
        assert transition.after.state == command
        assert ledger.counts[command] == 1
    elif harmless:
        assert COMMANDS[command](ledger).command is None
        assert ledger.get("H1").state == state
        assert ledger.counts["replayed"] == 1
    else:
        with pytest.raises(TransitionRefused, match=f"is {state}; it cannot be"):
            COMMANDS[command](ledger)
        assert ledger.get("H1").state == state
        assert ledger.counts["refused"] == 1


def test_created_hold_knows_when_it_was_made_and_changed():
    ledger = ReservationLedger()
    made = ledger.create(HOLD, NOW)
    assert (made.before, made.command) == (None, "created")
    confirmed = ledger.confirm("H1", 20).after
    assert (confirmed.created, confirmed.modified) == (NOW, 20)
    assert confirmed.expires_at is None


@pytest.mark.req("RES-05")
def test_same_wish_under_the_same_key_is_one_reservation():
    ledger = ReservationLedger()
    ledger.create(HOLD, NOW)
    again = ledger.create(HOLD, 20)
    assert again.command is None
    assert [one.reservation for one in ledger.all] == ["H1"]
    assert ledger.counts["replayed"] == 1


@pytest.mark.req("RES-05")
def test_key_of_another_wish_is_refused():
    ledger = ReservationLedger([HOLD])
    with pytest.raises(TransitionRefused, match="Key K1 belongs to H1"):
        ledger.create(replace(HOLD, reservation="H2", subject="B"), NOW)


@pytest.mark.req("RES-04")
@pytest.mark.parametrize(
    ("change", "detail"),
    [({"qty": -1.0}, "quantity is -1"), ({"finish": 99}, "ends before it starts")],
)
def test_impossible_quantity_or_window_is_refused(change, detail):
    with pytest.raises(TransitionRefused, match=detail) as refused:
        ReservationLedger().create(replace(HOLD, **change), NOW)
    assert refused.value.finding.code == "RSV003"


@pytest.mark.req("RES-03", "RES-04")
@pytest.mark.parametrize("qty", [-1.0, 10.5])
def test_reservation_never_grows_and_is_never_negative(qty):
    with pytest.raises(TransitionRefused, match="cannot be reduced"):
        ReservationLedger([HOLD]).reduce("H1", qty, NOW)


@pytest.mark.req("RES-03")
def test_reduced_hold_keeps_its_window_and_what_it_is_for():
    after = ReservationLedger([HOLD]).reduce("H1", 4.0, NOW).after
    as_before = replace(after, qty=HOLD.qty, state=HOLD.state, modified=HOLD.modified)
    assert (after.qty, as_before) == (4.0, HOLD)


@pytest.mark.req("RES-03")
def test_tentative_hold_that_ran_out_cannot_be_confirmed():
    with pytest.raises(TransitionRefused, match="is tentative; it cannot be confirmed"):
        ReservationLedger([HOLD]).confirm("H1", 50)


@pytest.mark.req("RES-03")
def test_hold_expires_only_past_its_end():
    ledger = ReservationLedger([HOLD])
    with pytest.raises(TransitionRefused, match="lives until 1970"):
        ledger.expire("H1", 49)
    assert ledger.expire("H1", 50).command == "expired"


def test_unknown_reservation_is_refused():
    with pytest.raises(TransitionRefused, match="no reservation H9"):
        ReservationLedger().release("H9", NOW)


@pytest.mark.req("RES-15")
def test_release_is_safe_to_call_many_times():
    ledger = ReservationLedger([HOLD])
    done = [ledger.release("H1", NOW).command for _ in range(3)]
    assert done == ["released", None, None]


def test_released_wish_is_made_anew():
    ledger = ReservationLedger([HOLD])
    released = ledger.release("H1", NOW).after
    again = ledger.create(HOLD, 20)
    assert (again.before, again.command) == (released, "created")


@pytest.mark.req("RES-09")
def test_sweep_expires_what_ran_out_and_a_second_one_finds_nothing():
    ledger = ReservationLedger(
        [
            HOLD,
            replace(HOLD, reservation="H2", key="K2", expires_at=None),
            replace(HOLD, reservation="H3", key="K3", expires_at=70),
        ]
    )
    assert [one.after.reservation for one in ledger.sweep(60)] == ["H1"]
    assert ledger.sweep(60) == ()
    assert sum(one.qty for one in ledger.at("A", "L") if one.active(60)) == 20


@pytest.mark.req("RES-07")
@pytest.mark.req("RES-08")
def test_what_is_tentative_confirmed_or_reduced_is_active():
    states = ["tentative", "confirmed", "reduced", "released", "expired"]
    ledger = ReservationLedger(
        replace(
            HOLD,
            reservation=state,
            key=state,
            state=ReservationState(state),
            qty=float(10**place),
            expires_at=None,
        )
        for place, state in enumerate(states)
    )
    assert sum(one.qty for one in ledger.at("A", "L") if one.active(NOW)) == 111
    assert ledger.at("A", "W") == ()
    assert len(ledger.at("A", "L")) == 5
    assert [one.state for one in ledger.all] == sorted(states)
    assert ledger.get("nothing") is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["create", "confirm", "reduce", "release", "expire"]),
            st.sampled_from(["H1", "H2"]),
            st.integers(0, 100),
        ),
        max_size=20,
    )
)
def test_what_is_released_or_expired_holds_again_only_when_made_anew(commands):
    ledger = ReservationLedger()
    gone: set[str] = set()
    for verb, name, now in commands:
        wanted = replace(HOLD, reservation=name, key=name)
        steps = {
            "create": lambda w=wanted, n=now: ledger.create(w, n),
            "confirm": lambda i=name, n=now: ledger.confirm(i, n),
            "reduce": lambda i=name, n=now: ledger.reduce(i, n % 11, n),
            "release": lambda i=name, n=now: ledger.release(i, n),
            "expire": lambda i=name, n=now: ledger.expire(i, n),
        }
        try:
            after = steps[verb]().after
        except TransitionRefused:
            continue
        if after.state in {"released", "expired"}:
            gone.add(name)
        elif verb == "create":
            gone.discard(name)
        assert (name in gone) == (after.state in {"released", "expired"})
        assert 0 <= after.qty <= HOLD.qty
