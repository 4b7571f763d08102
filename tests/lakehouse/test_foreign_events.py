"""Events of other writers: they stop nothing and are all accounted for."""

from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3
import uuid
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from kurrentdbclient import KurrentDBClient, NewEvent, StreamState

from medhavi.lakehouse.log.mirror import append, open_bronze
from tests.api import COLUMNS, KurrentStore, Lake, SqliteStore, arrow_schema
from tests.api import NewEvent as OwnEvent
from tests.kurrent_double.double_process import DoubleProcess
from tests.lakehouse.lake_events import small_company

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW, MANY = 300, 10_000
ODD_NAMES = ("A", "", "\x00", "a\x00b", "Ünï", "x" * 2_000, "-", "%00", "$x", "🏭")
ODD_INSTANTS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "2062-01-01T00:00:00Z",
    "2026-01-06T00:00:00",
    "yesterday",
    "",
)
ODD_VALUES = (
    *("1e300", "-1e300", "1e13", "9" * 400, "-0.0", "NaN", "Infinity", "1e400", "true"),
    *('"ten"', "null", "[]", "{}", '"\\ud800"', '"\\u0000"', '"' + "y" * 5_000 + '"'),
    *(json.dumps(text) for text in ODD_INSTANTS),
    "[" * 1_500 + "]" * 1_500,
    '{"a":' * 1_500 + "1" + "}" * 1_500,
)
KINDS = ("StockCounted", "StockMoved", "ProductDefined", "OrderPlaced", "LaneBlocked")
FIELDS = (
    "product",
    "location",
    "qty",
    "lot",
    "received_at",
    "uom",
    "valid_to",
    "lines",
)


def odd_document(draw: random.Random) -> bytes:
    """A payload or metadata that some writer might send."""
    if draw.random() < 0.1:
        return draw.randbytes(draw.randrange(60))
    parts = []
    for _ in range(draw.randrange(6)):
        field = draw.choice((*FIELDS, "occurredAt", "recordedAt", "actor"))
        plain = json.dumps(draw.choice((1, 2.5, "A", "DC", "2026-01-06T00:00:00Z")))
        parts.append(f'"{field}":{draw.choice((plain, draw.choice(ODD_VALUES)))}')
    text = "{" + ",".join(parts) + "}"
    return (text[:-1] if draw.random() < 0.05 else text).encode()


def foreign_events(count: int, seed: int) -> Iterator[tuple[str, NewEvent]]:
    """Streams and events of a careless writer."""
    draw = random.Random(seed)
    for number in range(count):
        stream = draw.choice(ODD_NAMES[4:])[:200] + str(draw.randrange(40))
        yield (
            f"odd{stream}",
            NewEvent(
                type=draw.choice((*KINDS, "image-taken", "x" * 1_500, "Ä\x00")),
                data=odd_document(draw),
                metadata=odd_document(draw),
                id=uuid.UUID(
                    int=draw.getrandbits(128) if number % 20 else number // 60
                ),
            ),
        )


def check(lake: Lake, written: int) -> None:
    """Everything mirrored or quarantined, and every reader comes to its end."""
    bronze = lake.table("bronze.events").collect()
    assert bronze.height == written
    assert len(bronze.rows()) == written
    held = lake.quarantine()
    assert len(held.rows()) == held.height
    snapshot = lake.snapshot()
    assert snapshot.settings.as_of < dt.datetime(2063, 1, 1, tzinfo=dt.UTC).timestamp()
    assert len([str(one) for one in snapshot.findings]) > 0
    for table in ("bronze.events", "bronze.quarantine", "silver.stock"):
        assert len(lake.query(f"SELECT * FROM {table}").rows()) >= 0
    before = dict(lake.fingerprints())
    lake.rebuild()
    assert dict(lake.fingerprints()) == before


def through_the_double(tmp_path: Path, count: int) -> None:
    with DoubleProcess() as double:
        store = KurrentStore(double.url)
        store.append_many(small_company())
        client = KurrentDBClient(double.url)
        for stream, odd in foreign_events(count, seed=21):
            client.append_to_stream(stream, events=odd, current_version=StreamState.ANY)
        with client.read_all() as every:
            written = sum(
                not event.type.startswith("$") and not event.stream_name.startswith("$")
                for event in every
            )
        client.close()
        assert written >= count // 2
        lake = Lake(tmp_path / "lake")
        assert lake.mirror(store, batch=1_000).events == written
        store.close()
        check(lake, written)


def odd_rows(count: int, seed: int) -> Iterator[tuple[Any, ...]]:
    """Rows as another program may write them into the file of a store."""
    draw = random.Random(seed)
    instants = (0, 2**62, -(2**62), 1_767_571_200_000_000, 253_402_300_800_000_000)
    for number in range(count):
        yield (
            draw.choice(ODD_NAMES) + str(number),
            draw.choice(ODD_NAMES),
            draw.choice((0, -1, 2**40)),
            f"{draw.choice(ODD_NAMES)}{number}",
            draw.choice((*KINDS, "\x00", "x" * 1_500)),
            draw.choice((1, 1, 0, -5, 2**31, 2**62)),
            draw.choice(instants),
            draw.choice(instants),
            draw.choice((None, *ODD_NAMES)),
            None,
            draw.choice(ODD_NAMES),
            odd_document(draw),
            odd_document(draw),
        )


def through_sqlite(tmp_path: Path, count: int) -> None:
    store = SqliteStore(tmp_path / "events.db")
    store.append_many(small_company())
    store.close()
    database = sqlite3.connect(tmp_path / "events.db")
    with database:
        database.executemany(
            "INSERT INTO events (stream, category, revision, event_id, type, "
            "schema_version, recorded_at, occurred_at, correlation_id, causation_id, "
            "actor, payload, metadata) VALUES "
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))",
            odd_rows(count, seed=22),
        )
    database.close()
    lake = Lake(tmp_path / "lake")
    assert lake.mirror(store, batch=3_000).events == count + 7
    assert lake.mirror(store).events == 0
    check(lake, count + 7)


@pytest.mark.req("ING-07")
def test_foreign_events_of_a_server_stop_nothing(tmp_path):
    through_the_double(tmp_path, FEW)


@pytest.mark.req("ING-07")
def test_foreign_rows_of_a_file_stop_nothing(tmp_path):
    through_sqlite(tmp_path, FEW)


@pytest.mark.nightly
def test_ten_thousand_foreign_events_stop_nothing(tmp_path):
    through_the_double(tmp_path / "server", MANY)
    through_sqlite(tmp_path / "file", MANY)


@pytest.mark.req("ING-07")
def test_a_lake_that_holds_instants_of_no_calendar_is_read(tmp_path):
    """Earlier versions mirrored year 0; bronze cannot be corrected."""
    store = SqliteStore(tmp_path / "events.db")
    store.append_many(small_company())
    lake = Lake(tmp_path / "lake")
    lake.mirror(store)
    before = lake.snapshot()
    rows = lake.table("bronze.events").sort("position").collect()
    odd = rows.tail(2).with_columns(
        position=pl.col("position") + 2,
        event_id=pl.format("{}-odd", "event_id"),
        occurred_at=pl.Series([-(2**60), 2**60]).cast(pl.Datetime("us", "UTC")),
    )
    append(
        open_bronze(tmp_path / "lake" / "bronze" / "events"),
        odd.select(COLUMNS).to_arrow().cast(arrow_schema()),
        odd["position"].max(),
    )
    again = Lake(tmp_path / "lake")
    assert again.quarantine()["reason"].to_list() == ["EVT008", "EVT008"]
    assert again.snapshot().as_of == before.as_of
    assert again.snapshot()["stock"].equals(before["stock"])
    check(again, 9)


@pytest.mark.req("ING-07")
@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('{"product":"A","location":"DC","qty":1e300}', "1e300 is beyond 1e+12"),
        ('{"product":"A","location":"DC","qty":1,"qty":2}', "'qty' stands there twice"),
        ('{"product":"A\\u0000","location":"DC","qty":1}', "NUL"),
        (
            '{"product":"A","location":"DC","qty":1,"expires_at":null,'  # noqa: ISC004
            '"received_at":"0001-01-01T00:00:00+14:00"}',
            "outside the years 1900 to 2199",
        ),
    ],
)
def test_what_no_plan_can_work_with_is_named_and_changes_nothing(
    tmp_path, payload, said
):
    store = SqliteStore(tmp_path / "events.db")
    store.append_many(small_company())
    odd = OwnEvent(
        event_id=str(uuid.UUID(int=99)), type="StockCounted", payload=payload
    )
    (position,) = store.append("stock-A,DC", [odd])
    lake = Lake(tmp_path / "lake")
    lake.mirror(store)
    (row,) = lake.quarantine().to_dicts()
    assert (row["position"], row["reason"]) == (position, "EVT007")
    assert said in row["detail"]
    assert lake.snapshot()["stock"]["qty"].to_list() == [40.0]


@pytest.mark.parametrize(
    "odd",
    [
        {"payload": '{"a":' + "[" * 5_000 + "]" * 5_000 + "}"},
        {"metadata": {"a": json.loads("[" * 100 + "]" * 100)}},
        {
            "occurred_at": dt.datetime(
                1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))
            )
        },
        {"recorded_at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)},
        {"actor": "a\x00"},
        {"actor": "\ud800"},
        {"correlation_id": "x" * 1_001},
    ],
)
def test_an_own_event_that_no_reader_can_follow_is_refused(odd):
    fields = {
        "event_id": str(uuid.UUID(int=1)),
        "type": "StockCounted",
        "payload": "{}",
    }
    with pytest.raises(ValueError, match="of type 'StockCounted'"):
        OwnEvent(**{**fields, **odd})
