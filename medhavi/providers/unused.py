"""Filled columns of buying and moving that mode mrp does not look at (rule 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.table_rows import Rows

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

IGNORED: tuple[tuple[str, str], ...] = (
    ("suppliers", "reliability"),
    ("suppliers", "esg_score"),
    ("supply_terms", "lead_time_p95_days"),
    ("supply_terms", "reliability"),
    ("supply_terms", "quality"),
    ("lanes", "duration_p95_h"),
    ("lanes", "capacity_kg"),
    ("lanes", "capacity_m3"),
    ("lanes", "min_fill_kg"),
    ("lanes", "reliability"),
    ("routings", "quality"),
    ("disruptions", "severity"),
)
"""Limits, risk and quality grades; rule 20 keeps disruptions out of mode mrp."""


class Unused(NamedTuple):
    """Filled cells that do not count; quantities and dates stay right without."""

    table: str
    column: str
    cells: int


def unused_columns(snapshot: Snapshot) -> tuple[Unused, ...]:
    """List what is filled in the tables of sourcing and has no effect in mode mrp.

    Everything of these tables that would change quantities or dates is built.
    """
    found = []
    for table, column in IGNORED:
        frame = snapshot[table]
        if frame.height:
            default = 0.0 if column == "min_fill_kg" else None
            count = Rows(frame.select(column)).filled(column, default)
            if count:
                found.append(Unused(table, column, count))
    kinds = snapshot["reservations"]["kind"].to_list()
    count = sum(kind in {"capacity", "transport"} for kind in kinds)
    if count:
        found.append(Unused("reservations", "kind", count))
    return tuple(found)
