"""A schedule as a Gantt: runs in the colour of their order, set-ups lighter."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.schedules.problem import TimeAxis
from medhavi.views.charts import (
    finished,
    label_limit,
    rows_of,
    time_axis,
    time_scale,
)
from medhavi.views.format import count, duration, wall_milliseconds, when
from medhavi.views.theme import MOST_MARKS, ROW, token

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.schedules.problem import ScheduleProblem
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.views.charts import Picture

HUES = ("plan", "alt", "good", "warn")
"""At most four hues in a chart; bad is kept for what is late."""
MINUTES_MS = 60_000
CHARACTER = 6.5
"""Width of a character of a label on a bar [px]."""
LEAST_CHARACTERS = 4
"""A label that has no room for so many is left out; the tip has it."""


def gantt_rows(schedule: Schedule, zone: str = "UTC") -> pl.DataFrame:
    """Bars, one row per set-up and per working stretch of a run.

    Parameters
    ----------
    zone
        IANA zone whose wall clock is shown; on the working axis minutes are shown.

    Returns
    -------
    pl.DataFrame
        place (row from the top), label, x, x2 (wall clock or minutes [ms]), part
        ("set-up", "run"), order, hue (token), late, text (what is written in the bar),
        tip. At most `MOST_MARKS` rows, first start first.
    """
    problem = schedule.problem
    late = dict(schedule.orders.select("order", "late_minutes").iter_rows())
    hues = order_hues(schedule)
    rows = []
    places = _places(schedule)
    operations = schedule.operations.sort("start_minutes", "sales_order", "step")
    for row in operations.iter_rows(named=True):
        place, label = places[row["resource"], row["unit"]]
        is_late = late.get(row["sales_order"], 0) > 0
        shared = {
            "place": place,
            "label": label,
            "order": row["sales_order"],
            "hue": "bad" if is_late else hues[row["sales_order"]],
            "late": is_late,
            "tip": _tip(schedule, row, zone),
        }
        begin, length = row["setup_start_minutes"], row["setup_minutes"]
        if length:
            rows.append(
                {
                    **shared,
                    **_span(problem, begin, begin + length, zone),
                    "part": "set-up",
                    "text": "",
                }
            )
        for number, (a, b) in enumerate(_stretches(problem, row)):
            mark = "▲ " if is_late else ""
            text = f"{mark}{row['sales_order']}" if number == 0 else ""
            rows.append(
                {**shared, **_span(problem, a, b, zone), "part": "run", "text": text}
            )
    schema = {"place": pl.Int64, "x": pl.Int64, "x2": pl.Int64, "late": pl.Boolean}
    return pl.DataFrame(rows[:MOST_MARKS], schema_overrides=schema)


def order_hues(schedule: Schedule) -> dict[str, str]:
    """Hue of each order: a fixed hash, the same on every page."""
    return {
        order: HUES[hashlib.sha256(order.encode()).digest()[0] % len(HUES)]
        for order in schedule.orders["order"]
    }


def _places(schedule: Schedule) -> dict[tuple[str, int], tuple[int, str]]:
    """Row and label of each unit of each resource."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for resource in schedule.problem.resources:
        name = resource.name or resource.resource
        for unit in range(1, resource.units + 1):
            label = name if resource.units == 1 else f"{name}, unit {unit}"
            found[resource.resource, unit] = (len(found), label)
    return found


def _stretches(
    problem: ScheduleProblem, row: dict[str, float]
) -> list[tuple[float, float]]:
    """Working stretches of a run: it pauses where its resource is closed."""
    start, finish = row["start_minutes"], row["finish_minutes"]
    windows = problem.resource_by_id[str(row["resource"])].windows
    if windows is None:
        return [(start, finish)]
    cut = [(max(a, start), min(b, finish)) for a, b in windows]
    return [(a, b) for a, b in cut if a < b] or [(start, finish)]


def _span(
    problem: ScheduleProblem, begin: float, end: float, zone: str
) -> dict[str, int]:
    return {"x": _x(problem, begin, zone), "x2": _x(problem, end, zone)}


def _x(problem: ScheduleProblem, minutes: float, zone: str) -> int:
    if problem.time_axis is TimeAxis.WORKING:
        return round(minutes * MINUTES_MS)
    return wall_milliseconds(problem.start + timedelta(minutes=minutes), zone)


def _tip(schedule: Schedule, row: dict[str, object], zone: str) -> str:
    problem = schedule.problem
    order = problem.order_by_id[str(row["sales_order"])]
    what = f"{order.order} {order.product or ''}".strip()
    step = f"step {row['step']}" + (f" ({row['name']})" if row["name"] else "")
    run = duration(float(row["run_minutes"]) / 60)  # type: ignore[arg-type]
    setup = float(row["setup_minutes"])  # type: ignore[arg-type]
    before = f", set-up {duration(setup / 60)}" if setup else ""
    if problem.time_axis is TimeAxis.WORKING:
        start, finish = (
            hours_text(float(row[key]))  # type: ignore[arg-type]
            for key in ("start_minutes", "finish_minutes")
        )
        times = f"{start} to {finish} of working time"
    else:
        times = f"{when(row['start'], zone)} to {when(row['finish'], zone)}"  # type: ignore[arg-type]
    return f"{what}, {step}: {times}, run {run}{before}"


def gantt_title(schedule: Schedule) -> str:
    """What the schedule reaches: when all is done, and who is late."""
    late = schedule.orders.filter(pl.col("late_minutes") > 0).height
    told = "no order is late" if not late else f"{count(late, 'order')} late"
    proof = "proven shortest" if _proven_makespan(schedule) else str(schedule.status)
    span = duration(schedule.makespan / 60)
    if schedule.problem.time_axis is TimeAxis.WORKING:
        span = f"{hours_text(schedule.makespan)} of working time"
    return f"All done after {span} ({proof}), {told}"


def hours_text(minutes: float) -> str:
    """Hours and minutes; a day of working time has no fixed length.

    >>> hours_text(2415)
    '40 h 15 min'
    """
    hours, rest = divmod(round(minutes), 60)
    return f"{hours:,} h" + (f" {rest} min" if rest else "")


def _proven_makespan(schedule: Schedule) -> bool:
    rows = schedule["objectives"].filter(pl.col("objective") == "makespan")
    return bool(rows.height and rows["proven"][0])


def gantt_chart(schedule: Schedule, zone: str = "UTC") -> Picture | None:
    """Draw the schedule; None where there are no operations."""
    import altair as alt

    if schedule.operations.is_empty():
        return None
    rows = gantt_rows(schedule, zone)
    first = _x(schedule.problem, 0, zone)
    last = int(rows["x2"].max())  # type: ignore[arg-type]
    last += max((last - first) // 50, MINUTES_MS)
    labels = [label for _, label in sorted(_places(schedule).values())]
    row = alt.Y(
        "place:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(labels)))),
        axis=alt.Axis(
            labelExpr=_labels(labels), labelLimit=label_limit(240), domain=False
        ),
    )
    base = alt.Chart(rows_of(rows)).encode(x=_axis(schedule, first, last, zone), y=row)
    names = (*HUES, "bad")
    colour = alt.Color(
        "hue:N",
        scale=alt.Scale(domain=list(names), range=[token(name) for name in names]),
        legend=None,
    )
    bars = base.mark_bar(height=ROW - 8, cornerRadius=2, stroke=token("page")).encode(
        x2="x2:T",
        color=colour,
        opacity=alt.condition("datum.part == 'run'", alt.value(1), alt.value(0.35)),
        tooltip="tip:N",
        description="tip:N",
    )
    room = f"floor((datum.x2 - datum.x) / {last - first} * width / {CHARACTER}) - 1"
    texts = (
        base.transform_calculate(room=room)
        .transform_filter(f"datum.text != '' && datum.room >= {LEAST_CHARACTERS}")
        .transform_calculate(
            said="length(datum.text) <= datum.room ? datum.text"
            " : slice(datum.text, 0, datum.room - 1) + '…'"
        )
        .mark_text(align="left", dx=4, color=token("page"), aria=False)
        .encode(text="said:N")
    )
    chart = alt.layer(bars, texts)
    return finished(chart, gantt_title(schedule), ROW * max(len(labels), 2) + 8)


def _axis(schedule: Schedule, first: int, last: int, zone: str) -> alt.X:
    """X channel: wall clock with weekdays, or hours of working time."""
    import altair as alt

    if schedule.problem.time_axis is TimeAxis.CALENDAR:
        return time_axis(first, last, title=f"times of {zone}")
    return alt.X(
        "x:T",
        title="hours of working time",
        scale=time_scale(first, last),
        axis=alt.Axis(
            labelExpr=f"format(toNumber(datum.value) / {60 * MINUTES_MS}, ',.0f')",
            tickCount=8,
            labelFlush=True,
        ),
    )


def _labels(labels: list[str]) -> str:
    import json

    return f"{json.dumps(labels, ensure_ascii=False)}[datum.value]"
