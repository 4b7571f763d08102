"""What a fold is given: one decoded event, and the few words that all folds use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from medhavi.lakehouse.folds.silver_state import State
from medhavi.schema import tables

if TYPE_CHECKING:
    from medhavi.lakehouse.folds.silver_state import Row


class Fact(NamedTuple):
    """A decoded event: where it stands in the log, what it is, when it took effect."""

    position: int
    type: str
    occurred_at: dt.datetime
    body: Any


class Rejection(NamedTuple):
    """In place of a payload that does not count: why it does not.

    `code` is LAKE001 (cannot be decoded, `reason` says how) or LAKE002 (delivered
    twice, `detail` is the position of the first delivery).
    """

    code: str
    detail: str
    reason: str | None = None


Fold = Callable[[State, Fact], None]
"""Changes a state by one fact; deterministic, and total: it raises for no payload."""

_NATIVE = (dt.datetime, dt.date, dt.time)


def filled(body: msgspec.Struct) -> Row:
    """Fields of a payload that are filled, under their names in JSON."""
    row: Row = msgspec.to_builtins(body, builtin_types=_NATIVE)
    return row


def row_of(table: str, body: msgspec.Struct) -> Row:
    """Columns of a table that a payload fills."""
    row, columns = filled(body), _COLUMNS[table]
    if row.keys() <= columns:
        return row
    return {name: cell for name, cell in row.items() if name in columns}


_COLUMNS = {name: frozenset(table.columns) for name, table in tables().items()}


def plus(first: float | None, second: float) -> float:
    """Add two cells as the decimal numbers that they are written as.

    >>> plus(plus(0.1, 0.2), -0.3)
    0.0
    """
    if first is None:
        return second
    if float(first).is_integer() and float(second).is_integer():
        return first + second
    return float(_EXACT.add(Decimal(repr(first)), Decimal(repr(second))))


_EXACT = Context(prec=700)
"""Digits for the sum of any two floats: 308 before the point, 324 and 16 behind it."""


def complain(
    state: State,
    fact: Fact,
    code: str,
    *,
    table: str,
    value: str,
    column: str | None = None,
    detail: str | None = None,
) -> None:
    """Note that a fact made no sense; a snapshot shows it as a finding."""
    state.put(
        "quality",
        {
            "position": fact.position,
            "code": code,
            "type": fact.type,
            "table": table,
            "column": column,
            "value": value,
            "detail": detail,
        },
    )


def known(state: State, fact: Fact, table: str, *key: Any) -> Row | None:
    """Row that a fact speaks about; complain when there is none."""
    row = state.row(table, key)
    if row is None:
        complain(state, fact, "LAKE003", table=table, value="|".join(map(str, key)))
    return row
