"""Make findings from marked rows: a few in full, the rest as a count."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.findings import catalog, finding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from medhavi.findings import Finding

Tell = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Gives the fields of a finding for one marked row."""

LISTED = 100
"""Findings of one kind in one column that are told one by one."""

_NOTHING: Mapping[str, object] = MappingProxyType({})

_SEARCHED = 3000
"""Known names among which a nearest one is looked for; more would take seconds."""


def nearest(name: str, known: Collection[str]) -> str:
    """Clause that names the nearest known name, or nothing.

    >>> nearest("quantity", ["qty", "quantity_done"])
    '; the nearest name is quantity_done'
    >>> nearest("aa1 ", ["AA1"])
    '; the nearest name is AA1'
    """
    same = [entry for entry in known if entry.strip().casefold() == _folded(name)]
    if not same and len(known) <= _SEARCHED:
        same = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; the nearest name is {same[0]}" if same else ""


def _folded(name: str) -> str:
    return name.strip().casefold()


def positions(marked: pl.Series) -> list[int]:
    """Positions of the marked rows; a null marks nothing."""
    return marked.fill_null(value=False).arg_true().to_list()


def more(
    code: str,
    table: str,
    column: str | None,
    count: int,
    rows: Sequence[int] = (),
) -> list[Finding]:
    """Count the findings of a kind that are not told, and name their rows."""
    if count <= 0:
        return []
    told_instead = finding(
        "SNAP013",
        table=table,
        column=column,
        value=count,
        left_out=code,
        title=catalog()[code].title.lower(),
    )
    return [replace(told_instead, left_out=code, rows=tuple(rows))]


def told(
    code: str,
    table: str,
    column: str | None,
    marked: pl.DataFrame,
    rows: Sequence[int],
    tell: Tell | Mapping[str, object] = _NOTHING,
) -> list[Finding]:
    """Make a finding of each marked row, in the order of the input rows.

    Parameters
    ----------
    code, table, column
        What is found, and where; the value is the cell of the column.
    marked
        The marked rows with all columns that `tell` needs.
    rows
        Their input row numbers.
    tell
        The fields of the code's message, or what gives them for a row; a field `value`
        wins over the cell.
    """
    found = []
    order = sorted(range(marked.height), key=lambda place: rows[place])
    for place in order[:LISTED]:
        row = marked.row(place, named=True)
        fields: dict[str, object] = {"value": row[column] if column else None}
        fields.update(tell(row) if callable(tell) else tell)
        found.append(
            finding(code, table=table, row=rows[place], column=column, **fields)
        )
    left_out = [rows[place] for place in order[LISTED:]]
    return found + more(code, table, column, len(left_out), left_out)
