"""Several processes write to one SQLite store; some are killed in the middle."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from medhavi.errors import RevisionConflict
from tests.api import SqliteStore, audit
from tests.events.sample_events import sample

BATCH = 3

WRITER = """
import random, sys
from medhavi.events.sqlite import SqliteStore
from tests.events.sample_events import samples

path, writer = sys.argv[1], int(sys.argv[2])
store = SqliteStore(path)
chooser = random.Random(writer)
print("ready", flush=True)
number = writer * 1_000_000
while True:
    batch = samples(range(number, number + 3), correlation_id=f"{number}")
    store.append(f"lane-{chooser.randrange(5)}", batch)
    number += 3
"""

COUNTER = """
import sys
from medhavi.errors import RevisionConflict
from medhavi.events.sqlite import SqliteStore
from tests.events.sample_events import sample

path, writer, goal = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = SqliteStore(path)
done = number = 0
while done < goal:
    seen = list(store.read("commitments"))
    number += 1
    try:
        store.append(
            "commitments", [sample(writer * 1_000_000 + number)], len(seen) - 1
        )
        done += 1
    except RevisionConflict:
        pass
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.req("GEN-02")
@pytest.mark.parametrize("rounds", [2, pytest.param(4, marks=pytest.mark.nightly)])
def test_killed_writers_leave_no_gap_and_no_torn_batch(tmp_path, rounds):
    path = tmp_path / "events.db"
    chooser = random.Random(7)
    seen: list[int] = []
    for round_number in range(rounds):
        writers = [start(WRITER, path, 10 * round_number + n + 1) for n in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        reader = SqliteStore(path)
        for writer in writers:
            time.sleep(chooser.uniform(0.02, 0.15))
            # A tailing reader goes on after what it saw; it must not miss any.
            seen.extend(e.position for e in reader.read_all(seen[-1] if seen else 0))
            writer.kill()
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()
    store = SqliteStore(path)
    seen.extend(event.position for event in store.read_all(seen[-1]))
    events = list(store.read_all())
    assert seen == list(range(1, len(events) + 1))
    batches = Counter(event.correlation_id for event in events)
    assert set(batches.values()) == {BATCH}
    assert len(batches) > 3 * rounds
    assert audit(store) == []


def test_processes_that_expect_a_revision_never_write_on_what_they_did_not_read(
    tmp_path,
):
    path = tmp_path / "events.db"
    writers = [start(COUNTER, path, n + 1, 15) for n in range(3)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    store = SqliteStore(path)
    assert [e.revision for e in store.read("commitments")] == list(range(45))
    assert audit(store) == []


def test_processes_may_make_the_store_at_the_same_moment(tmp_path):
    path = tmp_path / "events.db"
    writers = [start(COUNTER, path, n + 1, 1) for n in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    with pytest.raises(RevisionConflict, match="is at revision 3"):
        SqliteStore(path).append("commitments", [sample(0)], 0)
