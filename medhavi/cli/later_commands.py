"""Commands that are not built yet: each refuses and says what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from medhavi.errors import NotAvailable

Words = Annotated[list[str] | None, typer.Argument(hidden=True)]

LATER = {
    "ingest": "reading documents and files into the event store",
    "replan": "repair after a disruption",
    "drift": "drift of models",
    "forecast": "demand forecasts",
    "mcp": "the MCP server",
}
LATER_GROUPS = {
    "audit": {"verify": "the audit of events", "why": "the audit of events"},
}
EPILOG = f"Not built yet: {', '.join([*LATER, *LATER_GROUPS])}."
"""Line below the list of commands."""
ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the refusing commands."""
    for name, what in LATER.items():
        _add(app, name, name, what)
    for group_name, commands in LATER_GROUPS.items():
        group = typer.Typer(
            name=group_name, help="Not built yet.", rich_markup_mode=None
        )
        for name, what in commands.items():
            _add(group, name, f"{group_name} {name}", what)
        app.add_typer(group, hidden=True)


def _add(app: typer.Typer, name: str, full_name: str, what: str) -> None:
    def refuse(words: Words = None) -> None:
        message = (
            f"medhavi {full_name} is not available: {what} is not built yet. "
            "`medhavi --help` lists what is."
        )
        raise NotAvailable(message)

    app.command(
        name, help=f"Not built yet: {what}.", context_settings=ANYTHING, hidden=True
    )(refuse)
