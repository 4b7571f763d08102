"""How long the providers of a promise take, and how often they knew (CORE-12).

Every question to a provider passes the stages of a book, which note whom they ask. A
meter counts the questions of one answer, the time from each until the next, and how
many had to be worked out: the others came from what was kept. One answer in `EVERY` is
measured, the first among them, so that the others cost nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.supply_search.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.planners.promising.ledger.book import Book

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


class MeteredStages(Stages):
    """Stages that tell a meter whom they ask; the ledgers are those of a book."""

    __slots__ = ("asking", "meter")

    asking: str
    meter: Meter

    @classmethod
    def of(cls, stages: Stages, meter: Meter) -> MeteredStages:
        """Measure the questions to the providers of some stages."""
        made = cls.__new__(cls)
        made.meter, made.asking = meter, stages.at
        for name in Stages.__slots__:
            if name != "at":
                setattr(made, name, getattr(stages, name))
        return made

    @property
    def at(self) -> str:
        """The provider that was asked last."""
        return self.asking

    @at.setter
    def at(self, provider: str) -> None:
        self.asking = provider
        self.meter.ask(provider)

    def __copy__(self) -> MeteredStages:
        """Same stages; what they ask counts on the same meter."""
        return MeteredStages.of(self, self.meter)


@contextmanager
def metered(book: Book, meter: Meter) -> Iterator[None]:
    """Measure what is asked on a book; nobody else may use it meanwhile."""
    plain = book.stages
    before = _kept(plain)
    book.stages = MeteredStages.of(plain, meter)
    try:
        yield
    finally:
        meter.stop()
        book.stages = plain
        after = _kept(plain)
        meter.misses = {name: after[name] - count for name, count in before.items()}


def _kept(stages: Stages) -> dict[str, int]:
    """Count the answers that providers keep."""
    providers = stages.providers
    return {
        "capacity": stages.capacity.kept,
        "material": stages.material.kept,
        "routing": providers.sourcing.kept + providers.recipes.kept,
        "transport": stages.transport.kept,
    }
