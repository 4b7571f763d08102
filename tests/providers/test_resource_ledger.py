"""Gaps of one resource, against a search that tries every instant."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.capacity.resource_ledger import (
    MILLION,
    BusyInterval,
    ResourceLedger,
    VaryingLedger,
    ledger,
    millionths,
)
from medhavi.providers.capacity.resources import EVER, ResourceClock
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
from medhavi.units import ALWAYS, NEVER
from tests.providers.minute_search import Machine, first_place, last_place

END = 120
FAR = 400


def clock_of(
    closed: list[tuple[int, int]] | None = None,
    levels: tuple[tuple[int, int, float], ...] = ((*EVER, 1.0),),
) -> ResourceClock:
    # Closed around the grid, so that the plain search may end at its edge.
    shut = [(ALWAYS, 0), (FAR, NEVER), *(closed or [])]
    shut += [(low, high) for low, high, units in levels if not units]
    return ResourceClock(
        resource="M",
        finite=True,
        bucket=None,
        cost_per_hour=0.0,
        working=ALWAYS_OPEN.without(shut),
        levels=levels,
        paces=((*EVER, Fraction(1)),),
    )


def block(start: int, finish: int, units: float = 1.0, owner: str = "") -> BusyInterval:
    return BusyInterval(start, finish, millionths(units), owner)


spans = st.tuples(st.integers(0, END), st.integers(1, 25)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
closings = st.lists(spans, max_size=5)
works = st.lists(
    st.tuples(spans, st.sampled_from([0.5, 1.0, 2.0])).map(
        lambda pair: (*pair[0], pair[1])
    ),
    max_size=6,
)


@given(works, st.randoms(use_true_random=False))
def test_what_is_held_depends_on_the_blocks_and_not_on_their_sequence(blocks, rng):
    one, other = ledger(clock_of()), ledger(clock_of())
    for start, finish, units in blocks:
        one.add(block(start, finish, units))
    shuffled = list(blocks)
    rng.shuffle(shuffled)
    for start, finish, units in shuffled:
        other.add(block(start, finish, units))
    assert (one.times, one.used, one.blocks) == (other.times, other.used, other.blocks)
    rng.shuffle(shuffled)
    for start, finish, units in shuffled:
        one.remove(block(start, finish, units))
    assert (one.times, one.used, one.blocks) == ([ALWAYS], [0], [])


@given(works)
def test_use_is_the_sum_of_the_blocks_at_every_instant(blocks):
    book = ledger(clock_of())
    for start, finish, units in blocks:
        book.add(block(start, finish, units))
    for instant in range(END + 30):
        place = max(i for i, t in enumerate(book.times) if t <= instant)
        expected = sum(u for a, b, u in blocks if a <= instant < b)
        assert book.used[place] == expected * MILLION
    assert all(a != b for a, b in zip(book.used, book.used[1:], strict=False))


@pytest.mark.req("CORE-10")
@given(
    closed=closings,
    blocks=works,
    length=st.integers(1, 20),
    bound=st.integers(0, END),
    units=st.sampled_from([1.0, 2.0, 3.0]),
    need=st.sampled_from([0.5, 1.0, 2.0]),
    split=st.booleans(),
)
def test_the_first_and_last_gap_are_those_of_a_plain_search(
    closed, blocks, length, bound, units, need, split
):
    clock = clock_of(closed, ((*EVER, units),))
    book = ledger(clock)
    for start, finish, taken in blocks:
        book.add(block(start, finish, taken))
    there = set()
    for start, finish in clock.working.segments(0, FAR):
        there |= set(range(start, finish))
    # A resource of constant units holds its pauses as well.
    machine = Machine(lambda t: units if t in there else 0.0, blocks, need)
    held = Machine(
        lambda t: units if t in there or _busy(blocks, t, units - need) else 0.0,
        blocks,
        need,
    )
    plain = _first(length, (machine, held), (bound, FAR), split=split)
    found = book.earliest(clock.working, split, length, bound, millionths(need))
    assert found == plain
    # What could not end before a limit may be left out, nothing else.
    for limit in range(bound, bound + 60, 7):
        query = (clock.working, split, length, bound, millionths(need), limit)
        sooner = book.earliest(*query)
        assert sooner in {plain, None}
        assert sooner == plain or plain[1] >= limit
    late = _last(length, (machine, held), (0, bound), split=split)
    bounds = (0, bound)
    found = book.latest(clock.working, split, length, bounds, millionths(need))
    assert found == late


def _busy(blocks, instant, limit):
    return sum(u for a, b, u in blocks if a <= instant < b) > limit


def _first(length, machines, bounds, *, split):
    """Search with the pauses held: no span may contain an instant that is taken."""
    machine, held = machines
    start = bounds[0]
    while start < bounds[1]:
        found = first_place(length, [machine], (start, bounds[1]), split=split)
        if found is None or not any(held.taken(t) for t in range(*found)):
            return found
        start = found[0] + 1
    return None


def _last(length, machines, bounds, *, split):
    machine, held = machines
    finish = bounds[1]
    for start in reversed(range(bounds[0], finish)):
        found = first_place(length, [machine], (start, finish), split=split)
        begins = found is not None and found[0] == start
        if found and begins and not any(held.taken(t) for t in range(*found)):
            return found
    return None


@given(
    closed=closings,
    blocks=works,
    cuts=st.lists(
        st.tuples(st.integers(1, END), st.sampled_from([0.0, 1.0, 2.0])), max_size=3
    ),
    length=st.integers(1, 20),
    bound=st.integers(0, END),
    need=st.sampled_from([1.0, 2.0]),
    split=st.booleans(),
)
def test_units_that_change_close_the_time_with_too_few_of_them(
    closed, blocks, cuts, length, bound, need, split
):
    edges = sorted(dict(cuts).items())
    starts = [(ALWAYS, 2.0), *edges]
    ends = [at for at, _ in edges] + [NEVER]
    levels = tuple((a, b, u) for (a, u), b in zip(starts, ends, strict=True))
    clock = clock_of(closed, levels)
    book = VaryingLedger(clock)
    for start, finish, taken in blocks:
        book.add(block(start, finish, taken))

    def units(instant: int) -> float:
        if not clock.working.is_open(instant):
            return 0.0
        return float(next(u for a, b, u in levels if a <= instant < b))

    working = clock.working.manned(levels, need)
    machines = [Machine(units, blocks, need)]
    found = book.earliest(working, split, length, bound, millionths(need))
    assert found == first_place(length, machines, (bound, FAR), split=split)
    found = book.latest(working, split, length, (0, bound), millionths(need))
    assert found == last_place(length, machines, (0, bound), split=split)


def test_time_that_is_full_at_any_level_is_passed_at_once():
    """Both units are taken from 0 to 80, in four openings: two looks pass them."""

    class Counted(VaryingLedger):
        looks = 0

        def conflict(self, start, finish, need):
            self.looks += 1
            return super().conflict(start, finish, need)

        def last_conflict(self, start, finish, need):
            self.looks += 1
            return super().last_conflict(start, finish, need)

    closed = [(10, 20), (30, 40), (50, 60)]
    book = Counted(clock_of(closed, ((ALWAYS, 90, 2.0), (90, NEVER, 1.0))))
    book.add(block(0, 80, 2.0))
    assert book.earliest(book.clock.working, False, 5, 0, MILLION) == (80, 85)
    assert book.looks == 2
    assert book.latest(book.clock.working, False, 5, (-50, 79), MILLION) is None
    assert book.looks == 3


def test_more_than_there_is_never_fits():
    book = ResourceLedger(clock_of())
    working = book.clock.working
    assert book.earliest(working, True, 5, 0, millionths(2)) is None
    assert book.latest(working, True, 5, (0, 100), millionths(2)) is None


def test_where_nothing_opens_any_more_nothing_fits():
    book = ResourceLedger(clock_of())
    assert book.earliest(book.clock.working, True, 5, FAR, MILLION) is None
    assert book.earliest(book.clock.working, False, 500, 0, MILLION) is None
    assert book.latest(book.clock.working, True, 5, (ALWAYS, 0), MILLION) is None
    varying = VaryingLedger(book.clock)
    assert varying.earliest(book.clock.working, True, 5, FAR, MILLION) is None
    assert varying.latest(book.clock.working, True, 5, (ALWAYS, 0), MILLION) is None


def test_conflicts_are_named_whole():
    book = ResourceLedger(clock_of())
    book.add(block(10, 20))
    book.add(block(20, 30, 0.5))
    book.add(block(20, 30, 0.5))
    book.add(block(50, 60))
    assert book.conflict(0, 10, MILLION) is None
    assert book.conflict(0, 100, MILLION) == (10, 30)
    assert book.last_conflict(0, 55, MILLION) == (50, 60)
    assert book.last_conflict(0, 45, MILLION) == (10, 30)
    assert book.last_conflict(30, 45, MILLION) is None
    assert book.last_conflict(0, 5, MILLION) is None
    assert [(b.start, b.finish) for b in book.held(25, 51)] == [
        (20, 30),
        (20, 30),
        (50, 60),
    ]


def test_the_last_conflict_is_looked_for_in_stretches():
    clock = clock_of(levels=((ALWAYS, 50, 1.0), (50, NEVER, 2.0)))
    book = VaryingLedger(clock)
    book.add(block(10, 20))
    month = 30 * 86400
    assert book.last_conflict(0, month + 100, MILLION) == (10, 20)
    assert book.last_conflict(20, month + 100, MILLION) is None


def test_what_is_not_held_cannot_be_given_back():
    with pytest.raises(ValueError, match="M does not hold"):
        ResourceLedger(clock_of()).remove(block(1, 2))


GRID = 300
"""Seconds of one cell of a book that is nearly full."""
CELLS = 240
turns = st.lists(
    st.tuples(
        st.sampled_from(["hold", "undo", "give back"]),
        st.integers(0, CELLS),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.req("CORE-10")
@given(
    gaps=st.lists(
        st.sampled_from([1, 1, 1, 1, 1, 1, 1, 1, 4, 8]), min_size=60, max_size=60
    ),
    closed=closings,
    bound=st.integers(0, CELLS // 2),
    turns=turns,
    units=st.sampled_from([1.0, 2.0]),
)
def test_what_a_full_book_lists_changes_no_answer(gaps, closed, bound, turns, units):
    shut = [(ALWAYS, 0), *((GRID * a, GRID * b) for a, b in closed)]
    clock = clock_of(levels=((*EVER, units),))
    clock = replace(clock, working=ALWAYS_OPEN.without(shut))
    book, blocks, at = ledger(clock), [], 0
    for gap in gaps:
        blocks.append(block(GRID * at, GRID * (at + 2), 1 + at % 2 * (units - 1)))
        at += 2 + gap
    for one in blocks:
        book.add(one)
    for turn, place, size in turns:
        _ask(book, clock, blocks, bound)
        if turn == "hold":
            found = book.earliest(
                clock.working, True, GRID * size, GRID * min(bound, place), MILLION
            )
            if found is not None:
                blocks.append(block(*found))
                book.add(blocks[-1])
        else:
            last = turn == "undo"
            book.remove(blocks.pop() if last else blocks.pop(place % len(blocks)))
    _ask(book, clock, blocks, bound)


def _ask(book, clock, blocks, bound):
    """Compare with a book that was asked nothing before."""
    for length in (700, 1000, 1700, 2500, 3300):
        for start in (GRID * bound, GRID * (bound + 20)):
            for need in sorted({MILLION, book.most}):
                query = (clock.working, True, length, start, need)
                fresh = ledger(clock)
                for one in blocks:
                    fresh.add(one)
                plain = fresh.earliest(*query)
                limit = NEVER if plain is None else plain[1]
                assert book.earliest(*query, limit) in {plain, None}
                assert book.earliest(*query, limit + 1) == plain
                assert book.earliest(*query) == plain
