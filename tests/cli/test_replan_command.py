"""`medhavi replan`: a plan is repaired after disruptions, and what moved is told."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi import Plan, Snapshot, apply, changes, verify

DOWN = {
    "kind": "resource_down",
    "resource": "FILLER",
    "start": "2026-03-11T00:00:00Z",
    "finish": "2026-03-14T00:00:00Z",
}


@pytest.fixture
def planned(medhavi, example, tmp_path):
    """Folder of a constrained plan of the example company."""
    out = tmp_path / "plan"
    words = ("--mode", "constrained", "--effort", "light", "--out", out)
    assert medhavi("plan", "--tables", example, *words).code == 0
    return out


def written(path, row):
    """File with one change."""
    cells = ", ".join(f'{name} = "{cell}"' for name, cell in row.items())
    path.write_text(f"change = [{{ {cells} }}]\n", "utf-8")
    return path


def filled(plan):
    """When orders of the filler begin."""
    return sorted(plan.supplies.filter(pl.col("source") == "FILL")["start"])


@pytest.mark.req("RPL-03", "RPL-12")
def test_what_a_broken_machine_was_to_do_moves_and_the_rest_stays(
    medhavi, example, planned, tmp_path
):
    stated = written(tmp_path / "down.toml", DOWN)
    words = (planned, stated, "--tables", example, "--out", tmp_path / "repaired")
    said = medhavi("replan", *words, "--json")
    assert said.code == 0, said.err
    before, after = Plan.from_folder(planned), Plan.from_folder(tmp_path / "repaired")
    snapshot = apply(Snapshot.from_folder(example), changes([DOWN]))
    assert verify(after, snapshot) == []
    assert min(filled(before)).date() == dt.date(2026, 3, 11)
    assert min(filled(after)).date() == dt.date(2026, 3, 10)
    assert set(after.fulfilment["status"]) == {"on_time"}
    assert filled(after)[1:] == filled(before)[1:]
    assert said.answer["run"]["settings"]["effort"] == "light"
    assert 0 < said.answer["stability"] < 1
    told = medhavi("replan", *words[:4])
    assert (told.code, "moved" in told.out) == (0, True)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 2, "write the disruptions as change = "),
        ('change = ["FILLER"]', 2, "write the disruptions as change = "),
        ("change = [", 2, "this is not a TOML file"),
        ('change = [{ kind = "earthquake" }]', 1, "earthquake"),
    ],
)
def test_a_file_of_nothing_is_refused(
    medhavi, example, planned, tmp_path, text, code, message
):
    stated = tmp_path / "down.toml"
    stated.write_text(text, "utf-8")
    said = medhavi("replan", planned, stated, "--tables", example)
    assert (said.code, message in said.err) == (code, True), said.err
    absent = medhavi("replan", planned, tmp_path / "none.toml", "--tables", example)
    assert (absent.code, "there is no such file" in absent.err) == (2, True)
