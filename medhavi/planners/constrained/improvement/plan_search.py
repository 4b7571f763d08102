"""Search over whole constrained plans: sources, lot sizes and wanted dates.

Each try changes a few decisions where a demand is late and makes the plan anew, by the
netting and placing of any plan: so every rule holds in every try, and what is kept can
be carried out. Tries that are a little worse are kept for a while. Effort is counted in
plans and placed orders; a longer search begins as a shorter one, so it never ends with
a dearer plan.

Sources: Joslin and Clements, Journal of Artificial Intelligence Research 10 (1999), for
dates; Shaw 1998 (Principles and Practice of Constraint Programming) for what is changed
together; lots that cover some days: Orlicky, Material Requirements Planning.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from medhavi.planners.constrained.improvement.diverting import (
    in_the_way,
    late_paths,
    upward,
)
from medhavi.planners.constrained.netting.given_sources import WHOLE, Pieces
from medhavi.planners.constrained.netting.rationing import lot_below, makeable
from medhavi.planners.constrained.orders.weighing import Judged
from medhavi.planners.mrp.netting_state.order_creation import MOST_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.netting.given_sources import Decisions, Place
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.weighing import Weighing
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
        SupplyOrder,
    )
    from medhavi.planners.parameters import PlanBudget

T = TypeVar("T")
HEAT = 0.01
"""By what share of its lateness a plan may be worse than the one before it."""
MOST_IDLE = 100
"""Tries without a better plan that end the search."""
SHARES = (0.1, 0.3, 1.0)
"""Shares of the late demands that are wanted earlier."""
STEPS = (1.0, 3.0)
"""By how much of its lateness at most a demand is wanted earlier."""
BATCH_DAYS = (0.0, 2.0, 4.0, 7.0, 10.0, 14.0)
"""Days that a lot may cover."""
TOGETHER = (1, 2, 4)
"""How many lots or sources are changed together."""
KINDS = ("source", "source", "source", "other", "earlier", "earlier", "lots", "lots")
"""Changes, each as often as it is drawn."""
MOST_OTHERS = 30
"""Orders in the way of a late demand that are looked at."""


class AlternateSources(NamedTuple):
    """An order on the way to a late demand, where other sources could serve.

    `place` is where it is ordered, and for whom; `others` are the sources.
    """

    place: Place
    others: Sequence[str]


class LateChain(NamedTuple):
    """Why a demand is late, as far as a decision could change it.

    `cost` is its weighted lateness. `links` are the orders that it waited for, `others`
    those in their way; `lots` the places of orders that share what it waited for, each
    as often as it has orders.
    """

    cost: int
    links: Sequence[AlternateSources]
    others: Sequence[AlternateSources]
    lots: Sequence[NodeKey]


def chains_of(
    model: ItemLocationGraph, placing: Placing, weighing: Weighing
) -> Iterator[LateChain]:
    """Why demands are late, the most costly first.

    Parameters
    ----------
    model
        Graph of the run.
    placing
        All orders as they are placed.
    weighing
        What late demands weigh.
    """
    for group, path, blamed in late_paths(placing, weighing):
        rivals = in_the_way(blamed, placing.jobs, placing.waits(blamed))[:MOST_OTHERS]
        above = [job for rival in rivals for job in upward(rival)]
        lots = [job for job in (blamed, *rivals) if _may_be_larger(job)]
        yield LateChain(
            cost=max(weighing.of_group(group).late, 1),
            links=list(_links(model, path)),
            others=list(_links(model, above)),
            lots=[job.order.node for job in lots],
        )


def _may_be_larger(job: Job) -> bool:
    """Whether an order is as large as what needs it."""
    return job.order.kind != "buy" and job.order.lot_rule == "lot_for_lot"


def _links(model: ItemLocationGraph, jobs: Sequence[Job]) -> Iterator[AlternateSources]:
    """Orders where another source could serve, each once."""
    seen: set[Place] = set()
    for job in jobs:
        place = job.order.node, job.order.cause
        ways = model.ways(model.node(job.order.node))
        names = [way.source.source for way in ways]
        others = [name for name in names if name != job.order.source_id]
        if others and place not in seen:
            seen.add(place)
            yield AlternateSources(place, others)


class ConstructedPlan(Protocol):
    """A plan that was made with some decisions."""

    def judged(self) -> Judged:
        """What it is judged by."""

    def chains(self) -> Sequence[LateChain]:
        """Why demands are late, the most costly first."""

    def lateness(self) -> Mapping[int, int]:
        """Lateness of late demands by index [s]; those that lack something are not."""

    def placed_orders(self) -> int:
        """How many orders were placed."""

    def dissolve(self) -> None:
        """Free its records."""


class _PlanPoint(NamedTuple):
    """A plan that was made: its decisions, and what there is to change."""

    decisions: Decisions
    cost: Judged
    chains: Sequence[LateChain]
    lateness: Mapping[int, int]


class PlanSearch:
    """A search that begins with the decisions of one plan.

    Parameters
    ----------
    start
        The decisions.
    make
        Makes a plan with decisions; None: it was interrupted, which ends the search.
    seed
        Of the random numbers.

    Attributes
    ----------
    made
        How many plans were tried.
    """

    def __init__(
        self,
        start: Decisions,
        make: Callable[[Decisions], ConstructedPlan | None],
        seed: int,
    ) -> None:
        self._make = make
        self._random = random.Random(seed)
        self._placed = self._since = 0
        self._ended = False
        self.made = 0
        self._best = self._now = self._pointed(start, make(start))

    @property
    def best(self) -> Decisions:
        """Decisions of the best plan so far."""
        return self._best.decisions

    def run(self, budget: PlanBudget, observe: Callable[[int], None]) -> None:
        """Try on until so many plans and orders were tried since the search began.

        Parameters
        ----------
        budget
            How much is tried.
        observe
            Gets how many plans were made.
        """
        while (
            self.made < budget.plans
            and self._placed < budget.orders
            and self._since < MOST_IDLE
            and self._now.chains
            and not self._ended
        ):
            self._try()
            observe(self.made)

    def _pointed(
        self, decisions: Decisions, plan: ConstructedPlan | None
    ) -> _PlanPoint:
        if plan is None:
            self._ended = True
            return _PlanPoint(decisions, Judged(0, 0), (), {})
        found = _PlanPoint(decisions, plan.judged(), plan.chains(), plan.lateness())
        plan.dissolve()
        return found

    def _try(self) -> None:
        """Make one plan with other decisions; keep it where it is not (much) worse."""
        self.made += 1
        self._since += 1
        decisions = self._changed()
        if decisions == self._now.decisions:
            return
        plan = self._make(decisions)
        if plan is None:
            self._ended = True
            return
        self._placed += plan.placed_orders()
        cost, now = plan.judged(), self._now.cost
        most = now.late + HEAT * now.late * self._random.random() ** 2
        if cost.missing < now.missing or (
            cost.missing == now.missing and cost.late <= most
        ):
            self._now = _PlanPoint(decisions, cost, plan.chains(), plan.lateness())
            if cost != self._best.cost and cost.no_worse(self._best.cost):
                self._best, self._since = self._now, 0
        plan.dissolve()

    # --- changes -------------------------------------------------------------------
    def _changed(self) -> Decisions:
        """The decisions of now with one change, or as they are where none fits."""
        now, chance = self._now, self._random
        kind = chance.choice(KINDS)
        if kind == "earlier":
            return replace(now.decisions, earlier=self._earlier())
        chain = self._chain()
        if kind == "lots":
            lots = _some(chain.lots, chance)
            days = {key: chance.choice(BATCH_DAYS) for key in lots}
            return replace(
                now.decisions, batch_days={**now.decisions.batch_days, **days}
            )
        links = _some(chain.others, chance)
        if kind == "source":
            links = [chance.choice(chain.links)] if chain.links else []
        other = {link.place: chance.choice(link.others) for link in links}
        return replace(now.decisions, sources={**now.decisions.sources, **other})

    def _chain(self) -> LateChain:
        """A late demand, mostly a costly one."""
        chains, chance = self._now.chains, self._random
        if chance.random() < 0.3:
            return chance.choice(chains)
        return chance.choices(chains, [math.sqrt(one.cost) for one in chains])[0]

    def _earlier(self) -> dict[int, int]:
        """Want late demands earlier; some that are in time as they are due."""
        chance, late = self._random, self._now.lateness
        found = dict(self._now.decisions.earlier)
        share = chance.choice(SHARES)
        step = chance.random() * chance.choice(STEPS)
        for demand, seconds in late.items():
            if chance.random() < share:
                found[demand] = found.get(demand, 0) + int(step * seconds)
        if chance.random() < 0.3:
            for demand in [one for one in found if one not in late]:
                if chance.random() < 0.2:
                    found[demand] = int(found[demand] * chance.random())
        return found


def _some(options: Sequence[T], chance: random.Random) -> list[T]:
    """A few of the options, by chance."""
    return chance.sample(options, min(len(options), chance.choice(TOGETHER)))


LEAST_SHARE = 100
"""More orders have to save one part in so many of the weighted lateness."""


class PieceTrial(NamedTuple):
    """A plan that was made with goods in parts.

    `smaller` and `ready` say for each late demand what could be ordered smaller, or
    first where it lies, the most costly first; `orders` counts those placed.
    """

    pieces: Pieces
    cost: Judged
    smaller: Sequence[Pieces]
    ready: Sequence[Pieces]
    orders: int

    def options(self, *, smaller: bool) -> Iterator[Pieces]:
        """Parts to try: for all late demands, for half of them, and so on."""
        found = self.smaller if smaller else self.ready
        count = len(found)
        while count:
            yield self.pieces.also(found[:count])
            count //= 2


def trial_of(
    pieces: Pieces,
    cost: Judged,
    jobs: Sequence[Job],
    model: ItemLocationGraph,
    weighing: Weighing,
) -> PieceTrial:
    """Trial of placed orders: their cost, and what could be ordered in parts."""
    smaller = smaller_orders(jobs, weighing)
    ready = lying_about(model, weighing)
    return PieceTrial(pieces, cost, smaller, ready, len(jobs))


def best_pieces(make: Callable[[Pieces], PieceTrial | None], most: int) -> Pieces:
    """Find the parts in which late goods weigh least.

    Parameters
    ----------
    make
        Makes the plan with goods in parts; None: it was interrupted.
    most
        How many orders are placed at most, the first plan not counted.
    """
    best = make(WHOLE)
    if best is None:
        return WHOLE
    seen, smaller, failed, left = [WHOLE], False, 0, most
    while failed < 2:
        better = None
        for pieces in best.options(smaller=smaller):
            if pieces in seen:
                continue
            found = make(pieces) if best.orders <= left else None
            if found is None:
                return best.pieces
            seen.append(pieces)
            left -= found.orders
            if _is_worth_it(found.cost, best.cost, smaller=smaller):
                better = found
                break
        if better is None:
            smaller, failed = not smaller, failed + 1
        else:
            best, failed = better, 0
    return best.pieces


def _is_worth_it(cost: Judged, before: Judged, *, smaller: bool) -> bool:
    """Whether parts save enough of what lateness costs to have more orders for them.

    Work that merely comes bit by bit is no gain where no demand has a price.
    """
    least = max(before.money, before.parts) // LEAST_SHARE + 1
    gains = [old - new for new, old in zip(cost, before, strict=True)]
    return cost.no_worse(before) and max(gains[:-1] if smaller else gains) >= least


def smaller_orders(jobs: Iterable[Job], weighing: Weighing) -> list[Pieces]:
    """Half of the orders that late demands waited for, by demand.

    Parameters
    ----------
    jobs
        All placed orders: what is made at a place for a demand comes in no more than
        ten parts.
    weighing
        What late demands weigh.
    """
    total: dict[Place, int] = defaultdict(int)
    for job in jobs:
        total[_place(job)] += job.order.qty
    found = []
    for group in weighing.late_groups():
        largest: dict[Place, int] = {}
        for job in weighing.path(group):
            least = -(-total[_place(job)] // MOST_PARTS)
            half = max(-(-job.order.qty // 2), least)
            if _may_be_cut(job, half):
                largest[_place(job)] = half
        found.append(Pieces(largest, {}))
    return found


def _place(job: Job) -> Place:
    return job.order.node, job.order.cause


def _may_be_cut(job: Job, qty: int) -> bool:
    """Whether an order is as large as it is because so much is missing."""
    order, source = job.order, job.order.source
    if source is None or order.kind == "buy" or order.existing is not None:
        return False
    if order.lot_rule != "lot_for_lot" or order.qty <= 0:
        return False
    return source.lot(-(-order.steps * qty // order.qty)) < order.steps


def lying_about(model: ItemLocationGraph, weighing: Weighing) -> list[Pieces]:
    """What lies ready for the goods that late demands waited for, by demand.

    Of each chain the nearest place to the delivery with a source of which some lies
    ready, and not all that is wanted; what comes after it goes on with so much.
    """
    found = []
    for group in weighing.late_groups():
        path = weighing.path(group)
        for place, job in enumerate(path):
            first = _ready(model, job, {})
            if first:
                for later in path[:place][::-1]:
                    first |= _ready(model, later, first)
                break
        else:
            first = {}
        found.append(Pieces({}, first))
    return found


def _ready(
    model: ItemLocationGraph, job: Job, below: Mapping[Place, tuple[str, int]]
) -> dict[Place, tuple[str, int]]:
    """What a source of an order could bring of what lies there, and comes below it."""
    order = job.order
    coming = {node: qty for (node, _), (_, qty) in below.items()}
    for way in model.ways(model.node(order.node)):
        there = _at_hand(way, order, coming)
        qty = lot_below(way.source, min(order.qty - 1, there))
        if qty > 0:
            return {_place(job): (way.source.source, qty)}
    return {}


def _at_hand(
    way: SupplyAlternative, order: SupplyOrder, coming: Mapping[NodeKey, int]
) -> int:
    """Largest order whose goods lie there, or come, wanted by no other [units]."""

    def there(node: Node) -> int:
        return _spare(node, order) + coming.get(node.key, 0)

    most = order.steps
    if way.origin is not None:
        return min(most, there(way.origin))
    if not way.intakes:
        return 0
    for group in way.intakes:
        most = max(makeable(line, there(node), most) for line, node, _ in group)
    return most


def _spare(node: Node, order: SupplyOrder) -> int:
    """Count what lies at a node and is wanted by nobody but an order [units].

    What is dead when the order starts counts as nothing.
    """
    units = [
        unit
        for unit in node.units
        if unit.is_ours and unit.order is None and unit.expires > order.timing.start
    ]
    taken = [qty for unit in units for need, qty in unit.takers if need.order is order]
    return sum(unit.free for unit in units) + sum(taken)
