"""Runs that keep their records until they end, without the garbage collector."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_collections() -> Iterator[None]:
    """Pause the garbage collector: a run keeps all its records until it ends.

    Walking hundreds of thousands of live records again and again costs a quarter of a
    large run (docs/performance.md). It runs again however the run ends, unless it did
    not before.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
