"""docs/performance.md: each benchmark renews its own section and no other."""

from __future__ import annotations

import gc

import pytest

from benchmarks import measure, performance_page


@pytest.fixture(autouse=True)
def short_loops(monkeypatch):
    """What is looked at is the page, not the speed of the machine.

    Each loop collects garbage before: what other tests left is not walked.
    """
    gc.freeze()
    monkeypatch.setattr(measure, "ARITHMETIC", 1_000)
    monkeypatch.setattr(measure, "OBJECTS", 1_000)


def test_sections_are_sorted_and_renewed_one_by_one(tmp_path, monkeypatch, capsys):
    page = tmp_path / "performance.md"
    monkeypatch.setattr(performance_page, "PAGE", page)
    performance_page.write_section("start", ("call", "CPU"), [("import", "1 ms")])
    performance_page.write_section("mirror", ("side",), [("bare",)], note="200 events.")
    performance_page.write_section("start", ("call", "CPU"), [("import", "2 ms")])
    text = page.read_text("utf-8")
    assert text.startswith("# Performance")
    assert text.index("## mirror") < text.index("## start")
    assert text.count("## start") == 1
    assert "| import | 2 ms |" in text
    assert "| import | 1 ms |" not in text
    assert "200 events." in text
    assert "| import | 2 ms |" in capsys.readouterr().out


def test_rows_that_were_not_measured_again_stay(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    monkeypatch.setattr(performance_page, "PAGE", page)
    columns, models = ("model", "late"), ("m1", "m2", "m3")
    all_of = [("m1", 4), ("m2", 9), ("gone", 1)]
    performance_page.write_section("models", columns, all_of)
    performance_page.write_section("models", columns, [("m2", 8)], of=models)
    performance_page.write_section("models", columns, [("m3", 5)], of=models)
    rows = [
        one for one in page.read_text("utf-8").splitlines() if one.startswith("| m")
    ]
    assert rows[-3:] == ["| m1 | 4 |", "| m2 | 8 |", "| m3 | 5 |"]
    assert "gone" not in page.read_text("utf-8")


def test_the_machine_has_no_name_on_the_page():
    import platform

    assert platform.node() not in performance_page.machine().split()
