"""Providers and ledgers of tables of which few rows differ: what is touched is new.

A remedy changes a row and asks again. The world around that row is as it was: its
providers, their caches and the ledgers, with all that was promised, are shared. Only
what the row reaches is made anew; where that cannot be told, there is no answer here
and the tables are read again as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers import TABLES
from medhavi.providers.changed_sourcing import ChangedSourcing
from medhavi.providers.itineraries import bound_again
from medhavi.providers.plain_rows import changed_rows
from medhavi.providers.table_rows import read_tables
from medhavi.snapshot.changed_rows import with_rows_when_read
from medhavi.snapshot.lazy_tables import LazyTables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.providers import Providers
    from medhavi.providers.finite import FiniteCapacity
    from medhavi.providers.itineraries import Itineraries
    from medhavi.providers.material import Material
    from medhavi.providers.table_rows import Rows

    Changes = Mapping[str, Sequence[Mapping[str, object]]]

SHARED = (
    "calendars",
    "capacity",
    "commitments",
    "exchange",
    "existing_orders",
    "facts",
    "lead_times",
    "on_hand",
    "receipts",
    "recipes",
    "reservations",
    "safety_levels",
)
"""Providers that neither other lead times nor more departures touch."""


class Ledgers(NamedTuple):
    """What is taken of material, resources and departures."""

    material: Material
    capacity: FiniteCapacity
    transport: Itineraries


class Changed(NamedTuple):
    """Providers of changed tables, with ledgers that hold what those before held."""

    providers: Providers
    ledgers: Ledgers


def changed(providers: Providers, ledgers: Ledgers, rows: Changes) -> Changed | None:
    """Give providers and ledgers on tables with other rows.

    Parameters
    ----------
    providers, ledgers
        Of the tables as they are; they stay as they are. As long as the new ones are
        asked, nobody may change the ledgers.
    rows
        Changed or new rows of one table.

    Returns
    -------
    Changed or None
        None: what the rows touch is not known; the tables must be read again.
    """
    if len(rows) != 1:
        return None
    ((name, _),) = rows.items()
    maker = _MAKERS.get(name)
    return None if maker is None else maker(providers, ledgers, rows)


def _on_changed_tables(
    providers: Providers, rows: Changes, shared: Sequence[str]
) -> Providers:
    """Give providers that share some of those before and read their tables late."""
    snapshot = with_rows_when_read(providers.snapshot, rows)
    made = providers.on(snapshot)
    names = [name for name in rows if name in TABLES]

    def read(name: str) -> Rows:
        return read_tables(snapshot, (name,))[name]

    made.__dict__["tables"] = LazyTables(providers.tables, names, read)
    for name in shared:
        made.__dict__[name] = getattr(providers, name)
    return made


def _terms(providers: Providers, ledgers: Ledgers, rows: Changes) -> Changed | None:
    """Let suppliers take other times."""
    new = changed_rows(providers.snapshot, "supply_terms", rows)
    suppliers = providers.suppliers.restated(new)
    if suppliers is None:
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "transport"))
    made.__dict__["suppliers"] = suppliers
    names = frozenset(row["product"] for row in new)

    def touched(product: str, location: str) -> bool:
        del location
        return not names.isdisjoint(providers.facts.lineage(product))

    made.__dict__["sourcing"] = ChangedSourcing.of(
        providers.sourcing, made.roads, touched
    )
    return Changed(made, ledgers)


def _departures(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> Changed | None:
    """Let lanes leave more often."""
    new = changed_rows(providers.snapshot, "departures", rows)
    transport = providers.transport.leaving_also(new)
    lanes = frozenset(row["lane"] for row in new)
    # What exists may leave by another departure, and is taken at another time then.
    dated = providers.commitments.lanes | providers.existing_orders.lanes
    if transport is None or not lanes.isdisjoint(dated):
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "suppliers"))
    made.__dict__["transport"] = transport
    ends = frozenset(transport.row(lane)["destination"] for lane in lanes)

    def touched(product: str, location: str) -> bool:
        del product
        return location in ends

    made.__dict__["sourcing"] = ChangedSourcing.of(
        providers.sourcing, made.roads, touched
    )
    holds = [one for one in providers.reservations.transport if one.subject in lanes]
    loads = bound_again(
        ledgers.transport.loads, holds, (providers.transport, transport)
    )
    ways = ledgers.transport.over(transport, lanes, loads)
    return Changed(made, ledgers._replace(transport=ways))


_MAKERS: Mapping[str, Callable[[Providers, Ledgers, Changes], Changed | None]] = {
    "supply_terms": _terms,
    "departures": _departures,
}
