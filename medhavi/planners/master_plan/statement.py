"""All facts of the program as arrays, read from a run that stands before netting.

Everything comes from the providers by way of the run: stock, receipts and needs of
existing orders, holds, sources, hours. Quantities are in units of their product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.orders.lateness_weights import latest_of
from medhavi.planners.master_plan.hours.open_hours import agreed_hours, free_hours
from medhavi.planners.master_plan.read_columns import check_read
from medhavi.planners.master_plan.source_rates import (
    SourceColumns,
    node_needs,
    source_columns,
)
from medhavi.planners.master_plan.source_times import DecisionGrid, chosen_grid
from medhavi.planners.mrp.hard_allocations import kept_by
from medhavi.planners.mrp.netting_state.state import NO_DEMAND, SEQUENCE, Node
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.parameters import MrpParameters, OptimizeParameters
from medhavi.planners.planned_tables import with_disruptions, with_overtime
from medhavi.providers import Providers
from medhavi.providers.finite_capacity.occupancy import HourRates, hour_rates
from medhavi.providers.product_facts import demand_value
from medhavi.units import DAY, DAYS_PER_YEAR, INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.planners.master_plan.source_rates import InputRates
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.state import Demand, SupplyUnit
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.providers.product_facts import DemandValue
    from medhavi.snapshot import Snapshot

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class ProgramRun(MrpRun):
    """A run that is read and never netted.

    Parameters
    ----------
    snapshot
        Without error findings; planned as its disruptions leave it (rule 20).
    settings
        Of mode optimize.
    overtime
        Whether resources work all overtime that is agreed.
    """

    mode = "optimize"

    def __init__(
        self,
        snapshot: Snapshot,
        settings: OptimizeParameters,
        *,
        overtime: bool = False,
    ) -> None:
        self.stated = snapshot
        self.goals = settings
        self.overtime = overtime
        worked = with_disruptions(snapshot)
        if overtime:
            worked = with_overtime(worked)
        super().__init__(worked, MrpParameters())

    def _supported(self) -> list[Finding]:
        return check_read(self.stated, self.goals)

    def _provided(self) -> Providers:
        return Providers(self.snapshot)

    @property
    def clusters(self) -> Sequence[Sequence[Node]]:
        """All nodes in order of planning, after `build`."""
        return self._clusters

    def kept_by(self, pin: HardAllocation) -> Iterator[tuple[SupplyUnit, int]]:
        """Supply that a firm peg keeps for its owner, and how much [units]."""
        return kept_by(pin, self.release, self._peg_name)

    @property
    def pegged_below(self) -> set[int]:
        """Demands, by index, with a firm peg to something that goes into them."""
        return {
            pin.demand
            for key, pins in self.intake.pins.items()
            for pin in pins
            if pin.demand != NO_DEMAND
            and not pin.blocks
            and self.intake.demands[pin.demand].node != key
        }

    def value_of(self, demand: Demand, least_price: float = 0.0) -> DemandValue:
        """Money of a unit of a demand by the goal, as of `demand_value`."""
        weight = self.settings.weight(demand.priority)
        found = demand_value(demand.row, demand.unit_cost, weight, least_price)
        if self.goals.goal == "profit" and demand.row["price"] is not None:
            penalty = demand.row["short_cost"] or 0.0
            found = found._replace(short=found.price + float(penalty))
        return found

    def levels_of(self, node: Node) -> StockLevels:
        """Levels of stock of a node."""
        return self._levels_of(node)


ROUNDS = 30
"""Passes over circles of sources; each makes a value cheaper or ends."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ExpiringLot:
    """What is there or comes and expires: usable at decisions `first` to `last`."""

    node: int
    qty: float
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DemandArrays:
    """Demands as arrays, shape (D,).

    `qty` is what the program decides on, `held` what a hold or a firm peg gives the
    demand at its due date; `late` and `short` are money per unit (and day). Deliveries
    are columns: `column_demand`, `column_edge`, `column_days` (days late), shape (Y,).
    """

    node: Ints
    qty: Floats
    held: Floats
    late: Floats
    short: Floats
    column_demand: Ints
    column_edge: Ints
    column_days: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Statement:
    """The facts of one program.

    Parameters
    ----------
    grid_reason
        Which grid was laid, and why, in words.
    nodes
        Products at locations that are planned (unlimited ones are not).
    flow
        Stock, receipts less fixed needs by node and decision, shape (N, T).
    fixed_needs
        What existing orders take by node and decision, shape (N, T).
    lots
        Stock and receipts that expire.
    wanted
        Demands.
    plans
        Sources.
    resources
        Finite resources that some source occupies, sorted.
    free
        Hours left for new orders, shape (R, T); `overtime` hours that may be bought.
    safety
        Level of stock wanted, shape (N, T).
    value
        Cheapest cost of a unit, shape (N,); `holding` the money to hold one over each
        bucket, shape (N, T); `stock_value` the value of one in stock, shape (N,).
    """

    run: ProgramRun
    parameters: OptimizeParameters
    grid: DecisionGrid
    grid_reason: str
    nodes: tuple[Node, ...]
    place: Mapping[int, int]
    flow: Floats
    fixed_needs: Floats
    lots: tuple[ExpiringLot, ...]
    wanted: DemandArrays
    plans: tuple[SourceColumns, ...]
    resources: tuple[str, ...]
    free: Floats
    overtime: Floats
    rates: Mapping[str, HourRates]
    safety: Floats
    value: Floats
    stock_value: Floats
    holding: Floats

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """Whether a node has fixed needs, shape (N,)."""
        most: Floats = self.fixed_needs.max(axis=1, initial=0.0)
        return most > 0

    @property
    def n_orders(self) -> int:
        """Number of order columns."""
        last = self.plans[-1] if self.plans else None
        return 0 if last is None else last.first + len(last.times.start)


def state(run: ProgramRun, parameters: OptimizeParameters) -> Statement:
    """Read the facts of a run that is built and not netted.

    Parameters
    ----------
    run
        Built run.
    parameters
        Grid, window of lateness.
    """
    demands = run.intake.demands
    late = round(parameters.late_days * DAY)
    until = max([run.as_of, *(demand.due for demand in demands)]) + late
    clusters = run.clusters
    nodes = tuple(
        node for cluster in clusters for node in cluster if not node.rules.unlimited
    )
    grid, grid_reason = chosen_grid(parameters, len(nodes), run.as_of, until)
    place = {id(node): i for i, node in enumerate(nodes)}
    rates = hour_rates(run.snapshot["resources"])
    needs = node_needs(clusters, run.release, run.as_of)
    plans = source_columns(clusters, needs, run.release, grid, rates)
    value = _cheapest(nodes, place, plans, run)
    flow, fixed_needs, lots = _supply(run, grid, nodes, place)
    held = _hold(run, grid, flow, place, plans)
    wanted = _wanted(run, parameters, grid, place, value, held)
    resources = tuple(sorted({w.resource for plan in plans for w in plan.occupied}))
    resources = tuple(
        name for name in resources if run.providers.capacity.resource(name).finite
    )
    stock_value = np.array(
        [run.model.unit_cost(node.key[0]) or 1.0 for node in nodes], dtype=float
    )
    yearly = np.array([node.rules.holding_rate for node in nodes], dtype=float)
    years = grid.lengths_until(run.settings.horizon_end) / (DAYS_PER_YEAR * DAY)
    return Statement(
        run=run,
        parameters=parameters,
        grid=grid,
        grid_reason=grid_reason,
        nodes=nodes,
        place=place,
        flow=flow,
        fixed_needs=fixed_needs,
        lots=lots,
        wanted=wanted,
        plans=tuple(plans),
        resources=resources,
        free=free_hours(run, grid, resources),
        overtime=agreed_hours(run, grid, resources),
        rates=rates,
        safety=_safety(run, grid, nodes),
        value=value,
        stock_value=stock_value,
        holding=np.outer(stock_value * yearly, years),
    )


# --- material ----------------------------------------------------------------------
def _supply(
    run: ProgramRun,
    grid: DecisionGrid,
    nodes: Sequence[Node],
    place: Mapping[int, int],
) -> tuple[Floats, Floats, tuple[ExpiringLot, ...]]:
    flow = np.zeros((len(nodes), grid.size))
    fixed = np.zeros_like(flow)
    lots: list[ExpiringLot] = []
    for unit in run.release.units:
        number = place.get(id(unit.node))
        if number is None or not unit.is_ours or unit.qty >= INT64_MAX:
            continue
        qty = unit.qty * float(unit.node.step)
        at = int(grid.at_or_after(max(unit.available, run.as_of)))
        if unit.expires < NEVER:
            last = int(grid.at_or_before(unit.expires))
            if last >= at:
                lots.append(ExpiringLot(node=number, qty=qty, first=at, last=last))
        elif at < grid.size:
            flow[number, at] += qty
    for need in run.release.needs:
        number = place.get(id(need.node))
        if number is None or need.demand != NO_DEMAND:
            continue
        # Needs count at the decision before, supply at the one after: what fits on the
        # grid fits between.
        at = max(0, int(grid.at_or_before(need.instant)))
        fixed[number, at] += need.qty * float(need.node.step)
    return flow - fixed, fixed, tuple(lots)


def _hold(
    run: ProgramRun,
    grid: DecisionGrid,
    flow: Floats,
    place: Mapping[int, int],
    plans: Sequence[SourceColumns],
) -> dict[int, float]:
    """Take holds and firm pegs out of supply; what they bring their owners, by index.

    What is held where its owner does not stand comes free again when a move to the
    owner must take it: until then nobody else may have it. A customer's own lots are
    held for it as well.
    """
    held: dict[int, float] = {}
    demands = run.intake.demands
    ways = {
        (plan.ways[0].origin.key, plan.given[0].node.key): plan
        for plan in reversed(plans)
        if plan.ways[0].origin is not None
    }
    for pins in run.intake.pins.values():
        for pin in pins:
            number = place.get(id(pin.node))
            if number is None:
                continue
            if not pin.blocks:
                _keep_peg(run, grid, pin, flow[number], held)
                continue
            qty = min(pin.qty * float(pin.node.step), max(0.0, flow[number, 0]))
            flow[number, 0] -= qty
            if pin.demand == NO_DEMAND:
                continue
            owner = demands[pin.demand]
            if owner.node == pin.node.key:
                wanted = owner.qty * float(pin.node.step) - held.get(owner.index, 0.0)
                held[owner.index] = held.get(owner.index, 0.0) + min(qty, wanted)
                continue
            if not _goes_into(run, pin.node, run.model.node(owner.node)):
                continue
            plan = ways.get((pin.node.key, owner.node))
            free = 0 if plan is None else _last_take(plan, owner.due)
            flow[number, free] += qty
    _leave_own_lots(run, held)
    return held


def _keep_peg(
    run: ProgramRun,
    grid: DecisionGrid,
    pin: HardAllocation,
    flow: Floats,
    held: dict[int, float],
) -> None:
    """Take what is pegged firmly to a demand out of the supply of its product.

    Shape of `flow` (T,). Also what its demand does not need, where the settings keep
    it. Not what expires or belongs to a customer, which is no part of it.
    """
    if pin.demand == NO_DEMAND:
        return
    owner = run.intake.demands[pin.demand]
    if owner.node != pin.node.key:
        return
    step = float(pin.node.step)
    for unit, units in run.kept_by(pin):
        at = int(grid.at_or_after(max(unit.available, run.as_of)))
        if at < grid.size and unit.expires >= NEVER and unit.is_ours:
            wanted = max(0.0, owner.qty * step - held.get(owner.index, 0.0))
            there = max(0.0, min(units * step, float(flow[at])))
            qty = min(there, wanted)
            flow[at] -= there if run.pin_report.allow_over else qty
            held[owner.index] = held.get(owner.index, 0.0) + qty


def _leave_own_lots(run: ProgramRun, held: dict[int, float]) -> None:
    """Lots of customers, for their demands where they lie, the earliest first."""
    for unit in run.release.units:
        left, step = float(unit.free), float(unit.node.step)
        for need in () if unit.is_ours else sorted(unit.node.needs, key=SEQUENCE):
            if need.order is not None or need.demand == NO_DEMAND:
                continue
            if run.release.usable(unit, need):
                known = held.get(need.demand, 0.0)
                qty = max(0.0, min(left, need.qty - known / step))
                held[need.demand] = known + qty * step
                left -= qty


def _goes_into(run: ProgramRun, node: Node, top: Node) -> bool:
    """Whether a node is below another: what it holds can serve that one."""
    seen = {id(top)}
    stack = [top]
    while stack:
        current = stack.pop()
        if current is node:
            return True
        below = [other for other, *_ in current.substitutes]
        for way in run.model.ways(current):
            below += [intake.node for group in way.intakes for intake in group]
            below += [] if way.origin is None else [way.origin]
        for other in below:
            if id(other) not in seen:
                seen.add(id(other))
                stack.append(other)
    return False


def _last_take(plan: SourceColumns, due: int) -> int:
    """Last decision at which a move takes goods that are there by due."""
    taken = plan.taken[0]
    on_time = plan.times.finish[taken.column] <= due
    return int(taken.at[on_time].max()) if on_time.any() else 0


def _safety(run: ProgramRun, grid: DecisionGrid, nodes: Sequence[Node]) -> Floats:
    found = np.zeros((len(nodes), grid.size))
    for number, node in enumerate(nodes):
        if node.rules.is_plain:
            continue
        levels = run.levels_of(node)
        found[number] = [
            levels.safety(instant) * float(node.step)
            for instant in grid.starts.tolist()
        ]
    return found


# --- demands -----------------------------------------------------------------------
def _wanted(
    run: ProgramRun,
    parameters: OptimizeParameters,
    grid: DecisionGrid,
    place: Mapping[int, int],
    value: Floats,
    held: Mapping[int, float],
) -> DemandArrays:
    demands = list(run.intake.demands)
    numbers = [place.get(id(run.model.node(d.node)), -1) for d in demands]
    node = np.array(numbers, dtype=np.int64)
    worth = [
        run.value_of(demand, float(value[number]) if number >= 0 else 0.0)
        for demand, number in zip(demands, numbers, strict=True)
    ]
    steps = [float(run.model.node(d.node).step) for d in demands]
    qty = np.array([d.qty for d in demands], dtype=float) * np.array(steps)
    kept = np.array([held.get(d.index, 0.0) for d in demands], dtype=float)
    due = np.array([d.due for d in demands], dtype=np.int64)
    first = np.maximum(grid.at_or_before(due), 0)
    last = grid.at_or_before(_limits(demands, parameters, run.as_of))
    count = np.maximum(last - first + 1, 0)
    count[node < 0] = 0
    who = np.repeat(np.arange(len(demands)), count)
    begin = np.cumsum(count) - count
    edge = first[who] + np.arange(len(who)) - begin[who]
    days = np.maximum(grid.starts[edge] - due[who], 0) / DAY
    return DemandArrays(
        node=node,
        qty=np.maximum(qty - kept, 0.0),
        held=kept,
        late=np.array([found.late for found in worth]),
        short=np.array([found.short for found in worth]),
        column_demand=who,
        column_edge=edge,
        column_days=days,
    )


def _limits(
    demands: Sequence[Demand], parameters: OptimizeParameters, as_of: int
) -> Ints:
    """Last instant at which each demand may be delivered."""
    found = []
    for demand in demands:
        limit = max(demand.due, as_of) + round(parameters.late_days * DAY)
        found.append(min(limit, latest_of(demand)))
    return np.array(found, dtype=np.int64)


# --- values ------------------------------------------------------------------------
def _cheapest(
    nodes: Sequence[Node],
    place: Mapping[int, int],
    plans: Sequence[SourceColumns],
    run: ProgramRun,
) -> Floats:
    """Cheapest cost of a unit of each node, all levels below included.

    Nodes without a source count their standard cost.
    """
    value = np.full(len(nodes), np.inf)
    sourced = {place[id(g.node)] for p in plans for g in p.given if id(g.node) in place}
    for number, node in enumerate(nodes):
        if number not in sourced:
            value[number] = run.model.unit_cost(node.key[0])
    for _ in range(ROUNDS):
        changed = False
        # Sources of parts come last: from there up most values settle in one pass.
        for plan in reversed(plans):
            given = plan.given[0]
            number = place.get(id(given.node), -1)
            if number < 0 or given.rate <= 0:
                continue
            cost = plan.cost + sum(
                part.rate * value[place[id(part.node)]]
                for part in _once(plan)
                if id(part.node) in place
            )
            if cost / given.rate < value[number] - 1e-9:
                value[number] = cost / given.rate
                changed = True
        if not changed:
            break
    standard = [run.model.unit_cost(node.key[0]) for node in nodes]
    return np.where(np.isfinite(value), value, np.array(standard, dtype=float))


def _once(plan: SourceColumns) -> list[InputRates]:
    """Lines of one order: lines that replace each other count once."""
    first = 0
    return [part for part in plan.taken if first in part.column]


ORDERS = "orders"
STOCK = "stock"
DELIVERIES = "deliveries"
SHORT = "short"
LOT_USE = "lot use"
LOT_LEFT = "lot left"
SET_UPS = "set-ups"
LARGEST, SMALLEST = "largest orders", "least orders"
BELOW_SAFETY = "below safety"
OVERTIME, OVERLOAD = "overtime", "overload"
WAITING = "waiting"

BALANCE = "balance"
DEMAND = "demand"
LOTS = "lots"
LOT_TAKES = "lot takes"
SAFETY = "safety"
CAPACITY = "capacity"
LANE, SUPPLIER = "lane", "supplier"


class ObjectivePart(StrEnum):
    """Parts of the objective, in money; their sum is the objective."""

    MAKING = "making"
    BUYING = "buying"
    MOVING = "moving"
    OPENING = "opening"
    HOLDING = "holding"
    OVERTIME = "overtime"
    OVERLOAD = "overload"
    LATENESS = "lateness"
    SHORTAGE = "shortage"
    SAFETY = "safety stock"
    CO2 = "co2"
    RISK = "risk"
    UNEVEN = "uneven load"
    BELOW_FILL = "below least load"
    LANE_PREFERENCE = "lane preference"
    STORAGE = "beyond storage"
    WAITING = "waiting orders"


GROUPS = {
    ObjectivePart.MAKING: "cost",
    ObjectivePart.BUYING: "cost",
    ObjectivePart.MOVING: "cost",
    ObjectivePart.OPENING: "cost",
    ObjectivePart.OVERTIME: "cost",
    ObjectivePart.OVERLOAD: "overload",
    ObjectivePart.HOLDING: "inventory",
    ObjectivePart.LATENESS: "lateness",
    ObjectivePart.SHORTAGE: "shortage",
    ObjectivePart.SAFETY: "safety",
    ObjectivePart.CO2: "co2",
    ObjectivePart.RISK: "risk",
    ObjectivePart.UNEVEN: "uneven load",
    ObjectivePart.BELOW_FILL: "lane use",
    ObjectivePart.LANE_PREFERENCE: "lane use",
    ObjectivePart.STORAGE: "storage",
    ObjectivePart.WAITING: "shortage",
}
"""Which objective each part belongs to (column contributions.objective)."""
