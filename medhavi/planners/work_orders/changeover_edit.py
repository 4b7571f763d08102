"""What row an edit of a changeover matrix makes: one change of families, or none.

Minutes, cleaning and cost of a change from one family to another are a row of
`changeovers`. What an edit does not state stays as it is; without minutes the row goes
and a row for any family counts again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi import schema
from medhavi.findings import finding
from medhavi.planners.work_orders.edit_rows import RowEdit
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.order_edit import Edit
    from medhavi.snapshot import Snapshot

TABLE = "changeovers"
ANY = "*"
"""Stands for any family."""
_NAMES = {"setup_minutes": "value", "cleaning": "cleaning", "cost": "cost"}
"""Columns of the row, and the field of an edit that states each."""


def changeover_rows(
    edit: Edit, snapshot: Snapshot
) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
    """Decide an edit of a matrix.

    Parameters
    ----------
    edit
        Kind changeover: `key` has matrix, from_family and to_family, `value` the
        minutes; None: the row goes.

    Returns
    -------
    rows : tuple of RowEdit
        The row before and after; empty where it cannot be.
    findings : tuple of Finding
        Why it cannot be.
    """
    key = dict(edit.key)
    before = _row(snapshot, key)
    found = _wrong_key(key, snapshot) or _wrong_value(edit, before)
    if found is not None:
        return (), (found,)
    after = None if edit.value is None else _after(edit, key, before)
    if before == after:
        return (), (_refused(edit.value, "it is so already", "Leave it as it is."),)
    return (RowEdit(table=TABLE, key=key, before=before, after=after),), ()


def _row(snapshot: Snapshot, key: Mapping[str, str]) -> dict[str, Any] | None:
    for row in snapshot[TABLE].iter_rows(named=True):
        if all(row.get(name) == text for name, text in key.items()):
            return {name: cell for name, cell in row.items() if cell is not None}
    return None


def _after(
    edit: Edit, key: Mapping[str, str], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    columns = schema.tables()[TABLE].columns
    after: dict[str, Any] = {**key}
    for column, name in _NAMES.items():
        stated = getattr(edit, name)
        if stated is None:
            stated = (before or {}).get(column, columns[column].default)
        after[column] = float(stated) if column != "cleaning" else bool(stated)
    return after


def _wrong_key(key: Mapping[str, str], snapshot: Snapshot) -> Finding | None:
    names = schema.tables()[TABLE].key
    if set(key) != set(names) or not all(key.values()):
        words = ", ".join(f"{name} = {text}" for name, text in sorted(key.items()))
        way_out = f"Name the change by {', '.join(names)}; * stands for any family."
        return _refused(words or "nothing", "it names no change", way_out, "key")
    known = {
        *snapshot[TABLE]["matrix"].to_list(),
        *snapshot["resources"]["changeover_matrix"].drop_nulls().to_list(),
    }
    if key["matrix"] not in known:
        near = nearest(key["matrix"], sorted(known))
        return finding("ORD003", column="matrix", value=key["matrix"], nearest=near)
    if key["from_family"] == key["to_family"] != ANY:
        return _refused(
            key["to_family"],
            "the same family needs no change",
            "Choose another family before or after.",
            "to_family",
        )
    return None


def _wrong_value(edit: Edit, before: Mapping[str, Any] | None) -> Finding | None:
    if edit.value is None:
        if before is not None:
            return None
        return _refused("nothing", "no row says how long it takes", "State minutes.")
    for column, value in (("setup_minutes", edit.value), ("cost", edit.cost)):
        if value is None:
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= float(value) < float("inf"):
            return _refused(value, "no number of 0 or more", "Write one.", column)
    return None


def _refused(
    value: object, reason: str, way_out: str, column: str = "setup_minutes"
) -> Finding:
    return finding(
        "ORD004",
        table=TABLE,
        column=column,
        value=value,
        reason=reason,
        way_out=way_out,
    )
