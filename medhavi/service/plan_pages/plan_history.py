"""The plan of a page beside the published ones: what has changed, and publishing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.service.page_data import bench_of, problem_of
from medhavi.service.plan_pages.desk_page import EditResult
from medhavi.service.plan_pages.edit_session import remember_approver
from medhavi.views.tiles import changed_since, plan_tiles
from medhavi.workbench.runs.published_plans import published_plan, published_plans

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_page import PlanPage
    from medhavi.views.tiles import Tile

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
