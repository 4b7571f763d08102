"""The plan of a page beside published ones, and beside that of another mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.results.difference import compare
from medhavi.results.reports.scenario_comparison import orders_that_differ
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.page_data import html, problem_html, problem_of, trouble_of
from medhavi.service.page_table import page_table
from medhavi.service.plan_pages.page_choices import choice
from medhavi.service.plan_pages.plan_loading import MODE_WORDS, MODES
from medhavi.service.plan_pages.plan_page import other_plan
from medhavi.views import grid_columns
from medhavi.views.names import when
from medhavi.views.order_list import clock, comparison_html
from medhavi.views.pictures.scenarios import order_rows
from medhavi.views.tiles import changed_since, plan_tiles, targets_of
from medhavi.views.words import say
from medhavi.workbench.runs import published_before, published_plan, published_plans

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.snapshot.tables import KpiTarget
    from medhavi.views.names import Names
    from medhavi.views.tiles import Tile
    from medhavi.workbench.runs import PublishedPlan

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]
    Published = tuple[PublishedPlan, ...]


def published_of(shown: PlanPage) -> Published:
    """Published plans of a page, the newest first; none of tables without a lake.

    A page reads them once: its head and its figures then speak of the same ones, also
    while somebody publishes.
    """
    if shown.plan is None or not shown.source.lake:
        return ()
    try:
        return published_plans(Lake(shown.source.lake))
    except (MedhaviError, OSError):
        return ()  # the plan stands without its history


def standing_facts(shown: PlanPage, published: Published) -> list[tuple[str, str]]:
    """Fact of a page's header; none of tables, of a scenario and of a past moment."""
    plan, source = shown.plan, shown.source
    if plan is None or not source.lake or source.unbound or shown.renewal:
        return []
    try:
        words = _words(Lake(source.lake), plan, published, shown.names.zone)
    except (MedhaviError, OSError):
        return []  # when it was made is an extra
    return [(say("plan_in_force_option"), words)]


def _words(lake: Lake, plan: Plan, published: Published, zone: str) -> str:
    for one in published:
        if one.fingerprint == plan.fingerprint:
            moment = when(one.recorded_at, zone, year=True)
            return say("published_by", moment, one.approver)
    made = _made_at(lake, plan)
    told = (
        say("plan_made", when(made, zone, year=True)) if made else say("not_published")
    )
    if not published:
        return told
    last = published[0]
    moment = when(last.recorded_at, zone, year=True)
    return say("last_published_by", told, moment, last.approver, MODE_WORDS[last.mode])


def _made_at(lake: Lake, plan: Plan) -> dt.datetime | None:
    runs = lake.table("gold.plan_runs").filter(
        pl.col("fingerprint") == plan.fingerprint
    )
    found: list[dt.datetime] = (
        runs.select("recorded_at").collect()["recorded_at"].to_list()
    )
    return min(found, default=None)


_TABLES = ("fulfilment", "exceptions", "loads", "pegging")
"""What the tiles of a plan are read from."""


_tiles: AnswerCache[tuple[Tile, ...]] = AnswerCache(8)
"""Tiles of plans that pages show: each session would work them out again."""


def _plan_tiles(plan: Plan, targets: tuple[KpiTarget, ...]) -> tuple[Tile, ...]:
    key = plan.fingerprint, plan.run.mode, plan.run.as_of, targets
    return _tiles.get(key, lambda: plan_tiles(plan, targets))


def tiles_of(page: PlanPage, published: Published) -> tuple[Tile, ...]:
    """Tiles of the page's plan, with the change since the last published one.

    Without a lake, or before anything was published, they tell no change.
    """
    plan = page.plan
    if plan is None:
        return ()
    targets = targets_of(page.snapshot)
    tiles = _plan_tiles(plan, targets)
    last = _last_published(page, plan, published)
    if last is None or last.run.as_of is None:
        return tiles
    return changed_since(
        tiles, _plan_tiles(last, targets), last.run.as_of, page.names.zone
    )


def _last_published(page: PlanPage, plan: Plan, published: Published) -> Plan | None:
    told = next(iter(published_before(plan, published)), None)
    if told is None:
        return None
    try:
        return published_plan(Lake(page.source.lake), told, _TABLES)
    except (MedhaviError, OSError):
        return None  # the change is an extra; the page stands without it


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
