"""One page about a plan that needs no network: tiles, pictures, reasons, tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.urgency import names_of, worst_demands
from medhavi.units import from_seconds
from medhavi.views.charts import drawing, load_chart, past_chart, stock_chart
from medhavi.views.format import day, moment, quantity, share
from medhavi.views.theme import page_style

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from medhavi.results.plan import Plan
    from medhavi.results.urgency import WorstDemand
    from medhavi.snapshot import Snapshot
    from medhavi.views.charts import Picture

_ROWS = 30


def html(plan: Plan, snapshot: Snapshot | None = None) -> str:
    """Write the page.

    Parameters
    ----------
    plan
        A plan with its key figures.
    snapshot
        What it was made from; the page then uses names and local times.
    """
    names = names_of(snapshot) if snapshot is not None else {}
    worst = worst_demands(plan, names)
    parts = [
        _header(plan),
        _tiles(plan),
        _section("What should have begun already?", _worst(worst)),
        _section(
            "What happens to the stock of the first of them?", _stock(plan, worst)
        ),
        _section("Where is the bottleneck?", _picture(load_chart(plan), "No work.")),
        _section("What should a person look at?", _exceptions(plan)),
        _section("What has to be started next?", _next(plan, snapshot, names)),
        _section("What is odd in the data?", _findings(plan)),
        _footer(plan),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Medhavi plan {escape(plan.run.run_id)}</title>"
        f"<style>{page_style()}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _header(plan: Plan) -> str:
    now = "" if plan.run.as_of is None else moment(from_seconds(plan.run.as_of))
    return (
        "<header><h1>Does the plan hold?</h1>"
        f'<p class="muted">mode {escape(plan.run.mode)}, as of {now} UTC</p></header>'
    )


def _tiles(plan: Plan) -> str:
    values = dict(plan.kpis.select("kpi", "value").iter_rows())
    statuses = dict(plan.fulfilment["status"].value_counts().iter_rows())
    late = statuses.get("late", 0) + statuses.get("short", 0)
    missed = late + statuses.get("unplanned", 0)
    past = plan.exceptions.filter(pl.col("code") == ExceptionCode.PAST_DUE_START).height
    tiles = [
        ("on time in full", share(values.get("KPI-28")), ""),
        ("fill rate", share(values.get("KPI-28.fill_rate")), ""),
        ("late, short or unplanned", f"{missed:,}", "bad" if missed else "good"),
        ("starts before now", f"{past:,}", "bad" if past else "good"),
        ("orders", f"{plan.supplies.height:,}", ""),
    ]
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><b class="{mark}">{text}</b>{escape(name)}</div>'
            for name, text, mark in tiles
        )
        + "</div>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _picture(chart: Picture | None, nothing: str) -> str:
    if chart is None:
        return f'<p class="muted">{escape(nothing)}</p>'
    return f'<div class="scroll">{drawing(chart)}</div>'


def _worst(worst: tuple[WorstDemand, ...]) -> str:
    if not worst:
        return '<p class="good">Nothing: every chain can still be kept.</p>'
    parts = [_picture(past_chart(worst), "")]
    for item in worst:
        sentences = "".join(
            f"<li>{escape(line)}</li>" for line in item.explanation.sentences()
        )
        parts.append(
            f"<h3>{escape(item.demand)}: {item.days_ago:g} days ago</h3>"
            f'<ol class="chain">{sentences}</ol>'
        )
    return "".join(parts)


def _stock(plan: Plan, worst: tuple[WorstDemand, ...]) -> str:
    if not worst:
        return '<p class="muted">No demand stands out.</p>'
    first = worst[0]
    place = escape(f"{first.product} at {first.location}")
    chart = stock_chart(plan, first.product, first.location)
    return f'<p class="muted">{place}; dashed: safety</p>' + _picture(
        chart, "It is not kept in stock."
    )


def _exceptions(plan: Plan) -> str:
    counts = plan.exceptions.group_by("code").len().sort("len", descending=True)
    rows = [
        (code, ExceptionCode(code).headline, count, ExceptionCode(code).remedy)
        for code, count in counts.sort("len", "code", descending=[True, False]).rows()
    ]
    return _table(("code", "what", "number", "what to do"), rows, "Nothing.")


def _next(plan: Plan, snapshot: Snapshot | None, names: dict[str, str]) -> str:
    if plan.run.as_of is None:
        return ""
    zones = _zones(snapshot)
    year = from_seconds(plan.run.as_of).year
    soonest = plan.supplies.filter(pl.col("status").is_null()).sort("start", "id")
    if soonest.is_empty():
        soonest = plan.supplies.sort("start", "id")
    rows = [
        (
            row["kind"],
            names.get(row["product"], row["product"]),
            row["location"],
            quantity(row["qty"]),
            _local(row["start"], zones.get(row["location"], "UTC"), year),
            _local(row["finish"], zones.get(row["location"], "UTC"), year),
            row["source"],
        )
        for row in soonest.head(_ROWS).iter_rows(named=True)
    ]
    return _table(
        ("kind", "product", "at", "quantity", "start", "there", "source"),
        rows,
        "No orders.",
        caption="local times; first starts first",
    )


def _zones(snapshot: Snapshot | None) -> dict[str, str]:
    if snapshot is None:
        return {}
    return dict(snapshot["locations"].select("location", "timezone").iter_rows())


def _local(instant: dt.datetime | None, zone: str, year: int) -> str:
    return "" if instant is None else day(instant, zone, year)


def _findings(plan: Plan) -> str:
    rows = [(found.code, found.message, found.remedy) for found in plan.findings]
    return _table(("code", "finding", "remedy"), rows[:_ROWS], "Nothing.")


def _footer(plan: Plan) -> str:
    return (
        f"<footer>{escape(str(plan.run))}<br>"
        f"fingerprint <code>{plan.fingerprint}</code></footer>"
    )


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    nothing: str,
    caption: str = "",
) -> str:
    taken = list(rows)
    if not taken:
        return f'<p class="muted">{escape(nothing)}</p>'
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="number">{cell:,}</td>'
            if isinstance(cell, int)
            else f"<td>{escape(str(cell or ''))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in taken
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
