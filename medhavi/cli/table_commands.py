"""Commands that change tables: a file of one's own, one cell, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.options import (
    DateFormatOption,
    LakeOption,
    OptionalApprover,
    PlanMode,
    StoreOption,
    TablesOption,
    existing_tables,
)
from medhavi.cli.planning.orders_commands import (
    CommitOption,
    EditOptions,
    ModeOption,
    edited,
)
from medhavi.errors import UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.snapshot.table_difference import TableDifference

PlaceOption = Annotated[
    Path, typer.Option("--tables", help="Folder of tables, or an xlsx file.")
]


def update(
    file: Annotated[Path, typer.Argument(help="Workbook, TABLE.csv or TABLE.parquet.")],
    tables: TablesOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Rows that the file lacks are removed.")
    ] = False,
    end_overrides: Annotated[
        bool,
        typer.Option(
            "--end-overrides", help="Its values end overrides of the same cells."
        ),
    ] = False,
    mode: ModeOption = PlanMode.MRP,
    commit: CommitOption = False,
    approver: OptionalApprover = None,
    date_format: DateFormatOption = None,
) -> None:
    """Show the differences of a file row by row; with --commit take it as one change.

    Files are written; in a lake it becomes an edit of master data, with its price.
    """
    from medhavi.cli.lake_commands import TableSource, open_workbench
    from medhavi.snapshot.table_difference import file_difference
    from medhavi.workbench.files.table_files import TableFiles, read_files

    source = TableSource(tables=tables, lake=lake, date_format=date_format)
    if not file.is_file():
        message = f"{file}: there is no such file. Check the path."
        raise UsageError(message)
    found = file_difference(
        source.snapshot(),
        *read_files([(file.name, file.read_bytes())]),
        written=None if tables is None else TableFiles(tables).cells(),
        kept=()
        if end_overrides or tables is not None
        else open_workbench(lake).lake.overrides(),
        whole=whole,
        date_format=date_format,
    )
    _tell(found)
    if tables is not None:
        _take(found, tables, f"file {file.name}", approver, commit=commit)
    elif found.rows:
        options = EditOptions(
            mode=mode, commit=commit, approver=approver, lake=lake, store=store
        )
        edited(found.edit(), options)


def mend(
    tables: PlaceOption,
    table: Annotated[str, typer.Option("--table", help="Which table.")],
    row: Annotated[int, typer.Option("--row", help="Row as a spreadsheet counts.")],
    column: Annotated[str, typer.Option("--column", help="Which column.")],
    value: Annotated[str, typer.Option("--value", help="New value.")] = "",
    commit: CommitOption = False,
    approver: OptionalApprover = None,
    date_format: DateFormatOption = None,
) -> None:
    """Show what a cell changes; with --commit write it into its file.

    In a lake: medhavi orders override.
    """
    from medhavi.snapshot.table_difference import cell_difference
    from medhavi.workbench.files.table_files import TableFiles
    from medhavi.workbench.files.tables_run import read_tables

    before = read_tables(existing_tables(tables), date_format=date_format)
    place = table, row, column
    cells = TableFiles(tables).cells()
    found = cell_difference(before, cells, place, value, date_format)
    _tell(found)
    text = f"{table} {row} {column}: {value or 'empty'}"
    _take(found, tables, text, approver, commit=commit)


def _take(
    found: TableDifference,
    tables: Path,
    text: str,
    approver: str | None,
    *,
    commit: bool,
) -> None:
    """Write the files where that is asked for."""
    from medhavi.workbench.files.table_files import TableFiles

    conversation = talk()
    if not found.rows or not commit:
        conversation.note(say("nothing_is_written_commit"))
        conversation.answer(change=None)
        return
    done = TableFiles(tables).take(found, approver=approver or "", text=text)
    conversation.say(say("taken_as_change_the", str(done.number)))
    conversation.answer(change=done.number)


def _tell(found: TableDifference) -> None:
    """List counts by table and the cells that differ; new findings are reported."""
    from medhavi.snapshot.table_difference import changed_columns

    conversation = talk()
    counts = found.counts()
    conversation.report(found.findings)
    show_table(
        ("table", "added", "changed", "removed"),
        [(table, *each.values()) for table, each in counts.items()],
    )
    rows = [
        (
            one.table,
            found.number(one),
            ", ".join(one.key.values()),
            column,
            (one.before or {}).get(column),
            (one.after or {}).get(column),
        )
        for one in found.rows
        for column in changed_columns(one)
    ]
    if rows:
        show_table(("table", "row", "key", "column", "now", "then"), rows[:200])
    conversation.answer(tables=counts, cells=[list(map(str, each)) for each in rows])


def undo(tables: PlaceOption, approver: OptionalApprover = None) -> None:
    """Put the files back that stood before the last change that stands."""
    from medhavi.workbench.files.table_files import TableFiles

    done = TableFiles(existing_tables(tables)).undo(approver=approver or "")
    talk().say(say("change_is_taken_back", str(done.undoes), str(done.number)))
    talk().answer(change=done.number, undoes=done.undoes)


def history(tables: PlaceOption) -> None:
    """List the changes of the files, the oldest first."""
    from medhavi.workbench.files.table_files import TableFiles

    past = TableFiles(existing_tables(tables)).history()
    show_table(
        ("change", "when", "approver", "what", "undoes"),
        [
            (one.number, one.recorded_at, one.approver, one.text, one.undoes)
            for one in past
        ],
    )
    talk().answer(changes=[{"number": one.number, "text": one.text} for one in past])
