"""What is pegged to demands that take it by way of orders is kept for them, or told."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from tests import factories, wide_networks
from tests.api import plan, verify
from tests.examples import some
from tests.planners import wide_snapshots
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan

    Tables = dict[str, list[dict[str, Any]]]

LIGHT = {**KERNELS, "effort": "light"}
PLACES = [{"location": name} for name in ("PLANT", "WH")]
LANE = {"lane": "T", "origin": "PLANT", "destination": "WH", "duration_h": 24.0}


def planned(**rows: Any) -> Plan:
    """Plan a small company; the independent check has to find nothing."""
    tables = {"locations": PLACES, "lanes": [LANE], **rows}
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained", LIGHT)
    assert [str(one) for one in verify(made, snapshot)] == []
    return made


def lot(name: str, qty: float, **more: Any) -> dict[str, Any]:
    return {"product": "A", "location": "PLANT", "lot": name, "qty": qty, **more}


def wanted(qty: float, due: float, **more: Any) -> dict[str, Any]:
    place = {"demand": "D", "product": "A", "location": "WH"}
    return {**place, "qty": qty, "due": day(due), **more}


def peg(supply: str, qty: float) -> dict[str, Any]:
    place = {"product": "A", "location": "PLANT"}
    return {"demand": "D", "supply": f"A|PLANT|{supply}", **place, "qty": qty}


BOUGHT = [{"product": "A", "location": "PLANT", "lead_time_days": 2.5}]


def pegged(made: Plan) -> dict[str, float]:
    """What is pegged of each lot."""
    lots = made.pegging.filter(source="INV").group_by("supply")
    return dict(lots.agg(pl.col("qty").sum()).iter_rows())


def test_a_demand_gets_its_customers_lot_that_it_is_pegged_to_by_a_move() -> None:
    made = planned(
        customers=[{"customer": "C"}],
        stock=[lot("OWN", 30.0, owner="C"), lot("OURS", 30.0)],
        demands=[wanted(30.0, 5, customer="C")],
        supply_terms=BOUGHT,
        pegs=[peg("OWN", 30.0)],
    )
    assert pegged(made) == {"A|PLANT|OWN": 30.0}


def test_the_lot_that_is_pegged_is_moved_and_not_one_that_comes_first() -> None:
    made = planned(
        stock=[lot("L0", 45.0), lot("L1", 15.0)],
        demands=[wanted(40.0, 5)],
        supply_terms=BOUGHT,
        pegs=[peg("L1", 5.0)],
    )
    assert pegged(made)["A|PLANT|L1"] >= 5.0


def test_what_a_peg_keeps_beyond_the_need_of_a_move_is_told() -> None:
    made = planned(
        stock=[lot("L0", 60.0)],
        demands=[wanted(55.0, 5)],
        routings=[{"routing": "R", "product": "A", "location": "PLANT"}],
        pegs=[peg("L0", 60.0)],
        settings=[{"over_peg": "allow"}],
    )
    told = made.exceptions.filter(code="OverPegged")
    assert told.select("supply", "qty").rows() == [("A|PLANT|L0", 5.0)]


def test_a_hold_gets_what_is_pegged_and_not_needed_and_nothing_before() -> None:
    hold = {"reservation": "V", "subject": "A", "location": "PLANT", "qty": 33.0}
    for over, kept in (("cap", 0.0), ("allow", 37.0)):
        made = planned(
            stock=[lot("L0", 43.0)],
            demands=[wanted(6.0, 5)],
            supply_terms=BOUGHT,
            pegs=[peg("L0", 43.0)],
            reservations=[hold],
            settings=[{"over_peg": over}],
        )
        assert made.exceptions.filter(code="OverPegged")["qty"].sum() == kept
        assert pegged(made) == {"A|PLANT|L0": 6.0}


def test_what_dies_is_made_in_time_where_orders_are_placed_anew() -> None:
    """A step was found long before the next one; the life began with the first one."""
    made = planned(
        products=[{"product": "A", "shelf_life_days": 10.0}],
        routings=[{"routing": "R", "product": "A", "location": "PLANT"}],
        resources=[{"resource": "M", "location": "PLANT"}],
        steps=[
            {"routing": "R", "step": step, "run_minutes_per_unit": 7.5}
            for step in (1, 2)
        ],
        step_resources=[
            {"routing": "R", "step": step, "resource": "M"} for step in (1, 2)
        ],
        demands=[wanted(40.0, 25), wanted(35.0, 35, demand="E")],
        pegs=[peg("GONE", 40.0)],
    )
    assert made.fulfilment["planned"].to_list() == [40.0, 35.0]


# --- companies that use many rules at once -------------------------------------------
@pytest.mark.req("MRP-11")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_a_peg_at_a_place_that_a_demand_may_not_ship_from_is_told(mode: str) -> None:
    """D may be served from PLANT only, where nothing is; E takes the lot that D lacks.

    D is pegged to all ten units of the lot at WH: the plan says that it cannot be kept.
    """
    place = {"product": "A", "location": "WH"}
    snapshot = factories.snapshot(
        locations=PLACES,
        stock=[lot("L1", 10, location="WH")],
        demands=[
            wanted(10, 5, ship_from="PLANT"),
            {**place, "demand": "E", "qty": 10, "due": day(5)},
        ],
        pegs=[{"demand": "D", "supply": "A|WH|L1", **place, "qty": 10}],
    )
    made = plan(snapshot, mode)
    assert [str(one) for one in verify(made, snapshot)] == []
    told = made.exceptions.filter(code="FirmPegBroken")
    assert told["demand"].to_list() == ["D"]
    given = made.pegging.filter(supply="A|WH|L1").select("demand", "qty").rows()
    assert given == [("E", 10.0)]


def with_pegs(rows: Tables, seed: int) -> Tables:
    """A company whose demands are pegged to whatever stands, wherever it is."""
    draw = random.Random(seed + 7)
    stands = [
        (one["product"], one["location"], lot_of(one), abs(one["qty"]))
        for one in rows.get("stock", [])
    ]
    stands += [
        (one["product"], one["location"], one["supply_order"], one["qty"])
        for one in rows.get("supply_orders", [])
        if one["status"] != "planned"
    ]
    pegs: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(draw.randint(1, 5) if stands and rows.get("demands") else 0):
        product, location, supply, qty = draw.choice(stands)
        demand = draw.choice(rows["demands"])["demand"]
        part = max(1.0, float(int(qty * draw.choice([0.2, 0.5, 1.0]))))
        place = {"product": product, "location": location, "supply": supply}
        pegs[demand, supply] = {"demand": demand, **place, "qty": part}
    over = draw.choice(["allow", "cap"])
    known = rows.get("settings") or [{}]
    return {
        **rows,
        "pegs": list(pegs.values()),
        "settings": [{**known[0], "over_peg": over}],
    }


MAY_NOT_HAVE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of another customer": ({"customer": "C2"}, {"owner": "C"}),
    "of a customer": ({}, {"owner": "C"}),
    "of a lower class": ({"min_quality": "I"}, {"quality": "II"}),
    "without the grade": ({"requires": ["grade=A"]}, {}),
}


@pytest.mark.req("OMC-7.12.9")
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
@pytest.mark.parametrize("case", MAY_NOT_HAVE)
def test_what_a_demand_may_not_have_goes_to_who_may_and_its_peg_is_broken(
    case: str, mode: str
) -> None:
    """10 there, pegged to D, who may not have it: D2 takes it, and that is no fault."""
    asks, of_lot = MAY_NOT_HAVE[case]
    snapshot = factories.snapshot(
        settings=[{"quality_classes": ["I", "II"]}],
        locations=PLACES,
        customers=[{"customer": "C"}, {"customer": "C2"}],
        stock=[lot("a", 10.0, **of_lot)],
        demands=[
            wanted(10.0, 5, **asks) | {"location": "PLANT"},
            wanted(10.0, 3, customer="C") | {"demand": "D2", "location": "PLANT"},
        ],
        pegs=[peg("a", 10.0)],
    )
    made = plan(snapshot, mode)
    assert made.pegging.select("demand", "supply").rows() == [("D2", "A|PLANT|a")]
    assert made.exceptions.filter(code="FirmPegBroken")["demand"].to_list() == ["D"]
    assert [str(one) for one in verify(made, snapshot)] == []


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_an_order_that_dies_before_its_demand_needs_it_goes_to_who_can_use_it(
    mode: str,
) -> None:
    """Ten arrive on day 6 and live 10 days; D, pegged to them, needs them on day 20."""
    at_plant = {"location": "PLANT"}
    snapshot = factories.snapshot(
        products=[{"product": "A", "shelf_life_days": 10.0}],
        locations=PLACES,
        supply_orders=[
            {
                "supply_order": "O",
                "kind": "purchase",
                "product": "A",
                **at_plant,
                "qty": 10.0,
                "due": day(6),
                "status": "in_process",
            }
        ],
        supply_terms=BOUGHT,
        demands=[
            wanted(10.0, 20, **at_plant),
            wanted(10.0, 8, demand="E", **at_plant),
        ],
        pegs=[peg("a", 10.0) | {"supply": "O"}],
    )
    made = plan(snapshot, mode)
    assert made.pegging.filter(supply="O")["demand"].to_list() == ["E"]
    assert made.exceptions.filter(code="FirmPegBroken")["demand"].to_list() == ["D"]
    assert [str(one) for one in verify(made, snapshot)] == []


def lot_of(row: dict[str, Any]) -> str:
    return f"{row['product']}|{row['location']}|{row['lot']}"


def check(draw: Callable[[int], Tables], seed: int, mode: str) -> None:
    """Plan a company in which demands are pegged; what is refused is no fault."""
    try:
        snapshot = factories.snapshot(**with_pegs(draw(seed), seed))
        made = plan(snapshot, mode, LIGHT if mode == "constrained" else {})
    except (BadData, NotAvailable):
        return
    assert [str(one) for one in verify(made, snapshot)] == []


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("seed", [2188, 2218, *some(range(3000, 3300), 2)])
def test_pegs_of_contradictory_companies_are_kept_or_told(seed: int, mode: str) -> None:
    check(wide_snapshots.wide_tables, seed, mode)


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("seed", [2114, *some(range(3000, 3300), 2)])
def test_pegs_of_companies_with_many_rules_are_kept_or_told(
    seed: int, mode: str
) -> None:
    check(wide_networks.wide_tables, seed, mode)
