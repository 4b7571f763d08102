# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""The records that kernels read and fill: a plant, and the work of one pass over it.

A plant is a graph of items, consumers first in `order`. What is made needs one machine
(or none, or several at a time) for ceil((fixed + grains * rate) / scale) seconds of its
calendar and its components at the start; what is bought is there after its lead time,
in any quantity. A step of a routing is an item as well: the step after it takes all of
it. Times count seconds from now.

Kernels know one-dimensional arrays only, so that numba compiles them and lists serve as
well: the interpreted form is the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import DAY

if TYPE_CHECKING:
    import numpy as np

FAR = 1 << 60
DEPARTS = 2
"""`whole` of a lane with departures."""
MOST_LOTS = 48
"""Lots of an item that have a memory of their own; later ones share the last."""


class Plant(NamedTuple):
    """What never changes in a search.

    Per item: `order` (places of a topological order), `grain`, `least` and `most` of an
    order [steps, 0: any], of which n give (n `y_each` + `y_more`) / `y_over`, rounded
    down, `floor` (first start), `post` (end of work to arrival), `soft` (from
    there to the need, given up first), `lead` (-1: made), its options `x_start`, by
    preference where `ranked` is 1, its supplies that stand, stock
    and scheduled receipts by date: `s_start`, `s_item`, `s_qty` [steps], `s_ready` (0:
    now), `s_until`, the last instant of use, and `s_for`, the demand that it is kept
    for (-1: any), its components
    `c_start`: `c_item`, of which an order of n units takes (n `c_each` + `c_more`) /
    `c_over`, rounded up. The units of a machine are the lanes from `m_lane` on.

    What orders of an item give may be used for `life` seconds (`FAR`: for ever) after
    its arrival, or where the item `carries` goods from elsewhere, after it begins, and
    no longer than what it carries. `mortal` is 1 where it takes what may die.

    An order of an item joins what later requirements lack within `cover` seconds from
    the first one on, but where its lots are planned, those of the lot of the first one:
    instants `lot_at` from `lot_start` on, rising, at which the next lot begins. Where
    the item is kept `apart` (1), what an order gives serves one demand alone.

    In millionths of the base currency an order of an item costs `each_order` and
    `each_step` for each of its steps, by its first options; that of a routing has the
    cost of all its steps. By another option it costs `dear_order` and `dear_step` more.
    A step of what is asked of it costs `each_day` to hold a day.

    Per item as well what its orders are for, `asked`: the product of a step, or of a
    source; and its sources from `a_start` on, by preference: the items `a_item` whose
    orders serve it, and `a_ready`, from when their work could begin with nobody
    in its way. Most items are their own only source. One with several has no orders of
    its own; all that takes and what stands belongs to it.

    Per demand: `d_item`, `d_qty`, `d_due`, `d_weight`, `d_shelf`, for how long it wants
    to use what it gets [s], and `d_floor`, when what it has already is there; until
    `d_latest` it accepts what it gets, later it counts `d_missing`; the last ones
    without weight: what stock levels want, the first of an item at `i_level` (-1:
    none); `base` holds one number, the seconds that any late demand counts, and
    `worth` one, the weighted seconds that a millionth of the base currency counts where
    orders are chosen by money as well; 0: they are not.

    Per option, a way to do the work of an item: `machine` (-1: none), `fixed`, `rate`
    and `scale` [s, s per grain, both times `scale`], `calendar` (-1: always open),
    `whole` (1: work does not pause over closed time; `DEPARTS`: a lane). `k_start`
    bounds the open windows of each calendar, in order of time: `k_open`, `k_close`, and
    `k_before`, the open seconds of the earlier ones. The first and the last one have no
    end, so that every instant has a window. `k_near` is the place of the first window
    that closes after the begin of each of the first `k_days` days (one number) of a
    calendar. Work pauses between windows `k_first` up to
    `k_next`, of which each is one; what lies beyond them is behind other work that
    stands. The windows of a lane are its departures, from when goods have to be ready
    to when they arrive, neither falling; before the first and after the last one it
    leaves at any time. `unit`: where the units of its machine have open times of their
    own, the option as it is on the first one, those of the others after it (-1: else).

    Machines that an option needs beside its own one, one unit of each, from the begin
    to the end of the work: `w_machine` from `w_start` on. `n_machine` from `n_start` on
    are the machines whose work needs one machine beside its own.

    Limits of an option from `l_start` on: each window of its calendar has room for
    `l_most`, the first one at `l_room`, of which an order of n units takes n `l_each` /
    `l_over`, rounded up. Several options may share it: a lane carries many products.

    Hours that are counted per bucket: `bucket` of an option, the calendar whose windows
    are the buckets of its machine (-1: it works order by order); its one limit says
    where their room begins [s], which others do not take.

    Set-up families: `family` of an option (-1: none); `m_change`, where the matrix of a
    machine begins in `f_change` (-1: it has none), of `f_size` families by `f_size`,
    from rows to columns [s]. Such a machine has one unit. What stands on it are its
    blocks `v_start`: `v_begin`, `v_end`, `v_option`; the first one ends now, and says
    for what it is set up.
    """

    order: np.ndarray
    a_start: np.ndarray
    a_item: np.ndarray
    a_ready: np.ndarray
    x_start: np.ndarray
    ranked: np.ndarray
    machine: np.ndarray
    dear_order: np.ndarray
    dear_step: np.ndarray
    fixed: np.ndarray
    rate: np.ndarray
    scale: np.ndarray
    calendar: np.ndarray
    whole: np.ndarray
    unit: np.ndarray
    bucket: np.ndarray
    w_start: np.ndarray
    w_machine: np.ndarray
    n_start: np.ndarray
    n_machine: np.ndarray
    grain: np.ndarray
    least: np.ndarray
    most: np.ndarray
    y_each: np.ndarray
    y_more: np.ndarray
    y_over: np.ndarray
    floor: np.ndarray
    post: np.ndarray
    soft: np.ndarray
    lead: np.ndarray
    life: np.ndarray
    carries: np.ndarray
    mortal: np.ndarray
    cover: np.ndarray
    lot_start: np.ndarray
    lot_at: np.ndarray
    apart: np.ndarray
    each_order: np.ndarray
    each_step: np.ndarray
    each_day: np.ndarray
    c_start: np.ndarray
    c_item: np.ndarray
    c_each: np.ndarray
    c_more: np.ndarray
    c_over: np.ndarray
    s_start: np.ndarray
    s_item: np.ndarray
    s_qty: np.ndarray
    s_ready: np.ndarray
    s_until: np.ndarray
    s_for: np.ndarray
    m_lane: np.ndarray
    d_item: np.ndarray
    d_qty: np.ndarray
    d_due: np.ndarray
    d_weight: np.ndarray
    d_shelf: np.ndarray
    d_floor: np.ndarray
    d_latest: np.ndarray
    d_missing: np.ndarray
    i_level: np.ndarray
    asked: np.ndarray
    base: np.ndarray
    worth: np.ndarray
    k_start: np.ndarray
    k_open: np.ndarray
    k_close: np.ndarray
    k_before: np.ndarray
    k_first: np.ndarray
    k_next: np.ndarray
    k_near: np.ndarray
    k_days: np.ndarray
    l_start: np.ndarray
    l_each: np.ndarray
    l_over: np.ndarray
    l_room: np.ndarray
    l_most: np.ndarray
    family: np.ndarray
    m_change: np.ndarray
    f_change: np.ndarray
    f_size: np.ndarray
    v_start: np.ndarray
    v_begin: np.ndarray
    v_end: np.ndarray
    v_option: np.ndarray


class Pass(NamedTuple):
    """Work of one pass: orders, pegs and dates; `totals` holds orders and pegs.

    `o_for` is the demand that an order was opened for, `o_length` the working time by
    the first option of the item, `o_work` by the one that was taken, `o_option`, on
    `o_machine`. A peg brings `p_qty` from `p_from` (an
    order, or -2 - a supply that stands) to `p_to` (an order, or -1 - demand). `t_*` are
    those who take from each order; `d_ready` is when what stands is there for a demand,
    `s_rest` what is left of it; `o_lacks` and `d_lacks` count the pegs from orders that
    an order and a demand wait for; `d_turn` are the demands by due date. `r_*` are
    requirements, `r_for` the demand that each is for, `r_until` until when it
    uses what it gets, `h_*` a heap, `q_*` queues;
    `m_load` adds up the work of each machine [s]; `woken` is when each machine opens
    again and looks for work. `m_free`, `m_family` and `m_turn` are when the last work
    on each machine ends, the family of the last one that has any, and the next block
    that stands; `l_free` is when the last work on each unit ends whose open time is its
    own, of which orders are on `o_lane`. `taken` is what orders take of each `l_most`.
    """

    totals: np.ndarray
    o_item: np.ndarray
    o_qty: np.ndarray
    o_due: np.ndarray
    o_for: np.ndarray
    o_key: np.ndarray
    o_ready: np.ndarray
    o_release: np.ndarray
    o_start: np.ndarray
    o_end: np.ndarray
    o_lacks: np.ndarray
    o_left: np.ndarray
    o_length: np.ndarray
    o_option: np.ndarray
    o_machine: np.ndarray
    o_lane: np.ndarray
    o_work: np.ndarray
    o_post: np.ndarray
    p_from: np.ndarray
    p_to: np.ndarray
    p_qty: np.ndarray
    t_start: np.ndarray
    t_taker: np.ndarray
    d_ready: np.ndarray
    s_rest: np.ndarray
    d_lacks: np.ndarray
    d_left: np.ndarray
    d_turn: np.ndarray
    d_finish: np.ndarray
    r_head: np.ndarray
    r_next: np.ndarray
    r_time: np.ndarray
    r_qty: np.ndarray
    r_to: np.ndarray
    r_for: np.ndarray
    r_until: np.ndarray
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
    m_load: np.ndarray
    woken: np.ndarray
    m_free: np.ndarray
    m_family: np.ndarray
    m_turn: np.ndarray
    l_free: np.ndarray
    taken: np.ndarray
    item_last: np.ndarray


def length_of(plant: Plant, item: int, option: int, qty: int) -> int:
    """Working time of an order by an option of its item [s]."""
    work = plant.fixed[option] + qty // plant.grain[item] * plant.rate[option]
    return -(-work // plant.scale[option])


def taken_of(plant: Plant, line: int, qty: int) -> int:
    """Need of an order of a component by its line [units]."""
    return -(-(qty * plant.c_each[line] + plant.c_more[line]) // plant.c_over[line])


def on_lane(plant: Plant, option: int, lane: int) -> int:
    """Option as it is on a unit of its machine."""
    first = plant.unit[option]
    if first < 0:
        return option
    return first + lane - plant.m_lane[plant.machine[option]]


def shared(plant: Plant, option: int) -> bool:
    """Whether an option needs other machines beside its own."""
    return plant.w_start[option] < plant.w_start[option + 1]


def machine_of(plant: Plant, option: int, place: int) -> int:
    """Machine of an option: at its `w_start` and after, those beside its own one."""
    if place < plant.w_start[option]:
        return plant.machine[option]
    return plant.w_machine[place]


def window_of(plant: Plant, calendar: int, time: int) -> int:
    """Place of the first window of a calendar that closes after an instant."""
    close, days, day = plant.k_close, plant.k_days[0], time // DAY
    if 0 <= day < days:
        place = plant.k_near[calendar * days + day]
        while close[place] <= time:
            place += 1
        return place
    low, high = plant.k_start[calendar], plant.k_start[calendar + 1] - 1
    while low < high:
        middle = (low + high) >> 1
        if close[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return low


def first_at(values: np.ndarray, low: int, high: int, time: int) -> int:
    """Place of the first of rising values from `time` on; `high`: there is none."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low


def begin_from(plant: Plant, option: int, time: int, length: int) -> int:
    """Earliest begin of work of an option from an instant on [s]."""
    calendar = plant.calendar[option]
    if calendar < 0:
        return time
    if plant.whole[option] == DEPARTS:
        low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
        place = first_at(plant.k_open, low, high, time)
        return plant.k_open[place] if place < high else time
    opens, close = plant.k_open, plant.k_close
    at = window_of(plant, calendar, time)
    if length == 0 and at > plant.k_start[calendar] and close[at - 1] == time:
        # Nothing of closed time is needed: both edges of a window will do.
        return time
    before, whole = plant.k_before, plant.whole[option] == 1
    while True:
        begin = max(time, opens[at])
        behind = at + 1 if whole else plant.k_next[at]
        last = behind - 1
        rest = before[last] - before[at] + close[last] - opens[last]
        if length <= rest - (begin - opens[at]):
            return begin
        at = behind


def end_from(plant: Plant, option: int, begin: int, length: int) -> int:
    """End of work that begins at an instant at which it can [s]."""
    calendar = plant.calendar[option]
    if calendar < 0:
        return begin + length
    opens, before = plant.k_open, plant.k_before
    if plant.whole[option] == DEPARTS:
        low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
        place = first_at(opens, low, high, begin)
        if place < high:
            return plant.k_close[place]
        return begin + plant.k_close[high - 1] - opens[high - 1]
    if length == 0:
        return begin
    at = window_of(plant, calendar, begin)
    if begin + length <= plant.k_close[at]:
        return begin + length
    target = before[at] + begin - opens[at] + length
    high = plant.k_start[calendar + 1] - 1
    # The last window that opens before all is done.
    while at < high:
        middle = (at + high + 1) >> 1
        if before[middle] < target:
            at = middle
        else:
            high = middle - 1
    return opens[at] + target - before[at]


def end_by(plant: Plant, option: int, time: int, length: int) -> int:
    """Latest end of work of an option by an instant [s]."""
    calendar = plant.calendar[option]
    if calendar < 0:
        return time
    opens, close = plant.k_open, plant.k_close
    if plant.whole[option] == DEPARTS:
        low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
        place = first_at(close, low, high, time + 1)
        return close[place - 1] if low < place < high else time
    at = window_of(plant, calendar, time - 1)
    if length == 0 and opens[at] == time:
        return time
    if opens[at] >= time:
        at -= 1
    before, whole = plant.k_before, plant.whole[option] == 1
    while True:
        end = min(time, close[at])
        first = at if whole else plant.k_first[at]
        if length <= before[at] - before[first] + end - opens[at]:
            return end
        at = first - 1


def begin_by(plant: Plant, option: int, end: int, length: int) -> int:
    """Latest begin of work that ends at an instant at which it can [s]."""
    calendar = plant.calendar[option]
    if calendar < 0:
        return end - length
    opens, before = plant.k_open, plant.k_before
    if plant.whole[option] == DEPARTS:
        low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
        place = first_at(plant.k_close, low, high, end + 1)
        if low < place < high:
            return opens[place - 1]
        place = max(place - 1, low)
        return end - plant.k_close[place] + opens[place]
    if length == 0:
        return end
    at = window_of(plant, calendar, end - 1)
    if end - length >= opens[at]:
        return end - length
    target = before[at] + end - opens[at] - length
    low = plant.k_start[calendar]
    # The last window with no more open time before it than before the begin.
    while low < at:
        middle = (low + at + 1) >> 1
        if before[middle] <= target:
            low = middle
        else:
            at = middle - 1
    return opens[low] + target - before[low]


def limited(plant: Plant, option: int) -> bool:
    """Whether windows of an option have room for so much alone."""
    return plant.l_start[option] < plant.l_start[option + 1]


def load_of(plant: Plant, limit: int, qty: int) -> int:
    """Room that an order takes of its window by a limit."""
    return -(-(qty * plant.l_each[limit]) // plant.l_over[limit])


def fits(plant: Plant, taken: np.ndarray, option: int, at: int, qty: int) -> bool:
    """Whether a window of the calendar of an option has room for an order."""
    since = at - plant.k_start[plant.calendar[option]]
    for limit in range(plant.l_start[option], plant.l_start[option + 1]):
        load = load_of(plant, limit, qty)
        place = plant.l_room[limit] + since
        if load > 0 and taken[place] + load > plant.l_most[place]:
            return False
    return True


def roomy_from(
    plant: Plant, taken: np.ndarray, option: int, time: int, qty: int
) -> int:
    """Begin of the first departure from an instant on that has room for an order [s].

    After the last one it leaves at any time.
    """
    opens, calendar = plant.k_open, plant.calendar[option]
    low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
    at = first_at(opens, low, high, time)
    while at < high and not fits(plant, taken, option, at, qty):
        at += 1
    return opens[at] if at < high else max(time, opens[high - 1] + 1)


def roomy_by(
    plant: Plant, taken: np.ndarray, option: int, span: tuple[int, int], qty: int
) -> int:
    """Last departure that arrives within a span and has room for an order; -1: none.

    `span` is the instant after which it arrives, and that by which it does.
    """
    close, calendar = plant.k_close, plant.calendar[option]
    low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
    at = first_at(close, low, high, span[1] + 1) - 1
    while at >= low and close[at] > span[0]:
        if fits(plant, taken, option, at, qty):
            return at
        at -= 1
    return -1


def take_room(
    plant: Plant, taken: np.ndarray, option: int, begin: int, qty: int
) -> None:
    """Take room for an order where it begins; a negative quantity gives it back."""
    calendar = plant.calendar[option]
    low, high = plant.k_start[calendar], plant.k_start[calendar + 1]
    at = first_at(plant.k_open, low, high, begin)
    if at == high:
        return
    for limit in range(plant.l_start[option], plant.l_start[option + 1]):
        load = load_of(plant, limit, abs(qty))
        place = plant.l_room[limit] + at - low
        taken[place] += load if qty > 0 else -load


def change_of(plant: Plant, machine: int, before: int, family: int) -> int:
    """Time to change a machine over from one family to another [s]."""
    if before < 0 or family < 0:
        return 0
    return plant.f_change[plant.m_change[machine] + before * plant.f_size[0] + family]


def changed_from(plant: Plant, option: int, time: int, change: int) -> int:
    """Instant at which a changeover is through that begins from an instant on [s]."""
    if change == 0:
        return time
    begin = begin_from(plant, option, time, change)
    return end_from(plant, option, begin, change)


def changed_by(plant: Plant, option: int, time: int, change: int) -> int:
    """Latest begin of a changeover that is through by an instant [s]."""
    if change == 0:
        return time
    end = end_by(plant, option, time, change)
    return begin_by(plant, option, end, change)


def used_until(plant: Plant, item: int, begin: int, until: int) -> int:
    """Last use of what an order takes that begins at an instant [s].

    What it carries is used until what it gives is.
    """
    return max(begin, until) if plant.carries[item] == 1 else begin


def fresh_from(plant: Plant, item: int, until: int, length: int) -> int:
    """Earliest begin of an order whose goods may be used until an instant [s].

    Where work pauses it may have to begin later.
    """
    born = until - plant.life[item]
    if plant.carries[item] == 1:
        return born
    return born - plant.post[item] - length


def joined_from(plant: Plant, item: int, instant: int) -> int:
    """First instant of the requirements that an order for one at an instant joins [s].

    Begin of its planned lot; without planned lots the instant itself.
    """
    first, last = plant.lot_start[item], plant.lot_start[item + 1]
    if first == last:
        return instant
    begin = -FAR
    for place in range(first, last):
        if plant.lot_at[place] > instant:
            break
        begin = plant.lot_at[place]
    return begin


def joined_until(plant: Plant, item: int, instant: int) -> int:
    """First instant behind the requirements that an order for one joins [s]."""
    for place in range(plant.lot_start[item], plant.lot_start[item + 1]):
        if plant.lot_at[place] > instant:
            return plant.lot_at[place]
    return instant + plant.cover[item]


def lot_of(plant: Plant, item: int, need: int) -> int:
    """First order for a need, in whole grains: the largest lot, or the last [steps]."""
    short = need * plant.y_over[item] - plant.y_more[item]
    wanted = max(-(-short // plant.y_each[item]), plant.least[item])
    if 0 < plant.most[item] < wanted:
        return plant.most[item]
    grain = plant.grain[item]
    return -(-wanted // grain) * grain


def gain_of(plant: Plant, item: int, qty: int) -> int:
    """What an order of an item gives [steps]."""
    return (qty * plant.y_each[item] + plant.y_more[item]) // plant.y_over[item]


def cost_of(plant: Plant, demand: int, finish: int) -> int:
    """Weighted lateness of a demand [s]."""
    late = finish - plant.d_due[demand]
    if late <= 0:
        return 0
    if finish > plant.d_latest[demand]:
        return plant.d_missing[demand]
    return plant.d_weight[demand] * (plant.base[0] + late)


def draw(noise: np.ndarray) -> float:
    """Next random number in (0, 1): Lehmer's, as of Park and Miller 1988."""
    noise[0] = noise[0] * 48271 % 2147483647
    return noise[0] / 2147483647.0
