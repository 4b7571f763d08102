"""Planning tables of an instance of the public generator of multi-level models.

The instances (`milp/generate.py` of the public data) count whole days, called buckets:
what is made, moved, bought or delivered in a bucket is there by its end, and a part
must be there a bucket before it is used. Here that is a day of 24 hours:

    00:00  lines of finished products begin; parts of the day before are there
    12:00  lines of semi-finished products begin
    24:00  lanes leave and arrive, demands are due, what comes from outside is there

A line works seven hours where its capacity is largest, and as much less as it is less.
What is bought is there at midnight, the end of its bucket, or later on the next day. A
lot is made within a day: a bucket has its own set-up in the instance.

What the tables cannot say, so that a plan knows nothing of it:

- An order of a supplier costs the same whatever its size (`ORDER_COST`).
- Overtime of a line is agreed for all days alike: as much as on its shortest day.
- A demand may be delivered up to five days early, at less than it costs to hold.
- A demand to be delivered as a whole may be so in several deliveries, where a line of
  an order is delivered whole at once (demands.full_line).
- Emissions have a price: it is part of the costs of orders here.
- Units are any fraction; here they are hundredths.
- Safety stock that is missing costs a share of its value a day, which is no column.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from benchmarks.instances import START
from medhavi.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.snapshot import Snapshot

    Row = dict[str, object]

Instance = dict[str, Any]
"""What the generator gives: its own names, see there."""
OPEN_HOURS = 7
"""Hours that a line works where its capacity is largest."""
HALF_DAY = dt.timedelta(hours=12)
BEGINS = {"finished": dt.timedelta(0), "semi": HALF_DAY}
"""When lines begin, by what they make."""
ORDER_COST = 5.0
"""Cost of an order of a supplier, by the generator."""
PRIORITIES = (5.0, 2.0, 1.0)
"""Weights of demands by priority, from 1 on."""
QTY_STEP = 0.01
WEEKDAYS = range(1, 8)


def moment(bucket: int, time: dt.timedelta = dt.timedelta(0)) -> dt.datetime:
    """Time of the day of a bucket."""
    return START + dt.timedelta(days=int(bucket)) + time


def product_name(product: int) -> str:
    """Product id."""
    return f"P{int(product):04d}"


def location_name(case: Instance, location: int) -> str:
    """Location id: plants are counted first, then distribution centres."""
    plants = case["PL"]
    if location < plants:
        return f"PLANT{int(location) + 1}"
    return f"DC{int(location) - plants + 1}"


def routing_name(routing: int) -> str:
    """Routing id by its place among those of the instance."""
    return f"make {int(routing):04d}"


def lane_name(lane: int) -> str:
    """Lane id by its place."""
    return f"lane {int(lane):03d}"


def supplier_name(offer: int) -> str:
    """Supplier id: one for each offer."""
    return f"supplier {int(offer):04d}"


def line_name(line: int) -> str:
    """Resource id."""
    return f"line {int(line):03d}"


def demand_name(demand: int) -> str:
    """Demand id."""
    return f"D{int(demand):05d}"


def snapshot_of(
    case: Instance, weights: Mapping[str, float], most_moved: Any
) -> Snapshot:
    """Planning tables of an instance.

    Parameters
    ----------
    case
        As the generator gives it.
    weights
        Prices of the generator by name (`W0`).
    most_moved
        The most that a lane takes in a bucket, which the generator's own model knows
        alone, shape (n_lanes,).
    """
    from medhavi.snapshot import Snapshot

    tables: dict[str, list[Row]] = {
        "settings": [
            {
                "as_of": START,
                "horizon_days": float(case["T"]),
                "bucket": "day",
                "priority_weights": [*PRIORITIES],
            }
        ],
        "locations": [
            {
                "location": location_name(case, one),
                "kind": "plant" if one < case["PL"] else "warehouse",
            }
            for one in range(case["PL"] + case["DC"])
        ],
        "products": [
            {
                "product": product_name(one),
                "unit_cost": float(case["val"][one]),
                "qty_step": QTY_STEP,
                "weight_kg": 1.0,
            }
            for one in range(case["P"])
        ],
        "inventory_policies": [
            {
                "product": product_name(product),
                "location": location_name(case, location),
                "safety_qty": float(case["ss"][place]),
                "holding_rate": weights["hold"] * DAYS_PER_YEAR,
            }
            for place, (product, location) in enumerate(case["ps"])
        ],
        "stock": [
            {
                "product": product_name(product),
                "location": location_name(case, location),
                "qty": float(case["inv0"][place]),
            }
            for place, (product, location) in enumerate(case["ps"])
            if case["inv0"][place] > 0
        ],
        "supply_orders": [
            {
                "supply_order": f"firm {place:04d} {bucket:02d}",
                "kind": "purchase",
                "product": product_name(product),
                "location": location_name(case, location),
                "qty": float(qty),
                "due": moment(bucket + 1),
            }
            for place, (product, location) in enumerate(case["ps"])
            for bucket, qty in enumerate(case["firm"][place])
            if qty > 0
        ],
        "demands": list(_demands(case, weights)),
        **_lines(case),
        **_routings(case, weights),
        **_suppliers(case),
        **_lanes(case, weights, most_moved),
    }
    return Snapshot.from_frames(tables)


def without_whole(case: Instance) -> Instance:
    """Instance without set-ups, least orders, lots and whole demands."""
    ways, offers = dict(case["R"]), dict(case["O"])
    for name in ("st", "sc"):
        ways[name] = ways[name] * 0
    ways["setup"] = ways["setup"] & False
    for name in ("moq", "lot"):
        offers[name] = offers[name] * 0
    return {**case, "R": ways, "O": offers, "full": case["full"] & False}


def _demands(case: Instance, weights: Mapping[str, float]) -> Iterator[Row]:
    for one in range(case["D"]):
        due, weight = int(case["due"][one]), float(case["prio"][one])
        value = float(case["val"][case["dp"][one]]) * weight
        yield {
            "demand": demand_name(one),
            "product": product_name(case["dp"][one]),
            "location": location_name(case, case["PL"] + case["dl"][one]),
            "qty": float(case["qty"][one]),
            "due": moment(due + 1),
            "priority": 1 + PRIORITIES.index(weight),
            "full_line": bool(case["full"][one]),
            # Nothing comes after the last bucket.
            "max_lateness_days": float(min(case["grace"], case["T"] - 1 - due)),
            "late_cost_per_day": weights["late"] * value,
            "short_cost": weights["short"] * value,
        }


def line_begin(case: Instance, line: int) -> dt.timedelta:
    """Time of the day at which a line begins: as what it makes asks."""
    made = case["R"]["p"][case["R"]["g"] == line]
    return BEGINS["semi" if len(made) and made.min() >= case["nF"] else "finished"]


def unit_minutes(case: Instance, line: int) -> float:
    """Minutes of a unit of the capacity of a line."""
    return float(OPEN_HOURS * 60 / case["cap"][line].max())


def _lines(case: Instance) -> dict[str, list[Row]]:
    """Lines with the hours of each day; less than the most are exceptions."""
    found: dict[str, list[Row]] = {
        name: [] for name in ("calendars", "shifts", "calendar_exceptions", "resources")
    }
    for line in range(case["G"]):
        name, begin = line_name(line), line_begin(case, line)
        closes = begin + dt.timedelta(hours=OPEN_HOURS)
        each, capacity = unit_minutes(case, line), case["cap"][line]
        found["calendars"].append({"calendar": name})
        found["shifts"] += [
            {
                "calendar": name,
                "weekday": day,
                "start": (START + begin).time(),
                "finish": (START + closes).time(),
            }
            for day in WEEKDAYS
        ]
        for bucket, units in enumerate(capacity):
            if units < capacity.max():
                found["calendar_exceptions"].append(
                    {
                        "calendar": name,
                        # At the begin of the day: overtime is behind the hours.
                        "start": moment(bucket, begin),
                        "finish": moment(bucket, closes)
                        - dt.timedelta(minutes=float(units * each)),
                    }
                )
        plants = case["R"]["k"][case["R"]["g"] == line]
        found["resources"].append(
            {
                "resource": name,
                "location": location_name(case, plants[0] if len(plants) else 0),
                "calendar": name,
                "overtime_minutes_per_day": float(capacity.min() / 2 * each),
                "overtime_cost_per_hour": OVERTIME_COST * 60 / each,
            }
        )
    return found


OVERTIME_COST = 20.0
"""Cost of a unit of capacity in overtime, by the generator."""


def _routings(case: Instance, weights: Mapping[str, float]) -> dict[str, list[Row]]:
    """Ways to make a product: one line each, a set-up an order, parts with scrap."""
    ways = case["R"]
    found: dict[str, list[Row]] = {
        name: [] for name in ("routings", "steps", "step_resources", "bom_lines")
    }
    seen: dict[tuple[int, int], int] = {}
    for way in range(len(ways["p"])):
        name, line = routing_name(way), int(ways["g"][way])
        made = int(ways["p"][way]), int(ways["k"][way])
        seen[made] = seen.get(made, 0) + 1
        emitted = weights["co2"] * ways["co2"][way]
        each = unit_minutes(case, line)
        found["routings"].append(
            {
                "routing": name,
                "product": product_name(made[0]),
                "location": location_name(case, made[1]),
                "preference": seen[made],
                "cost_per_unit": float(ways["cost"][way] + emitted),
                "fixed_cost": float(ways["sc"][way]),
                "max_lot": float(
                    (case["cap"][line].max() - ways["st"][way]) / ways["rho"][way]
                ),
                # What is there by the end of the first bucket was made before.
                "fence_days": 1.0,
            }
        )
        step = {"routing": name, "step": 1}
        found["steps"].append(
            {
                **step,
                "sequence": 1,
                "setup_minutes": float(ways["st"][way] * each),
                "run_minutes_per_unit": float(ways["rho"][way] * each),
                "splittable": False,
            }
        )
        found["step_resources"].append({**step, "resource": line_name(line)})
        found["bom_lines"] += [
            {
                "routing": name,
                "line": number,
                "component": product_name(part),
                "qty_per": float(qty),
                "scrap": float(1 - ways["yld"][way]),
            }
            for number, (part, qty) in enumerate(case["bom"][made[0]], 1)
        ]
    return found


def _suppliers(case: Instance) -> dict[str, list[Row]]:
    offers = case["O"]
    seen: dict[int, int] = {}
    terms: list[Row] = []
    for offer, place in enumerate(offers["ps"].tolist()):
        product, location = case["ps"][place]
        seen[place] = seen.get(place, 0) + 1
        terms.append(
            {
                "supplier": supplier_name(offer),
                "product": product_name(product),
                "location": location_name(case, location),
                # By the end of a bucket is by midnight.
                "lead_time_days": float(offers["lt"][offer] + 1),
                "moq": float(offers["moq"][offer]),
                "lot_multiple": float(offers["lot"][offer]),
                "max_lot": float(offers["cap"][offer]),
                "capacity_per_period": float(offers["cap"][offer]),
                "period_days": 1.0,
                "unit_price": float(offers["cost"][offer]),
                "preference": seen[place],
            }
        )
    names = [{"supplier": term["supplier"]} for term in terms]
    return {"suppliers": names, "supply_terms": terms}


def _lanes(
    case: Instance, weights: Mapping[str, float], most_moved: Any
) -> dict[str, list[Row]]:
    """Lanes from plants to centres, that leave once a day of their timetable.

    A centre takes a product from the plants that make it.
    """
    lanes, plants = case["L"], case["PL"]
    found: dict[str, list[Row]] = {
        name: [] for name in ("lanes", "departures", "lane_blackouts", "sourcing")
    }
    for lane in range(len(lanes["o"])):
        name = lane_name(lane)
        cost = lanes["cost"][lane] + weights["co2"] * lanes["co2"][lane]
        found["lanes"].append(
            {
                "lane": name,
                "origin": location_name(case, lanes["o"][lane]),
                "destination": location_name(case, plants + lanes["d"][lane]),
                "mode": "rail" if lanes["mode"][lane] else "road",
                "duration_h": float(24 * lanes["lt"][lane]),
                "cost_per_unit": float(cost),
                "capacity_kg": float(most_moved[lane]),
                "preference": 1 + int(lanes["mode"][lane]),
            }
        )
        found["departures"] += [
            {"lane": name, "weekday": day, "time": START.time()} for day in WEEKDAYS
        ]
        found["lane_blackouts"] += [
            {
                "lane": name,
                # Around the midnight at its end; the first one is the end of none.
                "valid_from": moment(bucket) + HALF_DAY,
                "valid_to": moment(bucket + 1) + HALF_DAY,
            }
            for bucket in range(-1, case["T"])
            if bucket < 0 or not case["cut"][lane][bucket]
        ]
    made = {
        (product, location) for product, location in case["ps"] if location < plants
    }
    found["sourcing"] = [
        {
            "product": product_name(product),
            "location": location_name(case, location),
            "kind": "move",
            "source": lane_name(lane),
        }
        for product, location in case["ps"]
        if location >= plants
        for lane in range(len(lanes["o"]))
        if plants + lanes["d"][lane] == location and (product, lanes["o"][lane]) in made
    ]
    return found
