"""Every rule of a schedule, checked from its tables and its problem alone.

Shares no code with the planner but the records of the problem. Times are compared in
minutes to a thousandth of one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.results.verify.check_schedule_figures import check_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            why = "that is no option of the step"
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
