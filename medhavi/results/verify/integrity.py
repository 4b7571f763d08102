"""Form of a plan: ids, numbers, codes; existing orders are kept as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.verify.facts import ACTIVE, TOLERANCE, faults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


_IDS = (
    ("supplies", "id"),
    ("operations", "id"),
    ("pegging", "id"),
    ("fulfilment", "demand"),
)
_AMOUNTS = (
    ("supplies", "id", "qty", True),
    ("supplies", "id", "order_qty", False),
    ("operations", "id", "units", False),
    ("operations", "id", "setup_minutes", False),
    ("operations", "id", "run_minutes", False),
    ("pegging", "id", "qty", True),
    ("pegging", "id", "level", True),
    ("deliveries", "demand", "qty", True),
    ("fulfilment", "demand", "qty", True),
    ("fulfilment", "demand", "planned", True),
    ("fulfilment", "demand", "short", True),
    ("fulfilment", "demand", "lateness_h", False),
)
_CODES = (
    ("supplies", "id", "kind", ("make", "buy", "move")),
    ("pegging", "id", "source", ("INV", "FIRM", "PROD", "TRANS", "SUP")),
    (
        "fulfilment",
        "demand",
        "status",
        ("on_time", "late", "short", "unplanned", "ignored"),
    ),
    ("fulfilment", "demand", "limiter", (*Limiter, "")),
    ("causes", "demand", "code", tuple(Limiter)),
    ("exceptions", "message", "code", tuple(ExceptionCode)),
)
_DATES = (
    ("supplies", "id", "start"),
    ("supplies", "id", "finish"),
    ("operations", "id", "start"),
    ("operations", "id", "finish"),
    ("deliveries", "demand", "date"),
)


def check_shape(facts: Facts) -> list[Finding]:
    """Check ids, numbers, dates and codes of all tables."""
    found: list[Finding] = []
    tables = facts.plan.tables
    for table, key in _IDS:
        twice = tables[table].group_by(key).len("times").filter(pl.col("times") > 1)
        found += faults("VER042", table, twice.rename({key: "value"}).sort("value"))
    for table, key, column, required in _AMOUNTS:
        number = pl.col(column).cast(pl.Float64)
        wrong = (number < 0) | ~number.is_finite()
        wrong = wrong.fill_null(value=required)
        found += _cells("VER040", table, key, column, tables[table].filter(wrong))
    for table, key, column in _DATES:
        missing = tables[table].filter(pl.col(column).is_null())
        found += _cells("VER040", table, key, column, missing)
    for table, key, column, codes in _CODES:
        known = _texts(codes)
        odd = tables[table].filter(
            pl.col(column).is_not_null() & ~pl.col(column).is_in(known)
        )
        found += _cells("VER043", table, key, column, odd)
    return found + _reversed(facts)


def _reversed(facts: Facts) -> list[Finding]:
    found: list[Finding] = []
    for table in ("supplies", "operations"):
        rows = facts.plan.tables[table].filter(pl.col("finish") < pl.col("start"))
        found += faults(
            "VER041",
            table,
            rows.select(
                pl.col("id").alias("value"),
                pl.col("start").dt.epoch("s"),
                pl.col("finish").dt.epoch("s").alias("moment"),
            ),
        )
    return found


def _cells(
    code: str, table: str, key: str, column: str, rows: pl.DataFrame
) -> list[Finding]:
    return faults(
        code,
        table,
        rows.select(
            pl.col(key).alias("value"), pl.col(column).cast(pl.String).alias("cell")
        ),
        column,
    )


def _texts(codes: Iterable[str]) -> list[str]:
    return [str(code) for code in codes]


def check_existing(facts: Facts) -> list[Finding]:
    """Check that existing orders are there with their rest, dates and source."""
    orders = facts.open_orders.filter(pl.col("rest") > TOLERANCE)
    planned = facts.supplies.filter("main").rename({"order": "supply_order"})
    lost = orders.join(planned, on="supply_order", how="anti")
    dead = (
        facts.snapshot["supply_orders"]
        .filter(~pl.col("status").is_in(ACTIVE) & (pl.col("status") != "planned"))
        .join(planned.select("supply_order"), on="supply_order", how="semi")
    )
    return [
        *faults(
            "VER030", "supplies", lost.select(pl.col("supply_order").alias("value"))
        ),
        *faults(
            "VER032",
            "supplies",
            dead.select(pl.col("supply_order").alias("value"), "status"),
        ),
        *_changed(facts, orders, planned),
    ]


def _changed(
    facts: Facts, orders: pl.DataFrame, planned: pl.DataFrame
) -> list[Finding]:
    both = planned.join(orders, on="supply_order", suffix="_was")
    # Only a constrained plan may move an order, and only one that is not locked.
    kept = both
    if facts.mode != "mrp":
        kept = both.filter(pl.col("locked").fill_null(pl.col("status_was") != "firmed"))
    # A work order counts in routing units; those it started with may stay in its row.
    near = TOLERANCE * (1 + pl.col("qty_was"))
    whole = (pl.col("order_qty") - pl.col("qty_was")).abs() <= near
    made = pl.col("kind") == "make"
    amount = pl.when(made).then("order_qty").otherwise("qty")
    amounts = both.with_columns(qty=amount).filter(
        ((pl.col("qty") - pl.col("rest")).abs() > near) & ~(made & whole)
    )
    differences = [
        ("due", kept, "finish_s", "due_s"),
        (
            "start",
            kept.filter(pl.col("start_s_was").is_not_null()),
            "start_s",
            "start_s_was",
        ),
        ("product", both, "product", "product_was"),
        ("location", both, "location", "location_was"),
        ("kind", both, "kind", "kind_was"),
    ]
    found = faults(
        "VER031",
        "supplies",
        amounts.select(
            pl.col("supply_order").alias("value"),
            pl.lit("quantity still to come").alias("what"),
            pl.col("qty").cast(pl.String).alias("planned"),
            pl.col("rest").cast(pl.String).alias("expected"),
        ),
    )
    for what, rows, now, before in differences:
        found += faults(
            "VER031",
            "supplies",
            rows.filter(pl.col(now) != pl.col(before)).select(
                pl.col("supply_order").alias("value"),
                pl.lit(what).alias("what"),
                pl.col(now).alias("planned"),
                pl.col(before).alias("expected"),
            ),
        )
    return found
