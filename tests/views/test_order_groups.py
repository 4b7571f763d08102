"""Orders by a column: each order once, sums that add up, files as the grid shows."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.views.order_grid import planned_orders
from medhavi.views.plan_pages.order_groups import (
    GROUPS,
    group_rows,
    rows_of,
    told_groups,
)
from tests import factories
from tests.api import names_of, plan
from tests.planners.small_plans import KERNELS, day

pytestmark = pytest.mark.req("UI-08")


@pytest.fixture(scope="module")
def late():
    """Two products, one in kg; three orders to make and one to buy."""
    return factories.snapshot(
        products=[
            {"product": "A", "name": "Apple pie", "uom": "kg"},
            {"product": "B"},
        ],
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1), "priority": 1},
            {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 2},
            {"demand": "D3", "product": "B", "qty": 5, "due": day(2)},
        ],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )


@pytest.fixture(scope="module")
def orders(late):
    return planned_orders(
        plan(late, "constrained", KERNELS), {"A": 2.0, "B": 3.0}, "UTC"
    )


@pytest.mark.parametrize("column", GROUPS)
def test_each_order_is_in_one_group_and_sums_add_up(late, orders, column):
    found = group_rows(orders, column, names_of(late))
    assert found["Orders"].sum() == orders.height
    assert found["Value"].sum() == pytest.approx(orders["worth"].sum())
    assert found["With exception"].sum() == orders["code"].is_not_null().sum()
    keys = found["Key"].to_list()
    listed = rows_of(orders, column, keys)
    assert sorted(listed["id"]) == sorted(orders["id"])
    assert listed.columns == orders.columns


def test_quantities_of_one_unit_add_up_and_those_of_several_do_not(late, orders):
    names = names_of(late)
    by_item = group_rows(orders, "product", names)
    pie = by_item.row(by_item["Item"].to_list().index("Apple pie"), named=True)
    assert (pie["Quantity"], pie["Unit"], pie["Value"]) == (48.0, "kg", 96.0)
    (place,) = group_rows(orders, "location", names).to_dicts()
    assert (place["Quantity"], place["Unit"], place["Value"]) == (None, "", 111.0)


def test_a_file_has_the_orders_of_opened_groups_below_their_sums(late, orders):
    told = told_groups(orders, "kind", ["buy"], names_of(late))
    assert told.columns[:3] == ["Type", "Orders", "Order"]
    (below,) = told.filter(pl.col("Order").is_not_null()).to_dicts()
    assert (below["Type"], below["Quantity"], below["Item"]) == ("buy", 5.0, "B")
    sums = told.filter(pl.col("Orders").is_not_null())
    assert dict(sums.select("Type", "Value").iter_rows()) == {"make": 96.0, "buy": 15.0}
    assert told["Type"].to_list() == ["make", "buy", "buy"]


def test_the_orders_of_an_opened_group_are_all_below_it(late, orders):
    told = told_groups(orders, "location", ["L"], names_of(late))
    assert told["Location"].to_list() == ["L"] * (orders.height + 1)
    assert told["Order"].to_list() == [None, *orders["number"]]


def test_no_order_has_no_group(late, orders):
    none = orders.clear()
    assert group_rows(none, "week", names_of(late)).is_empty()
    assert told_groups(none, "week", [], names_of(late)).is_empty()
