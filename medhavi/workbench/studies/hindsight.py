"""Hindsight over a lake: ask the orders of past days again, judge the answers.

A day is asked on the tables as they were known when it began, and its answer is kept
under what it follows from, so that no day is asked twice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.planners.promising.standing.standing_promises import past_promises, unasked
from medhavi.predict.scorecards import judged, report
from medhavi.progress import Progress, unobserved
from medhavi.results.reports.hindsight import HindsightReport
from medhavi.scenarios.hindsight_file import Hindsight, is_hindsight, parse_hindsight
from medhavi.snapshot import Snapshot
from medhavi.version import __version__
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder
from medhavi.workbench.studies.studies import execute, found_place

if TYPE_CHECKING:
    from medhavi.progress import Observe


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
        message = f"{place} is no text in UTF-8: {error.reason}."
        raise UsageError(message) from error


def run_hindsight(
    path: str | Path,
    *,
    cache: str | Path,
    executor: str | None = None,
    observe: Observe | None = None,
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
    observe
        Called with a line when a day is done.

    Raises
    ------
    UsageError
        There is no lake, or no order in these days.
    BadData
        The file is wrong; all problems are named.
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
    for asked in execute(executor or study.executor, _ask, tasks):
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
    from medhavi.views.lists.hindsight_page import html
    from medhavi.views.names import names_of

    with replaced_folder(out, REPORT_NAMES) as folder:
        result.report.to_folder(folder, "csv" if file_format == "csv" else "parquet")
        page = html(result.report, names_of(result.snapshot))
        (folder / "report.html").write_text(page, "utf-8")
    return Path(out)
