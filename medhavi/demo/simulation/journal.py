"""The journal of a history: facts become events in the order of their recording.

Event ids come from the seed and a counter alone, so that equal seeds give equal bytes.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from medhavi.events.event_types.catalog import new_event, stream_for
from medhavi.units import from_seconds

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
