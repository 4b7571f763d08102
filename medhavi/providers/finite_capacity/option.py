"""Options of a step in a chain: where it fits among other work and its changeovers.

An option of steady pace needs so many working seconds. One whose resource has a matrix
needs its changeover besides, which follows from what stands before it, and must leave
room for that of what comes behind (rule 16).

Work that is put between two blocks changes what the later one needs. Its window stands
already, so the rest of its changeover must fit into the open time directly before it;
that time is held together with the new work and comes back with it. Work that does not
leave that time does not fit there.

On a resource of several units the blocks are taken as one sequence by their starts.
Where existing orders overlap on a single unit, one that is done inside another takes no
turn: the one that ends last leaves its family.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.capacity.resource_ledger import ENDLESS, last_span
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.capacity.axis import Changeovers, ResourceOption
    from medhavi.providers.capacity.clocks import Duration
    from medhavi.providers.capacity.resource_ledger import BusyInterval, ResourceLedger
    from medhavi.providers.sources import StepWindow
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Span = tuple[int, int]


class FollowerChangeover(NamedTuple):
    """Time before a follower that its changeover takes; `start` >= `finish`: none.

    Parameters
    ----------
    start, finish
        Half-open; `finish` is the start of the follower.
    after
        End of the follower: where to look next.
    earlier
        Start of the block with a family before it; `None`: there is none.
    fits
        Whether work that ends by `start` leaves the follower as it is.
    """

    start: int
    finish: int
    after: int
    earlier: int | None
    fits: bool


class FamilySequence:
    """Families along one resource.

    Parameters
    ----------
    book
        Ledger of a resource with a matrix.
    changeovers
        Times of all matrices.
    """

    __slots__ = ("_alone", "_book", "_changeovers", "_matrix", "_state")

    def __init__(self, book: ResourceLedger, changeovers: Changeovers) -> None:
        self._book = book
        self._changeovers = changeovers
        self._alone = all(units <= 1 for *_, units in book.clock.levels)
        self._matrix = book.clock.matrix or ""
        self._state = changeovers.states.get(book.clock.resource)

    @property
    def resource(self) -> str:
        """Resource whose families these are."""
        return self._book.clock.resource

    def change(self, family: str, start: int) -> int:
        """Time to change to a family for work that begins at an instant."""
        before = self._before(start)
        family_before = self._state if before is None else before.family
        return self._changeovers.seconds(self._matrix, family_before, family)

    def tail(self, family: str, finish: int) -> FollowerChangeover | None:
        """What the next block needs after work of a family; `None`: nothing."""
        follower = self._after(finish)
        if follower is None:
            return None
        needed = self._changeovers.seconds(self._matrix, family, follower.family)
        owed = needed - follower.changeover
        if owed <= 0:
            return None
        working = self._book.clock.working
        start = working.subtract(follower.start, owed)
        before = self._before(follower.start)
        earlier = None if before is None else before.start
        if start is None:
            return FollowerChangeover(
                finish, follower.start, follower.finish, earlier, fits=False
            )
        # Time that others hold for the same follower's changeover may be shared.
        clear = all(
            not block.family and block.changeover
            for block in self._book.held(max(start, finish), follower.start)
        )
        return FollowerChangeover(
            start, follower.start, follower.finish, earlier, fits=clear
        )

    def behind(
        self, family: str | None, start: int, finish: int
    ) -> FollowerChangeover | None:
        """What the next block needs after work, with a family or without one.

        Without one the family before it counts where that is a step of the same order,
        which holds no time for its follower yet.
        """
        if family is None:
            before = self._before(start)
            if before is None or before.owner:
                return None
            family = before.family
        return self.tail(family, finish)

    def changed_over(self, window: StepWindow) -> bool:
        """Whether a window has all of its changeover, with what is held before it."""
        if window.family is None or window.start == window.finish:
            return True
        held = [
            block.changeover
            for block in self._book.held(window.start - 1, window.start)
            if not block.family and block.finish == window.start
        ]
        needed = self.change(window.family, window.start)
        return needed <= window.changeover_seconds + max(held, default=0)

    def owed(self, instant: int) -> bool:
        """Whether the block behind an instant lacks some of its changeover."""
        follower = self._after(instant)
        if follower is None:
            return False
        return self.change(follower.family, follower.start) > follower.changeover

    def _before(self, instant: int) -> BusyInterval | None:
        blocks = self._book.blocks
        place = bisect_left(blocks, (instant,)) - 1
        while place >= 0:
            if blocks[place].family and not self._inside(place):
                return blocks[place]
            place -= 1
        return None

    def _inside(self, place: int) -> bool:
        """Whether a block is done inside one that began before, on a single unit."""
        book = self._book
        block = book.blocks[place]
        used = book.used[bisect_left(book.times, block.finish) - 1]
        return (
            self._alone
            and used > block.units
            and any(one.finish >= block.finish for one in book.blocks[:place])
        )

    def _after(self, instant: int) -> BusyInterval | None:
        blocks = self._book.blocks
        for place in range(bisect_left(blocks, (instant,)), len(blocks)):
            if blocks[place].family:
                return blocks[place]
        return None


class OptionSlot(NamedTuple):
    """An option and where it stands.

    Parameters
    ----------
    length
        Working seconds, changeover included.
    changed
        Those of the changeover.
    """

    option: FiniteOption
    start: int
    finish: int
    length: int
    changed: int = 0


_made = tuple.__new__
"""Makes a named tuple of all its fields."""


class FiniteOption:
    """One option of a step with the ledgers of its resources."""

    __slots__ = (
        "_book",
        "_fixed",
        "_need",
        "_rate",
        "_scale",
        "cost_per_hour",
        "resources",
        "setup",
        "splittable",
        "tracks",
        "working",
    )

    def __init__(
        self,
        option: ResourceOption,
        duration: Duration,
        tracks: Sequence[tuple[ResourceLedger, int]],
    ) -> None:
        self._fixed = duration.fixed
        self._rate = duration.rate
        self._scale = duration.scale
        self.splittable = option.axis.splittable
        self.tracks = tuple(tracks)
        self._book: ResourceLedger | None = None
        self._need = 0
        if len(tracks) == 1:
            self._book, self._need = tracks[0]
        self.setup = duration.setup
        self.working: WorkingTime = option.axis.working
        self.resources = option.resources
        self.cost_per_hour = option.cost_per_hour

    @property
    def times(self) -> tuple[int, int, int]:
        """Fixed time, time per step and their scale, that make up the length."""
        return self._fixed, self._rate, self._scale

    def length(self, units: int) -> int:
        """Working seconds of an order of so many units."""
        return -(-(self._fixed + self._rate * units) // self._scale)

    def earliest(
        self, units: int, bound: int, limit: int = ENDLESS
    ) -> OptionSlot | None:
        """Place an order as early as possible from an instant on.

        None: there is no room, or none that could end before the limit.
        """
        length = -(-(self._fixed + self._rate * units) // self._scale)
        if bound + length >= limit:
            return None
        if length and self._book is not None:
            span = self._book.earliest(
                self.working, self.splittable, length, bound, self._need, limit
            )
        else:
            span = self._earliest(length, bound)
        if span is None:
            return None
        taken: OptionSlot = _made(OptionSlot, (self, *span, length, 0))
        return taken

    def latest(self, units: int, bounds: Span) -> OptionSlot | None:
        """Place an order as late as possible; bounds are the floor and the end."""
        length = -(-(self._fixed + self._rate * units) // self._scale)
        if length and self._book is not None:
            span = self._book.latest(
                self.working, self.splittable, length, bounds, self._need
            )
        else:
            span = self._latest(length, bounds)
        if span is None:
            return None
        taken: OptionSlot = _made(OptionSlot, (self, *span, length, 0))
        return taken

    # ---------------------------------------------------------------- working time
    def _first(self, length: int, bound: int) -> Span | None:
        """Place work as early as its working time allows."""
        working = self.working
        if not length:
            start = working.next_moment(bound)
            return None if start is None else (start, start)
        if not self.splittable:
            start = working.first_fit(bound, length)
            return None if start is None else (start, start + length)
        return working.soonest(bound, length)

    def _last(self, length: int, bound: int) -> Span | None:
        """Place work as late as its working time allows."""
        working = self.working
        if not length:
            start = working.previous_moment(bound)
            return None if start is None else (start, start)
        return last_span(working, self.splittable, bound, length)

    # ------------------------------------------------------------- among other work
    def _earliest(self, length: int, bound: int) -> Span | None:
        working = self.working
        if not length or not self.tracks:
            return self._first(length, bound)
        found: Span | None = None
        agreed = place = 0
        while agreed < len(self.tracks):
            book, need = self.tracks[place]
            span = book.earliest(working, self.splittable, length, bound, need)
            if span is None:
                return None
            # Each resource in turn moves the work on, until all of them have it at one
            # place.
            agreed = agreed + 1 if found == span else 1
            found, bound = span, span[0]
            place = (place + 1) % len(self.tracks)
        return found

    def _latest(self, length: int, bounds: Span) -> Span | None:
        working = self.working
        floor, bound = bounds
        if not length or not self.tracks:
            span = self._last(length, bound)
            return None if span is None or span[0] < floor else span
        found: Span | None = None
        agreed = place = 0
        while agreed < len(self.tracks):
            book, need = self.tracks[place]
            span = book.latest(working, self.splittable, length, (floor, bound), need)
            if span is None:
                return None
            agreed = agreed + 1 if found == span else 1
            found, bound = span, span[1]
            place = (place + 1) % len(self.tracks)
        return found


class SequencedOption(FiniteOption):
    """An option on resources whose set-up follows from the sequence.

    Does what `FreeSlots` does with the same sequences, in whole seconds.
    """

    __slots__ = ("_families", "_family")

    def __init__(
        self,
        option: ResourceOption,
        duration: Duration,
        tracks: Sequence[tuple[ResourceLedger, int]],
        family: str,
        families: Sequence[FamilySequence],
    ) -> None:
        super().__init__(option, duration, tracks)
        self._family = family
        self._families = tuple(families)

    def earliest(
        self, units: int, bound: int, limit: int = ENDLESS
    ) -> OptionSlot | None:
        """Place an order as early as possible from an instant on.

        None: there is no room, or none that could end before the limit.
        """
        own = self.length(units)
        if bound + own >= limit:
            return None
        while True:
            found = self._changed_early(own, bound)
            if found is None:
                return None
            blocked = self._ahead(found.start, found.finish)
            if blocked is None:
                return found
            if blocked >= NEVER:
                return None
            bound = blocked

    def latest(self, units: int, bounds: Span) -> OptionSlot | None:
        """Place an order as late as possible; bounds are the floor and the end."""
        floor, bound = bounds
        own = self.length(units)
        while True:
            found = self._changed_late(own, bound)
            if found is None or found.start < floor:
                return None
            blocked = self._behind(found.start, found.finish)
            if blocked is None:
                return found
            if blocked <= floor:
                return None
            bound = min(blocked, bound)

    def _change(self, start: int) -> int:
        """Longest changeover of the resources; the slowest decides."""
        family = self._family
        longest = 0
        for one in self._families:
            longest = max(longest, one.change(family, start))
        return longest

    def _changed_early(self, own: int, bound: int) -> OptionSlot | None:
        while True:
            changed = self._change(bound)
            span = self._first(own + changed, bound)
            if span is None:
                return None
            # Where it stands now another family may be before it.
            if span[0] == bound or self._change(span[0]) == changed:
                return OptionSlot(self, span[0], span[1], own + changed, changed)
            bound = span[0]

    def _changed_late(self, own: int, bound: int) -> OptionSlot | None:
        changed = 0
        while True:
            span = self._last(own + changed, bound)
            if span is None:
                return None
            again = self._change(span[0])
            # Less again would begin later, behind the other one: what is longer stays.
            if again <= changed:
                return OptionSlot(self, span[0], span[1], own + changed, changed)
            changed = again

    def _ahead(self, start: int, finish: int) -> int | None:
        """Where to go on behind what is in the way; `None`: nothing is."""
        if start == finish:
            return None
        for book, need in self.tracks:
            blocked = book.conflict(start, finish, need)
            if blocked is not None:
                return blocked[1]
        for one in self._families:
            tail = one.tail(self._family, finish)
            if tail is not None and (not tail.fits or finish > tail.start):
                return tail.after
        return None

    def _behind(self, start: int, finish: int) -> int | None:
        """Latest end before what is in the way; `None`: nothing is."""
        if start == finish:
            return None
        for book, need in self.tracks:
            blocked = book.last_conflict(start, finish, need)
            if blocked is not None:
                return blocked[0]
        for one in self._families:
            tail = one.tail(self._family, finish)
            if tail is not None and not tail.fits:
                return ALWAYS if tail.earlier is None else tail.earlier
            if tail is not None and finish > tail.start:
                return tail.start
        return None
