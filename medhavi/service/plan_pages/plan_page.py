"""What the plan app shows: data of a moment and its plan, or what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medhavi.findings import Finding
from medhavi.results.plans.plan import Plan
from medhavi.service.page_data import (
    AnswerCache,
    DataSource,
    PageProblem,
    findings_of,
    load_data,
    problem_of,
)
from medhavi.snapshot import Snapshot
from medhavi.views.names import Names

if TYPE_CHECKING:
    from medhavi.progress import Observe
    from medhavi.service.page_data import (
        PageData,
    )
    from medhavi.workbench.orders.plan_edit_answers import Preview
    from medhavi.workbench.workbench import Workbench

MODES = ("mrp", "constrained", "optimize")
_KEPT = 8
"""Plans that stay in memory, so that a reload of the page does not plan again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """All that the page shows; `plan` is None where `problem` says why.

    `violations` counts the broken rules that the independent check found; a plan with
    any is not shown.
    """

    source: DataSource
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    names: Names = field(default_factory=Names)
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None
    violations: int | None = None


_plans: AnswerCache[Plan] = AnswerCache(_KEPT)


def load_page(
    tables: str | None = None,
    *,
    name: str | None = None,
    known_at: str | None = None,
    effective_at: str | None = None,
    mode: str | None = None,
    observe: Observe | None = None,
) -> PlanPage:
    """Read and plan; failures become a problem of the page, never a traceback.

    Parameters
    ----------
    tables, name
        Path of a folder or workbook, or name of served tables; see `load_data`.
    known_at, effective_at
        Moments of a lake, in the company's local time; empty for the latest.
    mode
        How to plan; mrp where nothing or nothing known is said.
    """
    data = load_data(tables, name=name, known_at=known_at, effective_at=effective_at)
    if data.snapshot is None or data.problem is not None:
        return PlanPage(
            source=data.source,
            snapshot=data.snapshot,
            findings=data.findings,
            problem=data.problem,
        )
    return planned(data, data.snapshot, mode if mode in MODES else "mrp", observe)


def planned(
    data: PageData,
    snapshot: Snapshot,
    mode: str,
    observe: Observe | None = None,
) -> PlanPage:
    """Plan the tables of another page; failures become a problem of this one."""
    try:
        plan = plan_of(snapshot, mode, observe)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PlanPage(
            source=data.source,
            snapshot=snapshot,
            names=data.names,
            findings=findings_of(failure) or data.findings,
            problem=problem_of(failure),
        )
    return PlanPage(
        source=data.source,
        snapshot=snapshot,
        plan=plan,
        names=data.names,
        findings=(*data.findings, *plan.findings),
        violations=0,
    )


def plan_previewed(bench: Workbench, preview: Preview) -> None:
    """Keep the plan of a preview that was committed: the page need not make it again.

    Nothing is kept where later facts changed the tables as well.
    """
    from medhavi.workbench.files.tables_run import verified_and_rated

    plan, snapshot = preview.plan, bench.edits.facts.read()[1]
    if plan is not None and snapshot.fingerprint == preview.fingerprint_after:
        _plans.get(
            (snapshot.fingerprint, plan.run.mode),
            lambda: verified_and_rated(plan, snapshot),
        )


def plan_of(
    snapshot: Snapshot,
    mode: str = "mrp",
    observe: Observe | None = None,
) -> Plan:
    """Plan and verify, or give the plan of the same snapshot once more."""
    from medhavi.workbench.files.tables_run import plan_snapshot

    return _plans.get(
        (snapshot.fingerprint, mode),
        lambda: plan_snapshot(snapshot, mode, observe=observe),
    )
