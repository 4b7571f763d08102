"""Pictures of a result as methods: `plan.chart.late(snapshot)`.

A snapshot adds names, units and the wall clock of its places; without one, ids and UTC
stand for themselves. A method returns an Altair chart, or None where there is nothing
to draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.results.plans.plan import Plan
from medhavi.results.promises.promise import Promise
from medhavi.results.reports.risk import RiskReport
from medhavi.results.reports.study import HindsightReport, StudyReport
from medhavi.results.schedules.schedule import Schedule
from medhavi.views.names import Names, names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot
    from medhavi.views.theme import Picture


@dataclass(frozen=True, slots=True)
class PlanCharts:
    """Pictures of a plan."""

    plan: Plan

    def late(self, snapshot: Snapshot | None = None) -> Picture | None:
        """Bars of the latest demands [days late], split by cause."""
        from medhavi.views.pictures.lateness import late_chart

        return late_chart(self.plan, names_of(snapshot))

    def overdue(self, snapshot: Snapshot | None = None) -> Picture | None:
        """Bars of orders that should have begun, the worst first."""
        from medhavi.views.pictures.lateness import overdue_chart

        return overdue_chart(self.plan, names_of(snapshot))

    def load(self, snapshot: Snapshot | None = None) -> Picture | None:
        """Map of the load of each resource by bucket [% of its open time]."""
        from medhavi.views.pictures.stock import load_chart

        return load_chart(self.plan, names_of(snapshot))

    def stock(
        self, product: str, location: str, snapshot: Snapshot | None = None
    ) -> Picture | None:
        """Projected balance of a product at a location over time [units]."""
        from medhavi.views.pictures.stock import stock_chart

        return stock_chart(self.plan, product, location, names_of(snapshot))

    def chain(self, demand: str, snapshot: Snapshot | None = None) -> Picture | None:
        """Gantt of the pegged chain of orders that serves a demand."""
        from medhavi.views.pictures.chain import chain_chart

        chain = self.plan.explain(demand)
        return chain_chart(chain, names_of(snapshot), self.plan.run.as_of)


@dataclass(frozen=True, slots=True)
class PromiseCharts:
    """Pictures of a promise."""

    promise: Promise

    def probability(self, snapshot: Snapshot | None = None) -> Picture | None:
        """Probability of arrival by date, from the quantiles of the answer."""
        from medhavi.views.promises.picture import probability_chart

        names = _promise_names(snapshot)
        return probability_chart(
            self.promise, names, due=self.promise.demand.get("due")
        )

    def chain(self, snapshot: Snapshot | None = None) -> Picture | None:
        """Gantt of what has to happen until the goods arrive."""
        from medhavi.views.promises.picture import promise_chain_chart

        return promise_chain_chart(
            self.promise,
            _promise_names(snapshot),
            due=self.promise.demand.get("due"),
            as_of=self.promise.known_at,
        )


def _promise_names(snapshot: Snapshot | None) -> Names:
    from medhavi.views.promises.words import promise_names

    return Names() if snapshot is None else promise_names(snapshot)


@dataclass(frozen=True, slots=True)
class ScheduleCharts:
    """Pictures of a schedule."""

    schedule: Schedule

    def gantt(self, zone: str = "UTC") -> Picture | None:
        """Gantt of all operations by resource and unit; `zone` is an IANA zone."""
        from medhavi.views.schedule_words import gantt_chart

        return gantt_chart(self.schedule, zone)


@dataclass(frozen=True, slots=True)
class RiskCharts:
    """Pictures of the risk of a schedule."""

    report: RiskReport

    def makespan(self) -> Picture:
        """Histogram of the makespan of all scenarios [hours]."""
        from medhavi.views.schedule_words import risk_chart

        return risk_chart(self.report)


@dataclass(frozen=True, slots=True)
class StudyCharts:
    """Pictures of a study."""

    report: StudyReport

    def figure(self, kpi: str = "KPI-01") -> Picture | None:
        """Bars of a key figure by scenario."""
        from medhavi.views.study_page import figure_chart

        return figure_chart(self.report, kpi)


@dataclass(frozen=True, slots=True)
class HindsightCharts:
    """Pictures of how promises would have been kept."""

    report: HindsightReport

    def calibration(self) -> Picture | None:
        """Stated probability against the share that came in time."""
        from medhavi.views.study_page import calibration_chart

        return calibration_chart(self.report)


CHARTS: Mapping[type, type] = {
    Plan: PlanCharts,
    Promise: PromiseCharts,
    Schedule: ScheduleCharts,
    RiskReport: RiskCharts,
    StudyReport: StudyCharts,
    HindsightReport: HindsightCharts,
}
"""Which pictures each kind of result has."""
