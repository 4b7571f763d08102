"""The makespan over all scenarios as a histogram, beside plan, half, 95 % and tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.views.charts import edge_of_words, finished, legend_below, rows_of
from medhavi.views.format import count, percent
from medhavi.views.theme import PLOT, token

if TYPE_CHECKING:
    from medhavi.results.reports.risk import RiskReport
    from medhavi.views.charts import Picture

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
            "tip": f"{count(int(n), 'scenario')} from {a:,.1f} to {b:,.1f} h",
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
        ("mean of the worst 5 %", "cvar95", "bad"),
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
    return (
        f"The worst 5 % take {percent(found['premium'])} longer than the mean "
        f"({low} to {high})"
    )


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
        title="hours until all is done",
        scale=alt.Scale(domain=domain, nice=False, zero=False),
    )
    histogram = (
        alt.Chart(rows_of(bars))
        .mark_bar(stroke=token("page"), strokeWidth=0.5)
        .encode(
            x=x,
            x2="x2:Q",
            y2="none:Q",
            y=alt.Y(
                "scenarios:Q",
                title="scenarios",
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
            tooltip="tip:N",
            description="tip:N",
        )
    )
    hues = ["ink", "muted", "warn", "bad"]
    base = alt.Chart(rows_of(marks)).encode(x=x)
    hue = alt.Color(
        "hue:N",
        scale=alt.Scale(domain=hues, range=[token(hue) for hue in hues]),
        legend=None,
    )
    rules = base.mark_rule(strokeDash=[3, 3], strokeWidth=1.5, aria=False)
    drawn = [rules.encode(color=hue)]
    for side, look in _SIDES.items():
        words = base.transform_filter(f"datum.side == '{side}'").encode(
            text="word:N",
            y=alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[0, 11], reverse=True)),
        )
        written = words.mark_text(**look, aria=False).encode(color=hue)
        drawn += [edge_of_words(words, **look), written]
    # Two scales of colour and of height: bars by part and count, rules by meaning.
    chart = alt.layer(histogram, alt.layer(*drawn)).resolve_scale(
        color="independent", y="independent"
    )
    return finished(chart, risk_title(report), PLOT + 40)
