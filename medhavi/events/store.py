"""What every event store can do: five verbs (design 5), and the audit of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import msgspec

from medhavi.errors import EnvironmentFailure
from medhavi.events.event_types.catalog import UndecodableEvent, decode
from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from medhavi.events.envelope import NewEvent, RecordedEvent
    from medhavi.findings import Finding


ANY: Final = -2
"""Expected revision: whatever the stream holds."""
NO_STREAM: Final = -1
"""Expected revision: the stream has no event yet."""


class StoreUnreachable(EnvironmentFailure):
    """The store does not answer now; the same call may succeed later."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a read gives; an empty tuple does not filter."""

    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def admits(self, event: RecordedEvent) -> bool:
        """Whether an event passes."""
        return (not self.types or event.type in self.types) and (
            not self.categories or event.category in self.categories
        )


@runtime_checkable
class EventStore(Protocol):
    """An append-only log of streams.

    Notes
    -----
    Positions increase in the order in which events become visible: a reader that goes
    on after the last position it saw misses nothing. Appending events whose ids are all
    stored already in this stream, in this order, changes nothing and gives their
    positions; a mix of old and new ids is a conflict.
    """

    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int = ANY
    ) -> tuple[int, ...]:
        """Append all events or none; give their positions.

        Parameters
        ----------
        expected_revision
            Revision of the last event of the stream, `NO_STREAM` or `ANY`.

        Raises
        ------
        RevisionConflict
            The stream is not where the caller believes; read again and decide anew.
        EnvironmentFailure
            The store cannot be written (disk full, read-only, locked).
        """
        ...

    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        """Events of a stream in order of revision; none for an unknown one."""
        ...

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Events with position > after in order of position, at most `limit`."""
        ...

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """All events after a position, then wait for new ones.

        It ends when `cancelled`, which is polled while it waits, says so.
        """
        ...

    def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        ...


class BulkStore(EventStore, Protocol):
    """A store that also loads histories and hands out Arrow tables."""

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        """Append to many streams in one transaction, whatever they hold."""
        ...

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Events after a position as a table in the schema of the envelope."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """A store that knows problems of its own file."""

    def problems(self) -> list[Finding]:
        """What is wrong with the file."""
        ...


def audit(store: EventStore) -> list[Finding]:
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
