"""A step that needs a machine and another one of its pool."""

from __future__ import annotations

from math import ceil
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


YIELDS = {
    "products": [{"product": "A"}],
    "resources": [{"resource": "M"}, {"resource": "N"}, {"resource": "O"}],
    "routings": [{"routing": "R", "product": "A"}],
    "steps": [{"routing": "R", "step": 1, "run_minutes_per_unit": 60}],
    "step_resources": [
        {"routing": "R", "step": 1, "resource": "M", "choice": "c", "yield": 0.8},
        {"routing": "R", "step": 1, "resource": "N", "choice": "c", "speed": 9.0},
        {"routing": "R", "step": 1, "resource": "O", "choice": "c", "yield": 0.8},
    ],
    "demands": [{"product": "A", "qty": 80, "due": day(0.5)}] * 2,
}


@pytest.mark.req("CAP-04")
@pytest.mark.parametrize("rule", ["preference", "earliest", "cost"])
@pytest.mark.parametrize("mode", MODES)
def test_alternates_of_another_yield_are_left_out_and_told(
    mode: str, rule: str
) -> None:
    """100 are begun for 80 good ones; N is fast, but would make 100 of them."""
    tables = {**YIELDS, "steps": [{**YIELDS["steps"][0], "resource_rule": rule}]}
    made = snapshot(**tables)
    found = plan(made, mode)
    assert verify(found, made) == []
    sizes = found.supplies.select("qty", "order_qty").rows()
    assert sum(qty for qty, _ in sizes) == 160
    assert all(begun == ceil(qty * 10 / 8) for qty, begun in sizes)
    assert "N" not in found.operations["resource"].to_list()
    (told,) = [one for one in found.findings if one.code == "PLAN017"]
    assert "Step 1 of routing R does not use N" in told.message
    assert "that of M" in told.message


@pytest.mark.req("CAP-04")
def test_an_order_stays_on_the_alternate_that_it_was_assigned_to() -> None:
    order = {
        "supply_order": "W",
        "kind": "work",
        "product": "A",
        "qty": 90,
        "source": "R",
        "due": day(9),
        "status": "released",
    }
    step = {"supply_order": "W", "step": 1, "resource": "N"}
    made = snapshot(**YIELDS, supply_orders=[order], supply_order_steps=[step])
    own = plan(made, "constrained").operations.filter(supply="W")
    assert own["resource"].to_list() == ["N"]
