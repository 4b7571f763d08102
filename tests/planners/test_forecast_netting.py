"""Orders consume forecast (rule 1)."""

from __future__ import annotations

import polars as pl
import pytest

from tests import factories
from tests.api import lineage, plan, verify
from tests.planners.small_plans import day, deliveries, fulfilment, orders, planned

pytestmark = pytest.mark.req("MRP-15")

BUY = [{"lead_time_days": 5}]


def week(number, qty=100, **cells):
    """Forecast of a week after now."""
    return {
        "demand": f"F{number}",
        "kind": "forecast",
        "qty": qty,
        "due": day(7 * number),
        "period_end": day(7 * number + 7),
        **cells,
    }


def rests(*demands, policy=None, **given):
    """What is left of each forecast."""
    made = planned(
        demands=demands,
        supply_terms=BUY,
        forecast_policies=[policy or {}],
        **given,
    )
    rows = made.fulfilment.select("demand", "qty").rows()
    return {demand: qty for demand, qty in rows if demand.startswith("F")}


def order(number, **cells):
    return {"demand": f"D{number}", **cells}


def test_an_order_eats_the_period_that_holds_its_due_date():
    assert rests(week(1), week(2), order(1, qty=30, due=day(20))) == {
        "F1": 100,
        "F2": 70,
    }


def test_a_period_is_half_open():
    assert rests(week(1), week(2), order(1, qty=30, due=day(14))) == {
        "F1": 100,
        "F2": 70,
    }


def test_what_the_period_lacks_comes_from_earlier_ones_nearest_first():
    left = rests(
        week(1),
        week(2),
        week(3),
        order(1, qty=150, due=day(22)),
        policy={"backward_days": 15},
    )
    assert left == {"F1": 100, "F2": 50, "F3": 0}


@pytest.mark.parametrize(("days", "first"), [(7, 50), (6.9, 100)])
def test_backward_reaches_periods_that_start_inside_the_window(days, first):
    left = rests(
        week(1),
        week(2),
        order(1, qty=150, due=day(14)),
        policy={"backward_days": days},
    )
    assert left == {"F1": first, "F2": 0}


@pytest.mark.parametrize(("days", "second"), [(7, 50), (6.9, 100)])
def test_forward_reaches_periods_that_start_inside_the_window(days, second):
    left = rests(
        week(1),
        week(2),
        order(1, qty=150, due=day(7)),
        policy={"forward_days": days},
    )
    assert left == {"F1": 0, "F2": second}


def test_backward_goes_before_forward():
    left = rests(
        week(1),
        week(2),
        week(3),
        order(1, qty=250, due=day(15)),
        policy={"backward_days": 20, "forward_days": 20},
    )
    assert left == {"F1": 0, "F2": 0, "F3": 50}


def test_a_quantity_is_consumed_once():
    left = rests(week(1), order(1, qty=80, due=day(8)), order(2, qty=80, due=day(9)))
    assert left == {"F1": 0}


def test_orders_eat_in_sequence_of_due():
    left = rests(
        week(1),
        week(2),
        order(1, qty=100, due=day(15)),
        order(2, qty=100, due=day(14.5)),
        policy={"backward_days": 8},
    )
    # D2 comes first and takes the second week; D1 goes back to the first.
    assert left == {"F1": 0, "F2": 0}


def test_what_is_left_is_planned_and_nothing_left_is_ignored():
    made = planned(
        demands=[week(1), order(1, qty=100, due=day(8)), week(2)],
        supply_terms=BUY,
    )
    assert fulfilment(made, "F1")["status"] == "ignored"
    assert fulfilment(made, "F1")["qty"] == 0
    assert orders(made) == [("A", 100, 3, 8), ("A", 100, 9, 14)]


@pytest.mark.parametrize("status", ["closed", "cancelled", "inquiry"])
def test_orders_that_are_not_planned_eat_nothing(status):
    assert rests(week(1), order(1, due=day(8), status=status)) == {"F1": 100}


def test_a_quote_eats_forecast():
    assert rests(week(1), order(1, due=day(8), status="quote")) == {"F1": 90}


def test_a_forecast_without_an_end_lasts_a_day():
    short = {**week(1), "period_end": None}
    assert rests(short, order(1, due=day(7.9))) == {"F1": 90}
    assert rests(short, order(1, due=day(8))) == {"F1": 100}


# --- levels ------------------------------------------------------------------------
def test_an_order_elsewhere_eats_nothing_at_level_location():
    assert rests(
        week(1),
        order(1, due=day(8), location="W"),
        lanes=[{"lane": "T"}],
    ) == {"F1": 100}


def test_an_order_elsewhere_eats_at_level_product():
    assert rests(
        week(1),
        order(1, due=day(8), location="W"),
        policy={"level": "product"},
        lanes=[{"lane": "T"}],
    ) == {"F1": 90}


def test_customers_and_their_groups_meet_at_level_customer():
    customers = [
        {"customer": "C", "parent": "G"},
        {"customer": "E"},
        {"customer": "G"},
    ]
    left = rests(
        week(1, demand="FC", customer="C"),
        week(1, demand="FE", customer="E"),
        week(1, demand="FG", customer="G"),
        order(1, due=day(8), customer="C", qty=110),
        policy={"level": "customer"},
        customers=customers,
    )
    assert left == {"FC": 0, "FE": 100, "FG": 90}


def test_a_forecast_without_a_customer_meets_orders_without_one():
    left = rests(
        week(1, demand="FN"),
        week(1, demand="FC", customer="C"),
        order(1, due=day(8)),
        policy={"level": "customer"},
        customers=[{"customer": "C"}],
    )
    assert left == {"FN": 90, "FC": 100}


def test_the_policy_of_the_product_wins_over_its_group_and_all():
    left = rests(
        week(1),
        week(2),
        order(1, qty=150, due=day(14)),
        policy={"product": "A", "backward_days": 7},
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
    )
    assert left == {"F1": 50, "F2": 0}


def test_the_policy_of_a_group_holds_for_its_members():
    left = rests(
        week(1),
        week(2),
        order(1, qty=150, due=day(14)),
        policy={"product": "G", "backward_days": 7},
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
    )
    assert left == {"F1": 50, "F2": 0}


# --- past --------------------------------------------------------------------------
def test_the_forecast_of_ended_periods_is_dropped():
    made = planned(
        demands=[week(-2), week(-1)], supply_terms=BUY, forecast_policies=[{}]
    )
    assert orders(made) == []
    assert set(made.fulfilment["status"]) == {"ignored"}


def test_the_running_period_counts_whole():
    made = planned(
        demands=[{**week(-1), "period_end": day(0.5)}],
        supply_terms=BUY,
        forecast_policies=[{}],
    )
    assert orders(made) == [("A", 100, -12, -7)]


def test_kept_rests_of_ended_periods_are_due_now():
    made = planned(
        demands=[week(-1), order(1, qty=30, due=day(-3))],
        supply_terms=BUY,
        forecast_policies=[{"past": "keep"}],
    )
    assert deliveries(made, "F-1") == [(70, 0)]
    assert fulfilment(made, "F-1")["due"] == day(0)
    assert fulfilment(made, "F-1")["lateness_h"] == 0


def test_groups_in_a_circle_end():
    assert list(lineage("a", {"a": "b", "b": "a"})) == ["a", "b"]


# ---------------------------------------------------------------- start or end
@pytest.mark.req("WO-08")
@pytest.mark.parametrize(("need", "start", "finish"), [("start", 2, 7), ("end", 9, 14)])
def test_what_is_left_is_needed_as_the_period_starts_or_ends(need, start, finish):
    made = planned(
        demands=[week(1), order(1, qty=30, due=day(8))],
        supply_terms=BUY,
        forecast_policies=[{"need": need}],
        inventory_policies=[{"lot_rule": "lot_for_lot"}],
    )
    rows = {row[1]: row[2:] for row in orders(made)}
    assert rows == {30: (3, 8), 70: (start, finish)}
    due = made.fulfilment.filter(pl.col("demand") == "F1")["due"][0]
    assert due == day(finish)


@pytest.mark.req("WO-08")
def test_the_policy_of_the_group_says_when_and_orders_keep_their_dates():
    made = planned(
        demands=[week(1, period_end=None), order(1, qty=30, due=day(20))],
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
        supply_terms=BUY,
        forecast_policies=[{"product": "G", "need": "end"}, {"need": "start"}],
    )
    due = dict(made.fulfilment.select("demand", "due").iter_rows())
    assert due == {"F1": day(8), "D1": day(20)}


@pytest.mark.req("WO-08")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_other_modes_need_it_at_the_end_as_well(mode):
    snapshot = factories.snapshot(
        demands=[week(1)],
        supply_terms=BUY,
        forecast_policies=[{"need": "end"}],
    )
    made = plan(snapshot, mode)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert made.fulfilment["due"].to_list() == [day(14)]
    assert made.fulfilment["lateness_h"].to_list() == [0.0]


@pytest.mark.req("WO-08")
def test_verify_catches_a_forecast_at_the_wrong_end_of_its_period():
    snapshot = factories.snapshot(
        demands=[week(1)], supply_terms=BUY, forecast_policies=[{"need": "end"}]
    )
    made = plan(snapshot)
    wrong = made.fulfilment.with_columns(
        due=pl.lit(day(7)).cast(pl.Datetime("us", "UTC"))
    )
    codes = {one.code for one in verify(made.replace(fulfilment=wrong), snapshot)}
    assert "VER056" in codes
