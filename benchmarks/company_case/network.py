"""Network of a model: sites, lines of machines, products, routings, loads.

Finished goods are made of assemblies, these of parts, parts of what is bought. Each
product is made at one site, on one line; other sites get it by a lane.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from benchmarks.company_case.open_time import OpenTime

LEVELS = ("FG", "AS", "PA", "RM")
"""Finished goods, assemblies, parts, bought materials."""
BOUGHT = LEVELS[-1]
LINE = 5
"""Machines of a line, unless a routing has more steps."""
HORIZON = 180
"""Days from now in which demands are due."""
FIRST_DUE = 20
SUPPLIERS = 50
ELSEWHERE = 0.2
"""Share of demands that are wanted at another site than the one that makes."""
BROUGHT = 0.15
"""Share of components that another site makes."""
LEAST_CHANGE, MOST_CHANGE = 20, 60
"""Minutes of a change between two set-up families."""
CHANGE_SHARE = 0.5
"""Share of orders before which a change is reckoned in the load."""
SPEEDS = (0.75, 0.8, 0.9, 1.25)
"""Speeds of second machines."""
GRAIN = 0.05
"""Run times are multiples of this [minutes]: whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """Size and features of a model; the defaults are those of the gate.

    Parameters
    ----------
    demands
        Demands; there are half as many products and a twentieth of machines.
    steps
        Steps of each routing, each on another machine of its line.
    sites
        Sites that make; more than one are tied by lanes.
    shifts
        Shifts of 8 hours, Monday to Friday, with one holiday; 0: always open.
    open_orders
        Share of the orders of each product that are open already.
    alternates
        Share of made products one step of which has a second machine.
    families
        Set-up families; fewer than two: none.
    lane
        Days of a lane, departures a week.
    seed
        Of all random numbers.
    least_load, most_load
        Range of the load of machines: work over open time of the horizon.
    """

    demands: int = 3000
    steps: int = 3
    sites: int = 2
    shifts: int = 2
    open_orders: float = 0.05
    alternates: float = 0.2
    families: int = 4
    lane: tuple[int, int] = (2, 3)
    seed: int = 1
    least_load: float = 0.3
    most_load: float = 0.9

    def __post_init__(self) -> None:
        if self.demands < 40 or self.steps < 1 or self.sites < 1:
            message = "there must be 40 demands, one step and one site at least"
            raise ValueError(message)
        if not 1 <= self.lane[1] <= 7:
            message = f"departures a week ({self.lane[1]}) must be 1 to 7"
            raise ValueError(message)
        for name, share in (
            ("open_orders", self.open_orders),
            ("alternates", self.alternates),
        ):
            if not 0 <= share <= 1:
                message = f"{name} ({share}) must be a share: 0 to 1"
                raise ValueError(message)

    def chance(self, topic: str) -> Random:
        """Random numbers of one topic: a feature leaves those of the others alone."""
        return Random(f"{self.seed} {topic}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine; the shared one of its line knows set-up families."""

    name: str
    site: str
    shared: bool


@dataclass(slots=True, kw_only=True)
class Work:
    """A step: its machine, minutes a unit, and a second machine with its speed."""

    machine: Machine
    minutes: float
    second: Machine | None = None
    speed: float = 1.0


@dataclass(slots=True, kw_only=True)
class Item:
    """A product: where it is made, of what, by which work, in which lots.

    `need` are units that all demands need, `orders` the orders that make or buy them;
    `used_at` the units by site at which it is wanted or used.
    """

    name: str
    level: int
    site: str
    components: list[tuple[Item, int]] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    family: str | None = None
    cost: float = 0.0
    need: int = 0
    orders: int = 0
    lot: int = 1
    used_at: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def bought(self) -> bool:
        """Whether a supplier delivers it, to each site that uses it."""
        return LEVELS[self.level] == BOUGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A demand; `due` counts days from now."""

    name: str
    item: Item
    site: str
    qty: int
    due: int
    priority: int


class Network:
    """Sites, lines, products and demands of a model.

    Parameters
    ----------
    size
        What the model is like.
    """

    def __init__(self, size: ModelSize) -> None:
        self.size = size
        self.sites = [f"SITE{number + 1}" for number in range(size.sites)]
        self.open_time = {
            site: OpenTime(shifts=size.shifts, holiday=59 + 14 * number, days=HORIZON)
            for number, site in enumerate(self.sites)
        }
        self.families = (
            [f"F{number + 1}" for number in range(size.families)]
            if size.families > 1
            else []
        )
        self.changes = self._changes()
        self.lines = self._lines()
        self.levels = self._items()
        self.demands = self._demands()
        self._explode()
        self._load()
        self._seconds()

    @property
    def items(self) -> list[Item]:
        """All products, finished goods first."""
        return [item for level in self.levels for item in level]

    @property
    def made(self) -> list[Item]:
        """All products that are made, finished goods first."""
        return [item for item in self.items if not item.bought]

    @property
    def machines(self) -> list[Machine]:
        """All machines, by line."""
        return [machine for line in self.lines for machine in line]

    def _changes(self) -> dict[tuple[str, str], int]:
        """Minutes of a change between two families, in steps of five."""
        chance = self.size.chance("set-ups")
        return {
            (before, after): chance.randrange(LEAST_CHANGE, MOST_CHANGE + 1, 5)
            for before in self.families
            for after in self.families
            if before != after
        }

    def _lines(self) -> list[list[Machine]]:
        """Lines of machines, dealt to the sites and, within them, to the levels."""
        length = max(LINE, self.size.steps)
        made = (len(LEVELS) - 1) * len(self.sites)
        count = max(made, round(self.size.demands / 20 / length))
        return [
            [
                Machine(
                    name=f"L{number + 1:02d}-M{place + 1}",
                    site=self.sites[number % len(self.sites)],
                    shared=place == length // 2,
                )
                for place in range(length)
            ]
            for number in range(count)
        ]

    def _items(self) -> list[list[Item]]:
        chance = self.size.chance("products")
        each = max(self.size.demands // 2 // len(LEVELS), 3 * len(self.sites))
        levels = [
            [
                Item(
                    name=f"{kind}{number + 1:05d}",
                    level=level,
                    site=self.sites[number % len(self.sites)],
                )
                for number in range(each)
            ]
            for level, kind in enumerate(LEVELS)
        ]
        for item in levels[-1]:
            item.cost = round(chance.uniform(1, 20), 2)
        for level in range(len(LEVELS) - 2, -1, -1):
            for item in levels[level]:
                self._design(item, levels[level + 1], chance)
        return levels

    def _design(self, item: Item, below: list[Item], chance: Random) -> None:
        """Choose components, line and machines of a product."""
        own = [one for one in below if one.site == item.site]
        while len(item.components) < 2:
            near = chance.random() >= BROUGHT
            part = chance.choice(own if near else below)
            if all(part is not one for one, _ in item.components):
                item.components.append((part, chance.choice((1, 1, 2))))
        levels = len(LEVELS) - 1
        lines = [
            line
            for number, line in enumerate(self.lines)
            if line[0].site == item.site
            and number // len(self.sites) % levels == item.level
        ]
        line = chance.choice(lines)
        # Every product of several steps passes the shared machine of its line.
        shared = [m for m in line if m.shared and self.size.steps > 1]
        others = [m for m in line if m not in shared]
        taken = shared + chance.sample(others, self.size.steps - len(shared))
        chosen = [m for m in line if m in taken]
        item.work = [
            Work(machine=machine, minutes=chance.uniform(0.3, 1.0))
            for machine in chosen
        ]
        if self.families:
            item.family = self.size.chance(f"family {item.name}").choice(self.families)
        parts = sum(part.cost * qty for part, qty in item.components)
        item.cost = round(parts * 1.3, 2)

    def _demands(self) -> list[Demand]:
        chance = self.size.chance("demands")
        found: list[Demand] = []
        for number in range(self.size.demands):
            item = chance.choice(self.levels[0])
            far = chance.random() < ELSEWHERE
            others = [site for site in self.sites if site != item.site]
            site = chance.choice(others) if far and others else item.site
            found.append(
                Demand(
                    name=f"D{number + 1:06d}",
                    item=item,
                    site=site,
                    qty=chance.randint(1, 20),
                    due=chance.randint(FIRST_DUE, HORIZON - 1),
                    priority=chance.randint(1, 3),
                )
            )
        return found

    def _explode(self) -> None:
        """Sum what is needed, level by level, and size the lots."""
        for demand in self.demands:
            demand.item.need += demand.qty
            demand.item.orders += 1
            demand.item.used_at[demand.site] += demand.qty
        for item in self.items:
            if not item.need:
                continue
            if item.level:
                item.lot = math.ceil(2 * item.need / item.orders)
                item.orders = math.ceil(item.need / item.lot)
            for part, qty in item.components:
                part.need += item.need * qty
                part.orders += item.orders
                part.used_at[item.site] += item.need * qty

    def _load(self) -> None:
        """Scale run times to the load that each machine shall have."""
        chance = self.size.chance("loads")
        raw: dict[str, float] = defaultdict(float)
        changes: dict[str, float] = defaultdict(float)
        mean = sum(self.changes.values()) / max(len(self.changes), 1)
        rivals = 1 - 1 / max(len(self.families), 1)
        for item in self.made:
            for work in item.work:
                raw[work.machine.name] += item.need * work.minutes
                if work.machine.shared:
                    often = CHANGE_SHARE * rivals * item.orders
                    changes[work.machine.name] += often * mean
        scale: dict[str, float] = {}
        for machine in self.machines:
            share = chance.uniform(self.size.least_load, self.size.most_load)
            time = self.open_time[machine.site].minutes() * share
            time = max(time - changes[machine.name], time / 2)
            if raw[machine.name]:
                scale[machine.name] = time / raw[machine.name]
        for item in self.made:
            for work in item.work:
                exact = work.minutes * scale.get(work.machine.name, 10.0)
                work.minutes = round(max(1, round(exact / GRAIN)) * GRAIN, 2)

    def _seconds(self) -> None:
        """Second machines: of another line of the same site."""
        for item in self.made:
            chance = self.size.chance(f"alternate {item.name}")
            if chance.random() >= self.size.alternates:
                continue
            work = chance.choice(item.work)
            taken = {one.machine.name for one in item.work}
            others = [
                machine
                for machine in self.machines
                if machine.site == item.site
                and machine.name not in taken
                and machine.shared == work.machine.shared
            ]
            if others:
                work.second = chance.choice(others)
                work.speed = chance.choice(SPEEDS)
