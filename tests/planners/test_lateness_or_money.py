"""Mode optimize bears lateness where it costs less than what would save it."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api import plan, verify
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
