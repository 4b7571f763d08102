"""What the cockpit shows: figures over published plans, exceptions and their owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import grid_button
from medhavi.service.page_data import bench_of, html, picture, problem_of
from medhavi.service.page_table import grid, linked, page_table
from medhavi.service.plan_pages.approver_names import last_approver, remember_approver
from medhavi.service.plan_pages.plan_page import EditResult
from medhavi.service.plan_pages.plan_standing import published_of
from medhavi.units import from_seconds
from medhavi.views import grid_columns, page
from medhavi.views.names import count, money, when
from medhavi.views.order_grid import partner_links
from medhavi.views.order_list import clock, due_clock
from medhavi.views.pictures.network import network_chart
from medhavi.views.plan_pages import cockpit
from medhavi.views.words import say
from medhavi.workbench import plan_pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

_maps: AnswerCache[Picture | None] = AnswerCache(4)
_HIDDEN = ("Key", grid_columns.STATE, grid_columns.DEMAND)
STATES = {
    grid_columns.TO_DO: cockpit.OPEN,
    grid_columns.DONE: cockpit.DONE,
    grid_columns.ALL: cockpit.ALL,
}
TABS = (
    say("exceptions"),
    say("service_forecast"),
    say("promised_dates_missed"),
    say("tab_network"),
    say("tab_events"),
)
"""Parts of the page."""
ASSIGN, SETTLE, REOPEN = say("assign_or_note"), "done", "open again"


def reviews_of(shown: PlanPage) -> dict[str, tuple[bool, str, str]]:
    """Whether each exception is done, who has it and what was noted, by its key."""
    bench = bench_of(shown.source)
    return {} if bench is None else plan_pack.told_reviews(bench.exception_reviews())


def pack_download(shown: PlanPage) -> mo.Html:
    """Button that writes the meeting pack of the plan as PDF."""
    import marimo as mo

    plan, snapshot = shown.plan, shown.snapshot
    assert plan is not None
    assert snapshot is not None

    def content() -> bytes:
        from medhavi.service.jobs.plan_jobs import kept_front
        from medhavi.views.plan_pages.meeting_pack import meeting_pack

        front = kept_front(shown.source)
        facts = None if front is None else front.run.snapshot_fingerprint
        return meeting_pack(
            plan,
            snapshot,
            published=plan_pack.published_figures(plan, published_of(shown)),
            reviews=reviews_of(shown),
            front=front if facts == snapshot.fingerprint else None,
            source=str(shown.source),
        )

    return mo.download(
        content, filename="meeting-pack.pdf", label=say("meeting_pack_pdf")
    )


def inbox_of(shown: PlanPage, state: str) -> pl.DataFrame:
    """Exceptions in a state, see `cockpit.inbox_rows`."""
    plan, snapshot = shown.plan, shown.snapshot
    assert plan is not None
    assert snapshot is not None
    costs = dict(snapshot["products"].select("product", "unit_cost").iter_rows())
    return cockpit.inbox_rows(plan, costs, shown.names, reviews_of(shown), state)


def inbox_table(rows: pl.DataFrame, names: Names) -> mo.ui.table | None:
    """Exceptions to choose from; None where no row is listed."""
    if rows.is_empty():
        return None
    return grid(
        rows,
        first=grid_columns.WHAT,
        formats={
            grid_columns.FIRST: clock,
            grid_columns.WORTH: lambda worth: (
                money(worth, names.currency) if worth else ""
            ),
        },
        right=(grid_columns.TIMES, grid_columns.WORTH),
        hidden_columns=list(_HIDDEN),
        column_widths={
            grid_columns.WHAT: 140,
            grid_columns.ORDER: 92,
            grid_columns.ITEM: 125,
            grid_columns.WHERE: 60,
            grid_columns.FIRST: 128,
            grid_columns.TIMES: 48,
            grid_columns.WORTH: 66,
            grid_columns.ASSIGNED_TO: 95,
            grid_columns.NOTE: 110,
        },
    )


def inbox_part(table: mo.ui.table, names: Names) -> mo.Html:
    """Exceptions with their file."""
    import marimo as mo

    units = {grid_columns.WORTH: names.currency}
    file = grid_button(table, "Exceptions", units, _HIDDEN)
    return mo.vstack([table, file], gap=0)


def review_form(given: Mapping[str, str]) -> mo.ui.form[Any, Any]:
    """Ask who takes care of chosen exceptions, for a note, or whether they are done.

    Parameters
    ----------
    given
        What was refused, to be asked for again; empty at first.
    """
    import marimo as mo

    action = mo.ui.dropdown(
        [ASSIGN, SETTLE, REOPEN], value=given.get("action", ASSIGN), label=say("mark")
    )
    assignee, note, approver = (
        mo.ui.text(given.get(name, known), label=label, placeholder=hint)
        for name, known, label, hint in (
            ("assignee", "", grid_columns.ASSIGNED_TO, "a name"),
            ("note", "", grid_columns.NOTE, say("found_or_agreed")),
            ("approver", last_approver(), say("label_your_name"), say("your_name")),
        )
    )
    return (
        mo.md("{action} {assignee} {note} {approver}")
        .batch(action=action, assignee=assignee, note=note, approver=approver)
        .form(submit_button_label=say("record"))
    )


def review(
    shown: PlanPage,
    keys: Sequence[str],
    form: Mapping[str, Any],
) -> EditResult:
    """Record a review of the chosen exceptions; a refusal is told in words.

    A field that is left empty keeps what was said before.
    """
    bench = bench_of(shown.source)
    if bench is None:
        text = shown.source.unbound or say("reviews_need_a_lake")
        return EditResult(title=say("nothing_can_be_kept"), text=text, kept=False)
    approver = form["approver"]
    if not keys:
        text = say("tick_rows")
        return EditResult(title=say("no_exception_is_chosen"), text=text, kept=False)
    try:
        bench.review_exceptions(
            keys,
            approver=approver,
            assignee=form["assignee"] or None,
            note=form["note"] or None,
            done={SETTLE: True, REOPEN: False}.get(form["action"]),
            as_of=None if shown.plan is None else shown.plan.run.as_of,
        )
    except (MedhaviError, OSError) as failure:
        wrong = problem_of(failure)
        return EditResult(title=wrong.title, text=wrong.text, kept=False)
    remember_approver(approver)
    many = "exception" if len(keys) == 1 else "exceptions"
    return EditResult(
        title=say("recorded"), text=f"{len(keys)} {many}, by {approver}.", kept=True
    )


def links_html(key: str) -> str:
    """Links to what an exception is about."""
    return page.drawer_head(page.link_row(cockpit.exception_links(key)))


def network_part(shown: PlanPage, plan: Plan) -> mo.Html:
    """Map of the network, drawn once for each plan and its tables."""
    assert shown.snapshot is not None
    snapshot, names = shown.snapshot, shown.names
    drawn = _maps.get(
        (plan.fingerprint, snapshot.fingerprint),
        lambda: network_chart(plan, snapshot, names),
    )
    return picture(drawn, say("no_map"), say("add_latitude_and_longitude"))


def promise_table(shown: PlanPage, plan: Plan) -> mo.Html:
    """Promised order lines that the plan does not keep."""
    import marimo as mo

    assert shown.snapshot is not None
    rows = cockpit.promises_missed(plan, shown.snapshot, shown.names)
    if rows.is_empty():
        return html(
            page.empty(say("every_promise_is_kept"), say("no_promised_order_line"))
        )
    currency = shown.names.currency
    promised = shown.snapshot["demands"]["promised"].drop_nulls().len()
    told = say(
        "promised_dates_missed_words",
        rows.height,
        count(promised, "order line"),
        cockpit.others_missed_words(plan, shown.snapshot),
        "/promise/?tab=promises-at-risk",
    )
    table = page_table(
        rows,
        say("promised_dates_missed"),
        units={grid_columns.MONEY: currency},
        formats={
            **linked(rows, partner_links(shown.snapshot, shown.names)),
            grid_columns.PROMISED: due_clock,
            grid_columns.PLANNED: clock,
            grid_columns.MONEY: lambda value: money(value, currency),
        },
        right=[grid_columns.MONEY],
        page_size=10,
    )
    return mo.vstack([html(f"<p>{told}</p>"), table], gap=0)


def event_table(shown: PlanPage) -> mo.Html:
    """Facts of the last day and week by kind."""
    import marimo as mo

    plan = shown.plan
    if not shown.source.lake or plan is None or plan.run.as_of is None:
        return html(page.empty(say("no_event_log"), say("folder_without_history")))
    events = (
        Lake(shown.source.lake)
        .table("bronze.events")
        .select("type", "occurred_at", "recorded_at")
        .collect()
    )
    now = from_seconds(plan.run.as_of)
    rows = cockpit.event_rows(
        events, {grid_columns.LAST_DAY: 1, grid_columns.LAST_7_DAYS: 7}, now
    )
    zone = shown.names.zone
    rows = rows.with_columns(
        pl.col(grid_columns.LAST_RECORDED)
        .dt.convert_time_zone(zone)
        .dt.replace_time_zone(None),
        pl.col(grid_columns.EVENT)
        .str.replace_all("([a-z])([A-Z])", "${1} ${2}")
        .str.to_lowercase(),
    )
    right = [grid_columns.LAST_DAY, grid_columns.LAST_7_DAYS]
    table = page_table(
        rows,
        "Events",
        formats={grid_columns.LAST_RECORDED: clock},
        right=right,
        widths={grid_columns.EVENT: 260, **dict.fromkeys(rows.columns[1:], 160)},
    )
    told = say("events_until_the_plan", when(now, zone))
    return mo.vstack([html(f'<p class="muted small">{told}</p>'), table], gap=0)
