"""Resume a kept schedule on a plant that may have changed.

What still fits stays; demands that changed, or whose orders do not fit any more, are
served anew. Moves then look for less lateness, in proportion to what was served anew.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.search.construction import costs_of, new_schedule
from medhavi.planners.constrained.search.plant_names import names_of
from medhavi.planners.constrained.search.plant_schedule import chained
from medhavi.planners.constrained.search.schedule_search import CHUNK, SCALE, Repair
from medhavi.planners.constrained.search.search_effort import (
    MOST_OUT,
    MOST_TOGETHER,
    budget_of,
)
from medhavi.planners.constrained.search.shared_departures import SharedDepartures
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord
from medhavi.planners.parameters import EFFORTS
from medhavi.progress import Progress
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.constrained.search.search_effort import SearchObserver
    from medhavi.planners.kernels.compiled import Engine
    from medhavi.planners.kernels.plant_kernels.earlier_work import EarlierWork
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.plans.plan import Plan

ANEW = "demands_anew"
"""What the effort of a plan has that resumed a schedule."""
MOST_HIT = 0.5
"""Share of the demands that are served anew, at most: else all are planned anew."""
MOVES_A_HIT = 1000
"""Moves for each demand that is served anew and late."""
STARTS = 4
"""How often that is done with other random numbers where lateness grew."""
MOST_RETRIED = STARTS * MOVES_A_HIT
"""Moves from which on it is not done again where money counts beside lateness, which
alone those moves see: as many as one demand gets."""
MOVES_A_LATE = 50
"""Moves for each other late demand that may be served sooner."""
LEAST_GAIN = 1 * HOUR
"""What a move saves at least on average, at the weight of the tolerance [s]: who is not
hit moves for that alone."""
MOST_UNTIED = 20
"""How often orders that cannot stay as late as they were are let go, at most."""


def resumed(
    run: SearchableRun,
    model: Model,
    engine: Engine,
    kept: BaselineSchedule,
    watch: SearchObserver,
    seed: int,
) -> PlantSchedule | None:
    """Schedule found from one that was kept; None: too much of it is hit.

    Parameters
    ----------
    kept
        The schedule of a plan before.

    Raises
    ------
    UnfitError
        Goods would be dead when they are used.
    """
    if not len(model.plant.order):
        return None
    start = _laid(run, model, engine, kept)
    if start is None:
        return None
    tally = engine.ints(np.zeros(3))
    reached, stays = kept.reached(run, model), kept.late - model.as_of
    # Work is to be made ahead of where it stood: no end is kept.
    if run.decisions.ahead:
        stays = np.full_like(stays, FAR)
    shared = SharedDepartures(run, model) if kept.saves else None
    repair: _WarmRepair | None = None
    retried = MOST_RETRIED if run.decisions.worth else math.inf
    for turn in range(STARTS):
        before = tally[0]
        tried = _WarmRepair(model, engine, start, watch, seed + turn, reached, shared)
        if not tried.serve(stays):
            break
        tried.improve(0, tally)
        tried.consolidate(every=kept.saves)
        if repair is None or tried.cost < repair.cost:
            repair = tried
        # Without a move there was nothing random that could be otherwise.
        drawn = before < tally[0] < retried
        if not (tried.is_later and drawn) or watch.stop():
            break
    if repair is None:
        return None
    repair.advance()
    found = repair.found(0, tally)
    anew = float(repair.hit[: model.demands].sum())
    stay = float(repair.staying)
    effort = {**found.effort, ANEW: anew, "orders_kept": stay}
    return found._replace(effort=effort)


def _laid(
    run: SearchableRun, model: Model, engine: Engine, kept: BaselineSchedule
) -> WarmStart | None:
    """Lay what was kept where the plan states it; None: nothing fits, or little.

    That is as late as it may be: there is room for what is served anew before work that
    can wait, and goods are as fresh as they were.
    """
    work, changed = kept.work(run, model, names_of(run, model))
    start = WarmStart(model, engine, work, changed)
    fits = start.laid() and start.hit.sum() <= MOST_HIT * len(start.hit)
    return start if fits else None


def searched_otherwise(
    parameters: ConstrainedParameters, made: Plan, kept: BaselineSchedule | None
) -> Iterator[ConstrainedParameters]:
    """Settings of searches from nothing that may come to more than a plan.

    All of it was placed anew by all rules: what is better as found may be worse then
    than what less effort found, and what a resumed schedule leaves out that it had
    before may be delivered.
    """
    efforts = EFFORTS[: EFFORTS.index(parameters.effort)]
    now = BaselineSchedule.of(made)
    if kept is None and efforts:
        yield replace(parameters, effort=efforts[-1])
    elif kept is not None and now and now.refused - kept.refused:
        yield parameters


class WarmStart:
    """A schedule with all earlier orders that fit, and are needed.

    Attributes
    ----------
    plan
        The schedule, as the kernels read it.
    hit
        1 for each demand that is served anew. Shape (n_demands,), int64.
    of
        The orders in it, by their earlier places; -1: not there. Shape (n_orders,).
    """

    plan: ScheduleRecord

    def __init__(
        self, model: Model, engine: Engine, work: EarlierWork, changed: np.ndarray
    ) -> None:
        self.model, self.engine, self.work = model, engine, work
        self.hit = changed.copy()
        self.of = np.full(len(work.o_item), -1, np.int64)

    def room(self) -> ScheduleRecord:
        """Make an empty schedule with room for the earlier one."""
        plant, work = self.model.plant, self.work
        # Which of its options an order that was not scheduled takes is seen later.
        first = plant.x_start[np.maximum(work.o_item, 0)]
        option = np.where(work.o_option < 0, first, work.o_option)
        return new_schedule(plant, self.model.tree, option, len(work.p_qty))

    def laid(self) -> bool:
        """Lay what fits, without what is for demands that are hit by what does not.

        False: there were no orders.
        """
        engine, plant = self.engine, self.engine.of(self.model.plant)
        work, hit, of = (
            engine.of(self.work),
            engine.ints(self.hit),
            engine.ints(self.of),
        )
        added = len(self.of)
        # Orders that were laid for a demand that does not fit serve nobody, and may be
        # in the way of others: all is laid again without them. Each time more demands
        # are hit, so it ends.
        while added:
            self.plan = engine.of(self.room())
            added = int(engine.kernels.resume(plant, self.plan, work, hit, of))
        self.hit, self.of = np.asarray(hit, np.int64), np.asarray(of, np.int64)
        return len(self.of) > 0

    @property
    def taken(self) -> np.ndarray:
        """What was taken of each earlier order [steps]. Shape (n_orders,), int64."""
        found = np.zeros(len(self.of), np.int64)
        ours = self.work.p_from >= 0
        np.add.at(found, self.work.p_from[ours], self.work.p_qty[ours])
        return found


class _WarmRepair(Repair):
    """A schedule that was resumed, and is repaired where it was hit."""

    def __init__(
        self,
        model: Model,
        engine: Engine,
        start: WarmStart,
        watch: SearchObserver,
        seed: int,
        reached: np.ndarray,
        shared: SharedDepartures | None,
    ) -> None:
        budget = budget_of(len(model.plant.d_item), "standard")
        self.start = start
        # Who is late and of whose products nothing changed cannot be sooner than
        # before.
        late = np.asarray(start.plan.d_finish, np.int64) > model.plant.d_due
        aimed = (start.hit == 1) | (late & reached)
        super().__init__(engine, model, watch, budget, start.room(), seed, aimed)
        self.take_over(start.plan)
        self._cost = self.cost
        self._alone = np.array(self._aims.least, np.int64)
        self._aimed, self._shared = aimed, shared
        self._before: ScheduleRecord | None = None
        self._ahead = bool(model.ahead)
        self.staying = 0

    @property
    def hit(self) -> np.ndarray:
        """Whether each demand is served anew. Shape (n_demands,), int64."""
        return self.start.hit

    def serve(self, late: np.ndarray) -> bool:
        """Serve what is hit, the most urgent demand first; False: there is no room.

        Parameters
        ----------
        late
            The ends at which earlier orders stay [s since now]. Shape (n_orders,).
        """
        if not self.serve_anew(self.hit):
            return False
        for order, end in zip(self.start.of.tolist(), late.tolist(), strict=True):
            if order >= 0:
                self._plan.o_stays[order] = end
        if self._dies_early():
            self.revive()
        return True

    def _dies_early(self) -> bool:
        """Whether something is dead when it is used, where all is as early as may be.

        What stays as late as it may be takes goods of firm orders, which do not move,
        later than the plan does in the end.
        """
        if not self.dies(self._model.plant):
            return False
        early = ScheduleRecord(*map(copy, self._plan))
        self._kernels.justify_left(self._plant, early)
        before = np.array(early.g_from)
        left = self._kernels.revive(self._plant, early)
        return bool(left) or not np.array_equal(before, np.asarray(early.g_from))

    def improve(self, moves: int, tally: np.ndarray) -> None:
        """Try moves for what was served anew, then for what else is late; save orders.

        What else is late is served sooner for less money than its lateness costs.
        What is free at last goes to those who wait for it, where there is any of that:
        what nothing reached stays where it was.
        """
        hit, gain = self.hit == 1, LEAST_GAIN * SCALE * self._model.tolerance
        worth = self._engine.floats(np.array([self._model.worth]))
        priced = self._moving._replace(worth=worth)
        for aimed, count, plant in (
            (hit, MOVES_A_HIT, self._moving),
            (self._aimed & ~hit, MOVES_A_LATE, priced),
        ):
            own = count * int(np.count_nonzero(self._late & aimed & self._avoidable))
            self._aim(aimed)
            self._try(plant, moves + own, gain, tally)
        self._kernels.trim(self._plant, self._plan, self._shrunk(), MOST_TOGETHER)
        self._kernels.prefer(self._plant, self._plan)
        if not (self._late & self._aimed).any():
            return
        # To move all as early as can be changes dates that nothing reached: only for a
        # gain.
        before, cost = ScheduleRecord(*map(copy, self._plan)), self.cost
        self._kernels.justify_left(self._plant, self._plan)
        if self.cost > cost - gain:
            self._restore(before)

    def advance(self) -> None:
        """Move all orders as early as can be, for the causes of what is late.

        Those that stay are put back to where they were. Where a late delivery would
        come sooner all stay at once, unless money is saved: what nothing reached keeps
        its date. Where work is moved ahead none stays.
        """
        before, late = ScheduleRecord(*map(copy, self._plan)), self._deliveries()
        self._kernels.justify_left(self._plant, self._plan)
        if self._ahead:
            return
        if (self._deliveries() == late).all():
            self._before = before
        elif self._shared is None:
            self._restore(before)

    def _deliveries(self) -> np.ndarray:
        """When what is made or moved for demands is there, if late; else their dates.

        Those that weigh nothing are left out. Shape (n_pegs,), int64 [s since now].
        """
        plan, plant = self._plan, self._model.plant
        first = np.where(plant.d_weight > 0, np.asarray(plan.d_peg, np.int64), -1)
        demand, peg = chained(first, np.asarray(plan.g_also, np.int64))
        giver = np.asarray(plan.g_from, np.int64)[peg]
        made = giver >= 0
        there = np.asarray(plan.o_end, np.int64)[giver[made]]
        there = there + plant.post[np.asarray(plan.o_item, np.int64)[giver[made]]]
        found: np.ndarray = np.maximum(there, plant.d_due[demand[made]])
        return found

    def consolidate(self, *, every: bool) -> None:
        """Join orders where that costs less than to hold goods for longer.

        Of those demands alone that are served anew, if not of `every` one.
        """
        self._save(*(self._all if every else (self.hit, self._touched)), 1)

    @property
    def _touched(self) -> np.ndarray:
        """Items that have orders which were not laid. Shape (n_items,), int64."""
        new = np.setdiff1d(self._alive(), self.start.of)
        touched = np.zeros(len(self._model.plant.order), np.int64)
        touched[np.asarray(self._plan.o_item, np.int64)[new]] = 1
        return touched

    @property
    def _late(self) -> np.ndarray:
        """Whether each demand is late. Shape (n_demands,), bool."""
        self._kernels.finish_all(self._plant, self._plan)
        late: np.ndarray = np.asarray(self._plan.d_finish) > self._model.plant.d_due
        return late

    def _aim(self, aimed: np.ndarray) -> None:
        """Move for some demands alone: the others are content with what they have."""
        finish = np.asarray(self._plan.d_finish, np.int64)
        for demand, least in enumerate(np.where(aimed, self._alone, finish).tolist()):
            self._aims.least[demand] = least

    def _try(self, plant: Plant, moves: int, gain: float, tally: np.ndarray) -> None:
        """Try so many moves, each of which saves as much on average."""
        for done in range(0, moves, CHUNK):
            if self._watch.stop():
                break
            left = self._kernels.improve(
                plant,
                self._plan,
                min(CHUNK, moves - done),
                MOST_OUT,
                # Negative heat: a move has to save, as much as an exponential of this
                # mean says.
                -float(gain),
                self._aims,
                tally,
            )
            self._watch.told(Progress("moves", done, moves, incumbent=float(left)))
            if left == 0:
                break

    @property
    def _avoidable(self) -> np.ndarray:
        """Whether each demand would be served sooner if it were alone.

        Shape (n_demands,), bool.
        """
        found: np.ndarray = np.asarray(self._plan.d_finish, np.int64) > self._alone
        return found

    @property
    def is_later(self) -> bool:
        """Whether lateness weighs more than before, but for what cannot be avoided.

        That is the lateness that what was served anew would have if it were alone.
        """
        plant = self._model.plant
        least = np.where(self.hit == 1, costs_of(plant, self._alone), 0).sum()
        return self.cost > self._cost + int(least)

    def _shrunk(self) -> np.ndarray:
        """Orders of which less is taken than before."""
        of, taken = self.start.of, self.start.taken
        used = np.asarray(self._plan.o_used, np.int64)
        ids = np.flatnonzero((of >= 0) & (used[of] < taken))
        shrunk: np.ndarray = self._engine.ints(of[ids])
        return shrunk

    def _postpone(self) -> None:
        """Move orders as late as may be, those that stay to where they were.

        What stays may leave no room for what was served anew: then it is let go.
        Transfers leave with others where that costs less, and what brings their goods
        is there for it.
        """
        early = ScheduleRecord(*map(copy, self._plan))
        before = self._before or early
        # What was asked of the schedule since holds for that one as well.
        before.state[:] = early.state
        stays = self._postponed(before, self._tied())
        self.staying = int(np.count_nonzero(stays < FAR))
        if self._shared is None:
            return
        for depth in self._shared.depths:
            ends = self._shared.ends(early, self._plan, self._alive(), depth)
            if ends:
                stays = self._postponed(early, self._leaving(stays, ends))

    def _postponed(self, early: ScheduleRecord, stays: np.ndarray) -> np.ndarray:
        """Postpone a schedule as of `_postpone`; the ends at which orders stayed."""
        for turn in range(MOST_UNTIED + 1):
            self._restore(early)
            for order, end in enumerate(stays.tolist()):
                self._plan.o_stays[order] = end
            super()._postpone()
            untied = self._misplaced(early, stays)
            if not untied.any():
                break
            # At last all are let go: then the schedule is postponed as any other.
            stays[untied | (turn + 1 == MOST_UNTIED)] = FAR
        return stays

    def _leaving(self, stays: np.ndarray, ends: Mapping[int, int]) -> np.ndarray:
        """Ends at which orders stay; what transfers take that leave sooner moves."""
        moves = [False] * len(stays)
        for order in ends:
            self._let_go(moves, self._plan.o_peg[order])
        self._let_go_below(moves)
        found = np.where(moves, FAR, stays)
        found[list(ends)] = list(ends.values())
        return found

    def _restore(self, early: ScheduleRecord) -> None:
        for one, before in zip(self._plan, early, strict=True):
            one[:] = before

    def _tied(self) -> np.ndarray:
        """Ends at which orders stay; `FAR` where one, or what takes of it, does not."""
        plan, alive = self._plan, self._alive()
        stays = np.full(len(plan.o_item), FAR, np.int64)
        stays[alive] = np.asarray(plan.o_stays, np.int64)[alive]
        moves = (stays == FAR).tolist()
        for demand in np.flatnonzero(self.hit).tolist():
            self._let_go(moves, plan.d_peg[demand])
        self._let_go_below(moves)
        stays[np.array(moves)] = FAR
        return stays

    def _let_go_below(self, moves: list[bool]) -> None:
        """Mark what marked orders take, and what those take."""
        for order in self._alive().tolist():
            if moves[order]:
                self._let_go(moves, self._plan.o_peg[order])

    def _let_go(self, moves: list[bool], peg: int) -> None:
        """Mark what a list of pegs takes."""
        while peg >= 0:
            giver = self._plan.g_from[peg]
            if giver >= 0:
                moves[giver] = True
            peg = self._plan.g_also[peg]

    def _misplaced(self, early: ScheduleRecord, stays: np.ndarray) -> np.ndarray:
        """Orders that stay and keep others from being where they could be.

        Shape (n_orders,), bool.
        """
        plan, plant = self._plan, self._model.plant
        alive, post = self._alive(), self._model.plant.post
        start, end, item, option = (
            np.asarray(one, np.int64)
            for one in (plan.o_start, plan.o_end, plan.o_item, plan.o_option)
        )
        first, others, demanded = (
            np.asarray(one, np.int64) for one in (plan.o_peg, plan.g_also, plan.d_peg)
        )
        taker, peg = chained(np.append(first[alive], demanded), others)
        giver = np.asarray(plan.g_from, np.int64)[peg]
        taker, giver = taker[giver >= 0], giver[giver >= 0]
        # Nobody waits for what a demand gets longer than until it is there, or wanted.
        first_end = np.asarray(early.o_end, np.int64)[giver] + post[item[giver]]
        due = np.append(np.zeros(len(alive), np.int64), plant.d_due)[taker]
        begin = np.append(start[alive], np.zeros(len(plant.d_due), np.int64))[taker]
        limit = np.where(taker < len(alive), begin, np.maximum(due, first_end))
        untied = np.zeros(len(stays), bool)
        untied[giver[end[giver] + post[item[giver]] > limit]] = True
        # Postponed no order may begin sooner than before: something that stays took its
        # room.
        sooner = alive[start[alive] < np.asarray(early.o_start, np.int64)[alive]]
        untied |= np.isin(plant.machine[option], plant.machine[option[sooner]])
        untied |= self._crowded(alive)
        wrong, tied = bool(untied.any()), stays < FAR
        # Where none of those in the way is known, all are let go.
        return untied & tied if (untied & tied).any() else tied & wrong

    def _crowded(self, alive: np.ndarray) -> np.ndarray:
        """Orders on departures that carry more than they can. Shape (n_orders,), bool.

        One that stays came before one that had its room and found no other.
        """
        plan, plant = self._plan, self._model.plant
        crowded = np.zeros(len(plan.o_item), bool)
        over = np.flatnonzero(np.asarray(plan.taken, np.int64) > plant.l_most)
        for order in alive.tolist() if len(over) else ():
            option = plan.o_option[order]
            limits = plant.l_room[plant.l_start[option] : plant.l_start[option + 1]]
            if len(limits) and plant.bucket[option] < 0:
                low, high = plant.k_start[plant.calendar[option] :][:2]
                at = np.searchsorted(plant.k_open[low:high], plan.o_start[order])
                crowded[order] = np.isin(limits + at, over).any()
        return crowded
