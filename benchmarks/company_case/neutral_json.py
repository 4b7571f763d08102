"""Neutral JSON of the tables of a model, as frePPLe reads it.

What it cannot say is left out, and each column that is left out is named.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Row = Mapping[str, Any]
    Record = dict[str, Any]

STATED = {
    "settings": "as_of",
    "locations": "location",
    "calendars": "calendar",
    "shifts": "calendar weekday start finish",
    "calendar_exceptions": "calendar start finish capacity",
    "resources": "resource location calendar changeover_matrix cost_per_hour",
    "changeovers": "matrix from_family to_family setup_minutes",
    "products": "product unit_cost",
    "routings": "routing product location min_lot lot_multiple",
    "bom_lines": "routing line component qty_per",
    "steps": "routing step sequence run_minutes_per_unit family",
    "step_resources": "routing step resource choice preference speed",
    "suppliers": "supplier",
    "supply_terms": "supplier product location lead_time_days moq lot_multiple "
    "unit_price",
    "lanes": "lane origin destination duration_h",
    "sourcing": "product location kind source",
    "stock": "product location qty",
    "supply_orders": "supply_order kind product location qty start due status source",
    "supply_order_steps": "supply_order step resource start finish",
    "demands": "demand product location qty due priority min_shipment",
}
"""What the JSON carries of each table."""
IMPLIED = {("settings", "timezone"), ("locations", "timezone")}
"""Columns that the JSON does not carry because all its times are UTC."""
IMPLIED |= {("settings", "horizon_days"), ("calendars", "timezone")}
IMPLIED |= {("calendar_exceptions", "reason"), ("products", "family")}
DAY_SECONDS = 86400
CONFIRMED = {"planned": "proposed", "firmed": "approved", "released": "confirmed"}


def neutral_of(tables: Mapping[str, Sequence[Row]]) -> tuple[Record, list[str]]:
    """Model in neutral JSON, and what it leaves out, a line a column.

    Parameters
    ----------
    tables
        Table to its rows, as `company_case.tables` writes them.
    """
    return _Writing(tables).model(), sorted(_left_out(tables))


def _left_out(tables: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Columns with values that the JSON does not carry, with the number of rows."""
    for table, rows in tables.items():
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            for column, value in row.items():
                counts[column] += value is not None
        for column, count in counts.items():
            carried = (
                column in STATED.get(table, "").split() or (table, column) in IMPLIED
            )
            if count and not carried:
                yield f"{table}.{column}: {count} values"


class _Writing:
    """The records of one model.

    Parameters
    ----------
    tables
        Table to its rows.
    """

    def __init__(self, tables: Mapping[str, Sequence[Row]]) -> None:
        self._tables = tables
        self._steps = _grouped(self._rows("steps"), "routing")
        self._machines = _grouped(self._rows("step_resources"), "routing", "step")
        self._components = _grouped(self._rows("bom_lines"), "routing")
        self._operations: list[Record] = []

    def _rows(self, table: str) -> Sequence[Row]:
        return self._tables.get(table, ())

    def model(self) -> Record:
        """All sections."""
        for row in self._rows("routings"):
            self._operation(row)
        return {
            "current": _text(self._rows("settings")[0]["as_of"]),
            "calendars": list(self._calendars()),
            "locations": [{"name": row["location"]} for row in self._rows("locations")],
            "suppliers": [{"name": row["supplier"]} for row in self._rows("suppliers")],
            "items": [
                {"name": row["product"], "cost": row.get("unit_cost", 0.0)}
                for row in self._rows("products")
            ],
            "item_suppliers": [
                {
                    "item": row["product"],
                    "supplier": row["supplier"],
                    "location": row["location"],
                    "leadtime_s": round(row["lead_time_days"] * DAY_SECONDS),
                    "size_minimum": row["moq"],
                    "size_multiple": row["lot_multiple"],
                    "cost": row["unit_price"],
                }
                for row in self._rows("supply_terms")
            ],
            "item_distributions": list(self._distributions()),
            "setup_matrices": list(self._matrices()),
            "resources": [
                {
                    "name": row["resource"],
                    "type": "resource_default",
                    "location": row["location"],
                    "maximum": 1,
                    "cost": row["cost_per_hour"],
                    **_stated("available", row.get("calendar")),
                    **_stated("setupmatrix", row.get("changeover_matrix")),
                }
                for row in self._rows("resources")
            ],
            "buffers": [
                {
                    **_point(row["product"], row["location"]),
                    "name": _buffer(row["product"], row["location"]),
                    "onhand": row["qty"],
                }
                for row in self._rows("stock")
            ],
            "operations": self._operations,
            "existing_orders": list(self._orders()),
            "demands": [
                {
                    **_point(row["product"], row["location"]),
                    "name": row["demand"],
                    "quantity": row["qty"],
                    "due": _text(row["due"]),
                    "priority": row["priority"],
                    "minshipment": row["min_shipment"],
                }
                for row in self._rows("demands")
            ],
        }

    def _calendars(self) -> Iterator[Record]:
        """Calendars closed by default; shifts open them, exceptions win."""
        shifts = _grouped(self._rows("shifts"), "calendar")
        exceptions = _grouped(self._rows("calendar_exceptions"), "calendar")
        for row in self._rows("calendars"):
            name = row["calendar"]
            closed = [
                {
                    "start": _text(one["start"]),
                    "end": _text(one["finish"]),
                    "value": int(one["capacity"] > 0),
                    "priority": 0,
                }
                for one in exceptions.get((name,), ())
            ]
            opened = [part for one in shifts.get((name,), ()) for part in _shift(one)]
            yield {"name": name, "default": 0, "buckets": [*closed, *opened]}

    def _matrices(self) -> Iterator[Record]:
        for (name,), rows in _grouped(self._rows("changeovers"), "matrix").items():
            rules = [
                {
                    "priority": place,
                    "fromsetup": row["from_family"],
                    "tosetup": row["to_family"],
                    "duration_s": round(row["setup_minutes"] * 60),
                }
                for place, row in enumerate(rows)
            ]
            yield {"name": name, "rules": rules}

    def _distributions(self) -> Iterator[Record]:
        """Moves of a product; a lane of the tables may move any."""
        lanes = {row["lane"]: row for row in self._rows("lanes")}
        for row in self._rows("sourcing"):
            lane = lanes[row["source"]]
            yield {
                "item": row["product"],
                "origin": lane["origin"],
                "destination": lane["destination"],
                "leadtime_s": round(lane["duration_h"] * 3600),
                "size_minimum": 1,
            }

    # --- operations ----------------------------------------------------------------
    def _operation(self, row: Row) -> None:
        """Operation of a routing, or an alternate of one a choice of machines."""
        name = row["routing"]
        steps = self._steps[name,]
        taken = [self._machines[name, step["step"]] for step in steps]
        choices = list(product(*taken))
        choices.sort(
            key=lambda one: sum(machine.get("preference", 1) for machine in one)
        )
        above: Record = {}
        if len(choices) > 1:
            parts = [
                {"operation": _leaf(name, place), "priority": place + 1}
                for place in range(len(choices))
            ]
            above = {"owner": f"{name}, any machine"}
            self._operations.append(
                {
                    "name": above["owner"],
                    "type": "alternate",
                    "item": row["product"],
                    "location": row["location"],
                    "suboperations": parts,
                }
            )
        for place, machines in enumerate(choices):
            shared = {
                "name": _leaf(name, place),
                "item": row["product"],
                "location": row["location"],
                "size_minimum": row["min_lot"],
                "size_multiple": row["lot_multiple"],
                **above,
            }
            self._leaf(row, shared, machines)

    def _leaf(self, row: Row, shared: Record, machines: Sequence[Row]) -> None:
        """One operation, or a routing of one operation a step."""
        steps = self._steps[row["routing"],]
        works = [_work(step, one) for step, one in zip(steps, machines, strict=True)]
        flows = [
            _flow(part["component"], row["location"], -part["qty_per"], "start")
            for part in self._components[row["routing"],]
        ]
        result = [_flow(row["product"], row["location"], 1, "end")]
        if len(works) == 1:
            self._operations.append({**shared, **works[0], "flows": result + flows})
            return
        names = [f"{shared['name']}, step {step['step']}" for step in steps]
        self._operations.append(
            {
                **shared,
                "type": "routing",
                "suboperations": [
                    {"operation": name, "priority": place}
                    for place, name in enumerate(names, 1)
                ],
            }
        )
        for place, (name, work) in enumerate(zip(names, works, strict=True)):
            first, last = not place, place == len(works) - 1
            self._operations.append(
                {
                    "name": name,
                    "location": row["location"],
                    "owner": shared["name"],
                    **work,
                    "flows": (flows if first else []) + (result if last else []),
                }
            )

    # --- orders --------------------------------------------------------------------
    def _orders(self) -> Iterator[Record]:
        steps = _grouped(self._rows("supply_order_steps"), "supply_order")
        for row in self._rows("supply_orders"):
            stated = {
                "reference": row["supply_order"],
                "quantity": row["qty"],
                "end": _text(row["due"]),
                "status": CONFIRMED[row["status"]],
                **_stated("start", row.get("start") and _text(row["start"])),
            }
            if row["kind"] == "purchase":
                own = {"type": "PO", "supplier": row["source"]}
                yield {**stated, **own, **_point(row["product"], row["location"])}
                continue
            parts = steps.get((row["supply_order"],), ())
            work = {**stated, "type": "MO", "operation": row["source"]}
            if len(parts) == 1:
                yield {**work, "resources": [parts[0]["resource"]]}
                continue
            yield work
            for part in parts:
                yield {
                    **work,
                    "reference": f"{row['supply_order']} step {part['step']}",
                    "operation": f"{row['source']}, step {part['step']}",
                    "start": _text(part["start"]),
                    "end": _text(part["finish"]),
                    "owner": row["supply_order"],
                    "resources": [part["resource"]],
                }


def _grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[column] for column in columns)].append(row)
    return dict(found)


def _leaf(routing: str, place: int) -> str:
    """Name of the operation of a choice of machines; the first has the routing's."""
    return f"{routing}, choice {place + 1}" if place else routing


def _work(step: Row, machine: Row) -> Record:
    """Duration and load of a step on one of its machines."""
    seconds = step["run_minutes_per_unit"] * 60 / machine.get("speed", 1.0)
    load = {"resource": machine["resource"], "quantity": 1}
    return {
        "type": "time_per",
        "duration_s": 0,
        "duration_per_s": round(seconds, 3),
        "loads": [{**load, **_stated("setup", step.get("family"))}],
    }


def _shift(row: Row) -> Iterator[Record]:
    """Buckets of a shift: two where it passes midnight."""
    start, finish = _clock(row["start"]), _clock(row["finish"]) or DAY_SECONDS
    spans = [(row["weekday"], start, finish)]
    if finish <= start:
        spans = [(row["weekday"], start, DAY_SECONDS), (row["weekday"] + 1, 0, finish)]
    for weekday, low, high in spans:
        yield {
            "value": 1,
            "priority": 1,
            # Bit 0 is Sunday.
            "days": 1 << weekday % 7,
            "starttime_s": low,
            "endtime_s": high,
        }


def _flow(item: str, location: str, qty: float, at: str) -> Record:
    return {
        **_point(item, location),
        "buffer": _buffer(item, location),
        "quantity": qty,
        "at": at,
    }


def _buffer(item: str, location: str) -> str:
    return f"{item} @ {location}"


def _point(item: str, location: str) -> Record:
    return {"item": item, "location": location}


def _stated(key: str, value: object) -> Record:
    return {} if value is None else {key: value}


def _clock(moment: dt.time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _text(moment: dt.datetime) -> str:
    """Instant as the neutral JSON writes it: without zone."""
    return moment.replace(tzinfo=None).isoformat()
