"""Which forecasts are needed as their period ends: the check's own reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def late_forecasts(snapshot: Snapshot) -> list[str]:
    """List the forecasts whose policy says that they are needed at the end.

    The policy of the product goes before those of the groups above it and of `*`; of
    one product that of the location before `*`.
    """
    policies = snapshot["forecast_policies"].select("product", "location", "need")
    if policies.filter(pl.col("need") == "end").is_empty():
        return []
    said = {(row[0], row[1]): row[2] for row in policies.iter_rows()}
    above = dict(snapshot["products"].select("product", "parent").iter_rows())
    wanted = snapshot["demands"].filter(pl.col("kind") == "forecast")
    found = []
    for demand, product, location in wanted.select(
        "demand", "product", "location"
    ).iter_rows():
        names, name = [], product
        while name is not None and name not in names:
            names.append(name)
            name = above.get(name)
        keys = [(one, place) for one in (*names, "*") for place in (location, "*")]
        stated = [said[key] for key in keys if key in said]
        if stated and stated[0] == "end":
            found.append(demand)
    return found
