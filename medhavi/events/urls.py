"""URLs of event stores; a kind of store is loaded when it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from medhavi.events.store import BulkStore

KURRENT_SCHEMES: Final = frozenset(
    {
        "kurrentdb",
        "kurrentdb+discover",
        "kdb",
        "kdb+discover",
        "esdb",
        "esdb+discover",
    }
)


def open_store(url: str, *, create: bool = True) -> BulkStore:
    """Open the store of a URL.

    Parameters
    ----------
    url
        `sqlite:///relative.db`, `sqlite:////absolute.db`, `jsonl:path` (read only),
        `kurrentdb://host:2113?tls=false` and its kin (see `events.kurrent_server`),
        `memory:` (empty, gone with the process).
    create
        False: refuse a file that does not exist; for those who only read.

    Raises
    ------
    EnvironmentFailure
        The file cannot be opened. A server is called when it is first used.
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
        from medhavi.events.memory import JsonlStore

        return JsonlStore(rest)
    if kind in KURRENT_SCHEMES:
        from medhavi.events.kurrent_store.kurrent import KurrentStore

        return KurrentStore(url)
    message = (
        f"{shown_url(url)!r} names no event store. Use sqlite:///path.db, sqlite:////"
        "absolute/path.db, jsonl:path, kurrentdb://host:2113?tls=false or memory:."
    )
    raise UsageError(message)


def shown_url(url: str) -> str:
    """URL as it may be shown: without user and password.

    Examples
    --------
    >>> shown_url("kurrentdb://admin:s3cret@host:2113?tls=true")
    'kurrentdb://***@host:2113?tls=true'
    >>> shown_url("sqlite:///a@b.db")
    'sqlite:///a@b.db'
    """
    kind, colon, rest = url.partition(":")
    _, at, place = rest.rpartition("@")
    if kind in {"sqlite", "jsonl"} or not at:
        return url
    slashes = "//" if rest.startswith("//") else ""
    return f"{kind}{colon}{slashes}***@{place}"
