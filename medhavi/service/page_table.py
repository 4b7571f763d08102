"""Tables of pages that are read, not chosen from."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.service.downloads import grid_button
from medhavi.views import grid_columns
from medhavi.views.names import unbroken
from medhavi.views.words import meanings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import marimo as mo

    Format = str | Callable[..., Any]


def _written(rows: pl.DataFrame, formats: Mapping[str, Format]) -> dict[str, Format]:
    r"""How the cells of a grid are written; no line ends inside an amount of a text.

    What is searched, copied and written to files is the text as it is.

    >>> rows = pl.DataFrame({"What": ["late, 1 d 22 h"]})
    >>> _written(rows, {})["What"]("late, 1 d 22 h").replace("\xa0", "_")
    'late, 1_d 22_h'
    """
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    told = {**dict.fromkeys(texts, lambda cell: cell), **formats}
    return {name: _unbroken(form) for name, form in told.items()}


def _unbroken(form: Format) -> Format:
    """Way to write a cell in which amounts and days stay in one line."""
    if isinstance(form, str):
        return form

    def told(cell: Any) -> Any:
        words = form(cell)
        return unbroken(words) if isinstance(words, str) else words

    return told


PARTNERS = (grid_columns.CUSTOMER, grid_columns.FROM, grid_columns.NAME)
"""Columns whose cells may name a customer, a supplier or a lane."""


def linked(rows: pl.DataFrame, links: Mapping[str, str]) -> dict[str, Format]:
    """How cells of partners are written: as links, where `links` has an address.

    `links` are those of `partner_links`.
    What is searched, copied and written to files is the name alone.
    """
    import marimo as mo

    def cell(name: str | None) -> mo.Html:
        # All cells of a column are of one kind: marimo makes a column of them.
        told = escape(unbroken(name or ""))
        if not name or name not in links:
            return mo.Html(told)
        return mo.Html(f'<a href="{escape(links[name])}" target="_self">{told}</a>')

    return dict.fromkeys(set(PARTNERS) & set(rows.columns), cell)


def grid(
    rows: pl.DataFrame,
    *,
    first: str,
    formats: Mapping[str, Format] | None = None,
    right: Iterable[str] = (),
    **options: Any,
) -> mo.ui.table:
    """Table in the look of all pages: ten rows, no types, its file is beside it.

    Parameters
    ----------
    first
        Column that stays where the grid is scrolled.
    formats
        How the cells of a column are written, by its name.
    right
        Columns set to the right.
    options
        What else `marimo.ui.table` takes.
    """
    import marimo as mo

    return mo.ui.table(
        rows,
        freeze_columns_left=[first],
        format_mapping=_written(rows, formats or {}),
        text_justify_columns=dict.fromkeys(right, "right"),
        show_column_summaries=False,
        show_data_types=False,
        show_download=False,
        **{"page_size": 10, **options},
    )


def kept_row(
    rows: pl.DataFrame,
    column: str,
    name: str,
    wanted: Callable[[str], str],
    keep: Callable[[str, str], None],
) -> tuple[list[int], Callable[[Any], None]]:
    """Place of the row that the address names, and what keeps a chosen one there.

    A table that is made again, because its plan is there now, has its row still.

    Parameters
    ----------
    column
        Its text tells one row from all others.
    name
        What the address calls it.
    """
    asked = wanted(name)
    keys = rows[column].to_list()
    return [keys.index(asked)] if asked in keys else [], keep_row(column, name, keep)


def keep_row(
    column: str, name: str, keep: Callable[[str, str], None]
) -> Callable[[Any], None]:
    """What keeps a chosen row in the address, as of `kept_row`."""

    def select(chosen: Any) -> None:
        keep(name, str(chosen[column][0]) if len(chosen) else "")

    return select


def page_table(
    rows: pl.DataFrame,
    name: str,
    *,
    formats: Mapping[str, Format],
    right: Iterable[str],
    widths: Mapping[str, int] | None = None,
    page_size: int = 10,
    units: Mapping[str, str] | None = None,
) -> mo.Html:
    """Show rows without selection, with a button that gives them as a workbook.

    The first column stays where a grid is scrolled.

    Parameters
    ----------
    name
        What the rows are: the name of the file.
    formats
        How the cells of a column are written, by its name.
    right
        Columns set to the right.
    widths
        Width of a column [px], by its name; columns that `rows` lacks are passed over.
        0: it is in the file, and in the grid where it is asked for.
    units
        Unit of a column in the file, by its name.
    """
    import marimo as mo

    known = {name: width for name, width in (widths or {}).items() if name in rows}
    table = grid(
        rows,
        first=rows.columns[0],
        formats=formats,
        right=right,
        selection=None,
        page_size=page_size,
        column_widths={name: width for name, width in known.items() if width},
        hidden_columns=[name for name, width in known.items() if not width],
        header_tooltip=meanings(rows.columns),
    )
    return mo.vstack([table, grid_button(table, name, units)], gap=0)
