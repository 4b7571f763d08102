"""What all players of the history share: company, clock, stock, journal, chance.

Event ids come from the seed and a counter alone, so that equal seeds give equal bytes.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from medhavi.demo.company_model.company import Company
from medhavi.demo.company_model.demand_rates import Rates
from medhavi.demo.timeline import Timeline, WorkingHours
from medhavi.events.event_types.catalog import TYPES, new_event, stream_for
from medhavi.units import DAY, from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.events.envelope import NewEvent


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event before it is encoded; `number` makes its id and breaks ties."""

    recorded: int
    number: int
    stream: str
    payload: Any
    occurred: int
    actor: str
    correlation: str | None
    metadata: dict[str, str]


class EventJournal:
    """Collects what happened; gives it in the order in which it was recorded.

    Parameters
    ----------
    seed
        Of the history; part of every event id.
    end
        Nothing is recorded after it [s].
    """

    def __init__(self, seed: int, end: int) -> None:
        self._seed = seed
        self._end = end
        self._rng = Random(f"{seed}:journal")
        self._entries: list[JournalEntry] = []
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def note(
        self,
        payload: Any,
        occurred: int,
        *,
        actor: str = "erp",
        correlation: str | None = None,
        lag: int | None = None,
        metadata: dict[str, str] | None = None,
    ) -> JournalEntry:
        """Note a fact; it is recorded a little later, within its stream in order."""
        stream = stream_for(payload)
        delay = self._rng.randrange(5, 300) if lag is None else lag
        recorded = max(occurred + delay, self._last.get(stream, 0))
        recorded = max(min(recorded, self._end), occurred)
        self._last[stream] = recorded
        entry = JournalEntry(
            recorded,
            len(self._entries),
            stream,
            payload,
            occurred,
            actor,
            correlation,
            metadata or {},
        )
        self._entries.append(entry)
        return entry

    def repeat(self, entry: JournalEntry, later: int) -> None:
        """Note the same event again, id and all: a broker delivered it twice."""
        recorded = entry.recorded + later
        self._last[entry.stream] = max(self._last[entry.stream], recorded)
        self._entries.append(
            JournalEntry(
                recorded,
                entry.number,
                entry.stream,
                entry.payload,
                entry.occurred,
                entry.actor,
                entry.correlation,
                entry.metadata,
            )
        )

    def event_id(self, number: int) -> str:
        """Id of the event with a number."""
        digest = hashlib.blake2b(f"{self._seed}:{number}".encode(), digest_size=16)
        return str(uuid.UUID(bytes=digest.digest(), version=5))

    def batches(self) -> Iterator[tuple[str, list[NewEvent]]]:
        """Runs of events of one stream, in recorded order."""
        self._entries.sort(key=attrgetter("recorded", "number"))
        for stream, run in groupby(self._entries, key=attrgetter("stream")):
            events: list[NewEvent] = []
            numbers: set[int] = set()
            for entry in run:
                if entry.number in numbers:
                    # A store refuses a mix of old and new ids: the repeat goes alone.
                    yield stream, events
                    events = []
                    numbers.clear()
                numbers.add(entry.number)
                events.append(self._event(entry))
            yield stream, events

    def _event(self, entry: JournalEntry) -> NewEvent:
        return new_event(
            entry.payload,
            event_id=self.event_id(entry.number),
            occurred_at=from_seconds(entry.occurred),
            recorded_at=from_seconds(entry.recorded),
            actor=entry.actor,
            correlation_id=entry.correlation,
            metadata=entry.metadata,
        )


@dataclass(slots=True)
class LotOnHand:
    """A lot on hand; `usable` false while it is held or expired."""

    lot: str
    qty: int
    expires: int | None = None
    usable: bool = True


class StockLedger:
    """What is on hand and what of it is spoken for, in smallest quantities."""

    def __init__(self) -> None:
        self._lots: dict[tuple[str, str], list[LotOnHand]] = {}
        self._usable: dict[tuple[str, str], int] = {}
        self._taken: dict[tuple[str, str], int] = {}

    def keys(self) -> list[tuple[str, str]]:
        """Every (product, place) that ever held something, in order."""
        return list(self._lots)

    def lots(self, product: str, place: str) -> list[LotOnHand]:
        """Lots on hand."""
        return self._lots.get((product, place), [])

    def usable(self, product: str, place: str) -> int:
        """What is on hand and neither held nor expired."""
        return self._usable.get((product, place), 0)

    def free(self, product: str, place: str) -> int:
        """What is usable and not spoken for."""
        key = (product, place)
        return self._usable.get(key, 0) - self._taken.get(key, 0)

    def claim(self, product: str, place: str, qty: int) -> None:
        """Speak for a quantity; a negative one gives it back."""
        key = (product, place)
        self._taken[key] = self._taken.get(key, 0) + qty

    def add(
        self,
        product: str,
        place: str,
        qty: int,
        lot: str = "",
        expires: int | None = None,
    ) -> None:
        """Put a quantity on the shelf."""
        key = (product, place)
        shelf = self._lots.setdefault(key, [])
        self._usable[key] = self._usable.get(key, 0) + qty
        for entry in shelf:
            if entry.lot == lot:
                entry.qty += qty
                return
        shelf.append(LotOnHand(lot, qty, expires))
        shelf.sort(key=lambda x: (x.expires is None, x.expires or 0, x.lot))

    def take(self, product: str, place: str, qty: int) -> list[LotOnHand]:
        """Take up to a quantity off the shelf; give what was taken of which lot."""
        key = (product, place)
        shelf = self._lots.get(key, [])
        taken: list[LotOnHand] = []
        for entry in shelf:
            if not qty:
                break
            part = min(qty, entry.qty) if entry.usable else 0
            if part:
                entry.qty -= part
                qty -= part
                self._usable[key] -= part
                taken.append(LotOnHand(entry.lot, part, entry.expires))
        self._lots[key] = [entry for entry in shelf if entry.qty or not entry.lot]
        return taken

    def correct(self, product: str, place: str, lot: LotOnHand, qty: int) -> None:
        """Set the quantity of a lot to what was counted."""
        if lot.usable:
            self._usable[product, place] += qty - lot.qty
        lot.qty = qty

    def set_usable(
        self, product: str, place: str, lot: LotOnHand, *, usable: bool
    ) -> None:
        """Hold a lot or free it again."""
        if lot.usable != usable:
            sign = 1 if usable else -1
            self._usable[product, place] += sign * lot.qty
            lot.usable = usable


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
