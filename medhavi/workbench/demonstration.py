"""The demonstration: a company's history becomes events, lake, plans and reports.

Each step reuses what an earlier run left, where it still fits: the events by company,
scale, seed and version; the lake by its position; the plan by the fingerprint of its
snapshot.

Each step keeps its result in the workspace and is reused while it fits: training by the
estimates in the snapshot, plans and promises by its fingerprint, runs of the study by
their identity.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import __version__
from medhavi.errors import UsageError
from medhavi.events.urls import open_store, shown_url
from medhavi.progress import Progress, unobserved
from medhavi.results.figures.scorecard import names_of, scorecard
from medhavi.results.plans.explanation import WorstDemand, worst_demands
from medhavi.results.plans.lateness import tally
from medhavi.results.plans.money_parts import Scorecard
from medhavi.results.plans.plan import Plan
from medhavi.results.promises.promise import Promise
from medhavi.results.reports.study import StudyReport
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds
from medhavi.workbench.cycle.steps import FILE as CYCLE_FILE
from medhavi.workbench.cycle.steps import TEMPLATE
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.files.tables_run import plan_snapshot, write_plan
from medhavi.workbench.workbench import Workbench
from medhavi.workbench.workspace import DEMO, models_folder

if TYPE_CHECKING:
    from medhavi.progress import Observe


MODES = ("mrp", "constrained", "optimize")
LARGE_MODES = ("mrp", "constrained")
"""Modes of a tour; mode optimize of 10,000 products takes hours."""
APPROVER = "the demonstration"
STUDY = "study.toml"
HINDSIGHT = "hindsight.toml"
REQUESTS = "requests.json"
TRAINING = "training.json"
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
        plan = earlier_plan(folder, snapshot, settings)
        if plan is None:
            plan = plan_snapshot(snapshot, mode, settings, observe=say)
            plan = workbench.lake.record(plan, snapshot).plan
            write_plan(plan, folder)
        else:
            reused.append(folder.name)
        plans[mode] = plan
    return plans


def earlier_plan(
    folder: Path, snapshot: Snapshot, settings: Mapping[str, object]
) -> Plan | None:
    """Plan of an earlier run if it is a plan of this snapshot by these settings."""
    if not (folder / "run.json").is_file():
        return None
    plan = Plan.from_folder(folder)
    same = plan.run.snapshot_fingerprint == snapshot.fingerprint and all(
        plan.run.settings.get(name) == value for name, value in settings.items()
    )
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
        (pl.col("kind") == "order") & pl.col("status").is_in(PLANNED_STATUS)
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
    snapshot: Snapshot,
    plan: Plan,
    place: Path,
    models: Path,
    say: Observe,
    effort: str,
) -> StudyReport:
    """Run a study of four scenarios in mode constrained; leave one of hindsight."""
    from medhavi.workbench.studies.studies import run_study, write_report

    with replaced_file(place / HINDSIGHT) as fresh:
        fresh.write_text(_hindsight_text(snapshot), "utf-8")

    text = _study_text(snapshot, plan, effort)
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


def _study_text(snapshot: Snapshot, plan: Plan, effort: str) -> str:
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
        f'effort = "{effort}"',
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


COMPANIES = ("aurora",)
LARGE = "large"
_MARK = "demo.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """What the demonstration made, and where it lies."""

    folder: Path
    store: str
    lake: Path
    plan_folder: Path
    report: Path
    events: int
    reused: tuple[str, ...]
    snapshot: Snapshot
    plan: Plan
    worst: tuple[WorstDemand, ...]
    trained: tuple[Mapping[str, Any], ...]
    modes: tuple[ModeFigures, ...]
    promises: tuple[Promise, ...]
    study: StudyReport | None
    """None for a large company: its plans are not repeated four times."""


def generate_company(
    url: str,
    company: str = "aurora",
    scale: str = "small",
    seed: int = 7,
    observe: Observe | None = None,
) -> int:
    """Write the history of a company into an empty event store, whole or not at all.

    Returns
    -------
    int
        Number of events.

    Raises
    ------
    UsageError
        The company is unknown, or the store holds events already.
    """
    from medhavi.demo import aurora

    if company not in COMPANIES:
        message = f"There is no company {company}; there is {', '.join(COMPANIES)}."
        raise UsageError(message)
    store = open_store(url)
    if store.head() > 0:
        message = f"{shown_url(url)} holds events already. Name a new store."
        raise UsageError(message)
    say = observe or unobserved
    say(Progress(f"generating {company} ({scale}, seed {seed})"))
    history = aurora.generate(scale, seed, say)
    # The history holds an event twice, as brokers deliver; both have one position.
    return len(set(store.append_many(history)))


def demonstrate(
    folder: Path | None = None,
    scale: str = "small",
    seed: int = 7,
    observe: Observe | None = None,
    effort: str | None = None,
) -> Demonstration:
    """Generate, mirror, train, plan in three modes, promise, compare and report.

    A large company is planned in modes mrp and constrained and has no study.

    Parameters
    ----------
    folder
        Workspace; `lakehouse/aurora-<scale>` below the current folder by default.
    effort
        How much modes constrained and optimize, and the study, search; if None,
        `standard`, and `light` for a large company.
    """
    say = observe or unobserved
    place = Path(folder) if folder is not None else DEMO.with_name(f"aurora-{scale}")
    reused: list[str] = []
    url, events = _events(place, scale, seed, say, reused)
    workbench = Workbench(lake=place / "lake", store=url)
    lake = workbench.lake
    say(Progress("mirroring new events into the lake"))
    report = lake.mirror(workbench.store, say)
    lake.refresh(say)
    say(Progress(f"mirror: {report}"))
    trained = train_once(workbench, place, say, reused)
    snapshot = lake.snapshot()
    say(Progress(_summary(snapshot)))
    large = scale == LARGE
    effort = effort or ("light" if large else "standard")
    modes = {
        mode: {} if mode == "mrp" else {"effort": effort}
        for mode in (LARGE_MODES if large else MODES)
    }
    plans = plan_modes(workbench, snapshot, place, say, reused, modes)
    plan = plans["mrp"]
    promises = promises_of(snapshot, place, say)
    study = None
    if not large:
        study = study_of(snapshot, plan, place, workbench.models, say, effort)
    if not (place / CYCLE_FILE).exists():
        (place / CYCLE_FILE).write_text(TEMPLATE, "utf-8")
    return Demonstration(
        folder=place,
        store=url,
        lake=place / "lake",
        plan_folder=place / "plan",
        report=_report(plan, snapshot, place, say),
        events=events,
        reused=tuple(reused),
        snapshot=snapshot,
        plan=plan,
        worst=worst_demands(plan, names_of(snapshot)),
        trained=tuple(trained),
        modes=tuple(figures_of(plans, snapshot)),
        promises=tuple(promises),
        study=study,
    )


def _summary(snapshot: Snapshot) -> str:
    sizes = ", ".join(
        f"{snapshot[name].height:,} {name.replace('_', ' ')}"
        for name in ("products", "locations", "stock", "supply_orders", "demands")
    )
    return f"snapshot of {from_seconds(snapshot.as_of):%Y-%m-%d %H:%M} UTC: {sizes}"


def _events(
    place: Path, scale: str, seed: int, say: Observe, reused: list[str]
) -> tuple[str, int]:
    """Store of the workspace, made anew where the one there does not fit."""
    database = place.resolve() / "events.db"
    url = f"sqlite:///{database}"
    wanted = {
        "company": "aurora",
        "scale": scale,
        "seed": seed,
        "version": __version__,
    }
    mark = place / _MARK
    if mark.is_file() and database.is_file():
        known = json.loads(mark.read_text("utf-8"))
        if {key: known.get(key) for key in wanted} == wanted:
            reused.append("events")
            return url, int(known["events"])
    _clear(place)
    _forget_models(models_folder(place / "lake"))
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    events = generate_company(url, scale=scale, seed=seed, observe=say)
    with replaced_file(mark) as fresh:
        fresh.write_text(json.dumps({**wanted, "events": events}, indent=2) + "\n")
    return url, events


def _clear(place: Path) -> None:
    """Remove an earlier demonstration, and nothing that is not one.

    Raises
    ------
    UsageError
        The folder holds something else.
    """
    if not place.exists():
        return
    own = {_MARK, "lake", "plan", "models", "report.html", CYCLE_FILE, "lake-cycle"}
    entries = list(place.iterdir()) if place.is_dir() else [place]
    foreign = [
        entry.name
        for entry in entries
        if entry.name not in own and not entry.name.startswith("events.db")
    ]
    if foreign:
        message = f"{place} holds {foreign[0]}, which is not part of a demonstration."
        raise UsageError(message)
    for entry in entries:
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _forget_models(folder: Path) -> None:
    """Remove the predictors of an earlier demonstration: their history is gone."""
    if (folder / "mlflow.db").is_file() and "MEDHAVI_MODELS" not in os.environ:
        shutil.rmtree(folder)


def _report(plan: Plan, snapshot: Snapshot, place: Path, say: Observe) -> Path:
    from medhavi.views.page import plan_command
    from medhavi.workbench.files.export import export_plan

    target = place / "report.html"
    say(Progress("writing the report"))
    export_plan(
        plan,
        target,
        kind="html",
        snapshot=snapshot,
        source=f"demo company, {place.name}",
        command=plan_command(f" --lake {shlex.quote(str(place / 'lake'))}"),
    )
    return target
