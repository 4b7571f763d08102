"""What service the coming weeks may bring: the expected line with its 80 % band."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.reports.plan_risk import COST, ON_TIME
from medhavi.units import from_seconds
from medhavi.views.names import Names, count, day, local, money, percent
from medhavi.views.theme import (
    DAY_MS,
    PLOT,
    edge_of_words,
    finished,
    rows_of,
    time_axis,
    token,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.views.theme import Picture

_MOST = 60
"""Weeks that a picture shows."""
_WEEK = dt.timedelta(days=7)


def forecast_rows(risk: PlanRisk, zone: str = "UTC") -> pl.DataFrame:
    """Share of demands on time in full by week of their due date, from this week on.

    Parameters
    ----------
    zone
        In which now is this week.

    Returns
    -------
    pl.DataFrame
        x (Monday [ms]), planned, p10, p50, p90 (fractions), tip.
    """
    this_week = local(from_seconds(risk.as_of), zone).date() - _WEEK
    rows = risk.weeks(ON_TIME).filter(pl.col("week") > this_week).head(_MOST)
    return pl.DataFrame(
        [
            {
                "x": (row["week"] - dt.date(1970, 1, 1)).days * DAY_MS,
                **{name: row[name] for name in ("planned", "p10", "p50", "p90")},
                "tip": say(
                    "forecast_tip",
                    day(dt.datetime.combine(row["week"], dt.time())),
                    count(row["demands"], "demand"),
                    percent(row["planned"]),
                    percent(row["p50"]),
                    percent(row["p10"]),
                    percent(row["p90"]),
                ),
            }
            for row in rows.iter_rows(named=True)
        ],
        schema={
            "x": pl.Int64,
            **dict.fromkeys(("planned", "p10", "p50", "p90"), pl.Float64),
            "tip": pl.String,
        },
    )


def forecast_finding(risk: PlanRisk, currency: str) -> str:
    """What the forecast comes to: service and cost of lateness of the whole plan."""
    service, cost = risk.whole(ON_TIME), risk.whole(COST)
    if not risk.uncertain:
        return say("forecast_certain", percent(service["planned"]))
    told = say(
        "forecast_expected",
        percent(service["p50"]),
        percent(service["planned"]),
        percent(service["p10"]),
        percent(service["p90"]),
    )
    late = say(
        "forecast_cost",
        money(cost["p50"], currency),
        money(cost["p10"], currency),
        money(cost["p90"], currency),
        money(cost["planned"], currency),
    )
    return f"{told}. {late}"


def forecast_chart(risk: PlanRisk, names: Names | None = None) -> Picture | None:
    """Draw the service of the coming weeks; None where no demand is due."""
    import altair as alt

    rows = forecast_rows(risk, (names or Names()).zone)
    if rows.is_empty():
        return None
    weeks = rows["x"].to_list()
    first, last = weeks[0] - 3 * DAY_MS, weeks[-1] + 3 * DAY_MS
    base = alt.Chart(rows_of(rows)).encode(x=time_axis(first, last))
    share = alt.Y(
        "p50:Q",
        title=say("on_time_in_full").lower(),
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5),
    )
    plan = token("plan")
    layers = [
        base.mark_area(color=plan, opacity=0.22, aria=False).encode(
            y=alt.Y("p10:Q", title=None), y2=alt.Y2("p90:Q")
        ),
        base.mark_rule(color=plan, opacity=0.5, strokeWidth=6, aria=False).encode(
            y=alt.Y("p10:Q", title=None), y2=alt.Y2("p90:Q")
        ),
        base.mark_line(color=plan, strokeWidth=2, aria=False).encode(y=share),
        base.mark_point(
            color=token("ink"), shape="diamond", size=60, filled=False, aria=False
        ).encode(y=alt.Y("planned:Q", title=None)),
        *_labels(rows),
        base.mark_rule(opacity=0, strokeWidth=24).encode(
            y=alt.YValue(0),
            y2=alt.Y2Value(PLOT),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        ),
    ]
    return finished(alt.layer(*layers), say("service_forecast"), PLOT)


def _labels(rows: pl.DataFrame) -> list[Picture]:
    """Words beside the widest band and the farthest mark, instead of a legend."""
    import altair as alt

    told = rows.with_columns(
        width=pl.col("p90") - pl.col("p10"), gap=pl.col("planned") - pl.col("p90")
    )
    wide = told.row(int(told["width"].arg_max() or 0), named=True)
    words = [(wide["x"], wide["p10"], say("forecast_band"), "top")]
    far = told.row(int(told["gap"].arg_max() or 0), named=True)
    if far["gap"] > 0:
        words += [(far["x"], far["planned"], say("forecast_plan"), "middle")]
    layers: list[Picture] = []
    for week, place, word, side in words:
        look: dict[str, Any] = {
            "align": "left",
            "baseline": side,
            "dx": 8,
            "dy": 6 if side == "top" else 0,
        }
        chart = alt.Chart(
            rows_of(pl.DataFrame({"x": [week], "y": [place], "word": [word]}))
        ).encode(x=alt.X("x:T"), y=alt.Y("y:Q", title=None), text="word:N")
        layers += [
            edge_of_words(chart, **look),
            chart.mark_text(**look, color=token("ink"), aria=False),
        ]
    return layers
