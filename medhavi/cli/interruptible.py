"""Commands that go on until somebody ends them: Ctrl-C asks, a second one insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from medhavi.cli.command_output import talk
from medhavi.progress import Progress

if TYPE_CHECKING:
    from medhavi.lakehouse.log.mirror import MirrorReport
    from medhavi.workbench import Workbench


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Question: whether somebody asked for the end (Ctrl-C or SIGTERM).

    What is under way may be finished; whoever asks twice is not kept waiting.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow_store(workbench: Workbench) -> MirrorReport:
    """Mirror until interrupted; tell each batch, and when the store is away."""
    from medhavi.lakehouse.log.follow import follow

    say = talk().progress
    store = workbench.store
    with interruption() as cancelled:
        mirror = partial(workbench.lake.mirror, store, say, cancelled)
        say(Progress("following the store; Ctrl-C ends it after the batch"))
        return follow(mirror, store, cancelled=cancelled, observe=say)
