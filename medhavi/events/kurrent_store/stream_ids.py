"""Which event ids a stream has: remembered per process, for the server forgets them."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

_MOST_IDS = 500_000


class StreamIds(NamedTuple):
    """A stream up to its revision `last`; `ids` gives the revision of an event id."""

    last: int
    ids: dict[str, int]


class StreamIdCache:
    """The streams that were appended to, the least recent forgotten first.

    What is forgotten is read again; a long stream is kept while it is in use.
    """

    def __init__(self, most_ids: int = _MOST_IDS) -> None:
        self._most_ids = most_ids
        self._count = 0
        self._streams: OrderedDict[str, StreamIds] = OrderedDict()

    def __contains__(self, stream: str) -> bool:
        return stream in self._streams

    def get(self, stream: str) -> StreamIds:
        """What is known of a stream: nothing at first."""
        if stream not in self._streams:
            self._streams[stream] = StreamIds(-1, {})
        self._streams.move_to_end(stream)
        return self._streams[stream]

    def add(self, stream: str, event_id: str, revision: int) -> None:
        """Note an event; it is the last one of its stream now."""
        ids = self.get(stream).ids
        self._count += event_id not in ids
        ids[event_id] = revision
        self._streams[stream] = StreamIds(revision, ids)
        while self._count > self._most_ids and len(self._streams) > 1:
            _, oldest = self._streams.popitem(last=False)
            self._count -= len(oldest.ids)

    def forget(self, stream: str) -> None:
        """Know nothing of a stream any more."""
        known = self._streams.pop(stream, None)
        self._count -= 0 if known is None else len(known.ids)
