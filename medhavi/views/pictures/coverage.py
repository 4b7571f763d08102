"""Coverage of a predictor by month, with what chance allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.names import count, percent
from medhavi.views.theme import finished, legend_below, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.views.theme import Picture

QUANTILES = {"p80": "P80", "p95": "P95", "on_time": "On time"}
"""Words of what is covered."""


def coverage_chart(by_month: pl.DataFrame, title: str) -> Picture | None:
    """Draw the share within what was predicted, a line a quantile; None without any.

    Parameters
    ----------
    by_month
        Columns of `predict.coverage.COVERAGE`.
    """
    import altair as alt

    if by_month.is_empty():
        return None
    rows = pl.DataFrame(
        [
            {
                "month": f"{row['month']:%Y-%m}",
                "what": QUANTILES[row["quantile"]],
                "share": row["share"],
                "told": row["told"],
                "low": row["low"],
                "high": row["high"],
                "outside": not row["low"] - 1e-4 <= row["share"] <= row["high"] + 1e-4,
                "tip": say(
                    "coverage_tip",
                    f"{row['month']:%b %Y}",
                    percent(row["share"]),
                    count(row["orders"], "order"),
                    percent(row["told"]),
                    percent(row["low"]),
                    percent(row["high"]),
                ),
            }
            for row in by_month.iter_rows(named=True)
        ]
    )
    shown = [word for word in QUANTILES.values() if word in set(rows["what"])]
    hues = [token("plan"), token("alt")]
    legend = legend_below()
    legend.symbolOpacity, legend.symbolType = 1, "square"
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=shown, range=hues[: len(shown)]),
        legend=legend if len(shown) > 1 else None,
    )
    months = alt.X(
        "month:O",
        title=None,
        axis=alt.Axis(
            labelAngle=0,
            labelOverlap=True,
            labelExpr="timeFormat(toDate(datum.value + '-15'), '%b %Y')",
        ),
    )
    base = alt.Chart(rows_of(rows)).encode(x=months, color=colour)
    share = alt.Scale(domain=[min(0.4, float(rows["low"].min() or 0.0)), 1.0])  # type: ignore[arg-type]
    axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("share:Q", title=say("share_of_orders"), scale=share, axis=axis)
    band = base.mark_area(opacity=0.15, interpolate="monotone").encode(
        y=alt.Y("low:Q", scale=share, title=say("share_of_orders")), y2="high:Q"
    )
    nominal = base.mark_line(strokeDash=[4, 3], strokeWidth=1.5).encode(y="told:Q")
    line = base.mark_line(strokeWidth=2).encode(y=y)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=y,
        shape=alt.condition(
            "datum.outside", alt.value("triangle-up"), alt.value("circle")
        ),
        tooltip=alt.Tooltip("tip:N", title=say("coverage")),
    )
    return finished(alt.layer(band, nominal, line, points), title, height=240)
