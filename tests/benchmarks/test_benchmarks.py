"""The benchmarks run: on tiny instances, without looking at the clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import (
    constrained,
    instances,
    measure,
    performance_page,
    plan_files,
    planning,
    scheduling,
    start,
)
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan
from tests.planners.small_plans import KERNELS, day


@pytest.fixture
def page(tmp_path, monkeypatch):
    place = tmp_path / "performance.md"
    monkeypatch.setattr(performance_page, "PAGE", place)
    return place


@pytest.fixture(scope="module")
def found():
    return planning.measure("tiny", instances.chain(6), rounds=2)


def test_a_chain_plans_one_order_a_level(found):
    assert found.orders == 7
    assert found.pegs == 7


def test_every_phase_is_measured_once_a_round(found):
    counted = {name: len(times) for name, times in found.watch.rounds.items()}
    assert counted == dict.fromkeys([*planning.PHASES, "arithmetic", "objects"], 2)


def test_an_instance_without_a_gate_misses_none(found):
    assert not found.missed


def test_two_of_each_over_70_levels_end_in_a_finding():
    assert planning.overflow() in planning.OVERFLOWS


def test_public_instances_say_what_they_miss(monkeypatch):
    monkeypatch.delenv("MEDHAVI_PUBLIC_DATA", raising=False)
    with pytest.raises(instances.NoDataError, match="MEDHAVI_PUBLIC_DATA"):
        instances.INSTANCES["m1000"]()


@pytest.mark.public_data
def test_the_large_model_can_be_regenerated(public_data, monkeypatch):
    monkeypatch.setenv("MEDHAVI_PUBLIC_DATA", str(public_data))
    monkeypatch.setitem(instances.SCALED, "m20", ("20", "20", "4"))
    snapshot = instances.scaled("m20")
    assert isinstance(snapshot, Snapshot)
    assert snapshot["demands"].height == 20


def test_the_middle_of_three_rounds_is_told():
    watch = measure.Stopwatch({"net": [3.0, 1.0, 2.0]})
    assert watch.median("net") == 2.0
    assert watch.least("net") == 1.0
    assert watch.median("peg") == 0.0


def test_starting_is_measured_against_an_empty_python():
    least = start.measure(rounds=1)
    assert set(least) == set(start.CALLS)
    assert all(seconds > 0 for seconds in least.values())


def test_a_process_is_measured_with_its_memory():
    cpu, memory = plan_files.cost([sys.executable, "-c", "pass"])
    assert cpu > 0
    assert 0.001 < memory < 1
    with pytest.raises(subprocess.CalledProcessError, match="status 3"):
        plan_files.cost([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_flexible_job_shop_is_read_as_a_schedule_problem():
    text = "2 2\n2 2 0 5 1 4 1 1 3\n1 1 0 9\n"
    problem = scheduling.flexible_job_shop(text, "tiny", effort=1.0)
    runs = [
        (option.resource, option.run_minutes)
        for _, step in problem.steps()
        for option in step.options
    ]
    assert runs == [("M00", 5), ("M01", 4), ("M01", 3), ("M00", 9)]
    assert problem.orders[0].steps[1].after == (1,)


@pytest.mark.public_data
def test_an_instance_is_solved_and_set_against_the_best_known(public_data, monkeypatch):
    monkeypatch.setenv("MEDHAVI_PUBLIC_DATA", str(public_data))
    found = scheduling.solve_instance("mk03", effort=1.0)
    assert found.gap == 0
    assert found.bound == found.makespan == 204


def test_late_days_are_told_by_priority_and_stock_by_value():
    """A buy takes five days: D1 is two days late, D2 and D3 three and four."""
    snapshot = factories.snapshot(
        settings=[{"horizon_days": 10}],
        demands=[
            {"qty": 1, "due": day(3), "priority": 1},
            {"qty": 1, "due": day(2), "priority": 2},
            {"qty": 1, "due": day(1), "priority": 2},
        ],
        supply_terms=[{"lead_time_days": 5}],
        stock=[{"product": "B", "qty": 7}, {"product": "E", "qty": 2}],
        products=[{"product": "A"}, {"product": "B"}, {"product": "E", "unit_cost": 3}],
    )
    found = constrained.found_in(plan(snapshot, "constrained", KERNELS), snapshot)
    assert (found.late, found.mean) == ((1, 2, 0), 3.0)
    assert (found.means, found.mosts) == ((2.0, 3.5, 0.0), (2.0, 4.0, 0.0))
    assert found.stock == pytest.approx(13.0)
