"""Campaigns below their least run in mode optimize: another machine makes the work."""

from __future__ import annotations

import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.planners.optimal_plans import checked, parts, sources
from tests.planners.small_plans import day

TOO_SHORT = "guided, without campaigns that are too short"


def two_machines(*wanted: tuple[float, float], others=True, **limits):
    """A is made at 1 on M1, in campaigns, or at 3 on M2; wanted: quantity and day."""
    both = [("R1", "M1", 1.0, 1), ("R2", "M2", 3.0, 2)][: 1 + others]
    return factories.snapshot(
        demands=[
            {"product": "A", "qty": qty, "due": day(at), "price": 50}
            for qty, at in wanted
        ],
        resources=[{"resource": machine} for _, machine, *_ in both],
        routings=[
            {"routing": name, "cost_per_unit": cost, "preference": place}
            for name, _, cost, place in both
        ],
        steps=[
            {"routing": name, "run_minutes_per_unit": 60, "family": "F"}
            for name, *_ in both
        ],
        step_resources=[
            {"routing": name, "resource": machine} for name, machine, *_ in both
        ],
        campaign_rules=[{"resource": "M1", "family": "F", **limits}],
    )


@pytest.mark.req("OMC-7.7.5", "OMC-7.7.6")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ([(16, 10)], {"R2": 16}),
        ([(25, 10)], {"R1": 25}),
        ([(16, 10), (9, 12)], {"R1": 25}),
        ([(30, 10), (16, 20)], {"R1": 30, "R2": 16}),
        ([(16, 10), (30, 20)], {"R1": 30, "R2": 16}),
    ],
)
def test_what_makes_no_campaign_is_made_elsewhere(effort, wanted, made):
    """25 at least and 40 at most in a campaign: 46 are one and a short one."""
    snapshot = two_machines(*wanted, min_run_qty=25, max_run_qty=40)
    found = checked(snapshot, {"effort": effort})
    assert sources(found) == made
    assert set(found.fulfilment["status"]) == {"on_time"}
    cost = made.get("R1", 0) + 3 * made.get("R2", 0)
    assert scorecard(found, snapshot).production == pytest.approx(cost)
    # The parts are those of the program as it was asked first.
    assert found.run.program is not None
    assert found.run.program.value == pytest.approx(sum(parts(found).values()))


@pytest.mark.req("OMC-7.7.5")
def test_what_no_other_machine_makes_is_refused_as_before():
    snapshot = two_machines((16, 10), others=False, min_run_qty=25)
    found = checked(snapshot)
    assert found.fulfilment["status"].to_list() == ["unplanned"]
    assert "CAM001" in {one.code for one in found.findings}
    assert TOO_SHORT in {step.name for step in found.run.steps}


def test_a_plan_whose_campaigns_are_long_enough_is_not_made_again():
    found = checked(two_machines((30, 10), min_run_qty=25))
    assert TOO_SHORT not in {step.name for step in found.run.steps}
