"""Pictures of a result as methods: `plan.chart.late(snapshot)`.

A snapshot adds names, units and the wall clock of its places; without one, ids and UTC
stand for themselves. What a method returns shows itself in a notebook in the look of
the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from inspect import signature
from typing import TYPE_CHECKING, Any

from medhavi.results.pareto_front import ParetoFront
from medhavi.results.plans.plan import Plan
from medhavi.results.promises.promise import Promise
from medhavi.results.reports.plan_risk import PlanRisk
from medhavi.results.reports.resource_load import ResourceLoads
from medhavi.results.reports.risk import RiskReport
from medhavi.results.reports.study import HindsightReport, StudyReport
from medhavi.results.reports.time_phased import time_phased
from medhavi.results.schedules.schedule import Schedule
from medhavi.views import grid_columns
from medhavi.views.names import Names, names_of
from medhavi.views.page import table_html
from medhavi.views.theme import drawing, style_sheet, title_of, untitled
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from medhavi.results.reports.time_phased import Bucket
    from medhavi.snapshot import Snapshot
    from medhavi.views.theme import Picture


@dataclass(frozen=True, slots=True)
class PagePart:
    """Part of a page that shows itself in a notebook.

    Parameters
    ----------
    html
        What it shows, in the classes of the style sheet.
    picture
        Altair chart that was drawn; None: there is none.
    """

    html: str
    picture: Any = None

    def _repr_html_(self) -> str:
        style = style_sheet(switch="class")
        return f'<style>{style}</style><div class="mv mv-list">{self.html}</div>'


def _drawn(chart: Picture | None) -> PagePart:
    if chart is None:
        return PagePart(f'<p class="muted">{say("there_is_nothing_to_draw")}</p>')
    head = f"<h3>{escape(title_of(chart))}</h3>"
    return PagePart(
        f'{head}<div class="mv-chart">{drawing(untitled(chart))}</div>', chart
    )


class ChartList:
    """Pictures of a result; in a notebook they list themselves."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        """Pictures alone: what is offered to complete `plan.chart.`."""
        return list(_pictures(type(self)))

    def __repr__(self) -> str:
        """Text of the list."""
        return str(self)

    def __str__(self) -> str:
        """A line a picture: how it is asked for, and what it shows."""
        return "\n".join(f"{call}: {told}" for call, told in self._told())

    def _repr_html_(self) -> str:
        rows = [(f"<code>{escape(call)}</code>", escape(t)) for call, t in self._told()]
        return PagePart(
            table_html((say("column_picture"), say("what_it_shows")), rows)
        )._repr_html_()

    def _told(self) -> list[tuple[str, str]]:
        found = []
        for name, method in _pictures(type(self)).items():
            words = [w for w in signature(method).parameters if w != "self"]
            told = (method.__doc__ or "").partition("\n")[0]
            found.append((f".chart.{name}({', '.join(words)})", told))
        return found


def _pictures(kind: type) -> dict[str, Callable[..., object]]:
    """Methods of a list of pictures, by name."""
    return {
        name: method
        for name, method in vars(kind).items()
        if not name.startswith("_") and callable(method)
    }


@dataclass(frozen=True, slots=True, repr=False)
class PlanCharts(ChartList):
    """Pictures of a plan."""

    plan: Plan

    def late(self, snapshot: Snapshot | None = None) -> PagePart:
        """Bars of the latest demands [days late], split by cause."""
        from medhavi.views.pictures.lateness import late_chart

        return _drawn(late_chart(self.plan, names_of(snapshot)))

    def overdue(self, snapshot: Snapshot | None = None) -> PagePart:
        """Bars of orders that should have begun, the worst first."""
        from medhavi.views.pictures.lateness import overdue_chart

        return _drawn(overdue_chart(self.plan, names_of(snapshot)))

    def load(self, snapshot: Snapshot | None = None) -> PagePart:
        """Map of the load of each resource by bucket [% of its open time].

        With a snapshot also of resources and buckets without work.
        """
        from medhavi.views.pictures.load import load_chart

        loads = None if snapshot is None else ResourceLoads(self.plan, snapshot).hours()
        return _drawn(load_chart(self.plan, names_of(snapshot), loads))

    def gantt(
        self,
        snapshot: Snapshot | None = None,
        *,
        resources: Sequence[str] = (),
        first: dt.date | None = None,
        days: int = 7,
        colour: str = "date",
    ) -> PagePart:
        """Gantt of the operations of resources over some days, set-up and run apart.

        Parameters
        ----------
        snapshot
            Names, shifts and local times; without it ids and UTC.
        resources
            Ids, from the top; none: all that work in the plan, by id.
        first
            First day; None: the day of as_of, else of the first operation.
        days
            Length [days].
        colour
            "date" (late or on time), "status" or "family".
        """
        from medhavi.views.pictures.operations import plan_gantt

        names = names_of(snapshot)
        return _drawn(
            plan_gantt(self.plan, names, snapshot, resources, first, days, colour)
        )

    def stock(
        self,
        product: str | None = None,
        location: str | None = None,
        snapshot: Snapshot | None = None,
    ) -> PagePart:
        """Projected balance of a product at a location over time [units].

        Where none is named, of the one that falls short most.
        """
        from medhavi.views.pictures.stock import items_by_need, stock_chart

        if product is None or location is None:
            if self.plan.positions.is_empty():
                return _drawn(None)
            product, location, *_ = items_by_need(self.plan).row(0)
        return _drawn(stock_chart(self.plan, product, location, names_of(snapshot)))

    def record(
        self,
        product: str,
        location: str,
        snapshot: Snapshot,
        bucket: Bucket = "week",
    ) -> PagePart:
        """Time-phased record of a product at a location, by day, week or month."""
        from medhavi.views.item_record import record_html

        made = time_phased(snapshot, self.plan, product, location, bucket)
        return PagePart(record_html(made, names_of(snapshot)))

    def figures(self, snapshot: Snapshot | None = None) -> PagePart:
        """Service, promises, lateness, stock, load and cost as tiles."""
        from medhavi.views.plan_pages.cockpit import cockpit_tiles
        from medhavi.views.tiles import targets_of, tiles_html

        tiles = cockpit_tiles(
            self.plan, names_of(snapshot), targets=targets_of(snapshot)
        )
        return PagePart(tiles_html(tiles))

    def exceptions(self, snapshot: Snapshot) -> pl.DataFrame:
        """Exception messages in words, most worth first."""
        from medhavi.views.plan_pages.cockpit import inbox_rows

        products = snapshot["products"].select("product", "unit_cost")
        costs = dict(products.iter_rows())
        rows = inbox_rows(self.plan, costs, names_of(snapshot), {})
        return rows.drop(
            grid_columns.ASSIGNED_TO, grid_columns.NOTE, grid_columns.STATE, "Key"
        )

    def network(self, snapshot: Snapshot) -> PagePart:
        """Map of the network: flows, and where lateness is caused."""
        from medhavi.views.pictures.network import network_chart

        return _drawn(network_chart(self.plan, snapshot, names_of(snapshot)))

    def orders(self, snapshot: Snapshot, **filters: str) -> pl.DataFrame:
        """Planned and open orders in words, as the page of orders filters them.

        Parameters
        ----------
        filters
            kind, status, product, location, week, code, number; see `OrderFilter`.
        """
        from medhavi.views.order_grid import (
            OrderFilter,
            filtered,
            grid_rows,
            planned_orders,
        )

        names = names_of(snapshot)
        products = snapshot["products"].select("product", "unit_cost").drop_nulls()
        all_of = planned_orders(self.plan, dict(products.iter_rows()), names.zone)
        return grid_rows(filtered(all_of, OrderFilter(**filters)), names).drop("Id")

    def to_order(self, snapshot: Snapshot, days: float = 7.0) -> pl.DataFrame:
        """Purchases that have to be ordered within some days, by supplier."""
        from medhavi.views.plan_pages.suppliers import buy_rows

        return buy_rows(self.plan, snapshot, names_of(snapshot), days)

    def chain(self, demand: str, snapshot: Snapshot | None = None) -> PagePart:
        """Gantt of the pegged chain of orders that serves a demand."""
        from medhavi.views.pictures.chain import chain_chart

        chain = self.plan.explain(demand)
        return _drawn(chain_chart(chain, names_of(snapshot), self.plan.run.as_of))


@dataclass(frozen=True, slots=True, repr=False)
class PromiseCharts(ChartList):
    """Pictures of a promise."""

    promise: Promise

    def probability(self, snapshot: Snapshot | None = None) -> PagePart:
        """Probability of arrival by date, from the quantiles of the answer."""
        from medhavi.views.promises.picture import probability_chart

        names = _promise_names(self.promise, snapshot)
        due = self.promise.demand.get("due")
        return _drawn(probability_chart(self.promise, names, due=due))

    def chain(self, snapshot: Snapshot | None = None) -> PagePart:
        """Gantt of what has to happen until the goods arrive."""
        from medhavi.views.promises.picture import promise_chain_chart

        chart = promise_chain_chart(
            self.promise,
            _promise_names(self.promise, snapshot),
            due=self.promise.demand.get("due"),
            as_of=self.promise.known_at,
        )
        return _drawn(chart)

    def answer(self, snapshot: Snapshot | None = None) -> PagePart:
        """Date, quantity, probability and cost; below them all options."""
        from medhavi.views.promises.picture import RULES
        from medhavi.views.promises.words import options_html, promise_tiles
        from medhavi.views.tiles import tiles_html

        names, asked = _promise_names(self.promise, snapshot), self.promise.demand
        tiles = promise_tiles(
            self.promise, names, qty=float(asked["qty"]), due=asked.get("due")
        )
        options = options_html(self.promise, names)
        return PagePart(f"<style>{RULES}</style>{tiles_html(tiles)}{options}")

    def reasons(self, snapshot: Snapshot | None = None) -> PagePart:
        """What limits the date, and the remedies that were tried."""
        from medhavi.views.promises.lists import reasons_html
        from medhavi.views.promises.words import remedies_html

        names = _promise_names(self.promise, snapshot)
        parts = reasons_html(self.promise, names), remedies_html(self.promise, names)
        return PagePart("".join(parts))


def _promise_names(promise: Promise, snapshot: Snapshot | None) -> Names:
    """Names of a snapshot, on the wall clock of the place of the promise."""
    from medhavi.views.promises.words import promise_names, there

    place = promise.demand.get("location")
    return Names() if snapshot is None else there(promise_names(snapshot), place)


@dataclass(frozen=True, slots=True, repr=False)
class ScheduleCharts(ChartList):
    """Pictures of a schedule."""

    schedule: Schedule

    def gantt(self, zone: str = "UTC") -> PagePart:
        """Gantt of all operations by resource and unit; `zone` is an IANA zone."""
        from medhavi.views.schedule_words import gantt_chart

        return _drawn(gantt_chart(self.schedule, zone))


@dataclass(frozen=True, slots=True, repr=False)
class RiskCharts(ChartList):
    """Pictures of the risk of a schedule."""

    report: RiskReport

    def makespan(self) -> PagePart:
        """Histogram of the makespan of all scenarios [hours]."""
        from medhavi.views.schedule_words import risk_chart

        return _drawn(risk_chart(self.report))


@dataclass(frozen=True, slots=True, repr=False)
class PlanRiskCharts(ChartList):
    """Pictures of the execution risk of a plan."""

    risk: PlanRisk

    def service(self, snapshot: Snapshot | None = None) -> PagePart:
        """Line of the service expected by week, with its 80 % band."""
        from medhavi.views.pictures.forecast import forecast_chart

        return _drawn(forecast_chart(self.risk, names_of(snapshot)))


@dataclass(frozen=True, slots=True, repr=False)
class StudyCharts(ChartList):
    """Pictures of a study."""

    report: StudyReport

    def figure(self, kpi: str = "KPI-01") -> PagePart:
        """Bars of a key figure by scenario."""
        from medhavi.views.study_page import figure_chart

        return _drawn(figure_chart(self.report, kpi))

    def table(self) -> PagePart:
        """Runs side by side with their key figures."""
        from medhavi.views.study_page import study_table

        return PagePart(study_table(self.report))


@dataclass(frozen=True, slots=True, repr=False)
class HindsightCharts(ChartList):
    """Pictures of how promises would have been kept."""

    report: HindsightReport

    def calibration(self) -> PagePart:
        """Stated probability against the share that came in time."""
        from medhavi.views.study_page import calibration_chart

        return _drawn(calibration_chart(self.report))

    def lines(self, snapshot: Snapshot | None = None) -> list[dict[str, str]]:
        """Order lines in names and local times, a row each."""
        from medhavi.views.study_page import ordered_rows

        return ordered_rows(self.report.lines, names_of(snapshot))

    def summary(self, snapshot: Snapshot | None = None) -> PagePart:
        """Figures of all lines, by tier and supplier, and the dates missed most."""
        from medhavi.views.study_page import group_table, hindsight_tiles, missed_table

        names = names_of(snapshot)
        groups = [
            f"<h3>By {by}</h3>{group_table(self.report, by, names)}"
            for by in ("tier", "supplier")
        ]
        missed = f"<h3>Missed most</h3>{missed_table(self.report, names)}"
        return PagePart("".join((hindsight_tiles(self.report), *groups, missed)))


@dataclass(frozen=True, slots=True, repr=False)
class FrontCharts(ChartList):
    """Pictures of a trade-off."""

    front: ParetoFront

    def points(self, x: str = "cost", y: str = "lateness") -> PagePart:
        """Points over two objectives, and all of them as a table."""
        from medhavi.views.pictures.pareto import front_chart, points_html

        drawn = _drawn(front_chart(self.front, x, y))
        return PagePart(f"{drawn.html}{points_html(self.front)}", drawn.picture)

    def difference(self, first: int, second: int) -> PagePart:
        """What two points differ in, objective by objective."""
        from medhavi.views.pictures.pareto import difference_html

        return PagePart(difference_html(self.front, first, second))


CHARTS: Mapping[type, type] = {
    Plan: PlanCharts,
    ParetoFront: FrontCharts,
    Promise: PromiseCharts,
    Schedule: ScheduleCharts,
    RiskReport: RiskCharts,
    PlanRisk: PlanRiskCharts,
    StudyReport: StudyCharts,
    HindsightReport: HindsightCharts,
}
"""Which pictures each kind of result has."""
