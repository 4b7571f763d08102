"""A small plan made by hand, right in every number, for tests that spoil it.

Demand D1 wants 100 FG in the warehouse DC on Monday 2026-02-02 18:00. 20 lie there, 80
come by the Monday lane (06:00, 10 h and 2 h customs, ready 4 h before). Routing R makes
them: filling lets 0.8 through, so 100 units start; packing follows. X (2 per unit, 60
on hand, 140 bought 5 days ahead) enters filling, Y (0.5 kg per unit, bought 2 days
ahead) enters packing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.run_record import RunRecord
from medhavi.snapshot import Snapshot
from tests.api import verify

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def at(text: str) -> dt.datetime:
    """Read `2026-01-05 06:00` as UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def frame(name: str, rows: list[Row]) -> pl.DataFrame:
    """Make a result table of some of its columns."""
    names = {key for row in rows for key in row}
    schema = {key: dtype for key, dtype in SCHEMAS[name].items() if key in names}
    return pl.DataFrame(rows, schema=schema)


TABLES: dict[str, list[Row]] = {
    "settings": [{"as_of": at("2026-01-05 00:00"), "horizon_days": 100.0}],
    "products": [
        {"product": "FG", "unit_cost": 10.0},
        {"product": "X", "unit_cost": 2.0},
        {"product": "Y", "uom": "kg", "unit_cost": 1.0},
    ],
    "locations": [
        {"location": "PLANT"},
        {"location": "DC", "kind": "warehouse"},
    ],
    "resources": [
        {"resource": "FILLER", "location": "PLANT"},
        {"resource": "PACKER", "location": "PLANT"},
    ],
    "routings": [
        {
            "routing": "R",
            "product": "FG",
            "location": "PLANT",
            "min_lot": 50.0,
            "lot_multiple": 10.0,
            "max_lot": 200.0,
        }
    ],
    "steps": [
        {
            "routing": "R",
            "step": 10,
            "sequence": 1,
            "setup_minutes": 20.0,
            "run_minutes_per_unit": 1.0,
            "queue_minutes": 60.0,
            "yield": 0.8,
        },
        {
            "routing": "R",
            "step": 20,
            "sequence": 2,
            "run_minutes_per_unit": 0.6,
            "move_minutes": 12.0,
        },
    ],
    "step_resources": [
        {"routing": "R", "step": 10, "resource": "FILLER"},
        {"routing": "R", "step": 20, "resource": "PACKER"},
    ],
    "bom_lines": [
        {"routing": "R", "line": 1, "component": "X", "qty_per": 2.0},
        {"routing": "R", "line": 2, "component": "Y", "step": 20, "qty_per": 0.5},
    ],
    "suppliers": [{"supplier": "S"}],
    "supply_terms": [
        {
            "supplier": "S",
            "product": "X",
            "location": "PLANT",
            "lead_time_days": 5.0,
            "moq": 100.0,
        },
        {"supplier": "S", "product": "Y", "location": "*", "lead_time_days": 2.0},
    ],
    "lanes": [
        {
            "lane": "L",
            "origin": "PLANT",
            "destination": "DC",
            "duration_h": 10.0,
            "customs_h": 2.0,
            "cutoff_h": 4.0,
        }
    ],
    "departures": [{"lane": "L", "weekday": 1, "time": dt.time(6)}],
    "stock": [
        {"product": "FG", "location": "DC", "qty": 20.0},
        {"product": "X", "location": "PLANT", "lot": "A", "qty": 60.0},
    ],
    "demands": [
        {
            "demand": "D1",
            "product": "FG",
            "location": "DC",
            "qty": 100.0,
            "due": at("2026-02-02 18:00"),
        }
    ],
}

RESULTS: dict[str, list[Row]] = {
    "supplies": [
        {
            "id": "move1",
            "kind": "move",
            "product": "FG",
            "location": "DC",
            "qty": 80.0,
            "order_qty": 80.0,
            "start": at("2026-02-02 06:00"),
            "finish": at("2026-02-02 18:00"),
            "source": "L",
            "lane": "L",
            "departure": at("2026-02-02 06:00"),
        },
        {
            "id": "make1",
            "kind": "make",
            "product": "FG",
            "location": "PLANT",
            "qty": 80.0,
            "order_qty": 100.0,
            "start": at("2026-02-01 22:00"),
            "finish": at("2026-02-02 02:00"),
            "source": "R",
        },
        {
            "id": "buyX",
            "kind": "buy",
            "product": "X",
            "location": "PLANT",
            "qty": 140.0,
            "order_qty": 140.0,
            "start": at("2026-01-27 23:00"),
            "finish": at("2026-02-01 23:00"),
            "source": "S",
        },
        {
            "id": "buyY",
            "kind": "buy",
            "product": "Y",
            "location": "PLANT",
            "qty": 40.0,
            "order_qty": 40.0,
            "start": at("2026-01-31 01:00"),
            "finish": at("2026-02-02 01:00"),
            "source": "S",
        },
    ],
    "operations": [
        {
            "id": "op1",
            "supply": "make1",
            "step": 10,
            "segment": 0,
            "resource": "FILLER",
            "units": 1.0,
            "start": at("2026-02-01 23:00"),
            "finish": at("2026-02-02 01:00"),
            "setup_minutes": 20.0,
            "run_minutes": 100.0,
        },
        {
            "id": "op2",
            "supply": "make1",
            "step": 20,
            "segment": 0,
            "resource": "PACKER",
            "units": 1.0,
            "start": at("2026-02-02 01:00"),
            "finish": at("2026-02-02 01:48"),
            "setup_minutes": 0.0,
            "run_minutes": 48.0,
        },
    ],
    "loads": [
        {"resource": resource, "bucket": at(day), "run": hours, "setup": 0.0}
        for resource, day, hours in (
            ("FILLER", "2026-01-26 00:00", 1.0),
            ("FILLER", "2026-02-02 00:00", 1.0),
            ("PACKER", "2026-02-02 00:00", 0.8),
        )
    ],
    "pegging": [
        {
            "id": "p1",
            "supply": "FG|DC|",
            "product": "FG",
            "location": "DC",
            "qty": 20.0,
            "level": 0,
            "source": "INV",
        },
        {
            "id": "p2",
            "supply": "move1",
            "product": "FG",
            "location": "DC",
            "qty": 80.0,
            "level": 0,
            "source": "TRANS",
        },
        {
            "id": "p3",
            "supply": "make1",
            "product": "FG",
            "location": "PLANT",
            "qty": 80.0,
            "level": 1,
            "source": "PROD",
        },
        {
            "id": "p4",
            "supply": "X|PLANT|A",
            "product": "X",
            "location": "PLANT",
            "qty": 60.0,
            "level": 2,
            "source": "INV",
        },
        {
            "id": "p5",
            "supply": "buyX",
            "product": "X",
            "location": "PLANT",
            "qty": 140.0,
            "level": 2,
            "source": "SUP",
        },
        {
            "id": "p6",
            "supply": "buyY",
            "product": "Y",
            "location": "PLANT",
            "qty": 40.0,
            "level": 2,
            "source": "SUP",
        },
    ],
    "deliveries": [{"demand": "D1", "qty": 100.0, "date": at("2026-02-02 18:00")}],
    "fulfilment": [
        {
            "demand": "D1",
            "due": at("2026-02-02 18:00"),
            "qty": 100.0,
            "planned": 100.0,
            "short": 0.0,
            "lateness_h": 0.0,
            "status": "on_time",
        }
    ],
}
for peg in RESULTS["pegging"]:
    peg["demand"] = "D1"


ORDER = {
    "supply_order": "PO1",
    "kind": "purchase",
    "product": "X",
    "location": "PLANT",
    "qty": 50.0,
    "qty_done": 10.0,
    "due": at("2026-01-20 00:00"),
    "source": "S",
}
KEPT = {
    "id": "PO1",
    "kind": "buy",
    "product": "X",
    "location": "PLANT",
    "qty": 40.0,
    "order_qty": 40.0,
    "start": at("2026-01-15 00:00"),
    "finish": at("2026-01-20 00:00"),
    "source": "S",
    "status": "released",
}
"""A purchase order of which 40 X are still to come, and its row of the plan."""

STANDS = {
    "supply_order": "WO1",
    "kind": "work",
    "product": "FG",
    "location": "PLANT",
    "qty": 30.0,
    "start": at("2026-01-09 23:00"),
    "due": at("2026-01-12 00:00"),
    "source": "R",
}
MADE = {
    "id": "WO1",
    "kind": "make",
    "product": "FG",
    "location": "PLANT",
    "qty": 24.0,
    "order_qty": 30.0,
    "start": at("2026-01-09 23:00"),
    "finish": at("2026-01-12 00:00"),
    "source": "R",
    "status": "released",
}
"""A work order of 30 units that stands already, and its row of the plan."""


def hand_snapshot(**tables: list[Row]) -> Snapshot:
    """Snapshot of the story, with some tables replaced whole."""
    return Snapshot.from_frames({**TABLES, **tables})


def hand_plan(mode: str = "mrp", **tables: list[Row]) -> Plan:
    """Plan of the story, with some tables replaced whole."""
    rows = {**RESULTS, **tables}
    run = RunRecord(
        planner="hand",
        mode=mode,
        package_version="0",
        snapshot_fingerprint="0" * 64,
        as_of=int(at("2026-01-05 00:00").timestamp()),
    )
    return Plan(tables={name: frame(name, own) for name, own in rows.items()}, run=run)


def changed(table: str, key: str, **cells: object) -> dict[str, list[Row]]:
    """One table of the plan with cells changed in the row of that id."""
    column = "demand" if table in {"fulfilment", "deliveries"} else "id"
    return {
        table: [
            {**row, **cells} if row[column] == key else row for row in RESULTS[table]
        ]
    }


def without(table: str, key: str) -> dict[str, list[Row]]:
    """One table of the plan without the row of that id."""
    column = "demand" if table in {"fulfilment", "deliveries"} else "id"
    return {table: [row for row in RESULTS[table] if row[column] != key]}


def extended(name: str, **cells: object) -> dict[str, list[Row]]:
    """One table of the snapshot with the same cells set in every row."""
    return {name: [{**row, **cells} for row in TABLES[name]]}


def also(table: str, *rows: Row) -> Tables:
    """One table of the snapshot with more rows."""
    return {table: [*TABLES.get(table, []), *rows]}


def plus(table: str, *rows: Row, **row: object) -> Tables:
    """One table of the plan with more rows, or with one of these cells."""
    return {table: [*RESULTS.get(table, []), *rows, *([row] if row else [])]}


def told(
    plan: Tables | None = None, snapshot: Tables | None = None, mode: str = "mrp"
) -> list[str]:
    """What the check says of the story with some tables of it replaced whole."""
    found = verify(hand_plan(mode, **(plan or {})), hand_snapshot(**(snapshot or {})))
    return [str(finding) for finding in found]


def codes(
    plan: Tables | None = None, snapshot: Tables | None = None, mode: str = "mrp"
) -> set[str]:
    """Codes of what the check says."""
    return {text.split()[0] for text in told(plan, snapshot, mode)}
