"""When one demand could be served at the earliest: by hand, against all ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.planners.constrained.demand_bounds import LeadTimeBounds, Planned
from medhavi.planners.constrained.memory import Memory
from medhavi.planners.constrained.search.searched_run import SearchedRun
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.units import HOUR
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.every_way import EveryWay
from tests.planners.small_plans import KERNELS, day
from tests.planners.small_towns import at, tables_of, town

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot
    from tests.planners.small_towns import Town


def earliest(snapshot: Snapshot) -> dict[str, float]:
    """Hours after now at which each demand could be served, existing orders first."""
    run = SearchedRun(Memory(snapshot), ConstrainedParameters())
    run.build()
    planned = Planned(
        model=run.model,
        release=run.release,
        capacity=run.providers.capacity,
        pins=run.intake.pins,
        first=True,
    )
    found = LeadTimeBounds(planned, run.intake.demands)
    return {
        one.demand: (one.due + found.lateness(one) - run.as_of) / HOUR
        for one in run.intake.demands
    }


def of(rows: dict[str, Any]) -> dict[str, float]:
    """The hours of some tables; no plan that is made of them is earlier."""
    snapshot = factories.snapshot(**rows)
    found = earliest(snapshot)
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(one) for one in verify(made, snapshot)] == []
    for demand, due, late in made.fulfilment.select(
        "demand", "due", "lateness_h"
    ).iter_rows():
        hours = (due - factories.AS_OF).total_seconds() / HOUR
        assert late == 0 or hours + late >= found[demand]
        assert late > 0 or found[demand] <= hours
    return found


def one_machine(**more: Any) -> dict[str, Any]:
    """A demand for ten pieces by the end of day 1; M makes one an hour."""
    rows: dict[str, Any] = {
        "resources": [{"resource": "M"}],
        "routings": [{"routing": "R"}],
        "steps": [{"run_minutes_per_unit": 60.0}],
        "step_resources": [{}],
        "demands": [{"demand": "D", "qty": 10, "due": day(1)}],
    }
    return {**rows, **more}


def test_an_order_takes_the_time_of_all_its_steps() -> None:
    """Ten hours, two on the way, three of queue, ten hours on N."""
    rows = one_machine(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R", "min_lot": 10.0}],
        steps=[
            {"run_minutes_per_unit": 60.0, "move_minutes": 120.0},
            {"step": 2, "run_minutes_per_unit": 60.0, "queue_minutes": 180.0},
        ],
        step_resources=[{"resource": "M"}, {"step": 2, "resource": "N"}],
    )
    assert of(rows) == {"D": 25.0}


def test_goods_of_a_later_step_are_there_before_it() -> None:
    """Labels come after three days; the second step takes ten hours."""
    rows = one_machine(
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R", "min_lot": 10.0}],
        steps=[
            {"run_minutes_per_unit": 60.0},
            {"step": 2, "run_minutes_per_unit": 60.0},
        ],
        step_resources=[{"resource": "M"}, {"step": 2, "resource": "N"}],
        bom_lines=[{"component": "B", "step": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
    )
    assert of(rows) == {"D": 82.0}


def standing(hours: int, qty: float) -> dict[str, Any]:
    """A released order for pieces of A that ends so many hours after now."""
    return {
        "supply_order": "WO1",
        "kind": "work",
        "source": "R",
        "qty": qty,
        "due": at(hours),
        "status": "released",
    }


@pytest.mark.req("CAP-12")
def test_work_finds_room_between_orders_that_stand() -> None:
    """M is busy from hour 6 to 26: ten hours fit after it, five before."""
    rows = one_machine(
        products=[{"product": "A"}, {"product": "C"}],
        routings=[
            {"routing": "R", "product": "A", "min_lot": 10.0},
            {"routing": "S", "product": "C"},
        ],
        steps=[{"routing": name, "run_minutes_per_unit": 60.0} for name in ("R", "S")],
        step_resources=[{"routing": "R"}, {"routing": "S"}],
        supply_orders=[{**standing(26, 20.0), "product": "C", "source": "S"}],
    )
    assert of(rows) == {"D": 36.0}
    rows["routings"][0]["min_lot"] = 5.0
    rows["demands"] = [{"demand": "D", "qty": 5, "due": day(1)}]
    assert of(rows) == {"D": 5.0}


def test_orders_that_stand_take_their_goods_first() -> None:
    """Of twelve B an order takes five on day 1; new ones come after nine days."""
    rows = one_machine(
        routings=[{"routing": "R", "min_lot": 10.0}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 9}],
        stock=[{"product": "B", "qty": 12}],
        supply_orders=[standing(29, 5.0)],
        demands=[{"demand": "D", "qty": 17, "due": day(1)}],
    )
    assert of(rows)["D"] == pytest.approx(9 * 24 + 12, abs=0.01)
    rows["stock"] = [{"product": "B", "qty": 17}]
    assert of(rows)["D"] < 48


def test_what_is_held_is_for_nobody_else() -> None:
    rows: dict[str, Any] = {
        "stock": [{"qty": 5}],
        "supply_terms": [{"lead_time_days": 9}],
        "demands": [{"demand": name, "qty": 3, "due": day(1)} for name in ("D1", "D2")],
        "reservations": [{"demand": "D1", "qty": 3}],
    }
    assert of(rows) == {"D1": 0.0, "D2": 9 * 24.0}


def test_a_demand_waits_for_what_a_firm_peg_names() -> None:
    rows: dict[str, Any] = {
        "stock": [{"qty": 5}],
        "supply_orders": [{"supply_order": "PO1", "qty": 3, "due": day(4)}],
        "supply_terms": [{"lead_time_days": 9}],
        "demands": [{"demand": name, "qty": 3, "due": day(1)} for name in ("D1", "D2")],
        "pegs": [{"demand": "D1", "supply": "PO1", "qty": 3, "firm": True}],
    }
    assert of(rows) == {"D1": 96.0, "D2": 0.0}


def wanted(made: Town) -> Snapshot:
    """A town, asked for what it is asked for, with nothing held for nobody."""
    asked = {
        "demand": "D",
        "product": "F",
        "location": made.place,
        "qty": made.qty,
        "due": at(made.due),
        "min_shelf_days": made.shelf_days,
    }
    return tables_of(replace(made, held=[]), demands=[asked])


def compare(seeds: range) -> float:
    """The share of towns of one place in which the best of all ways is as early."""
    found = []
    for seed in seeds:
        made = replace(town(seed), held=[])
        if any(lane.origin == "Q" for lane in made.lanes):
            continue
        best = EveryWay(made, 2, 2).earliest()
        if best is not None:
            said = earliest(wanted(made))["D"]
            assert said <= best, seed
            found.append(said == best)
    return sum(found) / len(found)


def test_no_way_to_serve_a_small_town_is_earlier() -> None:
    assert compare(range(examples(60, 120))) > 0.4


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_no_way_to_serve_many_small_towns_is_earlier(start: int) -> None:
    assert compare(range(start, start + 100)) > 0.3
