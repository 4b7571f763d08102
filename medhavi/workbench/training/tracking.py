"""Runs in MLflow: what was computed, with which numbers, and what came out.

The store is that of `predict.registry`, which alone knows MLflow's classes. A run may
have a parent, so that the runs of a study stand below it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medhavi.predict.registry import batch_of, locked, store_client, store_in
from medhavi.predict.versions import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


class Tracking:
    """Runs of one folder.

    Parameters
    ----------
    folder
        Where the store lies; made where there is none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client = store_client(folder)

    def record(  # noqa: PLR0913 - one keyword each
        self,
        experiment: str,
        name: str,
        *,
        parameters: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        tables: Mapping[str, pl.DataFrame] | None = None,
        parent: str | None = None,
    ) -> str:
        """Record a finished run, in one batch.

        Parameters
        ----------
        texts
            Files of the run: name to content.
        tables
            Parquet files of the run: name to rows.
        parent
            Run id above it.

        Returns
        -------
        str
            Run id.
        """
        stated = dict(tags or {})
        if parent is not None:
            stated["mlflow.parentRunId"] = parent
        with locked(self._folder), store_in(self._folder):
            run = self._client.create_run(self._experiment(experiment), run_name=name)
            run_id = str(run.info.run_id)
            self._client.log_batch(
                run_id,
                **batch_of(
                    parameters or {}, metrics or {}, stated, run.info.start_time
                ),
            )
            for file, text in sorted((texts or {}).items()):
                self._client.log_text(run_id, text, file)
            with tempfile.TemporaryDirectory() as place:
                for file, rows in sorted((tables or {}).items()):
                    rows.write_parquet(Path(place) / file)
                    self._client.log_artifact(run_id, str(Path(place) / file))
            self._client.set_terminated(run_id)
        return run_id

    def _experiment(self, name: str) -> str:
        found: Any = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        artifacts = (self._folder / ARTIFACTS).resolve().as_uri()
        return str(self._client.create_experiment(name, artifact_location=artifacts))
