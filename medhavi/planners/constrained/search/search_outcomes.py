"""How a search ends: with a plan, or with why it is made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.results.figures.scorecard import cheapest

if TYPE_CHECKING:
    import polars as pl

    from medhavi.planners.constrained.orders.weighing import Judged
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

FOUND = "search"
"""What made a plan whose orders were placed as they were found."""


class Searched(NamedTuple):
    """A plan of a search, what it is judged by, and what was found for it.

    `schedule` is as of `baseline_schedule.schedule_of`, `cut` as of `Found`,
    `too_early` as of `standing_work.taken_too_early`.
    """

    plan: Plan
    judged: Judged
    schedule: pl.DataFrame
    cut: bool
    too_early: frozenset[NodeKey]

    @property
    def may_be_better_whole(self) -> bool:
        """Whether orders were cut on a plant that says something only nearly."""
        return self.cut and self.plan.run.engine != FOUND

    def no_worse(self, other: Searched, snapshot: Snapshot) -> bool:
        """Whether it is judged no worse than another one, and costs no more."""
        if not self.judged.no_worse(other.judged):
            return False
        return cheapest((self.plan, other.plan), snapshot) is self.plan


class ReducedDemandError(Exception):
    """What cannot be delivered is not wanted any more: the run is made anew."""


class SupplyChangedError(Exception):
    """Goods of stock levels die, or are held for nothing: the run is made anew."""


class NettingError(Exception):
    """Products are to be netted by all rules: what was found of them does not do.

    Parameters
    ----------
    why
        What is amiss.
    products
        Those products, by product and location.
    """

    def __init__(self, why: str, products: frozenset[NodeKey]) -> None:
        super().__init__(why)
        self.products = products
