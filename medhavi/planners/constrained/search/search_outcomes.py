"""How a search ends: with a plan, or with why it is made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.weighing import TOO_OLD
from medhavi.planners.constrained.search.search_effort import may_search_again
from medhavi.results.figures.scorecard import cheapest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from medhavi.planners.constrained.orders.weighing import Judged, Line
    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Need, NodeKey, SupplyUnit
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

FOUND = "search"
"""What made a plan whose orders were placed as they were found."""


class Searched(NamedTuple):
    """A plan of a search, what it is judged by, and what was found for it.

    `schedule` is as of `baseline_schedule.schedule_of`, `cut` as of `Found`,
    `too_early` as of `taken_too_early`.
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


class StoppedError(Exception):
    """The run was stopped before a search began: netting alone takes less time."""

    def __init__(self) -> None:
        super().__init__("stopped before the search")


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


def dead_products(lines: Iterable[Line]) -> frozenset[NodeKey]:
    """Products of what is dead, or too old, when it would be delivered."""
    return frozenset(
        part.unit.node.key
        for line in lines
        if line.refused == TOO_OLD
        for part in line.dropped
    )


def taken_too_early(run: SearchableRun) -> frozenset[NodeKey]:
    """Products of which existing orders took goods that others want sooner.

    Goods that come later would do for those orders, and either they are left though as
    many are ordered anew, or a late demand waits for what comes after the goods that
    the orders took. `run` is placed. None of a run that is not searched again.
    """
    release = run.release
    if not may_search_again(len(run.lines)):
        return frozenset()
    since: dict[NodeKey, int] = {}
    left: dict[NodeKey, dict[int, int]] = {}
    for index, given in zip(release.match_need, release.match_unit, strict=True):
        need, unit = release.needs[index], release.units[given]
        if need.order is None or need.order.existing is None or not unit.is_ours:
            continue
        key, there = need.node.key, max(unit.available, run.as_of)
        for later in _later_ones(run, need, there):
            since[key] = min(since.get(key, there), there)
            left.setdefault(key, {})[later.index] = later.free
    late = {
        unit.node.key
        for unit in run.awaited
        if unit.available > since.get(unit.node.key, unit.available)
    }
    spared = {
        unit.node.key
        for unit in release.units
        if unit.order is not None
        and unit.order.existing is None
        and unit.node.key in left
        and unit.node.rules.is_plain
        and 0 < unit.qty - unit.free <= sum(left[unit.node.key].values())
    }
    return frozenset(late | spared)


def _later_ones(run: SearchableRun, need: Need, since: int) -> Iterator[SupplyUnit]:
    """Goods for a need of an existing order that come after an instant [UTC s].

    Existing orders do not take all of them.
    """
    for unit in need.node.units:
        new = unit.order is not None and unit.order.existing is None
        if new or not since < unit.available <= need.instant or not unit.is_ours:
            continue
        theirs = sum(
            qty
            for taker, qty in unit.takers
            if taker.order is not None and taker.order.existing is not None
        )
        if theirs < unit.qty and run.release.usable(unit, need):
            yield unit
