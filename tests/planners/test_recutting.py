"""Late goods in parts: what is ordered smaller, and what first comes from elsewhere."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.small_plans import KERNELS, PYTHON, day, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


@pytest.mark.req("CAP-06", "HEU-02")
def test_what_one_source_cannot_make_is_one_order_of_the_other() -> None:
    """R takes C, of which there are 4, R2 takes B: 4 and 14 A, each with a set-up."""
    made = lots(
        routings=[{"fixed_cost": 50}, {"routing": "R2", "preference": 2}],
        resources=[{}, {"resource": "N"}],
        steps=[
            {"routing": one, "run_minutes_per_unit": 60, "setup_minutes": 30}
            for one in ("R", "R2")
        ],
        step_resources=[{}, {"routing": "R2", "resource": "N"}],
        bom_lines=[{"component": "C"}, {"routing": "R2"}],
        stock=[{"product": "B", "qty": 15}, {"product": "C", "qty": 4}],
        demands=[{"qty": 18, "due": day(3)}],
    )
    assert sorted(made) == [("R", 4.0), ("R2", 14.0)]


@pytest.mark.req("CAP-06", "TRN-04")
def test_what_two_warehouses_have_comes_in_one_move_of_each() -> None:
    made = lots(
        locations=[{"location": one} for one in ("L", "L2", "W")],
        lanes=[{"lane": "T"}, {"lane": "U", "origin": "L2"}],
        stock=[{"qty": 4}, {"location": "L2", "qty": 15}],
        demands=[{"location": "W", "qty": 18}],
    )
    assert sorted(made) == [("T", 4.0), ("U", 14.0)]


@pytest.mark.req("CAP-06", "HEU-02")
def test_the_first_lot_is_a_whole_multiple_of_what_is_there() -> None:
    """40 C are there, 60 come on day 7; 100 A in lots of 30, ten minutes each.

    30 are made now and 90 from day 7 on, for 15 hours: 60 and 60 took 20.
    """
    snapshot = factories.snapshot(
        routings=[{"lot_multiple": 30}],
        resources=[{}],
        steps=[{"run_minutes_per_unit": 10}],
        step_resources=[{}],
        bom_lines=[{"component": "C"}],
        stock=[{"product": "C", "qty": 40}],
        supply_terms=[{"product": "C", "lead_time_days": 7}],
        demands=[{"qty": 100, "due": day(2)}],
    )
    made = plan(snapshot, "constrained", PYTHON)
    assert verify(made, snapshot) == []
    assert deliveries(made) == [(30, 2), (70, 7.625)]


@pytest.mark.nightly
@pytest.mark.req("CAP-06", "TRN-05")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([5, 8], [(3, 1.5), (5, 3.333333)]),
        ([10, 10], [(6, 3.333333), (4, 5.333333)]),
    ],
    ids=["room beside another", "room in the second"],
)
def test_what_fits_the_next_departure_goes_with_it(
    wanted: list[float], found: list[tuple[float, float]]
) -> None:
    """8 leave on days 0, 2 and 4; the first demand is more important."""
    snapshot = factories.snapshot(
        products=[{"product": "A", "weight_kg": 100}],
        lanes=[{"duration_h": 24, "capacity_kg": 800, "lane": "T"}],
        departures=[{"weekday": one, "time": dt.time(8)} for one in (1, 3, 5)],
        stock=[{"qty": 20}],
        demands=[
            {"location": "W", "due": day(1.5), "qty": qty, "priority": 1 + place}
            for place, qty in enumerate(wanted)
        ],
    )
    made = plan(snapshot, "constrained", PYTHON)
    assert verify(made, snapshot) == []
    assert deliveries(made, "D2") == found


def lots(**given: Iterable[Mapping[str, object]]) -> list[tuple[str, float]]:
    """Sources and sizes of the new orders of a company whose demands are in time."""
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, "constrained", PYTHON)
    assert verify(made, snapshot) == []
    assert set(made.fulfilment["status"]) == {"on_time"}
    new = made.supplies.filter(status="planned")
    return list(new.select("source", "qty").iter_rows())
