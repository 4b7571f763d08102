"""Answers that pages share: the newest by key, each made once, some ahead."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from medhavi.errors import MedhaviError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_log = logging.getLogger(__name__)
Value = TypeVar("Value")


@dataclass(slots=True)
class _Slot(Generic[Value]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: list[Value] = field(default_factory=list)


class AnswerCache(Generic[Value]):
    """Answers by key; who asks for another key does not wait.

    Parameters
    ----------
    most
        How many are kept; the one that was asked for longest ago goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: OrderedDict[Hashable, _Slot[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, key: Hashable) -> Value | None:
        """Answer of a key where it is known."""
        with self._lock:
            slot = self._slots.get(key)
        return slot.made[0] if slot is not None and slot.made else None

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Answer of a key; `make` it where it is not known.

        What `make` raises is raised, and nothing is kept.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.made:
                slot.made.append(make())
            return slot.made[0]

    def put(self, key: Hashable, answer: Value) -> None:
        """Take another answer for a key."""
        with self._lock:
            self._slots.pop(key, None)
        self.get(key, lambda: answer)


QUIET_S = 2.0
"""How long nothing new is shown of a subject until answers about it are made [s]."""


class AnswerQueue:
    """Answers that are made before anybody asks for them, one after the other.

    A thread makes those of a subject when nothing new came of it for `QUIET_S`.
    """

    def __init__(self) -> None:
        self._wanted: dict[Hashable, tuple[float, Callable[[], object]]] = {}
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def want(self, subject: Hashable, make: Callable[[], object]) -> None:
        """Make answers about a subject soon, in place of those wanted before.

        What `make` raises is left to who asks for the answer.
        """
        with self._news:
            self._wanted.pop(subject, None)
            self._wanted[subject] = time.monotonic() + QUIET_S, make
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="answers-ahead", daemon=True
                )
                self._thread.start()
            self._news.notify()

    def _run(self) -> None:
        while True:
            make = self._next()
            try:
                make()
            except (MedhaviError, OSError) as failure:
                _log.info("answer made ahead: %s", failure)
            except Exception:  # noqa: BLE001 - the boundary of a thread
                _log.exception("answer made ahead: failed by a defect")

    def _next(self) -> Callable[[], object]:
        """What is made next, once it is time."""
        with self._news:
            while True:
                if not self._wanted:
                    self._news.wait()
                    continue
                subject, (due, make) = next(iter(self._wanted.items()))
                left = due - time.monotonic()
                if left <= 0:
                    del self._wanted[subject]
                    return make
                self._news.wait(left)


answers_ahead = AnswerQueue()
"""What open pages may be asked for next, for all of them."""
