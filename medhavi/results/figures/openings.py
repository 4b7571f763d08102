"""Openings that a plan pays: resources, suppliers and lanes with an opening cost.

It is paid once a plan where any new order uses the resource, supplier or lane, however
much of it. What existing orders use is open already and costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

OPENED: Final = {"resources": "resource", "suppliers": "supplier", "lanes": "lane"}
"""Tables with a column `opening_cost`, and the id of their rows."""
SUBJECT: Final = ("table", "subject")
"""Columns that name what may be opened."""
_NONE: Final = {"table": pl.String, "subject": pl.String, "cost": pl.Float64}


def stated_openings(snapshot: Snapshot) -> pl.DataFrame:
    """Table, subject and cost [base currency] of all that costs something to open."""
    found = [
        snapshot[table]
        .filter(pl.col("opening_cost") > 0)
        .select(table=pl.lit(table), subject=pl.col(key), cost="opening_cost")
        for table, key in OPENED.items()
        # Most plans pay none, and each is asked many times.
        if (snapshot[table]["opening_cost"] > 0).any()
    ]
    return pl.concat(found).sort(SUBJECT) if found else pl.DataFrame(schema=_NONE)


def used_subjects(plan: Plan, snapshot: Snapshot, *, existing: bool) -> pl.DataFrame:
    """Tables and subjects that the orders of a plan use, existing ones or new ones."""
    ids = snapshot["supply_orders"]["supply_order"].to_list()
    orders = plan.supplies.filter(pl.col("id").is_in(ids) == existing)
    work = plan.operations.filter(pl.col("supply").is_in(ids) == existing)
    bought = orders.filter(pl.col("kind") == "buy")["source"]
    used = {"resources": work["resource"], "suppliers": bought, "lanes": orders["lane"]}
    return pl.concat(
        [
            pl.DataFrame({"subject": names.drop_nulls().unique()}).select(
                table=pl.lit(table), subject="subject"
            )
            for table, names in used.items()
        ]
    )


def openings(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """Table, subject and cost [base currency] of each opening that a plan pays."""
    stated = stated_openings(snapshot)
    if stated.is_empty():
        return stated
    already = used_subjects(plan, snapshot, existing=True)
    opened = used_subjects(plan, snapshot, existing=False)
    return (
        stated.join(opened, on=SUBJECT, how="semi")
        .join(already, on=SUBJECT, how="anti")
        .sort(SUBJECT)
    )
