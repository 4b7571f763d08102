"""What happens over time: stock above its safety, load of resources by bucket.

Each cell is as long as its bucket; run and set-up fill it from below to the share of
the open hours that they take. What does not fit turns the whole cell and says by how
much. Work before now is no load that anybody can still plan: the map begins with the
bucket of now, and its title counts the rest.
"""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from medhavi.units import from_seconds
from medhavi.views.names import (
    Names,
    duration,
    percent,
    quantity,
    wall_milliseconds,
    when,
)
from medhavi.views.theme import (
    DAY_MS,
    PLOT,
    ROW,
    finished,
    rows_of,
    rule_at,
    time_axis,
    token,
)

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.plans.plan import Plan
    from medhavi.views.theme import Picture


_MOST = 400
"""Buckets that a picture shows."""
_TAIL = dt.timedelta(days=7)


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
        tip = (
            f"{when(begin, zone)}: stock {quantity(row['on_hand'], unit)}, "
            f"safety {quantity(row['safety'], unit)}, "
            f"in {quantity(row['inbound'], unit)}, out {quantity(row['gross'], unit)}"
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
        return f"{place} stays at or above its safety"
    first = under.row(0, named=True)
    day = when(first["bucket"], names.zone_of(location)).split(",")[0]
    unit = names.unit(product)
    lowest = quantity(under["on_hand"].to_list()[_lowest(under)], unit)
    return f"{place} is below its safety from {day}; lowest {lowest}"


def _lowest(rows: pl.DataFrame) -> int:
    values = rows["on_hand"].to_list()
    return values.index(min(values))


def stock_chart(
    plan: Plan, product: str, location: str, names: Names | None = None
) -> Picture | None:
    """Draw the projected stock of one item; None where it is never moved."""
    import altair as alt

    known = names or Names()
    rows = stock_rows(plan, product, location, known)
    if rows.is_empty():
        return None
    first, last = rows["x"].to_list()[0], rows["x2"].to_list()[-1]
    plot = PLOT - 34
    base = alt.Chart(rows_of(rows)).encode(x=time_axis(first, last), x2="x2:T")
    level = alt.Y(
        "stock:Q",
        title=f"stock [{known.unit(product)}]",
        scale=alt.Scale(range=[plot, 0], zero=True),
        axis=alt.Axis(tickCount=5, format="~s" if _large(rows) else ",~f"),
    )
    layers = [
        base.mark_rect(color=token("muted"), opacity=0.14, aria=False).encode(
            y=alt.Y("safety:Q", title=None), y2=alt.datum(0)
        ),
        *_shortages(base, rows),
        alt.Chart(rows_of(_corners(rows)))
        .mark_line(
            interpolate="step-after", color=token("plan"), strokeWidth=2, aria=False
        )
        .encode(x="x:T", y=level),
        *_short_words(rows),
        *_rug(rows, plot),
        base.mark_rect(opacity=0).encode(
            y=alt.value(0), y2=alt.value(PLOT), tooltip="tip:N", description="tip:N"
        ),
    ]
    if plan.run.as_of is not None:
        now = wall_milliseconds(from_seconds(plan.run.as_of), known.zone_of(location))
        if first <= now <= last:
            layers.append(rule_at(now, "now"))
    title = stock_title(plan, product, location, known)
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
            .encode(y="floor:Q", y2="safety:Q")
        )
    if (rows["stock"] < 0).any():
        layers.append(
            base.transform_filter("datum.stock < 0")
            .mark_rect(color=token("bad"), opacity=0.6, aria=False)
            .encode(y="stock:Q", y2=alt.datum(0))
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
    return [text.encode(x="x:T", y="safety:Q", text="word:N")]


def _rug(rows: pl.DataFrame, plot: int) -> list[Picture]:
    """Tick receipts and issues in two lanes below the plot."""
    import altair as alt

    lanes: list[Picture] = []
    for field, word, lane, colour in (
        ("receipts", "in", plot + 14, "plan"),
        ("issues", "out", plot + 27, "muted"),
    ):
        moved = rows.filter(pl.col(field) > 0)
        ticks = alt.Chart(rows_of(moved)).encode(x="x:T", y=alt.value(lane))
        lanes.append(
            ticks.mark_tick(
                orient="vertical", size=10, thickness=2, color=token(colour), aria=False
            )
        )
        label = alt.Chart(alt.Data(values=[{"word": word}]))
        lanes.append(
            label.mark_text(
                align="right", color=token("muted"), fontSize=11, aria=False
            ).encode(x=alt.value(-8), y=alt.value(lane), text="word:N")
        )
    return lanes


MOST_RESOURCES, MOST_BUCKETS = 24, 26
_WIDE = 16
"""Up to so many buckets a cell has room for a number."""
_NARROW = 480
"""In a map narrower than this no cell has [px]."""
_MARGIN = 0.08
_PARTS = {"run": "plan", "set-up": "warn", "overload": "bad"}


def load_cells(
    plan: Plan,
    names: Names,
    resources: int = MOST_RESOURCES,
    buckets: int = MOST_BUCKETS,
) -> pl.DataFrame:
    """Cells, the most overloaded resource first.

    Returns
    -------
    pl.DataFrame
        row, resource, label, x, x2 (wall clock [ms]), run, setup (shares of the
        cell), over [h], load (share of available; null where nothing is open), tip.
    """
    loads = _from_now(plan)
    if loads.is_empty():
        return pl.DataFrame()
    used = pl.col("run") + pl.col("setup")
    order = (
        loads.group_by("resource")
        .agg(pl.col("overload").sum().alias("over"), used.sum().alias("used"))
        .sort("over", "used", "resource", descending=[True, True, False])
        .head(resources)["resource"]
        .to_list()
    )
    grid = loads["bucket"].unique().sort().head(buckets).to_list()
    ends = _ends(grid)
    kept = loads.filter(
        pl.col("resource").is_in(order), pl.col("bucket").is_in(grid)
    ).to_dicts()
    rank = {resource: place for place, resource in enumerate(order)}
    kept.sort(key=lambda row: (rank[row["resource"]], row["bucket"]))
    return pl.DataFrame(
        [{"row": rank[row["resource"]], **_cell(row, ends, names)} for row in kept]
    )


def _from_now(plan: Plan) -> pl.DataFrame:
    """Loads from the bucket of now on."""
    loads = plan.loads
    if plan.run.as_of is None or loads.is_empty():
        return loads
    now = from_seconds(plan.run.as_of)
    begun = loads.filter(pl.col("bucket") <= now)["bucket"].to_list()
    current = max(begun) if begun else now
    ends = _ends(loads["bucket"].unique().sort().to_list())
    first = current if begun and ends[current] > now else now
    return loads.filter(pl.col("bucket") >= first)


def _ends(grid: list[dt.datetime]) -> dict[dt.datetime, dt.datetime]:
    """End of each bucket; a gap in the plan does not stretch a cell."""
    import datetime as dt

    months = len(grid) > 1 and all(start.day == 1 for start in grid)
    steps = [after - before for before, after in pairwise(grid)]
    sizes = [_size(step.total_seconds() / 3600, months=months) for step in steps]
    sizes.append(sizes[-1] if sizes else 168)
    return {
        start: start + min(step, dt.timedelta(hours=hours))
        for start, step, hours in zip(
            grid, [*steps, dt.timedelta(hours=sizes[-1])], sizes, strict=True
        )
    }


def _size(hours: float, *, months: bool) -> int:
    """Length of the bucket before a step of so many hours [h]."""
    if months:
        return 31 * 24
    return next((size for size in (168, 24) if hours >= size), 1)


def _cell(
    row: dict[str, object], ends: dict[dt.datetime, dt.datetime], names: Names
) -> dict[str, object]:
    available, run, setup = (_float(row[k]) for k in ("available", "run", "setup"))
    over, bucket = _float(row["overload"]), row["bucket"]
    resource = str(row["resource"])
    zone = names.zone_of(resource)
    used = run + setup
    # Work in a bucket without open time fills the cell: it cannot be done there.
    whole = max(available, used, 1e-9)
    start = wall_milliseconds(bucket, zone)  # type: ignore[arg-type]
    end = wall_milliseconds(ends[bucket], zone)  # type: ignore[index]
    tip = (
        f"{names.name(resource)}, from {when(bucket, zone)}: "  # type: ignore[arg-type]
        f"open {duration(available)}, run {duration(run)}, set-up {duration(setup)}"
        + (f", {duration(over)} too much" if over > 0 else "")
    )
    return {
        "resource": resource,
        "label": names.name(resource),
        "x": start,
        "x2": end if end > start else start + 7 * DAY_MS,
        "run": run / whole,
        "setup": setup / whole,
        "over": over,
        "load": used / available if available > 0 else None,
        "tip": tip,
    }


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def load_title(plan: Plan, names: Names) -> str:
    """Which resource is short of how many hours."""
    loads = _from_now(plan)
    early = _hours(plan.loads) - _hours(loads)
    before = f"; {early:,.0f} h of work lie before now" if early > 0 else ""
    over = (
        loads.filter(pl.col("overload") > 0)
        .group_by("resource")
        .agg(pl.col("overload").sum(), pl.len().alias("buckets"))
        .sort("overload", "resource", descending=[True, False])
    )
    if over.is_empty():
        share = percent(_hours(loads) / max(float(loads["available"].sum()), 1e-9))
        return f"All work fits; {share} of the open hours are used{before}"
    worst = over.row(0, named=True)
    more = f"; {over.height - 1} more are overloaded" if over.height > 1 else ""
    times = "once" if worst["buckets"] == 1 else f"in {worst['buckets']} buckets"
    return (
        f"{names.name(worst['resource'])} is overloaded {times}, "
        f"by {worst['overload']:,.0f} h in all{more}{before}"
    )


def _hours(loads: pl.DataFrame) -> float:
    return float(loads["run"].sum()) + float(loads["setup"].sum())


def load_chart(plan: Plan, names: Names | None = None) -> Picture | None:
    """Draw the map; None where no resource has work from now on."""
    import altair as alt

    known = names or Names()
    cells = load_cells(plan, known)
    if cells.is_empty():
        return None
    labels = cells.unique("row").sort("row")["label"].to_list()
    first, last = min(cells["x"].to_list()), max(cells["x2"].to_list())
    gap = max((last - first) // 300, 1)
    drawn = cells.with_columns(
        x2=pl.col("x2") - gap,
        low=pl.col("row") + 1 - _MARGIN,
        high=pl.col("row") + _MARGIN,
        middle=pl.col("row") + 0.5,
    )
    row, middle = _row("high", labels), _row("middle", labels)
    tracks = (
        alt.Chart(rows_of(drawn.select("x", "x2", "low", "high")))
        .mark_rect(color=token("line"), opacity=0.55, cornerRadius=2, aria=False)
        .encode(x=time_axis(first, last), x2="x2:T", y=row, y2="low:Q")
    )
    colours = alt.Scale(
        domain=list(_PARTS), range=[token(name) for name in _PARTS.values()]
    )
    filled = (
        alt.Chart(rows_of(_parts(drawn)))
        .mark_rect(cornerRadius=2, aria=False)
        .encode(
            x="x:T",
            x2="x2:T",
            y=row,
            y2="low:Q",
            color=alt.Color("part:N", scale=colours, title=None),
        )
    )
    told = (
        alt.Chart(rows_of(drawn.select("x", "x2", "low", "high", "tip")))
        .mark_rect(opacity=0)
        .encode(
            x="x:T",
            x2="x2:T",
            y=row,
            y2="low:Q",
            tooltip="tip:N",
            description="tip:N",
        )
    )
    words = _words(drawn, len(set(cells["x"].to_list())), middle)
    layers: list[Picture] = [tracks, filled, words, told]
    return finished(
        alt.layer(*layers), load_title(plan, known), ROW * max(len(labels), 2)
    )


def _row(field: str, labels: list[str]) -> alt.Y:
    """Y channel: a row a resource, its label in the middle."""
    import altair as alt

    return alt.Y(
        f"{field}:Q",
        title=None,
        scale=alt.Scale(domain=[len(labels), 0], nice=False, zero=False),
        axis=alt.Axis(
            values=[place + 0.5 for place in range(len(labels))],
            labelExpr=f"{json.dumps(labels, ensure_ascii=False)}[floor(datum.value)]",
            grid=False,
            ticks=False,
            labelOverlap=False,
        ),
    )


def _parts(cells: pl.DataFrame) -> pl.DataFrame:
    """Fill each cell from below: run, set-up on it; what does not fit fills it all."""
    height = pl.col("low") - pl.col("high")
    fits = cells.filter(pl.col("over") <= 0)
    top_of_run = pl.col("low") - height * pl.col("run")
    top = top_of_run - height * pl.col("setup")
    kept = ("x", "x2", "low", "high")
    return pl.concat(
        [
            fits.filter(pl.col("run") > 0)
            .with_columns(high=top_of_run)
            .select(*kept, part=pl.lit("run")),
            fits.filter(pl.col("setup") > 0)
            .with_columns(low=top_of_run, high=top)
            .select(*kept, part=pl.lit("set-up")),
            cells.filter(pl.col("over") > 0).select(*kept, part=pl.lit("overload")),
        ]
    )


def _words(cells: pl.DataFrame, buckets: int, middle: alt.Y) -> Picture:
    """Write the hours that do not fit into their cells: colour is never alone."""
    import altair as alt

    texts = cells.filter(pl.col("over") > 0).with_columns(
        x=(pl.col("x") + pl.col("x2")) // 2,
        word=pl.col("over").map_elements(
            lambda hours: f"▲{hours:.0f} h" if buckets <= _WIDE else "▲",
            return_dtype=pl.String,
        ),
    )
    words: Picture = (
        alt.Chart(rows_of(texts.select("x", "middle", "word")))
        .transform_calculate(told=f"width < {_NARROW} ? '▲' : datum.word")
        .mark_text(fontSize=11, fontWeight=600, color=token("page"), aria=False)
        .encode(x="x:T", y=middle, text="told:N")
    )
    return words
