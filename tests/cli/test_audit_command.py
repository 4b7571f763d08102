"""`medhavi audit verify`: what is wrong with a store, or that nothing is."""

from __future__ import annotations

import sqlite3

from tests.api import SqliteStore
from tests.events.sample_events import samples


def filled(place):
    store = SqliteStore(place)
    store.append("lane-A", samples(range(3)))
    store.close()
    return f"sqlite:///{place}"


def test_a_sound_store_ends_in_0(medhavi, tmp_path):
    said = medhavi("audit", "verify", "--from", filled(tmp_path / "events.db"))
    assert (said.code, "nothing is twice" in said.out) == (0, True)


def test_a_lost_event_ends_in_1_with_its_place(medhavi, tmp_path):
    url = filled(tmp_path / "events.db")
    with sqlite3.connect(tmp_path / "events.db") as database:
        database.execute("DELETE FROM events WHERE position = 2")
    database.close()
    said = medhavi("audit", "verify", "--from", url)
    assert said.code == 1
    assert "EVT011" in said.err
    assert "revision 2 where 1 is due" in said.err


def test_a_store_that_is_not_there_ends_in_4(medhavi, tmp_path):
    said = medhavi("audit", "verify", "--from", f"sqlite:///{tmp_path}/none.db")
    assert said.code == 4
    assert "none.db" in said.err
