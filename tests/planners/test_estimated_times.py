"""Plans take estimated times where there are any, and the check re-derives them."""

from __future__ import annotations

import polars as pl
import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import PYTHON, orders, planned

BOUGHT = {"demands": [{}], "supply_terms": [{"lead_time_days": 4}]}
MOVED = {
    "locations": [{"location": "L"}, {"location": "W"}],
    "demands": [{"location": "W"}],
    "stock": [{"qty": 100}],
    "lanes": [{"lane": "T", "duration_h": 24, "customs_h": 12}],
}


@pytest.mark.req("MRP-21", "SUP-08")
def test_purchase_is_ordered_by_the_estimated_median():
    made = planned(**BOUGHT, estimates=[{"p50": 6.5, "p80": 9, "p95": 12}])
    assert orders(made) == [("A", 10, 21.5, 28)]
    codes = [found.code for found in made.findings]
    assert "SRC009" in codes


def test_purchase_without_an_estimate_keeps_its_stated_time():
    other = {"subject": "S2", "p50": 6.5}
    made = planned(**BOUGHT, estimates=[other], suppliers=[{}, {"supplier": "S2"}])
    assert orders(made) == [("A", 10, 24, 28)]


def test_estimate_of_the_product_wins_in_plan_and_check():
    made = planned(
        **BOUGHT,
        estimates=[{"p50": 6.5}, {"product": "A", "p50": 8, "p80": 8}],
    )
    assert orders(made) == [("A", 10, 20, 28)]


def test_factor_stretches_the_stated_time_in_plan_and_check():
    made = planned(
        **BOUGHT,
        estimates=[{"quantity": "duration_factor", "p50": 1.5, "p80": 2, "p95": 3}],
    )
    assert orders(made) == [("A", 10, 22, 28)]


@pytest.mark.parametrize(
    ("row", "start"),
    [
        ({"p50": 3}, 25),
        ({"quantity": "duration_factor", "p50": 2}, 25.5),
        ({"subject": "other"}, 26.5),
    ],
)
def test_move_leaves_by_the_estimated_median(row, start):
    lane = {"kind": "lane", "subject": "T", "p80": 9, "p95": 12}
    made = planned(**MOVED, estimates=[{**lane, **row}])
    assert orders(made) == [("A", 10, start, 28)]


def test_plan_by_stated_times_fails_the_check_of_a_snapshot_with_estimates():
    made = plan(factories.snapshot(**BOUGHT), settings=PYTHON)
    snapshot = factories.snapshot(**BOUGHT, estimates=[{"p50": 6.5}])
    assert [found.code for found in verify(made, snapshot)] == ["VER022"]


def test_terms_of_a_group_take_the_estimate_of_the_product_bought():
    made = planned(
        products=[{"product": "A", "parent": "G"}, {"product": "G"}],
        demands=[{}],
        supply_terms=[{"product": "G", "lead_time_days": 4}],
        estimates=[{"product": "A", "p50": 6}],
    )
    assert orders(made) == [("A", 10, 22, 28)]


def test_same_plan_comes_out_whatever_the_order_of_the_estimates():
    rows = [{"p50": 6.5}, {"product": "A", "p50": 8, "p80": 8}]
    first = planned(**BOUGHT, estimates=rows)
    again = planned(**BOUGHT, estimates=rows[::-1])
    assert first.supplies.equals(again.supplies)
    assert isinstance(first.supplies, pl.DataFrame)
