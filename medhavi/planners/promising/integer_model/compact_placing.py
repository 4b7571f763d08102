"""Orders of a compact walk: placed among all other work, and among each other.

Orders do share resources. Those that the next one may use are held meanwhile, as in the
full walk; the caller gives them back. Where none is held the ledgers are as they were
when the search began, and what was placed then is found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.supply_search.joint_needs import share_resources
from medhavi.planners.promising.supply_search.waiting_orders import WaitingOrders
from medhavi.planners.promising.supply_search.walk_terms import Failure
from medhavi.results.limiter import Limiter
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.planners.promising.integer_model.compact_supply import CompactSource
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.timing import Timing


class NotPlainError(Exception):
    """The request asks for more than the compact walk does."""


class CompactPlacing:
    """The orders of one walk.

    Parameters
    ----------
    stages, terms
        Providers with their ledgers, and what is allowed.
    known
        Orders that were placed before in the same state of the ledgers; None: they are
        not kept.

    Attributes
    ----------
    failures
        Why ways were closed.
    too_late
        Tells of an instant whether nobody asks any more for what is ready then.
    """

    __slots__ = (
        "_before",
        "_orders",
        "_shared",
        "_whole",
        "failures",
        "stages",
        "terms",
        "too_late",
    )

    def __init__(
        self, stages: Stages, terms: Terms, known: KnownOrders | None = None
    ) -> None:
        self.stages = stages
        self.terms = terms
        self.failures: list[Failure] = []
        self.too_late: Callable[[int], bool] | None = None
        self._before = known
        self._orders = WaitingOrders(stages)
        self._shared = False
        self._whole: CompactSource | None = None
        """The source that all of what is delivered is ordered from."""

    @property
    def contended(self) -> bool:
        """Whether several orders of the request need one resource."""
        return self._shared and share_resources(self._orders.timings)

    def _fail(self, code: Limiter, subject: str) -> None:
        self.failures.append(Failure(code, subject))

    def _outrun(self, source: CompactSource, size: int, left: int, latest: int) -> bool:
        """Whether an order would be too late wherever its steps find room.

        Its steps take their time after the last component is there; so it is not
        placed. No answer shows the difference: of what is too late only the choices
        below it count, and whether its orders need one resource. Its own steps can do
        neither, where none of the other orders holds what they may use.
        """
        chain, output = source.chain, source.output
        if self.too_late is None or chain is None or output is None:
            return False
        if output.steps(size) < left:
            return False  # It is not plain.
        soonest = chain.least(size, max(source.start, latest))
        return self.too_late(soonest) and not self._orders.meet(source.source.source)

    def _usable(self, source: CompactSource, timing: Timing) -> int:
        """When the goods of an order are in stock [s]."""
        if source.chain is not None:
            return timing.steps[-1].after
        if source.output is None:
            raise NotPlainError
        return self.stages.output(source.source.source, timing, source.output)

    def _placed(self, source: CompactSource, size: int, latest: int) -> Timing | None:
        """Place the steps from when all components are there on.

        Each is used when the first step starts, after its queue.
        """
        known = source.source
        bound = max(source.start, latest)
        timing = self._place(source, size, bound)
        if timing is None:
            step = self.stages.too_long(known.source, size, bound, self.terms)
            if step is not None:
                subject = f"{known.source}|{step}"
                self._fail(Limiter.QTY_DURATION_UNSUPPORTED, subject)
                return None
        elif not timing.steps:
            raise NotPlainError
        if timing is None or not known.valid_at(timing.start):
            node = f"{known.product}|{known.location}"
            self._fail(Limiter.ROUTING_CAPACITY_FAIL, node)
            return None
        first = timing.steps[0].start
        if latest > ALWAYS and first > latest and timing.start > source.start:
            # The queue before the first step runs while components are on their way.
            begin = max(source.start, timing.start - first + latest)
            if begin != bound:
                earlier = self._place(source, size, begin)
                if (
                    earlier is not None
                    and earlier.finish < timing.finish
                    and earlier.steps[0].start >= latest
                ):
                    timing = earlier
        self._orders.add(timing)
        return timing

    def _place(self, source: CompactSource, size: int, start: int) -> Timing | None:
        """Place an order as early as possible among all other work."""
        if self._orders.write_for(source.source.source):
            self._shared = True
        known = None if self._orders.written else self._before
        return self.stages.place(source.source, size, start, self.terms, known)
