"""Dates and times as people write them: ISO 8601 or a stated order of day and month."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

FIRST_DAY: Final = dt.date.min
LAST_DAY: Final = dt.date.max
"""Days that a datetime can tell."""

_TIMED = re.compile(r"(?P<date>.*\S)[T ]+(?P<hour>\d{1,2})(?P<rest>:\d{2}(:\d{2})?)")
_LETTERS = (("YYYY", "%Y"), ("YY", "%y"), ("MM", "%m"), ("DD", "%d"))
_SHORT_LETTERS = (("M", "%m"), ("D", "%d"))


def iso_moment(text: str) -> dt.datetime | None:
    """Datetime of a text; an hour of one digit is read too (2026-11-16 6:00)."""
    hit = _TIMED.fullmatch(text)
    if hit:
        text = f"{hit['date']}T{hit['hour']:0>2}{hit['rest']}"
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def written_day(text: str, date_format: str | None = None) -> dt.date | None:
    """Date that a text without a time writes; None for any other text.

    >>> written_day("20.11.2026", "DD.MM.YYYY"), written_day("20.11.2026")
    (datetime.date(2026, 11, 20), None)
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        if not date_format:
            return None
    try:
        read = dt.datetime.strptime(text, _directives(date_format))  # noqa: DTZ007
    except ValueError:
        return None
    return read.date()


def written_moment(text: str, date_format: str | None = None) -> dt.datetime | None:
    """Datetime that a text writes with a time behind its date; None for any other.

    >>> written_moment("20.11.2026 6:00", "DD.MM.YYYY").isoformat()
    '2026-11-20T06:00:00'
    """
    hit = _TIMED.fullmatch(text)
    if hit and date_format:
        day = written_day(hit["date"], date_format)
        if day is not None:
            text = f"{day.isoformat()}T{hit['hour']:0>2}{hit['rest']}"
    return iso_moment(text)


def _directives(date_format: str) -> str:
    """Format in the letters of strptime: DD.MM.YYYY is %d.%m.%Y."""
    if "%" in date_format:
        return date_format
    told = date_format.upper()
    for letters, directive in _LETTERS:
        told = told.replace(letters, directive)
    for letter, directive in _SHORT_LETTERS:
        # The letters of directives are small but for %Y, which is none of these.
        told = told.replace(letter, directive)
    return told


def is_date_format(date_format: str) -> bool:
    """Whether a format holds a day, a month and a year, so that dates read back.

    >>> is_date_format("DD.MM.YYYY"), is_date_format("DD.MM."), is_date_format("soon")
    (True, False, False)
    """
    day = dt.date(2033, 12, 25)
    try:
        told = day.strftime(_directives(date_format))
        return written_day(told, date_format) == day and told != date_format
    except ValueError:
        return False


def is_day(value: object) -> bool:
    """Whether a value is a date without a time, as text or typed.

    >>> is_day("2026-11-03"), is_day("2026-11-03T06:00:00Z")
    (True, False)
    """
    if isinstance(value, str):
        return written_day(value) is not None
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
