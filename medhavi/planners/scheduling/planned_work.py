"""Orders of a plan around a schedule: their work, what stays, when goods pass on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.providers.finite_capacity.occupancy import held_capacity
from medhavi.results.schedules.problem import Option, Order, Step
from medhavi.units import HOUR, MINUTE, ceil_fraction, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from medhavi.providers import Providers
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot.calendars.working_time import WorkingTime


Node = tuple[str, str]
"""Product and place."""
Stretch = tuple[int, int]
"""Begin and end [UTC s]."""
ROUNDING = 1e-6
"""Quantities and minutes that differ by less are equal."""


class Consumption(NamedTuple):
    """What an order takes: product and place, by which step, and when [UTC s]."""

    node: Node
    step: int | None
    instant: int


@dataclass(slots=True, kw_only=True)
class PlannedWork:
    """A step of an order on a resource, as planned [UTC s]; `minutes` are its work.

    `setup_minutes` of it are its own set-up and what of a changeover is booked with it.
    """

    step: int
    resource: str | None
    start: int
    finish: int
    minutes: float
    setup_minutes: float
    units: float
    locked: bool


@dataclass(slots=True, kw_only=True)
class PlannedOrder:
    """An order of a plan.

    Parameters
    ----------
    row
        Of the plan's supplies.
    start, finish
        As there [UTC s].
    levels
        Demands that it serves, and how many orders are between.
    pegged
        Quantity that is pegged to demands.
    """

    row: Mapping[str, Any]
    start: int
    finish: int
    work: list[PlannedWork] = field(default_factory=list)
    levels: set[tuple[str, int]] = field(default_factory=set)
    pegged: float = 0.0

    @property
    def ident(self) -> str:
        """Id of the order."""
        return str(self.row["id"])

    @property
    def name(self) -> str:
        """Number of the order, for people."""
        return str(self.row["number"] or self.row["id"])

    @property
    def node(self) -> Node:
        """What it gives, and where."""
        return self.row["product"], self.row["location"]

    @property
    def begins(self) -> int:
        """Begin of its first step [UTC s]."""
        return min(one.start for one in self.work)

    @property
    def ends(self) -> int:
        """End of its last step [UTC s]."""
        return max(one.finish for one in self.work)

    @property
    def spare(self) -> bool:
        """Whether a part of it is pegged to no demand."""
        return bool(self.pegged < self.row["qty"] - ROUNDING)


def planned_orders(plan: Plan) -> dict[str, PlannedOrder]:
    """Orders of a plan by id, with their work and the demands that they serve."""
    found = {
        row["id"]: PlannedOrder(
            row=row,
            start=to_seconds(row["start"] or row["finish"]),
            finish=to_seconds(row["finish"]),
        )
        for row in plan.supplies.iter_rows(named=True)
        if row["finish"] is not None
    }
    work = plan.operations.group_by(
        "supply", "step", "resource", maintain_order=True
    ).agg(
        pl.col("start").min(),
        pl.col("finish").max(),
        (pl.col("setup_minutes") + pl.col("run_minutes")).sum().alias("minutes"),
        pl.col("setup_minutes").sum(),
        pl.col("units").max(),
        pl.col("locked").any(),
    )
    for row in work.iter_rows(named=True):
        if row["supply"] in found:
            found[row["supply"]].work.append(
                PlannedWork(
                    step=row["step"],
                    resource=row["resource"] or None,
                    start=to_seconds(row["start"]),
                    finish=to_seconds(row["finish"]),
                    minutes=row["minutes"],
                    setup_minutes=row["setup_minutes"],
                    units=row["units"] or 1.0,
                    locked=row["locked"],
                )
            )
    pegs = plan.pegging.group_by("supply", maintain_order=True).agg(
        pl.col("qty").sum(), pl.struct("demand", "level").alias("levels")
    )
    for supply, qty, levels in pegs.iter_rows():
        if supply in found:
            found[supply].pegged = qty
            found[supply].levels = {(one["demand"], one["level"]) for one in levels}
    return found


def named(names: Iterable[str]) -> str:
    """Three of some names, and how many more.

    >>> named(["D", "C", "B", "A"])
    'A, B, C and 1 more'
    """
    named = sorted(names)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more


class OrderWindows:
    """Dates between which scheduled orders may move with no other one moving.

    Of what an order gives, its pegs say who takes it; what is pegged to no demand is
    there for whoever takes of the product next.

    Parameters
    ----------
    providers
        Recipes and lanes of the plan.
    orders
        All orders of the plan, by id.
    scheduled
        Ids of those that may move.
    """

    def __init__(
        self,
        providers: Providers,
        orders: Mapping[str, PlannedOrder],
        scheduled: Collection[str],
    ) -> None:
        self._providers = providers
        snapshot = providers.snapshot
        lanes = snapshot["lanes"].select("lane", "origin", "cutoff_h")
        self._lanes = {
            lane: (origin, round((cutoff or 0.0) * HOUR))
            for lane, origin, cutoff in lanes.iter_rows()
        }
        self._due = dict(snapshot["demands"].select("demand", "due").iter_rows())
        self._takes = {ident: self._taken_by(one) for ident, one in orders.items()}
        self._by_level: dict[tuple[str, int], list[PlannedOrder]] = defaultdict(list)
        self._taking: dict[Node, list[tuple[int, str]]] = defaultdict(list)
        self._spare: dict[Node, list[PlannedOrder]] = defaultdict(list)
        for order in orders.values():
            for level in order.levels:
                self._by_level[level].append(order)
            if order.spare:
                self._spare[order.node].append(order)
            for take in self._takes[order.ident]:
                self._taking[take.node].append((take.instant, order.ident))
        self._dates = {
            ident: self._date(order, scheduled) for ident, order in orders.items()
        }

    def due(self, order: PlannedOrder) -> int | None:
        """Last instant at which goods of an order hurt nobody [UTC s]; None: ever.

        For what is delivered from where it is made that is the due date of its demand,
        though the plan be late.
        """
        dates = [
            to_seconds(self._due[demand])
            for demand, level in order.levels
            if level == 0 and demand in self._due
        ]
        if next(self._takers(order), None) is not None:
            dates.append(self._dates[order.ident])
        return min(dates, default=None)

    def there(self, order: PlannedOrder, start: int) -> dict[int | None, int]:
        """Instants at which what its steps take has come [UTC s].

        By step; None is what its first step takes. Never later than it is taken in the
        plan, nor earlier than `start`.
        """
        found: dict[int | None, int] = {}
        for take in self._takes[order.ident]:
            givers = [
                other
                for demand, level in order.levels
                for other in self._by_level.get((demand, level + 1), ())
                if other.node == take.node
            ]
            dates = [
                self._dates[other.ident]
                for other in (*givers, *self._spare.get(take.node, ()))
                if other.finish <= take.instant
            ]
            latest = min(max(dates, default=start), take.instant)
            found[take.step] = max(found.get(take.step, start), latest)
        return found

    def _date(self, order: PlannedOrder, scheduled: Collection[str]) -> int:
        """Instant at which goods of an order pass on [UTC s]."""
        wanted = min(self._takers(order), default=None)
        if wanted is None or order.ident not in scheduled:
            return order.finish
        slack = wanted[0] - order.finish
        return order.finish + (slack // 2 if wanted[1] in scheduled else slack)

    def _takers(self, order: PlannedOrder) -> Iterator[tuple[int, str]]:
        """When others take goods of an order, and who."""
        for demand, level in order.levels:
            for other in self._by_level.get((demand, level - 1), ()):
                for take in self._takes[other.ident]:
                    if take.node == order.node and take.instant >= order.finish:
                        yield take.instant, other.ident
        if order.spare:
            later = (one for one in self._taking[order.node] if one[0] >= order.finish)
            first = min(later, default=None)
            if first is not None:
                yield first

    def _taken_by(self, order: PlannedOrder) -> list[Consumption]:
        """What an order takes in the plan."""
        row = order.row
        if row["kind"] == "move":
            lane = self._lanes.get(row["lane"] or row["source"])
            if lane is None:
                return []
            origin, cutoff = lane
            leaves = order.start if row["departure"] is None else row["departure"]
            left = leaves if isinstance(leaves, int) else to_seconds(leaves)
            return [Consumption((row["product"], origin), None, left - cutoff)]
        if row["kind"] != "make" or row["status"] == "in_process" or not order.work:
            return []
        begins = {one.step: one.start for one in order.work}
        first = min(begins.values())
        found = []
        for one in self._providers.recipes.recipe(row["source"]).components:
            at = begins.get(one.step, first) if one.step is not None else first
            offset = min(0, round(one.offset_minutes * MINUTE))
            node = one.component, one.location
            found.append(Consumption(node, one.step, at + offset))
        return found


class FixedWork:
    """Steps that stay where they are planned, as a schedule file states them.

    Parameters
    ----------
    orders
        All orders of the plan, by id.
    span
        Begin of the window, and how far anything of it reaches [UTC s].
    clocks
        Open time of each resource.

    Attributes
    ----------
    families
        What each resource is set up for when the window begins.
    stated
        Family of each fixed step, by order and step.
    as_planned
        Of families of single steps their matrix, own family, and the one before.
    """

    def __init__(
        self,
        providers: Providers,
        orders: Mapping[str, PlannedOrder],
        span: Stretch,
        clocks: Mapping[str, WorkingTime],
    ) -> None:
        self._providers, self._clocks = providers, clocks
        self._start, self._reach = span
        self._work: dict[str, list[tuple[PlannedWork, PlannedOrder]]] = defaultdict(
            list
        )
        """Work on each resource with its order, by its end."""
        for order in orders.values():
            for one in order.work:
                if one.resource is not None:
                    self._work[one.resource].append((one, order))
        for done in self._work.values():
            done.sort(key=lambda pair: pair[0].finish)
        self.families = dict(providers.capacity.states)
        self.stated: dict[tuple[str, int], str | None] = {}
        self.as_planned: dict[str, tuple[str, str, str | None]] = {}

    def reserved(self, names: Iterable[str]) -> dict[str, str]:
        """Resources of which time is reserved for promises, with words for it."""
        capacity = self._providers.capacity
        holds = held_capacity(self._providers.reservations.capacity, capacity, ())
        taken = {
            resource
            for hold in holds
            for held in hold.windows
            if held.finish > self._start
            for resource, _ in held.resources
        }
        return {
            name: f"time of {name} is reserved for promises"
            for name in names
            if name in taken
        }

    def staying(
        self, name: str, scheduled: Collection[str], free_until: int
    ) -> Iterable[tuple[PlannedWork, PlannedOrder]]:
        """Work of other orders on a resource that counts, by its begin."""
        others = sorted(
            (pair for pair in self._work[name] if pair[1].ident not in scheduled),
            key=lambda pair: (pair[0].start, pair[0].finish, pair[1].name),
        )
        before = [pair for pair in others if pair[0].start < self._start]
        if before and (family := self.family(*before[-1])) is not None:
            self.families[name] = family
        behind = [one.start for one, _ in others if one.start >= free_until]
        bound = min([*behind, self._reach - 1])
        for one, order in others:
            if one.finish > self._start and one.start <= bound:
                yield one, order

    def family(self, work: PlannedWork, order: PlannedOrder) -> str | None:
        """Family of a step of an order, if its routing says one."""
        if order.row["kind"] != "make" or order.row["source"] is None:
            return None
        nodes = self._providers.capacity.compiled(order.row["source"]).network.nodes
        return next((one.family for one in nodes if one.step == work.step), None)

    def fixed_step(self, work: PlannedWork, order: PlannedOrder) -> Order | None:
        """Order of one fixed step; None where its planned dates cannot be stated."""
        assert work.resource is not None
        if work.units != 1:
            return None
        name = work.resource
        clock, finish = self._clocks[name], min(work.finish, self._reach)
        begun = work.start < self._start
        booked = 0 if begun else self._booked_change(work, order)
        run = clock.between(max(work.start, self._start), finish) - booked
        if not begun and work.finish <= self._reach:
            run = round(work.minutes * MINUTE) - booked
        family = self.family(work, order)
        begin = clock.subtract(finish, run)
        if begin is not None and not begun and self._pauses(work, order, begin):
            run += booked
            begin = clock.subtract(finish, run)
            family = self._changed_as_planned(work, order, self._ahead(work)[1])
        if begin is None or begin < self._start or clock.add(begin, run) != finish:
            return None
        self.stated[order.ident, work.step] = family
        step = Step(
            step=work.step,
            options=(Option(resource=name, run_minutes=run / MINUTE),),
            name="as planned",
            family=family,
            splittable=True,
            start_minutes=(begin - self._start) / MINUTE,
            resource=name,
        )
        number = f"{order.name}, step {work.step}"
        return Order(order=number, steps=(step,), product=order.row["product"])

    def pauses(self, work: PlannedWork, order: PlannedOrder) -> bool:
        """Whether the changeover before work pauses over closed time in the plan.

        A set-up of a schedule never does.
        """
        clock = self._clocks[str(work.resource)]
        run = round(work.minutes * MINUTE) - self._booked_change(work, order)
        begin = clock.subtract(work.finish, run)
        return begin is not None and self._pauses(work, order, begin)

    def _pauses(self, work: PlannedWork, order: PlannedOrder, begin: int) -> bool:
        """Whether the changeover before a run that begins then [UTC s] pauses."""
        change = self.changeover(work, order)
        if not change:
            return False
        clock, (free, _) = self._clocks[str(work.resource)], self._ahead(work)
        fits = clock.first_fit(max(free, self._start), change)
        return fits is None or fits + change > begin

    def _changed_as_planned(
        self, work: PlannedWork, order: PlannedOrder, before: str | None
    ) -> str:
        """Family of a fixed step whose changeover is part of its planned time.

        It needs none behind what the plan has before it; to all else it is as its own.
        """
        own, matrix = self.family(work, order), self._matrix(work)
        assert own is not None
        assert matrix is not None
        name = f"{own}, {order.name} {work.step}"
        self.as_planned[name] = matrix, own, before
        return name

    def _matrix(self, work: PlannedWork) -> str | None:
        return self._providers.capacity.resource(str(work.resource)).matrix

    def _booked_change(self, work: PlannedWork, order: PlannedOrder) -> int:
        """Changeover that is booked with a step in the plan [s]."""
        if self.family(work, order) is None:
            return 0
        tasks = self._providers.capacity.compiled(order.row["source"]).tasks
        own = {
            ceil_fraction(option.setup / (option.axis.steady or 1))
            for task in tasks
            if task.node.step == work.step
            for epoch in task.plan.epochs
            for option in epoch.options
            if any(name == work.resource for name, _ in option.resources)
        }
        return max(round(work.setup_minutes * MINUTE) - max(own, default=0), 0)

    def _ahead(self, work: PlannedWork) -> tuple[int, str | None]:
        """End of the work before, on the resource of some, and the family it leaves."""
        done = self._work[str(work.resource)]
        count = bisect_right(done, work.start, key=lambda pair: pair[0].finish)
        if not count:
            state = self._providers.capacity.states.get(str(work.resource))
            return self._start, state
        finish = done[count - 1][0].finish
        # Of several that end then, the first one.
        first = bisect_left(done, finish, key=lambda pair: pair[0].finish)
        one, other = done[first]
        stated = self.stated.get((other.ident, one.step))
        return finish, stated or self.family(one, other)

    def changeover(self, work: PlannedWork, order: PlannedOrder) -> int:
        """Changeover that a step needs in the sequence of the plan [s]."""
        matrix, family = self._matrix(work), self.family(work, order)
        if matrix is None or family is None:
            return 0
        _, before = self._ahead(work)
        return self._providers.changeovers.seconds(
            matrix, self.own_family(before), family
        )

    def own_family(self, family: str | None) -> str | None:
        """Family as the tables name it."""
        known = None if family is None else self.as_planned.get(family)
        return family if known is None else known[1]
