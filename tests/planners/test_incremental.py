"""A constrained plan on a baseline: what a change does not reach stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings

from medhavi.edits import apply, changes
from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.planners.net_change.incremental import linked
from medhavi.results.difference import stability
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.small_plans import day
from tests.planners.test_net_change import edited

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

QUICK = {"engine": "python", "effort": "light"}


def works(**more: Any) -> Snapshot:
    """Two lines that share nothing, and a third product on the first line."""
    tables: dict[str, Any] = {
        "demands": [
            {"demand": "D1", "product": "A", "qty": 10, "due": day(20)},
            {"demand": "D2", "product": "B", "qty": 10, "due": day(20)},
            {"demand": "D3", "product": "C", "qty": 10, "due": day(20)},
        ],
        "routings": [{"routing": f"R{name}", "product": name} for name in "ABC"],
        "steps": [
            {"routing": f"R{name}", "run_minutes_per_unit": 60} for name in "ABC"
        ],
        "resources": [{"resource": "M1"}, {"resource": "M2"}],
        "step_resources": [
            {"routing": "RA", "resource": "M1"},
            {"routing": "RB", "resource": "M2"},
            {"routing": "RC", "resource": "M1"},
        ],
    }
    return factories.snapshot(**{**tables, **more})


def constrained(snapshot: Snapshot, before: Any = None, **more: Any) -> Any:
    return plan(snapshot, "constrained", {**QUICK, **more}, baseline=before)


def changed(snapshot: Snapshot, qty: float = 20.0, demand: str = "D1") -> Snapshot:
    return apply(
        snapshot, changes([{"kind": "demand_changed", "demand": demand, "qty": qty}])
    )


def test_what_shares_a_resource_is_linked():
    assert linked(works(), {"A"}) >= {"A", "C", "M1"}
    assert "B" not in linked(works(), {"A"})


@pytest.mark.parametrize(("most", "shared"), [(50.0, True), (None, False)])
def test_what_shares_a_limited_supplier_is_linked(most, shared):
    snapshot = works(
        routings=[{"routing": "RC", "product": "C"}],
        steps=[{"routing": "RC"}],
        step_resources=[],
        supply_terms=[
            {"product": "A", "capacity_per_period": most},
            {"product": "B"},
        ],
    )
    assert ("B" in linked(snapshot, {"A"})) is shared


def test_what_is_held_or_under_way_on_the_other_line_stays():
    """5 of B lie there for D2, 3 more come by a work order; D1 of A grows."""
    before = works(
        stock=[{"product": "B", "qty": 5}],
        reservations=[
            {"subject": "B", "demand": "D2", "qty": 5},
            {
                "reservation": "W",
                "key": "W",
                "kind": "transport",
                "subject": "T",
                "qty": 1,
            },
        ],
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[{"lane": "T"}],
        supply_orders=[
            {
                "supply_order": "O1",
                "kind": "work",
                "source": "RB",
                "product": "B",
                "qty": 3,
                "due": day(9),
            }
        ],
        supply_order_steps=[{"supply_order": "O1", "step": 1, "resource": "M2"}],
    )
    first = constrained(before)
    after = changed(before)
    made = constrained(after, first)
    assert [str(found) for found in verify(made, after)] == []
    kept = pl.col("product") == "B"
    assert made.supplies.filter(kept).equals(first.supplies.filter(kept))
    assert made.findings[0].code == "NET003"


def test_a_part_that_is_cancelled_says_so():
    before = works()
    after = changed(before)
    made = plan(
        after,
        "constrained",
        QUICK,
        baseline=constrained(before),
        cancelled=lambda: True,
    )
    assert made.run.status == "cancelled"
    assert made.run.snapshot_fingerprint == after.fingerprint


def test_the_other_line_stays_where_it_was():
    before = works()
    first = constrained(before)
    after = changed(before)
    made = constrained(after, first)
    assert made.run.settings["baseline"] == first.fingerprint
    assert constrained(changed(after, 12.0), made).findings[0].code == "NET003"
    assert made.findings[0].code == "NET003"
    assert "2 of 3 products" in made.findings[0].message
    assert [str(found) for found in verify(made, after)] == []
    kept = pl.col("product") == "B"
    assert made.supplies.filter(kept).equals(first.supplies.filter(kept))
    assert made.fulfilment["status"].to_list() == ["on_time"] * 3
    assert stability(first, made)["KPI-08"][0].value == pytest.approx(1 / 3)


def test_lateness_above_the_price_is_compared_with_a_plan_from_nothing():
    before = works()
    after = changed(before, qty=900.0)
    made = constrained(after, constrained(before))
    whole = constrained(after)
    assert made.causes["money"].sum() <= whole.causes["money"].sum()
    assert [str(found) for found in verify(made, after)] == []


def test_where_a_part_is_later_the_plan_from_nothing_is_taken():
    before = works()
    first = constrained(before)
    late = first.fulfilment.with_columns(status=pl.lit("late"))
    spoiled = replace(
        first,
        tables={
            **first.tables,
            "fulfilment": late,
            "causes": pl.DataFrame(
                {
                    "demand": ["D2"],
                    "code": ["LeadTime"],
                    "subject": ["B"],
                    "hours": [1.0],
                    "money": [100.0],
                }
            ),
        },
    )
    made = constrained(changed(before), spoiled)
    assert made.findings[0].code == "NET001"
    assert "more than 0 apart" in made.findings[0].message
    paid = constrained(changed(before), spoiled, stability_price=500.0)
    assert paid.findings[0].code == "NET003"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: replace(made, basis=None), "does not know"),
        (
            lambda made: replace(made, run=replace(made.run, mode="mrp")),
            "mode mrp",
        ),
        (lambda made: replace(made, run=replace(made.run, settings={})), "settings"),
        (lambda made: replace(made, run=replace(made.run, as_of=1)), "moment"),
    ],
)
def test_a_baseline_that_is_no_help_is_named(spoil: Any, reason: str) -> None:
    before = works()
    made = constrained(changed(before), spoil(constrained(before)))
    assert made.findings[0].code == "NET001"
    assert reason in made.findings[0].message


def test_a_table_of_everything_is_placed_anew():
    before = works()
    after = apply(
        before,
        changes([{"kind": "set", "table": "resources", "set": {"efficiency": 0.5}}]),
    )
    made = constrained(after, constrained(before))
    assert "table resources differs" in made.findings[0].message


def test_a_price_is_an_amount():
    first = constrained(works())
    with pytest.raises(UsageError, match="at least 0"):
        constrained(works(), first, stability_price=-1)


def test_effort_incremental_needs_a_baseline():
    with pytest.raises(UsageError, match="baseline"):
        plan(works(), "constrained", {"effort": "incremental"})
    first = constrained(works())
    made = plan(
        works(), "constrained", {**QUICK, "effort": "incremental"}, baseline=first
    )
    assert made.findings[0].code in {"NET001", "NET003"}


@settings(max_examples=examples(3, 12))
@given(edited())
def test_every_plan_on_a_baseline_can_be_carried_out(
    both: tuple[Snapshot, Snapshot],
) -> None:
    before, after = both
    try:
        first = constrained(before)
        whole = constrained(after)
    except BadData as refused:
        assert {found.code for found in refused.findings} == {"PLAN003"}  # noqa: PT017 - a lot too small for a law
        return
    made = constrained(after, first)
    assert [str(found) for found in verify(made, after)] == []
    assert made.causes["money"].sum() <= whole.causes["money"].sum() + 1e-6
