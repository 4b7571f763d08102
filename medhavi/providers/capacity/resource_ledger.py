"""What one resource has to do over time, and where it still has room.

Use is a step function: sorted instants and the units used from each on. Units count as
whole millionths, so that what is taken and given back leaves no trace. Neighbours of
equal use are joined, so the lists depend on what is held and not on how it came about.

Per question plain lists and bisection are ten times faster than arrays; the search for
a gap is that of serial list scheduling (Kolisch, European Journal of Operational
Research 90, 1996, 320-333), on the axis of working time. Free stretches lie in lists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.units import ALWAYS, DAY, MINUTE, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.providers.capacity.resources import ResourceClock
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Span = tuple[int, int]

_SHORT = 15 * MINUTE
"""Lengths below are one class; each class after it reaches to twice the length."""
_CLASSES = 6
"""Classes after the first; all that is longer is in the last."""


class FreeIntervals:
    """Where one need has room on one ledger, and how much in a working time.

    Parameters
    ----------
    times, used
        The use of the ledger, which changes in place: instants [s], and the use from
        each on.
    limit
        Use up to which there is room for the need; negative: there never is.
    working
        Open time that work may use.
    """

    __slots__ = ("_limit", "_lists", "_times", "_used", "_working")

    def __init__(
        self, times: list[int], used: list[int], limit: int, working: WorkingTime
    ) -> None:
        self._times = times
        self._used = used
        self._limit = limit
        self._working = working
        self._lists: dict[int, tuple[list[int], list[int]]] = {}
        """Starts and ends of the stretches that are long enough, by rising class."""

    def earliest(
        self,
        splittable: bool,  # noqa: FBT001 - hot
        length: int,
        bound: int,
        limit: int,
    ) -> Span | None:
        """First room from an instant on for work that ends before a limit.

        Parameters
        ----------
        length
            Working seconds, positive.
        bound, limit
            Instants from which it begins and before which it ends [s].
        """
        if not self._lists:
            return self._sought(splittable, length, bound, limit - length)
        size = (length // _SHORT).bit_length()
        if size > _CLASSES:  # noqa: PLR1730 - hot: `min` takes twice as long
            size = _CLASSES
        listed, latest = self._lists.get(size), limit - length
        if listed is None:
            return self._sought(splittable, length, bound, latest)
        starts, ends = listed
        opened = self._working.soonest if splittable else self._unbroken
        for place in range(bisect_right(ends, bound), len(ends)):
            begin, end = starts[place], ends[place]
            if begin < bound:  # noqa: PLR1730 - hot
                begin = bound
            if begin >= latest:
                return None
            if end - begin < length:
                continue
            span = opened(begin, length)
            if span is None or span[1] <= end:
                return span
        return None

    def _sought(
        self,
        splittable: bool,  # noqa: FBT001
        length: int,
        bound: int,
        latest: int,
    ) -> Span | None:
        """Pass the use from an instant on, for room that begins before another.

        Where that was long, the stretches for such a length are listed from now on.
        """
        times, used, limit = self._times, self._used, self._limit
        if limit < 0:
            return None
        count = len(times)
        place = bisect_right(times, bound) - 1
        most = place + _LONG
        opened = self._working.soonest if splittable else self._unbroken
        found: Span | None = None
        while True:
            if used[place] > limit:
                place += 1
                while used[place] > limit:
                    place += 1
                bound = times[place]
            if bound >= latest:
                break
            after = place + 1
            while after < count and used[after] <= limit:
                after += 1
            end = times[after] if after < count else NEVER
            if end - bound >= length:
                span = opened(bound, length)
                if span is None:
                    break
                start = span[0]
                if span[1] <= end:
                    found = span
                    break
                if start >= end:
                    bound = start
                    place = bisect_right(times, bound, after) - 1
                    continue
            place = after
        if place > most:
            self._learn(length)
        return found

    def _unbroken(self, bound: int, length: int) -> Span | None:
        """First open time for work that is not split, whoever else works."""
        start = self._working.first_fit(bound, length)
        return None if start is None else (start, start + length)

    def _learn(self, length: int) -> None:
        """List the stretches for a length from now on."""
        size = min((length // _SHORT).bit_length(), _CLASSES)
        starts, ends = self._lists[size] = list[int](), list[int]()
        self._lists = dict(sorted(self._lists.items()))
        for start, end, room in self._free(0, len(self._times)):
            if room >= size:
                starts.append(start)
                ends.append(end)

    def changed(self, start: int, finish: int) -> None:
        """Look again at what `[start, finish)` touches: its use is another now."""
        if not self._lists:
            return
        times, used, limit = self._times, self._used, self._limit
        first = bisect_right(times, start) - 1
        while first and used[first - 1] <= limit:
            first -= 1
        last, count = bisect_right(times, finish, first), len(times)
        while last < count and used[last - 1] <= limit:
            last += 1
        low, high = times[first], times[last] if last < count else NEVER
        found = self._free(first, last)
        for size, (starts, ends) in self._lists.items():
            before = behind = bisect_left(starts, low)
            while behind < len(starts) and starts[behind] < high:
                behind += 1
            found = [one for one in found if one[2] >= size]
            if found:
                starts[before:behind] = [one[0] for one in found]
                ends[before:behind] = [one[1] for one in found]
            elif before < behind:
                del starts[before:behind], ends[before:behind]
            else:
                # What is too short for a class is too short for all that follow.
                return

    def _free(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """Stretches of some pieces of use: start, end, class of length.

        Those that are too short for every list are left out.
        """
        times, used, limit = self._times, self._used, self._limit
        found: list[tuple[int, int, int]] = []
        # The lists stand by rising class.
        least = (1 << next(iter(self._lists), 0) >> 1) * _SHORT
        place = first
        while place < last:
            if used[place] > limit:
                place += 1
                continue
            start = times[place]
            while place < last and used[place] <= limit:
                place += 1
            end = times[place] if place < len(times) else NEVER
            room = _CLASSES
            if end - start < least:
                continue
            if start > ALWAYS and end < NEVER:
                room = (self._working.between(start, end) // _SHORT).bit_length()
                if room > _CLASSES:  # noqa: PLR1730 - hot
                    room = _CLASSES
            found.append((start, end, room))
        return found


class VaryingIntervals(FreeIntervals):
    """Where one need has room on a ledger whose units change."""

    __slots__ = ("_book", "_need")

    def __init__(self, book: VaryingLedger, working: WorkingTime, need: int) -> None:
        super().__init__(book.times, book.used, 0, working)
        self._book = book
        self._need = need

    def earliest(
        self,
        splittable: bool,  # noqa: FBT001
        length: int,
        bound: int,
        limit: int,  # noqa: ARG002 - what ends too late may be given
    ) -> Span | None:
        """First room from an instant on, whether it ends before a limit or not."""
        opened = self._working.soonest if splittable else self._unbroken
        while True:
            span = opened(bound, length)
            blocked = None if span is None else self._book.conflict(*span, self._need)
            if blocked is None:
                return span
            bound = self._book.full_around(blocked, self._need)[1]


MILLION: Final = 1_000_000
_FEW: Final = 8
"""Blocks that are put in their places one by one; to sort again takes longer."""
_LONG: Final = 16
"""Pieces of use that a search may pass before free stretches are worth listing."""
ENDLESS: Final = 2 * NEVER
"""As a limit: none."""
_WINDOW: Final = 30 * DAY
"""Length of the stretches in which units that change are read."""


class BusyInterval(NamedTuple):
    """Half-open `[start, finish)` in which an owner holds millionths of a unit.

    `family` is what the resource is set up for then ("": as before), `changeover` [s]
    the part of the block that changes it from the family before. Blocks are sorted by
    all fields: steps of one order may hold two units from and to the same instants.
    """

    start: int
    finish: int
    units: int
    owner: str
    family: str = ""
    changeover: int = 0


@lru_cache(maxsize=4096)
def millionths(units: float) -> int:
    """Units as whole millionths, rounded down.

    >>> millionths(1 / 3)
    333333
    """
    scaled = exact(units) * MILLION
    return scaled.numerator // scaled.denominator


class ResourceLedger:
    """Use of one resource that is sequenced by the minute."""

    __slots__ = ("_added", "_free", "_sorted", "clock", "most", "times", "used")

    def __init__(self, clock: ResourceClock) -> None:
        self.clock = clock
        self.times: list[int] = [ALWAYS]
        self.used: list[int] = [0]
        self._sorted: list[BusyInterval] = []
        self._added: list[BusyInterval] = []
        """Blocks since somebody asked for them by start: most orders ask for times."""
        constant = clock.constant
        self.most = -1 if constant is None else millionths(constant)
        """Units at work whenever it is open [millionths]; -1: they change."""
        self._free: dict[tuple[WorkingTime, int], FreeIntervals] = {}

    # ----------------------------------------------------------------- what is held
    @property
    def blocks(self) -> list[BusyInterval]:
        """What is held, by start."""
        if len(self._added) < _FEW:
            for block in self._added:
                insort(self._sorted, block)
        else:
            self._sorted += self._added
            self._sorted.sort()
        self._added.clear()
        return self._sorted

    def add(self, block: BusyInterval) -> None:
        """Hold a block; more than there is can be held, then nothing else fits."""
        self._added.append(block)
        self._change(block.start, block.finish, block.units)

    def remove(self, block: BusyInterval) -> None:
        """Release a block.

        Raises
        ------
        ValueError
            It is not held.
        """
        if self._added and self._added[-1] == block:
            del self._added[-1]
        else:
            place = bisect_left(self.blocks, block)
            if place == len(self._sorted) or self._sorted[place] != block:
                message = f"{self.clock.resource} does not hold {block}."
                raise ValueError(message)
            del self._sorted[place]
        self._change(block.start, block.finish, -block.units)

    def held(self, start: int, finish: int) -> list[BusyInterval]:
        """List the blocks that reach into `[start, finish)`, by start."""
        last = bisect_left(self.blocks, finish, key=lambda block: block.start)
        return [block for block in self._sorted[:last] if block.finish > start]

    def _change(self, start: int, finish: int, units: int) -> None:
        if start >= finish or not units:
            return
        times, used = self.times, self.used
        first = bisect_right(times, start) - 1
        last = first + 1
        if last == len(times) or times[last] >= finish:
            self._change_inside(first, (start, finish), used[first] + units)
        else:
            self._change_across(first, (start, finish), units)
        for free in self._free.values():
            free.changed(start, finish)

    def _change_inside(self, place: int, span: Span, level: int) -> None:
        """Change the use of a part of one piece; join neighbours of equal use."""
        times, used = self.times, self.used
        start, finish = span
        after, before = place + 1, used[place]
        reaches = after < len(times) and times[after] == finish
        if times[place] != start:
            if not reaches:
                times[after:after] = span
                used[after:after] = level, before
            elif used[after] == level:
                times[after] = start
            else:
                times.insert(after, start)
                used.insert(after, level)
        elif place and used[place - 1] == level:
            if not reaches:
                times[place] = finish
            elif used[after] == level:
                del times[place : after + 1], used[place : after + 1]
            else:
                del times[place], used[place]
        else:
            used[place] = level
            if not reaches:
                times.insert(after, finish)
                used.insert(after, before)
            elif used[after] == level:
                del times[after], used[after]

    def _change_across(self, first: int, span: Span, units: int) -> None:
        """Change the use of several pieces, given the first one."""
        times, used = self.times, self.used
        start, finish = span
        if times[first] != start:
            first += 1
            times.insert(first, start)
            used.insert(first, used[first - 1])
        last = bisect_left(times, finish, first)
        if last == len(times) or times[last] != finish:
            times.insert(last, finish)
            used.insert(last, used[last - 1])
        for place in range(first, last):
            used[place] += units
        if used[last] == used[last - 1]:
            del times[last], used[last]
        if first and used[first] == used[first - 1]:
            del times[first], used[first]

    # -------------------------------------------------------------------- conflicts
    def conflict(self, start: int, finish: int, need: int) -> Span | None:
        """First piece of `[start, finish)` without room for the need."""
        times, used, limit = self.times, self.used, self.most - need
        count = len(times)
        place = bisect_right(times, start) - 1
        while place < count and times[place] < finish:
            if used[place] > limit:
                end = place + 1
                while end < count and used[end] > limit:
                    end += 1
                return times[place], times[end] if end < count else NEVER
            place += 1
        return None

    def last_conflict(self, start: int, finish: int, need: int) -> Span | None:
        """Last piece of `[start, finish)` without room for the need."""
        times, used, limit = self.times, self.used, self.most - need
        place = bisect_left(times, finish) - 1
        while place >= 0:
            end = times[place + 1] if place + 1 < len(times) else NEVER
            if end <= start:
                return None
            if used[place] > limit:
                while place and used[place - 1] > limit:
                    place -= 1
                return times[place], end
            place -= 1
        return None

    # ------------------------------------------------------------------------- gaps
    def earliest(
        self,
        working: WorkingTime,
        splittable: bool,  # noqa: FBT001  (a keyword costs a tenth of the search)
        length: int,
        bound: int,
        need: int,
        limit: int = ENDLESS,
    ) -> Span | None:
        """Place so many working seconds as early as possible from an instant on.

        The span pauses over closed time only, and not at all where the work must not
        be split; no other work is inside it. None: there is none, or none that could
        end before the limit.
        """
        return self.free(working, need).earliest(splittable, length, bound, limit)

    def free(self, working: WorkingTime, need: int) -> FreeIntervals:
        """Where a need has room in a working time, now and after every change."""
        found = self._free.get((working, need))
        if found is None:
            found = self._free[working, need] = self._free_intervals(working, need)
        return found

    def _free_intervals(self, working: WorkingTime, need: int) -> FreeIntervals:
        return FreeIntervals(self.times, self.used, self.most - need, working)

    def latest(
        self,
        working: WorkingTime,
        splittable: bool,  # noqa: FBT001
        length: int,
        bounds: Span,
        need: int,
    ) -> Span | None:
        """Place so many working seconds as late as possible.

        `bounds` are the instants by which it must end and from which it may begin.
        """
        floor, bound = bounds
        times, used, limit = self.times, self.used, self.most - need
        if limit < 0:
            return None
        place = bisect_left(times, bound) - 1
        while bound - floor >= length:
            if used[place] > limit:
                while used[place] > limit:
                    place -= 1
                bound = times[place + 1]
            # The gap is looked at as far as the work reaches, and no further.
            before, begun = place, bound - length
            while before and used[before - 1] <= limit and times[before] > begun:
                before -= 1
            if times[before] <= begun:
                span = last_span(working, splittable, bound, length)
                if span is None or span[0] < floor:
                    return None
                start, finish = span
                while before and used[before - 1] <= limit and times[before] > start:
                    before -= 1
                begin = times[before]
                if start >= begin:
                    return span
                if finish <= begin:
                    bound = finish
                    place = bisect_left(times, bound) - 1
                    continue
            if not before:
                return None
            place = before - 1
        return None


class VaryingLedger(ResourceLedger):
    """Use of a resource whose units change: shift shares, dated units, disruptions.

    Time with fewer units than a need is closed to it and no conflict; a conflict is
    where enough units are at work and others hold too many of them.
    """

    __slots__ = ()

    def conflict(self, start: int, finish: int, need: int) -> Span | None:
        """First piece of `[start, finish)` without room for the need."""
        return next(self._conflicts(start, finish, need), None)

    def full_around(self, blocked: Span, need: int) -> Span:
        """A conflict with the use around it that leaves no room at any level."""
        limit = millionths(max(units for *_, units in self.clock.levels)) - need
        last = first = bisect_right(self.times, blocked[0]) - 1
        while self.used[last] > limit:
            last += 1
        while self.used[first] > limit:
            first -= 1
        return min(blocked[0], self.times[first + 1]), max(blocked[1], self.times[last])

    def last_conflict(self, start: int, finish: int, need: int) -> Span | None:
        """Last piece of `[start, finish)` without room for the need."""
        upper = finish
        while upper > start:
            lower = max(upper - _WINDOW, start)
            found = list(self._conflicts(lower, upper, need))
            if found:
                return found[-1]
            upper = lower
        return None

    def _free_intervals(self, working: WorkingTime, need: int) -> FreeIntervals:
        return VaryingIntervals(self, working, need)

    def latest(
        self,
        working: WorkingTime,
        splittable: bool,  # noqa: FBT001
        length: int,
        bounds: Span,
        need: int,
    ) -> Span | None:
        """Place so many working seconds as late as possible."""
        floor, bound = bounds
        while True:
            span = last_span(working, splittable, bound, length)
            if span is None or span[0] < floor:
                return None
            blocked = self.last_conflict(*span, need)
            if blocked is None:
                return span
            bound = self.full_around(blocked, need)[0]

    def _conflicts(self, start: int, finish: int, need: int) -> Iterator[Span]:
        times, used = self.times, self.used
        count = len(times)
        place = bisect_right(times, start) - 1
        while place < count and times[place] < finish:
            lower = max(times[place], start)
            upper = min(times[place + 1] if place + 1 < count else NEVER, finish)
            if used[place]:
                for begin, end, units in self.clock.units(lower, upper):
                    most = millionths(units)
                    if need <= most < used[place] + need:
                        yield begin, end
            place += 1


def last_span(
    working: WorkingTime,
    splittable: bool,  # noqa: FBT001
    bound: int,
    length: int,
) -> Span | None:
    """Last span of so many working seconds up to an instant."""
    start = (working.subtract if splittable else working.last_fit)(bound, length)
    if start is None:
        return None
    finish = working.add(start, length) if splittable else start + length
    return None if finish is None else (start, finish)


def ledger(clock: ResourceClock) -> ResourceLedger:
    """ResourceLedger of a resource."""
    return VaryingLedger(clock) if clock.constant is None else ResourceLedger(clock)
