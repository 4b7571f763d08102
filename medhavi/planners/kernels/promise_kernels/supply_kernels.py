# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Evaluate one way of a plain request: recipes, stock and machines as integers.

The choices are those of `compact_walk`: of a good what lies there is taken, the rest is
ordered, at several sources where it is there first. What asks for more is refused, and
the caller walks in another way. A trace tells what was chosen, so that records are
built for the ways alone that are of use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.machine_kernels import contended, placed
from medhavi.planners.kernels.promise_kernels.supply_record import (
    ASKED,
    BUDGET,
    BUY,
    CONTENDED,
    EVALUATIONS,
    FAR,
    FREE,
    G_END,
    G_PLAIN,
    G_SOURCE,
    G_WITHHOLDS,
    GREEDY,
    KEPT_MET,
    KEPT_OWN,
    KEPT_TRACE,
    KNOWN_ONLY,
    L_ADDEND,
    L_GOOD,
    L_NEED,
    L_SHARE,
    LARGE,
    LOW,
    MAKE,
    MET,
    MET_IN,
    NEEDED,
    NEVER_BUYS,
    NOTHING,
    NOW,
    ONLY,
    ORDERED,
    OWN,
    OWN_ORDER,
    PART,
    REFUSED,
    REPEATS,
    RISING,
    S_ADDEND,
    S_GAIN,
    S_GOOD,
    S_KIND,
    S_LEAST,
    S_LINE,
    S_LINE_END,
    S_MOST,
    S_MULTIPLE,
    S_READY,
    S_SHARE,
    S_UNKNOWN,
    STOCK,
    TRACE,
    UNKNOWN,
    WALK,
    WITHHELD,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.promise_kernels.supply_record import (
        Room,
        State,
        Supply,
    )


def met(supply: Supply, state: State, good: int, look: int) -> int:
    """Come to a good, and `look` at it; REFUSED: met before, or not plain."""
    count = state.tally
    if not supply.goods[good, G_PLAIN] or state.goods[good, MET_IN] == count[WALK]:
        return REFUSED
    if count[MET] >= len(state.trail) or count[TRACE] + 8 > len(state.trace):
        return REFUSED
    state.goods[good, MET_IN] = count[WALK]
    state.trail[count[MET]] = good
    count[MET] += 1
    if look and supply.goods[good, G_WITHHOLDS]:
        count[WITHHELD] = 1
    return 0


def offered(supply: Supply, state: State, good: int) -> int:
    """Count the sources that a good may be ordered from; REFUSED: one is in doubt."""
    count = state.tally
    allowed = 0
    if supply.goods[good, G_END] == UNKNOWN:
        count[ASKED] = good
    for source in range(supply.goods[good, G_SOURCE], supply.goods[good, G_END]):
        if supply.sources[source, S_KIND] == BUY:
            if count[KNOWN_ONLY] and supply.sources[source, S_UNKNOWN]:
                return REFUSED
            if count[NEVER_BUYS]:
                continue
        allowed += 1
    return allowed or REFUSED


def begun(supply: Supply, state: State, source: int, part: int, left: int) -> int:
    """Begin an order of what a part from stock leaves; gives its size, or REFUSED."""
    count, trace = state.tally, state.trace
    good = supply.sources[source, S_GOOD]
    if state.goods[good, ORDERED] == count[WALK]:
        count[REPEATS] = 1
    state.goods[good, ORDERED] = count[WALK]
    gain, share = supply.sources[source, S_GAIN], supply.sources[source, S_SHARE]
    addend = supply.sources[source, S_ADDEND]
    size = left
    if supply.sources[source, S_KIND] == MAKE:
        size = max(1, -(-(left * share - addend) // gain))
    if left >= LARGE or size > supply.sources[source, S_MOST]:
        return REFUSED
    multiple = supply.sources[source, S_MULTIPLE]
    size = -(-max(size, supply.sources[source, S_LEAST]) // multiple) * multiple
    if size >= LARGE or (size * gain + addend) // share < left:
        return REFUSED
    trace[count[TRACE]] = source
    trace[count[TRACE] + 1] = part
    trace[count[TRACE] + 2] = size
    count[TRACE] += 3
    return size


def keep(
    state: State,
    trace: int,
    own: int,
    met: int,
    kept_trace: int,
    kept_own: int,
    kept_met: int,
) -> int:
    """Keep what was chosen since a mark as the best so far; REFUSED: it is too much."""
    count = state.tally
    wide, orders, goods = count[TRACE] - trace, count[OWN] - own, count[MET] - met
    if (
        kept_trace + wide > len(state.trace_kept)
        or kept_own + orders > len(state.own_kept)
        or kept_met + goods > len(state.trail_kept)
    ):
        return REFUSED
    for place in range(wide):
        state.trace_kept[kept_trace + place] = state.trace[trace + place]
    for place in range(orders):
        for column in range(OWN_ORDER + 1):
            held = state.own[own + place, column]
            state.own_kept[kept_own + place, column] = held
    for place in range(goods):
        state.trail_kept[kept_met + place] = state.trail[met + place]
    count[KEPT_TRACE], count[KEPT_OWN] = kept_trace + wide, kept_own + orders
    count[KEPT_MET] = kept_met + goods
    return 0


def undo(state: State, trace: int, own: int, met: int) -> None:
    """Go back to a mark."""
    count = state.tally
    for place in range(met, count[MET]):
        state.goods[state.trail[place], MET_IN] = 0
    count[TRACE], count[OWN], count[MET] = trace, own, met


def choose_again(state: State, kept_trace: int, kept_own: int, kept_met: int) -> None:
    """Choose what was kept since a mark; the mark is what is kept then."""
    count = state.tally
    for place in range(kept_trace, count[KEPT_TRACE]):
        state.trace[count[TRACE]] = state.trace_kept[place]
        count[TRACE] += 1
    for place in range(kept_own, count[KEPT_OWN]):
        for column in range(OWN_ORDER + 1):
            state.own[count[OWN], column] = state.own_kept[place, column]
        count[OWN] += 1
    for place in range(kept_met, count[KEPT_MET]):
        good = state.trail_kept[place]
        state.trail[count[MET]] = good
        state.goods[good, MET_IN] = count[WALK]
        count[MET] += 1
    count[KEPT_TRACE], count[KEPT_OWN] = kept_trace, kept_own
    count[KEPT_MET] = kept_met


def there(supply: Supply, state: State, good: int, steps: int) -> int:
    """Take a quantity from what lies there; gives when, FAR: order it, or REFUSED."""
    count = state.tally
    if steps <= 0:
        state.trace[count[TRACE]] = NOTHING
        count[TRACE] += 1
        return LOW
    if met(supply, state, good, 1) == REFUSED:
        return REFUSED
    if steps <= state.goods[good, FREE]:
        state.goods[good, NEEDED] = count[WALK]
        state.trace[count[TRACE]] = STOCK
        count[TRACE] += 1
        return count[NOW]
    if state.goods[good, NEEDED] == count[WALK]:
        count[GREEDY] = 1
    state.goods[good, NEEDED] = count[WALK]
    return REFUSED if state.goods[good, RISING] else FAR


def acquire(supply: Supply, room: Room, state: State, good: int, steps: int) -> int:
    """Get a quantity of a good as early as possible; gives when, or REFUSED.

    From the source `count[ONLY]` where that is not -1, but for a part from stock.
    """
    # One function, for numba keeps no functions that call each other in a circle.
    count = state.tally
    allowed = 1
    only, part = count[ONLY], count[PART]
    count[ONLY] = -1
    first, last = only, only + 1
    if only < 0:
        ready = there(supply, state, good, steps)
        if ready != FAR:
            return ready
        allowed = offered(supply, state, good)
        if allowed == REFUSED:
            return REFUSED
        part = min(state.goods[good, FREE], steps - 1)
        first, last = supply.goods[good, G_SOURCE], supply.goods[good, G_END]
    trace, own, trail = count[TRACE], count[OWN], count[MET]
    kept_trace, kept_own = count[KEPT_TRACE], count[KEPT_OWN]
    kept_met = count[KEPT_MET]
    best = FAR
    for source in range(first, last):
        makes = supply.sources[source, S_KIND] == MAKE
        if only < 0 and not makes and count[NEVER_BUYS]:
            continue
        if allowed > 1:
            if best < FAR and count[EVALUATIONS] >= count[BUDGET]:
                break
            count[EVALUATIONS] += 1
        size = begun(supply, state, source, part, steps - part)
        if size == REFUSED:
            return REFUSED
        ready = supply.sources[source, S_READY]
        if makes:
            latest = LOW
            lines = range(
                supply.sources[source, S_LINE], supply.sources[source, S_LINE_END]
            )
            for line in lines:
                need = size * supply.lines[line, L_NEED] + supply.lines[line, L_ADDEND]
                need = -(-need // supply.lines[line, L_SHARE])
                wanted = supply.lines[line, L_GOOD]
                got = acquire(supply, room, state, wanted, need)
                if got == REFUSED:
                    return REFUSED
                latest = max(latest, got)
            ready = placed(supply, room, state, source, size, latest)
        if ready < 0:
            return REFUSED
        if part > 0:
            ready = max(ready, count[NOW])
        if allowed == 1:
            return ready
        if ready < best:
            best = ready
            if (
                keep(state, trace, own, trail, kept_trace, kept_own, kept_met)
                == REFUSED
            ):
                return REFUSED
        undo(state, trace, own, trail)
    count[GREEDY] = 1
    choose_again(state, kept_trace, kept_own, kept_met)
    return best


def delivered(
    supply: Supply,
    room: Room,
    state: State,
    source: int,
    part: int,
    steps: int,
    look: int,
) -> int:
    """Deliver a quantity, a part of it from stock; gives when it is there, or REFUSED.

    Parameters
    ----------
    look
        1: what lies of the good matters.
    """
    good = supply.sources[source, S_GOOD]
    if met(supply, state, good, look) == REFUSED:
        return REFUSED
    if look and (state.goods[good, RISING] or state.goods[good, FREE] < part):
        return REFUSED
    state.tally[ONLY], state.tally[PART] = source, part
    ready = acquire(supply, room, state, good, steps)
    state.tally[CONTENDED] = contended(state)
    return ready
