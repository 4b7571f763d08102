"""Tables in which new orders cannot use what is closed; all else is as stated.

Each plan of them is one of the stated tables: closing only takes away.

- A supplier: its terms end before now. They stay, so that no place is taken for one
  without terms.
- A lane: it does not depart any more.
- A resource: steps that may choose another one have one choice less. Routings that
  need it, or may have no other at some time, are valid before now alone.

What existing orders may use is open already and is never closed: an order that may be
worked on one of several resources, or leave by one of several lanes, opens none of them
for sure, and may use each. No bound counts it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

from medhavi.planners.planned_tables import with_blackouts
from medhavi.providers.material.supply_orders import LIVE
from medhavi.results.figures.openings import SUBJECT, stated_openings

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet

    from medhavi.snapshot import Snapshot

    Subject = tuple[str, str]

PAST: Final = dt.datetime(1901, 1, 1, tzinfo=dt.UTC)
"""Before every now, and before any order with a negative fence."""
STEP: Final = ("routing", "step", "choice")


def closed_tables(snapshot: Snapshot, closed: Collection[Subject]) -> Snapshot:
    """Snapshot in which nothing new uses what is closed.

    Parameters
    ----------
    snapshot
        Tables as stated.
    closed
        Table (resources, suppliers, lanes) and id; no existing order uses any of them.
    """
    names: dict[str, set[str]] = {
        "resources": set(),
        "suppliers": set(),
        "lanes": set(),
    }
    for table, subject in closed:
        names[table].add(subject)
    tables: dict[str, pl.DataFrame] = {}
    if names["suppliers"]:
        tables["supply_terms"] = _ended(
            snapshot["supply_terms"],
            pl.col("supplier").is_in(sorted(names["suppliers"])),
            ["supplier", "product", "location"],
        )
    if names["lanes"]:
        tables["lane_blackouts"] = _shut(snapshot["lane_blackouts"], names["lanes"])
    if names["resources"]:
        tables |= _without_resources(snapshot, names["resources"])
    return snapshot.replace(**tables) if tables else snapshot


def _ended(rows: pl.DataFrame, which: pl.Expr, key: list[str]) -> pl.DataFrame:
    """Rows of which some ended before now, one of each key of these."""
    ended = (
        rows.filter(which)
        .sort(*key, "valid_from")
        .unique(key, keep="first", maintain_order=True)
        .with_columns(
            valid_from=pl.lit(None, rows.schema["valid_from"]),
            valid_to=pl.lit(PAST).cast(rows.schema["valid_to"]),
        )
    )
    return pl.concat([rows.filter(~which), ended])


def _shut(blackouts: pl.DataFrame, lanes: AbstractSet[str]) -> pl.DataFrame:
    """Blackouts with some lanes shut for ever, now and before."""
    shut = pl.DataFrame({"subject": sorted(lanes)}).with_columns(
        valid_from=pl.lit(PAST), valid_to=None
    )
    others = blackouts.filter(~pl.col("lane").is_in(sorted(lanes)))
    return with_blackouts(others, shut)


def _without_resources(
    snapshot: Snapshot, closed: AbstractSet[str]
) -> dict[str, pl.DataFrame]:
    """Tables that say what steps need, without some resources."""
    resources, needs = snapshot["resources"], snapshot["step_resources"]
    own = pl.col("resource").is_in(sorted(closed))
    left = set(resources.filter(~own)["pool"].drop_nulls())
    emptied = set(resources.filter(own)["pool"].drop_nulls()) - left
    gone = pl.col("resource").is_in(sorted(closed | emptied))
    lost = needs.filter(gone)
    always = pl.col("valid_from").is_null() & pl.col("valid_to").is_null()
    # Another choice that always holds: else there are times without any.
    others = needs.filter(~gone & always & pl.col("choice").is_not_null())
    replaced = lost.join(others, on=STEP, how="semi")
    needed = lost.join(others, on=STEP, how="anti")["routing"].unique().to_list()
    kept = ~gone | pl.col("routing").is_in(needed)
    if not replaced.is_empty():
        needs = needs.filter(kept)
    tables = {
        "step_resources": needs,
        "routings": _ended(
            snapshot["routings"], pl.col("routing").is_in(needed), ["routing"]
        ),
    }
    pool = pl.when(own & pl.col("pool").is_in(sorted(left))).then(None)
    tables["resources"] = resources.with_columns(pool=pool.otherwise("pool"))
    return tables


# --- what may be closed --------------------------------------------------------------
def openable(snapshot: Snapshot) -> pl.DataFrame:
    """Table, subject and cost of what no existing order may use [base currency]."""
    stated = stated_openings(snapshot)
    if stated.is_empty():
        return stated
    orders = snapshot["supply_orders"].filter(pl.col("status").is_in(sorted(LIVE)))
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
