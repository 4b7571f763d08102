"""Who goes first among the threads of a process: in sequence, and the small ones."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from threading import Condition, Event, Lock, get_ident
from typing import TYPE_CHECKING, Final

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SLICE_SECONDS: Final = 0.05
"""Most that a large call works on while smaller ones wait for it, pauses between."""
LONGEST_PAUSE_SECONDS: Final = 1.0
"""Pause after which a large call works on for a slice, whoever is busy."""


RANKS: Final = 3
"""Ranks of calls: one line, the lines of an order, a file."""


class FifoLock:
    """A lock that serves in the order of asking; a plain one lets luck decide.

    Who has the turn may take it again.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: deque[tuple[int, Event]] = deque()
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        thread = get_ident()
        with self._guard:
            if self._owner in {None, thread}:
                self._owner = thread
                self._depth += 1
                return
            ticket = Event()
            self._waiting.append((thread, ticket))
        ticket.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            if self._waiting:
                self._owner, ticket = self._waiting.popleft()
                self._depth = 1
                ticket.set()
            else:
                self._owner = None


class Precedence:
    """Small calls before large ones, where both share the interpreter of a process.

    A call works under its rank, 0 for the smallest. A larger call pauses between its
    parts as long as a smaller one works, `LONGEST_PAUSE_SECONDS` at most; after such a
    pause it works for a slice of `SLICE_SECONDS`, so that it ends however busy the
    small ones are.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._busy = [0] * RANKS
        self._sliced: dict[int, float] = {}
        self._ended = False

    def end(self) -> None:
        """End every large call after its present part, as the process ends."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @contextmanager
    def working(self, rank: int) -> Iterator[None]:
        """Count a call as working."""
        with self._changed:
            self._busy[rank] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy[rank] -= 1
                self._changed.notify_all()

    def give_way(self, rank: int) -> float:
        """Pause while smaller calls work; seconds that it took.

        A call that paused as long as it may has a slice before it pauses again.

        Raises
        ------
        EnvironmentFailure
            The process ends.
        """
        if self._ended:
            message = "The server ends; ask again when it is back."
            raise EnvironmentFailure(message)
        if not self._smaller(rank):
            return 0.0
        begin = time.monotonic()
        if begin < self._sliced.get(rank, 0.0):
            return 0.0
        with self._changed:
            free = self._changed.wait_for(
                lambda: not self._smaller(rank), LONGEST_PAUSE_SECONDS
            )
        now = time.monotonic()
        if not free:
            self._sliced[rank] = now + SLICE_SECONDS
        return now - begin

    def _smaller(self, rank: int) -> bool:
        return any(self._busy[:rank])
