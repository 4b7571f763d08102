"""Why a demand is late or short: the walk down its critical path (rule 24).

From the last delivery down: an order that waited for a resource says which and how
long; one that waited for goods leads on to who brought them; one that began as soon as
it could ends the walk at now, at a release fence or at a receipt that exists. Waiting
is charged first, the top of the path before its foot, because the delivery would have
come that much earlier without it; what remains of the lateness is lead time. The hours
of a demand sum to its lateness.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.lines import NEVER_FITS, RULES
from medhavi.planners.mrp.service import late_cost, short_cost
from medhavi.results.limiter import Limiter
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.jobs import Job
    from medhavi.planners.constrained.lines import Line
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.service import Service
    from medhavi.planners.mrp.state import SupplyUnit
    from medhavi.snapshot.settings import Settings


class Cause(NamedTuple):
    """One reason: code, what binds, when, and how much of the lateness it is [s]."""

    code: Limiter
    subject: str
    begin: int | None
    end: int | None
    seconds: int


class Wait(NamedTuple):
    """A stretch in which an order could have gone on [UTC seconds]: what it waited for.

    `kind` is that of the order, `subject` the resource, supplier or lane.
    """

    kind: str
    subject: str
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


class Walk:
    """Walks down critical paths.

    Parameters
    ----------
    jobs
        Placed orders by index of the order.
    waits
        Tells what an order waited for.
    as_of
        Now of the plan [UTC seconds].
    barred
        What refuses an order that fits in no campaign, by index: the rule.
    """

    def __init__(
        self,
        jobs: Mapping[int, Job],
        waits: Callable[[Job], Sequence[Wait]],
        as_of: int,
        barred: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self._barred = barred
        self._jobs = jobs
        self._waits = waits
        self._as_of = as_of

    def refusal(self, line: Line) -> list[Cause]:
        """Give why a line is not delivered though it could be, or never can."""
        if not line.dropped or not line.refused:
            return []
        if line.refused in RULES:
            subject = line.bound_by or line.demand.demand
            return [Cause(Limiter.ORDER_RULE, subject, None, None, line.late_by)]
        last = max(line.dropped, key=lambda part: (part.ready, part.match))
        if line.refused == NEVER_FITS:
            return [self._misfit(last.unit)]
        return _merged(self._down(last.unit, line.late_by))

    def _misfit(self, unit: SupplyUnit) -> Cause:
        """Name the lowest order that never fits."""
        order = unit.order
        while order is not None:
            job = self._jobs[order.index]
            lower = next((other for other in job.before if not other.placed), None)
            if lower is None:
                break
            order = lower.order
        if order is None:
            return Cause(Limiter.MATERIAL_SHORTFALL, unit.node.key[0], None, None, 0)
        code = MISFIT[order.kind]
        subject = self._barred.get(order.index, order.source_id)
        return Cause(code, subject, None, None, 0)

    def of(self, line: Line) -> list[Cause]:
        """Give the causes of a late line."""
        late = line.last - line.demand.due
        if late <= 0:
            return []
        last = max(line.parts, key=lambda part: (part.ready, part.match))
        rest = late
        found: list[Cause] = []
        ready = max(last.ready, line.demand.due)
        if line.last > ready:
            # The goods are there; a rule of the line or the order lets them wait.
            seconds = min(rest, line.last - ready)
            subject = line.bound_by or line.demand.demand
            found.append(Cause(Limiter.ORDER_RULE, subject, ready, line.last, seconds))
            rest -= seconds
        if rest > 0:
            found += self._down(last.unit, rest)
        return _merged(found)

    def _down(self, unit: SupplyUnit, late: int) -> list[Cause]:
        found: list[Cause] = []
        rest = late
        end = unit.arrives
        current = unit
        slowest: tuple[int, str] = (-1, current.node.key[0])
        seen: set[int] = set()
        while current.order is not None:
            order = current.order
            job = self._jobs.get(order.index)
            if job is None or order.index in seen:
                if rest > 0:
                    name = order.existing or order.source_id
                    found.append(
                        Cause(Limiter.AWAITING_SUPPLY, name, end - rest, end, rest)
                    )
                return found
            seen.add(order.index)
            for wait in self._waits(job):
                part = min(rest, wait.end - wait.begin)
                if part > 0:
                    code = WAITING[wait.kind]
                    found.append(Cause(code, wait.subject, wait.begin, wait.end, part))
                    rest -= part
            span = order.timing.finish - order.timing.start
            slowest = max(slowest, (span, order.source_id))
            lower = job.binding
            if lower is None:
                break
            current = lower
        return found + self._foot(current, slowest[1], rest, late)

    def _foot(
        self, unit: SupplyUnit, slowest: str, rest: int, late: int
    ) -> list[Cause]:
        """Charge what is left: a release fence as far as it goes, then lead time."""
        if rest <= 0:
            return []
        found: list[Cause] = []
        order = unit.order
        job = None if order is None else self._jobs.get(order.index)
        if order is not None and job is not None and order.existing is None:
            fence = job.floor - self._as_of
            if fence > 0:
                part = min(rest, fence)
                found.append(
                    Cause(
                        Limiter.RELEASE_FENCE,
                        order.source_id,
                        self._as_of,
                        job.floor,
                        part,
                    )
                )
                rest -= part
        if rest > 0:
            begin = self._as_of
            found.append(Cause(Limiter.LEAD_TIME, slowest, begin, begin + late, rest))
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


def cause_table(
    pairs: Iterable[tuple[Service, Sequence[Cause]]],
    release: Release,
    settings: Settings,
) -> dict[str, list[object]]:
    """Give the rows of `causes`: hours and money of a demand sum to its whole.

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
