"""Bronze from KurrentDB: the same rows, every event once, whatever is killed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import polars as pl
import pytest
from kurrentdbclient import KurrentDBClient, NewEvent, StreamState

from medhavi.errors import EnvironmentFailure
from tests.api import COLUMNS, KurrentStore, Lake, StoreUnreachable
from tests.events.sample_events import samples
from tests.examples import some
from tests.kurrent_double.double_process import DoubleProcess
from tests.lakehouse.lake_events import small_company, store_of
from tests.lakehouse.mirror_processes import kill_mirrors, mirrored, run_url_mirror

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


@pytest.fixture
def double(tmp_path):
    with DoubleProcess(tmp_path / "double.log") as process:
        yield process


@pytest.fixture
def store(double):
    store = KurrentStore(double.url)
    yield store
    store.close()


def test_bronze_holds_what_the_store_gives(tmp_path, store):
    store.append_many(small_company())
    lake = Lake(tmp_path / "lake")
    report = lake.mirror(store, batch=3)
    assert (report.events, report.commits) == (7, 3)
    rows = lake.table("bronze.events").sort("position").collect()
    kept = [tuple(getattr(e, name) for name in COLUMNS) for e in store.read_all()]
    assert rows.rows() == kept


def test_the_snapshot_is_that_of_the_same_events_in_any_store(tmp_path, store):
    store.append_many(small_company())

    def snapshot(name: str, source: object) -> Snapshot:
        lake = Lake(tmp_path / name)
        lake.mirror(source)
        return lake.snapshot()

    one = snapshot("one", store)
    assert one.fingerprint == snapshot("two", store_of(small_company())).fingerprint


def test_events_of_other_writers_wait_in_quarantine(tmp_path, double, store):
    store.append_many(small_company())
    client = KurrentDBClient(double.url)
    odd = NewEvent(
        type="image-taken",
        data=b"\x00\xff",
        metadata=b"\xfe",
        content_type="application/octet-stream",
    )
    client.append_to_stream("Camera 7", events=odd, current_version=StreamState.ANY)
    client.close()
    lake = Lake(tmp_path / "lake")
    assert lake.mirror(store).events == 8
    waiting = lake.quarantine()
    assert waiting["event_id"].to_list() == [str(odd.id)]
    assert waiting["stream"].to_list() == ["Camera 7"]
    assert lake.snapshot().tables["products"].height == 1


@pytest.mark.req("ANA-02")
def test_later_runs_go_on_also_after_one_single_event(tmp_path, store):
    lake = Lake(tmp_path / "lake")
    for number in range(4):
        store.append("lane-A", samples([number]))
        assert lake.mirror(store).events == 1
        assert lake.mirror(store).events == 0
    assert lake.table("bronze.events").collect().height == 4


def test_another_server_is_refused(tmp_path, store):
    store.append("lane-A", samples([0, 1]))
    lake = Lake(tmp_path / "lake")
    lake.mirror(store)
    with DoubleProcess() as other:
        stranger = KurrentStore(other.url)
        stranger.append("lane-A", samples([7, 8, 9]))
        with pytest.raises(EnvironmentFailure, match="mirrors another store"):
            lake.mirror(stranger)
        stranger.close()


def test_a_server_that_goes_away_leaves_whole_batches(tmp_path, double, store):
    store.append("lane-A", samples(range(20)))
    lake = Lake(tmp_path / "lake")

    def gone(text: str) -> None:
        double.kill()

    with pytest.raises(StoreUnreachable):
        lake.mirror(store, gone, batch=5)
    assert len(mirrored(lake.path)) == 5
    double.start()
    assert lake.mirror(store, batch=5).events == 15


@pytest.mark.parametrize("kills", some([2, 5], 1))
def test_killed_mirrors_lose_and_double_nothing(tmp_path, double, store, kills):
    events = 3_000
    store.append("lane-A", samples(range(events)))
    lake = tmp_path / "lake"
    killed = kill_mirrors(
        lake, double.url, random.Random(7), kills=kills, batch=8, work=run_url_mirror
    )
    assert killed == kills
    done_under_fire = len(mirrored(lake))
    assert 0 < done_under_fire < events
    Lake(lake).mirror(store)
    rows = pl.read_delta(str(lake / "bronze" / "events")).sort("position")
    assert rows["revision"].to_list() == list(range(events))


# ------------------------------------------------- transactions and deleted events
@pytest.mark.parametrize("batch", [1, 2, 50])
def test_events_of_one_transaction_are_all_mirrored(tmp_path, double, store, batch):
    """Old servers gave all events of an explicit transaction one commit position."""
    store.append("lane-L1", samples([1]))
    double.order("transaction note-N1 3")
    store.append("lane-L1", samples([2]))
    lake = Lake(tmp_path / "lake")
    assert lake.mirror(store, batch=batch).events == 5
    double.order("transaction note-N2 2")
    assert lake.mirror(store, batch=batch).events == 2
    assert lake.mirror(store, batch=batch).events == 0
    rows = lake.table("bronze.events").sort("position").collect()
    assert rows["position"].is_unique().all()
    assert rows["stream"].to_list() == [
        "lane-L1", *["note-N1"] * 3, "lane-L1", *["note-N2"] * 2
    ]  # fmt: skip
    assert rows["revision"].to_list() == [0, 0, 1, 2, 1, 0, 1]


def deleted(double: DoubleProcess, stream: str) -> None:
    client = KurrentDBClient(double.url)
    client.delete_stream(stream, current_version=StreamState.ANY)
    client.close()
    double.order("scavenge")


def test_a_lake_goes_on_when_its_last_event_was_scavenged(tmp_path, double, store):
    store.append("lane-L1", samples([1, 2]))
    store.append("lane-L2", samples([3]))
    lake = Lake(tmp_path / "lake")
    assert lake.mirror(store).events == 3
    deleted(double, "lane-L2")
    assert lake.mirror(store).events == 0
    store.append("lane-L3", samples([4]))
    assert lake.mirror(store).events == 1
    assert lake.mirror(store).events == 0
    assert lake.table("bronze.events").collect().height == 4


def test_another_or_shorter_store_is_still_refused(tmp_path, double, store):
    store.append("lane-L1", samples([1, 2]))
    lake = Lake(tmp_path / "lake")
    assert lake.mirror(store).events == 2
    with DoubleProcess() as other:
        second = KurrentStore(other.url)
        second.append("lane-L1", samples([1]))
        with pytest.raises(EnvironmentFailure, match="mirrors another store"):
            lake.mirror(second)
        second.append("lane-L9", samples(range(10, 40)))
        with pytest.raises(EnvironmentFailure, match="mirrors another store"):
            lake.mirror(second)
        second.close()
