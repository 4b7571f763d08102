"""A constrained run whose orders a search found, instead of netting and rehearsal.

First all is as early as can be, for there the causes of what is late are read; then
work is as late as found, and purchases as late as that allows.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained import rounds
from medhavi.planners.constrained.bounds import Planned, late_at_least
from medhavi.planners.constrained.deliveries import lines_of
from medhavi.planners.constrained.improvement.round_memory import memory_of
from medhavi.planners.constrained.netting.given_sources import UNDECIDED
from medhavi.planners.constrained.orders.causes import Wait, Walk
from medhavi.planners.constrained.orders.jobs import jobs_of
from medhavi.planners.constrained.orders.weighing import weigh_lines
from medhavi.planners.constrained.placement.goods_in_time import (
    leave_out_dead,
    takes_dead,
)
from medhavi.planners.constrained.placement.placing import Placing
from medhavi.planners.constrained.placement.sequence import Scene
from medhavi.planners.constrained.placement.shop import Shop
from medhavi.planners.constrained.search.changeovers import keep_campaigns
from medhavi.planners.constrained.search.found_orders import SearchableRun, taken_at
from medhavi.planners.constrained.search.found_pegs import (
    FoundJobs,
    MismatchError,
    differ,
)
from medhavi.planners.constrained.search.laying_out import Layout, stretches
from medhavi.planners.constrained.search.plant_machines import UnfitError
from medhavi.planners.constrained.search.plant_model import model_of
from medhavi.planners.constrained.search.seeking import (
    SCALE,
    Watch,
    engine_of,
    seek,
    way_of,
    why_not,
)
from medhavi.planners.constrained.search.standing_work import (
    LateGoodsError,
    date_existing,
    require_goods,
)
from medhavi.planners.kernels.compiled import announce_compiling
from medhavi.planners.kernels.plant_kernels.plant_record import begin_from
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.progress import Progress, Stop, unobserved
from medhavi.providers.finite_capacity.waits import closed_spans
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Status
from medhavi.units import ALWAYS, DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.bounds import LateAtLeast
    from medhavi.planners.constrained.netting.dating import FeasibleOrderCreation
    from medhavi.planners.constrained.netting.given_sources import Decisions
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.weighing import Line
    from medhavi.planners.constrained.search.found_pegs import Found
    from medhavi.planners.constrained.search.plant_model import Model
    from medhavi.planners.mrp.netting_state.state import SupplyOrder, SupplyUnit
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.planners.pegging import PegArrays
    from medhavi.progress import Cancelled, Observe
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot


class FoundPlacing(Placing):
    """Places orders where a search found room; purchases as their suppliers deliver.

    Parameters
    ----------
    release, shop, scene
        As of `Placing`; there are no orders yet.
    layout
        What was found; it is laid before anything is placed.
    """

    def __init__(
        self,
        release: FeasibleOrderCreation,
        shop: Shop,
        scene: Scene,
        layout: Layout,
    ) -> None:
        super().__init__(release, shop, scene)
        self._layout = layout
        self._bought: list[_Purchase] = []
        self._place = self._floors = np.empty(0, np.int64)
        self._owner = self._there = np.empty(0, np.int64)

    # --- forward -------------------------------------------------------------------
    def forward(self) -> None:
        """Date purchases as early as possible; check the goods of all work.

        Raises
        ------
        MismatchError
            An order would begin before its goods are there.
        LateGoodsError
            An existing one would, and may move.
        """
        layout, release = self._layout, self._release
        plant, orders = layout.model.plant, layout.orders
        self.keep_dates()
        for order in release.orders:
            if order.existing is not None and order.kind == "buy" and order.units:
                self._shop.occupy(order, order.timing)
        item = layout.item
        index = np.array([order.index for order in orders], np.int64)
        self._place = np.full(len(release.orders), -1, np.int64)
        self._place[index] = np.arange(len(index))
        netted = np.flatnonzero(self._place < 0).tolist()
        self._bought = [
            self._buy_early(order, order.source)
            for order in map(release.orders.__getitem__, netted)
            if order.existing is None and order.kind == "buy" and order.source
        ]
        # A floor of the plant is that of the work; orders begin with their queue.
        self._floors = layout.model.as_of + plant.floor[layout.model.first(item)]
        self._there = self._goods(index)
        uses = np.array([need.instant for need in release.needs], np.int64)
        ours = self._owner >= 0
        if (self._there[ours] > uses[ours]).any():
            differ("work begins before its goods are there")
        moving = (job.order for job in self._existing)
        require_goods(moving, release.needs, self._there)
        if (self._floors > layout.early.begin).any():
            differ("work begins before it may")

    def _buy_early(self, order: SupplyOrder, source: Source) -> _Purchase:
        """Date a purchase as early as it can be."""
        soft = max(0, order.need - order.timing.finish)
        timing = self._shop.earliest(order, self._release.floor(source))
        if timing is None:
            differ(f"{order.source_id} does not deliver")
        _put(order, timing)
        self._shop.occupy(order, timing)
        return _Purchase(order, soft)

    def _floor(self, order: SupplyOrder) -> int:
        source = order.source
        return ALWAYS if source is None else self._release.floor(source)

    def _goods(self, index: np.ndarray) -> np.ndarray:
        """When all that serves a need is there, by its index [UTC seconds].

        `index` is that of the orders that were found. Shape (n_orders,), int64.
        """
        release, first = self._release, self._layout.needs.first
        each = np.diff(np.append(first, self._layout.needs.count))
        self._owner = np.full(len(release.needs), -1, np.int64)
        last = self._layout.needs.count
        self._owner[last - each.sum() : last] = np.repeat(index, each)
        taken = np.array(release.match_need, np.int64)
        arrives = np.array([unit.arrives for unit in release.units], np.int64)
        found = np.full(len(release.needs), ALWAYS, np.int64)
        np.maximum.at(found, taken, arrives[np.array(release.match_unit, np.int64)])
        return found

    # --- reasons -------------------------------------------------------------------
    @property
    def by_order(self) -> Mapping[int, Job]:
        """Orders with what they take, by index; each is made when it is asked for."""
        takers = self._owner[np.array(self._release.match_need, np.int64)]
        return FoundJobs(self._release, takers, self._floor)

    def waits(self, job: Job) -> tuple[Wait, ...]:
        """What an order waited for beyond its goods; before anything moves back."""
        layout, place = self._layout, int(self._place[job.order.index])
        if place < 0:
            order, source = job.order, job.order.source
            if order.kind != "buy" or source is None:
                return ()
            start = self._release.floor(source)
            return tuple(self._shop.waits(order, order.timing, start))
        model, steps = layout.model, layout.steps
        taken = model.taken.get(int(layout.item[place]), ())
        first = int(layout.needs.first[place])
        goods = self._there[first : first + len(taken)].tolist()
        ready = int(self._floors[place])
        found: list[Wait] = []
        for number, step in enumerate(layout.step_places(place)):
            for one, there in zip(taken, goods, strict=True):
                if one.step == number:
                    ready = max(ready, there)
            begin = int(steps.early.begin[step])
            lanes = [int(steps.early.lane[step]), *steps.beside[step].tolist()]
            option = int(steps.early.option[step])
            if lanes[0] >= 0 and ready < begin:
                found += self._waited(option, lanes, ready, begin)
            elif model.plant.bucket[option] >= 0:
                found += self._short_of_hours(option, ready, begin)
            elif job.order.kind == "move":
                found += _waited_for_room(job.order, ready, layout.early.finish[place])
            ready = int(steps.early.finish[step])
        return tuple(found)

    def _waited(
        self, option: int, lanes: Sequence[int], ready: int, begin: int
    ) -> Iterator[Wait]:
        """Waits of a step for other work on units of machines, or while they are down.

        What is closed after such a wait is waited through because of it.
        """
        plant, model = self._layout.model.plant, self._layout.model
        calendar, until = int(plant.calendar[option]), ready
        spans: list[tuple[int, int, str]] = []
        for lane in (one for one in lanes if one >= 0):
            machine = int(np.searchsorted(plant.m_lane, lane, side="right")) - 1
            name = model.machines[machine]
            stops = (
                one for one in model.stops[lane] if one[0] < begin and one[1] > ready
            )
            spans += [(*one, name) for one in self._held(lane, ready, begin)]
            spans += [(*one, name) for one in stops]
        spans.sort()
        if spans and calendar >= 0:
            working, after = model.calendars[calendar], max(spans[0][0], ready)
            closed = closed_spans(working, after, begin)
            spans += [(*one, spans[0][2]) for one in closed]
        for low, high, name in sorted(spans):
            low, high = max(low, until), min(high, begin)  # noqa: PLW2901
            if low < high:
                until = high
                yield Wait("make", name, low, high)

    def _short_of_hours(self, option: int, ready: int, begin: int) -> Iterator[Wait]:
        """Wait of a step for a bucket in which there are hours of its machine left."""
        model = self._layout.model
        opens = begin_from(model.plant, option, ready - model.as_of, 1)
        if model.as_of + opens < begin:
            name = model.machines[model.plant.machine[option]]
            yield Wait("make", name, ready, begin)

    def _held(self, lane: int, start: int, finish: int) -> Iterator[tuple[int, int]]:
        """Stretches of found work on a unit of a machine that reach into a span."""
        begins, ends = self._busy[lane]
        place = bisect_right(ends, start)
        while place < len(begins) and begins[place] < finish:
            yield begins[place], ends[place]
            place += 1

    @cached_property
    def _busy(self) -> list[tuple[list[int], list[int]]]:
        """Begin and end of each stretch of found work without a gap, by lane."""
        return stretches(self._layout.steps, int(self._layout.model.plant.m_lane[-1]))

    # --- backward ------------------------------------------------------------------
    def backward(self, lines: Iterable[Line]) -> None:
        """Date all work as late as found, then purchases as late as that allows.

        Raises
        ------
        MismatchError
            A component is taken when its line does not hold.
        """
        release = self._release
        for order in self._layout.orders:
            unit = order.units[0]
            unit.arrives = unit.available = order.timing.finish
        for need in release.needs:
            taker = need.order
            if taker is not None and taker.existing is None:
                need.instant = taken_at(release, need, taker)
                if need.line is not None and not need.line.valid_at(need.instant):
                    differ(f"{taker.source_id} takes a component beyond its dates")
        taken: dict[int, int] = {}
        for line in lines:
            for part in line.parts:
                if part.unit.order is not None and part.unit.order.kind == "buy":
                    index = part.unit.index
                    taken[index] = min(part.date, taken.get(index, NEVER))
        limits = [self._wanted(order, taken) for order, _ in self._bought]
        # What is wanted last leaves the room of its supplier to others first.
        for at in sorted(range(len(limits)), key=limits.__getitem__, reverse=True):
            order, soft = self._bought[at]
            if limits[at] - soft > order.timing.finish:
                self._shop.release(order, order.timing)
                self._buy_late(order, limits[at])
                self._shop.occupy(order, order.timing)

    def _wanted(self, order: SupplyOrder, taken: Mapping[int, int]) -> int:
        """When a purchase is wanted by those that take from it [UTC seconds]."""
        limit = min(_first_use(unit, taken) for unit in order.units)
        return self._by_level(order, limit)

    def _buy_late(self, order: SupplyOrder, limit: int) -> None:
        """Date a purchase as late as those that take from it allow."""
        later = self._preferred(order, limit)
        if later is None:
            now = order.timing
            later = self._shop.latest(order, limit, now.start)
            if later is None or later.finish <= now.finish:
                return
        _put(order, later)

    def _preferred(self, order: SupplyOrder, limit: int) -> OrderTiming | None:
        """Turn to a supplier that is preferred, where the same lot of it is in time."""
        release, size, own = self._release, order.steps, order.source
        node = release.model.node(order.node)
        if release.divided(order.node):
            return None
        for way in release.ranked(release.model.ways(node), node, size):
            order.source = source = way.source
            if node.shared or source is own:
                break
            if source.lot(size) == size and size <= (source.max_lot or size):
                timing = self._shop.latest(order, limit, release.floor(source))
                if timing is not None:
                    order.source_id = source.source
                    return timing
        order.source = own
        return None


def _waited_for_room(order: SupplyOrder, ready: int, finish: int) -> Iterator[Wait]:
    """Wait of goods for a vehicle that has room for them."""
    source = order.source
    free = None if source is None else source.clock.earliest(ready, order.steps)
    if free is not None and free.finish < finish:
        yield Wait(order.kind, order.source_id, free.finish, int(finish))


class _Purchase(NamedTuple):
    """A purchase and its safety time, which is given up first [s]."""

    order: SupplyOrder
    soft: int


def _put(order: SupplyOrder, timing: OrderTiming) -> None:
    """Write down where an order is, and when its goods are there."""
    order.timing = timing
    for unit in order.units:
        if unit.expires < NEVER:
            unit.expires += timing.finish - unit.arrives
        unit.arrives = unit.available = timing.finish


def _first_use(unit: SupplyUnit, taken: Mapping[int, int]) -> int:
    """When a unit is taken first: for a delivery, or by an order."""
    found = taken.get(unit.index, NEVER)
    for need, _ in unit.takers:
        if need.demand == NO_DEMAND:
            found = min(found, need.instant)
    return found


MOST_MOVED = 6
"""How often a search begins anew because existing orders wait for their goods."""


class SearchedRun(SearchableRun):
    """One run from snapshot to plan by a search; see `FeasibleRun`."""

    found: Found
    model_found: Model
    placing: FoundPlacing
    least: LateAtLeast

    def late_at_least(self) -> LateAtLeast:
        """What no plan can be better than."""
        planned = Planned(self.model, self.release, self.providers.capacity)
        # A search in effort light takes less time than all of the bound.
        light = self.parameters.effort == "light"
        less = self._memory.slices
        demands = [one for one in self.intake.demands if one.index not in less]
        return late_at_least(planned, demands, self.weights, by_chain_alone=light)

    @property
    def may_move(self) -> bool:
        """Whether some existing order may move."""
        return bool(jobs_of(self.release))

    def anew(self) -> SearchedRun:
        """The same run, built and not netted."""
        run = SearchedRun(self._memory, self.parameters, self._observe)
        run.build()
        return run

    def date_existing(self, floors: Mapping[str, int]) -> None:
        """Date existing orders anew that may move and cannot stand as they are.

        `floors` are as of `standing_work.date_existing`.
        """
        date_existing(self.release, self._shop(), floors)

    def adopt(self, model: Model, found: Found) -> None:
        """Take over what was found.

        Raises
        ------
        MismatchError
            The providers do not say what the search went by.
        """
        self.found, self.model_found = found, model
        layout = Layout(self.release, model, found)
        # Made before there are orders: nothing of it is rehearsed or improved.
        self.placing = self._found_placing(layout)
        layout.lay(self)
        if self.release.shortages:
            differ("something is short")

    def _found_placing(self, layout: Layout) -> FoundPlacing:
        return FoundPlacing(self.release, self._shop(), self._scene(), layout)

    def _shop(self) -> Shop:
        own = {demand.demand for demand in self.intake.demands}
        loads = self.providers.itineraries(own).loads
        return Shop(self.providers.finite(own, firmed=False), self._quotas(loads))

    def _scene(self) -> Scene:
        return Scene(
            snapshot=self.snapshot,
            parameters=self.parameters,
            demands=self.intake.demands,
            as_of=self.as_of,
        )

    def place(self) -> None:
        """Place all orders as found, and say what each demand gets.

        Raises
        ------
        MismatchError
            Work would begin before its goods are there, or a rule of a demand forbids
            to deliver what was found.
        """
        placing = self.placing
        if self._observe is not None:
            self._observe(Progress("placing", 0, len(self.release.orders)))
        placing.forward()
        self.lines = lines_of(self.intake, self.release, self.as_of)
        if any(line.refused for line in self.lines):
            differ("a rule forbids a delivery")
        # Asked before anything moves back, when what was in the way still is.
        walk = Walk(placing.by_order, placing.waits, self.as_of)
        self._late = [walk.of(line) for line in self.lines]
        placing.backward(self.lines)
        leave_out_dead(self.lines, self.release)
        if takes_dead(self.release) or any(line.refused for line in self.lines):
            differ("goods are dead when they are used")
        self._memory.breaches |= keep_campaigns(self)

    @property
    def _reached(self) -> float:
        """Weighted lateness by the rules of all orders [weighted days]."""
        return weigh_lines(self.lines, self.weights)[1] / SCALE / DAY

    def _effort(self) -> dict[str, float]:
        late = sum(line.last > line.demand.due for line in self.lines)
        return {
            **self.found.effort,
            "late": float(late),
            **self.least.effort(),
            "weighted_days": self._reached,
        }

    def _record(self, version: str, seed: int | None, pegs: PegArrays) -> RunRecord:
        made = super()._record(version, seed, pegs)
        reached, bound = self._reached, self.least.cost / SCALE / DAY
        gap = (reached - bound) / reached if reached > 0 else 0.0
        return replace(made, bound=bound, gap=max(0.0, gap), engine="search")


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    decisions: Decisions = UNDECIDED,
) -> Plan:
    """Plan a snapshot in mode constrained: by a search, where its numbers say all.

    Parameters
    ----------
    snapshot, parameters, version
        As of `rounds.plan`, which plans what no search knows.
    observe, cancelled
        Progress and interruption. A search that is interrupted gives the best plan so
        far, whole, with status cancelled.
    seed
        Of the random numbers of a search; empty: always the same.
    decisions
        What the plan is made with beyond its tables.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    memory = memory_of(snapshot, parameters, decisions)
    demands = snapshot["demands"].height
    way = way_of(parameters, demands)
    why = "" if way else why_not(parameters, demands)
    if not why:
        stop = Stop(cancelled)
        run = SearchedRun(memory, parameters, observe)
        run.build()
        if run.lacks_sources:
            # What nothing brings is shared out first: less is wanted then.
            rounds.netted(memory, parameters, observe, stop).release.dissolve()
            if memory.slices:
                run.release.dissolve()
                run = run.anew()
        watch = Watch(told=observe or unobserved, stop=stop)
        made = _around(run, way, watch, (version, seed))
        if isinstance(made, Plan):
            asked = replace(made.run, status=Status.CANCELLED)
            return replace(made, run=asked) if stop.asked else made
        why = str(made)
    planned = rounds.plan(
        snapshot, parameters, version, observe, cancelled, seed=seed, memory=memory
    )
    return replace(planned, run=replace(planned.run, engine=f"rounds ({why})"))


def _around(
    run: SearchedRun, way: str, watch: Watch, name: tuple[str, int | None]
) -> Plan | Exception:
    """Plan by a search around existing orders, which begin when their goods are there.

    When that is, a search of little effort tells where some of them may move.
    """
    floors: dict[str, int] = {}
    parameters, effort = run.parameters, run.parameters.effort
    if run.may_move:
        effort = "light"
    for _ in range(MOST_MOVED):
        run.parameters = replace(parameters, effort=effort)
        found = _placed(run, way, watch, name[1], floors)
        if found is None and effort == parameters.effort:
            run.settle()
            made = run.plan(*name)
            run.dissolve()
            return made
        if found is None:
            run.release.dissolve()
            effort = parameters.effort
        elif isinstance(found, LateGoodsError):
            floors |= found.floors
        else:
            return found
        run = run.anew()
    return LateGoodsError(floors)


def _placed(
    run: SearchedRun,
    way: str,
    watch: Watch,
    seed: int | None,
    floors: Mapping[str, int],
) -> Exception | None:
    """Search and place; else why its numbers do not say all there is to say.

    `floors` are as of `standing_work.date_existing`.
    """
    watch.told(Progress("reading the plant", 0, 1))
    try:
        run.date_existing(floors)
        model = model_of(run, run.weights)
        run.least = run.late_at_least()
        watch.told(Progress("late at least", run.least.late, len(run.intake.demands)))
        engine = engine_of(way)
        if not engine.lists:
            announce_compiling(engine.kernels, watch.told)
        found = seek(model, engine, run.parameters.effort, watch, seed or 1)
        watch.told(Progress("laying out", 0, len(found.order_item)))
        run.adopt(model, found)
        run.place()
        watch.told(Progress("tables", 0, 1))
    except (UnfitError, MismatchError, LateGoodsError) as unfit:
        run.release.dissolve()
        return unfit
    return None
