"""The tables as disruptions leave them (rule 20), read anew for the check of a plan.

What is broken in a snapshot binds a plan that can be carried out: a lot on hold is not
there, a blocked lane does not depart, a late supplier needs longer for what is ordered
while it is late, a resource that is down has fewer units.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.verify.facts import seconds
from medhavi.units import NEVER

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

OBEYING = ("constrained", "optimize")
"""Modes whose plans are checked against the tables as disruptions leave them."""
LAST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def disrupted(snapshot: Snapshot) -> Snapshot:
    """Snapshot with disruptions of lots and lanes in its tables."""
    events = snapshot["disruptions"].to_dicts()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append(event)
    changed: dict[str, pl.DataFrame] = {}
    if "lot_held" in by_kind:
        now = snapshot["settings"]["as_of"][0]
        lots = [
            event["subject"].split("|")
            for event in by_kind["lot_held"]
            if event["valid_to"] is None or event["valid_to"] > now
        ]
        changed["stock"] = _without(snapshot["stock"], lots)
    blocked = [e for e in by_kind.get("lane_blocked", ()) if e["severity"] >= 1]
    if blocked:
        shut = [
            {
                "lane": event["subject"],
                "valid_from": event["valid_from"],
                "valid_to": event["valid_to"] or LAST,
            }
            for event in blocked
        ]
        known = snapshot["lane_blackouts"]
        rows = pl.DataFrame(shut, schema_overrides=known.schema)
        changed["lane_blackouts"] = pl.concat([known, rows], how="diagonal")
    return snapshot.replace(**changed) if changed else snapshot


def _without(stock: pl.DataFrame, lots: list[list[str]]) -> pl.DataFrame:
    names = {tuple(lot) for lot in lots}
    free = [
        row not in names for row in stock.select("product", "location", "lot").rows()
    ]
    return stock.filter(pl.Series(free, dtype=pl.Boolean))


def delay_days(
    snapshot: Snapshot, suppliers: pl.Series, ordered: pl.Series
) -> pl.Series:
    """How much longer orders take for a supplier that is late then [days].

    Parameters
    ----------
    suppliers, ordered
        Per order its supplier, and the instant at which it is placed [UTC seconds].
    """
    rows = snapshot["disruptions"].filter(pl.col("kind") == "supplier_delay")
    orders = pl.DataFrame({"supplier": suppliers, "ordered": ordered})
    days = pl.lit(0.0)
    for subject, begin, end, late in rows.select(
        "subject", seconds("valid_from"), seconds("valid_to"), "delay_days"
    ).iter_rows():
        inside = pl.col("ordered").is_between(begin, end or NEVER, closed="left")
        named = pl.col("supplier") == subject
        days += pl.when(named & inside).then(late).otherwise(0.0)
    return orders.with_columns(days=days)["days"]


def outages(
    snapshot: Snapshot, subject: str, kind: str = "resource_down"
) -> list[tuple[int, int, float]]:
    """List when a resource is down, or a lane blocked: from, to [s], how much of it."""
    rows = snapshot["disruptions"].filter(
        (pl.col("kind") == kind) & (pl.col("subject") == subject)
    )
    return [
        (begin, NEVER if end is None else end, severity)
        for begin, end, severity in rows.select(
            seconds("valid_from"), seconds("valid_to"), "severity"
        ).iter_rows()
    ]
