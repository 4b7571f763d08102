"""Firming orders just as they are planned keeps the plan.

Dates, quantities, sources, resources and pegs are those of the plan: the same demands
get the same at the same time, and nothing else moves.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medhavi.findings import BadData
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import EditedPlan, Providers, edit, plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.random_towns import random_town
from tests.planners.search_plants import workshop
from tests.planners.small_plans import KERNELS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan

LIGHT = {**KERNELS, "effort": "light"}
PLACED = ["kind", "product", "location", "source", "qty", "start", "finish"]
ORDERS = [
    ("A", 4.0, 9.0, 2),
    ("B", 3.0, 12.0, 2),
    ("A", 6.0, 10.0, 1),
    ("B", 5.0, 12.0, 3),
    ("A", 5.0, 14.0, 2),
    ("B", 2.0, 15.0, 2),
]


def constrained(snapshot: Snapshot, before: Plan | None = None) -> Plan:
    return plan(snapshot, "constrained", LIGHT, baseline=before)


def planned(made: Plan) -> pl.DataFrame:
    own = (pl.col("status") == "planned") & pl.col("order_qty").is_not_null()
    return made.supplies.filter(own).sort("start", "id")


def firmed(snapshot: Snapshot, made: Plan, names: Sequence[str]) -> Snapshot:
    """Tables after planned orders became firm, in one edit."""
    orders = EditedPlan(
        plan=made,
        providers=Providers(snapshot),
        taken=frozenset(snapshot["supply_orders"]["supply_order"]),
    )
    edits = [{"kind": "firm", "supply": name} for name in names]
    after: Snapshot = edit("mass_change", edits=edits).patch(orders).apply(snapshot)
    return after


def money(made: Plan) -> float:
    return float(made.causes["money"].fill_null(0.0).sum())


def delivered(made: Plan) -> list[tuple[Any, ...]]:
    rows = made.deliveries.select("demand", "date", "qty")
    return sorted(rows.iter_rows(), key=str)


def kept(first: Plan, made: Plan, names: Sequence[str]) -> bool:
    """Whether what is made and moved is where it was, firm or planned."""
    there = [
        one.supplies.filter(pl.col("kind") != "buy").select(PLACED)
        for one in (first, made)
    ]
    assert made.supplies.filter(status="firmed").height >= len(names)
    return sorted(there[0].rows(), key=str) == sorted(there[1].rows(), key=str)


def require_kept(snapshot: Snapshot, first: Plan, names: Sequence[str]) -> Plan:
    after = firmed(snapshot, first, names)
    made = constrained(after, first)
    assert [str(one) for one in verify(made, after)] == []
    assert made.run.effort["demands_anew"] == 0
    assert delivered(made) == delivered(first)
    assert money(made) == pytest.approx(money(first))
    assert kept(first, made, names)
    return made


@settings(max_examples=examples(5, 300))
@given(st.integers(0, 100_000), st.integers(1, 12), st.randoms())
def test_a_company_keeps_its_plan(seed: int, count: int, draw: random.Random) -> None:
    snapshot = Snapshot.from_frames(factories.tables(**random_town(seed)))
    try:
        first = constrained(snapshot)
    except BadData:
        assume(False)
    rows = planned(first)["id"].to_list()
    assume(rows and first.run.engine == "search")
    require_kept(snapshot, first, draw.sample(rows, min(count, len(rows))))


def test_what_was_firmed_stays_when_more_is_firmed() -> None:
    snapshot = Snapshot.from_frames(workshop(ORDERS))
    made = first = constrained(snapshot)
    for _ in range(3):
        names = planned(made)["id"].to_list()[:3]
        snapshot, made = (
            firmed(snapshot, made, names),
            require_kept(snapshot, made, names),
        )
    assert delivered(made) == delivered(first)
    assert kept(first, made, [])


def test_steps_of_a_firm_order_run_where_and_when_they_were_planned() -> None:
    snapshot = Snapshot.from_frames(workshop(ORDERS))
    first = constrained(snapshot)
    makes = planned(first).filter(kind="make")
    after = firmed(snapshot, first, makes["id"].to_list())
    made = constrained(after, first)
    when = ["step", "resource", "start", "finish"]
    assert after["supply_order_steps"].height > 0
    assert sorted(made.operations.select(when).rows(), key=str) == sorted(
        first.operations.select(when).rows(), key=str
    )


def test_what_is_firmed_at_another_date_is_planned_around() -> None:
    snapshot = Snapshot.from_frames(workshop(ORDERS))
    first = constrained(snapshot)
    orders = EditedPlan(plan=first, providers=Providers(snapshot))
    name = planned(first).filter(kind="make")["id"][0]
    later = AS_OF + dt.timedelta(days=11)
    after = edit("move", name, due=later).patch(orders).apply(snapshot)
    made = constrained(after, first)
    assert after["supply_order_steps"].height == 0
    assert [str(one) for one in verify(made, after)] == []


def test_an_edit_of_a_firm_order_ends_the_times_of_its_steps() -> None:
    snapshot = Snapshot.from_frames(workshop(ORDERS))
    first = constrained(snapshot)
    makes = planned(first).filter(kind="make")["id"].to_list()[:2]
    after = firmed(snapshot, first, makes)
    steps = after["supply_order_steps"]
    orders = EditedPlan(plan=first, providers=Providers(after))
    number = steps["supply_order"][0]
    moved = edit("move", number, due=AS_OF + dt.timedelta(days=11))
    left = moved.patch(orders).apply(after)["supply_order_steps"]
    assert left.equals(steps.filter(pl.col("supply_order") != number))


def test_earlier_steps_are_those_of_the_order_alone() -> None:
    """Pegs of what was served anew stand first here: 2 takes of 3, 0 takes of 1."""
    last, earlier = ("\x1f".join(("A", "L", "R", step)) for step in "01")
    lists = {
        "items": [last, earlier],
        "item": [0, 1, 0, 1],
        "giver": [3, 1, -2],
        "taker": [2, 0, 1],
    }
    frame = pl.DataFrame({name: [one] for name, one in lists.items()})
    schedule = BaselineSchedule(frame=frame, products=None)
    assert schedule._with_earlier_steps(0) == [0, 1]
    assert schedule._with_earlier_steps(2) == [2, 3]
