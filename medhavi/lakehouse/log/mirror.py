"""Copy an event store into bronze, every event once; what is not counted, and why.

A commit holds the rows and, as a Delta application transaction, the store's position of
the last of them. Two facts about delta-rs decide how this module is written. It refuses
a concurrent transaction only against the snapshot of the handle, so the position is
read and the rows are written through the *same* table object. And a restore or
an overwrite moves the rows but not the transaction, so the two are compared before each
run: going on from the wrong position would lose events in silence.

The table is derived: it says what the fold at the head of the log rejected. So it needs
no book-keeping of its own, and an event that a repaired catalogue can read leaves it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import EnvironmentFailure
from medhavi.events.envelope import arrow_schema, to_arrow
from medhavi.events.store import StoreUnreachable
from medhavi.lakehouse.layout import environment, has_table
from medhavi.lakehouse.log.event_faults import admitted
from medhavi.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from deltalake import WriterProperties

    from medhavi.events.store import EventStore
    from medhavi.lakehouse.folds.silver_state import State
    from medhavi.lakehouse.layout import LocalTable
    from medhavi.lakehouse.log.log_reading import EventLog
    from medhavi.progress import Cancelled, Observe


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
    from medhavi.lakehouse.layout import LocalTable

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
    from deltalake import CommitProperties, Transaction, write_deltalake

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


BATCH_ROWS = 50_000
_BATCH_BYTES = 128 * 2**20
_COMMITS_BETWEEN_COMPACTIONS = 200
_FIRST_WINDOW, _WIDER = 1_000, 16
"""Newest events of bronze that are looked for first; then so many times as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorReport(TextDisplay):
    """What one run of the mirror did.

    `position` is the store's position that bronze now holds; `cancelled` tells that the
    run ended early, between two batches.
    """

    events: int
    position: int
    commits: int
    compacted: bool
    cancelled: bool

    def __str__(self) -> str:
        """One line for people."""
        state = ", cancelled" if self.cancelled else ""
        return f"{self.events} new events, up to position {self.position}{state}"


def mirror(
    path: Path,
    store: EventStore,
    *,
    batch: int = BATCH_ROWS,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> MirrorReport:
    """Bring the table of events at `path` up to the head of the store.

    Several mirrors may run at once: the loser of a commit reads its position again.

    Parameters
    ----------
    path
        Folder of the Delta table; made when missing.
    store
        Where the events are; one that offers `read_arrow(after, limit)` is read
        without Python objects.
    batch
        Most events in one commit; fewer when they are large.
    observe
        Told the progress after each commit.
    cancelled
        Asked before each batch.

    Raises
    ------
    EnvironmentFailure
        The disk or folder fails, the table was restored, or the table mirrors another
        store; what was committed before stays good.
    """
    table = open_bronze(path)
    with environment("reading bronze events", path):
        start = mirrored_position(table, path)
        compacted = _compact(table)
        _check_same_store(table, store, start, path)
    position, commits, events, stopped = start, 0, 0, False
    head = store.head()
    size = batch
    while position < head:
        if cancelled is not None and cancelled():
            stopped = True
            break
        rows = _read(store, position, size)
        if not rows.num_rows:
            break
        size = _next_size(rows, batch)
        with environment("writing bronze events", path):
            committed = _commit(table, rows)
            if not committed:
                position = mirrored_position(table, path)
                continue
            position = committed
            commits += 1
            events += rows.num_rows
            if commits % _COMMITS_BETWEEN_COMPACTIONS == 0:
                compacted = _compact(table) or compacted
        # Events may have come meanwhile; the last read that finds nothing is spared.
        head = store.head() if position >= head else head
        if observe is not None:
            observe(Progress("mirroring, position", position, head))
    return MirrorReport(
        events=events,
        position=position,
        commits=commits,
        compacted=compacted,
        cancelled=stopped,
    )


def _commit(table: LocalTable, rows: pa.Table) -> int | None:
    """Write one batch; None when another mirror was first (the handle is renewed)."""
    from deltalake.exceptions import CommitFailedError

    last: int = rows.column("position")[-1].as_py()
    try:
        append(table, rows, last)
    except CommitFailedError as error:
        if "concurrent transaction" not in str(error).lower():
            raise
        table.update_incremental()
        return None
    return last


def _read(store: EventStore, after: int, limit: int) -> pa.Table:
    reader = getattr(store, "read_arrow", None)
    if reader is None:
        return admitted(to_arrow(store.read_all(after=after, limit=limit)))
    return admitted(reader(after, limit).cast(arrow_schema()))


def _next_size(rows: pa.Table, batch: int) -> int:
    """Keep the next batch below the byte limit, judging by this one."""
    bytes_each: int = max(1, rows.nbytes // rows.num_rows)
    return max(1, min(batch, _BATCH_BYTES // bytes_each))


def _compact(table: LocalTable) -> bool:
    """Join small files when commits have become slow for them."""
    if len(table.file_uris()) < _COMMITS_BETWEEN_COMPACTIONS:
        return False
    table.optimize.compact()
    return True


def _lost_only_old_events(table: LocalTable, store: EventStore, position: int) -> bool:
    """Whether a store lost its last mirrored events, and is no other store.

    Servers delete events (a stream, `$maxCount`, `$maxAge`) and scavenge them. Such a
    log still reaches as far as bronze, what is left of it is in bronze under the same
    ids, and something is left. A log that was restored from a copy ends earlier.
    """
    log_end = getattr(store, "log_end", None)
    if log_end is None or log_end() < position:
        return False
    window = _FIRST_WINDOW
    while True:
        rows = newest_events(table, window)
        known = dict(rows.iter_rows())
        start = min(known) - 1 if rows.height == window else 0
        found = 0
        for event in store.read_all(after=start):
            if event.position > position:
                break
            if known.get(event.position) != event.event_id:
                return False
            found += 1
        if found:
            return True
        if rows.height < window:
            return False
        window *= _WIDER


def _check_same_store(
    table: LocalTable, store: EventStore, position: int, path: Path
) -> None:
    """Refuse a store that has another event where bronze has its last one.

    It is asked for the event after the last but one: in some stores only positions of
    events may be named.
    """
    if not position:
        return
    before, mine = last_event(table)
    found = next(iter(store.read_all(after=before, limit=1)), None)
    theirs = found.event_id if found and found.position == position else None
    if theirs != mine and not _lost_only_old_events(table, store, position):
        told = "nothing" if theirs is None else f"event {theirs}"
        message = (
            f"The lake at {path} mirrors another store, or the store lost events: at "
            f"position {position} the lake has event {mine}, the store has {told}. "
            "Mirror this store into a new lake, or restore the store."
        )
        raise EnvironmentFailure(message)


_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 30.0
_POLL_SECONDS = 0.1


def follow(
    mirror: Callable[[], MirrorReport],
    store: EventStore,
    *,
    cancelled: Cancelled,
    observe: Observe | None = None,
    linger: float = 0.5,
) -> MirrorReport:
    """Mirror again and again, each time the store has something new.

    Parameters
    ----------
    mirror
        Brings the lake up to the head of the store; see `Lake.mirror`.
    store
        Subscribed to while nothing is to be done.
    cancelled
        Ends it, between two batches.
    observe
        Told each batch, and when the store does not answer.
    linger
        Wait after the first new event, so that those that follow it go into one commit
        [seconds].

    Returns
    -------
    MirrorReport
        What was done in all; batches before a run broke off are in the lake and are
        not counted here.

    Raises
    ------
    EnvironmentFailure
        The lake or the store fails. A store that was there and does not answer any more
        is waited for instead, at growing intervals of up to 30 seconds.
    """
    done: MirrorReport | None = None
    pause = _FIRST_BACKOFF
    while True:
        try:
            report = mirror()
            done = report if done is None else _together(done, report)
            pause = _FIRST_BACKOFF
            if not cancelled():
                _wait_for_more(store, report.position, cancelled)
                _wait(linger, cancelled)
        except StoreUnreachable as error:
            if done is None:
                raise
            if observe is not None:
                observe(Progress(f"{error} Trying again in {pause:.0f} s."))
            _wait(pause, cancelled)
            pause = min(2 * pause, _LONGEST_BACKOFF)
        if cancelled():
            return replace(done, cancelled=True)


def _together(one: MirrorReport, two: MirrorReport) -> MirrorReport:
    return replace(
        two,
        events=one.events + two.events,
        commits=one.commits + two.commits,
        compacted=one.compacted or two.compacted,
    )


def _wait_for_more(store: EventStore, position: int, cancelled: Cancelled) -> None:
    """Come back when the store has an event after a position, or when called off."""
    events = store.subscribe(position, cancelled)
    try:
        next(events, None)
    finally:
        # A store's own generator holds a subscription open until it is closed.
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _wait(seconds: float, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while not cancelled() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _POLL_SECONDS))


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
