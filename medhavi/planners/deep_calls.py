"""Recursive functions on networks of any depth, without Python's stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Question = TypeVar("Question")
Answer = TypeVar("Answer")


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
