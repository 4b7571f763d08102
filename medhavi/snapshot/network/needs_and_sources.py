"""Who needs what from where: the item-locations and edges behind the network.

The rules of `sourcing`, supply terms and lanes are read once here as a graph: windows,
lots and shares play no part, so an edge means "may at some time".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from medhavi.snapshot.tables import TableAccess

NODE = ["product", "location"]
_OPEN_ORDERS = ["planned", "firmed", "released", "in_process"]


class Links(NamedTuple):
    """Frames of the item-location graph; product and location are ids."""

    nodes: pl.DataFrame
    """product, location"""
    sourced: pl.DataFrame
    """product, location: made, bought, in stock, ordered or unlimited there"""
    decided: pl.DataFrame
    """product, location: it has sources without the default lanes"""
    makes: pl.DataFrame
    """product, location, component, component_location, routing, ratio: units of the
    component for one unit of the product, at most over dates"""
    moves: pl.DataFrame
    """product, location, origin, preference, stated: by sourcing, not by default"""
    after: pl.DataFrame
    """product, location, later, later_location: planned later without being needed
    (by-products, co-products, substitutes)"""


def links(snapshot: TableAccess) -> Links:
    """Derive item-locations and their edges from the tables."""
    rows = _sourcing(snapshot)
    outputs = routing_outputs(snapshot)
    usable = _allowed(live(snapshot, "routings"), outputs, rows)
    makes = _makes(snapshot, usable)
    after = _after(snapshot, outputs)
    bought = _bought(snapshot)
    explicit = _explicit_moves(snapshot, rows)
    starts = usable.filter(pl.col("role") != "by")
    known = _stated_nodes(snapshot, outputs, after, rows, explicit)
    decided = _decided(starts, bought, rows)
    moves, nodes, own = _all_moves(snapshot, known, decided, explicit)
    return Links(
        nodes=nodes.sort(NODE),
        sourced=_sourced(snapshot, nodes, usable, bought),
        decided=own,
        makes=makes,
        moves=moves,
        after=after,
    )


def live(snapshot: TableAccess, name: str) -> pl.DataFrame:
    """Rows of a table whose validity does not end before now."""
    moments = snapshot["settings"].get_column("as_of").drop_nulls()
    if not len(moments):
        return snapshot[name]
    ends = pl.col("valid_to")
    return snapshot[name].filter(ends.is_null() | (ends > moments[0]))


def _allowed(
    routings: pl.DataFrame, outputs: pl.DataFrame, rows: pl.DataFrame
) -> pl.DataFrame:
    """Leave out outputs that may start no order: sourcing names other sources."""
    usable = outputs.join(routings, on="routing", how="semi")
    stated = rows.select(NODE).unique()
    named = rows.filter(pl.col("kind") == "make").select(*NODE, routing="source")
    free = usable.join(stated, on=NODE, how="anti")
    return pl.concat([free, usable.join(named, on=[*NODE, "routing"], how="semi")])


def members(snapshot: TableAccess) -> pl.DataFrame:
    """Pair every product with itself (distance 0) and with each of its groups.

    Circles of parents end where they close.
    """
    parents = snapshot["products"].select("product", "parent").drop_nulls()
    pairs = snapshot["products"].select("product", ancestor="product").unique()
    frontier, distance = pairs, 0
    all_pairs = [pairs.with_columns(distance=pl.lit(0))]
    if not parents.height:
        return all_pairs[0]
    while frontier.height:
        distance += 1
        frontier = (
            frontier.join(parents, left_on="ancestor", right_on="product")
            .select("product", ancestor="parent")
            .join(pairs, on=["product", "ancestor"], how="anti")
            .unique()
        )
        pairs = pl.concat([pairs, frontier])
        all_pairs.append(frontier.with_columns(distance=pl.lit(distance)))
    return pl.concat(all_pairs)


def routing_outputs(snapshot: TableAccess) -> pl.DataFrame:
    """What every routing yields and where; without a main row: one of its product.

    Columns routing, product, location, role, qty.
    """
    routings = snapshot["routings"].select("routing", main="product", place="location")
    stated = (
        snapshot["routing_outputs"]
        .join(routings, on="routing")
        .select(
            "routing",
            "product",
            pl.coalesce("location", "place").alias("location"),
            pl.when(pl.col("product") == pl.col("main"))
            .then(pl.lit("main"))
            .otherwise("role")
            .alias("role"),
            pl.col("qty_per").alias("qty"),
        )
    )
    mains = stated.filter(pl.col("role") == "main").select("routing")
    silent = routings.join(mains, on="routing", how="anti").select(
        "routing",
        product="main",
        location="place",
        role=pl.lit("main"),
        qty=pl.lit(1.0),
    )
    return pl.concat([stated, silent])


def _makes(snapshot: TableAccess, outputs: pl.DataFrame) -> pl.DataFrame:
    """Edges from what an order yields (main and co) to what it consumes."""
    routings = snapshot["routings"].select("routing", "yield", place="location")
    steps = (
        snapshot["steps"]
        .group_by("routing")
        .agg(pl.col("yield").product().alias("good"))
    )
    lines = (
        live(snapshot, "bom_lines")
        .join(routings, on="routing")
        .join(steps, on="routing", how="left")
        .with_columns(
            need=pl.col("qty_per") / (1 - pl.col("scrap")),
            share=pl.col("yield") * pl.col("good").fill_null(1.0),
            component_location=pl.coalesce("location", "place"),
        )
        .group_by("routing", "component", "component_location")
        .agg(pl.col("need").sum(), pl.col("share").first())
    )
    return (
        outputs.filter(pl.col("role") != "by")
        .join(lines, on="routing")
        .filter(
            (pl.col("role") == "main")
            | (pl.col("product") != pl.col("component"))
            | (pl.col("location") != pl.col("component_location"))
        )
        .select(
            *NODE,
            "component",
            "component_location",
            "routing",
            (pl.col("need") / (pl.col("qty") * pl.col("share")))
            .fill_nan(0.0)
            .alias("ratio"),
        )
    )


def _after(snapshot: TableAccess, outputs: pl.DataFrame) -> pl.DataFrame:
    """Pair places of which the second is planned later without being needed."""
    mains = outputs.filter(pl.col("role") == "main")
    falling = outputs.filter(pl.col("role") != "main").select(
        "routing", later="product", later_location="location"
    )
    wide = ["later", "later_location"]
    others = mains.join(falling, on="routing").select(*NODE, *wide)
    swaps = snapshot["substitutes"].select("product", "substitute", "location")
    if not swaps.height:
        return others.unique()
    everywhere = swaps.filter(pl.col("location") == "*").drop("location")
    places = snapshot["demands"].select(NODE).unique()
    swaps = pl.concat(
        [
            swaps.filter(pl.col("location") != "*"),
            everywhere.join(places, on="product").select(swaps.columns),
        ]
    )
    replaced = swaps.select(*NODE, later="substitute", later_location="location")
    return pl.concat([others, replaced]).unique()


def _bought(snapshot: TableAccess) -> pl.DataFrame:
    """Products and places with terms, groups resolved; location may be "*"."""
    terms = live(snapshot, "supply_terms").select(
        ancestor="product", location="location"
    )
    return terms.unique().join(members(snapshot), on="ancestor").select(NODE).unique()


def _sourcing(snapshot: TableAccess) -> pl.DataFrame:
    """Resolve groups in sourcing; own rows hide group rows of their kind."""
    rows = live(snapshot, "sourcing").select(
        pl.col("product").alias("ancestor"), "location", "kind", "source", "preference"
    )
    resolved = rows.join(members(snapshot), on="ancestor")
    own = [*NODE, "kind"]
    return resolved.filter(
        (pl.col("distance") == 0) | (pl.col("distance").min().over(own) > 0)
    ).select(*own, "source", "preference")


def _explicit_moves(snapshot: TableAccess, rows: pl.DataFrame) -> pl.DataFrame:
    """Resolve moves that sourcing states to their origins, by lane or by place."""
    lanes = snapshot["lanes"].select(
        "lane", "origin", "destination", usual="preference"
    )
    moves = rows.filter(pl.col("kind") == "move")
    by_lane = moves.join(
        lanes,
        left_on=["source", "location"],
        right_on=["lane", "destination"],
    )
    by_place = moves.join(
        lanes.with_columns(pl.col("origin").alias("source")).drop("lane"),
        left_on=["source", "location"],
        right_on=["source", "destination"],
    )
    wanted = [*NODE, "origin", "preference"]
    return pl.concat(
        [
            found.with_columns(pl.coalesce("preference", "usual")).select(wanted)
            for found in (by_lane, by_place)
        ]
    )


def _stated_nodes(
    snapshot: TableAccess,
    outputs: pl.DataFrame,
    after: pl.DataFrame,
    rows: pl.DataFrame,
    explicit: pl.DataFrame,
) -> pl.DataFrame:
    """Item-locations that some row names."""
    tables = (
        "stock",
        "supply_orders",
        "demands",
        "inventory_policies",
        "inventory_levels",
        "storage_limits",
        "pegs",
    )
    orders = snapshot["supply_orders"].filter(pl.col("kind") == "transfer")
    by_lane = orders.join(
        snapshot["lanes"].select("lane", "origin"), left_on="source", right_on="lane"
    )
    places = snapshot["locations"].select("location")
    # Lines that are over still count: existing orders may have to take them.
    lines = snapshot["bom_lines"].join(
        snapshot["routings"].select("routing", place="location"), on="routing"
    )
    pieces = [
        *(snapshot[name].select(NODE) for name in tables),
        outputs.select(NODE),
        lines.select(product="component", location=pl.coalesce("location", "place")),
        after.select(product="later", location="later_location"),
        rows.select(NODE),
        explicit.select("product", location="origin"),
        snapshot["demands"].select("product", location="ship_from"),
        by_lane.select("product", location="origin"),
        orders.select("product", location="source").join(places, on="location"),
        snapshot["supply_terms"].filter(pl.col("location") != "*").select(NODE),
    ]
    return pl.concat(pieces).drop_nulls().unique()


def _decided(
    starts: pl.DataFrame, bought: pl.DataFrame, rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Places with sources of their own, and products bought everywhere.

    Everywhere is every place that holds stock; a customer's does not.
    """
    stated = pl.concat([rows.select(NODE), starts.select(NODE), bought]).unique()
    return (
        stated.filter(pl.col("location") != "*"),
        stated.filter(pl.col("location") == "*").select("product"),
    )


def _default_lanes(snapshot: TableAccess) -> pl.DataFrame:
    """Lanes that may supply by default: origin, location, preference, safe.

    Nothing leaves a customer, and no lane goes to a country that it blocks.
    """
    places = snapshot["locations"].select("location", "country", "kind")
    blocked = pl.col("country").is_in(pl.col("blocked_countries"))
    return (
        snapshot["lanes"]
        .join(places, left_on="destination", right_on="location", how="left")
        .filter(~blocked.fill_null(value=False))
        .drop("kind")
        .join(
            places.filter(pl.col("kind") == "customer"),
            left_on="origin",
            right_on="location",
            how="anti",
        )
        .select(
            "origin",
            "preference",
            location="destination",
            safe=~pl.col("hazmat_allowed"),
        )
    )


def _all_moves(
    snapshot: TableAccess,
    known: pl.DataFrame,
    decided: tuple[pl.DataFrame, pl.DataFrame],
    explicit: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Add the moves of item-locations that state no source, until none is new.

    Such a place draws on every lane into it (tables.toml, sourcing). Gives moves, nodes
    and the nodes that have sources without these lanes.
    """
    places, anywhere = decided
    lanes = _default_lanes(snapshot)
    hazardous = snapshot["products"].filter("hazmat").select("product")
    wanted = [*NODE, "origin", "preference", "stated"]
    frontier, nodes = known, known
    moves = [explicit.with_columns(stated=pl.lit(value=True)).select(wanted)]
    while frontier.height:
        silent = frontier.join(places, on=NODE, how="anti")
        silent = silent.join(_held(snapshot, silent, anywhere), on=NODE, how="anti")
        drawn = silent.join(lanes, on="location")
        refused = drawn.filter("safe").join(hazardous, on="product", how="semi")
        drawn = drawn.join(refused, on=[*NODE, "origin", "preference"], how="anti")
        moves.append(drawn.with_columns(stated=pl.lit(value=False)).select(wanted))
        reached = drawn.select("product", location="origin").unique()
        frontier = reached.join(nodes, on=NODE, how="anti")
        nodes = pl.concat([nodes, frontier])
    unique = (
        pl.concat(moves)
        .group_by(*NODE, "origin")
        .agg(pl.col("preference").min(), pl.col("stated").any())
        .filter(pl.col("origin") != pl.col("location"))
    )
    own = pl.concat([places, _held(snapshot, nodes, anywhere)]).unique()
    return unique, nodes, own


def _held(
    snapshot: TableAccess, nodes: pl.DataFrame, anywhere: pl.DataFrame
) -> pl.DataFrame:
    """Nodes whose product is bought everywhere, but for customers."""
    customers = snapshot["locations"].filter(pl.col("kind") == "customer")
    return nodes.join(anywhere, on="product", how="semi").join(
        customers, on="location", how="anti"
    )


def _sourced(
    snapshot: TableAccess,
    nodes: pl.DataFrame,
    outputs: pl.DataFrame,
    bought: pl.DataFrame,
) -> pl.DataFrame:
    """Item-locations where something comes into being without a move."""
    anywhere = bought.filter(pl.col("location") == "*").select("product")
    everywhere = _held(snapshot, nodes, anywhere)
    policies = snapshot["inventory_policies"].filter(pl.col("unlimited"))
    orders = snapshot["supply_orders"].filter(pl.col("status").is_in(_OPEN_ORDERS))
    pieces = [
        outputs.select(NODE),
        bought.filter(pl.col("location") != "*"),
        everywhere,
        policies.select(NODE),
        orders.select(NODE),
        snapshot["stock"].filter(pl.col("qty") > 0).select(NODE),
    ]
    return pl.concat([piece.select(NODE) for piece in pieces]).unique()
