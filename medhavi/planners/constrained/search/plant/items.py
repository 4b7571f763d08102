"""The items of a plant as they are read: made, bought, moved, and their lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.search.plant.machines import (
    KNOWN_AFTER,
    KNOWN_BEFORE,
    refuse,
)
from medhavi.planners.constrained.search.plant.open_time import (
    columns_of,
    departure_rows,
    nearest,
    open_rows,
)
from medhavi.planners.constrained.search.plant.options import Option
from medhavi.planners.constrained.search.plant.sources import MOST_EACH, UNSUPPLIED
from medhavi.planners.constrained.search.plant.supplies import StandingSupply
from medhavi.planners.kernels.plant_kernels.plant_record import DEPARTS, FAR, Plant
from medhavi.planners.mrp.netting_state.state import ANY_TIME, Need
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.providers.finite_capacity.resource_ledger import MILLION
from medhavi.providers.transport.transport import ContinuousLaneClock, LaneClock
from medhavi.units import HOUR, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.constrained.search.standing_work import Span
    from medhavi.providers.sources import Source
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Valid = tuple[str, tuple[tuple[int, int], ...]]
    """Lane, and the windows in which an order on it may begin."""

MOST = 1 << 50
"""Most of one supply, and of a price, that counts: more adds up in no 64 bits."""
MOST_LEVELS = 200
MONEY = 1_000_000
"""Parts of a unit of the base currency in which a search counts prices."""


class Part(NamedTuple):
    """Component of an item, and what orders take of it, as of `Plant`."""

    c_item: int
    c_each: int
    c_more: int
    c_over: int

    @classmethod
    def of(cls, item: int, numbers: tuple[int, int, int]) -> Part:
        """Component of which a quantity takes so much, no more than exactly.

        What is left is netted by the run.
        """
        most = max(numbers)
        if most > MOST_EACH:
            shift = most.bit_length() - MOST_EACH.bit_length() + 1
            each, more, over = (number >> shift for number in numbers)
            numbers = each, more, over + 1
        return cls(item, *numbers)


@dataclass(slots=True)
class Item:
    """One item of a plant: quantities in steps, instants and times in seconds.

    `sources` are the items whose orders serve it (none: it alone), `lacking` what
    existing orders lack of it, `lots` when planned lots of it begin [s], `levels` what
    has to be in stock from an instant on, each time more [units, s], `below` what it
    takes and `needs` for which of the needs of an order (-1: of an earlier step); all
    else as of `Plant` and `Model`.
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
    lots: tuple[int, ...] = ()
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
    tuple(
        name
        for name in record.__dataclass_fields__
        if name in Plant._fields and name != "calendar"
    )
    for record in (Item, Option)
)
"""Fields of items and options that are columns of a plant; of calendars `Lanes`."""


def columns(
    records: Sequence[Item] | Sequence[Option] | Sequence[Part], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Fields of records in columns. Shapes (n_records,), int64."""
    return {
        name: np.fromiter(map(attrgetter(name), records), np.int64, len(records))
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


def planned_lots(items: Sequence[Item]) -> dict[str, np.ndarray]:
    """When planned lots begin [s], as of `Plant`; int64."""
    return {
        "lot_start": np.cumsum([0, *(len(item.lots) for item in items)]),
        "lot_at": np.array([at for item in items for at in item.lots], np.int64),
    }


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


def add_prices(items: Sequence[Item], source: Source, carried: int = 1) -> None:
    """Set what an order of a source costs, by the first options of its steps.

    `items` are the last step of a routing and the earlier ones; `carried` is as of
    `Source.fixed_cost_beside`.
    """
    order = source.fixed_cost_beside(carried)
    product, step = items[0], source.unit_cost * float(source.step)
    for item in items:
        option = item.options[0]
        if option.taken is not None:
            second = option.taken.cost_per_hour / HOUR / option.scale
            order += second * option.fixed
            step += second * option.rate / item.grain
    product.each_order, product.each_step = price(order), price(step)


def price(cost: float) -> int:
    """Cost as a search counts it [millionths]; beyond a thousand million it is that."""
    return round(min(cost * MONEY, MOST))


def shared_parts(
    numbers: Sequence[int], shares: Sequence[Fraction | int]
) -> tuple[Part, ...]:
    """What each of several sources brings of a product, rounded to the next.

    Parameters
    ----------
    numbers
        The items of the sources.
    shares
        Their shares, which need not add up to one.
    """
    found = []
    for number, share in zip(numbers, shares, strict=True):
        each = Fraction(2 * share) / sum(shares)
        # Of two halves the first one is rounded up.
        more = int(number == numbers[0]) - each.denominator
        found.append(Part(number, each.numerator, more, 2 * each.denominator))
    return tuple(found)


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
    run
        A run that is built and not netted yet.
    last
        The last due date [UTC s]; departures are listed for some years after it.
    """

    def __init__(self, run: SearchableRun, last: int) -> None:
        self._facts = run.facts(last)
        self._occupancy = run.occupancy
        self._approximate = run.approximate
        as_of = run.as_of
        self._hourly: list[Option] = []
        self._buckets: dict[str, tuple[int, int]] = {}
        """Calendar of the buckets of each resource, and where their room begins."""
        self._as_of = as_of
        self._begin = as_of - KNOWN_BEFORE
        self._end = max(last, as_of) + KNOWN_AFTER
        self._options: list[Option] = []
        self._rows: list[np.ndarray] = []
        self.within: dict[int, int] = {}
        """Calendars of work that is within some spans alone: of which they are part."""
        self._known: dict[Valid, tuple[int, int]] = {}
        """Calendar and shortest time [s] of each lane that has one."""
        self._limits = run.room()
        self._leaves: dict[Valid, list[int]] = {}
        """When each lane with departures leaves [UTC s]."""
        self._room_of: dict[Valid, list[int]] = {}
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
        clock, lane = source.clock, (source.source, source.windows)
        limited = self._limits.limits(source)
        scheduled = isinstance(clock, LaneClock) and clock.timetable.scheduled
        varies = limited and self._limits.varies(source.source)
        if varies and not scheduled:
            self._approximate(f"{source.source} has less room for some time")
        if isinstance(clock, ContinuousLaneClock):
            timing = clock.earliest(self._as_of, 1)
            length = timing.finish - timing.ready
            return self._leaving(lane, [(-FAR, FAR)], length)
        if not isinstance(clock, LaneClock):
            raise TypeError(clock)
        if not scheduled:
            return self._at_any_time(lane, clock)
        if lane not in self._known:
            rows, shortest, self._leaves[lane] = self._departures(lane, clock)
            self._known[lane] = len(self._rows), shortest
            self._rows.append(rows)
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
            rows: list[Span] = []
            begin, end = ledger.bucket(self._as_of)
            while begin < self._end:
                rows.append((begin - self._as_of, end - self._as_of))
                self._room.append(ledger.room(begin) // MILLION)
                begin, end = ledger.bucket(end)
            # What is not known any more has room for all; the clocks refuse it.
            rows.append((rows[-1][1], FAR))
            rows[0] = -FAR, rows[0][1]
            self._rows.append(departure_rows(rows))
            self._room.append(FAR)
        option.bucket, room = self._buckets[option.hourly]
        option.limits = ((0, 1, room),)
        self._hourly.append(option)

    def _loads(self, source: Source) -> tuple[tuple[int, int, int], ...]:
        """What orders of a product take of the room of departures."""
        lane = source.source, source.windows
        if lane not in self._room_of:
            if source.windows != ANY_TIME:
                self._approximate(f"{source.source} has a limit and a validity")
            left = [self._limits.left(lane[0], at) for at in self._leaves[lane]]
            self._room_of[lane] = places = []
            for rooms in zip(*left, strict=True):
                most = [one for one in rooms if one is not None]
                places.append(len(self._room) if most else -1)
                self._room += most
        each_of = self._facts.loads
        if source.product not in each_of:
            each_of[source.product] = self._limits.each(source)
        return tuple(
            (each.numerator, each.denominator, place)
            for each, place in zip(
                each_of[source.product], self._room_of[lane], strict=True
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

    def _departures(
        self, lane: Valid, clock: LaneClock
    ) -> tuple[np.ndarray, int, list[int]]:
        """Departures of a lane, as of `PlantFacts`; read once."""
        known = self._facts.departures.get(lane)
        if known is None:
            found = self._listed(lane, clock)
            instants = [
                (low - self._as_of, high - self._as_of) for low, high, _ in found
            ]
            shortest = min(arrival - ready for ready, arrival in instants)
            leaves = [start for *_, start in found]
            known = departure_rows(instants), shortest, leaves
            self._facts.departures[lane] = known
        return known

    def _listed(self, lane: Valid, clock: LaneClock) -> list[tuple[int, int, int]]:
        """When goods have to be ready for each departure, arrive and leave [UTC s].

        Those that others overtake are left out: no goods need them.
        """
        found: list[tuple[int, int, int]] = []
        for timing in clock.since(self._begin):
            if any(begin <= timing.start < end for begin, end in lane[1]):
                while found and found[-1][1] > timing.finish:
                    found.pop()
                found.append((timing.ready, timing.finish, timing.start))
            if timing.ready + 1 >= self._end:
                break
        if not found or lane[1][-1][1] < self._end:
            # Behind the last one it would leave at any time.
            far = self._as_of + UNSUPPLIED
            found.append((far, far + clock.cutoff + clock.transit, far + clock.cutoff))
        return found

    def _at_any_time(self, lane: Valid, clock: LaneClock) -> tuple[Option, int]:
        """Read a lane without a timetable.

        It leaves at any time but in blackouts, and goes on in the time of its calendar.
        """
        length = clock.transit + clock.cutoff
        if clock.transit == 0 or clock.lane_time.always_open:
            stretches = clock.timetable.stretches(-FAR, FAR)
            return self._leaving(lane, stretches, length, clock.cutoff)
        if not clock.timetable.any_time or lane[1] != ANY_TIME:
            self._approximate(f"{lane[0]} has a calendar, and times without departures")
        if lane not in self._known:
            self._known[lane] = len(self._rows), clock.transit
            # Goods are ready before they leave: so much earlier it is all counted.
            zero = self._as_of + clock.cutoff
            self._rows.append(open_rows(self._open(clock.lane_time), (), zero))
        option = Option(fixed=clock.transit, calendar=self._known[lane][0])
        self._options.append(option)
        return option, clock.cutoff

    def _leaving(
        self, lane: Valid, stretches: Sequence[Span], length: int, cutoff: int = 0
    ) -> tuple[Option, int]:
        """Read a lane that leaves at any time of stretches, and takes so long [s].

        To leave is an instant of the time in which it is valid.
        """
        spans = [
            (max(begin, low), min(end, high))
            for begin, end in stretches
            for low, high in lane[1]
        ]
        spans = [
            (max(begin, -FAR), end - 1 if end < FAR else FAR)
            for begin, end in sorted(spans)
            if begin < end
        ]
        if spans == [(-FAR, FAR)]:
            return Option(fixed=length), 0
        if lane not in self._known:
            self._known[lane] = len(self._rows), length
            zero = self._as_of + cutoff
            spans = [
                (
                    low if low == -FAR else low - zero,
                    high if high == FAR else high - zero,
                )
                for low, high in spans or [(FAR, FAR)]
            ]
            self._rows.append(confined({}, -1, spans))
        option = Option(calendar=self._known[lane][0])
        self._options.append(option)
        return option, length

    def _open(self, working: WorkingTime) -> list[tuple[int, int]]:
        """Open time of a calendar; beyond what is known all is open [UTC s]."""
        spans = working.segments(self._begin, self._end)
        return [(-FAR, self._begin), *spans, (self._end, FAR)]

    def windows(
        self,
        others: dict[str, np.ndarray],
        options: Sequence[Option],
        first: int,
        units: Sequence[int],
    ) -> dict[str, np.ndarray]:
        """Windows of other calendars, and after them those of the lanes; once.

        Parameters
        ----------
        others
            Windows of calendars, as of `Plant`.
        options
            Those of lanes, and of work that is within some spans alone, get the numbers
            of their calendars.
        first, units
            Place from which options are those of units, and their calendars.

        Returns
        -------
        dict
            Also `calendar` of all options.
        """
        start = others["k_start"]
        for option in self._options:
            option.calendar += len(start) - 1
        for option in self._hourly:
            option.bucket += len(start) - 1
        calendar = columns(options, ("calendar",))["calendar"]
        calendar[first : first + len(units)] = units
        own: dict[tuple[int, tuple[Span, ...]], int] = {}
        for place, option in enumerate(options):
            if option.within:
                key = int(calendar[place]), option.within
                if key not in own:
                    own[key] = len(start) - 1 + len(self._rows)
                    self.within[own[key]] = key[0]
                    self._rows.append(confined(others, *key))
                calendar[place] = own[key]
        others = {**others, "k_start": start[:-1]}
        rows = columns_of(self._rows, int(start[-1]))
        found = {
            name: np.concatenate([others[name], own]) for name, own in rows.items()
        }
        near = nearest(found["k_start"], found["k_close"])
        return {**found, **near, "calendar": calendar}


def confined(
    others: dict[str, np.ndarray], calendar: int, spans: Sequence[Span]
) -> np.ndarray:
    """Rows of a calendar within spans; what fits into none begins far away.

    Shape (n_rows, 5), int64.

    Parameters
    ----------
    others
        Windows of calendars, as of `Plant`.
    calendar
        The number of the calendar; -1: it is always open.
    spans
        Work does not go on from one into the next [s since now].
    """
    known = [(-FAR, FAR, 0)]
    if calendar >= 0:
        low, high = others["k_start"][calendar : calendar + 2].tolist()
        columns = (others[name] for name in ("k_open", "k_close", "k_first"))
        known = list(zip(*(one[low:high].tolist() for one in columns), strict=True))
    # A calendar begins before all that is asked of it.
    found = [] if spans[0][0] == -FAR else [(-FAR, min(0, spans[0][0] - 1))]
    walls: list[int] = []
    for begin, end in spans:
        piece = -1
        for opens, closes, first in known:
            span = max(begin, opens), min(end, closes)
            if span[0] < span[1]:
                if first != piece:
                    walls.append(len(found))
                piece = first
                found.append(span)
    if spans[-1][1] < FAR:
        walls.append(len(found))
        found.append((UNSUPPLIED, FAR))
    return open_rows(found, [wall for wall in walls if wall], 0)
