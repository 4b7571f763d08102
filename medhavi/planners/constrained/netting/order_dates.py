"""Orders that can still be made: none starts before now or inside its release fence.

A negative fence lets work have begun before now. Netting dates every order backward
from its need, as mode mrp does. What would have to start too early is, in this
sequence: taken from the next source that can be on time (no supplier is whose limits
have no room for its least order by then), cut into pieces that are on
time where nothing limits pieces side by side, or made by the source that brings it
first, late. An existing receipt that comes before new supply could come serves the need
instead.

Orders are cut to it: one that is more than a window of its supplier holds would wait
whole until that window is over, and the placement moves orders but cuts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.prescribed_sources import (
    PrescribedOrderCreation,
)
from medhavi.planners.constrained.netting.rationing import lot_below, makeable
from medhavi.planners.mrp.netting_state.order_creation import MOST_PARTS
from medhavi.planners.mrp.netting_state.state import URGENCY
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medhavi.planners.constrained.netting.earliest_supply import EarliestSupply
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import NetRequirement
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        SupplyAlternative,
        SupplyUnit,
    )
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.sourcing.supply_limits import SupplyLimits


TRIES = 1000
"""Windows of a supplier that are looked at for one order, at most."""


class SupplierCapacity:
    """Room of suppliers, less what is ordered.

    Parameters
    ----------
    quotas
        Limits of suppliers; it is changed.
    """

    def __init__(self, quotas: SupplyLimits) -> None:
        self._quotas = quotas

    def limits(self, source: Source) -> bool:
        """Whether a source is a purchase from a supplier with limits."""
        return source.kind == "buy" and self._quotas.shared(source)

    def piece(
        self, source: Source, size: int, soonest: OrderTiming, finish: int
    ) -> int:
        """Cut an order to what its supplier has room for.

        Parameters
        ----------
        source
            A purchase from a supplier with limits.
        size
            What is wanted [units].
        soonest
            The first order that could be made.
        finish
            Until when its goods are wanted [UTC seconds].

        Returns
        -------
        int
            The largest lot that comes in the last window with room before `finish`, or
            in the first one after it; `size` where there is none [units].
        """
        at = self._moment(source, soonest, finish)
        room = None if at is None else self._quotas.room(source, at)
        if room is None or room >= size:
            return size
        return lot_below(source, room) or size

    def take(
        self, source: Source, size: int, soonest: OrderTiming, finish: int
    ) -> None:
        """Take note of an order; parameters as of `piece`."""
        at = self._moment(source, soonest, finish)
        if at is not None:
            self._quotas.take(source, size, at)

    def delayed(self, source: Source, soonest: OrderTiming, finish: int) -> int:
        """When a least lot is usable that finds no room in time [UTC seconds].

        Returns
        -------
        int
            That instant; `NEVER`: there is none while the terms hold; `ALWAYS`: it
            finds room in time. Parameters as of `piece`.
        """
        quotas, at = self._quotas, self._moment(source, soonest, finish)
        if at is None:
            return NEVER
        if at <= max(quotas.door(source, one) for one in (soonest.finish, finish)):
            return ALWAYS
        usable = quotas.usable(source, source.lot(1), soonest.finish)
        if usable is None:
            return NEVER
        timing = source.clock.latest(usable, source.lot(1))
        held = timing is not None and source.valid_at(timing.start)
        return usable if held else NEVER

    def _moment(self, source: Source, soonest: OrderTiming, finish: int) -> int | None:
        """When a least lot reaches the door: as late as may be, else soonest."""
        quotas, least = self._quotas, source.lot(1)
        first = quotas.door(source, soonest.finish)
        at = max(first, quotas.door(source, finish))
        # Back to the last period with room, so that goods come as late as may be.
        for _ in range(TRIES):
            before = quotas.since(source, least, at)
            if before is None:
                return at
            if before < first:
                break
            at = before
        # None has room in time: the first one after it.
        for _ in range(TRIES):
            later = quotas.until(source, least, at)
            if later is None:
                return at
            at = later
        return None


class FeasibleOrderCreation(PrescribedOrderCreation):
    """The register of a constrained run, and the maker of its new orders.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    limiting
        Resources that are finite: pieces of an order would queue before them.
    quotas
        What suppliers deliver and vehicles carry at most: orders stay below.
    """

    def __init__(
        self,
        model: ItemLocationGraph,
        as_of: int,
        limiting: Collection[str],
        quotas: SupplyLimits,
    ) -> None:
        super().__init__(model, as_of)
        self._limiting = frozenset(limiting)
        self._quotas = quotas
        self._room = SupplierCapacity(quotas)
        self._most: dict[int, int | None] = {}
        self.chains: EarliestSupply | None = None

    def dissolve(self) -> None:
        """Clear all references; see `NettingState.dissolve`."""
        super().dissolve()
        self.chains = None

    def floor(self, source: Source) -> int:
        """First instant at which a new order of a source may start.

        That may lie in the past where a routing says so by a negative fence: work that
        is under way and that nobody reported.
        """
        if source.kind == "make" and source.fence_days < 0:
            return source.fence_start
        return super().floor(source)

    def limits(self, source: Source) -> bool:
        """Whether a source delivers no more than its supplier has room for."""
        return self._room.limits(source)

    def delayed(self, source: Source, instant: int) -> int:
        """When a least order is there that a supplier has no room for until then.

        As of `SupplierCapacity.delayed`; `ALWAYS` where nothing limits the source.
        """
        limited = self._room.limits(source)
        soonest = self.soonest(source, source.lot(1)) if limited else None
        if soonest is None:
            return ALWAYS
        return self._room.delayed(source, soonest, instant)

    def largest(self, source: Source) -> int | None:
        """Largest order that a supplier delivers, or a vehicle carries."""
        if id(source) not in self._most:
            most = self._quotas.largest(source)
            self._most[id(source)] = None if most is None else lot_below(source, most)
        return self._most[id(source)]

    def _fitting(
        self, way: SupplyAlternative, missing: int, instant: int
    ) -> tuple[int, OrderTiming | None]:
        """Size the first order, below what its source can bring at a time."""
        size, timing = super()._fitting(way, missing, instant)
        if way.gain is not None:
            return size, timing
        source = way.source
        most = self.largest(source)
        if most is None or size < most:
            most = size
        if most and self._room.limits(source):
            most = self._in_window(source, most, timing)
        if most == size:
            return size, timing
        return most, source.clock.latest(instant, most) if most else None

    def _cut(
        self, way: SupplyAlternative, whole: int, instant: int
    ) -> tuple[int, OrderTiming | None]:
        """Halve an order that is too long for the time there is until the need.

        It stays whole, where it fits later and its pieces would queue one behind the
        other.
        """
        size, timing = super()._cut(way, whole, instant)
        if size < whole:
            later = self.soonest(way.source, whole)
            if later is not None and not self._side_by_side(later):
                return whole, None
        return size, timing

    def _in_window(self, source: Source, size: int, timing: OrderTiming | None) -> int:
        """Cut an order to what its supplier still delivers by then."""
        soonest = self.soonest(source, size)
        if soonest is None:
            return size
        last = soonest if timing is None else timing
        return self._room.piece(source, size, soonest, last.finish)

    def _new_order(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming,
    ) -> list[SupplyUnit]:
        source = way.source
        if source.kind == "make":
            self._queue.add(source.source)
        if self._room.limits(source):
            soonest = self.soonest(source, size) or timing
            self._room.take(source, size, soonest, timing.finish)
        return super()._new_order(way, want, size, timing)

    def buy_late(self, way: SupplyAlternative, group: Sequence[Need]) -> SupplyUnit:
        """Buy what needs of an instant lack, as early as its source can bring it.

        Parameters
        ----------
        way
            The only source of a plain node, always valid, with room for all of it.
        group
            Needs in sequence; all ask for the same.
        """
        first, missing = group[0], sum(need.open for need in group)
        want = self.wanted(first.node, first.instant, group, missing)
        self.asked.append((first.node, first.instant, missing))
        size = way.source.lot(missing)
        timing = way.source.clock.earliest(self.floor(way.source), size)
        if timing is None:
            message = f"{way.source.source} cannot bring what it can bring some of."
            raise ValueError(message)
        self.has_late = self.has_late or timing.finish > first.instant
        return self._new_order(way, want, size, timing)[0]

    def promised(
        self, node: Node, need: Need, instant: int, missing: int
    ) -> int | None:
        """When new supply would be there; None: no source gives any."""
        chosen = self._offer(node, need, instant, missing)
        return None if chosen is None else max(chosen[2].finish, instant)

    def delays(self, node: Node, group: Sequence[Need], instant: int) -> bool:
        """Whether one lot for all needs lets the most urgent one wait.

        Where nothing limits lots side by side, one for all would still bind together
        what goes into them.
        """
        need = min(group, key=URGENCY)
        missing, others = sum(one.open for one in group), len(group) - 1
        whole = self._offer(node, need, instant, missing)
        if whole is None:
            return False
        if whole[0].origin is not None:
            return self._delays_at_origin((whole[0], missing, whole[2]), need, others)
        if whole[0].source.kind != "make":
            return False
        if self._side_by_side(whole[2]):
            return True
        if whole[2].finish <= instant:
            return False
        alone = self._offer(node, need, instant, need.open)
        return alone is not None and self._queue.better_apart(
            alone[0].source, alone[2], whole[2], others
        )

    def _delays_at_origin(
        self, whole: tuple[SupplyAlternative, int, OrderTiming], need: Need, others: int
    ) -> bool:
        """Whether a move for more than a need waits for goods that come sooner.

        They come from new supply of its origin, or of where that is moved from.
        """
        _, missing, move = whole
        alone, instant = need.open, move.ready
        passed: list[Node] = []
        while (origin := whole[0].origin) is not None and origin not in passed:
            passed.append(origin)
            instant = whole[2].ready
            there = sum(unit.free for unit in origin.units if unit.available <= instant)
            missing, alone = missing - there, alone - there
            found = self._offer(origin, need, instant, missing) if missing > 0 else None
            if found is None:
                return False
            whole = found
        if whole[0].source.kind != "make" or whole[2].finish <= instant:
            return False
        if alone <= 0 or self._side_by_side(whole[2]):
            return True
        first = self._offer(passed[-1], need, instant, alone)
        return first is not None and self._queue.better_apart(
            first[0].source, first[2], whole[2], others
        )

    def _offer(
        self, node: Node, need: Need, instant: int, missing: int
    ) -> tuple[SupplyAlternative, int, OrderTiming] | None:
        """What would be ordered, without ordering it."""
        want = self.wanted(node, instant, [need], missing)
        # Only asked: what would be late is not late yet.
        late = self.has_late
        ways = self.open_ways(want)
        chosen = self._choose(self.ranked(ways, node, missing), want, missing)
        self.has_late = late
        return chosen

    def _choose(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, missing: int
    ) -> tuple[SupplyAlternative, int, OrderTiming] | None:
        """Take the first source that can be on time, else the earliest that can be."""
        return self._choose_from(ways, want, missing, choosy=len(ways) > 1)

    def _choose_from(
        self,
        ways: Sequence[SupplyAlternative],
        want: NetRequirement,
        missing: int,
        *,
        choosy: bool = False,
    ) -> tuple[SupplyAlternative, int, OrderTiming] | None:
        """Choose; `choosy`: only what the components of a source still allow."""
        late: list[tuple[int, int, SupplyAlternative, int, OrderTiming]] = []
        for rank, way in enumerate(ways):
            size, timing = self._fitting(way, missing, want.instant)
            if size > 0 and choosy:
                size, timing = self._coverable(way, want, size, timing)
            if size <= 0:
                continue
            found = self._on_time_from(way, want, size, timing)
            if found is None:
                found = self._piece(way, want, size, timing)
            if found is not None and choosy and self._queues(way.source, found[1]):
                found = None
            only = len(ways) == 1
            delayed = ALWAYS if only else self.delayed(way.source, want.instant)
            if found is not None:
                serves = timing is None or way.serves(timing.start)
                if serves and delayed == ALWAYS:
                    return way, *found
                # Where another source is still valid, nothing is ordered so early.
                late.append((max(want.instant, delayed), rank, way, *found))
                continue
            forward = self._soonest(way, want, size)
            if forward is not None:
                finish = max(forward[1].finish, delayed)
                late.append((finish, rank, way, *forward))
        if not late:
            # None has its components: one of them says what is missing.
            return self._choose_from(ways, want, missing) if choosy else None
        _, _, way, size, timing = min(late, key=lambda entry: entry[:2])
        self.has_late = self.has_late or timing.finish > want.instant
        return way, size, timing

    def _queues(self, source: Source, timing: OrderTiming) -> bool:
        """Whether pieces of the same want leave an order no time."""
        if source.kind != "make":
            return False
        wait = self._queue.wait(source.source, timing)
        return wait > 0 and timing.start - wait < self.floor(source)

    def _coverable(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming | None,
    ) -> tuple[int, OrderTiming | None]:
        """Cut an order to what is left of components that nothing supplies anew."""
        most = size
        start = want.instant if timing is None else timing.start
        instant = max(start, self.floor(way.source))
        for group in way.intakes:
            component, node, _ = group[0]
            if len(group) == 1 and is_scarce(node):
                most = makeable(component, _left(node, instant), most)
        if way.origin is not None and is_scarce(way.origin):
            leaves = instant if timing is None else max(timing.ready, instant)
            most = min(most, max(0, _left(way.origin, leaves)))
        if most >= size:
            return size, timing
        most = lot_below(way.source, most)
        clock = way.source.clock
        return most, clock.latest(want.instant, most) if most > 0 else None

    def _on_time_from(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming | None,
    ) -> tuple[int, OrderTiming] | None:
        """Latest order on time that starts from the floor on, if one does."""
        if timing is None:
            return None
        if not way.serves(timing.start):
            timing = self._earlier(way.source, want.instant, size, timing)
        if timing is None or timing.start < self.floor(way.source):
            return None
        timing = self._lasting(way, want, size, timing)
        return None if timing is None else (size, timing)

    def _earlier(
        self, source: Source, instant: int, size: int, timing: OrderTiming
    ) -> OrderTiming | None:
        """Date an order back to where its source was still valid."""
        moved = self._within_validity(source, size, instant, timing)
        return None if moved is None or moved.finish > instant else moved

    def _piece(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming | None,
    ) -> tuple[int, OrderTiming] | None:
        """Largest piece that is on time, where pieces run side by side."""
        if timing is None or not self._side_by_side(timing):
            return None
        clock, multiple = way.source.clock, way.source.multiple

        def tried(piece: int) -> tuple[int, OrderTiming] | None:
            latest = clock.latest(want.instant, piece)
            return self._on_time_from(way, want, piece, latest)

        least = way.first_size(1, want.instant)
        found = tried(least) if least < size else None
        # Bisection over multiples: a smaller piece takes no longer.
        good, bad = 0, (size - least) // multiple
        while found is not None and bad - good > 1:
            middle = (good + bad) // 2
            larger = tried(least + middle * multiple)
            if larger is None:
                bad = middle
            else:
                good, found = middle, larger
        return found

    def _soonest(
        self, way: SupplyAlternative, want: NetRequirement, size: int
    ) -> tuple[int, OrderTiming] | None:
        """First order of a source from its floor on.

        A smaller piece of it, where that is there sooner and pieces run side by side.
        """
        source = way.source
        whole = self.soonest(source, size)
        if whole is None:
            return None
        # Yields may leave nothing of a smaller piece.
        least = way.first_size(1, want.instant)
        part = max(self._part(source, whole, size), least)
        if part < size:
            smaller = self.soonest(source, part)
            if smaller is not None and smaller.finish < whole.finish:
                size, whole = part, smaller
        lasting = self._lasting(way, want, size, whole)
        return None if lasting is None else (size, lasting)

    def _part(self, source: Source, whole: OrderTiming, size: int) -> int:
        """Size of a piece of an order that its resources have units for."""
        queue = self._queue
        if self._side_by_side(whole):
            parts = MOST_PARTS - queue.made(source.source)
        elif source.kind != "make":
            return size
        else:
            parts = queue.beside(source, whole)
        return source.lot(-(-size // parts)) if parts > 1 else size

    def soonest(self, source: Source, size: int) -> OrderTiming | None:
        """First order of a source while it is valid; None: it fits at no time."""
        return source.earliest(self.floor(source), size)

    def _side_by_side(self, timing: OrderTiming) -> bool:
        """Whether an order uses no resource that another would wait for."""
        return bool(timing.steps) and not any(
            resource in self._limiting
            for window in timing.steps
            for resource, _ in window.resources
        )


def is_scarce(node: Node) -> bool:
    """Whether nothing supplies a node anew."""
    return not node.sources and not node.rules.unlimited


def _left(node: Node, instant: int) -> int:
    """Count what is there at an instant, less all that is wanted [units]."""
    there = sum(
        unit.qty for unit in node.units if unit.available <= instant and unit.is_ours
    )
    return there - sum(need.qty for need in node.needs)
