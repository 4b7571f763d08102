"""What all players of the history share: company, clock, stock, journal, chance.

Event ids come from the seed and a counter alone, so that equal seeds give equal bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import heapq
import math
import uuid
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from medhavi.demo.company_model.company import Company
from medhavi.demo.company_model.procurement import Rates
from medhavi.events.event_types.catalog import TYPES, new_event, stream_for
from medhavi.units import DAY, HOUR, MINUTE, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.demo.company_model.company import Lane
    from medhavi.events.envelope import NewEvent


START = to_seconds(dt.datetime(2025, 5, 5, 4, tzinfo=dt.UTC))
END = to_seconds(dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC))
"""The history runs from a Monday in May to the Monday that is the plan's now."""

DRIFT_BEGIN = to_seconds(dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
_SHIFT_START = 6
_SHIFT_FINISH = 22


@cache
def local_midnight(zone: str, day: int) -> int:
    """Instant at which a day (counted since 1970) begins in a zone."""
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    return to_seconds(
        dt.datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(zone))
    )


def day_of(instant: int) -> int:
    """UTC day of an instant, counted since 1970."""
    return instant // DAY


def is_workday(day: int) -> bool:
    """Whether a day is Monday to Friday.

    >>> is_workday(4), is_workday(2)
    (True, False)
    """
    return (day + 3) % 7 < 5


def date_of(instant: int) -> dt.date:
    """UTC date of an instant."""
    return from_seconds(instant).date()


class Timeline:
    """Runs what is scheduled in order of time; equal times in the order scheduled."""

    def __init__(self, begin: int = START) -> None:
        self.now = begin
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    def at(self, instant: int, action: Callable[[], object]) -> None:
        """Schedule an action, not before now."""
        self._count += 1
        heapq.heappush(self._queue, (max(instant, self.now), self._count, action))

    def run(self, until: int) -> None:
        """Run everything up to an instant; what lies later never happens."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = until


class WorkingHours:
    """Two shifts a day of a plant, Monday to Friday, without its holidays."""

    def __init__(self, company: Company, plant: str) -> None:
        zone = company.zones[plant]
        calendar = f"CAL-{plant}"
        closed = [
            (_seconds(row["start"]), _seconds(row["finish"]))
            for row in company.rows["calendar_exceptions"]
            if row["calendar"] == calendar
        ]
        self._open: list[tuple[int, int]] = []
        for day in range(day_of(START) - 1, day_of(END) + 60):
            midnight = local_midnight(zone, day)
            if is_workday(day) and not any(a <= midnight < b for a, b in closed):
                begin = midnight + _SHIFT_START * HOUR
                self._open.append((begin, midnight + _SHIFT_FINISH * HOUR))
        self._starts = [begin for begin, _ in self._open]

    def next_open(self, instant: int) -> int:
        """First open instant from here on."""
        index = max(bisect_right(self._starts, instant) - 1, 0)
        if instant < self._open[index][1]:
            return max(instant, self._open[index][0])
        return self._open[index + 1][0]

    def after(self, instant: int, minutes: float) -> int:
        """Instant after so many open minutes."""
        left = round(minutes * MINUTE)
        instant = self.next_open(instant)
        index = bisect_right(self._starts, instant) - 1
        while left > self._open[index][1] - instant:
            left -= self._open[index][1] - instant
            index += 1
            instant = self._open[index][0]
        return instant + left

    def between(self, start: int, finish: int) -> int:
        """Open minutes between two instants."""
        parts = (min(b, finish) - max(a, start) for a, b in self._open)
        return sum(part for part in parts if part > 0) // MINUTE


def _seconds(instant: object) -> int:
    if not isinstance(instant, dt.datetime):
        message = f"{instant!r} is not an instant."
        raise TypeError(message)
    return to_seconds(instant)


def next_departure(lane: Lane, zone: str, ready: int) -> int:
    """First departure of a lane that goods ready at an instant can catch."""
    earliest = ready + round(lane.cutoff_h * HOUR)
    if not lane.departures:
        return earliest
    day = day_of(earliest) - 1
    while True:
        midnight = local_midnight(zone, day)
        weekday = (day + 3) % 7 + 1
        for departure_day, minute in lane.departures:
            departure = midnight + minute * MINUTE
            if departure_day == weekday and departure >= earliest:
                return departure
        day += 1


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
        self._entries.append(replace(entry, recorded=recorded))

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

    def hold(self, product: str, place: str, lot: LotOnHand) -> None:
        """Hold a lot: it is not usable any more."""
        if lot.usable:
            self._usable[product, place] -= lot.qty
            lot.usable = False


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
