"""The items of a plant as they are read: made, bought, moved, and their lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant_machines import (
    KNOWN_AFTER,
    KNOWN_BEFORE,
    Option,
    columns_of,
    open_rows,
    refuse,
)
from medhavi.planners.constrained.search.plant_supplies import StandingSupply
from medhavi.planners.kernels.plant_kernels.plant_record import DEPARTS, FAR, Plant
from medhavi.planners.mrp.netting_state.state import Need
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.providers.finite_capacity.resource_ledger import MILLION
from medhavi.providers.transport.transport import ContinuousLaneClock, LaneClock
from medhavi.units import HOUR, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.constrained.search.plant_machines import Row
    from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
    from medhavi.providers.finite_capacity.occupancy import Occupancy
    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing.supply_limits import SupplyLimits
    from medhavi.providers.transport.timetable import Timetable
    from medhavi.snapshot.calendars.working_time import WorkingTime

MOST = 1 << 50
"""Most of one supply that counts: what is unlimited adds up in 64 bits."""
MOST_LEVELS = 200
MONEY = 1_000_000
"""Parts of a unit of the base currency in which a search counts."""
MOST_EACH = 1 << 24
"""Most of a component for a unit that is counted: 64 bits hold it times any order."""
LOT_RULES = ("lot_for_lot", "poq", "fixed")
"""Rules of lots that a plant can say."""


class Part(NamedTuple):
    """Component of an item, and what orders take of it, as of `Plant`."""

    c_item: int
    c_each: int
    c_more: int
    c_over: int


@dataclass(slots=True)
class Item:
    """One item of a plant: quantities in steps, instants and times in seconds.

    `sources` are the items whose orders serve it (none: it alone), `lacking` what
    existing orders lack of it, `levels` what has to be in stock from an instant on,
    each time more [units, s], `below` what it takes and `needs` for which of the needs
    of an order (-1: of an earlier step); all else as of `Plant` and `Model`.
    """

    ranked: int = 0
    grain: int = 1
    least: int = 1
    most: int = 0
    y_each: int = 1
    y_more: int = 0
    y_over: int = 1
    floor: int = 0
    post: int = 0
    soft: int = 0
    lead: int = -1
    life: int = FAR
    carries: int = 0
    cover: int = 0
    apart: int = 0
    each_order: int = 0
    each_step: int = 0
    each_day: int = 0
    sources: tuple[int, ...] = ()
    supplies: list[StandingSupply] = field(default_factory=list)
    queue: int = 0
    steps: int = 1
    below: tuple[Part, ...] = ()
    needs: tuple[int, ...] = ()
    lacking: list[Need] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)


ITEM_FIELDS, OPTION_FIELDS = (
    tuple(name for name in record.__dataclass_fields__ if name in Plant._fields)
    for record in (Item, Option)
)
"""Fields of items and options that are columns of a plant."""


def columns(
    records: Sequence[Item] | Sequence[Option] | Sequence[Part], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Fields of records in columns. Shapes (n_records,), int64."""
    return {
        name: np.array([getattr(one, name) for one in records], np.int64)
        for name in names
    }


def standing(items: Sequence[Item], as_of: int) -> dict[str, np.ndarray]:
    """Stock and scheduled receipts of all items, by date, as of `Plant`.

    `as_of` is now [UTC s]. Shapes (n_supplies,), int64; of `s_start` (n_items + 1,).
    """
    found = [
        (
            number,
            min(one.qty, MOST),
            max(one.unit.available - as_of, 0),
            FAR if one.unit.expires == NEVER else one.unit.expires - as_of,
            one.demand,
        )
        for number, item in enumerate(items)
        for one in item.supplies
    ]
    rows = np.array(found, np.int64).reshape(-1, 5).T.copy()
    start = np.cumsum([0, *(len(item.supplies) for item in items)])
    names = ("s_item", "s_qty", "s_ready", "s_until", "s_for")
    return {"s_start": start, **dict(zip(names, rows, strict=True))}


def first_levels(
    levels: Sequence[tuple[int, int, int]], serves: np.ndarray, demands: int
) -> np.ndarray:
    """First of the demands of each item that a stock level wants; -1: none."""
    found = np.full(len(serves), -1, np.int64)
    for place in reversed(range(len(levels))):
        found[levels[place][0]] = demands + place
    own: np.ndarray = found[serves]
    return own


def ready_alone(
    items: Sequence[Item], sources: Sequence[Sequence[int]], as_of: int
) -> np.ndarray:
    """From when on sources of items could work with nobody in their way [s].

    Work without a choice counts from its floor. Shape (n_sources,), int64.
    """
    ready = [item.floor for item in items]
    there = [0] * len(items)
    for number in range(len(items) - 1, -1, -1):
        item, option = items[number], items[number].options[0]
        ready[number] = max([item.floor, *(there[part] for part, *_ in item.below)])
        length = option.fixed + -(-item.least // item.grain) * option.rate
        new = ready[number] - (-length // option.scale) + item.post
        if item.lead >= 0:
            new = item.lead
        if item.sources:
            new = min(there[source] for source in item.sources)
        stands = (max(one.unit.available - as_of, 0) for one in item.supplies)
        there[number] = min([new, *stands])
    counted = [
        ready[one] if len(several) > 1 else items[one].floor
        for several in sources
        for one in several
    ]
    return np.array(counted, np.int64)


def mortal(items: Sequence[Item]) -> np.ndarray:
    """Whether orders of items take what may die; consumers first.

    Shape (n_items,), int64: 0 or 1.
    """
    dies = [False] * len(items)
    takes = [0] * len(items)
    for number in range(len(items) - 1, -1, -1):
        item = items[number]
        takes[number] = int(any(dies[part] for part, *_ in item.below))
        dies[number] = (
            item.life < FAR
            or any(one.unit.expires < NEVER for one in item.supplies)
            or any(dies[source] for source in item.sources)
            or bool(item.carries and takes[number])
        )
    return np.array(takes, np.int64)


def add_prices(items: Sequence[Item], source: Source) -> None:
    """Set what an order of a source costs, by the first options of its steps.

    `items` are the last step of a routing and the earlier ones.
    """
    product, order, step = items[0], source.fixed_cost, source.unit_cost * source.step
    for item in items:
        option = item.options[0]
        if option.taken is not None:
            second = option.taken.cost_per_hour / HOUR / option.scale
            order += second * option.fixed
            step += second * option.rate / item.grain
    product.each_order, product.each_step = round(order * MONEY), round(step * MONEY)


def check_rules(node: Node, way: SupplyAlternative) -> None:
    """Refuse rules of stock and lots of what is made."""
    rules, source = node.rules, way.source
    if rules.safety_days:
        refuse(f"{node.key} has stock rules")
    if rules.lot_rule not in LOT_RULES:
        refuse(f"{node.key} has lots by {rules.lot_rule}")
    lot = lot_size(node)
    if lot > 1 and (
        lot % source.multiple
        or (source.min_lot > lot and source.min_lot % lot)
        or (source.max_lot or 0) % lot
        or (way.gain is not None and way.gain.good_steps(lot) != lot)
    ):
        refuse(f"{source.source} has other lots than its product")


def lot_size(node: Node) -> int:
    """What all orders of a product are whole multiples of, by its lot rule [steps]."""
    rules = node.rules
    return (rules.lot_size or 1) if rules.lot_rule == "fixed" else 1


def numbers_given(way: SupplyAlternative, most: int) -> tuple[int, int, int]:
    """What orders of a make give of its product at their end, as of `Plant`.

    `most` is their largest size [steps]; 0: any.
    """
    name, gain = way.source.source, way.gain
    if gain is None or gain is not way.yields[0].gain or not way.yields[0].plain:
        refuse(f"{name} gives its product beside another, or not at its end")
    output = gain.outputs[0]
    numbers = output.numerator, output.addend, output.denominator
    if len(gain.outputs) > 1 or gain.dated or not output.numerator:
        refuse(f"{name} gives its product by several lines, or by date")
    if max(numbers) > MOST_EACH:
        refuse(f"{name} gives very much of its product")
    if most and not output.steps(most):
        refuse(f"{name} gives nothing by its largest lot")
    return numbers


def check_apart(items: Sequence[Item]) -> None:
    """Refuse what serves one demand alone and goes into what serves several."""
    for item in items:
        if not item.apart and any(items[part].apart for part, *_ in item.below):
            refuse("what is made to order goes into what is not")
        if item.apart and item.lacking:
            refuse("existing orders lack what is made to order")


def check_depth(items: Sequence[Item]) -> None:
    """Refuse products of very many levels; items are in order, consumers first."""
    levels = [1] * len(items)
    for number in range(len(items) - 1, -1, -1):
        for part, *_ in items[number].below:
            if part <= number:
                refuse("parts come before what they are for")
            levels[number] = max(levels[number], levels[part] + 1)
        sources = items[number].sources or (number,)
        levels[number] = max(levels[source] for source in sources)
    if max(levels, default=0) > MOST_LEVELS:
        refuse("a product has too many levels")


class Lanes:
    """Lanes that moves go on, and buckets, in the order in which they are met.

    Parameters
    ----------
    as_of
        Now [UTC s].
    last
        The last due date [UTC s]; departures are listed for some years after it.
    limits
        What vehicles carry, with what is on them already.
    occupancy
        Tells what resources have to do already, where hours are counted.
    """

    def __init__(
        self,
        as_of: int,
        last: int,
        limits: SupplyLimits,
        occupancy: Callable[[], Occupancy],
    ) -> None:
        self._occupancy = occupancy
        self._hourly: list[Option] = []
        self._buckets: dict[str, tuple[int, int]] = {}
        """Calendar of the buckets of each resource, and where their room begins."""
        self._as_of = as_of
        self._begin = as_of - KNOWN_BEFORE
        self._end = max(last, as_of) + KNOWN_AFTER
        self._options: list[Option] = []
        self._rows: list[list[Row]] = []
        self._known: dict[str, tuple[int, int]] = {}
        """Calendar and shortest time [s] of each lane that has one."""
        self._limits = limits
        self._leaves: dict[str, list[int]] = {}
        """When each lane with departures leaves [UTC s]."""
        self._room_of: dict[str, list[int]] = {}
        """Where the room of each limited lane begins, by weight and volume; -1: any."""
        self._room: list[int] = []

    def option(self, source: Source) -> tuple[Option, int]:
        """Read how a lane carries goods, in any quantity.

        Returns
        -------
        option
            Work from when goods have to be ready; `windows` completes its calendar.
        post
            Time from its end to the arrival [s].

        Raises
        ------
        UnfitError
            It is more than a plant can say.
        """
        clock = source.clock
        limited = self._limits.limits(source)
        if limited and self._limits.varies(source.source):
            shared = isinstance(clock, LaneClock) and clock.timetable.scheduled
            if not shared:
                refuse(f"{source.source} has less room for some time")
        if isinstance(clock, ContinuousLaneClock):
            timing = clock.earliest(self._as_of, 1)
            return Option(fixed=timing.finish - timing.ready), 0
        if not isinstance(clock, LaneClock):
            refuse(f"{source.source} has a clock of its own")
        if not clock.timetable.scheduled:
            return self._at_any_time(source.source, clock)
        lane = source.source
        if lane not in self._known:
            found = self._departures(lane, clock)
            shortest = min(arrival - ready for ready, arrival in found)
            self._known[lane] = len(self._rows), shortest
            self._rows.append([(*one, 0, 0, 0) for one in found])
        calendar, shortest = self._known[lane]
        option = Option(fixed=shortest, calendar=calendar, whole=DEPARTS)
        if limited:
            option.limits = self._loads(source)
        self._options.append(option)
        return option, 0

    def count_hours(self, option: Option) -> None:
        """Count the hours of an option per bucket; `windows` completes its calendar."""
        if option.hourly not in self._buckets:
            ledger = self._occupancy().ledger(option.hourly)
            if not isinstance(ledger, BucketLedger):
                return
            self._buckets[option.hourly] = len(self._rows), len(self._room)
            rows: list[Row] = []
            begin, end = ledger.bucket(self._as_of)
            while begin < self._end:
                rows.append((begin - self._as_of, end - self._as_of, 0, 0, 0))
                self._room.append(ledger.room(begin) // MILLION)
                begin, end = ledger.bucket(end)
            # What is not known any more has room for all; the clocks refuse it.
            rows.append((rows[-1][1], FAR, 0, 0, 0))
            rows[0] = (-FAR, *rows[0][1:])
            self._rows.append(rows)
            self._room.append(FAR)
        option.bucket, room = self._buckets[option.hourly]
        option.limits = ((0, 1, room),)
        self._hourly.append(option)

    def _loads(self, source: Source) -> tuple[tuple[int, int, int], ...]:
        """What orders of a product take of the room of departures."""
        lane = source.source
        if lane not in self._room_of:
            left = [self._limits.left(lane, at) for at in self._leaves[lane]]
            self._room_of[lane] = places = []
            for rooms in zip(*left, strict=True):
                most = [one for one in rooms if one is not None]
                places.append(len(self._room) if most else -1)
                self._room += most
        return tuple(
            (each.numerator, each.denominator, place)
            for each, place in zip(
                self._limits.each(source), self._room_of[lane], strict=True
            )
            if place >= 0 and each > 0
        )

    def room(self, options: Sequence[Option], others: int) -> dict[str, np.ndarray]:
        """Limits of options, and of others without any behind them, as of `Plant`."""
        counts = [*(len(option.limits) for option in options), *([0] * others)]
        rows = [limit for option in options for limit in option.limits]
        each, over, place = np.array(rows, np.int64).reshape(-1, 3).T.copy()
        return {
            "l_start": np.cumsum([0, *counts]),
            "l_each": each,
            "l_over": over,
            "l_room": place,
            "l_most": np.array(self._room, np.int64),
        }

    def _departures(self, lane: str, clock: LaneClock) -> list[tuple[int, int]]:
        """When goods have to be ready for each departure, and arrive [s since now]."""
        found: list[tuple[int, int]] = []
        ready = self._begin
        while ready < self._end:
            timing = clock.earliest(ready, 1)
            if timing is None:
                break
            found.append((timing.ready - self._as_of, timing.finish - self._as_of))
            self._leaves.setdefault(lane, []).append(timing.start)
            ready = timing.ready + 1
        if not found:
            refuse(f"{lane} has no departure")
        if any(one[1] > other[1] for one, other in pairwise(found)):
            refuse(f"{lane} has departures that overtake others")
        return found

    def _at_any_time(self, lane: str, clock: LaneClock) -> tuple[Option, int]:
        """Read a lane without a timetable.

        It leaves at any time but in blackouts, and goes on in the time of its calendar.
        """
        steady = clock.transit == 0 or clock.lane_time.always_open
        if clock.timetable.any_time and steady:
            return Option(fixed=clock.transit + clock.cutoff), 0
        if not clock.timetable.any_time and not steady:
            refuse(f"{lane} has no departures, a calendar and blackouts")
        # In open time it goes on; to leave is an instant of the time without blackout.
        length, post = (0, clock.transit) if steady else (clock.transit, 0)
        if lane not in self._known:
            self._known[lane] = len(self._rows), length
            # Goods are ready before they leave: so much earlier it is all counted.
            zero = self._as_of + clock.cutoff
            spans = _leaving(clock.timetable) if steady else self._open(clock.lane_time)
            self._rows.append(open_rows(spans, (), 0, zero))
        calendar, _ = self._known[lane]
        option = Option(fixed=length, calendar=calendar)
        self._options.append(option)
        return option, post + clock.cutoff

    def _open(self, working: WorkingTime) -> list[tuple[int, int]]:
        """Open time of a calendar; beyond what is known all is open [UTC s]."""
        spans = working.segments(self._begin, self._end)
        return [(-FAR, self._begin), *spans, (self._end, FAR)]

    def windows(self, others: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Windows of other calendars, and after them those of the lanes.

        Options of lanes get the numbers of their calendars; that is done once.
        """
        start = others["k_start"]
        for option in self._options:
            option.calendar += len(start) - 1
        for option in self._hourly:
            option.bucket += len(start) - 1
        rows: list[Row] = []
        bounds = [int(start[-1])]
        for own in self._rows:
            first = bounds[-1]
            rows += [(*row[:3], row[3] + first, row[4] + first) for row in own]
            bounds.append(first + len(own))
        found = {
            name: np.concatenate([others[name], column])
            for name, column in columns_of(rows).items()
        }
        return {"k_start": np.concatenate([start[:-1], bounds]), **found}


def _leaving(timetable: Timetable) -> list[tuple[int, int]]:
    """First and last instant of each stretch without a blackout [UTC s]."""
    return [
        (begin, end if end == FAR else end - 1)
        for begin, end in timetable.stretches(-FAR, FAR)
    ]
