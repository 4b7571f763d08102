"""How instants, spans, quantities and shares read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import datetime as dt


def moment(instant: dt.datetime, zone: str = "UTC", year: int | None = None) -> str:
    """Write an instant in local time with its weekday.

    Parameters
    ----------
    zone
        IANA name of the place's zone.
    year
        The year that goes without saying.

    Examples
    --------
    >>> when = dt.datetime(2026, 12, 4, 13, 30, tzinfo=dt.UTC)
    >>> moment(when, "Europe/Berlin", 2026)
    'Fri 4 Dec, 14:30'
    >>> moment(when)
    'Fri 4 Dec 2026, 13:30'
    """
    local = instant.astimezone(ZoneInfo(zone))
    tail = "" if local.year == year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{tail}, {local:%H:%M}"


def day(instant: dt.datetime, zone: str = "UTC", year: int | None = None) -> str:
    """Write a day in local time with its weekday.

    >>> day(dt.datetime(2026, 12, 4, 13, 30, tzinfo=dt.UTC), year=2026)
    'Fri 4 Dec'
    """
    return moment(instant, zone, year).rpartition(",")[0]


def span(hours: float) -> str:
    """Write a length of time as people say it.

    >>> span(52.2), span(0.5), span(47.99), span(0)
    ('2 d 4 h', '30 min', '2 d', '0 min')
    """
    minutes = round(hours * 60)
    if minutes < 60:
        return f"{minutes} min"
    whole_hours, rest = divmod(minutes, 60)
    if whole_hours < 24:
        return f"{whole_hours} h {rest} min" if rest else f"{whole_hours} h"
    days, left = divmod(round(minutes / 60), 24)
    return f"{days} d {left} h" if left else f"{days} d"


def quantity(value: float, unit: str = "") -> str:
    """Write a quantity with thousands and its unit, without false digits.

    >>> quantity(12000, "kg"), quantity(0.125)
    ('12,000 kg', '0.125')
    """
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {unit}".strip()


def share(value: float | None) -> str:
    """Write a fraction as per cent; decimals only below ten.

    >>> share(0.954), share(0.0583), share(None)
    ('95 %', '5.8 %', 'n.a.')
    """
    if value is None:
        return "n.a."
    percent = value * 100
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"
