"""A skill that nobody has is a shortage of capacity, which mode mrp does not obey."""

from __future__ import annotations

import pytest

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
