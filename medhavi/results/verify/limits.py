"""Lead times and departures; limits of suppliers, vehicles and release fences.

A supplier's quantity counts by receipt (rule 32), a vehicle's by departure. What exists
already may exceed a limit by itself; a fault needs something new in it.

On the axis of its calendar a stretch of time has one length, however it was scheduled:
backward orders end where forward ones may start later over closed days, but the open
time between order and receipt is the same.

Where `estimates` has a row for the supplier or lane, that time is checked: the median
in mode mrp, the quantile of `settings.risk_basis` in the others, the row of the product
before that of all products, a time before a factor on the stated one. A delay of the
supplier comes on top, but in mode mrp.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from medhavi.results.verify.facts import (
    OBEYING,
    SECONDS,
    TOLERANCE,
    delay_days,
    faults,
    seconds,
    valid_at,
    validity,
)
from medhavi.units import DAY, HOUR, NEVER, exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

    Instants = NDArray[np.int64]


EVERY_PRODUCT = "*"


def check_lead_times(facts: Facts) -> list[Finding]:
    """Check that new buys and moves take exactly their lead time."""
    new = facts.new_orders
    found = _buys(facts, new) if (new["kind"] == "buy").any() else []
    if (new["kind"] == "move").any():
        found += [*_moves(facts, new), *_departures(facts, new)]
    return found


def _buys(facts: Facts, new: pl.DataFrame) -> list[Finding]:
    terms = facts.snapshot["supply_terms"].lazy().with_columns(*validity())
    suppliers = dict(
        facts.snapshot["suppliers"].select("supplier", "calendar").iter_rows()
    )
    places = facts.place_calendars
    rows = (
        new.lazy()
        .filter(pl.col("kind") == "buy")
        .join(facts.members.lazy(), on="product")
        .join(
            terms.rename({"location": "term_location"}),
            left_on=["source", "named"],
            right_on=["supplier", "product"],
            suffix="_term",
        )
        .filter(
            (
                (pl.col("term_location") == pl.col("location"))
                | (pl.col("term_location") == "*")
            )
            & valid_at("start_s")
        )
        .with_columns(
            pl.col("source")
            .replace_strict(suppliers, default=None, return_dtype=pl.String)
            .alias("supplier_calendar"),
            pl.col("location")
            .replace_strict(places, default=None, return_dtype=pl.String)
            .alias("place_calendar"),
        )
        .collect(engine="in-memory")
    )
    rows = _estimated(facts, rows, "supplier", ("source", "product")).with_columns(
        lead_days=pl.coalesce(
            "estimated_days", pl.col("factor") * pl.col("lead_time_days")
        ).fill_null(
            pl.col("lead_time_days") * (100.0 + pl.col("lead_margin_pct")) / 100.0
        )
    )
    if facts.mode in OBEYING:
        late = delay_days(facts.snapshot, rows["source"], rows["start_s"])
        rows = rows.with_columns(lead_days=pl.col("lead_days") + late)
    parts = []
    for _, group in rows.group_by(
        "supplier_calendar", "place_calendar", maintain_order=True
    ):
        lead = _rounded_up(group["lead_days"], DAY)
        receipt = _rounded_up(group["receipt_days"], DAY)
        first, second = group["supplier_calendar"][0], group["place_calendar"][0]
        start, finish = group["start_s"].to_numpy(), group["finish_s"].to_numpy()
        parts.append(
            group.with_columns(
                gap=_two_stage_gap(
                    facts, (first, second), (start, finish), (lead, receipt)
                )
            )
        )
    return _gaps(parts)


def _two_stage_gap(
    facts: Facts,
    calendars: tuple[str | None, str | None],
    window: tuple[Instants, Instants],
    needed: tuple[Instants, Instants],
) -> Instants:
    """Seconds by which the time planned exceeds the time needed.

    Where both stages count in one calendar, or one needs nothing, the length of the
    window on that axis decides; otherwise the second stage may begin anywhere between
    the earliest and the latest end of the first.
    """
    start, finish = window
    first, second = calendars
    axis = facts.clock.day_axis
    if first == second or not needed[1].any():
        return axis(first, finish) - axis(first, start) - needed[0] - needed[1]
    if not needed[0].any():
        return axis(second, finish) - axis(second, start) - needed[1]
    target = axis(first, start) + needed[0]
    low, high = start.copy(), np.maximum(finish, start)
    # Bisection for the first and the last instant with the wanted count.
    earliest = first_with_count(facts, first, target, (low, high))
    latest = np.maximum(
        first_with_count(facts, first, target + 1, (low, high)) - 1, earliest
    )
    end = axis(second, finish) - needed[1]
    too_short = end - axis(second, earliest)
    too_long = end - axis(second, latest)
    reached = axis(first, high) >= target - SECONDS
    gap = np.where(too_short < 0, too_short, np.where(too_long > 0, too_long, 0))
    return np.where(reached, gap, axis(first, high) - target)


def first_with_count(
    facts: Facts,
    calendar: str | None,
    target: Instants,
    bounds: tuple[Instants, Instants],
) -> Instants:
    """First instants, inside bounds, with a place on the axis of open days."""
    low, high = bounds[0].copy(), bounds[1].copy()
    while (low < high).any():
        middle = (low + high) // 2
        there = facts.clock.day_axis(calendar, middle) >= target
        high = np.where(there, middle, high)
        low = np.where(there, low, np.minimum(middle + 1, high))
    return low


def _moves(facts: Facts, new: pl.DataFrame) -> list[Finding]:
    lanes = facts.snapshot["lanes"].select(
        "lane", "calendar", "duration_h", "customs_h"
    )
    rows = (
        new.filter(pl.col("kind") == "move")
        .with_columns(used=pl.coalesce("lane", "source"))
        .join(lanes, left_on="used", right_on="lane")
        .with_columns(every=pl.lit(EVERY_PRODUCT))
    )
    rows = _estimated(facts, rows, "lane", ("used", "every"))
    parts = []
    for (calendar,), group in rows.group_by("calendar", maintain_order=True):
        hours = group["factor"].fill_null(1.0) * group["duration_h"]
        needed = _rounded_up(hours, HOUR) + _rounded_up(group["customs_h"], HOUR)
        days = group["estimated_days"]
        estimated = _rounded_up(days.fill_null(0.0), DAY)
        needed = np.where(days.is_not_null().to_numpy(), estimated, needed)
        start = (
            group.select(pl.coalesce("departure_s", "start_s")).to_series().to_numpy()
        )
        finish = group["finish_s"].to_numpy()
        if calendar is None:
            used = finish - start
        else:
            used = facts.clock.open_time(str(calendar)).between(start, finish)
        parts.append(group.with_columns(gap=used - needed))
    return _gaps(parts)


def _estimated(
    facts: Facts, rows: pl.DataFrame, kind: str, key: tuple[str, str]
) -> pl.DataFrame:
    """Add `estimated_days` and `factor` of the subject and product, null without."""
    settings = facts.snapshot["settings"]
    quantile = "p50" if facts.mode == "mrp" else settings["risk_basis"][0]
    subject, product = key
    if facts.snapshot["estimates"].is_empty():
        unknown = pl.lit(None, pl.Float64)
        return rows.with_columns(estimated_days=unknown, factor=unknown)
    taken = rows
    for name, quantity in (
        ("estimated_days", "lead_days"),
        ("factor", "duration_factor"),
    ):
        told = (
            facts.snapshot["estimates"]
            .filter(pl.col("kind") == kind, pl.col("quantity") == quantity)
            .select(
                pl.col("subject").alias(subject),
                pl.col("product").alias("told_for"),
                pl.col(quantile).alias(name),
            )
        )
        own = told.rename({"told_for": product})
        every = told.filter(pl.col("told_for") == EVERY_PRODUCT).select(
            subject, pl.col(name).alias(f"{name}_of_all")
        )
        taken = (
            taken.join(own, on=[subject, product], how="left", maintain_order="left")
            .join(every, on=subject, how="left", maintain_order="left")
            .with_columns(pl.coalesce(name, f"{name}_of_all").alias(name))
        )
    return taken


def _rounded_up(values: pl.Series, unit: int) -> Instants:
    return np.ceil(values.to_numpy() * unit - 1e-6).astype(np.int64)


def _gaps(parts: list[pl.DataFrame]) -> list[Finding]:
    if not parts:
        return []
    rows = pl.concat(parts)
    # Several terms may be valid at once; the supply follows one of them.
    best = rows.sort(pl.col("gap").abs(), maintain_order=True).unique(
        "id", keep="first", maintain_order=True
    )
    found: list[Finding] = []
    for code, wrong in (
        ("VER022", pl.col("gap") < -SECONDS),
        ("VER023", pl.col("gap") > SECONDS),
    ):
        found += faults(
            code,
            "supplies",
            best.filter(wrong).sort("id"),
            "source",
            value="id",
            hours=(pl.col("gap").abs() / HOUR),
            start="start_s",
            moment="finish_s",
        )
    return found


def _departures(facts: Facts, new: pl.DataFrame) -> list[Finding]:
    """Check timetable, blackouts and that a move starts with its departure."""
    lanes = dict(facts.snapshot["lanes"].select("lane", "origin").iter_rows())
    zones = dict(facts.snapshot["locations"].select("location", "timezone").iter_rows())
    timetable: dict[str, set[tuple[int, dt.time]]] = {}
    for row in facts.snapshot["departures"].iter_rows(named=True):
        timetable.setdefault(row["lane"], set()).add((row["weekday"], row["time"]))
    blackouts: dict[str, list[tuple[int, int]]] = {}
    for row in (
        facts.snapshot["lane_blackouts"].with_columns(*validity()).iter_rows(named=True)
    ):
        window = (row["valid_from_s"], row["valid_to_s"])
        blackouts.setdefault(row["lane"], []).append(window)
    moves = new.filter(pl.col("kind") == "move").with_columns(
        used=pl.coalesce("lane", "source"),
        moment=pl.coalesce("departure_s", "start_s"),
    )
    judged = moves.filter(
        pl.col("used").is_in(sorted({*timetable, *blackouts}))
        | (
            pl.col("departure_s").is_not_null()
            & (pl.col("departure_s") != pl.col("start_s"))
        )
    ).select("used", "moment", "start_s", value="id")
    departs = [
        (used, moment, _departs(moment, zone, timetable.get(used), closed))
        for used, moment in judged.select("used", "moment").unique().iter_rows()
        for zone in (ZoneInfo(zones.get(lanes.get(used), "UTC")),)
        for closed in (blackouts.get(used, []),)
    ]
    schema = {"used": pl.String, "moment": pl.Int64, "departs": pl.Boolean}
    wrong = judged.join(
        pl.DataFrame(departs, schema, orient="row"),
        on=["used", "moment"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).filter((pl.col("moment") != pl.col("start_s")) | ~pl.col("departs"))
    cells = pl.col("value"), pl.col("used").alias("source"), pl.col("moment")
    return faults("VER024", "supplies", wrong.select(*cells))


def _departs(
    instant: int,
    zone: ZoneInfo,
    timetable: set[tuple[int, dt.time]] | None,
    blackouts: list[tuple[int, int]],
) -> bool:
    if any(start <= instant < (finish or NEVER) for start, finish in blackouts):
        return False
    if timetable is None:
        return True
    local = dt.datetime.fromtimestamp(instant, zone)
    if (local.isoweekday(), local.time()) in timetable:
        return True
    # A departure inside the gap of the clock leaves at the first instant after it.
    before = dt.datetime.fromtimestamp(instant - 1, zone)
    return any(
        weekday == local.isoweekday() and before.time() < time < local.time()
        for weekday, time in timetable
    )


def check_limits(facts: Facts) -> list[Finding]:
    """Check fences, capacities of suppliers and of vehicles."""
    if facts.mode == "mrp":
        return []
    return [*_fences(facts), *_suppliers(facts), *_vehicles(facts)]


# --- fences ------------------------------------------------------------------------
def _fences(facts: Facts) -> list[Finding]:
    """Check that open days of the fence lie between now and each new start."""
    orders, fences = facts.new_orders, _fenced(facts)
    made = orders.join(
        fences.filter(pl.col("kind") == "make"), on=["kind", "source"], suffix="_of"
    )
    # Of a supplier only terms of the product: it may have thousands.
    named = pl.col("named").alias("product")
    bought = orders.join(
        fences.filter(pl.col("kind") == "buy").with_columns(named),
        on=["kind", "source", "product"],
        suffix="_of",
    ).filter(
        ((pl.col("place") == pl.col("location")) | (pl.col("place") == "*"))
        & valid_at("start_s")
    )
    rows = pl.concat([made, bought], how="diagonal")
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
        "VER066", "supplies", inside, "hours", "source", value="id", moment="start_s"
    )


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
    per_period = facts.snapshot["supply_terms"]["capacity_per_period"]
    windows = facts.snapshot["supplier_capacity"]
    if per_period.null_count() == len(per_period) and windows.is_empty():
        return []
    receipts = _receipts(facts)
    over = [*_periods(facts, receipts), *_windows(facts, receipts)]
    return faults("VER067", "supplies", over)


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
            & valid_at("start_s")
        )
        .unique("id", keep="first", maintain_order=True)
    )
    places = facts.snapshot["locations"].select("location", "calendar")
    rows = rows.join(places, on="location", how="left", maintain_order="left")
    door = rows["finish_s"].to_numpy().copy()
    days = rows["receipt_days"].to_numpy()
    for calendar in rows["calendar"].unique():
        own = rows["calendar"].eq_missing(calendar).to_numpy() & (days != 0)
        door[own] = _doors(facts, calendar, door[own], days[own])
    return rows.with_columns(door_s=pl.Series(door, dtype=pl.Int64))


def _doors(
    facts: Facts, calendar: str | None, finish: Instants, days: NDArray[np.float64]
) -> Instants:
    """Latest instants with so many open days up to each finish."""
    needed = np.rint(days * DAY).astype(np.int64)
    if calendar is None:
        return finish - needed
    low = np.full(len(finish), facts.as_of - 400 * DAY)
    target = facts.clock.day_axis(calendar, finish) - needed + 1
    return first_with_count(facts, calendar, target, (low, finish)) - 1


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
    windows = facts.snapshot["supplier_capacity"].with_columns(
        seconds("valid_from"), seconds("valid_to")
    )
    for window in windows.iter_rows(named=True):
        inside = receipts.filter(
            (pl.col("source") == window["supplier"])
            & (pl.col("door_s") >= window["valid_from_s"])
            & (pl.col("door_s") < window["valid_to_s"])
        )
        if window["product"] != EVERY_PRODUCT:
            own = facts.members.filter(pl.col("named") == window["product"])
            inside = inside.join(own, on="product", how="semi", maintain_order="left")
        used = sum(inside["qty"].to_list())
        new = not inside["existing"].all()
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
    # A lane without a limit carries anything.
    lanes = lanes.filter(pl.any_horizontal(pl.exclude("lane").is_not_null()))
    if lanes.is_empty():
        return []
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
    return faults("VER074", "supplies", found)


def _left(facts: Facts, lane: str, moment: int, most: float) -> float:
    """What a disruption leaves of the room of a departure (rule 20)."""
    severity = max(
        (
            share
            for begin, end, share in facts.lane_blocks.get(lane, ())
            if begin <= moment < end and share < 1
        ),
        default=0.0,
    )
    return float(int(exact(most) * (1 - exact(severity)))) if severity else most
