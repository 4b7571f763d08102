"""Into how many lots late work is cut: what each costs by itself decides.

Machine M works alone; all demands fall due on the first day.
"""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import plan, verify
from tests.factories import AS_OF
from tests.planners.small_plans import KERNELS, day


def lots(**given):
    snapshot = factories.snapshot(routings=[{}], **given)
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    return made


@pytest.mark.req("CAP-06")
@pytest.mark.parametrize(
    ("hours", "sizes", "late"),
    [
        # One lot for all is there after 24 + 40 hours, four after 34, 68, 102 and 136.
        (24, [40], [40, 40, 40, 40]),
        # Four lots of 2 + 10 hours come one by one, the last of them on day 2.
        (2, [10, 10, 10, 10], [0, 0, 12, 24]),
    ],
)
def test_needs_of_one_day_share_a_lot_that_takes_longer_to_begin_than_to_run(
    hours, sizes, late
):
    made = lots(
        resources=[{"resource": "M"}],
        steps=[{"fixed_minutes": 60 * hours, "run_minutes_per_unit": 60}],
        step_resources=[{}],
        demands=[{"demand": f"D{n}", "qty": 10, "due": day(1)} for n in range(4)],
    )
    assert made.supplies["qty"].to_list() == sizes
    assert sorted(made.fulfilment["lateness_h"].to_list()) == late


@pytest.mark.req("CAP-06")
def test_two_units_make_lots_of_their_own_side_by_side():
    made = lots(
        resources=[{"resource": "M", "units": 2}],
        steps=[{"fixed_minutes": 60 * 24, "run_minutes_per_unit": 60}],
        step_resources=[{}],
        demands=[{"demand": f"D{n}", "qty": 10, "due": day(1)} for n in range(2)],
    )
    assert made.fulfilment["lateness_h"].to_list() == [10, 10]


@pytest.mark.req("CAP-06")
def test_late_work_that_nothing_limits_comes_in_ten_equal_pieces():
    made = lots(
        steps=[{"run_minutes_per_unit": 60}], demands=[{"qty": 100, "due": day(0)}]
    )
    assert made.supplies["qty"].to_list() == [10] * 10
    assert made.fulfilment["lateness_h"].to_list() == [10]


@pytest.mark.req("CAP-06")
def test_pieces_of_a_late_product_share_the_lot_of_a_part_that_is_slow_to_begin():
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        resources=[{"resource": "M"}],
        routings=[{"routing": "RA"}, {"routing": "RB", "product": "B"}],
        steps=[
            {"routing": "RA", "run_minutes_per_unit": 60},
            {"routing": "RB", "fixed_minutes": 1440, "run_minutes_per_unit": 6},
        ],
        step_resources=[{"routing": "RB"}],
        bom_lines=[{"routing": "RA", "component": "B"}],
        demands=[{"qty": 100, "due": day(0)}],
    )
    made = plan(snapshot, "constrained", KERNELS)
    assert verify(made, snapshot) == []
    parts = made.supplies.filter(made.supplies["product"] == "B")
    assert parts["qty"].to_list() == [100]
    # 24 + 10 hours for the parts, then 10 hours for ten pieces side by side.
    assert made.fulfilment["lateness_h"].to_list() == [44]


@pytest.mark.req("CAP-06")
def test_a_small_need_does_not_wait_for_a_large_one_of_the_same_day():
    made = lots(
        resources=[{"resource": "M"}],
        steps=[{"fixed_minutes": 60 * 12, "run_minutes_per_unit": 60}],
        step_resources=[{}],
        demands=[
            {"demand": "D0", "qty": 6, "due": day(0), "priority": 1},
            {"demand": "D1", "qty": 20, "due": day(0), "priority": 2},
        ],
    )
    # One lot for both is there after 12 + 26 hours; alone D0 is after 18, D1 after 50.
    assert made.fulfilment.sort("demand")["lateness_h"].to_list() == [18, 50]


def side_by_side(units, hours):
    """Ten units: 1 + 9 hours of M and, beside them, 10 hours of N."""
    return lots(
        resources=[
            {"resource": "M", "units": units},
            {"resource": "N", "units": units},
        ],
        steps=[
            {"sequence": 1, "setup_minutes": 60, "run_minutes_per_unit": 54},
            {"step": 2, "sequence": 1, "run_minutes_per_unit": 60},
        ],
        step_resources=[{}, {"step": 2, "resource": "N"}],
        demands=[{"due": AS_OF + dt.timedelta(hours=hours)}],
    )


@pytest.mark.req("CAP-06", "HEU-02")
def test_steps_side_by_side_stay_one_order_where_lots_only_pay_set_ups():
    """M works 1 + 9 hours, N 10 beside it; in a row they would last 20."""
    made = side_by_side(units=1, hours=10)
    assert made.supplies["qty"].to_list() == [10]
    assert made.fulfilment["lateness_h"].to_list() == [0]


@pytest.mark.req("CAP-06", "HEU-02")
def test_steps_side_by_side_are_cut_into_lots_that_come_sooner():
    """One order is 3 hours late; of lots on two units of each, none is more than 1."""
    made = side_by_side(units=2, hours=7)
    assert made.supplies.height > 1
    assert made.fulfilment["lateness_h"].to_list()[0] <= 1
