"""SQL by table name: it reads the lake, and nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.errors import UsageError
from medhavi.lakehouse import Lake
from tests.lakehouse.lake_events import small_company, store_of


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """A lake whose folder has a quote in its name."""
    lake = Lake(tmp_path_factory.mktemp("ann's") / "lake")
    lake.mirror(store_of(small_company()))
    return lake


@pytest.mark.req("ANA-04")
@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT count(*) FROM bronze.events", 7),
        ("SELECT qty FROM silver.stock", 40.0),
        ('SELECT qty FROM "silver"."stock" AS s', 40.0),
        ("SELECT qty FROM stock", 40.0),
        ("SELECT sum(d.qty - s.qty) FROM demands d JOIN stock s USING (product)", 60.0),
        ("WITH x AS (SELECT 1 AS one) SELECT one FROM x", 1),
        ("SELECT count(*) FROM gold.supplies", 0),
        ("SELECT count(*) FROM bronze.quarantine", 0),
        ("FROM silver.products SELECT product", "A"),
    ],
)
def test_a_select_answers(lake, sql, answer):
    assert lake.query(sql).item() == answer


def test_instants_are_utc(lake):
    (due,) = lake.query("SELECT due FROM silver.supply_orders").to_series()
    assert due == dt.datetime(2026, 1, 15, tzinfo=dt.UTC)


def test_payloads_can_be_read_as_json(lake):
    sql = """
        SELECT payload->>'product' FROM bronze.events WHERE type = 'StockCounted'
    """
    assert lake.query(sql).item() == "A"


def test_all_tables_can_be_listed(lake):
    listed = lake.query("SHOW ALL TABLES")["name"].to_list()
    assert {"events", "quarantine", "stock", "plan_runs", "supplies"} <= set(listed)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM silver.stock",
        "CREATE TABLE x AS SELECT 1",
        "COPY (SELECT 1) TO 'x.csv'",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
    ],
)
def test_what_does_not_only_read_is_refused(lake, sql):
    with pytest.raises(UsageError, match="one SELECT"):
        lake.query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM glob('/etc/*')",
    ],
)
def test_nothing_outside_the_lake_can_be_read(lake, sql):
    with pytest.raises(UsageError, match="Permission Error"):
        lake.query(sql)


def test_a_wrong_name_gets_the_nearest_ones(lake):
    with pytest.raises(UsageError, match=r"no table stok\. Near: silver\.stock"):
        lake.query("SELECT * FROM silver.stok")


def test_a_name_that_is_near_nothing_gets_the_way_to_the_list(lake):
    with pytest.raises(UsageError, match="SHOW ALL TABLES"):
        lake.query("SELECT * FROM zzzzzz")


@pytest.mark.parametrize("sql", ["SELEC 1", "", "SELECT nonsense FROM stock"])
def test_what_is_no_sql_is_a_usage_error(lake, sql):
    with pytest.raises(UsageError, match=r"cannot be run|one SELECT"):
        lake.query(sql)


@pytest.mark.parametrize("name", ["silver.stok", "stock", "bronze.nothing"])
def test_a_table_that_is_not_there_is_a_usage_error(lake, name):
    with pytest.raises(UsageError, match="no table"):
        lake.table(name)


def test_tables_are_given_by_full_name(lake):
    assert lake.table("silver.stock").collect()["qty"].to_list() == [40.0]
    assert lake.table("bronze.events").collect().height == 7
    assert lake.table("gold.plan_runs").collect().is_empty()
