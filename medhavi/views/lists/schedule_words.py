"""A schedule and its risk in words and tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.schedules.problem import TimeAxis
from medhavi.units import from_seconds, to_seconds
from medhavi.views.format import NOTHING, count, duration, number, percent, when
from medhavi.views.page import empty, table_html
from medhavi.views.pictures.gantt import hours_text
from medhavi.views.tiles import Tile

if TYPE_CHECKING:
    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.schedule import Schedule

_NAMES = {
    "late_orders": "late orders",
    "weighted_tardiness": "weighted tardiness",
    "max_tardiness": "greatest tardiness",
    "makespan": "end of the last order",
    "setup": "changeovers",
    "cost": "cost of changeovers",
    "load_balance": "balance of loads",
    "energy": "energy",
}
_MINUTES = frozenset({"weighted_tardiness", "max_tardiness", "makespan"})


def schedule_tiles(schedule: Schedule, zone: str = "UTC") -> tuple[Tile, ...]:
    """Figures of a schedule: end, late orders, set-up, bottleneck."""
    if schedule.operations.is_empty():
        return (
            Tile(
                label="All done",
                figure=NOTHING,
                state="bad",
                word="cannot be scheduled",
            ),
        )
    orders = schedule.orders
    late = orders.filter(pl.col("late_minutes") > 0).height
    busiest = schedule.resources.sort(
        "utilization", "resource", descending=[True, False]
    ).row(0, named=True)
    setup = float(schedule.resources["setup_minutes"].sum())
    return (
        Tile(
            label="All done after",
            figure=_span(schedule, schedule.makespan),
            note=_end(schedule, zone),
        ),
        Tile(
            label="Late orders",
            figure=f"{late:,}",
            note=f"of {orders.height:,}; target 0",
            state="bad" if late else "good",
            word="late" if late else "none",
        ),
        Tile(label="Set-up", figure=_span(schedule, setup), note="on all lines"),
        Tile(
            label="Busiest line",
            figure=percent(busiest["utilization"]),
            note=str(busiest["name"] or busiest["resource"]),
        ),
    )


def _span(schedule: Schedule, minutes: float) -> str:
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return hours_text(minutes)
    return duration(minutes / 60)


def _end(schedule: Schedule, zone: str) -> str:
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return "of working time"
    begin = to_seconds(schedule.problem.start)
    return when(from_seconds(begin + round(schedule.makespan * 60)), zone)


def proof_html(schedule: Schedule) -> str:
    """Value reached for each objective, and what is proven."""
    rows = [
        (
            escape(_NAMES.get(row["objective"], row["objective"])),
            _value(schedule, row["objective"], row["value"]),
            _value(schedule, row["objective"], row["bound"]),
            '<span class="mv-mark mv-good">● proven best</span>'
            if row["proven"]
            else f"gap {percent(row['gap'])}",
        )
        for row in schedule["objectives"].sort("place").iter_rows(named=True)
    ]
    if not rows:
        return _conflict(schedule)
    return table_html(("Counts", "Reached", "Not below", "Proof"), rows, ("Reached",))


def _value(schedule: Schedule, objective: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return _span(schedule, value) if objective in _MINUTES else number(value)


def _conflict(schedule: Schedule) -> str:
    rows = [(escape(str(text)),) for text in schedule.conflict["text"]]
    if not rows:
        return empty("Nothing to schedule", "The file has no orders.")
    return table_html(("What cannot all hold",), rows)


def orders_html(schedule: Schedule, zone: str = "UTC") -> str:
    """List the orders, the latest first."""
    if schedule.orders.is_empty():
        return empty("No order is scheduled", "See what cannot all hold.")
    ranked = schedule.orders.sort(
        "late_minutes", "finish_minutes", "order", descending=[True, False, False]
    )
    rows = [
        (
            escape(str(row["order"])),
            escape(str(row["customer"] or "")),
            escape(_moment(schedule, row, "finish", zone)),
            escape(_moment(schedule, row, "due", zone)),
            f'<span class="mv-mark mv-bad">▲ {_span(schedule, row["late_minutes"])}'
            "</span>"
            if row["late_minutes"]
            else '<span class="mv-mark mv-good">● on time</span>',
        )
        for row in ranked.iter_rows(named=True)
    ]
    return table_html(("Order", "Customer", "Done", "Due", "Late"), rows)


def _moment(schedule: Schedule, row: dict[str, object], name: str, zone: str) -> str:
    """Instant, or hours where closed time is left out."""
    minutes = row[f"{name}_minutes"]
    if minutes is None:
        return NOTHING
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return f"after {hours_text(float(str(minutes)))}"
    return when(row[name], zone)  # type: ignore[arg-type]


def risk_orders_html(report: RiskReport) -> str:
    """List how likely each order is late, the likeliest first."""
    ranked = report.orders.sort("prob_late", "order", descending=[True, False])
    rows = [
        (
            escape(str(row["order"])),
            percent(row["prob_late"]),
            hours_text(row["finish_p50"]),
            hours_text(row["finish_p95"]),
        )
        for row in ranked.iter_rows(named=True)
    ]
    return table_html(
        ("Order", "Chance to be late", "Done, half the time", "Done, 95 of 100"),
        rows,
        ("Chance to be late",),
        few=3,
    )


def schedule_foot(schedule: Schedule) -> str:
    """Trust line: status, effort, what it rests on."""
    run = schedule.run
    bound = f", {run.bound_words()}" if run.bound_words() else ""
    effort = ", ".join(f"{name} {value:,.3g}" for name, value in run.effort.items())
    facts = [
        ("Status", f"{run.status}{bound}, checked: 0 violations"),
        ("Effort", effort or NOTHING),
        ("Seed", str(run.seed)),
        ("Orders", count(schedule.orders.height, "order")),
        ("Medhavi", run.package_version),
        ("Problem", run.snapshot_fingerprint[:12]),
        ("Schedule", schedule.fingerprint[:12]),
    ]
    items = "".join(
        f"<span>{name} <b>{escape(text)}</b></span>" for name, text in facts
    )
    return f'<div class="mv"><div class="mv-trust">{items}</div></div>'
