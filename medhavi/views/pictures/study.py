"""A key figure over the runs of a study, as bars: one colour a planner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import figure
from medhavi.views.charts import finished, rows_of
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from medhavi.results.reports.study import StudyReport
    from medhavi.views.charts import Picture

MOST_RUNS = 40
_COLOURS = ("plan", "warn", "good", "muted")


def run_labels(report: StudyReport) -> pl.DataFrame:
    """Runs with a short `label` that tells them apart within the study."""
    runs = report.runs
    parts = ["scenario", "point"]
    parts += [name for name in ("planner", "seed") if runs[name].n_unique() > 1]
    words = [
        " · ".join(
            f"seed {row[name]}" if name == "seed" else str(row[name])
            for name in parts
            if row[name] not in {None, ""}
        )
        for row in runs.iter_rows(named=True)
    ]
    return runs.with_columns(pl.Series("label", words, pl.String))


def figure_chart(report: StudyReport, kpi: str) -> Picture | None:
    """Draw one key figure of all runs; None where no run has a value."""
    import altair as alt

    keys = ["scenario", "point", "planner", "seed"]
    rows = (
        run_labels(report)
        .join(
            report.figures.filter(pl.col("kpi") == kpi),
            on=keys,
            how="inner",
            maintain_order="left",
        )
        .filter(pl.col("value").is_not_null())
        .head(MOST_RUNS)
    )
    if rows.is_empty():
        return None
    unit, title = str(rows["unit"][0]), str(rows["name"][0])
    texts = [figure(row["value"], unit) for row in rows.iter_rows(named=True)]
    tips = [
        f"{row['label']}: {text}"
        for row, text in zip(rows.iter_rows(named=True), texts, strict=True)
    ]
    data = rows.select("label", "planner", "value").with_columns(
        pl.Series("text", texts), pl.Series("tip", tips)
    )
    planners = data["planner"].unique(maintain_order=True).to_list()
    most, least = float(data["value"].max()), float(data["value"].min())  # type: ignore[arg-type]
    domain = [min(0.0, least), (most or 1.0) * 1.25]
    base = alt.Chart(rows_of(data)).encode(
        x=alt.X(
            "value:Q",
            title=None,
            scale=alt.Scale(domain=domain, nice=False),
            axis=alt.Axis(format="%" if unit == "fraction" else "~s", tickCount=5),
        ),
        y=alt.Y("label:N", title=None, sort=None, axis=alt.Axis(domain=False)),
    )
    colours = alt.Scale(
        domain=planners,
        range=[token(_COLOURS[i % len(_COLOURS)]) for i in range(len(planners))],
    )
    bars = base.mark_bar(height=ROW - 10, cornerRadius=2).encode(
        color=alt.Color("planner:N", scale=colours, legend=None),
        tooltip="tip:N",
        description="tip:N",
    )
    words = base.mark_text(align="left", dx=6, color=token("ink"), aria=False).encode(
        text="text:N"
    )
    return finished(alt.layer(bars, words), title, ROW * data.height)
