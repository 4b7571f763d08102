"""Tiny companies with mixed sources, and the cheapest of all ways to order in them.

A company sells one product at one place, where it is in stock, made on one machine,
bought from two suppliers and moved from a warehouse, which buys it too. All ways are
sets of orders: sources, lots and needs for which they are there. `told_ways` tells a
way as a plan that the independent check reads, so a cheaper way is proof.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests import factories
from tests.factories import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.snapshot import Snapshot

DAYS = 40
"""Length of the horizon [days]."""
MOST_ORDERS = 4
VALUE = 10.0
"""Unit cost of the product."""


@dataclass(kw_only=True)
class Lots:
    """Sizes of orders."""

    least: int = 0
    multiple: int = 0

    def size(self, qty: int) -> int:
        """Smallest order that brings a quantity."""
        size = max(qty, self.least)
        return -(-size // self.multiple) * self.multiple if self.multiple else size


@dataclass(kw_only=True)
class Make(Lots):
    """Routing of one step: set-up and hours of a piece on a machine with a shift."""

    setup: int
    run: int
    rate: float
    fixed: float
    weekdays: int

    def hours(self, qty: int) -> int:
        return self.setup + self.run * qty

    def cost(self, qty: int) -> float:
        return self.fixed + self.rate * self.hours(qty)

    def is_open(self, hour: int) -> bool:
        day, at = divmod(hour, 24)
        return day % 7 < self.weekdays and 8 <= at < 16

    def until(self, finish: int, hours: int) -> list[int] | None:
        """Hours of work that end by an hour; None: they begin in the past."""
        worked: list[int] = []
        hour = finish - 1
        while len(worked) < hours:
            if hour < 0:
                return None
            if self.is_open(hour):
                worked.append(hour)
            hour -= 1
        return worked[::-1]

    def since(self, start: int, hours: int) -> list[int]:
        """Hours of work that begin at an hour."""
        worked: list[int] = []
        hour = start
        while len(worked) < hours:
            if self.is_open(hour):
                worked.append(hour)
            hour += 1
        return worked


@dataclass(kw_only=True)
class Offer(Lots):
    """Supplier; `tiers` are prices from a quantity on."""

    supplier: str
    place: str
    days: int
    tiers: list[tuple[int, float]]

    def cost(self, qty: int) -> float:
        return qty * next(p for least, p in reversed(self.tiers) if qty >= least)


@dataclass(kw_only=True)
class Lane:
    """Way from the warehouse; `weekdays` are those of departures at 8, none: any."""

    hours: int
    fixed: float
    each: float
    weekdays: list[int]

    def departures(self) -> list[int]:
        return [24 * day + 8 for day in range(DAYS) if day % 7 + 1 in self.weekdays]


@dataclass(kw_only=True)
class Company:
    """Demands are quantity, due day and cost of a day of lateness of a unit."""

    demands: list[tuple[int, int, float]]
    stock: int
    away: int
    rate: float
    make: Make | None = None
    offers: list[Offer] = field(default_factory=list)
    lane: Lane | None = None
    there: Offer | None = None


def company(seed: int) -> Company:
    """Draw a company."""
    draw = random.Random(seed)
    count = draw.randint(2, 4)
    days = sorted(draw.choices(range(2, 16), k=count))
    made = Company(
        demands=[
            (draw.randint(1, 8), due, draw.choice([0.5, 2.0, 10.0])) for due in days
        ],
        stock=draw.choice([0, 0, 2, 5]),
        away=0,
        rate=draw.choice([0.2, 2.0, 8.0]),
    )
    kinds = draw.choice(["mb", "mb", "bb", "mv", "bv", "mbv", "mbv", "mbbv"])
    if "m" in kinds:
        made.make = Make(
            **_lots(draw),
            setup=draw.choice([0, 1, 4]),
            run=draw.choice([1, 1, 2]),
            rate=draw.choice([0.0, 5.0, 12.0]),
            fixed=draw.choice([0.0, 20.0, 60.0]),
            weekdays=draw.choice([5, 7]),
        )
    made.offers = [_offer(draw, f"S{n}", "L") for n in range(kinds.count("b"))]
    if "v" in kinds:
        made.lane = Lane(
            hours=draw.choice([12, 24, 48]),
            fixed=draw.choice([0.0, 20.0, 50.0]),
            each=draw.choice([0.0, 1.0, 4.0]),
            weekdays=draw.choice([[], [2, 4], [1, 5], [3]]),
        )
        made.away = draw.choice([0, 4, 10, 30])
        made.there = _offer(draw, "T", "W")
    return made


def _lots(draw: random.Random) -> dict[str, int]:
    return {
        "least": draw.choice([0, 0, 4, 7]),
        "multiple": draw.choice([0, 0, 2, 3, 5]),
    }


def _offer(draw: random.Random, name: str, place: str) -> Offer:
    price = float(draw.randint(8, 30))
    tiers = [(0, price)]
    if draw.random() < 0.5:
        tiers.append((draw.choice([5, 8, 12]), round(price * draw.choice([0.6, 0.85]))))
    return Offer(
        **_lots(draw), supplier=name, place=place, days=draw.randint(1, 7), tiers=tiers
    )


def tables_of(made: Company) -> Snapshot:
    """Planning tables of a company."""
    given: dict[str, list[dict[str, object]]] = {
        "settings": [{"as_of": AS_OF, "horizon_days": float(DAYS), "bucket": "day"}],
        "products": [{"product": "A", "unit_cost": VALUE}],
        "locations": [{"location": "L"}, {"location": "W"}],
        "inventory_policies": [
            {"location": place, "holding_rate": made.rate} for place in "LW"
        ],
        "demands": [
            {"qty": qty, "due": at(24 * due), "late_cost_per_day": late}
            for qty, due, late in made.demands
        ],
        "stock": [
            {"location": place, "qty": qty}
            for place, qty in (("L", made.stock), ("W", made.away))
            if qty
        ],
        "sourcing": [{"kind": "buy", "source": one.supplier} for one in made.offers],
    }
    offers = [*made.offers, *([made.there] if made.there else [])]
    given["supply_terms"] = [
        {
            "supplier": one.supplier,
            "location": one.place,
            "lead_time_days": one.days,
            "moq": one.least,
            "lot_multiple": one.multiple,
            "unit_price": one.tiers[0][1],
        }
        for one in offers
    ]
    given["price_tiers"] = [
        {
            "supplier": one.supplier,
            "location": one.place,
            "min_qty": least,
            "unit_price": price,
        }
        for one in offers
        for least, price in one.tiers
        if len(one.tiers) > 1
    ]
    if make := made.make:
        given["sourcing"].append({"kind": "make", "source": "R"})
        given["calendars"] = [{"calendar": "DAY"}]
        given["shifts"] = [
            {"calendar": "DAY", "weekday": 1 + day} for day in range(make.weekdays)
        ]
        given["resources"] = [{"calendar": "DAY", "cost_per_hour": make.rate}]
        given["routings"] = [
            {
                "fixed_cost": make.fixed,
                "min_lot": make.least,
                "lot_multiple": make.multiple,
            }
        ]
        given["steps"] = [
            {
                "setup_minutes": 60.0 * make.setup,
                "run_minutes_per_unit": 60.0 * make.run,
            }
        ]
        given["step_resources"] = [{}]
    if lane := made.lane:
        given["sourcing"].append({"kind": "move", "source": "WL"})
        given["lanes"] = [
            {
                "lane": "WL",
                "origin": "W",
                "destination": "L",
                "duration_h": lane.hours,
                "fixed_cost": lane.fixed,
                "cost_per_unit": lane.each,
            }
        ]
        given["departures"] = [
            {"lane": "WL", "weekday": day, "time": dt.time(8)} for day in lane.weekdays
        ]
    return factories.snapshot(**given)


def at(hour: float) -> dt.datetime:
    """Instant so many hours after now."""
    return AS_OF + dt.timedelta(hours=hour)


# --- all ways -------------------------------------------------------------------------
class Order(NamedTuple):
    """An order that is meant to be there at an hour; a move leaves then, instead.

    `cost` is the least that it costs.
    """

    source: str
    qty: int
    hour: int
    cost: float


class Placed(NamedTuple):
    """An order with its hours; `worked` are those of its work, `number` tells them
    apart."""

    number: int
    source: str
    place: str
    qty: int
    start: int
    finish: int
    cost: float
    worked: tuple[int, ...] = ()


class Way(NamedTuple):
    """Placed orders, and what they and stock, by number (-1), bring each demand when.

    `served` are demand, number, quantity and hour.
    """

    cost: float
    orders: tuple[Placed, ...]
    served: tuple[tuple[int, int, int, int], ...]


class EveryWay:
    """All sets of orders of a company that serve all demands."""

    def __init__(self, made: Company) -> None:
        self.made = made
        self.wanted = sum(qty for qty, _, _ in made.demands) - made.stock
        self.options = sorted(self._options(), key=lambda one: one.cost / one.qty)
        self.best: Way | None = None
        self._holding = VALUE * made.rate / 365

    def cheapest(self, below: float) -> Way | None:
        """Cheapest way that costs less than so much; None: there is none."""
        self._most = below
        self._extend(0, (), self.wanted, 0.0)
        return self.best

    def _options(self) -> Iterator[Order]:
        made, most = self.made, max(self.wanted, 1)
        dues = sorted({24 * due for _, due, _ in made.demands})
        if made.make:
            for qty, due in itertools.product(_sizes(made.make, most), dues):
                yield Order("R", qty, due, made.make.cost(qty))
        for one in made.offers:
            hours = sorted({max(due, 24 * one.days) for due in dues})
            breaks = [least for least, _ in one.tiers]
            sizes = _sizes(one, most, breaks)
            for qty, hour in itertools.product(sizes, hours):
                yield Order(one.supplier, qty, hour, one.cost(qty))
        if made.lane and made.there:
            yield from self._moves(made.lane, made.there, dues)

    def _moves(self, lane: Lane, there: Offer, dues: list[int]) -> Iterator[Order]:
        low = min(price for _, price in there.tiers)
        leaves: set[int] = set()
        for earliest, due in itertools.product((0, 24 * there.days), dues):
            if lane.weekdays:
                every = [one for one in lane.departures() if one >= earliest]
                late = [one for one in every if one + lane.hours <= due]
                leaves |= {every[0], *late[-1:]}
            else:
                leaves.add(max(due - lane.hours, earliest))
        sizes = range(1, max(self.wanted, 1) + 1)
        for qty, hour in itertools.product(sizes, sorted(leaves)):
            bought = max(0, qty - self.made.away)
            if not bought or hour >= 24 * there.days:
                cost = lane.fixed + lane.each * qty + low * bought
                yield Order("WL", qty, hour, cost)

    def _extend(
        self, first: int, taken: tuple[Order, ...], rest: int, cost: float
    ) -> None:
        if rest <= 0:
            if not taken or min(one.qty for one in taken) > -rest:
                self._place(taken)
            return
        if len(taken) == MOST_ORDERS:
            return
        for place in range(first, len(self.options)):
            one = self.options[place]
            left = max(0, rest - one.qty)
            low = one.cost / one.qty
            if cost + low * rest >= self._most:
                return  # all that follow cost as much a unit, at least
            if cost + one.cost + low * left >= self._most:
                continue
            if one.source == "WL" and any(one[::2] == old[::2] for old in taken):
                continue
            self._extend(place, (*taken, one), rest - one.qty, cost + one.cost)

    def _place(self, taken: Sequence[Order]) -> None:
        for make in self._made([one for one in taken if one.source == "R"]):
            for move in self._moved([one for one in taken if one.source == "WL"]):
                bought = [
                    Placed(0, one.supplier, "L", qty, hour - 24 * one.days, hour, cost)
                    for name, qty, hour, cost in taken
                    for one in self.made.offers
                    if one.supplier == name
                ]
                placed = [
                    one._replace(number=number)
                    for number, one in enumerate([*make, *bought, *move])
                ]
                self._serve(placed)

    def _made(self, orders: list[Order]) -> Iterator[list[Placed]]:
        """Work as late as it may be, and as early."""
        make = self.made.make
        if make is None or not orders:
            yield []
            return
        placed, free = [], 24 * DAYS
        for one in sorted(orders, key=lambda one: (-one.hour, one.qty)):
            worked = make.until(min(one.hour, free), make.hours(one.qty))
            if worked is None:
                break
            free = worked[0]
            placed.append(_work(one, worked))
        if len(placed) == len(orders):
            yield placed
            return
        for turn in itertools.permutations(orders):
            placed, free = [], 0
            for one in turn:
                worked = make.since(free, make.hours(one.qty))
                free = worked[-1] + 1
                placed.append(_work(one, worked))
            yield placed

    def _moved(self, orders: list[Order]) -> Iterator[list[Placed]]:
        """Moves, and what the warehouse buys for all of them, or for each."""
        lane, there = self.made.lane, self.made.there
        if lane is None or there is None or not orders:
            yield []
            return
        orders = sorted(orders, key=lambda one: one.hour)
        moves = [
            Placed(
                0,
                "WL",
                "L",
                one.qty,
                one.hour,
                one.hour + lane.hours,
                lane.fixed + lane.each * one.qty,
            )
            for one in orders
        ]
        left, needs = self.made.away, []
        for one in orders:
            part = max(0, one.qty - left)
            left = max(0, left - one.qty)
            if part:
                needs.append((one.hour, part))
        whole = [(needs[0][0], sum(qty for _, qty in needs))] if needs else []
        for lots in (whole, needs):
            bought = self._purchases(there, lots)
            if bought is not None:
                yield [*moves, *bought]

    def _purchases(
        self, there: Offer, lots: list[tuple[int, int]]
    ) -> list[Placed] | None:
        """Purchases of the warehouse for some lots; None: they are there too late."""
        over, bought, lead = 0, [], 24 * there.days
        for hour, part in lots:
            if part <= over:
                over -= part
                continue
            qty = _cheapest_size(there, part - over)
            over += qty - part
            if hour < lead:
                return None
            cost = there.cost(qty)
            bought.append(Placed(0, "T", "W", qty, hour - lead, hour, cost))
        return bought

    def _serve(self, placed: Sequence[Placed]) -> None:
        cost = sum(one.cost for one in placed)
        if cost >= self._most:
            return
        demands = self.made.demands
        supplies = [(0, self.made.stock, -1)] if self.made.stock else []
        supplies += [(p.finish, p.qty, p.number) for p in placed if p.place == "L"]
        seen = set()
        for turn in itertools.permutations(range(len(demands))):
            left = {number: qty for _, qty, number in supplies}
            served = []
            for demand in turn:
                rest, due, _ = demands[demand][0], 24 * demands[demand][1], 0
                in_time = sorted((s for s in supplies if s[0] <= due), reverse=True)
                for at, _, number in [
                    *in_time,
                    *sorted(s for s in supplies if s[0] > due),
                ]:
                    part = min(rest, left[number])
                    if part:
                        left[number] -= part
                        rest -= part
                        served.append((demand, number, part, max(at, due)))
            key = tuple(sorted(served))
            if key in seen:
                continue
            seen.add(key)
            total = cost + self._late(key) + self._held(placed, key)
            if total < self._most:
                self._most = total
                self.best = Way(total, tuple(placed), key)

    def _late(self, served: Sequence[tuple[int, int, int, int]]) -> float:
        return sum(
            self.made.demands[demand][2]
            * qty
            * (hour / 24 - self.made.demands[demand][1])
            for demand, _, qty, hour in served
        )

    def _held(
        self, placed: Sequence[Placed], served: Sequence[tuple[int, int, int, int]]
    ) -> float:
        """Stock at the end of each day, at what it costs to hold for a day."""
        flows = [(0, self.made.stock + self.made.away)]
        for one in placed:
            flows.append((one.finish, one.qty))
            if one.source == "WL":
                flows.append((one.start, -one.qty))
        flows += [(hour, -qty) for _, _, qty, hour in served]
        days = sum(qty * (DAYS - hour // 24) for hour, qty in flows)
        return self._holding * days


def _sizes(lots: Lots, most: int, more: Sequence[int] = ()) -> list[int]:
    return sorted({lots.size(qty) for qty in (*range(1, most + 1), *more) if qty})


def _cheapest_size(offer: Offer, qty: int) -> int:
    sizes = {offer.size(max(qty, least)) for least, _ in offer.tiers}
    return min(sizes, key=lambda size: (offer.cost(size), size))


def _work(one: Order, worked: list[int]) -> Placed:
    return Placed(
        0, "R", "L", one.qty, worked[0], worked[-1] + 1, one.cost, tuple(worked)
    )
