"""The envelope: what is refused, how streams are named, how time is kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.events.envelope import record
from tests.api import (
    COLUMNS,
    MAX_PAYLOAD_BYTES,
    NewEvent,
    RecordedEvent,
    from_microseconds,
    parse_stream,
    stream_name,
    to_microseconds,
)
from tests.events.sample_events import NOON, event_id, sample

GOOD: dict[str, Any] = {"event_id": event_id(1), "type": "OrderPlaced", "payload": "{}"}
NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - what is refused

parts = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(parts, min_size=1, max_size=4).filter(lambda p: p != [""]))
def test_any_ids_make_a_stream_name_that_can_be_parsed(ids):
    assert parse_stream(stream_name("stock", *ids)) == ("stock", tuple(ids))


@given(st.lists(parts, min_size=1, max_size=3).filter(lambda p: p != [""]))
def test_the_id_in_a_stream_name_is_plain_ascii(ids):
    name = stream_name("stock", *ids)
    assert name.isascii()
    assert name.isprintable()
    assert " " not in name


def test_a_stream_may_be_a_category_alone():
    assert parse_stream(stream_name("commitments")) == ("commitments", ())


@pytest.mark.parametrize("category", ["", "Lane", "sales-order", "1a", "a b"])
def test_a_category_that_is_not_lower_snake_case_is_refused(category):
    with pytest.raises(ValueError, match="use lower snake case"):
        stream_name(category, "A")


def test_an_empty_id_is_refused():
    with pytest.raises(ValueError, match="the id is empty"):
        stream_name("lane", "")


@pytest.mark.parametrize("name", ["", "-A", "lane-", "Lane-A", "$all"])
def test_a_name_without_category_or_id_is_refused(name):
    with pytest.raises(ValueError, match="a name is <category>-<id>"):
        parse_stream(name)


@pytest.mark.req("ING-06")
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"event_id": "7"}, "must be a UUID in lower case"),
        ({"event_id": event_id(1).replace("-", "")}, "must be a UUID in lower case"),
        ({"event_id": "ABCDEF00-0000-0000-0000-000000000001"}, "UUID in lower case"),
        ({"type": "medhavi.events.OrderPlaced"}, "must be a registered name"),
        ({"type": ""}, "must be a registered name"),
        ({"schema_version": 0}, "schema_version must count from 1"),
        ({"actor": ""}, "actor is empty"),
        ({"occurred_at": NAIVE}, "occurred_at has no time zone"),
        ({"recorded_at": NAIVE}, "recorded_at has no time zone"),
        ({"payload": "{"}, "not a JSON object"),
        ({"payload": "[]"}, "not a JSON object"),
        ({"payload": '"text"'}, "not a JSON object"),
        ({"payload": ""}, "not a JSON object"),
        ({"payload": b'{"a":"\xff"}'}, "not a JSON object"),
        ({"payload": '{"a":"\ud800"}'}, "not a JSON object"),
        ({"payload": '{"a":tru}'}, "not a JSON object"),
        ({"payload": "{} {}"}, "not a JSON object"),
        ({"payload": "{}" + " " * MAX_PAYLOAD_BYTES}, "more than 10,000,000 bytes"),
    ],
)
def test_a_wrong_envelope_is_refused_with_the_reason(fields, problem):
    with pytest.raises(ValueError, match=problem):
        NewEvent(**(GOOD | fields))


def test_the_payload_may_be_bytes():
    assert NewEvent(**(GOOD | {"payload": b'{"a":1}'})).payload_text == '{"a":1}'


def test_metadata_is_json_with_sorted_keys():
    event = NewEvent(**GOOD, metadata={"b": 1, "a": [2]})
    assert event.metadata_text == '{"a":[2],"b":1}'
    assert NewEvent(**GOOD).metadata_text == "{}"


def test_a_recorded_event_has_exactly_the_columns_of_bronze():
    assert RecordedEvent.__struct_fields__ == COLUMNS


def test_what_is_absent_takes_the_stated_values():
    found = record(NewEvent(**GOOD), stream="lane-A", position=5, revision=0, now=NOON)
    assert (found.recorded_at, found.occurred_at) == (NOON, NOON)
    assert (found.actor, found.schema_version, found.metadata) == ("unknown", 1, "{}")
    assert found.content_type == "application/json"
    assert found.correlation_id is found.causation_id is None


def test_an_occurrence_keeps_its_own_time():
    found = record(sample(3), stream="lane-A", position=1, revision=0, now=NOON)
    assert found.occurred_at == NOON + dt.timedelta(minutes=3)
    assert found.recorded_at == NOON


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_microseconds_are_exact(instant):
    assert from_microseconds(to_microseconds(instant)) == instant
