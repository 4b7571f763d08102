"""Audit of a store: nothing missing, nothing twice, everything readable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from medhavi.errors import EnvironmentFailure
from medhavi.events.event_types.catalog import UndecodableEvent, decode
from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.events.envelope import RecordedEvent
    from medhavi.events.store import EventStore
    from medhavi.findings import Finding


@runtime_checkable
class SelfChecking(Protocol):
    """A store that knows problems of its own file."""

    def problems(self) -> list[Finding]:
        """What is wrong with the file."""
        ...


def verify(store: EventStore) -> list[Finding]:
    """Everything that is wrong with a store.

    Positions must increase, revisions of a stream count from 0 without gaps, ids be
    unique, categories agree with streams, and every payload must decode.
    """
    found = store.problems() if isinstance(store, SelfChecking) else []
    try:
        found.extend(_problems(store.read_all()))
    except EnvironmentFailure:
        # A damaged file is told by its own check; what was read before stays told.
        if not found:
            raise
    return found


def _problems(events: Iterator[RecordedEvent]) -> Iterator[Finding]:
    before = 0
    revisions: dict[str, int] = {}
    positions: dict[str, int] = {}
    for event in events:
        if event.position <= before:
            yield finding(
                "EVT010",
                table="events",
                column="position",
                value=event.position,
                before=before,
            )
        before = event.position
        expected = revisions.get(event.stream, -1) + 1
        if event.revision != expected:
            yield finding(
                "EVT011",
                table="events",
                row=event.position,
                column="revision",
                value=event.revision,
                stream=event.stream,
                expected=expected,
            )
        revisions[event.stream] = event.revision
        if event.event_id in positions:
            yield finding(
                "EVT012",
                table="events",
                row=event.position,
                column="event_id",
                value=event.event_id,
                position=event.position,
                before=positions[event.event_id],
            )
        positions[event.event_id] = event.position
        yield from _content_problems(event)


def _content_problems(event: RecordedEvent) -> Iterator[Finding]:
    category = event.stream.partition("-")[0]
    if event.category != category:
        yield finding(
            "EVT013",
            table="events",
            row=event.position,
            column="category",
            value=event.category,
            stream=event.stream,
            expected=category,
        )
    try:
        decode(event.type, event.schema_version, event.payload)
    except UndecodableEvent as error:
        yield error.at(event.position)
