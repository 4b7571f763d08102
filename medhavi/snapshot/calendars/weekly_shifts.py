"""Weekly shifts: their words, which of them overlap, and when they hold.

A line states weekdays with all their hours in local time, as a planner writes them:
`Mon-Fri 06:00-14:00, 14:00-22:00 50%`, `Sat closed`. Hours that do not end after their
begin end on the next day.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.units import ALWAYS, DAY, NEVER, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]

WEEK = 7 * DAY
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NAMES = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
CLOSED = "closed"
"""Hours of a weekday without shifts."""
_DASH = r"\s*(?:-|\u2013|to)\s*"
_DAY = "[a-z]{3,9}"
_LINE = re.compile(
    rf"(?P<days>{_DAY}(?:(?:{_DASH}|\s*,\s*){_DAY})*)\s*:?\s+(?P<hours>\d.*|{CLOSED})"
)
_HOURS = re.compile(
    rf"(\d\d?):(\d\d){_DASH}(\d\d?):(\d\d)(?:\s+\(?(\d+(?:\.\d+)?)\s*%\)?)?"
)


class Hours(NamedTuple):
    """A shift of a day, whichever it is.

    Parameters
    ----------
    start, finish
        Local; not after the start: on the next day.
    capacity
        Share of the units that work.
    """

    start: dt.time
    finish: dt.time
    capacity: float = 1.0

    @property
    def seconds(self) -> int:
        """Length by the clock [s]; 00:00 to 00:00 is a whole day.

        >>> Hours(dt.time(22), dt.time(6)).seconds / 3600
        8.0
        """
        return (_of_day(self.finish) - _of_day(self.start)) % DAY or DAY

    def __str__(self) -> str:
        """Hours as `read_hours` reads them.

        >>> print(Hours(dt.time(22), dt.time(6), 0.5))
        22:00-06:00 50%
        """
        share = "" if self.capacity == 1 else f" {100 * self.capacity:g}%"
        return f"{self.start:%H:%M}-{self.finish:%H:%M}{share}"


class DayShift(NamedTuple):
    """A shift of a weekday and when it holds.

    Parameters
    ----------
    weekday
        1 is Monday.
    since, until
        Half-open [UTC seconds]; `ALWAYS` and `NEVER`: open.
    """

    weekday: int
    hours: Hours
    since: int = ALWAYS
    until: int = NEVER

    @classmethod
    def of(cls, row: Row) -> DayShift:
        """Shift of a row of `shifts`."""
        return cls(
            row["weekday"],
            Hours(row["start"], row["finish"], row["capacity"]),
            ALWAYS if row["valid_from"] is None else to_seconds(row["valid_from"]),
            NEVER if row["valid_to"] is None else to_seconds(row["valid_to"]),
        )

    def row(self, calendar: str) -> dict[str, Any]:
        """Row of `shifts`."""
        return {
            "calendar": calendar,
            "weekday": self.weekday,
            **self.hours._asdict(),
            "valid_from": None if self.since == ALWAYS else from_seconds(self.since),
            "valid_to": None if self.until == NEVER else from_seconds(self.until),
        }

    @property
    def key(self) -> tuple[int, dt.time, int]:
        """What tells it from others of its calendar."""
        return self.weekday, self.hours.start, self.since

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end from Monday 00:00 [s]; the end may lie in the next week."""
        begin = (self.weekday - 1) * DAY + _of_day(self.hours.start)
        return begin, begin + self.hours.seconds


def _of_day(time: dt.time) -> int:
    return time.hour * 3600 + time.minute * 60 + time.second


# ------------------------------------------------------------------------------- words
def read_line(line: str) -> tuple[tuple[int, ...], tuple[Hours, ...]] | None:
    """Weekdays and their hours; None where the line states none.

    >>> days, hours = read_line("Mon-Wed, Sun 06:00 to 14:00, 22:00 to 06:00")
    >>> days, [str(one) for one in hours]
    ((1, 2, 3, 7), ['06:00-14:00', '22:00-06:00'])
    >>> read_line("Sat closed"), read_line("Someday 06:00-14:00")
    (((6,), ()), None)
    """
    stated = _LINE.fullmatch(line.strip().lower())
    if stated is None:
        return None
    days, hours = _read_days(stated["days"]), read_hours(stated["hours"])
    return None if days is None or hours is None else (days, hours)


def _read_days(text: str) -> tuple[int, ...] | None:
    found: dict[int, None] = {}
    for part in re.split(r"\s*,\s*", text):
        ends = [_weekday(word) for word in re.split(_DASH, part)]
        if None in ends or len(ends) > 2:
            return None
        first, last = ends[0] or 0, ends[-1] or 0
        # Saturday to Monday goes over the end of the week.
        days = range(first, last + 1 if first <= last else last + 8)
        found |= dict.fromkeys((day - 1) % 7 + 1 for day in days)
    return tuple(sorted(found))


def _weekday(word: str) -> int | None:
    found = (day for day, name in enumerate(_NAMES, 1) if name.startswith(word))
    return next(found, None)


def read_hours(text: str) -> tuple[Hours, ...] | None:
    """Hours of a day, nothing and `closed`: none; None where the text states no hours.

    >>> read_hours("closed"), read_hours("6 to 2")
    ((), None)
    >>> str(read_hours("22:00-24:00 50%")[0])
    '22:00-00:00 50%'
    """
    if text.strip().lower() in ("", CLOSED):
        return ()
    found = [_read_shift(part) for part in re.split(r"\s*[,;]\s*", text.strip())]
    return None if None in found else tuple(one for one in found if one is not None)


def _read_shift(text: str) -> Hours | None:
    stated = _HOURS.fullmatch(text.lower())
    if stated is None:
        return None
    hour, minute, last_hour, last_minute = map(int, stated.groups()[:4])
    if (last_hour, last_minute) == (24, 0):
        last_hour = 0
    share = float(stated[5] or 100) / 100
    if max(hour, last_hour) > 23 or max(minute, last_minute) > 59 or share <= 0:
        return None
    return Hours(dt.time(hour, minute), dt.time(last_hour, last_minute), share)


def hours_text(hours: Iterable[Hours]) -> str:
    """Hours as `read_hours` reads them, by their begin.

    >>> hours_text([])
    'closed'
    """
    return ", ".join(map(str, sorted(hours))) or CLOSED


def line_texts(week: Mapping[int, Sequence[Hours]]) -> list[str]:
    """Lines of some weekdays; those of the same hours that follow each other are one.

    >>> early = [Hours(dt.time(6), dt.time(14))]
    >>> line_texts({1: early, 2: early, 3: [], 6: []})
    ['Mon-Tue 06:00-14:00', 'Wed closed', 'Sat closed']
    """
    days = [(day, hours_text(hours)) for day, hours in sorted(week.items())]
    # Days that follow each other differ from their place by the same number.
    keyed = [(day - place, hours, day) for place, (day, hours) in enumerate(days)]
    found = []
    for (_, hours), run in itertools.groupby(keyed, key=lambda one: one[:2]):
        first, *others = (WEEKDAYS[day - 1] for *_, day in run)
        found.append(f"{f'{first}-{others[-1]}' if others else first} {hours}")
    return found


# -------------------------------------------------------------------------------- time
def overlapping(shifts: Sequence[DayShift]) -> list[tuple[int, int]]:
    """Places of each two shifts of one calendar that run at the same time.

    Shifts that hold at no common instant do not overlap; Sunday comes before Monday.
    """
    spans = [(*one.span, place) for place, one in enumerate(shifts)]
    # What begins in the next week may meet a shift that reaches into it.
    reach = max((end for _, end, _ in spans), default=0) - WEEK
    spans += [
        (begin + WEEK, end + WEEK, place)
        for begin, end, place in spans
        if begin < reach
    ]
    found: dict[frozenset[int], tuple[int, int]] = {}
    running: list[tuple[int, int]] = []
    for begin, end, place in sorted(spans):
        running = [one for one in running if one[0] > begin]
        for _, other in running:
            one, two = shifts[other], shifts[place]
            if other != place and one.since < two.until and two.since < one.until:
                found.setdefault(frozenset((other, place)), (other, place))
        running.append((end, place))
    return list(found.values())


def holding(shifts: Iterable[DayShift], moment: int) -> dict[int, list[Hours]]:
    """Hours of each weekday, by their begin, as they hold at a moment [UTC seconds]."""
    week: dict[int, list[Hours]] = {day: [] for day in range(1, 8)}
    for one in shifts:
        if one.since <= moment < one.until:
            week[one.weekday].append(one.hours)
    return {day: sorted(hours) for day, hours in week.items()}


def with_week(
    shifts: Iterable[DayShift],
    week: Mapping[int, Iterable[Hours]],
    since: int,
    until: int,
) -> list[DayShift]:
    """Shifts of a calendar of which some weekdays have other hours in a window.

    Parameters
    ----------
    week
        All hours of each weekday that is stated; other days stay as they are.
    since, until
        The window [UTC seconds]; before and after it the shifts are as they were.
    """
    kept: list[DayShift] = []
    held: dict[tuple[int, Hours], list[tuple[int, int]]] = {}
    for one in shifts:
        if one.weekday not in week:
            kept.append(one)
            continue
        pieces = (one.since, min(one.until, since)), (max(one.since, until), one.until)
        held.setdefault((one.weekday, one.hours), []).extend(
            piece for piece in pieces if piece[0] < piece[1]
        )
    for day, hours in week.items():
        for shift in hours:
            held.setdefault((day, shift), []).append((since, until))
    return kept + [
        DayShift(*what, *piece)
        for what, pieces in held.items()
        for piece in _joined(pieces)
    ]


def _joined(pieces: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Windows in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(pieces):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found
