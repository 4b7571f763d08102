"""The log of the double: streams, `$all`, expected revisions, kept in one file.

What it promises is what the documentation of the client says of append, read and
delete. It is no database: one process, everything in memory as well, no fsync, no
links, no `$maxCount`. Explicit transactions of old servers (several events at one
commit position) and scavenging are ordered from outside.
"""

from __future__ import annotations

import json
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kurrentdbclient.protos.v1 import streams_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ANY, NO_STREAM, EXISTS = -2, -1, -4
DELETED = 2**63 - 1
"""`$tb` (truncate before) of a stream that was deleted softly."""
_LENGTH = struct.Struct(">I")
_FRAMING_BYTES = 60


class WrongRevisionError(Exception):
    """The stream is not where the writer expects it."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(stream, expected, actual)
        self.stream, self.expected, self.actual = stream, expected, actual


class TombstonedError(Exception):
    """The stream was deleted for good."""


class Proposed(NamedTuple):
    """What a writer wants to add."""

    id: str
    type: str
    content_type: str
    metadata: bytes
    data: bytes


class Kept(NamedTuple):
    """An event in the log; `wire` is the answer that carries it."""

    position: int
    stream: str
    revision: int
    id: str
    type: str
    wire: bytes
    prepare: int = -1
    """Below the position in an explicit transaction, else equal."""


@dataclass(slots=True)
class Stream:
    """Events of one stream; those before `truncated` are not read any more."""

    events: list[Kept] = field(default_factory=list)
    truncated: int = 0
    tombstoned: bool = False
    metadata: dict[str, object] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return self.events[-1].revision if self.events else NO_STREAM

    @property
    def is_missing(self) -> bool:
        return not self.events or self.truncated > self.last


class DoubleLog:
    """All streams in the order of their positions.

    Parameters
    ----------
    path
        File that outlives the process; None: nothing does.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.all: list[Kept] = []
        self.streams: dict[str, Stream] = {}
        self.tail = 0
        self.changed = threading.Condition(threading.RLock())
        self._by_id: dict[str, Kept] = {}
        self._file = None
        if path is not None:
            for wire in _frames(path):
                self._take(wire)
            self._file = path.open("ab")
        if not self.all:
            with self.changed:
                epoch = _system("$epoch-information", b"{}")
                self._write("$epoch-information", [epoch])

    def stream(self, name: str) -> Stream:
        """A stream, also one that was never written."""
        return self.streams.setdefault(name, Stream())

    def wake(self) -> None:
        """Make those who wait for events look around."""
        with self.changed:
            self.changed.notify_all()

    def append(self, name: str, expected: int, events: Sequence[Proposed]) -> Kept:
        """Add events; give the last of them, old or new.

        Raises
        ------
        WrongRevisionError, Tombstoned
        """
        with self.changed:
            done = self._settled(name, expected, [event.id for event in events])
            if done is not None:
                return done
            stream = self.stream(name)
            if stream.truncated == DELETED and events:
                self._truncate(name, stream.last + 1)
            if events:
                self._write(name, events)
            return stream.events[-1] if stream.events else self.all[-1]

    def _settled(self, name: str, expected: int, ids: Sequence[str]) -> Kept | None:
        """Distinguish a retry from a conflict: None = write, an event = it is there."""
        stream = self.stream(name)
        if stream.tombstoned:
            raise TombstonedError(name)
        if expected in (ANY, EXISTS):
            if expected == EXISTS and stream.is_missing:
                raise WrongRevisionError(name, expected, NO_STREAM)
            return self._repeated(name, expected, ids)
        if expected == NO_STREAM and stream.is_missing:
            return None
        if expected == stream.last:
            return None
        if expected > stream.last:
            raise WrongRevisionError(name, expected, stream.last)
        there = stream.events[expected + 1 : expected + 1 + len(ids)]
        if not ids or [kept.id for kept in there] != list(ids):
            raise WrongRevisionError(name, expected, stream.last)
        return there[-1]

    def _repeated(self, name: str, expected: int, ids: Sequence[str]) -> Kept | None:
        found: Kept | None = None
        for number, event_id in enumerate(ids):
            kept = self._by_id.get(event_id)
            if kept is None or kept.stream != name:
                if number == 0:
                    return None
                raise WrongRevisionError(name, expected, self.stream(name).last)
            found = kept
        return found

    def delete(self, name: str, expected: int, *, forever: bool) -> int:
        """Delete a stream; give the position of that fact."""
        with self.changed:
            stream = self.stream(name)
            if stream.tombstoned:
                raise TombstonedError(name)
            unmet = {EXISTS: stream.is_missing, NO_STREAM: not stream.is_missing}
            if unmet.get(expected, expected not in (ANY, stream.last)):
                raise WrongRevisionError(name, expected, stream.last)
            if forever:
                self._write(name, [_system("$streamDeleted", b"")])
            else:
                self._truncate(name, DELETED)
            return self.all[-1].position

    def _truncate(self, name: str, before: int) -> None:
        metadata = {**self.stream(f"$${name}").metadata, "$tb": before}
        self._write(f"$${name}", [_system("$metadata", json.dumps(metadata).encode())])

    def append_transaction(self, name: str, count: int) -> None:
        """Add events as an explicit transaction did: one commit position for all."""
        with self.changed:
            events = [
                Proposed(str(uuid.uuid4()), "Noted", "application/json", b"", b"{}")
                for _ in range(count)
            ]
            self._write(name, events, one_commit=True)

    def scavenge(self) -> None:
        """Remove the events of streams that were deleted or cut off."""
        with self.changed:
            self.all = [
                kept
                for kept in self.all
                if kept.revision >= self.stream(kept.stream).truncated
            ]
            self.changed.notify_all()

    def _write(
        self, name: str, events: Sequence[Proposed], *, one_commit: bool = False
    ) -> None:
        created = str(time.time_ns() // 100)
        revision, position, wires = self.stream(name).last, self.tail, []
        for event in events:
            revision += 1
            answer = streams_pb2.ReadResp()
            answer.event.commit_position = position
            recorded = answer.event.event
            recorded.id.string = event.id
            recorded.stream_identifier.stream_name = name.encode()
            recorded.stream_revision = revision
            recorded.commit_position = recorded.prepare_position = position
            recorded.metadata["type"] = event.type
            recorded.metadata["content-type"] = event.content_type
            recorded.metadata["created"] = created
            recorded.custom_metadata = event.metadata
            recorded.data = event.data
            wires.append(answer.SerializeToString())
            position += _FRAMING_BYTES + len(wires[-1])
        if one_commit:
            wires = [_committed_at(wire, position) for wire in wires]
        if self._file is not None:
            # One frame an append: what a kill cuts off is the whole of it.
            body = b"".join(_LENGTH.pack(len(wire)) + wire for wire in wires)
            self._file.write(_LENGTH.pack(len(body)) + body)
            self._file.flush()
        for wire in wires:
            self._take(wire)
        self.changed.notify_all()

    def _take(self, wire: bytes) -> None:
        event = streams_pb2.ReadResp.FromString(wire).event.event
        name = event.stream_identifier.stream_name.decode()
        kept = Kept(
            event.commit_position,
            name,
            event.stream_revision,
            event.id.string,
            event.metadata["type"],
            wire,
            event.prepare_position,
        )
        stream = self.stream(name)
        stream.events.append(kept)
        self.all.append(kept)
        self._by_id[kept.id] = kept
        self.tail = kept.position + _FRAMING_BYTES + len(wire)
        if kept.type == "$streamDeleted":
            stream.tombstoned = True
        if kept.type == "$metadata":
            stream.metadata = json.loads(event.data)
            self.stream(name[2:]).truncated = int(stream.metadata.get("$tb", 0))  # type: ignore[call-overload]


def _committed_at(wire: bytes, commit: int) -> bytes:
    answer = streams_pb2.ReadResp.FromString(wire)
    answer.event.commit_position = commit
    answer.event.event.commit_position = commit
    return bytes(answer.SerializeToString())


def _system(kind: str, data: bytes) -> Proposed:
    return Proposed(str(uuid.uuid4()), kind, "application/json", b"", data)


def _frames(path: Path) -> Iterator[bytes]:
    """Read back the answers of whole appends; drop a last one that was cut off."""
    if not path.exists():
        return
    content = path.read_bytes()
    place = 0
    while place + _LENGTH.size <= len(content):
        (size,) = _LENGTH.unpack_from(content, place)
        end = place + _LENGTH.size + size
        if end > len(content):
            break
        inner = place + _LENGTH.size
        while inner < end:
            (length,) = _LENGTH.unpack_from(content, inner)
            inner += _LENGTH.size
            yield content[inner : inner + length]
            inner += length
        place = end
    with path.open("r+b") as file:
        file.truncate(place)
