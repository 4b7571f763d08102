"""Why a demand is late or short (rule 24), and the exceptions that say so.

Hours that had passed when the plan began are the cause PastDue and nobody else's (rule
45). From the last delivery down: an order that waited for a resource says which and how
long; one that waited for goods leads on to who brought them; one that began as soon as
it could ends the walk at now, at a release fence or at a receipt that exists. Waiting
is charged first, the top of the path before its foot, because the delivery would have
come that much earlier without it: what passed before the last goods of an order came is
no waiting of it. What remains is lead time, the longest link first,
each with its own time at most. The hours of a demand sum to its lateness.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.lateness_weights import (
    NEVER_FITS,
    RULES,
    latest_of,
)
from medhavi.planners.mrp.exception_messages import tell_awaited
from medhavi.planners.mrp.fulfilment import late_cost, short_cost
from medhavi.results.amounts import duration, number
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.units import HOUR, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.orders.jobs import Job, Wait
    from medhavi.planners.constrained.orders.lateness_weights import Line
    from medhavi.planners.mrp.exception_messages import ExceptionMessages
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        SupplyAlternative,
        SupplyUnit,
    )
    from medhavi.snapshot.tables import Settings


class Cause(NamedTuple):
    """One reason: code, what binds, when, and how much of the lateness it is [s]."""

    code: Limiter
    subject: str
    begin: int | None
    end: int | None
    seconds: int


class Link(NamedTuple):
    """An order of a chain: its own time [s] in a stretch [UTC seconds], its source.

    The stretch begins when what it takes is there; time that it waits is not its own.
    """

    own: int
    source: str
    begin: int
    end: int


MISFIT = {
    "make": Limiter.QTY_DURATION_UNSUPPORTED,
    "buy": Limiter.SUPPLIER_MOQ,
    "move": Limiter.NO_TRANSPORT_CAPACITY,
}
"""What keeps an order from ever fitting, by its kind."""
WAITING = {
    "make": Limiter.CAPACITY_SHORTFALL,
    "buy": Limiter.MATERIAL_SHORTFALL,
    "move": Limiter.NO_TRANSPORT_CAPACITY,
}


class CriticalPaths:
    """Walks down critical paths.

    Parameters
    ----------
    jobs
        Placed orders by index of the order.
    waits
        Tells what an order waited for.
    barred
        What refuses an order that fits in no campaign, by index: the rule.
    """

    def __init__(
        self,
        jobs: Mapping[int, Job],
        waits: Callable[[Job], Sequence[Wait]],
        release: FeasibleOrderCreation,
        barred: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self._barred = barred
        self._jobs = jobs
        self._waits = waits
        self._release = release
        self._as_of = release.as_of

    def refusal(self, line: Line) -> list[Cause]:
        """Why a line is not delivered though it could be, or never can."""
        if not line.dropped or not line.refused:
            return []
        if latest_of(line.demand) < self._as_of:
            # It accepts nothing from now on, whatever is there.
            name = line.demand.demand
            return [Cause(Limiter.PAST_DUE, name, None, None, line.late_by)]
        if line.refused in RULES:
            subject = line.bound_by or line.demand.demand
            return [Cause(Limiter.ORDER_RULE, subject, None, None, line.late_by)]
        last = max(line.dropped, key=lambda part: (part.ready, part.match))
        if line.refused == NEVER_FITS:
            return [self._misfit(last.unit)]
        return _merged(self._down(last.unit, line.late_by))

    def _misfit(self, unit: SupplyUnit) -> Cause:
        """Name what nothing supplies, else the lowest order that never fits."""
        if (lacking := _unsupplied(unit.node, self._release, set())) is not None:
            return lacking
        order, seen = unit.order, set[int]()
        # What waits for itself in a circle has no lowest one.
        while order is not None and order.index not in seen:
            seen.add(order.index)
            job = self._jobs[order.index]
            lower = next((other for other in job.before if not other.placed), None)
            if lower is None:
                break
            order = lower.order
        if order is None:
            place = "|".join(unit.node.key)
            return Cause(Limiter.MATERIAL_SHORTFALL, place, None, None, 0)
        code = MISFIT[order.kind]
        subject = self._barred.get(order.index, order.source_id)
        return Cause(code, subject, None, None, 0)

    def of(self, line: Line) -> list[Cause]:
        """Causes of a late line."""
        due, begin = line.demand.due, max(line.demand.due, self._as_of)
        if line.last <= due:
            return []
        last = max(line.parts, key=lambda part: (part.ready, part.match))
        rest = max(line.last - begin, 0)
        found: list[Cause] = []
        if begin > due:
            # Nothing of the chain could have been there before now.
            overdue = min(begin, line.last) - due
            name = line.demand.demand
            found.append(Cause(Limiter.PAST_DUE, name, due, due + overdue, overdue))
        ready = max(last.ready, begin)
        if line.last > ready:
            # The goods are there; a rule of the line or the order lets them wait.
            seconds = min(rest, line.last - ready)
            subject = line.bound_by or line.demand.demand
            found.append(Cause(Limiter.ORDER_RULE, subject, ready, line.last, seconds))
            rest -= seconds
        if rest > 0:
            found += self._down(last.unit, rest)
        return _merged(found)

    def path(self, line: Line) -> Iterator[SupplyUnit]:
        """Goods that the last delivery of a late line waited for, top first."""
        unit: SupplyUnit | None = None
        if line.last > line.demand.due:
            unit = max(line.parts, key=lambda part: (part.ready, part.match)).unit
        seen: set[int] = set()
        while unit is not None and unit.index not in seen:
            yield unit
            seen.add(unit.index)
            job = None if unit.order is None else self._jobs.get(unit.order.index)
            unit = None if job is None else self._delays(job)[1]

    def _delays(self, job: Job) -> tuple[Sequence[Wait], SupplyUnit | None]:
        """What an order waited for after its last goods came, and these goods."""
        waits = self._waits(job)
        goods = job.awaited(waits)
        if goods is None:
            return waits, None
        # However little it had waited before, the goods would have come no sooner.
        return [wait for wait in waits if wait.begin >= goods.arrives], goods

    def _down(self, unit: SupplyUnit, late: int) -> list[Cause]:
        """Charge lateness after now [s] to what the chain below a unit waits for."""
        found: list[Cause] = []
        rest = late
        current = unit
        links: list[Link] = []
        seen: set[int] = set()
        while current.order is not None:
            order = current.order
            job = self._jobs.get(order.index)
            if job is None or order.index in seen:
                # An order that stands: until it is there, the chain waits for it.
                name = order.existing or order.source_id
                there = current.arrives
                part = min(rest, max(there - self._as_of, 0)) if links else rest
                if part > 0:
                    awaited = Limiter.AWAITING_SUPPLY
                    found.append(Cause(awaited, name, there - part, there, part))
                    rest -= part
                return found + self._lead_times(links, rest)
            seen.add(order.index)
            waits, lower = self._delays(job)
            waited = 0
            for wait in waits:
                waited += wait.end - wait.begin
                part = min(rest, wait.end - wait.begin)
                if part > 0:
                    code = WAITING[wait.kind]
                    found.append(Cause(code, wait.subject, wait.begin, wait.end, part))
                    rest -= part
            begin = self._as_of if lower is None else max(lower.arrives, self._as_of)
            # From when the last goods were there, less what it waited for others.
            own = max(current.arrives - begin - waited, 0)
            links.append(Link(own, order.source_id, begin, current.arrives))
            if lower is None:
                break
            current = lower
        # Only the lowest order of the chain begins because it may, not because goods
        # came.
        fence = self._fence(current, rest)
        rest -= sum(cause.seconds for cause in fence)
        if not links and rest > 0:
            begin = self._as_of
            name = current.node.key[0]
            return [*found, Cause(Limiter.LEAD_TIME, name, begin, begin + rest, rest)]
        return found + fence + self._lead_times(links, rest, fence)

    def _fence(self, unit: SupplyUnit, rest: int) -> list[Cause]:
        """Charge a release fence at the foot of a chain, as far as it goes."""
        order = unit.order
        job = None if order is None else self._jobs.get(order.index)
        if order is None or job is None or order.existing is not None:
            return []
        part = min(rest, job.floor - self._as_of)
        if part <= 0:
            return []
        code, begin = Limiter.RELEASE_FENCE, self._as_of
        return [Cause(code, order.source_id, begin, job.floor, part)]

    def _lead_times(
        self,
        links: list[Link],
        rest: int,
        fence: Sequence[Cause] = (),
    ) -> list[Cause]:
        """Charge what is left to the links of a chain, each with its own time at most.

        `links` come top first; the time of a release fence at the foot is not the
        foot's.
        """
        fenced = sum(cause.seconds for cause in fence)
        if links and fenced:
            foot = links[-1]
            links = [*links[:-1], foot._replace(own=max(foot.own - fenced, 0))]
        found: list[Cause] = []
        code = Limiter.LEAD_TIME
        # The longest lead time is where most could be won.
        for link in sorted(links, key=lambda link: (-link.own, link.source)):
            part = min(rest, link.own)
            if part > 0:
                found.append(Cause(code, link.source, link.begin, link.end, part))
                rest -= part
        if rest > 0 and links:
            # Safety time between goods and use belongs to nobody else of the chain.
            last = links[0]
            found.append(Cause(code, last.source, last.end - rest, last.end, rest))
        return found


def _merged(found: Iterable[Cause]) -> list[Cause]:
    """Put causes with the same code and subject together, the longest first."""
    sums: dict[tuple[Limiter, str], Cause] = {}
    for cause in found:
        key = (cause.code, cause.subject)
        known = sums.get(key)
        if known is None:
            sums[key] = cause
            continue
        sums[key] = Cause(
            *key,
            _least(known.begin, cause.begin),
            _most(known.end, cause.end),
            known.seconds + cause.seconds,
        )
    return sorted(sums.values(), key=lambda c: (-c.seconds, c.code, c.subject))


def _least(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def useless_stock(line: Line, node: Node, as_of: int) -> Cause | None:
    """Lot of what is wanted that a short demand does not get because of what it is.

    Of those that are left the largest one that lacks what the demand asks for, or that
    is dead by then; None: there is none, or something else is missing.
    """
    demand = line.demand
    if node.key != demand.node:
        return None
    until = max(demand.due, as_of) + demand.min_shelf
    for unit in sorted(node.units, key=lambda one: (-one.free, one.index)):
        if unit.order is not None or not unit.is_ours or unit.free <= 0:
            continue
        subject = "|".join((*node.key, unit.lot))
        if not unit.meets(demand.asks):
            return Cause(Limiter.QUALITY_MISMATCH, subject, None, None, 0)
        if unit.expires < until:
            return Cause(Limiter.SHELF_LIFE_EXCEEDED, subject, None, None, 0)
    return None


def never_supplied(node: Node, release: FeasibleOrderCreation) -> Cause:
    """What keeps a product from being supplied anew at any time, the lowest of it.

    What the first routing takes and nothing supplies, a supplier whose lead time no
    calendar holds, a resource without hours; else the quantity is what does not fit.
    """
    return _unsupplied(node, release, set()) or _misfit_of(node)


def _misfit_of(node: Node) -> Cause:
    """Cause that the quantity of a product fits no source, or that it has none."""
    makes = [source for source in node.sources if source.kind == "make"]
    if makes:
        return Cause(MISFIT["make"], makes[0].source, None, None, 0)
    known = node.sources or node.units
    code = Limiter.MATERIAL_SHORTFALL if known else Limiter.NO_SOURCE
    return Cause(code, "|".join(node.key), None, None, 0)


def _unsupplied(
    node: Node, release: FeasibleOrderCreation, seen: set[int]
) -> Cause | None:
    """Why nothing supplies one unit of a product; None: something does."""
    stands = any(unit.order is None or unit.order.existing for unit in node.units)
    if stands or node.rules.unlimited or id(node) in seen:
        return None
    seen.add(id(node))
    if not node.sources:
        return _misfit_of(node)
    ways = release.model.ways(node)
    found = [_unusable(way, release, seen) for way in ways]
    return None if None in found else found[0]


def _unusable(
    way: SupplyAlternative, release: FeasibleOrderCreation, seen: set[int]
) -> Cause | None:
    """Why a source brings not even one unit; None: it does."""
    source = way.source
    if source.kind == "make":
        capacity = release.model.providers.capacity
        for names in capacity.choices(source.source).values():
            levels = [one for name in names for one in capacity.resource(name).levels]
            if levels and not any(units for _, _, units in levels):
                return Cause(Limiter.CAPACITY_SHORTFALL, names[0], None, None, 0)
    elif source.kind == "buy" and release.soonest(source, 1) is None:
        return Cause(Limiter.LEAD_TIME, source.source, None, None, 0)
    taken = [[line.node for line in group] for group in way.intakes]
    for nodes in [*taken, *([] if way.origin is None else [[way.origin]])]:
        found = [_unsupplied(one, release, seen) for one in nodes]
        if found and None not in found:
            return found[0]
    return None


def cause_table(
    pairs: Iterable[tuple[DemandFulfilment, Sequence[Cause]]],
    release: OrderCreation,
    settings: Settings,
) -> dict[str, list[object]]:
    """Rows of `causes`: hours and money of a demand sum to its whole.

    Money of lateness goes with the hours, that of what is never delivered with the
    first cause.
    """
    names = ("demand", "code", "subject", "valid_from", "valid_to", "hours", "money")
    columns: dict[str, list[object]] = {name: [] for name in names}
    for service, reasons in pairs:
        if not reasons:
            continue
        step = release.model.node(service.demand.node).step
        late = late_cost(service, step, settings)
        short = short_cost(service, step, settings)
        total = sum(cause.seconds for cause in reasons)
        rest = late
        for place, cause in enumerate(reasons):
            last = place + 1 == len(reasons)
            part = rest if last else late * cause.seconds / total if total else 0.0
            rest -= part
            row = (
                service.demand.demand,
                str(cause.code),
                cause.subject,
                cause.begin,
                cause.end,
                cause.seconds / HOUR,
                part + (short if place == 0 else 0.0),
            )
            for name, value in zip(names, row, strict=True):
                columns[name].append(value)
    return columns


CODES = {
    "max_lateness_days": ExceptionCode.MAX_LATENESS,
    "full_line": ExceptionCode.MIN_SHIPMENT,
    "min_shipment": ExceptionCode.MIN_SHIPMENT,
    "all_together": ExceptionCode.ORDER_POLICY,
    "in_ratio": ExceptionCode.ORDER_POLICY,
}


def tell(
    messages: ExceptionMessages,
    jobs: Sequence[Job],
    release: OrderCreation,
    as_of: int,
) -> None:
    """Add what only a constrained plan has to tell.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    """
    placed = {job.order.index for job in jobs if not job.stays}

    def stands(need: Need, _: SupplyUnit) -> bool:
        return need.order is not None and need.order.index not in placed

    tell_awaited(messages, release, stands, as_of)
    _missing(messages, release)
    for job in jobs:
        order = job.order
        if order.existing is None or not job.placed or order.row is None:
            continue
        shift = order.timing.finish - order.row["due"]
        if job.stays and not job.lacking and order.timing.steps and not shift:
            messages.add(
                ExceptionCode.CAPACITY_OVERLOAD,
                "Finds no room among other work and stays as it is dated.",
                date=order.row["due"],
                **messages.of_order(order),
            )
        if shift:
            messages.add(
                ExceptionCode.MOVED,
                f"Comes {duration(abs(shift) / HOUR)} "
                f"{'later' if shift > 0 else 'earlier'} than it is dated.",
                date=order.row["due"],
                suggested_date=order.timing.finish,
                hours=abs(shift) / HOUR,
                **messages.of_order(order),
            )


def _missing(messages: ExceptionMessages, release: OrderCreation) -> None:
    """Which orders that exist take what nothing supplies."""
    for shortage in release.shortages:
        need = shortage.need
        if need.order is None or need.order.existing is None:
            continue
        product, location = need.node.key
        messages.add(
            ExceptionCode.MISSING_MATERIAL,
            f"Takes {product} that nothing supplies.",
            **{
                **messages.of_order(need.order),
                "product": product,
                "location": location,
            },
            date=need.instant,
            qty=from_units(shortage.qty, need.node.step),
        )


def tell_refused(
    messages: ExceptionMessages,
    lines: Iterable[Line],
    rules: Mapping[int, tuple[str, int]],
    model: ItemLocationGraph,
) -> None:
    """Which demands are not delivered in full because a rule forbids it.

    Parameters
    ----------
    rules
        By index of the demand: the rule, and how late the rest would have been [s].
    """
    for line in lines:
        demand = line.demand
        rule, late_by = rules.get(demand.index, ("", 0))
        if rule not in CODES or line.planned >= demand.qty:
            continue
        product, location = demand.node
        rest = from_units(demand.qty - line.planned, model.node(demand.node).step)
        late = f", {duration(late_by / HOUR)} late" if late_by else ""
        messages.add(
            CODES[rule],
            f"{rule} forbids to deliver {number(rest)}{late}.",
            demand=demand.demand,
            product=product,
            location=location,
            date=demand.due,
            qty=rest,
            hours=late_by / HOUR,
        )
