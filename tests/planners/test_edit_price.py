"""The price of an edit: what is its own, and what planning again finds anyway."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import edit_price, plan, planned_without
from tests.planners.small_plans import KERNELS, day
from tests.planners.test_late_remedies import feasible, two_on_one_machine

CALENDAR = {
    "calendars": [{"calendar": "DAY"}],
    "shifts": [
        {"calendar": "DAY", "weekday": n, "start": dt.time(8), "finish": dt.time(16)}
        for n in range(1, 8)
    ],
    "resources": [
        {"resource": "M", "calendar": "DAY", "overtime_cost_per_hour": 30.0, "units": 2}
    ],
}


def test_hours_that_a_calendar_gets_are_paid_as_overtime_and_lost_ones_save_nothing():
    """Two units, two hours on one day at 30 an hour."""
    before = factories.snapshot(**CALENDAR)
    span = {"start": day(1.75), "finish": day(1.75) + dt.timedelta(hours=2)}
    more = {"calendar": "DAY", "capacity": 1.0, "priority": 0, **span}
    after = factories.snapshot(**CALENDAR, calendar_exceptions=[more])
    old, new = ((plan(one, "constrained", KERNELS), one) for one in (before, after))
    assert edit_price(old, new).extra_units == pytest.approx(2 * 2 * 30.0)
    assert edit_price(new, old).extra_units == 0.0


def test_what_planning_again_finds_is_no_part_of_the_edit():
    """The plan made again stands in for one that planning again made dearer by 7."""
    snapshot = two_on_one_machine()
    made = feasible(snapshot)
    dearer = made.supplies.with_columns(cost=made.supplies["cost"].fill_null(0.0) + 7)
    again = made.replace(supplies=dearer)
    price = edit_price((made, snapshot), (again, snapshot), again)
    assert price.spent == price.lateness == 0.0
    assert price.replanning == price.total == 7.0 * dearer.height


def test_single_products_leave_the_rest_of_a_plan_as_it_is():
    """Another demand of A leaves what is of others; another unit of M may not."""
    snapshot = two_on_one_machine()
    made = feasible(snapshot)
    asked = []

    def planned(on):
        asked.append(on.basis.digests)

    more = snapshot.replace(demands=snapshot["demands"].with_columns(qty=30.0))
    assert planned_without(made, more, planned) is made
    assert asked == []
    units = snapshot.replace(resources=snapshot["resources"].with_columns(units=2.0))
    assert planned_without(made, units, planned) is made
    known = dict(made.basis.digests)
    del known["resources"]
    assert asked == [known]
