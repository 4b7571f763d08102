"""Random companies of two plants that sell over hubs, and files of order lines."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from benchmarks.instances import START
from medhavi.snapshot import Snapshot

Rows = list[dict[str, Any]]

PLANTS = ("P1", "P2")
GOODS = ("G1", "G2", "G3")
TOWNS = ("T1", "T2", "T3")
BOM = {
    "G1": ("A1", "R3"),
    "G2": ("A2", "R1"),
    "G3": ("R2", "A1"),
    "A1": ("R1", "R2"),
    "A2": ("R2", "R3"),
}
"""What goes into goods; seldom is anything needed twice."""


def _day(number: float) -> dt.datetime:
    return START + dt.timedelta(days=number)


def company(seed: int) -> Snapshot:
    """Make two plants that sell three goods over hubs with small vehicles."""
    rng = random.Random(seed)
    tables: dict[str, Rows] = {
        "settings": [{"as_of": START, "horizon_days": 60.0}],
        "locations": [
            *[{"location": plant} for plant in PLANTS],
            *[{"location": hub, "kind": "hub"} for hub in ("H1", "H2")],
            *[{"location": town, "kind": "customer"} for town in TOWNS],
        ],
        "promise_policies": [
            {
                "policy": "default",
                "supplier_fallback": "accept_with_risk",
                "plan_late_days": rng.choice([None, 20.0]),
                "buffers": rng.random() < 0.3,
                "ask_supplier": rng.choice(["on_shortfall", "always"]),
            }
        ],
        "calendars": [{"calendar": "DAY"}],
        "shifts": [
            {
                "calendar": "DAY",
                "weekday": weekday,
                "start": dt.time(6),
                "finish": dt.time(22),
            }
            for weekday in range(1, 6)
        ],
        "suppliers": [{"supplier": "S1"}, {"supplier": "S2"}],
        "products": _products(rng),
        "resources": [
            {
                "resource": f"M{plant}{number}",
                "location": plant,
                "calendar": "DAY",
                "cost_per_hour": float(rng.randrange(40)),
            }
            for plant in PLANTS
            for number in range(4)
        ],
    }
    for name in ("routings", "steps", "step_resources", "bom_lines"):
        tables[name] = []
    for product in (*GOODS, "A1", "A2"):
        _made(tables, rng, product)
    _bought(tables, rng)
    _lanes(tables, rng)
    return Snapshot.from_frames(tables)


def _products(rng: random.Random) -> Rows:
    return [
        {
            "product": product,
            "weight_kg": rng.choice([0.5, 1.0, 2.5]),
            "volume_m3": rng.choice([0.0, 0.002]),
            "unit_cost": float(rng.randrange(30)),
            "co2_kg": float(rng.randrange(4)),
        }
        for product in (*GOODS, "A1", "A2", "R1", "R2", "R3")
    ]


def _made(tables: dict[str, Rows], rng: random.Random, product: str) -> None:
    parts = BOM[product][: rng.randrange(1, 3)]
    for plant in PLANTS:
        routing = f"{product}@{plant}"
        lot = {"min_lot": 40.0} if rng.random() < 0.2 else {}
        tables["routings"].append(
            {"routing": routing, "product": product, "location": plant, **lot}
        )
        tables["bom_lines"] += [
            {
                "routing": routing,
                "line": line,
                "component": part,
                "qty_per": float(rng.randrange(1, 3)),
            }
            for line, part in enumerate(parts, 1)
        ]
        for step in (1, 2):
            tables["steps"].append(
                {
                    "routing": routing,
                    "step": step,
                    "sequence": step,
                    "setup_minutes": float(rng.randrange(30)),
                    "run_minutes_per_unit": float(rng.randrange(1, 12)),
                    "splittable": rng.random() < 0.7,
                }
            )
            tables["step_resources"] += [
                {
                    "routing": routing,
                    "step": step,
                    "resource": f"M{plant}{machine}",
                    "choice": "one",
                    "preference": rank,
                }
                for rank, machine in enumerate(rng.sample(range(4), 2), 1)
            ]


def _bought(tables: dict[str, Rows], rng: random.Random) -> None:
    raws = ("R1", "R2", "R3")
    tables["supply_terms"] = [
        {
            "supplier": rng.choice(["S1", "S2"]),
            "product": raw,
            "location": "*",
            "lead_time_days": float(rng.randrange(1, 12)),
            "unit_price": float(rng.randrange(1, 9)),
            "moq": rng.choice([0.0, 25.0]),
        }
        for raw in raws
    ]
    tables["price_tiers"] = [
        {
            "supplier": row["supplier"],
            "product": row["product"],
            "location": "*",
            "min_qty": 60.0,
            "unit_price": row["unit_price"] / 2,
        }
        for row in tables["supply_terms"]
        if rng.random() < 0.5
    ]
    tables["stock"] = [
        {"product": product, "location": plant, "qty": float(rng.randrange(10, 200))}
        for product in ("A1", "A2", *raws)
        for plant in PLANTS
        if rng.random() < 0.5
    ]
    if rng.random() < 0.4:
        tables["stock"].append({"product": "G3", "location": "P1", "qty": 30.0})
    if rng.random() < 0.4:
        tables["supply_orders"] = [
            {
                "supply_order": "PO1",
                "kind": "purchase",
                "product": "R1",
                "location": "P1",
                "qty": 90.0,
                "due": _day(9),
                "status": "released",
            }
        ]
    tables["inventory_policies"] = [
        {
            "product": "A1",
            "location": "P1",
            "holding_rate": 0.3,
            "safety_stock": rng.choice([0.0, 15.0]),
        }
    ]


def _lanes(tables: dict[str, Rows], rng: random.Random) -> None:
    ends = [(plant, hub) for plant in PLANTS for hub in ("H1", "H2")]
    ends += [(hub, town) for hub in ("H1", "H2") for town in TOWNS]
    tables["lanes"] = [
        {
            "lane": f"{origin}-{end}",
            "origin": origin,
            "destination": end,
            "duration_h": float(rng.randrange(4, 30)),
            "capacity_kg": rng.choice([40.0, 120.0, None]),
            "capacity_m3": rng.choice([None, 0.2]),
            "cutoff_h": float(rng.randrange(4)),
            "cost_per_kg": rng.random(),
            "fixed_cost": float(rng.randrange(20)),
            "co2_kg_per_tonne": float(rng.randrange(90)),
        }
        for origin, end in ends
    ]
    tables["departures"] = [
        {"lane": row["lane"], "weekday": weekday, "time": dt.time(17)}
        for row in tables["lanes"]
        for weekday in rng.sample(range(1, 6), 3)
    ]


def lines(seed: int, count: int) -> Rows:
    """Draw lines of orders, some of which must come together."""
    rng = random.Random(seed)
    return [
        {
            "product": rng.choice(GOODS),
            "location": rng.choice(TOWNS),
            "qty": float(rng.randrange(1, 60)),
            "due": _day(rng.randrange(1, 30)),
            "priority": rng.randrange(1, 4),
            "sales_order": f"SO{place // 2}",
            "line": place % 2 + 1,
            "price": float(rng.randrange(100)),
            "late_cost_per_day": rng.choice([None, 2.0]),
            "full_line": rng.random() < 0.2,
            "min_shipment": rng.choice([0.0, 0.0, 8.0]),
            "max_lateness_days": rng.choice([None, None, 5.0]),
            "order_policy": "all_together" if place // 2 % 5 == 0 else "independent",
        }
        for place in range(count)
    ]


KINDS = ("suppliers", "lanes", "both", "learned")
"""What is uncertain: stated tails of lead times, of ways, of both, or estimates."""


def uncertain_company(seed: int) -> Snapshot:
    """Make suppliers, lanes or both of a company take longer than they say."""
    rng, known = random.Random(seed), company(seed)
    kind = KINDS[seed % len(KINDS)]
    policies = known["promise_policies"].to_dicts()
    changed: dict[str, Rows] = {
        "promise_policies": [
            {**row, "risk_basis": rng.choice(["p50", "p80", "p95"])} for row in policies
        ]
    }
    if kind in {"suppliers", "both"}:
        changed["supply_terms"] = [
            {**row, "lead_time_p95_days": tail(rng, row["lead_time_days"])}
            for row in known["supply_terms"].to_dicts()
        ]
    if kind in {"lanes", "both"}:
        changed["lanes"] = [
            {**row, "duration_p95_h": tail(rng, row["duration_h"])}
            for row in known["lanes"].to_dicts()
        ]
    if kind == "learned":
        changed["estimates"] = [estimate(rng, name) for name in ("S1", "S2")]
    return known.replace(**changed)


def tail(rng: random.Random, usual: float) -> float | None:
    """Draw how long something takes in 19 of 20 cases; None: nobody says."""
    return rng.choice([None, usual, usual * 1.5, usual * 3.0])


def estimate(rng: random.Random, supplier: str) -> dict[str, object]:
    """Draw what was learned of a supplier."""
    usual = rng.randrange(2, 9)
    return {
        "kind": "supplier",
        "subject": supplier,
        "quantity": "lead_days",
        "p50": float(usual),
        "p80": usual * 1.4,
        "p95": usual * 2.2,
        "model": "lead-time",
        "version": "1",
        "basis": "model",
    }
