"""What happens to stock over time: its level above safety, receipts and issues."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import polars as pl

from medhavi.units import DAY, from_seconds
from medhavi.views.item_record import BALANCE, bucket_words, item_finding
from medhavi.views.names import Names, quantity, wall_milliseconds, when
from medhavi.views.theme import PLOT, finished, rows_of, rules_at, time_axis, token
from medhavi.views.words import say

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.time_phased import TimePhasedRecord
    from medhavi.views.theme import Picture


_MOST = 400
"""Buckets that a picture shows."""
_TAIL = dt.timedelta(days=7)
_TAIL_MS = 7 * DAY * 1000


def in_view(plan: Plan) -> pl.DataFrame:
    """Positions up to the last receipt or issue of the plan.

    What lies beyond is stock that expires years later; it would only stretch pictures.
    """
    moved = plan.positions.filter((pl.col("gross") > 0) | (pl.col("inbound") > 0))
    if moved.is_empty():
        return plan.positions
    return plan.positions.filter(pl.col("bucket") <= moved["bucket"].max())


def items_by_need(plan: Plan) -> pl.DataFrame:
    """Product-locations, those in trouble first.

    Returns
    -------
    pl.DataFrame
        product, location, lowest (the least of stock minus safety, as a share of
        what is used), ascending; where nothing is short, the fullest first.
    """
    gap = pl.col("on_hand") - pl.col("safety")
    used = pl.max_horizontal(pl.col("gross").sum(), pl.col("safety").max(), 1.0)
    return (
        in_view(plan)
        .group_by("product", "location")
        .agg(
            (gap.min() / used).clip(upper_bound=0).alias("lowest"),
            pl.col("on_hand").max().alias("most"),
        )
        .sort(
            "lowest",
            "most",
            "product",
            "location",
            descending=[False, True, False, False],
        )
        .drop("most")
    )


def stock_rows(plan: Plan, product: str, location: str, names: Names) -> pl.DataFrame:
    """Stock of one item over time.

    Returns
    -------
    pl.DataFrame
        x, x2 (wall clock [ms]: the bucket up to the next one with a movement), stock
        at the end of the bucket, safety, receipts, issues, floor (the lesser of stock
        and safety), tip. The first row is the stock before the first movement.
    """
    rows = _item(plan, product, location).head(_MOST)
    if rows.is_empty():
        return pl.DataFrame()
    zone, unit = names.zone_of(location), names.unit(product)
    edges = [*rows["bucket"].to_list()]
    edges.append(edges[-1] + _TAIL)
    first = rows.row(0, named=True)
    opening = first["on_hand"] - first["inbound"] + first["gross"]
    records = [_before(first, opening, edges[0], zone, unit)]
    for row, begin, end in zip(
        rows.iter_rows(named=True), edges, edges[1:], strict=False
    ):
        tip = say(
            "stock_tip",
            when(begin, zone),
            quantity(row["on_hand"], unit),
            quantity(row["safety"], unit),
            quantity(row["inbound"], unit),
            quantity(row["gross"], unit),
        )
        records.append(
            {
                "x": wall_milliseconds(begin, zone),
                "x2": wall_milliseconds(end, zone),
                "stock": row["on_hand"],
                "safety": row["safety"],
                "receipts": row["inbound"],
                "issues": row["gross"],
                "floor": min(row["on_hand"], row["safety"]),
                "tip": tip,
            }
        )
    return pl.DataFrame(records)


def record_rows(record: TimePhasedRecord, now: int | None = None) -> pl.DataFrame:
    """Stock of one item by the buckets of its time-phased record.

    Parameters
    ----------
    now
        Wall clock [ms] at which the plan begins: what moves in its bucket is ahead, so
        that bucket begins there.

    Returns
    -------
    pl.DataFrame
        Columns of `stock_rows`; the first row is what is past due.
    """
    buckets = record.rows["bucket"].to_list()
    days = [to_milliseconds(one) for one in buckets[1:]]
    edges = [days[0] - _TAIL_MS // 2, *days, _end(buckets[-1], record.bucket)]
    if now is not None and edges[1] < now < edges[2]:
        edges[1] = now
    records = []
    rows = record.rows.iter_rows(named=True)
    for row, begin, end in zip(rows, edges, edges[1:], strict=False):
        received = row["scheduled_receipts"] + row["planned_order_receipts"]
        issued = row["gross_requirements"] + row["expired"]
        stock, safety = row[BALANCE], row["safety_stock"]
        tip = say(
            "stock_tip",
            bucket_words(row["bucket"], record.bucket),
            stock,
            safety,
            received,
            issued,
        )
        records.append(
            {
                "x": begin,
                "x2": end,
                "stock": stock,
                "safety": safety,
                "receipts": received,
                "issues": issued,
                "floor": min(stock, safety),
                "tip": tip,
            }
        )
    return pl.DataFrame(records)


def _end(first: dt.date, length: str) -> int:
    """First instant after a bucket on its wall clock [ms]."""
    if length == "month":
        later = first.replace(day=28) + dt.timedelta(days=4)
        return to_milliseconds(later.replace(day=1))
    return to_milliseconds(first + dt.timedelta(days=1 if length == "day" else 7))


def to_milliseconds(day: dt.date) -> int:
    """Begin of a day on the wall clock [ms], as charts count it."""
    return (day - dt.date(1970, 1, 1)).days * DAY * 1000


def _item(plan: Plan, product: str, location: str) -> pl.DataFrame:
    return (
        in_view(plan)
        .filter(pl.col("product") == product, pl.col("location") == location)
        .sort("bucket")
    )


def _before(
    first: dict[str, float], opening: float, edge: dt.datetime, zone: str, unit: str
) -> dict[str, object]:
    start = edge - _TAIL / 2
    return {
        "x": wall_milliseconds(start, zone),
        "x2": wall_milliseconds(edge, zone),
        "stock": opening,
        "safety": first["safety"],
        "receipts": 0.0,
        "issues": 0.0,
        "floor": min(opening, first["safety"]),
        "tip": f"before: stock {quantity(opening, unit)}",
    }


def stock_title(plan: Plan, product: str, location: str, names: Names) -> str:
    """What the picture finds: when stock is short, and how far."""
    place = f"{names.name(product)} at {names.name(location)}"
    rows = _item(plan, product, location)
    under = rows.filter(pl.col("on_hand") < pl.col("safety"))
    if under.is_empty():
        return say("stays_at_or_above", place)
    first = under.row(0, named=True)
    day = when(first["bucket"], names.zone_of(location)).split(",")[0]
    unit = names.unit(product)
    lowest = quantity(under["on_hand"].to_list()[_lowest(under)], unit)
    return say("is_below_its_safety", place, day, lowest)


def _lowest(rows: pl.DataFrame) -> int:
    values = rows["on_hand"].to_list()
    return values.index(min(values))


def stock_chart(
    plan: Plan, product: str, location: str, names: Names | None = None
) -> Picture | None:
    """Draw the projected stock of one item; None where it is never moved."""
    known = names or Names()
    rows = stock_rows(plan, product, location, known)
    if rows.is_empty():
        return None
    title = stock_title(plan, product, location, known)
    return _drawn(rows, title, known.unit(product), _now(plan, known.zone_of(location)))


def record_chart(record: TimePhasedRecord, plan: Plan, names: Names) -> Picture | None:
    """Draw the projected available balance of a record; None where it is unlimited.

    Bucket for bucket it is the line of the grid, so both begin to be short at once.
    """
    if math.isinf(record.rows[BALANCE][0]):
        return None
    now = _now(plan, names.zone_of(record.location))
    unit = names.unit(record.product)
    return _drawn(record_rows(record, now), item_finding(record, names), unit, now)


def _now(plan: Plan, zone: str) -> int | None:
    as_of = plan.run.as_of
    return None if as_of is None else wall_milliseconds(from_seconds(as_of), zone)


def _drawn(rows: pl.DataFrame, title: str, unit: str, now: int | None) -> Picture:
    """Steps of stock above its safety, receipts and issues below."""
    import altair as alt

    first, last = rows["x"].to_list()[0], rows["x2"].to_list()[-1]
    plot = PLOT - 34
    base = alt.Chart(rows_of(rows)).encode(x=time_axis(first, last), x2=alt.X2("x2:T"))
    level = alt.Y(
        "stock:Q",
        title=f"stock [{unit}]",
        scale=alt.Scale(range=[plot, 0], zero=True),
        axis=alt.Axis(tickCount=5, format="~s" if _large(rows) else ",~f"),
    )
    layers = [
        base.mark_rect(color=token("muted"), opacity=0.14, aria=False).encode(
            y=alt.Y("safety:Q", title=None), y2=alt.Y2Datum(0)
        ),
        *_shortages(base, rows),
        alt.Chart(rows_of(_corners(rows)))
        .mark_line(
            interpolate="step-after", color=token("plan"), strokeWidth=2, aria=False
        )
        .encode(x=alt.X("x:T"), y=level),
        *_short_words(rows),
        *_rug(rows, plot),
        base.mark_rect(opacity=0).encode(
            y=alt.YValue(0),
            y2=alt.Y2Value(PLOT),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        ),
    ]
    if now is not None and first <= now <= last:
        layers += rules_at({"now": now}, first, last)
    return finished(alt.layer(*layers), title, PLOT)


def _large(rows: pl.DataFrame) -> bool:
    return any(abs(value) >= 10_000 for value in rows["stock"].to_list())


def _corners(rows: pl.DataFrame) -> pl.DataFrame:
    end = rows.tail(1).select(pl.col("x2").alias("x"), "stock")
    return pl.concat([rows.select("x", "stock"), end])


def _shortages(base: alt.Chart, rows: pl.DataFrame) -> list[Picture]:
    """Fill what is below safety and below zero; a layer without rows has no extent."""
    import altair as alt

    layers: list[Picture] = []
    if (rows["stock"] < rows["safety"]).any():
        layers.append(
            base.transform_filter("datum.stock < datum.safety")
            .mark_rect(color=token("warn"), opacity=0.35, aria=False)
            .encode(y=alt.Y("floor:Q"), y2=alt.Y2("safety:Q"))
        )
    if (rows["stock"] < 0).any():
        layers.append(
            base.transform_filter("datum.stock < 0")
            .mark_rect(color=token("bad"), opacity=0.6, aria=False)
            .encode(y=alt.Y("stock:Q"), y2=alt.Y2Datum(0))
        )
    return layers


def _short_words(rows: pl.DataFrame) -> list[Picture]:
    """Name the first stretch below safety: its colour is not alone."""
    import altair as alt

    under = rows.filter(pl.col("stock") < pl.col("safety")).head(1)
    if under.is_empty():
        return []
    word = pl.when(pl.col("stock") < 0).then(pl.lit("▲ short"))
    told = under.select("x", "safety", word=word.otherwise(pl.lit("◆ below safety")))
    text = alt.Chart(rows_of(told)).mark_text(
        align="left", baseline="bottom", dx=5, dy=-3, color=token("ink"), aria=False
    )
    return [text.encode(x=alt.X("x:T"), y=alt.Y("safety:Q"), text=alt.Text("word:N"))]


def _rug(rows: pl.DataFrame, plot: int) -> list[Picture]:
    """Tick receipts and issues in two lanes below the plot."""
    import altair as alt

    lanes: list[Picture] = []
    for field, word, lane, colour in (
        ("receipts", "in", plot + 14, "plan"),
        ("issues", "out", plot + 27, "muted"),
    ):
        moved = rows.filter(pl.col(field) > 0)
        ticks = alt.Chart(rows_of(moved)).encode(x=alt.X("x:T"), y=alt.YValue(lane))
        lanes.append(
            ticks.mark_tick(
                orient="vertical", size=10, thickness=2, color=token(colour), aria=False
            )
        )
        label = alt.Chart(alt.Data(values=[{"word": word}]))
        lanes.append(
            label.mark_text(
                align="right", color=token("muted"), fontSize=11, aria=False
            ).encode(x=alt.XValue(-8), y=alt.YValue(lane), text=alt.Text("word:N"))
        )
    return lanes
