"""Random facts of every type of the catalogue, over few ids so that they meet."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.schema import tables
from tests.api import TYPES, MemoryStore, new_event, stream_for
from tests.lakehouse.lake_events import START, day

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.api import Lake, NewEvent

KINDS = tuple(name for name, entry in TYPES.items() if entry.group != "amendment")
"""Types that tell something about the company."""

_IDS = ("A", "B", "é\\C")


def any_event(number: int, kind: str, rng: random.Random) -> tuple[str, NewEvent]:
    """A stream and an event of a type; its time is as unique as its number."""
    body = msgspec.convert(_body(TYPES[kind].payload, rng), TYPES[kind].payload)
    moment = START + dt.timedelta(minutes=number)
    event = new_event(
        body,
        event_id=str(uuid.UUID(int=number + 1)),
        occurred_at=moment,
        recorded_at=day(400),
    )
    return stream_for(body), event


def _body(payload: Any, rng: random.Random) -> dict[str, Any]:
    return {
        field.encode_name: _cell(field.encode_name, field.type, rng)
        for field in msgspec.structs.fields(payload)
        if field.required or rng.random() < 0.3
    }


def _cell(name: str, kind: Any, rng: random.Random) -> Any:
    """A cell of a field's type; settings and overrides name real columns."""
    if name in {"setting", "column"}:
        return rng.choice(["horizon_days", "bucket", "unit_cost", "qty"])
    if name == "table":
        return rng.choice(["products", "stock", "demands"])
    return _shaped(name, msgspec.inspect.type_info(kind), rng)


def _shaped(name: str, shape: Any, rng: random.Random) -> Any:
    inspect = msgspec.inspect
    while isinstance(shape, inspect.Metadata):
        shape = shape.type
    if isinstance(shape, inspect.UnionType):
        types = [t for t in shape.types if not isinstance(t, inspect.NoneType)]
        return _shaped(name, types[0], rng)
    if isinstance(shape, inspect.ListType):
        some = range(rng.randint(0, 2))
        return [_shaped(name, shape.item_type, rng) for _ in some]
    if isinstance(shape, inspect.StructType):
        return _body(shape.cls, rng)
    if isinstance(shape, inspect.DictType):
        return {"product": rng.choice(_IDS)} if name == "key" else {}
    return rng.choice(_SCALARS.get(type(shape), _IDS))


_SCALARS: dict[type, tuple[Any, ...]] = {
    msgspec.inspect.BoolType: (False, True),
    msgspec.inspect.IntType: (1, 2),
    msgspec.inspect.FloatType: (0.1, 0.2, 0.3, 1.0, 2.5, 7.0),
    msgspec.inspect.DateTimeType: tuple(map(day, range(4))),
    msgspec.inspect.DateType: tuple(day(n).date() for n in range(4)),
    msgspec.inspect.TimeType: (dt.time(6), dt.time(7)),
}


def told_in_order(
    events: Sequence[tuple[str, NewEvent]], batches: Sequence[int], lake: Lake
) -> dict[str, Any]:
    """Record events as they come, folding after each batch; give the state by table.

    Positions belong to the order of recording and are no part of the state.
    """
    store = MemoryStore()
    start = 0
    for end in [*batches, len(events)]:
        store.append_many((stream, [event]) for stream, event in events[start:end])
        start = end
        lake.mirror(store)
        lake.refresh()
    state: dict[str, Any] = {
        name: lake.table(f"silver.{name}").collect() for name in tables()
    }
    state["forecast_rows"] = lake.table("silver.forecast_rows").collect()
    state["overrides"] = lake.table("silver.overrides").drop("position").collect()
    state["snapshot"] = lake.snapshot().fingerprint
    return state
