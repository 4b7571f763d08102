"""A hindsight study: which days of the past are asked again, read from TOML."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.edits.parameter import instant, instant_or_day, unknown_keys
from medhavi.findings import BadData, finding
from medhavi.scenarios.study import DASK, EXECUTORS

if TYPE_CHECKING:
    from medhavi.findings import Finding

SECTION = "hindsight"
"""Table of a study file that makes it a hindsight."""
KEYS = {
    "name": "name of the study",
    "base": "the lake: { lake = …, known_at = … }",
    "executor": "serial, processes, or dask://host:port",
    SECTION: "which days, and what counts as kept",
}
BASE_KEYS = {
    "lake": "folder of a lakehouse",
    "known_at": "outcomes recorded up to here",
}
OWN_KEYS = {
    "start": "first day; that of the first order where nothing is said",
    "finish": "last day; that of the last order where nothing is said",
    "every_days": "days from one day that is asked to the next; 1 asks all",
    "policy": "promise policy of lines for which the tables name none",
    "tolerance_hours": "how much later than promised still counts as kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """A hindsight as its file says it, checked.

    Parameters
    ----------
    lake
        Folder of the lake.
    known_at
        Outcomes count as far as they were recorded by then; None: all.
    start, finish
        First and last day [UTC dates]; None: of the first and last order.
    every_days
        Every how many days the lines of a day are asked again.
    policy
        Policy of lines for which the tables name none.
    tolerance_hours
        How much later than promised still counts as kept [h].
    """

    name: str
    lake: str
    known_at: dt.date | None = None
    start: dt.date | None = None
    finish: dt.date | None = None
    every_days: int = 1
    policy: str | None = None
    tolerance_hours: float = 0.0
    executor: str = "processes"


def is_hindsight(text: str) -> bool:
    """Whether a study file asks for hindsight."""
    try:
        return SECTION in tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False


def parse_hindsight(text: str) -> Hindsight:
    """Read the text of a hindsight file.

    Raises
    ------
    BadData
        The file is no TOML, or keys or values are wrong: all are named.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadData(
            [finding("STU001", value=f"The study is no TOML: {error}.")]
        ) from error
    reader = _HindsightReader()
    made = reader.read(document)
    if reader.found:
        raise BadData(reader.found)
    return made


class _HindsightReader:
    """Reads a document and collects what is wrong in it."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def read(self, document: Mapping[str, object]) -> Hindsight:
        self.found += unknown_keys(document, KEYS, "The study")
        base = self._table(document, "base")
        own = self._table(document, SECTION)
        self.found += unknown_keys(base, BASE_KEYS, "base")
        self.found += unknown_keys(own, OWN_KEYS, SECTION)
        start, finish = self._day(own, "start"), self._day(own, "finish")
        if start is not None and finish is not None and finish < start:
            self._wrong("finish", finish, SECTION, "a day that is not before start")
        return Hindsight(
            name=self._text(document, "name", "The study") or "",
            lake=self._text(base, "lake", "base") or "",
            known_at=self._known_at(base),
            start=start,
            finish=finish,
            every_days=self._every_days(own),
            policy=self._text(own, "policy", SECTION, needed=False),
            tolerance_hours=self._tolerance(own),
            executor=self._executor(document),
        )

    def _table(self, document: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = document.get(key, {})
        if isinstance(value, Mapping):
            return value
        self._wrong(key, value, "The study", "a table")
        return {}

    def _text(
        self,
        given: Mapping[str, object],
        key: str,
        place: str,
        *,
        needed: bool = True,
    ) -> str | None:
        value = given.get(key)
        if isinstance(value, str) and value.strip():
            if key == "name" and "/" in value:
                self._wrong(key, value, place, "a name without a slash")
            return value
        if value is not None:
            self._wrong(key, value, place, "a text")
        elif needed:
            meaning = {**KEYS, **BASE_KEYS}[key]
            self.found.append(
                finding("STU003", column=key, place=place, meaning=meaning)
            )
        return None

    def _known_at(self, base: Mapping[str, object]) -> dt.date | None:
        if "known_at" not in base:
            return None
        moment = instant_or_day(base["known_at"])
        if moment is None:
            self._wrong("known_at", base["known_at"], "base", "an instant")
        return moment

    def _day(self, own: Mapping[str, object], key: str) -> dt.date | None:
        if key not in own:
            return None
        moment = instant(own[key])
        if moment is None or moment.time() != dt.time():
            self._wrong(key, own[key], SECTION, 'a day such as "2026-08-03"')
            return None
        return moment.date()

    def _every_days(self, own: Mapping[str, object]) -> int:
        value = own.get("every_days", 1)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        self._wrong("every_days", value, SECTION, "a whole number of at least 1")
        return 1

    def _tolerance(self, own: Mapping[str, object]) -> float:
        value = own.get("tolerance_hours", 0.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._wrong("tolerance_hours", value, SECTION, "a number of hours")
            return 0.0
        if not 0.0 <= value <= 24.0 * 366:
            self._wrong("tolerance_hours", value, SECTION, "hours from 0 to a year")
        return float(value)

    def _executor(self, document: Mapping[str, object]) -> str:
        executor = document.get("executor", "processes")
        if isinstance(executor, str) and (
            executor in EXECUTORS or executor.startswith(DASK)
        ):
            return executor
        self._wrong("executor", executor, "The study", KEYS["executor"])
        return "serial"

    def _wrong(self, column: str, value: object, place: str, wanted: str) -> None:
        self.found.append(
            finding("STU004", column=column, value=value, place=place, wanted=wanted)
        )
