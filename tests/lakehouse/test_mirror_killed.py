"""kill -9 anywhere in the mirror: every event exactly once."""

from __future__ import annotations

import random

import pytest

from tests.api import Lake, SqliteStore
from tests.events.sample_events import samples
from tests.examples import some
from tests.lakehouse.lake_events import small_company
from tests.lakehouse.mirror_processes import kill_mirrors, mirrored, run_refresh

EVENTS = 4_000


def filled(path, events: int = EVENTS) -> SqliteStore:
    store = SqliteStore(path)
    store.append_many([(f"lane-{n}", samples([n])) for n in range(events)])
    return store


@pytest.mark.parametrize("kills", some([4, 8, 32], 1))
@pytest.mark.req("TGT-11")
def test_many_kills_lose_and_double_nothing(tmp_path, kills):
    store = filled(tmp_path / "events.db")
    lake = tmp_path / "lake"
    killed = kill_mirrors(lake, store.path, random.Random(30), kills=kills)
    assert killed >= kills - 2
    done_under_fire = len(mirrored(lake))
    Lake(lake).mirror(store)
    assert mirrored(lake) == list(range(1, EVENTS + 1))
    assert done_under_fire < EVENTS, done_under_fire
    assert kills < 30 or done_under_fire > 100, done_under_fire


@pytest.mark.parametrize("kills", some([2, 4], 1))
def test_two_mirrors_killed_at_once_lose_and_double_nothing(tmp_path, kills):
    store = filled(tmp_path / "events.db")
    lake = tmp_path / "lake"
    Lake(lake).mirror(filled(tmp_path / "empty.db", 0))
    kill_mirrors(lake, store.path, random.Random(2), kills=kills, at_once=2)
    Lake(lake).mirror(store)
    assert mirrored(lake) == list(range(1, EVENTS + 1))


@pytest.mark.parametrize("kills", some([3, 6], 1))
def test_a_killed_fold_leaves_whole_checkpoints_or_none(tmp_path, kills):
    store = filled(tmp_path / "events.db", 0)
    store.append_many(small_company())
    lake = Lake(tmp_path / "lake")
    lake.mirror(store)
    before, snapshot = lake.fingerprints(), lake.snapshot().fingerprint
    chance = random.Random(3)
    kill_mirrors(lake.path, store.path, chance, kills=kills, work=run_refresh)
    assert lake.snapshot().fingerprint == snapshot
    assert lake.fingerprints() == before


@pytest.mark.nightly
def test_hundreds_of_kills_of_contending_mirrors(tmp_path):
    events = 60_000
    store = filled(tmp_path / "events.db", events)
    lake = tmp_path / "lake"
    chance = random.Random(300)
    for at_once in (1, 2, 3):
        kill_mirrors(lake, store.path, chance, kills=100, at_once=at_once, longest=0.4)
    Lake(lake).mirror(store)
    assert mirrored(lake) == list(range(1, events + 1))
