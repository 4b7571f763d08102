"""What a change costs, and the repair after a disruption, of tables without a lake."""

from __future__ import annotations

import pytest

import medhavi as mv
from medhavi.errors import UsageError
from medhavi.findings import BadData
from tests import factories
from tests.planners.small_plans import day


def stocked():
    """12 of A in stock, 10 wanted on day 1; more is bought in 5 days at 2 apiece."""
    return factories.snapshot(
        demands=[{"demand": "D", "qty": 10, "due": day(1)}],
        stock=[{"product": "A", "location": "L", "qty": 12}],
        suppliers=[{"supplier": "S"}],
        supply_terms=[{"lead_time_days": 5, "unit_price": 2}],
    )


TWICE = {"kind": "demand_factor", "factor": 2}


def test_a_change_of_the_tables_has_its_price_and_victims():
    """Of 20 wanted pieces 12 are there: 8 are bought for 16, and four days late."""
    snapshot = stocked()
    plan = mv.plan(snapshot, "constrained")
    found = mv.cost_of_change(snapshot, plan, TWICE)
    assert found.price.purchase == 16.0
    assert [(one.demand, one.late_hours) for one in found.victims] == [("D", 96.0)]
    tried = mv.plan(mv.apply(snapshot, mv.changes([TWICE])), "constrained")
    assert found.plan.supplies.equals(tried.supplies)
    assert found.price.total == found.price.purchase + found.price.lateness > 16.0
    with pytest.raises(BadData, match="product Z is not in"):
        mv.cost_of_change(snapshot, plan, {**TWICE, "product": "Z"})


def test_a_change_of_an_order_has_its_price():
    """Nobody takes the order of 3 pieces, at 2 apiece, that does not come."""
    snapshot = stocked().replace(
        supply_orders=[
            {
                "supply_order": "PO-1",
                "kind": "purchase",
                "product": "A",
                "location": "L",
                "source": "S",
                "qty": 3,
                "due": day(6),
                "status": "firmed",
            }
        ]
    )
    plan = mv.plan(snapshot)
    found = mv.cost_of_change(snapshot, plan, {"kind": "cancel", "supply": "PO-1"})
    assert (found.price.purchase, found.victims) == (-6.0, ())
    with pytest.raises(BadData, match="PO-9"):
        mv.cost_of_change(snapshot, plan, {"kind": "cancel", "supply": "PO-9"})
    with pytest.raises(UsageError, match="no melt"):
        mv.cost_of_change(
            snapshot, plan, {"kind": "cancel", "supply": "PO-1", "melt": 1}
        )
    with pytest.raises(UsageError, match="made of other tables"):
        mv.cost_of_change(stocked(), plan, {"kind": "cancel", "supply": "PO-1"})


DELAY = {"kind": "supplier_delay", "supplier": "S", "days": 3}


def test_a_plan_is_repaired_after_a_disruption():
    """The purchase comes three days later."""
    snapshot = mv.apply(stocked(), mv.changes([TWICE]))
    plan = mv.plan(snapshot, "constrained", {"effort": "light"})
    repaired = mv.replan(snapshot, plan, [DELAY])
    assert (repaired.run.mode, repaired.run.settings["effort"]) == (
        "constrained",
        "light",
    )
    assert mv.verify(repaired, mv.apply(snapshot, mv.changes([DELAY]))) == []
    (before,), (after,) = plan.supplies["finish"], repaired.supplies["finish"]
    assert (after - before).days == 3


def test_stability_is_a_price_of_modes_that_search():
    snapshot = stocked()
    plan = mv.plan(snapshot, "constrained")
    assert mv.replan(snapshot, plan, [DELAY], stability=5.0).supplies.is_empty()
    with pytest.raises(UsageError, match="stability_price"):
        mv.replan(snapshot, plan, [DELAY], stability=-1.0)
    with pytest.raises(UsageError, match="stability_price"):
        mv.replan(snapshot, mv.plan(snapshot), [DELAY], stability=5.0)
    with pytest.raises(BadData, match="STU"):
        mv.replan(snapshot, plan, [{"kind": "earthquake"}])
