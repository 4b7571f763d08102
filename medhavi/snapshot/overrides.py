"""Overrides that stand in front of cells, and what a change of these comes to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from medhavi import schema
from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.findings import Finding
    from medhavi.snapshot.patch import RowChange
    from medhavi.snapshot.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOverride:
    """A person's value for a cell that has not ended.

    Attributes
    ----------
    override
        Its id.
    table, key, column
        The cell; the key as text, by column.
    row
        Cells of the key as `key_texts` has them.
    value, stated
        Value of the person, and the one that facts state below it.
    actor, recorded_at
        Who recorded it, and when.
    valid_from, valid_to
        When it holds; None: since ever, for ever.
    """

    override: str
    table: str
    key: Mapping[str, str]
    column: str
    row: tuple[str, ...]
    value: Any
    stated: Any
    actor: str
    recorded_at: dt.datetime
    valid_from: dt.datetime | None = None
    valid_to: dt.datetime | None = None


def key_texts(table: str, cells: Mapping[str, Any]) -> tuple[str, ...]:
    """Key of a row as texts in the order of its table; an empty cell is an empty text.

    >>> key_texts("supply_terms", {"supplier": "S", "product": "A", "location": "DC"})
    ('S', 'A', 'DC', '')
    """
    found = []
    for name in schema.tables()[table].key:
        value = schema.cell(table, name, cells.get(name))
        found.append("" if value is None else str(value))
    return tuple(found)


def in_front_of(
    row: RowChange, overrides: Iterable[StandingOverride]
) -> list[StandingOverride]:
    """Overrides of cells of a row, whether or not the change makes these others."""
    about = [one for one in overrides if one.table == row.table]
    if not about:
        return []
    cells, names = row.after or row.before or {}, schema.tables()[row.table].key
    if cells.keys().isdisjoint(names):
        # A change of one cell names its row by the key alone.
        key = tuple(row.key.get(name, "") for name in names)
    else:
        key = key_texts(row.table, cells)
    return [one for one in about if one.row == key]


def contradicted(
    rows: Iterable[RowChange], overrides: Iterable[StandingOverride]
) -> Iterator[tuple[RowChange, StandingOverride]]:
    """Overrides that would hide what a change states, or whose row goes with it."""
    known = tuple(overrides)
    for row in rows:
        before, after = row.before or {}, row.after or {}
        for one in in_front_of(row, known):
            if row.after is None or before.get(one.column) != after.get(one.column):
                yield row, one


def override_finding(
    code: str,
    row: RowChange,
    standing: StandingOverride,
    snapshot: Snapshot,
    number: int | None = None,
) -> Finding:
    """What becomes of an override: it is kept (`ORD011`) or ends (`ORD012`)."""
    stated = (row.after or {}).get(standing.column)
    zone = snapshot.local_days.zone_of(**dict(standing.key)) or "UTC"
    told = standing.recorded_at.astimezone(ZoneInfo(zone))
    return finding(
        code,
        table=row.table,
        column=standing.column,
        row=number,
        value=_text(stated),
        key=", ".join(filter(None, standing.row)),
        kept=_text(standing.value),
        actor=standing.actor,
        day=f"{told.day} {told:%b %Y}",
    )


def _text(value: object) -> str:
    """Cell as people write it.

    >>> _text(5.0), _text(None)
    ('5', 'no value')
    """
    if value is None:
        return "no value"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
