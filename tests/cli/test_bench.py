"""bench runs the benchmarks of the source tree and says which failed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def started(monkeypatch):
    """Programs that were started; none of them runs here."""
    names: list[str] = []
    outcome = SimpleNamespace(code=0)

    def run(command, **_options):
        names.append(command[-1].rsplit("/", 1)[-1])
        return SimpleNamespace(returncode=outcome.code)

    monkeypatch.setattr("subprocess.run", run)
    return SimpleNamespace(names=names, outcome=outcome)


def test_one_benchmark_runs_by_its_name(medhavi, started):
    said = medhavi("bench", "start", "--json")
    assert said.code == 0
    assert started.names == ["start.py"]
    assert said.answer == {
        "benchmarks": ["start"],
        "failed": [],
        "exit_code": 0,
        "findings": [],
        "finding_groups": [],
    }


def test_without_a_name_all_run_that_write_a_section(medhavi, started):
    medhavi("bench")
    assert "start.py" in started.names
    assert "performance_page.py" not in started.names


def test_a_missed_gate_is_told(medhavi, started):
    started.outcome.code = 1
    said = medhavi("bench", "start")
    assert said.code == 4
    assert "These benchmarks failed: start" in said.err


def test_an_unknown_name_is_answered_with_those_there_are(medhavi, started):
    said = medhavi("bench", "stat")
    assert said.code == 2
    assert "start" in said.err
