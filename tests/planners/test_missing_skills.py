"""A skill that nobody has is a shortage of capacity, which mode mrp does not obey."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day, exceptions, fulfilment, orders, planned

WELDING = {
    "demands": [{"due": day(10)}],
    "routings": [{}],
    "steps": [{"fixed_minutes": 1440}],
    "resources": [
        {"resource": "ANN", "pool": "CREW"},
        {"resource": "BEN", "pool": "CREW"},
    ],
    "step_resources": [{"resource": "CREW", "skill": "weld"}],
}


@pytest.mark.req("MRP-02")
def test_a_skill_that_nobody_has_limits_nothing():
    made = planned(**WELDING)
    assert orders(made) == [("A", 10, 9, 10)]
    assert fulfilment(made)["status"] == "on_time"
    assert exceptions(made, "NoSource") == []
    assert made.operations["resource"].to_list() == ["ANN"]


def test_a_skill_that_someone_has_picks_that_one():
    made = planned(**WELDING, resource_skills=[{"resource": "BEN", "skill": "weld"}])
    assert made.operations["resource"].to_list() == ["BEN"]


def test_a_skill_that_someone_had_until_a_date_is_an_effective_date():
    made = planned(
        **WELDING,
        resource_skills=[{"resource": "BEN", "skill": "weld", "valid_to": day(5)}],
    )
    assert [start < 5 for _, _, start, _ in orders(made) if start is not None] == [True]


@pytest.mark.req("OME-01")
def test_who_waits_for_a_skill_is_late_for_it():
    # A day of work, due on day 1; BEN welds from day 2 on, so it is there on day 3.
    # Both days of lateness were told as lead time of the routing.
    snapshot = factories.snapshot(
        **{**WELDING, "demands": [{"due": day(1)}]},
        resource_skills=[{"resource": "BEN", "skill": "weld", "valid_from": day(2)}],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    causes = made.causes.select("demand", "code", "subject", "hours").rows()
    assert causes == [("D1", "CapacityShortfall", "CREW|weld", 48)]


def test_what_nobody_may_do_yet_names_the_resource():
    # Without a skill it is the choice of machines that begins on day 2.
    snapshot = factories.snapshot(
        demands=[{"due": day(1)}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        resources=[{}],
        step_resources=[{"choice": "one", "valid_from": day(2)}],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    causes = made.causes.select("code", "subject", "hours").rows()
    assert causes == [("CapacityShortfall", "M", 48)]
