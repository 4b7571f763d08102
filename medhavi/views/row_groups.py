"""Rows of a grid by one of their columns: counts and sums, and the rows below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.views import grid_columns
from medhavi.views.names import day
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.views.names import Names

NONE = "-"
"""Key of the rows whose column is empty."""
KEY = "Key"
"""Hidden column of the keys of groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridGroups:
    """How the rows of a grid form groups.

    Parameters
    ----------
    by
        Columns that rows are grouped by, with their words. Dates and times form weeks.
    sums
        What a group adds up, an expression of its rows by title; a count is the first.
    keys
        Text of the group of a row, of columns whose values are not it.
    words
        Words of a key of a column; weeks and `NONE` have theirs.
    largest
        Title of the sum by which groups stand, the greatest first; weeks by date.
    first
        Key that stands before all weeks.
    amounts
        Titles of sums that are money.
    """

    by: Mapping[str, str]
    sums: Mapping[str, pl.Expr]
    keys: Mapping[str, pl.Expr] = field(default_factory=lambda: MappingProxyType({}))
    words: Callable[[str, str], str] = lambda _column, key: key
    largest: str = ""
    first: str = ""
    amounts: tuple[str, ...] = ()


def columns_grouping(
    by: Collection[str],
    noun: str,
    sums: Mapping[str, pl.Expr] | None = None,
    amounts: tuple[str, ...] = (),
) -> GridGroups:
    """GridGroups of a grid by columns as it shows them.

    Parameters
    ----------
    by
        Titles of the columns.
    noun
        Title of the count of rows.
    sums
        As of `GridGroups`.
    amounts
        Columns of money; none where no row of a group has any. The first ranks the
        groups. They are added up unless `sums` has them.
    """
    money = {
        one: pl.when(pl.col(one).count() > 0).then(pl.col(one).sum())
        for one in amounts
        if one not in (sums or {})
    }
    return GridGroups(
        by={title: title for title in by},
        sums={noun: pl.len().cast(pl.Int64), **(sums or {}), **money},
        largest=amounts[0] if amounts else noun,
        amounts=amounts,
    )


def quantity_sums(names: Names) -> dict[str, pl.Expr]:
    """Quantity and unit of a group; both empty where it has several units."""
    unit = pl.col("product").replace_strict(
        dict(names.units), default="each", return_dtype=pl.String
    )
    one_unit = unit.n_unique() == 1
    return {
        grid_columns.QUANTITY: pl.when(one_unit).then(pl.col("qty").sum()),
        grid_columns.UNIT: pl.when(one_unit).then(unit.first()).otherwise(pl.lit("")),
    }


def group_rows(rows: pl.DataFrame, grouping: GridGroups, column: str) -> pl.DataFrame:
    """Sums of each group, the largest first; weeks by date.

    Parameters
    ----------
    column
        One of `grouping.by`.

    Returns
    -------
    pl.DataFrame
        Key, the column's words, and the sums.
    """
    keyed = rows.with_columns(_key(rows, grouping, column).alias(KEY))
    found = keyed.group_by(KEY).agg(
        expression.alias(title) for title, expression in grouping.sums.items()
    )
    weekly = rows.schema[column].is_temporal()
    if weekly:
        found = found.sort(pl.col(KEY) != grouping.first, KEY)
    else:
        found = found.sort(
            grouping.largest, KEY, descending=[True, False], nulls_last=True
        )

    def told(key: str) -> str:
        if key == NONE:
            return say("none_of_them")
        if weekly and key != grouping.first:
            return week_words(dt.date.fromisoformat(key))
        return grouping.words(column, key)

    title = pl.Series(grouping.by[column], map(told, found[KEY]), dtype=pl.String)
    return found.insert_column(1, title)


def rows_of(
    rows: pl.DataFrame, grouping: GridGroups, column: str, opened: Collection[str]
) -> pl.DataFrame:
    """Rows of the groups that are opened, group by group in their order."""
    rank = {key: place for place, key in enumerate(opened)}
    # Without a column of its own: a grid may have one of that name.
    key = _key(rows, grouping, column)
    return rows.filter(key.is_in(list(opened))).sort(
        key.replace_strict(rank, default=len(rank), return_dtype=pl.Int64),
        maintain_order=True,
    )


def told_groups(
    rows: pl.DataFrame,
    grouping: GridGroups,
    column: str,
    opened: Collection[str],
    shown: Callable[[pl.DataFrame], pl.DataFrame],
) -> pl.DataFrame:
    """Groups with the rows of the opened ones below each, for a file.

    Parameters
    ----------
    shown
        Rows as a file has them.
    """
    title = grouping.by[column]
    listed = shown(rows.clear()).columns
    parts = []
    for group in group_rows(rows, grouping, column).iter_slices(1):
        parts.append(group)
        (key,) = group[KEY]
        if key in opened:
            below = shown(rows_of(rows, grouping, column, [key]))
            parts.append(below.with_columns(pl.lit(group[title][0]).alias(title)))
    if not parts:
        return pl.DataFrame()
    made = pl.concat(parts, how="diagonal_relaxed").drop(KEY)
    first = dict.fromkeys([title, next(iter(grouping.sums)), *listed])
    ordered = [one for one in first if one in made.columns]
    return made.select(*ordered, pl.exclude(ordered))


def week_words(monday: dt.date) -> str:
    """Name of a week.

    >>> week_words(dt.date(2026, 11, 2))
    'Week of Mon 2 Nov'
    """
    return f"Week of {day(monday)}"


def _key(rows: pl.DataFrame, grouping: GridGroups, column: str) -> pl.Expr:
    """Key of the group of a row, as text; of a time the Monday of its week."""
    value = grouping.keys.get(column)
    if value is None:
        value = pl.col(column)
        if rows.schema[column].is_temporal():
            value = value.dt.truncate("1w").cast(pl.Date)
    text = value.cast(pl.String)
    return pl.when(text != "").then(text).otherwise(pl.lit(NONE))
