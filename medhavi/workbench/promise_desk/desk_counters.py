"""What a desk did and how long it took: counts and latencies (CORE-12, RES-14).

They are measurements of this process and stay outside every result (design 3.7).
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medhavi.planners.promising.explain.answering import FAILED
from medhavi.results.limiter import Limiter
from medhavi.workbench.promise_desk.choice_counters import ChoiceCounters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.providers import Providers
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.promise_desk.provider_meter import ProviderCall

PROVIDERS = frozenset(FAILED)
"""Providers that may fail; a reason then has the name of one as its subject."""
KEPT = 10_000
"""Latencies that are kept of each verb, the newest."""


class DeskCounters:
    """Counts by name, and seconds by verb.

    Attributes
    ----------
    counts
        quoted, buying (answers that need a purchase), held, committed, replayed,
        conflicts, retried, at_risk, limited by a code, errors and timeouts by provider,
        and a count of each event type that was appended.
    choices
        Alternates that answers used, and what their purchases cost beside own supply.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.choices = ChoiceCounters()
        self._asked: dict[str, deque[ProviderCall]] = {}
        self._seconds: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, name: str, number: int = 1) -> None:
        """Count something; callers of several threads lose none."""
        with self._lock:
            self.counts[name] += number

    def appended(self, events: Iterable[NewEvent]) -> None:
        """Count events that were written."""
        with self._lock:
            self.counts.update(event.type for event in events)

    def quoted(self, promises: Sequence[Promise], providers: Providers) -> None:
        """Count answers, what they chose and what limited them, providers that failed.

        Parameters
        ----------
        providers
            What the answers chose among.
        """
        with self._lock:
            self._count_answers(promises, providers)

    def _count_answers(self, promises: Sequence[Promise], providers: Providers) -> None:
        self.counts["quoted"] += len(promises)
        self.counts["buying"] += sum(bool(one.purchases) for one in promises)
        for one in promises:
            self.choices.chose(providers, one)
            if one.limiter is None:
                continue
            code, provider = one.limiter.code, one.limiter.subject
            if provider not in PROVIDERS:
                self.counts[f"limited.{code}"] += 1
            elif code is Limiter.SEARCH_TIMEOUT:
                self.counts[f"timeouts.{provider}"] += 1
            else:
                self.counts[f"errors.{provider}"] += 1

    def measured(self, told: Mapping[str, ProviderCall]) -> None:
        """Keep what the providers did for an answer."""
        with self._lock:
            for provider, asked in told.items():
                known = self._asked.setdefault(provider, deque(maxlen=KEPT))
                known.append(asked)

    @contextmanager
    def timed(self, verb: str) -> Iterator[None]:
        """Note how long a verb takes."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                taken = self._seconds.setdefault(verb, deque(maxlen=KEPT))
                taken.append(time.perf_counter() - begin)

    def as_dict(self) -> dict[str, object]:
        """Counts, and count, p50, p95 and p99 [s] of each verb (KPI-04).

        `providers` has the same of the answers that were measured, with the questions
        that a provider got and the share of them that it knew the answer to.
        `alternates` and `purchases` are those of `ChoiceCounters`.
        """
        with self._lock:
            return self._as_dict()

    def _as_dict(self) -> dict[str, object]:
        return {
            "counts": dict(sorted(self.counts.items())),
            "seconds": {
                verb: response_times(list(taken))
                for verb, taken in sorted(self._seconds.items())
            },
            "providers": {
                provider: _provider(list(asked))
                for provider, asked in sorted(self._asked.items())
            },
            **self.choices.as_dict(),
        }


def _provider(asked: Sequence[ProviderCall]) -> dict[str, object]:
    """Questions, the share that was known, and the times of the answers."""
    questions = sum(one.questions for one in asked)
    misses = [one.misses for one in asked if one.misses is not None]
    known = max(1 - sum(misses) / questions, 0.0) if misses else None
    return {
        "questions": questions,
        "cache_hits": known,
        **response_times([one.seconds for one in asked]),
    }


def response_times(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """Count, p50, p95 and p99 of a sample: the smallest that so many do not pass.

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
