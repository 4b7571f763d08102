"""States of orders: every pair of state and verb is possible or refused by name."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.edits.edit import EDITS
from medhavi.edits.order_states import (
    TRANSITIONS,
    OrderFacts,
    OrderState,
    Verb,
    advance,
    allowed,
)

PAIRS = list(itertools.product(OrderState, Verb))
EXPECTED = {
    "planned": "firm move change_qty change_source change_resource split cancel",
    "firmed": "release move change_qty change_source change_resource split cancel",
    "released": "move change_qty split cancel start receive complete",
    "in_process": "change_qty cancel start report receive complete",
    "completed": "close",
    "closed": "",
    "cancelled": "",
}
TARGETS = {
    ("planned", "firm"): "firmed",
    ("firmed", "release"): "released",
    ("released", "start"): "in_process",
    ("in_process", "complete"): "completed",
    ("released", "complete"): "completed",
    ("completed", "close"): "closed",
}


def facts(state, **cells):
    given_cells = {"order": "WO-1", "qty": 10.0, **cells}
    return OrderFacts(state=OrderState(state), **given_cells)


@pytest.mark.req("WO-02")
@pytest.mark.parametrize(("state", "verb"), PAIRS)
def test_every_pair_is_possible_or_refused_by_name(state, verb):
    possible = str(verb) in EXPECTED[state].split()
    outcome = advance(facts(state, gives_up_rest=True), verb)
    assert (outcome.state is not None) is possible
    assert (outcome.refusal is None) is possible
    if not possible:
        assert outcome.refusal.code == "ORD001"
        named = str(state).replace("_", " ")
        told = f"Order WO-1 is {named}; {verb.words} is not possible"
        assert told in str(outcome.refusal)


@pytest.mark.req("WO-02")
@pytest.mark.parametrize(("pair", "target"), TARGETS.items())
def test_the_way_of_an_order_leads_on(pair, target):
    state, verb = pair
    outcome = advance(facts(state, gives_up_rest=True), Verb(verb))
    assert outcome.state == target


def test_an_edited_proposal_is_firm():
    proposals = [(state, verb) for state, verb in TRANSITIONS if state == "planned"]
    made = {TRANSITIONS[pair].target for pair in proposals}
    assert made == {OrderState.FIRMED, OrderState.CANCELLED}


def test_what_is_done_stays_done():
    assert allowed(OrderState.CLOSED) == ()
    assert allowed(OrderState.CANCELLED) == ()


@pytest.mark.req("WO-11")
@pytest.mark.parametrize(
    ("state", "verb", "cells", "reason"),
    [
        ("planned", "firm", {"qty": 0.0}, "nothing of it is still to come"),
        ("firmed", "release", {"qty_done": 10.0}, "nothing of it is still to come"),
        ("released", "cancel", {"qty_done": 1.0}, "a part of it is in stock"),
        ("in_process", "cancel", {"qty_done": 1.0}, "a part of it is in stock"),
        ("released", "split", {"qty_done": 1.0}, "a part of it is in stock"),
        ("firmed", "move", {"locked_steps": 1}, "the schedule has locked steps"),
        ("firmed", "split", {"locked_steps": 1}, "the schedule has locked steps"),
        ("released", "change_qty", {"qty_done": 4.0, "wanted_qty": 3.0}, "less than"),
        ("in_process", "complete", {"qty_done": 9.0}, "not everything is there"),
    ],
)
def test_guards_refuse_with_a_way_out(state, verb, cells, reason):
    outcome = advance(facts(state, **cells), Verb(verb))
    assert outcome.state is None
    assert outcome.refusal.code == "ORD002"
    assert reason in outcome.refusal.message
    assert outcome.refusal.remedy


def test_part_of_what_is_done_may_be_kept():
    some = facts("released", qty_done=4.0, wanted_qty=4.0)
    assert advance(some, Verb.CHANGE_QTY).state is OrderState.RELEASED


def test_an_order_is_complete_when_all_is_there():
    assert advance(facts("in_process", qty_done=10.0), Verb.COMPLETE).refusal is None


@given(st.lists(st.sampled_from(list(Verb)), max_size=12))
def test_refused_verbs_change_nothing(verbs):
    """A run of verbs ends where the possible ones alone end."""

    def walk(sequence):
        state, taken = OrderState.PLANNED, []
        for verb in sequence:
            outcome = advance(facts(state, gives_up_rest=True), verb)
            if outcome.state is not None:
                state = outcome.state
                taken.append(verb)
        return state, taken

    state, taken = walk(verbs)
    assert walk(taken) == (state, taken)


def test_edits_are_verbs_of_planners():
    assert set(EDITS).isdisjoint({Verb.START, Verb.RECEIVE, Verb.COMPLETE})
