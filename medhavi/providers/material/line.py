"""One product at one place over time: what is free, and when (MAT-02, MAT-03).

The cumulative net C(t) is stock plus receipts up to t less what is taken up to t, L(t)
is the safety stock withheld. A new taker at t lowers C at t and ever after, so

    available(t) = min over t' >= t of C(t') - L(t')

and the earliest instant for q is the first t with available(t) >= q (DEF-03). The
literal reading, the first t with C(t) >= q, takes what a later commitment needs.

Sorted lists and bisect: on lines of some dozen events they answer in about a
microsecond, where arrays need ten. Each instant counts what happens at it and goes when
the last of that is undone, so any order of undoing restores the lists to the element.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import ALWAYS, INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class LineChange(NamedTuple):
    """A change of a line that can be taken back.

    `units` is what a taker takes; negative: what is given back or arrives. `uses` is 1
    for a new entry and -1 for an entry that goes. A taker needs goods that live
    `until`, a receipt lives `until`. `kind` says what the goods have or must have.
    """

    line: MaterialLine
    units: int
    instant: int
    uses: int
    until: int
    customer: str | None
    receipt: bool
    kind: int = 0


class MaterialLine:
    """Availability of one product at one location.

    Parameters
    ----------
    events : iterable of (int, int)
        Instants [s] and changes of the net [units]; what lies there now at ALWAYS.
    withheld : sequence of (int, int)
        Safety stock as a step function; empty: none.
    journal : list of Shift
        Where changes are noted; the owner of the line undoes them.
    unlimited : bool, default False
        Bulk material: always there.

    Notes
    -----
    `take` does not ask whether the quantity is there: `fits` does.
    """

    __slots__ = (
        "_bare",
        "_journal",
        "_net",
        "_suffix",
        "_times",
        "_unlimited",
        "_uses",
        "_withheld",
        "withholds",
    )

    def __init__(
        self,
        events: Iterable[tuple[int, int]],
        withheld: Sequence[tuple[int, int]],
        journal: list[LineChange],
        *,
        unlimited: bool = False,
    ) -> None:
        if events or withheld:
            self._times, self._net, self._uses = _summed(events, withheld)
        else:
            self._times, self._net, self._uses = [ALWAYS], [0], [1]
        self._withheld = _levels_at(self._times, withheld) if withheld else None
        self.withholds = bool(withheld)
        """Whether it keeps safety stock back at any time."""
        self._suffix: list[int] | None = None
        self._bare: list[int] | None = None
        self._journal = journal
        self._unlimited = unlimited

    # ------------------------------------------------------------------ questions
    def available(
        self,
        instant: int,
        transit: int = 0,  # noqa: ARG002 - lines with lots look at it
        min_shelf_days: float = 0.0,  # noqa: ARG002 - same
        *,
        buffers: bool = False,
        customer: str | None = None,  # noqa: ARG002 - same
    ) -> int:
        """What a new taker may take at an instant without harm to others [units].

        Parameters
        ----------
        instant : int
            When it is taken [s].
        transit : int, default 0
            Time until it is used or delivered [s]; lots must live that long (rule 11).
        min_shelf_days : float, default 0
            Life that must be left then [days].
        buffers : bool, default False
            Safety stock may be used.
        customer : str, optional
            Stock that this customer owns counts too.
        """
        if self._unlimited:
            return INT64_MAX
        floor = self._bare if buffers or self._withheld is None else self._suffix
        free = (floor or self._floor(buffers))[bisect_right(self._times, instant) - 1]
        return max(free, 0)

    def never_free(self, *, buffers: bool = False) -> bool:
        """Whether a new taker finds nothing at any instant, as is known at once."""
        if self._unlimited:
            return False
        floor = self._bare if buffers or self._withheld is None else self._suffix
        return (floor or self._floor(buffers))[-1] <= 0

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
        return units <= self.available(
            instant, transit, min_shelf_days, buffers=buffers, customer=customer
        )

    def earliest(
        self,
        units: int,
        start: int,
        transit: int = 0,  # noqa: ARG002 - lines with lots look at it
        min_shelf_days: float = 0.0,  # noqa: ARG002 - same
        *,
        buffers: bool = False,
        customer: str | None = None,  # noqa: ARG002 - same
    ) -> int | None:
        """First instant from `start` on at which a quantity is free.

        Returns
        -------
        int or None
            Instant [s]; None: what is known never covers it.
        """
        if self._unlimited or units <= 0:
            return start
        floor = self._bare if buffers or self._withheld is None else self._suffix
        floor = floor or self._floor(buffers)
        # The suffix minimum never falls, so the first place that is high enough rules.
        place = bisect_left(floor, units)
        if place == len(floor):
            return None
        instant = self._times[place]
        return max(instant, start)

    def rises(self, start: int) -> list[int]:
        """List the instants after `start` at which more becomes available."""
        floor = self._floor(buffers=False)
        first = bisect_right(self._times, start)
        return [
            self._times[i]
            for i in range(max(first, 1), len(floor))
            if floor[i] > floor[i - 1]
        ]

    @property
    def state(self) -> tuple[tuple[int, int], ...]:
        """Net [units] from each instant on at which it changes (MAT-07)."""
        return tuple(
            (instant, net)
            for place, (instant, net) in enumerate(
                zip(self._times, self._net, strict=True)
            )
            if not place or net != self._net[place - 1]
        )

    @property
    def short(self) -> tuple[int, int] | None:
        """Commitments that are not covered: largest shortage [units] and its start.

        Safety stock is no commitment. None: all is covered.
        """
        if self._unlimited or min(self._net) >= 0:
            return None
        first = next(i for i, net in enumerate(self._net) if net < 0)
        return -min(self._net), self._times[first]

    # -------------------------------------------------------------------- changes
    def take(
        self,
        units: int,
        instant: int,
        transit: int = 0,
        min_shelf_days: float = 0.0,
        *,
        customer: str | None = None,
    ) -> LineChange:
        """Take a quantity at an instant, for good.

        Returns
        -------
        Shift
            What `put_back` takes, in any order.
        """
        until = self._until(instant, transit, min_shelf_days)
        return self._noted(
            LineChange(self, units, instant, 1, until, customer, receipt=False)
        )

    def add(self, units: int, instant: int, expires: int | None = None) -> LineChange:
        """Add a receipt at an instant: the rest of a new order."""
        until = INT64_MAX if expires is None else expires
        return self._noted(
            LineChange(self, -units, instant, 1, until, None, receipt=True)
        )

    def put_back(self, shift: LineChange) -> LineChange:
        """Undo one take or arrival, whatever came after it."""
        return self._noted(shift._replace(units=-shift.units, uses=-shift.uses))

    def _noted(self, shift: LineChange) -> LineChange:
        if shift.line is not self:
            message = "The shift belongs to another line."
            raise ValueError(message)
        self.apply(shift)
        self._journal.append(shift)
        return shift

    def apply(self, shift: LineChange) -> None:
        """Carry out a shift without noting it: the journal's owner undoes with it.

        Raises
        ------
        ValueError
            It was put back before; the line is as it was.
        """
        times, net = self._times, self._net
        place = bisect_left(times, shift.instant)
        known = place < len(times) and times[place] == shift.instant
        if shift.uses + (self._uses[place] if known else 0) < 0:
            message = f"The shift of {shift.units} units at {shift.instant} was put back before."
            raise ValueError(message)
        if not known:
            times.insert(place, shift.instant)
            net.insert(place, net[place - 1])
            self._uses.insert(place, 0)
            if self._withheld is not None:
                self._withheld.insert(place, self._withheld[place - 1])
        self._uses[place] += shift.uses
        units = shift.units
        for i in range(place, len(net)):
            net[i] -= units
        if not self._uses[place]:
            del times[place], net[place], self._uses[place]
            if self._withheld is not None:
                del self._withheld[place]
        self._suffix = self._bare = None

    # ------------------------------------------------------------------- internals
    def _until(self, instant: int, transit: int, min_shelf_days: float) -> int:
        """How long goods must live; here nothing expires."""
        del transit, min_shelf_days
        return instant

    def _floor(self, buffers: bool) -> list[int]:  # noqa: FBT001 - hot
        if buffers or self._withheld is None:
            if self._bare is None:
                self._bare = _suffix_minimum(self._net)
            return self._bare
        if self._suffix is None:
            self._suffix = _suffix_minimum(
                [n - w for n, w in zip(self._net, self._withheld, strict=True)]
            )
        return self._suffix


def _suffix_minimum(values: list[int]) -> list[int]:
    """Running minimum from the end.

    >>> _suffix_minimum([10, 2, 22])
    [2, 2, 22]
    """
    found = list(accumulate(reversed(values), min))
    found.reverse()
    return found


def _summed(
    events: Iterable[tuple[int, int]], withheld: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int], list[int]]:
    """Instants at which something changes, the net and the uses of each."""
    changes: dict[int, int] = {ALWAYS: 0}
    uses: dict[int, int] = {ALWAYS: 1}
    for instant, change in events:
        changes[instant] = changes.get(instant, 0) + change
        uses[instant] = uses.get(instant, 0) + 1
    for instant, _ in withheld:
        changes.setdefault(instant, 0)
        uses[instant] = uses.get(instant, 0) + 1
    times = sorted(changes)
    net = list(accumulate(changes[instant] for instant in times))
    return times, net, [uses[instant] for instant in times]


def _levels_at(times: Sequence[int], withheld: Sequence[tuple[int, int]]) -> list[int]:
    """Read a step function at rising instants; nothing before its first."""
    starts = [instant for instant, _ in withheld]
    found = []
    for instant in times:
        place = bisect_right(starts, instant) - 1
        found.append(0 if place < 0 else withheld[place][1])
    return found
