"""The registry of predictors: versions and aliases in MLflow, in one folder.

The store is an SQLite file, models are code (`serve`) plus one skops file: nothing is
pickled, nothing is sent anywhere. Two processes may train at once: opening and writing
hold a lock on the folder.

What bites in MLflow 3.17, measured: file stores are refused; telemetry is on unless
switched off before the import; importing costs three CPU seconds, and making the tables
of a new store two and a half; without stated requirements a model starts a process of
half a minute; setting the tracking address is global, so clients are told it instead; a
model that cannot be read is registered all the same, so it is read before it is kept.

MLflow reads a damaged file until some statement fails, waits half a minute for a locked
one, and keeps artifact places as absolute addresses, so that a moved folder loses its
models. All three are settled here, before MLflow is imported.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import tempfile
import threading
import warnings
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.predict.estimates import (
    NUMBERS,
    OUTPUTS,
    TEXTS,
    bundle_of,
    outputs,
    predictor_of,
)
from medhavi.predict.versions import (
    ARTIFACTS,
    DATABASE,
    PATIENCE_S,
    check,
    read_versions,
    unusable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from medhavi.predict.estimates import Predictor
    from medhavi.predict.versions import PredictorVersion


_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Columns of MLflow's tables that hold places of artifacts."""


@contextmanager
def named_failures(database: Path) -> Iterator[None]:
    """Turn every failure of the store into one of the environment.

    Raises
    ------
    EnvironmentFailure
        The file is damaged, locked, read-only, or MLflow cannot use it.
    """
    try:
        yield
    except _failures() as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise unusable(database, reason) from error


def _failures() -> tuple[type[Exception], ...]:
    """Exceptions by which MLflow and what it stands on report a store."""
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError


def bring_home(database: Path) -> None:
    """Point the places of artifacts at this folder, where it was moved or copied.

    Only places below a folder `artifacts` are touched: those that the registry made.
    """
    home = (database.parent / ARTIFACTS).resolve().as_uri()
    with closing(sqlite3.connect(database, timeout=PATIENCE_S)) as file, file:
        known = file.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        if ("experiments",) not in known:
            return
        roots = file.execute(
            "SELECT DISTINCT artifact_location FROM experiments "
            "WHERE artifact_location LIKE ? AND artifact_location <> ?",
            (f"%/{ARTIFACTS}", home),
        ).fetchall()
        for (root,) in roots:
            for table, column in _PLACES:
                file.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR {column} LIKE ? || '/%'",
                    (home, len(root) + 1, root, root),
                )


CHAMPION = "champion"
CHALLENGER = "challenger"
_TRUSTED = frozenset(
    {
        "functools.partial",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils.validation.check_array",
    }
)
"""Types beyond those that skops trusts which a predictor may hold."""
_CODE = "from medhavi.predict.registry import serve\n\nserve()\n"
_BUNDLE = "bundle.skops"
_LONGEST = 500
"""Characters of a parameter's text; MLflow refuses more than 6,000."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


@contextmanager
def quietly() -> Iterator[None]:
    """Keep MLflow's warnings and messages to itself; say plainly what fails.

    Filters of warnings belong to the process, so threads share one change of them: the
    first sets it, the last takes it back.
    """
    os.environ.update(_QUIET)
    with _SHARED_QUIET.lock:
        if not _SHARED_QUIET.users:
            _SHARED_QUIET.change = _silenced()
        _SHARED_QUIET.users += 1
    try:
        yield
    finally:
        with _SHARED_QUIET.lock:
            _SHARED_QUIET.users -= 1
            if not _SHARED_QUIET.users:
                _SHARED_QUIET.change.close()


def _silenced() -> ExitStack:
    """Silence MLflow until the stack is closed."""
    with ExitStack() as change:
        # MLflow puts filters of its own first: its warnings are recorded, not shown.
        change.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("ignore")
        # The import sets levels and filters of its own; ours come after it.
        import mlflow.pyfunc  # noqa: F401

        warnings.simplefilter("ignore")
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        return change.pop_all()


class _LogSilence:
    """Who in this process wants MLflow silent now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.change = ExitStack()


_SHARED_QUIET = _LogSilence()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes.

    Raises
    ------
    EnvironmentFailure
        The folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (folder / ".lock").open("w")
    except OSError as error:
        message = (
            f"{folder} cannot hold models: {error}. Set MEDHAVI_MODELS to another."
        )
        raise EnvironmentFailure(message) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class _OpenClient(NamedTuple):
    """A client of this process, the file it works on, and how often it was made."""

    client: Any
    inode: int
    generation: int


_OPENED: dict[Path, _OpenClient] = {}


@contextmanager
def store_in(folder: Path) -> Iterator[None]:
    """Work with MLflow on the store of a folder, without its noise.

    Raises
    ------
    EnvironmentFailure
        The store cannot be used; the text says why and what to do.
    """
    with quietly(), named_failures(folder / DATABASE):
        yield


def store_client(folder: Path) -> Any:
    """MLflow client of a folder; the store is made where there is none.

    A folder that was deleted under a running process gets a new store: MLflow keeps
    connections by the address, so the new file is spelled in another way. One that was
    moved or copied keeps its models.

    Raises
    ------
    EnvironmentFailure
        The folder cannot be written, or the store in it cannot be used.
    """
    database = (folder / DATABASE).resolve()
    with locked(folder):
        check(database)
    with locked(folder), store_in(folder):
        known = _OPENED.get(database)
        if known and database.exists() and database.stat().st_ino == known.inode:
            return known.client
        if database.exists():
            bring_home(database)
        generation = known.generation + 1 if known else 0
        from mlflow import MlflowClient

        spelled = f"{database.parent}/{'./' * generation}{database.name}"
        address = f"sqlite:///{spelled}"
        client = MlflowClient(tracking_uri=address, registry_uri=address)
        _OPENED[database] = _OpenClient(client, database.stat().st_ino, generation)
        return client


def batch_of(
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    moment: int,
) -> dict[str, list[Any]]:
    """Facts of a run as one batch: a hundred single calls take seconds.

    Parameters
    ----------
    moment
        Of the metrics [ms since 1970].
    """
    from mlflow.entities import Metric, Param, RunTag

    return {
        "metrics": [
            Metric(key, float(value), moment, 0)
            for key, value in sorted(metrics.items())
        ],
        "params": [
            Param(key, str(value)[:_LONGEST])
            for key, value in sorted(parameters.items())
        ],
        "tags": [RunTag(key, value) for key, value in sorted(tags.items())],
    }


class Registry:
    """Versions of predictors in a folder.

    Parameters
    ----------
    folder
        Made when something is registered; reading never makes it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def exists(self) -> bool:
        """Whether anything was ever registered here."""
        return (self.folder / DATABASE).is_file()

    def register(
        self,
        name: str,
        model: Predictor,
        sample: pl.DataFrame,
        *,
        run_id: str,
        tags: Mapping[str, str],
    ) -> PredictorVersion:
        """Keep a predictor as the next version of its name, alias challenger.

        Parameters
        ----------
        sample
            Rows on which the kept model must say what the given one says.
        run_id
            Of the training, see `workbench.tracking`.
        tags
            Facts of the version, as texts.

        Raises
        ------
        EnvironmentFailure
            It cannot be written, or says something else after reading.
        """
        client = store_client(self.folder)
        with (
            locked(self.folder),
            store_in(self.folder),
            tempfile.TemporaryDirectory() as place,
        ):
            kept = _save(model, Path(place))
            _check_same(model, _read(kept), sample)
            client.log_artifacts(run_id, str(kept), "model")
            _ensure_model(client, name)
            version = client.create_model_version(
                name,
                source=f"{client.get_run(run_id).info.artifact_uri}/model",
                run_id=run_id,
                tags=dict(tags),
            )
            client.set_registered_model_alias(name, CHALLENGER, version.version)
        return self.version(name, str(version.version))

    def versions(self, name: str | None = None) -> list[PredictorVersion]:
        """All versions, of one name or of all, by name, newest first.

        Raises
        ------
        EnvironmentFailure
            The store cannot be read.
        """
        found = read_versions(self.folder) if self.exists else []
        known = [each for each in found if name in (None, each.model)]
        return sorted(known, key=lambda each: (each.model, -int(each.version)))

    def version(self, name: str, version: str) -> PredictorVersion:
        """One version.

        Raises
        ------
        UsageError
            There is none of that name and number.
        """
        for each in self.versions(name):
            if each.version == version:
                return each
        known = ", ".join(sorted({each.model for each in self.versions()})) or "none"
        message = f"There is no version {version} of {name}. Registered are: {known}."
        raise UsageError(message)

    def under(self, name: str, alias: str) -> PredictorVersion | None:
        """Version that has an alias; None where none has."""
        for each in self.versions(name):
            if alias in each.aliases:
                return each
        return None

    def promote(self, name: str, version: str) -> None:
        """Make a version the champion of its name; it challenges nobody any more."""
        client = store_client(self.folder)
        with locked(self.folder), store_in(self.folder):
            client.set_registered_model_alias(name, CHAMPION, version)
            challenger = client.get_registered_model(name).aliases.get(CHALLENGER)
            if str(challenger) == version:
                client.delete_registered_model_alias(name, CHALLENGER)

    def load(self, name: str, version: str) -> Predictor:
        """Read a predictor.

        Raises
        ------
        EnvironmentFailure
            Its files are gone, damaged, or hold types that are not trusted.
        """
        return self.read(self.version(name, version))

    @staticmethod
    def read(version: PredictorVersion) -> Predictor:
        """Read the predictor of a version; see `load`."""
        return _read(version.place)


def serve() -> None:
    """Set the model that MLflow runs; called by the code that is kept with a model."""
    import mlflow
    import pandas as pd  # type: ignore[import-untyped]
    from mlflow.pyfunc.model import PythonModel

    class MlflowPredictor(PythonModel):
        """A predictor for MLflow: a frame of features in, a frame of answers out."""

        def load_context(self, context: Any) -> None:
            self.predictor, self.kind = _unpacked(Path(context.artifacts["bundle"]))

        def predict(
            self,
            context: Any,  # noqa: ARG002 - MLflow's signature
            model_input: Any,
            params: Any = None,  # noqa: ARG002 - MLflow's signature
        ) -> Any:
            import polars as pl

            rows = pl.DataFrame(
                {name: list(model_input[name]) for name in (*TEXTS, *NUMBERS)}
            )
            told = outputs(self.predictor, rows)
            return pd.DataFrame(told, columns=list(OUTPUTS[self.kind]))

    mlflow.models.set_model(MlflowPredictor())


def _save(model: Predictor, place: Path) -> Path:
    import mlflow.pyfunc
    import skops.io
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    code, bundle = place / "served_model.py", place / _BUNDLE
    code.write_text(_CODE, "utf-8")
    packed = bundle_of(model)
    skops.io.dump(packed, bundle)
    signature = ModelSignature(
        inputs=Schema(
            [
                *(ColSpec("string", name) for name in TEXTS),
                *(ColSpec("double", name) for name in NUMBERS),
            ]
        ),
        outputs=Schema([ColSpec("double", name) for name in OUTPUTS[packed["kind"]]]),
    )
    kept = place / "model"
    mlflow.pyfunc.save_model(
        str(kept),
        python_model=str(code),
        artifacts={"bundle": str(bundle)},
        signature=signature,
        pip_requirements=[
            f"{name}=={installed(name)}" for name in ("scikit-learn", "skops", "polars")
        ],
    )
    return kept


def _read(kept: Path) -> Predictor:
    """Read the bundle of a kept model; MLflow itself is not needed for that."""
    found = sorted((kept / "artifacts").glob(_BUNDLE)) if kept.is_dir() else []
    if not found:
        message = f"The files of the model at {kept} are gone; train again."
        raise EnvironmentFailure(message)
    return _unpacked(found[0])[0]


def _unpacked(path: Path) -> tuple[Predictor, str]:
    import skops.io

    try:
        foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - _TRUSTED)
        if not foreign:
            bundle = skops.io.load(path, trusted=sorted(_TRUSTED))
            return predictor_of(bundle), str(bundle["kind"])
    except Exception as error:
        message = f"{path} cannot be read as a predictor ({error}); train again."
        raise EnvironmentFailure(message) from error
    message = f"{path} holds types that are not trusted: {', '.join(foreign)}."
    raise EnvironmentFailure(message)


def _check_same(model: Predictor, again: Predictor, sample: pl.DataFrame) -> None:
    import numpy as np

    if not np.array_equal(outputs(model, sample), outputs(again, sample)):
        message = "The model says something else after reading it back; it is not kept."
        raise EnvironmentFailure(message)


def _ensure_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
