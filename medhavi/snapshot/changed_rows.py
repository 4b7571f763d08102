"""A snapshot with some rows in the place of those of the same key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.snapshot.reading.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.snapshot.snapshot import Snapshot

    Changes = Mapping[str, Sequence[Mapping[str, object]]]


def with_rows(snapshot: Snapshot, rows: Changes) -> Snapshot:
    """Put rows in the place of those with the same key, or add them.

    A table without a key (`settings`) is replaced.

    Parameters
    ----------
    snapshot
        Stays as it is.
    rows
        By table, each with all of its columns or some; a missing column is empty, for
        which its default counts.

    Returns
    -------
    Snapshot
        The same one where no rows are given. It is checked like any other.
    """
    frames = {name: _changed(snapshot[name], name, rows[name]) for name in _named(rows)}
    return snapshot.replace(**frames) if frames else snapshot


def with_rows_when_read(snapshot: Snapshot, rows: Changes) -> Snapshot:
    """Snapshot of `with_rows`, its changed tables made when they are read.

    For who changes a row to ask a question that most tables have no part in.
    """

    def made(name: str) -> pl.DataFrame:
        return _changed(snapshot[name], name, rows[name])

    return snapshot.replace_when_read(_named(rows), made)


def normal_rows(snapshot: Snapshot, name: str, rows: Changes) -> pl.DataFrame:
    """Changed rows of a table in their normal form, by key."""
    return normalise(
        name, _frame(snapshot[name], rows[name]), snapshot.local_days
    ).frame


def _named(rows: Changes) -> list[str]:
    return [name for name, new in rows.items() if new]


def _frame(frame: pl.DataFrame, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=frame.schema)


def _changed(
    frame: pl.DataFrame, name: str, rows: Sequence[Mapping[str, object]]
) -> pl.DataFrame:
    fresh = _frame(frame, rows)
    key = list(schema.tables()[name].key)
    if not key:
        return fresh
    kept = frame.join(fresh.select(key), on=key, how="anti", nulls_equal=True)
    return pl.concat([kept, fresh])
