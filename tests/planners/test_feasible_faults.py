"""Small snapshots whose constrained plan could not be carried out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.pipeline import plan
from medhavi.results.verify import verify
from tests import factories
from tests.planners.small_plans import PYTHON, day, deliveries, exceptions, orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plan import Plan


def feasible(effort: str = "light", /, **given: Iterable[Mapping[str, object]]) -> Plan:
    """Plan partial rows in mode constrained; nothing may be wrong with the plan."""
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, "constrained", {**PYTHON, "effort": effort})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


# --- orders that never fit ---------------------------------------------------------
def test_an_order_that_stays_tells_that_its_component_can_never_be_made() -> None:
    work = {"kind": "work", "start": day(0), "due": day(3)}
    made = feasible(
        resources=[{"resource": "M"}],
        resource_units=[{"valid_from": day(3), "units": 0}],
        routings=[
            {"routing": "R"},
            {"routing": "Q", "product": "B"},
            {"routing": "RZ", "product": "Z"},
        ],
        steps=[
            {"routing": "R", "fixed_minutes": 60},
            {"routing": "Q", "run_minutes_per_unit": 60},
            {"routing": "RZ", "run_minutes_per_unit": 60},
        ],
        step_resources=[{"routing": "Q"}, {"routing": "RZ"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        supply_orders=[
            {**work, "product": "Z", "qty": 72, "source": "RZ"},
            {
                **work,
                "qty": 10,
                "source": "R",
                "status": "firmed",
                "start": day(4),
                "due": day(5),
            },
        ],
        demands=[{"due": day(9)}, {"product": "Z", "qty": 1}],
    )
    (told,) = exceptions(made, "MissingMaterial")
    assert (told["supply"], told["product"], told["qty"]) == ("O2", "B", 10)


# --- what dies ---------------------------------------------------------------------
def test_what_dies_is_not_made_so_early_that_it_is_dead_when_it_is_delivered() -> None:
    made = feasible(
        products=[{"product": "A", "shelf_life_days": 3}],
        routings=[{}],
        lanes=[{"origin": "L", "destination": "W", "duration_h": 24}],
        demands=[{"location": "W", "qty": 10, "due": day(28)}],
    )
    assert deliveries(made) == [(10, 28)]
    assert orders(made) == [("A", 10, 27, 27), ("A", 10, 27, 28)]


def test_what_goes_into_what_dies_lives_until_it_is_taken() -> None:
    made = feasible(
        products=[
            {"product": "A", "shelf_life_days": 3},
            {"product": "B", "shelf_life_days": 2},
        ],
        resources=[{}],
        routings=[{}],
        steps=[{"fixed_minutes": 1440}],
        step_resources=[{}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 1}],
        demands=[{"qty": 10, "due": day(28)}],
    )
    assert deliveries(made) == [(10, 28)]
    assert orders(made) == [("A", 10, 27, 28), ("B", 10, 26, 27)]
