"""Convert a frePPLe model in neutral JSON to planning tables.

    python benchmarks/frepple.py CASE.json OUT_DIR

The folder then plans as any other: `medhavi plan --tables OUT_DIR --mode mrp`. What has
no exact counterpart is told on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # `python benchmarks/frepple.py` has this folder, not the repository, on its path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frepple_case.calendars import moment
from benchmarks.frepple_case.case import NOWHERE, Case
from benchmarks.frepple_case.operations import Operations
from benchmarks.frepple_case.resources import add_resources
from benchmarks.frepple_case.state import (
    add_demands,
    add_orders,
    add_settings,
    add_stock,
)
from benchmarks.frepple_case.trade import Trade

if TYPE_CHECKING:
    from benchmarks.frepple_case.case import Point, Record
    from medhavi.snapshot import Snapshot

QTY_STEP = 1e-6
"""FrePPLe counts in decimals, whatever the unit is."""
NAMES = (
    ("routings", "product"),
    ("routing_outputs", "product"),
    ("bom_lines", "component"),
    ("supply_terms", "product"),
    ("stock", "product"),
    ("supply_orders", "product"),
    ("demands", "product"),
    ("sourcing", "product"),
    ("inventory_policies", "product"),
    ("inventory_levels", "product"),
)
"""Columns that name products."""


def tables_of(record: Record) -> tuple[dict[str, list[Record]], list[str]]:
    """Planning tables of a case, and notes on what is lost.

    Parameters
    ----------
    record
        A case with its `model`, or a bare model.
    """
    case = Case(record)
    if "forecast_buckets" in case.model:
        _forecast(case)
        return dict(case.rows), case.notes
    operations = Operations(case)
    add_settings(case)
    for supplier in case.section("suppliers"):
        case.add(
            "suppliers",
            supplier=supplier["name"],
            calendar=case.calendar(supplier.get("available")),
        )
    for name in list(case.locations):
        case.place(name)
    delivering = add_demands(case, operations)
    making, closed = _makes(case, operations)
    sources = delivering + making
    closed |= {source["point"] for source in delivering}
    trade = Trade(case, closed)
    sources += trade.moves()
    sources += trade.buys()
    sources += trade.shared()
    add_resources(case)
    add_stock(case, operations.rules)
    add_orders(case, operations)
    _lots_by_date(case, sources)
    _sourcing(case, sources)
    _customers(case)
    _products(case)
    if record.get("tier") == "atp":
        # FrePPLe takes the stated lead time of a supplier as it is.
        case.add(
            "promise_policies",
            policy="default",
            supplier_fallback="accept_with_risk",
            # It plans back from due: nothing is delivered earlier.
            not_before_due=True,
        )
    return dict(case.rows), case.notes


def _makes(case: Case, operations: Operations) -> tuple[list[Record], set[Point]]:
    """Make the routings that may supply something.

    A buffer that names its producing operation is supplied by that alone; else by
    every operation of its item.
    """
    sources: list[Record] = []
    closed: set[Point] = set()
    for buffer in case.section("buffers"):
        if not buffer.get("producing"):
            continue
        point = case.point_of[buffer["name"]]
        closed.add(point)
        made = operations.sources(buffer["producing"])
        sources += [{**source, "point": point} for source in made]
    for record in case.operations.values():
        if not record.get("item") or record.get("owner"):
            continue
        if record["name"] in operations.made:
            continue
        point = (record["item"], record.get("location") or NOWHERE)
        if point not in closed and record.get("priority", 1) != 0:
            sources += operations.sources(record["name"])
    return sources, closed


def _lots_by_date(case: Case, sources: list[Record]) -> None:
    """Cut sources whose least lot changes by date into one row a date."""
    for source in list(sources):
        operation = case.operations.get(source["source"], {})
        name = operation.get("size_minimum_calendar")
        if source["kind"] != "make" or not name:
            continue
        sources.remove(source)
        sources += [
            {
                **source,
                "valid_from": span.start,
                "valid_to": span.finish,
                "min_lot": span.value,
            }
            for span in case.calendars[name].spans()
        ]


def _sourcing(case: Case, sources: list[Record]) -> None:
    """Which sources a place may use, where its routings and terms do not."""
    by_point: dict[Point, list[Record]] = defaultdict(list)
    for source in sources:
        by_point[source["point"]].append(source)
    natural: dict[Point, list[tuple[str, str]]] = defaultdict(list)
    for row in case.rows["routings"]:
        if row.get("valid_to") is None or row["valid_to"] > case.now:
            point = (row["product"], row["location"])
            natural[point].append(("make", row["routing"]))
    for row in case.rows["supply_terms"]:
        natural[row["product"], row["location"]].append(("buy", row["supplier"]))
    for point, found in sorted(by_point.items()):
        asked = sorted((source["kind"], source["source"]) for source in found)
        stated = any(
            source.get("share_pct") is not None or source.get("min_lot") is not None
            for source in found
        )
        if asked == sorted(natural[point]) and not stated:
            continue
        seen: set[tuple[object, ...]] = set()
        for source in found:
            key = (source["kind"], source["source"], source["valid_from"])
            if key in seen:
                case.notes.append(f"{source['source']}: given twice for {point[0]}")
                continue
            seen.add(key)
            stated_only = {k: v for k, v in source.items() if k != "point"}
            case.add("sourcing", product=point[0], location=point[1], **stated_only)


def _customers(case: Case) -> None:
    stated = {record["name"]: record for record in case.section("customers")}
    named = {row["customer"] for row in case.rows["demands"] if row.get("customer")}
    parents = {r["owner"] for r in stated.values() if r.get("owner")}
    for name in sorted({*stated, *named, *parents}):
        case.add("customers", customer=name, parent=stated.get(name, {}).get("owner"))


def _products(case: Case) -> None:
    """Add every product that a table names, and the groups above them."""
    stated = {record["name"]: record for record in case.section("items")}
    used = {row[column] for table, column in NAMES for row in case.rows[table]}
    groups = {r["owner"] for r in stated.values() if r.get("owner")}
    for name in sorted({*stated, *used, *groups}):
        record = stated.get(name, {})
        case.add(
            "products",
            product=name,
            qty_step=QTY_STEP,
            parent=record.get("owner"),
            unit_cost=record.get("cost"),
        )


def _forecast(case: Case) -> None:
    """Turn a case of forecast netting into demands and a policy."""
    model = case.model
    orders = model["orders"]
    first = orders[0]
    case.add("settings", as_of=case.now, horizon_days=60.0, bucket="day")
    case.add(
        "forecast_policies",
        backward_days=model["net_early_days"],
        forward_days=model["net_late_days"],
    )
    case.place(first["location"], "warehouse")
    shared: dict[str, Any] = {
        "product": first["item"],
        "location": first["location"],
        "customer": first.get("customer"),
    }
    for bucket in model["forecast_buckets"]:
        case.add(
            "demands",
            **shared,
            demand=f"forecast {bucket['start']}",
            kind="forecast",
            qty=bucket["gross"],
            due=moment(bucket["start"]),
            period_end=moment(bucket["end"]),
            priority=10,
        )
    for order in orders:
        case.add(
            "demands",
            demand=order["name"],
            product=order["item"],
            location=order["location"],
            customer=order.get("customer"),
            qty=order["quantity"],
            due=moment(order["due"]),
            status=order.get("status"),
        )
    _customers(case)
    _products(case)


def snapshot_of(path: Path) -> tuple[Snapshot, list[str]]:
    """Read a case as a snapshot, with notes on what is lost."""
    from medhavi.snapshot import Snapshot

    tables, notes = tables_of(json.loads(path.read_text("utf-8")))
    return Snapshot.from_frames(tables), notes


def main() -> int:
    """Convert one case."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("case", type=Path, help="a case or a bare model, JSON")
    options.add_argument("folder", type=Path, help="where the tables go")
    chosen = options.parse_args()
    snapshot, notes = snapshot_of(chosen.case)
    snapshot.to_folder(chosen.folder, "csv")
    for note in notes:
        print(note, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
