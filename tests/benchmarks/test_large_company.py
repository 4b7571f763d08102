"""The benchmark of the large company reads its gates right; it runs on small tables."""

from __future__ import annotations

import pytest

from benchmarks import large_company
from benchmarks.instances import chain


@pytest.fixture
def row():
    return {
        "operations": 50_123,
        "late": 4,
        "seconds": 19.5,
        "tables": 3.25,
        "memory": 1.5,
        "check": "0 faults",
    }


def test_a_plan_in_time_misses_nothing(row):
    assert not large_company.missed("constrained", row)
    line = large_company.cells("constrained", row)
    assert line[0] == "constrained, effort light"
    assert line[1] == "50,123"
    assert line[4] == "3.25 s"
    assert "missed" not in " ".join(map(str, line))


@pytest.mark.parametrize(
    "worse", [{"seconds": 20.5}, {"memory": 2.1}, {"check": "1 faults"}]
)
def test_a_slow_or_large_or_wrong_plan_misses(row, worse):
    assert large_company.missed("mrp", row | worse)


def test_a_missed_gate_is_written_as_missed(row):
    line = large_company.cells("mrp", row | {"seconds": 20.5, "memory": 2.1})
    assert line[3] == "20.50 s (≤ 20), missed"
    assert line[5] == "2.10 GiB, missed"


def test_a_changed_order_has_its_own_gate(row):
    good = row | {"seconds": 0.4, "memory": 9.0, "check": "as planned anew"}
    assert not large_company.missed("one changed order", good)
    assert large_company.missed("one changed order", good | {"seconds": 0.6})
    assert large_company.missed("one changed order", good | {"check": "DIFFERS"})


def test_a_first_plan_is_measured_and_verified(tmp_path, monkeypatch):
    monkeypatch.setattr(large_company, "company", lambda _scale: chain(2))
    chain(6).to_folder(tmp_path)
    found = large_company.first_plan(str(tmp_path), "mrp")
    assert found["operations"] == 6
    assert found["check"] == "0 faults"
    assert found["seconds"] > 0
    assert found["tables"] > 0
    assert found["memory"] > 0
