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
    """Give the snapshot with disruptions of lots, lanes, suppliers in its tables."""
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
    if "supplier_delay" in by_kind:
        terms = snapshot["supply_terms"].to_dicts()
        for event in sorted(
            by_kind["supplier_delay"], key=lambda e: (e["valid_from"], e["disruption"])
        ):
            terms = [part for row in terms for part in _pieces(row, event)]
        schema = snapshot["supply_terms"].schema
        changed["supply_terms"] = pl.DataFrame(terms, schema=schema)
    return snapshot.replace(**changed) if changed else snapshot


def _without(stock: pl.DataFrame, lots: list[list[str]]) -> pl.DataFrame:
    names = {tuple(lot) for lot in lots}
    free = [
        row not in names for row in stock.select("product", "location", "lot").rows()
    ]
    return stock.filter(pl.Series(free, dtype=pl.Boolean))


def _pieces(row: dict[str, Any], event: dict[str, Any]) -> list[dict[str, Any]]:
    """Cut a row of terms where a delay of its supplier begins and ends."""
    if row["supplier"] != event["subject"] or not event["delay_days"]:
        return [row]
    first = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    low, high = row["valid_from"] or first, row["valid_to"] or LAST
    begin = max(low, event["valid_from"])
    end = min(high, event["valid_to"] or LAST)
    if begin >= end:
        return [row]
    late = row["lead_time_days"] + event["delay_days"]
    spans = (
        (low, begin, row["lead_time_days"]),
        (begin, end, late),
        (end, high, row["lead_time_days"]),
    )
    return [
        {
            **row,
            "valid_from": None if opens == first else opens,
            "valid_to": None if closes == LAST else closes,
            "lead_time_days": days,
        }
        for opens, closes, days in spans
        if opens < closes
    ]


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
