"""Routings compiled from the tables: order of steps, options, yields, clocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from medhavi.providers.capacity.axis import UNLIMITED
from medhavi.providers.capacity.choice import (
    ResourceChoices,
    first_candidate,
    is_second_choice,
)
from medhavi.providers.capacity.clocks import (
    ChainClock,
    ChainStep,
    Duration,
    SingleStepClock,
)
from medhavi.providers.capacity.network import (
    MainOutput,
    OutputTiming,
    RoutingNetwork,
    network,
    of_stated_yield,
    stated_yields,
    times,
    unlike,
)
from medhavi.providers.capacity.schedule import NetworkClock, RoutingTask
from medhavi.providers.table_rows import validity
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.units import DAY, MINUTE, seconds_up

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medhavi.providers.capacity.axis import StepSlots
    from medhavi.providers.capacity.choice import StepPlan, Tool
    from medhavi.providers.capacity.network import StepNode
    from medhavi.providers.capacity.resources import Resources, WithheldCapacity
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Clock, OrderTiming
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.calendars import Calendars

ONE: Final = Fraction(1)
MARKED: Final = 3
"""Resources of a routing that tell it apart from others at a glance."""
_Known = TypeVar("_Known")


def _by_step(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["step"]].append(row)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRouting:
    """A routing ready to be scheduled.

    Parameters
    ----------
    tasks
        In the order of working.
    outlets
        Lines of the main product; where there is none, the end of the last step.
    step_times
        Time in which offsets of a step count: location and step, no resource.
    location_time
        The same without a step.
    """

    network: RoutingNetwork
    tasks: tuple[RoutingTask, ...]
    outlets: tuple[MainOutput, ...]
    step_times: Mapping[int, WorkingTime]
    location_time: WorkingTime

    def allows(self, timing: OrderTiming) -> bool:
        """Whether all steps are dated, and as their links want it, none overlapping.

        Not so are those of an order that fits at no time.
        """
        windows = {window.step: window for window in timing.steps}
        if any(node.step not in windows for node in self.network.nodes):
            return False
        for link in self.network.links:
            nodes = self.network.nodes[link.earlier], self.network.nodes[link.later]
            earlier, later = (windows[node.step] for node in nodes)
            between = {
                "start_start": later.start - earlier.start,
                "finish_finish": later.finish - earlier.finish,
                "finish_start": later.queue_start - earlier.after,
            }[link.kind]
            if between < link.lag or between > (
                between if link.max_lag is None else link.max_lag
            ):
                return False
        return len(self.outlets) == 1 and self.outlets[0].plain

    def hard(self) -> CompiledRouting:
        """Routing without soft time: an order that exists keeps none."""
        nodes = tuple(replace(node, safety=0) for node in self.network.nodes)
        links = tuple(replace(link, safety=0) for link in self.network.links)
        tasks = tuple(
            replace(task, plan=replace(task.plan, node=node))
            for task, node in zip(self.tasks, nodes, strict=True)
        )
        return replace(
            self, network=replace(self.network, nodes=nodes, links=links), tasks=tasks
        )

    def preferring(self, steps: frozenset[int]) -> CompiledRouting:
        """Routing with no alternates in some steps."""
        tasks = tuple(
            replace(task, plan=task.plan.preferred) if task.node.step in steps else task
            for task in self.tasks
        )
        return replace(self, tasks=tasks)

    def clock(
        self, safety_days: float, days: WorkingTime, room: StepSlots = UNLIMITED
    ) -> Clock:
        """Fastest clock that is right for this routing.

        Parameters
        ----------
        safety_days
            Soft days between output and need.
        days
            Calendar in which they count.
        room
            Where steps may stand that can be at work at once; by default everywhere.
        """
        delivery = OutputTiming(
            outlets=self.outlets, safety_days=safety_days, location_time=days
        )
        chain = self._chain()
        if chain is None:
            return NetworkClock(self.network, self.tasks, delivery, room)
        elapsed = not safety_days or (days.always_open and days.zone.constant)
        if len(chain) == 1 and elapsed and self.outlets[0].plain:
            option, node = self.tasks[0].plan.only, self.tasks[0].node
            if option is not None and option.axis.working.always_open:
                soft = node.safety + seconds_up(safety_days, DAY)
                return SingleStepClock(node, option, chain[0].duration, soft)
        if all(task.plan.only is not None for task in self.tasks):
            return ChainClock(chain, delivery)
        others = NetworkClock(self.network, self.tasks, delivery)
        return ChainClock(chain, delivery, others)

    def _chain(self) -> tuple[ChainStep, ...] | None:
        """Steps in a row, each with its first choice, if that is all."""
        outlet = self.outlets[0]
        simple = len(self.outlets) == 1 and outlet.anchor == "end"
        if not simple or outlet.step is not None or not self.network.is_chain:
            return None
        chain = []
        for place, task in enumerate(self.tasks):
            node, option = task.node, task.plan.first
            if option is None or option.axis.steady is None or task.fixed_window:
                return None
            working = option.axis.working
            if not (node.splittable or working.always_open) or node.batch is not None:
                return None
            following = self.network.links[place : place + 1]
            chain.append(
                ChainStep(
                    step=node.step,
                    queue=node.queue,
                    move=node.move,
                    lag=following[0].lag if following else 0,
                    safety=following[0].safety if following else node.safety,
                    duration=Duration.of(node, option, task.fixed, task.rate),
                    working=working,
                    resources=option.resources,
                    family=node.family,
                )
            )
        return tuple(chain)


class Routings:
    """All routings of a snapshot, compiled when asked for.

    Parameters
    ----------
    tables
        `routings`, `routing_outputs`, `steps`, `step_links`, `step_resources`.
    calendars, resources
        Working time and who works in it.
    as_of
        Instant whose resources decide yields where they differ [s].
    learned
        Good shares of steps in the place of all that is stated, by routing and step.
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        facts: ProductFacts,
        calendars: Calendars,
        resources: Resources,
        as_of: int,
        learned: Mapping[tuple[str, int], Fraction] = MappingProxyType({}),
    ) -> None:
        self._tables = tables
        self._learned = learned
        self._known_better = frozenset(routing for routing, _ in learned)
        self._factors: Mapping[tuple[str, int], Fraction] = {}
        self._restated: Mapping[str, tuple[Row, ...]] = {}
        self._slowed: frozenset[str] = frozenset()
        self._facts = facts
        self._calendars = calendars
        self._resources = resources
        self._choices = ResourceChoices(resources)
        self._as_of = as_of
        self._numbers = {
            name: i for i, name in enumerate(tables["routings"].column("routing"))
        }
        self._steps = tables["steps"].index("routing")
        self._links = tables["step_links"].index("routing")
        self._needs = tables["step_resources"].index("routing")
        self._outputs = tables["routing_outputs"].index("routing")
        self._networks: dict[str, RoutingNetwork] = {}
        self._compiled: dict[str, CompiledRouting] = {}
        self._networks_alike: dict[object, RoutingNetwork] = {}
        self._compiled_alike: dict[object, CompiledRouting] = {}
        self._likeness: dict[str, tuple[object, ...] | None] = {}
        self._step_cells = tables["steps"].picker("routing", "name")
        self._need_cells = tables["step_resources"].picker("routing")

    def on(self, resources: Resources) -> Routings:
        """Same routings on resources that offer something else."""
        made: Routings = copy(self)
        made._resources = resources
        made._choices = ResourceChoices(resources)
        made._compiled = {}
        made._compiled_alike = {}
        return made

    def sparing(self, resources: Resources, spared: WithheldCapacity) -> Routings:
        """Same routings for work that leaves time free or takes longer."""
        factors = dict(spared.factors)
        made: Routings = copy(self)
        made._resources = resources
        made._choices = ResourceChoices(resources)
        made._factors = factors
        made._slowed = frozenset(routing for routing, _ in factors)
        made._likeness = {}
        made._compiled = {}
        made._compiled_alike = {}
        return made

    def needing(self, rows: Sequence[Row]) -> Routings:
        """Same routings where steps have other rows of `step_resources`.

        Rows take the place of those with the same key, or are added.
        """
        needs: dict[str, tuple[Row, ...]] = {}
        for name in dict.fromkeys(row["routing"] for row in rows):
            kept = {_key(row): row for row in self._stated_needs(name)}
            kept |= {_key(row): row for row in rows if row["routing"] == name}
            needs[name] = tuple(kept[key] for key in sorted(kept))

        def others(known: Mapping[str, _Known]) -> dict[str, _Known]:
            return {name: one for name, one in known.items() if name not in needs}

        made: Routings = copy(self)
        made._restated = {**self._restated, **needs}
        made._networks = others(self._networks)
        made._compiled = others(self._compiled)
        made._likeness = others(self._likeness)
        return made

    def network(self, routing: str) -> RoutingNetwork:
        """Order, links and yields of the steps.

        Raises
        ------
        KeyError
            No such routing.
        """
        known = self._networks.get(routing)
        if known is not None:
            return known
        row = self._tables["routings"].row(self._numbers[routing])
        needs = self._needs_of(routing)
        alike = self._same_steps(routing, row, needs)
        known = self._networks_alike.get(alike)
        if known is None:
            steps = self._rows("steps", self._steps, routing)
            known = network(
                row,
                steps,
                self._rows("step_links", self._links, routing),
                self._yields(routing, steps, needs),
            )
            if alike is not None:
                self._networks_alike[alike] = known
        self._networks[routing] = known
        return known

    def _same_steps(
        self, routing: str, row: Row, needs: Sequence[Row]
    ) -> tuple[object, ...] | None:
        """What tells networks without links apart; None: not such a one."""
        if routing in self._known_better or routing in self._links:
            return None
        if any(need["yield"] not in (None, 1.0) for need in needs):
            return None
        steps = self._steps.get(routing, ())
        return row["yield"], *[self._step_cells(number) for number in steps]

    def _alike(self, routing: str) -> tuple[object, ...] | None:
        """What tells routings of plain steps apart; None: not such a one.

        Templates give many products the same steps; they share one compiled form.
        """
        if routing not in self._likeness:
            self._likeness[routing] = self._look(routing)
        return self._likeness[routing]

    def _look(self, routing: str) -> tuple[object, ...] | None:
        steps = self._steps.get(routing, ())
        if routing in self._slowed or routing in self._restated:
            return None
        if routing in self._known_better:
            return None
        if not steps or routing in self._links or routing in self._outputs:
            return None
        if routing in self._alone:
            return None
        row = self._tables["routings"].row(self._numbers[routing])
        return (
            row["location"],
            row["yield"],
            # Two numbers, because a fraction takes long to hash.
            self._facts.step(row["product"]).as_integer_ratio(),
            tuple([self._step_cells(number) for number in steps]),
            *(self._need_cells(number) for number in self._needs.get(routing, ())),
        )

    @cached_property
    def _alone(self) -> frozenset[object]:
        """Routings that no other one is like by first pace and first resources."""
        names = ("fixed_minutes", "run_minutes_per_unit")
        paces = list(zip(*map(self._tables["steps"].column, names), strict=True))
        resources = self._tables["step_resources"].column("resource")
        marks = {
            routing: (
                paces[steps[0]],
                *[resources[number] for number in needs[:MARKED]],
            )
            for routing, steps in self._steps.items()
            for needs in (self._needs.get(routing, ()),)
        }
        count = Counter(marks.values())
        return frozenset(name for name, mark in marks.items() if count[mark] == 1)

    def compiled(self, routing: str) -> CompiledRouting:
        """Routing ready to be scheduled.

        Raises
        ------
        KeyError
            No such routing.
        """
        known = self._compiled.get(routing)
        if known is not None:
            return known
        alike = self._alike(routing)
        known = self._compiled_alike.get(alike)
        if known is None:
            known = self._compile(routing)
            if alike is not None:
                self._compiled_alike[alike] = known
        self._compiled[routing] = known
        return known

    def held(self, routing: str) -> tuple[tuple[str, float, int, int], ...]:
        """List what is held over steps: resource, units, first and last step."""
        found = []
        for row in self._needs_of(routing):
            if row["until_step"] is not None:
                resource = first_candidate(row, self._resources)
                if resource is not None:
                    units = row["units"] or 1.0
                    found.append((resource, units, row["step"], row["until_step"]))
        return tuple(found)

    def is_second_choice(
        self, routing: str, step: int, used: Collection[str], start: int
    ) -> bool:
        """Whether a step prefers another resource; see `choice`."""
        rows = [row for row in self._needs_of(routing) if row["step"] == step]
        return is_second_choice(rows, self._resources, used, start)

    def _needs_of(self, routing: str) -> Sequence[Row]:
        """Rows of step_resources that new orders use."""
        return of_stated_yield(self._stated_needs(routing), self._as_of)

    def unlike(self) -> list[tuple[Row, list[Row]]]:
        """Rows of most preference, each with its alternates that yield otherwise."""
        if all(
            share in (None, 1.0)
            for share in self._tables["step_resources"].column("yield")
        ):
            return []
        return [
            pair
            for routing in sorted(map(str, self._needs))
            for pair in unlike(self._stated_needs(routing), self._as_of)
        ]

    def _stated_needs(self, routing: str) -> Sequence[Row]:
        restated = self._restated.get(routing)
        if restated is not None:
            return restated
        return self._rows("step_resources", self._needs, routing)

    def _rows(
        self, table: str, index: Mapping[object, Sequence[int]], routing: str
    ) -> list[Row]:
        rows = self._tables[table]
        return [rows.row(number) for number in index.get(routing, ())]

    def _yields(
        self, routing: str, steps: Sequence[Row], needs: Sequence[Row]
    ) -> dict[int, Fraction]:
        """What was learned of each step, else what is stated."""
        stated = stated_yields(steps, needs, self._as_of)
        if routing not in self._known_better:
            return stated
        return {
            step: self._learned.get((routing, step), share)
            for step, share in stated.items()
        }

    def _compile(self, routing: str) -> CompiledRouting:
        row = self._tables["routings"].row(self._numbers[routing])
        shape = self.network(routing)
        unit = self._facts.step(row["product"])
        place = self._resources.calendar_of(row["location"])
        rows = self._stated_needs(routing)
        used = of_stated_yield(rows, self._as_of)
        needs = _by_step(used)
        stated = needs if used is rows else _by_step(rows)
        held = self._held(shape, needs)
        step_times = {
            node.step: self._calendars.working_time(place, node.calendar)
            for node in shape.nodes
        }
        tasks = tuple(
            RoutingTask(
                plan=self._planned(
                    node,
                    needs.get(node.step, ()),
                    stated.get(node.step, ()),
                    step_times[node.step],
                    held.get(node.step, ()),
                ),
                fixed=times(node.fixed, factor),
                rate=times(times(node.per_unit, units), factor),
                units=units,
            )
            for node in shape.nodes
            for units in (times(unit, node.entering),)
            for factor in (self._factors.get((routing, node.step), ONE),)
        )
        location_time = self._calendars.working_time(place)
        return CompiledRouting(
            network=shape,
            tasks=tasks,
            outlets=self._outlets(row, shape, step_times, location_time),
            step_times=step_times,
            location_time=location_time,
        )

    def _planned(
        self,
        node: StepNode,
        needs: Sequence[Row],
        stated: Sequence[Row],
        working: WorkingTime,
        held: Sequence[Tool],
    ) -> StepPlan:
        """Options of a step; with those that only an assigned order uses."""
        plan = self._choices.step_plan(node, needs, working, held)
        if len(needs) == len(stated):
            return plan
        every = self._choices.step_plan(node, stated, working, held)
        return replace(plan, every=every.epochs)

    def _held(
        self, shape: RoutingNetwork, needs: dict[int, list[Row]]
    ) -> dict[int, list[Tool]]:
        """Spread what is held until a later step over the steps in between.

        The one resource that is preferred is held: steps are placed one by one, and
        which alternate an earlier step will take is not known at a later one.
        """
        found: dict[int, list[Tool]] = defaultdict(list)
        for step, rows in needs.items():
            for number, row in enumerate(rows):
                if row["until_step"] is None:
                    continue
                resource = first_candidate(row, self._resources)
                if resource is None:
                    continue
                rows[number] = {**row, "resource": resource, "skill": None}
                for between in shape.between(step, row["until_step"]):
                    units = row["units"] or 1.0
                    found[between].append((resource, units, validity(row)))
        return found

    def _outlets(
        self,
        routing: Row,
        shape: RoutingNetwork,
        step_times: Mapping[int, WorkingTime],
        location_time: WorkingTime,
    ) -> tuple[MainOutput, ...]:
        rows = [
            row
            for row in self._rows("routing_outputs", self._outputs, routing["routing"])
            if row["product"] == routing["product"]
        ]
        last = shape.nodes[-1].step if shape.nodes else None
        outlets = []
        for row in rows:
            step = row["step"]
            if step is not None and shape.place(step) is None:
                step = None
            if row["anchor"] == "start" and step is None:
                step = last
            if step == last and row["anchor"] == "end" and shape.is_chain:
                step = None
            outlets.append(
                MainOutput(
                    step=step,
                    anchor=row["anchor"],
                    offset=seconds_up(row["offset_minutes"] or 0.0, MINUTE),
                    working=step_times.get(
                        last if step is None else step, location_time
                    )
                    if last is not None
                    else location_time,
                )
            )
        plain = MainOutput(step=None, anchor="end", offset=0, working=location_time)
        return tuple(outlets) or (plain,)


def _key(row: Row) -> tuple[int, str, int]:
    """What tells rows of `step_resources` of one routing apart, in their order."""
    return row["step"], row["resource"], validity(row)[0]
