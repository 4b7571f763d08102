"""Holds whose owners are served by another way: nothing is wanted twice (MRP-05).

A is bought at L, 20 days, and moved to W in a day. D1 wants 10 at W on day 10 and holds
10 at L; 10 lie at W, so it needs none of them. D2 wants 10 at L on day 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from benchmarks.demo_company import company
from tests import factories
from tests.api import plan, promise, promise_effect, verify
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

HELD = {"demand": "D1", "state": "confirmed"}
MODES = ("mrp", "constrained", "optimize")


def rows(**more: Any) -> dict[str, Any]:
    return {
        "lanes": [{}],
        "supply_terms": [{"lead_time_days": 20}],
        "demands": [
            {"location": "W", "due": day(10)},
            {"location": "L", "due": day(5)},
        ],
        "reservations": [HELD],
        "stock": [{"location": "W"}],
        **more,
    }


def planned(mode: str, snapshot: Snapshot) -> Plan:
    made = plan(snapshot, mode, KERNELS if mode == "constrained" else {})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def takers(made: Plan, supply: str) -> set[str]:
    return set(made.pegging.filter(pl.col("supply") == supply)["demand"])


@pytest.mark.req("MRP-05", "RES-07")
@pytest.mark.parametrize("mode", MODES)
def test_a_receipt_that_its_owner_does_without_is_for_others(mode: str) -> None:
    receipt = {"due": day(3), "status": "firmed"}
    made = planned(mode, factories.snapshot(**rows(supply_orders=[receipt])))
    assert made.fulfilment["status"].to_list() == ["on_time", "on_time"]
    assert takers(made, "A|W|") == {"D1"}
    assert takers(made, "O1") == {"D2"}


@pytest.mark.req("MRP-05", "RES-07")
@pytest.mark.parametrize("mode", MODES)
def test_a_receipt_that_its_owner_needs_is_kept_for_it(mode: str) -> None:
    receipt = {"due": day(3), "status": "firmed"}
    tables = rows(supply_orders=[receipt], stock=[])
    made = planned(mode, factories.snapshot(**tables))
    assert takers(made, "O1") == {"D1"}
    assert made.fulfilment["lateness_h"].to_list()[0] == 0


@pytest.mark.req("RES-07")
@pytest.mark.parametrize("mode", MODES)
def test_goods_that_are_there_stay_set_aside_for_their_owner(mode: str) -> None:
    tables = rows(stock=[{"location": "W"}, {"location": "L"}])
    made = planned(mode, factories.snapshot(**tables))
    assert takers(made, "A|L|") == set()


@pytest.mark.req("MRP-05", "RES-07")
def test_goods_that_a_refused_demand_leaves_are_set_aside_before_receipts() -> None:
    # The lot at L is pegged to D2, so the hold of D1 is on the receipt, which D1 does
    # without. D2 is too late and gets nothing: now the hold is on the lot, and D3 gets
    # the receipt.
    tables = rows(
        stock=[{"location": "W"}, {"location": "L"}],
        supply_orders=[{"due": day(3), "status": "firmed"}],
        pegs=[{"demand": "D2", "location": "L", "supply": "A|L|", "qty": 10.0}],
        demands=[
            {"location": "W", "due": day(10)},
            {"location": "L", "due": day(-3), "max_lateness_days": 2.0},
            {"location": "L", "due": day(5)},
        ],
    )
    made = planned("constrained", factories.snapshot(**tables))
    assert made.fulfilment["planned"].to_list() == [10.0, 0.0, 10.0]
    assert takers(made, "A|L|") == set()
    assert takers(made, "O1") == {"D3"}


@pytest.mark.req("MRP-05", "CAP-05")
@pytest.mark.nightly
def test_promises_of_the_demo_company_are_planned_by_the_search() -> None:
    # Each holds goods at several places, components, hours and departures. What orders
    # take of it serves others as well: that is no reason to net all by all rules.
    snapshot = company("small")
    light = {"effort": "light"}
    made = plan(snapshot, "constrained", light)
    asked = [
        ("ROS-LS300", "CL-1016", 2500, "2026-11-30"),
        ("OLI-CO250", "CL-1016", 3000, "2026-11-24"),
        ("AGR-BL150", "CL-1013", 3200, "2026-11-07"),
    ]
    for product, place, qty, due in asked[: examples(1, 3)]:
        request = {"product": product, "location": place, "qty": qty, "due": due}
        (answer,) = promise(snapshot, [{**request, "customer": f"C{place[2:]}"}])
        assert answer.date is not None
        effect = promise_effect(made, snapshot, [answer])
        assert effect.plan is not None
        assert effect.plan.run.engine == "search"
        own = str(answer.demand["demand"])
        rows = effect.plan.fulfilment.filter(pl.col("demand") == own)
        assert rows["short"].to_list() == [0]
