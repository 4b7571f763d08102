"""Start of a search from orders that are given: pegged, sized and laid by all rules.

Orders come with their sources, begins and amounts, as a program by buckets has them.
Needs are pegged to them level by level, the first need to what is there first; an order
becomes as large as what is taken of it asks for, and its parts are needed when it
begins. What comes of it is laid in order of begin; demands of which something does not
fit are served as in any search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.schedule_search import Repair
from medhavi.planners.constrained.search.search_effort import budget_of, moves_of
from medhavi.planners.constrained.search.starts.warm_start import WarmStart
from medhavi.planners.kernels.plant_kernels.earlier_work import EarlierWork
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    gain_of,
    lot_of,
    taken_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.search_effort import SearchObserver
    from medhavi.planners.kernels.compiled import Engine

GONE = -1
"""Giver of what nothing brings."""
SLACK, MOST_DUST = 0.02, 2
"""Share of a need, and steps more, that an order brings beyond what it was given."""


class _Need(NamedTuple):
    """A need of an item: when [s since now], of whom, and how much [steps].

    Takers are orders by their places, and demands: -1 less their numbers.
    """

    instant: int
    taker: int
    qty: int


class _Supply:
    """What stands or is ordered of an item, while it is taken.

    Attributes
    ----------
    there
        When its goods are there [s since now].
    left
        What may still be taken of it [steps].
    giver
        Its place among the orders, or -2 less that of what stands; None: it was not
        needed yet.
    item, begin
        Of what is ordered: its item, and when its work begins [s since now].
    """

    __slots__ = ("begin", "giver", "item", "left", "there")

    def __init__(
        self, there: int, left: int, giver: int | None, item: int = -1, begin: int = 0
    ) -> None:
        self.there, self.left, self.giver = there, left, giver
        self.item, self.begin = item, begin


class _Pegging:
    """Pegs needs to what stands and to given orders, level by level."""

    def __init__(self, model: Model, decisions: Decisions) -> None:
        self._model, self._plant = model, model.plant
        self._as_given = decisions.as_given
        self._needs: dict[int, list[_Need]] = {}
        self._levels: dict[int, list[_Need]] = {}
        self._given = self._read(decisions)
        self._ask_demands(decisions)
        self.item: list[int] = []
        self.qty: list[int] = []
        self._least: list[int] = []
        self._behind: list[int] = []
        """Demand that each order was made for first, as a taker."""
        self.begin: list[int] = []
        self.pegs: dict[int, list[tuple[int, int]]] = {}
        """Givers and amounts, by taker."""

    def _read(self, decisions: Decisions) -> dict[int, list[_Supply]]:
        """Given orders by the item that asks for them, what is there first first."""
        model, now = self._model, self._model.as_of
        of: dict[tuple[str, str, str], tuple[int, int]] = {}
        rows = zip(model.nodes, model.items, model.sources, strict=True)
        for node, number, sources in rows:
            for own in sources:
                name = model.ways[own].source.source
                of[node.key[0], node.key[1], name] = number, own
        found: dict[int, list[_Supply]] = {}
        for one in decisions.orders:
            asked, own = of.get((one.product, one.location, one.source), (GONE, GONE))
            if own >= 0 and one.qty > 0:
                begin, there = max(one.begin - now, 0), max(one.there - now, 0)
                supply = _Supply(there, one.qty, None, own, begin)
                found.setdefault(asked, []).append(supply)
        for some in found.values():
            some.sort(key=lambda one: (one.there, one.begin, one.item))
        return found

    def _ask_demands(self, decisions: Decisions) -> None:
        """Ask for what demands want, when they are meant to be served.

        Stock levels take what others leave.
        """
        plant, now = self._plant, self._model.as_of
        levels = self._model.first_level
        for demand, item in enumerate(plant.d_item.tolist()):
            rest = int(plant.d_qty[demand])
            if demand >= levels:
                level = _Need(0, -1 - demand, rest)
                self._levels.setdefault(item, []).append(level)
                continue
            served = decisions.served.get(demand, ())
            if demand >= self._model.demands:
                served = ()
            for qty, instant in served:
                part = min(rest, qty)
                self._ask(item, _Need(max(instant - now, 0), -1 - demand, part))
                rest -= part
            last = served[-1].date - now if served else int(plant.d_due[demand])
            self._ask(item, _Need(max(last, 0), -1 - demand, rest))

    def _ask(self, item: int, need: _Need) -> None:
        if need.qty > 0:
            self._needs.setdefault(item, []).append(need)

    def run(self) -> None:
        """Peg the needs of all items; those that take come first."""
        # Consumers have the smaller numbers: all needs of an item are asked by its
        # turn.
        for item in range(len(self._plant.order)):
            needs = sorted(self._needs.pop(item, ()))
            levels = self._levels.pop(item, ())
            if not (needs or levels):
                continue
            first = len(self.item)
            if self._model.product[item] != item:
                # A step before the last one: made for each order.
                for need in needs:
                    begin = self.begin[need.taker]
                    step = _Supply(begin, need.qty, None, item, begin)
                    self._take(need, step, need.qty)
            else:
                supplies = self._supplies(item)
                for need in needs:
                    self._serve(item, need, supplies)
                for level in levels:
                    self._fill(level, supplies)
            self._size(first)

    def _supplies(self, item: int) -> list[_Supply]:
        """What stands of an item for anybody, and what is ordered of it."""
        plant = self._plant
        found = [
            _Supply(int(plant.s_ready[place]), int(plant.s_qty[place]), -2 - place)
            for place in range(plant.s_start[item], plant.s_start[item + 1])
            if plant.s_for[place] < 0
        ]
        ordered = self._given.get(item, [])
        return sorted([*found, *ordered], key=lambda one: one.there)

    def _serve(self, item: int, need: _Need, supplies: Sequence[_Supply]) -> None:
        """Serve a need of what is there in time, else of what comes first."""
        rest, lead = need.qty, int(self._plant.lead[item])
        bought = lead >= 0
        # It is bought for that, and has no order.
        if bought and need.instant >= lead:
            return
        in_time = [one for one in supplies if one.there <= need.instant]
        for one in in_time:
            rest -= self._take(need, one, min(rest, one.left))
        ordered = [one for one in in_time if one.item >= 0]
        if ordered and rest <= SLACK * need.qty + MOST_DUST:
            # Amounts of a program are no whole steps: the last order brings the rest.
            rest -= self._take(need, ordered[-1], rest)
        if rest == 0 or bought:
            return
        # Late supply is better than none; what is still missing enlarges the last
        # order.
        for one in supplies[len(in_time) :]:
            rest -= self._take(need, one, min(rest, one.left))
        ordered = [one for one in supplies if one.item >= 0]
        if ordered:
            rest -= self._take(need, ordered[-1], rest)
        if rest:
            self.pegs.setdefault(need.taker, []).append((GONE, rest))

    def _fill(self, level: _Need, supplies: Sequence[_Supply]) -> None:
        """Serve a stock level from what is left; what is missing is served later."""
        rest = level.qty
        for one in supplies:
            rest -= self._take(level, one, min(rest, one.left))
        if rest:
            self.pegs.setdefault(level.taker, []).append((GONE, rest))

    def _take(self, need: _Need, supply: _Supply, qty: int) -> int:
        """Take so much of a supply, which makes it an order; gives how much it was."""
        rest, behind = qty, need.taker
        if behind >= 0:
            behind = self._behind[behind]
        apart = supply.item >= 0 and self._plant.apart[supply.item] == 1
        if apart and supply.giver is not None and self._behind[supply.giver] != behind:
            # Made to order: another demand has an order of its own.
            supply.giver = None
        while rest > 0:
            part = rest
            if supply.item >= 0:
                if supply.giver is None:
                    supply.giver = len(self.item)
                    self.item.append(supply.item)
                    self.qty.append(0)
                    as_given = self._as_given and not apart
                    self._least.append(supply.left if as_given else 0)
                    self._behind.append(behind)
                    self.begin.append(supply.begin)
                most = int(self._plant.most[supply.item])
                if most > 0:
                    room = gain_of(self._plant, supply.item, most)
                    part = min(part, max(room - self.qty[supply.giver], 0))
                self.qty[supply.giver] += part
            if part > 0 and supply.giver is not None:
                self.pegs.setdefault(need.taker, []).append((supply.giver, part))
                rest -= part
            if rest > 0:
                # No order brings more: another one beside it.
                supply.giver = None
        supply.left = max(supply.left - qty, 0)
        return qty

    def _size(self, first: int) -> None:
        """Size the orders from a place on by what is taken, and ask for their parts."""
        plant = self._plant
        for place in range(first, len(self.item)):
            item = self.item[place]
            qty = lot_of(plant, item, max(self.qty[place], self._least[place]))
            self.qty[place] = qty
            for line in range(plant.c_start[item], plant.c_start[item + 1]):
                part, taken = int(plant.c_item[line]), int(taken_of(plant, line, qty))
                self._ask(part, _Need(self.begin[place], place, taken))


def _work(model: Model, decisions: Decisions) -> EarlierWork:
    """Given orders and their pegs, none of which is scheduled."""
    made = _Pegging(model, decisions)
    made.run()
    begin = made.begin
    # Givers have larger places than their takers, and are dated before them.
    for place in reversed(range(len(begin))):
        # Orders are laid by their begin: none before what it takes.
        for giver, _ in made.pegs.get(place, ()):
            if giver >= 0:
                begin[place] = max(begin[place], begin[giver])
    takers = [*range(len(begin)), *(-1 - one for one in range(len(model.plant.d_item)))]
    pegs = [made.pegs.get(one, []) for one in takers]
    bounds = np.append(0, np.cumsum([len(one) for one in pegs], dtype=np.int64))
    flat = np.array([peg for one in pegs for peg in one], np.int64).reshape(-1, 2)
    orders = len(begin)
    return EarlierWork(
        o_item=np.array(made.item, np.int64),
        o_qty=np.array(made.qty, np.int64),
        o_start=np.array(begin, np.int64),
        o_end=np.full(orders, FAR, np.int64),
        o_option=np.full(orders, -1, np.int64),
        o_lane=np.zeros(orders, np.int64),
        o_peg=bounds[: orders + 1],
        d_peg=bounds[orders:],
        p_from=flat[:, 0].copy(),
        p_qty=flat[:, 1].copy(),
    )


def sought_from(
    model: Model,
    engine: Engine,
    decisions: Decisions,
    effort: str,
    watch: SearchObserver,
    seed: int,
) -> PlantSchedule | None:
    """Seek a schedule from given orders; None: there is no room for them.

    Parameters
    ----------
    decisions
        Has the orders.

    Raises
    ------
    UnfitError
        Goods would be dead when they are used.
    """
    work = _work(model, decisions)
    hit = np.zeros(len(model.plant.d_item), np.int64)
    start = WarmStart(model, engine, work, hit)
    if not start.laid():
        return None
    demands = len(model.plant.d_item)
    budget, tally = budget_of(demands, effort), engine.ints(np.zeros(3))
    repair = Repair(engine, model, watch, budget, start.room(), seed)
    repair.take_over(start.plan)
    if not repair.serve_anew(start.hit):
        return None
    repair.revive()
    repair.improve(int(moves_of(budget, demands)), tally)
    if not decisions.as_given:
        repair.settle(saves=True, prefers=False)
    return repair.found(0, tally)
