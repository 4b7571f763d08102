"""Settings of the planners: frozen records with their ranges checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import UsageError
from medhavi.planners.kernels.compiled import EngineName
from medhavi.results.buckets import grid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.snapshot.tables import Settings


ENGINES = ("auto", "python", "numba")
EFFORTS = ("light", "standard", "full")
SEARCHES = ("auto", "always", "never")
LATENESS = ("auto", "money", "priority")
_COUNTS = (
    "tries_per_order",
    "least_tries",
    "most_tries",
    "source_rounds",
    "most_source_tries",
    "plans_tried",
    "most_plan_orders",
)
CLASS_WEIGHTS = (25.0, 5.0, 1.0)
"""Weights of priority 1, 2, 3 … that leave no class worse than planning by priority
does (docs/performance.md)."""
CAMPAIGNS = ("off", "rules", "propose")


class ImprovementBudget(NamedTuple):
    """How much the improvement of a constrained plan tries.

    `rounds` times as many orders are placed as there are, `least` at least and `most`
    at most; `whole` is the share of them that goes to whole sequences.
    """

    rounds: int
    least: int
    most: int
    whole: float = 0.1


BUDGETS = {
    "light": ImprovementBudget(0, 0, 0),
    "standard": ImprovementBudget(9, 500, 15_000),
    "full": ImprovementBudget(90, 5_000, 400_000),
}
"""Budgets of the efforts where no setting says otherwise."""


class SourceBudget(NamedTuple):
    """How often a constrained plan is made again with other sources.

    `rounds` times, and so that no more than `most` orders are placed in all.
    """

    rounds: int
    most: int


SOURCE_BUDGETS = {
    "light": SourceBudget(2, 5_000),
    "standard": SourceBudget(6, 15_000),
    "full": SourceBudget(12, 60_000),
}
"""The same of the rounds in which other sources are tried."""


class PlanBudget(NamedTuple):
    """How many whole plans a search over decisions makes, and orders it places."""

    plans: int
    orders: int


PLAN_BUDGETS = {
    "light": PlanBudget(0, 100_000),
    "standard": PlanBudget(0, 100_000),
    "full": PlanBudget(200, 400_000),
}
"""The same of the search over whole plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpParameters:
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

    past: str = "allow"
    closed_orders_consume_forecast: bool = False
    engine: EngineName = "auto"

    def __post_init__(self) -> None:
        if self.past != "allow":
            message = (
                f"past ({self.past}) must be allow; mode constrained keeps starts out "
                "of the past."
            )
            raise UsageError(message)
        _check_common(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> MrpParameters:
        """Read settings by name.

        Raises
        ------
        UsageError
            An unknown name or a value out of range.
        """
        check_names(values, {field.name for field in fields(cls)}, "mrp")
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """What identifies a run: the engine does not, for results are equal."""
        return {
            "past": self.past,
            "closed_orders_consume_forecast": self.closed_orders_consume_forecast,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedParameters:
    """How a plan is made that can be carried out.

    Parameters
    ----------
    effort
        How much is tried. "light": one setting of the rehearsal, and its sequence is
        placed once. "standard": four, and then other sequences and moves of orders, up
        to nine times as many placed orders as there are and 15,000 at most. "full":
        ninety-six, up to ninety times and 400,000. Each begins where the smaller one
        ends, so none ends with a dearer plan. A search constructs only ("light"),
        or improves what it constructed. Counted in rehearsals, passes and placed
        orders, never in seconds.
    late_demand_days
        A late demand weighs as many days as this, and the days it is late; times the
        weight of its priority.
    campaigns
        "rules" obeys `campaign_rules`: work of a family runs in campaigns of at least
        the least and at most the longest run, with the cleanings between. "propose"
        does so and pulls work of a family together wherever a changeover matrix says
        that it saves set-up. "off" looks at no rule: the plan to compare with. By
        default the rules that are stated count, and no more is made up.
    search
        Whether a search plans what can be said in its plain numbers: "auto" where numba
        is installed and there are 20 demands or more, "always", "never".
    class_weights
        What a late demand of priority 1, 2, 3 … weighs where a plan is improved; the
        last one holds on. `settings.priority_weights` go before them, where they are
        stated.
    base_days
        What `late_demand_days` is where a plan is improved: more leaves fewer demands
        late, and those longer.
    lateness_by
        What a late demand weighs where a placing is improved: "money", what a day of
        its lateness costs (demands.late_cost_per_day), and what is kept is not dearer
        than what was placed first; "priority", `class_weights` and `base_days`; or
        "auto", money where a demand states a price or a cost, or its product has one: a
        default price of 1 would only say which demand is large.
    money_days
        Days that each late demand adds to its own where money weighs: more leaves fewer
        demands late.
    tries_per_order, least_tries, most_tries
        How many orders an improvement places, for each that there is, at least and at
        most; empty: as the effort says.
    source_rounds, most_source_tries
        How often the plan is constructed again with other sources for what is late, and
        how many orders that may place in all; empty: as the effort says.
    plans_tried, most_plan_orders
        How many whole plans are tried with other sources, lots and dates for what is
        late, and how many orders they may place in all; empty: as the effort says.
    whole_share
        Share of them that goes to whole sequences; the rest moves single orders.
    refused_share
        Share of the demands that may be refused something, by a rule or because their
        goods fit at no time, without another round of netting that plans around it.
    closed_orders_consume_forecast
        As in mode mrp.
    engine
        "python", "numba", or "auto" (numba where it is installed and the run is
        large). The result is the same, but "auto" searches only with numba.
    """

    effort: str = "standard"
    late_demand_days: float = 20.0
    search: str = "auto"
    class_weights: tuple[float, ...] = CLASS_WEIGHTS
    base_days: float = 20.0
    closed_orders_consume_forecast: bool = False
    engine: EngineName = "auto"
    campaigns: str = "rules"
    lateness_by: str = "auto"
    money_days: float = 2.0
    tries_per_order: int | None = None
    least_tries: int | None = None
    most_tries: int | None = None
    source_rounds: int | None = None
    most_source_tries: int | None = None
    plans_tried: int | None = None
    most_plan_orders: int | None = None
    whole_share: float = 0.1
    refused_share: float = 0.001

    def __post_init__(self) -> None:
        _check_effort(self.effort)
        if self.campaigns not in CAMPAIGNS:
            known = ", ".join(CAMPAIGNS)
            message = f"campaigns ({self.campaigns}) must be one of {known}."
            raise UsageError(message)
        for name in ("late_demand_days", "base_days", "money_days"):
            days: object = getattr(self, name)
            if not isinstance(days, int | float) or not days >= 0:
                message = f"{name} ({days}) must be a number of at least 0."
                raise UsageError(message)
        if self.lateness_by not in LATENESS:
            known = ", ".join(LATENESS)
            message = f"lateness_by ({self.lateness_by}) must be one of {known}."
            raise UsageError(message)
        for name in _COUNTS:
            tries: object = getattr(self, name)
            if tries is not None and not (isinstance(tries, int) and tries >= 0):
                message = f"{name} ({tries}) must be a whole number of at least 0."
                raise UsageError(message)
        for name in ("whole_share", "refused_share"):
            share: object = getattr(self, name)
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                message = f"{name} ({share}) must be a number from 0 to 1."
                raise UsageError(message)
        if self.search not in SEARCHES:
            message = f"search ({self.search}) must be one of {', '.join(SEARCHES)}."
            raise UsageError(message)
        weights: object = self.class_weights
        if (
            not isinstance(weights, list | tuple)
            or not weights
            or not all(isinstance(one, int | float) and one > 0 for one in weights)
        ):
            message = f"class_weights ({weights}) must be numbers above 0."
            raise UsageError(message)
        _check_common(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> ConstrainedParameters:
        """Read settings by name.

        Raises
        ------
        UsageError
            An unknown name or a value out of range.
        """
        check_names(values, {field.name for field in fields(cls)}, "constrained")
        return cls(**values)  # type: ignore[arg-type]

    @property
    def budget(self) -> ImprovementBudget:
        """How much an improvement tries."""
        usual = BUDGETS[self.effort]
        return ImprovementBudget(
            _stated(self.tries_per_order, usual.rounds),
            _stated(self.least_tries, usual.least),
            _stated(self.most_tries, usual.most),
            self.whole_share,
        )

    def steps(self) -> tuple[ConstrainedParameters, ...]:
        """Same with each effort that improves something, up to its own.

        A larger effort does what the smaller one does, and goes on from there.
        """
        found = EFFORTS[1 : EFFORTS.index(self.effort) + 1]
        return tuple(replace(self, effort=effort) for effort in found)

    @property
    def source_budget(self) -> SourceBudget:
        """How much is tried with other sources."""
        usual = SOURCE_BUDGETS[self.effort]
        return SourceBudget(
            _stated(self.source_rounds, usual.rounds),
            _stated(self.most_source_tries, usual.most),
        )

    @property
    def plan_budget(self) -> PlanBudget:
        """How many whole plans are tried."""
        usual = PLAN_BUDGETS[self.effort]
        return PlanBudget(
            _stated(self.plans_tried, usual.plans),
            _stated(self.most_plan_orders, usual.orders),
        )

    def weights(self, settings: Settings) -> tuple[float, ...]:
        """Weights of the priorities in a search."""
        return settings.priority_weights or tuple(self.class_weights)

    def as_dict(self) -> dict[str, object]:
        """What identifies a run: the engine does not, for results are equal."""
        return {
            "effort": self.effort,
            "late_demand_days": self.late_demand_days,
            "search": self.search,
            "class_weights": list(self.class_weights),
            "base_days": self.base_days,
            "closed_orders_consume_forecast": self.closed_orders_consume_forecast,
            "campaigns": self.campaigns,
            "lateness_by": self.lateness_by,
            "money_days": self.money_days,
            "tries_per_order": self.tries_per_order,
            "least_tries": self.least_tries,
            "most_tries": self.most_tries,
            "source_rounds": self.source_rounds,
            "most_source_tries": self.most_source_tries,
            "plans_tried": self.plans_tried,
            "most_plan_orders": self.most_plan_orders,
            "whole_share": self.whole_share,
            "refused_share": self.refused_share,
        }


def _stated(own: int | None, usual: int) -> int:
    return usual if own is None else own


def check_names(values: Iterable[str], known: Collection[str], mode: str) -> None:
    """Refuse settings that a mode does not know.

    Raises
    ------
    UsageError
        Naming them, and those it knows.
    """
    unknown = sorted(set(values) - set(known))
    if unknown:
        message = (
            f"Unknown setting {', '.join(unknown)}; mode {mode} knows "
            f"{', '.join(sorted(known))}."
        )
        raise UsageError(message)


def _check_effort(effort: str) -> None:
    if effort not in EFFORTS:
        message = f"effort ({effort}) must be one of {', '.join(EFFORTS)}."
        raise UsageError(message)


def _check_common(record: MrpParameters | ConstrainedParameters) -> None:
    if record.engine not in ENGINES:
        message = f"engine ({record.engine}) must be one of {', '.join(ENGINES)}."
        raise UsageError(message)
    if record.closed_orders_consume_forecast not in {True, False}:
        message = "closed_orders_consume_forecast must be true or false."
        raise UsageError(message)


WEIGHTS = (
    "cost_weight",
    "lateness_weight",
    "shortage_weight",
    "inventory_weight",
    "overload_weight",
    "safety_weight",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeParameters:
    """What the best plan is, and how finely it is looked for.

    Parameters
    ----------
    bucket
        Grid of decisions, as settings.bucket: days first, where dates matter, then
        weeks; a coarser grid is the strongest lever on solving time.
    late_days
        A demand may be served up to so many days after its due date, later ones count
        as short (demands.max_lateness_days may say less) [days].
    cost_weight, lateness_weight, shortage_weight, inventory_weight, overload_weight,
    safety_weight
        Factors on the money of each part; 1 leaves it as it is.
    co2_price
        Money per kg of CO2 [base currency]; 0: emissions are counted and do not
        decide.
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
        What ends a solve of a program; none: nothing does. A plan is made all the same,
        without the program where it was not solved; one that the clock ended is not
        repeatable.
    effort
        How much the plan is improved that follows the program, as in mode constrained:
        "light", "standard" or "full".
    """

    bucket: str = "21xday+1xweek"
    late_days: float = 60.0
    cost_weight: float = 1.0
    lateness_weight: float = 1.0
    shortage_weight: float = 1.0
    inventory_weight: float = 1.0
    overload_weight: float = 1.0
    safety_weight: float = 1.0
    co2_price: float = 0.0
    overload: bool = True
    overload_factor: float = 10.0
    prices_verified: int = 5
    shift_hours: float = 8.0
    most_iterations: int | None = None
    most_seconds: float | None = None
    effort: str = "standard"

    def __post_init__(self) -> None:
        lengths = ("late_days", "co2_price", "overload_factor", "shift_hours")
        for name in (*WEIGHTS, *lengths):
            _at_least_zero(name, getattr(self, name))
        if self.shortage_weight == 0:
            message = (
                "shortage_weight (0) must be above 0: where shortage costs nothing, "
                "the best plan makes nothing."
            )
            raise UsageError(message)
        if self.overload not in {True, False}:
            message = "overload must be true or false."
            raise UsageError(message)
        _check_effort(self.effort)
        checked: object = self.prices_verified
        if not isinstance(checked, int) or checked < 0:
            message = f"prices_verified ({checked}) must be a whole number from 0 on."
            raise UsageError(message)
        for name in ("most_iterations", "most_seconds"):
            if getattr(self, name) is not None:
                _at_least_zero(name, getattr(self, name))
        most: object = self.most_iterations
        if not isinstance(most, int | None):
            message = f"most_iterations ({most}) must be a whole number."
            raise UsageError(message)
        try:
            grid(self.bucket, 0)
        except (TypeError, ValueError) as wrong:
            raise UsageError(str(wrong).replace("settings.bucket", "bucket")) from wrong

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> OptimizeParameters:
        """Read settings by name.

        Raises
        ------
        UsageError
            An unknown name or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            message = (
                f"Unknown setting {', '.join(unknown)}; mode optimize knows "
                f"{', '.join(sorted(known))}."
            )
            raise UsageError(message)
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """What identifies a run."""
        return asdict(self)


def _at_least_zero(name: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        message = f"{name} ({value}) must be a number from 0 on."
        raise UsageError(message)
