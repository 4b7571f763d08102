"""Grouping of the grid of orders: the choice, the table of groups, files of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.service.downloads import list_files
from medhavi.service.order_pages.order_page import exports
from medhavi.service.page_table import written
from medhavi.service.plan_pages.page_choices import choice
from medhavi.views import grid_columns
from medhavi.views.names import money
from medhavi.views.order_list import plain
from medhavi.views.plan_pages.order_groups import (
    GROUPS,
    group_rows,
    rows_of,
    told_groups,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

OPENED = "open"
"""Part of an address with the keys of the groups whose orders are listed."""
_BETWEEN = "|"


def group_choice(wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask by which column the rows are grouped; none: each order by itself."""

    def chosen(name: str, value: str) -> None:
        keep(OPENED, "")
        keep(name, value)

    options = {words: column for column, words in GROUPS.items()}
    return choice("group", say("group_by"), options, wanted, chosen, none=True)


def group_table(
    rows: pl.DataFrame, column: str | None, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.table | None:
    """Table of the groups; those that are ticked list their orders. None: ungrouped."""
    import marimo as mo

    if column is None or rows.is_empty():
        return None
    found = group_rows(rows, column, names)
    keys = found["Key"].to_list()
    asked = wanted(OPENED).split(_BETWEEN)
    unlike = found[grid_columns.QUANTITY].is_null().all()
    numbers = [name for name, kind in found.schema.items() if kind.is_numeric()]
    return mo.ui.table(
        found,
        selection="multi",
        initial_selection=[place for place, one in enumerate(keys) if one in asked],
        on_change=lambda chosen: keep(OPENED, _BETWEEN.join(opened(chosen))),
        label=say("tick_groups"),
        page_size=10,
        show_column_summaries=False,
        show_data_types=False,
        show_download=False,
        freeze_columns_left=[GROUPS[column]],
        hidden_columns=[
            "Key",
            *((grid_columns.QUANTITY, grid_columns.UNIT) if unlike else ()),
        ],
        format_mapping=written(
            found,
            {
                grid_columns.QUANTITY: plain,
                grid_columns.VALUE: lambda value: money(value, names.currency),
            },
        ),
        text_justify_columns=dict.fromkeys(numbers, "right"),
    )


def opened(chosen: Any) -> list[str]:
    """Keys of the groups that are ticked, in the order of the table."""
    return [] if chosen is None or not len(chosen) else list(chosen["Key"])


def listed_rows(
    rows: pl.DataFrame, column: str | None, keys: Sequence[str]
) -> pl.DataFrame:
    """Orders that the grid lists: all, or those of the opened groups."""
    return rows if column is None else rows_of(rows, column, keys)


def grouped_files(
    rows: pl.DataFrame, column: str | None, keys: Sequence[str], names: Names
) -> mo.Html:
    """Offer what the grids show as files: the orders, or groups with their orders."""
    if column is None:
        return exports(rows, names)

    def told() -> pl.DataFrame:
        made = told_groups(rows, column, keys, names)
        words = {
            grid_columns.VALUE: f"Value ({names.currency})",
            grid_columns.START: "Start (local)",
            grid_columns.DUE: "Due (local)",
        }
        return made.rename({old: new for old, new in words.items() if old in made})

    return list_files(told, "orders-by-group")
