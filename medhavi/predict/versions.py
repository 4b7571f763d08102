"""Versions of predictors, as they are read from the tables of MLflow.

Looking up and loading needs no MLflow: it takes milliseconds where the import takes
three CPU seconds, writes nothing, and works in a folder that cannot be written.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from medhavi.errors import EnvironmentFailure

ARTIFACTS = "artifacts"
DATABASE = "mlflow.db"
PATIENCE_S = 5.0
"""Seconds that a locked store is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorVersion:
    """A version of a predictor: what it is called and what is known of it.

    `place` is the folder of its files, below that of its training run.
    """

    model: str
    version: str
    aliases: tuple[str, ...]
    trained_at: dt.datetime
    place: Path
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_promotable(self) -> bool:
        """Whether the gate let it through."""
        return self.tags.get("promotable") == "yes"


def unusable(database: Path, reason: str) -> EnvironmentFailure:
    """What is raised where a store cannot be used, with the way out."""
    return EnvironmentFailure(
        f"The predictor store {database} cannot be used ({reason}). Restore it "
        "from a backup, or move it away and run: medhavi train"
    )


def check(database: Path) -> None:
    """Refuse a file that SQLite cannot read whole; a missing or empty one is new.

    Raises
    ------
    EnvironmentFailure
        It is damaged, or was locked for `PATIENCE_S`.
    """
    if not database.is_file() or not database.stat().st_size:
        return
    try:
        with closing(_opened(database)) as file:
            (verdict,) = file.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise unusable(database, " ".join(str(verdict).split()))


def _opened(database: Path) -> sqlite3.Connection:
    address = f"{database.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE_S)


_DELETED = "Deleted_Internal"
"""Stage by which MLflow marks versions that somebody deleted."""
_VERSIONS = """
SELECT version.name, version.version, version.creation_time, version.source, run_id,
       experiments.artifact_location
FROM model_versions AS version
JOIN runs ON runs.run_uuid = version.run_id
JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE version.current_stage <> ?
"""


def read_versions(folder: Path) -> list[PredictorVersion]:
    """All versions of all predictors of a folder.

    Raises
    ------
    EnvironmentFailure
        The store cannot be read.
    """
    database = folder / DATABASE
    if not database.stat().st_size:
        return []
    check(database)
    try:
        with closing(_opened(database)) as file:
            return _versions(file, folder)
    except sqlite3.Error as error:
        raise unusable(database, str(error)) from error


def _versions(file: sqlite3.Connection, folder: Path) -> list[PredictorVersion]:
    aliases: dict[tuple[str, str], list[str]] = {}
    for name, version, alias in file.execute(
        "SELECT name, version, alias FROM registered_model_aliases ORDER BY alias"
    ):
        aliases.setdefault((name, str(version)), []).append(alias)
    tags: dict[tuple[str, str], dict[str, str]] = {}
    for name, version, key, value in file.execute(
        "SELECT name, version, key, value FROM model_version_tags"
    ):
        tags.setdefault((name, str(version)), {})[key] = value
    metrics: dict[str, dict[str, float]] = {}
    for run, key, figure in file.execute(
        "SELECT run_uuid, key, value FROM latest_metrics"
    ):
        metrics.setdefault(run, {})[key] = figure
    return [
        PredictorVersion(
            model=name,
            version=str(version),
            aliases=tuple(aliases.get((name, str(version)), ())),
            trained_at=dt.datetime.fromtimestamp(made / 1000, dt.UTC),
            place=_place(folder, source, root),
            tags=tags.get((name, str(version)), {}),
            metrics=metrics.get(run, {}),
        )
        for name, version, made, source, run, root in file.execute(
            _VERSIONS, (_DELETED,)
        )
    ]


def _place(folder: Path, source: str, root: str) -> Path:
    """Folder of a version's files; those below the artifacts move with the store."""
    if source.startswith(f"{root}/"):
        return folder / ARTIFACTS / source[len(root) + 1 :]
    return Path(url2pathname(urlsplit(source).path))
