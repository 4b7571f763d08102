"""Turn a run into a plant of plain numbers, where that says all there is to say.

What the search knows: products at places with one source each; makes of one step on one
finite machine of one unit, or on none, always open, without set-up between families;
purchases and moves with a fixed lead time and no limit; stock that does not expire;
lots of a least size and a multiple. Anything else is planned by the general way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.netting.dating import FeasibleOrderCreation
from medhavi.planners.kernels.plant_kernels.plant_record import Plant
from medhavi.planners.mrp.netting_state.order_creation import PEG_SOURCE
from medhavi.planners.mrp.netting_state.state import (
    NO_DEMAND,
    Need,
    Node,
    SupplyAlternative,
    SupplyOrder,
    SupplyUnit,
)
from medhavi.planners.mrp.state_loading import LIVE_ORDERS
from medhavi.providers.capacity.clocks import SingleStepClock
from medhavi.units import ALWAYS, DAY, INT64_MAX, NEVER

if TYPE_CHECKING:
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.snapshot import Snapshot


_URGENCY = attrgetter("priority", "index")


class FoundItem:
    """What all found orders of a product have in common, looked up once.

    They give one product at their end, as much as is ordered, and take their components
    at the start: other recipes are not searched.

    Parameters
    ----------
    node, way
        The product, and how it is made.
    """

    __slots__ = ("lines", "node", "peg", "traits", "way")

    def __init__(self, node: Node, way: SupplyAlternative) -> None:
        self.node = node
        self.way = way
        # Of the others orders take nothing: no quantity is fixed here.
        self.lines = [
            (line.numerator, line.denominator, part)
            for (line, part, _), *_ in way.intakes
            if line.numerator
        ]
        self.peg = PEG_SOURCE[way.source.kind]
        self.traits = way.traits(node) if way.provides else None


class FoundOrders(NamedTuple):
    """All make orders of a product that a search found, in sequence of registration.

    Of each order: size [steps], when it runs as late as its takers allow, begin of the
    work and arrival as early as can be [UTC seconds], what nobody takes of it [steps],
    and where its pegs end. Of each peg: the need by its index, its amount [steps], and
    the place of its order among these.
    """

    sizes: Sequence[int]
    timings: Sequence[OrderTiming]
    begins: Sequence[int]
    arrivals: Sequence[int]
    left: Sequence[int]
    ends: Sequence[int]
    needs: Sequence[int]
    amounts: Sequence[int]
    givers: Sequence[int]


class SearchedOrderCreation(FeasibleOrderCreation):
    """The register of a run whose orders were found: they come with their dates."""

    def limited(self, source: Source) -> bool:
        """Whether a supplier delivers, or a vehicle carries, only so much."""
        return self.largest(source) is not None

    def found_orders(self, item: FoundItem, found: FoundOrders) -> list[SupplyOrder]:
        """Register orders with what they give and need, as early as can be.

        What is open of the needs that they serve stays as it is.

        Raises
        ------
        BadData
            A quantity does not fit 64 bits.
        """
        self._check(item, max(found.sizes, default=0))
        node, traits, peg = item.node, item.traits, item.peg
        source, recipe = item.way.source, item.way.recipe
        name, kind, key, rule = (
            source.source,
            source.kind,
            node.key,
            node.rules.lot_rule,
        )
        lines = [(*line, line[2].needs) for line in item.lines]
        orders, units, needs, low = self.orders, self.units, self.needs, 0
        first, cause_of = len(units), self.cause_of
        served = [needs[need] for need in found.needs]
        pairs = list(zip(served, found.amounts, strict=True))
        for size, timing, begin, ready, left, high in zip(*found[:6], strict=True):
            taker = served[low]
            if high - low > 1:
                taker = min(served[low:high], key=_URGENCY)
            takers = pairs[low:high]
            low = high
            priority = taker.priority
            unit = SupplyUnit(
                len(units),
                node,
                size,
                left,
                ready,
                ready,
                peg,
                None,
                "",
                NEVER,
                None,
                NO_DEMAND,
                None,
                traits,
                takers,
            )
            units.append(unit)
            unit.order = order = SupplyOrder(
                len(orders),
                kind,
                key,
                source,
                name,
                size,
                size,
                timing,
                timing[1],
                cause_of(taker),
                rule,
                priority,
                None,
                None,
                "planned",
                False,  # noqa: FBT003 - names cost a tenth more
                False,  # noqa: FBT003
                recipe,
                [unit],
            )
            orders.append(order)
            for numerator, denominator, part, kept in lines:
                qty = -(-size * numerator // denominator)
                need = Need(
                    len(needs), part, begin, qty, qty, priority, NO_DEMAND, order
                )
                needs.append(need)
                kept.append(need)
        # Numbers that records have already: others would take memory of their own.
        self.match_need += [need.index for need in served]
        made = [unit.index for unit in units[first:]]
        self.match_unit += [made[giver] for giver in found.givers]
        self.match_qty += found.amounts
        return list(orders[-len(found.sizes) :]) if found.sizes else []

    def _check(self, item: FoundItem, most: int) -> None:
        """Refuse needs that do not fit 64 bits."""
        for numerator, denominator, part in item.lines:
            qty = -(-most * numerator // denominator)
            if qty > INT64_MAX:
                self._refuse(part, qty)


class SearchableRun(FeasibleRun):
    """A run whose nodes can be netted one by one."""

    release: SearchedOrderCreation

    def _released(self) -> SearchedOrderCreation:
        resources = self.snapshot["resources"]
        finite = resources.filter(resources["finite"])["resource"].to_list()
        return SearchedOrderCreation(self.model, self.as_of, finite, self._quotas())

    @property
    def clusters(self) -> Sequence[list[Node]]:
        """Nodes in order of planning, consumers first."""
        return self._clusters

    def net_cluster(self, cluster: list[Node]) -> None:
        """Net what is bought for orders that were found."""
        self._net_cluster(cluster)


PROBES = (1, 2, 3, 7, 1000, 1_000_000)
"""Sizes at which a clock is asked whether its length is linear [grains]."""
MOST_LEVELS = 200
MOST_BELOW = 2000
"""Orders of one demand at most, one of each: what a move takes out must be small."""
IDLE_TABLES = (
    "campaign_rules",
    "disruptions",
    "inventory_levels",
    "reservations",
    "supplier_capacity",
)
"""Tables that must be empty: the search knows nothing of what they say."""
NO_END = 1 << 40


class UnfitError(Exception):
    """What keeps a run from the search, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A plant, and what its numbers stand for.

    `nodes` are its items by number, `machines` the names of its machines; `made` tells
    which items get orders, `ways` are their sources; `queues` is the time between
    release and start of the work of their orders [s].
    """

    plant: Plant
    nodes: Sequence[Node]
    ways: Sequence[SupplyAlternative]
    queues: Sequence[int]
    priority: Sequence[int]
    machines: tuple[str, ...]
    as_of: int


@dataclass(slots=True)
class _Item:
    machine: int = -1
    fixed: int = 0
    rate: int = 0
    grain: int = 1
    least: int = 1
    floor: int = 0
    post: int = 0
    lead: int = -1
    stock: int = 0
    queue: int = 0
    below: tuple[tuple[int, int], ...] = ()


def _refuse(why: str) -> NoReturn:
    raise UnfitError(why)


def model_of(run: SearchableRun, weights: Sequence[float], base_days: float) -> Model:
    """Plant of a run that is built and not netted yet.

    Parameters
    ----------
    run
        A constrained run.
    weights
        Weight of a demand of priority 1, 2, 3 …; the last one holds on.
    base_days
        Days that any late demand counts beside those that it is late.

    Raises
    ------
    UnfitError
        Something is more than the plant can say.
    """
    _check_run(run)
    return _Reading(run).model(weights, base_days)


def unfit_at_sight(snapshot: Snapshot) -> bool:
    """Whether the tables alone show that no plant can state everything.

    What `model_of` would refuse only when the whole run is built.
    """
    existing = snapshot["supply_orders"]["status"].is_in(sorted(LIVE_ORDERS))
    return bool(existing.any()) or any(
        not snapshot[table].is_empty() for table in IDLE_TABLES
    )


def _check_run(run: SearchableRun) -> None:
    """Refuse what is more than stock, demands and sources."""
    if run.release.orders:
        _refuse("orders exist")
    if run.intake.pins or run.intake.bookings:
        _refuse("material is held")
    if list(run.providers.reservations.nodes):
        _refuse("material is reserved")
    for table in IDLE_TABLES:
        if not run.snapshot[table].is_empty():
            _refuse(f"{table} is filled")
    for demand in run.intake.demands:
        row = demand.row
        if row["max_lateness_days"] is not None or demand.ship_from is not None:
            _refuse(f"demand {demand.demand} has a rule")
        if row["requires"] or row["min_quality"]:
            _refuse(f"demand {demand.demand} asks for a quality")
        if row["sales_order"] and row["order_policy"] != "independent":
            _refuse(f"demand {demand.demand} goes with others")


class _Reading:
    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._as_of = run.as_of
        self._machines: dict[str, int] = {}
        resources = run.snapshot["resources"]
        self._rows = {row["resource"]: row for row in resources.iter_rows(named=True)}
        until = run.snapshot["step_resources"]["until_step"]
        self._tools = until.null_count() < len(until)
        """Some routing keeps a tool over several steps."""
        self._number: dict[int, int] = {}
        self._nodes: list[Node] = []
        for cluster in run.clusters:
            if len(cluster) > 1:
                _refuse(f"{cluster[0].key} is planned with others")
            self._number[id(cluster[0])] = len(self._nodes)
            self._nodes.append(cluster[0])
        self._ways = [self._way(node) for node in self._nodes]

    def model(self, weights: Sequence[float], base_days: float) -> Model:
        """Read all items and demands."""
        items = [
            self._item(node, way)
            for node, way in zip(self._nodes, self._ways, strict=True)
        ]
        _check_depth(items)
        demands, nodes = self._run.intake.demands, self._run.model.nodes
        if not demands or all(item.lead >= 0 for item in items):
            _refuse("nothing is made")
        scaled = [round(weight * 100) for weight in weights]
        plant = Plant(
            order=np.arange(len(items)),
            **{
                name: np.array([getattr(item, name) for item in items], np.int64)
                for name in (
                    "machine",
                    "fixed",
                    "rate",
                    "grain",
                    "least",
                    "floor",
                    "post",
                    "lead",
                    "stock",
                )
            },
            c_start=np.cumsum([0, *(len(item.below) for item in items)]),
            c_item=np.array([p for item in items for p, _ in item.below], np.int64),
            c_qty=np.array([q for item in items for _, q in item.below], np.int64),
            d_item=np.array(
                [self._number[id(nodes[demand.node])] for demand in demands], np.int64
            ),
            d_qty=np.array([d.qty for d in demands], np.int64),
            d_due=np.array([d.due - self._as_of for d in demands], np.int64),
            d_weight=np.array(
                [scaled[min(max(d.priority, 1), len(scaled)) - 1] for d in demands],
                np.int64,
            ),
            base=np.array([round(base_days * DAY)], np.int64),
        )
        return Model(
            plant=plant,
            nodes=self._nodes,
            ways=self._ways,
            queues=[item.queue for item in items],
            priority=[demand.priority for demand in demands],
            machines=tuple(self._machines),
            as_of=self._as_of,
        )

    # --- nodes ---------------------------------------------------------------------
    def _way(self, node: Node) -> SupplyAlternative:
        rules = node.rules
        if not rules.is_plain or rules.unlimited or rules.lot_rule != "lot_for_lot":
            _refuse(f"{node.key} has stock rules")
        if rules.cover_days or rules.lot_size:
            _refuse(f"{node.key} has lot rules")
        if node.make_to_order or node.shelf_life is not None or node.substitutes:
            _refuse(f"{node.key} is made to order, dies or has substitutes")
        ways = self._run.model.ways(node)
        if len(ways) != 1 or node.shared:
            _refuse(f"{node.key} has {len(ways)} sources")
        way = ways[0]
        source = way.source
        if not way.always or source.max_lot is not None:
            _refuse(f"{source.source} has a validity or a largest lot")
        if source.fence_days < 0:
            _refuse(f"{source.source} may start in the past")
        if source.safety_days or source.batch_window_days:
            _refuse(f"{source.source} has soft time or a batch window")
        return way

    def _item(self, node: Node, way: SupplyAlternative) -> _Item:
        item = _Item(
            grain=way.source.multiple,
            least=max(way.source.min_lot, 1),
            floor=self._run.release.floor(way.source) - self._as_of,
        )
        for unit in node.units:
            if unit.expires < NEVER or unit.customer is not None or unit.lot is None:
                _refuse(f"stock of {node.key} dies or belongs to others")
            if unit.order is not None or unit.available > ALWAYS:
                _refuse(f"stock of {node.key} comes later")
            item.stock += unit.qty
        if any(need.alternatives or need.order is not None for need in node.needs):
            _refuse(f"{node.key} has other needs")
        if way.source.kind == "make":
            self._make(item, way)
        elif self._run.release.limited(way.source):
            _refuse(f"{way.source.source} has a limit")
        elif way.source.kind == "buy":
            self._buy(item, way)
        else:
            _refuse(f"{way.source.source} is a lane")
        return item

    def _buy(self, item: _Item, way: SupplyAlternative) -> None:
        clock = way.source.clock
        start = self._as_of + item.floor
        found = {
            timing.finish - begin
            for begin in (start, start + 1, start + 3 * DAY + 7, start + 400 * DAY)
            for steps in (1, 1_000_000_000)
            for timing in [clock.earliest(begin, steps)]
            if timing is not None and timing.start == begin
        }
        straight = type(clock).__name__ == "ContinuousClock"
        if len(found) != 1 or not straight:
            _refuse(f"{way.source.source} does not deliver at any time")
        item.lead = item.floor + found.pop()

    def _make(self, item: _Item, way: SupplyAlternative) -> None:
        name = way.source.source
        if self._tools and self._run.providers.capacity.held(name):
            _refuse(f"{name} keeps a tool")
        if len(way.yields) != 1 or not way.yields[0].plain or way.gain is None:
            _refuse(f"{name} gives more than one product")
        output = way.gain.outputs
        if len(output) != 1 or (output[0].numerator, output[0].addend) != (
            output[0].denominator,
            0,
        ):
            _refuse(f"{name} has a yield")
        self._length(item, way)
        below: dict[int, int] = {}
        for group in way.intakes:
            line = group[0].component
            if len(group) > 1 or not group[0].plain or line.addend:
                _refuse(f"{name} has rival or dated components")
            qty, rest = divmod(line.numerator * item.grain, line.denominator)
            if rest:
                _refuse(f"{name} takes parts of steps")
            if qty:
                part = self._number[id(group[0].node)]
                below[part] = below.get(part, 0) + qty
        item.below = tuple(below.items())

    def _length(self, item: _Item, way: SupplyAlternative) -> None:
        """Read fixed time, rate and machine of a routing off its clock."""
        source = way.source
        clock = source.clock
        if not isinstance(clock, SingleStepClock):
            _refuse(f"{source.source} has more than one plain step")
        lengths = [clock.length(grains * item.grain) for grains in PROBES]
        rate = lengths[1] - lengths[0]
        fixed = lengths[0] - rate
        if lengths != [fixed + grains * rate for grains in PROBES]:
            _refuse(f"{source.source} has no linear length")
        timing = clock.earliest(self._as_of, item.grain)
        window = timing.steps[0]
        item.fixed, item.rate = fixed, rate
        item.post = timing.finish - window.finish
        item.queue = window.start - timing.start
        item.floor += item.queue
        finite = [
            (name, units)
            for name, units in window.resources
            if self._rows[name]["finite"]
        ]
        if len(finite) > 1 or fixed + rate <= 0:
            _refuse(f"{source.source} needs several machines, or no time")
        if window.family is not None:
            _refuse(f"{source.source} has a family")
        if finite:
            item.machine = self._machine(*finite[0])

    def _machine(self, name: str, units: float) -> int:
        known = self._machines.get(name)
        if known is not None and units == 1.0:
            return known
        row = self._rows[name]
        plain = all(
            row[column] is None
            for column in ("pool", "bucket", "changeover_matrix", "max_early_days")
        )
        if not plain or row["units"] != 1.0 or units != 1.0:
            _refuse(f"{name} is more than one machine")
        return self._machines.setdefault(name, len(self._machines))


def _check_depth(items: Sequence[_Item]) -> None:
    """Refuse products of very many parts; items are in order, consumers first."""
    below = [1] * len(items)
    levels = [1] * len(items)
    for number in range(len(items) - 1, -1, -1):
        for part, _ in items[number].below:
            if part <= number:
                _refuse("parts come before what they are for")
            below[number] = min(below[number] + below[part], NO_END)
            levels[number] = max(levels[number], levels[part] + 1)
    if max(below, default=0) > MOST_BELOW or max(levels, default=0) > MOST_LEVELS:
        _refuse("a product has too many parts")
