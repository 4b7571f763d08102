"""What the trade-off app shows: the last front, work on another one, or what is amiss.

A front takes half a minute: a job finds it and writes it beside the lake, so that the
page opens with the last one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.planners.setting_ranges import require_budgets
from medhavi.progress import unobserved
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.pareto_front import (
    CHURN,
    LEAST_OBJECTIVES,
    MOST_OBJECTIVES,
    USUAL,
    ParetoFront,
)
from medhavi.service.data_source import served_mode
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.jobs.open_pages import OpenPages, outcome_of, this_cell
from medhavi.service.jobs.plan_jobs import FrontRequest, PlanRequest, kept_front
from medhavi.service.page_data import PageProblem, problem_of
from medhavi.service.plan_pages import plan_page
from medhavi.service.plan_pages.plan_loading import (
    MODE_WORDS,
    PlanPage,
    followed,
    open_pages,
)
from medhavi.views.pictures.pareto import BUDGET_TITLES, TONNE
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.progress import Observe
    from medhavi.service.data_source import DataSource
    from medhavi.service.page_data import PageData
    from medhavi.service.plan_pages.plan_page import EditResult

_open_fronts = OpenPages()
"""Cells that show the front of a source, by source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """The last front, None where there is none; what is done about another one."""

    front: ParetoFront | None = None
    problem: PageProblem | None = None


def begin(
    data: PageData,
    points: int,
    budgets: Mapping[str, float],
    objectives: Sequence[str] = USUAL,
) -> FrontRequest:
    """Begin to find efficient plans of the page's tables, instead of older requests.

    Parameters
    ----------
    points
        How many programs guide plans.
    budgets
        The most of objectives by name; plans keep them.
    objectives
        What is traded, by name; orders change from those of the plan in force.
    """
    assert data.snapshot is not None
    plan = PlanRequest.for_page(data, served_mode())
    asked = FrontRequest(
        plan=plan,
        objectives=tuple(objectives),
        points=points,
        budgets=tuple(budgets.items()),
    )
    queue = current_queue()
    if queue is not None:
        queue.submit(asked, again=True)
        _open_fronts.tell(data.source, but=this_cell())
    return asked


def load_front(
    data: PageData,
    asked: FrontRequest | None = None,
    observe: Observe | None = None,
) -> FrontPage:
    """Last front of the page's source, for a cell.

    It is run again when another is found, or when the facts change.

    Parameters
    ----------
    asked
        What the page began; outside the server it is found here.
    observe
        Called with its progress then.
    """
    queue, cell = current_queue(), this_cell()
    if queue is None:
        return _found_here(data.source, asked, observe or unobserved)
    if cell is not None:
        _open_fronts.follow(data.source, cell)
        open_pages.follow(data.source, cell)
    shown = FrontPage(front=kept_front(data.source))
    subject = FrontRequest.subject_of(data.source)
    job = queue.newest(subject)
    told = None if job is None else outcome_of(job, say("trade_offs_are_being_found"))
    if job is None or not isinstance(told, PageProblem):
        return shown
    return replace(shown, problem=told)


def _found_here(
    source: DataSource, asked: FrontRequest | None, observe: Observe
) -> FrontPage:
    try:
        if asked is not None:
            asked.run(observe, lambda: False)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return FrontPage(problem=problem_of(failure))
    return FrontPage(front=kept_front(source))


_IN_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
"""A number with commas between its thousands; any other comma may be a decimal one."""


def objectives_of_form(values: Mapping[str, object]) -> tuple[list[str], str]:
    """Objectives of a form, and what is amiss with them, in words."""
    chosen = list(values["objectives"])  # type: ignore[call-overload]
    amiss = not LEAST_OBJECTIVES <= len(chosen) <= MOST_OBJECTIVES
    return chosen, say("two_to_four_objectives") if amiss else ""


def budgets_of(values: Mapping[str, object]) -> tuple[dict[str, float], str]:
    """Budgets of a form by objective, and what is none, in words.

    >>> budgets_of({"cost": "1,200", "co2": "", "lateness": ""})
    ({'cost': 1200.0}, '')
    >>> budgets_of({"co2": "65.5"})[0]  # a form asks for tonnes
    {'co2': 65500.0}
    >>> budgets_of({"co2": "?"})[1]
    '? is not a number of at least 0: leave emissions empty or write it as 40.'
    """
    found: dict[str, float] = {}
    wrong: list[str] = []
    for name, title in BUDGET_TITLES.items():
        text = str(values.get(name) or "").strip()
        digits = text.replace(",", "") if _IN_THOUSANDS.fullmatch(text) else text
        try:
            unit = TONNE if name == "co2" else 1.0
            asked = {name: float(digits) * unit} if digits else {}
            require_budgets(asked)
            found |= asked
        except (ValueError, UsageError):
            example = "40" if name == "co2" else "40000"
            wrong.append(say("is_no_number_leave_empty", text, title, example))
    return found, " ".join(wrong)


TABS = (
    say("objectives_of_plans"),
    say("difference_between_two_plans"),
    say("difference_from_the_plan"),
)
"""Parts of the page below its picture."""


def is_current(data: PageData, front: ParetoFront) -> bool:
    """Whether a front is of the page's tables as they are now."""
    snapshot = data.snapshot
    return (
        snapshot is not None and front.run.snapshot_fingerprint == snapshot.fingerprint
    )


def plan_before(data: PageData, mode: str) -> PlanPage:
    """Plan in force of a mode, which the plans of a front are compared with."""
    assert data.snapshot is not None
    return followed(data, data.snapshot, mode)


def objectives_of(shown: PlanPage, front: ParetoFront) -> dict[str, float]:
    """What a plan comes to, by the objectives of a front; nothing is its own churn."""
    assert shown.plan is not None
    assert shown.snapshot is not None
    found = scorecard(shown.plan, shown.snapshot).objectives
    is_baseline = front.run.settings.get("baseline") == shown.plan.fingerprint
    return {**found, CHURN: 0.0} if is_baseline else found


def publish(
    data: PageData, front: ParetoFront, point: int, approver: str
) -> EditResult:
    """Make the plan of a point the plan of its mode; a refusal is told in words."""
    shown = PlanPage(
        source=data.source,
        snapshot=data.snapshot,
        names=data.names,
        plan=front.plan(point),
    )
    done = plan_page.publish(shown, approver)
    if not done.kept:
        return done
    open_pages.tell(data.source)  # the comparison on this page, too
    own, usual = (
        MODE_WORDS[one] for one in (front.plan(point).run.mode, served_mode())
    )
    told = say("pages_show_it_in_mode", own, usual) if own != usual else ""
    return replace(done, text=f"{done.text} {told}".strip())
