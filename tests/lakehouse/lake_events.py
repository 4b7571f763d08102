"""Events for lake tests: told by type and fields, ids and times by number."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.events.event_types.catalog import TYPES, new_event, stream_for
from medhavi.events.memory import MemoryStore
from medhavi.lakehouse.folds.silver_state import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.api import NewEvent, RecordedEvent

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def day(number: float) -> dt.datetime:
    """Instant so many days after the start of all lake tests."""
    return START + dt.timedelta(days=number)


def body(kind: str, /, **fields: Any) -> Any:
    """Payload of a type from its fields."""
    return msgspec.convert(fields, TYPES[kind].payload)


def event(
    number: int,
    kind: str,
    /,
    *,
    occurred: dt.datetime | None = None,
    recorded: dt.datetime | None = None,
    **fields: Any,
) -> tuple[str, list[NewEvent]]:
    """A stream and its one event; times default to that many minutes."""
    payload = body(kind, **fields)
    moment = START + dt.timedelta(minutes=number)
    return stream_for(payload), [
        new_event(
            payload,
            event_id=str(uuid.UUID(int=number + 1)),
            occurred_at=occurred or moment,
            recorded_at=recorded or occurred or moment,
        )
    ]


def facts(*told: tuple[str, dict[str, Any]]) -> list[Fact]:
    """Facts for a fold: (type, fields) each, positions from 1."""
    return [
        Fact(
            position, kind, START + dt.timedelta(minutes=position), body(kind, **fields)
        )
        for position, (kind, fields) in enumerate(told, start=1)
    ]


def store_of(batches: Iterable[tuple[str, list[NewEvent]]]) -> MemoryStore:
    """A store in memory that holds these events."""
    store = MemoryStore()
    store.append_many(batches)
    return store


def purchase(
    number: int, order: str, qty: float, due: dt.datetime, **more: Any
) -> tuple[str, list[NewEvent]]:
    """A purchase of the product of the small company."""
    placed = {"supply_order": order, "kind": "purchase", "qty": qty, "due": due}
    here = {"product": "A", "location": "DC"}
    return event(number, "SupplyOrderPlaced", **placed, **here, **more)


def small_company() -> list[tuple[str, list[NewEvent]]]:
    """A product bought, stocked and ordered; nothing is wrong with it."""
    return [
        event(1, "ProductDefined", product="A", unit_cost=2.0),
        event(2, "LocationDefined", location="DC"),
        event(3, "SupplierDefined", supplier="S"),
        event(
            4,
            "SupplyTermDefined",
            supplier="S",
            product="A",
            location="DC",
            lead_time_days=5.0,
        ),
        event(5, "StockCounted", product="A", location="DC", qty=40.0),
        event(6, "OrderPlaced", sales_order="SO-1", lines=[line("D-1", qty=100.0)]),
        purchase(7, "PO-1", 30.0, day(10), source="S"),
    ]


def line(demand: str, **cells: Any) -> dict[str, Any]:
    """A row of demands."""
    row = {"demand": demand, "product": "A", "location": "DC", "qty": 1.0, "due": DUE}
    return {**row, **cells}


def rows_only(events: Iterable[RecordedEvent]) -> Any:
    """A store that is not checked as one; see `RowsOnly`."""
    return RowsOnly(events)


class RowsOnly:
    """A store whose answers are as written here: for logs that no real one allows."""

    def __init__(self, events: Iterable[RecordedEvent]) -> None:
        self.kept = list(events)

    def read_all(
        self, after: int = 0, limit: int | None = None, **_chosen: object
    ) -> Any:
        found = [event for event in self.kept if event.position > after]
        return iter(found if limit is None else found[:limit])

    def head(self) -> int:
        return max((event.position for event in self.kept), default=0)
