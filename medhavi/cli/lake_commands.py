"""Commands around the lakehouse: query, quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import show_measures, show_table, talk
from medhavi.cli.options import (
    AsOfOption,
    DateFormatOption,
    KnownAtOption,
    LakeMoment,
    LakeOption,
    PlanMode,
    TablesOption,
    existing_plan,
    existing_tables,
    instant,
)
from medhavi.errors import UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    import polars as pl

    from medhavi.snapshot import Snapshot
    from medhavi.workbench import Workbench


ROWS_FOR_PEOPLE = 100
HEAD = LakeMoment()
"""All that is known, now."""


def open_workbench(lake: str | None, store: str | None = None) -> Workbench:
    """Open the named workspace; what is not named comes from the surroundings.

    The store of a lake may lie beside it, as for pages.
    """
    import os

    from medhavi.workbench import Workbench
    from medhavi.workbench.workspace import store_of

    if lake is None and store is None:
        return Workbench.current()
    lake = lake or os.environ.get("MEDHAVI_LAKE")
    store = store or os.environ.get("MEDHAVI_STORE")
    if store is None and lake is not None:
        store = store_of(lake)
    return Workbench(lake=lake, store=store)


def snapshot_of(
    tables: Path | None,
    lake: str | None,
    moments: LakeMoment = HEAD,
    *,
    strict: bool | None = None,
    date_format: str | None = None,
) -> Snapshot:
    """Read the tables of a folder, or those of a moment of a lake.

    Parameters
    ----------
    strict
        Refuse rows that cannot be planned in place of leaving them out; None: a folder
        is strict, a lake is not (semantics 48).
    date_format
        Order of written dates of a folder; None: what its settings state.
    """
    if tables is not None:
        from medhavi.workbench.files.tables_run import read_tables

        return read_tables(
            existing_tables(tables),
            hold_bad_rows=strict is False,
            date_format=date_format,
        )
    taken = open_workbench(lake).snapshot(**moments._asdict())
    return taken.require(strict=bool(strict))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """Options that say where the tables of a command come from.

    Raises
    ------
    UsageError
        Both are given, or --date-format without files.
    """

    tables: TablesOption = None
    lake: LakeOption = None
    date_format: DateFormatOption = None

    def __post_init__(self) -> None:
        one_place(self.tables, self.lake, self.date_format)

    def snapshot(self, moment: LakeMoment = HEAD) -> Snapshot:
        """Tables of the folder, or those of a moment of the lake."""
        return snapshot_of(self.tables, self.lake, moment, date_format=self.date_format)


def one_place(
    tables: Path | None, lake: str | None, date_format: str | None = None
) -> None:
    """Refuse two sources of facts at once, and an order of dates that nothing has.

    Raises
    ------
    UsageError
        Both are given, or --date-format without files.
    """
    if tables is not None and lake is not None:
        message = "Give --tables or --lake, not both."
        raise UsageError(message)
    if date_format is not None and tables is None:
        message = (
            "--date-format reads dates of files, and a lake has none. Give --tables, "
            "or leave it out."
        )
        raise UsageError(message)


def moments(
    as_of: str | None,
    known_at: str | None,
    lake: str | None,
    tables: Path | None = None,
) -> LakeMoment:
    """Read --as-of and --known-at; tables of a folder have one moment only.

    A date without a time is a day of the company: of --as-of its begin, of --known-at
    its end.

    Raises
    ------
    UsageError
        They are no instants, or stand beside --tables.
    """
    from medhavi.snapshot.reading.cells import is_day

    found = LakeMoment(instant(known_at, "--known-at"), instant(as_of, "--as-of"))
    if found and tables is not None:
        message = (
            "--as-of and --known-at look back in a lake; a folder of tables has one "
            "moment, settings.as_of. Give --lake, or leave them out."
        )
        raise UsageError(message)
    if not any(text and is_day(text.strip()) for text in (as_of, known_at)):
        return found
    zone = open_workbench(lake).snapshot().local_days.company
    return LakeMoment(
        instant(known_at, "--known-at", zone), instant(as_of, "--as-of", zone)
    )


def query(
    sql: Annotated[
        str, typer.Argument(help="SQL over bronze, silver and gold tables.")
    ],
    lake: LakeOption = None,
    max_rows: Annotated[
        int, typer.Option("--max-rows", help="Rows of the answer, at most.")
    ] = 100_000,
    max_seconds: Annotated[
        int,
        typer.Option(
            "--max-seconds",
            help="Processor time, at most [s]; three times as much by the clock.",
        ),
    ] = 10,
    max_memory: Annotated[
        int, typer.Option("--max-memory", help="Memory, at most [MiB].")
    ] = 1_000,
) -> None:
    """Ask the lakehouse in SQL."""
    from medhavi.lakehouse.query import QueryLimits

    conversation = talk()
    limits = QueryLimits(
        rows=max_rows,
        cpu_seconds=max_seconds,
        seconds=3.0 * max_seconds,
        memory_mib=max_memory,
    )
    frame = open_workbench(lake).query(sql, limits)
    _show(frame)
    conversation.answer(columns=frame.columns, rows=frame.rows())


def lineage(
    table: Annotated[
        str,
        typer.Argument(help="Planning table; of a plan supplies, fulfilment, kpis."),
    ],
    key: Annotated[
        str, typer.Argument(help="Key of the row, its cells joined by |.")
    ] = "",
    column: Annotated[
        str | None, typer.Argument(help="Column; none: all cells of the row.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Plan; none: the one in force.")
    ] = None,
    mode: Annotated[
        PlanMode, typer.Option("--mode", help="Mode of the plan in force.")
    ] = PlanMode.MRP,
    lake: LakeOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
) -> None:
    """Show where a number comes from: events, overrides, predictions, pegs."""
    from dataclasses import asdict

    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.lake_reading import FIGURES
    from medhavi.workbench.plan_in_force import plan_in_force

    conversation, bench = talk(), open_workbench(lake)
    moment = moments(as_of, known_at, lake)
    made = None if plan is None else Plan.from_folder(existing_plan(plan))
    if table in FIGURES and made is None:
        snapshot = bench.snapshot(**moment._asdict())
        past = bool(moment)
        kept = plan_in_force(snapshot, mode.value, bench.lake, past=past)
        made = None if kept is None else kept.plan
    found = bench.lineage(table, key, column, plan=made, **moment._asdict())
    conversation.say(str(found))
    conversation.answer(lineage=asdict(found))


def event_figures(lake: LakeOption = None) -> None:
    """Key figures of events: how late they were recorded, and how many count."""
    show_measures(open_workbench(lake).event_figures())


def list_quarantine(lake: LakeOption = None) -> None:
    """List what waits in quarantine."""
    conversation = talk()
    frame = open_workbench(lake).quarantine()
    if frame.is_empty():
        conversation.say(say("nothing_waits_in_quarantine"))
    else:
        _show(frame)
    conversation.answer(quarantine=frame.to_dicts())


def show_quarantine(
    event: Annotated[str, typer.Argument(help="Event id, as `quarantine list` says.")],
    lake: LakeOption = None,
) -> None:
    """Show one event and why it waits."""
    conversation = talk()
    frame = open_workbench(lake).quarantine()
    rows = frame.filter(frame["event_id"] == event).to_dicts()
    if not rows:
        message = (
            f"No event {event} waits in quarantine; see `medhavi quarantine list`."
        )
        raise UsageError(message)
    for name, value in rows[0].items():
        conversation.say(f"{name:<16} {value}")
    conversation.answer(event=rows[0])


def replay_quarantine(lake: LakeOption = None) -> None:
    """Try again what waits."""
    conversation = talk()
    report = open_workbench(lake).replay_quarantine()
    conversation.say(str(report))
    conversation.answer(replay=str(report))


def _show(frame: pl.DataFrame) -> None:
    show_table(frame.columns, frame.head(ROWS_FOR_PEOPLE).rows())
    if frame.height > ROWS_FOR_PEOPLE:
        talk().note(say("of_rows_json_gives", ROWS_FOR_PEOPLE, frame.height))
