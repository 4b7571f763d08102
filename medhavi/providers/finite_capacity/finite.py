"""Finite capacity: when an order of a routing can run among all other work.

The compiled routings, links, alternates and calendars are those of `capacity`; here
they are placed in the room that an occupancy leaves (rules 15-17, 20, 31, 33). Forward
nothing begins before a start, backward nothing before `not_before`, and soft time is
kept only backward, as in mode mrp.

Which alternate. The rule of the step says which one is preferred, and a preferred one
that is free in time is taken. Others count where the preferred one would be late
(rule 33): forward, later than `by`; backward, begun before `not_before`. Then the one
that is through first (backward: that begins last) is taken, step by step.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from medhavi.providers.capacity.axis import Changeovers
from medhavi.providers.capacity.network import OutputTiming
from medhavi.providers.capacity.orders import remaining
from medhavi.providers.capacity.resources import WithheldCapacity
from medhavi.providers.capacity.routings import CompiledRouting
from medhavi.providers.capacity.schedule import NetworkClock
from medhavi.providers.finite_capacity.chain import FiniteChain, finite_chain
from medhavi.providers.finite_capacity.free_slots import (
    AT_ONCE,
    FreeSlots,
    follower_holds,
    kept,
)
from medhavi.providers.finite_capacity.waits import order_waits
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.finite_capacity.occupancy import Occupancy
    from medhavi.providers.finite_capacity.waits import StepWait
    from medhavi.providers.sources import OrderTiming


class FiniteCapacity:
    """Windows of routings among other work.

    Parameters
    ----------
    capacity
        Routings and resources; one that was built `finite` obeys disruptions.
    occupancy
        What the resources have to do; it is asked and changed in place.
    spared
        What work leaves free; the capacity is built for it.
    changed
        Gives the routing that is placed instead of one.

    Raises
    ------
    KeyError
        From every method: no such routing or step.
    """

    def __init__(
        self,
        capacity: Capacity,
        occupancy: Occupancy,
        *,
        spared: WithheldCapacity | None = None,
        changed: Callable[[CompiledRouting], CompiledRouting] | None = None,
    ) -> None:
        self._capacity = capacity
        self.occupancy = occupancy
        self._spared = spared or WithheldCapacity()
        self._changed = changed
        self._room = FreeSlots(
            occupancy,
            Changeovers(capacity.changeovers, capacity.states),
            dict(self._spared.kept),
        )
        self._sparing: dict[WithheldCapacity, FiniteCapacity] = {}
        self._known: dict[tuple[str, bool], _RoutingPlacement] = {}
        self._alike: dict[int, _RoutingPlacement] = {}
        self._plain: dict[str, FiniteChain | None] = {}
        self._named: dict[str, frozenset[str]] = {}

    # --------------------------------------------------------------------- forward
    def earliest(
        self,
        routing: str,
        units: int,
        start: int,
        *,
        by: int | None = None,
        relaxed: bool = False,
        known: KnownOrders | None = None,
        ready: Mapping[int, int] = AT_ONCE,
    ) -> OrderTiming | None:
        """Earliest order that begins nothing before `start`.

        Parameters
        ----------
        units
            Order size [units of the routing].
        start, by
            Instants [s]. An order with its preferred resources that is through by `by`
            is taken as it is; without it the alternates that are through first are.
        relaxed
            As if capacity were never short: other work and disruptions do not count.
        known
            Orders that were placed before in the same state of all ledgers; it grows.
        ready
            Instants before which some steps do not begin, by step [s].
        """
        if relaxed:
            clock = self._capacity.unlimited.clock(routing, 0.0, ALWAYS_OPEN)
            return clock.earliest(start, units)
        plain = self.plain_chain(routing)
        if plain is not None and not self._room.efficiency:
            if ready:
                return plain.soonest(units, start, by, ready=ready)
            return plain.soonest(units, start, by, known)
        return self._soonest(routing, units, (start, by), ready)

    def _soonest(
        self,
        routing: str,
        units: int,
        bounds: tuple[int, int | None],
        ready: Mapping[int, int],
    ) -> OrderTiming | None:
        start, by = bounds
        if by is None:
            return self._forward(routing, units, start, ready, hasty=True)
        preferred = self._forward(routing, units, start, ready, hasty=False)
        if preferred is not None and preferred.finish <= by:
            return preferred
        chain = self._placing(routing).chain
        if chain is not None and not chain.alternates:
            return preferred
        hasty = self._forward(routing, units, start, ready, hasty=True)
        if hasty is None or preferred is None:
            return hasty or preferred
        return hasty if hasty.finish < preferred.finish else preferred

    def as_dated(self, routing: str, timing: OrderTiming) -> OrderTiming | None:
        """An order where it is dated, with all that it keeps; None: it cannot be there.

        Parameters
        ----------
        timing
            Its windows. Before one may lie a hold in which its machine is changed over
            for it already. Whether changeovers are long enough `changed_over` tells.
        """
        placing = self._placing(routing)
        if not placing.compiled.allows(timing):
            return None
        mark, fits = self.mark(), self._room.free(timing.holds)
        # Held one after the other: steps of the order must leave each other room, too.
        for window in timing.steps:
            fits = fits and self._room.takes(window)
            self.occupancy.occupy((window,))
        self.undo(mark)
        if not fits:
            return None
        if placing.held:
            holds, blocked = kept(placing.held, timing, self._room)
            if blocked is not None:
                return None
            tools = (hold for hold in holds if not hold.changeover)
            timing = timing._replace(holds=(*timing.holds, *tools))
        return timing

    def open_for(self, timing: OrderTiming) -> bool:
        """Whether enough units of all resources of an order work while it does."""
        return all(
            self._capacity.manned_time(name, units).between(start, finish)
            == finish - start
            for window in timing.steps
            for name, units in window.resources
            for start, finish in window.segments
        )

    def changed_over(self, timing: OrderTiming) -> bool:
        """Whether all steps of an order that is held have their changeovers."""
        return all(self._room.changed_over(window) for window in timing.steps)

    def longest(self, routing: str, units: int, start: int) -> int | None:
        """Step that no opening is long enough for, whoever else works.

        Returns
        -------
        int or None
            A step that must not be split and never fits from `start` on.
        """
        for task in self._placing(routing).compiled.tasks:
            alone = task.plan.earliest(task.run(units), start, start)
            if alone is None and not task.node.splittable:
                return task.node.step
        return None

    def unlimited_latest(
        self, routing: str, units: int, need: int
    ) -> OrderTiming | None:
        """Latest order by an instant, as if capacity were never short."""
        return self._capacity.unlimited.clock(routing, 0.0, ALWAYS_OPEN).latest(
            need, units
        )

    def touches(self, routing: str) -> frozenset[str]:
        """Name the resources that limit an order of a routing, by any choice."""
        placing = self._placing(routing)
        names = {name for name, *_ in placing.held}
        names.update(
            name
            for task in placing.compiled.tasks
            for epoch in task.plan.epochs
            for option in epoch.options
            for name, _ in option.resources
        )
        ledger = self.occupancy.ledger
        return frozenset(n for n in names if n and ledger(n) is not None)

    def plain_chain(self, routing: str) -> FiniteChain | None:
        """Steps of a routing where they are a plain chain."""
        if routing not in self._plain:
            chain = self._placing(routing).chain
            plain = chain is not None and chain.plain
            self._plain[routing] = chain if plain else None
        return self._plain[routing]

    # -------------------------------------------------------------- what is spared
    def sparing(self, spared: WithheldCapacity) -> FiniteCapacity:
        """Capacity for work that leaves time free, among the same work."""
        if spared == self._spared:
            return self
        known = self._sparing.get(spared)
        if known is None:
            known = self._sparing[spared] = FiniteCapacity(
                self._capacity.sparing(spared),
                self.occupancy,
                spared=spared,
                changed=self._changed,
            )
        return known

    def preferring(
        self, steps: Callable[[CompiledRouting], frozenset[int]]
    ) -> FiniteCapacity:
        """Capacity in which some steps of a routing use no alternates."""
        return self._instead(lambda compiled: compiled.preferring(steps(compiled)))

    def in_work(
        self, supply_order: str, order_steps: tuple[int, int]
    ) -> FiniteCapacity:
        """Capacity for what remains of an order; this one where no step has begun.

        Parameters
        ----------
        order_steps
            Size of the whole order, by which what remains is placed, and what is done
            of it [units of the routing].
        """
        stated = self._capacity.progress(supply_order)
        done = [step for one in stated if (step := one.movable()) is not None]
        if not done:
            return self
        return self._instead(lambda compiled: remaining(compiled, order_steps, done))

    def _instead(
        self, changed: Callable[[CompiledRouting], CompiledRouting]
    ) -> FiniteCapacity:
        made: FiniteCapacity = copy(self)
        made._changed = changed
        made._sparing, made._known, made._alike = {}, {}, {}
        made._plain, made._named = {}, {}
        return made

    def utilisation(self, resource: str, start: int, finish: int) -> float:
        """Share of its time that a resource is booked in `[start, finish)`.

        0 where it is no limit; infinite where it does not work and is booked.
        """
        seconds = self.occupancy.booked(resource, start, finish)
        if not seconds:
            return 0.0
        there = self._capacity.resource(resource).available(start, finish)
        return seconds / there if there else inf

    # -------------------------------------------------------------------- backward
    def latest(
        self,
        routing: str,
        units: int,
        need: int,
        not_before: int = ALWAYS,
        *,
        safety_days: float = 0.0,
        soft: bool = True,
    ) -> OrderTiming | None:
        """Latest order whose output is there by `need`.

        Parameters
        ----------
        units
            Order size [units of the routing].
        need, not_before
            Instants [s]; nothing begins before the latter, queues included.
        safety_days
            Soft open days of the location between output and need.
        soft
            False: without soft time, that of the steps and `safety_days`.

        Returns
        -------
        Timing or None
            `None`: there is no room from `not_before` on.
        """
        placing = self._placing(routing, soft=soft)
        by: int | None = need
        if soft and safety_days:
            by = placing.compiled.location_time.subtract_days(need, safety_days)
        if by is None or by < not_before:
            return None
        found = self._backward(placing, units, (by, not_before), hasty=False)
        if found is None and placing.alternates:
            found = self._backward(placing, units, (by, not_before), hasty=True)
        return found

    def named(self, routing: str) -> frozenset[str]:
        """All resources that a routing may use."""
        known = self._named.get(routing)
        if known is None:
            placing = self._placing(routing)
            used = {
                name
                for task in placing.compiled.tasks
                for epoch in task.plan.epochs
                for option in epoch.options
                for name, _ in option.resources
            }
            known = frozenset(used | {held[0] for held in placing.held})
            self._named[routing] = known
        return known

    # --------------------------------------------------------------------- changes
    def occupy(self, timing: OrderTiming, owner: str = "") -> None:
        """Hold the resources of an order."""
        self.occupancy.occupy(timing.steps, owner, timing.holds)

    def release(self, timing: OrderTiming, owner: str = "") -> None:
        """Release what `occupy` took for the same order and owner.

        Later work keeps the windows that it got while the order was there.
        """
        self.occupancy.release(timing.steps, owner, timing.holds)

    def slow(self, efficiency: Mapping[str, Fraction]) -> None:
        """Reduce the efficiency of resources for orders asked for from now on.

        Parameters
        ----------
        efficiency
            Share of its pace that a resource keeps; empty: all keep theirs.
        """
        self._room.efficiency = efficiency

    def owes(self, timing: OrderTiming) -> bool:
        """Whether work behind an order that is gone lacks its changeover now."""
        for window in timing.steps:
            for resource, _ in window.resources if window.family is not None else ():
                sequence = self._room.sequence(resource)
                if sequence is not None and sequence.owed(window.start):
                    return True
        return False

    @property
    def kept(self) -> int:
        """How many routings are ready to be placed."""
        return len(self._known)

    def mark(self) -> int:
        """Mark to undo to."""
        return self.occupancy.mark()

    def undo(self, mark: int) -> None:
        """Take back every change since the mark."""
        self.occupancy.undo(mark)

    # --------------------------------------------------------------------- reasons
    def waits(
        self, routing: str, timing: OrderTiming, start: int, owner: str = ""
    ) -> tuple[StepWait, ...]:
        """What the steps of a placed order waited for (see `waits.Wait`).

        Parameters
        ----------
        start
            Instant from which it could begin [s].
        owner
            Its own blocks are no reason, if it is held already.
        """
        compiled = self._placing(routing).compiled
        return order_waits(self._room, self._capacity, compiled, (timing, start), owner)

    # -------------------------------------------------------------------- placing
    def _placing(self, routing: str, *, soft: bool = True) -> _RoutingPlacement:
        known = self._known.get((routing, soft))
        if known is None:
            capacity = self._capacity
            compiled = capacity.compiled(routing) if soft else capacity.hard(routing)
            if self._changed is not None:
                compiled = self._changed(compiled)
            known = self._alike.get(id(compiled))
            if known is None:
                # It keeps what it is known by, so that no other has the same identity.
                known = self._alike[id(compiled)] = self._placed_as(routing, compiled)
            self._known[routing, soft] = known
        return known

    def _placed_as(self, routing: str, compiled: CompiledRouting) -> _RoutingPlacement:
        held = self._capacity.held(routing)
        return _RoutingPlacement(
            compiled=compiled,
            chain=None if held else finite_chain(compiled, self._room),
            held=held,
            alternates=any(
                len(epoch.options) > 1
                for task in compiled.tasks
                for epoch in task.plan.epochs
            ),
            leaves=_leaves(compiled),
        )

    def _forward(
        self,
        routing: str,
        units: int,
        start: int,
        ready: Mapping[int, int],
        *,
        hasty: bool,
    ) -> OrderTiming | None:
        placing = self._placing(routing)
        if placing.chain is not None and not self._room.efficiency:
            chain = placing.chain
            found = chain.earliest(units, start, hasty=hasty, ready=ready)
            return self._held(chain, found)
        clock = self._clock(placing, hasty=hasty)
        bound = start
        while True:  # each turn leaves one block of a tool behind
            self._room.ready = ready
            found = clock.earliest(bound, units)
            self._room.ready = AT_ONCE
            if found is None:
                return None
            holds, blocked = kept(placing.held, found, self._room)
            if blocked is None:
                return found._replace(holds=holds)
            # So much later that the tool is free; a second at least, so that it ends.
            bound = max(bound + 1, found.start + blocked[1])

    def _backward(
        self,
        placing: _RoutingPlacement,
        units: int,
        bounds: tuple[int, int],
        *,
        hasty: bool,
    ) -> OrderTiming | None:
        by, not_before = bounds
        if placing.chain is not None and not self._room.efficiency:
            chain = placing.chain
            return self._held(chain, chain.latest(units, by, not_before, hasty=hasty))
        clock = self._clock(placing, hasty=hasty)
        bound = by
        while True:
            self._room.floor, self._room.leaves = not_before, placing.leaves
            found = clock.latest(bound, units)
            self._room.floor, self._room.leaves = ALWAYS, {}
            if found is None or found.start < not_before:
                return None
            holds, blocked = kept(placing.held, found, self._room)
            if blocked is None:
                return found._replace(holds=holds)
            bound = min(bound - 1, found.finish - blocked[0])

    def _held(
        self, chain: FiniteChain, found: OrderTiming | None
    ) -> OrderTiming | None:
        """Add what is kept for the changeovers of followers."""
        if found is None or not chain.sequenced:
            return found
        holds = follower_holds(found, self._room)
        return found._replace(holds=holds) if holds else found

    def _clock(self, placing: _RoutingPlacement, *, hasty: bool) -> NetworkClock:
        self._room.hasty = hasty
        compiled = placing.compiled
        delivery = OutputTiming(
            outlets=compiled.outlets,
            safety_days=0.0,
            location_time=compiled.location_time,
        )
        return NetworkClock(compiled.network, compiled.tasks, delivery, self._room)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RoutingPlacement:
    """How a routing is placed: its chain where it is one."""

    compiled: CompiledRouting
    chain: FiniteChain | None
    held: tuple[tuple[str, float, int, int], ...]
    alternates: bool
    leaves: dict[tuple[int, str], str]


def _leaves(compiled: CompiledRouting) -> dict[tuple[int, str], str]:
    """Families that steps leave to later ones without; see `FreeSlots`."""
    found: dict[tuple[int, str], str] = {}
    last: dict[str, str] = {}
    for task in compiled.tasks:
        options = [one for epoch in task.plan.epochs for one in epoch.options]
        for resource in {name for option in options for name, _ in option.resources}:
            if task.node.family is not None:
                last[resource] = task.node.family
            elif resource in last:
                found[task.node.step, resource] = last[resource]
    return found
