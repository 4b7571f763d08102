"""Spark lines and changes of tiles: sums by hand, no course where there is none."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from medhavi.results.reports.work_lists import exception_list
from medhavi.units import to_seconds
from medhavi.views.tiles import (
    LATE,
    Tile,
    by_week,
    changed_since,
    spark_html,
    tiles_html,
)
from tests.views.big_plan import AS_OF, DAY, hand


def course(days, *, past=False):
    dates = pl.Series([AS_OF + day * DAY for day in days])
    return by_week(hand(), dates, pl.repeat(1, len(days), eager=True), past=past)


def test_weeks_count_from_now_and_gaps_are_zero():
    assert course([-9, 0, 6, 21, 1000]) == (3.0, 0.0, 0.0, 1.0)
    assert course([-9, -1, 3], past=True) == (1.0, 2.0)


@pytest.mark.parametrize("days", [[], [0], [0, 6, -30]])
def test_one_week_is_no_course(days):
    assert course(days) == ()


def test_a_course_of_nothing_is_not_drawn():
    assert spark_html((0.0, 0.0), "x") == spark_html((), "x") == ""
    drawn = spark_html((1.0, 2.0, 0.0), "late, by week")
    assert drawn.count("<rect") == 2
    assert 'height="24.0"' in drawn
    assert 'height="12.0"' in drawn


def test_a_change_says_better_or_worse():
    late = Tile(label="Late", figure="7", value=7)
    met = Tile(label="Met", figure="9", value=0.9, is_share=True, more_is_better=True)
    unknown = Tile(label="?", figure="?")
    old = [replace(late, value=4), replace(met, value=0.85), unknown]
    told = changed_since([late, met, unknown], old, to_seconds(AS_OF), "UTC")
    since = "since the plan of Mon 5 Jan"
    assert [tile.change for tile in told] == [
        ("bad", f"3 more {since}"),
        ("good", f"5 points more {since}"),
        ("", ""),
    ]
    same = changed_since([late], [late], to_seconds(AS_OF), "UTC")
    assert same[0].change == ("", f"no change {since}")


def test_exceptions_are_ranked_by_the_worth_of_their_orders():
    plan = hand(
        supplies=[{"id": "PO-1", "qty": 10.0}, {"id": "PO-2", "qty": 1.0}],
        exceptions=[
            {"code": code, "severity": "info", "supply": supply, "product": "A"}
            | {"qty": qty}
            for code, supply, qty in (
                ("Cancel", "PO-2", None),
                ("Defer", "PO-1", None),
                ("BelowSafety", None, 3.0),
                ("Cancel", None, None),
            )
        ],
    )
    listed = exception_list(plan, {"A": 2.0})
    assert listed.select("code", "times", "worth").rows() == [
        ("Defer", 1, 20.0),
        ("BelowSafety", 1, 6.0),
        ("Cancel", 1, 2.0),
        ("Cancel", 1, 0.0),
    ]


def test_a_shortage_of_many_days_is_worth_its_largest_once():
    """Three days short by 3, 5 and 2 at a cost of 2 each are worth 10, not 20."""
    plan = hand(
        exceptions=[
            {"code": "BelowSafety", "severity": "info", "product": "A", "qty": qty}
            for qty in (3.0, 5.0, 2.0)
        ],
    )
    listed = exception_list(plan, {"A": 2.0})
    assert listed.select("times", "worth").rows() == [(3, 10.0)]


def test_the_tile_of_late_demands_leads_to_them_and_others_to_their_exceptions():
    tiles = (
        Tile(label="Late or short", figure="2", rows=LATE),
        Tile(label="Overload", figure="3", rows="CapacityOverload"),
        Tile(label="On time", figure="98 %"),
    )
    told = tiles_html(tiles, "?code={rows}", "?tab=late-demands")
    assert 'href="?tab=late-demands"' in told
    assert 'href="?code=CapacityOverload"' in told
    assert told.count("href=") == 2
