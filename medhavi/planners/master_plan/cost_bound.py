"""What no plan costs less than: a program that leaves out all that may only cost more.

Over the whole time at once, with x_s the useful amount that source s brings of its
product, y_dk what demand d gets as its k-th part, u_d what it never gets:

    least  sum_s r_s x_s + sum_dk l_d late_dk y_dk + sum_d m_d u_d
    existing_n + sum_s x_s >= sum_s b_ns x_s + sum_dk y_dk   for each product at a place
    sum_k y_dk + u_d = q_d,   y_dk <= size of part k

- An order of size q brings g(q), of which no more than M is of use: M is what demands
  ask for, and what sources take for their own M. It costs f(q), set-up and fixed costs
  included, so a useful unit costs at least r_s = min_q f(q) / min(g(q), M) over the
  lots that may be ordered: a fixed cost is spread over the largest possible lot, never
  over a mean one, and a least lot beyond M is paid whole.
- What a departure costs once (`Costing.shared`) no order has to pay.
- Hours cost their run on the cheapest choice of resources, set-up between orders none.
- A component is taken at b = min_q take(q) / min(g(q), M).
- Part k of a demand is there no sooner than it would be were the demand alone in the
  world (`EarliestSupply`), all agreed overtime worked for nothing; it is late by as
  much.

Of what is sold from lots of one source each order pays its set-up, what waits for its
demand is held, and lots take hours (`lot_bound`). Orders with lots, fixed costs or
prices by quantity are whole besides (`lot_bound`), and what sources need open is paid
once (`opening_block`).

Left out, for it may only make plans dearer: queues, what existing orders take, holds,
lives, qualities, rules of demands, storage, stock of all else.
A product in a circle of sources, and what orders give besides, has an M without limit.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Problem
from medhavi.planners.constrained.netting.earliest_supply import EarliestSupply
from medhavi.planners.master_plan.blocks import PART_OF
from medhavi.planners.master_plan.lot_bound import (
    MOST_WHOLE,
    DemandPart,
    LotPrice,
    WholeSource,
    add_lots,
    add_orders,
    has_lots,
    holding_of,
    largest_size,
    order_sizes,
    seconds_of,
)
from medhavi.planners.master_plan.openings.opening_block import (
    LimitedSource,
    add_opening_bound,
)
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.order_costs import agreed_overtime
from medhavi.units import ALWAYS, DAY, HOUR, INT64_MAX, NEVER, exact, from_units

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Block, Floats, Program, Solver
    from medhavi.planners.master_plan.lot_bound import OrderSizes
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.progress import Cancelled
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.material.recipes import Component, ProductOutput
    from medhavi.providers.sources import Source

PARTS = 4
"""Parts of a demand beyond what exists, each as late as its first unit."""
MOST = 2.0**60
"""What a product without a limit has at most [units]: no plan counts as far."""
SAFE = 1e-6
"""Share by which the bound is told low: a solver is not exact."""

Lines = tuple[tuple["NodeKey", float], ...]
"""Products at places, with units for one of a source that is of use."""


class _Source(NamedTuple):
    """A source by unit of use: what it gives, takes and costs at least.

    `running` is what a unit costs where each order pays its fixed cost beside; no more
    than `most` units of an order are of use. `sizes` of whole orders, of which
    `wanted` units are; `draws` is what a unit ordered takes but for rival lines.
    `useful` units are of use of all orders together.
    """

    way: SupplyAlternative
    given: Lines
    taken: tuple[Lines, ...]
    cost: float
    running: float
    most: float
    gain: float
    sizes: tuple[OrderSizes, ...] = ()
    draws: Lines = ()
    wanted: float = 0.0
    useful: float = MOST

    @property
    def kind(self) -> str:
        """make, buy or move."""
        return self.way.source.kind


def cost_at_least(
    run: ProgramRun, solver: Solver, cancelled: Cancelled | None = None
) -> float | None:
    """Money that every plan of a run costs at least, by its weights [base currency].

    With weights of 1 that of KPI-33.

    Parameters
    ----------
    run
        Built and not netted, whether or not with overtime.
    solver, cancelled
        Solves the program; polled.

    Returns
    -------
    float or None
        None: the program was not solved.
    """
    own = _working_all_overtime(run)
    found = solver.open(cost_program(own)).solve(cancelled=cancelled)
    if own is not run:
        own.release.dissolve()
    if not math.isfinite(found.bound):
        return None
    return max(0.0, found.bound * (1 - SAFE))


def _working_all_overtime(run: ProgramRun) -> ProgramRun:
    """The run where each resource works what is agreed: a plan may do so."""
    if run.overtime or agreed_overtime(run.stated).is_empty():
        return run
    own = type(run)(run.stated, run.goals, overtime=True)
    own.build()
    return own


def cost_program(run: ProgramRun) -> Program:
    """State the program of a bound."""
    nodes = {
        node.key: node for cluster in run.clusters for node in cluster if _counts(node)
    }
    place = {key: number for number, key in enumerate(nodes)}
    existing = np.zeros(len(nodes))
    for unit in run.release.units:
        if unit.node.key in place:
            existing[place[unit.node.key]] += unit.qty
    problem, entries = Problem(), _Entries(place)
    goods = problem.rows("goods", len(nodes), lower=-existing)
    sources = list(_Sources(run, nodes).priced())
    asked = {demand.node for demand in run.intake.demands}
    lotted = has_lots(run) & asked & nodes.keys()
    supply = _add_sources(problem, entries, sources, lotted)
    _add_substitutes(problem, entries, nodes)
    parts = _add_demands(problem, entries, run, lotted)
    priced = [
        _lot_price(run, nodes[source.given[0][0]], source, column, existing, place)
        for column, source in enumerate(sources, start=supply.start)
        if source.given[0][0] in lotted
    ]
    more = add_lots(problem, run, priced, parts)
    entries.put(problem, goods)
    limited = [
        LimitedSource(source.way, column, source.useful)
        for column, source in enumerate(sources, start=supply.start)
        if source.useful < MOST
    ]
    add_opening_bound(problem, run, limited)
    cells = [
        _whole_source(source, column, more.get(column), place)
        for column, source in enumerate(sources, start=supply.start)
        if source.sizes
    ]
    add_orders(problem, cells, entries.cells, existing)
    return problem.program()


def _whole_source(
    source: _Source,
    column: int,
    lots: Sequence[tuple[int, float]] | None,
    place: Mapping[NodeKey, int],
) -> WholeSource:
    """State the orders of a source; `lots`: columns that pay its fixed costs."""
    each = source.cost if lots is None else source.running
    given = [(key, source.gain) for key, _ in source.given]
    draws = [(key, -rate) for key, rate in source.draws]
    return WholeSource(
        kind=source.kind,
        column=column,
        paid=[(column, each), *(lots or ())],
        wanted=source.wanted,
        multiple=source.way.source.multiple,
        sizes=source.sizes,
        cells=[(place[key], rate) for key, rate in (*given, *draws) if key in place],
    )


def _lot_price(
    run: ProgramRun,
    node: Node,
    source: _Source,
    column: int,
    existing: Floats,
    place: Mapping[NodeKey, int],
) -> LotPrice:
    """Price the lots of a source."""
    setup, each = seconds_of(run, source.way, source.gain)
    return LotPrice(
        key=node.key,
        column=column,
        fixed=run.goals.cost_weight * source.way.source.own_fixed_cost,
        saved=source.cost - source.running,
        most=source.most,
        existing=float(existing[place[node.key]]),
        holding=holding_of(run, node),
        setup=setup,
        each=each,
    )


def _counts(node: Node) -> bool:
    """Whether a product is limited at its place."""
    return not node.rules.unlimited and all(u.qty < INT64_MAX for u in node.units)


# --- sources -----------------------------------------------------------------------
class _Sources:
    """Sources of all nodes by useful unit, those of takers first."""

    def __init__(self, run: ProgramRun, nodes: Mapping[NodeKey, Node]) -> None:
        self._goals = run.goals
        self._capacity = run.providers.capacity
        self._model = run.model
        self._nodes = nodes
        self._most: dict[NodeKey, float] = dict.fromkeys(nodes, 0.0)
        for demand in run.intake.demands:
            if demand.node in nodes:
                self._most[demand.node] += demand.qty
        self._ordered = dict(self._most)
        """What is wanted where all that is ordered takes its components."""

    def priced(self) -> Iterator[_Source]:
        """Price the sources; a node comes when all that may take it have come."""
        below = {key: self._below(node) for key, node in self._nodes.items()}
        takers = dict.fromkeys(self._nodes, 0)
        for others in below.values():
            for key in others:
                takers[key] += 1
        come = [key for key, count in takers.items() if not count]
        # The list grows while it is read.
        for key in come:
            yield from self._of(key)
            for other in below[key]:
                takers[other] -= 1
                if not takers[other]:
                    come.append(other)
        # What is left stands in a circle of sources, or below one.
        for key in self._nodes.keys() - set(come):
            self._most[key] = self._ordered[key] = math.inf
        for key in self._nodes:
            if takers[key]:
                yield from self._of(key)

    def _below(self, node: Node) -> set[NodeKey]:
        """What orders for a product take, and what stands in for it."""
        found = {other.key for other, _, _ in node.substitutes}
        for way in self._model.ways(node):
            found |= {one.node.key for lines in way.intakes for one in lines}
            if way.origin is not None:
                found.add(way.origin.key)
        return found & self._nodes.keys()

    def _of(self, key: NodeKey) -> Iterator[_Source]:
        """Price the sources of a product, and add what they take to what is of use."""
        node, most = self._nodes[key], min(self._most[key], MOST)
        if not most:
            return
        for stand_in, ratio, _ in node.substitutes:
            _add(self._most, stand_in.key, most * float(ratio))
            _add(self._ordered, stand_in.key, self._ordered[key] * float(ratio))
        for way in self._model.ways(node):
            found = self._source(key, way, most)
            if found is not None:
                single = found.given[0][0] == key and len(found.given) == 1
                # Of rival lines any may be taken for all: each counts in full, which
                # only weakens the bound.
                for lines in found.taken:
                    for other, rate in lines:
                        _add(self._most, other, rate * (most if single else MOST))
                useful = most if single else MOST
                sized = self._sized(found, self._ordered[key] if single else MOST)
                yield sized._replace(useful=useful)

    def _sized(self, found: _Source, wanted: float) -> _Source:
        """A source with the sizes of its orders, and what those take at most."""
        way, source = found.way, found.way.source
        lines = [
            [(one.node.key, _rate(one.component)) for one in group]
            for group in way.intakes
        ]
        if way.origin is not None:
            lines.append([(way.origin.key, 1.0)])
        finite = wanted / found.gain < MOST
        most = largest_size(source, wanted / found.gain) if finite else 0
        for group in lines:
            for other, rate in group:
                # All that is wanted, and the rest of a last order.
                size = wanted / found.gain + most
                _add(self._ordered, other, rate * size if finite else math.inf)
        if not finite:
            return found
        draws = tuple(group[0] for group in lines if len(group) == 1)
        sizes = order_sizes(source, most, partial(self._order, way))
        return found._replace(sizes=sizes, draws=draws, wanted=wanted / found.gain)

    def _source(
        self, key: NodeKey, way: SupplyAlternative, most: float
    ) -> _Source | None:
        """Price a source of which no more than `most` units are of use."""
        least = way.source.lot(1)
        given = tuple((one.node.key, _gain(one.gain, least)) for one in way.yields)
        gain = given[0][1] if given else 1.0
        if gain <= 0:
            return None
        if len(given) > 1:
            # Of several outputs one may be of use alone: counted by units ordered.
            gain, most = 1.0, MOST
        else:
            given = ((key, 1.0),)
        # Units ordered for one of use: the rest of a least lot is of none.
        each = max(1 / gain, least / most)
        taken = [
            tuple((one.node.key, each * _rate(one.component)) for one in lines)
            for lines in way.intakes
            if not all(_dated(one.component) for one in lines)
        ]
        if way.origin is not None:
            taken.append(((way.origin.key, each),))
        fixed = self._goals.cost_weight * way.source.own_fixed_cost
        orders = [
            (self._order(way, lot), min(lot * gain, most))
            for lot in _lots(way.source, most / gain)
        ]
        return _Source(
            way=way,
            given=given,
            taken=tuple(taken),
            cost=min(price / useful for price, useful in orders),
            running=min((price - fixed) / useful for price, useful in orders),
            most=min(most, (way.source.max_lot or math.inf) * gain),
            gain=gain,
        )

    def _order(self, way: SupplyAlternative, lot: int) -> float:
        """Least weighted cost of an order with its hours [base currency]."""
        source, goals = way.source, self._goals
        qty = from_units(lot, source.step)
        cost, co2 = source.cost(qty) - source.costs.shared, source.co2(qty)
        if source.kind == "make":
            for task in self._capacity.compiled(source.source).tasks:
                options = [one for epoch in task.plan.epochs for one in epoch.options]
                hours = float(task.run(lot)) / HOUR
                cost += hours * min(map(_hourly, options), default=0.0)
        return goals.cost_weight * cost + goals.co2_price * co2


def _add(most: dict[NodeKey, float], key: NodeKey, more: float) -> None:
    if key in most:
        most[key] += more


def _hourly(option: ResourceOption) -> float:
    """Cost of an hour of work at pace 1; 0 where the pace changes [base currency]."""
    pace = option.axis.steady
    return 0.0 if pace is None else option.cost_per_hour / float(pace)


def _rate(line: Component) -> float:
    """Units taken for a unit ordered, at least."""
    return line.numerator / line.denominator


def _dated(line: Component) -> bool:
    """Whether there are times at which a line takes nothing."""
    return line.valid_from > ALWAYS or line.valid_to < NEVER


def _gain(gain: ProductOutput, least: int) -> float:
    """Most units that a unit ordered gives."""
    return sum(
        (output.numerator + max(output.addend, 0) / least) / output.denominator
        for output in gain.outputs
    )


def _lots(source: Source, wanted: float) -> set[int]:
    """Lots among which an order is cheapest for a unit of use.

    The least, those next to what is wanted, the least of each price: between two of
    them a unit gets cheaper as long as all is of use, and dearer from then on.
    """
    most = source.max_lot or int(MOST)
    next_to = math.ceil(min(wanted, most))
    prices = [math.ceil(exact(q) / source.step) or 1 for q in source.costs.min_qtys]
    found = {source.lot(one) for one in (1, next_to, *prices)}
    found.add(max(source.lot(1), next_to // source.multiple * source.multiple))
    return {min(one, most) for one in found}


# --- rows --------------------------------------------------------------------------
class _Entries:
    """Coefficients of the goods of products at places, by column."""

    def __init__(self, place: Mapping[NodeKey, int]) -> None:
        self._place = place
        self.cells: list[tuple[int, int, float]] = []

    def add(self, key: NodeKey, column: int, rate: float) -> None:
        """Add a coefficient; products without limit have no row."""
        if key in self._place:
            self.cells.append((self._place[key], column, rate))

    def put(self, problem: Problem, goods: Block) -> None:
        """Put all into the rows."""
        if self.cells:
            rows, columns, values = zip(*self.cells, strict=True)
            problem.entries(goods.at(rows), columns, values)


def _add_sources(
    problem: Problem,
    entries: _Entries,
    sources: Sequence[_Source],
    lotted: Collection[NodeKey],
) -> Block:
    """Add what sources bring, take and cost; of rival lines an order takes some.

    What is `lotted` pays the fixed cost of orders beside.
    """
    supply = problem.columns("supply", len(sources))
    rivals: list[tuple[int, Lines]] = []
    for column, source in enumerate(sources, start=supply.start):
        for key, rate in source.given:
            entries.add(key, column, rate)
        for lines in source.taken:
            if len(lines) > 1:
                rivals.append((column, lines))
            else:
                entries.add(lines[0][0], column, -lines[0][1])
    for kind, part in PART_OF.items():
        own = [number for number, one in enumerate(sources) if one.kind == kind]
        costs = [
            one.running if one.given[0][0] in lotted else one.cost
            for one in (sources[number] for number in own)
        ]
        problem.cost(part, supply.at(own), costs)
    counts = [len(lines) for _, lines in rivals]
    rows = problem.rows("rival lines", len(rivals), lower=0.0)
    shares = problem.columns("shares of rival lines", sum(counts))
    problem.entries(
        rows.at(np.repeat(np.arange(len(rivals)), counts)),
        shares.at(np.arange(shares.size)),
        1.0,
    )
    problem.entries(
        rows.at(np.arange(len(rivals))), [column for column, _ in rivals], -1.0
    )
    every = [line for _, lines in rivals for line in lines]
    for column, (key, rate) in enumerate(every, start=shares.start):
        entries.add(key, column, -rate)
    return supply


def _add_substitutes(
    problem: Problem, entries: _Entries, nodes: Mapping[NodeKey, Node]
) -> None:
    """Add what stands in for something else; it costs nothing."""
    pairs = [
        (node.key, other.key, float(ratio))
        for node in nodes.values()
        for other, ratio, _ in node.substitutes
    ]
    block = problem.columns("stand-ins", len(pairs))
    for column, (key, other, ratio) in enumerate(pairs, start=block.start):
        entries.add(key, column, 1.0)
        entries.add(other, column, -ratio)


def _add_demands(
    problem: Problem, entries: _Entries, run: ProgramRun, lotted: Collection[NodeKey]
) -> list[DemandPart]:
    """Add what demands get, part by part, and what they never get.

    Gives the parts of what is `lotted`.
    """
    demands = run.intake.demands
    chains = chains_of(run)
    quantities = [float(demand.qty) for demand in demands]
    rows = problem.rows("demands", len(demands), quantities, quantities)
    short = problem.columns("short", len(demands))
    every = np.arange(len(demands))
    problem.entries(rows.at(every), short.at(every), 1.0)
    owner: list[int] = []
    sizes: list[float] = []
    late: list[float] = []
    never: list[float] = []
    of_lots: list[DemandPart] = []
    for number, demand in enumerate(demands):
        node = run.model.node(demand.node)
        value = run.value_of(demand)
        each = run.goals.lateness_weight * float(node.step)
        never.append(run.goals.shortage_weight * float(node.step) * value.short)
        cuts = _parts(demand, node, chains)
        # All of it may be in time: one part says as much.
        if chains.there(node, demand.qty) <= demand.due:
            cuts = [0, demand.qty]
        for begin, end in pairwise(cuts):
            # By its first unit: none of the part is there sooner.
            over = max(0, chains.there(node, begin + 1) - demand.due)
            if demand.node in lotted:
                second = each * value.late / DAY
                size = float(end - begin)
                place = len(owner)
                of_lots.append(
                    DemandPart(demand.node, place, size, demand.due, over, second)
                )
            owner.append(number)
            sizes.append(float(end - begin))
            late.append(each * value.late * over / DAY)
    few = len(owner) <= MOST_WHOLE
    given = problem.columns("given", len(owner), upper=sizes, whole=few)
    problem.entries(rows.at(owner), given.at(np.arange(len(owner))), 1.0)
    for column, number in enumerate(owner, start=given.start):
        entries.add(demands[number].node, column, -1.0)
    problem.cost(ObjectivePart.LATENESS, given.at(np.arange(len(owner))), late)
    problem.cost(ObjectivePart.SHORTAGE, short.at(every), never)
    return [part._replace(column=given.start + part.column) for part in of_lots]


def chains_of(run: ProgramRun) -> EarliestSupply:
    """Earliest supplies; existing work and transfers may move, purchases stay."""
    moving = {one.index for one in run.release.orders if one.kind != "buy"}
    return EarliestSupply(run.model, run.release, run.providers.capacity, moving)


def _parts(demand: Demand, node: Node, chains: EarliestSupply) -> list[int]:
    """Cut a demand where what exists ends, and the rest evenly [units]."""
    cuts, there = {0, demand.qty}, 0
    for _, qty in sorted(chains.existing(node)):
        there += qty
        cuts.add(min(there, demand.qty))
    rest = max(demand.qty - there, 0)
    cuts |= {demand.qty - rest * part // PARTS for part in range(PARTS)}
    return sorted(cuts)
