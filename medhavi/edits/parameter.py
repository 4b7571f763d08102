"""Parameters of changes: their types, ranges and what they refer to."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from medhavi.findings import finding
from medhavi.snapshot.reading.cells import is_day
from medhavi.snapshot.reading.local_days import asked_instant
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot.reading.local_days import Edge

Type = Literal[
    "text",
    "number",
    "instant",
    "row",
    "moment",
    "flag",
    "key",
    "cell",
    "numbers",
    "texts",
    "cells",
    "rows",
]
WANTED: Mapping[Type, str] = MappingProxyType(
    {
        "text": "a text",
        "number": "a number",
        "instant": 'a date or an instant in UTC, such as "2026-11-03"',
        "row": "a table of column = value",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a kind of change.

    Parameters
    ----------
    name, meaning
        As in the study file; the meaning ends up in docs/studies.md and messages.
    type
        "text", "number", "instant" (UTC) or "row" (cells of a table); the others are
        those of edits of plans, which `edit` reads.
    required
        Whether it has to be stated.
    least
        Smallest number; a factor must be above it where `open_end` says so.
    reference
        (table, column) in which the value has to occur in the base; None: free.
    option, columns
        As in `Argument`.
    """

    name: str
    meaning: str
    type: Type = "text"
    required: bool = False
    least: float | None = None
    open_end: bool = False
    reference: tuple[str, str] | None = None
    option: str = ""
    columns: tuple[tuple[str, str, str], ...] = ()

    def read(self, value: object, place: str) -> tuple[object, list[Finding]]:
        """Turn a value of the file into its plain form: text, float or ISO instant."""
        found = self._plain(value)
        if found is None:
            wanted = WANTED[self.type]
            if self.least is not None:
                wanted += (
                    f" {'above' if self.open_end else 'of at least'} {self.least:g}"
                )
            return None, [
                finding(
                    "STU004",
                    column=self.name,
                    value=repr(value),
                    place=place,
                    wanted=wanted,
                )
            ]
        return found, []

    def _plain(self, value: object) -> object | None:
        if self.type == "text":
            return value if isinstance(value, str) and value else None
        if self.type == "row":
            return dict(value) if isinstance(value, Mapping) and value else None
        if self.type == "instant":
            if is_day(value):
                # Which instant of that day is meant depends on the row it meets.
                return str(value)
            moment = instant(value)
            return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._number(value)

    def _number(self, value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        number = float(value)
        least = -math.inf if self.least is None else self.least
        fits = number > least if self.open_end else number >= least
        return number if fits and math.isfinite(number) else None


def instant(
    value: object, edge: Edge = "begin", zone_name: str = "UTC"
) -> dt.datetime | None:
    """Read an instant: a TOML date or datetime, or its ISO text; UTC where unsaid.

    A date without a time is the begin or the end of that day in the zone.

    >>> instant("2026-11-03").isoformat(), instant("2026-11-03", "end").isoformat()
    ('2026-11-03T00:00:00+00:00', '2026-11-04T00:00:00+00:00')
    """
    moment = asked_instant(value, edge, zone_name=zone_name)
    return None if moment is None else moment.replace(microsecond=0)


def instant_or_day(value: object) -> dt.date | None:
    """Read an instant as `instant`; a date without a time stays one.

    >>> instant_or_day("2026-11-03")
    datetime.date(2026, 11, 3)
    """
    if is_day(value):
        return dt.date.fromisoformat(str(value).strip())
    return instant(value)


def unknown_keys(
    given: Mapping[str, object], known: Mapping[str, object], place: str
) -> list[Finding]:
    """Name every key that nobody reads."""
    return [
        finding("STU002", value=key, place=place, nearest=nearest(key, tuple(known)))
        for key in given
        if key not in known
    ]
