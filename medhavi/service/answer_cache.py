"""Answers that pages share: the newest by key, each made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

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
