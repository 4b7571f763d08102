"""Plans that a search found of what is made by recipes: components by step."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.search_plants import workshop
from tests.planners.test_search_plans import NEVER, delivered, searched, workshops

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

PLAIN = settings(phases=[Phase.generate], deadline=None)


@st.composite
def by_step(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops whose components are taken at some steps, and one of them at two."""
    tables = draw(workshops())
    steps = {
        name: [row["step"] for row in tables["steps"] if row["routing"] == name]
        for name in ("make A", "make B", "make PART")
    }
    more = [
        {"routing": "make A", "line": 5, "component": "PART", "qty_per": 1.0},
        {"routing": "make A", "line": 6, "component": "RAW", "qty_per": 0.5},
        {"routing": "make B", "line": 7, "component": "RAW", "qty_per": 1.0},
    ]
    lines = [*tables["bom_lines"], *draw(st.lists(st.sampled_from(more), unique_by=id))]
    found: list[dict[str, Any]] = []
    for row in lines:
        number = draw(st.sampled_from([None, *steps[row["routing"]]]))
        taken = {
            (one["component"], one["step"] or 1)
            for one in found
            if one["routing"] == row["routing"]
        }
        if (row["component"], number or 1) not in taken:
            until = draw(st.sampled_from([None, None, day(-5), day(400)]))
            found.append({**row, "step": number, "valid_to": until})
    return {**tables, "bom_lines": found}


@pytest.mark.req("MRP-02", "CAP-06", "CAP-12")
@settings(PLAIN, max_examples=examples(10, 100))
@given(by_step(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_components_of_later_steps_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("CAP-12")
@settings(PLAIN, max_examples=examples(6, 40))
@given(by_step())
def test_hours_of_causes_sum_to_the_lateness_with_components_of_later_steps(
    tables: dict[str, Any],
) -> None:
    made = searched(tables)
    hours = made.causes.group_by("demand").agg(pl.col("hours").sum())
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    found = dict(hours.iter_rows())
    for demand, wanted in late.select("demand", "lateness_h").iter_rows():
        assert found[demand] == pytest.approx(wanted)


@settings(PLAIN, max_examples=examples(6, 40))
@given(by_step())
def test_no_plan_with_components_of_later_steps_is_better_than_its_bound(
    tables: dict[str, Any],
) -> None:
    made = searched(tables)
    run = made.run
    assert run.effort["late"] >= run.effort["late_at_least"]
    assert run.effort["weighted_days"] >= (run.bound or 0.0) - 1e-9
    general = plan(Snapshot.from_frames(tables), "constrained", {**NEVER})
    assert delivered(made) == delivered(general)


def day(number: float) -> dt.datetime:
    return AS_OF + dt.timedelta(days=number)


def finishes(made: Plan) -> list[float]:
    """Days from now until each demand is delivered whole."""
    last = made.deliveries.group_by("demand").agg(pl.col("date").max()).sort("demand")
    return [(date - AS_OF) / dt.timedelta(days=1) for date in last["date"]]


@pytest.mark.req("MRP-02", "CAP-06")
def test_a_component_of_the_second_step_is_there_when_that_begins() -> None:
    """Step 1 of an A takes 10 hours, RAW for step 2 is there on day 3."""
    after = [{"resource": "M2", "run_minutes_per_unit": 600.0}]
    tables = workshop([("A", 1.0, 1.0, 1)], stock=1.0, lead=3.0, after=after)
    line = {"routing": "make A", "line": 2, "component": "RAW", "qty_per": 1.0}
    tables["bom_lines"] += [line | {"step": 2}]
    made = searched(tables)
    assert finishes(made) == [pytest.approx(3 + 10 / 24)]
    work = made.operations.filter(pl.col("resource") != "").sort("start")
    assert [row["start"] for row in work.to_dicts()] == [
        day(3 - 10 / 24),
        day(3),
    ]
