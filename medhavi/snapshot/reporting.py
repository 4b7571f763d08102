"""Make findings from marked rows: a few in full, the rest as a count."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from medhavi.findings import catalog, finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from medhavi.findings import Finding

LISTED = 100
"""Findings of one kind in one column that are told one by one."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Give a clause that names the nearest known name, or nothing.

    >>> nearest("quantity", ["qty", "quantity_done"])
    '; the nearest name is quantity_done'
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; the nearest name is {close[0]}" if close else ""


def positions(marked: pl.Series) -> list[int]:
    """Give the positions of the marked rows; a null marks nothing."""
    return marked.fill_null(value=False).arg_true().to_list()


def more(code: str, table: str, column: str | None, count: int) -> list[Finding]:
    """Say how many findings of a kind were left out."""
    if count <= 0:
        return []
    return [
        finding(
            "SNAP013",
            table=table,
            column=column,
            value=count,
            left_out=code,
            title=catalog()[code].title.lower(),
        )
    ]
