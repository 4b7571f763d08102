"""Widgets and parts of the scenarios page."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.service.page_data import html
from medhavi.service.page_table import page_table
from medhavi.service.scenario_pages.scenario_form import (
    change_form,
    change_words,
    chosen_by,
)
from medhavi.service.scenario_pages.scenario_page import (
    add_change,
    asked_demands,
    changed_name,
    file_rows,
)
from medhavi.views import grid_columns, page
from medhavi.views.names import money
from medhavi.views.order_list import clock, clocks
from medhavi.views.pictures.scenarios import demand_rows, order_rows, stays_words
from medhavi.views.words import say
from medhavi.workbench.studies.scenario_list import MOST_SCENARIOS, STUDY_COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.results.reports.scenario_comparison import ScenarioComparison
    from medhavi.scenarios import Scenario
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.remedy_edits import RemedyEdit
    from medhavi.service.scenario_pages.scenario_form import ChangeForm
    from medhavi.views.names import Names
    from medhavi.workbench.studies.scenario_list import ScenarioList

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


def form_of(
    kind: ChangeKind,
    shown: PlanPage,
    draft: ChangeForm,
    scenarios: Sequence[str],
    wanted: Wanted,
    send: Callable[[dict[str, object] | None], None],
) -> mo.ui.form[Any, Any]:
    """Form of a kind: what was sent of it, else subject and fields of the address.

    A name of the address is that of its first scenario; `scenarios` are there already.
    """
    assert shown.snapshot is not None
    if draft.kind != kind.name or not draft.values:
        values = _stated(shown, kind, wanted)
        if values.get("name") in scenarios:
            del values["name"]
        draft = replace(draft, values=values, problems={}, trouble="")
    return change_form(kind, shown.snapshot, shown.names, draft, scenarios, send)


def _stated(shown: PlanPage, kind: ChangeKind, wanted: Wanted) -> dict[str, str]:
    """Fields of a form that an address states."""
    assert shown.snapshot is not None
    stated = {one: wanted(one) for one in (*kind.parameters, "name") if wanted(one)}
    return {**stated, **chosen_by(shown.snapshot, kind, wanted("subject"))}


def stated_change(
    held: ScenarioList, shown: PlanPage, kind: ChangeKind, wanted: Wanted
) -> tuple[ScenarioList, ChangeForm, str]:
    """Add the change of an address, and the name of its scenario.

    A scenario that is there already with this change alone is looked at.
    """
    made, told = add_change(held, shown, kind.name, _stated(shown, kind, wanted))
    name = changed_name(held, made)
    fresh = next((one for one in made.scenarios if one.name == name), None)
    for one in held.scenarios:
        if fresh is not None and one.changes == fresh.changes:
            return held, told, one.name
    return made, told, name


def builder(
    choices: Sequence[mo.ui.dropdown], form: mo.ui.form[Any, Any], trouble: str
) -> mo.Html:
    """Choices above the form of a change, and what is wrong with all of it."""
    import marimo as mo

    parts = [mo.hstack(list(choices), justify="start", wrap=True, gap=2), form]
    if trouble:
        parts.append(html(page.problem(say("the_change_cannot_be_made"), trouble)))
    return mo.vstack(parts, gap=0.5)


def removals(
    held: ScenarioList, names: Names, hold: Callable[[ScenarioList], None]
) -> mo.ui.dictionary:
    """Buttons that take a scenario or one of its changes out of the list."""
    import marimo as mo

    def button(title: str, name: str, number: int | None) -> mo.ui.button:
        return mo.ui.button(
            label=say("remove"),
            tooltip=f"Remove {title}",
            on_click=lambda _: hold(held.without(name, number)),
        )

    made = {}
    for one in held.scenarios:
        made[one.name] = button(one.name, one.name, None)
        if len(one.changes) > 1:
            for at, change in enumerate(one.changes):
                title = change_words(change, names)
                made[f"{one.name}|{at}"] = button(title, one.name, at)
    return mo.ui.dictionary(made)


def list_parts(held: ScenarioList, names: Names, buttons: mo.ui.dictionary) -> mo.Html:
    """Scenarios with their changes, each beside its button."""
    import marimo as mo

    if held.trouble:
        told = names.told(held.trouble)
        return html(page.problem(say("the_address_names_no_scenarios"), told))
    if not held.scenarios:
        return html(
            page.empty(say("no_scenario_yet"), say("choose_a_change", MOST_SCENARIOS))
        )
    rows: list[Any] = []
    for one in held.scenarios:
        words = [change_words(change, names) for change in one.changes]
        alone = len(words) == 1
        told = f"<b>{escape(one.name)}</b>"
        if alone and words[0] != one.name:
            told += f' <span class="muted">{escape(words[0])}</span>'
        rows.append(_beside(told, buttons.elements[one.name]))
        if not alone:
            rows += [
                _beside(
                    f'<span class="muted">{escape(text)}</span>',
                    buttons.elements[f"{one.name}|{at}"],
                )
                for at, text in enumerate(words)
            ]
    return mo.vstack(rows, gap=0.25)


def _beside(text: str, button: mo.Html) -> mo.Html:
    import marimo as mo

    return mo.hstack(
        [button, html(text)], justify="start", align="center", gap=1, widths=[0, 1]
    )


def scenario_choice(
    found: Sequence[ScenarioComparison], wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the scenario that is looked at; the best where none is chosen."""
    import marimo as mo

    names = [one.name for one in found]
    asked = wanted("scenario")
    return mo.ui.dropdown(
        names,
        value=asked if asked in names else names[0],
        label=say("look_at"),
        on_change=lambda value: keep("scenario", value or ""),
    )


def _rows_table(rows: pl.DataFrame, name: str, forms: dict[str, Any]) -> Any:
    numbers = [one for one, dtype in rows.schema.items() if dtype.is_numeric()]
    return page_table(rows, name, formats=forms, right=numbers)


def demand_table(shown: PlanPage, scenario: Scenario, one: ScenarioComparison) -> Any:
    """Demands and promises whose date differs, as a table."""
    if one.demands.is_empty():
        return html(
            page.empty(say("no_date_differs"), say("every_demand_is_delivered"))
        )
    names = shown.names
    rows = demand_rows(one, names, asked_demands(shown, scenario))
    dates = (
        *(grid_columns.DUE, grid_columns.PROMISED),
        *(grid_columns.DATE_TODAY, grid_columns.DATE_THEN),
    )
    forms = {
        **clocks(dates),
        grid_columns.MONEY: lambda value: money(value, names.currency),
    }
    return _rows_table(rows, grid_columns.DEMANDS, forms)


def order_table(one: ScenarioComparison, names: Names) -> Any:
    """Orders that are new, gone, moved or resized, as a table."""
    import marimo as mo

    if one.orders.is_empty():
        return html(page.empty(say("no_order_differs"), say("every_order_stays")))
    dates = (grid_columns.DATE_TODAY, grid_columns.DATE_THEN)
    rows = order_rows(one.orders, names)
    table = _rows_table(rows, grid_columns.ORDERS, dict.fromkeys(dates, clock))
    told = html(f'<p class="muted">{escape(stays_words(one))}</p>')
    return mo.vstack([told, table], gap=0.5)


def accept_parts(
    answer: RemedyEdit, shown: PlanPage, scenario: Scenario, preview: mo.ui.button
) -> mo.Html:
    """How a scenario is put in force: an edit with its price, or its rows as a file."""
    import marimo as mo

    file = mo.download(
        lambda: file_rows(shown, scenario),
        filename="changed-rows.xlsx",
        label=say("the_changed_rows"),
    )
    if answer.edit is None:
        told = page.empty(say("no_edit_does_it"), answer.why)
        return mo.vstack([html(told), file], gap=1)
    words = f'<p class="muted">{say("the_rows_of_the_scenario")}</p>'
    return mo.vstack(
        [html(words), mo.hstack([preview, file], justify="start", wrap=True)], gap=1
    )


def study_parts(text: str) -> mo.Html:
    """Study file of the page, the command that repeats it, and its download."""
    import marimo as mo

    words = f"<p>{say('save_it_as_scenarios_toml', STUDY_COMMAND)}</p>"
    shown = f"{words}<pre><code>{escape(text)}</code></pre>"
    file = mo.download(
        text.encode(), filename="scenarios.toml", label=say("the_study_file")
    )
    return mo.vstack([html(f'<div class="mv-list">{shown}</div>'), file], gap=1)
