"""Beside the operations: why one begins then, what would help, edits of the window."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.plans.lateness import late_demands
from medhavi.service.order_pages import one_order
from medhavi.service.page_data import html
from medhavi.service.plan_pages import desk_parts
from medhavi.views import page
from medhavi.views.order_list import order_words
from medhavi.views.plan_pages.calendar_words import (
    downtime_html,
    exceptions_html,
    holders_html,
    weeks_html,
)
from medhavi.views.plan_pages.capacity_words import late_by_html, operation_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.capacity_pages.capacity_page import CapacityWindow
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Keep = Callable[[str, str], None]
    Wanted = Callable[[str], str]

OPERATION = say("column_operation")
DOWNTIME = say("tab_downtime")
WEEK, EXCEPTION = say("weekly_shifts"), say("exception_of_the_week")
"""What is edited."""


def chosen_head(plan: Plan, view: CapacityWindow, names: Names) -> mo.Html:
    """Chosen operation, else resource, by which all below stands beside the grid."""
    told = names.name(view.resource)
    if view.order:
        told = order_words(plan, view.order, names)
    return html(page.drawer_head(f"<b>{escape(told)}</b>"))


def why_part(plan: Plan, shown: PlanPage, view: CapacityWindow) -> mo.Html:
    """Detail of the chosen operation; without one what the resource makes late."""
    assert shown.snapshot is not None
    told = operation_html(plan, shown.snapshot, view.order, view.step, shown.names)
    if not view.order:
        told += late_by_html(plan, view.resource, shown.names)
    return html(told)


def helped_demands(plan: Plan, view: CapacityWindow) -> list[str]:
    """Late demands that the chosen order serves, else that wait for the resource."""
    if view.order:
        return one_order.late_served(plan, {"id": view.order})
    waiting = plan.causes.filter(pl.col("subject") == view.resource)["demand"]
    late = late_demands(plan)["demand"]
    return late.filter(late.is_in(waiting.implode())).to_list()


def help_form(
    plan: Plan, view: CapacityWindow, names: Names
) -> mo.ui.form[Any, Any] | None:
    """Ask for which of these demands changes are tried; None: none is late."""
    late = helped_demands(plan, view)
    return desk_parts.remedy_form(plan, names, late) if late else None


def no_help_part(view: CapacityWindow) -> mo.Html:
    """Why nothing is tried for the operation, or for the resource."""
    title = "it_serves_nothing_late" if view.order else "nothing_late_waits_for_it"
    return html(page.empty(say(title), say("what_waits_for_a_resource")))


def edit_choice(view: CapacityWindow, wanted: Wanted, keep: Keep) -> mo.ui.radio:
    """Ask what is edited: the chosen operation, a downtime, or a calendar."""
    import marimo as mo

    kinds = [*([OPERATION] if view.order else []), DOWNTIME, WEEK, EXCEPTION]
    asked = {page.tab_address(one): one for one in kinds}
    return mo.ui.radio(
        kinds,
        value=asked.get(wanted("edit"), kinds[0]),
        inline=True,
        on_change=lambda kind: keep("edit", page.tab_address(kind or kinds[0])),
    )


def edit_part(
    kind: mo.ui.radio,
    shown: PlanPage,
    view: CapacityWindow,
    forms: Mapping[str, Any],
    calendar: mo.ui.dropdown | None,
) -> mo.Html:
    """Form of what is edited, and what it is about.

    Parameters
    ----------
    forms
        Form by what is edited; None: it has none.
    calendar
        Choice of a calendar of the resource; None: it has none.
    """
    import marimo as mo

    form = forms[kind.value]
    if form is not None and not shown.source.lake:
        form = html(page.empty(say("edits_need_a_lake"), say("folder_takes_no_edits")))
    if kind.value == DOWNTIME:
        parts = [form, downtime_part(shown, view)]
    elif kind.value in (WEEK, EXCEPTION):
        told = weeks_html if kind.value == WEEK else exceptions_html
        parts = [calendar, calendar_part(shown, calendar, told), form]
    else:
        parts = [form]
    return mo.vstack([kind, *(one for one in parts if one is not None)], gap=1)


def downtime_part(shown: PlanPage, view: CapacityWindow) -> mo.Html:
    """Downtime of the chosen resource."""
    assert shown.snapshot is not None
    return html(downtime_html(shown.snapshot, view.resource, shown.names))


def calendar_part(
    shown: PlanPage,
    choice: mo.ui.dropdown | None,
    told: Callable[[Snapshot, str], str],
) -> mo.Html:
    """What works by the chosen calendar, and its weeks or its exceptions."""
    assert shown.snapshot is not None
    if choice is None:
        return html(page.empty(say("always_open"), say("add_a_calendar")))
    calendar = str(choice.value)
    held = holders_html(shown.snapshot, calendar, shown.names)
    return html(held + told(shown.snapshot, calendar))
