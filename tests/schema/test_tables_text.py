"""The one description of the tables is complete: meanings, reasons, references."""

from __future__ import annotations

import pytest

from medhavi.schema import conventions, tables
from tools.write_docs import tables_page

COLUMNS = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in tables().values()
    for column in table.columns.values()
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_says_what_it_means_and_why_its_default_is_so(table, column):
    assert column.meaning
    if column.default is not None:
        assert column.reason
    assert not (column.required and column.default is not None)


@pytest.mark.parametrize("table", tables().values(), ids=lambda table: table.name)
def test_a_table_says_what_it_means_and_what_makes_a_row_unique(table):
    assert table.meaning
    assert set(table.key) <= set(table.columns)
    assert table.key or table.one_row


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_references_lead_to_columns_that_are_there(table, column):
    assert all(name in tables()[other].columns for other, name in column.refs)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_default_is_one_of_the_choices(table, column):
    if column.one_of and column.default is not None:
        assert column.default in column.one_of


def test_conventions_are_told_on_the_page():
    page = tables_page()
    assert all(text in page for text in conventions().values())
