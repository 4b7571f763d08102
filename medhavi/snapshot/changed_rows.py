"""A snapshot with some rows in the place of those of the same key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.snapshot.snapshot import Snapshot


def with_rows(
    snapshot: Snapshot, rows: Mapping[str, Sequence[Mapping[str, object]]]
) -> Snapshot:
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
    frames = {}
    for name, new in rows.items():
        if not new:
            continue
        frame = snapshot[name]
        fresh = pl.DataFrame(list(new), schema=frame.schema)
        key = list(schema.tables()[name].key)
        if key:
            kept = frame.join(fresh.select(key), on=key, how="anti", nulls_equal=True)
            fresh = pl.concat([kept, fresh])
        frames[name] = fresh
    return snapshot.replace(**frames) if frames else snapshot
