"""The fold: facts in the order of their effect become the tables of design section 6.

`fold` is pure: the state that it is given stays as it was, and folding a list of facts
at once or in pieces gives the same state. A fact that makes no sense (a receipt of an
order that nobody placed) changes nothing and leaves a row in table `quality`; it never
blocks the facts behind it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.events.event_types.catalog import MASTER
from medhavi.lakehouse.folds.decision_folds import DECISION_FOLDS
from medhavi.lakehouse.folds.demand_folds import DEMAND_FOLDS
from medhavi.lakehouse.folds.fact import Rejection, complain, known, row_of
from medhavi.lakehouse.folds.silver_state import key_of
from medhavi.lakehouse.folds.supply_folds import SUPPLY_FOLDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.lakehouse.folds.fact import Fact, Fold
    from medhavi.lakehouse.folds.silver_state import State

PROJECTION_VERSION = 2
"""Raise it when a fold changes its meaning: older checkpoints are then rebuilt."""


def _master_folds() -> dict[str, Fold]:
    folds: dict[str, Fold] = {}
    for table, master in MASTER.items():
        folds[f"{master.singular}Defined"] = _defining(table)
        folds[f"{master.singular}Changed"] = _defining(table)
        folds[f"{master.singular}Retired"] = _retiring(table)
    return folds


def _defining(table: str) -> Fold:
    def define(state: State, fact: Fact) -> None:
        state.put(table, row_of(table, fact.body))

    return define


def _retiring(table: str) -> Fold:
    def retire(state: State, fact: Fact) -> None:
        key = key_of(table, row_of(table, fact.body))
        if known(state, fact, table, *key) is not None:
            state.drop(table, key)

    return retire


FOLDS: Mapping[str, Fold] = MappingProxyType(
    {**_master_folds(), **DEMAND_FOLDS, **SUPPLY_FOLDS, **DECISION_FOLDS}
)
"""Event type → its fold; every type of the catalogue has one."""


def _rejected(state: State, fact: Fact, rejection: Rejection) -> None:
    complain(
        state,
        fact,
        rejection.code,
        table="events",
        column=rejection.reason,
        value=str(fact.position),
        detail=rejection.detail,
    )


def fold(state: State, facts: Iterable[Fact]) -> State:
    """State after some facts, in the order of their effect.

    Parameters
    ----------
    state
        Where to start from; it is not changed.
    facts
        Decoded events, sorted by (occurred_at, position), each once.
    """
    after = state.copy()
    apply(after, facts)
    return after


def apply(state: State, facts: Iterable[Fact]) -> None:
    """Change a state by some facts; see `fold`."""
    folds = dict(FOLDS)
    for fact in facts:
        if isinstance(fact.body, Rejection):
            _rejected(state, fact, fact.body)
        else:
            folds[fact.type](state, fact)
