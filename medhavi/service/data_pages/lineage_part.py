"""Lineage of a number on the page of the data: what is asked for, and the answer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.schema import tables
from medhavi.service.data_pages.cell_form import (
    column_field,
    filled_tables,
    row_field,
    table_field,
)
from medhavi.service.page_data import problem_html, problem_of, read_moment
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.views import page
from medhavi.views.data_pages.lineage_words import lineage_html
from medhavi.views.words import say
from medhavi.workbench.lake_reading import FIGURES, lineage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.service.data_pages.data_page import DataState
    from medhavi.service.plan_pages.plan_loading import PlanPage

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


_PLANNED = {
    say("lineage_of_supplies"): "supplies",
    say("lineage_of_fulfilment"): "fulfilment",
    say("lineage_of_kpis"): "kpis",
}


def table_choice(
    shown: PlanPage, state: DataState, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the table of a number: of the plan or of what it was made from."""
    options = {**(_PLANNED if shown.plan else {}), **filled_tables(state)}
    return table_field(options, wanted("of"), lambda name: keep("of", name))


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
            column=column_field(
                [name for name in frame.columns if name not in key],
                wanted("column") if here else "",
                none=say("the_whole_row"),
            ),
        )
        .form(
            submit_button_label=say("show_its_lineage"), bordered=False, on_change=store
        )
    )


def asked_of(
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


def answer_html(shown: PlanPage, asked: tuple[str, str, str], wanted: Wanted) -> str:
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
