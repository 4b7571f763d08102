"""Seek a good schedule of a plant: construct, turn the wheel, take out and put back.

Effort counts passes and moves, never seconds, so a search repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.arrays import new_schedule
from medhavi.planners.constrained.search.construction import Passes, construct
from medhavi.planners.constrained.search.wheel import Manner, Wheel
from medhavi.progress import Observe, Progress
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.plant_model import Model
    from medhavi.planners.kernels.kernel_engine import Engine
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import Schedule

CHUNK = 200
"""Moves between two looks at progress and cancellation."""
MOST_OUT = 15
"""Demands that one move takes out at most."""
FIRST_HEAT = 96 * HOUR
"""By how much worse a move may be at first, at weight 1 [s]."""
CROWDED = 5000
"""Demands from which a plant is crowded: it gets few moves for each of them."""
URGENT_DAYS = 10.0
"""By how much earlier a demand of the next priority is put back."""
SCALE = 100
"""Weights count hundredths."""


class Budget(NamedTuple):
    """How long a search goes on: turns of the wheel; moves per demand, within limits.

    A move costs the more the larger the plant, and a small one gains from more of them:
    40 for each of 1,000 demands, 12 for each of 10,000. `passes_base`, `moves_base`:
    share of the base days that a late demand counts in passes and in moves. With less,
    days count more, and no demand waits very long for the sake of others.
    """

    wheel: Manner
    moves: int
    least: int
    most: int
    passes_base: float = 1.0
    moves_base: float = 1.0


NOTHING = Budget(Manner(0), 0, 0, 0)
BUDGETS = {
    "light": NOTHING,
    "standard": Budget(Manner(250), 40, 300, 70_000),
    "full": Budget(Manner(300), 100, 1000, 250_000),
}
CROWDED_WHEEL = Manner(400, focus=0.4, heat=0.006)
CROWDED_BUDGETS = {
    "light": NOTHING,
    "standard": Budget(
        CROWDED_WHEEL, 40, 300, 120_000, passes_base=0.6, moves_base=0.35
    ),
    "full": Budget(CROWDED_WHEEL, 100, 1000, 300_000, passes_base=0.6),
}
"""Those of crowded plants: the urgent few get a share of the passes to themselves."""


class Found(NamedTuple):
    """Orders and pegs of a schedule; instants count from now [s].

    `order_*`: item, quantity [steps], start of the work as early as can be and as late
    as its takers allow. `peg_*`: giver (an order, or -2 - item: its stock), taker (an
    order, or -1 - demand), quantity [steps]. `finish` dates the demands. Shapes
    (n_orders,), (n_pegs,) and (n_demands,), int64.
    """

    order_item: np.ndarray
    order_qty: np.ndarray
    order_start: np.ndarray
    order_late_start: np.ndarray
    peg_from: np.ndarray
    peg_to: np.ndarray
    peg_qty: np.ndarray
    finish: np.ndarray
    cost: int
    effort: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on: `told` gets the progress; `stop` ends the search.

    Now and then `told` gets "late of priority N" with how many are late, of how many.
    """

    told: Observe
    stop: Callable[[], bool]


class _Classes:
    """Demands by priority: tells how many of each are late."""

    def __init__(self, watch: Watch, model: Model) -> None:
        self._watch = watch
        self._due = model.plant.d_due
        ranks = np.asarray(model.priority)
        self._members = {
            priority: np.flatnonzero(ranks == priority)
            for priority in sorted(set(model.priority))
        }

    def tell(self, finish: Sequence[int] | np.ndarray) -> None:
        late = np.asarray(finish) > self._due
        for priority, members in self._members.items():
            count = int(np.count_nonzero(late[members]))
            self._watch.told(
                Progress(f"late of priority {priority}", count, len(members))
            )


def seek(
    model: Model,
    engine: Engine,
    effort: str,
    watch: Watch,
    seed: int,
) -> Found:
    """Seek a schedule.

    Parameters
    ----------
    model
        The plant.
    engine
        The kernels.
    effort
        One of `BUDGETS`, or of `CROWDED_BUDGETS` where the plant is crowded.
    watch
        Progress and cancellation; a search that is stopped gives the best so far.
    seed
        Of the random numbers.
    """
    crowded = len(model.plant.d_item) >= CROWDED
    budget = (CROWDED_BUDGETS if crowded else BUDGETS)[effort]
    plant = _counting(model.plant, budget.passes_base)
    passes = Passes(plant, len(model.machines), model.priority, engine)

    def told(_: int) -> None:
        watch.told(Progress("passes", passes.made, len(plant.d_item)))

    classes = _Classes(watch, model)
    best = construct(passes, effort, told, watch.stop)
    classes.tell(passes.work.d_finish)
    if budget.wheel.turns and best.cost > 0:
        Wheel(passes, best, budget.wheel, seed).turn(told, watch.stop)
        classes.tell(passes.work.d_finish)
    repair = _Repair(passes, model, watch, seed, budget.moves_base)
    repair.justify()
    wanted = budget.moves * len(plant.d_item)
    repair.improve(min(max(wanted, budget.least), budget.most))
    return repair.found()


def _counting(plant: Plant, share: float) -> Plant:
    """Scale the base days of a late demand by this share."""
    return plant._replace(base=(plant.base * share).astype(np.int64))


def chained(first: np.ndarray, following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List all links of chains, chain after chain.

    Parameters
    ----------
    first
        Shape (n_chains,), int64: the first link of each, -1 where there is none.
    following
        Shape (n_links,), int64: the next link of each, -1 after the last.

    Returns
    -------
    place, link
        Shapes (n_found,), int64: of each link its chain, and itself.
    """
    place = np.flatnonzero(first >= 0)
    link = first[place]
    places, links = [place], [link]
    while len(link):
        link = following[link]
        goes_on = link >= 0
        place, link = place[goes_on], link[goes_on]
        places.append(place)
        links.append(link)
    every = np.concatenate(places)
    # Links were found one of each chain at a time: those of a chain are in sequence.
    turn = np.argsort(every, kind="stable")
    return every[turn], np.concatenate(links)[turn]


class _Repair:
    def __init__(
        self, passes: Passes, model: Model, watch: Watch, seed: int, share: float
    ) -> None:
        self._engine = passes.engine
        self._kernels = passes.engine.kernels
        self._plant = passes.plant._replace(base=self._engine.ints(model.plant.base))
        base = self._engine.ints(_counting(model.plant, share).base)
        self._moving = passes.plant._replace(base=base)
        self._model = model
        self._watch = watch
        self._classes = _Classes(watch, model)
        self._passes = passes.made
        fresh = new_schedule(model.plant, passes.work, len(model.machines))
        fresh.noise[0] += seed
        self._plan: Schedule = passes.engine.of(fresh)
        self._kernels.load(self._plant, self._plan, passes.work)
        self._tally = self._engine.ints(np.zeros(3))

    def justify(self) -> None:
        """Move all orders as late as they may be, and as early again."""
        self._kernels.justify_right(self._plant, self._plan)
        self._kernels.justify_left(self._plant, self._plan)

    def improve(self, moves: int) -> None:
        """Try moves, ever less ready to take worse ones; justify now and then."""
        ranks = np.array(self._model.priority, np.float64) - 2.0
        due = self._model.plant.d_due
        urgency = self._engine.floats(due + URGENT_DAYS * DAY * ranks)
        between = max(CHUNK, len(due) // 10 // CHUNK * CHUNK)
        for done in range(0, moves, CHUNK):
            if self._watch.stop():
                break
            left = 1 - done / moves
            late = self._kernels.improve(
                self._moving,
                self._plan,
                min(CHUNK, moves - done),
                MOST_OUT,
                float(FIRST_HEAT * SCALE * left * left + 1.0),
                urgency,
                self._tally,
            )
            if late == 0:
                break
            if done % between == 0:
                self.justify()
                self._classes.tell(self._plan.d_finish)
            self._watch.told(Progress("moves", done, moves))
        self.justify()

    def found(self) -> Found:
        """What was found; the schedule is justified to the right afterwards."""
        plan, plant = self._plan, self._plant
        ids = self._engine.ints(np.zeros(len(plan.o_item)))
        count = int(self._kernels.alive(plant, plan, ids))
        alive = np.asarray(ids[:count], np.int64)
        start = np.asarray(plan.o_start, np.int64)[alive]
        finish = np.array(plan.d_finish, np.int64)
        cost = int(self._kernels.finish_all(plant, plan))
        first = np.concatenate(
            [np.asarray(plan.o_peg)[alive], np.asarray(plan.d_peg, np.int64)]
        )
        place, peg = chained(first, np.asarray(plan.g_also))
        giver = np.asarray(plan.g_from)[peg]
        number = np.zeros(len(plan.o_item), np.int64)
        number[alive] = np.arange(count)
        amounts = np.asarray(plan.g_qty, np.int64)[peg]
        self._kernels.justify_right(plant, plan)
        return Found(
            order_item=np.asarray(plan.o_item, np.int64)[alive],
            order_qty=np.asarray(plan.o_qty, np.int64)[alive],
            order_start=start,
            order_late_start=np.asarray(plan.o_start, np.int64)[alive],
            peg_from=np.where(giver < 0, giver, number[np.maximum(giver, 0)]),
            peg_to=np.where(place < count, place, count - 1 - place),
            peg_qty=amounts,
            finish=finish,
            cost=cost,
            effort={
                "passes": float(self._passes),
                "moves": float(self._tally[0]),
                "better_moves": float(self._tally[1]),
            },
        )
