"""A schedule and its risk: words, tables, the Gantt, the makespan of all scenarios."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.results.run_record import Status
from medhavi.results.schedules.problem import TimeAxis
from medhavi.units import from_seconds, to_seconds
from medhavi.views.names import NOTHING, Names, count, duration, number, percent, when
from medhavi.views.page import empty, foot_html, short_print, table_html, verified_words
from medhavi.views.pictures.gantt import RUN, SETUP, GanttStyle, gantt
from medhavi.views.pictures.operation_bars import (
    MINUTES_MS,
    NO_LINES,
    axis_x,
    due_marks,
    due_rows,
    hours_text,
    hue_words,
    order_hues,
    unit_places,
)
from medhavi.views.theme import (
    MOST_MARKS,
    PLOT,
    edge_of_words,
    finished,
    ink_token,
    legend_below,
    rows_of,
    time_axis,
    time_scale,
    token,
)
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.problem import ScheduleProblem
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.views.theme import Picture


_IDS = Names()


def gantt_rows(
    schedule: Schedule, zone: str = "UTC", names: Names = _IDS
) -> pl.DataFrame:
    """Bars, one row per set-up and per working stretch of a run.

    Parameters
    ----------
    zone
        IANA zone whose wall clock is shown; on the working axis minutes are shown.
    names
        Of resources and products that have none of their own.

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
    places = unit_places(schedule, names)
    operations = schedule.operations.filter(~pl.col("resource").is_in(NO_LINES)).sort(
        "start_minutes", "sales_order", "step"
    )
    for row in operations.iter_rows(named=True):
        place, label = places[row["resource"], row["unit"]]
        is_late = late.get(row["sales_order"], 0) > 0
        shared = {
            "place": place,
            "label": label,
            "order": row["sales_order"],
            "hue": "bad" if is_late else hues[row["sales_order"]],
            "late": is_late,
            "firm": False,
            "tip": _tip(schedule, row, zone, names),
        }
        begin, length = row["setup_start_minutes"], row["setup_minutes"]
        if length:
            rows.append(
                {
                    **shared,
                    **_drawn_span(problem, begin, begin + length, zone),
                    "part": SETUP,
                    "text": "",
                }
            )
        for piece, (a, b) in enumerate(_stretches(problem, row)):
            mark = "▲ " if is_late else ""
            text = f"{mark}{row['sales_order']}" if piece == 0 else ""
            rows.append(
                {
                    **shared,
                    **_drawn_span(problem, a, b, zone),
                    "part": RUN,
                    "text": text,
                }
            )
    schema = {"place": pl.Int64, "x": pl.Int64, "x2": pl.Int64, "late": pl.Boolean}
    return pl.DataFrame(rows[:MOST_MARKS], schema_overrides=schema)


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


def _drawn_span(
    problem: ScheduleProblem, begin: float, end: float, zone: str
) -> dict[str, int]:
    return {"x": axis_x(problem, begin, zone), "x2": axis_x(problem, end, zone)}


def _tip(schedule: Schedule, row: dict[str, object], zone: str, names: Names) -> str:
    problem = schedule.problem
    order = problem.order_by_id[str(row["sales_order"])]
    product = names.name(order.product) if order.product else ""
    what = f"{order.order} {product}".strip()
    step = f"step {row['step']}" + (f" ({row['name']})" if row["name"] else "")
    run = duration(float(row["run_minutes"]) / 60)  # type: ignore[arg-type]
    setup = float(row["setup_minutes"])  # type: ignore[arg-type]
    before = f", set-up {duration(setup / 60)}" if setup else ""
    if problem.time_axis is TimeAxis.WORKING:
        start, finish = (
            hours_text(float(row[key]))  # type: ignore[arg-type]
            for key in ("start_minutes", "finish_minutes")
        )
        times = say("to_of_working_time", start, finish)
    else:
        times = f"{when(row['start'], zone)} to {when(row['finish'], zone)}"  # type: ignore[arg-type]
    return f"{what}, {step}: {times}, run {run}{before}"


def gantt_title(schedule: Schedule) -> str:
    """What the schedule reaches: when all is done, and who is late."""
    late = schedule.orders.filter(pl.col("late_minutes") > 0).height
    told = say("no_order_is_late") if not late else say("orders_after_due", late)
    proof = "proven shortest" if _proven_makespan(schedule) else str(schedule.status)
    span = duration(schedule.makespan / 60)
    if schedule.problem.time_axis is TimeAxis.WORKING:
        span = say("working_time_of", hours_text(schedule.makespan))
    return say("all_done_after", span, proof, told)


def _proven_makespan(schedule: Schedule) -> bool:
    rows = schedule["objectives"].filter(pl.col("objective") == "makespan")
    return bool(rows.height and rows["proven"][0])


def gantt_chart(
    schedule: Schedule, zone: str = "UTC", names: Names = _IDS
) -> Picture | None:
    """Draw the schedule; None where there are no operations."""
    if schedule.operations.is_empty():
        return None
    rows = gantt_rows(schedule, zone, names)
    first = axis_x(schedule.problem, 0, zone)
    last = int(rows["x2"].max())  # type: ignore[arg-type]
    last += max((last - first) // 50, MINUTES_MS)
    labels = [label for _, label in sorted(unit_places(schedule, names).values())]
    return gantt(
        rows,
        labels,
        _axis(schedule, first, last, zone),
        (first, last),
        gantt_title(schedule),
        GanttStyle(
            hues=hue_words(schedule),
            rules=due_marks(due_rows(schedule, zone, names), (first, last)),
        ),
    )


def _axis(schedule: Schedule, first: int, last: int, zone: str) -> alt.X:
    """X channel: wall clock with weekdays, or hours of working time."""
    import altair as alt

    if schedule.problem.time_axis is TimeAxis.CALENDAR:
        return time_axis(first, last, title=say("times_of", zone))
    return alt.X(
        "x:T",
        title=say("hours_of_working_time"),
        scale=time_scale(first, last),
        axis=alt.Axis(
            labelExpr=f"format(toNumber(datum.value) / {60 * MINUTES_MS}, ',.0f')",
            tickCount=8,
            labelFlush=True,
        ),
    )


_NAMES = {
    "late_orders": "late orders",
    "weighted_tardiness": "weighted tardiness",
    "max_tardiness": "greatest tardiness",
    "makespan": say("end_of_the_last_order"),
    "setup": "changeovers",
    "cost": say("cost_of_changeovers"),
    "load_balance": say("balance_of_loads"),
    "energy": "energy",
}
_MINUTES = frozenset({"weighted_tardiness", "max_tardiness", "makespan"})


def schedule_tiles(
    schedule: Schedule, zone: str = "UTC", names: Names = _IDS
) -> tuple[Tile, ...]:
    """Figures of a schedule: end, late orders, changeovers, bottleneck."""
    if schedule.operations.is_empty():
        word = say("unscheduled")
        return (Tile(label=say("all_done"), figure=NOTHING, state="bad", word=word),)
    orders = schedule.orders
    late = orders.filter(pl.col("late_minutes") > 0).height
    lines = schedule.resources.filter(~pl.col("resource").is_in(NO_LINES))
    busiest = lines.sort("utilization", "resource", descending=[True, False]).row(
        0, named=True
    )
    setup = float(schedule.resources["setup_minutes"].sum())
    changes = float(schedule.operations["changeover_minutes"].sum())
    # A schedule of a plan counts the set-up of an order in its run.
    own = setup - changes
    beside = say("set_ups_beside", span_words(schedule, own)) if own > 0 else ""
    return (
        Tile(
            label=say("all_done_after_label"),
            figure=span_words(schedule, schedule.makespan),
            note=_end(schedule, zone),
        ),
        Tile(
            label=say("late_orders"),
            figure=f"{late:,}",
            note=say("by_own_due_dates", orders.height),
            state="bad" if late else "good",
            word=say("tile_late") if late else say("none_of_them"),
        ),
        Tile(
            label=say("changeover_time"),
            figure=span_words(schedule, changes),
            note=(_setups_before(schedule) or say("on_all_lines")) + beside,
        ),
        Tile(
            label=say("busiest_line"),
            figure=percent(busiest["utilization"]),
            note=busiest["name"] or names.name(busiest["resource"]),
        ),
    )


def _setups_before(schedule: Schedule) -> str:
    """What changeovers took in the plan that was scheduled; empty: there is none."""
    before = schedule.problem.reference
    count, minutes = before.get("setup"), before.get("setup_minutes")
    if not isinstance(count, float) or not isinstance(minutes, float):
        return ""
    now = schedule.operations.filter(pl.col("changeover_minutes") > 0).height
    planned = duration(minutes / 60)
    return say("changeovers_as_planned_in", now, count, planned)


def schedule_finding(schedule: Schedule | None) -> str:
    """What a schedule comes to, in one line."""
    if schedule is None or schedule.operations.is_empty():
        return ""
    late = schedule.orders.filter(pl.col("late_minutes") > 0).height
    told = say("orders_late", schedule.orders.height, late)
    before = _setups_before(schedule)
    kept = schedule.problem.reference.get("orders_kept")
    stay = say("orders_stay_as_planned", kept) if kept else ""
    return "; ".join(filter(None, (told, before, stay)))


def span_words(schedule: Schedule, minutes: float) -> str:
    """Length of time [min] in words: working time in hours, else in days and hours."""
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return hours_text(minutes)
    return duration(minutes / 60)


def _end(schedule: Schedule, zone: str) -> str:
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return say("of_working_time")
    begin = to_seconds(schedule.problem.start)
    return when(from_seconds(begin + round(schedule.makespan * 60)), zone)


def proof_html(schedule: Schedule) -> str:
    """Value reached for each objective, and what is proven."""
    rows = [
        (
            escape(_NAMES.get(row["objective"], row["objective"])),
            _value(schedule, row["objective"], row["value"]),
            _value(schedule, row["objective"], row["bound"]),
            '<span class="mv-mark mv-good">● proven best</span>'
            if row["proven"]
            else f"gap {percent(row['gap'])}",
        )
        for row in schedule["objectives"].sort("place").iter_rows(named=True)
    ]
    if not rows:
        return _conflict(schedule)
    return table_html(
        (
            say("column_counts"),
            say("column_reached"),
            say("column_not_below"),
            say("column_proof"),
        ),
        rows,
        (say("column_reached"), say("column_not_below")),
    )


def _value(schedule: Schedule, objective: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return span_words(schedule, value) if objective in _MINUTES else number(value)


def _conflict(schedule: Schedule) -> str:
    rows = [(escape(str(text)),) for text in schedule.conflict["text"]]
    if not rows:
        return empty(say("nothing_to_schedule"), say("the_file_has_no_orders"))
    return table_html((say("conflicting_rules"),), rows)


def schedule_foot(schedule: Schedule) -> str:
    """Trust line: how sure it is that nothing is better, who made it, of what."""
    run = schedule.run
    bound = "" if run.status is Status.OPTIMAL else run.bound_words()
    sure = "proven best" if run.status is Status.OPTIMAL else bound
    status = [str(run.status), *([sure] if sure else []), verified_words(0)]
    made = [run.planner, *([] if run.seed is None else [f"seed {run.seed}"])]
    return foot_html(
        [
            ("Status", escape(", ".join(status))),
            ("Planner", escape(", ".join([*made, f"Medhavi {run.package_version}"]))),
            ("Data", short_print(run.snapshot_fingerprint)),
            ("Schedule", short_print(schedule.fingerprint)),
        ]
    )


BARS = 60
_SIDES: dict[str, dict[str, Any]] = {
    "left": {"align": "right", "dx": -4, "baseline": "top"},
    "right": {"align": "left", "dx": 4, "baseline": "top"},
}
"""How a word stands on a side of its rule."""


def risk_bars(report: RiskReport) -> pl.DataFrame:
    """Count scenarios by makespan.

    Returns
    -------
    pl.DataFrame
        x, x2 (edges of the bar [h]), scenarios, none (0), part ("usual", "worst 5 %"),
        tip. At most `BARS` rows.
    """
    hours = report.makespans.to_numpy() / 60
    tail = report.figures["var95"] / 60
    low, high = float(hours.min()), float(hours.max())
    edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
    counts, _ = np.histogram(hours, bins=edges)
    rows = [
        {
            "x": float(a),
            "x2": float(b),
            "scenarios": int(n),
            "none": 0,
            "part": "worst 5 %" if a >= tail else "usual",
            "tip": say("scenarios_from_to", count(int(n), "scenario"), a, b),
        }
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return pl.DataFrame(rows)


def risk_marks(report: RiskReport) -> pl.DataFrame:
    """Rules: x [h], word, hue, row of the word from the top, its side."""
    found = report.figures
    minutes = report.makespans.to_numpy()
    middle = (float(minutes.min()) + float(minutes.max())) / 2
    marks = (
        ("planned", "nominal", "ink"),
        ("half", "p50", "muted"),
        ("95 %", "var95", "warn"),
        (say("mean_of_the_worst_5"), "cvar95", "bad"),
    )
    return pl.DataFrame(
        [
            {
                "x": found[key] / 60,
                "word": f"{word} {found[key] / 60:,.1f} h",
                "hue": hue,
                "row": place,
                # A word right of the middle has more room on its left.
                "side": "left" if found[key] > middle else "right",
            }
            for place, (word, key, hue) in enumerate(marks)
        ]
    )


def risk_title(report: RiskReport) -> str:
    """Premium in words, with its interval."""
    found = report.figures
    low, high = percent(found["premium_low"]), percent(found["premium_high"])
    return say("the_worst_5_take_longer", percent(found["premium"]), low, high)


def risk_chart(report: RiskReport) -> Picture:
    """Draw the histogram with its rules."""
    import altair as alt

    bars = risk_bars(report)
    marks = risk_marks(report)
    most = int(bars["scenarios"].max())  # type: ignore[arg-type]
    edges = [*bars["x"], *bars["x2"], *marks["x"]]
    margin = (max(edges) - min(edges)) / 50 or 1.0
    domain = [min(edges) - margin, max(edges) + 8 * margin]
    x = alt.X(
        "x:Q",
        title=say("hours_until_all_is_done"),
        scale=alt.Scale(domain=domain, nice=False, zero=False),
    )
    histogram = (
        alt.Chart(rows_of(bars))
        .mark_bar(stroke=token("page"), strokeWidth=0.5)
        .encode(
            x=x,
            x2=alt.X2("x2:Q"),
            y2=alt.Y2("none:Q"),
            y=alt.Y(
                "scenarios:Q",
                title=say("label_scenarios"),
                scale=alt.Scale(domain=[0, most * 1.6], nice=False),
            ),
            color=alt.Color(
                "part:N",
                title=None,
                scale=alt.Scale(
                    domain=["usual", "worst 5 %"], range=[token("plan"), token("bad")]
                ),
                legend=legend_below(),
            ),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    )
    hues = ["ink", "muted", "warn", "bad"]
    base = alt.Chart(rows_of(marks)).encode(x=x)
    drawn_in, written_in = (
        alt.Color(
            "hue:N",
            scale=alt.Scale(domain=hues, range=[colour(hue) for hue in hues]),
            legend=None,
        )
        for colour in (token, ink_token)
    )
    rules = base.mark_rule(strokeDash=[3, 3], strokeWidth=1.5, aria=False)
    drawn = [rules.encode(color=drawn_in)]
    for side, look in _SIDES.items():
        words = base.transform_filter(f"datum.side == '{side}'").encode(
            text=alt.Text("word:N"),
            y=alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[0, 11], reverse=True)),
        )
        written = words.mark_text(**look, aria=False).encode(color=written_in)
        drawn += [edge_of_words(words, **look), written]
    # Scales of their own: bars by part and count, rules by meaning, words darker.
    told = alt.layer(*drawn).resolve_scale(color="independent")
    chart = alt.layer(histogram, told).resolve_scale(
        color="independent", y="independent"
    )
    return finished(chart, risk_title(report), PLOT + 40)
