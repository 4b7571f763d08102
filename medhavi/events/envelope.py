"""The envelope of an event: what is appended, what is stored, and within which limits.

`RecordedEvent` has exactly the columns of bronze `events` (design 5). A stream is
`<category>-<id>`; an id may have several parts, each percent-encoded, joined by commas,
so that neither a dash nor a comma inside an id can be misread.

Writers that do not use this package send what they like. What is outside these limits
is no fact that can be planned with; it is refused where this package appends it, and
waits in quarantine where another program wrote it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from medhavi.units import EARLIEST, LARGEST_NUMBER, LATEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa


COLUMNS = (
    "position",
    "stream",
    "category",
    "revision",
    "event_id",
    "type",
    "schema_version",
    "recorded_at",
    "occurred_at",
    "correlation_id",
    "causation_id",
    "actor",
    "content_type",
    "payload",
    "metadata",
)
"""The columns of bronze `events`, in order."""

JSON = "application/json"
UNKNOWN_ACTOR = "unknown"
MAX_PAYLOAD_BYTES = 10_000_000
"""Largest payload that a store accepts (requirement ING-06)."""

_CATEGORY = re.compile(r"[a-z][a-z0-9_]*")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_FIRST_MICROSECOND = (dt.datetime.min.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_LAST_MICROSECOND = (dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class StreamName(NamedTuple):
    """A stream's name in its parts; `parts` is empty for a stream of its own name."""

    category: str
    parts: tuple[str, ...]


def stream_name(category: str, *parts: str) -> str:
    """Name of a stream: `<category>-<part>,<part>…`, parts percent-encoded.

    Without parts the category is the name (one stream, such as `commitments`).

    Raises
    ------
    ValueError
        The category is not lower snake case, or the only part is empty.

    Examples
    --------
    >>> stream_name("stock", "P-1", "DC, north")
    'stock-P-1,DC%2C%20north'
    >>> stream_name("commitments")
    'commitments'
    """
    if not _CATEGORY.fullmatch(category):
        message = f"Stream category {category!r}: use lower snake case, such as lane."
        raise ValueError(message)
    if not parts:
        return category
    if parts == ("",):
        message = f"Stream of category {category!r}: the id is empty."
        raise ValueError(message)
    return f"{category}-{','.join(quote(part, safe='') for part in parts)}"


def parse_stream(name: str) -> StreamName:
    """Category and id parts of a stream's name; the inverse of `stream_name`.

    Raises
    ------
    ValueError
        The name does not begin with a category.

    Examples
    --------
    >>> parse_stream("stock-P-1,DC%2C%20north")
    StreamName(category='stock', parts=('P-1', 'DC, north'))
    """
    category, dash, rest = name.partition("-")
    if not _CATEGORY.fullmatch(category) or (dash and not rest):
        message = f"Stream {name!r}: a name is <category>-<id>, such as lane-L1."
        raise ValueError(message)
    return StreamName(category, tuple(map(unquote, rest.split(","))) if dash else ())


def to_microseconds(instant: dt.datetime) -> int:
    """UTC microseconds since 1970 of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> dt.datetime:
    """Aware UTC instant of microseconds since 1970; the calendar's end beyond it."""
    within = min(max(microseconds, _FIRST_MICROSECOND), _LAST_MICROSECOND)
    return _EPOCH + dt.timedelta(microseconds=within)


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact to append; checked when it is made.

    Attributes
    ----------
    event_id
        UUID in lower case with dashes; the same id is the same event for ever.
    type
        Registered name of the catalogue, such as OrderPlaced; never a class path.
    payload
        JSON object as text or UTF-8 bytes; `catalog.encode` makes it.
    occurred_at
        When it happened, aware; None: when it is recorded.
    actor
        Who or what caused it.
    correlation_id, causation_id
        The chain of work it belongs to; the event or command that caused it.
    schema_version
        Version of the payload, from 1.
    metadata
        Free keys of the sender.
    recorded_at
        Only for imports of a past history; None: the store's clock.
    """

    event_id: str
    type: str
    payload: str | bytes
    occurred_at: dt.datetime | None = None
    actor: str = UNKNOWN_ACTOR
    correlation_id: str | None = None
    causation_id: str | None = None
    schema_version: int = 1
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    recorded_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        """Check ids, type, version, instants and that the payload is a JSON object."""
        problem = _problem(self)
        if problem:
            message = f"Event {self.event_id!r} of type {self.type!r}: {problem}"
            raise ValueError(message)

    @property
    def payload_text(self) -> str:
        """The payload as text."""
        return self.payload if isinstance(self.payload, str) else self.payload.decode()

    @property
    def metadata_text(self) -> str:
        """The metadata as a JSON object, keys sorted."""
        if not self.metadata:
            return "{}"
        return msgspec.json.encode(self.metadata, order="deterministic").decode()


def _problem(event: NewEvent) -> str | None:
    """Name the first thing that is wrong with an event."""
    checks = (
        (
            _UUID.fullmatch(event.event_id),
            "event_id must be a UUID in lower case with dashes.",
        ),
        (
            _TYPE.fullmatch(event.type),
            "type must be a registered name such as OrderPlaced.",
        ),
        (event.schema_version >= 1, "schema_version must count from 1."),
        (event.actor, "actor is empty; leave it out where nobody is known."),
        (_aware(event.occurred_at), "occurred_at has no time zone; instants are UTC."),
        (_aware(event.recorded_at), "recorded_at has no time zone; instants are UTC."),
        (
            _in_range(event.occurred_at),
            f"occurred_at ({event.occurred_at}) lies outside the years 1900 to 2199.",
        ),
        (
            _in_range(event.recorded_at),
            f"recorded_at ({event.recorded_at}) lies outside the years 1900 to 2199.",
        ),
        (
            len(event.payload) <= MAX_PAYLOAD_BYTES,
            f"the payload has more than {MAX_PAYLOAD_BYTES:,} bytes; split it.",
        ),
    )
    for holds, problem in checks:
        if not holds:
            return problem
    try:
        # msgspec does not look into the texts of what it keeps raw.
        if isinstance(event.payload, bytes):
            event.payload.decode()
        _OBJECT.decode(event.payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return f"the payload is not a JSON object ({error})."
    for column in ("actor", "correlation_id", "causation_id"):
        fault = name_fault(column, getattr(event, column) or "")
        if fault is not None:
            return f"{fault}."
    return _metadata_problem(event) if event.metadata else None


def _metadata_problem(event: NewEvent) -> str | None:
    """Name what is wrong with metadata, for they are written as JSON."""
    try:
        fault = metadata_fault(event.metadata_text)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return f"the metadata cannot be written as JSON ({error})."
    return None if fault is None else f"the metadata cannot be kept: {fault}."


def _aware(instant: dt.datetime | None) -> bool:
    return instant is None or instant.tzinfo is not None


def _in_range(instant: dt.datetime | None) -> bool:
    return instant is None or instant.tzinfo is None or is_admissible(instant)


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a store gives it back: exactly the columns of bronze `events`.

    `position` orders all events of a store and has gaps in some stores; `revision`
    counts a stream's events from 0 without gaps. `payload` and `metadata` are text,
    each a JSON object.
    """

    position: int
    stream: str
    category: str
    revision: int
    event_id: str
    type: str
    schema_version: int
    recorded_at: dt.datetime
    occurred_at: dt.datetime
    correlation_id: str | None
    causation_id: str | None
    actor: str
    content_type: str
    payload: str
    metadata: str


def record(
    event: NewEvent, *, stream: str, position: int, revision: int, now: dt.datetime
) -> RecordedEvent:
    """Recorded form of an event; `now` where it states no recorded_at."""
    recorded_at = event.recorded_at or now
    return RecordedEvent(
        position=position,
        stream=stream,
        category=stream.partition("-")[0],
        revision=revision,
        event_id=event.event_id,
        type=event.type,
        schema_version=event.schema_version,
        recorded_at=recorded_at.astimezone(dt.UTC),
        occurred_at=(event.occurred_at or recorded_at).astimezone(dt.UTC),
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        actor=event.actor,
        content_type=JSON,
        payload=event.payload_text,
        metadata=event.metadata_text,
    )


def arrow_schema() -> pa.Schema:
    """Arrow schema of bronze `events`; instants in microseconds, UTC."""
    import pyarrow as pa

    instant = pa.timestamp("us", "UTC")
    types = {
        "position": pa.int64(),
        "revision": pa.int64(),
        "schema_version": pa.int32(),
        "recorded_at": instant,
        "occurred_at": instant,
    }
    optional = {"correlation_id", "causation_id"}
    return pa.schema(
        [
            pa.field(name, types.get(name, pa.string()), nullable=name in optional)
            for name in COLUMNS
        ]
    )


def to_arrow(events: Iterable[RecordedEvent]) -> pa.Table:
    """Events as a table in `arrow_schema`."""
    return rows_to_arrow([msgspec.structs.astuple(event) for event in events])


def rows_to_arrow(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows in the order of `COLUMNS` as a table in `arrow_schema`.

    Instants are datetimes, or microseconds of the epoch. Of a version that no column
    holds, which another program may state, the nearest that one does.

    Notes
    -----
    Columns are made by Polars: `pyarrow.array` looks whether Python values are pandas
    objects and imports pandas for that, 0.3 s before the first event of a process.
    """
    import polars as pl
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    schema = arrow_schema()
    arrays = []
    for values, field in zip(columns, schema, strict=True):
        kind: pl.DataType = pl.String()
        if pa.types.is_integer(field.type) or isinstance(next(iter(values), None), int):
            kind = pl.Int64()
        elif pa.types.is_timestamp(field.type):
            kind = pl.Datetime("us", "UTC")
        column = pl.Series(values, dtype=kind)
        if pa.types.is_int32(field.type):
            column = column.clip(-(2**31), 2**31 - 1)
        arrays.append(column.to_arrow().cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


LONGEST_NAME: Final = 1_000
"""Most characters of a stream, type, actor, correlation or causation."""
LONGEST_TEXT: Final = 100_000
"""Most characters of one text in a payload."""
DEEPEST: Final = 64
"""Most levels of objects and lists in a payload or in metadata."""

OPEN_ENDS: Final = frozenset({"valid_to", "expires_at", "latest"})
"""Ends that may lie after `LATEST`: other systems write "for ever" as 9999-12-31."""

_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = "\x00"


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The reason for which a document is refused."""


def is_admissible(instant: dt.datetime) -> bool:
    """Whether an aware instant lies in the years 1900 to 2199.

    >>> is_admissible(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    True
    >>> is_admissible(dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))))
    False
    """
    # The year first: at the ends of the calendar another zone cannot be compared.
    return 1900 <= instant.year < 2200 and EARLIEST <= instant < LATEST


def instant_fault(name: str, instant: dt.datetime) -> str | None:
    """Fault of an instant of a payload; None where it may be planned with."""
    open_end = name in OPEN_ENDS and instant.year >= 2200 and _fits_utc(instant)
    if is_admissible(instant) or open_end:
        return None
    return f"{name} ({instant}) lies outside the years 1900 to 2199"


def _fits_utc(instant: dt.datetime) -> bool:
    try:
        instant.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True


def name_fault(column: str, text: str) -> str | None:
    """Fault of a name of the envelope: too long, or characters that no table holds."""
    if len(text) > LONGEST_NAME:
        return f"{column} has {len(text):,} characters, at most {LONGEST_NAME:,}"
    return text_fault(column, text)


def text_fault(name: str, text: str) -> str | None:
    """Fault of a text: a NUL, or half of a surrogate pair."""
    if _CONTROL in text:
        return f"{name} holds a NUL character"
    if _LONE_SURROGATE.search(text):
        return f"{name} holds half of a surrogate pair"
    return None


def document_fault(text: str) -> str | None:
    """Fault of a JSON document: what breaks a limit of this module.

    A text that is no JSON has no fault here: its decoder says what is wrong with it.

    >>> document_fault('{"qty":1e300}')
    'the number 1e300 is beyond 1e+12'
    >>> document_fault('{"qty":1,"qty":2}')
    "the key 'qty' stands there twice"
    """
    too_deep = depth_fault(text)
    if too_deep is not None:
        return too_deep
    try:
        json.loads(
            text,
            object_pairs_hook=_checked_pairs,
            parse_int=_checked_number,
            parse_float=_checked_number,
            parse_constant=_checked_number,
        )
    except _Refused as refused:
        return str(refused)
    except ValueError:
        return None
    return None


def repeated_key_fault(text: str) -> str | None:
    """Fault of a JSON document that states a key of one object twice."""
    try:
        json.loads(text, object_pairs_hook=_unique_pairs, parse_int=float)
    except _Refused as refused:
        return str(refused)
    except ValueError:
        return None
    return None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            message = f"the key {key[:100]!a} stands there twice"
            raise _Refused(message)
        seen.add(key)


FAULT_KEY: Final = "$fault"
"""Key of metadata that says why an event of another writer cannot be used."""


def metadata_fault(text: str) -> str | None:
    """Fault of metadata: too many levels, or a key that stands there twice."""
    return depth_fault(text) or repeated_key_fault(text)


def may_hold_long_text(document: str) -> bool:
    """Whether a text of a JSON document may be longer than `LONGEST_TEXT`.

    Without a backslash, texts are what stands between the quotation marks.

    >>> may_hold_long_text('{"a":"' + 60_000 * "x" + '","b":"' + 60_000 * "x" + '"}')
    False
    """
    if len(document) <= LONGEST_TEXT:
        return False
    return "\\" in document or max(map(len, document.split('"'))) > LONGEST_TEXT


def depth_fault(text: str) -> str | None:
    """Fault of too many levels; brackets inside texts do not count."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return None
    # Without a backslash every second part between quotation marks is a text.
    bare = _TEXTS.sub("", text) if "\\" in text else "".join(text.split('"')[::2])
    deepest = level = 0
    for sign in _BRACKETS.findall(bare):
        level += 1 if sign in "[{" else -1
        deepest = max(deepest, level)
    if deepest <= DEEPEST:
        return None
    return f"{deepest:,} levels of objects and lists, at most {DEEPEST}"


def _checked_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            message = f"the key {key[:100]!a} stands there twice"
            raise _Refused(message)
        _check_texts("a key", key)
        _check_texts(key[:100], value)
        found[key] = value
    return found


def _check_texts(name: str, value: object) -> None:
    if isinstance(value, list):
        for part in value:
            _check_texts(name, part)
    if not isinstance(value, str):
        return
    if len(value) > LONGEST_TEXT:
        message = f"{name} has {len(value):,} characters, at most {LONGEST_TEXT:,}"
        raise _Refused(message)
    fault = text_fault(name, value)
    if fault is not None:
        raise _Refused(fault)


def _checked_number(text: str) -> float:
    value = float(text)
    if not abs(value) <= LARGEST_NUMBER:
        message = f"the number {text[:40]} is beyond {LARGEST_NUMBER:g}"
        raise _Refused(message)
    return value
