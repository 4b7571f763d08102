"""Place the orders that a search found: as found, or anew with all rules.

Existing orders, which may have begun, keep their dates; purchases are dated as their
suppliers deliver. Why an order waits is read where all is as early as can be; then work
is as late as found, and purchases as late as that allows.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.orders.jobs import Wait
from medhavi.planners.constrained.placement.order_placement import (
    TRIES,
    OrderPlacement,
    in_sequence,
    start_of,
    urgency,
)
from medhavi.planners.constrained.search.changeovers import stretches
from medhavi.planners.constrained.search.plant_schedule import ScheduledJobs, differ
from medhavi.planners.constrained.search.scheduled_orders import taken_at
from medhavi.planners.constrained.search.scheduled_timings import ends_alone
from medhavi.planners.constrained.search.standing_work import (
    LateGoodsError,
    goods_there,
    require_goods,
)
from medhavi.planners.mrp.netting_state.order_creation import STOCK_PRIORITY
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.providers.finite_capacity.free_slots import AT_ONCE
from medhavi.providers.finite_capacity.waits import closed_spans
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.lateness_weights import Line
    from medhavi.planners.constrained.placement.shop_floor import ShopFloor
    from medhavi.planners.constrained.search.schedule_layout import Layout
    from medhavi.planners.mrp.netting_state.state import SupplyOrder, SupplyUnit
    from medhavi.providers.sources import OrderTiming, Source


class SchedulePlacement(OrderPlacement):
    """Places orders where a search found room; purchases as their suppliers deliver.

    Parameters
    ----------
    release, shop, early
        As of `OrderPlacement`; there are no orders yet.
    layout
        What was found; it is laid before anything is placed.
    """

    def __init__(
        self,
        release: FeasibleOrderCreation,
        shop: ShopFloor,
        early: Mapping[str, int],
        layout: Layout,
    ) -> None:
        super().__init__(release, shop, early)
        self._layout = layout
        self._bought: list[_Purchase] = []
        self._place = self._floors = np.empty(0, np.int64)
        self._owner = self._there = np.empty(0, np.int64)
        self._waiting = np.empty(0, bool)

    # --- forward -------------------------------------------------------------------
    def forward(self) -> None:
        """Date purchases as early as possible; check the goods of all work.

        It has them where it stands, as late as may be.

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
            # Suppliers may deliver only so much: the most urgent comes first.
            for order in sorted(map(release.orders.__getitem__, netted), key=urgency)
            if order.existing is None and order.kind == "buy" and order.source
        ]
        # A floor of the plant is that of the work; orders begin with their queue.
        self._floors = layout.model.as_of + plant.floor[layout.model.first(item)]
        self._own(index)
        there = goods_there(release)
        instants = np.array([need.instant for need in release.needs], np.int64)
        ours = self._owner >= 0
        if (there[ours] > instants[ours]).any():
            differ("work begins before its goods are there")
        moving = (job.order for job in self._existing)
        require_goods(moving, release.needs, there)
        # What comes after work could have begun is taken as late as the work stands:
        # as early as can be it keeps nobody waiting.
        self._waiting = there <= self._uses()
        self._there = np.where(self._waiting, there, ALWAYS)
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

    def _own(self, index: np.ndarray) -> None:
        """Note whose needs those of orders are, by their index; shape (n_orders,)."""
        release, first = self._release, self._layout.needs.first
        each = np.diff(np.append(first, self._layout.needs.count))
        self._owner = np.full(len(release.needs), -1, np.int64)
        last = self._layout.needs.count
        self._owner[last - each.sum() : last] = np.repeat(index, each)

    def _uses(self) -> np.ndarray:
        """When needs are as early as can be [UTC seconds]; shape (n_needs,), int64."""
        last, own = self._layout.needs.count, self._layout.uses
        uses = np.full(len(self._release.needs), NEVER, np.int64)
        uses[last - len(own) : last] = own
        return uses

    # --- reasons -------------------------------------------------------------------
    @property
    def by_order(self) -> Mapping[int, Job]:
        """Orders with what they take, by index; each is made when it is asked for."""
        owner = np.where(self._waiting, self._owner, -1)
        takers = owner[np.array(self._release.match_need, np.int64)]
        return ScheduledJobs(self._release, takers, self._floor, self._through)

    def _through(self, order: SupplyOrder) -> dict[int, int]:
        """When the step before each that takes goods was through, as of `Job`."""
        layout, place = self._layout, int(self._place[order.index])
        if place < 0:
            return {}
        places, finish = layout.step_places(place), layout.steps.early.finish
        return {
            one.line.step: int(finish[places[one.step - 1]])
            for one in layout.model.taken.get(int(layout.item[place]), ())
            if one.step and one.line is not None and one.line.step is not None
        }

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
                found += self._short_of_hours(job.order, number, step, ready)
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
        if spans and calendar in model.calendars:
            working, after = model.calendars[calendar], max(spans[0][0], ready)
            closed = closed_spans(working, after, begin)
            spans += [(*one, spans[0][2]) for one in closed]
        for low, high, name in sorted(spans):
            low, high = max(low, until), min(high, begin)  # noqa: PLW2901
            if low < high:
                until = high
                yield Wait("make", name, low, high)

    def _short_of_hours(
        self, order: SupplyOrder, number: int, step: int, ready: int
    ) -> Iterator[Wait]:
        """Wait of a step of an order for hours of its machine that other work takes."""
        model, early = self._layout.model, self._layout.steps.early
        place, end = int(early.option[step]), int(early.end[step])
        providers, option = self._release.model.providers, model.options[place]
        alone = ends_alone(providers, order, number, option, ready)
        if alone < end:
            yield Wait("make", model.machines[model.plant.machine[place]], alone, end)

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
        LateGoodsError
            What an existing order takes that may move is dead by then.
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
        self._require_alive()

    def _require_alive(self) -> None:
        """Refuse purchases that die before existing orders that may move take them.

        A supplier brings no more at a time; who waits takes what comes after that.
        """
        moving = {job.order.index for job in self._existing}
        floors = {
            need.order.existing: need.order.timing.start
            for bought, _ in self._bought
            for unit in bought.units
            for need, _ in unit.takers
            if need.order is not None
            and need.order.existing is not None
            and need.order.index in moving
            and unit.expires < need.instant
        }
        if floors:
            raise LateGoodsError(floors)

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
            alone = source.clock.latest(limit, size)
            if alone is None or not source.valid_at(alone.start):
                # It ends before: what comes from it would come too early.
                continue
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


class SequencedPlacement(OrderPlacement):
    """Places orders with all rules, in the sequence in which they were found to start.

    Parameters
    ----------
    keeps
        Existing orders keep their dates; else those that may move wait for their goods.
    """

    def __init__(
        self,
        release: FeasibleOrderCreation,
        shop: ShopFloor,
        early: Mapping[str, int],
        layout: Layout,
        *,
        keeps: bool,
    ) -> None:
        super().__init__(release, shop, early)
        self._layout = layout
        self._keeps = keeps
        self._at_once = True
        self._bounded = True
        for order in layout.orders:
            # By then steps keep to what they prefer.
            order.need = layout.arrival_of(order)
        if early:
            self._not_too_early(early)

    def _not_too_early(self, most: Mapping[str, int]) -> None:
        """Limit how much before its takers want it work begins, nobody in its way.

        `most` is how much earlier resources accept it, by name [s].
        """
        jobs = {job.order.index: job for job in self.jobs}
        starts: dict[int, int] = {}
        for order in self._layout.orders:
            wanted = [
                need.instant if need.order is None else starts.get(need.order.index)
                for unit in order.units
                for need, _ in unit.takers
            ]
            limit = min((one for one in wanted if one is not None), default=order.need)
            source = order.source
            latest = None if source is None else source.clock.latest(limit, order.steps)
            starts[order.index] = limit if latest is None else latest.start
            for window in () if latest is None else latest.steps:
                for resource, _ in window.resources:
                    job, early = jobs[order.index], most.get(resource)
                    if early is not None:
                        job.floor = max(job.floor, starts[order.index] - early)

    def standing(self, stays: Collection[str] = ()) -> None:
        """Take note of what all existing orders hold that do not move."""
        own = (job.order.existing for job in self._existing if self._keeps)
        super().standing({*stays, *(name for name in own if name is not None)})

    def forward(self) -> None:
        """Place all orders where they were found, as far as they fit there.

        Raises
        ------
        LateGoodsError
            Existing orders that may move would begin before their goods are there.
        """
        super().forward()
        self._require_goods()

    def place_in_sequence(self) -> None:
        """Place all orders anew in the found sequence, no earlier than found.

        Raises
        ------
        LateGoodsError
            As of `forward`.
        """
        self._at_once = False
        self._place_again(self._first_sequence())

    def place_by_urgency(self) -> None:
        """Place all orders anew by need and priority.

        Raises
        ------
        LateGoodsError
            As of `forward`.
        """
        self._place_again(self.by_urgency())

    def _place_again(self, sequence: Sequence[Job]) -> None:
        self.clear()
        self.place_all(sequence)
        self._require_goods()

    def _require_goods(self) -> None:
        """Refuse to be later than existing orders that keep their dates need goods."""
        if self._keeps:
            moving = (job.order for job in self._existing)
            require_goods(moving, self._release.needs, goods_there(self._release))

    def _all_forward(self) -> None:
        """Place all orders, then move them up where there is room.

        In campaigns each is placed as early as it can be, one after the other.
        """
        self._bounded = self.campaigns is None
        if self._bounded and self._at_once:
            for job in self.sequence:
                if not job.stays:
                    self._as_found(job)
        super()._all_forward()
        if self._bounded and self._at_once and not self._settles():
            self._at_once = False
            self.clear()
            super()._all_forward()
        moving, self._bounded = self._bounded, False
        self._moving_up = moving
        for job in sorted(self.sequence, key=_starts) if moving else ():
            if job.placed and not job.stays:
                self._move_up(job)
        self._moving_up = False

    def _settles(self) -> bool:
        """Place orders later that lack something; whether none does then."""
        return any(not self._mend() for _ in range(TRIES))

    def _as_found(self, job: Job) -> None:
        """Place an order where it was found, if all it needs is free there."""
        shop, timing = self._shop, self._layout.as_found(job.order)
        if timing is None or timing.start < job.floor or job.lacking:
            return
        timing = shop.as_dated(job.order, timing)
        if timing is None:
            return
        self._note(job)
        shop.occupy(job.order, timing)
        self._put(job, timing)
        job.placed = True

    def _mend(self) -> bool:
        """Place orders later that lack goods or a changeover where they are.

        Returns
        -------
        bool
            Whether there were such.
        """
        found = False
        for job in self.sequence:
            if job.stays or not job.placed:
                continue
            timing = job.order.timing
            whole = job.order.kind != "make" or self._shop.changed_over(timing)
            if not whole or self._in_time.lack(job, timing) > 0 or self._misses(job):
                self._give_back(job)
                self._netted.restore(job)
                self._placed_early(job)
                found = True
        return found

    def _first_sequence(self) -> list[Job]:
        """Orders in the sequence in which they were found to start."""
        return _stock_last(in_sequence(self.jobs, start_of))

    def _move_up(self, job: Job) -> None:
        """Move an order as early as it can be; else it stays where it is."""
        shop, order, now = self._shop, job.order, job.order.timing
        # Its own place counts as free while a sooner one is looked for.
        self._give_back(job)
        self._placed_early(job)
        if job.placed:
            sooner = order.timing.finish < now.finish
            if sooner and not self._fails_takers(job) and not shop.owes(order, now):
                return
            shop.release(order, order.timing)
        self._put_back(job, now)

    def _ready(self, job: Job) -> Mapping[int, int]:
        """When steps of an order were found to begin, and have what they take."""
        found: dict[int, int] = {}
        if self._bounded:
            found |= self._layout.begins_of(job.order)
        for take in job.takes:
            line = take.need.line
            if line is None or line.at_first or line.anchor != "start":
                continue
            there = max((unit.arrives for unit in take.units), default=ALWAYS)
            if line.step is not None and not line.offset_minutes:
                found[line.step] = max(there, found.get(line.step, there))
        return found or AT_ONCE

    def backward(self, lines: Iterable[Line]) -> None:
        """Move new orders as late as the deliveries of the demands allow."""
        super().backward(lines)
        for job in self._existing if self._keeps else ():
            job.stays = False


def _starts(job: Job) -> int:
    """When an order starts [UTC seconds]."""
    return job.order.timing.start


def _stock_last(sequence: Sequence[Job]) -> list[Job]:
    """Jobs in sequence, behind them those for stock that nothing else waits for."""
    last: set[int] = set()
    for job in reversed(sequence):
        order = job.order
        stock = order.priority == STOCK_PRIORITY and order.existing is None
        takers = (need for unit in order.units for need, _ in unit.takers)
        if (
            stock
            and all(taker.number in last for taker in job.after)
            and all(need.demand == NO_DEMAND for need in takers)
        ):
            last.add(job.number)
    return sorted(sequence, key=lambda job: job.number in last)
