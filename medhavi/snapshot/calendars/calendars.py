"""Calendars of a snapshot as working time: shifts, exceptions, shares, local zones.

Shifts are local wall time in the zone of the calendar and belong to the weekday on
which they start; their validity cuts them by the instant. Overlapping shifts have the
larger share. Exceptions win over shifts: the higher priority, then the lower share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from medhavi.snapshot.calendars.intervals import (
    CachedIntervals,
    combine,
    larger,
    override,
    union,
)
from medhavi.snapshot.calendars.working_time import (
    ALWAYS_OPEN,
    EARLIEST,
    LATEST,
    WorkingTime,
    around_the_clock,
)
from medhavi.snapshot.calendars.zones import zone
from medhavi.units import ALWAYS, DAY, NEVER, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    import polars as pl

    from medhavi.snapshot.calendars.intervals import Interval
    from medhavi.snapshot.calendars.zones import Zone

    class Tables(Protocol):
        """Frames by the name of the table, as a `Snapshot` is."""

        def __getitem__(self, name: str, /) -> pl.DataFrame:
            """Frame of a table."""
            ...


__all__ = ["ALWAYS_OPEN", "EARLIEST", "LATEST", "Calendars", "WorkingTime"]


class Calendars:
    """Working time by calendar id.

    Parameters
    ----------
    tables
        A snapshot, or any mapping with frames `calendars`, `shifts` and
        `calendar_exceptions`.

    Raises
    ------
    KeyError
        From every method: there is no calendar of that id.
    """

    def __init__(self, tables: Tables) -> None:
        self._zones: dict[str, str] = {
            row["calendar"]: row.get("timezone") or "UTC"
            for row in tables["calendars"].iter_rows(named=True)
        }
        self._shifts = _by_calendar(tables["shifts"])
        self._exceptions = _by_calendar(tables["calendar_exceptions"])
        self._known: dict[tuple[str, ...], WorkingTime] = {(): ALWAYS_OPEN}
        self._weeks: dict[tuple[object, ...], CachedIntervals] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of all calendars, sorted."""
        return tuple(sorted(self._zones))

    def zone(self, calendar: str | None) -> Zone:
        """Zone of a calendar; without one UTC."""
        return zone("UTC" if calendar is None else self._zones[calendar])

    def working_time(self, *calendars: str | None) -> WorkingTime:
        """Time at which all the calendars are open; `None` is always open.

        Open days are those of the first calendar that is not `None`.
        """
        named = tuple(dict.fromkeys(name for name in calendars if name is not None))
        found = self._known.get(named)
        if found is None:
            if len(named) == 1:
                found = self._compile(named[0])
            else:
                found = self.working_time(*named[:-1])
                found = found.intersect(self.working_time(named[-1]))
            self._known[named] = found
        return found

    def whole(self, *calendars: str | None) -> bool:
        """Whether no shift and no exception works a share of the units."""
        return not any(
            (row.get("capacity") if row.get("capacity") is not None else 1.0) != 1.0
            for name in calendars
            if name is not None
            for row in self._shifts.get(name, ())
        ) and not any(
            (row.get("capacity") or 0.0) not in (0.0, 1.0)
            for name in calendars
            if name is not None
            for row in self._exceptions.get(name, ())
        )

    def _compile(self, name: str) -> WorkingTime:
        wall = zone(self._zones[name])
        shifts = [_ShiftRow(row) for row in self._shifts.get(name, ())]
        exceptions = _resolved(self._exceptions.get(name, ()))
        if not exceptions and _covers_the_week(shifts):
            return around_the_clock(wall)
        # Many calendars differ in their exceptions alone.
        key = wall.name, *(shift.key for shift in shifts)
        weeks = self._weeks.setdefault(
            key, CachedIntervals(_Weeks(wall, shifts).stretches)
        )
        pattern = _Pattern(weeks, shifts, exceptions)
        return WorkingTime(CachedIntervals(pattern.stretches), wall, pattern.changes)


class _ShiftRow:
    """One row of `shifts`: wall-clock seconds from midnight of its weekday."""

    __slots__ = ("finish", "share", "start", "valid_from", "valid_to", "weekday")

    @property
    def key(self) -> tuple[object, ...]:
        """All that it says."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.weekday: int = row["weekday"] - 1
        self.start = _time_of_day(row["start"])
        self.finish = _time_of_day(row["finish"])
        if self.finish <= self.start:
            self.finish += DAY
        share = row.get("capacity")
        self.share = 1.0 if share is None else float(share)
        self.valid_from = _seconds(row.get("valid_from"), ALWAYS)
        self.valid_to = _seconds(row.get("valid_to"), NEVER)


class _Pattern:
    """Weekly shifts of one calendar under its exceptions."""

    def __init__(
        self,
        weeks: CachedIntervals,
        shifts: list[_ShiftRow],
        exceptions: list[Interval],
    ) -> None:
        self._weeks = weeks
        self._exceptions = exceptions
        edges = [e for shift in shifts for e in (shift.valid_from, shift.valid_to)]
        edges += [edge for piece in exceptions for edge in piece[:2]]
        dated = [edge for edge in edges if ALWAYS < edge < NEVER]
        self.changes = min(dated, default=NEVER), max(dated, default=ALWAYS)

    def stretches(self, start: int, finish: int) -> list[Interval]:
        """Open stretches inside a window, sorted and disjoint."""
        result = self._weeks(start, finish)
        over = [
            (max(piece[0], start), min(piece[1], finish), piece[2])
            for piece in self._exceptions
            if piece[0] < finish and piece[1] > start
        ]
        if over:
            result = combine(result, over, override)
        return [piece for piece in result if piece[2] > 0]


class _Weeks:
    """Weekly shifts of one zone."""

    def __init__(self, wall: Zone, shifts: list[_ShiftRow]) -> None:
        self._wall = wall
        self._shifts = shifts

    def stretches(self, start: int, finish: int) -> list[Interval]:
        """Stretches of shifts inside a window, sorted and disjoint."""
        result: list[Interval] = []
        for share, pieces in self._pieces(start, finish).items():
            result = combine(result, union(pieces, share), larger)
        return result

    def _pieces(self, start: int, finish: int) -> dict[float, list[tuple[int, int]]]:
        """Collect the shifts of each share that reach into a window."""
        found: dict[float, list[tuple[int, int]]] = {}
        week: list[list[_ShiftRow]] = [[] for _ in range(7)]
        for shift in self._shifts:
            if shift.valid_from < finish and shift.valid_to > start:
                week[shift.weekday].append(shift)
        if not any(week):
            return found
        instant, steady = self._wall.instant, self._wall.steady
        # A shift of the day before may reach over midnight.
        first = self._wall.local(start) // DAY - 1
        last = self._wall.local(finish) // DAY
        for date in range(first, last + 1):
            today = week[(date + 3) % 7]  # 1970-01-01 was a Thursday
            offset = steady(date) if today else None
            for shift in today:
                begin, end = date * DAY + shift.start, date * DAY + shift.finish
                if offset is None:
                    begin, end = instant(begin), instant(end)
                else:
                    begin, end = begin - offset, end - offset
                begin = max(begin, shift.valid_from, start)
                end = min(end, shift.valid_to, finish)
                if begin < end:
                    found.setdefault(shift.share, []).append((begin, end))
        return found


def _resolved(rows: Iterable[Mapping[str, Any]]) -> list[Interval]:
    """Overlay exceptions: those of higher priority, then lower share, come last."""
    classes: dict[tuple[int, float], list[tuple[int, int]]] = {}
    for row in rows:
        rank = (row.get("priority") or 0, -(row.get("capacity") or 0.0))
        window = (_seconds(row["start"], ALWAYS), _seconds(row["finish"], NEVER))
        classes.setdefault(rank, []).append(window)
    result: list[Interval] = []
    for (_, negative), pieces in sorted(classes.items()):
        result = combine(result, union(pieces, -negative), override)
    return result


def _covers_the_week(shifts: list[_ShiftRow]) -> bool:
    whole = {
        shift.weekday
        for shift in shifts
        if (shift.start, shift.finish, shift.share) == (0, DAY, 1)
        and (shift.valid_from, shift.valid_to) == (ALWAYS, NEVER)
    }
    # Another share beside it would be larger or smaller for a part of the time.
    return len(whole) == 7 and all(shift.share == 1 for shift in shifts)


def _by_calendar(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row["calendar"], []).append(row)
    return found


def _time_of_day(value: dt.time) -> int:
    return value.hour * 3600 + value.minute * 60 + value.second


def _seconds(value: dt.datetime | None, missing: int) -> int:
    return missing if value is None else to_seconds(value)
