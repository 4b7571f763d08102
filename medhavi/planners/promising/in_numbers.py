"""Answer many requests with goods and machines as numbers, where numba is there."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medhavi.planners.kernels.compiled import compiled_supply
from medhavi.planners.promising.flat_supply import FlatSupply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.promising.book import Book

MANY = 10_000
"""Requests from which loading the kernels and looking up goods for them pays off."""


@contextmanager
def in_numbers(book: Book, requests: int) -> Iterator[None]:
    """Let a book evaluate plain ways in numbers while many requests are answered."""
    stages = book.stages
    if requests < MANY or importlib.util.find_spec("numba") is None:
        yield
        return
    flat = stages.flat = FlatSupply(stages, book.now, compiled_supply())
    try:
        yield
    finally:
        stages.flat = None
        flat.close()
