"""Tables as plain lists."""

from __future__ import annotations

import datetime as dt

import polars as pl

from medhavi.providers.table_rows import TableRows, read_tables
from tests import factories

FRAME = pl.DataFrame(
    {
        "product": ["A", "B", "A"],
        "location": ["L", "L", "W"],
        "valid_from": [
            dt.datetime(1970, 1, 2, tzinfo=dt.UTC),
            None,
            dt.datetime(1969, 12, 31, tzinfo=dt.UTC),
        ],
        "tags": [["x"], [], None],
    },
    schema_overrides={"valid_from": pl.Datetime("us", "UTC")},
)


def test_instants_are_seconds_and_empty_cells_none():
    assert TableRows(FRAME).column("valid_from") == [86400, None, -86400]


def test_rows_are_found_by_one_or_several_cells():
    rows = TableRows(FRAME)
    assert rows.index("product") == {"A": [0, 2], "B": [1]}
    assert rows.index("product", "location")["A", "W"] == [2]
    assert rows.row(2)["location"] == "W"
    assert [row["product"] for row in rows] == ["A", "B", "A"]


def test_filled_cells_differ_from_the_default():
    rows = TableRows(FRAME)
    assert rows.filled("tags") == 1
    assert rows.filled("valid_from") == 2
    assert rows.filled("location", "L") == 1


def test_places_are_input_rows():
    assert TableRows(FRAME).place(2) == 3
    stock = [{"product": "B"}, {"product": "A"}]
    tables = read_tables(factories.snapshot(stock=stock), ["stock"])
    assert [tables["stock"].place(number) for number in range(2)] == [2, 1]
