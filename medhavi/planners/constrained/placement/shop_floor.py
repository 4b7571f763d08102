"""When an order fits: one face for what is made, bought and moved.

Makes ask the finite capacity; purchases and moves ask the clock of their source, and
wait until the supplier delivers, or a vehicle carries, that much more.

Two of three orders of a company with several sites are such moves. They are placed, and
moved back, as `OrderPlacement` does it with any order, without its questions about
steps, ends of life and changeovers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.orders.jobs import Wait
from medhavi.providers.finite_capacity.free_slots import AT_ONCE
from medhavi.units import DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.state import SupplyOrder
    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.sourcing.supply_limits import SupplyLimits


TRIES = 1000
"""Periods of a supplier, or departures of a lane, that are looked at for one order."""


class ShopFloor:
    """Answers when orders fit, and keeps what is occupied.

    Parameters
    ----------
    finite
        Capacity with what is occupied already.
    quotas
        What suppliers deliver and vehicles carry, with what is taken already.
    """

    def __init__(self, finite: FiniteCapacity, quotas: SupplyLimits) -> None:
        self._finite = finite
        self._quotas = quotas
        self._journal: list[tuple[Source, int, int, int]] = []
        self._marked = False
        self._places: dict[int, frozenset[tuple[str, str]]] = {}
        self._limited: dict[int, bool] = {}
        self._in_work: dict[str, FiniteCapacity] = {}

    def slow(self, efficiency: Mapping[str, Fraction]) -> None:
        """Reduce the efficiency of resources for the order asked for next."""
        self._finite.slow(efficiency)

    def before_use(self, order: SupplyOrder) -> int:
        """Time from the start of an order to the first use of goods [s]."""
        timing = order.timing
        if order.kind == "move" or not timing.steps:
            return 0
        first = timing.steps[0]
        return first.start - first.queue_start

    # --- questions -----------------------------------------------------------------
    def earliest(
        self, order: SupplyOrder, start: int, ready: Mapping[int, int] = AT_ONCE
    ) -> OrderTiming | None:
        """Earliest order that begins nothing before a start; None: never.

        `ready` are instants before which some of its steps do not begin, by step.
        """
        source = order.source
        if source is None:
            return None
        if order.existing is not None:
            return self._from(source, order, start, ready)
        for begin, end in source.windows:
            timing = self._from(source, order, max(begin, start), ready)
            if timing is not None and timing.start < end:
                return timing
        return None

    def as_dated(self, order: SupplyOrder, timing: OrderTiming) -> OrderTiming | None:
        """A make order where it is dated, with what it keeps; None: it does not fit."""
        source = order.source
        if source is None or not source.valid_at(timing.start):
            return None
        making, _ = self._making(order)
        return making.as_dated(source.source, timing)

    def as_before(self, order: SupplyOrder, timing: OrderTiming) -> OrderTiming | None:
        """A make order where it was in an earlier plan; None: it does not fit now."""
        if order.source is None or not self._finite.open_for(timing):
            return None
        making, _ = self._making(order)
        return making.as_dated(order.source.source, timing)

    def changed_over(self, timing: OrderTiming) -> bool:
        """Whether all steps of an order that is held have their changeovers."""
        return self._finite.changed_over(timing)

    def _making(self, order: SupplyOrder) -> tuple[FiniteCapacity, int]:
        """Capacity for what is left to do of a make order, and its size there [units].

        What is done of the steps of an order that exists is not done again.
        """
        name, whole = order.existing, order.whole
        if name is None or whole is None:
            return self._finite, order.steps
        known = self._in_work.get(name)
        if known is None:
            done = whole - order.steps
            known = self._in_work[name] = self._finite.in_work(name, (whole, done))
        return known, order.steps if known is self._finite else whole

    def _from(
        self,
        source: Source,
        order: SupplyOrder,
        start: int,
        ready: Mapping[int, int],
    ) -> OrderTiming | None:
        if source.kind == "make":
            making, units = self._making(order)
            return making.earliest(
                source.source, units, start, by=order.need, ready=ready
            )
        if not self._limits(source):
            return source.clock.earliest(start, order.steps)
        bound = start
        for _ in range(TRIES):
            timing = source.clock.earliest(bound, order.steps)
            if timing is None:
                return None
            at = self._at(source, timing)
            later = self._quotas.until(source, order.steps, at)
            if later is None:
                return timing
            begun = timing.ready if source.kind == "move" else timing.start
            # A second later at least, so that another departure or day is asked for.
            bound = begun + max(1, later - at)
        return None

    def latest(
        self, order: SupplyOrder, need: int, not_before: int, *, soft: bool = True
    ) -> OrderTiming | None:
        """Latest order whose goods are there by a need, soft time included or not."""
        source = order.source
        if source is None:
            return None
        for _ in range(TRIES):
            if source.kind == "make":
                making, units = self._making(order)
                timing = making.latest(
                    source.source,
                    units,
                    need,
                    not_before,
                    safety_days=source.safety_days,
                    soft=soft,
                )
            else:
                timing = source.clock.latest(need, order.steps)
            if timing is None or timing.start < not_before:
                return None
            over = self._too_late(source, order, timing)
            if over is None:
                return timing
            if over == NEVER:
                return None
            # All between goods that come sooner and the need brings the same order.
            spare = int(source.safety_days * DAY) if soft else 0
            need = min(need, timing.finish + spare) - over
        return None

    def _too_late(
        self, source: Source, order: SupplyOrder, timing: OrderTiming
    ) -> int | None:
        """How much earlier an order is valid, or finds room; None: it is so."""
        if order.existing is None and not source.valid_at(timing.start):
            start = source.latest_valid(timing.start)
            return NEVER if start is None else timing.start - start
        if source.kind == "make" or not self._limits(source):
            return None
        at = self._at(source, timing)
        since = self._quotas.since(source, order.steps, at)
        return None if since is None else at - since

    def _limits(self, source: Source) -> bool:
        """Whether a supplier or a vehicle may ever refuse an order."""
        known = self._limited.get(id(source))
        if known is None:
            known = self._limited[id(source)] = self._quotas.limits(source)
        return known

    def _at(self, source: Source, timing: OrderTiming) -> int:
        if source.kind == "move":
            return timing.start if timing.departure is None else timing.departure
        return self._quotas.door(source, timing.finish)

    def places(self, order: SupplyOrder) -> frozenset[tuple[str, str]]:
        """Name what limits an order and others: resources, suppliers, lanes.

        Those of its place now are among them, whatever its source is.
        """
        source = order.source
        if source is None:
            return frozenset()
        known = self._places.get(id(source))
        if known is None:
            if source.kind == "make":
                names = self._finite.touches(source.source)
                known = frozenset(("resource", name) for name in names)
            else:
                shared = self._quotas.shared(source)
                known = frozenset([(source.kind, source.source)] if shared else [])
            self._places[id(source)] = known
        if not order.existing:
            return known
        used = {
            ("resource", name)
            for window in order.timing.steps
            for name, _ in window.resources
        }
        return known | used

    # --- changes -------------------------------------------------------------------
    def occupy(self, order: SupplyOrder, timing: OrderTiming) -> None:
        """Hold what an order takes."""
        source = order.source
        if source is None:
            return
        if source.kind == "make":
            self._finite.occupy(timing, str(order.index))
        elif self._limits(source):
            self._take(source, order.steps, self._at(source, timing), 1)

    def release(self, order: SupplyOrder, timing: OrderTiming) -> None:
        """Release what `occupy` took."""
        source = order.source
        if source is None:
            return
        if source.kind == "make":
            self._finite.release(timing, str(order.index))
        elif self._limits(source):
            self._take(source, order.steps, self._at(source, timing), -1)

    def _take(self, source: Source, units: int, at: int, sign: int) -> None:
        self._quotas.take(source, units, at, sign)
        if self._marked:
            self._journal.append((source, units, at, sign))

    def mark(self) -> tuple[int, int]:
        """Mark to undo to; changes are noted from the first one on."""
        self._marked = True
        return self._finite.mark(), len(self._journal)

    def undo(self, mark: tuple[int, int]) -> None:
        """Take back every change since a mark."""
        finite, taken = mark
        self._finite.undo(finite)
        while len(self._journal) > taken:
            source, steps, at, sign = self._journal.pop()
            self._quotas.take(source, steps, at, -sign)

    def owes(self, order: SupplyOrder, timing: OrderTiming) -> bool:
        """Whether work behind an order that is gone lacks its changeover now."""
        source = order.source
        making = source is not None and source.kind == "make"
        return making and self._finite.owes(timing)

    # --- reasons -------------------------------------------------------------------
    def waits(
        self, order: SupplyOrder, timing: OrderTiming, start: int
    ) -> Iterator[Wait]:
        """List what an order waited for.

        Parameters
        ----------
        order, timing
            The order and where it fits.
        start
            First instant at which it could have begun [UTC seconds].
        """
        source = order.source
        if source is None:
            return
        if source.kind != "make":
            free = source.clock.earliest(start, order.steps)
            if free is not None and free.finish < timing.finish:
                yield Wait(source.kind, source.source, free.finish, timing.finish)
            return
        owner = str(order.index)
        making, _ = self._making(order)
        found = making.waits(source.source, timing, start, owner)
        step, blamed, until = None, "", start
        for wait in sorted(found, key=lambda one: (one.step, one.start)):
            if wait.step != step:
                step, blamed = wait.step, ""
            if wait.kind != "closed":
                blamed = wait.resource
            begin = max(wait.start, until)
            # What is closed after a wait for others is waited through because of them.
            if blamed and begin < wait.finish:
                until = wait.finish
                yield Wait("make", blamed, begin, until)


class PlainMoves:
    """Answers for plain moves, and keeps what they take of their vehicles.

    Parameters
    ----------
    shop
        Answers when an order fits.
    could_begin
        When orders that waited could have begun, by number of their job; it grows.
    """

    def __init__(self, shop: ShopFloor, could_begin: dict[int, int]) -> None:
        self._shop = shop
        self._could_begin = could_begin

    def early(self, job: Job) -> bool:
        """Place a move as early as can be; False: `OrderPlacement` asks again."""
        shop, order, goods = self._shop, job.order, job.goods
        start = max(job.floor, goods)
        timing = shop.earliest(order, start)
        if timing is None or timing.ready < goods:
            return False
        netted = order.timing
        span = netted.finish - min(netted.start, netted.ready)
        if timing.ready > start or timing.finish - start > span:
            self._could_begin[job.number] = start
        shop.occupy(order, timing)
        put(job, timing)
        job.placed = True
        return True

    def late(self, job: Job, limit: int) -> bool:
        """Move it as late as a limit allows; tell whether it moved.

        Any later departure is another one, so what it takes of its own does not count.
        """
        shop, order = self._shop, job.order
        now = order.timing
        later = shop.latest(order, limit, now.start)
        if later is None or later.finish <= now.finish or job.goods > later.ready:
            return False
        shop.release(order, now)
        shop.occupy(order, later)
        put(job, later)
        return True


def is_plain_move(job: Job) -> bool:
    """Whether only goods and departures date an order."""
    return job.timeless and not job.mortal and job.order.kind == "move"


def put(job: Job, timing: OrderTiming) -> None:
    """Write down where a plain move is now."""
    job.order.timing = timing
    leaves, comes = timing.ready, timing.finish
    for take in job.takes:
        take.need.instant = leaves
    for out in job.outs:
        unit = out.unit
        unit.arrives = unit.available = comes
