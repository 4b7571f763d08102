"""One catch-up subscription, read by a thread so that waiting can be called off."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import kurrentdbclient
    from kurrentdbclient.common import AbstractCatchupSubscription

    from medhavi.events.kurrent_store.server import KurrentServer

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
