"""Instants, spans, quantities, money and shares read as people say them."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.views.names import (
    NOTHING,
    count,
    duration,
    money,
    number,
    percent,
    quantity,
    relative,
    unbroken,
    wall_milliseconds,
    when,
)

WINTER = dt.datetime(2026, 12, 4, 23, 30, tzinfo=dt.UTC)


def test_an_instant_is_told_in_the_time_of_its_place():
    assert when(WINTER, "Asia/Kolkata") == "Sat 5 Dec, 05:00"
    assert when(WINTER, "America/New_York") == "Fri 4 Dec, 18:30"


def test_the_year_is_told_on_request():
    assert when(WINTER, year=True) == "Fri 4 Dec 2026, 23:30"


def test_midnight_is_a_day():
    assert when(WINTER + dt.timedelta(minutes=30)) == "Sat 5 Dec"


def test_an_unknown_instant_is_a_dash():
    assert when(None) == NOTHING


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0, "0 h"),
        (0.5, "30 min"),
        (0.999, "1 h"),
        (1.5, "1 h 30 min"),
        (11.9, "12 h"),
        (24, "1 d"),
        (52, "2 d 4 h"),
        (504, "21 d"),
        (-52, "\N{MINUS SIGN}2 d 4 h"),
        (None, NOTHING),
    ],
)
def test_a_span_has_its_two_largest_units(hours, text):
    assert duration(hours) == text


@given(st.floats(min_value=0, max_value=1e6))
def test_a_span_never_shows_sixty_minutes_or_a_day_of_24_hours(hours):
    words = duration(hours).split()
    assert ("60", "min") not in itertools.pairwise(words)
    assert ("24", "h") not in itertools.pairwise(words)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.125, "0.125"), (1200.5, "1,200"), (100.0, "100"), (7.25, "7.25")],
)
def test_a_number_has_no_false_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(729.6, "730"), (100.4, "100"), (999.6, "1,000"), (-729.6, "\N{MINUS SIGN}730")],
)
def test_zeros_before_the_point_are_digits(value, text):
    assert number(value) == text


@given(
    st.floats(min_value=1e-9, max_value=1e12),
    st.sampled_from((-1, 1)),
    st.integers(1, 6),
)
def test_a_number_reads_back_within_the_digits_that_are_shown(size, sign, digits):
    value = sign * size
    text = number(value, digits)
    read = float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    decimals = len(text.partition(".")[2])
    # Stripped zeros were digits too: the error is that of the digits asked for.
    places = max(decimals, digits - 1 - math.floor(math.log10(size)), 0)
    assert abs(read - value) <= 0.5000001 * 10.0 ** -min(places, 12) + size * 1e-12


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_money_reads_back_within_three_digits_or_a_cent(value):
    text = money(value).replace("€ ", "").replace("\N{MINUS SIGN}", "-")
    factor = {"bn": 1e9, "M": 1e6, "k": 1e3}
    letters = text.lstrip("-0123456789.,")
    amount = float(text.removesuffix(letters).replace(",", "")) * factor.get(letters, 1)
    assert abs(amount - value) <= max(0.00501 * abs(value), 0.00501)
    assert abs(amount / factor.get(letters, 1)) < 1000 or letters == "bn"


def test_a_quantity_has_its_unit_but_pieces_need_none():
    assert quantity(12_000, "kg") == "12,000 kg"
    assert quantity(3, "each") == "3"
    assert quantity(None, "kg") == NOTHING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "€ 0"),
        (999, "€ 999"),
        (12_400, "€ 12.4k"),
        (1_000_000, "€ 1M"),
        (-2_350_000, "\N{MINUS SIGN}€ 2.35M"),
        (None, NOTHING),
    ],
)
def test_money_has_three_digits(value, text):
    assert money(value) == text


def test_a_currency_without_a_sign_is_named():
    assert money(5_200, "SEK") == "SEK 5.2k"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.0512, "5.1 %"),
        (0.954, "95 %"),
        (0.9999, "99.9 %"),
        (None, NOTHING),
    ],
)
def test_a_share_has_decimals_only_below_ten_and_close_to_all(value, text):
    assert percent(value) == text


@given(st.floats(min_value=0, max_value=0.999999))
def test_only_all_is_a_hundred_per_cent(value):
    assert percent(value) != "100 %"


def test_a_distance_from_now_has_a_direction():
    assert relative(WINTER + dt.timedelta(days=1), WINTER) == "in 1 day"
    assert relative(WINTER - dt.timedelta(minutes=5), WINTER) == "5 minutes ago"
    assert relative(WINTER, WINTER) == "now"


def test_one_thing_is_not_plural():
    assert count(1, "demand") == "1 demand"
    assert count(0, "demand") == "0 demands"


def test_charts_get_the_wall_clock_of_the_place():
    apart = wall_milliseconds(WINTER, "Europe/Rome") - wall_milliseconds(WINTER, "UTC")
    assert apart == 3_600_000


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("100 %", "100_%"),
        ("-€ 46.7k, CHF 12", "-€_46.7k, CHF_12"),
        ("2 d 4 h late", "2_d 4_h late"),
        ("29 of 743 demands", "29 of 743 demands"),
        ('<abbr title="9 kg">9 kg</abbr>', '<abbr title="9 kg">9_kg</abbr>'),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit(text, kept):
    assert unbroken(text).replace("\N{NO-BREAK SPACE}", "_") == kept
