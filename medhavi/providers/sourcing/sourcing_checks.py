"""What sourcing rows and lots say that cannot hold: findings before a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.providers.material.supply_orders import LIVE
from medhavi.providers.sources import lot_steps
from medhavi.units import exact, from_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    from medhavi.findings import Finding
    from medhavi.providers.sourcing.default_lanes import SupplyKinds
    from medhavi.providers.table_rows import TableRows

FOREIGN_ORDER = "SRC013"
"""Code of the finding about an order whose source does not bring what it is for."""
LOT_COLUMNS: Mapping[str, str] = {
    "routings": "min_lot",
    "supply_terms": "moq",
    "sourcing": "min_lot",
}
"""Column of the least order in each table with lots."""


def check_sourcing(
    tables: Mapping[str, TableRows], roads: SupplyKinds
) -> tuple[Finding, ...]:
    """Find rows of sourcing that name no usable source, and lots that do not fit.

    Parameters
    ----------
    tables : mapping of str to Rows
        `products`, `routings`, `sourcing`, `supply_orders`, `supply_terms`.
    roads : Roads
        Routings, suppliers, lanes.

    Returns
    -------
    tuple of Finding
        All of them, in the order of the tables.
    """
    return (
        *_unusable_rows(tables, roads),
        *_lots(tables, roads),
        *foreign_orders(tables["supply_orders"], roads),
    )


def foreign_orders(rows: TableRows, roads: SupplyKinds) -> Iterator[Finding]:
    """Name live orders whose routing or lane does not bring what they are for."""
    for number, row in enumerate(rows):
        if row["status"] not in LIVE or not row["source"]:
            continue
        reason = _foreign(row, roads)
        if reason is not None:
            yield finding(
                FOREIGN_ORDER,
                table="supply_orders",
                row=rows.place(number),
                column="source",
                value=row["source"],
                order=row["supply_order"],
                product=row["product"],
                location=row["location"],
                reason=reason,
            )


def _foreign(row: Mapping[str, Any], roads: SupplyKinds) -> str | None:
    source, product, location = row["source"], row["product"], row["location"]
    if row["kind"] == "work":
        master = roads.recipes.row(source)
        if master is None:
            return "is not a routing"
        if master["product"] == product:
            return None
        made = roads.recipes.recipe(source).gain(product, location)
        return "does not make it" if made is None else None
    if row["kind"] == "transfer":
        known = roads.facts.is_location(source)
        leads = known or roads.transport.lanes(source, location)
        return None if leads else "does not lead there"
    return None


def _unusable_rows(
    tables: Mapping[str, TableRows], roads: SupplyKinds
) -> Iterator[Finding]:
    members = _members(tables["products"])
    rows = tables["sourcing"]
    for number, row in enumerate(rows):
        products = members.get(row["product"], (row["product"],))
        problems = [_problem(row, product, roads) for product in products]
        # A row of a group is of use when it is of use for one member.
        if not all(problems):
            continue
        code, fields = problems[0] or ("", {})
        yield finding(
            code,
            table="sourcing",
            row=rows.place(number),
            column="source",
            product=row["product"],
            location=row["location"],
            **fields,
        )


def _problem(
    row: Mapping[str, Any], product: str, roads: SupplyKinds
) -> tuple[str, dict[str, object]] | None:
    source, location = row["source"], row["location"]
    if row["kind"] == "make":
        roles = roads.recipes.makers.get((product, location), {})
        known = source in roles.get("main", ()) or source in roles.get("co", ())
        return None if known else ("SRC002", {"value": source})
    if row["kind"] == "buy":
        known = source in roads.suppliers.sellers(product, location)
        return None if known else ("SRC003", {"value": source})
    lanes = roads.transport.lanes(source, location)
    if not lanes:
        return "SRC004", {"value": source}
    obstacles = [roads.transport.obstacle(lane, product) for lane in lanes]
    if not all(obstacles):
        return None
    return "SRC005", {"value": lanes[0], "reason": obstacles[0]}


def _members(products: TableRows) -> dict[str, tuple[str, ...]]:
    """Products of each group, groups inside groups dissolved."""
    parents = dict(
        zip(products.column("product"), products.column("parent"), strict=True)
    )
    groups = {parent for parent in parents.values() if parent is not None}
    found: dict[str, list[str]] = {}
    for product, nearest in parents.items():
        if product in groups:
            continue
        seen, parent = {product}, nearest
        while parent is not None and parent not in seen:
            seen.add(parent)
            found.setdefault(parent, []).append(product)
            parent = parents.get(parent)
    return {group: tuple(members) for group, members in found.items()}


def _lots(tables: Mapping[str, TableRows], roads: SupplyKinds) -> Iterator[Finding]:
    fine: set[tuple[float | None, ...]] = set()
    for table, least in LOT_COLUMNS.items():
        rows = tables[table]
        cells = zip(
            rows.column(least),
            rows.column("max_lot"),
            rows.column("lot_multiple"),
            strict=True,
        )
        for number, (min_lot, max_lot, multiple) in enumerate(cells):
            if not multiple and max_lot is None:
                continue
            step = _step(table, rows, number, roads)
            lots = min_lot or 0.0, max_lot, multiple or 0.0
            # Few lots differ: tens of thousands of rows are asked the same.
            if (step.numerator, step.denominator, *lots) in fine:
                continue
            place = {"table": table, "row": rows.place(number)}
            found = tuple(_lot_findings(place, step, *lots))
            yield from found
            if not found:
                fine.add((step.numerator, step.denominator, *lots))


def _step(table: str, rows: TableRows, number: int, roads: SupplyKinds) -> Fraction:
    product = rows.column("product")[number]
    if table == "sourcing" and rows.column("kind")[number] == "make":
        routing = roads.recipes.row(rows.column("source")[number])
        product = product if routing is None else routing["product"]
    return roads.facts.step(product)


def _lot_findings(
    place: Mapping[str, Any],
    step: Fraction,
    min_lot: float,
    max_lot: float | None,
    multiple: float,
) -> Iterator[Finding]:
    used = lot_steps(step, min_lot, max_lot, multiple)
    if multiple > 0 and (exact(multiple) / step).denominator > 1:
        yield finding(
            "SRC006",
            **place,
            column="lot_multiple",
            value=multiple,
            step=float(step),
            used=from_units(used.multiple, step),
        )
    least = max(used.least, used.multiple)
    if max_lot is not None and exact(max_lot) / step < least:
        yield finding(
            "SRC010",
            **place,
            column="max_lot",
            value=max_lot,
            used=from_units(least, step),
        )
