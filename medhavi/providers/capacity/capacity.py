"""Capacity: the only reader of steps, resources and their calendars (design 2).

Plans of mode mrp ask when an order of a routing must start and would be through, with
capacity that is never full (rule 2): calendars and windows are obeyed, other orders
and disruptions (rule 20) are not looked at, and set-up is the step's own, without
changeover times. The other modes ask `finite.FiniteCapacity`, which places the same
compiled routings among other orders.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Literal

from medhavi.findings import finding
from medhavi.providers.capacity.axis import UNLIMITED
from medhavi.providers.capacity.network import moved
from medhavi.providers.capacity.orders import OwnSlots, StepProgress, dated, remaining
from medhavi.providers.capacity.resources import ResourceClock, Resources
from medhavi.providers.capacity.routings import Routings
from medhavi.providers.product_facts import WHOLE, ProductFacts
from medhavi.providers.table_rows import read_tables, validity
from medhavi.units import ALWAYS, MINUTE, NEVER, seconds_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from fractions import Fraction

    from medhavi.findings import Finding
    from medhavi.providers.capacity.axis import StepSlots
    from medhavi.providers.capacity.resources import WithheldCapacity
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.sources import Clock, OrderTiming, StepWindow
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.calendars import Calendars, WorkingTime

__all__ = ["Capacity", "ResourceClock"]

TABLES = (
    "changeovers",
    "cleaning_windows",
    "disruptions",
    "locations",
    "products",
    "resource_skills",
    "resource_state",
    "resource_units",
    "resources",
    "routing_outputs",
    "routings",
    "step_links",
    "step_resources",
    "steps",
    "supply_order_steps",
)


class Capacity:
    """Times and yields of routings, working time of resources.

    Parameters
    ----------
    snapshot
        A snapshot without errors.
    infinite
        A skill that no member of a pool ever has limits nothing.
    finite
        Units and disruptions limit the time in which steps can work (rule 20).
    yields
        Good shares of steps in the place of the stated ones, by routing and step.

    Raises
    ------
    BadData
        From every method that is asked for a routing whose step links lead in a circle.
    KeyError
        No such routing or resource.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        calendars: Calendars,
        *,
        infinite: bool = False,
        finite: bool = False,
        yields: Mapping[tuple[str, int], Fraction] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._learned = yields or {}
        self._finite = finite
        self._calendars = calendars
        self._unlimited: Capacity | None = None
        self._tables = read_tables(snapshot, TABLES)
        self._resources = Resources(
            self._tables, calendars, infinite=infinite, finite=finite
        )
        self._routings = Routings(
            self._tables,
            ProductFacts(self._tables),
            calendars,
            self._resources,
            snapshot.as_of,
            self._learned,
        )
        self._progress = self._tables["supply_order_steps"].index("supply_order")
        self._clocks: dict[tuple[int, float, int], Clock] = {}
        self._hard: dict[str, tuple[CompiledRouting, Clock]] = {}

    # --------------------------------------------------------------------- orders
    def clock(
        self, routing: str, safety_days: float, location_time: WorkingTime
    ) -> Clock:
        """Clock of new orders of a routing.

        Parameters
        ----------
        safety_days
            Soft days between output and need, counted in `location_time`.
        location_time
            Calendar of the location.
        """
        compiled = self._routings.compiled(routing)
        key = (id(compiled), safety_days, id(location_time))
        known = self._clocks.get(key)
        if known is None:
            known = compiled.clock(safety_days, location_time)
            self._clocks[key] = known
        return known

    def existing(
        self,
        supply_order: str,
        routing: str,
        order_steps: tuple[int, int],
        due: int,
        start: int | None = None,
    ) -> OrderTiming:
        """Times of an order that exists; it ends when it is due (rule 3).

        A stated start dates the steps forward from it; else they end by `due`, as late
        as possible and without soft time. Steps of work in progress that are completed
        are not there any more, others have the time that remains. Where units limit,
        steps side by side take turns on what has not enough for all of them.

        Parameters
        ----------
        supply_order
            Order id, for its rows of `supply_order_steps`.
        order_steps
            Size of the whole order and what is done of it [units of routing units].
        due, start
            Instants [s].
        """
        hard, clock = self._without_soft_time(routing)
        whole, done = order_steps
        progress = self.progress(supply_order)
        if not progress:
            return dated(clock, whole - done, due, start)
        rest = remaining(hard, order_steps, progress)
        clock = rest.clock(0.0, rest.location_time, self._own_slots())
        return dated(clock, whole, due, start)

    def _own_slots(self) -> StepSlots:
        """Where the steps of an order that exists may stand."""
        return OwnSlots(self._resources) if self._finite else UNLIMITED

    def has_locked_step(self, supply_order: str) -> bool:
        """Whether a step that is left of an order is locked: all of it stays then."""
        return any(one.locked for one in self.progress(supply_order))

    def progress(self, supply_order: str) -> tuple[StepProgress, ...]:
        """What is stated of the steps of an order that exists."""
        rows = self._tables["supply_order_steps"]
        numbers = self._progress.get(supply_order, ())
        return tuple(StepProgress.of(rows.row(number)) for number in numbers)

    def _without_soft_time(self, routing: str) -> tuple[CompiledRouting, Clock]:
        known = self._hard.get(routing)
        if known is None:
            hard = self._routings.compiled(routing).hard()
            clock = hard.clock(0.0, hard.location_time, self._own_slots())
            known = self._hard[routing] = hard, clock
        return known

    def instant(
        self,
        routing: str,
        timing: OrderTiming,
        step: int | None,
        anchor: Literal["start", "end"],
        offset_minutes: float = 0.0,
    ) -> int:
        """Instant at which a step takes a component (rule 15).

        No step means that which begins the order. The start is that after the queue;
        the end is that of the step, before its move. What a completed step has not
        taken yet is taken when the first step that remains starts.
        """
        steps = timing.steps
        if not steps:
            moment = timing.start if anchor == "start" else timing.finish
            return self._offset(routing, step, moment, offset_minutes)
        if step is None:
            step = self._routings.network(routing).nodes[0].step
        first = steps[0]
        window_of = first if step == first.step else _find(steps, step)
        if window_of is None:
            return self._offset(routing, step, first.start, offset_minutes)
        moment = window_of.start if anchor == "start" else window_of.finish
        if not offset_minutes:
            return moment
        return self._offset(routing, window_of.step, moment, offset_minutes, window_of)

    def output_instant(
        self,
        routing: str,
        timing: OrderTiming,
        step: int | None,
        anchor: Literal["start", "end"],
        offset_minutes: float = 0.0,
    ) -> int:
        """Instant at which an output of a step is in stock (rule 15).

        No step means the last: when all are through. The end is that after the move.
        What a completed step gave is booked with the rest of its order, when that is
        finished.
        """
        steps = timing.steps
        if step is None and not steps:
            return self._offset(routing, step, timing.finish, offset_minutes)
        window_of = _last(steps) if step is None else _find(steps, step)
        if window_of is None:
            return timing.finish
        moment = window_of.start if anchor == "start" else window_of.after
        return self._offset(routing, window_of.step, moment, offset_minutes, window_of)

    def _offset(
        self,
        routing: str,
        step: int | None,
        moment: int,
        offset_minutes: float,
        at: StepWindow | None = None,
    ) -> int:
        if not offset_minutes:
            return moment
        offset = seconds_up(offset_minutes, MINUTE)
        compiled = self._routings.compiled(routing)
        working = compiled.location_time
        if step is not None:
            working = compiled.step_times.get(step, working)
        found = moved(working, at, moment, offset)
        # Where nothing opens any more, elapsed time is all that is left.
        return moment + offset if found is None else found

    def compiled(self, routing: str) -> CompiledRouting:
        """Routing as the clocks use it."""
        return self._routings.compiled(routing)

    def choices(self, routing: str) -> dict[int, tuple[str, ...]]:
        """Resources that can do each step of a routing, by its number."""
        found: dict[int, tuple[str, ...]] = {}
        for task in self.compiled(routing).tasks:
            options = (one for epoch in task.plan.epochs for one in epoch.options)
            names = (name for option in options for name, _ in option.resources)
            found[task.node.step] = tuple(dict.fromkeys(names))
        return found

    def is_second_choice(
        self, routing: str, step: int, used: Collection[str], start: int
    ) -> bool:
        """Whether a step prefers another resource than those that do it.

        Parameters
        ----------
        used
            Resources that do it.
        start
            When it begins [s].
        """
        return self._routings.is_second_choice(routing, step, used, start)

    def hard(self, routing: str) -> CompiledRouting:
        """Routing without its soft time."""
        return self._without_soft_time(routing)[0]

    def held(self, routing: str) -> tuple[tuple[str, float, int, int], ...]:
        """List what is held over several steps: resource, units, first and last step.

        `until_step` names the last one (rule of the table `step_resources`).
        """
        return self._routings.held(routing)

    @property
    def unlimited(self) -> Capacity:
        """The same routings as if capacity were never short (rules 2 and 20)."""
        if self._unlimited is None:
            self._unlimited = Capacity(
                self._snapshot, self._calendars, infinite=True, yields=self._learned
            )
        return self._unlimited

    def sparing(self, spared: WithheldCapacity) -> Capacity:
        """Same routings for work that leaves time free or is slowed."""
        resources = self._resources.sparing(spared)
        made: Capacity = copy(self)
        made._resources = resources
        made._routings = self._routings.sparing(resources, spared)
        made._clocks = {}
        made._hard = {}
        return made

    def stated_units(self, resource: str) -> bool:
        """Whether rows of `resource_units` hold for a resource."""
        return resource in self._tables["resource_units"].column("resource")

    def offering(self, resource: str, rows: Iterable[Row]) -> Capacity | None:
        """Same routings where a resource has other units for a time.

        Parameters
        ----------
        rows
            All its rows of `resource_units`.

        Returns
        -------
        Capacity or None
            None where it is counted in buckets, or where its units change already:
            what exists may be placed at other times then.
        """
        before = self.resource(resource)
        if before.bucket is not None or not before.finite or not before.constant:
            return None
        resources = self._resources.offering(resource, rows)
        made: Capacity = copy(self)
        made._resources = resources
        made._routings = self._routings.on(resources)
        made._clocks = {}
        made._hard = {}
        fewest = min(units for _, _, units in made.resource(resource).levels)
        return made if fewest >= before.constant else None

    def needing(self, rows: Sequence[Row], snapshot: Snapshot) -> Capacity | None:
        """Same routings where steps have other rows of `step_resources`.

        Parameters
        ----------
        rows
            In the place of rows with the same key, or added.
        snapshot
            Tables with these rows.

        Returns
        -------
        Capacity or None
            None where the yield of a routing changes with them: what is needed of
            components, and what exists brings, would be others.
        """
        known = self._unlimited
        made: Capacity = copy(self)
        made._snapshot = snapshot
        made._unlimited = None if known is None else known.needing(rows, snapshot)
        made._routings = self._routings.needing(rows)
        made._clocks = {}
        made._hard = {}
        names = {row["routing"] for row in rows}
        same = all(made.yields(name) == self.yields(name) for name in names)
        return made if same else None

    def at_work(self, snapshot: Snapshot) -> Capacity:
        """Same routings where other work is done already.

        Parameters
        ----------
        snapshot
            Tables that differ in rows of `supply_order_steps` alone.
        """
        made: Capacity = copy(self)
        made._snapshot = snapshot
        made._unlimited = None
        steps = read_tables(snapshot, ["supply_order_steps"])
        made._tables = {**self._tables, **steps}
        made._progress = steps["supply_order_steps"].index("supply_order")
        return made

    @property
    def withheld(self) -> dict[str, float]:
        """Share of its time that each resource withholds from promises, if it does."""
        rows = self._tables["resources"]
        pairs = zip(rows.column("resource"), rows.column("withheld_share"), strict=True)
        return {name: share for name, share in pairs if share}

    @property
    def changeovers(self) -> TableRows:
        """Rows of `changeovers`."""
        return self._tables["changeovers"]

    @property
    def cleaning_windows(self) -> TableRows:
        """Rows of `cleaning_windows`."""
        return self._tables["cleaning_windows"]

    @property
    def states(self) -> Mapping[str, str]:
        """Family for which a resource is set up at as_of."""
        return {
            row["resource"]: row["family"] for row in self._tables["resource_state"]
        }

    # ---------------------------------------------------------------------- steps
    def taking_step(self, routing: str) -> int | None:
        """Step that takes components without one; None: that which begins an order.

        It is the first of the routing, also where another may begin before it.
        """
        shape = self._routings.network(routing)
        return None if shape.begins_first else shape.nodes[0].step

    # --------------------------------------------------------------------- yields
    def entering(self, routing: str, step: int | None) -> Fraction:
        """Share of the ordered units that enters a step; None: the first."""
        shape = self._routings.network(routing)
        place = None if step is None else shape.place(step)
        return WHOLE if place is None else shape.nodes[place].entering

    def good(self, routing: str, step: int | None) -> Fraction:
        """Good share after a step, the routing's own yield in it.

        None: after the last, that of the whole routing (rule 4).
        """
        shape = self._routings.network(routing)
        place = None if step is None else shape.place(step)
        if place is None:
            return shape.total
        node = shape.nodes[place]
        return node.entering * node.good * shape.routing_yield

    def yields(self, routing: str) -> tuple[dict[int, Fraction], Fraction]:
        """Entering share of every step, and the good share of the whole."""
        shape = self._routings.network(routing)
        return {node.step: node.entering for node in shape.nodes}, shape.total

    # ------------------------------------------------------------------ resources
    @property
    def resources(self) -> tuple[str, ...]:
        """Ids of all resources, sorted."""
        return tuple(self._resources)

    def resource(self, resource: str) -> ResourceClock:
        """What a resource offers over time."""
        return self._resources.clock(resource)

    def working_time(self, resource: str) -> WorkingTime:
        """Open time of a resource."""
        return self._resources.clock(resource).working

    def manned_time(self, resource: str, units: float) -> WorkingTime:
        """Time at which so many units of a resource can work."""
        return self._resources.working(resource, units)

    # ------------------------------------------------------------------- not built
    @property
    def findings(self) -> list[Finding]:
        """Alternates that no new order uses, because they yield otherwise."""
        return [
            finding(
                "PLAN017",
                table="step_resources",
                column="yield",
                value=preferred["routing"],
                step=preferred["step"],
                resource=preferred["resource"],
                others=", ".join(row["resource"] for row in others),
            )
            for preferred, others in self._routings.unlike()
        ]

    def unsupported(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """List filled cells that would change dates or quantities and are not obeyed.

        Returns
        -------
        list of (table, column, input rows)
            `step_resources.yield` where the alternates of a step differ in it and which
            of them works depends on the date; `step_resources.until_step` where a
            resource that is held could be another by date or rule.
        """
        rows = self._tables["step_resources"]
        rules = {
            (row["routing"], row["step"]): row["resource_rule"]
            for row in self._tables["steps"]
        }
        groups: dict[object, list[tuple[int, Row]]] = {}
        for number, row in enumerate(rows):
            if row["choice"] is not None:
                key = (row["routing"], row["step"], row["choice"])
                groups.setdefault(key, []).append((number, row))
        yields: list[int] = []
        holds: list[int] = []
        for members in groups.values():
            first = members[0][1]
            rule = rules.get((first["routing"], first["step"]), "preference")
            dated = any(validity(row) != (ALWAYS, NEVER) for _, row in members)
            if rule == "preference" and not dated:
                continue
            if dated and len({row["yield"] for _, row in members}) > 1:
                yields += [rows.place(number) for number, _ in members]
            holds += [
                rows.place(number)
                for number, row in members
                if row["until_step"] is not None
            ]
        found = {"yield": yields, "until_step": holds}
        return [
            ("step_resources", column, tuple(sorted(numbers)))
            for column, numbers in found.items()
            if numbers
        ]


def _last(steps: Sequence[StepWindow]) -> StepWindow:
    """Window that is through last, of several the one that starts last."""
    last = steps[0]
    for found in steps:
        if found.after > last.after or (
            found.after == last.after and found.start > last.start
        ):
            last = found
    return last


def _find(windows: tuple[StepWindow, ...], step: int) -> StepWindow | None:
    for found in windows:
        if found.step == step:
            return found
    return None
