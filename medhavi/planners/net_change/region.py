"""Which products a change may reach, and whose needs reach those.

Requirements run down: from a product to its components, to what may stand in for it and
to what falls out beside it. What lies below a change is replanned, and with it all that
lies above, because its needs are wanted again. The graph is one of products: goods that
are moved are one product at two places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from medhavi.snapshot import Snapshot

    Flags = NDArray[np.bool_]

EDGE = {"upper": pl.String(), "lower": pl.String()}


class Region(NamedTuple):
    """Products below a change, and all that are planned again for their sake."""

    below: frozenset[str]
    products: frozenset[str]


def region(snapshot: Snapshot, touched: Collection[str]) -> Region:
    """What has to be planned again when rows of some products change.

    Parameters
    ----------
    snapshot
        Tables after the change.
    touched
        Products that a changed row names.

    Returns
    -------
    Region
        `products` holds everything above its own members, so that netting it alone
        gives what netting everything gives there.

    Notes
    -----
    O(products + edges), twice.
    """
    edges = pl.concat(list(edges_of(snapshot))).drop_nulls().unique()
    names = (
        pl.concat(
            [
                edges["upper"],
                edges["lower"],
                pl.Series(sorted(touched), dtype=pl.String),
            ]
        )
        .unique()
        .sort()
    )
    code = pl.DataFrame({"name": names}).with_row_index("code")
    upper = edges.join(code, left_on="upper", right_on="name", maintain_order="left")
    lower = edges.join(code, left_on="lower", right_on="name", maintain_order="left")
    ends = upper["code"].to_numpy(), lower["code"].to_numpy()
    start = names.is_in(sorted(touched)).to_numpy()
    below = _reached(start, *ends)
    above = _reached(below, *reversed(ends))
    return Region(
        frozenset(names.filter(pl.Series(below)).to_list()),
        frozenset(names.filter(pl.Series(above)).to_list()),
    )


def _reached(
    start: Flags, source: NDArray[np.uint32], target: NDArray[np.uint32]
) -> Flags:
    """Follow edges from the marked nodes, a whole front at a time."""
    seen = start.copy()
    front = start
    while front.any():
        fresh = np.zeros_like(seen)
        fresh[target[front[source]]] = True
        front = fresh & ~seen
        seen |= front
    return seen


def edges_of(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    """List the edges; what is planned together points both ways."""
    outputs = pl.concat(
        [
            snapshot[table].select("routing", "product")
            for table in ("routings", "routing_outputs")
        ]
    ).unique()
    lines = snapshot["bom_lines"]
    yield _directed(lines.join(outputs, on="routing"), "product", "component")
    yield from _together(outputs, ["routing"], "product")
    groups = lines.filter(pl.col("substitute_group").is_not_null())
    yield from _together(groups, ["routing", "substitute_group"], "component")
    substitutes = snapshot["substitutes"]
    yield _directed(substitutes, "product", "substitute")
    yield _directed(substitutes, "substitute", "product")
    members = snapshot["products"]
    yield _directed(members, "parent", "product")
    if limits_suppliers(snapshot):
        # What a supplier delivers of a group is counted over all its members.
        yield _directed(members, "product", "parent")
    demands = snapshot["demands"]
    tied = demands.filter(
        pl.col("sales_order").is_not_null() & (pl.col("order_policy") != "independent")
    )
    yield from _together(tied, ["sales_order"], "product")
    owners = demands.select("demand", pl.col("product").alias("upper"))
    for table, column in (
        ("pegs", "product"),
        ("supply_orders", "product"),
        ("reservations", "subject"),
    ):
        rows = snapshot[table].filter(pl.col("demand").is_not_null())
        yield _directed(rows.join(owners, on="demand"), "upper", column)


def limits_suppliers(snapshot: Snapshot) -> bool:
    """Whether some supplier can deliver only so much."""
    stated = snapshot["supply_terms"]["capacity_per_period"]
    return bool(snapshot["supplier_capacity"].height or stated.is_not_null().any())


def _directed(rows: pl.DataFrame, upper: str, lower: str) -> pl.DataFrame:
    return rows.select(
        pl.col(upper).alias("upper"), pl.col(lower).alias("lower")
    ).filter(pl.col("upper").is_not_null() & pl.col("lower").is_not_null())


def _together(
    rows: pl.DataFrame, group: list[str], member: str
) -> Iterator[pl.DataFrame]:
    """Tie the members of each group to its first, both ways."""
    pairs = rows.select(
        pl.col(member).min().over(group).alias("upper"), pl.col(member).alias("lower")
    ).filter(pl.col("upper") != pl.col("lower"))
    yield pairs
    yield _directed(pairs, "lower", "upper")
