"""The reference store: everything in memory, gone with the process."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import RevisionConflict
from medhavi.events.envelope import from_microseconds, parse_stream, record, to_arrow
from medhavi.events.store import ANY, NO_STREAM

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from medhavi.events.envelope import NewEvent, RecordedEvent
    from medhavi.events.store import EventFilter


class StoredEvent(NamedTuple):
    """What a store knows of an event id that is asked for again."""

    stream: str
    revision: int
    position: int
    type: str
    payload: str


def settle(
    stream: str,
    events: Sequence[NewEvent],
    expected_revision: int,
    head: int,
    known: Mapping[str, StoredEvent],
) -> tuple[int, ...] | None:
    """Decide on an append: None = go on, positions = it is done already.

    Parameters
    ----------
    head
        Revision of the last event of the stream; `NO_STREAM` when it has none.
    known
        Event id → what is stored, for those of `events` that the store has.

    Raises
    ------
    RevisionConflict
        The stream moved on, or only some of the events are stored, or elsewhere.
    ValueError
        The stream's name, the expected revision or the ids are impossible.
    """
    parse_stream(stream)
    if expected_revision < ANY:
        message = f"Expected revision {expected_revision}: use ANY, NO_STREAM or 0 up."
        raise ValueError(message)
    if len({event.event_id for event in events}) < len(events):
        message = f"Stream {stream}: an event id occurs twice in one append."
        raise ValueError(message)
    if known:
        return _stored_positions(stream, events, expected_revision, known)
    if expected_revision not in (ANY, head):
        state = "has no event" if head == NO_STREAM else f"is at revision {head}"
        wanted = (
            "no event"
            if expected_revision == NO_STREAM
            else f"revision {expected_revision}"
        )
        message = (
            f"Stream {stream} {state}; {wanted} was expected. Read it again, decide "
            "anew, then append."
        )
        raise RevisionConflict(message)
    return None


def _stored_positions(
    stream: str,
    events: Sequence[NewEvent],
    expected_revision: int,
    known: Mapping[str, StoredEvent],
) -> tuple[int, ...]:
    missing = [event.event_id for event in events if event.event_id not in known]
    if missing:
        message = (
            f"Stream {stream}: {len(known)} of {len(events)} events are stored already, "
            f"{missing[0]} is not. Append the new ones alone."
        )
        raise RevisionConflict(message)
    found = [known[event.event_id] for event in events]
    first = found[0].revision
    if expected_revision != ANY and first != expected_revision + 1:
        message = (
            f"Stream {stream}: the events are stored from revision {first} on, not "
            f"after {expected_revision}. Read it again, decide anew, then append."
        )
        raise RevisionConflict(message)
    for offset, (event, stored) in enumerate(zip(events, found, strict=True)):
        if (stored.stream, stored.revision) != (stream, first + offset):
            message = (
                f"Event {event.event_id} is stored in stream {stored.stream} at "
                f"revision {stored.revision}, not in {stream} at {first + offset}."
            )
            raise RevisionConflict(message)
        if (stored.type, stored.payload) != (event.type, event.payload_text):
            message = (
                f"Event {event.event_id} is stored with another content. An id is the "
                "same event for ever: give the new fact an id of its own."
            )
            raise RevisionConflict(message)
    return tuple(stored.position for stored in found)


_POLL_SECONDS = 0.1


def system_clock() -> dt.datetime:
    """Time of the machine, UTC in microseconds."""
    return from_microseconds(time.time_ns() // 1000)


class MemoryStore:
    """An event store of lists; safe between threads.

    Parameters
    ----------
    clock
        Gives recorded_at of events that state none; it never falls along positions.
    """

    def __init__(self, clock: Callable[[], dt.datetime] = system_clock) -> None:
        self._clock = clock
        self._log: list[RecordedEvent] = []
        self._streams: dict[str, list[RecordedEvent]] = {}
        self._by_id: dict[str, RecordedEvent] = {}
        self._changed = threading.Condition()

    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int = ANY
    ) -> tuple[int, ...]:
        """Append all events or none; give their positions."""
        with self._changed:
            return self._append(stream, events, expected_revision)

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        """Append to many streams, all or nothing."""
        with self._changed:
            kept = len(self._log)
            positions: list[int] = []
            try:
                for stream, events in batches:
                    positions.extend(self._append(stream, events, ANY))
            except BaseException:
                self._forget(kept)
                raise
            return tuple(positions)

    def _append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int
    ) -> tuple[int, ...]:
        present = self._streams.get(stream, [])
        known = {
            event.event_id: StoredEvent(
                found.stream,
                found.revision,
                found.position,
                found.type,
                found.payload,
            )
            for event in events
            if (found := self._by_id.get(event.event_id))
        }
        done = settle(stream, events, expected_revision, len(present) - 1, known)
        if done is not None:
            return done
        now = self._clock()
        if self._log:
            now = max(now, self._log[-1].recorded_at)
        recorded = [
            record(
                event,
                stream=stream,
                position=len(self._log) + 1 + offset,
                revision=len(present) + offset,
                now=now,
            )
            for offset, event in enumerate(events)
        ]
        self._log.extend(recorded)
        self._by_id.update((event.event_id, event) for event in recorded)
        if recorded:
            self._streams.setdefault(stream, []).extend(recorded)
        self._changed.notify_all()
        return tuple(event.position for event in recorded)

    def _forget(self, kept: int) -> None:
        for event in reversed(self._log[kept:]):
            del self._by_id[event.event_id]
            self._streams[event.stream].pop()
            if not self._streams[event.stream]:
                del self._streams[event.stream]
        del self._log[kept:]

    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        """Events of a stream in order of revision."""
        with self._changed:
            found = self._streams.get(stream, [])[max(from_revision, 0) :]
        return iter(found)

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Events with position > after in order of position, at most `limit`."""
        with self._changed:
            found = self._log[max(after, 0) :]
        admitted = (e for e in found if filter is None or filter.admits(e))
        return islice(admitted, limit)

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """All events after a position, then wait for new ones."""
        position = after
        while not (cancelled and cancelled()):
            with self._changed:
                if len(self._log) <= position:
                    self._changed.wait(_POLL_SECONDS)
                found = self._log[position:]
            for event in found:
                yield event
                position = event.position

    def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        return len(self._log)

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Events after a position as a table in the schema of the envelope."""
        return to_arrow(self.read_all(after, limit))
