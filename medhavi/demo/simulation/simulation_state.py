"""What all players of the history share: company, clock, stock, journal, chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from medhavi.demo.company_model.company import Company
from medhavi.demo.company_model.demand_rates import Rates
from medhavi.demo.simulation.journal import EventJournal
from medhavi.demo.simulation.stock_ledger import StockLedger
from medhavi.demo.timeline import Timeline, WorkingHours
from medhavi.events.event_types.catalog import TYPES
from medhavi.units import DAY, from_seconds

if TYPE_CHECKING:
    from medhavi.demo.simulation.journal import JournalEntry
    from medhavi.demo.simulation.stock_ledger import LotOnHand


@dataclass(slots=True, kw_only=True)
class SimulationState:
    """The state that the players change; `counters` number orders and lots."""

    company: Company
    rates: Rates
    journal: EventJournal
    seed: int
    timeline: Timeline
    stock: StockLedger = field(default_factory=StockLedger)
    hours: dict[str, WorkingHours] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    moving: dict[tuple[str, str], int] = field(default_factory=dict)
    """On the way to (product, place): transfers that have not arrived."""

    @property
    def now(self) -> int:
        """The instant that the history has reached."""
        return self.timeline.now

    def chance(self, player: str) -> Random:
        """Player's own source of chance: no player disturbs another."""
        return Random(f"{self.seed}:{player}")

    def number(self, prefix: str) -> str:
        """Next number of a kind, such as PO-10001."""
        count = self.counters.get(prefix, 10000) + 1
        self.counters[prefix] = count
        return f"{prefix}-{count}"

    def base(self, product: str, qty: int) -> float:
        """Quantity in the base unit of its product."""
        return qty / self.company.products[product].steps

    def note(
        self, event: str, occurred: int | None = None, **fields: Any
    ) -> JournalEntry:
        """Note an event of the catalogue; `_envelope` goes to the journal."""
        envelope: dict[str, Any] = fields.pop("_envelope", {})
        payload = TYPES[event].payload(**fields)
        when = self.now if occurred is None else occurred
        return self.journal.note(payload, when, **envelope)

    def receive(
        self, product: str, place: str, qty: int, lot: str, **fields: Any
    ) -> None:
        """Put goods that came in on the shelf, with the life of their product."""
        life = self.company.products[product].shelf_life_days
        expires = fields.pop("expires", None)
        if expires is None and lot and life is not None:
            expires = self.now + int(life * DAY)
        self.stock.add(product, place, qty, lot, expires)
        self.note(
            "LotReceived",
            product=product,
            location=place,
            lot=lot,
            qty=self.base(product, qty),
            received_at=from_seconds(self.now),
            expires_at=None if expires is None else from_seconds(expires),
            **fields,
        )

    def issue(
        self, product: str, place: str, qty: int, reason: str, **fields: Any
    ) -> list[LotOnHand]:
        """Take goods off the shelf; one movement a lot."""
        taken = self.stock.take(product, place, qty)
        for lot in taken:
            self.note(
                "StockMoved",
                product=product,
                location=place,
                lot=lot.lot,
                qty=-self.base(product, lot.qty),
                reason=reason,
                **fields,
            )
        return taken

    def lot_name(self, product: str, prefix: str) -> str:
        """Lot number where the product is kept in lots, else nothing."""
        if self.company.products[product].shelf_life_days is None:
            return ""
        return self.number(prefix)


def round_up(value: float, multiple: int) -> int:
    """Round up to a multiple.

    >>> round_up(101, 50)
    150
    """
    return math.ceil(value / multiple) * multiple
