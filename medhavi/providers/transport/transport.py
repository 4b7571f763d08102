"""Moving: which lanes may carry a product, when they leave, what they cost."""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.providers.sources import LinearCost, Offer, OrderTiming
from medhavi.providers.transport.timetable import Timetable
from medhavi.snapshot.calendars.working_time import ALWAYS_OPEN, WorkingTime
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import DAY, HOUR, NEVER, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

    from medhavi.providers.lead_times import LeadTimes
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Clock
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.calendars import Calendars

    Instants = npt.NDArray[np.int64]


KG_PER_TONNE = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneClock:
    """Time of a move: ready, cut-off, departure, transit with customs, safety.

    `transit` [s] counts in the lane's working time, `cutoff` [s] is elapsed time,
    safety days count in the destination's calendar (rule 13). A move starts with its
    departure (rule 18). Moves that leave together have one timing.
    """

    timetable: Timetable
    lane_time: WorkingTime
    destination_time: WorkingTime
    transit: int
    cutoff: int
    safety_days: float
    known: dict[int, OrderTiming] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def latest(self, need: int, units: int) -> OrderTiming | None:  # noqa: ARG002
        """Latest departure that is usable by `need`, safety time included."""
        usable = self.destination_time.subtract_days(need, self.safety_days)
        if usable is None:
            return None
        bound = self.lane_time.subtract(usable, self.transit)
        return None if bound is None else self._timing(self.timetable.latest(bound))

    def earliest(self, start: int, units: int) -> OrderTiming | None:  # noqa: ARG002
        """First departure for goods that are ready at `start`."""
        return self._timing(self.timetable.earliest(start + self.cutoff))

    def since(self, start: int) -> Iterator[OrderTiming]:
        """Departures for goods that are ready at `start`, and all that come after."""
        for departure in self.timetable.since(start + self.cutoff):
            timing = self._timing(departure)
            if timing is None:
                return
            yield timing

    def _timing(self, departure: int | None) -> OrderTiming | None:
        if departure is None:
            return None
        known = self.known.get(departure)
        if known is not None:
            return known
        arrival = self.lane_time.add(departure, self.transit)
        if arrival is None:
            return None
        made = OrderTiming(departure, arrival, departure - self.cutoff, (), departure)
        if self.timetable.scheduled:
            self.known[departure] = made
        return made


class ContinuousLaneClock:
    """Time of a lane around the clock that leaves at any time: plain sums.

    Parameters
    ----------
    transit, cutoff, safety : int
        Departure to use, readiness before departure, safety time after it [s].
    """

    __slots__ = ("_cutoff", "_safety", "_transit")

    def __init__(self, transit: int, cutoff: int, safety: int) -> None:
        self._transit = transit
        self._cutoff = cutoff
        self._safety = safety

    def latest(self, need: int, units: int) -> OrderTiming:  # noqa: ARG002
        """Latest departure that is usable by `need`, safety time included."""
        finish = need - self._safety
        start = finish - self._transit
        return OrderTiming(start, finish, start - self._cutoff, (), start)

    def earliest(self, start: int, units: int) -> OrderTiming:  # noqa: ARG002
        """Departure for goods that are ready at `start`."""
        departure = start + self._cutoff
        return OrderTiming(departure, departure + self._transit, start, (), departure)


class Transport:
    """Lanes by where they lead.

    Parameters
    ----------
    tables : mapping of str to Rows
        `lanes`, `departures`, `lane_blackouts`.
    lead_times : LeadTimes
        Which time holds.
    disrupted : bool, default False
        Whether a blocked lane does not depart (rule 20; `disruptions` is read). Fully
        blocked it is as in a blackout; in part, `room` counts what is left.
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        facts: ProductFacts,
        calendars: Calendars,
        lead_times: LeadTimes,
        *,
        disrupted: bool = False,
    ) -> None:
        self._facts = facts
        self._calendars = calendars
        self._lead_times = lead_times
        # Each cell of a lane is read many times.
        self._lanes: dict[str, Row] = {
            row["lane"]: dict(row) for row in tables["lanes"]
        }
        self._departures = _weekly(tables["departures"])
        self._blackouts: dict[str, list[tuple[int, int]]] = {}
        for row in tables["lane_blackouts"]:
            self._blackouts.setdefault(row["lane"], []).append(
                (row["valid_from"], row["valid_to"])
            )
        self._partly: dict[str, list[tuple[int, int, float]]] = {}
        if disrupted:
            self._disrupt(tables["disruptions"])
        self._levels: Mapping[str, int] = {}
        """Times of lanes that are taken at another level than the settings' [s]."""
        self._cutoffs: dict[str, int] = {}
        self._timetables: dict[str, Timetable] = {}
        self._alike: dict[tuple[object, ...], Timetable] = {}
        """Timetables by what they say: many lanes leave at the same times."""
        self._clocks: dict[tuple[str, float], Clock] = {}
        self._reliable: dict[str, float] = {}
        into: dict[str, list[str]] = {}
        for lane in sorted(self._lanes):
            into.setdefault(self._lanes[lane]["destination"], []).append(lane)
        self.into = {place: tuple(lanes) for place, lanes in into.items()}
        """Lanes by destination, by id."""

    def leaving_also(self, rows: Iterable[Row]) -> Transport | None:
        """Lanes with more departures.

        Parameters
        ----------
        rows
            Rows of `departures`.

        Returns
        -------
        Transport or None
            None where a lane is none or leaves at any time until now.
        """
        departures = dict(self._departures)
        added = _weekly(rows)
        for lane, times in added.items():
            if lane not in self._departures or lane not in self._lanes:
                return None
            departures[lane] = [*departures[lane], *times]
        made: Transport = copy(self)
        made._departures = departures
        made._timetables = {
            lane: known for lane, known in self._timetables.items() if lane not in added
        }
        made._clocks = {
            key: clock for key, clock in self._clocks.items() if key[0] not in added
        }
        return made

    def taking(self, transits: Mapping[str, int]) -> Transport:
        """Lanes of which some take other times.

        Parameters
        ----------
        transits
            Time from departure to use by lane [s of the lane's time].
        """
        kept = {key: one for key, one in self._clocks.items() if key[0] not in transits}
        made: Transport = copy(self)
        made._levels = dict(transits)
        made._clocks = kept
        return made

    def _disrupt(self, rows: TableRows) -> None:
        for row in rows:
            if row["kind"] != "lane_blocked" or not row["severity"]:
                continue
            end = NEVER if row["valid_to"] is None else row["valid_to"]
            if row["severity"] >= 1:
                window = (row["valid_from"], end)
                self._blackouts.setdefault(row["subject"], []).append(window)
            else:
                part = (row["valid_from"], end, row["severity"])
                self._partly.setdefault(row["subject"], []).append(part)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all lanes, sorted."""
        return tuple(sorted(self._lanes))

    def row(self, lane: str) -> Row:
        """Row of a lane."""
        return self._lanes[lane]

    def transit(self, lane: str) -> int:
        """Time from departure to use, customs in it [s of the lane's time]."""
        known = self._levels.get(lane)
        if known is None:
            known = int(self._lead_times.lane(self._lanes[lane]).amount)
        return known

    def cutoff(self, lane: str) -> int:
        """How long before a departure goods must be ready [s]."""
        known = self._cutoffs.get(lane)
        if known is None:
            known = seconds_up(self._lanes[lane]["cutoff_h"], HOUR)
            self._cutoffs[lane] = known
        return known

    def lane_time(self, lane: str) -> WorkingTime:
        """Working time in which a transit counts."""
        return self._calendars.working_time(self._lanes[lane]["calendar"])

    def room(self, lane: str, departure: int) -> tuple[Fraction | None, ...]:
        """What a departure carries: weight [kg] and volume [m3]; None: any.

        A disruption of severity s leaves floor(units x (1 - s)) of both (rule 20).
        """
        row = self._lanes[lane]
        limits = (row["capacity_kg"], row["capacity_m3"])
        severity = max(
            (s for a, b, s in self._partly.get(lane, ()) if a <= departure < b),
            default=0.0,
        )
        if not severity:
            return tuple(None if most is None else exact(most) for most in limits)
        left = 1 - exact(severity)
        return tuple(
            None if most is None else Fraction(exact(most) * left // 1)
            for most in limits
        )

    def disturbed(self, lane: str) -> bool:
        """Whether a disruption ever leaves a lane a part of its room."""
        return lane in self._partly

    def room_changes(self, lane: str) -> tuple[int, ...]:
        """When disruptions end that leave some room, sorted [s]."""
        return tuple(sorted(b for _, b, _ in self._partly.get(lane, ()) if b < NEVER))

    def origin(self, lane: str) -> str:
        """Where a lane begins."""
        return str(self._lanes[lane]["origin"])

    def lanes(self, source: str, location: str) -> tuple[str, ...]:
        """Lanes into a location that a source of a move names.

        `source` is a lane, else an origin; preferred lanes come first, then by id.
        """
        row = self._lanes.get(source)
        if row is not None and row["destination"] == location:
            return (source,)
        found = [
            lane
            for lane in self.into.get(location, ())
            if self._lanes[lane]["origin"] == source
        ]
        return tuple(sorted(found, key=lambda lane: self._lanes[lane]["preference"]))

    def obstacle(self, lane: str, product: str) -> str | None:
        """Why a lane may not carry a product; None: it may."""
        row = self._lanes[lane]
        if not row["hazmat_allowed"] and self._facts.hazmat(product):
            return "no dangerous goods"
        country = self._facts.country(row["destination"])
        if country is not None and country in (row["blocked_countries"] or ()):
            return f"nothing goes to {country}"
        return None

    def blocks(self, lane: str, country: str) -> bool:
        """Whether nothing that ends in a country may use a lane (rule 34)."""
        return country in (self._lanes[lane]["blocked_countries"] or ())

    def offer(self, lane: str, product: str) -> Offer:
        """What a lane offers for a product, whether it may carry it or not."""
        row = self._lanes[lane]
        return Offer(
            kind="move",
            source=lane,
            origin=row["origin"],
            preference=row["preference"],
            step=self._facts.step(product),
            fence_time=self._calendars.working_time(row["calendar"]),
            row=row,
            clock=lambda safety: self.clock(lane, safety),
            costs=self.costs(lane, product),
        )

    def costs(self, lane: str, product: str) -> LinearCost:
        """What a shipment of a product on a lane costs and emits."""
        unit, per_kg, fixed, emitted = self.rates(lane)
        weight = self._facts.weight_kg(product)
        return LinearCost(
            unit=unit + per_kg * weight,
            fixed=fixed,
            shared=self._lanes[lane]["fixed_cost"]
            if self._departures.get(lane)
            else 0.0,
            co2_unit=emitted * weight / KG_PER_TONNE,
        )

    def rates(self, lane: str) -> tuple[float, float, float, float]:
        """What a lane costs a unit, a kg, a shipment, and emits a tonne [kg]."""
        row = self._lanes[lane]
        fixed = row["fixed_cost"] + row["customs_cost"]
        return row["cost_per_unit"], row["cost_per_kg"], fixed, row["co2_kg_per_tonne"]

    def reliability(self, lane: str) -> float:
        """Chance that a lane is on time by its plain duration, see `Quantiles`.

        That of an estimate or of the lane, where either says one.
        """
        known = self._reliable.get(lane)
        if known is None:
            known = self._lead_times.lane_quantiles(self._lanes[lane]).on_time
            self._reliable[lane] = known
        return known

    def clock(self, lane: str, safety_days: float) -> Clock:
        """Clock of a lane, one for all products."""
        known = self._clocks.get((lane, safety_days))
        if known is None:
            known = self._clocks[lane, safety_days] = self._clock(lane, safety_days)
        return known

    def clock_at(self, lane: str, transit: int) -> Clock:
        """Clock of a lane whose way takes another time than stated [s]."""
        return LaneClock(
            timetable=self.timetable(lane),
            lane_time=self._calendars.working_time(self._lanes[lane]["calendar"]),
            destination_time=ALWAYS_OPEN,
            transit=transit,
            cutoff=self.cutoff(lane),
            safety_days=0.0,
        )

    def _clock(self, lane: str, safety_days: float) -> Clock:
        row = self._lanes[lane]
        timetable = self.timetable(lane)
        lane_time = self._calendars.working_time(row["calendar"])
        calendar = self._facts.calendar(row["destination"])
        destination_time = self._calendars.working_time(calendar)
        transit = self.transit(lane)
        cutoff = self.cutoff(lane)
        straight = timetable.any_time and lane_time is ALWAYS_OPEN
        if straight and (not safety_days or destination_time is ALWAYS_OPEN):
            return ContinuousLaneClock(transit, cutoff, seconds_up(safety_days, DAY))
        return LaneClock(
            timetable=timetable,
            lane_time=lane_time,
            destination_time=destination_time,
            transit=transit,
            cutoff=cutoff,
            safety_days=safety_days,
        )

    def timetable(self, lane: str) -> Timetable:
        """Departures of a lane."""
        known = self._timetables.get(lane)
        if known is None:
            name = self._facts.zone(self._lanes[lane]["origin"])
            times = tuple(self._departures.get(lane, ()))
            blackouts = tuple(self._blackouts.get(lane, ()))
            known = self._alike.get((name, times, blackouts))
            if known is None:
                known = Timetable(zone(name), times, blackouts)
                self._alike[name, times, blackouts] = known
            self._timetables[lane] = known
        return known


def _weekly(rows: Iterable[Row]) -> dict[str, list[tuple[int, int]]]:
    """Collect weekday and second of the departures of each lane."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        clock = row["time"]
        second = clock.hour * HOUR + clock.minute * 60 + clock.second
        found.setdefault(row["lane"], []).append((row["weekday"], second))
    return found


AHEAD = 120 * DAY
"""For how long around the instants that are asked for departures are listed."""


class BoundedTimes(NamedTuple):
    """Instants or lengths of many loads, and bounds of them [s].

    Parameters
    ----------
    at
        One for all, or one for each: shape (n,), int64.
    least, most
        None is below or above; for one for all they are equal to it.
    """

    at: int | Instants
    least: int
    most: int

    @classmethod
    def of(cls, at: int | Instants) -> BoundedTimes:
        """Instants with their least and their most."""
        if isinstance(at, int):
            return cls(at, at, at)
        return cls(at, int(np.minimum.reduce(at)), int(np.maximum.reduce(at)))

    def plus(self, other: BoundedTimes) -> BoundedTimes:
        """Add two spreads, load by load."""
        return BoundedTimes(
            self.at + other.at, self.least + other.least, self.most + other.most
        )


class _DepartureList(NamedTuple):
    """Departures of a lane from an instant on, and until when loads are taken [s]."""

    start: int
    closes: list[int]
    closing: Instants
    departures: Instants


class LegArrays:
    """Departures of the lanes of a snapshot, each list made once.

    Parameters
    ----------
    transport
        Lanes.
    """

    __slots__ = ("_cutoffs", "_listed", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._listed: dict[tuple[Timetable, int], _DepartureList] = {}
        """By timetable and how long before a departure loads must be there [s]."""
        self._cutoffs: dict[str, int] = {}
        """By lane [s]; -1: its time is closed now and then."""

    def on(self, transport: Transport) -> LegArrays:
        """Departures of other lanes; lists by the same timetables stay."""
        made: LegArrays = copy(self)
        made._transport = transport
        made._cutoffs = {}
        return made

    def arrivals(
        self, lane: str, ready: BoundedTimes, transit: BoundedTimes
    ) -> BoundedTimes:
        """When loads arrive by the first departure of a lane.

        Parameters
        ----------
        ready
            When the loads are ready.
        transit
            Time from departure to use, in the lane's time.

        Returns
        -------
        Spread
            Where a lane never leaves again, the load stays ready.
        """
        begin, length = ready.at, transit.at
        if isinstance(begin, int) and isinstance(length, int):
            return BoundedTimes.of(self._arrival(lane, begin, length))
        cutoff = self._cutoffs.get(lane)
        if cutoff is None:
            transport = self._transport
            always = transport.lane_time(lane).always_open
            cutoff = self._cutoffs[lane] = transport.cutoff(lane) if always else -1
        if cutoff >= 0:
            departures = self._departures(lane, ready, cutoff)
            if departures is not None:
                return departures.plus(transit)
        begins, lengths = np.broadcast_arrays(begin, length)
        each = [
            self._arrival(lane, one, long)
            for one, long in zip(begins.tolist(), lengths.tolist(), strict=True)
        ]
        return BoundedTimes.of(np.array(each, dtype=np.int64))

    def _arrival(self, lane: str, ready: int, transit: int) -> int:
        timing = self._transport.clock_at(lane, transit).earliest(ready, 0)
        return ready if timing is None else timing.finish

    def _departures(
        self, lane: str, ready: BoundedTimes, cutoff: int
    ) -> BoundedTimes | None:
        """First departure of each load; None: ask one by one."""
        timetable = self._transport.timetable(lane)
        if timetable.any_time:
            return ready.plus(BoundedTimes(cutoff, cutoff, cutoff)) if cutoff else ready
        known = self._listed.get((timetable, cutoff))
        if known is None or ready.least < known.start or ready.most > known.closes[-1]:
            known = self._list(timetable, ready, cutoff)
            if known is None:
                return None
        closes = known.closes
        low, high = bisect_left(closes, ready.least), bisect_left(closes, ready.most)
        first, last = closes[low] + cutoff, closes[high] + cutoff
        if low == high:
            return BoundedTimes(first, first, first)
        places = known.closing[low:high].searchsorted(ready.at)
        return BoundedTimes(known.departures[low : high + 1][places], first, last)

    def _list(
        self, timetable: Timetable, ready: BoundedTimes, cutoff: int
    ) -> _DepartureList | None:
        """List the departures around instants; None: not all of them are known."""
        first, last = ready.least + cutoff, ready.most + cutoff
        start = first - AHEAD
        listed = timetable.between(start, last + AHEAD)
        if listed is None:
            start, listed = first, timetable.between(first, last)
        if listed is None:
            return None
        departures = np.array(listed, dtype=np.int64)
        closing = departures - cutoff
        known = _DepartureList(start - cutoff, closing.tolist(), closing, departures)
        self._listed[timetable, cutoff] = known
        return known
