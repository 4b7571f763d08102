"""Events that cannot be counted: kept, named, never in the way, replayable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from medhavi.events.event_types import catalog
from tests.api import Lake
from tests.lakehouse.lake_events import event, rows_only, store_of

if TYPE_CHECKING:
    from tests.api import RecordedEvent


def moved(number: int, qty: float) -> Any:
    return event(number, "StockMoved", product="A", location="DC", qty=qty)


def log_of(*batches: Any, **changes: dict[str, Any]) -> Any:
    """A store whose event at a position (`p2=…`) is changed as told."""
    events = list(store_of(batches).read_all())
    return rows_only(
        msgspec.structs.replace(e, **changes.get(f"p{e.position}", {})) for e in events
    )


def lake_of(tmp_path: Any, store: Any) -> Lake:
    lake = Lake(tmp_path)
    lake.mirror(store)
    return lake


@pytest.mark.req("ING-07")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "StockTeleported"}, "EVT001"),
        ({"schema_version": 9}, "EVT002"),
        ({"payload": "{"}, "EVT003"),
        ({"payload": '{"product":"A","location":"DC","qty":"ten"}'}, "EVT004"),
        ({"type": "OrderPlaced", "payload": '{"due_date":"2026-01-01"}'}, "EVT005"),
    ],
)
def test_what_cannot_be_read_waits_with_its_reason_and_blocks_nothing(
    tmp_path, change, reason
):
    store = log_of(moved(1, 5.0), moved(2, 7.0), moved(3, 2.0), p2=change)
    lake = lake_of(tmp_path, store)
    (row,) = lake.quarantine().to_dicts()
    assert (row["position"], row["code"], row["reason"]) == (2, "LAKE001", reason)
    assert row["event_id"] == store.kept[1].event_id
    assert row["payload"] == store.kept[1].payload
    assert lake.snapshot()["stock"]["qty"].to_list() == [7.0]
    assert lake.table("bronze.events").collect().height == 3


def test_a_snapshot_names_the_position_of_what_it_does_not_count(tmp_path):
    bad = {"payload": '{"product":"A","location":"DC","qty":"ten"}'}
    lake = lake_of(tmp_path, log_of(moved(1, 5.0), moved(2, 7.0), p2=bad))
    found = [f for f in lake.snapshot().findings if f.code == "LAKE001"]
    assert len(found) == 1
    assert "Event 2 (StockMoved)" in found[0].message
    assert "EVT004" in found[0].message


@pytest.mark.req("ING-04")
def test_an_event_that_came_twice_counts_once_and_is_found(tmp_path):
    first = event(1, "StockMoved", product="A", location="DC", qty=5.0)
    store = log_of(first, moved(2, 7.0))
    again: RecordedEvent = msgspec.structs.replace(
        store.kept[0], position=9, revision=2
    )
    lake = lake_of(tmp_path, rows_only([*store.kept, again]))
    assert lake.snapshot()["stock"]["qty"].to_list() == [12.0]
    (row,) = lake.quarantine().to_dicts()
    assert (row["position"], row["code"], row["detail"]) == (9, "LAKE002", "1")
    assert "LAKE002" in {found.code for found in lake.snapshot().findings}


def test_an_event_that_comes_again_later_is_still_seen_as_double(tmp_path):
    store = log_of(moved(1, 5.0), moved(2, 7.0))
    lake = lake_of(tmp_path, store)
    lake.refresh()
    again = msgspec.structs.replace(store.kept[0], position=9, revision=2)
    lake.mirror(rows_only([*store.kept, again]))
    assert lake.snapshot()["stock"]["qty"].to_list() == [12.0]


def test_an_upgrade_releases_what_waited_in_its_place_in_the_log(tmp_path, monkeypatch):
    counted = event(3, "StockCounted", product="A", location="DC", qty=100.0)
    later = {"schema_version": 2}
    lake = lake_of(tmp_path, log_of(moved(1, 5.0), moved(2, 7.0), counted, p2=later))
    lake.refresh()
    assert lake.snapshot()["stock"]["qty"].to_list() == [100.0]
    assert lake.quarantine().height == 1

    def as_one(kind: str, version: int, payload: str, *, is_plain: bool) -> Any:
        return catalog.decode(kind, 1, payload, is_plain=is_plain)

    monkeypatch.setattr("medhavi.lakehouse.log.log_reading.decode", as_one)
    report = lake.replay()
    assert (report.released, report.held) == ((2,), ())
    assert str(report) == "1 events are counted now, 0 stay in quarantine"
    assert lake.quarantine().is_empty()
    # It counts at its position, before the count that overrules it.
    assert lake.snapshot()["stock"]["qty"].to_list() == [100.0]


@pytest.mark.req("ING-02")
def test_an_event_of_an_old_version_is_lifted_and_counted(tmp_path):
    line = '{"demand":"D-1","product":"A","location":"DC","qty":2}'
    old = {
        "type": "OrderPlaced",
        "schema_version": 1,
        "payload": f'{{"sales_order":"SO-1","due_date":"2026-02-03","lines":[{line}]}}',
    }
    lake = lake_of(tmp_path, log_of(moved(1, 5.0), p1=old))
    (row,) = lake.snapshot()["demands"].to_dicts()
    assert f"{row['due']:%Y-%m-%d %H:%M:%S}" == "2026-02-03 23:59:59"
    assert lake.quarantine().is_empty()


def test_replay_without_a_repair_leaves_all_as_it_was(tmp_path):
    lake = lake_of(tmp_path, log_of(moved(1, 5.0), p1={"schema_version": 2}))
    before = lake.fingerprints()
    assert lake.replay().held == (1,)
    assert lake.fingerprints() == before


def test_replay_of_an_empty_quarantine_does_nothing(tmp_path):
    lake = lake_of(tmp_path, log_of(moved(1, 5.0)))
    assert lake.replay().released == ()


def test_the_quarantine_is_a_table_of_the_lake(tmp_path):
    lake = lake_of(tmp_path, log_of(moved(1, 5.0), p1={"type": "Nonsense"}))
    assert lake.table("bronze.quarantine").collect()["type"].to_list() == ["Nonsense"]
    assert lake.query("SELECT reason FROM quarantine").item() == "EVT001"
    assert (tmp_path / "bronze" / "quarantine" / "_delta_log").is_dir()
