"""What each kind of change does to the rows of a snapshot.

Every function takes a snapshot and the read values of a change and gives the tables
that differ, by name, each whole. A change that selects nothing raises `NothingChanged`,
for a scenario that is equal to its base by mistake would be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import polars as pl

from medhavi.providers.product_facts import ProductFacts
from medhavi.providers.table_rows import read_tables
from medhavi.scenarios.parameter import instant
from medhavi.units import exact, from_seconds, from_steps

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.reading.local_days import Edge

Values = Mapping[str, object]
Tables = dict[str, pl.DataFrame]
PLANNED = ("open", "quote")


class NothingChanged(Exception):  # noqa: N818 - reads as what it is
    """No row of the table fits the selection of a change."""

    def __init__(self, table: str, selection: str) -> None:
        super().__init__(table, selection)
        self.table = table
        self.selection = selection


# ------------------------------------------------------------------- disruptions
def disrupt(kind: str, subject: str) -> object:
    """Function that adds a disruption; `subject` is its parameter."""

    def change(snapshot: Snapshot, values: Values) -> Tables:
        name = str(values[subject])
        begin = _begin(snapshot, values, kind=kind, subject=name)
        row = {
            "disruption": f"study:{kind}:{name}:{begin:%Y%m%dT%H%M%SZ}",
            "kind": kind,
            "subject": name,
            "valid_from": begin,
            "valid_to": _end(snapshot, values, kind=kind, subject=name),
            "severity": values.get("severity", 1.0),
            "delay_days": values.get("days", 0.0),
        }
        return {"disruptions": _with_rows(snapshot, "disruptions", [row])}

    return change


# ------------------------------------------------------------------------ demand
def scale_demand(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply open demand; each line is rounded up to the step of its product."""
    frame = snapshot["demands"]
    chosen = pl.col("status").is_in(PLANNED) & _selection(
        values, ("product", "location", "customer")
    )
    facts = ProductFacts(read_tables(snapshot, ("products", "locations")))
    factor = exact(cast("float", values["factor"]))

    def scaled(row: Mapping[str, object]) -> float:
        step = facts.step(str(row["product"]))
        amount = exact(cast("float", row["qty"])) * factor
        return from_steps(-(-amount // step), step)

    marked = frame.select(chosen.fill_null(value=False)).to_series()
    _need(marked, "demands", values)
    qtys = [
        scaled(row) if hit else row["qty"]
        for row, hit in zip(frame.iter_rows(named=True), marked, strict=True)
    ]
    return {"demands": frame.with_columns(pl.Series("qty", qtys, pl.Float64))}


def add_demand(snapshot: Snapshot, values: Values) -> Tables:
    """Add one order line."""
    row = {
        "demand": values.get("demand", f"study:{values['product']}:{values['due']}"),
        "due": _asked(snapshot, values["due"], "end", location=values["location"]),
        **{
            name: values[name]
            for name in ("product", "location", "qty", "customer")
            if name in values
        },
        **({"priority": int(values["priority"])} if "priority" in values else {}),  # type: ignore[call-overload]
    }
    return {"demands": _with_rows(snapshot, "demands", [row])}


def change_demand(snapshot: Snapshot, values: Values) -> Tables:
    """Order line another quantity, due date or priority."""
    cells: dict[str, pl.Expr] = {}
    if "qty" in values:
        cells["qty"] = pl.lit(values["qty"], pl.Float64)
    if "priority" in values:
        cells["priority"] = pl.lit(int(cast("float", values["priority"])), pl.Int64)
    if "due" in values:
        due = _asked(snapshot, values["due"], "end", demand=values.get("demand"))
        cells["due"] = pl.lit(due, pl.Datetime("us", "UTC"))
    return _rewritten(snapshot, "demands", values, ("demand",), cells)


def remove_demand(snapshot: Snapshot, values: Values) -> Tables:
    """Take an order line out."""
    return _without_rows(snapshot, "demands", values, ("demand",))


# ------------------------------------------------------------ capacity and time
def scale_capacity(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply the speed (efficiency) of resources, dated rows included."""
    faster = pl.col("efficiency") * cast("float", values["factor"])
    changed = _rewritten(
        snapshot, "resources", values, ("resource",), {"efficiency": faster}
    )
    dated = snapshot["resource_units"]
    if not dated.is_empty():
        hit = _selection(values, ("resource",))
        changed["resource_units"] = dated.with_columns(
            pl.when(hit)
            .then(faster)
            .otherwise(pl.col("efficiency"))
            .alias("efficiency")
        )
    return changed


def open_calendar(snapshot: Snapshot, values: Values) -> Tables:
    """Open a calendar in a span, such as overtime."""
    return _exception(snapshot, values, 1.0)


def close_calendar(snapshot: Snapshot, values: Values) -> Tables:
    """Close a calendar in a span, such as a holiday."""
    return _exception(snapshot, values, 0.0)


def _exception(snapshot: Snapshot, values: Values, capacity: float) -> Tables:
    frame = snapshot["calendar_exceptions"]
    calendar = str(values["calendar"])
    others = frame.filter(pl.col("calendar") == calendar)["priority"].max()
    row = {
        "calendar": calendar,
        "start": _asked(snapshot, values["start"], "begin", calendar=calendar),
        "finish": _asked(snapshot, values["finish"], "end", calendar=calendar),
        "capacity": capacity,
        "priority": 0 if others is None else int(cast("int", others)) + 1,
        "reason": "study",
    }
    return {"calendar_exceptions": _with_rows(snapshot, "calendar_exceptions", [row])}


def scale_lead_time(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply the lead times of suppliers: terms and estimates alike."""
    factor = cast("float", values["factor"])
    days = [
        (pl.col(name) * factor).alias(name)
        for name in ("lead_time_days", "lead_time_p95_days")
    ]
    changed = _rewritten(
        snapshot,
        "supply_terms",
        values,
        ("supplier",),
        {column.meta.output_name(): column for column in days},
    )
    return {
        **changed,
        **_scaled_estimates(snapshot, "supplier", values.get("supplier"), factor),
    }


def scale_transit(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply the duration of lanes: stated times and estimates alike."""
    factor = cast("float", values["factor"])
    hours = {name: pl.col(name) * factor for name in ("duration_h", "duration_p95_h")}
    changed = _rewritten(snapshot, "lanes", values, ("lane",), hours)
    return {
        **changed,
        **_scaled_estimates(snapshot, "lane", values.get("lane"), factor),
    }


def _scaled_estimates(
    snapshot: Snapshot, kind: str, subject: object, factor: float
) -> Tables:
    frame = snapshot["estimates"]
    hit = (pl.col("kind") == kind) & (pl.col("quantity") == "lead_days")
    if subject is not None:
        hit &= pl.col("subject") == subject
    if frame.filter(hit).is_empty():
        return {}
    return {
        "estimates": frame.with_columns(
            pl.when(hit).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
            for name in ("p50", "p80", "p95")
        )
    }


# ------------------------------------------------------------ stock, rules, money
def scale_stock(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply stock on hand; negative bookings stay as they are."""
    factor = cast("float", values["factor"])
    scaled = (
        pl.when(pl.col("qty") > 0).then(pl.col("qty") * factor).otherwise(pl.col("qty"))
    )
    return _rewritten(
        snapshot, "stock", values, ("product", "location"), {"qty": scaled}
    )


def scale_safety(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply safety stock, in quantity and in days."""
    factor = cast("float", values["factor"])
    return _rewritten(
        snapshot,
        "inventory_policies",
        values,
        ("product", "location"),
        {name: pl.col(name) * factor for name in ("safety_qty", "safety_days")},
    )


def scale_price(snapshot: Snapshot, values: Values) -> Tables:
    """Multiply what suppliers ask, price breaks included."""
    dearer = {"unit_price": pl.col("unit_price") * cast("float", values["factor"])}
    changed = _rewritten(snapshot, "supply_terms", values, ("supplier",), dearer)
    if not snapshot["price_tiers"].filter(_selection(values, ("supplier",))).is_empty():
        changed |= _rewritten(snapshot, "price_tiers", values, ("supplier",), dearer)
    return changed


# ---------------------------------------------------------------------- any table
def set_cells(snapshot: Snapshot, values: Values) -> Tables:
    """Write cells into the rows of a table that a selection names."""
    table = str(values["table"])
    rows = snapshot[table].to_dicts()
    wanted = cast("Mapping[str, object]", values.get("where", {}))
    cells = cast("Mapping[str, object]", values["set"])
    hit = [_fits(row, wanted) for row in rows]
    if not any(hit):
        raise NothingChanged(table, _words(wanted))
    return {
        table: _frame(
            snapshot,
            table,
            [
                {**row, **cells} if at else row
                for row, at in zip(rows, hit, strict=True)
            ],
        )
    }


def add_row(snapshot: Snapshot, values: Values) -> Tables:
    """Add one row to a table."""
    table = str(values["table"])
    row = cast("Mapping[str, object]", values["row"])
    return {table: _with_rows(snapshot, table, [row])}


def remove_rows(snapshot: Snapshot, values: Values) -> Tables:
    """Take the rows of a table out that a selection names."""
    table = str(values["table"])
    wanted = cast("Mapping[str, object]", values["where"])
    rows = snapshot[table].to_dicts()
    kept = [row for row in rows if not _fits(row, wanted)]
    if len(kept) == len(rows):
        raise NothingChanged(table, _words(wanted))
    return {table: _frame(snapshot, table, kept)}


def _fits(row: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Compare cells by their text; an instant also by its moment."""
    return all(
        row[name] == value
        or str(row[name]) == str(value)
        or (row[name] is not None and row[name] == instant(value))
        for name, value in wanted.items()
    )


# ------------------------------------------------------------------------- shared
def _asked(
    snapshot: Snapshot, value: object, edge: Edge, **cells: object
) -> dt.datetime | None:
    """Read an instant; a date is a local day of the row that the cells lead to."""
    return instant(value, edge, snapshot.local_days.zone_of(**cells) or "UTC")


def _begin(snapshot: Snapshot, values: Values, **cells: object) -> dt.datetime:
    """Begin of a span; now of the plan where it is not stated."""
    stated = values.get("start")
    found = None if stated is None else _asked(snapshot, stated, "begin", **cells)
    return found or from_seconds(snapshot.as_of)


def _end(snapshot: Snapshot, values: Values, **cells: object) -> dt.datetime | None:
    """End of a span; None where it is open."""
    stated = values.get("finish")
    return None if stated is None else _asked(snapshot, stated, "end", **cells)


def _selection(values: Values, names: tuple[str, ...]) -> pl.Expr:
    """Select the rows that the stated parameters name; all where none is stated."""
    expression = pl.lit(value=True)
    for name in names:
        if name in values:
            expression &= pl.col(name) == values[name]
    return expression


def _words(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "any"


def _need(marked: pl.Series, table: str, values: Values) -> None:
    if not marked.any():
        chosen = {k: v for k, v in values.items() if isinstance(v, str)}
        raise NothingChanged(table, _words(chosen))


def _rewritten(
    snapshot: Snapshot,
    table: str,
    values: Values,
    names: tuple[str, ...],
    cells: Mapping[str, pl.Expr],
) -> Tables:
    frame = snapshot[table]
    hit = _selection(values, names)
    _need(
        frame.select(hit.fill_null(value=False).alias("hit")).to_series(), table, values
    )
    return {
        table: frame.with_columns(
            pl.when(hit).then(new).otherwise(pl.col(name)).alias(name)
            for name, new in cells.items()
        )
    }


def _without_rows(
    snapshot: Snapshot, table: str, values: Values, names: tuple[str, ...]
) -> Tables:
    frame = snapshot[table]
    kept = frame.filter(~_selection(values, names).fill_null(value=False))
    if kept.height == frame.height:
        raise NothingChanged(table, _words(values))
    return {table: kept}


def _with_rows(
    snapshot: Snapshot, table: str, rows: Sequence[Mapping[str, object]]
) -> pl.DataFrame:
    """Add rows; the new ones are read, completed and checked as input is."""
    fresh = _frame(snapshot, table, rows)
    return pl.concat([snapshot[table], fresh], how="vertical")


def _frame(
    snapshot: Snapshot, table: str, rows: Sequence[Mapping[str, object]]
) -> pl.DataFrame:
    return snapshot.replace(**{table: rows})[table]
