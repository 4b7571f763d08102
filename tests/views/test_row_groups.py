"""Rows by a column: each row once, sums that add up, files as the grid shows."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.views.order_grid import grid_rows, order_grouping, planned_orders
from medhavi.views.row_groups import (
    columns_grouping,
    group_rows,
    rows_of,
    told_groups,
)
from tests.api import names_of

pytestmark = pytest.mark.req("UI-08")


@pytest.fixture(scope="module")
def orders(made):
    return planned_orders(made, {"A": 2.0, "B": 3.0}, "UTC")


@pytest.fixture(scope="module")
def grouping(late):
    return order_grouping(names_of(late))


@pytest.fixture(scope="module")
def shown(late):
    """Make the rows of a file of orders."""
    return lambda orders: grid_rows(orders, names_of(late)).drop("Id")


@pytest.mark.parametrize(
    "column", ["kind", "status", "product", "location", "week", "code"]
)
def test_each_order_is_in_one_group_and_sums_add_up(orders, grouping, column):
    found = group_rows(orders, grouping, column)
    assert found["Orders"].sum() == orders.height
    assert found["Value"].sum() == pytest.approx(orders["worth"].sum())
    assert found["With exception"].sum() == orders["code"].is_not_null().sum()
    keys = found["Key"].to_list()
    listed = rows_of(orders, grouping, column, keys)
    assert sorted(listed["id"]) == sorted(orders["id"])
    assert listed.columns == orders.columns


def test_quantities_of_one_unit_add_up_and_those_of_several_do_not(orders, grouping):
    by_item = group_rows(orders, grouping, "product")
    pie = by_item.row(by_item["Item"].to_list().index("Apple pie"), named=True)
    assert (pie["Quantity"], pie["Unit"], pie["Value"]) == (48.0, "kg", 96.0)
    (place,) = group_rows(orders, grouping, "location").to_dicts()
    assert (place["Quantity"], place["Unit"], place["Value"]) == (None, "", 111.0)


def test_a_file_has_the_orders_of_opened_groups_below_their_sums(
    orders, grouping, shown
):
    told = told_groups(orders, grouping, "kind", ["buy"], shown)
    assert told.columns[:3] == ["Type", "Orders", "Order"]
    (below,) = told.filter(pl.col("Order").is_not_null()).to_dicts()
    assert (below["Type"], below["Quantity"], below["Item"]) == ("buy", 5.0, "B")
    sums = told.filter(pl.col("Orders").is_not_null())
    assert dict(sums.select("Type", "Value").iter_rows()) == {"make": 96.0, "buy": 15.0}
    assert told["Type"].to_list() == ["make", "buy", "buy"]


def test_the_orders_of_an_opened_group_are_all_below_it(orders, grouping, shown):
    told = told_groups(orders, grouping, "location", ["L"], shown)
    assert told["Location"].to_list() == ["L"] * (orders.height + 1)
    assert told["Order"].to_list() == [None, *orders["number"]]


def test_no_order_has_no_group(orders, grouping, shown):
    none = orders.clear()
    assert group_rows(none, grouping, "week").is_empty()
    assert told_groups(none, grouping, "week", [], shown).is_empty()


@pytest.fixture
def bought():
    """Purchases as a grid shows them: two of Smith, one of nobody."""
    return pl.DataFrame(
        {
            "From": ["Smith", None, "Smith"],
            "Due": ["2026-03-08 23:00", "2026-03-09 00:00", None],
            "Cost": [2.0, 5.0, 1.5],
        }
    ).with_columns(pl.col("Due").str.to_datetime())


def test_a_grid_is_grouped_by_what_it_shows_the_dearest_first(bought):
    grouping = columns_grouping(("From", "Due"), "Orders", amounts=("Cost",))
    found = group_rows(bought, grouping, "From")
    assert found.rows() == [("-", "none", 1, 5.0), ("Smith", "Smith", 2, 3.5)]
    free = bought.with_columns(Cost=pl.lit(None, pl.Float64))
    assert group_rows(free, grouping, "From")["Cost"].to_list() == [None, None]
    assert rows_of(bought, grouping, "From", ["Smith"])["Cost"].to_list() == [2.0, 1.5]


def test_dates_form_weeks_in_their_order_and_rows_without_one_stand_first(bought):
    grouping = columns_grouping(("Due",), "Orders")
    found = group_rows(bought, grouping, "Due")
    # Sunday 8 March 23:00 is of the week of Monday 2 March.
    assert found.rows() == [
        ("-", "none", 1),
        ("2026-03-02", "Week of Mon 2 Mar", 1),
        ("2026-03-09", "Week of Mon 9 Mar", 1),
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 9))),
    st.sets(st.sampled_from(["a", "b", "-"])),
)
def test_opened_groups_list_their_rows_and_no_others(pairs, keys):
    schema = {"Name": pl.String, "Number": pl.Int64}
    rows = pl.DataFrame(pairs, schema, orient="row")
    grouping = columns_grouping(("Name",), "Rows", {"Sum": pl.col("Number").sum()})
    listed = rows_of(rows, grouping, "Name", sorted(keys))
    found = group_rows(rows, grouping, "Name").filter(pl.col("Key").is_in(list(keys)))
    assert listed.height == found["Rows"].sum()
    assert listed["Number"].sum() == found["Sum"].sum()
    assert {one or "-" for one in listed["Name"]} <= keys
