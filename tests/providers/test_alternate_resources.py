"""Who else could do a step: only what the tables show."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.providers.capacity.alternate_resources import alternates_of
from tests.planners.small_promises import workshop

STEP = ("R", 1)
pytestmark = pytest.mark.req("ATP-19")


def found(**given: Any) -> dict[str, list[dict[str, Any]]]:
    """Rows by resource that could replace M in the one step of R."""
    return {
        one.resource: [dict(row) for row in one.rows]
        for one in alternates_of(workshop(**given), "M", [STEP])
    }


def test_a_resource_that_nothing_shows_to_be_able_is_not_named():
    assert not found(resources=[{}, {"resource": "N"}])


def test_a_member_of_the_pool_becomes_the_last_of_a_choice():
    rows = found(resources=[{"pool": "P"}, {"resource": "N", "pool": "P"}])
    before, new = rows["N"]
    assert (before["resource"], before["choice"]) == ("M", "M or another")
    assert (new["resource"], new["choice"]) == ("N", "M or another")
    assert new["preference"] > before["preference"]


def test_an_alternate_of_another_step_is_as_fast_as_it_is_there():
    rows = found(
        resources=[{}, {"resource": "N"}],
        routings=[{}, {"routing": "Q", "product": "B"}],
        steps=[{}, {"routing": "Q"}],
        step_resources=[
            {"speed": 3},
            {"routing": "Q", "choice": "either", "speed": 2},
            {"routing": "Q", "choice": "either", "resource": "N", "speed": 1},
        ],
    )
    assert rows["N"][1]["speed"] == 1.5


def test_one_more_alternate_comes_after_those_that_a_step_has():
    rows = found(
        resources=[
            {"pool": "P"},
            {"resource": "K"},
            {"resource": "N", "pool": "P"},
        ],
        step_resources=[
            {"choice": "either"},
            {"choice": "either", "resource": "K", "preference": 5},
        ],
    )
    (new,) = rows["N"]
    assert (new["choice"], new["preference"]) == ("either", 6)


def test_skills_that_are_asked_for_are_enough():
    rows = found(
        resources=[{"pool": "P"}, {"resource": "K", "pool": "P"}, {"resource": "N"}],
        resource_skills=[
            {"resource": "M", "skill": "weld"},
            {"resource": "M", "skill": "paint"},
            {"resource": "N", "skill": "weld"},
        ],
        step_resources=[{"resource": "P", "skill": "weld"}],
    )
    assert list(rows) == ["N"]


@pytest.mark.parametrize(
    "given",
    [
        {"resources": [{"pool": "P"}, {"resource": "N", "pool": "P", "kind": "tool"}]},
        {
            "resources": [{"pool": "P"}, {"resource": "N", "pool": "P"}],
            "step_resources": [{}, {"resource": "N"}],
        },
        {
            "resources": [{"pool": "P"}, {"resource": "N", "pool": "P"}],
            "step_resources": [{"resource": "P"}],
        },
        {
            "resources": [{"pool": "P"}, {"resource": "N", "pool": "P"}],
            "step_resources": [{"until_step": 1}],
        },
        {
            "locations": [{"location": "L"}, {"location": "V"}],
            "resources": [
                {"pool": "P"},
                {"resource": "N", "pool": "P", "location": "V"},
            ],
        },
    ],
    ids=["another kind", "needed already", "a pool", "held", "another place"],
)
def test_who_cannot_replace_it(given):
    assert not found(**given)


def test_a_resource_that_is_not_there_has_no_one_in_its_place():
    assert not alternates_of(workshop(), "X", [STEP])
