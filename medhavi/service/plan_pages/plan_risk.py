"""Execution risk of the plan that a page shows, drawn once by a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, ClassVar

from medhavi.progress import Progress, unobserved
from medhavi.results.reports.plan_risk import PlanRisk
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import list_files
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import (
    PageProblem,
    html,
    picture,
    problem_html,
    problem_of,
    trouble_of,
)
from medhavi.views import page
from medhavi.views.pictures.forecast import forecast_chart, forecast_finding
from medhavi.views.plan_pages import demand_lists
from medhavi.views.words import say

if TYPE_CHECKING:
    import marimo as mo

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

_risks: AnswerCache[PlanRisk] = AnswerCache(4)
"""Risks of plans that pages show, by plan and facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRiskRequest:
    """Risk of a plan in force.

    Parameters
    ----------
    fingerprint
        The plan as the page shows it.
    """

    plan: PlanRequest
    fingerprint: str
    title: str = field(default=say("execution_risk"), init=False, compare=False)
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Plan: the risk of a newer one is drawn instead."""
        return self.plan.subject, "risk"

    def run(self, observe: Observe, cancelled: Cancelled) -> PlanRisk:
        """Draw the scenarios.

        Raises
        ------
        UsageError
            The plan in force is another one by now.
        """
        from medhavi.planners.execution_risk.plan_risk import plan_risk

        observe(Progress(say("reading_the_plan")))
        plan = self.plan.shown(self.fingerprint)
        return plan_risk(plan, self.plan.tables(), observe=observe, cancelled=cancelled)


def risk_of(
    asked: PlanRequest, plan: Plan, snapshot: Snapshot
) -> PlanRisk | PageProblem:
    """Risk of a plan; meanwhile what is done about it, and the cell is run again."""
    key = plan.fingerprint, snapshot.fingerprint
    known = _risks.known(key)
    if known is not None:
        return known
    request = PlanRiskRequest(plan=asked, fingerprint=plan.fingerprint)

    def here() -> PlanRisk:
        from medhavi.planners.execution_risk.plan_risk import plan_risk

        return plan_risk(plan, snapshot)

    try:
        found = result_of(request, here, say("risk_is_being_drawn"), unobserved)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return problem_of(failure)
    if isinstance(found, PlanRisk):
        _risks.put(key, found)
    return found


def _risk_of_page(shown: PlanPage) -> PlanRisk | mo.Html:
    """Risk of the page's plan, or what is shown in its place."""
    if shown.plan is None or shown.snapshot is None or shown.request is None:
        return trouble_of(shown)
    if shown.renewal:
        return html(page.empty(say("execution_risk"), shown.renewal))
    found = risk_of(shown.request, shown.plan, shown.snapshot)
    return html(problem_html(found)) if isinstance(found, PageProblem) else found


def forecast_part(shown: PlanPage) -> mo.Html:
    """Picture of the service of the coming weeks, with its finding."""
    import marimo as mo

    found = _risk_of_page(shown)
    if not isinstance(found, PlanRisk):
        return found
    drawn = picture(
        forecast_chart(found, shown.names),
        say("no_demand_is_due"),
        say("demands_of_coming_weeks"),
        forecast_finding(found, shown.names.currency),
    )
    basis = escape(say("forecast_basis", found.scenarios, found.uncertain))
    return mo.vstack([drawn, html(f'<p class="muted small">{basis}</p>')], gap=0)


def risky_part(shown: PlanPage, names: Names) -> mo.Html:
    """Demands at risk of the page's plan, with their file."""
    import marimo as mo

    found = _risk_of_page(shown)
    if not isinstance(found, PlanRisk):
        return found
    plan, snapshot = shown.plan, shown.snapshot
    assert plan is not None
    assert snapshot is not None
    told = html(demand_lists.risky_html(found, plan, snapshot, names))
    files = list_files(
        lambda: demand_lists.risky_rows(found, plan, snapshot, names),
        say("demands_at_risk"),
    )
    return mo.vstack([told, files], gap=0)
