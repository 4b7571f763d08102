"""What a fold is given: one decoded event, and the few words that all folds use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from medhavi.lakehouse.silver_state import State
from medhavi.schema import tables
from medhavi.units import exact

if TYPE_CHECKING:
    from medhavi.lakehouse.silver_state import Row


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
    """Give the fields of a payload that are filled, under their names in JSON."""
    row: Row = msgspec.to_builtins(body, builtin_types=_NATIVE)
    return row


def row_of(table: str, body: msgspec.Struct) -> Row:
    """Give the columns of a table that a payload fills."""
    row, columns = filled(body), tables()[table].columns
    if row.keys() <= columns.keys():
        return row
    return {name: cell for name, cell in row.items() if name in columns}


def plus(first: float | None, second: float) -> float:
    """Add two cells as the decimal numbers that they are written as.

    >>> plus(plus(0.1, 0.2), -0.3)
    0.0
    """
    if first is None:
        return second
    if float(first).is_integer() and float(second).is_integer():
        return first + second
    return float(exact(first) + exact(second))


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
    """Give the row that a fact speaks about; complain when there is none."""
    row = state.row(table, key)
    if row is None:
        complain(state, fact, "LAKE003", table=table, value="|".join(map(str, key)))
    return row
