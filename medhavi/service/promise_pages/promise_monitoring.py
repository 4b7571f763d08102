"""How accepted promises stand on today's facts, for the promise page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.findings import Finding
from medhavi.planners.promising.standing.standing_promises import standing_promises
from medhavi.results.promises.promises_at_risk import PromiseMonitor
from medhavi.service.page_data import PageProblem, bench_of, findings_of, problem_of

if TYPE_CHECKING:
    from medhavi.service.page_data import PageData


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPage:
    """How accepted promises stand, or what stands in the way."""

    watch: PromiseMonitor | None = None
    problem: PageProblem | None = None
    findings: tuple[Finding, ...] = ()


def watch_promises(data: PageData, *, past: bool = False) -> MonitoringPage:
    """Ask all accepted promises again on today's facts; nothing is written."""
    bench = None if past else bench_of(data.source)
    try:
        if bench is not None:
            return MonitoringPage(watch=bench.at_risk())
        if data.snapshot is not None:
            return MonitoringPage(watch=standing_promises(data.snapshot))
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return MonitoringPage(
            problem=problem_of(failure), findings=findings_of(failure)
        )
    return MonitoringPage(problem=data.problem)
