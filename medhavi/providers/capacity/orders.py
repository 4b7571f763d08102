"""Orders that exist: dated as they stand, with the work that remains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Final, Self

from medhavi.providers.capacity.axis import UNLIMITED, Axis, added_up
from medhavi.providers.capacity.network import PrecedenceLink, minutes
from medhavi.providers.capacity.resource_ledger import BusyInterval, ledger, millionths
from medhavi.providers.capacity.resources import EVER
from medhavi.providers.sources import OrderTiming

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from medhavi.providers.capacity.axis import (
        Pace,
        ResourceOption,
        StepAssignment,
        WorkContent,
    )
    from medhavi.providers.capacity.choice import StepPlan
    from medhavi.providers.capacity.network import LinkKind, RoutingNetwork, StepNode
    from medhavi.providers.capacity.resource_ledger import ResourceLedger
    from medhavi.providers.capacity.resources import Resources
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.sources import Clock
    from medhavi.providers.table_rows import Row

ONE: Final = Fraction(1)
_OVER: Final[Mapping[tuple[LinkKind, LinkKind], LinkKind]] = {
    ("finish_start", "finish_start"): "finish_start",
    ("finish_start", "start_start"): "finish_start",
    ("finish_start", "finish_finish"): "finish_finish",
    ("start_start", "finish_start"): "start_start",
    ("start_start", "start_start"): "start_start",
    ("finish_finish", "finish_start"): "finish_start",
    ("finish_finish", "finish_finish"): "finish_finish",
}
"""Kind of the precedence over a step, by those of the links to it and from it.

Start to start after finish to finish says nothing of the two; finish to finish after
start to start only that the later one does not end before the earlier one begins.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """What is known of one step of an order in work."""

    step: int
    resource: str | None
    completed: bool
    begun: bool
    locked: bool
    """Whether its resource and times are fixed."""
    units_done: Fraction
    remaining: Fraction | None
    """Time that is left [s], as it was stated."""
    window: tuple[int | None, int | None] | None
    """Start and end as stated: in this mode an order stays as it is dated (rule 3)."""

    @classmethod
    def of(cls, row: Row) -> Self:
        """Read a row of `supply_order_steps`."""
        left = row["remaining_minutes"]
        times = row["start"], row["finish"]
        return cls(
            step=row["step"],
            resource=row["resource"],
            completed=row["status"] == "completed",
            begun=row["status"] == "in_process",
            locked=bool(row["locked"]) and row["status"] != "completed",
            units_done=Fraction(repr(row["qty_done"] or 0.0)),
            remaining=None if left is None else minutes(left),
            window=None if times == (None, None) else times,
        )

    def movable(self) -> Self | None:
        """What is done of the step, whenever the rest of it runs; None: nothing is.

        Work that has begun stays on its resource.
        """
        begun = self.begun or self.units_done > 0 or self.remaining is not None
        return replace(self, window=None) if begun or self.completed else None


class OwnSlots:
    """Slots that the steps of one order leave each other; no other work counts.

    A step that alone needs more units than there are stands where it can work.

    Parameters
    ----------
    resources
        Units of all resources; those of infinite ones limit nothing.
    """

    hasty = False

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._ledgers: dict[str, ResourceLedger] = {}
        self._held: list[tuple[ResourceLedger, BusyInterval]] = []

    def earliest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as early as possible; bounds on start and end."""
        start_from, finish_from = bounds
        while True:
            found = UNLIMITED.earliest(node, option, work, (start_from, finish_from))
            if found is None:
                return None
            span = found.start, found.finish
            taken = [book.conflict(*span, need) for book, need in self._needs(option)]
            behind = [one[1] for one in taken if one is not None]
            if not behind:
                return found
            start_from = max(behind)

    def latest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as late as possible; bounds on end and start."""
        finish_by, start_by = bounds
        while True:
            found = UNLIMITED.latest(node, option, work, (finish_by, start_by))
            if found is None:
                return None
            span = found.start, found.finish
            needs = self._needs(option)
            taken = [book.last_conflict(*span, need) for book, need in needs]
            before = [one[0] for one in taken if one is not None]
            if not before:
                return found
            finish_by = min(before)

    def mark(self) -> int:
        """Mark to undo to."""
        return len(self._held)

    def hold(self, node: StepNode, placed: StepAssignment) -> None:  # noqa: ARG002
        """Take the room of a placed step."""
        for book, need in self._needs(placed.option):
            block = BusyInterval(placed.start, placed.finish, need, "")
            book.add(block)
            self._held.append((book, block))

    def undo(self, mark: int) -> None:
        """Release what was taken since the mark."""
        while len(self._held) > mark:
            book, block = self._held.pop()
            book.remove(block)

    def _needs(self, option: ResourceOption) -> list[tuple[ResourceLedger, int]]:
        """Ledgers of the limited resources of an option, and what it needs of each."""
        found = []
        for resource, units in added_up(option.resources):
            clock, need = self._resources.clock(resource), millionths(units)
            if not clock.finite:
                continue
            book = self._ledgers.get(resource)
            if book is None:
                book = self._ledgers[resource] = ledger(clock)
            if not 0 <= book.most < need:
                found.append((book, need))
        return found


def dated(clock: Clock, units: int, due: int, start: int | None) -> OrderTiming:
    """Times of an order; its finish is `due`, its start the stated one."""
    found = clock.latest(due, units) if start is None else clock.earliest(start, units)
    if found is None:
        begin = due if start is None else start
        return OrderTiming(begin, due, begin)
    # Steps that are stated after the due date do not let it end before it begins.
    begin = min(found.start, due) if start is None else start
    return found._replace(start=begin, finish=due, ready=begin)


def remaining(
    compiled: CompiledRouting,
    order_steps: tuple[int, int],
    progress: Sequence[StepProgress],
) -> CompiledRouting:
    """Leave out completed steps and cut the others to what remains of them.

    What precedes a completed step precedes what follows it. The result is scheduled for
    the whole order: what is done is taken off its rates.
    """
    known = {row.step: row for row in progress}
    kept = [
        place
        for place, task in enumerate(compiled.tasks)
        if (row := known.get(task.node.step)) is None or not row.completed
    ]
    places = {place: new for new, place in enumerate(kept)}
    tasks = tuple(
        _cut(task, known.get(task.node.step), order_steps)
        for task in (compiled.tasks[place] for place in kept)
    )
    links = tuple(
        replace(link, earlier=places[link.earlier], later=places[link.later])
        for link in _bridged(compiled.network, places.keys())
    )
    outlets = tuple(
        replace(outlet, step=None, anchor="end", offset=0)
        if outlet.step is not None and outlet.step not in {t.node.step for t in tasks}
        else outlet
        for outlet in compiled.outlets
    )
    shape = replace(
        compiled.network, nodes=tuple(task.node for task in tasks), links=links
    )
    return replace(compiled, network=shape, tasks=tasks, outlets=outlets)


def _bridged(network: RoutingNetwork, places: Collection[int]) -> list[PrecedenceLink]:
    """Precedence between the steps at some places, that over all others in it.

    A completed step takes no time and needs no waiting before or after it any more.
    """
    links = list(network.links)
    for done in range(len(network.nodes)):
        if done in places:
            continue
        before = [link for link in links if link.later == done]
        after = [link for link in links if link.earlier == done]
        links = [link for link in links if done not in (link.earlier, link.later)]
        linked = {(link.earlier, link.later, link.kind) for link in links}
        for first, last in product(before, after):
            kind = _OVER.get((first.kind, last.kind))
            if kind and (first.earlier, last.later, kind) not in linked:
                linked.add((first.earlier, last.later, kind))
                links.append(
                    PrecedenceLink(earlier=first.earlier, later=last.later, kind=kind)
                )
    return sorted(links, key=lambda link: (link.earlier, link.later))


def _cut(
    task: RoutingTask, row: StepProgress | None, order_steps: tuple[int, int]
) -> RoutingTask:
    """Step what remains of it, and the resource it was assigned to."""
    whole, done = order_steps
    left = ONE - Fraction(done, whole) if whole else ONE
    if row is None:
        return replace(task, rate=task.rate * left)
    plan = _assigned(task.plan, row.resource)
    if row.remaining is not None:
        return replace(
            task,
            plan=_changed(plan, setup=Fraction(0), paces=((*EVER, ONE),)),
            fixed=row.remaining,
            rate=Fraction(0),
            fixed_window=row.window,
        )
    units = task.units * whole
    if units:
        left = max(min(left, ONE - row.units_done / units), Fraction(0))
    begun = row.begun or row.units_done > 0
    return replace(
        task,
        plan=_changed(plan, setup=Fraction(0)) if begun else plan,
        fixed=task.fixed * left if begun else task.fixed,
        rate=task.rate * left,
        fixed_window=row.window,
        changes_over=not begun and task.node.family is not None,
    )


def _assigned(plan: StepPlan, resource: str | None) -> StepPlan:
    """Keep the options with the assigned resource, where there are any."""
    epochs = []
    for epoch in plan.every or plan.epochs:
        options = tuple(
            option
            for option in epoch.options
            if resource in {name for name, _ in option.resources}
        )
        if not options and plan.every:
            return plan
        epochs.append(replace(epoch, options=options or epoch.options))
    return replace(plan, epochs=tuple(epochs))


def _changed(
    plan: StepPlan, *, setup: Fraction, paces: tuple[Pace, ...] | None = None
) -> StepPlan:
    """All options another set-up, and another pace where one is given."""
    epochs = []
    for epoch in plan.epochs:
        options = []
        for option in epoch.options:
            axis = option.axis
            if paces is not None:
                axis = Axis(axis.working, paces, splittable=axis.splittable)
            options.append(replace(option, setup=setup, axis=axis))
        epochs.append(replace(epoch, options=tuple(options)))
    return replace(plan, epochs=tuple(epochs))
