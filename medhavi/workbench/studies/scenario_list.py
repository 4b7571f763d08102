"""Scenarios as text: what the address of a page states, and those that are kept.

Those that were planned are kept beside their data for all who work on it. As saved
views they are no fact of the company: a small file holds the newest ones
(docs/decisions/028). A scenario is stated as in the address of a page; who opens it has
it planned on the facts of that moment.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.lakehouse.layout import environment
from medhavi.scenarios import Scenario, study_of
from medhavi.workbench.files.saved_views import SavedFile, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

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


MOST_KEPT = 20
"""Scenarios that are kept, the newest."""
_KEPT_BYTES = 20_000
"""Longest text of a scenario that is kept."""


class SavedScenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that was planned, and what it cost then.

    Parameters
    ----------
    text
        The scenario alone, as `ScenarioList.text` states it.
    planned_at
        When it was planned [UTC s].
    change
        What it cost more than the plan in force of then [base currency].
    """

    text: str
    planned_at: int
    change: float

    @property
    def scenario(self) -> Scenario:
        """The scenario that the text states."""
        return read_list(self.text).scenarios[0]


_SAVED = msgspec.json.Decoder(tuple[SavedScenario, ...])


class SavedScenarios:
    """Scenarios of one lake or one folder of tables.

    Parameters
    ----------
    place
        The file.
    """

    def __init__(self, place: Path) -> None:
        self._file = SavedFile(place, _SAVED)

    def read(self) -> tuple[SavedScenario, ...]:
        """All that are kept, the newest first; none where there is no file.

        Raises
        ------
        UsageError
            The file is none that was written here.
        """
        try:
            found = self._file.read()
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.MsgspecError) as failure:
            raise UsageError(self._unreadable(failure)) from failure
        for one in found:
            held = read_list(one.text)
            if held.trouble or len(held.scenarios) != 1:
                raise UsageError(self._unreadable(held.trouble or one.text[:60]))
        return found

    def keep(self, one: SavedScenario) -> None:
        """Keep a scenario as the newest; the same one is replaced, the oldest goes.

        Raises
        ------
        UsageError
            The file is none that was written here.
        EnvironmentFailure
            The file cannot be written.
        """
        if len(one.text) <= _KEPT_BYTES:
            self._change(lambda known: [one, *_without(known, one.text)])

    def remove(self, text: str) -> None:
        """Take a scenario out; see `keep`."""
        self._change(lambda known: _without(known, text))

    def clear(self) -> None:
        """Take all out, also of a file that cannot be read."""
        with environment("removing saved scenarios", self._file.place):
            self._file.place.unlink(missing_ok=True)

    def _change(
        self, change: Callable[[Sequence[SavedScenario]], Sequence[SavedScenario]]
    ) -> None:
        with self._file.alone("writing saved scenarios"):
            self._file.write(change(self.read())[:MOST_KEPT])

    def _unreadable(self, why: object) -> str:
        return f"{self._file.place.name} is no list of scenarios: {why}"


def _without(known: Sequence[SavedScenario], text: str) -> list[SavedScenario]:
    return [one for one in known if one.text != text]


def scenarios_of(lake: str | Path, tables: str | Path, cache: Path) -> SavedScenarios:
    """Saved scenarios of a lake, inside it; of tables, in the cache."""
    return SavedScenarios(place_of("scenarios", lake, tables, cache))
