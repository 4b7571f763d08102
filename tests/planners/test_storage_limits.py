"""Limits of storage in mode optimize: kept where a plan can, told where none does."""

from __future__ import annotations

import pytest

from medhavi.planners.master_plan.storage.storage_block import beyond_limits
from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.planners.optimal_plans import checked, parts, sources
from tests.planners.small_plans import day, exceptions, planned

DAILY = [{"bucket": "day"}]
TEN_A_WORKING_WEEK = [
    {"product": "A", "qty": 10, "due": day(at), "price": 50} for at in (5, 10, 15)
]


@pytest.mark.req("OMC-7.6.2", "OMC-7.9.1")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(("most", "cost"), [(20, 30), (19, 90)])
def test_a_least_order_that_has_no_room_is_left_for_a_dearer_supplier(
    effort, most, cost
):
    """30 at 1 leave 20 when the first ten are gone; ten at a time cost 3 each."""
    snapshot = factories.snapshot(
        settings=DAILY,
        demands=TEN_A_WORKING_WEEK,
        storage_limits=[{"max_qty": most}],
        supply_terms=[
            {"supplier": "S1", "lead_time_days": 2, "moq": 30, "unit_price": 1},
            {"supplier": "S2", "lead_time_days": 2, "unit_price": 3},
        ],
    )
    found = checked(snapshot, {"effort": effort})
    assert exceptions(found, "StorageLimit") == []
    assert scorecard(found, snapshot).total == pytest.approx(cost)
    assert set(found.fulfilment["status"]) == {"on_time"}


@pytest.mark.req("OMC-7.6.2")
@pytest.mark.parametrize("effort", ["light", "standard"])
@pytest.mark.parametrize(("most", "dear"), [(6, 0), (5, 1), (0, 6)])
def test_what_has_no_room_ahead_is_made_on_a_dearer_machine(effort, most, dear):
    """20 by day 5, 30 by day 6: of these 24 fit into a day, six are made ahead.

    An hour of the second machine costs 2 more.
    """
    both = ("1", 1), ("2", 3)
    snapshot = factories.snapshot(
        settings=DAILY,
        demands=[
            {"product": "A", "qty": qty, "due": day(at), "price": 50}
            for qty, at in ((20, 5), (30, 6))
        ],
        storage_limits=[{"max_qty": most}],
        resources=[{"resource": f"M{n}", "cost_per_hour": cost} for n, cost in both],
        routings=[{"routing": f"R{n}", "preference": int(n)} for n, _ in both],
        steps=[{"routing": f"R{n}", "run_minutes_per_unit": 60} for n, _ in both],
        step_resources=[{"routing": f"R{n}", "resource": f"M{n}"} for n, _ in both],
    )
    found = checked(snapshot, {"effort": effort})
    assert exceptions(found, "StorageLimit") == []
    assert parts(found)["making"] == pytest.approx(50 + 2 * dear)
    assert sources(found).get("R2", 0) == dear
    assert set(found.fulfilment["status"]) == {"on_time"}


@pytest.mark.req("OMC-7.6.2")
@pytest.mark.parametrize("most", [15, 5])
def test_a_demand_that_has_no_other_source_is_served_whatever_has_no_room(most):
    """30 at least, ten of them taken at once: 20 lie there."""
    snapshot = factories.snapshot(
        settings=DAILY,
        demands=TEN_A_WORKING_WEEK,
        storage_limits=[{"max_qty": most}],
        supply_terms=[{"lead_time_days": 2, "moq": 30, "unit_price": 1}],
    )
    found = checked(snapshot)
    assert set(found.fulfilment["status"]) == {"on_time"}
    assert [row["qty"] for row in exceptions(found, "StorageLimit")] == [20 - most]
    assert beyond_limits(found, snapshot) == 20 - most
    beyond = parts(found)["beyond storage"]
    # The program has no lots, so it has room.
    assert beyond == pytest.approx(0.0, abs=1e-9)


@pytest.mark.req("OMC-7.6.2")
def test_what_is_there_beyond_its_limit_stops_no_order_that_is_needed_later():
    """25 of which 5 may lie there; the last five are bought when they are needed."""
    snapshot = factories.snapshot(
        settings=DAILY,
        demands=TEN_A_WORKING_WEEK,
        stock=[{"qty": 25}],
        storage_limits=[{"max_qty": 5}],
        supply_terms=[{"lead_time_days": 2, "unit_price": 1}],
    )
    found = checked(snapshot)
    assert sources(found) == {"S": 5}
    assert set(found.fulfilment["status"]) == {"on_time"}
    assert parts(found)["beyond storage"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.req("OMC-7.6.2")
def test_the_most_that_has_no_room_counts_and_not_the_first():
    """5 too many on day 2, 25 on day 4."""
    rows = {
        "settings": DAILY,
        "demands": [{"qty": 35, "due": day(8)}],
        "storage_limits": [{"max_qty": 10}],
        "supply_orders": [{"qty": 15, "due": day(2)}, {"qty": 20, "due": day(4)}],
    }
    made = planned(**rows)
    assert [row["qty"] for row in exceptions(made, "StorageLimit")] == [5]
    assert beyond_limits(made, factories.snapshot(**rows)) == 25
