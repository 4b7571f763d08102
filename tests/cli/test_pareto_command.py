"""The command `pareto`, and `plan --mode optimize`, as a person meets them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import highspy
import pytest

from medhavi.results.pareto_front import ParetoFront
from medhavi.results.plans.plan import Plan
from tests import factories
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Tables of one product with a clean and a dirty supplier."""
    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 10, "due": day(9), "price": 20}],
        supply_terms=[
            {"product": "A", "supplier": "X", "unit_price": 1, "co2_kg": 9.0},
            {"product": "A", "supplier": "Y", "unit_price": 2, "co2_kg": 1.0},
        ],
    )
    folder = tmp_path / "tables"
    snapshot.to_folder(folder)
    return folder


def test_a_front_is_written_with_its_plans(medhavi, tables, tmp_path):
    out = tmp_path / "front"
    said = medhavi(
        "pareto", "--tables", tables, "--points", 3, "--objectives", "cost,co2",
        "--out", out, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    front = ParetoFront.from_folder(out)
    assert said.answer["fingerprint"] == front.fingerprint
    assert len(said.answer["points"]) == front.points.height == len(front.plans)
    assert front.programs.height == 3
    assert front.points.height > 1


def test_a_folder_of_something_else_is_refused_before_the_search(
    medhavi, tables, tmp_path
):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    said = medhavi("pareto", "--tables", tables, "--out", tmp_path / "mine")
    assert (said.code, "holds thesis.txt" in said.err) == (2, True)
    assert "solve programs" not in said.err


def test_the_points_are_said_to_people(medhavi, tables):
    said = medhavi("pareto", "--tables", tables, "--points", 2)
    assert said.code == 0, said.err
    assert "in cost, lateness, co2, inventory, guided by" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--objectives", "beauty,cost"), "Unknown objective beauty"),
        (("--points", "1"), "must be a whole number of at least 2"),
    ],
)
def test_what_cannot_be_traded_is_a_usage_error(medhavi, tables, words, message):
    said = medhavi("pareto", "--tables", tables, *words)
    assert said.code == 2
    assert message in said.err


def test_a_best_plan_is_written_and_read_back(medhavi, tables, tmp_path):
    out = tmp_path / "plan"
    said = medhavi("plan", "--tables", tables, "--mode", "optimize", "--out", out)
    assert said.code == 0, said.err
    plan = Plan.from_folder(out)
    assert plan.run.mode == "optimize"
    assert plan.contributions.height > 0


def test_effort_is_that_of_the_plan_which_follows_the_program(medhavi, tables):
    words = ("plan", "--tables", tables, "--mode", "optimize", "--effort")
    said = medhavi(*words, "full", "--json")
    assert said.code == 0, said.err
    assert said.answer["run"]["settings"]["effort"] == "full"
    refused = medhavi(*words, "incremental")
    assert refused.code == 2
    assert "builds on a plan: give --baseline DIR" in refused.err


def test_a_front_replaces_an_earlier_one(medhavi, tables, tmp_path):
    out = tmp_path / "front"
    words = ("pareto", "--tables", tables, "--objectives", "cost,co2", "--out", out)
    assert medhavi(*words, "--points", 3, "--format", "csv").code == 0
    again = medhavi(*words, "--points", 2)
    assert again.code == 0, again.err
    assert len(ParetoFront.from_folder(out).plans) == 2
    assert not list(out.rglob("*.csv"))


def test_a_front_never_replaces_what_somebody_put_among_its_plans(
    medhavi, tables, tmp_path
):
    out = tmp_path / "front"
    (out / "plans" / "1").mkdir(parents=True)
    (out / "plans" / "1" / "thesis.txt").write_text("years of work", "utf-8")
    said = medhavi("pareto", "--tables", tables, "--points", 2, "--out", out)
    assert said.code == 2
    assert "thesis.txt, which is not part of such a result" in said.err
    assert (out / "plans" / "1" / "thesis.txt").exists()


def test_the_program_is_written_with_names_and_read_with_the_same_optimum(
    medhavi, tables, tmp_path
):
    """Named as planners name things; once more, and the bytes are the same."""
    model, again = tmp_path / "one.mps.gz", tmp_path / "two.mps.gz"
    said = medhavi(
        "plan", "--mode", "optimize", "--tables", tables, "--write-model", model,
        "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert f"program written to {model}" in said.err
    assert "budgets and stages" not in said.err
    same = medhavi(
        "plan", "--mode", "optimize", "--tables", tables, "--write-model", again,
        "--at-most", "co2=50",
    )  # fmt: skip
    assert "budgets and stages are no rows of it" in same.err
    assert model.read_bytes() == again.read_bytes()
    read = highspy.Highs()
    read.setOptionValue("output_flag", False)
    plain = tmp_path / "one.mps"
    plain.write_bytes(gzip.decompress(model.read_bytes()))
    read.readModel(str(plain))
    read.run()
    value = said.answer["run"]["program"]["value"]
    assert read.getInfo().objective_function_value == pytest.approx(value)
    columns, rows = list(read.getLp().col_names_), list(read.getLp().row_names_)
    assert any(one.startswith("orders:buy:X:A@L:2026-01-") for one in columns)
    assert any(one.startswith("short:") for one in columns)
    assert any(one.startswith("balance:A@L:2026-01-05T00:00:00") for one in rows)


def test_a_model_has_its_ending_and_a_mode_with_a_program(medhavi, tables, tmp_path):
    said = medhavi("plan", "--tables", tables, "--write-model", tmp_path / "one.mps.gz")
    assert said.code == 2
    assert "mode mrp has no program" in said.err
    said = medhavi(
        "plan", "--mode", "optimize", "--tables", tables, "--write-model",
        tmp_path / "one.lp",
    )  # fmt: skip
    assert said.code == 2
    assert "ends in .mps.gz" in said.err


def test_budgets_are_typed_and_a_conflict_is_said(medhavi, tables):
    asked = ("pareto", "--tables", tables, "--points", 2, "--objectives", "cost,co2")
    said = medhavi(*asked, "--at-most", "cost=15", "--at-most", "co2=50")
    assert said.code == 0, said.err
    said = medhavi(*asked, "--at-most", "cost=12", "--at-most", "co2=50")
    assert said.code == 1
    assert "Co2 at most 50 kg and cost at most 12 EUR cannot hold together" in said.err
    said = medhavi(*asked, "--at-most", "cost")
    assert said.code == 2
    assert "write a name and a number" in said.err
    said = medhavi(*asked, "--at-most", "cost=100", "--at-most", " cost = 50")
    assert said.code == 2
    assert "the budget of cost is stated twice, as cost=100 before" in said.err


@pytest.mark.req("OMO-14")
def test_a_plan_has_budgets_too(medhavi, tables, tmp_path):
    asked = ("plan", "--tables", tables, "--mode", "optimize", "--json")
    said = medhavi(*asked, "--at-most", "co2=50", "--out", tmp_path / "plan")
    assert said.code == 0, said.err
    (told,) = said.answer["run"]["budgets"]
    assert (told["name"], told["most"], told["kept"]) == ("co2", 50.0, True)
    assert told["value"] <= 50
    assert Plan.from_folder(tmp_path / "plan").run.budgets[0].kept
    said = medhavi(*asked, "--at-most", "cost=12", "--at-most", "co2=50")
    assert said.code == 0, said.err
    assert said.answer["run"]["program"]["status"] == "infeasible"
    assert "cannot hold together" in said.answer["run"]["program"]["conflict"]
    said = medhavi("plan", "--tables", tables, "--at-most", "co2=50")
    assert said.code == 2
    assert "mode mrp has no budgets; add --mode optimize" in said.err
