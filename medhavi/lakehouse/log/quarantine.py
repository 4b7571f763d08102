"""Events that are not counted, kept with their reason until they can be.

The table is derived: it says what the fold at the head of the log rejected. So it needs
no book-keeping of its own, and an event that a repaired catalogue can read leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.lakehouse.layout import environment, has_table

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.lakehouse.folds.silver_state import State
    from medhavi.lakehouse.log.log_reading import EventLog

_REJECTED = ("LAKE001", "LAKE002")
_INSTANT = pl.Datetime("us", "UTC")
COLUMNS: dict[str, pl.DataType] = {
    "position": pl.Int64(),
    "code": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
    "event_id": pl.String(),
    "stream": pl.String(),
    "type": pl.String(),
    "schema_version": pl.Int32(),
    "recorded_at": _INSTANT,
    "occurred_at": _INSTANT,
    "payload": pl.String(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Positions of the events that are counted now, and of those still held."""

    released: tuple[int, ...]
    held: tuple[int, ...]

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{len(self.released)} events are counted now, "
            f"{len(self.held)} stay in quarantine"
        )


def rejected(state: State, log: EventLog) -> pl.DataFrame:
    """What a state rejected, with the events themselves, by position."""
    found = state.frame("quality").filter(pl.col("code").is_in(_REJECTED))
    if found.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    reasons = found.select("position", "code", "detail", reason="column")
    events = log.rows_at(reasons["position"])
    return (
        reasons.join(events, on="position", how="left")
        .select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
        .sort("position")
    )


def read(path: Path) -> pl.DataFrame:
    """Table, empty where nothing was ever rejected."""
    from medhavi.lakehouse.layout import LocalTable

    with environment("reading the quarantine", path):
        if not has_table(path):
            return pl.DataFrame(schema=COLUMNS)
        return pl.read_delta(LocalTable(str(path))).sort("position")


def write(path: Path, rows: pl.DataFrame) -> None:
    """Make the table hold these rows, in one transaction, if it does not already."""
    from deltalake import write_deltalake

    if read(path).equals(rows):
        return
    with environment("writing the quarantine", path):
        write_deltalake(str(path), rows, mode="overwrite")


def undecodable(rows: pl.DataFrame) -> frozenset[int]:
    """Positions that a repair may release; doubles stay what they are."""
    return frozenset(rows.filter(pl.col("code") == "LAKE001")["position"].to_list())
