"""Commands around the whole program: demo, serve, doctor, bench."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.options import (
    DateFormatOption,
    JsonOption,
    LakeOption,
    Scale,
    ScaleOption,
    existing_tables,
)
from medhavi.errors import EnvironmentFailure, UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo", help="Show it all on a generated company.")(demo)
    app.command("serve", help="Serve the apps and notebooks on this machine.")(serve)
    app.command(
        "doctor", help="Check Python, packages, disk, memory, lake and browser."
    )(doctor)
    app.command("bench", help="Measure this installation.")(bench)


def demo(
    folder: Annotated[Path | None, typer.Option("--dir", help="Workspace.")] = None,
    scale: ScaleOption = Scale.SMALL,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same company.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Generate, mirror, plan, verify, report; a second run reuses what is there."""
    from medhavi.cli.demo_summary import tell
    from medhavi.workbench.demonstration import demonstrate

    conversation = talk()
    shown = demonstrate(
        folder=folder, scale=str(scale), seed=seed, observe=conversation.progress
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
) -> None:
    """Serve until Ctrl-C, which is the way to end it and no failure."""
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
            watch=watch,
            compared_every=compare_seconds,
        )


def doctor(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Look at Python, packages, disk, memory, lake, Chromium."""
    from medhavi.cli.system_checks import examine

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
    as_json: JsonOption = False,
) -> None:
    """Run the benchmarks of the source tree, one process each.

    A benchmark is a program that writes a section of docs/performance.md.
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
