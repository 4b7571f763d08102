"""What each demand gets when: deliveries by the rules of lines and orders (rule 12).

A delivery leaves when its goods are there, never before due or now (rule 21), nor
before new work for it is wanted. Then the rules, in this sequence: one delivery per
line, least shipments, most lateness, lines of an order together. What a rule forbids is
not delivered at all.

After every delivery the delivered share of all lines is equal. Shares count in parts of
the greatest common divisor of the lines' quantities, so that none is rounded, as in
promises. What is there of a line early waits for the others, and a share waits until
each line has what it asks for at least in a shipment.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import gcd
from operator import attrgetter
from typing import TYPE_CHECKING

from medhavi.planners.constrained.orders.lateness_weights import (
    NEVER_FITS,
    Line,
    Part,
    latest_of,
)
from medhavi.planners.mrp.fulfilment import Delivery, DemandFulfilment
from medhavi.planners.mrp.hard_allocations import AllocationGap
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.units import units_up

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.prescribed_sources import (
        PrescribedOrderCreation,
    )
    from medhavi.planners.constrained.orders.causes import Cause
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Demand, NodeKey, SupplyUnit
    from medhavi.planners.mrp.state_loading import LoadedState

    Cut = tuple[int, int]
    """Instant [UTC seconds], and how many shares of the order are delivered by it."""


def share_out(members: Sequence[Line], least: Sequence[int]) -> bool:
    """Date the parts of the lines of an order; tell whether any can be delivered.

    Parameters
    ----------
    members
        Lines that have the same share of their quantities, with parts.
    least
        Least shipment of each line [units]; of the last one what is open will do.
    """
    count = gcd(*(line.demand.qty for line in members))
    cuts = _cuts(members, least, count)
    for line in members if cuts else ():
        _date(line, cuts, count)
    return bool(cuts)


def _cuts(members: Sequence[Line], least: Sequence[int], count: int) -> list[Cut]:
    """List when a further share of all lines can go."""
    arrivals: dict[int, list[tuple[int, int]]] = {}
    for place, line in enumerate(members):
        for part in line.parts:
            arrivals.setdefault(part.date, []).append((place, part.qty))
    there = [0] * len(members)
    cuts: list[Cut] = []
    had = 0
    for instant in sorted(arrivals):
        for place, qty in arrivals[instant]:
            there[place] += qty
        # The scarcest line says how many shares all have.
        upto = _shares(members, there, count)
        if upto > had and _ships(members, least, count, (had, upto)):
            cuts.append((instant, upto))
            had = upto
    whole, last = _shares(members, there, count), max(arrivals)
    while had < whole:
        # Too little to go alone: it goes with what went before it.
        if not cuts:
            return []
        cuts.pop()
        had = cuts[-1][1] if cuts else 0
        if _ships(members, least, count, (had, whole)):
            cuts.append((last, whole))
            had = whole
    return cuts


def _shares(members: Sequence[Line], there: Sequence[int], count: int) -> int:
    """Count the shares that all lines have."""
    return min(
        qty * count // line.demand.qty for line, qty in zip(members, there, strict=True)
    )


def _ships(
    members: Sequence[Line], least: Sequence[int], count: int, shares: tuple[int, int]
) -> bool:
    """Whether shares from one number to another are a shipment of each line."""
    had, upto = shares
    for line, smallest in zip(members, least, strict=True):
        size = line.demand.qty // count
        if size * (upto - had) < min(smallest, size * (count - had)):
            return False
    return True


def _date(line: Line, cuts: Sequence[Cut], count: int) -> None:
    """Date the parts of a line by the shares, the earliest parts first."""
    size = line.demand.qty // count
    dated: list[Part] = []
    had = 0
    waiting = sorted(line.parts, key=lambda one: (-one.date, -one.match))
    for instant, upto in cuts:
        open_ = size * (upto - had)
        had = upto
        while open_:
            part = waiting.pop()
            if part.qty > open_:
                waiting.append(replace(part, qty=part.qty - open_))
            taken = min(part.qty, open_)
            dated.append(replace(part, qty=taken, date=instant))
            open_ -= taken
    # What counts as nothing of the line, because it is less than a step of it.
    dated += [replace(part, date=cuts[-1][0]) for part in reversed(waiting)]
    line.parts = dated


TOGETHER = "all_together"
_BY_DATE = attrgetter("date", "match")


def lines_of(
    intake: LoadedState,
    release: PrescribedOrderCreation,
    as_of: int,
    never: Collection[int] = (),
) -> list[Line]:
    """What every demand gets, by the rules.

    Parameters
    ----------
    intake, release
        A run whose orders are placed.
    as_of
        Now of the plan [UTC seconds].
    never
        Orders that fit at no time, by index: they deliver nothing.
    """
    lines = [Line(demand=demand) for demand in intake.demands]
    for part, demand in _parts(intake, release, as_of):
        order = part.unit.order
        line = lines[demand]
        if order is not None and order.index in never:
            line.refused = NEVER_FITS
            line.dropped.append(part)
        else:
            line.parts.append(part)
    for line in lines:
        line.parts.sort(key=_BY_DATE)
        _one_delivery(line)
        _least_shipments(line, release)
        _most_lateness(line)
    orders: dict[str, list[Line]] = {}
    for line in lines:
        if line.demand.is_tied:
            orders.setdefault(line.demand.row["sales_order"], []).append(line)
    for _, members in sorted(orders.items()):
        _together(members, release)
    return lines


def _parts(
    intake: LoadedState, release: PrescribedOrderCreation, as_of: int
) -> Iterable[tuple[Part, int]]:
    """List what was matched to demands; a substitute counts as what it stands for."""
    taken: dict[int, int] = {}
    needs = release.needs
    # Most matches are for orders.
    asked = [need.demand != NO_DEMAND for need in needs]
    for match, need_index in enumerate(release.match_need):
        if not asked[need_index]:
            continue
        need = needs[need_index]
        unit_index, qty = release.match_unit[match], release.match_qty[match]
        if qty == 0:
            continue
        credit = qty
        if need_index in release.covered:
            before = taken.get(need_index, 0)
            taken[need_index] = before + qty
            covered = release.covered[need_index]
            total = need.qty
            # By running totals: parts of a substitute sum up to what it covers, however
            # rounded.
            credit = covered * (before + qty) // total - covered * before // total
        unit = release.units[unit_index]
        due, ready = intake.demands[need.demand].due, unit.arrives
        if _is_new_work(unit):
            # The demand is served later on purpose: new work for it is not delivered
            # before.
            ready = max(ready, release.deferred.get(need.demand, 0))
        yield Part(match, unit, credit, ready, max(due, as_of, ready)), need.demand


def _is_new_work(unit: SupplyUnit) -> bool:
    """Whether a unit comes from a new order that makes or moves it."""
    order = unit.order
    return order is not None and order.existing is None and order.kind != "buy"


# --- rules of a line ---------------------------------------------------------------
def in_parts(demand: Demand) -> bool:
    """Whether what there is of a demand is delivered before the rest of it."""
    row = demand.row
    return not (row["full_line"] or row["min_shipment"] or demand.is_tied)


def goes_whole(demand: Demand) -> bool:
    """Whether nothing of a demand is delivered unless all of it is."""
    row = demand.row
    return bool(
        row["full_line"] or (row["sales_order"] and row["order_policy"] == TOGETHER)
    )


def _one_delivery(line: Line) -> None:
    """Deliver a full line at once, or not at all."""
    if not line.demand.row["full_line"] or not line.parts:
        return
    if line.planned < line.demand.qty:
        line.refuse("full_line")
        return
    for part in line.parts:
        part.date = line.last


def _least_shipments(line: Line, release: OrderCreation) -> None:
    """Gather small parts into least shipments; the last may be what is open."""
    if not line.parts:
        return
    if len(line.parts) == 1 and line.parts[0].qty >= line.demand.qty:
        # All in one shipment.
        return
    least = _least(line, release)
    if not least:
        return
    still_open = line.demand.qty
    kept: list[Part] = []
    waiting: list[Part] = []
    for place, part in enumerate(line.parts):
        waiting.append(part)
        same = place + 1 < len(line.parts) and line.parts[place + 1].date == part.date
        gathered = sum(one.qty for one in waiting)
        if same or gathered < min(least, still_open):
            continue
        for one in waiting:
            one.date = part.date
        kept += waiting
        still_open -= gathered
        waiting = []
    if waiting:
        if kept and sum(one.qty for one in waiting) > 0:
            # Too little to go alone: it goes with the last shipment before it.
            for one in kept:
                if one.date == kept[-1].date and one is not kept[-1]:
                    one.date = waiting[-1].date
            kept[-1].date = waiting[-1].date
            for one in waiting:
                one.date = waiting[-1].date
            kept += waiting
        else:
            line.refuse("min_shipment")
    line.parts = kept


def _least(line: Line, release: OrderCreation) -> int:
    """Least shipment of a line [units]; 0: none is stated."""
    stated = line.demand.row["min_shipment"]
    return units_up(stated, release.model.node(line.demand.node).step) if stated else 0


def _most_lateness(line: Line) -> None:
    """Leave out what comes later than a demand accepts."""
    limit = latest_of(line.demand)
    if line.last <= limit:
        return
    line.late_by = line.last - line.demand.due
    if line.demand.row["full_line"]:
        line.refuse("max_lateness_days")
        return
    kept = [part for part in line.parts if part.date <= limit]
    line.parts = [part for part in line.parts if part.date > limit]
    line.refuse("max_lateness_days")
    line.parts = kept


# --- rules of an order -------------------------------------------------------------
def _together(members: list[Line], release: OrderCreation) -> None:
    """Deliver the lines of an order together: at one instant, or in equal shares."""
    policy = members[0].demand.row["order_policy"]
    if policy != TOGETHER:
        _within_limits(members, policy)
    whole = all(line.planned >= line.demand.qty for line in members)
    if not whole:
        share = Fraction(0) if policy == TOGETHER else _common_share(members)
        for line in members:
            _keep_share(line, share, policy)
    if any(line.parts for line in members):
        _deliver_together(members, policy, release)


def _deliver_together(members: list[Line], policy: str, release: OrderCreation) -> None:
    """Date the parts of the lines of an order by what comes last of them."""
    last = max(line.last for line in members)
    binding = min(
        (line for line in members if line.last == last),
        key=lambda line: line.demand.demand,
    )
    for line in members:
        if last > latest_of(line.demand):
            for other in members:
                other.late_by = max(other.late_by, last - line.demand.due)
                other.refuse(policy)
            return
    for line in members:
        if line is not binding and line.last < last:
            line.bound_by = binding.demand.demand
    if policy != TOGETHER and not any(line.demand.row["full_line"] for line in members):
        _in_shares(members, release)
        return
    for line in members:
        for part in line.parts:
            part.date = last


def _in_shares(members: list[Line], release: OrderCreation) -> None:
    """Deliver equal shares of the lines of an order, as soon as all have one."""
    if share_out(members, [_least(line, release) for line in members]):
        return
    for line in members:
        line.refuse("min_shipment")


def _within_limits(members: list[Line], policy: str) -> None:
    """Leave out what comes later than any line accepts: the shares stay equal."""
    limit = min(latest_of(line.demand) for line in members)
    for line in members:
        late = [part for part in line.parts if part.date > limit]
        if late:
            line.late_by = max(line.late_by, late[-1].date - line.demand.due)
            line.refused = line.refused or policy
            line.dropped += late
            line.parts = [part for part in line.parts if part not in late]


def _common_share(members: list[Line]) -> Fraction:
    """Largest share that all lines have and that is whole steps of each."""
    parts = 0
    for line in members:
        parts = gcd(parts, line.demand.qty)
    most = min(line.planned * parts // line.demand.qty for line in members)
    return Fraction(most, parts)


def _keep_share(line: Line, share: Fraction, policy: str) -> None:
    """Keep a share of a line, of what comes first."""
    rest = int(line.demand.qty * share)
    if rest >= line.planned:
        return
    kept: list[Part] = []
    for part in line.parts:
        taken = min(part.qty, rest)
        rest -= taken
        if taken < part.qty:
            line.dropped.append(replace(part, qty=part.qty - taken))
            part.qty = taken
        if taken:
            kept.append(part)
    line.refused = line.refused or policy
    line.parts = kept


def undelivered(lines: Iterable[Line], release: OrderCreation) -> dict[int, int]:
    """What is matched to demands and not delivered: match to quantity [units]."""
    kept: dict[int, int] = {}
    demands: dict[int, int] = {}
    for line in lines:
        for part in line.parts:
            kept[part.match] = kept.get(part.match, 0) + part.qty
        for part in line.dropped:
            demands[part.match] = demands.get(part.match, 0) + part.qty
    found: dict[int, int] = {}
    for match, lost in demands.items():
        qty = release.match_qty[match]
        stays = kept.get(match, 0)
        # A substitute is counted in its own units; what stays is rounded up.
        found[match] = qty - -(-stays * qty // (stays + lost))
    return {match: qty for match, qty in found.items() if qty > 0}


def given_up_pins(
    lines: Iterable[Line],
    pins: Mapping[NodeKey, Iterable[HardAllocation]],
    name_of: Callable[[SupplyUnit], str],
) -> list[AllocationGap]:
    """List the firm pegs of what is matched to demands and not delivered."""
    lost: dict[tuple[int, str], int] = {}
    for line in lines:
        for part in line.dropped:
            place = line.demand.index, name_of(part.unit)
            lost[place] = lost.get(place, 0) + part.qty
    return [
        AllocationGap(pin, min(pin.qty, lost[pin.demand, pin.supply]))
        for placed in pins.values()
        for pin in placed
        if pin.supply is not None and lost.get((pin.demand, pin.supply))
    ]


def served(lines: Iterable[Line], release: OrderCreation) -> dict[int, list[Served]]:
    """When how much is taken for the needs of demands, by index of the need."""
    found: dict[int, list[Served]] = {}
    for line in lines:
        whole: dict[int, int] = {}
        for part in line.parts:
            whole[part.match] = whole.get(part.match, 0) + part.qty
        given: dict[int, int] = {}
        for part in line.parts:
            match = part.match
            before, qty = given.get(match, 0), release.match_qty[match]
            given[match] = upto = before + part.qty
            # A match may come in several deliveries, in units of what is taken.
            taken = qty
            if part.qty < whole[match]:
                taken = qty * upto // whole[match] - qty * before // whole[match]
            need = release.match_need[match]
            found.setdefault(need, []).append((part.date, taken))
    return found


Served = tuple[int, int]
"""Instant [UTC seconds] and quantity [units of what is taken]."""


def deliveries_of(line: Line) -> tuple[Delivery, ...]:
    """Deliveries of a line, by date."""
    return tuple(
        Delivery(qty=part.qty, date=part.date, unit=part.unit)
        for part in sorted(line.parts, key=_BY_DATE)
    )


def service_of(line: Line, reasons: Sequence[Cause], as_of: int) -> DemandFulfilment:
    """What a demand gets, and what limits it first."""
    return DemandFulfilment(
        demand=line.demand,
        deliveries=deliveries_of(line),
        planned=line.planned,
        limiter=str(reasons[0].code) if reasons else None,
        as_of=as_of,
    )
