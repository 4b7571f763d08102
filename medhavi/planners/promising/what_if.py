"""The same book on changed tables: what a remedy would bring.

What a plan proposes is no supply to promise from: the next plan may drop it. With
`promise_policies.planned_orders` it counts as if it were firmed, with its components
and its work, less what is pegged to others. Only orders that the request may use are
looked at, and only while it is asked: nobody else sees them.
"""

from __future__ import annotations

import datetime as dt
import json
from copy import copy
from typing import TYPE_CHECKING

from medhavi.planners.planned_tables import with_disruptions
from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.planners.promising.supply_search.policies import substitutes
from medhavi.planners.promising.supply_search.shipment_origins import (
    ShipmentOrigins,
    supply_scope,
)
from medhavi.providers.changed_providers import changed as changed_providers
from medhavi.providers.changed_providers import changed_rows
from medhavi.snapshot.patch import Patch
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers import Providers
    from medhavi.snapshot import Snapshot

    Rows = Mapping[str, Sequence[Mapping[str, object]]]


REQUEST = "request"
"""Key of changed cells of the request among the rows of a remedy."""
POLICIES = "promise_policies"
HOLDS = "reservations"
SOURCES = frozenset({"routings", "sourcing"})
"""Tables that say from where a product may come."""
SUBSTITUTES = "substitutes"
SUBJECTS = {"supply_terms": "supplier"}
"""What disruptions name of the rows that they change."""
UNTOUCHED = {
    "reservations": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "supply_orders": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "supply_terms": ("calendars", "exchange", "capacity", "recipes"),
    "estimates": ("calendars", "exchange"),
    "departures": ("calendars", "exchange", "lead_times", "capacity", "recipes"),
    "resource_units": ("calendars", "exchange", "lead_times"),
}
"""Providers that a change of a table leaves as they are where it is read again."""
MOST_REREAD = 8
"""Changed tables that a book keeps."""


def changed(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """Snapshot with rows of a remedy in the place of those of the same key.

    Cells of the request (key `request`) change no table.
    """
    tables = {name: new for name, new in rows.items() if name != REQUEST}
    return Patch.of(snapshot, tables).apply(snapshot)


def asked_again(request: Request, rows: Rows) -> Request:
    """Request with the cells that a remedy changes."""
    cells: dict[str, object] = {}
    for row in rows.get(REQUEST, ()):
        for name, value in row.items():
            cells[name] = to_seconds(value) if isinstance(value, dt.datetime) else value
    return request.with_cells(cells) if cells else request


def book_with(book: PromiseLedger, rows: Rows) -> PromiseLedger:
    """Promise ledger on the changed tables that has accepted the same promises.

    What the rows do not reach is shared with the book, ledgers among it: as long as
    this one is asked, nothing may be accepted on either.
    """
    for name, new in rows.items():
        if name != REQUEST and new:
            book = _with_table(book, name, {name: new})
    return book


def _with_table(book: PromiseLedger, name: str, tables: Rows) -> PromiseLedger:
    """Promise ledger on one changed table."""
    return overlaid(book, name, tables) or rebuilt(book, tables)


def overlaid(book: PromiseLedger, name: str, tables: Rows) -> PromiseLedger | None:
    """Promise ledger on one changed table that shares what the rows do not reach.

    None: what they reach is not known, the table must be read again.
    """
    if name == POLICIES:
        new = changed_rows(book.snapshot, POLICIES, tables)
        snapshot = Patch.of(book.snapshot, tables).apply(book.snapshot)
        return book.on(snapshot, policies=book.policies.with_rows(new))
    if name == SUBSTITUTES and not book.providers.traits.ranked:
        snapshot = Patch.of(book.snapshot, tables).apply(book.snapshot)
        return book.on(snapshot, substitutes=substitutes(snapshot))
    broken = book.snapshot["disruptions"]
    # What a disruption changes in the same rows is worked out again.
    column = None if broken.is_empty() else SUBJECTS.get(name)
    if column and set(broken["subject"]) & {row[column] for row in tables[name]}:
        return None
    found = None
    # What the tables hold for a demand that was promised since is free already.
    if all(row.get("demand") not in book.accepted for row in tables.get(HOLDS, ())):
        found = changed_providers(book.providers, book.stages.ledgers, tables)
    if found is None:
        return None
    snapshot = found.providers.snapshot
    if not broken.is_empty():
        snapshot = Patch.of(book.snapshot, tables).apply(book.snapshot)
    return book.on(
        snapshot,
        stages=book.stages.on(found),
        reach=ShipmentOrigins(found.providers) if name in SOURCES else None,
    )


def rebuilt(book: PromiseLedger, rows: Rows) -> PromiseLedger:
    """Promise ledger on tables that are read anew, with the same promises."""
    snapshot, providers = _reread(book, rows)
    other = type(book)(snapshot, AvailabilityCheck(providers))
    for undos in book.accepted.values():
        for undo in undos:
            other.take_again(undo)
    return other


def _reread(book: PromiseLedger, rows: Rows) -> tuple[Snapshot, Providers]:
    """Changed tables and what they provide; those of the last changes are kept."""
    known, key = book.reread, json.dumps(rows, sort_keys=True, default=str)
    if key not in known:
        snapshot = changed(book.snapshot, rows)
        reached = [UNTOUCHED.get(name, ()) for name in rows if name != REQUEST]
        shared = sorted(set.intersection(*map(set, reached)) if reached else ())
        providers = book.providers.on(with_disruptions(snapshot), shared=shared)
        known[key] = snapshot, providers
        for oldest in list(known)[:-MOST_REREAD]:
            del known[oldest]
    return known[key]


def with_planned_orders(book: PromiseLedger, request: Request) -> PromiseLedger:
    """Promise ledger on which planned orders count, for a policy that says so.

    Parameters
    ----------
    book
        It stays as it is; as long as the new one is asked, nothing may be accepted on
        either. One that counts planned orders already is given back.
    request
        It may use what can reach it, down its bills of materials.
    """
    if book.counted_on is not None:
        return book
    known = book.planned_orders
    if not known.by_node:
        return book
    substitutes = book.substitutes.get(request.product, ())
    products = [request.product, *(row["substitute"] for row in substitutes)]
    used = supply_scope(book.stages, book.reach, products, request.location)
    made, names = book, []
    for row in known.firmed(used.nodes, request.demand):
        name = row["supply_order"]
        names.append(name)
        tables = {"supply_orders": (row,)}
        new = overlaid(made, "supply_orders", tables)
        # Its quantity is less what is pegged: the pegs must not bind it once more.
        made = new or rebuilt(made, {**tables, "pegs": known.loose(name)})
    made = copy(made)
    made.counted_on = tuple(names)
    return made
