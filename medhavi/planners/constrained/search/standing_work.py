"""What keeps the units of a machine from work: orders, reservations, units gone.

An existing order stands on its dates. Which unit of a machine it is on does not matter:
in order of start each takes the one that is free first (interval colouring), so no more
units are taken than are at work at a time. Where more orders overlap than there are
units they stand all the same, and nothing new is beside them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.orders.jobs import jobs_of
from medhavi.planners.constrained.search.scheduled_orders import taken_at
from medhavi.providers.finite_capacity.occupancy import held_capacity
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.placement.shop_floor import ShopFloor
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Need, SupplyOrder
    from medhavi.providers.capacity.resources import ResourceClock
    from medhavi.providers.sources import OrderTiming, StepWindow

Span = tuple[int, int]
"""Half-open [UTC s]."""


class Standing(NamedTuple):
    """When an existing order is at work on a resource, with its family and units.

    `prepared`: what of that changes the resource over for it [s of working time]; `key`
    names it, as of `work_key`.
    """

    start: int
    finish: int
    family: str | None = None
    units: int = 1
    prepared: int = 0
    key: str = ""


class LateGoodsError(Exception):
    """Existing orders that may move would begin before their goods are there.

    Parameters
    ----------
    floors
        When each of them may begin, by its name [UTC seconds].
    """

    def __init__(self, floors: Mapping[str, int]) -> None:
        super().__init__("existing orders wait for their goods")
        self.floors = floors


def date_existing(
    release: FeasibleOrderCreation,
    shop: ShopFloor,
    floors: Mapping[str, int],
    before: Mapping[str, OrderTiming],
) -> None:
    """Date existing orders that may move where they find room, in order of starts.

    Before anything new; those that have room on their dates keep them, the others and
    those that should have begun come as early as can be. Where an earlier plan moved
    one it goes there, while there is room. From then on all stand.

    Parameters
    ----------
    release
        Register of a run that is built and not netted yet.
    shop
        What those that may not move hold already.
    floors
        Before when an order does not begin, for its goods are not there, by its name
        [UTC seconds].
    before
        Timings of orders in an earlier plan, by their names.
    """
    moving = [job.order for job in jobs_of(release)]
    moved: set[int] = set()
    for order in sorted(moving, key=lambda order: order.timing.start):
        dated = order.timing
        floor = max(release.as_of, floors.get(order.existing or "", release.as_of))
        again = _where_it_was(order, shop, floor, before.get(order.existing or ""))
        found = again or shop.earliest(order, max(dated.start, floor))
        # People decided its dates: as long as they can be kept they are.
        if found is not None and (again or not _has_room(order, shop, floor)):
            order.timing = found
            moved.add(order.index)
            for unit in order.units:
                later, product = (
                    unit.arrives + found.finish - dated.finish,
                    unit.node.key,
                )
                if order.recipe is not None:
                    gain = order.recipe.gain(*product)
                    later = release.existing_output_instant(order, product, gain)
                unit.arrives = unit.available = later
        shop.occupy(order, order.timing)
    for need in release.needs:
        if need.order is not None and need.order.index in moved:
            need.instant = taken_at(release, need, need.order)


def goods_there(release: FeasibleOrderCreation) -> np.ndarray:
    """When all that serves a need is there, by its index [UTC seconds].

    Shape (n_needs,), int64.
    """
    taken = np.array(release.match_need, np.int64)
    arrives = np.array([unit.arrives for unit in release.units], np.int64)
    found = np.full(len(release.needs), ALWAYS, np.int64)
    np.maximum.at(found, taken, arrives[np.array(release.match_unit, np.int64)])
    return found


def require_goods(
    moving: Iterable[SupplyOrder], needs: Iterable[Need], there: np.ndarray
) -> None:
    """Refuse dates of existing orders at which their goods are not there.

    Parameters
    ----------
    moving
        Existing orders that may move.
    needs
        All needs of a run whose purchases are dated.
    there
        When all that serves a need is there [UTC seconds]. Shape (n_needs,), int64.

    Raises
    ------
    LateGoodsError
        Some of them would begin too early.
    """
    may_move = {order.index for order in moving}
    floors: dict[str, int] = {}
    for need in needs if may_move else ():
        order = need.order
        if order is None or order.index not in may_move or order.existing is None:
            continue
        wait = int(there[need.index]) - need.instant
        if wait > 0:
            start = order.timing.start + wait
            floors[order.existing] = max(start, floors.get(order.existing, start))
    if floors:
        raise LateGoodsError(floors)


def _where_it_was(
    order: SupplyOrder, shop: ShopFloor, floor: int, before: OrderTiming | None
) -> OrderTiming | None:
    """Timing that an earlier plan gave an order; None: it has no room there now."""
    if before is None or before.start < floor:
        return None
    if order.kind == "make":
        return shop.as_before(order, before)
    found = shop.earliest(order, before.ready)
    return found if found == before else None


def _has_room(order: SupplyOrder, shop: ShopFloor, floor: int) -> bool:
    """Whether an existing order can be done on its dates, and may."""
    dated = order.timing
    if dated.start < floor:
        return False
    # Its steps may have been dated forward or backward: both ways are tried.
    early = shop.earliest(order, dated.start)
    late = shop.latest(order, dated.finish, dated.start)
    ways = [one for one in (early, late) if one is not None]
    return any(one.steps == dated.steps and one.finish <= dated.finish for one in ways)


def work_key(order: SupplyOrder, step: int, resource: str) -> str:
    """Name of the work of an order on a resource."""
    return f"{order.existing}\x1f{step}\x1f{resource}"


def standing_work(run: SearchableRun) -> dict[str, list[Standing]]:
    """When existing orders and reservations are on each resource, by start."""
    found: dict[str, list[Standing]] = {}
    own = {demand.demand for demand in run.intake.demands}
    capacity, holds = run.providers.capacity, run.providers.reservations.capacity
    work: list[tuple[SupplyOrder | None, StepWindow]] = [
        (order, window)
        for order in run.release.orders
        for window in (order.timing.steps if order.kind == "make" else ())
    ]
    reserved = held_capacity(holds, capacity, own)
    work += [(None, window) for held in reserved for window in held.windows]
    for order, window in work:
        for name, units in window.resources:
            whole = int(-(-units // 1))
            span = Standing(
                window.start,
                window.finish,
                window.family,
                whole,
                window.changeover_seconds,
                "" if order is None else work_key(order, window.step, name),
            )
            found.setdefault(name, []).append(span)
    return {
        name: sorted(spans, key=lambda one: one[:2]) for name, spans in found.items()
    }


def in_turn(spans: Sequence[Standing]) -> list[Standing]:
    """Work on one unit by start, each from where those before it have ended."""
    found: list[Standing] = []
    end: int | None = None
    for span in spans:
        start = span.start if end is None else max(span.start, end)
        if start < span.finish:
            found.append(span._replace(start=start))
            end = span.finish
    return found


def on_units(
    spans: Sequence[Standing], units: int, known: Mapping[str, int] | None = None
) -> list[list[Standing]]:
    """Work on each of the units of a machine, by start.

    `known` are units on which some of it was before, by its key: it stays there where
    it can.

    >>> work = [Standing(0, 9), Standing(2, 4), Standing(5, 7), Standing(6, 12)]
    >>> [[one[:2] for one in unit] for unit in on_units(work, 2)]
    [[(0, 9)], [(2, 4), (5, 7), (7, 12)]]
    """
    found: list[list[Standing]] = [[] for _ in range(units)]
    free: list[int | None] = [None] * units
    for span in spans:
        # None has worked yet; those that have worked are taken first.
        # Best fit: the unit that ended last before it, then one that has not worked
        # yet, else the busy one that ends first.
        ready = [
            (-1, -end, unit) if end <= span.start else (1, end, unit)
            for unit, end in enumerate(free)
            if end is not None
        ]
        ready += [(0, 0, unit) for unit, end in enumerate(free) if end is None]
        before = (known or {}).get(span.key, -1)
        turn = sorted(ready, key=lambda one: (one[2] != before or one[0] > 0, one))
        for _, _, unit in turn[: span.units]:
            found[unit].append(span)
            free[unit] = max(span.finish, free[unit] or span.finish)
    return [in_turn(one) for one in found]


def fewer_units(
    clock: ResourceClock, units: int, known: Span, each: float
) -> list[list[Span]]:
    """When each unit of a machine is not there, though the machine is open.

    Parameters
    ----------
    clock
        What the machine offers.
    units
        How many units are looked at.
    known
        From when until when.
    each
        Units of the resource that make one of these.
    """
    found: list[list[Span]] = [[] for _ in range(units)]
    if clock.constant is not None:
        return found
    for begin, end, there in clock.units(*known):
        # The last units are those that are not there.
        for spans in found[int(there / each) :]:
            if spans and spans[-1][1] == begin:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((begin, end))
    return found


def cut(spans: np.ndarray, busy: Sequence[Span]) -> tuple[np.ndarray, list[int]]:
    """Open spans without the busy ones, and the places before which busy time lies.

    Both are in order of time; neither overlaps itself. Shapes (n_spans, 2), int64.
    """
    waiting, walls = deque(busy), list[int]()
    # What lies before all busy time, and behind it, stays as it is.
    place = before = (
        int(np.searchsorted(spans[:, 1], busy[0][0], "right")) if busy else 0
    )
    found: list[Span] = []
    while waiting and place < len(spans):
        low, high = spans[place].tolist()
        place += 1
        moment = low
        while waiting and waiting[0][0] < high:
            begin, end = waiting[0]
            if begin > moment:
                found.append((moment, begin))
            count = before + len(found)
            if count and (not walls or walls[-1] < count):
                walls.append(count)
            moment = max(moment, min(end, high))
            if end > high:
                break
            waiting.popleft()
        if moment < high:
            found.append((moment, high))
    middle = np.array(found, np.int64).reshape(-1, 2)
    return np.concatenate([spans[:before], middle, spans[place:]]), walls
