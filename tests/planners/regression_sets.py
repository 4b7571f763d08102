"""Five frozen sets of data: what grows, what is deep, what shares a line, what travels.

Nothing in them is random: quantities and dates follow from running numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests import factories
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def demands(number: int, products: int, **cells: Any) -> list[dict[str, Any]]:
    """Demands of products P0, P1 … in turn, due on days 10 to 39."""
    return [
        {
            "demand": f"D{one:04}",
            "product": f"P{one % products}",
            "qty": 10.0 + one % 7,
            "due": day(10 + (one * 11) % 30),
            "priority": 1 + one % 3,
            **cells,
        }
        for one in range(number)
    ]


def bought(products: int) -> list[dict[str, Any]]:
    """Terms: product P3 comes in 2 + 3 days, in lots of 5."""
    return [
        {"product": f"P{one}", "lead_time_days": 2.0 + one % 9, "lot_multiple": 5.0}
        for one in range(products)
    ]


def baseline() -> Snapshot:
    """10 demands of 5 bought products, a third of them in stock."""
    return factories.snapshot(
        demands=demands(10, 5),
        supply_terms=bought(5),
        stock=[{"product": f"P{one}", "qty": 7.0 * one} for one in range(5)],
    )


def three_levels() -> Snapshot:
    """20 products on three levels: 4 made of 6 made of 10 bought."""
    tops = [f"P{one}" for one in range(4)]
    middles = [f"M{one}" for one in range(6)]
    bottoms = [f"B{one}" for one in range(10)]
    made = [*tops, *middles]
    lines = [
        {
            "routing": f"R-{top}",
            "component": middles[(place + more) % 6],
            "qty_per": 2.0,
        }
        for place, top in enumerate(tops)
        for more in range(2)
    ] + [
        {"routing": f"R-{middle}", "component": bottoms[(2 * place + more) % 10]}
        for place, middle in enumerate(middles)
        for more in range(2)
    ]
    return factories.snapshot(
        demands=demands(12, 4),
        routings=[{"routing": f"R-{product}", "product": product} for product in made],
        steps=[
            {"routing": f"R-{product}", "fixed_minutes": 480.0, "yield": 0.9}
            for product in made
        ],
        bom_lines=[{**row, "line": place} for place, row in enumerate(lines)],
        supply_terms=[
            {"product": product, "lead_time_days": 3.0} for product in bottoms
        ],
    )


def one_line() -> Snapshot:
    """5 products that share one machine, 20 demands in all."""
    products = [f"P{one}" for one in range(5)]
    return factories.snapshot(
        demands=demands(20, 5),
        resources=[{"resource": "LINE"}],
        routings=[{"routing": f"R-{one}", "product": one} for one in products],
        steps=[
            {
                "routing": f"R-{one}",
                "setup_minutes": 60.0,
                "run_minutes_per_unit": 240.0,
            }
            for one in products
        ],
        step_resources=[
            {"routing": f"R-{one}", "resource": "LINE"} for one in products
        ],
    )


def three_sites() -> Snapshot:
    """3 sites with 5 legs between them; all is bought at the first."""
    legs = [("L", "S2", 48.0), ("L", "S3", 120.0), ("S2", "S3", 24.0)]
    legs += [("S3", "S2", 24.0), ("S2", "L", 48.0)]
    wanted = [
        {**row, "location": ("L", "S2", "S3")[place % 3]}
        for place, row in enumerate(demands(12, 2))
    ]
    lanes = [
        {"lane": f"{a}-{b}", "origin": a, "destination": b, "duration_h": hours}
        for a, b, hours in legs
    ]
    return factories.snapshot(
        demands=wanted,
        locations=[{"location": name} for name in ("L", "S2", "S3")],
        lanes=lanes,
        sourcing=[
            {
                "product": f"P{one}",
                "location": place,
                "kind": "move",
                "source": source,
            }
            for one in range(2)
            for place, source in (("S2", "L-S2"), ("S3", "S2-S3"))
        ]
        + [
            {"product": f"P{one}", "location": "L", "kind": "buy", "source": "S"}
            for one in range(2)
        ],
        supply_terms=bought(2),
    )


def a_thousand() -> Snapshot:
    """1,000 demands of 100 bought products."""
    return factories.snapshot(demands=demands(1000, 100), supply_terms=bought(100))
