"""Cells of a row in words: what a person typed, not how it is kept."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.views.changed_cells import cell_text, key_words
from medhavi.views.names import Names

NAMES = Names(
    texts={"L-1": "Lodz → Milano"},
    zones={"SHOP": "America/New_York"},
    zone="Europe/Rome",
)


def rome(day: int, hour: int = 0) -> dt.datetime:
    """Instant of a local hour of December 2026."""
    return dt.datetime(2026, 12, day, hour, tzinfo=dt.UTC) - dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("column", "moment", "told"),
    [
        ("valid_to", rome(5), "Fri 4 Dec"),
        ("valid_to", rome(5, 14), "Sat 5 Dec, 14:00"),
        ("valid_from", rome(5), "Sat 5 Dec"),
    ],
    ids=["a day that ends it", "an hour", "a day that begins it"],
)
def test_the_end_of_a_window_is_the_day_that_was_typed(column, moment, told):
    row = {"resource": "M", column: moment}
    assert cell_text("resource_units", column, moment, row, NAMES) == told


def test_a_day_is_one_where_the_resource_is():
    end = dt.datetime(2026, 12, 5, 5, tzinfo=dt.UTC)
    row = {"resource": "SHOP", "valid_to": end}
    assert cell_text("resource_units", "valid_to", end, row, NAMES) == "Fri 4 Dec"


def test_a_departure_is_a_lane_a_weekday_and_a_time():
    row = {"lane": "L-1", "weekday": 6, "time": dt.time(5, 30)}
    assert key_words("departures", row, NAMES) == "Lodz → Milano, Saturday, 05:30"
