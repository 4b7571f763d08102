"""Who goes short where there is too little, and what is left for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def ordered(name: str, qty: float, due: float, **more: object) -> dict[str, Any]:
    """Demand for A."""
    return {"demand": name, "qty": qty, "due": day(due), **more}


def supplied(demands: list[dict[str, Any]], qty: float, **more: Any) -> Snapshot:
    """A company with so much of A and no more, which costs nothing to hold."""
    stock = [{"product": "A", "location": "L", "qty": qty}]
    free = [{"product": "A", "location": "L", "holding_rate": 0.0}]
    return factories.snapshot(
        demands=demands, stock=stock, inventory_policies=free, **more
    )


def served(found: Plan) -> dict[str, float]:
    """What demands get, by name."""
    rows = found.fulfilment.filter(found.fulfilment["planned"] > 0)
    return dict(rows.select("demand", "planned").rows())


@pytest.mark.parametrize("effort", ["light", "standard"])
def test_what_is_there_goes_to_whom_shortage_costs_most(effort):
    """8 of A; D1 wants 10 at 1 a unit short, D2 wants 10 a day later at 100.

    Neither can be served whole. 8 for D2: 2 · 100 + 10 · 1 = 210; 8 for D1, which is
    due first: 10 · 100 + 2 · 1 = 1,002.
    """
    dear = ordered("D2", 10, 9, short_cost=100.0)
    snapshot = supplied([ordered("D1", 10, 8, short_cost=1.0), dear], 8)
    found = plan(snapshot, "optimize", {**DAILY, "effort": effort})
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 8.0}
    assert found.contributions["plan"].sum() == pytest.approx(210)
    assert found.run.bound == pytest.approx(210, abs=0.01)
    assert set(found.causes["code"]) == {"MaterialShortfall"}


TOGETHER = {"sales_order": "SO", "order_policy": "all_together"}


@pytest.mark.req("OMC-7.1.4", "OMV-01")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize(
    "rule", [{"full_line": True}, {"min_shipment": 100.0}, TOGETHER]
)
def test_a_demand_that_cannot_be_whole_leaves_its_goods_to_others(rule, mode):
    """99 of A; D1 wants 100 or none, D2 wants 50: 50 go to D2 and 49 stay.

    Without a price a unit that is never delivered costs 30: 100 of D1 cost 3,000, and
    4,500 if D2 got none either.
    """
    snapshot = supplied([ordered("D1", 100, 10, **rule), ordered("D2", 50, 10)], 99)
    found = plan(snapshot, mode, DAILY if mode == "optimize" else {})
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 50.0}
    assert scorecard(found, snapshot).shortage == pytest.approx(3_000)
    why = found.causes.select("demand", "code").rows()
    assert why == [("D1", "MaterialShortfall")]


def test_what_a_refused_line_leaves_is_there_in_time():
    """99 of A now, 60 on day 20; D1 wants 100 on day 10, at most 5 days late.

    One of 100 would be 10 days late, so D1 gets none, and D2 its 50 on day 10.
    """
    late = {"product": "A", "location": "L", "qty": 60.0, "due": day(20)}
    late |= {"supply_order": "O", "kind": "purchase"}
    demands = [
        ordered("D1", 100, 10, full_line=True, max_lateness_days=5.0),
        ordered("D2", 50, 10, priority=2),
    ]
    snapshot = supplied(demands, 99, supply_orders=[late])
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    rows = found.deliveries.select("demand", "qty", "date").rows()
    assert rows == [("D2", 50.0, day(10))]


def test_full_lines_are_refused_one_after_the_other_until_one_fits():
    """20 of A; D1 wants 40 and D2 30, whole: neither can be; D3 wants 18, whole.

    D4 gets the 2 of its 5 that are left.
    """
    sizes = {"D1": 40, "D2": 30, "D3": 18}
    demands = [ordered(one, qty, 10, full_line=True) for one, qty in sizes.items()]
    snapshot = supplied([*demands, ordered("D4", 5, 10)], 20)
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert served(found) == {"D3": 18.0, "D4": 2.0}


def test_a_component_that_a_refused_line_leaves_makes_another_product():
    """9 of C; A and B take one each; 10 of A are wanted whole, 6 of B are made."""
    snapshot = factories.snapshot(
        products=[{"product": name} for name in "ABC"],
        routings=[{"routing": f"R-{name}", "product": name} for name in "AB"],
        bom_lines=[
            {"routing": f"R-{name}", "component": "C", "qty_per": 1.0} for name in "AB"
        ],
        stock=[{"product": "C", "location": "L", "qty": 9.0}],
        demands=[
            ordered("D1", 10, 10, full_line=True),
            ordered("D2", 6, 10, product="B"),
        ],
    )
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 6.0}
    assert dict(found.supplies.select("product", "qty").rows()) == {"B": 6.0}


@pytest.mark.req("OMC-7.1.4")
def test_a_line_that_the_program_serves_in_part_is_left_out_where_that_earns_more():
    """12 of A. D1 wants 8 at 2, whole; D2 wants 3 at 9, whole; D3 wants 5 at 9.

    D2 and D3 lose the 16 of D1. D1 and 4 of D3, as by due date, lose 27 + 9 = 36.
    """
    free = {"max_lateness_days": 0.0}
    demands = [
        ordered("D1", 8, 4, price=2.0, full_line=True, **free),
        ordered("D2", 3, 9, price=9.0, full_line=True, **free),
        ordered("D3", 5, 9, price=9.0, **free),
    ]
    snapshot = supplied(demands, 12)
    found = plan(snapshot, "optimize", {**DAILY, "goal": "profit"})
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 3.0, "D3": 5.0}
    assert found.contributions["plan"].sum() == pytest.approx(16)
    assert "guided, lines whole or not at all" in {one.name for one in found.run.steps}


@pytest.mark.req("OMC-7.1.4")
def test_who_can_be_served_earns_though_a_whole_line_cannot():
    """A supplier has 20 of A at 5; D1 wants 25 at 30, whole; D2 wants 20 at 10.

    D2 costs 100, and the sales of D1 are lost: 850; nobody served would lose 950.
    """
    limit = {"supplier": "S", "valid_from": day(0), "valid_to": day(60), "qty": 20.0}
    terms = {"supplier": "S", "product": "A", "location": "L", "unit_price": 5.0}
    snapshot = factories.snapshot(
        suppliers=[{"supplier": "S"}],
        supply_terms=[{**terms, "lead_time_days": 2.0}],
        supplier_capacity=[limit],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
        demands=[
            ordered("D1", 25, 10, price=30.0, full_line=True),
            ordered("D2", 20, 10, price=10.0),
        ],
    )
    found = plan(snapshot, "optimize", {**DAILY, "goal": "profit"})
    assert verify(found, snapshot) == []
    assert served(found) == {"D2": 20.0}
    assert found.contributions["plan"].sum() == pytest.approx(850)


@pytest.mark.req("MRP-02", "CAP-06")
@pytest.mark.parametrize(
    ("there", "wanted", "gets"),
    [(15.0, [10.0], [10.0]), (15.0, [20.0], [15.0]), (12.0, [10.0, 10.0], [2.0, 10.0])],
    ids=["enough", "too little", "the more important first"],
)
def test_what_nothing_brings_goes_to_the_source_that_takes_the_least_of_it(
    there: float, wanted: list[float], gets: list[float]
) -> None:
    """R takes two B for one A, R2 one: by R alone 15 B make 7 A."""
    snapshot = factories.snapshot(
        routings=[{}, {"routing": "R2", "preference": 2}],
        resources=[{}],
        steps=[{"routing": one, "run_minutes_per_unit": 60} for one in ("R", "R2")],
        step_resources=[{"routing": one} for one in ("R", "R2")],
        bom_lines=[{"qty_per": 2}, {"routing": "R2"}],
        stock=[{"product": "B", "qty": there}],
        demands=[
            {"qty": qty, "due": day(3 + place), "priority": 2 - place}
            for place, qty in enumerate(wanted)
        ],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    assert made.fulfilment.sort("demand")["planned"].to_list() == gets


@pytest.mark.req("MRP-02", "CAP-06")
def test_what_nothing_brings_is_spared_also_below_what_a_source_takes() -> None:
    """X takes three B, Y one; A is made of an X by R, else of a Y: 12 B make 10 A."""
    makes = {"R": "A", "R2": "A", "RX": "X", "RY": "Y"}
    snapshot = factories.snapshot(
        routings=[
            {"routing": one, "product": of, "preference": 1 + (one == "R2")}
            for one, of in makes.items()
        ],
        resources=[{}],
        steps=[{"routing": one, "run_minutes_per_unit": 1} for one in makes],
        step_resources=[{"routing": one} for one in makes],
        bom_lines=[
            {"component": "X"},
            {"routing": "R2", "component": "Y"},
            {"routing": "RX", "qty_per": 3},
            {"routing": "RY"},
        ],
        stock=[{"product": "B", "qty": 12}],
        demands=[{"due": day(3)}],
    )
    made = plan(snapshot, "constrained")
    assert verify(made, snapshot) == []
    assert made.fulfilment["status"].to_list() == ["on_time"]
