"""Which sources a product at a location may use, in order of use (rules 5, 8)."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING

from medhavi.providers.sources import LinearCost, Offer, Source, lot_steps
from medhavi.providers.sourcing.default_lanes import DefaultLanes
from medhavi.units import ALWAYS, NEVER, exact, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from medhavi.providers.material.recipes import Recipes
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Kind, Window
    from medhavi.providers.sourcing.default_lanes import SupplyKinds
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.working_time import WorkingTime


def order_steps(source: Source, recipes: Recipes, wanted: int) -> int:
    """Order that yields a good quantity, before lots [units].

    Makes count routing units; buys and moves bring what is ordered.
    """
    if source.kind != "make":
        return wanted
    gain = recipes.recipe(source.source).gain(source.product, source.location)
    return 0 if gain is None else gain.order_steps_for(wanted)


def need_cost(
    source: Source, recipes: Recipes, facts: ProductFacts, wanted: int
) -> float:
    """Cost of a need with all its lots [base currency].

    Prices and costs of the source, and what goes in at standard cost: components of a
    make by their first choice, the product itself of a move. Resource hours are not in
    it.
    """
    pieces = source.pieces(order_steps(source, recipes, wanted))
    total = 0.0 if pieces else math.inf
    for piece in pieces:
        qty = from_units(piece, source.step)
        total += source.cost(qty)
        if source.kind == "move":
            total += qty * facts.unit_cost(source.product)
        if source.kind == "make":
            for group in recipes.recipe(source.source).groups:
                line = group[0]
                used = from_units(line.steps(piece), facts.step(line.component))
                total += used * facts.unit_cost(line.component)
    return total


def first_finish(source: Source, recipes: Recipes, wanted: int, start: int) -> int:
    """When a need could be there at the earliest, its largest order last [s]."""
    pieces = source.pieces(order_steps(source, recipes, wanted))
    if not pieces:
        return NEVER
    timing = source.clock.earliest(max(start, source.fence_start), max(pieces))
    return NEVER if timing is None else timing.finish


def ranked(
    sources: tuple[Source, ...], key: Callable[[Source], float]
) -> tuple[Source, ...]:
    """Sort by a key; equal ones keep their order of preference, then id."""
    return tuple(sorted(sources, key=key))


Node = tuple[str, str]
ORDER_KINDS: Mapping[str, Kind] = {
    "work": "make",
    "purchase": "buy",
    "transfer": "move",
}
"""Kind of source behind each kind of existing order."""
NO_ROW: Mapping[str, None] = {
    "preference": None,
    "share_pct": None,
    "valid_from": None,
    "valid_to": None,
    "min_lot": None,
    "max_lot": None,
    "lot_multiple": None,
    "batch_window_days": None,
    "safety_days": None,
}
"""A sourcing row that says nothing: the source as it is."""


def _everywhere(_product: str, _location: str) -> bool:
    return True


class Sourcing:
    """Sources of every product at every location, built when asked for.

    Parameters
    ----------
    tables : mapping of str to Rows
        `sourcing`, `stock`, `supply_orders`, `inventory_policies`.
    roads : Roads
        Routings, suppliers, lanes.
    as_of : int
        Now of the plan [s]; what ended by then is never proposed.
    """

    def __init__(
        self, tables: Mapping[str, TableRows], roads: SupplyKinds, as_of: int
    ) -> None:
        self._roads = roads
        self._as_of = as_of
        self._rows = tables["sourcing"]
        self._rows_of = self._rows.index("product", "location")
        self._known: dict[Node, tuple[Source, ...]] = {}
        self._decides: dict[Node, bool] = {}
        self._location_times: dict[str, WorkingTime] = {}
        self._lanes = DefaultLanes(tables, roads)
        self._rules = _rules(tables["inventory_policies"])
        self._base: Sourcing | None = None
        self._touched: Callable[[str, str], bool] = _everywhere

    def over(self, roads: SupplyKinds, touched: Callable[[str, str], bool]) -> Sourcing:
        """Sourcing that looks again at the nodes that a change touches.

        Which sources there are is as before: only their times differ. This stays as it
        is.

        Parameters
        ----------
        roads
            Where the changed ways are in.
        touched
            Tells whether a product at a location has a source that changes.
        """
        made: Sourcing = copy(self)
        made._roads, made._known = roads, {}
        made._base, made._touched = self, touched
        return made

    def sources(self, product: str, location: str) -> tuple[Source, ...]:
        """Sources that new orders may use, by preference, then id.

        Rows of `sourcing` decide alone where there are any. Else the routings and
        supply terms hold; where there is neither, every lane from a place that can
        have the product. A source whose validity has several spans comes several times.

        Parameters
        ----------
        product, location : str
            What is needed where.

        Returns
        -------
        tuple of Source
            Empty: nothing can supply it.
        """
        node = (product, location)
        known = self._known.get(node)
        if known is None:
            if self._base is not None and not self._touched(product, location):
                return self._base.sources(product, location)
            rows = self._sourcing_rows(product, location)
            offers = self._chosen(rows, node) if rows else self._natural(node)
            built = (self._source(offer, row, node) for offer, row in offers)
            known = self._known[node] = tuple(
                sorted((s for s in built if s is not None), key=_order_of_use)
            )
        return known

    @property
    def kept(self) -> int:
        """Of how many products at locations the sources are known."""
        return len(self._known)

    def move_lanes(self, product: str, location: str) -> frozenset[str]:
        """Lanes among the sources that new orders may use."""
        node = (product, location)
        if node not in self._known and not self._rows_of:
            # Nothing needs to be known of a move but that it is one.
            decided = self._decided(product, location)
            return frozenset(() if decided else self._default_lanes(node))
        found = self.sources(product, location)
        return frozenset(one.source for one in found if one.kind == "move")

    def ranked(self, product: str, location: str, wanted: int) -> tuple[Source, ...]:
        """Sources in the order that `source_rule` asks for (share goes first).

        Parameters
        ----------
        product, location : str
            What is needed where.
        wanted : int
            Good quantity that is needed [units of the product]; lots make one source
            cheaper for much and another for little.

        Returns
        -------
        tuple of Source
            By preference, by the cost of the need, or by the earliest finish of an
            order that begins now. Equal ones stay by preference, then id.
        """
        found = self.sources(product, location)
        rule = self._rules.get((product, location))
        if rule is None or len(found) < 2:
            return found
        recipes, facts = self._roads.recipes, self._roads.facts
        if rule == "cost":
            return ranked(found, lambda one: need_cost(one, recipes, facts, wanted))
        return ranked(
            found, lambda one: first_finish(one, recipes, wanted, self._as_of)
        )

    def source_of(
        self, kind: str, source: str, product: str, location: str
    ) -> Source | None:
        """Source of an existing order, whether it is still proposed or not.

        Parameters
        ----------
        kind : str
            work, purchase, transfer (or make, buy, move).
        source : str
            Routing, supplier, lane or origin.
        product, location : str
            What arrives where.

        Returns
        -------
        Source or None
            Valid for ever; of several terms the ones valid now, else the latest. None:
            there is no such source there.
        """
        node = (product, location)
        offers = list(self._offers(ORDER_KINDS.get(kind, kind), source, node))
        if not offers:
            return None
        now = [o for o in offers if o.window[0] <= self._as_of < o.window[1]]
        chosen = now[0] if now else max(offers, key=lambda offer: offer.window)
        return self._build(chosen, NO_ROW, node, (ALWAYS, NEVER))

    def fence_time(
        self, kind: str, source: str, product: str, location: str
    ) -> WorkingTime:
        """Working time in which days of fences and of firming count (rule 13).

        A purchase's is the supplier's, all others' the location's; where there is no
        such source, the location's.
        """
        node = (product, location)
        offers = list(self._offers(ORDER_KINDS.get(kind, kind), source, node))
        return offers[0].fence_time if offers else self.location_time(location)

    def same(self, tables: Mapping[str, TableRows]) -> bool:
        """Whether other stock and orders leave all sources as they are.

        Parameters
        ----------
        tables
            They differ in `stock` and `supply_orders` alone.
        """
        return self._lanes.same(tables, self._decided)

    def is_decided(self, product: str, location: str) -> bool:
        """Whether a product has sources there without any lane by default."""
        return self._decided(product, location)

    def holds_stock(self, location: str) -> bool:
        """Whether stock can lie there; at customers what arrives is delivered."""
        return self._roads.facts.holds_stock(location)

    def location_time(self, location: str) -> WorkingTime:
        """Working time in which days at a location count (rule 13)."""
        known = self._location_times.get(location)
        if known is None:
            calendar = self._roads.facts.calendar(location)
            known = self._roads.calendars.working_time(calendar)
            self._location_times[location] = known
        return known

    # -------------------------------------------------------------- which sources
    def _sourcing_rows(self, product: str, location: str) -> list[Row]:
        """Rows that hold: nearest level of the product's groups per kind."""
        if not self._rows_of:
            return []
        found: list[Row] = []
        decided: set[str] = set()
        for name in self._roads.facts.lineage(product):
            numbers = self._rows_of.get((name, location), ())
            rows = [self._rows.row(i) for i in numbers]
            found += [row for row in rows if row["kind"] not in decided]
            decided |= {row["kind"] for row in rows}
        return found

    def _chosen(self, rows: list[Row], node: Node) -> Iterator[tuple[Offer, Row]]:
        for row in rows:
            offers = [
                offer
                for offer in self._offers(row["kind"], row["source"], node)
                if offer.kind != "move" or self._carries(offer.source, node[0])
            ]
            for place, offer in enumerate(offers):
                # An origin is one source: its share goes to its first lane.
                rest = place and offer.kind == "move" and row["share_pct"] is not None
                yield offer, {**row, "share_pct": 0.0} if rest else row

    def _natural(self, node: Node) -> Iterator[tuple[Offer, Mapping[str, None]]]:
        offers = self._own_offers(node) or [
            self._roads.transport.offer(lane, node[0])
            for lane in self._default_lanes(node)
        ]
        return ((offer, NO_ROW) for offer in offers)

    def _own_offers(self, node: Node) -> list[Offer]:
        """Routings and terms of a node that have not ended."""
        found = [
            offer
            for routing in self._routings(node)
            for offer in self._routing_offers(routing, node)
        ]
        found += self._roads.suppliers.offers(*node)
        return [offer for offer in found if offer.window[1] > self._as_of]

    def _default_lanes(self, node: Node) -> tuple[str, ...]:
        # Handed over with each question: what points back would keep both for long.
        return self._lanes.into(*node, self._decided)

    def _decided(self, product: str, location: str) -> bool:
        node = (product, location)
        known = self._decides.get(node)
        if known is None:
            known = self._decides[node] = bool(
                self._sourcing_rows(product, location)
            ) or self._has_own_offers(node)
        return known

    def _has_own_offers(self, node: Node) -> bool:
        """Whether `_own_offers` gives any, without making one."""
        row_of = self._roads.recipes.row
        rows = (row_of(routing) for routing in self._routings(node))
        ends = (row["valid_to"] for row in rows if row is not None)
        if any(end is None or end > self._as_of for end in ends):
            return True
        return self._roads.suppliers.sells(*node, self._as_of)

    def _carries(self, lane: str, product: str) -> bool:
        return self._roads.transport.obstacle(lane, product) is None

    def _offers(self, kind: str, source: str, node: Node) -> Iterable[Offer]:
        """What a named source offers there, windows as they are."""
        product, location = node
        if kind == "make":
            return self._routing_offers(source, node)
        if kind == "buy":
            terms = self._roads.suppliers.offers(product, location)
            return [offer for offer in terms if offer.source == source]
        transport = self._roads.transport
        return [
            transport.offer(lane, product) for lane in transport.lanes(source, location)
        ]

    def _routings(self, node: Node) -> tuple[str, ...]:
        roles = self._roads.recipes.makers.get(node)
        if roles is None:
            return ()
        return tuple(sorted({*roles.get("main", ()), *roles.get("co", ())}))

    def _routing_offers(self, routing: str, node: Node) -> list[Offer]:
        row = self._roads.recipes.row(routing)
        if row is None or routing not in self._routings(node):
            return []
        location_time = self.location_time(node[1])
        return [
            Offer.stated(
                row,
                kind="make",
                source=routing,
                step=self._roads.facts.step(row["product"]),
                min_lot=row["min_lot"],
                fence_time=location_time,
                clock=lambda safety: self._roads.capacity.clock(
                    routing, safety, location_time
                ),
                costs=LinearCost(unit=row["cost_per_unit"], fixed=row["fixed_cost"]),
            )
        ]

    # -------------------------------------------------------------- one source
    def _source(
        self, offer: Offer, row: Mapping[str, object], node: Node
    ) -> Source | None:
        begin, end = offer.window
        row_begin, row_end = row["valid_from"], row["valid_to"]
        if isinstance(row_begin, int):
            begin = max(begin, row_begin)
        if isinstance(row_end, int):
            end = min(end, row_end)
        if begin >= end or end <= self._as_of:
            return None
        return self._build(offer, row, node, (begin, end))

    def _build(
        self, offer: Offer, row: Mapping[str, object], node: Node, window: Window
    ) -> Source:
        share = row["share_pct"]
        safety_days = _number(row["safety_days"], offer.safety_days)
        lots = lot_steps(
            offer.step,
            _number(row["min_lot"], offer.min_lot),
            row["max_lot"] if isinstance(row["max_lot"], float) else offer.max_lot,
            _number(row["lot_multiple"], offer.lot_multiple),
        )
        preference = row["preference"]
        return Source(
            kind=offer.kind,
            source=offer.source,
            product=node[0],
            location=node[1],
            origin=offer.origin,
            preference=preference if isinstance(preference, int) else offer.preference,
            share=exact(share) if isinstance(share, float) else None,
            windows=(window,),
            step=offer.step,
            min_lot=lots.least,
            max_lot=lots.most,
            multiple=lots.multiple,
            batch_window_days=_number(
                row["batch_window_days"], offer.batch_window_days
            ),
            safety_days=safety_days,
            fence_days=offer.fence_days,
            fence_start=self._fence(offer),
            row=offer.row,
            clock=offer.clock(safety_days),
            costs=offer.costs,
        )

    def _fence(self, offer: Offer) -> int:
        days = offer.fence_days
        if not days:
            return self._as_of
        if days > 0:
            fence = offer.fence_time.add_days(self._as_of, days)
            return NEVER if fence is None else fence
        fence = offer.fence_time.subtract_days(self._as_of, -days)
        return ALWAYS if fence is None else fence


def _number(stated: object, default: float) -> float:
    return stated if isinstance(stated, float) else default


def _order_of_use(source: Source) -> tuple[int, str, str, tuple[Window, ...]]:
    return (source.preference, source.source, source.kind, source.windows)


def _rules(policies: TableRows) -> dict[Node, str]:
    """Collect where the choice is not by preference."""
    return {
        (product, location): rule
        for product, location, rule in zip(
            policies.column("product"),
            policies.column("location"),
            policies.column("source_rule"),
            strict=True,
        )
        if rule != "preference"
    }
