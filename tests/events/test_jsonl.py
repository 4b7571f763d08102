"""Events in a text file: what only this store does."""

from __future__ import annotations

import json

import pytest

from medhavi.errors import EnvironmentFailure, NotAvailable
from tests.api import JsonlStore, MemoryStore, parse_stream
from tests.events.sample_events import NOON, event_id, sample, samples, to_line

LINE = {
    "stream": "lane-A",
    "event_id": event_id(1),
    "type": "SupplyOrderReleased",
    "payload": {"supply_order": "WO-1"},
    "occurred_at": "2026-03-02T12:00:00Z",
}


@pytest.fixture
def written(tmp_path):
    """A function that writes lines (objects or texts) and opens the file."""

    def write(*lines):
        path = tmp_path / "events.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return JsonlStore(path)

    return write


def test_a_line_by_hand_needs_five_columns(written):
    (event,) = written(LINE).read_all()
    assert (event.position, event.revision) == (1, 0)
    assert event.recorded_at == event.occurred_at == NOON
    assert json.loads(event.payload) == LINE["payload"]
    assert event.actor == "unknown"


def test_the_number_of_the_line_is_the_position(written):
    other = LINE | {"event_id": event_id(2)}
    store = written("", LINE, "  ", other)
    assert [e.position for e in store.read_all()] == [2, 4]
    assert [e.revision for e in store.read_all()] == [0, 1]
    assert store.head() == 4


@pytest.mark.req("ING-07")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "truncated"),
        ("hello", "malformed"),
        ("[]", "Expected `object`"),
        (LINE | {"stream": "-"}, "a name is <category>-<id>"),
        (LINE | {"event_id": "7"}, "must be a UUID"),
        (LINE | {"colour": "red"}, "unknown field `colour`"),
        (LINE | {"payload": [1]}, "not a JSON object"),
        (LINE | {"occurred_at": None}, "neither occurred_at nor recorded_at"),
        (LINE | {"occurred_at": "2026-03-02T12:00:00"}, "timezone"),
        (LINE | {"event_id": event_id(9)}, f"id {event_id(9)} is that of line 1"),
    ],
)
def test_a_line_that_is_no_event_is_left_out_and_told(written, line, reason):
    first, last = (LINE | {"event_id": event_id(n)} for n in (9, 10))
    store = written(first, line, last)
    assert [e.position for e in store.read_all()] == [1, 3]
    assert [e.revision for e in store.read_all()] == [0, 1]
    (bad,) = store.bad_lines()
    assert bad.line == 2
    assert bad.text == (line if isinstance(line, str) else json.dumps(line))
    (problem,) = store.problems()
    assert (problem.code, problem.row) == ("EVT006", 2)
    assert reason in problem.message


def test_bytes_that_are_no_text_are_told(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"stream":"\xff"}\n')
    (problem,) = JsonlStore(path).problems()
    assert problem.row == 1


def test_a_line_of_an_event_is_one_line(tmp_path):
    store = MemoryStore()
    pretty = sample(0, metadata={"note": "two\nlines"})
    store.append("lane-A", [pretty])
    (event,) = store.read_all()
    line = to_line(event)
    assert line.count("\n") == 1
    path = tmp_path / "events.jsonl"
    path.write_text(line, encoding="utf-8")
    assert list(JsonlStore(path).read_all()) == [event]


def test_the_file_may_grow_while_it_is_followed(written):
    store = written(LINE)
    events = store.subscribe()
    assert next(events).position == 1
    with store.path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(LINE | {"event_id": event_id(2)}) + "\n")
    assert next(events).position == 2


def test_a_file_is_read_only(written):
    store = written(LINE)
    with pytest.raises(NotAvailable, match="read only; append to sqlite"):
        store.append("lane-A", samples([2]))
    with pytest.raises(NotAvailable, match="read only; append to sqlite"):
        store.append_many([("lane-A", samples([2]))])
    assert store.head() == 1


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EnvironmentFailure, match="there is no file of events"):
        JsonlStore(tmp_path / "nowhere.jsonl")


def test_a_file_that_goes_away_is_one_clear_message(written):
    store = written(LINE)
    store.path.unlink()
    with pytest.raises(EnvironmentFailure, match="cannot be read"):
        list(store.read_all())


def test_every_stream_in_a_file_can_be_parsed(written):
    (event,) = written(LINE | {"stream": "stock-P%2C1,L"}).read_all()
    assert parse_stream(event.stream).parts == ("P,1", "L")
