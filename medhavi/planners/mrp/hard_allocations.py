"""Holds and firm pegs: who owns what before the rest is netted (rules 10, DEF-01, 02).

A hold takes free quantity from as_of on, first available first; its owner's needs take
their hold first, so a promised order is never counted twice. A firm peg keeps its
supply for its demand. What the owner of a hold does not need stays blocked; so does the
rest of a firm peg where `settings.over_peg` allows it (PEG-08).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.state import NO_DEMAND, Node
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, SupplyUnit

_BY_ARRIVAL = attrgetter("available", "expires", "index")
_SEQUENCE = attrgetter("instant", "priority", "index")


@dataclass(slots=True, eq=False)
class HardAllocation:
    """A quantity that belongs to a demand (or to nobody who is planned).

    `supply` tells what may serve it; None: any, first available first. `blocks`: what
    the owner does not use stays out of reach of others (holds). `label` names a firm
    peg or a hold; it is empty for an order that is made for a demand.
    """

    node: Node
    demand: int
    qty: int
    label: str
    blocks: bool
    supply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenAllocation:
    """A pin that the supply at hand does not cover [steps]."""

    pin: HardAllocation
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessAllocation:
    """A firm peg that keeps more than its owner needs [steps]."""

    pin: HardAllocation
    kept: int


@dataclass(slots=True, kw_only=True)
class AllocationReport:
    """What a plan has to tell of its pins.

    `allow_over`: a firm peg keeps what its owner does not need. `broken` could not be
    kept, `over` keeps more than is needed.
    """

    allow_over: bool
    broken: list[BrokenAllocation] = field(default_factory=list)
    over: list[ExcessAllocation] = field(default_factory=list)


def settle(
    pins: Iterable[HardAllocation],
    release: OrderCreation,
    name_of: Callable[[SupplyUnit], str],
    report: AllocationReport,
) -> dict[int, int]:
    """Pinned supply to its owners before a cluster is walked.

    The needs of all firm pegs come first, then what is over, then holds.

    Parameters
    ----------
    pins
        Pins of the nodes of one cluster, firm pegs first.
    release
        Register of the run; the needs of the nodes are all known.
    name_of
        Name of a unit as pegs write it.
    report
        Gets the firm pegs that are broken or keep more than is needed.

    Returns
    -------
    dict of int to int
        Unit index → quantity that pins keep from everyone [steps].
    """
    blocked: dict[int, int] = {}
    over: list[tuple[HardAllocation, int]] = []
    holds: list[HardAllocation] = []
    for pin in pins:
        if pin.blocks:
            holds.append(pin)
            continue
        left, unmet = _serve_owner(pin, _units(pin, name_of), release)
        if pin.demand == NO_DEMAND:
            continue
        if unmet:
            report.broken.append(BrokenAllocation(pin=pin, missing=unmet))
        elif report.allow_over and pin.label:
            over.append((pin, left))
    for pin, rest in over:
        units = [
            unit
            for unit in _units(pin, name_of)
            if unit.customer in {None, release.demand_customers[pin.demand]}
        ]
        kept = _block(units, rest, blocked)
        if kept:
            report.over.append(ExcessAllocation(pin=pin, kept=kept))
    for pin in holds:
        units = _units(pin, name_of)
        left, _ = _serve_owner(pin, units, release)
        _block([unit for unit in units if unit.is_ours], left, blocked)
    return blocked


def _units(
    pin: HardAllocation, name_of: Callable[[SupplyUnit], str]
) -> list[SupplyUnit]:
    """Supply that a pin may take, first available first."""
    return [
        unit
        for unit in sorted(pin.node.units, key=_BY_ARRIVAL)
        if pin.supply is None or name_of(unit) == pin.supply
    ]


def _block(units: Iterable[SupplyUnit], qty: int, blocked: dict[int, int]) -> int:
    """Keep supply from everyone; gives how much there was [steps]."""
    left = qty
    for unit in units:
        kept = min(left, unit.free)
        if kept > 0:
            unit.free -= kept
            blocked[unit.index] = blocked.get(unit.index, 0) + kept
            left -= kept
    return qty - left


def _serve_owner(
    pin: HardAllocation, units: list[SupplyUnit], release: OrderCreation
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


def _may_serve(
    pin: HardAllocation, unit: SupplyUnit, need: Need, release: OrderCreation
) -> bool:
    """Whether a pin can be kept (rules 10, 11).

    What belongs to another customer or is dead by then serves nobody: a firm peg to it
    is broken. Else firm pegs bind whatever the date, holds only what is there in time.
    """
    if unit.customer is not None and (
        unit.customer != release.demand_customers[pin.demand]
    ):
        return False
    alive = unit.expires == NEVER or unit.expires >= max(need.instant, need.alive_until)
    return alive and (pin.supply is not None or unit.available <= need.instant)
