"""The walk of plain requests: the same choices, and nothing to take back (DEF-03).

`supply_walk` takes what it finds from the ledgers, because one need may want what
another took. Where every good of a chain is needed once, no need sees what the others
take: the best way is found by looking alone. What that excludes is refused as soon as
it is met, and the full walk answers; so the two give the same pieces, and note the same
failures in the same order.

Orders do share resources. Those that the next one may use are held meanwhile, as in the
full walk; the caller gives them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.integer_model.compact_placing import (
    CompactPlacing,
    NotPlainError,
)
from medhavi.planners.promising.integer_model.compact_supply import compact_supply
from medhavi.planners.promising.supply_search.pieces import Piece, Use
from medhavi.planners.promising.supply_search.supply_walk import MOST_MOMENTS
from medhavi.results.limiter import Limiter
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.integer_model.compact_supply import (
        CompactGood,
        CompactSource,
        CompactSupply,
    )
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.waiting_orders import OrdersMark
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.material.recipe_lines import Component
    from medhavi.providers.sources import Source
    from medhavi.providers.timing import Timing

    Pieces = tuple[Piece, ...]


class CompactWalk(CompactPlacing):
    """One walk that looks at the ledgers.

    Parameters
    ----------
    supply
        Goods with their ledgers.
    terms
        What is allowed; they are plain (`Terms.plain`).
    known
        Orders that were placed before in the same state of the ledgers.

    Attributes
    ----------
    evaluations, greedy, repeats
        As of `Walk`.
    wanted
        What is delivered, as far as it was asked for.
    """

    __slots__ = (
        "_met",
        "_needed",
        "_ordered",
        "_supply",
        "_trail",
        "evaluations",
        "greedy",
        "repeats",
        "wanted",
    )

    def __init__(
        self, supply: CompactSupply, terms: Terms, known: KnownOrders | None = None
    ) -> None:
        super().__init__(supply.stages, terms, known)
        self._supply = supply
        self.evaluations = 0
        self.greedy = False
        self.repeats = False
        self.wanted: CompactGood | None = None
        self._met: set[CompactGood] = set()
        self._trail: list[CompactGood] = []
        self._needed: set[CompactGood] = set()
        self._ordered: set[CompactGood] = set()

    def refused(self) -> None:
        """Mark the good, so the full walk answers its next delivery at once."""
        if self.wanted is not None:
            self.wanted.refused = True

    # ------------------------------------------------------------- what is delivered
    def from_stock(self, product: str, location: str, steps: int) -> Pieces:
        """Take a quantity from stock and receipts, each part as soon as it is there."""
        good = self._begin(product, location)
        self._look(good)
        return self._from_stock(good, steps)

    def new(self, source: Source, steps: int) -> Pieces | None:
        """Order from a source; None, too, where that is `too_late`."""
        found = self._source(source)
        self._whole = found
        return self._new(found, steps)

    def mixed(
        self, source: Source, part: int, steps: int, *, whole: bool = True
    ) -> Pieces | None:
        """Take a part from stock and get the rest from a source (see `Walk.mixed`)."""
        found = self._source(source)
        self._look(found.good)
        return self._mixed(found, part, steps, whole=whole)

    def _begin(self, product: str, location: str) -> CompactGood:
        """Come to what is delivered."""
        good = self._supply.good(product, location)
        self.wanted = good
        if good.refused:
            raise NotPlainError
        self._meet(good)
        return good

    def _source(self, source: Source) -> CompactSource:
        return self._known(self._begin(source.product, source.location), source)

    def _known(self, good: CompactGood, source: Source) -> CompactSource:
        """What is kept of a source of a good."""
        known = good.known(source)
        if known is None:
            raise NotPlainError
        return known

    def _meet(self, good: CompactGood) -> None:
        """Come to a good; none may be met twice, for its line is as it was before."""
        if good.line is None or good in self._met:
            raise NotPlainError
        self._met.add(good)
        self._trail.append(good)

    def _look(self, good: CompactGood) -> None:
        """Look at the line of a good."""
        self.stages.at = "material"
        if good.withholds:
            self.stages.withheld = True

    # ------------------------------------------------------------------- needs
    def acquire(self, good: CompactGood, steps: int) -> Pieces | None:
        """Get a quantity at a place as early as possible; None: there is no way."""
        if steps <= 0:
            return ()
        self._meet(good)
        self._look(good)
        now = self.terms.now
        line = good.line
        if line is None:
            raise NotPlainError
        waiting = line.earliest(steps, now, buffers=self._buffers(good))
        if waiting is not None and waiting <= now:
            self._needed.add(good)
            return (Piece("stock", good.product, good.location, steps, now, now),)
        self.greedy = self.greedy or good in self._needed
        self._needed.add(good)
        sources = good.sources
        if sources is None:
            raise NotPlainError
        allowed = [
            one
            for one in sources
            if not one.is_buy or self._may_buy(one, covered=waiting is not None)
        ]
        if waiting is None and len(allowed) == 1:
            only = allowed[0]
            return self._mixed(only, self._part_of(only, steps), steps)
        return self._best(good, steps, waiting, allowed)

    def _best(
        self,
        good: CompactGood,
        steps: int,
        waiting: int | None,
        sources: Sequence[CompactSource],
    ) -> Pieces | None:
        """Look at every way, keep the first that is there earliest."""
        best: tuple[int, Pieces, _Kept] | None = None
        if waiting is not None:
            piece = Piece("stock", good.product, good.location, steps, waiting, waiting)
            if not sources:
                return (piece,)
            self.evaluations += 1
            best = waiting, (piece,), _NOTHING
            self.greedy = True
        parts = [self._part_of(source, steps) for source in sources]
        for source, part in zip(sources, parts, strict=True):
            if best is not None and self.evaluations >= self.terms.budget:
                self.greedy = True
                break
            self.evaluations += 1
            mark = self._mark()
            found = self._mixed(source, part, steps)
            if found is not None:
                ready = max([piece.ready for piece in found])
                if best is None or ready < best[0]:
                    best = ready, found, self._since(mark)
            self._undo(mark)
            self.greedy = True
        if best is None:
            if not sources:
                self._nowhere(good)
            return None
        self._again(best[2])
        return best[1]

    def _nowhere(self, good: CompactGood) -> None:
        known = self.stages.known(good.product, good.location) or good.sources
        code = Limiter.MATERIAL_SHORTFALL if known else Limiter.NO_SOURCE
        self._fail(code, f"{good.product}|{good.location}")

    def _may_buy(self, source: CompactSource, *, covered: bool) -> bool:
        """Whether a new purchase may be thought of (rules 32, 38; SUP-09)."""
        terms = self.terms
        if terms.known_only or terms.least_esg is not None:
            refused = self.stages.refused(source.source, terms)
            if refused is not None:
                self._fail(refused, source.source.source)
                return False
        if terms.buy == "rest":
            self.stages.spared = self.stages.spared or covered
            return not covered
        return terms.buy != "never"

    def _part_of(self, source: CompactSource, steps: int) -> int:
        """What stock contributes beside a new order [steps]."""
        part = min(self._free(source.good, self.terms.now), steps - 1)
        if not source.is_buy or self.terms.buy != "rest":
            return part
        ever = min(self._free(source.good, NEVER), steps - 1)
        self.stages.spared = self.stages.spared or ever != part
        return ever

    def _mixed(
        self, source: CompactSource, part: int, steps: int, *, whole: bool = True
    ) -> Pieces | None:
        """Take a part from stock and get the rest from a source (see `Walk.mixed`)."""
        later = self._later(source.good, part, steps)
        if not later:
            return self._mix(source, part, steps) if part or whole else None
        best: tuple[int, Pieces, _Kept] | None = None
        tries = [(ALWAYS, part)] if part or whole else []
        for instant, free in [*tries, *reversed(later)]:
            if best is not None and best[0] <= instant:
                continue
            self.evaluations += 1
            mark = self._mark()
            found = self._mix(source, free, steps)
            ready = NEVER if found is None else max([piece.ready for piece in found])
            if found is not None and (best is None or ready < best[0]):
                best = ready, found, self._since(mark)
            self._undo(mark)
            if found is not None and instant > ALWAYS and ready > instant:
                break
        if best is None:
            return None
        self._again(best[2])
        return best[1]

    def _mix(self, source: CompactSource, part: int, steps: int) -> Pieces | None:
        if part <= 0:
            return self._new(source, steps)
        found = self._from_stock(source.good, part)
        rest = self._new(source, steps - sum([piece.steps for piece in found]))
        return None if rest is None else (*found, *rest)

    def _later(self, good: CompactGood, part: int, steps: int) -> list[tuple[int, int]]:
        """Next moments at which stock has more of a part, with how much."""
        most = min(self._free(good, NEVER), steps - 1)
        found: list[tuple[int, int]] = []
        if most <= part:
            return found
        for moment in self._rises(good):
            free = min(self._free(good, moment), steps - 1)
            if free <= (found[-1][1] if found else part):
                continue
            if len(found) == MOST_MOMENTS:
                self.greedy = True
                break
            found.append((moment, free))
        return found

    # ------------------------------------------------------------------- stock
    def _buffers(self, good: CompactGood) -> bool:
        return self.terms.buffers and not good.blocked

    def _free(self, good: CompactGood, instant: int) -> int:
        """What is free at an instant [steps]."""
        if good.line is None:
            raise NotPlainError
        return good.line.available(instant, buffers=self._buffers(good))

    def _rises(self, good: CompactGood) -> list[int]:
        """Instants after now at which more is free [s]."""
        if good.line is None:
            raise NotPlainError
        return good.line.rises(self.terms.now)

    def _from_stock(self, good: CompactGood, steps: int) -> Pieces:
        """Take a quantity from stock and receipts, each part as soon as it is there."""
        pieces = []
        taken = 0
        moments = [self.terms.now]
        if steps > self._free(good, self.terms.now):
            moments += self._rises(good)
        for moment in moments:
            if taken >= steps:
                break
            free = min(self._free(good, moment), steps) - taken
            if free > 0:
                pieces.append(
                    Piece("stock", good.product, good.location, free, moment, moment)
                )
                taken += free
        return tuple(pieces)

    # -------------------------------------------------------------- new supply
    def _new(self, source: CompactSource, steps: int) -> Pieces | None:
        """Order from a source; what lots bring beyond the need is free to others."""
        good = source.good
        self.repeats = self.repeats or good in self._ordered
        self._ordered.add(good)
        made = self._buy(source, steps) if source.is_buy else self._make(source, steps)
        if made is None:
            return None
        if made.steps < steps:
            raise NotPlainError  # further orders see what this one took
        if made.steps > steps:
            self._look(good)
            made = made._replace(steps=steps, surplus=made.steps - steps)
        return (made,)

    def _buy(self, source: CompactSource, left: int) -> Piece | None:
        size = source.size(left)
        self.stages.at = "supplier"
        timing = source.purchase(self.stages, size)
        known = source.source
        if timing is None or not known.valid_at(timing.start):
            raised = timing is None and size > left
            code = (
                Limiter.SUPPLIER_MOQ if raised else Limiter.SUPPLIER_LEADTIME_EXCEEDED
            )
            self._fail(code, known.source)
            return None
        return Piece(
            "buy",
            known.product,
            known.location,
            size,
            timing.finish,
            timing.start,
            known,
            size,
            timing,
        )

    def _make(self, source: CompactSource, left: int) -> Piece | None:
        output = source.output
        if output is None:
            raise NotPlainError
        short = left * output.denominator - output.addend
        size = source.size(max(1, -(-short // output.numerator)))
        uses: list[Piece] = []
        lines: list[Component] = []
        latest = ALWAYS
        good = self._supply.good
        for line in source.lines:
            wanted = good(line.component, line.location)
            got = self.acquire(wanted, line.steps(size))
            if got is None:
                return None
            for piece in got:
                uses.append(piece)
                lines.append(line)
                latest = max(latest, piece.ready)
        if source is self._whole and self._outrun(source, size, left, latest):
            return None
        timing = self._placed(source, size, latest)
        if timing is None:
            return None
        first = timing.steps[0].start
        known = source.source
        return Piece(
            "make",
            known.product,
            known.location,
            output.steps(size),
            self._usable(source, timing),
            timing.start,
            known,
            size,
            timing,
            tuple([Use(first, piece) for piece in uses]),
            tuple(lines),
        )

    # ----------------------------------------------------------------- journal
    def _mark(self) -> _Mark:
        return self.stages.capacity.mark(), self._orders.mark(), len(self._trail)

    def _since(self, mark: _Mark) -> _Kept:
        _, orders, met = mark
        return tuple(self._orders.timings[orders.orders :]), tuple(self._trail[met:])

    def _undo(self, mark: _Mark) -> None:
        capacity, orders, met = mark
        self.stages.capacity.undo(capacity)
        self._orders.undo(orders)
        self._met.difference_update(self._trail[met:])
        del self._trail[met:]

    def _again(self, kept: _Kept) -> None:
        timings, met = kept
        for timing in timings:
            self._orders.add(timing)
        self._met.update(met)
        self._trail.extend(met)


if TYPE_CHECKING:
    _Mark = tuple[int, OrdersMark, int]
    _Kept = tuple[tuple[Timing, ...], tuple[CompactGood, ...]]

_NOTHING: _Kept = ((), ())


def compact_walk(
    stages: Stages, terms: Terms, known: KnownOrders | None = None
) -> CompactWalk | None:
    """Walk for plain terms; None: they ask for more than it does."""
    if not terms.plain:
        return None
    return CompactWalk(compact_supply(stages, terms.now), terms, known)
