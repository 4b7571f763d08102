"""The plan of a page beside one that was published before, or that of another mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.results.difference import compare
from medhavi.results.reports.scenario_comparison import orders_that_differ
from medhavi.service.page_data import html, problem_html, problem_of, trouble_of
from medhavi.service.page_table import page_table
from medhavi.service.plan_pages.page_choices import choice
from medhavi.service.plan_pages.plan_loading import MODE_WORDS, MODES
from medhavi.service.plan_pages.plan_page import other_plan
from medhavi.views import grid_columns
from medhavi.views.names import when
from medhavi.views.order_list import clock, comparison_html
from medhavi.views.pictures.scenarios import order_rows
from medhavi.views.words import say
from medhavi.workbench.runs import published_before

if TYPE_CHECKING:
    from collections.abc import Callable

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_standing import Published
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

OTHER = "against"
"""Name of the other plan in the address."""
MOST_OFFERED = 12
"""Published plans that are offered, the newest."""


def comparison_choice(
    shown: PlanPage, published: Published, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the other plan: the run of one published before, or another mode."""
    plan, zone = shown.plan, shown.names.zone
    earlier = [] if plan is None else published_before(plan, published)[:MOST_OFFERED]
    told = {
        say("published_by", when(one.recorded_at, zone, year=True), one.approver): one
        for one in earlier
    }
    mode = "" if plan is None else plan.run.mode
    options = {
        **{words[:1].upper() + words[1:]: one.run for words, one in told.items()},
        **{MODE_WORDS[name]: name for name in MODES if name != mode},
    }
    return choice(OTHER, say("compare_with"), options, wanted, keep, none=True)


def comparison_parts(shown: PlanPage, other: str | None) -> list[mo.Html]:
    """What differs: figures, demands, orders; nothing before another plan is chosen.

    Parameters
    ----------
    other
        As `comparison_choice` gives it. A plan published before is the one before, a
        plan of another mode the one after.
    """
    plan, names = shown.plan, shown.names
    if other is None or plan is None:
        return []
    if other in MODES:
        page = other_plan(shown, other)
        if page.problem is not None or page.plan is None:
            return [trouble_of(page)]
        modes = MODE_WORDS[plan.run.mode], MODE_WORDS[other]
        return _difference(plan, page.plan, names, modes)
    try:
        before = Lake(shown.source.lake).recorded_plan(other)
    except (MedhaviError, OSError) as failure:
        return [html(problem_html(problem_of(failure)))]
    titles = say("column_published"), say("column_now")
    return _difference(before, plan, names, titles)


def _difference(
    old: Plan, new: Plan, names: Names, titles: tuple[str, str]
) -> list[mo.Html]:
    told = comparison_html(old, new, compare(old, new), names, titles)
    parts = [html(told)]
    orders = orders_that_differ(old, new)
    if orders.is_empty():
        return parts
    dates = grid_columns.DATE_TODAY, grid_columns.DATE_THEN
    columns = dict(zip(dates, titles, strict=True))
    table = page_table(
        order_rows(orders, names).rename(columns),
        say("orders_that_differ"),
        formats=dict.fromkeys(columns.values(), clock),
        right=(),
    )
    return [*parts, html(f"<h3>{say('orders_that_differ')}</h3>"), table]
