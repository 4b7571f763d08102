"""Plans that a search found of products that are only bought, by all their rules."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.search_plants import workshop
from tests.planners.test_search_plans import searched, workshops

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

POLICIES = (
    {},
    {"lot_rule": "poq", "cover_days": 4.0},
    {"lot_rule": "fixed", "lot_size": 7.0},
    {"lot_rule": "min_max", "min_qty": 3.0, "max_qty": 11.0},
    {"safety_qty": 5.0},
    {"safety_days": 3.0},
    {"source_rule": "cost"},
    {"source_rule": "earliest"},
)


def day(number: float | None) -> dt.datetime | None:
    return None if number is None else AS_OF + dt.timedelta(days=number)


@st.composite
def terms(draw: st.DrawFn, supplier: str, product: str) -> dict[str, Any]:
    """Terms of a supplier, with lots, soft time and a validity."""
    return {
        "supplier": supplier,
        "product": product,
        "location": "P",
        "lead_time_days": float(draw(st.integers(0, 9))),
        "preference": draw(st.sampled_from([1, 2])),
        "moq": float(draw(st.integers(0, 5))),
        "max_lot": draw(st.sampled_from([None, None, 6.0])),
        "unit_price": draw(st.sampled_from([1.0, 50.0])),
        "safety_days": draw(st.sampled_from([0.0, 0.0, 2.0])),
        "batch_window_days": draw(st.sampled_from([0.0, 0.0, 5.0])),
        "fence_days": draw(st.sampled_from([0.0, 0.0, 1.0])),
        "valid_from": day(draw(st.sampled_from([None, None, -5, 3]))),
        "valid_to": day(draw(st.sampled_from([None, None, 6, 20]))),
    }


@st.composite
def purchasers(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops with two bought products of two suppliers, demanded too."""
    tables = draw(workshops())
    bought = ("RAW", "RAW2")
    part = {"routing": "make A", "line": 7, "component": "RAW2", "qty_per": 1.0}
    demands = [
        {
            "demand": f"R{number}",
            "product": draw(st.sampled_from(bought)),
            "location": "P",
            "qty": 2.0,
            "due": day(draw(st.integers(0, 15))),
            "priority": draw(st.integers(1, 3)),
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    shared = draw(st.sampled_from(["", "", "S", "ST"]))
    policies = [
        {"product": product, "location": "P", **draw(st.sampled_from(POLICIES))}
        for product in bought
    ]
    kept = [row for row in tables["inventory_policies"] if row["product"] != "RAW"]
    return {
        **tables,
        "products": [*tables["products"], {"product": "RAW2"}],
        "suppliers": [*tables["suppliers"], {"supplier": "T"}],
        "supply_terms": [draw(terms(one, two)) for one in "ST" for two in bought],
        "sourcing": [
            {
                "product": "RAW",
                "location": "P",
                "kind": "buy",
                "source": supplier,
                "share_pct": 60.0,
            }
            for supplier in shared
        ],
        "inventory_policies": kept + policies,
        "bom_lines": [*tables["bom_lines"], part],
        "demands": [*tables["demands"], *demands],
    }


@pytest.mark.req("MRP-02", "MRP-03", "MRP-06", "CAP-06")
@settings(max_examples=examples(2, 200), phases=[Phase.generate], deadline=None)
@given(purchasers(), st.sampled_from(["light", "standard"]))
def test_what_is_bought_by_any_rule_is_there_when_a_search_counts_on_it(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []


def bought(made: Plan) -> list[tuple[str, float, float]]:
    """Source, order date [days from now] and quantity of purchases of RAW."""
    rows = made.supplies.filter(pl.col("product") == "RAW", pl.col("kind") == "buy")
    return [
        (source, (start - AS_OF) / dt.timedelta(days=1), qty)
        for source, start, qty in rows.sort("start")
        .select("source", "start", "qty")
        .rows()
    ]


@pytest.mark.req("MRP-02", "CAP-06")
def test_the_preferred_supplier_is_left_out_only_where_it_would_be_late() -> None:
    """Three A by day 5 need their RAW on day 2.5; T brings it in 2 days, S in 20."""
    tables = workshop([("A", 3.0, 5.0, 1), ("A", 3.0, 40.0, 1)], least=3.0, lead=20.0)
    quick = {"supplier": "T", "product": "RAW", "location": "P", "preference": 2}
    tables["suppliers"] = [{"supplier": "S"}, {"supplier": "T"}]
    tables["supply_terms"] += [{**quick, "lead_time_days": 2.0, "moq": 3.0}]
    made = searched(tables)
    assert [(source, qty) for source, _, qty in bought(made)] == [
        ("T", 3.0),
        ("S", 3.0),
    ]
    assert made.run.effort["late"] == 0


@pytest.mark.req("MRP-06")
def test_purchases_of_a_batch_window_are_one_order_before_the_first_need() -> None:
    tables = workshop([("A", 3.0, 20.0, 1), ("A", 3.0, 24.0, 1)], least=3.0, lead=2.0)
    (row,) = tables["supply_terms"]
    tables["supply_terms"] = [row | {"batch_window_days": 30.0, "safety_days": 4.0}]
    made = searched(tables)
    ((source, start, qty),) = bought(made)
    assert (source, qty) == ("S", 6.0)
    # The parts for day 20 take 30 hours and the products 30; safety 4 days, lead 2.
    assert start == pytest.approx(20 - 2.5 - 4 - 2)


@pytest.mark.req("MRP-02")
def test_what_is_ordered_after_its_terms_end_is_ordered_before_they_do() -> None:
    tables = workshop([("A", 3.0, 30.0, 1)], least=3.0, lead=2.0)
    (row,) = tables["supply_terms"]
    tables["supply_terms"] = [row | {"valid_to": day(7)}]
    made = searched(tables)
    ((_, start, qty),) = bought(made)
    assert qty == 3.0
    assert start < 7


@pytest.mark.req("MRP-02", "CAP-12")
def test_stock_of_what_is_bought_stays_with_a_demand_that_is_due_before_more_is() -> (
    None
):
    """D1 wants RAW on day 1, three come on day 3 and more on day 5."""
    tables = workshop([("A", 3.0, 6.0, 1), ("RAW", 3.0, 4.0, 1)], lead=5.0)
    tables["supply_orders"] = [
        {
            "supply_order": "P1",
            "kind": "purchase",
            "product": "RAW",
            "location": "P",
            "source": "S",
            "qty": 3.0,
            "due": day(3),
            "status": "released",
        }
    ]
    made = searched(tables)
    status = dict(made.fulfilment.select("demand", "status").rows())
    assert status == {"D0": "late", "D1": "on_time"}


LIMITED = {
    "suppliers": [{"supplier": "S"}, {"supplier": "T"}],
    "supplier_capacity": [{"supplier": "S", "qty": 20, "valid_to": day(60)}],
}


@pytest.mark.req("SUP-02", "SUP-07")
@pytest.mark.parametrize("ends", [None, 10])
@pytest.mark.parametrize("made", [False, True])
def test_who_has_no_room_for_its_least_order_leaves_it_to_another(ends, made):
    # S delivers in 5 days, 30 at least and 20 at most until day 60: never, or on day
    # 60. T brings 10 in 7 days. For a component of day 30 nothing was planned, or it
    # came on day 60.
    valid = {} if ends is None else {"valid_to": day(ends)}
    part = {"product": "B"} if made else {}
    work = (
        {
            "products": [{"product": "A"}, {"product": "B"}],
            "routings": [{}],
            "steps": [{"run_minutes_per_unit": 1}],
            "step_resources": [{}],
            "resources": [{}],
            "bom_lines": [{}],
        }
        if made
        else {}
    )
    snapshot = factories.snapshot(
        **LIMITED,
        **work,
        supply_terms=[
            {"supplier": "S", "lead_time_days": 5, "moq": 30, **part, **valid},
            {"supplier": "T", "lead_time_days": 7, **part},
        ],
        demands=[{"qty": 10, "due": day(30)}],
    )
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert found.fulfilment["status"].to_list() == ["on_time"]
    bought = found.supplies.filter(kind="buy")
    assert bought.select("source", "qty").rows() == [("T", 10)]


def test_who_alone_has_room_later_is_waited_for():
    # S alone: 30 at least, 20 at most until day 60, so it comes on that day.
    snapshot = factories.snapshot(
        supplier_capacity=LIMITED["supplier_capacity"],
        supply_terms=[{"lead_time_days": 5, "moq": 30}],
        demands=[{"qty": 10, "due": day(30)}],
    )
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert found.fulfilment["lateness_h"].to_list() == [30 * 24]


@pytest.mark.req("SUP-02", "SUP-07")
@pytest.mark.parametrize("preference", [1, 2])
def test_what_cannot_be_made_for_a_supplier_without_room_is_bought(preference):
    # B is made of E, of which S brings 30 at least and never has room for them, or
    # bought of T. Nothing was planned, for B was to be made.
    snapshot = factories.snapshot(
        **LIMITED,
        products=[{"product": name} for name in "ABE"],
        routings=[
            {"routing": f"R{name}", "product": name, "location": "L"} for name in "AB"
        ],
        steps=[{"routing": f"R{name}", "run_minutes_per_unit": 1} for name in "AB"],
        step_resources=[{"routing": f"R{name}", "resource": "M"} for name in "AB"],
        resources=[{}],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RB", "component": "E"},
        ],
        supply_terms=[
            {"supplier": "S", "product": "E", "moq": 30, "valid_to": day(10)},
            {"supplier": "T", "product": "B", "preference": preference},
        ],
        demands=[{"qty": 10, "due": day(20)}],
    )
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert found.fulfilment["status"].to_list() == ["on_time"]
    made = found.supplies.sort("product").select("product", "source").rows()
    assert made == [("A", "RA"), ("B", "T")]
