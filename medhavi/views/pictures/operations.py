"""Operations of a plan as a Gantt: resources and their units, a window of days.

Bars stand on the wall clock of each resource. In the night in which clocks go back an
hour is drawn once, so that what runs through it is shorter by an hour.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.results.plans.lateness import NOT_KEPT, Verdict, verdicts
from medhavi.results.reports.resource_load import (
    CLOSED,
    DOWN,
    WITHHELD,
    ResourceLoads,
    units_of,
)
from medhavi.units import from_seconds
from medhavi.views.names import (
    Names,
    count,
    day,
    duration,
    from_wall,
    local,
    percent,
    wall_milliseconds,
    when,
)
from medhavi.views.pictures.gantt import GanttStyle, gantt
from medhavi.views.pictures.operation_bars import bar_hues, operation_bars
from medhavi.views.theme import MOST_MARKS, rules_at, time_axis
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.theme import Picture

COLOURS = {
    "date": say("late_on_time"),
    "status": "Order status",
    "family": "Product family",
}
"""What bars are coloured by, and what people call it."""
MOST_ROWS = 60
"""Rows of a picture: units of resources."""
DRAG_MS = 15 * 60 * 1000
"""What is dragged begins at whole quarters of an hour."""
_LOST = {CLOSED: "closed", DOWN: "down", WITHHELD: say("left_free_by_promises")}


@dataclass(frozen=True, slots=True, kw_only=True)
class GanttWindow:
    """What a Gantt of a plan shows.

    Parameters
    ----------
    resources
        From the top.
    begin, end
        Instants.
    colour
        Of `COLOURS`.
    order
        Id of the order that stands out; empty: none.
    step
        Its step that can be dragged; None: none.
    """

    resources: tuple[str, ...]
    begin: dt.datetime
    end: dt.datetime
    colour: str = "date"
    order: str = ""
    step: int | None = None


def gantt_window(
    names: Names,
    resources: Sequence[str],
    first: dt.date,
    days: int,
    colour: str = "date",
) -> GanttWindow:
    """Window of whole local days of the first resource."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(names.zone_of(resources[0] if resources else None))
    begin, end = (
        dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)
        for date in (first, first + dt.timedelta(days=days))
    )
    return GanttWindow(
        resources=tuple(resources),
        begin=begin,
        end=end,
        colour=colour,
    )


def window_operations(plan: Plan, window: GanttWindow) -> pl.DataFrame:
    """Operations of a window with their orders, by resource, unit and start.

    Returns
    -------
    pl.DataFrame
        Columns of `operations`, `unit`, and of its order number, product, location,
        qty, status, firm; `served` (its demands) and `verdict`: "late", "at_risk",
        "on_time", or null where it serves no demand.
    """
    placed = units_of(
        plan.operations.filter(pl.col("resource").is_in(list(window.resources)))
    ).filter((pl.col("finish") > window.begin) & (pl.col("start") < window.end))
    orders = plan.supplies.select(
        "number",
        "product",
        "location",
        "qty",
        "status",
        "firm",
        supply="id",
    )
    return (
        placed.join(orders, on="supply", how="left", maintain_order="left")
        .join(
            order_verdicts(plan, placed), on="supply", how="left", maintain_order="left"
        )
        .sort("start", "resource", "unit", "id")
    )


def order_verdicts(plan: Plan, placed: pl.DataFrame) -> pl.DataFrame:
    """Worst verdict of the demands of each order of some operations.

    Returns
    -------
    pl.DataFrame
        supply, served, verdict.
    """
    kept = pl.col("verdict").is_in(NOT_KEPT)
    at_risk = pl.col("verdict") == Verdict.AT_RISK
    return (
        plan.pegging.select("supply", "demand")
        .join(placed, on="supply", how="semi")
        .drop_nulls()
        .unique()
        .join(verdicts(plan).select("demand", "verdict"), on="demand")
        .group_by("supply")
        .agg(
            served=pl.col("demand").sort(),
            late=kept.any(),
            at_risk=at_risk.any(),
        )
        .select(
            "supply",
            "served",
            verdict=pl.when("late")
            .then(pl.lit("late"))
            .when("at_risk")
            .then(pl.lit("at_risk"))
            .otherwise(pl.lit("on_time")),
        )
    )


def unit_rows(
    work: pl.DataFrame, window: GanttWindow, names: Names, snapshot: Snapshot | None
) -> dict[tuple[str, int], tuple[int, str]]:
    """Row and label of each unit: those of the resource, and those with work beyond."""
    own: dict[str, int] = {}
    if snapshot is not None:
        own = {
            resource: max(int(units), 1)
            for resource, units in snapshot["resources"]
            .select("resource", "units")
            .iter_rows()
        }
    most: dict[str, int] = dict(
        work.group_by("resource").agg(pl.col("unit").max()).iter_rows()
    )
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for resource in window.resources:
        needed = most.get(resource, 1)
        units = own.get(resource, needed)
        for unit in range(1, max(units, needed) + 1):
            name = names.name(resource)
            label = name if units == 1 else f"{name}, unit {unit}"
            if unit > units:
                label = f"▲ {name}, overload"
            if len(found) < MOST_ROWS:
                found[resource, unit] = (len(found), label)
    return found


def _inside(rows: pl.DataFrame, span: tuple[int, int]) -> pl.DataFrame:
    """Cut what begins before the axis or ends after it."""
    return rows.with_columns(pl.col("x", "x2").clip(*span)).filter(
        pl.col("x") < pl.col("x2")
    )


def window_title(work: pl.DataFrame, window: GanttWindow, names: Names) -> str:
    """How much work the window has, how much of it is late, and when it is."""
    zone = names.zone_of(window.resources[0] if window.resources else None)
    last = local(window.end, zone) - dt.timedelta(days=1)
    days = f"{day(local(window.begin, zone))} to {day(last)}"
    orders = work.unique("supply")
    late = orders.filter(pl.col("verdict") == "late").height
    setup = float(work["setup_minutes"].fill_null(0.0).sum()) / 60
    told = [
        count(work["id"].n_unique(), "operation"),
        *([say("for_late_demands", count(late, "order"))] if late else []),
        *([say("set_up_of_orders", duration(setup))] if setup else []),
    ]
    return f"{days}: {', '.join(told)}"


def shade_rows(
    loads: ResourceLoads,
    window: GanttWindow,
    places: Mapping[tuple[str, int], tuple[int, str]],
    names: Names,
) -> pl.DataFrame:
    """Closed, down and withheld time behind the bars: place, x, x2, kind, tip."""
    rows: dict[str, list[int]] = {}
    for (resource, _), (place, _) in places.items():
        rows.setdefault(resource, []).append(place)
    shades = []
    for lost in loads.unavailable_time(rows, window.begin, window.end):
        zone = names.zone_of(lost.resource)
        part = f" ({percent(lost.share)})" if lost.share < 1 else ""
        tip = (
            f"{names.name(lost.resource)} {_LOST[lost.kind]}{part}, "
            f"{when(lost.begin, zone)} to {when(lost.end, zone)}"
        )
        span = (wall_milliseconds(lost.begin, zone), wall_milliseconds(lost.end, zone))
        shades += [
            {"place": place, "x": span[0], "x2": span[1], "kind": lost.kind, "tip": tip}
            for place in rows[lost.resource]
        ]
    return pl.DataFrame(shades[: MOST_MARKS // 4])


def ghost_rows(
    before: Plan,
    after: pl.DataFrame,
    window: GanttWindow,
    places: Mapping[tuple[str, int], tuple[int, str]],
    names: Names,
) -> pl.DataFrame:
    """Where operations of a window stood in the plan before an edit, if they moved.

    Parameters
    ----------
    before
        The plan without the edit.
    after
        Operations of the window in the plan with it.
    """
    kept = after.select("id", "resource", "start", "finish").unique()
    old = window_operations(before, window).join(
        kept, on=["id", "resource", "start", "finish"], how="anti"
    )
    hues = dict.fromkeys(old["supply"], "plan")
    bars = operation_bars(old, places, names, hues)
    return (
        bars.group_by("key", "place", maintain_order=True)
        .agg(pl.col("x").min(), pl.col("x2").max(), pl.col("tip").first())
        .with_columns(tip=pl.format("Before: {}", "tip"))
        .head(MOST_MARKS // 4)
    )


def dragged_box(
    bars: pl.DataFrame, work: pl.DataFrame, window: GanttWindow, span: tuple[int, int]
) -> tuple[int, int, int] | None:
    """Row, begin and end of the step of a window that can be dragged; None: none can.

    Parameters
    ----------
    bars, work
        Of `operation_bars` and `window_operations`.
    span
        Ends of the axis: what goes beyond them cannot be dragged.
    """
    own = work.filter(
        (pl.col("supply") == window.order) & pl.col("step").eq_missing(window.step)
    )
    drawn = bars.filter(pl.col("key").is_in(own["id"].implode()))
    if drawn.is_empty() or drawn["place"].n_unique() > 1:
        return None
    begin, end = int(drawn["x"].to_list()[0]), max(drawn["x2"].to_list())
    if begin < span[0] or end > span[1]:
        return None
    return int(drawn["place"][0]), begin, int(end)


def dropped_at(
    plan: Plan,
    window: GanttWindow,
    names: Names,
    snapshot: Snapshot | None,
    box: Mapping[str, Sequence[float]],
) -> tuple[str, dt.datetime] | None:
    """Resource and begin to which the box of a window was dragged.

    None where it stands at no row, or where it was: a picture that is drawn anew tells
    of its box too.

    Parameters
    ----------
    box
        Selection `DRAGGED`: ends of `x` [ms of the wall clock] and `row`.
    """
    ends, rows = box.get("x"), box.get("row")
    if not ends or not rows:
        return None
    middle = int(sum(rows) / 2)
    work = window_operations(plan, window)
    places = unit_rows(work, window, names, snapshot)
    found = [key[0] for key, (place, _) in places.items() if place == middle]
    if not found:
        return None
    wall = round(min(ends) / DRAG_MS) * DRAG_MS
    begin = from_wall(wall, names.zone_of(found[0]))
    own = work.filter(
        (pl.col("supply") == window.order) & pl.col("step").eq_missing(window.step)
    )
    for resource, unit, start in own.select("resource", "unit", "start").iter_rows():
        kept = abs(start - begin) <= dt.timedelta(milliseconds=DRAG_MS / 2)
        if kept and places.get((resource, unit), (-1, ""))[0] == middle:
            return None
    return found[0], begin


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBars:
    """What is drawn of a window, whichever operation is chosen.

    Parameters
    ----------
    work
        As `window_operations` gives it.
    bars
        Columns as in `BAR`; some may go beyond the ends of the axis.
    labels
        Of the rows, from the top.
    hues
        Tokens of the bars and what they mean.
    shades, ghosts
        Of `GanttStyle`.
    now
        Planning date [ms of the wall clock]; None: outside the window.
    """

    work: pl.DataFrame
    bars: pl.DataFrame
    labels: Sequence[str]
    hues: Mapping[str, str]
    shades: pl.DataFrame | None
    ghosts: pl.DataFrame | None
    now: int | None


def window_bars(
    plan: Plan,
    window: GanttWindow,
    names: Names,
    snapshot: Snapshot | None,
    before: Plan | None = None,
) -> WindowBars:
    """What is drawn of a window; parameters as in `operations_chart`."""
    work = window_operations(plan, window)
    places = unit_rows(work, window, names, snapshot)
    hues, words = bar_hues(work, window.colour, snapshot)
    span = _span(window, names)
    shades = ghosts = now = None
    if snapshot is not None:
        shades = shade_rows(ResourceLoads(plan, snapshot), window, places, names)
    if before is not None:
        ghosts = _inside(ghost_rows(before, work, window, places, names), span)
    if plan.run.as_of is not None:
        zone = names.zone_of(window.resources[0])
        now = wall_milliseconds(from_seconds(plan.run.as_of), zone)
    return WindowBars(
        work=work,
        bars=operation_bars(work, places, names, hues),
        labels=[label for _, label in sorted(places.values())],
        hues=words or {"plan": ""},
        shades=shades,
        ghosts=ghosts,
        now=now if now is not None and span[0] <= now <= span[1] else None,
    )


def _span(window: GanttWindow, names: Names) -> tuple[int, int]:
    """Ends of the axis [ms of the wall clock of the first resource]."""
    zone = names.zone_of(window.resources[0])
    return wall_milliseconds(window.begin, zone), wall_milliseconds(window.end, zone)


def operations_chart(
    plan: Plan,
    window: GanttWindow,
    names: Names | None = None,
    snapshot: Snapshot | None = None,
    *,
    before: Plan | None = None,
    pick: bool = False,
) -> Picture | None:
    """Draw the operations of a window; None where its resources have no row.

    Parameters
    ----------
    snapshot
        Of the plan: closed time and units of resources.
    before
        Plan without an edit; what moved since is outlined.
    pick
        A click selects an operation, and the chosen step can be dragged.
    """
    known = names or Names()
    drawn = window_bars(plan, window, known, snapshot, before)
    return bars_chart(drawn, window, known, pick=pick)


def bars_chart(
    drawn: WindowBars, window: GanttWindow, names: Names, *, pick: bool = False
) -> Picture | None:
    """Draw the bars of a window; see `operations_chart`."""
    if not drawn.labels:
        return None
    span, work = _span(window, names), drawn.work
    title = window_title(work, window, names)
    left_out = work.height - drawn.bars["key"].n_unique()
    if left_out > 0:
        title += say("more_not_drawn", left_out)
    box = None
    if pick and drawn.ghosts is None:
        box = dragged_box(drawn.bars, work, window, span)
    return gantt(
        _inside(drawn.bars, span),
        drawn.labels,
        time_axis(*span, title=_times(window.resources, names)),
        span,
        title,
        GanttStyle(
            hues=drawn.hues,
            shades=drawn.shades,
            ghosts=drawn.ghosts,
            rules=rules_at({} if drawn.now is None else {"now": drawn.now}, *span),
            order=window.order,
            pick=pick,
            box=box,
        ),
    )


def plan_gantt(
    plan: Plan,
    names: Names,
    snapshot: Snapshot | None,
    resources: Sequence[str],
    first: dt.date | None,
    days: int,
    colour: str,
) -> Picture | None:
    """Operations of a plan from a day on; see `PlanCharts.gantt`."""
    work = plan.operations
    if work.is_empty():
        return None
    if colour not in COLOURS:
        message = f"{colour!r} is not a colour of bars; choose {', '.join(COLOURS)}."
        raise UsageError(message)
    shown = list(resources) or work["resource"].unique().sort().to_list()
    if first is None:
        now = plan.run.as_of
        begin = min(work["start"].to_list()) if now is None else from_seconds(now)
        first = local(begin, names.zone_of(shown[0])).date()
    window = gantt_window(names, shown, first, days, colour)
    return operations_chart(plan, window, names, snapshot)


def _times(resources: Sequence[str], names: Names) -> str:
    """Where the times of a window are read: each bar is local to its resource."""
    zones = {names.zone_of(one) for one in resources}
    return say("times_of", *zones) if len(zones) == 1 else say("local_time")
