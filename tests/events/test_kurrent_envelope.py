"""Whatever a writer put into metadata, an event is read and nothing of it is lost."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kurrentdbclient import RecordedEvent as ClientEvent

from medhavi.events.kurrent_store.server import recorded, row, to_kurrent
from tests.api import COLUMNS, rows_to_arrow
from tests.events.sample_events import NOON, sample

LATER = NOON + dt.timedelta(days=1)
KEYS = [
    "occurredAt",
    "recordedAt",
    "actor",
    "schemaVersion",
    "$correlationId",
    "$causationId",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
keys = st.sampled_from([*KEYS, "~actor", "~~actor", "~x"]) | st.text(max_size=9)
objects = st.dictionaries(keys, json_values, max_size=5)


def foreign(metadata: bytes = b"", **fields: Any) -> ClientEvent:
    given_fields = {
        "type": "SomethingElse",
        "data": b"{}",
        "content_type": "application/json",
        "stream_name": "other-1",
        "stream_position": 0,
        "commit_position": 226,
        "prepare_position": 226,
        "recorded_at": LATER,
    }
    return ClientEvent(id=uuid.uuid4(), metadata=metadata, **(given_fields | fields))


def read(metadata: dict[str, Any], **fields: Any):
    return recorded(foreign(json.dumps(metadata).encode(), **fields))


@given(metadata=objects)
def test_a_sender_finds_its_keys_again(metadata):
    event = sample(
        1, metadata=metadata, actor="me", correlation_id="", recorded_at=LATER
    )
    sent = to_kurrent(event)
    found = recorded(foreign(sent.metadata, data=sent.data))
    assert found.metadata == event.metadata_text
    assert (found.actor, found.correlation_id, found.causation_id) == ("me", "", None)
    assert (found.occurred_at, found.recorded_at) == (event.occurred_at, LATER)


@given(metadata=st.binary(max_size=60) | objects.map(lambda d: json.dumps(d).encode()))
def test_any_metadata_gives_a_row_that_bronze_can_hold(metadata):
    event = foreign(metadata)
    found = recorded(event)
    assert isinstance(json.loads(found.metadata), dict)
    assert found.actor
    assert found.schema_version >= 1
    table = rows_to_arrow([row(event)])
    assert table.to_pylist()[0] == {name: getattr(found, name) for name in COLUMNS}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("occurredAt", "yesterday"),
        ("occurredAt", "2026-03-02T12:00:00"),
        ("occurredAt", 7),
        ("actor", ""),
        ("actor", {"name": "Ann"}),
        ("schemaVersion", 0),
        ("schemaVersion", "two"),
        ("schemaVersion", 2**40),
        ("schemaVersion", True),
        ("$correlationId", 5),
    ],
)
def test_a_value_that_cannot_be_meant_stays_in_the_metadata(key, value):
    found = read({key: value})
    assert json.loads(found.metadata) == {key: value}
    assert (found.occurred_at, found.actor, found.schema_version) == (
        LATER,
        "unknown",
        1,
    )
    assert found.correlation_id is None


def test_values_of_other_writers_are_taken_where_they_fit():
    found = read(
        {
            "occurredAt": "2026-03-02T13:00:00+01:00",
            "schemaVersion": "2",
            "$correlationId": "c",
            "$causationId": "d",
            "tenant": 7,
        }
    )
    assert found.occurred_at == NOON
    assert found.occurred_at.tzinfo == dt.UTC
    assert (found.schema_version, found.correlation_id) == (2, "c")
    assert (found.causation_id, found.metadata) == ("d", '{"tenant":7}')


def test_a_payload_that_is_text_but_no_json_passes_as_it_is():
    assert recorded(foreign(data=b"<xml/>")).payload == "<xml/>"
    assert recorded(foreign(data=b"")).payload == ""


def test_metadata_that_is_no_object_is_wrapped():
    assert json.loads(recorded(foreign(b'"text"')).metadata) == {"base64": "InRleHQi"}


def test_an_event_without_recorded_time_is_as_old_as_can_be():
    assert recorded(foreign(recorded_at=None)).recorded_at.year == 1970
