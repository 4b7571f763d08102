"""Calendars once more, for checking only: step through local dates, list open time.

The planners' calendars jump through compiled weeks; this reading walks from date to
date by `zoneinfo` and knows only the window of the plan.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from medhavi.snapshot import Snapshot
from medhavi.units import ALWAYS, DAY, NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

Instants = NDArray[np.int64]

_MARGIN = 40 * DAY
_CENTURY = 36_525 * DAY
_BESIDE = 1_000 * DAY
_EPOCH = dt.date(1970, 1, 1).toordinal()
_FIRST = int(dt.datetime(1, 1, 5, tzinfo=dt.UTC).timestamp())
_LAST = int(dt.datetime(9999, 12, 29, tzinfo=dt.UTC).timestamp())
"""What datetime can tell of any zone, with a few days to spare."""
_INSTANTS = 2**16
"""Local times that are kept as instants, at most: plans are measured one after the
other on the same calendars."""
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntervals:
    """Open stretches inside a window, sorted and disjoint.

    `shares` holds the share of the units that work in each stretch.
    """

    starts: Instants
    finishes: Instants
    shares: NDArray[np.float64]

    def before(self, instants: Instants) -> Instants:
        """Count the open seconds from the begin of the window to each instant."""
        if not len(self.starts):
            return np.zeros(len(instants), dtype=np.int64)
        lengths = np.concatenate([[0], np.cumsum(self.finishes - self.starts)])
        index = np.searchsorted(self.starts, instants, side="right")
        last = np.maximum(index - 1, 0)
        inside = np.minimum(instants, self.finishes[last]) - self.starts[last]
        return np.where(index > 0, lengths[last] + np.maximum(inside, 0), 0)

    def between(self, starts: Instants, finishes: Instants) -> Instants:
        """Count the open seconds in each `[start, finish)`."""
        return self.before(finishes) - self.before(starts)

    def share(self, instants: Instants) -> NDArray[np.float64]:
        """Share of the units at work at each instant; 0 where closed."""
        if not len(self.starts):
            return np.zeros(len(instants))
        index = np.searchsorted(self.starts, instants, side="right") - 1
        last = np.maximum(index, 0)
        is_open = (index >= 0) & (instants < self.finishes[last])
        return np.where(is_open, self.shares[last], 0.0)


def moved(open_time: OpenIntervals, instant: int, seconds: int) -> int:
    """Go so many open seconds forward, or backward where negative."""
    place = int(open_time.before(np.array([instant]))[0]) + seconds
    lengths = np.cumsum(open_time.finishes - open_time.starts)
    # Forward ends with the stretch, backward begins with the next one.
    wanted = place if seconds > 0 else place + 1
    index = int(np.searchsorted(lengths, wanted, side="left"))
    if place < 0 or index >= len(lengths):
        return instant + seconds
    return int(open_time.finishes[index] - (lengths[index] - place))


def touched_time(moments: Sequence[int] | Instants) -> Spans:
    """Time around instants, without what is far from all of them.

    An order of 9999-12-31 is one that nobody dated: the eight thousand years before it
    are not listed day by day. Between two instants at most a century apart all is
    listed, and some years around each in any case.

    >>> century = 36_525 * DAY
    >>> touched_time([0, century, 5 * century]) == (
    ...     (0, century + 1_000 * DAY),
    ...     (5 * century - 1_000 * DAY, 5 * century),
    ... )
    True
    """
    rising = np.unique(np.asarray(moments, dtype=np.int64))
    ends = np.flatnonzero(np.diff(rising) > _CENTURY)
    starts = [int(rising[0]), *(int(rising[end + 1]) - _BESIDE for end in ends)]
    finishes = [*(int(rising[end]) + _BESIDE for end in ends), int(rising[-1])]
    return tuple(zip(starts, finishes, strict=True))


@dataclass
class WallClock:
    """Open time of calendars around the instants of a plan.

    `spans` is the time that is known, sorted and disjoint; outside it all is closed.
    """

    snapshot: Snapshot
    spans: Spans
    _known: dict[str, OpenIntervals] = field(default_factory=dict)
    _dates: dict[str, Instants] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known_time = [
            (
                min(max(low - _MARGIN, _FIRST), _LAST),
                max(min(high + _MARGIN, _LAST), _FIRST),
            )
            for low, high in self.spans
        ]
        self._zones = {
            row["calendar"]: ZoneInfo(row["timezone"] or "UTC")
            for row in self.snapshot["calendars"].iter_rows(named=True)
        }
        self._shifts = _grouped(self.snapshot, "shifts")
        self._exceptions = _grouped(self.snapshot, "calendar_exceptions")

    def open_time(self, calendar: str) -> OpenIntervals:
        """Open stretches of one calendar."""
        if calendar not in self._known:
            self._known[calendar] = self._listed(calendar)
        return self._known[calendar]

    def common(
        self,
        calendars: Sequence[str | None],
        overtime: tuple[str | None, int] = ("", 0),
    ) -> OpenIntervals | None:
        """Time at which all are open; None when nothing closes.

        `overtime` is one of them after whose days of work somebody works on, and for
        how long at most [s].
        """
        found: OpenIntervals | None = None
        name, seconds = overtime
        if name is not None and seconds:
            found = self._prolonged(name, seconds)
            calendars = list(calendars)
            calendars.remove(name)
        for name in dict.fromkeys(c for c in calendars if c is not None):
            own = self.open_time(name)
            found = own if found is None else _both(found, own)
        return found

    def _prolonged(self, calendar: str, seconds: int) -> OpenIntervals:
        """Open time of a calendar, and some time after each of its local days."""
        own, zone = self.open_time(calendar), self._zones[calendar]
        pieces = list(
            zip(
                own.starts.tolist(),
                own.finishes.tolist(),
                own.share(own.starts).tolist(),
                strict=True,
            )
        )
        last = {_local(piece[1] - 1, zone) // DAY: piece[1] for piece in pieces}
        opens = sorted({piece[0] for piece in pieces})
        more = []
        for finish in last.values():
            after = bisect_left(opens, finish)
            until = opens[after] if after < len(opens) else NEVER
            if until > finish:
                more.append((finish, min(finish + seconds, until), 1.0))
        return _stretches(sorted([*pieces, *more]))

    def day_axis(self, calendar: str | None, instants: Instants) -> Instants:
        """Place instants on the axis of open local dates, 24 h each [seconds].

        Without a calendar the axis is elapsed time. Two instants on both sides of
        closed dates have one place.
        """
        if calendar is None:
            return instants
        if calendar not in self._dates:
            self._dates[calendar] = self._open_dates(calendar)
        dates = self._dates[calendar]
        zone = self._zones[calendar]
        # Orders begin and end at few instants; each is told in local time once.
        told, which = np.unique(instants, return_inverse=True)
        local = np.fromiter((_local(one, zone) for one in told.tolist()), "i8")[which]
        date, time = local // DAY, local % DAY
        index = np.searchsorted(dates, date)
        safe = np.minimum(index, max(len(dates) - 1, 0))
        is_open = (index < len(dates)) & (dates[safe] == date) if len(dates) else False
        return index * DAY + np.where(is_open, time, 0)

    def _open_dates(self, calendar: str) -> Instants:
        zone = self._zones[calendar]
        found: set[int] = set()
        own = self.open_time(calendar)
        for start, finish in zip(
            own.starts.tolist(), own.finishes.tolist(), strict=True
        ):
            first, last = _local(start, zone), _local(finish - 1, zone)
            found.update(range(first // DAY, last // DAY + 1))
        return np.array(sorted(found), dtype=np.int64)

    def _listed(self, calendar: str) -> OpenIntervals:
        zone = self._zones[calendar]
        marks: list[tuple[int, int, float]] = []
        rows = self._shifts.get(calendar, [])
        for low, high in self._known_time:
            first = dt.datetime.fromtimestamp(low, zone).toordinal() - 2
            last = dt.datetime.fromtimestamp(high, zone).toordinal()
            for date in map(dt.date.fromordinal, range(first, last + 1)):
                for row in rows:
                    if row["weekday"] == date.isoweekday():
                        window = _shift_window(row, date, zone)
                        if window[0] < window[1]:
                            marks.append((*window, row["capacity"]))
        return _resolved(marks, self._exceptions.get(calendar, []))


def _shift_window(
    row: dict[str, Any], date: dt.date, zone: ZoneInfo
) -> tuple[int, int]:
    """Shift of one date in UTC, cut by its validity."""
    next_day = row["finish"] <= row["start"]
    start = _instant(date, row["start"], zone)
    finish = _instant(date + dt.timedelta(days=next_day), row["finish"], zone)
    valid_from, valid_to = row["valid_from"], row["valid_to"]
    low = ALWAYS if valid_from is None else int(valid_from.timestamp())
    high = NEVER if valid_to is None else int(valid_to.timestamp())
    return max(start, low), min(finish, high)


def _resolved(
    shifts: list[tuple[int, int, float]], exceptions: list[dict[str, Any]]
) -> OpenIntervals:
    """Cut time at every edge and decide each piece: exceptions win, then the larger."""
    special = [
        (
            int(row["start"].timestamp()),
            int(row["finish"].timestamp()),
            (row["priority"], -row["capacity"]),
        )
        for row in exceptions
    ]
    edges = sorted(
        {edge for start, finish, _ in shifts for edge in (start, finish)}
        | {edge for start, finish, _ in special for edge in (start, finish)}
    )
    if not edges:
        return _stretches([])
    count = len(edges)
    place = {edge: index for index, edge in enumerate(edges)}
    shares = np.zeros(count)
    for start, finish, share in shifts:
        part = slice(place[start], place[finish])
        shares[part] = np.maximum(shares[part], share)
    for start, finish, rank in sorted(special, key=lambda item: item[2]):
        shares[place[start] : place[finish]] = -rank[1]
    return _stretches(
        [
            (edges[index], edges[index + 1], float(shares[index]))
            for index in range(count - 1)
            if shares[index] > 0
        ]
    )


def _both(first: OpenIntervals, second: OpenIntervals) -> OpenIntervals:
    edges = np.unique(
        np.concatenate([first.starts, first.finishes, second.starts, second.finishes])
    )
    shares = np.minimum(first.share(edges), second.share(edges))
    return _stretches(
        [
            (int(start), int(finish), float(share))
            for start, finish, share in zip(
                edges[:-1], edges[1:], shares[:-1], strict=True
            )
            if share > 0
        ]
    )


def _stretches(pieces: list[tuple[int, int, float]]) -> OpenIntervals:
    joined: list[tuple[int, int, float]] = []
    for start, finish, share in pieces:
        if joined and joined[-1][1] == start and joined[-1][2] == share:
            joined[-1] = (joined[-1][0], finish, share)
        else:
            joined.append((start, finish, share))
    return OpenIntervals(
        starts=np.array([piece[0] for piece in joined], dtype=np.int64),
        finishes=np.array([piece[1] for piece in joined], dtype=np.int64),
        shares=np.array([piece[2] for piece in joined], dtype=np.float64),
    )


@lru_cache(maxsize=_INSTANTS)
def _instant(date: dt.date, time: dt.time, zone: ZoneInfo) -> int:
    """UTC seconds of a local time; the end of a gap where it does not exist."""
    local = dt.datetime.combine(date, time, zone)
    seconds = int(local.timestamp())
    back = dt.datetime.fromtimestamp(seconds, zone)
    if back.replace(tzinfo=None) == local.replace(tzinfo=None):
        return seconds
    # In a gap the two folds name the offsets before and after it; the gap ends where
    # the clock of the offset before it reads the local time less the jump.
    before = local.utcoffset()
    after = local.replace(fold=1).utcoffset()
    if before is None or after is None:
        return seconds
    jump = abs(int((after - before).total_seconds()))
    low, high = seconds - jump, seconds + jump
    offset = dt.datetime.fromtimestamp(low, zone).utcoffset()
    while low < high:
        middle = (low + high) // 2
        if dt.datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle + 1
        else:
            high = middle
    return low


def _local(instant: int, zone: ZoneInfo) -> int:
    """Local wall time as seconds since 1970-01-01 00:00 local."""
    told = min(max(instant, _FIRST), _LAST)
    moment = dt.datetime.fromtimestamp(told, zone)
    days = moment.toordinal() - _EPOCH
    time = moment.hour * 3600 + moment.minute * 60 + moment.second
    return days * DAY + time + instant - told


def _grouped(snapshot: Snapshot, table: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in snapshot[table].iter_rows(named=True):
        found.setdefault(row["calendar"], []).append(row)
    return found
