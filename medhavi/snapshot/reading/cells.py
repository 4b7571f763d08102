"""Turn the cells of one column into its type; what cannot be turned is named.

The schema decides, nothing is inferred: an id stays text whatever it looks like. Text
comes from CSV files and sheets, other types from Parquet files and frames.

Excel knows no date and no time of day, only days since 1899-12-30 with a format. Which
of them a cell means is said by the column of the schema.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from medhavi.snapshot.tables import BY_TYPE, INSTANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.schema import Column


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


KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "truth value",
}
_ORDER = (
    "; state another order of day, month and year in settings.date_format, "
    "such as DD.MM.YYYY, or by --date-format DD.MM.YYYY"
)
EXPECTED = {
    "str": "text",
    "int": "a whole number such as 12",
    "float": "a number with a decimal point such as 12.5, without separators",
    "bool": "true or false",
    "timestamp": (
        "an instant such as 2026-01-05T06:00:00Z (without an offset: UTC) or a date "
        f"such as 2026-01-05{_ORDER}"
    ),
    "date": (f"a date such as 2026-01-05{_ORDER}"),
    "time": "a time such as 06:30",
    "list": "entries separated by a semicolon",
}

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_INTEGERS_IN_FLOAT = 2**53
_CANONICAL = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCells:
    """Cells of a column in its type.

    `wrong` marks those that had a value but no sense; None: there is none.
    """

    values: pl.Series
    wrong: pl.Series | None = None
    cut: int = 0
    """Instants that lost a fraction of a second."""
    days: pl.Series | None = None
    """Dates without a time of a timestamp column, where `values` are empty."""


def typed(
    cells: pl.Series, column: Column, date_format: str | None = None
) -> TypedCells:
    """Cells of a column in the type that the schema states.

    Empty text, empty lists and nulls are empty cells; the default is not filled here.
    Dates without a time in a timestamp column come apart, as `days`: which instant they
    mean depends on their row. `date_format` is read beside ISO 8601.
    """
    if cells.null_count() == len(cells):
        return _whole(pl.Series(cells.name, [None] * len(cells), BY_TYPE[column.type]))
    if column.type == "list":
        return _lists(cells)
    if column.type in {"timestamp", "date"} and cells.dtype.is_temporal():
        return _moments(cells, column)
    if cells.dtype == BY_TYPE[column.type] and column.type not in {"str", "float"}:
        return _whole(cells)
    if cells.dtype.is_float() and column.type == "float":
        return _numbers(cells)
    return _from_text(as_text(cells), column, date_format)


def _whole(values: pl.Series) -> TypedCells:
    return TypedCells(values=values)


def _blank(values: pl.Series, where: pl.Series) -> pl.Series:
    """Empty the cells that a mask names."""
    return pl.select(
        pl.when(where).then(None).otherwise(values).alias(values.name)
    ).to_series()


def as_text(cells: pl.Series) -> pl.Series:
    """Text of cells as a CSV file would hold it."""
    if cells.dtype == pl.String:
        return cells
    if cells.dtype.is_float():
        whole = (
            cells.is_finite()
            & (cells == cells.round())
            & (cells.abs() < _INTEGERS_IN_FLOAT)
        )
        integers = cells.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.select(
            pl.when(whole).then(integers).otherwise(cells.cast(pl.String))
        ).to_series()
    if cells.dtype.is_nested() or cells.dtype in {pl.Object, pl.Binary, pl.Duration}:
        texts = [None if value is None else str(value) for value in cells.to_list()]
        return pl.Series(cells.name, texts, pl.String)
    return cells.cast(pl.String)


def _from_text(text: pl.Series, column: Column, date_format: str | None) -> TypedCells:
    if column.type == "str":
        empty = text == ""
        return _whole(_blank(text, empty) if empty.any() else text)
    written = _as_written(text, column)
    if written is not None and written.null_count() == text.null_count():
        # Every cell has sense as it stands, as in files that a program wrote.
        return _whole(written)
    trimmed = text.str.strip_chars()
    filled = trimmed.is_not_null() & (trimmed != "")
    if column.type == "timestamp":
        return _instants(trimmed, filled, column, date_format)
    values = _as_written(trimmed, column)
    if values is None and column.type == "date":
        values = _each(trimmed, partial(_date, date_format), pl.Date())
    elif values is None:
        values = _each(trimmed, _time, pl.Time())
    return TypedCells(
        values=values, wrong=(filled & values.is_null()).fill_null(value=False)
    )


def _as_written(text: pl.Series, column: Column) -> pl.Series | None:
    """Read numbers, truth and canonical instants; None: dates and times."""
    match column.type:
        case "int":
            return _integers(text)
        case "float":
            return text.cast(pl.Float64, strict=False)
        case "bool":
            return text.str.to_lowercase().replace_strict(
                _TRUTH, default=None, return_dtype=pl.Boolean
            )
        case "timestamp":
            return _canonical(text)
        case _:
            return None


def _canonical(text: pl.Series) -> pl.Series:
    """Read instants in the form in which Medhavi writes them."""
    moments = text.str.to_datetime(_CANONICAL, time_unit="us", strict=False)
    return moments.dt.replace_time_zone("UTC")


def _integers(text: pl.Series) -> pl.Series:
    """Read whole numbers, also where a tool wrote 5.0."""
    values = text.cast(pl.Int64, strict=False)
    if values.null_count() == text.null_count():
        return values
    floats = text.cast(pl.Float64, strict=False)
    whole = (floats == floats.round()) & (floats.abs() < _INTEGERS_IN_FLOAT)
    return pl.select(
        pl.when(values.is_null() & whole)
        .then(floats.cast(pl.Int64, strict=False))
        .otherwise(values)
    ).to_series()


def _numbers(cells: pl.Series) -> TypedCells:
    """Widen by the shortest decimal text, so that a 32-bit 0.1 stays one tenth."""
    if cells.dtype == pl.Float64:
        return _whole(cells)
    return _whole(cells.cast(pl.String).cast(pl.Float64, strict=False))


def _lists(cells: pl.Series) -> TypedCells:
    """Split entries at semicolons, trim them, drop empty ones; none left is empty."""
    if isinstance(cells.dtype, (pl.List, pl.Array)):
        if isinstance(cells.dtype.inner, (pl.List, pl.Array, pl.Struct)):
            texts = [
                None if row is None else [str(entry) for entry in row]
                for row in cells.to_list()
            ]
            cells = pl.Series(cells.name, texts, pl.List(pl.String))
        inner = cells.cast(pl.List(pl.String), strict=False)
        text = inner.list.join(";", ignore_nulls=True)
    else:
        text = as_text(cells)
    entries = (
        text.str.split(";")
        .list.eval(pl.element().str.strip_chars())
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    return _whole(_blank(entries, entries.list.len() == 0))


def _moments(cells: pl.Series, column: Column) -> TypedCells:
    """Read instants and dates that came typed; naive instants are UTC."""
    if cells.dtype == pl.Date:
        if column.type == "date":
            return _whole(cells)
        inside = cells.is_between(FIRST_DAY, LAST_DAY)
        return TypedCells(
            values=pl.Series(cells.name, [None] * len(cells), INSTANT),
            wrong=(~inside).fill_null(value=False),
            days=_blank(cells, ~inside),
        )
    if not isinstance(cells.dtype, pl.Datetime):
        return TypedCells(
            values=pl.Series([None] * len(cells), dtype=BY_TYPE[column.type]),
            wrong=cells.is_not_null(),
        )
    moments = cells.cast(pl.Datetime("us", cells.dtype.time_zone))
    if cells.dtype.time_zone is None:
        moments = moments.dt.replace_time_zone("UTC")
    else:
        moments = moments.dt.convert_time_zone("UTC")
    if column.type == "date":
        return _whole(moments.dt.date())
    return _cut(moments, None)


def _instants(
    text: pl.Series, filled: pl.Series, column: Column, date_format: str | None
) -> TypedCells:
    """Read instants, and dates without a time apart from them."""
    values = _canonical(text)
    open_begin = text.str.to_lowercase() == str(column.default or "")
    rest = filled & values.is_null() & ~open_begin.fill_null(value=False)
    if not rest.any():
        return _cut(values, rest.fill_null(value=False))
    others = _blank(text, ~rest)
    days = _each(others, partial(_day, date_format), pl.Date())
    rest &= days.is_null()
    if rest.any():
        read = partial(_instant, date_format=date_format)
        slow = _each(_blank(text, ~rest), read, INSTANT)
        values = pl.select(pl.coalesce(values, slow)).to_series()
    wrong = rest & values.is_null()
    result = _cut(values, wrong.fill_null(value=False))
    return replace(result, days=days) if days.count() else result


def _cut(moments: pl.Series, wrong: pl.Series | None) -> TypedCells:
    """Cut instants to the second, the resolution of a plan."""
    cut = moments.dt.truncate("1s")
    lost = (moments != cut).sum()
    return TypedCells(values=cut if lost else moments, wrong=wrong, cut=int(lost))


def _each(text: pl.Series, read: object, dtype: pl.DataType) -> pl.Series:
    """Read each distinct text once by a Python function."""
    known = {
        entry: read(entry)  # type: ignore[operator]
        for entry in text.drop_nulls().unique().to_list()
    }
    if not known:
        return pl.Series(text.name, [None] * len(text), dtype)
    return text.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=dtype),
        default=None,
        return_dtype=dtype,
    )


def _instant(text: str, date_format: str | None = None) -> dt.datetime | None:
    moment = written_moment(text, date_format)
    try:
        if moment is None or moment.tzinfo is None:
            return moment and moment.replace(tzinfo=dt.UTC)
        return moment.astimezone(dt.UTC)
    except OverflowError:
        return None


def _day(date_format: str | None, text: str) -> dt.date | None:
    """Date without a time whose local day has both edges in every zone."""
    day = written_day(text, date_format)
    return day if day is not None and FIRST_DAY <= day <= LAST_DAY else None


def _date(date_format: str | None, text: str) -> dt.date | None:
    day = written_day(text, date_format)
    if day is not None:
        return day
    moment = _instant(text, date_format)
    return None if moment is None else moment.date()


def _time(text: str) -> dt.time | None:
    """Read a local time; 24:00 is midnight, which ends a shift on the next day."""
    if text in {"24:00", "24:00:00"}:
        return dt.time(0)
    # A time as people write it: 6:00.
    hour, colon, rest = text.partition(":")
    try:
        moment = dt.time.fromisoformat(f"{hour:0>2}{colon}{rest}" if colon else text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None and moment.microsecond == 0 else None


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
    readers = {
        "timestamp": _workbook_instant,
        "date": _workbook_instant,
        "time": _workbook_time,
    }
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


def _workbook_instant(text: str) -> str:
    """Date or instant of a cell; a whole day is a date without a time.

    >>> _workbook_instant("2026-11-16 00:00:00")
    '2026-11-16'
    >>> _workbook_instant("2026-11-16 14:30:00")
    '2026-11-16T14:30:00'
    >>> [_workbook_instant(one) for one in ("46342", "46342.25", "20.11.2026")]
    ['2026-11-16', '2026-11-16T06:00:00', '20.11.2026']
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


def _workbook_time(text: str) -> str:
    """Time of day of a cell; the day that Excel puts before it says nothing.

    >>> [_workbook_time(one) for one in ("1899-12-31 06:00:00", "0.25", "6:00")]
    ['06:00:00', '06:00:00', '6:00']
    """
    cell = text.strip()
    moment, serial = _moment(cell), _serial(cell)
    if moment is None and serial is not None and 0 <= serial <= 1:
        moment = _EPOCH + dt.timedelta(seconds=round(serial * _SECONDS))
    return text if moment is None else moment.time().isoformat()
