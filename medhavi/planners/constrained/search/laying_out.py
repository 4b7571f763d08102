"""Lay what a search found out as orders of a run: their late dates are the clocks'.

What is made gets its orders, needs and matches as found; what is bought is netted for
them as in any run. Needs and supply stand as early as can be, for there the causes are
read; `found_placing` moves them to where the orders stand, as late as may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from medhavi.planners.constrained.search.searchable import FoundItem, FoundOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.constrained.search.plant_model import Model
    from medhavi.planners.constrained.search.searchable import SearchableRun
    from medhavi.planners.constrained.search.seeking import Found
    from medhavi.planners.mrp.state import Need, Node, Order
    from medhavi.providers.timing import Timing


class MismatchError(Exception):
    """The providers do not say what the search went by."""


def differ(why: str) -> NoReturn:
    """Give up: the providers say something else.

    Raises
    ------
    MismatchError
        Always.
    """
    raise MismatchError(why)


class Work(NamedTuple):
    """When found orders work: `begin` to `end`, in stock at `finish`, by place.

    Shapes (n_orders,), int64 [UTC seconds].
    """

    begin: np.ndarray
    end: np.ndarray
    finish: np.ndarray


def work_of(model: Model, found: Found, start: np.ndarray) -> Work:
    """Give when found orders work that start at instants since now [s].

    Raises
    ------
    MismatchError
        Two of them would be on one machine at a time.
    """
    plant = model.plant
    item = np.asarray(found.order_item, np.int64)
    grains = np.asarray(found.order_qty, np.int64) // plant.grain[item]
    begin = model.as_of + np.asarray(start, np.int64)
    end = begin + plant.fixed[item] + grains * plant.rate[item]
    machine = plant.machine[item]
    row = np.lexsort((begin, machine))
    same = (machine[row][1:] == machine[row][:-1]) & (machine[row][1:] >= 0)
    if (same & (begin[row][1:] < end[row][:-1])).any():
        differ("a machine works on two orders at a time")
    return Work(begin, end, end + plant.post[item])


class Grouped:
    """Values by a number that each of them has, in order of place.

    Parameters
    ----------
    numbers
        Shape (n_places,), int64; places with a negative one are left out.
    count
        Numbers are below it.
    values
        Shape (n_places,), int64; by default the places themselves.
    """

    def __init__(
        self, numbers: np.ndarray, count: int, values: np.ndarray | None = None
    ) -> None:
        places = np.flatnonzero(numbers >= 0)
        places = places[np.argsort(numbers[places], kind="stable")]
        bounds = np.searchsorted(numbers[places], np.arange(count + 1))
        self._bounds: list[int] = bounds.tolist()
        self._values: list[int] = (
            places if values is None else values[places]
        ).tolist()

    def __getitem__(self, number: int) -> list[int]:
        """List the values of a number."""
        return self._values[self._bounds[number] : self._bounds[number + 1]]


class Taken:
    """Who takes how much by a number of the giver, in sequence of pegs.

    Parameters
    ----------
    givers, takers, amounts
        Shapes (n_pegs,), int64; pegs with a negative giver are left out.
    count
        Givers are below it.
    """

    def __init__(
        self,
        givers: np.ndarray,
        count: int,
        takers: np.ndarray,
        amounts: np.ndarray,
    ) -> None:
        pegs = np.flatnonzero(givers >= 0)
        pegs = pegs[np.argsort(givers[pegs], kind="stable")]
        bounds = np.searchsorted(givers[pegs], np.arange(count + 1))
        self._bounds: list[int] = bounds.tolist()
        self._takers: list[int] = takers[pegs].tolist()
        self._amounts: list[int] = amounts[pegs].tolist()

    def __getitem__(self, giver: int) -> tuple[list[int], list[int]]:
        """List takers and amounts of a giver."""
        low, high = self._bounds[giver], self._bounds[giver + 1]
        return self._takers[low:high], self._amounts[low:high]


class Layout:
    """Orders of a run as a search found them.

    Parameters
    ----------
    run
        Built, not netted.
    model, found
        The plant of the run; what was found.

    Attributes
    ----------
    orders
        What is made, by place among what was found; complete once it is laid.
    places
        Their places by index of the order.
    early, late
        When it works as early as can be, and as late as its takers allow.

    Raises
    ------
    MismatchError
        A machine would work on two orders at a time.
    """

    def __init__(self, run: SearchableRun, model: Model, found: Found) -> None:
        self.model = model
        self.found = found
        self.early = work_of(model, found, found.order_start)
        self.late = work_of(model, found, found.order_late_start)
        self.orders: list[Order] = []
        self.places: dict[int, int] = {}
        self._run = run
        self._release = run.release
        self._made: list[Order | None] = [None] * len(found.order_item)
        items = len(model.nodes)
        item = np.asarray(found.order_item, np.int64)
        giver = np.asarray(found.peg_from, np.int64)
        pegs = np.asarray(found.peg_to, np.int64), np.asarray(found.peg_qty, np.int64)
        stock = np.where(giver >= 0, -1, -2 - giver)
        # What is bought is netted anew.
        stock[model.plant.lead[stock] >= 0] = -1
        self._from_order = Taken(giver, len(item), *pegs)
        self._from_stock = Taken(stock, items, *pegs)
        # Of equal starts the first place comes first: sorting keeps their order.
        turn = np.argsort(np.asarray(found.order_start, np.int64), kind="stable")
        self._of_item = Grouped(item[turn], items, turn)
        self._item: list[int] = item.tolist()
        self._size: list[int] = np.asarray(found.order_qty, np.int64).tolist()
        # Who takes of a product, as pegs name them: the place of an order, or
        # -1 - demand.
        self._needs: dict[int, dict[int, Need]] = {
            id(node): {-1 - need.demand: need for need in node.needs}
            for node in model.nodes
        }

    def lay(self) -> None:
        """Make the orders, node by node, consumers first.

        Raises
        ------
        MismatchError
            A need is not served as found.
        """
        bought = (self.model.plant.lead >= 0).tolist()
        works = (self.early.begin, self.early.finish, self.late.begin, self.late.finish)
        dates = list(zip(*(one.tolist() for one in works), strict=True))
        for number, cluster in enumerate(self._run.clusters):
            if bought[number]:
                self._run.net_cluster(cluster)
                continue
            node = self.model.nodes[number]
            needs = self._needs[id(node)]
            self._serve_from_stock(number, node, needs)
            item = FoundItem(node, self.model.ways[number], self._needs)
            for place in self._of_item[number]:
                self._make(item, place, needs, dates[place])
            for need in node.needs:
                if need.open:
                    differ(f"{node.key} lacks {need.open}")
        self.orders = [order for order in self._made if order is not None]

    def _serve_from_stock(
        self, number: int, node: Node, needs: Mapping[int, Need]
    ) -> None:
        for taker, qty in zip(*self._from_stock[number], strict=True):
            left = qty
            for unit in node.units:
                if left and unit.free:
                    left -= self._release.match(needs[taker], unit, left)
            if left:
                differ(f"{node.key} has not that much stock")

    def _make(
        self,
        item: FoundItem,
        place: int,
        needs: Mapping[int, Need],
        dates: tuple[int, ...],
    ) -> None:
        begin, ready, late_begin, late_finish = dates
        takers, amounts = self._from_order[place]
        self._release.asked.append((item.node, ready, sum(amounts)))
        order = self._release.found_order(
            item,
            FoundOrder(
                place,
                self._size[place],
                self.timing(place, late_begin, late_finish),
                begin,
                ready,
                [needs[taker] for taker in takers],
                amounts,
            ),
        )
        if order is None:
            differ(f"{item.node.key} is taken twice")
        self._made[place] = order
        self.places[order.index] = place

    def timing(self, place: int, begin: int, finish: int) -> Timing:
        """Ask when a found order runs whose work begins at an instant.

        Raises
        ------
        MismatchError
            It would not be in stock when the search says.
        """
        model, number = self.model, self._item[place]
        timing = model.ways[number].source.clock.earliest(
            begin - model.queues[number], self._size[place]
        )
        if timing is None or timing.steps[0].start != begin or timing.finish != finish:
            differ(f"{model.nodes[number].key} runs otherwise")
        return timing
