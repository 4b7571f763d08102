"""Schemas, keys and meanings of the tables of a schedule.

Instants are UTC: start of the problem plus minutes, on the working axis too (rule 39).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.tables import COUNT, FLAG, INSTANT, NUMBER, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.tables import Schema

SCHEDULE_SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "operations": MappingProxyType(
            {
                "sales_order": TEXT,
                "step": COUNT,
                "name": TEXT,
                "resource": TEXT,
                "unit": COUNT,
                "start": INSTANT,
                "finish": INSTANT,
                "setup_start": INSTANT,
                "setup_minutes": NUMBER,
                "changeover_minutes": NUMBER,
                "changeover_cost": NUMBER,
                "run_minutes": NUMBER,
                "start_minutes": NUMBER,
                "finish_minutes": NUMBER,
                "setup_start_minutes": NUMBER,
                "fixed": FLAG,
            }
        ),
        "orders": MappingProxyType(
            {
                "order": TEXT,
                "product": TEXT,
                "customer": TEXT,
                "finish": INSTANT,
                "due": INSTANT,
                "late_minutes": NUMBER,
                "finish_minutes": NUMBER,
                "due_minutes": NUMBER,
                "weight": NUMBER,
            }
        ),
        "resources": MappingProxyType(
            {
                "resource": TEXT,
                "name": TEXT,
                "units": COUNT,
                "operations": COUNT,
                "run_minutes": NUMBER,
                "setup_minutes": NUMBER,
                "open_minutes": NUMBER,
                "idle_minutes": NUMBER,
                "utilization": NUMBER,
            }
        ),
        "objectives": MappingProxyType(
            {
                "place": COUNT,
                "objective": TEXT,
                "value": NUMBER,
                "bound": NUMBER,
                "gap": NUMBER,
                "proven": FLAG,
            }
        ),
        "conflict": MappingProxyType(
            {
                "kind": TEXT,
                "order": TEXT,
                "step": COUNT,
                "resource": TEXT,
                "text": TEXT,
            }
        ),
    }
)
"""`operations`: [start, finish) is the run. `setup_minutes` = changeover + own set-up,
which ends at or before start. `resources`: open time and idle time until the makespan,
of all units; utilization = run minutes / (makespan x units). `objectives`: in order of
importance; value and bound in minutes, orders, changeovers, money or squared minutes.
`conflict`: what cannot all hold."""

SCHEDULE_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "operations": ("sales_order", "step"),
        "orders": ("order",),
        "resources": ("resource",),
        "objectives": ("place",),
        "conflict": ("kind", "order", "step", "resource"),
    }
)


def shaped_table(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Frame the columns and types of its table, rows in the order of its key.

    Raises
    ------
    ValueError
        A column is unknown.
    """
    schema = SCHEDULE_SCHEMAS[name]
    unknown = [column for column in frame.columns if column not in schema]
    if unknown:
        message = f"Table {name} of a schedule has no column {unknown[0]}."
        raise ValueError(message)
    cells = [
        pl.col(column).cast(dtype)
        if column in frame.columns
        else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in schema.items()
    ]
    return frame.select(cells).sort(SCHEDULE_KEYS[name], nulls_last=False).rechunk()


def table_of(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Make a table from rows."""
    frame = pl.DataFrame(rows, schema=dict(SCHEDULE_SCHEMAS[name]), orient="row")
    return shaped_table(name, frame)
