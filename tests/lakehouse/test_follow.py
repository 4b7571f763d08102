"""Following a store: batch after batch, over restarts, until called off."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.errors import EnvironmentFailure
from medhavi.lakehouse.log.mirror import follow
from tests.api import KurrentStore, Lake, MemoryStore, SqliteStore, StoreUnreachable
from tests.events.sample_events import samples
from tests.kurrent_double.double_process import DoubleProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.lakehouse.log.mirror import MirrorReport
    from tests.api import Progress


class Following:
    """A follower in a thread; `stop` calls it off and gives its report."""

    def __init__(self, lake: Lake, store: Any, linger: float = 0.05) -> None:
        self.said: list[Progress] = []
        self.report: MirrorReport | None = None
        self._lake = lake
        self._store = store
        self._linger = linger
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        self.report = follow(
            partial(self._lake.mirror, self._store, self.said.append),
            self._store,
            cancelled=self._done.is_set,
            observe=self.said.append,
            linger=self._linger,
        )

    def stop(self) -> MirrorReport:
        self._done.set()
        self._thread.join(timeout=20)
        assert self.report is not None
        return self.report


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def rows(lake: Lake) -> int:
    try:
        return lake.table("bronze.events").collect().height
    except EnvironmentFailure:
        return 0


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_comes_later_is_mirrored_too(tmp_path, kind):
    store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "events.db")
    store.append("lane-A", samples(range(3)))
    lake = Lake(tmp_path / "lake")
    following = Following(lake, store)
    wait_until(lambda: rows(lake) == 3)
    store.append("lane-A", samples(range(3, 5)))
    wait_until(lambda: rows(lake) == 5)
    report = following.stop()
    assert (report.events, report.position, report.cancelled) == (5, 5, True)


def test_events_that_come_together_go_into_one_commit(tmp_path):
    store = MemoryStore()
    lake = Lake(tmp_path / "lake")
    following = Following(lake, store, linger=1.0)
    time.sleep(0.3)
    for number in range(5):
        store.append("lane-A", samples([number]))
    wait_until(lambda: rows(lake) == 5)
    assert following.stop().commits == 1


def test_a_server_that_comes_back_is_followed_again(tmp_path, monkeypatch):
    monkeypatch.setattr("medhavi.lakehouse.log.mirror._FIRST_BACKOFF", 0.2)
    with DoubleProcess(tmp_path / "double.log") as double:
        store = KurrentStore(double.url, patience=0.3)
        store.append("lane-A", samples(range(3)))
        lake = Lake(tmp_path / "lake")
        following = Following(lake, store)
        wait_until(lambda: rows(lake) == 3)
        double.kill()
        wait_until(lambda: any("Trying again" in one.phase for one in following.said))
        double.start()
        store.append("lane-A", samples(range(3, 6)))
        wait_until(lambda: rows(lake) == 6)
        double.order("drop too-slow")
        store.append("lane-A", samples([6]))
        wait_until(lambda: rows(lake) == 7)
        assert following.stop().events == 7
        revisions = lake.table("bronze.events").collect()["revision"]
        assert sorted(revisions) == list(range(7))
        store.close()


def test_a_store_that_never_answered_is_not_waited_for():
    def fails() -> MirrorReport:
        raise StoreUnreachable

    with pytest.raises(StoreUnreachable):
        follow(fails, MemoryStore(), cancelled=lambda: False)


def test_other_failures_end_it(tmp_path):
    store = MemoryStore()
    reports = iter([Lake(tmp_path / "lake").mirror(store)])
    store.append("lane-A", samples([0]))

    def breaks() -> MirrorReport:
        for report in reports:
            return report
        message = "the disk is full"
        raise EnvironmentFailure(message)

    with pytest.raises(EnvironmentFailure, match="the disk is full"):
        follow(breaks, store, cancelled=lambda: False, linger=0)
