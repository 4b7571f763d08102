"""Providers and ledgers of tables of which few rows differ: what is touched is new.

A remedy changes a row and asks again. The world around that row is as it was: its
providers, their caches and the ledgers, with all that was promised, are shared. Only
what the row reaches is made anew; where that cannot be told, there is no answer here
and the tables are read again as a whole.

Cells that have the type of their column already, as those of rows that were read
before, are taken as they are; any other cell goes through a frame.

Ledgers hold what the tables bind and what was accepted since. Where few rows differ,
the difference is carried out on the same ledgers, with their journals, for as long as
somebody asks: undone, they are as before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from medhavi import schema
from medhavi.providers import TABLES
from medhavi.providers.finite_capacity.finite import FiniteCapacity
from medhavi.providers.finite_capacity.occupancy import existing_work, held_capacity
from medhavi.providers.lead_times import EVERY_PRODUCT
from medhavi.providers.material.commitments import withdrawn
from medhavi.providers.material.line import LineChange
from medhavi.providers.table_rows import TableRows, read_tables
from medhavi.providers.transport.itineraries import bound, bound_again
from medhavi.providers.transport.timetable import Load
from medhavi.snapshot.patch import Patch, typed_row
from medhavi.snapshot.snapshot import ACTIVE
from medhavi.snapshot.tables import LazyTables
from medhavi.units import NEVER, to_seconds

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from medhavi.providers import Providers
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.finite_capacity.occupancy import CommittedWork
    from medhavi.providers.finite_capacity.occupancy import CommittedWork as Work
    from medhavi.providers.material.commitments import Commitment
    from medhavi.providers.material.line import MaterialLine
    from medhavi.providers.material.lots import Lot
    from medhavi.providers.material.material import Material, Node
    from medhavi.providers.table_rows import Row
    from medhavi.providers.transport.itineraries import Itineraries
    from medhavi.providers.transport.timetable import Departure
    from medhavi.snapshot import Snapshot

    Changes = Mapping[str, Sequence[Mapping[str, object]]]


def changed_rows(snapshot: Snapshot, name: str, rows: Changes) -> list[Row]:
    """Changed rows of a table with all columns; instants in UTC seconds.

    Parameters
    ----------
    snapshot
        Tells how the table looks.
    rows
        Rows by table, each with all of its columns or some.
    """
    known = [typed_row(name, row) for row in rows[name]]
    found = [row for row in known if row is not None]
    if len(found) < len(known):
        return list(TableRows(Patch.of(snapshot, {name: rows[name]}).upserts[name]))
    stamps = [
        column.name
        for column in schema.tables()[name].columns.values()
        if column.type == "timestamp"
    ]
    return [
        {**row, **{at: to_seconds(row[at]) for at in stamps if row[at] is not None}}
        for row in found
    ]


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
    "traits",
)
"""Providers that neither other lead times nor more departures touch."""


WAYS = ("sourcing", "suppliers", "transport")
"""Providers of where new supply comes from."""


class ChangedProviders(NamedTuple):
    """Providers of changed tables, with ledgers that hold what those before held.

    `moves` makes ledgers that are shared those of the changed tables.
    """

    providers: Providers
    ledgers: Ledgers
    moves: LedgerMoves | None = None

    @property
    def moves_work(self) -> bool:
        """Whether the ledgers of resources hold other work than before."""
        moves = self.moves
        return moves is not None and bool(moves.released or moves.occupied)


def changed(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Providers and ledgers on tables with other rows.

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
    """Providers that share some of those before and read their tables late."""
    snapshot = Patch.of(providers.snapshot, rows).apply(providers.snapshot)
    names = [name for name in rows if name in TABLES]

    def read(name: str) -> TableRows:
        return read_tables(snapshot, (name,))[name]

    tables = LazyTables(providers.tables, names, read)
    return providers.on(snapshot, tables=tables, shared=shared)


def _terms(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Change the lead times of suppliers."""
    new = changed_rows(providers.snapshot, "supply_terms", rows)
    suppliers = providers.suppliers.restated(new)
    if suppliers is None:
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "transport"))
    made.suppliers = suppliers
    names = frozenset(row["product"] for row in new)

    def touched(product: str, location: str) -> bool:
        del location
        return not names.isdisjoint(providers.facts.lineage(product))

    made.sourcing = providers.sourcing.over(made.roads, touched)
    return ChangedProviders(made, ledgers)


def _estimates(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Change the learned times of suppliers."""
    new = changed_rows(providers.snapshot, "estimates", rows)
    if any(row["kind"] != "supplier" for row in new):
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "transport"))
    learned = providers.lead_times.relearned(new)
    made.lead_times = learned
    made.suppliers = providers.suppliers.timed_by(learned)
    names = frozenset(row["product"] for row in new)

    def touched(product: str, location: str) -> bool:
        del location
        return product in names or EVERY_PRODUCT in names

    made.sourcing = providers.sourcing.over(made.roads, touched)
    return ChangedProviders(made, ledgers)


def _departures(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Add departures to lanes."""
    new = changed_rows(providers.snapshot, "departures", rows)
    transport = providers.transport.leaving_also(new)
    lanes = frozenset(row["lane"] for row in new)
    # What exists may leave by another departure, and is taken at another time then.
    dated = providers.commitments.lanes | providers.existing_orders.lanes
    if transport is None or not lanes.isdisjoint(dated):
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "suppliers"))
    made.transport = transport
    ends = frozenset(transport.row(lane)["destination"] for lane in lanes)

    def touched(product: str, location: str) -> bool:
        del product
        return location in ends

    made.sourcing = providers.sourcing.over(made.roads, touched)
    held = providers.reservations
    holds = [one for lane in sorted(lanes) for one in held.on_lane(lane)]
    loads = bound_again(
        ledgers.transport.loads, holds, (providers.transport, transport)
    )
    ways = ledgers.transport.over(transport, lanes, loads)
    return ChangedProviders(made, ledgers._replace(transport=ways))


def _routings(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Change lots, fences or validity of routings."""
    new = changed_rows(providers.snapshot, "routings", rows)
    recipes = providers.recipes.restated(new)
    if recipes is None:
        return None
    shared = [name for name in SHARED if name != "recipes"]
    made = _on_changed_tables(providers, rows, (*shared, "suppliers", "transport"))
    made.recipes = recipes
    return ChangedProviders(made, ledgers)


def _sourcing(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Add one more way to make or buy products where rows name the ways."""
    new = changed_rows(providers.snapshot, "sourcing", rows)
    if any(row["kind"] == "move" for row in new):
        return None
    # Without a row all lanes lead there: the first one would close them.
    known = providers.tables["sourcing"].index("product", "location")
    if any((row["product"], row["location"]) not in known for row in new):
        return None
    made = _on_changed_tables(providers, rows, (*SHARED, "suppliers", "transport"))
    return ChangedProviders(made, ledgers)


def _units(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Add units to a resource for a time."""
    new = changed_rows(providers.snapshot, "resource_units", rows)
    names = {row["resource"] for row in new}
    if len(names) != 1 or providers.capacity.stated_units(*names):
        return None
    (name,) = names
    capacity = providers.capacity.offering(name, new)
    if capacity is None:
        return None
    shared = [one for one in SHARED if one != "capacity"]
    made = _on_changed_tables(providers, rows, (*shared, *WAYS))
    made.capacity = capacity
    occupancy = ledgers.capacity.occupancy.on(capacity, name)
    return ChangedProviders(
        made, ledgers._replace(capacity=FiniteCapacity(capacity, occupancy))
    )


def _needs(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Add alternative resources to steps."""
    new = changed_rows(providers.snapshot, "step_resources", rows)
    shared = [name for name in SHARED if name != "capacity"]
    made = _on_changed_tables(providers, rows, (*shared, "suppliers", "transport"))
    capacity = providers.capacity.needing(new, made.snapshot)
    routings = frozenset(row["routing"] for row in new)
    if capacity is None or _standing(providers, providers.capacity, routings) != (
        _standing(providers, capacity, routings)
    ):
        return None
    made.capacity = capacity
    makers = providers.recipes.makers

    def touched(product: str, location: str) -> bool:
        roles = makers.get((product, location), {})
        return any(not routings.isdisjoint(names) for names in roles.values())

    made.sourcing = providers.sourcing.over(made.roads, touched)
    occupancy = ledgers.capacity.occupancy
    return ChangedProviders(
        made, ledgers._replace(capacity=FiniteCapacity(capacity, occupancy))
    )


def _standing(
    providers: Providers, capacity: Capacity, routings: Collection[str]
) -> list[CommittedWork]:
    """Work in the books that some routings do."""
    orders = providers.tables["supply_orders"]
    sources = enumerate(orders.column("source"))
    only = [orders.row(number) for number, name in sources if name in routings]
    return list(
        existing_work(
            providers.tables,
            capacity,
            providers.facts,
            int(providers.snapshot.as_of),
            only=only,
        )
    )


def _holds(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Release holds."""
    new = changed_rows(providers.snapshot, "reservations", rows)
    hold = providers.reservations.of_row(new[0])
    if len(new) != 1 or new[0]["state"] in ACTIVE or hold is None:
        return None
    left_out = {"reservations", "commitments"}
    shared = [name for name in SHARED if name not in left_out]
    made = _on_changed_tables(providers, rows, (*shared, *WAYS))
    made.reservations = providers.reservations.without(hold)
    commitments = providers.commitments.without(hold, made)
    if commitments is None:
        return None
    made.commitments = commitments
    had = {
        *providers.commitments.of(hold.demand or ""),
        *commitments.of(hold.demand or ""),
    }
    nodes = {(one.product, one.location) for one in had}
    if hold.scope == "material":
        nodes.add((hold.subject, str(hold.location)))
    material = ledgers.material.on(made)
    shifts = material_shifts(ledgers.material, material, nodes)
    if shifts is None:
        return None
    work = held_capacity([hold], providers.capacity, ())
    released = tuple(work) if hold.scope == "capacity" else ()
    load = bound(hold, providers.transport) if hold.scope == "transport" else None
    return ChangedProviders(
        made,
        ledgers._replace(material=material),
        LedgerMoves(shifts, released, unloaded=() if load is None else (load,)),
    )


def _orders(
    providers: Providers, ledgers: Ledgers, rows: Changes
) -> ChangedProviders | None:
    """Change an order, or add one to the books."""
    new, *others = changed_rows(providers.snapshot, "supply_orders", rows)
    if others or (new["kind"] == "purchase" and limited(providers)):
        return None
    name = new["supply_order"]
    left_out = {"existing_orders", "commitments", "receipts"}
    shared = [name for name in SHARED if name not in left_out]
    made = _on_changed_tables(providers, rows, (*shared, *WAYS))
    before = providers.existing_orders
    orders = before.with_order(new, made)
    made.existing_orders = orders
    gone = [one for one in before.withdrawals if one.order == name]
    taken = [one for one in orders.withdrawals if one.order == name]
    came = [one for one in before.receipts if one.order == name]
    comes = [one for one in orders.receipts if one.order == name]
    nodes = {(one.product, one.location) for one in (*gone, *taken)}
    nodes |= {(one.product, one.location) for one in (*came, *comes)}
    if _is_pegged(providers, nodes, name):
        return None
    receipts = dict(providers.receipts)
    for node in nodes:
        kept = [one for one in orders.receipts if (one.product, one.location) == node]
        receipts[node] = tuple(kept)
    made.receipts = receipts
    made.commitments = providers.commitments.revised(
        [withdrawn(need) for need in gone], [withdrawn(need) for need in taken]
    )
    material = ledgers.material.on(made)
    shifts = material_shifts(ledgers.material, material, nodes)
    if shifts is None:
        return None
    moves = LedgerMoves(
        shifts,
        released=tuple(_work_of(providers, _order(providers, name))),
        occupied=tuple(_work_of(providers, new)),
    )
    return ChangedProviders(made, ledgers._replace(material=material), moves)


def _order(providers: Providers, name: str) -> Row | None:
    """Find the row of an order; None: it is new."""
    rows = providers.tables["supply_orders"]
    names = rows.column("supply_order")
    place = bisect_left(names, name)
    return rows.row(place) if names[place : place + 1] == [name] else None


def _work_of(providers: Providers, row: Row | None) -> Iterator[CommittedWork]:
    """Work of an order that holds resources."""
    return existing_work(
        providers.tables,
        providers.capacity,
        providers.facts,
        int(providers.snapshot.as_of),
        only=() if row is None else (row,),
    )


def _is_pegged(providers: Providers, nodes: Iterable[Node], order: str) -> bool:
    """Whether a firm peg says whom an order serves."""
    return any(
        had.name.endswith(f" from {order}")
        for node in nodes
        for had in providers.commitments.at(*node)
    )


def limited(providers: Providers) -> bool:
    """Whether any supplier delivers no more than so much."""
    return bool(
        providers.tables["supplier_capacity"].count
        or providers.tables["supply_terms"].filled("capacity_per_period")
    )


_MAKERS: Mapping[
    str, Callable[[Providers, Ledgers, Changes], ChangedProviders | None]
] = {
    "supply_terms": _terms,
    "departures": _departures,
    "estimates": _estimates,
    "reservations": _holds,
    "resource_units": _units,
    "routings": _routings,
    "sourcing": _sourcing,
    "step_resources": _needs,
    "supply_orders": _orders,
}


class Ledgers(NamedTuple):
    """What is taken of material, resources and departures."""

    material: Material
    capacity: FiniteCapacity
    transport: Itineraries


class LedgerMoves(NamedTuple):
    """Changes of ledgers.

    Parameters
    ----------
    shifts
        Takes and arrivals of material that are put back.
    released, occupied
        Work whose resources are free, and work that holds some.
    """

    shifts: tuple[LineChange, ...] = ()
    released: tuple[Work, ...] = ()
    occupied: tuple[Work, ...] = ()
    unloaded: tuple[tuple[Departure, Load], ...] = ()

    def carry_out(self, ledgers: Ledgers) -> None:
        """Change the ledgers; their journals undo it."""
        ledgers.material.put_back(self.shifts)
        occupancy = ledgers.capacity.occupancy
        for work in self.released:
            occupancy.release(work.windows, work.owner, work.holds)
        for work in self.occupied:
            occupancy.occupy(work.windows, work.owner, work.holds)
        for place, load in self.unloaded:
            ledgers.transport.loads.add(*place, Load(-load.weight, -load.volume))


def material_shifts(
    before: Material, after: Material, nodes: Iterable[Node]
) -> tuple[LineChange, ...] | None:
    """What must be put back so that lines are those of changed tables.

    Parameters
    ----------
    before, after
        The ledger, and the same one on the changed tables.
    nodes
        Products at places where receipts or commitments differ.

    Returns
    -------
    tuple of Shift or None
        None: safety stock or the kind of a line differs too.
    """
    found: list[LineChange] = []
    for node in sorted(set(nodes)):
        if not _alike(before, after, node):
            return None
        found += _node_shifts(before, after, node)
    return tuple(found)


def _alike(before: Material, after: Material, node: Node) -> bool:
    """Whether a line withholds the same and has lots of the same kind."""
    if before.withheld(node) != after.withheld(node):
        return False
    old, new = before.lots(node), after.lots(node)
    return _traits(old) == _traits(new) and not after.made_to_order(node)


def _traits(lots: list[Lot]) -> tuple[bool, bool]:
    dated = any(lot.customer or lot.expires < NEVER for lot in lots)
    return dated, len({lot.kind for lot in lots}) > 1


def _node_shifts(before: Material, after: Material, node: Node) -> Iterator[LineChange]:
    line = before.line(*node)
    old_lots, new_lots = Counter(before.lots(node)), Counter(after.lots(node))
    for sign, lots in ((1, old_lots - new_lots), (-1, new_lots - old_lots)):
        for lot in lots.elements():
            yield LineChange(
                line,
                -sign * lot.units,
                lot.arrival,
                sign,
                lot.expires,
                None,
                receipt=True,
                kind=lot.kind,
            )
    mixed = _traits(before.lots(node))[1]
    old, new = Counter(before.committed(node)), Counter(after.committed(node))
    for sign, gone in ((1, old - new), (-1, new - old)):
        for had in gone.elements():
            yield _taken(line, had, sign, after.asks(had, new_lots) if mixed else 0)


def _taken(line: MaterialLine, had: Commitment, sign: int, kind: int) -> LineChange:
    return LineChange(
        line,
        sign * had.units,
        had.instant,
        sign,
        had.until,
        had.customer,
        receipt=False,
        kind=kind,
    )
