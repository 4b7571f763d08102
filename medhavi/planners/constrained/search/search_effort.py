"""How much a search does, by which kernels; who looks on, and how it ends.

Effort counts passes and moves, never seconds, so a search repeats exactly. It ends with
a plan, or with why it is made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.orders.lateness_weights import TOO_OLD
from medhavi.planners.kernels.compiled import Engine, uses_numba
from medhavi.planners.kernels.plant_kernels import search_kernels
from medhavi.progress import Observe, Progress
from medhavi.results.figures.scorecard import cheapest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from medhavi.planners.constrained.orders.lateness_weights import Line, PlanScore
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Need, NodeKey, SupplyUnit
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

FOUND = "search"
"""What made a plan whose orders were placed as they were found."""
ENOUGH = 20
"""Demands from which compiled kernels pay off where numba is not loaded yet."""

SMALL, FEW, SOME, CROWDED = 5, 100, 1000, 5000
"""Demands up to which a plant is started most often, and often, from which it is
started once, and from which it is crowded: it gets few moves for each then."""
MUCH = 0.25
"""Share of the weighted lateness of a crowded plant that could be avoided from which it
gets all turns and moves; with less it gets as much less of them."""
LEAST_TURNS, LEAST_MOVES = 0.25, 0.375
"""Parts of its turns and moves that it gets at least."""
MOST_A_LATE = 1000
"""Moves for each demand that is late at first, at most: few need no long search."""
MOST_OUT = 15
"""Demands that one move takes out at most."""
MOST_TOGETHER = 60
"""Demands that are served anew to save money, at most."""
WHOLE_LOOKS, MOST_SAVINGS, WORTH_A_LOOK = 2, 8, 0.03
"""How often all orders are looked through for money to be saved; how often in all after
each time, at most, those of items whose orders changed since; and what share of the
orders of the first time the last one had to save for another."""


class SqueakyWheelSettings(NamedTuple):
    """How a wheel turns.

    `turns`: how many passes it makes. `focus`: how often a pass looks only at demands
    that weigh as much as one that is drawn by its lateness: what weighs most is late
    the least often, and little of a pass falls to it otherwise. `heat`: by what share a
    worse pass may be at first.
    """

    turns: int
    focus: float = 0.0
    heat: float = 0.002


class Budget(NamedTuple):
    """How long a search goes on: turns of the wheel; moves per demand, within limits.

    A move costs the more the larger the plant, and a small one gains from more of them:
    50 for each of 1,000 demands, 12 for each of 10,000. `passes_base`, `moves_base`:
    share of the base days that a late demand counts in passes and in moves. With less,
    days count more, and no demand waits very long for the sake of others. `starts`: how
    often all is done with other random numbers; the best one counts. `cuts`: whether
    moves cut orders for late demands into lots. `stock`: share of the moves that take
    out who has of stock what a late demand might have. `between`: moves for each demand
    after which all is justified.
    """

    wheel: SqueakyWheelSettings
    moves: int
    least: int
    most: int
    passes_base: float = 1.0
    moves_base: float = 1.0
    starts: int = 1
    cuts: bool = False
    stock: float = 0.0
    between: float = 0.1


NOTHING = Budget(SqueakyWheelSettings(0), 0, 0, 0)
USUAL = Budget(SqueakyWheelSettings(250), 50, 300, 70_000, cuts=True, stock=0.3)
STARTS = {"standard": (16, 6, 2, 1), "full": (16, 16, 5, 3)}
"""Of plants of a handful, few, some hundred, and more demands. Which start of few is
good is not known before."""
CROWDED_WHEEL = SqueakyWheelSettings(250, focus=0.4, heat=0.006)
CROWDED_BUDGETS = {
    "light": NOTHING,
    "standard": Budget(
        CROWDED_WHEEL, 40, 300, 120_000, passes_base=0.6, moves_base=0.35, between=0.3
    ),
    "full": Budget(CROWDED_WHEEL._replace(turns=400), 100, 1000, 300_000, 0.6),
}
"""Those of crowded plants: the urgent few get a share of the passes to themselves."""


def is_crowded(demands: int) -> bool:
    """Whether a plant of so many demands is crowded."""
    return demands >= CROWDED


def may_search_again(demands: int) -> bool:
    """Whether a search of so many demands takes so little time that two may be made."""
    return demands < FEW


def budget_of(demands: int, effort: str) -> Budget:
    """Budget of a plant of so many demands."""
    if is_crowded(demands) or effort == "light":
        return CROWDED_BUDGETS[effort]
    size = sum(demands >= least for least in (SMALL, FEW, SOME))
    return USUAL._replace(starts=STARTS[effort][size])


def moves_of(budget: Budget, demands: int) -> float:
    """Moves of a budget for a plant of so many demands."""
    return min(max(budget.moves * demands, budget.least), budget.most)


def eased(budget: Budget, avoidable: float) -> Budget:
    """Budget of a crowded plant of whose lateness so much could be avoided, 0 to 1.

    Where most demands that are late must be, the few others are soon helped.
    """
    part = min(1.0, avoidable / MUCH)
    turns = round(budget.wheel.turns * max(LEAST_TURNS, part))
    moves, most = (
        round(one * max(LEAST_MOVES, part)) for one in (budget.moves, budget.most)
    )
    wheel = budget.wheel._replace(turns=turns)
    return budget._replace(wheel=wheel, moves=moves, most=most)


def engine_of(parameters: ConstrainedParameters, demands: int) -> Engine:
    """Kernels of a search, compiled where numba is and they pay off.

    Parameters
    ----------
    parameters
        `engine` "python" interprets them, "numba" compiles them: the result is the
        same.
    demands
        How many there are.
    """
    quick = uses_numba(parameters.engine, large=demands >= ENOUGH)
    kernels = search_kernels.compiled if quick else search_kernels.interpreted
    return Engine(kernels=kernels(), lists=not quick)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchObserver:
    """Who looks on: `told` gets the progress; `stop` ends the search.

    Now and then `told` gets "late of priority N" with how many are late, of how many.
    """

    told: Observe
    stop: Callable[[], bool]


class PriorityLateness:
    """Demands by priority: tells how many of each are late."""

    def __init__(self, watch: SearchObserver, model: Model) -> None:
        self._watch = watch
        self._due = model.plant.d_due
        ranks = np.asarray(model.priority[: model.demands])
        self._members = {
            priority: np.flatnonzero(ranks == priority)
            for priority in sorted(set(ranks.tolist()))
        }

    def tell(self, finish: Sequence[int] | np.ndarray) -> None:
        """Count those that are served after they are due, by when each is [s]."""
        late = np.asarray(finish) > self._due
        for priority, members in self._members.items():
            count = int(np.count_nonzero(late[members]))
            name = f"late of priority {priority}"
            self._watch.told(Progress(name, count, len(members)))


class Searched(NamedTuple):
    """A plan of a search, what it is judged by, and what was found for it.

    `schedule` is as of `baseline_schedule.schedule_of`, `cut` as of
    `PlantSchedule`,
    `too_early` as of `taken_too_early`.
    """

    plan: Plan
    judged: PlanScore
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


class CancelledRunError(Exception):
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
