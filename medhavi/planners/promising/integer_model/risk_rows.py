"""Uncertain times of purchases and lanes as rows of numbers, with points of samples."""

from __future__ import annotations

from bisect import bisect_left
from math import log
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.promise_kernels.risk_record import (
    CERTAIN,
    COLUMNS,
    CURVE,
    POINTS,
    RISKS,
    SUBJECT,
    U_RANK,
    UNKNOWN_TIME,
    UNSURE,
    UNSURE_LANE,
    WAIT,
    Risk,
)
from medhavi.planners.kernels.promise_kernels.supply_record import (
    C_TIMED,
    F_SUBJECTS,
    K_TRANSIT,
)
from medhavi.planners.promising.integer_model.flat_supply import Table
from medhavi.planners.promising.ledger.sampled_chain import sobol
from medhavi.planners.promising.supply_search.lead_draws import LEVELS
from medhavi.providers.lead_times.lead_times import STEEP
from medhavi.units import DAY, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.kernels.promise_kernels.supply_record import Line
    from medhavi.planners.promising.integer_model.compact_supply import CompactSource
    from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
    from medhavi.planners.promising.integer_model.lane_rows import LaneRows
    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws, Subject
    from medhavi.providers.lead_times.lead_times import Quantiles

MOST_RANK = 1 << 60
MOST_DIMENSIONS = 64
"""Uncertain times of one way that kernels sample; more are searched otherwise."""


class RiskRows:
    """What kernels know of the uncertain times of a book.

    Parameters
    ----------
    book
        Its times.
    flat, lanes
        Sources and lanes by number; the lanes take the times of the search.
    basis
        Quantile that ways are searched at and that is quoted.

    Attributes
    ----------
    leads
        The times of the search; None: nothing is uncertain.
    """

    def __init__(
        self, book: Book, flat: FlatSupply, lanes: LaneRows, basis: str
    ) -> None:
        self._times = book.times
        self._flat = flat
        self._correlation = book.snapshot.settings.delay_correlation
        self._level = LEVELS[basis]
        self.leads: LeadDraws | None = None
        self._numbers: dict[Subject, int] = {}
        self._order: list[tuple[Subject, int]] = []
        self._named: list[Quantiles] = []
        self._groups: dict[str, int] = {}
        self._alike: dict[tuple[float, ...], int] = {}
        """Curves that were met, each with its number."""
        self._subjects, self._curves = Table(SUBJECT), Table(CURVE, float)
        self._sources = Table(UNSURE)
        self._tables = np.full(MOST_DIMENSIONS, -1, np.int64)
        self._levels = np.zeros((0, POINTS))
        self._lanes = np.zeros((UNSURE_LANE, len(lanes.names)), np.int64)
        self._uncertain(lanes)
        nodes = len(flat.state.nodes)
        self._record = Risk(
            times=self._subjects.cells,
            curves=self._curves.cells,
            sources=self._sources.cells,
            lanes=self._lanes,
            tables=self._tables,
            levels=self._levels,
            bounds=np.zeros((0, 2)),
            keys=np.full(COLUMNS, -1, np.int64),
            columns=np.zeros((COLUMNS, POINTS), np.int64),
            counts=np.zeros(RISKS, np.int64),
            subjects=np.zeros(MOST_DIMENSIONS, np.int64),
            kept=np.zeros(MOST_DIMENSIONS, np.int64),
            waits=np.zeros((nodes, WAIT), np.int64),
            after=np.zeros(nodes, np.int64),
            moving=np.zeros(nodes, np.int64),
            stack=np.zeros(nodes, np.int64),
            ready=np.zeros(POINTS, np.int64),
            leaves=np.zeros(POINTS, np.int64),
            there=np.zeros(POINTS, np.int64),
            comes=np.zeros(POINTS, np.int64),
        )

    def record(self) -> Risk:
        """Times of all that has a number."""
        if self.leads is None:
            return self._record
        known = len(self._sources)
        if known < len(self._flat.sources):
            self._follow(self._flat.sources[known:])
        return self._record

    def draw(self, dimensions: int) -> None:
        """Draw the points that a kernel asked for."""
        correlation = self._correlation if dimensions > 1 else 0.0
        found = sobol(dimensions, correlation)
        self._tables[dimensions] = len(self._levels)
        self._levels = np.concatenate((self._levels, [one.each for one in found]))
        bounds = np.stack((self._levels.min(axis=1), self._levels.max(axis=1)), axis=1)
        self._record = self._record._replace(levels=self._levels, bounds=bounds)

    def of(self, line: Line) -> list[Quantiles]:
        """Uncertain times of what was found, in the order of their names."""
        numbers = line.risk.kept[: line.found[F_SUBJECTS]].tolist()
        return [self._named[number] for number in numbers]

    # --------------------------------------------------------------------- compiling
    def _uncertain(self, lanes: LaneRows) -> None:
        """Look up the times of all lanes, and let them take those of the search."""
        times, rows, timed = self._times, lanes.lanes.lanes, lanes.lanes.timed
        for number, lane in enumerate(lanes.names):
            subject, quantiles = times.lane(lane)
            stated = int(rows[number, K_TRANSIT])
            told = CERTAIN, stated, stated
            if quantiles is not None:
                level, median = times.at(self._level), times.at(0.5)
                told = (
                    self._number(subject, quantiles, 1, 0, number),
                    level.transit(lane) or 0,
                    median.transit(lane) or 0,
                )
            self._lanes[:, number] = told
            timed[number] = told[1]
        if times.anything:
            self.leads = times.at(self._level)
        lanes.lanes.counts[C_TIMED] = times.anything

    def _follow(self, sources: Iterable[CompactSource]) -> None:
        """Look up the times of sources that got a number since."""
        for made in sources:
            self._sources.add(*self._source(made))
        self._record = self._record._replace(
            times=self._subjects.cells,
            curves=self._curves.cells,
            sources=self._sources.cells[: len(self._sources)],
        )

    def _source(self, made: CompactSource) -> tuple[int, int, int]:
        """Compile the time of a source: its subject, and when it is there [s]."""
        if not made.is_buy:
            return CERTAIN, 0, 0
        subject, quantiles, receipt = self._times.bought(made.source)
        if quantiles is None:
            return CERTAIN, 0, 0
        timing = made.purchase(self._flat.stages, max(made.source.min_lot, 1))
        if timing is None or receipt is None:
            return UNKNOWN_TIME, 0, -1
        base, ready = timing.start + receipt, timing.finish
        if base + seconds_up(quantiles.at(self._level), DAY) != ready:
            return UNKNOWN_TIME, 0, -1
        return self._number(subject, quantiles, DAY, 1), base, ready

    def _number(
        self,
        subject: Subject,
        quantiles: Quantiles,
        unit: int,
        up: int,
        lane: int = -1,
    ) -> int:
        """Number of a subject; UNKNOWN_TIME: its curve is none of kernels.

        Parameters
        ----------
        unit
            Of the quantiles [s].
        up
            1: parts of a second count as a whole one.
        lane
            Its number, where the subject is one.
        """
        known = self._numbers.get(subject)
        if known is not None:
            return known
        p50, p80, p95 = quantiles[:3]
        if p50 * STEEP <= p80 or p80 * STEEP <= p95:
            known = self._numbers[subject] = UNKNOWN_TIME
            return known
        whole = [
            seconds_up(quantiles.at(level), unit) if up else int(quantiles.at(level))
            for level in LEVELS.values()
        ]
        group = quantiles.group or "|".join(subject)
        place = self._groups.setdefault(group, len(self._groups))
        curve = self._alike.setdefault((p50, p80, p95, unit, up), len(self._alike))
        known = self._subjects.add(0, place, curve, up, *whole, 0, 0, 0, lane)
        self._curves.add(p50 * unit, p80 * unit, log(p80 / p50), log(p95 / p80))
        self._numbers[subject] = known
        self._named.append(quantiles)
        self._rank(subject, known)
        return known

    def _rank(self, subject: Subject, number: int) -> None:
        """New subject its rank: between those before and behind it."""
        order, cells = self._order, self._subjects.cells
        place = bisect_left(order, (subject, number))
        order.insert(place, (subject, number))
        low = 0 if place == 0 else int(cells[order[place - 1][1], U_RANK])
        last = place + 1 == len(order)
        high = MOST_RANK if last else int(cells[order[place + 1][1], U_RANK])
        cells[number, U_RANK] = (low + high) // 2
        if high - low < 2:
            # There is no rank between them: all get new ones, far from each other.
            apart = MOST_RANK // (len(order) + 1)
            for at, (_, one) in enumerate(order, 1):
                cells[one, U_RANK] = at * apart
