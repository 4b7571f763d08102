"""The catalogue: every event type by its registered name, its codec and its stream.

A payload is a msgspec Struct; its JSON has floats as numbers, instants in ISO 8601 UTC
with Z, and leaves out what is absent. `TYPES` is closed: what is not in it cannot be
decoded and goes to quarantine with the reason of `UndecodableEvent`.

The state of a key is the fold of its facts in the order of (`occurred_at`, position).

A payload that was written under version n passes all steps from n up to the version of
today before it is decoded. Steps work on plain JSON objects: the old types are gone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.errors import MedhaviError
from medhavi.events.envelope import (
    NewEvent,
    depth_fault,
    document_fault,
    instant_fault,
    may_hold_long_text,
    repeated_key_fault,
    stream_name,
)
from medhavi.events.event_types.decision_types import AMENDMENTS, DECISIONS
from medhavi.events.event_types.master_data import MASTER, master_types
from medhavi.events.event_types.movements import DISRUPTIONS, MOVEMENTS
from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.findings import Finding


class Effect(StrEnum):
    """What a fact does to the state of its key."""

    ANCHOR = "anchor"
    """Sets the level at its `occurred_at`; later movements stand on it."""
    MOVEMENT = "movement"
    """Adds to a level; movements commute."""
    STATEMENT = "statement"
    """Sets fields; the last in effect holds, whenever it was recorded."""
    RECORD = "record"
    """Changes no table; kept for whoever asks what was said."""
    AMENDMENT = "amendment"
    """Takes another fact out or replaces it, from when it was recorded."""


_OTHERS: Mapping[str, Effect] = MappingProxyType(
    {
        "StockCounted": Effect.ANCHOR,
        "StockMoved": Effect.MOVEMENT,
        "LotReceived": Effect.MOVEMENT,
        "ShipmentDelivered": Effect.MOVEMENT,
        "SupplyOrderReceived": Effect.MOVEMENT,
        "PromiseRejected": Effect.RECORD,
        "PromiseAtRisk": Effect.RECORD,
        "PlanPublished": Effect.RECORD,
        "ExceptionReviewed": Effect.RECORD,
        "ModelPromoted": Effect.RECORD,
        "EventVoided": Effect.AMENDMENT,
        "EventCorrected": Effect.AMENDMENT,
    }
)


def effect_of(type_name: str) -> Effect:
    """Effect of an event type of the catalogue; most are statements.

    >>> effect_of("StockCounted").value
    'anchor'
    >>> effect_of("SupplyTermChanged").value
    'statement'
    """
    return _OTHERS.get(type_name, Effect.STATEMENT)


JsonObject = dict[str, Any]
Step = Callable[[JsonObject], JsonObject]


def order_placed_1(old: JsonObject) -> JsonObject:
    """Every line its own due date.

    Version 1 had one `due_date` for the order, a date without time; the end of that day
    in UTC is meant. A line without `due` takes it.
    """
    new = {key: value for key, value in old.items() if key != "due_date"}
    due_date = old.get("due_date")
    if due_date is not None:
        due = {"due": f"{due_date}T23:59:59Z"}
        new["lines"] = [{**due, **line} for line in old["lines"]]
    return new


def order_promised_1(old: JsonObject) -> JsonObject:
    """Name the date that a probability is of.

    `on_time_prob` of version 1 counted arrivals up to the later of `promised` and due.
    Which of the two that was is known where the payload carries the line; elsewhere the
    probability is left out.
    """
    new = {key: value for key, value in old.items() if key != "on_time_prob"}
    stated, due = old.get("on_time_prob"), (old.get("line") or {}).get("due")
    if stated is not None and due is not None:
        late = _instant(old["promised"]) > _instant(due)
        new["date_prob" if late else "on_time_prob"] = stated
    return new


def promise_at_risk_1(old: JsonObject) -> JsonObject:
    """Name the date that a probability is of: in version 1 the promised one."""
    new = {key: value for key, value in old.items() if key != "on_time_prob"}
    if old.get("on_time_prob") is not None:
        new["date_prob"] = old["on_time_prob"]
    return new


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


UPCASTS: Mapping[tuple[str, int], Step] = {
    ("OrderPlaced", 1): order_placed_1,
    ("OrderPromised", 1): order_promised_1,
    ("PromiseAtRisk", 1): promise_at_risk_1,
}
"""(type, version of the payload) → function to the next version."""


def current_version(type_name: str, steps: Mapping[tuple[str, int], Step]) -> int:
    """Version that a type has after all its steps."""
    version = 1
    while (type_name, version) in steps:
        version += 1
    return version


def upcast(
    type_name: str,
    version: int,
    payload: JsonObject,
    steps: Mapping[tuple[str, int], Step] = UPCASTS,
) -> JsonObject:
    """Lift a payload to the version of today; the argument is not changed."""
    while (type_name, version) in steps:
        payload = steps[type_name, version](payload)
        version += 1
    return payload


__all__ = [
    "MASTER",
    "TYPES",
    "EventType",
    "UndecodableEvent",
    "decode",
    "decode_like",
    "encode",
    "event_type",
    "master_event",
    "new_event",
    "stream_for",
]


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """Entry of the catalogue.

    Attributes
    ----------
    name, group
        Registered name; master, movement, disruption, decision or amendment.
    version
        Version of the payload today; older ones are lifted.
    payload
        The msgspec Struct.
    category, stream_key
        Category of its home stream and the payload fields that form its id.
    effect
        What it does to the state of its key.
    """

    name: str
    group: str
    version: int
    payload: Any
    category: str
    stream_key: tuple[str, ...]
    effect: Effect

    @property
    def folds(self) -> bool:
        """Whether it changes the rows of a table; records and amendments do not."""
        return self.effect not in (Effect.RECORD, Effect.AMENDMENT)


def _types() -> dict[str, EventType]:
    groups = {
        "master": master_types(),
        "movement": MOVEMENTS,
        "disruption": DISRUPTIONS,
        "decision": DECISIONS,
        "amendment": AMENDMENTS,
    }
    return {
        name: EventType(
            name=name,
            group=group,
            version=current_version(name, UPCASTS),
            payload=payload,
            category=category,
            stream_key=stream_key,
            effect=effect_of(name),
        )
        for group, members in groups.items()
        for name, (payload, category, stream_key) in members.items()
    }


TYPES: Mapping[str, EventType] = MappingProxyType(_types())
"""Registered name → entry, for every event that Medhavi knows."""

UNKNOWN_TYPE = "EVT001"
FUTURE_VERSION = "EVT002"
NOT_JSON = "EVT003"
MISFIT = "EVT004"
NOT_LIFTED = "EVT005"
INADMISSIBLE = "EVT007"

_BY_PAYLOAD = {entry.payload: entry for entry in TYPES.values()}


class UndecodableEvent(MedhaviError):  # noqa: N818 - reads as what it is
    """A payload that the catalogue cannot read.

    `code` is the reason for quarantine: EVT001 unknown type, EVT002 version from the
    future, EVT003 not JSON, EVT004 a field is unknown, missing or of the wrong type,
    EVT005 an old version that cannot be lifted, EVT007 a number, instant, text or
    depth that no plan can work with, or a key that stands there twice.
    """

    def __init__(self, code: str, **fields: object) -> None:
        self.code = code
        self.finding: Finding = finding(code, table="events", **fields)  # type: ignore[arg-type]
        super().__init__(self.finding.message)

    def at(self, position: int) -> Finding:
        """Finding with the position of the event as its row."""
        return dataclasses.replace(self.finding, row=position)


_ENCODER = msgspec.json.Encoder()
_OFFSET = re.compile(rb"[+-]\d\d:\d\d\"")


def encode(payload: msgspec.Struct) -> str:
    """JSON text of a payload.

    Raises
    ------
    ValueError
        A number is not finite; JSON has no text for it.

    Examples
    --------
    >>> encode(TYPES["SupplyOrderReleased"].payload(supply_order="WO-1"))
    '{"supply_order":"WO-1"}'
    """
    text = _ENCODER.encode(payload)
    # Defaults are left out, so both are rare: `null` may hide a number that is not
    # finite, an offset an instant that is not written in UTC.
    if b"null" in text or _OFFSET.search(text):
        text = _ENCODER.encode(_plain(payload))
    return text.decode()


def _plain(value: Any) -> Any:
    """JSON objects with instants in UTC; refuse numbers that are not finite."""
    if isinstance(value, msgspec.Struct):
        shown = [(f, getattr(value, f.name)) for f in msgspec.structs.fields(value)]
        return {
            field.encode_name: _plain(part)
            for field, part in shown
            if field.required or part != _default(field)
        }
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC)
    if isinstance(value, float) and not math.isfinite(value):
        message = f"{value} cannot be written in an event; leave the field out."
        raise ValueError(message)
    return value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


@cache
def _decoder(type_name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(TYPES[type_name].payload)


def decode(
    type_name: str, version: int, payload: str | bytes, *, is_plain: bool = False
) -> Any:
    """Read a payload into its Struct, lifted to the version of today.

    Parameters
    ----------
    is_plain
        Whether the text is known to hold no large number, no escaped character and
        no year outside 1900 to 2199 (`SUSPICIOUS` finds none); it is then read faster.

    Raises
    ------
    UndecodableEvent
        With the reason for quarantine.
    """
    entry = TYPES.get(type_name)
    if entry is None:
        raise UndecodableEvent(UNKNOWN_TYPE, column="type", value=type_name)
    try:
        if version != entry.version:
            body = _decode_old(entry, version, payload)
        else:
            body = _decoder(type_name).decode(payload)
    except msgspec.ValidationError as error:
        raise _misfit(entry, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(entry, error) from None
    text = payload if isinstance(payload, str) else payload.decode()
    if not is_plain or may_hold_long_text(text):
        fault = document_fault(text) or _instants_fault(body)
    else:
        fault = depth_fault(text)
        if fault is None and not _has_each_key_once(text.encode(), [body]):
            fault = repeated_key_fault(text)
    if fault is not None:
        raise UndecodableEvent(
            INADMISSIBLE, column="payload", type=entry.name, detail=fault
        )
    return body


def decode_like(
    type_name: str, version: int, payloads: Sequence[str]
) -> list[Any] | None:
    """Read payloads of one type at once, where `decode` takes each of them.

    For texts without what `SUSPICIOUS` finds, and within the limits of `admission` for
    long texts and levels. None: `decode` is to look at each of them.

    >>> decode_like("SupplyOrderReleased", 1, ['{"supply_order":"WO-1"}'])
    [SupplyOrderReleased(supply_order='WO-1')]
    >>> decode_like("SupplyOrderReleased", 1, ['{"supply_order":"WO-1"', "}"])
    """
    entry = TYPES.get(type_name)
    if entry is None or version != entry.version:
        return None
    try:
        text = "\n".join(payloads).encode()
        bodies: list[Any] = _decoder(type_name).decode_lines(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    one_each = len(bodies) == len(payloads) == text.count(b"\n") + 1
    return bodies if one_each and _has_each_key_once(text, bodies) else None


def _has_each_key_once(text: bytes, bodies: list[Any]) -> bool:
    """Whether it is sure that no object of some payloads states a key twice.

    Their own texts have the keys that are read, each once, and never one that was not
    there. Where keys are as many in both, none was dropped as a repetition.
    """
    own = _ENCODER.encode_lines(bodies)
    if own == text + b"\n":
        return True
    return _SPACED_KEY.search(text) is None and own.count(b'":') == text.count(b'":')


_SPACED_KEY = re.compile(rb'"\s+:')


SUSPICIOUS = (
    r"[0-9]{13}|[0-9][eE]|\\u|"
    r'"(?:0[0-9]|1[0-8]|2[2-9]|[3-9][0-9])[0-9][0-9]-[0-9][0-9]-'
)
"""Pattern of texts that `decode` must look into more closely."""


def _instants_fault(value: Any, name: str = "") -> str | None:
    """Fault of an instant or a date anywhere in a payload."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, msgspec.Struct):
        names = zip(
            value.__struct_encode_fields__, value.__struct_fields__, strict=True
        )
        parts = [(told, getattr(value, field)) for told, field in names]
    elif isinstance(value, dict):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(name, part) for part in value]
    elif isinstance(value, dt.datetime):
        return instant_fault(
            name, value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        )
    elif isinstance(value, dt.date):
        midnight = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
        return instant_fault(name, midnight)
    faults = (_instants_fault(part, key) for key, part in parts)
    return next((fault for fault in faults if fault is not None), None)


def _decode_old(entry: EventType, version: int, payload: str | bytes) -> Any:
    if not 1 <= version < entry.version:
        raise UndecodableEvent(
            FUTURE_VERSION,
            column="schema_version",
            value=version,
            type=entry.name,
            known=entry.version,
        )
    try:
        old = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise _not_json(entry, error) from None
    try:
        lifted = upcast(entry.name, version, old)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UndecodableEvent(
            NOT_LIFTED,
            column="payload",
            type=entry.name,
            version=version,
            detail=f"{type(error).__name__}: {error}",
        ) from None
    return msgspec.convert(lifted, entry.payload)


def _not_json(entry: EventType, error: Exception) -> UndecodableEvent:
    return UndecodableEvent(
        NOT_JSON, column="payload", type=entry.name, detail=str(error)
    )


def _misfit(entry: EventType, error: Exception) -> UndecodableEvent:
    return UndecodableEvent(
        MISFIT, column="payload", type=entry.name, detail=str(error)
    )


def event_type(payload: msgspec.Struct) -> EventType:
    """Catalogue entry of a payload.

    Raises
    ------
    KeyError
        The Struct is no registered payload.
    """
    return _BY_PAYLOAD[type(payload)]


def stream_for(payload: msgspec.Struct) -> str:
    """Home stream of a payload.

    Examples
    --------
    >>> stream_for(TYPES["SupplyOrderReleased"].payload(supply_order="WO-1"))
    'supply_order-WO-1'
    """
    entry = event_type(payload)
    parts = (getattr(payload, field) for field in entry.stream_key)
    return stream_name(entry.category, *("*" if p is None else p for p in parts))


def new_event(
    payload: msgspec.Struct,
    *,
    event_id: str,
    occurred_at: dt.datetime | None = None,
    **envelope: Any,
) -> NewEvent:
    """Wrap a payload: its type, version and JSON are filled in.

    `envelope` are further fields of `NewEvent`, such as actor or correlation_id.
    """
    entry = event_type(payload)
    return NewEvent(
        event_id=event_id,
        type=entry.name,
        schema_version=entry.version,
        payload=encode(payload),
        occurred_at=occurred_at,
        **envelope,
    )


def master_event(table: str, row: Mapping[str, Any], verb: str = "Defined") -> Any:
    """Make the payload of a master-data event from a row.

    Parameters
    ----------
    row
        Column → value; None is an empty cell.
    verb
        Defined, Changed or Retired (then only the key columns are taken).

    Raises
    ------
    KeyError
        The table is no master data.
    msgspec.ValidationError
        A column is unknown, missing or of the wrong type.

    Examples
    --------
    >>> master_event("uom_conversions", {"product": "A", "uom": "box", "factor": 12})
    UomConversionDefined(product='A', uom='box', factor=12.0)
    """
    entry = TYPES[f"{MASTER[table].singular}{verb}"]
    if verb == "Retired":
        names = {field.encode_name for field in msgspec.structs.fields(entry.payload)}
        row = {name: value for name, value in row.items() if name in names}
    return msgspec.convert(row, entry.payload)
