"""The program of mode optimize against the short form of the source, written anew.

One product at one place, from two or three of: two suppliers, two routings with a
machine each, a lane from a place with stock. Sets, parameters, columns and rows by the
day, in a dozen lines and for another solver; it shares no code with the planner.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from tests import factories
from tests.api import plan
from tests.examples import examples
from tests.planners.test_source_toys import wanted

DAYS, LATE_DAYS, STOCK, SHORT = 34, 20, 100, 1e5
"""Days of the short form, how late a demand may be, what lies elsewhere, and what a
unit costs that never comes."""


class Way(NamedTuple):
    """A source: its kind, its price, and days it takes or hours a unit takes."""

    kind: str
    price: float
    takes: int


class Wanted(NamedTuple):
    """Quantity, day, and what a unit costs for a day late."""

    qty: int
    due: int
    late: float


def company(seed: int) -> tuple[dict[str, Way], list[Wanted]]:
    """Two or three sources and up to three demands."""
    chance = random.Random(seed)
    kinds = {"S": "buy", "T": "buy", "R": "make", "Q": "make", "LANE": "move"}
    takes = {"buy": range(13), "make": (1, 2, 6, 12), "move": (1, 3, 10)}
    ways = {
        name: Way(
            kinds[name],
            chance.choice([1, 2, 3, 5, 8]),
            chance.choice(takes[kinds[name]]),
        )
        for name in chance.sample(list(kinds), chance.randint(2, 3))
    }
    demands = [
        Wanted(
            chance.randint(1, 12),
            chance.randint(1, 14),
            chance.choice([0.05, 0.2, 0.5, 1, 3]),
        )
        for _ in range(chance.randint(1, 3))
    ]
    return ways, demands


def tables(ways: dict[str, Way], demands: list[Wanted]) -> dict[str, list[Any]]:
    """Rows of the company; nothing costs anything for lying there."""
    made = [name for name, way in ways.items() if way.kind == "make"]
    return {
        "settings": [{"horizon_days": 60}],
        "locations": [{"location": "L"}, {"location": "W"}],
        "inventory_policies": [
            {"location": place, "holding_rate": 0.0} for place in "LW"
        ],
        "suppliers": [{"supplier": "S"}, {"supplier": "T"}],
        "stock": [{"location": "W", "qty": STOCK}],
        "sourcing": [{"kind": way.kind, "source": one} for one, way in ways.items()],
        "supply_terms": [
            {"supplier": one, "lead_time_days": way.takes, "unit_price": way.price}
            for one, way in ways.items()
            if way.kind == "buy"
        ],
        "lanes": [
            {"lane": one, "origin": "W", "destination": "L", "cost_per_unit": way.price}
            | {"duration_h": 24 * way.takes}
            for one, way in ways.items()
            if way.kind == "move"
        ],
        "resources": [{"resource": f"M{one}"} for one in made],
        "routings": [
            {"routing": one, "cost_per_unit": ways[one].price} for one in made
        ],
        "steps": [
            {"routing": one, "run_minutes_per_unit": 60 * ways[one].takes}
            for one in made
        ],
        "step_resources": [{"routing": one, "resource": f"M{one}"} for one in made],
        "demands": [
            wanted(
                f"D{n}", one.qty, one.due, late_cost_per_day=one.late, short_cost=SHORT
            )
            for n, one in enumerate(demands)
        ],
    }


def short_form(ways: dict[str, Way], demands: list[Wanted]) -> float:
    """Least cost: supply arriving, deliveries and shortage, by day.

    Deliveries up to a day are no more than what arrived by then; a machine makes 24
    hours of goods a day, there at its end; a demand is delivered or short.
    """
    cost: list[float] = []
    most: list[float | None] = []

    def column(price: float, upper: float | None = None) -> int:
        cost.append(price)
        most.append(upper)
        return len(cost) - 1

    arrives = {
        (name, day): column(way.price, 24 / way.takes if way.kind == "make" else None)
        for name, way in ways.items()
        for day in range(1 if way.kind == "make" else way.takes, DAYS + 1)
    }
    delivered = {
        (n, day): column(one.late * max(0, day - one.due))
        for n, one in enumerate(demands)
        for day in range(min(DAYS, one.due + LATE_DAYS) + 1)
    }
    short = [column(SHORT) for _ in demands]
    there = np.zeros((DAYS + 1, len(cost)))
    for day, row in enumerate(there):
        row[[one for (_, when), one in arrives.items() if when <= day]] = -1
        row[[one for (_, when), one in delivered.items() if when <= day]] = 1
    moved = np.zeros((1, len(cost)))
    moved[0, [v for (one, _), v in arrives.items() if ways[one].kind == "move"]] = 1
    served = np.zeros((len(demands), len(cost)))
    for (n, _), one in delivered.items():
        served[n, one] = 1
    served[range(len(demands)), short] = 1
    answer = linprog(
        cost,
        A_ub=np.vstack([there, moved]),
        b_ub=[*[0] * (DAYS + 1), STOCK],
        A_eq=served,
        b_eq=[one.qty for one in demands],
        bounds=[(0, upper) for upper in most],
    )
    return float(answer.fun)


@pytest.mark.req("OMI-33")
@pytest.mark.parametrize("seed", range(examples(8, 60)))
def test_the_program_costs_what_its_short_form_does(seed):
    ways, demands = company(seed)
    snapshot = factories.snapshot(**tables(ways, demands))
    settings = {"bucket": "40xday", "late_days": LATE_DAYS, "effort": "light"}
    record = plan(snapshot, "optimize", settings).run.program
    assert record.value == pytest.approx(short_form(ways, demands), rel=1e-6)
