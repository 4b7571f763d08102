"""The second half of the demonstration: train, plan in three modes, promise, compare.

Each step keeps its result in the workspace and is reused while it fits: training by the
estimates in the snapshot, plans and promises by its fingerprint, runs of the study by
their identity.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import __version__
from medhavi.progress import Progress
from medhavi.results.figures.scorecard import Scorecard, scorecard
from medhavi.results.plans.lateness import tally
from medhavi.results.plans.plan import Plan
from medhavi.units import from_seconds
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.files.tables_run import plan_snapshot, write_plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from medhavi.progress import Observe
    from medhavi.results.promises.promise import Promise
    from medhavi.results.reports.study import StudyReport
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.workbench import Workbench


MODES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {"mrp": {}, "constrained": {}, "optimize": {}}
)
LARGE_MODES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {"mrp": {}, "constrained": {"effort": "light"}}
)
"""Modes of a tour with their settings; mode optimize of 10,000 products takes hours."""
APPROVER = "the demonstration"
STUDY = "study.toml"
HINDSIGHT = "hindsight.toml"
REQUESTS = "requests.json"
TRAINING = "training.json"
OWN = frozenset(
    {
        "plan",
        "plan-constrained",
        "plan-optimize",
        "study",
        "study-runs",
        STUDY,
        HINDSIGHT,
        REQUESTS,
        TRAINING,
    }
)
"""What the tour leaves in the workspace."""
_STUDY_KPIS = ("KPI-28", "KPI-13", "KPI-33")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeFigures:
    """One mode: its demands by verdict, and what it costs.

    `late` counts the demands that come late, in part, not at all, or were past due.
    """

    mode: str
    status: str
    demands: int
    on_time: int
    at_risk: int
    late: int
    overload_h: float
    card: Scorecard


def plan_folder(place: Path, mode: str) -> Path:
    """Where the plan of a mode lies."""
    return place / ("plan" if mode == "mrp" else f"plan-{mode}")


# ---------------------------------------------------------------------- training
def train_once(
    workbench: Workbench, place: Path, say: Observe, reused: list[str]
) -> list[dict[str, Any]]:
    """Train predictors and publish estimates, unless this workspace has them.

    Returns
    -------
    list of dict
        One per predictor: model, version, promoted, gain (1 - loss / plain loss),
        reason.
    """
    record = place / TRAINING
    if record.is_file() and not workbench.snapshot()["estimates"].is_empty():
        known = json.loads(record.read_text("utf-8"))
        if known.get("version") == __version__:
            reused.append("predictors")
            return list(known["trained"])
    trained = [
        {
            "model": one.model,
            "version": one.version,
            "promoted": one.promoted,
            "gain": one.gain,
            "reason": one.reason,
            "observations": one.observations,
        }
        for one in workbench.train(approver=APPROVER, observe=say)
    ]
    workbench.mirror(say)
    _write_json(record, {"version": __version__, "trained": trained})
    return trained


# ------------------------------------------------------------------------- plans
def plan_modes(
    workbench: Workbench,
    snapshot: Snapshot,
    place: Path,
    say: Observe,
    reused: list[str],
    modes: Mapping[str, Mapping[str, object]],
) -> dict[str, Plan]:
    """Plan in modes with settings, verify, keep; a plan of this snapshot is reused."""
    plans = {}
    for mode, settings in modes.items():
        folder = plan_folder(place, mode)
        plan = earlier_plan(folder, snapshot)
        if plan is None:
            plan = plan_snapshot(snapshot, mode, settings, observe=say)
            plan = workbench.lake.record(plan, snapshot).plan
            write_plan(plan, folder)
        else:
            reused.append(folder.name)
        plans[mode] = plan
    return plans


def earlier_plan(folder: Path, snapshot: Snapshot) -> Plan | None:
    """Plan of an earlier run if it is a plan of this snapshot."""
    if not (folder / "run.json").is_file():
        return None
    plan = Plan.from_folder(folder)
    same = plan.run.snapshot_fingerprint == snapshot.fingerprint
    return plan if same and plan.run.package_version == __version__ else None


def figures_of(plans: Mapping[str, Plan], snapshot: Snapshot) -> list[ModeFigures]:
    """Put the modes side by side."""
    rows = []
    for mode, plan in plans.items():
        counts = tally(plan)
        rows.append(
            ModeFigures(
                mode=mode,
                status=str(plan.run.status),
                demands=counts.live,
                on_time=counts.on_time,
                at_risk=counts.at_risk,
                late=counts.not_kept,
                overload_h=float(plan.loads["overload"].sum()),
                card=scorecard(plan, snapshot),
            )
        )
    return rows


# ---------------------------------------------------------------------- promises
def requests_of(snapshot: Snapshot) -> list[dict[str, object]]:
    """Make three requests of what this company sells.

    A usual quantity in three weeks, ten times as much, and what is sold most within
    five days for a gold customer.
    """
    demands = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("status").is_in(("open", "quote"))
    )
    pairs = (
        demands.group_by("product", "location", "customer", maintain_order=True)
        .agg(pl.len().alias("lines"), pl.col("qty").median().alias("qty"))
        .sort(
            "lines", "qty", "product", "location", descending=[True, True, False, False]
        )
    )
    if pairs.is_empty():
        return []
    tables = pairs.unique("product", keep="first", maintain_order=True)
    chosen = [tables.row(min(n, tables.height - 1), named=True) for n in range(3)]
    now = from_seconds(snapshot.as_of)
    policies = set(snapshot["promise_policies"]["policy"])

    def request(row: Mapping[str, Any], number: int) -> dict[str, object]:
        days, times, policy = ((21, 1, "silver"), (21, 10, "silver"), (5, 1, "gold"))[
            number
        ]
        due = (now + dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "sales_order": f"ASK-{number + 1}",
            "line": 1,
            **{k: row[k] for k in ("customer", "product", "location") if row[k]},
            "qty": max(1, round(row["qty"])) * times,
            "due": due,
            **({"policy": policy} if policy in policies else {}),
        }

    return [request(row, number) for number, row in enumerate(chosen)]


def promises_of(snapshot: Snapshot, place: Path, say: Observe) -> list[Promise]:
    """Answer the three requests; nothing is committed."""
    from medhavi.planners.promising.promise_run import promise

    rows = requests_of(snapshot)
    _write_json(place / REQUESTS, rows)
    say(Progress(f"answering {len(rows)} requests"))
    return promise(snapshot, rows)


# ------------------------------------------------------------------------- study
def study_of(
    snapshot: Snapshot, plan: Plan, place: Path, models: Path, say: Observe
) -> StudyReport:
    """Run a study of four scenarios in mode constrained; leave one of hindsight."""
    from medhavi.workbench.studies.studies import run_study, write_report

    with replaced_file(place / HINDSIGHT) as fresh:
        fresh.write_text(_hindsight_text(snapshot), "utf-8")

    text = _study_text(snapshot, plan)
    with replaced_file(place / STUDY) as fresh:
        fresh.write_text(text, "utf-8")
    result = run_study(
        place / STUDY, cache=place / "study-runs", track=models, observe=say
    )
    write_report(result, place / "study", "parquet")
    return result.report


def _hindsight_text(snapshot: Snapshot) -> str:
    """Write a hindsight over one day of each fortnight of the last half year."""
    start = (from_seconds(snapshot.as_of) - dt.timedelta(days=182)).date()
    lines = [
        'name = "hindsight"',
        'base = { lake = "lake" }',
        "[hindsight]",
        f'start = "{start.isoformat()}"',
        "every_days = 10",
    ]
    return "\n".join(lines) + "\n"


def _study_text(snapshot: Snapshot, plan: Plan) -> str:
    """Write the study: as it is, more demand, slow suppliers, the busiest line down."""
    now = from_seconds(snapshot.as_of)
    moments = {
        name: (now + dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, days in (("start", 1), ("finish", 6))
    }
    lines = [
        'name = "four-ways"',
        'base = { lake = "lake" }',
        "[[planner]]",
        'mode = "constrained"',
        "[[scenario]]",
        'name = "as it is"',
        "[[scenario]]",
        'name = "15 % more demand"',
        'change = [{ kind = "demand_factor", factor = 1.15 }]',
        "[[scenario]]",
        'name = "suppliers half as slow again"',
        'change = [{ kind = "lead_time_factor", factor = 1.5 }]',
    ]
    busiest = (
        plan.loads.group_by("resource", maintain_order=True)
        .agg((pl.col("run") + pl.col("setup")).sum().alias("hours"))
        .sort("hours", "resource", descending=[True, False])
    )
    if not busiest.is_empty():
        line = str(busiest["resource"][0])
        resource = json.dumps(line)
        lines += [
            "[[scenario]]",
            f"name = {json.dumps(line + ' down for 5 days')}",
            (
                f'change = [{{ kind = "resource_down", resource = {resource}, '
                f'start = "{moments["start"]}", finish = "{moments["finish"]}" }}]'
            ),
        ]
    kpis = ", ".join(f'"{name}"' for name in _STUDY_KPIS)
    lines += ["[output]", f"kpis = [{kpis}]", 'compare_to = "as it is"']
    return "\n".join(lines) + "\n"


def _write_json(path: Path, value: object) -> None:
    with replaced_file(path) as fresh:
        fresh.write_text(
            json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
