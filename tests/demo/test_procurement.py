"""Who sells what to aurora."""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest

from medhavi.demo.aurora import found
from medhavi.demo.company_model.procurement import (
    DRIFTING,
    bought,
    goods_of,
    supplier_id,
    weekly_rates,
)
from medhavi.demo.simulation.inbound import drifted_days
from medhavi.demo.simulation.simulation_state import DRIFT_BEGIN, END
from tests.api import SCALES


@pytest.mark.parametrize(
    ("product", "goods"),
    [
        ("RM-SHEA", "butter"),
        ("RM-FRA-ROS", "natural"),
        ("RM-SLES", "chemical"),
        ("PK-PUMP-28", "closure"),
        ("PK-JAR-50", "container"),
        ("LB-ROS-SH250", "label"),
        ("GB-ROS-HB", "giftbox"),
    ],
)
def test_goods_are_told_by_the_product(product, goods):
    assert goods_of(product) == goods


def test_every_bought_product_but_water_has_a_supplier():
    company = found(SCALES["small"], 1)
    for product, plants in bought(company).items():
        for plant in plants:
            assert product == "RM-WATER" or company.terms[product, plant]


def test_the_drifting_supplier_sells_most_closures():
    company = found(SCALES["small"], 1)
    closures = {p for p, _ in company.terms if goods_of(p) == "closure"}
    first = {
        terms[0].supplier for (p, _), terms in company.terms.items() if p in closures
    }
    assert first == {DRIFTING}


def test_a_tier_never_costs_more_than_the_one_before():
    company = found(SCALES["small"], 1)
    prices: dict[tuple[object, ...], list[float]] = {}
    for row in company.rows["price_tiers"]:
        key = (row["supplier"], row["product"], row["location"])
        prices.setdefault(key, []).append(float(str(row["unit_price"])))
    assert all(p == sorted(p, reverse=True) for p in prices.values())


def test_the_drift_begins_on_its_day_and_ends_at_nineteen():
    assert drifted_days(DRIFT_BEGIN) == 12.0
    assert drifted_days((DRIFT_BEGIN + END) // 2) == pytest.approx(15.5)
    assert drifted_days(END + 1) == 19.0


def test_a_rate_a_week_for_each_foreign_currency():
    rows = weekly_rates(Random(1), dt.date(2025, 5, 2), 3)
    assert len(rows) == 6
    assert {row["currency"] for row in rows} == {"USD", "PLN"}
    assert all(float(str(row["rate"])) > 0 for row in rows)


def test_suppliers_are_numbered_from_one():
    assert supplier_id(39) == "S-40"
