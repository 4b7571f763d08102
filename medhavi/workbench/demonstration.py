"""The demonstration: a company's history becomes events, lake, plans and reports.

Each step reuses what an earlier run left, where it still fits: the events by company,
scale, seed and version; the lake by its position; the plan by the fingerprint of its
snapshot.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medhavi import __version__
from medhavi.errors import UsageError
from medhavi.events.urls import open_store, shown_url
from medhavi.progress import Progress, unobserved
from medhavi.results.figures.urgency import WorstDemand, names_of, worst_demands
from medhavi.results.plans.plan import Plan
from medhavi.results.promises.promise import Promise
from medhavi.results.reports.study import StudyReport
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds
from medhavi.workbench.cycle.file import FILE as CYCLE_FILE
from medhavi.workbench.cycle.file import TEMPLATE
from medhavi.workbench.demonstration_steps import (
    LARGE_MODES,
    MODES,
    ModeFigures,
    figures_of,
    plan_modes,
    promises_of,
    study_of,
    train_once,
)
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.workbench import Workbench
from medhavi.workbench.workspace import DEMO, models_folder

if TYPE_CHECKING:
    from medhavi.progress import Observe

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
) -> Demonstration:
    """Generate, mirror, train, plan in three modes, promise, compare and report.

    A large company is planned in modes mrp and constrained (effort light) and has no
    study.

    Parameters
    ----------
    folder
        Workspace; `lakehouse/aurora-<scale>` below the current folder by default.
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
    modes = LARGE_MODES if large else MODES
    plans = plan_modes(workbench, snapshot, place, say, reused, modes)
    plan = plans["mrp"]
    promises = promises_of(snapshot, place, say)
    study = None
    if not large:
        study = study_of(snapshot, plan, place, workbench.models, say)
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
        message = f"{place} holds {foreign[0]}, which is no part of a demonstration."
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
