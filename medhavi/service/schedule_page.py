"""What the schedule app shows: a schedule and its risk, or what stands in the way."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.findings import Finding
from medhavi.planners.scheduling.plan_problem import schedule_problem
from medhavi.progress import Progress
from medhavi.results.schedules.problem import TimeAxis
from medhavi.results.schedules.schedule import Schedule
from medhavi.service.data_source import choose_source
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import PageProblem, html, problem_of
from medhavi.service.page_table import page_table
from medhavi.views import grid_columns, page
from medhavi.views.names import Names, percent, wall_clock
from medhavi.views.order_list import clocks
from medhavi.views.pictures.operation_bars import hours_text
from medhavi.views.schedule_words import span_words
from medhavi.views.words import say
from medhavi.workbench.files.schedule_files import risk, schedule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import marimo as mo

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.problem import Order
    from medhavi.service.plan_pages.plan_loading import PlanPage


_STEPS = ("filling", "labelling", "packing", "quality control")
_LINES = (("FILL-1", "FILL-2"), ("LABEL",), ("PACK",), ("QC",))
_ORDERS = (
    ("Shampoo 250 ml", (420, 285, 180, 105), 1200),
    ("Detergent 1 l", (240, 135, 120, 45), 1860),
    ("Body wash 200 ml", (390, 210, 150, 90), 1740),
    ("Conditioner 250 ml", (330, 195, 150, 60), 1290),
    ("Face cream 50 ml", (240, 195, 135, 75), 690),
    ("Soap 4 x 100 g", (300, 195, 105, 60), 1500),
)
_SLOWER = 1.25
_RANGE = (0.8, 1.0, 1.35)


def example_schedule() -> dict[str, Any]:
    """Document of a schedule file (docs/scheduling.md).

    Two filling lines, the second a quarter slower, with two hours of cleaning between
    products; labelling, packing and quality control follow.
    """
    return {
        "schema": "medhavi.schedule/1",
        "name": "six orders",
        "start": "2026-01-05T06:00:00Z",
        "time_axis": "working",
        "objective": ["late_orders", "makespan", "setup"],
        "resources": [
            {
                "resource": "FILL-1",
                "name": "Filling 1",
                "changeover_matrix": "clean",
            },
            {
                "resource": "FILL-2",
                "name": "Filling 2",
                "changeover_matrix": "clean",
            },
            {"resource": "LABEL", "name": "Labelling"},
            {"resource": "PACK", "name": "Packing"},
            {"resource": "QC", "name": "Quality control"},
        ],
        "changeovers": [
            {
                "matrix": "clean",
                "from_family": "*",
                "to_family": "*",
                "setup_minutes": 120,
            }
        ],
        "orders": [_order(*told) for told in _ORDERS],
    }


def _order(name: str, minutes: tuple[int, ...], due: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for place, (step, lines, run) in enumerate(
        zip(_STEPS, _LINES, minutes, strict=True), start=1
    ):
        options = [
            {
                "resource": line,
                "run_minutes": run if line == lines[0] else run * _SLOWER,
            }
            for line in lines
        ]
        steps.append(
            {
                "step": place,
                "name": step,
                "family": name,
                "after": [place - 1] if place > 1 else [],
                "options": options,
            }
        )
    steps[0]["run_minutes_range"] = [share * minutes[0] for share in _RANGE]
    return {"order": name, "product": name, "due_minutes": due, "steps": steps}


_KEPT = 8
EXAMPLE = say("an_example_of_six_orders")
EXAMPLE_NOTE = say("a_schedule_file_has_orders")
"""What the page says while nothing of the plant is shown."""
NO_PLAN = PageProblem(title=say("mrp_is_infinite"), text=say("orders_overlap"))
_OFFER = PageProblem(
    title=say("nothing_is_scheduled_yet"),
    text=say("what_a_schedule_is"),
    remedy=say("make_the_schedule"),
)
_schedules: OrderedDict[str, Schedule] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage:
    """A schedule; None where `problem` says why. `source` names where it comes from."""

    source: str
    schedule: Schedule | None = None
    problem: PageProblem | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_example(self) -> bool:
        """Whether nothing but the example is shown."""
        return self.source == EXAMPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """A schedule of the next days of a plan in force.

    Parameters
    ----------
    plan, fingerprint
        Request of the plan, and which one the page shows.
    days
        From the plan's now on.
    objective
        Names with commas; empty: late orders, tardiness, changeovers.
    """

    plan: PlanRequest
    fingerprint: str
    days: float
    objective: str = ""
    title: str = field(default=say("schedule_of_the_plan"), init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Source of the plan: what is asked for later takes its place."""
        return self.plan.subject, "schedule"

    def run(self, observe: Observe, cancelled: Cancelled) -> Schedule:
        """Schedule the plan that the page shows."""
        observe(Progress(say("reading_the_plan")))
        plan = self.plan.shown(self.fingerprint)
        problem = schedule_problem(self.plan.tables(), plan, self.days)
        wanted = self.objective or None
        return schedule(problem, objective=wanted, observe=observe, cancelled=cancelled)


def has_tables(name: str) -> bool:
    """Whether there are tables or a lake to plan; `name` as of `load_data`."""
    try:
        choose_source(name)
    except MedhaviError:
        return False
    return True


def schedule_of(shown: PlanPage, days: float, objective: str = "") -> SchedulePage:
    """Schedule of the next days of the plan that a page shows; a job makes it."""
    source = say("the_plan_in_force")
    plan, snapshot, asked = shown.plan, shown.snapshot, shown.request
    if plan is None or snapshot is None or asked is None:
        return SchedulePage(source=source, problem=shown.problem)
    if plan.run.mode == "mrp":
        return SchedulePage(source=source, problem=NO_PLAN)
    request = ScheduleRequest(
        plan=asked, fingerprint=plan.fingerprint, days=days, objective=objective
    )

    def here() -> Schedule:
        problem = schedule_problem(snapshot, plan, days)
        return schedule(problem, objective=objective or None)

    try:
        made = result_of(request, here, say("the_schedule_is_being_made"), offer=_OFFER)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return SchedulePage(source=source, problem=problem_of(failure))
    if isinstance(made, PageProblem):
        return SchedulePage(source=source, problem=made)
    return SchedulePage(source=source, schedule=made, findings=made.findings)


def example_bytes() -> bytes:
    """Schedule file of the example, to be filled with orders of one's own."""
    return json.dumps(example_schedule(), indent=2, default=str).encode()


def load_schedule(
    path: str = "", document: bytes | None = None, *, objective: str = ""
) -> SchedulePage:
    """Schedule an uploaded document, a file, or else the example.

    Parameters
    ----------
    path
        A schedule file of this machine.
    document
        Content of a file that somebody dropped; wins over `path`.
    objective
        Names with commas; those of the file where empty.
    """
    name = say("an_uploaded_file") if document else path or EXAMPLE
    try:
        with _lock:
            made = _scheduled(document or path or example_schedule(), objective)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return SchedulePage(source=name, problem=problem_of(failure))
    return SchedulePage(source=name, schedule=made, findings=made.findings)


def _scheduled(source: Mapping[str, object] | str | bytes, objective: str) -> Schedule:
    """Solve, or give the schedule of the same question once more."""
    key = json.dumps([source, objective], sort_keys=True, default=str)
    if isinstance(source, str) or key not in _schedules:
        made = schedule(source, objective=objective or None)
        _schedules[key] = made
        while len(_schedules) > _KEPT:
            _schedules.popitem(last=False)
    _schedules.move_to_end(key)
    return _schedules[key]


def risk_of(
    made: Schedule, *, scenarios: int, spread: float | None, steps: str, seed: int = 1
) -> RiskReport | PageProblem:
    """Simulate the schedule's own sequence.

    Parameters
    ----------
    spread
        Half width of run times as a share; None keeps the ranges of the file.
    steps
        Name of the steps that spread; all where empty.
    """
    try:
        return risk(
            made.problem,
            made,
            scenarios=scenarios,
            seed=seed,
            spread=spread,
            steps=steps or None,
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return problem_of(failure)


def order_table(made: Schedule, names: Names) -> mo.Html:
    """Orders of a schedule, the latest first."""
    rows = order_rows(made, names.zone, names)
    if rows.is_empty():
        return html(page.empty(say("no_order_is_scheduled"), say("see_conflicts")))
    times = [name for name, kind in rows.schema.items() if kind.is_temporal()]
    return page_table(
        rows,
        say("production_schedule"),
        formats=clocks(times),
        right=(),
        page_size=8,
    )


def risk_table(report: RiskReport) -> mo.Html:
    """Orders by their chance to be late."""
    rows = risk_rows(report)
    _order, chance, *times = rows.columns
    return page_table(
        rows,
        say("risk"),
        formats={chance: percent, **dict.fromkeys(times, hours_text)},
        right=(chance, *times),
        page_size=10,
        units=dict.fromkeys(times, "min"),
    )


_IDS = Names()


def order_rows(
    schedule: Schedule, zone: str = "UTC", names: Names = _IDS
) -> pl.DataFrame:
    """Orders of a schedule, the latest first.

    Returns
    -------
    pl.DataFrame
        Order, Item, Customer, Done, Due, Late (no word where nothing is due); Done and
        Due are wall clocks, or hours of working time in words. Item and Customer are
        missing where no order has one.
    """
    problem = schedule.problem
    ranked = schedule.orders.sort(
        "late_minutes", "finish_minutes", "order", descending=[True, False, False]
    )
    rows = [
        {
            grid_columns.ORDER: row["order"],
            grid_columns.ITEM: _item(problem.order_by_id[row["order"]], names),
            grid_columns.CUSTOMER: names.name(row["customer"])
            if row["customer"]
            else "",
            grid_columns.DONE: _moment(schedule, row, "finish", zone),
            grid_columns.DUE: _moment(schedule, row, "due", zone),
            grid_columns.LATE: _lateness(schedule, row),
        }
        for row in ranked.iter_rows(named=True)
    ]
    working = problem.time_axis is TimeAxis.WORKING
    clock = pl.String if working else pl.Datetime("us")
    texts = (grid_columns.ITEM, grid_columns.CUSTOMER, grid_columns.LATE)
    found = pl.DataFrame(
        rows,
        schema={
            grid_columns.ORDER: pl.String,
            grid_columns.ITEM: pl.String,
            grid_columns.CUSTOMER: pl.String,
            grid_columns.DONE: clock,
            grid_columns.DUE: clock,
            grid_columns.LATE: pl.String,
        },
    )
    return found.drop(one for one in texts[:2] if not (found[one] != "").any())


def _item(order: Order, names: Names) -> str:
    """Product of an order; none where the order is called by it."""
    product = order.product
    return names.name(product) if product and product != order.order else ""


def _lateness(schedule: Schedule, row: Mapping[str, Any]) -> str:
    if row["late_minutes"]:
        return f"▲ {span_words(schedule, row['late_minutes'])}"
    return "" if row["due_minutes"] is None else "● on time"


def _moment(
    schedule: Schedule, row: Mapping[str, Any], name: str, zone: str
) -> dt.datetime | str | None:
    """Wall clock, or hours where closed time is left out."""
    minutes = row[f"{name}_minutes"]
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return "" if minutes is None else f"after {hours_text(minutes)}"
    return None if minutes is None else wall_clock(row[name], zone)


def risk_rows(report: RiskReport) -> pl.DataFrame:
    """Orders by how likely each is late, the likeliest first.

    Returns
    -------
    pl.DataFrame
        Order, Chance to be late [share], Done, P50 and Done, P95 [min].
    """
    ranked = report.orders.sort("prob_late", "order", descending=[True, False])
    return ranked.select(
        pl.col("order").alias(grid_columns.ORDER),
        pl.col("prob_late").alias(say("chance_to_be_late")),
        pl.col("finish_p50").alias(say("column_done_p50")),
        pl.col("finish_p95").alias(say("column_done_p95")),
    )
