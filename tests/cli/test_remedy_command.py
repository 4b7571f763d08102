"""The command `remedies`, as a person meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.results.plans.plan import Plan
from tests import factories
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """One demand that its supplier makes two days late."""
    snapshot = factories.snapshot(
        demands=[{"due": day(3)}], supply_terms=[{"lead_time_days": 5}]
    )
    folder = tmp_path / "tables"
    snapshot.to_folder(folder)
    return folder


@pytest.fixture
def made(medhavi, tables, tmp_path):
    out = tmp_path / "plan"
    words = ("plan", "--tables", tables, "--mode", "constrained", "--out", out)
    assert medhavi(*words).code == 0
    return out


def test_remedies_are_listed_and_noted_in_the_plan(medhavi, tables, made, tmp_path):
    out = tmp_path / "noted"
    said = medhavi("remedies", made, "--tables", tables, "--out", out, "--json")
    assert said.code == 0, said.err
    best = said.answer["remedies"][0]
    assert best["kind"] == "expedite"
    assert best["lateness_h"] == 0.0
    assert (best["price"], best["priced"]) == (0.0, False)
    noted = Plan.from_folder(out).causes.to_dicts()[0]
    assert noted["remedy"] == best["text"]


def test_a_folder_of_something_else_is_refused_and_stays(
    medhavi, tables, made, tmp_path
):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    said = medhavi("remedies", made, "--tables", tables, "--out", out)
    assert (said.code, "holds thesis.txt" in said.err) == (2, True)
    assert [one.name for one in out.iterdir()] == ["thesis.txt"]


def test_remedies_are_said_to_people(medhavi, tables, made):
    said = medhavi("remedies", made, "--tables", tables, "--demand", "D1")
    assert said.code == 0, said.err
    assert "2 d earlier" in " ".join(said.out.split())
    assert "not stated" in " ".join(said.out.split())


def test_a_plan_without_late_demands_needs_nothing(medhavi, tmp_path):
    folder, out = tmp_path / "tables", tmp_path / "plan"
    factories.snapshot(demands=[{"due": day(9)}], supply_terms=[{}]).to_folder(folder)
    medhavi("plan", "--tables", folder, "--mode", "constrained", "--out", out)
    said = medhavi("remedies", out, "--tables", folder)
    assert said.code == 0, said.err
    assert "No planned demand is late or short; no remedy is needed." in said.out


def test_what_cannot_be_tried_is_told(medhavi, tables, made, tmp_path):
    assert medhavi("remedies", made, "--tables", tables, "--demand", "D9").code == 2
    assert medhavi("remedies", made, "--tables", tables, "--tries", 0).code == 2
    assert medhavi("remedies", tmp_path / "no", "--tables", tables).code == 2
    plain = tmp_path / "mrp"
    medhavi("plan", "--tables", tables, "--out", plain)
    said = medhavi("remedies", plain, "--tables", tables)
    assert said.code == 2
    assert "constrained" in said.err
