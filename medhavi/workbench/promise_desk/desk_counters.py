"""What a desk did and how long it took: counts and latencies (CORE-12, RES-14).

They are measurements of this process and stay outside every result (design 3.7).

An answer chooses a routing for each order that it makes, resources for each step, and
the product that is delivered. Each is an alternate where one of better preference could
have begun at the same time. Where what is asked for is bought, its price is set against
the cheapest option of the same answer that buys nothing of what is delivered (CORE-18).

Every question to a provider passes the stages of a book, which note whom they ask. A
meter counts the questions of one answer, the time from each until the next, and how
many had to be worked out: the others came from what was kept. One answer in `EVERY` is
measured, the first among them, so that the others cost nothing.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.promising.answering import FAILED
from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
from medhavi.results.limiter import Limiter
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.providers import Providers
    from medhavi.results.promises.promise import Promise, PromiseOption


_BUYS = re.compile(r"(?:^|[+/])buy:")
"""A part of the name of an option that is a purchase."""
_LEAST = 1e-9


class ChoiceCounters:
    """Counts of what answers chose.

    Attributes
    ----------
    counts
        By kind of choice (`routing`, `resource`, `product`): how often one was made
        (`used`) and how often it was an alternate (`alternate`).
    answers, buying
        Answers with a date, and those that buy anything, components too.
    bought, compared
        Answers that buy what is asked for, and those of them with an own option.
    delta, dearer
        What the purchases cost more than the own options [base currency], and how many
        were dearer; lateness is no part of either.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.answers = self.buying = 0
        self.bought = self.compared = self.dearer = 0
        self.delta = 0.0

    def chose(self, providers: Providers, promise: Promise) -> None:
        """Count the choices of an answer with its trace; a rejection made none."""
        if promise.date is None:
            return
        self.answers += 1
        self.buying += bool(promise.purchases)
        for kind, is_alternate in _choices(providers, promise):
            self.counts[kind, "used"] += 1
            self.counts[kind, "alternate"] += is_alternate
        chosen = next((one for one in promise.options if one.why_not is None), None)
        if chosen is None or not _BUYS.search(chosen.option):
            return
        self.bought += 1
        own = cheapest_own(promise, chosen.qty)
        if own is not None:
            delta = _price(chosen) - _price(own)
            self.compared += 1
            self.delta += delta
            self.dearer += delta > _LEAST

    def as_dict(self) -> dict[str, object]:
        """Alternates by kind, and purchases; shares are None of nothing."""
        return {
            "alternates": {
                kind: {
                    "used": self.counts[kind, "used"],
                    "alternate": self.counts[kind, "alternate"],
                    "share": _share(
                        self.counts[kind, "alternate"], self.counts[kind, "used"]
                    ),
                }
                for kind in ("routing", "resource", "product")
            },
            "purchases": {
                "answers": self.answers,
                "buying": self.buying,
                "hit_rate": _share(self.buying, self.answers),
                "bought": self.bought,
                "compared": self.compared,
                "dearer": self.dearer,
                "cost_delta": round(self.delta, 6),
            },
        }


def cheapest_own(promise: Promise, qty: float) -> PromiseOption | None:
    """Find the cheapest option that buys nothing of what is delivered.

    Parameters
    ----------
    qty
        Least quantity of it [base units].
    """
    own = [
        one
        for one in promise.options
        if not _BUYS.search(one.option) and one.qty >= qty - _LEAST
    ]
    return min(own, key=_price, default=None)


def _choices(providers: Providers, promise: Promise) -> Iterator[tuple[str, bool]]:
    """Kind of each choice of an answer, and whether it took an alternate."""
    asked = promise.demand["product"]
    yield "product", any(one.product != asked for one in promise.deliveries)
    for entry in promise.trace:
        kind, _, source = str(entry.get("way", "")).partition(":")
        if kind == "make":
            yield "routing", _is_other_routing(providers, entry, source)
        elif "resources" in entry:
            yield "resource", _is_other_resource(providers, entry)


def _is_other_routing(
    providers: Providers, entry: Mapping[str, Any], routing: str
) -> bool:
    """Whether a routing of better preference could have begun as this one did."""
    start = _instant(entry)
    made = [
        one
        for one in providers.sourcing.sources(entry["product"], entry["location"])
        if one.kind == "make" and one.valid_at(start)
    ]
    used = [one.preference for one in made if one.source == routing]
    return bool(used) and min(one.preference for one in made) < min(used)


def _is_other_resource(providers: Providers, entry: Mapping[str, Any]) -> bool:
    """Whether a step is done by other resources than it prefers at its start."""
    return providers.capacity.is_second_choice(
        entry["routing"], entry["step"], entry["resources"], _instant(entry)
    )


def _instant(entry: Mapping[str, Any]) -> int:
    return to_seconds(dt.datetime.fromisoformat(entry["start"]))


def _price(option: PromiseOption) -> float:
    """What an option costs without lateness [base currency]."""
    return option.cost if option.parts is None else option.parts.without_lateness


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


EVERY = 20
"""One of so many answers is measured."""


class ProviderCall(NamedTuple):
    """What one provider did for one answer; `misses` None: nothing is kept of it."""

    questions: int
    seconds: float
    misses: int | None


class Meter:
    """Times of one answer by provider.

    Parameters
    ----------
    clock
        Gives seconds; another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._since: tuple[str, float] | None = None
        self.questions: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.misses: dict[str, int] = {}

    def ask(self, provider: str) -> None:
        """Note that a provider is asked; the one before has had its time."""
        self.stop()
        self.questions[provider] += 1
        self._since = provider, self._clock()

    def stop(self) -> None:
        """Note that nobody is asked any more."""
        if self._since is not None:
            provider, begin = self._since
            taken = self._clock() - begin
            self.seconds[provider] = self.seconds.get(provider, 0.0) + taken
            self._since = None

    def told(self) -> dict[str, ProviderCall]:
        """What each provider did, by name."""
        return {
            name: ProviderCall(count, self.seconds[name], self.misses.get(name))
            for name, count in sorted(self.questions.items())
        }


class MeteredProviders(AvailabilityCheck):
    """Stages that tell a meter whom they ask; the ledgers are those of a book."""

    __slots__ = ("meter",)

    meter: Meter

    @classmethod
    def of(cls, stages: AvailabilityCheck, meter: Meter) -> MeteredProviders:
        """Measure the questions to the providers of some stages."""
        made = cls.__new__(cls)
        made.meter = meter
        for name in AvailabilityCheck.__slots__:
            setattr(made, name, getattr(stages, name))
        return made

    def ask(self, stage: str) -> None:
        """Note which stage is asked now, for the meter too."""
        super().ask(stage)
        self.meter.ask(stage)

    def __copy__(self) -> MeteredProviders:
        """Same stages; what they ask counts on the same meter."""
        return MeteredProviders.of(self, self.meter)


@contextmanager
def metered(book: PromiseLedger, meter: Meter) -> Iterator[None]:
    """Measure what is asked on a book; nobody else may use it meanwhile."""
    plain = book.stages
    before = _kept(plain)
    book.stages = MeteredProviders.of(plain, meter)
    try:
        yield
    finally:
        meter.stop()
        book.stages = plain
        after = _kept(plain)
        meter.misses = {name: after[name] - count for name, count in before.items()}


def _kept(stages: AvailabilityCheck) -> dict[str, int]:
    """Count the answers that providers keep."""
    providers = stages.providers
    return {
        "capacity": stages.capacity.kept,
        "material": stages.material.kept,
        "routing": providers.sourcing.kept + providers.recipes.kept,
        "transport": stages.transport.kept,
    }


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
