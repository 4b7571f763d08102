"""The same book on changed tables: what a remedy would bring."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from medhavi.planners.promising.book import Book
from medhavi.planners.promising.stages import Stages
from medhavi.providers import Providers
from medhavi.snapshot.changed_rows import with_rows
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.promising.asking import Request
    from medhavi.snapshot import Snapshot

    Rows = Mapping[str, Sequence[Mapping[str, object]]]

REQUEST = "request"
"""Key of changed cells of the request among the rows of a remedy."""
UNTOUCHED = {
    "reservations": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "supply_orders": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "supply_terms": ("calendars", "exchange", "capacity", "recipes"),
    "departures": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "resource_units": ("calendars", "exchange", "lead_times"),
}
"""Providers that a change of a table leaves as they are; they are shared."""


def changed(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """Give the snapshot with rows of a remedy in the place of those of the same key.

    Cells of the request (key `request`) change no table.
    """
    return with_rows(
        snapshot, {name: new for name, new in rows.items() if name != REQUEST}
    )


def asked_again(request: Request, rows: Rows) -> Request:
    """Give the request with the cells that a remedy changes."""
    cells: dict[str, object] = {}
    for row in rows.get(REQUEST, ()):
        for name, value in row.items():
            cells[name] = to_seconds(value) if isinstance(value, dt.datetime) else value
    return request.with_cells(cells) if cells else request


def book_with(book: Book, rows: Rows) -> Book:
    """Give a book on the changed tables that has accepted the same promises."""
    tables = [name for name in rows if name != REQUEST]
    if not tables:
        return book
    snapshot = changed(book.snapshot, rows)
    providers = Providers(snapshot)
    names = set.intersection(*(set(UNTOUCHED.get(name, ())) for name in tables))
    for name in sorted(names):
        providers.__dict__[name] = getattr(book.providers, name)
    if tables == ["promise_policies"]:
        other = Book(snapshot, book.stages)
        other.accepted = book.accepted
        return other
    other = Book(snapshot, Stages(providers))
    for undos in book.accepted.values():
        for undo in undos:
            other.take_again(undo)
    return other
