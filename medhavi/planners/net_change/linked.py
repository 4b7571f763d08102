"""Products that a change may reach in a plan within capacity.

Links are bills of materials, substitutes, by-products, order lines delivered together,
shared resources and suppliers with a limit. They are followed both ways: what shares a
resource with a changed product may be placed elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from medhavi.snapshot import Snapshot


def linked(snapshot: Snapshot, touched: Collection[str]) -> frozenset[str]:
    """All products that share material, resources or suppliers with some.

    Parameters
    ----------
    snapshot
        Tables after the change.
    touched
        Products that a changed row names.
    """
    links = pl.concat(list(_links(snapshot))).drop_nulls().unique()
    both = pl.concat([links, links.select(upper="lower", lower="upper")])
    seen = pl.DataFrame({"name": sorted(touched)}, schema={"name": pl.String})
    front = seen
    while front.height:
        reached = both.join(front, left_on="upper", right_on="name", how="semi")
        front = reached.select(name="lower").unique().join(seen, on="name", how="anti")
        seen = pl.concat([seen, front])
    return frozenset(seen["name"].to_list())


def _links(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    """Pairs of products, or of a product and a resource or supplier."""
    outputs = pl.concat(
        [
            snapshot[table].select("routing", "product")
            for table in ("routings", "routing_outputs")
        ]
    ).unique()
    lines = snapshot["bom_lines"]
    yield _pairs(lines.join(outputs, on="routing"), "product", "component")
    yield _together(outputs, ["routing"], "product")
    groups = lines.filter(pl.col("substitute_group").is_not_null())
    yield _together(groups, ["routing", "substitute_group"], "component")
    yield _pairs(snapshot["substitutes"], "product", "substitute")
    yield _pairs(snapshot["products"], "parent", "product")
    demands = snapshot["demands"]
    tied = demands.filter(
        pl.col("sales_order").is_not_null() & (pl.col("order_policy") != "independent")
    )
    yield _together(tied, ["sales_order"], "product")
    owners = demands.select("demand", pl.col("product").alias("owner"))
    for table, column in (
        ("pegs", "product"),
        ("supply_orders", "product"),
        ("reservations", "subject"),
    ):
        rows = snapshot[table].filter(pl.col("demand").is_not_null())
        yield _pairs(rows.join(owners, on="demand"), "owner", column)
    yield from _resources(snapshot)
    terms = snapshot["supply_terms"]
    if (
        snapshot["supplier_capacity"].height
        or terms["capacity_per_period"].is_not_null().any()
    ):
        yield _pairs(terms, "supplier", "product")


def _resources(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    """Pairs of a product and a resource that works, or is at work, for it."""
    routings = snapshot["routings"].select("routing", "product")
    work = snapshot["step_resources"].join(routings, on="routing")
    yield _pairs(work, "product", "resource")
    yield _pairs(snapshot["resources"], "pool", "resource")
    steps = snapshot["supply_order_steps"]
    orders = snapshot["supply_orders"]
    yield _pairs(steps.join(orders, on="supply_order"), "product", "resource")


def _pairs(rows: pl.DataFrame, upper: str, lower: str) -> pl.DataFrame:
    return rows.select(upper=pl.col(upper), lower=pl.col(lower))


def _together(rows: pl.DataFrame, group: list[str], member: str) -> pl.DataFrame:
    """Pairs of the first member of each group with every other."""
    return rows.select(
        upper=pl.col(member).min().over(group), lower=pl.col(member)
    ).filter(pl.col("upper") != pl.col("lower"))
