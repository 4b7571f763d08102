"""URLs of event stores; a kind of store is loaded when it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable, UsageError

if TYPE_CHECKING:
    from medhavi.events.store import BulkStore


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
