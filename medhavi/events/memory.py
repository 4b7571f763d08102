"""Stores without a database: in memory, and a text file that is read only.

A line has the columns of the envelope by name; `payload` and `metadata` are objects.
Needed are stream, event_id, type, payload and one of occurred_at, recorded_at. The
number of the line is the position; revisions are counted. A line that is no event is
left out and told by `problems`, so that it can go to quarantine.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import msgspec

from medhavi.errors import EnvironmentFailure, NotAvailable, RevisionConflict
from medhavi.events.envelope import (
    UNKNOWN_ACTOR,
    NewEvent,
    RecordedEvent,
    from_microseconds,
    parse_stream,
    record,
    to_arrow,
)
from medhavi.events.store import ANY, NO_STREAM
from medhavi.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

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


_FILE_POLL_SECONDS = 0.2
_Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class _Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A line as written; what a store counts itself may be there and is ignored."""

    stream: str
    event_id: str
    type: str
    payload: msgspec.Raw
    schema_version: int = 1
    recorded_at: _Instant | None = None
    occurred_at: _Instant | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    actor: str = UNKNOWN_ACTOR
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    content_type: str | None = None
    position: int | None = None
    category: str | None = None
    revision: int | None = None


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no event: its number from 1, its text, and the reason."""

    line: int
    text: str
    finding: Finding


_DECODER = msgspec.json.Decoder(_Line)


class JsonlStore:
    """A file of events as a store that cannot be written.

    Parameters
    ----------
    path
        The file; UTF-8. It may grow while it is read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            message = f"{self.path}: there is no file of events. Check the path."
            raise EnvironmentFailure(message)

    def append(
        self,
        stream: str,
        events: Sequence[NewEvent],
        expected_revision: int = ANY,
    ) -> NoReturn:
        """Refuse: the file is read only."""
        del stream, events, expected_revision
        self._refuse()

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> NoReturn:
        """Refuse: the file is read only."""
        del batches
        self._refuse()

    def _refuse(self) -> NoReturn:
        message = (
            f"{self.path}: a JSONL file is read only; append to sqlite:///path.db."
        )
        raise NotAvailable(message)

    def _scan(self) -> Iterator[RecordedEvent | BadLine]:
        revisions: dict[str, int] = {}
        seen: dict[str, int] = {}
        try:
            with self.path.open("rb") as lines:
                for number, text in enumerate(lines, start=1):
                    if text.strip():
                        yield _read_line(number, text, revisions, seen)
        except OSError as error:
            message = f"{self.path}: the file cannot be read ({error})"
            raise EnvironmentFailure(message) from None

    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        """Events of a stream in order of revision."""
        return (
            event
            for event in self.read_all()
            if event.stream == stream and event.revision >= from_revision
        )

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Events with position > after in order of position, at most `limit`."""
        admitted = (
            event
            for event in self._scan()
            if isinstance(event, RecordedEvent)
            and event.position > after
            and (filter is None or filter.admits(event))
        )
        return islice(admitted, limit)

    def bad_lines(self) -> Iterator[BadLine]:
        """Lines that are no events."""
        return (line for line in self._scan() if isinstance(line, BadLine))

    def problems(self) -> list[Finding]:
        """Finding for every line that is no event."""
        return [line.finding for line in self.bad_lines()]

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """All events after a position, then wait for the file to grow."""
        position = after
        size = -1
        while not (cancelled and cancelled()):
            now = self.path.stat().st_size
            if now == size:
                time.sleep(_FILE_POLL_SECONDS)
                continue
            size = now
            for event in self.read_all(position):
                yield event
                position = event.position

    def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        return max((event.position for event in self.read_all()), default=0)

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Events after a position as a table in the schema of the envelope."""
        return to_arrow(self.read_all(after, limit))


def _read_line(
    number: int, text: bytes, revisions: dict[str, int], seen: dict[str, int]
) -> RecordedEvent | BadLine:
    """Turn a line into an event; `revisions` and `seen` go on counting."""
    try:
        return _event(number, _DECODER.decode(text), revisions, seen)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = str(error).rstrip(".")
        return BadLine(
            line=number,
            text=text.decode("utf-8", "replace").rstrip("\r\n"),
            finding=finding("EVT006", table="events", row=number, detail=reason),
        )


def _event(
    number: int, line: _Line, revisions: dict[str, int], seen: dict[str, int]
) -> RecordedEvent:
    parse_stream(line.stream)
    now = line.recorded_at or line.occurred_at
    if now is None:
        message = "it has neither occurred_at nor recorded_at"
        raise ValueError(message)
    if line.event_id in seen:
        message = f"event id {line.event_id} is that of line {seen[line.event_id]}"
        raise ValueError(message)
    event = NewEvent(
        event_id=line.event_id,
        type=line.type,
        payload=bytes(line.payload),
        schema_version=line.schema_version,
        recorded_at=line.recorded_at,
        occurred_at=line.occurred_at,
        correlation_id=line.correlation_id,
        causation_id=line.causation_id,
        actor=line.actor,
        metadata=line.metadata,
    )
    seen[line.event_id] = number
    revision = revisions.get(line.stream, -1) + 1
    revisions[line.stream] = revision
    return record(
        event, stream=line.stream, position=number, revision=revision, now=now
    )
