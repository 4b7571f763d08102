"""Grids of reports: hours, days, weeks from Monday, months, hybrids."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.buckets import grid

AS_OF = int(dt.datetime(2026, 1, 7, 15, 30, tzinfo=dt.UTC).timestamp())
"""A Wednesday afternoon."""

SETTINGS = ["hour", "day", "week", "month", "14xday+26xweek", "2xday+3xmonth", "5xhour"]


def bucket_of(setting: str, text: str) -> str:
    instant = int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())
    start = int(grid(setting, AS_OF).starts(np.array([instant]))[0])
    return f"{dt.datetime.fromtimestamp(start, dt.UTC):%Y-%m-%d %H:%M}"


@pytest.mark.req("OMI-09")
@pytest.mark.parametrize(
    ("setting", "text", "start"),
    [
        ("hour", "2026-01-07 15:59", "2026-01-07 15:00"),
        ("day", "2026-01-07 15:59", "2026-01-07 00:00"),
        ("week", "2026-01-11 23:59", "2026-01-05 00:00"),
        ("week", "2026-01-12 00:00", "2026-01-12 00:00"),
        ("month", "2026-02-28 23:59", "2026-02-01 00:00"),
        ("month", "1969-12-31 23:59", "1969-12-01 00:00"),
        ("14xday+26xweek", "2026-01-20 12:00", "2026-01-20 00:00"),
        ("14xday+26xweek", "2026-01-21 12:00", "2026-01-21 00:00"),
        ("14xday+26xweek", "2026-01-25 12:00", "2026-01-21 00:00"),
        ("14xday+26xweek", "2026-01-27 12:00", "2026-01-26 00:00"),
        ("14xday+26xweek", "2026-01-02 12:00", "2026-01-02 00:00"),
        ("14xday+26xweek", "2027-01-01 12:00", "2026-12-28 00:00"),
        ("2xday+3xmonth", "2026-01-20 00:00", "2026-01-09 00:00"),
    ],
)
def test_an_instant_falls_into_its_bucket(setting: str, text: str, start: str) -> None:
    assert bucket_of(setting, text) == start


@pytest.mark.parametrize("setting", ["", "year", "14day", "14xday+", "x", "0.5xday"])
def test_an_unknown_setting_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"settings.bucket \(.*\) is not understood"):
        grid(setting, AS_OF)


@given(
    st.sampled_from(SETTINGS),
    st.lists(st.integers(AS_OF - 10**8, AS_OF + 10**8), min_size=1, max_size=50),
)
def test_buckets_cover_time_without_overlap(setting: str, values: list[int]) -> None:
    rule = grid(setting, AS_OF)
    instants = np.array(values, dtype=np.int64)
    starts = rule.starts(instants)
    ends = rule.ends(starts)
    assert (starts <= instants).all()
    assert (instants < ends).all()
    assert (rule.starts(starts) == starts).all()
    assert (rule.starts(ends) == ends).all()
    assert (rule.starts(ends - 1) == starts).all()
