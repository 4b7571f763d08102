"""The file of a planning cycle: which step runs when, and how far it may go.

    approver = "planning"            # who stands for what is committed

    [constrained]
    automation = "propose"           # off, propose or commit
    trigger = "every 4 hours"        # always, on_change or every N hours
    settings = { effort = "light" }  # of the planner

Sections that are left out have the values of `DEFAULTS`. See docs/cycle.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "cycle.toml"
STEPS = ("mirror", "estimates", "mrp", "constrained", "replenish")
"""Steps in the sequence in which they run."""
PLANNING = {"mrp": "mrp", "constrained": "constrained", "replenish": "mrp"}
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
        if not self.incremental:
            return self.settings
        apart = ("effort", "stability_price")
        return {
            name: value for name, value in self.settings.items() if name not in apart
        }

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
        check_settings(PLANNING[rule.name], rule.settings, on_baseline=True)
    except MedhaviError as refused:
        return [f"{rule.name}: {str(refused).rstrip('.')}"]
    return []
