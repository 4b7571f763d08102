"""Operations of a plan as a Gantt: resources and their units, a window of days.

Bars stand on the wall clock of each resource. In the night in which clocks go back an
hour is drawn once, so that what runs through it is shorter by an hour.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    quantity,
    wall_milliseconds,
    when,
)
from medhavi.views.pictures.gantt import BAR, RUN, SETUP, GanttStyle, gantt
from medhavi.views.theme import MOST_MARKS, rules_at, time_axis
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.theme import Picture

COLOURS = {
    "date": say("late_on_time"),
    "status": "Order status",
    "family": "Product family",
}
"""What bars are coloured by, and what people call it."""
_STATUS_HUES = {
    "planned": "plan",
    "firmed": "alt",
    "released": "warn",
    "in_process": "good",
}
_DATE_WORDS = {
    "plan": "on time",
    "warn": "at risk",
    "bad": say("late_mark"),
    "alt": "for stock",
}
_FAMILY_HUES = ("plan", "alt", "good", "warn")
MOST_ROWS = 60
"""Rows of a picture: units of resources."""
DRAG_MS = 15 * 60 * 1000
"""What is dragged begins at whole quarters of an hour."""
MOST_SERVED = 3
"""Demands that a bar names on hover; it counts the others."""
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
    chosen: tuple[str, int | None] = ("", None),
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
        order=chosen[0],
        step=chosen[1],
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


def operation_bars(
    work: pl.DataFrame,
    places: Mapping[tuple[str, int], tuple[int, str]],
    names: Names,
    hues: Mapping[str, str],
) -> pl.DataFrame:
    """Bars of operations, set-up and run apart; columns as in `BAR`.

    Parameters
    ----------
    work
        As `window_operations` gives it.
    places
        As `unit_rows` gives it; what has no row is left out.
    hues
        Token by order.
    """
    bars: list[dict[str, object]] = []
    for row in work.iter_rows(named=True):
        place = places.get((row["resource"], row["unit"]))
        if place is None or len(bars) + 2 > MOST_MARKS:
            continue
        bars += _bars(row, place, names, hues[row["supply"]])
    return pl.DataFrame(bars, schema=BAR)


def _bars(
    row: dict[str, Any], place: tuple[int, str], names: Names, hue: str
) -> list[dict[str, object]]:
    zone = names.zone_of(row["resource"])
    setup = dt.timedelta(minutes=row["setup_minutes"] or 0.0)
    done = min(row["start"] + setup, row["finish"])
    late = "▲ " if row["verdict"] == "late" else ""
    firm = "■ " if row["firm"] else ""
    shared = {
        "place": place[0],
        "label": place[1],
        "hue": hue,
        "tip": _tip(row, names),
        "firm": bool(row["firm"]),
        "key": row["id"],
        "order": row["supply"],
    }
    parts = ((SETUP, row["start"], done), (RUN, done, row["finish"]))
    spans = [
        (part, wall_milliseconds(a, zone), wall_milliseconds(b, zone))
        for part, a, b in parts
        if b > a
    ]
    words = f"{late}{firm}{names.name(row['product'])}"
    told = RUN if done < row["finish"] else SETUP
    return [
        {
            **shared,
            "part": part,
            "x": x,
            "x2": max(x, x2),
            "text": words if part == told else "",
        }
        for part, x, x2 in spans
    ]


def _inside(rows: pl.DataFrame, span: tuple[int, int]) -> pl.DataFrame:
    """Cut what begins before the axis or ends after it."""
    return rows.with_columns(pl.col("x", "x2").clip(*span)).filter(
        pl.col("x") < pl.col("x2")
    )


def _tip(row: dict[str, Any], names: Names) -> str:
    zone = names.zone_of(row["resource"])
    amount = quantity(row["qty"], names.unit(row["product"]))
    setup = row["setup_minutes"] or 0.0
    before = f", set-up {duration(setup / 60)}" if setup else ""
    status = str(row["status"]).replace("_", " ")
    state = f"{status}, firm" if row["firm"] and status == "firmed" else status
    return say(
        "operation_tip",
        row["number"],
        amount,
        names.both(row["product"]),
        row["step"],
        names.name(row["resource"]),
        when(row["start"], zone),
        when(row["finish"], zone),
        duration((row["run_minutes"] or 0) / 60),
        before,
        state,
        ", locked" if row["locked"] else "",
        served_words(row["served"], row["verdict"], names),
    )


def served_words(
    served: Iterable[str] | None, verdict: str | None, names: Names
) -> str:
    """Which demands an order serves, and whether they are on time."""
    told = list(served or ())
    if not told:
        return "for stock"
    more = len(told) - MOST_SERVED
    listed = ", ".join(names.name(one) for one in told[:MOST_SERVED])
    also = f" {say('and_more', more)}" if more > 0 else ""
    late = {"late": f", {say('late_mark')}", "at_risk": ", ◆ at risk"}.get(
        verdict or "", ""
    )
    return f"for {listed}{also}{late}"


def bar_hues(
    work: pl.DataFrame, colour: str, snapshot: Snapshot | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Token of each order, and what the tokens mean."""
    orders = work.unique("supply", maintain_order=True)
    if colour == "status":
        hues = {
            supply: _STATUS_HUES.get(str(status), "plan")
            for supply, status in orders.select("supply", "status").iter_rows()
        }
        words = {hue: one.replace("_", " ") for one, hue in _STATUS_HUES.items()}
    elif colour == "family":
        families = {} if snapshot is None else dict(_families(snapshot))
        named = {
            supply: families.get(product) or product or ""
            for supply, product in orders.select("supply", "product").iter_rows()
        }
        hues = {supply: family_hue(family) for supply, family in named.items()}
        words = {
            hue: ", ".join(sorted({f for o, f in named.items() if hues[o] == hue}))
            for hue in _FAMILY_HUES
        }
    else:
        known = {"late": "bad", "at_risk": "warn", "on_time": "plan"}
        hues = {
            supply: known.get(verdict or "", "alt")
            for supply, verdict in orders.select("supply", "verdict").iter_rows()
        }
        words = _DATE_WORDS
    used = set(hues.values())
    return hues, {hue: text for hue, text in words.items() if hue in used}


def _families(snapshot: Snapshot) -> Iterable[tuple[str, str | None]]:
    return snapshot["products"].select("product", "family").iter_rows()


def family_hue(family: str) -> str:
    """Hue of a family: a fixed hash, the same on every page."""
    place = hashlib.sha256(family.encode()).digest()[0] % len(_FAMILY_HUES)
    return _FAMILY_HUES[place]


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
        *([f"{duration(setup)} of set-up"] if setup else []),
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
    work = window_operations(plan, window)
    places = unit_rows(work, window, known, snapshot)
    if not places:
        return None
    hues, words = bar_hues(work, window.colour, snapshot)
    bars = operation_bars(work, places, known, hues)
    zone = known.zone_of(window.resources[0])
    span = wall_milliseconds(window.begin, zone), wall_milliseconds(window.end, zone)
    shades = None
    if snapshot is not None:
        shades = shade_rows(ResourceLoads(plan, snapshot), window, places, known)
    ghosts = None
    if before is not None:
        ghosts = _inside(ghost_rows(before, work, window, places, known), span)
    now = plan.run.as_of
    marks = {} if now is None else {"now": wall_milliseconds(from_seconds(now), zone)}
    inside = {word: x for word, x in marks.items() if span[0] <= x <= span[1]}
    title = window_title(work, window, known)
    left_out = work.height - bars["key"].n_unique()
    if left_out > 0:
        title += say("more_not_drawn", left_out)
    return gantt(
        _inside(bars, span),
        [label for _, label in sorted(places.values())],
        time_axis(*span, title=_times(window.resources, known)),
        span,
        title,
        GanttStyle(
            hues=words or {"plan": ""},
            shades=shades,
            ghosts=ghosts,
            rules=rules_at(inside, *span),
            order=window.order,
            pick=pick,
            box=dragged_box(bars, work, window, span) if pick and not before else None,
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
