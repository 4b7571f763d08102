"""Summaries of a schedule: instants, orders, resources, objectives, the claim."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.findings import Finding
    from medhavi.results.schedules.problem import ScheduleProblem
    from medhavi.results.schedules.schedule import Schedule

Row = dict[str, Any]
TOLERANCE = 1e-3


def check_figures(schedule: Schedule, problem: ScheduleProblem) -> list[Finding]:
    """Check everything that is computed from the operations."""
    rows = schedule.operations.to_dicts()
    return [
        *_instants(rows, problem),
        *_orders(schedule, problem, rows),
        *_resources(schedule, problem, rows),
        *_objectives(schedule, problem, rows),
        *_claim(schedule),
    ]


def _instants(rows: list[Row], problem: ScheduleProblem) -> Iterator[Finding]:
    for row in rows:
        for column in ("start", "finish", "setup_start"):
            minutes = row[f"{column}_minutes"]
            expected = problem.start + timedelta(minutes=minutes)
            if abs((row[column] - expected).total_seconds()) > TOLERANCE * 60:
                yield finding(
                    "SCHED111",
                    table="operations",
                    column=column,
                    value=f"{row['sales_order']} step {row['step']}",
                    found=row[column].isoformat(),
                    minutes=minutes,
                    expected=expected.isoformat(),
                )


def _wrong(
    table: str, value: object, column: str, found: object, by: object
) -> Finding:
    return finding(
        "SCHED110", table=table, value=value, column=column, found=found, expected=by
    )


def _far(found: object, expected: float) -> bool:
    return not (
        isinstance(found, (int, float))
        and abs(found - expected) <= TOLERANCE * max(1.0, abs(expected) * 1e-3)
    )


def _orders(
    schedule: Schedule, problem: ScheduleProblem, rows: list[Row]
) -> Iterator[Finding]:
    ends = _ends(rows)
    stated = {row["order"]: row for row in schedule.orders.iter_rows(named=True)}
    for order in problem.orders:
        row = stated.get(order.order)
        if row is None:
            yield _wrong("orders", order.order, "order", "missing", "there")
            continue
        due = order.due_minutes
        late = 0.0 if due is None else max(0.0, ends[order.order] - due)
        expected = {"finish_minutes": ends[order.order], "late_minutes": late}
        for column, value in expected.items():
            if _far(row[column], value):
                yield _wrong("orders", order.order, column, row[column], value)


def _ends(rows: list[Row]) -> dict[str, float]:
    ends: dict[str, float] = {}
    for row in rows:
        key = row["sales_order"]
        ends[key] = max(ends.get(key, 0.0), row["finish_minutes"])
    return ends


def _resources(
    schedule: Schedule, problem: ScheduleProblem, rows: list[Row]
) -> Iterator[Finding]:
    stated = {row["resource"]: row for row in schedule.resources.iter_rows(named=True)}
    for resource in problem.resources:
        row = stated.get(resource.resource)
        own = [item for item in rows if item["resource"] == resource.resource]
        for column in ("run_minutes", "setup_minutes"):
            value = sum(item[column] for item in own)
            if row is None or _far(row[column], value):
                found = None if row is None else row[column]
                yield _wrong("resources", resource.resource, column, found, value)


def _objectives(
    schedule: Schedule, problem: ScheduleProblem, rows: list[Row]
) -> Iterator[Finding]:
    names = list(schedule.objective)
    if names != [str(name) for name in problem.objective] and names:
        yield _wrong("objectives", schedule.problem.name, "objective", names, "stated")
    for name, value in schedule.objective.items():
        expected = FIGURES[name](problem, rows)
        if _far(value, expected):
            yield _wrong("objectives", name, "value", value, expected)


def _claim(schedule: Schedule) -> Iterator[Finding]:
    for row in schedule["objectives"].iter_rows(named=True):
        name = row["objective"]
        if row["bound"] > row["value"] + TOLERANCE:
            why = f"the bound of {name} is above its value"
            yield finding("SCHED112", status=schedule.status, why=why)
        if schedule.status is Status.OPTIMAL and not (
            row["proven"] and row["gap"] == 0
        ):
            why = f"{name} is not proven"
            yield finding("SCHED112", status=schedule.status, why=why)


# ------------------------------------------------------------------- objectives
def _lateness(problem: ScheduleProblem, rows: list[Row]) -> list[tuple[float, float]]:
    """(late minutes, weight) of each order with a due time."""
    ends = _ends(rows)
    return [
        (max(0.0, ends[order.order] - order.due_minutes), order.weight)
        for order in problem.orders
        if order.due_minutes is not None
    ]


def _late_orders(problem: ScheduleProblem, rows: list[Row]) -> float:
    return float(sum(late > TOLERANCE for late, _ in _lateness(problem, rows)))


def _weighted(problem: ScheduleProblem, rows: list[Row]) -> float:
    return sum(late * weight for late, weight in _lateness(problem, rows))


def _largest(problem: ScheduleProblem, rows: list[Row]) -> float:
    return max((late for late, _ in _lateness(problem, rows)), default=0.0)


def _makespan(_problem: ScheduleProblem, rows: list[Row]) -> float:
    return max((row["finish_minutes"] for row in rows), default=0.0)


def _changes(_problem: ScheduleProblem, rows: list[Row]) -> float:
    return float(
        sum(row["changeover_minutes"] > 0 or row["changeover_cost"] > 0 for row in rows)
    )


def _cost(_problem: ScheduleProblem, rows: list[Row]) -> float:
    return float(sum(row["changeover_cost"] for row in rows))


def _balance(_problem: ScheduleProblem, rows: list[Row]) -> float:
    loads: dict[str, float] = {}
    for row in rows:
        loads[row["resource"]] = loads.get(row["resource"], 0.0) + row["run_minutes"]
    return sum(load * load for load in loads.values())


FIGURES: dict[str, Callable[[ScheduleProblem, list[Row]], float]] = {
    "late_orders": _late_orders,
    "weighted_tardiness": _weighted,
    "max_tardiness": _largest,
    "makespan": _makespan,
    "setup": _changes,
    "cost": _cost,
    "load_balance": _balance,
}
