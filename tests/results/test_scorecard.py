"""What plans cost, by hand."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.scorecard import (
    cheapest,
    late_hours_by_domain,
    scorecard,
)
from medhavi.results.plans.money_parts import PARTS
from tests import factories
from tests.results.hand_plan import at, hand_plan, hand_snapshot

STATED = tuple(part for part in PARTS if part != "opening")
"""Parts of plans of tables that state no opening cost."""


def supply(
    name: str, kind: str, cost: float | None, co2: float = 0.0
) -> dict[str, object]:
    return {"id": name, "kind": kind, "cost": cost, "co2_kg": co2, "product": "FG"}


def cause(code: str, hours: float, money: float) -> dict[str, object]:
    return {
        "demand": "D1",
        "code": code,
        "subject": "x",
        "hours": hours,
        "money": money,
    }


@pytest.mark.req("KPI-33")
def test_new_orders_count_by_kind_and_existing_ones_do_not():
    plan = hand_plan(
        supplies=[
            supply("a", "buy", 10.0, 1.0),
            supply("b", "make", 20.0, 2.0),
            supply("c", "move", 5.0, 4.0),
            supply("d", "buy", None),
            supply("old", "buy", 1000.0, 1000.0),
        ],
        positions=[],
        causes=[],
    )
    orders = [
        {
            "supply_order": "old",
            "kind": "purchase",
            "product": "FG",
            "location": "DC",
            "qty": 1.0,
            "due": at("2026-01-06 00:00"),
        }
    ]
    card = scorecard(plan, hand_snapshot(supply_orders=orders, stock=[]))
    assert (card.purchase, card.production, card.transport) == (10.0, 20.0, 5.0)
    assert (card.co2_kg, card.total, card.inventory) == (7.0, 35.0, 0.0)


@pytest.mark.req("KPI-33")
def test_stock_is_valued_between_the_rows_of_its_positions():
    # 20 FG at 10 from day 0; 50 from day 10; short (negative) from day 60 on; 100 days.
    plan = hand_plan(
        supplies=[],
        causes=[],
        positions=[
            {
                "product": "FG",
                "location": "DC",
                "bucket": at(day),
                "on_hand": on_hand,
            }
            for day, on_hand in (
                ("2026-01-15 00:00", 50.0),
                ("2026-03-06 00:00", -5.0),
            )
        ],
    )
    stock = [{"product": "FG", "location": "DC", "qty": 20.0}]
    card = scorecard(plan, hand_snapshot(stock=stock))
    value_days = 10 * 20 * 10 + 50 * 50 * 10
    assert card.inventory == pytest.approx(value_days / 100)
    assert card.holding == pytest.approx(value_days * 0.2 / 365)


def test_stock_that_nothing_moves_counts_to_the_end():
    plan = hand_plan(supplies=[], causes=[], positions=[])
    stock = [
        {"product": "FG", "location": "DC", "qty": 3.0},
        {
            "product": "FG",
            "location": "DC",
            "lot": "B",
            "qty": 2.0,
            "status": "blocked",
        },
    ]
    assert scorecard(plan, hand_snapshot(stock=stock)).inventory == pytest.approx(30.0)


@pytest.mark.req("KPI-33")
def test_work_beyond_open_hours_is_paid_as_overtime_and_then_as_overload():
    # 2 h a day are agreed at 15 on top of an ordinary hour: 14 of the week's 20; the
    # rest costs ten times as much. Nobody has agreed to any on the other machine.
    resources = [
        {"resource": "M", "cost_per_hour": 30.0, "overtime_minutes_per_day": 120.0},
        {"resource": "N", "cost_per_hour": 0.0},
    ]
    loads = [
        {"resource": name, "bucket": at("2026-01-05 00:00"), "overload": hours}
        for name, hours in (("M", 20.0), ("N", 1.0))
    ]
    plan = hand_plan(supplies=[], positions=[], causes=[], loads=loads)
    week = [{"as_of": at("2026-01-05 00:00"), "bucket": "week"}]
    card = scorecard(plan, hand_snapshot(resources=resources, stock=[], settings=week))
    assert card.overtime == pytest.approx(14 * 15)
    assert card.overload == pytest.approx(6 * 150 + 500)
    assert card.total == pytest.approx(card.overtime + card.overload)
    assert card.objectives["cost"] == pytest.approx(card.total)


@pytest.mark.req("KPI-33")
def test_the_parts_of_the_figure_sum_to_it():
    plan = hand_plan(causes=[cause("LeadTime", 5.0, 12.5)])
    rows = kpi_table(plan, hand_snapshot())
    value = dict(rows.select("kpi", "value").iter_rows())
    assert value["KPI-33"] == pytest.approx(sum(value[f"KPI-33.{p}"] for p in STATED))
    assert value["KPI-33.lateness"] == 12.5


def test_a_plan_is_measured_once_against_the_same_tables():
    plan, snapshot = hand_plan(causes=[cause("LeadTime", 5.0, 12.5)]), hand_snapshot()
    card = scorecard(plan, snapshot)
    told = replace(plan, run=replace(plan.run, engine="another"))
    assert scorecard(told.replace(kpis=kpi_table(told, snapshot)), snapshot) is card
    assert scorecard(plan, hand_snapshot(stock=[])).inventory < card.inventory
    dearer = plan.replace(
        causes=hand_plan(causes=[cause("LeadTime", 5.0, 20.0)]).causes
    )
    assert scorecard(dearer, snapshot).lateness == 20
    assert scorecard(plan, snapshot).lateness == 12.5


@pytest.mark.req("KPI-33")
def test_without_prices_the_plan_with_less_weighted_lateness_is_the_better_one():
    """The other one costs less of the default price of lateness; it has more late."""
    few, many = (
        replace(plan, run=replace(plan.run, effort={"weighted_days": days}))
        for plan, days in (
            (hand_plan(causes=[cause("LeadTime", 9.0, 20.0)]), 21.0),
            (hand_plan(causes=[cause("LeadTime", 5.0, 12.5)]), 42.0),
        )
    )
    priced, unpriced = hand_snapshot(), factories.snapshot()
    assert priced.is_priced
    assert not unpriced.is_priced
    assert cheapest([few, many], priced) is many
    assert cheapest([few, many], unpriced) is few
    short = many.fulfilment["short"].to_list()
    worse = few.replace(
        fulfilment=few.fulfilment.with_columns(short=pl.Series([1.0, *short[1:]]))
    )
    assert cheapest([worse, many], unpriced) is many


@pytest.mark.req("KPI-27")
def test_lateness_splits_by_domain_to_the_whole():
    plan = hand_plan(
        causes=[
            cause("LeadTime", 6.0, 0.0),
            cause("CapacityShortfall", 2.0, 0.0),
            cause("MaterialShortfall", 2.0, 0.0),
        ]
    )
    assert late_hours_by_domain(plan) == {"capacity": 2.0, "material": 8.0}
    rows = kpi_table(plan, hand_snapshot())
    value = dict(rows.select("kpi", "value").iter_rows())
    assert value["KPI-27"] == 10.0
    assert (value["KPI-27.capacity"], value["KPI-27.material"]) == (0.2, 0.8)


def test_without_lateness_there_is_no_split():
    rows = kpi_table(hand_plan(causes=[]), hand_snapshot())
    assert dict(rows.select("kpi", "value").iter_rows())["KPI-27"] is None
