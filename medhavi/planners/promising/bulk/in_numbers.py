"""Answer many requests with goods and machines as numbers, where numba is there."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medhavi.planners.kernels.compiled import compiled_supply
from medhavi.planners.promising.bulk.plain_lines import PlainLines, may_be_plain
from medhavi.planners.promising.integer_model.flat_supply import FlatSupply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.promising.ledger.book import Book

MANY = 10_000
"""Requests from which loading the kernels and looking up goods for them pays off."""


@contextmanager
def in_numbers(book: Book, requests: int, detail: str) -> Iterator[PlainLines | None]:
    """Evaluate plain ways of a book in numbers while many requests are answered.

    Gives what answers plain lines at once; None: they are too few, more is asked of
    them than their dates (`detail`), none may be plain, or numba is missing.
    """
    stages = book.stages
    if requests < MANY or importlib.util.find_spec("numba") is None:
        yield None
        return
    flat = stages.flat = FlatSupply(stages, book.now, compiled_supply())
    dated = detail == "date" and may_be_plain(book)
    lines = PlainLines(book, flat) if dated else None
    try:
        yield lines
    finally:
        if lines is not None:
            lines.close()
        stages.flat = None
        flat.close()
