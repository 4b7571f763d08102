"""Loads, lost time and units of resources, against the plan and the calendars."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import polars as pl
import pytest

from medhavi.providers.capacity.resources import leaving
from medhavi.results.plans.source_trace import start_delays
from medhavi.results.reports.resource_load import ResourceLoads, units_of
from medhavi.units import to_seconds
from tests import api, factories

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
NOW = factories.AS_OF  # a Monday


def plant(**tables):
    """Two units that work eight hours on weekdays, and four orders for them."""
    given = {
        "resources": [{"resource": "M", "calendar": "CAL", "units": 2}],
        "shifts": [{"calendar": "CAL", "weekday": day} for day in range(1, 6)],
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "setup_minutes": 30, "run_minutes_per_unit": 20}],
        "step_resources": [{"routing": "R", "resource": "M"}],
        "demands": [
            {"product": "A", "qty": 40, "due": NOW + days * DAY}
            for days in (3, 3, 3, 17)
        ],
        **tables,
    }
    return factories.snapshot(**given)


@pytest.fixture(scope="module")
def company():
    return plant()


@pytest.fixture(scope="module", params=["mrp", "constrained"])
def plan(company, request):
    return api.plan(company, request.param)


def test_hours_are_those_of_the_plan_where_it_has_work(company, plan) -> None:
    hours = ResourceLoads(plan, company).hours()
    stated = plan.loads.filter(pl.col("bucket") >= hours["bucket"].min())
    known = hours.join(stated, on=["resource", "bucket"], how="semi")
    assert known.equals(stated.sort("resource", "bucket"))


def test_buckets_without_work_have_their_open_hours(company) -> None:
    plan = api.plan(company, "constrained")
    hours = ResourceLoads(plan, company).hours()
    weeks = hours["bucket"].to_list()
    assert {after - before for before, after in pairwise(weeks)} == {7 * DAY}
    idle = hours.filter((pl.col("run") + pl.col("setup")) == 0)
    assert idle.height
    assert idle["available"].to_list() == [80.0] * idle.height


def test_a_plan_without_work_has_the_open_hours_of_now() -> None:
    snapshot = plant(demands=[])
    hours = ResourceLoads(api.plan(snapshot, "mrp"), snapshot).hours()
    assert hours.select("bucket", "available", "run").rows() == [(NOW, 80.0, 0.0)]


def test_hours_of_operations_are_the_hours_of_loads(plan) -> None:
    operations = units_of(plan.operations)
    spans = (pl.col("finish") - pl.col("start")).dt.total_seconds() / 3600
    hours = operations.select(spans.sum()).item()
    assert hours == pytest.approx(plan.loads["run"].sum() + plan.loads["setup"].sum())


def test_no_two_operations_overlap_on_a_unit(plan) -> None:
    placed = units_of(plan.operations).sort("resource", "unit", "start")
    before = pl.col("finish").shift(1).over("resource", "unit")
    assert placed.filter(pl.col("start") < before).is_empty()


def test_a_finite_plan_stays_within_the_units(company) -> None:
    plan = api.plan(company, "constrained")
    assert units_of(plan.operations)["unit"].max() == 2


def test_closed_and_down_time_are_told_apart() -> None:
    down = {"kind": "resource_down", "subject": "M", "valid_from": NOW + 8 * HOUR}
    snapshot = plant(disruptions=[{**down, "valid_to": NOW + 12 * HOUR}])
    plan = api.plan(snapshot, "constrained")
    lost = ResourceLoads(plan, snapshot).unavailable_time(["M"], NOW, NOW + DAY)
    assert [(one.kind, one.begin, one.end) for one in lost] == [
        ("closed", NOW, NOW + 8 * HOUR),
        ("closed", NOW + 16 * HOUR, NOW + DAY),
        ("down", NOW + 8 * HOUR, NOW + 12 * HOUR),
    ]


def test_fewer_units_for_a_time_are_downtime() -> None:
    dated = {"resource": "M", "valid_from": NOW + 8 * HOUR, "units": 0.5}
    snapshot = plant(resource_units=[{**dated, "valid_to": NOW + 10 * HOUR}])
    loads = ResourceLoads(api.plan(snapshot, "constrained"), snapshot)
    [lost] = [
        one
        for one in loads.unavailable_time(["M"], NOW, NOW + DAY)
        if one.kind == "down"
    ]
    assert (lost.begin, lost.end, lost.share) == (
        NOW + 8 * HOUR,
        NOW + 10 * HOUR,
        0.75,
    )


@pytest.mark.parametrize("calendar", ["CAL", None])
def test_withheld_time_is_what_promises_leave_free(calendar) -> None:
    """The planners' own reading of the share is the reference."""
    snapshot = plant(
        resources=[{"resource": "M", "calendar": calendar, "withheld_share": 0.25}]
    )
    plan = api.plan(snapshot, "constrained")
    begin, end = NOW, NOW + 3 * DAY
    working = api.Providers(snapshot).capacity.working_time("M")
    span = to_seconds(begin), to_seconds(end)
    left = leaving(working, 0.25).segments(*span)
    found = ResourceLoads(plan, snapshot).unavailable_time(["M"], begin, end)
    withheld = [one for one in found if one.kind == "withheld"]
    hours = sum((one.end - one.begin).total_seconds() for one in withheld)
    assert hours == sum(b - a for a, b in working.segments(*span)) - sum(
        b - a for a, b in left
    )
    for one in withheld:
        assert not any(
            a < to_seconds(one.end) and b > to_seconds(one.begin) for a, b in left
        )


def test_an_operation_tells_which_order_it_waits_for() -> None:
    snapshot = plant(resources=[{"resource": "M", "calendar": "CAL"}])
    plan = api.plan(snapshot, "constrained")
    work = plan.operations.sort("start")
    first, later = work["supply"][0], work["supply"][-1]
    assert start_delays(plan, first, snapshot=snapshot) != ()
    told = [one.reason for one in start_delays(plan, later, snapshot=snapshot)]
    assert "resource" in told
    assert start_delays(plan, "nothing") == ()
