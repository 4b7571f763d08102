"""What is settled before netting: holds, firm pegs, forecast that orders consume.

A hold takes free quantity from as_of on, first available first; its owner's needs take
their hold first, so a promised order is never counted twice. A firm peg keeps its
supply for its demand. What the owner of a hold does not need stays blocked; so does
the rest of a firm peg where `settings.over_peg` allows it (PEG-08). Not blocked are
receipts to come of a component, or at another place than the owner is: it is served by
another way, and would be counted twice (MRP-05). Goods that are there stay set aside.

An order eats the forecast period that holds its due date, then earlier periods inside
the backward window (nearest first), then later ones inside the forward window (nearest
first). What an order cannot find stays extra demand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.planners.mrp.netting_state.state import (
    FIRST_AVAILABLE,
    NO_DEMAND,
    SEQUENCE,
    Node,
)
from medhavi.units import DAY, NEVER, lineage, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, SupplyUnit


@dataclass(slots=True, eq=False)
class HardAllocation:
    """A quantity that belongs to a demand (or to nobody who is planned).

    `supply` tells what may serve it; None: any, first available first. `blocks`: what
    the owner does not use stays out of reach of others (holds). `label` names a firm
    peg or a hold; it is empty for an order that is made for a demand. `upstream`: it
    holds what goes into the demand, or is moved to it, so that it may do without;
    `spared` is what of receipts to come it was found to do without [units].
    """

    node: Node
    demand: int
    qty: int
    label: str
    blocks: bool
    supply: str | None = None
    upstream: bool = False
    spared: int = 0


class AllocationGap(NamedTuple):
    """A pin, and by how much it misses what its owner needs [units]."""

    pin: HardAllocation
    units: int


@dataclass(slots=True, kw_only=True)
class AllocationReport:
    """What a plan has to tell of its pins.

    `allow_over`: a firm peg keeps what its owner does not need. `broken`: the supply at
    hand does not cover the pin; `over`: a firm peg keeps more than is needed.
    """

    allow_over: bool
    broken: list[AllocationGap] = field(default_factory=list)
    over: list[AllocationGap] = field(default_factory=list)


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
        Unit index → quantity that pins keep from everyone [units].
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
            report.broken.append(AllocationGap(pin, unmet))
        elif report.allow_over and pin.label:
            over.append((pin, left))
    # After all firm pegs: what one keeps beyond its need might be what another one
    # needs.
    for pin, rest in over:
        units = _units(pin, name_of)
        owner = release.demand_customers[pin.demand]
        kept = _block([unit for unit in units if _may_have(unit, owner)], rest, blocked)
        if kept:
            report.over.append(AllocationGap(pin, kept))
    for pin in holds:
        units = _units(pin, name_of)
        left, _ = _serve_owner(pin, units, release)
        ours = [unit for unit in units if unit.is_ours]
        # Receipts to come are left to all: the owner is served another way, and would
        # have both.
        if pin.upstream:
            ours = [unit for unit in ours if unit.available <= release.as_of]
        _block(ours, left, blocked)
    return blocked


def _units(
    pin: HardAllocation, name_of: Callable[[SupplyUnit], str]
) -> list[SupplyUnit]:
    """Supply that a pin may take, first available first."""
    return [
        unit
        for unit in sorted(pin.node.units, key=FIRST_AVAILABLE)
        if pin.supply is None or name_of(unit) == pin.supply
    ]


def kept_by(
    pin: HardAllocation, release: OrderCreation, name_of: Callable[[SupplyUnit], str]
) -> Iterator[tuple[SupplyUnit, int]]:
    """Walk over the free supply that a pin keeps from everyone else, and how much.

    Parameters
    ----------
    pin, release, name_of
        As of `settle`; what the owner needs is not known yet.
    """
    left = pin.qty
    owner = None if pin.demand == NO_DEMAND else release.demand_customers[pin.demand]
    for unit in _units(pin, name_of):
        spared = 0 if unit.available <= release.as_of else pin.spared
        kept = min(left - spared, unit.free)
        if kept > 0 and _may_have(unit, owner):
            yield unit, kept
            left -= kept


def could_serve(
    pin: HardAllocation, release: OrderCreation, name_of: Callable[[SupplyUnit], str]
) -> bool:
    """Whether free supply of a pin may serve what its owner needs.

    Parameters
    ----------
    pin, release, name_of
        As of `settle`.
    """
    free = [unit for unit in _units(pin, name_of) if unit.free > 0]
    return any(
        _may_serve(pin, unit, need, release)
        for need in (pin.node.needs if free else ())
        if release.shares(need).get(pin.demand)
        for unit in free
    )


def _may_have(unit: SupplyUnit, customer: str | None) -> bool:
    """Whether a unit is ours, or of a customer."""
    return unit.is_ours or unit.customer == customer


def _block(units: Iterable[SupplyUnit], qty: int, blocked: dict[int, int]) -> int:
    """Keep supply from everyone; gives how much there was [units]."""
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
        What the pin has left [units].
    unmet : int
        What of that the owner needs and the supply does not give; all of it where the
        owner needs nothing here. A pin for more than is needed keeps what is needed.
    """
    left = pin.qty
    if pin.demand == NO_DEMAND:
        return left, 0
    unmet = 0
    needed = False
    for need in sorted(pin.node.needs, key=SEQUENCE):
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

    What belongs to another customer, is dead by then, or lacks what the need asks,
    serves nobody: a firm peg to it is broken. Else firm pegs bind whatever the date,
    holds only what is there in time.
    """
    if unit.customer is not None and (
        unit.customer != release.demand_customers[pin.demand]
    ):
        return False
    if not release.is_asked_for(unit, need):
        return False
    alive = unit.expires == NEVER or unit.expires >= max(need.instant, need.alive_until)
    return alive and (pin.supply is not None or unit.available <= need.instant)


Level = Literal["location", "customer", "product"]


@dataclass(slots=True, kw_only=True)
class ForecastPeriod:
    """A forecast row while it is consumed; `rest` [units] goes down."""

    demand: str
    product: str
    location: str
    customer: str | None
    start: int
    end: int
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumingOrder:
    """An order line that consumes forecast; `qty` in units of its product."""

    demand: str
    product: str
    location: str
    customer: str | None
    due: int
    qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPolicy:
    """How orders and forecast of a product at a location meet; windows in seconds.

    `at_end`: what is left of a period is needed when it ends, not when it starts.
    """

    level: Level = "location"
    backward: int = 0
    forward: int = 0
    keep_past: bool = False
    at_end: bool = False


DEFAULT_POLICY = ForecastPolicy()


class ForecastPolicies:
    """Find the policy of a product at a location: own, group, then `*` (rule 8).

    Parameters
    ----------
    rows
        Rows of `forecast_policies`.
    parents
        Product to product group.
    """

    def __init__(
        self, rows: Iterable[Mapping[str, object]], parents: Mapping[str, str]
    ) -> None:
        self._parents = parents
        self._policies = {
            (str(row["product"]), str(row["location"])): ForecastPolicy(
                level=row["level"],  # type: ignore[arg-type]
                backward=seconds_up(float(str(row["backward_days"])), DAY),
                forward=seconds_up(float(str(row["forward_days"])), DAY),
                keep_past=row["past"] == "keep",
                at_end=row["need"] == "end",
            )
            for row in rows
        }

    def of(self, product: str, location: str) -> ForecastPolicy:
        """Most specific policy; the product decides before the location."""
        if not self._policies:
            return DEFAULT_POLICY
        for name in (*lineage(product, self._parents), "*"):
            for place in (location, "*"):
                found = self._policies.get((name, place))
                if found is not None:
                    return found
        return DEFAULT_POLICY


def needed_at(row: Mapping[str, object], policies: ForecastPolicies) -> int:
    """When a demand is needed: a forecast as its policy says (WO-08).

    Parameters
    ----------
    row
        Of `demands`, instants in UTC seconds.
    """
    due = int(str(row["due"]))
    if row["kind"] != "forecast":
        return due
    at_end = policies.of(str(row["product"]), str(row["location"])).at_end
    return period_end(row) if at_end else due


def period_end(row: Mapping[str, object]) -> int:
    """End of a forecast period [UTC seconds]; empty: one day."""
    end = row["period_end"]
    return int(str(row["due"])) + DAY if end is None else int(str(end))


def consume(
    orders: Sequence[ConsumingOrder],
    periods: Sequence[ForecastPeriod],
    policies: ForecastPolicies,
    customer_groups: Mapping[str, str],
) -> None:
    """Lower `rest` of the periods by the orders, in sequence of due, then id.

    Notes
    -----
    O(orders x periods of their group); exact. Groups: product and location, product,
    location and customer (or a customer group above it), or product alone.
    """
    by_place: dict[tuple[str, str], list[ForecastPeriod]] = defaultdict(list)
    by_product: dict[str, list[ForecastPeriod]] = defaultdict(list)
    for period in sorted(periods, key=attrgetter("start", "demand")):
        by_place[(period.product, period.location)].append(period)
        by_product[period.product].append(period)
    for order in sorted(orders, key=attrgetter("due", "demand")):
        policy = policies.of(order.product, order.location)
        if policy.level == "product":
            candidates = by_product[order.product]
        else:
            candidates = by_place[(order.product, order.location)]
        if policy.level == "customer":
            groups = (
                set(lineage(order.customer, customer_groups))
                if order.customer is not None
                else {None}
            )
            candidates = [p for p in candidates if p.customer in groups]
        _consume_one(order, candidates, policy)


def _consume_one(
    order: ConsumingOrder, candidates: Sequence[ForecastPeriod], policy: ForecastPolicy
) -> None:
    open_qty = order.qty
    for period in _in_sequence(order.due, candidates, policy):
        if open_qty == 0:
            return
        eaten = min(open_qty, period.rest)
        period.rest -= eaten
        open_qty -= eaten


def _in_sequence(
    due: int, candidates: Sequence[ForecastPeriod], policy: ForecastPolicy
) -> Iterator[ForecastPeriod]:
    """Own period first, then backward nearest first, then forward nearest first."""
    own = [p for p in candidates if p.start <= due < p.end]
    yield from own
    taken = {id(p) for p in own}
    earlier = [
        p
        for p in candidates
        if due - policy.backward <= p.start <= due and id(p) not in taken
    ]
    yield from sorted(earlier, key=lambda p: (-p.start, p.demand))
    taken |= {id(p) for p in earlier}
    for p in candidates:
        if due < p.start <= due + policy.forward and id(p) not in taken:
            yield p
