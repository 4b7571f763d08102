"""Bottlenecks are resources used from a threshold on."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.results.figures.kpis import bottlenecks

LOADS = pl.DataFrame(
    {
        "resource": ["A", "A", "B", "C", "D"],
        "available": [10.0, 10.0, 100.0, 10.0, 0.0],
        "run": [9.0, 7.0, 84.9, 8.0, 2.0],
        "setup": [0.0, 1.0, 0.0, 4.0, 0.0],
        "overload": [0.0, 0.0, 0.0, 2.0, 2.0],
    }
)


@pytest.mark.req("CAP-14", "KPI-16")
def test_85_of_100_hours_are_at_the_threshold_and_less_is_below():
    found = bottlenecks(LOADS, 0.85)
    assert found.rows() == [("D", None, 2.0), ("C", 1.2, 2.0), ("A", 0.85, 0.0)]
    lower = bottlenecks(LOADS, 0.849)["resource"].to_list()
    assert lower == ["D", "C", "A", "B"]


@pytest.mark.req("CAP-14")
def test_what_does_not_fit_is_a_bottleneck_at_any_threshold():
    assert bottlenecks(LOADS, 2.0)["resource"].to_list() == ["D", "C"]
    assert bottlenecks(LOADS.head(0)).is_empty()
