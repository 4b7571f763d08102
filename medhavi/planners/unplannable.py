"""Rows on which a planner stops, found from what it says (semantics 48).

The checks of a snapshot cannot find these: whether an order brings too little, or when
an output is there, depends on the quantities of a plan, and what is not built on its
mode. A lake is planned without such rows; they are named and priced as other held ones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import BadData
from medhavi.snapshot.checks.links import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.errors import NotAvailable
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.checks.held_rows import Marks

    Rows = Iterator[tuple[str, pl.DataFrame]]

NOT_BUILT = "PLAN019"
"""Code of rows that ask a mode for what it does not have."""


def unplannable_rows(snapshot: Snapshot, refusal: BadData | NotAvailable) -> Marks:
    """Rows that a planner refuses; empty where it names none that it could leave out.

    Parameters
    ----------
    snapshot
        What it was to plan.
    refusal
        What it raised.
    """
    if isinstance(refusal, BadData):
        marks: Marks = {}
        for found in refusal.findings:
            search = _SEARCHES.get(found.code)
            for table, rows in search(snapshot, found) if search else ():
                for row in rows["row"].to_list():
                    marks.setdefault(table, {})[row] = (found.code, found.message)
        return marks
    told = (NOT_BUILT, str(refusal))
    return {
        table: dict.fromkeys(numbers, told)
        for table, numbers in refusal.rows.items()
        if numbers
    }


def _sources_of(snapshot: Snapshot, found: Finding) -> Rows:
    """All sources of an item-location whose quantity overflows; else its demands."""
    product, location = found.subject
    sources = list(_all_sources(snapshot, product, location))
    if any(rows.height for _, rows in sources):
        yield from sources
        return
    for table in ("demands", "supply_orders", "stock"):
        rows = numbered(snapshot, table)
        yield (
            table,
            rows.filter(
                pl.col("product") == product, pl.col("location").is_in([location, "*"])
            ),
        )


def _all_sources(snapshot: Snapshot, product: str, location: str) -> Rows:
    made = snapshot["routing_outputs"].filter(pl.col("product") == product)["routing"]
    routings = numbered(snapshot, "routings").filter(pl.col("location") == location)
    named = pl.col("routing").is_in(made.implode())
    yield "routings", routings.filter((pl.col("product") == product) | named)
    here = pl.col("location").is_in([location, "*"]) & (pl.col("product") == product)
    for table in ("supply_terms", "sourcing"):
        yield table, numbered(snapshot, table).filter(here)


def _source(snapshot: Snapshot, found: Finding) -> Rows:
    """One source of an item-location: a routing, the terms of a supplier, a lane."""
    source, product, location = found.subject
    if found.table == "routings":
        routings = numbered(snapshot, "routings")
        yield "routings", routings.filter(pl.col("routing") == source)
        return
    here = pl.col("location").is_in([location, "*"]) & (pl.col("product") == product)
    if found.table == "supply_terms":
        terms = numbered(snapshot, "supply_terms").filter(here)
        yield "supply_terms", terms.filter(pl.col("supplier") == source)
        return
    moves = numbered(snapshot, "sourcing").filter(here, pl.col("kind") == "move")
    lanes = numbered(snapshot, "lanes").filter(pl.col("lane") == source)
    moves = moves.filter(pl.col("source").is_in([source, *lanes["origin"].to_list()]))
    yield ("sourcing", moves) if moves.height else ("lanes", lanes)


def _routing(snapshot: Snapshot, found: Finding) -> Rows:
    routings = numbered(snapshot, "routings")
    yield "routings", routings.filter(pl.col("routing") == found.value)


def _circle(snapshot: Snapshot, found: Finding) -> Rows:
    """Substitutes that close a circle; else the routings along it, else the moves."""
    stops = list(zip(found.subject[::2], found.subject[1::2], strict=True))
    products = [product for product, _ in stops]
    both = pl.col("product").is_in(products) | pl.col("substitute").is_in(products)
    substitutes = numbered(snapshot, "substitutes").filter(both)
    # A circle of first sources alone has no substitutes on its way.
    if substitutes.height and found.table != "sourcing":
        yield "substitutes", substitutes
        return
    parts = snapshot["bom_lines"].select("routing", "component")
    outputs = snapshot["routing_outputs"].select("routing", "product")
    routings = numbered(snapshot, "routings")
    makes = pl.concat([outputs, routings.select("routing", "product")]).join(
        parts, on="routing"
    )
    edges = pl.DataFrame(
        [(upper, lower) for (upper, _), (lower, _) in pairwise(stops)],
        schema={"product": pl.String, "component": pl.String},
        orient="row",
    )
    on_it = makes.join(edges, on=["product", "component"], how="semi")
    along = routings.join(on_it, on="routing", how="semi")
    if along.height:
        yield "routings", along
        return
    places = [location for _, location in stops]
    moves = numbered(snapshot, "sourcing").filter(
        pl.col("kind") == "move",
        pl.col("product").is_in(products),
        pl.col("location").is_in(places),
    )
    yield "sourcing", moves


_SEARCHES: Mapping[str, Callable[[Snapshot, Finding], Rows]] = {
    "PLAN001": _sources_of,
    "PLAN002": _circle,
    "PLAN003": _source,
    "PLAN016": _routing,
}
"""Error of a planner → the rows that cause it."""
