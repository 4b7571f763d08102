"""Settings of the planners: frozen records with their ranges checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar, Self

from medhavi.errors import UsageError
from medhavi.planners.kernels.compiled import EngineName
from medhavi.planners.setting_ranges import (
    MOST_WEIGHT,
    require_budgets,
    require_days,
    require_flag,
    require_list,
    require_number,
    require_one_of,
    require_share,
    require_text,
    require_whole,
    told,
)
from medhavi.results.buckets import grid
from medhavi.results.figures.order_costs import OVERLOAD_FACTOR
from medhavi.results.plans.money_parts import BUDGETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.snapshot.tables import Settings


ENGINES = ("auto", "python", "numba")
EFFORTS = ("light", "standard", "full")
LATENESS = ("auto", "money", "priority")
CLASS_WEIGHTS = (25.0, 5.0, 1.0)
"""Weights of priority 1, 2, 3 … that leave no class worse than planning by priority
does (docs/performance.md)."""
STABILITY_PRICE, STABILITY_SHARE = "stability_price", "stability_share"
"""Settings of a plan on a baseline; see `net_change.incremental.BaselineOptions`."""
CAMPAIGNS = ("off", "rules", "propose")


class PlannerParameters:
    """Settings of a planner that are read and told by name."""

    __slots__ = ()
    of: ClassVar[str]
    """Whose settings they are."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Self:
        """Read settings by name.

        Raises
        ------
        UsageError
            Unknown names and values out of range, all of them.
        """
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        wrong = []
        if unknown:
            wrong.append(
                f"Unknown setting {', '.join(unknown)}; {cls.of} knows "
                f"{', '.join(sorted(known))}."
            )
        stated = {name: value for name, value in values.items() if name in known}
        try:
            made = cls(**stated)
        except UsageError as first:
            # The record ends at the first; each value alone names the others.
            wrong += [str(first), *cls._faults(stated)]
        else:
            if not wrong:
                return made
        raise UsageError("\n".join(dict.fromkeys(wrong)))

    @classmethod
    def _faults(cls, stated: Mapping[str, object]) -> Iterator[str]:
        """What is wrong with each of some settings by itself."""
        for name, value in stated.items():
            try:
                cls(**{name: value})
            except UsageError as fault:
                yield str(fault)

    def as_dict(self) -> dict[str, object]:
        """What identifies a run: the engine does not, for results are equal."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()  # type: ignore[call-overload]
            if name != "engine"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpParameters(PlannerParameters):
    """How net requirements are computed.

    Parameters
    ----------
    past
        "allow": a supply that should have started before now keeps its date and gets
        an exception PastDueStart. Nothing else is built.
    closed_orders_consume_forecast
        Whether delivered (closed) orders eat the forecast of their period too. Off by
        default: the demand table's status says what is planned, and what was
        delivered is usually out of the forecast already.
    engine
        How pegs are traced: "python" need after need, "numba" a level at a time on
        arrays, "auto" by what is faster. The result is the same.
    """

    of: ClassVar[str] = "mode mrp"
    past: str = "allow"
    closed_orders_consume_forecast: bool = False
    engine: EngineName = "auto"

    def __post_init__(self) -> None:
        if self.past != "allow":
            message = (
                f"past ({told(self.past)}) must be allow; mode constrained keeps starts out "
                "of the past."
            )
            raise UsageError(message)
        _check_common(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedParameters(PlannerParameters):
    """How a plan is made that can be carried out.

    Parameters
    ----------
    effort
        How much is tried. "light": the search only constructs. "standard": it improves
        what it constructed, some hundred passes and up to 120,000 moves. "full": up to
        300,000, and more often from the beginning. Counted in passes and moves, never
        in seconds.
    campaigns
        "rules" obeys `campaign_rules`: work of a family runs in campaigns of at least
        the least and at most the longest run, with the cleanings between. "propose"
        does so and pulls work of a family together wherever a changeover matrix says
        that it saves set-up, where the whole plan costs no more for it. "off" looks at
        no rule: the plan to compare with. By default the rules that are stated count,
        and no more is made up.
    campaign_days
        Days by which "propose" pulls work ahead of its turn: a plan is made with each,
        and the cheapest on the scorecard is kept.
    class_weights
        What a late demand of priority 1, 2, 3 … weighs; the last one holds on.
        `settings.priority_weights` go before them, where they are stated.
    base_days
        Days that each late demand adds to its own: more leaves fewer demands late, and
        those longer.
    lateness_by
        What a late demand weighs: "money", what a day of its lateness costs
        (demands.late_cost_per_day); "priority", `class_weights` and `base_days`; or
        "auto", money where a demand states a price or a cost, or its product has one: a
        default price of 1 would only say which demand is large.
    money_days
        Days that each late demand adds to its own where money weighs: more leaves fewer
        demands late.
    refused_share
        Share of the demands that may be refused something, by a rule or because their
        goods fit at no time, without another round of netting that plans around it.
    closed_orders_consume_forecast
        As in mode mrp.
    engine
        "python", "numba", or "auto": numba where it is installed and there are 20
        demands or more, or it is loaded already. The result is the same.
    """

    of: ClassVar[str] = "mode constrained"
    effort: str = "standard"
    class_weights: tuple[float, ...] = CLASS_WEIGHTS
    base_days: float = 20.0
    closed_orders_consume_forecast: bool = False
    engine: EngineName = "auto"
    campaigns: str = "rules"
    campaign_days: tuple[float, ...] = (7.0, 1.0)
    lateness_by: str = "auto"
    money_days: float = 2.0
    refused_share: float = 0.001

    def __post_init__(self) -> None:
        require_one_of("effort", self.effort, EFFORTS)
        require_one_of("campaigns", self.campaigns, CAMPAIGNS)
        require_one_of("lateness_by", self.lateness_by, LATENESS)
        require_days("base_days", self.base_days)
        require_days("money_days", self.money_days)
        for days in require_list("campaign_days", self.campaign_days, "[7, 1]"):
            require_days("campaign_days", days)
        require_share("refused_share", self.refused_share)
        weights = require_list("class_weights", self.class_weights, "[25, 5, 1]")
        if not weights or 0 in weights:
            message = f"class_weights ({told(list(weights))}) must be numbers above 0."
            raise UsageError(message)
        for one in weights:
            require_number("class_weights", one, most=MOST_WEIGHT)
        _check_common(self)

    def weights(self, settings: Settings) -> tuple[float, ...]:
        """Weights of the priorities in a search."""
        return settings.priority_weights or tuple(self.class_weights)


def _check_common(record: MrpParameters | ConstrainedParameters) -> None:
    require_one_of("engine", record.engine, ENGINES)
    name = "closed_orders_consume_forecast"
    require_flag(name, getattr(record, name))


AUTO, DAYS_FIRST, WEEKS = "auto", "21xday+1xweek", "1xweek"
"""Grid of decisions by size: the finer one and the coarser."""
STAGES = ("tiers", "shortage", *BUDGETS)
GOALS = ("cost", "profit")
PARTITIONS = ("auto", "all", "time", "resource", "product", "demand")
"""How whole orders are decided: by size, at once, by windows, by clusters, by groups of
products, by what the most urgent demands need."""
PRICES = (
    *("co2_price", "risk_price", "levelling_price", "end_stock_price"),
    *("min_fill_price", "lane_preference_price"),
)
"""Settings of mode optimize that are a price, from 0 on."""
WEIGHTS = (
    "cost_weight",
    "lateness_weight",
    "shortage_weight",
    "inventory_weight",
    "overload_weight",
    "safety_weight",
)
MOST_SHIFT = 24.0 * 366
"""A year of a resource [h]."""
MOST_SPREAD = 1e15
"""Weights of priorities that are further apart are not told apart in 64 bits."""
USUAL_WEIGHTS = (0.1, 10.0)
"""Least and greatest of `WEIGHTS` about which nothing is told; they are factors on
money. Weights of 1 to 10,000 fit models that count units and days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeParameters(PlannerParameters):
    """What the best plan is, and how finely it is looked for.

    Parameters
    ----------
    goal
        "cost": all that is wanted is served at least cost, as far as it can be, but for
        what costs more than never to deliver it, where the demand states a price or
        short_cost. Where it states neither a unit is worth no less than what it costs
        to supply: a least order is bought whole for little.
        "profit": what is never delivered of a demand with a price costs that price, and
        short_cost where it is stated, so that under shortage goods and hours go to what
        earns most, and nothing is served that costs more than it brings. Demands
        without a price are wanted as before.
    profit_rounds
        How many more plans are made, goal profit, without demands that cost more in the
        best plan than they bring.
    bucket
        Grid of decisions, as settings.bucket, or "auto": three weeks of days, where
        dates matter, then weeks; weeks alone where that are more than `most_cells`.
    most_cells
        Products at places times buckets, at most, of the finer grid: a coarser one is
        the strongest lever on solving time.
    late_days
        A demand may be served up to so many days after its due date, later ones count
        as short (demands.max_lateness_days may say less) [days].
    cost_weight, lateness_weight, shortage_weight, inventory_weight, overload_weight,
    safety_weight
        Factors on the money of each part; 1 leaves it as it is.
    end_stock_price
        What a unit below safety stock costs at the end of the horizon, in its values:
        it has to be supplied later, at a little more than now. Below 1 a plan may let
        safety stock run out by its last day; 0: what is missing then costs nothing.
    co2_price
        Money per kg of CO2 [base currency]; 0: emissions are counted and do not
        decide.
    risk_price
        Money per value at risk, that is the value of what is bought or moved times the
        chance that its supplier or lane is late; 0: reliability does not decide.
    levelling_price
        Money per hour that the load of a resource lies off its mean, by the buckets of
        the settings [base currency]; 0: how level it is does not decide.
    min_fill_price
        Money per kg by which a departure with new orders lies below its least load,
        lanes.min_fill_kg [base currency]; 0: it leaves with any load.
    lane_preference_price
        Money per new transfer for each number that the preference of its lane is behind
        the best one of its product there [base currency]; 0: cost alone decides.
    overload
        Whether work beyond capacity and agreed overtime may be bought at
        `overload_factor` times the price of overtime. False: capacity is hard.
    overload_factor
        See `overload`; a factor of ten makes it the last resort.
    prices_verified
        How many of the largest shadow prices are checked by solving again, and for how
        many resources what a shift would save.
    shift_hours
        Length of such a shift [h].
    most_iterations, most_seconds
        What ends a solve of a program, or of a part that shares no row with another;
        none: nothing does. A plan is made all the same,
        without the program where it was not solved; one that the clock ended is not
        repeatable.
    lot_nodes
        Nodes of the search tree, at most, after which the lots of products that share
        resources are taken as they are.
    effort
        How much the plan is improved that follows the program, as in mode constrained:
        "light", "standard" or "full".
    most_lot_cells
        Products at places times buckets, at most, where plans in planned lots are made.
    most_whole_orders
        Sources that take something for an order whatever its size, times buckets, at
        most, where a plan starts from whole orders of all of them.
    whole_orders_by
        How whole orders are decided: "all" of them at once; by windows of "time" that
        overlap by half; by clusters of a "resource" and others, bottleneck first; by
        groups of a "product" and others, first those whose orders cost most; by what a
        "demand" and others need, the most urgent first; or "auto", at once up to
        `whole_orders_at_once`, else by time.
    whole_orders_at_once
        Sources times buckets, at most, of a window, cluster or group.
    whole_orders_sweeps
        How often each of them is decided, at most; all at once twice, and
        then clusters of them, where that ends at a limit.
    opening_trials
        How many plans of little effort are made, at most, with other resources,
        suppliers and lanes closed than before, where an opening cost is stated; 0: what
        that costs guides the program alone.
    opening_nodes
        Nodes of the search tree, at most, in which the program decides what is closed
        in the first of these plans.
    joining_share
        Share of its cost that a plan on a baseline has to save for orders and
        departures to be joined, where no `stability_price` is stated: that moves what
        no change reached. Where the plan costs by more than that more than the last one
        from nothing, all orders are made anew by the decisions of the baseline, and
        joined, if that saves as much.
    lots_share
        At effort light, and between objectives, plans in planned lots are made where
        fixed costs of orders, and what is paid for them because they are small
        (price_tiers), are at least so much of what the guided plan costs without its
        lateness: elsewhere they take half of the time, and are seldom the cheapest.
    renewal_share
        At effort light goods of stock levels that die are made anew where what lacks of
        safety stock costs at least so much of the best plan: no more can be saved.
    campaigns_share
        Share of its cost that changes of families come to, in time and money, above
        which a plan is made again with work of a family pulled together (mode
        constrained, campaigns "propose").
    overtime_share
        Share of its cost that overtime comes to, at least, which a plan works beside
        open hours of the day that it leaves unused, where it is planned again without.
    energy_share
        Share of its cost that a plan pays for energy (tariffs), above which work is
        moved ahead to cheaper hours.
    amounts_share
        Share of its cost that a plan pays more for purchases than by the suppliers of
        the program, above which it is made again with each amount of the program as an
        order: an order buys all that it takes for its begin.
    budgets
        The most that a plan may come to, by name: cost, lateness, overtime or cash
        [base currency], co2 [kg], inventory (mean value of stock) [base currency].
        Where that matters as little is short as can be; of plans that keep them the
        cheapest is the answer, else the one that exceeds them least.
    budget_rounds
        How many more plans are made by tighter budgets where the program keeps what its
        plan does not.
    stages
        What is minimised one after the other before the money of all, by name: budgets,
        "shortage", or "tiers", the service of each priority after that of the one
        before. Least shortage is the first stage where neither is named.
    stage_share, stage_room
        By how much later stages may spoil an earlier one: a share of it, and an amount
        in its unit.
    tier_factor, tier_spread
        With the stage "tiers", how many times as much a priority weighs in the search
        as the next one behind it, and at most as the last one: weights are whole
        numbers, so many priorities weigh less than `tier_factor` beside the next.
    unit_tolerance
        Part of a unit that may lack of one that the program serves for a plan of whole
        units alone to want it [units]: rows of service have some room.
    """

    of: ClassVar[str] = "mode optimize"
    goal: str = "cost"
    profit_rounds: int = 2
    bucket: str = AUTO
    most_cells: int = 50_000
    late_days: float = 60.0
    cost_weight: float = 1.0
    lateness_weight: float = 1.0
    shortage_weight: float = 1.0
    inventory_weight: float = 1.0
    overload_weight: float = 1.0
    safety_weight: float = 1.0
    end_stock_price: float = 1.05
    co2_price: float = 0.0
    risk_price: float = 0.0
    levelling_price: float = 0.0
    min_fill_price: float = 0.0
    lane_preference_price: float = 0.0
    overload: bool = True
    overload_factor: float = OVERLOAD_FACTOR
    prices_verified: int = 5
    shift_hours: float = 8.0
    most_iterations: int | None = None
    most_seconds: float | None = None
    lot_nodes: int = 1
    effort: str = "standard"
    most_lot_cells: int = 1_000_000
    most_whole_orders: int = 3_000
    whole_orders_by: str = "auto"
    whole_orders_at_once: int = 5_000
    whole_orders_sweeps: int = 4
    lots_share: float = 0.1
    renewal_share: float = 0.01
    campaigns_share: float = 0.05
    overtime_share: float = 0.005
    amounts_share: float = 0.005
    energy_share: float = 0.005
    opening_trials: int = 8
    opening_nodes: int = 100
    joining_share: float = 0.005
    budgets: Mapping[str, float] = field(default_factory=dict)
    budget_rounds: int = 2
    stages: tuple[str, ...] = ()
    stage_share: float = 0.01
    stage_room: float = 1.0
    tier_factor: float = 1_000.0
    tier_spread: float = 1e9
    unit_tolerance: float = 1e-3

    def __post_init__(self) -> None:
        for name in (*WEIGHTS, *PRICES, "overload_factor", "stage_room"):
            require_number(name, getattr(self, name))
        require_days("late_days", self.late_days)
        require_number("shift_hours", self.shift_hours, most=MOST_SHIFT)
        if self.shortage_weight == 0:
            message = (
                "shortage_weight (0) must be above 0: where shortage costs nothing, "
                "the best plan makes nothing."
            )
            raise UsageError(message)
        require_flag("overload", self.overload)
        require_one_of("goal", self.goal, GOALS)
        require_one_of("effort", self.effort, EFFORTS)
        require_whole("profit_rounds", self.profit_rounds)
        require_whole("most_cells", self.most_cells)
        require_whole("prices_verified", self.prices_verified)
        require_whole("lot_nodes", self.lot_nodes)
        require_whole("most_lot_cells", self.most_lot_cells)
        require_whole("most_whole_orders", self.most_whole_orders)
        require_one_of("whole_orders_by", self.whole_orders_by, PARTITIONS)
        require_whole("whole_orders_at_once", self.whole_orders_at_once, least=1)
        require_whole("whole_orders_sweeps", self.whole_orders_sweeps, least=1)
        require_whole("opening_trials", self.opening_trials)
        require_whole("opening_nodes", self.opening_nodes)
        require_whole("budget_rounds", self.budget_rounds)
        require_share("stage_share", self.stage_share)
        require_share("lots_share", self.lots_share)
        require_share("renewal_share", self.renewal_share)
        require_share("campaigns_share", self.campaigns_share)
        require_share("overtime_share", self.overtime_share)
        require_share("amounts_share", self.amounts_share)
        require_share("energy_share", self.energy_share)
        require_share("joining_share", self.joining_share)
        require_share("unit_tolerance", self.unit_tolerance)
        require_number("tier_factor", self.tier_factor, least=1)
        require_number("tier_spread", self.tier_spread, least=1, most=MOST_SPREAD)
        require_budgets(self.budgets)
        # The sequence in which they were typed decides nothing.
        object.__setattr__(self, "budgets", dict(sorted(self.budgets.items())))
        for stage in require_list("stages", self.stages, '["tiers", "cost"]'):
            require_one_of("stages", stage, STAGES)
        if len(set(self.stages)) < len(self.stages):
            message = f"stages ({', '.join(self.stages)}) must name each once."
            raise UsageError(message)
        if self.most_iterations is not None:
            require_whole("most_iterations", self.most_iterations)
        if self.most_seconds is not None:
            require_number("most_seconds", self.most_seconds)
        self._check_bucket()

    @property
    def money_worth(self) -> float:
        """What money of orders counts beside that of lateness; 0: lateness is free."""
        late = self.lateness_weight
        return self.cost_weight / late if late else 0.0

    def _check_bucket(self) -> None:
        require_text("bucket", self.bucket)
        try:
            grid(DAYS_FIRST if self.bucket == AUTO else self.bucket, 0)
        except ValueError as wrong:
            raise UsageError(str(wrong).replace("settings.bucket", "bucket")) from wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffParameters(OptimizeParameters):
    """How efficient plans between objectives are found; effort is that of each plan.

    Parameters
    ----------
    end_share
        Share of the other objectives in the goal of a program, of their usual size: at
        0.05 an end of the front is where one part in a hundred of one is worth five of
        another. Beyond it little is won for very much, and a program takes ten times as
        long.
    tie_share
        Share in the goal of the whole objective, which breaks ties.
    latest_share, usual_share, least_late_share
        After how much of its effort the search of a plan ends: that of the latest
        point, of one where lateness is not traded, and of the least late point. What is
        left of it costs more time than it brings.
    """

    of: ClassVar[str] = "the search for trade-offs"
    end_share: float = 0.05
    tie_share: float = 1e-3
    latest_share: float = 0.3
    usual_share: float = 0.5
    least_late_share: float = 0.7

    def __post_init__(self) -> None:
        OptimizeParameters.__post_init__(self)
        if self.goal != "cost":
            message = (
                f"goal ({self.goal}) must be cost: trade-offs are between plans that "
                "serve as much as can be."
            )
            raise UsageError(message)
        if self.stages:
            message = (
                f"stages ({', '.join(self.stages)}) must be empty: trade-offs put no "
                "objective before another; give it a budget (budgets, --at-most)."
            )
            raise UsageError(message)
        require_share("end_share", self.end_share)
        require_share("tie_share", self.tie_share)
        for name in ("latest_share", "usual_share", "least_late_share"):
            require_share(name, getattr(self, name), least=0.01)
        if self.latest_share > self.least_late_share:
            message = (
                f"latest_share ({self.latest_share}) must be at most least_late_share "
                f"({self.least_late_share}): less lateness takes a longer search."
            )
            raise UsageError(message)
