"""The lanes of a plant that moves go on, and its hours that are counted per bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.search.plant.items import columns, starts
from medhavi.planners.constrained.search.plant.machines import KNOWN_AFTER, KNOWN_BEFORE
from medhavi.planners.constrained.search.plant.open_time import (
    columns_of,
    departure_rows,
    nearest,
    open_rows,
)
from medhavi.planners.constrained.search.plant.options import Option
from medhavi.planners.constrained.search.plant.sources import UNSUPPLIED
from medhavi.planners.kernels.plant_kernels.plant_record import DEPARTS, FAR
from medhavi.planners.mrp.netting_state.state import ANY_TIME
from medhavi.providers.capacity.resource_ledger import MILLION
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.providers.transport.transport import ContinuousLaneClock, LaneClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.constrained.search.standing_work import Span
    from medhavi.providers.sources import Source
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Valid = tuple[str, tuple[tuple[int, int], ...]]
    """Lane, and the windows in which an order on it may begin."""


class LaneRows:
    """Calendars of lanes and buckets, in the order in which they are met.

    Attributes
    ----------
    rows
        Rows of each calendar.
    lanes
        Number and shortest time [s] of each lane that has one.
    leaves
        When each lane with departures leaves [UTC s].
    room
        Where the room of each limited lane begins, by weight and volume; -1: any.
    buckets
        Calendar of the buckets of each resource, and where their room begins.
    count
        Windows that have room for so much alone.
    """

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []
        self.lanes: dict[Valid, tuple[int, int]] = {}
        self.leaves: dict[Valid, list[int]] = {}
        self.room: dict[Valid, list[int]] = {}
        self.buckets: dict[str, tuple[int, int]] = {}
        self.count = 0


class Lanes:
    """Lanes that moves go on, and buckets, in the order in which they are met.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    last
        The last due date [UTC s]; departures are listed for some years after it.
    met
        Those that are met already.
    """

    def __init__(self, run: SearchableRun, last: int, met: LaneRows) -> None:
        self._facts = run.facts(last)
        self._occupancy = run.occupancy
        self._approximate = run.approximate
        as_of = run.as_of
        self._as_of = as_of
        self._begin = as_of - KNOWN_BEFORE
        self._end = max(last, as_of) + KNOWN_AFTER
        self.met = met
        self.within: dict[int, int] = {}
        """Calendars of work that is within some spans alone: of which they are part."""
        self._limits = run.room()

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
        met = self.met
        if lane not in met.lanes:
            rows, shortest, met.leaves[lane] = self._departures(lane, clock)
            met.lanes[lane] = len(met.rows), shortest
            met.rows.append(rows)
        number, shortest = met.lanes[lane]
        option = Option(fixed=shortest, lane=number, whole=DEPARTS)
        if limited:
            option.limits = self._loads(source)
        return option, 0

    def count_hours(self, option: Option) -> None:
        """Count the hours of an option per bucket; `windows` numbers its calendar."""
        met = self.met
        if option.hourly not in met.buckets:
            ledger = self._occupancy().ledger(option.hourly)
            if not isinstance(ledger, BucketLedger):
                return
            met.buckets[option.hourly] = len(met.rows), met.count
            spans = [(begin, end) for begin, end in self._listed_buckets(ledger)]
            rows = [(begin - self._as_of, end - self._as_of) for begin, end in spans]
            # What is not known any more has room for all; the clocks refuse it.
            rows.append((rows[-1][1], FAR))
            rows[0] = -FAR, rows[0][1]
            met.rows.append(departure_rows(rows))
            met.count += len(rows)
        option.bucket, room = met.buckets[option.hourly]
        option.limits = ((0, 1, room),)

    def _listed_buckets(self, ledger: BucketLedger) -> Iterator[Span]:
        """Buckets from now on, until nothing is known any more [UTC s]."""
        begin, end = ledger.bucket(self._as_of)
        while begin < self._end:
            yield begin, end
            begin, end = ledger.bucket(end)

    def _loads(self, source: Source) -> tuple[tuple[int, int, int], ...]:
        """What orders of a product take of the room of departures."""
        lane, met = (source.source, source.windows), self.met
        if lane not in met.room:
            if source.windows != ANY_TIME:
                self._approximate(f"{source.source} has a limit and a validity")
            met.room[lane] = places = []
            for rooms in self._left(lane):
                places.append(met.count if rooms else -1)
                met.count += len(rooms)
        each_of = self._facts.loads
        if source.product not in each_of:
            each_of[source.product] = self._limits.each(source)
        return tuple(
            (each.numerator, each.denominator, place)
            for each, place in zip(each_of[source.product], met.room[lane], strict=True)
            if place >= 0 and each > 0
        )

    def _left(self, lane: Valid) -> list[list[int]]:
        """Room that is left on the departures of a lane, by weight and volume."""
        return self._limits.left(lane[0], self.met.leaves[lane])

    def _most(self) -> np.ndarray:
        """Room that is left in windows that have only so much. Shape (n,), int64."""
        found = np.zeros(self.met.count, np.int64)
        for lane, places in self.met.room.items():
            for place, rooms in zip(places, self._left(lane), strict=True):
                if place >= 0:
                    found[place : place + len(rooms)] = rooms
        for name, (_, place) in self.met.buckets.items():
            ledger = self._occupancy().ledger(name)
            if isinstance(ledger, BucketLedger):
                spans = self._listed_buckets(ledger)
                room = [ledger.room(begin) // MILLION for begin, _ in spans]
                found[place : place + len(room) + 1] = [*room, FAR]
        return found

    def room(self, options: Sequence[Option], others: int) -> dict[str, np.ndarray]:
        """Limits of options, and of others without any behind them, as of `Plant`."""
        counts = [*(len(option.limits) for option in options), *([0] * others)]
        rows = [limit for option in options for limit in option.limits]
        each, over, place = np.array(rows, np.int64).reshape(-1, 3).T.copy()
        return {
            "l_start": starts(counts),
            "l_each": each,
            "l_over": over,
            "l_room": place,
            "l_most": self._most(),
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
                # Kernels search departures by arrival, too: neither column may fall.
                while found and found[-1][1] > timing.finish:
                    found.pop()
                found.append((timing.ready, timing.finish, timing.start))
            # One behind the end of what is known is enough: nothing is planned there.
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
        met = self.met
        if lane not in met.lanes:
            met.lanes[lane] = len(met.rows), clock.transit
            # Goods are ready before they leave: so much earlier it is all counted.
            zero = self._as_of + clock.cutoff
            met.rows.append(open_rows(self._open(clock.lane_time), (), zero))
        return Option(fixed=clock.transit, lane=met.lanes[lane][0]), clock.cutoff

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
            # Leaving has no length: at the end of a stretch itself nothing leaves any
            # more.
            (max(begin, -FAR), end - 1 if end < FAR else FAR)
            for begin, end in sorted(spans)
            if begin < end
        ]
        if spans == [(-FAR, FAR)]:
            return Option(fixed=length), 0
        met = self.met
        if lane not in met.lanes:
            met.lanes[lane] = len(met.rows), length
            zero = self._as_of + cutoff
            spans = [
                (
                    low if low == -FAR else low - zero,
                    high if high == FAR else high - zero,
                )
                for low, high in spans or [(FAR, FAR)]
            ]
            met.rows.append(confined({}, -1, spans))
        return Option(lane=met.lanes[lane][0]), length

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
            Also `calendar` and `bucket` of all options.
        """
        start = others["k_start"]
        before, names = len(start) - 1, ("calendar", "lane", "bucket")
        calendar, lane, bucket = columns(options, names).values()
        calendar = np.where(lane >= 0, before + lane, calendar)
        calendar[first : first + len(units)] = units
        bucket = np.where(bucket >= 0, before + bucket, bucket)
        parts = [*self.met.rows]
        # Options of one open time and the same spans share a calendar.
        own: dict[tuple[int, tuple[Span, ...], int], int] = {}
        for place, option in enumerate(options):
            if option.within:
                key = int(calendar[place]), option.within, option.after
                if key not in own:
                    own[key] = before + len(parts)
                    self.within[own[key]] = key[0]
                    parts.append(confined(others, *key))
                calendar[place] = own[key]
        others = {**others, "k_start": start[:-1]}
        rows = columns_of(parts, int(start[-1]))
        found = {
            name: np.concatenate([others[name], own]) for name, own in rows.items()
        }
        near = nearest(found["k_start"], found["k_close"])
        return {**found, **near, "calendar": calendar, "bucket": bucket}


def confined(
    others: dict[str, np.ndarray], calendar: int, spans: Sequence[Span], after: int = 0
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
    after
        How long it may go on after the end of one [open s].
    """
    known = [(-FAR, FAR, 0)]
    if calendar >= 0:
        low, high = others["k_start"][calendar : calendar + 2].tolist()
        columns = (others[name] for name in ("k_open", "k_close", "k_first"))
        known = list(zip(*(one[low:high].tolist() for one in columns), strict=True))
    # A calendar begins before all that is asked of it.
    found = [] if spans[0][0] == -FAR else [(-FAR, min(0, spans[0][0] - 1))]
    walls: list[int] = []
    for at, (begin, end) in enumerate(spans):
        piece, left = -1, after
        following = spans[at + 1][0] if at + 1 < len(spans) else FAR
        for opens, closes, first in known:
            span = max(begin, opens), min(end, closes)
            if closes > end and left and (opens < end or first == piece):
                # What begins before the end goes on behind it.
                low = max(end, opens)
                high = min(low + left, closes, following)
                left -= max(high - low, 0)
                span = max(begin, opens), max(high, span[1])
            if span[0] < span[1]:
                if first != piece:
                    walls.append(len(found))
                piece = first
                found.append(span)
    if spans[-1][1] < FAR:
        walls.append(len(found))
        found.append((UNSUPPLIED, FAR))
    return open_rows(found, [wall for wall in walls if wall], 0)
