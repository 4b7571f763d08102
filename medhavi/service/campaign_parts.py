"""Widgets of the campaigns app: the matrix to choose a cell of, the form of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.planners.work_orders.changeover_edit import ANY
from medhavi.providers import Providers
from medhavi.service.campaign_page import FROM
from medhavi.views.format import number
from medhavi.views.lists.campaign_words import family_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.snapshot import Snapshot

AS_ANY = "as a row for any family says"
CLEANING = {"is a cleaning": True, "is no cleaning": False}


def matrix_grid(table: pl.DataFrame) -> mo.ui.table:
    """Show a matrix; one cell may be chosen."""
    import marimo as mo

    return mo.ui.table(
        table,
        selection="single-cell",
        pagination=False,
        show_column_summaries=False,
        show_data_types=False,
        show_download=False,
        show_search=False,
        freeze_columns_left=[FROM],
        label="",
    )


def chosen_cell(
    families: Sequence[str], cells: Sequence[Any], wanted: Callable[[str], str]
) -> tuple[str | None, str | None]:
    """Families of the chosen cell; else those that the address names."""
    names = {family_name(family): family for family in families}
    for cell in cells or ():
        return families[int(cell.row)], names.get(cell.column)
    before, after = wanted("from"), wanted("to")
    return (
        before if before in families else None,
        after if after in families else None,
    )


def change_form(
    snapshot: Snapshot,
    matrix: str,
    families: Sequence[str],
    cells: Sequence[Any],
    wanted: Callable[[str], str],
) -> mo.ui.form[Any, Any]:
    """Ask how long the change of a cell takes; it begins with what is so now.

    Parameters
    ----------
    cells
        What is chosen in the grid.
    wanted
        What the address asks for: `from` and `to` name a cell.
    """
    import marimo as mo

    before, after = chosen_cell(families, cells, wanted)
    row = _row(snapshot, matrix, before, after)
    known = Providers(snapshot).changeovers
    options = {family_name(family): family for family in families}
    cleans = row.get("cleaning", known.cleans(matrix, before, after or ANY))
    cleaning = next(word for word, value in CLEANING.items() if value == cleans)

    return (
        mo.md("{from_family} {to_family} {minutes} {cleaning}")
        .batch(
            from_family=mo.ui.dropdown(
                options, value=_label(before), searchable=True, label="From"
            ),
            to_family=mo.ui.dropdown(
                options, value=_label(after), searchable=True, label="to"
            ),
            minutes=mo.ui.text(
                value=number(row["setup_minutes"]).replace(",", "") if row else "",
                placeholder=AS_ANY,
                label="takes, in minutes",
            ),
            cleaning=mo.ui.dropdown(CLEANING, value=cleaning, label="and"),
        )
        .form(submit_button_label="Show what it changes", bordered=True)
    )


def _label(family: str | None) -> str | None:
    return None if family is None else family_name(family)


def _row(
    snapshot: Snapshot, matrix: str, before: str | None, after: str | None
) -> dict[str, Any]:
    """Row of a cell; empty where only a row for any family says it."""
    cell = (matrix, before, after)
    for row in snapshot["changeovers"].iter_rows(named=True):
        if (row["matrix"], row["from_family"], row["to_family"]) == cell:
            return row
    return {}


def change_words(form: Mapping[str, Any]) -> str:
    """Edited cell in words.

    >>> change_words({"from_family": "A", "to_family": "*", "minutes": "45"})
    'from A to any family takes 45 min'
    """
    before, after = (
        family_name(str(form[name])) for name in ("from_family", "to_family")
    )
    minutes = str(form["minutes"]).strip()
    time = f"takes {minutes} min" if minutes else f"is {AS_ANY}"
    return f"from {before} to {after} {time}"
