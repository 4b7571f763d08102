"""Tiny companies with opening costs, by hand and random, and what the best plan costs.

There is time and room for all, nothing has a value in stock, and what is short is dear:
a plan costs what it opens and, of each kind, the cheapest unit of what is open.
"""

from __future__ import annotations

import random
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from tests.planners.small_plans import day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Rows = dict[str, list[dict[str, Any]]]
Offers = dict[str, tuple[float, float]]
"""Cost of a unit, and what it costs to open, by id."""
WANTED = [
    {"demand": f"D{number}", "product": "A", "qty": 50.0, "due": day(10 + number)}
    for number in range(2)
]
"""100 A in all."""


def lines(cost: float) -> Rows:
    """A is made on M1 at 1 a unit, or on M2 at 0.5, which is preferred."""
    return {
        "demands": WANTED,
        "resources": [{"resource": "M1"}, {"resource": "M2", "opening_cost": cost}],
        "routings": [
            {"routing": "R1", "product": "A", "cost_per_unit": 1.0, "preference": 2},
            {"routing": "R2", "product": "A", "cost_per_unit": 0.5},
        ],
        "steps": [{"routing": f"R{n}", "run_minutes_per_unit": 1} for n in (1, 2)],
        "step_resources": [
            {"routing": f"R{n}", "step": 1, "resource": f"M{n}"} for n in (1, 2)
        ],
    }


def suppliers(cost: float) -> Rows:
    """A is bought of S1 at 1 a unit, or of S2 at 0.5, which is preferred."""
    return {
        "demands": WANTED,
        "suppliers": [{"supplier": "S1"}, {"supplier": "S2", "opening_cost": cost}],
        "supply_terms": [
            {"supplier": "S1", "product": "A", "lead_time_days": 2.0}
            | {"unit_price": 1.0, "preference": 2},
            {"supplier": "S2", "product": "A", "lead_time_days": 2.0}
            | {"unit_price": 0.5},
        ],
    }


def lanes(cost: float) -> Rows:
    """A is moved by T1 at 1 a unit, or by T2 at 0.5, which is preferred."""
    both = {"origin": "W", "destination": "L", "duration_h": 24.0}
    return {
        "demands": WANTED,
        "locations": [{"location": "L"}, {"location": "W"}],
        "stock": [{"product": "A", "location": "W", "qty": 100.0}],
        "lanes": [
            {"lane": "T1", "cost_per_unit": 1.0, "preference": 2, **both},
            {"lane": "T2", "cost_per_unit": 0.5, "opening_cost": cost, **both},
        ],
    }


def random_offers(seed: int) -> tuple[Offers, Offers, Offers]:
    """Draw suppliers, lines and lanes of a company: one to three of each."""
    draw = random.Random(seed)
    return tuple(
        {
            f"{letter}{number}": (
                draw.choice((1.0, 1.5, 2.0, 3.0)),
                draw.choice((0.0, 10.0, 40.0, 90.0)),
            )
            for number in range(draw.randint(1, 3))
        }
        for letter in "SMT"
    )


def random_company(seed: int) -> Rows:
    """Tables of a company with the offers of a seed.

    A is made of C at W, on one of some lines, and moved to L by one of some lanes; C is
    bought.
    """
    suppliers, lines, lanes = random_offers(seed)
    draw = random.Random(-seed)
    return {
        "locations": [{"location": "L"}, {"location": "W"}],
        "suppliers": [
            {"supplier": name, "opening_cost": opened}
            for name, (_, opened) in suppliers.items()
        ],
        "supply_terms": [
            {"supplier": name, "product": "C", "location": "W", "lead_time_days": 2.0}
            | {"unit_price": each, "preference": draw.randint(1, 3)}
            for name, (each, _) in suppliers.items()
        ],
        "resources": [
            {"resource": name, "location": "W", "opening_cost": opened}
            for name, (_, opened) in lines.items()
        ],
        "routings": [
            {"routing": f"R{name}", "product": "A", "location": "W"}
            | {"cost_per_unit": each, "preference": draw.randint(1, 3)}
            for name, (each, _) in lines.items()
        ],
        "steps": [{"routing": f"R{name}", "run_minutes_per_unit": 1} for name in lines],
        "step_resources": [
            {"routing": f"R{name}", "step": 1, "resource": name} for name in lines
        ],
        "bom_lines": [
            {"routing": f"R{name}", "line": 1, "component": "C"} for name in lines
        ],
        "lanes": [
            {"lane": name, "origin": "W", "destination": "L", "duration_h": 24.0}
            | {"cost_per_unit": each, "opening_cost": opened}
            | {"preference": draw.randint(1, 3)}
            for name, (each, opened) in lanes.items()
        ],
        "demands": [
            {"demand": f"D{number}", "product": "A", "location": "L"}
            | {"qty": draw.randint(5, 30), "due": day(draw.randint(12, 30))}
            | {"short_cost": 1000.0}
            for number in range(draw.randint(1, 3))
        ],
    }


def least_cost(seed: int) -> float:
    """What the best plan of a company costs, by all subsets that may be opened."""
    qty = sum(row["qty"] for row in random_company(seed)["demands"])
    return sum(_cheapest(offers, qty) for offers in random_offers(seed))


def _cheapest(offers: Offers, qty: float) -> float:
    return min(
        qty * min(offers[name][0] for name in opened)
        + sum(offers[name][1] for name in opened)
        for opened in _subsets(offers)
    )


def _subsets(offers: Iterable[str]) -> Iterator[tuple[str, ...]]:
    names = sorted(offers)
    return chain.from_iterable(
        combinations(names, size) for size in range(1, len(names) + 1)
    )


PRODUCTS = ("A", "B", "C", "D")


def random_market(seed: int) -> Rows:
    """Tables of four products and three to five suppliers that sell some of them.

    Each sells two or three of the four, so a set that serves all is a cover: as parts,
    half of a supplier each, it costs less than whole.
    """
    draw = random.Random(1000 + seed)
    names = [f"S{number}" for number in range(draw.randint(3, 5))]
    sold = {name: sorted(draw.sample(PRODUCTS, draw.randint(2, 3))) for name in names}
    for product in PRODUCTS:
        if not any(product in own for own in sold.values()):
            sold["S0"].append(product)
    return {
        "suppliers": [
            {"supplier": name, "opening_cost": draw.choice((30.0, 40.0, 50.0))}
            for name in names
        ],
        "supply_terms": [
            {"supplier": name, "product": product, "lead_time_days": 2.0}
            | {"unit_price": draw.choice((1.0, 1.5)), "preference": draw.randint(1, 3)}
            for name, own in sold.items()
            for product in own
        ],
        "demands": [
            {"demand": f"D{product}", "product": product, "qty": draw.randint(5, 30)}
            | {"due": day(draw.randint(5, 30)), "short_cost": 1000.0}
            for product in PRODUCTS
        ],
    }


def least_of_market(rows: Rows) -> float:
    """What the best plan of a market costs, by all subsets of suppliers."""
    cost = {row["supplier"]: row["opening_cost"] for row in rows["suppliers"]}
    price = {(row["supplier"], row["product"]): row for row in rows["supply_terms"]}
    found: list[float] = []
    for opened in _subsets(cost):
        total = sum(cost[name] for name in opened)
        for demand in rows["demands"]:
            product = demand["product"]
            offers = [price[n, product] for n in opened if (n, product) in price]
            each = min((row["unit_price"] for row in offers), default=1000.0)
            total += demand["qty"] * each
        found.append(total)
    return min(found)
