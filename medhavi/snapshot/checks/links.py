"""Checks of what tables say of each other: references, groups, money, orders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.findings import finding
from medhavi.snapshot.checks.check_memory import Check
from medhavi.snapshot.network.needs_and_sources import members
from medhavi.snapshot.network.network import cycles, path_text
from medhavi.snapshot.reading.row_findings import nearest, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from medhavi.findings import Finding
    from medhavi.schema import Column
    from medhavi.snapshot.checks.check_memory import Narrow
    from medhavi.snapshot.tables import TableAccess


_SOURCE_TABLES = {
    "make": ("routings",),
    "work": ("routings",),
    "buy": ("suppliers",),
    "purchase": ("suppliers",),
    "move": ("lanes", "locations"),
    "transfer": ("lanes", "locations"),
}
"""Where the source of a sourcing row or of an existing order is looked up, by kind."""

_SUBJECTS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    ("reservations", "kind", "material", (("products", "product"),)),
    ("reservations", "kind", "capacity", (("resources", "resource"),)),
    ("reservations", "kind", "transport", (("lanes", "lane"),)),
    ("disruptions", "kind", "resource_down", (("resources", "resource"),)),
    ("disruptions", "kind", "supplier_delay", (("suppliers", "supplier"),)),
    ("disruptions", "kind", "lane_blocked", (("lanes", "lane"),)),
    ("estimates", "kind", "supplier", (("suppliers", "supplier"),)),
    ("estimates", "kind", "lane", (("lanes", "lane"),)),
    ("estimates", "kind", "resource", (("resources", "resource"),)),
    ("estimates", "kind", "demand", (("locations", "location"),)),
)
"""Table, column, value: what `subject` names then."""

_SEARCHED = 5
"""Wrong ids per column for which the nearest right one is looked for."""


def link_checks() -> Iterator[Check]:
    """List checks of what names another row, but for references and sources."""
    yield Check("subjects", _subjects)
    yield Check("pegged supplies", _pegged_supplies)
    yield Check("customers", _customers, {"demands": ("customer",)})
    yield Check("selves", _selves)


def mark(
    snapshot: TableAccess, name: str, marked: pl.DataFrame | pl.Expr
) -> tuple[pl.DataFrame, list[int]]:
    """Rows of a table that a rule marks, with their input row numbers.

    A frame instead of a rule was filtered already and carries its rows in `row`.
    """
    if not snapshot[name].height:
        return snapshot[name], []
    if isinstance(marked, pl.Expr):
        marked = numbered(snapshot, name).filter(marked)
    return marked, marked.get_column("row").to_list()


def numbered(snapshot: TableAccess, name: str) -> pl.DataFrame:
    """Table with its input row numbers in `row`."""
    return snapshot[name].hstack([snapshot.input_rows(name).alias("row")])


_NOT_YET = ("tentative", "released", "expired")
"""States of holds whose demand need not be there: it may never be ordered."""


def references(snapshot: TableAccess, name: str) -> list[Finding]:
    """Check the references by id of one table."""
    table = snapshot[name]
    stated = [
        column
        for column in schema.tables()[name].columns.values()
        if column.refs
        and table.get_column(column.name).null_count() < table.height
        and not any(is_without_ids(snapshot, *ref) for ref in column.refs)
    ]
    if not stated:
        return []
    known = {column.refs: _ids(snapshot, column.refs) for column in stated}
    rules = {
        column.name: _dangling(name, column, known[column.refs]) for column in stated
    }
    # Most tables have no such row: one pass over all columns shows it.
    broken = table.select(
        rule.any().alias(column) for column, rule in rules.items()
    ).row(0, named=True)
    return [
        found
        for column in stated
        if broken[column.name]
        for found in _column_references(
            snapshot, name, column, rules[column.name], known[column.refs]
        )
    ]


def is_without_ids(snapshot: TableAccess, table: str, key: str) -> bool:
    """Whether all rows of a table lack their id: that is the error, no name of one."""
    rows = snapshot[table]
    lacking = 0 < rows.height == rows.get_column(key).null_count()
    return lacking and schema.tables()[table].columns[key].required


def _dangling(name: str, column: Column, known: pl.Series) -> pl.Expr:
    """Cells of a column that name no row."""
    cell = pl.col(column.name)
    dangling = cell.is_not_null() & ~cell.is_in(known.implode())
    if column.wildcard:
        dangling &= cell != "*"
    if (name, column.name) == ("reservations", "demand"):
        dangling &= ~pl.col("state").is_in(_NOT_YET)
    return dangling


def _column_references(
    snapshot: TableAccess,
    name: str,
    column: Column,
    dangling: pl.Expr,
    known: pl.Series,
) -> list[Finding]:
    marked, rows = mark(snapshot, name, dangling)
    target = " or ".join(dict.fromkeys(table for table, _ in column.refs))
    hints = _hints(marked.get_column(column.name), known.to_list())

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {
            "target": target,
            "target_table": column.refs[0][0],
            "nearest": hints.get(str(row[column.name]), ""),
        }

    # A matrix without rows asks for no changeover at all; nothing else may dangle.
    code = "SNAP052" if column.name == "changeover_matrix" else "SNAP011"
    return told(code, name, column.name, marked, rows, tell)


def _ids(snapshot: TableAccess, refs: Collection[tuple[str, str]]) -> pl.Series:
    """Ids that columns hold, each once."""
    columns = [snapshot[table].get_column(key).rename("id") for table, key in refs]
    ids = pl.concat(columns).to_frame().lazy()
    return (
        ids.select(pl.col("id").drop_nulls().unique().sort())
        .collect(engine="in-memory")
        .to_series()
    )


def _hints(wrong: pl.Series, known: Collection[str]) -> dict[str, str]:
    few = wrong.unique(maintain_order=True).head(_SEARCHED).to_list()
    return {name: nearest(name, known) for name in few}


def source_kinds(snapshot: TableAccess) -> list[Finding]:
    """Name sources that are no routing, supplier, lane or origin as kind says."""
    found: list[Finding] = []
    every = _ids(snapshot, schema.tables()["sourcing"].columns["source"].refs)
    for name in ("sourcing", "supply_orders"):
        if not snapshot[name].height:
            continue
        for kind, tables in _SOURCE_TABLES.items():
            keys = [(table, schema.tables()[table].key[0]) for table in tables]
            fitting = _ids(snapshot, keys)
            source = pl.col("source")
            marked, rows = mark(
                snapshot,
                name,
                (pl.col("kind") == kind)
                & source.is_in(every.implode())
                & ~source.is_in(fitting.implode()),
            )
            expected = " or ".join(f"id of {table}" for table in tables)
            fields = {"expected": expected, "kind": f"kind {kind}"}
            found += told("SNAP017", name, "source", marked, rows, fields)
    return found


def _subjects(snapshot: TableAccess) -> list[Finding]:
    found: list[Finding] = []
    for name, column, value, refs in _SUBJECTS:
        if not snapshot[name].height or is_without_ids(snapshot, *refs[0]):
            continue
        known = _ids(snapshot, refs)
        lost = (pl.col(column) == value) & ~pl.col("subject").is_in(known.implode())
        marked, rows = mark(snapshot, name, lost)
        fields = {"expected": f"row of {refs[0][0]}"}
        found += told("SNAP038", name, "subject", marked, rows, fields)
    return found


def _pegged_supplies(snapshot: TableAccess) -> list[Finding]:
    """Pegs whose supply is neither an order nor a place of stock."""
    if not snapshot["pegs"].height:
        return []
    places = pl.concat_str("product", "location", "lot", separator="|")
    stock = snapshot["stock"].select(places.alias("id"))["id"]
    orders = snapshot["supply_orders"].get_column("supply_order").rename("id")
    known = pl.concat([stock, orders]).unique()
    marked, rows = mark(snapshot, "pegs", ~pl.col("supply").is_in(known.implode()))
    fields = {"expected": "supply order and no product|location|lot of stock"}
    return told("SNAP038", "pegs", "supply", marked, rows, fields)


def _customers(snapshot: TableAccess) -> list[Finding]:
    """Name customers of demands without a row of their own, each once."""
    known = snapshot["customers"].get_column("customer").drop_nulls()
    if snapshot["demands"]["customer"].null_count() == snapshot["demands"].height:
        return []
    if is_without_ids(snapshot, "customers", "customer"):
        return []
    lost = (
        numbered(snapshot, "demands")
        .filter(
            pl.col("customer").is_not_null(),
            ~pl.col("customer").is_in(known.implode()),
        )
        .group_by("customer")
        .agg(pl.col("row").min(), pl.len().alias("count"))
        .sort("row")
    )
    hints = _hints(lost.get_column("customer"), known.to_list())

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {
            "count": row["count"],
            "nearest": hints.get(str(row["customer"]), ""),
        }

    return told(
        "SNAP019", "demands", "customer", *mark(snapshot, "demands", lost), tell
    )


def _selves(snapshot: TableAccess) -> list[Finding]:
    """Rows that lead from a thing to itself."""
    found: list[Finding] = []
    every = pl.lit(value=True)
    for name, column, other, where in (
        ("substitutes", "substitute", "product", every),
        ("lanes", "destination", "origin", every),
        ("step_links", "after", "step", every),
        ("sourcing", "source", "location", pl.col("kind") == "move"),
        ("supply_orders", "source", "location", pl.col("kind") == "transfer"),
    ):
        itself = (pl.col(column) == pl.col(other)) & where
        marked, rows = mark(snapshot, name, itself)
        fields = {"other": other}
        found += told("SNAP048", name, column, marked, rows, fields)
    return found


def trade_checks() -> Iterator[Check]:
    """List checks of groups, currencies, order lines and sourcing rows."""
    for name, key in (("products", "product"), ("customers", "customer")):
        ask = partial(_parents, name=name, key=key)
        yield Check(f"parents of {name}", ask)
    yield Check("currencies", _currencies, {"demands": ("currency",)})
    lines: Narrow = {"demands": ("sales_order", "order_policy")}
    yield Check("order policies", _order_policies, lines)
    yield Check("sourcing", _sourcing)


def _sourcing(snapshot: TableAccess) -> list[Finding]:
    """Name rows whose source cannot give the product at the location."""
    if not snapshot["sourcing"].height:
        return []
    return [*_makes(snapshot), *_moves(snapshot), *_buys(snapshot)]


def _parents(snapshot: TableAccess, name: str, key: str) -> list[Finding]:
    """Parents that form a circle."""
    pairs = snapshot[name].select(key, "parent").drop_nulls()
    if not pairs.height:
        return []
    nodes = (
        pl.concat([pairs[key].rename("id"), pairs["parent"].rename("id")])
        .unique()
        .sort()
    )
    codes = dict(zip(nodes.to_list(), range(len(nodes)), strict=True))
    child = pairs[key].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
    parent = pairs["parent"].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
    return [
        finding(
            "SNAP023",
            table=name,
            column="parent",
            value=path_text([nodes[node] for node in path]),
        )
        for path in cycles(len(nodes), child, parent)
    ]


def _currencies(snapshot: TableAccess) -> list[Finding]:
    """Currencies without a rate, or with one that is too old."""
    settings = snapshot["settings"]
    if settings.height != 1:
        return []
    frame = settings.row(0, named=True)
    base, now = frame["base_currency"], frame["as_of"]
    rates = snapshot["fx_rates"].group_by("currency").agg(pl.col("as_of").max())
    found: list[Finding] = []
    for name in ("demands", "suppliers", "supply_terms"):
        if snapshot[name]["currency"].null_count() == snapshot[name].height:
            continue
        used = (
            numbered(snapshot, name)
            .filter(pl.col("currency") != base)
            .group_by("currency")
            .agg(pl.col("row").min(), pl.len().alias("count"))
            .join(rates, on="currency", how="left")
            .sort("row")
        )
        missing = used.filter(pl.col("as_of").is_null())
        found += _rates(snapshot, name, missing, base, "")
        if now is not None:
            age = pl.lit(now.date()) - pl.col("as_of")
            limit = pl.duration(hours=24 * frame["fx_max_age_days"])
            old = used.filter(age > limit)
            found += _rates(snapshot, name, old, base, " that is recent enough")
    return found


def _rates(
    snapshot: TableAccess, name: str, marked: pl.DataFrame, base: str, reason: str
) -> list[Finding]:
    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"count": row["count"], "base": base, "reason": reason}

    return told("SNAP024", name, "currency", *mark(snapshot, name, marked), tell)


def _order_policies(snapshot: TableAccess) -> list[Finding]:
    """Name orders whose lines state different policies."""
    if snapshot["demands"]["order_policy"].n_unique() < 2:
        return []
    split = (
        numbered(snapshot, "demands")
        .filter(pl.col("sales_order").is_not_null())
        .group_by("sales_order")
        .agg(pl.col("order_policy").unique().sort(), pl.col("row").min())
        .filter(pl.col("order_policy").list.len() > 1)
        .sort("row")
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"policies": " and ".join(row["order_policy"])}  # type: ignore[arg-type]

    return told(
        "SNAP025", "demands", "sales_order", *mark(snapshot, "demands", split), tell
    )


def _rows(snapshot: TableAccess, kind: str) -> pl.DataFrame:
    return numbered(snapshot, "sourcing").filter(pl.col("kind") == kind)


def _useless(snapshot: TableAccess, marked: pl.DataFrame, reason: str) -> list[Finding]:
    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {
            "reason": reason,
            "product": row["product"],
            "location": row["location"],
        }

    return told(
        "SNAP018", "sourcing", "source", *mark(snapshot, "sourcing", marked), tell
    )


def _makes(snapshot: TableAccess) -> list[Finding]:
    """Rows that name a routing of another product or place."""
    routings = snapshot["routings"].select("routing", "product", place="location")
    stated = snapshot["routing_outputs"].join(
        routings.select("routing", "place"), on="routing"
    )
    outputs = pl.concat(
        [
            routings,
            stated.select("routing", "product", place=pl.coalesce("location", "place")),
        ]
    )
    whole = (
        members(snapshot)
        .select(member="product", asked="ancestor")
        .collect(engine="in-memory")
    )
    served = outputs.join(whole, left_on="product", right_on="member").select(
        source="routing", product="asked", location="place"
    )
    rows = _rows(snapshot, "make").join(
        routings.select(source="routing"), on="source", how="semi"
    )
    lost = rows.join(served, on=["source", "product", "location"], how="anti")
    return _useless(snapshot, lost, "makes something else or elsewhere")


def _moves(snapshot: TableAccess) -> list[Finding]:
    """Rows that name a lane, or an origin, from which no lane ends at the location."""
    lanes = snapshot["lanes"]
    ends = pl.concat(
        [
            lanes.select(source="lane", location="destination"),
            lanes.select(source="origin", location="destination"),
        ]
    )
    known = pl.concat(
        [lanes.select(source="lane"), snapshot["locations"].select(source="location")]
    )
    rows = _rows(snapshot, "move").join(known, on="source", how="semi")
    lost = rows.join(ends, on=["source", "location"], how="anti")
    return _useless(snapshot, lost, "has no lane that ends there")


def _buys(snapshot: TableAccess) -> list[Finding]:
    """Rows that name a supplier without terms for the product there."""
    terms = snapshot["supply_terms"].select(
        source="supplier", ancestor="product", place="location"
    )
    offered = terms.join(
        members(snapshot).collect(engine="in-memory"), on="ancestor"
    ).select("source", "product", "place")
    groups = terms.select("source", "place", product="ancestor")
    offered = pl.concat([offered, groups.select(offered.columns)]).unique()
    rows = _rows(snapshot, "buy").join(
        snapshot["suppliers"].select(source="supplier"), on="source", how="semi"
    )
    fits = rows.join(offered, on=["source", "product"]).filter(
        (pl.col("place") == "*") | (pl.col("place") == pl.col("location"))
    )
    members_rows = snapshot["products"].get_column("parent").drop_nulls().unique()
    lost = rows.join(fits, on="row", how="anti").filter(
        ~pl.col("product").is_in(members_rows.implode())
    )
    return _useless(snapshot, lost, "has no terms for it")
