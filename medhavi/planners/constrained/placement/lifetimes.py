"""How early an order may come at most: what it gives must live until it is taken.

Orders are placed as early as they can be before they move back. What dies must not come
so early that it is dead when a demand, which does not move, takes it; nor what goes
into it, and so on down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.orders.lines import TOO_OLD
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.lines import Line
    from medhavi.planners.mrp.netting_state.register import Register
    from medhavi.planners.mrp.netting_state.state import SupplyUnit


def keep_alive(jobs: Sequence[Job]) -> dict[int, int]:
    """Set when outputs of jobs open, to live long enough for their takers.

    Parameters
    ----------
    jobs
        Linked jobs; the dates are those of the netting, and none begins before its
        floor. Those that wait for each other
        in a circle stay as they are.

    Returns
    -------
    dict of int to int
        How much earlier than netted an order may come at most, by index [s]. Those in
        a circle, and those below one, are not in it; empty where nothing dies.
    """
    early: dict[int, int] = {}
    if any(out.unit.expires < NEVER for job in jobs for out in job.outs):
        left = {job.number: len(job.after) for job in jobs}
        _go_down([job for job in jobs if not job.after], left, early)
    return early


def keep_alive_below(
    stays: Iterable[Job], below: Iterable[Job], early: dict[int, int]
) -> None:
    """Do what `keep_alive` does again where some more orders stay.

    Parameters
    ----------
    stays
        Orders that stay now.
    below
        Those that bring something for them, however far below; others keep what they
        have.
    early
        What `keep_alive` gave; it is renewed.
    """
    for job in stays:
        if job.order.index in early:
            early[job.order.index] = 0
    again = {job.number: job for job in below if job.order.index in early}
    left = {
        number: sum(taker.number in again for taker in job.after)
        for number, job in again.items()
    }
    _go_down([job for job in again.values() if not left[job.number]], left, early)


def _go_down(ready: list[Job], left: dict[int, int], early: dict[int, int]) -> None:
    """Go from takers to givers; `left` counts the takers that are not done yet."""
    while ready:
        job = ready.pop()
        early[job.order.index] = _keep_one(job, early)
        for giver in job.before:
            if giver.number in left:
                left[giver.number] -= 1
                if left[giver.number] == 0:
                    ready.append(giver)


def _keep_one(job: Job, early: Mapping[int, int]) -> int:
    """How much earlier than netted a job may come at most [s]."""
    if job.stays:
        return 0
    most = max(0, job.order.timing.start - job.floor)
    for out in job.outs:
        unit = out.unit
        if unit.expires < NEVER and (until := _taken_until(unit, early)) > ALWAYS:
            spare = unit.expires - until
            out.opens = max(out.opens, unit.arrives - spare)
        if out.opens > ALWAYS:
            most = min(most, unit.arrives - out.opens)
    return most


def _taken_until(unit: SupplyUnit, early: Mapping[int, int]) -> int:
    """Until when a unit has to live, however early orders are placed."""
    until = ALWAYS
    for need, _ in unit.takers:
        until = max(until, need.alive_until)
        if need.demand != NO_DEMAND or need.order is None:
            until = max(until, need.instant)
        else:
            # An order that stays as it is dated is not earlier than that.
            shift = early.get(need.order.index, 0)
            until = max(until, need.instant - shift)
    return until


def leave_out_dead(lines: Iterable[Line], register: Register) -> None:
    """Leave out of the lines what is dead, or too old, when it is delivered.

    Goods that are moved are as old as the lots that were taken for them.
    """
    if not any(unit.expires < NEVER for unit in register.units):
        return
    ends = _ends_of_life(register)
    for line in lines:
        dead = []
        for part in line.parts:
            if ends[part.unit.index] < part.date + line.demand.min_shelf:
                need = register.needs[register.match_need[part.match]]
                part.outlived = max(part.date - need.instant, 1)
                dead.append(part)
        if dead:
            line.parts = [part for part in line.parts if not part.outlived]
            line.dropped += dead
            line.refused = line.refused or TOO_OLD


def _ends_of_life(register: Register) -> list[int]:
    """Expiry by unit; lots that are moved are taken before they are moved.

    Orders of a move come before those of its goods, but for goods that are there.
    """
    loaded: dict[int, list[int]] = {}
    carried = {
        order.carried.index: order.index
        for order in register.orders
        if order.carried is not None
    }
    for need, lot in zip(register.match_need, register.match_unit, strict=True):
        if need in carried:
            loaded.setdefault(carried[need], []).append(lot)
    ends = [unit.expires for unit in register.units]
    known: set[int] = set()
    for unit in register.units:
        if unit.order is None or unit.order.index not in loaded:
            known.add(unit.index)
            continue
        stack = [unit]
        while stack:
            current = stack[-1]
            order = current.order
            lots = [] if order is None else loaded.get(order.index, [])
            below = [lot for lot in lots if lot not in known and lot != current.index]
            if current.index not in known and below:
                known.add(current.index)
                stack += [register.units[lot] for lot in below]
                continue
            known.add(current.index)
            ends[current.index] = min([ends[current.index], *(ends[i] for i in lots)])
            stack.pop()
    return ends
