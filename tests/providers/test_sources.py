"""The record of one source: lots, validity, shares, cost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.sources import LinearCost, Source, split_by_share
from medhavi.providers.sourcing.suppliers import ContinuousClock

PLAIN = Source(
    kind="buy",
    source="S",
    product="A",
    location="L",
    origin=None,
    preference=1,
    share=None,
    windows=((0, 1000),),
    step=Fraction(1),
    min_lot=0,
    max_lot=None,
    multiple=1,
    batch_window_days=0.0,
    safety_days=0.0,
    fence_days=0.0,
    fence_start=0,
    row={},
    clock=ContinuousClock(10, 0),
    costs=LinearCost(unit=2.0, fixed=30.0, co2_unit=0.5),
)


@pytest.mark.req("MRP-07")
def test_lot_for_lot_orders_what_is_wanted():
    assert PLAIN.pieces(37) == (37,)


@pytest.mark.req("MRP-07")
def test_net_120_with_a_lot_of_50_orders_150():
    assert PLAIN._replace(multiple=50, min_lot=50).pieces(120) == (150,)


def test_small_need_is_raised_to_the_minimum_and_up_to_the_multiple():
    assert PLAIN._replace(min_lot=30, multiple=10).pieces(4) == (30,)


def test_full_pieces_come_first_and_the_rest_last():
    assert PLAIN._replace(max_lot=100).pieces(250) == (100, 100, 50)


def test_rest_is_raised_to_the_minimum():
    assert PLAIN._replace(max_lot=100, min_lot=60).pieces(210) == (100, 100, 60)


def test_need_of_exactly_two_largest_lots_has_no_rest():
    assert PLAIN._replace(max_lot=100).pieces(200) == (100, 100)


@pytest.mark.parametrize("wanted", [0, -5])
def test_nothing_wanted_orders_nothing(wanted):
    source = PLAIN._replace(min_lot=10)
    assert source.pieces(wanted) == ()
    assert source.lot(wanted) == 0


@given(
    wanted=st.integers(1, 10_000),
    multiple=st.integers(1, 40),
    least=st.integers(0, 5),
    extra=st.one_of(st.none(), st.integers(0, 10)),
)
def test_pieces_obey_all_lot_rules_and_exceed_the_need_by_less_than_a_lot(
    wanted, multiple, least, extra
):
    min_lot = least * multiple
    max_lot = None if extra is None else max(min_lot, multiple) + extra * multiple
    source = PLAIN._replace(multiple=multiple, min_lot=min_lot, max_lot=max_lot)
    pieces = source.pieces(wanted)
    assert sum(pieces) >= wanted
    assert sum(pieces) - wanted < max(min_lot, multiple)
    assert all(piece % multiple == 0 and piece >= min_lot for piece in pieces)
    assert max_lot is None or max(pieces) <= max_lot


def test_window_holds_its_begin_and_not_its_end():
    assert PLAIN.valid_at(0)
    assert not PLAIN.valid_at(1000)


@pytest.mark.parametrize(
    ("start", "expected"),
    [(50, 50), (250, 99), (350, 350), (900, 399), (-1, None)],
)
def test_latest_valid_start_is_at_or_before_the_wanted_one(start, expected):
    source = PLAIN._replace(windows=((0, 100), (300, 400)))
    assert source.latest_valid(start) == expected


def test_cost_of_an_order_is_fixed_plus_units():
    assert PLAIN.cost(10) == 50.0
    assert PLAIN.unit_cost == 2.0
    assert PLAIN.fixed_cost == 30.0
    assert PLAIN.co2(10) == 5.0


def test_nothing_ordered_costs_nothing():
    assert PLAIN.cost(0) == 0.0


def test_shares_need_not_add_to_one_hundred():
    assert split_by_share(100, (Fraction(30), Fraction(20))) == (60, 40)


def test_equal_remainders_go_to_the_earlier_source():
    assert split_by_share(1, (Fraction(1), Fraction(1))) == (1, 0)


def test_shares_of_zero_split_nothing():
    assert split_by_share(10, (Fraction(0), Fraction(0))) == (0, 0)


@given(
    wanted=st.integers(0, 100_000),
    shares=st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any),
)
def test_split_adds_up_and_is_off_by_less_than_one_step(wanted, shares):
    fractions = tuple(Fraction(share) for share in shares)
    parts = split_by_share(wanted, fractions)
    assert sum(parts) == wanted
    for part, share in zip(parts, fractions, strict=True):
        assert abs(part - wanted * share / sum(fractions)) < 1
        assert share or not part
