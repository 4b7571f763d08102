"""Construct a schedule: try settings of the dispatch, keep the best.

What is best differs with the load, so a small grid is tried in sequence: queue
allowance with how far short orders go first, then how long machines hold, how far apart
the priorities are, and how early orders are released.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.planners.constrained.netting.prescribed_sources import dates_ahead
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, MOST_LOTS, Pass
from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.planners.constrained.netting.rationing import Slice
    from medhavi.planners.kernels.compiled import Engine
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant


MOST_JOURNAL = 4_000_000
"""Changes that one move may make, twice over, at most."""
FIRST_SEED = 20_011
NETTED = (
    "totals",
    "o_item",
    "o_qty",
    "o_due",
    "o_for",
    "o_release",
    "o_lacks",
    "o_length",
    "o_post",
    "p_from",
    "p_to",
    "p_qty",
    "t_start",
    "t_taker",
    "d_ready",
    "d_lacks",
)
"""What netting leaves of a pass; dispatching reads it."""
NUMBERS = (
    *("o_item", "d_turn", "h_value", "q_order", "u_order"),
    *("lane", "free_order", "free_peg", "stack"),
)
"""Numbers of orders, pegs and items, never negative: kernels take them as an index as
they are, and need not ask whether they count from the end."""
LINKS = (
    *(
        "o_option",
        "o_machine",
        "o_lacks",
        "o_left",
        "p_from",
        "p_to",
        "t_start",
        "t_taker",
    ),
    *("d_lacks", "d_left", "r_head", "r_next", "r_to", "r_for", "o_for", "item_last"),
    *("o_next", "o_back", "o_peg", "o_user", "g_from", "g_to", "g_also", "g_next"),
    *("g_back", "i_head", "s_user", "d_peg", "j_kind", "j_id"),
)
"""Numbers of orders, pegs and demands, where a negative one says something else; and
counts of them."""
DISPATCHED = (
    *("o_ready", "o_start", "o_end", "o_option", "o_machine", "o_lane"),
    *("o_work", "d_finish"),
)
"""What dispatching leaves of a pass; all else is room to work in."""


def zeros(count: int) -> np.ndarray:
    """Whole numbers, all 0."""
    return np.zeros(count, np.int64)


def column(name: str, count: int) -> np.ndarray:
    """Room for a field of a pass or a schedule, in short numbers where they do."""
    if name in NUMBERS:
        return np.zeros(count, np.uint32)
    return np.zeros(count, np.int32 if name in LINKS else np.int64)


def new_pass(plant: Plant, machines: int, orders: int) -> Pass:
    """Make the arrays of a pass for so many orders.

    Parameters
    ----------
    machines
        How many machines it has.
    orders
        Most orders of a pass.
    """
    items, demands = len(plant.order), len(plant.d_item)
    options = int(np.diff(plant.x_start).max(initial=1))
    lines = int(np.diff(plant.c_start).max(initial=0))
    needs = demands + orders * max(lines, 1) + 16
    pegs = 3 * needs + 16
    sizes = {
        "totals": 2,
        "t_start": orders + 2,
        "d_ready": demands,
        "s_rest": len(plant.s_qty),
        "d_lacks": demands,
        "d_left": demands,
        "d_turn": demands,
        "d_finish": demands,
        "r_head": items,
        "item_last": items,
        "q_start": machines + 1,
        "q_order": options * orders + 1,
        "q_count": machines,
        "u_order": options * orders + 1,
        "u_count": machines,
        "busy": machines,
        "touched": machines + orders + 1,
        "marked": machines,
        "m_load": machines,
        "woken": machines,
        "m_free": machines,
        "m_family": machines,
        "m_turn": machines,
        "l_free": max(int(plant.m_lane[-1]), 1),
        "taken": len(plant.l_most),
        "h_key": 2 * orders + 16,
        "h_value": 2 * orders + 16,
    }
    for name in Pass._fields:
        long = pegs if name[:2] in {"p_", "t_"} else orders + 1
        sizes.setdefault(name, needs if name.startswith("r_") else long)
    made = Pass(**{name: column(name, sizes[name]) for name in Pass._fields})
    made.d_turn[:] = np.argsort(plant.d_due, kind="stable")
    return made


def twin_of(work: Pass) -> Pass:
    """Make the arrays of a second pass; both work in the same room, in turns."""
    own = (*NETTED, *DISPATCHED)
    return work._replace(
        **{name: column(name, len(getattr(work, name))) for name in own}
    )


def netted_as(work: Pass, other: Pass) -> Pass:
    """Pass with the orders of another, in the same arrays."""
    return work._replace(**{name: getattr(other, name) for name in NETTED})


def new_memory(plant: Plant) -> np.ndarray:
    """Make the memory of a search: by how much each lot is more urgent [s]."""
    return zeros(len(plant.order) * MOST_LOTS)


MOST_BUCKETS = 32
"""Buckets over which an order is spread, at most."""


def new_schedule(
    plant: Plant, tree: int, option: np.ndarray, pegged: int, lots: int = 0
) -> ScheduleRecord:
    """Make an empty schedule with room for orders and their improvement.

    Parameters
    ----------
    tree
        Most orders of one demand, as of `largest_tree`.
    option
        That of each order. Shape (n_orders,), int64.
    pegged
        How many pegs they have.
    lots
        Orders for a demand may be cut into so many.
    """
    items, demands, made = len(plant.order), len(plant.d_item), len(option)
    blocks = len(plant.v_begin)
    # Twice as many: what a move removes keeps its number until the move is kept.
    orders = 2 * made + (8 + 2 * lots) * tree + 64 + blocks
    pegs = 2 * pegged + (128 + 32 * lots) * tree + 4096
    lanes = plant.machine[option]
    _, beside = machines_beside(plant, option)
    lanes = np.append(lanes[lanes >= 0], beside)
    most = int(np.bincount(lanes, minlength=1).max(initial=0))
    others = int(np.diff(plant.w_start).max(initial=0))
    if (plant.bucket >= 0).any():
        others = max(others, MOST_BUCKETS)
    standing = int(np.diff(plant.v_start).max(initial=0))
    width = 2 * most + 200 + standing
    deep = len(plant.order) + 8
    sizes: dict[str, int] = {
        "state": 15,
        "room": 2,
        "noise": 1,
        "i_head": items,
        "s_used": len(plant.s_qty),
        "s_user": len(plant.s_qty),
        "taken": len(plant.l_most),
        "lane": width * max(int(plant.m_lane[-1]), 1),
        "laned": max(int(plant.m_lane[-1]), 1),
        "width": 2,
        "d_cut": 3 * demands,
        "o_beside": (orders + 1) * others,
        "d_peg": demands,
        "d_finish": demands,
        "stack": orders,
    }
    for name in ScheduleRecord._fields:
        if name.startswith("g_") or name == "free_peg":
            sizes[name] = pegs
        elif name.startswith("j_"):
            sizes[name] = min(MOST_JOURNAL, 8000 * tree + 8000)
        elif name.startswith("f_"):
            sizes[name] = deep
        else:
            sizes.setdefault(name, orders)
    plan = ScheduleRecord(
        **{name: column(name, sizes[name]) for name in ScheduleRecord._fields}
    )
    plan.room[:] = (4 + lots) * tree + 16, (64 + 16 * lots) * tree + 1024
    plan.state[:2] = (orders - blocks, pegs)
    plan.noise[0] = FIRST_SEED
    plan.width[:] = width, others
    plan.free_order[: orders - blocks] = np.arange(orders - blocks)[::-1]
    plan.free_peg[:] = np.arange(pegs)[::-1]
    plan.i_head[:] = -1
    plan.s_user[:] = -1
    plan.d_peg[:] = -1
    return plan


def limit_ends(ahead: Mapping[int, Sequence[Slice]], plan: ScheduleRecord) -> None:
    """Note until when orders that deliver to demands are to be made, as of `Model`."""
    for demand, slices in ahead.items():
        brought: list[tuple[int, int, int]] = []
        peg = plan.d_peg[demand]
        while peg >= 0:
            giver = plan.g_from[peg]
            if giver >= 0:
                brought.append((plan.o_end[giver], giver, plan.g_qty[peg]))
            peg = plan.g_also[peg]
        brought.sort(reverse=True)
        dates = dates_ahead(slices, [qty for _, _, qty in brought])
        for (_, giver, _), date in zip(brought, dates, strict=True):
            plan.o_ahead[giver] = min(plan.o_ahead[giver], date)


def machines_beside(plant: Plant, option: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Machines that options need beside their own ones, and the place of each option.

    Shapes (n_needed,), int64.
    """
    count = plant.w_start[option + 1] - plant.w_start[option]
    place = np.repeat(np.arange(len(option)), count)
    within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    return place, plant.w_machine[plant.w_start[option][place] + within]


def calendars_of(plant: Plant, machines: int) -> list[int]:
    """Calendar of each machine; -1 where its items have several, or none."""
    found: list[set[int]] = [set() for _ in range(machines)]
    options = np.arange(plant.x_start[-1])
    option, beside = machines_beside(plant, options)
    for machine, calendar in zip(
        np.append(plant.machine[options], beside),
        np.append(plant.calendar[options], plant.calendar[option]),
        strict=True,
    ):
        if machine >= 0:
            found[machine].add(int(calendar))
    return [one.pop() if len(one) == 1 else -1 for one in found]


def opened(plant: Plant, calendar: int, times: np.ndarray) -> np.ndarray:
    """Open seconds of a calendar before instants. Shapes (n_times,), int64."""
    if calendar < 0:
        return times
    windows = slice(plant.k_start[calendar], plant.k_start[calendar + 1])
    at = np.searchsorted(plant.k_close[windows], times, side="right")
    since = np.maximum(times - plant.k_open[windows][at], 0)
    found: np.ndarray = plant.k_before[windows][at] + since
    return found


ALLOWANCES = (0.0, 0.2, 0.5, 0.8, 1.2)
SHORTS = (0.0, 1.0, 2.0, 4.0)
HOLDS = (0.25, 0.5, 1.0, 2.0, 8.0, 16.0, 1e9)
SPREADS = (4.0, 8.0, 15.0, 25.0, 40.0)
AHEADS = (80.0, 40.0, 20.0, 10.0)
RELUCTANCES = (0.5, 1.0, 2.0, 4.0, 1e6)
LIKINGS = (5.0, 20.0, 80.0, 320.0)
DELAYS = (30.0, 60.0, 120.0)
FIRST_HOLD = 4.0
ANY_TIME = 1e6
LIGHT = ((0.2, 1.0), (0.5, 1.0), (0.2, 2.0), (0.8, 2.0))
"""Allowances and shorts of the least effort."""
FIRST_ORDERS = 12
"""Orders per demand for which room is made at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a pass ranks orders.

    Parameters
    ----------
    allowance
        Share of the expected queue before a machine that is allowed for.
    short
        Share of its length that makes an order less urgent.
    hold
        A machine holds for an order whose key is less by this many lengths.
    spread
        Days by which a demand of the next priority counts as wanted later.
    delay
        Days by which what a stock level wants counts as wanted later: it weighs
        nothing, and comes first otherwise, for it mostly is wanted now.
    reluctance
        Lengths by which work on another machine than the first one has to be through
        earlier.
    alike
        By how many times its changeover an order is less urgent on a machine.
    ahead
        Days before its latest begin from which an order may begin: what is early keeps
        no machine from what is urgent and comes later (order release: Bechte 1988).
    """

    allowance: float = 0.2
    short: float = 1.0
    hold: float = FIRST_HOLD
    spread: float = 0.0
    delay: float = 0.0
    reluctance: float = 0.0
    alike: float = 0.0
    ahead: float = ANY_TIME

    @property
    def rule(self) -> np.ndarray:
        """Numbers that the kernels go by. Shape (5,), float64."""
        shares = self.short, self.hold, self.reluctance, self.alike
        return np.array((*shares, self.ahead * DAY), np.float64)


class _Targets(NamedTuple):
    """When demands are wanted, and how long the orders of each item wait [s]."""

    wanted: np.ndarray
    waits: np.ndarray

    def same_as(self, other: _Targets | None) -> bool:
        """Whether it leads to the same orders."""
        return other is not None and all(map(np.array_equal, self, other))


def costs_of(plant: Plant, finish: np.ndarray) -> np.ndarray:
    """Weighted lateness of all demands [s], as of `cost_of`; shape (n_demands,)."""
    late = finish - plant.d_due
    costs = plant.d_weight * (plant.base[0] + late)
    costs = np.where(finish > plant.d_latest, plant.d_missing, costs)
    found: np.ndarray = np.where(late > 0, costs, 0)
    return found


def counting(plant: Plant, share: float) -> Plant:
    """Scale the base days of a late demand by this share."""
    return plant._replace(base=(plant.base * share).astype(np.int64))


class Passes:
    """Passes over one plant.

    A pass that wants and waits as the one before it, or as the one that counts, takes
    over the orders of that.

    Parameters
    ----------
    plant
        The plant, arrays of numpy.
    machines
        How many machines it has.
    priority
        Priority of each demand.

    Attributes
    ----------
    made
        How many passes were made.
    chooses
        Whether some work may take one of several machines.
    changes
        Whether some machine is changed over between families.
    stocks
        Whether some stock level wants anything.
    work, spare
        Arrays of the pass that counts, and of the one that is tried.
    """

    def __init__(
        self, plant: Plant, machines: int, priority: Sequence[int], engine: Engine
    ) -> None:
        self.plain = plant
        self.machines = machines
        self.engine = engine
        self.plant = engine.of(plant)
        self.made = 0
        self._room = len(plant.d_item) * FIRST_ORDERS + 4 * len(plant.order) + 64
        self._ranks = np.array(priority, np.float64) - 2.0
        self.chooses = bool(plant.x_start[-1] > len(plant.order))
        self.changes = len(plant.f_change) > 0
        self._of_levels = plant.d_weight == 0
        self.stocks = bool(self._of_levels.any())
        self._make_room()
        self.nothing = new_memory(plant)
        self.queues = self._expected_queues()

    def _make_room(self) -> None:
        fresh = new_pass(self.plain, self.machines, self._room)
        self.work: Pass = self.engine.of(fresh)
        self.spare: Pass = self.engine.of(twin_of(fresh))
        self._rooms = (self.work, self.spare)
        self._wish_of_work: _Targets | None = None
        self._wish_of_spare: _Targets | None = None

    def _expected_queues(self) -> np.ndarray:
        """Estimate the queue before each item's machine: E[d²]/E[d] u / (1.05 - u) / 2.

        Pollaczek and Khinchine's mean wait; the small constant keeps it finite.
        """
        plant = self.plain
        none = np.zeros(len(plant.order))
        first = Setting(allowance=0.0)
        self.run(self.wanted(first), self.nothing, first, none)
        orders = int(self.spare.totals[0])
        length = np.asarray(self.spare.o_length[:orders], np.float64)
        where = np.asarray(self.spare.o_machine[:orders], np.int64)
        option = np.asarray(self.spare.o_option[:orders], np.int64)
        order, beside = machines_beside(plant, option)
        length, where = np.append(length, length[order]), np.append(where, beside)
        busy = where >= 0
        count = max(self.machines, 1)
        total = np.bincount(where[busy], length[busy], minlength=count)
        square = np.bincount(where[busy], length[busy] ** 2, minlength=count)
        span = np.array([0, max(int(plant.d_due.max(initial=1)), 1)], np.int64)
        units = np.diff(plant.m_lane)
        available = [
            int(np.diff(opened(plant, calendar, span))[0]) * int(units[machine])
            for machine, calendar in enumerate(calendars_of(plant, self.machines))
        ] or [1]
        load = np.minimum(total / np.maximum(available, 1), 1.0)
        mean = np.divide(square, total, out=np.zeros(count), where=total > 0)
        waits = mean * load / (1.05 - load) / 2
        each = np.where(plant.machine >= 0, waits[plant.machine], 0.0)
        option, beside = machines_beside(plant, np.arange(len(each)))
        np.maximum.at(each, option, waits[beside])
        each = each[: plant.x_start[-1]]
        least: np.ndarray = np.minimum.reduceat(each, plant.x_start[:-1])
        return least

    def wanted(self, setting: Setting) -> np.ndarray:
        """When each demand counts as wanted [s]. Shape (n_demands,), float64."""
        later = setting.spread * self._ranks + setting.delay * self._of_levels
        found: np.ndarray = self.plain.d_due + later * DAY
        return found

    def run(
        self,
        wanted: np.ndarray,
        memory: np.ndarray,
        setting: Setting,
        queues: np.ndarray | None = None,
        limit: int = FAR,
    ) -> int:
        """Make one pass into `spare`; gives its weighted lateness.

        A pass whose lateness reaches the limit is left there: `spare` means nothing.
        """
        waits = (self.queues if queues is None else queues) * setting.allowance
        wish = _Targets(wanted.astype(np.int64), waits.astype(np.int64))
        self.made += 1
        while not self._order_all(wish):
            self._room *= 2
            self._make_room()
            self.made += 1
        cost = int(
            self.engine.kernels.evaluate(
                self.plant,
                self.spare,
                self.engine.ints(memory),
                self.engine.floats(setting.rule),
                limit,
            )
        )
        if cost < 0:
            message = "Orders wait for each other."
            raise RuntimeError(message)
        return cost

    def _order_all(self, wish: _Targets) -> bool:
        """`spare` the orders of a wish; False: its arrays are too short."""
        if wish.same_as(self._wish_of_spare):
            return True
        if wish.same_as(self._wish_of_work):
            self.spare = netted_as(self.spare, self.work)
        else:
            # Netted where the pass that counts has not its orders, or they would be
            # lost.
            first, second = self._rooms
            own = second if self.work.totals is first.totals else first
            self.spare = netted_as(self.spare, own)
            wanted, waits = (self.engine.ints(values) for values in wish)
            done = self.engine.kernels.order_all(self.plant, self.spare, wanted, waits)
            if not done:
                return False
        self._wish_of_spare = wish
        return True

    def swap(self) -> None:
        """Swap the tried pass with the current one."""
        self.work, self.spare = self.spare, self.work
        wishes = self._wish_of_spare, self._wish_of_work
        self._wish_of_work, self._wish_of_spare = wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Constructed:
    """The best setting, when each demand is wanted under it, and the lateness."""

    setting: Setting
    wanted: np.ndarray
    cost: int


def construct(
    passes: Passes, effort: str, told: Callable[[int], Any], stop: Callable[[], bool]
) -> Constructed:
    """Try the grid; `passes.work` is the best pass afterwards.

    Parameters
    ----------
    passes
        Passes over the plant.
    effort
        "light" tries fewer settings.
    told, stop
        Called with the best weighted lateness after each pass; ends the grid.
    """
    best: Constructed | None = None

    def tried(setting: Setting) -> None:
        nonlocal best
        if best is not None and stop():
            return
        wanted = passes.wanted(setting)
        # A pass ends as soon as it is as bad as the best.
        least = FAR if best is None else best.cost
        cost = passes.run(wanted, passes.nothing, setting, limit=least)
        if cost < least:
            best = Constructed(setting=setting, wanted=wanted, cost=cost)
            passes.swap()
            told(cost)

    def chosen() -> Setting:
        return Setting() if best is None else best.setting

    for delay in (0.0, *DELAYS) if passes.stocks else ():
        tried(replace(chosen(), delay=delay))
    grid = LIGHT if effort == "light" else tuple(product(ALLOWANCES, SHORTS))
    for allowance, short in grid:
        tried(replace(chosen(), allowance=allowance, short=short))
    for hold in HOLDS[1::2] if effort == "light" else HOLDS:
        tried(replace(chosen(), hold=hold))
    for spread in SPREADS[1::2] if effort == "light" else SPREADS:
        tried(replace(chosen(), spread=spread))
    for ahead in AHEADS[::2] if effort == "light" else AHEADS:
        tried(replace(chosen(), ahead=ahead))
    for reluctance in RELUCTANCES if passes.chooses else ():
        tried(replace(chosen(), reluctance=reluctance))
    for alike in LIKINGS if passes.changes else ():
        tried(replace(chosen(), alike=alike))
    assert best is not None, "the grid is empty"
    return best
