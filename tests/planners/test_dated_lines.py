"""Lines of a bill of materials that hold for a time, on the steps that take them."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.small_plans import KERNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan

TWO_STEPS: dict[str, Any] = {
    "resources": [{"resource": "M"}],
    "routings": [{"min_lot": 10}],
    "steps": [{"fixed_minutes": 600}, {"step": 2, "fixed_minutes": 600}],
    "step_resources": [{}, {"step": 2}],
}
"""M does A in two steps of ten hours; ten at least."""
IN_STOCK = [{"product": "B", "qty": 100}, {"product": "C", "qty": 100}]


def hour(number: float) -> dt.datetime:
    """Instant so many hours from now on."""
    return AS_OF + dt.timedelta(hours=number)


def phased(at: float, **more: object) -> list[dict[str, Any]]:
    """B until an hour, C from then on, both on step 2."""
    return [
        {"line": 1, "component": "B", "step": 2, "valid_to": hour(at), **more},
        {"line": 2, "component": "C", "step": 2, "valid_from": hour(at), **more},
    ]


def feasible(**given: Iterable[Mapping[str, object]]) -> Plan:
    """Plan partial rows in mode constrained; nothing may be wrong with the plan."""
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def ends(made: Plan) -> dict[str, float | None]:
    """Hour of the delivery of each demand; None: it gets nothing."""
    found = dict.fromkeys(made.fulfilment["demand"].to_list())
    for row in made.deliveries.iter_rows(named=True):
        found[row["demand"]] = (row["date"] - AS_OF).total_seconds() / 3600
    return found


def taken(made: Plan) -> dict[str, float]:
    """Quantities of components that orders take."""
    rows = made.pegging.filter(made.pegging["product"] != "A")
    found: dict[str, float] = {}
    for row in rows.iter_rows(named=True):
        found[row["product"]] = found.get(row["product"], 0) + row["qty"]
    return found


@pytest.mark.req("MRP-03")
@pytest.mark.parametrize("step", [{"step": 2}, {"step": 1, "anchor": "end"}])
def test_a_later_step_takes_a_line_that_begins_to_hold_before_it(step):
    """C from hour 10 on, bought in 72 hours.

    Step 2 begins at hour 10 at the earliest, when C holds: it waits for C until hour
    72 and A is there at hour 82.
    """
    made = feasible(
        **TWO_STEPS,
        bom_lines=[{"component": "C", "valid_from": hour(10), **step}],
        supply_terms=[{"product": "C", "lead_time_days": 3}],
        demands=[{"due": hour(1)}],
    )
    assert ends(made) == {"D1": 82}
    bought = made.supplies.filter(made.supplies["kind"] == "buy")
    assert bought["product"].to_list() == ["C"]


@pytest.mark.req("MRP-03")
@pytest.mark.parametrize(
    ("at", "component"), [(9, "C"), (10, "C"), (11, "B"), (19, "B")]
)
def test_a_later_step_takes_what_holds_when_it_begins(at, component):
    """Step 2 begins at hour 10, and takes what holds then, whatever holds before."""
    made = feasible(
        **TWO_STEPS,
        bom_lines=phased(at),
        stock=IN_STOCK,
        demands=[{"due": hour(1)}],
    )
    assert ends(made) == {"D1": 20}
    assert taken(made) == {component: 10}


@pytest.mark.req("MRP-03")
@pytest.mark.parametrize("at", [15, 25, 30, 35])
def test_work_that_waits_for_a_machine_takes_what_holds_by_then(at):
    """M does the first A until hour 20, the second until hour 40.

    The last step begins at hour 30: it takes B if that holds until hour 35, else C.
    """
    made = feasible(
        **TWO_STEPS,
        bom_lines=phased(at),
        stock=IN_STOCK,
        demands=[{"due": hour(20)}, {"due": hour(21)}],
    )
    assert ends(made) == {"D1": 20, "D2": 40}
    assert taken(made) == ({"B": 20} if at == 35 else {"B": 10, "C": 10})


@pytest.mark.req("MRP-03")
def test_lines_of_one_step_and_of_another_have_dates_of_their_own():
    """B until hour 10 on step 2, E from hour 5 and F until hour 25 on step 3.

    Steps begin at hours 0, 10 and 20: step 2 takes no B, step 3 takes E and F.
    """
    made = feasible(
        **TWO_STEPS
        | {
            "steps": [{"step": step, "fixed_minutes": 600} for step in (1, 2, 3)],
            "step_resources": [{"step": step} for step in (1, 2, 3)],
        },
        bom_lines=[
            {"line": 1, "component": "B", "step": 2, "valid_to": hour(10)},
            {"line": 2, "component": "E", "step": 3, "valid_from": hour(5)},
            {"line": 3, "component": "F", "step": 3, "valid_to": hour(25)},
        ],
        stock=[{"product": one, "qty": 100} for one in "BEF"],
        demands=[{"due": hour(1)}],
    )
    assert ends(made) == {"D1": 30}
    assert taken(made) == {"E": 10, "F": 10}


@pytest.mark.req("MRP-03")
def test_a_later_step_takes_no_line_that_ended_before_its_order_begins():
    """C from hour 20 on is taken by step 1, B until hour 5 by step 2: only C is."""
    made = feasible(
        **TWO_STEPS,
        bom_lines=[
            {"line": 1, "component": "B", "step": 2, "valid_to": hour(5)},
            {"line": 2, "component": "C", "step": 1, "valid_from": hour(20)},
        ],
        stock=IN_STOCK,
        demands=[{"due": hour(60)}],
    )
    assert ends(made) == {"D1": 60}
    assert taken(made) == {"C": 10}


def drawn(seed: int) -> dict[str, Any]:
    """Two products in up to three steps each on two machines, with dated lines."""
    pick = random.Random(seed)
    tables: dict[str, Any] = {
        name: [] for name in ("routings", "steps", "step_resources", "bom_lines")
    }
    for name in ("A", "Z"):
        routing = {"routing": f"R{name}", "product": name}
        lot = pick.choice([{}, {"min_lot": 10}, {"max_lot": 5}])
        tables["routings"].append({**routing, **lot})
        steps = pick.randint(1, 3)
        for step in range(1, steps + 1):
            own = {"routing": f"R{name}", "step": step}
            length = pick.choice(["fixed_minutes", "run_minutes_per_unit"])
            minutes = pick.choice([60, 180, 600]) / (1 if "f" in length[:1] else 10)
            queue = pick.choice([0, 0, 120])
            tables["steps"].append({**own, length: minutes, "queue_minutes": queue})
            machine = pick.choice(["M", "N"])
            tables["step_resources"].append({**own, "resource": machine})
        for line, component in enumerate("BCE", start=1):
            own = {"routing": f"R{name}", "line": line, "component": component}
            own |= {"step": pick.randint(1, steps)}
            if pick.random() < 0.2:
                own["anchor"] = "end"
            begin = pick.choice([None, 5, 10, 20, 40])
            if begin is not None:
                own["valid_from"] = hour(begin)
            if pick.random() < 0.5:
                own["valid_to"] = hour((begin or 0) + pick.choice([5, 10, 25, 60]))
            tables["bom_lines"].append(own)
    tables["resources"] = [{"resource": "M"}, {"resource": "N"}]
    tables["stock"] = [{"product": one, "qty": 1000} for one in "BC"]
    tables["supply_terms"] = [{"product": "E", "lead_time_days": pick.choice([0, 1])}]
    tables["demands"] = [
        {
            "demand": f"D{number}",
            "product": pick.choice("AZ"),
            "qty": pick.choice([5, 10, 20]),
            "due": hour(pick.choice([1, 10, 30, 60])),
        }
        for number in range(pick.randint(1, 4))
    ]
    return tables


@pytest.mark.req("MRP-03")
@pytest.mark.nightly
def test_dated_lines_are_taken_as_the_verifier_has_it():
    """Whatever lines hold when a step begins, the plan takes them and no others."""
    for seed in range(examples(8, 60)):
        feasible(**drawn(seed))
