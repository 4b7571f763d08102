"""The room that other work leaves: any step, any option, forward and backward.

One search serves all: place the option where its calendars and pace allow, look for the
first thing in its way, go on behind it. What may be in the way: work of others on a
resource that is sequenced by the minute, a changeover that does not fit, hours of a
bucket that are given away.

A tool of `until_step` is held from the start of its first step to the end of its last,
the time between the steps included. And work before another family leaves that one its
changeover (see `sequence`).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.providers.capacity.axis import StepAssignment, added_up
from medhavi.providers.capacity.resource_ledger import ResourceLedger, millionths
from medhavi.providers.capacity.schedule import step_window
from medhavi.providers.finite_capacity.bucket_ledger import (
    REACH,
    BucketLedger,
    ReservedBuckets,
    overfull,
    spread_backward,
    spread_forward,
)
from medhavi.providers.finite_capacity.option import FamilySequence
from medhavi.providers.sources import ResourceHold
from medhavi.snapshot.calendars.intervals import joined
from medhavi.units import ALWAYS, NEVER, ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.providers.capacity.axis import Changeovers, ResourceOption, WorkContent
    from medhavi.providers.capacity.network import StepNode
    from medhavi.providers.finite_capacity.occupancy import Occupancy
    from medhavi.providers.finite_capacity.option import FiniteOption
    from medhavi.providers.sources import OrderTiming, StepWindow

    Kept = tuple[str, float, int, int]
    """Resource, units, first and last step."""


NONE = (("", 0.0),)
"""Resources of a step that needs none."""


class OptionResources:
    """What one option occupies.

    Parameters
    ----------
    occupancy
        Ledgers of its resources; infinite ones have none.
    changeovers
        Times of all matrices.
    kept
        Withheld share of the hours of bucket resources.

    Attributes
    ----------
    placed
        The option as steps of a chain use it, by their times.
    """

    __slots__ = ("buckets", "option", "placed", "possible", "sequences", "tracks")

    def __init__(
        self,
        option: ResourceOption,
        occupancy: Occupancy,
        changeovers: Changeovers,
        kept: Mapping[str, float],
    ) -> None:
        self.option = option
        self.placed: dict[tuple[int, ...], FiniteOption] = {}
        self.tracks: list[tuple[ResourceLedger, int]] = []
        self.buckets: list[tuple[BucketLedger, int]] = []
        self.sequences: list[FamilySequence] = []
        self.possible = True
        for resource, units in added_up(option.resources):
            book = occupancy.ledger(resource)
            need = millionths(units)
            if book is None or not need:
                continue
            if isinstance(book, BucketLedger):
                share = kept.get(resource)
                own = ReservedBuckets(book, share) if share else book
                self.buckets.append((own, need))
                continue
            self.possible = self.possible and not 0 <= book.most < need
            self.tracks.append((book, need))
            if book.clock.matrix is not None:
                self.sequences.append(FamilySequence(book, changeovers))

    @property
    def only_buckets(self) -> bool:
        """Whether the work may be spread over the buckets' hours."""
        axis = self.option.axis
        rough = bool(self.buckets) and not self.tracks
        return rough and axis.splittable and axis.steady is not None


AT_ONCE: Mapping[int, int] = MappingProxyType({})
"""No step waits for what it takes."""


class FreeSlots:
    """Room among what an occupancy holds.

    Parameters
    ----------
    occupancy
        What the resources have to do.
    changeovers
        Times of all matrices.
    kept
        Withheld share by resource; that of bucket resources counts here, that of
        others is closed time of the options already.

    Attributes
    ----------
    floor
        Nothing begins before it when work is placed backward, its queue included.
    ready
        Instants before which some steps do not begin when work is placed forward, by
        step [UTC seconds].
    hasty
        The option that is through first (backward: begins last) is taken, whatever
        the step prefers.
    efficiency
        Share of its pace that a resource keeps for the work that is placed now; the
        slowest resource decides.
    leaves
        Family that earlier steps of the order leave a resource set up for, by a step
        without a family and resource; looked at backward, where those come later.
    """

    __slots__ = (
        "_changeovers",
        "_kept",
        "_means",
        "_sequences",
        "efficiency",
        "floor",
        "hasty",
        "leaves",
        "occupancy",
        "ready",
    )

    def __init__(
        self,
        occupancy: Occupancy,
        changeovers: Changeovers,
        kept: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.occupancy = occupancy
        self._changeovers = changeovers
        self._kept = kept
        self._means: dict[int, OptionResources] = {}
        self._sequences: dict[str, FamilySequence | None] = {}
        self.floor = ALWAYS
        self.ready: Mapping[int, int] = AT_ONCE
        self.hasty = False
        self.efficiency: Mapping[str, Fraction] = {}
        self.leaves: Mapping[tuple[int, str], str] = {}

    def among(self, occupancy: Occupancy) -> FreeSlots:
        """Room among other work of the same resources."""
        return FreeSlots(occupancy, self._changeovers, self._kept)

    def means(self, option: ResourceOption) -> OptionResources:
        """What an option occupies."""
        known = self._means.get(id(option))
        if known is None:
            known = OptionResources(
                option, self.occupancy, self._changeovers, self._kept
            )
            self._means[id(option)] = known
        return known

    def sequence(self, resource: str) -> FamilySequence | None:
        """Sequence of a resource; `None`: its set-up depends on none."""
        try:
            return self._sequences[resource]
        except KeyError:
            book = self.occupancy.ledger(resource)
            made = None
            if isinstance(book, ResourceLedger) and book.clock.matrix is not None:
                made = FamilySequence(book, self._changeovers)
            self._sequences[resource] = made
            return made

    def mark(self) -> int:
        """Mark to undo to."""
        return self.occupancy.mark()

    def hold(self, node: StepNode, placed: StepAssignment) -> None:
        """Take the room of a placed step."""
        self.occupancy.occupy((step_window(node, placed),))

    def undo(self, mark: int) -> None:
        """Release what was taken since the mark."""
        self.occupancy.undo(mark)

    def free(self, holds: Iterable[ResourceHold]) -> bool:
        """Whether nothing else is on resources while something is held of them."""
        for resource, units, start, finish, _ in holds:
            book = self.occupancy.ledger(resource)
            if (
                isinstance(book, ResourceLedger)
                and book.conflict(start, finish, millionths(units)) is not None
            ):
                return False
        return True

    def takes(self, window: StepWindow) -> bool:
        """Whether all resources of a window are free, or have hours left, for it."""
        if window.start == window.finish:
            return True
        for resource, units in added_up(window.resources):
            book = self.occupancy.ledger(resource)
            if isinstance(book, BucketLedger):
                if not book.has_room(window.segments, millionths(units)):
                    return False
            elif not self.free(
                [ResourceHold(resource, units, window.start, window.finish)]
            ):
                return False
        return True

    def changed_over(self, window: StepWindow) -> bool:
        """Whether a window that is held has all of its changeover, or before it."""
        for resource, _ in window.resources if window.family is not None else ():
            sequence = self.sequence(resource)
            if sequence is not None and not sequence.changed_over(window):
                return False
        return True

    def _slowed(self, option: ResourceOption, work: WorkContent) -> WorkContent:
        """Work at the pace of the slowest; set-up keeps its time (rule 16)."""
        known = self.efficiency
        share = min(known.get(resource, 1) for resource, _ in option.resources or NONE)
        return work if share == 1 else replace(work, run=work.run / share)

    # --------------------------------------------------------------------- forward
    def through(
        self, node: StepNode, option: ResourceOption, work: WorkContent, ready: int
    ) -> int:
        """End of a step as early as can be [UTC s]; `NEVER`: there is no room."""
        placed = self.earliest(node, option, work, (ready, ready))
        return NEVER if placed is None else placed.finish

    def earliest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as early as possible; bounds on start and end."""
        means = self.means(option)
        if not means.possible:
            return None
        start_from, finish_from = bounds
        if self.ready:
            start_from = max(start_from, self.ready.get(node.step, start_from))
        if self.efficiency:
            work = self._slowed(option, work)
        if means.only_buckets and work.setup + work.run:
            return _spread_early(means, work, (start_from, finish_from))
        family = node.family if means.sequences else None
        while True:
            found = self._changed_early(means, family, work, (start_from, finish_from))
            if found is None:
                return None
            blocked = self._ahead(means, family, found)
            if blocked is None:
                return found
            # Full buckets are passed for some years, not for ever.
            if blocked >= NEVER or (means.buckets and blocked > bounds[0] + REACH):
                return None
            start_from = blocked

    def _changed_early(
        self,
        means: OptionResources,
        family: str | None,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place with the changeover that its own start needs, others not looked at."""
        option = means.option
        start_from, finish_from = bounds
        while True:
            changed = _changed(means, family, work, start_from)
            span = option.axis.earliest(changed, start_from, finish_from)
            if span is None:
                return None
            placed = StepAssignment(
                option=option, work=changed, start=span[0], finish=span[1]
            )
            # Where it stands now another family may be before it.
            if family is None or _changed(means, family, work, span[0]) == changed:
                return placed
            start_from = span[0]

    def _ahead(
        self, means: OptionResources, family: str | None, placed: StepAssignment
    ) -> int | None:
        """Where to go on behind what is in the way; `None`: nothing is."""
        start, finish = placed.start, placed.finish
        if start == finish:
            return None
        for book, need in means.tracks:
            blocked = book.conflict(start, finish, need)
            if blocked is not None:
                return blocked[1]
        for sequence in means.sequences:
            tail = sequence.behind(family, start, finish)
            # The follower would lack time to change over: on behind it.
            if tail is not None and (not tail.fits or finish > tail.start):
                return tail.after
        if means.buckets:
            full = overfull(placed.option.axis.working, (start, finish), means.buckets)
            if full is not None:
                begin, end, left = full
                # So late that no more than what is left falls into the bucket.
                later = placed.option.axis.working.subtract(end, left) if left else end
                return max(later or NEVER, begin, start + 1)
        return None

    # -------------------------------------------------------------------- backward
    def latest(
        self,
        node: StepNode,
        option: ResourceOption,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place as late as possible; bounds on end and start."""
        means = self.means(option)
        if not means.possible:
            return None
        floor = self.floor + node.queue
        finish_by, start_by = bounds
        if self.efficiency:
            work = self._slowed(option, work)
        if means.only_buckets and work.setup + work.run:
            return _spread_late(means, work, bounds, floor)
        family = node.family if means.sequences else None
        while True:
            found = self._changed_late(means, family, work, (finish_by, start_by))
            if found is None or found.start < floor:
                return None
            blocked = self._behind(means, node, found)
            if blocked is None:
                return found
            if blocked <= floor or (means.buckets and blocked < bounds[0] - REACH):
                return None
            finish_by = min(blocked, finish_by)

    def _changed_late(
        self,
        means: OptionResources,
        family: str | None,
        work: WorkContent,
        bounds: tuple[int, int],
    ) -> StepAssignment | None:
        """Place with the changeover that its own start needs, or more.

        A longer set-up begins earlier and may have another predecessor; what would need
        less again stands in the way of that one.
        """
        option = means.option
        changed = work
        while True:
            span = option.axis.latest(changed, *bounds)
            if span is None:
                return None
            placed = StepAssignment(
                option=option, work=changed, start=span[0], finish=span[1]
            )
            if family is None:
                return placed
            again = _changed(means, family, work, span[0])
            if again.setup <= changed.setup:
                return placed
            changed = again

    def _behind(
        self, means: OptionResources, node: StepNode, placed: StepAssignment
    ) -> int | None:
        """Latest end before what is in the way; `None`: nothing is."""
        start, finish = placed.start, placed.finish
        if start == finish:
            return None
        for book, need in means.tracks:
            blocked = book.last_conflict(start, finish, need)
            if blocked is not None:
                return blocked[0]
        for sequence in means.sequences:
            family = node.family or self.leaves.get((node.step, sequence.resource))
            tail = sequence.behind(family, start, finish)
            if tail is None:
                continue
            if not tail.fits:
                return ALWAYS if tail.earlier is None else tail.earlier
            if finish > tail.start:
                return tail.start
        if means.buckets:
            working = placed.option.axis.working
            full = overfull(working, (start, finish), means.buckets)
            if full is not None:
                begin, _, left = full
                earlier = working.add(begin, left) if left else begin
                return min(finish - 1, ALWAYS if earlier is None else earlier)
        return None


def _changed(
    means: OptionResources, family: str | None, work: WorkContent, start: int
) -> WorkContent:
    """Add the longest changeover of the resources; the slowest decides (rule 16)."""
    if family is None:
        return work
    seconds = max(sequence.change(family, start) for sequence in means.sequences)
    return replace(work, setup=work.setup + seconds) if seconds else work


def _spread_early(
    means: OptionResources, work: WorkContent, bounds: tuple[int, int]
) -> StepAssignment | None:
    axis = means.option.axis
    length = ceil_fraction(work.setup + work.run / (axis.steady or 1))
    start_from, finish_from = bounds
    while True:
        found = spread_forward(axis.working, length, start_from, means.buckets)
        if not found:
            return None
        missing = finish_from - found[-1][1]
        if missing <= 0:
            return _spread(means, work, found)
        # Later by what its end is too early.
        start_from = max(found[0][0], start_from) + missing


def _spread_late(
    means: OptionResources, work: WorkContent, bounds: tuple[int, int], floor: int
) -> StepAssignment | None:
    axis = means.option.axis
    length = ceil_fraction(work.setup + work.run / (axis.steady or 1))
    finish_by, start_by = bounds
    while True:
        needs = means.buckets
        found = spread_backward(axis.working, length, (floor, finish_by), needs)
        if not found:
            return None
        over = found[0][0] - start_by
        if over <= 0:
            return _spread(means, work, found)
        finish_by = found[-1][1] - over


def _spread(
    means: OptionResources, work: WorkContent, found: list[tuple[int, int]]
) -> StepAssignment:
    segments = joined(found)
    return StepAssignment(
        option=means.option,
        work=work,
        start=segments[0][0],
        finish=segments[-1][1],
        segments=segments,
    )


def kept(
    held: Sequence[Kept], timing: OrderTiming, room: FreeSlots
) -> tuple[tuple[ResourceHold, ...], tuple[int, int] | None]:
    """What a placed order keeps, or by how much it must move to keep it.

    Returns
    -------
    holds, shift
        `shift` is None where nothing is in the way, else seconds backward and forward.
    """
    holds: list[ResourceHold] = []
    for resource, units, first, last in held:
        book = room.occupancy.ledger(resource)
        if not isinstance(book, ResourceLedger):
            continue
        for start, finish in _gaps(timing.steps, resource, first, last):
            if any((h.resource, h.start) == (resource, start) for h in holds):
                continue  # Two steps hold the same tool.
            blocked = book.conflict(start, finish, millionths(units))
            if blocked is not None:
                return (), (finish - blocked[0], blocked[1] - start)
            holds.append(ResourceHold(resource, units, start, finish))
    tails = _tails(timing, room)
    shift = _kept_from_change(holds, tails, timing)
    return ((*holds, *tails), None) if shift is None else ((), shift)


def follower_holds(timing: OrderTiming, room: FreeSlots) -> tuple[ResourceHold, ...]:
    """List what is kept for followers, none of which is a step of the order itself."""
    return tuple(_owed(timing, room))


def _gaps(
    windows: Sequence[StepWindow], resource: str, first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Walk over the times between the steps from first to last without a window."""
    ends = [window.finish for window in windows if window.step == last]
    starts = [window.start for window in windows if window.step == first]
    if not ends or not starts:
        return
    moment, end = min(starts), max(ends)
    using = [w for w in windows if any(name == resource for name, _ in w.resources)]
    if not any(window.step == first for window in using):
        # Outside the window of its row the tool is not needed.
        return
    for window in sorted(using, key=lambda w: w.start):
        if window.start >= end:
            break
        if window.start > moment:
            yield moment, window.start
        moment = max(moment, window.finish)
    if moment < end:
        yield moment, end


def _kept_from_change(
    holds: Sequence[ResourceHold], tails: Sequence[ResourceHold], timing: OrderTiming
) -> tuple[int, int] | None:
    """Shifts to make where a tool stays while others need its changeover.

    What stays with the order may change for a later step of the order itself.
    """
    own = {
        (resource, window.start)
        for window in timing.steps
        if window.start < window.finish
        for resource, _ in window.resources
    }
    for tail in tails:
        if (tail.resource, tail.finish) in own:
            continue
        for hold in holds:
            if (
                hold.resource == tail.resource
                and hold.start < tail.finish
                and tail.start < hold.finish
            ):
                return hold.finish - tail.start, tail.finish - hold.start
    return None


def _tails(timing: OrderTiming, room: FreeSlots) -> list[ResourceHold]:
    """List what is kept for followers; a later step of the order may be one."""
    if all(window.family is None for window in timing.steps):
        return []
    mark = room.mark()
    room.occupancy.occupy(timing.steps)
    found = list(_owed(timing, room))
    room.undo(mark)
    return found


def _owed(timing: OrderTiming, room: FreeSlots) -> Iterator[ResourceHold]:
    for window in timing.steps:
        if window.family is None or window.start == window.finish:
            continue  # What takes no time changes nothing.
        for resource, units in window.resources:
            sequence = room.sequence(resource)
            tail = (
                None
                if sequence is None
                else sequence.tail(window.family, window.finish)
            )
            if tail is not None and tail.start < tail.finish:
                length = tail.finish - tail.start
                yield ResourceHold(resource, units, tail.start, tail.finish, length)
