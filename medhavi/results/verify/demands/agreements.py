"""Deliveries keep what lines and orders ask for (rule 12), in mode constrained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.verify.facts import TOLERANCE
from medhavi.results.verify.faults import faults

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

Row = dict[str, Any]


def check_agreements(facts: Facts) -> list[Finding]:
    """Check least shipments, full lines and the policies of orders."""
    if facts.mode != "constrained":
        return []
    given: dict[str, dict[int, float]] = {}
    for demand, moment, qty in facts.plan.deliveries.select(
        "demand", pl.col("date").dt.epoch("s"), "qty"
    ).iter_rows():
        dates = given.setdefault(demand, {})
        dates[moment] = dates.get(moment, 0.0) + qty
    planned = facts.plan.fulfilment.filter(pl.col("status") != "ignored")
    lines = (
        planned.select("demand", pl.col("qty").alias("wanted"))
        .join(facts.snapshot["demands"].drop("qty"), on="demand")
        .sort("demand")
        .to_dicts()
    )
    small = [fault for row in lines for fault in _small(row, given)]
    apart = _apart(lines, given)
    return [
        *(faults("VER068", "deliveries", pl.DataFrame(small)) if small else []),
        *(faults("VER069", "deliveries", pl.DataFrame(apart)) if apart else []),
    ]


def _small(row: Row, given: dict[str, dict[int, float]]) -> list[Row]:
    dates = given.get(row["demand"], {})
    found = []
    still = row["wanted"]
    for moment, qty in sorted(dates.items()):
        least = row["wanted"] if row["full_line"] else min(row["min_shipment"], still)
        if qty < least - TOLERANCE * (1 + least):
            found.append(
                {"value": row["demand"], "qty": qty, "moment": moment, "least": least}
            )
        still -= qty
    return found


def _apart(lines: list[Row], given: dict[str, dict[int, float]]) -> list[Row]:
    orders: dict[str, list[Row]] = {}
    for row in lines:
        if row["sales_order"] and row["order_policy"] != "independent":
            orders.setdefault(row["sales_order"], []).append(row)
    found = []
    for order, members in sorted(orders.items()):
        policy = members[0]["order_policy"]
        moments = sorted({m for row in members for m in given.get(row["demand"], {})})
        for moment in moments:
            shares = [
                sum(q for m, q in given.get(row["demand"], {}).items() if m <= moment)
                / row["wanted"]
                for row in members
            ]
            equal = max(shares) - min(shares) <= TOLERANCE
            whole = min(shares) >= 1 - TOLERANCE
            if not equal or (policy == "all_together" and not whole):
                found.append({"value": order, "policy": policy, "moment": moment})
                break
    return found
