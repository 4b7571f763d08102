"""Numbers and instants as people say them (docs: words and numbers).

All functions are pure; instants are aware datetimes or UTC seconds, zones IANA names.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from medhavi.results.amounts import (
    MINUS,
    NOTHING,
    code_words,
    duration,
    full_money,
    is_currency,
    money,
    number,
    percent,
    quantity,
)
from medhavi.units import from_seconds, to_seconds

__all__ = [
    "MINUS",
    "NOTHING",
    "code_words",
    "count",
    "day",
    "duration",
    "full_money",
    "is_currency",
    "local",
    "money",
    "number",
    "percent",
    "quantity",
    "relative",
    "wall_milliseconds",
    "when",
]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def local(moment: dt.datetime, zone: str) -> dt.datetime:
    """Wall clock of a zone at an instant.

    >>> local(dt.datetime(2025, 12, 4, 13, 30, tzinfo=dt.UTC), "Europe/Rome").hour
    14
    """
    return moment.astimezone(ZoneInfo(zone))


def when(moment: dt.datetime | None, zone: str = "UTC", *, year: bool = False) -> str:
    """Local time with its weekday; midnight is a day.

    >>> when(dt.datetime(2025, 12, 4, 13, 30, tzinfo=dt.UTC), "Europe/Rome")
    'Thu 4 Dec, 14:30'
    >>> when(dt.datetime(2025, 12, 4, tzinfo=dt.UTC), year=True)
    'Thu 4 Dec 2025'
    """
    if moment is None:
        return NOTHING
    there = local(moment, zone)
    tail = f" {there.year}" if year else ""
    clock = f", {there:%H:%M}" if (there.hour, there.minute) != (0, 0) else ""
    return day(there) + tail + clock


def day(moment: dt.date) -> str:
    """Day with its weekday.

    >>> day(dt.date(2025, 12, 4))
    'Thu 4 Dec'
    """
    weekday, month = _WEEKDAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{weekday} {moment.day} {month}"


def relative(moment: dt.datetime, now: int | dt.datetime) -> str:
    """Distance from now in the largest unit that says enough.

    >>> now = dt.datetime(2025, 12, 4, tzinfo=dt.UTC)
    >>> relative(now + dt.timedelta(days=3), now)
    'in 3 days'
    >>> relative(now - dt.timedelta(hours=5), now)
    '5 hours ago'
    """
    instant = now if isinstance(now, dt.datetime) else from_seconds(now)
    apart = (moment - instant).total_seconds()
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if abs(apart) >= size:
            count = round(abs(apart) / size)
            words = f"{count:,} {word}{'s' if count > 1 else ''}"
            return f"in {words}" if apart > 0 else f"{words} ago"
    return "now"


def count(amount: int, word: str, plural: str | None = None) -> str:
    """Text of a count with its noun.

    >>> count(1, "demand"), count(1200, "demand"), count(2, "supply", "supplies")
    ('1 demand', '1,200 demands', '2 supplies')
    """
    return f"{amount:,} {word if amount == 1 else plural or word + 's'}"


def wall_milliseconds(moment: dt.datetime, zone: str) -> int:
    """Wall clock of a zone [ms], for charts that know only UTC.

    >>> wall_milliseconds(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "Europe/Rome")
    3600000
    """
    there = local(moment, zone)
    return to_seconds(there.replace(tzinfo=dt.UTC)) * 1000
