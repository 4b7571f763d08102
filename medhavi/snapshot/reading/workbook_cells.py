"""Cells of a workbook as the text that a CSV file would hold.

Excel knows no date and no time of day, only days since 1899-12-30 with a format. Which
of them a cell means is said by the column of the schema.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.schema import Column

_EPOCH: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock of Excel
_LAST_SERIAL: Final = 110_000
"""Day number of the year 2201; a larger number is no date."""
_FIRST_SERIAL: Final = 10_000
"""Day number of the year 1927; a smaller one is rather a count of something."""
_SECONDS: Final = 86_400
_CLOCK: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def as_csv(frame: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Sheet whose dates and times are written as a CSV file writes them.

    Parameters
    ----------
    frame
        Cells as text, as the reader of the workbook gives them.
    columns
        Columns of the table; other columns stay as they are.
    """
    readers = {"timestamp": _instant, "date": _instant, "time": _time}
    return frame.with_columns(
        pl.Series(
            name,
            [None if cell is None else readers[kind](cell) for cell in frame[name]],
            pl.String,
        )
        for name in frame.columns
        if name in columns
        and (kind := columns[name].type) in readers
        and frame.schema[name] == pl.String
    )


def _moment(text: str) -> dt.datetime | None:
    """Wall clock of a cell that Excel keeps as a date, to the nearest second."""
    if not _CLOCK.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    # A time is a fraction of a day, so 06:00 may read 05:59:59.999.
    return (moment + dt.timedelta(microseconds=500_000)).replace(microsecond=0)


def _serial(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _instant(text: str) -> str:
    """Date or instant of a cell; a whole day is a date without a time.

    >>> _instant("2026-11-16 00:00:00"), _instant("2026-11-16 14:30:00")
    ('2026-11-16', '2026-11-16T14:30:00')
    >>> _instant("46342"), _instant("46342.25"), _instant("20.11.2026")
    ('2026-11-16', '2026-11-16T06:00:00', '20.11.2026')
    """
    cell = text.strip()
    moment, serial = _moment(cell), _serial(cell)
    if moment is None and serial is not None:
        if not _FIRST_SERIAL <= serial < _LAST_SERIAL:
            return text
        moment = _EPOCH + dt.timedelta(seconds=round(serial * _SECONDS))
    if moment is None:
        return text
    whole = moment.time() == dt.time()
    return moment.date().isoformat() if whole else moment.isoformat()


def _time(text: str) -> str:
    """Time of day of a cell; the day that Excel puts before it says nothing.

    >>> _time("1899-12-31 06:00:00"), _time("0.25"), _time("6:00")
    ('06:00:00', '06:00:00', '6:00')
    """
    cell = text.strip()
    moment, serial = _moment(cell), _serial(cell)
    if moment is None and serial is not None and 0 <= serial <= 1:
        moment = _EPOCH + dt.timedelta(seconds=round(serial * _SECONDS))
    return text if moment is None else moment.time().isoformat()
