"""Checks of groups, money, orders and sources."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.snapshot.checks.check_memory import Check
from medhavi.snapshot.checks.links import mark, numbered
from medhavi.snapshot.network import ordering
from medhavi.snapshot.network.needs_and_sources import members
from medhavi.snapshot.reading.row_findings import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.findings import Finding
    from medhavi.snapshot.checks.check_memory import Narrow
    from medhavi.snapshot.table_access import TableAccess


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
            value=ordering.path_text([nodes[node] for node in path]),
        )
        for path in ordering.cycles(len(nodes), child, parent)
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
    whole = members(snapshot).select(member="product", asked="ancestor")
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
    offered = terms.join(members(snapshot), on="ancestor").select(
        "source", "product", "place"
    )
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
