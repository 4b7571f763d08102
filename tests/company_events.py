"""The example company (lemonade) told as events: what the tables say, fact by fact."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.schema import tables
from medhavi.schema.template import example_rows
from tests.api import MASTER, TYPES, master_event, new_event, stream_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.api import NewEvent

AS_OF = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)


def example_history() -> Iterator[tuple[str, list[NewEvent]]]:
    """Streams and events: master data a day before now, stock and orders at it."""
    for number, payload in enumerate(_payloads()):
        master = type(payload).__name__.endswith("Defined")
        occurred = AS_OF - dt.timedelta(days=1) if master else AS_OF
        yield (
            stream_for(payload),
            [
                new_event(
                    payload,
                    event_id=str(uuid.UUID(int=number + 1)),
                    occurred_at=occurred,
                    recorded_at=occurred,
                )
            ],
        )


def _payloads() -> Iterator[Any]:
    rows = example_rows()
    for table in rows:
        if table in MASTER:
            for row in rows[table]:
                yield master_event(table, _filled(table, row))
    yield _payload("SettingChanged", {"setting": "horizon_days", "value": 120.0})
    for row in rows["stock"]:
        yield _payload("StockCounted", _filled("stock", row))
    for line, row in enumerate(rows["demands"], start=1):
        order = {"sales_order": row["demand"], "customer": row["customer"]}
        lines = [{**_filled("demands", row), "line": line}]
        yield _payload("OrderPlaced", {**order, "lines": lines})


def _payload(name: str, fields: dict[str, Any]) -> Any:
    return msgspec.convert(fields, TYPES[name].payload)


def _filled(table: str, row: Any) -> dict[str, Any]:
    """Leave empty cells out; numbers and times as events write them."""
    columns = tables()[table].columns
    forms: dict[str, Callable[[Any], Any]] = {"float": float, "time": "{}:00".format}
    return {
        name: forms.get(columns[name].type, lambda cell: cell)(value)
        for name, value in row.items()
        if value != ""
    }
