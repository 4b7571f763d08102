"""Lines whose goods expire or belong to a customer (rule 11).

A lot (from a to e) serves a taker at t that needs goods alive until u where a <= t and
e >= u. Takers in the sequence of t, each served from the usable lot that expires first,
get as much as in any other way: all lots at hand are at hand later too, so only e
counts, and the smallest e that will do leaves the most to the others (first expired,
first out). What cannot be served waits for the next lot.

A quantity is free where a walk with it serves it at once, lets nobody wait for more
than before, and leaves no larger gap below the safety stock. As long as nothing that is
asked or held reaches the first expiry, the plain suffix minimum says the same.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from medhavi.providers.material.line import MaterialLine
from medhavi.units import DAY, INT64_MAX, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.providers.material.line import LineChange


class Lot(NamedTuple):
    """Goods at hand or to come; `customer` is who owns them, "" for ours.

    `kind` counts what the goods have, where lots of a line differ in that.
    """

    arrival: int
    expires: int
    customer: str
    units: int
    kind: int = 0


class LotAllocation(NamedTuple):
    """A quantity [units] that is taken at an instant from goods that live `until`.

    `kind` counts what the goods must have.
    """

    instant: int
    until: int
    customer: str
    units: int
    kind: int = 0


@dataclass(slots=True)
class LotRemainder:
    """What is left of a lot or a taker; `limit` is until when it lives or must live."""

    limit: int
    customer: str
    units: int


_BY_LIMIT = attrgetter("limit")
Item = TypeVar("Item", Lot, LotAllocation)


class SearchedLine(MaterialLine):
    """A line that tries the instants at which more may become free, one by one."""

    __slots__ = ()

    def never_free(self, *, buffers: bool = False) -> bool:  # noqa: ARG002 - same call
        """Whether nothing is free at any instant, as is known at once: it is not."""
        return False

    def earliest(
        self,
        units: int,
        start: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        buffers: bool = False,
        customer: str | None = None,
    ) -> int | None:
        """First instant from `start` on at which a quantity is free."""
        if units <= 0:
            return start
        for instant in (start, *self.rises(start)):
            if self.fits(
                units,
                instant,
                transit,
                min_shelf_days,
                buffers=buffers,
                customer=customer,
            ):
                return instant
        return None


class LotLine(SearchedLine):
    """Availability of one product at one location, lot by lot.

    Parameters
    ----------
    lots : iterable of Lot
        Goods at hand and to come.
    withheld : sequence of (int, int)
        Safety stock as a step function.
    journal : list of Shift
        Where changes are noted.

    Notes
    -----
    A customer's taker uses the customer's own goods first. Where several of them expire
    at different times, another split could fit a little more; what is accepted is
    always served.
    """

    __slots__ = ("_first_expiry", "_last_until", "_lots", "_owned", "_steps", "_takers")

    def __init__(
        self,
        lots: Iterable[Lot],
        takers: Iterable[LotAllocation],
        withheld: Sequence[tuple[int, int]],
        journal: list[LineChange],
    ) -> None:
        self._lots = sorted(lots)
        self._takers = sorted(takers)
        ours = [lot for lot in self._lots if not lot.customer]
        super().__init__(
            [(lot.arrival, lot.units) for lot in ours]
            + [(taker.instant, -taker.units) for taker in self._takers],
            withheld,
            journal,
        )
        self._owned = len(ours) < len(self._lots)
        self._steps = list(withheld)
        self._survey()

    def _survey(self) -> None:
        self._first_expiry = min((lot.expires for lot in self._lots), default=INT64_MAX)
        self._last_until = max((taker.until for taker in self._takers), default=0)

    def _until(self, instant: int, transit: int, min_shelf_days: float) -> int:
        days = seconds_up(min_shelf_days, DAY) if min_shelf_days else 0
        return instant + transit + days

    def _plain(self, until: int) -> bool:
        """Whether expiry and ownership change nothing up to there."""
        last = max(until, self._last_until, self._steps[-1][0] if self._steps else 0)
        return not self._owned and last <= self._first_expiry

    # ------------------------------------------------------------------ questions
    def available(
        self,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        buffers: bool = False,
        customer: str | None = None,
    ) -> int:
        """What a new taker may take at an instant without harm to others."""
        until = self._until(instant, transit, min_shelf_days)
        if self._plain(until):
            return super().available(instant, buffers=buffers)
        most = sum(
            lot.units
            for lot in self._lots
            if lot.arrival <= instant
            and lot.expires >= until
            and lot.customer in ("", customer)
        )
        low, high = 0, most
        # The instant is in both walks, so that they compare moment by moment.
        before = self._walk(self._takers, frozenset({instant})) if most else []
        while low < high:
            middle = (low + high + 1) // 2
            taker = LotAllocation(instant, until, customer or "", middle)
            if self._harmless(taker, buffers, before):
                low = middle
            else:
                high = middle - 1
        return low

    def fits(
        self,
        units: int,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        buffers: bool = False,
        customer: str | None = None,
    ) -> bool:
        """Whether a quantity may be taken at an instant."""
        until = self._until(instant, transit, min_shelf_days)
        if self._plain(until):
            return units <= super().available(instant, buffers=buffers)
        if units <= 0:
            return True
        before = self._walk(self._takers, frozenset({instant}))
        taker = LotAllocation(instant, until, customer or "", units)
        return self._harmless(taker, buffers, before)

    def rises(self, start: int) -> list[int]:
        """List the instants after `start` at which more may become available."""
        return self._candidates(start)[1:]

    def _candidates(self, start: int) -> list[int]:
        """Instants at which a quantity may become free: it never does else."""
        moments = {lot.arrival for lot in self._lots}
        moments.update(instant for instant, _ in self._steps)
        return [start, *sorted(moment for moment in moments if moment > start)]

    @property
    def short(self) -> tuple[int, int] | None:
        """Commitments that are not covered: largest shortage [units] and its start."""
        if self._plain(0):
            return super().short
        walked = self._walk(self._takers, frozenset())
        worst = max((waiting for _, waiting, _ in walked), default=0)
        if not worst:
            return None
        return worst, next(instant for instant, waiting, _ in walked if waiting)

    # -------------------------------------------------------------------- changes
    def apply(self, shift: LineChange) -> None:
        """Carry out a shift without noting it; one that fails leaves the line alone."""
        self._change_items(shift, shift.uses)
        try:
            super().apply(shift)
        except ValueError:
            self._change_items(shift, -shift.uses)
            raise
        self._survey()

    # ------------------------------------------------------------------- internals
    def _change_items(self, shift: LineChange, uses: int) -> None:
        """Insert the lot or taker of a shift, or remove it."""
        units = abs(shift.units)
        if shift.receipt:
            lot = Lot(shift.instant, shift.until, "", units, shift.kind)
            _change(self._lots, lot, uses)
        else:
            owner = shift.customer or ""
            taker = LotAllocation(shift.instant, shift.until, owner, units, shift.kind)
            _change(self._takers, taker, uses)

    def _harmless(
        self,
        new: LotAllocation,
        buffers: bool,  # noqa: FBT001 - hot
        before: list[tuple[int, int, int]],
    ) -> bool:
        """Whether nobody waits for more than `before`, which is walked without it."""
        places = list(self._takers)
        insort(places, new)
        after = self._walk(places, frozenset({new.instant}))
        for (instant, waited, held), (_, waits, left) in zip(
            before, after, strict=True
        ):
            if waits > waited:
                return False
            if not buffers and left < held:
                level = self._level(instant)
                if left < level:
                    return False
        return True

    def _level(self, instant: int) -> int:
        level = 0
        for begin, value in self._steps:
            if begin > instant:
                break
            level = value
        return level

    def _walk(
        self, takers: Sequence[LotAllocation], grid: frozenset[int]
    ) -> list[tuple[int, int, int]]:
        """Serve the takers in sequence.

        Returns
        -------
        list of (int, int, int)
            Instant [s], units that wait, units of ours at hand after all its events.
        """
        moments = {lot.arrival for lot in self._lots} | grid
        # At its last instant a lot is there still.
        moments.update(lot.expires + 1 for lot in self._lots)
        moments.update(taker.instant for taker in takers)
        moments.update(instant for instant, _ in self._steps)
        pool: list[LotRemainder] = []
        waiting: list[LotRemainder] = []
        found = []
        next_lot = next_taker = 0
        for moment in sorted(moments):
            while next_lot < len(self._lots) and self._lots[next_lot].arrival <= moment:
                lot = self._lots[next_lot]
                portion = LotRemainder(lot.expires, lot.customer, lot.units)
                insort(pool, portion, key=_BY_LIMIT)
                next_lot += 1
            pool = [portion for portion in pool if portion.limit >= moment]
            while next_taker < len(takers) and takers[next_taker].instant <= moment:
                taker = takers[next_taker]
                waiting.append(LotRemainder(taker.until, taker.customer, taker.units))
                next_taker += 1
            waiting = [wanted for wanted in waiting if not _serve(wanted, pool, moment)]
            found.append(
                (
                    moment,
                    sum(wanted.units for wanted in waiting),
                    sum(portion.units for portion in pool if not portion.customer),
                )
            )
        return found


def _serve(wanted: LotRemainder, pool: list[LotRemainder], moment: int) -> bool:
    """Serve a taker from the usable goods that expire first; True: nothing is left."""
    first = bisect_left(pool, max(wanted.limit, moment), key=_BY_LIMIT)
    for owner in (wanted.customer, "") if wanted.customer else ("",):
        for portion in pool[first:]:
            if portion.customer != owner or not portion.units:
                continue
            part = min(portion.units, wanted.units)
            portion.units -= part
            wanted.units -= part
            if not wanted.units:
                return True
    return not wanted.units


def _change(items: list[Item], item: Item, uses: int) -> None:
    """Insert an item, or remove one that is equal."""
    if uses > 0:
        insort(items, item)
        return
    place = bisect_left(items, item)
    if place == len(items) or items[place] != item:
        message = "The shift was put back before."
        raise ValueError(message)
    del items[place]
