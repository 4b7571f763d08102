"""Cut the tables of a part out of a snapshot, and put its plan back into a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.lateness import FLAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

_OF_PRODUCT = {
    "products": "product",
    "substitutes": "product",
    "demands": "product",
    "stock": "product",
    "supply_orders": "product",
    "pegs": "product",
    "inventory_policies": "product",
    "inventory_levels": "product",
    "storage_limits": "product",
    "supply_terms": "product",
    "price_tiers": "product",
    "sourcing": "product",
}
"""Column by which a table is cut."""
_FOR_ALL = ("estimates", "uom_conversions", "forecast_policies", "supplier_capacity")
"""Tables cut by product in which `*` stands for all products."""
_OF_ROUTING = ("routing_outputs", "bom_lines", "steps", "step_links", "step_resources")
_BY_DEMAND = ("deliveries", "fulfilment", "causes")


def part_of(snapshot: Snapshot, part: frozenset[str]) -> Snapshot:
    """Tables of some products: their state, sources and rules.

    Components that are not in the part are left out of its bills of materials: what
    they get does not depend on what is planned again.
    """
    wanted = pl.Series(sorted(part), dtype=pl.String)
    frames = {
        table: snapshot[table].filter(pl.col(column).is_in(wanted.implode()))
        for table, column in _OF_PRODUCT.items()
        if snapshot[table].height
    }
    for table in _FOR_ALL:
        if snapshot[table].height:
            named = pl.col("product").is_in(wanted.implode())
            frames[table] = snapshot[table].filter(named | (pl.col("product") == "*"))
    outputs = pl.concat(
        [
            snapshot[table].select("routing", "product")
            for table in ("routings", "routing_outputs")
        ]
    )
    kept = outputs.filter(pl.col("product").is_in(wanted.implode()))["routing"].unique()
    for table in ("routings", *_OF_ROUTING):
        if snapshot[table].height:
            rows = snapshot[table].filter(pl.col("routing").is_in(kept.implode()))
            if table == "bom_lines":
                rows = rows.filter(pl.col("component").is_in(wanted.implode()))
            frames[table] = rows
    orders = snapshot["supply_order_steps"]
    if orders.height:
        frames["supply_order_steps"] = orders.join(
            frames["supply_orders"], on="supply_order", how="semi"
        )
    holds = snapshot["reservations"]
    if holds.height:
        inside = pl.col("subject").is_in(wanted.implode())
        free = (pl.col("kind") == "transport") & pl.col("demand").is_null()
        frames["reservations"] = holds.filter(inside | free)
    return snapshot.replace(**frames)


def spliced(
    snapshot: Snapshot,
    baseline: Plan,
    made: Plan,
    part: frozenset[str],
    resources: pl.Series,
) -> Mapping[str, pl.DataFrame]:
    """Put the rows of a part in the place of those that the baseline has.

    Parameters
    ----------
    snapshot
        Tables after the change; tell whose demand is whose.
    baseline, made
        The plan before, and the plan of the part alone.
    part
        What was planned again.
    resources
        Resources that only the part uses.
    """
    ours = pl.col("product").is_in(pl.Series(sorted(part)).implode())
    tables: dict[str, pl.DataFrame] = {}
    for name in ("supplies", "pegging", "positions"):
        tables[name] = pl.concat(
            [baseline[name].filter(~ours), made[name].filter(ours)]
        )
    main = baseline.supplies.filter(ours).select("id")
    kept = baseline.operations.join(main, left_on="supply", right_on="id", how="anti")
    fresh = made.operations.join(
        made.supplies.filter(ours), left_on="supply", right_on="id", how="semi"
    )
    tables["operations"] = pl.concat([kept, fresh])
    demands = snapshot["demands"].filter(~ours).select("demand")
    for name in _BY_DEMAND:
        rest = baseline[name].join(demands, on="demand", how="semi")
        tables[name] = pl.concat([rest, made[name]])
    # Orders outside the part put its demands at risk: flags are told of the whole.
    tables["fulfilment"] = tables["fulfilment"].drop(FLAGS)
    used = resources.implode()
    tables["loads"] = pl.concat(
        [baseline["loads"].filter(~pl.col("resource").is_in(used)), made.loads]
    )
    tables["exceptions"] = _exceptions(baseline, made, demands, ours, resources)
    return tables


def _exceptions(
    baseline: Plan,
    made: Plan,
    demands: pl.DataFrame,
    ours: pl.Expr,
    resources: pl.Series,
) -> pl.DataFrame:
    """Exchange exceptions by product, else by demand, else by resource."""
    by_product = pl.col("product").is_not_null()
    by_demand = ~by_product & pl.col("demand").is_not_null()
    by_resource = ~by_product & ~by_demand
    rest = demands["demand"].implode()
    kept = baseline.exceptions.filter(
        (by_product & ~ours)
        | (by_demand & pl.col("demand").is_in(rest))
        | (by_resource & ~pl.col("location").is_in(resources.implode()))
    )
    fresh = made.exceptions.filter(~by_product | ours)
    return pl.concat([kept, fresh])
