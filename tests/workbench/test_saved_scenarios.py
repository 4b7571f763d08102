"""Scenarios that were planned: kept beside the data, a few, whole or not at all."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from medhavi.errors import UsageError
from tests.api import SavedScenario, scenarios_of


def scenario(name: str, change: float = 0.0) -> SavedScenario:
    """A scenario of that name, more demand in it."""
    rows = [{"name": name, "change": [{"kind": "demand_factor", "factor": 1.5}]}]
    text = json.dumps(rows, separators=(",", ":"))
    return SavedScenario(text=text, planned_at=1_790_000_000, change=change)


def names(kept):
    return [one.scenario.name for one in kept.read()]


def test_the_newest_stand_first_and_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr("medhavi.workbench.studies.scenario_list.MOST_KEPT", 2)
    kept = scenarios_of(tmp_path, "", tmp_path / "cache")
    assert kept.read() == ()
    for name in ("a", "b", "c"):
        kept.keep(scenario(name))
    assert names(kept) == ["c", "b"]
    kept.keep(scenario("b", change=5.0))
    assert (names(kept), kept.read()[0].change) == (["b", "c"], 5.0)
    kept.remove(scenario("b").text)
    assert names(kept) == ["c"]


def test_two_that_end_at_once_are_both_kept(tmp_path):
    kept = scenarios_of("", tmp_path / "tables", tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: kept.keep(scenario(f"{n:02}")), range(16)))
    assert sorted(names(kept)) == [f"{n:02}" for n in range(16)]
    other = scenarios_of("", tmp_path / "others", tmp_path / "cache")
    assert other.read() == ()


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        '[{"text": "", "planned_at": 1, "change": 0.0}]',
        '[{"text": "[{}]", "planned_at": 1, "change": 0.0}]',
    ],
)
def test_a_broken_file_is_told_not_overwritten_and_can_be_emptied(tmp_path, broken):
    file = tmp_path / ".scenarios.json"
    file.write_text(broken, "utf-8")
    kept = scenarios_of(tmp_path, "", tmp_path / "cache")
    for act in (kept.read, lambda: kept.keep(scenario("a"))):
        with pytest.raises(
            UsageError, match=r"scenarios\.json is no list of scenarios"
        ):
            act()
    assert file.read_text("utf-8") == broken
    kept.clear()
    kept.keep(scenario("a"))
    assert names(kept) == ["a"]
