"""One thread for the boosting: small fits gain nothing from more.

With as many threads as processors, on a machine where others work too, a fit of half a
second was seen to take minutes: its threads wait for each other in turn.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the numeric libraries of this process to one thread."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
