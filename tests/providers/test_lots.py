"""Lot limits in quantity steps."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.sources import LotRules, lot_steps
from medhavi.units import exact

PIECE = Fraction(1)


def test_nothing_stated_is_no_limit():
    assert lot_steps(PIECE, 0.0, None, 0.0) == LotRules(least=0, most=None, multiple=1)


def test_lots_count_steps_of_the_product():
    lots = lot_steps(Fraction(1, 10), 1.5, 3.0, 0.5)
    assert lots == LotRules(least=15, most=30, multiple=5)


def test_minimum_is_raised_to_the_multiple_and_the_maximum_cut_down():
    assert lot_steps(PIECE, 12.0, 37.0, 5.0) == LotRules(least=15, most=35, multiple=5)


def test_multiple_between_steps_becomes_the_next_common_one():
    assert lot_steps(PIECE, 0.0, None, 2.5).multiple == 5


def test_multiple_finer_than_a_step_is_one_step():
    assert lot_steps(PIECE, 0.0, None, 0.25).multiple == 1


def test_maximum_below_the_minimum_allows_orders_of_the_minimum():
    assert lot_steps(PIECE, 50.0, 20.0, 0.0).most == 50


def test_maximum_below_the_multiple_allows_one_multiple():
    assert lot_steps(PIECE, 0.0, 50.0, 100.0).most == 100


@given(
    step=st.sampled_from([0.001, 0.1, 0.25, 1.0, 5.0]),
    least=st.integers(0, 500).map(lambda n: n / 4),
    most=st.one_of(st.none(), st.integers(1, 500).map(lambda n: n / 4)),
    multiple=st.integers(0, 40).map(lambda n: n / 4),
)
def test_limits_are_multiples_and_no_looser_than_stated(step, least, most, multiple):
    lots = lot_steps(exact(step), least, most, multiple)
    assert lots.least * exact(step) >= exact(least)
    assert lots.least % lots.multiple == 0
    if multiple:
        assert (lots.multiple * exact(step) / exact(multiple)).denominator == 1
    if most is not None:
        assert lots.most is not None
        assert lots.most % lots.multiple == 0
        assert lots.most == max(lots.least, lots.multiple) or (
            lots.most * exact(step) <= exact(most)
        )
