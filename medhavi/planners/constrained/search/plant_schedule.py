"""Pegs of what a search found: who takes how much of what, by numbers of a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from medhavi.planners.constrained.memory import lines_together
from medhavi.planners.constrained.orders.jobs import (
    Job,
    PeggedNeed,
    dated_lines,
    forgotten_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )


class PlantSchedule(NamedTuple):
    """Orders and pegs of a schedule; instants count from now [s].

    `order_*`: item, quantity [steps], begin, end, option and lane of the work as early
    as can be and as late as its takers allow; `peg_*`: giver (an order, or -2 - a
    supply that stands), taker (an order, or -1 - demand), quantity [steps]. `finish`
    dates the demands. Shapes (n_orders,), (n_pegs,) and (n_demands,), int64. `*_beside`
    are the lanes of other machines that work needs, -1: no more, or what it takes of
    buckets [s]; shape (n_orders, n_others). `cut`: whether orders for some demand are
    cut into lots.
    """

    order_item: np.ndarray
    order_qty: np.ndarray
    order_start: np.ndarray
    order_end: np.ndarray
    order_option: np.ndarray
    order_lane: np.ndarray
    order_beside: np.ndarray
    order_late_start: np.ndarray
    order_late_end: np.ndarray
    order_late_option: np.ndarray
    order_late_lane: np.ndarray
    order_late_beside: np.ndarray
    peg_from: np.ndarray
    peg_to: np.ndarray
    peg_qty: np.ndarray
    finish: np.ndarray
    cost: int
    cut: bool
    effort: dict[str, float]


class MismatchError(Exception):
    """The providers do not say what the search went by."""


def differ(why: str) -> NoReturn:
    """Fail: the providers give another answer.

    Raises
    ------
    MismatchError
        Always.
    """
    raise MismatchError(why)


def at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values at places, -1 where a place is negative. Shapes (n,), int64."""
    # Place -1 is the last one, which is -1.
    found: np.ndarray = np.append(values, -1)[np.maximum(places, -1)]
    return found


def among(numbers: np.ndarray, some: Collection[int]) -> np.ndarray:
    """Whether numbers are among some. Shapes (n,), int64 and bool."""
    return np.isin(numbers, np.array(sorted(some), np.int64))


def gains_of(plant: Plant, item: np.ndarray, size: np.ndarray) -> np.ndarray:
    """What orders of some items give. Shapes (n_orders,), int64 [steps]."""
    found: np.ndarray = (
        size * plant.y_each[item] + plant.y_more[item]
    ) // plant.y_over[item]
    return found


def latest_arrival(plant: Plant, found: PlantSchedule, giver: int) -> int:
    """When goods of a giver are there at the latest [s since now]."""
    if giver < 0:
        return int(plant.s_ready[-2 - giver])
    return int(found.order_late_end[giver] + plant.post[found.order_item[giver]])


def with_freed(model: Model, found: PlantSchedule) -> tuple[PlantSchedule, bool]:
    """Pegs in which what stock levels keep until they fall is what they keep.

    Who takes what a fallen level leaves takes it of whatever came for the level.

    Returns
    -------
    found
        The same orders, with other pegs.
    whole
        Whether enough came for each level; else some who take of it lack something.
    """
    givers, takers = np.asarray(found.peg_from), np.asarray(found.peg_to)
    amounts = np.asarray(found.peg_qty)
    numbers = np.array([*model.freed], np.int64)
    freed = np.flatnonzero(np.isin(-2 - givers, numbers))
    if not len(freed):
        return found, True
    plant = model.plant
    # By when it is free: a level may keep what an earlier one left.
    freed = freed[np.argsort(plant.s_ready[-2 - givers[freed]], kind="stable")]
    rows = [
        list(row)
        for row in zip(givers.tolist(), takers.tolist(), amounts.tolist(), strict=True)
    ]
    came: dict[int, list[int]] = {}
    whole = True
    for place, (_, taker, _) in enumerate(rows):
        if -1 - taker >= model.first_level:
            came.setdefault(-1 - taker, []).append(place)
    for place in freed.tolist():
        giver, taker, left = rows[place]
        rows[place][2] = 0
        since, demand = latest_arrival(plant, found, giver), -1 - taker
        is_level = demand >= model.first_level
        for other in came.get(model.freed[-2 - giver], ()):
            source, _, rest = rows[other]
            part = min(left, rest)
            # What another level leaves, and not before this one, is not there yet.
            if not part or -2 - source in model.freed:
                continue
            if latest_arrival(plant, found, source) <= since:
                rows[other][2] -= part
                left -= part
                rows.append([source, taker, part])
                if is_level:
                    came[demand].append(len(rows) - 1)
        # A level that would be reached after it falls is left out. A late demand would
        # have waited for what it gets now, and gets it sooner than is known here.
        late = demand >= 0 and found.finish[demand] > plant.d_due[demand]
        whole &= is_level or not (left or late)
    pegs = np.array([row for row in rows if row[2]], np.int64).reshape(-1, 3).T
    return found._replace(peg_from=pegs[0], peg_to=pegs[1], peg_qty=pegs[2]), whole


class Columns:
    """Numbers in columns, by the product that each row is of.

    Parameters
    ----------
    products
        Number of the product of each row, in order. Shape (n_rows,), int64.
    count
        Products are below it.
    columns
        Shapes (n_rows,), int64.
    """

    def __init__(self, products: np.ndarray, count: int, *columns: np.ndarray) -> None:
        bounds = np.searchsorted(products, np.arange(count + 1))
        self._bounds: list[int] = bounds.tolist()
        self._columns = np.stack(columns)

    def __getitem__(self, product: int) -> list[list[int]]:
        """List the columns of a product."""
        low, high = self._bounds[product], self._bounds[product + 1]
        found: list[list[int]] = self._columns[:, low:high].tolist()
        return found


class Pegs(NamedTuple):
    """Who takes how much of what: needs (by index) take amounts of givers [steps].

    Shapes (n_pegs,), int64.
    """

    givers: np.ndarray
    needs: np.ndarray
    amounts: np.ndarray

    def sorted(self, *, kept: np.ndarray, by: np.ndarray | None = None) -> Pegs:
        """Some pegs by their givers, or by other numbers; equal ones stay in turn."""
        pegs = np.flatnonzero(kept)
        numbers = self.givers if by is None else by
        pegs = pegs[np.argsort(numbers[pegs], kind="stable")]
        return Pegs(*[one[pegs] for one in self])

    def sums(self, numbers: np.ndarray, count: int) -> np.ndarray:
        """Sum the amounts by numbers below a count."""
        sums = np.zeros(count, np.int64)
        np.add.at(sums, numbers, self.amounts)
        return sums


class NeedNumbers:
    """Which needs the orders of a search get: by order, one for each component.

    Parameters
    ----------
    item
        The number of the product of each order, in sequence of registration. Shape
        (n_orders,), int64.
    known
        The needs that are registered before, those of the demands among them.

    Attributes
    ----------
    count
        How many needs there are with them.
    first
        The first need of each order. Shape (n_orders,), int64.
    """

    def __init__(self, model: Model, item: np.ndarray, known: Sequence[Need]) -> None:
        plant = model.plant
        each = np.zeros(len(plant.order), np.int64)
        each[list(model.taken)] = [len(taken) for taken in model.taken.values()]
        ends = len(known) + np.cumsum(each[item])
        self.count = int(ends[-1]) if len(ends) else len(known)
        self.first = ends - each[item]
        self._items = len(plant.order)
        self._item, self._taken = item, model.taken
        # Each line of a step has one key, its item times all items plus its part, so
        # that lines are looked up by binary search for all pegs at once.
        lines = np.diff(plant.c_start)
        key = np.repeat(np.arange(len(lines)), lines) * len(lines) + plant.c_item
        self._sequence = np.argsort(key)
        self._key = key[self._sequence]
        self._needs = model.needs
        self._of_demand = np.full(len(plant.d_item), -1, np.int64)
        # What stands in for another comes after it.
        for need in reversed(known):
            if need.demand >= 0:
                self._of_demand[need.demand] = need.index
        self._of_demand[model.demands : model.first_level] = model.lacking

    def of(
        self, takers: np.ndarray, steps: np.ndarray, given: np.ndarray
    ) -> np.ndarray:
        """Needs of takers of a product, by index.

        Parameters
        ----------
        takers
            An order by its place, or -1 - demand. Shape (n_pegs,), int64.
        steps
            The item of the step of the order that takes it. Shape (n_pegs,), int64.
        given
            The number of the product. Shape (n_pegs,), int64.

        Raises
        ------
        MismatchError
            An order does not take of the product.
        """
        ours = takers >= 0
        needs = self._of_demand[np.where(ours, 0, -1 - takers)]
        wanted = steps[ours] * self._items + given[ours]
        # Beyond the last key there is nothing to compare with: clipped, it differs as
        # well.
        place = np.searchsorted(self._key, wanted)
        if (self._key.take(place, mode="clip") != wanted).any():
            differ("an order takes what it has no need of")
        needs[ours] = self.first[takers[ours]] + self._needs[self._sequence[place]]
        return needs

    def spread(self, pegs: Pegs, sizes: np.ndarray) -> Pegs:
        """Pegs with what an order takes in several lines of one step shared out.

        A search has one need of them; each but the last gets what it asks for.

        Parameters
        ----------
        pegs
            Those of needs that were found.
        sizes
            Of each order [steps]. Shape (n_orders,), int64.
        """
        several = self._several(sizes)
        if not several:
            return pegs
        rows = []
        for giver, need, amount in zip(*(one.tolist() for one in pegs), strict=True):
            left, own = amount, several.get(need, deque([(need, amount)]))
            while left:
                line, room = own[0]
                # The last line takes what is left: lines round up each, the search
                # rounds once.
                part = min(left, room) if len(own) > 1 else left
                rows.append((giver, line, part))
                left -= part
                own[0] = line, room - part
                if len(own) > 1 and room == part:
                    own.popleft()
        return Pegs(*np.array(rows, np.int64).reshape(-1, 3).T)

    def _several(self, sizes: np.ndarray) -> dict[int, deque[tuple[int, int]]]:
        """Needs of lines that a search has as one, by the first, with their units."""
        found: dict[int, deque[tuple[int, int]]] = {}
        for number, taken in self._taken.items():
            places = [own for own in lines_together(taken) if len(own) > 1]
            for order in np.flatnonzero(self._item == number) if places else ():
                first, size = int(self.first[order]), int(sizes[order])
                for own in places:
                    lines = (taken[place].line for place in own)
                    found[first + own[0]] = deque(
                        (first + place, line.steps(size))
                        for place, line in zip(own, lines, strict=True)
                        if line is not None
                    )
        return found


class Grouped:
    """Places by a number that each of them has, in order.

    Parameters
    ----------
    numbers
        Shape (n_places,), int64; places with a negative one are left out.
    count
        Numbers are below it.
    turn
        What places of one number are sorted by. Shape (n_places,), int64.
    """

    def __init__(self, numbers: np.ndarray, count: int, turn: np.ndarray) -> None:
        places = np.flatnonzero(numbers >= 0)
        places = places[np.lexsort((turn[places], numbers[places]))]
        bounds = np.searchsorted(numbers[places], np.arange(count + 1))
        self._bounds: list[int] = bounds.tolist()
        self._places: list[int] = places.tolist()

    def __getitem__(self, number: int) -> list[int]:
        """List the places of a number."""
        return self._places[self._bounds[number] : self._bounds[number + 1]]


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


def lanes_beside(plant: Plant, plan: ScheduleRecord, orders: np.ndarray) -> np.ndarray:
    """Lanes of the machines that orders need beside their own ones; -1: no more.

    Where hours are counted per bucket, what they take from the first one on [s].
    Shapes (n_orders,) and (n_orders, n_others), int64.
    """
    others = int(plan.width[1])
    # One row more than orders: the last one serves kernels to try.
    rows = np.array(plan.o_beside, np.int64).reshape(len(plan.o_item) + 1, others)
    option = np.asarray(plan.o_option, np.int64)[orders]
    count = plant.w_start[option + 1] - plant.w_start[option]
    count[plant.bucket[option] >= 0] = others
    return np.where(np.arange(others) < count[:, np.newaxis], rows[orders], -1)


class ScheduledJobs(Mapping[int, Job]):
    """Orders with what they take, made when they are asked for."""

    def __init__(
        self,
        release: FeasibleOrderCreation,
        takers: np.ndarray,
        floor: Callable[[SupplyOrder], int],
        through: Callable[[SupplyOrder], Mapping[int, int]],
    ) -> None:
        self._release = release
        turn = np.arange(len(takers))
        self._matches = Grouped(takers, len(release.orders), turn)
        self._floor = floor
        self._through = through
        self._known: dict[int, Job] = {}

    def __getitem__(self, index: int) -> Job:
        if self._release.orders[index].existing is not None:
            raise KeyError(index)
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._job(self._release.orders[index])
        return known

    def __iter__(self) -> Iterator[int]:
        orders = self._release.orders
        return (order.index for order in orders if order.existing is None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _job(self, order: SupplyOrder) -> Job:
        release = self._release
        units: dict[int, list[SupplyUnit]] = {}
        for match in self._matches[order.index]:
            unit = release.units[release.match_unit[match]]
            units.setdefault(release.match_need[match], []).append(unit)
        takes = [
            PeggedNeed(release.needs[need], found) for need, found in units.items()
        ]
        floor, through = self._floor(order), self._through(order)
        number = order.index
        return Job(number, order, takes, floor=floor, through=through, placed=True)


def require_lines(release: FeasibleOrderCreation) -> None:
    """Refuse new orders that take nothing by a line that holds when they run.

    Raises
    ------
    MismatchError
        There is one.
    """
    makes = [
        order
        for order in release.orders
        if order.kind == "make" and order.existing is None and order.units
    ]
    lines = dated_lines(release) if makes else {}
    for order in makes:
        if forgotten_line(order, release, lines.get(order.index, ())) is not None:
            differ(f"{order.source_id} does not take a component within its dates")


def may_free(run: SearchableRun) -> bool:
    """Whether some owner of a hold may be served without it."""
    return any(pin.upstream for pins in run.intake.pins.values() for pin in pins)


def unused_holds(
    run: SearchableRun,
    model: Model,
    found: PlantSchedule,
    known: Mapping[NodeKey, Mapping[str, int]],
) -> dict[NodeKey, dict[str, int]]:
    """What of holds on receipts their owners were served without, in full and in time.

    What a promise holds stays with its owner while the plan is sought. An owner that
    takes other goods would keep both from all others; so the search is made again with
    what it did not need, and everybody may take that. Goods that are there now stay set
    aside.

    Parameters
    ----------
    known
        What was found so before, in the form of the result: it is not asked twice.

    Returns
    -------
    dict of NodeKey to dict of str to int
        By place and reservation [units].
    """
    unused: dict[NodeKey, dict[str, int]] = {}
    giver, taker, qty = (
        np.asarray(one, np.int64)
        for one in (found.peg_from, found.peg_to, found.peg_qty)
    )
    for supply, one in enumerate(model.supplies):
        pin = one.pin
        if pin is None or not pin.upstream or one.unit.available <= run.as_of:
            continue
        if pin.label in known.get(pin.node.key, ()):
            continue
        owner = pin.demand
        left = one.qty - int(qty[giver == -2 - supply].sum())
        got = int(qty[taker == -1 - owner].sum())
        in_full = got >= run.intake.demands[owner].qty
        in_time = found.finish[owner] <= model.plant.d_due[owner]
        if left > 0 and in_full and in_time:
            own = unused.setdefault(pin.node.key, {})
            own[pin.label] = own.get(pin.label, 0) + left
    return unused
