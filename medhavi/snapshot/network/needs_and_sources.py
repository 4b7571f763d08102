"""Who needs what from where: the item-locations and edges behind the network.

The rules of `sourcing`, supply terms and lanes are read once here as a graph: windows,
lots and shares play no part, so an edge means "may at some time".

The steps are lazy frames, collected together: of small tables each step alone would
take longer to begin than to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

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
    usable = _allowed(_live(snapshot, "routings"), outputs, rows)
    bought = _bought(snapshot)
    explicit = _explicit_moves(snapshot, rows)
    after = _after(snapshot, outputs)
    starts = usable.filter(pl.col("role") != "by")
    stated = pl.concat([rows.select(NODE), starts.select(NODE), bought]).unique()
    makes, later, known, *others = pl.collect_all(
        [
            _makes(snapshot, usable),
            after,
            _stated_nodes(snapshot, outputs, after, rows, explicit),
            usable,
            bought,
            explicit,
            stated,
        ],
        engine="in-memory",
    )
    usable, bought, explicit, stated = (one.lazy() for one in others)
    reached, moved = _all_moves(snapshot, known, stated, explicit)
    held = _held(snapshot, reached, _everywhere(stated))
    nodes, sourced, decided, moves = pl.collect_all(
        [
            reached.sort(NODE),
            _sourced(snapshot, reached, usable, bought),
            pl.concat([stated.filter(pl.col("location") != "*"), held]).unique(),
            moved,
        ],
        engine="in-memory",
    )
    return Links(
        nodes=nodes,
        sourced=sourced,
        decided=decided,
        makes=makes,
        moves=moves,
        after=later,
    )


def preferences(snapshot: TableAccess, wanted: pl.DataFrame) -> pl.DataFrame:
    """Preference numbers of the sources of products at locations; the least is first.

    Parameters
    ----------
    wanted
        product, location.

    Returns
    -------
    polars.DataFrame
        product, location, kind, source (a move's is its lane) and preference.
    """
    pairs = wanted.lazy().select(NODE).unique()
    usual = _usual_preferences(snapshot, pairs)
    lanes = _rows(snapshot, "lanes").select("lane", "origin", location="destination")
    rows = _sourcing(snapshot).join(pairs, on=NODE)
    by_place = (
        rows.filter(pl.col("kind") == "move")
        .join(lanes, left_on=["source", "location"], right_on=["origin", "location"])
        .select(*NODE, "kind", "preference", source="lane")
    )
    stated = pl.concat([rows, by_place], how="diagonal").join(
        usual, on=[*NODE, "kind", "source"]
    )
    undecided = usual.join(rows, on=NODE, how="anti")
    own = pl.col("kind") != "move"
    columns = [*NODE, "kind", "source"]
    return pl.concat(
        [
            stated.select(*columns, pl.coalesce("preference", "usual")),
            undecided.filter(own | ~own.any().over(NODE)).select(
                *columns, preference="usual"
            ),
        ]
    ).collect(engine="in-memory")


def _usual_preferences(snapshot: TableAccess, pairs: pl.LazyFrame) -> pl.LazyFrame:
    """Sources that routings, supply terms and lanes state, each with its preference."""
    makes = _live(snapshot, "routings").select(
        *NODE, kind=pl.lit("make"), source="routing", usual="preference"
    )
    terms = (
        _live(snapshot, "supply_terms")
        .select(
            ancestor="product", place="location", source="supplier", usual="preference"
        )
        .join(members(snapshot), on="ancestor")
    )
    here = (pl.col("place") == "*") | (pl.col("place") == pl.col("location"))
    buys = pairs.join(terms, on="product").filter(here)
    moves = pairs.join(
        _rows(snapshot, "lanes").select(
            location="destination", source="lane", usual="preference"
        ),
        on="location",
    )
    columns = [*NODE, "kind", "source"]
    found = [
        makes.join(pairs, on=NODE).select(*columns, "usual"),
        buys.with_columns(kind=pl.lit("buy")).select(*columns, "usual"),
        moves.with_columns(kind=pl.lit("move")).select(*columns, "usual"),
    ]
    return pl.concat(found).group_by(columns).agg(pl.col("usual").min())


def _rows(snapshot: TableAccess, name: str) -> pl.LazyFrame:
    return snapshot[name].lazy()


def _none(*texts: str, **others: PolarsDataType) -> pl.LazyFrame:
    """No rows of columns of text and of others; nothing is joined to find none."""
    return pl.LazyFrame(schema={**dict.fromkeys(texts, pl.String), **others})


def _live(snapshot: TableAccess, name: str) -> pl.LazyFrame:
    """Rows of a table whose validity does not end before now."""
    moments = [one for (one,) in snapshot["settings"][["as_of"]].rows() if one]
    if not moments:
        return _rows(snapshot, name)
    ends = pl.col("valid_to")
    return _rows(snapshot, name).filter(ends.is_null() | (ends > moments[0]))


def _everywhere(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """Products that are had at every place that holds stock; a customer's does not."""
    return pairs.filter(pl.col("location") == "*").select("product")


def _allowed(
    routings: pl.LazyFrame, outputs: pl.LazyFrame, rows: pl.LazyFrame
) -> pl.LazyFrame:
    """Leave out outputs that may start no order: sourcing names other sources."""
    usable = outputs.join(routings, on="routing", how="semi")
    stated = rows.select(NODE).unique()
    named = rows.filter(pl.col("kind") == "make").select(*NODE, routing="source")
    free = usable.join(stated, on=NODE, how="anti")
    return pl.concat([free, usable.join(named, on=[*NODE, "routing"], how="semi")])


def members(snapshot: TableAccess) -> pl.LazyFrame:
    """Pair every product with itself (distance 0) and with each of its groups.

    Circles of parents end where they close.
    """
    products = snapshot["products"]
    themselves = products.lazy().select("product", ancestor="product").unique()
    if products["parent"].null_count() == products.height:
        return themselves.with_columns(distance=pl.lit(0))
    parents = products.select("product", "parent").drop_nulls()
    pairs = themselves.collect(engine="in-memory")
    frontier, distance = pairs, 0
    all_pairs = [pairs.with_columns(distance=pl.lit(0))]
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
    return pl.concat(all_pairs).lazy()


def routing_outputs(snapshot: TableAccess) -> pl.LazyFrame:
    """What every routing yields and where; without a main row: one of its product.

    Columns routing, product, location, role, qty.
    """
    if not snapshot["routings"].height:
        return _none("routing", *NODE, "role", qty=pl.Float64)
    routings = _rows(snapshot, "routings").select(
        "routing", main="product", place="location"
    )
    stated = (
        _rows(snapshot, "routing_outputs")
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


def _makes(snapshot: TableAccess, outputs: pl.LazyFrame) -> pl.LazyFrame:
    """Edges from what an order yields (main and co) to what it consumes."""
    if not (snapshot["routings"].height and snapshot["bom_lines"].height):
        wide = "component", "component_location", "routing"
        return _none(*NODE, *wide, ratio=pl.Float64)
    routings = _rows(snapshot, "routings").select("routing", "yield", place="location")
    steps = (
        _rows(snapshot, "steps")
        .group_by("routing")
        .agg(pl.col("yield").product().alias("good"))
    )
    lines = (
        _live(snapshot, "bom_lines")
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


def _after(snapshot: TableAccess, outputs: pl.LazyFrame) -> pl.LazyFrame:
    """Pair places of which the second is planned later without being needed."""
    if not (snapshot["routings"].height or snapshot["substitutes"].height):
        return _none(*NODE, "later", "later_location")
    mains = outputs.filter(pl.col("role") == "main")
    falling = outputs.filter(pl.col("role") != "main").select(
        "routing", later="product", later_location="location"
    )
    wide = ["later", "later_location"]
    others = mains.join(falling, on="routing").select(*NODE, *wide)
    if not snapshot["substitutes"].height:
        return others.unique()
    columns = ["product", "substitute", "location"]
    swaps = _rows(snapshot, "substitutes").select(columns)
    everywhere = swaps.filter(pl.col("location") == "*").drop("location")
    places = _rows(snapshot, "demands").select(NODE).unique()
    swaps = pl.concat(
        [
            swaps.filter(pl.col("location") != "*"),
            everywhere.join(places, on="product").select(columns),
        ]
    )
    replaced = swaps.select(*NODE, later="substitute", later_location="location")
    return pl.concat([others, replaced]).unique()


def _bought(snapshot: TableAccess) -> pl.LazyFrame:
    """Products and places with terms, groups resolved; location may be "*"."""
    terms = _live(snapshot, "supply_terms").select(
        ancestor="product", location="location"
    )
    return terms.unique().join(members(snapshot), on="ancestor").select(NODE).unique()


def _sourcing(snapshot: TableAccess) -> pl.LazyFrame:
    """Resolve groups in sourcing; own rows hide group rows of their kind."""
    if not snapshot["sourcing"].height:
        return _none(*NODE, "kind", "source", preference=pl.Int64)
    rows = _live(snapshot, "sourcing").select(
        pl.col("product").alias("ancestor"), "location", "kind", "source", "preference"
    )
    resolved = rows.join(members(snapshot), on="ancestor")
    own = [*NODE, "kind"]
    return resolved.filter(
        (pl.col("distance") == 0) | (pl.col("distance").min().over(own) > 0)
    ).select(*own, "source", "preference")


def _explicit_moves(snapshot: TableAccess, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Resolve moves that sourcing states to their origins, by lane or by place."""
    if not (snapshot["sourcing"].height and snapshot["lanes"].height):
        return _none(*NODE, "origin", preference=pl.Int64)
    lanes = _rows(snapshot, "lanes").select(
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
    outputs: pl.LazyFrame,
    after: pl.LazyFrame,
    rows: pl.LazyFrame,
    explicit: pl.LazyFrame,
) -> pl.LazyFrame:
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
    pieces = [
        *(snapshot[name][NODE].lazy() for name in tables if snapshot[name].height),
        outputs.select(NODE),
        after.select(product="later", location="later_location"),
        rows.select(NODE),
        explicit.select("product", location="origin"),
        _rows(snapshot, "demands").select("product", location="ship_from"),
        _rows(snapshot, "supply_terms").filter(pl.col("location") != "*").select(NODE),
    ]
    if snapshot["bom_lines"].height:
        # Lines that are over still count: existing orders may have to take them.
        routings = _rows(snapshot, "routings").select("routing", place="location")
        lines = _rows(snapshot, "bom_lines").join(routings, on="routing")
        location = pl.coalesce("location", "place")
        pieces.append(lines.select(product="component", location=location))
    if snapshot["supply_orders"].height:
        orders = _rows(snapshot, "supply_orders").filter(pl.col("kind") == "transfer")
        lanes = _rows(snapshot, "lanes").select("origin", source="lane")
        places = _rows(snapshot, "locations").select("location")
        pieces += [
            orders.join(lanes, on="source").select("product", location="origin"),
            orders.select("product", location="source").join(places, on="location"),
        ]
    return pl.concat(pieces).drop_nulls().unique()


def _default_lanes(snapshot: TableAccess) -> pl.LazyFrame:
    """Lanes that may supply by default: origin, location, preference, safe.

    Nothing leaves a customer, and no lane goes to a country that it blocks.
    """
    places = _rows(snapshot, "locations").select("location", "country", "kind")
    blocked = pl.col("country").is_in(pl.col("blocked_countries"))
    return (
        _rows(snapshot, "lanes")
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
    stated: pl.LazyFrame,
    explicit: pl.LazyFrame,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Nodes and moves with those of nodes that state no source, until none is new.

    Such a place draws on every lane into it (tables.toml, sourcing).
    """
    wanted = [*NODE, "origin", "preference", "stated"]
    moves = [explicit.with_columns(stated=pl.lit(value=True)).select(wanted)]
    nodes = known
    if snapshot["lanes"].height:
        lanes = _default_lanes(snapshot).collect().lazy()
        hazardous = _rows(snapshot, "products").filter("hazmat").select("product")
        places = stated.filter(pl.col("location") != "*")
        anywhere = _everywhere(stated)
        frontier = known
        while frontier.height:
            silent = frontier.lazy().join(places, on=NODE, how="anti")
            held = _held(snapshot, silent, anywhere)
            drawn = silent.join(held, on=NODE, how="anti").join(lanes, on="location")
            refused = drawn.filter("safe").join(hazardous, on="product", how="semi")
            drawn = drawn.join(refused, on=[*NODE, "origin", "preference"], how="anti")
            reached = drawn.select("product", location="origin").unique()
            more, frontier = pl.collect_all(
                [
                    drawn.with_columns(stated=pl.lit(value=False)).select(wanted),
                    reached.join(nodes.lazy(), on=NODE, how="anti"),
                ],
                engine="in-memory",
            )
            moves.append(more.lazy())
            nodes = pl.concat([nodes, frontier])
    unique = (
        pl.concat(moves)
        .group_by(*NODE, "origin")
        .agg(pl.col("preference").min(), pl.col("stated").any())
        .filter(pl.col("origin") != pl.col("location"))
    )
    return nodes.lazy(), unique


def _held(
    snapshot: TableAccess, nodes: pl.LazyFrame, anywhere: pl.LazyFrame
) -> pl.LazyFrame:
    """Nodes whose product is bought everywhere, but for customers."""
    customers = _rows(snapshot, "locations").filter(pl.col("kind") == "customer")
    return nodes.join(anywhere, on="product", how="semi").join(
        customers, on="location", how="anti"
    )


def _sourced(
    snapshot: TableAccess,
    nodes: pl.LazyFrame,
    outputs: pl.LazyFrame,
    bought: pl.LazyFrame,
) -> pl.LazyFrame:
    """Item-locations where something comes into being without a move."""
    everywhere = _held(snapshot, nodes, _everywhere(bought))
    policies = _rows(snapshot, "inventory_policies").filter(pl.col("unlimited"))
    open_order = pl.col("status").is_in(_OPEN_ORDERS)
    orders = _rows(snapshot, "supply_orders").filter(open_order)
    pieces = [
        outputs.select(NODE),
        bought.filter(pl.col("location") != "*"),
        everywhere,
        policies.select(NODE),
        orders.select(NODE),
        _rows(snapshot, "stock").filter(pl.col("qty") > 0).select(NODE),
    ]
    return pl.concat([piece.select(NODE) for piece in pieces]).unique()
