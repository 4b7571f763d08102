"""Overrides as edits: the events of their cells, taking them back, who came later."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.workbench.orders.plan_edit_events import override_id

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.edits.edit import Edit
    from medhavi.snapshot.patch import RowChange
    from medhavi.workbench.orders.newest_facts import NewestFacts
    from medhavi.workbench.orders.plan_edit_answers import EditRecord
    from medhavi.workbench.orders.plan_edit_events import Writer

    Row = Mapping[str, Any]


def override(
    writer: Writer, edit: Edit, rows: Sequence[RowChange], facts: NewestFacts
) -> list[dict[str, Any] | None]:
    """Write an event per cell; give what overrode each before, None: nothing.

    Parameters
    ----------
    rows
        One per cell, as the edit makes them.
    """
    earlier = []
    for row in rows:
        ((column, value),) = (row.after or {}).items()
        name = override_id(row.table, row.key, column)
        earlier.append(facts.override(name))
        writer.override(
            override=name,
            table=row.table,
            key=dict(row.key),
            column=column,
            value=value,
            previous=_json_cell((row.before or {}).get(column)),
            valid_from=edit.values.get("valid_from"),
            valid_to=edit.values.get("valid_to"),
            reason=edit.reason,
        )
    return earlier


def take_back(
    writer: Writer, taken: EditRecord, now: dt.datetime, reason: str | None
) -> None:
    """Restore the earlier overrides; where none existed, end these."""
    for row, known in zip_longest(taken.rows, taken.earlier_overrides):
        name, column, value = _cell(row)
        earlier = known or {}
        writer.override(
            override=name,
            table=row["table"],
            key=row["key"],
            column=column,
            value=_stored(earlier["value"]) if earlier else value,
            valid_from=earlier.get("valid_from"),
            # An override that ended is none; the log keeps that it was there.
            valid_to=earlier.get("valid_to") if earlier else now,
            reason=reason or "taken back",
        )


def overridden_again(
    taken: EditRecord, standing: Sequence[EditRecord], facts: NewestFacts
) -> str:
    """Name the columns that a later edit, or somebody else, gave another value."""
    later = {
        _cell(row)[0]
        for one in standing
        if one.position > taken.position and one.kind == "override"
        for row in one.rows
    }
    found = []
    for row in taken.rows:
        name, column, value = _cell(row)
        known = facts.override(name)
        if name in later or known is None or _stored(known["value"]) != value:
            found.append(column)
    return ", ".join(found)


def _cell(row: Row) -> tuple[str, str, Any]:
    """Id of the override of a row's cell, its column and its value."""
    ((column, value),) = row["after"].items()
    return override_id(row["table"], row["key"], column), column, value


def _json_cell(value: Any) -> Any:
    plain = value is None or isinstance(value, (bool, int, float, str, list))
    return value if plain else value.isoformat()


def _stored(text: str) -> Any:
    return msgspec.json.decode(text)
