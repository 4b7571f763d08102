"""Which time each uncertain purchase or lane takes in one evaluation.

A chain with uncertain times is evaluated at levels: a level is a probability, one for
all or one for each group of subjects that are late together. The quantiles and the
clocks are those of the providers.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.sources import OrderTiming
from medhavi.providers.transport.transport import BoundedTimes, LegArrays
from medhavi.units import DAY, seconds_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import Quantiles
    from medhavi.providers.sources import Source
    from medhavi.providers.transport.itineraries import Itineraries

_made = tuple.__new__
"""Makes a named tuple of all its fields."""
LEVELS: Mapping[str, float] = {"p50": 0.5, "p80": 0.8, "p95": 0.95}
MOST_COLUMNS = 8192
"""Times at all points that are kept: 32 MB."""
Subject = tuple[str, str, str]
"""Kind, supplier or lane, product (lanes: none)."""
Points = tuple[int, int]
"""How many dimensions the points have, and which of them."""
Key = tuple[str, str, str]
"""Supplier, product, location."""


class Bought(NamedTuple):
    """How long a purchase takes.

    Parameters
    ----------
    quantiles
        None: it is certain.
    receipt
        Time of the receipt where no closed time counts [s]; None: ask the calendars.
    """

    subject: Subject
    quantiles: Quantiles | None
    receipt: int | None


class LevelItineraries(NamedTuple):
    """Ways over the lanes, and the same ways where lanes take their time at a level.

    Parameters
    ----------
    transits
        Of the lanes that take another time then [s of the lane's time].
    """

    ways: Itineraries
    transits: Mapping[str, int]
    found: Itineraries


class UncertainTimes:
    """Quantiles of purchases and lanes of one snapshot, each looked up once.

    Parameters
    ----------
    providers
        Lead times, suppliers, transport.

    Attributes
    ----------
    anything
        Whether any time of the snapshot is uncertain.
    columns
        Times of subjects at all points of a sample, by what they are for.
    legs
        Departures of the lanes as arrays.
    """

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self._before: UncertainTimes | None = None
        self._stated: dict[Key, bool] = {}
        self._known: dict[Subject, Quantiles | None] = {}
        self._bought: dict[Key, Bought] = {}
        self._moved: dict[str, tuple[Subject, Quantiles | None]] = {}
        self._draws: dict[float, LeadDraws] = {}
        self._routes: dict[float, LevelItineraries] = {}
        self.columns: dict[tuple[object, ...], BoundedTimes] = {}
        self.legs = LegArrays(providers.transport)
        tables = providers.tables
        self._lanes = {row["lane"]: row for row in tables["lanes"]}
        self.anything = bool(
            tables["estimates"].count
            or tables["supply_terms"].filled("lead_time_p95_days")
            or tables["lanes"].filled("duration_p95_h")
        )

    def on(self, providers: Providers) -> UncertainTimes:
        """Times of other providers; what is uncertain at all stays so.

        What these providers share with those before is not looked up again.
        """
        mine = self.providers
        legs = self.legs
        if providers.transport is not mine.transport:
            legs = legs.on(providers.transport)
        same_transits = providers.lead_times is mine.lead_times
        # To make them anew costs more than all else of an answer on changed tables.
        made: UncertainTimes = copy(self)
        made.providers = providers
        made._draws = {}
        made._routes = dict(self._routes) if same_transits else {}
        if (
            same_transits
            and providers.suppliers is mine.suppliers
            and providers.transport is mine.transport
        ):
            return made
        made._stated = {}
        made._known = {}
        made._bought = {}
        made._moved = {}
        made.columns = {}
        made._before = self
        made.legs = legs
        return made

    def at(self, level: float) -> LeadDraws:
        """Draws that take every subject at one level, made once."""
        known = self._draws.get(level)
        if known is None:
            before = self._of_same_lanes
            known = LeadDraws(self, level)
            if before is not None:
                known = before.at(level).on(self)
            self._draws[level] = known
        return known

    def routes(self, ways: Itineraries, level: float | None) -> Itineraries:
        """Ways over lanes whose uncertain times are taken at a level.

        Parameters
        ----------
        ways
            The lanes as the settings have them, with what they carry.
        level
            None: as they are.
        """
        if level is None or not self.anything:
            return ways
        known = self._routes.get(level)
        if known is not None and known.ways is ways:
            return known.found
        if known is None:
            drawn = self.at(level)
            transits: Mapping[str, int] = {
                lane: transit
                for lane in self._lanes
                if (transit := drawn.transit(lane)) is not None
                and transit != ways.transit(lane)
            }
            before = None
        else:
            # Other ways over the same lanes: times stay, and what was made helps.
            transits, before = known.transits, (known.ways, known.found)
        found = ways.taking(transits, before) if transits else ways
        self._routes[level] = LevelItineraries(ways, transits, found)
        return found

    @property
    def _of_same_lanes(self) -> UncertainTimes | None:
        """Times before a change that left all lanes as they were."""
        before = self._before
        if before is None:
            return None
        alike = before.providers.lead_times is self.providers.lead_times
        return before if alike else None

    def column(self, subject: Subject, points: Points) -> BoundedTimes | None:
        """Times of a subject at all points where they were looked up.

        Those before a change are the same where its quantiles are.
        """
        known = self.columns.get((subject, *points))
        before = self._before
        if known is not None or before is None:
            return known
        quantiles = self._known.get(subject)
        if quantiles is None or before._known.get(subject) != quantiles:  # noqa: SLF001
            return None
        known = before.column(subject, points)
        if known is not None:
            self.columns[(subject, *points)] = known
        return known

    def keep(
        self, key: tuple[object, ...], column: npt.NDArray[np.int64]
    ) -> BoundedTimes:
        """Keep the times of a subject at all points, the oldest in its place."""
        if len(self.columns) >= MOST_COLUMNS:
            del self.columns[next(iter(self.columns))]
        known = self.columns[key] = BoundedTimes.of(column)
        return known

    def bought(self, source: Source) -> Bought:
        """Uncertain days of a purchase and how they count."""
        key = (source.source, source.product, source.location)
        known = self._bought.get(key)
        if known is None:
            subject = ("supplier", source.source, f"{source.product}|{source.location}")
            found = self.providers.lead_times.supplier_quantiles(
                source.row, source.product
            )
            quantiles = self._known[subject] = found if found.uncertain else None
            receipt = self.providers.suppliers.straight_receipt(
                source.row, source.location
            )
            known = self._bought[key] = Bought(subject, quantiles, receipt)
        return known

    def lane(self, lane: str) -> tuple[Subject, Quantiles | None]:
        """Uncertain seconds of a lane; None: they are certain."""
        known = self._moved.get(lane)
        if known is None and (before := self._of_same_lanes) is not None:
            known = self._moved[lane] = before.lane(lane)
            self._known[known[0]] = known[1]
        if known is None:
            subject = ("lane", lane, "")
            found = self.providers.lead_times.lane_quantiles(self._lanes[lane])
            quantiles = self._known[subject] = found if found.uncertain else None
            known = self._moved[lane] = (subject, quantiles)
        return known

    def of(self, subject: Subject) -> Quantiles:
        """Quantiles of a subject that is known to be uncertain."""
        found = self._known[subject]
        if found is None:
            message = f"{subject} is certain."
            raise KeyError(message)
        return found

    def stated(self, source: Source) -> bool:
        """Whether a supplier has neither estimate nor 95th percentile."""
        key = (source.source, source.product, source.location)
        known = self._stated.get(key)
        if known is None:
            found = self.providers.lead_times.supplier_quantiles(
                source.row, source.product
            )
            plain = source.row["lead_time_p95_days"] is None
            known = self._stated[key] = plain and found.basis == "stated"
        return known


class LeadDraws:
    """One level for each uncertain subject.

    Parameters
    ----------
    times
        Quantiles.
    level
        Probability of subjects without an own one.
    own
        Probability by subject.
    leads, transits
        Days of purchases and times of lanes that are known already [s].
    """

    __slots__ = ("_leads", "_level", "_own", "_times", "_transits")

    def __init__(
        self,
        times: UncertainTimes,
        level: float,
        own: Mapping[Subject, float] | None = None,
        leads: dict[Subject, int] | None = None,
        transits: dict[str, int | None] | None = None,
    ) -> None:
        self._times = times
        self._level = level
        self._own = own or {}
        self._leads = {} if leads is None else leads
        self._transits = {} if transits is None else transits

    def on(self, times: UncertainTimes) -> LeadDraws:
        """Same level of other times of which no lane differs."""
        own, transits = self._own, dict(self._transits)
        return LeadDraws(times, self._level, own, transits=transits)

    def level(self, subject: Subject) -> float:
        """Probability at which a subject is taken."""
        return self._own.get(subject, self._level)

    def transit(self, lane: str) -> int | None:
        """Seconds of a lane, rounded down; None: as stated."""
        try:
            return self._transits[lane]
        except KeyError:
            subject, found = self._times.lane(lane)
            drawn = None if found is None else int(found.at(self.level(subject)))
            self._transits[lane] = drawn
            return drawn

    def timing(self, source: Source, start: int, steps: int) -> OrderTiming | None:
        """When a purchase that is ordered at an instant is there, at its level."""
        subject, found, receipt = self._times.bought(source)
        if found is None:
            return source.clock.earliest(start, steps)
        if receipt is None:
            days = found.at(self.level(subject))
            suppliers = self._times.providers.suppliers
            clock = suppliers.clock_at(source.row, source.location, days)
            return clock.earliest(start, steps)
        lead = self._leads.get(subject)
        if lead is None:
            lead = seconds_up(found.at(self.level(subject)), DAY)
            self._leads[subject] = lead
        ready = start + lead + receipt
        made: OrderTiming = _made(OrderTiming, (start, ready, start, (), None, ()))
        return made
