"""Limits of suppliers, vehicles and release fences, in mode constrained.

A supplier's quantity counts by receipt (rule 32), a vehicle's by departure. What exists
already may exceed a limit by itself; a fault needs something new in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.verify.disruptions import outages
from medhavi.results.verify.facts import SECONDS, TOLERANCE, faults, seconds, validity
from medhavi.results.verify.orders.lead_times import first_with_count
from medhavi.units import DAY, HOUR, exact

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


def check_limits(facts: Facts) -> list[Finding]:
    """Check fences, capacities of suppliers and of vehicles."""
    if facts.mode != "constrained":
        return []
    return [*_fences(facts), *_suppliers(facts), *_vehicles(facts)]


# --- fences ------------------------------------------------------------------------
def _fences(facts: Facts) -> list[Finding]:
    """Check that open days of the fence lie between now and each new start."""
    rows = _new(facts).join(_fenced(facts), on=["kind", "source"], suffix="_of")
    rows = rows.filter(
        (pl.col("kind") == "make")
        | (
            (pl.col("named") == pl.col("product"))
            & ((pl.col("place") == pl.col("location")) | (pl.col("place") == "*"))
            & (pl.col("valid_from_s") <= pl.col("start_s"))
            & (pl.col("start_s") < pl.col("valid_to_s"))
        )
    )
    if rows.is_empty():
        return []
    parts = []
    for (calendar,), group in rows.group_by("calendar", maintain_order=True):
        name = None if calendar is None else str(calendar)
        start = facts.clock.day_axis(name, group["start_s"].to_numpy())
        now = facts.clock.day_axis(name, np.array([facts.as_of], dtype=np.int64))
        fence = np.ceil(group["fence_days"].to_numpy() * DAY).astype(np.int64)
        parts.append(group.with_columns(hours=(now + fence - start) / HOUR))
    inside = (
        pl.concat(parts)
        .sort("hours", maintain_order=True)
        .unique("id", keep="first", maintain_order=True)
        .filter(pl.col("hours") > SECONDS / HOUR)
        .sort("id")
    )
    return faults(
        "VER066",
        "supplies",
        inside.select(
            pl.col("id").alias("value"),
            pl.col("start_s").alias("moment"),
            "hours",
            "source",
        ),
    )


def _new(facts: Facts) -> pl.DataFrame:
    return facts.supplies.filter(pl.col("main") & ~pl.col("existing"))


def _fenced(facts: Facts) -> pl.DataFrame:
    """List fences: kind, source, product and place of terms, days, calendar."""
    snapshot = facts.snapshot
    places = snapshot["locations"].select("location", "calendar")
    make = (
        snapshot["routings"]
        .join(places, on="location", how="left")
        .select(
            pl.lit("make").alias("kind"),
            pl.col("routing").alias("source"),
            pl.lit(None, pl.String).alias("named"),
            pl.lit(None, pl.String).alias("place"),
            pl.lit(0, pl.Int64).alias("valid_from_s"),
            pl.lit(0, pl.Int64).alias("valid_to_s"),
            "fence_days",
            "calendar",
        )
    )
    suppliers = snapshot["suppliers"].select("supplier", "calendar")
    buy = (
        snapshot["supply_terms"]
        .with_columns(*validity())
        .join(suppliers, on="supplier", how="left")
        .join(
            facts.members.rename({"product": "member"}),
            left_on="product",
            right_on="named",
        )
        .select(
            pl.lit("buy").alias("kind"),
            pl.col("supplier").alias("source"),
            pl.col("member").alias("named"),
            pl.col("location").alias("place"),
            "valid_from_s",
            "valid_to_s",
            "fence_days",
            "calendar",
        )
    )
    return pl.concat([make, buy])


# --- suppliers ---------------------------------------------------------------------
def _suppliers(facts: Facts) -> list[Finding]:
    receipts = _receipts(facts)
    if receipts.is_empty():
        return []
    over = [*_periods(facts, receipts), *_windows(facts, receipts)]
    return faults("VER067", "supplies", pl.DataFrame(over)) if over else []


def _receipts(facts: Facts) -> pl.DataFrame:
    """Each purchase with its terms and when it is at the door."""
    terms = facts.snapshot["supply_terms"].with_columns(*validity()).with_row_index()
    rows = (
        facts.supplies.filter(pl.col("main") & (pl.col("kind") == "buy"))
        .join(facts.members, on="product")
        .join(
            terms.select(
                "index",
                pl.col("supplier").alias("source"),
                pl.col("product").alias("named"),
                pl.col("location").alias("place"),
                "valid_from_s",
                "valid_to_s",
                "receipt_days",
                "capacity_per_period",
                "period_days",
            ),
            on=["source", "named"],
        )
        .filter(
            ((pl.col("place") == pl.col("location")) | (pl.col("place") == "*"))
            & (pl.col("valid_from_s") <= pl.col("start_s"))
            & (pl.col("start_s") < pl.col("valid_to_s"))
        )
        .unique("id", keep="first", maintain_order=True)
    )
    calendars = dict(
        facts.snapshot["locations"].select("location", "calendar").iter_rows()
    )
    door = [
        _door(facts, calendars.get(location), finish, days)
        for location, finish, days in rows.select(
            "location", "finish_s", "receipt_days"
        ).iter_rows()
    ]
    return rows.with_columns(door_s=pl.Series(door, dtype=pl.Int64))


def _door(facts: Facts, calendar: str | None, finish: int, days: float) -> int:
    """Latest instant with so many open days up to the finish."""
    if not days:
        return finish
    needed = round(days * DAY)
    if calendar is None:
        return finish - needed
    low, high = np.array([facts.as_of - 400 * DAY]), np.array([finish])
    target = facts.clock.day_axis(calendar, high) - needed + 1
    return int(first_with_count(facts, calendar, target, (low, high))[0]) - 1


def _periods(facts: Facts, receipts: pl.DataFrame) -> list[dict[str, object]]:
    rows = receipts.filter(pl.col("capacity_per_period").is_not_null())
    if rows.is_empty():
        return []
    length = (pl.col("period_days") * DAY).ceil().cast(pl.Int64)
    begin = facts.as_of + (pl.col("door_s") - facts.as_of) // length * length
    sums = (
        rows.with_columns(begin=begin)
        .group_by("source", "named", "place", "begin", "period_days")
        .agg(
            pl.col("qty").sum().alias("used"),
            pl.col("capacity_per_period").max().alias("available"),
            (~pl.col("existing")).any().alias("new"),
        )
        .filter(
            pl.col("new")
            & (pl.col("used") > pl.col("available") * (1 + 1e-9) + TOLERANCE)
        )
        .sort("source", "named", "begin")
    )
    return [
        {"value": source, "used": used, "available": available, "moment": moment}
        for source, used, available, moment in sums.select(
            "source", "used", "available", "begin"
        ).iter_rows()
    ]


def _windows(facts: Facts, receipts: pl.DataFrame) -> list[dict[str, object]]:
    found = []
    groups = facts.members.group_by("product").agg("named")
    names = {product: {"*", *named} for product, named in groups.iter_rows()}
    rows = receipts.select("source", "product", "door_s", "qty", "existing").to_dicts()
    windows = facts.snapshot["supplier_capacity"].with_columns(
        seconds("valid_from"), seconds("valid_to")
    )
    for window in windows.iter_rows(named=True):
        inside = [
            row
            for row in rows
            if row["source"] == window["supplier"]
            and window["valid_from_s"] <= row["door_s"] < window["valid_to_s"]
            and window["product"] in names[row["product"]]
        ]
        used = sum(row["qty"] for row in inside)
        new = any(not row["existing"] for row in inside)
        if new and used > window["qty"] * (1 + 1e-9) + TOLERANCE:
            found.append(
                {
                    "value": window["supplier"],
                    "used": used,
                    "available": window["qty"],
                    "moment": window["valid_from_s"],
                }
            )
    return found


# --- vehicles ----------------------------------------------------------------------
def _vehicles(facts: Facts) -> list[Finding]:
    products = facts.snapshot["products"].select("product", "weight_kg", "volume_m3")
    lanes = facts.snapshot["lanes"].select("lane", "capacity_kg", "capacity_m3")
    scheduled = facts.snapshot["departures"]["lane"].unique().to_list()
    moves = (
        facts.supplies.filter(pl.col("main") & (pl.col("kind") == "move"))
        .with_columns(
            used=pl.coalesce("lane", "source"),
            moment=pl.coalesce("departure_s", "start_s"),
        )
        .drop("lane")
        .join(lanes, left_on="used", right_on="lane")
        .join(products, on="product")
        # A lane that leaves at any time sends a vehicle for each move.
        .with_columns(
            vehicle=pl.when(pl.col("used").is_in(scheduled))
            .then(pl.lit(""))
            .otherwise("id")
        )
        .with_columns(
            kg=pl.col("qty") * pl.col("weight_kg"),
            m3=pl.col("qty") * pl.col("volume_m3"),
        )
        .group_by("used", "moment", "vehicle")
        .agg(
            pl.col("capacity_kg", "capacity_m3").first(),
            # What weighs nothing may join a vehicle that existing moves overload.
            pl.col("kg", "m3").filter(~pl.col("existing")).sum().name.prefix("new_"),
            pl.col("kg", "m3").sum(),
        )
        .sort("used", "moment", "vehicle")
    )
    found = []
    for row in moves.iter_rows(named=True):
        for unit in ("kg", "m3"):
            most = row[f"capacity_{unit}"]
            if most is None or not row[f"new_{unit}"]:
                continue
            most = _left(facts, row["used"], row["moment"], most)
            if row[unit] > most * (1 + 1e-9) + TOLERANCE:
                found.append(
                    {
                        "value": row["used"],
                        "moment": row["moment"],
                        "used": row[unit],
                        "available": most,
                    }
                )
    return faults("VER074", "supplies", pl.DataFrame(found)) if found else []


def _left(facts: Facts, lane: str, moment: int, most: float) -> float:
    """What a disruption leaves of the room of a departure (rule 20)."""
    severity = max(
        (
            share
            for begin, end, share in outages(facts.snapshot, lane, "lane_blocked")
            if begin <= moment < end and share < 1
        ),
        default=0.0,
    )
    return float(int(exact(most) * (1 - exact(severity)))) if severity else most
