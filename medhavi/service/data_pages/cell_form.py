"""Cells that a page asks for: one to correct, one to trace, the wrong ones of files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.findings import has_errors
from medhavi.lakehouse import Lake
from medhavi.schema import tables
from medhavi.service.page_data import problem_html, problem_of, read_moment
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.snapshot.reading.normalise import ROW
from medhavi.views import page
from medhavi.views.changed_cells import cell_text, value_words
from medhavi.views.data_pages.finding_list import cell_row
from medhavi.views.data_pages.lineage_words import KEY_MARK, lineage_html
from medhavi.views.names import said
from medhavi.views.words import say
from medhavi.workbench.files.table_files import TableFiles
from medhavi.workbench.lake_reading import FIGURES, lineage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import marimo as mo

    from medhavi.findings import Finding
    from medhavi.service.data_pages.data_page import DataState
    from medhavi.service.data_pages.own_data import DataProposal, Place
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

ONLY_ROW = "1"
"""Row of a table that has one and no key, such as settings."""
MOST_ROWS = 2_000
"""Rows of a table that a list offers; of more the key is entered."""
MOST_MENDED = 12
"""Wrong cells of a file that a page asks for at once; the next follow."""


def table_choice(
    state: DataState, found: Finding | None, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the table of a cell; it begins with that of the chosen finding."""
    at = found.table if found is not None and found.table else wanted("table")
    return _table_field(_filled_tables(state), at, lambda name: keep("table", name))


def _filled_tables(state: DataState) -> dict[str, str]:
    """Tables with rows by their words."""
    return {
        said(name).capitalize(): name
        for name, frame in state.snapshot.tables.items()
        if frame.height
    }


def _table_field(
    options: Mapping[str, str], at: str, keep: Callable[[str], None]
) -> mo.ui.dropdown:
    """Ask for one of some tables, which have words; `at` is the first choice."""
    import marimo as mo

    labels = {name: words for words, name in options.items()}
    return mo.ui.dropdown(
        dict(options),
        value=labels.get(at),
        label=say("table"),
        searchable=True,
        on_change=lambda name: keep(name or ""),
    )


def _column_field(columns: Iterable[str], at: str, *, none: str = "") -> mo.ui.dropdown:
    """Ask for a column by its words.

    Parameters
    ----------
    at
        First choice.
    none
        Words of the choice of no column; empty: there is none.
    """
    import marimo as mo

    options = {said(name).capitalize(): name for name in columns}
    options = {none: "", **options} if none else options
    labels = {name: words for words, name in options.items()}
    return mo.ui.dropdown(
        options, value=labels.get(at), label=say("column"), searchable=True
    )


def cell_place(
    shown: PlanPage,
    state: DataState,
    table: str | None,
    found: Finding | None,
    wanted: Wanted,
) -> mo.ui.dictionary | None:
    """Ask for the row and column of a cell; None before a table is chosen.

    It begins with the cell of the chosen finding, or with the one that the address
    proposes. A row is named by its number in the file, in a lake it is chosen by the
    names of its key.
    """
    import marimo as mo

    if table is None:
        return None
    if found is not None and found.table != table:
        found = None
    own = "" if found is None else cell_row(found, state.findings)
    where = own or wanted("row")
    column = (found.column if found is not None else None) or wanted("column")
    key = tables()[table].key
    columns = [
        name
        for name in state.snapshot[table].columns
        if shown.source.tables or name not in key
    ]
    return mo.ui.dictionary(
        {
            "row": _row_field(shown, state, table, where),
            "column": _column_field(columns, column),
        }
    )


def cell_value(
    table: str | None,
    place: mo.ui.dictionary | None,
    found: Finding | None,
    wanted: Wanted,
) -> mo.ui.form[Any, Any] | None:
    """Ask for the new value of a cell; None before a table is chosen.

    It begins with the value that the address proposes for this cell.
    """
    import marimo as mo

    if table is None or place is None:
        return None
    asked = {"table": table, **place.value}
    is_proposed = found is None and all(wanted(name) == asked[name] for name in asked)
    return mo.ui.text(
        wanted("value") if is_proposed else "",
        label=say("new_value"),
        placeholder=say("empty_no_value"),
    ).form(submit_button_label=say("show_what_changes"), bordered=False)


def present_html(
    shown: PlanPage, state: DataState, table: str | None, place: Mapping[str, Any]
) -> str:
    """Value of a cell as it stands; empty where no row or no column is chosen."""
    column, where = place["column"], (place["row"] or "").strip()
    if not table or not column or not where:
        return ""
    told = [
        value or say("empty_no_value")
        for value in (
            _stated(shown, table, column, where)
            if shown.source.tables
            else _known(state, table, column, where)
        )
    ]
    words = (say("cell_stands", said(column).capitalize(), value) for value in told[:1])
    return "".join(f"<p>{escape(one)}</p>" for one in words)


def _stated(shown: PlanPage, table: str, column: str, where: str) -> list[str | None]:
    """Cell of a file as it is written, by the number of its row."""
    cells = TableFiles(shown.source.tables).cells().get(table)
    if cells is None or column not in cells.columns or not where.isdecimal():
        return []
    return cells.filter(pl.col(ROW) == int(where))[column].to_list()


def _known(state: DataState, table: str, column: str, where: str) -> list[str]:
    """Cell of a lake for people, by the key of its row."""
    frame, names = state.snapshot[table], state.names
    key = tables()[table].key
    keys = map(_key, frame.select(key).iter_rows()) if key else [ONLY_ROW]
    rows = (frame.row(at, named=True) for at, one in enumerate(keys) if one == where)
    return [cell_text(table, column, row[column], row, names) for row in rows]


def _key(parts: Iterable[object]) -> str:
    """Key of a row as one text."""
    texts = ("" if one is None else str(one) for one in parts)
    return KEY_MARK.join(texts).rstrip(KEY_MARK)


def _row_field(
    shown: PlanPage, state: DataState, table: str, where: str
) -> mo.ui.dropdown | mo.ui.text:
    """Field of a row: its number in a file, its key by names, or the key as text."""
    import marimo as mo

    if shown.source.tables:
        return mo.ui.text(where, label=say("column_row"))
    key = tables()[table].key
    if not key:
        words = say("only_row")
        return mo.ui.dropdown({words: ONLY_ROW}, value=words, label=say("column_row"))
    return row_field(state.snapshot[table], key, state.names, where)


def row_field(
    frame: pl.DataFrame, key: Sequence[str], names: Names, where: str
) -> mo.ui.dropdown | mo.ui.text:
    """Ask for a row by the names of its key; of a long table its key is entered."""
    import marimo as mo

    if frame.height > MOST_ROWS:
        parts = KEY_MARK.join(key)
        return mo.ui.text(
            where, label=say("key_between_parts"), placeholder=parts, full_width=True
        )
    options = {
        ", ".join(_part_words(one, names) for one in row if one is not None): (
            _key(row)
        )
        for row in frame.select(key).iter_rows()
    }
    labels = {one: words for words, one in options.items()}
    return mo.ui.dropdown(
        dict(sorted(options.items())),
        value=labels.get(where),
        label=say("column_row"),
        searchable=True,
    )


def _part_words(value: object, names: Names) -> str:
    return names.both(value) if isinstance(value, str) else value_words(value, names)


def wrong_cells(proposal: DataProposal | None) -> list[Finding]:
    """Errors in cells of dropped files, a cell once, as far as a page asks for them."""
    if proposal is None or proposal.update is None or not proposal.files:
        return []
    update = proposal.update
    found = {
        (one.table, one.row, one.column): one
        for one in update.findings
        if has_errors([one]) and one.table in update.cells and one.row and one.column
    }
    return list(found.values())[:MOST_MENDED]


def mend_form(
    proposal: DataProposal | None, keep: Callable[[Mapping[Place, str]], object]
) -> mo.ui.form[Any, Any] | None:
    """Ask for the wrong cells of dropped files; None where none is wrong.

    Parameters
    ----------
    keep
        Called with all cells that stand otherwise then.
    """
    import marimo as mo

    wrong = wrong_cells(proposal)
    if proposal is None or not wrong:
        return None
    places = [(str(one.table), int(one.row or 0), str(one.column)) for one in wrong]
    fields = {
        f"cell{number}": mo.ui.text(
            one.value or "",
            label=say("cell_of_row", said(place[0]), place[1], said(place[2])),
            placeholder=say("empty_no_value"),
        )
        for number, (place, one) in enumerate(zip(places, wrong, strict=True))
    }
    before = proposal.mended

    def sent(values: dict[str, Any] | None) -> None:
        if values is not None:
            stated = (str(values[name]).strip() for name in fields)
            keep({**before, **dict(zip(places, stated, strict=True))})

    text = "\n\n".join(f"{{{name}}}" for name in fields)
    return (
        mo.md(text)
        .batch(**fields)
        .form(
            submit_button_label=say("mend_these_cells"), bordered=False, on_change=sent
        )
    )


_PLANNED = {
    say("lineage_of_supplies"): "supplies",
    say("lineage_of_fulfilment"): "fulfilment",
    say("lineage_of_kpis"): "kpis",
}


def traced_table_choice(
    shown: PlanPage, state: DataState, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the table of a number: of the plan or of what it was made from."""
    options = {**(_PLANNED if shown.plan else {}), **_filled_tables(state)}
    return _table_field(options, wanted("of"), lambda name: keep("of", name))


def lineage_form(
    shown: PlanPage,
    state: DataState,
    table: str | None,
    wanted: Wanted,
    keep: Keep,
) -> mo.ui.form[Any, Any] | None:
    """Ask for a row and a column of a table; the address keeps them.

    None before a table is chosen.
    """
    import marimo as mo

    if not table:
        return None
    key: tuple[str, ...]
    if shown.plan is not None and table in FIGURES:
        frame, key = shown.plan[table], (FIGURES[table],)
    else:
        frame, key = state.snapshot[table], tables()[table].key
    here = wanted("of") == table

    def store(form: Mapping[str, Any] | None) -> None:
        for name, value in (form or {}).items():
            keep(name, value or "")

    return (
        mo.md("{key} {column}")
        .batch(
            key=row_field(frame, key, state.names, wanted("key") if here else ""),
            column=_column_field(
                [name for name in frame.columns if name not in key],
                wanted("column") if here else "",
                none=say("the_whole_row"),
            ),
        )
        .form(
            submit_button_label=say("show_its_lineage"), bordered=False, on_change=store
        )
    )


def traced_cell(
    table: str | None, form: Mapping[str, Any] | None, wanted: Wanted
) -> tuple[str, str, str]:
    """Table, key and column that the form, else the address, asks for.

    Nothing is asked for of another table than that of the address before the form is
    sent.
    """
    if table and form is not None:
        return table, (form["key"] or "").strip(), form["column"] or ""
    if table and wanted("of") != table:
        return "", "", ""
    return wanted("of"), wanted("key"), wanted("column")


def lineage_answer(shown: PlanPage, asked: tuple[str, str, str], wanted: Wanted) -> str:
    """Lineage that is asked for, with its command, or why there is none."""
    table, key, column = asked
    if not shown.source.lake:
        return page.empty(say("files_have_no_events"), say("files_hold_numbers"))
    if not table or (not key and (table in FIGURES or tables()[table].key)):
        return page.empty(
            say("no_number_is_chosen"),
            say("choose_a_number"),
        )
    zone = shown.names.zone
    moments = {
        name: read_moment(wanted(name), zone, ASKED_EDGES[name])
        for name in ("known_at", "effective_at")
    }
    try:
        found = lineage(
            Lake(shown.source.lake),
            table,
            key,
            column or None,
            plan=shown.plan,
            **moments,
        )
    except (MedhaviError, OSError) as failure:
        return problem_html(problem_of(failure))
    words = " ".join(
        f'"{one}"' if "|" in one or not one else one for one in (table, key, column)
    )
    command = f"medhavi lineage {words.strip()}{shown.source.option}"
    return (
        f"{lineage_html(found, shown.names)}"
        f'<p class="muted small"><code>{escape(command)}</code></p>'
    )
