"""Arrays of a search: made once, long enough, and handed to the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import MOST_LOTS, Pass
from medhavi.planners.kernels.plant_kernels.schedule_record import Schedule

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant

MOST_JOURNAL = 4_000_000
"""Changes that one move may make, twice over, at most."""
FIRST_SEED = 20_011
NETTED = (
    "totals",
    "o_item",
    "o_qty",
    "o_due",
    "o_release",
    "o_lacks",
    "o_length",
    "o_machine",
    "o_post",
    "p_from",
    "p_to",
    "p_qty",
    "t_start",
    "t_taker",
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
    *("o_machine", "o_lacks", "o_left", "p_from", "p_to", "t_start", "t_taker"),
    *("d_lacks", "d_left", "r_head", "r_next", "r_to", "item_last"),
    *("o_next", "o_back", "o_peg", "o_user", "g_from", "g_to", "g_also", "g_next"),
    *("g_back", "i_head", "d_peg", "j_kind", "j_id"),
)
"""Numbers of orders, pegs and demands, where a negative one says something else; and
counts of them."""
DISPATCHED = ("o_ready", "o_start", "d_finish")
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
    plant
        The plant.
    machines
        How many machines it has.
    orders
        Most orders of a pass.
    """
    items, demands = len(plant.order), len(plant.d_item)
    lines = int(np.diff(plant.c_start).max(initial=0))
    needs = demands + orders * max(lines, 1) + 16
    pegs = 3 * needs + 16
    sizes = {
        "totals": 2,
        "t_start": orders + 2,
        "d_lacks": demands,
        "d_left": demands,
        "d_turn": demands,
        "d_finish": demands,
        "r_head": items,
        "item_last": items,
        "q_start": machines + 1,
        "q_count": machines,
        "u_count": machines,
        "busy": machines,
        "touched": machines + orders + 1,
        "marked": machines,
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


def _largest_tree(plant: Plant) -> int:
    """Count the orders of one demand, one of each; parts come after their takers."""
    below = [1] * len(plant.order)
    for item in range(len(below) - 1, -1, -1):
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            below[item] += below[plant.c_item[line]]
    return max(below, default=1)


def new_schedule(plant: Plant, work: Pass, machines: int) -> Schedule:
    """Make an empty schedule with room for a pass and its improvement."""
    items, demands = len(plant.order), len(plant.d_item)
    made, pegged = int(work.totals[0]), int(work.totals[1])
    tree = _largest_tree(plant)
    orders = 2 * made + 8 * tree + 64
    pegs = 2 * pegged + 128 * tree + 4096
    lanes = plant.machine[np.asarray(work.o_item[:made], np.int64)]
    most = int(np.bincount(lanes[lanes >= 0], minlength=1).max(initial=0))
    width = 2 * most + 200
    deep = len(plant.order) + 8
    sizes: dict[str, int] = {
        "state": 4,
        "room": 2,
        "noise": 1,
        "i_head": items,
        "i_used": items,
        "lane": width * max(machines, 1),
        "laned": max(machines, 1),
        "width": 1,
        "d_peg": demands,
        "d_finish": demands,
        "stack": orders,
    }
    for name in Schedule._fields:
        if name.startswith("g_") or name == "free_peg":
            sizes[name] = pegs
        elif name.startswith("j_"):
            sizes[name] = min(MOST_JOURNAL, 8000 * tree + 8000)
        elif name.startswith("f_"):
            sizes[name] = deep
        else:
            sizes.setdefault(name, orders)
    plan = Schedule(**{name: column(name, sizes[name]) for name in Schedule._fields})
    plan.room[:] = (4 * tree + 16, 64 * tree + 1024)
    plan.state[:] = (orders, pegs, 0, 0)
    plan.noise[0] = FIRST_SEED
    plan.width[0] = width
    plan.free_order[:] = np.arange(orders)[::-1]
    plan.free_peg[:] = np.arange(pegs)[::-1]
    plan.i_head[:] = -1
    plan.d_peg[:] = -1
    return plan
