"""Options that commands share, and commands and groups that take them."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from medhavi.cli.command_output import talk
from medhavi.errors import NotAvailable, UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def _date_format(text: str | None) -> str | None:
    """Refuse an order of dates without a day, a month or a year.

    Raises
    ------
    UsageError
        Dates written so do not read back.

    >>> _date_format("DD.MM.YYYY")
    'DD.MM.YYYY'
    """
    from medhavi.snapshot.reading.cells import is_date_format

    if text is not None and not is_date_format(text):
        message = (
            f"--date-format {text}: this is not an order of day, month and year. Write it "
            "like DD.MM.YYYY, MM/DD/YYYY or D-M-YY."
        )
        raise UsageError(message)
    return text


VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose", "--all", help="List every finding, also what a mode ignores."
    ),
]
TablesOption = Annotated[
    Path | None,
    typer.Option("--tables", help="Folder of CSV or Parquet tables, or an xlsx file."),
]
DateFormatOption = Annotated[
    str | None,
    typer.Option(
        "--date-format",
        help="Order of the dates in the files beside ISO 8601: DD.MM.YYYY, MM/DD/YYYY. "
        "Default: settings.date_format.",
        callback=_date_format,
    ),
]
LakeOption = Annotated[
    str | None,
    typer.Option("--lake", help="Folder of the lakehouse. Default: MEDHAVI_LAKE."),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Event store: sqlite:///events.db, jsonl:events or kurrentdb://host:2113.",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="Facts of the lake in effect up to this instant, which is now of the plan.",
    ),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option(
        "--known-at", help="Facts of the lake recorded up to this instant, no later."
    ),
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="Parameters as TOML.")
]
StrictOption = Annotated[
    bool | None,
    typer.Option(
        "--strict/--hold-bad-rows",
        help="Rows that cannot be planned: refuse (default of --tables), or leave them "
        "out with what hangs on them and price it (default of a lake).",
        show_default=False,
    ),
]
ApproverOption = Annotated[str, typer.Option("--approver", help="Who confirms it.")]
OptionalApprover = Annotated[
    str | None, typer.Option("--approver", help="Who confirms it.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the log.")]
WhyOption = Annotated[str | None, typer.Option("--reason", help="Why, for the log.")]
FolderOption = Annotated[Path | None, typer.Option("--out", help="Folder to write.")]
ResumeOption = Annotated[
    bool,
    typer.Option("--resume", help="Mode optimize: go on from what a run has done."),
]
BudgetsOption = Annotated[
    list[str] | None,
    typer.Option("--at-most", help="A budget, such as cost=900000 or co2=40000 (kg)."),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the result.")]
PlanArgument = Annotated[Path, typer.Argument(help="Folder of a plan (plan --out).")]


class FileFormat(StrEnum):
    """How tables are written."""

    PARQUET = "parquet"
    CSV = "csv"


class PlanMode(StrEnum):
    """How a plan is made."""

    MRP = "mrp"
    CONSTRAINED = "constrained"
    OPTIMIZE = "optimize"


class Scale(StrEnum):
    """Size of the demo company."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


FormatOption = Annotated[FileFormat, typer.Option("--format", help="Kind of files.")]
ScaleOption = Annotated[Scale, typer.Option("--scale", help="Size of the company.")]


def existing_folder(folder: Path, name: str) -> Path:
    """Refuse a folder that is not there.

    Raises
    ------
    UsageError
        Nothing is there, or a file is.
    """
    if not folder.exists():
        message = f"{name} {folder}: there is no such folder. Check the path."
        raise UsageError(message)
    if not folder.is_dir():
        message = f"{name} {folder}: this is a file; a folder is needed."
        raise UsageError(message)
    return folder


def existing_tables(place: Path) -> Path:
    """Refuse a place of tables that is neither a folder nor an xlsx file.

    Raises
    ------
    UsageError
        Nothing is there, or a file of another kind is.
    """
    if place.is_file() and place.suffix.lower() == ".xlsx":
        return place
    return existing_folder(place, "--tables")


def refuse_other_facts(made: Plan, snapshot: Snapshot, folder: Path) -> None:
    """Refuse tables that are not those of a plan.

    Raises
    ------
    UsageError
        The plan was made of others.
    """
    if made.run.snapshot_fingerprint != snapshot.fingerprint:
        message = (
            f"{folder} is a plan of other facts. Plan these, or name the "
            "tables that it was made from."
        )
        raise UsageError(message)


def refuse_place(
    out: Path | None,
    ours: Collection[str],
    inside: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Refuse before minutes of work a folder that nothing is written to after them.

    Parameters
    ----------
    out
        Folder to write; None: nothing is written.
    ours, inside
        What it may hold, as of `replaced_folder`.

    Raises
    ------
    UsageError
        It holds something else, or is a file.
    """
    from medhavi.workbench.files.atomic_write import refuse_foreign

    if out is not None:
        refuse_foreign(out, ours, inside)


def existing_plan(folder: Path) -> Path:
    """Refuse a folder that holds no plan.

    Raises
    ------
    UsageError
        The folder is not there or has no run.json.
    """
    existing_folder(folder, "PLAN")
    if not (folder / "run.json").is_file():
        message = (
            f"PLAN {folder}: no run.json inside, so this is not a plan. "
            "Give the folder that `medhavi plan --out` wrote."
        )
        raise UsageError(message)
    return folder


def instant(
    text: str | None, option: str, zone_name: str | None = "UTC"
) -> dt.datetime | None:
    """Read the instant that an option asks for; without an offset it is UTC.

    Parameters
    ----------
    text
        Value of the option; None: not given.
    option
        Name such as ``--as-of``, which tells the edge of a day (`ASKED_EDGES`).
    zone_name
        IANA zone in which a date without a time is a day; None: none is stated, and a
        warning says that UTC counts.

    Raises
    ------
    UsageError
        The text is no instant.

    >>> instant("2026-03-01", "--as-of").isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> instant("2026-03-01", "--date", "Europe/Rome").isoformat()
    '2026-03-01T23:00:00+00:00'
    """
    from medhavi.snapshot.reading.cells import is_day
    from medhavi.snapshot.reading.local_days import ASKED_EDGES, asked_instant

    if text is None:
        return None
    edge = ASKED_EDGES[option.removeprefix("--").replace("-", "_")]
    value = asked_instant(text, edge, zone_name=zone_name or "UTC")
    if value is None:
        message = (
            f"{option} {text}: enter a date and time such as 2026-03-01T06:00:00Z."
        )
        raise UsageError(message)
    if zone_name is None and is_day(text.strip()):
        talk().note(say("warning_is_a_day", option, text))
    return value


def settings_file(path: Path | None) -> dict[str, object]:
    """Read planning parameters from TOML; no file, no parameters.

    Raises
    ------
    UsageError
        The file is not there or is no TOML.
    """
    return {} if path is None else toml_file(path, "--settings ")


def toml_file(path: Path, option: str = "") -> dict[str, object]:
    """Content of a TOML file; `option` stands before its path in messages.

    Raises
    ------
    UsageError
        The file is not there or is no TOML.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        message = f"{option}{path}: there is no such file."
        raise UsageError(message) from error
    except (ValueError, IsADirectoryError) as error:  # such as a number too long
        message = f"{option}{path}: this is not a TOML file: {error}"
        raise UsageError(message) from error


def budgets_of(texts: list[str] | None) -> dict[str, float]:
    """Budgets by name, of options --at-most.

    Raises
    ------
    UsageError
        One is no name and number, or a budget is stated twice.
    """
    found: dict[str, float] = {}
    stated: dict[str, str] = {}
    for text in texts or ():
        name, _, value = text.partition("=")
        name = name.strip()
        if name in stated:
            message = (
                f"--at-most {text}: the budget of {name} is stated twice, as "
                f"{stated[name]} before; state it once."
            )
            raise UsageError(message)
        stated[name] = text
        try:
            found[name] = float(value)
        except ValueError as wrong:
            message = (
                f"--at-most {text}: write a name and a number, such as cost=900000."
            )
            raise UsageError(message) from wrong
    return found


class LakeMoment(NamedTuple):
    """A moment of a lake in both of its times; empty: the head, now."""

    known_at: dt.datetime | None = None
    effective_at: dt.datetime | None = None

    def __bool__(self) -> bool:
        """Whether any of the two is stated."""
        return self.known_at is not None or self.effective_at is not None


JSON = inspect.Parameter(
    "as_json",
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ],
)
"""Option of every command that answers; `command_output.begin` reads it."""


class CommandGroup(typer.Typer):
    """Group whose commands answer in JSON when asked, and may take records of options.

    Parameters
    ----------
    name, help
        As `medhavi --help` says them.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(no_args_is_help=True, rich_markup_mode=None, **more)

    def command(  # type: ignore[override]
        self, name: str, *, answers: bool = True, **more: Any
    ) -> Callable[[Callable[..., Any]], None]:
        """Add a command; a parameter that is a record stands for its fields."""
        add = super().command(name, **more)

        def adding(function: Callable[..., Any]) -> None:
            add(spread(function, (JSON,) if answers else ()))

        return adding


def options_of(of: Callable[..., object]) -> list[inspect.Parameter]:
    """Parameters of a function or record with their types and options."""
    hints = get_type_hints(of, include_extras=True)
    return [
        one.replace(annotation=hints[one.name])
        for one in inspect.signature(of).parameters.values()
    ]


def spread(
    function: Callable[..., Any], ignored: tuple[inspect.Parameter, ...] = ()
) -> Callable[..., Any]:
    """Function that takes the fields of its records in their place.

    Parameters
    ----------
    ignored
        What it takes too and does not hand on.
    """
    own = options_of(function)
    kinds: dict[str, Any] = {one.name: one.annotation for one in own}
    records = {
        name: (kind, options_of(kind))
        for name, kind in kinds.items()
        if hasattr(kind, "__dataclass_fields__")
    }

    @functools.wraps(function)
    def run(**given: Any) -> Any:
        for one in ignored:
            del given[one.name]
        made = {
            name: record(**{one.name: given.pop(one.name) for one in fields})
            for name, (record, fields) in records.items()
        }
        return function(**given, **made)

    taken = [one for each in own for one in records.get(each.name, (None, [each]))[1]]
    return signed(run, [*taken, *ignored])


def signed(
    run: Callable[..., Any], parameters: list[inspect.Parameter]
) -> Callable[..., Any]:
    """Function that says that these are its parameters."""
    stated = [one.replace(kind=JSON.kind) for one in parameters]
    run.__signature__ = inspect.Signature(stated)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


Words = Annotated[list[str] | None, typer.Argument(hidden=True)]

LATER = {
    "ingest": "reading documents and files into the event store",
    "forecast": "demand forecasts",
    "mcp": "the MCP server",
}
EPILOG = f"Not built yet: {', '.join([*LATER, 'audit why'])}."
"""Line below the list of commands."""
ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}


def register_unavailable(app: CommandGroup) -> None:
    """Add the refusing commands."""
    for name, what in LATER.items():
        refusing(app, name, name, what)


def refusing(app: CommandGroup, name: str, full_name: str, what: str) -> None:
    """Add a command that refuses and says what is missing."""

    def refuse(words: Words = None) -> None:
        message = (
            f"medhavi {full_name} is not available: {what} is not built yet. "
            "`medhavi --help` lists what is."
        )
        raise NotAvailable(message)

    app.command(
        name,
        answers=False,
        help=f"Not built yet: {what}.",
        context_settings=ANYTHING,
        hidden=True,
    )(refuse)
