"""The last good view of a desk is kept where a new one cannot be made (MAT-08)."""

from __future__ import annotations

import pytest

from medhavi.errors import MedhaviError
from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import small_company

WANTED = {
    "sales_order": "SO-7",
    "line": 1,
    "product": "A",
    "location": "DC",
    "qty": 30,
    "due": "2026-01-06T00:00:00Z",
}


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """A mirrored company: 100 of A ordered for March, 40 in stock, 30 on order."""
    SqliteStore(tmp_path / "events.db").append_many(small_company())
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


def hidden(bench: Workbench):
    """Take away the log of the events, as a disk that fails does."""
    log = bench.lake.path / "bronze" / "events" / "_delta_log"
    return log, log.with_name("_lost")


@pytest.mark.req("MAT-08", "ATP-25")
def test_the_last_good_view_answers_with_a_flag_until_a_new_one_can_be_made(bench):
    good = bench.desk.answer([WANTED])
    assert all(one.code != "PRM012" for one in good.findings)
    bench.mirror()
    log, lost = hidden(bench)
    log.rename(lost)
    stale = bench.desk.answer([WANTED])
    assert stale.promises == good.promises
    (flag,) = (one for one in stale.findings if one.code == "PRM012")
    assert flag.severity == "warning"
    assert "cannot be read" in flag.message
    lost.rename(log)
    again = bench.desk.answer([WANTED])
    assert all(one.code != "PRM012" for one in again.findings)
    assert again.promises == good.promises


@pytest.mark.req("MAT-08")
def test_what_is_committed_counts_on_the_last_good_view_too(bench):
    (promise,) = bench.promise([WANTED])
    bench.mirror()
    log, lost = hidden(bench)
    log.rename(lost)
    assert bench.commit(promise, approver="Ada").committed
    second = bench.promise([{**WANTED, "sales_order": "SO-8", "qty": 20}])[0]
    assert second.status != "promised"


@pytest.mark.req("MAT-08")
def test_without_a_last_view_the_failure_is_told(bench):
    log, lost = hidden(bench)
    log.rename(lost)
    with pytest.raises(MedhaviError):
        _ = bench.desk
