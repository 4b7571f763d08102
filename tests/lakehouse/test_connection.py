"""Queries by Python's database interface: rows, names, refusals."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from tests.api import Workbench
from tests.lakehouse.lake_events import small_company, store_of


@pytest.fixture
def bench(tmp_path):
    made = Workbench(lake=tmp_path)
    made.lake.mirror(store_of(small_company()))
    return made


def test_rows_and_names_are_those_of_the_query(bench):
    sql = "select product, qty from silver.stock"
    cursor = bench.connection.cursor().execute(sql)
    found = bench.query(sql)
    assert [name for name, *_ in cursor.description] == found.columns
    assert cursor.fetchone() == found.row(0)
    assert cursor.fetchall() == found.rows()[1:]
    assert cursor.fetchone() is None


def test_nothing_is_written_and_parameters_are_refused(bench):
    connection = bench.connection
    with pytest.raises(UsageError, match="one SELECT"):
        connection.cursor().execute("drop table silver.stock")
    with pytest.raises(UsageError, match="no parameters"):
        connection.cursor().execute("select 1", [1])
    connection.commit()
    connection.rollback()
    connection.close()


@pytest.mark.notebook
def test_a_sql_cell_takes_it_as_its_engine(bench):
    import marimo as mo

    found = mo.sql(
        "select product, qty from silver.stock", output=False, engine=bench.connection
    )
    assert found.rows() == [("A", 40.0)]
