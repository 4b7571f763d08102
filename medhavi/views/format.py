"""Numbers and instants as people say them (docs: words and numbers).

All functions are pure; instants are aware datetimes or UTC seconds, zones IANA names.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from zoneinfo import ZoneInfo

from medhavi.units import from_seconds, to_seconds

_WORD = re.compile(r"[A-Z]+[^A-Z]*")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_SIGNS = {"EUR": "€ ", "USD": "$ ", "GBP": "£ ", "JPY": "¥ ", "CHF": "CHF "}
MINUS = "\N{MINUS SIGN}"
_THOUSAND = 1e3
_FINEST = 12
"""Decimals beyond which a number is noise of binary fractions."""
NOTHING = "\N{EN DASH}"
"""What stands where a value is unknown."""


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


def code_words(code: str) -> str:
    """Code as words.

    >>> code_words("CapacityShortfall")
    'Capacity shortfall'
    """
    first, *rest = _WORD.findall(code)
    return " ".join([first, *(part.lower() for part in rest)])


def duration(hours: float | None) -> str:
    """Length of time [h] in its two largest units.

    >>> duration(52)
    '2 d 4 h'
    >>> duration(0.75), duration(240.2), duration(0)
    ('45 min', '10 d', '0 h')
    """
    if hours is None:
        return NOTHING
    sign, minutes = (MINUS if hours < 0 else ""), round(abs(hours) * 60)
    if minutes >= 10 * 1440:
        return f"{sign}{round(minutes / 1440):,} d"
    if minutes >= 1440:
        days, rest = divmod(round(minutes / 60), 24)
        return f"{sign}{days} d" + (f" {rest} h" if rest else "")
    whole, rest = divmod(minutes, 60)
    if whole and (whole >= 10 or not rest):
        return f"{sign}{round(minutes / 60)} h"
    if whole:
        return f"{sign}{whole} h {rest} min"
    return f"{sign}{rest} min" if rest else "0 h"


def number(value: float | None, digits: int = 3) -> str:
    """Text of a number with thousands separators and without false digits.

    Whole numbers stay whole; others keep so many significant digits, at least to one.
    What rounds to nothing at twelve decimals is 0.

    >>> number(12400), number(0.125), number(1234.56), number(None) == NOTHING
    ('12,400', '0.125', '1,235', True)
    >>> number(729.6), number(7.2961), number(99.96)
    ('730', '7.3', '100')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == round(size) or size >= 10**digits:
        text = f"{size:,.0f}"
    else:
        places = max(digits - 1 - math.floor(math.log10(size)), 0)
        text = _trimmed(f"{size:,.{min(places, _FINEST)}f}")
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def _trimmed(text: str) -> str:
    """Decimal text without zeros at its end; zeros before the point are digits."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float | None, unit: str | None = None) -> str:
    """Quantity with its unit; single pieces need none.

    >>> quantity(2400, "kg"), quantity(12, "each")
    ('2,400 kg', '12')
    """
    text = number(value)
    plain = value is None or unit in (None, "", "each")
    return text if plain else f"{text} {unit}"


def money(value: float | None, currency: str = "EUR") -> str:
    """Amount in three significant digits with its currency.

    >>> money(12400), money(2_350_000, "USD"), money(7.5)
    ('€ 12.4k', '$ 2.35M', '€ 7.50')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    sign = _SIGNS.get(currency, f"{currency} ")
    minus, size = (MINUS if value < 0 else ""), abs(value)
    for unit, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # 999,500 is 1M in three digits, not 1000k; below a thousand cents show.
        if round(size, 2) >= unit * (1 if unit == _THOUSAND else 0.9995):
            return f"{minus}{sign}{_three(size / unit)}{letter}"
    text = f"{size:.0f}" if size == round(size) else f"{size:.2f}"
    return f"{minus if float(text) else ''}{sign}{text}"


def _three(value: float) -> str:
    """Text of a value from 1 on in three significant digits."""
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return _trimmed(f"{value:,.{places}f}")


def percent(fraction: float | None) -> str:
    """Share as percentage; decimals only below ten, 100 only where all is meant.

    >>> percent(0.934), percent(0.0214), percent(0.9999), percent(1.0)
    ('93 %', '2.1 %', '99.9 %', '100 %')
    """
    if fraction is None or not math.isfinite(fraction):
        return NOTHING
    value = fraction * 100
    if 99.5 <= value < 100:
        return f"{min(math.floor(value * 10) / 10, 99.9):.1f} %"
    if 0 < abs(value) < 10:
        text = _trimmed(f"{value:.1f}")
        return f"{text if text not in ('0', '-0') else '< 0.1'} %".replace("-", MINUS)
    return f"{value:.0f} %".replace("-", MINUS)


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
