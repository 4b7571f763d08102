"""Reading from KurrentDB: streams, the newest event, one subscription to follow."""

from __future__ import annotations

import queue
import re
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

from medhavi.events.store import EventFilter, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    import kurrentdbclient
    from kurrentdbclient.common import AbstractCatchupSubscription

    from medhavi.events.kurrent_store.server import KurrentServer


EVERYTHING: Final = EventFilter()
USERS: Final[dict[str, Any]] = {
    "filter_exclude": (r"\$.*",),
    "filter_by_stream_name": True,
}
"""Server-side filter that leaves the system's streams out."""
_PAGE: Final = 5_000
_READ_SECONDS: Final = 300.0
_CALL_SECONDS: Final = 30.0
_MOST_GENEROUS: Final = 1_024
# A read has no effect, so one that broke off is simply done again.
_PAUSES: Final = (0.2, 1.0)


class KurrentReader:
    """Reads of one server."""

    def __init__(self, server: KurrentServer) -> None:
        self._server = server

    def stream_events(
        self, stream: str, start: int
    ) -> Iterator[kurrentdbclient.RecordedEvent]:
        """Events of a stream page by page.

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
                        timeout=_READ_SECONDS,
                    )
                except NotFoundError as error:
                    raise LookupError(stream) from error
            yield from page
            if len(page) < _PAGE:
                return
            start = page[-1].stream_position + 1

    def all_events(
        self, after: int, limit: int | None, chosen: EventFilter
    ) -> Iterator[kurrentdbclient.RecordedEvent]:
        """Events of all streams after a position, at most `limit`.

        A call that breaks off is made again after the last event that came. Events of
        an explicit transaction have one commit position on the server; here they have
        one each, the last of them that of the commit.
        """
        server_filter = _server_filter(chosen)
        position, left, failures, generous = after, limit, 0, 1
        counted = _Counted(())
        while left is None or left > 0:
            start = position
            # The event at the position itself comes as well, and not all may pass.
            asked = sys.maxsize if left is None else generous * left + (start > 0)
            try:
                with closing(self._called(start, asked, server_filter)) as answer:
                    counted = _Counted(answer)
                    for event in _each_with_its_position(counted, asked):
                        failures = 0
                        if event.commit_position <= position:
                            continue
                        position = event.commit_position
                        if admits(chosen, event):
                            yield event
                            left = None if left is None else left - 1
                            if left == 0:
                                return
            except StoreUnreachable:
                failures += 1
                if failures > len(_PAUSES):
                    raise
                time.sleep(_PAUSES[failures - 1])
                continue
            if counted.count < asked:
                return
            generous = min(4 * generous, _MOST_GENEROUS)

    def _called(
        self, after: int, limit: int, server_filter: dict[str, Any]
    ) -> Generator[kurrentdbclient.RecordedEvent]:
        """What the server answers to one call: from the position itself on."""
        from kurrentdbclient.exceptions import (
            ExceptionThrownByHandlerError,
            InvalidCommitPositionError,
            UnknownError,
        )

        with self._server.calls("reading all streams") as client:
            try:
                with client.read_all(
                    commit_position=after if after > 0 else None,
                    limit=limit,
                    timeout=_READ_SECONDS,
                    **server_filter,
                ) as answer:
                    yield from answer
            except (
                InvalidCommitPositionError,
                ExceptionThrownByHandlerError,
                UnknownError,
            ):
                # No event stands at this position: look for it from the start.
                with client.read_all(timeout=_READ_SECONDS, **server_filter) as answer:
                    later = (e for e in answer if e.commit_position > after)
                    yield from islice(later, limit)

    def log_end(self) -> int:
        """Position of the newest record of the server, those of the system too."""
        with (
            self._server.calls("looking for the end of the log") as client,
            client.read_all(
                backwards=True, limit=1, timeout=_CALL_SECONDS, filter_exclude=()
            ) as newest,
        ):
            return max((event.commit_position for event in newest), default=0)

    def newest(self) -> kurrentdbclient.RecordedEvent | None:
        """Newest event that is not the system's; None where there is none."""
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


class _Counted:
    """Events of one answer, and how many of them came."""

    def __init__(self, events: Iterable[kurrentdbclient.RecordedEvent]) -> None:
        self._events = events
        self.count = 0

    def __iter__(self) -> Iterator[kurrentdbclient.RecordedEvent]:
        for event in self._events:
            self.count += 1
            yield event


def _each_with_its_position(
    events: _Counted, asked: int
) -> Iterator[kurrentdbclient.RecordedEvent]:
    """Assign each event of a commit a position, the last that of the commit.

    A transaction that the answer may have cut off is left for the next call.
    """
    waiting: list[kurrentdbclient.RecordedEvent] = []
    last = 0
    for event in events:
        if waiting and event.commit_position != waiting[0].commit_position:
            for numbered in _numbered(waiting, last):
                last = numbered.commit_position
                yield numbered
            waiting = []
        if event.prepare_position in (None, event.commit_position):
            last = event.commit_position
            yield event
        else:
            waiting.append(event)
    if events.count < asked:
        yield from _numbered(waiting, last)


def _numbered(
    members: list[kurrentdbclient.RecordedEvent], last: int
) -> Iterator[kurrentdbclient.RecordedEvent]:
    """Events of one transaction, each at a position of its own after `last`."""
    for place, event in enumerate(members):
        position = max(last + 1, event.commit_position - (len(members) - 1 - place))
        last = position
        yield replace(event, commit_position=position)


def admits(chosen: EventFilter, event: kurrentdbclient.RecordedEvent) -> bool:
    """Whether an event passes: what the server's one filter cannot say."""
    if event.type.startswith("$") or event.stream_name.startswith("$"):
        return False
    if chosen.types and event.type not in chosen.types:
        return False
    category = event.stream_name.partition("-")[0]
    return not chosen.categories or category in chosen.categories


def _server_filter(chosen: EventFilter) -> dict[str, Any]:
    """Client's arguments; the server filters by types or by streams."""
    if chosen.types:
        return {"filter_include": (_one_of(chosen.types),)}
    if chosen.categories:
        pattern = f"{_one_of(chosen.categories)}(?:-.*)?"
        return {"filter_include": (pattern,), "filter_by_stream_name": True}
    return USERS


def _one_of(texts: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"


_INBOX: Final = 2_000
_PUT_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.1
# Until the server has told its history there is something to come, so it is asked
# less often whether anybody still waits.
_CATCH_UP_SECONDS: Final = 2.0


class LiveEvents:
    """Events after a position as the server sends them; use it in a `with` block.

    Iteration ends when `cancelled`, polled while it waits, says so.

    Parameters
    ----------
    after
        Position; the events after it are given.
    server_filter
        Arguments of the client that choose events.
    """

    def __init__(
        self,
        server: KurrentServer,
        after: int,
        server_filter: dict[str, Any],
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._server = server
        self._after = after
        self._filter = server_filter
        self._cancelled = cancelled
        self._inbox: queue.Queue[object] = queue.Queue(_INBOX)
        self._stopped = threading.Event()
        self._subscription: AbstractCatchupSubscription | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Subscribe; raise what the server says to that."""
        if self._called_off():
            return self
        with self._server.calls("subscribing to all streams") as client:
            self._subscription = self._subscribed(client)
        self._reader = threading.Thread(
            target=self._read, args=(self._subscription,), daemon=True
        )
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the subscription and its thread."""
        self._stopped.set()
        if self._subscription is not None:
            self._subscription.stop()
        if self._reader is not None:
            self._reader.join()

    def _subscribed(
        self, client: kurrentdbclient.KurrentDBClient
    ) -> AbstractCatchupSubscription:
        from kurrentdbclient.exceptions import (
            ExceptionThrownByHandlerError,
            InvalidCommitPositionError,
            UnknownError,
        )

        try:
            return client.subscribe_to_all(
                commit_position=self._after if self._after > 0 else None,
                include_caught_up=True,
                **self._filter,
            )
        except (
            InvalidCommitPositionError,
            ExceptionThrownByHandlerError,
            UnknownError,
        ):
            # No event stands at this position: hear all from the start.
            return client.subscribe_to_all(include_caught_up=True, **self._filter)

    def _read(self, subscription: AbstractCatchupSubscription) -> None:
        """Fill the inbox until the server or the reader ends it."""
        try:
            for event in subscription:
                if not self._put(event):
                    return
        except Exception as error:  # noqa: BLE001 - raised again where it is read
            self._put(error)
        else:
            self._put(None)

    def _put(self, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._inbox.put(item, timeout=_PUT_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[kurrentdbclient.RecordedEvent]:
        """Events; end when called off.

        Raises
        ------
        StoreUnreachable
            The subscription broke off.
        """
        from kurrentdbclient import RecordedEvent
        from kurrentdbclient.exceptions import ServiceUnavailableError

        patience = _CATCH_UP_SECONDS
        while self._reader is not None:
            try:
                item = self._inbox.get(timeout=patience)
            except queue.Empty:
                if self._called_off():
                    return
                continue
            with self._server.calls("following all streams"):
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    raise ServiceUnavailableError
            if type(item) is RecordedEvent:
                if item.commit_position > self._after:
                    yield item
            else:
                patience = _POLL_SECONDS
                if self._called_off():
                    return

    def _called_off(self) -> bool:
        return self._cancelled is not None and self._cancelled()


def wait(seconds: float, cancelled: Callable[[], bool] | None) -> None:
    """Wait so long, or until called off."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if cancelled is not None and cancelled():
            return
        time.sleep(min(left, _POLL_SECONDS))
