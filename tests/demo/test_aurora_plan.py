"""A plan in mode mrp of the demo company shows the planted facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

import medhavi as mv
from tests.api import ground_truth

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


@pytest.fixture(scope="module")
def plan(snapshot: Snapshot) -> Plan:
    """The plan of the last Monday morning."""
    return mv.plan(snapshot, mode="mrp")


def exceptions(plan: Plan, code: str) -> pl.DataFrame:
    return plan.exceptions.filter(pl.col("code") == code)


def test_only_the_bottleneck_line_has_more_work_than_hours(plan, truth):
    overload = plan.loads.filter(pl.col("overload") > 0)
    assert overload["resource"].unique().to_list() == [truth.bottleneck]
    assert overload.height >= 2
    assert overload["overload"].sum() > 40


def test_the_other_lines_are_loaded_but_not_full(plan, truth):
    others = plan.loads.filter(pl.col("resource") != truth.bottleneck)
    share = (others["run"].sum() + others["setup"].sum()) / others["available"].sum()
    assert 0.05 < share < 0.8


def test_the_rush_order_should_have_started_before_now(plan, truth):
    late = exceptions(plan, "PastDueStart")
    assert truth.planted.rush_demand in late["demand"].to_list()


def test_a_good_part_of_the_plan_needs_no_time_machine(plan):
    late = exceptions(plan, "PastDueStart").height
    assert 10 < late < plan.supplies.height / 8


def test_the_plan_believes_the_wrong_lead_time(plan, truth):
    bought = plan.supplies.filter(
        (pl.col("product") == truth.misstated_product) & (pl.col("status") == "planned")
    )
    days = (bought["finish"] - bought["start"]).dt.total_hours() / 24
    assert bought.height > 0
    assert days.max() < truth.stated_days + 2


def test_receipts_of_the_drifting_supplier_are_overdue(plan, snapshot, truth):
    overdue = exceptions(plan, "OverdueReceipt").join(
        snapshot["supply_orders"], left_on="supply", right_on="supply_order"
    )
    assert truth.drifting_supplier in overdue["source"].to_list()


def test_nothing_supplies_the_discontinued_article(plan, truth):
    missing = exceptions(plan, "NoSource")
    assert missing["product"].unique().to_list() == [truth.discontinued]
    assert missing["demand"].unique().to_list() == [truth.planted.short_demand]


def test_nobody_wants_the_dead_stock(plan, truth):
    product, _ = truth.dead_stock
    assert plan.pegging.filter(pl.col("product") == product).is_empty()
    assert plan.supplies.filter(pl.col("product") == product).is_empty()


def test_the_truth_is_kept_for_each_seed():
    assert ground_truth.truth("small", 1) is ground_truth.truth("small", 1)
