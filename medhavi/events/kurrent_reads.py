"""Reading from KurrentDB page by page: streams, all streams, the newest event."""

from __future__ import annotations

import re
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from medhavi.events.store import EventFilter, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import kurrentdbclient

    from medhavi.events.kurrent_server import KurrentServer

EVERYTHING: Final = EventFilter()
USERS: Final[dict[str, Any]] = {
    "filter_exclude": (r"\$.*",),
    "filter_by_stream_name": True,
}
"""Server-side filter that leaves the system's streams out."""
_PAGE: Final = 5_000
_PAGE_SECONDS: Final = 300.0
_CALL_SECONDS: Final = 30.0
# A read has no effect, so one that broke off is simply done again.
_PAUSES: Final = (0.2, 1.0)


class KurrentReader:
    """Reads of one server; no call stays open while the caller works."""

    def __init__(self, server: KurrentServer) -> None:
        self._server = server

    def stream_events(
        self, stream: str, start: int
    ) -> Iterator[kurrentdbclient.RecordedEvent]:
        """Give the events of a stream page by page.

        Raises
        ------
        LookupError
            There is no such stream.
        """
        from kurrentdbclient.exceptions import NotFoundError

        while True:
            with self._server.calls(f"reading stream {stream}") as client:
                try:
                    page = client.get_stream(
                        stream,
                        stream_position=start,
                        limit=_PAGE,
                        timeout=_PAGE_SECONDS,
                    )
                except NotFoundError as error:
                    raise LookupError(stream) from error
            yield from page
            if len(page) < _PAGE:
                return
            start = page[-1].stream_position + 1

    def pages(
        self, after: int, limit: int | None, chosen: EventFilter
    ) -> Iterator[kurrentdbclient.RecordedEvent]:
        """Give events page by page: no call stays open while the caller works."""
        size = _PAGE if limit is None else min(limit, _PAGE)
        server_filter = _server_filter(chosen)
        position = after
        while size:
            page, is_last = self._again(position, size, server_filter)
            for event in page:
                if admits(chosen, event):
                    yield event
            if is_last:
                return
            position = page[-1].commit_position
            # Where few events of a small page pass, the next ones are larger.
            size = min(2 * size, _PAGE)

    def _again(
        self, after: int, size: int, server_filter: dict[str, Any]
    ) -> tuple[list[kurrentdbclient.RecordedEvent], bool]:
        for pause in _PAUSES:
            try:
                return self._page(after, size, server_filter)
            except StoreUnreachable:
                time.sleep(pause)
        return self._page(after, size, server_filter)

    def _page(
        self, after: int, size: int, server_filter: dict[str, Any]
    ) -> tuple[list[kurrentdbclient.RecordedEvent], bool]:
        """Give the next events of all streams, and whether they are the last."""
        from kurrentdbclient.exceptions import (
            ExceptionThrownByHandlerError,
            InvalidCommitPositionError,
            UnknownError,
        )

        # The event at the position itself comes as well, unless the filter drops it.
        asked = size + 1 if after > 0 else size
        with self._server.calls("reading all streams") as client:
            try:
                page = list(
                    client.read_all(
                        commit_position=after if after > 0 else None,
                        limit=asked,
                        timeout=_PAGE_SECONDS,
                        **server_filter,
                    )
                )
            except (
                InvalidCommitPositionError,
                ExceptionThrownByHandlerError,
                UnknownError,
            ):
                # No event stands at this position: look for it from the start.
                everything = client.read_all(timeout=_PAGE_SECONDS, **server_filter)
                with everything:
                    later = (e for e in everything if e.commit_position > after)
                    page = list(islice(later, asked))
        is_last = len(page) < asked
        if page and page[0].commit_position <= after:
            del page[0]
        return page, is_last

    def newest(self) -> kurrentdbclient.RecordedEvent | None:
        """Give the newest event that is not the system's; None where there is none."""
        # Few of the events that the server's filter leaves are the system's.
        for limit in (4, sys.maxsize):
            count = 0
            with (
                self._server.calls("looking for the newest event") as client,
                client.read_all(
                    backwards=True, limit=limit, timeout=_CALL_SECONDS, **USERS
                ) as newest,
            ):
                for event in newest:
                    count += 1
                    if admits(EVERYTHING, event):
                        return event
            if count < limit:
                break
        return None


def admits(chosen: EventFilter, event: kurrentdbclient.RecordedEvent) -> bool:
    """Tell whether an event passes: what the server's one filter cannot say."""
    if event.type.startswith("$") or event.stream_name.startswith("$"):
        return False
    if chosen.types and event.type not in chosen.types:
        return False
    category = event.stream_name.partition("-")[0]
    return not chosen.categories or category in chosen.categories


def _server_filter(chosen: EventFilter) -> dict[str, Any]:
    """Give the client's arguments; the server filters by types or by streams."""
    if chosen.types:
        return {"filter_include": (_one_of(chosen.types),)}
    if chosen.categories:
        pattern = f"{_one_of(chosen.categories)}(?:-.*)?"
        return {"filter_include": (pattern,), "filter_by_stream_name": True}
    return USERS


def _one_of(texts: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"
