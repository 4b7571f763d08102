"""Holds and firm pegs: who owns what before the rest is netted (rules 10, DEF-01, 02).

A hold takes free quantity from as_of on, first available first; its owner's needs take
their hold first, so a promised order is never counted twice. A firm peg keeps its
supply for its demand. What an owner does not need stays blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from medhavi.planners.mrp.state import NO_DEMAND, Node
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Need, SupplyUnit

_BY_ARRIVAL = attrgetter("available", "expires", "index")
_SEQUENCE = attrgetter("instant", "priority", "index")


@dataclass(slots=True, eq=False)
class Pin:
    """A quantity that belongs to a demand (or to nobody who is planned).

    `unit` tells which supply may serve it; None: any, first available first. `blocks`:
    what the owner does not use stays out of reach of others (holds).
    """

    node: Node
    demand: int
    qty: int
    label: str
    blocks: bool
    supply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPin:
    """A pin that the supply at hand does not cover [steps]."""

    pin: Pin
    missing: int


def settle(
    pins: Iterable[Pin], release: Release, name_of: Callable[[SupplyUnit], str]
) -> tuple[list[BrokenPin], dict[int, int]]:
    """Give pinned supply to its owners before a cluster is walked.

    Parameters
    ----------
    pins
        Pins of the nodes of one cluster, firm pegs first.
    release
        Register of the run; the needs of the nodes are all known.
    name_of
        Name of a unit as pegs write it.

    Returns
    -------
    broken : list of BrokenPin
        What could not be kept.
    blocked : dict of int to int
        Unit index → quantity that a hold keeps from everyone [steps].
    """
    broken: list[BrokenPin] = []
    blocked: dict[int, int] = {}
    for pin in pins:
        units = [
            unit
            for unit in sorted(pin.node.units, key=_BY_ARRIVAL)
            if pin.supply is None or name_of(unit) == pin.supply
        ]
        left, unmet = _serve_owner(pin, units, release)
        if not pin.blocks:
            if unmet and pin.demand != NO_DEMAND:
                broken.append(BrokenPin(pin=pin, missing=unmet))
            continue
        for unit in units:
            kept = min(left, unit.free)
            if kept > 0 and unit.is_ours:
                unit.free -= kept
                blocked[unit.index] = blocked.get(unit.index, 0) + kept
                left -= kept
    return broken, blocked


def _serve_owner(
    pin: Pin, units: list[SupplyUnit], release: Release
) -> tuple[int, int]:
    """Match the owner's needs in sequence.

    Returns
    -------
    left : int
        What the pin has left [steps].
    unmet : int
        What of that the owner needs and the supply does not give; all of it where the
        owner needs nothing here. A pin for more than is needed keeps what is needed.
    """
    left = pin.qty
    if pin.demand == NO_DEMAND:
        return left, 0
    unmet = 0
    needed = False
    for need in sorted(pin.node.needs, key=_SEQUENCE):
        if left == 0:
            break
        part = release.shares(need).get(pin.demand, 0)
        needed = needed or part > 0
        share = min(left, need.open, part)
        for unit in units:
            if share == 0:
                break
            if unit.free > 0 and _may_serve(pin, unit, need, release):
                taken = release.match(need, unit, share)
                if need.order is not None:
                    need.pins += ((unit, pin.demand, taken),)
                share -= taken
                left -= taken
        unmet += share
    return left, min(left, unmet) if needed else left


def _may_serve(pin: Pin, unit: SupplyUnit, need: Need, release: Release) -> bool:
    """Tell whether a pin can be kept (rules 10, 11).

    What belongs to another customer or is dead by then serves nobody: a firm peg to it
    is broken. Else firm pegs bind whatever the date, holds only what is there in time.
    """
    if unit.customer is not None and (
        unit.customer != release.demand_customers[pin.demand]
    ):
        return False
    alive = unit.expires == NEVER or unit.expires >= max(need.instant, need.alive_until)
    return alive and (pin.supply is not None or unit.available <= need.instant)
