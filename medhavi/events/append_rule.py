"""The one rule of appending, shared by the stores that write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import RevisionConflict
from medhavi.events.envelope import parse_stream
from medhavi.events.store import ANY, NO_STREAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.events.envelope import NewEvent


class StoredEvent(NamedTuple):
    """What a store knows of an event id that is asked for again."""

    stream: str
    revision: int
    position: int
    type: str
    payload: str


def settle(
    stream: str,
    events: Sequence[NewEvent],
    expected_revision: int,
    head: int,
    known: Mapping[str, StoredEvent],
) -> tuple[int, ...] | None:
    """Decide on an append: None = go on, positions = it is done already.

    Parameters
    ----------
    head
        Revision of the last event of the stream; `NO_STREAM` when it has none.
    known
        Event id → what is stored, for those of `events` that the store has.

    Raises
    ------
    RevisionConflict
        The stream moved on, or only some of the events are stored, or elsewhere.
    ValueError
        The stream's name, the expected revision or the ids are impossible.
    """
    parse_stream(stream)
    if expected_revision < ANY:
        message = f"Expected revision {expected_revision}: use ANY, NO_STREAM or 0 up."
        raise ValueError(message)
    if len({event.event_id for event in events}) < len(events):
        message = f"Stream {stream}: an event id occurs twice in one append."
        raise ValueError(message)
    if known:
        return _stored_positions(stream, events, expected_revision, known)
    if expected_revision not in (ANY, head):
        state = "has no event" if head == NO_STREAM else f"is at revision {head}"
        wanted = (
            "no event"
            if expected_revision == NO_STREAM
            else f"revision {expected_revision}"
        )
        message = (
            f"Stream {stream} {state}; {wanted} was expected. Read it again, decide "
            "anew, then append."
        )
        raise RevisionConflict(message)
    return None


def _stored_positions(
    stream: str,
    events: Sequence[NewEvent],
    expected_revision: int,
    known: Mapping[str, StoredEvent],
) -> tuple[int, ...]:
    missing = [event.event_id for event in events if event.event_id not in known]
    if missing:
        message = (
            f"Stream {stream}: {len(known)} of {len(events)} events are stored already, "
            f"{missing[0]} is not. Append the new ones alone."
        )
        raise RevisionConflict(message)
    found = [known[event.event_id] for event in events]
    first = found[0].revision
    if expected_revision != ANY and first != expected_revision + 1:
        message = (
            f"Stream {stream}: the events are stored from revision {first} on, not "
            f"after {expected_revision}. Read it again, decide anew, then append."
        )
        raise RevisionConflict(message)
    for offset, (event, stored) in enumerate(zip(events, found, strict=True)):
        if (stored.stream, stored.revision) != (stream, first + offset):
            message = (
                f"Event {event.event_id} is stored in stream {stored.stream} at "
                f"revision {stored.revision}, not in {stream} at {first + offset}."
            )
            raise RevisionConflict(message)
        if (stored.type, stored.payload) != (event.type, event.payload_text):
            message = (
                f"Event {event.event_id} is stored with another content. An id is the "
                "same event for ever: give the new fact an id of its own."
            )
            raise RevisionConflict(message)
    return tuple(stored.position for stored in found)
