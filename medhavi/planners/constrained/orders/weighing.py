"""What a placing costs: the weighted lateness of the demands, by real arrivals.

A late demand weighs as much as a day of its lateness costs, or as its priority says,
times some days and those that it is late. Lines that go together are as late as the
last of them. What fits nowhere, comes later than a demand accepts, or dies before, is
missing, which is worse than late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import NO_DEMAND, Demand, SupplyUnit
from medhavi.providers.product_facts import demand_value
from medhavi.units import ALWAYS, DAY, NEVER, from_units, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from medhavi.planners.mrp.netting_state.state import Need
    from medhavi.snapshot.tables import Settings


NEVER_FITS = "never"
"""Why a line is refused whose goods fit at no time."""
TOO_OLD = "too_old"
"""Why a line is refused whose goods are dead, or too old, when they are delivered."""
RULES = ("full_line", "min_shipment", "all_together", "in_ratio")
"""Why a line is refused though its goods would be there."""


@dataclass(slots=True)
class Part:
    """A part of a demand: quantity [units] out of a unit, and when it is delivered.

    `match` is its place among the matches of the run, `ready` when its goods are there;
    `outlived` is how much later than wanted it would come, too old by then [s].
    """

    match: int
    unit: SupplyUnit
    qty: int
    ready: int
    date: int
    outlived: int = 0


@dataclass(slots=True)
class Line:
    """A demand with what it gets.

    Attributes
    ----------
    parts
        What is delivered, in order of date.
    refused
        Why parts of it are not delivered: a rule, or most lateness.
    bound_by
        Demand of the same order whose goods set the date.
    """

    demand: Demand
    parts: list[Part] = field(default_factory=list)
    refused: str = ""
    bound_by: str = ""
    dropped: list[Part] = field(default_factory=list)
    """What is not delivered."""
    late_by: int = 0
    """How late the dropped parts would have been [s]."""

    @property
    def planned(self) -> int:
        """Quantity that is delivered [units]."""
        return sum(part.qty for part in self.parts)

    @property
    def last(self) -> int:
        """Instant of the last delivery; 0 without one."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0].date
        return max((part.date for part in parts), default=0)

    def refuse(self, why: str) -> None:
        """Deliver nothing."""
        self.refused = self.refused or why
        self.dropped += self.parts
        self.parts = []


class Cost(NamedTuple):
    """What is compared, the first that differs decides.

    `missing` is the weight of what does not come at all, `late` the weighted lateness
    [weight x s], `stock` how late orders are that fill stock [s].
    """

    missing: int
    late: int
    stock: int

    def plus(self, other: Cost, sign: int = 1) -> Cost:
        """Sum, or the difference."""
        return Cost(*(a + sign * b for a, b in zip(self, other, strict=True)))


NOTHING = Cost(0, 0, 0)
SCALE = 100
"""Weights count hundredths."""


def sum_of(costs: Iterable[Cost]) -> Cost:
    """Sum of costs."""
    return Cost(*(sum(part) for part in zip(NOTHING, *costs, strict=True)))


class Weights(NamedTuple):
    """Weight of a demand of priority 1, 2, 3 …, and the days that each late one adds.

    The last weight holds on.
    """

    by_priority: Sequence[float]
    base_days: float

    def of(self, demand: Demand) -> int:
        """Weight of a demand [hundredths]."""
        place = min(max(demand.priority, 1), len(self.by_priority)) - 1
        return round(self.by_priority[place] * SCALE)

    @property
    def base(self) -> int:
        """What a late demand weighs beside its lateness [s]."""
        return round(self.base_days * DAY)

    @property
    def usual(self) -> float:
        """Weight of the demands that are moved about most easily."""
        return 1.0

    @property
    def tolerance(self) -> float:
        """Weight by which a search takes worse moves at first."""
        return self.usual


class MoneyWeights(NamedTuple):
    """Weight of each demand by index: what a day of its lateness costs [hundredths].

    `base_days` is what each late one adds.
    """

    by_demand: Sequence[int]
    base_days: float

    def of(self, demand: Demand) -> int:
        """Weight of a demand [hundredths of its currency a day]."""
        return self.by_demand[demand.index]

    @property
    def base(self) -> int:
        """What a late demand weighs beside its lateness [s]."""
        return round(self.base_days * DAY)

    @property
    def usual(self) -> float:
        """Weight of the demands that are moved about most easily: lower quartile."""
        if not self.by_demand:
            return 1.0
        return sorted(self.by_demand)[len(self.by_demand) // 4] / SCALE

    @property
    def tolerance(self) -> float:
        """Weight by which a search takes worse moves at first: the mean one.

        Few large demands cost most of what is late: by a small weight, no search would
        leave what was found first.
        """
        return sum(self.by_demand) / max(len(self.by_demand), 1) / SCALE


def states_money(demands: Iterable[Demand]) -> bool:
    """Whether any demand has a price or a cost that is no default of all."""
    return any(
        demand.unit_cost > 0
        or demand.row["price"] is not None
        or demand.row["late_cost_per_day"] is not None
        for demand in demands
    )


def money_weights(
    demands: Iterable[Demand],
    settings: Settings,
    model: ItemLocationGraph,
    base_days: float,
) -> MoneyWeights:
    """Weigh demands as the causes of a plan are priced: per unit and day late.

    What costs nothing still weighs a hundredth.
    """
    found = []
    for demand in demands:
        weight = settings.weight(demand.priority)
        rate = demand_value(demand.row, demand.unit_cost, weight).late
        units = from_units(demand.qty, model.node(demand.node).step)
        found.append(max(1, round(rate * units * SCALE)))
    return MoneyWeights(found, base_days)


class Weighing:
    """The costs of the orders of one netting, by groups of demands that go together.

    Parameters
    ----------
    register
        Register of the netting; the dates of its units change as orders are placed.
    jobs
        Orders that are placed.
    demands
        In order of their index.
    weights
        How much lateness counts.
    as_of
        Now of the plan [UTC seconds].

    Notes
    -----
    Lots that are moved may die sooner than is known here, and shares of an order are
    not counted: the lines of the whole plan have the last word (`delivering`).
    """

    def __init__(
        self,
        register: NettingState,
        jobs: Sequence[Job],
        demands: Sequence[Demand],
        weights: Weights | MoneyWeights,
        as_of: int,
    ) -> None:
        self._demands = demands
        self._weights = weights
        self._as_of = as_of
        self._units: list[list[SupplyUnit]] = [[] for _ in demands]
        self._placed = {job.order.index: job for job in jobs}
        for need, unit, qty in zip(
            register.match_need, register.match_unit, register.match_qty, strict=True
        ):
            demand = register.needs[need].demand
            if demand != NO_DEMAND and qty > 0:
                self._units[demand].append(register.units[unit])
        self.groups = _groups(demands)
        self._group_of = {d: place for place, g in enumerate(self.groups) for d in g}
        self._served = [self._serves(job) for job in jobs]
        self._fixed = [self._fixed_takers(job) for job in jobs]
        self._jobs = jobs

    @property
    def usual(self) -> float:
        """Weight of the demands that are moved about most easily."""
        return self._weights.usual

    # --- who is who ----------------------------------------------------------------
    def served(self, job: Job) -> tuple[int, ...]:
        """Groups of demands that an order serves directly."""
        return self._served[job.number]

    def _serves(self, job: Job) -> tuple[int, ...]:
        found = {
            self._group_of[need.demand]
            for out in job.outs
            for need, _ in out.unit.takers
            if need.demand != NO_DEMAND
        }
        return tuple(sorted(found))

    def _fixed_takers(self, job: Job) -> tuple[tuple[SupplyUnit, Need], ...]:
        """List what takes from an order and does not move: it must come before."""
        return tuple(
            (out.unit, need)
            for out in job.outs
            for need, _ in out.unit.takers
            if need.order is not None
            and (
                need.order.index not in self._placed
                or self._placed[need.order.index].stays
            )
        )

    def critical(self, group: int) -> SupplyUnit | None:
        """Unit that makes a group as late as it is; `None`: it is not late."""
        worst: tuple[int, int, SupplyUnit | None] = (0, 0, None)
        for demand in self.groups[group]:
            due = max(self._demands[demand].due, self._as_of)
            for unit in self._units[demand]:
                late = unit.arrives - due
                if late > worst[0] or (late == worst[0] > 0 and unit.index < worst[1]):
                    worst = late, unit.index, unit
        return worst[2]

    def path(self, group: int) -> list[Job]:
        """List the orders that a late group waited for, from its delivery down."""
        unit = self.critical(group)
        found: list[Job] = []
        while unit is not None and unit.order is not None:
            job = self._placed.get(unit.order.index)
            if job is None or job.stays or not job.placed or job in found:
                break
            found.append(job)
            unit = job.binding
        return found

    # --- costs ---------------------------------------------------------------------
    def of_group(self, group: int) -> Cost:
        """What the demands of a group cost."""
        members = self.groups[group]
        missing = late = 0
        found = [self._arrival(demand) for demand in members]
        last = max(found)
        for demand, own in zip(members, found, strict=True):
            row = self._demands[demand]
            weight = self._weights.of(row)
            most = row.row["max_lateness_days"]
            at = max(own, last if own > ALWAYS else own)
            limit = NEVER if most is None else row.due + seconds_up(most, DAY)
            if at >= NEVER or at > limit or self._outlived(demand, at):
                missing += weight
            elif at > row.due:
                late += weight * (self._weights.base + at - row.due)
        return Cost(missing, late, 0)

    def _arrival(self, demand: int) -> int:
        """When all that serves a demand is there; `ALWAYS`: nothing serves it."""
        at = ALWAYS
        for unit in self._units[demand]:
            order = unit.order
            job = None if order is None else self._placed.get(order.index)
            if job is not None and not job.placed:
                return NEVER
            at = max(at, unit.arrives)
        return at if at == ALWAYS else max(at, self._as_of)

    def _outlived(self, demand: int, at: int) -> bool:
        shelf = self._demands[demand].min_shelf
        until = max(at, self._demands[demand].due)
        return any(
            unit.expires < NEVER and unit.expires < until + shelf
            for unit in self._units[demand]
        )

    def of_job(self, job: Job) -> Cost:
        """What an order costs that serves no demand directly, or fixed work."""
        missing = sum(
            not job.placed or unit.arrives > need.instant
            for unit, need in self._fixed[job.number]
        )
        if job.after or self._served[job.number]:
            return Cost(missing * SCALE, 0, 0)
        if not job.placed:
            return Cost((missing + 1) * SCALE, 0, 0)
        return Cost(
            missing * SCALE, 0, max(0, job.order.timing.finish - job.order.need)
        )

    def of(self, groups: Iterable[int], jobs: Iterable[Job]) -> Cost:
        """What some groups of demands and some orders cost."""
        costs = [self.of_group(group) for group in groups]
        costs += [self.of_job(job) for job in jobs]
        return sum_of(costs)

    def total(self) -> Cost:
        """What all of it costs."""
        return self.of(range(len(self.groups)), self._jobs)

    def late_by_priority(self) -> dict[int, tuple[int, int]]:
        """Number of late demands, and of all demands, by priority."""
        found: dict[int, tuple[int, int]] = {}
        for members in self.groups:
            last = max(self._arrival(demand) for demand in members)
            for demand in members:
                row = self._demands[demand]
                late = NEVER > last > row.due
                before = found.get(row.priority, (0, 0))
                found[row.priority] = before[0] + late, before[1] + 1
        return found

    def late_groups(self) -> list[int]:
        """List the groups with a late demand, the most costly first."""
        costs = [
            (self.of_group(group).late, group) for group in range(len(self.groups))
        ]
        found = sorted((-late, group) for late, group in costs if late > 0)
        return [group for _, group in found]


def weigh_lines(
    lines: Iterable[Line], weights: Weights | MoneyWeights
) -> tuple[int, int]:
    """What is not delivered, by weight and share, and the weighted lateness."""
    missing = late = 0
    for line in lines:
        demand = line.demand
        weight = weights.of(demand)
        short = max(0, demand.qty - line.planned)
        missing += weight * short * DAY // max(demand.qty, 1)
        if line.last > demand.due:
            late += weight * (weights.base + line.last - demand.due)
    return missing, late


def late_parts(lines: Iterable[Line], weights: Weights | MoneyWeights) -> int:
    """Weighted lateness, each part of a demand by itself [weight x s]."""
    return sum(
        weights.of(line.demand)
        * part.qty
        * max(0, part.date - line.demand.due)
        // max(line.demand.qty, 1)
        for line in lines
        for part in line.parts
    )


class Judged(NamedTuple):
    """What a plan is judged by: `weigh_lines`, and `late_parts`.

    `money` are the late parts where demands have prices or costs: no plan that is
    dearer is better. `parts` are they where no demand has: they decide between plans
    that weigh the same.
    """

    missing: int
    late: int
    money: int = 0
    parts: int = 0

    def no_worse(self, other: Judged) -> bool:
        """Whether less is missing, or as much, and nothing else is dearer."""
        if self.missing != other.missing:
            return self.missing < other.missing
        if self.late > other.late or self.money > other.money:
            return False
        return self.late < other.late or self.parts <= other.parts


def judge(lines: Sequence[Line], weights: Weights | MoneyWeights) -> Judged:
    """What deliveries are judged by."""
    found = late_parts(lines, weights)
    if isinstance(weights, MoneyWeights):
        return Judged(*weigh_lines(lines, weights), money=found)
    return Judged(*weigh_lines(lines, weights), parts=found)


def _groups(demands: Sequence[Demand]) -> list[list[int]]:
    """List the demands that are delivered together."""
    orders: dict[str, list[int]] = {}
    found: list[list[int]] = []
    for demand in demands:
        order, policy = demand.row["sales_order"], demand.row["order_policy"]
        if not order or policy == "independent":
            found.append([demand.index])
            continue
        if order not in orders:
            orders[order] = []
            found.append(orders[order])
        orders[order].append(demand.index)
    return found
