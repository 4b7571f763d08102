"""Which lake and which event store are meant when nobody names them."""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from medhavi.errors import UsageError


class NoWorkspaceError(UsageError):
    """Nothing names a lake or a store."""


PROJECT_FILE = "medhavi.toml"
DEMO = Path("lakehouse") / "aurora-small"
"""Workspace that `medhavi demo` makes, below the folder where it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """URI of a lake and URL of a store; None where none is named."""

    lake: str | None
    store: str | None


def current_workspace(folder: Path | None = None) -> Workspace:
    """Find the workspace: environment, else medhavi.toml, else the demo's.

    Parameters
    ----------
    folder
        Where to look from; the current folder by default.

    Raises
    ------
    UsageError
        A medhavi.toml cannot be read.
    NoWorkspaceError
        Nothing names a lake or store.
    """
    lake, store = os.environ.get("MEDHAVI_LAKE"), os.environ.get("MEDHAVI_STORE")
    if lake or store:
        return Workspace(lake=lake or None, store=store or _beside(lake))
    start = (folder or Path.cwd()).resolve()
    for place in (start, *start.parents):
        if (place / PROJECT_FILE).is_file():
            return _from_file(place / PROJECT_FILE)
    demo = start / DEMO
    if (demo / "lake").is_dir():
        return Workspace(lake=str(demo / "lake"), store=f"sqlite:///{demo}/events.db")
    message = (
        "No workspace is named. Set MEDHAVI_LAKE and MEDHAVI_STORE, write them into a "
        f"{PROJECT_FILE} (lake = …, store = …), or run: medhavi demo"
    )
    raise NoWorkspaceError(message)


def store_of(lake: str) -> str | None:
    """Event store of a lake: the workspace's, else the one beside it."""
    with suppress(UsageError):
        workspace = current_workspace()
        if workspace.store is not None and workspace.lake == lake:
            return workspace.store
    return _beside(lake)


def _beside(lake: str | None) -> str | None:
    """Event store that lies beside a lake; None: there is none."""
    beside = Path(lake or "").absolute().parent / "events.db"
    return f"sqlite:///{beside}" if lake and beside.is_file() else None


def models_folder(lake: str | Path) -> Path:
    """Where the predictors of a lake are kept.

    MEDHAVI_MODELS, else: the demo's workspaces lie in lakehouse/, their models in
    models/ beside it, by the name of the workspace; any other lake has its models in
    models/ beside itself.

    Examples
    --------
    >>> models_folder("/data/lakehouse/aurora-small/lake").as_posix()
    '/data/models/aurora-small'
    >>> models_folder("/data/mine/lake").as_posix()
    '/data/mine/models'
    """
    stated = os.environ.get("MEDHAVI_MODELS")
    if stated:
        return Path(stated)
    workspace = Path(lake).absolute().parent
    if workspace.parent.name == DEMO.parent.name:
        return workspace.parent.parent / "models" / workspace.name
    return workspace / "models"


def _from_file(path: Path) -> Workspace:
    """Read a project file; relative places count from its folder."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise UsageError(message) from error
    unknown = sorted(set(document) - {"lake", "store"})
    if unknown:
        message = f"{path}: unknown key {unknown[0]!r}; there are lake and store."
        raise UsageError(message)
    lake, store = document.get("lake"), document.get("store")
    if lake is not None and "://" not in str(lake):
        lake = str(path.parent / str(lake))
    if store is not None:
        store = _rooted(str(store), path.parent)
    return Workspace(lake=lake, store=store)


def _rooted(url: str, folder: Path) -> str:
    """Store's URL with an absolute path.

    >>> _rooted("sqlite:///events.db", Path("/data"))
    'sqlite:////data/events.db'
    """
    for prefix in ("sqlite:///", "jsonl:"):
        path = url.removeprefix(prefix)
        if path != url:
            return f"{prefix}{folder / path}"
    return url
