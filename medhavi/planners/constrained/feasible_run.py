"""Run mode constrained: net what can still be made, then place it on its resources.

1. Netting as in mode mrp, but no order starts before now or inside its release fence;
   what is short is shared out by urgency (`order_dates`, `rationing`).
2. The providers place the orders in order of their need and priority; then each moves
   as late as those that take from it allow (`placement`).
3. Deliveries by the rules of the orders, causes of what is late (`delivering`,
   `causes`).

What is missing, or a rule forbids to deliver, changes what is wanted; then the run is
made again on the slices of the demands that are left.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from medhavi.planners.constrained.bounds import late_at_least
from medhavi.planners.constrained.deliveries import (
    given_up_pins,
    lines_of,
    served,
    service_of,
    undelivered,
)
from medhavi.planners.constrained.demand_bounds import Planned
from medhavi.planners.constrained.netting.feasible_netting import (
    FeasiblePlainNetting,
    SliceReader,
    walk_of,
)
from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
from medhavi.planners.constrained.netting.rationing import Rationing, Slice
from medhavi.planners.constrained.orders.causes import (
    CriticalPaths,
    cause_table,
    never_supplied,
    tell,
    tell_refused,
    useless_stock,
)
from medhavi.planners.constrained.orders.jobs import most_early
from medhavi.planners.constrained.orders.lateness_weights import (
    Weights,
    judge,
    money_weights,
    states_money,
    weigh_lines,
)
from medhavi.planners.constrained.partial_netting import Netting
from medhavi.planners.constrained.placement.campaigning import campaigning
from medhavi.planners.constrained.placement.goods_in_time import (
    ends_of_life,
    give_late_outputs,
    leave_out_dead,
)
from medhavi.planners.constrained.placement.order_placement import OrderPlacement
from medhavi.planners.constrained.placement.shop_floor import ShopFloor
from medhavi.planners.mrp.netting_state.stock_levels import LevelReduction
from medhavi.planners.mrp.reporting import ledger
from medhavi.planners.mrp.run import MrpRun
from medhavi.progress import Progress
from medhavi.results.run_record import relative_gap
from medhavi.units import ALWAYS, DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.planners.constrained.bounds import LateAtLeast
    from medhavi.planners.constrained.memory import Memory
    from medhavi.planners.constrained.orders.causes import Cause
    from medhavi.planners.constrained.orders.lateness_weights import (
        Line,
        MoneyWeights,
        Part,
        PlanScore,
    )
    from medhavi.planners.constrained.placement.order_placement import PlacementState
    from medhavi.planners.mrp.exception_messages import ExceptionMessages
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.netting import DatedNodeNetting
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import (
        LevelReplenishment,
        StockLevels,
    )
    from medhavi.planners.mrp.reporting import PositionEvents
    from medhavi.planners.mrp.state_loading import StateLoader
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.planners.pegging import PegArrays
    from medhavi.progress import Cancelled, Observe
    from medhavi.providers import Providers
    from medhavi.providers.sources import OrderTiming
    from medhavi.results.run_record import RunRecord


MOST_DELAYS = 5
"""Rounds in which what waits too long for its components is wanted later instead."""


class FeasibleRun(MrpRun):
    """One netting of a constrained run, and the placement of its orders.

    Parameters
    ----------
    memory
        What earlier runs found.
    """

    mode = "constrained"
    _above: set[NodeKey] | None = None
    """Products that are netted; None: all."""
    register: type[FeasibleOrderCreation] = FeasibleOrderCreation
    parameters: ConstrainedParameters
    release: FeasibleOrderCreation
    least: LateAtLeast
    """What no plan that delivers as much can be better than."""

    def __init__(
        self,
        memory: Memory,
        parameters: ConstrainedParameters,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self._memory = memory
        self._slicer: SliceReader | None = None
        self._late: list[list[Cause]] = []
        self.awaited: list[SupplyUnit] = []
        self._reasons: list[list[Cause]] = []
        self._served: dict[int, list[tuple[int, int]]] = {}
        self.lines: list[Line] = []
        super().__init__(memory.snapshot, parameters, observe, cancelled)

    # --- netting -------------------------------------------------------------------
    def _supported(self) -> list[Finding]:
        return list(self._memory.findings)

    def _provided(self) -> Providers:
        return self._memory.providers

    def _graph(self) -> ItemLocationGraph:
        known = self._memory.reading.graphs
        if not known:
            return super()._graph()
        graph = known.pop()
        graph.providers = self.providers
        return graph

    def stated_timing(self, order: SupplyOrder) -> OrderTiming:
        """Timing of an existing order by its tables, wherever it moved since."""
        timings = self._memory.reading.timings
        return timings.get(order.existing or "", order.timing)

    def give_back(self) -> None:
        """Leave the graph to the next run; the records of this one are let go."""
        self._memory.reading.graphs.append(self.model.emptied())

    def _released(self) -> FeasibleOrderCreation:
        resources = self.snapshot["resources"]
        finite = resources.filter(resources["finite"])["resource"].to_list()
        made = self.register(
            self.model, self.as_of, finite, self.providers.supply_limits()
        )
        made.lots = self._memory.decisions.lots
        made.sizes = self._memory.decisions.sizes
        made.ahead = self._memory.decisions.ahead
        made.defer(self._memory.decisions.slices)
        made.bring(self._memory.decisions.amounts)
        return made

    def _reader(self) -> StateLoader:
        self._slicer = SliceReader(
            self.tables, self.model, self.release, self.settings, self.parameters
        )
        self._slicer.demands_read = self._memory.reading.demands_read
        self._slicer.timings = self._memory.reading.timings
        self._slicer.sources = self._memory.reading.sources
        self._slicer.slices = self._memory.slices
        self._slicer.begun = bool((self.snapshot["routings"]["fence_days"] < 0).any())
        return self._slicer

    def want_less(self) -> None:
        """Want what is left of demands, where nothing is netted yet."""
        if self._slicer is not None:
            self._slicer.want_before_netting(self._memory.slices)

    def _plain_walks(self) -> bool:
        return True

    def _plain_walk(self, node: Node) -> FeasiblePlainNetting:
        return FeasiblePlainNetting(node, self.release)

    def _node_walk(self, node: Node, levels: StockLevels) -> DatedNodeNetting:
        more = self._memory.lowered.get(node.key, ())
        levels.lowered = (*levels.lowered, *more)
        return walk_of(node, levels, self.release, keeps=self.keeps_for_important)

    def _levels_of(self, node: Node) -> StockLevels:
        levels = super()._levels_of(node)
        levels.await_lead()
        less = self._memory.decisions.lowered.get(node.key)
        if less:
            levels.lowered = (LevelReduction(ALWAYS, NEVER, less),)
        levels.replenishments = self._memory.replenishments.get(node.key, ())
        if node.rules.lot_rule == "lot_for_lot":
            levels.lots = self._memory.decisions.lots.get(node.key, ())
            levels.eoq = self._memory.decisions.sizes.get(node.key)
        return levels

    @property
    def replenishments(self) -> Mapping[NodeKey, Sequence[LevelReplenishment]]:
        """What is wanted anew when goods of stock levels die, by place."""
        return self._memory.replenishments

    def replenish(self, more: Mapping[NodeKey, list[LevelReplenishment]]) -> None:
        """Want so much anew of products when it is built anew."""
        self._memory.replenishments.update(more)
        self._memory.awaits_expiry = False

    @property
    def keeps_for_important(self) -> bool:
        """Whether what there is is kept for demands of higher priority.

        Where demands state money, urgency by priority is not what decides.
        """
        return isinstance(self.weights, Weights)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the snapshot as it was given."""
        return self._memory.fingerprint

    def _net_again(self) -> None:
        """Net again what demands take that lack something, if it is apart."""
        if self._slicer is not None:
            places = self.rank, self._clusters
            net = self._net_cluster, self.blocked
            state = Netting(self.release, self._slicer, *places, *net, self.levels)
            state.ration(self._memory)

    def net_above(self, products: Collection[NodeKey]) -> None:
        """Net some products, and what takes of them; nothing else.

        Of the sources of what takes of them that which takes the least goes first.
        """
        self._above = self.above(products)
        self.release.scarce = products
        self.net()

    def above(self, products: Collection[NodeKey]) -> set[NodeKey]:
        """Products, and what takes of them, however far above."""
        above = set(products)
        # From the parts up: who takes from a product comes after it, so one pass finds
        # all.
        for cluster in reversed(self._clusters):
            own = {node.key for node in cluster}
            below = (key for node in cluster for key in self.model.takes_from(node))
            if not above.isdisjoint((*own, *below)):
                above |= own
        return above

    def shared_by(self, lacking: Collection[NodeKey]) -> tuple[object, ...] | None:
        """What says how products are shared out, where nothing was yet.

        None: what is kept for demands says so as well.
        """
        above = self.above(lacking)
        if not above.isdisjoint(self.intake.pins):
            return None
        wanted = [
            (
                *(one.demand, one.node, one.qty, one.due, one.priority),
                *(one.customer, one.ship_from, one.min_shelf, one.asks),
            )
            for one in self.intake.demands
            if one.node in above
        ]
        by = self.parameters, self.keeps_for_important, dict(self.replenishments)
        return (*by, set(lacking), above, wanted)

    def _net_cluster(self, cluster: list[Node]) -> None:
        if self._above is None or cluster[0].key in self._above:
            super()._net_cluster(cluster)

    def rationed(self) -> bool:
        """Change what is wanted to what is there; False: nothing is missing."""
        if not self.release.shortages or self._slicer is None:
            return False
        rationing = Rationing(self.release, self.rank, self.levels)
        return self._memory.ration(rationing, self._slicer.parts)

    # --- placement -----------------------------------------------------------------
    def _shop(self) -> ShopFloor:
        """What answers when an order fits, with what existing moves take of it."""
        own = {demand.demand for demand in self.intake.demands}
        loads = self.providers.itineraries(own).loads
        return ShopFloor(
            self.providers.finite(own, firmed=False),
            self.providers.supply_limits(loads),
        )

    def place(self) -> None:
        """Place all orders, and say what each demand gets."""
        self.placement = placement = self._placement(self._shop(), self._most_early())
        if self._observe is not None:
            self._observe(Progress("placing", 0, len(placement.jobs)))
        placement.standing(self._memory.stays)
        placement.make_campaigns = lambda: campaigning(
            self._memory.campaign_rules, self.release, placement.jobs, self.providers
        )
        placement.forward()
        self.lines = self._delivered()
        if not placement.crowded and not self._again(self._changed_by_refusals()):
            self._resequence()
        self._remember_refusals(self._causes_walk())
        if placement.campaigns is not None:
            self._memory.breaches.update(placement.campaigns.findings)

    def _remember_refusals(self, walk: CriticalPaths) -> None:
        """Keep why rules forbid deliveries: another run does not want them any more."""
        for line in self.lines:
            why = walk.refusal(line)
            if why:
                self._memory.refused[line.demand.index] = why
                self._memory.rules[line.demand.index] = line.refused, line.late_by

    def _tell_causes(self, walk: CriticalPaths) -> None:
        """Find why lines are late, and for what they wait: before orders move back."""
        self._late = [walk.of(line) for line in self.lines]
        self.awaited = [unit for line in self.lines for unit in walk.path(line)]

    def _causes_walk(self) -> CriticalPaths:
        """Walk down from what is late to what it waited for."""
        placement = self.placement
        jobs = {job.order.index: job for job in placement.jobs}
        return CriticalPaths(jobs, placement.waits, self.release, placement.barred)

    def move_late(self) -> None:
        """Move all orders as late as their deliveries allow; the last thing they do."""
        placement = self.placement
        self._tell_causes(self._causes_walk())
        placement.take_out_idle()
        placement.backward(self.lines)
        if placement.campaigns is not None:
            placement.campaigns.name()
            self._memory.breaches.update(placement.campaigns.findings)

    def _delivered(self) -> list[Line]:
        """What the demands get of the orders as they are placed."""
        lines = lines_of(
            self.intake, self.release, self.as_of, self.placement.unplaced()
        )
        leave_out_dead(lines, self.release, ends_of_life(self.release))
        return lines

    @cached_property
    def weights(self) -> Weights | MoneyWeights:
        """What a late demand weighs where the placement is improved."""
        parameters, demands = self.parameters, self.intake.demands
        by, days = parameters.lateness_by, parameters.money_days
        factor = self._memory.decisions.tier_factor
        # Stages count what tiers cost, be it by default.
        priced = factor > 1 or states_money(demands)
        if by == "money" or (by == "auto" and priced):
            return money_weights(demands, self.settings, self.model, days, factor)
        return Weights(parameters.weights(self.settings), parameters.base_days)

    def _resequence(self) -> None:
        """Place in other sequences where that is better; here there is only one."""

    def judged(self) -> PlanScore:
        """What the plan is judged by."""
        return judge(self.lines, self.weights)

    def _keep_better(self, lines: list[Line], mark: PlacementState) -> None:
        """Keep an improvement only where its deliveries are no worse."""
        placement, refused = self.placement, self._changed_by_refusals()
        self.lines = self._delivered()
        kept = self.judged().no_worse(judge(lines, self.weights))
        if not kept or not refused >= self._changed_by_refusals():
            placement.undo(mark)
            self.lines = lines

    def bound(self) -> None:
        """What no plan that delivers as much can beat: lead times, lack of time."""
        moving = {job.order.index for job in self.placement.jobs if not job.stays}
        # The bound holds for demands that are served in full: who gets less may be
        # sooner.
        whole = [line.demand for line in self.lines if line.planned >= line.demand.qty]
        capacity, pins = self.providers.capacity, self.intake.pins
        planned = Planned(self.model, self.release, capacity, pins, moving)
        self.least = late_at_least(planned, whole, self.weights)

    def _most_early(self) -> dict[str, int]:
        """How much before its need work on a resource may begin, by its name [s]."""
        return most_early(self.snapshot)

    def _placement(self, shop: ShopFloor, early: Mapping[str, int]) -> OrderPlacement:
        """Make what places the orders; another run places in its own way."""
        return OrderPlacement(self.release, shop, early)

    def refused(self) -> bool:
        """Take from the slices what is not delivered; False: all is.

        What is not delivered leaves its goods to the demands that lack them.
        """
        # Existing orders without room hold their place before all others in the next
        # round.
        if self.placement.crowded:
            self._memory.stays |= self.placement.crowded
            return True
        changed = self._changed_by_refusals()
        if not self._again(changed):
            return False
        found = self._without_refusals()
        less = [one for one in self.lines if self._is_less(one, found)]
        self._memory.delays += self._has_outlived()
        self._memory.slices = found
        self._memory.leave_to_others((one.demand for one in less), self.model.close)
        return True

    def _is_less(self, line: Line, found: Mapping[int, Sequence[Slice]]) -> bool:
        """Whether less is wanted of a demand than until now."""
        kept = found.get(line.demand.index)
        if kept is None or self._slicer is None:
            return False
        before = self._slicer.wanted(line.demand)
        return sum(one.qty for one in kept) < sum(one.qty for one in before)

    def _changed_by_refusals(self) -> set[int]:
        """List the demands that another round would want otherwise."""
        now, found = self._memory.slices, self._without_refusals()
        return {demand for demand, kept in found.items() if now.get(demand) != kept}

    def _again(self, changed: Collection[int]) -> bool:
        """Whether so many refusals are worth another round."""
        least = self.parameters.refused_share * len(self.intake.demands)
        return len(changed) > least

    def _has_outlived(self) -> bool:
        """Whether something is dead before it is taken."""
        old = any(part.outlived for line in self.lines for part in line.dropped)
        return old or bool(self.placement.outlived)

    def _without_refusals(self) -> dict[int, list[Slice]]:
        """Slices without what is not delivered, or later where that helps."""
        found = {demand: list(kept) for demand, kept in self._memory.slices.items()}
        # Goods that are later live until later and may be late again: rounds are
        # counted.
        may_wait = self._memory.delays + self._has_outlived() <= MOST_DELAYS
        for line in self.lines:
            if not line.refused or self._slicer is None:
                continue
            if may_wait and any(self._outlived(part) for part in line.dropped):
                found[line.demand.index] = self._postponed(line)
                continue
            rest = line.planned
            kept = []
            for part in self._slicer.wanted(line.demand):
                if min(rest, part.qty) > 0:
                    kept.append(Slice(min(rest, part.qty), part.date))
                rest -= min(rest, part.qty)
            found[line.demand.index] = kept
        return found

    def _outlived(self, part: Part) -> int:
        """How much later a part comes, dead or of dead components by then [s]."""
        order = part.unit.order
        if order is None or part.outlived:
            return part.outlived
        return self.placement.outlived.get(order.index, 0)

    def _postponed(self, line: Line) -> list[Slice]:
        """Want what waited too long when it can be made, of what lives then."""
        never = self.placement.unplaced()
        slices = []
        for part in (*line.parts, *line.dropped):
            order, later = part.unit.order, self._outlived(part)
            if order is not None and order.index in never and not later:
                continue
            need = self.release.needs[self.release.match_need[part.match]]
            slices.append(Slice(part.qty, need.instant + later))
        return sorted(slices, key=lambda one: (one.date, one.qty))

    def settle(self) -> None:
        """Take out what is not delivered, and the orders that never fit."""
        self.placement.close()
        self.findings += [found for _, found in sorted(self._memory.breaches.items())]
        self.pin_report.broken += given_up_pins(
            self.lines, self.intake.pins, self._peg_name
        )
        self.release.unmatch(undelivered(self.lines, self.release))
        # By need, because the places of matches change where orders are dropped.
        self._served = served(self.lines, self.release)
        never = self.placement.unplaced()
        if never:
            needs = self._drop(never)
            self._served = {needs[i]: taken for i, taken in self._served.items()}
        give_late_outputs(self.release, self.placement.jobs)

    def dissolve(self) -> None:
        """Clear all references: records point at each other in circles."""
        self.placement.dissolve()
        for line in self.lines:
            line.parts, line.dropped = [], []
        self.release.dissolve()

    # --- result --------------------------------------------------------------------
    def _services(self) -> list[DemandFulfilment]:
        found = []
        for line, late in zip(self.lines, self._late, strict=True):
            reasons = late
            if line.planned < line.demand.qty:
                reasons = [self._why_short(line), *reasons]
            self._reasons.append(reasons)
            found.append(service_of(line, reasons, self.as_of))
        return found

    def _why_short(self, line: Line) -> Cause:
        """What is missing, or what rule keeps the rest from being delivered."""
        index = line.demand.index
        known = self._memory.refused.get(index)
        if known and index not in self._memory.missing:
            return known[0]._replace(seconds=0)
        place = self._memory.missing.get(index, line.demand.node)
        node = self.model.node(place)
        if (useless := useless_stock(line, node, self.as_of)) is not None:
            return useless
        return never_supplied(node, self.release)

    def _causes(self, found: list[DemandFulfilment]) -> dict[str, list[object]]:
        pairs = list(zip(found, self._reasons, strict=True))
        return cause_table(pairs, self.release, self.settings)

    def _ledger(self, found: list[DemandFulfilment]) -> PositionEvents:  # noqa: ARG002
        state = self.release, self.intake, self.levels, self.blocked
        return ledger(*state, self.as_of, self._served)

    def _tell(
        self,
        messages: ExceptionMessages,
        found: list[DemandFulfilment],
        tables: Mapping[str, pl.DataFrame],
    ) -> None:
        super()._tell(messages, found, tables)
        tell(messages, self.placement.jobs, self.release, self.as_of)
        tell_refused(messages, self.lines, self._memory.rules, self.model)

    def _record(self, version: str, seed: int | None, pegs: PegArrays) -> RunRecord:
        made = super()._record(version, seed, pegs)
        reached, bound = self._reached, self.least.cost / self.weights.scale / DAY
        return replace(
            made,
            snapshot_fingerprint=self.fingerprint,
            bound=bound,
            gap=relative_gap(max(reached, bound), bound),
            engine=self._engine,
        )

    @property
    def _engine(self) -> str:
        """What made the plan, and why."""
        raise NotImplementedError

    @cached_property
    def _reached(self) -> float:
        """Weighted lateness by the rules of all orders [weighted days]."""
        return weigh_lines(self.lines, self.weights)[1] / self.weights.scale / DAY

    def _effort(self) -> dict[str, float]:
        late = sum(line.last > line.demand.due for line in self.lines)
        return {
            "late": float(late),
            **self.least.effort(),
            "weighted_days": self._reached,
        }
