"""A search over whole plans: other sources, lots and dates where demands are late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.results.run_record import Status
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.random_towns import random_town
from tests.planners.small_plans import day
from tests.planners.test_effort_order import objective

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.api import Progress

SETTINGS: dict[str, Any] = {"engine": "python", "search": "never"}


def two_products(**more: Any) -> Snapshot:
    """A machine for A and B: six hours of set-up a lot, an hour a unit."""
    tables: dict[str, Any] = {
        "products": [{"product": "A"}, {"product": "B"}],
        "locations": [{"location": "L"}],
        "resources": [{"resource": "M", "location": "L"}],
        "routings": [
            {"routing": "RA", "product": "A", "location": "L"},
            {"routing": "RB", "product": "B", "location": "L"},
        ],
        "steps": [
            {"routing": name, "step": 1, "setup_minutes": 360}
            | {"run_minutes_per_unit": 60}
            for name in ("RA", "RB")
        ],
        "step_resources": [
            {"routing": name, "step": 1, "resource": "M"} for name in ("RA", "RB")
        ],
        "demands": [
            {"demand": "A1", "product": "A", "qty": 6, "due": day(1)},
            {"demand": "A2", "product": "A", "qty": 6, "due": day(1.5)},
            {"demand": "B1", "product": "B", "qty": 12, "due": day(1.5)},
        ],
    }
    return factories.snapshot(**{**tables, **more})


def planned(snapshot: Snapshot, tries: int | None = None) -> Plan:
    settings = {**SETTINGS, "effort": "full", "plans_tried": tries}
    made = plan(snapshot, "constrained", settings)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def late(made: Plan) -> int:
    return made.fulfilment.filter(pl.col("lateness_h") > 0).height


def lots(made: Plan, product: str) -> list[float]:
    return sorted(made.supplies.filter(pl.col("product") == product)["qty"].to_list())


@pytest.mark.req("CAP-06")
def test_two_needs_share_a_lot_where_two_set_ups_leave_no_time():
    """12 + 12 + 18 hours for what is due after 36; 18 + 18 with one lot of A."""
    snapshot = two_products()
    alone, searched = planned(snapshot, 0), planned(snapshot)
    assert (late(alone), lots(alone, "A")) == (1, [6.0, 6.0])
    assert (late(searched), lots(searched, "A")) == (0, [12.0])
    assert searched.run.effort["plans"] > 0
    assert planned(snapshot).fingerprint == searched.fingerprint


def test_lots_are_as_large_as_needs_where_all_is_in_time():
    easy = two_products(
        demands=[
            {"demand": "A1", "product": "A", "qty": 6, "due": day(3)},
            {"demand": "A2", "product": "A", "qty": 6, "due": day(4)},
        ]
    )
    made = planned(easy)
    assert (lots(made, "A"), made.run.effort["plans"]) == ([6.0, 6.0], 0)


def test_a_lot_rule_that_is_stated_is_not_changed():
    fixed = two_products(
        inventory_policies=[
            {"product": "A", "location": "L", "lot_rule": "fixed", "lot_size": 6}
        ]
    )
    assert lots(planned(fixed), "A") == [6.0, 6.0]


@pytest.mark.parametrize(("effort", "tries"), [("light", 0), ("standard", 7)])
def test_less_effort_tries_as_many_plans_as_it_is_told(effort, tries):
    own = {} if tries == 0 else {"plans_tried": tries}
    settings = {**SETTINGS, "effort": effort, **own}
    made = plan(two_products(), "constrained", settings)
    assert made.run.effort["plans"] == tries


@pytest.mark.req("MRP-09")
@pytest.mark.parametrize("seed", some(range(12), 3))
def test_more_plans_are_never_dearer_and_deliver_nothing_before_it_is_due(seed):
    town = factories.snapshot(**random_town(seed))
    dearest, searched = planned(town, 0), planned(town, 25)
    assert objective(searched, town).no_worse(objective(dearest, town))
    delivered = searched.deliveries.join(
        town["demands"].select("demand", "due"), on="demand"
    )
    assert delivered.filter(pl.col("date") < pl.col("due")).is_empty()


def test_a_search_that_is_stopped_leaves_a_whole_plan():
    seen: list[int] = []

    def observe(progress: Progress) -> None:
        if progress.phase == "plans":
            seen.append(progress.done)

    snapshot = two_products()
    made = plan(
        snapshot,
        "constrained",
        {**SETTINGS, "effort": "full"},
        observe=observe,
        cancelled=lambda: len(seen) >= 2,
    )
    assert made.run.status is Status.CANCELLED
    assert [str(found) for found in verify(made, snapshot)] == []
    assert made.fulfilment["short"].sum() == 0
