"""Figures of stability, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.results.difference import stability, stability_json, stability_table
from tests import factories
from tests.api import plan
from tests.planners.small_plans import PYTHON, day

DEMANDS: list[dict[str, Any]] = [
    {"demand": "D1", "product": "A", "qty": 10, "due": day(20)},
    {"demand": "D2", "product": "A", "qty": 5, "due": day(30)},
    {"demand": "D3", "product": "A", "qty": 5, "due": day(40)},
]


def made(demands: list[dict[str, Any]]) -> Any:
    snapshot = factories.snapshot(
        demands=demands,
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "run_minutes_per_unit": 6}],
        resources=[{"resource": "M"}],
        step_resources=[{"routing": "R"}],
    )
    return plan(snapshot, settings=PYTHON)


def figures(before: Any, after: Any) -> dict[str, float | None]:
    return {
        f"{code}.{one.part}" if one.part else code: one.value
        for code, measures in stability(before, after).items()
        for one in measures
    }


@pytest.mark.req("KPI-08", "KPI-12", "KPI-15", "KPI-18", "KPI-23", "KPI-30")
def test_one_order_moves_by_four_days_one_goes_and_one_comes():
    before = made(DEMANDS)
    after = made(
        [
            DEMANDS[0],
            {**DEMANDS[1], "due": day(34)},
            {"demand": "D4", "product": "A", "qty": 6, "due": day(40)},
        ]
    )
    found = figures(before, after)
    assert found["KPI-18"] == 3
    assert (found["KPI-18.kept"], found["KPI-18.moved"]) == (1, 1)
    assert (found["KPI-18.added"], found["KPI-18.removed"]) == (1, 1)
    assert found["KPI-18.quantity_days"] == pytest.approx(20.0)
    assert found["KPI-18.nervousness"] == pytest.approx(3 / 4)
    assert found["KPI-08"] == pytest.approx(1 / 3)
    assert found["KPI-15"] == pytest.approx(1 / 3)
    assert found["KPI-12"] == pytest.approx(2 / 3)
    assert found["KPI-30"] == pytest.approx(1 / 3)
    assert found["KPI-23"] == 1.0
    assert found["KPI-14"] is None


def test_an_order_stays_when_another_demand_takes_it():
    other = {**DEMANDS[2], "demand": "D4"}
    found = figures(made(DEMANDS), made([*DEMANDS[:2], other]))
    assert (found["KPI-18.kept"], found["KPI-18.nervousness"]) == (3, 0)


def test_the_same_plan_is_fully_stable():
    before = made(DEMANDS)
    found = figures(before, before)
    assert (found["KPI-08"], found["KPI-12"], found["KPI-30"]) == (1.0, 1.0, 0.0)
    assert (found["KPI-18.nervousness"], found["KPI-18.quantity_days"]) == (0.0, 0.0)
    table = stability_table(before, before)
    assert table["kpi"].is_unique().all()
    assert table.filter(kpi="KPI-08")["value"].to_list() == [1.0]
    told = stability_json(before, before)["KPI-30.age"]
    assert (told["value"], told["reason"]) == (
        None,
        "needs the history of published plans",
    )


@pytest.mark.req("KPI-14", "KPI-30")
def test_locked_work_and_firm_pegs_that_went_are_counted():
    order = {"product": "A", "kind": "work", "source": "R", "qty": 10, "due": day(19)}
    firm = {"demand": "D1", "supply": "WO", "product": "A", "qty": 10}

    def with_order(**more: Any) -> Any:
        return plan(
            factories.snapshot(
                demands=DEMANDS,
                routings=[{"routing": "R", "product": "A"}],
                steps=[{"routing": "R", "run_minutes_per_unit": 6}],
                resources=[{"resource": "M"}],
                step_resources=[{"routing": "R"}],
                **more,
            ),
            settings=PYTHON,
        )

    before = with_order(supply_orders=[{**order, "supply_order": "WO"}], pegs=[firm])
    found = figures(before, made(DEMANDS))
    assert found["KPI-14"] == 0.0
    assert found["KPI-30.firm_broken"] == 1.0
    assert figures(before, before)["KPI-14"] == 1.0
