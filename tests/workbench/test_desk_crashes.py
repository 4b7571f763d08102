"""Writers of other processes: they race, and they die at every point of a commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests import factories
from tests.api import PromiseDesk, SqliteStore
from tests.workbench.desk_writer import POINTS, request

ROOT = Path(__file__).parents[2]
HOUR = 3600
"""`hold_minutes` of the default policy."""


@pytest.fixture
def place(tmp_path):
    """A folder with a store and the tables: nothing but 40 pieces of A at L."""
    SqliteStore(tmp_path / "e.db").close()
    tables(40).to_folder(tmp_path / "tables")
    return tmp_path


def tables(pieces):
    return factories.snapshot(products=[{}], locations=[{}], stock=[{"qty": pieces}])


def desk(place, pieces=40):
    return PromiseDesk(SqliteStore(place / "e.db"), tables(pieces))


def free(of):
    return of.book.stages.material.line("A", "L").available(of.book.now)


def writer(place, name, count, *more):
    """Start a writer of its own process; it waits for a line before it begins."""
    words = [str(place / "e.db"), str(place / "tables"), name, str(count), *more]
    begun = subprocess.Popen(
        [sys.executable, "-m", "tests.workbench.desk_writer", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )
    assert begun.stdout.readline() == "ready\n"
    return begun


def go(begun):
    begun.stdin.write("go\n")
    begun.stdin.flush()


def killed_at(place, point, name):
    """Make a writer come to a point, and kill it there as the system would."""
    doomed = writer(place, name, 1, point)
    go(doomed)
    assert doomed.stdout.readline() == f"stopped {point}\n"
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.communicate(timeout=10)


def race(place, *more):
    """Four processes want 25 pieces each of ten."""
    tables(10).to_folder(place / "tables")
    writers = [writer(place, f"P{number}", 25, *more) for number in range(4)]
    for one in writers:
        go(one)
    told = [one.communicate(timeout=120)[0].split() for one in writers]
    return sum(int(words[-1]) for words in told)


@pytest.mark.req("CORE-16")
@pytest.mark.nightly
def test_four_processes_want_25_each_of_ten_pieces(place):
    assert race(place) == 10
    of = desk(place, 10)
    assert free(of) == 0
    assert of.snapshot["reservations"]["qty"].sum() == 10


@pytest.mark.nightly
@pytest.mark.req("CORE-16")
def test_four_processes_hold_first_and_commit_then(place):
    assert race(place, "held") == 10
    of = desk(place, 10)
    assert of.sweep(of.book.now + HOUR) == ()
    assert free(of) == 0


def died(place, points):
    """Kill a writer at each point; give what each acceptance needs to be there."""
    for number, point in enumerate(points):
        killed_at(place, point, f"P{number}")
    of = desk(place)
    accepted = points.count("after the commit")
    held = sum(
        point in {"after the hold", "before the commit", "in the commit"}
        for point in points
    )
    assert free(of) == 40 - accepted - held
    assert len(of.sweep(of.book.now + HOUR - 1)) == 0
    assert len(of.sweep(of.book.now + HOUR)) == held
    assert of.sweep(of.book.now + HOUR) == ()
    for each in (of, desk(place)):
        assert free(each) == 40 - accepted
        held_now = each.snapshot["reservations"]
        assert "tentative" not in held_now["state"].to_list()
    types = [event.type for event in SqliteStore(place / "e.db").read("commitments")]
    assert types.count("OrderPromised") == accepted
    assert types.count("ReservationExpired") == held
    (rest,) = of.quote([request("SO-1", 40 - accepted)])
    assert of.commit(rest, approver="Ada").committed


@pytest.mark.req("RES-09")
def test_writer_killed_with_a_hold_and_half_a_commit_leaves_the_hold_alone(place):
    died(place, ["in the commit"])


@pytest.mark.nightly
@pytest.mark.req("RES-09")
def test_thirty_writers_die_and_nothing_dangles_or_is_lost(place):
    died(place, list(islice(cycle(POINTS), 30)))
