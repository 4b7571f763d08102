"""Files of what a page shows: SVG and PNG of a picture, a workbook of a grid.

One way for all pages: what a file has is what stands on the page, with names, local
times and units; it is made when somebody asks for it.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from medhavi.results.plans.folder import WORKBOOK_OPTIONS, guarded
from medhavi.views.order_list import within_their_days
from medhavi.views.pictures.picture_files import picture_png, picture_svg
from medhavi.views.theme import title_of
from medhavi.views.words import say, worded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.lakehouse import Lake
    from medhavi.views.theme import Picture
    from medhavi.workbench.outbox import Outbox
    from medhavi.workbench.workbench import Workbench

_LONGEST_SHEET = 31
"""Characters of the name of a sheet, Excel's limit."""
_ROW_ID = "_marimo_row_id"
"""Column that marimo adds to the rows of a grid with a selection."""
_NOT_IN_NAMES = re.compile(r"[^\w]+")


def as_csv(rows: pl.DataFrame) -> bytes:
    """Rows of a list as CSV that Excel opens with its letters right, texts as texts."""
    return b"\xef\xbb\xbf" + guarded(_with_clocks(rows)).write_csv().encode()


def as_tsv(rows: pl.DataFrame) -> bytes:
    """Rows of a list as cells of a spreadsheet, texts as texts."""
    return guarded(_with_clocks(rows)).write_csv(separator="\t").encode()


def _with_clocks(rows: pl.DataFrame) -> pl.DataFrame:
    written = pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M")
    return _as_filed(rows).with_columns(written)


_OF_MONEY = r"^.*\([A-Z]{3}\)$"
"""Titles of columns of money: they end in its currency."""


def _as_filed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as all files have them: last minutes of days, money in whole cents.

    >>> _as_filed(pl.DataFrame({"Value (EUR)": [5323.559999999999]})).item()
    5323.56
    """
    money = cs.matches(_OF_MONEY) & cs.float()
    return within_their_days(rows).with_columns(money.round(2))


COPY_SCRIPT = worded(
    """<script>
const press = HTMLAnchorElement.prototype.click;
HTMLAnchorElement.prototype.click = function () {
  if (!this.download.endsWith(".tsv")) return press.call(this);
  const text = new TextDecoder().decode(
    Uint8Array.from(atob(this.href.split(",")[1]), sign => sign.charCodeAt(0)));
  navigator.clipboard.writeText(text).then(() => {
    const told = document.createElement("div");
    told.setAttribute("role", "status");
    told.className = "mv mv-copied";
    told.textContent = "«copied_to_the_clipboard»";
    document.body.append(told);
    setTimeout(() => told.remove(), 3000);
  }, () => press.call(this));
};
</script>"""
)
"""What would be a file of tabs is copied; a browser that refuses has the file."""


def as_xlsx(rows: pl.DataFrame, sheet: str) -> bytes:
    """Rows of a list as a workbook with a filter and a header that stays."""
    import xlsxwriter

    written = io.BytesIO()
    with xlsxwriter.Workbook(written, WORKBOOK_OPTIONS) as book:
        _as_filed(rows).write_excel(
            book,
            worksheet=sheet[:_LONGEST_SHEET],
            autofit=True,
            freeze_panes=(1, 0),
        )
    return written.getvalue()


def told_rows(
    rows: pl.DataFrame, units: Mapping[str, str], hidden: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Rows of a grid as a file has them: units in the header, clocks named local.

    Parameters
    ----------
    units
        Unit of a column, such as the currency of its money.
    hidden
        Columns that the page does not show.

    Examples
    --------
    >>> told_rows(
    ...     pl.DataFrame({"Key": ["k"], "Cost": [2.0]}), {"Cost": "EUR"}, ("Key",)
    ... )
    shape: (1, 1)
    ┌────────────┐
    │ Cost (EUR) │
    │ ---        │
    │ f64        │
    ╞════════════╡
    │ 2.0        │
    └────────────┘
    """
    shown = rows.drop(*hidden, _ROW_ID, strict=False)
    words = dict(units)
    for name, kind in shown.schema.items():
        if isinstance(kind, pl.Datetime):
            words.setdefault(name, "local")
    return shown.rename(
        {name: f"{name} ({word})" for name, word in words.items() if name in shown}
    )


def file_name(title: str) -> str:
    """Name of a file without its ending.

    >>> file_name("22 of 743 demands late, € 271k; Fill heavy 1")
    '22-of-743-demands-late-271k-Fill-heavy-1'
    """
    return _NOT_IN_NAMES.sub("-", title).strip("-")[:60] or "picture"


def picture_buttons(chart: Picture) -> mo.Html:
    """Buttons that give a chart as PNG and as SVG."""
    import marimo as mo

    name = file_name(title_of(chart))
    png, svg = (
        mo.download(
            made, filename=f"{name}.{ending}", mimetype=kind, label=ending.upper()
        )
        for made, ending, kind in (
            (lambda: picture_png(chart), "png", "image/png"),
            (lambda: picture_svg(chart), "svg", "image/svg+xml"),
        )
    )
    return _row(png, svg)


def seen_rows(grid: mo.ui.table) -> pl.DataFrame:
    """Rows that the search box and the filters of a grid leave, in its order.

    marimo keeps them to itself: its own download gives them, without names and units.
    """
    found: pl.DataFrame = grid._searched_manager.data.to_native()  # noqa: SLF001
    return found


def is_searched(grid: mo.ui.table) -> bool:
    """Whether a search or a filter of a grid leaves out rows."""
    return bool(grid._current_query or grid._current_filters)  # noqa: SLF001


def left_by_search(
    rows: pl.DataFrame, grid: mo.ui.table | None, key: str
) -> pl.DataFrame:
    """Rows of a list without those that the search box of its grid leaves out.

    `key` is the id of a row; the grid has it in column Id.
    """
    if grid is None or not is_searched(grid):
        return rows
    return rows.filter(pl.col(key).is_in(seen_rows(grid)["Id"].implode()))


def grid_button(
    grid: mo.ui.table,
    name: str,
    units: Mapping[str, str] | None = None,
    hidden: tuple[str, ...] = (),
) -> mo.Html:
    """Buttons that give the rows of a grid as a workbook, and copy them.

    See `told_rows`.
    """
    import marimo as mo

    return _row(
        mo.download(
            lambda: as_xlsx(told_rows(seen_rows(grid), units or {}, hidden), name),
            filename=f"{file_name(name)}.xlsx",
            label=say("excel"),
        ),
        _copy(lambda: told_rows(seen_rows(grid), units or {}, hidden), name),
    )


def list_files(rows: Callable[[], pl.DataFrame], name: str) -> mo.Html:
    """Buttons that give a list as CSV and as a workbook, made when they are pressed.

    Parameters
    ----------
    rows
        Makes what the files have; its clocks are texts in CSV.
    name
        Of the files, without their ending, and of the sheet.
    """
    import marimo as mo

    return mo.hstack(
        [
            mo.download(
                lambda: as_csv(rows()),
                filename=f"{name}.csv",
                label=say("csv"),
            ),
            mo.download(
                lambda: as_xlsx(rows(), name),
                filename=f"{name}.xlsx",
                label=say("excel"),
            ),
            _copy(rows, name),
        ],
        justify="start",
    )


def outbox_file(
    bench: Workbench | None, decided: Callable[[Lake], Outbox], name: str, label: str
) -> mo.Html | None:
    """Button that gives what was decided here, as `medhavi export`.

    None without a lake, where nothing is recorded.

    Parameters
    ----------
    decided
        Makes the outbox, when the button is pressed.
    name, label
        Of the file, without its ending; of the button.
    """
    import marimo as mo

    if bench is None:
        return None
    lake = bench.edits.facts.lake
    return mo.download(
        lambda: decided(lake).file(), filename=f"{name}.csv", label=label
    )


def _copy(rows: Callable[[], pl.DataFrame], name: str) -> mo.Html:
    """Button that copies rows; `COPY_SCRIPT` takes the place of its file."""
    import marimo as mo

    return mo.download(
        lambda: as_tsv(rows()),
        filename=f"{file_name(name)}.tsv",
        mimetype="text/tab-separated-values",
        label=say("copy"),
    )


def _row(*buttons: Any) -> mo.Html:
    """Small buttons in one line, at the right of what they are files of."""
    import marimo as mo

    inside = "".join(button.text for button in buttons)
    return mo.Html(f'<div class="mv mv-files">{inside}</div>')
