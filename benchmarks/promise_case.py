"""The tables of the promise benchmark: two plants, deep products, a full book."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from benchmarks.instances import START

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

    Rows = list[dict[str, Any]]

GOODS = 1100
"""Finished products, with three subassemblies each."""
RAWS = 10_000 - 4 * GOODS
RESOURCES = 1000
CUSTOMERS = 200
RESERVATIONS = 20_000
PLANTS = ("P1", "P2")
BOM = {"FG": ("SA", "SB", "raw"), "SA": ("SC", "raw", "raw"), "SB": ("raw", "raw")}
"""Components by level; SC has two raws: ten components on three levels."""


def _day(number: float) -> dt.datetime:
    return START + dt.timedelta(days=number)


def promise_case(seed: int = 1, *, uncertain: bool = True) -> Snapshot:
    """Make the snapshot; the same seed gives the same tables.

    Parameters
    ----------
    uncertain
        Suppliers and lanes are late now and then: a date has a distribution.
    """
    from medhavi.snapshot import Snapshot

    rng = random.Random(seed)
    tables: dict[str, Rows] = {
        "settings": [{"as_of": START, "horizon_days": 120.0}],
        "locations": _places(),
        "promise_policies": [
            {"policy": "default", "supplier_fallback": "accept_with_risk"}
        ],
        "calendars": [{"calendar": "TWO"}],
        "shifts": [
            {
                "calendar": "TWO",
                "weekday": weekday,
                "start": dt.time(6),
                "finish": dt.time(22),
            }
            for weekday in range(1, 6)
        ],
        "suppliers": [{"supplier": f"S{number:02d}"} for number in range(40)],
        "resources": [
            {
                "resource": f"M{number:04d}",
                "location": PLANTS[number % 2],
                "calendar": "TWO",
            }
            for number in range(RESOURCES)
        ],
    }
    for name in ("products", "routings", "steps", "step_resources", "bom_lines"):
        tables[name] = []
    tables["products"] = [
        {"product": f"RAW{number:05d}", "weight_kg": 0.1} for number in range(RAWS)
    ]
    tables["supply_terms"] = [
        {
            "supplier": f"S{rng.randrange(40):02d}",
            "product": f"RAW{number:05d}",
            "location": "*",
            "lead_time_days": float(rng.randrange(2, 15)),
        }
        for number in range(RAWS)
    ]
    for number in range(GOODS):
        _good(tables, rng, number)
    tables["stock"] = [
        {
            "product": row["product"],
            "location": plant,
            "qty": float(rng.randrange(20, 400)),
        }
        for row in tables["products"]
        for plant in PLANTS
        if not row["product"].startswith("FG") and rng.random() < 0.5
    ]
    _lanes(tables)
    if uncertain:
        for row in tables["supply_terms"]:
            row["lead_time_p95_days"] = row["lead_time_days"] * 1.5
        for row in tables["lanes"]:
            row["duration_p95_h"] = row["duration_h"] * 1.4
    _reservations(tables, rng)
    return Snapshot.from_frames(tables)


def _places() -> Rows:
    places: Rows = [{"location": plant} for plant in PLANTS]
    places += [{"location": f"H{number}", "kind": "hub"} for number in range(10)]
    places += [
        {"location": f"C{number:03d}", "kind": "customer"}
        for number in range(CUSTOMERS)
    ]
    return places


def _good(tables: dict[str, Rows], rng: random.Random, number: int) -> None:
    """Add a product with its subassemblies and their routings at both plants."""
    for kind in ("FG", "SA", "SB", "SC"):
        product = f"{kind}{number:05d}"
        tables["products"].append({"product": product, "weight_kg": 1.0})
        parts = [
            f"RAW{rng.randrange(RAWS):05d}" if part == "raw" else f"{part}{number:05d}"
            for part in BOM.get(kind, ("raw", "raw"))
        ]
        for place, plant in enumerate(PLANTS):
            routing = f"{product}@{plant}"
            tables["routings"].append(
                {"routing": routing, "product": product, "location": plant}
            )
            tables["bom_lines"] += [
                {"routing": routing, "line": line, "component": part, "qty_per": 1.0}
                for line, part in enumerate(parts, 1)
            ]
            for step in range(1, 6 if kind == "FG" else 3):
                tables["steps"].append(
                    {
                        "routing": routing,
                        "step": step,
                        "sequence": step,
                        "setup_minutes": 10.0,
                        "run_minutes_per_unit": 2.0,
                    }
                )
                machines = rng.sample(range(RESOURCES // 2), 3)
                tables["step_resources"] += [
                    {
                        "routing": routing,
                        "step": step,
                        "resource": f"M{2 * machine + place:04d}",
                        "choice": "one",
                        "preference": rank,
                    }
                    for rank, machine in enumerate(machines, 1)
                ]


def _lanes(tables: dict[str, Rows]) -> None:
    """Lead from plants over two hubs to customers, with departures."""
    lanes: Rows = []
    for plant in PLANTS:
        lanes += [
            {
                "lane": f"{plant}-H{hub}",
                "origin": plant,
                "destination": f"H{hub}",
                "duration_h": 20.0 + hub,
                "capacity_kg": 20_000.0,
                "cutoff_h": 4.0,
            }
            for hub in range(5)
        ]
    lanes += [
        {
            "lane": f"H{hub}-H{far}",
            "origin": f"H{hub}",
            "destination": f"H{far}",
            "duration_h": 30.0,
            "capacity_kg": 20_000.0,
            "cutoff_h": 2.0,
        }
        for hub in range(5)
        for far in range(5, 10)
    ]
    lanes += [
        {
            "lane": f"H{far}-C{number:03d}",
            "origin": f"H{far}",
            "destination": f"C{number:03d}",
            "duration_h": 12.0,
            "capacity_kg": 5_000.0,
        }
        for number in range(CUSTOMERS)
        for far in (5 + number % 5, 5 + (number + 1) % 5)
    ]
    tables["lanes"] = lanes
    tables["departures"] = [
        {"lane": row["lane"], "weekday": weekday, "time": dt.time(17)}
        for place, row in enumerate(lanes)
        for weekday in {1 + place % 5, 1 + (place + 2) % 5}
    ]


def _reservations(tables: dict[str, Rows], rng: random.Random) -> None:
    """Fill the book: capacity most of all, then material, then lanes."""
    busy: dict[int, float] = {}
    rows: Rows = []
    stocked = [row for row in tables["stock"] if row["qty"] > 60]
    for number in range(RESERVATIONS):
        kind = ("capacity", "capacity", "capacity", "material", "transport")[number % 5]
        name = f"V{number:05d}"
        row: dict[str, Any] = {"reservation": name, "key": name, "kind": kind}
        if kind == "capacity":
            machine = rng.randrange(RESOURCES)
            start = busy.get(machine, 0.25) + rng.random() * 2
            length = rng.randrange(1, 6) / 24
            busy[machine] = start + length
            row |= {
                "subject": f"M{machine:04d}",
                "qty": length * 1440,
                "start": _day(start),
                "finish": _day(start + length),
            }
        elif kind == "material":
            held = rng.choice(stocked)
            row |= {
                "subject": held["product"],
                "location": held["location"],
                "qty": 2.0,
                "start": _day(rng.randrange(30)),
                "finish": _day(40),
            }
        else:
            lane = rng.choice(tables["lanes"])
            start = rng.randrange(30)
            row |= {
                "subject": lane["lane"],
                "qty": 50.0,
                "start": _day(start),
                "finish": _day(start + 7),
            }
        rows.append(row)
    tables["reservations"] = rows
