"""Risk of a schedule: its own sequence under thousands of drawn run times.

Nothing is solved again. Each scenario draws the run of every uncertain step from a
triangular distribution and shifts the fixed sequence left. Draws belong to (seed,
operation, scenario) alone, so schedules of one problem meet the same scenarios.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medhavi.errors import LimitReached, UsageError
from medhavi.findings import BadData, finding
from medhavi.planners.sampled_times import uniforms
from medhavi.planners.scheduling.assignment_tables import SequenceLink, left_shift
from medhavi.planners.scheduling.file_fields import nearest
from medhavi.planners.setting_ranges import (
    require_flag,
    require_number,
    require_text,
    require_whole,
)
from medhavi.progress import Progress, unobserved
from medhavi.results.reports.risk import RiskReport, risk_table
from medhavi.results.run_record import RunRecord, Status
from medhavi.results.schedules.problem import ScheduleProblem
from medhavi.results.schedules.schedule import Schedule
from medhavi.results.verify.check_schedule import verify_schedule
from medhavi.units import to_seconds
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.schedules.problem import Order, Step


def triangular(
    uniform: NDArray[np.float64], low: float, mode: float, high: float
) -> NDArray[np.float64]:
    """Turn uniform numbers into triangular ones by the inverse of the distribution.

    F(x) = (x - a)² / ((b - a)(c - a)) below the mode c, 1 - (b - x)² / ((b - a)(b - c))
    above (Kotz and van Dorp, Beyond Beta, 2004, chapter 1).

    >>> triangular(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 2.0)
    array([0., 1., 2.])
    """
    width = high - low
    if width <= 0:
        return np.full_like(uniform, mode)
    left = low + np.sqrt(uniform * width * (mode - low))
    right = high - np.sqrt((1.0 - uniform) * width * (high - mode))
    return np.where(uniform * width < mode - low, left, right)


RESAMPLES = 400


def quantile(ordered: NDArray[np.float64], level: float) -> float:
    """Least value that at least `level` of the sample does not exceed.

    >>> quantile(np.array([1.0, 2.0, 3.0, 4.0]), 0.5)
    2.0
    """
    return float(np.quantile(ordered, level, method="inverted_cdf"))


def tail_mean(ordered: NDArray[np.float64], percent: int) -> float:
    """Mean of the worst part: CVaR with a fractional tail.

    The tail holds percent / 100 x n values, so the last one counts by its fraction
    (Rockafellar and Uryasev, Conditional value-at-risk for general loss distributions,
    Journal of Banking and Finance 26, 2002, proposition 8).

    Parameters
    ----------
    ordered
        Sample, ascending, shape (n,).
    percent
        Size of the tail [%].

    >>> tail_mean(np.arange(1.0, 31.0), 5)
    29.666666666666668
    """
    size = len(ordered)
    whole, rest = divmod(size * percent, 100)
    total = float(ordered[size - whole :].sum())
    if rest:
        total += float(ordered[size - whole - 1]) * rest / 100
    return total * 100 / (size * percent)


def bootstrap_premium(
    ordered: NDArray[np.float64], percent: int, seed: int
) -> tuple[float, float]:
    """95 % interval of (CVaR - mean) / mean by resampling.

    Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13) of 400 resamples with a fixed seed.
    """
    size = len(ordered)
    generator = np.random.default_rng(seed)
    premiums = np.empty(RESAMPLES)
    for turn in range(RESAMPLES):
        drawn = np.sort(generator.integers(0, size, size))
        sample = ordered[drawn]
        mean = sample.mean()
        premiums[turn] = (tail_mean(sample, percent) - mean) / mean
    low, high = np.quantile(premiums, [0.025, 0.975])
    return float(low), float(high)


TAIL = 5
"""Part of the scenarios that counts as the tail [%]."""
MOST_SCENARIOS = 1_000_000
Row = dict[str, object]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskParameters:
    """What is drawn.

    Parameters
    ----------
    scenarios
        How many, 1 to a million.
    seed
        Of all draws.
    spread
        Half width of the run as part of its nominal [fraction], below 1. With `steps`
        it counts for the steps of that name which state no range; without, for every
        step that states one, or for all where none does.
    steps
        Name of the steps that `spread` is for.
    keep_starts
        Whether nothing begins before its planned start.
    """

    scenarios: int = 10_000
    seed: int = 1
    spread: float | None = None
    steps: str | None = None
    keep_starts: bool = False

    def __post_init__(self) -> None:
        require_whole("scenarios", self.scenarios, 1, MOST_SCENARIOS)
        require_whole("seed", self.seed)
        require_flag("keep_starts", self.keep_starts)
        if self.spread is not None:
            require_number("spread", self.spread, 0)
            if self.spread >= 1:
                message = f"spread ({self.spread}) must be at least 0 and below 1."
                raise UsageError(message)
        if self.steps is None:
            return
        require_text("steps", self.steps)
        if self.spread is None:
            message = "steps names what spread is for; state spread too."
            raise UsageError(message)


def simulate(
    schedule: Schedule,
    parameters: RiskParameters | None = None,
    problem: ScheduleProblem | None = None,
    *,
    observe: Observe = unobserved,
    cancelled: Cancelled | None = None,
) -> RiskReport:
    """Simulate a schedule.

    Parameters
    ----------
    problem
        Where ranges, releases and windows are read; the schedule's own when not given.
    observe
        Called with the progress before each operation.
    cancelled
        Asked before each operation; True ends the simulation.

    Raises
    ------
    BadData
        The schedule does not fit the problem, or nothing in it is uncertain.
    LimitReached
        It was cancelled: half a simulation has no figures.
    """

    def placed(done: int) -> None:
        if cancelled is not None and cancelled():
            message = "The simulation was stopped before its end; it has no figures."
            raise LimitReached(message)
        observe(Progress("operations in all scenarios", done, len(rows)))

    chosen = parameters or RiskParameters()
    wanted = problem or schedule.problem
    _require_fit(schedule, wanted)
    rows = schedule.operations.sort(
        "start_minutes", "finish_minutes", "sales_order", "step"
    ).to_dicts()
    ranges, findings = _ranges(wanted, chosen)
    numbers: dict[Key, int] = {
        (row["sales_order"], row["step"]): place for place, row in enumerate(rows)
    }
    links = _links(rows, numbers, wanted, chosen)
    nominal = np.array([row["run_minutes"] for row in rows], dtype=np.float64)
    durations = np.repeat(nominal[:, None], chosen.scenarios, axis=1)
    for key, (low, mode, high) in ranges.items():
        place = numbers[key]
        factor = _factor(wanted, key, rows[place]["resource"])
        drawn = uniforms(chosen.seed, f"{key[0]}/{key[1]}", chosen.scenarios)
        durations[place] = factor * triangular(drawn, low, mode, high)
    sequence = tuple(range(len(rows)))
    _, ends = left_shift(links, sequence, durations, placed)
    _, calm = left_shift(links, sequence, nominal[:, None])
    uncertain = [numbers[key] for key in ranges]
    world = _RiskScenarios(
        schedule=schedule,
        problem=wanted,
        parameters=chosen,
        rows=rows,
        durations=durations,
        ends=ends,
        nominal=float(calm.max()),
    )
    return world.report(uncertain, findings)


def _require_fit(schedule: Schedule, problem: ScheduleProblem) -> None:
    why = None
    if not schedule.operations.height:
        why = f"it has no operations (status {schedule.status})"
    else:
        broken = [
            item
            for item in verify_schedule(schedule, problem)
            if item.table == "operations"
        ]
        if broken:
            why = broken[0].message
    if why:
        raise BadData([finding("SCHED060", table="operations", why=why)])


def _ranges(
    problem: ScheduleProblem, chosen: RiskParameters
) -> tuple[dict[Key, tuple[float, float, float]], list[Finding]]:
    """Range of each uncertain step, in minutes of its first option."""
    stated = {
        (order.order, step.step): step.run_minutes_range
        for order, step in problem.steps()
        if step.run_minutes_range is not None
    }
    findings: list[Finding] = []
    if chosen.spread is not None:
        wide: list[tuple[Order, Step]] = [
            (order, step)
            for order, step in problem.steps()
            if (
                chosen.steps is None
                and (not stated or (order.order, step.step) in stated)
            )
            or (chosen.steps is not None and step.name == chosen.steps)
        ]
        if chosen.steps is not None and not wide:
            raise BadData(
                [
                    finding(
                        "SCHED063",
                        table="orders",
                        column="name",
                        value=chosen.steps,
                        nearest=nearest(
                            chosen.steps,
                            {step.name or "" for _, step in problem.steps()},
                        ),
                    )
                ]
            )
        kept = [
            (o, s)
            for o, s in wide
            if chosen.steps is not None and (o.order, s.step) in stated
        ]
        if kept:
            findings.append(
                finding(
                    "SCHED062",
                    table="orders",
                    value=chosen.steps,
                    count=len(wide) - len(kept),
                    kept=len(kept),
                )
            )
        for order, step in wide:
            run = step.options[0].run_minutes
            own = (run * (1 - chosen.spread), run, run * (1 + chosen.spread))
            if (order, step) not in kept:
                stated[order.order, step.step] = own
    if not stated:
        raise BadData([finding("SCHED061", table="orders", column="run_minutes_range")])
    return stated, findings


def _factor(problem: ScheduleProblem, key: Key, resource: object) -> float:
    """Option's time over the first option's (rule 42)."""
    step = problem.order_by_id[key[0]].step(key[1])
    option = next(o for o in step.options if o.resource == resource)
    return option.run_minutes / step.options[0].run_minutes


def _links(
    rows: list[dict[str, object]],
    numbers: dict[Key, int],
    problem: ScheduleProblem,
    chosen: RiskParameters,
) -> tuple[SequenceLink, ...]:
    """Fixed sequence: what each operation waits for."""
    last: dict[tuple[object, object], int] = {}
    links = []
    for place, row in enumerate(rows):
        order = problem.order_by_id[str(row["sales_order"])]
        step = order.step(int(row["step"]))  # type: ignore[call-overload]
        unit = (row["resource"], row["unit"])
        earliest = max(order.release_minutes, step.start_minutes or 0.0)
        if chosen.keep_starts:
            earliest = max(earliest, float(row["start_minutes"]))  # type: ignore[arg-type]
        links.append(
            SequenceLink(
                after=tuple(numbers[order.order, before] for before in step.after),
                neighbour=last.get(unit),
                setup=float(row["setup_minutes"]),  # type: ignore[arg-type]
                earliest=earliest,
                windows=problem.resource_by_id[str(row["resource"])].windows,
                pauses=step.splittable,
            )
        )
        last[unit] = place
    return tuple(links)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RiskScenarios:
    """All scenarios of one schedule."""

    schedule: Schedule
    problem: ScheduleProblem
    parameters: RiskParameters
    rows: list[dict[str, object]]
    durations: NDArray[np.float64]
    ends: NDArray[np.float64]
    nominal: float

    def report(self, uncertain: list[int], findings: Sequence[Finding]) -> RiskReport:
        """Report; a scenario without room counts as the worst one."""
        makespans = self.ends.max(axis=0)
        impossible = ~np.isfinite(makespans)
        worst = self._worst(makespans, impossible)
        makespans = np.where(impossible, worst, makespans)
        tables = {
            "figures": risk_table("figures", [self._figures(makespans, impossible)]),
            "orders": risk_table("orders", self._orders(worst)),
            "scenarios": risk_table(
                "scenarios",
                [
                    {"scenario": place, "makespan": value, "possible": not lost}
                    for place, (value, lost) in enumerate(
                        zip(makespans.tolist(), impossible.tolist(), strict=True)
                    )
                ],
            ),
            "drivers": risk_table("drivers", self._drivers(uncertain, makespans)),
        }
        return RiskReport(
            tables=tables,
            run=self._record(),
            name=self.problem.name,
            findings=tuple(findings),
        )

    def _worst(
        self, makespans: NDArray[np.float64], impossible: NDArray[np.bool_]
    ) -> float:
        """Makespan of a scenario that finds no room before the doors close."""
        closing = [r.windows[-1][1] for r in self.problem.resources if r.windows]
        real = makespans[~impossible]
        return float(max([*closing, *real[:1], real.max() if real.size else 0.0]))

    def _figures(
        self, makespans: NDArray[np.float64], impossible: NDArray[np.bool_]
    ) -> Row:
        ordered = np.sort(makespans)
        mean = float(ordered.mean())
        cvar = tail_mean(ordered, TAIL)
        low, high = bootstrap_premium(ordered, TAIL, self.parameters.seed)
        return {
            "nominal": self.nominal,
            "mean": mean,
            "sd": float(ordered.std(ddof=1)) if len(ordered) > 1 else 0.0,
            "p50": quantile(ordered, 0.5),
            "var95": quantile(ordered, 0.95),
            "cvar95": cvar,
            "premium": (cvar - mean) / mean,
            "premium_low": low,
            "premium_high": high,
            "min": float(ordered[0]),
            "max": float(ordered[-1]),
            "infeasible": int(impossible.sum()),
        }

    def _orders(self, worst: float) -> list[Row]:
        rows: list[Row] = []
        places: dict[object, list[int]] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(row["sales_order"], []).append(place)
        for order in self.problem.orders:
            ends = self.ends[places[order.order]].max(axis=0)
            due = order.due_minutes
            lost = ~np.isfinite(ends)
            ordered = np.sort(np.where(lost, worst, ends))
            rows.append(
                {
                    "order": order.order,
                    "due": due,
                    # Without a due time an order is never late; inf is later than all.
                    "prob_late": 0.0 if due is None else float((ends > due).mean()),
                    "finish_p50": quantile(ordered, 0.5),
                    "finish_p95": quantile(ordered, 0.95),
                }
            )
        return rows

    def _drivers(
        self, uncertain: list[int], makespans: NDArray[np.float64]
    ) -> list[Row]:
        """Rank uncertain steps by the share of variance that each explains alone."""
        rows: list[Row] = []
        around = makespans - makespans.mean()
        for place in uncertain:
            runs = self.durations[place] - self.durations[place].mean()
            spread = float(np.sqrt((runs @ runs) * (around @ around)))
            share = (float(runs @ around) / spread) ** 2 if spread else 0.0
            row = self.rows[place]
            rows.append(
                {
                    "sales_order": row["sales_order"],
                    "step": row["step"],
                    "name": row["name"],
                    "resource": row["resource"],
                    "variance_share": share,
                }
            )
        return rows

    def _record(self) -> RunRecord:
        chosen = self.parameters
        record = RunRecord(
            planner="risk",
            mode="keep starts" if chosen.keep_starts else "left shift",
            package_version=__version__,
            snapshot_fingerprint=self.schedule.fingerprint,
            as_of=to_seconds(self.problem.start),
            settings={
                "scenarios": chosen.scenarios,
                "spread": chosen.spread,
                "steps": chosen.steps,
                "keep_starts": chosen.keep_starts,
                "problem": self.problem.fingerprint,
            },
            seed=chosen.seed,
            status=Status.HEURISTIC,
            effort={"scenarios": float(chosen.scenarios)},
        )
        # How near to the best the plan is belongs beside its risk (RSK-11).
        source = self.schedule.run
        return replace(record, bound=source.bound, gap=source.gap, status=source.status)
