"""Lineage of a number on the page of the data: what is asked for, and the answer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.schema import tables
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


def lineage_form(
    shown: PlanPage, state: DataState, wanted: Wanted, keep: Keep
) -> mo.ui.form[Any, Any]:
    """Ask for a table, the key of a row, and a column; the address keeps them."""
    import marimo as mo

    filled = [name for name, frame in state.snapshot.tables.items() if frame.height]
    options = [*(FIGURES if shown.plan else ()), *filled]

    def store(form: Mapping[str, Any] | None) -> None:
        for name, value in (form or {}).items():
            keep(name, value or "")

    at = wanted("of")
    return (
        mo.md("{of} {key} {column}")
        .batch(
            of=mo.ui.dropdown(
                options,
                value=at if at in options else None,
                label=say("table"),
                searchable=True,
            ),
            key=mo.ui.text(wanted("key"), label=say("key_between_parts")),
            column=mo.ui.text(
                wanted("column"), label=say("column"), placeholder=say("empty_is_row")
            ),
        )
        .form(
            submit_button_label=say("show_its_lineage"), bordered=False, on_change=store
        )
    )


def asked_of(form: Mapping[str, Any] | None, wanted: Wanted) -> tuple[str, str, str]:
    """Table, key and column that the form, else the address, asks for."""
    if form is not None:
        return form["of"] or "", form["key"].strip(), form["column"].strip()
    return wanted("of"), wanted("key"), wanted("column")


def answer_html(shown: PlanPage, asked: tuple[str, str, str], wanted: Wanted) -> str:
    """Lineage that is asked for, with its command, or why there is none."""
    table, key, column = asked
    if not shown.source.lake:
        return page.empty(say("files_have_no_events"), say("files_hold_numbers"))
    if not table:
        return page.empty(
            say("no_number_is_chosen"),
            say("choose_a_number", escape("|".join(tables()["supply_terms"].key[:3]))),
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
