"""Campaigns in constrained plans: the worked examples, what stands, bad input."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.errors import NotAvailable, UsageError
from tests.api import ConstrainedParameters, plan
from tests.planners.campaign_shop import (
    day,
    matrix,
    planned,
    rule,
    shop,
    status,
    told,
    work,
)

SIZED = [rule(min_run_qty=100, max_run_qty=500)]


@pytest.mark.req("CMP-03")
@pytest.mark.parametrize(("qty", "code"), [(99, "CAM001"), (100, None), (500, None)])
def test_99_of_a_campaign_100_to_500_are_refused(qty, code):
    made = planned(shop([("A", qty, 5)], campaign_rules=SIZED))
    if code is None:
        assert status(made) == ("on_time", None)
        assert made.supplies["campaign"].to_list() == ["M|FA|1"]
        assert told(made) == []
        return
    assert status(made) == ("unplanned", "QtyDurationUnsupported")
    assert made.supplies.height == 0
    assert made.causes["subject"].to_list() == ["M|FA"]
    (found,) = [found for found in made.findings if found.code == code]
    assert (found.value, f"{qty:g}" in found.message) == ("M|FA", True)


@pytest.mark.req("CMP-03")
def test_of_501_of_a_campaign_100_to_500_one_is_refused():
    """Beside 500 there is one more, too few for a campaign of its own."""
    made = planned(shop([("A", 501, 5)], campaign_rules=SIZED))
    assert status(made) == ("short", "QtyDurationUnsupported")
    assert made.supplies["qty"].to_list() == [500]
    assert made.causes["subject"].to_list() == ["M|FA"]
    assert [found.code for found in made.findings][-1:] == ["CAM001"]


@pytest.mark.req("CMP-03")
def test_a_product_without_a_family_has_the_rule_of_its_pattern():
    names = {"SKU-100-1": None, "SKU-100-2": None}
    rules = [rule("SKU-100-*", min_run_qty=100, max_run_qty=500)]
    made = planned(
        shop([("SKU-100-1", 60, 5), ("SKU-100-2", 60, 6)], names, campaign_rules=rules)
    )
    assert set(made.supplies["campaign"]) == {"M|SKU-100-*|1"}
    made = planned(shop([("SKU-100-1", 99, 5)], names, campaign_rules=rules))
    assert status(made) == ("unplanned", "QtyDurationUnsupported")


@pytest.mark.req("CMP-03")
def test_two_small_orders_make_one_campaign_and_a_large_need_two():
    made = planned(shop([("A", 60, 5), ("A", 60, 8)], campaign_rules=SIZED))
    assert [row[4] for row in work(made)] == ["M|FA|1", "M|FA|1"]
    made = planned(shop([("A", 300, 5), ("A", 300, 6)], campaign_rules=SIZED))
    assert [row[4] for row in work(made)] == ["M|FA|1", "M|FA|2"]


@pytest.mark.req("DEF-09", "CMP-02")
def test_the_set_up_is_paid_after_idle_time():
    made = planned(
        shop(
            [("A", 60, 1), ("B", 60, 20)],
            changeovers=matrix(("FA", "FB", 90, False), ("FB", "FA", 30, False)),
            campaign_rules=[rule()],
        )
    )
    assert [(row[0], row[3]) for row in work(made)] == [("A", 0.0), ("B", 90.0)]


@pytest.mark.req("CMP-04")
def test_b_after_a_waits_for_the_cleaning():
    made = planned(
        shop(
            [("A", 60, 0), ("B", 60, 0.01)],
            campaign_rules=[rule(cleaning_minutes=120)],
        )
    )
    assert work(made) == [
        ("A", 0.0, 60.0, 0.0, "M|FA|1"),
        ("B", 180.0, 240.0, 0.0, None),
    ]


@pytest.mark.req("CMP-04")
def test_a_change_that_cleans_needs_no_other_cleaning():
    made = planned(
        shop(
            [("A", 60, 0), ("B", 60, 0.01)],
            changeovers=matrix(("FA", "FB", 120, True)),
            campaign_rules=[rule(cleaning_minutes=240)],
        )
    )
    assert [row[1:4] for row in work(made)] == [
        (0.0, 60.0, 0.0),
        (60.0, 240.0, 120.0),
    ]


@pytest.mark.req("CMP-04")
def test_nothing_runs_in_a_cleaning_window_and_it_counts_as_a_cleaning():
    window = {"resource": "M", "valid_from": day(0.125), "valid_to": day(0.25)}
    made = planned(
        shop(
            [("A", 180, 0), ("B", 60, 0.25)],
            campaign_rules=[rule(cleaning_minutes=180)],
            cleaning_windows=[window],
        )
    )
    assert [row[:3] for row in work(made)] == [("A", 0.0, 180.0), ("B", 360.0, 420.0)]


@pytest.mark.req("CMP-04")
def test_a_cleaning_waits_for_its_calendar():
    made = planned(
        shop(
            [("A", 60, 0), ("B", 60, 0.01)],
            campaign_rules=[rule(cleaning_minutes=60, cleaning_window="NIGHT")],
            calendars=[{"calendar": "NIGHT"}],
            shifts=[
                {
                    "calendar": "NIGHT",
                    "weekday": 1,
                    "start": dt.time(4),
                    "finish": dt.time(6),
                }
            ],
        )
    )
    assert work(made)[1][1] == 300.0


@pytest.mark.req("CMP-05")
def test_a_campaign_of_more_than_a_thousand_runs_five_percent_slower():
    rules = [rule(reduction_over=1000, reduction_pct=5)]
    made = planned(shop([("A", 950, 5)], campaign_rules=rules))
    assert made.operations["run_minutes"].sum() == 950.0
    made = planned(shop([("A", 1140, 5)], campaign_rules=rules))
    assert made.operations["run_minutes"].sum() == pytest.approx(1140 / 0.95)


@pytest.mark.req("CMP-05")
def test_a_resource_without_a_matrix_slows_down_too():
    rules = [rule(reduction_over=1000, reduction_pct=50)]
    resources = [{"resource": "M", "location": "L"}]
    made = planned(shop([("A", 1001, 5)], campaign_rules=rules, resources=resources))
    assert made.operations["run_minutes"].sum() == 2002.0


@pytest.mark.req("CMP-06")
def test_three_operations_are_proposed_as_one_campaign():
    demands = [("A", 50, 3), ("B", 30, 3.5), ("A", 60, 4), ("A", 70, 5)]
    snapshot = shop(demands, changeovers=matrix(("*", "*", 60, False)))
    assert [row[0] for row in work(planned(snapshot))] == ["A", "B", "A", "A"]
    made = planned(snapshot, "propose")
    assert [row[0] for row in work(made)] == ["A", "A", "A", "B"]
    assert [row[4] for row in work(made)] == ["M|FA|1"] * 3 + [None]


@pytest.mark.req("CMP-02")
def test_proposed_campaigns_stand_in_the_order_of_least_set_up():
    demands = [("C", 30, 5), ("B", 30, 5.01), ("A", 30, 5.02)]
    rows = matrix(
        ("FA", "FB", 120, True),
        ("FA", "FC", 180, False),
        ("FB", "FC", 60, False),
        ("FB", "FA", 300, False),
        ("FC", "FA", 300, False),
        ("FC", "FB", 300, False),
    )
    made = planned(shop(demands, changeovers=rows), "propose")
    assert [(row[0], row[3]) for row in work(made)] == [
        ("A", 0.0),
        ("B", 120.0),
        ("C", 60.0),
    ]


def test_off_looks_at_no_rule_and_says_so():
    made = planned(shop([("A", 99, 5)], campaign_rules=SIZED), "off")
    assert status(made) == ("on_time", None)
    assert made.supplies["campaign"].null_count() == 1
    assert told(made) == ["CAM005"]


def test_off_without_rules_says_nothing():
    assert told(planned(shop([("A", 99, 5)]), "off")) == []


def order(number, qty, start, **more):
    return {
        "supply_order": number,
        "kind": "work",
        "product": "A",
        "location": "L",
        "qty": qty,
        "start": day(start),
        "due": day(start + 0.5),
        "source": "RA",
        **more,
    }


@pytest.mark.req("CMP-06")
def test_an_order_that_stands_keeps_its_dates_and_is_told_about():
    made = planned(
        shop(
            [("B", 60, 8)],
            campaign_rules=SIZED,
            supply_orders=[order("W1", 40, 2, status="released")],
        )
    )
    assert ("A", 2880.0) in [row[:2] for row in work(made)]
    assert told(made) == ["CAM006"]


@pytest.mark.req("CMP-06")
def test_a_campaign_goes_around_orders_that_stand():
    foreign = order("W1", 60, 0.25, status="released")
    foreign.update(product="B", source="RB")
    made = planned(
        shop(
            [("A", 200, 0), ("A", 200, 0.01)],
            campaign_rules=[rule(min_run_qty=300)],
            supply_orders=[foreign],
        )
    )
    assert [row[0] for row in work(made)] == ["B", "A", "A"]
    assert status(made)[0] == "late"


@pytest.mark.req("CMP-06")
def test_what_is_firmed_may_move_but_is_not_refused():
    made = planned(
        shop(
            [],
            campaign_rules=SIZED,
            supply_orders=[order("W1", 40, 2, status="firmed")],
        )
    )
    assert [row[0] for row in work(made)] == ["A"]


def test_work_of_another_family_ends_a_campaign():
    made = planned(
        shop(
            [("A", 60, 0), ("A", 60, 0.01), ("B", 10, 0)],
            campaign_rules=[rule(min_run_qty=100)],
            changeovers=matrix(("*", "*", 30, False)),
        )
    )
    assert [row[0] for row in work(made)] in (["A", "A", "B"], ["B", "A", "A"])


def test_a_component_moves_up_with_the_campaign_that_takes_it():
    names = {"A": "FA", "A2": "FA", "X": "FX"}
    made = planned(
        shop(
            [("A", 60, 1), ("A2", 60, 20)],
            names,
            campaign_rules=[rule(min_run_qty=100)],
            bom_lines=[{"routing": "RA2", "component": "X", "qty_per": 1}],
        )
    )
    assert status(made, "D1")[0] == "on_time"
    assert [row[4] for row in work(made) if row[0] != "X"] == ["M|FA|1"] * 2


def test_two_rules_on_two_machines_hold_for_one_order():
    made = planned(
        shop(
            [("A", 60, 2), ("A", 60, 3)],
            resources=[
                {"resource": "M", "location": "L"},
                {"resource": "N", "location": "L"},
            ],
            steps=[
                {"routing": "RA", "step": 1, "run_minutes_per_unit": 1, "family": "FA"},
                {
                    "routing": "RA",
                    "step": 2,
                    "sequence": 2,
                    "run_minutes_per_unit": 1,
                    "family": "GA",
                },
            ],
            step_resources=[
                {"routing": "RA", "step": 1, "resource": "M"},
                {"routing": "RA", "step": 2, "resource": "N"},
            ],
            families={"A": "FA"},
            campaign_rules=[
                rule(min_run_qty=100),
                {"resource": "N", "family": "GA", "max_run_qty": 80},
            ],
        )
    )
    assert sorted(made.supplies["campaign"]) == [
        "M|FA|1; N|GA|1",
        "M|FA|1; N|GA|2",
    ]


@pytest.mark.parametrize("column", [{"units": 2}, {"finite": False}, {"bucket": "day"}])
def test_campaigns_on_a_resource_without_a_sequence_are_not_built(column):
    snapshot = shop(
        [("A", 100, 5)],
        campaign_rules=SIZED,
        resources=[{"resource": "M", "location": "L", **column}],
    )
    with pytest.raises(NotAvailable, match="M in campaign_rules"):
        plan(snapshot, "constrained")
    assert plan(snapshot, "constrained", {"campaigns": "off"}).run.status


def test_an_unknown_way_of_campaigns_is_refused():
    with pytest.raises(UsageError, match=r"campaigns \(often\) must be one of off"):
        ConstrainedParameters(campaigns="often")
    assert ConstrainedParameters().as_dict()["campaigns"] == "rules"


def test_the_order_of_rows_changes_no_campaign():
    demands = [("A", 50, 3), ("B", 30, 3.5), ("A", 60, 4), ("C", 70, 5)]
    rows = matrix(("*", "*", 60, False), ("FA", "FB", 10, True))
    one = shop(demands, changeovers=rows, campaign_rules=SIZED)
    other = one.replace(demands=one["demands"].reverse(), steps=one["steps"].reverse())
    assert work(planned(one, "propose")) == work(planned(other, "propose"))


NEUTRAL = {"A": "FA", "B": "FB", "N": None}


@pytest.mark.req("CMP-04")
def test_work_of_no_family_neither_ends_a_campaign_nor_takes_a_cleaning():
    made = planned(
        shop(
            [("A", 60, 0), ("N", 30, 0.03), ("A", 60, 0.05), ("B", 60, 0.2)],
            NEUTRAL,
            campaign_rules=[rule(min_run_qty=100, cleaning_minutes=120)],
        )
    )
    assert {row[4] for row in work(made)} == {"M|FA|1", None}
    rows = {row[0]: row for row in work(made)}
    ends = max(row[2] for row in work(made) if row[0] == "A")
    busy = [row for row in work(made) if row[0] == "N" and row[1] >= ends]
    assert rows["B"][1] >= ends + 120 + sum(row[2] - row[1] for row in busy)


@pytest.mark.req("CMP-04")
def test_a_cleaning_that_is_never_done_lets_nothing_follow():
    made = planned(
        shop(
            [("A", 60, 0), ("B", 60, 0.1)],
            campaign_rules=[rule(cleaning_minutes=60, cleaning_window="NEVER")],
            calendars=[{"calendar": "NEVER"}],
            shifts=[
                {
                    "calendar": "NEVER",
                    "weekday": 1,
                    "start": dt.time(4),
                    "finish": dt.time(4, 30),
                }
            ],
        )
    )
    assert sorted(made.fulfilment["status"]) == ["late", "unplanned"]


@pytest.mark.req("CMP-04", "CMP-06")
def test_a_cleaning_lies_between_orders_that_stand_and_new_ones():
    standing = order("W1", 60, 0.25, status="released")
    made = planned(
        shop(
            [("B", 60, 0.2), ("B", 300, 0.3), ("A", 60, 0.5)],
            campaign_rules=[
                rule(cleaning_minutes=120),
                rule("FB", cleaning_minutes=60),
            ],
            supply_orders=[standing],
        )
    )
    assert ("A", 360.0) in [row[:2] for row in work(made)]


def test_an_order_that_cannot_come_in_time_stays_and_others_go_around():
    firmed = order("W1", 60, 1, status="firmed")
    made = planned(
        shop(
            [("B", 60, 2)],
            campaign_rules=[rule(cleaning_minutes=60)],
            supply_orders=[firmed],
            bom_lines=[{"routing": "RA", "component": "C", "qty_per": 1}],
            sourcing=[
                {"product": "A", "location": "L", "kind": "make", "source": "RA"},
                {"product": "B", "location": "L", "kind": "make", "source": "RB"},
            ],
            routings=[
                {"routing": "RA", "product": "A", "location": "L"},
                {"routing": "RB", "product": "B", "location": "L"},
            ],
            steps=[
                {"routing": "RA", "step": 1, "run_minutes_per_unit": 1, "family": "FA"},
                {"routing": "RB", "step": 1, "run_minutes_per_unit": 1, "family": "FB"},
            ],
            step_resources=[
                {"routing": "RA", "step": 1, "resource": "M"},
                {"routing": "RB", "step": 1, "resource": "M"},
            ],
        )
    )
    assert ("A", 1440.0) in [row[:2] for row in work(made)]
    assert status(made)[0] == "on_time"


def test_another_machine_takes_over_and_its_campaign_is_told():
    made = planned(
        shop(
            [("A", 1000, 0), ("A", 1000, 0.01)],
            resources=[
                {"resource": "M", "location": "L", "changeover_matrix": "X"},
                {"resource": "N", "location": "L", "changeover_matrix": "X"},
            ],
            step_resources=[
                {
                    "routing": "RA",
                    "step": 1,
                    "resource": name,
                    "choice": "either",
                    "preference": place,
                }
                for place, name in enumerate("MN")
            ],
            families={"A": "FA"},
            campaign_rules=[rule(), {"resource": "N", "family": "FA"}],
        )
    )
    assert sorted(made.supplies["campaign"]) == ["M|FA|1", "N|FA|1"]
