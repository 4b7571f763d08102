"""Mode optimize bears lateness where it costs less than what would save it."""

from __future__ import annotations

import pytest

from medhavi.planners.constrained.memory import Memory
from medhavi.planners.constrained.search.searched_run import SearchedRun
from tests import factories
from tests.api import ConstrainedParameters, plan, verify
from tests.planners.small_plans import PYTHON, day


def sources(mode, late_cost_per_day, **more):
    """Sources of a unit for hour 36, by 42 cheap hours or 12 dear ones."""
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[
            {"routing": "slow", "cost_per_unit": 1.0},
            {"routing": "fast", "cost_per_unit": 100.0, "preference": 2},
        ],
        steps=[
            {"routing": "slow", "run_minutes_per_unit": 42 * 60},
            {"routing": "fast", "run_minutes_per_unit": 12 * 60},
        ],
        step_resources=[
            {"routing": "slow", "resource": "M"},
            {"routing": "fast", "resource": "N"},
        ],
        demands=[
            {
                "qty": 1,
                "due": day(1.5),
                "late_cost_per_day": late_cost_per_day,
                "short_cost": 100_000.0,
            },
        ],
    )
    given = PYTHON if mode == "constrained" else {"bucket": "day", **more}
    made = plan(snapshot, mode, given)
    assert verify(made, snapshot) == []
    return made.supplies["source"].to_list()


@pytest.mark.req("HEU-02")
@pytest.mark.parametrize(
    ("late_cost_per_day", "source"),
    # Six hours late cost 2; or 150, where the fast routing costs 99 more.
    [(8, "slow"), (600, "fast")],
)
def test_the_dearer_source_is_taken_where_lateness_costs_more(
    late_cost_per_day, source
):
    assert sources("optimize", late_cost_per_day) == [source]
    assert sources("constrained", late_cost_per_day) == ["fast"]


@pytest.mark.req("HEU-02")
def test_lateness_that_weighs_more_in_the_goal_is_dearer():
    assert sources("optimize", 8, lateness_weight=100.0) == ["fast"]


@pytest.mark.req("HEU-02")
def test_orders_by_a_dearer_machine_cost_more():
    # A unit takes 42 hours at 1 on M, 12 at 100 on N; each after an hour of set-up.
    snapshot = factories.snapshot(
        resources=[
            {"resource": "M", "cost_per_hour": 1.0},
            {"resource": "N", "cost_per_hour": 100.0},
        ],
        routings=[{}],
        steps=[{"setup_minutes": 60, "run_minutes_per_unit": 42 * 60}],
        step_resources=[
            {"resource": "M", "choice": "either"},
            {"resource": "N", "choice": "either", "preference": 2, "speed": 3.5},
        ],
        demands=[{"qty": 1}],
    )
    run = SearchedRun(Memory(snapshot), ConstrainedParameters(**PYTHON))
    run.build()
    plant = run.read({}).plant
    assert (plant.each_order[0], plant.each_step[0]) == (1_000_000, 42_000_000)
    assert plant.dear_order[:2].tolist() == [0, 99_000_000]
    assert plant.dear_step[:2].tolist() == [0, (1200 - 42) * 1_000_000]
