"""What existing orders may use, and so is open: from the tables, before any plan.

An order that may be worked on one of several resources, or leave by one of several
lanes, opens none of them for sure, and may use each. What it may use is not decided
here, and no bound counts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from medhavi.results.figures.openings import SUBJECT, stated_openings

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

COMING: Final = ("firmed", "released", "in_process")
"""States of orders of the tables that are still to come, whatever is planned."""


def openable(snapshot: Snapshot) -> pl.DataFrame:
    """Table, subject and cost of what no existing order may use [base currency]."""
    stated = stated_openings(snapshot)
    if stated.is_empty():
        return stated
    orders = snapshot["supply_orders"].filter(pl.col("status").is_in(COMING))
    used = {
        "resources": _worked_on(snapshot, orders),
        "suppliers": orders.filter(pl.col("kind") == "purchase")["source"],
        "lanes": _left_by(snapshot, orders),
    }
    named = [
        pl.DataFrame({"subject": ids}).select(table=pl.lit(table), subject="subject")
        for table, ids in used.items()
    ]
    return stated.join(pl.concat(named), on=SUBJECT, how="anti").sort(SUBJECT)


def _worked_on(snapshot: Snapshot, orders: pl.DataFrame) -> pl.Series:
    """Resources of the routings of existing orders, pools by their members."""
    routings = orders.filter(pl.col("kind") == "work")["source"].drop_nulls()
    named = snapshot["step_resources"].filter(
        pl.col("routing").is_in(routings.to_list())
    )["resource"]
    assigned = snapshot["supply_order_steps"]["resource"].drop_nulls()
    names = pl.concat([named, assigned]).to_list()
    mine = pl.col("resource").is_in(names) | pl.col("pool").is_in(names)
    return snapshot["resources"].filter(mine)["resource"]


def _left_by(snapshot: Snapshot, orders: pl.DataFrame) -> pl.Series:
    """Lanes of existing transfers; of one that names its origin all from there."""
    moves = orders.filter(pl.col("kind") == "transfer").select("source", "location")
    lanes = snapshot["lanes"].select("lane", "origin", "destination")
    by_name = lanes.join(moves, left_on="lane", right_on="source", how="semi")
    by_place = lanes.join(
        moves,
        left_on=["origin", "destination"],
        right_on=["source", "location"],
        how="semi",
    )
    return pl.concat([by_name["lane"], by_place["lane"]])
