"""Openings that a plan pays, by hand: the plan of `hand_plan` with opening costs.

Its new orders fill on FILLER, pack on PACKER, buy of supplier S and leave by lane L.
Opened are FILLER at 300, S at 50 and L at 7, PACKER costs nothing; no order uses SPARE.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.openings import openings
from medhavi.results.figures.scorecard import scorecard
from tests.api import verify
from tests.results.hand_plan import (
    KEPT,
    ORDER,
    RESULTS,
    TABLES,
    hand_plan,
    hand_snapshot,
)

COSTS = {"FILLER": 300.0, "SPARE": 1000.0, "S": 50.0, "L": 7.0}
SPARE = {"resource": "SPARE", "location": "PLANT"}


def stated(**changes: Any) -> Any:
    """Tables of the hand plan with what openings cost."""
    tables = {
        name: [{**row, "opening_cost": COSTS.get(row[key], 0.0)} for row in rows]
        for name, key, rows in (
            ("resources", "resource", [*TABLES["resources"], SPARE]),
            ("suppliers", "supplier", TABLES["suppliers"]),
            ("lanes", "lane", TABLES["lanes"]),
        )
    }
    return hand_snapshot(**{**tables, **changes})


@pytest.mark.req("KPI-33")
def test_what_new_orders_use_is_opened_once():
    # S sells twice and is opened once; nothing uses SPARE: 300 + 50 + 7 = 357.
    plan, snapshot = hand_plan(), stated()
    assert openings(plan, snapshot).rows() == [
        ("lanes", "L", 7.0),
        ("resources", "FILLER", 300.0),
        ("suppliers", "S", 50.0),
    ]
    without = scorecard(plan, hand_snapshot())
    card = scorecard(plan, snapshot)
    assert (without.opening, card.opening) == (0.0, 357.0)
    assert card.total == pytest.approx(without.total + 357.0)
    assert card.amounts["cash"] == pytest.approx(without.amounts["cash"] + 357.0)


@pytest.mark.req("KPI-33")
def test_what_an_existing_order_uses_is_open_already():
    # PO1 is bought of S: its 50 are not paid again, 300 + 7 = 307.
    plan = hand_plan(supplies=[*RESULTS["supplies"], KEPT])
    assert scorecard(plan, stated(supply_orders=[ORDER])).opening == 307.0


@pytest.mark.req("KPI-33")
def test_the_figure_has_a_row_where_an_opening_cost_is_stated():
    rows = kpi_table(hand_plan(), stated()).filter(pl.col("kpi") == "KPI-33.opening")
    assert rows.select("name", "value", "unit").rows() == [
        ("Opening cost", 357.0, "EUR")
    ]
    plain = kpi_table(hand_plan(), hand_snapshot())
    assert "KPI-33.opening" not in plain["kpi"].to_list()


@pytest.mark.req("KPI-33")
@pytest.mark.parametrize("told", [0.0, 356.0, 714.0])
def test_the_check_finds_a_wrong_opening_cost(told: float):
    snapshot = stated()
    plan = hand_plan()
    right = plan.replace(kpis=kpi_table(plan, snapshot))
    assert not [one for one in verify(right, snapshot) if one.code == "VER058"]
    figure = pl.when(pl.col("kpi") == "KPI-33.opening").then(told).otherwise("value")
    wrong = right.replace(kpis=right.kpis.with_columns(value=figure))
    found = [one for one in verify(wrong, snapshot) if one.code == "VER058"]
    assert [one.message for one in found] == [
        f"Figure KPI-33.opening is {told:g}; what new orders open costs 357."
    ]


def test_an_order_by_a_lane_of_its_own_opens_that_lane_alone():
    # A second lane that nothing leaves by costs nothing.
    lanes = [
        {**TABLES["lanes"][0], "opening_cost": 7.0},
        {**TABLES["lanes"][0], "lane": "AIR", "opening_cost": 900.0},
    ]
    leaves = [{"lane": "L", "weekday": 1, "time": dt.time(6)}]
    snapshot = stated(lanes=lanes, departures=leaves)
    paid = openings(hand_plan(), snapshot)
    assert paid.filter(pl.col("table") == "lanes")["subject"].to_list() == ["L"]
