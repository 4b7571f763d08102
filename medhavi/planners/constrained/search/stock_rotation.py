"""Rotation of perishable stock that a stock level keeps: first expired, first out.

A search pegs the goods of a level once, and they stay there until they die. Here what
dies first goes to an order or a demand that takes fresher goods while it may still be
used, and the level keeps those instead: nothing is made for it, and nothing moves. What
dies nevertheless is wanted anew from then on, by another search.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant_schedule import at, latest_arrival
from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.planners.mrp.netting_state.stock_levels import LevelReplenishment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import NodeKey


class _Use(NamedTuple):
    """When goods are taken, as of `PlantSchedule`, and how long they have to last.

    Instants count from now [s].
    """

    early: int
    late: int
    until: int


class _Peg:
    """Peg while goods are rotated; the first three are as of `PlantSchedule`."""

    __slots__ = ("giver", "qty", "taker", "use")

    def __init__(self, giver: int, taker: int, qty: int, use: _Use) -> None:
        self.giver, self.taker, self.qty, self.use = giver, taker, qty, use


class _Goods(NamedTuple):
    """When goods are there, as of `PlantSchedule`, and until when they last.

    Instants count from now [s].
    """

    early: int
    late: int
    until: int


def rotated(
    run: SearchableRun,
    model: Model,
    found: PlantSchedule,
    renews: Callable[[NodeKey], bool],
) -> tuple[PlantSchedule, dict[NodeKey, list[LevelReplenishment]]]:
    """What was found, with stock levels that keep what lasts longest.

    Takers that carry goods on, or ask for properties, keep what they were given, as
    does what is made or held for one demand.

    Parameters
    ----------
    renews
        Whether it is asked what a place lacks.

    Returns
    -------
    found
        The schedule, rotated.
    lacks
        What stock levels lack once their goods die, by place. What comes anew is fresh
        then; it is rotated, and dies, as well.
    """
    shelf = _Shelf(run, model, found)
    items = shelf.dying()
    lacks: dict[NodeKey, list[LevelReplenishment]] = {}
    if not items:
        return found, lacks
    nodes = dict(zip(model.items, model.nodes, strict=True))
    rows = [shelf.pegs[~np.isin(shelf.product, items)]]
    for item in items:
        kept, free, others = shelf.pegs_of(item)
        new = _rotate(shelf, kept, free)
        pegs = [*kept, *free, *others, *new]
        left = [(one.giver, one.taker, one.qty) for one in pegs if one.qty]
        rows.append(np.array(left, np.int64))
        node = nodes.get(item)
        if node is not None and node.shelf_life and renews(node.key):
            kept += [one for one in new if shelf.is_level(one)]
            free += [
                one for one in new if not shelf.is_level(one) and shelf.is_free(one)
            ]
            dead: Counter[int] = Counter()
            _rotate(shelf, kept, free, dead, node.shelf_life)
            lacks[node.key] = [
                LevelReplenishment(run.as_of + at, qty)
                for at, qty in sorted(dead.items())
            ]
    giver, taker, qty = np.concatenate(rows).T
    rotation = found._replace(
        peg_from=giver.copy(), peg_to=taker.copy(), peg_qty=qty.copy()
    )
    return rotation, lacks


class _Shelf:
    """What pegs of a schedule say of goods: of what, when they are there and last.

    Attributes
    ----------
    end
        End of the horizon, from now [s].
    pegs
        Giver, taker and quantity of all pegs. Shape (n_pegs, 3), int64.
    product
        Item of the goods of each; -1: a step before the last one. Shape (n_pegs,).
    """

    def __init__(self, run: SearchableRun, model: Model, found: PlantSchedule) -> None:
        self._model, self._found = model, found
        self._known: dict[int, _Goods] = {}
        self._asking = {one.index for one in run.intake.demands if one.asks is not None}
        self.end = run.snapshot.settings.horizon_end - run.as_of
        columns = found.peg_from, found.peg_to, found.peg_qty
        self.pegs = np.stack([np.asarray(one, np.int64) for one in columns], axis=1)
        self.product = self._products(self.pegs[:, 0])
        self._first_level = -model.first_level - 1
        self._level = self.pegs[:, 1] <= self._first_level
        self._by_product = np.argsort(self.product, kind="stable")
        self._sorted = self.product[self._by_product]

    def is_level(self, peg: _Peg) -> bool:
        """Whether a stock level takes it."""
        return peg.taker <= self._first_level

    def dying(self) -> list[int]:
        """Items of stock levels whose goods die before the horizon ends, rising."""
        givers = self.pegs[self._level, 0].tolist()
        dies = [self.goods(giver).until < self.end for giver in givers]
        items = np.unique(self.product[self._level][np.array(dies, bool)])
        found: list[int] = items[
            (items >= 0) & (self._model.plant.apart[items] == 0)
        ].tolist()
        return found

    def pegs_of(self, item: int) -> tuple[list[_Peg], list[_Peg], list[_Peg]]:
        """Pegs of an item: of levels, of takers that may change goods, of others."""
        first, last = np.searchsorted(self._sorted, (item, item + 1))
        own = self._by_product[first:last]
        kept, pegs = (
            [self._peg(*row) for row in self.pegs[some].tolist()]
            for some in (own[self._level[own]], own[~self._level[own]])
        )
        free = [self.is_free(one) for one in pegs]
        return (
            kept,
            [one for one, may in zip(pegs, free, strict=True) if may],
            [one for one, may in zip(pegs, free, strict=True) if not may],
        )

    def fresh(self, instant: int, life: int) -> int:
        """Giver of goods that are there from an instant on, for so long."""
        # No supply that stands has such a number.
        giver = -2 - len(self._model.plant.s_item) - len(self._known)
        # As early as can be it may come before anybody takes it.
        self._known[giver] = _Goods(0, instant, instant + life)
        return giver

    def _products(self, giver: np.ndarray) -> np.ndarray:
        model = self._model
        item = np.asarray(self._found.order_item, np.int64)
        # What goes on to the next step of its order is no goods.
        of = at(np.where(model.product[item] == item, model.serves[item], -1), giver)
        stands = giver < 0
        of[stands] = model.plant.s_item[-2 - giver[stands]]
        return of

    def _peg(self, giver: int, taker: int, qty: int) -> _Peg:
        """Peg with when its goods are taken."""
        found, plant = self._found, self._model.plant
        if taker >= 0:
            early, late = found.order_start[taker], found.order_late_start[taker]
            return _Peg(giver, taker, qty, _Use(int(early), int(late), int(late)))
        demand = -1 - taker
        instant = max(int(found.finish[demand]), int(plant.d_due[demand]))
        use = _Use(instant, instant, instant + int(plant.d_shelf[demand]))
        return _Peg(giver, taker, qty, use)

    def is_free(self, peg: _Peg) -> bool:
        """Whether what takes may be given other goods of the product."""
        plant, taker = self._model.plant, peg.taker
        if peg.giver < 0 and plant.s_for[-2 - peg.giver] >= 0:
            return False
        if taker < 0:
            return -1 - taker not in self._asking
        return not plant.carries[self._found.order_item[taker]]

    def goods(self, giver: int) -> _Goods:
        """Goods of a giver; what is moved lasts no longer than what it carries."""
        if giver not in self._known:
            self._known[giver] = self._read(giver)
        return self._known[giver]

    def _read(self, giver: int) -> _Goods:
        found, plant = self._found, self._model.plant
        if giver < 0:
            place = -2 - giver
            ready = int(plant.s_ready[place])
            return _Goods(ready, ready, int(plant.s_until[place]))
        item = found.order_item[giver]
        post, life = int(plant.post[item]), int(plant.life[item])
        early = int(found.order_end[giver]) + post
        late = latest_arrival(plant, found, giver)
        if not plant.carries[item]:
            return _Goods(early, late, late + life if life < FAR else FAR)
        until = int(found.order_late_start[giver]) + life if life < FAR else FAR
        carried = (self.goods(one).until for one in self._carried.get(giver, ()))
        return _Goods(early, late, min(until, *carried, FAR))

    @cached_property
    def _carried(self) -> dict[int, list[int]]:
        """Givers of what moves carry, by order."""
        found, carries = self._found, np.asarray(self._model.plant.carries, np.int64)
        taker = np.asarray(found.peg_to)
        moves = at(carries[np.asarray(found.order_item, np.int64)], taker) == 1
        given: dict[int, list[int]] = {}
        pairs = zip(taker[moves], np.asarray(found.peg_from)[moves], strict=True)
        for order, giver in pairs:
            given.setdefault(int(order), []).append(int(giver))
        return given


def _rotate(
    shelf: _Shelf,
    kept: list[_Peg],
    free: list[_Peg],
    dead: Counter[int] | None = None,
    life: int = 0,
) -> list[_Peg]:
    """Hand what dies first to those who may still use it; the pegs that are new.

    `dead`: counts what dies in the end by its instant, and what is then there instead
    lasts for `life` [s].
    """
    waiting, new = kept[:], list[_Peg]()
    pegs = _RotationPegs(shelf, free)
    # It ends: each time a level gets goods that last longer, or a quantity is used up.
    while waiting:
        level = waiting.pop()
        own = shelf.goods(level.giver)
        if own.until >= shelf.end or not level.qty:
            continue
        fresher = pegs.fresher(own)
        if fresher is None and dead is not None:
            dead[own.until] += level.qty
            giver = shelf.fresh(own.until, life)
            waiting.append(_Peg(giver, level.taker, level.qty, level.use))
        if fresher is None:
            continue
        qty = min(level.qty, fresher.qty)
        kept_anew = _Peg(fresher.giver, level.taker, qty, level.use)
        given = _Peg(level.giver, fresher.taker, qty, fresher.use)
        level.qty -= qty
        fresher.qty -= qty
        new += [kept_anew, given]
        waiting += [level, kept_anew] if level.qty else [kept_anew]
    return new


_TAKEN = np.iinfo(np.int64).min
"""Lasts shorter than any goods."""


class _RotationPegs:
    """Pegs of takers that may change goods: who may use what dies first.

    Parameters
    ----------
    shelf
        When goods are there and last.
    pegs
        Those pegs, of which quantities are taken meanwhile.
    """

    def __init__(self, shelf: _Shelf, pegs: Sequence[_Peg]) -> None:
        self._pegs = pegs
        rows = [(*one.use, shelf.goods(one.giver).until) for one in pegs]
        table = np.array(rows, np.int64).reshape(-1, 4)
        self._early, self._late, self._until, self._lasts = table.T.copy()

    def fresher(self, own: _Goods) -> _Peg | None:
        """Peg of the goods that last longest whose taker may use one's own instead."""
        # Both schedules have to hold: as early as can be, and as late as may be.
        in_time = (own.early <= self._early) & (own.late <= self._late)
        lasts = np.where(in_time & (self._until <= own.until), self._lasts, own.until)
        while len(lasts):
            place = int(lasts.argmax())
            if lasts[place] <= own.until:
                break
            if self._pegs[place].qty:
                return self._pegs[place]
            # All of it was taken: no later question is to look at it again.
            lasts[place] = own.until
            self._lasts[place] = _TAKEN
        return None
