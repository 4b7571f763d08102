"""Rows, hues and due dates of the Gantt of a schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.schedules.problem import NO_MACHINE, WAITING, TimeAxis
from medhavi.views.names import wall_milliseconds, when
from medhavi.views.pictures.operation_bars import family_hue
from medhavi.views.theme import MOST_MARKS, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.schedules.problem import ScheduleProblem
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

HUES = ("plan", "alt", "good", "warn")
"""At most four hues in a chart; bad is kept for what is late."""
NO_FAMILY = "muted"
"""Hue of orders without a family beside those of orders with one."""
MINUTES_MS = 60_000
NO_LINES = (WAITING, NO_MACHINE)
"""Resources on which nothing is run: times between steps, steps without a machine."""


def unit_places(
    schedule: Schedule, names: Names
) -> dict[tuple[str, int], tuple[int, str]]:
    """Row and label of each unit of each resource."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for resource in schedule.problem.resources:
        if resource.resource in NO_LINES:
            continue
        name = resource.name or names.name(resource.resource)
        for unit in range(1, resource.units + 1):
            label = name if resource.units == 1 else f"{name}, unit {unit}"
            found[resource.resource, unit] = (len(found), label)
    return found


def axis_x(problem: ScheduleProblem, minutes: float, zone: str) -> int:
    """Place of a minute on the axis of a schedule [ms as the axis counts]."""
    if problem.time_axis is TimeAxis.WORKING:
        return round(minutes * MINUTES_MS)
    return wall_milliseconds(problem.start + timedelta(minutes=minutes), zone)


def hours_text(minutes: float) -> str:
    """Hours and minutes; a day of working time has no fixed length.

    >>> hours_text(2415)
    '40 h 15 min'
    """
    hours, rest = divmod(round(minutes), 60)
    return f"{hours:,} h" + (f" {rest} min" if rest else "")


def order_hues(schedule: Schedule) -> dict[str, str]:
    """Hue of each order: that of its family, without any a fixed hash of its number."""
    orders, families = schedule.orders["order"].to_list(), _families(schedule)
    if not families:
        return {order: family_hue(order) for order in orders}
    named = sorted(set(families.values()))
    hues = {family: HUES[at % len(HUES)] for at, family in enumerate(named)}
    return {
        order: hues[families[order]] if order in families else NO_FAMILY
        for order in orders
    }


def _families(schedule: Schedule) -> dict[str, str]:
    """Family of each order that has one: that of its first step with one.

    That of a fixed step may have its order behind it, as its changeover is booked.
    """
    found = {}
    for order in schedule.problem.orders:
        step = next((one for one in order.steps if one.family), None)
        if step is not None and step.family is not None:
            is_fixed = step.start_minutes is not None
            own = step.family.partition(", ")[0] if is_fixed else step.family
            found[order.order] = own
    return found


def hue_words(schedule: Schedule) -> dict[str, str]:
    """What the hues of the bars mean; without words where no order has a family."""
    families = _families(schedule)
    if not families:
        return dict.fromkeys((*HUES, "bad"), "")
    named: dict[str, set[str]] = {}
    for order, hue in order_hues(schedule).items():
        named.setdefault(hue, set()).add(families.get(order, say("without_a_family")))
    words = {
        hue: ", ".join(sorted(named[hue])) for hue in (*HUES, NO_FAMILY) if hue in named
    }
    late = schedule.orders.filter(pl.col("late_minutes") > 0).height
    return words | ({"bad": say("late_mark")} if late else {})


def due_rows(schedule: Schedule, zone: str, names: Names) -> pl.DataFrame:
    """Due dates of orders in the row of their last operation: place, x, tip."""
    problem, places = schedule.problem, unit_places(schedule, names)
    last = schedule.operations.filter(~pl.col("resource").is_in(NO_LINES))
    ends = last.sort("finish_minutes").unique("sales_order", keep="last")
    due = dict(schedule.orders.select("order", "due_minutes").iter_rows())
    rows = [
        {
            "place": places[row["resource"], row["unit"]][0],
            "x": axis_x(problem, minutes, zone),
            "tip": say(
                "due_date_of", row["sales_order"], _moment(problem, minutes, zone)
            ),
        }
        for row in ends.sort("sales_order").iter_rows(named=True)
        if (minutes := due.get(row["sales_order"])) is not None
    ]
    schema = {"place": pl.Int64, "x": pl.Int64, "tip": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _moment(problem: ScheduleProblem, minutes: float, zone: str) -> str:
    if problem.time_axis is TimeAxis.WORKING:
        return hours_text(minutes)
    return when(problem.start + timedelta(minutes=minutes), zone)


def due_marks(rows: pl.DataFrame, ends: tuple[int, int]) -> list[Picture]:
    """Marks of the due dates that lie on the axis."""
    import altair as alt

    seen = rows.filter(pl.col("x").is_between(*ends)).head(MOST_MARKS // 4)
    if seen.is_empty():
        return []
    marks = alt.Chart(rows_of(seen)).mark_point(
        shape="triangle-down", filled=True, size=45, opacity=1, yOffset=-10
    )
    return [
        marks.encode(
            x=alt.X("x:T"),
            y=alt.Y("place:O"),
            color=alt.ColorValue(token("ink")),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    ]
