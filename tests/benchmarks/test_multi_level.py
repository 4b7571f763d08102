"""Instances of several levels become tables, and judge the plans made of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.instances import START
from benchmarks.multi_level import generator, planned, solved_bare, stated
from benchmarks.multi_level_case.conversion import snapshot_of, without_whole
from benchmarks.multi_level_case.judgement import judged_values
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.multi_level import Case

WEIGHTS = {
    "late": 0.02,
    "short": 3.0,
    "hold": 0.002,
    "over": 20.0,
    "safety": 0.01,
    "co2": 0.05,
    "early": 0.0005,
}


def instance(due: int = 4) -> dict[str, Any]:
    """Six buckets; 1 finished takes 2 semi-finished, each of those 2 raw (half lost).

    Ten are wanted in a centre a bucket from the plant; raw comes after a bucket, 50 at
    least.
    """
    places = [(0, 0), (0, 1), (1, 0), (2, 0)]
    return {
        "T": 6,
        "P": 3,
        "G": 2,
        "D": 1,
        "PL": 1,
        "DC": 1,
        "nF": 1,
        "nS": 1,
        "early": 5,
        "grace": 15,
        "bom": {0: [(1, 2.0)], 1: [(2, 1.0)]},
        "val": np.array([20.0, 5.0, 2.0]),
        "need": np.array([10.0, 20.0, 20.0]),
        "R": {
            "p": np.array([0, 1]),
            "k": np.array([0, 0]),
            "g": np.array([0, 1]),
            "rho": np.array([1.0, 1.0]),
            "st": np.array([5.0, 0.0]),
            "sc": np.array([10.0, 0.0]),
            "lt": np.array([1, 1]),
            "cost": np.array([2.0, 1.0]),
            "co2": np.array([0.0, 2.0]),
            "setup": np.array([True, False]),
            "yld": np.array([1.0, 0.5]),
        },
        "L": {
            "o": np.array([0]),
            "d": np.array([0]),
            "lt": np.array([1]),
            "cost": np.array([0.5]),
            "co2": np.array([0.0]),
            "mode": np.array([0]),
        },
        "cut": np.ones((1, 6), bool),
        "O": {
            "ps": np.array([3]),
            "moq": np.array([50.0]),
            "lot": np.array([0.0]),
            "lt": np.array([1]),
            "cost": np.array([2.0]),
            "cap": np.array([100.0]),
        },
        "ps": places,
        "psi": {place: number for number, place in enumerate(places)},
        "psP": np.array([0, 0, 1, 2]),
        "psL": np.array([0, 1, 0, 0]),
        "cap": np.array([[40.0] * 6, [40.0, 40.0, 20.0, 40.0, 40.0, 40.0]]),
        "inv0": np.zeros(4),
        "ss": np.zeros(4),
        "firm": np.zeros((4, 6)),
        "dp": np.array([0]),
        "dl": np.array([0]),
        "qty": np.array([10.0]),
        "due": np.array([due]),
        "prio": np.array([2.0]),
        "full": np.array([True]),
    }


def test_buckets_are_days_that_end_at_midnight():
    tables = snapshot_of(instance(), WEIGHTS, np.array([60.0]))
    (demand,) = tables["demands"].to_dicts()
    assert demand["due"] == START + dt.timedelta(days=5)
    # Weights are 5, 2 and 1: 2 is the second priority. Late: 2 % of 20, by the weight.
    assert (demand["priority"], demand["late_cost_per_day"]) == (2, 0.8)
    assert (demand["short_cost"], demand["full_line"]) == (120.0, True)
    # Of six buckets one is left after that of the due date.
    assert demand["max_lateness_days"] == 1.0
    (term,) = tables["supply_terms"].to_dicts()
    assert (term["lead_time_days"], term["moq"]) == (2.0, 50.0)


def test_a_line_works_as_much_less_as_its_capacity_is_less():
    tables = snapshot_of(instance(), WEIGHTS, np.array([60.0]))
    # 40 units are seven hours, from noon on for what is semi-finished; 20 are half,
    # the later one: overtime is behind it.
    (less,) = tables["calendar_exceptions"].to_dicts()
    assert less["start"] == START + dt.timedelta(days=2, hours=12)
    assert less["finish"] == START + dt.timedelta(days=2, hours=15.5)
    finished, semi = tables["steps"].sort("routing").to_dicts()
    assert (finished["setup_minutes"], semi["run_minutes_per_unit"]) == (52.5, 10.5)
    line = tables["bom_lines"].filter(component="P0002").to_dicts()[0]
    assert (line["qty_per"], line["scrap"]) == (1.0, 0.5)


def test_without_whole_decisions_orders_have_no_size():
    tables = snapshot_of(without_whole(instance()), WEIGHTS, np.array([60.0]))
    assert tables["routings"]["fixed_cost"].sum() == 0
    assert tables["steps"]["setup_minutes"].sum() == 0
    assert tables["supply_terms"]["moq"].to_list() == [0.0]
    assert not tables["demands"]["full_line"].any()


def test_without_public_data_the_benchmark_says_what_is_missing(monkeypatch, capsys):
    from benchmarks import multi_level

    monkeypatch.delenv("MEDHAVI_PUBLIC_DATA", raising=False)
    monkeypatch.setattr("sys.argv", ["multi_level.py"])
    assert multi_level.main() == 0
    assert "MEDHAVI_PUBLIC_DATA is not set" in capsys.readouterr().out


@pytest.fixture
def case(request: pytest.FixtureRequest, public_data: Path) -> Case:
    assert (public_data / "milp").is_dir()
    return stated(generator(), instance(getattr(request, "param", 4)))


@pytest.mark.public_data
def test_a_plan_costs_what_the_instance_says(case: Case):
    # Raw is there in bucket 1, semi-finished in 2, finished in 3, and in the centre in
    # 4: 40 raw for 20 semi-finished for 10 finished. Ten of 50 raw are left for five
    # buckets at 0.2 % of 2. Emissions of semi-finished: 2 at 0.05.
    found = planned(case, "constrained")
    parts = {name: round(money, 6) for name, money in found.judgement.parts.items()}
    assert parts == {
        "making": 10 * 2.0 + 20 * 1.1,
        "set-ups": 10.0,
        "buying": 100.0,
        "orders": 5.0,
        "moving": 5.0,
        "overtime": 0.0,
        "holding": 0.2,
        "safety": 0.0,
        "late": 0.0,
        "short": 0.0,
    }
    assert found.judgement.missed == {}
    assert found.judgement.late == 0
    assert found.judgement.objective == pytest.approx(solved_bare(case.model, 5).cost)


@pytest.mark.public_data
@pytest.mark.parametrize("case", [3], indirect=True)
def test_a_bucket_late_costs_two_in_a_hundred_by_the_weight(case: Case):
    found = planned(case, "constrained").judgement
    assert found.parts["late"] == pytest.approx(10 * 20 * 2 * 0.02)
    assert (found.late, found.missed) == (1, {})


@pytest.mark.public_data
@pytest.mark.parametrize("case", [3], indirect=True)
def test_what_the_instance_does_not_allow_is_counted(case: Case):
    # Mode mrp begins in the past: the raw would have to be there in bucket 0.
    found = planned(case, "mrp").judgement
    assert found.missed["no column to buy"] == 1
    nothing = judged_values(np.zeros(case.model["n"]), case.case, case.model)
    # Ten are wanted and whether they are short is not said.
    assert nothing.missed == {"dem": 1, "full": 1}


@pytest.mark.public_data
def test_orders_of_the_plan_keep_the_hours_of_the_day(case: Case):
    from tests.api import plan

    made = plan(case.snapshot, "constrained")
    starts = made.operations.sort("start")["start"].to_list()
    as_of = from_seconds(case.snapshot.as_of)
    assert [(one - as_of).days for one in starts] == [2, 3]
