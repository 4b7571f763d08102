"""Goal profit: goods and hours go to what earns most, and losses are not served."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

import medhavi
from medhavi.errors import UsageError
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Status
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import some
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import fulfilment
from tests.planners.test_master_plan import demand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

PROFIT = {**DAILY, "goal": "profit"}
COST = {"A": 4.0, "B": 2.0}
"""Cost of making a unit; each takes one C."""


def company(demands: Sequence[Any], stock: float, **more: object) -> Snapshot:
    """A and B, each made of one C of which there is a stock and no more."""
    tables: dict[str, list[dict[str, object]]] = {
        "products": [{"product": name} for name in "ABC"],
        "routings": [
            {"routing": f"R-{name}", "product": name, "cost_per_unit": cost, **more}
            for name, cost in COST.items()
        ],
        "steps": [
            {"routing": f"R-{name}", "step": 1, "run_minutes_per_unit": 1}
            for name in COST
        ],
        "bom_lines": [
            {"routing": f"R-{name}", "component": "C", "qty": 1} for name in COST
        ],
        "stock": [{"product": "C", "location": "L", "qty": stock}] if stock else [],
        "demands": list(demands),
    }
    return factories.snapshot(**tables)


def best(snapshot: Snapshot, **settings: object) -> Plan:
    """Plan for most profit; the independent check finds nothing."""
    found = plan(snapshot, "optimize", {**PROFIT, **settings})
    assert verify(found, snapshot) == []
    card = scorecard(found, snapshot)
    assert card.profit == pytest.approx(
        card.revenue - sum(card.parts.values()) + card.goodwill, abs=1e-6
    )
    return found


def test_what_is_short_goes_to_who_pays_most_and_a_loss_is_not_served():
    """Ten C: 8 at 12 - 4 and 2 at 10 - 4 earn 76; 3 of 4 for each A is a loss.

    By least cost K1 comes first by its priority: 8 at 6 and 2 at 8 earn 64.
    """
    snapshot = company(
        [
            demand("D1", "A", 8, 5, price=10.0, priority=1, customer="K1"),
            demand("D2", "A", 8, 5, price=12.0, priority=2, customer="K2"),
            demand("D3", "A", 2, 5, price=3.0, priority=1, customer="K2"),
        ],
        10,
    )
    plain = plan(snapshot, "optimize", DAILY)
    assert scorecard(plain, snapshot).profit == pytest.approx(64)
    found = best(snapshot)
    assert [fulfilment(found, f"D{n}")["planned"] for n in (1, 2, 3)] == [2, 8, 0]
    assert scorecard(found, snapshot).revenue == 116
    assert scorecard(found, snapshot).profit == pytest.approx(76)
    assert found.run.status is Status.OPTIMAL
    # 6 units at 10 and 2 at 3 are not sold.
    parts = dict(found.contributions.select("part", "plan").iter_rows())
    assert parts["shortage"] == pytest.approx(66)
    assert fulfilment(found, "D1")["limiter"] == "MaterialShortfall"
    assert fulfilment(found, "D3")["limiter"] == "Unprofitable"
    told = next(one for one in found.findings if one.code == "PLAN021")
    assert "D3 alone would bring 6 EUR and cost 8 EUR" in told.message
    assert "the plan comes to 106 EUR with the sales that it loses" in str(found)


@pytest.mark.req("OME-06")
def test_who_gives_way_lacks_what_is_scarce_and_is_not_called_a_loss():
    """Twelve in a year at 3: ten for RICH at 8, two for CHEAP at 5; 2 is less than 3.

    More comes after a year. CHEAP was called unprofitable, which it is not.
    """
    wanted = (("CHEAP", 10, 10, 5.0), ("RICH", 10, 12, 8.0), ("LOSS", 5, 9, 2.0))
    snapshot = factories.snapshot(
        demands=[
            demand(name, "A", qty, due, price=price, priority=1)
            for name, qty, due, price in wanted
        ],
        supply_terms=[
            {"product": "A", "unit_price": 3.0, "lead_time_days": 2}
            | {"capacity_per_period": 12.0, "period_days": 365.0}
        ],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
    )
    found = best(snapshot)
    assert [fulfilment(found, name)["planned"] for name, *_ in wanted] == [2, 10, 0]
    causes = found.causes.select("demand", "code", "subject").rows()
    assert sorted(causes) == [
        ("CHEAP", "MaterialShortfall", "S"),
        ("LOSS", "Unprofitable", "LOSS"),
    ]


def test_a_part_of_a_unit_takes_nothing_from_who_brings_more():
    """Five C: two B at a gain of 9 each leave three, one A (two C) at 8 and a half.

    Two A and one B bring 25, one A and two B 26.
    """
    snapshot = factories.snapshot(
        products=[{"product": name} for name in "ABC"],
        routings=[
            {"routing": f"R-{name}", "product": name, "cost_per_unit": COST[name]}
            for name in COST
        ],
        bom_lines=[
            {"routing": "R-A", "component": "C", "qty_per": 2},
            {"routing": "R-B", "component": "C", "qty_per": 1},
        ],
        stock=[{"product": "C", "location": "L", "qty": 5}],
        demands=[
            demand("D1", "A", 4, 5, price=12.0, priority=1, customer="K1"),
            demand("D2", "B", 2, 5, price=11.0, priority=2, customer="K2"),
        ],
    )
    found = best(snapshot)
    assert [fulfilment(found, f"D{n}")["planned"] for n in (1, 2)] == [1, 2]
    assert scorecard(found, snapshot).profit == pytest.approx(26)


def test_a_stated_penalty_counts_with_the_price():
    """At 3 a unit and a penalty of 2 each, five are more than the four it costs."""
    asked = [demand("D1", "A", 2, 5, price=3.0, short_cost=2.0)]
    assert fulfilment(best(company(asked, 9)))["planned"] == 2
    cheap = [demand("D1", "A", 2, 5, price=3.0, short_cost=0.5)]
    found = best(company(cheap, 9))
    assert fulfilment(found)["planned"] == 0
    # 2 x 0.5 are paid, nothing is earned.
    assert scorecard(found, company(cheap, 9)).profit == pytest.approx(-1)


def test_demands_without_a_price_are_wanted_as_before():
    snapshot = company([demand("D1", "A", 2, 5)], 9)
    assert fulfilment(best(snapshot))["planned"] == 2


def test_a_fixed_cost_that_two_pay_together_is_worth_it():
    """An order costs 15: three earn 3 x 3 and two 2 x 4, each less, together more."""
    asked = [
        demand("D1", "B", 3, 5, price=5.0, customer="K1"),
        demand("D2", "B", 2, 5, price=6.0, customer="K2"),
    ]
    found = best(company(asked, 9, fixed_cost=15.0))
    assert scorecard(found, company(asked, 9, fixed_cost=15.0)).profit == 2
    alone = company(asked[:1], 9, fixed_cost=15.0)
    assert fulfilment(best(alone), "D1")["planned"] == 0


@pytest.mark.req("OME-01")
def test_what_two_would_pay_together_is_told_of_none_twice():
    """An order costs 30: three at 5 and two at 6, at 2 each, bring 27 and cost 40.

    Alone they lose 21 and 22, together 13: the two numbers have no sum.
    """
    asked = [demand("D1", "B", 3, 5, price=5.0), demand("D2", "B", 2, 5, price=6.0)]
    found = best(company(asked, 9, fixed_cost=30.0))
    told = next(one for one in found.findings if one.code == "PLAN021")
    assert told.message == (
        "Demands not served, or not whole, because that costs more than it brings: 2. "
        "D1 alone would bring 15 EUR and cost 36 EUR, its lateness included."
    )


def test_profit_within_a_budget_of_cash():
    """12 of cash make three A at a gain of 8, or six B at 3: A is worth more a EUR."""
    asked = [
        demand("D1", "A", 5, 5, price=12.0),
        demand("D2", "B", 9, 5, price=5.0),
    ]
    found = best(company(asked, 99), budgets={"cash": 12.0})
    assert fulfilment(found, "D1")["planned"] == 3
    assert fulfilment(found, "D2")["planned"] == 0
    assert found.run.budgets[0].kept


def _asked(seed: int) -> tuple[list[Any], int]:
    dice = random.Random(seed)
    asked = []
    for number in range(dice.randint(1, 4)):
        product, qty, price = dice.choice("AB"), dice.randint(1, 4), dice.randint(1, 9)
        penalty = dice.choice([None, 0.0, 2.0])
        told: Any = {"price": float(price), "short_cost": penalty}
        told |= {"customer": f"K{number % 2}", "priority": dice.randint(1, 3)}
        asked.append(demand(f"D{number}", product, qty, 5, **told))
    return asked, dice.randint(0, 8)


def _most(asked: Sequence[Any], stock: int) -> float:
    """Most profit of all ways to share the stock out."""
    ways = itertools.product(*(range(one["qty"] + 1) for one in asked))
    return float(
        max(
            sum(
                qty * (one["price"] - COST[one["product"]])
                - (one["qty"] - qty) * (one["short_cost"] or 0.0)
                for qty, one in zip(served, asked, strict=True)
            )
            for served in ways
            if sum(served) <= stock
        )
    )


def _equals_brute_force(seed: int) -> None:
    asked, stock = _asked(seed)
    snapshot = company(asked, stock)
    found = best(snapshot)
    most = _most(asked, stock)
    assert scorecard(found, snapshot).profit == pytest.approx(most, abs=1e-6)
    whole = sum(one["qty"] * one["price"] for one in asked)
    came_to = float(found.contributions["plan"].fill_null(0.0).sum())
    assert came_to == pytest.approx(whole - most, abs=1e-6)
    assert found.run.bound is None or found.run.bound <= came_to + 1e-6


@pytest.mark.parametrize("seed", some(range(8), 3))
def test_tiny_companies_earn_the_most_there_is(seed):
    _equals_brute_force(seed)


@pytest.mark.nightly
def test_many_tiny_companies_earn_the_most_there_is():
    for seed in range(8, 158):
        _equals_brute_force(seed)


@pytest.mark.parametrize("seed", some(range(6), 3))
@pytest.mark.nightly
def test_with_set_ups_and_least_lots_it_is_never_worse_than_without_the_program(seed):
    asked, stock = _asked(seed)
    snapshot = company(asked, stock, fixed_cost=3.0 * (seed % 3), min_lot=seed % 4)
    plain = plan(snapshot, "constrained")
    earned = scorecard(best(snapshot), snapshot).profit
    assert earned >= scorecard(plain, snapshot).profit - 1e-6


def test_goals_are_cost_and_profit_and_trade_offs_have_the_first():
    with pytest.raises(UsageError, match=r"goal \(gain\) must be one of cost, profit"):
        OptimizeParameters(goal="gain")
    snapshot = company([demand("D1", "A", 2, 5)], 9)
    with pytest.raises(UsageError, match=r"goal \(profit\) must be cost"):
        medhavi.pareto(snapshot, settings={"goal": "profit"})
