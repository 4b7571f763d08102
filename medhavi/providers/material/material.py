"""Availability of material over time: the one provider that planners ask (MAT-01 … 07).

Stock and receipts of existing orders less all commitments, for every product at every
location; a line is built when it is first asked for. Takes are journalled: `mark` and
`undo` go back exactly, `put_back` takes single ones back in any order. It never decides
what is made or bought and writes nothing (MAT-05).
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.providers.material.characteristics import PLAIN, CharacteristicLine
from medhavi.providers.material.commitments import Commitment
from medhavi.providers.material.line import LineChange, MaterialLine
from medhavi.providers.material.lots import Lot, LotAllocation, LotLine
from medhavi.results.amounts import quantity
from medhavi.units import ALWAYS, NEVER, from_seconds, from_units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding
    from medhavi.providers import Providers
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.commitments import Commitments, OnHand

Node = tuple[str, str]


class Material:
    """Lines of a snapshot, and what was taken of them since.

    Parameters
    ----------
    own : str, optional
        A demand whose holds, pegs and promise do not count against it (rule 29).
    promised : bool, default True
        Open demands with a promised date are commitments (rule 30). A planner that
        plans these demands itself leaves them out.

    Examples
    --------
    A quote takes, looks, and goes back::

        mark = material.mark()
        line = material.line("A", "L")
        instant = line.earliest(10, now)
        line.take(10, instant)
        material.undo(mark)
    """

    def __init__(
        self, providers: Providers, *, own: str | None, promised: bool
    ) -> None:
        self._providers = providers
        self._on_hand: OnHand = providers.on_hand
        self._receipts = providers.receipts
        self._commitments: Commitments = (
            providers.commitments if promised else providers.bound
        )
        self._lines: dict[Node, MaterialLine] = {}
        self.journal: list[LineChange] = []
        """What was taken and put back since the ledger was settled."""
        self._own = own
        self._made_for: dict[str, set[Node]] | None = None
        self._kinds: list[Characteristics] = [PLAIN]
        self._none: dict[Node, MaterialLine] = {}
        self._provided = _provided(providers)

    def on(self, providers: Providers) -> Material:
        """Same lines among other receipts and commitments.

        Where these differ, whoever asks changes the lines first.
        """
        made: Material = copy(self)
        made._providers = providers
        made._receipts = providers.receipts
        made._commitments = providers.commitments
        return made

    # ---------------------------------------------------------------------- lines
    def line(self, product: str, location: str) -> MaterialLine:
        """Line of a product at a location, built on first use."""
        node = (product, location)
        known = self._lines.get(node)
        if known is None:
            known = self._lines[node] = self._build(product, location)
        return known

    def asked_line(
        self, product: str, location: str, asked: Characteristics | None
    ) -> MaterialLine:
        """Line as one sees it who asks for characteristics or a class.

        Parameters
        ----------
        asked
            None: nothing is asked for.
        """
        line = self.line(product, location)
        if asked is None:
            return line
        if isinstance(line, CharacteristicLine):
            return line.asking(self._kind(asked))
        lots = self.lots((product, location))
        own = self._providers.traits.of_product(product)
        if (self._kinds[lots[0].kind] if lots else own).meets(asked):
            return line
        node = (product, location)
        if node not in self._none:
            self._none[node] = MaterialLine((), (), self.journal)
        return self._none[node]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Products at locations where anything is, comes or is committed, sorted."""
        return tuple(
            sorted({*self._on_hand.nodes, *self._receipts, *self._commitments.nodes})
        )

    @property
    def kept(self) -> int:
        """How many lines are built."""
        return len(self._lines)

    def known(self, product: str, location: str) -> bool:
        """Whether anything of a product lies or comes there, taken or not."""
        return bool(
            self._receipts.get((product, location))
            or self._on_hand.lots(product, location)
            or self._providers.safety_levels.unlimited(product, location)
        )

    def _build(self, product: str, location: str) -> MaterialLine:
        providers = self._providers
        levels = providers.safety_levels
        node = (product, location)
        if not self._anything(node):
            return MaterialLine((), (), self.journal)
        committed = self.committed(node)
        if levels.unlimited(product, location):
            takes = [(had.instant, -had.units) for had in committed]
            return MaterialLine(takes, (), self.journal, unlimited=True)
        lots = self.lots(node)
        free = levels.rule(product, location) == "allow"
        withheld = [] if free else self.withheld(node)
        mixed = len({lot.kind for lot in lots}) > 1
        if mixed or any(lot.customer or lot.expires < NEVER for lot in lots):
            takers = [
                LotAllocation(
                    had.instant,
                    had.until,
                    had.customer or "",
                    had.units,
                    self.asks(had, lots) if mixed else 0,
                )
                for had in committed
            ]
            if mixed:
                return CharacteristicLine(
                    lots, takers, withheld, self.journal, self._kinds
                )
            return LotLine(lots, takers, withheld, self.journal)
        events = [(lot.arrival, lot.units) for lot in lots]
        events += [(had.instant, -had.units) for had in committed]
        return MaterialLine(events, withheld, self.journal)

    def _anything(self, node: Node) -> bool:
        """Whether anything is, comes, is taken or is kept back at a node."""
        return (
            node in self._receipts
            or self._on_hand.has(*node)
            or self._commitments.has(*node)
            or self._providers.safety_levels.has(*node)
        )

    def withheld(self, node: Node) -> list[tuple[int, int]]:
        """Safety stock of a product at a place as a step function [units]."""
        needs = [(had.instant, had.units) for had in self.committed(node)]
        return self._providers.safety_levels.steps_of(*node, needs)

    def made_to_order(self, node: Node) -> bool:
        """Whether each receipt is for the one demand that it was made for."""
        return self._providers.facts.make_to_order(node[0])

    def lots(self, node: Node) -> list[Lot]:
        """What lies and comes of a product at a place."""
        own = self._providers.traits.of_product(node[0])
        found = [
            Lot(
                receipt.instant,
                receipt.expires,
                "",
                receipt.units,
                self._kind(own.providing(self._provided.get(receipt.order))),
            )
            for receipt in self._receipts.get(node, ())
        ]
        # Nothing that lies there may serve a product that is made to order.
        if self._providers.facts.make_to_order(node[0]):
            return found
        for lot in self._on_hand.lots(*node):
            has = self._providers.traits.of_lot(node[0], lot.quality)
            if has is not None:
                owner = lot.customer or ""
                kind = self._kind(has)
                found.append(Lot(ALWAYS, lot.expires, owner, lot.units, kind))
        return found

    def _kind(self, traits: Characteristics) -> int:
        """Count traits, those known before by their old number."""
        if traits not in self._kinds:
            self._kinds.append(traits)
        return self._kinds.index(traits)

    def asks(self, had: Commitment, lots: Iterable[Lot]) -> int:
        """What a commitment asks for; nothing where no lot could have it."""
        row = self._commitments.demand(had.owner)
        if row is None:
            return 0
        traits = self._providers.traits
        asked = traits.asked(row["product"], row["requires"], row["min_quality"])
        if asked is None or not traits.delivers(row["product"], had.product):
            return 0
        kind = self._kind(asked)
        met = any(self._kinds[lot.kind].meets(asked) for lot in lots)
        return kind if met else 0

    def committed(self, node: Node) -> list[Commitment]:
        """What is taken of a product at a place before anything is asked."""
        found = list(self._commitments.at(*node))
        as_of = int(self._providers.snapshot.as_of)
        missing = self._on_hand.missing(*node)
        if missing:
            found.append(
                Commitment(*node, missing, as_of, as_of, None, None, "booking")
            )
        if self._providers.facts.make_to_order(node[0]):
            taken = self._made_to_order(node)
            found = [had for had in found if had.owner is None] + taken
        if self._own is not None:
            found = [had for had in found if had.owner != self._own]
        return self._served(node, found)

    def _served(self, node: Node, found: list[Commitment]) -> list[Commitment]:
        """Waive the freshness asked for by commitments where no lot meets it."""
        if all(had.until == had.instant for had in found):
            return found
        lots = self.lots(node)
        return [
            had
            if any(
                lot.arrival <= had.instant and lot.expires >= had.until for lot in lots
            )
            else had._replace(until=had.instant)
            for had in found
        ]

    def _made_to_order(self, node: Node) -> list[Commitment]:
        """Each receipt of a make-to-order product to the demand it is for."""
        return [
            Commitment(
                *node,
                receipt.units,
                receipt.instant,
                receipt.instant,
                receipt.demand,
                None,
                receipt.order,
            )
            for receipt in self._receipts.get(node, ())
        ]

    # ----------------------------------------------------------------- own holdings
    def free(self, demand: str) -> int:
        """Release a demand's commitments: it is asked for again (rule 29).

        The change is in the journal: `undo` makes it binding again. Safety days go on
        covering what the demand was promised.

        Returns
        -------
        int
            How many commitments were freed.
        """
        nodes = {(had.product, had.location) for had in self._commitments.of(demand)}
        nodes |= self._orders_for().get(demand, set())
        count = 0
        for node in sorted(nodes):
            line = self.line(*node)
            lots = self.lots(node) if isinstance(line, CharacteristicLine) else ()
            for had in self.committed(node):
                if had.owner == demand:
                    line.put_back(
                        LineChange(
                            line,
                            had.units,
                            had.instant,
                            1,
                            had.until,
                            had.customer,
                            receipt=False,
                            kind=self.asks(had, lots) if lots else 0,
                        )
                    )
                    count += 1
        return count

    def _orders_for(self) -> dict[str, set[Node]]:
        """Where make-to-order supply of a demand arrives."""
        if self._made_for is None:
            self._made_for = {}
            for node, receipts in self._receipts.items():
                if self._providers.facts.make_to_order(node[0]):
                    for receipt in receipts:
                        if receipt.demand is not None:
                            self._made_for.setdefault(receipt.demand, set()).add(node)
        return self._made_for

    # -------------------------------------------------------------------- journal
    def mark(self) -> int:
        """Place in the journal to come back to."""
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Take back all changes since a mark, the last one first; lines are as then."""
        journal = self.journal
        while len(journal) > mark:
            shift = journal.pop()
            shift.line.apply(shift._replace(units=-shift.units, uses=-shift.uses))

    def since(self, mark: int) -> tuple[LineChange, ...]:
        """Changes since a mark, for `put_back` at any later time."""
        return tuple(self.journal[mark:])

    def put_back(self, shifts: Iterable[LineChange]) -> None:
        """Take changes back, whatever came after them; the journal notes it."""
        for shift in shifts:
            shift.line.put_back(shift)

    def settle(self) -> None:
        """Forget the journal: what was taken is binding, earlier marks are void."""
        self.journal.clear()

    def state(
        self, nodes: Iterable[Node] | None = None
    ) -> dict[Node, tuple[tuple[int, int], ...]]:
        """Net of lines over time, to compare two ledgers by `==`.

        Parameters
        ----------
        nodes
            Products at places; by default those whose line is built.
        """
        named = sorted(self._lines) if nodes is None else nodes
        return {node: self.line(*node).state for node in named}

    # ------------------------------------------------------------------- findings
    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of overdue orders and of lines short of their commitments."""
        found = list(self._providers.existing_orders.findings)
        for product, location in self._commitments.nodes:
            short = self.line(product, location).short
            if short is None:
                continue
            missing, since = short
            facts = self._providers.facts
            amount = from_units(missing, facts.step(product))
            moment = max(since, int(self._providers.snapshot.as_of))
            found.append(
                finding(
                    "MTL002",
                    table="reservations",
                    value=f"{product} at {location}",
                    missing=quantity(amount, facts.unit(product)),
                    since=f"{from_seconds(moment):%Y-%m-%d %H:%M} UTC",
                )
            )
        return tuple(found)


def _provided(providers: Providers) -> dict[str, frozenset[str]]:
    """Collect what the routings of work orders give beside what the product is."""
    routings = providers.tables["routings"]
    given = {
        routing: frozenset(pairs)
        for routing, pairs in zip(
            routings.column("routing"), routings.column("provides"), strict=True
        )
        if pairs
    }
    if not given:
        return {}
    orders = providers.tables["supply_orders"]
    return {
        order: given[source]
        for order, kind, source in zip(
            orders.column("supply_order"),
            orders.column("kind"),
            orders.column("source"),
            strict=True,
        )
        if kind == "work" and source in given
    }
