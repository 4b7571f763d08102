"""Small snapshots by keyword: a test names what matters, the rest is filled in.

    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 100}],
        supply_terms=[{"product": "A", "lead_time_days": 5}],
    )

Columns that a row leaves out take the values of `DEFAULTS` (ids count up per table);
rows of other tables that are referred to (products, locations, …) are added.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from medhavi import schema
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

AS_OF = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
"""Now of every small snapshot: a Monday, midnight UTC."""

Row = Mapping[str, object]

DEFAULTS: Mapping[str, Row] = {
    "settings": {"as_of": AS_OF},
    "products": {"product": "A"},
    "substitutes": {"product": "A", "substitute": "B"},
    "uom_conversions": {"product": "A", "uom": "box", "factor": 12},
    "locations": {"location": "L"},
    "customers": {"customer": "C"},
    "calendars": {"calendar": "CAL"},
    "shifts": {
        "calendar": "CAL",
        "weekday": 1,
        "start": dt.time(8),
        "finish": dt.time(16),
    },
    "calendar_exceptions": {
        "calendar": "CAL",
        "start": AS_OF,
        "finish": AS_OF + dt.timedelta(days=1),
    },
    "resources": {"resource": "M", "location": "L"},
    "resource_units": {"resource": "M", "units": 1},
    "resource_skills": {"resource": "M", "skill": "any"},
    "resource_state": {"resource": "M", "family": "F"},
    "routings": {"routing": "R", "product": "A", "location": "L"},
    "routing_outputs": {"routing": "R", "product": "A"},
    "bom_lines": {"routing": "R", "component": "B", "qty_per": 1},
    "steps": {"routing": "R", "step": 1},
    "step_links": {"routing": "R", "step": 2, "after": 1},
    "step_resources": {"routing": "R", "step": 1, "resource": "M"},
    "changeovers": {
        "matrix": "X",
        "from_family": "*",
        "to_family": "*",
        "setup_minutes": 10,
    },
    "campaign_rules": {"resource": "M", "family": "F"},
    "cleaning_windows": {
        "resource": "M",
        "valid_from": AS_OF,
        "valid_to": AS_OF + dt.timedelta(hours=4),
    },
    "tariffs": {"location": "L", "valid_from": AS_OF, "price_per_kwh": 0.2},
    "suppliers": {"supplier": "S"},
    "supply_terms": {
        "supplier": "S",
        "product": "A",
        "location": "L",
        "lead_time_days": 5,
    },
    "price_tiers": {
        "supplier": "S",
        "product": "A",
        "location": "L",
        "min_qty": 0,
        "unit_price": 1,
    },
    "supplier_capacity": {
        "supplier": "S",
        "valid_from": AS_OF,
        "valid_to": AS_OF + dt.timedelta(days=28),
        "qty": 100,
    },
    "lanes": {"lane": "T", "origin": "L", "destination": "W", "duration_h": 24},
    "departures": {"lane": "T", "weekday": 1, "time": dt.time(8)},
    "lane_blackouts": {
        "lane": "T",
        "valid_from": AS_OF,
        "valid_to": AS_OF + dt.timedelta(days=7),
    },
    "sourcing": {"product": "A", "location": "L", "kind": "make", "source": "R"},
    "stock": {"product": "A", "location": "L", "qty": 10},
    "supply_orders": {
        "supply_order": "O",
        "kind": "purchase",
        "product": "A",
        "location": "L",
        "qty": 10,
        "due": AS_OF + dt.timedelta(days=7),
    },
    "supply_order_steps": {"supply_order": "O1", "step": 1},
    "demands": {
        "demand": "D",
        "product": "A",
        "location": "L",
        "qty": 10,
        "due": AS_OF + dt.timedelta(days=28),
    },
    "reservations": {
        "reservation": "V",
        "key": "V",
        "kind": "material",
        "subject": "A",
        "location": "L",
        "qty": 10,
        "start": AS_OF,
        "finish": AS_OF + dt.timedelta(days=28),
    },
    "pegs": {
        "demand": "D1",
        "supply": "O1",
        "product": "A",
        "location": "L",
        "qty": 10,
    },
    "inventory_policies": {"product": "A", "location": "L"},
    "inventory_levels": {"product": "A", "location": "L"},
    "storage_limits": {"product": "A", "location": "L", "max_qty": 100},
    "forecast_policies": {},
    "promise_policies": {"policy": "P"},
    "fx_rates": {"currency": "USD", "as_of": AS_OF.date(), "rate": 0.9},
    "disruptions": {
        "disruption": "X",
        "kind": "resource_down",
        "subject": "M",
        "valid_from": AS_OF,
    },
    "estimates": {
        "kind": "supplier",
        "subject": "S",
        "quantity": "lead_days",
        "p50": 5,
        "p80": 7,
        "p95": 10,
        "model": "test",
        "version": "1",
        "basis": "model",
    },
}
"""Per table what a row holds unless it says otherwise."""

_COUNTED = {
    "supply_orders": "supply_order",
    "demands": "demand",
    "reservations": "reservation",
    "disruptions": "disruption",
    "lanes": "lane",
}
"""Tables whose rows get the ids D1, D2, … where they state none."""

_LINES = {"bom_lines": "line", "routing_outputs": "line"}
"""Tables whose rows count up within a routing."""

_ADDED = (
    "products",
    "locations",
    "suppliers",
    "customers",
    "calendars",
    "resources",
    "routings",
)
"""Tables whose missing rows are added when something refers to them."""


def row(table: str, position: int = 1, /, **cells: object) -> dict[str, object]:
    """One row of a table: the defaults, then the named cells.

    >>> row("stock", product="B")["qty"]
    10
    """
    complete = {**DEFAULTS[table], **cells}
    counted = _COUNTED.get(table)
    if counted and counted not in cells:
        complete[counted] = f"{DEFAULTS[table][counted]}{position}"
    if table in _LINES:
        complete.setdefault(_LINES[table], position)
    if table == "steps":
        complete.setdefault("sequence", complete["step"])
    if table == "reservations" and "key" not in cells:
        complete["key"] = complete["reservation"]
    return complete


def rows(table: str, given: Iterable[Row]) -> list[dict[str, object]]:
    """Rows of a table, each completed by the defaults."""
    return [
        row(table, position, **dict(cells)) for position, cells in enumerate(given, 1)
    ]


def tables(**given: Iterable[Row]) -> dict[str, list[dict[str, object]]]:
    """Completed rows of several tables, with the rows that they refer to."""
    complete = {name: rows(name, cells) for name, cells in given.items()}
    complete.setdefault("settings", rows("settings", [{}]))
    for name in _ADDED:
        _add_referred(complete, name)
    _add_referred(complete, "products")
    _add_referred(complete, "locations")
    return complete


def snapshot(**given: Iterable[Row]) -> Snapshot:
    """Build a snapshot from partial rows."""
    return Snapshot.from_frames(tables(**given))


def bare(**given: Iterable[Row]) -> Snapshot:
    """Build a snapshot from partial rows, without the rows that they refer to."""
    complete = {name: rows(name, cells) for name, cells in given.items()}
    complete.setdefault("settings", rows("settings", [{}]))
    return Snapshot.from_frames(complete)


def _add_referred(complete: dict[str, list[dict[str, object]]], name: str) -> None:
    """Add the rows of a table that others name and that are not there."""
    key = schema.tables()[name].key[0]
    have = {entry[key] for entry in complete.get(name, ())}
    wanted: dict[object, None] = {}
    for table, entries in complete.items():
        for column in schema.tables()[table].columns.values():
            if column.refs == ((name, key),):
                wanted.update(
                    dict.fromkeys(entry.get(column.name) for entry in entries)
                )
    missing = [entry for entry in wanted if entry not in have | {None, "*"}]
    if missing:
        added = rows(name, [{key: entry} for entry in missing])
        complete.setdefault(name, []).extend(added)
