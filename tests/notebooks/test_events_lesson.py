"""The lesson of events: what one late event changed, and what waits."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "n02_events_time_travel.py"
pytestmark = pytest.mark.notebook


@pytest.fixture
def values(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("loaded_n02", LESSON)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, found = module.app.run()
    with found["folder"]:
        yield found


def test_the_late_breakage_is_the_difference_of_two_snapshots_of_one_moment(values):
    assert values["late"]["type"] == "StockMoved"
    assert set(values["changed"]) == {"stock"}
    rows = values["changed"]["stock"]
    assert {row["was"]: row["qty"] for row in rows} == {"before": 40.0, "after": 30.0}


def test_the_log_is_asked_in_sql(values):
    kinds = dict(values["kinds"].rows())
    assert kinds["StockCounted"] == kinds["StokCounted"] == 1


def test_what_cannot_be_read_waits_and_stops_nothing(values):
    assert values["waiting"]["type"].to_list() == ["StokCounted"]
    assert values["left"]["qty"].to_list() == [30.0]
