"""When resources can be cleaned."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.providers.capacity.axis import Cleaning
from medhavi.units import HOUR, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)


def cleanings(**more):
    snapshot = factories.snapshot(
        calendars=[{"calendar": "NIGHT"}],
        shifts=[
            {
                "calendar": "NIGHT",
                "weekday": weekday,
                "start": dt.time(0),
                "finish": dt.time(6),
            }
            for weekday in range(1, 8)
        ],
        resources=[{"resource": "M", "location": "L"}],
        **more,
    )
    return Providers(snapshot).cleanings


def window(start, finish):
    return {
        "resource": "M",
        "valid_from": AS_OF + dt.timedelta(hours=start),
        "valid_to": AS_OF + dt.timedelta(hours=finish),
    }


@pytest.mark.req("CMP-04")
def test_a_cleaning_without_a_calendar_begins_at_once():
    asked = Cleaning("M", HOUR)
    found = cleanings()
    assert found.done(asked, NOW) == NOW + HOUR
    assert found.begun(asked, NOW) == NOW - HOUR
    assert found.fits(asked, NOW, NOW + HOUR)
    assert not found.fits(asked, NOW, NOW + HOUR - 1)


@pytest.mark.req("CMP-04")
def test_a_cleaning_is_done_in_one_piece_of_its_calendar():
    asked = Cleaning("M", 4 * HOUR, "NIGHT")
    found = cleanings()
    assert found.done(asked, NOW + 3 * HOUR) == NOW + 28 * HOUR
    assert found.begun(asked, NOW + 26 * HOUR) == NOW + 2 * HOUR


@pytest.mark.req("CMP-04")
def test_a_planned_cleaning_counts_where_it_is_long_enough():
    asked = Cleaning("M", 4 * HOUR, "NIGHT")
    found = cleanings(cleaning_windows=[window(7, 9), window(10, 14)])
    assert found.done(asked, NOW + 3 * HOUR) == NOW + 14 * HOUR
    assert found.done(asked, NOW + 11 * HOUR) == NOW + 28 * HOUR
    assert found.begun(asked, NOW + 20 * HOUR) == NOW + 10 * HOUR


def test_no_cleaning_takes_no_time():
    asked = Cleaning("M", 0, "NIGHT")
    assert cleanings().done(asked, NOW + 9 * HOUR) == NOW + 9 * HOUR
    assert cleanings().begun(asked, NOW + 9 * HOUR) == NOW + 9 * HOUR


def test_a_cleaning_longer_than_its_calendar_is_never_done():
    asked = Cleaning("M", 7 * HOUR, "NIGHT")
    assert cleanings().done(asked, NOW) is None
    assert cleanings().begun(asked, NOW) is None
    assert not cleanings().fits(asked, NOW, NOW + 99 * HOUR)


@pytest.mark.req("CMP-02")
def test_changes_have_money_and_tell_cleanings():
    snapshot = factories.snapshot(
        changeovers=[
            {"from_family": "*", "to_family": "*", "setup_minutes": 5, "cost": 1.0},
            {
                "from_family": "A",
                "to_family": "B",
                "setup_minutes": 9,
                "cost": 7.0,
                "cleaning": True,
            },
        ]
    )
    found = Providers(snapshot).changeovers
    assert (found.cost("X", "A", "B"), found.cleans("X", "A", "B")) == (7.0, True)
    assert (found.cost("X", "B", "A"), found.cleans("X", "B", "A")) == (1.0, False)
    assert found.cost("X", "A", "A") == 0.0
    assert not found.cleans("Y", "A", "B")
    assert found.cost("X", None, "B") == 0.0
