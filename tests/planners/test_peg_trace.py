"""The kernel of pegging: sums hold, and levels give what need after need gives."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.kernels.compiled import uses_numba
from medhavi.planners.kernels.peg_trace import SAFE, arranged, stretch
from medhavi.planners.pegging import Matches, peg, peg_again

LEVELS = 4


@st.composite
def matches(draw: st.DrawFn) -> Matches:
    """Draw orders in levels: each level's orders need goods of the next level.

    Every unit is one order's, needs take from units of their level in sequence, and
    what no order brings comes from stock.
    """
    need_rank: list[int] = []
    need_demand: list[int] = []
    need_consumer: list[int] = []
    need_qty: list[int] = []
    need: list[int] = []
    unit: list[int] = []
    taken: list[int] = []
    unit_order: list[int] = []
    unit_qty: list[int] = []
    orders = 0
    wants = [
        (demand, -1, draw(st.integers(1, 12)))
        for demand in range(draw(st.integers(1, 4)))
    ]
    for level in range(LEVELS):
        below: list[tuple[int, int, int]] = []
        queue = []
        for demand, consumer, qty in wants:
            queue.append((len(need_qty), qty))
            need_rank.append(level)
            need_demand.append(demand)
            need_consumer.append(consumer)
            need_qty.append(qty)
        while queue:
            from_stock = draw(st.booleans())
            size = draw(st.integers(1, 20))
            index = len(unit_qty)
            unit_qty.append(size)
            unit_order.append(-1 if from_stock else orders)
            if not from_stock:
                below.append((-1, orders, draw(st.integers(1, 30))))
                orders += 1
            left = size
            while left and queue:
                number, open_qty = queue.pop(0)
                part = min(left, open_qty)
                need.append(number)
                unit.append(index)
                taken.append(part)
                left -= part
                if part < open_qty:
                    queue.insert(0, (number, open_qty - part))
        wants = below
    return Matches(
        need_rank=need_rank,
        need_demand=need_demand,
        need_consumer=need_consumer,
        need_qty=need_qty,
        need=need,
        unit=unit,
        qty=taken,
        owner=[draw(st.integers(-5, 3)) for _ in taken] if draw(st.booleans()) else (),
        unit_order=unit_order,
        unit_qty=unit_qty,
        n_orders=orders,
    )


@given(matches())
def test_top_pegs_sum_to_each_demand(drawn):
    found = peg(drawn, "python")
    sums: dict[int, int] = defaultdict(int)
    for demand, qty, level in zip(found.demand, found.qty, found.level, strict=True):
        if level == 0:
            sums[demand] += qty
    wanted = {
        demand: qty
        for demand, qty in zip(drawn.need_demand, drawn.need_qty, strict=True)
        if demand >= 0
    }
    assert sums == wanted


@given(matches())
def test_no_unit_is_pegged_beyond_its_quantity(drawn):
    found = peg(drawn, "python")
    sums: dict[int, int] = defaultdict(int)
    for unit, qty in zip(found.unit, found.qty, strict=True):
        assert qty > 0
        sums[unit] += qty
    assert all(sums[unit] <= drawn.unit_qty[unit] for unit in sums)


@given(matches())
def test_pegs_of_a_level_at_a_time_are_those_of_need_after_need(drawn):
    plain, fast = peg(drawn, "python"), peg(drawn, "numba")
    assert all(map(np.array_equal, plain, fast))


def test_quantities_beyond_62_bits_are_stretched_alike():
    length, quantity = 2**60, 2**60 - 5
    drawn = Matches(
        need_rank=[0, 0, 0, 1],
        need_demand=[0, 1, 2, -1],
        need_consumer=[-1, -1, -1, 0],
        need_qty=[length // 7, length // 7, length - 2 * (length // 7), quantity],
        need=[0, 1, 2, 3],
        unit=[0, 0, 0, 1],
        qty=[length // 7, length // 7, length - 2 * (length // 7), quantity],
        unit_order=[0, -1],
        unit_qty=[length, quantity],
        n_orders=1,
    )
    plain, fast = peg(drawn, "python"), peg(drawn, "numba")
    assert all(map(np.array_equal, plain, fast))
    assert plain.qty[plain.level == 1].sum() == quantity


def batch(owner: list[int], shares: tuple[int, int] = (4, 6)) -> list[list[int]]:
    """Peg one order for two demands; it takes 6 of stock 1 and 4 of stock 2."""
    found = peg(
        Matches(
            need_rank=[0, 0, 1],
            need_demand=[0, 1, -1],
            need_consumer=[-1, -1, 0],
            need_qty=[*shares, 10],
            need=[0, 1, 2, 2],
            unit=[0, 0, 1, 2],
            qty=[*shares, 6, 4],
            unit_order=[0, -1, -1],
            unit_qty=[10, 6, 4],
            n_orders=1,
            owner=owner,
        ),
        "python",
    )
    columns = (found.demand, found.unit, found.qty, found.level)
    rows = np.stack(columns, axis=1)
    return sorted(row[:3] for row in rows.tolist() if row[3] == 1)


def test_without_an_owner_goods_go_out_in_the_sequence_of_demands():
    assert batch([-1, -1, -1, -1]) == [[0, 1, 4], [1, 1, 2], [1, 2, 4]]


@pytest.mark.req("DEF-01")
def test_what_is_kept_for_a_demand_goes_to_it():
    assert batch([-1, -1, 1, -1]) == [[0, 2, 4], [1, 1, 6]]


def test_what_is_kept_beyond_a_share_goes_to_others():
    assert batch([-1, -1, 1, -1], (7, 3)) == [[0, 1, 3], [0, 2, 4], [1, 1, 3]]


def test_what_is_for_a_demand_alone_goes_to_no_other():
    assert batch([-1, -1, -3, -1], (7, 3)) == [[0, 2, 4], [1, 1, 3]]


@given(st.data())
def test_arranging_cuts_every_match_once_and_serves_owners_first(data):
    parts = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9))))
    qty = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    owner = [data.draw(st.integers(-5, 3)) for _ in qty]
    keeper = [-2 - who if who < -1 else who for who in owner]
    ends = np.cumsum([gap + size for gap, size in parts], dtype=np.int64)
    begins = ends - np.array([size for _, size in parts], dtype=np.int64)
    demands = [data.draw(st.integers(0, 3)) for _ in parts]
    names = range(len(qty))
    unit, size, place = arranged(
        names, qty, [0] * len(qty), owner, begins.tolist(), ends.tolist(), demands
    )

    pieces: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for name, length, at in zip(unit, size, place, strict=True):
        pieces[int(name)].append((int(at), int(length)))
    for name, held in pieces.items():
        if name >= 0:
            covered = [at + i for at, length in held for i in range(length)]
            assert sorted(covered) == list(range(len(covered)))
            assert len(covered) <= qty[name]
    assert sum(size) == (ends[-1] if parts else 0)
    reach = np.cumsum(size)
    for demand in range(4):
        wanted = sum(s for (_, s), d in zip(parts, demands, strict=True) if d == demand)
        kept = sum(q for q, o in zip(qty, keeper, strict=True) if o == demand)
        got = 0
        for begin, end, who in zip(begins, ends, demands, strict=True):
            for name, last, length in zip(unit, reach, size, strict=True):
                met = max(0, min(end, last) - max(begin, last - length))
                if who == demand and name >= 0 and keeper[name] == demand:
                    got += met
                alone = name >= 0 and owner[name] < -1
                assert not (met and alone and keeper[name] != who)
        assert got == min(wanted, kept)


def stretched(position: int, quantity: int, length: int) -> int:
    return stretch(position, quantity, length, SAFE // max(quantity, 1))


@given(st.integers(0, 2**50), st.integers(0, 2**40), st.integers(1, 2**50))
def test_stretching_keeps_both_ends_and_stays_inside(position, quantity, length):
    position = min(position, length)
    found = stretched(position, quantity, length)
    assert 0 <= found <= quantity
    assert stretched(0, quantity, length) == 0
    assert stretched(length, quantity, length) == quantity


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_stretching_is_exact_while_the_product_is_small(quantity, length):
    for position in (0, length // 3, length // 2, length):
        assert stretched(position, quantity, length) == position * quantity // length


def test_stretching_beyond_62_bits_keeps_order():
    length, quantity = 2**61, 2**61 - 5
    places = [length // 7 * part for part in range(8)]
    found = [stretched(place, quantity, length) for place in places]
    assert found == sorted(found)
    assert places[1] * quantity > SAFE


@pytest.mark.parametrize("engine", ["python", "numba"])
def test_many_demands_behind_one_lot_are_found_on_all_levels(engine):
    levels, demands = 60, 40
    # One lot per level serves all demands; its order needs the lot of the next level.
    first = list(range(demands))
    below = list(range(demands, demands + levels - 1))
    found = peg(
        Matches(
            need_rank=[0] * demands + list(range(1, levels)),
            need_demand=[*first, *(-1 for _ in below)],
            need_consumer=[*(-1 for _ in first), *range(levels - 1)],
            need_qty=[3] * demands + [3 * demands] * len(below),
            need=[*first, *below],
            unit=[0] * demands + list(range(1, levels)),
            qty=[3] * demands + [3 * demands] * len(below),
            unit_order=[*range(levels - 1), -1],
            unit_qty=[3 * demands] * levels,
            n_orders=levels - 1,
        ),
        engine,
    )
    rows = sorted(zip(found.level, found.unit, found.demand, found.qty, strict=True))
    assert rows == [(n, n, demand, 3) for n in range(levels) for demand in first]


@given(matches(), st.integers(0, LEVELS - 1))
def test_what_is_traced_again_from_some_level_on_is_what_was_traced(found, level):
    whole = peg(found, "python")
    unit_rank = np.zeros(len(found.unit_qty), dtype=np.int64)
    unit_rank[found.unit] = np.array(found.need_rank)[found.need]
    reached = np.arange(LEVELS) >= level
    again = peg_again(found, whole, unit_rank, reached, "python")
    below = reached[unit_rank[whole.unit]]
    for column, part in zip(whole, again, strict=True):
        assert column[below].tolist() == part.tolist()


def test_nothing_to_trace_gives_no_pegs():
    names = (
        *("need_rank", "need_demand", "need_consumer", "need_qty", "need"),
        *("unit", "qty", "unit_order", "unit_qty"),
    )
    nothing = Matches(**dict.fromkeys(names, ()), n_orders=0)
    for engine in ("python", "numba", "auto"):
        assert [len(column) for column in peg(nothing, engine)] == [0, 0, 0, 0, 0]


def test_numba_is_used_for_large_runs_or_when_asked_for():
    assert not uses_numba("python", large=True)
    assert uses_numba("auto", large=True)
    assert uses_numba("numba", large=False)
