"""Random small job shops: shifts, set-ups, units, overlaps, tools, parts."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from tests import factories
from tests.planners.campaign_shop import day, matrix

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

Row = dict[str, Any]


def job_shop(seed: int) -> Snapshot:
    """Up to three machines and products of up to three steps, two to five demands."""
    draw = Random(seed)
    machines, products = "MNO"[: draw.randint(1, 3)], "ABC"[: draw.randint(1, 3)]
    shifts, tools = draw.random() < 0.6, draw.random() < 0.4
    steps: list[Row] = []
    uses: list[Row] = []
    for product in products:
        count = draw.randint(1, 3)
        for number in range(1, count + 1):
            place = {"routing": f"R{product}", "step": number}
            steps.append(place | _step(draw, number))
            able = draw.sample(machines, draw.randint(1, min(2, len(machines))))
            uses += [place | {"resource": name, "choice": "m"} for name in able]
            if tools and draw.random() < 0.3:
                held = {"until_step": count} if number < count else {}
                tool = {"resource": "TOOL", "choice": "tool"}
                uses.append(place | tool | (held if draw.random() < 0.5 else {}))
    parts = len(products) > 1 and draw.random() < 0.5
    calendar = {"calendar": "DAY"} if shifts else {}
    return factories.snapshot(
        products=[{"product": name} for name in products],
        locations=[{"location": "L"}],
        routings=[
            {"routing": f"R{name}", "product": name, "max_lot": draw.choice([20, 90])}
            for name in products
        ],
        bom_lines=[{"routing": "RA", "component": products[-1], "qty_per": 1}]
        if parts
        else [],
        resources=[
            {"resource": name, "units": draw.choice([1, 1, 1, 2]), **calendar}
            | ({"changeover_matrix": "X"} if draw.random() < 0.7 else {})
            for name in machines
        ]
        + ([{"resource": "TOOL", "kind": "tool"}] if tools else []),
        calendars=[calendar] if shifts else [],
        shifts=_two_shifts() if shifts else [],
        steps=steps,
        step_resources=uses,
        changeovers=matrix(("F", "G", 30, False), ("G", "F", 45, False)),
        resource_state=[{"resource": "M", "family": "F"}] if shifts and tools else [],
        demands=[
            {
                "demand": f"D{number}",
                "product": draw.choice(products),
                "location": "L",
                "qty": draw.choice([10, 20, 40, 60]),
                "due": day(draw.randint(2, 36) / 24),
                "priority": draw.choice([1, 5]),
            }
            for number in range(draw.randint(2, 5))
        ],
    )


def _step(draw: Random, number: int) -> Row:
    return {
        "sequence": number if draw.random() < 0.8 else 1,
        "run_minutes_per_unit": draw.choice([1, 2, 0.5]),
        "setup_minutes": draw.choice([0, 0, 15]),
        "queue_minutes": draw.choice([0, 0, 20]),
        "move_minutes": draw.choice([0, 0, 30]),
        "family": draw.choice([None, "F", "G"]),
        "splittable": draw.random() < 0.4,
        "overlap_qty": draw.choice([None] * 8 + [5, 10]),
    }


def _two_shifts() -> list[Row]:
    """Eight to twelve, and one to five, on each day."""
    return [
        {
            "calendar": "DAY",
            "weekday": weekday,
            "start": dt.time(begin),
            "finish": dt.time(begin + 4),
        }
        for weekday in range(1, 8)
        for begin in (8, 13)
    ]
