"""Groups of a grid: the choice of a column, the table of groups, the rows below it.

One way for all grids: the rows are those of the groups that are ticked, the address
keeps the column and the groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.service.downloads import list_files
from medhavi.service.page_table import grid
from medhavi.service.plan_pages.page_choices import choice
from medhavi.views import grid_columns
from medhavi.views.names import money
from medhavi.views.order_list import plain
from medhavi.views.row_groups import KEY, group_rows, rows_of, told_groups
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.views.names import Names
    from medhavi.views.row_groups import GridGroups

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

OPENED = "open"
"""Part of an address with the keys of the groups whose rows are listed."""
_BETWEEN = "|"


def group_choice(grouping: GridGroups, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask by which column rows are grouped; none: each row by itself."""

    def chosen(name: str, value: str) -> None:
        keep(OPENED, "")
        keep(name, value)

    options = {words: column for column, words in grouping.by.items()}
    return choice("group", say("group_by"), options, wanted, chosen, none=True)


def group_table(
    rows: pl.DataFrame,
    grouping: GridGroups,
    column: str | None,
    names: Names,
    wanted: Wanted,
    keep: Keep,
) -> mo.ui.table | None:
    """Table of the groups; those that are ticked list their rows. None: ungrouped."""
    if column is None or rows.is_empty():
        return None
    asked = wanted(OPENED).split(_BETWEEN)
    # What is open stands first: a grid shows its first page.
    found = group_rows(rows, grouping, column).sort(
        ~pl.col(KEY).is_in(asked), maintain_order=True
    )
    keys = found[KEY].to_list()
    numbers = [name for name, kind in found.schema.items() if kind.is_numeric()]
    quantities = found.get_column(grid_columns.QUANTITY, default=None)
    hidden = [KEY]
    if quantities is not None and quantities.is_null().all():
        hidden += [grid_columns.QUANTITY, grid_columns.UNIT]
    return grid(
        found,
        first=grouping.by[column],
        formats={
            **dict.fromkeys(numbers, plain),
            **dict.fromkeys(
                grouping.amounts, lambda value: money(value, names.currency)
            ),
        },
        right=numbers,
        selection="multi",
        initial_selection=[place for place, one in enumerate(keys) if one in asked],
        on_change=lambda ticked: keep(OPENED, _BETWEEN.join(_keys(ticked))),
        label=say("tick_groups"),
        hidden_columns=hidden,
    )


def opened(grouped: mo.ui.table | None) -> list[str]:
    """Keys of the groups that are ticked, in the order of the table."""
    return [] if grouped is None else _keys(grouped.value)


def _keys(ticked: Any) -> list[str]:
    return list(ticked[KEY]) if ticked is not None and len(ticked) else []


def listed_rows(
    rows: pl.DataFrame,
    grouping: GridGroups,
    column: str | None,
    grouped: mo.ui.table | None,
) -> pl.DataFrame:
    """Rows that the grid lists: all, or those of the opened groups."""
    if column is None or grouped is None:
        return rows
    return rows_of(rows, grouping, column, opened(grouped))


def group_files(
    rows: Callable[[], pl.DataFrame],
    grouping: GridGroups,
    column: str | None,
    grouped: mo.ui.table | None,
    shown: Callable[[pl.DataFrame], pl.DataFrame],
    titles: Mapping[str, str],
    name: str,
) -> mo.Html:
    """Offer files: all rows as `shown`, or groups with those of the opened ones below.

    Parameters
    ----------
    titles
        Other titles of columns in a file, where it has them.
    """

    def told() -> pl.DataFrame:
        listed = rows()
        made = (
            shown(listed)
            if column is None
            else told_groups(listed, grouping, column, opened(grouped), shown)
        )
        return made.rename(titles, strict=False)

    return list_files(told, name)
