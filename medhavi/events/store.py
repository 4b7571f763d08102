"""What every event store can do: five verbs (design 5), and the URLs that open one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import msgspec

from medhavi.errors import NotAvailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from medhavi.events.envelope import NewEvent, RecordedEvent

ANY: Final = -2
"""Expected revision: whatever the stream holds."""
NO_STREAM: Final = -1
"""Expected revision: the stream has no event yet."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a read gives; an empty tuple does not filter."""

    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def admits(self, event: RecordedEvent) -> bool:
        """Tell whether an event passes."""
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
        """Give the events of a stream in order of revision; none for an unknown one."""
        ...

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Give events with position > after in order of position, at most `limit`."""
        ...

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """Give all events after a position, then wait for new ones.

        It ends when `cancelled`, which is polled while it waits, says so.
        """
        ...

    def head(self) -> int:
        """Give the position of the newest event; 0 when there is none."""
        ...


class BulkStore(EventStore, Protocol):
    """A store that also loads histories and hands out Arrow tables."""

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        """Append to many streams in one transaction, whatever they hold."""
        ...

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Give events after a position as a table in the schema of the envelope."""
        ...


def open_store(url: str, *, create: bool = True) -> BulkStore:
    """Open the store of a URL.

    Parameters
    ----------
    url
        `sqlite:///relative.db`, `sqlite:////absolute.db`, `jsonl:path` (read only),
        `memory:` (empty, gone with the process).
    create
        False: refuse a file that does not exist; for those who only read.

    Raises
    ------
    NotAvailable
        `kurrentdb://` and `esdb://` are not built yet.
    EnvironmentFailure
        The file cannot be opened.
    UsageError
        The URL names no kind of store.
    """
    kind, _, rest = url.partition(":")
    if kind == "memory" and not rest:
        from medhavi.events.memory import MemoryStore

        return MemoryStore()
    if kind == "sqlite" and rest.startswith("///") and len(rest) > 3:
        from medhavi.events.sqlite import SqliteStore

        return SqliteStore(rest[3:], create=create)
    if kind == "jsonl" and rest:
        from medhavi.events.jsonl import JsonlStore

        return JsonlStore(rest)
    if kind in {"kurrentdb", "kurrentdb+discover", "kdb", "esdb", "esdb+discover"}:
        message = f"{url}: KurrentDB is not built yet; use sqlite:///path.db."
        raise NotAvailable(message)
    message = (
        f"{url!r} names no event store. Use sqlite:///path.db, sqlite:////absolute/"
        "path.db, jsonl:path or memory:."
    )
    raise UsageError(message)
