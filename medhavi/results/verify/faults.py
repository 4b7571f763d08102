"""How checks turn faulty rows into findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.units import from_seconds

if TYPE_CHECKING:
    import polars as pl

    from medhavi.findings import Finding

INSTANTS = ("moment", "start", "due", "limit", "expected", "planned")


def faults(
    code: str, table: str, rows: pl.DataFrame, column: str | None = None
) -> list[Finding]:
    """Make a finding of every row.

    Column `value` names the thing; the others fill the template of the code. Whole
    numbers in the columns of `INSTANTS` are UTC seconds and become ISO text.
    """
    found = []
    for row in rows.iter_rows(named=True):
        fields: dict[str, Any] = {key: _text(key, cell) for key, cell in row.items()}
        found.append(finding(code, table=table, column=column, **fields))
    return found


def _text(key: str, cell: object) -> object:
    return instant_text(cell) if key in INSTANTS and isinstance(cell, int) else cell


def instant_text(seconds: int) -> str:
    """ISO text of an instant [UTC s]."""
    return f"{from_seconds(seconds):%Y-%m-%dT%H:%M:%SZ}"
