"""Time and quantity as integers: exact in, rounded at one place, the same way out."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.units import (
    DAY,
    HOUR,
    NOISE,
    SHARE_OF_NOISE,
    exact,
    from_seconds,
    from_units,
    seconds_up,
    to_seconds,
    units_down,
    units_up,
)

THOUSANDTH = Fraction(1, 1000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="not a number that can be planned with"):
        exact(value)


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "1/10"), (3, "3"), (1e-3, "1/1000"), (2.5, "5/2")]
)
def test_a_cell_is_what_was_typed(value, text):
    assert exact(value) == Fraction(text)


def test_tenths_add_up():
    assert units_up(0.1, THOUSANDTH) + units_up(0.2, THOUSANDTH) == units_up(
        0.3, THOUSANDTH
    )


@given(st.integers(-(10**12), 10**12))
def test_whole_steps_come_back(count):
    quantity = from_units(count, THOUSANDTH)
    assert units_up(quantity, THOUSANDTH) == count
    assert units_down(quantity, THOUSANDTH) == count


@given(st.floats(-1e6, 1e6))
def test_rounding_brackets_the_quantity(quantity):
    low, high = units_down(quantity, THOUSANDTH), units_up(quantity, THOUSANDTH)
    units = exact(quantity) / THOUSANDTH
    noise = NOISE + SHARE_OF_NOISE * abs(units)
    assert low - noise <= units <= high + noise
    assert high - low <= 1


@pytest.mark.parametrize(("one", "other"), [(690, 1.1), (3, 0.1), (1.1, 1.1), (3, 1.1)])
def test_a_product_of_decimals_is_what_people_mean(one, other):
    """A workbook's 690 * 1.1 is 759.0000000000001 in a float."""
    meant = Fraction(str(one)) * Fraction(str(other))
    step = Fraction(1, meant.denominator)
    assert exact(one * other) != meant
    assert units_up(one * other, step) == units_down(one * other, step) == meant / step


@given(st.floats(0, 1e5))
def test_a_duration_is_rounded_up_to_the_second_once(hours):
    seconds = seconds_up(hours, HOUR)
    assert 0 <= seconds - exact(hours) * HOUR < 1


@given(
    st.one_of(st.integers(-(10**18), 10**18), st.integers(-99, 99).map(float))
    | st.floats(-1e30, 1e30),
    st.sampled_from([Fraction(1), Fraction(3), Fraction(1, 4), THOUSANDTH]),
)
def test_whole_numbers_round_as_all_others(value, step):
    units = exact(value) / step
    noise = NOISE + SHARE_OF_NOISE * abs(units)
    assert -noise <= units_up(value, step) - units < 1
    if abs(value) < 1e15 and float(value).is_integer():
        assert units_up(value, step) == math.ceil(units)
    assert seconds_up(value, HOUR) == math.ceil(exact(value) * HOUR)


@given(st.integers(-(10**10), 10**10))
def test_an_instant_comes_back(seconds):
    assert to_seconds(from_seconds(seconds)) == seconds


def test_an_instant_is_told_in_utc():
    berlin = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2026, 7, 1, 2, 0, 0, 999_999, tzinfo=berlin)
    assert from_seconds(to_seconds(moment)) == dt.datetime(2026, 7, 1, tzinfo=dt.UTC)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone; instants are UTC"):
        to_seconds(dt.datetime(2026, 7, 1))  # noqa: DTZ001 - the refusal is the test


def test_half_a_day_is_half_a_day():
    assert seconds_up(0.5, DAY) == 12 * HOUR
