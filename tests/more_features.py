"""More features on the random networks of `wide_networks`.

    tables = with_features(seed)

What the networks do not draw: calendars of resources, steps and suppliers, yields and
set-ups by resource, several units, skills, tools, efficiencies by time, cleaning,
changeovers, dated and fixed components, capacities of suppliers, blackouts, room by
weight, dangerous goods, classes and characteristics, levels of stock by time, room of
places, lot rules, estimates and prices.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

from tests.wide_networks import PLACES, after, wide_tables

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
Rows = dict[str, list[Row]]
SHARE = 0.25
"""Part of the features that a network uses besides its own."""
CALENDARS = {
    "EARLY": ((6, 14),),
    "BREAK": ((6, 10), (11, 22)),
}
POOL = "POOL"
SIZES = {"lot_size": 40, "order_cost": 20.0, "min_qty": 10, "max_qty": 60}
"""What lot rules read."""


def with_features(seed: int) -> Rows:
    """Draw the tables of a network and give it more features."""
    draw = random.Random(seed * 7919 + 1)
    drawn = wide_tables(seed)
    tables = {name: [dict(row) for row in rows] for name, rows in drawn.items()}
    for add in FEATURES:
        if draw.random() < SHARE:
            add(tables, draw)
    return tables


def some(rows: list[Row], draw: random.Random, share: float = 0.5) -> list[Row]:
    """Draw a part of the rows."""
    return [row for row in rows if draw.random() < share]


def calendars(tables: Rows, draw: random.Random) -> None:
    """Resources, steps, lanes and suppliers work in shifts."""
    for name, shifts in CALENDARS.items():
        tables.setdefault("calendars", []).append({"calendar": name})
        for weekday in range(1, 6):
            for start, finish in shifts:
                tables.setdefault("shifts", []).append(
                    {
                        "calendar": name,
                        "weekday": weekday,
                        "start": dt.time(start),
                        "finish": dt.time(finish),
                    }
                )
    for table in ("resources", "steps", "lanes"):
        for row in some(tables.get(table, []), draw, 0.3):
            row["calendar"] = draw.choice(list(CALENDARS))


def yields(tables: Rows, draw: random.Random) -> None:
    """Resources and routings lose some of what they work on."""
    for row in some(tables.get("step_resources", []), draw):
        row["yield"] = draw.choice([0.5, 0.8, 0.95])
    for row in some(tables.get("routings", []), draw):
        row["yield"] = draw.choice([0.75, 0.9])


def set_ups(tables: Rows, draw: random.Random) -> None:
    """Resources have set-ups of their own."""
    for row in some(tables.get("step_resources", []), draw):
        row["setup_minutes"] = draw.choice([0, 30, 90])


def units(tables: Rows, draw: random.Random) -> None:
    """Resources have several units, and steps take several."""
    for row in some(tables.get("resources", []), draw):
        row["units"] = draw.choice([2, 3])
    for row in some(tables.get("step_resources", []), draw):
        row["units"] = draw.choice([1, 2])


def efficiency(tables: Rows, draw: random.Random) -> None:
    """Resources are slower or faster for a week."""
    for row in some(tables.get("resources", []), draw):
        tables.setdefault("resource_units", []).append(
            {
                "resource": row["resource"],
                "valid_from": after(5),
                "valid_to": after(12),
                "units": row.get("units", 1),
                "efficiency": draw.choice([0.5, 1.5]),
            }
        )


def cleaning(tables: Rows, draw: random.Random) -> None:
    """Resources are cleaned for a while."""
    for row in some(tables.get("resources", []), draw):
        day = draw.randint(1, 25)
        window = {"valid_from": after(day), "valid_to": after(day + 0.2)}
        tables.setdefault("cleaning_windows", []).append(
            {"resource": row["resource"], **window}
        )


def changeovers(tables: Rows, draw: random.Random) -> None:
    """Families change over by a matrix."""
    for row in tables.get("steps", []):
        row["family"] = draw.choice(["F1", "F2"])
    for row in some(tables.get("resources", []), draw):
        row["changeover_matrix"] = "C"
    pairs = (("F1", "F2", 20), ("F2", "F1", 60), ("*", "*", 15))
    tables["changeovers"] = [
        {"matrix": "C", "from_family": one, "to_family": other, "minutes": minutes}
        for one, other, minutes in pairs
    ]


def skills(tables: Rows, draw: random.Random) -> None:
    """Some resources are a pool whose members differ in skills."""
    members = some(tables.get("resources", []), draw, 0.6)
    for row in members:
        row["pool"] = POOL
    rows = tables.get("step_resources", [])
    for row in some(rows, draw, 0.4) if members else ():
        own = [one for one in rows if _step(one) == _step(row)]
        if all(one["resource"] != POOL for one in own):
            row |= {"resource": POOL, "skill": draw.choice(["a", "b"])}
    tables["resource_skills"] = [
        {"resource": row["resource"], "skill": skill}
        for row in members
        for skill in ("a", "b")
        if draw.random() < 0.7
    ]


def _step(row: Row) -> tuple[object, object]:
    return row["routing"], row["step"]


def tools(tables: Rows, draw: random.Random) -> None:
    """A tool stays with an order from its first step to its last."""
    steps: dict[str, list[int]] = {}
    for row in tables.get("steps", []):
        steps.setdefault(row["routing"], []).append(row["step"])
    for routing, numbers in steps.items():
        if len(numbers) > 1 and draw.random() < 0.5:
            name = f"T-{routing}"
            tables["resources"].append({"resource": name, "location": "PLANT"})
            tables.setdefault("step_resources", []).append(
                {
                    "routing": routing,
                    "step": min(numbers),
                    "resource": name,
                    "until_step": max(numbers),
                }
            )


def components(tables: Rows, draw: random.Random) -> None:
    """Components are dated, or taken in fixed quantities."""
    for row in some(tables.get("bom_lines", []), draw):
        row["valid_to"] = after(draw.choice([5, 10, 20]))
    for row in some(tables.get("bom_lines", []), draw):
        row["qty_fixed"] = draw.choice([0.5, 1, 5])


def supplier_capacity(tables: Rows, draw: random.Random) -> None:
    """Suppliers deliver so much a week."""
    known = {row["supplier"] for row in tables.get("suppliers", [])}
    for row in some(tables.get("supply_terms", []), draw):
        if row["supplier"] not in known:
            known.add(row["supplier"])
            tables.setdefault("suppliers", []).append({"supplier": row["supplier"]})
        tables.setdefault("supplier_capacity", []).extend(
            {
                "supplier": row["supplier"],
                "product": row["product"],
                "valid_from": after(7 * week),
                "valid_to": after(7 * week + 7),
                "qty": draw.choice([0, 40, 100]),
            }
            for week in range(6)
        )


def blackouts(tables: Rows, draw: random.Random) -> None:
    """Lanes rest for some days."""
    for row in some(tables.get("lanes", []), draw):
        day = draw.randint(0, 25)
        window = {"valid_from": after(day), "valid_to": after(day + 4)}
        tables.setdefault("lane_blackouts", []).append({"lane": row["lane"], **window})


def weights(tables: Rows, draw: random.Random) -> None:
    """Goods weigh and take room, departures have little of it."""
    for row in tables["products"]:
        row |= {"weight_kg": draw.choice([0, 1, 2.5]), "volume_m3": draw.choice([0, 1])}
    for row in some(tables.get("lanes", []), draw):
        row |= {"capacity_kg": draw.choice([50, 200]), "capacity_m3": 200}


def dangerous_goods(tables: Rows, draw: random.Random) -> None:
    """Some goods are dangerous, some lanes take none and some countries are barred."""
    for row in some(tables["products"], draw):
        row["hazmat"] = True
    for row in tables.get("locations", []):
        row["country"] = draw.choice(["NL", "DE", None])
    for row in some(tables.get("lanes", []), draw, 0.3):
        slower = {"lane": f"{row['lane']}x", "duration_h": 48.0}
        tables["lanes"].append({**row, **slower})
        row |= {"hazmat_allowed": False, "blocked_countries": ["NL"]}


def classes(tables: Rows, draw: random.Random) -> None:
    """Goods have classes and characteristics, and demands ask for them."""
    tables.setdefault("settings", [{}])[0]["quality_classes"] = ["A", "B", "C"]
    for row in some(tables["products"], draw):
        row |= {"quality_class": draw.choice("AB"), "characteristics": ["color=red"]}
    for row in some(tables.get("stock", []), draw):
        row["quality"] = draw.choice("ABC")
    for row in some(tables.get("demands", []), draw, 0.3):
        row |= {"min_quality": draw.choice("AB"), "requires": ["color=red"]}


def stock_levels(tables: Rows, draw: random.Random) -> None:
    """Safety stock holds for some days, places have room for so much."""
    for row in some(tables["products"], draw):
        key = {"product": row["product"], "location": draw.choice(PLACES)}
        tables.setdefault("inventory_levels", []).append(
            {**key, "valid_from": after(3), "valid_to": after(30), "safety_qty": 30}
        )
        tables.setdefault("storage_limits", []).append({**key, "max_qty": 100})


def lot_rules(tables: Rows, draw: random.Random) -> None:
    """Places order in lots by a rule."""
    kinds = ("fixed", "poq", "min_max", "eoq", "silver_meal", "wagner_whitin")
    known = tables.setdefault("inventory_policies", [])
    taken = {(row["product"], row.get("location")) for row in known}
    for row in some(tables["products"], draw):
        place = draw.choice(PLACES)
        if (row["product"], place) not in taken:
            rule = {"lot_rule": draw.choice(kinds), **SIZES}
            known.append({"product": row["product"], "location": place, **rule})


def prices(tables: Rows, draw: random.Random) -> None:
    """Sales, lateness and shortage have prices, lead times quantiles."""
    for row in tables.get("demands", []):
        row |= {
            "price": draw.choice([5, 50]),
            "late_cost_per_day": draw.choice([1, 20]),
        }
    for row in some(tables.get("supply_terms", []), draw):
        row["unit_price"] = draw.choice([1, 5])


FEATURES: tuple[Callable[[Rows, random.Random], None], ...] = (
    *(calendars, yields, set_ups, units, efficiency, cleaning, changeovers, skills),
    *(tools, components, supplier_capacity, blackouts, weights, dangerous_goods),
    *(classes, stock_levels, lot_rules, prices),
)
