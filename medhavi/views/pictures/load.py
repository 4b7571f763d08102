"""Load of resources by bucket: what is open, run, set up, free and too much.

Each cell is as long as its bucket; run and set-up fill it from below to the share of
the open hours that they take, and its words say the share. What does not fit turns the
whole cell and says by how much. Work before now is no load that anybody can still plan:
the map begins with the bucket of now, and its title counts the rest.
"""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.figures.kpis import used_share
from medhavi.units import from_seconds
from medhavi.views.names import Names, duration, percent, wall_milliseconds, when
from medhavi.views.theme import (
    DAY_MS,
    LINE,
    ROW,
    finished,
    label_lines,
    line_offset,
    rows_of,
    time_axis,
    token,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.plans.plan import Plan
    from medhavi.views.theme import Picture


MOST_RESOURCES, MOST_BUCKETS = 24, 26
_WIDE = 16
"""Up to so many buckets a cell has room for a number."""
_NARROW = 480
"""In a map narrower than this no cell has [px]."""
_MARGIN = 0.08
TRACK, FILL = 0.55, 0.42
"""Opacity of the free part of a cell and of what fills it: words in ink keep their
contrast on each."""
PICKED_CELL = "picked_cell"
"""Selection of the cell that was clicked, by its `cell`."""
_PARTS = {"run": "plan", "set-up": "warn", "overload": "bad"}


def load_cells(
    plan: Plan, names: Names, loads: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Cells, the most overloaded resource first; `MOST_RESOURCES` by `MOST_BUCKETS`.

    Parameters
    ----------
    loads
        Rows in the columns of `loads`, those without work too (`ResourceLoads`); None:
        those of the plan, which leave such buckets out.

    Returns
    -------
    pl.DataFrame
        row, resource, cell (resource and bucket), label, x, x2 (wall clock [ms]), run,
        setup (shares of the cell), over [h], load (share of available; null where
        nothing is open), tip.
    """
    loads = loads_from_now(plan) if loads is None else loads
    if loads.is_empty():
        return pl.DataFrame()
    used = pl.col("run") + pl.col("setup")
    order = (
        loads.group_by("resource")
        .agg(pl.col("overload").sum().alias("over"), used.sum().alias("used"))
        .sort("over", "used", "resource", descending=[True, True, False])
        .head(MOST_RESOURCES)["resource"]
        .to_list()
    )
    grid = loads["bucket"].unique().sort().head(MOST_BUCKETS).to_list()
    ends = _ends(grid)
    kept = loads.filter(
        pl.col("resource").is_in(order), pl.col("bucket").is_in(grid)
    ).to_dicts()
    rank = {resource: place for place, resource in enumerate(order)}
    kept.sort(key=lambda row: (rank[row["resource"]], row["bucket"]))
    return pl.DataFrame(
        [{"row": rank[row["resource"]], **_cell(row, ends, names)} for row in kept]
    )


def loads_from_now(plan: Plan) -> pl.DataFrame:
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
        say(
            "load_tip",
            names.name(resource),
            when(bucket, zone),  # type: ignore[arg-type]
            duration(available),
            duration(run),
            duration(setup),
        )
        + (f", {duration(over)} too much" if over > 0 else "")
        + (f", free {duration(available - used)}" if available > used else "")
    )
    return {
        "resource": resource,
        "cell": cell_key(resource, bucket),  # type: ignore[arg-type]
        "label": names.name(resource),
        "x": start,
        "x2": end if end > start else start + 7 * DAY_MS,
        "run": run / whole,
        "setup": setup / whole,
        "over": over,
        "load": used / available if available > 0 else None,
        "tip": tip,
    }


def cell_key(resource: str, bucket: dt.datetime) -> str:
    """Key of a cell: its resource and the begin of its bucket.

    >>> cell_key("M", dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    'M|2026-01-05T00:00:00+00:00'
    """
    return f"{resource}|{bucket.isoformat()}"


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def load_title(plan: Plan, names: Names, loads: pl.DataFrame | None = None) -> str:
    """Which resource is short of how many hours; `loads` as in `load_cells`."""
    loads = loads_from_now(plan) if loads is None else loads
    early = _hours(plan.loads) - _hours(loads_from_now(plan))
    before = say("h_of_work_lie_before", early) if early > 0 else ""
    over = (
        loads.filter(pl.col("overload") > 0)
        .group_by("resource")
        .agg(pl.col("overload").sum(), pl.len().alias("buckets"))
        .sort("overload", "resource", descending=[True, False])
    )
    if over.is_empty():
        share = used_share(plan.loads).value
        used = "no work" if share is None else f"utilisation {percent(share)}"
        return say("all_work_fits", used, before)
    worst = over.row(0, named=True)
    more = say("more_are_overloaded", over.height - 1) if over.height > 1 else ""
    times = "once" if worst["buckets"] == 1 else say("in_buckets", worst["buckets"])
    return say(
        "is_overloaded_by_h",
        names.name(worst["resource"]),
        times,
        worst["overload"],
        more,
        before,
    )


def _hours(loads: pl.DataFrame) -> float:
    return float(loads["run"].sum()) + float(loads["setup"].sum())


def load_chart(
    plan: Plan,
    names: Names | None = None,
    loads: pl.DataFrame | None = None,
    *,
    chosen: str = "",
    pick: bool = False,
) -> Picture | None:
    """Draw the map; None where no resource has work from now on.

    Parameters
    ----------
    loads
        As in `load_cells`.
    chosen
        Key of the cell that is framed.
    pick
        A click selects a cell (`PICKED_CELL`).
    """
    import altair as alt

    known = names or Names()
    cells = load_cells(plan, known, loads)
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
        .mark_rect(color=token("line"), opacity=TRACK, cornerRadius=2, aria=False)
        .encode(
            x=_bucket_axis(cells, first, last),
            x2=alt.X2("x2:T"),
            y=row,
            y2=alt.Y2("low:Q"),
        )
    )
    colours = alt.Scale(
        domain=list(_PARTS), range=[token(name) for name in _PARTS.values()]
    )
    filled = (
        alt.Chart(rows_of(_parts(drawn)))
        .mark_rect(cornerRadius=2, opacity=FILL, aria=False)
        .encode(
            x=alt.X("x:T"),
            x2=alt.X2("x2:T"),
            y=row,
            y2=alt.Y2("low:Q"),
            color=alt.Color("part:N", scale=colours, title=None),
        )
    )
    told = (
        alt.Chart(rows_of(drawn.select("x", "x2", "low", "high", "tip", "cell")))
        .mark_rect(fillOpacity=0, cornerRadius=2, color=token("ink"))
        .encode(
            x=alt.X("x:T"),
            x2=alt.X2("x2:T"),
            y=row,
            y2=alt.Y2("low:Q"),
            strokeWidth=alt.StrokeWidthValue(
                0,
                condition={"test": f"datum.cell === {json.dumps(chosen)}", "value": 2},
            ),
            stroke=alt.StrokeValue(token("ink")),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    )
    if pick:
        told = told.add_params(
            alt.selection_point(
                name=PICKED_CELL, fields=["cell"], on="click", empty=False
            )
        )
    words = _words(drawn, len(set(cells["x"].to_list())), middle)
    layers: list[Picture] = [tracks, filled, words, told]
    return finished(
        alt.layer(*layers), load_title(plan, known, loads), ROW * max(len(labels), 2)
    )


def _bucket_axis(cells: pl.DataFrame, first: int, last: int) -> alt.X:
    """X channel that names the begin of each bucket for which there is room."""
    axis = time_axis(first, last)
    axis["axis"]["values"] = cells["x"].unique().sort().to_list()
    axis["axis"]["labelOverlap"] = "greedy"
    if last - first > 7 * DAY_MS:
        axis["axis"]["format"] = "%-d %b"
    return axis


def _row(field: str, labels: list[str]) -> alt.Y:
    """Y channel: a row a resource, its label in the middle."""
    import altair as alt

    return alt.Y(
        f"{field}:Q",
        title=None,
        scale=alt.Scale(domain=[len(labels), 0], nice=False, zero=False),
        axis=alt.Axis(
            values=[place + 0.5 for place in range(len(labels))],
            labelExpr=label_lines(labels, "floor(datum.value)"),
            labelOffset=line_offset(labels, "floor(datum.value)"),
            labelLineHeight=LINE,
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
    """Write the share of the open hours into each cell, or the hours too many."""
    import altair as alt

    wide = buckets <= _WIDE
    share = pl.col("load").fill_null(0.0).map_elements(percent, return_dtype=pl.String)
    over = pl.format("▲{} h", pl.col("over").round(0).cast(pl.Int64))
    texts = cells.with_columns(
        x=(pl.col("x") + pl.col("x2")) // 2,
        word=pl.when(pl.col("over") > 0)
        .then(over if wide else pl.lit("▲"))
        .when((pl.col("load") > 0) & wide)
        .then(share)
        .otherwise(pl.lit("")),
        mark=pl.when(pl.col("over") > 0).then(pl.lit("▲")).otherwise(pl.lit("")),
    ).filter(pl.col("word") != "")
    words: Picture = (
        alt.Chart(rows_of(texts.select("x", "middle", "word", "mark")))
        .transform_calculate(told=f"width < {_NARROW} ? datum.mark : datum.word")
        .mark_text(fontSize=11, color=token("ink"), aria=False)
        .encode(x=alt.X("x:T"), y=middle, text=alt.Text("told:N"))
    )
    return words
