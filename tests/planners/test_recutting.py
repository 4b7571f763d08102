"""Late goods in parts: what is ordered smaller, and what first comes from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.small_plans import KERNELS, day

DAILY = 1440.0


def chain(**demand: object) -> dict[str, Any]:
    """A takes a day a piece on M, and one B, a day a piece on N."""
    return {
        "products": [{"product": "A"}, {"product": "B"}],
        "demands": [{"due": day(0), **demand}],
        "resources": [{"resource": "M"}, {"resource": "N"}],
        "routings": [{}, {"routing": "R2", "product": "B"}],
        "steps": [
            {"run_minutes_per_unit": DAILY},
            {"routing": "R2", "run_minutes_per_unit": DAILY},
        ],
        "step_resources": [{}, {"routing": "R2", "resource": "N"}],
        "bom_lines": [{"component": "B"}],
    }


@pytest.mark.parametrize(
    ("qty", "more", "days"),
    [
        (1, {}, 2),
        (4, {}, 5),
        (4, {"min_lot": 2.0}, 6),
        (4, {"min_lot": 4.0}, 8),
        (8, {}, 9),
    ],
)
@pytest.mark.req("CAP-17")
def test_late_work_goes_on_with_what_is_there(qty, more, days):
    """Whole, the work on M waits for all B: four pieces would take eight days."""
    tables = chain(qty=qty)
    tables["routings"] = [{**row, **more} for row in tables["routings"]]
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [24.0 * days]


def test_work_in_time_and_lots_of_a_rule_stay_whole():
    in_time = factories.snapshot(**chain(qty=4, due=day(8)))
    made = plan(in_time, "constrained", KERNELS)
    assert made.supplies["qty"].to_list() == [4, 4]
    rule = {"product": "A", "lot_rule": "fixed", "lot_size": 4.0}
    fixed = factories.snapshot(**chain(qty=4), inventory_policies=[rule])
    made = plan(fixed, "constrained", KERNELS)
    assert verify(made, fixed) == []
    sizes = dict(made.supplies.group_by("product").agg("qty").iter_rows())
    assert sizes["A"] == [4]


def test_effort_light_cuts_nothing():
    made = plan(
        factories.snapshot(**chain(qty=4)),
        "constrained",
        {**KERNELS, "effort": "light"},
    )
    assert made.fulfilment["lateness_h"].to_list() == [24.0 * 8]


def test_what_lies_elsewhere_comes_first_and_the_rest_is_made():
    """Ten pieces take ten days here; four lie two days away, where more takes 30."""
    snapshot = factories.snapshot(
        locations=[{"location": "L"}, {"location": "L2"}],
        demands=[{"qty": 10, "due": day(0)}],
        resources=[{"resource": "M"}],
        routings=[
            {},
            {"routing": "R2", "location": "L2"},
        ],
        steps=[
            {"run_minutes_per_unit": DAILY},
            {"routing": "R2", "fixed_minutes": 30 * DAILY},
        ],
        step_resources=[{}],
        lanes=[{"origin": "L2", "destination": "L", "duration_h": 48.0}],
        stock=[{"location": "L2", "qty": 4}],
        sourcing=[
            {"kind": "make", "source": "R", "preference": 1},
            {"kind": "move", "source": "T1", "preference": 2},
        ],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    sizes = dict(made.supplies.group_by("kind").agg("qty").iter_rows())
    assert sizes["move"] == [4]
    assert sum(sizes["make"]) == 6
    assert made.fulfilment["lateness_h"].to_list() == [24.0 * 6]


def scarce(levels: int, **demand: object) -> dict[str, Any]:
    """A hundred of P0, a minute each at every level; 40 of the last part are there."""
    makes = range(levels)
    return {
        "products": [{"product": f"P{number}"} for number in range(levels + 1)],
        "demands": [{"product": "P0", "qty": 100, "due": day(1), **demand}],
        "resources": [{"resource": "M"}],
        "routings": [{"routing": f"R{n}", "product": f"P{n}"} for n in makes],
        "steps": [{"routing": f"R{n}", "run_minutes_per_unit": 1.0} for n in makes],
        "step_resources": [{"routing": f"R{n}"} for n in makes],
        "bom_lines": [
            {"routing": f"R{n}", "product": f"P{n}", "component": f"P{n + 1}"}
            for n in makes
        ],
        "supply_terms": [{"product": f"P{levels}", "lead_time_days": 5}],
        "stock": [{"product": f"P{levels}", "qty": 40}],
    }


@pytest.mark.parametrize("levels", some([1, 2, 3], 2))
@pytest.mark.parametrize("demand", [{}, {"price": 10.0}])
@pytest.mark.req("CAP-17")
def test_what_components_are_there_for_is_made_in_time_and_the_rest_later(
    levels, demand
):
    """Sixty go on when the part comes on day 5, and take an hour at each level."""
    snapshot = factories.snapshot(**scarce(levels, **demand))
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [24.0 * 4 + levels]
    made_orders = made.supplies.sort("finish")
    for number in range(levels):
        assert made_orders.filter(product=f"P{number}")["qty"].to_list() == [40, 60]
    assert made_orders.filter(product="P0")["finish"][0] <= day(1)


def test_what_has_to_come_at_once_is_not_made_in_parts():
    snapshot = factories.snapshot(**scarce(1, min_shipment=100.0))
    made = plan(snapshot, "constrained", KERNELS)
    assert made.supplies.filter(product="P0")["qty"].to_list() == [100]


@pytest.mark.parametrize("demand", [{}, {"price": 10.0}])
def test_no_order_is_cut_that_only_begins_twice(demand):
    """Each begins for a day on M; both are late, and would be later in halves."""
    snapshot = factories.snapshot(
        products=[{"product": "F"}, {"product": "G"}],
        demands=[
            {"demand": f"D-{product}", "product": product, "qty": 10, "due": day(1)}
            | demand
            for product in "FG"
        ],
        resources=[{"resource": "M", "efficiency": 0.9}],
        routings=[{"product": "F"}, {"routing": "R2", "product": "G"}],
        steps=[
            {"fixed_minutes": DAILY, "run_minutes_per_unit": 1.0},
            {"routing": "R2", "fixed_minutes": DAILY, "run_minutes_per_unit": 1.0},
        ],
        step_resources=[{}, {"routing": "R2"}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.supplies["qty"].to_list() == [10, 10]
