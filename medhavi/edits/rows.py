"""Rows that a change of a study selects and rewrites, and the moments that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.edits.parameter import instant
from medhavi.edits.remedy_changes import other_units
from medhavi.snapshot.patch import NoSuchRowError, Patch
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from medhavi.edits.parameter import Moment
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.reading.local_days import Edge


def asked_moment(
    snapshot: Snapshot, value: Moment, edge: Edge, **cells: object
) -> dt.datetime | None:
    """Instant of a text; a date is a local day of the row that the cells lead to."""
    return instant(value, edge, snapshot.local_days.zone_of(**cells) or "UTC")


def known_moment(
    snapshot: Snapshot, value: Moment, edge: Edge, **cells: object
) -> dt.datetime:
    """Instant of a text that was read as one."""
    moment = asked_moment(snapshot, value, edge, **cells)
    assert moment is not None
    return moment


def cells_match(chosen: Mapping[str, str | None]) -> pl.Expr:
    """Rows that the stated cells name; all where none is stated."""
    expression = pl.lit(value=True)
    for name, value in chosen.items():
        if value is not None:
            expression &= pl.col(name) == value
    return expression


def chosen_rows(
    snapshot: Snapshot,
    table: str,
    chosen: Mapping[str, str | None],
    more: pl.Expr | None = None,
) -> pl.DataFrame:
    """Rows of a table that the stated cells name, at least one."""
    hit = cells_match(chosen)
    rows = snapshot[table].filter(hit if more is None else hit & more)
    if rows.is_empty():
        stated = {name: value for name, value in chosen.items() if value is not None}
        raise NoSuchRowError(table, stated)
    return rows


def multiplied(factor: float, *names: str) -> Mapping[str, pl.Expr]:
    """Cells by which columns are multiplied."""
    return {name: pl.col(name) * factor for name in names}


def rewritten(rows: Mapping[str, pl.DataFrame], cells: Mapping[str, pl.Expr]) -> Patch:
    """Patch by which rows get other cells."""
    return Patch(
        upserts={name: frame.with_columns(**cells) for name, frame in rows.items()}
    )


def window_of(
    snapshot: Snapshot, resource: str, start: Moment | None, finish: Moment | None
) -> tuple[int, int]:
    """Span of a change of a resource, else from now to the horizon [UTC seconds]."""
    begin, end = int(snapshot.as_of), snapshot.settings.horizon_end
    if start is not None:
        begin = to_seconds(known_moment(snapshot, start, "begin", resource=resource))
    if finish is not None:
        end = to_seconds(known_moment(snapshot, finish, "end", resource=resource))
    return begin, end


def units_by_time(
    snapshot: Snapshot,
    resource: str,
    window: tuple[int, int | None],
    units_of: Callable[[float], float],
) -> Patch:
    """Rows of `resource_units` with other units inside a window [UTC seconds]."""
    row = chosen_rows(snapshot, "resources", {"resource": resource}).row(0, named=True)
    stated = snapshot["resource_units"].filter(cells_match({"resource": resource}))
    rows = other_units(row, stated.to_dicts(), window, units_of)
    if not rows:
        table, (begin, end) = "resource_units", window
        last = None if end is None else str(from_seconds(end))
        raise NoSuchRowError(table, {"start": str(from_seconds(begin)), "finish": last})
    return Patch.of(snapshot, {"resource_units": rows})
