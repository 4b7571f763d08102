"""Tables of pages that are read, not chosen from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import marimo as mo
    import polars as pl


def grid_files(name: str, rows: Callable[[], pl.DataFrame]) -> mo.Html:
    """Offer the rows of a grid as Excel and CSV: names, local times, units.

    Parameters
    ----------
    name
        Of the files, without their kind.
    rows
        Makes the rows when a file is asked for.
    """
    import marimo as mo
    import polars as pl

    from medhavi.service.promise_pages.promise_page import as_csv, as_xlsx

    def csv() -> bytes:
        clocks = pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M")
        return as_csv(rows().with_columns(clocks))

    return mo.hstack(
        [
            mo.download(csv, filename=f"{name}.csv", label="CSV"),
            mo.download(
                lambda: as_xlsx(rows()), filename=f"{name}.xlsx", label="Excel"
            ),
        ],
        justify="start",
    )


def page_table(
    rows: pl.DataFrame,
    *,
    formats: Mapping[str, str | Callable[..., Any]],
    right: Iterable[str],
    widths: Mapping[str, int] | None = None,
    page_size: int = 12,
) -> mo.ui.table:
    """Show rows without selection; the first column stays where a grid is scrolled.

    Parameters
    ----------
    formats
        How the cells of a column are written, by its name.
    right
        Columns set to the right.
    widths
        Width of a column [px], by its name; columns that `rows` lacks are passed over.
    """
    import marimo as mo

    return mo.ui.table(
        rows,
        selection=None,
        page_size=page_size,
        show_column_summaries=False,
        show_data_types=False,
        freeze_columns_left=rows.columns[:1],
        column_widths={
            name: width
            for name, width in (widths or {}).items()
            if name in rows.columns
        },
        format_mapping=dict(formats),
        text_justify_columns=dict.fromkeys(right, "right"),
    )
