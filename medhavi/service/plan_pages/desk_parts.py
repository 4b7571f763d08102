"""Widgets of the planner's desk: which remedy to try, which order, which decision."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.results.plans.lateness import late_demands
from medhavi.service.downloads import grid_button
from medhavi.service.page_data import PageProblem, html, picture, problem_html, said
from medhavi.service.page_table import grid
from medhavi.service.plan_pages import plan_page
from medhavi.service.plan_pages.remedy_edits import answer_of, rows_file
from medhavi.views import grid_columns, order_list
from medhavi.views.changed_cells import rows_html
from medhavi.views.names import money, when
from medhavi.views.order_list import clock, dearest_exceptions, plain
from medhavi.views.pictures.lateness import plan_remedies_html
from medhavi.views.pictures.run_steps import cost_chart, coverage_chart, steps_html
from medhavi.views.promises.words import remedy_words
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.service.page_data import PageWithSource
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.decision_words import PreviewResult
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_page import Decision, EditResult
    from medhavi.service.plan_pages.remedy_edits import Rows
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.workbench.orders.plan_edit_answers import EditRecord

WHOLE_PLAN = say("all_late_demands")
"""Choice of remedies for no demand in particular."""
HOW_TO_DO = f'<p class="muted small">{say("its_cost_and_the_demands")}</p>'
MOST_LATE = 200
MOST_BUTTONS = 5
PREVIEW = "Preview"


def step_parts(plan: Plan) -> list[mo.Html]:
    """How a run of mode optimize came to its plan: pictures, and a line a plan."""
    drawn = (cost_chart(plan), coverage_chart(plan))
    nothing = say("no_steps_in_this_run"), say("plan_again_for_steps")
    if drawn[0] is None:
        return [picture(None, *nothing)]
    shown = [picture(one, *nothing) for one in drawn if one is not None]
    return [*shown, html(steps_html(plan))]


def remedy_form(
    plan: Plan, names: Names, late: Sequence[str] = (), *, others: bool = False
) -> mo.ui.form[Any, Any]:
    """Ask for which late demand how many changes may be tried.

    Parameters
    ----------
    late
        Demands of which one may be asked, the first unless another is chosen.
    others
        The plan as a whole and its other late demands may be asked as well.
    """
    import marimo as mo

    options: dict[str, str | None] = {names.name(one): one for one in late}
    if others:
        every = late_demands(plan)["demand"].head(MOST_LATE)
        options[WHOLE_PLAN] = None
        options |= {names.name(one): one for one in every}
    return (
        mo.md("{demand} {tries}")
        .batch(
            demand=mo.ui.dropdown(
                options,
                value=next(iter(options)),
                searchable=True,
                label=say("for"),
            ),
            tries=mo.ui.number(
                start=1, stop=60, value=24, step=1, label=say("changes_to_try")
            ),
        )
        .form(submit_button_label=say("try_remedies"), bordered=False)
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
    return f"{say('reschedule_in') if forward else say('reschedule_out')} to {there}:"


def remedies_of(
    shown: PlanPage, asked: Mapping[str, Any], names: Names
) -> tuple[Sequence[PlanRemedy], mo.ui.dropdown | None, mo.Html]:
    """Remedies that a form asks for: all, the choice of one, and the list.

    There is no choice where nothing was found, and while they are tried; the list then
    says so.
    """
    tried = plan_page.tried_remedies(shown, asked["demand"], int(asked["tries"]))
    if isinstance(tried, PageProblem):
        return (), None, html(problem_html(tried))
    found = tried.found
    told = html(plan_remedies_html(found, names, tried.texts))
    return found, remedy_pick(found, names), told


def remedy_pick(tried: Sequence[PlanRemedy], names: Names) -> mo.ui.dropdown | None:
    """Ask which of the remedies is looked at; None where there is none."""
    import marimo as mo

    options = {
        f"{number}: {remedy_words(one, names)}": number - 1
        for number, one in enumerate(tried, start=1)
    }
    if not options:
        return None
    return mo.ui.dropdown(
        options, value=next(iter(options)), label=say("preview_one_of_them")
    )


def remedy_line(
    remedy: PlanRemedy,
    snapshot: Snapshot,
    names: Names,
    chosen: Callable[[dict[str, Any] | None], None],
) -> tuple[mo.ui.button | None, mo.Html]:
    """Button of a remedy that an edit does, and its rows.

    Parameters
    ----------
    chosen
        Called with the edit whose button is pressed.

    Returns
    -------
    tuple
        Button, None where no edit does it; and what it is about.
    """
    import marimo as mo

    answer = answer_of(remedy.rows, snapshot)
    button, why = None, ""
    if answer.edit is None:
        why = f'<span class="muted">{escape(answer.why)}</span>'
    else:
        edit = {**answer.edit, "reason": remedy_words(remedy, names)}
        button = mo.ui.button(label=PREVIEW, on_change=lambda _: chosen(edit))
    rows = html(rows_html(remedy.rows, snapshot, names))
    kept = mo.vstack([rows, rows_download(remedy.rows, snapshot)])
    return button, mo.vstack(
        [*([html(why)] if why else []), mo.accordion({grid_columns.ITS_ROWS: kept})],
        gap=0,
    )


def remedy_part(
    pick: mo.ui.dropdown, line: tuple[mo.ui.button | None, mo.Html]
) -> mo.Html:
    """Choice of a remedy, the one that is looked at, and how it is done."""
    import marimo as mo

    return mo.vstack([pick, beside(line), html(HOW_TO_DO)], gap=0.5)


def beside(line: tuple[mo.ui.button | None, mo.Html]) -> mo.Html:
    """Button with its words beside it; without a button the words alone."""
    import marimo as mo

    button, words = line
    if button is None:
        return words
    return mo.hstack([button, words], justify="start", align="start", widths=[0, 1])


def outcome(
    shown: PageWithSource,
    decision: Decision | None,
    settle: Callable[[EditResult], object],
    record: Callable[[Any, Any], EditResult | PageProblem] | None = None,
) -> mo.Html | None:
    """What became of a decision, or how far it is; None: nothing was decided yet.

    Parameters
    ----------
    settle
        Called once, when it is recorded or refused.
    record
        Records it; by default an edit of a plan.
    """
    if decision is None:
        return None
    if decision.done is None:
        done = (record or plan_page.recorded)(shown, decision)
        if isinstance(done, PageProblem):
            return html(problem_html(done))
        decision.done = done
        settle(done)
    return said(decision.done)


def undo_button(
    decision: Decision | None, approver: str, decide: Callable[[Decision], None]
) -> mo.ui.button | None:
    """Take back the decision that was just recorded; None: there is none.

    Parameters
    ----------
    decide
        Called with the decision that takes it back.
    """
    import marimo as mo

    done = None if decision is None else decision.done
    if done is None or not done.edit:
        return None
    back = plan_page.Decision(approver=approver, taken=done.edit)
    return mo.ui.button(
        label=say("undo_this_decision"), on_change=lambda _: decide(back)
    )


def undo_row(
    past: Sequence[EditRecord],
    approver: Approver,
    back: mo.ui.run_button,
    *beside: Any,
) -> list[mo.Html]:
    """Row that takes the last decision back, where one stands, and what is beside."""
    import marimo as mo

    undo = [approver.field(), back] if any(one.stands for one in past) else []
    parts = [*undo, *beside]
    return [mo.hstack(parts, justify="start", wrap=True)] if parts else []


def is_ready(asked: PreviewResult) -> bool:
    """Whether an edit that was asked for can be approved."""
    return asked.preview is not None and asked.preview.ready


def rows_download(rows: Rows, snapshot: Snapshot) -> mo.Html:
    """Offer the rows of a remedy as a workbook."""
    import marimo as mo

    file = mo.download(
        lambda: rows_file(rows, snapshot),
        filename="remedy-rows.xlsx",
        label=say("rows_as_xlsx"),
    )
    return mo.hstack([file], justify="start")


def exception_table(rows: pl.DataFrame, code: str | None) -> mo.Html:
    """Show rows of exceptions; `code` is the kind of all of them, None: several."""
    import marimo as mo

    # One kind needs no column that says it.
    hidden = {"Ids", grid_columns.HOURS} | ({grid_columns.WHAT} if code else set())
    table = grid(
        rows,
        first=grid_columns.PRODUCT if code else grid_columns.WHAT,
        formats={
            grid_columns.DATE: clock,
            grid_columns.QUANTITY: plain,
            grid_columns.HOURS: plain,
        },
        selection=None,
        page_size=6,
        hidden_columns=sorted(hidden),
        column_widths={
            grid_columns.WHAT: 165,
            grid_columns.ORDER: 120,
            grid_columns.PRODUCT: 160,
            grid_columns.WHERE: 80,
            grid_columns.DATE: 140,
            grid_columns.QUANTITY: 70,
            grid_columns.UNIT: 45,
            grid_columns.DETAIL: 175,
            grid_columns.DEMAND: 95,
        },
        hover_template="{{Ids}}",
    )
    file = grid_button(table, "Exceptions", {grid_columns.HOURS: "h"}, ("Ids",))
    return mo.vstack([table, file], gap=0)
