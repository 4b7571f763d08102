"""Zones and currency of a plan: in its texts, in its folder, in older folders."""

from __future__ import annotations

import json

import pytest

import medhavi as mv
from medhavi.results.amounts import NO_PRICES, PlanLocale, currency_of
from medhavi.results.plans.plan import Plan
from tests.planners.small_promises import tables

PRICED = [{"product": "A", "location": "L", "unit_cost": 2.0}]


@pytest.fixture(scope="module")
def plan():
    """Plan of a place in Kolkata, bought in time from a supplier."""
    snapshot = tables(
        locations=[{"location": "L", "timezone": "Asia/Kolkata"}],
        demands=[{"demand": "D", "due": "2026-01-20", "qty": 3, "product": "A"}],
        stock=[{"qty": 9}],
    )
    return mv.plan(snapshot)


def test_an_explanation_tells_the_local_time_of_the_delivery(plan):
    # The end of 20 January in Kolkata is 18:30 UTC.
    assert "by Wed 2026-01-21 00:00 IST" in str(plan.explain("D"))
    assert "UTC" not in str(plan.explain("D"))


def test_a_folder_keeps_zones_and_currency(plan, tmp_path):
    again = Plan.from_folder(plan.to_folder(tmp_path / "plan"))
    assert again.locale == plan.locale
    assert str(again.explain("D")) == str(plan.explain("D"))
    assert str(plan.replace(causes=plan.causes).explain("D")) == str(plan.explain("D"))


def test_a_folder_of_an_earlier_version_names_utc(plan, tmp_path):
    place = plan.to_folder(tmp_path / "plan")
    record = json.loads((place / "run.json").read_text())
    for key in ("zone", "zones", "currency"):
        del record[key]
    (place / "run.json").write_text(json.dumps(record))
    old = Plan.from_folder(place)
    assert old.locale == PlanLocale()
    assert "by Tue 2026-01-20 18:30 UTC" in str(old.explain("D"))


def test_where_nothing_is_priced_no_figure_of_money_is_made_up(plan):
    assert plan.locale.currency == NO_PRICES
    units = {row["unit"] for key, row in plan.kpis_json().items() if "KPI-33" in key}
    assert units <= {NO_PRICES, "kg"}


def test_a_price_makes_money_of_the_companys_currency():
    snapshot = tables(
        settings=[{"base_currency": "INR", "as_of": "2026-01-05T00:00:00Z"}],
        products=[{"product": "A", "unit_cost": 2.0}],
    )
    assert currency_of(snapshot) == "INR"
