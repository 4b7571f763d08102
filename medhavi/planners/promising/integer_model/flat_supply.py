"""Goods, recipes and machines as numbers, for kernels that evaluate plain ways.

What is compiled is what `compact_supply` knows: goods are added when a request first
needs them. It pays off where many requests are answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.planners.kernels.promise_kernels.supply_record import (
    ASKED,
    BUDGET,
    BUY,
    BY,
    CHEAPEST,
    COUNTS,
    FAR,
    FREE,
    G_END,
    G_SOURCE,
    KNOWN_ONLY,
    LARGE,
    MAKE,
    NEVER_BUYS,
    NODE,
    NOW,
    ORDERED,
    PREFERRED,
    RISING,
    UNKNOWN,
    WALK,
    State,
    Supply,
)
from medhavi.planners.promising.integer_model.compact_supply import compact_supply
from medhavi.planners.promising.integer_model.machine_rows import MachineRows
from medhavi.providers.finite_capacity.resource_ledger import Ledger
from medhavi.units import DAY

if TYPE_CHECKING:
    from types import SimpleNamespace

    from medhavi.planners.promising.integer_model.compact_supply import (
        CompactGood,
        CompactSource,
    )
    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.providers.finite_capacity.chain import FiniteChain, FiniteStep
    from medhavi.providers.finite_capacity.option import FiniteOption
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Closure = list[tuple[int, CompactGood]]
    Seen = tuple[object, dict[tuple[CompactGood, bool], int], np.ndarray]

REACH = 3660 * DAY
"""Time that calendars are known for; what would work later is walked otherwise."""
MOST_GOODS = 256
"""Goods of one way that kernels evaluate; deeper ones are walked otherwise."""
_TRACE = 16384
_OWN = 2048


class Table:
    """Rows of numbers that grow.

    Parameters
    ----------
    columns
        How many numbers a row has.
    kind
        Whole numbers or floats.

    Attributes
    ----------
    cells
        Shape (n_rows or more, n_columns); of one column, (n_rows or more,).
    """

    __slots__ = ("_count", "cells")

    def __init__(self, columns: int, kind: type[int | float] = int) -> None:
        self._count = 0
        shape = (64,) if columns == 1 else (64, columns)
        self.cells = np.zeros(shape, np.int64 if kind is int else np.float64)

    def __len__(self) -> int:
        return self._count

    def add(self, *row: float) -> int:
        """Add a row; give its place."""
        if self._count == len(self.cells):
            self.cells = np.concatenate((self.cells, np.zeros_like(self.cells)))
        self.cells[self._count] = row[0] if self.cells.ndim == 1 else row
        self._count += 1
        return self._count - 1


class Tables(NamedTuple):
    """The tables of a `Supply` while they grow, in its order."""

    goods: Table
    sources: Table
    lines: Table
    steps: Table
    options: Table
    calendars: Table
    w_start: Table
    w_end: Table
    w_before: Table


class Rules(NamedTuple):
    """What a walk in numbers may do: `Terms`, as far as kernels look at them.

    Parameters
    ----------
    by
        Preferred machines are kept where they are through by then; None: not [s].
    budget
        Evaluations before choices become greedy.
    """

    by: int | None
    budget: int
    never_buys: bool
    known_only: bool


class FlatSupply:
    """What kernels know of a book's goods, and the state of one walk.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    now
        Nothing begins before it [s].
    kernels
        Functions of `supply_kernels`.

    Attributes
    ----------
    supply, state
        Records for the kernels.
    options
        The options of steps, by number.
    """

    def __init__(self, stages: Stages, now: int, kernels: SimpleNamespace) -> None:
        self.stages = stages
        self.now = now
        self.kernels: Any = kernels
        self.compact = compact_supply(stages, now)
        self.rows = MachineRows(kernels)
        self.options: list[tuple[FiniteStep, FiniteOption]] = []
        self.sources: list[CompactSource] = []
        self._leads: LeadDraws | None = None
        self._goods: dict[CompactGood, int] = {}
        self._by_number: list[CompactGood] = []
        self._numbers: dict[int, int] = {}
        self._chains: dict[FiniteChain, tuple[int, int] | None] = {}
        self._times: dict[WorkingTime, int] = {}
        self._closures: dict[CompactGood, Closure] = {}
        self._sourcing: set[CompactGood] = set()
        self._open: dict[CompactGood, list[CompactGood]] = {}
        """Goods that nobody looked up, with those whose closure they end."""
        self._seen: tuple[object, dict[tuple[CompactGood, bool], int]] = (None, {})
        """Of how many goods that one may need it was looked up what lies there."""
        self._tables = Tables(
            goods=Table(4),
            sources=Table(18),
            lines=Table(4),
            steps=Table(6),
            options=Table(6),
            calendars=Table(2),
            w_start=Table(1),
            w_end=Table(1),
            w_before=Table(1),
        )
        self.supply = self._viewed()
        self.state = State(
            tally=np.zeros(COUNTS, np.int64),
            goods=np.zeros((64, ORDERED + 1), np.int64),
            trail=np.zeros(MOST_GOODS, np.int64),
            trail_kept=np.zeros(4 * MOST_GOODS, np.int64),
            trace=np.zeros(_TRACE, np.int64),
            trace_kept=np.zeros(_TRACE, np.int64),
            own=np.zeros((_OWN, 4), np.int64),
            own_kept=np.zeros((_OWN, 4), np.int64),
            nodes=np.zeros((2 * MOST_GOODS, NODE), np.int64),
            shares=np.zeros(2 * MOST_GOODS),
        )
        self.state.tally[NOW] = now

    def close(self) -> None:
        """Look at the ledgers no more."""
        self.rows.close()

    # --------------------------------------------------------------------- questions
    def number(self, source: CompactSource) -> int | None:
        """Number of a source; None: kernels do not know it."""
        known = self._numbers.get(id(source))
        if known is None:
            self._add(source.good)
            known = self._numbers.setdefault(id(source), -1)
        return None if known < 0 else known

    def at(self, leads: LeadDraws | None) -> bool:
        """Whether purchases take so long here; the first who asks says so."""
        if not self.sources:
            self._leads = leads
        return self._leads is leads

    def begin(self, rules: Rules) -> None:
        """Begin a walk, with nothing met, chosen or placed."""
        tally = self.state.tally
        tally[:WALK] = 0
        tally[WALK] += 1
        tally[BUDGET] = rules.budget
        tally[BY] = FAR if rules.by is None else rules.by
        tally[NEVER_BUYS] = rules.never_buys
        tally[KNOWN_ONLY] = rules.known_only
        tally[ASKED] = -1

    def look_up(self, number: int) -> None:
        """Compile the sources of a good that a kernel asked for."""
        self._add(self._by_number[number])

    def gather(self, good: CompactGood, ledgers: object, *, buffers: bool) -> bool:
        """Look up what lies of all goods that one may need; False: they are too many.

        Where nothing lies or comes, the sources are looked up too: kernels would ask
        for them, one after the other.

        Parameters
        ----------
        ledgers
            The same object, while the ledgers are as they were; None: they may not be.
        """
        before, seen = self._seen
        if ledgers is None or before is not ledgers:
            seen = {}
            self._seen = ledgers, seen
        needed = self._closures.get(good)
        if needed is None:
            needed = self._closures[good] = []
            self._grow(good, needed, [good])
            self._fit()
        looked = seen.get((good, buffers), 0)
        while looked < len(needed):
            new, looked = needed[looked:], len(needed)
            seen[good, buffers] = looked
            for number, one in new:
                if self.look(number, buffers=buffers) and one not in self._sourcing:
                    self._add(one)
        return bool(needed)

    def look(self, number: int, *, buffers: bool) -> bool:
        """Look up what lies of a plain good; tell whether nothing does or comes."""
        one, goods = self._by_number[number], self.state.goods
        if one.line is None:
            return False
        used = buffers and not one.blocked
        free, ever = one.line.now_and_ever(self.now, buffers=used)
        goods[number, FREE] = free
        goods[number, RISING] = ever > free
        return ever <= 0

    def seen(self) -> Seen:
        """What was looked up of what lies there, to `see_again` it."""
        lying = self.state.goods[: self.goods, FREE : RISING + 1]
        return (*self._seen, lying.copy())

    def see_again(self, known: Seen, *, buffers: bool) -> None:
        """Take what was looked up before for what lies there now.

        Goods that got a number since are looked up.
        """
        ledgers, goods, lying = known
        self._seen = ledgers, goods
        self.state.goods[: len(lying), FREE : RISING + 1] = lying
        for number in range(len(lying), self.goods):
            self.look(number, buffers=buffers)

    def number_of(self, product: str, location: str) -> int | None:
        """Number of a good; None: it has none."""
        return self._goods.get(self.compact.good(product, location))

    def good(self, number: int) -> CompactGood:
        """Good by its number."""
        return self._by_number[number]

    @property
    def goods(self) -> int:
        """How many goods have a number."""
        return len(self._by_number)

    # --------------------------------------------------------------------- compiling
    def _add(self, good: CompactGood) -> None:
        """Compile the sources of a good."""
        self._named(good)
        self._sourcing.add(good)
        self._sourced(good)
        for top in self._open.pop(good, ()):
            needed = self._closures[top]
            if needed:
                self._grow(top, needed, self._parts(good))
        self._fit()

    def _fit(self) -> None:
        """Extend the records to all that has a number."""
        self.supply = self._viewed()
        if len(self._by_number) > len(self.state.goods):
            old = self.state.goods
            made = np.zeros((2 * len(self._by_number), old.shape[1]), np.int64)
            made[: len(old)] = old
            self.state = self.state._replace(goods=made)

    def _named(self, good: CompactGood) -> int:
        """Number of a good; a new one has no sources yet."""
        known = self._goods.get(good)
        if known is None:
            plain, withholds = good.line is not None, good.withholds
            known = self._tables.goods.add(plain, 0, UNKNOWN, withholds)
            self._goods[good] = known
            self._by_number.append(good)
        return known

    def _sourced(self, good: CompactGood) -> None:
        """Compile the sources of a good, where all of them are plain."""
        sources = good.sources
        goods = self._tables.goods
        goods.cells[self._goods[good], G_END] = -1
        if sources is None:
            return
        rows = []
        for source in sources:
            row = self._source(source)
            if row is None:
                return
            rows.append((source, row))
        table = self._tables.sources
        goods.cells[self._goods[good], G_SOURCE] = len(table)
        for source, row in rows:
            self._numbers[id(source)] = table.add(*row)
            self.sources.append(source)
        goods.cells[self._goods[good], G_END] = len(table)

    def _source(self, made: CompactSource) -> tuple[int, ...] | None:
        """Compile a source; None: it is not plain."""
        source = made.source
        if len(source.windows) != 1 or max(source.min_lot, source.multiple) >= LARGE:
            return None
        opens, closes = source.windows[0]
        number = self._named(made.good)
        most = LARGE if source.max_lot is None else min(source.max_lot, LARGE)
        least = max(source.min_lot, 1)
        told = (number, made.start, opens, closes, least, source.multiple, most)
        if made.is_buy:
            timing = made.purchase(self.stages, least)
            ready = -1
            if timing is not None and source.valid_at(timing.start):
                ready = timing.finish
            unknown = self.stages.unknown(source)
            return (BUY, *told, ready, unknown, 1, 0, 1, 0, 0, 0, 0, 0)
        if made.chain is None or made.output is None:
            return None
        steps = self._chain(made.chain)
        if steps is None:
            return None
        out = made.output
        counts = [out.numerator, out.addend, out.denominator]
        for line in made.lines:
            counts += [line.numerator, line.addend, line.denominator]
        if max(counts) >= LARGE:
            return None
        first, last = self._lines(made)
        return (
            MAKE,
            *told,
            0,
            0,
            out.numerator,
            out.addend,
            out.denominator,
            first,
            last,
            *steps,
            made.chain.alternates,
        )

    def _lines(self, made: CompactSource) -> tuple[int, int]:
        table = self._tables.lines
        first = len(table)
        for line in made.lines:
            good = self._named(self.compact.good(line.component, line.location))
            table.add(good, line.numerator, line.addend, line.denominator)
        return first, len(table)

    def _chain(self, chain: FiniteChain) -> tuple[int, int] | None:
        """Compile the steps of a chain; None: one asks for more than whole machines."""
        if chain in self._chains:
            return self._chains[chain]
        self._chains[chain] = None
        for step in chain.steps:
            for option, ledger, need in step.alike:
                whole = type(ledger) is Ledger and ledger.most == need > 0
                fixed, rate, scale = option.times
                small = fixed < LARGE**2 // 2 and rate < LARGE and scale < LARGE
                if not (whole and small) or len(option.resources) != 1:
                    return None
            if not step.alike:
                return None
        steps = self._tables.steps
        rows = [self._step(step) for step in chain.steps]
        first = len(steps)
        for row in rows:
            steps.add(*row)
        self._chains[chain] = first, len(steps)
        return self._chains[chain]

    def _step(self, step: FiniteStep) -> tuple[int, ...]:
        table = self._tables.options
        first = len(table)
        for option, ledger, _ in step.alike:
            table.add(
                self.rows.row_of(ledger),
                *option.times,
                self._calendar(option.working),
                option.splittable,
            )
            self.options.append((step, option))
        rule = {"preference": PREFERRED, "cost": CHEAPEST}.get(step.rule, 0)
        if len(step.alike) == 1:
            rule = 0
        return step.queue, step.move, step.lag, first, len(table), rule

    def _calendar(self, working: WorkingTime) -> int:
        known = self._times.get(working)
        if known is not None:
            return known
        tables = self._tables
        first, passed = len(tables.w_start), 0
        if not working.always_open:
            for start, end in working.segments(self.now - DAY, self.now + REACH):
                tables.w_start.add(start)
                tables.w_end.add(end)
                tables.w_before.add(passed)
                passed += end - start
            if first == len(tables.w_start):
                # Never open in the time that is known.
                tables.w_start.add(self.now - DAY)
                tables.w_end.add(self.now - DAY)
                tables.w_before.add(0)
        known = tables.calendars.add(first, len(tables.w_start))
        self._times[working] = known
        return known

    def _viewed(self) -> Supply:
        return Supply(*[table.cells for table in self._tables])

    def _grow(
        self, top: CompactGood, needed: Closure, goods: list[CompactGood]
    ) -> None:
        """Add goods to those that one may need, with all that goes into them.

        Those that nobody looked up end it; where they are too many none are left.
        """
        met = {one for _, one in needed}
        waiting = [one for one in dict.fromkeys(goods) if one not in met]
        met.update(waiting)
        while waiting:
            one = waiting.pop()
            needed.append((self._named(one), one))
            if one not in self._sourcing:
                self._open.setdefault(one, []).append(top)
                continue
            for part in self._parts(one):
                if part not in met:
                    met.add(part)
                    waiting.append(part)
        if len(needed) > MOST_GOODS:
            needed.clear()

    def _parts(self, good: CompactGood) -> list[CompactGood]:
        """List what may go into a good."""
        return [
            self.compact.good(line.component, line.location)
            for source in good.sources or ()
            for line in source.lines
        ]
