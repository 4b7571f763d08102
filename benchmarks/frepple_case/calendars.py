"""Values of a frePPLe calendar as spans, and as weekly working time."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any, NamedTuple

DAY = dt.timedelta(days=1)
SECONDS = 86400
EVERY_DAY = 127
Record = dict[str, Any]


def moment(text: str) -> dt.datetime:
    """Read an instant without zone as UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def instant(text: str | None) -> dt.datetime | None:
    """Read an instant that may be missing."""
    return moment(text) if text else None


class Span(NamedTuple):
    """One value between two instants; None is an open end."""

    start: dt.datetime | None
    finish: dt.datetime | None
    value: float


class Week(NamedTuple):
    """The values of seven days between two instants; None is an open end."""

    start: dt.datetime | None
    finish: dt.datetime | None
    values: tuple[float, ...]


class CaseCalendar:
    """A default value under buckets; of those in force the lowest priority wins.

    Equal priorities: the one that starts later.
    """

    def __init__(self, record: Record) -> None:
        self.default: float = record["default"]
        self._buckets = sorted(
            record.get("buckets", ()), key=lambda bucket: bucket.get("start") or ""
        )
        self._edges = sorted(
            {
                edge
                for bucket in self._buckets
                for edge in (instant(bucket.get("start")), instant(bucket.get("end")))
                if edge is not None
            }
        )

    @property
    def weekly(self) -> bool:
        """Whether a bucket holds on some days or hours only."""
        return any(
            key in bucket
            for bucket in self._buckets
            for key in ("days", "starttime_s", "endtime_s")
        )

    @property
    def hourly(self) -> bool:
        """Whether a bucket holds some hours of a day only."""
        return any(
            key in bucket
            for bucket in self._buckets
            for key in ("starttime_s", "endtime_s")
        )

    def value(self, date: dt.datetime, clock: int, weekday: int) -> float:
        """Value by date, second of the day and ISO weekday."""
        found, rank = self.default, None
        for bucket in self._buckets:
            start, end = instant(bucket.get("start")), instant(bucket.get("end"))
            holds = (
                (start is None or start <= date)
                and (end is None or date < end)
                and bool(bucket.get("days", EVERY_DAY) & 1 << weekday % 7)
                and bucket.get("starttime_s", 0) <= clock
                and clock < bucket.get("endtime_s", SECONDS)
            )
            priority = bucket.get("priority", 0)
            if holds and (rank is None or priority <= rank):
                found, rank = bucket["value"], priority
        return found

    def _windows(self) -> list[tuple[dt.datetime | None, dt.datetime | None]]:
        edges = [None, *self._edges, None]
        return list(pairwise(edges))

    def _inside(
        self, start: dt.datetime | None, finish: dt.datetime | None
    ) -> dt.datetime:
        if start is not None:
            return start
        return (finish or dt.datetime(2020, 1, 6, tzinfo=dt.UTC)) - DAY

    def spans(self) -> list[Span]:
        """List the values by date, for calendars without a weekly pattern."""
        found: list[Span] = []
        for start, finish in self._windows():
            value = self.value(self._inside(start, finish), 0, 1)
            if found and found[-1].value == value:
                found[-1] = found[-1]._replace(finish=finish)
            else:
                found.append(Span(start, finish, value))
        return found

    def weeks(self) -> list[Week]:
        """List the values of the seven days, Monday first, by date."""
        return [
            Week(
                start,
                finish,
                tuple(
                    self.value(self._inside(start, finish), 0, day)
                    for day in range(1, 8)
                ),
            )
            for start, finish in self._windows()
        ]

    def shifts(self) -> list[Record]:
        """List the times with a value above zero as rows of `shifts`."""
        clocks = sorted(
            {0, SECONDS}
            | {
                bucket[key]
                for bucket in self._buckets
                for key in ("starttime_s", "endtime_s")
                if key in bucket
            }
        )
        rows: list[Record] = []
        patterns: list[tuple[Any, Any, list[tuple[int, int, int]]]] = []
        for start, finish in self._windows():
            week = self._week(self._inside(start, finish), clocks)
            if patterns and patterns[-1][2] == week:
                patterns[-1] = (patterns[-1][0], finish, week)
            else:
                patterns.append((start, finish, week))
        for start, finish, week in patterns:
            rows += [
                {
                    "weekday": weekday,
                    "start": _clock(begin),
                    "finish": _clock(end),
                    "valid_from": start,
                    "valid_to": finish,
                }
                for weekday, begin, end in week
            ]
        return rows

    def _week(self, date: dt.datetime, clocks: list[int]) -> list[tuple[int, int, int]]:
        week: list[tuple[int, int, int]] = []
        for weekday in range(1, 8):
            for begin, end in pairwise(clocks):
                if self.value(date, begin, weekday) <= 0:
                    continue
                if week and week[-1][::2] == (weekday, begin):
                    week[-1] = (weekday, week[-1][1], end)
                else:
                    week.append((weekday, begin, end))
        return week


def _clock(seconds: int) -> dt.time:
    minute, second = divmod(seconds % SECONDS, 60)
    return dt.time(minute // 60, minute % 60, second)
