"""A schedule problem out of a plan: its make orders that begin within a window.

The plan stays the frame. Planned orders to make that begin within the window are
scheduled anew; everything else keeps its dates. Where goods pass from one order to
another a handover date parts them: nothing is taken before it, and what is made later
is late. Between two scheduled orders it lies midway between the planned end of the one
and the planned take of the other, else at the date of the one that stays. So a schedule
in which no order is late fits into the plan as it is, and the plan's own sequence is
one of the solutions where none of its changeovers pauses over closed time, as set-ups
of a schedule never do (decomposition by due dates: Pinedo, Scheduling, 5th edition,
chapter 17).

Orders that a schedule file cannot state are not scheduled but stay where they are.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from medhavi.errors import UsageError
from medhavi.findings import finding
from medhavi.planners.planned_tables import providers_of, with_disruptions
from medhavi.planners.scheduling.planned_work import (
    ROUNDING,
    FixedWork,
    OrderWindows,
    named,
    planned_orders,
)
from medhavi.planners.scheduling.problem_file import ProblemFile
from medhavi.providers.capacity.clocks import Duration
from medhavi.providers.capacity.schedule import RoutingTask
from medhavi.results.schedules.problem import (
    ANY,
    NO_MACHINE,
    WAITING,
    Changeover,
    Objective,
    Option,
    Order,
    Resource,
    ScheduleProblem,
    Step,
)
from medhavi.snapshot.calendars.intervals import joined
from medhavi.units import (
    DAY,
    MINUTE,
    from_seconds,
    seconds_up,
    to_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.findings import Finding
    from medhavi.planners.scheduling.planned_work import (
        PlannedOrder,
        PlannedWork,
        Stretch,
    )
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.working_time import WorkingTime


@dataclass(slots=True, kw_only=True)
class ScheduledStep:
    """A step with the working time of each resource [s].

    `after` are the steps before it, each with what lies between [s]; `queue` is what
    lies before a first step: its order begins with it.
    """

    task: RoutingTask
    options: Mapping[str, int]
    after: list[tuple[int, int]] = field(default_factory=list)
    queue: int = 0

    def parts(
        self,
        gate: int | None,
        release: int,
        numbers: Iterator[int],
        planned: tuple[float, str],
    ) -> Iterator[Step]:
        """The step, before it the waits for what comes before it and for its goods.

        Parameters
        ----------
        gate
            Instant before which it may not begin [UTC s].
        release
            Instant before which nothing of its order begins [UTC s].
        numbers
            Of waits; no step of the order has one of them.
        planned
            Begin [min] and resource in the plan.
        """
        node, after = self.task.node, []
        for earlier, wait in self.after:
            own = earlier
            if wait:
                own = next(numbers)
                yield _wait(own, (earlier,), wait)
            after.append(own)
        if gate is not None and gate > release:
            after.append(next(numbers))
            yield _wait(after[-1], (), gate - release)
        yield Step(
            step=node.step,
            options=tuple(
                Option(resource=name, run_minutes=seconds / MINUTE)
                for name, seconds in sorted(self.options.items())
            ),
            after=tuple(after),
            family=node.family,
            splittable=node.splittable,
            initial_start_minutes=planned[0],
            initial_resource=planned[1],
        )


def _wait(number: int, after: tuple[int, ...], seconds: int) -> Step:
    option = Option(resource=WAITING, run_minutes=seconds / MINUTE)
    return Step(step=number, options=(option,), name="wait", after=after)


Window = tuple[dt.datetime, dt.datetime]
WINDOW_DAYS = 7.0
"""Days from now that are scheduled unless stated."""
_OBJECTIVE = (Objective.LATE_ORDERS, Objective.WEIGHTED_TARDINESS, Objective.SETUP)


class _UnsupportedError(Exception):
    """Why an order cannot be stated, in words."""


def _refuse(why: str) -> NoReturn:
    """Fail: an order is more than a schedule file can say."""
    raise _UnsupportedError(why)


def schedule_problem(
    snapshot: Snapshot, plan: Plan, window: float | Window = WINDOW_DAYS
) -> ProblemFile:
    """Schedule problem of the make orders of a plan that begin within a window.

    Parameters
    ----------
    snapshot
        Tables that the plan was made of.
    plan
        With finite capacity: of mode constrained or optimize.
    window
        Days from the plan's now on, or begin and end (aware); nothing before now.

    Returns
    -------
    ProblemFile
        The problem, to be given to `medhavi.schedule`, and findings about orders that
        stay as planned. `reference` of the problem holds the figures of the plan.

    Raises
    ------
    UsageError
        The plan has infinite capacity, is of other tables, or nothing of it can be
        scheduled within the window.
    """
    if plan.run.mode == "mrp":
        message = (
            "A plan of mode mrp has infinite capacity: its orders overlap. "
            "Schedule a plan of mode constrained or optimize."
        )
        raise UsageError(message)
    if plan.run.snapshot_fingerprint != snapshot.fingerprint:
        message = "The plan was made of other tables. Plan them first."
        raise UsageError(message)
    start, end = _instants(window, snapshot.as_of)
    return _PlanReader(snapshot, plan, start, end).read()


def _instants(window: float | Window, now: int) -> Stretch:
    if isinstance(window, tuple):
        start, end = (to_seconds(moment) for moment in window)
    else:
        start, end = now, now + seconds_up(window, DAY)
    start = max(start, now)
    if end <= start:
        message = "The window ends before it begins, or before the plan's now."
        raise UsageError(message)
    return start, end


class _PlanReader:
    """Reads a problem of a plan; instants are UTC seconds, minutes count from start."""

    def __init__(self, snapshot: Snapshot, plan: Plan, start: int, end: int) -> None:
        self.snapshot, self.plan = snapshot, plan
        self.start, self.end = start, end
        self.providers = providers_of(plan, with_disruptions(snapshot))
        self.orders = planned_orders(plan)
        self.reach = end
        self.kept: dict[str, str] = {}
        """Why an order that begins within the window stays as planned, by id."""
        self.windows: dict[str, list[Stretch]] = {}
        self.clocks: dict[str, WorkingTime] = {}
        self.units: dict[str, int] = {}
        self.steps: dict[str, dict[int, ScheduledStep]] = {}
        self.owner: dict[str, PlannedOrder] = {}
        """Order of work that stays, by the number that it has in the problem."""

    # ------------------------------------------------------------------ all of it
    def read(self) -> ProblemFile:
        free = self._stated()
        span = self.start, self.reach
        self.fixed = FixedWork(self.providers, self.orders, span, self.clocks)
        # What cannot be scheduled stays and takes room of others: looked at again.
        while True:
            fixed, faulty = self._fixed(free)
            if not faulty:
                break
            free = [one for one in free if not self._uses(one, faulty)]
        if not free:
            why = "; ".join(sorted(set(self.kept.values()))) or "none begins in it"
            message = f"No planned order to make can be scheduled in the window: {why}."
            raise UsageError(message)
        scheduled = {one.ident for one in free}
        self.order_windows = OrderWindows(self.providers, self.orders, scheduled)
        orders = [self._order(one) for one in free]
        resources = self._resources(free, orders)
        problem = ScheduleProblem(
            name=f"plan {self.plan.fingerprint[:12]}",
            start=from_seconds(self.start),
            resources=tuple(resources),
            orders=(*orders, *(order for order, _ in fixed)),
            changeovers=tuple(self._changeovers(resources)),
            objective=_OBJECTIVE,
            reference={
                "plan": self.plan.fingerprint,
                "orders_kept": len(self.kept),
                **self._as_planned(free, orders, fixed),
            },
        )
        return ProblemFile(problem=problem, findings=tuple(self._findings(free)))

    def _findings(self, free: Sequence[PlannedOrder]) -> Iterable[Finding]:
        reasons: dict[str, list[str]] = defaultdict(list)
        for order, why in self.kept.items():
            reasons[why].append(self.orders[order].name)
        for why in sorted(reasons):
            yield finding(
                "SCHED045", table="supplies", value=named(reasons[why]), why=why
            )
        paused = [
            order.name
            for order in free
            if any(
                self.fixed.pauses(one, order)
                for one in order.work
                # Of several units nobody says which one is changed over.
                if self.units.get(str(one.resource)) == 1
            )
        ]
        if paused:
            yield finding("SCHED046", table="supplies", value=named(paused))

    # ------------------------------------------------------- what can be scheduled
    def _stated(self) -> list[PlannedOrder]:
        """Planned orders that begin within the window and can be stated."""
        found = []
        for order in self.orders.values():
            if order.row["kind"] != "make" or not order.work:
                continue
            if not self.start <= order.begins < self.end:
                continue
            ident = order.ident
            if order.row["status"] != "planned" or any(w.locked for w in order.work):
                self.kept[ident] = "it is firmed, released or in process"
                continue
            if order.ends > 2 * self.end - self.start:
                self.kept[ident] = "it ends long after the window"
                continue
            self.reach = max(self.reach, order.ends)
            found.append(order)
        kept = []
        for order in found:
            try:
                self.steps[order.ident] = self._read_steps(order)
            except _UnsupportedError as why:
                self.kept[order.ident] = str(why)
            else:
                kept.append(order)
        return sorted(kept, key=lambda one: (one.start, one.name))

    def _read_steps(self, order: PlannedOrder) -> dict[int, ScheduledStep]:
        compiled = self.providers.capacity.compiled(order.row["source"])
        self._check_routing(order, compiled)
        product = order.row["product"]
        units = round(
            order.row["order_qty"] / float(self.providers.facts.step(product))
        )
        planned = {one.step: one for one in order.work}
        found: dict[int, ScheduledStep] = {}
        for task in compiled.tasks:
            if task.node.step not in planned:
                _refuse("a step of it is not in the plan")
            found[task.node.step] = self._read_step(task, units)
        for link in compiled.network.links:
            earlier, later = (
                compiled.network.nodes[link.earlier],
                compiled.network.nodes[link.later],
            )
            if link.kind != "finish_start" or link.max_lag is not None:
                _refuse("its steps overlap or may not lie far apart")
            wait = earlier.move + link.lag + link.safety + later.queue
            found[later.step].after.append((earlier.step, max(wait, 0)))
        for node in compiled.network.nodes:
            if not found[node.step].after:
                found[node.step].queue = node.queue
        return found

    def _check_routing(self, order: PlannedOrder, compiled: CompiledRouting) -> None:
        routing = order.row["source"]
        if len(compiled.outlets) != 1 or not compiled.outlets[0].plain:
            _refuse("it gives its products otherwise than at its end")
        if self.providers.capacity.held(routing):
            _refuse("it keeps a tool over several steps")
        if order.row["campaign"] is not None:
            _refuse("it is part of a campaign")
        recipe = self.providers.recipes.recipe(routing)
        if any(
            one.anchor != "start" or one.offset_minutes for one in recipe.components
        ):
            _refuse("it takes goods at other times than when a step begins")

    def _read_step(self, task: RoutingTask, units: int) -> ScheduledStep:
        node = task.node
        if node.batch is not None:
            _refuse("its steps overlap by transfer batches")
        if task.fixed_window is not None:
            _refuse("it is at work already")
        options = {}
        for option in self._options(task):
            name = self._machine(option)
            if option.axis.steady is None:
                _refuse(f"{name} works at a pace that changes")
            length = Duration.of(node, option, task.fixed, task.rate).length(units)
            options[name] = length
        return ScheduledStep(task=task, options=options)

    def _options(self, task: RoutingTask) -> Sequence[ResourceOption]:
        for epoch in task.plan.epochs:
            if epoch.start <= self.start and self.reach <= epoch.finish:
                return epoch.options
        _refuse("its machines change within the window")

    def _machine(self, option: ResourceOption) -> str:
        """Resource of an option; its open time becomes that of the resource."""
        capacity = self.providers.capacity
        finite = [(r, u) for r, u in option.resources if capacity.resource(r).finite]
        if not finite:
            if not option.axis.working.always_open:
                _refuse("a step without a finite machine has shifts")
            return NO_MACHINE
        if len(finite) > 1:
            _refuse("it needs several resources at once")
        ((name, units),) = finite
        clock = capacity.resource(name)
        if clock.bucket is not None:
            _refuse(f"hours of {name} are counted per {clock.bucket}")
        if units != 1:
            _refuse(f"it needs several units of {name}")
        windows = option.axis.working.segments(self.start, self.reach)
        offered = [one for one in clock.units(self.start, self.reach) if one[2] > 0]
        counts = {one[2] for one in offered}
        there = joined([(begin, end) for begin, end, _ in offered])
        if len(counts) > 1 or any(one != int(one) for one in counts):
            _refuse(f"units of {name} come and go")
        if (
            joined(windows) != there
            or self.windows.setdefault(name, windows) != windows
        ):
            _refuse(f"its step on {name} has shifts of its own")
        self.units[name] = int(next(iter(counts), 1))
        self.clocks.setdefault(name, option.axis.working)
        return name

    def _uses(self, order: PlannedOrder, faulty: Mapping[str, str]) -> bool:
        """Whether a resource of it cannot be scheduled; then it stays as planned."""
        ident = order.ident
        for step in self.steps[ident].values():
            for name in step.options:
                if name in faulty:
                    self.kept[ident] = faulty[name]
                    return True
        return False

    # --------------------------------------------------------- what keeps its dates
    def _fixed(
        self, free: Sequence[PlannedOrder]
    ) -> tuple[list[tuple[Order, PlannedWork]], dict[str, str]]:
        """Work that stays, as orders of fixed steps, and resources that cannot be.

        Behind the last free work on a resource only the next work counts.
        """
        scheduled = {one.ident for one in free}
        last: dict[str, int] = {}
        for ident in scheduled:
            for step in self.steps[ident].values():
                last |= {name: self.start for name in step.options if name not in last}
        for ident in scheduled:
            for one in self.orders[ident].work:
                if one.resource in last:
                    last[one.resource] = max(last[one.resource], one.finish)
        last.pop(NO_MACHINE, None)
        faulty = self.fixed.reserved(last)
        fixed: list[tuple[Order, PlannedWork]] = []
        for name, free_until in last.items():
            for one, order in self.fixed.staying(name, scheduled, free_until):
                stated = self.fixed.fixed_step(one, order)
                if stated is None:
                    faulty[name] = f"work on {name} that stays cannot be stated"
                    break
                self.owner[stated.order] = order
                fixed.append((stated, one))
        return [pair for pair in fixed if pair[1].resource not in faulty], faulty

    # ------------------------------------------------------------------ the problem
    def _minutes(self, instant: int) -> float:
        return (instant - self.start) / MINUTE

    def _order(self, order: PlannedOrder) -> Order:
        ident = order.ident
        stated = self.steps[ident]
        there = self.order_windows.there(order, self.start)
        roots = [step for step, one in stated.items() if not one.after]
        first = next(iter(stated)) if None in there else None
        release = self.start
        gates: dict[int, int] = {}
        for step, one in stated.items():
            come = max(there.get(step, self.start), self.start)
            if None in there and step == first:
                come = max(come, there[None])
            # Goods are taken behind the queue, which begins no sooner than now.
            gates[step] = max(come, self.snapshot.as_of + one.queue)
        # A single first step: what it waits for is the release of the order.
        if len(roots) == 1 and roots[0] in gates:
            release = gates.pop(roots[0])
        numbers = count(max(stated) + 1)
        planned: dict[int, tuple[float, str]] = {}
        for work in order.work:
            finite = work.resource in stated[work.step].options
            if finite or work.step not in planned:
                name = str(work.resource) if finite else NO_MACHINE
                planned[work.step] = self._minutes(work.start), name
        steps = [
            part
            for step in stated
            for part in stated[step].parts(
                gates.get(step), release, numbers, planned[step]
            )
        ]
        wanted = self.order_windows.due(order)
        # Goods are there some time after the last step: that is due so much earlier.
        tail = order.finish - order.ends
        due = None if wanted is None else max(self._minutes(wanted - tail), 0.0)
        return Order(
            order=order.name,
            steps=tuple(steps),
            product=order.row["product"],
            qty=order.row["qty"],
            release_minutes=self._minutes(release),
            due_minutes=due,
        )

    def _resources(
        self, free: Sequence[PlannedOrder], orders: Sequence[Order]
    ) -> list[Resource]:
        used = {
            name
            for order in free
            for step in self.steps[order.ident].values()
            for name in step.options
        }
        found = []
        for name in sorted(used - {NO_MACHINE}):
            clock = self.providers.capacity.resource(name)
            found.append(
                Resource(
                    resource=name,
                    units=self.units[name],
                    windows=tuple(
                        (self._minutes(begin), self._minutes(end))
                        for begin, end in self.windows[name]
                    ),
                    changeover_matrix=clock.matrix,
                    setup_family=None
                    if clock.matrix is None
                    else self.fixed.families.get(name),
                )
            )
        # Nothing waits for a unit of these: each step has one of its own.
        steps = [step for order in orders for step in order.steps]
        for name in (WAITING, NO_MACHINE):
            many = sum(any(o.resource == name for o in step.options) for step in steps)
            if many:
                found.append(Resource(resource=name, units=many))
        return found

    def _changeovers(self, resources: Sequence[Resource]) -> Iterable[Changeover]:
        matrices = {one.changeover_matrix for one in resources} - {None}
        rows = self.snapshot["changeovers"].filter(pl.col("matrix").is_in(matrices))
        # Of two rows that fit as well the one that names the family before counts.
        for row in sorted(
            rows.iter_rows(named=True),
            key=lambda one: (one["from_family"] == ANY, one["to_family"] == ANY),
        ):
            yield Changeover(
                matrix=row["matrix"],
                from_family=row["from_family"],
                to_family=row["to_family"],
                setup_minutes=seconds_up(row["setup_minutes"], MINUTE) / MINUTE,
                cost=row["cost"] or 0.0,
            )
        known = {
            *(task.node.family for own in self.steps.values() for task in _tasks(own)),
            *self.fixed.stated.values(),
            *self.fixed.families.values(),
        }
        families = sorted(one for one in known if one is not None)
        for name, (matrix, own, before) in sorted(self.fixed.as_planned.items()):
            for other in families:
                if other == name:
                    continue
                alike = str(self.fixed.own_family(other))
                pairs = [(other, name, alike, own)]
                # The turn of the other one gives its own pair.
                if other not in self.fixed.as_planned:
                    pairs.append((name, other, own, alike))
                for first, then, left, wanted in pairs:
                    seconds = self.providers.changeovers.seconds(matrix, left, wanted)
                    free = first == before and then == name
                    yield Changeover(
                        matrix=matrix,
                        from_family=first,
                        to_family=then,
                        setup_minutes=0.0 if free else seconds / MINUTE,
                    )

    def _as_planned(
        self,
        free: Sequence[PlannedOrder],
        orders: Sequence[Order],
        fixed: Sequence[tuple[Order, PlannedWork]],
    ) -> dict[str, float]:
        """Figures of the same work in the plan, to be compared with."""
        done = [
            self.fixed.changeover(one, order)
            for order in free
            for one in order.work
            if one.resource
        ]
        stays = [
            self.fixed.changeover(one, self.owner[stated.order])
            for stated, one in fixed
            if one.start >= self.start
            and stated.steps[0].family not in self.fixed.as_planned
        ]
        changes = [seconds for seconds in (*done, *stays) if seconds]
        over = [
            self._minutes(order.ends) - stated.due_minutes
            for order, stated in zip(free, orders, strict=True)
            if stated.due_minutes is not None
        ]
        return {
            "setup": float(len(changes)),
            "setup_minutes": sum(changes) / MINUTE,
            "late_orders": float(sum(1 for one in over if one > ROUNDING)),
            "weighted_tardiness": sum(max(one, 0.0) for one in over),
        }


def _tasks(steps: Mapping[int, ScheduledStep]) -> Iterable[RoutingTask]:
    return (one.task for one in steps.values())
