"""Transfers that leave with others: a departure is paid once, whatever leaves with it.

Of a lane with departures d, transfers i that may leave from e_i on and have to by l_i,
an amount F that a departure costs and H_i that a transfer costs to be there sooner:

    least  sum_{d used} (F_d + B max(0, L - load of d))
           + sum_i H_i (arrival of l_i - arrival of d_i)
    d_i used,  e_i <= d_i <= l_i

where a kg below the least load L of a departure costs B.

Each leaves with the last used departure that is not too late for it, and a departure is
used where that is the last one for some transfer, or where it is paid anyway; so the
least is found by dynamic programming over those (Wagner and Whitin, Management Science
5 (1958), of lots in time). Exact for one lane with room for all and no price of a least
load, which may be filled by a part of what could leave later; of lanes in a row those
that are nearer to the demands come first, and what brings their goods follows them.
Where departures have only so much room, one stays in use if what would leave with it
has no room on those before, or none that is worth it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant.items import price
from medhavi.planners.kernels.plant_kernels.plant_record import DEPARTS, FAR, load_of
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


class LaneTransfers(NamedTuple):
    """Transfers of a lane, by the numbers of its departures.

    Parameters
    ----------
    first, last
        First and last departure of each transfer. Shapes (n,), int64.
    held
        What each costs for a second that it is there sooner [millionths].
    arrivals
        When each departure arrives [s], rising.
    fixed
        Cost of a departure [millionths].
    paid
        What leaves with a departure in any case [kg], by departure.
    loads
        What each takes of what is limited. Shape (n, n_limits), int64.
    left
        What is left of that on each departure if all leave with their last one. Shape
        (n_departures, n_limits), int64.
    weights
        What each transfer weighs [kg]. Shape (n,).
    least
        Least load of a departure [kg].
    fill_price
        Cost of a kg below it [millionths].
    """

    first: np.ndarray
    last: np.ndarray
    held: np.ndarray
    arrivals: np.ndarray
    fixed: float
    paid: Mapping[int, float]
    loads: np.ndarray
    left: np.ndarray
    weights: np.ndarray
    least: float = 0.0
    fill_price: float = 0.0

    def chosen(self) -> np.ndarray:
        """Departure of each transfer, so that all cost little. Shape (n,), int64.

        The least there is where all have room.
        """
        found = self.last.copy()
        left, carried = self.left.copy(), self._carried()
        # Below its least load a departure that is paid anyway may be the dearer one.
        used = {*self._used(), *(() if self.fill_price else self.paid)}
        # From the first one on: what a departure gets of later ones is known before it
        # might be given up itself.
        for departure in np.unique(self.last).tolist():
            if departure in used:
                continue
            group = np.flatnonzero(self.last == departure)
            moved = self._sooner(group, sorted(used, reverse=True), left, carried)
            if moved is None:
                used.add(departure)
                continue
            found[group] = moved
            np.add.at(left, moved, -self.loads[group])
            np.add.at(carried, moved, self.weights[group])
            left[departure] += self.loads[group].sum(axis=0)
        return found

    def _carried(self) -> np.ndarray:
        """Weight on each departure if all leave with their last one [kg]."""
        found: np.ndarray = np.zeros(len(self.arrivals))
        np.add.at(found, self.last, self.weights)
        for departure, kg in self.paid.items():
            found[departure] += kg
        return found

    def _missing(self, carried: np.ndarray | float) -> float:
        """What lacks to the least load of departures [millionths]."""
        missing = np.maximum(self.least - np.asarray(carried), 0.0)
        return self.fill_price * float(missing.sum())

    def _sooner(
        self,
        group: np.ndarray,
        used: Sequence[int],
        left: np.ndarray,
        carried: np.ndarray,
    ) -> list[int] | None:
        """Departures of transfers that leave sooner, each with the last that has room.

        None: one has no room, or it costs more than a departure.
        """
        left, found, held = left.copy(), dict[int, int](), 0.0
        # First fit decreasing: the large ones find room while there is some.
        largest = sorted(group.tolist(), key=lambda one: -int(self.loads[one].sum()))
        for one in largest:
            load = self.loads[one]
            for at in used:
                if self.first[one] <= at < self.last[one] and (left[at] >= load).all():
                    break
            else:
                return None
            found[one] = at
            left[at] -= load
            held += self.held[one] * (self.arrivals[self.last[one]] - self.arrivals[at])
        moved = [found[one] for one in group.tolist()]
        fuller = carried.copy()
        np.add.at(fuller, moved, self.weights[group])
        some = np.unique(moved)
        departure = int(self.last[group[0]])
        saved = 0.0 if departure in self.paid else self.fixed
        saved += self._missing(carried[departure])
        saved += self._missing(carried[some]) - self._missing(fuller[some])
        return moved if held < saved else None

    def _used(self) -> list[int]:
        """Departures that are used where all cost least and have room, rising."""
        some = {*self.last.tolist(), *self.paid}
        dates = [one for one in sorted(some) if one <= int(self.last.max())]
        arrive = self.arrivals[dates].astype(float)
        place = np.searchsorted(dates, self.last)
        count, sums = len(dates), np.zeros((3, len(dates)))
        first = np.full(count, -1, np.int64)
        np.add.at(sums[0], place, self.held)
        np.add.at(sums[1], place, self.held * arrive[place])
        np.add.at(sums[2], place, self.weights)
        np.maximum.at(first, place, self.first)
        open_at = [0.0 if one in self.paid else self.fixed for one in dates]
        wanted = first >= 0
        best, before = [math.inf] * (count + 1), [-1] * (count + 1)
        for at in range(count):
            # Before the first departure that is used nobody has to leave.
            if not wanted[:at].any():
                best[at] = min(best[at], open_at[at])
                before[at] = -1 if best[at] == open_at[at] else before[at]
            held = weighed = 0.0
            load = self.paid.get(dates[at], 0.0)
            for until in range(at + 1, count + 1):
                # Somebody cannot leave so early, so no longer span begins here either.
                if first[until - 1] > dates[at]:
                    break
                held += sums[0, until - 1]
                weighed += sums[1, until - 1]
                load += sums[2, until - 1]
                more = open_at[until] if until < count else 0.0
                # The sum of H_i (arrival of l_i - arrival of d) over the span, by
                # running sums.
                cost = best[at] + weighed - held * arrive[at] + more
                if wanted[at:until].any():
                    cost += self.fill_price * max(0.0, self.least - load)
                if cost < best[until]:
                    best[until], before[until] = cost, at
        used = list[int]()
        at = before[count]
        while at >= 0:
            used.append(dates[at])
            at = before[at]
        return used[::-1]


class SharedDepartures:
    """Ends at which transfers of a plant stay so that their departures cost less."""

    def __init__(self, run: SearchableRun, model: Model) -> None:
        self._plant, plant = model.plant, model.plant
        self._ours = np.zeros(len(plant.order), bool)
        self._fixed, self._weight, self._least = np.zeros((3, len(plant.order)))
        self._fill_price = price(run.decisions.min_fill_price)
        facts, lanes = run.providers.facts, dict[str, int]()
        for item, way in model.ways.items():
            option, source = int(plant.x_start[item]), way.source
            least = source.least_load_kg if self._fill_price else 0.0
            if (
                (source.costs.shared > 0 or least)
                and plant.whole[option] == DEPARTS
                and plant.life[item] == FAR
                and not plant.mortal[item]
            ):
                self._ours[item] = True
                self._fixed[item] = price(source.costs.shared)
                self._least[item] = least
                each = facts.weight_kg(source.product)
                self._weight[item] = each * float(source.step)
                lanes[source.source] = int(plant.calendar[option])
        self._depth = _lanes_behind(model, self._ours)
        self._paid: dict[int, dict[int, float]] = {}
        for order in run.release.orders:
            lane = lanes.get(order.source_id)
            if lane is not None and order.existing is not None:
                arrives = order.timing.finish - model.as_of
                own = self._paid.setdefault(lane, {})
                own[arrives] = own.get(arrives, 0.0) + run.weight_kg(order)

    @property
    def depths(self) -> range:
        """How many such lanes goods take behind a transfer, the last ones first."""
        return range(int(self._depth.max(initial=-1)) + 1)

    def ends(
        self, early: ScheduleRecord, late: ScheduleRecord, alive: np.ndarray, depth: int
    ) -> Mapping[int, int]:
        """Ends by order of the transfers that leave with others, sooner than now.

        Parameters
        ----------
        early, late
            The schedule as early and as late as may be.
        alive
            Its orders.
        depth
            Of which lanes, as of `depths`.
        """
        item = np.asarray(late.o_item, np.int64)[alive]
        option = np.asarray(late.o_option, np.int64)[alive]
        ours = self._ours[item] & (self._depth[item] == depth)
        calendar = np.where(ours, self._plant.calendar[option], -1)
        found: dict[int, int] = {}
        for lane in np.unique(calendar[ours]).tolist():
            orders = alive[calendar == lane]
            found.update(self._of_lane(lane, early, late, orders))
        return found

    def _of_lane(
        self, lane: int, early: ScheduleRecord, late: ScheduleRecord, orders: np.ndarray
    ) -> Iterator[tuple[int, int]]:
        plant = self._plant
        windows = slice(plant.k_start[lane], plant.k_start[lane + 1])
        # The first and the last window have no end: nothing leaves with them.
        arrivals = np.asarray(plant.k_close[windows], np.int64)
        item = np.asarray(late.o_item, np.int64)[orders]
        first, last = (
            np.searchsorted(arrivals, np.asarray(one.o_end, np.int64)[orders])
            for one in (early, late)
        )
        # After the last departure of the calendar goods leave at any time, by
        # themselves.
        known = np.isin(np.asarray(late.o_end, np.int64)[orders], arrivals[:-1])
        if not known.any():
            return
        size = np.asarray(late.o_qty, np.int64)[orders]
        held = plant.each_day[plant.asked[item]] * size / DAY
        place = {at: number for number, at in enumerate(arrivals.tolist())}
        paid = self._paid.get(lane, {})
        loads, left = self._room(late, orders[known], len(arrivals))
        transfers = LaneTransfers(
            first=np.minimum(first, last)[known],
            last=last[known],
            held=held[known].astype(float),
            arrivals=arrivals,
            fixed=float(self._fixed[item].max()),
            paid={place[at]: kg for at, kg in paid.items() if at in place},
            loads=loads,
            left=left,
            weights=(self._weight[item] * size)[known],
            least=float(self._least[item].max()),
            fill_price=self._fill_price,
        )
        chosen = transfers.chosen()
        moved = chosen < transfers.last
        ends = arrivals[chosen[moved]].tolist()
        yield from zip(orders[known][moved].tolist(), ends, strict=True)

    def _room(
        self, late: ScheduleRecord, orders: np.ndarray, departures: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Loads of orders and what is left of departures, as of `LaneTransfers`."""
        plant = self._plant
        own = [
            (order, limit)
            for order in orders.tolist()
            for limit in range(
                plant.l_start[late.o_option[order]],
                plant.l_start[late.o_option[order] + 1],
            )
        ]
        places = sorted({int(plant.l_room[limit]) for _, limit in own})
        at = np.array(places, np.int64) + np.arange(departures)[:, np.newaxis]
        left = plant.l_most[at] - np.asarray(late.taken, np.int64)[at]
        row = {order: number for number, order in enumerate(orders.tolist())}
        loads = np.zeros((len(orders), len(places)), np.int64)
        for order, limit in own:
            taken = load_of(plant, limit, late.o_qty[order])
            loads[row[order], places.index(int(plant.l_room[limit]))] = taken
        return loads, left


def _lanes_behind(model: Model, ours: np.ndarray) -> np.ndarray:
    """How many of our items goods pass behind an item; -1: it is none of ours.

    Shape (n_items,), int64.
    """
    plant = model.plant
    behind = np.zeros(len(plant.order), np.int64)
    # Consumers come first: how many lanes are behind an item is known when it is its
    # turn.
    for item in plant.order.tolist():
        passed = int(behind[item]) + int(ours[item])
        for other in _below(model, item):
            behind[other] = max(behind[other], passed)
    found: np.ndarray = np.where(ours, behind, -1)
    return found


def _below(model: Model, item: int) -> Sequence[int]:
    """What an item takes, and the sources that serve it."""
    plant = model.plant
    parts = plant.c_item[plant.c_start[item] : plant.c_start[item + 1]].tolist()
    sources = plant.a_item[plant.a_start[item] : plant.a_start[item + 1]].tolist()
    return [one for one in (*parts, *sources) if one != item]
