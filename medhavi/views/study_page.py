"""A study or a hindsight on one page that needs no network, no script and no server."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.amounts import difference, figure
from medhavi.views import grid_columns
from medhavi.views.names import (
    NOTHING,
    count,
    duration,
    number,
    percent,
    quantity,
    when,
)
from medhavi.views.page import document, empty, header, table_html
from medhavi.views.theme import (
    ROW,
    drawing,
    finished,
    rows_of,
    title_of,
    token,
    untitled,
)
from medhavi.views.tiles import Tile, tiles_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.reports.study import HindsightReport, StudyReport
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture


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
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    words = base.mark_text(align="left", dx=6, color=token("ink"), aria=False).encode(
        text=alt.Text("text:N")
    )
    return finished(alt.layer(bars, words), title, ROW * data.height)


_PLACE = ("scenario", "point", "planner", "seed")
_GOOD = frozenset({"optimal", "feasible", "heuristic", "relaxation"})


def study_html(report: StudyReport) -> str:
    """Write the page: the runs side by side, a picture per key figure, the changes."""
    sections = (
        ("Results", study_table(report)),
        (say("key_figures_by_scenario"), _pictures(report)),
        (say("changes_by_scenario"), _changes(report)),
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
    """Runs and their key figures as an HTML table, differences below each figure.

    What there is more of goes down the page, so that the table is no wider than it.
    """
    if report.runs.is_empty():
        return empty(say("no_runs"), say("add_a_scenario"))
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
    head = (say("column_run"), say("column_status"), *names)
    if len(rows) < len(names):
        runs = run_labels(report)["label"].to_list()
        _, *down = zip(map(escape, head), *rows, strict=True)
        return table_html((say("column_figure"), *runs), down, runs)
    return table_html(head, rows, names)


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
        say("no_figure_has_a_value"), say("choose_other_key_figures")
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
            or f'<span class="muted">{say("base_unchanged")}</span>',
        )
        for row in rows.iter_rows(named=True)
    ]
    return table_html((say("column_scenario"), say("changes")), cells)


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
        say(
            "stated_and_happened",
            percent(row["said"]),
            percent(row["happened"]),
            count(row["lines"], "line"),
        )
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
        x=alt.X("said:Q", title=say("label_said"), scale=scale, axis=axis),
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    bars = base.mark_rule(color=token("plan"), opacity=0.5).encode(
        y=alt.Y("low:Q", title=say("label_happened"), scale=scale, axis=axis),
        y2=alt.Y2("high:Q"),
    )
    dots = base.mark_circle(color=token("plan"), size=70, opacity=1).encode(
        y=alt.Y("happened:Q", title=say("label_happened"), scale=scale, axis=axis)
    )
    return finished(alt.layer(line, bars, dots), say("stated_and_actual"), _HEIGHT)


MOST_ROWS = 30
"""Rows of a table on the page; the tables in the folder have all."""
_GROUPS = (
    ("tier", "By tier"),
    ("customer", "By customer"),
    ("product", "By product"),
    ("supplier", "By supplier"),
)
_OUTCOMES = {
    "delivered": "delivered",
    "overdue": say("not_there_yet_all_dates"),
    "open": "open",
    "changed": say("ordered_otherwise_afterwards"),
    "cancelled": "cancelled",
    "unpromised": say("not_promised_in_full"),
}


def hindsight_html(report: HindsightReport, names: Names) -> str:
    """Write the page: figures, calibration, groups, what went most wrong."""
    sections = (
        ("Dates kept", hindsight_tiles(report)),
        (say("calibration_of_probabilities"), _calibration(report)),
        *((title, group_table(report, by, names)) for by, title in _GROUPS),
        ("Largest misses", missed_table(report, names)),
        (say("outcome_of_the_lines"), _outcomes(report)),
    )
    facts = [
        ("Orders", f"{report.start} to {report.finish}"),
        ("Lines", number(report.lines.height)),
        ("Known at", f"{when(report.known_at, names.zone, year=True)} ({names.zone})"),
    ]
    trust = (
        f"Study <b>{escape(report.name)}</b>",
        say("kept_means_at_most_h", f"{report.tolerance_hours:g}"),
        f"Medhavi <b>{escape(report.package_version)}</b>",
        "medhavi study run again gives the same page.",
    )
    head = header(say("promises_in_hindsight"), facts)
    return standalone(f"{report.name}: hindsight", head, sections, trust)


def hindsight_tiles(report: HindsightReport) -> str:
    """Figures of all lines together as tiles."""
    row = report.overall()
    if not row["judged"]:
        return empty(say("nothing_can_be_judged_yet"), say("no_line_of_these_days"))
    band = f"{percent(row['met_low'])} to {percent(row['met_high'])}"
    tiles = (
        Tile(
            label=say("kept_our_date"),
            figure=percent(row["met"]),
            note=f"{band}; stated {percent(row['met_said'] or 0.0)}",
        ),
        Tile(
            label=say("kept_the_date_promised_then"),
            figure=percent(row["met_then"]),
            note=f"{count(row['judged'], 'line')} judged",
        ),
        Tile(
            label=say("median_distance"),
            figure=_days(row["bias_days"]),
            note=say("then_days_off", _days(row["bias_days_then"])),
        ),
        Tile(
            label=say("by_requested_date"),
            figure=percent(row["on_time"]),
            note=f"stated {percent(row['on_time_said'])}",
        ),
    )
    return tiles_html(tiles)


def _calibration(report: HindsightReport) -> str:
    chart = calibration_chart(report)
    if chart is None:
        return empty(say("no_probability_to_judge"), say("choose_earlier_days"))
    words = f'<p class="muted small">{say("a_dot_on_the_dashed")}</p>'
    return (
        f"<figure><h3>{escape(title_of(chart))}</h3>"
        f'<div class="mv-chart">{drawing(untitled(chart))}</div></figure>{words}'
    )


def ordered_rows(orders: pl.DataFrame, names: Names) -> list[dict[str, str]]:
    """What was ordered, promised and delivered in names and local times.

    Parameters
    ----------
    orders
        Gold table order_line_observations.
    """
    moments = {
        grid_columns.DUE: "due",
        grid_columns.PLACED: "placed_at",
        grid_columns.PROMISED_THEN: "promised_then",
        grid_columns.DELIVERED: "delivered_at",
    }
    return [
        {
            grid_columns.LINE: row["demand"],
            grid_columns.CUSTOMER: names.name(row["customer"]),
            grid_columns.PRODUCT: names.name(row["product"]),
            grid_columns.QUANTITY: quantity(row["qty"], names.unit(row["product"])),
            grid_columns.PLACE: names.name(row["location"]),
        }
        | {
            head: when(row[column], names.zone_of(row["location"]), year=True)
            for head, column in moments.items()
        }
        for row in orders.iter_rows(named=True)
    ]


def group_table(report: HindsightReport, by: str, names: Names) -> str:
    """Groups of one kind as a table, those with the most lines first."""
    rows = report.groups.filter((pl.col("by") == by) & (pl.col("judged") > 0)).sort(
        pl.col("judged"), pl.col("name"), descending=[True, False]
    )
    if rows.is_empty():
        return empty(say("no_line_can_be_judged"), say("no_line_passed"))
    figures = (
        say("column_lines"),
        say("column_kept_ours"),
        say("column_kept_then"),
        say("median_distance"),
        say("tile_then"),
        say("column_in_time"),
    )
    cells = [
        (
            names.html(row["name"]),
            f"{row['judged']:,}",
            percent(row["met"]),
            percent(row["met_then"]),
            _days(row["bias_days"]),
            _days(row["bias_days_then"]),
            f"{percent(row['on_time'])} (said {percent(row['on_time_said'])})",
        )
        for row in rows.head(MOST_ROWS).iter_rows(named=True)
    ]
    return table_html((by.capitalize(), *figures), cells, figures) + _more(rows)


def missed_table(report: HindsightReport, names: Names) -> str:
    """Lines whose delivery was latest against our date."""
    rows = report.lines.filter(
        pl.col("met").is_not_null() & ~pl.col("met") & pl.col("days_off").is_not_null()
    ).sort(pl.col("days_off"), pl.col("demand"), descending=[True, False])
    if rows.is_empty():
        return empty(say("no_date_was_missed"), say("every_judged_line_came"))
    figures = (say("column_late_of_all"),)
    cells = [
        (
            escape(row["demand"]),
            names.html(row["customer"]),
            names.html(row["product"]),
            _moment(row, "promise", names),
            _moment(row, "promised_then", names),
            _moment(row, "delivered_at", names),
            _days(row["days_off"]),
        )
        for row in rows.head(MOST_ROWS).iter_rows(named=True)
    ]
    head = (
        say("column_line"),
        say("column_customer"),
        say("column_product"),
        say("column_ours"),
        say("column_promised_then"),
        say("delivered"),
        say("column_late_of_all"),
    )
    return table_html(head, cells, figures) + _more(rows)


def _outcomes(report: HindsightReport) -> str:
    counts = dict(report.lines.group_by("outcome").len().iter_rows())
    cells = [
        (escape(words), f"{counts[outcome]:,}")
        for outcome, words in _OUTCOMES.items()
        if outcome in counts
    ]
    return table_html(
        (say("column_outcome"), say("column_lines")), cells, (say("column_lines"),)
    )


def _moment(row: Mapping[str, Any], column: str, names: Names) -> str:
    return escape(when(row[column], names.zone_of(row["location"])))


def _days(value: float | None) -> str:
    """Distance in days, signed: late is positive.

    >>> _days(1.25), _days(-2.0), _days(None) == NOTHING
    ('+1 d 6 h', '\N{MINUS SIGN}2 d', True)
    """
    if value is None:
        return NOTHING
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return sign + duration(24 * abs(value))


def _more(rows: pl.DataFrame) -> str:
    rest = rows.height - MOST_ROWS
    if rest <= 0:
        return ""
    return f'<p class="muted small">{say("and_more_in_the_tables", rest)}</p>'


_STANDALONE = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:32px 24px;max-width:1100px;background:var(--mv-page)}
main,section{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}main{gap:40px}
figure{margin:0;display:grid;gap:8px;min-width:0}footer{margin-top:40px}
@media (max-width:520px){body.mv{padding:20px 16px}.mv h1{font-size:24px}}
@media print{.mv-card{break-inside:avoid}}
"""


def standalone(
    title: str,
    head: str,
    sections: Iterable[tuple[str, str]],
    trust: Iterable[str],
) -> str:
    """Whole document that needs no network, no script and no server.

    `head`, the bodies of the sections and the parts of the trust line are HTML already.
    """
    body = "".join(
        f"<section><h2>{escape(name)}</h2>{text}</section>" for name, text in sections
    )
    foot = "".join(f"<span>{part}</span>" for part in trust)
    return document(
        title,
        f'<main>{head}{body}</main><footer class="mv-trust">{foot}</footer>',
        rules=_STANDALONE,
    )
