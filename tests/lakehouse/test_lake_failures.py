"""Disk, folder, lake: one clear message, and the last good version stays."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medhavi.errors import EnvironmentFailure, NotAvailable
from medhavi.lakehouse.layout import environment
from tests.api import Lake
from tests.events.sample_events import samples
from tests.examples import some
from tests.lakehouse.lake_events import small_company, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api import MemoryStore

NOBODY = 65534


def bulk(count: int) -> MemoryStore:
    return store_of([(f"lane-{n}", samples([n])) for n in range(count)])


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Drop the right to write everywhere that root has, for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if before == 0:
            os.seteuid(before)


@pytest.fixture
def read_only_lake() -> Iterator[Path]:
    """A mirrored lake that this process may read and not write."""
    # pytest's own folders are closed to others; nobody must be able to walk here.
    folder = Path(tempfile.mkdtemp(prefix="medhavi-test-"))
    folder.chmod(0o755)
    lake = folder / "lake"
    Lake(lake).mirror(store_of(small_company()))
    for place in (lake, *lake.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        yield lake
    finally:
        for place in (lake, *lake.rglob("*")):
            if place.is_dir():
                place.chmod(0o755)
        shutil.rmtree(folder)


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Make every write beyond a file size fail, as a full disk or quota does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize(
    "name", some(["it's 100% für a#b?c", "my lake", "100% für uns", "a#b?c", "it's"], 1)
)
def test_the_folder_of_a_lake_may_have_any_usual_name(tmp_path, name):
    """Delta writes addresses with %20 and the like; readers need the paths."""
    company = store_of(small_company())
    plain, odd = Lake(tmp_path / "plain"), Lake(tmp_path / name)
    for lake in (plain, odd):
        lake.mirror(company)
        lake.refresh()
    assert odd.fingerprints() == plain.fingerprints()
    assert odd.snapshot().fingerprint == plain.snapshot().fingerprint
    asked = "SELECT count(*) AS events FROM bronze.events"
    assert odd.query(asked).equals(plain.query(asked))
    assert Lake(tmp_path / name).mirror(company).events == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {"plain", name}


@pytest.mark.parametrize("name", ["a[1]", "a|b", "a^b", "a%20b"])
def test_a_name_that_delta_cannot_keep_is_refused_before_anything_is_written(
    tmp_path, name
):
    with pytest.raises(EnvironmentFailure, match=r"in the name of a folder"):
        Lake(tmp_path / name).mirror(store_of(small_company()))
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_missing_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(EnvironmentFailure, match=r"no lake at .* medhavi mirror"):
        Lake(tmp_path / "nowhere").snapshot()


@pytest.mark.parametrize("verb", ["snapshot", "quarantine", "fingerprints", "refresh"])
def test_a_folder_that_is_no_lake_is_named(tmp_path, verb):
    with pytest.raises(EnvironmentFailure, match="is not a lake: it has no bronze"):
        getattr(Lake(tmp_path), verb)()


def test_a_file_is_no_lake(tmp_path):
    (tmp_path / "lake").write_text("x")
    with pytest.raises(EnvironmentFailure, match="not a lake"):
        Lake(tmp_path / "lake").mirror(bulk(1))


def test_an_object_store_is_not_built_yet():
    with pytest.raises(NotAvailable, match="not built yet"):
        Lake("s3://bucket/lake")


def test_a_read_only_lake_is_not_mirrored_and_stays_good(read_only_lake):
    store = store_of(small_company())
    store.append("lane-L1", samples([100]))
    with as_nobody():
        lake = Lake(read_only_lake)
        with pytest.raises(EnvironmentFailure, match="may not be written") as caught:
            lake.mirror(store)
        assert "\n" not in str(caught.value)
        assert lake.table("bronze.events").collect().height == 7


def test_a_read_only_lake_is_read_without_checkpoints(read_only_lake):
    with as_nobody():
        lake = Lake(read_only_lake)
        assert lake.snapshot()["stock"]["qty"].to_list() == [40.0]
        stock = lake.table("silver.stock").collect()
        assert stock["qty"].to_list() == [40.0]
        with pytest.raises(EnvironmentFailure, match="may not be written"):
            lake.refresh()
    assert Lake(read_only_lake).query("SELECT qty FROM silver.stock").item() == 40.0


def test_a_lake_that_cannot_be_made_is_one_message(read_only_lake):
    with (
        as_nobody(),
        pytest.raises(EnvironmentFailure, match="may not be written"),
    ):
        Lake(read_only_lake / "bronze" / "inner").mirror(bulk(1))


def test_a_full_disk_is_one_message_and_the_last_good_version_stays(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(bulk(50))
    more = bulk(20_000)
    with (
        files_no_larger_than(100_000),
        pytest.raises(EnvironmentFailure, match="disk is full") as caught,
    ):
        lake.mirror(more)
    assert "\n" not in str(caught.value)
    assert lake.table("bronze.events").collect().height == 50
    lake.mirror(more)
    assert lake.table("bronze.events").collect().height == 20_000


def test_a_full_disk_stops_a_refresh_and_a_read_goes_on(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(store_of(small_company()))
    with files_no_larger_than(200):
        with pytest.raises(EnvironmentFailure, match="disk is full"):
            lake.refresh()
        assert lake.snapshot()["stock"]["qty"].to_list() == [40.0]
    before = lake.fingerprints()
    lake.rebuild()
    assert lake.fingerprints() == before


def test_a_broken_log_is_an_environment_failure(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(bulk(5))
    for path in (tmp_path / "bronze" / "events" / "_delta_log").glob("*.json"):
        path.write_text("{ this is no log")
    with pytest.raises(EnvironmentFailure, match="Check the folder"):
        lake.snapshot()


def test_a_missing_data_file_is_an_environment_failure(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(bulk(5))
    for path in (tmp_path / "bronze" / "events").glob("*.parquet"):
        path.unlink()
    with pytest.raises(EnvironmentFailure, match="bronze events"):
        lake.snapshot()


def test_tables_that_were_only_begun_are_none_and_are_made_later(tmp_path):
    lake = Lake(tmp_path)
    for table in ("bronze/events", "bronze/quarantine", "gold/supplies"):
        (tmp_path / table / "_delta_log").mkdir(parents=True)
    with pytest.raises(EnvironmentFailure, match="is not a lake"):
        lake.snapshot()
    lake.mirror(store_of(small_company()))
    lake.refresh()
    assert lake.quarantine().is_empty()
    assert lake.query("SELECT count(*) FROM gold.supplies").item() == 0


def test_programmer_errors_are_not_blamed_on_the_disk(tmp_path):
    with pytest.raises(KeyError, match="qty"), environment("reading", tmp_path):
        _ = dict[str, int]()["qty"]


def test_a_failure_without_words_is_named_by_its_type(tmp_path):
    with (
        pytest.raises(EnvironmentFailure, match="TimeoutError"),
        environment("reading", tmp_path),
    ):
        raise TimeoutError
