"""Small events for tests: ids by number, one simple type."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.events.event_types.catalog import new_event
from medhavi.events.event_types.movements import SupplyOrderReleased

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.api import NewEvent, RecordedEvent

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def event_id(number: int) -> str:
    """The same UUID for the same number."""
    return str(uuid.UUID(int=number + 1))


def sample(number: int, **envelope: Any) -> NewEvent:
    """An event that differs from another by its number alone."""
    payload = SupplyOrderReleased(supply_order=f"WO-{number}")
    envelope = {"occurred_at": NOON + dt.timedelta(minutes=number)} | envelope
    return new_event(payload, event_id=event_id(number), **envelope)


def samples(numbers: Iterable[int], **envelope: Any) -> list[NewEvent]:
    """Add a number to one event."""
    return [sample(number, **envelope) for number in numbers]


def to_line(event: RecordedEvent) -> str:
    """Line of an event in a text file, with its line break."""
    values = msgspec.structs.asdict(event)
    values["payload"] = msgspec.Raw(event.payload.encode())
    values["metadata"] = msgspec.Raw(event.metadata.encode())
    return msgspec.json.encode(values).decode().replace("\n", " ") + "\n"
