"""Orders of a grid by one of their columns: counts and sums, and the orders below."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.views import grid_columns
from medhavi.views.order_grid import PAST, grid_rows, week_words
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.views.names import Names

GROUPS = {
    "kind": say("column_type"),
    "status": say("column_status"),
    "product": say("column_item"),
    "location": say("location"),
    "week": say("column_starts"),
    "code": say("column_exception"),
}
"""Columns of `planned_orders` that rows are grouped by, with their words."""
NONE = "-"
"""Key of the orders that have no value in the column."""
_ORDERS, _QUANTITY, _UNIT = say("orders"), grid_columns.QUANTITY, grid_columns.UNIT
_LATE, _EXCEPTIONS, _VALUE = (
    say("column_late"),
    say("column_exceptions"),
    grid_columns.VALUE,
)


def group_rows(orders: pl.DataFrame, column: str, names: Names) -> pl.DataFrame:
    """Sums of each group of `planned_orders`, by value; weeks by date.

    Parameters
    ----------
    column
        One of `GROUPS`.

    Returns
    -------
    pl.DataFrame
        Key, the column's words, Orders, Quantity and Unit (empty where a group has
        several units, which do not add up), Late orders (those that serve a late
        demand), Exceptions (orders that have one), Value (at unit cost).
    """
    told = orders.with_columns(
        _key(column),
        unit=pl.col("product").map_elements(names.unit, return_dtype=pl.String),
    )
    one_unit = pl.col("unit").n_unique() == 1
    found = told.group_by("key").agg(
        pl.len().cast(pl.Int64).alias(_ORDERS),
        pl.when(one_unit).then(pl.col("qty").sum()).alias(_QUANTITY),
        pl.when(one_unit)
        .then(pl.col("unit").first())
        .otherwise(pl.lit(""))
        .alias(_UNIT),
        (pl.col("late_h") > 0).sum().cast(pl.Int64).alias(_LATE),
        pl.col("code").is_not_null().sum().cast(pl.Int64).alias(_EXCEPTIONS),
        pl.col("worth").sum().alias(_VALUE),
    )
    if column == "week":
        found = found.sort(pl.col("key") != PAST, "key")
    else:
        found = found.sort(_VALUE, "key", descending=[True, False])
    words = [_words(column, key, names) for key in found["key"]]
    title = pl.Series(GROUPS[column], words, dtype=pl.String)
    return found.rename({"key": "Key"}).insert_column(1, title)


def rows_of(orders: pl.DataFrame, column: str, opened: Collection[str]) -> pl.DataFrame:
    """Orders of the groups that are opened, group by group in their order."""
    keyed = orders.with_columns(_key(column))
    rank = {key: place for place, key in enumerate(opened)}
    return (
        keyed.filter(pl.col("key").is_in(list(opened)))
        .sort(
            pl.col("key").replace_strict(
                rank, default=len(rank), return_dtype=pl.Int64
            ),
            maintain_order=True,
        )
        .drop("key")
    )


def told_groups(
    orders: pl.DataFrame, column: str, opened: Collection[str], names: Names
) -> pl.DataFrame:
    """Groups with the orders of the opened ones below each, for a file."""
    title = GROUPS[column]
    parts = []
    for row in group_rows(orders, column, names).iter_slices(1):
        parts.append(row)
        (key,) = row["Key"]
        if key in opened:
            below = grid_rows(rows_of(orders, column, [key]), names).drop("Id")
            parts.append(below.with_columns(pl.lit(row[title][0]).alias(title)))
    if not parts:
        return pl.DataFrame()
    made = pl.concat(parts, how="diagonal_relaxed").drop("Key")
    first = [title, _ORDERS, grid_columns.ORDER]
    rest = [one for one in made.columns if one not in first]
    return made.select([one for one in first if one in made.columns] + rest)


def _key(column: str) -> pl.Expr:
    """Key of the group of an order, as text."""
    value = pl.col(column).cast(pl.String)
    if column == "week":
        value = pl.when(pl.col("past")).then(pl.lit(PAST)).otherwise(value)
    return value.fill_null(NONE).alias("key")


def _words(column: str, key: str, names: Names) -> str:
    if key == NONE:
        return say("none_of_them")
    if column == "week":
        return (
            say("past_due") if key == PAST else week_words(dt.date.fromisoformat(key))
        )
    if column == "code":
        return ExceptionCode(key).headline
    return (
        names.name(key) if column in ("product", "location") else key.replace("_", " ")
    )
