"""Instants, spans, quantities and shares read as people say them."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.views.format import day, moment, quantity, share, span

WINTER = dt.datetime(2026, 12, 4, 23, 30, tzinfo=dt.UTC)


def test_an_instant_is_told_in_the_time_of_its_place():
    assert moment(WINTER, "Asia/Kolkata", 2026) == "Sat 5 Dec, 05:00"
    assert moment(WINTER, "America/New_York", 2026) == "Fri 4 Dec, 18:30"


def test_another_year_is_named():
    assert day(WINTER, year=2025) == "Fri 4 Dec 2026"


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0, "0 min"),
        (0.999, "1 h"),
        (1.5, "1 h 30 min"),
        (23.999, "1 d"),
        (24, "1 d"),
        (52, "2 d 4 h"),
        (504, "21 d"),
    ],
)
def test_a_span_is_told_in_days_hours_minutes(hours, text):
    assert span(hours) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.125, "0.125"), (1200.5, "1,200.5"), (100.0, "100"), (-3.0, "-3")],
)
def test_a_quantity_has_no_false_digits(value, text):
    assert quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (1, "100 %"), (0.0512, "5.1 %"), (0.954, "95 %"), (None, "n.a.")],
)
def test_a_share_has_decimals_only_below_ten(value, text):
    assert share(value) == text
