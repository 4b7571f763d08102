"""KurrentDB (EventStoreDB) as an event store, through its own client.

Three things of the server shape this module. A position must be one that exists, reads
from it include it and subscriptions do not. Idempotence by event id is kept by the
server for the expected revision alone: with "any" it rests on a cache of the server. So
an append looks at the stream's ids and always states a revision; what was written is
read back and compared. And ids are known per stream, not over all streams: the same id
in two streams is two events, of which the lake counts one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medhavi.errors import RevisionConflict
from medhavi.events.envelope import rows_to_arrow
from medhavi.events.kurrent_store.reads import (
    EVERYTHING,
    USERS,
    KurrentReader,
    LiveEvents,
    admits,
    wait,
)
from medhavi.events.kurrent_store.server import KurrentServer, recorded, row, to_kurrent
from medhavi.events.memory import StoredEvent, settle
from medhavi.events.store import ANY, NO_STREAM, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import kurrentdbclient
    import pyarrow as pa

    from medhavi.events.envelope import NewEvent, RecordedEvent
    from medhavi.events.store import EventFilter


_MOST_IDS = 500_000


class StreamIds(NamedTuple):
    """A stream up to its revision `last`; `ids` gives the revision of an event id."""

    last: int
    ids: dict[str, int]


class StreamIdCache:
    """The streams that were appended to, the least recent forgotten first.

    What is forgotten is read again; a long stream is kept while it is in use.
    """

    def __init__(self, most_ids: int = _MOST_IDS) -> None:
        self._most_ids = most_ids
        self._count = 0
        self._streams: OrderedDict[str, StreamIds] = OrderedDict()

    def __contains__(self, stream: str) -> bool:
        return stream in self._streams

    def get(self, stream: str) -> StreamIds:
        """What is known of a stream: nothing at first."""
        if stream not in self._streams:
            self._streams[stream] = StreamIds(-1, {})
        self._streams.move_to_end(stream)
        return self._streams[stream]

    def add(self, stream: str, event_id: str, revision: int) -> None:
        """Note an event; it is the last one of its stream now."""
        ids = self.get(stream).ids
        self._count += event_id not in ids
        ids[event_id] = revision
        self._streams[stream] = StreamIds(revision, ids)
        while self._count > self._most_ids and len(self._streams) > 1:
            _, oldest = self._streams.popitem(last=False)
            self._count -= len(oldest.ids)

    def forget(self, stream: str) -> None:
        """Know nothing of a stream any more."""
        known = self._streams.pop(stream, None)
        self._count -= 0 if known is None else len(known.ids)


_CALL_SECONDS: Final = 30.0
_WRITE_ATTEMPTS: Final = 100
_ARROW_ROWS: Final = 2_000
_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 5.0


class KurrentStore:
    """An event store on a KurrentDB server; safe between threads.

    Parameters
    ----------
    url
        See `KurrentServer`.
    patience
        How long a subscription waits for a server that went away before it raises
        [seconds].

    Notes
    -----
    An event that states no recorded time gets that of the server's clock.

    Streams and events of the system (names and types that begin with `$`) are not
    given. `append_many` checks all batches before it writes the first, but writes them
    one by one: a connection that breaks in the middle leaves the first ones written,
    and the same call again completes them.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: float = 10.0,
    ) -> None:
        self._server = KurrentServer(url)
        self._reader = KurrentReader(self._server)
        self._patience = patience
        self._seen = StreamIdCache()
        self._writing = threading.RLock()

    def __repr__(self) -> str:
        """URL without user and password."""
        return f"KurrentStore({self._server.shown!r})"

    def close(self) -> None:
        """End the connection; the store opens another when it is used."""
        self._server.close()

    # ------------------------------------------------------------- writing
    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int = ANY
    ) -> tuple[int, ...]:
        """Append all events or none; give their positions."""
        with self._writing:
            return self._append(stream, events, expected_revision)

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        """Append to many streams, whatever they hold; see the notes of the class."""
        kept = list(batches)
        with self._writing:
            self._check(kept)
            positions: list[int] = []
            for stream, events in kept:
                positions.extend(self._append(stream, events, ANY))
        return tuple(positions)

    def _check(self, batches: Sequence[tuple[str, Sequence[NewEvent]]]) -> None:
        """Raise what an append of one of the batches would raise."""
        coming: dict[str, dict[str, StoredEvent]] = {}
        for stream, events in batches:
            settle(stream, (), ANY, NO_STREAM, {})
            if stream not in coming:
                self._look(stream)
                coming[stream] = {}
            seen = self._seen.get(stream)
            known = self._stored(stream, events, seen)
            known |= {
                event.event_id: coming[stream][event.event_id]
                for event in events
                if event.event_id in coming[stream]
            }
            if settle(stream, events, ANY, seen.last, known) is None:
                first = seen.last + len(coming[stream]) + 1
                coming[stream] |= {
                    event.event_id: StoredEvent(
                        stream, revision, 0, event.type, event.payload_text
                    )
                    for revision, event in enumerate(events, start=first)
                }

    def _append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int
    ) -> tuple[int, ...]:
        settle(stream, events, min(expected_revision, ANY), NO_STREAM, {})
        is_fresh = stream not in self._seen
        seen = self._look(stream) if is_fresh else self._seen.get(stream)
        for _ in range(_WRITE_ATTEMPTS):
            known = self._stored(stream, events, seen)
            try:
                done = settle(stream, events, expected_revision, seen.last, known)
            except RevisionConflict:
                if is_fresh:
                    raise
                seen, is_fresh = self._look(stream), True
                continue
            if done is None:
                done = self._write(stream, events, seen) if events else ()
            if done is not None:
                return done
            seen, is_fresh = self._look(stream), True
        message = (
            f"Stream {stream}: other writers were faster {_WRITE_ATTEMPTS} times. "
            "Append again."
        )
        raise RevisionConflict(message)

    def _look(self, stream: str) -> StreamIds:
        """Learn the ids that the stream has got since the last look."""
        seen = self._seen.get(stream)
        start = seen.last + 1
        try:
            for event in self._reader.stream_events(stream, start):
                self._seen.add(stream, str(event.id), event.stream_position)
        except LookupError:
            # Never written, or deleted since: then nothing of it counts any more.
            self._seen.forget(stream)
        return self._seen.get(stream)

    def _stored(
        self, stream: str, events: Sequence[NewEvent], seen: StreamIds
    ) -> dict[str, StoredEvent]:
        """What the server has under the ids of these events in this stream."""
        revisions = sorted(
            {seen.ids[e.event_id] for e in events if e.event_id in seen.ids}
        )
        if not revisions:
            return {}
        wanted = {event.event_id for event in events}
        span = revisions[-1] - revisions[0] + 1
        found = islice(self._reader.stream_events(stream, revisions[0]), span)
        return {
            str(event.id): _stored(event) for event in found if str(event.id) in wanted
        }

    def _write(
        self, stream: str, events: Sequence[NewEvent], seen: StreamIds
    ) -> tuple[int, ...] | None:
        """Write after the last revision seen; None when another was first."""
        from kurrentdbclient import StreamState
        from kurrentdbclient.exceptions import WrongCurrentVersionError

        last = seen.last
        with self._server.calls(f"appending to stream {stream}") as client:
            try:
                client.append_to_stream(
                    stream,
                    events=[to_kurrent(event) for event in events],
                    current_version=StreamState.NO_STREAM if last < 0 else last,
                    timeout=_CALL_SECONDS,
                )
            except WrongCurrentVersionError:
                return None
        # Equal ids at the expected revision count as a retry of the same events,
        # whatever they say: only their text tells.
        written = list(
            islice(self._reader.stream_events(stream, last + 1), len(events))
        )
        for event in written:
            self._seen.add(stream, str(event.id), event.stream_position)
        known = {str(event.id): _stored(event) for event in written}
        return settle(stream, events, ANY, last, known)

    # ------------------------------------------------------------- reading
    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        """Events of a stream in order of revision; none for an unknown one."""
        try:
            for event in self._reader.stream_events(stream, max(from_revision, 0)):
                yield recorded(event)
        except LookupError:
            return

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Events with position > after in order of position, at most `limit`."""
        return map(
            recorded, self._reader.all_events(after, limit, filter or EVERYTHING)
        )

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Events after a position as a table in the schema of the envelope.

        Where the server goes away behind some of them, these; the next call fails.
        """
        rows = map(row, self._reader.all_events(after, limit, EVERYTHING))
        return table_of_what_comes(rows)

    def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        newest = self._reader.newest()
        return 0 if newest is None else newest.commit_position

    def log_end(self) -> int:
        """Position up to which the server's log reaches, deleted events included."""
        return self._reader.log_end()

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """All events after a position, then wait for new ones.

        A connection that breaks, or a server that calls this reader too slow, is met
        with a new subscription after the last event that was given.

        Raises
        ------
        StoreUnreachable
            The server does not answer at first, or for longer than `patience`.
        """
        position = after
        lost: float | None = None
        pause = 0.0
        is_first = True
        while True:
            try:
                with LiveEvents(self._server, position, USERS, cancelled) as live:
                    is_first, lost = False, None
                    for event in live:
                        pause = _FIRST_BACKOFF
                        if admits(EVERYTHING, event):
                            yield recorded(event)
                            position = event.commit_position
            except StoreUnreachable:
                now = time.monotonic()
                lost = lost or now
                if is_first or now - lost > self._patience:
                    raise
            else:
                return
            pause = min(max(2 * pause, _FIRST_BACKOFF), _LONGEST_BACKOFF)
            wait(pause, cancelled)


def _stored(event: kurrentdbclient.RecordedEvent) -> StoredEvent:
    return StoredEvent(
        event.stream_name,
        event.stream_position,
        event.commit_position,
        event.type,
        event.data.decode(errors="replace"),
    )


def table_of_what_comes(rows: Iterator[tuple[Any, ...]]) -> pa.Table:
    """Table of rows up to their end, or up to where their server went away.

    Raises
    ------
    StoreUnreachable
        It went away before the first row.
    """
    import pyarrow as pa

    tables: list[pa.Table] = []
    near: list[tuple[Any, ...]] = []
    try:
        for one in rows:
            near.append(one)
            # Few rows at a time: many live objects make Python's collector slow.
            if len(near) == _ARROW_ROWS:
                tables.append(rows_to_arrow(near))
                near = []
    except StoreUnreachable:
        if not tables and not near:
            raise
    return pa.concat_tables([*tables, rows_to_arrow(near)])
