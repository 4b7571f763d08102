"""Running studies: base, cache, executor, report.

A run is stored under its identity and never computed twice, whichever study asks. A run
that is refused is stored too, for the same input is refused again.

A task is (function, argument) of what every worker can import and read; results come in
the order of the tasks. Interrupting ends the workers and keeps what is finished.
"""

from __future__ import annotations

import json
import os
import warnings
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import EnvironmentFailure, LimitReached, UsageError
from medhavi.progress import Progress, unobserved
from medhavi.results.plans.folder import read_json, write_json
from medhavi.results.plans.plan import Plan
from medhavi.results.reports.study import StudyReport
from medhavi.scenarios import Study, parse_study
from medhavi.version import __version__
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder
from medhavi.workbench.files.tables_run import RESULT_NAMES, read_tables, write_tables
from medhavi.workbench.studies.study_base import StudyBase, on_kept_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from medhavi.progress import Cancelled, Observe
    from medhavi.scenarios import StudyRun
    from medhavi.snapshot import Snapshot


Task = TypeVar("Task")
Result = TypeVar("Result")
DASK = "dask://"


def execute(
    executor: str,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    cancelled: Cancelled | None = None,
) -> Iterator[Result]:
    """Run a function on every task.

    Parameters
    ----------
    executor
        "serial", "processes" (one a core) or "dask://host:port", whose workers have to
        see the same folders.
    function
        Importable by name, for it is sent to other processes.
    tasks
        Arguments, one a call.
    cancelled
        Asked before the first result and behind each but the last.

    Yields
    ------
    Result
        In the order of the tasks.

    Raises
    ------
    UsageError
        Unknown executor.
    EnvironmentFailure
        The cluster cannot be reached, or Dask is not installed.
    LimitReached
        It was cancelled; what is finished is kept.
    """
    if executor == "serial" or len(tasks) < 2:
        results = (function(task) for task in tasks)
        return _uncancelled(results, len(tasks), cancelled)
    if executor == "processes":
        results = _in_processes(function, tasks)
        return _uncancelled(results, len(tasks), cancelled)
    if executor.startswith(DASK):
        results = _on_cluster(executor.removeprefix(DASK), function, tasks)
        return _uncancelled(results, len(tasks), cancelled)
    message = (
        f"Unknown executor {executor}; there are serial, processes and {DASK}host:port."
    )
    raise UsageError(message)


def _uncancelled(
    results: Generator[Result], total: int, cancelled: Cancelled | None
) -> Iterator[Result]:
    with closing(results):
        for done in range(total):
            if cancelled is not None and cancelled():
                message = (
                    f"It was cancelled when {done} of {total} runs were finished. These "
                    "are kept: run it again to go on."
                )
                raise LimitReached(message)
            yield next(results)


def _in_processes(
    function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Generator[Result]:
    from joblib import Parallel, delayed

    workers = min(len(tasks), os.cpu_count() or 1)
    runner = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    results = runner(delayed(function)(task) for task in tasks)
    try:
        for result in results:  # noqa: UP028 - closed below, not by `yield from`
            yield result
    finally:
        with warnings.catch_warnings():
            # That results are not taken: each run keeps its own.
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def _on_cluster(
    address: str, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Generator[Result]:
    try:
        from distributed import Client
    except ImportError as error:
        message = (
            f"{DASK}{address} needs Dask, which is not installed: "
            "pip install 'medhavi[cluster]', or use executor processes."
        )
        raise EnvironmentFailure(message) from error
    try:
        client = Client(  # type: ignore[no-untyped-call]
            f"tcp://{address}", timeout="3s", set_as_default=False
        )
    except (OSError, ValueError) as error:
        message = (
            f"No Dask scheduler answers at {address}. Start one "
            "(`dask scheduler`, `dask worker`), or use executor processes."
        )
        raise EnvironmentFailure(message) from error
    with client:
        futures = client.map(function, tasks, pure=False)
        try:
            for future in futures:
                yield future.result()
        finally:
            client.cancel(futures)  # type: ignore[no-untyped-call]


OUTCOME = "outcome.json"
REPORT_NAMES = frozenset({"runs", "figures", "table", "study", "report"})
CACHE = Path("studies") / "cache"
"""Where runs are kept, below the folder where a study runs, if nobody says else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult(TextDisplay):
    """A study that was run: its report, and which runs were there already."""

    study: Study
    report: StudyReport
    cache: Path
    computed: int
    reused: int

    def __str__(self) -> str:
        """Text of the report."""
        return str(self.report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a worker needs to compute one run: values that any process can take."""

    base: str
    fingerprint: str
    cache: str
    identity: str
    study: str
    number: int
    on_kept_run: bool


def read_study(path: str | Path) -> Study:
    """Read a study file.

    Raises
    ------
    UsageError
        There is no such file.
    BadData
        Its content is wrong; all problems are named.
    """
    place = Path(path)
    if not place.is_file():
        message = f"There is no study file {place}. Check the path."
        raise UsageError(message)
    try:
        text = place.read_text("utf-8")
    except UnicodeDecodeError as error:
        message = f"{place} is not text in UTF-8: {error.reason}."
        raise UsageError(message) from error
    return parse_study(text)


def base_snapshot(
    study: Study, folder: Path, date_format: str | None = None
) -> Snapshot:
    """Load the base of a study; relative paths count from `folder`, then from here.

    Parameters
    ----------
    date_format
        Order of written dates of its tables; None: what their settings state.
    """
    base = study.base
    if base.tables is not None:
        place = found_place(base.tables, folder)
        return read_tables(place, date_format=date_format)
    from medhavi.lakehouse import Lake

    lake = Lake(str(found_place(str(base.lake), folder)))
    return lake.snapshot(known_at=base.known_at, effective_at=base.effective_at)


def tracking_folder(path: str | Path) -> Path:
    """Where the runs of a study are logged: with the models of its base."""
    from medhavi.workbench.workspace import models_folder

    base = read_study(path).base
    return models_folder(found_place(str(base.tables or base.lake), Path(path).parent))


def found_place(place: str, folder: Path) -> Path:
    """What a study calls its base: as written, or beside its file.

    Raises
    ------
    UsageError
        Nothing is there.
    """
    for candidate in (Path(place), folder / place):
        if candidate.exists():
            return candidate
    message = f"base: {place} is not there. Check the path in the study."
    raise UsageError(message)


def run_study(
    path: str | Path,
    *,
    cache: str | Path | None = None,
    executor: str | None = None,
    track: Path | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    date_format: str | None = None,
) -> StudyResult:
    """Run what is not in the cache yet, and compare.

    Parameters
    ----------
    path
        The study file.
    cache
        Folder of finished runs; `studies/cache` below the current folder by default.
    executor
        Where to run, instead of what the study says.
    track
        Folder of the MLflow store: what is computed is logged there, a run for the
        study and one below it for each of its runs. None: nothing is logged.
    observe, cancelled
        Called with the progress, and asked whether to end, behind each run.
    date_format
        As in `base_snapshot`.

    Returns
    -------
    StudyResult
        All runs beside each other, those that were refused too.

    Raises
    ------
    UsageError
        There is no such file or base, or no such executor.
    BadData
        The file or its tables have errors; all are named.
    LimitReached
        It was cancelled; finished runs are kept and not computed again.
    """
    say = observe or unobserved
    place = Path(path)
    study = read_study(place)
    base = base_snapshot(study, place.parent, date_format)
    base.require()
    store = Path(cache) if cache is not None else CACHE
    runs = study.runs
    names = [run.identity(base.fingerprint, __version__) for run in runs]
    missing = {
        name: number
        for number, name in reversed(list(enumerate(names)))
        if _outcome(store / name) is None
    }
    before = len(runs) - len(missing)
    say(Progress(f"study {study.name}: {len(runs)} runs, {before} finished before"))
    if missing:
        shared = _shared_base(base, store)
        netted = on_kept_runs(base, runs)
        tasks = [
            _Task(
                base=str(shared),
                fingerprint=base.fingerprint,
                cache=str(store),
                identity=name,
                study=place.read_text("utf-8"),
                number=number,
                on_kept_run=number in netted,
            )
            for name, number in sorted(missing.items(), key=lambda item: item[1])
        ]
        results = execute(executor or study.executor, _work, tasks, cancelled)
        try:
            for done, number in enumerate(results, start=1):
                say(Progress(runs[number].label, done, len(tasks)))
        finally:
            _base_of.cache_clear()
    report = _report(study, runs, names, base.fingerprint, store)
    if missing and track is not None:
        try:
            _log(report, frozenset(missing), track)
        except EnvironmentFailure as error:
            # The figures are computed and kept; only MLflow does not hear of them.
            say(Progress(f"the runs are not logged: {error}"))
    return StudyResult(
        study=study,
        report=report,
        cache=store,
        computed=len(missing),
        reused=len(set(names)) - len(missing),
    )


def _shared_base(base: Snapshot, store: Path) -> Path:
    """Keep the base where every worker can read it; once per fingerprint."""
    place = store / f"base-{base.fingerprint[:24]}"
    if not (place / "settings.parquet").is_file():
        write_tables(base, place, "parquet")
    return place


@lru_cache(maxsize=1)
def _base_of(place: str, fingerprint: str) -> StudyBase:
    """Read the base of a study, once in each process.

    Raises
    ------
    EnvironmentFailure
        It is another one by now.
    """
    base = read_tables(place)
    if base.fingerprint != fingerprint:
        message = f"{place} was changed while the study ran. Remove it, run again."
        raise EnvironmentFailure(message)
    return StudyBase(base)


def _work(task: _Task) -> int:
    """Compute one run in a worker and keep its result, whole or not at all."""
    base = _base_of(task.base, task.fingerprint)
    run = parse_study(task.study).runs[task.number]
    outcome = base.compute(run, on_kept_run=task.on_kept_run)
    target = Path(task.cache) / task.identity
    with replaced_folder(target, RESULT_NAMES | {"outcome"}) as folder:
        if outcome.plan is not None:
            outcome.plan.to_folder(folder)
        write_json(
            folder / OUTCOME,
            {
                "status": outcome.status,
                "problem": outcome.problem,
                "snapshot_fingerprint": outcome.snapshot_fingerprint,
                "plan_fingerprint": ""
                if outcome.plan is None
                else outcome.plan.fingerprint,
                "kpis": {} if outcome.plan is None else _kpis(outcome.plan),
            },
        )
    return task.number


def _kpis(plan: Plan) -> dict[str, dict[str, object]]:
    return {
        str(row["kpi"]): {key: row[key] for key in ("name", "value", "unit")}
        for row in plan.kpis.iter_rows(named=True)
    }


def _outcome(folder: Path) -> dict[str, object] | None:
    path = folder / OUTCOME
    if not path.is_file():
        return None
    try:
        return read_json(path)
    except json.JSONDecodeError:
        return None


def _report(
    study: Study,
    runs: tuple[StudyRun, ...],
    names: list[str],
    fingerprint: str,
    store: Path,
) -> StudyReport:
    rows: list[Mapping[str, object]] = []
    figures: list[Mapping[str, object]] = []
    for run, name in zip(runs, names, strict=True):
        outcome = _outcome(store / name)
        if outcome is None:
            message = f"{store / name} has no result: was the cache removed meanwhile?"
            raise EnvironmentFailure(message)
        place = {
            "scenario": run.scenario,
            "point": run.point_words,
            "planner": str(run.planner),
            "seed": run.seed,
        }
        rows.append(
            {
                "run": name,
                **place,
                **{key: outcome[key] for key in ("status", "problem")},
                "changes": [change.told for change in run.own_changes],
                "plan_fingerprint": outcome["plan_fingerprint"],
                "snapshot_fingerprint": outcome["snapshot_fingerprint"],
            }
        )
        figures += _figures(study, place, outcome)
    return StudyReport.build(
        name=study.name,
        base=fingerprint,
        package_version=__version__,
        compare_to=study.compare_to,
        runs=rows,
        figures=figures,
    )


def _figures(
    study: Study, place: Mapping[str, object], outcome: Mapping[str, object]
) -> list[dict[str, object]]:
    """Wanted figures: a figure of the registry with all its parts."""
    known = outcome["kpis"]
    assert isinstance(known, dict)
    return [
        {**place, "kpi": name, **known[name]}
        for wanted in study.kpis
        for name in known
        if name == wanted or name.startswith(f"{wanted}.")
    ]


def _log(report: StudyReport, computed: frozenset[str], folder: Path) -> None:
    """Log what was computed, each run once, below one run of the study."""
    from medhavi.workbench.training.tracking import Tracking

    tracking = Tracking(folder)
    parent = tracking.record(
        "studies",
        report.name,
        parameters={**report.as_dict(), "computed": len(computed)},
        texts={"study.txt": str(report)},
    )
    logged: set[str] = set()
    for run in report.runs.iter_rows(named=True):
        if run["run"] not in computed or run["run"] in logged:
            continue
        logged.add(run["run"])
        place = {key: run[key] for key in ("scenario", "point", "planner", "seed")}
        figures = report.figures.filter(
            pl.all_horizontal(pl.col(key) == value for key, value in place.items())
            & pl.col("value").is_not_null()
        )
        tracking.record(
            "studies",
            f"{run['scenario']} {run['point']}".strip(),
            parameters={
                **place,
                "changes": "; ".join(run["changes"]),
                "base": report.base,
                "package_version": report.package_version,
            },
            metrics=dict(figures.select("kpi", "value").iter_rows()),
            tags={"run": run["run"], "status": run["status"]},
            parent=parent,
        )


def write_report(result: StudyResult, out: str | Path, file_format: str) -> Path:
    """Write tables and the offline page of a study, whole or not at all."""
    from medhavi.views.study_page import study_html

    with replaced_folder(out, REPORT_NAMES) as folder:
        result.report.to_folder(folder, "csv" if file_format == "csv" else "parquet")
        (folder / "report.html").write_text(study_html(result.report), "utf-8")
    return Path(out)


def write_page(report: StudyReport, path: str | Path) -> None:
    """Write the offline page of a study that was kept."""
    from medhavi.views.study_page import study_html

    with replaced_file(path) as fresh:
        fresh.write_text(study_html(report), "utf-8")


def plan_of_run(run: str, cache: str | Path | None = None) -> Plan:
    """Read the plan of a run from the cache by (the beginning of) its identity.

    Raises
    ------
    UsageError
        No run, or several, or one that was refused.
    """
    store = Path(cache) if cache is not None else CACHE
    found = sorted(path.parent for path in store.glob(f"{run}*/{OUTCOME}"))
    if len(found) != 1 or not run:
        message = (
            f"{len(found)} runs in {store} begin with {run!r}; "
            "`medhavi study run --json` lists them."
        )
        raise UsageError(message)
    if not (found[0] / "run.json").is_file():
        outcome = _outcome(found[0]) or {}
        message = f"Run {run} has no plan: {outcome.get('problem', 'it was refused')}"
        raise UsageError(message)
    return Plan.from_folder(found[0])
