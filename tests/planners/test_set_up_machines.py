"""Machines that are set up already, and work that leaves them set up as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day, days

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

HOUR = 1 / 24


def made(
    set_up: dict[str, str], families: dict[str, str | None], **given: Any
) -> dict[str, Any]:
    """Products made in an hour each on any of some machines, each changed over in one.

    `set_up` has the family of each machine, `families` that of each product.
    """
    rows = [
        {"routing": f"make {product}", "step": 1, "resource": machine, "choice": "any"}
        for product in families
        for machine in set_up
    ]
    return {
        "resources": [{"resource": one, "changeover_matrix": "X"} for one in set_up],
        "resource_state": [
            {"resource": machine, "family": family}
            for machine, family in set_up.items()
        ],
        "changeovers": [{"matrix": "X", "setup_minutes": 60.0, "cost": 100.0}],
        "routings": [
            {"routing": f"make {product}", "product": product} for product in families
        ],
        "steps": [
            {
                "routing": f"make {product}",
                "step": 1,
                "family": family,
                "run_minutes_per_unit": 60.0,
            }
            for product, family in families.items()
        ],
        "step_resources": rows,
        **given,
    }


def work(tables: dict[str, Any]) -> list[tuple[str, float | None, float | None]]:
    """Machine, start and end [hours after now] of all work, by start."""
    snapshot = factories.snapshot(**tables)
    found: Plan = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    rows = found.operations.sort("start").select("resource", "start", "finish").rows()
    return [(machine, hours(start), hours(finish)) for machine, start, finish in rows]


def hours(moment: Any) -> float:
    return round((days(moment) or 0.0) * 24, 3)


@pytest.mark.req("CMP-02", "CAP-09")
@pytest.mark.parametrize("ready", ["M1", "M2"])
def test_of_equal_machines_the_one_that_is_set_up_works(ready: str) -> None:
    """Four hours of red work due on day 10: no machine is changed over for them."""
    set_up = {one: "RED" if one == ready else "BLUE" for one in ("M1", "M2")}
    tables = made(set_up, {"A": "RED"}, demands=[{"qty": 4.0, "due": day(10)}])
    assert work(tables) == [(ready, 236.0, 240.0)]


@pytest.mark.req("CAP-09")
def test_a_preferred_machine_is_changed_over_where_that_is_in_time() -> None:
    """M1 is preferred: an hour of changeover from hour 235 on, four hours of work."""
    demands = [{"qty": 4.0, "due": day(10)}]
    tables = made({"M1": "BLUE", "M2": "RED"}, {"A": "RED"}, demands=demands)
    for place, row in enumerate(tables["step_resources"]):
        row["preference"] = 1 + place
    assert work(tables) == [("M1", 235.0, 240.0)]


@pytest.mark.req("CMP-02")
def test_work_without_a_family_is_as_late_as_may_be_on_a_machine_with_changeovers() -> (
    None
):
    """Two hours due on day 5; blue work due four hours later is changed over for.

    That takes hours 120 to 124, the changeover from red the hour before it: work
    without a family, which leaves the machine red, has to end by hour 119.
    """
    families = {"A": None, "B": "BLUE"}
    demands = [
        {"product": "A", "qty": 2.0, "due": day(5)},
        {"product": "B", "qty": 4.0, "due": day(5 + 4 * HOUR)},
    ]
    tables = made({"M1": "RED"}, families, demands=demands)
    assert work(tables) == [("M1", 117.0, 119.0), ("M1", 119.0, 124.0)]
    tables["demands"] = demands[:1]
    assert work(tables) == [("M1", 118.0, 120.0)]


@pytest.mark.req("CMP-02")
def test_a_step_without_a_family_leaves_the_next_one_its_changeover() -> None:
    """Three steps side by side of an hour, due at hour 120, on a machine never set up.

    Blue is last, from hour 119 on; red before its changeover of an hour, from 117 to
    118. The step without a family comes before red: between them it took that hour.
    """
    steps = [
        {"routing": "make A", "step": number, "sequence": 1, "family": family}
        | {"run_minutes_per_unit": 60.0}
        for number, family in ((1, None), (2, "RED"), (3, "BLUE"))
    ]
    tables = made(
        {"M1": "RED"},
        {"A": None},
        resource_state=[],
        steps=steps,
        demands=[{"qty": 1.0, "due": day(5)}],
    )
    tables["step_resources"] = [
        {"routing": "make A", "step": row["step"], "resource": "M1"} for row in steps
    ]
    assert work(tables) == [
        ("M1", 116.0, 117.0),
        ("M1", 117.0, 118.0),
        ("M1", 119.0, 120.0),
    ]
