"""What a desk did and how long it took: counts and latencies (CORE-12, RES-14).

They are measurements of this process and stay outside every result (design 3.7).
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.events.envelope import NewEvent

KEPT = 10_000
"""Latencies that are kept of each verb, the newest."""


class DeskCounters:
    """Counts by name, and seconds by verb.

    Attributes
    ----------
    counts
        quoted, held, committed, replayed, conflicts, retried, at_risk, and a count of
        each event type that was appended.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._seconds: dict[str, deque[float]] = {}

    def appended(self, events: Iterable[NewEvent]) -> None:
        """Count events that were written."""
        self.counts.update(event.type for event in events)

    @contextmanager
    def timed(self, verb: str) -> Iterator[None]:
        """Note how long a verb takes."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            taken = self._seconds.setdefault(verb, deque(maxlen=KEPT))
            taken.append(time.perf_counter() - begin)

    def as_dict(self) -> dict[str, object]:
        """Give counts, and count, p50, p95 and p99 [s] of each verb (KPI-04)."""
        return {
            "counts": dict(sorted(self.counts.items())),
            "seconds": {
                verb: response_times(list(taken))
                for verb, taken in sorted(self._seconds.items())
            },
        }


def response_times(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """Give count, p50, p95 and p99 of a sample: the smallest that so many do not pass.

    >>> response_times([0.01 * n for n in range(1, 101)])
    {'count': 100, 'p50': 0.5, 'p95': 0.95, 'p99': 0.99}
    >>> response_times([])
    {'count': 0, 'p50': None, 'p95': None, 'p99': None}
    """
    found: dict[str, float | int | None] = {"count": len(seconds)}
    order = sorted(seconds)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        rank = math.ceil(share * len(order)) - 1
        found[name] = round(order[rank], 9) if order else None
    return found
