"""Lot-sizing instances become tables whose scorecard is the cost of the instance."""

from __future__ import annotations

import pytest

from benchmarks.tactical import planned, read_instance, snapshot_of, solved_bare

TINY = """   2   3
    1
   {capacity}
 1.00 1.00   2.  30.
 1.00 2.00   2.  30.
    5    5
    0    5
    5    0
"""


def test_an_instance_is_read_by_items_and_days():
    case = read_instance(TINY.format(capacity=40))
    assert case.capacity == 40
    assert case.holding.tolist() == [1.0, 2.0]
    assert case.setup_time.tolist() == [2.0, 2.0]
    assert case.demand.tolist() == [[5, 5], [0, 5], [5, 0]]


@pytest.mark.parametrize(
    ("capacity", "best"),
    [
        # A in one lot, held for two days, and B for one: 30 + 10 + 30 + 10.
        (40, 80.0),
        # Both on the first day take 24 of its hours: B is made day by day.
        (20, 100.0),
    ],
)
def test_a_plan_costs_what_the_instance_does(capacity, best):
    case = read_instance(TINY.format(capacity=capacity))
    assert solved_bare(case, 10.0)[0] == pytest.approx(best)
    found = planned(snapshot_of(case), "optimize")
    assert found.cost == pytest.approx(best)
    assert found.late == found.faults == 0
    assert found.bound is not None
    assert found.bound <= best


def test_mode_mrp_makes_a_lot_a_demand():
    case = read_instance(TINY.format(capacity=40))
    assert planned(snapshot_of(case), "mrp").cost == pytest.approx(4 * 30)
