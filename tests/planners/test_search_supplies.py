"""Plans that were sought of stock that is held, pegged, of customers, or below zero."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.netted_plans import netted
from tests.planners.search_plants import two_sites, workshop
from tests.planners.small_plans import KERNELS
from tests.planners.test_search_plans import (
    delivered,
    searched,
    work_orders,
    workshops,
)

PLAIN = settings(phases=[Phase.generate], deadline=None)
HERE = {"location": "P"}


def after(days: float) -> dt.datetime:
    return AS_OF + dt.timedelta(days=days)


@st.composite
def holds(draw: st.DrawFn, demands: list[str]) -> list[dict[str, Any]]:
    """Reservations of material for demands, also for what goes into them."""
    return [
        {
            "reservation": f"R{number}",
            "key": f"R{number}",
            "kind": "material",
            "demand": draw(st.sampled_from([*demands, None])),
            "subject": draw(st.sampled_from(["B", "PART", "PART", "RAW"])),
            **HERE,
            "qty": float(draw(st.integers(1, 6))),
            "start": AS_OF,
            "finish": after(30),
        }
        for number in range(draw(st.integers(0, 3)))
    ]


@st.composite
def stocks(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lots, also of customers; of one product more is gone than there was."""
    owners = [None, "C1", "C2"]
    found = [
        {
            "product": product,
            **HERE,
            "lot": f"L{number}",
            "qty": float(draw(st.integers(1, 8))),
            "owner": draw(st.sampled_from(owners if product == "A" else [None])),
        }
        for number in range(draw(st.integers(0, 4)))
        for product in [draw(st.sampled_from(["A", "B", "PART", "RAW"]))]
    ]
    if draw(st.booleans()):
        gone = {"product": draw(st.sampled_from(["A", "PART", "RAW"])), **HERE}
        found.append({**gone, "lot": "GONE", "qty": -2.0})
    return found


@st.composite
def pegs(draw: st.DrawFn, tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Firm pegs of stock and receipts to demands for the same product."""
    supplies = [
        (row["product"], f"{row['product']}|P|{row.get('lot') or ''}")
        for row in tables["stock"]
        if row["qty"] > 0
    ]
    supplies += [
        (row["product"], row["supply_order"]) for row in tables["supply_orders"]
    ]
    pairs = [
        {"demand": row["demand"], "product": product, **HERE, "supply": supply}
        for row in tables["demands"]
        for product, supply in supplies
        if product == row["product"]
    ]
    if not pairs:
        return []
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=2, unique_by=str))
    return [{**row, "qty": float(draw(st.integers(1, 5)))} for row in chosen]


@st.composite
def companies(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops with stock that not everybody may take at any time."""
    tables = draw(workshops())
    for row in tables["resources"]:
        row["units"] = 1.0
    names = [row["demand"] for row in tables["demands"]]
    tables = tables | {
        "customers": [{"customer": "C1"}, {"customer": "C2"}],
        "demands": [
            row | {"customer": draw(st.sampled_from(["C1", "C2", None]))}
            for row in tables["demands"]
        ],
        "stock": tables["stock"] + draw(stocks()),
        "reservations": draw(holds(names)),
    }
    if draw(st.booleans()):
        orders = draw(work_orders())
        tables["supply_orders"] = [*tables["supply_orders"], *orders]
        for row in tables["supply_orders"]:
            # An order that is made for a demand is pegged to it.
            wants = [d["demand"] for d in tables["demands"]]
            row["demand"] = draw(st.sampled_from([*wants, None, None]))
    tables["pegs"] = draw(pegs(tables))
    return tables


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops whose part is moved from where it is made, and is held there."""
    tables = two_sites(
        draw(companies()), duration_h=draw(st.sampled_from([5.0, 30.0, 80.0]))
    )
    far = {"location": "F"}
    names = [row["demand"] for row in tables["demands"]]
    moved = [
        {**row, **far} if row["product"] in {"PART", "RAW"} else row
        for row in tables["stock"]
    ]
    held = [
        {**row, "subject": "PART", **far} if row["subject"] == "PART" else row
        for row in tables["reservations"]
    ]
    pinned = [row for row in tables["pegs"] if "PART" not in row["supply"]]
    wanted = draw(st.sampled_from(names))
    mine = next(row for row in tables["demands"] if row["demand"] == wanted)
    mine["product"] = "PART"
    own = {"subject": "PART", **far, "qty": mine["qty"], "demand": wanted}
    times = {"start": AS_OF, "finish": after(30), "kind": "material"}
    held.append({"reservation": "OWN", "key": "OWN", **own, **times})
    return tables | {"stock": moved, "reservations": held, "pegs": pinned}


@pytest.mark.req("MRP-05", "PEG-06", "CAP-06")
@settings(PLAIN, max_examples=examples(2, 100))
@given(st.one_of(companies(), sites()), st.sampled_from(["light", "standard"]))
def test_a_plan_with_stock_that_is_kept_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    snapshot = Snapshot.from_frames(tables)
    made = plan(
        snapshot,
        "constrained",
        {**KERNELS, "effort": effort},
    )
    assert [str(one) for one in verify(made, snapshot)] == []
    # Of orders that exist a search does not know all that they may be.
    assert made.run.engine == "search" or "order" in made.run.engine


@pytest.mark.req("MRP-05", "PEG-06")
@settings(PLAIN, max_examples=examples(2, 40))
@given(companies())
def test_the_search_delivers_what_is_netted_of_what_is_kept(
    tables: dict[str, Any],
) -> None:
    snapshot = Snapshot.from_frames(tables)
    made = plan(snapshot, "constrained", KERNELS)
    assert delivered(made) == delivered(netted(snapshot))


# --- goods that die ------------------------------------------------------------------
@st.composite
def mortals(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops, also of two sites, whose lots and products have an end of life."""
    tables: dict[str, Any] = draw(st.one_of(companies(), sites(), workshops()))
    days = st.sampled_from([3.0, 10.0, 30.0, None])
    lots = [
        {
            "product": product,
            "location": "F" if product == "PART" and "lanes" in tables else "P",
            "lot": f"OLD{number}",
            "qty": float(draw(st.integers(1, 9))),
            "expires_at": after(draw(st.integers(0, 15))),
        }
        for number in range(draw(st.integers(0, 4)))
        for product in [draw(st.sampled_from(["A", "PART", "RAW"]))]
    ]
    return tables | {
        "products": [
            row | {"shelf_life_days": draw(days)} for row in tables["products"]
        ],
        "stock": tables["stock"] + lots,
        "demands": [
            row | {"min_shelf_days": draw(st.sampled_from([0.0, 0.0, 2.0]))}
            for row in tables["demands"]
        ],
    }


@pytest.mark.req("MRP-02", "CAP-06")
@settings(PLAIN, max_examples=examples(2, 100))
@given(mortals(), st.sampled_from(["light", "standard"]))
def test_a_plan_of_goods_that_die_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    snapshot = Snapshot.from_frames(tables)
    more = {**KERNELS, "effort": effort}
    made = plan(snapshot, "constrained", more)
    assert [str(one) for one in verify(made, snapshot)] == []


@pytest.mark.nightly
@settings(PLAIN, max_examples=20)
@given(mortals())
def test_compiled_and_plain_kernels_find_the_same_plan_of_goods_that_die(
    tables: dict[str, Any],
) -> None:
    pytest.importorskip("numba")
    snapshot = Snapshot.from_frames(tables)
    found = [
        plan(snapshot, "constrained", {"engine": engine})
        for engine in ("numba", "python")
    ]
    assert found[0].supplies.equals(found[1].supplies)
    assert found[0].deliveries.equals(found[1].deliveries)


@pytest.mark.req("MRP-02")
def test_a_lot_that_dies_first_serves_first_and_nobody_too_late() -> None:
    """Ten lie there until day 3, ten for ever: what is due on day 5 takes these."""
    tables = workshop(
        [("PART", 4.0, 5.0, 1), ("PART", 3.0, 2.0, 2), ("A", 1.0, 9.0, 1)]
    )
    lot = {"product": "PART", **HERE, "qty": 10.0}
    lots = [{**lot, "lot": "OLD", "expires_at": after(3)}, {**lot, "lot": "NEW"}]
    made = searched(tables | {"stock": lots})
    taken = {
        (demand, supply[-3:]): qty
        for demand, supply, qty in made.pegging.select("demand", "supply", "qty").rows()
    }
    assert taken["D0", "NEW"] == 4.0
    assert taken["D1", "OLD"] == 3.0


@pytest.mark.req("MRP-02")
def test_what_is_made_does_not_lie_until_it_is_dead() -> None:
    """A lot of 6 parts serves both demands unless parts live for 8 days only."""
    demands = [("PART", 3.0, 12.0, 1), ("PART", 3.0, 22.0, 1)]
    tables = workshop(demands, least=6.0)
    lots = []
    for life in (30.0, 8.0):
        products = [row | {"shelf_life_days": life} for row in tables["products"]]
        made = searched(tables | {"products": products})
        parts = made.supplies.filter(pl.col("product") == "PART").sort("finish")
        lots.append(parts["qty"].to_list())
        assert made.fulfilment["lateness_h"].to_list() == [0.0, 0.0]
    assert lots == [[6.0], [6.0, 6.0]]


@pytest.mark.req("MRP-05")
def test_what_is_held_for_a_demand_is_moved_for_it_alone() -> None:
    """Four lie at F, held for D1, which is due later than D0: D0 has to be made."""
    tables = two_sites(
        workshop([("PART", 4.0, 3.0, 1), ("PART", 4.0, 4.0, 2)]), duration_h=5.0
    )
    far = {"location": "F", "qty": 4.0}
    hold = {"reservation": "R", "key": "R", "kind": "material", "subject": "PART"}
    times = {"start": AS_OF, "finish": after(30), "demand": "D1"}
    made = searched(
        tables
        | {"stock": [{"product": "PART", **far}]}
        | {"reservations": [{**hold, **far, **times}]}
    )
    late = dict(made.fulfilment.select("demand", "lateness_h").rows())
    assert late["D1"] == 0.0 < late["D0"]


@pytest.mark.req("MRP-02")
def test_what_nothing_brings_anew_is_short_as_in_the_general_way():
    """Five of RAW are there and none comes: two of eight B can be made of them."""
    tables = workshop([("B", 8.0, 10.0, 2)])
    tables["supply_terms"] = []
    raw = {"product": "RAW", **HERE, "qty": 5.0}
    snapshot = Snapshot.from_frames({**tables, "stock": [raw]})
    usual = netted(snapshot)
    made = plan(
        snapshot,
        "constrained",
        KERNELS,
    )
    assert made.run.engine == "search"
    assert verify(made, snapshot) == []
    row = made.fulfilment.row(0, named=True)
    assert (row["status"], row["planned"], row["short"]) == ("short", 2.0, 6.0)
    assert made.fulfilment.equals(usual.fulfilment)
    assert made.run.effort["late_at_least"] == 0


@pytest.mark.req("MRP-06", "CAP-01")
def test_no_demand_waits_for_stock_to_be_filled_up() -> None:
    """Three of A or B every two days, and eight days of work to fill up stock of A."""
    demands = [("AB"[number % 2], 3.0, 6.0 + 2.0 * number, 1) for number in range(7)]
    level = {"product": "A", **HERE, "safety_qty": 20.0}
    tables = workshop(demands) | {"inventory_policies": [level]}
    made = searched(tables, "light")
    assert made.fulfilment["lateness_h"].to_list() == [0.0] * 7
    assert made.supplies.filter(pl.col("product") == "A")["qty"].sum() == 32.0


@pytest.mark.req("HEU-03", "OMC-7.12.8")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize("priority", [1, 2])
@pytest.mark.parametrize("bought", [False, True], ids=["", "or bought too late"])
def test_who_can_wait_for_a_later_receipt_leaves_the_earlier_one(
    bought: bool, priority: int, mode: str
) -> None:
    """Receipts on days 4 and 8, due on days 3 and 9: one day late instead of five."""
    receipt = {"product": "A", "qty": 6.0, "status": "released"}
    snapshot = factories.snapshot(
        supply_orders=[
            {**receipt, "supply_order": f"P{at}", "due": after(at)} for at in (4, 8)
        ],
        supply_terms=[{"product": "A", "lead_time_days": 20}] if bought else [],
        demands=[
            {"demand": "D3", "product": "A", "qty": 6.0, "due": after(3)},
            {"demand": "D9", "product": "A", "qty": 6.0, "due": after(9)}
            | {"priority": priority},
        ],
    )
    made = plan(snapshot, mode)
    assert verify(made, snapshot) == []
    assert dict(made.fulfilment.select("demand", "lateness_h").rows()) == {
        "D3": 24,
        "D9": 0,
    }


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("effort", ["light", "standard"])
def test_an_existing_order_leaves_an_earlier_receipt_where_that_spares_an_order(
    effort: str,
) -> None:
    """A takes one PART. WO1 for 20 A starts on day 20, 20 A are due on day 17.

    20 PART come on day 7 and 20 on day 15: those of day 15 do for WO1, so those of day
    7 serve the demand, and no PART is made. In mode mrp it is the same.
    """
    tables = workshop([("A", 20.0, 17.0, 1)])
    order = {"product": "PART", **HERE, "kind": "purchase", "qty": 20.0}
    work = {"product": "A", **HERE, "kind": "work", "source": "make A", "qty": 20.0}
    tables["supply_orders"] = [
        {"supply_order": "PO1", "due": after(7), **order},
        {"supply_order": "PO2", "due": after(15), **order},
        {"supply_order": "WO1", "start": after(20), "due": after(29), **work},
    ]
    made = searched(tables, effort)
    assert made.fulfilment["lateness_h"].to_list() == [0.0]
    new = made.supplies.filter(status="planned")
    assert set(new["product"]) == {"A"}
    level = made.pegging.filter(product="PART").select("demand", "supply", "qty")
    assert set(level.rows()) == {("D0", "PO1", 20.0)}


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("bought", [False, True], ids=["", "or bought too late"])
def test_no_demand_waits_for_a_receipt_that_would_do_for_an_existing_order(
    bought: bool,
) -> None:
    """A takes one B. WO1 for 10 A starts on day 20, 10 A are due on day 10.

    10 B come on day 7 and 10 on day 15: five days late if WO1 takes those of day 7.
    """
    receipt = {"product": "B", "qty": 10.0, "status": "released"}
    work = {"product": "A", "kind": "work", "source": "R", "qty": 10.0}
    snapshot = factories.snapshot(
        routings=[{}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 30}] if bought else [],
        supply_orders=[
            *(
                {**receipt, "supply_order": f"P{at}", "due": after(at)}
                for at in (7, 15)
            ),
            {"supply_order": "WO1", "start": after(20), "due": after(22), **work},
        ],
        demands=[{"due": after(10)}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [0.0]
