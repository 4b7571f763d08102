"""Forecast of service as a picture, and the demands at risk as a list."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from medhavi.results.reports.plan_risk import ON_TIME
from medhavi.views.pictures.forecast import (
    forecast_chart,
    forecast_finding,
    forecast_rows,
)
from medhavi.views.plan_pages.demand_lists import RISK_COLUMNS, risky_html, risky_rows
from medhavi.views.theme import MOST_MARKS, title_of
from tests.api import names_of, plan, plan_risk
from tests.planners.test_plan_risk import bought, company, without_estimates

pytestmark = pytest.mark.req("NEX-05", "UI-02")


def seen(snapshot, mode="mrp"):
    made = plan(snapshot, mode=mode)
    return plan_risk(made, snapshot, scenarios=100), made, names_of(snapshot)


def test_the_picture_shows_a_week_a_mark_from_this_week_on():
    snapshot = company()
    risk, _, names = seen(snapshot)
    rows = forecast_rows(risk)
    weekly = risk.weeks(ON_TIME)
    now = dt.datetime.fromtimestamp(risk.as_of, dt.UTC).date()
    ahead = [week for week in weekly["week"] if week + dt.timedelta(days=7) > now]
    # One demand was due the week before: it is no forecast.
    assert rows.height == len(ahead) == weekly.height - 1
    assert (rows["p10"] <= rows["p50"]).all()
    assert (rows["p50"] <= rows["p90"]).all()
    assert "80 % between" in rows["tip"][0]
    chart = forecast_chart(risk, names)
    assert title_of(chart) == "Service forecast"
    assert rows.height * len(chart.to_dict()["layer"]) < MOST_MARKS


def test_the_finding_names_what_is_expected_and_what_is_planned():
    risk, *_ = seen(bought(5.0))
    words = forecast_finding(risk, "EUR")
    assert words.startswith("100 % of the demands are expected on time in full, 100 %")
    assert "80 % of the scenarios lie between 0 % and 100 %" in words
    assert "as planned" in words


def test_without_estimates_the_finding_says_so():
    risk, *_ = seen(without_estimates(company()))
    assert forecast_finding(risk, "EUR").startswith("No estimates in use: ")


def test_a_plan_without_demands_ahead_has_no_picture():
    snapshot = company()
    risk, *_ = seen(snapshot.replace(demands=snapshot["demands"].head(1)))
    assert forecast_chart(risk) is None


def test_demands_at_risk_name_the_order_that_delays_them():
    snapshot = bought(2.0)
    risk, made, names = seen(snapshot)
    html = risky_html(risk, made, snapshot, names)
    assert 'href="/demand/D1"' in html
    assert 'href="/orders/?order=O1"' in html
    assert "1 demand, with" in html
    assert re.search(r"<td[^>]*>(<div>)?63 %", html)
    [row] = risky_rows(risk, made, snapshot, names).to_dicts()
    assert list(row) == list(RISK_COLUMNS)
    assert row["Probability"] == pytest.approx(risk.of("D1")["on_time_prob"])


def test_the_setting_says_from_which_probability_on_a_demand_is_sure():
    snapshot = bought(2.0)
    least = snapshot["settings"].with_columns(min_on_time_prob=0.5)
    calm = snapshot.replace(settings=least)
    risk, made, names = seen(calm)
    html = risky_html(risk, made, calm, names)
    assert "No demand at risk" in html
    assert "at least 50 %" in html


def test_the_most_expensive_demands_come_first():
    risk, *_ = seen(company())
    cost = risk.at_risk(1.0)["expected_cost"].to_list()
    assert len(cost) > 1
    assert cost == sorted(cost, reverse=True)


def test_results_draw_themselves_in_notebooks():
    risk, *_ = seen(company())
    assert ".chart.service(snapshot)" in str(risk.chart)
    assert "Service forecast" in risk.chart.service(company()).html
