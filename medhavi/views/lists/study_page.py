"""A study on one page that needs no network, no script and no server."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import difference, figure
from medhavi.views.charts import drawing, finished, rows_of, title_of, untitled
from medhavi.views.format import count
from medhavi.views.page import empty, header, standalone, table_html
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from collections.abc import Mapping

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


_PLACE = ("scenario", "point", "planner", "seed")
_GOOD = frozenset({"optimal", "feasible", "heuristic", "relaxation"})


def html(report: StudyReport) -> str:
    """Write the page: the runs side by side, a picture per key figure, the changes."""
    sections = (
        ("What came out?", study_table(report)),
        ("How far apart are they?", _pictures(report)),
        ("What was changed?", _changes(report)),
    )
    facts = [
        ("Runs", count(report.runs.height, "run")),
        ("Compared to", report.compare_to or "nothing"),
    ]
    trust = (
        f"Base <b>{escape(report.base[:12])}</b>",
        f"Medhavi <b>{escape(report.package_version)}</b>",
        "medhavi study run again gives the same page; the runs are not repeated.",
    )
    head = header(f"Study {report.name}", facts)
    return standalone(f"{report.name}: study", head, sections, trust)


def study_table(report: StudyReport) -> str:
    """Runs as an HTML table: a column per key figure, differences below."""
    if report.runs.is_empty():
        return empty("No runs", "Add a scenario to the study.")
    kpis = report.figures.select("kpi", "name").unique("kpi", maintain_order=True)
    names = [str(name) for name in kpis["name"]]
    by_run = {
        (row["scenario"], row["point"], row["planner"], row["seed"], row["kpi"]): row
        for row in report.figures.iter_rows(named=True)
    }
    rows = [
        (
            escape(str(run["label"])),
            _status(run),
            *(
                _cell(
                    by_run.get((*(run[key] for key in _PLACE), kpi)),
                    report.compare_to,
                )
                for kpi in kpis["kpi"]
            ),
        )
        for run in run_labels(report).iter_rows(named=True)
    ]
    return table_html(("Run", "Status", *names), rows, names)


def _status(run: Mapping[str, object]) -> str:
    status = str(run["status"])
    if status in _GOOD:
        return f'<span class="mv-mark mv-good">● {escape(status)}</span>'
    return (
        f'<span class="mv-mark mv-bad">▲ {escape(status)}</span>'
        f'<br><span class="muted small">{escape(str(run["problem"])[:300])}</span>'
    )


def _cell(row: Mapping[str, object] | None, compared: str | None) -> str:
    if row is None:
        return ""
    unit = str(row["unit"])
    text = escape(figure(row["value"], unit))  # type: ignore[arg-type]
    if row["difference"] is None or row["scenario"] == compared:
        return text
    gap = escape(difference(row["difference"], unit))  # type: ignore[arg-type]
    return f'{text}<br><span class="muted small">{gap}</span>'


def _pictures(report: StudyReport) -> str:
    drawn = []
    for kpi in report.figures["kpi"].unique(maintain_order=True):
        chart = figure_chart(report, str(kpi))
        if chart is not None:
            drawn.append(
                f"<figure><h3>{escape(title_of(chart))}</h3>"
                f'<div class="mv-chart">{drawing(untitled(chart))}</div></figure>'
            )
    return "".join(drawn) or empty(
        "No figure has a value", "Choose other key figures in [output] kpis."
    )


def _changes(report: StudyReport) -> str:
    rows = (
        report.runs.select("scenario", "changes")
        .group_by("scenario", maintain_order=True)
        .agg(pl.col("changes").first())
    )
    cells = [
        (
            escape(str(row["scenario"])),
            "<br>".join(escape(str(change)) for change in row["changes"])
            or '<span class="muted">nothing: the base as it is</span>',
        )
        for row in rows.iter_rows(named=True)
    ]
    return table_html(("Scenario", "Changes"), cells)
