"""Who owns what of the material, and what safety stock withholds (rules 7, 11, 30).

A hold takes its quantity at its start, for good (rule 31); a firm peg takes it from
the moment its supply is there, of what is ordered itself no more than its demand needs,
unless `settings.over_peg` allows it. What a demand has in both counts once, the larger
of the two. An open demand with a promised date takes what neither covers at that date,
where it is or at the place its preferred lane comes from. A demand that holds capacity,
other products, or a quantity of 0 of its own (the mark of supply to come) has a source
of its own: nothing more of its product is taken.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.table_rows import validity
from medhavi.schema import PLANNED_STATUS
from medhavi.units import ALWAYS, DAY, NEVER, seconds_up, units_down, units_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from medhavi.providers import Providers
    from medhavi.providers.material.supply_orders import Receipt, Withdrawal
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.reservations import Hold, Holds
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.calendars import Calendars


Node = tuple[str, str]


class Commitment(NamedTuple):
    """A quantity [units] that is taken at an instant [s] and may not be sold again.

    `owner` is the demand that has it, None for an order or an unknown one; goods must
    live `until`. `name` is the reservation, peg, order or demand it comes from.
    """

    product: str
    location: str
    units: int
    instant: int
    until: int
    owner: str | None
    customer: str | None
    name: str


class Commitments:
    """All commitments on material of a snapshot, by product and location.

    Parameters
    ----------
    providers : Providers
        Holds, existing orders, sourcing and facts of the snapshot.
    promised : bool, default True
        Open demands with a promised date count. A planner that plans these demands
        itself leaves them out.
    """

    def __init__(self, providers: Providers, *, promised: bool = True) -> None:
        self._providers = providers
        self._as_of = int(providers.snapshot.as_of)
        self._may_keep_more = providers.snapshot.settings.over_peg == "allow"
        self._demands = providers.tables["demands"]
        self._numbers = {
            name: i for i, name in enumerate(self._demands.column("demand"))
        }
        self._by_node: dict[Node, list[Commitment]] = {}
        self._by_owner: dict[str, list[Commitment]] = {}
        self.lanes: set[str] = set()
        """Lanes whose times say when promised demands are taken."""
        pegged = self._pegs()
        for peg in pegged:
            self._note(peg)
        self._holds(pegged)
        for need in providers.existing_orders.withdrawals:
            self._note(withdrawn(need))
        if promised:
            for rest in self._promised():
                self._note(rest)

    def at(self, product: str, location: str) -> tuple[Commitment, ...]:
        """Commitments on a product at a location."""
        return tuple(self._by_node.get((product, location), ()))

    def has(self, product: str, location: str) -> bool:
        """Whether there are commitments on a product at a location."""
        return (product, location) in self._by_node

    def of(self, demand: str) -> tuple[Commitment, ...]:
        """What a demand has."""
        return tuple(self._by_owner.get(demand, ()))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Products at locations with a commitment, sorted."""
        return tuple(sorted(self._by_node))

    def _note(self, commitment: Commitment) -> None:
        node = (commitment.product, commitment.location)
        self._by_node.setdefault(node, []).append(commitment)
        if commitment.owner is not None:
            self._by_owner.setdefault(commitment.owner, []).append(commitment)

    def demand(self, name: str | None) -> Row | None:
        """Row of a demand by its id; None: it is not in the tables."""
        number = None if name is None else self._numbers.get(name)
        return None if number is None else self._demands.row(number)

    def _made(
        self, node: Node, units: int, instant: int, owner: str | None, name: str
    ) -> Commitment:
        row = self.demand(owner)
        life = 0 if row is None else seconds_up(row["min_shelf_days"], DAY)
        customer = None if row is None else row["customer"]
        return Commitment(*node, units, instant, instant + life, owner, customer, name)

    # ------------------------------------------------------------------- changes
    def without(self, hold: Hold, providers: Providers) -> Commitments | None:
        """Commitments where a hold of material or capacity is gone.

        Parameters
        ----------
        hold
            Active hold of the tables.
        providers
            Those of the tables without it.

        Returns
        -------
        Commitments or None
            None: a peg of its owner may count in its place.
        """
        gone = [
            had
            for had in self.at(hold.subject, str(hold.location))
            if had.name == hold.reservation and hold.scope == "material"
        ]
        row = self.demand(hold.demand)
        if row is None:
            return self.revised(gone, ())
        name = row["demand"]
        if any(had.name.startswith(f"{name} from ") for had in self.of(name)):
            return None
        gone += [had for had in self.of(name) if had.name == name]
        kept = [had for had in self.of(name) if had not in gone]
        promised = row["promised"] is not None and row["status"] in PLANNED_STATUS
        rest = None
        if promised and not _has_source(row, providers.reservations):
            rest = self._uncovered(row, kept)
        return self.revised(gone, () if rest is None else (rest,))

    def revised(
        self, gone: Collection[Commitment], new: Collection[Commitment]
    ) -> Commitments:
        """Commitments with some others; these stay."""
        nodes = {(had.product, had.location) for had in (*gone, *new)}
        owners = {had.owner for had in (*gone, *new) if had.owner is not None}
        by_node, by_owner = dict(self._by_node), dict(self._by_owner)
        for node in nodes:
            by_node[node] = [one for one in self.at(*node) if one not in gone]
        for owner in owners:
            by_owner[owner] = [one for one in self.of(owner) if one not in gone]
        for one in new:
            by_node[one.product, one.location].append(one)
            if one.owner is not None:
                by_owner[one.owner].append(one)
        made: Commitments = copy(self)
        made._by_node = by_node
        made._by_owner = by_owner
        return made

    # ------------------------------------------------------------------ firm pegs
    def _pegs(self) -> list[Commitment]:
        receipts: dict[tuple[str, str, str], list[Receipt]] = {}
        for receipt in self._providers.existing_orders.receipts:
            key = (receipt.order, receipt.product, receipt.location)
            receipts.setdefault(key, []).append(receipt)
        found = []
        open_of: dict[str, int] = {}
        for row in self._providers.tables["pegs"]:
            if not row["firm"] or not self._is_open(row["demand"]):
                continue
            node = (row["product"], row["location"])
            wanted = self._pegged(row, open_of)
            name = f"{row['demand']} from {row['supply']}"
            if row["supply"].startswith("|".join(node)):
                found.append(self._made(node, wanted, self._as_of, row["demand"], name))
                continue
            for receipt in receipts.get((row["supply"], *node), ()):
                part = min(wanted, receipt.units)
                if part:
                    found.append(
                        self._made(node, part, receipt.instant, row["demand"], name)
                    )
                wanted -= part
        return found

    def _pegged(self, peg: Row, open_of: dict[str, int]) -> int:
        """What a firm peg keeps [units]; `open_of` is what demands still need."""
        step = self._providers.facts.step(peg["product"])
        wanted = units_up(peg["qty"], step)
        row = self.demand(peg["demand"])
        if self._may_keep_more or row is None or row["product"] != peg["product"]:
            return wanted
        needed = open_of.setdefault(row["demand"], units_up(row["qty"], step))
        kept = min(wanted, needed)
        open_of[row["demand"]] = needed - kept
        return kept

    def _is_open(self, demand: str) -> bool:
        row = self.demand(demand)
        return row is not None and row["status"] in PLANNED_STATUS

    # ---------------------------------------------------------------------- holds
    def _holds(self, pegged: list[Commitment]) -> None:
        """Note the holds, less what the same demand has pegged there."""
        rest: dict[tuple[str, str, str], int] = {}
        for peg in pegged:
            key = (str(peg.owner), peg.product, peg.location)
            rest[key] = rest.get(key, 0) + peg.units
        holds = self._providers.reservations
        for node in holds.nodes:
            for hold in holds.material(*node):
                key = (str(hold.demand), *node)
                covered = min(rest.get(key, 0), hold.units)
                if covered:
                    rest[key] -= covered
                if hold.units > covered:
                    instant = max(hold.start, self._as_of)
                    self._note(
                        self._made(
                            node,
                            hold.units - covered,
                            instant,
                            hold.demand,
                            hold.reservation,
                        )
                    )

    # ----------------------------------------------------------- promised demands
    def _promised(self) -> Iterator[Commitment]:
        made_for = self._made_for()
        promised = self._demands.column("promised")
        status = self._demands.column("status")
        for number, name in enumerate(self._demands.column("demand")):
            if promised[number] is None or status[number] not in PLANNED_STATUS:
                continue
            if name not in made_for:
                rest = self._uncovered(self._demands.row(number), self.of(name))
                if rest is not None:
                    yield rest

    def _uncovered(self, row: Row, had: Sequence[Commitment]) -> Commitment | None:
        """What a promised demand takes beside what it has."""
        product, name = row["product"], row["demand"]
        covered = sum(one.units for one in had if one.product == product)
        rest = units_up(row["qty"], self._providers.facts.step(product)) - covered
        place = self._place(row, rest) if rest > 0 else None
        if place is None:
            return None
        location, instant = place
        instant = max(instant, self._as_of)
        return self._made((product, location), rest, instant, name, name)

    def _made_for(self) -> set[str]:
        """Collect the demands that have a source of their own."""
        holds = self._providers.reservations
        found = {hold.demand for hold in holds.capacity if hold.demand is not None}
        for product, location in holds.nodes:
            for hold in holds.material(product, location):
                row = self.demand(hold.demand)
                if row is not None and (row["product"] != product or not hold.units):
                    found.add(row["demand"])
        return found

    def _place(self, row: Row, units: int) -> tuple[str, int] | None:
        """Where a promised quantity is taken, and when it leaves there [s]."""
        facts, sourcing = self._providers.facts, self._providers.sourcing
        location, instant = row["location"], row["promised"]
        origin = row["ship_from"]
        seen = {location}
        while not facts.holds_stock(location) or origin not in {None, location}:
            moves = [
                source
                for source in sourcing.sources(row["product"], location)
                if source.kind == "move" and origin in {None, source.origin}
            ]
            if not moves or moves[0].origin is None or moves[0].origin in seen:
                return None if origin is None else (origin, instant)
            self.lanes.add(moves[0].source)
            timing = moves[0].clock.latest(instant, units)
            instant = instant if timing is None else timing.ready
            location = moves[0].origin
            origin = None
            seen.add(location)
        return location, instant


def withdrawn(need: Withdrawal) -> Commitment:
    """What an order takes as a commitment without an owner."""
    instant = need.instant
    place = (need.product, need.location)
    return Commitment(*place, need.units, instant, instant, None, None, need.order)


def _has_source(row: Row, holds: Holds) -> bool:
    """Whether holds say that a demand has a source of its own."""
    name, product = row["demand"], row["product"]
    if holds.of_owner(name, "capacity"):
        return True
    return any(
        hold.subject != product or not hold.units for hold in holds.of_demand(name)
    )


class StockLot(NamedTuple):
    """One usable lot: `customer` owns it, None where it is ours; its stated class."""

    lot: str
    units: int
    expires: int
    customer: str | None
    quality: str | None


class OnHand:
    """Usable stock of a snapshot by product and location (rule 11).

    Parameters
    ----------
    providers : Providers
        Tables and facts of the snapshot.
    """

    __slots__ = ("_lots", "_missing")

    def __init__(self, providers: Providers) -> None:
        tables, facts = providers.tables, providers.facts
        as_of = int(providers.snapshot.as_of)
        suppliers = set(tables["suppliers"].column("supplier"))
        customers = set(tables["customers"].column("customer"))
        customers.update(name for name in tables["demands"].column("customer") if name)
        self._lots: dict[Node, list[StockLot]] = {}
        self._missing: dict[Node, int] = {}
        for row in tables["stock"]:
            expires = NEVER if row["expires_at"] is None else row["expires_at"]
            if row["status"] != "available" or expires < as_of:
                continue
            node = (row["product"], row["location"])
            step = facts.step(row["product"])
            if row["qty"] < 0:
                missing = units_up(-row["qty"], step)
                self._missing[node] = self._missing.get(node, 0) + missing
                continue
            owner = row["owner"]
            foreign = owner and (owner in customers or owner not in suppliers)
            self._lots.setdefault(node, []).append(
                StockLot(
                    row["lot"],
                    units_down(row["qty"], step),
                    expires,
                    owner if foreign else None,
                    row["quality"],
                )
            )

    def has(self, product: str, location: str) -> bool:
        """Whether the tables book anything, or less than nothing, there."""
        node = (product, location)
        return node in self._lots or node in self._missing

    def lots(self, product: str, location: str) -> tuple[StockLot, ...]:
        """Usable lots, as the table has them."""
        return tuple(self._lots.get((product, location), ()))

    def missing(self, product: str, location: str) -> int:
        """What negative bookings say is gone already [units]."""
        return self._missing.get((product, location), 0)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Products at locations with usable stock, sorted."""
        return tuple(sorted(self._lots))


def perishable_products(providers: Providers) -> frozenset[str]:
    """Collect the products that have a life or lots that end."""
    stock, products = providers.tables["stock"], providers.tables["products"]
    dated = {
        product
        for product, ends in zip(
            stock.column("product"), stock.column("expires_at"), strict=True
        )
        if ends is not None
    }
    lives = zip(
        products.column("product"), products.column("shelf_life_days"), strict=True
    )
    return frozenset(dated | {product for product, life in lives if life is not None})


class SafetyLevels:
    """Safety quantities of products at locations.

    Parameters
    ----------
    tables : mapping of str to Rows
        `inventory_policies`, `inventory_levels`.
    facts : ProductFacts
        Steps of the products, calendars of the locations.
    calendars : Calendars
        Safety days count in the calendar of the location (rule 13).
    """

    __slots__ = ("_calendars", "_facts", "_level_rows", "_levels", "_policies", "_rows")

    def __init__(
        self, tables: Mapping[str, TableRows], facts: ProductFacts, calendars: Calendars
    ) -> None:
        self._facts = facts
        self._calendars = calendars
        self._policies = tables["inventory_policies"]
        self._rows = self._policies.index("product", "location")
        self._levels = tables["inventory_levels"]
        self._level_rows = self._levels.index("product", "location")

    def has(self, product: str, location: str) -> bool:
        """Whether any row speaks of a product at a location."""
        node = (product, location)
        return node in self._rows or node in self._level_rows

    def unlimited(self, product: str, location: str) -> bool:
        """Whether the product is always there (bulk material)."""
        return any(
            self._policies.column("unlimited")[i]
            for i in self._rows.get((product, location), ())
        )

    def rule(self, product: str, location: str) -> str:
        """What holds for safety stock: block, flag or allow (`on_violation`)."""
        for i in self._rows.get((product, location), ()):
            return str(self._policies.column("on_violation")[i])
        return "flag"

    def steps_of(
        self, product: str, location: str, needs: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Safety stock as a step function.

        Parameters
        ----------
        needs : iterable of (int, int)
            Instants [s] and quantities [units] of what is committed: safety days
            withhold the needs of the next days.

        Returns
        -------
        list of (int, int)
            (instant, level) [s, steps]: the level holds from the instant on. Rising
            instants, the first since ever; empty where there is no safety stock.
        """
        key = (product, location)
        policies = self._rows.get(key, ())
        phases = self._phases(key)
        if not policies and not phases:
            return []
        step = self._facts.step(product)
        plain, days = 0, 0.0
        for i in policies:
            plain = units_up(self._policies.column("safety_qty")[i], step)
            days = self._policies.column("safety_days")[i]
        if not plain and not days and not phases:
            return []
        stretches = self._covered(location, days, needs) if days else []
        edges = {ALWAYS}
        edges.update(edge for begin, end, _ in phases for edge in (begin, end))
        edges.update(edge for begin, end, _ in stretches for edge in (begin, end))
        found: list[tuple[int, int]] = []
        for edge in sorted(edges - {NEVER}):
            stated = plain
            for begin, end, qty in phases:
                if begin <= edge < end:
                    stated = qty
                    break
            cover = sum(qty for begin, end, qty in stretches if begin <= edge < end)
            level = max(stated, cover)
            if not found or found[-1][1] != level:
                found.append((edge, level))
        return found if any(level for _, level in found) else []

    def _phases(self, key: tuple[str, str]) -> list[tuple[int, int, int]]:
        """Windows with a level of their own [s, s, steps], by start."""
        numbers = self._level_rows.get(key)
        if not numbers:
            return []
        step = self._facts.step(key[0])
        found = []
        for i in numbers:
            qty = self._levels.column("safety_qty")[i]
            if qty is None:
                continue
            found.append((*validity(self._levels.row(i)), units_up(qty, step)))
        return sorted(found)

    def _covered(
        self, location: str, days: float, needs: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        """Interval in which each need is one of the next days."""
        working = self._calendars.working_time(self._facts.calendar(location))
        found = []
        for instant, qty in needs:
            enter = working.subtract_days(instant, days)
            found.append((ALWAYS if enter is None else enter, instant, qty))
        return found
