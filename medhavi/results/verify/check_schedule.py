"""Every rule of a schedule, checked from its tables and its problem alone.

Shares no code with the planner but the records of the problem. Times are compared in
minutes to a thousandth of one.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.results.run_record import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.findings import Finding
    from medhavi.results.schedules.problem import (
        Option,
        Order,
        ScheduleProblem,
        Step,
        Window,
    )
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


def verify_schedule(
    schedule: Schedule, problem: ScheduleProblem | None = None
) -> list[Finding]:
    """Check a schedule against its problem; an empty list means it holds.

    Parameters
    ----------
    schedule
        Result of a search, or read from a folder. An infeasible one has nothing to
        check but that it claims no operations.
    problem
        What it must fulfil; its own problem when not given.

    Returns
    -------
    list of Finding
        Codes SCHED101 and on, each naming the operation that is wrong.
    """
    wanted = problem or schedule.problem
    rows = schedule.operations.to_dicts()
    if not rows and schedule.status in {"infeasible", "error", "cancelled"}:
        return []
    found = _steps(rows, wanted)
    if found:
        # Sums over missing or unknown steps would only repeat the first fault.
        return found
    check = _Check(rows, wanted)
    return [*check.findings(), *check_figures(schedule, wanted)]


def _steps(rows: list[Row], problem: ScheduleProblem) -> list[Finding]:
    wanted = {(order.order, step.step) for order, step in problem.steps()}
    seen: set[tuple[str, int]] = set()
    found = []
    for row in rows:
        key = (row["sales_order"], row["step"])
        why = None
        if key not in wanted:
            why = "the problem has no such step"
        elif key in seen:
            why = "it is scheduled twice"
        elif any(row[name] is None for name in ("start_minutes", "finish_minutes")):
            why = "it has no time"
        if why:
            found.append(
                finding("SCHED101", table="operations", value=_name(row), why=why)
            )
        seen.add(key)
    for order, step in sorted(wanted - seen):
        found.append(
            finding(
                "SCHED101",
                table="operations",
                value=f"{order} step {step}",
                why="it is not scheduled",
            )
        )
    return found


def _name(row: Row) -> str:
    return f"{row['sales_order']} step {row['step']}"


class _Check:
    """Rules of single operations, of orders and of resources."""

    def __init__(self, rows: list[Row], problem: ScheduleProblem) -> None:
        self.rows = rows
        self.problem = problem
        self.by_step = {(row["sales_order"], row["step"]): row for row in rows}

    def findings(self) -> list[Finding]:
        found: list[Finding] = []
        for row in self.rows:
            order = self.problem.order_by_id[row["sales_order"]]
            step = order.step(row["step"])
            option = next(
                (o for o in step.options if o.resource == row["resource"]), None
            )
            found += self._option(row, order, option)
            if option is None:
                continue
            found += self._order_rules(row, order, step)
            found += self._times(row, step, option)
        return [*found, *self._neighbours()]

    # ------------------------------------------------------------- one operation
    def _option(
        self, row: Row, order: Order, option: Option | None
    ) -> Iterator[Finding]:
        why = None
        if option is None:
            why = "that is not an option of the step"
        elif not 1 <= row["unit"] <= self.problem.resource_by_id[option.resource].units:
            why = "there is no such unit"
        else:
            share = option.good_share
            if share is None:
                share = self.problem.resource_by_id[option.resource].good_share
            if (
                order.min_yield is not None
                and (1 if share is None else share) < order.min_yield
            ):
                why = f"its yield {share:g} is below {order.min_yield:g}"
        if why:
            yield finding(
                "SCHED102",
                table="operations",
                value=_name(row),
                resource=row["resource"],
                unit=row["unit"],
                why=why,
            )

    def _order_rules(self, row: Row, order: Order, step: Step) -> Iterator[Finding]:
        start, name = row["start_minutes"], _name(row)
        for before in step.after:
            end = self.by_step[order.order, before]["finish_minutes"]
            if start < end - TOLERANCE:
                yield finding(
                    "SCHED106",
                    table="operations",
                    value=name,
                    found=start,
                    before=before,
                    expected=end,
                )
        if start < order.release_minutes - TOLERANCE:
            yield finding(
                "SCHED107",
                table="operations",
                value=name,
                found=start,
                expected=order.release_minutes,
            )
        if step.start_minutes is None:
            return
        moved = abs(start - step.start_minutes) > TOLERANCE
        if moved or step.resource not in (None, row["resource"]):
            yield finding(
                "SCHED108",
                table="operations",
                value=name,
                found=start,
                resource=row["resource"],
                expected=step.start_minutes,
                wanted=step.resource,
            )

    def _times(self, row: Row, step: Step, option: Option) -> Iterator[Finding]:
        """Check run, windows and the place of the set-up."""
        windows = self.problem.resource_by_id[option.resource].windows
        start, finish = row["start_minutes"], row["finish_minutes"]
        if abs(row["run_minutes"] - option.run_minutes) > TOLERANCE:
            yield _minutes(row, "run_minutes", row["run_minutes"], option.run_minutes)
        worked = finish - start
        if step.splittable and windows is not None:
            worked = _open_inside(windows, start, finish)
            fits = _is_open(windows, start) and _is_open_before(windows, finish)
        else:
            fits = _inside_one(windows, start, finish)
        if abs(worked - option.run_minutes) > TOLERANCE:
            yield _minutes(row, "finish - start", worked, option.run_minutes)
        if not fits:
            yield _outside(row, "run", start, finish)
        begin = row["setup_start_minutes"]
        end = begin + row["setup_minutes"]
        if begin < -TOLERANCE or end > start + TOLERANCE:
            yield finding(
                "SCHED109",
                table="operations",
                value=_name(row),
                begin=begin,
                end=end,
                start=start,
            )
        if row["setup_minutes"] > 0 and not _inside_one(windows, begin, end):
            yield _outside(row, "set-up", begin, end)

    # ---------------------------------------------------------------- neighbours
    def _neighbours(self) -> Iterator[Finding]:
        """Check overlaps and set-ups along each unit of each resource."""
        units: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in self.rows:
            units[row["resource"], row["unit"]].append(row)
        for (resource, _), rows in sorted(units.items()):
            rows.sort(key=lambda row: (row["start_minutes"], row["finish_minutes"]))
            known = self.problem.resource_by_id.get(resource)
            family = None if known is None else known.setup_family
            free, first = 0.0, family is None
            for row in rows:
                yield from self._entry(row, resource, family, free, first=first)
                order = self.problem.order_by_id[row["sales_order"]]
                family, first = order.step(row["step"]).family, False
                free = row["finish_minutes"]

    def _entry(
        self, row: Row, resource: str, family: str | None, free: float, *, first: bool
    ) -> Iterator[Finding]:
        order = self.problem.order_by_id[row["sales_order"]]
        step = order.step(row["step"])
        option = next((o for o in step.options if o.resource == resource), None)
        if option is None:
            return
        minutes, cost = (
            (0.0, 0.0) if first else self._change(resource, family, step.family)
        )
        expected = {
            "changeover_minutes": minutes,
            "changeover_cost": cost,
            "setup_minutes": minutes + option.setup_minutes,
        }
        for column, value in expected.items():
            if abs(row[column] - value) > TOLERANCE:
                yield _minutes(row, column, row[column], value)
        begin = (
            row["setup_start_minutes"] if row["setup_minutes"] else row["start_minutes"]
        )
        if begin < free - TOLERANCE:
            yield finding(
                "SCHED104",
                table="operations",
                value=_name(row),
                found=begin,
                resource=resource,
                unit=row["unit"],
                expected=free,
            )

    def _change(
        self, resource: str, before: str | None, after: str | None
    ) -> tuple[float, float]:
        """Minutes and cost of a change: the row with fewer `*`, then the first."""
        matrix = self.problem.resource_by_id[resource].changeover_matrix
        if matrix is None or before == after:
            return 0.0, 0.0
        ranked: list[tuple[int, int, float, float]] = []
        for place, row in enumerate(self.problem.changeovers):
            stars = [row.from_family, row.to_family].count("*")
            meets = row.from_family in ("*", before) and row.to_family in ("*", after)
            if row.matrix == matrix and meets:
                ranked.append((stars, place, row.setup_minutes, row.cost))
        return min(ranked)[2:] if ranked else (0.0, 0.0)


def _minutes(row: Row, column: str, found: float, expected: float) -> Finding:
    return finding(
        "SCHED103",
        table="operations",
        column=column,
        value=_name(row),
        found=found,
        expected=expected,
    )


def _outside(row: Row, what: str, begin: float, end: float) -> Finding:
    return finding(
        "SCHED105",
        table="operations",
        value=_name(row),
        what=what,
        begin=begin,
        end=end,
        resource=row["resource"],
    )


def _inside_one(windows: tuple[Window, ...] | None, begin: float, end: float) -> bool:
    return windows is None or any(
        a - TOLERANCE <= begin and end <= b + TOLERANCE for a, b in windows
    )


def _open_inside(windows: tuple[Window, ...], begin: float, end: float) -> float:
    return sum(max(0.0, min(b, end) - max(a, begin)) for a, b in windows)


def _is_open(windows: tuple[Window, ...], instant: float) -> bool:
    return any(a - TOLERANCE <= instant < b for a, b in windows)


def _is_open_before(windows: tuple[Window, ...], instant: float) -> bool:
    return any(a < instant <= b + TOLERANCE for a, b in windows)
