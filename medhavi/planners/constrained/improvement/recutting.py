"""Late goods in smaller orders, and first from where some lie ready.

One order for all that a demand lacks waits for its last component and for its whole
work, and a source that has only some of it is asked for all or for none. Whether parts
are sooner shows only when they are placed: so a plan is made whose late demands get
orders of half the size along the chain that they waited for, then one in which they get
first, from a source, what lies ready there, and so on; what weighs less is kept. Where
all late demands together bring nothing, half as many are tried, the most costly first.
Effort is counted in orders placed, and is for small plans. Source: lot streaming,
Reiter 1966 (Journal of Business 39).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.given_sources import WHOLE, Pieces
from medhavi.planners.constrained.netting.rationing import lot_below, makeable
from medhavi.planners.mrp.netting_state.order_creation import MOST_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.netting.given_sources import Place
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.weighing import Judged, Weighing
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
        SupplyOrder,
    )


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
