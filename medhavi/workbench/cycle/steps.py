"""What each step of a planning cycle does, when it is due, and what it works on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from medhavi.results.plans.lateness import tally
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from medhavi.events.store import BulkStore
    from medhavi.lakehouse import Lake, MirrorReport
    from medhavi.progress import Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.cycle.file import StepRule
    from medhavi.workbench.training.training import PublishedEstimates, TrainingResult


class CycleWorkbench(Protocol):
    """What a cycle needs of a workbench."""

    @property
    def lake(self) -> Lake:
        """The lake."""

    @property
    def store(self) -> BulkStore:
        """The event store."""

    def mirror(self, observe: Observe | None = None) -> MirrorReport:
        """Copy new events into the lake."""

    def snapshot(
        self,
        known_at: dt.datetime | None = None,
        effective_at: dt.datetime | None = None,
    ) -> Snapshot:
        """Read the tables of a moment, by default of the head."""

    def plan(
        self,
        snapshot: Snapshot | None = None,
        *,
        mode: str = "mrp",
        settings: Mapping[str, object] | None = None,
        baseline: Plan | None = None,
        observe: Observe | None = None,
    ) -> Plan:
        """Plan, verify and keep."""

    def publish(self, plan: Plan, *, approver: str, baseline: str | None = None) -> str:
        """Make a plan the plan."""

    def train(self, *, observe: Observe | None = None) -> tuple[TrainingResult, ...]:
        """Train predictors."""

    def estimates(self) -> tuple[PublishedEstimates, ...]:
        """Publish estimates."""


class StepOutcome(NamedTuple):
    """What a step did: one line for people, and its facts."""

    text: str
    facts: Mapping[str, object]


class CycleState:
    """The state that the steps of one cycle share.

    Parameters
    ----------
    workbench
        Lake and store.
    folder
        Where plans lie that the next run builds upon.
    approver
        Who stands for what is committed.
    observe
        Told of progress.
    moment
        known_at and effective_at of the tables; both None: the head of the lake.
    strict
        Refuse to plan where rows are held.
    """

    def __init__(
        self,
        workbench: CycleWorkbench,
        folder: Path,
        approver: str | None,
        observe: Observe,
        moment: tuple[dt.datetime | None, dt.datetime | None] = (None, None),
        *,
        strict: bool = False,
    ) -> None:
        self._strict = strict
        self.workbench = workbench
        self._known_at, self._effective_at = moment
        self.past = moment != (None, None)
        self.folder = folder
        self.approver = approver or ""
        self.observe = observe
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The tables of the moment, read once until they may have moved."""
        if self._snapshot is None:
            snapshot = self.workbench.snapshot(
                known_at=self._known_at, effective_at=self._effective_at
            )
            self._snapshot = snapshot.require(strict=True) if self._strict else snapshot
        return self._snapshot

    def moved(self) -> None:
        """Forget the tables: the lake may hold more now."""
        self._snapshot = None

    def key(self, rule: StepRule) -> str:
        """Name what a step works on; equal keys give equal results."""
        if rule.name == "mirror":
            return str(self.workbench.store.head())
        digests = dict(self.snapshot.digests)
        if rule.name == "estimates":
            # What it writes itself is no change.
            digests.pop("estimates", None)
        parts = [digests, dict(rule.settings), rule.automation, __version__]
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def due(
    rule: StepRule, key: str, last: Mapping[str, object] | None, now: dt.datetime
) -> str | None:
    """Why a step is not due; None: it is.

    Parameters
    ----------
    rule
        Its trigger.
    key
        What it would work on.
    last
        Its last run, as the journal has it.
    now
        Moment of the question.
    """
    if rule.trigger == "always" or last is None:
        return None
    if rule.hours is None:
        return "nothing changed" if last.get("key") == key else None
    before = dt.datetime.fromisoformat(str(last["at"]))
    # A clock that was set back must not stop a step for ever.
    if before <= now < before + dt.timedelta(hours=rule.hours):
        return f"last run {before:%Y-%m-%d %H:%M}, {rule.trigger}"
    return None


def do(rule: StepRule, work: CycleState) -> StepOutcome:
    """Do a step, as far as its automation allows."""
    return _STEPS[rule.name](rule, work)


def _mirror(rule: StepRule, work: CycleState) -> StepOutcome:
    if rule.automation == "propose":
        lake = work.workbench.lake
        held = lake.position() if (lake.path / "bronze").is_dir() else 0
        head = work.workbench.store.head()
        text = f"log at position {head}, lake at {held}; nothing copied"
        return StepOutcome(text, {"head": head, "position": held})
    report = work.workbench.mirror(work.observe)
    work.moved()
    return StepOutcome(
        str(report), {"events": report.events, "position": report.position}
    )


def _estimates(rule: StepRule, work: CycleState) -> StepOutcome:
    if rule.automation == "propose":
        trained = work.workbench.train(observe=work.observe)
        names = [f"{one.model} {one.version}" for one in trained]
        return StepOutcome(
            f"{len(names)} challengers trained, none in use", {"trained": names}
        )
    published = work.workbench.estimates()
    work.moved()
    rows = {one.about: one.rows.height for one in published}
    text = ", ".join(f"{count} of {about}" for about, count in rows.items())
    found = dict.fromkeys(each for one in published for each in one.findings)
    told = "".join(f"; {each.code}: {each.message}" for each in found)
    return StepOutcome(
        f"published {text or 'nothing: no observations'}{told}",
        {"rows": rows, "findings": [each.as_dict() for each in found]},
    )


def _plan(rule: StepRule, work: CycleState) -> StepOutcome:
    from medhavi.results.figures.stability import stability_json
    from medhavi.workbench.files.tables_run import write_plan

    place = work.folder / rule.name
    before = _stored(place)
    builds = rule.name == "mrp" or rule.incremental
    made = work.workbench.plan(
        work.snapshot,
        mode=rule.name,
        settings=rule.first_settings if before is None else rule.settings,
        baseline=before if builds else None,
        observe=work.observe,
    )
    facts = _facts(made)
    if before is not None:
        moved = stability_json(before, made)
        facts["stability"] = {name: row["value"] for name, row in moved.items()}
    if rule.automation == "commit":
        old = None if before is None else before.run.run_id
        old = None if old == made.run.run_id else old
        facts["event"] = work.workbench.publish(
            made, approver=work.approver, baseline=old
        )
    write_plan(made, place)
    return StepOutcome(_said(made, rule), facts)


def _replenish(rule: StepRule, work: CycleState) -> StepOutcome:
    from medhavi.workbench.files.decision_files import (
        replenish_verified,
        write_replenishment,
    )

    found = replenish_verified(work.snapshot, rule.settings)
    facts = {
        **_facts(found.plan),
        "watched": found.monitor.height,
        "short": found.short.height,
    }
    if rule.automation == "commit":
        facts["event"] = work.workbench.publish(found.plan, approver=work.approver)
    else:
        found = replace(found, plan=work.workbench.lake.record(found.plan).plan)
    write_replenishment(found, work.folder / rule.name)
    ends = ", published" if rule.automation == "commit" else ""
    return StepOutcome(f"{str(found).splitlines()[0]}{ends}", facts)


def _stored(place: Path) -> Plan | None:
    """Read the plan of the last run; without one, or a damaged one, there is none."""
    from medhavi.results.plans.plan import Plan

    if not (place / "run.json").is_file():
        return None
    return Plan.from_folder(place)


def _facts(made: Plan) -> dict[str, object]:
    return {"run": made.run.run_id, "fingerprint": made.fingerprint}


def _said(made: Plan, rule: StepRule) -> str:
    counts = tally(made)
    ends = "published" if rule.automation == "commit" else "kept as a proposal"
    return (
        f"{made.supplies.height:,} supplies, {counts.on_time:,} of {counts.live:,} "
        f"demands on time, {counts.at_risk:,} at risk, {counts.not_kept:,} not kept, run {made.run.run_id}, {ends}"
    )


_STEPS: Mapping[str, Callable[[StepRule, CycleState], StepOutcome]] = {
    "mirror": _mirror,
    "estimates": _estimates,
    "mrp": _plan,
    "constrained": _plan,
    "replenish": _replenish,
}
