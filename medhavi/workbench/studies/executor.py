"""Where the runs of a study work: here, in processes, or on a Dask cluster.

A task is (function, argument) of what every worker can import and read; results come in
the order of the tasks. Interrupting ends the workers and keeps what is finished.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from medhavi.errors import EnvironmentFailure, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Task = TypeVar("Task")
Result = TypeVar("Result")
DASK = "dask://"


def execute(
    executor: str, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[Result]:
    """Run a function on every task.

    Parameters
    ----------
    executor
        "serial", "processes" (one a core) or "dask://host:port", whose workers have to
        see the same folders.
    function
        Importable by name, for it is sent to other processes.
    tasks
        Arguments, one a call.

    Yields
    ------
    Result
        In the order of the tasks.

    Raises
    ------
    UsageError
        Unknown executor.
    EnvironmentFailure
        The cluster cannot be reached, or Dask is not installed.
    """
    if executor == "serial" or len(tasks) < 2:
        return map(function, tasks)
    if executor == "processes":
        return _in_processes(function, tasks)
    if executor.startswith(DASK):
        return _on_cluster(executor.removeprefix(DASK), function, tasks)
    message = (
        f"Unknown executor {executor}; there are serial, processes and {DASK}host:port."
    )
    raise UsageError(message)


def _in_processes(
    function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[Result]:
    from joblib import Parallel, delayed

    workers = min(len(tasks), os.cpu_count() or 1)
    runner = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    yield from runner(delayed(function)(task) for task in tasks)


def _on_cluster(
    address: str, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[Result]:
    try:
        from distributed import Client
    except ImportError as error:
        message = (
            f"{DASK}{address} needs Dask, which is not installed: "
            "pip install 'medhavi[cluster]', or use executor processes."
        )
        raise EnvironmentFailure(message) from error
    try:
        client = Client(  # type: ignore[no-untyped-call]
            f"tcp://{address}", timeout="3s", set_as_default=False
        )
    except (OSError, ValueError) as error:
        message = (
            f"No Dask scheduler answers at {address}. Start one "
            "(`dask scheduler`, `dask worker`), or use executor processes."
        )
        raise EnvironmentFailure(message) from error
    with client:
        futures = client.map(function, tasks, pure=False)
        try:
            for future in futures:
                yield future.result()
        finally:
            client.cancel(futures)  # type: ignore[no-untyped-call]
