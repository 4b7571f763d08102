"""One table from raw cells to its normal form.

The normal form has all columns in the order of the schema, typed, defaults filled, rows
sorted by key. The number of each input row is kept beside it, so that findings name the
row a person can look up.

Upper and lower case, spaces around a name and spaces for underscores make no
difference where one column alone can be meant. A column that is dropped is an error
where its name is close to one that the table lacks: a plan without it would differ.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from medhavi import schema
from medhavi.findings import Finding, finding
from medhavi.schema import Table
from medhavi.snapshot.fingerprint import is_rising
from medhavi.snapshot.reading.cells import EXPECTED, KINDS, typed
from medhavi.snapshot.reading.local_days import LocalDays
from medhavi.snapshot.reading.row_findings import LISTED, more, nearest, positions
from medhavi.snapshot.tables import BY_TYPE, empty

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from medhavi.schema import Column


_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        word: column
        for column, words in {
            "qty": "amount quantity onhand stockonhand",
            "product": "item sku article material part",
            "location": "site plant warehouse",
            "supplier": "vendor",
            "customer": "client",
            "resource": "machine",
            "uom": "unit",
            "moq": "minimumorderquantity minorderqty minqty minimumquantity",
            "lot_multiple": "multiple roundingvalue",
            "due": "duedate deliverydate needdate requireddate",
            "lead_time_days": "leadtime",
            "valid_to": "validuntil",
            "origin": "from fromlocation sourcelocation",
            "destination": "to tolocation targetlocation",
            "duration_h": "duration transithours transittime",
            "base_currency": "currency",
        }.items()
        for word in words.split()
    }
)
"""Words of other systems for columns, by folded name."""

_ENDINGS: Final = re.compile(
    r"_(?:id|code|no|nr|number|date|days?|minutes?|hours?|pct|percent|kg|m3)$"
)
"""Endings that state a unit or a kind, which people add or leave out."""


def folded(name: str) -> str:
    """Name by which upper and lower case, spaces and hyphens make no difference."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _bare(name: str) -> str:
    """Name without its unit, case and separators: what is compared for closeness."""
    return _ENDINGS.sub("", folded(name)).replace("_", "")


def names_of_table(given: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Names of the schema by those given, where one column alone can be meant."""
    others = [name for name in given if name not in known]
    times = Counter(folded(name) for name in others)
    wanted = {folded(name): name for name in known if name not in given}
    return {
        name: wanted[folded(name)]
        for name in others
        if folded(name) in wanted and times[folded(name)] == 1
    }


def matched(raw: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    """Frame with the names of the schema where one column alone can be meant.

    >>> import polars as pl
    >>> matched(pl.DataFrame({" Due Date": [1], "QTY": [2]}), ["qty", "due"]).columns
    [' Due Date', 'qty']
    """
    names = names_of_table(raw.columns, known)
    return raw.rename(names) if names else raw


def meant(name: str, lacking: Collection[str]) -> str | None:
    """Column that a table lacks and an unknown name stands for, else None.

    >>> meant("qtty", ["qty"]), meant("Due date", ["due"]), meant("colour", ["qty"])
    ('qty', 'due', None)
    """
    synonym = _SYNONYMS.get(folded(name).replace("_", ""))
    if synonym in lacking:
        return synonym
    bare = _bare(name)
    by_distance = sorted(
        (_distance(bare, _bare(column)), column)
        for column in lacking
        if abs(len(bare) - len(_bare(column))) <= _MOST
    )
    if not by_distance:
        return None
    distance, column = by_distance[0]
    return column if distance <= _allowed(len(_bare(column))) else None


_MOST: Final = 2


def _allowed(length: int) -> int:
    """Typing slips at which a name still means another: one, two of long names."""
    return 0 if length < 3 else 1 if length < 7 else _MOST


def _distance(first: str, second: str) -> int:
    """Count of insertions, deletions, changes and swaps between two words.

    >>> _distance("qtty", "qty"), _distance("mioq", "moiq")
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for place, letter in enumerate(first, 1):
        last, before, row = before, row, [place]
        for other, compared in enumerate(second, 1):
            cost = min(
                before[other] + 1,
                row[-1] + 1,
                before[other - 1] + (letter != compared),
            )
            swapped = place > 1 and other > 1 and letter == second[other - 2]
            if swapped and first[place - 2] == compared:
                cost = min(cost, last[other - 2] + 1)
            row.append(cost)
    return row[-1]


def unknown_columns(
    table: str, given: Collection[str], known: Collection[str]
) -> tuple[list[Finding], set[str]]:
    """List the unknown columns; those that the plan would miss are errors.

    With the columns that are told to be there by another name.
    """
    unknown = [name for name in given if name not in known]
    lacking = [name for name in known if name not in given]
    found, named = [], set()
    for name in unknown[:LISTED]:
        column = meant(name, lacking)
        if column is None:
            hint = nearest(name, known)
            found.append(finding("SNAP001", table=table, column=name, nearest=hint))
        else:
            named.add(column)
            found.append(finding("SNAP061", table=table, column=name, meant=column))
    return found + more("SNAP001", table, None, len(unknown) - LISTED), named


WIDEST = 127
"""Most bits of a whole number that a column holds as such."""
MOST_BITS = 4096
"""Longer whole numbers are told by their length."""
ROW = "row number of the input"
"""Working column that carries the input row; no schema name looks like it."""


def filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbered rows without lines that are empty throughout, as sheets end in.

    Numbers are those under which a person finds the rows below a header, from 2.

    >>> import polars as pl
    >>> filled(pl.DataFrame({"item": ["A", None, "B"]}))[ROW].to_list()
    [2, 4]
    """
    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    numbers = pl.int_range(2, frame.height + 2, dtype=pl.UInt32)
    return frame.with_columns(numbers.alias(ROW)).filter(~empty)


def raw_frame(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Put dict rows into a frame; a column of mixed types becomes text.

    >>> raw_frame([{"a": 1}, {"a": "x", "b": None}])["a"].to_list()
    ['1', 'x']
    """
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return pl.DataFrame(
        [_series(name, [row.get(name) for row in rows]) for name in names]
    )


def _series(name: str, values: list[object]) -> pl.Series:
    wide = any(isinstance(one, int) and one.bit_length() > WIDEST for one in values)
    if not wide:
        try:
            return pl.Series(name, values, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            pass
    return pl.Series(name, [_text(value) for value in values], pl.String)


def _text(value: object) -> str | None:
    """Write a value as a CSV cell holds it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ";".join(str(entry) for entry in value)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"a whole number of {value.bit_length():,} bits"
    return repr(value) if isinstance(value, float) else str(value)


_TOO_MANY = 3
"""Unknown columns per column of the schema from which a file is another table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalTable:
    """A table in normal form, its input row numbers and what was found on the way."""

    frame: pl.DataFrame
    rows: pl.Series
    findings: tuple[Finding, ...] = ()
    unzoned: int = 0
    """Dates without a time that count in UTC because nothing states a zone."""

    def equals(self, other: NormalTable) -> bool:
        """Whether rows, their input rows and what was found are the same."""
        return (
            (self.findings, self.unzoned) == (other.findings, other.unzoned)
            and self.rows.equals(other.rows)
            and self.frame.equals(other.frame)
        )

    def without(self, rows: Collection[int]) -> NormalTable:
        """Table without some input rows; what was found in others stays."""
        gone = self.rows.is_in(list(rows))
        left = [
            found
            for found in self.findings
            if found.row not in rows
            and not (found.rows and set(found.rows) <= set(rows))
        ]
        return replace(
            self,
            frame=self.frame.filter(~gone),
            rows=self.rows.filter(~gone),
            findings=tuple(left) if len(self.frame) > len(rows) else (),
        )


def absent(name: str) -> NormalTable:
    """Normal form of a table that is not there: no rows."""
    return NormalTable(frame=empty(name), rows=pl.Series([], dtype=pl.UInt32))


def normalise(name: str, raw: pl.DataFrame, days: LocalDays) -> NormalTable:
    """Type, complete and sort one table; nothing is raised for bad cells.

    Parameters
    ----------
    name
        Table of the schema.
    raw
        Rows as they were given.
    days
        Zones of their dates without a time.
    """
    table = schema.tables()[name]
    if ROW in raw.columns:
        rows = raw.get_column(ROW).cast(pl.UInt32)
        raw = raw.drop(ROW)
    else:
        rows = pl.Series(ROW, range(1, raw.height + 1), pl.UInt32)
    unknown, named = _unknown_columns(table, raw.columns)
    reading = _TableReading(table=table, raw=raw, rows=rows, days=days, named=named)
    reading.found += unknown
    series = [reading.column(column) for column in table.columns.values()]
    frame = _sorted(table, pl.DataFrame([*series, rows]))
    if not raw.width:
        frame = frame.clear()
    rows = frame.drop_in_place(ROW)
    return NormalTable(
        frame=frame,
        rows=rows,
        findings=tuple(reading.found),
        unzoned=reading.unzoned,
    )


def _unknown_columns(table: Table, given: list[str]) -> tuple[list[Finding], set[str]]:
    """Name the columns that the schema does not know; too many are an error."""
    found, named = unknown_columns(table.name, given, table.columns.keys())
    unknown = sum(name not in table.columns for name in given)
    if unknown > _TOO_MANY * len(table.columns):
        known = len(given) - unknown
        found.append(finding("SNAP051", table=table.name, value=unknown, known=known))
    return found, named


def _sorted(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort by key; rows that share a key (an error) by all their cells."""
    key = list(table.key)
    if frame.height < 2 or is_rising(frame, key):
        return frame
    if not key or frame.select(key).is_duplicated().any():
        key += [name for name in table.columns if name not in key]
    return frame.sort(key, nulls_last=False, maintain_order=True)


@dataclass(slots=True, kw_only=True)
class _TableReading:
    """One table while its columns are read."""

    table: Table
    raw: pl.DataFrame
    rows: pl.Series
    days: LocalDays
    named: set[str]
    """Columns that are lacking, and there by another name: that is told of these."""
    found: list[Finding] = field(default_factory=list)
    unzoned: int = 0

    def column(self, column: Column) -> pl.Series:
        """One column of the normal form in the order of the input."""
        table, raw, found = self.table, self.raw, self.found
        if column.name not in raw.columns:
            if column.required and raw.height and column.name not in self.named:
                found.append(
                    finding(
                        "SNAP003",
                        table=table.name,
                        column=column.name,
                        meaning=column.meaning,
                    )
                )
            return _constant(table.name, column.name, raw.height)
        cells = raw.get_column(column.name)
        if not column.required and cells.null_count() == raw.height:
            # As most columns of a lake: a column that says nothing is one not there.
            return _constant(table.name, column.name, raw.height)
        dated = column.type in {"timestamp", "date"}
        result = typed(cells, column, self.days.date_format if dated else None)
        values = result.values.alias(column.name)
        if result.days is not None:
            values = self._with_days(values, result.days, column)
        if result.wrong is not None:
            found += _wrong_cells(self, column, cells, result.wrong)
        if column.required and values.null_count():
            missing = values.is_null()
            if result.wrong is not None:
                missing &= ~result.wrong
            found += _listed("SNAP004", self, column, missing, values)
        if column.type == "float":
            values = _finite(self, column, values)
        if result.cut:
            found.append(
                finding(
                    "SNAP014", table=table.name, column=column.name, value=result.cut
                )
            )
        return _completed(values, column)

    def _with_days(
        self, values: pl.Series, days: pl.Series, column: Column
    ) -> pl.Series:
        """Instants, those of dates without a time among them."""
        placed, unzoned = self.days.instants(days, column, self.raw)
        self.unzoned += unzoned
        return pl.select(pl.coalesce(values, placed).alias(column.name)).to_series()


def _constant(table: str, column: str, height: int) -> pl.Series:
    """Column that is not there: its default in every row."""
    return _default_cell(table, column).new_from_index(0, height)


@cache
def _default_cell(table: str, name: str) -> pl.Series:
    """One cell with the default of a column; none and "always" are empty."""
    column = schema.tables()[table].columns[name]
    cell = None if column.default == "always" else column.default
    return pl.Series(name, [cell], dtype=BY_TYPE[column.type])


def _finite(reading: _TableReading, column: Column, values: pl.Series) -> pl.Series:
    """Empty what is no number, name it, and make -0.0 plain zero."""
    stated = values.drop_nulls() if values.null_count() else values
    if not np.isfinite(stated.to_numpy()).all():
        finite = values.is_finite()
        reading.found += _listed("SNAP009", reading, column, ~finite, values)
        values = pl.select(
            pl.when(finite).then(values).otherwise(None).alias(column.name)
        ).to_series()
    return values + 0.0


def _completed(values: pl.Series, column: Column) -> pl.Series:
    """Fill the stated default; an open begin stays null."""
    default = column.default
    if default is None or default == "always" or not values.null_count():
        return values
    if column.type == "list":
        literal = pl.lit(default, dtype=BY_TYPE[column.type])
        return values.to_frame().select(pl.first().fill_null(literal)).to_series()
    return values.fill_null(default)


def _wrong_cells(
    reading: _TableReading, column: Column, cells: pl.Series, wrong: pl.Series
) -> list[Finding]:
    table, rows = reading.table.name, reading.rows
    places = positions(wrong)
    listed = [
        finding(
            "SNAP005",
            table=table,
            row=rows[place],
            column=column.name,
            value=cells[place],
            kind=KINDS.get(column.type, column.type),
            expected=EXPECTED[column.type],
        )
        for place in places[:LISTED]
    ]
    left_out = [place + 1 for place in places[LISTED:]]
    return listed + more("SNAP005", table, column.name, len(left_out), left_out)


def _listed(
    code: str,
    reading: _TableReading,
    column: Column,
    marked: pl.Series,
    values: pl.Series,
) -> list[Finding]:
    table, rows = reading.table.name, reading.rows
    places = positions(marked)
    listed = [
        finding(
            code,
            table=table,
            row=rows[place],
            column=column.name,
            value=values[place],
            meaning=column.meaning,
        )
        for place in places[:LISTED]
    ]
    left_out = [place + 1 for place in places[LISTED:]]
    return listed + more(code, table, column.name, len(left_out), left_out)
