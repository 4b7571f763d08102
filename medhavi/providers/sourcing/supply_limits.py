"""What suppliers deliver and vehicles carry at most, and what of it is taken.

A supplier's quantity counts by receipt (rule 32): per period of `supply_terms`, counted
from as_of, and per window of `supplier_capacity`. A vehicle's weight and volume count
per departure, kept by `departure_loads`; where a lane leaves at any time, each move is
a departure of its own.
"""

from __future__ import annotations

from collections import defaultdict
from math import floor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medhavi.providers.material.supply_orders import LIVE
from medhavi.providers.transport.timetable import (
    MILLION,
    NOTHING,
    DepartureLoads,
    Load,
    load_of,
)
from medhavi.units import DAY, NEVER, exact, from_units, seconds_up, units_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing.sourcing import Sourcing
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.providers.transport.transport import Transport


WINDOWS: Final = 1_000
"""How many full windows are passed before a supplier is given up."""


class SupplyLimit(NamedTuple):
    """One limit that holds at an instant: its name, from and until when, how much.

    `product` and `location` are those that it is stated for, "*" for all.
    """

    key: tuple[Any, ...]
    since: int
    until: int
    most: Fraction
    product: str
    location: str = "*"


class SupplyLimits:
    """Limits of suppliers and vehicles with what is taken of them.

    Parameters
    ----------
    capacities
        Table `supplier_capacity`.
    facts
        Groups, weights and volumes of products.
    sourcing
        Calendars of locations, for receipt days.
    as_of
        Now; periods count from it [UTC seconds].
    transport
        Timetables and room of the lanes; only moves ask for it.
    loads
        What departures carry before; it is changed in place.
    """

    def __init__(
        self,
        capacities: TableRows,
        facts: ProductFacts,
        sourcing: Sourcing,
        as_of: int,
        transport: Transport | None = None,
        loads: DepartureLoads | None = None,
    ) -> None:
        self._transport = transport
        self._loads = DepartureLoads() if loads is None else loads
        self._facts = facts
        self._sourcing = sourcing
        self._as_of = as_of
        self._windows: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for number, row in enumerate(capacities):
            self._windows[row["supplier"]].append((number, row))
        self._load_of: dict[tuple[int, int], Load] = {}
        self._asked: tuple[Source | None, int, Load] = None, 0, NOTHING
        """The load that was asked for last: whoever asks for room takes it next."""
        self._room_of: dict[str, tuple[int | None, ...]] = {}
        self._lasting: dict[str, tuple[Fraction | None, ...]] = {}
        self._scheduled: dict[str, bool] = {}
        self._taken: dict[tuple[object, ...], Fraction] = defaultdict(
            lambda: exact(0.0)
        )

    def largest(self, source: Source) -> int | None:
        """Largest order that ever fits [units]; None: no limit."""
        found = []
        if source.kind == "buy" and source.row["capacity_per_period"] is not None:
            stated = float(str(source.row["capacity_per_period"]))
            found.append(units_down(stated, source.step))
        if source.kind == "move":
            facts = self._facts
            ones = (
                facts.weight_kg(source.product),
                facts.volume_m3(source.product),
            )
            for carried, one in zip(self._lasting_room(source), ones, strict=True):
                if carried is not None and one > 0:
                    each, step = exact(one), source.step
                    most = carried.numerator * each.denominator * step.denominator
                    taken = carried.denominator * each.numerator * step.numerator
                    found.append(most // taken)
        return min(found, default=None)

    def until(self, source: Source, units: int, at: int) -> int | None:
        """Until when an order coming, or leaving, at an instant does not fit.

        Parameters
        ----------
        source
            A purchase or a move.
        units
            Size of the order [units].
        at
            Receipt at the door of a purchase, departure of a move [UTC seconds].

        Returns
        -------
        int or None
            First instant after `at` that is worth a try; None: it fits.
        """
        if source.kind == "move":
            return self._departed(source, units, at)
        full = self._full(source, units, at)
        return max((limit.until for limit in full), default=None)

    def since(self, source: Source, units: int, at: int) -> int | None:
        """Since when an order coming, or leaving, at an instant does not fit.

        Returns
        -------
        int or None
            Last instant before `at` that is worth a try; None: it fits.
        """
        if source.kind == "move":
            return None if self._departed(source, units, at) is None else at - 1
        full = self._full(source, units, at)
        return min((limit.since - 1 for limit in full), default=None)

    def room(self, source: Source, at: int) -> int | None:
        """What a purchase may bring to the door at an instant.

        Parameters
        ----------
        at
            Receipt at the door [UTC seconds].

        Returns
        -------
        int or None
            What is left of the smallest limit, at least 0 [units]; None: no limit.
        """
        left = [
            (limit.most - self._taken[limit.key]) / source.step
            for limit in self.of_supplier(source, at)
        ]
        return max(0, floor(min(left))) if left else None

    def limits(self, source: Source) -> bool:
        """Whether an order of a source may ever find no room.

        Parameters
        ----------
        source
            A purchase or a move.
        """
        if source.kind == "move":
            # Disruptions leave a part of what is stated: of no limit they leave none.
            return any(most is not None for most in self._lasting_room(source))
        stated = source.row["capacity_per_period"] is not None
        return stated or source.source in self._windows

    def shared(self, source: Source) -> bool:
        """Whether an order of a source may leave another too little.

        Parameters
        ----------
        source
            A purchase or a move.
        """
        moved = source.kind == "move"
        return self.limits(source) and (not moved or self._shares(source))

    def each(self, source: Source) -> tuple[Fraction, Fraction]:
        """Weight [mg] and volume [cm3] of a unit on a vehicle."""
        product, facts = source.product, self._facts
        ones = facts.weight_kg(product), facts.volume_m3(product)
        weight, volume = (exact(one) * MILLION * source.step for one in ones)
        return weight, volume

    def left(self, lane: str, departures: Sequence[int]) -> list[list[int]]:
        """What departures can carry yet: weights [mg] and volumes [cm3].

        Of what has no limit the list is empty.
        """
        if self._transport is None:
            return [[], []]
        loaded = self._loads.of_lane(lane) or {}
        loads = [loaded.get(at, NOTHING) for at in departures]
        rooms = [self._room(self._transport, lane, at) for at in departures]
        return [
            [
                most - taken
                for most, taken in zip(*part, strict=True)
                if most is not None
            ]
            for part in zip(
                zip(*rooms, strict=True), zip(*loads, strict=True), strict=True
            )
        ]

    def varies(self, lane: str) -> bool:
        """Whether a disruption leaves a lane a part of its room for some time."""
        return self._transport is not None and self._transport.disturbed(lane)

    def take(self, source: Source, units: int, at: int, sign: int = 1) -> None:
        """Take an order's part of all limits; `sign` -1 gives it back."""
        if source.kind != "move":
            for limit in self.of_supplier(source, at):
                self._taken[limit.key] += sign * units * source.step
        elif self._shares(source):
            load = self._load(source, units)
            if sign < 0:
                load = Load(-load.weight, -load.volume)
            self._loads.add(source.source, at, load)

    def door(self, source: Source, finish: int) -> int:
        """When goods of a purchase reach the door: receipt days come after it."""
        days = source.row["receipt_days"]
        if not isinstance(days, float) or not days:
            return finish
        calendar = self._sourcing.location_time(source.location)
        found = calendar.subtract_days(finish, days)
        return finish if found is None else found

    # --- suppliers -----------------------------------------------------------------
    def take_purchases(self, orders: TableRows) -> None:
        """Take the part of purchases that are on order, past ones as of now."""
        for row in orders:
            if row["kind"] != "purchase" or row["status"] not in LIVE:
                continue
            source = self._sourcing.source_of(
                "purchase", row["source"] or "", row["product"], row["location"]
            )
            if source is not None:
                rest = (exact(row["qty"]) - exact(row["qty_done"])) / source.step
                self.hold(source, max(0, floor(rest)), max(row["due"], self._as_of))

    def hold(self, source: Source, units: int, finish: int, sign: int = 1) -> None:
        """Take the part of a purchase that is usable at an instant; see `take`."""
        self.take(source, units, self.door(source, finish), sign)

    def usable(self, source: Source, units: int, finish: int) -> int | None:
        """When a purchase is usable that would be so at `finish`, limits obeyed.

        Returns
        -------
        int or None
            The instant, at least `finish` [s]; None: the supplier never delivers that
            much at once.
        """
        largest = self.largest(source)
        if largest is not None and units > largest:
            return None
        at, usable = self.door(source, finish), finish
        for _ in range(WINDOWS):
            until = self.until(source, units, at)
            if until is None:
                return usable
            at = until
            found = self._received(source, at)
            if found is None:
                return None
            usable = found
        return None

    def _received(self, source: Source, at: int) -> int | None:
        """When goods are usable that reach the door at an instant."""
        days = source.row["receipt_days"]
        if not isinstance(days, float) or not days:
            return at
        return self._sourcing.location_time(source.location).add_days(at, days)

    def _full(self, source: Source, units: int, at: int) -> list[SupplyLimit]:
        """List the limits that an order would break."""
        qty = units * source.step
        return [
            limit
            for limit in self.of_supplier(source, at)
            if self._taken[limit.key] + qty > limit.most
        ]

    def of_supplier(self, source: Source, at: int) -> Iterator[SupplyLimit]:
        """Limits of what a purchase brings to the door at an instant."""
        row = source.row
        most = row["capacity_per_period"]
        if most is not None:
            length = seconds_up(float(str(row["period_days"])), DAY)
            begin = self._as_of + (at - self._as_of) // length * length
            product, location = str(row["product"]), str(row["location"])
            key = ("period", source.source, product, location, begin, length)
            largest = exact(float(str(most)))
            yield SupplyLimit(key, begin, begin + length, largest, product, location)
        windows = self._windows.get(source.source)
        if not windows:
            return
        lineage = {"*", *self._facts.lineage(source.product)}
        for number, window in windows:
            inside = window["valid_from"] <= at < window["valid_to"]
            if inside and window["product"] in lineage:
                most = exact(float(window["qty"]))
                begin, end = window["valid_from"], window["valid_to"]
                name = ("window", number)
                yield SupplyLimit(name, begin, end, most, window["product"])

    # --- vehicles ------------------------------------------------------------------
    def _lasting_room(self, source: Source) -> tuple[Fraction | None, ...]:
        """What a departure carries once all disruptions with an end are over."""
        if self._transport is None:
            return (None, None)
        known = self._lasting.get(source.source)
        if known is None:
            known = self._transport.room(source.source, NEVER - 1)
            self._lasting[source.source] = known
        return known

    def _shares(self, source: Source) -> bool:
        """Whether moves of a lane may share a departure."""
        known = self._scheduled.get(source.source)
        if known is None:
            transport, lane = self._transport, source.source
            known = transport is not None and transport.timetable(lane).scheduled
            self._scheduled[lane] = known
        return known

    def _load(self, source: Source, units: int) -> Load:
        asked, size, known_load = self._asked
        if asked is source and size == units:
            return known_load
        known = self._load_of.get((id(source), units))
        if known is None:
            facts = self._facts
            known = self._load_of[id(source), units] = load_of(
                from_units(units, source.step),
                facts.weight_kg(source.product),
                facts.volume_m3(source.product),
            )
        self._asked = source, units, known
        return known

    def _room(self, transport: Transport, lane: str, at: int) -> tuple[int | None, ...]:
        """What a departure carries: weight [mg] and volume [cm3]; None: any."""
        known = self._room_of.get(lane)
        if known is None:
            known = tuple(
                None if most is None else int(most * MILLION)
                for most in transport.room(lane, at)
            )
            if not transport.disturbed(lane):
                self._room_of[lane] = known
        return known

    def _departed(self, source: Source, units: int, at: int) -> int | None:
        """Whether a departure has no room: the next one is worth a try."""
        transport = self._transport
        if transport is None:
            return None
        lane, there, next_try = source.source, NOTHING, at + 1
        if self._shares(source):
            loaded = self._loads.of_lane(lane)
            there = NOTHING if loaded is None else loaded.get(at, NOTHING)
        else:
            # Each move has a vehicle of its own: only a disruption makes it small.
            ends = [end for end in transport.room_changes(lane) if end > at]
            if not ends:
                return None
            next_try = ends[0]
        weight, volume = self._room(transport, lane, at)
        heavy, large = self._load(source, units)
        if weight is not None and heavy and there[0] + heavy > weight:
            return next_try
        if volume is not None and large and there[1] + large > volume:
            return next_try
        return None
