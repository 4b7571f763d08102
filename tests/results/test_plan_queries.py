"""The five diagnostic queries of a plan, each reckoned by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.results.reports import plan_queries as queries
from tests import factories
from tests.api import plan


def day(number: float) -> dt.datetime:
    return factories.AS_OF + dt.timedelta(days=number)


COMPANY: dict[str, list[dict[str, Any]]] = {
    "settings": [{"bucket": "week"}],
    "resources": [{"resource": name} for name in ("BUSY", "HALF", "IDLE")],
    "routings": [{"routing": f"R{one}", "product": one} for one in "ABC"],
    "steps": [{"routing": f"R{one}", "run_minutes_per_unit": 60} for one in "ABC"],
    "step_resources": [
        {"routing": "RA", "step": 1, "resource": "BUSY"},
        {"routing": "RC", "step": 1, "resource": "BUSY"},
        {"routing": "RB", "step": 1, "resource": "HALF"},
    ],
    "stock": [{"product": "S", "qty": 15}],
    "inventory_policies": [{"product": "S", "safety_qty": 20}],
    "demands": [
        {"demand": "DA", "product": "A", "qty": 144, "due": day(7)},
        {"demand": "DC", "product": "C", "qty": 144, "due": day(7), "priority": 9},
        {"demand": "DB", "product": "B", "qty": 42, "due": day(7)},
        {"demand": "DS", "product": "S", "qty": 10, "due": day(5)},
    ],
}
"""168 h: twice 144 h on BUSY, 42 on HALF, none on IDLE; 5 of S left, 20 to stay."""


def made(mode, **rows):
    snapshot = factories.snapshot(**{**COMPANY, **rows})
    return plan(snapshot, mode), snapshot


@pytest.mark.req("OME-08")
def test_overload_and_breached_safety_stock_are_told_with_their_size():
    found, _ = made("mrp")
    assert queries.overloaded_resources(found).rows() == [
        ("BUSY", day(0), 168, 288, 120)
    ]
    assert queries.safety_breaches(found).select(
        "product", "since", "below"
    ).rows() == [("S", day(0), 15)]


@pytest.mark.req("OME-08")
def test_a_resource_without_any_work_is_unused_too():
    """IDLE has no row among the loads of the plan; HALF is used 42 of 168 hours."""
    found, snapshot = made("mrp")
    rows = queries.unused_capacity(found, snapshot)
    assert rows.select("resource", "used", "share").rows() == [
        ("IDLE", 0, 0),
        ("HALF", 42, 0.25),
    ]
    assert queries.unused_capacity(found, snapshot, 0.2)["resource"].to_list() == [
        "IDLE"
    ]


@pytest.mark.req("OME-08")
def test_late_demands_are_told_by_what_they_cost():
    """288 h end 120 h after day 7, those of the less important demand."""
    found, _ = made("constrained")
    (row,) = queries.late_demands(found).to_dicts()
    assert (row["demand"], row["lateness_h"], row["limiter"]) == (
        "DC",
        120,
        "CapacityShortfall",
    )
    assert row["money"] > 0


@pytest.mark.req("OME-08")
def test_orders_that_differ_from_a_plan_before_are_named():
    before, _ = made("constrained")
    assert queries.plan_changes(before, before).is_empty()
    demands = [
        {**one, "qty": 50} for one in COMPANY["demands"] if one["product"] == "B"
    ]
    demands += [one for one in COMPANY["demands"] if one["product"] != "B"]
    after, _ = made("constrained", demands=demands)
    rows = queries.plan_changes(before, after)
    assert rows.select("change", "product", "qty").rows() == [("changed", "B", 50)]


@pytest.mark.req("OME-03")
def test_large_quantities_are_told_in_digits():
    """1,234,567 of S less 10 are left where 2,000,000 are to stay."""
    found, _ = made(
        "mrp",
        stock=[{"product": "S", "qty": 1_234_577}],
        inventory_policies=[{"product": "S", "safety_qty": 2_000_000}],
    )
    (told,) = found.exceptions.filter(code="BelowSafety")["message"]
    assert told == "Projected 1,234,567, safety 2,000,000."
