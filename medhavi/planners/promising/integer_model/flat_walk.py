"""The walk of plain requests in numbers: pieces are built for ways of use alone.

Kernels evaluate a way and write down what they chose; here it is read back into the
pieces that `compact_walk` gives. What they refuse is walked there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.supply_record import (
    ASKED,
    CONTENDED,
    EVALUATIONS,
    GREEDY,
    LARGE,
    NOTHING,
    REFUSED,
    REPEATS,
    STOCK,
    TRACE,
    WITHHELD,
)
from medhavi.planners.promising.integer_model.compact_placing import NotPlainError
from medhavi.planners.promising.integer_model.flat_supply import Rules
from medhavi.planners.promising.supply_search.pieces import Piece, Use
from medhavi.providers.finite_capacity.option import Taken
from medhavi.providers.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.planners.promising.integer_model.compact_supply import (
        CompactGood,
        CompactSource,
    )
    from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Failure, Terms
    from medhavi.providers.material.recipe_lines import Component
    from medhavi.providers.sources import Source

    Pieces = tuple[Piece, ...]


class FlatWalk:
    """One walk in numbers.

    Parameters
    ----------
    flat
        Goods and machines as numbers.
    terms
        What is allowed; they are plain.
    ledgers
        The same object while the ledgers are as they were; None: they may not be.

    Attributes
    ----------
    evaluations, greedy, repeats, contended, failures, too_late
        As of `CompactWalk`; nothing fails here.
    found
        The kernels found a way: none was refused.
    """

    __slots__ = (
        "_at",
        "_begun",
        "_flat",
        "_ledgers",
        "_rules",
        "_trace",
        "contended",
        "evaluations",
        "failures",
        "found",
        "greedy",
        "repeats",
        "terms",
        "too_late",
    )

    def __init__(self, flat: FlatSupply, terms: Terms, ledgers: object) -> None:
        self._flat = flat
        self.terms = terms
        never, known_only = terms.buy == "never", terms.known_only
        self._rules = Rules(terms.by, terms.budget, never, known_only)
        self._ledgers = ledgers
        self.evaluations = 0
        self.greedy = self.repeats = self.contended = False
        self.failures: list[Failure] = []
        self.too_late: Callable[[int], bool] | None = None
        self.found = False
        self._begun = False
        self._trace: list[int] = []
        self._at = 0

    # ------------------------------------------------------------- what is delivered
    def from_stock(self, product: str, location: str, steps: int) -> Pieces:
        """Refuse: what lies there is as soon looked up."""
        del product, location, steps
        raise NotPlainError

    def refused(self) -> None:
        """Another walk answers; the next request may be plain again."""

    def new(self, source: Source, steps: int) -> Pieces | None:
        """Order from a source; None, too, where that is `too_late`."""
        return self._delivered(source, 0, steps, look=0)

    def mixed(
        self, source: Source, part: int, steps: int, *, whole: bool = True
    ) -> Pieces | None:
        """Take a part from stock and get the rest from a source (see `Walk.mixed`)."""
        if part <= 0 and not whole:
            raise NotPlainError
        return self._delivered(source, part, steps, look=1)

    def _delivered(
        self, source: Source, part: int, steps: int, *, look: int
    ) -> Pieces | None:
        flat = self._flat
        made = flat.compact.good(source.product, source.location).known(source)
        number = None if made is None else flat.number(made)
        if made is None or number is None or steps >= LARGE:
            raise NotPlainError
        begin, ready = self._evaluated(made, (number, part, steps, look))
        self.found = True
        tally = flat.state.tally.tolist()
        self.evaluations = tally[EVALUATIONS]
        self.greedy = tally[GREEDY] > 0
        self.repeats = tally[REPEATS] > 0
        self.contended = tally[CONTENDED] > 0
        if tally[WITHHELD]:
            flat.stages.withheld = True
        if self.too_late is not None and not self.repeats and self.too_late(ready):
            return None
        self._trace = flat.state.trace[begin : tally[TRACE]].tolist()
        self._at = 0
        return self._ordered(steps)

    def _evaluated(
        self, made: CompactSource, asked: tuple[int, int, int, int]
    ) -> tuple[int, int]:
        """Choose by a kernel; return where its trace begins, and when all is there."""
        flat, again = self._flat, not self._begun
        while True:
            if not flat.gather(made.good, self._ledgers, buffers=self.terms.buffers):
                raise NotPlainError
            if not self._begun:
                self._begun = True
                flat.begin(self._rules)
            tally = flat.state.tally
            begin = int(tally[TRACE])
            room, delivered = flat.rows.room, flat.kernels.delivered
            ready = int(delivered(flat.supply, room, flat.state, *asked))
            if ready != REFUSED:
                return begin, ready
            unknown = int(tally[ASKED])
            if unknown < 0 or not again:
                raise NotPlainError
            flat.look_up(unknown)
            self._begun = False

    # ------------------------------------------------------------------------ pieces
    def _acquired(self, good: CompactGood, steps: int) -> Pieces:
        """Read what was chosen for a need."""
        chosen = self._trace[self._at]
        if chosen == NOTHING:
            self._at += 1
            return ()
        if chosen == STOCK:
            self._at += 1
            return (self._stock(good, steps),)
        return self._ordered(steps)

    def _stock(self, good: CompactGood, steps: int) -> Piece:
        now = self.terms.now
        return Piece("stock", good.product, good.location, steps, now, now)

    def _ordered(self, steps: int) -> Pieces:
        """Read an order, with what is taken from stock beside it."""
        number, part, size = self._trace[self._at : self._at + 3]
        self._at += 3
        source = self._flat.sources[number]
        if source.is_buy:
            made = self._bought(source, size, steps - part)
        else:
            made = self._made(source, size, steps - part)
        if made.surplus and source.good.withholds:
            self._flat.stages.withheld = True
        if part > 0:
            return (self._stock(source.good, part), made)
        return (made,)

    def _bought(self, made: CompactSource, size: int, steps: int) -> Piece:
        timing = made.purchase(self._flat.stages, size)
        if timing is None:
            raise NotPlainError
        return _piece(made, size, timing, (steps, size))

    def _made(self, made: CompactSource, size: int, steps: int) -> Piece:
        pieces: list[Piece] = []
        lines: list[Component] = []
        good = self._flat.compact.good
        for line in made.lines:
            for piece in self._acquired(
                good(line.component, line.location), line.steps(size)
            ):
                pieces.append(piece)
                lines.append(line)
        timing = self._timing(made, size)
        first = timing.steps[0].start
        if made.output is None:
            raise NotPlainError
        uses = tuple([Use(first, piece) for piece in pieces])
        given = steps, made.output.steps(size)
        return _piece(made, size, timing, given, uses, tuple(lines))

    def _timing(self, made: CompactSource, size: int) -> Timing:
        """Read when the steps of an order run."""
        if made.chain is None:
            raise NotPlainError
        trace, at = self._trace, self._at
        self._at = after = at + 3 * len(made.chain.steps)
        windows = []
        for place in range(at, after, 3):
            step, option = self._flat.options[trace[place]]
            taken = Taken(
                option, trace[place + 1], trace[place + 2], option.length(size)
            )
            windows.append(step.window(taken))
        start, finish = windows[0].queue_start, windows[-1].after
        return Timing(start, finish, start, tuple(windows))


def _piece(
    made: CompactSource,
    size: int,
    timing: Timing,
    given: tuple[int, int],
    uses: tuple[Use, ...] = (),
    lines: tuple[Component, ...] = (),
) -> Piece:
    """Order; `given`: what it brings for the need, and in all [steps]."""
    known, (steps, brought) = made.source, given
    return Piece(
        known.kind,
        known.product,
        known.location,
        steps,
        timing.finish,
        timing.start,
        known,
        size,
        timing,
        uses,
        lines,
        brought - steps,
    )


def flat_walk(stages: Stages, terms: Terms, ledgers: object) -> FlatWalk | None:
    """Walk in numbers; None: the terms ask for more, or nothing is compiled."""
    flat = stages.flat
    if flat is None or flat.stages is not stages or flat.now != terms.now:
        return None
    if terms.least_esg is not None or not terms.plain or not flat.at(stages.leads):
        return None
    return FlatWalk(flat, terms, ledgers)
