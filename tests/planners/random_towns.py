"""Random companies of two plants that can stand in for each other, short of time."""

from __future__ import annotations

import random
from typing import Any

from tests.planners.small_plans import day

Rows = dict[str, list[dict[str, Any]]]
PLANTS = ("P1", "P2")


def random_town(seed: int) -> Rows:
    """Tables: two plants, a warehouse, a customer; routings and lanes to choose.

    A product is made in both plants, by one or two routings; components come from one
    or two suppliers; the warehouse prefers either plant, and P2 may ask P1.
    """
    draw = random.Random(seed)
    products = [f"A{number}" for number in range(draw.randint(1, 3))]
    rows: Rows = {
        "products": [{"product": name} for name in (*products, "C", "K")],
        "locations": [
            *({"location": name} for name in (*PLANTS, "W")),
            {"location": "CU", "kind": "customer"},
        ],
        "calendars": [{"calendar": "day"}],
        "shifts": [
            {"calendar": "day", "weekday": day, "start": "06:00", "finish": "18:00"}
            for day in range(1, 6)
        ],
        **{name: [] for name in ("resources", "routings", "steps", "step_resources")},
        **{name: [] for name in ("bom_lines", "supply_terms", "sourcing", "stock")},
    }
    for plant in PLANTS:
        _plant(draw, rows, plant, products)
    rows["suppliers"] = [
        {"supplier": name}
        for name in sorted({row["supplier"] for row in rows["supply_terms"]})
    ]
    _lanes(draw, rows, products)
    rows["stock"] = [
        {"product": name, "location": place, "qty": draw.randint(1, 30)}
        for name in (*products, "C", "K")
        for place in (*PLANTS, "W")
        if draw.random() < 0.3
    ]
    rows["demands"] = [
        {
            "demand": f"D{number}",
            "product": draw.choice(products),
            "location": draw.choice(("W", "CU", "CU", "P1")),
            "qty": draw.randint(5, 40),
            "due": day(draw.randint(3, 25)),
            "priority": draw.randint(1, 3),
            "max_lateness_days": draw.choice((None, None, None, 5.0)),
            "full_line": draw.random() < 0.1,
        }
        for number in range(draw.randint(6, 16))
    ]
    return rows


def _plant(draw: random.Random, rows: Rows, plant: str, products: list[str]) -> None:
    machines = [f"M{number}{plant}" for number in range(draw.randint(1, 2))]
    rows["resources"] += [
        {
            "resource": name,
            "location": plant,
            "calendar": "day" if draw.random() < 0.4 else None,
        }
        for name in machines
    ]
    for product in products:
        for turn in range(draw.randint(1, 2)):
            _routing(draw, rows, f"R{turn}{product}{plant}", product, plant, turn + 1)
            for step in range(1, draw.randint(1, 2) + 1):
                key = {"routing": f"R{turn}{product}{plant}", "step": step}
                minutes = draw.choice((20, 40, 60, 90))
                rows["steps"].append({**key, "run_minutes_per_unit": minutes})
                machine = draw.choice(machines)
                rows["step_resources"].append({**key, "resource": machine})
    for component in ("C", "K"):
        for turn in range(draw.randint(1, 2)):
            rows["supply_terms"].append(
                {
                    "supplier": f"S{turn}{component}",
                    "product": component,
                    "location": plant,
                    "lead_time_days": draw.choice((1, 3, 8, 15)),
                    "preference": turn + 1,
                    "min_lot": draw.choice((0, 20)),
                }
            )


def _routing(
    draw: random.Random,
    rows: Rows,
    name: str,
    product: str,
    plant: str,
    preference: int,
) -> None:
    rows["routings"].append(
        {
            "routing": name,
            "product": product,
            "location": plant,
            "preference": preference,
            "min_lot": draw.choice((0, 0, 5)),
            "max_lot": draw.choice((None, None, 30)),
            "lot_multiple": draw.choice((1, 1, 5)),
        }
    )
    if draw.random() < 0.5:
        component = draw.choice(("C", "K"))
        qty = draw.choice((1, 2))
        rows["bom_lines"].append(
            {"routing": name, "component": component, "qty_per": qty}
        )


def _lanes(draw: random.Random, rows: Rows, products: list[str]) -> None:
    ways = (("P1", "W"), ("P2", "W"), ("P1", "P2"), ("W", "CU"), ("P1", "CU"))
    rows["lanes"] = [
        {
            "lane": f"{origin}-{to}",
            "origin": origin,
            "destination": to,
            "duration_h": draw.choice((0, 12, 48)),
        }
        for origin, to in ways
    ]
    first = draw.sample(PLANTS, 2)
    for product in products:
        moves = [("W", f"{plant}-W", turn) for turn, plant in enumerate(first)]
        moves.append(("CU", "W-CU", 0))
        if draw.random() < 0.5:
            moves.append(("CU", "P1-CU", 1))
        behind = draw.random() < 0.3
        if behind:
            moves.append(("P2", "P1-P2", 0))
        rows["sourcing"] += [
            {
                "product": product,
                "location": place,
                "kind": "move",
                "source": lane,
                "preference": turn + 1,
            }
            for place, lane, turn in moves
        ]
        rows["sourcing"] += [
            {
                "product": product,
                "location": row["location"],
                "kind": "make",
                "source": row["routing"],
                "preference": row["preference"] + behind,
            }
            for row in rows["routings"]
            if row["product"] == product
        ]
