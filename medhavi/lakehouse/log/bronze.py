"""The Delta table of all events: append-only, its position inside the transaction.

A commit holds the rows and, as a Delta application transaction, the store's position of
the last of them. Two facts about delta-rs decide how this module is written. It refuses
a concurrent transaction only against the snapshot of the handle, so the position is
read and the rows are written through the *same* table object. And a restore or
an overwrite moves the rows but not the transaction, so the two are compared before each
run: going on from the wrong position would lose events in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import EnvironmentFailure
from medhavi.events.envelope import arrow_schema
from medhavi.lakehouse.failures import environment

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from deltalake import WriterProperties

    from medhavi.lakehouse.delta_tables import LocalTable


_APPLICATION = "medhavi/mirror"
_CONFIGURATION = {
    "delta.appendOnly": "true",
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 30 days",
    # Without the payload: its statistics would be as large as the events.
    "delta.dataSkippingStatsColumns": (
        "position,stream,category,revision,type,recorded_at,occurred_at"
    ),
}


def open_bronze(path: Path) -> LocalTable:
    """Open the table of events; make it when it is not there yet."""
    from medhavi.lakehouse.delta_tables import LocalTable

    with environment("opening bronze events", path):
        return LocalTable.made(
            path, arrow_schema(), configuration=_CONFIGURATION, name="events"
        )


def mirrored_position(table: LocalTable, path: Path) -> int:
    """Position up to which the store is mirrored, 0 at first.

    Raises
    ------
    EnvironmentFailure
        The rows reach another position than the transaction says.
    """
    position = table.transaction_version(_APPLICATION) or 0
    reached = _highest_position(table)
    if reached != position:
        message = (
            f"The lake table at {path} was restored or overwritten: its log says that "
            f"position {position} is mirrored, its rows reach {reached}. Going on would "
            "lose or double events. Delete the folder and mirror again, or restore the "
            "newest version."
        )
        raise EnvironmentFailure(message)
    return position


def _highest_position(table: LocalTable) -> int:
    """Read the highest position from the statistics in the log, without the rows."""
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    if actions.is_empty():
        return 0
    highest = actions.get_column("max.position") if "max.position" in actions else None
    if highest is None or highest.null_count():
        rows = pl.scan_delta(table).select(pl.col("position").max()).collect()
        return int(rows.item() or 0)
    return int(str(highest.max()))


def last_event(table: LocalTable) -> tuple[int, str]:
    """Position before the last event (0: none) and the last event's id.

    The table must hold an event. Only the file that holds the last one is read, where
    the log knows it.
    """
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    before, start = 0, 0
    if {"min.position", "max.position"} <= set(actions.columns):
        files = actions.select("min.position", "max.position").cast(pl.Int64)
        if not sum(files.null_count().row(0)):
            files = files.sort("max.position")
            start = files["min.position"][-1]
            before = files["max.position"][-2] if files.height > 1 else 0
    rows = (
        pl.scan_delta(table)
        .filter(pl.col("position") >= start)
        .select("position", "event_id")
        .collect()
        .top_k(2, by="position")
        .sort("position")
    )
    if rows.height > 1:
        before = rows["position"][0]
    return before, rows["event_id"][-1]


def newest_events(table: LocalTable, count: int) -> pl.DataFrame:
    """Position and id of the newest events, at most `count`."""
    rows = pl.scan_delta(table).select("position", "event_id")
    return rows.top_k(count, by="position").collect()


def append(table: LocalTable, rows: pa.Table, last: int) -> None:
    """Write rows and the position of the last one in one transaction.

    `table` must be the object whose position was read: a handle opened afterwards
    would accept the same rows twice.
    """
    from deltalake import (
        CommitProperties,
        Transaction,
        write_deltalake,
    )

    write_deltalake(
        table,
        rows,
        mode="append",
        schema_mode="merge",
        writer_properties=writer_properties(),
        commit_properties=CommitProperties(
            app_transactions=[Transaction(_APPLICATION, last)],
            custom_metadata={"lastPosition": str(last)},
        ),
    )


def writer_properties() -> WriterProperties:
    """Compression; ids and texts get neither dictionary nor statistics."""
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    return WriterProperties(
        compression="ZSTD",
        compression_level=3,
        max_row_group_size=131_072,
        column_properties=dict.fromkeys(("event_id", "payload", "metadata"), plain),
    )
