"""Work of a plan that keeps its dates while other work is scheduled anew."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.providers.finite_capacity.occupancy import held_capacity
from medhavi.results.schedules.problem import Option, Order, Step
from medhavi.units import MINUTE, ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.planners.scheduling.planned_work import (
        PlannedOrder,
        PlannedWork,
        Stretch,
    )
    from medhavi.providers import Providers
    from medhavi.snapshot.calendars.working_time import WorkingTime


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
        bound = min([*behind, self._reach])
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
        change = 0 if begun else self.changeover(work, order)
        if begin is not None and change:
            free, before = self._ahead(work)
            fits = clock.first_fit(max(free, self._start), change)
            if fits is None or fits + change > begin:
                # It pauses over closed time, which a set-up of a schedule never does.
                run += booked
                begin = clock.subtract(finish, run)
                family = self._changed_as_planned(work, order, before)
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
        number = f"{order.name} {work.step}"
        return Order(order=number, steps=(step,), product=order.row["product"])

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
