"""Commands with --json, with shared records of options, and those not built yet."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from medhavi.errors import NotAvailable

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "replan": "repair after a disruption",
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
