"""How many demands are late in any plan: by lead times, and by lack of time or goods.

A demand is late by its chain where it is late alone in the plant
(`LeadTimeBounds`). For the others the requirements of a plan in which all are on
time are exploded over time, each term at its least:

- of a product at a location, at least E(t) = gross(t) - existing(t) has to be supplied
  by instant t, where gross(t) is what demands due by t take, and what orders that have
  to be through later take of it as a component;
- where it has one source, orders have at least the least lot q: for E > 0 they bring
  X >= max(q, E), and the chord X >= E max(1, q / E(t)) holds for every E up to the one
  in which all are on time (a concave function lies above its chord);
- components are taken the least time of an order, or a transit, before the supply is
  there, those of later steps before it is;
- work on a group of resources that stand in for each other is a set-up, and its least
  share and pace for X; where there are several sources, the least of all of them
  (`LeastLoads`), less the work that stock below them may save.

All is linear in y_d, 1 where demand d is late: E(t) falls by at most what d asks for.
So each product before its first new supply, E(t) <= 0, and each group with its open
time, work(t) <= open(r, t) for the work that cannot begin before r, give a row; what
orders that keep their dates are at work on is not open. Each row says

    sum_d w_d y_d >= b,   0 <= y_d <= 1,

b being what is too much when all are on time. As y is whole, w_d may be cut to b. The
least sum of y over all rows, a linear program, is a bound; rounded up, for what is late
is counted. Weights bound what lateness costs, demands of one priority alone how many of
them are late. What is ignored can only make more demands late: changeovers, lots after
the first, work that is not preempted, rules of demands, age and quality of goods,
limits of suppliers and vehicles, and which of several sources is used. A circle of
moves is cut where it closes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.highs import HighsSession
from medhavi.optimize.problem import Block, Program, SolveStatus
from medhavi.planners.constrained.demand_bounds import LeadTimeBounds, LeastLoads
from medhavi.planners.constrained.netting.earliest_supply import (
    SAFE,
    order_for_one,
    taken_at_start,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.problem import Floats, Ints
    from medhavi.planners.constrained.demand_bounds import Group, Load, Planned
    from medhavi.planners.constrained.orders.lateness_weights import (
        MoneyWeights,
        Weights,
    )
    from medhavi.planners.mrp.netting_state.state import Demand, Node, SupplyAlternative

MOST_CELLS = 2_000_000
"""Products times instants: more products, fewer instants."""
MOST_INSTANTS, LEAST_INSTANTS = 480, 48
ROWS_EACH = 8
"""Rows of one group of resources from one instant on, at most."""
TINY = 1e-6
"""What a solver may be wrong by; and the least coefficient of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAtLeast:
    """What no plan that delivers as much can be better than.

    Parameters
    ----------
    cost
        Weighted lateness [weight x s].
    by_chain
        Demands that are late by their lead times alone.
    by_capacity
        Demands that are late besides, for lack of time or of goods.
    by_priority
        Demands that are late, by priority; those of others may all be on time.
    """

    cost: int = 0
    by_chain: int = 0
    by_capacity: int = 0
    by_priority: Mapping[int, int] = field(default_factory=dict)

    @property
    def late(self) -> int:
        """Demands that are late in any plan."""
        return self.by_chain + self.by_capacity

    def effort(self) -> dict[str, float]:
        """Counts for the record of a run."""
        return {
            "late_at_least": float(self.late),
            "late_by_chain": float(self.by_chain),
            "late_by_capacity": float(self.by_capacity),
            **{
                f"late_at_least_of_priority_{priority}": float(late)
                for priority, late in sorted(self.by_priority.items())
            },
        }


def late_at_least(
    planned: Planned,
    demands: Sequence[Demand],
    weights: Weights | MoneyWeights,
    *,
    by_chain_alone: bool = False,
) -> LateAtLeast:
    """Bound how many of some demands are late, and what their lateness costs.

    Parameters
    ----------
    demands
        Those that are delivered in full.
    weights
        How much lateness counts.
    by_chain_alone
        Lack of time or goods is not looked for: a third of the time.
    """
    earliest = LeadTimeBounds(planned, demands)
    free: list[Demand] = []
    chained: dict[int, int] = defaultdict(int)
    cost = 0
    for demand in demands:
        over = earliest.lateness(demand)
        if over > 0:
            chained[demand.priority] += 1
            cost += weights.of(demand) * (weights.base + over)
        else:
            free.append(demand)
    rows = []
    if free and not by_chain_alone:
        rows = list(Requirements(planned, earliest, free).rows())
    least = _LinearProgram(rows) if rows else None
    counts: dict[int, int] = {}
    for priority in sorted({demand.priority for demand in demands}):
        own = {n: 1 for n, one in enumerate(free) if one.priority == priority}
        more = 0 if least is None else math.ceil(least.of(own) - TINY)
        counts[priority] = chained[priority] + more
    by_chain, more = sum(chained.values()), 0
    if least is not None:
        more = math.ceil(least.of(dict.fromkeys(range(len(free)), 1)) - TINY)
        # Each priority is rounded up by itself; their sum may be more than that of all.
        more = max(more, sum(counts.values()) - by_chain)
        each = {n: weights.of(one) * weights.base for n, one in enumerate(free)}
        # What is late costs a multiple of what all costs are multiples of.
        unit = math.gcd(*each.values())
        cost += math.ceil(least.of(each) / max(unit, 1) - TINY) * unit
    return LateAtLeast(
        cost=cost, by_chain=by_chain, by_capacity=more, by_priority=counts
    )


class Row(NamedTuple):
    """Late demands, by their place, weigh at least 1 in sum."""

    weights: Mapping[int, float]


class _LinearProgram:
    """Rows over demands, solved for one objective after another."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._demands = sorted({one for row in rows for one in row.weights})
        place = {demand: n for n, demand in enumerate(self._demands)}
        columns, count = len(self._demands), len(rows)
        sizes = [len(row.weights) for row in rows]
        own = [sorted((place[d], w) for d, w in row.weights.items()) for row in rows]
        self._session = HighsSession(
            Program(
                column_blocks=(Block("late", 0, columns),),
                row_blocks=(Block("too much", 0, count),),
                column_lower=np.zeros(columns),
                column_upper=np.ones(columns),
                row_lower=np.ones(count),
                row_upper=np.full(count, np.inf),
                starts=np.r_[0, np.cumsum(sizes)].astype(np.int64),
                indices=np.array([n for row in own for n, _ in row], np.int64),
                values=np.array([w for row in own for _, w in row], np.float64),
                parts={"late": np.zeros(columns)},
            )
        )

    def of(self, costs: Mapping[int, int]) -> float:
        """Least cost of late demands; those without a cost are late for nothing."""
        cost = np.array([costs.get(demand, 0) for demand in self._demands], float)
        if not cost.any():
            return 0.0
        scale = float(cost.max())
        self._session.set_cost(cost / scale)
        found = self._session.solve()
        solved = found.outcome is SolveStatus.OPTIMAL
        return max(0.0, found.objective * scale) if solved else 0.0


class _Product:
    """A product at a location: what it lacks by instant, and what makes it.

    `lacks` is E, shape (n_instants,) [units]; `lots` is X / E, 1 or more.
    """

    __slots__ = ("asked", "gross", "lacks", "lots", "node", "takers", "way")

    def __init__(
        self, node: Node, way: SupplyAlternative | None, instants: int
    ) -> None:
        self.node = node
        self.way = way
        self.gross: Floats = np.zeros(instants)
        self.lacks: Floats = np.zeros(instants)
        self.lots: Floats = self.lacks
        self.takers: list[tuple[int, float, Ints]] = []
        """Products, by place, that take it; how much for one of theirs; and, by
        instant, the place of their last supply for which it is taken by then."""
        self.asked: list[tuple[int, int, int]] = []
        """Demands: instant, place, quantity."""


class _Work(NamedTuple):
    """Least work of a group for a product: by what it lacks, shape (n_instants,)."""

    place: int
    each: Floats
    begin: int


class Requirements:
    """What has to be supplied and worked by instant, for all demands to be on time.

    Parameters
    ----------
    planned, earliest
        The run, and its earliest supplies.
    demands
        Those that may be on time.
    """

    def __init__(
        self,
        planned: Planned,
        earliest: LeadTimeBounds,
        demands: Sequence[Demand],
    ) -> None:
        self._planned = planned
        self._chains, self._times = earliest.chains, earliest.times
        busy = earliest.times.busy
        self._loads = LeastLoads(planned.model, planned.capacity, busy)
        self._demands = demands
        self._now = planned.release.as_of
        nodes = self._sorted()
        self._place = {id(node): place for place, (node, _) in enumerate(nodes)}
        count = MOST_CELLS // max(len(nodes), 1)
        count = min(max(count, LEAST_INSTANTS), MOST_INSTANTS)
        length = max(one.due for one in demands) - self._now
        # The last due date lies on the grid, or before its end.
        self._step = max(1, -(-length // (count - 1)))
        self._places = np.arange(count)
        self._grid = self._now + self._step * self._places
        self._products = [_Product(node, way, count) for node, way in nodes]
        self._work: dict[Group, list[_Work]] = defaultdict(list)
        self._saved: Load = defaultdict(float)
        self._carried: dict[tuple[int, int], Ints] = {}
        self._ask()
        for place in range(len(nodes)):
            self._explode(place)
        self._credit()

    # --- products, those that are taken after those that take them -------------------
    def _single(self, node: Node) -> SupplyAlternative | None:
        """Its only source, where that says when which components are taken."""
        if node.rules.unlimited or node.substitutes or self._loads.beside(node):
            return None
        ways = self._planned.model.ways(node)
        if len(ways) != 1 or ways[0].source.fence_days < 0:
            return None
        return ways[0] if order_for_one(ways[0]) > 0 else None

    def _below(self, way: SupplyAlternative) -> list[tuple[Node, float, bool]]:
        """Components and origin of a source, with the least need for one of it.

        And whether all of it is there before an order begins, not before a later step.
        """
        found = [] if way.origin is None else [(way.origin, 1.0, True)]
        for lines in way.intakes:
            line, node, plain = lines[0]
            if len(lines) == 1 and taken_at_start(line) and line.addend >= 0:
                share = line.numerator / line.denominator
                if share > 0:
                    found.append((node, share * order_for_one(way), plain))
        return found

    def _sorted(self) -> list[tuple[Node, SupplyAlternative | None]]:
        """Products by need; one that closes a circle stands where it was met first."""
        done: list[tuple[Node, SupplyAlternative | None]] = []
        seen: set[int] = set()
        for demand in self._demands:
            first = self._planned.model.node(demand.node)
            if id(first) in seen:
                continue
            seen.add(id(first))
            open_nodes = [self._opened(first)]
            while open_nodes:
                node, way, parts = open_nodes[-1]
                below = next((one for one in parts if id(one) not in seen), None)
                if below is None:
                    open_nodes.pop()
                    done.append((node, way))
                else:
                    seen.add(id(below))
                    open_nodes.append(self._opened(below))
        return done[::-1]

    def _opened(
        self, node: Node
    ) -> tuple[Node, SupplyAlternative | None, Iterator[Node]]:
        """A product, its only source, and what is below that."""
        way = self._single(node)
        below = [] if way is None else self._below(way)
        return node, way, (part for part, *_ in below)

    def _ask(self) -> None:
        """Register what demands take, at the first instant that is not before due."""
        for number, demand in enumerate(self._demands):
            node = self._planned.model.node(demand.node)
            product = self._products[self._place[id(node)]]
            at = max(0, -(-(demand.due - self._now) // self._step))
            product.gross[at] += demand.qty
            product.asked.append((at, number, demand.qty))
        for product in self._products:
            np.cumsum(product.gross, out=product.gross)

    def _explode(self, place: int) -> None:
        """Net a product; its sources take components and work."""
        product = self._products[place]
        node, way = product.node, product.way
        short = product.gross.copy()
        for instant, qty in self._chains.existing(node) if node.units else ():
            # At instants of the grid that are not before it is there.
            short[-(-(instant - self._now) // self._step) :] -= qty
        # Less than a unit is what floats are wrong by.
        short[short < 0.5] = 0.0
        if not short.any():
            return
        product.lacks = short
        if way is None:
            ones = np.ones(len(self._grid))
            for group, work in self._loads.of(node).items():
                self._work[group].append(_Work(place, ones * work, self._now))
            return
        if way.source.kind == "buy":
            return
        size, lot = order_for_one(way), way.source.lot(1)
        least = lot / size
        # Divided by; where nothing is short the quotient is not used.
        some = np.where(short > 0, short, 1.0)
        product.lots = np.maximum(short, least) / some
        if way.source.kind == "make":
            begin = self._chains.begins(way)
            orders = np.maximum(lot, size * some)
            for group, (fixed, rate) in self._loads.direct(way).items():
                # Work of one order at least, or of as many as the largest lot asks for.
                each = (fixed + rate * orders) / some
                if way.source.max_lot is not None:
                    most = rate * orders / some + fixed * size / way.source.max_lot
                    each = np.maximum(each, most)
                self._work[group].append(_Work(place, each, begin))
        last = self._taken(way, lot)
        made = np.where(short > 0, np.maximum(short, least), 0.0)
        for part, share, first in self._below(way):
            below = self._place[id(part)]
            if below > place:  # else it closes a circle
                taken = last if first else self._places
                gross = self._products[below].gross
                gross += share * np.where(taken < 0, 0.0, made[taken])
                self._products[below].takers.append((place, share, taken))

    def _taken(self, way: SupplyAlternative, lot: int) -> Ints:
        """Place of the last supply whose components are taken, by instant; -1: none."""
        count = len(self._grid)
        if way.source.kind == "make":
            delay = self._times.least(way.source.source, lot) // self._step
            return np.minimum(self._places + delay, count - 1)
        clock = way.source.clock
        # All products of a lane have one clock.
        known = self._carried.get((id(clock), lot))
        if known is None:
            timings = [clock.latest(instant, lot) for instant in self._grid.tolist()]
            leaves = np.array([one is not None for one in timings])
            ready = np.array([one.ready for one in timings if one], np.int64)
            # By the instant of a supply, when it is taken from its origin. Turned
            # around below: by instant, the last supply that is taken from there by
            # then.
            taken = self._places.copy()
            taken[leaves] = np.searchsorted(self._grid, ready)
            taken = np.maximum.accumulate(taken)
            known = np.searchsorted(taken, self._places, side="right") - 1
            self._carried[id(clock), lot] = known
        return known

    def _credit(self) -> None:
        """Work that what exists below products of several sources may save."""
        seen: set[int] = set()
        stack = [
            below
            for one in self._products
            if one.way is None and one.lacks.any()
            for below in self._all_below(one.node)
        ]
        while stack:
            node = stack.pop()
            if id(node) not in seen:
                seen.add(id(node))
                stack += self._all_below(node)
                there = sum(qty for _, qty in self._chains.existing(node))
                if there:
                    for group, work in self._loads.of(node).items():
                        self._saved[group] += there * work

    def _all_below(self, node: Node) -> list[Node]:
        found = []
        for way in self._planned.model.ways(node):
            found += [below for lines in way.intakes for _, below, _ in lines]
            if way.origin is not None:
                found.append(way.origin)
        return found

    # --- rows ------------------------------------------------------------------------
    def rows(self) -> Iterator[Row]:
        """List what is too much where all demands are on time."""
        for place, product in enumerate(self._products):
            if not product.lacks.any() or self._loads.beside(product.node):
                continue
            new = self._chains.anew(product.node)
            before = int(np.searchsorted(self._grid, new))
            # Nothing new is there so early: each unit that lacks then makes somebody
            # late. The last instant says most, as what lacks adds up.
            lacks = product.lacks[:before]
            if lacks.any():
                at = int(np.flatnonzero(lacks)[-1])
                yield self._row([(place, at, 1.0)], float(lacks[at]))
        for group in sorted(self._work, key=sorted):
            yield from self._rows_of(group)

    def _rows_of(self, group: Group) -> Iterator[Row]:
        """Rows of a group: work that cannot begin before an instant, by a later one."""
        works = self._work[group]
        saved = self._saved.get(group, 0.0)
        time = self._loads.open_times(group, self._now, self._grid)
        for begin in sorted({work.begin for work in works}):
            own = [work for work in works if work.begin >= begin]
            # The last instant of the grid not after the begin: more time counts than
            # there is.
            since = max(0, int(np.searchsorted(self._grid, begin, side="right")) - 1)
            work = np.zeros(len(self._grid))
            for one in own:
                work += one.each * self._products[one.place].lacks
            # Rounded against the bound on both sides: floats never make a demand late.
            room = (np.maximum(0.0, time - time[since]) + saved) * (1 + SAFE)
            over = work * (1 - SAFE) - room
            bad = np.flatnonzero(over > 1.0)
            if len(bad):
                chosen = bad[np.linspace(0, len(bad) - 1, ROWS_EACH).astype(int)]
                for at in sorted({*chosen.tolist(), int(np.argmax(over))}):
                    targets = [(one.place, at, float(one.each[at])) for one in own]
                    yield self._row(targets, float(over[at]))

    def _row(self, targets: Sequence[tuple[int, int, float]], least: float) -> Row:
        """How much each demand contributes to what products lack at instants.

        Parameters
        ----------
        targets
            Product, instant, weight of what it lacks then.
        least
            What is too much.
        """
        found: dict[int, float] = defaultdict(float)
        weights: dict[tuple[int, int], float] = defaultdict(float)
        heap: list[tuple[int, int]] = []

        def add(place: int, at: int, weight: float) -> None:
            key = -place, at
            # Of what does not lack nothing is saved if a demand is late.
            if self._products[place].lacks[at] > 0:
                if key not in weights:
                    heappush(heap, key)
                weights[key] += weight

        for place, at, weight in targets:
            add(place, at, weight)
        while heap:
            # The largest place first: parts come before their takers, so all that is
            # asked of a product at an instant is added up by then.
            key = heappop(heap)
            weight, product, at = weights[key], self._products[-key[0]], key[1]
            for due, number, qty in product.asked:
                if due <= at:
                    found[number] += weight * qty
            for taker, share, taken in product.takers:
                other, then = self._products[taker], int(taken[at])
                if then >= 0:
                    add(taker, then, weight * share * float(other.lots[then]))
        # A late demand is one at least: no coefficient needs to be above what is too
        # much. A tiny one counts as more, which weakens the row.
        return Row({one: min(max(w / least, TINY), 1.0) for one, w in found.items()})
