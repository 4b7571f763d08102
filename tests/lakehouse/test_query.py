"""SQL by table name: it reads the lake, and nothing else."""

from __future__ import annotations

import datetime as dt
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medhavi.errors import LimitReached, UsageError
from tests.api import Lake, QueryLimits
from tests.examples import some
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


ENDLESS = """
    WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t)
    SELECT count(*) FROM t
"""


@pytest.mark.parametrize(
    ("sql", "limits", "reason"),
    [
        (
            "SELECT * FROM range(300000000)",
            {},
            r"gives more than 100,000 rows and was ended\. Ask for less .*--max-rows",
        ),
        (ENDLESS, {"cpu_seconds": 1}, "takes more than 1 s of processor time"),
        (ENDLESS, {"seconds": 1.5}, r"takes more than 1\.5 s and was ended"),
        (
            "SELECT list(range) FROM range(300000000)",
            {"memory_mib": 600},
            "takes more than 600 MiB.*--max-memory",
        ),
        (
            "SELECT repeat('x', 1000000) FROM range(1000)",
            {"answer_mib": 20},
            "more than 20 MiB|more than 1,000 MiB",
        ),
        pytest.param(
            "SELECT length(repeat('x', 2000000000))",
            {},
            "takes more than 1,000 MiB",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_query_ends_at_its_limits(lake, sql, limits, reason):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitReached, match=reason):
        lake.query(sql, QueryLimits(**limits))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024


def test_as_many_rows_as_the_limit_are_given_in_their_order(lake):
    sql = "SELECT range AS n FROM range(5000) ORDER BY n DESC"
    assert (
        lake.query(sql, QueryLimits(rows=5000))["n"].to_list() == [*range(5000)][::-1]
    )


@pytest.mark.parametrize("name", ["rows", "memory_mib", "cpu_seconds", "seconds"])
def test_a_limit_that_is_no_limit_is_refused(name):
    with pytest.raises(UsageError, match=rf"{name} \(0\) must be positive"):
        QueryLimits(**{name: 0})


@pytest.mark.parametrize("number", some([signal.SIGINT, signal.SIGTERM], 1))
def test_a_running_query_ends_with_the_signal(tmp_path, number):
    lake = Lake(tmp_path / "lake")
    lake.mirror(store_of(small_company()))
    call = "import sys; from medhavi.cli import main; sys.exit(main())"
    program = subprocess.Popen(
        [sys.executable, "-c", call, "query", ENDLESS, "--lake", str(lake.path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not children(program.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    started = time.monotonic()
    [child] = children(program.pid)
    program.send_signal(number)
    _, said = program.communicate(timeout=30)
    assert time.monotonic() - started < 2
    assert program.returncode == 3
    assert "medhavi: Interrupted" in said
    assert "should not" not in said
    assert not alive(child)


def children(pid):
    """Processes that a process started and that still run."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(one) for one in listed.split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").split()[2] != "Z"
    except FileNotFoundError:
        return False
