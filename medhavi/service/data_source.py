"""Where the tables of a page come from, and whether what is decided there binds."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.views.words import say
from medhavi.workbench.files.table_files import holds_no_table
from medhavi.workbench.studies.scenario_list import read_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.scenarios import Scenario

TABLES_VARIABLE = "MEDHAVI_TABLES"
"""Variable of the folders and workbooks that pages may show, divided by `os.pathsep`.

The first one is shown where an address names none.
"""
DATE_FORMAT_VARIABLE = "MEDHAVI_DATE_FORMAT"
"""Variable of the order of written dates in files, beside ISO 8601 (DD.MM.YYYY)."""
MODE_VARIABLE = "MEDHAVI_MODE"
"""Variable of the planning mode of pages whose address names none."""
OWN_TABLES = "tables"
"""Folder that is served where nothing names any data; a page fills it."""
USUAL_MODE = "constrained"
"""That mode where the variable is not set: a plan that can be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Where the tables come from: a folder, or the lake of a workspace.

    Both are empty where nothing names one. `past`: as they were at a moment.
    `scenario`: with the changes of a what-if, as the text of an address
    (`ScenarioList.text`). Of neither anything that is decided can bind.
    """

    tables: str = ""
    lake: str = ""
    past: bool = False
    scenario: str = ""

    def __str__(self) -> str:
        """Name for the header of a page."""
        if self.tables:
            return Path(self.tables).name
        return Path(self.lake).absolute().parent.name if self.lake else "none"

    @property
    def is_empty(self) -> bool:
        """Whether it is a folder that waits for its first tables."""
        return bool(self.tables) and holds_no_table(self.tables)

    @property
    def unbound(self) -> str:
        """Sentence why nothing is decided here; empty: what is decided binds."""
        if self.past:
            return say("past_moment_shown")
        return say("scenario_shown", self.changed.name) if self.scenario else ""

    @property
    def changed(self) -> Scenario:
        """The scenario of the source."""
        return read_list(self.scenario).scenarios[0]

    @property
    def base(self) -> DataSource:
        """The source without its scenario."""
        return replace(self, scenario="")

    @property
    def in_force(self) -> DataSource:
        """The state that binds: of now, without a scenario."""
        return replace(self, past=False, scenario="")

    @property
    def option(self) -> str:
        """Option of a command that reads the same, from the folder of the server.

        A folder elsewhere has its name only: where it lies is nobody's business.

        >>> DataSource(tables="/srv/my tables").option
        " --tables 'my tables'"
        """
        named, given = ("tables", self.tables) if self.tables else ("lake", self.lake)
        if not given:
            return ""
        path, here = Path(given), Path.cwd()
        if path.is_absolute():
            inside = path.is_relative_to(here)
            path = path.relative_to(here) if inside else Path(path.name)
        return f" --{named} {shlex.quote(str(path))}"


def served_tables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Path of each folder or workbook that is served, by the name an address uses.

    Parameters
    ----------
    environment
        Variables; those of the process by default.

    Examples
    --------
    >>> served_tables({"MEDHAVI_TABLES": "/data/north:/data/south.xlsx"})
    {'north': '/data/north', 'south.xlsx': '/data/south.xlsx'}
    """
    variables = os.environ if environment is None else environment
    stated = variables.get(TABLES_VARIABLE) or ""
    paths = [stated] if Path(stated).exists() else stated.split(os.pathsep)
    served: dict[str, str] = {}
    for path in filter(None, paths):
        name = Path(path).name
        alike = sum(Path(other).name == name for other in served.values())
        served[f"{name}-{alike + 1}" if alike else name] = path
    return served


def served_mode() -> str:
    """Planning mode of pages whose address names none."""
    return os.environ.get(MODE_VARIABLE) or USUAL_MODE


def file_date_format() -> str | None:
    """Order of the dates in files that pages read; None: what settings state."""
    return os.environ.get(DATE_FORMAT_VARIABLE) or None


def choose_source(
    name: str | None = None, environment: Mapping[str, str] | None = None
) -> DataSource:
    """Source of the named tables, of the first that are served, else of the workspace.

    Parameters
    ----------
    name
        Name that an address asks for, one of `served_tables`. A path is no name: what
        a page reads is chosen where the server is started.
    environment
        Variables; those of the process by default.

    Raises
    ------
    UsageError
        No tables of that name are served, or nothing names any data.
    """
    from medhavi.workbench.workspace import current_workspace

    served = served_tables(environment)
    if name and name not in served:
        known = f" Served: {', '.join(served)}." if served else ""
        message = (
            f"No tables of the name {name!r} are served.{known} Start the server with "
            "`medhavi serve --tables FOLDER`; an address names the last part of the path."
        )
        raise UsageError(message)
    if served:
        return DataSource(tables=served[name or next(iter(served))])
    found = current_workspace()
    if found.lake is None:
        message = "The workspace names no lake. Set MEDHAVI_LAKE or run: medhavi demo"
        raise UsageError(message)
    return DataSource(lake=found.lake)


def moment_options(
    effective_at: dt.datetime | None, known_at: dt.datetime | None
) -> str:
    """Options of a command that looks back; nothing for the newest facts.

    >>> moment_options(None, dt.datetime(2026, 1, 5, 0, 25, tzinfo=dt.UTC))
    ' --known-at 2026-01-05T00:25:00Z'
    """
    asked = {"as-of": effective_at, "known-at": known_at}
    return "".join(
        f" --{name} {moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        for name, moment in asked.items()
        if moment is not None
    )
