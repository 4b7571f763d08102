"""The one description of the tables is complete: meanings, reasons, references."""

from __future__ import annotations

import pytest

from medhavi.schema import conventions, tables
from tools.write_docs import tables_page

COLUMNS = [
    (f"{table.name}.{column.name}", column)
    for table in tables().values()
    for column in table.columns.values()
]


def test_every_column_says_what_it_means():
    assert [name for name, column in COLUMNS if not column.meaning] == []


def test_every_default_has_its_reason():
    defaults = [(n, c) for n, c in COLUMNS if c.default is not None]
    assert [name for name, column in defaults if not column.reason] == []


def test_no_column_that_must_be_filled_has_a_default():
    filled = [name for name, c in COLUMNS if c.required and c.default is not None]
    assert filled == []


def test_references_lead_to_columns_that_are_there():
    lost = [
        (name, other)
        for name, column in COLUMNS
        for other, target in column.refs
        if target not in tables()[other].columns
    ]
    assert lost == []


def test_a_default_is_one_of_the_choices():
    chosen = [(n, c) for n, c in COLUMNS if c.one_of and c.default is not None]
    assert [name for name, c in chosen if c.default not in c.one_of] == []


@pytest.mark.parametrize("table", tables().values(), ids=lambda table: table.name)
def test_a_table_says_what_it_means_and_what_makes_a_row_unique(table):
    assert table.meaning
    assert set(table.key) <= set(table.columns)
    assert table.key or table.one_row


def test_conventions_are_told_on_the_page():
    page = tables_page()
    assert all(text in page for text in conventions().values())
