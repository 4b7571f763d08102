"""Weights of mode optimize from what plans of the past came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import medhavi
from medhavi.errors import UsageError
from medhavi.results.figures.kpis import kpi_table
from tests import factories
from tests.api import OptimizeParameters, plan
from tests.planners.optimal_plans import DAILY
from tests.planners.test_master_plan import demand
from tests.planners.test_profit import company

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan


def past(cost: float, lateness: float, shortage: float, currency: str = "EUR") -> Plan:
    """A plan whose scorecard came to so much."""
    told = {"": cost + lateness + shortage, ".lateness": lateness + shortage}
    rows = [(f"KPI-33{part}", float(value)) for part, value in told.items()]
    rows.append(("KPI-33.shortage", float(shortage)))
    priced = [{"product": "A", "unit_cost": 1.0}]
    made = plan(
        factories.snapshot(settings=[{"base_currency": currency}], products=priced)
    )
    kpis = pl.DataFrame(rows, schema=["kpi", "value"], orient="row")
    return made.replace(kpis=pl.concat([made.kpis.clear(), kpis], how="diagonal"))


@pytest.mark.req("OMO-12")
def test_weights_give_lateness_cost_and_shortage_their_shares():
    """Means 1,000, 100,000 and 500: 100,000 x 0.3 / 0.4 / 1,000 = 75, and 150.

    By them lateness is 75,000, cost 100,000 and shortage 75,000: 30, 40 and 30 %.
    """
    found = medhavi.calibrate([past(150_000, 500, 1_000), past(50_000, 1_500, 0)])
    assert found.means == {"cost": 100_000, "lateness": 1_000, "shortage": 500}
    assert found.weights == pytest.approx(
        {"cost_weight": 1, "lateness_weight": 75, "shortage_weight": 150}
    )
    assert found.unknown == ()
    settings = OptimizeParameters.from_mapping(found.weights)
    assert settings.shortage_weight == pytest.approx(150)
    shares = {"lateness": 0.5, "cost": 0.25, "shortage": 0.25}
    other = medhavi.calibrate([past(100_000, 1_000, 500)], shares)
    assert other.weights["lateness_weight"] == pytest.approx(200)


@pytest.mark.req("OMO-12")
def test_plans_of_two_currencies_have_no_mean():
    usual, other = past(100_000, 1_000, 500), past(100_000, 1_000, 500, currency="USD")
    with pytest.raises(UsageError, match="Plans in EUR and USD have no mean"):
        medhavi.calibrate([usual, other])


@pytest.mark.req("OMI-30")
def test_weights_of_real_plans_are_reported_with_the_money_that_they_balance():
    """Two plans that are late and short: the parts come to 30, 40 and 30 %.

    A weight that leaves its usual range is told when it is used.
    """
    plans = []
    goods = [
        demand("D1", "A", 5, 5, short_cost=7.0),
        demand("D2", "A", 2, -1, late_cost_per_day=3.0),
    ]
    for there in (3, 4):
        snapshot = company(goods, there)
        made = plan(snapshot, "optimize", DAILY)
        plans.append(made.replace(kpis=kpi_table(made, snapshot)))
    found = medhavi.calibrate(plans)
    assert found.unknown == ()
    money = {
        name: mean * found.weights[f"{name}_weight"]
        for name, mean in found.means.items()
    }
    shares = {name: part / sum(money.values()) for name, part in money.items()}
    assert shares == pytest.approx({"lateness": 0.3, "cost": 0.4, "shortage": 0.3})
    told = str(found)
    for name, weight in found.weights.items():
        assert f"{name} = {weight:.6g}" in told
    assert "# means of 2 plans: cost" in told
    assert "EUR" in told
    far = plan(company(goods, 3), "optimize", {**DAILY, "lateness_weight": 1000.0})
    assert "PLAN023" in {one.code for one in far.findings}


@pytest.mark.req("OMO-12")
@pytest.mark.parametrize(
    ("parts", "weights", "unknown"),
    [
        ((100, 0, 50), (1, 1, 1.5), ("lateness",)),
        ((0, 10, 50), (1, 1, 1), ("cost",)),
        ((0, 0, 0), (1, 1, 1), ("cost", "lateness", "shortage")),
    ],
)
def test_a_part_without_history_keeps_its_weight(parts, weights, unknown):
    found = medhavi.calibrate([past(*parts)])
    assert tuple(found.weights.values()) == pytest.approx(weights)
    assert found.unknown == unknown
    assert f"no history of {unknown[0]}: its weight stays 1" in str(found)


def test_weights_of_lateness_and_shortage_are_those_of_their_parts():
    """Two of five lack their C: short_cost 7 each, twice by the weight."""
    snapshot = company([demand("D1", "A", 5, 5, short_cost=7.0)], 3)
    made = plan(snapshot, "optimize", {**DAILY, "shortage_weight": 2.0})
    parts = dict(made.contributions.select("part", "plan").iter_rows())
    assert parts["shortage"] == 28
    assert parts["lateness"] == 0
    assert made.run.bound is not None
    assert made.run.bound <= made.contributions["plan"].fill_null(0.0).sum()


def test_what_cannot_be_calibrated_is_said():
    with pytest.raises(UsageError, match="name one at least"):
        medhavi.calibrate([])
    with pytest.raises(UsageError, match="no scorecard with its shortage"):
        medhavi.calibrate([plan(factories.snapshot())])
    with pytest.raises(UsageError, match="must be of lateness, cost, shortage"):
        medhavi.calibrate([past(1, 1, 1)], {"cost": 1.0})
