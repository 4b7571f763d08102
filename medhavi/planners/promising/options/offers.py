"""A complete option: its way, its dates, its price, and what closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    from medhavi.planners.promising.arrival_risk.arrival_risk import ArrivalTimes
    from medhavi.planners.promising.deliveries.delivery_search import DeliverySearch
    from medhavi.planners.promising.deliveries.delivery_ways import Way
    from medhavi.planners.promising.ledger.option_cost import OptionPrice
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.results.promises.promise import PromiseCost


class Offered(NamedTuple):
    """A complete option with its dates and its price; `closed` says why it is out."""

    way: Way
    search: DeliverySearch
    terms: Terms
    times: ArrivalTimes
    price: OptionPrice
    closed: Limiter | None
    asked: str

    @property
    def name(self) -> str:
        """Name of the option, with the product where it is another one."""
        own = self.way.product
        return self.way.option if own == self.asked else f"{own}/{self.way.option}"

    @property
    def cost(self) -> PromiseCost:
        """What it costs [base currency]."""
        return self.price.cost

    @property
    def on_time_prob(self) -> float:
        """P(whole quantity there by due): none where only a part can be."""
        whole = self.times.evaluation.steps >= self.search.wanted.steps
        return self.times.on_time_prob if whole else 0.0

    @property
    def co2_kg(self) -> float:
        """What it emits [kg]."""
        return self.price.co2_kg


def capped(one: Offered, policy: Policy) -> Offered:
    """Close an option that a cap of the policy forbids (rule 37)."""
    closed = one.closed
    if closed is None and above_cost(one, policy):
        closed = Limiter.COST_CAP_EXCEEDED
    if closed is None and policy.co2_cap is not None:
        closed = Limiter.COST_CAP_EXCEEDED if one.co2_kg > policy.co2_cap else None
    if closed is None and policy.risk_cap is not None:
        above = 1.0 - one.times.date_prob > policy.risk_cap
        closed = Limiter.RISK_CAP_EXCEEDED if above else None
    return one if closed is one.closed else one._replace(closed=closed)


def above_cost(one: Offered, policy: Policy) -> bool:
    """Whether an option costs more than permitted, lateness left out."""
    return policy.cost_cap is not None and one.cost.without_lateness > policy.cost_cap
