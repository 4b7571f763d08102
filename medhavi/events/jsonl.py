"""Events in a text file, one JSON object a line; read only.

A line has the columns of the envelope by name; `payload` and `metadata` are objects.
Needed are stream, event_id, type, payload and one of occurred_at, recorded_at. The
number of the line is the position; revisions are counted. A line that is no event is
left out and told by `problems`, so that it can go to quarantine.
"""

from __future__ import annotations

import datetime as dt
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec

from medhavi.errors import EnvironmentFailure, NotAvailable
from medhavi.events.envelope import (
    UNKNOWN_ACTOR,
    NewEvent,
    RecordedEvent,
    parse_stream,
    record,
    to_arrow,
)
from medhavi.events.store import ANY
from medhavi.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from medhavi.events.store import EventFilter

_POLL_SECONDS = 0.2
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


def to_line(event: RecordedEvent) -> str:
    """Line of an event, with its line break."""
    values = msgspec.structs.asdict(event)
    values["payload"] = msgspec.Raw(event.payload.encode())
    values["metadata"] = msgspec.Raw(event.metadata.encode())
    return msgspec.json.encode(values).decode().replace("\n", " ") + "\n"


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
                time.sleep(_POLL_SECONDS)
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
