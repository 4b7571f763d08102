"""What we would have promised: lines of a day, asked on what was known before it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.findings import BadData
from medhavi.planners.promising.ledger.book import Book
from medhavi.planners.promising.promise_run import quote_all
from medhavi.planners.promising.requests.asking import columns, read_requests
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot

_INSTANT = pl.Datetime("us", "UTC")

ANSWERED: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "demand": pl.String(),
        "asked_at": _INSTANT,
        "status": pl.String(),
        "promised_qty": pl.Float64(),
        "date": _INSTANT,
        "date_p50": _INSTANT,
        "date_p80": _INSTANT,
        "date_p95": _INSTANT,
        "on_time_prob": pl.Float64(),
        "date_prob": pl.Float64(),
        "option": pl.String(),
        "suppliers": pl.List(pl.String()),
        "risk_basis": pl.String(),
        "model": pl.String(),
        "model_version": pl.String(),
    }
)
"""Columns of the answers; `status` is that of a promise, or unknown.

Unknown is a line that could not be asked: what it names was not in the tables yet,
or the tables of that day had errors.
`suppliers` are those that the promise counts on for a purchase.
"""

UNKNOWN = "unknown"


def past_promises(
    snapshot: Snapshot, lines: pl.DataFrame, policy: str | None = None
) -> pl.DataFrame:
    """Ask the lines of a day by priority, each seeing the holds of those before it.

    Parameters
    ----------
    snapshot
        Tables as they were known when the day began.
    lines
        Rows with the columns of a request, and `demand`.
    policy
        Policy of lines for which the tables name none.

    Returns
    -------
    DataFrame
        Columns of `ANSWERED`, a row a line, in the order given.

    Raises
    ------
    BadData
        The snapshot has errors.
    """
    book = Book.from_snapshot(snapshot)
    asked: list[Request] = []
    for row in lines.iter_rows(named=True):
        request = _request(row, snapshot, len(asked) + 1)
        if request is not None:
            asked.append(request)
    made = quote_all(book, tuple(asked), policy, detail="date")
    rows = {
        request.demand: _row(promise)
        for request, promise in zip(asked, made, strict=True)
    }
    return _table(lines, book.now, rows)


def unasked(snapshot: Snapshot, lines: pl.DataFrame) -> pl.DataFrame:
    """Answers of a day whose tables have errors: all are unknown."""
    return _table(lines, int(snapshot.as_of), {})


def _table(
    lines: pl.DataFrame, now: int, rows: Mapping[str, Mapping[str, object]]
) -> pl.DataFrame:
    unknown = {"status": UNKNOWN, "promised_qty": 0.0, "suppliers": []}
    at = from_seconds(now)
    return pl.DataFrame(
        [
            {"demand": name, "asked_at": at, **rows.get(name, unknown)}
            for name in lines["demand"]
        ],
        schema=dict(ANSWERED),
    )


def _request(
    row: Mapping[str, Any], snapshot: Snapshot, position: int
) -> Request | None:
    """Turn a line into a request; None where it names what was not there yet."""
    known = columns()
    cells = {
        name: value
        for name, value in row.items()
        if name in known and name != "demand" and value is not None
    }
    try:
        (request,) = read_requests([cells], snapshot).requests
    except BadData:
        return None
    return replace(request, demand=row["demand"], position=position)


def _row(promise: Promise) -> dict[str, object]:
    dates = {
        name: None if value is None else from_seconds(value)
        for name, value in (
            ("date", promise.date),
            ("date_p50", promise.date_p50),
            ("date_p80", promise.date_p80),
            ("date_p95", promise.date_p95),
        )
    }
    return {
        "status": str(promise.status),
        "promised_qty": promise.qty,
        **dates,
        "on_time_prob": promise.on_time_prob,
        "date_prob": promise.date_prob,
        "option": promise.option,
        "suppliers": sorted({one.supplier for one in promise.purchases}),
        "risk_basis": promise.basis.risk_basis,
        "model": promise.basis.model,
        "model_version": promise.basis.version,
    }
