"""Past days asked again on what was known then, judged by what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.studies.hindsight import run_hindsight, write_hindsight
from tests.api import Lake
from tests.lakehouse.lake_events import day, event, store_of
from tests.made_folders import copied
from tests.past_orders import past_orders

if TYPE_CHECKING:
    from tests.api import Progress

STUDY = """
name = "h"
base = {{ lake = "lake" }}
executor = "serial"
[hindsight]
{own}
"""


@pytest.fixture
def shop(tmp_path):
    """A function that writes a study beside the lake of the shop, and runs it."""
    return study_in(tmp_path)


def study_in(folder):
    copied("past orders", mirrored, folder)

    def run(own: str = "", **choices: object):
        file = folder / "hindsight.toml"
        file.write_text(STUDY.format(own=own), "utf-8")
        return run_hindsight(file, cache=folder / "cache", **choices)

    return run


def mirrored(folder):
    lake = Lake(folder / "lake")
    lake.mirror(store_of(past_orders()))
    lake.refresh()


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """All days asked once; tests that share it only look."""
    return study_in(tmp_path_factory.mktemp("asked"))()


def rows(result):
    return {row["demand"]: row for row in result.report.lines.to_dicts()}


@pytest.mark.req("ATP-14")
def test_each_day_is_asked_on_what_was_known_when_it_began(asked):
    found = rows(asked)
    early, scarce = found["EARLY"], found["SCARCE"]
    assert (early["asked_at"], early["status"]) == (day(1), "promised")
    assert early["promise"] == day(5)
    # EARLY holds six of ten, so four are there; the others are bought in ten days.
    assert scarce["status"] == "promised_late"
    assert scarce["promise"] == day(12)
    assert scarce["suppliers"] == ["S"]


def test_what_happened_is_put_beside_it(asked):
    found = rows(asked)
    assert {name: row["outcome"] for name, row in found.items()} == {
        "EARLY": "delivered",
        "SCARCE": "delivered",
        "CHANGED": "changed",
        "GONE": "cancelled",
        "NEW": "unpromised",
        "LOST": "overdue",
        "AHEAD": "delivered",
    }
    assert found["NEW"]["status"] == "unknown"
    kept = {name: (row["met"], row["met_then"]) for name, row in found.items()}
    assert kept["EARLY"] == (True, True)
    assert kept["SCARCE"] == (True, False)
    assert kept["LOST"] == (False, None)
    assert kept["AHEAD"] == (None, None)
    assert (found["SCARCE"]["days_off"], found["SCARCE"]["days_off_then"]) == (-3, 3)


@pytest.mark.nightly
def test_no_day_is_asked_twice_and_the_answer_is_the_same(shop):
    first = shop()
    again = shop()
    assert (first.computed, again.computed, again.reused) == (5, 0, 5)
    assert again.report.lines.equals(first.report.lines)
    assert again.report.groups.equals(first.report.groups)


def test_only_the_days_that_are_wanted_are_asked(shop):
    assert list(rows(shop("start = 2026-01-08\nfinish = 2026-01-09"))) == [
        "CHANGED",
        "GONE",
        "NEW",
        "LOST",
    ]
    assert shop("every_days = 2").days == 3
    with pytest.raises(UsageError, match="No order was placed"):
        shop("start = 2027-01-01")


def test_what_was_not_recorded_by_then_is_not_known(shop, tmp_path):
    file = tmp_path / "early.toml"
    file.write_text(
        'name = "e"\nexecutor = "serial"\n'
        'base = { lake = "lake", known_at = "2026-01-13T00:00:00Z" }\n[hindsight]\n',
        "utf-8",
    )
    found = rows(run_hindsight(file, cache=tmp_path / "cache"))
    assert found["EARLY"]["met"] is True
    assert found["SCARCE"]["outcome"] == "open"


def test_a_day_with_a_bad_row_is_asked_without_that_row(tmp_path):
    broken = event(
        900,
        "SupplyTermDefined",
        occurred=day(2.1),
        supplier="S",
        product="NOBODY",
        location="DC",
        lead_time_days=1.0,
    )
    Lake(tmp_path / "lake").mirror(store_of([*past_orders(), broken]))
    file = tmp_path / "hindsight.toml"
    file.write_text(STUDY.format(own="finish = 2026-01-08"), "utf-8")
    said: list[Progress] = []
    result = run_hindsight(file, cache=tmp_path / "cache", observe=said.append)
    found = rows(result)
    assert found["SCARCE"]["status"] == "promised_late"
    # one row for an unknown product is held; the day is asked all the same
    assert found["CHANGED"]["status"] == "promised_late"
    assert not any("not asked" in str(one) for one in said)


def test_the_page_tells_names_and_needs_no_network(asked, shop, tmp_path):
    out = write_hindsight(asked, tmp_path / "out", "parquet")
    page = (out / "report.html").read_text("utf-8")
    assert "Corner shop" in page
    assert "Orchard" in page
    assert "Apple" in page
    assert "<script" not in page
    assert 'src="http' not in page
    # Equal input gives equal bytes.
    again = write_hindsight(shop(), tmp_path / "again", "parquet")
    assert (again / "report.html").read_bytes() == (out / "report.html").read_bytes()


def test_a_missing_file_or_lake_is_said(tmp_path):
    with pytest.raises(UsageError, match="no study file"):
        run_hindsight(tmp_path / "none.toml", cache=tmp_path)
    file = tmp_path / "hindsight.toml"
    file.write_text(STUDY.format(own=""), "utf-8")
    with pytest.raises(UsageError, match="is not there"):
        run_hindsight(file, cache=tmp_path)
