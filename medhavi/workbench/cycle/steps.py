"""The steps of a planning cycle: the file that plans them, what each does and when.

approver = "planning"            # who stands for what is committed

    [constrained]
    automation = "propose"           # off, propose or commit
    trigger = "every 4 hours"        # always, on_change or every N hours
    settings = { effort = "light" }  # of the planner

Sections that are left out have the values of `DEFAULTS`. See docs/cycle.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from medhavi.errors import MedhaviError, UsageError
from medhavi.planners.pipeline import settings_from_nothing
from medhavi.results.plans.lateness import tally
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medhavi.events.store import BulkStore
    from medhavi.lakehouse import Lake, MirrorReport
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.progress import Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.training.training import PublishedEstimates, TrainingResult


FILE = "cycle.toml"
STEPS = ("mirror", "estimates", "mrp", "constrained", "optimize", "replenish")
"""Steps in the sequence in which they run."""
PLANNING = {
    "mrp": "mrp",
    "constrained": "constrained",
    "optimize": "optimize",
    "replenish": "mrp",
}
"""Steps with settings, and the mode whose settings they are."""
AUTOMATION = ("off", "propose", "commit")
_EVERY = re.compile(r"every (\d+(?:\.\d+)?) hours?")
TEMPLATE = """\
# The planning cycle of this workspace: `medhavi cycle` runs the steps in this order.
# automation: off (never), propose (keep the result, change nothing), commit (make it
# hold). trigger: always, on_change (what it works on differs from its last run), or
# "every N hours". docs/cycle.md tells more.

approver = "planning"          # who stands for what is committed

[mirror]                       # new events into the lake
automation = "commit"
trigger = "always"

[estimates]                    # what was learned about lead times
automation = "commit"
trigger = "every 24 hours"

[mrp]                          # net requirements; builds on its last plan
automation = "propose"
trigger = "on_change"

[constrained]                  # a plan that can be carried out
automation = "propose"
trigger = "on_change"
settings = { effort = "light" }

[optimize]                     # the best plan that is found, by night
automation = "off"
trigger = "every 24 hours"

[replenish]                    # stock against its levels
automation = "propose"
trigger = "every 1 hours"
"""
"""What `medhavi demo` writes into its workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRule:
    """How one step runs.

    Parameters
    ----------
    name
        One of `STEPS`.
    automation
        off, propose or commit.
    trigger
        always, on_change, or every N hours.
    settings
        Of its planner, by name.
    """

    name: str
    automation: str
    trigger: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def incremental(self) -> bool:
        """Whether its plans keep the work of the last one that nothing reaches."""
        return self.settings.get("effort") == "incremental"

    @property
    def first_settings(self) -> Mapping[str, object]:
        """Settings of a run that has no last plan to build on."""
        return (
            settings_from_nothing(self.settings) if self.incremental else self.settings
        )

    @property
    def hours(self) -> float | None:
        """Hours between two runs; None for the other triggers."""
        found = _EVERY.fullmatch(self.trigger)
        return None if found is None else float(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRules:
    """All steps, and who stands for what is committed."""

    steps: tuple[StepRule, ...]
    approver: str | None = None


DEFAULTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mirror": ("commit", "always"),
        "estimates": ("commit", "every 24 hours"),
        "mrp": ("propose", "on_change"),
        "constrained": ("propose", "on_change"),
        # A company of a planner's size takes minutes to hours: one asks for it.
        "optimize": ("off", "every 24 hours"),
        "replenish": ("propose", "every 1 hours"),
    }
)
"""Automation and trigger of a step that the file does not name."""


def read_rules(path: Path | None) -> CycleRules:
    """Read a cycle file; without one every step has its default.

    Raises
    ------
    UsageError
        The file is not there, cannot be read, or is wrong; all problems are named.
    """
    if path is None:
        return rules_of({}, FILE)
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        message = f"{path}: there is no such file."
        raise UsageError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        message = f"{path} cannot be read: {error}"
        raise UsageError(message) from error
    return rules_of(document, str(path))


def rules_of(document: Mapping[str, object], place: str) -> CycleRules:
    """Read the rules of a document.

    Raises
    ------
    UsageError
        Naming everything that is wrong.
    """
    problems = [
        f"unknown key {name!r}; there are approver, {', '.join(STEPS)}"
        for name in sorted(set(document) - {"approver", *STEPS})
    ]
    approver = document.get("approver")
    if approver is not None and not (isinstance(approver, str) and approver.strip()):
        problems.append("approver must be a name")
        approver = None
    rules = []
    for name in STEPS:
        section = document.get(name, {})
        if not isinstance(section, Mapping):
            problems.append(f"{name} must be a section: [{name}]")
            continue
        rule = _rule(name, section)
        problems += _problems(rule, section)
        rules.append(rule)
    decided = [r.name for r in rules if r.name in PLANNING and r.automation == "commit"]
    if decided and approver is None:
        problems.append(f"{decided[0]} is committed by somebody: name the approver")
    if problems:
        message = "\n".join(f"{place}: {problem}." for problem in problems)
        raise UsageError(message)
    return CycleRules(steps=tuple(rules), approver=approver)


def _rule(name: str, section: Mapping[str, object]) -> StepRule:
    automation, trigger = DEFAULTS[name]
    settings = section.get("settings", {})
    return StepRule(
        name=name,
        automation=str(section.get("automation", automation)),
        trigger=str(section.get("trigger", trigger)),
        settings=settings if isinstance(settings, Mapping) else {},
    )


def _problems(rule: StepRule, section: Mapping[str, object]) -> list[str]:
    known = {"automation", "trigger", *(["settings"] if rule.name in PLANNING else [])}
    found = [
        f"{rule.name}: unknown key {name!r}; there are {', '.join(sorted(known))}"
        for name in sorted(set(section) - known)
    ]
    if rule.automation not in AUTOMATION:
        found.append(
            f"{rule.name}: automation ({rule.automation}) must be one of "
            f"{', '.join(AUTOMATION)}"
        )
    if rule.trigger not in {"always", "on_change"} and not rule.hours:
        found.append(
            f"{rule.name}: trigger ({rule.trigger}) must be always, on_change or "
            "'every N hours'"
        )
    if not isinstance(section.get("settings", {}), Mapping):
        found.append(f"{rule.name}: settings must be names and values")
    elif rule.name in PLANNING:
        found += _settings(rule)
    return found


def _settings(rule: StepRule) -> list[str]:
    from medhavi.planners.pipeline import check_settings

    try:
        check_settings(PLANNING[rule.name], rule.settings)
    except MedhaviError as refused:
        return [f"{rule.name}: {str(refused).rstrip('.')}"]
    return []


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
        kept: StepPlans | None = None,
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
    folder
        Where plans lie that the next run builds upon.
    approver
        Who stands for what is committed.
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
    from medhavi.results.difference import stability_json
    from medhavi.workbench.files.cache import StepCache
    from medhavi.workbench.files.tables_run import write_plan

    place = work.folder / rule.name
    before = _stored(place)
    builds = rule.name == "mrp" or rule.incremental
    steps = StepCache(resume=True)
    made = work.workbench.plan(
        work.snapshot,
        mode=rule.name,
        settings=rule.first_settings if before is None else rule.settings,
        baseline=before if builds else None,
        observe=work.observe,
        kept=steps,
    )
    steps.end(made.run.status)
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
    from medhavi.workbench.files.export import replenish_verified, write_replenishment

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
    "optimize": _plan,
    "replenish": _replenish,
}
