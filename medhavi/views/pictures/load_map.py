"""Where the bottleneck is: a map of resource by bucket.

Each cell is as long as its bucket; run and set-up fill it from below to the share of
the open hours that they take. What does not fit turns the whole cell and says by how
much. Work before now is no load that anybody can still plan: the map begins with the
bucket of now, and its title counts the rest.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from medhavi.units import from_seconds
from medhavi.views.charts import DAY_MS, finished, rows_of, time_axis
from medhavi.views.names import Names, duration, percent, wall_milliseconds, when
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    import datetime as dt

    import altair as alt

    from medhavi.results.plans.plan import Plan
    from medhavi.views.charts import Picture

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
