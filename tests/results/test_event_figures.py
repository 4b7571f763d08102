"""Key figures of a log: each with a case counted by hand (KPI-31)."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.results.figures.log_figures import event_figures

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def told(events, quarantined=0):
    (measures,) = event_figures(events, quarantined).values()
    return {one.part: one for one in measures}


def log(*waits, amendments=0):
    types = ["StockCounted"] * (len(waits) - amendments)
    return pl.DataFrame(
        {
            "type": types + ["EventVoided"] * amendments,
            "occurred_at": [NOW] * len(waits),
            "recorded_at": [NOW + dt.timedelta(seconds=one) for one in waits],
        },
        schema={
            "type": pl.String(),
            "occurred_at": pl.Datetime("us", "UTC"),
            "recorded_at": pl.Datetime("us", "UTC"),
        },
    )


@pytest.mark.req("KPI-31")
def test_latency_success_and_accuracy_of_a_log():
    """Twenty events take 1 to 20 s; one cannot be read, two take facts back."""
    found = told(log(*range(1, 21), amendments=2), quarantined=1)
    assert (found[""].value, found[""].unit) == (19.0, "second")
    assert found["p50"].value == 11.0
    assert found["success"].value == 0.95
    assert found["accuracy"].value == 16 / 18


def test_an_empty_log_has_no_figure():
    assert {one.value for one in told(log()).values()} == {None}
