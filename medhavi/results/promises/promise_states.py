"""States of promises and the columns of the records of promises."""

from __future__ import annotations

from enum import StrEnum

import polars as pl


class PromiseState(StrEnum):
    """What became of a promise."""

    OPEN = "open"
    AT_RISK = "at risk"
    OVERDUE = "overdue"
    DELIVERED = "delivered"
    RELEASED = "released"
    CANCELLED = "cancelled"


STANDING = frozenset({PromiseState.OPEN, PromiseState.AT_RISK, PromiseState.OVERDUE})
"""States of promises that still have to be kept."""

RECORDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "demand": pl.String,
    "number": pl.String,
    "customer": pl.String,
    "product": pl.String,
    "location": pl.String,
    "qty": pl.Float64,
    "due": pl.Datetime("us", "UTC"),
    "promised": pl.Datetime("us", "UTC"),
    "date_prob": pl.Float64,
    "on_time_prob": pl.Float64,
    "state": pl.String,
    "approver": pl.String,
    "recorded_at": pl.Datetime("us", "UTC"),
    "revisions": pl.Int64,
}
"""Columns of the records of promises.

`number` is that of the order and its line, Q-0001 and on for a promise without an
order, in the order of the log. `qty` is what was promised [base units], `promised` its
last date, also of one that was released. The probabilities are those at which it was
quoted, `date_prob` that of the promised date; null where a person set the date.
`approver` confirmed the last date, which was recorded at `recorded_at`; `revisions`
counts the dates after the first.
"""
