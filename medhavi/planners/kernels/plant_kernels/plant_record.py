# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""The records that kernels read and fill: a plant, and the work of one pass over it.

A plant is a graph of items, consumers first in `order`. What is made needs one machine
(or none) for `fixed + grains * rate` seconds and its components at the start; what is
bought is there after its lead time, in any quantity. Times count seconds from now.

Kernels know one-dimensional arrays only, so that numba compiles them and lists serve as
well: the interpreted form is the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

FAR = 1 << 60
MOST_LOTS = 48
"""Lots of an item that have a memory of their own; later ones share the last."""


class Plant(NamedTuple):
    """What never changes in a search.

    Per item: `order` (places of a topological order), `machine` (-1: none), `fixed`
    and `rate` [s, s per grain], `grain` and `least` [steps], `floor` (first start),
    `post` (end of work to arrival), `lead` (-1: made), `stock`; `c_start`, `c_item`,
    `c_qty` are its components (per grain). Per demand: `d_item`, `d_qty`, `d_due`,
    `d_weight`; `base` holds one number, the seconds that any late demand counts.
    """

    order: np.ndarray
    machine: np.ndarray
    fixed: np.ndarray
    rate: np.ndarray
    grain: np.ndarray
    least: np.ndarray
    floor: np.ndarray
    post: np.ndarray
    lead: np.ndarray
    stock: np.ndarray
    c_start: np.ndarray
    c_item: np.ndarray
    c_qty: np.ndarray
    d_item: np.ndarray
    d_qty: np.ndarray
    d_due: np.ndarray
    d_weight: np.ndarray
    base: np.ndarray


class Pass(NamedTuple):
    """Work of one pass: orders, pegs and dates; `totals` holds orders and pegs.

    A peg brings `p_qty` from `p_from` (an order, or -2 - item: its stock) to `p_to` (an
    order, or -1 - demand). `t_*` are those who take from each order; `o_lacks` and
    `d_lacks` count the pegs from orders that an order and a demand wait for; `d_turn`
    are the demands by due date. `r_*` are requirements, `h_*` a heap, `q_*` queues.
    """

    totals: np.ndarray
    o_item: np.ndarray
    o_qty: np.ndarray
    o_due: np.ndarray
    o_key: np.ndarray
    o_ready: np.ndarray
    o_release: np.ndarray
    o_start: np.ndarray
    o_lacks: np.ndarray
    o_left: np.ndarray
    o_length: np.ndarray
    o_machine: np.ndarray
    o_post: np.ndarray
    p_from: np.ndarray
    p_to: np.ndarray
    p_qty: np.ndarray
    t_start: np.ndarray
    t_taker: np.ndarray
    d_lacks: np.ndarray
    d_left: np.ndarray
    d_turn: np.ndarray
    d_finish: np.ndarray
    r_head: np.ndarray
    r_next: np.ndarray
    r_time: np.ndarray
    r_qty: np.ndarray
    r_to: np.ndarray
    h_key: np.ndarray
    h_value: np.ndarray
    q_start: np.ndarray
    q_order: np.ndarray
    q_count: np.ndarray
    u_order: np.ndarray
    u_count: np.ndarray
    busy: np.ndarray
    touched: np.ndarray
    marked: np.ndarray
    item_last: np.ndarray


def length_of(plant: Plant, item: int, qty: int) -> int:
    """Working time of an order [s]."""
    return plant.fixed[item] + qty // plant.grain[item] * plant.rate[item]


def lot_of(plant: Plant, item: int, qty: int) -> int:
    """Raise a quantity to the least lot, in whole grains [steps]."""
    wanted = max(qty, plant.least[item])
    grain = plant.grain[item]
    return -(-wanted // grain) * grain


def cost_of(plant: Plant, demand: int, finish: int) -> int:
    """Weighted lateness of a demand [s]."""
    late = finish - plant.d_due[demand]
    if late <= 0:
        return 0
    return plant.d_weight[demand] * (plant.base[0] + late)


def draw(noise: np.ndarray) -> float:
    """Next random number in (0, 1): Lehmer's, as of Park and Miller 1988."""
    noise[0] = noise[0] * 48271 % 2147483647
    return noise[0] / 2147483647.0
