"""How likely it was said to be, and how often it was: a picture of calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.charts import finished, rows_of
from medhavi.views.format import count, percent
from medhavi.views.theme import token

if TYPE_CHECKING:
    from medhavi.results.reports.hindsight import HindsightReport
    from medhavi.views.charts import Picture

_HEIGHT = 260


def calibration_chart(report: HindsightReport) -> Picture | None:
    """Draw stated against observed shares in time; None where nothing is judged.

    A dot on the line says what happened as often as was said; the bar is the 95 %
    interval of Wilson.
    """
    import altair as alt

    bins = report.bins
    if bins.is_empty():
        return None
    tips = [
        f"said {percent(row['said'])}, happened {percent(row['happened'])} "
        f"({count(row['lines'], 'line')})"
        for row in bins.iter_rows(named=True)
    ]
    data = bins.with_columns(pl.Series("tip", tips))
    least = min(float(data["said"].min()), float(data["low"].min()))  # type: ignore[arg-type]
    scale = alt.Scale(domain=[max(0.0, least - 0.05), 1.0], nice=False)
    axis = alt.Axis(format="%", tickCount=5)
    line = (
        alt.Chart(alt.Data(values=[{"v": 0.0}, {"v": 1.0}]))
        .mark_line(color=token("muted"), strokeDash=[3, 3], clip=True, aria=False)
        .encode(x=alt.X("v:Q", scale=scale), y=alt.Y("v:Q", scale=scale))
    )
    base = alt.Chart(rows_of(data)).encode(
        x=alt.X("said:Q", title="said", scale=scale, axis=axis),
        tooltip="tip:N",
        description="tip:N",
    )
    bars = base.mark_rule(color=token("plan"), opacity=0.5).encode(
        y=alt.Y("low:Q", title="happened", scale=scale, axis=axis), y2="high:Q"
    )
    dots = base.mark_circle(color=token("plan"), size=70, opacity=1).encode(
        y=alt.Y("happened:Q", title="happened", scale=scale, axis=axis)
    )
    return finished(
        alt.layer(line, bars, dots), "Lines in time: how often, and as said?", _HEIGHT
    )
