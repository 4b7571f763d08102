"""Seek a good schedule of a plant: construct, turn the wheel, take out and put back.

Effort counts passes and moves, never seconds, so a search repeats exactly.

Source: Joslin and Clements, Journal of Artificial Intelligence Research 10 (1999). A
pass rebuilds the whole schedule; a worse one is kept sometimes, ever less so.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.constrained.placement.order_placement import URGENT_DAYS
from medhavi.planners.constrained.search.changeovers import cut_campaigns
from medhavi.planners.constrained.search.construction import (
    Passes,
    Setting,
    construct,
    costs_of,
    counting,
    limit_ends,
    new_schedule,
)
from medhavi.planners.constrained.search.plant.machines import refuse
from medhavi.planners.constrained.search.plant_schedule import (
    PlantSchedule,
    chained,
    lanes_beside,
)
from medhavi.planners.constrained.search.search_effort import (
    MOST_A_LATE,
    MOST_OUT,
    MOST_SAVINGS,
    MOST_TOGETHER,
    WHOLE_LOOKS,
    WORTH_A_LOOK,
    PriorityLateness,
    budget_of,
    eased,
    is_crowded,
    moves_of,
)
from medhavi.planners.kernels.plant_kernels.lot_streaming import MOST_CUT, MoveSettings
from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    APART,
    FREE_ORDERS,
    ScheduleRecord,
)
from medhavi.progress import Progress
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.constrained.search.construction import Constructed
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.search_effort import (
        Budget,
        SearchObserver,
        SqueakyWheelSettings,
    )
    from medhavi.planners.kernels.compiled import Engine
    from medhavi.planners.kernels.plant_kernels.plant_record import Pass, Plant

SHARES = (0.02, 0.1, 0.3, 1.0)
"""Shares of the late demands that one pass looks at."""
STEPS = (0.1, 0.3, 1.0)
"""Shares of the lateness by which an order becomes more urgent."""
MOST_DAYS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """What made a pass: when demands are wanted, memory of orders, setting."""

    wanted: np.ndarray
    memory: np.ndarray
    setting: Setting
    cost: int


class SqueakyWheel:
    """Turns on one construction.

    Parameters
    ----------
    passes
        Passes over the plant; `work` is that of the construction.
    manner
        How it turns.
    """

    def __init__(
        self,
        passes: Passes,
        start: Constructed,
        manner: SqueakyWheelSettings,
        seed: int,
    ) -> None:
        self._passes = passes
        self._manner = manner
        self._noise = np.random.default_rng(seed)
        self._walk = passes.engine.ints(np.array([seed + 20_011]))
        self._home = start.wanted.astype(np.float64)
        self.now = self.best = _Point(
            wanted=self._home,
            memory=passes.nothing,
            setting=start.setting,
            cost=start.cost,
        )

    def turn(self, told: Callable[[int], Any], stop: Callable[[], bool]) -> None:
        """Make passes; afterwards `passes.work` is the best one."""
        passes, turns = self._passes, self._manner.turns
        for turn in range(turns):
            if stop():
                break
            tried = self._next()
            heat = self._manner.heat * self.now.cost * (1 - turn / turns)
            # Threshold accepting, drawn before the pass: a pass that reaches it ends
            # there, which saves most of the time of those that would not be kept.
            most = math.ceil(self.now.cost + heat * self._noise.random() ** 2)
            cost = passes.run(tried.wanted, tried.memory, tried.setting, limit=most)
            if cost < most:
                self.now = replace(tried, cost=cost)
                passes.swap()
                if cost < self.best.cost:
                    self.best = self.now
                    told(cost)
        # Of the best only its wishes were kept; passes repeat exactly, so it is made
        # again.
        passes.run(self.best.wanted, self.best.memory, self.best.setting)
        passes.swap()

    def _next(self) -> _Point:
        chance = self._noise.random()
        if chance < 0.4:
            return replace(self.now, wanted=self._moved())
        if chance < 0.92:
            return replace(self.now, memory=self._blamed())
        return replace(self.now, setting=self._jiggled())

    def _one_of(self, values: Sequence[float]) -> float:
        return values[int(self._noise.integers(len(values)))]

    def _moved(self) -> np.ndarray:
        """Want late demands earlier; some hopeless ones later."""
        noise, plant = self._noise, self._passes.plain
        late = np.asarray(self._passes.work.d_finish) - plant.d_due
        found, count = self.now.wanted.copy(), len(late)
        step = noise.random()
        chosen = (late > 0) & (noise.random(count) < self._one_of(SHARES))
        chosen &= plant.d_weight >= self._least_weight()
        hopeless = chosen & (late > 30 * DAY * noise.random())
        helped = chosen & ~hopeless
        earlier = step * np.minimum(late, MOST_DAYS * DAY)
        found[helped] -= earlier[helped]
        # What is very late anyway leaves its machines to others, or is helped like
        # them.
        if noise.random() < 0.3:
            found[hopeless] += noise.random() * 20 * DAY
        else:
            found[hopeless] -= earlier[hopeless]
        # Who is in time by now goes back towards its own date: else all get urgent at
        # last.
        if noise.random() < 0.3:
            calm = (late <= 0) & (noise.random(count) < 0.1)
            back = noise.random()
            found[calm] = self._home[calm] + back * (found[calm] - self._home[calm])
        return found

    def _blamed(self) -> np.ndarray:
        """Advance orders that waited on the path to late demands."""
        passes = self._passes
        memory = passes.engine.ints(self.now.memory.copy())
        share, step = self._one_of(SHARES), self._one_of(STEPS)
        weight = self._least_weight()
        passes.engine.kernels.blame(
            passes.plant, passes.work, memory, share, step, weight, self._walk
        )
        found = np.asarray(memory)
        if self._noise.random() < 0.2:
            faded = self._noise.random(len(found)) < 0.2
            found = np.where(faded, found * self._noise.random(len(found)), found)
        return found

    def _least_weight(self) -> int:
        """Draw what a demand must weigh that a pass looks at; 1: any but levels."""
        focus = self._manner.focus
        if focus == 0 or self._noise.random() >= focus:
            return 1
        plant = self._passes.plain
        # In proportion to weighted lateness.
        upto = np.cumsum(costs_of(plant, np.asarray(self._passes.work.d_finish)))
        drawn = np.searchsorted(upto, self._noise.random() * upto[-1], side="right")
        return max(int(plant.d_weight[min(int(drawn), len(upto) - 1)]), 1)

    def _jiggled(self) -> Setting:
        setting = self.now.setting
        ways = ["allowance", "short", "hold"]
        ways += ["reluctance"] * self._passes.chooses + ["alike"] * self._passes.changes
        which = ways[self._noise.integers(len(ways))]
        if which == "allowance":
            factor = 1 + 0.2 * self._noise.standard_normal()
            return replace(setting, allowance=max(0.0, setting.allowance * factor))
        if which == "short":
            more = 0.3 * self._noise.standard_normal()
            return replace(setting, short=setting.short + more)
        factor = float(self._noise.uniform(0.5, 2.0))
        if which == "reluctance":
            # The grid has 0 and values without effect, which no factor would change.
            least = max(min(setting.reluctance, 20.0), 0.1)
            return replace(setting, reluctance=least * factor)
        if which == "alike":
            return replace(setting, alike=max(setting.alike, 1.0) * factor)
        return replace(setting, hold=min(setting.hold, 20.0) * factor)


CHUNK = 200
"""Moves between two looks at progress and cancellation."""
FIRST_HEAT = 96 * HOUR
"""By how much worse a move may be at first, at the weight of the tolerance [s]."""
APART_SEEDS = 100_000
"""By how much the seeds of two starts differ."""
SCALE = 100
"""Weights count hundredths."""


def seek(
    model: Model,
    engine: Engine,
    effort: str,
    watch: SearchObserver,
    seed: int,
    *,
    saves: bool = True,
    share: float = 1.0,
) -> PlantSchedule:
    """Seek a schedule.

    Parameters
    ----------
    effort
        "light", "standard" or "full"; see `budget_of`.
    watch
        Progress and cancellation; a search that is stopped gives the best so far.
    saves
        Whether the best start is made cheaper where nothing gets later.
    share
        After how much of its effort the search ends, from 0 to 1: half of it are the
        turns, the rest moves.

    Raises
    ------
    UnfitError
        Goods would be dead when they are used.
    """
    budget = budget_of(len(model.plant.d_item), effort)
    plant = counting(model.plant, budget.passes_base)
    passes = Passes(plant, len(model.machines), model.priority, engine)

    def told(_: int) -> None:
        watch.told(Progress("passes", passes.made, len(plant.d_item)))

    classes = PriorityLateness(watch, model)
    first = construct(passes, effort, told, watch.stop)
    classes.tell(passes.work.d_finish)
    alone = _alone(passes, model, budget) if budget.wheel.turns and first.cost else 0
    if budget.wheel.turns and is_crowded(len(plant.d_item)):
        budget = eased(budget, max(0, first.cost - alone) / max(first.cost, 1))
    # Turns of the wheel know no money: moves start from what is cheap.
    turned = 0.0 if plant.worth[0] else min(1.0, 2 * share)
    moved = max(0.0, 2 * share - 1)
    wheel = budget.wheel._replace(turns=round(budget.wheel.turns * turned))
    moves = round(moves_of(budget, len(plant.d_item)) * moved)
    best: Repair | None = None
    tally = engine.ints(np.zeros(3))
    for start in range(max(1, round(budget.starts * moved))):
        if best is not None and (watch.stop() or best.is_least):
            break
        own = seed + start * APART_SEEDS
        # Nothing is late that would not be so alone: no turn can save anything.
        if wheel.turns and first.cost != alone:
            # The start before left its best pass in these arrays.
            if start > 0:
                passes.run(first.wanted, passes.nothing, first.setting)
                passes.swap()
            SqueakyWheel(passes, first, wheel, own).turn(told, watch.stop)
            classes.tell(passes.work.d_finish)
        repair = Repair(engine, model, watch, budget, _room(model, passes, budget), own)
        repair.load(passes.work)
        repair.justify()
        repair.improve(moves, tally)
        if best is None or repair.value < best.value:
            best = repair
    if best is None:
        message = "A search has to start at least once."
        raise ValueError(message)
    best.settle(saves=saves)
    return best.found(passes.made, tally)


def _alone(passes: Passes, model: Model, budget: Budget) -> int:
    """Weighted lateness that demands have where each is alone [weight x s]."""
    engine, plant = passes.engine, passes.plain
    least = engine.ints(np.zeros(len(plant.d_item)))
    room = engine.of(_room(model, passes, budget))
    engine.kernels.date_alone(passes.plant, room, least, engine.ints(np.zeros(0)))
    return int(costs_of(plant, np.asarray(least)).sum())


def _room(model: Model, passes: Passes, budget: Budget) -> ScheduleRecord:
    """Make an empty schedule with room for the pass that counts."""
    work, lots = passes.work, (MOST_CUT + 1) * budget.cuts
    option = np.asarray(work.o_option[: int(work.totals[0])], np.int64)
    return new_schedule(passes.plain, model.tree, option, int(work.totals[1]), lots)


class Repair:
    """A schedule that is repaired by moves.

    Parameters
    ----------
    engine, model, watch, budget
        As of `seek`; how much is done.
    fresh
        An empty schedule, arrays of numpy.
    aimed
        Of which demands it is asked when they were served if they were alone; shape
        (n_demands,), bool. None: of all.
    """

    def __init__(
        self,
        engine: Engine,
        model: Model,
        watch: SearchObserver,
        budget: Budget,
        fresh: ScheduleRecord,
        seed: int,
        aimed: np.ndarray | None = None,
    ) -> None:
        self._engine = engine
        self._kernels = engine.kernels
        self._plant: Plant = engine.of(model.plant)
        base = engine.ints(counting(model.plant, budget.moves_base).base)
        self._moving = self._plant._replace(base=base)
        self._model = model
        self._watch = watch
        self._classes, self._budget = PriorityLateness(watch, model), budget
        fresh.noise[0] += seed
        self._plan: ScheduleRecord = engine.of(fresh)
        due = model.plant.d_due
        ranks = np.array(model.priority, np.float64) - 2.0
        aims = MoveSettings(
            urgency=due + URGENT_DAYS * DAY * ranks,
            least=np.zeros(len(due), np.int64),
            cut=np.zeros(3 * len(due) * (budget.cuts and model.cuts), np.int64),
            in_parts=model.in_parts,
            stock=np.array([budget.stock]),
        )
        self._aims: MoveSettings = engine.of(aims)
        alone = self._plant
        if aimed is not None:
            weights = np.where(aimed, model.plant.d_weight, 0)
            alone = alone._replace(d_weight=engine.ints(weights))
        self._kernels.date_alone(alone, self._plan, self._aims.least, self._aims.cut)
        self._best: tuple[int, ScheduleRecord] | None = None

    def load(self, work: Pass) -> None:
        """Take over orders, dates and pegs of a pass.

        Raises
        ------
        UnfitError
            Goods would be dead when they are used.
        """
        model = self._model
        self._kernels.load(self._plant, self._plan, work)
        if (model.plant.bucket >= 0).any():  # A pass knows no buckets.
            self._kernels.justify_left(self._plant, self._plan)
        self.revive()

    def take_over(self, plan: ScheduleRecord) -> None:
        """Take over a copy of a schedule; its random numbers stay those of the seed."""
        noise = self._plan.noise[0]
        self._plan = ScheduleRecord(*map(copy, plan))
        self._plan.noise[0] = noise

    def serve_anew(self, hit: np.ndarray) -> bool:
        """Serve demands where `hit` is 1, the most urgent first; False: no room."""
        who = np.flatnonzero(hit)
        urgency = np.asarray(self._aims.urgency)[who]
        turn = self._engine.ints(who[np.argsort(urgency, kind="stable")])
        return bool(self._kernels.serve_all(self._plant, self._plan, turn))

    def revive(self) -> None:
        """Serve what takes something dead anew."""
        dies = self.dies(self._model.plant)
        if dies and self._kernels.revive(self._plant, self._plan):
            refuse("goods die before they are used")

    @staticmethod
    def dies(plant: Plant) -> bool:
        """Whether anything has an end of life."""
        return bool((plant.life < FAR).any() or (plant.s_until < FAR).any())

    def justify(self) -> None:
        """Move all orders as late as they may be, and as early again."""
        self._kernels.justify_right(self._plant, self._plan)
        self._kernels.justify_left(self._plant, self._plan)

    def improve(self, moves: int, tally: np.ndarray) -> None:
        """Try moves, and return to the best schedule of all.

        To justify takes longer the more orders there are, a move hardly does.
        """
        # Moves may take worse schedules: what was there at first counts as well.
        self._keep()
        self._move(moves, tally)
        if self._best is not None:
            self._plan = self._best[1]

    def settle(self, *, saves: bool, prefers: bool = True) -> None:
        """Cut no more than pays, save money and take what is preferred where asked."""
        self._kernels.settle_cuts(self._plant, self._plan, self._aims, MOST_OUT)
        if saves:
            self._save(*self._all, WHOLE_LOOKS)
        if prefers:
            self._kernels.prefer_sources(self._plant, self._plan, MOST_OUT)
        for justify in (self._kernels.justify_right, self._kernels.justify_left):
            justify(self._plant, self._plan)
            self._kernels.prefer(self._plant, self._plan)
        if cut_campaigns(self._model, self._plan):
            self._kernels.justify_left(self._plant, self._plan)

    @property
    def _all(self) -> tuple[np.ndarray, np.ndarray]:
        """1 for each demand and for each item, as of `_save`."""
        of = len(self._plan.d_finish), len(self._model.plant.order)
        return np.ones(of[0], np.int64), np.ones(of[1], np.int64)

    def _save(self, may: np.ndarray, touched: np.ndarray, looks: int) -> None:
        """Serve demands that may be by fewer orders of items that are touched.

        Until next to nothing is saved, `looks` times; both are as of `_all`.
        """
        own = self._engine.ints(may)
        for _ in range(looks if any(may) else 0):
            most, left = 0, self._engine.ints(touched.copy())
            for _ in range(MOST_SAVINGS):
                saved = self._consolidate(own, left)
                most = max(most, saved)
                if saved <= WORTH_A_LOOK * most or self._watch.stop():
                    break
            if most == 0 or self._watch.stop():
                break

    def _consolidate(self, may: Any, touched: Any) -> int:
        """Look through orders once; touched are items whose orders changed, then."""
        plan, most = self._plan, MOST_TOGETHER
        return int(self._kernels.consolidate(self._plant, plan, most, may, touched))

    def _keep(self) -> None:
        """Keep the schedule, if it is the best so far."""
        cost = int(self._kernels.finish_all(self._moving, self._plan)) + self._paid()
        if self._best is None or cost < self._best[0]:
            self._best = cost, ScheduleRecord(*map(copy, self._plan))

    def _move(self, moves: int, tally: np.ndarray) -> None:
        """Try moves, ever less ready to take worse ones; justify now and then."""
        due = self._model.plant.d_due
        late = np.count_nonzero(np.asarray(self._plan.d_finish) > due)
        moves = min(moves, MOST_A_LATE * int(late))
        orders = len(self._plan.o_item) - int(self._plan.state[FREE_ORDERS])
        often = max(int(len(due) * self._budget.between), orders // 50)
        between = max(CHUNK, often // CHUNK * CHUNK)
        for done in range(0, moves, CHUNK):
            if self._watch.stop():
                break
            left = 1 - done / moves
            late = self._kernels.improve(
                self._moving,
                self._plan,
                min(CHUNK, moves - done),
                MOST_OUT,
                float(FIRST_HEAT * SCALE * self._model.tolerance * left * left + 1.0),
                self._aims,
                tally,
            )
            if late == 0:
                break
            if done % between == 0:
                self.justify()
                self._keep()
                self._classes.tell(self._plan.d_finish)
            self._watch.told(Progress("moves", done, moves, incumbent=float(late)))
        if moves > 0:
            self.justify()
            self._keep()

    def _alive(self) -> np.ndarray:
        """Orders of the schedule, those of consumers first."""
        ids = self._engine.ints(np.zeros(len(self._plan.o_item)))
        count = int(self._kernels.alive(self._plant, self._plan, ids))
        return np.asarray(ids[:count], np.int64)

    def _postpone(self) -> None:
        """Move all orders as late as what takes from them allows."""
        limit_ends(self._model.ahead, self._plan)
        self._kernels.justify_right(self._plant, self._plan)

    @property
    def cost(self) -> int:
        """Weighted lateness of the schedule [weight x s]."""
        return int(self._kernels.finish_all(self._plant, self._plan))

    @property
    def is_least(self) -> bool:
        """Whether nothing is late that need not be, and no money is to be saved."""
        plant, cost = self._model.plant, self.cost
        alone = int(costs_of(plant, np.asarray(self._aims.least)).sum())
        return cost == 0 or (cost == alone and not plant.worth[0])

    @property
    def value(self) -> int:
        """Weighted lateness, and what orders cost where they are chosen by that."""
        return self.cost + self._paid()

    def _paid(self) -> int:
        """What all orders cost, where they are chosen by that [weight x s]."""
        plan, plant = self._plan, self._model.plant
        ids = self._engine.ints(np.zeros(len(plan.o_item)))
        return int(plant.worth[0] * self._kernels.paid(self._plant, plan, ids))

    def found(self, passes: int, tally: np.ndarray) -> PlantSchedule:
        """What was found; the schedule is justified to the right afterwards."""
        plan, alive = self._plan, self._alive()
        count = len(alive)
        # All of it is read before `_postpone`, which changes the schedule in place.
        start = np.asarray(plan.o_start, np.int64)[alive]
        end = np.asarray(plan.o_end, np.int64)[alive]
        option = np.array(plan.o_option, np.int64)[alive]
        lane = np.array(plan.o_lane, np.int64)[alive]
        beside = lanes_beside(self._model.plant, plan, alive)
        finish = np.array(plan.d_finish, np.int64)
        cost = self.cost
        first = np.concatenate(
            [np.asarray(plan.o_peg)[alive], np.asarray(plan.d_peg, np.int64)]
        )
        place, peg = chained(first, np.asarray(plan.g_also))
        giver = np.asarray(plan.g_from)[peg]
        number = np.zeros(len(plan.o_item), np.int64)
        number[alive] = np.arange(count)
        amounts = np.asarray(plan.g_qty, np.int64)[peg]
        # What is there for a late demand before all of it is goes to it then.
        plan.state[APART] = 1
        self._postpone()
        return PlantSchedule(
            order_item=np.asarray(plan.o_item, np.int64)[alive],
            order_qty=np.asarray(plan.o_qty, np.int64)[alive],
            order_start=start,
            order_end=end,
            order_option=option,
            order_lane=lane,
            order_beside=beside,
            order_late_start=np.asarray(plan.o_start, np.int64)[alive],
            order_late_end=np.asarray(plan.o_end, np.int64)[alive],
            order_late_option=np.asarray(plan.o_option, np.int64)[alive],
            order_late_lane=np.asarray(plan.o_lane, np.int64)[alive],
            order_late_beside=lanes_beside(self._model.plant, plan, alive),
            peg_from=np.where(giver < 0, giver, number[np.maximum(giver, 0)]),
            peg_to=np.where(place < count, place, count - 1 - place),
            peg_qty=amounts,
            finish=finish,
            cost=cost,
            cut=bool((np.asarray(plan.d_cut)[::3] > 0).any()),
            effort={
                "passes": float(passes),
                "moves": float(tally[0]),
                "better_moves": float(tally[1]),
            },
        )
