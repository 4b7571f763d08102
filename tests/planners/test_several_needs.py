"""A step that needs a machine and another one of its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import plan, verify
from tests.factories import snapshot
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

MODES = ("mrp", "constrained", "optimize")


def planned(mode: str, *machines: dict[str, object]) -> Plan:
    """A plan of one demand whose step needs M and one of the pool P."""
    made = snapshot(
        products=[{"product": "A"}],
        resources=[{"pool": "P", **one} for one in machines],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": 1, "run_minutes_per_unit": 1}],
        step_resources=[
            {"routing": "R", "step": 1, "resource": "M"},
            {"routing": "R", "step": 1, "resource": "P"},
        ],
        demands=[{"product": "A", "qty": 100, "due": day(30)}],
    )
    found = plan(made, mode)
    assert verify(found, made) == []
    return found


def units(found: Plan) -> dict[str, float]:
    return dict(found.operations.select("resource", "units").iter_rows())


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("mode", MODES)
def test_one_machine_never_stands_for_two(mode: str) -> None:
    """N comes after M by its id and was never asked."""
    found = planned(mode, {"resource": "M"}, {"resource": "N"})
    assert units(found) == {"M": 1.0, "N": 1.0}


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("mode", MODES)
def test_one_of_two_units_works_with_both(mode: str) -> None:
    found = planned(mode, {"resource": "M", "units": 2})
    assert units(found) == {"M": 2.0}


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_what_only_one_machine_could_do_twice_is_not_made(mode: str) -> None:
    found = planned(mode, {"resource": "M"})
    assert found.operations.is_empty()
    assert found.fulfilment["short"].to_list() == [100]
