"""Commands that are not built yet: each refuses and says what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from medhavi.cli.command_group import CommandGroup
from medhavi.errors import NotAvailable

Words = Annotated[list[str] | None, typer.Argument(hidden=True)]

LATER = {
    "ingest": "reading documents and files into the event store",
    "replan": "repair after a disruption",
    "drift": "drift of models",
    "forecast": "demand forecasts",
    "mcp": "the MCP server",
}
EPILOG = f"Not built yet: {', '.join([*LATER, 'audit why'])}."
"""Line below the list of commands."""
ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: CommandGroup) -> None:
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
