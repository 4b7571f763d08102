"""Events of KurrentDB and the envelope: what travels as metadata, and how.

Payload, type, id, stream and revision are KurrentDB's own. The rest of the envelope
travels as keys of the metadata: `occurredAt`, `actor`, `schemaVersion`,
`$correlationId`, `$causationId` (design 5), and `recordedAt` where an import states it.
Events of other writers pass as they are: what is absent or cannot be read takes the
envelope's default, and what cannot stand in a text column is wrapped as base64.
Metadata that no reader can follow carries its reason under `$fault`: such an event
waits in quarantine.
"""

from __future__ import annotations

import datetime as dt
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from medhavi.events.admission import (
    FAULT_KEY,
    is_admissible,
    metadata_fault,
)
from medhavi.events.envelope import (
    COLUMNS,
    UNKNOWN_ACTOR,
    RecordedEvent,
    from_microseconds,
)
from medhavi.units import EARLIEST, LATEST

if TYPE_CHECKING:
    import kurrentdbclient

    from medhavi.events.envelope import (
        NewEvent,
    )

_EPOCH = from_microseconds(0)
_MICROSECOND = dt.timedelta(microseconds=1)
_OWN_KEYS = {
    "occurredAt",
    "recordedAt",
    "actor",
    "schemaVersion",
    "$correlationId",
    "$causationId",
}
# A sender's key of the same name gets a tilde, and loses it again when it is read.
_ESCAPED = re.compile("~+(?:" + "|".join(map(re.escape, sorted(_OWN_KEYS))) + ")")
_NO_METADATA = "{}"
_VERSIONS = range(1, 2**31)
"""Versions that the column of bronze can hold."""
_VERSION_DIGITS = 10


class _EnvelopeMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys that Medhavi writes itself."""

    occurred_at: dt.datetime | None = msgspec.field(name="occurredAt", default=None)
    recorded_at: dt.datetime | None = msgspec.field(name="recordedAt", default=None)
    actor: str = UNKNOWN_ACTOR
    schema_version: int = msgspec.field(name="schemaVersion", default=1)
    correlation_id: str | None = msgspec.field(name="$correlationId", default=None)
    causation_id: str | None = msgspec.field(name="$causationId", default=None)


class _Envelope(NamedTuple):
    """What a metadata text says, and the rest of it."""

    keys: _EnvelopeMetadata
    rest: str


_STRICT = msgspec.json.Decoder(_EnvelopeMetadata)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INSTANT = msgspec.json.Decoder(dt.datetime)
_PLAIN = _Envelope(_EnvelopeMetadata(), _NO_METADATA)


def to_kurrent(event: NewEvent) -> kurrentdbclient.NewEvent:
    """Client's form of an event."""
    from kurrentdbclient import NewEvent as ClientEvent

    keys = _EnvelopeMetadata(
        occurred_at=event.occurred_at and event.occurred_at.astimezone(dt.UTC),
        recorded_at=event.recorded_at and event.recorded_at.astimezone(dt.UTC),
        actor=event.actor,
        schema_version=event.schema_version,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
    )
    stated = {
        key: value
        for key, value in msgspec.to_builtins(keys).items()
        if value is not None
    }
    senders = {
        f"~{key}" if key in _OWN_KEYS or _ESCAPED.fullmatch(key) else key: value
        for key, value in event.metadata.items()
    }
    return ClientEvent(
        type=event.type,
        data=event.payload_text.encode(),
        metadata=msgspec.json.encode(stated | senders, order="deterministic"),
        content_type="application/json",
        id=UUID(event.event_id),
    )


def row(event: kurrentdbclient.RecordedEvent) -> tuple[Any, ...]:
    """Event of the client as a row in the order of the envelope's columns."""
    keys, rest = _read_metadata(event.metadata)
    recorded_at = _storable(keys.recorded_at or event.recorded_at or _EPOCH)
    stream = event.stream_name
    try:
        payload = event.data.decode()
    except UnicodeDecodeError:
        payload = _wrapped(event.data)
    return (
        event.commit_position,
        stream,
        stream.partition("-")[0],
        event.stream_position,
        str(event.id),
        event.type,
        keys.schema_version,
        recorded_at,
        _storable(keys.occurred_at or recorded_at),
        keys.correlation_id,
        keys.causation_id,
        keys.actor,
        event.content_type,
        payload,
        rest,
    )


def _storable(instant: dt.datetime) -> dt.datetime:
    """Instant in UTC; outside the years of events the nearest instant beyond them.

    Such an instant has no place in UTC at the ends of the calendar; what the sender
    wrote stays in the metadata, and the event waits in quarantine.
    """
    if is_admissible(instant):
        return instant.astimezone(dt.UTC)
    return LATEST if instant.year > EARLIEST.year else EARLIEST - _MICROSECOND


def recorded(event: kurrentdbclient.RecordedEvent) -> RecordedEvent:
    """Event of the client as an event of a store."""
    return RecordedEvent(**dict(zip(COLUMNS, row(event), strict=True)))


def _read_metadata(text: bytes) -> _Envelope:
    if not text:
        return _PLAIN
    try:
        keys = _STRICT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_key_by_key(text)
    if not _is_sound(keys):
        return _read_key_by_key(text)
    return _Envelope(keys, _NO_METADATA)


def _is_sound(keys: _EnvelopeMetadata) -> bool:
    return (
        keys.schema_version in _VERSIONS
        and bool(keys.actor)
        and all(
            instant is None or (instant.tzinfo is not None and is_admissible(instant))
            for instant in (keys.occurred_at, keys.recorded_at)
        )
    )


def _read_key_by_key(text: bytes) -> _Envelope:
    """Take what fits its key; what does not stays with the sender's own keys."""
    try:
        fault = metadata_fault(text.decode())
        if fault is not None:
            return _Envelope(_EnvelopeMetadata(), _wrapped(text, fault))
        found = _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Envelope(_EnvelopeMetadata(), _wrapped(text))
    readers = {
        "occurredAt": ("occurred_at", _instant),
        "recordedAt": ("recorded_at", _instant),
        "actor": ("actor", _actor),
        "schemaVersion": ("schema_version", _version),
        "$correlationId": ("correlation_id", _text),
        "$causationId": ("causation_id", _text),
    }
    stated: dict[str, Any] = {}
    rest: dict[str, msgspec.Raw] = {}
    for key, raw in found.items():
        name, reader = readers.get(key, (None, None))
        value = reader(raw) if reader else None
        if name is not None and value is not None:
            stated[name] = value
        if value is None or (
            isinstance(value, dt.datetime) and not is_admissible(value)
        ):
            rest[key[1:] if _ESCAPED.fullmatch(key) else key] = raw
    kept = msgspec.json.encode(rest, order="deterministic").decode()
    return _Envelope(_EnvelopeMetadata(**stated), kept)


def _instant(raw: msgspec.Raw) -> dt.datetime | None:
    try:
        value = _INSTANT.decode(raw)
    except msgspec.DecodeError:
        return None
    # Without a zone nobody knows which instant it is.
    return value if value.tzinfo else None


def _value(raw: msgspec.Raw) -> Any:
    """Value of a key; None where it cannot be read."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _text(raw: msgspec.Raw) -> str | None:
    value = _value(raw)
    return value if isinstance(value, str) else None


def _actor(raw: msgspec.Raw) -> str | None:
    return _text(raw) or None


def _version(raw: msgspec.Raw) -> int | None:
    value = _value(raw)
    # Some writers can store texts alone.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= _VERSION_DIGITS else None
    return value if type(value) is int and value in _VERSIONS else None


def _wrapped(content: bytes, fault: str | None = None) -> str:
    """JSON object of bytes that are no text, or that no reader can follow."""
    stated = {} if fault is None else {FAULT_KEY: fault}
    kept = {**stated, "base64": b64encode(content).decode()}
    return msgspec.json.encode(kept).decode()
