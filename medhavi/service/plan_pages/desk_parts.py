"""Widgets of the planner's desk: which remedy to try, which order, which decision."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.edits.edit import EDITS
from medhavi.results.exceptions import ExceptionCode
from medhavi.service.page_data import html
from medhavi.service.plan_pages import plan_page
from medhavi.service.plan_pages.desk_words import answer_of, rows_file
from medhavi.views import order_list
from medhavi.views.changed_cells import rows_html
from medhavi.views.names import money, when
from medhavi.views.order_list import clock, dearest_exceptions, exception_rows, plain
from medhavi.views.pictures.lateness import late_demands, remedy_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.desk_words import Rows
    from medhavi.service.plan_pages.plan_page import EditSession, PreviewResult
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

WHOLE_PLAN = "all late demands"
"""Choice of remedies for no demand in particular."""
HOW_TO_DO = (
    "<h3>Preview one of them</h3><p class='muted small'>Its cost and the demands it "
    "affects then stand under <a href='#decide' target='_self'>Edit order</a>, where "
    "it is approved. Changes that no edit makes go as a file to the owner of the rows."
    "</p>"
)
MOST_POINTS = 500
MOST_LATE = 200
MOST_BUTTONS = 8
PREVIEW = "Preview"
DECISIONS = {kind.choice: kind.name for kind in EDITS.values() if kind.choice}
"""Edits that planners choose, by the words of the choice."""


def remedy_form(plan: Plan, names: Names) -> mo.ui.form[Any, Any]:
    """Ask for which late demand how many changes may be tried."""
    import marimo as mo

    late = late_demands(plan)["demand"].head(MOST_LATE)
    return (
        mo.md("{demand} {tries}")
        .batch(
            demand=mo.ui.dropdown(
                {WHOLE_PLAN: None, **{names.name(one): one for one in late}},
                value=WHOLE_PLAN,
                searchable=True,
                label="For",
            ),
            tries=mo.ui.number(start=1, stop=60, value=24, step=1, label="Changes"),
        )
        .form(submit_button_label="Try remedies", bordered=False)
    )


def order_filter(
    plan: Plan,
    names: Names,
    wanted: Callable[[str], str],
    keep: Callable[[str, str], None],
) -> mo.ui.dictionary:
    """Ask for kind, status, product and number; `keep` writes it to the address."""
    import marimo as mo

    products = sorted(plan.supplies["product"].unique())
    offered = {
        "kind": {one: one for one in order_list.KINDS},
        "status": {one: one for one in order_list.statuses(plan)},
        "product": {names.both(one): one for one in products},
    }

    def pick(name: str, options: dict[str, str]) -> mo.ui.dropdown:
        chosen = next((k for k, v in options.items() if v == wanted(name)), None)
        return mo.ui.dropdown(
            options,
            value=chosen,
            searchable=True,
            allow_select_none=True,
            label=name.capitalize(),
            on_change=lambda value: keep(name, value or ""),
        )

    number = mo.ui.text(
        value=wanted("order"),
        placeholder="part of a number",
        label="Order",
        on_change=lambda value: keep("order", value),
    )
    picks = {name: pick(name, opts) for name, opts in offered.items()}
    return mo.ui.dictionary({**picks, "order": number})


def order_table(rows: pl.DataFrame, session: EditSession) -> mo.ui.table:
    """Show orders; one may be chosen, and the one chosen before is."""
    import marimo as mo

    ids = rows["Id"].to_list()

    def choose(chosen: Any) -> None:
        session.choose(next(iter(chosen["Id"]), None) if len(chosen) else None)

    return mo.ui.table(
        rows,
        selection="single",
        initial_selection=[ids.index(session.supply)] if session.supply in ids else [],
        on_change=choose,
        page_size=12,
        show_column_summaries=False,
        show_data_types=False,
        # A proposal's id says nothing to anybody; decisions need it.
        hidden_columns=["Id"],
        wrapped_columns=["Product", "From", "Start", "Finish", "Status", "Order"],
        column_widths={
            "Order": 95,
            "Kind": 55,
            "Product": 160,
            "Where": 75,
            "From": 120,
            "Quantity": 75,
            "Start": 138,
            "Finish": 138,
            "Status": 85,
            "For": 45,
        },
        format_mapping={"Start": clock, "Finish": clock, "Quantity": plain},
        label="Orders",
    )


def answer_buttons(
    plan: Plan,
    names: Names,
    costs: Mapping[str, float],
    code: str | None,
    chosen: Callable[[dict[str, Any] | None], None],
) -> list[tuple[mo.ui.button, mo.Html]]:
    """Button an exception that one edit answers, the most money first.

    Parameters
    ----------
    costs
        Unit cost by product.
    code
        Only these exceptions; None: all that can be answered.
    chosen
        Called with the edit that answers the exception whose button is pressed.

    Returns
    -------
    list of tuple
        Button and what it does. A button that no name of the page holds is dead.
    """
    import marimo as mo

    wanted = [one for one in plan_page.DO_IT if code in (None, one)]
    rows = list(
        filter(plan_page.answerable(plan), dearest_exceptions(plan, costs, wanted))
    )

    def line(row: dict[str, Any]) -> tuple[mo.ui.button, mo.Html]:
        edit = plan_page.answer_to(row, plan.run.as_of)
        button = mo.ui.button(label=PREVIEW, on_change=lambda _: chosen(edit))
        words = (
            f"<b>{escape(_answer(row, names))}</b> "
            f"{escape(order_list.order_words(plan, row['supply'], names))}"
            f'<span class="muted">, worth {escape(money(row["worth"], names.currency))}'
            "</span>"
        )
        return button, html(words)

    return [line(row) for row in rows[:MOST_BUTTONS]]


def _answer(row: Mapping[str, Any], names: Names) -> str:
    """What a button does."""
    if row["code"] == "Cancel":
        return "Cancel it:"
    there = when(row["suggested_date"], names.zone_of(row["location"]))
    forward = row["suggested_date"] < row["date"]
    return f"{'Bring it forward' if forward else 'Put it off'} to {there}:"


def decision_form(
    plan: Plan,
    names: Names,
    session: EditSession,
    submitted: Callable[[dict[str, Any]], None],
) -> mo.ui.form[Any, Any]:
    """Ask what to do with the chosen order, or which exception to answer.

    Parameters
    ----------
    session
        What was chosen before; the form begins with it.
    submitted
        Called with the edit that the form asks for.
    """
    import marimo as mo

    points = {
        _point(plan, row, names): row
        for row in filter(
            plan_page.answerable(plan), plan.exceptions.iter_rows(named=True)
        )
    }
    before = session.form
    words = {kind: text for text, kind in DECISIONS.items()}

    def send(form: dict[str, Any] | None) -> None:
        if form is not None:
            submitted(decision(session.send(form), plan.run.as_of))

    return (
        mo.md("{point}\n\n{kind} {due} {parts} {qty} {source}")
        .batch(
            point=mo.ui.dropdown(
                dict(list(points.items())[:MOST_POINTS]),
                searchable=True,
                allow_select_none=True,
                label="Do what an exception suggests, or",
                full_width=True,
            ),
            kind=mo.ui.dropdown(
                DECISIONS,
                value=words.get(before.get("kind", ""), "make it firm"),
                label="the order:",
            ),
            due=mo.ui.text(
                value=before.get("due") or "",
                label="to (local)",
                placeholder="2026-12-04 14:00",
            ),
            parts=mo.ui.text(
                value=before.get("parts") or "", label="parts", placeholder="40 60"
            ),
            qty=mo.ui.number(
                start=0.0, value=before.get("qty") or 0.0, label="quantity"
            ),
            source=mo.ui.text(
                value=before.get("source") or "",
                label="source",
                placeholder="supplier, routing or lane",
            ),
        )
        .form(submit_button_label="Preview", bordered=True, on_change=send)
    )


def _point(plan: Plan, row: dict[str, Any], names: Names) -> str:
    order = order_list.order_words(plan, row["supply"], names)
    return f"{ExceptionCode(row['code']).headline}: {order}"


def decision(form: Mapping[str, Any], as_of: int | None) -> dict[str, Any]:
    """Edit that a form asks for, or that answers the exception it names."""
    if form["point"] is not None:
        return plan_page.answer_to(form["point"], as_of) or {}
    return {**form, "qty": form["qty"] or None}


def remedy_lines(
    tried: Sequence[PlanRemedy],
    snapshot: Snapshot,
    names: Names,
    chosen: Callable[[dict[str, Any] | None], None],
) -> list[tuple[mo.ui.button | None, mo.Html]]:
    """Button each remedy that an edit does, and the rows of every one.

    Parameters
    ----------
    chosen
        Called with the edit whose button is pressed.

    Returns
    -------
    list of tuple
        Button, None where no edit does it; and what it is about.
    """
    import marimo as mo

    def line(one: PlanRemedy) -> tuple[mo.ui.button | None, mo.Html]:
        answer = answer_of(one.rows, snapshot)
        words = f"<b>{escape(remedy_text(one, names))}</b>"
        button = None
        if answer.edit is None:
            words += f' <span class="muted">{escape(answer.why)}</span>'
        else:
            edit = dict(answer.edit)
            button = mo.ui.button(label=PREVIEW, on_change=lambda _: chosen(edit))
        rows = html(rows_html(one.rows, snapshot, names))
        shown = mo.vstack(
            [
                html(words),
                mo.accordion(
                    {"Its rows": mo.vstack([rows, rows_download(one.rows, snapshot)])}
                ),
            ],
            gap=0,
        )
        return button, shown

    return [line(one) for one in tried]


def beside(line: tuple[mo.ui.button | None, mo.Html]) -> mo.Html:
    """Button with its words beside it; without a button the words alone."""
    import marimo as mo

    button, words = line
    if button is None:
        return words
    return mo.hstack([button, words], justify="start", align="start", widths=[0, 1])


def is_ready(asked: PreviewResult) -> bool:
    """Whether an edit that was asked for can be approved."""
    return asked.preview is not None and asked.preview.ready


def rows_download(rows: Rows, snapshot: Snapshot) -> mo.Html:
    """Offer the rows of a remedy as a workbook."""
    import marimo as mo

    file = mo.download(
        lambda: rows_file(rows, snapshot),
        filename="remedy-rows.xlsx",
        label="The rows, xlsx",
    )
    return mo.hstack([file], justify="start")


def exception_table(plan: Plan, names: Names, code: str | None) -> mo.ui.table:
    """Show the exceptions of a kind, or all."""
    import marimo as mo

    return mo.ui.table(
        exception_rows(plan, names, code),
        selection=None,
        page_size=12,
        show_column_summaries=False,
        show_data_types=False,
        # One kind needs no column that says it.
        hidden_columns=["Ids", "What"] if code else ["Ids"],
        wrapped_columns=["What", "Product", "Detail"],
        column_widths={
            "What": 170,
            "Product": 190,
            "Where": 85,
            "Date": 142,
            "Quantity": 75,
            "Hours": 60,
            "Detail": 220,
            "Demand": 110,
        },
        format_mapping={"Date": clock, "Quantity": plain, "Hours": plain},
        hover_template="{{Ids}}",
    )
