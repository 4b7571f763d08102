"""What every event store can do: five verbs (design 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import msgspec

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from medhavi.events.envelope import NewEvent, RecordedEvent

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
