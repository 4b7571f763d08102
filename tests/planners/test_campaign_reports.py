"""What campaigns save, how they were kept, and plans with and without them."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.errors import UsageError
from medhavi.planners.campaigns.campaign_proposals import (
    adherence,
    campaign_rows,
    compare_campaigns,
    plan_changes,
    propose,
)
from tests.api import Providers
from tests.planners.campaign_shop import day, matrix, planned, shop

DEMANDS = [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4), ("B", 30, 4.5)]
ROWS = [
    {**row, "cost": 5.0}
    for row in matrix(("FA", "FB", 120, True), ("FB", "FA", 60, False))
]


MACHINE = {
    "resource": "M",
    "location": "L",
    "changeover_matrix": "X",
    "cost_per_hour": 30.0,
}


def priced(demands=DEMANDS, state="FA", **more):
    return shop(
        demands,
        changeovers=ROWS,
        resources=[MACHINE],
        resource_state=[{"resource": "M", "family": state}],
        **more,
    )


@pytest.mark.req("CMP-06", "UI-05")
def test_a_proposal_tells_minutes_and_money():
    snapshot = priced()
    base, proposed = planned(snapshot, "off"), planned(snapshot, "propose")
    first, second = propose(base, proposed, snapshot)
    # Without: A 120 B 60 A 120 B. With: A A 120 B B.
    assert (first.campaign, first.saved_minutes, second.saved_minutes) == (
        "M|FB|1",
        120.0,
        60.0,
    )
    # 120 min at 30 an hour, and 5 for the change.
    assert (first.saved_money, second.saved_money) == (65.0, 35.0)
    assert (second.qty, len(second.orders), second.family) == (120.0, 2, "FA")
    assert (second.lateness_hours, second.lateness_money) == (0.0, 0.0)
    assert second.ahead_hours > 0
    assert second.as_dict()["saved_minutes"] == 60.0


@pytest.mark.req("CMP-10", "KPI-19", "KPI-21")
def test_two_runs_are_compared():
    snapshot = priced()
    base, proposed = planned(snapshot, "off"), planned(snapshot, "propose")
    found = compare_campaigns(base, proposed, snapshot)
    assert (found.without.setups, found.with_campaigns.setups) == (3, 1)
    assert found.setup_reduction == pytest.approx((300 - 120) / 300)
    assert found.lateness_hours == 0.0
    assert found.saved_money == pytest.approx(100.0)
    assert found.as_dict()["without"]["setup_minutes"] == 300.0


HURRIED = [("A", 600, 0.42), ("B", 600, 1.0), ("A", 600, 1.45), ("B", 60, 1.5)]
CHANGES = matrix(("FA", "FB", 1, False), ("FB", "FA", 1, False))


@pytest.mark.req("CMP-10", "KPI-21")
def test_campaigns_that_make_late_say_so():
    # The rules want both orders of A in a row, so that those of B come later.
    least = [
        {"resource": "M", "family": "FA", "min_run_qty": 1200.0},
        {"resource": "M", "family": "FB", "min_run_qty": 660.0},
    ]
    snapshot = shop(HURRIED, changeovers=CHANGES, campaign_rules=least)
    base, ruled = planned(snapshot, "off"), planned(snapshot, "rules")
    found = compare_campaigns(base, ruled, snapshot)
    assert found.lateness_hours > 0
    assert max(one.lateness_hours for one in propose(base, ruled, snapshot)) > 0


@pytest.mark.req("CMP-06", "CMP-10")
def test_campaigns_that_cost_more_than_they_save_are_not_proposed():
    snapshot = shop(HURRIED, changeovers=CHANGES)
    base, proposed = planned(snapshot, "off"), planned(snapshot, "propose")
    assert compare_campaigns(base, proposed, snapshot).lateness_hours == 0
    assert propose(base, proposed, snapshot) == []
    far = planned(snapshot, "propose", campaign_days=(7.0,))
    assert far.supplies.equals(base.supplies)


@pytest.mark.req("CMP-06")
def test_how_far_campaigns_pull_work_ahead_is_a_setting():
    with pytest.raises(UsageError, match=r"campaign_days .* must be a number"):
        planned(priced(), "propose", campaign_days=(-1.0,))
    none = planned(priced(), "propose", campaign_days=())
    assert none.supplies.equals(planned(priced(), "rules").supplies)


def test_no_set_up_has_no_reduction():
    snapshot = shop([("A", 60, 3)])
    made = planned(snapshot)
    assert compare_campaigns(made, made, snapshot).setup_reduction is None
    assert propose(made, made, snapshot) == []


def test_rows_of_campaigns_name_resource_and_family():
    made = planned(priced(), "propose")
    rows = campaign_rows(made)
    assert rows["resource"].to_list() == ["M"] * 4
    assert rows["family"].to_list() == ["FA", "FA", "FB", "FB"]


def test_the_changes_of_a_plan_follow_the_present_set_up():
    snapshot = priced([("A", 60, 3), ("A", 60, 4)], "FB")
    found = plan_changes(planned(snapshot, "propose"), Providers(snapshot))
    assert [(one.before, one.after, one.minutes) for one in found] == [
        ("FB", "FA", 60.0)
    ]
    assert not found[0].cleaning


def executed(made, steps):
    """Data after some of the orders were carried out, by place in the plan."""
    rows = campaign_rows(made)
    orders = [
        {
            "supply_order": order,
            "kind": "work",
            "product": product,
            "location": "L",
            "qty": qty,
            "due": day(20),
            "status": "in_process",
            "source": f"R{product}",
        }
        for order, qty, product in zip(
            rows["order"], rows["qty"], ["A", "A", "B", "B"], strict=True
        )
    ]
    progress = [
        {"supply_order": rows["order"][place], "step": 1, "resource": "M", **step}
        for place, step in steps
    ]
    return priced([], supply_orders=orders, supply_order_steps=progress)


def done(start, hours, qty):
    return {
        "start": start,
        "finish": start + dt.timedelta(hours=hours),
        "qty_done": qty,
        "status": "completed",
    }


@pytest.mark.req("CMP-07", "KPI-20")
def test_a_start_at_t_plus_6_for_t_plus_5_is_one_day_late():
    made = planned(priced(), "propose")
    rows = campaign_rows(made)
    late = [moment + dt.timedelta(days=1) for moment in rows["start"]]
    # The second order takes three hours where one was planned.
    steps = [(0, done(late[0], 1, 60)), (1, done(late[1], 3, 50))]
    first, second = adherence(made, executed(made, steps))
    assert first.start_days == 1.0
    assert first.finish_days == pytest.approx(1 + 2 / 24)
    assert (first.qty_planned, first.qty_actual, first.qty_variance) == (120, 110, -10)
    assert (first.assigned, first.executed, first.in_campaign) == (2, 2, 2)
    assert first.adherence == 1.0
    assert (second.start_days, second.finish_days, second.executed) == (None, None, 0)
    assert second.adherence == 0.0
    assert second.as_dict()["qty_variance"] == -90.0


@pytest.mark.req("CMP-07", "KPI-20")
def test_work_between_the_orders_of_a_campaign_breaks_it():
    made = planned(priced(), "propose")
    steps = [
        (0, done(day(1), 1, 60)),
        (2, done(day(2), 1, 60)),
        (1, done(day(3), 1, 60)),
    ]
    first, second = adherence(made, executed(made, steps))
    assert (first.executed, first.in_campaign, first.adherence) == (2, 1, 0.5)
    # A, 120 min, B, 60 min, A.
    assert (first.setup_planned_minutes, first.setup_actual_minutes) == (0.0, 60.0)
    assert (second.setup_planned_minutes, second.setup_actual_minutes) == (120, 120)


@pytest.mark.req("CMP-07")
def test_a_campaign_under_way_has_no_end_yet():
    made = planned(priced(), "propose")
    begun = {"start": day(1), "qty_done": 20, "status": "in_process"}
    planned_only = {"start": day(1), "status": "planned"}
    first, _ = adherence(made, executed(made, [(0, begun), (1, planned_only)]))
    assert first.actual_start == day(1)
    assert (first.actual_finish, first.executed, first.qty_actual) == (None, 1, 20)


def test_reports_of_orders_that_nobody_planned_are_only_in_the_way():
    made = planned(priced(), "propose")
    snapshot = executed(made, [(0, done(day(1), 1, 60))])
    stranger = {
        "supply_order": "W9",
        "kind": "work",
        "product": "B",
        "location": "L",
        "qty": 5,
        "due": day(20),
        "status": "in_process",
    }
    steps = [
        {"supply_order": "W9", "step": 1, "resource": "M", **done(day(0.5), 1, 5)},
        *snapshot["supply_order_steps"].iter_rows(named=True),
    ]
    orders = [stranger, *snapshot["supply_orders"].iter_rows(named=True)]
    found = adherence(made, priced([], supply_orders=orders, supply_order_steps=steps))
    assert found[0].executed == 1
