"""What all tests share: hypothesis profiles, public data, the browser."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each core has a worker already: a second thread of polars only takes turns with
    # the first, twice for every small frame. Set before polars is imported.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    if Coverage.current() is None:
        # Where numba is loaded small plans take the kernels that make compiled too.
        with suppress(ImportError):
            import numba  # noqa: F401

settings.register_profile(
    "fast",
    max_examples=25,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("fast"), max_examples=200)
settings.register_profile(
    "nightly", settings.get_profile("fast"), max_examples=5000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay to the end, out of collections of garbage."""
    gc.collect()
    gc.freeze()


class _Defects(logging.Handler):
    """Failures that the log of the server has in full, and nobody else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.failures: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note the failure of a record."""
        failure = record.exc_info[1] if record.exc_info else None
        if failure is not None:
            self.failures.append(failure)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Raise a defect that a page or a thread told as an answer, unless planted."""
    log, defects = logging.getLogger("medhavi"), _Defects()
    log.addHandler(defects)
    try:
        result = yield
    finally:
        log.removeHandler(defects)
    if defects.failures and item.get_closest_marker("defect") is None:
        raise defects.failures[0]
    return result


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of data that others published; it is not part of this repository."""
    place = os.environ.get("MEDHAVI_PUBLIC_DATA", "")
    if not place:
        pytest.skip("MEDHAVI_PUBLIC_DATA is not set: set it to the public data folder")
    folder = Path(place)
    if not folder.is_dir():
        pytest.skip(f"MEDHAVI_PUBLIC_DATA is {place}, which is not a folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium of this machine; tests never download one."""
    place = os.environ.get("CHROMIUM") or shutil.which("chromium")
    place = place or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if place is None:
        pytest.skip(
            "no Chromium: `apt-get install chromium`, or set CHROMIUM to its path"
        )
    return place


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, object], chromium: str
) -> dict[str, object]:
    """Start that Chromium without sandbox (containers) and without a GPU."""
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    }


@pytest.fixture(autouse=True, scope="session")
def _plans_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep plans of tests apart from those of earlier code: the cache of a session."""
    os.environ["MEDHAVI_CACHE"] = str(tmp_path_factory.mktemp("cache"))
