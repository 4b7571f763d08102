"""Requests of promises, read from rows or files and checked all at once.

A request is a row of `demands` without `status`, plus `policy` (promise-file, rule 29).
Its own id is `demand`, else sales order and line: what states the same one again is the
same request. Without one its id is made of its content and of how many demands of equal
content are there already, so a later request of equal content is another demand. Calls
that may commit add a name of their own, so that equal ones at one moment differ too.

Cells come as they are written from `request_rows`; here they are typed and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.findings import BadData, Finding, finding, has_errors
from medhavi.results.identity import text_hash
from medhavi.snapshot.checks.values import bound, qty_steps, unit_words
from medhavi.snapshot.reading.cells import EXPECTED, KINDS, typed
from medhavi.snapshot.reading.normalise import ROW, matched, unknown_columns
from medhavi.snapshot.reading.request_rows import TABLE, WrittenRequests, raw_requests
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import EARLIEST, LARGEST_NUMBER, LATEST, to_seconds

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from medhavi.schema import Column
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.reading.local_days import LocalDays


ASKED = ("product", "location", "qty", "due")
"""What every request must state."""
NOT_ASKED = frozenset({"status"})
LARGE = 1e9
"""Smaller quantities are not looked at for being too large to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing asked for; cells as in `demands`, instants in UTC seconds.

    Parameters
    ----------
    position
        Row of the file as a spreadsheet counts; of requests without a header row
        their place, from 1.
    demand
        Id of the demand that it is or would become.
    known
        Whether the demand is in the tables already (rule 29).
    """

    position: int
    demand: str
    product: str
    location: str
    qty: float
    due: int
    known: bool = False
    sales_order: str | None = None
    line: int | None = None
    customer: str | None = None
    tier: str | None = None
    ship_from: str | None = None
    priority: int = 1
    full_line: bool = False
    order_policy: str = "independent"
    min_shipment: float = 0.0
    max_lateness_days: float | None = None
    price: float | None = None
    late_cost_per_day: float | None = None
    short_cost: float | None = None
    min_shelf_days: float = 0.0
    expedite: bool = False
    currency: str | None = None
    requested_at: int | None = None
    requires: tuple[str, ...] = ()
    min_quality: str | None = None
    policy: str | None = None
    cells: Mapping[str, Any] = field(default_factory=dict)

    def with_cells(self, cells: Mapping[str, object]) -> Request:
        """Request with some cells changed, as a remedy does."""
        changed = {**self.cells, **cells}
        return replace(self, **_fields(changed), cells=changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests in the order of the file, and what was odd about them."""

    requests: tuple[Request, ...]
    findings: tuple[Finding, ...]


def columns() -> dict[str, Column]:
    """Columns of a request, by name."""
    table = schema.tables()["demands"]
    known = {
        name: replace(column, required=name in ASKED)
        for name, column in table.columns.items()
        if name not in NOT_ASKED
    }
    known["policy"] = schema.Column(
        name="policy", type="str", meaning="promise policy, by name"
    )
    return known


def read_requests(
    source: object,
    snapshot: Snapshot,
    named: Container[str] = frozenset(),
    call: str = "",
) -> Requests:
    """Read requests and check all of them at once.

    Parameters
    ----------
    source
        Rows, a frame, JSON text, or the bytes of a JSON, CSV or xlsx file; or
        `WrittenRequests` of these, which state the order of their dates.
    snapshot
        Tables that products, locations, customers and policies must be in.
    named
        Ids of the demands that are there: no request without an own id gets one.
    call
        Name of the call, told apart from every other one; empty: equal calls answer
        with equal ids.

    Returns
    -------
    Requests
        With warnings, such as unknown columns.

    Raises
    ------
    BadData
        With every finding, if one is an error.
    """
    found: list[Finding] = []
    raw = matched(raw_requests(source, columns(), found), columns())
    stated = source.date_format if isinstance(source, WrittenRequests) else None
    cells, rows = _cells(raw, snapshot.local_days.with_format(stated), found)
    base = f"{call}|{snapshot.as_of}" if call else str(snapshot.as_of)
    requests = [
        _request(position, row, base, named)
        for position, row in zip(rows, cells, strict=True)
    ]
    # A row that lacks a cell is an error already; what else it names is checked too.
    found += _references(requests, snapshot)
    found += _too_large(requests, snapshot)
    if has_errors(found):
        raise BadData(found)
    return Requests(
        requests=tuple(_recognised(requests, snapshot)), findings=tuple(found)
    )


# --------------------------------------------------------------------- raw cells
def _cells(
    raw: pl.DataFrame, days: LocalDays, found: list[Finding]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Type all cells; what is wrong is named with its position and column."""
    known = columns()
    numbers = list(range(1, raw.height + 1))
    if ROW in raw.columns:
        numbers, raw = raw[ROW].to_list(), raw.drop(ROW)
    found += unknown_columns(TABLE, raw.columns, known)[0]
    lists = {
        name: _column(column, raw, numbers, days, found)
        for name, column in known.items()
        if name in raw.columns or column.required
    }
    cells = [
        lists[name] if name in lists else [_default(column)] * raw.height
        for name, column in known.items()
    ]
    rows = [dict(zip(known, row, strict=True)) for row in zip(*cells, strict=True)]
    return rows, numbers


def _column(
    column: Column,
    raw: pl.DataFrame,
    numbers: Sequence[int],
    days: LocalDays,
    found: list[Finding],
) -> list[Any]:
    if column.name not in raw.columns:
        if raw.width:
            fields: dict[str, Any] = {"column": column.name, "meaning": column.meaning}
            found.append(finding("SNAP003", table=TABLE, **fields))
        return [None] * raw.height
    cells = raw.get_column(column.name)
    result = typed(cells, column, days.date_format)
    values = result.values.to_list()
    if result.days is not None:
        placed, unzoned = days.instants(result.days, column, raw)
        values = [here or there for here, there in zip(values, placed, strict=True)]
        found += [finding("SNAP062", table=TABLE, value=unzoned)] if unzoned else []
    wrong = [False] * raw.height if result.wrong is None else result.wrong.to_list()
    for number, value in enumerate(values):
        place: dict[str, Any] = {"table": TABLE, "row": numbers[number]}
        place["column"] = column.name
        if wrong[number]:
            kind = KINDS.get(column.type, column.type)
            expected = EXPECTED[column.type]
            given = cells[number]
            found.append(
                finding("SNAP005", value=given, kind=kind, expected=expected, **place)
            )
        elif value is None and column.required:
            found.append(finding("SNAP004", meaning=column.meaning, **place))
        elif value is not None:
            found += _bounds(column, value, place)
        if value is None:
            values[number] = _default(column)
        elif column.type == "timestamp":
            values[number] = to_seconds(value)
    return values


def _bounds(column: Column, value: Any, place: dict[str, Any]) -> list[Finding]:
    fault: tuple[str, dict[str, Any]] | None = None
    if column.one_of and value not in column.one_of:
        choices = ", ".join(column.one_of)
        hint = nearest(str(value), column.one_of)
        fault = "SNAP006", {"value": value, "choices": choices, "nearest": hint}
    elif column.type == "timestamp" and not EARLIEST <= value < LATEST:
        fault = "PRM014", {"value": value, "limit": "the years 1900 to 2199"}
    elif column.type in {"int", "float"}:
        fault = _out_of_range(column, value)
    return [] if fault is None else [finding(fault[0], **fault[1], **place)]


def _out_of_range(column: Column, value: float) -> tuple[str, dict[str, Any]] | None:
    """Code and fields of the finding of a number; None: it may be asked for."""
    if not isfinite(value):
        return "SNAP009", {"value": value}
    if abs(value) > LARGEST_NUMBER:
        most = f"{LARGEST_NUMBER:,.0f} by amount"
        return "PRM014", {"value": f"{value:.6g}", "limit": most}
    below = column.min is not None and value < column.min
    if below or (column.min_open is not None and value <= column.min_open):
        told = {"bound": bound(column), "unit": unit_words(column)}
        return "SNAP007", {"value": value, **told}
    return None


def _default(column: Column) -> object:
    return None if column.default == "always" else column.default


# ------------------------------------------------------------------------ records
def _fields(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a request that are cells."""
    own = {name: cells[name] for name in _OWN if name in cells}
    if own.get("requires") is not None:
        own["requires"] = tuple(own["requires"])
    return own


_OWN = frozenset(Request.__dataclass_fields__) - {
    "position",
    "demand",
    "known",
    "cells",
}


def request_of_line(
    cells: Mapping[str, Any], position: int, *, known: bool = True
) -> Request:
    """Request that a row of `demands` would be; instants in UTC seconds."""
    own = {name: cells[name] for name in _OWN if name in cells}
    own["requires"] = tuple(own.get("requires") or ())
    return Request(
        position=position,
        demand=str(cells["demand"]),
        known=known,
        cells=dict(cells),
        **own,
    )


def _request(
    position: int, cells: Mapping[str, Any], base: str, named: Container[str]
) -> Request:
    demand = cells["demand"] or _named_by_order(position, cells)
    if demand is None:
        demand = _named_by_content(position, cells, base, named)
    fields = {**_fields(cells), "requires": tuple(cells["requires"] or ())}
    return Request(position=position, demand=demand, cells=dict(cells), **fields)


def _named_by_order(position: int, cells: Mapping[str, Any]) -> str | None:
    """Id made of sales order and line; its place in the file where it has no line."""
    order, line = cells["sales_order"], cells["line"]
    if not order:
        return None
    return _coded(f"{order}|{position}") if line is None else f"{order}-{line}"


def _named_by_content(
    position: int, cells: Mapping[str, Any], base: str, named: Container[str]
) -> str:
    """Id made of what is asked and of how often it was asked and decided before."""
    line = cells["line"]
    content = f"{base}|{position}|{sorted(map(str, cells.items()))}"
    name = f"{content}|{position if line is None else line}"
    ids = (_coded(f"{name}|{time}" if time else name) for time in count())
    return next(demand for demand in ids if demand not in named)


def _coded(name: str) -> str:
    return f"{text_hash(name):016x}"


def _recognised(requests: Sequence[Request], snapshot: Snapshot) -> Iterator[Request]:
    """Find the demands that requests are again (rule 29)."""
    lines = [(one.sales_order, one.line) for one in requests]
    orders = {order for order, line in lines if order is not None and line is not None}
    rows = (
        snapshot["demands"]
        .select("sales_order", "line", "demand")
        .filter(pl.col("sales_order").is_in(sorted(orders)))
    )
    # Of several rows for a line the first one counts, so it is written last.
    known = {row[:2]: row[2] for row in reversed(rows.rows())}
    own = {one.cells["demand"] for one in requests} - {None}
    ids = set(snapshot["demands"]["demand"]) if own else set()
    for request, line in zip(requests, lines, strict=True):
        demand = None if None in line else known.get(line)
        if demand is None and request.cells["demand"] in ids:
            demand = request.demand
        if demand is None:
            yield request
        else:
            yield replace(request, demand=demand, known=True)


def _references(requests: Sequence[Request], snapshot: Snapshot) -> list[Finding]:
    """Check what the requests name, and that no line comes twice."""
    found: list[Finding] = []
    products = set(snapshot["products"]["product"])
    locations = set(snapshot["locations"]["location"])
    customers = set(snapshot["customers"]["customer"])
    named = (
        ("product", products),
        ("location", locations),
        ("ship_from", locations),
    )
    first: dict[tuple[str, int], int] = {}
    classes = _classes(snapshot)
    for request in requests:
        place: dict[str, Any] = {"table": TABLE, "row": request.position}
        for column, known in named:
            value = request.cells[column]
            if value is not None and value not in known:
                fields: dict[str, Any] = {"column": column, "value": value}
                hint = nearest(value, known)
                found.append(finding("PRM003", nearest=hint, **fields, **place))
        if request.customer is not None and request.customer not in customers:
            fields = {"column": "customer", "value": request.customer}
            found.append(finding("PRM005", **fields, **place))
        wanted = request.min_quality
        if wanted is not None and wanted not in classes:
            fields = {"column": "min_quality", "value": wanted}
            fields |= {"known": ", ".join(classes) or "none"}
            found.append(finding("PRM011", **fields, **place))
        if request.cells["kind"] == "forecast":
            found.append(finding("PRM007", column="kind", value="forecast", **place))
        if request.sales_order is not None and request.line is not None:
            key = request.sales_order, request.line
            if key in first:
                value = f"{key[0]} {key[1]}"
                found.append(finding("PRM006", value=value, first=first[key], **place))
            first.setdefault(key, request.position)
    return [*found, *_twice(requests)]


def _twice(requests: Sequence[Request]) -> Iterator[Finding]:
    """Find requests whose own id another one of the file has."""
    first: dict[str, int] = {}
    for one in requests:
        name = one.cells["demand"]
        if name is not None and first.setdefault(name, one.position) != one.position:
            yield finding(
                "PRM006", table=TABLE, row=one.position, value=name, first=first[name]
            )


def _too_large(requests: Sequence[Request], snapshot: Snapshot) -> list[Finding]:
    """Name quantities that no float counts by steps, there or of their components."""
    # A row that is wrong already may lack its quantity.
    stated = [one for one in requests if one.cells["qty"] is not None]
    large = [one for one in stated if LARGE <= one.qty <= LARGEST_NUMBER]
    if not large:
        return []
    steps = dict(qty_steps(snapshot).iter_rows())
    smallest = min(1.0, *(step for step in steps.values() if step))
    most = smallest * 2**53 / snapshot.network.most_of_one
    return [
        finding(
            "SNAP029",
            table=TABLE,
            row=one.position,
            column="qty",
            value=f"{one.qty:.3g}",
            product=one.product,
            place="",
            step=f"{steps.get(one.product) or 1.0:g}",
        )
        for one in large
        if one.qty >= most
    ]


def _classes(snapshot: Snapshot) -> list[str]:
    """Quality classes that are ranked, best first."""
    stated = snapshot["settings"]["quality_classes"].to_list()
    return [name for classes in stated for name in classes or ()]
