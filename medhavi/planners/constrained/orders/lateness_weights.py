"""What a placement costs: the weighted lateness of the demands, by real arrivals.

A late demand weighs as much as a day of its lateness costs, or as its priority says,
times some days and those that it is late. Lines that go together are as late as the
last of them. What fits nowhere, comes later than a demand accepts, or dies before, is
missing, which is worse than late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.prescribed_sources import dates_ahead
from medhavi.planners.mrp.netting_state.state import Demand, SupplyUnit
from medhavi.providers.product_facts import demand_value
from medhavi.units import DAY, INT64_MAX, NEVER, from_units, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.planners.constrained.netting.rationing import Slice
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
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

    def wanted(self, ahead: Sequence[Slice]) -> dict[int, int]:
        """Until when what is matched has to be there, by match [UTC s].

        The first delivery of what comes in several binds, or until when it is to be
        made (`ahead`, as of `Decisions`).
        """
        found = {part.match: part.date for part in reversed(self.parts)}
        parts = sorted(self.parts, key=lambda part: -part.ready) if ahead else []
        dates = dates_ahead(ahead, [part.qty for part in parts])
        for part, date in zip(parts, dates, strict=True):
            found[part.match] = min(found[part.match], date)
        return found

    def refuse(self, why: str) -> None:
        """Deliver nothing."""
        self.refused = self.refused or why
        self.dropped += self.parts
        self.parts = []


def latest_of(demand: Demand) -> int:
    """Last instant at which a demand accepts goods [UTC s]; NEVER: any."""
    most = demand.row["max_lateness_days"]
    return NEVER if most is None else demand.due + seconds_up(most, DAY)


SCALE = 100
"""Weights count hundredths."""
MOST_WEIGHTED = INT64_MAX >> 3
"""Weighted lateness of all demands that a search can add up [weight x s]."""
LATEST = 1_500 * DAY
"""Mean lateness at which the weighted lateness still fits [s]."""

STATED = ("price", "late_cost_per_day", "short_cost")
"""Columns of demands that say what one is worth."""


class Weights(NamedTuple):
    """Weight of a demand of priority 1, 2, 3 …, and the days that each late one adds.

    The last weight holds on.
    """

    by_priority: Sequence[float]
    base_days: float

    @property
    def scale(self) -> float:
        """Parts of a weight of one that weights count."""
        return SCALE

    def of(self, demand: Demand) -> int:
        """Weight of a demand [hundredths]."""
        place = min(max(demand.priority, 1), len(self.by_priority)) - 1
        return round(self.by_priority[place] * SCALE)

    def missing(self, demand: Demand, late: int) -> int:
        """Weight of a demand that never comes [weight x s]: twice that of being late.

        `late` is the most lateness that it accepts [s].
        """
        return 2 * self.of(demand) * (self.base + late)

    @property
    def base(self) -> int:
        """What a late demand weighs beside its lateness [s]."""
        return round(self.base_days * DAY)

    @property
    def worth(self) -> float:
        """Lateness as bad as to pay a millionth of money more: none is known."""
        return 0.0

    @property
    def tolerance(self) -> float:
        """Weight by which a search takes worse moves at first."""
        return 1.0


class MoneyWeights(NamedTuple):
    """Weight of each demand by index: what a day of its lateness costs.

    `short` is what it costs if it never comes, in days of its lateness, and
    `base_days` what each late one adds. `scale` parts of the currency are counted:
    hundredths, and coarser ones where all that may be late would not fit 64 bits, as
    of much money or of a currency of small value.
    """

    by_demand: Sequence[int]
    short: Sequence[float]
    base_days: float
    scale: float = SCALE

    def of(self, demand: Demand) -> int:
        """Weight of a demand [parts of the currency a day]."""
        return self.by_demand[demand.index]

    def missing(self, demand: Demand, late: int) -> int:
        """What a demand costs that never comes, no less than one that late [s]."""
        days = min(self.short[demand.index] * DAY, LATEST)
        return round(self.of(demand) * max(days, self.base + late)) + 1

    @property
    def base(self) -> int:
        """What a late demand weighs beside its lateness [s]."""
        return round(self.base_days * DAY)

    @property
    def worth(self) -> float:
        """Lateness that is as bad as to pay a millionth of money more [weight x s]."""
        return self.scale * DAY / 1_000_000

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
        demand.unit_cost > 0 or any(demand.row[one] is not None for one in STATED)
        for demand in demands
    )


def money_weights(
    demands: Iterable[Demand],
    settings: Settings,
    model: ItemLocationGraph,
    base_days: float,
    tier_factor: float = 1.0,
) -> MoneyWeights:
    """Weigh demands as the causes of a plan are priced: per unit and day late.

    Each priority by so much more than the next one behind it (`tier_factor`). What
    costs nothing still weighs a part.
    """
    demands = list(demands)
    tiers = sorted({demand.priority for demand in demands}, reverse=True)
    factor = {one: tier_factor**rank for rank, one in enumerate(tiers)}
    costs, short = [], []
    for demand in demands:
        weight = settings.weight(demand.priority)
        value = demand_value(demand.row, demand.unit_cost, weight)
        units = from_units(demand.qty, model.node(demand.node).step)
        each = value.late * factor[demand.priority]
        costs.append(min(each * units, float(INT64_MAX)))
        short.append(value.short / value.late if value.late else LATEST / DAY)
    most = sum(costs) * (LATEST + base_days * DAY)
    scale = min(SCALE, MOST_WEIGHTED / most) if most else SCALE
    found = [max(1, round(cost * scale)) for cost in costs]
    return MoneyWeights(found, short, base_days, scale)


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


class PlanScore(NamedTuple):
    """What a plan is judged by: `weigh_lines`, and `late_parts`.

    `money` are the late parts where demands have prices or costs: no plan that is
    dearer is better. `parts` are they where no demand has: they decide between plans
    that weigh the same.
    """

    missing: int
    late: int
    money: int = 0
    parts: int = 0

    def no_worse(self, other: PlanScore) -> bool:
        """Whether less is missing, or as much, and nothing else is dearer."""
        if self.missing != other.missing:
            return self.missing < other.missing
        if self.late > other.late or self.money > other.money:
            return False
        return self.late < other.late or self.parts <= other.parts


def judge(lines: Sequence[Line], weights: Weights | MoneyWeights) -> PlanScore:
    """What deliveries are judged by."""
    found = late_parts(lines, weights)
    if isinstance(weights, MoneyWeights):
        return PlanScore(*weigh_lines(lines, weights), money=found)
    return PlanScore(*weigh_lines(lines, weights), parts=found)
