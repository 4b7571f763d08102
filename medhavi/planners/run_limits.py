"""Long runs in Python: recursion of any depth, the garbage collector paused."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


Question = TypeVar("Question")
Answer = TypeVar("Answer")

_DEEP_FRAMES = 1_000_000
_DEEP_STACK = 1 << 30
"""Address space of a deep stack; what is not used takes no memory [bytes]."""
_turn = threading.Lock()


def answered(
    first: Generator[Question, Answer, Answer],
    steps: Callable[[Question], Generator[Question, Answer, Answer]],
) -> Answer:
    """Run a generator whose answer takes the answers to questions of the same kind.

    Parameters
    ----------
    first
        Generator that yields each question it has, gets its answer, and returns its
        own, as a recursive function would.
    steps
        The generator of each question that is asked on the way.

    Examples
    --------
    >>> def factorial(n):
    ...     return 1 if n == 0 else n * (yield n - 1)
    >>> answered(factorial(5), factorial)
    120
    >>> answered(factorial(5_000), factorial) > 0
    True
    """
    open_calls = [first]
    answer: Answer | None = None
    while True:
        try:
            asked = open_calls[-1].send(answer)  # type: ignore[arg-type]
        except StopIteration as done:
            open_calls.pop()
            answer = done.value
            if not open_calls:
                return answer
        else:
            open_calls.append(steps(asked))
            answer = None


def on_deep_stack(work: Callable[[], Answer]) -> Answer:
    """Do recursive work on a stack for some 100,000 levels, in a thread of its own.

    For work that came to the end of the usual stack and whose functions call each
    other in too many ways to be written as `answered` wants them.

    Raises
    ------
    Exception
        Whatever the work raises.
    """
    done: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as failure:  # noqa: BLE001 - raised again by the caller
            failures.append(failure)

    with _turn:
        frames, stack = sys.getrecursionlimit(), threading.stack_size(_DEEP_STACK)
        sys.setrecursionlimit(_DEEP_FRAMES)
        try:
            thread = threading.Thread(target=run, name="deep stack", daemon=True)
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(frames)
            threading.stack_size(stack)
    if failures:
        raise failures[0]
    return done[0]


_frozen = threading.Event()
"""Set once something was found in the permanent generation, where it stays."""


def _something_is_frozen() -> bool:
    """Whether the permanent generation holds anything; counting it walks all of it."""
    if not _frozen.is_set() and gc.get_freeze_count():
        _frozen.set()
    return _frozen.is_set()


@contextmanager
def without_collections(*, circles: bool = True) -> Iterator[None]:
    """Pause the garbage collector: a run keeps all its records until it ends.

    Walking hundreds of thousands of live records again and again costs a quarter of a
    large run (docs/performance.md). It runs again however the run ends, unless it did
    not before.

    Parameters
    ----------
    circles
        The run leaves records behind that point to each other in a circle, which only
        the collector frees. Without, all that it made is old at once: it is not walked
        when the run ends, but with everything else that lives long.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not circles and not _something_is_frozen():
                # To the permanent generation and from there to the oldest, unwalked.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
