"""Choices of the plan page: moment, mode, demand, item, exception, published plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.service.page_data import bench_of, html, problem_of
from medhavi.service.plan_pages.plan_page import MODES, EditResult, remember_approver
from medhavi.views import order_list, page
from medhavi.views.order_list import codes
from medhavi.views.pictures.lateness import late_demands, overdue_rows
from medhavi.views.pictures.stock import items_by_need
from medhavi.views.tiles import changed_since, plan_tiles
from medhavi.workbench.runs import published_plan, published_plans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_page import PlanPage
    from medhavi.views.names import Names
    from medhavi.views.tiles import Tile

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


MODE_WORDS = {
    "mrp": "every date kept on paper (mrp)",
    "constrained": "what can be done (constrained)",
    "optimize": "least cost (optimize)",
}
MOST_FIRST = 50
"""Late and overdue demands that stand first in the list of demands."""


def moment_form(
    wanted: Wanted, keep: Callable[[Mapping[str, Any] | None], None]
) -> mo.ui.form[Any, Any]:
    """Ask for which moment to plan; empty: the latest."""
    import marimo as mo

    labels = {"effective_at": "As of", "known_at": "Known at"}
    return (
        mo.md("{effective_at} {known_at}")
        .batch(
            **{
                name: mo.ui.text(
                    value=wanted(name), placeholder="the latest", label=label
                )
                for name, label in labels.items()
            }
        )
        .form(submit_button_label="Plan this moment", bordered=False, on_change=keep)
    )


def mode_choice(wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask how to plan."""
    import marimo as mo

    return mo.ui.dropdown(
        {MODE_WORDS[name]: name for name in MODES},
        value=MODE_WORDS.get(wanted("mode"), MODE_WORDS["mrp"]),
        label="Plan for",
        on_change=lambda value: keep("mode", value),
    )


def head_parts(
    shown: PlanPage, mode: mo.ui.dropdown, moments: mo.ui.form[Any, Any], known_at: str
) -> list[mo.Html]:
    """Question with its moment, the mode, and how to plan another moment."""
    import marimo as mo

    facts = [("Source", str(shown.source))]
    if shown.plan is not None and shown.snapshot is not None:
        facts = page.moment_facts(
            shown.snapshot, shown.names, str(shown.source), known_at
        )
    parts = [
        mo.Html(page.header("Plan", facts)),
        mo.hstack([mode], justify="start"),
    ]
    if shown.source.lake:
        hint = html(
            f'<p class="muted">Local time of {shown.names.zone}, like 2026-11-02 07:00; '
            "empty: the latest.</p>"
        )
        parts.append(mo.accordion({"Another moment": mo.vstack([hint, moments])}))
    return parts


def demand_choice(
    shown: PlanPage, plan: Plan, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for a demand, those in trouble first."""
    assert shown.snapshot is not None
    worst = overdue_rows(plan, shown.names, MOST_FIRST)
    first = [
        *late_demands(plan)["demand"].head(MOST_FIRST),
        *(worst["demand"] if worst.height else ()),
    ]
    options = order_list.demand_options(
        plan, shown.snapshot["demands"], shown.names, first
    )
    return _choice("demand", "Demand", options, wanted, keep)


def item_choice(plan: Plan, names: Names, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for a product at a place, those in need first."""
    items = items_by_need(plan).select("product", "location")
    options = {
        f"{names.name(product)} at {names.name(place)}": f"{product}|{place}"
        for product, place in items.iter_rows()
    }
    return _choice("item", "Product and place", options, wanted, keep)


def code_choice(plan: Plan, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for a kind of exceptions; none: all of them."""
    options = {
        f"{row['mark'][0]} {row['headline']} ({row['number']:,})": row["code"]
        for row in codes(plan).iter_rows(named=True)
    }
    return _choice("code", "Kind", options, wanted, keep, none=True)


def _choice(
    name: str,
    label: str,
    options: Mapping[str, str],
    wanted: Wanted,
    keep: Keep,
    *,
    none: bool = False,
) -> mo.ui.dropdown:
    """Ask for one of many; the address says which, and keeps it."""
    import marimo as mo

    labels = {item: text for text, item in options.items()}
    usual = None if none else next(iter(options), None)
    return mo.ui.dropdown(
        dict(options),
        value=labels.get(wanted(name), usual),
        searchable=True,
        allow_select_none=none or None,
        label=label,
        on_change=lambda value: keep(name, value or ""),
    )


_TABLES = ("fulfilment", "exceptions", "loads", "pegging")
"""What the tiles of a plan are read from."""


def tiles_of(page: PlanPage) -> tuple[Tile, ...]:
    """Tiles of the page's plan, with the change since the last published one.

    Without a lake, or before anything was published, they tell no change.
    """
    plan = page.plan
    if plan is None:
        return ()
    tiles = plan_tiles(plan)
    last = _last_published(page, plan)
    if last is None or last.run.as_of is None:
        return tiles
    return changed_since(tiles, plan_tiles(last), last.run.as_of, page.names.zone)


def _last_published(page: PlanPage, plan: Plan) -> Plan | None:
    if not page.source.lake:
        return None
    try:
        lake = Lake(page.source.lake)
        for told in published_plans(lake, plan.run.mode, plan.run.as_of):
            if told.fingerprint != plan.fingerprint:
                return published_plan(lake, told, _TABLES)
    except (MedhaviError, OSError):
        return None  # the change is an extra; the page stands without it
    return None


def publish(page: PlanPage, approver: str) -> EditResult:
    """Make the page's plan the plan; a refusal and a failure are told in words."""
    bench = bench_of(page.source)
    if bench is None or page.plan is None:
        return EditResult(
            title="Nothing can be kept from here", text="Serve a lake.", kept=False
        )
    try:
        bench.publish(page.plan, approver=approver)
        bench.edits.facts.read()
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    remember_approver(approver)
    return EditResult(
        title="It is the plan",
        text=f"Published, approved by {approver}. The next plan is compared with it.",
        kept=True,
    )
