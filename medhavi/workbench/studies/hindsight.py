"""Hindsight over a lake: ask the orders of past days again, judge the answers.

A day is asked on the tables as they were known when it began, and its answer is kept
under what it follows from, so that no day is asked twice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.edits.parameter import instant, instant_or_day, unknown_keys
from medhavi.errors import UsageError
from medhavi.findings import BadData, finding
from medhavi.planners.promising.standing_promises import past_promises, unasked
from medhavi.predict.scorecards import judged, report
from medhavi.progress import Progress, unobserved
from medhavi.results.reports.study import HindsightReport
from medhavi.scenarios import DASK, EXECUTORS
from medhavi.snapshot import Snapshot
from medhavi.version import __version__
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder
from medhavi.workbench.studies.studies import execute, found_place

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.progress import Cancelled, Observe


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
            [finding("STU001", value=f"The study is not TOML: {error}.")]
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


REPORT_NAMES = frozenset({"lines", "groups", "bins", "hindsight", "report"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HindsightResult:
    """A hindsight that was run: its report, and how many days were there already."""

    study: Hindsight
    report: HindsightReport
    snapshot: Snapshot
    days: int
    computed: int
    reused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """What a worker needs to ask the lines of one day."""

    lake: str
    day: str
    lines: str
    policy: str | None
    cache: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _DayAnswers:
    """What became of a day: file of its answers, whether it was computed now.

    `problem` says why its lines could not be asked.
    """

    day: str
    answers: str
    computed: bool
    problem: str = ""


def asks_hindsight(path: str | Path) -> bool:
    """Whether a study file asks for hindsight; a missing file does not."""
    try:
        return is_hindsight(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return False


def read_hindsight(path: str | Path) -> Hindsight:
    """Read a hindsight file.

    Raises
    ------
    UsageError
        There is no such file, or it is no text.
    BadData
        Its content is wrong; all problems are named.
    """
    place = Path(path)
    try:
        return parse_hindsight(place.read_text("utf-8"))
    except FileNotFoundError as error:
        message = f"There is no study file {place}. Check the path."
        raise UsageError(message) from error
    except UnicodeDecodeError as error:
        message = f"{place} is not text in UTF-8: {error.reason}."
        raise UsageError(message) from error


def run_hindsight(
    path: str | Path,
    *,
    cache: str | Path,
    executor: str | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> HindsightResult:
    """Ask the lines of past days again, and judge what we would have promised.

    Parameters
    ----------
    path
        The hindsight file.
    cache
        Folder of the days that were asked before.
    executor
        Where to run, instead of what the file says.
    observe, cancelled
        Called with the progress, and asked whether to end, behind each day.

    Returns
    -------
    HindsightResult
        Each line with what was promised, would have been, and happened.

    Raises
    ------
    UsageError
        There is no lake, or no order in these days.
    BadData
        The file is wrong; all problems are named.
    LimitReached
        It was cancelled; days that were asked are kept and not asked again.
    """
    from medhavi.lakehouse import Lake

    say = observe or unobserved
    study = read_hindsight(path)
    place = found_place(study.lake, Path(path).parent)
    lake = Lake(place)
    stated = lake.moment(study.known_at, "known_at")
    present = lake.snapshot(known_at=stated)
    known_at = stated or dt.datetime.fromtimestamp(present.as_of, dt.UTC)
    ordered = lake.order_line_observations(known_at)
    chosen = _chosen(ordered, study)
    store = Path(cache)
    store.mkdir(parents=True, exist_ok=True)
    lines = store / f"lines-{_hash(chosen.write_json())}.parquet"
    if not lines.is_file():
        with replaced_file(lines) as fresh:
            chosen.write_parquet(fresh)
    days = chosen["day"].unique().sort().to_list()
    tasks = [
        _Day(
            lake=str(place),
            day=day.isoformat(),
            lines=str(lines),
            policy=study.policy,
            cache=str(store),
        )
        for day in days
    ]
    say(Progress(f"hindsight {study.name}: {chosen.height} lines of {len(tasks)} days"))
    done: list[_DayAnswers] = []
    for asked in execute(executor or study.executor, _ask, tasks, cancelled):
        done.append(asked)
        why = f", not asked: {asked.problem}" if asked.problem else ""
        say(Progress(f"{asked.day}{why}", len(done), len(tasks)))
    answers = pl.concat([pl.read_parquet(one.answers) for one in done])
    found = report(
        judged(ordered, answers, known_at, study.tolerance_hours),
        name=study.name,
        start=str(days[0]),
        finish=str(days[-1]),
        known_at=known_at,
        tolerance_hours=study.tolerance_hours,
    )
    computed = sum(one.computed for one in done)
    return HindsightResult(
        study=study,
        report=found,
        snapshot=present,
        days=len(done),
        computed=computed,
        reused=len(done) - computed,
    )


def _chosen(ordered: pl.DataFrame, study: Hindsight) -> pl.DataFrame:
    """Lines of the days that are asked, with their `day`."""
    lines = ordered.with_columns(day=pl.col("placed_at").dt.date())
    if study.start is not None:
        lines = lines.filter(pl.col("day") >= study.start)
    if study.finish is not None:
        lines = lines.filter(pl.col("day") <= study.finish)
    if lines.is_empty():
        message = (
            f"No order was placed from {study.start or 'the beginning'} to "
            f"{study.finish or 'the end'}. Choose other days."
        )
        raise UsageError(message)
    days = lines["day"].unique().sort().to_list()
    asked = days[:: study.every_days]
    return lines.filter(pl.col("day").is_in(asked)).sort("day", "placed_at", "demand")


def _ask(task: _Day) -> _DayAnswers:
    """Ask the lines of a day, or find that they were asked before."""
    from medhavi.lakehouse import Lake

    day = dt.date.fromisoformat(task.day)
    start = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    snapshot = Lake(task.lake).snapshot(known_at=start, effective_at=start)
    lines = pl.read_parquet(task.lines).filter(pl.col("day") == day).drop("day")
    identity = _hash(
        json.dumps([snapshot.fingerprint, lines.write_json(), task.policy, __version__])
    )
    place = Path(task.cache) / f"day-{identity}.parquet"
    asked = _DayAnswers(day=task.day, answers=str(place), computed=not place.is_file())
    try:
        snapshot.require()
    except BadData as error:
        asked = replace(asked, problem=str(error).partition("\n")[0])
    if asked.computed:
        answers = (
            unasked(snapshot, lines)
            if asked.problem
            else past_promises(snapshot, lines, task.policy)
        )
        with replaced_file(place) as fresh:
            answers.write_parquet(fresh)
    return asked


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def write_hindsight(result: HindsightResult, out: str | Path, file_format: str) -> Path:
    """Write tables and the offline page of a hindsight, whole or not at all."""
    from medhavi.views.names import names_of
    from medhavi.views.study_page import hindsight_html

    with replaced_folder(out, REPORT_NAMES) as folder:
        result.report.to_folder(folder, "csv" if file_format == "csv" else "parquet")
        page = hindsight_html(result.report, names_of(result.snapshot))
        (folder / "report.html").write_text(page, "utf-8")
    return Path(out)
