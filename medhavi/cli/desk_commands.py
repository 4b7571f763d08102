"""Commands around the whole program: demo, serve, doctor, bench."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medhavi import __version__
from medhavi.cli.command_output import show_figures, show_table, talk
from medhavi.cli.options import (
    DateFormatOption,
    LakeOption,
    PlanMode,
    Scale,
    ScaleOption,
    existing_tables,
)
from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.results.amounts import figure, number
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.reports.study import StudyReport
    from medhavi.workbench.demonstration import Demonstration


def demo(
    folder: Annotated[Path | None, typer.Option("--dir", help="Workspace.")] = None,
    scale: ScaleOption = Scale.SMALL,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same company.")] = 7,
    effort: Annotated[
        Literal["light", "standard", "full"] | None,
        typer.Option(
            "--effort",
            help="How much modes constrained and optimize and the study search; "
            "standard, and light at scale large, where none is named.",
        ),
    ] = None,
) -> None:
    """Show it all on a generated company.

    It generates, mirrors, plans, verifies and reports; a second run reuses what is
    there.
    """
    from medhavi.workbench.demonstration import demonstrate

    conversation = talk()
    shown = demonstrate(
        folder=folder,
        scale=str(scale),
        seed=seed,
        observe=conversation.progress,
        effort=effort,
    )
    conversation.report(shown.plan.findings)
    tell(shown)


def serve(
    port: Annotated[int, typer.Option("--port", help="Port.", min=1, max=65535)] = 8710,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = (
        "127.0.0.1"
    ),
    lake: LakeOption = None,
    tables: Annotated[
        list[Path] | None,
        typer.Option(
            "--tables",
            help="Folder of CSV or Parquet tables, or an xlsx file, shown instead of a "
            "lake; may be repeated, an address then says ?tables=NAME.",
        ),
    ] = None,
    date_format: DateFormatOption = None,
    mode: Annotated[
        PlanMode | None,
        typer.Option(
            "--mode",
            help="Planning mode of pages; constrained where none is named.",
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            help="Most processes that plan beside the server; one a core at most.",
            min=1,
        ),
    ] = 1,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Tell the log of promises at risk when facts change."
        ),
    ] = False,
    compare_seconds: Annotated[
        int,
        typer.Option(
            "--compare-seconds",
            help="Seconds between two comparisons of the promise desk's book with one "
            "made anew from the log.",
            min=1,
        ),
    ] = 300,
    mlflow: Annotated[
        bool,
        typer.Option(
            "--mlflow", help="Show the training runs in MLflow too, read-only."
        ),
    ] = False,
) -> None:
    """Serve the apps and notebooks on this machine.

    Ctrl-C is the way to end it and no failure.
    """
    from contextlib import suppress

    from medhavi.service.app import serve as start

    if tables and lake is not None:
        message = "serve shows --tables or --lake, not both. Leave one of them out."
        raise UsageError(message)
    places = [str(existing_tables(place).absolute()) for place in tables or ()]
    divided = [place for place in places if os.pathsep in place]
    if divided and len(places) > 1:
        message = f"--tables {divided[0]}: its path has a {os.pathsep}; serve it alone."
        raise UsageError(message)
    with suppress(KeyboardInterrupt):
        start(
            host=host,
            port=port,
            lake=lake,
            tables=places,
            date_format=date_format,
            mode=None if mode is None else str(mode),
            workers=min(workers, os.cpu_count() or 1),
            watch=watch,
            compared_every=compare_seconds,
            tracking=mlflow,
        )


def doctor(lake: LakeOption = None) -> None:
    """Check Python, packages, disk, memory, lake and browser."""
    conversation = talk()
    checks = examine(lake)
    show_table(
        ("what", "state", "detail"), [(c.name, c.state, c.detail) for c in checks]
    )
    conversation.answer(checks=[c.as_dict() for c in checks])
    broken = [c for c in checks if c.state == "missing"]
    if broken:
        message = "; ".join(f"{c.name}: {c.detail}" for c in broken)
        raise EnvironmentFailure(message)


def bench(
    name: Annotated[str | None, typer.Argument(help="Which benchmark.")] = None,
) -> None:
    """Measure this installation.

    It runs the benchmarks of the source tree, one process each: programs that write a
    section of docs/performance.md.
    """
    import subprocess
    import sys

    conversation = talk()
    folder = Path(__file__).resolve().parents[2] / "benchmarks"
    names = sorted(
        path.stem
        for path in folder.glob("*.py")
        if "__main__" in (text := path.read_text("utf-8")) and "write_section" in text
    )
    if not names:
        message = "bench needs the source tree: benchmarks/ is not in the wheel."
        raise EnvironmentFailure(message)
    if name is not None and name not in names:
        message = f"There is no benchmark {name}; there are {', '.join(names)}."
        raise UsageError(message)
    failed = []
    for each in names if name is None else [name]:
        conversation.note(f"benchmark {each}")
        done = subprocess.run(
            [sys.executable, str(folder / f"{each}.py")], check=False, cwd=folder.parent
        )
        if done.returncode:
            failed.append(each)
    conversation.answer(benchmarks=names if name is None else [name], failed=failed)
    if failed:
        message = f"These benchmarks failed: {', '.join(failed)}."
        raise EnvironmentFailure(message)


_COUNT = {2: "two", 3: "three"}
_BESIDE = frozenset({"KPI-13.all"})
"""Parts that stand beside their figure: a mean over the late alone misleads."""


def tell(shown: Demonstration) -> None:
    """Print key figures, the worst demands with their chains, and the way on."""
    conversation = talk()
    conversation.say()
    conversation.say(str(shown.plan))
    figures = shown.plan.kpis_json()
    show_figures(figures)
    undefined = sum(row["value"] is None for row in figures.values())
    if undefined:
        conversation.say(
            say("more_are_undefined_medhavi", undefined, shown.plan_folder)
        )
    _tell_worst(shown)
    _tell_predictors(shown)
    _tell_modes(shown)
    _tell_promises(shown)
    if shown.study is not None:
        _tell_study(shown.study)
    _tell_way_on(shown)
    conversation.answer(
        folder=shown.folder,
        store=shown.store,
        lake=shown.lake,
        plan=shown.plan_folder,
        report=shown.report,
        events=shown.events,
        reused=list(shown.reused),
        fingerprint=shown.plan.fingerprint,
        kpis=figures,
        worst=[
            {
                "demand": worst.demand,
                "product": worst.product,
                "due": worst.due,
                "should_have_started": worst.should_have_started,
                "days_ago": worst.days_ago,
            }
            for worst in shown.worst
        ],
        trained=[dict(row) for row in shown.trained],
        modes=[{**asdict(row), "cost": row.card.total} for row in shown.modes],
        promises=[one.as_dict() for one in shown.promises],
        study=shown.study.table().to_dicts() if shown.study else None,
    )


def _tell_worst(shown: Demonstration) -> None:
    conversation = talk()
    if not shown.worst:
        conversation.say(say("no_demand_needed_a"))
        return
    conversation.say()
    conversation.say(say("the_worst_demands_what"))
    for worst in shown.worst:
        conversation.say()
        conversation.say(
            say(
                "at_due_its_chain",
                worst.demand,
                worst.product,
                worst.location,
                format(worst.due, "%Y-%m-%d"),
                number(worst.days_ago),
                format(worst.should_have_started, "%Y-%m-%d"),
            )
        )
        for line in worst.explanation.sentences():
            conversation.say(f"  {line}")


def _tell_predictors(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    conversation.say(say("who_keeps_their_word"))
    for row in shown.trained:
        state = "in use" if row["promoted"] else say("not_in_use")
        conversation.say(
            f"  {row['model']} {row['version'] or ''}: {state}; {row['reason']} "
            f"({row['observations']:,} observations)"
        )


def _tell_modes(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    conversation.say(say("the_plan_in_modes", _COUNT[len(shown.modes)]))
    show_table(
        (
            "mode",
            "on time",
            "at risk",
            "not kept",
            "of",
            "overload h",
            "inventory",
            "cost",
            say("of_it_late"),
            "t CO2",
        ),
        [
            (
                row.mode,
                row.on_time,
                row.at_risk,
                row.late,
                row.demands,
                round(row.overload_h),
                round(row.card.inventory),
                round(row.card.total),
                round(row.card.lateness),
                round(row.card.co2_kg / 1000, 1),
            )
            for row in shown.modes
        ],
    )
    said = say("mrp_overloads_and_starts")
    if any(row.mode == "optimize" for row in shown.modes):
        said += say("optimize_is_as_feasible")
    conversation.say(said)


def _tell_promises(shown: Demonstration) -> None:
    from medhavi.results.promises.promise import block

    conversation = talk()
    conversation.say()
    conversation.say(say("three_requests_can_we"))
    locale = shown.plan.locale
    for one in shown.promises:
        conversation.say()
        zone = locale.zone_of(str(one.demand.get("location")))
        conversation.say("\n".join(block(one, zone, locale.currency)))


def _tell_study(study: StudyReport) -> None:
    conversation = talk()
    conversation.say()
    conversation.say(say("a_study_what_if"))
    table = study.table()
    names = [name for name in table.columns if name.startswith("KPI-")]
    shown_names = [name for name in names if "." not in name or name in _BESIDE]
    show_table(
        ("scenario", *(_kpi(study, name, "name") for name in shown_names)),
        [
            (
                row["scenario"],
                *(figure(row[name], _kpi(study, name, "unit")) for name in shown_names),
            )
            for row in table.iter_rows(named=True)
        ],
    )


def _kpi(study: StudyReport, kpi: str, column: str) -> str:
    figures = study.figures
    return str(figures.filter(figures["kpi"] == kpi)[column][0])


def _tell_way_on(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    if shown.reused:
        conversation.say(say("reused_from_an_earlier", ", ".join(shown.reused)))
    conversation.say(f"tables   {shown.plan_folder}")
    conversation.say(say("report_opens_without_a", shown.report))
    if shown.study is not None:
        conversation.say(f"study    {shown.folder / 'study' / 'report.html'}")
    conversation.say(f"apps     medhavi serve --lake {shown.lake}")
    requests = shown.folder / "requests.json"
    conversation.say(
        f"promise  medhavi promise --lake {shown.lake} --request {requests}"
    )
    if shown.study is not None:
        hindsight = shown.folder / "hindsight.toml"
        conversation.say(say("look_back_medhavi_study", hindsight))
    if shown.worst:
        first = shown.worst[0].demand
        conversation.say(
            f"ask why  medhavi explain {shown.plan_folder} --demand {first}"
        )


State = Literal["ok", "missing", "optional", "unknown"]
LEAST_FREE_GB = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCheck:
    """One thing that was looked at.

    `missing` stops work and ends in exit code 4; `optional` only takes something away.
    """

    name: str
    state: State
    detail: str

    def as_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"name": self.name, "state": self.state, "detail": self.detail}


def examine(lake: str | None) -> list[SystemCheck]:
    """Look at everything; nothing is changed and nothing is downloaded."""
    looks: list[Callable[[], SystemCheck]] = [
        _python,
        _packages,
        _numba,
        _processors,
        _disk,
        lambda: _lake(lake),
        lambda: _permissions(lake),
        _chromium,
        _public_data,
    ]
    return [look() for look in looks]


def _python() -> SystemCheck:
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    detail = say("at_medhavi", version, sys.executable, __version__)
    return SystemCheck(name="Python", state="ok" if good else "missing", detail=detail)


def _packages() -> SystemCheck:
    """Compare what the project asks for with what is installed."""
    try:
        wanted = metadata.requires("medhavi") or []
    except metadata.PackageNotFoundError:
        detail = "medhavi itself is not installed; run `make setup`"
        return SystemCheck(name="packages", state="missing", detail=detail)
    names = [_bare(line) for line in wanted if "extra ==" not in line]
    absent = [name for name in names if not _installed(name)]
    if absent:
        detail = say("not_installed_run_make", ", ".join(absent))
        return SystemCheck(name="packages", state="missing", detail=detail)
    return SystemCheck(
        name="packages", state="ok", detail=say("all_are_installed", len(names))
    )


def _bare(requirement: str) -> str:
    """Cut a requirement down to its name.

    >>> _bare("marimo[sql]==0.25.2")
    'marimo'
    """
    for place, letter in enumerate(requirement):
        if not (letter.isalnum() or letter in "-_."):
            return requirement[:place]
    return requirement


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _numba() -> SystemCheck:
    if _installed("numba"):
        detail = say("compiled_kernels_can_be", metadata.version("numba"))
        return SystemCheck(name="numba", state="ok", detail=detail)
    detail = say("not_installed_extra_fast")
    return SystemCheck(name="numba", state="optional", detail=detail)


def _processors() -> SystemCheck:
    usable = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    detail = say("processors_gb_of_memory", usable, round(memory, 1))
    return SystemCheck(name="machine", state="ok", detail=detail)


def _disk() -> SystemCheck:
    free = shutil.disk_usage(Path.cwd()).free / 1024**3
    detail = say("gb_free_in", round(free, 1), Path.cwd())
    return SystemCheck(
        name="disk", state="ok" if free >= LEAST_FREE_GB else "missing", detail=detail
    )


def _lake(lake: str | None) -> SystemCheck:
    place = lake or os.environ.get("MEDHAVI_LAKE")
    if place is None:
        detail = say("none_named_lake_or")
        return SystemCheck(name="lake", state="optional", detail=detail)
    if "://" in place:
        return SystemCheck(
            name="lake", state="unknown", detail=say("is_not_looked_at", place)
        )
    folder = Path(place)
    if not folder.is_dir():
        detail = say("is_not_there_medhavi", place)
        return SystemCheck(name="lake", state="missing", detail=detail)
    if not os.access(folder, os.W_OK):
        detail = say("cannot_be_written_to", place)
        return SystemCheck(name="lake", state="missing", detail=detail)
    return SystemCheck(name="lake", state="ok", detail=place)


def _permissions(lake: str | None) -> SystemCheck:
    """Name what other users of the machine may read or write of a workspace."""
    store = os.environ.get("MEDHAVI_STORE", "").removeprefix("sqlite:///")
    named = (lake or os.environ.get("MEDHAVI_LAKE"), store)
    places = [Path(one) for one in named if one and Path(one).exists()]
    beside = {place.parent / "events.db" for place in places if place.is_dir()}
    wide = [
        f"{place} ({place.stat().st_mode & 0o777:o})"
        for place in sorted({*places, *(one for one in beside if one.exists())})
        if place.stat().st_mode & 0o077 and not _closed_above(place)
    ]
    if not places:
        return SystemCheck(
            name="permissions", state="optional", detail=say("no_workspace_named")
        )
    if wide:
        detail = say("other_users_of_this", ", ".join(wide))
        return SystemCheck(name="permissions", state="optional", detail=detail)
    detail = say("the_workspace_is_open")
    return SystemCheck(name="permissions", state="ok", detail=detail)


def _closed_above(place: Path) -> bool:
    """Whether a folder above lets nobody else through."""
    return any(not folder.stat().st_mode & 0o011 for folder in place.resolve().parents)


def _chromium() -> SystemCheck:
    place = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if place is None:
        detail = say("not_found_browser_tests")
        return SystemCheck(name="Chromium", state="optional", detail=detail)
    return SystemCheck(name="Chromium", state="ok", detail=place)


def _public_data() -> SystemCheck:
    place = os.environ.get("MEDHAVI_PUBLIC_DATA")
    if place is None:
        detail = say("medhavi_public_data_is")
        return SystemCheck(name="public data", state="optional", detail=detail)
    state: State = "ok" if Path(place).is_dir() else "missing"
    return SystemCheck(name="public data", state=state, detail=place)
