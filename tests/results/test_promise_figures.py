"""Figures of promises from events: each with a case counted by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.results.figures.kpis import figures_table
from medhavi.results.figures.log_figures import decision_rows, promise_figures
from medhavi.workbench.promise_desk.desk_counters import response_times

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_INSTANT = pl.Datetime("us", "UTC")


def day(number):
    return None if number is None else NOW + dt.timedelta(days=number)


def lines(*told):
    """(promised, due, delivered, cancelled) in days from now."""
    return pl.DataFrame(
        [
            {
                "demand": f"D{number}",
                "promised_then": day(promised),
                "due": day(due),
                "delivered_at": day(delivered),
                "cancelled": cancelled,
            }
            for number, (promised, due, delivered, cancelled) in enumerate(told, 1)
        ],
        schema={
            "demand": pl.String(),
            "promised_then": _INSTANT,
            "due": _INSTANT,
            "delivered_at": _INSTANT,
            "cancelled": pl.Boolean(),
        },
    )


MIXED = lines(
    (-10, -10, -11, False),  # kept
    (-9, -9, -8, False),  # late
    (None, -7, -8, False),  # in time, and nobody had promised it
    (-5, -5, None, False),  # overdue: broken though nothing came
    (-4, -4, None, True),  # cancelled: nobody waits for it
    (5, 5, None, False),  # open: nobody can say yet
)


def events(*told):
    return decision_rows(
        [{"demand": d, "type": kind, "limiter": code} for d, kind, code in told]
    )


def value(code, of=MIXED, decisions=None, **more):
    rows = figures_table(
        promise_figures(of, events() if decisions is None else decisions, NOW, **more)
    )
    return rows.filter(pl.col("kpi") == code).row(0, named=True)


@pytest.mark.req("KPI-01")
def test_delivered_by_promise_of_what_was_delivered():
    row = value("KPI-01")
    assert (row["numerator"], row["denominator"]) == (2, 3)
    assert value("KPI-01", lines())["value"] is None


@pytest.mark.req("KPI-02")
def test_promise_accuracy_counts_what_is_overdue_and_not_what_nobody_promised():
    row = value("KPI-02")
    assert (row["numerator"], row["denominator"]) == (1, 3)
    assert row["value"] != value("KPI-01")["value"]


@pytest.mark.req("KPI-03")
def test_accepted_of_what_was_asked_for():
    decisions = events(
        ("D1", "OrderPromised", None),
        ("D1", "OrderPromised", None),  # promised anew: one demand
        ("Q1", "PromiseRejected", "MaterialShortfall"),
        ("Q2", "OrderPromised", None),  # a quote that was accepted
        ("Q3", "PromiseRejected", "NoTransportLeg"),
    )
    # Asked: D1 to D6 that were ordered, Q1, Q2, Q3.
    row = value("KPI-03", decisions=decisions)
    assert (row["numerator"], row["denominator"]) == (2, 9)


@pytest.mark.req("KPI-04")
def test_response_time_of_a_known_sample():
    told = response_times([number / 1000 for number in range(200, 0, -1)])
    assert (told["p95"], told["p99"]) == (0.190, 0.198)
    assert value("KPI-04.p95", seconds=told)["value"] == 0.190
    assert value("KPI-04.p99", seconds=told)["value"] == 0.198
    assert "/health" in value("KPI-04.p99")["reason"]


@pytest.mark.req("KPI-27")
def test_shares_of_what_bound_promises_sum_to_one():
    decisions = events(
        ("D1", "OrderPromised", "MaterialShortfall"),
        ("D2", "OrderPromised", "MaterialShortfall"),
        ("D3", "PromiseRejected", "NoTransportLeg"),
        ("D4", "OrderPromised", None),
        ("D4", "PromiseAtRisk", "CapacityShortfall"),
    )
    rows = figures_table(promise_figures(MIXED, decisions, NOW))
    shares = rows.filter(pl.col("kpi").str.starts_with("KPI-27.limiter."))
    assert shares["value"].sum() == pytest.approx(1.0)
    counts = dict(shares.select("kpi", "numerator").iter_rows())
    assert counts == {
        "KPI-27.limiter.MaterialShortfall": 2.0,
        "KPI-27.limiter.NoTransportLeg": 1.0,
    }
    assert value("KPI-27.limiter")["value"] is None
    assert value("KPI-27.at_risk")["value"] is None
