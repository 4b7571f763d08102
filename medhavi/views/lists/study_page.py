"""A study on one page that needs no network, no script and no server."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import difference, figure
from medhavi.views.charts import drawing, title_of, untitled
from medhavi.views.format import count
from medhavi.views.page import empty, header, standalone, table_html
from medhavi.views.pictures.study import (
    figure_chart,
    run_labels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.reports.study import StudyReport

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
