"""The mirror: every event exactly once, from where it stopped, or a clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import CommitFailedError

from medhavi.errors import EnvironmentFailure
from medhavi.lakehouse.log.mirror import mirror, open_bronze
from tests.api import COLUMNS, Lake
from tests.events.sample_events import samples
from tests.lakehouse.lake_events import RowsOnly, rows_only, small_company, store_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api import MemoryStore, Progress


def orders(count: int, first: int = 0) -> list[Any]:
    return [("lane-L1", samples([number])) for number in range(first, first + count)]


@pytest.fixture
def store() -> MemoryStore:
    """Ten events, positions 1 to 10."""
    return store_of(orders(10))


def positions(path: Path) -> list[int]:
    return pl.read_delta(str(path))["position"].sort().to_list()


def test_bronze_has_exactly_the_columns_of_the_envelope(tmp_path, store):
    mirror(tmp_path, store)
    assert tuple(pl.read_delta(str(tmp_path)).columns) == COLUMNS


def test_bronze_holds_what_the_store_gives(tmp_path, store):
    mirror(tmp_path, store, batch=4)
    mirrored = pl.read_delta(str(tmp_path)).sort("position")
    kept = [tuple(getattr(e, name) for name in COLUMNS) for e in store.read_all()]
    assert mirrored.rows() == kept


@pytest.mark.req("ANA-02")
def test_a_second_run_adds_nothing(tmp_path, store):
    mirror(tmp_path, store)
    report = mirror(tmp_path, store)
    assert (report.events, report.commits, report.position) == (0, 0, 10)
    assert positions(tmp_path) == list(range(1, 11))


def test_a_later_run_adds_what_is_new(tmp_path, store):
    mirror(tmp_path, store)
    store.append_many(orders(5, first=10))
    assert mirror(tmp_path, store).events == 5
    assert positions(tmp_path) == list(range(1, 16))


def test_an_empty_store_makes_an_empty_table(tmp_path):
    assert mirror(tmp_path, store_of([])).position == 0
    assert positions(tmp_path) == []


def test_events_come_in_batches_of_one_commit_each(tmp_path, store):
    report = mirror(tmp_path, store, batch=4)
    assert (report.events, report.commits) == (10, 3)


def test_large_events_make_smaller_batches(tmp_path, monkeypatch, store):
    monkeypatch.setattr("medhavi.lakehouse.log.mirror._BATCH_BYTES", 1)
    assert mirror(tmp_path, store, batch=4).commits == 1 + 6


def test_positions_with_gaps_are_kept(tmp_path, store):
    kept = [e for e in store.read_all() if e.position % 3 == 0]
    assert mirror(tmp_path, rows_only(kept), batch=2).position == 9
    assert positions(tmp_path) == [3, 6, 9]


def test_a_cancelled_run_stops_between_batches_and_can_go_on(tmp_path, store):
    asked = iter([False, True])
    report = mirror(tmp_path, store, batch=4, cancelled=lambda: next(asked))
    assert report.cancelled
    assert positions(tmp_path) == [1, 2, 3, 4]
    mirror(tmp_path, store)
    assert positions(tmp_path) == list(range(1, 11))


def test_progress_is_told_after_each_commit(tmp_path, store):
    told: list[Progress] = []
    mirror(tmp_path, store, batch=5, observe=told.append)
    assert [(one.done, one.total) for one in told] == [(5, 10), (10, 10)]


def test_the_loser_of_a_commit_goes_on_from_the_winners_position(tmp_path, store):
    class Overtaken(RowsOnly):
        """While the first batch is read, another mirror takes all of the store."""

        def read_all(self, after=0, limit=None, **_chosen):
            if limit == 4 and after == 0:
                mirror(tmp_path, store)
            return super().read_all(after, limit)

    overtaken: Any = Overtaken(store.read_all())
    report = mirror(tmp_path, overtaken, batch=4)
    assert (report.events, report.position) == (0, 10)
    assert positions(tmp_path) == list(range(1, 11))


def test_a_restored_table_is_refused(tmp_path, store):
    mirror(tmp_path, store, batch=5)
    open_bronze(tmp_path).restore(1)
    with pytest.raises(EnvironmentFailure, match=r"position 10 .* its rows reach 5"):
        mirror(tmp_path, store)


def test_the_table_itself_refuses_to_be_overwritten(tmp_path, store):
    mirror(tmp_path, store)
    rows = pl.read_delta(str(tmp_path)).filter(pl.col("position") < 3)
    with pytest.raises(CommitFailedError, match="append-only"):
        write_deltalake(str(tmp_path), rows.to_arrow(), mode="overwrite")


def test_another_store_is_refused(tmp_path, store):
    mirror(tmp_path, store)
    with pytest.raises(EnvironmentFailure, match="mirrors another store"):
        mirror(tmp_path, store_of(orders(20, first=500)))


def test_a_store_that_lost_its_end_is_refused(tmp_path, store):
    mirror(tmp_path, store)
    with pytest.raises(EnvironmentFailure, match="the store has nothing"):
        mirror(tmp_path, store_of(orders(9)))


def test_many_commits_are_compacted_and_lose_nothing(tmp_path, monkeypatch, store):
    monkeypatch.setattr("medhavi.lakehouse.log.mirror._COMMITS_BETWEEN_COMPACTIONS", 4)
    report = mirror(tmp_path, store, batch=1)
    assert report.compacted
    assert len(open_bronze(tmp_path).file_uris()) <= 3
    assert positions(tmp_path) == list(range(1, 11))
    assert mirror(tmp_path, store).events == 0


def test_rows_and_arrow_give_the_same_table(tmp_path, store):
    mirror(tmp_path / "arrow", store)
    mirror(tmp_path / "rows", rows_only(store.read_all()))
    first = pl.read_delta(str(tmp_path / "arrow")).sort("position")
    assert first.equals(pl.read_delta(str(tmp_path / "rows")).sort("position"))


def test_a_lake_is_not_made_where_other_files_are(tmp_path, store):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(EnvironmentFailure, match=r"has 'thesis\.txt'"):
        Lake(tmp_path).mirror(store)


def test_a_report_says_how_far_it_came(tmp_path):
    report = Lake(tmp_path).mirror(store_of(small_company()))
    assert str(report) == "7 new events, up to position 7"
