"""A planner of the demo company firms the orders of a week as they are planned."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.units import from_seconds
from tests.examples import some
from tests.planners.test_firm_as_planned import constrained, planned, require_kept

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


@pytest.fixture(scope="module")
def first(snapshot: Snapshot) -> Plan:
    """The constrained plan of the demo company."""
    return constrained(snapshot)


@pytest.mark.parametrize("week", some([0, 2, 4], 2))
@pytest.mark.nightly
def test_a_week_is_firmed_for_nothing(
    snapshot: Snapshot, first: Plan, week: int
) -> None:
    begin = from_seconds(int(snapshot.as_of)) + dt.timedelta(days=7 * week)
    end = begin + dt.timedelta(days=7)
    rows = planned(first).filter(pl.col("start").is_between(begin, end, closed="left"))
    assert rows.height > 20
    require_kept(snapshot, first, rows["id"].to_list())


@pytest.mark.nightly
def test_orders_of_a_plan_that_was_changed_are_firmed_for_nothing(
    snapshot: Snapshot, first: Plan
) -> None:
    """What was served anew stands behind the rest of the schedule."""
    late = first.causes.sort("money", descending=True)["demand"][0]
    more = pl.when(pl.col("demand") == late).then(pl.col("qty") + 50)
    demands = snapshot["demands"].with_columns(qty=more.otherwise("qty"))
    after = snapshot.replace(demands=demands)
    second = constrained(after, first)
    begin = from_seconds(int(snapshot.as_of)) + dt.timedelta(days=7)
    rows = planned(second).filter(
        pl.col("start").is_between(begin, begin + dt.timedelta(days=7), closed="left")
    )
    assert rows.height > 20
    require_kept(after, second, rows["id"].to_list())
