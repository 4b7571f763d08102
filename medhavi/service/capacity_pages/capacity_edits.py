"""Edits that the capacity page prices: an order moves, a resource is down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.service.page_data import PageProblem, html, problem_of, read_moment
from medhavi.service.plan_pages import desk_words, plan_page
from medhavi.views import order_list, page
from medhavi.views.plan_pages.capacity_words import sources_of
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.capacity_pages.capacity_page import CapacityWindow
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_page import PreviewResult
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Form = Mapping[str, Any]

BEGIN, FINISH, SOURCE = "begin at", "finish by", say("come_from_another_source")
PRICE = "Price it"
UNLIMITED = f'<p class="muted">{say("mrp_plans_without_limits")}</p>'
"""What the price of an edit leaves out in mode mrp."""


def move_form(
    plan: Plan,
    snapshot: Snapshot,
    view: CapacityWindow,
    names: Names,
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any] | None:
    """Ask when the chosen order shall begin or finish, or from which source it comes.

    None where no order is chosen.
    """
    import marimo as mo

    orders = plan.supplies.filter(pl.col("id") == view.order).to_dicts()
    if not orders:
        return None
    order = orders[0]
    others = {
        names.name(source): source
        for source, _ in sources_of(snapshot, order["product"], order["location"])
        if source != order["source"]
    }
    kinds = [BEGIN, FINISH, *([SOURCE] if others else [])]
    zone = names.zone_of(view.resource)
    return (
        mo.md("{kind} {moment} {source}" if others else "{kind} {moment}")
        .batch(
            kind=mo.ui.dropdown(kinds, value=BEGIN, label=say("the_order_shall")),
            moment=mo.ui.text(label=f"time ({zone})", placeholder="2026-12-04 14:00"),
            **(
                {
                    "source": mo.ui.dropdown(
                        others, label="source", allow_select_none=True
                    )
                }
                if others
                else {}
            ),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def moved(form: Form, view: CapacityWindow, names: Names) -> dict[str, Any]:
    """Edit that the form of a move asks for.

    Raises
    ------
    UsageError
        The time cannot be read, or no source is named.
    """
    if form["kind"] == SOURCE:
        if not form["source"]:
            message = "Choose the source that the order shall come from."
            raise UsageError(message)
        return {"kind": "change_source", "supply": view.order, "source": form["source"]}
    begins = form["kind"] == BEGIN
    moment = read_moment(
        form["moment"], names.zone_of(view.resource), "begin" if begins else "end"
    )
    if moment is None:
        message = "Enter the time, like 2026-12-04 14:00."
        raise UsageError(message)
    name = "start" if begins else "due"
    return {"kind": "move", "supply": view.order, name: moment.isoformat()}


def downtime_form(
    ranked: Sequence[str],
    view: CapacityWindow,
    names: Names,
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask from when to when a resource is down, and how many of its units work on."""
    import marimo as mo

    return (
        mo.md("{resource} {begin} {end} {units}")
        .batch(
            resource=mo.ui.dropdown(
                {names.name(one): one for one in ranked},
                value=names.name(view.resource),
                searchable=True,
                label="Resource",
            ),
            begin=mo.ui.text(label="down from (local)", placeholder="2026-12-04 06:00"),
            end=mo.ui.text(label="to (local)", placeholder="2026-12-05"),
            units=mo.ui.number(
                start=0, value=0, step=1, label=say("units_that_work_on")
            ),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def downtime(form: Form, names: Names) -> dict[str, Any]:
    """Edit that takes units of a resource for a time: a dated row of `resource_units`.

    Raises
    ------
    UsageError
        A time is missing or cannot be read, or the end is not after the begin.
    """
    zone = names.zone_of(form["resource"])
    begin = read_moment(form["begin"], zone, "begin")
    end = read_moment(form["end"], zone, "end")
    if begin is None or end is None or end <= begin:
        message = "Enter from when to when it is down, like 2026-12-04 06:00."
        raise UsageError(message)
    row = {
        "resource": form["resource"],
        "valid_from": begin.isoformat(),
        "valid_to": end.isoformat(),
        "units": float(form["units"] or 0),
    }
    return {"kind": "add_rows", "rows": [{"table": "resource_units", "row": row}]}


def read(asked: Callable[[], dict[str, Any]]) -> dict[str, Any] | PageProblem:
    """Edit that a form asks for; a form that cannot be read is a problem."""
    try:
        return asked()
    except UsageError as failure:
        return problem_of(failure)


def priced(shown: PlanPage, asked: plan_page.EditForm) -> PreviewResult:
    """Price of an edit that `read` gave, with its plan for the Gantt chart."""
    if isinstance(asked.form, PageProblem):
        return plan_page.PreviewResult(problem=asked.form)
    return plan_page.show_edit(shown, asked.form, asked.press, drawn=True)


def priced_part(asked: PreviewResult, plan: Plan, names: Names) -> mo.Html:
    """What an edit costs and whom it hits."""
    supply = None if asked.preview is None else asked.preview.edit.supply
    words = order_list.order_words(plan, supply, names)
    note = UNLIMITED if plan.run.mode == "mrp" and asked.problem is None else ""
    return html(desk_words.asked_html(asked, names, words) + note)


def only_on_a_lake() -> mo.Html:
    """Why nothing is edited on tables."""
    return html(page.empty(say("edits_need_a_lake"), say("folder_takes_no_edits")))
