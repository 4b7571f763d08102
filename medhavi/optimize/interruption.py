"""Hear Ctrl-C without being thrown out of the middle of a solver.

A solver runs in a thread of its own; an exception at a wrong moment (between the birth
of that thread and the first look at it) would leave it running while the program ends,
which aborts the whole process.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def noted_interrupts() -> Iterator[threading.Event]:
    """Note Ctrl-C instead of raising `KeyboardInterrupt`, until the block ends.

    Yields
    ------
    threading.Event
        Set by Ctrl-C. Threads other than the main one never get the signal; there the
        event stays unset and nothing is changed. A program that ignores the signal, or
        took it over outside of Python, keeps its own way.
    """
    heard = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or not callable(before):
        yield heard
        return
    signal.signal(signal.SIGINT, lambda _number, _frame: heard.set())
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)
