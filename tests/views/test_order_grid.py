"""The grid of orders: what each serves, its lateness, exception, money, filters."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.views.order_grid import (
    ANY,
    PAST,
    OrderFilter,
    demand_words,
    filtered,
    grid_rows,
    order_tiles,
    orders_finding,
    own_exceptions_html,
    planned_orders,
    serves_html,
    week_options,
)
from tests import factories
from tests.api import Names, names_of, plan
from tests.planners.small_plans import PYTHON, day

COSTS = {"A": 2.0, "B": 3.0}


@pytest.fixture(scope="module")
def orders(made):
    return planned_orders(made, COSTS, "UTC")


def test_orders_have_names_units_local_times_lateness_and_money(late, orders):
    rows = grid_rows(orders, names_of(late))
    assert rows["Item"].to_list()[0] == "Apple pie"
    assert set(rows["Order"]) == {"P-L-0001", "P-L-0002", "B-L-0001"}
    assert rows["Start"].is_sorted()
    (bought,) = rows.filter(rows["Type"] == "buy").to_dicts()
    assert (bought["Serves"], bought["Demand days late"]) == ("D3", 3.0)
    assert (bought["Value"], bought["Unit"]) == (15.0, "each")
    assert rows["Unit"].to_list()[0] == "kg"


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({}, ["buy", "make", "make"]),
        ({"kind": "buy"}, ["buy"]),
        ({"status": "firmed"}, []),
        ({"product": "A"}, ["make", "make"]),
        ({"location": "elsewhere"}, []),
        ({"number": " b-l "}, ["buy"]),
        ({"week": "2026-01-05"}, ["buy", "make", "make"]),
        ({"week": "2026-01-12"}, []),
        ({"week": PAST}, []),
        ({"code": "PastDueStart"}, []),
    ],
)
def test_a_filter_keeps_what_it_names(orders, wanted, kinds):
    rows = filtered(orders, OrderFilter(**wanted))
    assert sorted(rows["kind"]) == kinds


def test_an_order_is_found_by_its_number_before_it_was_firmed(orders):
    """The page still asks for the proposal that was just approved as an order."""
    own = orders["number"] == "P-L-0001"
    named = pl.when(own).then(pl.lit("WO-L-0001"))
    firmed = orders.with_columns(
        id=named.otherwise("id"), number=named.otherwise("number")
    )
    rows = filtered(firmed, OrderFilter(number="P-L-0001"))
    assert rows["number"].to_list() == ["WO-L-0001"]
    assert filtered(firmed, OrderFilter(number="P-L-0009")).is_empty()


def test_the_grid_lists_every_order_that_its_tile_counts(orders):
    many = pl.concat([orders.head(1)] * 58)
    assert grid_rows(many, Names()).height == 58


def test_past_due_releases_and_exceptions_are_found_and_told():
    snapshot = factories.snapshot(
        demands=[{"due": day(2), "qty": 7}], supply_terms=[{"lead_time_days": 5}]
    )
    made = plan(snapshot, settings=PYTHON)
    orders = planned_orders(made, {}, "UTC")
    assert filtered(orders, OrderFilter(week=PAST)).height == 1
    assert filtered(orders, OrderFilter(code="PastDueStart")).height == 1
    assert filtered(orders, OrderFilter(code=ANY)).height == 1
    assert week_options(orders) == {"Past due (1)": PAST}
    (row,) = grid_rows(orders, Names()).to_dicts()
    assert row["Exception"] == "▲ Past-due start, 3 d"
    assert row["Value"] is None
    found = orders_finding(orders, orders, Names())
    assert found == "1 order, 1 release past due, 1 with an exception"
    tiles = {one.label: one for one in order_tiles(orders, Names(), made.run.as_of)}
    assert (tiles["Past-due releases"].figure, tiles["Past-due releases"].rows) == (
        "1",
        "week=past",
    )
    assert tiles["Orders"].rows == "week=", "all of them, whatever was narrowed"
    this, following = (tiles[f"To release {week} week"] for week in ("this", "next"))
    assert (this.figure, this.rows) == ("0", "")
    assert following.note != this.note
    assert "Expedite the supply" in own_exceptions_html(made, row["Id"], Names())


def test_an_order_tells_whom_it_serves_the_latest_first(made, orders):
    (bought,) = orders.filter(orders["kind"] == "buy")["id"]
    told = serves_html(made, bought, Names())
    assert 'href="/plan/?demand=D3#why"' in told
    assert "late 3 d" in told
    assert own_exceptions_html(made, "none", Names()) == ""
    assert "It serves no demand" in serves_html(made, "none", Names())


def test_a_forecast_beside_its_item_is_told_by_its_period():
    names = Names(texts={"F": "Jar at Milano, forecast of Mon 4 Jan 2027"})
    assert demand_words("F", names) == "Forecast of Mon 4 Jan 2027"
    assert demand_words("SO-1", names) == "SO-1"
