"""Runs that keep their records until they end, without the garbage collector."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
            if not circles and not gc.get_freeze_count():
                # To the permanent generation and from there to the oldest, unwalked.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
