"""Lay what a search found out as orders of a run: every date asked of its provider.

What is made gets its orders, needs and matches as found; what is bought is netted for
them as in any run. Then all is placed, first as early as found, for there the causes
are read, then as late as found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from medhavi.planners.constrained.placing import Placing
from medhavi.planners.mrp.release import Want
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.constrained.dating import FeasibleRelease
    from medhavi.planners.constrained.jobs import Job
    from medhavi.planners.constrained.lines import Line
    from medhavi.planners.constrained.search.plant_model import Model
    from medhavi.planners.constrained.search.searchable import SearchableRun
    from medhavi.planners.constrained.search.seeking import Found
    from medhavi.planners.constrained.sequence import Scene
    from medhavi.planners.constrained.shop import Shop
    from medhavi.planners.mrp.state import Need, Node, Order
    from medhavi.providers.timing import Timing


class MismatchError(Exception):
    """The providers do not say what the search went by."""


def _differ(why: str) -> NoReturn:
    raise MismatchError(why)


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
    late
        Timing of each order as late as its takers allow, by index of the order.
    """

    def __init__(self, run: SearchableRun, model: Model, found: Found) -> None:
        self._run = run
        self._release = run.release
        self._model = model
        self._found = found
        self.late: dict[int, Timing] = {}
        self._orders: list[Order | None] = [None] * len(found.order_item)
        self._needs: dict[tuple[int, int], Need] = {}
        self._of_item: dict[int, list[int]] = {}
        for place, item in enumerate(found.order_item):
            self._of_item.setdefault(item, []).append(place)
        self._from_stock: dict[int, list[int]] = {}
        self._from_order: dict[int, list[int]] = {}
        for peg, giver in enumerate(found.peg_from):
            if giver >= 0:
                self._from_order.setdefault(giver, []).append(peg)
            elif model.plant.lead[-2 - giver] < 0:
                self._from_stock.setdefault(-2 - giver, []).append(peg)

    def lay(self) -> None:
        """Make the orders, node by node, consumers first.

        Raises
        ------
        MismatchError
            A need is not served as found.
        """
        for need in self._release.needs:
            self._needs[-1 - need.demand, id(need.node)] = need
        for number, cluster in enumerate(self._run.clusters):
            node = self._model.nodes[number]
            if self._model.plant.lead[number] >= 0:
                self._run.net_cluster(cluster)
                continue
            self._serve_from_stock(number, node)
            places = self._of_item.get(number, [])
            start = self._found.order_start
            for place in sorted(places, key=lambda one: (start[one], one)):
                self._make(number, node, place)
            for need in node.needs:
                if need.open:
                    _differ(f"{node.key} lacks {need.open}")

    def _serve_from_stock(self, number: int, node: Node) -> None:
        for peg in self._from_stock.get(number, ()):
            left = self._found.peg_qty[peg]
            need = self._taker(peg, node)
            for unit in node.units:
                if left and unit.free:
                    left -= self._release.match(need, unit, left)
            if left:
                _differ(f"{node.key} has not that much stock")

    def _taker(self, peg: int, node: Node) -> Need:
        taker = self._found.peg_to[peg]
        if taker >= 0:
            order = self._orders[taker]
            if order is None:
                _differ("an order takes before it is made")
            taker = order.index
        return self._needs[taker, id(node)]

    def _make(self, number: int, node: Node, place: int) -> None:
        found, release = self._found, self._release
        way = self._model.ways[number]
        qty = found.order_qty[place]
        early = self._timing(number, qty, found.order_start[place])
        pegs = self._from_order.get(place, ())
        needs = [self._taker(peg, node) for peg in pegs]
        first = min(needs, key=lambda need: (need.priority, need.index))
        release.asked.append(
            (node, early.finish, sum(found.peg_qty[peg] for peg in pegs))
        )
        # What comes with a need stands before the order's own: they are numbered on.
        before = len(release.needs)
        want = Want(
            node,
            early.finish,
            qty,
            release.cause_of(first),
            first.priority,
            None,
            ALWAYS,
        )
        units = release.new_order(way, want, qty, early)
        order = units[0].order
        if order is None or len(units) != 1:
            _differ(f"{node.key} comes with something else")
        self._orders[place] = order
        for need in release.needs[before:]:
            self._needs[order.index, id(need.node)] = need
        for peg, need in zip(pegs, needs, strict=True):
            wanted = found.peg_qty[peg]
            if release.match(need, units[0], wanted) != wanted:
                _differ(f"{node.key} is taken twice")
        late = self._timing(number, qty, found.order_late_start[place])
        self.late[order.index] = late
        order.need = late.finish

    def _timing(self, number: int, qty: int, start: int) -> Timing:
        """Ask when an order runs that starts its work at an instant."""
        model = self._model
        plant = model.plant
        begin = model.as_of + start
        timing = model.ways[number].source.clock.earliest(
            begin - model.queues[number], qty
        )
        length = int(plant.fixed[number])
        length += qty // int(plant.grain[number]) * int(plant.rate[number])
        end = begin + length + int(plant.post[number])
        if timing is None or timing.steps[0].start != begin or timing.finish != end:
            _differ(f"{model.nodes[number].key} runs otherwise")
        return timing


class FoundPlacing(Placing):
    """Places orders where a search found room; purchases as in any run.

    Parameters
    ----------
    release, shop, scene
        As of `Placing`.
    late
        Timing of what is made as late as may be, by index of the order.
    """

    def __init__(
        self,
        release: FeasibleRelease,
        shop: Shop,
        scene: Scene,
        late: dict[int, Timing],
    ) -> None:
        super().__init__(release, shop, scene)
        self._late = late

    def forward(self) -> None:
        """Place purchases as early as can be, then all work as found."""
        bought = [job for job in self.jobs if job.order.kind != "make"]
        made = [job for job in self.jobs if job.order.kind == "make"]
        # Orders were made consumers first, so what brings has the higher number.
        made.sort(key=lambda job: (job.order.timing.start, -job.number))
        self.sequence = [*bought, *made]
        for job in bought:
            self._placed_early(job)
        for job in made:
            self._as_found(job)

    def _as_found(self, job: Job) -> None:
        order = job.order
        goods = job.goods
        start = job.floor
        if goods > ALWAYS:
            start = max(start, goods - self._shop.before_use(order))
        if start > order.timing.start:
            _differ(f"{order.node} starts before its goods are there")
        if start < order.timing.start:
            self._could_begin[job.number] = start
        self._shop.occupy(order, order.timing)
        job.placed = True

    def backward(self, lines: Iterable[Line]) -> None:
        """Let all work be as late as found, then purchases as late as that allows."""
        for job in reversed(self.sequence):
            if job.order.kind == "make":
                self._put(job, self._late[job.order.index])
        super().backward(lines)

    def _backward(self, job: Job) -> bool:
        return job.order.kind != "make" and super()._backward(job)
