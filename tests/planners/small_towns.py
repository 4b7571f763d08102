"""Random small companies in whole hours: what brute force and promises both read.

A town is plain data. `tables_of` writes it as planning tables, `every_way` tries all
ways on the plain data, `kept_promises` checks answers against it.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.factories import AS_OF
from tests.planners.small_promises import TRUSTING, tables

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

Node = tuple[str, str]
HORIZON = 24 * 60
"""Hours that are looked at."""


@dataclass(kw_only=True)
class Step:
    """Work on one resource of `choices`: set-up and hours a piece."""

    choices: list[str]
    setup: int
    run: int
    splittable: bool = True


@dataclass(kw_only=True)
class Routing:
    """A way to make a product: components a piece, then the steps in turn."""

    name: str
    product: str
    place: str
    steps: list[Step]
    bom: dict[str, int]
    min_lot: int = 0


@dataclass(kw_only=True)
class Offer:
    """What a supplier sells where, and what it delivers at most when."""

    supplier: str
    product: str
    place: str
    days: int
    least: int = 0
    multiple: int = 0
    windows: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(kw_only=True)
class Lane:
    """A way between places; `leaves` are (weekday from 0, hour), empty: any time."""

    name: str
    origin: str
    destination: str
    hours: int
    leaves: list[tuple[int, int]] = field(default_factory=list)
    most: int | None = None
    cutoff: int = 0

    def departures(self, ready: int) -> list[int]:
        """Hours of departure from an hour on, some weeks of them."""
        if not self.leaves:
            return [ready + self.cutoff]
        return [
            hour
            for day in range(HORIZON // 24)
            for weekday, at in sorted(self.leaves)
            for hour in (day * 24 + at,)
            if day % 7 == weekday and hour >= ready + self.cutoff
        ]


@dataclass(kw_only=True)
class Town:
    """A company; quantities in pieces, times in hours from now."""

    place: str
    qty: int
    due: int
    full_line: bool
    ask: str
    shelf_days: int = 0
    stock: list[tuple[str, str, int, int | None]] = field(default_factory=list)
    inbound: list[tuple[str, str, int, int]] = field(default_factory=list)
    held: list[tuple[str, str, int, int]] = field(default_factory=list)
    safety: dict[Node, int] = field(default_factory=dict)
    shifts: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    busy: list[tuple[str, int, int]] = field(default_factory=list)
    routings: list[Routing] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    def is_open(self, resource: str, hour: int) -> bool:
        """Whether a resource works in an hour: five days, one shift, or always."""
        shift = self.shifts[resource]
        if shift is None:
            return True
        day, at = divmod(hour, 24)
        return day % 7 < 5 and shift[0] <= at < shift[1]

    @property
    def places(self) -> list[str]:
        """Places that hold stock."""
        return ["P", "Q"]


def town(seed: int) -> Town:
    """Draw a company: F from C, at P and Q, for a customer at W or at P itself."""
    rng = random.Random(seed)
    two = rng.random() < 0.5
    products = ["F", "C"] if rng.random() < 0.7 else ["F", "C", "D"]
    made = Town(
        place=rng.choice(["W", "W", "P"]),
        qty=rng.randint(1, 5),
        due=0 if rng.random() < 0.7 else rng.randint(12, 200),
        full_line=rng.random() < 0.6,
        ask=rng.choice(["always", "on_shortfall"]),
        shelf_days=rng.choice([0, 0, 0, 1]),
    )
    places = ["P", "Q"] if two else ["P"]
    made.shifts = {"M": rng.choice([None, (8, 16), (6, 22)]), "N": None}
    perishing = rng.random() < 0.3
    for product in products:
        for place in places:
            for lot in range(rng.choice([0, 1, 1, 2]) if perishing else 1):
                ends = rng.randint(10, 150) if perishing and lot == 0 else None
                if rng.random() < 0.6:
                    made.stock.append((product, place, rng.randint(1, 4), ends))
            if rng.random() < 0.35:
                when = rng.randint(1, 120)
                made.inbound.append((product, place, rng.randint(1, 5), when))
            if rng.random() < 0.25 and _comes(made, product, place) > 0:
                most = _comes(made, product, place)
                made.held.append(
                    (product, place, rng.randint(1, most), rng.randint(0, 60))
                )
            if rng.random() < 0.15:
                made.safety[product, place] = rng.randint(1, 2)
    made.held = [one for one in made.held if _kept(made, one[0], one[1])]
    for resource in ("M", "N"):
        start = rng.randint(0, 30)
        if rng.random() < 0.5:
            made.busy.append((resource, start, start + rng.randint(1, 40)))
    _making(made, rng, products, places)
    _buying(made, rng, products, places)
    _moving(made, rng, places)
    return made


def _comes(made: Town, product: str, place: str) -> int:
    return sum(
        one[2] for one in [*made.stock, *made.inbound] if one[:2] == (product, place)
    )


def _kept(made: Town, product: str, place: str) -> bool:
    """Keep no hold that stock and receipts do not cover: it is an error of data."""
    taken = 0
    for one in sorted(made.held, key=lambda entry: entry[3]):
        if one[:2] != (product, place):
            continue
        taken += one[2]
        there = sum(
            lot[2]
            for lot in made.stock
            if lot[:2] == (product, place) and (lot[3] is None or lot[3] >= one[3])
        )
        there += sum(
            order[2]
            for order in made.inbound
            if order[:2] == (product, place) and order[3] <= one[3]
        )
        if taken > there:
            return False
    return True


def _making(
    made: Town, rng: random.Random, products: list[str], places: list[str]
) -> None:
    for number in range(rng.choice([0, 1, 1, 2])):
        bom = {"C": rng.randint(1, 2)}
        if "D" in products:
            bom["D"] = 1
        made.routings.append(_routing(rng, f"R{number}", "F", rng.choice(places), bom))
    if rng.random() < 0.3:
        bom = {"D": 1} if "D" in products else {}
        made.routings.append(_routing(rng, "RC", "C", "P", bom))


def _routing(
    rng: random.Random, name: str, product: str, place: str, bom: dict[str, int]
) -> Routing:
    steps = []
    for _ in range(rng.choice([1, 1, 2])):
        choices = rng.choice([["M"], ["M"], ["N"], ["M", "N"]])
        steps.append(
            Step(
                choices=choices,
                setup=rng.randint(0, 2),
                run=rng.randint(1, 3),
                splittable=rng.random() < 0.8,
            )
        )
    return Routing(
        name=name,
        product=product,
        place=place,
        steps=steps,
        bom=bom,
        min_lot=rng.choice([0, 0, 3]),
    )


def _buying(
    made: Town, rng: random.Random, products: list[str], places: list[str]
) -> None:
    for number in range(rng.choice([0, 1, 1, 2])):
        windows = []
        if rng.random() < 0.3:
            windows = [(0, 24 * 7, rng.randint(0, 4)), (24 * 7, 24 * 14, 20)]
        made.offers.append(
            Offer(
                supplier=f"S{number}",
                product=rng.choice([*products, "C"]),
                place=rng.choice(places),
                days=rng.randint(1, 8),
                least=rng.choice([0, 0, 4]),
                multiple=rng.choice([0, 0, 2]),
                windows=windows,
            )
        )


def _moving(made: Town, rng: random.Random, places: list[str]) -> None:
    for place in places:
        for number in range(rng.choice([0, 1, 1, 2])):
            made.lanes.append(_lane(rng, f"{place}W{number}", place, "W"))
    if len(places) > 1 and rng.random() < 0.6:
        made.lanes.append(_lane(rng, "QP", "Q", "P"))


def _lane(rng: random.Random, name: str, origin: str, destination: str) -> Lane:
    leaves = []
    if rng.random() < 0.6:
        days = rng.sample(range(7), rng.randint(1, 3))
        leaves = sorted((weekday, rng.randint(0, 23)) for weekday in days)
    return Lane(
        name=name,
        origin=origin,
        destination=destination,
        hours=rng.randint(2, 60),
        leaves=leaves,
        most=rng.choice([None, None, rng.randint(2, 6)]) if leaves else None,
        cutoff=rng.choice([0, 0, 3]),
    )


def at(hour: int) -> dt.datetime:
    """Instant of an hour."""
    return AS_OF + dt.timedelta(hours=hour)


# ---------------------------------------------------------------------------- tables
def tables_of(made: Town, **more: Any) -> Snapshot:
    """Write a town as planning tables."""
    given: dict[str, list[dict[str, Any]]] = {
        "products": [{"product": name, "weight_kg": 1} for name in "FCD"],
        "locations": [
            {"location": "P"},
            {"location": "Q"},
            {"location": "W", "kind": "customer"},
        ],
        "promise_policies": [{**TRUSTING, "ask_supplier": made.ask}],
        "stock": [
            {
                "product": product,
                "location": place,
                "lot": f"L{number}",
                "qty": qty,
                "expires_at": None if ends is None else at(ends),
            }
            for number, (product, place, qty, ends) in enumerate(made.stock)
        ],
        "supply_orders": [
            {"product": product, "location": place, "qty": qty, "due": at(hour)}
            for product, place, qty, hour in made.inbound
        ],
        "inventory_policies": [
            {"product": product, "location": place, "safety_qty": qty}
            for (product, place), qty in made.safety.items()
        ],
        "suppliers": [
            {"supplier": name}
            for name in sorted({offer.supplier for offer in made.offers})
        ],
        **_time_tables(made),
        **_source_tables(made),
        **more,
    }
    given["reservations"] = [*_holds(made), *more.get("reservations", ())]
    return tables(**{name: rows for name, rows in given.items() if rows})


def _holds(made: Town) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "reservation": f"H{number}",
            "subject": product,
            "location": place,
            "qty": qty,
            "start": at(hour),
            "finish": at(hour),
        }
        for number, (product, place, qty, hour) in enumerate(made.held)
    ]
    rows += [
        {
            "reservation": f"B{number}",
            "kind": "capacity",
            "subject": resource,
            "location": None,
            "qty": (finish - start) * 60,
            "start": at(start),
            "finish": at(finish),
        }
        for number, (resource, start, finish) in enumerate(made.busy)
    ]
    return rows


def _time_tables(made: Town) -> dict[str, list[dict[str, Any]]]:
    shifted = {name: shift for name, shift in made.shifts.items() if shift is not None}
    return {
        "resources": [
            {
                "resource": name,
                "location": "P",
                "calendar": name if name in shifted else None,
            }
            for name in made.shifts
        ],
        "calendars": [{"calendar": name} for name in shifted],
        "shifts": [
            {
                "calendar": name,
                "weekday": weekday,
                "start": dt.time(shift[0]),
                "finish": dt.time(shift[1]),
            }
            for name, shift in shifted.items()
            for weekday in range(1, 6)
        ],
    }


def _source_tables(made: Town) -> dict[str, list[dict[str, Any]]]:
    steps = [
        (routing, number, step)
        for routing in made.routings
        for number, step in enumerate(routing.steps, 1)
    ]
    return {
        "routings": [
            {
                "routing": one.name,
                "product": one.product,
                "location": one.place,
                "min_lot": one.min_lot,
            }
            for one in made.routings
        ],
        "bom_lines": [
            {
                "routing": one.name,
                "line": line,
                "component": component,
                "qty_per": qty,
            }
            for one in made.routings
            for line, (component, qty) in enumerate(one.bom.items(), 1)
        ],
        "steps": [
            {
                "routing": routing.name,
                "step": number,
                "setup_minutes": step.setup * 60,
                "run_minutes_per_unit": step.run * 60,
                "splittable": step.splittable,
            }
            for routing, number, step in steps
        ],
        "step_resources": [
            {
                "routing": routing.name,
                "step": number,
                "resource": resource,
                "choice": "one" if len(step.choices) > 1 else None,
                "preference": rank,
            }
            for routing, number, step in steps
            for rank, resource in enumerate(step.choices, 1)
        ],
        "supply_terms": [
            {
                "supplier": one.supplier,
                "product": one.product,
                "location": one.place,
                "lead_time_days": one.days,
                "moq": one.least,
                "lot_multiple": one.multiple,
            }
            for one in made.offers
        ],
        "supplier_capacity": [
            {
                "supplier": one.supplier,
                "product": one.product,
                "valid_from": at(start),
                "valid_to": at(finish),
                "qty": qty,
            }
            for one in made.offers
            for start, finish, qty in one.windows
        ],
        "lanes": [
            {
                "lane": one.name,
                "origin": one.origin,
                "destination": one.destination,
                "duration_h": one.hours,
                "capacity_kg": one.most,
                "cutoff_h": one.cutoff,
            }
            for one in made.lanes
        ],
        "departures": [
            {"lane": one.name, "weekday": weekday + 1, "time": dt.time(hour)}
            for one in made.lanes
            for weekday, hour in one.leaves
        ],
    }


def request(made: Town, **stated: Any) -> dict[str, Any]:
    """Request of a town."""
    return {
        "product": "F",
        "location": made.place,
        "qty": made.qty,
        "due": at(made.due),
        "full_line": made.full_line,
        "min_shelf_days": made.shelf_days,
        **stated,
    }
