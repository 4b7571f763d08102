"""Edits of planning data: cells that a person overrides, changeovers, new rows."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import polars as pl

from medhavi import schema
from medhavi.edits.catalogue import change
from medhavi.edits.parameter import Argument, Cell, CellValue, Key, NewRow
from medhavi.findings import BadData, finding
from medhavi.providers import Providers
from medhavi.providers.lead_times import EVERY_PRODUCT
from medhavi.schema import cell
from medhavi.snapshot import Snapshot
from medhavi.snapshot.patch import Patch, RowChange
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.findings import Finding

    Row = dict[str, Any]

ANY = "*"
"""Stands for any family."""
_OF_TYPE = "Give a value of the column's type."
_HELD = {
    "int": "whole numbers, such as 12",
    "float": "numbers, such as 1234.5",
    "bool": "true or false",
    "timestamp": "times, such as 2026-12-04T14:00:00Z",
    "time": "times of day, such as 06:00",
}
"""What a column of a type holds, for people."""
NO_KEY: Key = MappingProxyType({})
"""Names the row of a table that has one."""


# --------------------------------------------------------------------------- overrides
@change("Let your value win over a stated one.", event="override")
def override(  # noqa: PLR0913 - a cell is named by three
    snapshot: Snapshot,
    *,
    table: Annotated[str, Argument("Planning table.")],
    column: Annotated[str, Argument("Which column.")],
    key: Annotated[
        Key, Argument("column=value that names the row; settings have one.")
    ] = NO_KEY,
    value: Annotated[Cell, Argument("New value as JSON or text.")] = None,
    cells: Annotated[
        tuple[CellValue, ...],
        Argument("Further cell as JSON: table, key, column and value.", option="also"),
    ] = (),
    valid_from: Annotated[
        dt.datetime | None, Argument("It holds from then on.")
    ] = None,
    valid_to: Annotated[dt.datetime | None, Argument("It holds until then.")] = None,
) -> Patch:
    """Cells that get a person's values; none where these do not hold now."""
    found: list[Finding] = []
    named: list[tuple[object, ...]] = []
    made = Patch()
    for one in overridden(
        table=table, key=key, column=column, value=value, cells=cells
    ):
        wrong = _wrong_cell(snapshot, one)
        if wrong is not None:
            found.append(wrong)
            continue
        after = made.apply(snapshot)
        (row,) = rows_with(after, one.table, one.key)
        place = one.table, *(row[name] for name in _key_of(one.table)), one.column
        if place in named:
            twice = f"{one.column} of this row is named twice"
            way_out = "Name each cell once."
            found.append(refused("supply_orders", "cells", one.value, twice, way_out))
        named.append(place)
        typed = {one.column: cell(one.table, one.column, one.value)}
        made = made.then(Patch.of(after, {one.table: [{**row, **typed}]}))
    if found:
        raise BadData(found)
    now = from_seconds(int(snapshot.as_of))
    begun = valid_from is None or valid_from <= now
    return made if begun and (valid_to is None or now < valid_to) else Patch()


def overridden(
    *,
    table: str,
    key: Key = NO_KEY,
    column: str,
    value: Cell = None,
    cells: tuple[CellValue, ...] = (),
    **_validity: object,
) -> tuple[CellValue, ...]:
    """All cells of an override with their values."""
    return CellValue(table, key, column, value), *cells


def cell_changes(
    cells: Iterable[CellValue], snapshot: Snapshot
) -> tuple[RowChange, ...]:
    """Each overridden cell before and after, by the key of its row."""
    found = []
    for one in cells:
        (row,) = rows_with(snapshot, one.table, one.key)
        stated = (name for name in _key_of(one.table) if row[name] is not None)
        found.append(
            RowChange(
                table=one.table,
                key={name: str(row[name]) for name in stated},
                before={one.column: row[one.column]},
                after={one.column: one.value},
            )
        )
    return tuple(found)


def rows_with(snapshot: Snapshot, table: str, key: Key) -> list[Row]:
    """Rows of a table whose cells are, as texts, those of a key."""
    frame = snapshot[table]
    for name, text in key.items():
        if frame.schema.get(name) == pl.String:
            frame = frame.filter(pl.col(name) == text)
    return [
        row
        for row in frame.iter_rows(named=True)
        if all(str(row.get(name)) == text for name, text in key.items())
    ]


def _key_of(table: str) -> tuple[str, ...]:
    return schema.tables()[table].key


def _wrong_cell(snapshot: Snapshot, one: CellValue) -> Finding | None:
    """Why a cell cannot be overridden."""
    tables = schema.tables()
    if one.table not in tables:
        return unknown("table", one.table, tables)
    columns, key = tables[one.table].columns, _key_of(one.table)
    if one.column not in columns:
        return unknown("column", one.column, columns)
    rows = rows_with(snapshot, one.table, one.key)
    if len(rows) != 1 or one.column in key:
        words = ", ".join(f"{name} = {text}" for name, text in one.key.items())
        reason = f"it names {len(rows)} rows of {one.table}"
        if one.column in key:
            reason = f"{one.column} says which row it is and cannot be another"
        missing = sorted(set(key) - set(one.key))
        way_out = f"Name the row by {', '.join(missing or key)}."
        return refused(one.table, "key", words, reason, way_out)
    try:
        cell(one.table, one.column, one.value)
    except msgspec.ValidationError as error:
        held = _HELD.get(columns[one.column].type)
        reason = f"the column holds {held}" if held else str(error).splitlines()[0]
        return refused(one.table, one.column, one.value, reason, _OF_TYPE)
    return None


_STATED = {
    "supply_terms": ("supplier", {"lead_time_days", "lead_time_p95_days"}),
    "lanes": ("lane", {"duration_h", "duration_p95_h", "customs_h"}),
}
"""Per table what an estimate is about, and the times that it takes the place of."""


def hidden_times(rows: Iterable[RowChange], snapshot: Snapshot) -> tuple[Finding, ...]:
    """Name the cells of changed rows whose times were learned (`LeadTimes`)."""
    lead_times = Providers(snapshot).lead_times
    found = []
    for edited in rows:
        kind, columns = _STATED.get(edited.table, ("", frozenset()))
        stated = sorted(columns & set(edited.after or ()))
        if not stated:
            continue
        subject, product = edited.key[kind], edited.key.get("product", EVERY_PRODUCT)
        learned = lead_times.learned_days(subject, product, kind)
        if learned is not None:
            told = finding(
                "ORD010",
                table=edited.table,
                column=", ".join(stated),
                value=f"{kind} {subject}",
                model=learned["model"],
                version=learned["version"],
            )
            found.append(told)
    return tuple(found)


def learned_time_edit(
    estimate: Mapping[str, Any], quantiles: Mapping[str, float]
) -> dict[str, Any]:
    """Edit that puts other quantiles in the place of a learned time, all at once.

    Parameters
    ----------
    estimate
        Row of `estimates`; see `LeadTimes.learned_days`.
    quantiles
        `p50`, `p80` and `p95` in its unit.
    """
    key = {name: str(estimate[name]) for name in _key_of("estimates")}
    first, *others = (
        {"table": "estimates", "key": key, "column": column, "value": value}
        for column, value in quantiles.items()
    )
    return {"kind": "override", **first, "cells": others}


# ------------------------------------------------------------------------- changeovers
@change("Give a change of families another time.", event="rows", command="change_setup")
def changeover(
    snapshot: Snapshot,
    *,
    key: Annotated[
        Key,
        Argument(
            "Matrix, family before, family after; * is any family.",
            columns=(
                ("matrix", "matrix", "Changeover matrix."),
                ("from_family", "before", "Family before; * is any family."),
                ("to_family", "after", "Family after."),
            ),
        ),
    ],
    value: Annotated[
        Cell, Argument("Minutes; without it the row goes.", option="minutes")
    ] = None,
    cleaning: Annotated[bool | None, Argument("Left out: as before.")] = None,
    cost: Annotated[float | None, Argument("Money; left out: as before.")] = None,
) -> Patch:
    """Row of `changeovers`; what is not stated stays as it is.

    Without minutes the row goes, and a row for any family counts again.
    """
    rows = rows_with(snapshot, "changeovers", key)
    before = rows[0] if rows else None
    found = _wrong_change(key, snapshot) or _wrong_time(value, cost, before)
    if found is not None:
        raise BadData([found])
    if value is None:
        return Patch.removing(snapshot, "changeovers", key)
    stated = {"setup_minutes": value, "cleaning": cleaning, "cost": cost}
    filled = {name: one for name, one in stated.items() if one is not None}
    patch = Patch.of(snapshot, {"changeovers": [{**(before or key), **filled}]})
    if patch.upserts["changeovers"].row(0, named=True) == before:
        raise BadData([_no_change(value, "it is so already", "Leave it as it is.")])
    return patch


def _wrong_change(key: Key, snapshot: Snapshot) -> Finding | None:
    names = _key_of("changeovers")
    if set(key) != set(names) or not all(key.values()):
        words = ", ".join(f"{name} = {text}" for name, text in sorted(key.items()))
        way_out = f"Name the change by {', '.join(names)}; * stands for any family."
        return _no_change(words or "nothing", "it names no change", way_out, "key")
    known = {
        *snapshot["changeovers"]["matrix"].to_list(),
        *snapshot["resources"]["changeover_matrix"].drop_nulls().to_list(),
    }
    if key["matrix"] not in known:
        return unknown("matrix", key["matrix"], sorted(known))
    if key["from_family"] == key["to_family"] != ANY:
        return _no_change(
            key["to_family"],
            "the same family needs no change",
            "Choose another family before or after.",
            "to_family",
        )
    return None


def _wrong_time(
    minutes: Cell, cost: float | None, before: Row | None
) -> Finding | None:
    if minutes is None:
        if before is not None:
            return None
        return _no_change("nothing", "no row says how long it takes", "State minutes.")
    for column, value in (("setup_minutes", minutes), ("cost", cost)):
        if value is None:
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= float(value) < float("inf"):
            return _no_change(value, "no number of 0 or more", "Write one.", column)
    return None


def _no_change(
    value: object, reason: str, way_out: str, column: str = "setup_minutes"
) -> Finding:
    return refused("changeovers", column, value, reason, way_out)


# ---------------------------------------------------------------------------- new rows
@change("Add rows to demands or tables of master data.", event="rows")
def add_rows(
    snapshot: Snapshot,
    *,
    rows: Annotated[
        tuple[NewRow, ...],
        Argument('JSON: {"table": …, "row": {column: value}}.', option="row"),
    ],
) -> Patch:
    """Rows that nobody has stated: one more shift, lane, alternate."""
    found: list[Finding] = []
    made = Patch()
    for new in rows:
        typed, wrong = _typed(new)
        found += wrong
        if wrong:
            continue
        after = made.apply(snapshot)
        patch = Patch.of(after, {new.table: [typed]})
        if patch.changes(after)[0].before is not None:
            key = ", ".join(patch.changes(after)[0].key.values())
            there, way_out = "the row is there already", "Override its cells instead."
            found.append(refused(new.table, "key", key, there, way_out))
        made = made.then(patch)
    if found:
        raise BadData(found)
    return made


@change(
    "Let rows of demands or master data be as stated: new, other values, or none.",
    event="rows",
    needs=("rows", "removed"),
)
def replace_rows(
    snapshot: Snapshot,
    *,
    rows: Annotated[
        tuple[NewRow, ...],
        Argument('JSON: {"table": …, "row": {column: value}}.', option="row"),
    ] = (),
    removed: Annotated[
        tuple[NewRow, ...],
        Argument('JSON of a row that goes: {"table": …, "row": {key}}.'),
    ] = (),
) -> Patch:
    """Rows that stand in the place of those of the same key, or beside them."""
    found: list[Finding] = []
    stated: dict[str, list[Row]] = {}
    for new in rows:
        typed, wrong = _typed(new)
        found += wrong
        stated.setdefault(new.table, []).append(typed)
    if found:
        raise BadData(found)
    made = Patch.of(snapshot, stated)
    for gone in removed:
        made = made.then(Patch.removing(made.apply(snapshot), gone.table, gone.row))
    return made


def _typed(new: NewRow) -> tuple[Row, list[Finding]]:
    """Read the cells of a row; name what is wrong with its table, columns and key."""
    tables = schema.tables()
    if new.table not in tables:
        return {}, [unknown("table", new.table, tables)]
    columns = tables[new.table].columns
    typed: Row = {}
    found: list[Finding] = []
    for name, value in new.row.items():
        if name not in columns:
            found.append(unknown("column", name, columns))
            continue
        try:
            # A list is a tuple in an edit, that it can be compared.
            plain = list(value) if isinstance(value, tuple) else value
            typed[name] = cell(new.table, name, plain)
        except msgspec.ValidationError as error:
            found.append(refused(new.table, name, value, str(error), _OF_TYPE))
    for name in _key_of(new.table):
        if new.row.get(name) is None and columns[name].default is None:
            needed = "the row needs this column"
            found.append(refused(new.table, name, name, needed, "Give it a value."))
    if new.table == "demands" and typed.get("kind") != "forecast" and not found:
        # A line that names no order is an order of its own.
        typed["sales_order"] = typed.get("sales_order") or typed["demand"]
    return typed, found


def unknown(what: str, value: str, known: Collection[str]) -> Finding:
    """Finding about a name that is not in the plan or the tables."""
    return finding("ORD003", column=what, value=value, nearest=nearest(value, known))


def refused(
    table: str, column: str, value: object, reason: str, way_out: str
) -> Finding:
    """Finding about a value of an edit that cannot be, and the way out."""
    return finding(
        "ORD004",
        table=table,
        column=column,
        value=value,
        reason=reason,
        way_out=way_out,
    )
