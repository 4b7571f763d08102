"""The audit finds what somebody changed behind the store's back."""

from __future__ import annotations

import sqlite3

import pytest

from medhavi.errors import EnvironmentFailure
from tests.api import JsonlStore, MemoryStore, NewEvent, SqliteStore, audit
from tests.events.sample_events import event_id, samples


@pytest.fixture
def changed(tmp_path):
    """A function that changes a store of six events by SQL and audits it."""

    def change(sql, *parameters):
        store = SqliteStore(tmp_path / "events.db")
        store.append("lane-A", samples(range(3)))
        store.append("lane-B", samples(range(3, 6)))
        store.close()
        with sqlite3.connect(store.path) as database:
            database.execute(sql, parameters)
        database.close()
        return audit(store)

    return change


def codes(findings):
    return [found.code for found in findings]


def test_a_sound_store_has_no_findings(changed):
    assert changed("SELECT 1") == []


def test_a_removed_event_is_a_gap_of_its_stream(changed):
    (found,) = changed("DELETE FROM events WHERE position = 2")
    assert found.code == "EVT011"
    assert found.row == 3
    assert "Stream lane-A: revision 2 where 1 is due" in found.message


def test_a_moved_event_is_a_gap_in_both_streams(changed):
    sql = "UPDATE events SET stream = 'lane-B', revision = 9 WHERE position = 2"
    findings = changed(sql)
    assert codes(findings) == ["EVT011"] * 3


def test_a_changed_category_is_found(changed):
    assert codes(changed("UPDATE events SET category = 'x' WHERE position = 4")) == [
        "EVT013"
    ]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("type", "Unheard", "EVT001"),
        ("schema_version", 7, "EVT002"),
        ("payload", "{", "EVT003"),
        ("payload", '{"x":1}', "EVT004"),
    ],
)
def test_a_payload_that_cannot_be_read_is_found(changed, column, value, code):
    (found,) = changed(f"UPDATE events SET {column} = ? WHERE position = 4", value)
    assert (found.code, found.row) == (code, 4)


class Shuffled(MemoryStore):
    """A store that gives every event twice and backwards."""

    def read_all(self, *arguments, **options):
        events = list(super().read_all(*arguments, **options))
        return iter([*events, *reversed(events)])


def test_positions_and_ids_are_checked_too():
    store = Shuffled()
    store.append("lane-A", samples(range(2)))
    assert codes(audit(store)) == [
        "EVT010",
        "EVT011",
        "EVT012",
        "EVT010",
        "EVT011",
        "EVT012",
    ]


def test_an_unknown_type_may_be_stored_and_is_told():
    store = MemoryStore()
    odd = NewEvent(event_id=event_id(0), type="Unheard", payload="{}")
    store.append("lane-A", [odd])
    assert codes(audit(store)) == ["EVT001"]


def test_bad_lines_of_a_file_are_told(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("{\n")
    assert codes(audit(JsonlStore(path))) == ["EVT006"]


def test_a_damaged_file_is_told_once_and_the_audit_ends(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    store.append_many([("lane-A", samples(range(500)))])
    store.close()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    assert set(codes(audit(store))) == {"EVT014"}


def test_a_store_that_fails_for_another_reason_is_no_finding(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("")
    store = JsonlStore(path)
    path.unlink()
    with pytest.raises(EnvironmentFailure, match="cannot be read"):
        audit(store)
