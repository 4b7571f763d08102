"""A mirror in a process of its own, so that it can be killed.

Its processes import what they use and not tests.api, which loads all of Medhavi.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


def run_mirror(folder: str, database: str, started: str, batch: int) -> None:
    """Mirror a SQLite store; tell by a file when the work begins."""
    from medhavi.events.sqlite import SqliteStore
    from medhavi.lakehouse import Lake

    store = SqliteStore(database)
    Path(started).touch()
    Lake(folder).mirror(store, batch=batch)


def run_url_mirror(folder: str, url: str, started: str, batch: int) -> None:
    """Mirror the store of a URL; tell by a file when the work begins."""
    from medhavi.events.urls import open_store
    from medhavi.lakehouse import Lake

    store = open_store(url)
    store.head()
    Path(started).touch()
    Lake(folder).mirror(store, batch=batch)


def run_refresh(folder: str, _database: str, started: str, _batch: int) -> None:
    """Fold silver from nothing, over and over."""
    from medhavi.lakehouse import Lake

    lake = Lake(folder)
    Path(started).touch()
    while True:
        lake.rebuild()


def kill_mirrors(
    lake: Path,
    database: Path | str,
    chance: random.Random,
    *,
    kills: int,
    at_once: int = 1,
    batch: int = 4,
    longest: float = 0.4,
    work: Callable[[str, str, str, int], None] = run_mirror,
) -> int:
    """Start mirrors (or other work) over and over; kill each at a random moment.

    Returns
    -------
    int
        How many were killed while they worked; those that ended before do not count.
    """
    # A fork of a process that has loaded the libraries but never used them: quick, and
    # free of other people's threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "medhavi.lakehouse",
            "medhavi.events.sqlite",
            "adbc_driver_sqlite.dbapi",
            "deltalake",
            "pandas",
            __name__,
        ]
    )
    killed = 0
    for number in range(kills):
        marks = [lake.with_name(f"started-{number}-{i}") for i in range(at_once)]
        workers = [
            context.Process(
                target=work, args=(str(lake), str(database), str(mark), batch)
            )
            for mark in marks
        ]
        for worker in workers:
            worker.start()
        wait_for(marks)
        time.sleep(chance.uniform(0, longest))
        for worker in workers:
            if worker.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGKILL)
            worker.join()
            killed += worker.exitcode == -signal.SIGKILL
    return killed


def wait_for(marks: list[Path], seconds: float = 60.0) -> None:
    """Wait until all files are there."""
    end = time.monotonic() + seconds
    while not all(mark.exists() for mark in marks):
        if time.monotonic() > end:
            message = f"{marks} did not come within {seconds} s"
            raise TimeoutError(message)
        time.sleep(0.002)


def mirrored(lake: Path) -> list[int]:
    """Positions in bronze, sorted."""
    rows = pl.read_delta(str(lake / "bronze" / "events"))
    return rows["position"].sort().to_list()
