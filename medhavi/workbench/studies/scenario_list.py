"""Scenarios as text: what the address of a page states."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from medhavi.findings import BadData
from medhavi.scenarios import Scenario, study_of

MOST_SCENARIOS = 6
STUDY_COMMAND = "medhavi study run scenarios.toml"
"""Command that plans the scenarios of a page from their study file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioList:
    """Scenarios of a page; `trouble` says what an address states wrongly."""

    scenarios: tuple[Scenario, ...] = ()
    trouble: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scenarios."""
        return tuple(one.name for one in self.scenarios)

    def without(self, name: str, number: int | None = None) -> ScenarioList:
        """List without a scenario, or without one change of it.

        A scenario without changes goes as well.
        """
        left = []
        for one in self.scenarios:
            kept = one
            if one.name == name:
                rest = tuple(
                    change for at, change in enumerate(one.changes) if at != number
                )
                kept = replace(one, changes=() if number is None else rest)
            if kept.changes:
                left.append(kept)
        return ScenarioList(scenarios=tuple(left))

    def text(self) -> str:
        """Text for the address; empty for an empty list."""
        rows = [
            {
                "name": one.name,
                "change": [change.as_dict() for change in one.changes],
            }
            for one in self.scenarios
        ]
        packed = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return packed if rows else ""


def read_list(text: str) -> ScenarioList:
    """Read the scenarios of an address; what is wrong is told, never raised."""
    if not text:
        return ScenarioList()
    try:
        rows = json.loads(text)
        study = study_of({"name": "page", "base": {"tables": "."}, "scenario": rows})
    except json.JSONDecodeError as wrong:
        return ScenarioList(trouble=f"{text[:60]!r} is not JSON: {wrong}.")
    except BadData as wrong:
        return ScenarioList(trouble=" ".join(one.message for one in wrong.findings))
    kept = tuple(one for one in study.scenarios if one.changes)
    return ScenarioList(scenarios=kept[:MOST_SCENARIOS])
