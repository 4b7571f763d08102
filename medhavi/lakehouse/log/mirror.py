"""Copy an event store into bronze, every event exactly once, from where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.errors import EnvironmentFailure
from medhavi.events.envelope import arrow_schema, to_arrow
from medhavi.lakehouse.failures import environment
from medhavi.lakehouse.log.bronze import (
    append,
    last_event,
    mirrored_position,
    newest_events,
    open_bronze,
)
from medhavi.lakehouse.log.event_faults import admitted
from medhavi.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from medhavi.events.store import EventStore
    from medhavi.lakehouse.delta_tables import LocalTable
    from medhavi.progress import Cancelled, Observe


BATCH_ROWS = 50_000
_BATCH_BYTES = 128 * 2**20
_COMMITS_BETWEEN_COMPACTIONS = 200
_FIRST_WINDOW, _WIDER = 1_000, 16
"""Newest events of bronze that are looked for first; then so many times as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorReport:
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
