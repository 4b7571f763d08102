"""Lay what a search found out as orders of a run: their late dates are the clocks'.

What is made or moved gets its orders, needs and matches as found; what is bought is
netted for when they take it, as late as may be, as in any run. Supply stands as early
as can be, for there the causes are read; `FoundPlacing` moves it to where the orders
stand.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.search.changeovers import Work, depends, steps_of
from medhavi.planners.constrained.search.plant.supplies import short_of
from medhavi.planners.constrained.search.plant_schedule import (
    Columns,
    Grouped,
    NeedNumbers,
    Pegs,
    among,
    at,
    differ,
    gains_of,
)
from medhavi.planners.constrained.search.scheduled_orders import (
    ScheduledItem,
    ScheduledOrders,
    goods_taken,
)
from medhavi.planners.constrained.search.scheduled_timings import (
    ScheduledTimings,
    timing_of,
    with_holds,
)
from medhavi.providers.capacity.clocks import SingleStepClock
from medhavi.providers.sources import OrderTiming
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.constrained.memory import Ran, StepComponent
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.scheduled_orders import (
        SearchableRun,
        SearchedOrderCreation,
    )
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.providers.sources import Source


class Layout:
    """Orders of a run as a search found them, in sequence of registration.

    That is by product, consumers first, then by start.

    Parameters
    ----------
    release
        Register of a run that is built and not netted.
    model, found
        The plant of the run; what was found.
    exact
        Whether the orders run when they were found to; else they are dated by their
        clocks alone, and somebody places them.
    known
        Timings of orders of another layout of the same company.

    Attributes
    ----------
    item
        The number of the product of each order. Shape (n_orders,), int64.
    early, late
        When it works as early as can be, and as late as its takers allow.
    steps
        All steps of all orders; `step_places` are those of an order, in sequence.
    needs
        The needs that the orders get.
    orders
        What is made or moved; complete once it is laid.
    uses
        When the needs of those are, as early as can be, in their sequence [UTC s].
    timings
        Timings of its makes.

    Raises
    ------
    MismatchError
        A machine would work on two orders at a time, or more is taken of an order than
        it gives.
    """

    def __init__(
        self,
        release: SearchedOrderCreation,
        model: Model,
        found: PlantSchedule,
        *,
        exact: bool,
        known: Mapping[Ran, OrderTiming],
    ) -> None:
        self.model = model
        self._exact = exact
        self.orders: list[SupplyOrder] = []
        self.uses: list[int] = []
        self._uses_late: list[int] = []
        """When the needs are, as late as takers allow; in the sequence of `uses`."""
        self._left: dict[int, list[SupplyUnit]] = {}
        """What found orders give, by the identity of the product."""
        self._finish: list[int] = np.asarray(found.finish).tolist()
        self._place_of: dict[int, int] = {}
        self._lent: list[tuple[Need, int, SupplyUnit, int]] = []
        self._release = release
        self.steps = steps = steps_of(model, found, exact=exact)
        self.timings = ScheduledTimings(model, steps, known)
        last = np.flatnonzero(model.product[steps.item] == steps.item)
        last = last[~among(model.serves[steps.item[last]], model.netted)]
        # Of equal starts the first place comes first: sorting keeps their order.
        first = self._firsts(last)
        turn = np.lexsort((steps.early.begin[first], steps.item[last]))
        last, first = last[turn], first[turn]
        self._first = first
        self.item = steps.item[last]
        self.early, self.late = (
            Work(
                one.begin[first],
                one.end[last],
                one.finish[last],
                one.option[last],
                one.lane[last],
                one.since[first],
            )
            for one in (steps.early, steps.late)
        )
        rank = np.full(len(steps.item), -1, np.int64)
        rank[last] = np.arange(len(last))
        self._placed = Grouped(rank[steps.order], len(last), -steps.item)
        self._known = len(release.needs)
        self.needs = numbers = NeedNumbers(model, self.item, release.needs)
        size = np.asarray(found.order_qty, np.int64)[last]
        pegs = numbers.spread(self._pegs(found, rank, numbers), size)
        # What stock levels keep is nobody's need.
        served = pegs.needs >= 0
        from_order = pegs.sorted(kept=(pegs.givers >= 0) & served)
        kept = pegs.sorted(kept=(pegs.givers >= 0) & ~served)
        given = from_order.sums(from_order.needs, numbers.count)
        self._given: list[int] = given.tolist()
        stays = kept.sums(kept.givers, len(size))
        gain = gains_of(model.plant, self.item, size)
        self._columns = self._columned(size, gain, from_order, stays)
        first = np.searchsorted(self.item, self.item)
        giver = from_order.givers
        self._from_order = Columns(
            self.item[giver],
            len(model.product),
            from_order.needs,
            from_order.amounts,
            giver - first[giver],
        )
        stands = (pegs.givers < 0) & served
        product = np.full(len(pegs.givers), -1, np.int64)
        product[stands] = model.plant.s_item[-2 - pegs.givers[stands]]
        supply = pegs.sorted(kept=stands, by=product)
        self._from_stock = Columns(
            model.plant.s_item[-2 - supply.givers],
            len(model.product),
            supply.needs,
            supply.amounts,
            -2 - supply.givers,
        )

    def _firsts(self, last: np.ndarray) -> np.ndarray:
        """Places of the steps that begin first in orders, by places of the last ones.

        Of several it is the one that others take.
        """
        steps = self.steps
        turn = np.lexsort((-steps.item, steps.early.begin, steps.order))
        order = steps.order[turn]
        opening = np.flatnonzero(np.append(-1, order[:-1]) != order)
        found = np.full(len(steps.item), -1, np.int64)
        found[order[opening]] = turn[opening]
        firsts: np.ndarray = found[last]
        return firsts

    def step_places(self, place: int) -> list[int]:
        """Places of the steps of an order among all, in the order of working."""
        return self._placed[place]

    def _pegs(
        self, found: PlantSchedule, rank: np.ndarray, numbers: NeedNumbers
    ) -> Pegs:
        """All pegs between orders, which are named by their new places.

        What is bought is netted anew, but what stands for work that begins too early
        to buy for it.
        """
        order, plant = self.steps.order, self.model.plant
        giver, taker = np.asarray(found.peg_from), np.asarray(found.peg_to)
        inner = giver >= 0
        inner[inner] = rank[giver[inner]] < 0
        there = np.flatnonzero(giver < 0)
        lead = plant.lead[plant.s_item[-2 - giver[there]]]
        steps = self.steps
        begins = steps.late.begin if self._exact else steps.early.begin
        begin = at(begins, taker[there]) - self.model.as_of
        inner[there] = (lead >= 0) & ((taker[there] < 0) | (begin >= lead))
        # All of what is netted anew is so, also what takes and stands.
        inner[there] |= among(plant.s_item[-2 - giver[there]], self.model.netted)
        takes = np.flatnonzero(taker >= 0)
        inner[takes] |= rank[order[taker[takes]]] < 0
        giver, taker = giver[~inner], taker[~inner]
        step = at(self.steps.item, taker)
        giver, taker = (
            np.where(one >= 0, at(rank, at(order, one)), one) for one in (giver, taker)
        )
        product = at(self.model.serves[self.item], giver)
        stands = giver < 0
        product[stands] = plant.s_item[-2 - giver[stands]]
        amounts = np.asarray(found.peg_qty, np.int64)[~inner]
        return Pegs(giver, numbers.of(taker, step, product), amounts)

    def _columned(
        self, size: np.ndarray, gain: np.ndarray, pegs: Pegs, stays: np.ndarray
    ) -> Columns:
        """Sizes, dates and what nobody takes of the orders, as `_make` reads it.

        Size, what it gives, what nobody takes and what is wanted of that [units]; begin
        of the queue, as late as may be; arrival, as early as can be; where the pegs
        end.
        """
        left = gain - pegs.sums(pegs.givers, len(size))
        if (left < stays).any():
            differ("an order is taken twice")
        each = np.arange(len(size) + 1)
        bounds = np.searchsorted(pegs.givers, each)
        count = len(self.model.product)
        idle = (bounds[1:] == bounds[:-1]) & (stays == 0)
        if self._exact and idle.any():
            differ("an order is for nothing")
        first = np.searchsorted(self.item, self.item)
        queue = self.model.queues[self.item]
        late, early = self.late, self.early
        return Columns(
            self.item,
            count,
            size,
            gain,
            left,
            gain - left + stays,
            (late.since if self._exact else early.since) - queue,
            early.finish,
            bounds[1:] - bounds[first],
        )

    def lay(self, run: SearchableRun) -> None:
        """Make the orders, node by node, consumers first.

        The run is not kept: it would point here in a circle, with all its records.

        Raises
        ------
        MismatchError
            A need is not served as found.
        """
        model = self.model
        # Set aside while the plant was read: from here on it is matched as found.
        for held in model.supplies:
            if held.pin is not None:
                held.unit.free += held.qty
        for unit, qty in run.set_aside:
            unit.free += qty
        bought = (model.plant.lead >= 0).tolist()
        rows = list(zip(model.items, model.sources, model.nodes, strict=True))
        for number, sources, node in rows:
            self._serve_from_stock(number, run)
            by_run = bought[number] or number in model.netted
            for source in () if by_run else sources:
                taken = model.taken.get(source, ())
                self._make(source, ScheduledItem(node, model.ways[source], taken))
        # All needs of what was found are known: what is netted for them comes last.
        done: set[int] = set()
        for number, _, node in rows:
            if number in model.netted:
                if number not in done:
                    together = self._together(node, run)
                    done.update(together)
                    self._net_anew(list(together.values()), run)
            elif bought[number]:
                self._replace_bought(number, node, run)
                self._net_bought(node, run)
            else:
                self._net_rest(node, run)
        self._stand_in()
        if model.netted:
            self._forget_idle(run)
        if self._exact:
            self._require_dates()

    def _net_bought(self, node: Node, run: SearchableRun) -> None:
        """Net what is bought: for when it is taken early, where its sources end.

        In planned lots it is for when it is taken late, as the lots are: as early as
        can be, needs of several lots are all in the first one.
        """
        run.require_pegs(node)
        life = node.shelf_life
        ends = not all(way.always for way in run.model.ways(node))
        lots = node.key in run.release.lots and not self._exact
        uses = self.uses if ends else self._uses_late if lots else ()
        for need in node.needs if uses else ():
            if 0 <= need.index - self._known < len(uses):
                need.instant = uses[need.index - self._known]
                last = NEVER if life is None else need.instant + life // 2
                need.alive_until = min(need.alive_until, last)
        run.net_cluster([node])

    def _together(self, node: Node, run: SearchableRun) -> dict[int, Node]:
        """Products that the run nets together with one, by their numbers."""
        model = self.model
        return {
            number: other
            for number, other in zip(model.items, model.nodes, strict=True)
            if number in model.netted and run.rank[id(other)] == run.rank[id(node)]
        }

    def _net_anew(self, cluster: list[Node], run: SearchableRun) -> None:
        """Net products by all rules, for when the search could supply them."""
        replaced = self._release.replaced
        needs = [
            one
            for node in cluster
            for one in node.needs
            if one.demand >= 0 and node.key not in replaced
        ]
        instants = [need.instant for need in needs]
        for need in needs:
            found = self.model.as_of + self._finish[need.demand]
            need.instant = max(need.instant, found)
        run.net_cluster(cluster)
        for need, instant in zip(needs, instants, strict=True):
            need.instant = instant

    def _forget_idle(self, run: SearchableRun) -> None:
        """Forget orders of which nobody takes anything, now that others are netted."""
        while True:
            idle = {
                order.index
                for order in self.orders
                if self._release.model.node(order.node).rules.is_plain
                and not any(unit.takers for unit in order.units)
            }
            if not idle:
                return
            run.drop_orders(idle)
            self.orders = [one for one in self.orders if one.index not in idle]

    def _net_rest(self, node: Node, run: SearchableRun) -> None:
        """Net what was not found of what is wanted of a product."""
        lacks = 0
        for need in node.needs:
            given = self._given[need.index] if need.index < len(self._given) else 0
            if need.open < given:
                differ(f"{node.key} is given twice")
            need.open -= given
            lacks += need.open
        run.require_pegs(node)
        if not lacks:
            run.block_rest([node])
            return
        if self._exact:
            differ(f"{node.key} lacks {lacks}")
        left = self._left.get(id(node), ())
        node.units += [unit for unit in left if unit.free > 0]
        run.net_cluster([node])

    def _require_dates(self) -> None:
        """Fail unless all orders run when they were found to."""
        made = np.array([order.kind != "buy" for order in self.orders], bool)
        runs = np.array([goods_taken(order.timing) for order in self.orders])
        finishes = np.array([order.timing.finish for order in self.orders])
        late = self.late
        differs = (late.since != runs) | (late.finish != finishes)
        # What is bought may be there before it is wanted.
        if np.where(made, differs, late.finish < finishes).any():
            differ("work runs otherwise")

    def _serve_from_stock(self, number: int, run: SearchableRun) -> None:
        release = self._release
        for need, amount, supply in zip(*self._from_stock[number], strict=True):
            unit, _, pin, ratio, _ = self.model.supplies[supply]
            if ratio:
                self._lend(release.needs[need], amount, unit, ratio)
                continue
            if release.match(release.needs[need], unit, amount) < amount:
                differ(f"{unit.node.key} has not that much stock")
            if pin is not None:
                run.keep_for_owner(pin, release.needs[need], unit, amount)

    def _lend(self, need: Need, qty: int, unit: SupplyUnit, ratio: int) -> None:
        """Note what replaces a component: its own need is registered at last.

        The needs of orders have their numbers before that.
        """
        need.open -= qty
        unit.free -= qty * ratio
        self._lent.append((need, qty, unit, ratio))

    def _replace_bought(self, number: int, node: Node, run: SearchableRun) -> None:
        """Take what replaces a component that is bought before more of it is."""
        first, end = self.model.plant.s_start[number : number + 2].tolist()
        supplies = [one for one in self.model.supplies[first:end] if one.ratio]
        for need, short in short_of(run, node, node.needs) if supplies else ():
            left = short
            for unit, _, _, ratio, _ in supplies:
                qty = min(left, unit.free // ratio)
                if qty > 0:
                    self._lend(need, qty, unit, ratio)
                    left -= qty

    def _stand_in(self) -> None:
        """Register what replaces components that orders take."""
        for need, qty, unit, ratio in self._lent:
            need.open += qty
            unit.free += qty * ratio
            self._release.stand_in(
                need, unit.node, qty * ratio, [unit], Fraction(ratio)
            )
        self._lent.clear()

    def _make(self, number: int, item: ScheduledItem) -> None:
        """Register the orders of a product; their clock says when they run."""
        sizes, gains, left, wanted, starts, arrivals, ends = self._columns[number]
        if not sizes:
            return
        plant, clock = self.model.plant, item.way.source.clock
        if isinstance(clock, SingleStepClock) and not depends(plant, number):
            timings = clock.earliest_each(starts, sizes)
        elif item.way.source.kind == "make" and not self._exact:
            timings = [
                self._clocked(item.way.source, start, size)
                for start, size in zip(starts, sizes, strict=True)
            ]
        elif item.way.origin is not None:
            clocked = self._moved if self._exact else self._clocked
            timings = [
                clocked(item.way.source, start, size)
                for start, size in zip(starts, sizes, strict=True)
            ]
        elif item.way.source.kind == "buy":
            timings = self._bought(item.way.source, len(self.orders), sizes)
        else:
            timings = self._as_found(number, item.way.source.source, sizes)
        if self._exact and not all(item.way.serves(one.start) for one in timings):
            differ(f"{item.way.source.source} is not valid then")
        self._release.asked += [
            (item.node, arrival, qty)
            for arrival, qty in zip(arrivals, wanted, strict=True)
        ]
        pegs = self._from_order[number]
        steps, count = self.steps, len(sizes)
        uses = self._instants(item.taken, count, steps.early.begin)
        self.uses += [instant for own in uses for instant in own]
        late = self._instants(item.taken, count, steps.latest)
        self._uses_late += [instant for own in late for instant in own]
        instants = uses
        if self._exact:
            instants = self._instants(item.taken, count, steps.late.since)
        found = ScheduledOrders(
            sizes, gains, timings, instants, arrivals, left, ends, *pegs
        )
        made = self._release.scheduled_orders(item, found)
        units = [unit for order in made for unit in order.units]
        self._left.setdefault(id(item.node), []).extend(units)
        self._release.by_products(made, item.way, exact=self._exact)
        for place, order in enumerate(made, start=len(self.orders)):
            self._place_of[id(order)] = place
            unit = order.units[0]
            if not self._exact and unit.expires < NEVER:
                # Its clock runs it at once, where the search let a step of it wait.
                unit.expires += unit.arrives - order.timing.finish
        self.orders += made

    def _as_found(
        self, number: int, routing: str, sizes: Sequence[int]
    ) -> list[OrderTiming]:
        """Timings of the next orders of a make, or `MismatchError`."""
        tasks = self.model.routings[number]
        # Many are of one size, and most are as in another layout.
        runs = cache(lambda size: [task.run(size) for task in tasks])
        return [
            self.timings.of(routing, size, self.step_places(place), tasks, runs)
            or differ(f"{routing} runs otherwise")
            for place, size in enumerate(sizes, start=len(self.orders))
        ]

    def _instants(
        self, taken: Sequence[StepComponent], count: int, begins: np.ndarray
    ) -> Sequence[Sequence[int]]:
        """When the next orders take what they need, by when steps begin."""
        low = len(self.orders)
        if not any(one.step for one in taken):
            own = begins[self._first[low : low + count]].tolist()
            return [(begin,) * len(taken) for begin in own]
        steps = [one.step for one in taken]
        placed = map(self.step_places, range(low, low + count))
        wanted = [places[step] for places in placed for step in steps]
        each = iter(begins[wanted].tolist())
        return list(zip(*[each] * len(steps), strict=True))

    def _moved(self, source: Source, ready: int, size: int) -> OrderTiming:
        """When goods leave and arrive on a lane that are ready at an instant.

        Raises
        ------
        MismatchError
            Nothing leaves any more.
        """
        timing = source.clock.earliest(ready, size)
        return timing or self._at_no_time(f"{source.source} has no departure", ready)

    def _clocked(self, source: Source, start: int, size: int) -> OrderTiming:
        """When an order runs that begins at an instant, and has resources to itself.

        Where that is too late for its source, as early as can be; where it fits at no
        time nobody places it: it has no steps.
        """
        timing = source.clock.earliest(start, size)
        if timing is None or not source.valid_at(timing.start):
            timing = self._release.soonest(source, size) or timing
        return timing or self._at_no_time(f"{source.source} fits at no time", start)

    def _at_no_time(self, why: str, start: int) -> OrderTiming:
        """Timing of an order that fits at no time, where nobody places it as found.

        Raises
        ------
        MismatchError
            It is placed as found.
        """
        if self._exact:
            differ(why)
        return OrderTiming(start, start, start, ())

    def _bought(
        self, source: Source, place: int, sizes: Sequence[int]
    ) -> list[OrderTiming]:
        """When purchases are ordered and there, for orders from a place on.

        As late as their takers allow, else as early as their supplier delivers.

        Raises
        ------
        MismatchError
            It delivers no more.
        """
        release, floor = self._release, self._release.floor(source)
        wanted = self.late.finish[place:].tolist()
        return [
            release.bought(source, at, size)
            or self._at_no_time(f"{source.source} does not deliver", floor)
            for at, size in zip(wanted, sizes, strict=False)
        ]

    def begins_of(self, order: SupplyOrder) -> dict[int, int]:
        """When the steps of an order were found to begin, by number [UTC s]."""
        place = self._place_of.get(id(order))
        tasks = None if place is None else self.model.routings.get(self.item[place])
        if place is None or not tasks:
            return {}
        begins = self.steps.late.since[self.step_places(place)].tolist()
        return dict(zip((task.node.step for task in tasks), begins, strict=False))

    def arrival_of(self, order: SupplyOrder) -> int:
        """When a found order was found to arrive, as early as can be [UTC s]."""
        return int(self.early.finish[self._place_of[id(order)]])

    def as_found(self, order: SupplyOrder) -> OrderTiming | None:
        """An order where it was found, as early as can be; None: its steps say no."""
        place = self._place_of.get(id(order))
        tasks = None if place is None else self.model.routings.get(self.item[place])
        if place is None or not tasks:
            return None
        model, steps, places = self.model, self.steps, self.step_places(place)
        runs = [task.run(order.steps) for task in tasks]
        timing = timing_of(model, steps, places, tasks, runs)
        return timing and with_holds(model, steps, places, timing)
