"""The meeting pack of a plan, with the plans published before and the reviews."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.workbench.runs import published_before, published_plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.lakehouse import Lake
    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.exception_reviews import ExceptionReview
    from medhavi.workbench.runs import PublishedPlan

    Figures = Mapping[str, float | None]


def published_figures(plan: Plan, published: Iterable[PublishedPlan]) -> list[Figures]:
    """Key figures of plans that were published before this one, the newest first."""
    return [one.kpis for one in published_before(plan, published)]


def told_reviews(
    reviews: Mapping[str, ExceptionReview],
) -> dict[str, tuple[bool, str, str]]:
    """Whether each exception is done, who has it and what was noted, by its key."""
    return {
        key: (one.done, one.assignee or "", one.note or "")
        for key, one in reviews.items()
    }


def pack(
    snapshot: Snapshot,
    plan: Plan,
    *,
    lake: Lake | None = None,
    reviews: Mapping[str, ExceptionReview] | None = None,
    front: ParetoFront | None = None,
    source: str = "",
) -> bytes:
    """PDF of a plan for a meeting; see `views.plan_pages.meeting_pack`.

    Parameters
    ----------
    lake
        Where plans were published; None: tables of a folder.
    """
    from medhavi.views.plan_pages.meeting_pack import meeting_pack

    return meeting_pack(
        plan,
        snapshot,
        published=published_figures(plan, _published(lake)),
        reviews=told_reviews(reviews or {}),
        front=front,
        source=source,
    )


def _published(lake: Lake | None) -> tuple[PublishedPlan, ...]:
    if lake is not None:
        with suppress(MedhaviError, OSError):  # the course is an extra
            return published_plans(lake)
    return ()
