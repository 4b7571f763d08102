"""One small history of aurora, played once for all tests of the demo company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from medhavi.lakehouse.lake import Lake
from medhavi.units import to_seconds
from tests.api import MemoryStore, aurora, decode, ground_truth

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


class Fact(NamedTuple):
    """An event as a test reads it: type, instants in seconds, decoded payload."""

    stream: str
    event_id: str
    type: str
    occurred: int
    recorded: int
    payload: Any
    metadata: dict[str, Any]


@pytest.fixture(scope="session")
def batches() -> list[tuple[str, list[Any]]]:
    """The small history as it is generated."""
    return list(aurora.generate("small", 1))


@pytest.fixture(scope="session")
def facts(batches: list[tuple[str, list[Any]]]) -> list[Fact]:
    """Every generated event, decoded by the catalogue."""
    return [
        Fact(
            stream,
            event.event_id,
            event.type,
            to_seconds(event.occurred_at),
            to_seconds(event.recorded_at),
            decode(event.type, event.schema_version, event.payload),
            dict(event.metadata),
        )
        for stream, events in batches
        for event in events
    ]


@pytest.fixture(scope="session")
def truth() -> ground_truth.GroundTruth:
    """What was planted in that history."""
    return ground_truth.truth("small", 1)


@pytest.fixture(scope="session")
def store(batches: list[tuple[str, list[Any]]]) -> MemoryStore:
    """The history in an event store."""
    events = MemoryStore()
    for stream, new in batches:
        events.append(stream, new)
    return events


@pytest.fixture(scope="session")
def lake(store: MemoryStore, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The history mirrored into a lake."""
    made = Lake(str(tmp_path_factory.mktemp("aurora") / "lake"))
    made.mirror(store)
    return made


@pytest.fixture(scope="session")
def snapshot(lake: Lake) -> Snapshot:
    """The state on the last Monday morning."""
    return lake.snapshot()
